package bundle_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/baseline"
	"redress/internal/bundle"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/publication"
)

const (
	origin    = "log.example/redress"
	incident  = "0192b0a0-0000-7000-8000-000000000001"
	claimIDs  = "0192b0a0-1111-7000-8000-%012d"
	claimants = "0192b0a0-3333-7000-8000-%012d"
	samples   = "0192b0a0-2222-7000-8000-%012d"
)

// shelf is a log kept in memory, as a database would keep it.
type shelf struct {
	hashes []tlog.Hash
	leaves [][]byte
}

func (s *shelf) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(s.hashes)) {
			return nil, fmt.Errorf("hash %d is not stored", x)
		}
		hashes[i] = s.hashes[x]
	}
	return hashes, nil
}

func (s *shelf) ReadLeaves(start, end int64) ([][]byte, error) { return s.leaves[start:end], nil }

func (s *shelf) clone() *shelf { return &shelf{slices.Clone(s.hashes), slices.Clone(s.leaves)} }

// add integrates commitments.
func (s *shelf) add(t testing.TB, commitments ...[]byte) {
	t.Helper()
	hashes, _, err := auditlog.Integrate(int64(len(s.leaves)), commitments, s)
	if err != nil {
		t.Fatal(err)
	}
	s.hashes, s.leaves = append(s.hashes, hashes...), append(s.leaves, commitments...)
}

// keyPair is a key as its owner and its readers keep it.
type keyPair struct{ secret, public string }

func logKey(t testing.TB, seed byte) keyPair {
	t.Helper()
	secret, public, err := auditlog.GenerateLogKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)), origin)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{secret, public}
}

func witnessKey(t testing.TB) keyPair {
	t.Helper()
	secret, public, err := auditlog.GenerateWitnessKey(bytes.NewReader(bytes.Repeat([]byte{9}, 32)), "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{secret, public}
}

func keys(t testing.TB, lines ...string) auditlog.Keys {
	t.Helper()
	k, err := auditlog.ParseKeys(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// readers are whom everybody trusts: the log's key, and a witness.
func readers(t testing.TB) auditlog.Keys {
	return keys(t, "log "+logKey(t, 1).public, "witness "+witnessKey(t).public)
}

// operator runs the service and makes bundles of it. Lies are what it does while it
// still holds the key of the log: everything after them is signed.
type operator struct {
	testing.TB
	lies  lies
	log   *shelf
	clock time.Time
	kept  [][]byte // checkpoints that readers kept
	sign  keyPair

	leaves   []publication.Leaf // as they are at the moment
	earlier  []publication.Earlier
	rule     publication.Rule
	ruleHash string
	restated []publication.Restatement
	sealed   []sealed
	drawn    int // samples
	ended    int // of these
	contents bundle.Contents
	receipts []func() // that fill receipts into contents once the log is complete
	deferred []func() // entries that are logged late
}

type sealed struct {
	root   publication.Hash
	at     time.Time
	leaves []publication.Leaf
}

// lies change what the operator writes down before it is hashed and logged; nil
// ones change nothing.
type lies struct {
	leaves   func(n int, leaves []publication.Leaf) []publication.Leaf
	entry    func(entryType string, facts map[string]any, at *time.Time)
	release  func(n int, r *publication.Release)
	rule     func(document []byte) []byte
	drawn    func(s *publication.Sample)
	results  func(r *bundle.Results)
	restated func(r *publication.Restatement)
	estimate func(document []byte) []byte
	bytes    func(document string, data []byte) []byte
	late     string // the first entry whose type and subject begin so is logged after all others
}

// write logs an entry; its receipt goes to a place once the log is complete.
func (o *operator) write(entryType, subject string, facts map[string]any, receipt *[]byte) {
	o.Helper()
	if late := o.lies.late; late != "" && strings.HasPrefix(entryType+" "+subject, late) {
		o.lies.late = ""
		o.deferred = append(o.deferred, func() { o.write(entryType, subject, facts, receipt) })
		return
	}
	o.clock = o.clock.Add(time.Hour)
	at := o.clock
	if o.lies.entry != nil {
		o.lies.entry(entryType, facts, &at)
	}
	e, err := auditlog.NewEntry(entryType, subject, at, facts)
	if err != nil {
		o.Fatal(err)
	}
	index := int64(len(o.log.leaves))
	o.log.add(o, e.Commitment)
	o.receipts = append(o.receipts, func() { *receipt = o.receipt(e, index) })
}

// fill logs what is of no concern.
func (o *operator) fill(n int) {
	for i := range n {
		o.clock = o.clock.Add(time.Minute)
		e, err := auditlog.NewEntry("claim.note_added", fmt.Sprintf(claimIDs, i), o.clock, nil)
		if err != nil {
			o.Fatal(err)
		}
		o.log.add(o, e.Commitment)
	}
}

// checkpoint signs the log as it stands, and has it cosigned.
func (o *operator) checkpoint() []byte {
	o.Helper()
	signer, err := auditlog.NewSigner(keys(o, "log "+o.sign.public), o.sign.secret)
	if err != nil {
		o.Fatal(err)
	}
	note, err := signer.Sign(int64(len(o.log.leaves)), o.log)
	if err != nil {
		o.Fatal(err)
	}
	return o.cosigned(note, o.clock)
}

// forgetful is a witness's memory that knows nothing.
type forgetful struct{}

func (forgetful) Latest(context.Context, string) ([]byte, error) { return nil, nil }
func (forgetful) Replace(context.Context, string, []byte, []byte) (bool, error) {
	return true, nil
}

func (o *operator) cosigned(note []byte, at time.Time) []byte {
	o.Helper()
	k := keys(o, "log "+o.sign.public, "witness "+witnessKey(o).public)
	witness, err := auditlog.NewWitness(witnessKey(o).secret, forgetful{}, k)
	if err != nil {
		o.Fatal(err)
	}
	line, err := witness.Add(o.Context(), auditlog.AddCheckpoint{Checkpoint: note}.Format(), at)
	if err != nil {
		o.Fatal(err)
	}
	signed, err := k.AddCosignatures(note, line)
	if err != nil {
		o.Fatal(err)
	}
	return signed
}

// receipt proves an entry under the newest checkpoint.
func (o *operator) receipt(e auditlog.Entry, index int64) []byte {
	o.Helper()
	head, err := keys(o, "log "+o.sign.public).Open(o.contents.Log.Head.Checkpoint)
	if err != nil {
		o.Fatal(err)
	}
	r, err := auditlog.NewReceipt(e, index, head, o.log)
	if err != nil {
		o.Fatal(err)
	}
	return r.Format()
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// wrote is a document as the operator makes it, once it has lied about it.
func (o *operator) wrote(document string, data []byte) []byte {
	if o.lies.bytes != nil {
		data = o.lies.bytes(document, data)
	}
	return data
}

func (o *operator) json(v any) []byte {
	o.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		o.Fatal(err)
	}
	return b
}

var salt = []byte("a secret of the incident")

// file lets claims come in.
func (o *operator) file(n int) {
	for range n {
		i := len(o.leaves)
		amount := money.Minor(100_000 + 7_919*(i*i%97))
		o.leaves = append(o.leaves, publication.Leaf{
			ID: publication.SaltedID(salt, fmt.Sprintf(claimIDs, i)),
			Cell: publication.Cell{
				Service: []string{"taxi", "hair", "hair+taxi"}[i%7/3], Sector: []string{"taxi", "salon", "cafe"}[i%5/2],
				Region: []string{"KR-11", "KR-26", "KR-41", "KR-50"}[i%13/4], Month: []string{"2022-10", "2022-11"}[min(1, i/300)], Status: "open",
			},
			Amounts: publication.Amounts{Claimed: amount, Estimated: awardOf(o, i)},
		})
	}
}

// decide approves every third of the open claims below a place.
func (o *operator) decide(below int) {
	for i := range below {
		if l := &o.leaves[i]; l.Status == "open" && i%3 == 0 {
			l.Status, l.Awarded = "approved", l.Estimated
		}
	}
}

func rootOf(t testing.TB, leaves []publication.Leaf) publication.Hash {
	t.Helper()
	var b publication.Builder
	for _, l := range leaves {
		if err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	root, err := b.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root.Hash
}

// seal takes a snapshot.
func (o *operator) seal() {
	o.Helper()
	n := len(o.sealed) + 1
	leaves := slices.Clone(o.leaves)
	publication.Shuffle(leaves, []byte{byte(n)})
	if o.lies.leaves != nil {
		leaves = o.lies.leaves(n, leaves)
	}
	s := sealed{rootOf(o, leaves), o.clock.Add(59 * time.Minute), leaves}
	o.sealed = append(o.sealed, s)
	o.contents.Snapshots = append(o.contents.Snapshots, bundle.Snapshot{Leaves: func(w io.Writer) error {
		return bundle.WriteLeaves(w, slices.Values(leaves))
	}})
	facts := map[string]any{
		"number": n, "snapshot_id": fmt.Sprint("snapshot-", n), "taken_at": s.at.Format("2006-01-02T15:04:05.000000Z07:00"), "root": s.root.String(),
		"currency": "KRW", "rule_version": 1, "rule_hash": o.ruleHash, "statistics_hash": sha(statistics(n)),
		"samples_drawn": o.drawn, "samples_ended": o.ended,
	}
	o.write("snapshot.sealed", incident, facts, &o.contents.Snapshots[n-1].Receipt)
}

func statistics(n int) []byte { return fmt.Appendf(nil, `{"durations":[],"snapshot":%d}`, n) }

// release publishes a snapshot.
func (o *operator) release(snapshot int) {
	o.Helper()
	s := o.sealed[snapshot-1]
	made, err := publication.Publish(publication.Snapshot{
		Incident: incident, Currency: "KRW", At: s.at, Root: s.root, Leaves: slices.Values(s.leaves),
	}, o.rule, o.earlier, o.restated)
	if err != nil {
		o.Fatal(err)
	}
	n := len(o.earlier) + 1
	o.earlier = append(o.earlier, publication.Earlier{Release: made, Leaves: slices.Values(s.leaves)})
	told := copied(o, made)
	if o.lies.release != nil {
		o.lies.release(n, &told)
	}
	data, err := told.JSON()
	if err != nil {
		o.Fatal(err)
	}
	data = o.wrote(fmt.Sprint("release ", n), data)
	o.contents.Releases = append(o.contents.Releases, bundle.Release{Release: data, Statistics: statistics(snapshot)})
	o.write("release.published", incident, map[string]any{
		"number": n, "snapshot": snapshot, "root": s.root.String(), "hash": sha(data), "rule_hash": o.ruleHash, "statistics_hash": sha(statistics(snapshot)),
		"samples_drawn": o.drawn, "samples_ended": o.ended,
	}, &o.contents.Releases[n-1].Receipt)
}

// copied is a release that shares nothing with the other.
func copied(t testing.TB, r publication.Release) (c publication.Release) {
	t.Helper()
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *operator) restate() {
	r := publication.Restatement{Date: "2022-12-20", Release: 1, Measure: publication.Claimed, Reason: lang.T("A claim was counted wrong.", "청구 한 건을 잘못 세었습니다.")}
	o.restated = append(o.restated, r)
	n := len(o.restated)
	if o.lies.restated != nil {
		o.lies.restated(&r)
	}
	data := o.wrote("restatement", o.json(r))
	o.contents.Restatements = append(o.contents.Restatements, bundle.Document{Bytes: data})
	o.write("restatement.made", incident, map[string]any{"number": n, "hash": sha(data)}, &o.contents.Restatements[n-1].Receipt)
}

// sample draws the nth sample from a snapshot, and ends it with what the accountant
// found.
func (o *operator) sample(snapshot, n int) {
	o.Helper()
	s := o.sealed[snapshot-1]
	nonce := fmt.Appendf(nil, "nonce %d of the auditor", n)
	seed, err := publication.Seed(s.root, nonce)
	if err != nil {
		o.Fatal(err)
	}
	drawn, err := publication.Draw(slices.Values(s.leaves), publication.Estimated, 8, seed)
	if err != nil {
		o.Fatal(err)
	}
	if o.lies.drawn != nil {
		o.lies.drawn(&drawn)
	}
	var results bundle.Results
	for i, d := range drawn.Drawn {
		results.Results = append(results.Results, publication.Audited{ID: d.ID, Correct: d.Amount - money.Minor(i%4)*1_000})
	}
	if results.Bound, err = drawn.Bound(results.Results, 95); err != nil {
		o.Fatal(err)
	}
	if o.lies.results != nil {
		o.lies.results(&results)
	}
	o.contents.Samples = append(o.contents.Samples, bundle.Sample{
		Snapshot: snapshot, Number: n, Drawn: o.wrote("drawn", o.json(drawn)), Results: o.wrote("results", o.json(results)),
	})
	sample := &o.contents.Samples[len(o.contents.Samples)-1]
	o.drawn++
	id := fmt.Sprintf(samples, o.drawn)
	o.write("sample.drawn", incident, map[string]any{
		"sample": id, "snapshot": snapshot, "number": n, "root": s.root.String(), "measure": "estimated", "units": 8,
		"nonce": hex.EncodeToString(nonce), "seed": seed.String(), "drawn_hash": sha(sample.Drawn), "samples_drawn": o.drawn, "samples_ended": o.ended,
	}, &sample.DrawnReceipt)
	o.ended++
	facts := map[string]any{
		"sample": id, "snapshot": snapshot, "number": n, "results_hash": sha(sample.Results), "samples_drawn": o.drawn, "samples_ended": o.ended,
	}
	var bound map[string]any
	if err := json.Unmarshal(o.json(results.Bound.Relative(drawn.Total)), &bound); err != nil {
		o.Fatal(err)
	}
	maps.Copy(facts, bound)
	for fact, value := range bound {
		if amount, is := value.(float64); is {
			facts[fact] = int64(amount)
		}
	}
	o.write("sample.ended", incident, facts, &sample.Ended)
}

// documents publishes rule, model and scheme.
func (o *operator) documents() {
	o.Helper()
	document := publication.DefaultRule().Source()
	if o.lies.rule != nil {
		document = o.lies.rule(document)
	}
	var err error
	if o.rule, err = publication.ParseRule(document); err != nil {
		o.Fatal(err)
	}
	o.ruleHash = sha(document)
	model := o.wrote("model", o.json(map[string]string{"calendar": sha([]byte("holidays")), "model": baseline.Model}))
	o.contents.Rules = []bundle.Document{{Bytes: document}}
	o.contents.Models = []bundle.Document{{Bytes: model}}
	o.contents.Schemes = []bundle.Scheme{{ID: "share", Version: 1, Document: bundle.Document{Bytes: scheme}}}
	o.write("rulebook.published", "disclosure_rule", map[string]any{"version": 1, "hash": o.ruleHash}, &o.contents.Rules[0].Receipt)
	o.write("rulebook.published", "model", map[string]any{"version": 1, "hash": sha(model)}, &o.contents.Models[0].Receipt)
	o.write("scheme.published", "share", map[string]any{"version": 1, "hash": sha(scheme)}, &o.contents.Schemes[0].Receipt)
}

// tell is what happens in every bundle of these tests: four snapshots, of which
// three are released, the third with hardly anything new; a correction, two samples
// of the second, and the estimates of the claims that were drawn.
func tell(t testing.TB, l lies) *operator {
	t.Helper()
	o := newOperator(t, l)
	o.documents()
	o.fill(300)
	o.file(420)
	o.seal()
	o.release(1)
	o.kept = append(o.kept, o.checkpoint())
	o.file(60)
	o.decide(480)
	o.seal()
	o.release(2)
	o.restate()
	o.sample(2, 1)
	o.sample(2, 2)
	o.show()
	o.file(1)
	o.seal()
	o.release(3)
	o.fill(30)
	o.file(80)
	o.seal()
	for _, log := range o.deferred {
		log()
	}
	o.publish()
	return o
}

// tellShort is a shorter story for tests that tell it many times.
func tellShort(t testing.TB, l lies) *operator {
	t.Helper()
	o := newOperator(t, l)
	o.documents()
	o.file(30)
	o.seal()
	o.release(1)
	o.restate()
	o.decide(30)
	o.seal()
	o.release(2)
	o.sample(2, 1)
	o.publish()
	return o
}

func newOperator(t testing.TB, l lies) *operator {
	return &operator{
		TB: t, lies: l, log: &shelf{}, clock: time.Date(2022, 12, 1, 0, 0, 0, 0, time.UTC), sign: logKey(t, 1),
		// Receipts are filled in later: the slices must not move.
		contents: bundle.Contents{Incident: incident, Currency: "KRW", Access: bundle.Accountant, Snapshots: make([]bundle.Snapshot, 0, 9),
			Releases: make([]bundle.Release, 0, 9), Restatements: make([]bundle.Document, 0, 9), Samples: make([]bundle.Sample, 0, 9), Estimates: make([]bundle.Estimate, 0, 99)},
	}
}

// publish signs the log as it is and makes all receipts under that.
func (o *operator) publish() {
	o.Helper()
	note := o.checkpoint()
	o.contents.Log = bundle.Log{
		Head: auditlog.Head{Size: int64(len(o.log.leaves)), Checkpoint: note, Cosigned: note}, Tree: o.log,
		Keys: "log " + o.sign.public + "\n",
	}
	o.contents.MadeAt = o.clock.Add(time.Minute)
	for _, fill := range o.receipts {
		fill()
	}
}

// files are the bundle's files in memory.
func (o *operator) files() fstest.MapFS { return filesOf(o, o.contents) }

func filesOf(t testing.TB, c bundle.Contents) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := bundle.Write(func(path string, write func(io.Writer) error) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		files[path] = &fstest.MapFile{Data: b.Bytes()}
		return nil
	}, c)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
)

const origin = "claims.example/log"

func sum(data []byte) []byte {
	hash := sha256.Sum256(data)
	return hash[:]
}

// key is a key pair.
type key struct{ secret, public string }

func newKey(t *testing.T, seed byte, name string, make func(seed *bytes.Reader, name string) (string, string, error)) key {
	t.Helper()
	secret, public, err := make(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)), name)
	if err != nil {
		t.Fatal(err)
	}
	return key{secret, public}
}

func logKey(t *testing.T, seed byte, name string) key {
	return newKey(t, seed, name, func(r *bytes.Reader, name string) (string, string, error) { return auditlog.GenerateLogKey(r, name) })
}

func witnessKey(t *testing.T, seed byte, name string) key {
	return newKey(t, seed, name, func(r *bytes.Reader, name string) (string, string, error) {
		return auditlog.GenerateWitnessKey(r, name)
	})
}

// grown is a log in memory.
type grown struct {
	hashes []tlog.Hash
	size   int64
}

func (g *grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		hashes[i] = g.hashes[x]
	}
	return hashes, nil
}

func (g *grown) add(t *testing.T, commitments ...[]byte) {
	t.Helper()
	hashes, _, err := auditlog.Integrate(g.size, commitments, g)
	if err != nil {
		t.Fatal(err)
	}
	g.hashes, g.size = append(g.hashes, hashes...), g.size+int64(len(commitments))
}

// others are commitments of entries that nobody here knows.
func others(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = sum(fmt.Append(nil, "entry ", i))
	}
	return all
}

// receipts makes receipts of one entry in logs of any size.
type receipts struct {
	entry                auditlog.Entry
	log, next, thief     key
	witnesses            []key
	ordinary             receiptCase // entry 37 of 100, witnessed by two
	checkpoint, unsigned string      // of ordinary: what the log alone signed, and its text
}

func newReceipts(t *testing.T) *receipts {
	t.Helper()
	at := time.Date(2022, 11, 1, 3, 30, 15, 120_000, time.UTC)
	entry, err := auditlog.NewEntry("claim.submitted", "01928a3e-6f5b-7c10-8a44-1f2e3d4c5b6a", at, map[string]any{
		"n": int64(2), "by": "claimant", "state": "submitted", "data": map[string]any{"amount": int64(120_000), "outcome": "estimated", "scheme": "sandbox-2022"},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &receipts{
		entry: entry, log: logKey(t, 1, origin), next: logKey(t, 2, origin), thief: logKey(t, 3, origin),
		witnesses: []key{witnessKey(t, 4, "consumers.example/witness"), witnessKey(t, 5, "paper.example")},
	}
	log, text := l.tree(t, 37, 100)
	l.unsigned, l.checkpoint = text, sign(t, text, l.log)
	l.ordinary = receiptCase{"witnessed", l.receipt(t, log, 37, cosign(t, l.checkpoint, l.log, l.witnesses...)), l.keys(), ""}
	return l
}

// keys is the file of keys.
func (l *receipts) keys(more ...string) string {
	lines := []string{"# keys", "log " + l.log.public}
	for _, w := range l.witnesses {
		lines = append(lines, "witness "+w.public)
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

// tree is a log of a size with the entry at an index, and its checkpoint's text.
func (l *receipts) tree(t *testing.T, index, size int) (*grown, string) {
	t.Helper()
	all := others(size)
	all[index] = l.entry.Commitment
	log := &grown{}
	log.add(t, all...)
	return log, textOf(t, log, origin)
}

func textOf(t *testing.T, log *grown, origin string) string {
	t.Helper()
	root, err := tlog.TreeHash(log.size, log)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.Checkpoint{Origin: origin, TreeSize: log.size, RootHash: root}.Text()
}

func (l *receipts) receipt(t *testing.T, log *grown, index int64, checkpoint string) []byte {
	t.Helper()
	proof, err := auditlog.InclusionProof(index, log.size, log)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.Receipt{LeafIndex: index, Proof: proof, Checkpoint: []byte(checkpoint), Salt: l.entry.Salt, Body: l.entry.Body}.Format()
}

// sign signs any text, as whoever has the keys could.
func sign(t *testing.T, text string, by ...key) string {
	t.Helper()
	var signers []note.Signer
	for _, k := range by {
		s, err := note.NewSigner(k.secret)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, s)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// forgetful is the memory of a witness that signs whatever it is shown.
type forgetful struct{}

func (forgetful) Latest(context.Context, string) ([]byte, error) { return nil, nil }

func (forgetful) Replace(context.Context, string, []byte, []byte) (bool, error) { return true, nil }

// cosign adds the cosignatures of witnesses, a minute apart.
func cosign(t *testing.T, checkpoint string, by key, witnesses ...key) string {
	t.Helper()
	trusted, err := auditlog.ParseKeys("log " + by.public)
	if err != nil {
		t.Fatal(err)
	}
	signed := checkpoint
	for i, w := range witnesses {
		witness, err := auditlog.NewWitness(w.secret, forgetful{}, trusted)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2022, 11, 1, 4, i, 0, 0, time.UTC)
		line, err := witness.Add(t.Context(), auditlog.AddCheckpoint{Checkpoint: []byte(checkpoint)}.Format(), at)
		if err != nil {
			t.Fatal(err)
		}
		signed += string(line)
	}
	return signed
}

// sound are receipts that prove their entry; the first is the ordinary one.
func (l *receipts) sound(t *testing.T) []receiptCase {
	t.Helper()
	log, _ := l.tree(t, 37, 100)
	with := func(checkpoint string) []byte { return l.receipt(t, log, 37, checkpoint) }
	retired := func(size string) string {
		return strings.Replace(l.keys(), l.log.public, l.log.public+" until "+size, 1)
	}
	all := []receiptCase{
		l.ordinary,
		{"unwitnessed", with(l.checkpoint), l.keys(), ""},
		{"witnessed by who is not in the keys", l.ordinary.receipt, "log " + l.log.public, ""},
		{"witnessed by one in the keys", l.ordinary.receipt, "log " + l.log.public + "\r\n\r\n  witness\t" + l.witnesses[1].public + " https://paper.example \r\n", ""},
		{"signed by an unknown key, too", with(sign(t, l.unsigned, l.thief, l.log)), l.keys(), ""},
		{"signed by both keys", with(sign(t, l.unsigned, l.log, l.next)), l.keys("log " + l.next.public), ""},
		{"signed twice by the same key", with(l.checkpoint + strings.SplitAfter(l.checkpoint, "\n\n")[1]), l.keys(), ""},
		{"signed by a key that retired at that size", l.ordinary.receipt, retired("100"), ""},
		{"signed by a key that retired and the next", with(sign(t, l.unsigned, l.log, l.next)), retired("50") + "log " + l.next.public, ""},
		{"signed by the next key alone", with(sign(t, l.unsigned, l.next)), retired("50") + "log " + l.next.public, ""},
	}
	for _, c := range [][2]int{{0, 1}, {0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}, {4, 5}, {3, 6}, {5, 6}, {6, 7}, {7, 8}, {0, 9}, {8, 9}, {511, 513}, {512, 513}, {700, 1000}} {
		log, text := l.tree(t, c[0], c[1])
		all = append(all, receiptCase{fmt.Sprintf("entry %d of %d", c[0], c[1]), l.receipt(t, log, int64(c[0]), sign(t, text, l.log)), l.keys(), ""})
	}
	return all
}

// manipulated are receipts with something wrong, each with its reason.
func (l *receipts) manipulated(t *testing.T) []receiptCase {
	t.Helper()
	log, _ := l.tree(t, 37, 100)
	smaller, smallerText := l.tree(t, 37, 90)
	_, forkText := l.tree(t, 38, 100)
	alien := logKey(t, 9, "other.example/log")
	changed := func(name, want string, change func(r *auditlog.Receipt)) receiptCase {
		r, err := auditlog.ParseReceipt(l.ordinary.receipt)
		if err != nil {
			t.Fatal(err)
		}
		change(&r)
		return receiptCase{name, r.Format(), l.keys(), want}
	}
	signed := func(name, want, checkpoint string) receiptCase {
		return receiptCase{name, l.receipt(t, log, 37, checkpoint), l.keys(), want}
	}
	const unproven, invalid = "inclusion_not_proven", "signature_invalid"
	lines := strings.SplitAfter(string(cosign(t, l.checkpoint, l.log, l.witnesses...)), "\n")
	root := strings.Split(forkText, "\n")[2]
	all := []receiptCase{
		changed("a byte of the salt flipped", unproven, func(r *auditlog.Receipt) { r.Salt[31] ^= 1 }),
		changed("another amount", unproven, func(r *auditlog.Receipt) { r.Body = bytes.Replace(r.Body, []byte("120000"), []byte("920000"), 1) }),
		changed("a byte of the path flipped", unproven, func(r *auditlog.Receipt) { r.Proof[3][7] ^= 0x80 }),
		changed("a hash of the path dropped", unproven, func(r *auditlog.Receipt) { r.Proof = r.Proof[1:] }),
		changed("a hash too many in the path", unproven, func(r *auditlog.Receipt) { r.Proof = append(r.Proof, r.Proof[0]) }),
		changed("two hashes of the path changed over", unproven, func(r *auditlog.Receipt) { r.Proof[0], r.Proof[1] = r.Proof[1], r.Proof[0] }),
		changed("no path", unproven, func(r *auditlog.Receipt) { r.Proof = nil }),
		changed("another index", unproven, func(r *auditlog.Receipt) { r.LeafIndex++ }),
		changed("the index behind the last", "entry_beyond_checkpoint", func(r *auditlog.Receipt) { r.LeafIndex = 100 }),
		changed("an index of 2^60", "entry_beyond_checkpoint", func(r *auditlog.Receipt) { r.LeafIndex = 1 << 60 }),
		changed("an index beyond 2^60", "receipt_malformed", func(r *auditlog.Receipt) { r.LeafIndex = 1<<60 + 1 }),
		signed("the checkpoint of another size", unproven, sign(t, smallerText, l.log)),
		signed("the checkpoint of a fork", unproven, sign(t, forkText, l.log)),
		{"the path of another size", l.receipt(t, smaller, 37, l.checkpoint), l.keys(), unproven},
		signed("another size", invalid, strings.Replace(l.checkpoint, "\n100\n", "\n101\n", 1)),
		signed("another root", invalid, strings.Replace(l.checkpoint, strings.Split(l.unsigned, "\n")[2], root, 1)),
		signed("another name of the log", invalid, strings.Replace(l.checkpoint, origin+"\n", "claims.example/l0g\n", 1)),
		signed("a byte of the signature flipped", invalid, flipSignature(l.checkpoint, 40)),
		signed("the signature of another checkpoint", invalid, l.unsigned+"\n"+strings.SplitAfter(sign(t, forkText, l.log), "\n\n")[1]),
		signed("a byte of a cosignature flipped", invalid, strings.Join(lines[:5], "")+flipSignature(lines[5], 50)+lines[6]),
		signed("another time of a witness", invalid, strings.Join(lines[:5], "")+flipSignature(lines[5], 9)+lines[6]),
		signed("a cosignature cut short", invalid, l.checkpoint+resized(lines[5], 75)),
		signed("a cosignature of a few bytes", invalid, l.checkpoint+resized(lines[5], 6)),
		signed("a signature cut short", invalid, strings.Join(lines[:4], "")+resized(lines[4], 67)),
		signed("a signature of no key", "checkpoint_malformed", strings.Join(lines[:4], "")+resized(lines[4], 4)),
		signed("signed with an unknown key of that name", "checkpoint_unsigned", sign(t, l.unsigned, l.thief)),
		signed("signed by witnesses alone", "checkpoint_unsigned", l.unsigned+"\n"+lines[5]+lines[6]),
		signed("another log's checkpoint", "origin_wrong", sign(t, textOf(t, log, "other.example/log"), alien)),
		{"another log's keys", l.ordinary.receipt, "log " + alien.public, "origin_wrong"},
		{"a key that retired before", l.ordinary.receipt, strings.Replace(l.keys(), l.log.public, l.log.public+" until 99", 1), "log_key_retired"},
		{"two keys that retired before", l.receipt(t, log, 37, sign(t, l.unsigned, l.log, l.next)), "log " + l.log.public + " until 0\nlog " + l.next.public + " until 99", "log_key_retired"},
		signed("a line more in the checkpoint", "checkpoint_malformed", sign(t, l.unsigned+"more\n", l.log)),
		signed("a size with a leading zero", "checkpoint_malformed", sign(t, strings.Replace(l.unsigned, "\n100\n", "\n0100\n", 1), l.log)),
		signed("an empty log with a root", "checkpoint_malformed", sign(t, strings.Replace(l.unsigned, "\n100\n", "\n0\n", 1), l.log)),
		signed("a root that is none", "checkpoint_malformed", sign(t, origin+"\n100\nroot\n", l.log)),
		signed("an origin with spaces", "checkpoint_malformed", sign(t, "my log\n100\n"+root+"\n", l.log)),
		signed("an origin that is a control character", "checkpoint_malformed", sign(t, "\u0085\n100\n"+root+"\n", l.log)),
		signed("no signature", "checkpoint_malformed", l.unsigned+"\n"),
		signed("a signature by nobody", "checkpoint_malformed", l.unsigned+"\n— \n"),
		signed("a hundred and one signatures", "checkpoint_malformed", l.unsigned+"\n"+strings.Repeat(lines[4], 101)),
		signed("a tab in the checkpoint", "checkpoint_malformed", strings.Replace(l.checkpoint, "— ", "—\t", 1)),
		signed("a checkpoint that is no text", "checkpoint_malformed", l.checkpoint+"— \xff\xfe AAAAAAAA\n"),
	}
	return append(all, l.entriesThatAreNone(t)...)
}

// flipSignature flips a bit of a byte in the last signature.
func flipSignature(signed string, at int) string {
	return resign(signed, func(signature []byte) []byte {
		signature[at] ^= 1
		return signature
	})
}

// resized cuts the last signature, with the key's id before it, to some bytes.
func resized(signed string, n int) string {
	return resign(signed, func(signature []byte) []byte { return signature[:n] })
}

func resign(signed string, change func([]byte) []byte) string {
	i := strings.LastIndex(signed, " ") + 1
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signed[i:]))
	if err != nil {
		panic(err)
	}
	return signed[:i] + base64.StdEncoding.EncodeToString(change(signature)) + "\n"
}

// entriesThatAreNone are in the log and say nothing.
func (l *receipts) entriesThatAreNone(t *testing.T) []receiptCase {
	t.Helper()
	const at = `"at":"2022-11-01T03:30:15Z"`
	var all []receiptCase
	for body, want := range map[string]string{
		`no JSON`: "entry_malformed", `[]`: "entry_malformed", `null`: "entry_malformed", `{}`: "entry_malformed", `{` + at + `,"id":"1"}`: "entry_malformed",
		`{` + at + `,"id":1,"subject":"","type":"a"}`: "entry_malformed", `{"at":"noon","id":"1","type":"a"}`: "entry_malformed",
		`{` + at + `,"id":"1","type":"a"}{}`: "entry_malformed", `{` + at + `,"id":"1","type":"a","x":1e999}`: "entry_malformed",
		`{"at":"2022-02-30T03:30:15Z","id":"1","type":"a"}`: "entry_malformed", `{"at":"2022-11-01T24:00:00Z","id":"1","type":"a"}`: "entry_malformed",
		"\ufeff{" + at + `,"id":"1","type":"a"}`:                                               "entry_malformed",
		`{` + at + `,"id":"1","type":"a"}`:                                                     "",
		`{"at":"2022-11-01T12:30:15.120+09:00","id":"1","subject":"<b>&","type":"x.<img>"}`:    "",
		`{"at":"2022-11-01T03:30:15.000000001Z","id":"1","subject":"구","type":"a","x":[1,{}]}`: "",
	} {
		e := auditlog.Entry{Salt: l.entry.Salt, Body: []byte(body), Commitment: auditlog.Commit(l.entry.Salt, []byte(body))}
		log := &grown{}
		log.add(t, e.Commitment)
		r := auditlog.Receipt{Checkpoint: []byte(sign(t, textOf(t, log, origin), l.log)), Salt: e.Salt, Body: e.Body}
		all = append(all, receiptCase{"the entry " + body, r.Format(), l.keys(), want})
	}
	return all
}

// keysThatAreNone are the ordinary receipt under keys with something wrong.
func (l *receipts) keysThatAreNone() []receiptCase {
	const malformed = "log_keys_malformed"
	var all []receiptCase
	for name, keys := range map[string]string{
		"no keys":                         "",
		"comments alone":                  "# log " + l.log.public,
		"witnesses alone":                 "witness " + l.witnesses[0].public,
		"a line of one word":              "log",
		"a key that is none":              "log claims.example/log",
		"a key with a letter changed":     "log " + strings.Replace(l.log.public, "claims", "claimz", 1),
		"a key cut short":                 "log " + l.log.public[:len(l.log.public)-4],
		"the same key twice":              l.keys("log " + l.log.public),
		"the keys of two logs":            l.keys("log " + renamed(l.next)),
		"a witness as a log":              "log " + l.witnesses[0].public,
		"a log as a witness":              "witness " + l.log.public,
		"an unknown word":                 "key " + l.log.public,
		"a witness with too much":         l.keys("witness " + l.witnesses[0].public + " https://a https://b"),
		"until nothing":                   "log " + l.log.public + " until",
		"until a word":                    "log " + l.log.public + " until soon",
		"until a size with a zero before": "log " + l.log.public + " until 0100",
		"until, and more":                 "log " + l.log.public + " until 100 more",
		"no until":                        "log " + l.log.public + " 100",
		"a mark before the first line":    "\ufefflog " + l.log.public,
	} {
		all = append(all, receiptCase{name, l.ordinary.receipt, keys, malformed})
	}
	return all
}

// renamed is a key of another log with the same secret.
func renamed(k key) string {
	_, public, err := auditlog.GenerateLogKey(bytes.NewReader(bytes.Repeat([]byte{2}, 32)), "other.example/log")
	if err != nil || public == k.public {
		panic("a key of another log")
	}
	return public
}

// damaged are the ordinary receipt cut short, rewritten, and with bytes flipped
// here and there, on which page and program have to agree.
func (l *receipts) damaged() []receiptCase {
	good := string(l.ordinary.receipt)
	lines := strings.SplitAfter(good, "\n")
	with := func(i int, line string) string {
		changed := slices.Clone(lines)
		changed[i] = line
		return strings.Join(changed, "")
	}
	const malformed = "receipt_malformed"
	var all []receiptCase
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {"", malformed},
		"another version":           {with(0, "c2sp.org/tlog-proof@v2\n"), malformed},
		"no opening":                {with(1, ""), malformed},
		"an opening of no body":     {with(1, "extra "+base64.StdEncoding.EncodeToString(l.entry.Salt)+"\n"), malformed},
		"an opening in no code":     {with(1, "extra ?\n"), malformed},
		"an opening written badly":  {with(1, "extra "+base64.StdEncoding.EncodeToString(append(l.entry.Salt, "ab"...))[:46]+"F=\n"), malformed},
		"no index":                  {with(2, ""), malformed},
		"a leading zero":            {with(2, "index 037\n"), malformed},
		"a negative index":          {with(2, "index -1\n"), malformed},
		"a hash cut short":          {with(3, lines[3][4:]), malformed},
		"carriage returns":          {strings.ReplaceAll(good, "\n", "\r\n"), malformed},
		"no checkpoint":             {good[:strings.Index(good, "\n\n")], malformed},
		"the first line alone":      {auditlog.ReceiptType + "\n\n", malformed},
		"the last byte missing":     {good[:len(good)-1], "checkpoint_malformed"},
		"half":                      {good[:strings.Index(good, "\n\n")+40], "checkpoint_malformed"},
		"an empty line more":        {good + "\n", "checkpoint_malformed"},
		"something behind":          {good + "more\n", "checkpoint_malformed"},
		"an opening of another key": {with(1, "Extra"+lines[1][5:]), malformed},
	} {
		all = append(all, receiptCase{name, []byte(c.text), l.ordinary.keys, c.want})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for at := random.IntN(8); at < len(good); at += 1 + random.IntN(14) {
		flipped := []byte(good)
		flipped[at] ^= 1 << random.IntN(8)
		all = append(all, receiptCase{fmt.Sprintf("byte %d flipped", at), flipped, l.ordinary.keys, anyCode})
	}
	return all
}

package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
	"redress/internal/fault"
)

// memories is what a witness remembers. race, if set, is called once before the
// next Replace; err is returned by all.
type memories struct {
	sync.Mutex
	notes map[string][]byte
	race  func()
	err   error
}

func (m *memories) Latest(_ context.Context, origin string) ([]byte, error) {
	m.Lock()
	defer m.Unlock()
	return m.notes[origin], m.err
}

func (m *memories) Replace(_ context.Context, origin string, latest, next []byte) (bool, error) {
	if race := m.race; race != nil {
		m.race = nil
		race()
	}
	m.Lock()
	defer m.Unlock()
	if !bytes.Equal(m.notes[origin], latest) {
		return false, nil
	}
	if m.notes == nil {
		m.notes = map[string][]byte{}
	}
	m.notes[origin] = next
	return true, m.err
}

func newWitness(t testing.TB, w key, store auditlog.WitnessStore, logs ...auditlog.Keys) *auditlog.Witness {
	t.Helper()
	witness, err := auditlog.NewWitness(w.secret, store, logs...)
	if err != nil {
		t.Fatal(err)
	}
	return witness
}

func clock() time.Time { return cosignedAt }

// reached is a witness that answers at once.
func reached(t testing.TB, trusted auditlog.Keys, w *auditlog.Witness) (*http.Client, auditlog.WitnessKey) {
	t.Helper()
	k := trusted.Witnesses()[0]
	k.URL = "http://witness.example"
	return &http.Client{Transport: into{w.Handler(clock)}}, k
}

// cosign has a fresh witness cosign a checkpoint.
func cosign(t testing.TB, trusted auditlog.Keys, w key, signed []byte, m *memory) []byte {
	t.Helper()
	client, k := reached(t, trusted, newWitness(t, w, &memories{}, trusted))
	line, err := auditlog.Submit(t.Context(), client, k, signed, 0, m)
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := trusted.AddCosignatures(signed, line)
	if err != nil {
		t.Fatal(err)
	}
	return cosigned
}

// watched is a log with a witness that has cosigned it at 60 entries.
type watched struct {
	log     key
	keys    auditlog.Keys
	m       *memory
	store   *memories
	witness *auditlog.Witness
}

func newWatched(t testing.TB) watched {
	k, w := logKey(t, origin, 1), witnessKey(t, "w1", 2)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	store := &memories{}
	x := watched{k, trusted, logOf(t, 100), store, newWitness(t, w, store, trusted)}
	if _, err := x.witness.Add(t.Context(), x.request(t, x.m, 0, 60), cosignedAt); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x watched) signed(t testing.TB, m *memory, size int64) []byte {
	return sign(t, m.checkpoint(t, size).Text(), x.log)
}

func (x watched) request(t testing.TB, m *memory, from, to int64) []byte {
	t.Helper()
	proof, err := auditlog.ConsistencyProof(from, to, m)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.AddCheckpoint{OldSize: from, Proof: proof, Checkpoint: x.signed(t, m, to)}.Format()
}

func TestTheWitnessAnswersWithTheStatusesOfTheProtocol(t *testing.T) {
	x := newWatched(t)
	fork := x.m.cut(50)
	fork.add(t, commitments(900, 960)...)
	elsewhere, thief := logKey(t, "log.example/other", 5), logKey(t, origin, 6)
	post := func(body []byte) *http.Request {
		return httptest.NewRequest(http.MethodPost, "/add-checkpoint", bytes.NewReader(body))
	}
	with := func(old int64, checkpoint []byte) []byte {
		return auditlog.AddCheckpoint{OldSize: old, Checkpoint: checkpoint}.Format()
	}
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
		body    string // begins so
	}{
		{"another method", httptest.NewRequest(http.MethodGet, "/add-checkpoint", nil), 405, ""},
		{"another path", httptest.NewRequest(http.MethodPost, "/checkpoint", nil), 404, ""},
		{"no request", post(nil), 400, "witness_request_malformed"},
		{"no checkpoint", post([]byte("old 60\n\n")), 400, "checkpoint_malformed"},
		{"too long", post(bytes.Repeat([]byte("old 0\n"), 20_000)), 413, ""},
		{"an unknown log", post(with(0, sign(t, "log.example/other\n5\n"+x.m.checkpoint(t, 5).RootHash.String()+"\n", elsewhere))), 404, "log_not_witnessed"},
		{"an unknown key", post(with(60, sign(t, x.m.checkpoint(t, 60).Text(), thief))), 403, "checkpoint_unsigned"},
		{"a changed checkpoint", post(bytes.Replace(x.request(t, x.m, 60, 100), []byte("\n100\n"), []byte("\n101\n"), 1)), 403, "signature_invalid"},
		{"from a larger size", post(with(70, x.signed(t, x.m, 65))), 400, "witness_request_malformed"},
		{"from nothing", post(x.request(t, x.m, 0, 100)), 409, "60\n"},
		{"from another size", post(x.request(t, x.m, 30, 100)), 409, "60\n"},
		{"a fork", post(x.request(t, fork, 60, 100)), 422, "consistency_not_proven"},
		{"a fork at the same size", post(x.request(t, fork, 60, 60)), 409, "log_forked"},
		{"no proof", post(with(60, x.signed(t, x.m, 100))), 422, "consistency_not_proven"},
		{"the same again", post(x.request(t, x.m, 60, 60)), 200, "— w1 "},
		{"grown", post(x.request(t, x.m, 60, 100)), 200, "— w1 "},
		{"rolled back", post(with(60, x.signed(t, x.m, 60))), 409, "100\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rw := httptest.NewRecorder()
			x.witness.Handler(clock).ServeHTTP(rw, c.request)
			if rw.Code != c.status || !strings.HasPrefix(rw.Body.String(), c.body) {
				t.Errorf("%d %q, want %d %q", rw.Code, rw.Body, c.status, c.body)
			}
			if sized := rw.Header().Get("Content-Type") == "text/x.tlog.size"; sized != strings.HasSuffix(c.body, "0\n") {
				t.Errorf("answered as %s", rw.Header().Get("Content-Type"))
			}
		})
	}
	x.store.err = errors.New("disk full")
	rw := httptest.NewRecorder()
	x.witness.Handler(clock).ServeHTTP(rw, post(x.request(t, x.m, 100, 100)))
	if rw.Code != 500 || strings.Contains(rw.Body.String(), "disk") {
		t.Errorf("a witness without memory answers %d %q", rw.Code, rw.Body)
	}
}

func TestTheWitnessKeepsTheEvidence(t *testing.T) {
	x := newWatched(t)
	if got := x.store.notes[origin]; !bytes.Equal(got, x.signed(t, x.m, 60)) {
		t.Errorf("kept %q, want the log's own signed checkpoint", got)
	}
}

func TestARaceForTheWitnessIsCheckedAgain(t *testing.T) {
	x := newWatched(t)
	x.store.race = func() {
		if _, err := x.witness.Add(t.Context(), x.request(t, x.m, 60, 90), cosignedAt); err != nil {
			t.Fatal(err)
		}
	}
	_, err := x.witness.Add(t.Context(), x.request(t, x.m, 60, 80), cosignedAt)
	if size := (*auditlog.SizeError)(nil); !errors.As(err, &size) || size.TreeSize != 90 {
		t.Errorf("the request that came second: %v; want the size 90", err)
	}
	if got := x.store.notes[origin]; !bytes.Equal(got, x.signed(t, x.m, 90)) {
		t.Errorf("the witness is at %q", got)
	}
}

// Whatever is asked in whatever order, no two checkpoints that a witness signs
// contradict each other.
func TestAWitnessNeverSignsTwoHistories(t *testing.T) {
	x := newWatched(t)
	fork := x.m.cut(50)
	fork.add(t, commitments(900, 960)...)
	rapid.Check(t, func(rt *rapid.T) {
		witness := newWitness(t, witnessKey(t, "w1", 2), &memories{}, x.keys)
		var signed []auditlog.Checkpoint
		for range rapid.IntRange(1, 30).Draw(rt, "requests") {
			m := rapid.SampledFrom([]*memory{x.m, fork}).Draw(rt, "log")
			to := rapid.Int64Range(0, 100).Draw(rt, "to")
			from := rapid.Int64Range(0, to).Draw(rt, "from")
			if len(signed) > 0 && rapid.Bool().Draw(rt, "from the last") {
				from = min(signed[len(signed)-1].TreeSize, to)
			}
			if _, err := witness.Add(t.Context(), x.request(t, m, from, to), cosignedAt); err == nil {
				signed = append(signed, m.checkpoint(t, to))
			}
		}
		for i, c := range signed {
			if i > 0 && c.TreeSize < signed[i-1].TreeSize {
				rt.Fatalf("it signs %d after %d", c.TreeSize, signed[i-1].TreeSize)
			}
		}
		honest := !slices.ContainsFunc(signed, func(c auditlog.Checkpoint) bool { return c != x.m.checkpoint(t, c.TreeSize) })
		forked := !slices.ContainsFunc(signed, func(c auditlog.Checkpoint) bool { return c != fork.checkpoint(t, c.TreeSize) })
		if !honest && !forked {
			rt.Fatal("it signs both histories")
		}
	})
}

func TestAWitnessNeedsItsKey(t *testing.T) {
	w, k := witnessKey(t, "w1", 2), logKey(t, origin, 1)
	for name, secret := range map[string]string{
		"none": "", "the public one": w.public, "a log's": k.secret, "a damaged one": strings.Replace(w.secret, "w1+", "w2+", 1),
	} {
		if _, err := auditlog.NewWitness(secret, &memories{}); err == nil {
			t.Errorf("a witness with %s", name)
		}
	}
	if _, err := auditlog.NewWitness(w.secret, &memories{}, keys(t, "log "+k.public), keys(t, "log "+k.public)); err == nil {
		t.Error("a witness of one log twice")
	}
}

func TestSubmitProvesFromWhereTheWitnessIs(t *testing.T) {
	for _, last := range []int64{0, 30, 60, 70, 100, 500} {
		x := newWatched(t)
		client, k := reached(t, x.keys, x.witness)
		signed := x.signed(t, x.m, 100)
		line, err := auditlog.Submit(t.Context(), client, k, signed, last, x.m)
		if err != nil {
			t.Fatalf("believed at %d: %v", last, err)
		}
		cosigned, err := x.keys.AddCosignatures(signed, line)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.keys.Open(cosigned)
		if err != nil || got.State() != auditlog.Witnessed || !bytes.Equal(cosigned, slices.Concat(signed, line)) {
			t.Errorf("believed at %d, cosigned: %q, %v", last, cosigned, err)
		}
	}
}

// answer is a witness that always answers the same.
func answer(status int, mediaType, body string) http.RoundTripper {
	return into{http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", mediaType)
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	})}
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route")
}

func TestSubmitNamesWhatAWitnessObjects(t *testing.T) {
	x := newWatched(t)
	fork := x.m.cut(50)
	fork.add(t, commitments(900, 960)...)
	foreign := cosign(t, keys(t, "log "+x.log.public, "witness "+witnessKey(t, "w9", 9).public), witnessKey(t, "w9", 9), x.signed(t, x.m, 100), x.m)
	line := string(foreign[len(x.signed(t, x.m, 100)):])
	older, err := x.witness.Add(t.Context(), x.request(t, x.m, 60, 60), cosignedAt)
	if err != nil {
		t.Fatal(err)
	}
	witness := http.RoundTripper(into{x.witness.Handler(clock)})
	for _, c := range []struct {
		name string
		via  http.RoundTripper
		m    *memory
		size int64
		want string
	}{
		{"a log restored from before", witness, x.m.cut(40), 40, "witness_ahead"},
		{"a fork at the same size", witness, fork, 60, "witness_sees_fork"},
		{"a fork that grew", witness, fork, 100, "witness_sees_fork"},
		{"another witness's answer", answer(200, "text/plain", line), x.m, 100, "cosignature_invalid"},
		{"the cosignature of another checkpoint", answer(200, "text/plain", string(older)), x.m, 100, "cosignature_invalid"},
		{"an empty answer", answer(200, "text/plain", ""), x.m, 100, "cosignature_invalid"},
		{"an answer that is no signature", answer(200, "text/plain", "ok\n"), x.m, 100, "cosignature_invalid"},
		{"a conflict without a size", answer(409, "text/plain", "no\n"), x.m, 100, "witness_sees_fork"},
		{"a conflict with a strange size", answer(409, "text/x.tlog.size", "many\n"), x.m, 100, "witness_sees_fork"},
		{"a conflict at the size asked", answer(409, "text/x.tlog.size", "60\n"), x.m, 100, "witness_sees_fork"},
		{"a log it does not know", answer(404, "text/plain", ""), x.m, 100, "witness_refused"},
		{"a key it does not know", answer(403, "text/plain", ""), x.m, 100, "witness_refused"},
		{"out of order", answer(500, "text/plain", ""), x.m, 100, "witness_unreachable"},
		{"not there", unreachable{}, x.m, 100, "witness_unreachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := x.keys.Witnesses()[0]
			k.URL = "http://witness.example/"
			_, err := auditlog.Submit(t.Context(), &http.Client{Transport: c.via}, k, x.signed(t, c.m, c.size), 60, c.m)
			if diff := cmp.Diff([]string{c.want}, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A witness whose size changes with every answer is not followed for ever.
func TestSubmitAsksTwiceAtMost(t *testing.T) {
	x := newWatched(t)
	asked := 0
	restless := into{http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		asked++
		rw.Header().Set("Content-Type", "text/x.tlog.size; charset=utf-8")
		rw.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(rw, "%d\n", asked)
	})}
	k := x.keys.Witnesses()[0]
	k.URL = "http://witness.example"
	_, err := auditlog.Submit(t.Context(), &http.Client{Transport: restless}, k, x.signed(t, x.m, 100), 60, x.m)
	if err == nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestRequestsToAWitnessAreReadStrictly(t *testing.T) {
	x := newWatched(t)
	body := x.request(t, x.m, 60, 100)
	request, err := auditlog.ParseAddCheckpoint(body)
	if err != nil || !bytes.Equal(request.Format(), body) || request.OldSize != 60 || len(request.Proof) == 0 {
		t.Fatalf("read as %+v, %v", request, err)
	}
	hash := request.Proof[0].String() + "\n"
	for name, text := range map[string]string{
		"nothing":           "",
		"no old size":       hash + "\n" + string(request.Checkpoint),
		"a leading zero":    "old 060\n\ncheckpoint",
		"two spaces":        "old  60\n\ncheckpoint",
		"a size in words":   "old sixty\n\ncheckpoint",
		"no empty line":     "old 60\n" + hash,
		"a hash cut short":  "old 60\n" + hash[4:] + "\ncheckpoint",
		"loose last bits":   "old 60\n" + loosen(strings.TrimSpace(hash)) + "\n\ncheckpoint",
		"a carriage return": "old 60\r\n\ncheckpoint",
		"64 hashes":         "old 60\n" + strings.Repeat(hash, 64) + "\ncheckpoint",
	} {
		if a, err := auditlog.ParseAddCheckpoint([]byte(text)); fault.KindOf(err) != fault.Malformed {
			t.Errorf("%s is read as %+v, %v", name, a, err)
		}
	}
}

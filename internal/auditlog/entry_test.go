package auditlog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
)

var (
	seoul = time.FixedZone("KST", 9*60*60)
	// at is in Seoul and to the microsecond, as the clock of a write is.
	at = time.Date(2022, 11, 1, 12, 30, 15, 120_000, seoul)
)

func newEntry(t testing.TB, facts map[string]any) auditlog.Entry {
	t.Helper()
	e, err := auditlog.NewEntry("claim.submitted", "018463d5", at, facts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestBodyIsCanonical(t *testing.T) {
	e := newEntry(t, map[string]any{
		"zulu": []string{"b", "a"}, "alpha": int64(9007199254740991), "n": int64(2), "late": false, "none": nil,
		"data":   map[string]any{"y": 1, "x": map[string]any{"2": true, "10": true}},
		"hash":   "<a&b>", // would be escaped for HTML
		"상태":     "접수",
		"quoted": "a \"b\"\n\t\\ \u2028",
	})
	want := `{"alpha":9007199254740991,"at":"2022-11-01T03:30:15.00012Z","data":{"x":{"10":true,"2":true},"y":1},"hash":"<a&b>","id":"` + e.ID +
		`","late":false,"n":2,"none":null,"quoted":"a \"b\"\n\t\\ \u2028","subject":"018463d5","type":"claim.submitted","zulu":["b","a"],"상태":"접수"}`
	if diff := cmp.Diff(want, string(e.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestBodySaysWhatTheEntryDoes(t *testing.T) {
	e := newEntry(t, nil)
	var body struct{ At, ID, Subject, Type string }
	decode := json.NewDecoder(bytes.NewReader(e.Body))
	decode.DisallowUnknownFields()
	if err := decode.Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.ID != e.ID || body.Subject != e.Subject || body.Type != e.Type || body.At != e.At.Format(time.RFC3339Nano) {
		t.Errorf("entry %+v says %+v", e, body)
	}
	if !e.At.Equal(at) || e.At.Location() != time.UTC {
		t.Errorf("the entry is of %v, want %v in UTC", e.At, at)
	}
	if id, err := uuid.Parse(e.ID); err != nil || id.Version() != 7 {
		t.Errorf("id %q is no UUIDv7: %v", e.ID, err)
	}
}

func TestCommitmentIsTheHashOfZeroSaltAndBody(t *testing.T) {
	e := newEntry(t, map[string]any{"amount": 120000})
	preimage := slices.Concat([]byte{0x00}, e.Salt, e.Body)
	if sum := sha256.Sum256(preimage); !bytes.Equal(e.Commitment, sum[:]) {
		t.Errorf("commitment %x, want %x", e.Commitment, sum)
	}
	// printf '\0''ssssssssssssssssssssssssssssssss''{"type":"claim.filed"}' | sha256sum
	const vector = "7bf459a2687bd8ec5e16f6562bb3ae08c3591e8a884e017a88e67f92681cbdeb"
	if got := hex.EncodeToString(auditlog.Commit(bytes.Repeat([]byte("s"), 32), []byte(`{"type":"claim.filed"}`))); got != vector {
		t.Errorf("commitment %s, want %s", got, vector)
	}
}

func TestEntryOpensUntilABitChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.MapOfN(rapid.StringMatching(`f[a-z]{0,8}`), rapid.OneOf(
			rapid.Int64().AsAny(), rapid.String().AsAny(), rapid.Bool().AsAny(),
		), 0, 5).Draw(t, "facts")
		e, err := auditlog.NewEntry("claim.filed", "018463d5", at, facts)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Opens() {
			t.Fatal("a fresh entry does not open")
		}
		part := rapid.SampledFrom([][]byte{e.Salt, e.Body, e.Commitment}).Draw(t, "part")
		bit := rapid.IntRange(0, 8*len(part)-1).Draw(t, "bit")
		part[bit/8] ^= 1 << (bit % 8)
		if e.Opens() {
			t.Fatal("it opens although a bit has changed")
		}
		part[bit/8] ^= 1 << (bit % 8)
		if !e.Opens() {
			t.Fatal("it does not open although the bit was put back")
		}
	})
}

func TestSaltAndBodyDoNotRunIntoEachOther(t *testing.T) {
	e := newEntry(t, nil)
	moved := e
	moved.Salt, moved.Body = append(slices.Clone(e.Salt), e.Body[0]), e.Body[1:]
	if !bytes.Equal(auditlog.Commit(moved.Salt, moved.Body), e.Commitment) {
		t.Fatal("the two share no preimage; the test shows nothing")
	}
	if moved.Opens() {
		t.Error("a byte of the body passes for one of the salt")
	}
	erased := e
	erased.Salt = nil
	if erased.Opens() {
		t.Error("an entry whose salt was erased opens")
	}
}

func TestEqualFactsHaveDistinctCommitments(t *testing.T) {
	salts, commitments := map[string]bool{}, map[string]bool{}
	const n = 1000
	for range n {
		e := newEntry(t, map[string]any{"state": "submitted"})
		if len(e.Salt) != auditlog.SaltLength {
			t.Fatalf("a salt of %d bytes", len(e.Salt))
		}
		salts[string(e.Salt)], commitments[string(e.Commitment)] = true, true
	}
	if len(salts) != n || len(commitments) != n {
		t.Errorf("%d salts and %d commitments of %d entries", len(salts), len(commitments), n)
	}
}

func TestNewEntryRefusesFactsItCannotLog(t *testing.T) {
	for name, facts := range map[string]map[string]any{
		"at": {"at": "2022"}, "id": {"id": "1"}, "subject": {"subject": "x"}, "type": {"type": nil},
		"a channel": {"c": make(chan int)}, "not a number": {"f": math.NaN()},
	} {
		_, err := auditlog.NewEntry("claim.filed", "018463d5", at, facts)
		if err == nil || !strings.Contains(err.Error(), "claim.filed") {
			t.Errorf("%s: got %v; want an error that names the entry", name, err)
		}
	}
}

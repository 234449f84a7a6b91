package auditlog_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/lang"
)

// receipted is a claimant's entry in a log, and the receipt of it.
type receipted struct {
	watched
	entry   auditlog.Entry
	receipt auditlog.Receipt
}

const claimantIndex = 37

func newReceipted(t testing.TB) receipted {
	t.Helper()
	x := newWatched(t)
	e := newEntry(t, map[string]any{"amount": int64(120_000)})
	m := &memory{}
	m.add(t, commitments(0, claimantIndex)...)
	m.add(t, e.Commitment)
	m.add(t, commitments(claimantIndex+1, 100)...)
	x.m = m
	cosigned := cosign(t, x.keys, witnessKey(t, "w1", 2), x.signed(t, m, 100), m)
	checkpoint, err := x.keys.Open(cosigned)
	if err != nil {
		t.Fatal(err)
	}
	r, err := auditlog.NewReceipt(e, claimantIndex, checkpoint, m)
	if err != nil {
		t.Fatal(err)
	}
	return receipted{x, e, r}
}

func TestAReceiptProvesItsEntry(t *testing.T) {
	x := newReceipted(t)
	p, err := auditlog.VerifyReceipt(x.receipt.Format(), x.keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x.entry, p.Entry); diff != "" {
		t.Errorf("entry (-logged +proven):\n%s", diff)
	}
	if p.LeafIndex != claimantIndex || p.Checkpoint.Checkpoint != x.m.checkpoint(t, 100) || p.Checkpoint.State() != auditlog.Witnessed {
		t.Errorf("proven: entry %d of %+v", p.LeafIndex, p.Checkpoint)
	}
	want := []lang.Text{
		lang.T(`The log log.example/redress holds, as entry 37 of 100 counted from 0, that claim.submitted happened to 018463d5 at 2022-11-01T03:30:15.00012Z. The exact words are: `+string(x.entry.Body),
			`log.example/redress 로그의 항목 100개 가운데 0부터 센 37번에 018463d5에 관한 claim.submitted이(가) 2022-11-01T03:30:15.00012Z에 있었다고 적혀 있습니다. 정확한 내용: `+string(x.entry.Body)),
		lang.T("The log signed this: if the entry is ever missing, changed or given another time, this receipt is the evidence.",
			"로그가 여기에 서명했습니다. 이 항목이 나중에 없어지거나 바뀌거나 시각이 달라지면 이 접수증이 그 증거입니다."),
		lang.T("1 witness(es) saw the same log, and saw it only ever grow: w1 (2022-11-01T03:30:15Z).",
			"증인 1명이 같은 로그를 보았고, 로그가 늘어나기만 했음을 확인했습니다: w1 (2022-11-01T03:30:15Z)."),
		lang.T("It does not prove that what the entry says is true, or that anything was paid.",
			"항목의 내용이 사실이라는 것이나 돈이 지급되었다는 것까지 증명하지는 않습니다."),
	}
	if diff := cmp.Diff(want, p.Statements()); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestAReceiptWithoutWitnessesSaysSo(t *testing.T) {
	x := newReceipted(t)
	x.receipt.Checkpoint = x.signed(t, x.m, 100)
	p, err := auditlog.VerifyReceipt(x.receipt.Format(), x.keys)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Statements()[2]; !strings.Contains(s.EN, "unwitnessed") || !strings.Contains(s.KO, "증인이 없습니다") {
		t.Errorf("it says %q", s)
	}
}

func TestReceiptsAreReadByAnotherImplementation(t *testing.T) {
	x := newReceipted(t)
	var theirs proof.TLogProof
	if err := theirs.Unmarshal(x.receipt.Format()); err != nil {
		t.Fatal(err)
	}
	ours := proof.TLogProof{Index: uint64(x.receipt.LeafIndex), Checkpoint: x.receipt.Checkpoint, ExtraData: slices.Concat(x.entry.Salt, x.entry.Body)}
	for _, h := range x.receipt.Proof {
		ours.Hashes = append(ours.Hashes, h)
	}
	if diff := cmp.Diff(ours, theirs); diff != "" {
		t.Errorf("(-ours +theirs):\n%s", diff)
	}
	if !bytes.Equal(theirs.Marshal(), x.receipt.Format()) {
		t.Error("they write it differently")
	}
}

// The leaf is the record hash of the extra data hashed once more, which is all
// that another verifier has to know of this log.
func TestTheExtraDataIsWhatTheLeafCommitsTo(t *testing.T) {
	x := newReceipted(t)
	commitment := tlog.RecordHash(slices.Concat(x.receipt.Salt, x.receipt.Body))
	if !bytes.Equal(commitment[:], x.entry.Commitment) {
		t.Errorf("commitment %v, want %x", commitment, x.entry.Commitment)
	}
}

func TestAReceiptIsGivenOnlyForWhatIsLogged(t *testing.T) {
	x := newReceipted(t)
	checkpoint, err := x.keys.Open(x.receipt.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	erased := x.entry
	erased.Salt = nil
	for name, c := range map[string]struct {
		entry auditlog.Entry
		index int64
	}{
		"erased":             {erased, claimantIndex},
		"at another index":   {x.entry, claimantIndex + 1},
		"another entry":      {newEntry(t, nil), claimantIndex},
		"beyond the log":     {x.entry, 100},
		"at no index at all": {x.entry, -1},
	} {
		if r, err := auditlog.NewReceipt(c.entry, c.index, checkpoint, x.m); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAManipulatedReceiptIsRefusedWithItsReason(t *testing.T) {
	x := newReceipted(t)
	fork := x.m.cut(50)
	fork.add(t, commitments(900, 950)...)
	thief := logKey(t, origin, 7)
	cosigned := x.receipt.Checkpoint
	signedOnly := x.signed(t, x.m, 100)
	for _, c := range []struct {
		name   string
		change func(r *auditlog.Receipt)
		want   string
	}{
		{"another amount", func(r *auditlog.Receipt) { r.Body = bytes.Replace(r.Body, []byte("120000"), []byte("920000"), 1) }, "inclusion_not_proven"},
		{"another salt", func(r *auditlog.Receipt) { r.Salt = flip(0)(slices.Clone(r.Salt)) }, "inclusion_not_proven"},
		{"another index", func(r *auditlog.Receipt) { r.LeafIndex++ }, "inclusion_not_proven"},
		{"an index beyond the log", func(r *auditlog.Receipt) { r.LeafIndex = 100 }, "entry_beyond_checkpoint"},
		{"another hash in the proof", func(r *auditlog.Receipt) { r.Proof = slices.Clone(r.Proof); r.Proof[2][0] ^= 1 }, "inclusion_not_proven"},
		{"a hash of the proof dropped", func(r *auditlog.Receipt) { r.Proof = r.Proof[1:] }, "inclusion_not_proven"},
		{"two hashes of the proof changed over", func(r *auditlog.Receipt) {
			r.Proof = slices.Clone(r.Proof)
			r.Proof[0], r.Proof[1] = r.Proof[1], r.Proof[0]
		}, "inclusion_not_proven"},
		{"the checkpoint of another size", func(r *auditlog.Receipt) { r.Checkpoint = x.signed(t, x.m, 90) }, "inclusion_not_proven"},
		{"the checkpoint of a fork", func(r *auditlog.Receipt) { r.Checkpoint = x.signed(t, fork, 100) }, "inclusion_not_proven"},
		{"signed with another key", func(r *auditlog.Receipt) { r.Checkpoint = sign(t, x.m.checkpoint(t, 100).Text(), thief) }, "checkpoint_unsigned"},
		{"the root changed", func(r *auditlog.Receipt) {
			r.Checkpoint = bytes.Replace(signedOnly, []byte(x.m.checkpoint(t, 100).RootHash.String()), []byte(fork.checkpoint(t, 100).RootHash.String()), 1)
		}, "signature_invalid"},
		{"the witness's time changed", func(r *auditlog.Receipt) {
			r.Checkpoint = slices.Concat(signedOnly, forge(t, cosigned[len(signedOnly):]))
		}, "signature_invalid"},
		{"an entry of another kind", func(r *auditlog.Receipt) { r.Body = nil }, "receipt_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := x.receipt
			c.change(&r)
			_, err := auditlog.VerifyReceipt(r.Format(), x.keys)
			if diff := cmp.Diff([]string{c.want}, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReceiptsAreReadStrictly(t *testing.T) {
	x := newReceipted(t)
	good := string(x.receipt.Format())
	lines := strings.SplitAfter(good, "\n")
	without := func(i int) string { return strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "") }
	with := func(i int, line string) string {
		changed := slices.Clone(lines)
		changed[i] = line
		return strings.Join(changed, "")
	}
	for name, text := range map[string]string{
		"nothing":               "",
		"another version":       with(0, "c2sp.org/tlog-proof@v2\n"),
		"no first line":         without(0),
		"no opening":            without(1),
		"an opening of no body": with(1, "extra "+base64.StdEncoding.EncodeToString(x.entry.Salt)+"\n"),
		"an opening in no code": with(1, "extra ?\n"),
		"no index":              without(2),
		"a leading zero":        with(2, "index 037\n"),
		"a negative index":      with(2, "index -1\n"),
		"a hash cut short":      with(3, lines[3][4:]),
		"a carriage return":     strings.ReplaceAll(good, "\n", "\r\n"),
		"no checkpoint":         good[:strings.Index(good, "\n\n")],
		"the first line alone":  auditlog.ReceiptType + "\n\n",
	} {
		_, err := auditlog.ParseReceipt([]byte(text))
		if diff := cmp.Diff([]string{"receipt_malformed"}, reasons(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A leaf that no NewEntry made proves nothing in words.
func TestAReceiptOfNoEntryIsRefused(t *testing.T) {
	x := newReceipted(t)
	at := `"at":"2022-11-01T03:30:15Z"`
	for _, body := range []string{
		`no JSON`, `[]`, `{}`, `{` + at + `,"id":"1"}`, `{` + at + `,"id":1,"subject":"","type":"a"}`,
		`{"at":"noon","id":"1","subject":"","type":"a"}`, `{` + at + `,"id":"1","subject":"","type":"a"}{}`,
	} {
		e := auditlog.Entry{Salt: x.entry.Salt, Body: []byte(body), Commitment: auditlog.Commit(x.entry.Salt, []byte(body))}
		m := &memory{}
		m.add(t, e.Commitment)
		checkpoint, err := x.keys.Open(x.signed(t, m, 1))
		if err != nil {
			t.Fatal(err)
		}
		r, err := auditlog.NewReceipt(e, 0, checkpoint, m)
		if err != nil {
			t.Fatal(err)
		}
		_, err = auditlog.VerifyReceipt(r.Format(), x.keys)
		if diff := cmp.Diff([]string{"entry_malformed"}, reasons(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func ExampleReceipt_Format() {
	r := auditlog.Receipt{
		LeafIndex:  1,
		Proof:      []tlog.Hash{{}},
		Checkpoint: []byte("log.example/redress\n2\n…\n\n— log.example/redress …\n"),
		Salt:       make([]byte, auditlog.SaltLength),
		Body:       []byte(`{"type":"claim.filed"}`),
	}
	fmt.Print(string(r.Format()))
	// Output:
	// c2sp.org/tlog-proof@v1
	// extra AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB7InR5cGUiOiJjbGFpbS5maWxlZCJ9
	// index 1
	// AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
	//
	// log.example/redress
	// 2
	// …
	//
	// — log.example/redress …
}

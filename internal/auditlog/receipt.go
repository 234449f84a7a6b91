package auditlog

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
	"redress/internal/lang"
)

// ReceiptType is the first line of a receipt, and .tlog-proof the ending of its
// file (c2sp.org/tlog-proof).
const ReceiptType = "c2sp.org/tlog-proof@v1"

// Receipt proves offline that an entry is in the log. It is one text: the proof,
// the checkpoint, and as the proof's extra data the opening of the entry, salt
// and body, without which a leaf says nothing.
type Receipt struct {
	LeafIndex  int64 // from 0
	Proof      []tlog.Hash
	Checkpoint []byte // the signed note, to the byte
	Salt       []byte // SaltLength bytes
	Body       []byte // canonical JSON, as committed to
}

// NewReceipt proves that e is the leaf of that index under the checkpoint, from
// the hashes that r has stored.
func NewReceipt(e Entry, index int64, checkpoint Signed, r tlog.HashReader) (Receipt, error) {
	if !e.Opens() {
		return Receipt{}, fmt.Errorf("entry %s does not open its commitment; its salt was erased or it was changed", e.ID)
	}
	proof, err := InclusionProof(index, checkpoint.TreeSize, r)
	if err != nil {
		return Receipt{}, err
	}
	if err := VerifyInclusion(proof, index, e.Commitment, checkpoint.Checkpoint); err != nil {
		return Receipt{}, err
	}
	return Receipt{index, proof, checkpoint.Note, e.Salt, e.Body}, nil
}

// ReceiptOf proves that an entry is in a stored log, under the newest checkpoint
// that witnesses have cosigned or, where that is older than the entry, under the
// newest of all. While the entry waits for its leaf, the fault is
// receipt_not_ready.
func ReceiptOf(ctx context.Context, r LogReader, entryID string) (Receipt, error) {
	entry, index, err := r.Logged(ctx, entryID)
	if err != nil {
		return Receipt{}, err
	}
	if index < 0 {
		return Receipt{}, notReady()
	}
	if entry.Salt == nil {
		return Receipt{}, fault.New(fault.NotFound, "entry_erased",
			"What this entry says was erased; its commitment stays in the log as entry %d.", "이 항목의 내용은 지워졌습니다. 커밋먼트는 로그의 %d번 항목으로 남아 있습니다.", index)
	}
	head, err := r.LogHead(ctx)
	if err != nil {
		return Receipt{}, err
	}
	for _, note := range [][]byte{head.Cosigned, head.Published()} {
		if note == nil {
			continue
		}
		checkpoint, err := unverified(note)
		if err != nil {
			return Receipt{}, err
		}
		if index < checkpoint.TreeSize {
			return NewReceipt(entry, index, Signed{Checkpoint: checkpoint, Note: note}, r.LogTree(ctx))
		}
	}
	return Receipt{}, notReady()
}

func notReady() error {
	f := fault.New(fault.Conflict, "receipt_not_ready",
		"The entry is stored and not yet under a signed checkpoint; ask again in a second.", "항목이 저장되었으나 아직 서명된 체크포인트에 들어가지 않았습니다. 1초 뒤에 다시 요청하십시오.")
	f.RetryAfter = time.Second
	return f
}

// Format writes the receipt.
func (r Receipt) Format() []byte {
	var b bytes.Buffer
	b.WriteString(ReceiptType + "\n")
	b.WriteString("extra ")
	b.WriteString(base64.StdEncoding.EncodeToString(append(bytes.Clone(r.Salt), r.Body...)))
	fmt.Fprintf(&b, "\nindex %d\n", r.LeafIndex)
	for _, h := range r.Proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return b.Bytes()
}

// ParseReceipt reads a receipt as Format writes it. Nothing is verified yet.
func ParseReceipt(data []byte) (Receipt, error) {
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != ReceiptType || len(lines) < 2 {
		return Receipt{}, receiptMalformed(lang.T("it begins with "+ReceiptType+" and ends with a checkpoint after an empty line",
			ReceiptType+"(으)로 시작하고 빈 줄 다음의 체크포인트로 끝나야 합니다"))
	}
	extra, given := strings.CutPrefix(lines[1], "extra ")
	if !given {
		return Receipt{}, receiptMalformed(lang.T("it has no line \"extra\" with salt and body; without them nobody can tell what the entry says",
			"솔트와 본문이 담긴 \"extra\" 줄이 없습니다. 그것 없이는 항목의 내용을 알 수 없습니다"))
	}
	opening, ok := strictBase64(extra)
	if !ok || len(opening) <= SaltLength {
		return Receipt{}, receiptMalformed(lang.F("the line \"extra\" is not a salt of %d bytes and a body in base64", "\"extra\" 줄이 %d바이트 솔트와 본문을 base64로 적은 것이 아닙니다", SaltLength))
	}
	r := Receipt{Checkpoint: []byte(checkpoint), Salt: opening[:SaltLength:SaltLength], Body: opening[SaltLength:]}
	if len(lines) < 3 || !r.parseIndex(lines[2]) {
		return Receipt{}, receiptMalformed(lang.T("the line \"index <number>\" is missing", "\"index <번호>\" 줄이 없습니다"))
	}
	if r.Proof, ok = parseHashes(lines[3:]); !ok {
		return Receipt{}, receiptMalformed(lang.T("a line of the proof is not 32 bytes in base64", "증명의 한 줄이 base64로 적은 32바이트가 아닙니다"))
	}
	return r, nil
}

func (r *Receipt) parseIndex(line string) (ok bool) {
	number, given := strings.CutPrefix(line, "index ")
	r.LeafIndex, ok = parseSize(number)
	return given && ok
}

func receiptMalformed(why lang.Text) error {
	return fault.New(fault.Malformed, "receipt_malformed", "The receipt cannot be read: %s.", "접수증을 읽을 수 없습니다: %s.", why)
}

// Proven is what a receipt proves.
type Proven struct {
	Entry      Entry
	LeafIndex  int64 // from 0
	Checkpoint Signed
}

// VerifyReceipt checks a receipt against the keys of the log and its witnesses:
// signatures, the way from the leaf to the signed root, and that the leaf says
// what the receipt does.
func VerifyReceipt(data []byte, k Keys) (Proven, error) {
	r, err := ParseReceipt(data)
	if err != nil {
		return Proven{}, err
	}
	checkpoint, err := k.Open(r.Checkpoint)
	if err != nil {
		return Proven{}, err
	}
	if err := VerifyInclusion(r.Proof, r.LeafIndex, Commit(r.Salt, r.Body), checkpoint.Checkpoint); err != nil {
		return Proven{}, err
	}
	entry, err := OpenEntry(r.Salt, r.Body)
	if err != nil {
		return Proven{}, err
	}
	return Proven{entry, r.LeafIndex, checkpoint}, nil
}

// Statements say in words what is proven, who vouches for it, and what is not
// proven.
func (p Proven) Statements() []lang.Text {
	e, c := p.Entry, p.Checkpoint
	texts := []lang.Text{
		lang.F("The log %s holds, as entry %d of %d counted from 0, that %s happened to %s at %s. The exact words are: %s",
			"%[1]s 로그의 항목 %[3]d개 가운데 0부터 센 %[2]d번에 %[5]s에 관한 %[4]s이(가) %[6]s에 있었다고 적혀 있습니다. 정확한 내용: %[7]s",
			c.Origin, p.LeafIndex, c.TreeSize, e.Type, e.Subject, e.At.Format(time.RFC3339Nano), string(e.Body)),
		lang.T("The log signed this: if the entry is ever missing, changed or given another time, this receipt is the evidence.",
			"로그가 여기에 서명했습니다. 이 항목이 나중에 없어지거나 바뀌거나 시각이 달라지면 이 접수증이 그 증거입니다."),
	}
	if len(c.Cosignatures) == 0 {
		texts = append(texts, lang.T(
			"It is unwitnessed: nobody outside has confirmed that everybody is shown the same log.",
			"증인이 없습니다. 모두에게 같은 로그가 보인다는 것을 외부에서 확인한 사람이 없습니다."))
	} else {
		var seen []string
		for _, w := range c.Cosignatures {
			seen = append(seen, fmt.Sprintf("%s (%s)", w.Witness, w.At.Format(time.RFC3339)))
		}
		texts = append(texts, lang.F("%d witness(es) saw the same log, and saw it only ever grow: %s.",
			"증인 %d명이 같은 로그를 보았고, 로그가 늘어나기만 했음을 확인했습니다: %s.", len(seen), strings.Join(seen, ", ")))
	}
	return append(texts, lang.T(
		"It does not prove that what the entry says is true, or that anything was paid.",
		"항목의 내용이 사실이라는 것이나 돈이 지급되었다는 것까지 증명하지는 않습니다."))
}

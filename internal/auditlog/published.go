package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"redress/internal/fault"
	"redress/internal/lang"
)

// Audited is what the verification of a published log came to.
type Audited struct {
	Checkpoint Signed
	Witnessed  *Signed // the newest that witnesses have cosigned; nil where there is none
	Previous   int     // earlier checkpoints that it was held against
}

// VerifyPublished verifies a published log as VerifyTree does, and that it extends
// the checkpoint that it publishes as cosigned, too.
func VerifyPublished(fsys fs.FS, k Keys, previous [][]byte) (Audited, error) {
	a := Audited{Previous: len(previous)}
	note, err := fs.ReadFile(fsys, WitnessedPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Audited{}, fmt.Errorf("read the witnessed checkpoint: %w", err)
	default:
		witnessed, err := k.Open(note)
		if f := fault.As(err); f != nil {
			return Audited{}, fault.InvalidFields([]fault.Field{{Pointer: WitnessedPath, Code: f.Code, Detail: f.Detail}})
		}
		a.Witnessed = &witnessed
		previous = append(previous[:len(previous):len(previous)], note)
	}
	a.Checkpoint, err = VerifyTree(fsys, k, previous, nil)
	if f := fault.As(err); f != nil && a.Witnessed != nil {
		for i := range f.Fields {
			if f.Fields[i].Pointer == fmt.Sprintf("previous:%d", a.Previous) {
				f.Fields[i].Pointer = WitnessedPath
			}
		}
	}
	return a, err
}

// Statements say in words what holds of the log, who vouches for it, and what
// cannot be known from it.
func (a Audited) Statements() []lang.Text {
	c := a.Checkpoint
	texts := []lang.Text{lang.F(
		"The log %s has %d entries. Its key signed this, and all entries and all tiles lead to the root that is signed.",
		"%s 로그의 항목은 %d개입니다. 로그의 키가 여기에 서명했으며, 모든 항목과 타일이 서명된 루트에 이릅니다.", c.Origin, c.TreeSize)}
	if a.Previous > 0 {
		texts = append(texts, lang.F("It begins with all entries of each of the %d earlier checkpoint(s): nothing was removed or changed since.",
			"이전 체크포인트 %d개의 모든 항목으로 시작합니다. 그 뒤로 지워지거나 바뀐 것이 없습니다.", a.Previous))
	} else {
		texts = append(texts, lang.T("Whether it was rewritten since an earlier day cannot be known: no earlier checkpoint was given. Keep today's, and give it next time.",
			"이전 체크포인트가 주어지지 않아 전에 공개된 뒤 고쳐졌는지는 알 수 없습니다. 오늘의 체크포인트를 보관했다가 다음에 함께 주십시오."))
	}
	if a.Witnessed == nil || len(a.Witnessed.Cosignatures) == 0 {
		texts = append(texts, lang.T("It is unwitnessed: that everybody is shown the same log cannot be known.", "증인이 없습니다. 모두에게 같은 로그가 보이는지 알 수 없습니다."))
	} else {
		var seen []string
		for _, w := range a.Witnessed.Cosignatures {
			seen = append(seen, fmt.Sprintf("%s (%s)", w.Witness, w.At.Format(time.RFC3339)))
		}
		texts = append(texts, lang.F("Its first %d entries were seen, and only ever seen to grow, by %d witness(es): %s.",
			"처음 %d개 항목을 증인 %d명이 보았고, 늘어나기만 했음을 확인했습니다: %s.", a.Witnessed.TreeSize, len(seen), strings.Join(seen, ", ")))
	}
	return append(texts, lang.T(
		"What the entries say cannot be known from the log: it holds commitments. A receipt opens one of them. What was never logged is not in it.",
		"로그에는 커밋먼트만 있으므로 항목의 내용은 알 수 없습니다. 내용은 접수증이 엽니다. 처음부터 기록되지 않은 일은 여기에 없습니다."))
}

package claims_test

import (
	"bytes"
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

func TestTheLettersFiguresAreTheDecisions(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			factor, claimed money.Minor
			draft           claims.DecisionDraft
			says            []string
		}{
			"approved": {3, 61_234, approves(61_234), []string{"61,234원", "₩61,234", "50,000원", "₩50,000", "자료로 손실이 확인됩니다", "The evidence shows the loss"}},
			"partly approved": {0, 456_789, with(partly(345_678, 234_567), func(x *claims.DecisionDraft) { x.Note = "영수증 두 장은 인정하지 않음" }),
				[]string{"456,789원", "345,678원", "234,567원", "₩234,567", "추정할 수 없음", "영수증 두 장은 인정하지 않음", "이의신청", "2022년 12월 1일"}},
			"refused":  {0, 98_765, refuses(), []string{"98,765원", "₩98,765", "자료로 손실이 확인되지 않습니다", "1 December 2022"}},
			"rejected": {0, 98_765, rejects(), []string{"빠진 서류가 있습니다", "A document is missing", "다시"}},
		} {
			t.Run(name, func(t *testing.T) {
				f := d.claim(t, c.factor, c.claimed)
				d.decides(t, f, d.reviewer, c.draft)
				letter := must(d.Letter(t.Context(), f.own, f.ID, 0))(t)
				for _, said := range append(c.says, f.Reference, f.claimant.Name, "개인택시", "Kakao", "sandbox-2022") {
					if !strings.Contains(string(letter.Text), said) {
						t.Errorf("the letter does not say %q:\n%s", said, letter.Text)
					}
				}
				if letter.Decision != 1 || letter.TextHash != sha(letter.Text) || letter.PDFHash != sha(letter.PDF) || !bytes.HasPrefix(letter.PDF, []byte("%PDF-")) {
					t.Errorf("the letter about decision %d has the hashes %s and %s", letter.Decision, letter.TextHash, letter.PDFHash)
				}
				if data := d.lastEvent(t, f).Data; data["letter_text_hash"] != letter.TextHash || data["letter_pdf_hash"] != letter.PDFHash {
					t.Errorf("the event says %v", data)
				}
			})
		}
	})
}

func TestTheLetterNamesTheEvidence(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		file := d.evidence(t, f, "sales_proof")
		d.decides(t, f, d.reviewer, with(approves(1_000), func(x *claims.DecisionDraft) { x.Evidence = []string{file} }))
		if made := must(d.Decisions(t.Context(), d.reviewer, f.ID))(t)[0]; len(made.Evidence) != 1 || made.Evidence[0] != file {
			t.Errorf("the decision rests on %v", made.Evidence)
		}
		if letter := must(d.Letter(t.Context(), f.own, f.ID, 1))(t); !strings.Contains(string(letter.Text), "sales_proof") {
			t.Errorf("the letter:\n%s", letter.Text)
		}
	})
}

func TestALetterIsReadByItsClaimantAndForAPurpose(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 1_000)
		read := func(by identity.Actor, n int) func() error {
			return func() error { return failed(d.Letter(t.Context(), by, f.ID, n)) }
		}
		if err := read(f.own, 1)(); err != nil {
			t.Error(err)
		}
		d.refused(t, "another decision's", fault.NotFound, "letter_not_found", read(f.own, 2))
		d.refused(t, "by a stranger", fault.NotFound, "claim_not_found", read(d.stranger, 1))
		d.refused(t, "by an auditor", fault.Forbidden, "role_not_permitted", read(d.as(identity.Auditor), 1))
		d.refused(t, "without a purpose", fault.Invalid, "query:purpose purpose_required", read(d.rival, 1))
		if n := d.counts(t, "reads")["reads"]; n != 0 {
			t.Errorf("%d looks were recorded, want none", n)
		}
		asking := d.rival
		asking.Purpose = "question by telephone"
		if err := read(asking, 1)(); err != nil {
			t.Error(err)
		}
		of := "reads WHERE what = 'letter' AND item = '1' AND person = '" + d.rival.Person + "'"
		if n := d.counts(t, of)[of]; n != 1 {
			t.Errorf("%d looks were recorded, want one", n)
		}
	})
}

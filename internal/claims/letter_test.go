package claims_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

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
			"refused": {0, 98_765, refuses(), []string{"98,765원", "₩98,765", "자료로 손실이 확인되지 않습니다", "1 December 2022"}},
			"rejected": {0, 98_765, rejects(), []string{
				"빠진 서류가 있습니다", "A document is missing", "다시", "> 사업자등록증 사본이 없습니다.", "적힌 것", "심사 금액: 정하지 않음",
			}},
		} {
			t.Run(name, func(t *testing.T) {
				f := d.claim(t, c.factor, c.claimed)
				d.decides(t, f, d.reviewer, c.draft)
				letter := must(d.Letter(t.Context(), f.own, f.ID, 0))(t)
				for _, said := range append(c.says, f.Reference, f.claimant.Name, "차량·계정: 개인택시", "Kakao", "sandbox-2022") {
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

// A proposal that was returned is nothing that the claimant could look for.
func TestALetterNamesNoDecisionThatWasNeverSent(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.reviewer)
		returned := must(d.ReturnDecision(t.Context(), d.senior, f.ID, 1, 0, "근거 부족", anyClaim))(t)
		must(d.Decide(t.Context(), d.reviewer, f.ID, returned.Version, approves(600_000), anyClaim))(t)
		if err := d.approve(t, d.senior, f, 2); err != nil {
			t.Fatal(err)
		}
		first := string(must(d.Letter(t.Context(), f.own, f.ID, 0))(t).Text)
		listed := must(d.Decisions(t.Context(), f.own, f.ID))(t)
		if len(listed) != 1 || listed[0].N != 2 || !strings.Contains(first, "결정 기록: 2번.") || strings.Contains(first, "대신합니다") {
			t.Errorf("the list is %+v, the letter:\n%s", listed, first)
		}

		d.elapse(24 * time.Hour)
		must(d.AmendDecision(t.Context(), d.rival, f.ID, 0, amends(partly(600_000, 400_000)), anyClaim))(t)
		if err := d.approve(t, d.senior, f, 3); err != nil {
			t.Fatal(err)
		}
		second := string(must(d.Letter(t.Context(), f.own, f.ID, 0))(t).Text)
		_, day, _ := strings.Cut(first, "결정일: ")
		day, _, _ = strings.Cut(day, "\n")
		if want := "이 결정은 " + day + "의 결정(지급 결정 금액 600,000원)을 대신합니다."; !strings.Contains(second, want) {
			t.Errorf("%q is missing in\n%s", want, second)
		}
	})
}

// From the estimated shortfall to what is paid, every amount on the way is there.
func TestTheLetterTellsTheSumStepByStep(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 3, 61_234)
		d.decides(t, f, d.reviewer, with(refuses(), func(x *claims.DecisionDraft) { x.Assessed = 61_234 }))
		text := string(must(d.Letter(t.Context(), f.own, f.ID, 0))(t).Text)
		for _, said := range []string{" → 예상 매출 ", ", 손실 ", " → 이익률 ", "%, 손실 ", ", 금액 50,000원\n", "위의 이유로 이와 다르게 결정했습니다."} {
			if !strings.Contains(text, said) {
				t.Errorf("%q is missing in\n%s", said, text)
			}
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

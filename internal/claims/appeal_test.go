package claims_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// evidence puts a file of a slot to the claim, past the service.
func (d *desk) evidence(t testing.TB, f filedClaim, slot string) string {
	t.Helper()
	n := d.counts(t, "evidence_files")["evidence_files"] + 1
	id := fmt.Sprintf("file-%d", n)
	digest := "X'" + hex.EncodeToString(make([]byte, 32)) + "'"
	if d.engine == "postgres" {
		digest = `'\x` + hex.EncodeToString(make([]byte, 32)) + "'"
	}
	_, err := d.raw.ExecContext(t.Context(), fmt.Sprintf(
		"INSERT INTO evidence_files (id, claim_id, claimant_id, slot, type, size, sha256, scan, uploaded_by, uploaded_at) VALUES ('%s', '%s', '%s', '%s', 'text/plain', 1, %s, 'clean', 'key', %d)",
		id, f.ID, f.claimant.ID, slot, digest, d.clock.Now().UnixMicro()))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (d *desk) appeal(t testing.TB, f filedClaim) claims.Claim {
	t.Helper()
	return must(d.FileAppeal(t.Context(), f.own, f.ID, 0, claims.AppealDraft{Grounds: "결정이 부당합니다"}, anyClaim))(t)
}

// upholds is a draft that leaves the decision as it is.
func upholds(draft claims.DecisionDraft) claims.DecisionDraft {
	return with(draft, func(d *claims.DecisionDraft) { d.ErrorCode = claims.NoError })
}

func TestAnAppealIsFiledOnceAndInTime(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f, late, open := d.decided(t, 100_000), d.decided(t, 100_000), d.claim(t, 0, 1)
		attempt := func(f filedClaim, draft claims.AppealDraft) func() error {
			return func() error { return failed(d.FileAppeal(t.Context(), f.own, f.ID, 0, draft, anyClaim)) }
		}
		said := claims.AppealDraft{Grounds: "결정이 부당합니다"}
		d.refused(t, "without grounds", fault.Invalid, "#/grounds text_required", attempt(f, claims.AppealDraft{Grounds: "\n"}))
		d.refused(t, "with a file of another claim", fault.Invalid, "#/files/0 unknown_file",
			attempt(f, claims.AppealDraft{Grounds: "부당", Files: []string{d.evidence(t, late, "expense_receipt")}}))
		d.refused(t, "by a stranger", fault.NotFound, "claim_not_found", func() error {
			return failed(d.FileAppeal(t.Context(), late.own, f.ID, 0, said, anyClaim))
		})
		d.clock.set(f.DueAt.Add(-time.Microsecond))
		got := must(d.FileAppeal(t.Context(), f.own, f.ID, f.Version, said, anyClaim))(t)
		if got.State != claims.Appealed || !got.AppealOpen || got.DueAt != nil || got.Standing != 1 || got.AssignedTo != "" || !got.PromisedAt.Equal(*f.PromisedAt) {
			t.Errorf("appealed: %s, %+v", got.State, got.Desk)
		}
		// Its place in the queue is that of a claim filed now: stakes of 100,000 count
		// five days.
		if want := d.clock.Now().AddDate(0, 0, 30-5); !got.Rank.Equal(want) {
			t.Errorf("rank %s, want %s", got.Rank, want)
		}
		if event := d.lastEvent(t, f); event.Type != "claim.appealed" || strings.Contains(fmt.Sprint(event.Data), "부당") {
			t.Errorf("the event %+v", event)
		}
		d.refused(t, "again", fault.Conflict, "claim_state", attempt(f, said))

		d.clock.set(*late.DueAt)
		d.refused(t, "when the period is over", fault.Conflict, "appeal_period_over", attempt(late, said))
		must(d.Tend(t.Context()))(t)
		if now := d.now(t, late); now.State != claims.Closed || now.DueAt != nil {
			t.Errorf("after its period the claim is %s, due %v", now.State, now.DueAt)
		}
		d.refused(t, "when the claim is closed", fault.Conflict, "claim_state", attempt(late, said))
		d.refused(t, "before a decision", fault.Conflict, "claim_state", attempt(open, said))
	})
}

func TestWhoDecidedDoesNotDecideTheAppeal(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.person(t, identity.Reviewer, d.senior.Person))
		if err := d.approve(t, d.second, f, 1); err != nil {
			t.Fatal(err)
		}
		d.appeal(t, f)
		third := d.person(t, identity.Senior, "p-third")
		for name, by := range map[string]identity.Actor{"the maker": d.senior, "the approver": d.second} {
			d.refused(t, name, fault.Conflict, "excluded_from_claim", func() error {
				return failed(d.Assign(t.Context(), by, f.ID, 0, "", anyClaim))
			})
			d.refused(t, name+", by another", fault.Conflict, "excluded_from_claim", func() error {
				return failed(d.Assign(t.Context(), third, f.ID, 0, by.Person, anyClaim))
			})
			// Even with the claim in hand.
			if _, err := d.raw.ExecContext(t.Context(), fmt.Sprintf("UPDATE claims SET assigned_to = '%s', lease_until = %d WHERE id = '%s'",
				by.Person, d.clock.Now().Add(time.Minute).UnixMicro(), f.ID)); err != nil {
				t.Fatal(err)
			}
			err := failed(d.Decide(t.Context(), by, f.ID, 0, upholds(approves(600_000)), anyClaim))
			refusedAs(t, name, err, fault.Conflict, "excluded_from_claim")
		}
		// The database refuses it, whoever asks.
		_, err := d.raw.ExecContext(t.Context(), fmt.Sprintf(
			`INSERT INTO decisions (claim_id, n, kind, verdict, claimed, assessed, awarded, estimate, reason_code, reason_version, error_code, override,
			 evidence, criteria, policy, from_state, made_by, made_role, made_at, not_by, needs)
			 VALUES ('%s', 2, 'appeal', 'refused', 1, 0, 0, 0, 'x', 1, 'none', '', '[]', '[]', 1, 'appealed', '%s', 'senior', 0, '%[2]s', 0)`, f.ID, d.senior.Person))
		if err == nil {
			t.Error("the database took an appeal decided by the maker")
		}
		if _, err := d.raw.ExecContext(t.Context(), "UPDATE claims SET assigned_to = '', lease_until = NULL"); err != nil {
			t.Fatal(err)
		}
		d.taken(t, f, third)
		got := must(d.Decide(t.Context(), third, f.ID, 0, upholds(approves(600_000)), anyClaim))(t)
		if got.State != claims.Decided {
			t.Errorf("decided by somebody else: %s", got.State)
		}
	})
}

func TestWhoTookPartNeitherApprovesNorReturnsTheAppealsDecision(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 30_000_000, d.senior)
		if err := d.approve(t, d.admin, f, 1); err != nil {
			t.Fatal(err)
		}
		d.appeal(t, f)
		third := d.person(t, identity.Senior, "p-third")
		d.taken(t, f, third)
		if got := must(d.Decide(t.Context(), third, f.ID, 0, upholds(approves(30_000_000)), anyClaim))(t); got.State != claims.AwaitingApproval {
			t.Fatalf("the appeal's decision beyond a senior's authority is %s", got.State)
		}
		for name, by := range map[string]identity.Actor{"the maker": d.senior, "the approver": d.admin} {
			d.refused(t, name+" returning", fault.Conflict, "excluded_from_claim", func() error {
				return failed(d.ReturnDecision(t.Context(), by, f.ID, 2, 0, "다시", anyClaim))
			})
		}
		d.refused(t, "the approver, approving", fault.Conflict, "excluded_from_claim", func() error { return d.approve(t, d.admin, f, 2) })
		if got := must(d.ReturnDecision(t.Context(), d.second, f.ID, 2, 0, "다시", anyClaim))(t); got.State != claims.Appealed {
			t.Errorf("returned by somebody else: %s", got.State)
		}
	})
}

// Who decided and who approved before the appeal leave its outcome alone; who
// decided the appeal may amend it, as anybody their own decision.
func TestWhoTookPartBeforeDoesNotAmendTheAppealsDecision(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.reviewer)
		if err := d.approve(t, d.second, f, 1); err != nil {
			t.Fatal(err)
		}
		d.appeal(t, f)
		d.taken(t, f, d.senior)
		must(d.Decide(t.Context(), d.senior, f.ID, 0, upholds(approves(600_000)), anyClaim))(t)

		lowered := amends(partly(600_000, 1))
		for name, by := range map[string]identity.Actor{"who decided": d.reviewer, "who approved": d.second} {
			d.refused(t, name, fault.Conflict, "excluded_from_claim", func() error {
				return failed(d.AmendDecision(t.Context(), by, f.ID, 0, lowered, anyClaim))
			})
		}
		must(d.AmendDecision(t.Context(), d.senior, f.ID, 0, lowered, anyClaim))(t)
		d.refused(t, "who approved before, approving", fault.Conflict, "excluded_from_claim", func() error { return d.approve(t, d.second, f, 3) })
		if made := must(d.Decisions(t.Context(), d.senior, f.ID))(t)[2]; made.NotBy != d.reviewer.Person {
			t.Errorf("the amendment may be anybody's but %q, want %q", made.NotBy, d.reviewer.Person)
		}
		// What holds in the service holds in the database.
		_, err := d.raw.ExecContext(t.Context(), fmt.Sprintf(
			`INSERT INTO decisions (claim_id, n, kind, verdict, claimed, assessed, awarded, estimate, reason_code, reason_version, error_code, override, evidence, criteria, policy, from_state, made_by, made_role, made_at, not_by, needs)
			 VALUES ('%s', 4, 'amendment', 'refused', 1, 0, 0, 0, 'x', 1, 'none', '', '[]', '[]', 1, 'decided', '%s', 'reviewer', 0, '%[2]s', 1)`, f.ID, d.reviewer.Person))
		if err == nil {
			t.Error("the database took an amendment of the appeal's decision by who decided before")
		}
	})
}

func TestAnAppealIsDecidedByASeniorWithAnErrorCode(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 100_000)
		d.decides(t, f, d.reviewer, partly(100_000, 40_000))
		d.appeal(t, f)
		must(d.Assign(t.Context(), d.senior, f.ID, 0, d.rival.Person, anyClaim))(t)
		d.refused(t, "by a reviewer", fault.Forbidden, "appeal_needs_senior", func() error {
			return failed(d.Decide(t.Context(), d.rival, f.ID, 0, upholds(partly(100_000, 40_000)), anyClaim))
		})
		must(d.PutBack(t.Context(), d.rival, f.ID, 0, anyClaim))(t)
		d.taken(t, f, d.senior)
		attempt := func(draft claims.DecisionDraft) func() error {
			return func() error { return failed(d.Decide(t.Context(), d.senior, f.ID, 0, draft, anyClaim)) }
		}
		d.refused(t, "without an error code", fault.Invalid, "#/error_code unknown_reason", attempt(partly(100_000, 40_000)))
		d.refused(t, "upheld with another amount", fault.Invalid, "#/error_code error_code_mismatch", attempt(upholds(partly(100_000, 40_001))))
		d.refused(t, "upheld with another verdict", fault.Invalid, "#/error_code error_code_mismatch", attempt(upholds(refuses())))
		d.refused(t, "as fixable", fault.Invalid, "#/verdict verdict_not_allowed", attempt(with(rejects(), func(x *claims.DecisionDraft) { x.ErrorCode = "wrong_facts" })))

		won := with(approves(100_000), func(x *claims.DecisionDraft) { x.ErrorCode = "evidence_overlooked" })
		got := must(d.Decide(t.Context(), d.senior, f.ID, 0, won, anyClaim))(t)
		if got.State != claims.Decided || got.Standing != 2 || got.AppealOpen || *got.Awarded != 100_000 || !got.DueAt.Equal(d.clock.Now()) {
			t.Errorf("decided: %s, %+v", got.State, got.Desk)
		}
		if made := must(d.Decisions(t.Context(), d.senior, f.ID))(t)[1]; made.Kind != claims.AppealDecision || made.NotBy != d.reviewer.Person || made.ErrorCode != "evidence_overlooked" {
			t.Errorf("the decision %+v", made)
		}
		letter := must(d.Letter(t.Context(), f.own, f.ID, 2))(t)
		for _, said := range []string{"이미 있던 자료를 반영하지 않았습니다", "had not been taken into account", "100,000원", "다시 이의신청을 하실 수는 없습니다"} {
			if !strings.Contains(string(letter.Text), said) {
				t.Errorf("the letter does not say %q:\n%s", said, letter.Text)
			}
		}
		view := must(d.Appeal(t.Context(), d.senior, f.ID))(t)
		if view.EndedAt == nil || view.Withdrawn || view.Decision != 1 {
			t.Errorf("the appeal %+v", view.AppealCase)
		}
		d.refused(t, "a second appeal", fault.Conflict, "appeal_filed_before", func() error {
			return failed(d.FileAppeal(t.Context(), f.own, f.ID, 0, claims.AppealDraft{Grounds: "다시"}, anyClaim))
		})
		must(d.Tend(t.Context()))(t)
		if now := d.now(t, f); now.State != claims.Closed {
			t.Errorf("after the appeal the claim is %s, want closed", now.State)
		}
	})
}

func TestAWithdrawnAppealLeavesTheDecision(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 100_000)
		d.appeal(t, f)
		d.taken(t, f, d.senior)
		got := must(d.Withdraw(t.Context(), f.own, f.ID, 0, "", anyClaim))(t)
		if got.State != claims.Decided || got.AppealOpen || got.Standing != 1 || *got.Awarded != 100_000 || got.AssignedTo != "" {
			t.Errorf("withdrawn: %s, %+v", got.State, got.Desk)
		}
		if view := must(d.Appeal(t.Context(), f.own, f.ID))(t); !view.Withdrawn || view.EndedAt == nil {
			t.Errorf("the appeal %+v", view.AppealCase)
		}
		d.refused(t, "again", fault.Conflict, "appeal_filed_before", func() error {
			return failed(d.FileAppeal(t.Context(), f.own, f.ID, 0, claims.AppealDraft{Grounds: "다시"}, anyClaim))
		})
	})
}

func TestTheAppealShowsWhatIsNew(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 1, 100_000)
		d.evidence(t, f, "other")
		d.elapse(time.Minute)
		d.decides(t, f, d.reviewer, approves(100_000))
		d.elapse(time.Minute)
		later := d.evidence(t, f, "sales_proof")
		d.appeal(t, f)
		for name, by := range map[string]identity.Actor{"staff": d.senior, "the claimant": f.own} {
			view := must(d.Appeal(t.Context(), by, f.ID))(t)
			if len(view.Evidence) != 1 || view.Evidence[0].ID != later || len(view.Uploads) != 0 || view.Grounds == "" {
				t.Errorf("%s see the evidence %+v and uploads %+v", name, view.Evidence, view.Uploads)
			}
		}
		upload := must(d.Upload(t.Context(), f.own, claims.Upload{ClaimantID: f.claimant.ID, Outlet: "main", Service: "shop", Summary: []byte("{}")}, ordinary(2)))(t)
		if view := must(d.Appeal(t.Context(), d.senior, f.ID))(t); len(view.Uploads) != 1 || view.Uploads[0].ID != upload.ID {
			t.Errorf("the uploads %+v, want %s", view.Uploads, upload.ID)
		}
		if _, err := d.Appeal(t.Context(), d.stranger, f.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a stranger: %v", err)
		}
	})
}

func TestAcceptingClosesTheClaim(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 100_000)
		accept := func(by identity.Actor) func() error {
			return func() error { return failed(d.AcceptDecision(t.Context(), by, f.ID, 0, anyClaim)) }
		}
		d.refused(t, "by a payer", fault.Forbidden, "role_not_permitted", accept(d.as(identity.Payer)))
		d.refused(t, "by a stranger", fault.NotFound, "claim_not_found", accept(d.stranger))
		if err := accept(f.own)(); err != nil {
			t.Fatal(err)
		}
		if now := d.now(t, f); now.State != claims.Closed || now.DueAt != nil || *now.Awarded != 100_000 {
			t.Errorf("accepted: %s, %+v", now.State, now.Desk)
		}
		d.refused(t, "again", fault.Conflict, "claim_state", accept(f.own))
	})
}

func TestAPersonIsAskedForWhereNoneDecided(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.lapsed(t, 3) // lowered to the fixed tier without a person
		if !f.Automatic {
			t.Fatalf("a lapsed claim: %s, %+v", f.State, f.Desk)
		}
		ask := func(f filedClaim) func() error {
			return func() error { return failed(d.AskForPerson(t.Context(), f.own, f.ID, 0, anyClaim)) }
		}
		d.refused(t, "of a person's decision", fault.Conflict, "decision_not_automatic", ask(d.decided(t, 100)))
		d.clock.set(*f.DueAt)
		d.refused(t, "when the period is over", fault.Conflict, "appeal_period_over", ask(f))
		d.clock.set(f.DueAt.Add(-time.Microsecond))
		got := must(d.AskForPerson(t.Context(), f.own, f.ID, f.Version, anyClaim))(t)
		if got.State != claims.Submitted || !got.HumanAsked || got.DueAt != nil || got.Standing != 1 {
			t.Errorf("asked: %s, %+v", got.State, got.Desk)
		}
		// A person may ask for things again; nobody lowers the claim by itself now.
		d.asks(t, f, d.rival)
		d.elapse(15 * 24 * time.Hour)
		must(d.Tend(t.Context()))(t)
		if now := d.now(t, f); now.State != claims.InReview || now.Decisions != 1 {
			t.Errorf("lapsed again: %s after %d decisions", now.State, now.Decisions)
		}
		decided := must(d.Decide(t.Context(), d.rival, f.ID, 0, approves(50_000), anyClaim))(t)
		if decided.Automatic || decided.Standing != 2 || *decided.Awarded != money.Minor(50_000) {
			t.Errorf("decided by a person: %+v", decided.Desk)
		}
		d.appeal(t, f) // the appeal was not used up
	})
}

package claims_test

import (
	"fmt"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// proposed is a claim of that amount whose approval in full waits for a second
// person.
func (d *desk) proposed(t testing.TB, claimed money.Minor, by identity.Actor) filedClaim {
	t.Helper()
	f := d.claim(t, 0, claimed)
	if f.Claim = d.decides(t, f, by, approves(claimed)); f.State != claims.AwaitingApproval {
		t.Fatalf("%d decided by a %s is %s", claimed, by.Role, f.State)
	}
	return f
}

func (d *desk) approve(t testing.TB, by identity.Actor, f filedClaim, n int) error {
	t.Helper()
	return failed(d.ApproveDecision(t.Context(), by, f.ID, n, 0, "", anyClaim))
}

func TestASecondPersonPutsAProposalInForce(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.reviewer)
		d.elapse(time.Hour)
		got := must(d.ApproveDecision(t.Context(), d.senior, f.ID, 1, f.Version, "확인함", anyClaim))(t)
		if got.State != claims.Decided || got.Standing != 1 || *got.Awarded != 600_000 || !got.DecidedAt.Equal(d.clock.Now()) || got.DueAt == nil {
			t.Errorf("approved: %s, %+v", got.State, got.Desk)
		}
		made := must(d.Decisions(t.Context(), d.senior, f.ID))(t)[0]
		if a := made.Approval; a == nil || !a.Approved || a.By != d.senior.Person || a.Maker != d.reviewer.Person || a.Note != "확인함" {
			t.Errorf("the approval %+v", made.Approval)
		}
		shown := must(d.Decisions(t.Context(), f.own, f.ID))(t)
		if len(shown) != 1 || shown[0].MadeBy != "" || shown[0].Approval != nil {
			t.Errorf("the claimant sees %+v", shown)
		}
		must(d.Letter(t.Context(), f.own, f.ID, 1))(t)
		d.refused(t, "approving again", fault.Conflict, "claim_state", func() error { return d.approve(t, d.second, f, 1) })
	})
}

func TestNobodyChecksTheirOwnDecision(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 30_000_000, d.senior)
		twin := d.person(t, identity.Admin, d.senior.Person) // another key, of another role
		for name, by := range map[string]identity.Actor{"by the same key": d.senior, "by another key": twin} {
			d.attempted(t, f, "approving "+name, fault.Forbidden, "own_decision", func() error { return d.approve(t, by, f, 1) })
			d.attempted(t, f, "returning "+name, fault.Forbidden, "own_decision", func() error {
				return failed(d.ReturnDecision(t.Context(), by, f.ID, 1, 0, "다시", anyClaim))
			})
		}
		// The database refuses it, whoever asks.
		_, err := d.raw.ExecContext(t.Context(), fmt.Sprintf(
			"INSERT INTO approvals (claim_id, decision, maker, approved, checked_by, checked_role, checked_at) VALUES ('%s', 1, '%s', 1, '%[2]s', 'admin', 0)", f.ID, d.senior.Person))
		if err == nil {
			t.Error("the database took an approval by the maker")
		}
		if err := d.approve(t, d.admin, f, 1); err != nil {
			t.Errorf("by somebody else: %v", err)
		}
	})
}

func TestTheCheckerNeedsTheAuthority(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		within, above := d.proposed(t, 20_000_000, d.reviewer), d.proposed(t, 20_000_001, d.reviewer)
		d.refused(t, "by a reviewer", fault.Forbidden, "role_not_permitted", func() error { return d.approve(t, d.rival, above, 1) })
		d.attempted(t, above, "by a senior", fault.Forbidden, "above_authority", func() error { return d.approve(t, d.senior, above, 1) })
		if err := d.approve(t, d.senior, within, 1); err != nil {
			t.Errorf("within a senior's authority: %v", err)
		}
		if err := d.approve(t, d.admin, above, 1); err != nil {
			t.Errorf("by an admin: %v", err)
		}
		// Refusing much takes as much authority as awarding it.
		refused := d.claim(t, 0, 20_000_001)
		d.decides(t, refused, d.senior, refuses())
		d.attempted(t, refused, "a refusal", fault.Forbidden, "above_authority", func() error { return d.approve(t, d.second, refused, 1) })
	})
}

func TestWhoFiledAClaimDoesNotApproveIt(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		filed := must(d.File(t.Context(), d.senior, claims.Draft{
			IncidentID: d.incident.ID, ClaimantID: d.merchant.ID, Outlet: "main", Channel: "phone",
			Content: claims.Content{Lines: []claims.LossLine{{Service: "shop", Items: []claims.LossItem{{Kind: "order", At: outage.UTC(), Amount: 600_000}}}}},
		}, true, anyClaim))(t)
		f := filedClaim{Claim: filed, own: d.as(identity.Claimant)}
		d.decides(t, f, d.reviewer, approves(600_000))
		d.refused(t, "approving", fault.Conflict, "excluded_from_claim", func() error { return d.approve(t, d.senior, f, 1) })
		if err := d.approve(t, d.second, f, 1); err != nil {
			t.Error(err)
		}
	})
}

func TestOfManyCheckersOneIsHeard(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.reviewer)
		won := 0
		for _, err := range race(8, func(i int) error {
			by := []identity.Actor{d.senior, d.second, d.admin}[i%3]
			if i%2 == 0 {
				return d.approve(t, by, f, 1)
			}
			return failed(d.ReturnDecision(t.Context(), by, f.ID, 1, 0, "다시", anyClaim))
		}) {
			if err == nil {
				won++
			} else if kind := fault.KindOf(err); kind != fault.Stale && kind != fault.Conflict {
				t.Errorf("a loser was told %v", err)
			}
		}
		if n := d.counts(t, "approvals")["approvals"]; won != 1 || n != 1 {
			t.Errorf("%d won, %d approvals; want one", won, n)
		}
	})
}

func TestAReturnedDecisionGoesBackToItsMaker(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 600_000, d.reviewer)
		send := func(by identity.Actor, n int, note string) (claims.Claim, error) {
			return d.ReturnDecision(t.Context(), by, f.ID, n, 0, note, anyClaim)
		}
		d.refused(t, "without a note", fault.Invalid, "#/note note_required", func() error { return failed(send(d.senior, 1, " ")) })
		d.refused(t, "another decision", fault.NotFound, "decision_not_found", func() error { return failed(send(d.senior, 2, "다시")) })
		d.refused(t, "as a reviewer", fault.Forbidden, "role_not_permitted", func() error { return failed(send(d.rival, 1, "다시")) })
		got := must(send(d.senior, 1, "근거 부족"))(t)
		if got.State != claims.InReview || got.AssignedTo != d.reviewer.Person || !got.LeaseUntil.Equal(d.clock.Now().Add(48*time.Hour)) || got.Standing != 0 {
			t.Errorf("returned: %s, %+v", got.State, got.Desk)
		}
		d.elapse(47 * time.Hour)
		must(d.Decide(t.Context(), d.reviewer, f.ID, got.Version, approves(600_000), anyClaim))(t)
		d.refused(t, "the returned one", fault.Conflict, "decision_not_pending", func() error { return d.approve(t, d.senior, f, 1) })
		if err := d.approve(t, d.senior, f, 2); err != nil {
			t.Error(err)
		}
		if now := d.now(t, f); now.Standing != 2 || now.Decisions != 2 {
			t.Errorf("decision %d of %d stands", now.Standing, now.Decisions)
		}
	})
}

// amends is a draft as an amendment needs it.
func amends(draft claims.DecisionDraft) claims.DecisionDraft {
	return with(draft, func(d *claims.DecisionDraft) { d.ErrorCode, d.Note = "amount_miscalculated", "계산을 바로잡음" })
}

func TestAnAmendmentTakesASecondPersonANoteAndAnError(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 100_000)
		attempt := func(draft claims.DecisionDraft) func() error {
			return func() error { return failed(d.AmendDecision(t.Context(), d.rival, f.ID, 0, draft, anyClaim)) }
		}
		d.refused(t, "without a note", fault.Invalid, "#/note note_required", attempt(with(amends(partly(100_000, 1)), func(d *claims.DecisionDraft) { d.Note = "" })))
		d.refused(t, "without an error", fault.Invalid, "#/error_code unknown_reason", attempt(with(amends(partly(100_000, 1)), func(d *claims.DecisionDraft) { d.ErrorCode = "" })))
		d.refused(t, "with no error", fault.Invalid, "#/error_code error_code_mismatch", attempt(with(amends(partly(100_000, 1)), func(d *claims.DecisionDraft) { d.ErrorCode = "none" })))
		d.refused(t, "as fixable", fault.Invalid, "#/verdict verdict_not_allowed", attempt(amends(rejects())))
		d.refused(t, "above what is claimed", fault.Invalid, "#/override override_required", attempt(amends(approves(100_001))))
		d.refused(t, "as an admin", fault.Forbidden, "role_not_permitted", func() error {
			return failed(d.AmendDecision(t.Context(), d.admin, f.ID, 0, amends(refuses()), anyClaim))
		})

		lowered := must(d.AmendDecision(t.Context(), d.rival, f.ID, 0, amends(partly(100_000, 40_000)), anyClaim))(t)
		if lowered.State != claims.AwaitingApproval || lowered.Standing != 1 || *lowered.Awarded != 100_000 {
			t.Errorf("proposed: %s, %+v", lowered.State, lowered.Desk)
		}
		twin := d.person(t, identity.Senior, d.rival.Person)
		d.attempted(t, f, "its maker's approval", fault.Forbidden, "own_decision", func() error { return d.approve(t, twin, f, 2) })
		d.elapse(24 * time.Hour)
		if err := d.approve(t, d.senior, f, 2); err != nil {
			t.Fatal(err)
		}
		now := d.now(t, f)
		if want := time.Date(2022, 12, 3, 0, 0, 0, 0, seoul); now.Standing != 2 || *now.Awarded != 40_000 || now.Verdict != claims.PartlyApproved || !now.DueAt.Equal(want) {
			t.Errorf("lowered: %+v", now.Desk)
		}
		must(d.AmendDecision(t.Context(), d.reviewer, f.ID, 0, amends(approves(100_000)), anyClaim))(t)
		if err := d.approve(t, d.senior, f, 3); err != nil {
			t.Fatal(err)
		}
		if now := d.now(t, f); now.Standing != 3 || *now.Awarded != 100_000 {
			t.Errorf("raised: %+v", now.Desk)
		}
		if letters := d.counts(t, "letters")["letters"]; letters != 3 {
			t.Errorf("%d letters, want 3", letters)
		}
	})
}

func TestLoweringMuchTakesTheAuthorityForIt(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.proposed(t, 30_000_000, d.senior)
		if err := d.approve(t, d.admin, f, 1); err != nil {
			t.Fatal(err)
		}
		must(d.AmendDecision(t.Context(), d.reviewer, f.ID, 0, amends(partly(30_000_000, 1)), anyClaim))(t)
		d.attempted(t, f, "by a senior", fault.Forbidden, "above_authority", func() error { return d.approve(t, d.second, f, 2) })
	})
}

func TestAReturnedAmendmentLeavesWhatStands(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		open, closed := d.decided(t, 100_000), d.decided(t, 100_000)
		must(d.AcceptDecision(t.Context(), closed.own, closed.ID, 0, anyClaim))(t)
		d.elapse(24 * time.Hour)
		for _, c := range []struct {
			filedClaim
			state claims.State
			due   *time.Time
		}{
			{open, claims.Decided, ptr(time.Date(2022, 12, 3, 0, 0, 0, 0, seoul))}, // the period begins anew: nobody could appeal meanwhile
			{closed, claims.Closed, nil},
		} {
			must(d.AmendDecision(t.Context(), d.rival, c.ID, 0, amends(refuses()), anyClaim))(t)
			if _, err := d.FileAppeal(t.Context(), c.own, c.ID, 0, claims.AppealDraft{Grounds: "부당"}, anyClaim); fault.KindOf(err) != fault.Conflict {
				t.Errorf("an appeal while an amendment is pending: %v", err)
			}
			got := must(d.ReturnDecision(t.Context(), d.senior, c.ID, 2, 0, "근거 없음", anyClaim))(t)
			if got.State != c.state || got.Standing != 1 || *got.Awarded != 100_000 || got.AssignedTo != "" {
				t.Errorf("returned: %s, %+v", got.State, got.Desk)
			}
			if (got.DueAt == nil) != (c.due == nil) || c.due != nil && !got.DueAt.Equal(*c.due) {
				t.Errorf("%s is due %v, want %v", got.State, got.DueAt, c.due)
			}
		}
	})
}

package claims_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// lenient decides without a person whatever no other criterion is against.
func lenient() map[string]any {
	return map[string]any{
		"enabled": true, "max_amount": []any{map[string]any{"currency": "KRW", "amount": 1_000_000}}, "max_score": 1_000,
		"tolerance_basis_points": 0, "min_history_weeks": 0,
	}
}

// straight is lenient with some criteria set otherwise.
func straight(changes map[string]any) map[string]any {
	t := lenient()
	maps.Copy(t, changes)
	return map[string]any{"straight_through": t}
}

func upTo(amount int64) map[string]any {
	return map[string]any{"max_amount": []any{map[string]any{"currency": "KRW", "amount": amount}}}
}

// criteria are those of the newest decision of a claim, by code.
func (s *town) criteria(t testing.TB, c claims.Claim) map[string]claims.Criterion {
	t.Helper()
	decisions := must(s.Decisions(t.Context(), s.as(identity.Reviewer), c.ID))(t)
	byCode := map[string]claims.Criterion{}
	for _, criterion := range decisions[len(decisions)-1].Criteria {
		byCode[criterion.Code] = criterion
	}
	return byCode
}

func TestAnOrdinarySmallClaimIsDecidedAtOnce(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, straight(nil))
		who := s.seller(t, 1)
		c := s.submits(t, who.actor, s.claims(who))
		if c.State != claims.Decided || !c.Automatic || c.Verdict != claims.Approved || *c.Awarded != *c.Estimated || *c.Awarded == 0 || c.Standing != 1 {
			t.Fatalf("%+v", c)
		}
		stored := must(s.Claim(t.Context(), who.actor, c.ID))(t)
		stored.Estimate, c.Estimate = nil, nil
		c.Address = "" // is never given back
		if diff := cmp.Diff(stored, c); diff != "" {
			t.Errorf("(-stored +answered):\n%s", diff)
		}
		d := must(s.Decisions(t.Context(), s.as(identity.Reviewer), c.ID))(t)[0]
		if d.Kind != claims.AutomaticDecision || d.MadeBy != "system" || d.Needs || d.Reason.Code != claims.AgreesWithEstimate || d.From != claims.Submitted {
			t.Errorf("%+v", d)
		}
		for _, criterion := range d.Criteria {
			if !criterion.Held {
				t.Errorf("decided against %+v", criterion)
			}
		}
		events := must(s.Events(t.Context(), who.actor, c.ID))(t)
		last := events[len(events)-1]
		if len(events) != 2 || last.Type != "claim.submitted" || last.Data["verdict"] != "approved" || last.Data["estimate_hash"] == nil || last.N != c.Version {
			t.Errorf("%d events, the last %+v", len(events), last)
		}
		if n := s.counts(t, "covers")["covers"]; n != 1 {
			t.Errorf("%d intervals are covered", n)
		}
	})
}

// Each criterion decides on its own limit and not one beyond it.
func TestStraightThroughHoldsToEachLimit(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.changeIncident(t, func(in *claims.Incident) { in.Filing.LateUntil = ptr(closes.AddDate(1, 0, 0).UTC()) })
		const outlets = 20
		// All outlets of a chain have one history here.
		s.setPolicy(t, map[string]any{"points": map[string]any{"history_copied_weeks": 0}})
		chain := s.chain(t, 1, outlets)
		staff := s.as(identity.Admin) // files for many by their duty
		s.setPolicy(t, straight(nil))
		next := 0
		file := func(t *testing.T, change ...func(*claims.Draft)) claims.Claim {
			t.Helper()
			draft := s.claims(chain, append(change, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", next) })...)
			next++
			return s.submits(t, staff, draft)
		}
		known := s.criteria(t, file(t))
		amount, high, weeks := known["estimated_amount"].Value, known["claimed_amount"].Limit, known["history_weeks"].Value
		if amount == 0 || high == 0 || weeks != 12 {
			t.Fatalf("%+v", known)
		}
		claimed := func(amount int64) func(*claims.Draft) { return items(money.Minor(amount)) }
		for _, c := range []struct {
			name    string
			policy  map[string]any
			change  func(*claims.Draft)
			decided bool
		}{
			{"switched on", nil, nil, true},
			{"switched off", map[string]any{"enabled": false}, nil, false},
			{"the amount at the limit", upTo(amount), nil, true},
			{"the amount above the limit", upTo(amount - 1), nil, false},
			{"another currency's limit", map[string]any{"max_amount": []any{map[string]any{"currency": "USD", "amount": 1_000_000}}}, nil, false},
			{"claimed up to the upper end", nil, claimed(high), true},
			{"claimed above the upper end", nil, claimed(high + 1), false},
			{"claimed within the tolerance", map[string]any{"tolerance_basis_points": 1000}, claimed(high + high/10), true},
			{"claimed beyond the tolerance", map[string]any{"tolerance_basis_points": 1000}, claimed(high + high/10 + 1), false},
			{"costs beyond the upper end", nil, func(d *claims.Draft) {
				d.Expenses = []claims.Expense{{Kind: "added_cost", Amount: money.Minor(high) + 1}}
			}, false},
			{"the history long enough", map[string]any{"min_history_weeks": weeks}, nil, true},
			{"the history too short", map[string]any{"min_history_weeks": weeks + 1}, nil, false},
			{"a service without a history", nil, func(d *claims.Draft) { d.Lines = append(d.Lines, claims.LossLine{Service: "pay"}) }, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				s.setPolicy(t, straight(c.policy))
				change := c.change
				if change == nil {
					change = func(*claims.Draft) {}
				}
				if got := file(t, change); (got.State == claims.Decided) != c.decided || got.Automatic != c.decided {
					t.Errorf("the claim is %s (score %d)", got.State, got.Score)
				}
			})
		}
		t.Run("the score at the limit and above it", func(t *testing.T) {
			changeAccount(t, s, chain)
			for _, limit := range []int{15, 14} {
				s.setPolicy(t, straight(map[string]any{"max_score": limit}))
				if got := file(t); got.Score != 15 || (got.State == claims.Decided) != (limit == 15) {
					t.Errorf("score %d at most %d: the claim is %s", got.Score, limit, got.State)
				}
			}
		})
		t.Run("late", func(t *testing.T) {
			s.setPolicy(t, straight(nil))
			s.clock.set(closes)
			if got := file(t); got.State != claims.Submitted || !got.Late {
				t.Errorf("the claim is %s", got.State)
			}
		})
	})
}

// What a person had in hand, or was asked for, is never decided without one.
func TestAClaimThatWasDecidedBeforeGoesToAPerson(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.seller(t, 1)
		c := s.reject(t, s.submits(t, who.actor, s.claims(who)))
		s.setPolicy(t, straight(nil))
		c = must(s.Submit(t.Context(), who.actor, c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
		if c.State != claims.Submitted {
			t.Errorf("what a person rejected is %s", c.State)
		}

		other := s.seller(t, 2)
		c = s.submits(t, other.actor, s.claims(other))
		if !c.Automatic {
			t.Fatalf("the claim is %s", c.State)
		}
		c = must(s.AskForPerson(t.Context(), other.actor, c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
		if c.State != claims.Submitted || !c.HumanAsked {
			t.Fatalf("a person was asked for; the claim is %s", c.State)
		}
		c = s.reject(t, c)
		c = must(s.Submit(t.Context(), other.actor, c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
		if c.State != claims.Submitted {
			t.Errorf("what a person was asked for is %s", c.State)
		}
	})
}

// One car earns once: a policy that lets everything else pass pays one of two.
func TestOneOfTwoClaimsForOneLossIsDecidedAtOnce(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, straight(nil))
		pair := func(n int) (a, b shop) {
			car := func(c *claims.Claimant) { c.Outlets[0].PlatformID = fmt.Sprintf("car-%d", n) }
			return s.seller(t, n, car), s.seller(t, n+1, car)
		}
		first, second := pair(1)
		if c := s.submits(t, first.actor, s.claims(first)); c.State != claims.Decided {
			t.Fatalf("the first is %s", c.State)
		}
		c := s.submits(t, second.actor, s.claims(second))
		if c.State != claims.Submitted || !slices.Contains(s.flags(t, c), "same_loss") {
			t.Errorf("the second is %s, flagged %v", c.State, s.flags(t, c))
		}

		for n := 10; n < 16; n += 2 {
			first, second := pair(n)
			drafts := []shop{first, second}
			filed := make([]claims.Claim, 2)
			for _, err := range race(2, func(i int) (err error) {
				filed[i], err = s.File(t.Context(), drafts[i].actor, s.claims(drafts[i]), true, claims.Reply[claims.Claim]{})
				return err
			}) {
				if err != nil {
					t.Error(err)
				}
			}
			if decided := number(filed[0].State == claims.Decided) + number(filed[1].State == claims.Decided); decided != 1 {
				t.Errorf("%d of two claims at the same moment were decided: %s and %s", decided, filed[0].State, filed[1].State)
			}
		}
	})
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What a trial says of a policy is what submissions under it did.
func TestATrialFindsWhatSubmissionsFound(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		document := s.setPolicy(t, straight(map[string]any{"max_score": 10, "min_history_weeks": 8, "max_amount": upTo(50_000)["max_amount"]}))
		decided, awarded := 0, money.Minor(0)
		file := func(n, weeks int, change ...func(*claims.Draft)) claims.Claim {
			who := s.shop(t, n)
			s.sells(t, who.actor, who, "main", "shop", honest(uint64(n), weeks))
			c := s.submits(t, who.actor, s.claims(who, change...))
			if c.Automatic {
				decided, awarded = decided+1, awarded+*c.Awarded
			}
			return c
		}
		file(1, 12)
		file(2, 12, items(100_000))
		file(3, 12, items(2_000_000)) // too much claimed, and flagged for it
		file(4, 6)                    // too short
		late := file(5, 12)
		withdrawn := file(6, 7)
		must(s.Withdraw(t.Context(), s.as(identity.Admin), withdrawn.ID, withdrawn.Version, "", claims.Reply[claims.Claim]{}))(t)
		must(s.File(t.Context(), s.as(identity.Admin), s.claims(s.shop(t, 7)), false, claims.Reply[claims.Claim]{}))(t)
		if decided != 3 || !late.Automatic {
			t.Fatalf("%d of the claims were decided", decided)
		}

		try := func(document []byte) claims.Trial {
			t.Helper()
			return must(s.TryPolicy(t.Context(), s.as(identity.Admin), s.incident.ID, document))(t)
		}
		want := claims.Trial{Claims: 5, Decided: 3, Awarded: awarded, Failed: []claims.FailedCriterion{
			{Code: "claimed_amount", Claims: 1}, {Code: "score", Claims: 1}, {Code: "history_weeks", Claims: 1},
		}}
		if diff := cmp.Diff(want, try(document)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		before := s.counts(t, "rulebooks", "entries", "decisions", "reads")
		off := try(s.policyWith(t, map[string]any{"straight_through": map[string]any{"enabled": false}}))
		if off.Decided != 0 || !slices.Contains(off.Failed, claims.FailedCriterion{Code: "straight_through_enabled", Claims: 5}) {
			t.Errorf("a policy that is off: %+v", off)
		}
		// Points are the tried policy's own.
		strict := try(s.policyWith(t, map[string]any{"points": map[string]any{"claimed_above_estimated": 0}, "straight_through": map[string]any{"tolerance_basis_points": 10_000}}))
		if slices.ContainsFunc(strict.Failed, func(f claims.FailedCriterion) bool { return f.Code == "score" }) {
			t.Errorf("without points: %+v", strict)
		}
		if diff := cmp.Diff(before, s.counts(t, slices.Collect(maps.Keys(before))...)); diff != "" {
			t.Errorf("a trial left rows (-before +after):\n%s", diff)
		}
	})
}

// A trial says how far people agree with it, whatever came after a submission.
func TestATrialIsHeldAgainstWhatPeopleDecided(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		decide := func(n int, percent money.Minor) claims.Claim {
			who := s.seller(t, n)
			c := s.submits(t, who.actor, s.claims(who))
			c = must(s.Assign(t.Context(), s.as(identity.Senior), c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
			draft := claims.DecisionDraft{Verdict: claims.Approved, Assessed: *c.Estimated, Awarded: *c.Estimated, Reason: "evidence_shows_loss"}
			if percent < 100 {
				draft.Verdict, draft.Awarded, draft.Reason = claims.PartlyApproved, *c.Estimated*percent/100, "evidence_covers_part"
			}
			return must(s.Decide(t.Context(), s.as(identity.Senior), c.ID, c.Version, draft, claims.Reply[claims.Claim]{}))(t)
		}
		full, half := decide(1, 100), decide(2, 50)
		open := s.seller(t, 3)
		waiting := s.submits(t, open.actor, s.claims(open))
		got := must(s.TryPolicy(t.Context(), s.as(identity.Admin), s.incident.ID, s.policyWith(t, straight(nil))))(t)
		want := claims.Trial{
			Claims: 3, Decided: 3, Awarded: *full.Estimated + *half.Estimated + *waiting.Estimated, PeopleDecided: 2, PeopleAgreed: 1,
			PeopleAwarded: *full.Awarded + *half.Awarded, Difference: *half.Estimated - *half.Awarded, Failed: []claims.FailedCriterion{},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestATrialIsForWhoManagesTheDesk(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		document := s.policyWith(t, nil)
		for _, role := range []identity.Role{identity.Reviewer, identity.Senior, identity.Platform, identity.Auditor} {
			_, err := s.TryPolicy(t.Context(), s.as(role), s.incident.ID, document)
			wants(t, string(role), err, fault.Forbidden, "role_not_permitted")
		}
		_, err := s.TryPolicy(t.Context(), s.as(identity.Claimant), s.incident.ID, document)
		wants(t, "a claimant", err, fault.Forbidden, "role_not_permitted")
		_, err = s.TryPolicy(t.Context(), s.as(identity.Admin), s.incident.ID, []byte(`{"lease_minutes": 0}`))
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("half a policy: %v", err)
		}
		_, err = s.TryPolicy(t.Context(), s.as(identity.Admin), "018463d5-0000-7000-8000-000000000000", document)
		wants(t, "no incident", err, fault.NotFound, "incident_not_found")
	})
}

// A letter about a decision without a person says so, and how to get one.
func TestTheLetterOfAnAutomaticDecisionNamesItsCriteria(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, straight(nil))
		who := s.seller(t, 1)
		c := s.submits(t, who.actor, s.claims(who))
		text := string(must(s.Letter(t.Context(), who.actor, c.ID, 1))(t).Text)
		for _, criterion := range s.criteria(t, c) {
			if strings.Contains(text, criterion.Code) {
				t.Errorf("the letter shows the bare code %s", criterion.Code)
			}
		}
		if !strings.Contains(text, "Ask for it where you filed the claim") || !strings.Contains(text, "매출 이력") {
			t.Errorf("the letter:\n%s", text)
		}
		s.clock.set(c.DueAt.Add(time.Minute))
		must(s.Tend(t.Context()))(t)
		if closed := must(s.Claim(t.Context(), who.actor, c.ID))(t); closed.State != claims.Closed {
			t.Errorf("after the appeal period the claim is %s", closed.State)
		}
	})
}

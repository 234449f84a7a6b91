package claims_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

// byPhone is an answer to all of twoThings.
func byPhone(channel string) claims.Answers {
	return claims.Answers{
		Channel: channel, Items: []claims.ItemAnswer{{Code: "card_totals", Text: "12만 원"}, {Code: "opening_hours", Text: "09시부터 21시"}},
	}
}

func TestWhoJudgesAClaimUsesUpNoneOfItsClaimantsRights(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		verbs := map[string]func(by identity.Actor, f filedClaim) func() error{
			"accept": func(by identity.Actor, f filedClaim) func() error {
				return func() error { return failed(d.AcceptDecision(ctx, by, f.ID, 0, anyClaim)) }
			},
			"appeal": func(by identity.Actor, f filedClaim) func() error {
				draft := claims.AppealDraft{Grounds: "부당", Channel: "phone"}
				return func() error { return failed(d.FileAppeal(ctx, by, f.ID, 0, draft, anyClaim)) }
			},
		}
		for name, verb := range verbs {
			f := d.claim(t, 0, 1_000)
			f.Claim = d.decides(t, f, d.senior, refuses())
			for _, by := range []identity.Actor{d.senior, d.person(t, identity.Reviewer, d.senior.Person)} {
				d.attempted(t, f, name+" by who decided", fault.Forbidden, "judge_for_claimant", verb(by, f))
			}
			d.refused(t, name+" by the platform", fault.Forbidden, "role_not_permitted", verb(d.as(identity.Platform), f))
			if err := verb(d.rival, f)(); err != nil {
				t.Errorf("%s by who took no part: %v", name, err)
			}
		}

		approved := d.proposed(t, 600_000, d.reviewer)
		if err := d.approve(t, d.second, approved, 1); err != nil {
			t.Fatal(err)
		}
		d.attempted(t, approved, "acceptance by who approved", fault.Forbidden, "judge_for_claimant", verbs["accept"](d.second, approved))

		withdraw := func(by identity.Actor, f filedClaim) func() error {
			return func() error { return failed(d.Withdraw(ctx, by, f.ID, 0, "", anyClaim)) }
		}
		mine := d.claim(t, 0, 1_000)
		d.taken(t, mine, d.reviewer)
		d.attempted(t, mine, "withdrawal by who has the claim", fault.Forbidden, "judge_for_claimant", withdraw(d.reviewer, mine))
		d.refused(t, "withdrawal by the platform", fault.Forbidden, "role_not_permitted", withdraw(d.as(identity.Platform), mine))
		if err := withdraw(d.rival, mine)(); err != nil {
			t.Errorf("withdrawal by who has nothing to do with it: %v", err)
		}
	})
}

func TestWhoAsksForAPersonOnAClaimantsBehalfDoesNotDecide(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.lapsed(t, 3)
		ask := func(by identity.Actor) func() error {
			return func() error { return failed(d.AskForPerson(t.Context(), by, f.ID, 0, anyClaim)) }
		}
		d.refused(t, "by the platform", fault.Forbidden, "role_not_permitted", ask(d.as(identity.Platform)))
		if err := ask(d.rival)(); err != nil {
			t.Fatal(err)
		}
		d.refused(t, "taken by who asked", fault.Conflict, "excluded_from_claim", func() error {
			return failed(d.Assign(t.Context(), d.rival, f.ID, 0, "", anyClaim))
		})
	})
}

func TestWhoAppealsOnAClaimantsBehalfDoesNotDecideTheAppeal(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 100_000)
		appeal := func(by identity.Actor, channel string) func() error {
			draft := claims.AppealDraft{Grounds: "결정이 부당하다고 전화로 말함", Channel: channel}
			return func() error { return failed(d.FileAppeal(t.Context(), by, f.ID, 0, draft, anyClaim)) }
		}
		d.refused(t, "without saying how it came in", fault.Invalid, "#/channel channel_required", appeal(d.senior, ""))
		d.refused(t, "by no channel that is known", fault.Invalid, "#/channel channel_required", appeal(d.senior, "api"))
		d.refused(t, "a channel of the claimant's own", fault.Invalid, "#/channel channel_not_allowed", appeal(f.own, "phone"))
		if err := appeal(d.senior, "paper")(); err != nil {
			t.Fatal(err)
		}
		for name, by := range map[string]identity.Actor{"staff": d.second, "the claimant": f.own} {
			got := must(d.Appeal(t.Context(), by, f.ID))(t)
			if got.Behalf != (claims.Behalf{Channel: "paper", FiledBy: identity.Senior}) {
				t.Errorf("%s see that the appeal came in by %+v", name, got.Behalf)
			}
		}
		if event := d.lastEvent(t, f); event.Actor != identity.Senior || event.Data["channel"] != "paper" {
			t.Errorf("the event %+v", event)
		}
		d.refused(t, "taken by who appealed", fault.Conflict, "excluded_from_claim", func() error {
			return failed(d.Assign(t.Context(), d.senior, f.ID, 0, "", anyClaim))
		})
		if next := must(d.Next(t.Context(), d.senior, claims.ClaimFilter{}, claims.Reply[*claims.Claim]{}))(t); next != nil {
			t.Errorf("the queue gives it to who appealed: %+v", next)
		}
		d.taken(t, f, d.second)
		must(d.Decide(t.Context(), d.second, f.ID, 0, upholds(approves(100_000)), anyClaim))(t)
	})
}

func TestWhoAnswersOnAClaimantsBehalfIsToldOfAndDoesNotDecide(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		d.asks(t, f, d.reviewer)
		answer := func(by identity.Actor, channel string) func() error {
			return func() error {
				return failed(d.AnswerRequest(t.Context(), by, f.ID, 0, 1, byPhone(channel), anyClaim))
			}
		}
		d.attempted(t, f, "by who asked", fault.Forbidden, "judge_for_claimant", answer(d.reviewer, "phone"))
		d.refused(t, "without saying how it came in", fault.Invalid, "#/channel channel_required", answer(d.rival, ""))
		d.refused(t, "a channel of the claimant's own", fault.Invalid, "#/channel channel_not_allowed", answer(f.own, "phone"))
		if err := answer(d.rival, "phone")(); err != nil {
			t.Fatal(err)
		}
		if event := d.lastEvent(t, f); event.Actor != identity.Reviewer || event.Data["channel"] != "phone" {
			t.Errorf("the event %+v", event)
		}
		for name, by := range map[string]identity.Actor{"staff": d.senior, "the claimant": f.own} {
			for _, item := range must(d.Requests(t.Context(), by, f.ID))(t)[0].Items {
				if diff := cmp.Diff(claims.Behalf{Channel: "phone", FiledBy: identity.Reviewer}, item.Behalf); diff != "" {
					t.Errorf("%s see of %s (-want +got):\n%s", name, item.Code, diff)
				}
			}
		}
		d.elapse(3 * 24 * time.Hour) // the time of who asked is over
		d.refused(t, "taken by who answered", fault.Conflict, "excluded_from_claim", func() error {
			return failed(d.Assign(t.Context(), d.rival, f.ID, 0, "", anyClaim))
		})
		d.taken(t, f, d.reviewer)
		must(d.Decide(t.Context(), d.reviewer, f.ID, 0, approves(1_000), anyClaim))(t)

		own := d.claim(t, 0, 1_000)
		d.asks(t, own, d.reviewer)
		must(d.answers(t, own, "card_totals", "opening_hours"))(t)
		if item := must(d.Requests(t.Context(), d.senior, own.ID))(t)[0].Items[0]; item.Behalf != (claims.Behalf{}) {
			t.Errorf("the claimant's own answer came in by %+v", item.Behalf)
		}
	})
}

func TestClaimsAreGivenToPeopleOfTheDeskAlone(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		gone := must(d.IssueFirstKey(t.Context(), claims.KeyRequest{Role: identity.Reviewer, Person: "p-gone"}))(t)
		if err := d.RevokeKey(t.Context(), d.admin, gone.Key.ID); err != nil {
			t.Fatal(err)
		}
		d.person(t, identity.Payer, "p-payer")
		for name, person := range map[string]string{
			"somebody unknown": "p-nobody", "somebody whose key was revoked": "p-gone", "a payer": "p-payer", "a claimant": f.own.Person,
		} {
			d.refused(t, name, fault.Invalid, "#/person person_unknown", func() error {
				return failed(d.Assign(t.Context(), d.senior, f.ID, 0, person, anyClaim))
			})
			for _, preview := range []bool{false, true} {
				action := claims.BulkAction{Verb: claims.DoAssign, Person: person, Claims: []claims.ClaimVersion{{ID: f.ID}}, Preview: preview}
				d.refused(t, name+", in bulk", fault.Invalid, "#/person person_unknown", func() error {
					return failed(d.Bulk(t.Context(), d.senior, action, claims.Reply[claims.BulkOutcome]{}))
				})
			}
		}
		for _, person := range []string{d.rival.Person, d.second.Person} {
			if got := must(d.Assign(t.Context(), d.senior, f.ID, 0, person, anyClaim))(t); got.AssignedTo != person {
				t.Errorf("given to %q, want %q", got.AssignedTo, person)
			}
		}
		d.clock.set(d.clock.Now().AddDate(2, 0, 0)) // every key has expired
		d.refused(t, "somebody whose key expired", fault.Invalid, "#/person person_unknown", func() error {
			return failed(d.Assign(t.Context(), d.senior, f.ID, 0, d.rival.Person, anyClaim))
		})
	})
}

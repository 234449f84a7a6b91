package claims_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// twoThings asks for a document, or what stands in for it, and an explanation.
func twoThings() claims.RequestDraft {
	return claims.RequestDraft{
		Message: "박지훈 님께",
		Items: []claims.RequestedItem{
			{Code: "card_totals", Slot: "sales_proof", What: "카드 매출", Why: "당일 매출 확인", Substitutes: []string{"bank_book"}},
			{Code: "opening_hours", What: "영업 시간", Why: "휴무 확인"},
		},
	}
}

// asks has somebody take the claim and ask for two things.
func (d *desk) asks(t testing.TB, f filedClaim, by identity.Actor) claims.Claim {
	t.Helper()
	d.taken(t, f, by)
	return must(d.RequestInformation(t.Context(), by, f.ID, 0, twoThings(), anyClaim))(t)
}

// answers answers items of the newest request by a text.
func (d *desk) answers(t testing.TB, f filedClaim, codes ...string) (claims.Claim, error) {
	t.Helper()
	var items []claims.ItemAnswer
	for _, code := range codes {
		items = append(items, claims.ItemAnswer{Code: code, Text: "매일 09시부터 21시"})
	}
	n := len(must(d.Requests(t.Context(), f.own, f.ID))(t))
	return d.AnswerRequest(t.Context(), f.own, f.ID, 0, n, claims.Answers{Items: items}, anyClaim)
}

// lapsed is a claim with a history of that factor whose information request
// nobody answered.
func (d *desk) lapsed(t testing.TB, factor money.Minor) filedClaim {
	t.Helper()
	f := d.claim(t, factor, 0)
	f.Claim = d.asks(t, f, d.reviewer)
	d.clock.set(*f.DueAt)
	must(d.Tend(t.Context()))(t)
	f.Claim = d.now(t, f)
	return f
}

func TestARequestStopsTheClockUntilAllIsAnswered(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		got := d.asks(t, f, d.reviewer)
		due := d.clock.Now().AddDate(0, 0, 14)
		if got.State != claims.AwaitingAnswer || !got.DueAt.Equal(due) || got.AssignedTo != d.reviewer.Person {
			t.Errorf("asked: %s, %+v", got.State, got.Desk)
		}
		if event := d.lastEvent(t, f); event.Type != "claim.information_requested" || event.Data["items"] != float64(2) {
			t.Errorf("the event %+v", event)
		} else {
			showsNobody(t, "the event", fmt.Sprint(event.Data))
		}
		d.elapse(48 * time.Hour)
		part := must(d.answers(t, f, "opening_hours"))(t)
		if part.State != claims.AwaitingAnswer || !part.DueAt.Equal(due) {
			t.Errorf("answered in part: %s, due %v", part.State, part.DueAt)
		}
		all := must(d.answers(t, f, "card_totals"))(t)
		if all.State != claims.InReview || all.DueAt != nil || all.AssignedTo != d.reviewer.Person ||
			!all.LeaseUntil.Equal(d.clock.Now().Add(48*time.Hour)) || all.Waited != 48*time.Hour {
			t.Errorf("answered in full: %s, %+v", all.State, all.Desk)
		}
		kept := must(d.Requests(t.Context(), d.reviewer, f.ID))(t)[0]
		if kept.EndedAs != claims.RequestAnswered || kept.EndedAt == nil || kept.AskedBy != d.reviewer.Person || kept.Items[1].Text != "매일 09시부터 21시" {
			t.Errorf("the request %+v", kept)
		}
		if shown := must(d.Requests(t.Context(), f.own, f.ID))(t)[0]; shown.AskedBy != "" || shown.Message != "박지훈 님께" {
			t.Errorf("the claimant sees %+v", shown)
		}
		d.refused(t, "answering again", fault.Conflict, "claim_state", func() error { return failed(d.answers(t, f, "card_totals")) })
	})
}

func TestABadRequestIsRefused(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		d.taken(t, f, d.reviewer)
		now := d.clock.Now()
		item := func(change func(*claims.RequestedItem)) func(*claims.RequestDraft) {
			return func(r *claims.RequestDraft) { change(&r.Items[0]) }
		}
		for name, row := range map[string]struct {
			change func(*claims.RequestDraft)
			code   string
		}{
			"nothing asked":             {func(r *claims.RequestDraft) { r.Items = nil }, "#/items request_size"},
			"too much asked":            {func(r *claims.RequestDraft) { r.Items = make([]claims.RequestedItem, 21) }, "#/items request_size"},
			"due now":                   {func(r *claims.RequestDraft) { r.DueAt = &now }, "#/due_at due_date"},
			"due in too long":           {func(r *claims.RequestDraft) { r.DueAt = ptr(now.AddDate(0, 0, 90).Add(time.Microsecond)) }, "#/due_at due_date"},
			"the same twice":            {func(r *claims.RequestDraft) { r.Items[1].Code = "card_totals" }, "#/items/1/code duplicate_item"},
			"no code":                   {item(func(i *claims.RequestedItem) { i.Code = "" }), "#/items/0/code malformed_code"},
			"no reason":                 {item(func(i *claims.RequestedItem) { i.Why = " " }), "#/items/0/why text_required"},
			"no thing":                  {item(func(i *claims.RequestedItem) { i.What = "" }), "#/items/0/what text_required"},
			"an unknown slot":           {item(func(i *claims.RequestedItem) { i.Slot = "photo" }), "#/items/0 unknown_slot"},
			"an unknown substitute":     {item(func(i *claims.RequestedItem) { i.Substitutes = []string{"bank_book", "photo"} }), "#/items/0 unknown_slot"},
			"a substitute for no slot":  {item(func(i *claims.RequestedItem) { i.Slot = "" }), "#/items/0/substitutes substitutes_without_slot"},
			"answered by who asks":      {item(func(i *claims.RequestedItem) { i.Text = "예" }), "#/items/0 answered_already"},
			"a file by who asks":        {item(func(i *claims.RequestedItem) { i.Files = []string{"x"} }), "#/items/0 answered_already"},
			"a time of answer, as well": {item(func(i *claims.RequestedItem) { i.AnsweredAt = &now }), "#/items/0 answered_already"},
		} {
			draft := twoThings()
			row.change(&draft)
			d.refused(t, name, fault.Invalid, row.code, func() error {
				return failed(d.RequestInformation(t.Context(), d.reviewer, f.ID, 0, draft, anyClaim))
			})
		}
		d.refused(t, "by somebody else", fault.Conflict, "claim_not_assigned", func() error {
			return failed(d.RequestInformation(t.Context(), d.rival, f.ID, 0, twoThings(), anyClaim))
		})
		last := twoThings()
		last.DueAt = ptr(now.AddDate(0, 0, 90))
		must(d.RequestInformation(t.Context(), d.reviewer, f.ID, 0, last, anyClaim))(t)
	})
}

func TestAnAnswerIsWhatWasAskedForAndInTime(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f, other := d.claim(t, 0, 1_000), d.claim(t, 0, 1_000)
		d.asks(t, f, d.reviewer)
		file, substitute, wrong, strange := d.evidence(t, f, "sales_proof"), d.evidence(t, f, "bank_book"), d.evidence(t, f, "other"), d.evidence(t, other, "sales_proof")
		answer := func(by identity.Actor, n int, items ...claims.ItemAnswer) func() error {
			return func() error {
				return failed(d.AnswerRequest(t.Context(), by, f.ID, 0, n, claims.Answers{Items: items}, anyClaim))
			}
		}
		by := func(files ...string) claims.ItemAnswer { return claims.ItemAnswer{Code: "card_totals", Files: files} }
		for name, row := range map[string]struct {
			items []claims.ItemAnswer
			code  string
		}{
			"nothing":                   {nil, "#/items answer_required"},
			"an empty text":             {[]claims.ItemAnswer{{Code: "card_totals", Text: " "}}, "#/items/0 answer_required"},
			"what was not asked for":    {[]claims.ItemAnswer{{Code: "tax", Text: "예"}}, "#/items/0/code unknown_item"},
			"one item twice":            {[]claims.ItemAnswer{by(file), by(file)}, "#/items/1/code duplicate_item"},
			"a file of another claim":   {[]claims.ItemAnswer{by(file, strange)}, "#/items/0/files/1 unknown_file"},
			"a file of another slot":    {[]claims.ItemAnswer{by(wrong)}, "#/items/0/files/0 slot_not_accepted"},
			"one good item and one bad": {[]claims.ItemAnswer{{Code: "opening_hours", Text: "예"}, by("nowhere")}, "#/items/1/files/0 unknown_file"},
		} {
			d.refused(t, name, fault.Invalid, row.code, answer(f.own, 1, row.items...))
		}
		d.refused(t, "by a stranger", fault.NotFound, "claim_not_found", answer(other.own, 1, by(file)))
		d.refused(t, "by a payer", fault.Forbidden, "role_not_permitted", answer(d.as(identity.Payer), 1, by(file)))
		d.refused(t, "of another request", fault.NotFound, "request_not_found", answer(f.own, 2, by(file)))
		if err := answer(f.own, 1, by(substitute))(); err != nil {
			t.Errorf("by an accepted substitute: %v", err)
		}
		d.refused(t, "an item that was answered", fault.Conflict, "item_answered", answer(f.own, 1, by(file)))
		d.clock.set(*d.now(t, f).DueAt)
		d.refused(t, "when the time is over", fault.Conflict, "answer_period_over", answer(f.own, 1, claims.ItemAnswer{Code: "opening_hours", Text: "예"}))
		d.elapse(-time.Microsecond)
		if err := answer(f.own, 1, claims.ItemAnswer{Code: "opening_hours", Text: "예"})(); err != nil {
			t.Errorf("a moment before: %v", err)
		}
	})
}

func TestARequestIsRecalledByWhoAskedOrASenior(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		recall := func(by identity.Actor, n int) func() error {
			return func() error { return failed(d.RecallRequest(t.Context(), by, f.ID, 0, n, anyClaim)) }
		}
		for n, by := range []identity.Actor{d.reviewer, d.senior} {
			d.asks(t, f, d.reviewer)
			d.elapse(time.Hour) // beyond the lease: while it waits, the claim stays with who asked
			d.refused(t, "by a rival", fault.Conflict, "claim_not_assigned", recall(d.rival, n+1))
			d.refused(t, "another request", fault.NotFound, "request_not_found", recall(by, n+2))
			if err := recall(by, n+1)(); err != nil {
				t.Fatal(err)
			}
			if now := d.now(t, f); now.State != claims.InReview || now.AssignedTo != d.reviewer.Person || now.DueAt != nil {
				t.Errorf("recalled: %s, %+v", now.State, now.Desk)
			}
		}
		d.asks(t, f, d.reviewer)
		d.refused(t, "an ended one", fault.Conflict, "request_ended", recall(d.reviewer, 1))
		must(d.Withdraw(t.Context(), f.own, f.ID, 0, "", anyClaim))(t)
		var ends []claims.RequestEnd
		for _, r := range must(d.Requests(t.Context(), d.reviewer, f.ID))(t) {
			ends = append(ends, r.EndedAs)
		}
		if diff := cmp.Diff([]claims.RequestEnd{claims.RequestRecalled, claims.RequestRecalled, claims.RequestRecalled}, ends); diff != "" {
			t.Errorf("ends (-want +got):\n%s", diff)
		}
	})
}

func TestAnUnansweredRequestLowersToTheFixedTier(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		for _, c := range []struct {
			name      string
			factor    money.Minor
			estimated money.Minor
			outcome   string
			verdict   claims.Verdict
		}{
			{"above the tier", 3, 50_000, "pays", claims.PartlyApproved},
			{"at the tier", 1, 30_000, "pays", claims.Approved},
			{"a loss whose tier a person decides", 8, 0, "review", claims.PartlyApproved},
		} {
			t.Run(c.name, func(t *testing.T) {
				f := d.lapsed(t, c.factor)
				if *f.Estimated != c.estimated || f.Outcome != c.outcome {
					t.Fatalf("estimated %d, %s", *f.Estimated, f.Outcome)
				}
				if f.State != claims.Decided || !f.Automatic || f.Verdict != c.verdict || *f.Awarded != 30_000 || *f.Assessed < *f.Awarded || f.AssignedTo != "" {
					t.Errorf("lapsed: %s, %+v", f.State, f.Desk)
				}
				made := must(d.Decisions(t.Context(), d.reviewer, f.ID))(t)[0]
				if made.Kind != claims.AutomaticDecision || made.MadeBy != "system" || made.MadeRole != identity.System || made.Needs ||
					made.Reason.Code != claims.LoweredToFixedTier || len(made.Criteria) == 0 {
					t.Errorf("the decision %+v", made)
				}
				if event := d.lastEvent(t, f); event.Type != "claim.request_lapsed" || event.Actor != identity.System || event.Data["awarded"] != float64(30_000) {
					t.Errorf("the event %+v", event)
				}
				if r := must(d.Requests(t.Context(), d.reviewer, f.ID))(t)[0]; r.EndedAs != claims.RequestLapsed {
					t.Errorf("the request ended as %q", r.EndedAs)
				}
				letter := must(d.Letter(t.Context(), f.own, f.ID, 0))(t)
				for _, said := range []string{"30,000원", "₩30,000", "정액", "이의신청", "사람이 다시 결정"} {
					if !strings.Contains(string(letter.Text), said) {
						t.Errorf("the letter does not say %q:\n%s", said, letter.Text)
					}
				}
				d.appeal(t, f)
			})
		}
	})
}

func TestAnUnansweredRequestOtherwiseGoesBackToWhoAsked(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		back := func(name string, f filedClaim, state claims.State, person string, open int) {
			t.Helper()
			d.clock.set(*d.now(t, f).DueAt)
			must(d.Tend(t.Context()))(t)
			now := d.now(t, f)
			if now.State != state || now.AssignedTo != person || !now.LeaseUntil.Equal(d.clock.Now().Add(48*time.Hour)) || now.DueAt != nil {
				t.Errorf("%s: %s, %+v", name, now.State, now.Desk)
			}
			if event := d.lastEvent(t, f); event.Type != "claim.request_lapsed" || event.Data["open"] != float64(open) {
				t.Errorf("%s left the event %+v", name, event)
			}
			d.clock.set(today)
		}
		unknown := d.claim(t, 0, 1_000) // no history
		d.asks(t, unknown, d.reviewer)
		back("a history that cannot tell", unknown, claims.InReview, d.reviewer.Person, 2)

		part := d.claim(t, 3, 0)
		d.asks(t, part, d.reviewer)
		must(d.answers(t, part, "opening_hours"))(t)
		back("an answer that nobody has read", part, claims.InReview, d.reviewer.Person, 1)

		appealed := d.claim(t, 3, 0)
		d.decides(t, appealed, d.reviewer, partly(50_000, 1))
		d.appeal(t, appealed)
		d.asks(t, appealed, d.senior)
		back("an appeal", appealed, claims.Appealed, d.senior.Person, 2)
		if now := d.now(t, appealed); *now.Awarded != 1 || now.Decisions != 1 {
			t.Errorf("the appeal was decided: %+v", now.Desk)
		}

		paid, twin := d.claim(t, 3, 0), d.claim(t, 3, 0)
		if _, err := d.raw.ExecContext(t.Context(), "UPDATE claims SET unit = (SELECT unit FROM claims WHERE id = '"+paid.ID+"') WHERE id = '"+twin.ID+"'"); err != nil {
			t.Fatal(err)
		}
		d.decides(t, paid, d.reviewer, approves(50_000))
		d.asks(t, twin, d.reviewer)
		back("a loss that is compensated already", twin, claims.InReview, d.reviewer.Person, 2)

		d.publishWithoutTiers(t)
		whole := d.claim(t, 3, 0)
		d.asks(t, whole, d.reviewer)
		back("a scheme without fixed tiers", whole, claims.InReview, d.reviewer.Person, 2)
	})
}

// publishWithoutTiers puts a version of the scheme in force that pays the loss.
func (d *desk) publishWithoutTiers(t testing.TB) {
	t.Helper()
	document := schemeDocument(t, 2)
	from, to := bytes.Index(document, []byte(`"tiers":`)), bytes.Index(document, []byte(`"subscriptions":`))
	payment := []byte(`"loss_payment": {"of": "claim", "rounding": {"mode": "half_up", "step": 10}}, `)
	document = bytes.Join([][]byte{document[:from], payment, document[to:]}, nil)
	must(d.PublishScheme(t.Context(), d.admin, document, claims.Reply[claims.SchemeVersion]{}))(t)
	d.changeIncident(t, func(in *claims.Incident) { in.Scheme.Version = 2 })
}

func TestAnswersInAnAppealGoBackToTheAppeal(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.decided(t, 1_000)
		d.appeal(t, f)
		d.asks(t, f, d.senior)
		got := must(d.answers(t, f, "card_totals", "opening_hours"))(t)
		if got.State != claims.Appealed || got.AssignedTo != d.senior.Person {
			t.Errorf("answered: %s, %+v", got.State, got.Desk)
		}
		must(d.RequestInformation(t.Context(), d.senior, f.ID, 0, twoThings(), anyClaim))(t)
		got = must(d.RecallRequest(t.Context(), d.senior, f.ID, 0, 2, anyClaim))(t)
		if got.State != claims.Appealed {
			t.Errorf("recalled: %s", got.State)
		}
	})
}

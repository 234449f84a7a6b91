package scheme_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// parse makes a scheme of a standard header and the stages given.
func parse(t testing.TB, stages string) *scheme.Scheme {
	t.Helper()
	s, err := scheme.Parse([]byte(`{"id": "x", "version": 1, "title": {"ko": "가", "en": "a"}, "source": {"ko": "가", "en": "a"},
		"currency": "KRW", "payout": "cash", ` + stages + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func local(t testing.TB, s string) revenue.Local {
	t.Helper()
	l, err := revenue.ParseLocal(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// claim is a merchant's claim of one line per shortfall, each down for ten hours.
func claim(shortfalls ...money.Minor) scheme.Facts {
	f := scheme.Facts{Currency: "KRW", ClaimantKind: scheme.Merchant, Sector: "cafe", Incident: revenue.Span{Start: start, End: start + 600}}
	for i, shortfall := range shortfalls {
		f.Lines = append(f.Lines, scheme.LossLine{
			Service: fmt.Sprintf("service-%d", i), Kind: scheme.Order, Outcome: scheme.LineEstimated,
			Windows:  []scheme.Window{{Span: f.Incident, DownBasisPoints: 10_000}},
			Expected: shortfall, Shortfall: shortfall,
		})
	}
	return f
}

func wantResult(t *testing.T, r scheme.Result, outcome scheme.Outcome, amount money.Minor) {
	t.Helper()
	if r.Outcome != outcome || r.Amount != amount {
		trace, _ := json.MarshalIndent(r, "", " ")
		t.Errorf("got %s %d, want %s %d\n%s", r.Outcome, r.Amount, outcome, amount, trace)
	}
	checkSum(t, r)
}

const (
	estimate   = `"baseline": {"rules": [{"use": "estimate"}]}`
	payInFull  = `"loss_payment": {"of": "claim", "rounding": {"mode": "half_up", "step": 1}}`
	payPerLine = `"loss_payment": {"of": "service", "rounding": {"mode": "half_up", "step": 1}}`
)

func TestAStageThatIsAbsentDoesNotHappen(t *testing.T) {
	wantResult(t, parse(t, estimate+","+payInFull).Evaluate(claim(123_457)), scheme.Pays, 123_457)
}

func TestStagesRunInTheOrderOfThePipelineNotOfTheFile(t *testing.T) {
	s := parse(t, `"limits": {"cap": 40000}, `+payInFull+`, "rate": {"share": "0.5"}, `+estimate)
	r := s.Evaluate(claim(100_000))
	var stages []string
	for _, line := range r.Trace {
		stages = append(stages, line.Stage)
	}
	if diff := cmp.Diff([]string{"baseline", "rate", "loss_payment", "limits"}, stages); diff != "" {
		t.Error(diff)
	}
	wantResult(t, r, scheme.Pays, 40_000)
}

func TestPerServiceALineThatCannotBeToldLeavesTheOthersPaid(t *testing.T) {
	facts := claim(1_000, 2_000)
	facts.Lines[0].Outcome = scheme.LineCannotTell
	wantResult(t, parse(t, estimate+","+payPerLine).Evaluate(facts), scheme.CannotTell, 2_000)
	wantResult(t, parse(t, estimate+","+payInFull).Evaluate(facts), scheme.CannotTell, 0)
}

func TestRoundingOncePerClaimDiffersFromPerService(t *testing.T) {
	half := `"rate": {"share": "0.5"}`
	wantResult(t, parse(t, estimate+","+half+","+payInFull).Evaluate(claim(1, 1)), scheme.Pays, 1)
	wantResult(t, parse(t, estimate+","+half+","+payPerLine).Evaluate(claim(1, 1)), scheme.Pays, 2)
}

func TestFloorAndSmallestAmountWaitWhileAPartIsOpen(t *testing.T) {
	facts := claim(1_000, 2_000)
	facts.Lines[0].Outcome = scheme.LineCannotTell
	floor := parse(t, estimate+","+payPerLine+`, "limits": {"floor": 5000}`)
	wantResult(t, floor.Evaluate(facts), scheme.CannotTell, 2_000)
	wantResult(t, floor.Evaluate(claim(2_000)), scheme.Pays, 5_000)
	smallest := parse(t, estimate+","+payPerLine+`, "limits": {"minimum_payable": 2001}`)
	wantResult(t, smallest.Evaluate(facts), scheme.CannotTell, 2_000)
	wantResult(t, smallest.Evaluate(claim(2_000)), scheme.NotEligible, 0)
	wantResult(t, smallest.Evaluate(claim(2_001)), scheme.Pays, 2_001)
}

func TestACompensableWindowCountsTheLossByMinutesAndShareDown(t *testing.T) {
	s := parse(t, estimate+","+payInFull+`, "compensable_window": {"from": "2022-10-15T16:00", "to": "2022-10-15T17:00", "use": "keep_inside"}`)
	facts := claim(90_000)
	// 60 minutes fully down, then 60 at half: the window holds 30 and 30.
	facts.Lines[0].Windows = []scheme.Window{
		{Span: revenue.Span{Start: start, End: start + 60}, DownBasisPoints: 10_000},
		{Span: revenue.Span{Start: start + 60, End: start + 120}, DownBasisPoints: 5_000},
	}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 45_000)
	facts.Lines[0].Windows = facts.Lines[0].Windows[:1]
	wantResult(t, s.Evaluate(facts), scheme.Pays, 45_000)
	facts.Lines[0].Windows[0].Span = revenue.Span{Start: start, End: start + 30}
	wantResult(t, s.Evaluate(facts), scheme.NotEligible, 0)
}

func TestAWaitPerClaimIsWaitedOnce(t *testing.T) {
	facts := claim(60_000, 60_000)
	facts.Lines[1].Windows[0].Span = revenue.Span{Start: start + 300, End: start + 600}
	perClaim := parse(t, estimate+","+payInFull+`, "waiting_period": {"minutes": 300, "per": "claim"}`)
	wantResult(t, perClaim.Evaluate(facts), scheme.Pays, 90_000)
	perService := parse(t, estimate+","+payInFull+`, "waiting_period": {"minutes": 300, "per": "service"}`)
	wantResult(t, perService.Evaluate(facts), scheme.Pays, 30_000)
}

func TestAMinimumDurationIsMetByTheLongestStretchOrByAllTogether(t *testing.T) {
	facts := claim(10_000)
	facts.Lines[0].Windows = []scheme.Window{
		{Span: revenue.Span{Start: start, End: start + 60}, DownBasisPoints: 10_000},
		{Span: revenue.Span{Start: start + 60, End: start + 119}, DownBasisPoints: 1},
		{Span: revenue.Span{Start: start + 200, End: start + 201}, DownBasisPoints: 10_000},
	}
	minimum := func(measure string) *scheme.Scheme {
		return parse(t, estimate+","+payInFull+`, "minimum_duration": {"at_least_minutes": 120, "measure": "`+measure+`"}`)
	}
	wantResult(t, minimum("total").Evaluate(facts), scheme.Pays, 10_000)
	wantResult(t, minimum("longest").Evaluate(facts), scheme.NotEligible, 0)
	facts.Lines[0].Windows[1].End++
	wantResult(t, minimum("longest").Evaluate(facts), scheme.Pays, 10_000)
}

func TestDurationsCountDaysTouchedDaysBegunAndHoursBegun(t *testing.T) {
	for _, c := range []struct {
		count    string
		from, to string
		want     money.Minor
	}{
		{"calendar_days", "2022-10-15T23:59", "2022-10-16T00:01", 2},
		{"calendar_days", "2022-10-15T00:00", "2022-10-16T00:00", 1},
		{"started_days", "2022-10-15T23:59", "2022-10-16T00:01", 1},
		{"started_days", "2022-10-15T12:00", "2022-10-16T12:01", 2},
		{"started_hours", "2022-10-15T12:00", "2022-10-15T13:00", 1},
		{"started_hours", "2022-10-15T12:00", "2022-10-15T13:01", 2},
	} {
		s := parse(t, `"duration_amounts": {"count": "`+c.count+`", "after": 0, "pay": 1}`)
		facts := claim()
		facts.Incident = revenue.Span{Start: local(t, c.from), End: local(t, c.to)}
		wantResult(t, s.Evaluate(facts), scheme.Pays, c.want)
	}
}

func TestADayTouchedTwiceCountsOnce(t *testing.T) {
	s := parse(t, `"duration_amounts": {"count": "calendar_days", "after": 0, "pay": 1}`)
	facts := claim(0)
	day := local(t, "2022-10-15T00:00")
	facts.Lines[0].Windows = []scheme.Window{
		{Span: revenue.Span{Start: day + 60, End: day + 120}, DownBasisPoints: 10_000},
		{Span: revenue.Span{Start: day + 600, End: day + 2*revenue.Day + 1}, DownBasisPoints: 10_000},
	}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 3)
}

func TestTheFirstFittingSubscriptionRuleIsTheOnlyOne(t *testing.T) {
	s := parse(t, `"subscriptions": {"rules": [
		{"plans": ["pro"], "days": 3, "month": 30, "rounding": {"mode": "half_up", "step": 1}},
		{"days": 6, "month": 30, "rounding": {"mode": "half_up", "step": 1}}]}`)
	facts := claim()
	facts.Subscriptions = []scheme.Subscription{{Plan: "pro", MonthlyFee: 30_000}, {Plan: "basic", MonthlyFee: 3_000}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 3_000+600)
}

func TestASubscriptionCountsTheDowntimeOfItsOwnService(t *testing.T) {
	s := parse(t, `"subscriptions": {"rules": [{"outage": {"times": 1}, "month": 30, "rounding": {"mode": "half_up", "step": 1}}]}`)
	facts := claim(0, 0)
	facts.Lines[1].Windows[0].Span = revenue.Span{Start: start, End: start + 60}
	facts.Subscriptions = []scheme.Subscription{{Plan: "pro", Service: "service-1", MonthlyFee: 720_000}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 1_000)
	facts.Subscriptions[0].Service = ""
	wantResult(t, s.Evaluate(facts), scheme.Pays, 10_000)
}

func TestOneSchemeCanPayTheLossOfSomeAndTheFeeOfOthers(t *testing.T) {
	s := parse(t, estimate+`, "loss_payment": {"when": {"claimant_kinds": ["merchant"]}, "of": "claim", "rounding": {"mode": "half_up", "step": 1}},
		"subscriptions": {"rules": [{"when": {"claimant_kinds": ["driver"]}, "days": 3, "month": 30, "rounding": {"mode": "half_up", "step": 1}}]}`)
	facts := claim(10_000)
	facts.Subscriptions = []scheme.Subscription{{Plan: "pro", MonthlyFee: 5_000}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 10_000)
	facts.ClaimantKind = scheme.Driver
	wantResult(t, s.Evaluate(facts), scheme.Pays, 500)
	facts.Lines[0].Outcome = scheme.LineCannotTell
	wantResult(t, s.Evaluate(facts), scheme.Pays, 500)
}

func TestOffsetsNeverGoBelowNothing(t *testing.T) {
	s := parse(t, estimate+","+payInFull+`, "offsets": {"kinds": ["advance", "refund"]}`)
	facts := claim(10_000)
	facts.PriorPayments = []scheme.PriorPayment{{Kind: scheme.Advance, Amount: 4_000}, {Kind: scheme.Grant, Amount: 9_000}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 6_000)
	facts.PriorPayments = append(facts.PriorPayments, scheme.PriorPayment{Kind: scheme.Refund, Amount: money.Max})
	wantResult(t, s.Evaluate(facts), scheme.NotEligible, 0)
}

func TestCostsOfAnOutageThatDoesNotCountAreNotPaid(t *testing.T) {
	stages := estimate + `, "costs": {"added": "in_full"}, ` + payInFull
	facts := claim(0)
	facts.Expenses = []scheme.Expense{{Kind: scheme.AddedCost, Amount: 5_000}}
	wantResult(t, parse(t, stages).Evaluate(facts), scheme.Pays, 5_000)
	short := parse(t, stages+`, "minimum_duration": {"at_least_minutes": 601, "measure": "total"}`)
	wantResult(t, short.Evaluate(facts), scheme.NotEligible, 0)
	facts.Pattern = &scheme.Pattern{Before: 100, During: 100, After: 100}
	uncaused := parse(t, stages+`, "causation": {"down_at_least": "0.1"}`)
	wantResult(t, uncaused.Evaluate(facts), scheme.NotEligible, 0)
}

func TestSavedCostNeverTurnsALossIntoADebt(t *testing.T) {
	s := parse(t, estimate+`, "costs": {"saved_deducted": 1}, `+payInFull)
	facts := claim(1_000)
	facts.Expenses = []scheme.Expense{{Kind: scheme.SavedCost, Amount: 5_000}}
	r := s.Evaluate(facts)
	wantResult(t, r, scheme.NotEligible, 0)
	if got := r.Trace[len(r.Trace)-1].Inputs[0]; got.Value != "0" {
		t.Errorf("the loss that is paid on is %s", got.Value)
	}
}

func TestABenchmarkOfNothingFailsTheCausationTest(t *testing.T) {
	s := parse(t, estimate+`, "causation": {"down_at_least": "0.1", "up_at_least": 0}, `+payInFull)
	facts := claim(1_000)
	facts.Pattern = &scheme.Pattern{}
	wantResult(t, s.Evaluate(facts), scheme.NotEligible, 0)
}

func TestOneSchemeServesManyAtOnce(t *testing.T) {
	for _, s := range schemes(t) {
		facts := claim(123_456)
		facts.Currency = string(s.Currency)
		want, err := json.Marshal(s.Evaluate(facts))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if got, _ := json.Marshal(s.Evaluate(facts)); !bytes.Equal(got, want) {
					t.Errorf("%s: %s", s.ID, got)
				}
			})
		}
		all.Wait()
	}
}

func TestTheLastRoundingIsOfTheWholeAmount(t *testing.T) {
	s := parse(t, estimate+","+payPerLine+`, "rounding": {"mode": "down", "step": 100}`)
	wantResult(t, s.Evaluate(claim(190, 190)), scheme.Pays, 300)
	wantResult(t, s.Evaluate(claim(99)), scheme.NotEligible, 0)
}

func TestHeadcountIsIncludedInItsLimit(t *testing.T) {
	s := parse(t, `"eligibility": {"headcount_at_most": 20}, `+estimate+","+payInFull)
	for headcount, want := range map[int]scheme.Outcome{20: scheme.Pays, 21: scheme.NotEligible} {
		facts := claim(1_000)
		facts.Headcount = &headcount
		if r := s.Evaluate(facts); r.Outcome != want {
			t.Errorf("%d posts: %s", headcount, r.Outcome)
		}
	}
	wantResult(t, s.Evaluate(claim(1_000)), scheme.Review, 0)
}

func TestTheMedianOfAnEvenNumberLiesBetweenTheMiddleTwo(t *testing.T) {
	s := parse(t, `"baseline": {"comparison": {"step": "week", "back": 4, "forward": 0}, "rules": [{"use": "median_comparable", "minimum_periods": 3, "zeros": "skip"}]}, `+payInFull)
	facts := claim(0)
	facts.Lines[0].Outcome = scheme.LineCannotTell
	facts.Lines[0].Comparison = &scheme.Comparison{Actual: 10, Periods: []scheme.Period{{Revenue: 900}, {Revenue: 0}, {Revenue: 100}, {Revenue: 50}, {Revenue: 200}}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 140)
	facts.Lines[0].Comparison.Periods[0].Revenue = 0
	wantResult(t, s.Evaluate(facts), scheme.Pays, 90)
	facts.Lines[0].Comparison.Periods[2].Revenue = 0
	wantResult(t, s.Evaluate(facts), scheme.CannotTell, 0)
}

func TestMarginAndContinuingCostsTogetherNeverExceedTheRevenue(t *testing.T) {
	s := parse(t, estimate+`, "margin": {"sources": ["flat"], "flat": "0.7", "continuing_costs": {"sources": ["flat"], "flat": "0.6"}}, `+payInFull)
	wantResult(t, s.Evaluate(claim(1_000)), scheme.Pays, 1_000)
}

func TestThePlatformsShareIsTakenByService(t *testing.T) {
	s := parse(t, estimate+`, "attribution": {"platform_share": {"sources": ["services"], "services": {"service-0": "0.3"}, "otherwise": "review"}}, `+payPerLine)
	wantResult(t, s.Evaluate(claim(1_000)), scheme.Pays, 300)
	wantResult(t, s.Evaluate(claim(1_000, 1_000)), scheme.Review, 300)
}

func TestThePremiumIsAlsoPaidOnCosts(t *testing.T) {
	s := parse(t, estimate+`, "costs": {"added": "in_full", "saved_deducted": "0.5"}, "rate": {"share": "0.5"},
		"multiplier": {"rules": [{"when": {"regions": ["jeju"]}, "premium": 9}, {"premium": "0.5"}]}, `+payInFull)
	facts := claim(1_000)
	facts.Expenses = []scheme.Expense{{Kind: scheme.AddedCost, Amount: 400}, {Kind: scheme.SavedCost, Amount: 200}}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 975)
	facts.Region = "jeju"
	wantResult(t, s.Evaluate(facts), scheme.Pays, 6_500)
}

func TestFallingGrowthIsBounded(t *testing.T) {
	s := parse(t, `"baseline": {"comparison": {"step": "year", "back": 1, "forward": 0}, "rules": [{"use": "mean_comparable", "minimum_periods": 1, "zeros": "count",
		"growth": {"fall_at_most": "0.02", "rise_at_most": "0.10", "general": "0.01"}}]}, `+payInFull)
	facts := claim(0)
	comparison := scheme.Comparison{Periods: []scheme.Period{{Revenue: 1_000}}, Growth: &scheme.Growth{Base: 100, Recent: 50}}
	facts.Lines[0].Comparison = &comparison
	wantResult(t, s.Evaluate(facts), scheme.Pays, 990)
	comparison.Growth.Recent = 99
	wantResult(t, s.Evaluate(facts), scheme.Pays, 1_000)
	comparison.Growth.Base = 0 // no base to grow from: the rule lacks its data
	wantResult(t, s.Evaluate(facts), scheme.CannotTell, 0)
}

func TestArithmeticBeyondWhatCanBePaidIsReviewed(t *testing.T) {
	s := parse(t, estimate+","+payPerLine)
	wantResult(t, s.Evaluate(claim(money.MaxClaim)), scheme.Pays, money.MaxClaim)
	wantResult(t, s.Evaluate(claim(money.MaxClaim+1)), scheme.Review, 0)
	wantResult(t, s.Evaluate(claim(money.Max)), scheme.Review, 0)
	r := s.Evaluate(claim(money.MaxClaim, 1))
	wantResult(t, r, scheme.Review, money.MaxClaim)
	if r.Reasons[0].Code != "amount_out_of_range" {
		t.Errorf("reasons %v", r.Reasons)
	}
	tripled := parse(t, estimate+`, "multiplier": {"rules": [{"premium": 2}]}, `+payInFull)
	wantResult(t, tripled.Evaluate(claim(money.Max)), scheme.Review, 0)
	raised := parse(t, estimate+","+payPerLine+`, "limits": {"floor": 100000000001}`)
	wantResult(t, raised.Evaluate(claim(1)), scheme.Review, 1)
}

func TestUnusableFactsAreReviewedAndNamed(t *testing.T) {
	s := parse(t, estimate+","+payInFull)
	for name, spoil := range map[string]func(*scheme.Facts){
		"another currency":         func(f *scheme.Facts) { f.Currency = "USD" },
		"an unknown sector":        func(f *scheme.Facts) { f.Sector = "barber" },
		"a negative shortfall":     func(f *scheme.Facts) { f.Lines[0].Shortfall = -1 },
		"an amount past 2^53":      func(f *scheme.Facts) { f.Lines[0].Expected = money.Max + 1 },
		"an actual past 2^53":      func(f *scheme.Facts) { f.Lines[0].Actual = math.MinInt64 },
		"no windows":               func(f *scheme.Facts) { f.Lines[0].Windows = nil },
		"a window that ends first": func(f *scheme.Facts) { f.Lines[0].Windows[0].End = start - 1 },
		"more than all down":       func(f *scheme.Facts) { f.Lines[0].Windows[0].DownBasisPoints = 10_001 },
		"a time out of the world":  func(f *scheme.Facts) { f.Incident.End = math.MaxInt64 },
		"a thousand lines":         func(f *scheme.Facts) { f.Lines = claim(make([]money.Minor, 1_000)...).Lines },
	} {
		facts := claim(10_000)
		spoil(&facts)
		r := s.Evaluate(facts)
		if r.Outcome != scheme.Review || r.Amount != 0 || len(r.Reasons) != 1 {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestParseFactsNamesEveryProblem(t *testing.T) {
	_, err := scheme.ParseFacts([]byte(`{"currency": "KRW", "claimant_kind": "rider", "sector": "barber", "incident": {"start": "yesterday", "end": "2022-10-20T23:00"}, "colour": 1}`))
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	got := map[string]string{}
	for _, field := range f.Fields {
		got[field.Pointer] = field.Code
	}
	want := map[string]string{"/claimant_kind": "unknown_value", "/sector": "unknown_value", "/incident/start": "invalid_time", "/colour": "unknown_field"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// dailyHistory has one bucket a day from the first day on; -1 is a missing day
// and -2 a closed one.
func dailyHistory(t *testing.T, first string, amounts ...money.Minor) revenue.History {
	h := revenue.History{BucketMinutes: 1440, Start: local(t, first)}
	for _, a := range amounts {
		state := revenue.Open
		switch a {
		case -1:
			a, state = 0, revenue.Missing
		case -2:
			a, state = 0, revenue.Closed
		}
		h.Amounts, h.Counts, h.States = append(h.Amounts, a), append(h.Counts, 0), append(h.States, state)
	}
	return h
}

func comparing(t *testing.T, comparison string) *scheme.Scheme {
	return parse(t, `"baseline": {"comparison": `+comparison+`, "rules": [{"use": "mean_comparable", "minimum_periods": 1, "zeros": "count"}]}, `+payInFull)
}

func TestComparisonSumsWholeWeeksOutsideTheIncident(t *testing.T) {
	s := comparing(t, `{"period": {"from": "2022-10-15T00:00", "to": "2022-10-17T00:00"}, "step": "week", "back": 3, "forward": 1}`)
	// Saturdays and Sundays carry revenue; 1 October is closed, 24 September missing.
	amounts := make([]money.Minor, 31)
	amounts[0], amounts[1] = -1, 5 // 24, 25 September
	amounts[7], amounts[8] = -2, 40
	amounts[14], amounts[15] = 100, 200
	amounts[21], amounts[22] = 10, 20 // the outage
	amounts[28], amounts[29] = 70, 80
	h := dailyHistory(t, "2022-09-24T00:00", amounts...)
	incident := revenue.Span{Start: local(t, "2022-10-15T15:30"), End: local(t, "2022-10-16T12:00")}
	want := &scheme.Comparison{Actual: 30, Periods: []scheme.Period{
		{Start: local(t, "2022-10-01T00:00"), Revenue: 40},
		{Start: local(t, "2022-10-08T00:00"), Revenue: 300},
		{Start: local(t, "2022-10-22T00:00"), Revenue: 150},
	}}
	if diff := cmp.Diff(want, s.Comparison(h, incident)); diff != "" {
		t.Error(diff)
	}
	elsewhere := revenue.Span{Start: local(t, "2022-12-01T00:00"), End: local(t, "2022-12-02T00:00")}
	if diff := cmp.Diff(want, s.Comparison(h, elsewhere)); diff != "" {
		t.Errorf("the period was compared with itself: %s", diff)
	}
	longer := revenue.Span{Start: incident.Start, End: local(t, "2022-10-22T00:01")}
	if got := s.Comparison(h, longer); len(got.Periods) != 2 {
		t.Errorf("a week the incident reaches into was compared: %+v", got)
	}
}

func TestComparisonByYearKeepsTheDate(t *testing.T) {
	s := comparing(t, `{"step": "year", "back": 1, "forward": 0}`)
	amounts := make([]money.Minor, 400)
	amounts[0] = 7
	h := dailyHistory(t, "2023-02-28T00:00", amounts...)
	leap := local(t, "2024-02-29T00:00")
	got := s.Comparison(h, revenue.Span{Start: leap, End: leap + revenue.Day})
	want := &scheme.Comparison{Periods: []scheme.Period{{Start: local(t, "2023-02-28T00:00"), Revenue: 7}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestComparisonNeedsTheIncidentsOwnPeriod(t *testing.T) {
	s := comparing(t, `{"step": "week", "back": 1, "forward": 0}`)
	h := dailyHistory(t, "2022-10-01T00:00", 1, 2, 3, 4, 5, 6, 7, 8, -1, 10)
	for name, span := range map[string]revenue.Span{
		"missing day":     {Start: h.At(8), End: h.At(9)},
		"part of a day":   {Start: h.At(7) + 60, End: h.At(8)},
		"past the end":    {Start: h.At(9), End: h.At(11)},
		"before it":       {Start: h.Start - revenue.Day, End: h.Start},
		"nothing at all":  {Start: h.At(7), End: h.At(7)},
		"whole, for once": {Start: h.At(7), End: h.At(8)},
	} {
		if got := s.Comparison(h, span); (got != nil) != (name == "whole, for once") {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := parse(t, estimate+","+payInFull).Comparison(h, revenue.Span{Start: h.At(7), End: h.At(8)}); got != nil {
		t.Errorf("a scheme that compares nothing compared %+v", got)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	s, err := scheme.FromLibrary("sandbox-2022")
	if err != nil {
		b.Fatal(err)
	}
	facts := claim(123_456)
	facts.ClaimantKind, facts.Sector = scheme.Driver, "taxi"
	facts.Subscriptions = []scheme.Subscription{{Plan: "pro", MonthlyFee: 39_000}}
	b.ReportAllocs()
	for b.Loop() {
		s.Evaluate(facts)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scheme.Parse([]byte(sound)); err != nil {
			b.Fatal(err)
		}
	}
}

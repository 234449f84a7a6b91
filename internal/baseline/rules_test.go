package baseline_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

// growing is a history of days that bring 1000 in the first week and 10 more in
// each week after.
func growing(weeks int) revenue.History {
	h := flat(0, 7*weeks, 1440)
	for i := range h.Amounts {
		h.Amounts[i] = money.Minor(1000 + 10*(i/7))
	}
	return h
}

// twoDays is a window of two days, n weeks after shopStart.
func twoDays(n revenue.Local) revenue.Span {
	start := shopStart + n*revenue.Week + 2*revenue.Day
	return revenue.Span{Start: start, End: start + 2*revenue.Day}
}

func rule(t failer, res baseline.Result, name string) baseline.Rule {
	t.Helper()
	for _, r := range res.Rules {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no rule %s among %+v", name, res.Rules)
	return baseline.Rule{}
}

func TestOtherRulesOnSteadyGrowthAreOffByTheirAge(t *testing.T) {
	res := estimated(t, input(growing(120), twoDays(110)))
	for name, behind := range map[string]money.Minor{"best_week_8": 10, "mean_4_weeks": 25, "mean_12_weeks": 65, "year_before": 520} {
		want := baseline.Rule{
			Name: name, Text: rule(t, res, name).Text, Expected: 2 * (2100 - behind),
			Windows: res.Placebo.Windows, MeanError: 2 * behind, Bias: -2 * behind,
		}
		if diff := cmp.Diff(want, rule(t, res, name)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTheBestWeekFindsLossesWhereNoneIs(t *testing.T) {
	// Every other week brings half.
	h := flat(1000, 7*40, 1440)
	for i := range h.Amounts {
		if i/7%2 == 0 {
			h.Amounts[i] = 500
		}
	}
	day := twoDays(32)
	day.End -= revenue.Day
	got := rule(t, estimated(t, input(h, day)), "best_week_8")
	if got.Expected != 1000 {
		t.Errorf("expected %d, want the best week's 1000", got.Expected)
	}
	if got.FoundLoss != got.Windows/2 || got.MeanFoundLoss != 500 || got.Bias != got.MeanError || got.Bias != 250 {
		t.Errorf("%+v: want a loss of 500 found in every other week", got)
	}
}

func TestARuleThatTheHistoryCannotAnswerIsLeftOut(t *testing.T) {
	names := func(res baseline.Result) []string {
		out := []string{}
		for _, r := range res.Rules {
			out = append(out, r.Name)
		}
		return out
	}
	tests := map[string]struct {
		in   baseline.Input
		want []string
	}{
		"two years":                  {input(growing(105), twoDays(104)), []string{"best_week_8", "mean_4_weeks", "mean_12_weeks", "year_before"}},
		"a year less a week":         {input(growing(52), twoDays(51)), []string{"best_week_8", "mean_4_weeks", "mean_12_weeks"}},
		"five weeks":                 {input(growing(6), twoDays(5)), []string{"best_week_8", "mean_4_weeks"}},
		"an incident of three weeks": {input(growing(40), twoDays(30), twoDays(33)), []string{"best_week_8", "mean_12_weeks"}},
		"no answer":                  {input(growing(2), twoDays(1)), []string{}},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, names(estimate(t, test.in))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestARuleSkipsWeeksThatAreMissingOrExcluded(t *testing.T) {
	last := revenue.Span{Start: twoDays(29).Start, End: twoDays(29).End}
	for name, hide := range map[string]func(*baseline.Input){
		"missing": func(in *baseline.Input) {
			for i := in.History.Index(last.Start); in.History.At(i) < last.End; i++ {
				in.History.States[i] = revenue.Missing
			}
		},
		"excluded": func(in *baseline.Input) { in.Evidence.Excluded = []revenue.Span{last} },
	} {
		in := input(growing(40), twoDays(30))
		hide(&in)
		// 1280, 1270 and 1260 are left of the four weeks.
		if got := rule(t, estimated(t, in), "mean_4_weeks").Expected; got != 2*1270 {
			t.Errorf("last week %s: expected %d, want %d", name, got, 2*1270)
		}
	}
}

func TestNoValueFromTheWindowsOnMovesAnOtherRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		bucket := rapid.SampledFrom(revenue.BucketLengths).Draw(t, "bucket")
		start := shopStart + 9*revenue.Week + revenue.Local(rapid.IntRange(0, int(revenue.Week)).Draw(t, "start"))
		in := input(shop(seed, 13, bucket), revenue.Span{Start: start, End: start + revenue.Local(rapid.IntRange(1, 3000).Draw(t, "minutes"))})
		in.Evidence.AfterMinutes = rapid.SampledFrom([]int64{0, 7 * 1440}).Draw(t, "after")
		want := estimated(t, in).Rules
		step := revenue.Local(bucket)
		in.History = changed(rand.New(rand.NewPCG(seed, 5)), in.History, func(b revenue.Local) bool { return b+step > start })
		if diff := cmp.Diff(want, estimated(t, in).Rules); diff != "" {
			t.Fatal(diff)
		}
	})
}

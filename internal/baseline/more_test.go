package baseline_test

import (
	"math"
	"strings"
	"testing"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

// lastWeeks is a history from so many weeks before t on.
func lastWeeks(h revenue.History, t revenue.Local, weeks int) revenue.History {
	i := h.Index((t - revenue.Local(weeks)*revenue.Week).DayStart())
	return revenue.History{BucketMinutes: h.BucketMinutes, Start: h.At(i), Amounts: h.Amounts[i:], States: h.States[i:]}
}

func ninetyWidth(r baseline.Result) float64 {
	return float64(r.Total.Intervals[1].High - r.Total.Intervals[1].Low)
}

func TestMoreHistoryIsWorthHalfOfWhatTheLastWeeksWere(t *testing.T) {
	told := 0
	for seed := range uint64(40) {
		for _, weeks := range []int{9, 16, 19} {
			in := input(shop(seed, 40, 60), span("2022-12-12T18:30", "2022-12-12T20:30"))
			whole := in.History
			dropped := min(8, weeks/2)
			in.History = lastWeeks(whole, in.Windows[0].Start, weeks)
			res := estimated(t, in)
			in.History = lastWeeks(whole, in.Windows[0].Start, weeks-dropped)
			now, n, d := ninetyWidth(res), float64(weeks), float64(dropped)
			gain := min((ninetyWidth(estimated(t, in))-now)/2*8/d*(n-d)/(n+8), now*(1-math.Sqrt(n/(n+8))))
			switch more := res.MoreHistory; {
			case more != nil && math.Abs(now-gain-float64(more.HighMinusLowThen)) > 1:
				t.Errorf("seed %d, %d weeks: %+v, want a range of %.0f", seed, weeks, more, now-gain)
			case (more != nil) != (gain >= 0.03*now):
				t.Errorf("seed %d, %d weeks: %+v where the range of %.0f narrows by %.0f", seed, weeks, more, now, gain)
			case more != nil:
				told++
			}
		}
	}
	if told < 6 {
		t.Errorf("told %d times of 120", told)
	}
}

func TestMoreHistoryIsNotAskedForWhereItWouldNotHelp(t *testing.T) {
	window := span("2022-12-12T18:30", "2022-12-12T20:30")
	for name, h := range map[string]revenue.History{
		"twenty weeks are there": lastWeeks(shop(1, 40, 60), window.Start, 20),
		"nothing to narrow":      lastWeeks(flat(1000, 280, 60), window.Start, 12),
		"too short to tell":      lastWeeks(shop(1, 40, 60), window.Start, 7),
	} {
		for shift := range revenue.Local(24) {
			w := revenue.Span{Start: window.Start + shift*revenue.Hour, End: window.End + shift*revenue.Hour}
			if more := estimated(t, input(h, w)).MoreHistory; more != nil {
				t.Errorf("%s: %+v", name, more)
			}
		}
	}
}

// checkMoreHistory holds the worth of more history against the range it is about.
func checkMoreHistory(t failer, in baseline.Input, res baseline.Result) {
	more := res.MoreHistory
	if more == nil {
		return
	}
	ninety := res.Total.Intervals[1]
	if more.Weeks != 8 || more.HighMinusLowNow != ninety.High-ninety.Low || more.HighMinusLowThen >= more.HighMinusLowNow || 2*more.HighMinusLowThen < more.HighMinusLowNow {
		t.Fatalf("%+v of a range from %d to %d", more, ninety.Low, ninety.High)
	}
	for _, amount := range []money.Minor{more.HighMinusLowNow, more.HighMinusLowThen} {
		text := in.Currency.Text(amount)
		if !strings.Contains(more.Text.EN, text.EN) || !strings.Contains(more.Text.KO, text.KO) {
			t.Fatalf("%q / %q does not tell %s", more.Text.EN, more.Text.KO, text.EN)
		}
	}
}

package baseline_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

// days are n days from t on.
func days(t revenue.Local, n int) revenue.Span {
	return revenue.Span{Start: t, End: t + revenue.Local(n)*revenue.Day}
}

func TestAfterTheWindowsMakeUpSalesAndLossesAreTold(t *testing.T) {
	outage := days(shopStart+10*revenue.Week, 1)
	tests := map[string]struct {
		amount             money.Minor // of each hour
		days               int         // of the first so many days after
		rebound, afterLoss money.Minor
	}{
		"nothing unusual": {100, 2, 0, 0},
		"made up for":     {150, 2, 2 * 24 * 50, 0},
		"still lame":      {20, 2, 0, 2 * 24 * 80},
		"refunds only":    {-100, 14, 0, 14 * 24 * 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := flat(100, 100, 60)
			for i := h.Index(outage.End); h.At(i) < days(outage.End, test.days).End; i++ {
				h.Amounts[i] = test.amount
			}
			got := estimated(t, input(h, outage)).After
			if got == nil || got.Days != 14 || got.Start != outage.End.String() || got.Expected != 14*24*100 {
				t.Fatalf("%+v, want %d expected in the fourteen days from %s", got, 14*24*100, outage.End)
			}
			if got.Rebound != test.rebound || got.AfterLoss != test.afterLoss {
				t.Errorf("rebound %d and after-loss %d, want %d and %d", got.Rebound, got.AfterLoss, test.rebound, test.afterLoss)
			}
		})
	}
}

func TestAfterTheWindowsIsTheEstimateOfThoseDaysFromBeforeTheWindows(t *testing.T) {
	for name, country := range map[string]string{"no holidays": "", "Korea": "KR"} {
		in := input(shop(9, 30, 60), saturday)
		in.Evidence = baseline.Evidence{AfterMinutes: 14 * 1440, Country: country}
		got := estimated(t, in).After
		first := local("2022-10-02T02:00") // the first whole bucket after 01:30
		if got == nil || got.Start != first.String() || got.Days != 14 {
			t.Fatalf("%s: %+v, want fourteen days from %s", name, got, first)
		}
		in.Evidence.AfterMinutes = 0
		in.Windows = outage(revenue.Span{Start: saturday.Start, End: days(first, 14).End})
		in.Closures = []revenue.Span{{Start: saturday.Start, End: first}}
		want := estimated(t, in).Total
		if got.Expected != want.Expected {
			t.Errorf("%s: expected %d, the same estimate says %d", name, got.Expected, want.Expected)
		}
		if diff := cmp.Diff(want.Intervals, got.Intervals); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAfterEndsWhereTheHistoryNoLongerTells(t *testing.T) {
	outage := days(shopStart+10*revenue.Week, 1)
	at := func(in *baseline.Input, n int) int { return in.History.Index(outage.End) + 24*n }
	tests := map[string]struct {
		change func(*baseline.Input)
		days   int
	}{
		"history ends":            {func(in *baseline.Input) { in.History = flat(100, 71+5, 60) }, 5},
		"history ends before":     {func(in *baseline.Input) { in.History = flat(100, 60, 60) }, 0},
		"a bucket is missing":     {func(in *baseline.Input) { in.History.States[at(in, 3)+7] = revenue.Missing }, 3},
		"missing on the same day": {func(in *baseline.Input) { in.History.States[at(in, 0)] = revenue.Missing }, 0},
		"the next outage":         {func(in *baseline.Input) { in.Evidence.Excluded = []revenue.Span{days(outage.End+2*revenue.Day+90, 1)} }, 2},
		"closed days are known":   {func(in *baseline.Input) { in.History.States[at(in, 3)] = revenue.Closed }, 14},
		"too little to range it by": {func(in *baseline.Input) {
			cut := in.History.Index(outage.Start - 4*revenue.Week)
			in.History = revenue.History{BucketMinutes: 60, Start: in.History.At(cut), Amounts: in.History.Amounts[cut:], States: in.History.States[cut:]}
		}, 0},
	}
	for name, test := range tests {
		in := input(flat(100, 100, 60), outage)
		test.change(&in)
		got := estimated(t, in).After
		if (got == nil) != (test.days == 0) || got != nil && got.Days != test.days {
			t.Errorf("%s: %+v, want %d days", name, got, test.days)
		}
	}
}

func TestWhatAfterMeasuresNeverMovesItsExpectation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		bucket := rapid.SampledFrom(revenue.BucketLengths).Draw(t, "bucket")
		start := shopStart + 12*revenue.Week + revenue.Local(rapid.IntRange(0, int(revenue.Week)).Draw(t, "start"))
		in := input(shop(seed, 16, bucket), revenue.Span{Start: start, End: start + revenue.Local(rapid.IntRange(1, 3000).Draw(t, "minutes"))})
		in.Evidence.AfterMinutes = rapid.SampledFrom([]int64{0, 14 * 1440}).Draw(t, "after")
		want := estimated(t, in).After
		step := revenue.Local(bucket)
		in.History = changed(rand.New(rand.NewPCG(seed, 6)), in.History, func(b revenue.Local) bool { return b+step > start })
		for i := range in.History.States {
			in.History.States[i] = revenue.Open
		}
		got := estimated(t, in).After
		if want.Expected != got.Expected || !cmp.Equal(want.Intervals, got.Intervals) {
			t.Fatalf("what was earned after the windows moved %+v to %+v", want, got)
		}
	})
}

// checkAfter holds the days after the windows against what is promised of them.
func checkAfter(t failer, in baseline.Input, a *baseline.After) {
	if a == nil {
		return
	}
	if a.Days < 1 || a.Days > 14 || a.Expected < 0 || a.Actual < 0 || local(a.End)-local(a.Start) != revenue.Local(a.Days)*revenue.Day ||
		local(a.Start) < in.Windows[len(in.Windows)-1].End {
		t.Fatalf("after the windows: %+v", a)
	}
	if a.Rebound != max(0, a.Actual-a.Expected) || a.AfterLoss != max(0, a.Expected-a.Actual) {
		t.Fatalf("expected %d, actual %d, rebound %d, after-loss %d", a.Expected, a.Actual, a.Rebound, a.AfterLoss)
	}
	told := []money.Minor{a.Actual}
	low, high := a.Expected, a.Expected
	for i, iv := range a.Intervals {
		if iv.LevelPercent != baseline.Levels[i] || iv.Low < 0 || iv.Low > low || iv.High < high || !iv.High.InRange() {
			t.Fatalf("intervals %+v around %d are not nested in 0 and above", a.Intervals, a.Expected)
		}
		low, high = iv.Low, iv.High
		rebound := baseline.Interval{LevelPercent: iv.LevelPercent, Low: max(0, a.Actual-iv.High), High: max(0, a.Actual-iv.Low)}
		loss := baseline.Interval{LevelPercent: iv.LevelPercent, Low: max(0, iv.Low-a.Actual), High: max(0, iv.High-a.Actual)}
		if a.ReboundIntervals[i] != rebound || a.AfterLossIntervals[i] != loss {
			t.Fatalf("rebound %+v, after-loss %+v, want %+v and %+v", a.ReboundIntervals[i], a.AfterLossIntervals[i], rebound, loss)
		}
		switch {
		case iv.LevelPercent != 90:
		case a.Rebound > 0:
			told = append(told, a.Expected, a.Rebound, rebound.Low, rebound.High)
		case a.AfterLoss > 0:
			told = append(told, a.Expected, a.AfterLoss, loss.Low, loss.High)
		}
	}
	for _, amount := range told {
		text := in.Currency.Text(amount)
		if !strings.Contains(a.Text.EN, text.EN) || !strings.Contains(a.Text.KO, text.KO) {
			t.Fatalf("%q / %q does not tell %s", a.Text.EN, a.Text.KO, text.EN)
		}
	}
	if !strings.Contains(a.Text.EN, " "+strconv.Itoa(a.Days)+"-day") || !strings.Contains(a.Text.KO, " "+strconv.Itoa(a.Days)+"일") {
		t.Fatalf("%q / %q does not tell %d days", a.Text.EN, a.Text.KO, a.Days)
	}
}

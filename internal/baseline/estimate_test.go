package baseline_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/baseline"
	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

// local reads a wall-clock time that a test is sure of.
func local(s string) revenue.Local {
	t, err := revenue.ParseLocal(s)
	if err != nil {
		panic(err)
	}
	return t
}

func span(start, end string) revenue.Span { return revenue.Span{Start: local(start), End: local(end)} }

func outage(spans ...revenue.Span) []baseline.Window {
	var windows []baseline.Window
	for _, s := range spans {
		windows = append(windows, baseline.Window{Span: s, DownBasisPoints: 10000})
	}
	return windows
}

// shopStart is a Monday.
var shopStart = local("2022-06-06T00:00")

// shop is the history of an outlet open from 9 to 21, busier at noon and on
// Saturdays, whose sales come by chance; the same for the same seed.
func shop(seed uint64, weeks, bucketMinutes int) revenue.History {
	rng := rand.New(rand.NewPCG(seed, 1))
	h := revenue.History{BucketMinutes: bucketMinutes, Start: shopStart}
	n := weeks * int(revenue.Week) / bucketMinutes
	for i := range n {
		var sum money.Minor
		for t := h.At(i); t < h.At(i+1); t += 15 {
			hour := int(t-t.DayStart()) / 60
			rate := 0.0
			if hour >= 9 && hour < 21 {
				rate = 0.5
				if hour == 12 {
					rate *= 2
				}
				if t.Weekday() == 6 {
					rate *= 1.5
				}
			}
			for rng.Float64() < rate/(1+rate) {
				sum += 4000 + money.Minor(rng.IntN(9000))
			}
		}
		h.Amounts = append(h.Amounts, sum)
		h.Counts = append(h.Counts, 0)
		h.States = append(h.States, revenue.Open)
	}
	return h
}

// flat is a history of equal open buckets.
func flat(amount money.Minor, days, bucketMinutes int) revenue.History {
	h := revenue.History{BucketMinutes: bucketMinutes, Start: shopStart}
	for range days * int(revenue.Day) / bucketMinutes {
		h.Amounts = append(h.Amounts, amount)
		h.Counts = append(h.Counts, 1)
		h.States = append(h.States, revenue.Open)
	}
	return h
}

// saturday is an outage of ten hours, seventeen weeks after shopStart.
var saturday = span("2022-10-01T15:30", "2022-10-02T01:30")

func input(h revenue.History, windows ...revenue.Span) baseline.Input {
	return baseline.Input{Currency: money.KRW, History: h, Windows: outage(windows...)}
}

// failer is a test, a benchmark or a property check.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func estimate(t failer, in baseline.Input) baseline.Result {
	t.Helper()
	res, err := baseline.Estimate(in)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func estimated(t failer, in baseline.Input) baseline.Result {
	t.Helper()
	res := estimate(t, in)
	if res.Outcome != baseline.Estimated {
		t.Fatalf("outcome %s (%+v), want an estimate", res.Outcome, res.Reason)
	}
	return res
}

func TestEstimateNamesEveryFieldThatBreaksTheContract(t *testing.T) {
	ok := saturday
	minus := money.Minor(-1)
	tests := map[string]struct {
		change func(*baseline.Input)
		at     []string
	}{
		"no window":            {func(in *baseline.Input) { in.Windows = nil }, []string{"/windows"}},
		"empty window":         {func(in *baseline.Input) { in.Windows[0].End = ok.Start }, []string{"/windows/0/end"}},
		"backward window":      {func(in *baseline.Input) { in.Windows[0].End = ok.Start - 1 }, []string{"/windows/0/end"}},
		"overlapping windows":  {func(in *baseline.Input) { in.Windows = outage(ok, ok) }, []string{"/windows/1/start"}},
		"unordered windows":    {func(in *baseline.Input) { in.Windows = outage(ok, span("2022-09-01T00:00", "2022-09-02T00:00")) }, []string{"/windows/1/start"}},
		"share of nothing":     {func(in *baseline.Input) { in.Windows[0].DownBasisPoints = 0 }, []string{"/windows/0/down_basis_points"}},
		"share above all":      {func(in *baseline.Input) { in.Windows[0].DownBasisPoints = 10001 }, []string{"/windows/0/down_basis_points"}},
		"window in the year 0": {func(in *baseline.Input) { in.Windows[0].Start = -1 << 60 }, []string{"/windows/0/start"}},
		"window without end":   {func(in *baseline.Input) { in.Windows[0].End = 1 << 62 }, []string{"/windows/0/end"}},
		"incident of two years": {func(in *baseline.Input) {
			in.Windows = outage(ok, span("2024-10-01T00:00", "2024-10-02T00:00"))
		}, []string{"/windows"}},
		"after-data of a negative length": {func(in *baseline.Input) { in.Evidence.AfterMinutes = -1 }, []string{"/evidence/after_minutes"}},
		"empty excluded span":             {func(in *baseline.Input) { in.Evidence.Excluded = []revenue.Span{{}} }, []string{"/evidence/excluded/0/end"}},
		"empty closure":                   {func(in *baseline.Input) { in.Closures = []revenue.Span{ok, {}} }, []string{"/closures/1/end"}},
		"negative declaration":            {func(in *baseline.Input) { in.Declared = &minus }, []string{"/declared"}},
		"odd bucket length":               {func(in *baseline.Input) { in.History.BucketMinutes = 20 }, []string{"/history/bucket_minutes"}},
		"amounts missing":                 {func(in *baseline.Input) { in.History.Amounts = in.History.Amounts[1:] }, []string{"/history/amounts"}},
		"history off the grid":            {func(in *baseline.Input) { in.History.Start++ }, []string{"/history/start"}},
		"amount beyond 53 bits":           {func(in *baseline.Input) { in.History.Amounts[3] = money.Max + 1 }, []string{"/history/amounts/3"}},
		"two at once": {func(in *baseline.Input) { in.Windows[0].DownBasisPoints = 0; in.Declared = &minus },
			[]string{"/windows/0/down_basis_points", "/declared"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(shop(1, 16, 60), ok)
			test.change(&in)
			_, err := baseline.Estimate(in)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid {
				t.Fatalf("error %v, want an invalid fault", err)
			}
			var at []string
			for _, field := range f.Fields {
				at = append(at, field.Pointer)
			}
			if diff := cmp.Diff(test.at, at); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEstimateCannotTellWhatTheHistoryDoesNotCarry(t *testing.T) {
	missing := flat(100, 100, 60)
	for i := range missing.States {
		missing.States[i] = revenue.Missing
	}
	tests := map[string]struct {
		in   baseline.Input
		code string
	}{
		"no history":                 {input(revenue.History{}, saturday), "no_history"},
		"history begins in window":   {input(flat(100, 10, 60), span("2022-06-01T00:00", "2022-06-07T00:00")), "no_history"},
		"history inside the window":  {input(flat(100, 2, 60), span("2022-06-01T00:00", "2022-07-01T00:00")), "no_history"},
		"three days":                 {input(flat(100, 3, 60), span("2022-06-09T00:00", "2022-06-10T00:00")), "history_too_short"},
		"twenty days":                {input(flat(100, 20, 1440), span("2022-06-26T00:00", "2022-06-27T00:00")), "history_too_short"},
		"every bucket missing":       {input(missing, span("2022-09-01T00:00", "2022-09-02T00:00")), "history_too_short"},
		"ended a quarter ago":        {input(flat(100, 60, 60), span("2022-10-15T15:30", "2022-10-15T20:00")), "history_stale"},
		"nothing ever sold":          {input(flat(0, 100, 60), span("2022-09-01T00:00", "2022-09-02T00:00")), "no_sales"},
		"refunds only":               {input(flat(-500, 100, 60), span("2022-09-01T00:00", "2022-09-02T00:00")), "no_sales"},
		"window as long as the past": {input(flat(100, 40, 60), span("2022-07-16T00:00", "2022-08-20T00:00")), "too_few_comparable"},
		"sums beyond 53 bits":        {input(flat(money.Max, 60, 60), span("2022-07-20T00:00", "2022-07-22T00:00")), "amounts_too_large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := estimate(t, test.in)
			if res.Outcome != baseline.CannotTell || res.Reason == nil || res.Reason.Code != test.code {
				t.Fatalf("outcome %s, reason %+v, want %s", res.Outcome, res.Reason, test.code)
			}
			if res.Total != nil || len(res.Windows) != 0 {
				t.Error("figures beside a reason why there are none")
			}
			for _, s := range res.Explanation {
				if s.EN == "" || s.KO == "" {
					t.Error("a sentence is empty")
				}
			}
			if n := len(res.Explanation); n != 4 {
				t.Errorf("%d sentences, want 4", n)
			}
			if got, want := res.Explanation[3], res.Reason.Help; got != want {
				t.Errorf("the last sentence is %q, want what would help, %q", got.EN, want.EN)
			}
		})
	}
}

func TestEstimateOfAnUnchangingHistoryIsExact(t *testing.T) {
	for _, bucket := range revenue.BucketLengths {
		h := flat(960, 60, bucket)
		// 2 days, from a moment that no bucket starts at.
		in := input(h, span("2022-07-25T10:37", "2022-07-27T10:37"))
		if bucket > 60 {
			in.Windows[0].Span = span("2022-07-25T00:00", "2022-07-27T00:00") // a cut day does not tell the actual
		}
		want := money.Minor(960 * 2 * 1440 / bucket)
		for _, after := range []int64{0, 14 * 1440} {
			in.Evidence.AfterMinutes = after
			total := estimated(t, in).Total
			if total.Expected != want {
				t.Errorf("buckets of %d minutes, after %d: expected %d, want %d", bucket, after, total.Expected, want)
			}
			for _, iv := range total.Intervals {
				if iv.Low < want-1 || iv.High > want+1 {
					t.Errorf("buckets of %d minutes: %d %% interval %d to %d around %d without noise", bucket, iv.LevelPercent, iv.Low, iv.High, want)
				}
			}
			if total.Actual != want || total.Shortfall != 0 {
				t.Errorf("buckets of %d minutes: actual %d, shortfall %d, want %d and none", bucket, total.Actual, total.Shortfall, want)
			}
		}
	}
}

func TestACutBucketCountsByItsMinutes(t *testing.T) {
	in := input(flat(6000, 60, 60), span("2022-07-25T10:15", "2022-07-25T10:30"))
	if total := estimated(t, in).Total; total.Expected != 1500 || total.Actual != 1500 {
		t.Errorf("a quarter of an hour of 6000: expected %d, actual %d, want 1500", total.Expected, total.Actual)
	}
}

func TestNothingIsExpectedInClosuresAndExcludedSpans(t *testing.T) {
	whole := span("2022-07-25T08:00", "2022-07-25T20:00")
	half := span("2022-07-25T08:00", "2022-07-25T14:00")
	for name, change := range map[string]func(*baseline.Input){
		"stated closure": func(in *baseline.Input) { in.Closures = []revenue.Span{half} },
		"excluded span":  func(in *baseline.Input) { in.Evidence.Excluded = []revenue.Span{half} },
	} {
		in := input(flat(1000, 60, 60), whole)
		change(&in)
		if got := estimated(t, in).Total.Expected; got != 6000 {
			t.Errorf("%s of half the window: expected %d, want 6000", name, got)
		}
	}
	in := input(flat(1000, 60, 60), whole)
	in.Closures = []revenue.Span{whole}
	if got := estimated(t, in).Total; got.Expected != 0 || got.Intervals[2].High != 0 {
		t.Errorf("window wholly closed: expected %d up to %d, want 0", got.Expected, got.Intervals[2].High)
	}
}

func TestActualComesFromTheHistoryThenTheClaimantThenTheShare(t *testing.T) {
	first, second := span("2022-07-25T00:00", "2022-07-25T10:00"), span("2022-07-25T10:00", "2022-07-25T20:00")
	declared := money.Minor(3000)
	tests := map[string]struct {
		change func(*baseline.Input)
		total  money.Minor
		source baseline.ActualSource
	}{
		"history covers":                {func(*baseline.Input) {}, 20000, baseline.ActualHistory},
		"history outranks the claimant": {func(in *baseline.Input) { in.Declared = &declared }, 20000, baseline.ActualHistory},
		"a closed bucket is a known zero": {func(in *baseline.Input) {
			in.History.States[in.History.Index(first.Start)] = revenue.Closed
		}, 19000, baseline.ActualHistory},
		"declared where a bucket is missing": {func(in *baseline.Input) {
			in.History.States[in.History.Index(second.Start)] = revenue.Missing
			over := money.Minor(13000)
			in.Declared = &over
		}, 13000, baseline.ActualDeclared},
		"declared less than the history shows": {func(in *baseline.Input) {
			in.History.States[in.History.Index(second.Start)] = revenue.Missing
			in.Declared = &declared
		}, 10000, baseline.ActualDeclared},
		"assumed where nothing is known": {func(in *baseline.Input) {
			in.History.States[in.History.Index(second.Start)] = revenue.Missing
		}, 10000 + 4000, baseline.ActualAssumed},
		"missing inside a stated closure does not matter": {func(in *baseline.Input) {
			in.History.States[in.History.Index(second.Start)] = revenue.Missing
			in.Closures = []revenue.Span{{Start: second.Start, End: second.Start + 60}}
		}, 19000, baseline.ActualHistory},
		"refunds count as nothing earned": {func(in *baseline.Input) {
			for i := range 10 {
				in.History.Amounts[in.History.Index(first.Start)+i] = -1000
			}
		}, 10000, baseline.ActualHistory},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(flat(1000, 60, 60), first, second)
			in.Windows[1].DownBasisPoints = 6000
			test.change(&in)
			total := estimated(t, in).Total
			if total.Actual != test.total || total.ActualSource != test.source {
				t.Errorf("actual %d from %s, want %d from %s", total.Actual, total.ActualSource, test.total, test.source)
			}
		})
	}
}

func TestRecognisedClosuresAreLeftOutAndSaid(t *testing.T) {
	open := shop(3, 16, 60)
	shut := shop(3, 16, 60)
	for i := shut.Index(local("2022-08-15T00:00")); shut.At(i) < local("2022-08-18T00:00"); i++ {
		shut.Amounts[i] = 0
	}
	with, without := estimated(t, input(shut, saturday)), estimated(t, input(open, saturday))
	if len(with.Basis.LeftOut) != 1 || with.Basis.LeftOut[0].Reason != "closure" {
		t.Fatalf("left out %+v, want one closure", with.Basis.LeftOut)
	}
	if got, want := float64(with.Total.Expected), float64(without.Total.Expected); got < want*0.95 || got > want*1.05 {
		t.Errorf("three closed days moved the expected sum from %.0f to %.0f", want, got)
	}
}

func TestAHabitOfWeeksOffIsNoClosure(t *testing.T) {
	h := shop(4, 24, 60)
	for i := range h.Amounts {
		if (h.At(i)-h.Start)/revenue.Week%4 == 1 {
			h.Amounts[i] = 0
		}
	}
	if out := estimated(t, input(h, span("2022-11-15T10:00", "2022-11-15T20:00"))).Basis.LeftOut; len(out) != 0 {
		t.Errorf("every fourth week off was taken for %d exceptional closures", len(out))
	}
}

func TestABulkOrderHardlyMovesTheExpectedSum(t *testing.T) {
	h := shop(5, 16, 60)
	before := estimated(t, input(h, saturday)).Total.Expected
	h.Amounts[h.Index(local("2022-09-24T16:00"))] = 50_000_000
	after := estimated(t, input(h, saturday)).Total.Expected
	if after < before || float64(after) > 1.2*float64(before) {
		t.Errorf("one order of 50 million moved the expected sum from %d to %d", before, after)
	}
}

func TestRegularClosingDaysAreExpectedToStayClosed(t *testing.T) {
	h := flat(1000, 100, 60)
	for i := range h.States {
		if h.At(i).Weekday() == 1 {
			h.Amounts[i], h.States[i] = 0, revenue.Closed
		}
	}
	monday, tuesday := span("2022-08-29T00:00", "2022-08-30T00:00"), span("2022-08-30T00:00", "2022-08-31T00:00")
	if got := estimated(t, input(h, monday)).Total.Expected; got > 500 {
		t.Errorf("expected %d on a day that is always closed", got)
	}
	if got := estimated(t, input(h, tuesday)).Total.Expected; got < 23000 || got > 25000 {
		t.Errorf("expected %d on the day after, want about 24000", got)
	}
}

func TestAHolidayIsLearnedFromHolidays(t *testing.T) {
	// 2022-10-03 and 2022-10-10 are public holidays in Korea, both Mondays.
	h := flat(1000, 130, 60)
	for _, day := range []string{"2022-08-15T00:00", "2022-10-03T00:00"} {
		for i := h.Index(local(day)); h.At(i) < local(day)+revenue.Day; i++ {
			h.Amounts[i] = 100
		}
	}
	in := input(h, span("2022-10-10T00:00", "2022-10-11T00:00"))
	ordinary := estimated(t, in)
	in.Evidence.Country = "KR"
	festive := estimated(t, in)
	if got := festive.Total.Expected; got > 16000 {
		t.Errorf("expected %d on a holiday after two that brought 2400 instead of 24000", got)
	}
	width := func(r baseline.Result) money.Minor {
		return r.Total.Intervals[1].High - r.Total.Intervals[1].Low
	}
	if width(festive) <= width(ordinary) {
		t.Error("two holidays make the method no less sure than a hundred ordinary days")
	}
	if n := len(festive.Basis.LeftOut); n != 8 {
		t.Errorf("%d holidays left out of the ordinary weekdays, want 8", n)
	}
}

func TestAShortHistoryBorrowsFromItsPeers(t *testing.T) {
	in := input(shop(100, 17, 60), saturday)
	grown := estimated(t, in)
	own := in.History
	cut := own.Index(local("2022-09-24T00:00"))
	in.History = revenue.History{BucketMinutes: 60, Start: own.At(cut), Amounts: own.Amounts[cut:], States: own.States[cut:]}
	if res := estimate(t, in); res.Outcome != baseline.CannotTell {
		t.Fatalf("a week alone was answered with %+v", res.Total)
	}
	for seed := range uint64(12) {
		p := shop(seed, 17, 60)
		for i := range p.Amounts {
			p.Amounts[i] *= money.Minor(seed + 1)
		}
		in.Peers = append(in.Peers, p)
	}
	res := estimated(t, in)
	checkResult(t, in, res)
	if res.Basis.Method != "peers" || res.Basis.From != "2022-09-24T00:00" {
		t.Errorf("method %s from %s, want peers from 2022-09-24T00:00", res.Basis.Method, res.Basis.From)
	}
	if got, want := float64(res.Total.Expected), float64(grown.Total.Expected); got < 0.7*want || got > 1.3*want {
		t.Errorf("expected %.0f with a week and peers, %.0f with all its history", got, want)
	}
	width := func(r baseline.Result) money.Minor { return r.Total.Intervals[1].High - r.Total.Intervals[1].Low }
	if width(res) < width(grown)/2 {
		t.Errorf("a week makes a range of %d, the whole history one of %d", width(res), width(grown))
	}
	if share := float64(res.Placebo.Inside90) / float64(res.Placebo.Windows); share < 0.8 {
		t.Errorf("only %.2f of the peers' past windows were inside the range", share)
	}
	in.Peers = in.Peers[:4]
	if res := estimate(t, in); res.Outcome != baseline.CannotTell {
		t.Error("four peers were enough to borrow from")
	}
}

// changed is a copy of h with other amounts and states where hidden says so.
func changed(rng *rand.Rand, h revenue.History, hidden func(revenue.Local) bool) revenue.History {
	h.Amounts = append([]money.Minor(nil), h.Amounts...)
	h.States = append([]revenue.State(nil), h.States...)
	for i := range h.Amounts {
		if hidden(h.At(i)) {
			h.Amounts[i] = money.Minor(rng.IntN(1e9)) - 1e8
			h.States[i] = revenue.State(rng.IntN(3))
		}
	}
	return h
}

// expectations are the parts of a result that must not depend on the windows.
func expectations(r baseline.Result) [][]any {
	var all [][]any
	if r.Total != nil {
		all = append(all, []any{r.Total.Expected, r.Total.Intervals})
	}
	for _, w := range r.Windows {
		all = append(all, []any{w.Expected, w.Intervals})
	}
	return append(all, []any{r.Outcome, r.Placebo, r.Rules})
}

func TestNoValueInsideOrBetweenWindowsMovesABaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		bucket := rapid.SampledFrom(revenue.BucketLengths).Draw(t, "bucket")
		after := rapid.SampledFrom([]int64{0, 1440, 14 * 1440}).Draw(t, "after")
		start := shopStart + 8*revenue.Week + revenue.Local(rapid.IntRange(0, int(revenue.Week)).Draw(t, "start"))
		first := revenue.Span{Start: start, End: start + revenue.Local(rapid.IntRange(1, 3000).Draw(t, "minutes"))}
		second := revenue.Span{Start: first.End + 100, End: first.End + 700}
		in := input(shop(seed, 12, bucket), first, second)
		in.Evidence = baseline.Evidence{AfterMinutes: after, Country: "KR"}
		want := expectations(estimate(t, in))
		step := revenue.Local(bucket)
		in.History = changed(rand.New(rand.NewPCG(seed, 2)), in.History, func(b revenue.Local) bool {
			if b+step <= first.Start {
				return false
			}
			return b < second.End || b+step > second.End+revenue.Local(after)
		})
		if diff := cmp.Diff(want, expectations(estimate(t, in))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFiguresHoldTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := wildInput(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)))
		checkResult(t, in, estimate(t, in))
	})
}

// checkResult holds a result against everything that is promised of it.
func checkResult(t failer, in baseline.Input, res baseline.Result) {
	if (res.Reason != nil) != (res.Outcome == baseline.CannotTell) || (res.Total == nil) != (res.Outcome == baseline.CannotTell) {
		t.Fatalf("outcome %s, reason %v, total %v do not fit", res.Outcome, res.Reason, res.Total)
	}
	if len(res.Explanation) != 4 {
		t.Fatalf("%d sentences, want 4", len(res.Explanation))
	}
	if _, err := json.Marshal(res); err != nil {
		t.Fatalf("no JSON: %v", err)
	}
	if res.Total == nil {
		return
	}
	var expected, actual money.Minor
	for _, w := range res.Windows {
		checkFigures(t, w.Figures)
		expected += w.Expected
		actual += w.Actual
	}
	checkFigures(t, *res.Total)
	if res.Total.Expected != expected || res.Total.Actual != actual {
		t.Fatalf("total %d/%d, windows add up to %d/%d", res.Total.Expected, res.Total.Actual, expected, actual)
	}
	p := res.Placebo
	if p.Inside90+p.FoundLoss > p.Windows || p.MeanError < 0 || p.MeanFoundLoss < 0 {
		t.Fatalf("placebo record %+v", p)
	}
	checkRules(t, res)
	checkAfter(t, in, res.After)
	checkMoreHistory(t, in, res)
	checkExplanation(t, in, res)
}

func checkRules(t failer, res baseline.Result) {
	for _, r := range res.Rules {
		off := max(r.Bias, -r.Bias)
		if r.Expected < 0 || !r.Expected.InRange() || r.Windows > res.Placebo.Windows || off > r.MeanError ||
			r.FoundLoss > r.Windows || r.MeanFoundLoss < 0 || r.Text.EN == "" || r.Text.KO == "" {
			t.Fatalf("rule %+v beside %+v", r, res.Placebo)
		}
	}
}

func checkFigures(t failer, f baseline.Figures) {
	low, high := f.Expected, f.Expected
	for i, iv := range f.Intervals {
		if iv.LevelPercent != baseline.Levels[i] || iv.Low < 0 || iv.Low > low || iv.High < high || !iv.High.InRange() {
			t.Fatalf("intervals %+v around %d are not nested in 0 and above", f.Intervals, f.Expected)
		}
		low, high = iv.Low, iv.High
		want := baseline.Interval{LevelPercent: iv.LevelPercent, Low: max(0, iv.Low-f.Actual), High: max(0, iv.High-f.Actual)}
		if f.ShortfallIntervals[i] != want {
			t.Fatalf("shortfall interval %+v, want %+v", f.ShortfallIntervals[i], want)
		}
	}
	if f.Expected < 0 || f.Actual < 0 || f.Shortfall != max(0, f.Expected-f.Actual) {
		t.Fatalf("expected %d, actual %d, shortfall %d", f.Expected, f.Actual, f.Shortfall)
	}
}

// checkExplanation holds each sentence against the figures it tells.
func checkExplanation(t failer, in baseline.Input, res baseline.Result) {
	text, total := in.Currency.Text, res.Total
	ninety := total.Intervals[1]
	want := [][]money.Minor{{total.Expected}, {total.Actual}, {total.Shortfall}, {ninety.Low, ninety.High, res.Placebo.MeanError}}
	if total.Shortfall == 0 {
		want[2] = nil
	}
	for i, sentence := range res.Explanation {
		if strings.Count(sentence.EN, ".") != 1 || strings.Count(sentence.KO, ".") != 1 {
			t.Fatalf("%q / %q is not one sentence", sentence.EN, sentence.KO)
		}
		for _, amount := range want[i] {
			if !strings.Contains(sentence.EN, text(amount).EN) || !strings.Contains(sentence.KO, text(amount).KO) {
				t.Fatalf("sentence %d, %q / %q, does not tell %s", i, sentence.EN, sentence.KO, text(amount).EN)
			}
		}
		if len(want[i]) == 0 && strings.ContainsAny(sentence.EN+sentence.KO, "0123456789") {
			t.Fatalf("sentence %d, %q, tells a number where there is none to tell", i, sentence.EN)
		}
	}
}

// wildInput draws an input of any lawful kind, the awkward ones above all.
func wildInput(rng *rand.Rand) baseline.Input {
	bucket := revenue.BucketLengths[rng.IntN(len(revenue.BucketLengths))]
	h := shop(rng.Uint64(), 1+rng.IntN(20), bucket)
	switch rng.IntN(7) {
	case 0:
		for i := range h.Amounts {
			h.Amounts[i] = 0
		}
	case 1:
		h.Amounts[rng.IntN(h.Len())] = money.Max
	case 2:
		for i := range h.Amounts {
			h.Amounts[i] = -h.Amounts[i] + money.Minor(rng.IntN(20000))
		}
	case 3:
		for i := range h.States {
			h.States[i] = revenue.State(rng.IntN(3))
		}
	case 4:
		for i := range h.Amounts {
			h.Amounts[i] = money.Max / money.Minor(1+rng.IntN(1000000))
		}
	case 5:
		h.Start += revenue.Local(rng.IntN(200) * bucket)
	}
	in := baseline.Input{Currency: money.KRW, History: h}
	at := h.Start + revenue.Local(rng.Int64N(int64(h.End()-h.Start)+20000)) - 2000
	for range 1 + rng.IntN(4) {
		at += revenue.Local(rng.IntN(3000))
		end := at + 1 + revenue.Local(rng.IntN(8000))
		in.Windows = append(in.Windows, baseline.Window{Span: revenue.Span{Start: at, End: end}, DownBasisPoints: 1 + rng.IntN(10000)})
		at = end
	}
	in.Evidence = baseline.Evidence{AfterMinutes: rng.Int64N(30000), Country: []string{"", "KR"}[rng.IntN(2)]}
	for _, spans := range []*[]revenue.Span{&in.Evidence.Excluded, &in.Closures} {
		for range rng.IntN(3) {
			from := h.Start + revenue.Local(rng.Int64N(int64(h.End()-h.Start)+5000))
			*spans = append(*spans, revenue.Span{Start: from, End: from + 1 + revenue.Local(rng.IntN(5000))})
		}
	}
	if rng.IntN(8) == 0 {
		for range 6 {
			in.Peers = append(in.Peers, shop(rng.Uint64(), 20, bucket))
		}
	}
	if rng.IntN(2) == 0 {
		declared := money.Minor(rng.IntN(1e6))
		in.Declared = &declared
	}
	return in
}

// A shop that is closed on Sundays stays closed on the Sunday after one that was
// a public holiday (9 October 2022, Hangul Day).
func TestAHolidayOnTheClosedDayDoesNotOpenTheNextOne(t *testing.T) {
	outage, err := revenue.ParseLocal("2022-10-16T00:00")
	if err != nil {
		t.Fatal(err)
	}
	h := revenue.History{BucketMinutes: 60, Start: outage - 12*revenue.Week}
	for l := h.Start; l < outage; l += revenue.Hour {
		amount, state := money.Minor(0), revenue.Closed
		if hour := l.Clock().Hour(); l.Weekday() != time.Sunday && hour >= 9 && hour < 19 {
			amount, state = money.Minor(15000+1000*((int(l/revenue.Hour)*7)%9)), revenue.Open
		}
		h.Amounts, h.Counts, h.States = append(h.Amounts, amount), append(h.Counts, 0), append(h.States, state)
	}
	in := baseline.Input{
		Currency: money.KRW, History: h, Evidence: baseline.Evidence{Country: "KR"},
		Windows: []baseline.Window{{Span: revenue.Span{Start: outage, End: outage + revenue.Day + 12*revenue.Hour}, DownBasisPoints: 10000}},
	}
	result, err := baseline.Estimate(in)
	if err != nil || result.Total == nil {
		t.Fatalf("%+v, %v", result.Reason, err)
	}
	if got := result.Total.Expected; got < 40_000 || got > 75_000 {
		t.Errorf("a closed Sunday and three hours of Monday are expected to bring %d, want about 57,000", got)
	}
}

// What a day brought in four of its hours is not in a daily record: the claimant
// says so, or nobody does.
func TestADailyRecordDoesNotTellWhatPartOfADayBrought(t *testing.T) {
	saturday, err := revenue.ParseLocal("2022-10-15T00:00")
	if err != nil {
		t.Fatal(err)
	}
	h := revenue.History{BucketMinutes: 1440, Start: saturday - 12*revenue.Week}
	for l := h.Start; l <= saturday; l += revenue.Day {
		h.Amounts = append(h.Amounts, money.Minor(95000+1000*(int(l/revenue.Day)%9)))
		h.Counts, h.States = append(h.Counts, 0), append(h.States, revenue.Open)
	}
	last := len(h.Amounts) - 1
	h.Amounts[last] = 60000
	window := func(from, to revenue.Local) []baseline.Window {
		return []baseline.Window{{Span: revenue.Span{Start: saturday + from, End: saturday + to}, DownBasisPoints: 10000}}
	}
	part := window(15*revenue.Hour+30, 19*revenue.Hour+30)
	for _, tc := range []struct {
		name    string
		windows []baseline.Window
		sold    money.Minor
		want    baseline.ActualSource
	}{
		{"part of a day", part, 60000, baseline.ActualAssumed},
		{"part of a day without a sale", part, 0, baseline.ActualHistory},
		{"a whole day", window(0, revenue.Day), 60000, baseline.ActualHistory},
	} {
		h.Amounts[last] = tc.sold
		result, err := baseline.Estimate(baseline.Input{Currency: money.KRW, History: h, Windows: tc.windows})
		if err != nil || result.Total == nil {
			t.Fatalf("%s: %+v, %v", tc.name, result.Reason, err)
		}
		if got := result.Total.ActualSource; got != tc.want {
			t.Errorf("%s: the actual is from %s, want %s", tc.name, got, tc.want)
		}
	}
}

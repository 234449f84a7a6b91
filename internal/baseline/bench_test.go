package baseline_test

import (
	"testing"

	"redress/internal/baseline"
	"redress/internal/revenue"
)

// BenchmarkEstimateYearHourly is one claim with one window on a year of hours.
func BenchmarkEstimateYearHourly(b *testing.B) {
	in := input(shop(1, 52, 60), span("2023-05-27T15:30", "2023-05-28T01:30"))
	in.Evidence.Country = "KR"
	b.ReportAllocs()
	for b.Loop() {
		estimated(b, in)
	}
}

// BenchmarkExtraWindow is what each further window of a claim costs: the time of
// a claim with 40 windows beyond that of one with 2, over 38.
func BenchmarkExtraWindow(b *testing.B) {
	in := input(shop(1, 52, 60))
	start := local("2023-05-20T10:00")
	for i := range 40 {
		at := start + revenue.Local(i)*180
		in.Windows = append(in.Windows, outage(revenue.Span{Start: at, End: at + 90})...)
	}
	few := in
	few.Windows = []baseline.Window{in.Windows[0], in.Windows[39]}
	run := func(b *testing.B, in baseline.Input) float64 {
		b.Helper()
		start := b.Elapsed()
		for range 50 {
			estimated(b, in)
		}
		return float64((b.Elapsed() - start).Nanoseconds()) / 50
	}
	var extra float64
	n := 0.0
	for b.Loop() {
		extra += (run(b, in) - run(b, few)) / 38
		n++
	}
	b.ReportMetric(extra/n, "ns/window")
}

// BenchmarkEstimateFifteenYearsOfQuarterHours shows that old years cost nothing.
func BenchmarkEstimateFifteenYearsOfQuarterHours(b *testing.B) {
	in := input(shop(1, 15*52, 15), span("2037-05-16T15:30", "2037-05-17T01:30"))
	for b.Loop() {
		estimated(b, in)
	}
}

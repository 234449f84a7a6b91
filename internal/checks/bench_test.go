package checks_test

import (
	"math/rand/v2"
	"testing"

	"redress/internal/checks"
	"redress/internal/money"
	"redress/internal/revenue"
)

// busy is a year of hours, of which eleven a day are open, of sums of fares.
func busy() revenue.History {
	r := rand.New(rand.NewPCG(1, 1))
	h := revenue.History{BucketMinutes: 60, Start: 27_000_000 / 1440 * 1440}
	for i := range 365 * 24 {
		h.States, h.Amounts, h.Counts = append(h.States, revenue.Closed), append(h.Amounts, 0), append(h.Counts, 0)
		if i%24 >= 9 && i%24 < 20 {
			h.States[i] = revenue.Open
			for range r.IntN(6) {
				h.Amounts[i] += 100 * money.Minor(40+r.IntN(90))
				h.Counts[i]++
			}
		}
	}
	return h
}

func BenchmarkRunYearHourly(b *testing.B) {
	h := busy()
	f := checks.Facts{Currency: money.KRW, Lines: []checks.Line{{
		Service: "taxi", Upload: h, Ledger: h.Slice(revenue.Span{Start: h.End() - 8*revenue.Week, End: h.End()}),
		Windows: []revenue.Span{{Start: h.End() - revenue.Week, End: h.End() - 6*revenue.Day}},
	}}}
	b.ReportAllocs()
	for b.Loop() {
		checks.Run(f, checks.DefaultPoints())
	}
}

func BenchmarkFingerprintsYearHourly(b *testing.B) {
	h := busy()
	b.ReportAllocs()
	for b.Loop() {
		checks.Fingerprints(h)
	}
}

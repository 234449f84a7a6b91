package checks_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/checks"
	"redress/internal/money"
	"redress/internal/revenue"
)

// common counts what two ascending lists share.
func common(a, b []uint64) int {
	n := 0
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); found {
			n++
		}
	}
	return n
}

func TestACopyIsFoundByItsFingerprints(t *testing.T) {
	h := ordinary(1, 12)
	own := checks.Fingerprints(h)
	if len(own) != 3*14 {
		t.Fatalf("%d fingerprints of 14 weeks", len(own))
	}
	later := h
	later.Start += 5 * revenue.Week
	weeks := func(from, to int) revenue.History {
		return h.Slice(revenue.Span{Start: h.Start + revenue.Local(from)*revenue.Week, End: h.Start + revenue.Local(to)*revenue.Week})
	}
	for _, tc := range []struct {
		name string
		copy revenue.History
		want int // shared at the least
	}{
		{"as it is", h, 42},
		{"weeks later", later, 42},
		{"eight weeks of it", weeks(2, 10), 24},
		{"one week of it", weeks(3, 4), 1},
		{"from a Wednesday on", h.Slice(revenue.Span{Start: h.Start + 2*revenue.Day, End: h.End()}), 39},
		{"17 % up, to the won", changed(h, -always, always, func(_ int, a money.Minor) money.Minor { return (117*a + 50) / 100 }), 20},
		{"17 % up, to the hundred", times(h, -always, always, 117), 14},
		{"37 % down, to the hundred", times(h, -always, always, 63), 12},
		{"some weeks up, some down", times(times(h, h.Start, h.Start+6*revenue.Week, 88), h.Start+6*revenue.Week, always, 131), 12},
		{"without its counts", uncounted(h), 42},
		{"without its closed hours", missingWhereClosed(h), 42},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := common(checks.Fingerprints(tc.copy), own); got < tc.want {
				t.Errorf("%d fingerprints are shared, want %d or more", got, tc.want)
			}
		})
	}
}

func TestACopyOfDaysIsFoundByItsFingerprints(t *testing.T) {
	h := days(ordinary(1, 24))
	own := checks.Fingerprints(h)
	if n := common(checks.Fingerprints(times(h, -always, always, 117)), own); n < 10 {
		t.Errorf("%d fingerprints are shared with a copy 17 %% up", n)
	}
}

func TestHistoriesThatMayBeAlikeHaveNoFingerprints(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    revenue.History
	}{
		{"none", revenue.History{}},
		{"one day", ordinary(1, 12).Slice(revenue.Span{Start: monday, End: monday + revenue.Day})},
		{"one amount an hour", flat(ordinary(1, 12), 17_200)},
		{"one amount a day", days(flat(ordinary(1, 12), 17_200))},
		{"three weeks of days", days(ordinary(1, 12)).Slice(revenue.Span{Start: monday - 3*revenue.Week, End: monday})},
		{"a fee on weekdays", changed(ordinary(1, 12), 0, always, func(i int, _ money.Minor) money.Minor { return 39_000 * money.Minor(i%24/10%2) })},
		{"two sales a day at one price", sparse()},
		{"a timetable", changed(days(ordinary(1, 12)), 0, always, func(i int, _ money.Minor) money.Minor {
			return []money.Minor{120_000, 0, 150_000, 0, 90_000, 210_000, 0}[i%7]
		})},
		{"nothing sold", times(ordinary(1, 12), 0, always, 0)},
		{"unlawful", revenue.History{BucketMinutes: 60, Start: 7, States: make([]revenue.State, 2000)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := checks.Fingerprints(tc.h); len(got) != 0 {
				t.Errorf("%d fingerprints", len(got))
			}
		})
	}
}

func TestNoTwoHonestShopsShareAFingerprint(t *testing.T) {
	owner := map[uint64]uint64{}
	for seed := range uint64(500) {
		h := ordinary(seed, 12)
		// The same hours, the same prices, and every other one rounded by the week.
		if seed%2 == 1 {
			h = rounded(h, 1000, 3)
		}
		for _, print := range append(checks.Fingerprints(h), checks.Fingerprints(days(h))...) {
			if other, taken := owner[print]; taken && other != seed {
				t.Errorf("shops %d and %d share a fingerprint", seed, other)
			}
			owner[print] = seed
		}
	}
	if len(owner) < 500*3*14 {
		t.Errorf("%d fingerprints only", len(owner))
	}
}

// A share is the same number whatever the unit, so that fingerprints of shape, two
// in three at the most, stay.
func TestFingerprintsOfShapeDoNotKnowTheScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := ordinary(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 30).Draw(t, "weeks"))
		k := money.Minor(rapid.IntRange(2, 9000).Draw(t, "factor"))
		scaled := changed(h, -always, always, func(_ int, a money.Minor) money.Minor { return k * a })
		own, other := checks.Fingerprints(h), checks.Fingerprints(scaled)
		if len(own) == 0 || len(own) != len(other) || 2*common(own, other) < len(own) {
			t.Errorf("%d and %d fingerprints, %d in common", len(own), len(other), common(own, other))
		}
	})
}

// Fingerprints are stored: a change of them finds nothing that is already there.
func TestFingerprintsAreKept(t *testing.T) {
	want := []uint64{
		3675260719599270454, 8860757988956841186, 13618243976653919641, 15098969325926578361, 15543493061026753376, 18022791240553625921,
	}
	h := ordinary(1, 12)
	got := checks.Fingerprints(h.Slice(revenue.Span{Start: h.Start, End: h.Start + 2*revenue.Week}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fingerprints (-want +got):\n%s", diff)
	}
}

func missingWhereClosed(h revenue.History) revenue.History {
	h.States = slices.Clone(h.States)
	for i, s := range h.States {
		if s == revenue.Closed {
			h.States[i] = revenue.Missing
		}
	}
	return h
}

// sparse is a shop of two sales a day at one price.
func sparse() revenue.History {
	r := rand.New(rand.NewPCG(4, 4))
	return changed(ordinary(1, 12), 0, always, func(int, money.Minor) money.Minor { return 36_000 * money.Minor(r.IntN(10)/9) })
}

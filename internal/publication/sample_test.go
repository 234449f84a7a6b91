package publication_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/money"
	"redress/internal/publication"
)

func seedOf(t testing.TB, i uint64) publication.Hash {
	t.Helper()
	seed, err := publication.Seed(publication.Hash{1}, binary.BigEndian.AppendUint64(make([]byte, 16), i))
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func draw(t testing.TB, leaves []publication.Leaf, by publication.Measure, n int, seed publication.Hash) publication.Sample {
	t.Helper()
	s, err := publication.Draw(slices.Values(leaves), by, n, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheChanceOfAClaimIsItsShareOfTheTotal(t *testing.T) {
	amounts := []money.Minor{10, 20, 30, 40, 0, 100, 50, 250, 500} // of 1000; 4 units of 250
	leaves := make([]publication.Leaf, len(amounts))
	for i, a := range amounts {
		leaves[i] = leafOf(i, publication.Amounts{Awarded: a})
	}
	const rounds = 20_000
	drawn := make([]int, len(amounts))
	for round := range uint64(rounds) {
		for _, d := range draw(t, leaves, publication.Awarded, 4, seedOf(t, round)).Drawn {
			drawn[d.Index]++
		}
	}
	for i, a := range amounts {
		chance := min(1, 4*float64(a)/1000)
		// Five standard deviations; certain claims and those of zero have none.
		if off := math.Abs(float64(drawn[i]) - rounds*chance); off > 5*math.Sqrt(rounds*chance*(1-chance)) {
			t.Errorf("the claim of %d is drawn %d times in %d, which should be about %.0f", a, drawn[i], rounds, rounds*chance)
		}
	}
}

func TestSamplesKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leaves := make([]publication.Leaf, rapid.IntRange(1, 80).Draw(rt, "leaves"))
		var total, largest money.Minor
		for i := range leaves {
			amount := money.Minor(rapid.Int64Range(0, int64(money.Max)/80).Draw(rt, "amount"))
			leaves[i] = leafOf(i, publication.Amounts{Paid: amount})
			total, largest = total+amount, max(largest, amount)
		}
		n := rapid.IntRange(1, 200).Draw(rt, "units")
		seed := seedOf(t, rapid.Uint64().Draw(rt, "seed"))
		s := draw(t, leaves, publication.Paid, n, seed)
		if diff := cmp.Diff(s, draw(t, leaves, publication.Paid, n, seed)); diff != "" {
			rt.Fatal("drawn again it differs: ", diff)
		}
		if len(s.Drawn) > n || total > 0 && len(s.Drawn) == 0 {
			rt.Fatalf("%d claims are drawn with %d units", len(s.Drawn), n)
		}
		certain := 0
		for i, d := range s.Drawn {
			if d.Amount == 0 || d.Amount != leaves[d.Index].Paid || i > 0 && s.Drawn[i-1].Index >= d.Index {
				rt.Fatalf("claim %+v is out of place", d)
			}
			if d.Certain {
				certain++
			}
		}
		for _, l := range leaves {
			if float64(l.Paid)*float64(n) > float64(total)*1.0001 {
				certain--
			}
			if float64(l.Paid)*float64(n) > float64(total)*0.9999 && float64(l.Paid)*float64(n) <= float64(total)*1.0001 {
				return // too close to tell in floats
			}
		}
		if certain != 0 {
			rt.Fatalf("%d claims above the interval too many or too few are drawn", certain)
		}
	})
}

func TestASampleByCountDrawsClaimsOfZero(t *testing.T) {
	s := draw(t, leavesOf(100), publication.Count, 100, seedOf(t, 1))
	if len(s.Drawn) != 100 {
		t.Errorf("%d of 100 claims are drawn", len(s.Drawn))
	}
}

// 100 units of a total of 1,000,000, no claim above the interval of 10,000.
func auditedSample(t testing.TB) publication.Sample {
	t.Helper()
	leaves := make([]publication.Leaf, 500)
	for i := range leaves {
		leaves[i] = leafOf(i, publication.Amounts{Awarded: 2000})
	}
	return draw(t, leaves, publication.Awarded, 100, seedOf(t, 7))
}

func resultsOf(s publication.Sample, correct map[int]money.Minor) []publication.Audited {
	var out []publication.Audited
	for i, d := range s.Drawn {
		r := publication.Audited{ID: d.ID, Correct: d.Amount}
		if c, ok := correct[i]; ok {
			r.Correct = c
		}
		out = append(out, r)
	}
	return out
}

// The factors are those of the exact binomial bound: with no error in 100 draws
// 1 − 0.05^(1/100) = 2.9513 %, with one 4.6560 %, with two 6.1618 % at 95 %.
func TestTheBoundIsStringers(t *testing.T) {
	s := auditedSample(t)
	for _, c := range []struct {
		name    string
		correct map[int]money.Minor
		want    publication.Bound
	}{
		{"no error", nil, publication.Bound{MaxOverstated: 29_513}},
		{"one wholly wrong", map[int]money.Minor{3: 0}, publication.Bound{Overstated: 10_000, MaxOverstated: 46_560}},
		// 2.9513 + 0.5 × (4.6560 − 2.9513) + 0.25 × (6.1618 − 4.6560) percent.
		{"a half and a quarter", map[int]money.Minor{3: 1000, 9: 1500}, publication.Bound{Overstated: 7500, MaxOverstated: 41_801}},
	} {
		got, err := s.Bound(resultsOf(s, c.correct), 95)
		if err != nil {
			t.Fatal(err)
		}
		if got.Overstated != c.want.Overstated || max(got.MaxOverstated-c.want.MaxOverstated, c.want.MaxOverstated-got.MaxOverstated) > 2 {
			t.Errorf("%s: overstated by %d and at most %d, want %d and %d", c.name, got.Overstated, got.MaxOverstated, c.want.Overstated, c.want.MaxOverstated)
		}
	}
}

func TestErrorsThatCancelAreStillErrors(t *testing.T) {
	s := auditedSample(t)
	got, err := s.Bound(resultsOf(s, map[int]money.Minor{3: 1000, 9: 3000}), 95)
	if err != nil {
		t.Fatal(err)
	}
	if got.Net != 0 || got.Gross != 10_000 || got.MaxGross == nil || *got.MaxGross <= got.MaxOverstated {
		t.Errorf("net %d, gross %d, at most %v", got.Net, got.Gross, got.MaxGross)
	}
	got, err = s.Bound(resultsOf(s, map[int]money.Minor{3: 9000}), 95)
	if err != nil {
		t.Fatal(err)
	}
	if got.MaxUnderstated != nil || got.MaxGross != nil {
		t.Error("a claim more than doubled has a bound")
	}
}

func TestLargeClaimsStandForThemselves(t *testing.T) {
	leaves := leavesOf(1)
	leaves[0].Paid = 1_000_000
	s := draw(t, leaves, publication.Paid, 10, seedOf(t, 1))
	got, err := s.Bound(resultsOf(s, map[int]money.Minor{0: 400_000}), 95)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Drawn[0].Certain || got.Overstated != 600_000 || got.MaxOverstated != 600_000 {
		t.Errorf("got %+v of %+v", got, s)
	}
}

// The bound holds in at least the share of samples that it claims.
func TestTheBoundHoldsAsOftenAsItSays(t *testing.T) {
	leaves := make([]publication.Leaf, 400)
	correct := map[publication.Hash]money.Minor{}
	var wrong money.Minor
	for i := range leaves {
		amount := money.Minor(1000 + i*37%900)
		leaves[i] = leafOf(i, publication.Amounts{Awarded: amount})
		correct[leaves[i].ID] = amount
		if i%16 == 0 {
			correct[leaves[i].ID] = amount / money.Minor(1+i%3)
		}
		wrong += amount - correct[leaves[i].ID]
	}
	const rounds = 500
	held := 0
	for round := range uint64(rounds) {
		publication.Shuffle(leaves, binary.BigEndian.AppendUint64(nil, round))
		s := draw(t, leaves, publication.Awarded, 60, seedOf(t, round))
		var results []publication.Audited
		for _, d := range s.Drawn {
			results = append(results, publication.Audited{ID: d.ID, Correct: correct[d.ID]})
		}
		bound, err := s.Bound(results, 90)
		if err != nil {
			t.Fatal(err)
		}
		if bound.MaxOverstated >= wrong {
			held++
		}
	}
	if held < rounds*90/100 {
		t.Errorf("the 90 %% bound holds in %d of %d samples", held, rounds)
	}
}

func TestAnAuditCountsOnlyAsAWhole(t *testing.T) {
	s := auditedSample(t)
	all := resultsOf(s, nil)
	for name, results := range map[string][]publication.Audited{
		"one missing":  all[1:],
		"one twice":    append(slices.Clone(all), all[0]),
		"one unknown":  append(slices.Clone(all), publication.Audited{ID: publication.Hash{9}}),
		"one negative": append([]publication.Audited{{ID: all[0].ID, Correct: -1}}, all[1:]...),
	} {
		if _, err := s.Bound(results, 95); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := s.Bound(all, 94); err == nil {
		t.Error("a confidence of 94 percent is accepted")
	}
	if _, err := publication.Seed(publication.Hash{}, make([]byte, 15)); err == nil {
		t.Error("a nonce of 15 bytes is accepted")
	}
	if _, err := publication.Draw(slices.Values(leavesOf(3)), "weight", 3, publication.Hash{}); err == nil {
		t.Error("an unknown measure is accepted")
	}
}

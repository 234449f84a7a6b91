package publication_test

import (
	"math"
	"slices"
	"testing"

	"redress/internal/publication"
)

// Claims stay in the list, in their service, sector, region and month, and mostly
// with what was claimed. Who knows that has equations across releases.
func TestWhoKnowsThatClaimsStayLearnsNoMore(t *testing.T) {
	for _, found := range grown(t, 0, "") {
		t.Error(found)
	}
	if len(grown(t, 0, "rounding")) == 0 {
		t.Error("without rounding that attack finds nothing")
	}
}

func grown(t *testing.T, seed uint64, off publication.Protection) []string {
	t.Helper()
	releases, err := history(seed, publication.DefaultRule(), off)
	if err != nil {
		t.Fatal(err)
	}
	a := &adversary{rule: publication.DefaultRule()}
	for _, e := range releases {
		a.truth = append(a.truth, parts(e))
	}
	for _, m := range []publication.Measure{publication.Count, publication.Claimed} {
		for _, d := range []publication.Dimension{publication.Service, publication.Sector, publication.Region, publication.Month} {
			a.grow(t, releases, m, d)
		}
	}
	return a.found
}

// grow bounds the rows of one table of all releases, and their changes, together.
func (a *adversary) grow(t *testing.T, releases []publication.Earlier, m publication.Measure, d publication.Dimension) {
	t.Helper()
	type level struct{ number, variable, change int }
	p := &program{}
	levels := map[string][]level{}
	for _, e := range releases {
		measure := e.Release.Measures[slices.Index(publication.Measures, m)]
		if measure.AsOf != e.Release.Number {
			continue
		}
		table, total, sum := tableOf(t, e.Release, m, d), float64(*measure.Total), map[int]float64{}
		if len(table.Rows) < 2 {
			continue // it is the total
		}
		for _, row := range table.Rows {
			low, high := 1.0, total
			if row.Value != nil {
				low, high = math.Max(1, float64(*row.Value)), math.Min(total, float64(*row.Value+row.Step-1))
			}
			now := level{e.Release.Number, p.variable(low, high), -1}
			sum[now.variable] = 1
			if before := levels[row.Codes[0]]; len(before) > 0 {
				now.change = p.variable(0, total)
				p.equation(0, map[int]float64{now.variable: 1, before[len(before)-1].variable: -1, now.change: -1})
			}
			levels[row.Codes[0]] = append(levels[row.Codes[0]], now)
		}
		p.equation(total, sum)
	}
	s, ok := p.solve()
	if !ok {
		t.Fatal("what is published contradicts itself")
	}
	judge := func(code string, number, variable int, parts []int64) {
		why := a.few(m, parts)
		if why == "" {
			return
		}
		width := float64(a.rule.CountWidth)
		if m != publication.Count {
			width = float64(slices.Max(parts))
		}
		if low, high := s.bounds(variable); high-low < width-0.01 {
			a.report("release %d: %s by %s %s: %v (%s) is known to be %v..%v", number, m, d, code, parts, why, low, high)
		}
	}
	for code, all := range levels {
		key := figureKey(m, []publication.Dimension{d}, []string{code})
		for i, l := range all {
			judge(code, l.number, l.variable, changes(a.truth[l.number-1][key], nil))
			if l.change >= 0 {
				judge(code, l.number, l.change, changes(a.truth[l.number-1][key], a.truth[all[i-1].number-1][key]))
			}
		}
	}
}

package attack

import (
	"fmt"
	"slices"

	"redress/internal/publication"
)

// Grow plays another adversary, who knows that claims stay in the list, in their
// service, sector, region and month, and with what was claimed, and so has equations
// across all releases. It answers what can be derived and may not be, in words.
func Grow(rule publication.Rule, releases []publication.Earlier) (found []string, err error) {
	a := New(rule)
	for _, e := range releases {
		a.truth = append(a.truth, parts(e))
	}
	for _, m := range []publication.Measure{publication.Count, publication.Claimed} {
		for _, d := range []publication.Dimension{publication.Service, publication.Sector, publication.Region, publication.Month} {
			if err := a.grow(releases, m, d); err != nil {
				return nil, err
			}
		}
	}
	return a.Found, nil
}

// level is a row of a table at one release: its variable, and that of its change
// since it was published before, or -1.
type level struct{ number, variable, change int }

// grow bounds the rows of one table of all releases, and their changes, together.
func (a *Adversary) grow(releases []publication.Earlier, m publication.Measure, d publication.Dimension) error {
	p := &program{}
	levels := map[string][]level{}
	for _, e := range releases {
		measure := e.Release.Measures[slices.Index(publication.Measures, m)]
		if measure.AsOf != e.Release.Number {
			continue
		}
		at := slices.IndexFunc(measure.Tables, func(t publication.Table) bool { return slices.Equal(t.By, []publication.Dimension{d}) })
		table, total, sum := measure.Tables[at], float64(*measure.Total), map[int]float64{}
		if len(table.Rows) < 2 {
			continue // it is the total
		}
		for _, row := range table.Rows {
			low, high := rowBounds(row, total)
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
		return fmt.Errorf("what is published of %s by %s contradicts itself, if claims stay", m, d)
	}
	for code, all := range levels {
		key := figureKey(m, []publication.Dimension{d}, []string{code})
		for i, l := range all {
			what := fmt.Sprintf("release %d: %s by %s %s", l.number, m, d, code)
			a.judgeGrown(what, m, s, l.variable, changes(a.truth[l.number-1][key], nil))
			if l.change >= 0 {
				a.judgeGrown(what, m, s, l.change, changes(a.truth[l.number-1][key], a.truth[all[i-1].number-1][key]))
			}
		}
	}
	return nil
}

// judgeGrown judges a row, or its change, of which these are the true parts.
func (a *Adversary) judgeGrown(what string, m publication.Measure, s *solver, variable int, parts []int64) {
	why := a.few(m, parts)
	if why == "" {
		return
	}
	width := float64(a.rule.CountWidth)
	if m != publication.Count {
		width = float64(slices.Max(parts))
	}
	if low, high := s.bounds(variable); high-low < width-slack {
		a.report("%s: %v (%s) is known to be %v..%v", what, parts, why, low, high)
	}
}

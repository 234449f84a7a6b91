package publication_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"redress/internal/publication"
)

// adversary knows all releases, the rule, the codes, and which rows and columns
// have no claims at all. It computes exact bounds for every figure.
type adversary struct {
	rule publication.Rule
	// truth is used only to judge what was found.
	truth []map[string]map[publication.Hash]int64 // by release: parts by key of figure
	// bounds are what was found, by release and key of figure.
	bounds []map[string][2]float64
	found  []string
}

func figureKey(m publication.Measure, by []publication.Dimension, codes []string) string {
	return fmt.Sprint(m, by, codes)
}

func partOf(l publication.Leaf, m publication.Measure) int64 {
	return map[publication.Measure]int64{
		publication.Count: 1, publication.Claimed: int64(l.Claimed), publication.Estimated: int64(l.Estimated),
		publication.Awarded: int64(l.Awarded), publication.Paid: int64(l.Paid),
	}[m]
}

func codeOf(l publication.Leaf, d publication.Dimension) string {
	return map[publication.Dimension]string{
		publication.Service: l.Service, publication.Sector: l.Sector, publication.Region: l.Region,
		publication.Month: l.Month, publication.Status: l.Status,
	}[d]
}

// parts are all claims' parts in every figure of a release.
func parts(e publication.Earlier) map[string]map[publication.Hash]int64 {
	var tables [][]publication.Dimension
	spokes := []publication.Dimension{publication.Service, publication.Sector, publication.Region, publication.Month}
	for _, d := range spokes {
		tables = append(tables, []publication.Dimension{d}, []publication.Dimension{d, publication.Status})
	}
	tables = append(tables, []publication.Dimension{publication.Status}, nil)
	out := map[string]map[publication.Hash]int64{}
	for l := range e.Leaves {
		for _, by := range tables {
			codes := []string{}
			for _, d := range by {
				codes = append(codes, codeOf(l, d))
			}
			for _, m := range publication.Measures {
				if part := partOf(l, m); part != 0 {
					key := figureKey(m, by, codes)
					if out[key] == nil {
						out[key] = map[publication.Hash]int64{}
					}
					out[key][l.ID] = part
				}
			}
		}
	}
	return out
}

// few says why these parts may not be known, or "".
func (a *adversary) few(m publication.Measure, parts []int64) string {
	var sum int64
	for _, p := range parts {
		sum += p
	}
	top := slices.Sorted(slices.Values(parts))
	slices.Reverse(top)
	top = append(top, 0, 0, 0)
	var dominant int64
	for _, p := range top[:a.rule.DominanceLargest] {
		dominant += p
	}
	switch {
	case len(parts) == 0:
		return ""
	case int64(len(parts)) < a.rule.MinimumCount:
		return "few claims"
	case m == publication.Count:
		return ""
	case dominant*100 > sum*a.rule.DominancePercent:
		return "dominated"
	case (sum-top[0]-top[1])*100 < top[0]*a.rule.PPercent:
		return "p percent"
	}
	return ""
}

// variables adds the figures of a measure to a program and the equations between
// them.
func variables(p *program, m publication.MeasureRelease) map[string]int {
	at := map[string]int{}
	total := float64(*m.Total)
	for _, table := range m.Tables {
		for _, row := range table.Rows {
			low, high := 0.0, total
			if row.Value != nil {
				low, high = float64(*row.Value), math.Min(total, float64(*row.Value+row.Step-1))
			}
			if len(table.By) == 1 && high > 0 {
				low = math.Max(low, 1)
			}
			at[figureKey(m.Measure, table.By, row.Codes)] = p.variable(low, high)
		}
	}
	for _, table := range m.Tables {
		if len(table.By) == 1 {
			sum := map[int]float64{}
			for _, row := range table.Rows {
				sum[at[figureKey(m.Measure, table.By, row.Codes)]] = 1
			}
			p.equation(total, sum)
			continue
		}
		margins := map[int]map[int]float64{}
		for _, row := range table.Rows {
			for i, d := range table.By {
				margin := at[figureKey(m.Measure, []publication.Dimension{d}, row.Codes[i:i+1])]
				if margins[margin] == nil {
					margins[margin] = map[int]float64{margin: -1}
				}
				margins[margin][at[figureKey(m.Measure, table.By, row.Codes)]] = 1
			}
		}
		for _, terms := range margins {
			p.equation(0, terms)
		}
	}
	return at
}

func (a *adversary) report(form string, args ...any) {
	a.found = append(a.found, fmt.Sprintf(form, args...))
}

// attack bounds every figure that is new in the release and judges it by itself
// and against the same figure in every earlier release.
func (a *adversary) attack(t *testing.T, e publication.Earlier) {
	t.Helper()
	truth, bounds := parts(e), map[string][2]float64{}
	for _, m := range e.Release.Measures {
		if m.AsOf != e.Release.Number {
			continue
		}
		p := &program{}
		at := variables(p, m)
		s, ok := p.solve()
		if !ok {
			t.Fatalf("release %d, %s: what is published contradicts itself", e.Release.Number, m.Measure)
		}
		shown := false
		for _, table := range m.Tables {
			for _, row := range table.Rows {
				key := figureKey(m.Measure, table.By, row.Codes)
				low, high := s.bounds(at[key])
				bounds[key] = [2]float64{low, high}
				shown = shown || row.Value != nil && row.Step > 1
				var sum float64
				for _, part := range truth[key] {
					sum += float64(part)
				}
				if sum < low-0.01 || sum > high+0.01 {
					t.Fatalf("release %d: %s is %v, outside the bounds %v..%v", e.Release.Number, key, sum, low, high)
				}
			}
		}
		total := figureKey(m.Measure, nil, []string{})
		bounds[total] = [2]float64{float64(*m.Total), float64(*m.Total)}
		a.judge(e.Release.Number, m, total, truth, bounds)
		for _, table := range m.Tables {
			for _, row := range table.Rows {
				if shown {
					a.judge(e.Release.Number, m, figureKey(m.Measure, table.By, row.Codes), truth, bounds)
				}
			}
		}
	}
	a.truth, a.bounds = append(a.truth, truth), append(a.bounds, bounds)
}

func (a *adversary) judge(number int, m publication.MeasureRelease, key string, truth map[string]map[publication.Hash]int64, bounds map[string][2]float64) {
	const slack = 0.01
	var values []int64
	var sum int64
	for _, part := range truth[key] {
		values = append(values, part)
		sum += part
	}
	b := bounds[key]
	if why := a.few(m.Measure, values); why != "" && sum != *m.Total {
		if m.Measure == publication.Count {
			if b[1]-b[0] < float64(a.rule.CountWidth)-slack {
				a.report("release %d: %s is %d (%s) and known to be %v..%v", number, key, sum, why, b[0], b[1])
			}
		} else if guard := float64(slices.Max(values)) * float64(a.rule.ProtectionPercent) / 100; b[1] < float64(sum)+guard-slack || b[0] > float64(sum)-guard+slack {
			a.report("release %d: %s is %d (%s) and known to be %v..%v", number, key, sum, why, b[0], b[1])
		}
	}
	for before := range a.bounds {
		was, ok := a.bounds[before][key]
		if !ok && a.bounds[before][figureKey(m.Measure, nil, []string{})][1] == 0 {
			continue // the measure was not new in that release
		}
		var changes []int64
		for id, part := range truth[key] {
			if d := part - a.truth[before][key][id]; d != 0 {
				changes = append(changes, max(d, -d))
			}
		}
		for id, part := range a.truth[before][key] {
			if _, stays := truth[key][id]; !stays {
				changes = append(changes, part)
			}
		}
		if why := a.few(m.Measure, changes); why != "" {
			low, high := b[0]-was[1], b[1]-was[0]
			width := float64(slices.Max(changes))
			if m.Measure == publication.Count {
				width = float64(a.rule.CountWidth)
			}
			if high-low < width-slack {
				a.report("releases %d to %d: %s changed by %v (%s), known to be %v..%v", before+1, number, key, changes, why, low, high)
			}
		}
	}
}

func attacked(t *testing.T, seed uint64, off publication.Protection) []string {
	t.Helper()
	rule := publication.DefaultRule()
	releases, err := history(seed, rule, off)
	if err != nil {
		t.Fatal(err)
	}
	a := &adversary{rule: rule}
	for _, e := range releases {
		a.attack(t, e)
	}
	return a.found
}

func TestNoFigureOfTenReleasesCanBeDerived(t *testing.T) {
	for seed := range uint64(3) {
		for _, found := range attacked(t, seed, "") {
			t.Errorf("seed %d: %s", seed, found)
		}
	}
}

func TestEveryProtectionIsNeeded(t *testing.T) {
	for _, off := range publication.Protections {
		t.Run(string(off), func(t *testing.T) {
			for seed := range uint64(20) {
				if found := attacked(t, seed, off); len(found) > 0 {
					t.Logf("seed %d, %d found: %s", seed, len(found), strings.Join(found[:min(3, len(found))], "; "))
					return
				}
			}
			t.Error("the attack finds nothing without it")
		})
	}
}

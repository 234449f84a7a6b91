// Package attack plays the adversaries that disclosure control is made against, for
// tests: what they can compute from releases, by exact linear programming, is held
// against the leaves. Only tests import it.
package attack

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"redress/internal/publication"
)

// Adversary knows all releases, the rule, which rows and columns have no claims,
// and in which statuses two measures agree. It computes exact bounds for every
// figure by linear programming.
type Adversary struct {
	Found []string // what can be derived and may not be, in words
	Tally

	rule publication.Rule
	// truth holds each claim's part, by release and figure. It is used only to
	// judge what was found.
	truth  []map[string]map[publication.Hash]int64
	bounds []map[string][2]float64 // what was found, by release and figure
	known  map[string]bool         // groups that exact totals are of, of the release under attack
}

// Tally is how much an adversary has tried. Figures are rows of tables that are new
// in their release, without the totals.
type Tally struct {
	Published  int // figures that are told, rounded
	Withheld   int // figures that are not
	Judged     int // figures, and changes of a figure since an earlier release
	Programmes int // linear programmes solved: a bound below or above is one
}

// New is an adversary who has seen nothing yet.
func New(rule publication.Rule) *Adversary { return &Adversary{rule: rule} }

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

// slack is what the solver's floating point may be wrong by.
const slack = 0.01

// few says why these parts may not be known, or "".
func (a *Adversary) few(m publication.Measure, parts []int64) string {
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

// rowBounds are what a row says by itself. A code by one dimension has claims, so its
// sum is not zero unless it is shown to be.
func rowBounds(row publication.Row, total float64) (low, high float64) {
	high = total
	if row.Value != nil {
		low, high = float64(*row.Value), math.Min(total, float64(*row.Value+row.Step-1))
	}
	if len(row.Codes) == 1 && high > 0 {
		low = math.Max(low, 1)
	}
	return low, high
}

// variables adds the figures of a measure to a program and the equations between
// them.
func variables(p *program, m publication.MeasureRelease) map[string]int {
	at := map[string]int{}
	total := float64(*m.Total)
	for _, table := range m.Tables {
		for _, row := range table.Rows {
			low, high := rowBounds(row, total)
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

func (a *Adversary) report(form string, args ...any) {
	a.Found = append(a.Found, fmt.Sprintf(form, args...))
}

// agreements adds what everybody may know: that two measures are the same for all
// claims of a status.
func agreements(p *program, e publication.Earlier, fresh []publication.MeasureRelease, at map[string]int) {
	differ := map[string]bool{}
	for l := range e.Leaves {
		for _, a := range fresh {
			for _, b := range fresh {
				if partOf(l, a.Measure) != partOf(l, b.Measure) {
					differ[fmt.Sprint(a.Measure, b.Measure, l.Status)] = true
				}
			}
		}
	}
	for i, a := range fresh {
		for _, b := range fresh[:i] {
			for _, table := range a.Tables {
				for _, row := range table.Rows {
					status := row.Codes[len(row.Codes)-1]
					if table.By[len(table.By)-1] == publication.Status && !differ[fmt.Sprint(a.Measure, b.Measure, status)] {
						p.equation(0, map[int]float64{at[figureKey(a.Measure, table.By, row.Codes)]: 1, at[figureKey(b.Measure, table.By, row.Codes)]: -1})
					}
				}
			}
		}
	}
}

// Attack bounds every figure that is new in the release, the next one, and judges
// it by itself and against the same figure in every earlier release. It fails where
// what is published is not true.
func (a *Adversary) Attack(e publication.Earlier) error {
	truth, bounds := parts(e), map[string][2]float64{}
	a.truth, a.bounds = append(a.truth, truth), append(a.bounds, bounds)
	amounts := slices.DeleteFunc(slices.Clone(e.Release.Measures[1:]), func(m publication.MeasureRelease) bool { return m.AsOf != e.Release.Number })
	counts := slices.DeleteFunc(slices.Clone(e.Release.Measures[:1]), func(m publication.MeasureRelease) bool { return m.AsOf != e.Release.Number })
	for _, fresh := range [][]publication.MeasureRelease{counts, amounts} {
		p, at := &program{}, map[string]int{}
		for _, m := range fresh {
			maps.Copy(at, variables(p, m))
			bounds[figureKey(m.Measure, nil, []string{})] = [2]float64{float64(*m.Total), float64(*m.Total)}
		}
		agreements(p, e, fresh, at)
		s, ok := p.solve()
		if !ok {
			return fmt.Errorf("release %d: what is published contradicts itself", e.Release.Number)
		}
		for key, v := range at {
			low, high := s.bounds(v)
			a.Programmes += 2
			bounds[key] = [2]float64{low, high}
			var sum float64
			for _, part := range truth[key] {
				sum += float64(part)
			}
			if sum < low-slack || sum > high+slack {
				return fmt.Errorf("release %d: %s is %v, outside the bounds %v..%v", e.Release.Number, key, sum, low, high)
			}
		}
		a.judgeTotals(e.Release.Number, fresh)
		for _, m := range fresh {
			for _, table := range m.Tables {
				for _, row := range table.Rows {
					if row.Value != nil {
						a.Published++
					} else {
						a.Withheld++
					}
					a.judge(e.Release.Number, m.Measure, figureKey(m.Measure, table.By, row.Codes))
				}
			}
		}
	}
	return nil
}

// changes are by how much each claim's part in one figure differs from its part in
// another.
func changes(now, before map[publication.Hash]int64) []int64 {
	var out []int64
	for id, part := range now {
		if d := part - before[id]; d != 0 {
			out = append(out, max(d, -d))
		}
	}
	for id, part := range before {
		if _, stays := now[id]; !stays {
			out = append(out, part)
		}
	}
	return out
}

// judgeTotals judges every total that is new, and what it and every other total of
// any release differ by: these are exact.
func (a *Adversary) judgeTotals(number int, fresh []publication.MeasureRelease) {
	a.known = map[string]bool{}
	for _, m := range fresh {
		key := figureKey(m.Measure, nil, []string{})
		total := a.truth[number-1][key]
		if why := a.few(m.Measure, changes(total, nil)); why != "" {
			a.report("release %d: the total %s is of %v (%s)", number, m.Measure, total, why)
		}
		a.known[summary(changes(total, nil))] = true
		for before := range a.truth {
			for _, o := range publication.Measures {
				other := figureKey(o, nil, []string{})
				if _, published := a.bounds[before][other]; !published || (m.Measure == publication.Count) != (o == publication.Count) {
					continue
				}
				difference := changes(total, a.truth[before][other])
				if why := a.few(m.Measure, difference); why != "" {
					a.report("total %s of release %d less total %s of release %d is of %v (%s)", m.Measure, number, o, before+1, difference, why)
				}
				a.known[summary(difference)] = true
			}
		}
	}
}

// summary tells groups of claims apart by their parts.
func summary(parts []int64) string { return fmt.Sprint(slices.Sorted(slices.Values(parts))) }

// judge judges one figure of a release, other than one that is a total, or the
// difference of two, under another name.
func (a *Adversary) judge(number int, m publication.Measure, key string) {
	truth, b := a.truth[number-1][key], a.bounds[number-1][key]
	values := changes(truth, nil)
	if len(values) > 0 && a.known[summary(values)] {
		return
	}
	a.Judged++
	var sum float64
	for _, part := range values {
		sum += float64(part)
	}
	if why := a.few(m, values); why != "" {
		guard := float64(slices.Max(values)) * float64(a.rule.ProtectionPercent) / 100
		if m == publication.Count && b[1]-b[0] < float64(a.rule.CountWidth)-slack ||
			m != publication.Count && (b[1] < sum+guard-slack || b[0] > sum-guard+slack) {
			a.report("release %d: %s is %v (%s) and known to be %v..%v", number, key, sum, why, b[0], b[1])
		}
	}
	for before := range a.bounds[:number-1] {
		if _, published := a.bounds[before][figureKey(m, nil, []string{})]; !published {
			continue
		}
		a.Judged++
		was := a.bounds[before][key] // a code that was not there yet had no claims
		difference := changes(truth, a.truth[before][key])
		if why := a.few(m, difference); why != "" {
			width := float64(slices.Max(difference))
			if m == publication.Count {
				width = float64(a.rule.CountWidth)
			}
			if low, high := b[0]-was[1], b[1]-was[0]; high-low < width-slack {
				a.report("releases %d to %d: %s changed by %v (%s), known to be %v..%v", before+1, number, key, difference, why, low, high)
			}
		}
	}
}

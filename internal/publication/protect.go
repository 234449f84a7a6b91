package publication

import (
	"math/bits"
	"slices"
)

// protection names one part of disclosure control; tests leave one out to see that
// the rest does not make up for it.
type protection string

const (
	everything     protection = "" // nothing is left out
	minimumCount   protection = "minimum_count"
	dominance      protection = "dominance"
	pPercent       protection = "p_percent"
	complementary  protection = "complementary"
	linked         protection = "linked"
	acrossReleases protection = "across_releases"
	rounding       protection = "rounding"
)

// protector decides what is shown of the measures that are new in a release.
//
// Where two measures agree for every claim of a status, everybody may know it, and
// what one of them tells holds for the other: their figures of that status are
// shown or withheld together, and move together.
type protector struct {
	stars []*star
	class [][]measureSet // [star][status]: the stars that agree with it there
	// differences are the claims that the totals of two measures differ by.
	differences []group
	apart       bool // tables and measures are looked at apart from each other; for tests
}

// measureSet is a set of places in protector.stars.
type measureSet uint8

func setOf(m int) measureSet        { return 1 << m }
func (s measureSet) has(m int) bool { return s&setOf(m) != 0 }
func (s measureSet) size() int      { return bits.OnesCount8(uint8(s)) }
func (s measureSet) first() int     { return bits.TrailingZeros8(uint8(s)) }

// protect decides what is shown of each figure: first by the rule for it alone,
// then by withholding more until every figure keeps the room that it needs.
func (now *state) protect(fresh []int, rule Rule, off protection) {
	p := &protector{apart: off == linked}
	for _, i := range fresh {
		p.stars = append(p.stars, &now.stars[i])
		now.stars[i].figures(func(f *figure, t int, e edge) { now.stars[i].primary(f, t, e, rule, off) })
	}
	if off == complementary {
		return
	}
	for a, i := range fresh {
		for _, k := range fresh[:a] {
			p.differences = append(p.differences, now.differences[i][k])
		}
		classes := make([]measureSet, len(now.stars[i].hub))
		for j := range classes {
			for b, k := range fresh {
				if a == b || !p.apart && now.agree(i, k, j) && now.stars[i].hub[j].n > 0 {
					classes[j] |= setOf(b)
				}
			}
		}
		p.class = append(p.class, classes)
	}
	// Withholding only ever widens what is possible, so what was sufficient for a
	// figure stays so and one pass is enough.
	for m, s := range p.stars {
		s.figures(func(f *figure, t int, e edge) {
			a := audit{protector: p, measure: m, table: t, edge: e, figure: f}
			if !s.bare && !p.known(m, t, e) && !a.protect() {
				a.giveUp()
			}
		})
	}
}

// known reports whether a figure is a published total, or what two of them differ
// by, under another name. Those were seen to be safe.
func (p *protector) known(m, t int, e edge) bool {
	s := p.stars[m]
	f := s.at(t, e)
	switch {
	case e.column < 0:
		return f.group == s.total
	case e.row >= 0:
		return f.group == s.hub[e.column].group && p.known(m, -1, edge{row: -1, column: e.column})
	}
	return f.group == s.total || slices.Contains(p.differences, f.group)
}

// primary applies the rule to a figure by itself.
func (s *star) primary(f *figure, t int, e edge, rule Rule, off protection) {
	if s.empty(t, e) {
		f.shown, f.step, f.empty = true, 1, true
		return
	}
	if f.n > 0 && (e.row < 0 || e.column < 0) {
		f.least = 1 // an empty line would say so
	}
	if s.measure == Count {
		step, least := rule.CountStep, rule.MinimumCount
		if off == rounding {
			step = 1
		}
		f.shown, f.step, f.value = true, step, f.sum-f.sum%step
		if f.sum < least && off != minimumCount {
			f.step, f.value = max(step, least), 0
		}
		f.width = rule.CountWidth
	} else if f.shown = f.n > 0 && rule.safe(f.group, off); f.shown {
		f.step = 1
		if off != rounding {
			f.step = stepOver(f.top[0], rule.AmountStep)
		}
		f.value = f.sum - f.sum%f.step
		f.width = f.top[0]
	} else {
		f.up = (f.top[0]*rule.ProtectionPercent + 99) / 100
		f.down, f.width = f.up, f.top[0]
	}
	if f.n == 0 || f.shown && off == rounding {
		f.up, f.down, f.width = 0, 0, 0
	}
}

// empty reports whether a figure stands in a row or column without claims, which
// its status alone may tell: nothing is awarded before a decision.
func (s *star) empty(t int, e edge) bool {
	return e.column >= 0 && s.hub[e.column].n == 0 || e.row >= 0 && s.tables[t].rows[e.row].n == 0
}

// stepOver is the first of base × 1, 5, 10, 50, 100… that is larger than part.
// Each divides the next, so that two releases with different steps tell no more
// than the one with the smaller.
func stepOver(part, base int64) int64 {
	step := base
	for factor := int64(5); step <= part; factor = 7 - factor {
		step *= factor
	}
	return step
}

func (f *figure) withhold() {
	if !f.empty {
		f.shown, f.value, f.step = false, 0, 0
	}
}

// audit looks for other worlds that agree with everything published and in which
// one figure is different, and withholds more figures where there are none.
//
// A table is a network: from a source to each row, from the row to each column, and
// from the column back, with the sums as the flow. Sums that can be raised and
// lowered together are the flow's residual circulations, so how far a figure can
// change is a maximum flow. The status sums stand in all tables: one is raised and
// another lowered by the same amount, and only as far as every table can follow.
// Columns in which several measures agree are moved in all of these by the same
// amount, and apart from all other columns. All changes are integers and no sum
// falls below zero, so each is a list of claims that might have been.
type audit struct {
	*protector
	measure int
	table   int // −1: the figure is a status sum
	edge    edge
	figure  *figure
}

// protect reports whether the figure has the room that it needs, after withholding
// what stood in the way.
func (a audit) protect() bool {
	f := a.figure
	if f.width == 0 {
		return true
	}
	up, down := a.reach(true, max(f.up, f.width)), a.reach(false, max(f.down, f.width))
	if up < f.up {
		if up = a.widen(true, f.up); up < f.up {
			return false
		}
	}
	if down < f.down {
		if down = a.widen(false, f.down); down < f.down {
			return false
		}
	}
	if up+down >= f.width {
		return true
	}
	// The room of a figure that is shown may all lie on one side.
	own, _ := f.room()
	if up = max(up, a.widen(true, min(f.width-down, own))); up+down >= f.width {
		return true
	}
	_, own = f.room()
	if down = max(down, a.widen(false, min(f.width-up, own))); up+down >= f.width {
		return true
	}
	a.withhold(f, a.figureSet())
	return a.widen(true, f.width-down)+down >= f.width
}

// figureSet are the measures in which the figure is the same.
func (a audit) figureSet() measureSet {
	if a.edge.column < 0 {
		return setOf(a.measure)
	}
	return a.class[a.measure][a.edge.column]
}

// withhold withholds a figure in every measure in which it is the same.
func (a audit) withhold(f *figure, set measureSet) {
	f.withhold()
	for m, s := range a.stars {
		if set.has(m) {
			s.at(a.table, a.edge).withhold()
		}
	}
}

// at is the figure in a place.
func (s *star) at(t int, e edge) *figure {
	switch {
	case e.row < 0:
		return &s.hub[e.column]
	case e.column < 0:
		return &s.tables[t].rows[e.row]
	}
	return &s.tables[t].cells[e.row][e.column]
}

// giveUp leaves only the totals of the measures in which the figure is the same.
func (a audit) giveUp() {
	for m, s := range a.stars {
		if !a.figureSet().has(m) {
			continue
		}
		s.bare = true
		s.figures(func(f *figure, _ int, _ edge) { f.withhold() })
	}
}

// sets are the sets of columns in which the figure can be moved.
func (a audit) sets() []measureSet {
	if a.edge.column >= 0 {
		return []measureSet{a.figureSet()}
	}
	sets := slices.Clone(a.class[a.measure])
	slices.Sort(sets) // those of one measure alone come before those that bind it to others
	return slices.Compact(sets)
}

// reach is how far the figure can go up or down, no further than enough.
func (a audit) reach(up bool, enough int64) int64 {
	if a.table < 0 {
		return a.reachHub(up, enough)
	}
	var reached int64
	for _, set := range a.sets() {
		if reached = max(reached, a.reachIn(set, up, enough)); reached >= enough {
			return reached
		}
	}
	for _, s := range a.swaps(up) {
		if reached = max(reached, s.reach(enough)); reached >= enough {
			break
		}
	}
	return reached
}

func (a audit) reachIn(set measureSet, up bool, enough int64) int64 {
	n := a.network(a.table, set)
	from, to, own := n.around(a.edge, up)
	enough = min(enough, own)
	reached := n.flow(from, to, enough)
	for _, raised := range n.columns {
		for _, lowered := range n.columns {
			if reached >= enough {
				return reached
			}
			if capacity := a.shift(set, raised, lowered, a.table, enough); capacity > 0 {
				n := a.network(a.table, set)
				from, to, _ := n.around(a.edge, up)
				n.allow(raised, lowered, capacity)
				reached = max(reached, n.flow(from, to, enough))
			}
		}
	}
	return reached
}

// widen withholds figures until the figure can go that far up or down, and says
// how far it can go.
func (a audit) widen(up bool, wanted int64) int64 {
	if a.table < 0 {
		return a.widenHub(up, wanted)
	}
	reached := a.reach(up, wanted)
	if shares := a.edge.column < 0 || a.figureSet().size() > 1; shares && reached < wanted {
		reached = max(reached, a.widenSwap(up, wanted))
	}
	for _, set := range a.sets() {
		for reached < wanted {
			n := a.network(a.table, set)
			from, to, own := n.around(a.edge, up)
			if own < wanted || !n.open(from, to, wanted-n.flow(from, to, wanted)) {
				break
			}
			reached = a.reach(up, wanted)
		}
		for _, other := range a.network(a.table, set).columns {
			if reached >= wanted {
				return reached
			}
			raised, lowered := a.edge.column, other
			if raised < 0 {
				raised = a.largestStatus(set)
			}
			if !up {
				raised, lowered = lowered, raised
			}
			reached = max(reached, a.widenWith(set, raised, lowered, up, wanted))
		}
	}
	return reached
}

// widenWith lets one status sum rise and another fall so that the figure can move.
func (a audit) widenWith(set measureSet, raised, lowered int, up bool, wanted int64) int64 {
	for {
		capacity := a.widenShift(set, raised, lowered, a.table, wanted)
		n := a.network(a.table, set)
		from, to, own := n.around(a.edge, up)
		wanted := min(wanted, own)
		n.allow(raised, lowered, capacity)
		reached := n.flow(from, to, wanted)
		if reached >= wanted || !n.open(from, to, wanted-reached) {
			return reached
		}
	}
}

// largestStatus is the status of the set with the largest sum.
func (a audit) largestStatus(set measureSet) int {
	best := -1
	for j, f := range a.stars[a.measure].hub {
		if a.class[a.measure][j] == set && (best < 0 || f.sum > a.stars[a.measure].hub[best].sum) {
			best = j
		}
	}
	return best
}

package publication

import "redress/internal/money"

// shift is how far one status sum of a set can rise while another falls by as much,
// in every table but one, no further than enough.
func (p *protector) shift(set measureSet, raised, lowered, except int, enough int64) int64 {
	if raised == lowered {
		return 0
	}
	enough = min(enough, p.hubRoom(set, raised, true), p.hubRoom(set, lowered, false))
	for t := range spokes {
		if t == except || p.apart && except >= 0 {
			continue
		}
		n := p.network(t, set)
		enough = n.flow(n.column(lowered), n.column(raised), enough)
	}
	return enough
}

// hubRoom is how far a status sum can go for what is told of it in all measures of
// the set.
func (p *protector) hubRoom(set measureSet, column int, up bool) int64 {
	room := int64(money.Max)
	for m, s := range p.stars {
		if set.has(m) {
			higher, lower := s.hub[column].room()
			if !up {
				higher = lower
			}
			room = min(room, higher)
		}
	}
	return room
}

// widenShift withholds figures until one status sum can rise and another fall by
// wanted in every table but one.
func (p *protector) widenShift(set measureSet, raised, lowered, except int, wanted int64) int64 {
	first := p.stars[set.first()]
	if raised == lowered || first.hub[raised].n == 0 || first.hub[lowered].sum-first.hub[lowered].least < wanted {
		return 0
	}
	p.openHub(set, raised, true, wanted)
	p.openHub(set, lowered, false, wanted)
	for t := range spokes {
		if t == except || p.apart && except >= 0 {
			continue
		}
		for {
			n := p.network(t, set)
			from, to := n.column(lowered), n.column(raised)
			reached := n.flow(from, to, wanted)
			if reached >= wanted || !n.open(from, to, wanted-reached) {
				break
			}
		}
	}
	return p.shift(set, raised, lowered, except, wanted)
}

// openHub withholds a status sum that cannot go as far as wanted.
func (p *protector) openHub(set measureSet, column int, up bool, wanted int64) {
	if p.hubRoom(set, column, up) >= wanted {
		return
	}
	for m, s := range p.stars {
		if set.has(m) {
			s.hub[column].withhold()
		}
	}
}

// reachHub is how far a status sum can go, against another of its set or against
// others in each of its measures.
func (a audit) reachHub(up bool, enough int64) int64 {
	set := a.figureSet()
	var reached int64
	for other := range a.class[a.measure] {
		if a.class[a.measure][other] != set {
			continue
		}
		raised, lowered := a.edge.column, other
		if !up {
			raised, lowered = lowered, raised
		}
		if reached = max(reached, a.shift(set, raised, lowered, -1, enough)); reached >= enough {
			return reached
		}
	}
	return max(reached, a.across(a.plan(up), enough))
}

func (a audit) widenHub(up bool, wanted int64) int64 {
	set := a.figureSet()
	var reached int64
	for other := range a.class[a.measure] {
		if a.class[a.measure][other] != set || a.edge.column == other {
			continue
		}
		raised, lowered := a.edge.column, other
		if !up {
			raised, lowered = lowered, raised
		}
		if reached = max(reached, a.widenShift(set, raised, lowered, -1, wanted)); reached >= wanted {
			return reached
		}
	}
	return max(reached, a.widenAcross(a.plan(up), wanted))
}

// move is a status sum that goes up or down in all measures of a set.
type move struct {
	set    measureSet
	column int
	up     bool
}

// plan finds for a status sum that goes up or down the others that have to go the
// other way, so that the total of every measure stays: in each measure one, of that
// measure alone where there is one, else one that other measures follow in turn.
func (a audit) plan(up bool) []move {
	moves := []move{{a.figureSet(), a.edge.column, up}}
	touched := a.figureSet()
	open := map[int]move{} // measures that are out of balance, by what put them so
	for m := range a.stars {
		if touched.has(m) {
			open[m] = moves[0]
		}
	}
	for len(open) > 0 {
		for m := range a.stars {
			by, unbalanced := open[m]
			if !unbalanced {
				continue
			}
			partner := a.partner(m, by.column, touched)
			if partner < 0 {
				return nil
			}
			next := move{a.class[m][partner], partner, !by.up}
			moves = append(moves, next)
			delete(open, m)
			for o := range a.stars {
				if o != m && next.set.has(o) {
					open[o] = next
				}
			}
			touched |= next.set
		}
	}
	return moves
}

// partner is the status sum of a measure that best goes against another: one that
// touches fewest other measures, and none that was touched, then the largest. It
// is −1 where there is none.
func (p *protector) partner(m, against int, touched measureSet) int {
	best := -1
	for j, f := range p.stars[m].hub {
		class := p.class[m][j]
		if j == against || f.n == 0 || class&touched != setOf(m) {
			continue
		}
		if best < 0 || class.size() < p.class[m][best].size() || class.size() == p.class[m][best].size() && f.sum > p.stars[m].hub[best].sum {
			best = j
		}
	}
	return best
}

// across is how far the moves can go together. Rows make up for them in their own
// room.
func (p *protector) across(moves []move, enough int64) int64 {
	if len(moves) == 0 {
		return 0
	}
	for _, m := range moves {
		enough = min(enough, p.hubRoom(m.set, m.column, m.up))
		for t := range spokes {
			enough = min(enough, p.network(t, m.set).absorb(m.column, m.up))
		}
	}
	return enough
}

// widenAcross withholds figures until the moves can go as far as wanted.
func (p *protector) widenAcross(moves []move, wanted int64) int64 {
	for _, m := range moves {
		if hub := p.stars[m.set.first()].hub[m.column]; !m.up && hub.sum-hub.least < wanted {
			return 0
		}
	}
	for _, m := range moves {
		p.openColumn(m.set, m.column, m.up, wanted)
	}
	return p.across(moves, wanted)
}

// openColumn withholds a status sum, and in each table cells and rows, those with
// the smallest sums first, until the column can go as far as wanted.
func (p *protector) openColumn(set measureSet, column int, up bool, wanted int64) {
	p.openHub(set, column, up, wanted)
	for t := range spokes {
		for n := p.network(t, set); n.absorb(column, up) < wanted; n = p.network(t, set) {
			if !n.openSmallest(column) {
				break
			}
		}
	}
}

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
	first := p.stars[p.first(set)]
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
// one in each of its measures.
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
	return max(reached, a.across(set, up, enough))
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
	return max(reached, a.widenAcross(set, up, wanted))
}

// across is how far a status sum can move in all measures of its set, each measure
// moving another status sum, of it alone, the other way. Rows make up for it in
// their own room.
func (a audit) across(set measureSet, up bool, enough int64) int64 {
	column := a.edge.column
	enough = min(enough, a.hubRoom(set, column, up))
	for t := range spokes {
		enough = min(enough, a.network(t, set).absorb(column, up))
	}
	for m := range a.stars {
		if !set.has(m) {
			continue
		}
		var best int64
		for other, class := range a.class[m] {
			if class != setOf(m) || other == column || a.stars[m].hub[other].n == 0 {
				continue
			}
			reached := min(enough, a.hubRoom(class, other, !up))
			for t := range spokes {
				reached = min(reached, a.network(t, class).absorb(other, !up))
			}
			best = max(best, reached)
		}
		enough = best
	}
	return enough
}

// widenAcross withholds figures until across is as wanted.
func (a audit) widenAcross(set measureSet, up bool, wanted int64) int64 {
	column := a.edge.column
	partners := map[int]int{}
	for m, s := range a.stars {
		if !set.has(m) {
			continue
		}
		best := -1
		for other, class := range a.class[m] {
			if class == setOf(m) && other != column && s.hub[other].n > 0 && (best < 0 || s.hub[other].sum > s.hub[best].sum) {
				best = other
			}
		}
		if best < 0 {
			return 0
		}
		partners[m] = best
	}
	a.openColumn(set, column, up, wanted)
	for m := range a.stars {
		if partner, ok := partners[m]; ok {
			a.openColumn(setOf(m), partner, !up, wanted)
		}
	}
	return a.across(set, up, wanted)
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

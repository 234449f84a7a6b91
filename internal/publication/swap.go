package publication

// swap moves a cell of a column that several measures share against the cell of
// another row. The rows' sums follow in the measure whose row sum is looked at; for
// the rest each measure makes up by columns of it alone, and by its rows' room.
type swap struct {
	audit
	set    measureSet
	column int
	other  int // row
	up     bool
}

// swaps are the swaps that would move the figure.
func (a audit) swaps(up bool) []swap {
	var all []swap
	for column, set := range a.class[a.measure] {
		if set.size() == 1 || a.edge.column >= 0 && a.edge.column != column || a.stars[a.measure].hub[column].n == 0 {
			continue
		}
		for other := range a.stars[a.measure].tables[a.table].rows {
			if other != a.edge.row {
				all = append(all, swap{a, set, column, other, up})
			}
		}
	}
	return all
}

// places are the figure's cell and the other row's.
func (s swap) places() (own, other edge) {
	return edge{s.edge.row, s.column}, edge{s.other, s.column}
}

// room is how far both cells, and the row sum that is looked at, can go.
func (s swap) room() int64 {
	n := s.network(s.table, s.set)
	own, other := s.places()
	up, down := n.room(own)
	otherUp, otherDown := n.room(other)
	figureUp, figureDown := s.figure.room()
	if s.up {
		return min(up, otherDown, figureUp)
	}
	return min(down, otherUp, figureDown)
}

// makeUp is a measure's network and the nodes between which it has to make up for
// the swap.
func (s swap) makeUp(measure int) (n *network, from, to int) {
	n = s.network(s.table, setOf(measure))
	from, to = n.row(s.other), n.row(s.edge.row)
	if measure == s.measure && s.edge.column < 0 {
		n.around(s.edge, s.up)
		to = 0
	}
	if !s.up {
		from, to = to, from
	}
	return n, from, to
}

// reach is how far the swap can go, no further than enough.
func (s swap) reach(enough int64) int64 {
	enough = min(enough, s.room())
	for m := range s.stars {
		if s.set.has(m) && enough > 0 {
			n, from, to := s.makeUp(m)
			enough = n.flow(from, to, enough)
		}
	}
	return enough
}

// widen withholds figures until the swap can go as far as wanted.
func (s swap) widen(wanted int64) int64 {
	n := s.network(s.table, s.set)
	own, other := s.places()
	n.widen(own, s.up, wanted)
	n.widen(other, !s.up, wanted)
	for m := range s.stars {
		for s.set.has(m) {
			n, from, to := s.makeUp(m)
			reached := n.flow(from, to, wanted)
			if reached >= wanted || !n.open(from, to, wanted-reached) {
				break
			}
		}
	}
	return s.reach(wanted)
}

// widenSwap withholds figures until a swap goes as far as wanted: that with the
// smallest cell of those that have enough to give.
func (a audit) widenSwap(up bool, wanted int64) int64 {
	var best *swap
	var least int64
	for _, s := range a.swaps(up) {
		own, other := s.places()
		t := a.stars[a.measure].tables[a.table]
		if t.rows[s.other].n == 0 || up && t.at(other).sum < wanted || !up && t.at(own).sum < wanted {
			continue
		}
		if cost := t.at(own).sum + t.at(other).sum; best == nil || cost < least {
			best, least = &s, cost
		}
	}
	if best == nil {
		return 0
	}
	if higher, lower := a.figure.room(); up && higher < wanted || !up && lower < wanted {
		return 0
	}
	return best.widen(wanted)
}

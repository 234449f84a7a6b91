package publication

import (
	"slices"

	"redress/internal/money"
)

// edge is a figure's place in the network of its table: from its row to its column.
// A row sum has column −1, a status sum row −1.
type edge struct{ row, column int }

// network is the residual network of a table in a set of measures, with the columns
// in which just these agree: how far each figure can be moved for what is told of
// it in all of them. Node 0 is the source, then come the rows, then the columns.
type network struct {
	tables   []*table // one for each measure
	columns  []int
	rows     int
	nodes    int
	capacity []int64 // [from × nodes + to]
	aside    edge    // the figure that is being moved, not to be used by its own change
}

func (p *protector) network(t int, set measureSet) *network {
	n := &network{aside: edge{-1, -1}}
	for m, s := range p.stars {
		if set.has(m) {
			n.tables = append(n.tables, &s.tables[t])
		}
	}
	for j, class := range p.class[set.first()] {
		if class == set {
			n.columns = append(n.columns, j)
		}
	}
	n.rows = len(n.tables[0].rows)
	n.nodes = 1 + n.rows + len(p.stars[0].hub)
	n.capacity = make([]int64, n.nodes*n.nodes)
	n.edges(func(from, to int, e edge) {
		n.capacity[from*n.nodes+to], n.capacity[to*n.nodes+from] = n.room(e)
	})
	return n
}

// edges calls do with each place of the table and the nodes that it joins.
func (n *network) edges(do func(from, to int, e edge)) {
	for i := range n.rows {
		do(0, n.row(i), edge{i, -1})
		for _, j := range n.columns {
			do(n.row(i), n.column(j), edge{i, j})
		}
	}
}

func (n *network) row(i int) int    { return 1 + i }
func (n *network) column(j int) int { return 1 + n.rows + j }

// at is a figure of one of the tables.
func (t *table) at(e edge) *figure {
	if e.column < 0 {
		return &t.rows[e.row]
	}
	return &t.cells[e.row][e.column]
}

// room is how far a figure can go up and down in all measures.
func (n *network) room(e edge) (up, down int64) {
	up, down = int64(money.Max), int64(money.Max)
	for _, t := range n.tables {
		higher, lower := t.at(e).room()
		up, down = min(up, higher), min(down, lower)
	}
	return up, down
}

// around sets a figure aside and says between which nodes the change that would
// raise it, or lower it, has to be carried back, and how far it can go by itself.
func (n *network) around(e edge, up bool) (from, to int, own int64) {
	to, from = 0, n.row(e.row)
	if e.column >= 0 {
		to, from = n.row(e.row), n.column(e.column)
	}
	n.capacity[to*n.nodes+from], n.capacity[from*n.nodes+to] = 0, 0
	n.aside = e
	own, lower := n.room(e)
	if !up {
		return to, from, lower
	}
	return from, to, own
}

// allow lets one status sum rise and another fall by as much.
func (n *network) allow(raised, lowered int, capacity int64) {
	n.capacity[n.column(raised)*n.nodes+n.column(lowered)] += capacity
}

// absorb is how far a column's sum can go when only the sums of the rows follow.
func (n *network) absorb(column int, up bool) int64 {
	var total int64
	for i := range n.rows {
		higher, lower := n.room(edge{i, column})
		rowHigher, rowLower := n.room(edge{i, -1})
		if up {
			total += min(higher, rowHigher)
		} else {
			total += min(lower, rowLower)
		}
		total = min(total, int64(money.Max))
	}
	return total
}

// openSmallest withholds the smallest cell of a column that is not withheld
// together with its row, and reports whether there was one.
func (n *network) openSmallest(column int) bool {
	best := -1
	for i := range n.rows {
		open := n.withheld(edge{i, column}) && n.withheld(edge{i, -1})
		cell := n.tables[0].cells[i][column]
		if !open && cell.n > 0 && (best < 0 || cell.sum < n.tables[0].cells[best][column].sum) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	n.withhold(edge{best, column})
	n.withhold(edge{best, -1})
	return true
}

func (n *network) withheld(e edge) bool {
	return !slices.ContainsFunc(n.tables, func(t *table) bool { return t.at(e).shown })
}

// empty reports whether everybody may know in some measure that a figure is zero.
func (n *network) empty(e edge) bool {
	return slices.ContainsFunc(n.tables, func(t *table) bool { return t.at(e).empty })
}

func (n *network) withhold(e edge) {
	for _, t := range n.tables {
		t.at(e).withhold()
	}
}

// widen withholds a figure that cannot go as far as wanted.
func (n *network) widen(e edge, up bool, wanted int64) {
	if higher, lower := n.room(e); up && higher < wanted || !up && lower < wanted {
		n.withhold(e)
	}
}

// flow carries a flow from one node to another over shortest ways, no more than
// enough, and says how much it was. The network keeps what is left.
func (n *network) flow(from, to int, enough int64) int64 {
	var carried int64
	before := make([]int, n.nodes)
	queue := make([]int, 0, n.nodes)
	for carried < enough {
		for i := range before {
			before[i] = -1
		}
		before[from] = from
		queue = append(queue[:0], from)
		for head := 0; head < len(queue) && before[to] < 0; head++ {
			at := queue[head]
			for next, c := range n.capacity[at*n.nodes : (at+1)*n.nodes] {
				if c > 0 && before[next] < 0 {
					before[next] = at
					queue = append(queue, next)
				}
			}
		}
		if before[to] < 0 {
			break
		}
		part := enough - carried
		for at := to; at != from; at = before[at] {
			part = min(part, n.capacity[before[at]*n.nodes+at])
		}
		for at := to; at != from; at = before[at] {
			n.capacity[before[at]*n.nodes+at] -= part
			n.capacity[at*n.nodes+before[at]] += part
		}
		carried += part
	}
	return carried
}

// open withholds the figures of a way from one node to another on which more could
// flow if they were withheld: the way that costs the least shown sums, of those
// that would carry all that is wanted, else half of it, and so on. It reports
// whether there was such a way.
func (n *network) open(from, to int, wanted int64) bool {
	for least := wanted; least > 0; least /= 2 {
		if n.openWay(from, to, least) {
			return true
		}
	}
	return false
}

func (n *network) openWay(from, to int, least int64) bool {
	places := make([]edge, n.nodes*n.nodes)
	cost := make([]int64, n.nodes*n.nodes) // of using an arc: 0 as it is, else what is lost by withholding; −1 never
	for i, c := range n.capacity {
		if cost[i] = -1; c >= least {
			cost[i] = 0
		}
	}
	n.edges(func(a, b int, e edge) {
		if e == n.aside || n.withheld(e) || n.empty(e) {
			return
		}
		f := n.tables[0].at(e)
		there, back := a*n.nodes+b, b*n.nodes+a
		places[there], places[back] = e, e
		if cost[there] < 0 {
			cost[there] = f.sum + 1
		}
		if cost[back] < 0 && f.sum-f.least >= least {
			cost[back] = f.sum + 1
		}
	})
	before := n.cheapest(from, to, cost)
	if before == nil {
		return false
	}
	var opened bool
	for at := to; at != from; at = before[at] {
		if arc := before[at]*n.nodes + at; cost[arc] > 0 {
			n.withhold(places[arc])
			opened = true
		}
	}
	return opened
}

// cheapest is the way of least cost, as the node before each node; nil for none.
func (n *network) cheapest(from, to int, cost []int64) []int {
	const far = int64(1) << 62
	before, reached, done := make([]int, n.nodes), make([]int64, n.nodes), make([]bool, n.nodes)
	for i := range reached {
		reached[i] = far
	}
	reached[from] = 0
	for {
		at := -1
		for i := range reached {
			if !done[i] && reached[i] < far && (at < 0 || reached[i] < reached[at]) {
				at = i
			}
		}
		if at < 0 {
			return nil
		}
		if at == to {
			return before
		}
		done[at] = true
		for next, c := range cost[at*n.nodes : (at+1)*n.nodes] {
			if c >= 0 && reached[at]+c < reached[next] {
				reached[next], before[next] = reached[at]+c, at
			}
		}
	}
}

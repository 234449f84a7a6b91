package publication

import (
	"iter"
	"maps"
	"slices"

	"redress/internal/money"
)

// star is everything that a release says of one measure: the total, the tables by
// one dimension, and the tables of each spoke by the hub, status.
type star struct {
	measure Measure
	total   group
	hub     []figure // by status
	tables  [spokes]table
	bare    bool // only the total is shown
}

// table is one spoke: its sums by code, and by code and status.
type table struct {
	rows  []figure
	cells [][]figure // [row][status]
}

// figure is one sum of a table and what is told of it.
type figure struct {
	group
	shown       bool
	value, step int64 // shown: value ≤ sum < value+step
	empty       bool  // nobody is in its row or column, and everybody may know
	least       int64 // what everybody knows the sum to be at least
	// What must stay possible for those who know all figures of all releases: a
	// sum higher by up, one lower by down, and a span of width.
	up, down, width int64
}

// room is how much higher and lower the sum could be for what is told of it.
func (f *figure) room() (up, down int64) {
	if !f.shown {
		return int64(money.Max), f.sum - f.least
	}
	return f.value + f.step - 1 - f.sum, f.sum - max(f.value, f.least)
}

// state is the unaltered content of a snapshot: codes in ascending order and one
// star for each measure.
type state struct {
	codes  [len(dimensions)][]string
	stars  []star                         // in the order of Measures
	differ map[string]*measurePairs[bool] // by status: two measures differ for some claim
	// differences are, for every measure and every amount before it, the claims for
	// which they differ, with by how much.
	differences measurePairs[group]
	claims      roll
}

// measurePairs holds something for every two measures, by their places in Measures.
type measurePairs[T any] [5][5]T

// sums are what is added up of one set of claims, in the order of Measures.
type sums [5]group

func (s *sums) add(l Leaf) {
	for i, part := range l.parts() {
		s[i].add(int64(part))
	}
}

// join adds the claims of sums that have none of them yet.
func (s *sums) join(o *sums) {
	for i := range s {
		s[i].join(o[i])
	}
}

// newState adds up the leaves of a snapshot. It refuses leaves out of range and
// claims that are in it twice.
func newState(leaves iter.Seq[Leaf]) (*state, error) {
	var (
		total Sums
		cells [spokes]map[[2]string]*sums // by code and status
		out   = &state{differ: map[string]*measurePairs[bool]{}}
	)
	for d := range cells {
		cells[d] = map[[2]string]*sums{}
	}
	for l := range leaves {
		if err := l.Check(); err != nil {
			return nil, err
		}
		var err error
		if total, err = total.plus(Sums{1, l.Claimed, l.Estimated, l.Awarded, l.Paid}); err != nil {
			return nil, err
		}
		out.claims.add(l)
		out.compare(l)
		codes := l.codes()
		for d := range cells {
			at(cells[d], [2]string{codes[d], l.Status}).add(l)
		}
	}
	if err := out.claims.sort(); err != nil {
		return nil, err
	}
	out.total(cells)
	return out, nil
}

// total adds up the cells: to lines, and those of the hub to everything.
func (s *state) total(cells [spokes]map[[2]string]*sums) {
	var lines [len(dimensions)]map[string]*sums
	for d := range lines {
		lines[d] = map[string]*sums{}
	}
	for d := range cells {
		for codes, cell := range cells[d] {
			at(lines[d], codes[0]).join(cell)
			if d == 0 {
				at(lines[spokes], codes[1]).join(cell)
			}
		}
	}
	var all sums
	for _, line := range lines[spokes] {
		all.join(line)
	}
	for d := range lines {
		s.codes[d] = slices.Sorted(maps.Keys(lines[d]))
	}
	for i, m := range Measures {
		s.stars = append(s.stars, s.star(i, m, all, lines, cells))
	}
}

// compare notes which amounts of a claim differ, and by how much.
func (s *state) compare(l Leaf) {
	differ := at(s.differ, l.Status)
	parts := l.parts()
	for i := range parts {
		for j := 1; j < i; j++ {
			if d := int64(parts[i] - parts[j]); d != 0 {
				differ[i][j], differ[j][i] = true, true
				s.differences[i][j].add(max(d, -d))
			}
		}
	}
}

// agree reports whether two measures are the same for every claim of a status, as
// what is paid and what was awarded are once a claim is paid.
func (s *state) agree(a, b, status int) bool {
	return a == b || a > 0 && b > 0 && !s.differ[s.codes[spokes][status]][a][b]
}

// at is the entry of a map, made when it is first met.
func at[K comparable, V any](m map[K]*V, key K) *V {
	v, ok := m[key]
	if !ok {
		v = new(V)
		m[key] = v
	}
	return v
}

func (s *state) star(i int, m Measure, all sums, lines [len(dimensions)]map[string]*sums, cells [spokes]map[[2]string]*sums) star {
	out := star{measure: m, total: all[i]}
	statuses := s.codes[spokes]
	for _, code := range statuses {
		out.hub = append(out.hub, figure{group: lines[spokes][code][i]})
	}
	for d := range out.tables {
		t := &out.tables[d]
		for _, code := range s.codes[d] {
			row := make([]figure, len(statuses))
			for j, status := range statuses {
				if c := cells[d][[2]string{code, status}]; c != nil {
					row[j].group = c[i]
				}
			}
			t.rows = append(t.rows, figure{group: lines[d][code][i]})
			t.cells = append(t.cells, row)
		}
	}
	return out
}

// figures calls do with every figure of the star that is in a line with claims,
// and with its table (−1 for the hub) and its edge.
func (s *star) figures(do func(f *figure, t int, e edge)) {
	for j := range s.hub {
		do(&s.hub[j], -1, edge{row: -1, column: j})
	}
	for t := range s.tables {
		for i := range s.tables[t].rows {
			do(&s.tables[t].rows[i], t, edge{row: i, column: -1})
		}
	}
	for t := range s.tables {
		for i, row := range s.tables[t].cells {
			for j := range row {
				do(&row[j], t, edge{row: i, column: j})
			}
		}
	}
}

package publication

import (
	"iter"
	"slices"

	"redress/internal/fault"
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
	stars  []star                        // in the order of Measures
	differ map[string]measurePairs[bool] // by status: two measures differ for some claim
	// differences are, for every two measures, the claims for which they differ,
	// with by how much.
	differences measurePairs[group]
}

// measurePairs holds something for every two measures, by their places in Measures.
type measurePairs[T any] [5][5]T

// sums are what is added up of one set of claims, in the order of Measures.
type sums [5]group

func (s *sums) add(l Leaf) {
	for i, m := range Measures {
		s[i].add(int64(l.amount(m)))
	}
}

// newState adds up the leaves of a snapshot. It refuses leaves out of range and
// claims that are in it twice.
func newState(leaves iter.Seq[Leaf]) (*state, error) {
	var (
		total Sums
		all   sums
		seen  = map[Hash]struct{}{}
		lines [len(dimensions)]map[string]*sums
		cells [spokes]map[[2]string]*sums
		out   = &state{differ: map[string]measurePairs[bool]{}}
	)
	for d := range lines {
		lines[d] = map[string]*sums{}
	}
	for d := range cells {
		cells[d] = map[[2]string]*sums{}
	}
	for l := range leaves {
		if err := l.Check(); err != nil {
			return nil, err
		}
		if _, twice := seen[l.ID]; twice {
			return nil, fault.New(fault.Invalid, "leaf_repeated", "Leaf %s is in the snapshot twice.", "잎 %s이(가) 스냅샷에 두 번 있습니다.", l.ID)
		}
		seen[l.ID] = struct{}{}
		var err error
		if total, err = total.plus(Sums{1, l.Claimed, l.Estimated, l.Awarded, l.Paid}); err != nil {
			return nil, err
		}
		all.add(l)
		out.compare(l)
		codes := l.codes()
		for d, code := range codes {
			at(lines[d], code).add(l)
			if d < spokes {
				at(cells[d], [2]string{code, l.Status}).add(l)
			}
		}
	}
	for d := range lines {
		for code := range lines[d] {
			out.codes[d] = append(out.codes[d], code)
		}
		slices.Sort(out.codes[d])
	}
	for i, m := range Measures {
		out.stars = append(out.stars, out.star(i, m, all, lines, cells))
	}
	return out, nil
}

// compare notes which amounts of a claim differ, and by how much.
func (s *state) compare(l Leaf) {
	differ := s.differ[l.Status]
	for i, a := range amountMeasures {
		for j, b := range amountMeasures {
			d := int64(l.amount(a) - l.amount(b))
			differ[i+1][j+1] = differ[i+1][j+1] || d != 0
			s.differences[i+1][j+1].add(max(d, -d))
		}
	}
	s.differ[l.Status] = differ
}

// agree reports whether two measures are the same for every claim of a status, as
// what is paid and what was awarded are once a claim is paid.
func (s *state) agree(a, b, status int) bool {
	return a == b || a > 0 && b > 0 && !s.differ[s.codes[spokes][status]][a][b]
}

// at is the entry of a map, made when it is first met.
func at[K comparable](m map[K]*sums, key K) *sums {
	s, ok := m[key]
	if !ok {
		s = new(sums)
		m[key] = s
	}
	return s
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

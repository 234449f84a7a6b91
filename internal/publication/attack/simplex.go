package attack

import "math"

// program is a set of points x with low ≤ x ≤ high that satisfy equations.
type program struct {
	low, high []float64
	equations []map[int]float64 // sum of coefficient × x = right side
	right     []float64
}

func (p *program) variable(low, high float64) int {
	p.low, p.high = append(p.low, low), append(p.high, high)
	return len(p.low) - 1
}

func (p *program) equation(right float64, terms map[int]float64) {
	p.equations, p.right = append(p.equations, terms), append(p.right, right)
}

// solver is the bounded simplex method on a dense tableau. It keeps its basis from
// one objective to the next.
type solver struct {
	low, high []float64
	tableau   [][]float64 // basis inverse × equations
	basis     []int
	basic     []float64 // values of the basis
	atHigh    []bool    // of variables outside the basis
	inBasis   []bool
	filled    []int // columns of the pivot's row, kept for their space
}

const tolerance = 1e-7

// solve finds a point of the program, or reports that there is none.
func (p *program) solve() (*solver, bool) {
	n, m := len(p.low), len(p.equations)
	s := &solver{basis: make([]int, m), basic: make([]float64, m), atHigh: make([]bool, n+m), inBasis: make([]bool, n+m)}
	s.low, s.high = append(append([]float64{}, p.low...), make([]float64, m)...), append(append([]float64{}, p.high...), make([]float64, m)...)
	cost := make([]float64, n+m)
	for i, terms := range p.equations {
		row, residue := make([]float64, n+m), p.right[i]
		for j, c := range terms {
			row[j] = c
			residue -= c * p.low[j]
		}
		if residue < 0 {
			for j := range row {
				row[j] = -row[j]
			}
			residue = -residue
		}
		row[n+i], s.high[n+i], cost[n+i] = 1, math.Inf(1), 1
		s.tableau, s.basis[i], s.basic[i], s.inBasis[n+i] = append(s.tableau, row), n+i, residue, true
	}
	if s.minimize(cost) > 1e-3 {
		return nil, false
	}
	for j := n; j < n+m; j++ {
		s.high[j] = 0
	}
	return s, true
}

// minimize moves to a point of least cost and returns the cost.
func (s *solver) minimize(cost []float64) float64 {
	reduced := append([]float64{}, cost...)
	for i, b := range s.basis {
		if cost[b] != 0 {
			for j, a := range s.tableau[i] {
				reduced[j] -= cost[b] * a
			}
		}
	}
	for step := 0; ; step++ {
		enter := s.entering(reduced, step > 2000)
		if enter < 0 {
			break
		}
		s.move(enter, reduced)
	}
	var total float64
	for j, c := range cost {
		if c != 0 {
			total += c * s.value(j)
		}
	}
	return total
}

func (s *solver) value(j int) float64 {
	for i, b := range s.basis {
		if b == j {
			return s.basic[i]
		}
	}
	if s.atHigh[j] {
		return s.high[j]
	}
	return s.low[j]
}

func (s *solver) entering(reduced []float64, first bool) int {
	best, gain := -1, tolerance
	for j, d := range reduced {
		if s.inBasis[j] || s.low[j] == s.high[j] {
			continue
		}
		if s.atHigh[j] {
			d = -d
		}
		if -d > gain {
			best, gain = j, -d
			if first {
				break
			}
		}
	}
	return best
}

// move raises or lowers a variable as far as it can go.
func (s *solver) move(enter int, reduced []float64) {
	sign := 1.0
	if s.atHigh[enter] {
		sign = -1
	}
	leave, length, toHigh := -1, s.high[enter]-s.low[enter], false
	for i, b := range s.basis {
		rate := -sign * s.tableau[i][enter] // of the basic variable
		var room float64
		switch {
		case rate > tolerance:
			room = (s.high[b] - s.basic[i]) / rate
		case rate < -tolerance:
			room = (s.low[b] - s.basic[i]) / rate
		default:
			continue
		}
		if room = math.Max(room, 0); room < length || room == length && leave >= 0 && b < s.basis[leave] {
			leave, length, toHigh = i, room, rate > 0
		}
	}
	for i := range s.basis {
		s.basic[i] -= sign * length * s.tableau[i][enter]
	}
	if leave < 0 {
		s.atHigh[enter] = !s.atHigh[enter]
		return
	}
	start := s.low[enter]
	if s.atHigh[enter] {
		start = s.high[enter]
	}
	out := s.basis[leave]
	s.inBasis[out], s.inBasis[enter], s.atHigh[out] = false, true, toHigh
	s.basis[leave], s.basic[leave] = enter, start+sign*length
	s.pivot(leave, enter, reduced)
}

func (s *solver) pivot(leave, enter int, reduced []float64) {
	row := s.tableau[leave]
	inverse := 1 / row[enter]
	filled := s.filled[:0]
	for j, a := range row {
		if a != 0 {
			row[j] = a * inverse
			filled = append(filled, j)
		}
	}
	s.filled = filled
	for i, other := range append(s.tableau[:len(s.tableau):len(s.tableau)], reduced) {
		if factor := other[enter]; i != leave && factor != 0 {
			for _, j := range filled {
				other[j] -= factor * row[j]
			}
			other[enter] = 0
		}
	}
}

// bounds are the least and the greatest value of a variable.
func (s *solver) bounds(j int) (low, high float64) {
	cost := make([]float64, len(s.low))
	cost[j] = 1
	low = s.minimize(cost)
	cost[j] = -1
	return low, -s.minimize(cost)
}

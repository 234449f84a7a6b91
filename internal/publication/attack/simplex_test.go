package attack

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// The adversary's solver is held against another's.
func TestTheSolverAgreesWithGonum(t *testing.T) {
	// A table of three rows and three columns with known margins and cells of
	// which some are known to a range.
	p := &program{}
	rows, columns := []float64{30, 45, 25}, []float64{40, 35, 25}
	for i := range 9 {
		p.variable(0, []float64{100, 9, 20, 100, 100, 12, 7, 100, 100}[i])
	}
	for k := range 3 {
		p.equation(rows[k], map[int]float64{3 * k: 1, 3*k + 1: 1, 3*k + 2: 1})
		p.equation(columns[k], map[int]float64{k: 1, k + 3: 1, k + 6: 1})
	}
	own, ok := p.solve()
	if !ok {
		t.Fatal("no point found")
	}
	for j := range 9 {
		low, high := own.bounds(j)
		for sign, want := range map[float64]float64{1: low, -1: high} {
			// Standard form: a slack for each upper bound; one equation too many.
			a := mat.NewDense(5+9, 18, nil)
			b := make([]float64, 5+9)
			for i := range 5 {
				for v, c := range p.equations[i] {
					a.Set(i, v, c)
				}
				b[i] = p.right[i]
			}
			for v := range 9 {
				a.Set(5+v, v, 1)
				a.Set(5+v, 9+v, 1)
				b[5+v] = p.high[v]
			}
			cost := make([]float64, 18)
			cost[j] = sign
			got, _, err := lp.Simplex(cost, a, b, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got*sign-want) > 1e-6 {
				t.Errorf("cell %d, sign %v: gonum says %v, the solver %v", j, sign, got*sign, want)
			}
		}
	}
}

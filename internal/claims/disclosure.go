package claims

import (
	"encoding/json"

	"redress/internal/lang"
)

// LeastClaims is the smallest number of claims whose figures are shown to those
// who may not see small counts.
const LeastClaims = 10

var disclosureRule = lang.F(
	"Figures of 1 to %[1]d claims are suppressed, as are amounts that 1 to %[1]d claims are paid. Further figures of the same table are suppressed, "+
		"the smallest first, until those suppressed are at least two and stand for at least %[2]d claims together, so that no total reveals one. A scheme that "+
		"answers 1 to %[1]d claims differently from another of the same simulation is withheld whole.",
	"청구 1~%[1]d건의 수치와 1~%[1]d건에 지급되는 금액은 가립니다. 합계에서 빼어 알아낼 수 없도록, 같은 표에서 작은 수치부터 더 가려 가린 수치가 둘 이상이고 "+
		"합하여 %[2]d건 이상이 되게 합니다. 같은 모의 계산의 다른 기준과 1~%[1]d건에서만 결과가 다른 기준은 모두 가립니다.",
	LeastClaims-1, LeastClaims)

// few reports whether n claims are too few to show.
func few(n int) bool { return n > 0 && n < LeastClaims }

// disclosed is the stored simulation as those see it who may not see small
// counts.
func disclosed(stored []byte) ([]byte, error) {
	exact, err := readSimulation(stored)
	if err != nil {
		return nil, err
	}
	return json.Marshal(exact.Disclosed())
}

// Disclosed is the simulation without any figure that stands for few claims, or
// from which such a figure could be computed by subtraction.
func (s Simulation) Disclosed() Simulation {
	out := s
	out.Disclosure = &disclosureRule
	if s.InForce != nil {
		// The others are withheld where they are too close to it.
		inForce := s.InForce.disclosed()
		out.InForce = &inForce
	}
	out.Candidates = make([]Simulated, len(s.Candidates))
	for i, c := range s.Candidates {
		if few(c.Apart) {
			c.Total.Claims = 0
		}
		out.Candidates[i] = c.disclosed()
	}
	return out
}

func (s Simulated) disclosed() Simulated {
	if s.Total.Claims < LeastClaims || few(s.Total.Paid) {
		return Simulated{Scheme: s.Scheme, Total: Sum{Suppressed: true}, Outcomes: []OutcomeSum{}, Reasons: []ReasonSum{}, Steps: []StepSum{}}
	}
	s.Apart = 0
	var hidden bool
	s.Outcomes, hidden = hideRows(s.Outcomes, nil, func(r *OutcomeSum) *Sum { return &r.Sum })
	// What the other tables show of an outcome would tell what is hidden of it.
	if hidden {
		s.Reasons, s.Steps = []ReasonSum{}, []StepSum{}
	} else {
		s.Reasons, s.Steps = s.disclosedReasons(), s.disclosedSteps()
	}
	if s.Changes != nil {
		changes := s.Changes.disclosed()
		s.Changes = &changes
	}
	return s
}

// disclosedReasons hides within each outcome, whose sum is shown.
func (s Simulated) disclosedReasons() []ReasonSum {
	out := []ReasonSum{}
	for _, outcome := range outcomes {
		var rows []ReasonSum
		for _, r := range s.Reasons {
			if r.Outcome == outcome {
				rows = append(rows, r)
			}
		}
		rows, _ = hideRows(rows, nil, func(r *ReasonSum) *Sum { return &r.Sum })
		out = append(out, rows...)
	}
	return out
}

// disclosedSteps hides within each stage; claims that took none of its steps
// are a row that is not shown.
func (s Simulated) disclosedSteps() []StepSum {
	out := []StepSum{}
	for _, stage := range tiered {
		rest := weight{s.Total.Claims, s.Total.Paid}
		var rows []StepSum
		for _, r := range s.Steps {
			if r.Stage == stage {
				rows = append(rows, r)
				rest = weight{max(0, rest.claims-r.Sum.Claims), max(0, rest.paid-r.Sum.Paid)}
			}
		}
		rows, _ = hideRows(rows, []weight{rest}, func(r *StepSum) *Sum { return &r.Sum })
		out = append(out, rows...)
	}
	return out
}

// weight is how many claims stand behind a figure.
type weight struct {
	claims int
	paid   int // of these, with an amount other than 0
}

func (w weight) plus(v weight) weight { return weight{w.claims + v.claims, w.paid + v.paid} }

// small reports whether the figure would tell about few claims.
func (w weight) small() bool { return few(w.claims) || few(w.paid) }

// hideRows copies rows that add up, with the rest, to a sum that is known, and
// suppresses what must be. It reports whether anything was.
func hideRows[R any](rows []R, rest []weight, sum func(*R) *Sum) ([]R, bool) {
	out := make([]R, len(rows))
	weights := make([]weight, len(rows), len(rows)+len(rest))
	for i := range rows {
		out[i] = rows[i]
		weights[i] = weight{sum(&out[i]).Claims, sum(&out[i]).Paid}
	}
	hidden, some := withhold(append(weights, rest...)), false
	for i := range out {
		if hidden[i] {
			*sum(&out[i]) = Sum{Suppressed: true}
			some = true
		}
	}
	return out, some
}

// withhold says which of several figures with a known total are withheld: the
// small ones, and then the smallest others until there are at least two whose
// sum, which the total gives away, is not small.
func withhold(figures []weight) []bool {
	hidden := make([]bool, len(figures))
	var pool weight
	n := 0
	hide := func(i int) {
		hidden[i] = true
		pool = pool.plus(figures[i])
		n++
	}
	for i, f := range figures {
		if f.small() {
			hide(i)
		}
	}
	for n > 0 && (n < 2 || pool.small()) {
		// Where an amount would be told, another amount blurs it best.
		next := smallest(figures, hidden, few(pool.paid))
		if next < 0 {
			next = smallest(figures, hidden, false)
		}
		if next < 0 {
			break
		}
		hide(next)
	}
	return hidden
}

// smallest finds the figure of the fewest claims, not none, that is not hidden;
// -1 when there is none.
func smallest(figures []weight, hidden []bool, paid bool) int {
	found := -1
	for i, f := range figures {
		fits := !hidden[i] && f.claims > 0 && (!paid || f.paid > 0)
		if fits && (found < 0 || f.claims < figures[found].claims) {
			found = i
		}
	}
	return found
}

// disclosed hides columns first and then rows of what is left: a hidden row says
// nothing, and a hidden column says nothing in any row.
func (c Changes) disclosed() Changes {
	var columns []weight
	for _, shift := range c.Total.shifts() {
		columns = append(columns, weight{shift.Claims, shift.Claims})
	}
	hidden := withhold(columns)
	c.Total = c.Total.without(hidden)
	c.ByService, c.BySector, c.ByRegion = hideGroups(c.ByService, hidden), hideGroups(c.BySector, hidden), hideGroups(c.ByRegion, hidden)
	return c
}

// without suppresses columns.
func (c Change) without(hidden []bool) Change {
	for i, shift := range c.shifts() {
		if hidden[i] {
			*shift = Shift{Suppressed: true}
		}
	}
	return c
}

// hideGroups suppresses the rows that show few claims in a column, and then the
// smallest others until the suppressed rows are at least two and few claims in
// no column. The hidden columns of a row count as one: their sum can be known
// where the number of claims of the group is.
func hideGroups(rows []GroupChange, columns []bool) []GroupChange {
	out := make([]GroupChange, len(rows))
	hidden := make([]bool, len(rows))
	var pool [4]int
	n := 0
	hide := func(i int) {
		hidden[i] = true
		n++
		for k, claims := range rows[i].shown(columns) {
			pool[k] += claims
		}
	}
	for i, row := range rows {
		if anyFew(row.shown(columns)) {
			hide(i)
		}
	}
	for n > 0 && n < len(rows) && (n < 2 || anyFew(pool)) {
		next := -1
		for i, row := range rows {
			if !hidden[i] && (next < 0 || row.claims() < rows[next].claims()) {
				next = i
			}
		}
		hide(next)
	}
	for i, row := range rows {
		out[i] = row
		if hidden[i] {
			out[i].Change = row.without([]bool{true, true, true})
		} else {
			out[i].Change = row.without(columns)
		}
	}
	return out
}

// shown is the number of claims in each column, and in the hidden ones together.
func (c Change) shown(hidden []bool) [4]int {
	var counts [4]int
	for i, shift := range c.shifts() {
		if hidden[i] {
			counts[3] += shift.Claims
		} else {
			counts[i] = shift.Claims
		}
	}
	return counts
}

func (c Change) claims() int { return c.Winners.Claims + c.Losers.Claims + c.Unchanged.Claims }

func anyFew(counts [4]int) bool {
	for _, n := range counts {
		if few(n) {
			return true
		}
	}
	return false
}

package claims_test

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/claims"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/scheme"
)

// equations are what a reader knows: sums over figures that are hidden from them.
type equations struct {
	figures map[string]int // column of each unknown figure
	rows    []map[int]int64
}

func (e *equations) unknown(name string) int {
	if _, ok := e.figures[name]; !ok {
		e.figures[name] = len(e.figures)
	}
	return e.figures[name]
}

// knows adds that the sum of these figures is known.
func (e *equations) knows(names ...string) {
	row := map[int]int64{}
	for _, name := range names {
		row[e.unknown(name)]++
	}
	e.rows = append(e.rows, row)
}

// determined reports which figures the equations determine: those whose unit
// vector lies in the space of the rows, found by elimination.
func (e *equations) determined() map[string]bool {
	n := len(e.figures)
	matrix := make([][]*big.Rat, len(e.rows))
	for i, row := range e.rows {
		matrix[i] = make([]*big.Rat, n)
		for j := range n {
			matrix[i][j] = new(big.Rat).SetInt64(row[j])
		}
	}
	rank := 0
	for column := 0; column < n && rank < len(matrix); column++ {
		pivot := rank
		for pivot < len(matrix) && matrix[pivot][column].Sign() == 0 {
			pivot++
		}
		if pivot == len(matrix) {
			continue
		}
		matrix[rank], matrix[pivot] = matrix[pivot], matrix[rank]
		scale := new(big.Rat).Inv(matrix[rank][column])
		for j := range n {
			matrix[rank][j].Mul(matrix[rank][j], scale)
		}
		for i := range matrix {
			if i == rank || matrix[i][column].Sign() == 0 {
				continue
			}
			by := new(big.Rat).Set(matrix[i][column])
			for j := range n {
				matrix[i][j].Sub(matrix[i][j], new(big.Rat).Mul(by, matrix[rank][j]))
			}
		}
		rank++
	}
	// In reduced form a figure is determined exactly where a row holds it alone.
	found := map[string]bool{}
	for _, row := range matrix[:rank] {
		last, alone := -1, true
		for j := range n {
			if row[j].Sign() != 0 {
				alone = last < 0
				last = j
				if !alone {
					break
				}
			}
		}
		if alone && last >= 0 {
			for name, column := range e.figures {
				if column == last {
					found[name] = true
				}
			}
		}
	}
	return found
}

var outcomeNames = []scheme.Outcome{scheme.Pays, scheme.Review, scheme.CannotTell, scheme.NotEligible}

// aSum is a sum of claims of which none, some or all are paid.
func aSum(t *rapid.T, n int, name string) claims.Sum {
	s := claims.Sum{Claims: n}
	switch rapid.IntRange(0, 2).Draw(t, name+" paid") {
	case 1:
		s.Paid = rapid.IntRange(0, n).Draw(t, name+" how many")
	case 2:
		s.Paid = n
	}
	s.Amount = money.Minor(s.Paid) * 1000
	return s
}

func count(t *rapid.T, name string) int {
	return rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 12), rapid.IntRange(10, 300)).Draw(t, name)
}

func plus(a, b claims.Sum) claims.Sum {
	return claims.Sum{Claims: a.Claims + b.Claims, Paid: a.Paid + b.Paid, Amount: a.Amount + b.Amount}
}

// aSimulated is a scheme's tables, which add up as those of a tally do.
func aSimulated(t *rapid.T) claims.Simulated {
	out := claims.Simulated{Changes: &claims.Changes{}}
	for _, o := range outcomeNames {
		sum := aSum(t, count(t, string(o)), string(o))
		out.Outcomes = append(out.Outcomes, claims.OutcomeSum{Outcome: o, Sum: sum})
		out.Total = plus(out.Total, sum)
		for left := sum; left.Claims > 0; {
			part := aSum(t, min(left.Claims, max(1, count(t, "reason"))), "reason")
			part.Paid = min(part.Paid, left.Paid)
			part.Amount = money.Minor(part.Paid) * 1000
			out.Reasons = append(out.Reasons, claims.ReasonSum{Outcome: o, Code: fmt.Sprint(len(out.Reasons)), Sum: part})
			left = claims.Sum{Claims: left.Claims - part.Claims, Paid: left.Paid - part.Paid}
			if len(out.Reasons) > 12 {
				break
			}
		}
	}
	groups := rapid.IntRange(1, 6).Draw(t, "groups")
	rows := make([]claims.GroupChange, groups)
	left := out.Total.Claims
	for i := range rows {
		rows[i].Group = fmt.Sprint(i)
		for _, shift := range []*claims.Shift{&rows[i].Winners, &rows[i].Losers, &rows[i].Unchanged} {
			shift.Claims = min(left, count(t, "shift"))
			left -= shift.Claims
		}
	}
	rows[0].Unchanged.Claims += left
	for _, r := range rows {
		out.Changes.Total.Winners.Claims += r.Winners.Claims
		out.Changes.Total.Losers.Claims += r.Losers.Claims
		out.Changes.Total.Unchanged.Claims += r.Unchanged.Claims
	}
	out.Changes.ByService, out.Changes.BySector, out.Changes.ByRegion = rows, rows[:0], rows[:0]
	left, paid := out.Total.Claims, out.Total.Paid
	for i := range rapid.IntRange(0, 4).Draw(t, "tiers") {
		sum := aSum(t, min(left, count(t, "tier")), "tier")
		sum.Paid = min(sum.Paid, paid)
		sum.Amount = money.Minor(sum.Paid) * 1000
		left, paid = left-sum.Claims, paid-sum.Paid
		out.Steps = append(out.Steps, claims.StepSum{Stage: "tiers", Rule: lang.T(fmt.Sprint(i), fmt.Sprint(i)), Sum: sum})
	}
	return out
}

func small(n int) bool { return n > 0 && n < claims.LeastClaims }

// A reader of a suppressed table knows what is shown, that rows and columns add
// up, and (from another candidate) how many claims each group has. No figure of
// few claims follows from that.
func TestNoSmallFigureFollowsFromTheTablesThatAreShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exact := aSimulated(t)
		shown := claims.Simulation{Candidates: []claims.Simulated{exact}}.Disclosed().Candidates[0]
		if shown.Total.Suppressed {
			if len(shown.Outcomes)+len(shown.Steps)+len(shown.Reasons) > 0 || shown.Changes != nil {
				t.Fatal("the total is suppressed and its parts are not")
			}
			return
		}
		if small(shown.Total.Claims) || small(shown.Total.Paid) {
			t.Fatalf("the total is small: %+v", shown.Total)
		}
		checkSums(t, exact, shown)
		checkChanges(t, exact.Changes, shown.Changes)
	})
}

// checkSums looks at outcomes and at tiers, whose claims without a tier are not
// shown and are paid nothing by one.
func checkSums(t *rapid.T, exact, shown claims.Simulated) {
	for _, of := range []func(claims.Sum) int{func(s claims.Sum) int { return s.Claims }, func(s claims.Sum) int { return s.Paid }} {
		e := equations{figures: map[string]int{}}
		values := map[string]int{}
		var all []string
		for i, o := range exact.Outcomes {
			name := "outcome " + string(o.Outcome)
			values[name] = of(o.Sum)
			all = append(all, name)
			if !shown.Outcomes[i].Sum.Suppressed {
				e.knows(name)
			}
		}
		e.knows(all...)
		for name := range e.determined() {
			if small(values[name]) {
				t.Fatalf("%s of %d follows from %+v", name, values[name], shown.Outcomes)
			}
		}
	}
	checkReasons(t, exact, shown)
	hidden, pool := 0, claims.Sum{}
	for i, s := range shown.Steps {
		if s.Sum.Suppressed {
			hidden++
			pool = plus(pool, exact.Steps[i].Sum)
		} else if small(s.Sum.Claims) || small(s.Sum.Paid) {
			t.Fatalf("a small step is shown: %+v", s)
		}
	}
	// What is paid outside tiers is nothing, so total less shown is the hidden.
	if paidElsewhere := exact.Total.Paid - totalSteps(exact.Steps).Paid; paidElsewhere == 0 && small(pool.Paid) {
		t.Fatalf("the amount of %d claims follows from the steps shown: %+v", pool.Paid, shown.Steps)
	}
	if hidden > 0 && len(shown.Outcomes) == 0 {
		t.Fatal("steps without outcomes")
	}
}

// checkReasons looks at the reasons of each outcome, whose sum is shown where
// they are.
func checkReasons(t *rapid.T, exact, shown claims.Simulated) {
	if len(shown.Reasons) == 0 {
		return
	}
	e := equations{figures: map[string]int{}}
	values := map[string]int{}
	of := map[scheme.Outcome][]string{}
	for i, r := range exact.Reasons {
		name := string(r.Outcome) + " " + r.Code
		values[name] = r.Sum.Claims
		of[r.Outcome] = append(of[r.Outcome], name)
		if !shown.Reasons[i].Sum.Suppressed {
			e.knows(name)
		}
	}
	for i, o := range shown.Outcomes {
		rest := exact.Outcomes[i].Sum.Claims
		for _, name := range of[o.Outcome] {
			rest -= values[name]
		}
		if rest == 0 {
			e.knows(of[o.Outcome]...)
		}
	}
	for name := range e.determined() {
		if small(values[name]) {
			t.Fatalf("%s of %d follows from %+v", name, values[name], shown.Reasons)
		}
	}
}

func totalSteps(steps []claims.StepSum) (sum claims.Sum) {
	for _, s := range steps {
		sum = plus(sum, s.Sum)
	}
	return sum
}

func checkChanges(t *rapid.T, exact, shown *claims.Changes) {
	e := equations{figures: map[string]int{}}
	values := map[string]int{}
	columns := func(c claims.Change) []claims.Shift { return []claims.Shift{c.Winners, c.Losers, c.Unchanged} }
	figure := func(group string, column int) string { return fmt.Sprintf("group %s column %d", group, column) }
	var everything []string
	for i, row := range exact.ByService {
		var whole []string
		sum := 0
		for k, shift := range columns(row.Change) {
			name := figure(row.Group, k)
			values[name] = shift.Claims
			sum += shift.Claims
			whole = append(whole, name)
			if got := columns(shown.ByService[i].Change)[k]; !got.Suppressed {
				e.knows(name)
				if small(got.Claims) {
					t.Fatalf("%s shows %d", name, got.Claims)
				}
			}
		}
		everything = append(everything, whole...)
		if !small(sum) {
			e.knows(whole...)
		}
	}
	e.knows(everything...)
	for k, total := range columns(shown.Total) {
		var column []string
		for _, row := range exact.ByService {
			column = append(column, figure(row.Group, k))
		}
		if total.Suppressed {
			continue
		}
		if small(total.Claims) {
			t.Fatalf("the total of column %d shows %d", k, total.Claims)
		}
		e.knows(column...)
	}
	for name := range e.determined() {
		if small(values[name]) {
			t.Fatalf("%s of %d follows from what is shown: %+v", name, values[name], shown)
		}
	}
}

func TestSchemeThatDiffersForFewClaimsIsWithheld(t *testing.T) {
	row := claims.Simulated{
		Total:    claims.Sum{Claims: 100, Paid: 100, Amount: 100_000},
		Outcomes: []claims.OutcomeSum{{Outcome: scheme.Pays, Sum: claims.Sum{Claims: 100, Paid: 100, Amount: 100_000}}},
	}
	for apart, want := range map[int]bool{0: false, 1: true, 9: true, 10: false} {
		row.Apart = apart
		got := claims.Simulation{InForce: &row, Candidates: []claims.Simulated{row}}.Disclosed()
		if got.Candidates[0].Total.Suppressed != want || got.InForce.Total.Suppressed || got.Candidates[0].Apart != 0 {
			t.Errorf("apart by %d: %+v", apart, got)
		}
		if got.Disclosure == nil {
			t.Error("the rule is not stated")
		}
	}
}

package claims

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Simulation is what several schemes would pay on the same claims. Its JSON is
// what is served; amounts are minor units of Currency.
type Simulation struct {
	IncidentID string `json:"incident_id,omitempty"`
	Currency   string `json:"currency"`
	// InForce is the scheme in force, which the others are held against; absent
	// when none was named.
	InForce    *Simulated  `json:"in_force,omitempty"`
	Candidates []Simulated `json:"candidates"`
	// Disclosure is the rule by which sums were suppressed; absent when all are
	// exact.
	Disclosure *lang.Text `json:"disclosure,omitempty"`
}

// Simulated is what one scheme would pay.
type Simulated struct {
	Scheme   SimulatedScheme `json:"scheme"`
	Total    Sum             `json:"total"`
	Outcomes []OutcomeSum    `json:"outcomes"`
	Reasons  []ReasonSum     `json:"reasons"` // a claim is in each of its reasons
	Steps    []StepSum       `json:"steps"`   // of stages with tiers; a claim is in each step it took
	Changes  *Changes        `json:"changes,omitempty"`
	// Apart is the smallest number of claims, above 0, that this scheme and another
	// of the simulation answer differently; 0 when there is no such other.
	Apart int `json:"apart,omitempty"`
}

// SimulatedScheme names a scheme by its header and the hash of its bytes.
type SimulatedScheme struct {
	SchemeRef
	Hash string `json:"hash"`
}

// Sum is some claims, how many of them are paid something, and how much.
type Sum struct {
	Claims     int         `json:"claims"`
	Paid       int         `json:"paid"`
	Amount     money.Minor `json:"amount"`
	Suppressed bool        `json:"suppressed,omitempty"` // the figures are withheld, and 0
}

// withheld is the JSON of figures that are not shown.
const withheld = `{"suppressed":true}`

// MarshalJSON leaves out the figures of a suppressed sum.
func (s Sum) MarshalJSON() ([]byte, error) {
	if s.Suppressed {
		return []byte(withheld), nil
	}
	type plain Sum
	return json.Marshal(plain(s))
}

// OutcomeSum is the claims of one outcome.
type OutcomeSum struct {
	Outcome scheme.Outcome `json:"outcome"`
	Sum     Sum            `json:"sum"`
}

// ReasonSum is the claims of one outcome that have the reason.
type ReasonSum struct {
	Outcome scheme.Outcome `json:"outcome"`
	Code    string         `json:"code"`
	Sum     Sum            `json:"sum"`
}

// StepSum is the claims that took one step of a stage with tiers; Amount is what
// the step contributes.
type StepSum struct {
	Stage string    `json:"stage"`
	Rule  lang.Text `json:"rule"`
	Sum   Sum       `json:"sum"`
}

// Changes is what a candidate changes against the scheme in force. Each claim is
// in one group of each table, so every table adds up to the total.
type Changes struct {
	Total     Change        `json:"total"`
	ByService []GroupChange `json:"by_service"` // the services of a claim together: "hair+taxi"
	BySector  []GroupChange `json:"by_sector"`
	ByRegion  []GroupChange `json:"by_region"`
}

// Change divides claims by whether they get more, less or the same.
type Change struct {
	Winners   Shift `json:"winners"`
	Losers    Shift `json:"losers"`
	Unchanged Shift `json:"unchanged"`
}

// Shift is some claims and the sum of what they get more (below 0: less).
type Shift struct {
	Claims     int         `json:"claims"`
	Difference money.Minor `json:"difference"`
	Suppressed bool        `json:"suppressed,omitempty"` // the figures are withheld, and 0
}

// MarshalJSON leaves out the figures of a suppressed shift.
func (s Shift) MarshalJSON() ([]byte, error) {
	if s.Suppressed {
		return []byte(withheld), nil
	}
	type plain Shift
	return json.Marshal(plain(s))
}

// GroupChange is the change within one group.
type GroupChange struct {
	Group string `json:"group"`
	Change
}

// Tally adds up what schemes pay on claims. Amounts are whole, so the order in
// which claims are added and tallies merged makes no difference.
type Tally struct {
	inForce bool // schemes[0] is the one in force
	schemes []*scheme.Scheme
	sums    []schemeSums
	apart   [][]int // claims that two schemes answer differently
	err     error   // a sum left the range of amounts
}

// schemeSums are the sums of one scheme, by what a row of a table is about.
type schemeSums struct {
	total    Sum
	outcomes map[scheme.Outcome]*Sum
	reasons  map[reasonKey]*Sum
	steps    map[stepKey]*Sum
	change   Change
	groups   [3]map[string]*Change // by service, sector, region
}

type reasonKey struct {
	outcome scheme.Outcome
	code    string
}

type stepKey struct {
	stage string
	rule  lang.Text
}

// NewTally makes an empty tally of candidates held against the scheme in force,
// which may be nil.
func NewTally(inForce *scheme.Scheme, candidates []*scheme.Scheme) *Tally {
	t := &Tally{inForce: inForce != nil, schemes: candidates}
	if t.inForce {
		t.schemes = slices.Concat([]*scheme.Scheme{inForce}, candidates)
	}
	t.sums, t.apart = make([]schemeSums, len(t.schemes)), make([][]int, len(t.schemes))
	for i := range t.sums {
		t.apart[i] = make([]int, len(t.schemes))
		t.sums[i] = schemeSums{
			outcomes: map[scheme.Outcome]*Sum{}, reasons: map[reasonKey]*Sum{}, steps: map[stepKey]*Sum{},
			groups: [3]map[string]*Change{{}, {}, {}},
		}
	}
	return t
}

// Add evaluates one claim under each scheme. facts answers what that scheme may
// read; only comparisons may differ between schemes.
func (t *Tally) Add(facts func(*scheme.Scheme) scheme.Facts) {
	answers := make([]answer, len(t.schemes))
	for i, s := range t.schemes {
		read := facts(s)
		answers[i] = t.answer(s.Evaluate(read))
		t.count(&t.sums[i], answers[i])
		if t.inForce && i > 0 {
			t.hold(&t.sums[i], answers[0], answers[i], groupsOf(read))
		}
		for j := range i {
			if !answers[i].equal(answers[j]) {
				t.apart[i][j]++
				t.apart[j][i]++
			}
		}
	}
}

// answer is what a tally keeps of a result.
type answer struct {
	amount  money.Minor
	outcome scheme.Outcome
	reasons []reasonKey
	steps   []stepKey
	paid    []money.Minor // by step
}

func (a answer) equal(b answer) bool {
	return a.amount == b.amount && a.outcome == b.outcome && slices.Equal(a.reasons, b.reasons) && slices.Equal(a.steps, b.steps)
}

// tiered are the stages whose steps are the rows of a table of tiers.
var tiered = []string{"tiers", "duration_tiers"}

func (t *Tally) answer(r scheme.Result) answer {
	a := answer{amount: r.Amount, outcome: r.Outcome}
	for _, reason := range r.Reasons {
		if key := (reasonKey{r.Outcome, reason.Code}); !slices.Contains(a.reasons, key) {
			a.reasons = append(a.reasons, key)
		}
	}
	for _, line := range r.Trace {
		if !slices.Contains(tiered, line.Stage) {
			continue
		}
		key := stepKey{line.Stage, line.Rule}
		at := slices.Index(a.steps, key)
		if at < 0 {
			at = len(a.steps)
			a.steps, a.paid = append(a.steps, key), append(a.paid, 0)
		}
		a.paid[at] = t.add(a.paid[at], line.Contribution)
	}
	return a
}

func (t *Tally) count(s *schemeSums, a answer) {
	one := Sum{Claims: 1, Amount: a.amount}
	if a.amount != 0 {
		one.Paid = 1
	}
	t.addSum(&s.total, one)
	t.addSum(rowOf(s.outcomes, a.outcome), one)
	for _, key := range a.reasons {
		t.addSum(rowOf(s.reasons, key), one)
	}
	for i, key := range a.steps {
		step := Sum{Claims: 1, Amount: a.paid[i]}
		if a.paid[i] != 0 {
			step.Paid = 1
		}
		t.addSum(rowOf(s.steps, key), step)
	}
}

// hold holds a candidate's answer against that of the scheme in force.
func (t *Tally) hold(s *schemeSums, inForce, candidate answer, groups [3]string) {
	difference := t.add(candidate.amount, -inForce.amount)
	var one Change
	switch {
	case difference > 0:
		one.Winners = Shift{Claims: 1, Difference: difference}
	case difference < 0:
		one.Losers = Shift{Claims: 1, Difference: difference}
	default:
		one.Unchanged = Shift{Claims: 1}
	}
	t.addChange(&s.change, one)
	for i, group := range groups {
		t.addChange(rowOf(s.groups[i], group), one)
	}
}

// unknown is the group of claims whose facts do not name one.
const unknown = "unknown"

// groupsOf are the groups by service, sector and region that a claim is in.
func groupsOf(f scheme.Facts) [3]string {
	var services []string
	for _, l := range f.Lines {
		services = append(services, l.Service)
	}
	groups := [3]string{together(services), string(f.Sector), f.Region}
	for i := range groups {
		if groups[i] == "" {
			groups[i] = unknown
		}
	}
	return groups
}

// together are the services of a claim as one group: "hair+taxi".
func together(services []string) string {
	slices.Sort(services)
	return strings.Join(slices.Compact(services), "+")
}

// rowOf is the row of a table, made when it is first met.
func rowOf[K comparable, V any](table map[K]*V, key K) *V {
	row, ok := table[key]
	if !ok {
		row = new(V)
		table[key] = row
	}
	return row
}

func (t *Tally) add(a, b money.Minor) money.Minor {
	sum, err := money.Add(a, b)
	if err != nil {
		t.err = fault.New(fault.Invalid, "total_out_of_range",
			"The amounts of these claims add up to more than %d minor units.", "이 청구들의 금액을 더하면 %d을(를) 넘습니다.", int64(money.Max))
	}
	return sum
}

func (t *Tally) addSum(to *Sum, s Sum) {
	to.Claims, to.Paid, to.Amount = to.Claims+s.Claims, to.Paid+s.Paid, t.add(to.Amount, s.Amount)
}

func (t *Tally) addChange(to *Change, c Change) {
	for i, shift := range c.shifts() {
		sum := to.shifts()[i]
		sum.Claims, sum.Difference = sum.Claims+shift.Claims, t.add(sum.Difference, shift.Difference)
	}
}

// shifts are the columns of a table of changes.
func (c *Change) shifts() [3]*Shift { return [3]*Shift{&c.Winners, &c.Losers, &c.Unchanged} }

// Merge adds a tally of other claims under the same schemes.
func (t *Tally) Merge(other *Tally) {
	if t.err == nil {
		t.err = other.err
	}
	for i := range t.sums {
		to, from := &t.sums[i], &other.sums[i]
		t.addSum(&to.total, from.total)
		mergeRows(to.outcomes, from.outcomes, t.addSum)
		mergeRows(to.reasons, from.reasons, t.addSum)
		mergeRows(to.steps, from.steps, t.addSum)
		t.addChange(&to.change, from.change)
		for g := range to.groups {
			mergeRows(to.groups[g], from.groups[g], t.addChange)
		}
		for j, n := range other.apart[i] {
			t.apart[i][j] += n
		}
	}
}

func mergeRows[K comparable, V any](to, from map[K]*V, add func(*V, V)) {
	for key, row := range from {
		add(rowOf(to, key), *row)
	}
}

// Claims is how many claims were added.
func (t *Tally) Claims() int { return t.sums[0].total.Claims }

// Simulation is what was added up, or a fault when a sum is beyond the range of
// amounts.
func (t *Tally) Simulation() (Simulation, error) {
	if t.err != nil {
		return Simulation{}, t.err
	}
	out := Simulation{Currency: string(t.schemes[0].Currency), Candidates: []Simulated{}}
	for i, s := range t.schemes {
		one := t.sums[i].simulated()
		one.Scheme = SimulatedScheme{SchemeRef{string(s.ID), s.Version}, s.Hash()}
		for _, n := range t.apart[i] {
			if n > 0 && (one.Apart == 0 || n < one.Apart) {
				one.Apart = n
			}
		}
		if t.inForce && i == 0 {
			one.Changes = nil
			out.InForce = &one
			continue
		}
		if !t.inForce {
			one.Changes = nil
		}
		out.Candidates = append(out.Candidates, one)
	}
	return out, nil
}

// outcomes are the rows of every table of outcomes, met or not.
var outcomes = []scheme.Outcome{scheme.Pays, scheme.Review, scheme.CannotTell, scheme.NotEligible}

func (s schemeSums) simulated() Simulated {
	out := Simulated{Total: s.total, Reasons: []ReasonSum{}, Steps: []StepSum{}, Changes: &Changes{Total: s.change}}
	for _, outcome := range outcomes {
		out.Outcomes = append(out.Outcomes, OutcomeSum{outcome, *rowOf(s.outcomes, outcome)})
	}
	for key, sum := range s.reasons {
		out.Reasons = append(out.Reasons, ReasonSum{key.outcome, key.code, *sum})
	}
	slices.SortFunc(out.Reasons, func(a, b ReasonSum) int {
		return strings.Compare(string(a.Outcome)+" "+a.Code, string(b.Outcome)+" "+b.Code)
	})
	for key, sum := range s.steps {
		out.Steps = append(out.Steps, StepSum{key.stage, key.rule, *sum})
	}
	slices.SortFunc(out.Steps, func(a, b StepSum) int {
		return strings.Compare(a.Stage+" "+a.Rule.EN, b.Stage+" "+b.Rule.EN)
	})
	for g, table := range []*[]GroupChange{&out.Changes.ByService, &out.Changes.BySector, &out.Changes.ByRegion} {
		*table = []GroupChange{}
		for group, change := range s.groups[g] {
			*table = append(*table, GroupChange{group, *change})
		}
		slices.SortFunc(*table, func(a, b GroupChange) int { return strings.Compare(a.Group, b.Group) })
	}
	return out
}

// readSimulation reads a stored simulation.
func readSimulation(stored []byte) (Simulation, error) {
	var out Simulation
	if err := json.Unmarshal(stored, &out); err != nil {
		return Simulation{}, fmt.Errorf("read the simulation: %w", err)
	}
	return out, nil
}

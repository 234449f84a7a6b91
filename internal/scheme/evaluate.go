package scheme

import (
	"math/big"
	"slices"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// evaluation is the state that the stages of one evaluation hand on.
type evaluation struct {
	scheme *Scheme
	facts  *Facts
	stage  string // the running stage, for the trace

	lines   []*lineState
	whole   []Window // minutes of the claim that count, over all services
	common  *big.Rat // loss that belongs to no single service: costs; may be negative
	margin  *big.Rat // the margin in use, for the economic limit of added cost; nil before
	total   money.Minor
	stopped bool // an early stage decided the claim
	refused bool // the loss was found not to come from the outage

	review  []Reason
	unknown []Reason
	nothing []Reason
	trace   []Line
}

// lineState is one loss line on its way.
type lineState struct {
	fact    *LossLine
	windows []Window // the impairment that counts
	loss    *big.Rat
	state   lineStatus
}

type lineStatus int

const (
	lossKnown   lineStatus = iota
	lossUnknown            // the history cannot tell
	lossReview             // a person must decide
)

// Evaluate applies the scheme to one claim's facts. It never fails: facts that
// no rule can be applied to (another currency, an amount or a time out of
// range) answer review with amount 0 and the reason, as does arithmetic whose
// result is not a lawful amount or more than a claim can come to.
func (s *Scheme) Evaluate(f Facts) Result {
	e := &evaluation{scheme: s, facts: &f, common: new(big.Rat)}
	if problems := f.problems(); len(problems) > 0 {
		p := problems[0]
		e.needsReview("facts_unusable", lang.F("The facts cannot be used: %s %s", "사실 자료를 쓸 수 없습니다: %s %s", p.Pointer, p.Detail))
		return e.result()
	}
	if f.Currency != string(s.Currency) {
		e.needsReview("currency_differs", lang.F("The claim is in %s and the scheme in %s.", "청구 통화는 %s, 보상 기준 통화는 %s입니다.", f.Currency, string(s.Currency)))
		return e.result()
	}
	e.begin()
	for _, st := range s.stages {
		e.stage = st.name
		if st.apply(e); e.stopped {
			break
		}
	}
	return e.result()
}

func (e *evaluation) begin() {
	for i := range e.facts.Lines {
		line := &e.facts.Lines[i]
		e.lines = append(e.lines, &lineState{fact: line, windows: line.Windows, loss: new(big.Rat)})
		e.whole = append(e.whole, line.Windows...)
	}
	if len(e.lines) == 0 && e.facts.Incident.Minutes() > 0 {
		e.whole = []Window{{Span: e.facts.Incident, DownBasisPoints: 10_000}}
	}
}

func (e *evaluation) result() Result {
	r := Result{
		SchemeID: string(e.scheme.ID), Version: e.scheme.Version, Currency: string(e.scheme.Currency), Payout: e.scheme.Payout,
		Outcome: Pays, Amount: e.total, Reasons: []Reason{}, Trace: e.trace,
	}
	if r.Trace == nil {
		r.Trace = []Line{}
	}
	switch {
	case len(e.review) > 0:
		r.Outcome, r.Reasons = Review, slices.Concat(e.review, e.unknown)
	case len(e.unknown) > 0:
		r.Outcome, r.Reasons = CannotTell, e.unknown
	case e.total == 0:
		r.Outcome, r.Reasons = NotEligible, e.nothing
		if len(r.Reasons) == 0 {
			r.Reasons = []Reason{{Code: "nothing_due", Text: lang.T("No part of the scheme pays anything for these facts.", "이 사실에 대해 보상 기준이 지급하는 것이 없습니다.")}}
		}
	}
	return r
}

// pending reports whether a part of the claim still waits for an answer.
func (e *evaluation) pending() bool { return len(e.review)+len(e.unknown) > 0 }

func addReason(list *[]Reason, code string, text lang.Text) {
	reason := Reason{Code: code, Text: text}
	if !slices.Contains(*list, reason) {
		*list = append(*list, reason)
	}
}

func (e *evaluation) needsReview(code string, text lang.Text) { addReason(&e.review, code, text) }
func (e *evaluation) cannotTell(code string, text lang.Text)  { addReason(&e.unknown, code, text) }

// paysNothing notes why a part pays nothing; it is told when all parts do.
func (e *evaluation) paysNothing(code string, text lang.Text) { addReason(&e.nothing, code, text) }

// note adds a line that moves no money.
func (e *evaluation) note(service string, rule lang.Text, output Value, inputs ...Value) {
	if inputs == nil {
		inputs = []Value{}
	}
	e.trace = append(e.trace, Line{Stage: e.stage, Service: service, Inputs: inputs, Rule: rule, Output: output})
}

// reshape replaces a line's loss and notes the step.
func (e *evaluation) reshape(l *lineState, loss *big.Rat, rule lang.Text, inputs ...Value) {
	e.note(l.fact.Service, rule, exactValue("loss", loss), slices.Concat([]Value{exactValue("loss", l.loss)}, inputs)...)
	l.loss = loss
}

// known calls do for every line that has a loss to work on.
func (e *evaluation) known(do func(l *lineState)) {
	for _, l := range e.lines {
		if l.state == lossKnown && l.loss.Sign() > 0 {
			do(l)
		}
	}
}

// pay rounds an exact amount, adds it to the total and notes the step. It
// returns what was paid.
func (e *evaluation) pay(service string, exact *big.Rat, rounding Rounding, rule lang.Text, inputs ...Value) money.Minor {
	amount, err := money.Round(exact, rounding.Step.minor(), rounding.Mode)
	if err != nil {
		e.outOfRange()
		return 0
	}
	return e.payAmount(service, amount, rule, inputs...)
}

// payAmount adds a whole amount to the total and notes the step.
func (e *evaluation) payAmount(service string, amount money.Minor, rule lang.Text, inputs ...Value) money.Minor {
	total, err := money.Add(e.total, amount)
	if err != nil || total > money.MaxClaim {
		e.outOfRange()
		return 0
	}
	e.total = total
	e.note(service, rule, amountValue("amount", amount), inputs...)
	e.trace[len(e.trace)-1].Contribution = amount
	return amount
}

func (e *evaluation) outOfRange() {
	e.needsReview("amount_out_of_range", lang.F("The %s stage gives an amount beyond what can be paid.", "%s 단계의 금액이 지급할 수 있는 범위를 벗어납니다.", e.stage))
}

// claimLoss sums the loss of all services and the common costs, never below 0.
// Where a part is unknown or under review it reports that and no sum.
func (e *evaluation) claimLoss() (*big.Rat, lineStatus) {
	sum := new(big.Rat).Set(e.common)
	worst := lossKnown
	for _, l := range e.lines {
		worst = max(worst, l.state)
		sum.Add(sum, l.loss)
	}
	if sum.Sign() < 0 {
		sum.SetInt64(0)
	}
	return sum, worst
}

// amount writes money for people.
func (e *evaluation) amount(a money.Minor) lang.Text { return e.scheme.currency.Text(a) }

// rounded says a rounding in words.
func (e *evaluation) rounded(r Rounding) lang.Text {
	step := e.amount(r.Step.minor())
	switch r.Mode {
	case money.HalfUp:
		return lang.F("rounded half up to %s", "%s 단위로 반올림", step)
	case money.HalfEven:
		return lang.F("rounded half to even to %s", "%s 단위로 짝수 쪽 반올림", step)
	case money.Down:
		return lang.F("rounded down to %s", "%s 단위로 버림", step)
	}
	return lang.F("rounded up to %s", "%s 단위로 올림", step)
}

// holds reports whether staff found the named condition to hold.
func (e *evaluation) holds(condition Name) bool {
	return slices.Contains(e.facts.Conditions, string(condition))
}

// impaired merges windows into ascending, disjoint spans.
func impaired(windows []Window) []revenue.Span {
	var spans []revenue.Span
	for _, w := range windows {
		if w.Minutes() > 0 && w.DownBasisPoints > 0 {
			spans = append(spans, w.Span)
		}
	}
	slices.SortFunc(spans, func(a, b revenue.Span) int { return compare(a.Start, b.Start) })
	var merged []revenue.Span
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.Start <= merged[last].End {
			merged[last].End = max(merged[last].End, s.End)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// minutes is the length of merged spans together.
func minutes(spans []revenue.Span) int64 {
	var total int64
	for _, s := range spans {
		total += s.Minutes()
	}
	return total
}

// weight is the impairment in minutes × share down, in basis-point minutes.
func weight(windows []Window) *big.Rat {
	total := new(big.Rat)
	for _, w := range windows {
		if w.Minutes() > 0 {
			total.Add(total, new(big.Rat).Mul(big.NewRat(w.Minutes(), 1), big.NewRat(int64(w.DownBasisPoints), 1)))
		}
	}
	return total
}

// clipTo keeps the part of the windows inside the span.
func clipTo(windows []Window, span revenue.Span) []Window {
	var kept []Window
	for _, w := range windows {
		w.Start, w.End = max(w.Start, span.Start), min(w.End, span.End)
		if w.Minutes() > 0 {
			kept = append(kept, w)
		}
	}
	return kept
}

// downtime is the merged impairment of a service; of the whole claim for a
// service that has no line, or for none.
func (e *evaluation) downtime(service string) []revenue.Span {
	for _, l := range e.lines {
		if service != "" && l.fact.Service == service {
			return impaired(l.windows)
		}
	}
	return impaired(e.whole)
}

// counted replaces the windows of the claim and of each line.
func (e *evaluation) counted(keep func([]Window) []Window) {
	e.whole = keep(e.whole)
	for _, l := range e.lines {
		l.windows = keep(l.windows)
	}
}

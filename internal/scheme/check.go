package scheme

import (
	"cmp"
	"fmt"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// checker gathers the problems of a scheme that can be read but must not be
// posted.
type checker struct {
	*decoder
	scheme     *Scheme
	headerRead bool
}

// paysLoss reports whether the scheme has a stage that pays the loss.
func (c *checker) paysLoss() bool {
	for _, st := range c.scheme.stages {
		if st.role == paysLoss {
			return true
		}
	}
	return false
}

// share refuses a value above 1.
func (c *checker) share(pointer string, d Decimal) {
	if !d.isShare() {
		c.fail(pointer, "share_above_one", "%s is above 1; a share is between 0 and 1, so 80 %% is \"0.80\".",
			"%s은(는) 1보다 큽니다. 비율은 0에서 1 사이이며 80%%는 \"0.80\"입니다.", d.String())
	}
}

func (c *checker) sentence(pointer string, s Sentence) {
	if s.KO == "" {
		c.fail(pointer+"/ko", "empty_text", "is empty; people read it.", "비어 있습니다. 사람이 읽는 글입니다.")
	}
	if s.EN == "" {
		c.fail(pointer+"/en", "empty_text", "is empty; people read it.", "비어 있습니다. 사람이 읽는 글입니다.")
	}
}

// declared refuses conditions that the header does not explain.
func (c *checker) declared(pointer string, names []Name) {
	if !c.headerRead {
		return
	}
	for i, name := range names {
		if _, ok := c.scheme.Conditions[name]; !ok {
			c.fail(fmt.Sprintf("%s/%d", pointer, i), "undeclared_condition", "%s is not in /conditions; say there what it means.",
				"%s이(가) /conditions에 없습니다. 그곳에 뜻을 적으십시오.", string(name))
		}
	}
}

// exactlyOne refuses two alternatives that are both there, or both absent.
func (c *checker) exactlyOne(pointer, a string, hasA bool, b string, hasB bool) {
	switch {
	case hasA && hasB:
		c.fail(pointer+"/"+b, "contradictory", "stands beside %s; keep one of the two.", "%s와(과) 함께 있습니다. 하나만 남기십시오.", a)
	case !hasA && !hasB:
		c.fail(pointer+"/"+a, "required", "is missing, and so is %s; write one of the two.", "%s와(과) 함께 빠져 있습니다. 둘 중 하나를 적으십시오.", b)
	}
}

// notEmpty refuses an empty list where something must be stated.
func (c *checker) notEmpty(pointer string, length int) {
	if length == 0 {
		c.fail(pointer, "empty_list", "is empty; name at least one, or leave the stage out.", "비어 있습니다. 하나 이상 적거나 이 단계를 빼십시오.")
	}
}

// distinct refuses a list that names a value twice.
func distinct[T comparable](c *checker, pointer, code string, values []T) {
	seen := map[T]bool{}
	for i, v := range values {
		if seen[v] {
			c.fail(fmt.Sprintf("%s/%d", pointer, i), code, "names %v a second time; name each once.", "%v을(를) 두 번 적었습니다. 한 번씩만 적으십시오.", v)
		}
		seen[v] = true
	}
}

// earliest and latest bound the times that facts may name: years 1 to 9999,
// well inside the range in which minutes can be added and multiplied.
const (
	earliest revenue.Local = -1_035_593_280
	latest   revenue.Local = 4_223_371_680
)

// What one claim may hold at most. A claim is one outlet in one incident; more
// than this is not a claim.
const (
	mostLines         = 100
	mostWindows       = 1_000 // of one line
	mostPeriods       = 2 * mostSteps
	mostSubscriptions = 100
	mostItems         = 10_000 // of items, expenses, measures, prior payments each
)

// factsChecker gathers what makes facts unusable.
type factsChecker struct {
	decoder
}

// problems lists what no evaluation could work with.
func (f *Facts) problems() []fault.Field {
	var c factsChecker
	c.span("/incident", f.Incident)
	c.optional("/annual_revenue", f.AnnualRevenue)
	if !f.Sector.Known() {
		c.fail("/sector", "unknown_value", "%q is not a known sector.", "%q은(는) 알려진 업종이 아닙니다.", clip(string(f.Sector)))
	}
	c.count("/lines", len(f.Lines), mostLines)
	c.count("/items", len(f.Items), mostItems)
	c.count("/expenses", len(f.Expenses), mostItems)
	c.count("/subscriptions", len(f.Subscriptions), mostSubscriptions)
	c.count("/measures", len(f.Measures), mostItems)
	c.count("/prior_payments", len(f.PriorPayments), mostItems)
	for i := range f.Lines {
		c.line(fmt.Sprintf("/lines/%d", i), &f.Lines[i])
	}
	for i, item := range f.Items {
		c.time(fmt.Sprintf("/items/%d/at", i), item.At)
		c.amount(fmt.Sprintf("/items/%d/amount", i), item.Amount)
	}
	for i, x := range f.Expenses {
		c.amount(fmt.Sprintf("/expenses/%d/amount", i), x.Amount)
		c.amount(fmt.Sprintf("/expenses/%d/avoided_revenue_loss", i), x.AvoidedRevenueLoss)
	}
	for i, s := range f.Subscriptions {
		c.amount(fmt.Sprintf("/subscriptions/%d/monthly_fee", i), s.MonthlyFee)
	}
	for i, m := range f.Measures {
		c.time(fmt.Sprintf("/measures/%d/at", i), m.At)
		c.amount(fmt.Sprintf("/measures/%d/amount", i), m.Amount)
	}
	if b := f.Books; b != nil {
		c.basisPoints("/books/margin_basis_points", b.MarginBasisPoints, 10_000)
		c.basisPoints("/books/continuing_basis_points", b.ContinuingBasisPoints, 10_000)
	}
	if p := f.Pattern; p != nil {
		c.amount("/pattern/before", p.Before)
		c.amount("/pattern/during", p.During)
		c.amount("/pattern/after", p.After)
	}
	for i, p := range f.PriorPayments {
		c.amount(fmt.Sprintf("/prior_payments/%d/amount", i), p.Amount)
	}
	return c.fields
}

func (c *factsChecker) line(pointer string, l *LossLine) {
	if len(l.Windows) == 0 {
		c.fail(pointer+"/windows", "required", "is empty; a loss line has at least one impairment window.", "비어 있습니다. 손실 항목에는 장애 구간이 하나 이상 있어야 합니다.")
	}
	c.count(pointer+"/windows", len(l.Windows), mostWindows)
	for i, w := range l.Windows {
		at := fmt.Sprintf("%s/windows/%d", pointer, i)
		c.span(at, w.Span)
		c.basisPoints(at+"/down_basis_points", w.DownBasisPoints, 10_000)
	}
	c.amount(pointer+"/expected", l.Expected)
	c.amount(pointer+"/shortfall", l.Shortfall)
	c.amount(pointer+"/substitutes", l.Substitutes)
	c.amount(pointer+"/made_up", l.MadeUp)
	// Refunds can make what was earned negative.
	if !l.Actual.InRange() {
		c.outside(pointer + "/actual")
	}
	if l.PlatformShareBasisPoints != nil {
		c.basisPoints(pointer+"/platform_share_basis_points", *l.PlatformShareBasisPoints, 10_000)
	}
	if l.Comparison == nil {
		return
	}
	if !l.Comparison.Actual.InRange() {
		c.outside(pointer + "/comparison/actual")
	}
	c.count(pointer+"/comparison/periods", len(l.Comparison.Periods), mostPeriods)
	for i, p := range l.Comparison.Periods {
		at := fmt.Sprintf("%s/comparison/periods/%d", pointer, i)
		c.time(at+"/start", p.Start)
		c.amount(at+"/revenue", p.Revenue)
	}
	if g := l.Comparison.Growth; g != nil {
		c.amount(pointer+"/comparison/growth/base", g.Base)
		c.amount(pointer+"/comparison/growth/recent", g.Recent)
	}
	if ratio := l.Comparison.PeerRatioBasisPoints; ratio != nil {
		c.basisPoints(pointer+"/comparison/peer_ratio_basis_points", *ratio, 1_000_000)
	}
}

func (c *factsChecker) count(pointer string, n, most int) {
	if n > most {
		c.fail(pointer, "too_many", "has %d entries; at most %d are read.", "%d개가 있습니다. 최대 %d개까지 읽습니다.", n, most)
	}
}

func (c *factsChecker) outside(pointer string) {
	c.fail(pointer, "out_of_range", "is outside 0..%d minor units.", "0..%d 최소 단위 범위를 벗어납니다.", int64(money.Max))
}

func (c *factsChecker) amount(pointer string, a money.Minor) {
	if a < 0 || !a.InRange() {
		c.outside(pointer)
	}
}

func (c *factsChecker) optional(pointer string, a *money.Minor) {
	if a != nil {
		c.amount(pointer, *a)
	}
}

func (c *factsChecker) basisPoints(pointer string, n, most int) {
	if n < 0 || n > most {
		c.fail(pointer, "out_of_range", "is outside 0..%d basis points.", "0..%d 베이시스포인트 범위를 벗어납니다.", most)
	}
}

func (c *factsChecker) time(pointer string, t revenue.Local) {
	if t < earliest || t > latest {
		c.fail(pointer, "out_of_range", "is outside the years 1 to 9999.", "1년에서 9999년 범위를 벗어납니다.")
	}
}

func (c *factsChecker) span(pointer string, s revenue.Span) {
	c.time(pointer+"/start", s.Start)
	c.time(pointer+"/end", s.End)
	if s.End < s.Start {
		c.fail(pointer+"/end", "empty_span", "is before the start.", "시작보다 앞섭니다.")
	}
}

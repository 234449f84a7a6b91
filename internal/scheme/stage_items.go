package scheme

import (
	"fmt"
	"math/big"
	"slices"

	"redress/internal/lang"
	"redress/internal/money"
)

// itemFilter picks items of a claim.
type itemFilter struct {
	Items    []ItemKind `json:"items" doc:"Which items count."`
	Services []Name     `json:"services,omitempty" doc:"Of which services; absent: any."`
	Within   *Between   `json:"within,omitempty" doc:"Items that took place, or would have, in this half-open span; absent: any time."`
}

func (f itemFilter) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/items", len(f.Items))
	distinct(c, pointer+"/items", "duplicate_value", f.Items)
	distinct(c, pointer+"/services", "duplicate_value", f.Services)
	if f.Within != nil {
		f.Within.check(c, pointer+"/within")
	}
}

func (f itemFilter) text() lang.Text {
	if f.Within == nil {
		return lang.T("at any time", "기간 제한 없음")
	}
	return lang.F("from %s", "%s", f.Within.text())
}

// pick returns the items that count, and their sum.
func (f itemFilter) pick(items []Item) (int, *big.Rat) {
	count, sum := 0, new(big.Rat)
	for _, item := range items {
		if slices.Contains(f.Items, item.Kind) &&
			(f.Services == nil || slices.Contains(f.Services, Name(item.Service))) &&
			(f.Within == nil || f.Within.span().Contains(item.At)) {
			count++
			sum.Add(sum, item.Amount.Rat())
		}
	}
	return count, sum
}

// itemShare pays a share of the price of items.
type itemShare struct {
	When *when `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	itemFilter
	Share    Decimal  `json:"share" doc:"This share of their prices is paid."`
	Rounding Rounding `json:"rounding" doc:"How the sum becomes an amount."`
}

func (s itemShare) check(c *checker, pointer string) {
	s.When.check(c, pointer+"/when")
	s.itemFilter.check(c, pointer)
	c.share(pointer+"/share", s.Share)
	s.Rounding.check(c, pointer+"/rounding")
}

func (s itemShare) pay(e *evaluation, rule lang.Text) {
	if s.When.refusal(e) != nil {
		return
	}
	count, sum := s.pick(e.facts.Items)
	if count == 0 {
		e.paysNothing("no_items", lang.T("The claim names no item that counts.", "인정되는 항목이 청구에 없습니다."))
		return
	}
	e.pay("", new(big.Rat).Mul(sum, s.Share.Rat()), s.Rounding, rule, countValue("items", int64(count)), exactValue("sum", sum))
}

// feeWaivers give commission back on what was earned.
type feeWaivers struct {
	Rules []itemShare `json:"rules" doc:"Each pays for itself; share is the commission rate."`
}

func (f feeWaivers) check(c *checker, pointer string) { checkItemShares(c, pointer, f.Rules) }

func (f feeWaivers) apply(e *evaluation) {
	for _, r := range f.Rules {
		r.pay(e, lang.F("Commission at the rate %s on fares or sales %s is given back, %s.", "%[2]s의 매출에 대한 수수료(비율 %[1]s)를 돌려줍니다(%[3]s).",
			r.Share.String(), r.text(), e.rounded(r.Rounding)))
	}
}

// reimbursedOrders pay the price of identified orders.
type reimbursedOrders struct {
	Rules []itemShare `json:"rules" doc:"Each pays for itself; share is the part of the price."`
}

func (o reimbursedOrders) check(c *checker, pointer string) { checkItemShares(c, pointer, o.Rules) }

func (o reimbursedOrders) apply(e *evaluation) {
	for _, r := range o.Rules {
		r.pay(e, lang.F("The share %s of the price of identified orders %s is paid, %s.", "확인된 주문(%[2]s) 가격의 %[1]s 비율을 지급합니다(%[3]s).",
			r.Share.String(), r.text(), e.rounded(r.Rounding)))
	}
}

func checkItemShares(c *checker, pointer string, rules []itemShare) {
	c.notEmpty(pointer+"/rules", len(rules))
	for i, r := range rules {
		r.check(c, fmt.Sprintf("%s/rules/%d", pointer, i))
	}
}

// flatAmounts pay a fixed amount per claim.
type flatAmounts struct {
	Rules []flatAmount `json:"rules" doc:"Each that fits pays."`
}

type flatAmount struct {
	When     *when     `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Activity *activity `json:"activity,omitempty" doc:"What the claimant must have done; absent: nothing."`
	Pay      Amount    `json:"pay" doc:"The amount."`
}

// activity is a number of items that shows that somebody took part.
type activity struct {
	itemFilter
	AtLeast int `json:"at_least" doc:"How many such items there must be."`
}

func (f flatAmounts) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/rules", len(f.Rules))
	for i, r := range f.Rules {
		at := fmt.Sprintf("%s/rules/%d", pointer, i)
		r.When.check(c, at+"/when")
		if r.Activity == nil {
			continue
		}
		r.Activity.itemFilter.check(c, at+"/activity")
		if r.Activity.AtLeast < 1 {
			c.fail(at+"/activity/at_least", "out_of_range", "is below 1, which asks for nothing; leave activity out.", "1보다 작아 아무것도 요구하지 않습니다. activity를 빼십시오.")
		}
	}
}

func (f flatAmounts) apply(e *evaluation) {
	for _, r := range f.Rules {
		if r.When.refusal(e) != nil {
			continue
		}
		if r.Activity == nil {
			e.payAmount("", r.Pay.minor(), lang.F("Everyone it is for receives %s.", "대상자 모두의 지급액은 %s입니다.", e.amount(r.Pay.minor())))
			continue
		}
		count, _ := r.Activity.pick(e.facts.Items)
		if count < r.Activity.AtLeast {
			e.paysNothing("not_active", lang.F("At least %d such item(s) %s are needed.", "%[2]s에 해당 항목이 %[1]d건 이상 필요합니다.", r.Activity.AtLeast, r.Activity.text()))
			continue
		}
		e.payAmount("", r.Pay.minor(), lang.F("At least %d such item(s) %s: %s is paid.", "%[2]s에 해당 항목이 %[1]d건 이상이므로 지급액은 %[3]s입니다.",
			r.Activity.AtLeast, r.Activity.text(), e.amount(r.Pay.minor())), countValue("items", int64(count)))
	}
}

// platformMultiple pays a multiple of the mean of what the platform's books
// show, without anything to prove.
type platformMultiple struct {
	When     *when    `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Measure  Name     `json:"measure" doc:"The kind of measure, such as payment_fee."`
	Factor   Decimal  `json:"factor" doc:"The mean is multiplied by this."`
	Minimum  int      `json:"minimum_observations" doc:"Fewer observations than this go to review; at least 1."`
	Zeros    zeroUse  `json:"zeros" doc:"Whether observations of 0 count or are skipped."`
	Rounding Rounding `json:"rounding" doc:"How the product becomes an amount."`
}

func (p platformMultiple) check(c *checker, pointer string) {
	p.When.check(c, pointer+"/when")
	p.Rounding.check(c, pointer+"/rounding")
	if p.Minimum < 1 {
		c.fail(pointer+"/minimum_observations", "out_of_range", "is below 1; a mean needs an observation.", "1보다 작습니다. 평균에는 관측값이 필요합니다.")
	}
}

func (p platformMultiple) apply(e *evaluation) {
	if e.notFor(p.When) {
		return
	}
	var values []*big.Rat
	for _, m := range e.facts.Measures {
		if m.Kind == string(p.Measure) && (m.Amount != 0 || p.Zeros == countZeros) {
			values = append(values, m.Amount.Rat())
		}
	}
	if len(values) < p.Minimum {
		reason := lang.F("%d observation(s) are known; at least %d are needed.", "관측값이 %d개뿐입니다. 최소 %d개가 필요합니다.", len(values), p.Minimum)
		e.needsReview("too_few_observations", reason)
		e.note("", reason, Value{"amount", "review"}, countValue("observations", int64(len(values))))
		return
	}
	base := mean(values)
	e.pay("", new(big.Rat).Mul(base, p.Factor.Rat()), p.Rounding,
		lang.F("%s × the mean of %d observation(s), %s.", "관측값 %[2]d개 평균의 %[1]s배, %[3]s.", p.Factor.String(), len(values), e.rounded(p.Rounding)),
		countValue("observations", int64(len(values))), exactValue("mean", base))
}

// amountLimits bound the amount as a whole.
type amountLimits struct {
	Floor   *Amount `json:"floor,omitempty" doc:"An amount above 0 is raised to this."`
	Cap     *Amount `json:"cap,omitempty" doc:"An amount above this is cut to it."`
	Minimum *Amount `json:"minimum_payable,omitempty" doc:"An amount below this is not paid at all."`
}

func (l amountLimits) check(c *checker, pointer string) {
	if l.Floor == nil && l.Cap == nil && l.Minimum == nil {
		c.fail(pointer, "required", "states no limit; write floor, cap or minimum_payable, or leave the stage out.", "한도가 없습니다. floor, cap, minimum_payable 중 하나를 적거나 이 단계를 빼십시오.")
	}
	if l.Cap != nil && l.Floor != nil && *l.Floor > *l.Cap {
		c.fail(pointer+"/floor", "floor_above_cap", "%d is above the cap %d.", "%d이(가) 상한 %d보다 큽니다.", int64(*l.Floor), int64(*l.Cap))
	}
	if l.Cap != nil && l.Minimum != nil && *l.Minimum > *l.Cap {
		c.fail(pointer+"/minimum_payable", "contradictory", "%d is above the cap %d, so nothing would ever be paid.", "%d이(가) 상한 %d보다 커서 아무것도 지급되지 않습니다.", int64(*l.Minimum), int64(*l.Cap))
	}
	if l.Floor != nil && l.Minimum != nil && *l.Minimum <= *l.Floor {
		c.fail(pointer+"/minimum_payable", "contradictory", "can never be reached: every amount is raised to the floor %d first.", "모든 금액이 먼저 하한 %d(으)로 올라가므로 쓰일 수 없습니다.", int64(*l.Floor))
	}
}

// apply leaves floor and smallest payable amount alone while a part of the claim
// still waits for an answer: they are about the whole.
func (l amountLimits) apply(e *evaluation) {
	if l.Floor != nil && e.total > 0 && e.total < l.Floor.minor() && !e.pending() {
		e.adjust(l.Floor.minor(), lang.F("An amount above 0 is at least %s.", "0보다 큰 금액은 최소 %s입니다.", e.amount(l.Floor.minor())))
	}
	if l.Cap != nil && e.total > l.Cap.minor() {
		e.adjust(l.Cap.minor(), lang.F("The amount is at most %s.", "금액은 최대 %s입니다.", e.amount(l.Cap.minor())))
	}
	if l.Minimum != nil && e.total > 0 && e.total < l.Minimum.minor() && !e.pending() {
		rule := lang.F("An amount below %s is not paid.", "%s 미만은 지급하지 않습니다.", e.amount(l.Minimum.minor()))
		e.paysNothing("below_minimum_payable", rule)
		e.adjust(0, rule)
	}
}

// adjust sets the amount as a whole and notes the difference.
func (e *evaluation) adjust(amount money.Minor, rule lang.Text, inputs ...Value) {
	if amount > money.MaxClaim {
		e.outOfRange()
		return
	}
	e.note("", rule, amountValue("amount", amount), slices.Concat([]Value{amountValue("amount", e.total)}, inputs)...)
	e.trace[len(e.trace)-1].Contribution = amount - e.total
	e.total = amount
}

// offsets deduct what was already paid.
type offsets struct {
	Kinds []PaymentKind `json:"kinds" doc:"Which prior payments are deducted, down to 0."`
}

func (o offsets) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/kinds", len(o.Kinds))
	distinct(c, pointer+"/kinds", "duplicate_value", o.Kinds)
}

func (o offsets) apply(e *evaluation) {
	for _, p := range e.facts.PriorPayments {
		if !slices.Contains(o.Kinds, p.Kind) || p.Amount == 0 {
			continue
		}
		rule := lang.F("What was already paid (%s) is deducted.", "이미 받은 금액(%s)을 뺍니다.", p.Kind.text())
		if e.total > 0 && p.Amount >= e.total {
			e.paysNothing("already_paid", rule)
		}
		e.adjust(max(0, e.total-p.Amount), rule, amountValue("prior_payment", p.Amount))
	}
}

// lastRounding rounds the amount as a whole.
type lastRounding struct {
	Rounding
}

func (r lastRounding) check(c *checker, pointer string) { r.Rounding.check(c, pointer) }

func (r lastRounding) apply(e *evaluation) {
	amount, err := money.Round(e.total.Rat(), r.Step.minor(), r.Mode)
	if err != nil {
		e.outOfRange()
		return
	}
	if amount != e.total {
		e.adjust(amount, lang.F("The amount is %s.", "금액 처리: %s.", e.rounded(r.Rounding)))
	}
}

package scheme

import (
	"fmt"
	"math/big"

	"redress/internal/lang"
	"redress/internal/money"
)

// tier is one row of a table: above < value ≤ up_to.
type tier struct {
	Above  int64   `json:"above" doc:"Lower bound, not included; the first tier's is 0, every other's is the previous tier's up_to."`
	UpTo   *int64  `json:"up_to,omitempty" doc:"Upper bound, included; absent in the last tier, which is open."`
	Pay    *Amount `json:"pay,omitempty" doc:"The amount paid."`
	Review bool    `json:"review,omitempty" doc:"true: a person decides; instead of pay."`
}

// checkTiers refuses tables that overlap, leave a gap or leave the top without
// an outcome.
func checkTiers(c *checker, pointer string, tiers []tier) {
	c.notEmpty(pointer, len(tiers))
	var reached int64
	for i, t := range tiers {
		at := fmt.Sprintf("%s/%d", pointer, i)
		c.exactlyOne(at, "pay", t.Pay != nil, "review", t.Review)
		switch {
		case t.Above > reached:
			c.fail(at+"/above", "tier_gap", "leaves %d to %d without a tier; it must be %d.", "%d에서 %d까지 구간이 비어 있습니다. %d이어야 합니다.", reached, t.Above, reached)
		case t.Above < reached:
			c.fail(at+"/above", "tier_overlap", "%d lies inside an earlier tier; it must be %d.", "%d은(는) 앞 구간에 들어 있습니다. %d이어야 합니다.", t.Above, reached)
		}
		last := i == len(tiers)-1
		switch {
		case t.UpTo == nil && !last:
			c.fail(at+"/up_to", "tier_order", "is missing: an open tier must be the last.", "빠져 있습니다. 상한이 없는 구간은 마지막이어야 합니다.")
			return
		case t.UpTo != nil && last:
			c.fail(at+"/up_to", "last_tier_closed", "closes the last tier, so a larger value would have no outcome; leave it out, and pay or review.",
				"마지막 구간을 닫아 더 큰 값에 결과가 없습니다. 빼고 pay나 review를 적으십시오.")
		}
		if t.UpTo == nil {
			continue
		}
		if *t.UpTo <= t.Above {
			c.fail(at+"/up_to", "tier_order", "%d is not above %d; tiers ascend.", "%d이(가) %d보다 크지 않습니다. 구간은 오름차순입니다.", *t.UpTo, t.Above)
		}
		reached = max(reached, *t.UpTo)
	}
}

// tierOf finds the tier of a value above 0; nil for 0.
func tierOf(tiers []tier, value *big.Rat) *tier {
	for i, t := range tiers {
		if value.Sign() > 0 && (t.UpTo == nil || value.Cmp(new(big.Rat).SetInt64(*t.UpTo)) <= 0) {
			return &tiers[i]
		}
	}
	return nil
}

// whole makes an exact value of a count.
func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// payTier pays what a tier says, or sends the part to review.
func (e *evaluation) payTier(service string, t *tier, bound func(int64) lang.Text, inputs ...Value) {
	above := bound(t.Above)
	reached := lang.F("above %s", "%s 초과", above)
	if t.UpTo != nil {
		reached = lang.F("above %s up to %s", "%s 초과 %s 이하", above, bound(*t.UpTo))
	}
	if t.Review {
		reason := lang.F("A person decides: the value is %s.", "%s 구간이므로 사람이 판단합니다.", reached)
		e.needsReview(ReviewTier, reason)
		e.note(service, reason, Value{"amount", "review"}, inputs...)
		return
	}
	e.payAmount(service, t.Pay.minor(), lang.F("The tier %s pays %s.", "%s 구간의 지급액은 %s입니다.", reached, e.amount(t.Pay.minor())), inputs...)
}

// lossTiers pays a fixed amount by size of loss.
type lossTiers struct {
	When  *when  `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Of    Basis  `json:"of" doc:"claim: one tier for the sum of all services; service: a tier for each."`
	Tiers []tier `json:"tiers" doc:"Ascending, without gap; bounds are minor units of loss, the upper one included. A loss of 0 pays nothing."`
}

func (t lossTiers) basis() Basis { return t.Of }

func (t lossTiers) check(c *checker, pointer string) {
	t.When.check(c, pointer+"/when")
	checkTiers(c, pointer+"/tiers", t.Tiers)
}

func (t lossTiers) apply(e *evaluation) {
	if e.notFor(t.When) {
		return
	}
	bound := func(n int64) lang.Text { return e.amount(money.Minor(n)) }
	e.eachLoss(t.Of, func(service string, loss *big.Rat) {
		e.payTier(service, tierOf(t.Tiers, loss), bound, exactValue("loss", loss))
	})
}

// lossPayment pays the loss itself.
type lossPayment struct {
	When     *when    `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Of       Basis    `json:"of" doc:"claim: the sum of all services, rounded once; service: each rounded."`
	Rounding Rounding `json:"rounding" doc:"How the loss becomes an amount."`
}

func (p lossPayment) basis() Basis { return p.Of }

func (p lossPayment) check(c *checker, pointer string) {
	p.When.check(c, pointer+"/when")
	p.Rounding.check(c, pointer+"/rounding")
}

func (p lossPayment) apply(e *evaluation) {
	if e.notFor(p.When) {
		return
	}
	rule := lang.F("The loss is paid, %s.", "손실을 지급합니다(%s).", e.rounded(p.Rounding))
	e.eachLoss(p.Of, func(service string, loss *big.Rat) {
		e.pay(service, loss, p.Rounding, rule, exactValue("loss", loss))
	})
}

// eachLoss calls do with every loss above 0 that can be paid on: the claim's, or
// each service's. What cannot be told or needs review is noted instead.
func (e *evaluation) eachLoss(of Basis, do func(service string, loss *big.Rat)) {
	if of == PerClaim {
		loss, state := e.claimLoss()
		e.settle("", loss, state, do)
		return
	}
	for _, l := range e.lines {
		e.settle(l.fact.Service, l.loss, l.state, do)
	}
}

func (e *evaluation) settle(service string, loss *big.Rat, state lineStatus, do func(string, *big.Rat)) {
	switch {
	case state == lossReview:
		reason := lang.T("A person decides about the loss; see the steps before.", "손실은 사람이 판단합니다. 앞 단계를 보십시오.")
		e.needsReview("loss_review", reason)
		e.note(service, reason, Value{"amount", "review"})
	case state == lossUnknown:
		reason := lang.T("The revenue history does not carry an answer, so nothing is paid for the loss until more is known.",
			"매출 이력으로 답을 낼 수 없어, 더 알려질 때까지 손실분은 지급하지 않습니다.")
		e.cannotTell("loss_unknown", reason)
		e.note(service, reason, Value{"amount", "cannot_tell"})
	case loss.Sign() <= 0:
		reason := lang.T("There is no loss to pay for.", "지급할 손실이 없습니다.")
		e.paysNothing("no_loss", reason)
		e.note(service, reason, amountValue("amount", 0), exactValue("loss", loss))
	default:
		do(service, loss)
	}
}

package scheme

import (
	"fmt"
	"math/big"

	"redress/internal/lang"
)

// causation asks whether the outage caused the loss, by the pattern of revenue.
type causation struct {
	Presumed *when    `json:"presumed,omitempty" doc:"Claims whose loss is presumed caused by the outage."`
	Down     *Decimal `json:"down_at_least,omitempty" doc:"Revenue must have fallen by at least this share against the same months before."`
	Up       *Decimal `json:"up_at_least,omitempty" doc:"And risen by at least this share in the same months after."`
}

func (t causation) check(c *checker, pointer string) {
	t.Presumed.check(c, pointer+"/presumed")
	if t.Down == nil {
		c.fail(pointer+"/down_at_least", "required", "is missing; a causation test states how far revenue must have fallen.", "빠져 있습니다. 인과 판정은 매출이 얼마나 줄어야 하는지 밝혀야 합니다.")
		return
	}
	c.share(pointer+"/down_at_least", *t.Down)
}

func (t causation) apply(e *evaluation) {
	if t.Presumed != nil && t.Presumed.refusal(e) == nil {
		e.note("", lang.T("The loss is presumed to be caused by the outage.", "손실이 장애로 생긴 것으로 봅니다."), Value{"causation", "presumed"})
		return
	}
	p := e.facts.Pattern
	if p == nil {
		reason := lang.T("The pattern of revenue before, during and after is not known.", "장애 전·중·후의 매출 흐름을 알 수 없습니다.")
		e.note("", reason, Value{"causation", "review"})
		e.withhold(lossReview)
		return
	}
	rule := lang.F("Revenue must have fallen by at least %s of the same months before.", "매출이 이전 같은 달보다 %s 이상 줄어야 합니다.", t.Down.String())
	limit := new(big.Rat).Mul(p.Before.Rat(), new(big.Rat).Sub(one, t.Down.Rat()))
	passed := p.Before > 0 && p.During.Rat().Cmp(limit) <= 0
	if t.Up != nil {
		rule = lang.F("Revenue must have fallen by at least %s of the same months before, and risen by at least %s after.",
			"매출이 이전 같은 달보다 %s 이상 줄고, 이후 %s 이상 늘어야 합니다.", t.Down.String(), t.Up.String())
		rise := new(big.Rat).Mul(p.During.Rat(), new(big.Rat).Add(one, t.Up.Rat()))
		passed = passed && p.After.Rat().Cmp(rise) >= 0
	}
	outcome := "passed"
	if !passed {
		outcome, e.refused = "failed", true
		e.paysNothing("causation", rule)
		for _, l := range e.lines {
			l.loss, l.state = new(big.Rat), lossKnown
		}
	}
	e.note("", rule, Value{"causation", outcome}, amountValue("before", p.Before), amountValue("during", p.During), amountValue("after", p.After))
}

// withhold marks every line that has a loss.
func (e *evaluation) withhold(state lineStatus) {
	e.known(func(l *lineState) { l.state = state })
}

// makeUp deducts revenue that was only deferred.
type makeUp struct {
	Share Decimal `json:"share" doc:"This share of the revenue above expectation after restoration reduces the shortfall."`
}

func (m makeUp) check(c *checker, pointer string) { c.share(pointer+"/share", m.Share) }

func (m makeUp) apply(e *evaluation) {
	e.known(func(l *lineState) {
		e.deduct(l, l.fact.MadeUp.Rat(), m.Share, "made_up",
			lang.F("Revenue made up after restoration is deducted (share %s).", "복구 뒤 만회한 매출을 뺍니다(비율 %s).", m.Share.String()))
	})
}

// deduct reduces a line's loss by a share of an amount, not below 0.
func (e *evaluation) deduct(l *lineState, amount *big.Rat, share Decimal, name string, rule lang.Text) {
	loss := new(big.Rat).Sub(l.loss, new(big.Rat).Mul(amount, share.Rat()))
	if loss.Sign() < 0 {
		loss.SetInt64(0)
	}
	e.reshape(l, loss, rule, exactValue(name, amount))
}

// attribution keeps the part of the loss that is the platform's.
type attribution struct {
	Substitutes   *Decimal     `json:"substitutes_deducted,omitempty" doc:"This share of the revenue earned by other means is deducted from the loss."`
	PlatformShare *shareSource `json:"platform_share,omitempty" doc:"The loss is multiplied by the share of revenue that comes through the service."`
}

func (a attribution) check(c *checker, pointer string) {
	if a.Substitutes == nil && a.PlatformShare == nil {
		c.fail(pointer, "required", "states neither substitutes_deducted nor platform_share; write one, or leave the stage out.",
			"substitutes_deducted도 platform_share도 없습니다. 하나를 적거나 이 단계를 빼십시오.")
	}
	if a.Substitutes != nil {
		c.share(pointer+"/substitutes_deducted", *a.Substitutes)
	}
	if a.PlatformShare != nil {
		a.PlatformShare.check(c, pointer+"/platform_share")
	}
}

func (a attribution) apply(e *evaluation) {
	e.known(func(l *lineState) {
		if a.Substitutes != nil {
			e.deduct(l, l.fact.Substitutes.Rat(), *a.Substitutes, "substitutes",
				lang.F("Revenue earned by other means is deducted (share %s).", "다른 방법으로 번 매출을 뺍니다(비율 %s).", a.Substitutes.String()))
		}
		if a.PlatformShare == nil {
			return
		}
		var own *big.Rat
		if stated := l.fact.PlatformShareBasisPoints; stated != nil {
			own = basisPoints(*stated)
		}
		share, from := a.PlatformShare.find(e.facts.Sector, l.fact.Service, own)
		if share == nil {
			l.state = lossReview
			e.note(l.fact.Service, lang.T("The platform's share is not known; a person decides.", "플랫폼 비중을 알 수 없어 사람이 판단합니다."), Value{"platform_share", "review"})
			return
		}
		e.reshape(l, new(big.Rat).Mul(l.loss, share),
			lang.F("Only the platform's share counts, taken from %s.", "플랫폼 비중만 인정합니다(근거: %s).", from.text()), exactValue("platform_share", share))
	})
}

// margin turns lost revenue into lost profit.
type margin struct {
	shareSource
	Continuing *shareSource `json:"continuing_costs,omitempty" doc:"Costs that go on during an outage (labour, rent), as a share of revenue, added to the margin; own is the claimant's books."`
}

func (m margin) check(c *checker, pointer string) {
	m.shareSource.check(c, pointer)
	c.claimLevel(pointer, m.shareSource)
	if m.Continuing != nil {
		m.Continuing.check(c, pointer+"/continuing_costs")
		c.claimLevel(pointer+"/continuing_costs", *m.Continuing)
	}
}

// claimLevel refuses a share by service where one value holds for the claim.
func (c *checker) claimLevel(pointer string, s shareSource) {
	for i, from := range s.Sources {
		if from == fromServices {
			c.fail(fmt.Sprintf("%s/sources/%d", pointer, i), "contradictory", "a margin belongs to the claimant, not to a service; use own, sectors or flat.",
				"이익률은 서비스가 아니라 청구인에 속합니다. own, sectors, flat을 쓰십시오.")
		}
	}
}

func (m margin) apply(e *evaluation) {
	var own, ownContinuing *big.Rat
	if b := e.facts.Books; b != nil {
		own, ownContinuing = basisPoints(b.MarginBasisPoints), basisPoints(b.ContinuingBasisPoints)
	}
	share, from := m.find(e.facts.Sector, "", own)
	rule := lang.F("Lost revenue counts at the margin, taken from %s.", "잃은 매출에 이익률을 곱합니다(근거: %s).", from.text())
	if share != nil && m.Continuing != nil {
		continuing, also := m.Continuing.find(e.facts.Sector, "", ownContinuing)
		rule = lang.F("Lost revenue counts at the margin, taken from %s, plus costs that go on, taken from %s.",
			"잃은 매출에 이익률(근거: %s)과 계속 드는 비용의 비율(근거: %s)을 더해 곱합니다.", from.text(), also.text())
		if share = addShares(share, continuing); share != nil && share.Cmp(one) > 0 {
			// More than the revenue cannot have been lost with it.
			share = one
		}
	}
	if share == nil {
		e.known(func(l *lineState) {
			l.state = lossReview
			e.note(l.fact.Service, lang.T("No source knows the margin; a person decides.", "이익률을 알 수 없어 사람이 판단합니다."), Value{"margin", "review"})
		})
		return
	}
	e.margin = share
	e.known(func(l *lineState) {
		e.reshape(l, new(big.Rat).Mul(l.loss, share), rule, exactValue("margin", share))
	})
}

// addShares is nil when either share is not known.
func addShares(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil {
		return nil
	}
	return new(big.Rat).Add(a, b)
}

// addedCost says how far added cost counts.
type addedCost string

const (
	addInFull        addedCost = "in_full"
	addWithinSavings addedCost = "economic_limit" // at most what spending it saved
)

func (addedCost) options() []string { return []string{string(addInFull), string(addWithinSavings)} }

// costs adds what the outage made the claimant spend and deducts what it saved.
type costs struct {
	Added *addedCost `json:"added,omitempty" doc:"in_full: added cost is part of the loss; economic_limit: at most the avoided revenue loss × margin, each expense for itself."`
	Saved *Decimal   `json:"saved_deducted,omitempty" doc:"This share of saved cost is deducted from the loss."`
}

func (k costs) check(c *checker, pointer string) {
	if k.Added == nil && k.Saved == nil {
		c.fail(pointer, "required", "states neither added nor saved_deducted; write one, or leave the stage out.", "added도 saved_deducted도 없습니다. 하나를 적거나 이 단계를 빼십시오.")
	}
	if k.Saved != nil {
		c.share(pointer+"/saved_deducted", *k.Saved)
	}
	if k.Added != nil && *k.Added == addWithinSavings && !c.scheme.has("margin") {
		c.fail(pointer+"/added", "contradictory", "the economic limit needs a margin stage to value the revenue that was kept.", "경제적 한도에는 지켜낸 매출을 평가할 margin 단계가 필요합니다.")
	}
	for _, st := range c.scheme.stages {
		if payer, ok := st.stage.(interface{ basis() Basis }); ok && payer.basis() == PerService {
			c.fail(pointer, "contradictory", "costs belong to the claim, and %s is per service; use \"of\": \"claim\" there.",
				"비용은 청구 전체에 속하는데 %s은(는) 서비스별입니다. 그곳에 \"of\": \"claim\"을 쓰십시오.", st.name)
		}
	}
}

// apply counts no cost of an outage that does not count itself.
func (k costs) apply(e *evaluation) {
	if e.refused || len(impaired(e.whole)) == 0 {
		return
	}
	for _, x := range e.facts.Expenses {
		var change *big.Rat
		var rule lang.Text
		inputs := []Value{amountValue("expense", x.Amount)}
		switch {
		case x.Kind == AddedCost && k.Added != nil:
			change, rule = x.Amount.Rat(), lang.T("Added cost is part of the loss.", "추가로 든 비용은 손실에 포함합니다.")
			if *k.Added == addWithinSavings && e.margin != nil {
				limit := new(big.Rat).Mul(x.AvoidedRevenueLoss.Rat(), e.margin)
				rule = lang.T("Added cost is part of the loss up to the profit it kept.", "추가로 든 비용은 지켜낸 이익까지 손실에 포함합니다.")
				inputs = append(inputs, exactValue("limit", limit))
				if change.Cmp(limit) > 0 {
					change = limit
				}
			}
		case x.Kind == SavedCost && k.Saved != nil:
			change = new(big.Rat).Neg(new(big.Rat).Mul(x.Amount.Rat(), k.Saved.Rat()))
			rule = lang.F("Saved cost is deducted (share %s).", "절감한 비용을 뺍니다(비율 %s).", k.Saved.String())
		default:
			continue
		}
		e.common = new(big.Rat).Add(e.common, change)
		e.note("", rule, exactValue("change", change), inputs...)
	}
}

// scale multiplies every loss, and the common costs with them.
func (e *evaluation) scale(factor *big.Rat, name string, rule lang.Text) {
	e.known(func(l *lineState) {
		e.reshape(l, new(big.Rat).Mul(l.loss, factor), rule, exactValue(name, factor))
	})
	if e.common.Sign() != 0 {
		scaled := new(big.Rat).Mul(e.common, factor)
		e.note("", rule, exactValue("costs", scaled), exactValue("costs", e.common), exactValue(name, factor))
		e.common = scaled
	}
}

// rate is the part of the loss that is compensated.
type rate struct {
	Share Decimal `json:"share" doc:"Between 0 and 1."`
}

func (r rate) check(c *checker, pointer string) { c.share(pointer+"/share", r.Share) }

func (r rate) apply(e *evaluation) {
	e.scale(r.Share.Rat(), "rate", lang.F("The loss is compensated at the rate %s.", "손실의 %s 비율로 보상합니다.", r.Share.String()))
}

// multiplier adds a premium: loss × (1 + premium). It is always written as the
// premium, because "2.5" has been read as "times 2.5" and as "times 3.5".
type multiplier struct {
	Rules []premium `json:"rules" doc:"The first that fits applies; the last is for all others."`
}

type premium struct {
	When    *when   `json:"when,omitempty" doc:"Which claims it is for; absent: all, and the rule is the last."`
	Premium Decimal `json:"premium" doc:"The loss is multiplied by 1 + this."`
}

func (m multiplier) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/rules", len(m.Rules))
	for i, r := range m.Rules {
		at := fmt.Sprintf("%s/rules/%d", pointer, i)
		r.When.check(c, at+"/when")
		last := i == len(m.Rules)-1
		if last && r.When != nil {
			c.fail(at+"/when", "no_outcome", "the last premium must fit every other claim; leave when out of it.", "마지막 할증은 나머지 모든 청구에 적용되어야 합니다. when을 빼십시오.")
		}
		if !last && r.When == nil {
			c.fail(at, "unreachable", "fits every claim, so the rules after it are never read; put it last.", "모든 청구에 적용되어 다음 규칙이 쓰이지 않습니다. 마지막에 두십시오.")
		}
	}
}

func (m multiplier) apply(e *evaluation) {
	for _, r := range m.Rules {
		if r.When.refusal(e) == nil {
			e.scale(new(big.Rat).Add(one, r.Premium.Rat()), "factor",
				lang.F("The loss is multiplied by 1 + %s.", "손실에 1 + %s을(를) 곱합니다.", r.Premium.String()))
			return
		}
	}
}

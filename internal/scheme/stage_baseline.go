package scheme

import (
	"fmt"
	"math/big"
	"slices"

	"redress/internal/lang"
)

// baselineUse names one way to a baseline.
type baselineUse string

const (
	useEstimate  baselineUse = "estimate"          // Redress's own estimate over the windows
	useBest      baselineUse = "best_comparable"   // the highest comparable period
	useMean      baselineUse = "mean_comparable"   // the mean of the comparable periods
	useMedian    baselineUse = "median_comparable" // the median of the comparable periods
	usePeerRatio baselineUse = "peer_ratio"        // the mean comparable period × the sector's ratio
)

func (baselineUse) options() []string {
	return []string{string(useEstimate), string(useBest), string(useMean), string(useMedian), string(usePeerRatio)}
}

// zeroUse says what a comparable period without revenue is.
type zeroUse string

const (
	countZeros zeroUse = "count"
	skipZeros  zeroUse = "skip"
)

func (zeroUse) options() []string { return []string{string(countZeros), string(skipZeros)} }

// baselineRule turns each line into a loss: the first rule that can answer does.
type baselineRule struct {
	Comparison *comparables   `json:"comparison,omitempty" doc:"Which periods are compared; required when a rule other than estimate stands, and only then."`
	Rules      []baselineStep `json:"rules" doc:"Tried in order; a rule that lacks its data hands on to the next. When none can answer, the line cannot be told."`
}

type baselineStep struct {
	Use     baselineUse `json:"use" doc:"estimate: the shortfall estimated from the claimant's history; the others compare revenue of the comparison period with comparable periods."`
	Minimum *int        `json:"minimum_periods,omitempty" doc:"Comparable periods needed at least; not for estimate."`
	Zeros   *zeroUse    `json:"zeros,omitempty" doc:"Whether periods without revenue count as 0 or are skipped; not for estimate."`
	Growth  *growthRule `json:"growth,omitempty" doc:"The baseline grows as the claimant did before the incident; not for estimate. Without known growth the rule lacks its data."`
}

// growthRule brings a comparable period to the incident's time.
type growthRule struct {
	FallAtMost Decimal `json:"fall_at_most" doc:"Own growth is not taken below minus this share."`
	RiseAtMost Decimal `json:"rise_at_most" doc:"Own growth is not taken above this share."`
	General    Decimal `json:"general" doc:"This share is added for everybody."`
}

func (g growthRule) check(c *checker, pointer string) {
	c.share(pointer+"/fall_at_most", g.FallAtMost)
	c.share(pointer+"/rise_at_most", g.RiseAtMost)
	c.share(pointer+"/general", g.General)
}

// factor is nil when the claimant's own growth is not known.
func (g growthRule) factor(own *Growth) *big.Rat {
	if own == nil || own.Base <= 0 {
		return nil
	}
	growth := new(big.Rat).Sub(new(big.Rat).Quo(own.Recent.Rat(), own.Base.Rat()), one)
	if low := new(big.Rat).Neg(g.FallAtMost.Rat()); growth.Cmp(low) < 0 {
		growth = low
	}
	if high := g.RiseAtMost.Rat(); growth.Cmp(high) > 0 {
		growth = new(big.Rat).Set(high)
	}
	return growth.Add(growth.Add(growth, g.General.Rat()), one)
}

func (b baselineRule) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/rules", len(b.Rules))
	seen, compares := map[baselineUse]bool{}, false
	for i, step := range b.Rules {
		at := fmt.Sprintf("%s/rules/%d", pointer, i)
		if seen[step.Use] {
			c.fail(at+"/use", "circular_fallback", "falls back to %s, which was already tried; name each rule once.",
				"이미 시도한 %s(으)로 되돌아갑니다. 규칙은 한 번씩만 적으십시오.", string(step.Use))
		}
		seen[step.Use] = true
		compares = compares || step.Use != useEstimate
		step.check(c, at)
	}
	if compares && b.Comparison == nil {
		c.fail(pointer+"/comparison", "required", "is missing: a rule compares periods; state which.", "빠져 있습니다. 기간을 비교하는 규칙이 있으니 어떤 기간인지 적으십시오.")
	}
	if !compares && b.Comparison != nil {
		c.fail(pointer+"/comparison", "contradictory", "is never read: no rule compares periods.", "기간을 비교하는 규칙이 없어 쓰이지 않습니다.")
	}
	if b.Comparison != nil {
		b.Comparison.check(c, pointer+"/comparison")
	}
}

func (b baselineRule) times() map[string]Between {
	if b.Comparison == nil || b.Comparison.Period == nil {
		return nil
	}
	return map[string]Between{"/comparison/period": *b.Comparison.Period}
}

func (s baselineStep) check(c *checker, pointer string) {
	if s.Use != useEstimate {
		if s.Minimum == nil || *s.Minimum < 1 {
			c.fail(pointer+"/minimum_periods", "required", "state how many comparable periods are needed, at least 1.", "필요한 비교 기간 수를 1 이상으로 적으십시오.")
		}
		if s.Zeros == nil {
			c.fail(pointer+"/zeros", "required", "state whether periods without revenue count or are skipped.", "매출이 없는 기간을 셀지 뺄지 적으십시오.")
		}
		if s.Growth != nil {
			s.Growth.check(c, pointer+"/growth")
		}
		return
	}
	for name, given := range map[string]bool{"minimum_periods": s.Minimum != nil, "zeros": s.Zeros != nil, "growth": s.Growth != nil} {
		if given {
			c.fail(pointer+"/"+name, "contradictory", "the estimate compares no periods; leave it out.", "추정은 기간을 비교하지 않습니다. 빼십시오.")
		}
	}
}

func (b baselineRule) apply(e *evaluation) {
	for _, l := range e.lines {
		b.measure(e, l)
	}
}

func (b baselineRule) measure(e *evaluation, l *lineState) {
	for _, step := range b.Rules {
		loss, rule, inputs := step.loss(l.fact)
		if loss == nil {
			continue
		}
		if estimate := l.fact; step.Use != useEstimate && estimate.Outcome == LineEstimated {
			// Ours beside the scheme's, so that an overstating rule is visible.
			inputs = append(inputs, amountValue("estimated_shortfall", estimate.Shortfall))
		}
		e.note(l.fact.Service, rule, exactValue("loss", loss), inputs...)
		l.loss = loss
		b.prorate(e, l)
		return
	}
	l.state = lossUnknown
	reason := lang.F("The revenue history of %s does not carry an answer.", "%s의 매출 이력으로는 답을 낼 수 없습니다.", l.fact.Service)
	e.note(l.fact.Service, reason, Value{"loss", "cannot_tell"})
}

// prorate keeps the part of the loss that falls on the minutes that count.
func (b baselineRule) prorate(e *evaluation, l *lineState) {
	all, counted := weight(l.fact.Windows), weight(l.windows)
	if all.Cmp(counted) == 0 {
		return
	}
	part := new(big.Rat).Quo(counted, all)
	e.reshape(l, new(big.Rat).Mul(l.loss, part),
		lang.T("The loss counts in proportion to the minutes of outage that count, weighted by the share down.",
			"손실은 인정되는 장애 시간(중단 비율 가중)에 비례하여 인정합니다."),
		exactValue("part", part))
}

// loss is nil when the step lacks its data.
func (s baselineStep) loss(line *LossLine) (*big.Rat, lang.Text, []Value) {
	if s.Use == useEstimate {
		if line.Outcome != LineEstimated {
			return nil, lang.Text{}, nil
		}
		return line.Shortfall.Rat(),
			lang.T("The loss is the shortfall estimated from the claimant's own history.", "손실은 청구인의 이력에서 추정한 매출 부족분입니다."),
			[]Value{amountValue("expected", line.Expected), amountValue("actual", line.Actual)}
	}
	comparison := line.Comparison
	if comparison == nil {
		return nil, lang.Text{}, nil
	}
	periods := s.periods(comparison)
	if len(periods) < *s.Minimum || s.Use == usePeerRatio && comparison.PeerRatioBasisPoints == nil {
		return nil, lang.Text{}, nil
	}
	base, rule := s.base(periods, comparison)
	inputs := []Value{countValue("periods", int64(len(periods)))}
	if s.Growth != nil {
		factor := s.Growth.factor(comparison.Growth)
		if factor == nil {
			return nil, lang.Text{}, nil
		}
		base = new(big.Rat).Mul(base, factor)
		rule = lang.F("%s Before that it grows as the claimant did, between -%s and +%s, plus %s.", "%s 그 전에 청구인의 성장률(-%s에서 +%s 사이)에 %s을(를) 더해 반영합니다.",
			rule, s.Growth.FallAtMost.String(), s.Growth.RiseAtMost.String(), s.Growth.General.String())
		inputs = append(inputs, exactValue("growth_factor", factor))
	}
	loss := new(big.Rat).Sub(base, comparison.Actual.Rat())
	if loss.Sign() < 0 {
		loss.SetInt64(0)
	}
	return loss, rule, append(inputs, exactValue("baseline", base), amountValue("actual", comparison.Actual))
}

// periods returns the comparable revenues in ascending order.
func (s baselineStep) periods(c *Comparison) []*big.Rat {
	var kept []*big.Rat
	for _, p := range c.Periods {
		if p.Revenue != 0 || *s.Zeros == countZeros {
			kept = append(kept, p.Revenue.Rat())
		}
	}
	slices.SortFunc(kept, func(a, b *big.Rat) int { return a.Cmp(b) })
	return kept
}

func (s baselineStep) base(ascending []*big.Rat, c *Comparison) (*big.Rat, lang.Text) {
	n := len(ascending)
	switch s.Use {
	case useBest:
		return ascending[n-1], lang.T("The loss is the highest comparable period less the revenue of the outage's.", "손실은 가장 높은 비교 기간 매출에서 장애 기간 매출을 뺀 것입니다.")
	case useMedian:
		middle := new(big.Rat).Add(ascending[(n-1)/2], ascending[n/2])
		return middle.Quo(middle, big.NewRat(2, 1)),
			lang.T("The loss is the median comparable period less the revenue of the outage's.", "손실은 비교 기간 매출의 중앙값에서 장애 기간 매출을 뺀 것입니다.")
	}
	base := mean(ascending)
	if s.Use == useMean {
		return base, lang.T("The loss is the mean comparable period less the revenue of the outage's.", "손실은 비교 기간 매출의 평균에서 장애 기간 매출을 뺀 것입니다.")
	}
	return base.Mul(base, basisPoints(*c.PeerRatioBasisPoints)),
		lang.T("The loss is the mean comparable period, brought to the outage's by the sector's ratio, less the revenue of the outage's.",
			"손실은 비교 기간 평균에 업종 비율을 곱한 값에서 장애 기간 매출을 뺀 것입니다.")
}

// mean of at least one value.
func mean(values []*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for _, v := range values {
		sum.Add(sum, v)
	}
	return sum.Quo(sum, big.NewRat(int64(len(values)), 1))
}

package scheme

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"redress/internal/lang"
	"redress/internal/revenue"
)

// monthBasis is how many days a month's fee is for: those of the month the
// incident began in, or a fixed number.
type monthBasis int

const calendarMonth monthBasis = 0

func (m *monthBasis) read(n node) bool {
	if n.kind == stringNode {
		*m = calendarMonth
		return n.text == "calendar"
	}
	days, err := strconv.Atoi(n.text)
	*m = monthBasis(days)
	return err == nil && 28 <= days && days <= 31
}

func (m *monthBasis) wanted() lang.Text {
	return lang.T(`"calendar", or a number of days from 28 to 31`, `"calendar" 또는 28~31의 일수`)
}

func (m *monthBasis) form() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"const": "calendar"},
		map[string]any{"type": "integer", "minimum": 28, "maximum": 31},
	}}
}

// days of the month in which the incident began.
func (m monthBasis) days(incident revenue.Span) int {
	if m != calendarMonth {
		return int(m)
	}
	start := incident.Start.Clock()
	return time.Date(start.Year(), start.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// subscriptions refund fees. Each subscription takes the first rule that fits
// it.
type subscriptions struct {
	Rules []subscriptionRule `json:"rules" doc:"Tried in order; each subscription takes the first that fits."`
}

type subscriptionRule struct {
	When     *when       `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Plans    []Name      `json:"plans,omitempty" doc:"Which plans it is for; absent: all."`
	FeeUpTo  *Amount     `json:"fee_up_to,omitempty" doc:"A higher monthly fee, which no plan has, goes to a person; absent: any fee is refunded."`
	Days     *Decimal    `json:"days,omitempty" doc:"A fixed number of days is refunded."`
	Outage   *outageTime `json:"outage,omitempty" doc:"The outage's own length is refunded; instead of days."`
	Month    monthBasis  `json:"month" doc:"Days that the fee is for: calendar, those of the month in which the incident began; or a number."`
	Rounding Rounding    `json:"rounding" doc:"How each refund becomes an amount."`
}

// outageTime is a length derived from the outage.
type outageTime struct {
	Times   Decimal `json:"times" doc:"Each minute of outage counts this many times."`
	RoundUp *int    `json:"round_up_to_minutes,omitempty" doc:"The product is rounded up to a multiple of this many minutes; absent: not rounded."`
}

func (s subscriptions) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/rules", len(s.Rules))
	for i, r := range s.Rules {
		at := fmt.Sprintf("%s/rules/%d", pointer, i)
		r.When.check(c, at+"/when")
		distinct(c, at+"/plans", "duplicate_value", r.Plans)
		r.Rounding.check(c, at+"/rounding")
		c.exactlyOne(at, "days", r.Days != nil, "outage", r.Outage != nil)
		if r.Outage != nil && r.Outage.RoundUp != nil && *r.Outage.RoundUp < 1 {
			c.fail(at+"/outage/round_up_to_minutes", "out_of_range", "is below 1; leave it out for no rounding.", "1보다 작습니다. 올림하지 않으려면 빼십시오.")
		}
		if i < len(s.Rules)-1 && r.When == nil && r.Plans == nil {
			c.fail(at, "unreachable", "fits every subscription, so the rules after it are never read; put it last.", "모든 구독에 적용되어 다음 규칙이 쓰이지 않습니다. 마지막에 두십시오.")
		}
	}
}

func (s subscriptions) apply(e *evaluation) {
	for _, sub := range e.facts.Subscriptions {
		for _, r := range s.Rules {
			if r.When.refusal(e) == nil && fits(r.Plans, sub.Plan) {
				r.refund(e, sub)
				break
			}
		}
	}
}

func fits(plans []Name, plan string) bool {
	return plans == nil || slices.Contains(plans, Name(plan))
}

func (r subscriptionRule) refund(e *evaluation, sub Subscription) {
	down := minutes(e.downtime(sub.Service))
	if down == 0 {
		e.paysNothing("no_outage", lang.T("No minute of outage counts.", "인정되는 장애 시간이 없습니다."))
		return
	}
	if r.FeeUpTo != nil && sub.MonthlyFee > r.FeeUpTo.minor() {
		e.needsReview("fee_implausible", lang.F("The stated monthly fee of %s is above %s; a person checks it.", "밝힌 월 이용료 %s은(는) %s을(를) 넘어 사람이 확인합니다.",
			e.amount(sub.MonthlyFee), e.amount(r.FeeUpTo.minor())))
		return
	}
	month := r.Month.days(e.facts.Incident)
	var days *big.Rat
	var rule lang.Text
	inputs := []Value{{"plan", sub.Plan}, amountValue("monthly_fee", sub.MonthlyFee)}
	if r.Days != nil {
		days = r.Days.Rat()
		rule = lang.F("Refund: %s × %s day(s) ÷ %d days, %s.", "환급: %s × %s일 ÷ %d일, %s.", e.amount(sub.MonthlyFee), r.Days.String(), month, e.rounded(r.Rounding))
	} else {
		refunded := r.Outage.minutes(down)
		days = new(big.Rat).Quo(refunded, new(big.Rat).SetInt64(int64(revenue.Day)))
		rule = lang.F("Refund: %s × %s minutes ÷ %d minutes of the month, %s; the outage of %d minutes counts %s times.",
			"환급: %s × %s분 ÷ 한 달 %d분, %s. 장애 %d분을 %s배로 인정합니다.",
			e.amount(sub.MonthlyFee), exact(refunded), month*int(revenue.Day), e.rounded(r.Rounding), down, r.Outage.Times.String())
		inputs = append(inputs, countValue("outage_minutes", down), exactValue("refunded_minutes", refunded))
	}
	inputs = append(inputs, exactValue("days", days), countValue("month_days", int64(month)))
	refund := new(big.Rat).Mul(sub.MonthlyFee.Rat(), days)
	refund.Quo(refund, new(big.Rat).SetInt64(int64(month)))
	e.pay(sub.Service, refund, r.Rounding, rule, inputs...)
}

// minutes that are refunded for so many minutes of outage.
func (o outageTime) minutes(down int64) *big.Rat {
	product := new(big.Rat).Mul(new(big.Rat).SetInt64(down), o.Times.Rat())
	if o.RoundUp == nil {
		return product
	}
	step := big.NewInt(int64(*o.RoundUp))
	whole, rest := new(big.Int).QuoRem(product.Num(), new(big.Int).Mul(product.Denom(), step), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return new(big.Rat).SetInt(whole.Mul(whole, step))
}

// serviceCredits pay a share of the monthly fee by how much of the month the
// service was up.
type serviceCredits struct {
	When     *when        `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Plans    []Name       `json:"plans,omitempty" doc:"Which plans it is for; absent: all."`
	Month    monthBasis   `json:"month" doc:"Days over which uptime is taken: calendar or a number."`
	Tiers    []creditTier `json:"tiers" doc:"Descending uptime, ascending credit; the last row that fits applies."`
	Rounding Rounding     `json:"rounding" doc:"How each credit becomes an amount."`
}

type creditTier struct {
	UptimeBelow Decimal `json:"uptime_below" doc:"Uptime below this share of the month."`
	Credit      Decimal `json:"credit" doc:"Gives this share of the monthly fee."`
}

func (s serviceCredits) check(c *checker, pointer string) {
	s.When.check(c, pointer+"/when")
	s.Rounding.check(c, pointer+"/rounding")
	distinct(c, pointer+"/plans", "duplicate_value", s.Plans)
	c.notEmpty(pointer+"/tiers", len(s.Tiers))
	for i, t := range s.Tiers {
		at := fmt.Sprintf("%s/tiers/%d", pointer, i)
		c.share(at+"/uptime_below", t.UptimeBelow)
		c.share(at+"/credit", t.Credit)
		if i > 0 && t.UptimeBelow.Rat().Cmp(s.Tiers[i-1].UptimeBelow.Rat()) >= 0 {
			c.fail(at+"/uptime_below", "tier_order", "is not below the row before; uptime descends.", "앞 행보다 작지 않습니다. 가동률은 내림차순입니다.")
		}
		if i > 0 && t.Credit.Rat().Cmp(s.Tiers[i-1].Credit.Rat()) < 0 {
			c.fail(at+"/credit", "tier_order", "is below the row before; a longer outage never gives less.", "앞 행보다 작습니다. 장애가 길면 보상이 줄지 않습니다.")
		}
	}
}

func (s serviceCredits) apply(e *evaluation) {
	if e.notFor(s.When) {
		return
	}
	month := new(big.Rat).SetInt64(int64(s.Month.days(e.facts.Incident)) * int64(revenue.Day))
	for _, sub := range e.facts.Subscriptions {
		if !fits(s.Plans, sub.Plan) {
			continue
		}
		down := new(big.Rat).SetInt64(minutes(e.downtime(sub.Service)))
		uptime := new(big.Rat).Sub(one, new(big.Rat).Quo(down, month))
		if uptime.Sign() < 0 {
			uptime.SetInt64(0)
		}
		s.credit(e, sub, uptime)
	}
}

func (s serviceCredits) credit(e *evaluation, sub Subscription, uptime *big.Rat) {
	var reached *creditTier
	for i, t := range s.Tiers {
		if uptime.Cmp(t.UptimeBelow.Rat()) < 0 {
			reached = &s.Tiers[i]
		}
	}
	if reached == nil {
		e.paysNothing("uptime_met", lang.T("The promised uptime was met.", "약속한 가동률을 지켰습니다."))
		return
	}
	e.pay(sub.Service, new(big.Rat).Mul(sub.MonthlyFee.Rat(), reached.Credit.Rat()), s.Rounding,
		lang.F("Uptime below %s gives %s of %s, %s.", "가동률 %s 미만이면 %s 비율을 %s에 적용합니다(%s).",
			reached.UptimeBelow.String(), reached.Credit.String(), e.amount(sub.MonthlyFee), e.rounded(s.Rounding)),
		Value{"plan", sub.Plan}, exactValue("uptime", uptime))
}

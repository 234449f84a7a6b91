package checks

import (
	"math"
	"slices"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// onlyLedger is the row of a check on how a record was made, where the claimant
// made none.
func onlyLedger() Row {
	return notApplicable(lang.T("The claimant uploaded no record here.", "청구인이 올린 기록이 없습니다."), nil)
}

// tooFew is the row of a check that needs more numbers than there are.
func tooFew(found, needed int) Row {
	return notApplicable(lang.F("The record has %d usable number(s); this takes %d.", "쓸 수 있는 수가 %d개입니다. %d개가 있어야 합니다.", found, needed),
		figures{"numbers": found, "needed": needed})
}

// Limits of the check on round numbers.
const (
	fewestAmounts = 30 // that are large enough to tell
	roundSteps    = 4  // so many round steps high must an amount be to tell
	roundExcess   = 50 // points by which round amounts must outnumber the next remainder
)

// roundness is how the amounts that are large enough stand to a round step.
type roundness struct {
	step    money.Minor
	amounts int
	round   int // multiples of the step
	next    int // amounts with the most common other remainder
}

// excess is by how many points the multiples outnumber the next remainder.
func (r roundness) excess() int { return percent(r.round, r.amounts) - percent(r.next, r.amounts) }

// roundNumbers flags an upload in which far more amounts stand on round steps
// (50,000, 100,000, 500,000, …) than their size makes likely.
//
// Prices are round and so are sums of them; and where all prices are one, sums
// stand on few remainders. What amounts make likely is therefore read off the
// amounts themselves: on a step coarser than the average sale (where sales are
// not counted, than everyday prices are multiples of), and at four steps or more,
// a sum is as likely to leave any remainder as none. Flagged is 50 points more of
// none than of the next most common one.
//
// Of counts of 893 real businesses, priced from 20 menus, it flags 0.02 %. An
// outlet that does not count its sales and whose every price is a multiple of
// 50,000 won is flagged as well; the remedy is to send single sales.
func roundNumbers(c claim, l line) Row {
	if l.Upload.Len() == 0 {
		return onlyLedger()
	}
	best, most := roundest(amountsOf(l.Upload), coarsestPrice(c.Currency, l.Upload))
	if best.amounts == 0 {
		return tooFew(most, fewestAmounts)
	}
	text := c.Currency.Text
	detail := lang.F("Of %d amounts from %s up, %d (%d%%) are multiples of %s; the next most common remainder has %d (%d%%). %d points more are looked at.",
		"%[2]s 이상인 금액 %[1]d개 가운데 %[3]d개(%[4]d%%)가 %[5]s의 배수이고, 그다음으로 흔한 나머지는 %[6]d개(%[7]d%%)입니다. %[8]d포인트 이상 많으면 살펴봅니다.",
		best.amounts, text(roundSteps*best.step), best.round, percent(best.round, best.amounts), text(best.step),
		best.next, percent(best.next, best.amounts), roundExcess)
	remedy := lang.T("Send the export of the till or the card terminal with single sales instead of rounded sums.",
		"어림한 합계 대신 포스나 카드 단말기의 건별 매출을 보내 주십시오.")
	return verdict(best.excess() >= roundExcess, detail, remedy, figures{
		"amounts": best.amounts, "from": int64(roundSteps * best.step), "step": int64(best.step),
		"round": best.round, "round_percent": percent(best.round, best.amounts),
		"next": best.next, "next_percent": percent(best.next, best.amounts), "limit_points": roundExcess,
	})
}

// roundest is the roundness at the step at which the excess is largest, and the
// most amounts that any step above coarsest had.
func roundest(amounts []money.Minor, coarsest money.Minor) (best roundness, most int) {
	var largest money.Minor
	for _, a := range amounts {
		largest = max(largest, a)
	}
	for step := money.Minor(1); step <= largest/roundSteps; step = nextStep(step) {
		if step <= coarsest {
			continue
		}
		r := roundnessOf(amounts, step)
		most = max(most, r.amounts)
		if r.amounts >= fewestAmounts && (best.amounts == 0 || r.excess() >= best.excess()) {
			best = r
		}
	}
	return best, most
}

// amountsOf are the amounts above zero of the open buckets.
func amountsOf(h revenue.History) []money.Minor {
	var amounts []money.Minor
	for _, a := range h.Amounts {
		if a > 0 {
			amounts = append(amounts, a)
		}
	}
	return amounts
}

// nextStep goes 1, 5, 10, 50, 100, …
func nextStep(step money.Minor) money.Minor {
	for power := money.Minor(1); ; power *= 10 {
		if power == step {
			return 5 * step
		}
		if power > step {
			return power
		}
	}
}

// coarsestPrice is how coarse prices may be: a little above the average sale (some
// sales are free), or where sales are not counted, about ten dollars.
func coarsestPrice(c money.Currency, h revenue.History) money.Minor {
	var sum, count int64
	for i, a := range h.Amounts {
		if a > 0 {
			sum, count = sum+int64(a), count+int64(h.Counts[i])
		}
	}
	switch {
	case count > 0:
		return money.Minor(11 * (sum / count) / 10)
	case c.Code == "KRW":
		return 10_000
	case c.Code == "JPY":
		return 1_000
	}
	coarsest := money.Minor(10)
	for range c.Digits {
		coarsest *= 10
	}
	return coarsest
}

// roundnessOf looks at the amounts that are large enough for a step.
func roundnessOf(amounts []money.Minor, step money.Minor) roundness {
	r := roundness{step: step}
	others := map[money.Minor]int{}
	for _, a := range amounts {
		if a < roundSteps*step {
			continue
		}
		r.amounts++
		remainder := a % step
		if remainder == 0 {
			r.round++
			continue
		}
		others[remainder]++
		r.next = max(r.next, others[remainder])
	}
	return r
}

// Limits of the check on digits.
const (
	fewestDays = 60 // six for each digit; the usual least for a chi-square test is five
	// Chi-square with 9 degrees of freedom exceeds 34 once in 10,000. Real days are
	// not independent and exceed it ten times as often; hence more is asked for.
	digitChiSquare = 50
	// Where sales are not counted, prices may be this many times the usual.
	digitMargin = 5
)

// digits flags an upload in whose daily sums one digit comes up more often than
// chance allows: people who make numbers up have favourites and avoid doubles
// (Nigrini, Benford's Law, 2012, on the last digits of invented numbers; Beber and
// Scacco, What the Numbers Say, 2012). The digit looked at is the lowest whose
// place is above the average sale, where prices shape it no more. Benford's law of
// first digits is not used: sums of one outlet do not span the powers of ten that
// it asks for.
//
// Of counts of 893 real businesses, priced from 20 menus, it flags 0.1 % of those
// it applies to.
func digits(c claim, l line) Row {
	if l.Upload.Len() == 0 {
		return onlyLedger()
	}
	days := amountsOf(daily(l.Upload))
	if len(days) < fewestDays {
		return tooFew(len(days), fewestDays)
	}
	place := money.Minor(1)
	coarsest := coarsestPrice(c.Currency, l.Upload)
	if !counted(l.Upload) {
		coarsest *= digitMargin
	}
	for place < coarsest {
		place *= 10
	}
	slices.Sort(days)
	if spread := days[len(days)*3/4] - days[len(days)/4]; spread < 10*place {
		return notApplicable(lang.F("The middle half of the days spreads over %s; this takes %s.", "날들의 가운데 절반이 %s에 걸쳐 있습니다. %s이 되어야 합니다.",
			c.Currency.Text(spread), c.Currency.Text(10*place)), figures{"spread": int64(spread), "needed": int64(10 * place)})
	}
	var seen [10]int
	for _, d := range days {
		seen[d/place%10]++
	}
	chi, expected, favourite := 0.0, float64(len(days))/10, 0
	for digit, n := range seen {
		chi += (float64(n) - expected) * (float64(n) - expected) / expected
		if n > seen[favourite] {
			favourite = digit
		}
	}
	detail := lang.F("Of %d daily sums, %d have the digit %d in the place of %s; a tenth would be usual. Chi-square is %d; above %d is looked at.",
		"하루 합계 %d개 가운데 %d개가 %[4]s 자리에 숫자 %[3]d을(를) 갖습니다. 열에 하나가 보통입니다. 카이제곱은 %[5]d이며 %[6]d을(를) 넘으면 살펴봅니다.",
		len(days), seen[favourite], favourite, c.Currency.Text(place), int(chi), digitChiSquare)
	remedy := lang.T("Send the export of the till or the card terminal from which the sums were made.", "합계의 바탕이 된 포스나 카드 단말기의 내보내기 파일을 보내 주십시오.")
	return verdict(chi > digitChiSquare, detail, remedy, figures{
		"days": len(days), "with_digit": seen[favourite], "digit": favourite, "place": int64(place),
		"chi_square": int(chi), "limit_chi_square": digitChiSquare,
	})
}

// counted reports whether a history counts sales.
func counted(h revenue.History) bool {
	return slices.ContainsFunc(h.Counts, func(n int32) bool { return n > 0 })
}

// commonDivisor is the largest amount of which all others are multiples: the
// price, where there is one.
func commonDivisor(amounts []money.Minor) money.Minor {
	var divisor money.Minor
	for _, a := range amounts {
		for a != 0 {
			divisor, a = a, divisor%a
		}
	}
	return max(divisor, -divisor)
}

// daily sums a history to days; a history that tells no whole day gives none.
func daily(h revenue.History) revenue.History {
	days, _ := h.Coarsen(int(revenue.Day)) // every kept length goes into a day
	return days
}

// Limits of the check on evenness.
const (
	fewestWeeks = 8
	leastSpread = 100 // basis points of the median
	fewestUnits = 50  // a week of fewer equal sales may be even by chance
)

// even flags an upload whose weeks bring nearly the same: half of them within
// 1 % of the median. Trade varies by weather, chance and custom, and chance alone
// moves a week of a thousand sales by 3 %; a sum spread over hours, or invented
// amounts that vary by the hour only, do not. Closed weeks are left out.
//
// Of counts of 893 real businesses, priced from 20 menus, it flags 0.01 %.
func even(c claim, l line) Row {
	if l.Upload.Len() == 0 {
		return onlyLedger()
	}
	var sums []money.Minor
	for _, w := range wholeWeeks(l.Upload) {
		if w.sum > 0 && w.known {
			sums = append(sums, w.sum)
		}
	}
	if len(sums) < fewestWeeks {
		return notApplicable(lang.F("The record has %d whole week(s); this takes %d.", "온전한 주가 %d주입니다. %d주가 있어야 합니다.", len(sums), fewestWeeks),
			figures{"weeks": len(sums), "needed": fewestWeeks})
	}
	middle, unit := median(sums), commonDivisor(l.Upload.Amounts)
	if middle/unit < fewestUnits {
		return tooFew(int(middle/unit), fewestUnits)
	}
	off := make([]money.Minor, len(sums))
	for i, s := range sums {
		off[i] = max(s-middle, middle-s)
	}
	spread := int(math.Round(min(10_000*float64(median(off))/float64(middle), 1_000_000)))
	detail := lang.F("Half of %d weeks lie within %s of the median week, %s; %s or less is looked at.",
		"%d주 가운데 절반이 가운데 주(%[3]s)에서 %[2]s 안에 있습니다. %[4]s 이하이면 살펴봅니다.",
		len(sums), hundredths(spread), c.Currency.Text(middle), hundredths(leastSpread))
	remedy := lang.T("If the amounts are fixed fees, or a total spread evenly over the hours, say so; otherwise send the single sales.",
		"정액 요금이거나 총액을 시간에 고르게 나눈 기록이라면 알려 주시고, 아니면 건별 매출을 보내 주십시오.")
	return verdict(spread <= leastSpread, detail, remedy, figures{
		"weeks": len(sums), "spread_basis_points": spread, "median": int64(middle), "limit_basis_points": leastSpread,
	})
}

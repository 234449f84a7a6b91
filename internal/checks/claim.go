package checks

import (
	"slices"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Identifier is something that no two claimants should share.
type Identifier string

// The identifiers. Unit is what earns: the account on the platform, the vehicle.
const (
	Account        Identifier = "account"
	Phone          Identifier = "phone"
	BusinessNumber Identifier = "business_number"
	DriverID       Identifier = "driver_id"
	Unit           Identifier = "unit"
)

// Match is what was found under the keyed hash of an identifier.
type Match struct {
	Claimants  int // other claimants who have it too
	Claims     int // claims of theirs for the same incident
	Favourable int // of these, decided in their favour
}

// shared words an identifier, and what to do about sharing it.
type shared struct{ name, remedy lang.Text }

var sharing = map[Identifier]shared{
	Account: {
		lang.T("bank account", "입금 계좌"),
		lang.T("Check that the account number is right and is your own; if you and another claimant share it (one owner of several businesses, a household), tell us so in a message.",
			"계좌 번호가 맞고 본인 명의인지 확인해 주십시오. 다른 청구인과 함께 쓰는 계좌(한 사업주의 여러 사업체, 가족)라면 메시지로 알려 주십시오."),
	},
	Phone: {
		lang.T("phone number", "전화번호"),
		lang.T("Check that the phone number is right; if you and another claimant share it, tell us why in a message.",
			"전화번호가 맞는지 확인해 주십시오. 다른 청구인과 함께 쓰는 번호라면 그 까닭을 메시지로 알려 주십시오."),
	},
	BusinessNumber: {
		lang.T("business number", "사업자등록번호"),
		lang.T("Send the certificate of business registration; if the business was already claimed for, withdraw one of the claims.",
			"사업자등록증을 보내 주십시오. 이 사업체의 청구가 이미 있다면 하나를 철회해 주십시오."),
	},
	DriverID: {
		lang.T("driver id", "기사 아이디"),
		lang.T("Send a picture of the driver page in the app; if you were already claimed for, withdraw one of the claims.",
			"앱의 기사 정보 화면을 보내 주십시오. 본인의 청구가 이미 있다면 하나를 철회해 주십시오."),
	},
	Unit: {
		lang.T("platform account or vehicle", "플랫폼 계정 또는 차량"),
		lang.T("Tell us who bears the loss of this account or vehicle, the driver or the owner, and send the contract between you.",
			"이 계정이나 차량의 손실을 기사와 소유주 가운데 누가 지는지 알리고 둘 사이의 계약서를 보내 주십시오."),
	},
}

// duplicate flags a claim whose claimant shares an identifier with another who
// claims for the same incident. Two claimants who share one and of whom only one
// claims do each other no harm.
func duplicate(id Identifier) func(claim) Row {
	name, remedy := sharing[id].name, sharing[id].remedy
	return func(c claim) Row {
		m, ok := c.Matches[id]
		if !ok {
			return notApplicable(lang.F("The claimant has no %s here.", "청구인에게 등록된 %s이(가) 없습니다.", name), nil)
		}
		detail := lang.F("Other claimants with the same %s: %d; their claims for this incident: %d, of which decided in their favour: %d.",
			"같은 %s을(를) 쓰는 다른 청구인 %d명, 그들이 이 장애로 낸 청구 %d건, 그중 인정된 청구 %d건.", name, m.Claimants, m.Claims, m.Favourable)
		return verdict(m.Claims > 0, detail, remedy, figures{"claimants": m.Claimants, "claims": m.Claims, "favourable": m.Favourable})
	}
}

// mostClaimedPercent is how far above the upper end of the 90 % interval a claim
// may lie: people round up, and count what the record cannot show.
const mostClaimedPercent = 125

// A single lost sale is looked at from so many times the usual one on; a nought
// too many makes ten of one.
const mostUsualSales = 5

// claimedAboveEstimated looks for a single lost sale that is out of line with the
// record, then compares the whole claim and each line with the upper end of the
// interval of its estimate, and tells the worst.
func claimedAboveEstimated(c claim) Row {
	for _, l := range c.lines {
		if row, found := c.dearItem(l); found {
			return row
		}
	}
	worst, service, known := c.Amounts, "", c.Amounts.comparable()
	for _, l := range c.lines {
		if l.Amounts.comparable() && (!known || l.Amounts.excess() > worst.excess()) {
			worst, service, known = l.Amounts, l.Service, true
		}
	}
	if !known {
		return notApplicable(lang.T("No amount is claimed, or there is no estimate to compare it with.", "청구 금액이 없거나 비교할 추정액이 없습니다."), nil)
	}
	claimed, high, text := *worst.Claimed, worst.Estimated.High, c.Currency.Text
	where := lang.T("In all", "모두 더하면")
	facts := figures{"claimed": int64(claimed), "estimated": int64(worst.Estimated.Amount), "high": int64(high), "limit_percent": mostClaimedPercent}
	if service != "" {
		where = lang.T("In "+service, service+"에서")
		facts["service"] = service
	}
	detail := lang.F("%s, %s is claimed and %s estimated, at most %s with the 90%% range; more than %d%% of that upper end is looked at.",
		"%s 청구액은 %s, 추정액은 %s이고 90%% 구간의 위 끝은 %s입니다. 위 끝의 %d%%를 넘으면 살펴봅니다.",
		where, text(claimed), text(worst.Estimated.Amount), text(high), mostClaimedPercent)
	facts["level_percent"] = 90
	remedy := lang.T("Send what shows the higher loss: cancelled bookings, orders that failed, messages of customers; or correct the amount.",
		"더 큰 손실을 보여 주는 자료(취소된 예약, 실패한 주문, 손님의 메시지)를 보내거나 금액을 고쳐 주십시오.")
	return verdict(worst.excess() > 0, detail, remedy, facts)
}

// dearItem flags a lost sale of five usual ones and more that is above all that
// any bucket of the record took: so dear a sale it never saw. Where sales are not
// counted, those of a bucket count as one, so that the check sees less; so it does
// where buckets are days.
func (c claim) dearItem(l line) (Row, bool) {
	if l.LargestItem == 0 {
		return Row{}, false
	}
	var sales []money.Minor // of each bucket on average
	for i, amount := range l.held.Amounts {
		if amount > 0 {
			sales = append(sales, amount/money.Minor(max(1, l.held.Counts[i])))
		}
	}
	if len(sales) < fewestAmounts {
		return Row{}, false
	}
	usual, best, item, text := median(sales), slices.Max(l.held.Amounts), l.LargestItem, c.Currency.Text
	if item/mostUsualSales < usual || item <= best {
		return Row{}, false
	}
	detail := lang.F("One lost sale in %s is of %s; a usual one of the record is of %s, and its best %d minutes took %s. More than these, and from %d times the usual one on, is looked at.",
		"%s에서 잃었다는 매출 한 건이 %s입니다. 기록의 보통 매출은 %s, 가장 많이 판 %d분의 매출은 %s입니다. 이를 넘고 보통 매출의 %d배 이상이면 살펴봅니다.",
		l.Service, text(item), text(usual), l.held.BucketMinutes, text(best), mostUsualSales)
	remedy := lang.T("Check the amount of the lost sale, a nought too many is soon written; or send the booking or the order.",
		"잃은 매출의 금액에 자릿수를 잘못 적지 않았는지 확인하시거나, 그 예약이나 주문의 내역을 보내 주십시오.")
	return verdict(true, detail, remedy,
		figures{"service": l.Service, "item": int64(item), "usual": int64(usual), "best_bucket": int64(best), "bucket_minutes": l.held.BucketMinutes, "limit_times": mostUsualSales}), true
}

// comparable reports whether there is a positive claim and an estimate of lawful
// amounts.
func (a Amounts) comparable() bool {
	return a.Claimed != nil && a.Estimated != nil && *a.Claimed > 0 && a.Claimed.InRange() && a.Estimated.High.InRange()
}

// excess is how far the claim lies above the limit, in hundredths of minor units.
func (a Amounts) excess() int64 {
	return 100*int64(*a.Claimed) - mostClaimedPercent*int64(max(a.Estimated.High, 0))
}

// accountRest is how long before a claim an account should have been in place.
const accountRest = 14 * revenue.Day

// accountChanged flags a bank account that was replaced since the outage began,
// or in the last fortnight before the claim: a taken-over account of a claimant is
// first pointed at another bank.
func accountChanged(c claim) Row {
	if c.AccountChangedAt == nil {
		return verdict(false, lang.T("The bank account is the one first given.", "입금 계좌는 처음 등록한 그대로입니다."), lang.Text{}, nil)
	}
	changed := *c.AccountChangedAt
	days := int64(c.SubmittedAt-changed) / int64(revenue.Day)
	window, known := c.window()
	since := known && changed >= window.Start
	when := lang.F("%d day(s) before the claim", "청구 %d일 전", days)
	if changed > c.SubmittedAt {
		when = lang.F("%d day(s) after the claim", "청구 %d일 뒤", -days)
	}
	outage := lang.T("before the outage began", "장애 시작 전")
	if since {
		outage = lang.T("after the outage had begun", "장애 시작 뒤")
	}
	detail := lang.F("The bank account was changed %s, %s; later than the outage, or less than %d days before the claim, is looked at.",
		"입금 계좌가 %s(%s)에 바뀌었습니다. 장애 뒤이거나 청구 전 %d일이 안 되면 살펴봅니다.", when, outage, int64(accountRest/revenue.Day))
	remedy := lang.T("Send the bank-book copy of the new account, and say why it was changed.", "새 계좌의 통장 사본을 보내고 바꾼 까닭을 알려 주십시오.")
	return verdict(since || c.SubmittedAt-changed < accountRest, detail, remedy,
		figures{"days_before_claim": days, "since_outage": since, "limit_days": int64(accountRest / revenue.Day)})
}

// Rate is how many claims came in up to this one, which is counted too.
type Rate struct {
	LastHour, LastDay int
}

// The highest ordinary rates. A person files for an outlet or a few. An address
// may be that of a taxi garage, or of a mobile network behind which a whole
// district files.
var (
	mostByKey      = Rate{LastHour: 3, LastDay: 6}
	mostByAddress  = Rate{LastHour: 12, LastDay: 40}
	slowDownRemedy = lang.T("Nothing needs to be done; if you file for others, ask for a delegate's key and name whom you act for.",
		"하실 일은 없습니다. 다른 사람의 청구를 대신 내고 있다면 대리인 키를 신청하고 누구를 대리하는지 밝혀 주십시오.")
)

func velocityOfKey(c claim) Row {
	if c.KeyRate == nil {
		return notApplicable(lang.T("Filed with a key that files for many by its duty.", "여러 청구를 맡아 내는 키로 접수되었습니다."), nil)
	}
	return velocity(*c.KeyRate, mostByKey, lang.T("key", "키"))
}

func velocityOfAddress(c claim) Row {
	if c.AddressRate == nil {
		return notApplicable(lang.T("The claim came from no network address.", "네트워크 주소 없이 접수된 청구입니다."), nil)
	}
	return velocity(*c.AddressRate, mostByAddress, lang.T("network address", "네트워크 주소"))
}

func velocity(seen, most Rate, whose lang.Text) Row {
	detail := lang.F("Claims from the same %s: %d within an hour, %d within a day; more than %d or %d is looked at.",
		"같은 %s에서 들어온 청구가 한 시간에 %d건, 하루에 %d건입니다. 각각 %d건, %d건을 넘으면 살펴봅니다.",
		whose, seen.LastHour, seen.LastDay, most.LastHour, most.LastDay)
	return verdict(seen.LastHour > most.LastHour || seen.LastDay > most.LastDay, detail, slowDownRemedy,
		figures{"last_hour": seen.LastHour, "last_day": seen.LastDay, "limit_hour": most.LastHour, "limit_day": most.LastDay})
}

// window is the span from the first impaired minute of any line to the last.
func (c claim) window() (revenue.Span, bool) {
	var all revenue.Span
	known := false
	for _, l := range c.lines {
		w, ok := l.window()
		switch {
		case !ok:
		case !known:
			all, known = w, true
		default:
			all = revenue.Span{Start: min(all.Start, w.Start), End: max(all.End, w.End)}
		}
	}
	return all, known
}

// window is the span from the first impaired minute of the line to the last.
func (l line) window() (all revenue.Span, ok bool) {
	for i, w := range l.Windows {
		if i == 0 {
			all = w
		}
		all = revenue.Span{Start: min(all.Start, w.Start), End: max(all.End, w.End)}
	}
	return all, len(l.Windows) > 0
}

package checks

import (
	"fmt"
	"math"
	"slices"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Limits of the comparison of an upload with the platform's ledger, in percent.
const (
	ledgerTolerance = 115 // value added tax and fees stay within
	ledgerFar       = 30  // a week so far off is of other sales
	ledgerRise      = 115 // the last weeks against those before
	recentWeeks     = 4
	fewestShared    = 3 // weeks that both tell
)

// comparison is how an upload relates to the ledger where both tell the same
// buckets.
type comparison struct {
	weeks, far            int // weeks in which the ledger has sales, and those far off
	all, recent, earlier  pair
	window                pair // inside the outage; not in the others
	recentSeen, earlySeen int  // weeks in recent and earlier
}

// pair is what upload and ledger say of the same buckets.
type pair struct{ upload, ledger money.Minor }

func (p *pair) add(o pair) { p.upload, p.ledger = p.upload+o.upload, p.ledger+o.ledger }

// percent is the upload in percent of the ledger; 100 where both are nothing.
func (p pair) percent() int {
	if p.ledger <= 0 {
		if p.upload <= 0 {
			return 100
		}
		return 1000
	}
	return int(min(max(math.Round(100*float64(p.upload)/float64(p.ledger)), 0), 1000))
}

// uploadAgainstLedger flags an upload that says more than the platform's ledger
// where both tell the same buckets, more in the last four weeks before the outage
// than before them, less inside the outage, or something else altogether in half
// of the weeks. Single buckets are not compared: a sale is booked when it is made
// by one, when it is paid by the other.
//
// An upload that holds all sales of the outlet and not only those through the
// platform is flagged too, and should be: the loss is one of the platform's.
func uploadAgainstLedger(_ claim, l line) Row {
	window, ok := l.window()
	if !ok {
		return noWindows()
	}
	c := compare(l.Upload, l.Ledger, window)
	if c.weeks < fewestShared {
		return notApplicable(lang.F("Upload and platform ledger share %d week(s) with sales; this takes %d.",
			"올린 기록과 플랫폼 장부가 함께 담은 매출 있는 주가 %d주입니다. %d주가 있어야 합니다.", c.weeks, fewestShared),
			figures{"weeks": c.weeks, "needed": fewestShared})
	}
	facts := figures{"weeks": c.weeks, "far_weeks": c.far, "far_percent": ledgerFar, "upload_percent": c.all.percent(), "limit_percent": ledgerTolerance}
	detail := lang.F("In %d weeks the upload is %d%% of the platform ledger, in %d of them more than %d%% off; above %d%%, or half of the weeks, is looked at.",
		"%d주 동안 올린 기록은 플랫폼 장부의 %d%%이고, 그중 %d주는 %d%% 넘게 다릅니다. %d%%를 넘거나 절반의 주가 다르면 살펴봅니다.",
		c.weeks, c.all.percent(), c.far, ledgerFar, ledgerTolerance)
	flagged := c.all.percent() > ledgerTolerance || 2*c.far >= c.weeks
	if c.recentSeen >= 2 && c.earlySeen >= 2 {
		recent, earlier := c.recent.percent(), c.earlier.percent()
		facts["recent_weeks"], facts["recent_percent"], facts["earlier_percent"] = recentWeeks, recent, earlier
		facts["limit_rise_percent"] = ledgerRise
		detail = join(detail, lang.F("In the last %d weeks before the outage it is %d%%, before them %d%%; above the ledger and %d%% of that is looked at.",
			"장애 전 마지막 %d주에는 %d%%, 그 전에는 %d%%입니다. 장부와 그 %d%%를 함께 넘으면 살펴봅니다.", recentWeeks, recent, earlier, ledgerRise))
		flagged = flagged || recent > 100 && 100*recent > ledgerRise*earlier
	}
	if c.window.ledger > 0 {
		inside := c.window.percent()
		facts["window_percent"], facts["limit_window_percent"] = inside, 100-ledgerFar
		detail = join(detail, lang.F("Inside the outage it is %d%%; less than %d%% is looked at.", "장애 중에는 %d%%입니다. %d%%가 안 되면 살펴봅니다.", inside, 100-ledgerFar))
		flagged = flagged || inside < 100-ledgerFar
	}
	remedy := lang.T("Send the sales made through this service alone; if the record holds other sales too, say which.",
		"이 서비스로 올린 매출만 보내 주십시오. 다른 매출도 들어 있다면 무엇인지 알려 주십시오.")
	return verdict(flagged, detail, remedy, facts)
}

// compare goes through the buckets that both tell, a Monday-based week at a time.
func compare(upload, ledger revenue.History, window revenue.Span) comparison {
	var c comparison
	minutes := max(upload.BucketMinutes, ledger.BucketMinutes)
	// The lengths are kept ones, of which each goes into the next.
	upload, _ = upload.Coarsen(minutes)
	ledger, _ = ledger.Coarsen(minutes)
	upload = upload.Slice(ledger.Span())
	if upload.Len() == 0 {
		return c
	}
	recent := window.Start - recentWeeks*revenue.Week
	offset := ledger.Index(upload.Start)
	var week pair
	monday := upload.Start.WeekStart()
	for i, state := range upload.States {
		bucket := revenue.Span{Start: upload.At(i), End: upload.At(i + 1)}
		if bucket.Start >= monday+revenue.Week {
			c.close(week, monday, recent, window)
			week, monday = pair{}, bucket.Start.WeekStart()
		}
		both := pair{upload.Amounts[i], ledger.Amounts[offset+i]}
		switch {
		case state == revenue.Missing || ledger.States[offset+i] == revenue.Missing:
		case window.Overlaps(bucket):
			c.window.add(both)
		default:
			week.add(both)
		}
	}
	c.close(week, monday, recent, window)
	return c
}

// close counts a week that is through.
func (c *comparison) close(week pair, monday, recent revenue.Local, window revenue.Span) {
	if week.ledger <= 0 {
		return
	}
	c.weeks++
	c.all.add(week)
	if p := week.percent(); p < 100-ledgerFar || p > 100+ledgerFar {
		c.far++
	}
	switch {
	case monday >= window.Start:
	case monday+revenue.Week > recent:
		c.recent.add(week)
		c.recentSeen++
	default:
		c.earlier.add(week)
		c.earlySeen++
	}
}

// Limits of the check on jumps.
const (
	jumpPercent     = 180
	mostEarlier     = 12 // weeks looked back at
	fewestEarlier   = 4
	fewestRecent    = 2
	fewestOfEachWay = 2 // weeks known from the upload alone, and from the ledger
)

// levelJump flags an upload whose last four weeks before the outage stand far
// above the twelve before them: their median at 180 % or more of the earlier
// median, and above every single earlier week. It also flags weeks that only the
// upload tells when they stand as far above those that the ledger tells. Medians
// of weeks let single large orders pass.
//
// On public series of 893 real businesses, looked at every week, the first is
// wrong at 1.0 % of the moments: trade does double in a season.
func levelJump(c claim, l line) Row {
	window, ok := l.window()
	switch {
	case !ok:
		return noWindows()
	case l.Upload.Len() == 0:
		return onlyLedger()
	}
	end := window.Start.DayStart()
	recent := weeksBefore(l.Upload, end, recentWeeks)
	earlier := weeksBefore(l.Upload, end-recentWeeks*revenue.Week, mostEarlier)
	own, told := l.bySource(end)
	remedy := lang.T("Say what changed (a new branch, a season, a campaign) and send the till export or tax invoices of these weeks.",
		"무엇이 달라졌는지(확장, 성수기, 행사) 알려 주시고 그 기간의 포스 내보내기나 세금계산서를 보내 주십시오.")
	text := c.Currency.Text
	switch {
	case len(own) >= fewestOfEachWay && len(told) >= fewestOfEachWay && ratio(own, told) >= jumpPercent:
		detail := lang.F("The median of %d weeks known from the upload alone is %s, of %d weeks in the platform ledger %s: %d%%; from %d%% on is looked at.",
			"올린 기록에만 있는 %d주의 중앙값은 %s, 플랫폼 장부에 있는 %d주의 중앙값은 %s이므로 %d%%입니다. %d%%부터 살펴봅니다.",
			len(own), text(median(own)), len(told), text(median(told)), ratio(own, told), jumpPercent)
		return verdict(true, detail, remedy, figures{"upload_weeks": len(own), "upload_median": int64(median(own)), "ledger_weeks": len(told),
			"ledger_median": int64(median(told)), "ratio_percent": ratio(own, told), "limit_percent": jumpPercent})
	case len(recent) < fewestRecent || len(earlier) < fewestEarlier:
		return notApplicable(lang.F("The record tells %d of the last weeks and %d of those before; this takes %d and %d.",
			"기록에 마지막 주들 가운데 %d주, 그 전의 %d주가 있습니다. %d주와 %d주가 있어야 합니다.", len(recent), len(earlier), fewestRecent, fewestEarlier),
			figures{"recent_weeks": len(recent), "earlier_weeks": len(earlier), "needed_recent": fewestRecent, "needed_earlier": fewestEarlier})
	}
	percent, highest := ratio(recent, earlier), slices.Max(earlier)
	detail := lang.F("The median of the last %d weeks before the outage is %s, of the %d weeks before them %s: %d%%; the highest of those was %s. From %d%% on, above the highest, is looked at.",
		"장애 전 마지막 %d주의 중앙값은 %s, 그 전 %d주의 중앙값은 %s이므로 %d%%이고, 그 전의 최고는 %s입니다. 최고를 넘고 %d%% 이상이면 살펴봅니다.",
		len(recent), text(median(recent)), len(earlier), text(median(earlier)), percent, text(highest), jumpPercent)
	return verdict(percent >= jumpPercent && median(recent) > highest, detail, remedy, figures{
		"recent_weeks": len(recent), "recent_median": int64(median(recent)), "earlier_weeks": len(earlier), "earlier_median": int64(median(earlier)),
		"ratio_percent": percent, "earlier_highest": int64(highest), "limit_percent": jumpPercent,
	})
}

// weeksBefore are the sums above zero of up to n weeks before end that h tells
// wholly.
func weeksBefore(h revenue.History, end revenue.Local, n int) []money.Minor {
	var sums []money.Minor
	for i := range n {
		start := end - revenue.Local(i+1)*revenue.Week
		if t := h.Sum(revenue.Span{Start: start, End: start + revenue.Week}); t.MissingMinutes == 0 && t.Amount > 0 {
			sums = append(sums, t.Amount)
		}
	}
	return sums
}

// bySource sorts the weeks before end, as many as a jump looks at, into those
// that only the upload tells and those that the ledger tells.
func (l line) bySource(end revenue.Local) (own, told []money.Minor) {
	if l.Ledger.Len() == 0 {
		return nil, nil
	}
	for i := range recentWeeks + mostEarlier {
		week := revenue.Span{Start: end - revenue.Local(i+1)*revenue.Week}
		week.End = week.Start + revenue.Week
		ledger, upload := l.Ledger.Sum(week), l.Upload.Sum(week)
		switch {
		case ledger.MissingMinutes == 0 && ledger.Amount > 0:
			told = append(told, ledger.Amount)
		case ledger.OpenBuckets+ledger.ClosedBuckets == 0 && upload.MissingMinutes == 0 && upload.Amount > 0:
			own = append(own, upload.Amount)
		}
	}
	return own, told
}

// ratio is the median of a in percent of the median of b, both above zero; at
// most 1000.
func ratio(a, b []money.Minor) int { return pair{median(a), median(b)}.percent() }

// median is the middle amount, the lower of two.
func median(amounts []money.Minor) money.Minor {
	sorted := slices.Sorted(slices.Values(amounts))
	return sorted[(len(sorted)-1)/2]
}

// percent is a part in whole percent of the whole; 0 of nothing.
func percent(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return (200*part + whole) / (2 * whole)
}

// hundredths writes basis points as percent.
func hundredths(basisPoints int) string {
	return fmt.Sprintf("%d.%02d%%", basisPoints/100, basisPoints%100)
}

// join puts one sentence after another.
func join(a, b lang.Text) lang.Text { return lang.F("%s %s", "%s %s", a, b) }

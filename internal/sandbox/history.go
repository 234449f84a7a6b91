package sandbox

import (
	"math/bits"
	"math/rand/v2"
	"slices"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/revenue"
)

// hour is one row of an export.
type hour struct {
	at     revenue.Local
	amount money.Minor
	count  int64
	closed bool
}

// takings are what one outlet sold in one service, hour by hour.
type takings struct {
	hours  []hour
	earned money.Minor // in the hours that an impairment window touches
	lost   money.Minor // to the outage, which nobody outside the sandbox could know
}

// Streams of the random numbers, one for each thing that is drawn.
const (
	planStream = iota
	claimStream
	historyStream // and those after it, one for each trade of a member
)

// sell plays a member's sales in one trade, hour by hour, through an incident.
// All arithmetic is in integers, so that every machine plays the same.
func (m member) sell(n int, in claims.Incident) takings {
	t := m.sector.trades[n]
	windows := impairments(in, t.service)
	r := rand.New(rand.NewPCG(m.stream, historyStream+uint64(n)))
	span := m.trades()
	var out takings
	drift := int64(1000) // thousandths, walking week by week
	for day := span.Start.DayStart(); day < span.End; day += revenue.Day {
		if day == day.WeekStart() {
			drift = min(max(drift+r.Int64N(61)-30, 850), 1150)
		}
		weekday := day.Weekday()
		off := slices.Contains(m.off, weekday)
		// In thousandths of the sector's hour; a day is up to an eighth off.
		strength := m.level * t.week[weekday] * drift / 10_000 * (875 + r.Int64N(251)) / 1000
		if isHoliday(day) {
			strength = strength * t.holiday / 100
		}
		for h := range 24 {
			at := day + revenue.Local(h)*revenue.Hour
			if off || !m.opens(h) {
				out.hours = append(out.hours, hour{at: at, closed: true})
				continue
			}
			risk, touched := riskIn(at, windows)
			sold, lost := sellHour(r, t, at, t.hours[h]*strength/100, risk*m.reliance/100)
			out.hours = append(out.hours, sold)
			out.lost += lost
			if touched {
				out.earned += sold.amount
			}
		}
	}
	m.distort(r, t, &out)
	return out
}

// within are the hours of a span.
func (t takings) within(span revenue.Span) []hour {
	return slices.DeleteFunc(slices.Clone(t.hours), func(h hour) bool { return !span.Contains(h.at) })
}

// riskIn is the part of an hour's service that was down, in ten-thousandths, and
// whether a window touches the hour at all.
func riskIn(at revenue.Local, windows []impaired) (risk int64, touched bool) {
	for _, w := range windows {
		if minutes := min(w.End, at+revenue.Hour) - max(w.Start, at); minutes > 0 {
			risk += w.downBasisPoints * int64(minutes) / 60
			touched = true
		}
	}
	return risk, touched
}

// sellHour draws the sales of an hour, expected in thousandths, and takes away
// those that the outage stopped, each with the risk in ten-thousandths.
func sellHour(r *rand.Rand, t trade, at revenue.Local, expected, risk int64) (hour, money.Minor) {
	sold := hour{at: at}
	var lost money.Minor
	for range drawCount(r, expected) {
		amount := (t.ticket/2 + money.Minor(r.Int64N(int64(t.ticket)))) / 100 * 100
		if r.Int64N(10_000) < risk {
			lost += amount
			continue
		}
		sold.amount += amount
		sold.count++
	}
	return sold, lost
}

// drawCount draws a number of sales with the expected number, in thousandths,
// as its mean and three quarters of that as its variance: 4n coins of which each
// falls with chance 1/4.
func drawCount(r *rand.Rand, expected int64) int64 {
	mean := expected / 1000
	if r.Int64N(1000) < expected%1000 {
		mean++
	}
	n := 0
	for coins := 4 * mean; coins > 0; coins -= 64 {
		fallen := r.Uint64() & r.Uint64()
		if coins < 64 {
			fallen &= 1<<coins - 1
		}
		n += bits.OnesCount64(fallen)
	}
	return int64(n)
}

// opens reports whether the member works in an hour of the day; shifts may run
// past midnight.
func (m member) opens(h int) bool { return (h-m.shift[0]+24)%24 < m.shift[1] }

func isHoliday(day revenue.Local) bool {
	return slices.Contains(holidays, day.Clock().Format("2006-01-02"))
}

// distort writes the member's oddity into the history.
func (m member) distort(r *rand.Rand, t trade, out *takings) {
	switch m.oddity {
	case flatLine:
		for i := range out.hours {
			if h := &out.hours[i]; !h.closed {
				h.amount, h.count = t.ticket*2, 2
			}
		}
	case gap:
		start := outageDay - revenue.Local(30+r.IntN(20))*revenue.Day
		missing := revenue.Span{Start: start, End: start + 3*revenue.Week}
		out.hours = slices.DeleteFunc(out.hours, func(h hour) bool { return missing.Contains(h.at) })
	case bulkOrder:
		day := revenue.Span{Start: local(october(12, 0, 0)), End: local(october(14, 0, 0))}
		i := slices.IndexFunc(out.hours, func(h hour) bool { return !h.closed && h.count > 0 && day.Contains(h.at) })
		if i >= 0 {
			out.hours[i].amount += 60 * t.ticket
			out.hours[i].count++
		}
	case refunds:
		for i := range out.hours {
			if h := &out.hours[i]; !h.closed && r.IntN(60) == 0 {
				h.amount -= 3 * t.ticket
			}
		}
	}
}

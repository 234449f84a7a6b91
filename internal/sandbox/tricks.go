package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/revenue"
)

// most is the largest share that a kind has of forty cases.
const most = 5

// tricks are the kinds of frauds and mistakes, forty cases together.
var tricks = []trick{
	{
		kind: "twin_account", of40: 2, pair: after,
		told:  "files again under another name, paid to the same account",
		proof: "the holder's name, which the bank confirms",
		play: func(_ int, m, other *member) {
			m.register = func(c *claims.Claimant) { c.Bank.Number = strings.ReplaceAll(other.phone(), "-", "") }
		},
	},
	{
		kind: "twin_phone", of40: 2, pair: after,
		told:  "files again under another name, with the same telephone written another way",
		proof: "one code sent to the telephone; numbers compared in their international form",
		play: func(n int, m, other *member) {
			m.register = func(c *claims.Claimant) {
				c.Phone = strings.ReplaceAll(other.phone(), "-", "")
				if n%2 == 1 {
					c.Phone = "+82 " + other.phone()[1:]
				}
			}
		},
	},
	{
		kind: "copied_scaled", of40: 2, pair: related,
		told:  "hands in a colleague's file, times a factor",
		proof: "the platform's ledger; where the copy came in first, counting copies again when a reviewer takes the claim",
		play: func(n int, m, other *member) {
			factor := 1250 + 450*int64(n)
			m.write = func(_ *rand.Rand, trade int, _ []hour, in claims.Incident) []hour {
				return scaled(other.sell(trade, in).within(m.exported()), factor, n%2 == 1)
			}
		},
	},
	{
		kind: "copied_noised", of40: 2, pair: related,
		told:  "hands in a colleague's file, times a factor, each hour changed a little",
		proof: "the platform's ledger; likeness of whole histories, which noise of a tenth leaves, instead of equal weeks",
		play: func(n int, m, other *member) {
			m.write = func(r *rand.Rand, trade int, _ []hour, in claims.Incident) []hour {
				hours := scaled(other.sell(trade, in).within(m.exported()), 1150+300*int64(n), false)
				for i := range hours {
					hours[i] = times(hours[i], 900+r.Int64N(201), false)
				}
				return hours
			}
		},
	},
	{
		kind: "copied_moved", of40: 1, pair: related,
		told:  "hands in a colleague's file of the weeks before, dated a week later",
		proof: "the platform's ledger; where the copy came in first, counting copies again when a reviewer takes the claim",
		play: func(_ int, m, other *member) {
			m.reach = toOutage
			m.write = func(_ *rand.Rand, trade int, _ []hour, in claims.Incident) []hour {
				span := m.exported()
				hours := other.sell(trade, in).within(revenue.Span{Start: span.Start, End: span.End - revenue.Week})
				for i := range hours {
					hours[i].at += revenue.Week
				}
				return hours
			}
		},
	},
	{
		kind: "last_weeks_inflated", of40: 2,
		told:  "raises the last weeks before the outage",
		proof: "the platform's ledger or card totals; weeks counted back from the outage, so that three raised ones are three",
		play: func(n int, m, _ *member) {
			m.source = uploaded
			span := revenue.Span{Start: outageDay - revenue.Local(3+n)*revenue.Week, End: outageDay}
			m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour {
				return where(hours, span, func(h hour) hour { return times(h, 1700+500*int64(n), n%2 == 1) })
			}
		},
	},
	{
		kind: "inflated_beside_ledger", of40: 2,
		told:  "raises the whole history, though the platform has its own",
		proof: "the platform's ledger",
		play: func(n int, m, _ *member) {
			m.source = both
			m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour {
				return scaled(hours, 1400+500*int64(n), false)
			}
		},
	},
	{
		kind: "emptied_beside_ledger", of40: 2, fits: tradesThrough,
		told:  "empties the hours of the outage, though the platform saw trade in them",
		proof: "the platform's ledger",
		play: func(_ int, m, _ *member) {
			m.source, m.reach = both, toFiling
			m.write, m.state = emptied, declares(0)
		},
	},
	{
		kind: "emptied_unseen", of40: 2, fits: tradesThrough,
		told:  "hides what came in during the outage; nobody else has a record of it",
		proof: "card sales and cash receipts that the tax office holds",
		play: func(n int, m, _ *member) {
			m.source, m.reach, m.state = uploaded, toFiling, declares(0)
			if n%2 == 1 {
				m.reach = toOutage
			}
			m.write = emptied
		},
	},
	{
		kind: "car_and_fleet", of40: 1, pair: related,
		fits:  func(m *member) bool { return m.sector.kind == claims.Driver },
		told:  "a taxi company claims for a car whose driver claims, too",
		proof: "the platform's register of cars and drivers",
		play: func(_ int, m, other *member) {
			m.sector.kind, m.sector.label = claims.Merchant, "시험 택시회사"
			m.register = func(c *claims.Claimant) { c.Outlets[0].PlatformID = other.driverID() }
			m.write = func(_ *rand.Rand, trade int, hours []hour, in claims.Incident) []hour {
				return bothShifts(other.sell(trade, in).within(m.exported()), hours)
			}
		},
	},
	{
		kind: "account_changed", of40: 2,
		told:  "a stranger with the claimant's key has the money sent elsewhere, before or after the claim",
		proof: "asking by the telephone known before; for a change after the submission, the checks again before the payment",
		play: func(n int, m, _ *member) {
			m.online, m.account = true, 10*time.Minute
			if n%2 == 1 {
				m.account = 30 * time.Hour
			}
		},
	},
	{
		kind: "closed_but_claims", of40: 2, fits: openOnFridays,
		told:  "had closed, for good or for a holiday, and pastes earlier weeks over it",
		proof: "the register of closed businesses, or the platform's ledger; days looked at for copies, not weeks alone",
		play: func(n int, m, _ *member) {
			m.source, m.reach, m.state = uploaded, toOutage, declares(0)
			shut, before := revenue.Span{Start: local(october(1, 0, 0)), End: local(Now)}, 3*revenue.Week
			if n%2 == 1 {
				shut.Start, before = local(october(14, 0, 0)), revenue.Week
			}
			m.live = func(hours []hour) { shutDown(hours, shut) }
			m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour {
				return pasted(hours, shut, before)
			}
		},
	},
	{
		kind: "closure_but_sales", mistake: true, of40: 1, fits: openOnSunday,
		told:  "states to have been closed on the Sunday on which the file has sales",
		proof: "asking",
		play: func(_ int, m, _ *member) {
			m.reach = toFiling
			m.state = closedOnSunday
		},
	},
	{
		kind: "invented_smooth", of40: 2,
		told:  "makes up a history with a formula",
		proof: "the platform's ledger; the spread of one hour from week to week, beside what its number of sales would give",
		play: func(n int, m, _ *member) {
			m.source = uploaded
			m.write = func(r *rand.Rand, trade int, hours []hour, in claims.Incident) []hour {
				return emptied(r, trade, invented(r, m.sector.trades[trade], hours, 50*int64(1-n%2)), in)
			}
		},
	},
	{
		kind: "wrong_month", mistake: true, of40: 1,
		told:  "pastes the month before into the last month",
		proof: "asking for the file again",
		play: func(_ int, m, _ *member) {
			m.source = uploaded
			m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour {
				return pasted(hours, revenue.Span{Start: outageDay - 4*revenue.Week, End: outageDay}, 4*revenue.Week)
			}
		},
	},
	{
		kind: "rounded_diary", mistake: true, of40: 2,
		fits:  func(m *member) bool { return m.sector.trades[0].ticket > 15_000 },
		told:  "writes a diary in tens of thousands of won, from memory",
		proof: "card sales that the tax office holds; looking for steps of 10,000 won, too",
		play: func(n int, m, _ *member) {
			m.source = uploaded
			m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour { return rounded(hours, 10_000) }
			if n%2 == 1 {
				m.form, m.write = daily(10_000), nil
			}
		},
	},
	{
		kind: "same_file_two_outlets", of40: 1,
		fits:  func(m *member) bool { return m.sector.kind == claims.Merchant && len(m.sector.trades) == 1 },
		told:  "claims for a second outlet with the file of the first",
		proof: "the platform's register of outlets; looking for copies among a claimant's own outlets, too",
		play:  func(_ int, m, _ *member) { m.online, m.annex, m.source = true, true, uploaded },
	},
	{
		kind: "decimal_slip", mistake: true, of40: 2,
		fits:  func(m *member) bool { return m.sector.code == "salon" },
		told:  "writes a nought too many in lost bookings, in all or in one",
		proof: "the price list; each item beside the usual sale of the record",
		play: func(n int, m, _ *member) {
			m.state = func(_ *rand.Rand, c *claims.Content) {
				for i := range c.Lines[0].Items {
					if i == 0 || n%2 == 0 {
						c.Lines[0].Items[i].Amount *= 10
					}
				}
			}
		},
	},
	{
		kind: "opened_after", of40: 2,
		told:  "opened after the outage: claims in ignorance, or with weeks made up beside a true ledger",
		proof: "the register of businesses; that the record or the platform's ledger begins after the outage did",
		play: func(n int, m, _ *member) {
			m.opened, m.reach, m.at = outageDay+2*revenue.Day, toFiling, october(22, 9, 0).Add(time.Duration(m.number)*time.Second)
			if n%2 == 0 {
				m.source = uploaded
				return
			}
			m.source = both
			m.write = func(r *rand.Rand, trade int, hours []hour, _ claims.Incident) []hour {
				before := *m
				before.opened = 0
				span := before.exported()
				span.End = m.opened
				return slices.Concat(invented(r, m.sector.trades[trade], before.sell(trade, claims.Incident{}).within(span), 250), hours)
			}
		},
	},
	{
		kind: "one_address", of40: 5, fits: func(m *member) bool { return m.source == uploaded },
		told:  "files in several bought names from one room, within ninety minutes",
		proof: "a code sent to each telephone; lower limits for addresses that are no carrier's",
		play: func(_ int, m, _ *member) {
			m.online, m.address = true, "198.51.100.200"
			m.at = october(23, 13, 0).Add(time.Duration(m.number) * 2 * time.Second)
		},
	},
	{
		kind: "hidden_cash", of40: 1,
		fits:  func(m *member) bool { return m.sector.trades[len(m.sector.trades)-1].service == pay },
		told:  "says nothing of what customers paid by card and in cash instead",
		proof: "card sales and cash receipts that the tax office holds",
		play: func(_ int, m, _ *member) {
			m.state = func(_ *rand.Rand, c *claims.Content) { c.Lines[len(c.Lines)-1].Substitutes = nil }
		},
	},
	{
		kind: "padded_costs", of40: 1,
		fits:  func(m *member) bool { return m.sector.kind == claims.Merchant },
		told:  "adds costs that the outage did not cause",
		proof: "the invoices; costs looked at apart from lost sales, beside a week's sales",
		play: func(_ int, m, _ *member) {
			m.state = func(r *rand.Rand, c *claims.Content) {
				c.Expenses = []claims.Expense{
					{Kind: "extra_staff", Amount: money.Minor(38+r.IntN(20)) * 10_000},
					{Kind: "advertising", Amount: money.Minor(60+r.IntN(40)) * 10_000},
				}
			}
		},
	},
}

// tradesThrough reports whether the outage leaves the member a part of their
// sales.
func tradesThrough(m *member) bool { return m.reliance < 80 }

func openOnSunday(m *member) bool {
	return tradesThrough(m) && !slices.Contains(m.off, time.Sunday)
}

func openOnFridays(m *member) bool { return !slices.Contains(m.off, time.Friday) }

// times multiplies an hour's amount by thousandths, rounded to 100 won as a
// spreadsheet would, and the number of sales where the claimant thinks of it.
func times(h hour, thousandths int64, counts bool) hour {
	h.amount = money.Minor(int64(h.amount)*thousandths/100_000) * 100
	if counts {
		h.count = h.count * thousandths / 1000
	}
	return h
}

func scaled(hours []hour, thousandths int64, counts bool) []hour {
	for i := range hours {
		hours[i] = times(hours[i], thousandths, counts)
	}
	return hours
}

// where changes the hours within a span.
func where(hours []hour, span revenue.Span, change func(hour) hour) []hour {
	for i, h := range hours {
		if span.Contains(h.at) {
			hours[i] = change(h)
		}
	}
	return hours
}

// emptied takes all sales out of the hours of the outage.
func emptied(_ *rand.Rand, _ int, hours []hour, in claims.Incident) []hour {
	span := revenue.Span{Start: local(in.StartsAt), End: local(in.EndsAt)}
	return where(hours, span, func(h hour) hour { h.amount, h.count = 0, 0; return h })
}

// shutDown leaves a span without trade.
func shutDown(hours []hour, span revenue.Span) {
	where(hours, span, func(h hour) hour { return hour{at: h.at, closed: true} })
}

// pasted writes the hours of a time before over those of a span.
func pasted(hours []hour, span revenue.Span, before revenue.Local) []hour {
	at := make(map[revenue.Local]hour, len(hours))
	for _, h := range hours {
		at[h.at] = h
	}
	return where(hours, span, func(h hour) hour {
		if earlier, ok := at[h.at-before]; ok {
			earlier.at = h.at
			return earlier
		}
		return h
	})
}

// invented fills open hours with what a formula gives: a mean by weekday, up by
// a hundredth a week, and a spread in thousandths.
func invented(r *rand.Rand, t trade, hours []hour, spread int64) []hour {
	for i := range hours {
		h := &hours[i]
		if h.closed {
			continue
		}
		mean := 2 * int64(t.ticket) * t.week[h.at.Weekday()] / 100
		week := int64((h.at - hours[0].at) / revenue.Week)
		*h = times(hour{at: h.at, amount: money.Minor(mean)}, (1000+10*week)*(1000-spread+r.Int64N(2*spread+1))/1000, false)
		h.count = max(1, int64(h.amount/t.ticket))
	}
	return hours
}

// rounded rounds amounts to whole steps.
func rounded(hours []hour, step money.Minor) []hour {
	for i := range hours {
		hours[i].amount = (hours[i].amount + step/2) / step * step
	}
	return hours
}

// daily writes a diary: a row a day with a sum in whole steps, none for days off.
func daily(step money.Minor) export {
	return func(hours []hour) ([]byte, error) {
		rows := [][]string{{"날짜", "매출액"}}
		var days []hour
		for _, h := range hours {
			if h.closed {
				continue
			}
			if day := h.at.DayStart(); len(days) == 0 || days[len(days)-1].at != day {
				days = append(days, hour{at: day})
			}
			days[len(days)-1].amount += h.amount
		}
		for _, day := range rounded(days, step) {
			date, _, _ := strings.Cut(clock(day.at), " ")
			rows = append(rows, []string{date, fmt.Sprint(int64(day.amount))})
		}
		return writeCSV(',', rows)
	}
}

// bothShifts is what a car earns with one driver and, when that one rests, with
// another.
func bothShifts(one, other []hour) []hour {
	for i, h := range other {
		if j, ok := slices.BinarySearchFunc(one, h.at, func(h hour, at revenue.Local) int { return int(h.at - at) }); ok && !one[j].closed {
			other[i] = one[j]
		}
	}
	return other
}

// declares states the same takings during the outage in every line.
func declares(takings money.Minor) func(*rand.Rand, *claims.Content) {
	return func(_ *rand.Rand, c *claims.Content) {
		for i := range c.Lines {
			c.Lines[i].DeclaredActual = &takings
		}
	}
}

// sunday is the day after the outage began.
var sunday = revenue.Span{Start: outageDay + revenue.Day, End: outageDay + 2*revenue.Day}

// closedOnSunday states a closure on the day after the outage began.
func closedOnSunday(_ *rand.Rand, c *claims.Content) {
	for i := range c.Lines {
		c.Lines[i].Closures = []claims.Closure{{Start: october(16, 0, 0).UTC(), End: october(17, 0, 0).UTC()}}
	}
}

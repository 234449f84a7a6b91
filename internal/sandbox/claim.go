package sandbox

import (
	"math/rand/v2"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
)

// currency is that of every amount in the sandbox.
const currency = "KRW"

// outletCode is the code of everybody's outlet, annexCode that of a second one.
const (
	outletCode = "main"
	annexCode  = "annex"
)

// claimant is the member as they register.
func (m member) claimant() claims.Claimant {
	c := claims.Claimant{
		Kind: m.sector.kind, Name: m.name(), Phone: m.phone(), Zone: zoneName, Currency: currency,
		Bank:    &claims.BankAccount{BankCode: "004", Number: m.phone(), Holder: m.name()},
		Outlets: []claims.Outlet{{Code: outletCode, Name: m.outletName(), Sector: string(m.sector.code), Region: m.region}},
	}
	if m.sector.kind == claims.Driver {
		c.DriverID = m.driverID()
	} else {
		c.BusinessNumber = m.businessNumber()
	}
	return c
}

// filing is how and by whom a claim comes in.
type filing struct {
	channel string
	by      identity.Role // the claimant, or staff on their behalf
}

var filings = []filing{
	{"web", identity.Claimant}, {"web", identity.Claimant}, {"web", identity.Claimant}, {"web", identity.Claimant},
	{"api", identity.Claimant}, {"phone", identity.Reviewer}, {"paper", identity.Reviewer},
}

// content is what the member states, given what was sold in each of their
// trades.
func (m member) content(r *rand.Rand, sold []takings) claims.Content {
	var c claims.Content
	for i, t := range m.sector.trades {
		line := claims.LossLine{Service: t.service}
		// Whose file ends early says what was earned; one in four forgets to.
		if earned := sold[i].earned / 1000 * 1000; m.reach != toFiling && r.IntN(4) > 0 {
			line.DeclaredActual = &earned
		}
		switch t.service {
		case hair:
			share := int(m.reliance) * 100
			line.PlatformShareBasisPoints = &share
			line.Items = m.bookings(r, t)
		case pay:
			line.Substitutes = substitutes(r, sold[i].lost)
		}
		c.Lines = append(c.Lines, line)
	}
	switch {
	case m.sector.kind == claims.Driver && r.IntN(10) < 6:
		c.Subscriptions = []claims.Subscription{{Plan: "Pro", Service: taxi, MonthlyFee: 39_000}}
	case m.sector.kind == claims.Merchant && r.IntN(8) == 0:
		margin := 2500 + 500*r.IntN(8)
		c.OwnMarginBasisPoints = &margin
	case m.sector.kind == claims.Merchant && r.IntN(8) == 0:
		c.Expenses = []claims.Expense{{Kind: "advertising", Amount: money.Minor(3+r.IntN(10)) * 10_000}}
	}
	return c
}

// bookings are single bookings that were lost, on the day of the outage and the
// next, in hours in which salons work.
func (m member) bookings(r *rand.Rand, t trade) []claims.LossItem {
	var items []claims.LossItem
	for n := range 2 + r.IntN(3) {
		at := october(15+n%2, 16+n/2, 30)
		kind := "lost_booking"
		if r.IntN(3) == 0 {
			kind = "no_show"
		}
		items = append(items, claims.LossItem{Kind: kind, At: at.UTC(), Amount: t.ticket/2 + money.Minor(r.IntN(40))*1000})
	}
	return items
}

// substitutes are what customers paid otherwise: between two and nine tenths of
// what the outage took.
func substitutes(r *rand.Rand, lost money.Minor) []claims.Substitute {
	instead := lost * money.Minor(2+r.IntN(8)) / 10
	card, cash := instead*4/5/1000*1000, instead/5/1000*1000
	var list []claims.Substitute
	if card > 0 {
		list = append(list, claims.Substitute{Kind: "card", Amount: card})
	}
	if cash > 0 {
		list = append(list, claims.Substitute{Kind: "cash", Amount: cash})
	}
	return list
}

// filedAt is when the claim comes in.
func (m member) filedAt() time.Time { return m.at.Add(20 * time.Minute) }

// withdrawnAt is when it is withdrawn, where it is.
func (m member) withdrawnAt() time.Time { return m.at.Add(3 * time.Hour) }

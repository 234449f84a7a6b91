package sandbox

import (
	"fmt"
	"math/rand/v2"
	"time"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/revenue"
)

// likeness is how an honest claimant happens to look like a case. The portions
// are assumptions.
type likeness string

const (
	plain     likeness = ""
	household likeness = "household"    // paid to the account of somebody of the same home
	telephone likeness = "telephone"    // of a relative who files for them
	office    likeness = "office"       // filed on one afternoon at one bookkeeper's
	corrected likeness = "corrected"    // a digit of the account, minutes after the registration
	dayOff    likeness = "day_off"      // was closed on the Sunday, and says so
	thousands likeness = "thousands"    // exports in thousands of won
	handmade  likeness = "handmade"     // writes lost bookings in tens of thousands
	grown     likeness = "grown"        // a quarter more for five weeks, truly
	withVAT   likeness = "with_vat"     // a file with the tax beside a ledger without
	seller    likeness = "other_seller" // a file of all sales beside a ledger of the platform's
)

var (
	likenessPortions = []portion[likeness]{
		{household, 2}, {telephone, 1}, {office, 1}, {corrected, 3}, {dayOff, 6}, {thousands, 6}, {handmade, 3}, {grown, 3}, {withVAT, 2}, {seller, 2},
	}
	// carriers are claimants whom a mobile carrier gives an address with others.
	carriers = []portion[bool]{{true, 45}}
)

// perCarrier is how many claimants of the sandbox there are for each of the
// carriers' addresses.
const perCarrier = 50

// chance gives everybody a network address, and makes some of the honest look
// like cases, as real ones do.
func (c *casting) chance() {
	n := len(c.members)
	likenesses, shared := deal(c.r, n, plain, likenessPortions), deal(c.r, n, false, carriers)
	for i := range c.members {
		m := &c.members[i]
		other := &c.members[c.r.IntN(n)]
		if m.address == "" {
			m.address = fmt.Sprintf("2001:db8::%x", m.number)
			if shared[i] {
				m.address = fmt.Sprintf("203.0.113.%d", 1+c.r.IntN(min(max(1, n/perCarrier), 254)))
			}
		}
		if c.free(i) && other.number != m.number {
			m.likeness = likenesses[i]
			m.resemble(other)
		}
	}
}

// resemble makes an honest member look like their likeness.
func (m *member) resemble(other *member) {
	switch m.likeness {
	case household:
		m.register = func(c *claims.Claimant) { c.Bank = other.claimant().Bank }
	case telephone:
		m.register = func(c *claims.Claimant) { c.Phone = other.phone() }
	case office:
		m.online, m.address = true, "198.51.100.20"
		m.at = october(24, 9, 0).Add(time.Duration(m.number) * 3 * time.Second)
	case corrected:
		m.online, m.account = true, 10*time.Minute
	case dayOff:
		m.live = func(hours []hour) { shutDown(hours, sunday) }
		m.state = closedOnSunday
	case thousands:
		m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour { return rounded(hours, 1000) }
	case handmade:
		m.state = func(_ *rand.Rand, c *claims.Content) {
			for i := range c.Lines {
				for j := range c.Lines[i].Items {
					item := &c.Lines[i].Items[j]
					item.Amount = (item.Amount + 5_000) / 10_000 * 10_000
				}
			}
		}
	case grown:
		span := revenue.Span{Start: outageDay - 5*revenue.Week, End: local(Now)}
		m.live = func(hours []hour) { where(hours, span, func(h hour) hour { return times(h, 1250, true) }) }
	case withVAT:
		m.source = both
		m.write = func(_ *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour { return scaled(hours, 1100, false) }
	case seller:
		m.source = both
		m.write = func(r *rand.Rand, _ int, hours []hour, _ claims.Incident) []hour {
			for i := range hours {
				hours[i].amount += hours[i].amount * money.Minor(r.IntN(40)) / 100
			}
			return hours
		}
	}
}

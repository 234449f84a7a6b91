package sandbox

import (
	"fmt"
	"math/rand/v2"
	"time"

	"redress/internal/revenue"
	"redress/internal/scheme"
)

// oddity is what is out of the ordinary in a history.
type oddity string

const (
	ordinary  oddity = "ordinary"
	newcomer  oddity = "new"        // opened two or three weeks before the outage
	flatLine  oddity = "flat_line"  // the same amount every open hour
	gap       oddity = "gap"        // three weeks are missing
	oneDay    oddity = "one_day"    // the day before the outage and nothing else
	bulkOrder oddity = "bulk_order" // one sale of sixty times the usual
	refunds   oddity = "refunds"    // hours in which more was refunded than sold
)

// fate is what becomes of a claimant's claim.
type fate string

const (
	submitted fate = "submitted"
	late      fate = "late" // submitted after the filing period closed
	draft     fate = "draft"
	withdrawn fate = "withdrawn"
	unfiled   fate = "unfiled" // registered, with a history, without a claim
)

// source is where a history comes from.
type source string

const (
	uploaded source = "uploaded"
	ledger   source = "ledger" // pushed by the platform
	both     source = "both"   // the claimant's upload, and a ledger of the last eight weeks
)

// reach is how far a history goes.
type reach string

const (
	toFiling reach = "to_filing" // to the midnight before the claim
	toOutage reach = "to_outage" // to the hour before the outage
	toMonday reach = "to_monday" // to the Monday after the outage began
)

// portion is a value and how many of 300 claimants have it.
type portion[T any] struct {
	value T
	of300 int
}

// The portions; who is in none is ordinary, submitted, uploaded, toFiling.
var (
	sectorPortions = []portion[scheme.Sector]{
		{"salon", 80}, {"convenience", 40}, {"bakery", 20}, {"cafe", 20}, {"retail", 20}, {"online_retail", 20},
	}
	oddityPortions = []portion[oddity]{{newcomer, 8}, {flatLine, 3}, {gap, 5}, {oneDay, 3}, {bulkOrder, 3}, {refunds, 4}}
	fatePortions   = []portion[fate]{{late, 2}, {draft, 30}, {withdrawn, 6}, {unfiled, 12}}
	sourcePortions = []portion[source]{{ledger, 40}, {both, 20}}
	reachPortions  = []portion[reach]{{toOutage, 90}, {toMonday, 30}}
)

// deal gives each of n claimants a value: the portions, rounded up so that a
// small sandbox has some of each, and the usual value to all others, shuffled.
func deal[T any](r *rand.Rand, n int, usual T, portions []portion[T]) []T {
	values := make([]T, 0, n)
	for _, p := range portions {
		for range (n*p.of300 + 299) / 300 {
			if len(values) < n {
				values = append(values, p.value)
			}
		}
	}
	for len(values) < n {
		values = append(values, usual)
	}
	r.Shuffle(n, func(i, j int) { values[i], values[j] = values[j], values[i] })
	return values
}

// member is one claimant of the sandbox, before anything is written.
type member struct {
	number int // from 1
	sector sector
	region string
	oddity oddity
	fate   fate
	source source
	reach  reach
	at     time.Time // of the registration; the claim follows within the hour

	shift    [2]int // opening hour and hours open
	off      []time.Weekday
	level    int64  // percent of the sector's usual sales
	reliance int64  // percent of the sales that a full outage stops
	stream   uint64 // seeds everything else that is drawn for the member

	played
}

// plan decides who the claimants are. The same seed and number give the same
// plan.
func plan(seed uint64, n int) []member {
	r := rand.New(rand.NewPCG(seed, planStream))
	sectorOf := deal(r, n, "taxi", sectorPortions)
	oddityOf := deal(r, n, ordinary, oddityPortions)
	fateOf := deal(r, n, submitted, fatePortions)
	sourceOf := deal(r, n, uploaded, sourcePortions)
	reachOf := deal(r, n, toFiling, reachPortions)
	members := make([]member, n)
	lates := 0
	for i := range members {
		s := sectors[sectorOf[i]]
		m := member{
			number: i + 1, sector: s, region: pick(r, regions), oddity: oddityOf[i], fate: fateOf[i], source: sourceOf[i], reach: reachOf[i],
			at:    filingOpens.Add(firstClosing.Sub(filingOpens) * time.Duration(i+1) / time.Duration(n+1)).Add(-time.Hour).Truncate(time.Second),
			shift: pick(r, s.shifts), off: pick(r, s.off), level: 60 + r.Int64N(110), stream: r.Uint64(),
			reliance: s.reliance[0] + r.Int64N(s.reliance[1]-s.reliance[0]+1),
		}
		if m.at.Before(filingOpens) {
			m.at = filingOpens
		}
		if m.fate == late {
			m.at = firstClosing.Add(time.Duration(20+35*lates) * time.Minute)
			lates++
		}
		members[i] = m
	}
	return members
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Names say that they are invented.
func (m member) name() string       { return fmt.Sprintf("청구인 %03d", m.number) }
func (m member) outletName() string { return fmt.Sprintf("%s %03d", m.sector.label, m.number) }
func (m member) phone() string      { return fmt.Sprintf("010-0000-%04d", m.number%10000) }
func (m member) driverID() string   { return fmt.Sprintf("sandbox-%05d", m.number) }

// businessNumber is a number with a right check digit in the range of tax office
// 000, which does not exist.
func (m member) businessNumber() string { return checked(fmt.Sprintf("000%06d", m.number)) }

// checked appends the check digit to the nine digits of a business number.
func checked(nine string) string {
	weights := [9]int{1, 3, 7, 1, 3, 7, 1, 3, 5}
	sum := int(nine[8]-'0') * 5 / 10
	for i, w := range weights {
		sum += int(nine[i]-'0') * w
	}
	return fmt.Sprintf("%s%d", nine, (10-sum%10)%10)
}

// trades is the span in which the member's sales are played: twelve weeks before
// the outage, or since the opening, to the midnight before the claim.
func (m member) trades() revenue.Span {
	span := revenue.Span{Start: outageDay - 12*revenue.Week, End: local(m.at).DayStart()}
	if m.oddity == newcomer {
		span.Start = outageDay - 14*revenue.Day - revenue.Local(m.number%8)*revenue.Day
	}
	span.Start = max(span.Start, m.opened)
	return span
}

// exported is what of it the member's file holds.
func (m member) exported() revenue.Span {
	span := m.trades()
	switch {
	case m.oddity == oneDay:
		return revenue.Span{Start: outageDay - revenue.Day, End: outageDay}
	case m.reach == toOutage:
		span.End = outageDay + 15*revenue.Hour
	case m.reach == toMonday:
		span.End = outageDay + 2*revenue.Day
	}
	return span
}

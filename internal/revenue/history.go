// Package revenue holds revenue histories: buckets of what one outlet earned in
// one service, how they are packed into weeks, and how the exports of
// merchants, drivers and platforms are read. Plain functions on plain data.
package revenue

import (
	"fmt"
	"time"

	"redress/internal/money"
)

// Local is a minute of the claimant's own wall clock, counted from
// 1970-01-01T00:00 on that clock. It carries no zone: a day has 1440 of them
// whatever daylight saving does (the skipped hour is missing, the repeated hour
// is one bucket).
type Local int64

// Lengths in minutes.
const (
	Hour Local = 60
	Day  Local = 24 * Hour
	Week Local = 7 * Day
)

const localLayout = "2006-01-02T15:04"

// LocalOf reads the wall clock of zone at instant t, cut to the minute.
func LocalOf(t time.Time, zone *time.Location) Local {
	t = t.In(zone)
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	return Local(floorDiv(seconds, 60))
}

// ParseLocal reads "2006-01-02T15:04".
func ParseLocal(s string) (Local, error) {
	t, err := time.ParseInLocation(localLayout, s, time.UTC)
	if err != nil {
		return 0, fmt.Errorf("%q is not a local time such as 2022-10-15T15:30", s)
	}
	return Local(t.Unix() / 60), nil
}

// Clock returns the wall-clock reading as a time labelled UTC, for calendar
// arithmetic and printing; it is not an instant.
func (l Local) Clock() time.Time { return time.Unix(int64(l)*60, 0).UTC() }

// Instant returns the moment at which zone's clocks show l. In the hour that
// daylight saving skips or repeats it follows time.Date.
func (l Local) Instant(zone *time.Location) time.Time {
	c := l.Clock()
	return time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), 0, 0, zone)
}

// String writes "2006-01-02T15:04".
func (l Local) String() string { return l.Clock().Format(localLayout) }

// MarshalText writes the time as String does.
func (l Local) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what ParseLocal reads.
func (l *Local) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLocal(string(text))
	return err
}

// DayStart returns the midnight at or before l.
func (l Local) DayStart() Local { return l - Local(floorMod(int64(l), int64(Day))) }

// WeekStart returns the Monday midnight at or before l.
func (l Local) WeekStart() Local {
	// 1970-01-01 was a Thursday, the fourth day of its week.
	return l - Local(floorMod(int64(l)+3*int64(Day), int64(Week)))
}

// Weekday returns the day of the week.
func (l Local) Weekday() time.Weekday { return l.Clock().Weekday() }

func floorMod(a, n int64) int64 { return ((a % n) + n) % n }
func floorDiv(a, n int64) int64 { return (a - floorMod(a, n)) / n }

// Span is the half-open interval [Start, End) of wall-clock minutes.
type Span struct {
	Start Local `json:"start"`
	End   Local `json:"end"`
}

// Minutes is the length of the span.
func (s Span) Minutes() int64 { return int64(s.End - s.Start) }

// Contains reports whether t lies in [Start, End).
func (s Span) Contains(t Local) bool { return s.Start <= t && t < s.End }

// Overlaps reports whether the two spans share a minute.
func (s Span) Overlaps(o Span) bool { return s.Start < o.End && o.Start < s.End }

// State says which of three kinds of bucket this is. Only an Open bucket has an
// amount; zero in an open bucket means that nothing was sold.
type State uint8

// The states of a bucket. Missing is the zero value and is never a zero amount.
const (
	Missing State = iota
	Open
	Closed
)

// Source says who a history comes from.
type Source string

// The sources. The platform's own ledger outranks what a claimant uploads;
// both are kept.
const (
	FromPlatform Source = "platform"
	FromClaimant Source = "claimant"
)

// History is the bucketed revenue of one outlet in one service: dense,
// ascending, from Start, one entry a bucket in each of the three slices. The
// zero value is an empty history.
type History struct {
	BucketMinutes int   // 15, 30, 60 or 1440
	Start         Local // start of the first bucket, on the bucket grid
	Amounts       []money.Minor
	Counts        []int32 // sales, rides, bookings or payments in the bucket; 0 where the source has none
	States        []State
}

// BucketLengths are the bucket lengths Redress keeps, in minutes.
var BucketLengths = []int{15, 30, 60, 1440}

// Len is the number of buckets.
func (h History) Len() int { return len(h.States) }

// End is the end of the last bucket.
func (h History) End() Local { return h.At(h.Len()) }

// At is the start of bucket i.
func (h History) At(i int) Local { return h.Start + Local(i*h.BucketMinutes) }

// Index is the bucket that holds t, which may lie outside 0..Len-1.
func (h History) Index(t Local) int {
	if h.BucketMinutes == 0 {
		return 0
	}
	return int(floorDiv(int64(t-h.Start), int64(h.BucketMinutes)))
}

// Span is the interval from the first bucket's start to the last one's end.
func (h History) Span() Span { return Span{Start: h.Start, End: h.End()} }

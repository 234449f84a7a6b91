package revenue

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"redress/internal/money"
)

// MaxSpan is the longest history that is kept: sixteen years of wall clock.
const MaxSpan = 16 * 366 * Day

// Totals says what a span of a history holds. Minutes add up to the span.
type Totals struct {
	Amount         money.Minor // of the open buckets
	Count          int64
	OpenBuckets    int
	ClosedBuckets  int
	MissingBuckets int
	OpenMinutes    int64
	ClosedMinutes  int64
	MissingMinutes int64
}

// Sum adds up the buckets that lie wholly inside s. A bucket that s cuts, and
// what s covers beyond the ends of the history, is not known to this history
// and counts as missing minutes: amounts are never divided.
func (h History) Sum(s Span) Totals {
	var t Totals
	from, to := h.within(s)
	for i := from; i < to; i++ {
		switch h.States[i] {
		case Open:
			t.OpenBuckets++
			t.Amount += h.Amounts[i]
			t.Count += int64(h.Counts[i])
		case Closed:
			t.ClosedBuckets++
		case Missing:
			t.MissingBuckets++
		}
	}
	t.OpenMinutes = int64(t.OpenBuckets) * int64(h.BucketMinutes)
	t.ClosedMinutes = int64(t.ClosedBuckets) * int64(h.BucketMinutes)
	t.MissingMinutes = max(s.Minutes(), 0) - t.OpenMinutes - t.ClosedMinutes
	return t
}

// Slice returns the buckets that lie wholly inside s, sharing h's memory.
func (h History) Slice(s Span) History {
	from, to := h.within(s)
	return History{
		BucketMinutes: h.BucketMinutes,
		Start:         h.At(from),
		Amounts:       h.Amounts[from:to:to],
		Counts:        h.Counts[from:to:to],
		States:        h.States[from:to:to],
	}
}

// within returns the half-open range of buckets that lie wholly inside s.
func (h History) within(s Span) (from, to int) {
	if h.Len() == 0 {
		return 0, 0
	}
	from = min(max(h.Index(s.Start+Local(h.BucketMinutes)-1), 0), h.Len())
	to = min(max(h.Index(s.End), from), h.Len())
	return from, to
}

// Coarsen sums h into buckets of minutes, which must be a multiple of h's own
// length. A coarse bucket is Missing when any part of it is missing or lies
// outside h, since a sum with an unknown part is unknown; otherwise it is Open
// when any part is open, and Closed when all are. Of the same length, h itself
// is returned.
func (h History) Coarsen(minutes int) (History, error) {
	if minutes == h.BucketMinutes || h.Len() == 0 {
		return h, nil
	}
	if !slices.Contains(BucketLengths, minutes) || minutes < h.BucketMinutes {
		return History{}, fmt.Errorf("buckets of %d minutes cannot be summed to %d minutes", h.BucketMinutes, minutes)
	}
	length := int64(minutes)
	start := Local(floorDiv(int64(h.Start), length) * length)
	end := Local(floorDiv(int64(h.End())+length-1, length) * length)
	coarse := newHistory(minutes, Span{Start: start, End: end})
	parts := minutes / h.BucketMinutes
	for i := range coarse.States {
		first := h.Index(coarse.At(i))
		if first < 0 || first+parts > h.Len() {
			continue
		}
		state := h.States[first]
		for j := first; j < first+parts; j++ {
			state = joined(state, h.States[j])
			coarse.Amounts[i] += h.Amounts[j]
			coarse.Counts[i] += h.Counts[j]
		}
		coarse.States[i] = state
		if state != Open {
			coarse.Amounts[i], coarse.Counts[i] = 0, 0
		}
	}
	return coarse, nil
}

// joined is the state of two buckets taken together: an unknown part makes the
// whole unknown, else an open part makes it open.
func joined(a, b State) State {
	switch {
	case a == Missing || b == Missing:
		return Missing
	case a == Open || b == Open:
		return Open
	default:
		return Closed
	}
}

// newHistory returns a history of missing buckets over a span on the grid.
func newHistory(minutes int, s Span) History {
	n := int(s.Minutes()) / minutes
	return History{
		BucketMinutes: minutes,
		Start:         s.Start,
		Amounts:       make([]money.Minor, n),
		Counts:        make([]int32, n),
		States:        make([]State, n),
	}
}

// Validate says what breaks the promises of History: a bucket length Redress
// does not keep, a start off the grid, slices of unequal length, an amount in a
// bucket that is not open, a negative count, amounts (whatever their sign) or
// counts that together leave the range of one, so that no sum of buckets can, or
// a span beyond MaxSpan. Read and Unpack return only histories that pass.
func (h History) Validate() error {
	if h.Len() == 0 && len(h.Amounts) == 0 && len(h.Counts) == 0 {
		return nil
	}
	switch {
	case !slices.Contains(BucketLengths, h.BucketMinutes):
		return fmt.Errorf("bucket length is %d minutes; 15, 30, 60 or 1440 would be right", h.BucketMinutes)
	case floorMod(int64(h.Start), int64(h.BucketMinutes)) != 0:
		return fmt.Errorf("history starts at %s, which is off its grid of %d minutes", h.Start, h.BucketMinutes)
	case len(h.Amounts) != h.Len() || len(h.Counts) != h.Len():
		return errors.New("amounts, counts and states differ in length")
	case h.Span().Minutes() > int64(MaxSpan):
		return fmt.Errorf("history of %d minutes is longer than sixteen years", h.Span().Minutes())
	}
	var volume money.Minor
	var count int64
	for i, state := range h.States {
		amount := h.Amounts[i]
		switch {
		case state > Closed:
			return fmt.Errorf("bucket %s has the unknown state %d", h.At(i), state)
		case state != Open && (amount != 0 || h.Counts[i] != 0):
			return fmt.Errorf("bucket %s is not open and has an amount or a count", h.At(i))
		case h.Counts[i] < 0:
			return fmt.Errorf("bucket %s has the count %d", h.At(i), h.Counts[i])
		case !amount.InRange():
			return fmt.Errorf("bucket %s: %w", h.At(i), money.ErrRange)
		}
		if amount < 0 {
			amount = -amount
		}
		if volume += amount; !volume.InRange() {
			return fmt.Errorf("the amounts up to %s together: %w", h.At(i), money.ErrRange)
		}
		if count += int64(h.Counts[i]); count > math.MaxInt32 {
			return fmt.Errorf("the counts up to %s together are more than %d", h.At(i), math.MaxInt32)
		}
	}
	return nil
}

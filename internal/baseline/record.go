package baseline

import (
	"slices"

	"redress/internal/revenue"
)

// learnFrom caps how far back an estimate looks: older years say little about
// the weeks around the windows and would only cost time.
const learnFrom = 104 * revenue.Week

// record is what an estimate may look at, as numbers on the bucket grid. Buckets
// before anchor come before the first window; those from resume on come after
// the last one. What lies between is never read.
type record struct {
	step    revenue.Local // bucket length, minutes
	start   revenue.Local // start of bucket 0
	day     int           // buckets a day
	week    int           // buckets a week
	anchor  int           // first bucket any window touches
	resume  int           // first bucket after the last window
	after   int           // buckets from resume on that may be read; 0 when none are known
	amount  []float64
	use     []use      // what each bucket says
	pieces  [][]window // per impairment window: what of it the outlet would have traded
	union   []window   // all pieces
	open    int
	closed  int
	missing int
}

// use says what a bucket teaches.
type use uint8

const (
	silent   use = iota // missing, hidden or left out: nothing
	learned             // an ordinary bucket
	recessed            // closed as it regularly is at this hour of the week: a known zero
)

// window is an impairment window on the grid of a record, as fractions of
// buckets counted from the anchor.
type window struct{ from, to float64 }

// newRecord lays the visible part of a history out on its grid.
func newRecord(in Input) record {
	h, e := in.History, in.Evidence
	step := revenue.Local(h.BucketMinutes)
	first, last := in.Windows[0].Start, in.Windows[len(in.Windows)-1].End
	// Begin at a midnight, so that days of the record are days of the calendar.
	from := h.Index(max(h.Start, first-learnFrom).DayStart())
	anchor := h.Index(first)
	resume := h.Index(last-1) + 1
	afterEnd := h.Index(last + revenue.Local(e.AfterMinutes))
	if afterEnd > h.Len() {
		afterEnd = h.Len()
	}
	r := record{
		step: step, start: h.At(from), day: int(revenue.Day / step), week: int(revenue.Week / step),
		anchor: anchor - from, resume: resume - from, after: max(0, afterEnd-resume),
	}
	size := max(r.anchor, 0)
	if r.after > 0 {
		size = r.resume + r.after
	}
	r.amount = make([]float64, size)
	r.use = make([]use, size)
	for i := range size {
		if j := from + i; (i < r.anchor || i >= r.resume) && j >= 0 && j < h.Len() {
			r.take(i, h, j)
		}
	}
	r.leaveOut(e.Excluded)
	for _, w := range in.Windows {
		pieces := r.cut(w.Span, in.Closures, e.Excluded)
		r.pieces = append(r.pieces, pieces)
		r.union = append(r.union, pieces...)
	}
	return r
}

// cut takes the spans out of a window and lays the rest on the grid.
func (r *record) cut(w revenue.Span, spans ...[]revenue.Span) []window {
	rest := []revenue.Span{w}
	for _, out := range slices.Concat(spans...) {
		var next []revenue.Span
		for _, s := range rest {
			if !s.Overlaps(out) {
				next = append(next, s)
				continue
			}
			if s.Start < out.Start {
				next = append(next, revenue.Span{Start: s.Start, End: out.Start})
			}
			if out.End < s.End {
				next = append(next, revenue.Span{Start: out.End, End: s.End})
			}
		}
		rest = next
	}
	pieces := make([]window, len(rest))
	for i, s := range rest {
		pieces[i] = window{from: r.offset(s.Start), to: r.offset(s.End)}
	}
	return pieces
}

func (r *record) take(i int, h revenue.History, j int) {
	switch h.States[j] {
	case revenue.Open:
		r.amount[i], r.use[i] = float64(h.Amounts[j]), learned
		r.open++
	case revenue.Closed:
		r.use[i] = recessed
		r.closed++
	default:
		r.missing++
	}
}

// leaveOut silences the buckets that the spans touch.
func (r *record) leaveOut(spans []revenue.Span) {
	for _, s := range spans {
		from := int(floorDiv(int64(s.Start-r.start), int64(r.step)))
		to := int(floorDiv(int64(s.End-r.start-1), int64(r.step))) + 1
		for i := max(from, 0); i < min(to, len(r.use)); i++ {
			r.amount[i], r.use[i] = 0, silent
		}
	}
}

// offset is where t lies on the grid, in buckets from the anchor.
func (r *record) offset(t revenue.Local) float64 {
	return float64(t-r.at(r.anchor)) / float64(r.step)
}

func (r *record) at(i int) revenue.Local { return r.start + revenue.Local(i)*r.step }

func floorDiv(a, n int64) int64 {
	q := a / n
	if a%n != 0 && (a < 0) != (n < 0) {
		q--
	}
	return q
}

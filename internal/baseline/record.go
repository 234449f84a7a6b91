package baseline

import (
	"slices"

	"redress/internal/revenue"
)

// learnFrom caps how far back an estimate looks. Of a week's weight the profile
// keeps a fifth over that time; what is older would only cost time.
const learnFrom = 52 * revenue.Week

// record is what an estimate may look at, laid out on the bucket grid from a
// midnight on. Buckets before anchor come before the first window; those from
// resume on come after the last one. What lies between is never read: there the
// arrays hold silence.
type record struct {
	step     revenue.Local // bucket length
	start    revenue.Local // start of bucket 0
	day      int           // buckets a day
	week     int           // buckets a week
	anchor   int           // first bucket that a window touches
	resume   int           // first bucket after the last window
	after    int           // buckets from resume on that may be read
	earned   []float64     // amounts, in minor units
	use      []use
	windows  [][]piece // per window: the parts in which the outlet would have traded
	union    []piece   // all of them
	festive  []festive // public holidays, ascending
	closures []stretch // closures recognised in the amounts
	counts   struct{ open, closed, missing int }
}

// use says what a bucket teaches.
type use uint8

const (
	silent   use = iota // nothing: missing, hidden, left out, a holiday
	learned             // what is usual at this hour of the week
	recessed            // that the outlet is closed at this hour of the week
)

// piece is a stretch of a window in buckets from the anchor, with fractions
// where it cuts a bucket: of such a bucket the part of its minutes counts.
type piece struct{ from, to float64 }

// stretch is the buckets from..to-1.
type stretch struct{ from, to int }

// newRecord lays out the part of a history that an estimate may read.
func newRecord(in Input) record {
	h := in.History
	step := revenue.Local(h.BucketMinutes)
	first, last := in.Windows[0].Start, in.Windows[len(in.Windows)-1].End
	from := h.Index(max(h.Start, first-learnFrom).DayStart())
	r := record{
		step: step, start: h.At(from), day: int(revenue.Day / step), week: int(revenue.Week / step),
		anchor: h.Index(first) - from, resume: h.Index(last-1) + 1 - from,
	}
	r.after = max(0, min(h.Index(last+revenue.Local(in.Evidence.AfterMinutes)), h.Len())-from-r.resume)
	size := r.anchor
	if r.after > 0 {
		size = r.resume + r.after
	}
	r.earned, r.use = make([]float64, size), make([]use, size)
	for i := range size {
		if j := from + i; (i < r.anchor || i >= r.resume) && j >= 0 && j < h.Len() {
			r.take(i, h, j)
		}
	}
	r.recess(h, from)
	for _, s := range in.Evidence.Excluded {
		r.silence(r.buckets(s))
	}
	r.celebrate(in.Evidence.Country)
	for _, w := range in.Windows {
		pieces := r.cut(w.Span, in.Closures, in.Evidence.Excluded)
		r.windows = append(r.windows, pieces)
		r.union = append(r.union, pieces...)
	}
	return r
}

// take reads one bucket. A closed bucket stays silent until recess has seen
// whether it is a habit.
func (r *record) take(i int, h revenue.History, j int) {
	switch h.States[j] {
	case revenue.Open:
		r.earned[i], r.use[i] = float64(h.Amounts[j]), learned
		r.counts.open++
	case revenue.Closed:
		r.counts.closed++
	default:
		r.counts.missing++
	}
}

// habitWeeks is over how many weeks a closed hour must have been closed more
// often than not to be the outlet's habit.
const habitWeeks = 8

// recess marks closed buckets where the outlet is regularly closed at that hour
// of the week, so that nothing is expected of it a week later. Other closed
// buckets (a holiday, an illness) teach nothing.
func (r *record) recess(h revenue.History, from int) {
	if r.counts.closed == 0 {
		return
	}
	recent := make([]int32, r.week) // closed minus open among the last habitWeeks, per bucket of the week
	state := func(i int) int32 {
		if j := from + i; i < 0 || i >= r.anchor || j < 0 || j >= h.Len() {
			return 0
		} else if h.States[j] == revenue.Closed {
			return 1
		} else if h.States[j] == revenue.Open {
			return -1
		}
		return 0
	}
	for i := range r.anchor {
		slot := i % r.week
		recent[slot] += state(i) - state(i-habitWeeks*r.week)
		if state(i) == 1 && recent[slot] > 0 {
			r.use[i] = recessed
		}
	}
}

// silence makes buckets teach nothing.
func (r *record) silence(s stretch) {
	for i := max(s.from, 0); i < min(s.to, len(r.use)); i++ {
		r.earned[i], r.use[i] = 0, silent
	}
}

// buckets are the buckets that a span touches.
func (r *record) buckets(s revenue.Span) stretch {
	return stretch{
		from: int(floorDiv(int64(s.Start-r.start), int64(r.step))),
		to:   int(floorDiv(int64(s.End-r.start-1), int64(r.step))) + 1,
	}
}

// cut takes spans out of a window and lays the rest on the grid.
func (r *record) cut(w revenue.Span, spans ...[]revenue.Span) []piece {
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
	pieces := make([]piece, len(rest))
	for i, s := range rest {
		origin := r.at(r.anchor)
		pieces[i] = piece{from: float64(s.Start-origin) / float64(r.step), to: float64(s.End-origin) / float64(r.step)}
	}
	return pieces
}

// at is the start of bucket i.
func (r *record) at(i int) revenue.Local { return r.start + revenue.Local(i)*r.step }

// span is a stretch as wall-clock time.
func (r *record) span(s stretch) revenue.Span {
	return revenue.Span{Start: r.at(s.from), End: r.at(s.to)}
}

// gap is how many buckets lie between anchor and resume.
func (r *record) gap() int { return r.resume - r.anchor }

// trialsFrom is the first bucket of the days that placebos are taken from.
func (r *record) trialsFrom() int { return max(2*r.week, r.anchor-maxPlacebos*r.day) }

// lengthDays is gap in days, at least 1: how many daily starts overlap.
func (r *record) lengthDays() float64 { return max(1, float64(r.gap())/float64(r.day)) }

// days counts the days before the windows of which at least half is known.
func (r *record) days() int {
	n := 0
	for i := 0; i+r.day <= r.anchor; i += r.day {
		known := 0
		for _, u := range r.use[i : i+r.day] {
			if u != silent {
				known++
			}
		}
		if 2*known >= r.day {
			n++
		}
	}
	return n
}

func floorDiv(a, n int64) int64 {
	q := a / n
	if a%n != 0 && (a < 0) != (n < 0) {
		q--
	}
	return q
}

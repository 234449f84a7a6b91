package revenue

import (
	"slices"
	"time"
)

// What recognising closed hours and absences asks for. Where five sales were to
// be expected, none is chance less than once in a hundred times (e^-5).
const (
	enoughExpected = 5
	strayShare     = 20 // one stray sale in twenty expected does not open an hour
	enoughWeeks    = 4
	enoughDays     = 14
)

// slots is one entry for each bucket of the week, from Monday midnight.
type slots struct {
	minutes int
	seen    []int64 // buckets with a known amount
	sold    []int64 // of these, with a sale
}

func (s slots) slot(l Local) int { return int(l-l.WeekStart()) / s.minutes }

// slotsOf counts the buckets of a history by hour of the week. Hours of the week
// that an export never writes were never seen to sell: they count as seen once
// in each week that has any data.
func slotsOf(h History) slots {
	n := int(Week) / h.BucketMinutes
	s := slots{minutes: h.BucketMinutes, seen: make([]int64, n), sold: make([]int64, n)}
	covered := make([]int64, n)
	week := h.Start.WeekStart()
	for i := 0; i < h.Len(); week += Week {
		from, known := i, false
		for ; i < h.Len() && h.At(i) < week+Week; i++ {
			if h.States[i] == Missing {
				continue
			}
			known = true
			at := s.slot(h.At(i))
			s.seen[at]++
			if h.Amounts[i] != 0 || h.Counts[i] != 0 {
				s.sold[at]++
			}
		}
		for j := from; known && j < i; j++ {
			covered[s.slot(h.At(j))]++
		}
	}
	for at, n := range covered {
		if s.seen[at] == 0 {
			s.seen[at] = n
		}
	}
	return s
}

// tally is how many buckets were seen, and in how many something was sold.
type tally struct{ seen, sold int64 }

// idle reports whether these buckets sold nothing, give or take a stray sale,
// where selling as often as the reference would have shown it.
func (t tally) idle(reference tally) bool {
	expected := t.seen * reference.sold // in units of 1/reference.seen
	return expected >= enoughExpected*reference.seen && expected >= strayShare*t.sold*reference.seen && reference.sold > 0
}

// recogniseClosed finds the hours of the week in which an outlet is closed, as
// those in which nothing was ever sold although five or more buckets with sales
// would have been expected: a time of day over at least fourteen days, or a day
// of the week over at least four weeks, at the outlet's average; or an hour of
// the week over at least four weeks, at the average of that time of day. One
// stray sale in twenty expected is passed over. Outlets that sell too seldom to
// tell are taken as open all round.
func recogniseClosed(h History) []bool {
	s := slotsOf(h)
	perDay := int(Day) / h.BucketMinutes
	days, times := make([]tally, 7), make([]tally, perDay)
	var all tally
	for at := range s.seen {
		for _, t := range []*tally{&all, &days[at/perDay], &times[at%perDay]} {
			t.seen += s.seen[at]
			t.sold += s.sold[at]
		}
	}
	closed := make([]bool, len(s.seen))
	for at := range closed {
		day, timeOfDay, own := days[at/perDay], times[at%perDay], tally{s.seen[at], s.sold[at]}
		closed[at] = timeOfDay.seen >= enoughDays && timeOfDay.idle(all) ||
			own.seen >= enoughWeeks && (day.idle(all) || own.idle(timeOfDay))
	}
	return closed
}

// statedClosed are the hours of the week outside all opening hours. A bucket in
// which the outlet is open for a minute is open.
func statedClosed(open []WeekHours, minutes int) []bool {
	closed := make([]bool, int(Week)/minutes)
	for at := range closed {
		from := Local(at * minutes)
		closed[at] = !slices.ContainsFunc(open, func(w WeekHours) bool {
			start := Local((int(w.Weekday)+6)%7)*Day + Local(w.From)
			hours := Span{Start: start, End: start + Local(w.To-w.From)}
			bucket := Span{Start: from, End: from + Local(minutes)}
			// Hours late on Sunday run into the Monday that opens the week.
			return hours.Overlaps(bucket) || hours.Overlaps(Span{Start: bucket.Start + Week, End: bucket.End + Week})
		})
	}
	return closed
}

// closeHours marks as closed what sold nothing in closed hours: those stated,
// else those the rows themselves mark, else those recognised. What did sell
// stays open.
func (c *collector) closeHours(h *History, written bool) {
	if h.Len() == 0 {
		return
	}
	var closed []bool
	switch {
	case len(c.o.Hours) > 0:
		closed = statedClosed(c.o.Hours, h.BucketMinutes)
		c.summary.HoursBasis = HoursStated
	case written:
		c.summary.HoursBasis = HoursWritten
	default:
		if closed = recogniseClosed(*h); slices.Contains(closed, true) {
			c.summary.HoursBasis = HoursRecognised
			c.note("Hours of the week in which nothing, or next to nothing, was ever sold were taken as closed; state opening hours if they are not.",
				"거의 한 번도 팔린 적이 없는 요일·시간대는 영업하지 않는 시간으로 보았습니다. 아니라면 영업시간을 알려 주세요.")
		} else {
			c.note("Opening hours could not be recognised; every bucket with a zero was taken as open.",
				"영업시간을 알아낼 수 없어 0인 구간은 모두 영업 중으로 보았습니다.")
		}
	}
	s := slots{minutes: h.BucketMinutes}
	sold := 0
	for i := range h.States {
		bucket := Span{Start: h.At(i), End: h.At(i + 1)}
		hours := closed != nil && closed[s.slot(bucket.Start)]
		stated := slices.ContainsFunc(c.o.Closed, func(s Span) bool { return s.Start <= bucket.Start && bucket.End <= s.End })
		switch {
		case !hours && !stated:
		case h.Amounts[i] == 0 && h.Counts[i] == 0:
			h.States[i] = Closed
		case stated || len(c.o.Hours) > 0:
			sold++
		}
	}
	if sold > 0 {
		c.note("%d bucket(s) in hours stated as closed have sales and were kept as open.",
			"영업하지 않는다고 한 시간의 구간 %d개에 매출이 있어 영업 중으로 두었습니다.", sold)
	}
	c.summary.ClosedHours = append(c.summary.ClosedHours, weekHours(closed, h.BucketMinutes)...)
}

// weekHours lists slots as intervals within days.
func weekHours(closed []bool, minutes int) []WeekHours {
	var list []WeekHours
	for at, is := range closed {
		from := at * minutes % int(Day)
		day := time.Weekday((at*minutes/int(Day) + 1) % 7)
		last := len(list) - 1
		switch {
		case !is:
		case last >= 0 && list[last].Weekday == day && list[last].To == from:
			list[last].To += minutes
		default:
			list = append(list, WeekHours{Weekday: day, From: from, To: from + minutes})
		}
	}
	return list
}

// absences decides what a run of whole days without a single transaction is.
// Where fewer than five sales would have been expected in it, by the average of
// its days of the week, it is a quiet time: open, with amount 0. Else the export
// may have a hole, the outlet may have been shut, or a platform down; nothing
// here tells which, so the run is missing, not zero. But where runs of one or
// two days make up more than a tenth of all days, staying away is how the outlet
// trades (a driver's days off): those stay open with amount 0, and so the
// average keeps them in. Closed buckets stay closed.
func (c *collector) absences(h *History) {
	if h.Len() == 0 {
		return
	}
	days := salesByDay(*h)
	first := h.Start.DayStart()
	var sales, seen [7]int64
	for i, n := range days {
		weekday := (first + Local(i)*Day).Weekday()
		sales[weekday] += n
		seen[weekday]++
	}
	var runs []Span
	short := 0
	for i := 0; i < len(days); i++ {
		from, expected := i, int64(0) // in thousandths of a sale
		for ; i < len(days) && days[i] == 0; i++ {
			weekday := (first + Local(i)*Day).Weekday()
			expected += sales[weekday] * 1000 / seen[weekday]
		}
		if expected < enoughExpected*1000 {
			continue
		}
		runs = append(runs, Span{Start: first + Local(from)*Day, End: first + Local(i)*Day})
		if i-from <= 2 {
			short += i - from
		}
	}
	habit := short*10 > len(days)
	missing := 0
	for _, run := range runs {
		if habit && run.Minutes() <= 2*int64(Day) {
			continue
		}
		missing += int(run.Minutes() / int64(Day))
		h.lose(run)
	}
	if missing > 0 {
		c.note("%d whole day(s) without a sale, where sales were to be expected, were taken as missing, not as zero; state closures if they were.",
			"매출이 있을 법한데 한 건도 없는 %d일은 0이 아니라 결측으로 보았습니다. 휴무였다면 휴무일을 알려 주세요.", missing)
	}
	if habit {
		c.note("Days without a sale are frequent and were kept as open with nothing sold.",
			"매출이 없는 날이 잦아, 영업했으나 팔리지 않은 날로 두었습니다.")
	}
}

// salesByDay counts the sales and refunds of each day that h touches.
func salesByDay(h History) []int64 {
	first := h.Start.DayStart()
	days := make([]int64, int((h.End()-1-first)/Day)+1)
	for i, n := range h.Counts {
		if n == 0 && h.Amounts[i] != 0 {
			n = 1
		}
		days[(h.At(i)-first)/Day] += int64(n)
	}
	return days
}

// lose makes the open buckets inside s missing.
func (h History) lose(s Span) {
	from, to := h.within(s)
	for i := from; i < to; i++ {
		if h.States[i] == Open {
			h.States[i] = Missing
		}
	}
}

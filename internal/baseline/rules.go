package baseline

import (
	"math"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// otherRule is a rule that programmes use: the same hours some weeks before.
type otherRule struct {
	name        string
	text        lang.Text
	first, last int  // weeks before, inclusive
	best        bool // the highest of the weeks, not their mean
}

// otherRules are listed in Result.Rules in this order.
var otherRules = [...]otherRule{
	{"best_week_8", lang.T("the best of the same hours in the eight weeks before", "직전 8주의 같은 시간대 가운데 가장 많았던 주"), 1, 8, true},
	{"mean_4_weeks", lang.T("the mean of the same hours in the four weeks before", "직전 4주의 같은 시간대 평균"), 1, 4, false},
	{"mean_12_weeks", lang.T("the mean of the same hours in the twelve weeks before", "직전 12주의 같은 시간대 평균"), 1, meanWeeks, false},
	{"year_before", lang.T("the same weekdays and hours 52 weeks before", "52주 전 같은 요일의 같은 시간대"), yearWeeks, yearWeeks, false},
}

// meanWeeks and yearWeeks are how far back the rules look: those of the last weeks,
// and that of the year before.
const (
	meanWeeks = 12
	yearWeeks = 52
)

// ledger is the record up to the anchor as a bookkeeper reads it: holidays,
// closures and bulk orders count like anything else. It reaches as far back as any
// rule looks from any past window.
type ledger struct {
	origin  int       // bucket of the record at which it begins, possibly below 0
	earned  []float64 // running sum, in minor units
	unknown []int32   // running count of missing and excluded buckets
	weeks   []sameHours
}

// sameHours is what a ledger holds of the windows' hours on an earlier day,
// worked out when first asked for.
type sameHours struct {
	earned      float64
	asked, told bool
}

func (m *model) newLedger(in Input) *ledger {
	h := in.History
	begin := -h.Index(m.start)
	back := meanWeeks * m.week
	if begin <= m.anchor-yearWeeks*m.week {
		back = yearWeeks * m.week
	}
	l := &ledger{origin: max(begin, m.past[len(m.past)-1].at-back)}
	n := m.anchor - l.origin
	l.earned, l.unknown = make([]float64, n+1), make([]int32, n+1)
	l.weeks = make([]sameHours, n/m.day+1)
	for _, s := range in.Evidence.Excluded {
		b := m.buckets(s)
		for i := max(b.from-l.origin, 0); i < min(b.to-l.origin, n); i++ {
			l.unknown[i+1] = 1
		}
	}
	from := l.origin - begin
	var earned float64
	var unknown int32
	for i, state := range h.States[from:min(from+n, h.Len())] {
		switch {
		case state == revenue.Missing || l.unknown[i+1] == 1:
			unknown++
		case state == revenue.Open:
			earned += float64(h.Amounts[from+i])
		}
		l.earned[i+1], l.unknown[i+1] = earned, unknown
	}
	for i := h.Len() - from; i < n; i++ {
		unknown++
		l.earned[i+1], l.unknown[i+1] = earned, unknown
	}
	return l
}

// on is what the hours of the windows brought, were they to begin so many days
// before the anchor; not told where more than a tenth of that stretch is unknown
// or the ledger does not hold all of it.
func (l *ledger) on(m *model, daysBefore int) (float64, bool) {
	at := m.anchor - daysBefore*m.day - l.origin
	if at < 0 || at+m.gap() >= len(l.earned) {
		return 0, false
	}
	w := &l.weeks[daysBefore]
	if !w.asked {
		w.asked = true
		w.told = int(l.unknown[at+m.gap()]-l.unknown[at])*10 <= m.gap()
		for _, x := range m.union {
			w.earned += within(l.earned, at, x)
		}
	}
	return w.earned, w.told
}

// expects is the sum that the rule expects of windows that begin so many days
// before the anchor. It answers where at least half of its weeks are told; weeks
// that the windows themselves reach into are not.
func (o *otherRule) expects(m *model, l *ledger, daysBefore int) (float64, bool) {
	var sum, best float64
	n := 0
	for k := o.first; k <= o.last; k++ {
		if k*m.week < m.gap() {
			continue
		}
		if v, ok := l.on(m, daysBefore+7*k); ok {
			sum += v
			best = max(best, v)
			n++
		}
	}
	switch {
	case n == 0 || 2*n < o.last-o.first+1:
		return 0, false
	case o.best:
		return best, true
	}
	return max(0, sum/float64(n)), true
}

// others is what each other rule expects of all windows together, and how it
// fared on the past windows of the placebo record. An outlet that borrows from its
// peers has no past that rules could be held against.
func (m *model) others(in Input) []Rule {
	rules := []Rule{}
	if m.peers != nil {
		return rules
	}
	l := m.newLedger(in)
	for i := range otherRules {
		o := &otherRules[i]
		now, ok := o.expects(m, l, 0)
		if !ok {
			continue
		}
		r := Rule{Name: o.name, Text: o.text, Expected: nearest(now)}
		var off, bias, lost float64
		// One trial a past day; none where nothing is expected at all.
		for j, t := range m.whole.placebo.trials {
			expected, ok := o.expects(m, l, (m.anchor-m.past[j].at)/m.day)
			if !ok {
				continue
			}
			d := expected - t.earned
			r.Windows++
			bias += d
			off += math.Abs(d)
			if d > 0 {
				r.FoundLoss++
				lost += d
			}
		}
		n := max(1, float64(r.Windows))
		r.MeanError, r.Bias = nearest(off/n), max(nearest(bias/n), -money.Max)
		r.MeanFoundLoss = nearest(lost / max(1, float64(r.FoundLoss)))
		rules = append(rules, r)
	}
	return rules
}

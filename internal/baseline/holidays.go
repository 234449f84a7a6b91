package baseline

import (
	_ "embed"
	"strings"
	"time"

	"redress/internal/revenue"
)

//go:embed holidays_kr.txt
var koreanHolidays string

// holidayKind keeps apart the holidays on which families travel and many outlets
// close, and the others.
type holidayKind uint8

const (
	ordinaryHoliday holidayKind = iota
	familyHoliday               // Seollal and Chuseok, their eves, morrows and substitutes
	holidayKinds
)

// holiday is one public holiday.
type holiday struct {
	day  revenue.Local // its midnight
	kind holidayKind
}

// calendars are the public holidays known, by country, ascending.
var calendars = map[string][]holiday{"KR": parseHolidays(koreanHolidays)}

func parseHolidays(text string) []holiday {
	var days []holiday
	for line := range strings.Lines(text) {
		date, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		t, err := time.Parse(time.DateOnly, date)
		if !ok || err != nil {
			continue // the heading
		}
		kind := ordinaryHoliday
		if strings.Contains(name, "설날") || strings.Contains(name, "추석") {
			kind = familyHoliday
		}
		days = append(days, holiday{day: revenue.LocalOf(t, time.UTC), kind: kind})
	}
	return days
}

// festive is a holiday on the grid of a record, and what was earned on it.
type festive struct {
	stretch
	kind   holidayKind
	earned float64
	known  bool // before the anchor, every bucket known
}

// celebrate finds the holidays of the record and the windows, and silences their
// buckets: they are no ordinary weekdays. What they bring is learned apart.
func (r *record) celebrate(country string) {
	for _, h := range calendars[country] {
		s := r.buckets(revenue.Span{Start: h.day, End: h.day + revenue.Day})
		if s.from < 0 || s.from >= max(len(r.use), r.resume) {
			continue
		}
		f := festive{stretch: s, kind: h.kind, known: s.to <= r.anchor}
		for i := s.from; i < s.to && f.known; i++ {
			f.earned += r.earned[i]
			f.known = r.use[i] == learned
		}
		r.festive = append(r.festive, f)
		r.silence(s)
	}
}

// lift is what a kind of holiday brings against the usual day, less 1, and the
// variance of that.
type lift struct{ mean, variance float64 }

// holidaySpread is the variance of a holiday's lift (a standard deviation of
// 40 %). Before a record tells otherwise, a holiday is worth a usual day, as if
// one such had been seen.
const holidaySpread = 0.16

// holidayLifts learns from the holidays in the record.
func (r *record) holidayLifts(p *profile) [holidayKinds]lift {
	var off, seen [holidayKinds]float64
	for _, f := range r.festive {
		if !f.known || f.from < 2*r.week {
			continue
		}
		if usual := p.usualSum[f.to] - p.usualSum[f.from]; usual > 0 {
			off[f.kind] += max(-1, min(f.earned/usual-1, 2))
			seen[f.kind]++
		}
	}
	var lifts [holidayKinds]lift
	for k := range lifts {
		lifts[k] = lift{mean: off[k] / (seen[k] + 1), variance: holidaySpread / (seen[k] + 1)}
	}
	return lifts
}

// holidayEffect is what the holidays in the pieces add to their usual amount, and
// the variance that comes with it.
func (m *model) holidayEffect(pieces []piece) (added, variance float64) {
	for _, f := range m.festive {
		from, to := float64(f.from-m.anchor), float64(f.to-m.anchor)
		for _, x := range pieces {
			part := piece{from: max(from, x.from), to: min(to, x.to)}
			if part.from >= part.to {
				continue
			}
			usual := m.expected(m.anchor, m.week, part)
			l := m.lifts[f.kind]
			added += mul(usual, l.mean)
			variance += mul(mul(usual, usual), l.variance)
		}
	}
	return added, variance
}

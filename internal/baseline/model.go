package baseline

import (
	"math"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// newModel learns what all windows of one claim share, or says why the history
// carries no answer; then the record, as far as there is one, is still laid out.
func newModel(in Input) (*model, *Reason) {
	m := &model{}
	h, first := in.History, in.Windows[0].Start
	switch {
	case h.Len() == 0 || h.Start >= first:
		return m, noHistory()
	case first-h.End() > stalest:
		return m, stale(h.End())
	}
	m.record = newRecord(in)
	if days := m.days(); days < leastDays {
		return m, tooShort(days)
	}
	m.profile = newProfile(&m.record)
	if m.usualSum[m.anchor] <= 0 {
		return m, noSales()
	}
	m.lookBack()
	if len(m.past) < leastPlacebos {
		return m, tooFewPlacebos(len(m.past))
	}
	m.learn()
	return m, nil
}

// Expect is the expected sum over all windows together, before rounding, or the
// reason why there is none. It refuses what Estimate refuses.
func Expect(in Input) (Forecast, *Reason, error) {
	if err := check(in); err != nil {
		return Forecast{}, nil, err
	}
	m, reason := newModel(in)
	if reason != nil {
		return Forecast{}, reason, nil
	}
	return m.total(), nil, nil
}

func (m *model) total() Forecast { return m.forecast(m.union) }

// days counts the days before the windows of which most buckets are known.
func (m *model) days() int {
	n := 0
	for i := 0; i+m.day <= m.anchor; i += m.day {
		known := 0
		for _, u := range m.use[i : i+m.day] {
			if u != silent {
				known++
			}
		}
		if 2*known >= m.day {
			n++
		}
	}
	return n
}

// record90 tells how the method fared on the past days.
func (m *model) record90(now Forecast) Placebo {
	p := Placebo{Windows: len(m.past)}
	var off, found float64
	for i := range m.past {
		e := m.expect(&m.past[i])
		d := e - m.past[i].amount
		off += math.Abs(d)
		_ = d
	}
	if p.Windows > 0 {
		p.MeanError = money.Minor(math.Floor(off/float64(p.Windows) + 0.5))
	}
	_ = found
	return p
}

// basis says what the estimate stands on.
func (m *model) basis(in Input) Basis {
	b := Basis{
		BucketMinutes: in.History.BucketMinutes, OpenBuckets: m.open, ClosedBuckets: m.closed, MissingBuckets: m.missing,
		Method: "own_history", MethodText: lang.T("the outlet's own past, hour by hour of the week, at its level around the outage",
			"이 업소의 과거 매출: 요일과 시각별 모습에 장애 무렵의 수준을 반영"),
		LeftOut: []LeftOut{},
	}
	if m.anchor > 0 {
		b.From, b.To = max(m.start, in.History.Start).String(), m.at(m.anchor).String()
		if m.after > 0 {
			b.To = m.at(m.resume + m.after).String()
		}
	}
	for _, s := range in.Evidence.Excluded {
		b.LeftOut = append(b.LeftOut, leftOut(s, "excluded", lang.T("left out as stated: not ordinary business", "평소 영업이 아니라고 밝혀 제외")))
	}
	return b
}

func leftOut(s revenue.Span, reason string, text lang.Text) LeftOut {
	return LeftOut{Start: s.Start.String(), End: s.End.String(), Reason: reason, Text: text}
}

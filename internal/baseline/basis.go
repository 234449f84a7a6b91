package baseline

import (
	"math"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// record sums up how the method fared.
func (p placebo) record() Placebo {
	out := Placebo{Windows: len(p.trials)}
	var off, lost float64
	for _, t := range p.trials {
		off += math.Abs(t.expected - t.earned)
		unit := p.scale.unit(t.expected, t.usual)
		low := max(0, min(t.expected, t.expected+mul(p.low, unit)))
		switch {
		case t.earned < low:
			out.FoundLoss++
			lost += t.expected - t.earned
		case t.earned <= max(t.expected, t.expected+mul(p.high, unit)):
			out.Inside90++
		}
	}
	out.MeanError = nearest(off / max(1, float64(out.Windows)))
	out.MeanFoundLoss = nearest(lost / max(1, float64(out.FoundLoss)))
	return out
}

// nearest is the nearest minor unit, within what money can hold.
func nearest(v float64) money.Minor {
	return money.Minor(min(math.Floor(v+0.5), float64(money.Max)))
}

// The methods, as Basis.Method names them.
const (
	methodOwn       = "own_history"
	methodBothSides = "own_history_both_sides"
	methodPeers     = "peers"
)

// basis says what the estimate stands on.
func (m *model) basis(in Input) Basis {
	b := Basis{
		BucketMinutes: in.History.BucketMinutes,
		OpenBuckets:   m.counts.open, ClosedBuckets: m.counts.closed, MissingBuckets: m.counts.missing,
		Method: methodOwn,
		MethodText: lang.T("the outlet's own past by hour of the week, at its level before the outage",
			"매장 자신의 과거 매출을 요일·시각별로 보고 장애 전 수준을 반영"),
		LeftOut: []LeftOut{},
	}
	if m.anchor <= 0 {
		return b
	}
	b.From, b.To = max(m.start, in.History.Start).String(), m.at(m.anchor).String()
	if m.peers != nil {
		b.Method = methodPeers
		b.MethodText = lang.F("the hours of the week of %d comparable outlets, at the level of this outlet's own few days",
			"비슷한 매장 %d곳의 요일·시각별 모습에 이 매장의 며칠치 매출 수준을 반영", len(m.peers))
	} else if m.after > 0 {
		b.To = m.at(m.resume + m.after).String()
		b.Method = methodBothSides
		b.MethodText = lang.T("the outlet's own past by hour of the week, at its level before and after the outage",
			"매장 자신의 과거 매출을 요일·시각별로 보고 장애 앞뒤의 수준을 반영")
	}
	for _, s := range in.Evidence.Excluded {
		b.leaveOut(s, "excluded", lang.T("stated not to be ordinary business", "평소 영업이 아니라고 밝힌 기간"))
	}
	for _, s := range m.closures {
		b.leaveOut(m.span(s), "closure", lang.T("no sale for longer than chance explains: taken as closed", "우연으로 보기 어려울 만큼 오래 매출이 없어 휴업으로 봄"))
	}
	for _, f := range m.festive {
		if f.to <= m.anchor || f.from >= m.resume {
			b.leaveOut(m.span(f.stretch), "public_holiday", lang.T("public holiday: no ordinary weekday", "공휴일: 평소 요일과 다름"))
		}
	}
	return b
}

func (b *Basis) leaveOut(s revenue.Span, reason string, text lang.Text) {
	b.LeftOut = append(b.LeftOut, LeftOut{Start: s.Start.String(), End: s.End.String(), Reason: reason, Text: text})
}

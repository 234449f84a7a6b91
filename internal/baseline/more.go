package baseline

import (
	"math"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// What more history would be worth is told of histories of shortHistory weeks up to
// less than longHistory, for moreWeeks more, and only where the range would be
// narrower by leastNarrowing. Of the growth of a range, a believed part is taken for
// what history does; the rest may be chance, or a business that changed. From
// longHistory on little is left to gain, and the second estimate would cost as much
// as the first.
const (
	moreWeeks      = 8
	shortHistory   = 8
	longHistory    = 20
	leastNarrowing = 0.03
	believed       = 0.5
)

// moreHistory tells what eight more weeks would be worth by what the last eight
// were: the estimate is made once more without the oldest eight weeks (half of a
// history of less than sixteen), and what the range grew by is carried forward. A
// part of a range that comes of too little history falls as 1/weeks, so that of
// the growth by d weeks less than n,
//
//	8/d · (n − d)/(n + 8)
//
// is what eight more would take away; but no more than if all of the range came of
// chance in what is known, which falls as 1/√weeks.
func (m *model) moreHistory(in Input, intervals []Interval) *MoreHistory {
	n := m.anchor / m.week
	if m.peers != nil || n < shortHistory || n >= longHistory {
		return nil
	}
	d := min(moreWeeks, n/2)
	shorter := in
	shorter.History, shorter.Peers = since(in.History, m.start+revenue.Local(d)*revenue.Week), nil
	s, reason := newModel(shorter)
	if reason != nil {
		return nil
	}
	before, ok := rounded(s.whole)
	if !ok {
		return nil
	}
	now := float64(width(intervals))
	grown := float64(width(before.Intervals)) - now
	gain := mul(mul(believed, grown), float64(moreWeeks*(n-d))/float64(d*(n+moreWeeks)))
	gain = min(gain, mul(now, 1-math.Sqrt(float64(n)/float64(n+moreWeeks))))
	more := &MoreHistory{Weeks: moreWeeks, HighMinusLowNow: width(intervals), HighMinusLowThen: nearest(now - gain)}
	if gain < mul(leastNarrowing, now) || more.HighMinusLowThen >= more.HighMinusLowNow {
		return nil
	}
	more.Text = lang.F("With another %d weeks of history before the first day of this one, the 90%% range would be about %s wide instead of %s.",
		"지금 기록의 첫날보다 앞선 %d주치 기록이 더 있으면 90%% 범위의 폭이 %[3]s에서 약 %[2]s으로 좁아질 것입니다.",
		more.Weeks, in.Currency.Text(more.HighMinusLowThen), in.Currency.Text(more.HighMinusLowNow))
	return more
}

// width is how far apart the bounds of the 90 % range are.
func width(intervals []Interval) money.Minor {
	iv := ninety(intervals)
	return iv.High - iv.Low
}

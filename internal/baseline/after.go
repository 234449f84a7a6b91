package baseline

import (
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// mostDaysAfter is how many days after the windows are looked at for make-up
// sales and losses that went on.
const mostDaysAfter = 14

// afterwards estimates the days after the last window, from what lies before the
// first one alone. An outlet that borrows from its peers has too little of its own
// to tell a rebound from a busy fortnight.
func (m *model) afterwards(in Input) *After {
	days := m.daysAfter(in)
	if m.peers != nil || days == 0 {
		return nil
	}
	later := m.later(in, days)
	if len(later.past) < leastPlacebos {
		return nil
	}
	later.weigh()
	figures, ok := rounded(later.forecastWhole())
	span := m.span(stretch{m.resume, later.resume})
	actual, covered, err := inHistory(in.History, span, nil)
	if !ok || !covered || err != nil || !actual.InRange() {
		return nil
	}
	a := &After{
		Start: span.Start.String(), End: span.End.String(), Days: days,
		Expected: figures.Expected, Intervals: figures.Intervals, Actual: actual,
		Rebound: max(0, actual-figures.Expected), AfterLoss: max(0, figures.Expected-actual),
	}
	for _, iv := range a.Intervals {
		a.ReboundIntervals = append(a.ReboundIntervals, Interval{
			LevelPercent: iv.LevelPercent, Low: max(0, actual-iv.High), High: max(0, actual-iv.Low),
		})
		a.AfterLossIntervals = append(a.AfterLossIntervals, Interval{
			LevelPercent: iv.LevelPercent, Low: max(0, iv.Low-actual), High: max(0, iv.High-actual),
		})
	}
	a.Text = a.explain(in.Currency)
	return a
}

// daysAfter is how many whole days after the windows the history tells.
func (m *model) daysAfter(in Input) int {
	h := in.History
	start := m.at(m.resume)
	end := min(start+mostDaysAfter*revenue.Day, h.End())
	for _, s := range in.Evidence.Excluded {
		if s.End > start {
			end = min(end, s.Start)
		}
	}
	known := 0
	for at := start; at+m.step <= end && h.States[h.Index(at)] != revenue.Missing; at += m.step {
		known++
	}
	return known / m.day
}

// later is the same model asked about the days after the windows instead: the
// profile and the swing come from before the windows and stay; the past days are
// chosen and weighed anew, for the windows together with the days after them.
func (m *model) later(in Input, days int) *model {
	l := &model{record: m.record, profile: m.profile, lifts: m.lifts, swing: m.swing}
	l.resume, l.after = m.resume+days*m.day, 0
	l.union = []piece{{float64(m.gap()), float64(l.gap())}}
	l.festive = nil
	l.celebrate(in.Evidence.Country)
	l.lookBack()
	return l
}

// explain tells the days, both sums and the difference.
func (a *After) explain(currency money.Currency) lang.Text {
	expected, actual := currency.Text(a.Expected), currency.Text(a.Actual)
	if a.Rebound > 0 {
		iv := ninety(a.ReboundIntervals)
		return lang.F("In the %d-day span after it, %s was earned where about %s is usual: %s more, with 90%% probability between %s and %s.",
			"이후 %d일 동안 매출은 %s으로 평소(%s쯤)보다 %s 많았으며, 90%% 확률로 %s에서 %s 사이입니다.",
			a.Days, actual, expected, currency.Text(a.Rebound), currency.Text(iv.Low), currency.Text(iv.High))
	}
	if a.AfterLoss == 0 {
		return lang.F("In the %d-day span after it, %s was earned, as is usual.", "이후 %d일 동안 매출은 %s으로 평소와 같습니다.", a.Days, actual)
	}
	iv := ninety(a.AfterLossIntervals)
	return lang.F("In the %d-day span after it, %s was earned where about %s is usual: %s less, with 90%% probability between %s and %s.",
		"이후 %d일 동안 매출은 %s으로 평소(%s쯤)보다 %s 적었으며, 90%% 확률로 %s에서 %s 사이입니다.",
		a.Days, actual, expected, currency.Text(a.AfterLoss), currency.Text(iv.Low), currency.Text(iv.High))
}

package scheme

import (
	"fmt"
	"math/big"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// windowUse says what a compensable window does with the outage's own minutes.
type windowUse string

const (
	keepInside windowUse = "keep_inside" // only impaired minutes inside it count
	replaceAll windowUse = "replace"     // it counts as the outage of every claim
)

func (windowUse) options() []string { return []string{string(keepInside), string(replaceAll)} }

// compensableWindow states which minutes count, which may differ from the
// outage's.
type compensableWindow struct {
	Between
	Use windowUse `json:"use" doc:"keep_inside: only impaired minutes inside the window count, and the loss in proportion to minutes × share down; replace: the window counts as the outage of every claim."`
}

func (w compensableWindow) check(c *checker, pointer string) {
	w.Between.check(c, pointer)
	if w.Use == replaceAll && c.paysLoss() {
		c.fail(pointer+"/use", "contradictory", "a window that replaces the outage cannot measure a loss, which the scheme pays; use keep_inside.",
			"장애 시간을 대체하는 기간으로는 보상 기준이 지급하는 손실을 잴 수 없습니다. keep_inside를 쓰십시오.")
	}
}

func (w compensableWindow) times() map[string]Between { return map[string]Between{"": w.Between} }

func (w compensableWindow) apply(e *evaluation) {
	before := minutes(impaired(e.whole))
	rule := lang.F("Only impaired minutes from %s count.", "%s의 장애 시간만 인정합니다.", w.text())
	if w.Use == replaceAll {
		rule = lang.F("The outage counts as %s for everyone.", "모두에게 %s의 장애로 인정합니다.", w.text())
		e.counted(func([]Window) []Window { return []Window{{Span: w.span(), DownBasisPoints: 10_000}} })
	} else {
		e.counted(func(ws []Window) []Window { return clipTo(ws, w.span()) })
	}
	e.note("", rule, countValue("minutes", minutes(impaired(e.whole))), countValue("minutes", before))
}

// durationMeasure says how the length of an outage is taken.
type durationMeasure string

const (
	longestRun   durationMeasure = "longest" // the longest unbroken stretch
	totalMinutes durationMeasure = "total"   // all impaired minutes together
)

func (durationMeasure) options() []string { return []string{string(longestRun), string(totalMinutes)} }

func (m durationMeasure) of(spans []revenue.Span) int64 {
	if m == totalMinutes {
		return minutes(spans)
	}
	var longest int64
	for _, s := range spans {
		longest = max(longest, s.Minutes())
	}
	return longest
}

// minimumDuration drops services whose outage was too short.
type minimumDuration struct {
	AtLeast    *int            `json:"at_least_minutes,omitempty" doc:"The outage must last this long or longer."`
	LongerThan *int            `json:"longer_than_minutes,omitempty" doc:"The outage must last longer than this."`
	Measure    durationMeasure `json:"measure" doc:"longest: the longest unbroken stretch; total: all impaired minutes together."`
	Unless     []Name          `json:"unless,omitempty" doc:"Conditions that lift the minimum when all of them hold."`
}

func (m minimumDuration) check(c *checker, pointer string) {
	c.exactlyOne(pointer, "at_least_minutes", m.AtLeast != nil, "longer_than_minutes", m.LongerThan != nil)
	distinct(c, pointer+"/unless", "duplicate_value", m.Unless)
	c.declared(pointer+"/unless", m.Unless)
}

func (m minimumDuration) apply(e *evaluation) {
	lifted := len(m.Unless) > 0
	for _, name := range m.Unless {
		lifted = lifted && e.holds(name)
	}
	if lifted {
		e.note("", lang.T("The minimum duration is lifted by the stated conditions.", "정해진 조건에 해당하여 최소 시간 요건을 적용하지 않습니다."), Value{"duration", "lifted"})
		return
	}
	for _, l := range e.lines {
		l.windows = m.filter(e, l.fact.Service, l.windows)
	}
	if len(e.lines) == 0 {
		e.whole = m.filter(e, "", e.whole)
		return
	}
	e.whole = nil
	for _, l := range e.lines {
		e.whole = append(e.whole, l.windows...)
	}
}

// filter returns the windows if they last long enough, else none.
func (m minimumDuration) filter(e *evaluation, service string, windows []Window) []Window {
	got := m.Measure.of(impaired(windows))
	var rule lang.Text
	var enough bool
	if m.AtLeast != nil {
		enough = got >= int64(*m.AtLeast)
		rule = lang.F("The outage must last at least %d minutes.", "장애가 %d분 이상이어야 합니다.", *m.AtLeast)
	} else {
		enough = got > int64(*m.LongerThan)
		rule = lang.F("The outage must last longer than %d minutes.", "장애가 %d분을 넘어야 합니다.", *m.LongerThan)
	}
	if enough {
		e.note(service, rule, Value{"duration", "long_enough"}, countValue("minutes", got))
		return windows
	}
	e.note(service, rule, Value{"duration", "too_short"}, countValue("minutes", got))
	e.paysNothing("too_short", rule)
	return nil
}

// waitingPeriod leaves out the first minutes of an outage, as an insurance
// excess in time does.
type waitingPeriod struct {
	Minutes int   `json:"minutes" doc:"This much time from the first impaired minute does not count; the loss is reduced in proportion to minutes × share down."`
	Per     Basis `json:"per" doc:"claim: one wait from the claim's first impaired minute; service: each service waits for itself."`
}

func (w waitingPeriod) check(c *checker, pointer string) {
	if w.Minutes < 1 {
		c.fail(pointer+"/minutes", "out_of_range", "a waiting period is at least 1 minute; leave the stage out for none.", "대기 시간은 최소 1분입니다. 없으면 이 단계를 빼십시오.")
	}
}

func (w waitingPeriod) apply(e *evaluation) {
	before := minutes(impaired(e.whole))
	first := impaired(e.whole)
	wait := func(ws []Window) []Window {
		spans := impaired(ws)
		if w.Per == PerClaim {
			spans = first
		}
		if len(spans) == 0 {
			return nil
		}
		return clipTo(ws, revenue.Span{Start: spans[0].Start + revenue.Local(w.Minutes), End: latest})
	}
	e.counted(wait)
	e.note("", lang.F("The first %d minutes do not count.", "처음 %d분은 인정하지 않습니다.", w.Minutes),
		countValue("minutes", minutes(impaired(e.whole))), countValue("minutes", before))
}

// durationCount says in what unit duration tiers count.
type durationCount string

const (
	calendarDays durationCount = "calendar_days" // days touched by the outage
	startedDays  durationCount = "started_days"  // 24-hour days begun, of all impaired minutes
	startedHours durationCount = "started_hours" // hours begun, of all impaired minutes
)

func (durationCount) options() []string {
	return []string{string(calendarDays), string(startedDays), string(startedHours)}
}

func (d durationCount) text() lang.Text {
	switch d {
	case startedDays:
		return lang.T("24-hour days begun", "시작된 24시간 단위 일수")
	case startedHours:
		return lang.T("hours begun", "시작된 시간 수")
	}
	return lang.T("calendar days", "달력상 일수")
}

func (d durationCount) of(spans []revenue.Span) int64 {
	switch d {
	case startedDays:
		return ceilDiv(minutes(spans), int64(revenue.Day))
	case startedHours:
		return ceilDiv(minutes(spans), int64(revenue.Hour))
	}
	var days int64
	next := earliest
	for _, s := range spans {
		from := max(s.Start.DayStart(), next)
		next = (s.End - 1).DayStart() + revenue.Day
		days += int64((next - from) / revenue.Day)
	}
	return days
}

func ceilDiv(a, n int64) int64 { return (a + n - 1) / n }

// durationTiers pays a fixed amount by how long the claim's outage lasted.
type durationTiers struct {
	When  *when         `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Count durationCount `json:"count" doc:"calendar_days: days touched; started_days: 24-hour days begun; started_hours: hours begun."`
	Tiers []tier        `json:"tiers" doc:"Ascending, without gap; bounds are counts, the upper one included."`
}

func (d durationTiers) check(c *checker, pointer string) {
	d.When.check(c, pointer+"/when")
	checkTiers(c, pointer+"/tiers", d.Tiers)
}

func (d durationTiers) apply(e *evaluation) {
	if e.notFor(d.When) {
		return
	}
	n := d.Count.of(impaired(e.whole))
	if n == 0 {
		e.paysNothing("no_outage", lang.T("No minute of outage counts.", "인정되는 장애 시간이 없습니다."))
		return
	}
	e.payTier("", tierOf(d.Tiers, whole(n)), func(bound int64) lang.Text {
		return lang.T(fmt.Sprint(bound), fmt.Sprint(bound))
	}, countValue(string(d.Count), n))
}

// durationAmounts pays a fixed amount for every day or hour of outage.
type durationAmounts struct {
	When  *when         `json:"when,omitempty" doc:"Which claims it is for; absent: all."`
	Count durationCount `json:"count" doc:"calendar_days: days touched; started_days: 24-hour days begun; started_hours: hours begun."`
	After int           `json:"after" doc:"So many days or hours pay nothing; 0: all pay."`
	Pay   Amount        `json:"pay" doc:"The amount for each one after these."`
}

func (d durationAmounts) check(c *checker, pointer string) {
	d.When.check(c, pointer+"/when")
	if d.Pay == 0 {
		c.fail(pointer+"/pay", "out_of_range", "pays nothing; leave the stage out.", "지급액이 없습니다. 이 단계를 빼십시오.")
	}
}

func (d durationAmounts) apply(e *evaluation) {
	if e.notFor(d.When) {
		return
	}
	n := d.Count.of(impaired(e.whole))
	if n <= int64(d.After) {
		e.paysNothing("too_short", lang.F("The first %d pay nothing (%s).", "처음 %d까지는 지급하지 않습니다(%s).", d.After, d.Count.text()))
		return
	}
	each := Rounding{Mode: money.Down, Step: 1} // a whole number times a whole amount needs no rounding
	e.pay("", new(big.Rat).Mul(whole(n-int64(d.After)), d.Pay.rat()), each,
		lang.F("%s for each of %d beyond %d (%s).", "%[3]d 초과분 %[2]d에 대해 각각 %[1]s(%[4]s).", e.amount(d.Pay.minor()), n-int64(d.After), d.After, d.Count.text()),
		countValue(string(d.Count), n))
}

package scheme

import (
	"time"

	"redress/internal/money"
	"redress/internal/revenue"
)

// stepUnit is the distance between comparable periods.
type stepUnit string

const (
	weekStep stepUnit = "week" // same weekdays and hours
	yearStep stepUnit = "year" // same dates and hours
)

func (stepUnit) options() []string { return []string{string(weekStep), string(yearStep)} }

// comparables states which periods of a history are compared with the one that
// holds the outage.
type comparables struct {
	Period  *Between `json:"period,omitempty" doc:"The period that holds the outage; absent: the incident itself."`
	Step    stepUnit `json:"step" doc:"week: same weekdays and hours; year: same dates and hours."`
	Back    int      `json:"back" doc:"How many steps before it are comparable."`
	Forward int      `json:"forward" doc:"How many steps after it are comparable."`
}

// mostSteps keeps a comparison within what a history can hold.
const mostSteps = 520

func (k comparables) check(c *checker, pointer string) {
	if k.Back+k.Forward < 1 {
		c.fail(pointer+"/back", "out_of_range", "names no comparable period, and forward does not either.", "forward와 함께 비교할 기간이 하나도 없습니다.")
	}
	if k.Back > mostSteps {
		c.fail(pointer+"/back", "out_of_range", "%d is more than %d steps.", "%d은(는) %d단계를 넘습니다.", k.Back, mostSteps)
	}
	if k.Forward > mostSteps {
		c.fail(pointer+"/forward", "out_of_range", "%d is more than %d steps.", "%d은(는) %d단계를 넘습니다.", k.Forward, mostSteps)
	}
	if k.Period != nil {
		k.Period.check(c, pointer+"/period")
	}
}

// Comparison sums the history over the periods that the scheme's baseline rule
// compares, for LossLine.Comparison. A period that the history does not cover
// in full, bucket for bucket, is left out; closed buckets count as 0. It
// returns nil when the scheme compares nothing or when the history does not
// cover the incident's own period.
func (s *Scheme) Comparison(h revenue.History, incident revenue.Span) *Comparison {
	for _, st := range s.stages {
		if b, ok := st.stage.(*baselineRule); ok && b.Comparison != nil {
			return b.Comparison.sum(h, incident)
		}
	}
	return nil
}

func (k comparables) sum(h revenue.History, incident revenue.Span) *Comparison {
	period := incident
	if k.Period != nil {
		period = k.Period.span()
	}
	actual, ok := sumOver(h, period)
	if !ok {
		return nil
	}
	c := &Comparison{Actual: actual, Periods: []Period{}}
	for step := -k.Back; step <= k.Forward; step++ {
		shifted := k.shift(period, step)
		if step == 0 || shifted.Overlaps(incident) {
			continue
		}
		if amount, ok := sumOver(h, shifted); ok && amount >= 0 {
			c.Periods = append(c.Periods, Period{Start: shifted.Start, Revenue: amount})
		}
	}
	return c
}

func (k comparables) shift(period revenue.Span, step int) revenue.Span {
	start := period.Start + revenue.Local(step)*revenue.Week
	if k.Step == yearStep {
		clock := period.Start.Clock()
		// 29 February has no counterpart in most years: its last day stands in.
		day := clock.AddDate(step, 0, 0)
		if day.Month() != clock.Month() {
			day = day.AddDate(0, 0, -1)
		}
		start = revenue.LocalOf(day, time.UTC)
	}
	return revenue.Span{Start: start, End: start + revenue.Local(period.Minutes())}
}

// sumOver adds the buckets of a span; false when one is missing or straddles an
// edge.
func sumOver(h revenue.History, span revenue.Span) (money.Minor, bool) {
	if h.BucketMinutes == 0 || span.Minutes() <= 0 || span.Start < h.Start || span.End > h.End() {
		return 0, false
	}
	first, end := h.Index(span.Start), h.Index(span.End)
	if h.At(first) != span.Start || h.At(end) != span.End {
		return 0, false
	}
	var total money.Minor
	for i := first; i < end; i++ {
		if h.States[i] == revenue.Missing {
			return 0, false
		}
		if h.States[i] == revenue.Open {
			sum, err := money.Add(total, h.Amounts[i])
			if err != nil {
				return 0, false
			}
			total = sum
		}
	}
	return total, true
}

// Compares reports whether the scheme's baseline rule compares periods of a
// history, so that its facts need a Comparison.
func (s *Scheme) Compares() bool {
	for _, st := range s.stages {
		if b, ok := st.stage.(*baselineRule); ok && b.Comparison != nil {
			return true
		}
	}
	return false
}

package baseline

import (
	"math"
	"slices"
)

// Levels are the probabilities of the intervals, in percent.
var Levels = [...]int{80, 90, 95}

// normal are the points of the standard normal distribution that cut off half of
// what each level leaves out.
var normal = [len(Levels)]float64{1.2816, 1.6449, 1.9600}

// Forecast is an expected sum and the ranges of the true sum at Levels, before
// rounding, in minor units. Ranges are equal-tailed, nested and never below 0.
type Forecast struct {
	Expected float64
	Low      [len(Levels)]float64
	High     [len(Levels)]float64

	placebo placebo
}

// placebo is how the method fared on past days, and the scores between which it
// holds 90 % of sums to fall.
type placebo struct {
	trials    []trial
	scale     scale
	low, high float64
}

// trial is the same windows on a past day.
type trial struct{ expected, earned float64 }

// Past days that count as much as the shape of the normal distribution, and as
// the scale that the noise gives.
const (
	shapePlacebos = 200
	scalePlacebos = 5
)

// recentDays is after how many past days one counts half in the scale.
const recentDays = 30

// forecast expects the pieces and ranges the sum by how far the method was off on
// every stride-th past day.
func (m *model) forecast(pieces []piece, stride int) Forecast {
	p := m.partsOf(&m.now, pieces)
	added, variance := m.holidayEffect(pieces)
	p.usual, p.same = p.usual+added, p.same+added
	f := Forecast{Expected: m.join(&m.now, p)}
	trials := make([]trial, 0, len(m.past))
	for i := 0; i < len(m.past); i += stride {
		t := &m.past[i]
		trials = append(trials, trial{m.join(t, m.partsOf(t, pieces)), m.earnedIn(t, pieces)})
	}
	s := newScale(m.noise, trials)
	scores, deviation := s.scores(trials, stride)
	f.placebo = placebo{trials: trials, scale: s}
	s.extra = variance
	n := float64(len(scores))
	own := n / (n + shapePlacebos)
	for j, level := range Levels {
		tail := float64(100-level) / 200
		rest := mul(mul(1-own, normal[j]), deviation)
		low := mul(own, quantile(scores, tail)) - rest
		high := mul(own, quantile(scores, 1-tail)) + rest
		f.Low[j] = max(0, min(f.Expected, s.value(f.Expected, low)))
		f.High[j] = max(f.Expected, s.value(f.Expected, high))
		if level == 90 {
			f.placebo.low, f.placebo.high = low, high
		}
	}
	return f
}

// scores are the errors of trials on the scale, sorted, and their standard
// deviation, in which recent ones count more.
func (s scale) scores(trials []trial, stride int) (sorted []float64, deviation float64) {
	sorted = make([]float64, len(trials))
	squares, weight := float64(scalePlacebos), float64(scalePlacebos)
	for i, t := range trials {
		z := s.score(t.earned, t.expected)
		w := 1 / (1 + float64(i*stride)/recentDays)
		squares += mul(w, min(mul(z, z), 9))
		weight += w
		sorted[i] = z
	}
	slices.Sort(sorted)
	return sorted, math.Sqrt(squares / weight)
}

// scale compares errors of small and of large sums: on the scale of square roots
// the spread of counts hardly depends on their size (Bartlett 1936), and what is
// left of it is divided out.
type scale struct {
	noise float64 // variance over the mean that comes by chance
	level float64 // variance of the level, over the mean squared
	extra float64 // variance of the holidays in the windows
}

// newScale fits the variance of the level to trials: what they were off beyond
// chance. Squared errors count up to six times their expected size.
func newScale(noise float64, trials []trial) scale {
	s := scale{noise: noise, level: 1}
	var squares float64
	for _, t := range trials {
		squares += mul(t.expected, t.expected)
	}
	if squares <= 0 {
		return s
	}
	for pass := range 5 {
		var beyond float64
		for _, t := range trials {
			chance := mul(noise, t.expected)
			d := t.earned - t.expected
			square := mul(d, d)
			if pass > 0 {
				square = min(square, mul(6, chance+mul(s.level, mul(t.expected, t.expected))))
			}
			beyond += square - chance
		}
		s.level = max(0, min(beyond/squares, 4))
	}
	return s
}

// base moves the root off 0, where it is steepest (Anscombe 1948).
func (s scale) base(e float64) float64 { return math.Sqrt(max(0, e+mul(0.375, s.noise))) }

// unit is the standard deviation of the root of a sum expected to be e.
func (s scale) unit(e float64) float64 {
	variance := mul(s.noise, e) + mul(s.level, mul(e, e)) + s.extra
	return math.Sqrt(variance/(4*(e+mul(0.375, s.noise))+tiny)) + tiny
}

// least keeps sums expected to be nearly nothing comparable.
func (s scale) least(e float64) float64 { return max(e, mul(0.05, s.noise)) }

func (s scale) score(earned, expected float64) float64 {
	e := s.least(expected)
	return (s.base(earned) - s.base(e)) / s.unit(e)
}

func (s scale) value(expected, score float64) float64 {
	e := s.least(expected)
	root := max(0, s.base(e)+mul(score, s.unit(e)))
	return mul(root, root) - mul(0.375, s.noise)
}

// quantile is the p-quantile for one more draw from where the sorted scores come
// from: the p·(n+1)-th of them, which is exact for exchangeable draws.
func quantile(sorted []float64, p float64) float64 {
	at := mul(p, float64(len(sorted)+1)) - 1
	if at <= 0 {
		return sorted[0]
	}
	i := int(at)
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + mul(at-float64(i), sorted[i+1]-sorted[i])
}

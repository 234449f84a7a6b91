package baseline

import (
	"math"
	"slices"
)

// Levels are the probabilities of the intervals, in percent.
var Levels = [...]int{80, 90, 95}

// student are the points of Student's distribution with six degrees of freedom,
// scaled to variance 1, that cut off half of what each level leaves out. Errors of
// sales have heavier tails than normal ones.
var student = [len(Levels)]float64{1.1756, 1.5866, 1.9979}

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
type trial struct {
	expected, usual float64 // usual by the profile, whatever the level
	earned          float64
}

// Past days that count as much as the shape of Student's distribution, and as the
// scale that the noise gives.
const (
	shapePlacebos = 400
	scalePlacebos = 10
)

// recentDays is after how many past days one counts half in the scale.
const recentDays = 15

// forecastWhole expects all windows together.
func (m *model) forecastWhole() Forecast {
	union := m.daily(m.union)
	if m.peers != nil {
		return m.forecast(union, m.peerTrials(union), 0)
	}
	trials := make([]trial, len(m.past))
	for i := range trials {
		t := &m.past[i]
		trials[i] = m.attempt(t, t.whole, m.union)
	}
	return m.forecast(union, trials, 1)
}

// windowStride is how many days lie between the past days on which one window of
// several is tried. It shares no factor with the week, so that all weekdays take
// their turn.
const windowStride = 4

// forecastWindow expects one window of several.
func (m *model) forecastWindow(pieces []piece) Forecast {
	window := m.daily(pieces)
	if m.peers != nil {
		return m.forecast(window, m.peerTrials(window), 0)
	}
	trials := make([]trial, 0, len(m.past)/windowStride+1)
	for i := 0; i < len(m.past); i += windowStride {
		t := &m.past[i]
		trials = append(trials, m.attempt(t, m.partsOf(t, window), pieces))
	}
	return m.forecast(window, trials, windowStride)
}

// attempt is the pieces on a past day, expected from their parts.
func (m *model) attempt(t *occasion, p parts, pieces []piece) trial {
	return trial{expected: m.join(t, p), usual: p.usual, earned: sumOf(m.earnedSum, t.at, pieces)}
}

// forecast expects the pieces and ranges the sum by how far the method was off in
// the trials, which lie stride days apart; stride 0 weighs all alike.
func (m *model) forecast(d *daily, trials []trial, stride int) Forecast {
	if len(d.pieces) == 0 {
		return Forecast{}
	}
	p := m.partsOf(&m.now, d)
	added, variance := m.holidayEffect(d.pieces)
	p.usual, p.same = p.usual+added, p.same+added
	f := Forecast{Expected: m.join(&m.now, p)}
	s := newScale(m.noise, trials)
	scores, deviation := s.scores(trials, stride)
	f.placebo = placebo{trials: trials, scale: s}
	s.extra = variance
	unit := s.unit(f.Expected, p.usual)
	skew := s.skew(f.Expected, unit)
	n := float64(len(scores))
	own := n / (n + shapePlacebos)
	rest := mul(1-own, deviation)
	for j, level := range Levels {
		tail := float64(100-level) / 200
		shift := mul(skew, mul(student[j], student[j])-1) / 6
		low := mul(own, quantile(scores, tail)) - mul(rest, student[j]-shift)
		high := mul(own, quantile(scores, 1-tail)) + mul(rest, student[j]+shift)
		f.Low[j] = max(0, min(f.Expected, f.Expected+mul(low, unit)))
		f.High[j] = max(f.Expected, f.Expected+mul(high, unit))
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
		z := (t.earned - t.expected) / s.unit(t.expected, t.usual)
		w := 1 / (1 + float64(i*stride)/recentDays)
		squares += mul(w, min(mul(z, z), trim))
		weight += w
		sorted[i] = z
	}
	slices.Sort(sorted)
	return sorted, math.Sqrt(squares / weight)
}

// scale is how far off a sum can be that is expected to be e and usually is u:
// variance = noise·e + level·u² + extra.
type scale struct {
	noise float64 // variance over the mean that comes by chance
	level float64 // variance of the level, over the usual sum squared
	extra float64 // variance of the holidays in the windows
}

// trim is how many times its expected size a squared error counts at most.
const trim = 6

// newScale fits the variance of the level to trials: what they were off beyond
// chance.
func newScale(noise float64, trials []trial) scale {
	s := scale{noise: noise, level: 1}
	var squares float64
	for _, t := range trials {
		squares += mul(t.usual, t.usual)
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
				square = min(square, mul(trim, chance+mul(s.level, mul(t.usual, t.usual))))
			}
			beyond += square - chance
		}
		s.level = max(0, min(beyond/squares, 4))
	}
	return s
}

// leastUnits bounds from below, in units of noise, the expected sum by which an
// error is judged: where next to nothing is expected, one sale is no wonder.
const leastUnits = 0.05

// unit is the standard deviation of a sum expected to be e and usually u.
func (s scale) unit(e, u float64) float64 {
	e = max(e, mul(leastUnits, s.noise))
	return math.Sqrt(mul(s.noise, e)+mul(s.level, mul(u, u))+s.extra) + tiny
}

// mostSkew bounds the skewness: beyond it the lower points of the levels would
// change places.
const mostSkew = 1.5

// skew is how lopsided a sum expected to be e is whose standard deviation is unit:
// what comes by chance comes singly, as with Poisson, and adds noise²·e to the
// third moment; the level adds nothing.
func (s scale) skew(e, unit float64) float64 {
	r := s.noise / unit
	return min(mul(mul(r, r), e/unit), mostSkew)
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

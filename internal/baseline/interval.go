package baseline

import (
	"math"
	"slices"
)

// Levels are the probabilities of the intervals, in percent.
var Levels = [...]int{80, 90, 95}

// normal95 are the standard normal quantiles of the upper ends.
var normal = [...]float64{1.2816, 1.6449, 1.9600}

// Forecast is the expected sum of a stretch and the ranges of that sum, before
// rounding, in minor units.
type Forecast struct {
	Expected float64
	Low      [len(Levels)]float64
	High     [len(Levels)]float64
}

func (m *model) expect(v *sight) float64 {
	e := v.usual
	for j := range signals {
		e += mul(m.weight[j], v.signal[j])
	}
	return max(e, 0)
}

// forecast ranges one set of windows by how far the method was off on the past
// days.
func (m *model) forecast(w []window) Forecast {
	now := m.see(m.anchor, w, false)
	f := Forecast{Expected: m.expect(&now)}
	errs := make([]float64, 0, len(m.placebo))
	exps := make([]float64, 0, len(m.placebo))
	var s1, s2, se, see, mean float64
	for i, s := range m.placebo {
		var v sight
		if len(w) == len(m.union) {
			v = m.past[i]
		} else {
			v = m.see(s, w, true)
		}
		e := m.expect(&v)
		errs = append(errs, v.amount-e)
		exps = append(exps, e)
		mean += e
	}
	_ = see
	n := float64(len(errs))
	mean = (mean + f.Expected) / (n + 1)
	// Spread of the error: variance = a·e + b·e².
	for i, d := range errs {
		e := max(exps[i], 0.1*mean)
		s1 += e
		s2 += mul(e, e)
		se += mul(d, d)
	}
	scale := func(e float64) float64 {
		e = max(e, 0.1*mean)
		return math.Sqrt(mul(e, mean) + mul(e, e) + 1e-9)
	}
	z := make([]float64, len(errs))
	for i := range errs {
		z[i] = errs[i] / scale(exps[i])
	}
	slices.Sort(z)
	spread := 1.0
	if n > 0 && mean > 0 {
		spread = math.Sqrt(se / n / (2 * mean * mean))
	}
	sc := scale(f.Expected)
	for j, level := range Levels {
		tail := float64(100-level) / 200
		lo, hi := quantile(z, tail), quantile(z, 1-tail)
		prior := normal[j] * spread
		k := 10 / (n + 10)
		lo = (1-k)*lo - k*prior
		hi = (1-k)*hi + k*prior
		f.Low[j] = max(0, min(f.Expected, f.Expected+lo*sc))
		f.High[j] = max(f.Expected, f.Expected+hi*sc)
	}
	return f
}

func quantile(z []float64, p float64) float64 {
	n := len(z)
	if n == 0 {
		return 0
	}
	at := p*float64(n+1) - 1
	if at <= 0 {
		return z[0]
	}
	if at >= float64(n-1) {
		return z[n-1]
	}
	i := int(at)
	return z[i] + (at-float64(i))*(z[i+1]-z[i])
}

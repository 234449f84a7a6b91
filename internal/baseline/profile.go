package baseline

import "math"

// profile is the usual amount of every bucket, each learned only from buckets at
// least a week older. So the profile of any past moment is what it would have
// been on that day, and the week from a moment on is what that moment expects.
//
// Sums are kept as running sums (element i is the sum of the first i buckets), so
// that any stretch costs two look-ups.
type profile struct {
	usual     []float64 // per bucket, up to a week past the anchor
	usualSum  []float64
	levelSum  []float64 // amounts, damped; the usual one where the record is silent
	earnedSum []float64 // amounts as earned; the usual one where the record is silent
	silentSum []int32
	noise     float64 // variance of a bucket over its mean, in minor units
}

// What a week (of weekdayKeep: a week; of hourKeep: a day) keeps of its weight
// one week (day) later.
const (
	slowKeep    = 0.96
	fastKeep    = 0.80
	weekdayKeep = 0.95
	hourKeep    = 0.98
)

// weekdayPad is for how many weeks a weekday is held to be like any other.
const weekdayPad = 4.0

// pads are for how many weeks an hour of the week is held to follow the plainer
// shape, hour of day × weekday: from hardly to nearly always.
var pads = [...]float64{0.5, 4, 32}

// candidates are the profiles to choose among: two memories, three pads.
const candidates = 2 * len(pads)

// mean is an exponentially weighted mean, kept as its two sums.
type mean struct{ sum, weight float64 }

func (m *mean) add(v, keep float64) {
	m.sum = mul(m.sum, keep) + v
	m.weight = mul(m.weight, keep) + 1
}

func (m *mean) value() float64 {
	if m.weight == 0 {
		return 0
	}
	return m.sum / m.weight
}

// shape is the state of the candidates on their way through a record.
type shape struct {
	day     int
	slow    []mean // per bucket of the week
	fast    []mean
	hour    []mean // per bucket of the day
	weekday [7]mean
	allDays mean
	factor  [7]float64 // weekday against all days
	today   float64    // sum of the day so far
	known   int        // its known buckets
}

func newShape(r *record) *shape {
	s := &shape{day: r.day, slow: make([]mean, r.week), fast: make([]mean, r.week), hour: make([]mean, r.day)}
	for d := range s.factor {
		s.factor[d] = 1
	}
	return s
}

// push learns a bucket, given as bucket of the week.
func (s *shape) push(slot int, v float64, u use) {
	hour := slot % s.day
	if u == learned {
		s.slow[slot].add(v, slowKeep)
		s.fast[slot].add(v, fastKeep)
		s.hour[hour].add(v, hourKeep)
		s.today += v
		s.known++
	}
	if hour == s.day-1 {
		s.endDay(slot / s.day)
	}
}

func (s *shape) endDay(weekday int) {
	if s.known*10 >= s.day*9 {
		s.weekday[weekday].add(s.today, weekdayKeep)
		s.allDays.add(s.today, hourKeep)
		if all := s.allDays.value(); all > 0 {
			w := s.weekday[weekday]
			s.factor[weekday] = max(0, (w.sum/all+weekdayPad)/(w.weight+weekdayPad))
		}
	}
	s.today, s.known = 0, 0
}

// expect fills in what each candidate expects of a bucket of the week.
func (s *shape) expect(slot int, out *[candidates]float64) {
	plain := mul(s.hour[slot%s.day].value(), s.factor[slot/s.day])
	slow, fast := &s.slow[slot], &s.fast[slot]
	for j, pad := range pads {
		held := mul(pad, plain)
		out[j] = (slow.sum + held) / (slow.weight + pad)
		out[len(pads)+j] = (fast.sum + held) / (fast.weight + pad)
	}
}

// newProfile learns the profile twice: a first time to recognise closures and
// freak amounts in the record, and a second time without them.
func newProfile(r *record) *profile {
	p := &profile{usual: make([]float64, r.anchor+r.week)}
	var even [candidates]float64
	for j := range even {
		even[j] = 1.0 / float64(candidates)
	}
	weight := p.sweep(r, r.earned, even)
	noise := p.dispersion(r, r.earned, 0)
	r.recognise(p, noise)
	damped := p.damp(r, noise)
	p.sweep(r, damped, weight)
	p.sum(r, damped)
	return p
}

// sweep passes through the record once and leaves the usual amounts as the
// weighted sum of the candidates. It returns the weights that the candidates
// earned by their squared errors, a week ahead, on the way.
func (p *profile) sweep(r *record, earned []float64, weight [candidates]float64) [candidates]float64 {
	var loss [candidates]float64
	ahead := make([][candidates]float64, r.week) // per bucket of the week: what was expected of the next one
	s := newShape(r)
	slot := 0
	for i := range r.anchor {
		if i >= 2*r.week && r.use[i] == learned {
			for j, e := range ahead[slot] {
				d := earned[i] - e
				loss[j] += mul(d, d)
			}
		}
		s.push(slot, earned[i], r.use[i])
		next := &ahead[slot]
		s.expect(slot, next)
		var usual float64
		for j, w := range weight {
			usual += mul(w, next[j])
		}
		p.usual[i+r.week] = max(usual, 0)
		if slot++; slot == r.week {
			slot = 0
		}
	}
	return trust(loss)
}

// trust turns losses into weights: (least loss / loss)^64, to sum 1. Losses of
// candidates differ by a percent or two, of which this makes a clear preference
// without a winner that takes all.
func trust(loss [candidates]float64) [candidates]float64 {
	least := loss[0]
	for _, l := range loss {
		least = min(least, l)
	}
	var weight [candidates]float64
	var total float64
	for j, l := range loss {
		w := 1.0
		if l > 0 {
			w = least / l
			for range 6 {
				w = mul(w, w)
			}
		}
		weight[j] = w
		total += w
	}
	for j := range weight {
		weight[j] /= total
	}
	return weight
}

// frozen is the usual amount of bucket i as known at the anchor: of buckets in
// the first two weeks, which have no profile of their own, and of those later
// than a week past the anchor, that of the same hour in the week from the anchor.
func (p *profile) frozen(r *record, i int) float64 {
	if i >= 2*r.week && i < len(p.usual) {
		return p.usual[i]
	}
	return p.usual[r.anchor+int(floorMod(int64(i-r.anchor), int64(r.week)))]
}

// freak is how many units an amount may lie off the usual before it counts as a
// bulk order or an error: its excess teaches nothing.
const freak = 4.0

// damp returns the amounts with what is freakish about them cut off. The noise
// it is given, which freaks have inflated, it first lets settle.
func (p *profile) damp(r *record, noise float64) []float64 {
	for range 2 {
		noise = p.dispersion(r, r.earned, noise)
	}
	damped := make([]float64, len(r.earned))
	for i, v := range r.earned {
		if r.use[i] == learned {
			u := p.frozen(r, i)
			limit := freakish(noise, u)
			v = max(u-limit, min(v, u+limit))
		}
		damped[i] = v
	}
	return damped
}

func freakish(noise, usual float64) float64 {
	return mul(freak, math.Sqrt(mul(noise, usual))+noise)
}

// dispersion is the sum of squared errors of the profile over the sum of the
// profile; for sales of one unit that come by chance it is the unit's price.
// Errors that are freakish at the given noise count as no more than that; noise 0
// cuts nothing. It looks at the days that placebos are taken from.
func (p *profile) dispersion(r *record, earned []float64, noise float64) float64 {
	var squares, sum float64
	for i := max(2*r.week, r.anchor-maxPlacebos*r.day); i < r.anchor; i++ {
		if r.use[i] != learned {
			continue
		}
		u := p.usual[i]
		d := earned[i] - u
		if noise > 0 {
			limit := freakish(noise, u)
			d = max(-limit, min(d, limit))
		}
		squares += mul(d, d)
		sum += u
	}
	if sum <= 0 {
		return 1
	}
	return squares / sum
}

// sum makes the running sums. A silent bucket counts as its usual amount, so that
// it moves no level.
func (p *profile) sum(r *record, damped []float64) {
	p.noise = p.dispersion(r, damped, 0)
	n := len(r.earned)
	p.usualSum = make([]float64, len(p.usual)+1)
	for i, v := range p.usual {
		p.usualSum[i+1] = p.usualSum[i] + v
	}
	sums := make([]float64, 2*(n+1))
	p.levelSum, p.earnedSum = sums[:n+1], sums[n+1:]
	p.silentSum = make([]int32, n+1)
	for i := range n {
		level, earned, quiet := damped[i], r.earned[i], int32(0)
		if r.use[i] == silent {
			level, quiet = p.frozen(r, i), 1
			earned = level
		}
		p.levelSum[i+1] = p.levelSum[i] + level
		p.earnedSum[i+1] = p.earnedSum[i] + earned
		p.silentSum[i+1] = p.silentSum[i] + quiet
	}
}

// within reads a running sum between two fractional buckets counted from at.
func within(sum []float64, at int, x piece) float64 {
	return prefix(sum, at, x.to) - prefix(sum, at, x.from)
}

func prefix(sum []float64, at int, offset float64) float64 {
	i := int(offset)
	v := sum[at+i]
	if f := offset - float64(i); f > 0 {
		v += mul(f, sum[at+i+1]-v)
	}
	return v
}

// expected is the usual amount of a piece as known at bucket at. Past the first
// week the profile repeats.
func (p *profile) expected(at, week int, x piece) float64 {
	return p.expectedTo(at, week, x.to) - p.expectedTo(at, week, x.from)
}

func (p *profile) expectedTo(at, week int, offset float64) float64 {
	base := p.usualSum[at]
	if offset <= float64(week) {
		return prefix(p.usualSum, at, offset) - base
	}
	weeks := float64(int(offset) / week)
	rest := offset - mul(weeks, float64(week))
	return mul(weeks, p.usualSum[at+week]-base) + (prefix(p.usualSum, at, rest) - base)
}

// mul multiplies and rounds. Without the conversion a compiler may fuse the
// product with the sum it goes into, and two machines disagree in the last bit.
func mul(a, b float64) float64 { return float64(a * b) }

func floorMod(a, n int64) int64 { return ((a % n) + n) % n }

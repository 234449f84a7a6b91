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

// What a week (of hourKeep: a day) keeps of its weight one week (day) later.
const (
	slotKeep    = 0.97
	weekdayKeep = 0.95
	hourKeep    = 0.98
)

// How far an hour of the week strays from the plainer shape, hour of day ×
// weekday, and a weekday from any other: variances, relative. By them and the
// noise a mean over weeks is held to the plainer shape (credibility; Bühlmann
// 1967): as if for noise / (stray · usual) weeks.
const (
	slotStray    = 0.5
	weekdayStray = 0.0625
	leastPad     = 0.5
)

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

// shape is the state of the profile on its way through a record.
type shape struct {
	slot    []mean // per bucket of the week
	shut    []bool // per bucket of the week: regularly closed
	hour    []mean // per bucket of the day
	weekday [7]mean
	allDays mean
	factor  [7]float64 // weekday against all days
	today   float64    // sum of the day so far
	known   int        // its known buckets
	noise   float64
}

// push learns a bucket, given as bucket of the week, and returns what it usually
// brings.
func (s *shape) push(slot int, v float64, u use) float64 {
	day := len(s.hour)
	hour := slot % day
	if u == learned {
		s.slot[slot].add(v, slotKeep)
		s.hour[hour].add(v, hourKeep)
		s.today += v
		s.known++
	}
	if hour == day-1 {
		s.endDay(slot / day)
	}
	// What teaches nothing, a holiday say, leaves a regular closing as it was.
	if u != silent {
		s.shut[slot] = u == recessed
	}
	if s.shut[slot] {
		return 0
	}
	plain := mul(s.hour[hour].value(), s.factor[slot/day])
	m := &s.slot[slot]
	// pad · plain, which stays finite where plain is 0.
	held := mul(leastPad, plain) + s.noise/slotStray
	if plain <= 0 {
		return 0
	}
	pad := held / plain
	return max(0, (m.sum+held)/(m.weight+pad))
}

// endDay learns what the weekday brings, from days known nearly in full.
func (s *shape) endDay(weekday int) {
	if s.known*10 >= len(s.hour)*9 {
		s.weekday[weekday].add(s.today, weekdayKeep)
		s.allDays.add(s.today, hourKeep)
		if all := s.allDays.value(); all > 0 {
			w := s.weekday[weekday]
			pad := leastPad + s.noise/weekdayStray/all
			s.factor[weekday] = max(0, (w.sum/all+pad)/(w.weight+pad))
		}
	}
	s.today, s.known = 0, 0
}

// newProfile learns the profile twice: a first time to recognise closures and
// freak amounts in the record, and a second time without them.
func newProfile(r *record) *profile {
	p := &profile{usual: make([]float64, r.anchor+r.week)}
	p.sweep(r, r.earned, 0)
	noise := p.settledNoise(r)
	r.recognise(p, noise)
	damped := p.damp(r, noise)
	p.sweep(r, damped, noise)
	p.sum(r, damped)
	return p
}

// sweep passes through the record once and leaves the usual amounts, each a week
// ahead.
func (p *profile) sweep(r *record, earned []float64, noise float64) {
	s := &shape{noise: noise, slot: make([]mean, r.week), shut: make([]bool, r.week), hour: make([]mean, r.day), factor: [7]float64{1, 1, 1, 1, 1, 1, 1}}
	slot := 0
	for i := range r.anchor {
		p.usual[i+r.week] = s.push(slot, earned[i], r.use[i])
		if slot++; slot == r.week {
			slot = 0
		}
	}
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

// freak is how many units an amount may lie above the usual, or a refund below 0,
// before it counts as a bulk order or an error: its excess teaches nothing.
const freak = 4.0

// damp returns the amounts with what is freakish about them cut off.
func (p *profile) damp(r *record, noise float64) []float64 {
	damped := make([]float64, len(r.earned))
	for i, v := range r.earned {
		if r.use[i] == learned {
			u := p.frozen(r, i)
			limit := freakish(noise, u)
			v = max(-limit, min(v, u+limit))
		}
		damped[i] = v
	}
	return damped
}

func freakish(noise, usual float64) float64 {
	return mul(freak, math.Sqrt(mul(noise, usual))+noise)
}

// settledNoise is the dispersion without freaks. It starts low, from absolute
// errors, which a freak moves least, and lets the cut and the dispersion settle.
func (p *profile) settledNoise(r *record) float64 {
	var off, sum, n float64
	for i := r.trialsFrom(); i < r.anchor; i++ {
		if r.use[i] == learned {
			off += math.Abs(r.earned[i] - p.usual[i])
			sum += p.usual[i]
			n++
		}
	}
	if off <= 0 || sum <= 0 {
		return p.dispersion(r, r.earned, 0)
	}
	noise := off / n * (off / sum)
	for range 3 {
		noise = p.dispersion(r, r.earned, noise)
	}
	return noise
}

// dispersion is the sum of squared errors of the profile over the sum of the
// profile; for sales of one unit that come by chance it is the unit's price.
// Errors that are freakish at the given noise count as no more than that; noise 0
// cuts nothing.
func (p *profile) dispersion(r *record, earned []float64, noise float64) float64 {
	var squares, sum float64
	for i := r.trialsFrom(); i < r.anchor; i++ {
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

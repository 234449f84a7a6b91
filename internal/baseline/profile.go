package baseline

// profile is the usual amount of every bucket, each learned only from buckets
// at least a week older, so that the profile at any past moment is what it would
// have been on that day.
type profile struct {
	usual []float64 // per bucket, up to a week past the anchor
	// Running sums: element i is the sum of the first i buckets.
	usualSum  []float64
	amountSum []float64
	silentSum []int32
	noise     float64 // variance of a day's sum over its mean
}

// Memory of the profile: what a week (a day) keeps of its weight one week (day)
// later.
const (
	slowWeek   = 0.94
	fastWeek   = 0.80
	hourDay    = 0.965
	weekdayWk  = 0.90
	weekdayPad = 3.0 // weeks of "every weekday is alike" a weekday starts with
)

// pads are how many weeks of the plainer shape (hour of day × weekday) an hour
// of the week starts with, from "trust the hour" to "trust the plainer shape".
var pads = [...]float64{0.5, 4, 32}

const candidates = 2 * len(pads)

// shape is the state of a profile on its way through the record.
type shape struct {
	step     int
	day      int
	week     int
	slow     []ewma // by bucket of the week
	fast     []ewma
	hour     []ewma // by bucket of the day
	weekday  [7]ewma
	all      ewma
	dayTotal float64
	dayKnown int
}

// ewma is an exponentially weighted mean, kept as its two sums.
type ewma struct{ sum, weight float64 }

func (e *ewma) add(v, keep float64) {
	e.sum = mul(e.sum, keep) + v
	e.weight = mul(e.weight, keep) + 1
}

func (e ewma) mean() float64 {
	if e.weight == 0 {
		return 0
	}
	return e.sum / e.weight
}

func newShape(day, week int) *shape {
	return &shape{day: day, week: week, slow: make([]ewma, week), fast: make([]ewma, week), hour: make([]ewma, day)}
}

// push learns bucket i and, at the end of a day, the day.
func (s *shape) push(i int, v float64, known bool) {
	slot, hour := i%s.week, i%s.day
	if known {
		s.slow[slot].add(v, slowWeek)
		s.fast[slot].add(v, fastWeek)
		s.hour[hour].add(v, hourDay)
		s.dayTotal += v
		s.dayKnown++
	}
	if hour == s.day-1 {
		if s.dayKnown*10 >= s.day*9 {
			s.weekday[slot/s.day].add(s.dayTotal, weekdayWk)
			s.all.add(s.dayTotal, hourDay)
		}
		s.dayTotal, s.dayKnown = 0, 0
	}
}

// candidates fills in what each candidate expects of the bucket of the week.
func (s *shape) candidates(i int, out *[candidates]float64) {
	slot := i % s.week
	plain := mul(s.hour[i%s.day].mean(), s.weekdayFactor(slot/s.day))
	for c, e := range [2]ewma{s.slow[slot], s.fast[slot]} {
		for j, pad := range pads {
			out[c*len(pads)+j] = (e.sum + mul(pad, plain)) / (e.weight + pad)
		}
	}
}

func (s *shape) weekdayFactor(d int) float64 {
	all := s.all.mean()
	if all <= 0 {
		return 1
	}
	w := s.weekday[d]
	return (w.sum/all + weekdayPad) / (w.weight + weekdayPad)
}

func newProfile(r *record) *profile {
	n := r.anchor
	p := &profile{usual: make([]float64, n+r.week)}
	weights := candidateWeights(r)
	s := newShape(r.day, r.week)
	var c [candidates]float64
	for i := range n {
		s.push(i, r.amount[i], r.use[i] != silent)
		s.candidates(i, &c)
		var sum float64
		for j, w := range weights {
			sum += mul(w, c[j])
		}
		p.usual[i+r.week] = max(sum, 0)
	}
	p.fill(r)
	return p
}

// candidateWeights tries every candidate on the record's own past, a week
// ahead, and weighs it by how small its squared errors were.
func candidateWeights(r *record) [candidates]float64 {
	var c, loss, weight [candidates]float64
	expected := make([][candidates]float64, r.week)
	s := newShape(r.day, r.week)
	for i := range r.anchor {
		slot := i % r.week
		if i >= 2*r.week && r.use[i] != silent {
			e := &expected[slot]
			for j := range e {
				d := r.amount[i] - e[j]
				loss[j] += mul(d, d)
			}
		}
		s.push(i, r.amount[i], r.use[i] != silent)
		s.candidates(i, &c)
		expected[slot] = c
	}
	best := loss[0]
	for _, l := range loss {
		best = min(best, l)
	}
	var total float64
	for j, l := range loss {
		w := 1.0
		if l > 0 {
			w = best / l
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

// fill makes the running sums. A silent bucket counts as its usual amount, so
// that it neither raises nor lowers any level.
func (p *profile) fill(r *record) {
	n := len(r.amount)
	p.amountSum, p.silentSum = make([]float64, n+1), make([]int32, n+1)
	p.usualSum = make([]float64, len(p.usual)+1)
	for i, v := range p.usual {
		p.usualSum[i+1] = p.usualSum[i] + v
	}
	for i := range n {
		v, quiet := r.amount[i], int32(0)
		if r.use[i] == silent {
			v, quiet = p.frozen(r, i), 1
		}

		p.amountSum[i+1] = p.amountSum[i] + v
		p.silentSum[i+1] = p.silentSum[i] + quiet
	}
	p.noise = p.dispersion(r)
}

// frozen is the usual amount of bucket i as known before the anchor.
func (p *profile) frozen(r *record, i int) float64 {
	if i < len(p.usual) {
		return p.usual[i]
	}
	return p.usual[r.anchor+(i-r.anchor)%r.week]
}

func (p *profile) dispersion(r *record) float64 {
	var squares, sum float64
	for i := r.week; i+r.day <= r.anchor; i += r.day {
		d := (p.amountSum[i+r.day] - p.amountSum[i]) - (p.usualSum[i+r.day] - p.usualSum[i])
		squares += mul(d, d)
		sum += p.usualSum[i+r.day] - p.usualSum[i]
	}
	if sum <= 0 {
		return 1
	}
	return squares / sum
}

// mul multiplies and rounds. Without the conversion a compiler may fuse the
// product with a following sum, and then two machines disagree in the last bit.
func mul(a, b float64) float64 { return float64(a * b) }

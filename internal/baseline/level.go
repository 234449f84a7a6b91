package baseline

import "redress/internal/revenue"

// lookbacks are the stretches before a window (and, where allowed, after it)
// whose level against the profile tells the level in the window.
var lookbacks = [...]revenue.Local{6 * revenue.Hour, revenue.Day, 3 * revenue.Day, revenue.Week, 4 * revenue.Week}

var lookaheads = [...]revenue.Local{6 * revenue.Hour, revenue.Day, 3 * revenue.Day, revenue.Week, 2 * revenue.Week}

const signals = len(lookbacks) + len(lookaheads) + 2

// sight is what the estimator sees of the windows from one moment: now, or on
// a past day on which it plays that the windows began.
type sight struct {
	usual  float64
	amount float64 // what truly was; only known in the past
	signal [signals]float64
}

// model holds what all windows of a claim share.
type model struct {
	record
	*profile
	weight  [signals]float64
	usable  [signals]bool
	placebo []int // anchors of past days, most recent first
	past    []sight
}

// prefix reads a running sum at a fractional bucket.
func prefix(sum []float64, at int, offset float64) float64 {
	i := int(offset)
	f := offset - float64(i)
	v := sum[at+i]
	if f > 0 {
		v += mul(f, sum[at+i+1]-v)
	}
	return v
}

// usualIn is the usual amount in a window, as known at bucket s.
func (m *model) usualIn(s int, w window) float64 { return m.usualTo(s, w.to) - m.usualTo(s, w.from) }

func (m *model) usualTo(s int, offset float64) float64 {
	week := float64(m.week)
	base := m.usualSum[s]
	if offset < week {
		return prefix(m.usualSum, s, offset) - base
	}
	weeks := float64(int(offset / week))
	return mul(weeks, m.usualSum[s+m.week]-base) + prefix(m.usualSum, s, offset-mul(weeks, week)) - base
}

func (m *model) amountIn(s int, w window) float64 {
	return prefix(m.amountSum, s, w.to) - prefix(m.amountSum, s, w.from)
}

func (m *model) see(s int, w []window, truth bool) sight {
	var v sight
	for _, x := range w {
		v.usual += m.usualIn(s, x)
		if truth {
			v.amount += m.amountIn(s, x)
		}
	}
	m.look(s, &v)
	m.slots(s, w, &v)
	return v
}

// look fills in the levels before and after.
func (m *model) look(s int, v *sight) {
	for j, l := range lookbacks {
		n := min(int(l/m.step), s-m.week)
		if n < 1 {
			continue
		}
		a := m.amountSum[s] - m.amountSum[s-n]
		u := m.usualSum[s] - m.usualSum[s-n]
		v.signal[j] = mul(v.usual, level(a, u, m.noise))
	}
	if m.after == 0 {
		return
	}
	e := s + m.resume - m.anchor
	from := m.usualTo(s, float64(m.resume-m.anchor))
	for j, l := range lookaheads {
		n := min(int(l/m.step), m.after)
		if n < 1 {
			continue
		}
		a := m.amountSum[e+n] - m.amountSum[e]
		u := m.usualTo(s, float64(m.resume-m.anchor+n)) - from
		v.signal[len(lookbacks)+j] = mul(v.usual, level(a, u, m.noise))
	}
}

func level(amount, usual, noise float64) float64 {
	d := usual + noise
	if d <= 0 {
		return 0
	}
	return min((amount-usual)/d, 3)
}

// slots compares with the same hours a week before and in the weeks after.
func (m *model) slots(s int, w []window, v *sight) {
	if s >= 2*m.week {
		var a float64
		for _, x := range w {
			back := x
			shift := s - m.week
			for back.to > float64(m.week) { // a window longer than a week has no same hours just before
				shift -= m.week
				back.to -= float64(m.week)
				back.from = max(0, back.from-float64(m.week))
			}
			if shift >= 0 {
				a += m.amountIn(shift, x) - m.usualIn(s, x)
			}
		}
		v.signal[signals-2] = a
	}
	if m.after >= m.week {
		var a, n float64
		for k := 1; k <= 2; k++ {
			ok := true
			var b float64
			for _, x := range w {
				lo, hi := int(x.from)+k*m.week, int(x.to)+1+k*m.week
				if lo < m.resume-m.anchor || hi > m.resume-m.anchor+m.after+1 || s+hi > len(m.amount) {
					ok = false
					break
				}
				b += m.amountIn(s+k*m.week, x) - m.usualIn(s, x)
			}
			if ok {
				a += b
				n++
			}
		}
		if n > 0 {
			v.signal[signals-1] = a / n
		}
	}
}

// maxPlacebos bounds how many past days are tried: half a year.
const maxPlacebos = 182

// lookBack plays the windows on past days.
func (m *model) lookBack() {
	reach := m.resume - m.anchor + m.after
	for k := 1; len(m.past) < maxPlacebos; k++ {
		s := m.anchor - k*m.day
		if s < 2*m.week {
			break
		}
		if s+reach > m.anchor {
			continue
		}
		if q := m.silentSum[s+m.resume-m.anchor] - m.silentSum[s]; int(q)*10 > m.resume-m.anchor {
			continue
		}
		m.placebo = append(m.placebo, s)
		m.past = append(m.past, m.see(s, m.union, true))
	}
}

var prior = [signals]float64{0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.1}

const priorPlacebos = 40

// learn finds the weights of the signals: least squares over the past days,
// held towards the prior as if it stood for priorPlacebos days.
func (m *model) learn() {
	var a [signals][signals]float64
	var b [signals]float64
	var mean float64
	for _, v := range m.past {
		mean += v.usual
	}
	if len(m.past) > 0 {
		mean /= float64(len(m.past))
	}
	for _, v := range m.past {
		w := 1 / (v.usual + mean*0.25 + 1e-9)
		y := v.amount - v.usual
		for j := range signals {
			y -= mul(prior[j], v.signal[j])
		}
		for j := range signals {
			wj := mul(w, v.signal[j])
			for k := 0; k <= j; k++ {
				a[j][k] += mul(wj, v.signal[k])
			}
			b[j] += mul(wj, y)
		}
	}
	n := float64(len(m.past))
	for j := range signals {
		a[j][j] += mul(a[j][j], priorPlacebos/(n+1)) + 1e-9
	}
	d := cholesky(&a, b)
	for j := range signals {
		m.weight[j] = prior[j] + d[j]
	}
}

package baseline

// model holds what all windows of one claim share: the profile, the level around
// the windows, and the past days on which the same windows are tried (placebos).
type model struct {
	record
	*profile
	lifts [holidayKinds]lift
	swing swing
	now   occasion
	past  []occasion // latest first
	gain  float64    // how far the guess of the level is followed
	mix   float64    // weight of the plain mean of the same hours
	whole Forecast   // of all windows together

	// Of an outlet that borrows from its peers the record is theirs, pooled.
	peers []peer
}

// newModel learns a history, or says why it carries no answer; then the record,
// as far as there is one, is still laid out.
func newModel(in Input) (*model, *Reason) {
	m := &model{}
	h, first := in.History, in.Windows[0].Start
	switch {
	case h.Len() == 0 || h.Start >= first:
		return m, noHistory()
	case first-h.End() > stalest:
		return m, stale(h.End())
	}
	m.record = newRecord(in)
	if days := m.days(); days < leastDays {
		return newBorrowing(in, m.record, tooShort(days))
	}
	m.profile = newProfile(&m.record)
	m.lifts = m.holidayLifts(m.profile)
	if m.usualSum[m.anchor+m.week] <= 0 {
		return m, noSales()
	}
	m.swing = m.learnSwing()
	m.noise = m.chance()
	m.lookBack()
	if m.after > 0 && len(m.past) < leastPlacebos {
		// A short history is better used without the time after the windows than
		// not at all.
		m.after = 0
		m.lookBack()
	}
	if len(m.past) < leastPlacebos {
		return m, tooFewPlacebos(len(m.past))
	}
	m.weigh()
	m.whole = m.forecastWhole()
	return m, nil
}

// Expect is the expected sum over all windows together, before rounding, or the
// reason why there is none. It refuses what Estimate refuses.
func Expect(in Input) (Forecast, *Reason, error) {
	if err := check(in); err != nil {
		return Forecast{}, nil, err
	}
	m, reason := newModel(in)
	return m.whole, reason, nil
}

// occasion is a moment at which the windows begin: now, or on a past day.
type occasion struct {
	at       int     // bucket
	lift     float64 // guess of the level in the windows, less 1
	settling float64 // usual over earned in the time after; 0 where that is not known
	whole    parts   // of all windows together
}

// maxPlacebos bounds the past days: half a year.
const maxPlacebos = 182

// lookBack collects the past days on which the windows can be tried: they and
// the time after them end before the anchor, two weeks have passed to learn from,
// and the record is silent over no more than a tenth of them.
func (m *model) lookBack() {
	m.past = make([]occasion, 0, min(maxPlacebos, m.anchor/m.day))
	gap := m.gap()
	for at := m.anchor - m.day; at >= 2*m.week && len(m.past) < maxPlacebos; at -= m.day {
		if at+gap+m.after > m.anchor || int(m.silentSum[at+gap]-m.silentSum[at])*10 > gap {
			continue
		}
		m.past = append(m.past, occasion{at: at})
	}
	m.now = occasion{at: m.anchor}
}

// weigh learns how the parts of an expected sum are weighed.
func (m *model) weigh() {
	weight := m.weighLevels()
	m.now.around(m, &weight)
	union := m.daily(m.union)
	for i := range m.past {
		m.past[i].around(m, &weight)
		m.past[i].whole = m.partsOf(&m.past[i], union)
	}
	m.gain, m.mix = m.learnMix(union)
}

// around reads the levels around a moment.
func (t *occasion) around(m *model, weight *[stretches]float64) {
	v := m.levelsAt(t.at)
	for j, w := range weight {
		t.lift += mul(w, v.deviation[j])
	}
	if m.after >= m.week {
		resume := t.at + m.gap()
		earned := m.levelSum[resume+m.after] - m.levelSum[resume]
		usual := m.expected(t.at, m.week, piece{float64(m.gap()), float64(m.gap() + m.after)})
		if earned > 0 && usual > 0 {
			t.settling = usual / earned
		}
	}
}

// parts are what an expected sum is made of.
type parts struct {
	usual float64 // by the profile
	same  float64 // mean of the same hours in the weeks around
}

// profileWeeks is for how many weeks the profile of an hour stands when it is
// averaged with the same hours in the weeks after the windows.
const profileWeeks = 7.0

// mostLater is how many weeks after the windows the same hours are looked at.
const mostLater = 2

// daily is what pieces bring on the days around the anchor, damped. A day is looked
// at from the weeks after it and before it; it is added up once.
type daily struct {
	pieces []piece
	sums   []float64 // the anchor's at mostLater weeks, the days before it following
	known  []bool
}

func (m *model) daily(pieces []piece) *daily {
	n := m.anchor/m.day + 7*mostLater + 1
	return &daily{pieces: pieces, sums: make([]float64, n), known: make([]bool, n)}
}

// on is the sum on the day of bucket at.
func (d *daily) on(m *model, at int) float64 {
	i := (m.anchor-at)/m.day + 7*mostLater
	if !d.known[i] {
		d.sums[i], d.known[i] = sumOf(m.levelSum, at, d.pieces), true
	}
	return d.sums[i]
}

// partsOf takes the pieces apart as seen from t.
func (m *model) partsOf(t *occasion, d *daily) parts {
	var p parts
	if len(d.pieces) == 0 {
		return p
	}
	for _, x := range d.pieces {
		p.usual += m.expected(t.at, m.week, x)
	}
	before, n := 0.0, 0.0
	for k := 1; k <= 4; k++ {
		if at := t.at - k*m.week; at >= 0 && m.gap() <= k*m.week {
			before += d.on(m, at)
			n++
		}
	}
	after, later := 0.0, 0.0
	first, last := d.pieces[0].from, d.pieces[len(d.pieces)-1].to
	for k := 1; k <= mostLater; k++ {
		shift := float64(k * m.week)
		if first+shift >= float64(m.gap()) && last+shift <= float64(m.gap()+m.after) {
			after += d.on(m, t.at+k*m.week)
			later++
		}
	}
	p.same = p.usual
	if n+later > 0 {
		p.same = (before + after) / (n + later)
	}
	if t.settling > 0 {
		p.usual = (mul(profileWeeks, p.usual) + mul(after, t.settling)) / (profileWeeks + later)
	}
	return p
}

// join makes an expected sum of its parts.
func (m *model) join(t *occasion, p parts) float64 {
	e := max(0, mul(p.usual, 1+mul(m.gain, t.lift)))
	return max(0, e+mul(m.mix, p.same-e))
}

// Before a record tells otherwise, the plain mean of the same hours has a weight
// of usualMix and the guess of the level is followed in full. That counts as much
// as so many past windows.
const (
	usualMix     = 0.35
	mixPlacebos  = 100
	gainPlacebos = 60
)

// learnMix fits gain and mix to the past days: weighted least squares held
// towards what is usual (ridge regression). It is fitted to the damped amounts, so
// that one bulk order does not decide.
func (m *model) learnMix(union *daily) (gain, mix float64) {
	var aa, ab, bb, ya, yb float64
	for i := range m.past {
		t := &m.past[i]
		p := t.whole
		e := max(0, mul(p.usual, 1+t.lift))
		w := 1 / (m.noise + e + tiny)
		a, b := e-p.usual, p.same-e
		y := union.on(m, t.at) - e - mul(usualMix, b)
		aa += mul(w, mul(a, a))
		ab += mul(w, mul(a, b))
		bb += mul(w, mul(b, b))
		ya += mul(w, mul(a, y))
		yb += mul(w, mul(b, y))
	}
	n := float64(len(m.past))/m.lengthDays() + 1
	aa = mul(aa, 1+gainPlacebos/n) + tiny
	bb = mul(bb, 1+mixPlacebos/n) + tiny
	det := mul(aa, bb) - mul(ab, ab)
	if det <= 0 {
		return 1, usualMix
	}
	gain = 1 + (mul(ya, bb)-mul(yb, ab))/det
	mix = usualMix + (mul(yb, aa)-mul(ya, ab))/det
	return max(0, min(gain, 1.6)), max(0, min(mix, 0.6))
}

// sumOf adds up what a running sum holds of the pieces as seen from a bucket.
func sumOf(sum []float64, at int, pieces []piece) float64 {
	var total float64
	for _, x := range pieces {
		total += within(sum, at, x)
	}
	return total
}

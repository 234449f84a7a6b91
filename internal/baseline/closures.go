package baseline

// Closures are recognised where a history only says zero: a run of nothing in
// which chance would have brought sales.
const (
	closureUnits = 8.0  // expected over the run, in units of noise, before it counts
	closureDay   = 4    // a run lasts at least a quarter of a day
	closureShare = 0.08 // of all buckets; beyond it closing is the outlet's habit
)

// recognise silences closures. A run that still lasts at the anchor stays: it may
// go on. When such runs make up much of the record (a driver with weeks off) they
// are ordinary and stay too.
func (r *record) recognise(p *profile, noise float64) {
	limit := mul(closureUnits, noise)
	var found []stretch
	closed, start := 0, -1
	var expected float64
	for i := range r.anchor {
		if r.use[i] == learned && r.earned[i] == 0 {
			if start < 0 {
				start, expected = i, 0
			}
			expected += p.frozen(r, i)
			continue
		}
		if start >= 0 && expected > limit && (i-start)*closureDay >= r.day {
			found = append(found, stretch{start, i})
			closed += i - start
		}
		start = -1
	}
	if float64(closed) > mul(closureShare, float64(r.anchor)) {
		return
	}
	r.closures = found
	for _, s := range found {
		r.silence(s)
	}
}

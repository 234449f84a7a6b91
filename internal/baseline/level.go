package baseline

import (
	"math"

	"redress/internal/revenue"
)

// The level is what an outlet earns against its profile. It is a sum of three
// deviations that fade as time passes: within a day (weather, a road closed),
// over days, and over weeks (season, growth). How large each is, the record
// tells by how alike its deviations are some hours, days and weeks apart; from
// that follows the best linear guess of the level in the windows out of the
// levels before and after them (kriging; Matheron 1963).

// lives are how long each deviation lasts, in days: so long after, an eighth of it
// is left.
var lives = [...]float64{0.25, 2, 68}

// swing is the variance of each deviation, as a share of the profile squared.
type swing [len(lives)]float64

// usualSwing is what is held before the record tells: standard deviations of
// 10, 10 and 14 %. It counts as much as swingMoments pairs of days.
var usualSwing = swing{0.01, 0.01, 0.02}

const swingMoments = 100

// moment is the covariance of the relative deviations of two stretches, and how
// alike each part of their levels is.
type moment struct {
	alike              [len(lives)]float64
	covariance, weight float64
}

// learnSwing fits the swing to the record: least squares, none below 0.
func (m *model) learnSwing() swing {
	var moments []moment
	if m.day >= 12 {
		moments = m.moments(moments, m.day/12, []int{1, 2, 3, 4})
	}
	moments = m.moments(moments, m.day, []int{1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25})
	s := usualSwing
	// Coordinate descent; the problem is convex and has three unknowns.
	for range 60 {
		for k := range s {
			top, bottom := mul(swingMoments, usualSwing[k]), float64(swingMoments)
			for _, o := range moments {
				rest := o.covariance
				for j := range s {
					if j != k {
						rest -= mul(s[j], o.alike[j])
					}
				}
				g := mul(o.weight, o.alike[k])
				top += mul(g, rest)
				bottom += mul(g, o.alike[k])
			}
			s[k] = max(0, top/bottom)
		}
	}
	return s
}

// leastChance is the share of the dispersion that is chance at the least.
const leastChance = 0.05

// chance is the noise less what the level swings by: what is left to chance.
func (m *model) chance() float64 {
	var squares, sum, swing float64
	for i := m.trialsFrom(); i < m.anchor; i++ {
		if m.use[i] == learned {
			squares += mul(m.usual[i], m.usual[i])
			sum += m.usual[i]
		}
	}
	if sum <= 0 {
		return m.noise
	}
	for _, s := range m.swing {
		swing += s
	}
	return max(mul(leastChance, m.noise), m.noise-mul(swing, squares/sum))
}

// moments adds the moments of the deviations of steps of so many buckets, at the
// given lags in steps, over the days that placebos are taken from.
func (m *model) moments(to []moment, step int, lags []int) []moment {
	n := (m.anchor - m.trialsFrom()) / step
	if n < 8 {
		return to
	}
	off, usual := make([]float64, n), make([]float64, n)
	var total float64
	for i := range n {
		end := m.anchor - i*step
		usual[i] = m.usualSum[end] - m.usualSum[end-step]
		off[i] = m.levelSum[end] - m.levelSum[end-step] - usual[i]
		total += usual[i]
	}
	average := total / float64(n)
	if average <= 0 {
		return to
	}
	for _, lag := range lags {
		var covariance, weight float64
		for i := 0; i+lag < n; i++ {
			covariance += mul(off[i], off[i+lag])
			weight += mul(usual[i], usual[i+lag])
		}
		if weight > 0 {
			o := moment{covariance: covariance / weight, weight: weight / average / average}
			length := float64(step) / float64(m.day)
			for k, life := range lives {
				later := mul(float64(lag), length)
				o.alike[k] = alike(days{0, length}, days{later, later + length}, life)
			}
			to = append(to, o)
		}
	}
	return to
}

// horizons end the stretches before the windows (and after them) whose levels
// are weighed; each starts where the one before it ends.
var horizons = [...]revenue.Local{
	revenue.Hour, 3 * revenue.Hour, 8 * revenue.Hour, revenue.Day,
	3 * revenue.Day, revenue.Week, 3 * revenue.Week, 8 * revenue.Week,
}

// stretches are those before, then those after.
const stretches = 2 * len(horizons)

// levels are the relative deviations over the stretches, and the usual amounts
// they are relative to; 0 where a stretch holds nothing known.
type levels struct{ deviation, usual [stretches]float64 }

// levelsAt reads the levels around windows that begin at bucket at.
func (m *model) levelsAt(at int) levels {
	var v levels
	near := 0
	for j, h := range horizons {
		far := min(int(h/m.step), at-2*m.week)
		if far > near {
			m.level(&v, j, stretch{at - far, at - near}, m.usualSum[at-near]-m.usualSum[at-far])
			near = far
		}
	}
	resume := at + m.gap()
	near = 0
	for j, h := range horizons {
		far := min(int(h/m.step), m.after)
		if far > near {
			usual := m.expected(at, m.week, piece{float64(m.gap() + near), float64(m.gap() + far)})
			m.level(&v, len(horizons)+j, stretch{resume + near, resume + far}, usual)
			near = far
		}
	}
	return v
}

func (m *model) level(v *levels, j int, s stretch, usual float64) {
	silent := float64(m.silentSum[s.to] - m.silentSum[s.from])
	known := mul(usual, 1-silent/float64(s.to-s.from))
	if known > 0 {
		v.deviation[j] = (m.levelSum[s.to] - m.levelSum[s.from] - usual) / usual
		v.usual[j] = known
	}
}

// weighLevels finds the weight of each stretch in the guess of the level in the
// windows.
func (m *model) weighLevels() [stretches]float64 {
	s := &m.swing
	now := m.levelsAt(m.anchor)
	gap := float64(m.gap()) / float64(m.day)
	var where [stretches]days
	near := 0.0
	for j, h := range horizons {
		far := float64(h) / float64(revenue.Day)
		where[j] = days{-far, -near}
		where[len(horizons)+j] = days{gap + near, gap + far}
		near = far
	}
	var a matrix
	var b [stretches]float64
	for i := range stretches {
		a[i][i] = 1
		if now.usual[i] <= 0 {
			continue
		}
		for j := range i {
			if now.usual[j] > 0 {
				a[i][j] = s.shared(where[i], where[j])
			}
		}
		a[i][i] = s.shared(where[i], where[i]) + m.noise/now.usual[i] + tiny
		b[i] = s.shared(where[i], days{0, gap})
	}
	return a.solve(b)
}

// days is a stretch of time in days from the anchor.
type days struct{ from, to float64 }

// shared is the covariance of the mean levels of two stretches.
func (s *swing) shared(a, b days) float64 {
	var sum float64
	for k, life := range lives {
		sum += mul(s[k], alike(a, b, life))
	}
	return sum
}

// alike is the mean correlation of a moment of one stretch with a moment of the
// other: that of moments d days apart is (life/(life+d))³. It is convex and falls
// to 0, hence (Pólya) a lawful correlation; it needs no exponential, which
// machines compute differently, and its mean is exact.
func alike(a, b days, life float64) float64 {
	sum := spread(a.to-b.from, life) + spread(b.to-a.from, life) - spread(a.from-b.from, life) - spread(a.to-b.to, life)
	return sum / mul(a.to-a.from, b.to-b.from)
}

// spread is the correlation integrated twice, from 0 to d.
func spread(d, life float64) float64 {
	d = math.Abs(d)
	return mul(life/2, mul(d, d)) / (life + d)
}

// tiny keeps a division or a square root lawful where there is no noise at all.
const tiny = 1e-9

// matrix holds the lower half of a symmetric positive definite matrix.
type matrix [stretches][stretches]float64

// solve solves a·x = b by Cholesky's decomposition, in place.
func (a *matrix) solve(b [stretches]float64) [stretches]float64 {
	for j := range a {
		d := a[j][j]
		for k := range j {
			d -= mul(a[j][k], a[j][k])
		}
		a[j][j] = math.Sqrt(max(d, tiny))
		for i := j + 1; i < len(a); i++ {
			v := a[i][j]
			for k := range j {
				v -= mul(a[i][k], a[j][k])
			}
			a[i][j] = v / a[j][j]
		}
	}
	for i := range a {
		for k := range i {
			b[i] -= mul(a[i][k], b[k])
		}
		b[i] /= a[i][i]
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := i + 1; k < len(a); k++ {
			b[i] -= mul(a[k][i], b[k])
		}
		b[i] /= a[i][i]
	}
	return b
}

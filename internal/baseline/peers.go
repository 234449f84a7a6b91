package baseline

import (
	"math"

	"redress/internal/money"
	"redress/internal/revenue"
)

// A history too short to stand alone borrows the shape of its peers: their mean,
// each peer counting alike, is learned as if it were the outlet's own record and
// set to the outlet's level by the days that both have. How far that is off, the
// peers tell: each is estimated on past days from as few days of its own.
const (
	leastPeers   = 5
	mostPeers    = 50 // the first so many that cover the time
	leastOwnDays = 3
	peerStride   = 7 // days between the past days on which a peer is tried
)

// peerWeeks are how far back peers must reach: the first of these that enough of
// them do.
var peerWeeks = [...]revenue.Local{26, 12, 8}

// poolUnit is the mean bucket of a pooled history.
const poolUnit = 1_000_000

// peer is one comparable outlet on the grid of the pooled record, scaled to what
// the pool earned in all.
type peer struct {
	sum   []float64 // running
	level []float64 // per past day tried: against the pool, on as many days as the borrower has
}

// newBorrowing learns the pooled history of the peers in place of the outlet's
// own. Where they cannot help it returns the reason that the own history gave.
func newBorrowing(in Input, own record, reason *Reason) (*model, *Reason) {
	alone := &model{record: own}
	peers := in.coveringPeers()
	if len(peers) < leastPeers || own.days() < leastOwnDays {
		return alone, reason
	}
	pooled := in
	pooled.History, pooled.Peers = pool(peers, in.Windows[0].Start), nil
	m, refused := newModel(pooled)
	if refused != nil {
		return alone, reason
	}
	back := own.known()
	level := against(back, own.runningEarned(), own.anchor, m.levelSum, m.anchor)
	if level <= 0 {
		return alone, noSales()
	}
	m.scaleBy(level)
	m.noise = m.noiseOf(own, back)
	for _, h := range peers {
		m.peers = append(m.peers, m.newPeer(h, back))
	}
	m.counts = own.counts
	m.whole = m.forecastWhole()
	return m, nil
}

// known lists the buckets that teach, as distances back from the anchor.
func (r *record) known() []int {
	var back []int
	for i := range r.anchor {
		if r.use[i] == learned {
			back = append(back, r.anchor-i)
		}
	}
	return back
}

// runningEarned is the running sum of the amounts before the anchor.
func (r *record) runningEarned() []float64 {
	sum := make([]float64, r.anchor+1)
	for i := range r.anchor {
		sum[i+1] = sum[i] + r.earned[i]
	}
	return sum
}

// against is one running sum over another on buckets at distances back from a
// bucket of each; 0 where the other holds nothing.
func against(back []int, a []float64, atA int, b []float64, atB int) float64 {
	var top, bottom float64
	for _, d := range back {
		if i, j := atA-d, atB-d; i >= 0 && j >= 0 {
			top += a[i+1] - a[i]
			bottom += b[j+1] - b[j]
		}
	}
	if bottom <= 0 {
		return 0
	}
	return top / bottom
}

// scaleBy puts the profile into other amounts.
func (p *profile) scaleBy(f float64) {
	for _, values := range [][]float64{p.usual, p.usualSum, p.levelSum, p.earnedSum} {
		for i := range values {
			values[i] = mul(values[i], f)
		}
	}
}

// noiseOf is the dispersion of a record about the profile.
func (m *model) noiseOf(own record, back []int) float64 {
	var squares, sum float64
	for _, d := range back {
		if j := m.anchor - d; j >= m.week {
			off := own.earned[own.anchor-d] - m.usual[j]
			squares += mul(off, off)
			sum += m.usual[j]
		}
	}
	if sum <= 0 {
		return 1
	}
	return squares / sum
}

// newPeer lays a peer on the grid of the pooled record.
func (m *model) newPeer(h revenue.History, back []int) peer {
	p := peer{sum: make([]float64, m.anchor+1)}
	for i := range m.anchor {
		v := 0.0
		if j := h.Index(m.at(i)); j >= 0 && j < h.Len() && h.States[j] == revenue.Open {
			v = float64(h.Amounts[j])
		}
		p.sum[i+1] = p.sum[i] + v
	}
	scale := m.earnedSum[m.anchor] / p.sum[m.anchor]
	for i := range p.sum {
		p.sum[i] = mul(p.sum[i], scale)
	}
	for k := 0; k < len(m.past); k += peerStride {
		at := m.past[k].at
		p.level = append(p.level, against(back, p.sum, at, m.levelSum, at))
	}
	return p
}

// peerTrials tries the pieces on the peers.
func (m *model) peerTrials(d *daily) []trial {
	var trials []trial
	for k := 0; k < len(m.past); k += peerStride {
		t := &m.past[k]
		pooled := m.attempt(t, m.partsOf(t, d), d.pieces)
		for _, p := range m.peers {
			level := max(0, p.level[k/peerStride])
			trials = append(trials, trial{
				expected: mul(level, pooled.expected),
				usual:    mul(level, pooled.usual),
				earned:   sumOf(p.sum, t.at, d.pieces),
			})
		}
	}
	return trials
}

// pool is the mean of histories, each scaled to a mean bucket of poolUnit before
// t: over those open or closed in a bucket, missing where none is.
func pool(peers []revenue.History, t revenue.Local) revenue.History {
	out := revenue.History{BucketMinutes: peers[0].BucketMinutes, Start: peers[0].Start}
	scale := make([]float64, len(peers))
	end := out.Start
	for i, p := range peers {
		scale[i] = poolUnit * float64(min(p.Len(), p.Index(t))) / total(p, t)
		end = max(end, p.End())
	}
	for at := out.Start; at < end; at += revenue.Local(out.BucketMinutes) {
		var sum, n float64
		for i, p := range peers {
			if j := p.Index(at); j >= 0 && j < p.Len() && p.States[j] != revenue.Missing {
				n++
				if p.States[j] == revenue.Open {
					sum += mul(float64(p.Amounts[j]), scale[i])
				}
			}
		}
		amount, state := money.Minor(0), revenue.Missing
		if n > 0 {
			limit := float64(money.Max)
			amount, state = money.Minor(math.Floor(max(-limit, min(sum/n, limit)))), revenue.Open
		}
		out.Amounts, out.States = append(out.Amounts, amount), append(out.States, state)
	}
	return out
}

// coveringPeers are the peers that hold the same kind of buckets from long enough
// before the first window up to it.
func (in Input) coveringPeers() []revenue.History {
	first := in.Windows[0].Start
	for _, weeks := range peerWeeks {
		var found []revenue.History
		for _, p := range in.Peers {
			if p.Len() > 0 && p.BucketMinutes == in.History.BucketMinutes && len(found) < mostPeers &&
				p.Start <= first-weeks*revenue.Week && p.End() >= first && total(p, first) > 0 {
				found = append(found, p)
			}
		}
		if len(found) >= leastPeers {
			for i := range found {
				found[i] = since(found[i], first-weeks*revenue.Week)
			}
			return found
		}
	}
	return nil
}

// since cuts off what lies before the midnight at or before t.
func since(h revenue.History, t revenue.Local) revenue.History {
	i := max(0, h.Index(t.DayStart()))
	return revenue.History{BucketMinutes: h.BucketMinutes, Start: h.At(i), Amounts: h.Amounts[i:], States: h.States[i:]}
}

// total is what a history holds before t.
func total(h revenue.History, t revenue.Local) float64 {
	var sum float64
	for i := 0; i < h.Len() && h.At(i+1) <= t; i++ {
		if h.States[i] == revenue.Open {
			sum += float64(h.Amounts[i])
		}
	}
	return sum
}

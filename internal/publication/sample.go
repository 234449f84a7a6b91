package publication

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"math"
	"math/big"
	"math/bits"
	"slices"

	"redress/internal/fault"
	"redress/internal/money"
)

// Seed is what chooses a sample: SHA-256("redress-sample/1" ‖ root ‖ nonce). The
// root is sealed before the auditor names the nonce of 16 to 64 bytes, so neither
// side can steer what is chosen.
func Seed(root Hash, nonce []byte) (Hash, error) {
	if len(nonce) < 16 || len(nonce) > 64 {
		return Hash{}, fault.New(fault.Invalid, "nonce_length", "The nonce has %d bytes; 16 to 64 are right.", "nonce가 %d바이트입니다. 16~64바이트여야 합니다.", len(nonce))
	}
	h := sha256.New()
	h.Write([]byte("redress-sample/1"))
	h.Write(root[:])
	h.Write(nonce)
	return Hash(h.Sum(nil)), nil
}

// Drawn is a claim of a sample.
type Drawn struct {
	Index  int         `json:"index"` // of the leaf
	ID     Hash        `json:"id"`
	Amount money.Minor `json:"amount"` // of the measure that the sample is weighted by
	// Certain: the amount is at least the sampling interval, so that the claim was
	// bound to be drawn and its error stands for itself alone.
	Certain bool `json:"certain"`
}

// Sample is a sample by monetary units: n units of the total, evenly spaced from a
// start that the seed chooses, each drawing the claim that it falls on. A claim is
// drawn once at most; its chance is min(1, n × amount / total) exactly. By Count it
// is a sample of claims with equal chances.
type Sample struct {
	Measure Measure     `json:"measure"`
	Seed    Hash        `json:"seed"`
	Units   int         `json:"units"` // n
	Total   money.Minor `json:"total"`
	Drawn   []Drawn     `json:"drawn"` // in the order of the leaves
}

// Draw draws a sample of n units from the leaves in their sealed order.
func Draw(leaves iter.Seq[Leaf], by Measure, n int, seed Hash) (Sample, error) {
	if !slices.Contains(Measures, by) || n < 1 || n > 1_000_000 {
		return Sample{}, fault.New(fault.Invalid, "sample_request",
			"A sample of %d units by %q cannot be drawn; 1 to 1000000 units of a measure can.", "%[2]q 기준 %[1]d단위 표본은 뽑을 수 없습니다. 단위는 1~1000000개, 기준은 금액 항목이나 건수여야 합니다.", n, string(by))
	}
	s := Sample{Measure: by, Seed: seed, Units: n, Drawn: []Drawn{}}
	for l := range leaves {
		if err := l.Check(); err != nil {
			return Sample{}, err
		}
		var err error
		if s.Total, err = money.Add(s.Total, l.amount(by)); err != nil {
			return Sample{}, fault.New(fault.Invalid, "sum_out_of_range", "The leaves add up to more than %d.", "잎을 더하면 %d을(를) 넘습니다.", int64(money.Max))
		}
	}
	if s.Total == 0 {
		return s, nil
	}
	// A number of 256 bits makes every start equally likely but for 2⁻²⁰⁰.
	start := new(big.Int).Mod(new(big.Int).SetBytes(seed[:]), big.NewInt(int64(s.Total))).Uint64()
	unit := 0
	var passed uint64
	index := -1
	for l := range leaves {
		index++
		amount := uint64(l.amount(by))
		passed += amount
		hit := false
		for ; unit < n && unitAt(unit, n, uint64(s.Total), start) < passed; unit++ {
			hit = true
		}
		if hit {
			s.Drawn = append(s.Drawn, Drawn{Index: index, ID: l.ID, Amount: l.amount(by), Certain: s.certain(l.amount(by))})
		}
	}
	return s, nil
}

// unitAt is the monetary unit that draw k falls on: ⌊(k × total + start) / n⌋ with
// start below total.
func unitAt(k, n int, total, start uint64) uint64 {
	high, low := bits.Mul64(uint64(k), total)
	low, carry := bits.Add64(low, start, 0)
	quotient, _ := bits.Div64(high+carry, low, uint64(n))
	return quotient
}

// certain reports amount ≥ total / n.
func (s Sample) certain(amount money.Minor) bool {
	high, low := bits.Mul64(uint64(amount), uint64(s.Units))
	return high > 0 || low >= uint64(s.Total)
}

// Audited is what the accountant found for a drawn claim.
type Audited struct {
	ID      Hash        `json:"id"`
	Correct money.Minor `json:"correct"` // what the amount should have been, 0..money.Max
}

// Bound is an estimate of the error in a total and how large it could be. Amounts
// are minor units.
type Bound struct {
	ConfidencePercent int         `json:"confidence_percent"`
	Overstated        money.Minor `json:"overstated"`  // estimate of all that is too much
	Understated       money.Minor `json:"understated"` // estimate of all that is too little
	// Gross and Net are the estimates of both added and of both set off. Errors that
	// cancel are errors: a thousand too much and a thousand too little are 0 net.
	Gross money.Minor `json:"gross"`
	Net   money.Minor `json:"net"`
	// MaxOverstated and MaxUnderstated are upper bounds, each at the confidence
	// stated; MaxGross bounds both at once. MaxUnderstated is missing where a claim was
	// to be more than doubled: a sample by recorded amounts cannot bound that.
	MaxOverstated  money.Minor  `json:"max_overstated"`
	MaxUnderstated *money.Minor `json:"max_understated"`
	MaxGross       *money.Minor `json:"max_gross"`
	MaxNet         money.Minor  `json:"max_net"` // MaxOverstated less what is estimated too little
}

// Bound computes the error of the total from the audited sample: the bound of
// Stringer (1963), as in Leslie, Teitlebaum and Anderson, Dollar-Unit Sampling
// (1979), with binomial factors. Confidence is 80, 90, 95 or 99 percent.
//
// It holds for what is in the leaves. Claims that were left out, and amounts of
// zero that should be more, are never drawn by amount; draw those by Count.
func (s Sample) Bound(results []Audited, confidencePercent int) (Bound, error) {
	if !slices.Contains([]int{80, 90, 95, 99}, confidencePercent) {
		return Bound{}, fault.New(fault.Invalid, "confidence", "The confidence is %d percent; 80, 90, 95 or 99 is right.", "신뢰 수준이 %d%%입니다. 80, 90, 95, 99 가운데 하나여야 합니다.", confidencePercent)
	}
	found, err := s.match(results)
	if err != nil {
		return Bound{}, err
	}
	over, under := s.taints(found, 1), s.taints(found, -1)
	out := Bound{ConfidencePercent: confidencePercent, Overstated: over.estimate(s), Understated: under.estimate(s)}
	out.Gross, out.Net = out.Overstated+out.Understated, out.Overstated-out.Understated
	one, both := 1-float64(confidencePercent)/100, (1-float64(confidencePercent)/100)/2
	out.MaxOverstated = over.bound(one)
	out.MaxNet = out.MaxOverstated - out.Understated
	if len(under.shares) == 0 || under.shares[0] <= 1 {
		most := under.bound(one)
		gross := over.bound(both) + under.bound(both)
		out.MaxUnderstated, out.MaxGross = &most, &gross
	}
	return out, nil
}

// match puts the results into the order of the sample; each drawn claim needs one.
func (s Sample) match(results []Audited) ([]money.Minor, error) {
	by := map[Hash]money.Minor{}
	for _, r := range results {
		if r.Correct < 0 || r.Correct > money.Max {
			return nil, fault.New(fault.Invalid, "audited_amount", "The correct amount of %s is %d; 0 to %d is right.", "%s의 올바른 금액이 %d입니다. 0~%d이어야 합니다.", r.ID, int64(r.Correct), int64(money.Max))
		}
		by[r.ID] = r.Correct
	}
	found := make([]money.Minor, len(s.Drawn))
	for i, d := range s.Drawn {
		correct, ok := by[d.ID]
		if !ok {
			return nil, fault.New(fault.Invalid, "audited_missing", "Drawn claim %s has no result; a sample counts only as a whole.", "뽑힌 청구 %s의 결과가 없습니다. 표본은 모두 감사해야 합니다.", d.ID)
		}
		found[i] = correct
	}
	if len(by) != len(s.Drawn) || len(results) != len(by) {
		return nil, fault.New(fault.Invalid, "audited_unknown", "There are %d results for %d drawn claims; one for each is right.", "뽑힌 청구는 %[2]d건인데 결과는 %[1]d건입니다. 한 건에 하나씩이어야 합니다.", len(results), len(s.Drawn))
	}
	return found, nil
}

// taints are the errors of one direction in a sample.
type taints struct {
	known  float64   // in claims that were certain to be drawn
	shares []float64 // error ÷ amount of the others, largest first
	units  int       // draws that did not fall on certain claims
	total  float64   // of the claims that were not certain
}

func (s Sample) taints(found []money.Minor, sign money.Minor) taints {
	t := taints{units: s.Units, total: float64(s.Total)}
	for i, d := range s.Drawn {
		wrong := float64(max(0, sign*(d.Amount-found[i])))
		if d.Certain {
			t.known += wrong
			t.total -= float64(d.Amount)
		} else if wrong > 0 {
			t.shares = append(t.shares, wrong/float64(d.Amount))
		}
	}
	// The rest of the total got its share of the draws.
	t.units = min(s.Units, max(1, int(math.Floor(t.total/float64(s.Total)*float64(s.Units)))))
	slices.SortFunc(t.shares, func(a, b float64) int { return cmp.Compare(b, a) })
	return t
}

// estimate projects the errors onto the total: each stands for one interval.
func (t taints) estimate(s Sample) money.Minor {
	var sum float64
	for _, share := range t.shares {
		sum += share
	}
	return whole(t.known + sum*float64(s.Total)/float64(s.Units))
}

// bound is the Stringer bound at a risk.
func (t taints) bound(risk float64) money.Minor {
	before := upperShare(t.units, 0, risk)
	sum := before
	for i, share := range t.shares {
		next := upperShare(t.units, i+1, risk)
		sum += (next - before) * share
		before = next
	}
	return whole(t.known + t.total*min(sum, 1))
}

// whole rounds up to minor units, after cutting what differs between machines.
func whole(amount float64) money.Minor {
	return money.Minor(math.Ceil(math.Round(amount*1000)/1000 - 0.001))
}

// upperShare is the exact upper bound of Clopper and Pearson for a share of which k
// of n draws were seen: the p for which P(X ≤ k) is the risk.
func upperShare(n, k int, risk float64) float64 {
	if k >= n {
		return 1
	}
	low, high := 0.0, 1.0
	for range 60 {
		middle := (low + high) / 2
		if atMost(n, k, middle) > risk {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// atMost is P(X ≤ k) of a binomial distribution.
func atMost(n, k int, p float64) float64 {
	logN, _ := math.Lgamma(float64(n + 1))
	var sum float64
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(i + 1))
		b, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(logN - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

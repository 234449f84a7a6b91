package publication

import (
	"math/bits"

	"redress/internal/money"
)

// Ordered are the results in the order in which their claims were drawn.
func (s Sample) Ordered(results []Audited) []Audited {
	by := make(map[Hash]Audited, len(results))
	for _, r := range results {
		by[r.ID] = r
	}
	ordered := make([]Audited, 0, len(s.Drawn))
	for _, d := range s.Drawn {
		if r, ok := by[d.ID]; ok {
			ordered = append(ordered, r)
		}
	}
	return ordered
}

// RelativeBound is a Bound as shares of the total, in basis points rounded up (Net
// and MaxNet away from 0). It tells the size of the error and not of the total.
type RelativeBound struct {
	ConfidencePercent int    `json:"confidence_percent"`
	Overstated        int64  `json:"overstated_basis_points"`
	Understated       int64  `json:"understated_basis_points"`
	Gross             int64  `json:"gross_basis_points"`
	Net               int64  `json:"net_basis_points"`
	MaxOverstated     int64  `json:"max_overstated_basis_points"`
	MaxUnderstated    *int64 `json:"max_understated_basis_points"` // missing as in Bound
	MaxGross          *int64 `json:"max_gross_basis_points"`
	MaxNet            int64  `json:"max_net_basis_points"`
}

// Relative is the bound of the error of that total, which is not 0.
func (b Bound) Relative(total money.Minor) RelativeBound {
	if total <= 0 {
		return RelativeBound{ConfidencePercent: b.ConfidencePercent}
	}
	of := func(amount money.Minor) int64 { return basisPoints(amount, total) }
	maybe := func(amount *money.Minor) *int64 {
		if amount == nil {
			return nil
		}
		share := of(*amount)
		return &share
	}
	return RelativeBound{
		ConfidencePercent: b.ConfidencePercent, Overstated: of(b.Overstated), Understated: of(b.Understated), Gross: of(b.Gross), Net: of(b.Net),
		MaxOverstated: of(b.MaxOverstated), MaxUnderstated: maybe(b.MaxUnderstated), MaxGross: maybe(b.MaxGross), MaxNet: of(b.MaxNet),
	}
}

// basisPoints is part of whole, rounded away from 0. A share beyond what 63 bits
// hold is the largest that they do.
func basisPoints(part, whole money.Minor) int64 {
	if part < 0 {
		return -basisPoints(-part, whole)
	}
	high, low := bits.Mul64(uint64(part), wholeShare)
	low, carry := bits.Add64(low, uint64(whole-1), 0)
	if high += carry; high >= uint64(whole) {
		return 1<<63 - 1
	}
	share, _ := bits.Div64(high, low, uint64(whole))
	return int64(min(share, 1<<63-1))
}

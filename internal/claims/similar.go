package claims

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
)

const (
	// similarSought is how many claims of the nearest size are compared.
	similarSought = 60
	// similarShown is how many of them are shown and ranged by.
	similarShown = 20
	// similarEnough is how many outcomes make a range.
	similarEnough = 8
	// spreadFloor keeps a range of equal outcomes from calling every other one
	// unlike: 1 % in basis points.
	spreadFloor = 100
)

// SimilarClaims are decided claims like one, the nearest first, and how an amount
// compares with what they were awarded.
type SimilarClaims struct {
	Claims      []SimilarClaim
	Outlier     bool      // the amount is unlike theirs, each held against its estimate
	Explanation lang.Text // with the figures
}

// SimilarClaim is a decided claim, without anything personal, and how far it is
// from the one asked about.
type SimilarClaim struct {
	ID, Reference  string
	Sector, Region string
	Claimed        money.Minor
	Estimated      *money.Minor
	Awarded        money.Minor
	Verdict        Verdict
	Distance       float64 // 0 is alike in everything compared; three decimals
}

// Similar finds, for a claim, decided claims of the same incident and sector
// that are nearest, and says whether the amount (what is estimated, when nil)
// would be unlike theirs.
//
// The distance adds up three differences: that of the estimated amounts, in
// doublings; the share of services that only one of the two claims; and the share
// of impaired hours, without stated closures, that one has and the other has not.
// Half the size, no service in common and none of the hours weigh the same.
//
// An amount is unlike when its share of the estimate lies outside the middle 90 %
// of the shares that the nearest ones were awarded and three median deviations
// (or 3 %, if that is more) from their median, and there are eight of them.
func (s *Service) Similar(ctx context.Context, actor identity.Actor, claimID string, awarded *money.Minor) (SimilarClaims, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return SimilarClaims{}, err
	}
	claim, err := s.store.Claim(ctx, claimID)
	if err != nil {
		return SimilarClaims{}, err
	}
	incident, err := s.store.Incident(ctx, claim.IncidentID)
	if err != nil {
		return SimilarClaims{}, err
	}
	candidates, err := s.store.Similar(ctx, claim, similarSought)
	if err != nil {
		return SimilarClaims{}, err
	}
	found := make([]SimilarClaim, len(candidates))
	for i, c := range candidates {
		found[i] = SimilarClaim{
			ID: c.ID, Reference: c.Reference, Sector: c.Sector, Region: c.Region, Claimed: c.Claimed, Estimated: c.Estimated,
			Awarded: *c.Awarded, Verdict: c.Verdict, Distance: math.Round(1000*claim.distance(c, incident)) / 1000,
		}
	}
	slices.SortStableFunc(found, func(a, b SimilarClaim) int { return cmp.Compare(a.Distance, b.Distance) })
	list := SimilarClaims{Claims: found[:min(similarShown, len(found))]}
	list.compare(claim, awarded)
	return list, nil
}

// distance is how unlike two claims of one incident and sector are, see Similar.
func (c Claim) distance(o Claim, incident Incident) float64 {
	size := math.Abs(math.Log2(size(c) / size(o)))
	own, other := c.impaired(incident), o.impaired(incident)
	shared, all := 0, len(own)
	var common, either time.Duration
	for service, theirs := range other {
		ours, both := own[service]
		if both {
			shared++
		} else {
			all++
		}
		common, either = common+min(ours, theirs), either+max(ours, theirs)
	}
	for service, ours := range own {
		if _, both := other[service]; !both {
			either += ours
		}
	}
	return size + apart(float64(shared), float64(all)) + apart(common.Hours(), either.Hours())
}

// size is the estimated amount, at least 1 to have a logarithm.
func size(c Claim) float64 {
	if c.Estimated == nil {
		return 1
	}
	return float64(max(*c.Estimated, 1))
}

// apart is the share that is not shared.
func apart(shared, all float64) float64 {
	if all == 0 {
		return 0
	}
	return 1 - shared/all
}

// impaired is for how long each service of the claim was impaired while the
// outlet was not stated to be closed.
func (c Claim) impaired(incident Incident) map[string]time.Duration {
	hours := map[string]time.Duration{}
	for _, line := range c.Lines {
		service, _ := incident.Service(line.Service)
		hours[line.Service] = 0
		for _, w := range service.Windows {
			open := w.End.Sub(w.Start)
			for _, closed := range line.Closures {
				open -= overlap(w, closed)
			}
			hours[line.Service] += open
		}
	}
	return hours
}

// overlap is for how long a closure lies within a window.
func overlap(w ImpairmentWindow, c Closure) time.Duration {
	start, end := c.Start, c.End
	if start.Before(w.Start) {
		start = w.Start
	}
	if end.After(w.End) {
		end = w.End
	}
	return max(end.Sub(start), 0)
}

// compare says how an amount compares with what the claims were awarded, each in
// basis points of its estimate.
func (l *SimilarClaims) compare(claim Claim, awarded *money.Minor) {
	var shares []int64
	for _, c := range l.Claims {
		if c.Estimated != nil && *c.Estimated > 0 {
			shares = append(shares, share(c.Awarded, *c.Estimated))
		}
	}
	switch {
	case claim.Estimated == nil || *claim.Estimated <= 0:
		l.Explanation = lang.T("There is no estimated amount to hold an award against.", "지급액을 견줄 추정 금액이 없습니다.")
		return
	case len(shares) < similarEnough:
		l.Explanation = lang.F("%d similar claims were decided on an estimate; it takes %d to say what is usual.",
			"추정액이 있는 비슷한 결정이 %d건입니다. 보통이 어떠한지 말하려면 %d건이 있어야 합니다.", len(shares), similarEnough)
		return
	case awarded == nil:
		awarded = claim.Estimated
	}
	slices.Sort(shares)
	own, middle := share(*awarded, *claim.Estimated), percentile(shares, 50)
	low, high := percentile(shares, 5), percentile(shares, 95)
	deviations := make([]int64, len(shares))
	for i, s := range shares {
		deviations[i] = max(s-middle, middle-s)
	}
	slices.Sort(deviations)
	spread := max(percentile(deviations, 50), spreadFloor)
	l.Outlier = (own < low || own > high) && max(own-middle, middle-own) > 3*spread
	verdict := lang.T("That is like them.", "비슷한 수준입니다.")
	if l.Outlier {
		verdict = lang.T("That is unlike them: look again, or say why.", "비슷한 청구와 크게 다릅니다. 다시 살펴보거나 까닭을 적으십시오.")
	}
	l.Explanation = lang.F("This would award %s %% of the estimate. The %d similar claims were awarded %s %% in the middle, and %s to %s %% in nine cases of ten. %s",
		"추정액의 %s%%를 지급하게 됩니다. 비슷한 청구 %d건의 중앙값은 %s%%이고 열 건 가운데 아홉 건이 %s~%s%%였습니다. %s",
		percent(own), len(shares), percent(middle), percent(low), percent(high), verdict)
}

// share is a part in basis points of the whole, which is above 0.
func share(part, whole money.Minor) int64 {
	return int64(math.Round(wholeShare * float64(part) / float64(whole)))
}

// percent writes basis points as percent.
func percent(basisPoints int64) string {
	return fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100)
}

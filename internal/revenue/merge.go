package revenue

import "fmt"

// Part says which source a span of a merged history was taken from.
type Part struct {
	Span
	Source Source
}

// Merge joins what the platform and the claimant say of one outlet in one
// service. In each bucket the platform's ledger outranks the claimant's upload
// wherever it is not missing, also where it says closed. When the bucket
// lengths differ, the finer is summed to the coarser first, as Coarsen does.
// The parts are ascending, disjoint and as long as possible; buckets missing in
// both belong to none.
func Merge(platform, claimant History) (History, []Part, error) {
	var minutes int
	for _, h := range []History{platform, claimant} {
		if h.Len() > 0 {
			minutes = max(minutes, h.BucketMinutes)
		}
	}
	if minutes == 0 {
		return History{}, nil, nil
	}
	platform, err := platform.Coarsen(minutes)
	if err != nil {
		return History{}, nil, fmt.Errorf("platform history: %w", err)
	}
	if claimant, err = claimant.Coarsen(minutes); err != nil {
		return History{}, nil, fmt.Errorf("claimant history: %w", err)
	}
	merged := newHistory(minutes, union(platform, claimant))
	var parts []Part
	for i := range merged.States {
		source, from := FromPlatform, platform
		j := from.Index(merged.At(i))
		if !from.known(j) {
			source, from = FromClaimant, claimant
			if j = from.Index(merged.At(i)); !from.known(j) {
				continue
			}
		}
		merged.States[i], merged.Amounts[i], merged.Counts[i] = from.States[j], from.Amounts[j], from.Counts[j]
		bucket := Span{Start: merged.At(i), End: merged.At(i + 1)}
		if last := len(parts) - 1; last >= 0 && parts[last].Source == source && parts[last].End == bucket.Start {
			parts[last].End = bucket.End
			continue
		}
		parts = append(parts, Part{Span: bucket, Source: source})
	}
	return merged, parts, nil
}

// known reports whether bucket i exists and is not missing.
func (h History) known(i int) bool {
	return i >= 0 && i < h.Len() && h.States[i] != Missing
}

// union is the shortest span that holds both histories; an empty one adds none.
func union(a, b History) Span {
	switch {
	case a.Len() == 0:
		return b.Span()
	case b.Len() == 0:
		return a.Span()
	default:
		return Span{Start: min(a.Start, b.Start), End: max(a.End(), b.End())}
	}
}

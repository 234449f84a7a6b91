package revenue

import "fmt"

// Merge joins what the platform and the claimant say of one outlet in one
// service. In each bucket the platform's ledger outranks the claimant's upload
// wherever it is not missing, also where it says closed. When the bucket
// lengths differ, the finer is summed to the coarser first, as Coarsen does.
func Merge(platform, claimant History) (History, error) {
	switch {
	case platform.Len() == 0 && claimant.Len() == 0:
		return History{}, nil
	case claimant.Len() == 0:
		return platform, nil
	case platform.Len() == 0:
		return claimant, nil
	}
	minutes := max(platform.BucketMinutes, claimant.BucketMinutes)
	platform, err := platform.Coarsen(minutes)
	if err != nil {
		return History{}, fmt.Errorf("platform history: %w", err)
	}
	if claimant, err = claimant.Coarsen(minutes); err != nil {
		return History{}, fmt.Errorf("claimant history: %w", err)
	}
	merged := newHistory(minutes, union(platform, claimant))
	for i := range merged.States {
		from, j := platform, platform.Index(merged.At(i))
		if !from.known(j) {
			from, j = claimant, claimant.Index(merged.At(i))
		}
		if from.known(j) {
			merged.States[i], merged.Amounts[i], merged.Counts[i] = from.States[j], from.Amounts[j], from.Counts[j]
		}
	}
	return merged, nil
}

// known reports whether bucket i exists and is not missing.
func (h History) known(i int) bool {
	return i >= 0 && i < h.Len() && h.States[i] != Missing
}

// union is the shortest span that holds both histories.
func union(a, b History) Span {
	return Span{Start: min(a.Start, b.Start), End: max(a.End(), b.End())}
}

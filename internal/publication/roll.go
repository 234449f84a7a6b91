package publication

import (
	"bytes"
	"slices"

	"redress/internal/fault"
)

// roll holds what each claim of a snapshot adds to the totals: by the first byte of
// its id, so that a million of them grow and are sorted in small pieces, and by id
// within.
type roll [256][]entry

// entry is a claim of a roll.
type entry struct {
	id Hash
	Amounts
}

func (e entry) compare(id Hash) int { return bytes.Compare(e.id[:], id[:]) }

func (r *roll) add(l Leaf) {
	r[l.ID[0]] = append(r[l.ID[0]], entry{l.ID, l.Amounts})
}

// sort makes ready for find what was added, and refuses claims that were added
// twice.
func (r *roll) sort() error {
	for _, entries := range r {
		slices.SortFunc(entries, func(a, b entry) int { return a.compare(b.id) })
		for i := 1; i < len(entries); i++ {
			if id := entries[i].id; id == entries[i-1].id {
				return fault.New(fault.Invalid, "leaf_repeated", "Leaf %s is in the snapshot twice.", "잎 %s이(가) 스냅샷에 두 번 있습니다.", id)
			}
		}
	}
	return nil
}

// find finds the place of a claim among those of its first byte.
func (r *roll) find(id Hash) (place int, found bool) {
	return slices.BinarySearchFunc(r[id[0]], id, entry.compare)
}

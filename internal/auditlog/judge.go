package auditlog

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// judge names what is wrong, from the signed root down: of each tile it finds
// the content that the hash above it proves, and holds against it what is
// published. So a tile is told from the entries below it, whichever is wrong.
func (a *audit) judge() error {
	edges, err := a.edges()
	if err != nil {
		return err
	}
	var above []tlog.Hash // proven hashes one level up; zero where unknown
	for l := len(a.levels) - 1; l >= 0; l-- {
		var here []tlog.Hash
		for n := int64(0); n*TileWidth < a.width(l); n++ {
			t := tileAt(l, n, a.checkpoint.TreeSize)
			if l == 0 && t.W == TileWidth && above[n] == a.levels[1].below[n] && above[n] == a.levels[1].computed[n] {
				continue
			}
			ways, err := a.ways(l, n)
			if err != nil {
				return err
			}
			proven, provable := edges[l], edges[l] != nil
			if t.W == TileWidth {
				provable = above[n] != tlog.Hash{}
				proven = pick(ways, func(w []tlog.Hash) bool { return provable && tileRoot(w) == above[n] })
			}
			a.compare(t, ways, proven, provable)
			if proven == nil {
				proven = make([]tlog.Hash, t.W)
			}
			here = append(here, proven...)
		}
		above = here
	}
	return nil
}

// ways are the contents that tile n of a level has as published, as the tiles
// below lead to it, and as the entries do; nil where that cannot be read.
func (a *audit) ways(l int, n int64) ([][]tlog.Hash, error) {
	if l > 0 {
		known := a.levels[l]
		return [][]tlog.Hash{known.published[n], chunk(known.below, n), chunk(known.computed, n)}, nil
	}
	silent := func(fault.Field) {} // reported when they were first read
	published, err := a.readTile(0, n, silent)
	if err != nil {
		return nil, err
	}
	computed, err := a.readBundle(n, silent, nil)
	return [][]tlog.Hash{published, computed}, err
}

func pick(ways [][]tlog.Hash, proven func([]tlog.Hash) bool) []tlog.Hash {
	if i := slices.IndexFunc(ways, proven); i >= 0 {
		return ways[i]
	}
	return nil
}

// edges finds the content of the partial tiles, by level, that leads to the root
// together; none when no choice among what is published does.
func (a *audit) edges() ([][]tlog.Hash, error) {
	all := make([][][]tlog.Hash, len(a.levels))
	for l := range all {
		if n := a.width(l) / TileWidth; a.width(l)%TileWidth > 0 {
			var err error
			if all[l], err = a.ways(l, n); err != nil {
				return nil, err
			}
		}
	}
	chosen := make([][]tlog.Hash, len(all))
	var choose func(l int, above [][]tlog.Hash) bool
	choose = func(l int, above [][]tlog.Hash) bool {
		if l < 0 {
			return edgeRoot(above) == a.checkpoint.RootHash
		}
		if all[l] == nil {
			return choose(l-1, above)
		}
		for _, chosen[l] = range all[l] {
			if chosen[l] != nil && choose(l-1, append(above, chosen[l])) {
				return true
			}
		}
		return false
	}
	if choose(len(all)-1, nil) {
		return chosen, nil
	}
	a.find(fault.At(checkpointPath, "root_wrong", "Nothing that is published leads to the root that the checkpoint of %d entries signs.",
		"공개된 어떤 내용도 항목 %d개의 체크포인트가 서명한 루트에 이르지 않습니다.", a.checkpoint.TreeSize))
	return make([][]tlog.Hash, len(all)), nil
}

// compare holds a published tile, and at level 0 the entries, against its proven
// content. Without one, nothing published fits the hash above, or that hash is
// not proven either and the tile and the entries can only be held against each
// other.
func (a *audit) compare(t tlog.Tile, ways [][]tlog.Hash, proven []tlog.Hash, provable bool) {
	published, computed := ways[0], ways[len(ways)-1]
	switch {
	case proven == nil && provable && (published != nil || computed != nil):
		a.find(fault.At(TilePath(t), "subtree_wrong", "Neither this tile nor the entries below it lead to the hash that the log has above it.",
			"이 타일도, 그 아래의 항목도 로그가 위에 가진 해시에 이르지 않습니다."))
	case proven == nil && published != nil && computed != nil && !slices.Equal(published, computed):
		a.find(fault.At(TilePath(t), "tile_disputed", "This tile and the entries below it differ, and nothing above tells which is right.",
			"이 타일과 그 아래의 항목이 서로 다르며, 어느 쪽이 맞는지 위에서 알 수 없습니다."))
	case proven != nil:
		if i := firstDifference(published, proven); i >= 0 {
			a.find(fault.At(TilePath(t), "tile_wrong", "Hash %d of this tile is not that of the signed log.",
				"이 타일의 %d번 해시가 서명된 로그의 것과 다릅니다.", i))
		}
		if t.L > 0 || computed == nil {
			return
		}
		for i := range proven {
			if computed[i] != proven[i] {
				index := t.N*TileWidth + int64(i)
				a.find(fault.At(fmt.Sprintf("entry:%d", index), "entry_wrong", "Entry %d is not the one in the signed log.",
					"%d번 항목이 서명된 로그의 것과 다릅니다.", index))
			}
		}
	}
}

// firstDifference is where the published hashes first differ, or -1; of a tile
// that cannot be read, nothing is said.
func firstDifference(published, proven []tlog.Hash) int {
	for i := range published {
		if published[i] != proven[i] {
			return i
		}
	}
	return -1
}

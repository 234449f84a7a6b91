package auditlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
	"redress/internal/fault"
)

func tile(level int, number int64, width int) tlog.Tile {
	return tlog.Tile{H: auditlog.TileHeight, L: level, N: number, W: width}
}

func TestTilePathsAreThoseOfTheStandard(t *testing.T) {
	for path, want := range map[string]tlog.Tile{
		"tile/0/000":                     tile(0, 0, 256),
		"tile/0/x001/x234/067":           tile(0, 1_234_067, 256),
		"tile/1/x001/000.p/1":            tile(1, 1000, 1),
		"tile/63/999.p/255":              tile(63, 999, 255),
		"tile/entries/000":               tile(auditlog.EntriesLevel, 0, 256),
		"tile/entries/x999/x000/001.p/9": tile(auditlog.EntriesLevel, 999_000_001, 9),
	} {
		got, err := auditlog.ParseTilePath(path)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if back := auditlog.TilePath(want); back != path {
			t.Errorf("%s is written %s", path, back)
		}
	}
}

func TestNoOtherTilePathIsFound(t *testing.T) {
	for _, path := range []string{
		"", "/", "tile", "tile/", "tile/0", "tile/0/", "0/000", "/tile/0/000", "tile/0/000/", "tile//000", "tile/8/0/000x",
		"tile/00/000", "tile/-1/000", "tile/64/000", "tile/+1/000", "tile/a/000", "tile/data/000", "tile/ENTRIES/000",
		"tile/0/0", "tile/0/0000", "tile/0/00a", "tile/0/-01", "tile/0/x000/000", "tile/0/x00/001", "tile/0/001/000", "tile/0/x001/x000",
		"tile/0/x001//000", "tile/0/X001/000", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/256",
		"tile/0/000.p/-1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/000p/1", "tile/0/000.p/1000", "tile/0/..", "tile/0/000?x",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/٠٠٠", "checkpoint",
	} {
		got, err := auditlog.ParseTilePath(path)
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%q is read as %+v, %v; want not found", path, got, err)
		}
	}
}

func TestTilePathsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tile(rapid.IntRange(-1, 63).Draw(t, "level"), rapid.Int64Range(0, 1<<52).Draw(t, "number"), rapid.IntRange(1, 256).Draw(t, "width"))
		got, err := auditlog.ParseTilePath(auditlog.TilePath(want))
		if err != nil || got != want {
			t.Fatalf("%s is read as %+v, %v; want %+v", auditlog.TilePath(want), got, err, want)
		}
	})
}

// The example of c2sp.org/tlog-tiles, and what is new when the log grows.
func TestTilesOfALog(t *testing.T) {
	count := map[string]int{}
	for _, tile := range auditlog.Tiles(0, 70_000) {
		count[fmt.Sprintf("level %d width %d", tile.L, tile.W)]++
	}
	want := map[string]int{
		"level 0 width 256": 273, "level 0 width 112": 1, "level 1 width 256": 1, "level 1 width 17": 1, "level 2 width 1": 1,
		"level -1 width 256": 273, "level -1 width 112": 1,
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("of 70,000 entries (-want +got):\n%s", diff)
	}
	var paths []string
	for _, tile := range auditlog.Tiles(250, 520) {
		paths = append(paths, auditlog.TilePath(tile))
	}
	added := []string{"tile/0/000", "tile/0/001", "tile/0/002.p/8", "tile/1/000.p/2", "tile/entries/000", "tile/entries/001", "tile/entries/002.p/8"}
	if diff := cmp.Diff(added, paths); diff != "" {
		t.Errorf("from 250 to 520 (-want +got):\n%s", diff)
	}
}

func TestATileHoldsTheHashesOfItsSubtrees(t *testing.T) {
	m := logOf(t, 1000)
	leaves, err := auditlog.ReadTile(tile(0, 3, 232), 1000, m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 232 {
		if want := tlog.RecordHash(commitment(768 + i)); !bytes.Equal(leaves[32*i:32*i+32], want[:]) {
			t.Fatalf("hash %d of tile/0/003.p/232 is not that of its entry", i)
		}
	}
	roots, err := auditlog.ReadTile(tile(1, 0, 3), 1000, m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		want := logOfRange(t, 256*i, 256*i+256)
		if !bytes.Equal(roots[32*i:32*i+32], want[:]) {
			t.Errorf("hash %d of tile/1/000.p/3 is not the root of its tile", i)
		}
	}
	bundle, err := auditlog.ReadTile(tile(auditlog.EntriesLevel, 3, 100), 1000, m)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := auditlog.ParseBundle(bundle, 100)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(commitments(768, 868), entries); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
}

// logOfRange is the root over the entries from one to another.
func logOfRange(t *testing.T, from, to int) tlog.Hash {
	return (&memory{}).add(t, commitments(from, to)...)
}

func TestTilesBeyondTheLogAreNotFound(t *testing.T) {
	m := logOf(t, 1000)
	for _, beyond := range []tlog.Tile{
		tile(0, 3, 233), tile(0, 3, 256), tile(0, 4, 1), tile(1, 0, 4), tile(2, 0, 1), tile(63, 0, 1), tile(0, 1<<55, 1),
		tile(auditlog.EntriesLevel, 3, 233), tile(auditlog.EntriesLevel, 4, 1), tile(-2, 0, 1), tile(0, -1, 1), tile(0, 0, 0), {H: 4, W: 1},
	} {
		if _, err := auditlog.ReadTile(beyond, 1000, m); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%+v: %v; want not found", beyond, err)
		}
	}
	lost := errors.New("connection lost")
	for _, level := range []int{0, auditlog.EntriesLevel} {
		if _, err := auditlog.ReadTile(tile(level, 0, 1), 1000, failing{lost}); !errors.Is(err, lost) {
			t.Errorf("an unreadable store, level %d: %v", level, err)
		}
	}
}

func TestAPublishedStepIsWhatAWholeExportHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.IntRange(0, 1500).Draw(t, "old")
		size := rapid.IntRange(old, 1500).Draw(t, "size")
		m := &memory{leaves: commitments(0, size)}
		m.hashes, _, _ = auditlog.Integrate(0, m.leaves, m)
		files := map[string][]byte{}
		put := func(path string, data []byte) error {
			files[path] = data
			return nil
		}
		for _, step := range [][2]int{{0, old}, {old, size}} {
			if err := auditlog.Export(int64(step[0]), int64(step[1]), m, put); err != nil {
				t.Fatal(err)
			}
		}
		for _, tile := range auditlog.Tiles(0, int64(size)) {
			want, err := auditlog.ReadTile(tile, int64(size), m)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(files[auditlog.TilePath(tile)], want) {
				t.Fatalf("from %d to %d, %s is not published", old, size, auditlog.TilePath(tile))
			}
		}
	})
}

func TestExportStopsWhereAFileCannotBeWritten(t *testing.T) {
	full := errors.New("disk full")
	if err := auditlog.Export(0, 10, logOf(t, 10), func(string, []byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

func TestBundlesAreReadStrictly(t *testing.T) {
	good := auditlog.Bundle(commitments(0, 3))
	if entries, err := auditlog.ParseBundle(good, 3); err != nil || !slices.EqualFunc(entries, commitments(0, 3), bytes.Equal) {
		t.Errorf("read %x, %v", entries, err)
	}
	for name, data := range map[string][]byte{
		"nothing":           nil,
		"an entry missing":  good[:68],
		"an entry too many": auditlog.Bundle(commitments(0, 4)),
		"cut off":           good[:101],
		"a byte too many":   append(slices.Clone(good), 0),
		"another length":    flip(1)(slices.Clone(good)),
		"a longer entry":    auditlog.Bundle([][]byte{commitment(0), append(commitment(1), 0), commitment(2)}),
		"an empty entry":    auditlog.Bundle([][]byte{commitment(0), {}, commitment(2)}),
	} {
		if entries, err := auditlog.ParseBundle(data, 3); fault.KindOf(err) != fault.Malformed {
			t.Errorf("%s: read as %d entries, %v", name, len(entries), err)
		}
	}
}

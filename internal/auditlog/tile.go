package auditlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
	"redress/internal/lang"
)

// The tiles of a log (c2sp.org/tlog-tiles): a tile at level l holds up to 256
// hashes of the tree's level 8·l.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
	// EntriesLevel is the level of the bundles that hold the entries themselves.
	EntriesLevel = -1

	maxTileLevel   = 63
	maxTileNumber  = maxTreeSize >> TileHeight
	entryOfBundle  = 2 + sha256.Size
	checkpointPath = "checkpoint"
)

// TilePath is the path of a tile below the log's prefix: "tile/0/x001/067", or
// "tile/entries/000.p/17" for a bundle of 17 entries.
func TilePath(t tlog.Tile) string {
	level := "entries"
	if t.L != EntriesLevel {
		level = strconv.Itoa(t.L)
	}
	number := fmt.Sprintf("%03d", t.N%1000)
	for n := t.N / 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	path := "tile/" + level + "/" + number
	if t.W < TileWidth {
		path += ".p/" + strconv.Itoa(t.W)
	}
	return path
}

// ParseTilePath reads a path as TilePath writes it and no other way.
func ParseTilePath(path string) (tlog.Tile, error) {
	t := tlog.Tile{H: TileHeight, W: TileWidth}
	level, number, _ := strings.Cut(strings.TrimPrefix(path, "tile/"), "/")
	number, width, partial := strings.Cut(number, ".p/")
	if partial {
		t.W, _ = strconv.Atoi(width)
	}
	if level == "entries" {
		t.L = EntriesLevel
	} else {
		t.L, _ = strconv.Atoi(level)
	}
	for _, digits := range strings.Split(number, "/") {
		n, err := strconv.Atoi(strings.TrimPrefix(digits, "x"))
		if err != nil || n < 0 || n > 999 || t.N > maxTileNumber/1000 {
			return tlog.Tile{}, noTile(path)
		}
		t.N = 1000*t.N + int64(n)
	}
	// Whatever was read wrongly, or leniently, is not written the same again.
	wide := t.W >= 1 && t.W <= TileWidth && partial == (t.W < TileWidth)
	if !wide || t.L < EntriesLevel || t.L > maxTileLevel || TilePath(t) != path {
		return tlog.Tile{}, noTile(path)
	}
	return t, nil
}

func noTile(path string) error {
	return fault.New(fault.NotFound, "tile_not_found",
		"The log has no tile %q; tiles are tile/<level>/<number> and tile/entries/<number>, as in tile/0/x001/067.p/12.",
		"로그에 타일 %q이(가) 없습니다. 타일 경로는 tile/0/x001/067.p/12처럼 tile/<level>/<number> 또는 tile/entries/<number>입니다.", path)
}

// Tiles lists the tiles and bundles that a tree of size has and one of oldSize
// had not, or not as wide.
func Tiles(oldSize, size int64) []tlog.Tile {
	tiles := tlog.NewTiles(TileHeight, oldSize, size)
	for _, t := range slices.Clone(tiles) {
		if t.L == 0 {
			t.L = EntriesLevel
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// tileAt is the tile of a level, as wide as the tree of size has it; its width
// is 0 beyond the tree.
func tileAt(level int, number, size int64) tlog.Tile {
	t := tlog.Tile{H: TileHeight, L: level, N: number}
	if level == EntriesLevel {
		level = 0
	}
	if shift := level * TileHeight; shift < 63 && number <= maxTileNumber {
		t.W = int(min(max(size>>shift-number*TileWidth, 0), TileWidth))
	}
	return t
}

// ReadTile returns the bytes of a tile or bundle of the tree of size, full or
// partial, and a NotFound fault when that tree has no such tile.
func ReadTile(t tlog.Tile, size int64, r Reader) ([]byte, error) {
	if t.H != TileHeight || t.L < EntriesLevel || t.N < 0 || t.W < 1 || t.W > tileAt(t.L, t.N, size).W {
		return nil, noTile(TilePath(t))
	}
	if t.L != EntriesLevel {
		data, err := tlog.ReadTileData(t, r)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", TilePath(t), err)
		}
		return data, nil
	}
	start := t.N * TileWidth
	entries, err := r.ReadLeaves(start, start+int64(t.W))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", TilePath(t), err)
	}
	if len(entries) != t.W {
		return nil, fmt.Errorf("read %s: %d entries, want %d", TilePath(t), len(entries), t.W)
	}
	return Bundle(entries), nil
}

// Export hands over the files by which a tree of size, published as one of
// oldSize before, is published as a directory; the checkpoint is to follow them.
func Export(oldSize, size int64, r Reader, put func(path string, data []byte) error) error {
	for _, t := range Tiles(oldSize, size) {
		data, err := ReadTile(t, size, r)
		if err != nil {
			return err
		}
		if err := put(TilePath(t), data); err != nil {
			return fmt.Errorf("publish %s: %w", TilePath(t), err)
		}
	}
	return nil
}

// Bundle writes entries as an entry bundle: each behind its length in two
// bytes. The entries of this log are the commitments.
func Bundle(commitments [][]byte) []byte {
	data := make([]byte, 0, len(commitments)*entryOfBundle)
	for _, c := range commitments {
		data = binary.BigEndian.AppendUint16(data, uint16(len(c)))
		data = append(data, c...)
	}
	return data
}

// ParseBundle reads a bundle of width commitments, no more and no less. What it
// returns shares the memory of data.
func ParseBundle(data []byte, width int) ([][]byte, error) {
	prefix := []byte{0, sha256.Size}
	commitments := make([][]byte, 0, width)
	for rest := data; len(rest) > 0; rest = rest[entryOfBundle:] {
		if len(rest) < entryOfBundle || !bytes.HasPrefix(rest, prefix) {
			return nil, bundleMalformed(lang.F("entry %d of it is not %d bytes long", "%d번째 항목의 길이가 %d바이트가 아닙니다", len(commitments), sha256.Size))
		}
		commitments = append(commitments, rest[len(prefix):entryOfBundle:entryOfBundle])
	}
	if len(commitments) != width {
		return nil, bundleMalformed(lang.F("it has %d entries instead of %d", "항목이 %[2]d개가 아니라 %[1]d개입니다", len(commitments), width))
	}
	return commitments, nil
}

func bundleMalformed(why lang.Text) error {
	return fault.New(fault.Malformed, "bundle_malformed", "The bundle cannot be read: %s.", "항목 묶음을 읽을 수 없습니다: %s.", why)
}

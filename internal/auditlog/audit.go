package auditlog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// maxFindings bounds the findings of an audit; what a log has more is counted.
const maxFindings = 100

// VerifyTree verifies a whole published log: that its checkpoint is signed, that
// all entries and all tiles lead to its root, and that it extends each of the
// previous signed checkpoints. fsys holds "checkpoint" and "tile/…".
//
// Whatever is wrong with them is a field of the Invalid fault returned: its
// pointer is "checkpoint", the path of a tile or bundle, "entry:<index>" or
// "previous:<number>", its code the reason. Each commitment read is handed to
// each in order, before anything is judged; each may be nil. An error that is no
// fault says that fsys could not be read.
func VerifyTree(fsys fs.FS, k Keys, previous [][]byte, each func(index int64, commitment []byte)) (Signed, error) {
	note, err := fs.ReadFile(fsys, checkpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return Signed{}, fault.New(fault.Invalid, "checkpoint_missing", "The log has no checkpoint.", "로그에 체크포인트가 없습니다.")
	}
	if err != nil {
		return Signed{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	c, err := k.Open(note)
	if err != nil {
		return Signed{}, err
	}
	a := &audit{fsys: fsys, checkpoint: c.Checkpoint, each: each}
	if err := a.read(); err != nil {
		return Signed{}, err
	}
	root, err := a.rootAt(c.TreeSize)
	if err != nil {
		return Signed{}, err
	}
	if a.doubtful || root != c.RootHash {
		if err := a.judge(); err != nil {
			return Signed{}, err
		}
	}
	for i, p := range previous {
		if err := a.extends(fmt.Sprintf("previous:%d", i), k, p, root == c.RootHash); err != nil {
			return Signed{}, err
		}
	}
	return c, a.verdict()
}

// audit is the verification of one published log.
type audit struct {
	fsys       fs.FS
	checkpoint Checkpoint
	each       func(index int64, commitment []byte)
	levels     []level
	doubtful   bool // some tile is not what the entries make it
	findings
}

// level is what is known of the hashes at one level of tiles, in three ways that
// agree in a sound log. Level 0, by far the largest, is not kept but read again
// if need be.
type level struct {
	published [][]tlog.Hash // each tile's own; nil for a tile that cannot be read
	below     []tlog.Hash   // as the tiles one level down lead to them; zero where unknown
	computed  []tlog.Hash   // as the entries lead to them; zero where unknown
}

// width is the number of hashes at a level of the tree.
func (a *audit) width(l int) int64 {
	if TileHeight*l > 62 {
		return 0
	}
	return a.checkpoint.TreeSize >> (TileHeight * l)
}

// read takes in all entries and tiles, from the leaves up.
func (a *audit) read() error {
	var here level
	for l := 0; a.width(l) > 0; l++ {
		var up level
		for n := int64(0); n*TileWidth < a.width(l); n++ {
			published, err := a.readTile(l, n, a.find)
			if err != nil {
				return err
			}
			var computed []tlog.Hash
			if l == 0 {
				computed, err = a.readBundle(n, a.find, a.each)
				if err != nil {
					return err
				}
			} else {
				here.published = append(here.published, published)
				computed = chunk(here.computed, n)
			}
			same := slices.Equal(published, computed)
			a.doubtful = a.doubtful || !same
			if (n+1)*TileWidth > a.width(l) {
				continue // partial: nothing is above it
			}
			root := tileRoot(computed)
			up.computed = append(up.computed, root)
			if !same {
				root = tileRoot(published)
			}
			up.below = append(up.below, root)
		}
		a.levels = append(a.levels, here)
		here = up
	}
	return nil
}

// chunk is the part of a level's hashes that tile n has.
func chunk(hashes []tlog.Hash, n int64) []tlog.Hash {
	return hashes[n*TileWidth : min((n+1)*TileWidth, int64(len(hashes)))]
}

// readTile reads tile n of a level, and tells report what is wrong with it if it
// cannot be read; the hashes are then nil.
func (a *audit) readTile(l int, n int64, report func(fault.Field)) ([]tlog.Hash, error) {
	t := tileAt(l, n, a.checkpoint.TreeSize)
	data, err := a.readFile(t, tlog.HashSize, report)
	if data == nil || err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, t.W)
	for i := range hashes {
		copy(hashes[i][:], data[i*tlog.HashSize:])
	}
	return hashes, nil
}

// readBundle reads bundle n, as the leaf hashes of its entries.
func (a *audit) readBundle(n int64, report func(fault.Field), each func(int64, []byte)) ([]tlog.Hash, error) {
	t := tileAt(EntriesLevel, n, a.checkpoint.TreeSize)
	data, err := a.readFile(t, entryOfBundle, report)
	if data == nil || err != nil {
		return nil, err
	}
	commitments, err := ParseBundle(data, t.W)
	if f := fault.As(err); f != nil {
		report(fault.Field{Pointer: TilePath(t), Code: f.Code, Detail: f.Detail})
		return nil, nil
	}
	hashes := make([]tlog.Hash, t.W)
	for i, c := range commitments {
		hashes[i] = tlog.RecordHash(c)
		if each != nil {
			each(n*TileWidth+int64(i), c)
		}
	}
	return hashes, nil
}

// readFile reads the file of a tile or bundle whose items have a fixed length.
// Where the log grew on, the full tile may stand for the partial one.
func (a *audit) readFile(t tlog.Tile, itemLength int, report func(fault.Field)) ([]byte, error) {
	path, length := TilePath(t), t.W*itemLength
	data, err := fs.ReadFile(a.fsys, path)
	if errors.Is(err, fs.ErrNotExist) && t.W < TileWidth {
		full := t
		full.W = TileWidth
		if data, err = fs.ReadFile(a.fsys, TilePath(full)); err == nil {
			data = data[:min(len(data), length)]
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		report(fault.At(path, "tile_missing", "A log of %d entries has this tile, and it is missing.",
			"항목 %d개의 로그에 있어야 할 타일이 없습니다.", a.checkpoint.TreeSize))
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(data) != length:
		report(fault.At(path, "tile_length_wrong", "The tile has %d bytes instead of %d.",
			"타일이 %[2]d바이트가 아니라 %[1]d바이트입니다.", len(data), length))
		return nil, nil
	}
	return data, nil
}

// rootAt is the root of the first size entries, zero if some cannot be read.
func (a *audit) rootAt(size int64) (tlog.Hash, error) {
	var edges [][]tlog.Hash
	for l := len(a.levels) - 1; l >= 0; l-- {
		end := size >> (TileHeight * l)
		start := end / TileWidth * TileWidth
		if start == end {
			continue
		}
		hashes := a.levels[l].computed
		if l == 0 {
			leaves, err := a.readBundle(start/TileWidth, func(fault.Field) {}, nil)
			if leaves == nil || err != nil {
				return tlog.Hash{}, err
			}
			edges = append(edges, leaves[:end-start])
			continue
		}
		edges = append(edges, hashes[start:end])
	}
	return edgeRoot(edges), nil
}

// tileRoot is the root of a full tile, zero if a hash is unknown.
func tileRoot(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) != TileWidth || slices.Contains(hashes, tlog.Hash{}) {
		return tlog.Hash{}
	}
	tree := [TileWidth]tlog.Hash(hashes)
	for width := TileWidth / 2; width > 0; width /= 2 {
		for i := range width {
			tree[i] = tlog.NodeHash(tree[2*i], tree[2*i+1])
		}
	}
	return tree[0]
}

// edgeRoot is the root of a tree whose partial tiles have these hashes, from the
// top level down; zero if a hash is unknown.
func edgeRoot(edges [][]tlog.Hash) tlog.Hash {
	var whole frontier
	var scratch []tlog.Hash
	for _, hashes := range edges {
		var part frontier
		for _, h := range hashes {
			if h == (tlog.Hash{}) {
				return tlog.Hash{}
			}
			scratch = part.append(h, scratch[:0])
		}
		whole.hashes = append(whole.hashes, part.hashes...)
	}
	return whole.root()
}

// extends checks that the log begins with the log of a previous checkpoint.
// sound says that the entries lead to the present root.
func (a *audit) extends(pointer string, k Keys, previous []byte, sound bool) error {
	p, err := k.Open(previous)
	if err == nil && p.TreeSize >= a.checkpoint.TreeSize {
		err = VerifyConsistency(nil, p.Checkpoint, a.checkpoint)
	}
	if f := fault.As(err); f != nil {
		a.find(fault.Field{Pointer: pointer, Code: f.Code, Detail: f.Detail})
		return nil
	}
	if p.TreeSize >= a.checkpoint.TreeSize {
		return nil
	}
	root, err := a.rootAt(p.TreeSize)
	switch {
	case err != nil:
		return err
	case root == p.RootHash:
	case sound:
		a.find(fault.At(pointer, "history_rewritten", "The first %d entries are not those that the log signed before.",
			"처음 %d개 항목이 로그가 전에 서명한 것과 다릅니다.", p.TreeSize))
	default:
		a.find(fault.At(pointer, "previous_unconfirmed", "The log is damaged; whether it extends the previous checkpoint of %d entries cannot be told.",
			"로그가 손상되어, 항목 %d개의 이전 체크포인트를 이어 가는지 알 수 없습니다.", p.TreeSize))
	}
	return nil
}

// findings are what is wrong, as far as there is room.
type findings struct {
	fields []fault.Field
	more   int // beyond maxFindings
}

func (f *findings) find(field fault.Field) {
	if len(f.fields) == maxFindings {
		f.more++
		return
	}
	f.fields = append(f.fields, field)
}

// verdict is the fault that has the findings, or nil without any.
func (f *findings) verdict() error {
	if len(f.fields) == 0 {
		return nil
	}
	e := fault.New(fault.Invalid, "log_invalid",
		"The log does not hold: %d finding(s), %d of them listed.",
		"로그가 맞지 않습니다. 문제 %d건 가운데 %d건을 적었습니다.", len(f.fields)+f.more, len(f.fields))
	e.Fields = f.fields
	return e
}

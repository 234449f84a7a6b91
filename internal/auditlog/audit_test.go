package auditlog_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
)

// published is a log of three levels of tiles with a history of checkpoints.
type published struct {
	k     key
	keys  auditlog.Keys
	m     *memory
	files fstest.MapFS
}

const publishedSize = 65_836 // 257 tiles and 44 hashes, one tile and one hash, one hash

func newPublished(t testing.TB) published {
	t.Helper()
	k := logKey(t, origin, 1)
	m := logOf(t, publishedSize)
	p := published{k: k, keys: keys(t, "log "+k.public), m: m}
	p.files = publish(t, m, publishedSize, p.signed(t, m, publishedSize))
	return p
}

func (p published) signed(t testing.TB, m *memory, size int64) []byte {
	return sign(t, m.checkpoint(t, size).Text(), p.k)
}

// with is the log with another entry in place of one.
func (p published) with(t testing.TB, index int64, entry []byte) *memory {
	changed := slices.Clone(p.m.leaves)
	changed[index] = entry
	m := &memory{}
	m.add(t, changed...)
	return m
}

// swap takes some files from elsewhere.
func swap(files, from fstest.MapFS, paths ...string) fstest.MapFS {
	changed := maps.Clone(files)
	for _, path := range paths {
		changed[path] = from[path]
	}
	return changed
}

func TestASoundLogVerifies(t *testing.T) {
	p := newPublished(t)
	var previous [][]byte
	for _, size := range []int64{0, 1, 255, 256, 257, 65_535, 65_536, 65_800, publishedSize} {
		previous = append(previous, p.signed(t, p.m, size))
	}
	next := int64(0)
	c, err := auditlog.VerifyTree(p.files, p.keys, previous, func(index int64, commitment []byte) {
		if index != next || !bytes.Equal(commitment, p.m.leaves[index]) {
			t.Fatalf("entry %d is handed over as number %d", next, index)
		}
		next++
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := p.m.checkpoint(t, publishedSize); c.Checkpoint != want || next != publishedSize {
		t.Errorf("verified %+v with %d entries, want %+v", c.Checkpoint, next, want)
	}
}

func TestLogsOfEverySizeVerify(t *testing.T) {
	k := logKey(t, origin, 1)
	trusted := keys(t, "log "+k.public)
	m := logOf(t, 66_000)
	for _, size := range []int64{0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 65_792, 66_000} {
		files := publish(t, m, size, sign(t, m.checkpoint(t, size).Text(), k))
		if _, err := auditlog.VerifyTree(files, trusted, nil, nil); err != nil {
			t.Errorf("of %d entries: %v", size, err)
		}
	}
}

// A log that grew since its checkpoint was fetched has full tiles in place of
// the partial ones.
func TestFullTilesStandForPartialOnes(t *testing.T) {
	p := newPublished(t)
	grown := p.m.clone()
	grown.add(t, commitments(publishedSize, 66_100)...)
	files := publish(t, grown, 66_100, p.signed(t, p.m, publishedSize))
	if files["tile/0/257"] == nil || files["tile/0/257.p/44"] != nil {
		t.Fatal("the tile did not fill up; the test shows nothing")
	}
	files["tile/1/001.p/1"] = p.files["tile/1/001.p/1"] // still partial, and still kept
	if _, err := auditlog.VerifyTree(files, p.keys, nil, nil); err != nil {
		t.Error(err)
	}
}

func TestEveryManipulationOfAPublishedLogIsNamed(t *testing.T) {
	p := newPublished(t)
	thief, elsewhere := logKey(t, origin, 8), logKey(t, "log.example/other", 9)
	back := p.with(t, 5, commitment(-1)) // entry 5 is another, and all is hashed anew
	rewritten := publish(t, back, publishedSize, p.signed(t, back, publishedSize))
	older := publish(t, p.m, 60_000, p.signed(t, p.m, 60_000))
	const bundle, tile0, tile1, tile2 = "tile/entries/000", "tile/0/000", "tile/1/000", "tile/2/000.p/1"
	const lastBundle, lastTile0, lastTile1 = "tile/entries/257.p/44", "tile/0/257.p/44", "tile/1/001.p/1"
	reorder := func(data []byte) []byte {
		return slices.Concat(data[34:68], data[:34], data[68:])
	}
	checkpoint := func(signed []byte) fstest.MapFS {
		return edit(p.files, "checkpoint", func([]byte) []byte { return signed })
	}
	for _, c := range []struct {
		name     string
		files    fstest.MapFS
		previous []byte
		want     []string
	}{
		{"an entry changed", edit(p.files, bundle, flip(5*34+9)), nil, []string{"log_invalid", "entry:5 entry_wrong"}},
		{"a late entry changed", edit(p.files, lastBundle, flip(43*34+9)), nil, []string{"log_invalid", "entry:65835 entry_wrong"}},
		{"two entries changed over", edit(p.files, bundle, reorder), nil, []string{"log_invalid", "entry:0 entry_wrong", "entry:1 entry_wrong"}},
		{"an entry dropped", edit(p.files, bundle, func(d []byte) []byte { return d[34:] }), nil, []string{"log_invalid", bundle + " tile_length_wrong"}},
		{"an entry added", edit(p.files, lastBundle, func(d []byte) []byte { return append(d, d[:34]...) }), nil, []string{"log_invalid", lastBundle + " tile_length_wrong"}},
		{"an entry repeated for another", edit(p.files, bundle, func(d []byte) []byte { return append(d[:34], append(d[:34:34], d[68:]...)...) }), nil, []string{"log_invalid", "entry:1 entry_wrong"}},
		{"a length changed", edit(p.files, bundle, flip(34)), nil, []string{"log_invalid", bundle + " bundle_malformed"}},
		{"a bundle deleted", remove(p.files, bundle), nil, []string{"log_invalid", bundle + " tile_missing"}},
		{"the last bundle deleted", remove(p.files, lastBundle), nil, []string{"log_invalid", lastBundle + " tile_missing"}},
		{"a tile of leaves deleted", remove(p.files, tile0), nil, []string{"log_invalid", tile0 + " tile_missing"}},
		{"a tile of tiles deleted", remove(p.files, tile1), nil, []string{"log_invalid", tile1 + " tile_missing"}},
		{"the top tile deleted", remove(p.files, tile2), nil, []string{"log_invalid", tile2 + " tile_missing"}},
		{"a tile cut short", edit(p.files, tile0, func(d []byte) []byte { return d[:8_000] }), nil, []string{"log_invalid", tile0 + " tile_length_wrong"}},
		{"a hash of a leaf changed", edit(p.files, tile0, flip(7*32)), nil, []string{"log_invalid", tile0 + " tile_wrong"}},
		{"a hash of the last leaves changed", edit(p.files, lastTile0, flip(7*32)), nil, []string{"log_invalid", lastTile0 + " tile_wrong"}},
		{"a hash of a tile changed", edit(p.files, tile1, flip(7*32)), nil, []string{"log_invalid", tile1 + " tile_wrong"}},
		{"a hash of the last tile changed", edit(p.files, lastTile1, flip(3)), nil, []string{"log_invalid", lastTile1 + " tile_wrong"}},
		{"the top hash changed", edit(p.files, tile2, flip(3)), nil, []string{"log_invalid", tile2 + " tile_wrong"}},
		{"a hash wiped out", edit(p.files, tile0, func(d []byte) []byte { clear(d[:32]); return d }), nil, []string{"log_invalid", tile0 + " tile_wrong"}},
		{"a tile in place of another", edit(p.files, tile0, func([]byte) []byte { return p.files["tile/0/001"].Data }), nil, []string{"log_invalid", tile0 + " tile_wrong"}},
		{"entry and tile changed together", swap(p.files, rewritten, bundle, tile0), nil, []string{"log_invalid", tile0 + " subtree_wrong"}},
		{"entry and all tiles over it changed", swap(p.files, rewritten, bundle, tile0, tile1, tile2), nil, []string{"log_invalid", "checkpoint root_wrong"}},
		{"a tile changed and an entry below it", edit(edit(p.files, tile1, flip(0)), bundle, flip(5*34+9)), nil, []string{"log_invalid", tile1 + " tile_wrong", "entry:5 entry_wrong"}},
		{"both top tiles changed and an entry", edit(edit(edit(p.files, tile2, flip(0)), lastTile0, flip(0)), bundle, flip(5*34+9)), nil,
			[]string{"log_invalid", tile2 + " tile_wrong", "entry:5 entry_wrong", lastTile0 + " tile_wrong"}},
		{"a bundle deleted and its tile changed", edit(remove(p.files, bundle), tile0, flip(0)), nil, []string{"log_invalid", bundle + " tile_missing", tile0 + " subtree_wrong"}},
		{"a tile changed, one below it and an entry elsewhere", edit(edit(edit(p.files, tile1, flip(0)), "tile/0/009", flip(0)), bundle, flip(9)), nil,
			[]string{"log_invalid", tile1 + " subtree_wrong", tile0 + " tile_disputed", "tile/0/009 tile_disputed"}},
		{"the history rewritten and signed", rewritten, p.signed(t, p.m, 60_000), []string{"log_invalid", "previous:0 history_rewritten"}},
		{"the log forked at one size", rewritten, p.signed(t, p.m, publishedSize), []string{"log_invalid", "previous:0 log_forked"}},
		{"an old log shown again", older, p.signed(t, p.m, publishedSize), []string{"log_invalid", "previous:0 log_rolled_back"}},
		{"an old checkpoint shown again", checkpoint(p.signed(t, p.m, 60_000)), p.signed(t, p.m, publishedSize),
			[]string{"log_invalid", "previous:0 log_rolled_back"}},
		{"a previous checkpoint by another", p.files, sign(t, p.m.checkpoint(t, 9).Text(), thief), []string{"log_invalid", "previous:0 checkpoint_unsigned"}},
		{"a damaged log and a previous checkpoint", edit(p.files, bundle, flip(9)), p.signed(t, p.m, 60_000), []string{"log_invalid", "entry:0 entry_wrong", "previous:0 previous_unconfirmed"}},
		{"the checkpoint deleted", remove(p.files, "checkpoint"), nil, []string{"checkpoint_missing"}},
		{"the checkpoint of another tree", checkpoint(p.signed(t, back, publishedSize)), nil, []string{"log_invalid", "checkpoint root_wrong"}},
		{"signed with another key", checkpoint(sign(t, p.m.checkpoint(t, publishedSize).Text(), thief)), nil, []string{"checkpoint_unsigned"}},
		{"the size changed", edit(p.files, "checkpoint", func(d []byte) []byte { return bytes.Replace(d, []byte("65836"), []byte("65835"), 1) }), nil, []string{"signature_invalid"}},
		{"the signature changed", edit(p.files, "checkpoint", func(d []byte) []byte {
			return bytes.Replace(d, d[len(d)-9:len(d)-5], []byte("AbCd"), 1)
		}), nil, []string{"signature_invalid"}},
		{"the checkpoint of another log", checkpoint(sign(t, "log.example/other\n0\n"+(&memory{}).checkpoint(t, 0).RootHash.String()+"\n", elsewhere)), nil, []string{"origin_wrong"}},
		{"a line added to the checkpoint", checkpoint(sign(t, p.m.checkpoint(t, publishedSize).Text()+"trust me\n", p.k)), nil, []string{"checkpoint_malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var previous [][]byte
			if c.previous != nil {
				previous = append(previous, c.previous)
			}
			_, err := auditlog.VerifyTree(c.files, p.keys, previous, nil)
			if diff := cmp.Diff(c.want, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever byte of whatever file is changed, it is noticed; and one changed
// entry is always named as such.
func TestOneChangedBitOfAPublishedLogIsNoticed(t *testing.T) {
	k := logKey(t, origin, 1)
	trusted := keys(t, "log "+k.public)
	m := logOf(t, 700)
	files := publish(t, m, 700, sign(t, m.checkpoint(t, 700).Text(), k))
	want, paths := m.checkpoint(t, 700), slices.Sorted(maps.Keys(files))
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom(paths).Draw(t, "path")
		bit := rapid.IntRange(0, 8*len(files[path].Data)-1).Draw(t, "bit")
		changed := edit(files, path, func(d []byte) []byte {
			d[bit/8] ^= 1 << (bit % 8)
			return d
		})
		_, err := auditlog.VerifyTree(changed, trusted, nil, nil)
		if err == nil {
			// The last bits of a base64 text do not count.
			got, openErr := trusted.Open(changed["checkpoint"].Data)
			if path != "checkpoint" || openErr != nil || got.Checkpoint != want {
				t.Fatalf("bit %d of %s changed, and nobody noticed", bit, path)
			}
		}
	})
}

func TestFindingsBeyondTheFirstHundredAreCounted(t *testing.T) {
	p := newPublished(t)
	files := edit(p.files, "tile/entries/000", func(d []byte) []byte {
		for i := range 256 {
			d[34*i+9] ^= 1
		}
		return d
	})
	_, err := auditlog.VerifyTree(files, p.keys, nil, nil)
	got := reasons(err)
	if len(got) != 101 || got[100] != "entry:99 entry_wrong" || !bytes.Contains([]byte(err.Error()), []byte("256 finding(s), 100 of them listed")) {
		t.Errorf("%d reasons: %.120s", len(got), err)
	}
}

// broken is a tree whose files cannot be read past the checkpoint.
type broken struct {
	fstest.MapFS
	path string
}

var errBroken = errors.New("input/output error")

func (b broken) ReadFile(name string) ([]byte, error) {
	if name == b.path {
		return nil, errBroken
	}
	return b.MapFS.ReadFile(name)
}

func TestAnUnreadableTreeIsNoFinding(t *testing.T) {
	p := newPublished(t)
	for _, path := range []string{"checkpoint", "tile/0/100", "tile/entries/257.p/44", "tile/1/001.p/1"} {
		_, err := auditlog.VerifyTree(broken{p.files, path}, p.keys, nil, nil)
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: %v; want %v", path, err, errBroken)
		}
	}
}

func TestALogIsVerifiedOverHTTP(t *testing.T) {
	p := newPublished(t)
	serve := func(files fs.FS) *http.Client {
		return &http.Client{Transport: into{http.StripPrefix("/log", http.FileServerFS(files))}}
	}
	tree := auditlog.HTTPTree(t.Context(), serve(p.files), "http://log.example/log/")
	if _, err := auditlog.VerifyTree(tree, p.keys, nil, nil); err != nil {
		t.Error(err)
	}
	damaged := auditlog.HTTPTree(t.Context(), serve(remove(p.files, "tile/0/007")), "http://log.example/log")
	_, err := auditlog.VerifyTree(damaged, p.keys, nil, nil)
	if diff := cmp.Diff([]string{"log_invalid", "tile/0/007 tile_missing"}, reasons(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, via := range map[string]http.RoundTripper{
		"out of order": answer(503, "text/plain", ""),
		"not there":    unreachable{},
		"endless":      answer(200, "text/plain", string(make([]byte, 2<<20))),
	} {
		_, err := auditlog.VerifyTree(auditlog.HTTPTree(t.Context(), &http.Client{Transport: via}, "http://log.example"), p.keys, nil, nil)
		var path *fs.PathError
		if !errors.As(err, &path) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file, err := tree.Open("tile/1/001.p/1")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 32 || info.Name() != "1" {
		t.Errorf("stat: %v, %v", info, err)
	}
	if _, err := tree.Open("../secret"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a path out of the tree: %v", err)
	}
}

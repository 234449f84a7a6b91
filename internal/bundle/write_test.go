package bundle_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"redress/internal/bundle"
	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

func zipOf(t testing.TB, c bundle.Contents) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bundle.WriteZip(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t testing.TB, data []byte) fs.FS {
	t.Helper()
	files, err := bundle.OpenZip(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The same contents give the same bytes, whatever they are written to.
func TestABundleIsWrittenTheSameEveryTime(t *testing.T) {
	o := tell(t, lies{})
	first := zipOf(t, o.contents)
	for range 3 {
		if !bytes.Equal(zipOf(t, o.contents), first) {
			t.Fatal("another zip of the same contents")
		}
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := bundle.WriteDirectory(dir, o.contents); err != nil {
		t.Fatal(err)
	}
	want := o.files()
	for name, fsys := range map[string]fs.FS{"directory": os.DirFS(dir), "zip": opened(t, first)} {
		got := fstest.MapFS{}
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(fsys, path)
			got[path] = &fstest.MapFile{Data: data}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if r, err := bundle.Verify(fsys, readers(t), bundle.Options{Previous: o.kept, Remake: remake}); err != nil || r.Err() != nil {
			t.Errorf("%s: %v %v", name, err, found(r))
		}
	}
	if err := bundle.WriteDirectory(dir, o.contents); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over another bundle: %v", err)
	}
}

// Paths come in order, and what has no path in the format is not written.
func TestOnlyPathsOfTheFormatAreWritten(t *testing.T) {
	o := tell(t, lies{})
	last := ""
	err := bundle.Write(func(path string, _ func(io.Writer) error) error {
		if path <= last {
			t.Errorf("%s after %s", path, last)
		}
		last = path
		return nil
	}, o.contents)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../../etc", "a/b", "", "한글", strings.Repeat("a", 65)} {
		c := o.contents
		c.Schemes = []bundle.Scheme{{ID: id, Version: 1, Document: bundle.Document{Bytes: scheme, Receipt: scheme}}}
		if err := bundle.WriteZip(io.Discard, c); err == nil {
			t.Errorf("a scheme %q is written", id)
		}
	}
}

// A zip that would write elsewhere, or that two readers read differently, is
// refused.
func TestAHostileZipIsRefused(t *testing.T) {
	for name, paths := range map[string][]string{
		"upwards":   {"../bundle.json"},
		"absolute":  {"/etc/passwd"},
		"backslash": {`log\keys`},
		"twice":     {"bundle.json", "bundle.json"},
		"dots":      {"releases/./1/release.json"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := zip.NewWriter(&b)
			for _, path := range paths {
				if _, err := w.Create(path); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := bundle.OpenZip(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if f := fault.As(err); f == nil || f.Code != "bundle_unreadable" {
				t.Errorf("opened: %v", err)
			}
		})
	}
	if _, err := bundle.OpenZip(strings.NewReader("PK"), 2); fault.As(err) == nil {
		t.Errorf("no zip at all: %v", err)
	}
}

// What unpacks to more than a bundle can hold is not unpacked.
func TestABombIsNotUnpacked(t *testing.T) {
	bomb := make([]byte, 64<<20)
	for _, path := range []string{"bundle.json", "log/keys", "log/checkpoint", "rules/1.json", "releases/1/release.json", "snapshots/1/leaves.ndjson.gz", "rules/1.tlog-proof"} {
		t.Run(path, func(t *testing.T) {
			var b bytes.Buffer
			w := zip.NewWriter(&b)
			file, err := w.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			data := bomb
			if strings.HasSuffix(path, ".gz") {
				data = zipped(bomb)
			}
			if _, err := file.Write(data); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if b.Len() > 1<<20 {
				t.Fatalf("%d bytes are no bomb", b.Len())
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := bundle.Verify(opened(t, b.Bytes()), readers(t), bundle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			// A document of the largest size, read into a buffer that doubles.
			if taken := after.TotalAlloc - before.TotalAlloc; r.Err() == nil || taken > 128<<20 {
				t.Errorf("%d bytes were taken to find %v", taken, found(r))
			}
		})
	}
}

// A zip whose directory lies about its files is found, and nothing is believed.
func TestADamagedZipIsFound(t *testing.T) {
	o := tell(t, lies{})
	data := zipOf(t, o.contents)
	at := bytes.Index(data, []byte("releases/1/release.json")) + len("releases/1/release.json") + 10
	binary.BigEndian.PutUint32(data[at:], 0xdeadbeef)
	r, err := bundle.Verify(opened(t, data), readers(t), bundle.Options{Remake: remake})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(found(r), "\n"); !strings.Contains(all, "releases/1/release.json file_unreadable") {
		t.Errorf("found:\n%s", all)
	}
}

// A symbolic link is not followed.
func TestALinkIsNotFollowed(t *testing.T) {
	o := tell(t, lies{})
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := bundle.WriteDirectory(dir, o.contents); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "rules", "1.json")
	elsewhere := filepath.Join(t.TempDir(), "rule")
	if err := errors.Join(os.Rename(path, elsewhere), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	r, err := bundle.Verify(os.DirFS(dir), readers(t), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(found(r), "\n"); !strings.Contains(all, "rules/1.json file_irregular") {
		t.Errorf("found:\n%s", all)
	}
}

// A history is read as it was written, to the digest.
func TestAHistoryIsReadAsItWasWritten(t *testing.T) {
	h, _ := hourly(t, 3)
	for name, h := range map[string]revenue.History{
		"hourly": h, "empty": {},
		"missing": {BucketMinutes: 1440, Start: 0, States: []revenue.State{revenue.Missing, revenue.Open}, Amounts: []money.Minor{0, -500}, Counts: []int32{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := bundle.EncodeHistory(h)
			if err != nil {
				t.Fatal(err)
			}
			got, err := bundle.ParseHistory(data)
			if err != nil {
				t.Fatal(err)
			}
			if revenue.Digest(got) != revenue.Digest(h) {
				t.Errorf("%+v became %+v", h, got)
			}
		})
	}
}

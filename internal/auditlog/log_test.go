package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
	"redress/internal/fault"
)

// station is a log on a shelf, with its keys.
type station struct {
	*auditlog.Log
	shelf  *shelf
	keys   auditlog.Keys
	text   string // of the keys
	dir    *auditlog.Directory
	stderr *bytes.Buffer
}

type stationOptions struct {
	dir    string
	lines  []string // of the keys, after the log's own
	client *http.Client
}

func newStation(t testing.TB, s *shelf, k key, o stationOptions) *station {
	t.Helper()
	st := &station{shelf: s, text: strings.Join(append([]string{"log " + k.public}, o.lines...), "\n"), stderr: &bytes.Buffer{}}
	st.keys = keys(t, st.text)
	signer, err := auditlog.NewSigner(st.keys, k.secret)
	if err != nil {
		t.Fatal(err)
	}
	if o.dir != "" {
		if st.dir, err = auditlog.OpenDirectory(o.dir); err != nil {
			t.Fatal(err)
		}
	}
	st.Log = auditlog.NewLog(s, signer, auditlog.LogOptions{
		Keys: st.text, Directory: st.dir, Client: o.client, Log: slog.New(slog.NewTextHandler(st.stderr, nil)), WitnessEvery: time.Second,
	})
	return st
}

// run runs the log for a while of the test's own time.
func (s *station) run(t testing.TB, during func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	during()
	stop()
	running.Wait()
}

func (s *station) size(t testing.TB) int64 {
	t.Helper()
	head, err := s.shelf.LogHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head.Size
}

// verified verifies what is published in the directory.
func (s *station) verified(t testing.TB, previous ...[]byte) auditlog.Audited {
	t.Helper()
	audited, err := auditlog.VerifyPublished(s.dir.FS(), s.keys, previous)
	if err != nil {
		t.Fatalf("the published log: %v", err)
	}
	return audited
}

func (s *station) checkpoint(t testing.TB) []byte {
	t.Helper()
	note, err := s.dir.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func TestEntriesAreLeavesWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{dir: t.TempDir()})
		s.run(t, func() {
			var previous [][]byte
			for _, n := range []int{1, 300, 5000, 2} {
				before := s.size(t)
				s.shelf.write(t, n)
				time.Sleep(time.Second)
				if got := s.size(t); got != before+int64(n) {
					t.Fatalf("%d entries, a second after %d were written to %d", got, n, before)
				}
				if got := s.verified(t, previous...).Checkpoint.TreeSize; got != s.size(t) {
					t.Errorf("%d entries are published of %d", got, s.size(t))
				}
				previous = append(previous, s.checkpoint(t))
			}
		})
		for id, i := range s.shelf.index {
			receipt, err := auditlog.ReceiptOf(t.Context(), s.shelf, id)
			if err != nil {
				t.Fatal(err)
			}
			proven, err := auditlog.VerifyReceipt(receipt.Format(), s.keys)
			if err != nil || proven.Entry.ID != id || proven.LeafIndex != i {
				t.Fatalf("the receipt of entry %s proves %s, %v", id, proven.Entry.ID, err)
			}
		}
	})
}

func TestAReceiptSaysWhyThereIsNone(t *testing.T) {
	s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{})
	id := s.shelf.write(t, 1)[0]
	_, err := auditlog.ReceiptOf(t.Context(), s.shelf, id)
	if f := fault.As(err); f == nil || f.Code != "receipt_not_ready" || f.RetryAfter == 0 {
		t.Errorf("before it is a leaf: %v", err)
	}
	if _, err := s.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := s.shelf.entries[id]
	e.Salt, e.Body = nil, nil
	s.shelf.entries[id] = e
	if _, err := auditlog.ReceiptOf(t.Context(), s.shelf, id); reasons(err)[0] != "entry_erased" {
		t.Errorf("after it was erased: %v", err)
	}
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{})
	s.shelf.write(t, 10)
	s.shelf.fail = errors.New("the disk is full")
	if n, err := s.Integrate(t.Context()); err == nil || n != 0 {
		t.Errorf("%d entries, %v", n, err)
	}
	if s.Stopped() != nil {
		t.Error("the log stopped over something that passes")
	}
	if n, err := s.Integrate(t.Context()); err != nil || n != 10 || s.size(t) != 10 {
		t.Errorf("%d entries, %v", n, err)
	}
}

// What a process signed and could not publish, the next one publishes.
func TestWhatWasNotPublishedIsPublishedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, dir, shelf := logKey(t, origin, 1), t.TempDir(), newShelf()
		shelf.write(t, 700)
		dead := newStation(t, shelf, k, stationOptions{dir: dir})
		if _, err := dead.Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := newStation(t, shelf, k, stationOptions{dir: dir})
		s.run(t, func() { time.Sleep(time.Second) })
		if got := s.verified(t).Checkpoint.TreeSize; got != 700 {
			t.Errorf("%d entries are published", got)
		}
	})
}

// A crash between any two files leaves a log that verifies, and the next start
// completes it.
func TestACrashWhilePublishingLeavesALogThatVerifies(t *testing.T) {
	k, shelf := logKey(t, origin, 1), newShelf()
	grow := func(n int) {
		shelf.write(t, n)
		if _, err := newStation(t, shelf, k, stationOptions{}).Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	grow(300)
	before := shelf.copy()
	grow(400)
	type file struct {
		path string
		data []byte
	}
	var files []file
	if err := auditlog.Export(300, 700, shelf.LogTree(t.Context()), func(path string, data []byte) error {
		files = append(files, file{path, data})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for crash := range len(files) + 1 {
		dir := t.TempDir()
		first := newStation(t, before, k, stationOptions{dir: dir})
		if err := first.dir.Publish(t.Context(), before, first.keys, first.text); err != nil {
			t.Fatal(err)
		}
		published := first.checkpoint(t)
		for _, f := range files[:crash] {
			path := filepath.Join(dir, f.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := first.verified(t).Checkpoint.TreeSize; got != 300 {
			t.Errorf("after %d files: %d entries", crash, got)
		}
		again := newStation(t, shelf, k, stationOptions{dir: dir})
		if err := again.dir.Publish(t.Context(), shelf, again.keys, again.text); err != nil {
			t.Fatal(err)
		}
		if got := again.verified(t, published).Checkpoint.TreeSize; got != 700 {
			t.Errorf("completed after %d files: %d entries", crash, got)
		}
	}
}

// restoredLog is a log of 500 published entries whose store is from a backup at
// 400, with 30 of the lost ones still waiting in it and 20 new ones.
func restoredLog(t testing.TB, k key, dir string) *station {
	t.Helper()
	s := newStation(t, newShelf(), k, stationOptions{dir: dir})
	s.shelf.write(t, 400)
	s.run(t, func() { time.Sleep(time.Second) })
	s.shelf.write(t, 30)
	backup := s.shelf.copy()
	s.shelf.write(t, 70)
	s.run(t, func() { time.Sleep(time.Second) })
	backup.write(t, 20)
	return newStation(t, backup, k, stationOptions{dir: dir})
}

func TestARestoredOlderStoreSignsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := restoredLog(t, logKey(t, origin, 1), t.TempDir())
		published := s.checkpoint(t)
		s.run(t, func() {
			time.Sleep(10 * time.Second)
			s.shelf.write(t, 200) // more than were lost
			time.Sleep(10 * time.Minute)
		})
		if s.size(t) != 400 {
			t.Errorf("it went on to %d entries", s.size(t))
		}
		if reasons(s.Stopped())[0] != "log_rolled_back" {
			t.Errorf("it stopped for: %v", s.Stopped())
		}
		if n := strings.Count(s.stderr.String(), "THE LOG HAS STOPPED"); n < 10 {
			t.Errorf("in ten minutes it said so %d times", n)
		}
		if !bytes.Equal(s.checkpoint(t), published) {
			t.Error("the published checkpoint was replaced")
		}
		if status, _, _ := get(s.Handler(), "/checkpoint"); status != http.StatusServiceUnavailable {
			t.Errorf("its checkpoint is served: %d", status)
		}
		s.verified(t, published)
	})
}

// A store that forked, and then grew past what was published, is found out, too.
func TestAForkedStoreSignsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, dir := logKey(t, origin, 1), t.TempDir()
		s := restoredLog(t, k, dir)
		elsewhere := newStation(t, s.shelf, k, stationOptions{}) // does not know the directory
		s.shelf.write(t, 200)
		elsewhere.run(t, func() { time.Sleep(time.Second) })
		if s.size(t) != 650 {
			t.Fatalf("the fork has %d entries", s.size(t))
		}
		s.shelf.write(t, 1)
		s.run(t, func() { time.Sleep(time.Second) })
		if s.size(t) != 650 || reasons(s.Stopped())[0] != "consistency_not_proven" {
			t.Errorf("%d entries, stopped for %v", s.size(t), s.Stopped())
		}
	})
}

func TestAnOlderStoreTakesOverWhatWasPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, dir := logKey(t, origin, 1), t.TempDir()
		s := restoredLog(t, k, dir)
		published := s.checkpoint(t)
		adopted, lost, err := s.Adopt(t.Context(), s.dir)
		if err != nil || adopted != 100 || lost != 70 {
			t.Fatalf("%d leaves taken over, %d lost: %v", adopted, lost, err)
		}
		s.run(t, func() { time.Sleep(time.Second) })
		if got := s.verified(t, published).Checkpoint.TreeSize; got != 520 || s.Stopped() != nil {
			t.Errorf("%d entries, stopped: %v", got, s.Stopped())
		}
		if _, _, err := s.Adopt(t.Context(), s.dir); reasons(err)[0] != "log_not_behind" {
			t.Errorf("once more: %v", err)
		}
	})
}

func TestAForkTakesOverNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, dir := logKey(t, origin, 1), t.TempDir()
		restoredLog(t, k, dir)
		fork := newStation(t, newShelf(), k, stationOptions{})
		fork.shelf.write(t, 300)
		fork.run(t, func() { time.Sleep(time.Second) })
		published, err := auditlog.OpenDirectory(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := fork.Adopt(t.Context(), published); reasons(err)[0] != "log_forked" || fork.size(t) != 300 {
			t.Errorf("%v, %d entries", err, fork.size(t))
		}
	})
}

func TestKeysOfAnotherLogAreRefused(t *testing.T) {
	s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{})
	s.shelf.write(t, 1)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("an empty log: %v", err)
	}
	if _, err := s.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := newStation(t, s.shelf, logKey(t, origin, 2), stationOptions{}).Check(t.Context()); err == nil {
		t.Error("another's")
	}
}

// Handler serves the log as the API does, and refuses with the status alone.
func (s *station) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch err := s.Serve(w, r, strings.TrimPrefix(r.URL.Path, "/")); {
		case fault.KindOf(err) == fault.NotFound:
			w.WriteHeader(http.StatusNotFound)
		case err != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

// get asks a handler for a path.
func get(h http.Handler, path string) (int, http.Header, []byte) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Header(), w.Body.Bytes()
}

func TestTheLogIsServed(t *testing.T) {
	s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{})
	if status, _, _ := get(s.Handler(), "/checkpoint"); status != http.StatusNotFound {
		t.Errorf("an empty log has a checkpoint: %d", status)
	}
	s.shelf.write(t, 300)
	if _, err := s.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, cache string
		status      int
	}{
		{"/checkpoint", "no-cache", 200}, {"/keys", "no-cache", 200}, {"/checkpoint.witnessed", "", 404},
		{"/tile/0/000", "public, max-age=31536000, immutable", 200}, {"/tile/0/001.p/44", "public, max-age=31536000, immutable", 200},
		{"/tile/0/001.p/30", "public, max-age=31536000, immutable", 200}, {"/tile/entries/000", "public, max-age=31536000, immutable", 200},
		{"/tile/0/001", "", 404}, {"/tile/0/001.p/45", "", 404}, {"/tile/0/1", "", 404}, {"/tile/entries/002", "", 404}, {"/", "", 404}, {"/../keys", "", 404},
	} {
		status, header, _ := get(s.Handler(), c.path)
		if status != c.status || header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d, %q", c.path, status, header.Get("Cache-Control"))
		}
	}
	tree := auditlog.HTTPTree(t.Context(), &http.Client{Transport: into{s.Handler()}}, "http://log.example/")
	if _, err := auditlog.VerifyPublished(tree, s.keys, nil); err != nil {
		t.Errorf("what is served: %v", err)
	}
}

func TestPublishedFilesAreTheServedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := newStation(t, newShelf(), logKey(t, origin, 1), stationOptions{dir: dir})
		s.run(t, func() {
			for range 4 {
				s.shelf.write(t, 150)
				time.Sleep(time.Second)
			}
		})
		var paths []string
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == ".lock" {
				return err
			}
			name := filepath.ToSlash(strings.TrimPrefix(path, dir))
			paths = append(paths, name)
			want, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if status, _, got := get(s.Handler(), name); status != 200 || !bytes.Equal(got, want) {
				t.Errorf("%s: %d", name, status)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Partial tiles of those that are full are gone.
		want := []string{
			"/checkpoint", "/keys", "/tile/0/000", "/tile/0/001", "/tile/0/002.p/88", "/tile/1/000.p/1", "/tile/1/000.p/2",
			"/tile/entries/000", "/tile/entries/001", "/tile/entries/002.p/88",
		}
		slices.Sort(paths)
		if diff := cmp.Diff(want, paths); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Processes that share a directory never put an older checkpoint in place.
func TestTheDirectoryNeverGoesBack(t *testing.T) {
	k, dir, shelf := logKey(t, origin, 1), t.TempDir(), newShelf()
	s := newStation(t, shelf, k, stationOptions{dir: dir})
	var publishing sync.WaitGroup
	for range 4 {
		publishing.Go(func() {
			last := int64(-1)
			for range 30 {
				if err := s.dir.Publish(t.Context(), shelf, s.keys, s.text); err != nil {
					t.Error(err)
				}
				note, err := s.dir.Checkpoint()
				if err != nil || note == nil {
					continue
				}
				c, err := s.keys.Open(note)
				if err != nil || c.TreeSize < last {
					t.Errorf("%d entries after %d: %v", c.TreeSize, last, err)
				}
				last = c.TreeSize
			}
		})
	}
	for range 40 {
		shelf.write(t, 20)
		if _, err := s.Integrate(t.Context()); err != nil {
			t.Error(err)
		}
	}
	publishing.Wait()
	if err := s.dir.Publish(t.Context(), shelf, s.keys, s.text); err != nil {
		t.Fatal(err)
	}
	if got := s.verified(t).Checkpoint.TreeSize; got != 800 {
		t.Errorf("%d entries are published", got)
	}
}

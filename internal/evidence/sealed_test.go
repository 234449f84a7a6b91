package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/evidence"
)

func TestNothingClearIsOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	content := []byte(strings.Repeat("holder 110-123-456789\n", 10_000))
	first, _ := put(t, s, "account book.txt", content)
	second, _ := put(t, s, "account book.txt", content)
	var blobs [][]byte
	for _, id := range []string{first, second} {
		path := blobOf(t, dir, id)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("holder")) || bytes.Contains(b, []byte("110-123")) || strings.Contains(path, "account") {
			t.Errorf("%s shows what it holds", path)
		}
		blobs = append(blobs, b[1:])
	}
	// Nor does the disk show that two claims hold the same file.
	if bytes.Equal(blobs[0][:100], blobs[1][:100]) {
		t.Error("one file is sealed alike twice")
	}
}

// Every place of the stored file counts: the head, each segment, the last byte.
func TestAnAlteredFileDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	id, _ := put(t, s, "a.txt", []byte(strings.Repeat("a", 150_000)))
	path := blobOf(t, dir, id)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, altered []byte) {
		t.Helper()
		if err := os.WriteFile(path, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t.Context(), s, id); !errors.Is(err, evidence.ErrAltered) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for at := range whole {
		if at > 200 && at%997 != 0 && at < len(whole)-50 {
			continue
		}
		altered := bytes.Clone(whole)
		altered[at] ^= 1
		check(fmt.Sprintf("byte %d of %d flipped", at, len(whole)), altered)
	}
	for _, length := range []int{0, 1, 2, 40, 41, 60, 64 << 10, 64<<10 + 1, 128 << 10, 128<<10 + 1, len(whole) - 1} {
		check(fmt.Sprintf("shortened to %d of %d bytes", length, len(whole)), whole[:length])
	}
	check("a byte appended", append(bytes.Clone(whole), 0))
	check("two segments swapped", bytes.Join([][]byte{whole[:1+64<<10], whole[1+128<<10:], whole[1+64<<10 : 1+128<<10]}, nil))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), s, id); err != nil {
		t.Errorf("put back as it was: %v", err)
	}
}

func TestAnAlteredFileStaysAltered(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	id, _ := put(t, s, "a.txt", []byte(strings.Repeat("a", 150_000)))
	path := blobOf(t, dir, id)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b[:len(b)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 3 { // a reader that tries again must not find a regular end
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, evidence.ErrAltered) {
			t.Errorf("read on: %v", err)
		}
	}
}

func TestAFileUnderAnotherIDDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	mine, _ := put(t, s, "a.pdf", pdfFile)
	other, _ := put(t, s, "b.txt", []byte("another claim's"))
	if err := os.Rename(blobOf(t, dir, other), blobOf(t, dir, mine)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), mine); !errors.Is(err, evidence.ErrAltered) {
		t.Errorf("another claim's file opens: %v", err)
	}
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	dir := t.TempDir()
	id, _ := put(t, open(t, dir, evidence.Options{}), "a.pdf", pdfFile)
	other, err := evidence.Open(t.Context(), dir, bytes.Repeat([]byte{8}, 32), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Open(t.Context(), id); !errors.Is(err, evidence.ErrAltered) {
		t.Errorf("it opens: %v", err)
	}
	if back, err := read(t.Context(), open(t, dir, evidence.Options{}), id); err != nil || !bytes.Equal(back, pdfFile) {
		t.Errorf("the right key after a restart: %v", err)
	}
}

// nobody knows no file.
func nobody(context.Context, []string) (map[string]bool, error) { return nil, nil }

// The machine stops in the middle of an upload: what the disk holds then is
// copied, and a new process opens the copy.
func TestAnUploadThatDiesIsNeverReadableAndSwept(t *testing.T) {
	dir, after := t.TempDir(), filepath.Join(t.TempDir(), "after")
	s := open(t, dir, evidence.Options{})
	stored, _ := put(t, s, "whole.pdf", pdfFile)
	id, wrote, finish := newID(), make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		last := readerFunc(func([]byte) (int, error) { close(wrote); <-finish; return 0, io.EOF })
		_, err := s.Put(t.Context(), id, "a.txt", "", io.MultiReader(strings.NewReader(strings.Repeat("a", 500_000)), last))
		done <- err
	}()
	<-wrote
	if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is being written opens: %v", err)
	}
	close(finish)
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	s = open(t, after, evidence.Options{})
	if n := len(onDisk(t, after)); n != 2 {
		t.Fatalf("the crash left %d files, want the whole one and the half one", n)
	}
	if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file opens: %v", err)
	}
	known := func(_ context.Context, ids []string) (map[string]bool, error) {
		return map[string]bool{stored: true}, nil
	}
	if n, err := s.Sweep(t.Context(), known, time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("swept %d files, want 1: %v", n, err)
	}
	if back, err := read(t.Context(), s, stored); err != nil || !bytes.Equal(back, pdfFile) || len(onDisk(t, after)) != 1 {
		t.Errorf("the whole file suffered, or others stayed: %v", err)
	}
}

func TestSweepRemovesWhatIsOldAndUnknown(t *testing.T) {
	for where, location := range map[string]string{"directory": t.TempDir(), "memory": "mem://"} {
		t.Run(where, func(t *testing.T) {
			s := open(t, location, evidence.Options{})
			const files = 700 // more than are asked about at once
			rows, orphans := map[string]bool{}, []string{}
			for i := range files {
				id, _ := put(t, s, "a.txt", []byte("x"))
				if i%3 == 0 {
					orphans = append(orphans, id)
				} else {
					rows[id] = true
				}
			}
			asked := map[string]bool{}
			known := func(_ context.Context, ids []string) (map[string]bool, error) {
				if len(ids) > 500 {
					t.Errorf("asked about %d ids at once", len(ids))
				}
				for _, id := range ids {
					asked[id] = true
				}
				return rows, nil
			}
			if n, err := s.Sweep(t.Context(), known, time.Now().Add(-time.Hour)); n != 0 || err != nil || len(asked) > 0 {
				t.Errorf("of young files %d were removed and %d asked about: %v", n, len(asked), err)
			}
			if n, err := s.Sweep(t.Context(), known, time.Now().Add(time.Hour)); n != len(orphans) || err != nil || len(asked) != files {
				t.Errorf("removed %d of %d orphans, asked about %d of %d: %v", n, len(orphans), len(asked), files, err)
			}
			for _, id := range orphans {
				if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("an orphan opens: %v", err)
				}
			}
			for id := range rows {
				if _, err := read(t.Context(), s, id); err != nil {
					t.Errorf("a known file: %v", err)
				}
			}
		})
	}
}

func TestSweepStopsWhenItCannotAsk(t *testing.T) {
	s := open(t, t.TempDir(), evidence.Options{})
	id, _ := put(t, s, "a.pdf", pdfFile)
	down := errors.New("the database is down")
	n, err := s.Sweep(t.Context(), func(context.Context, []string) (map[string]bool, error) { return nil, down }, time.Now().Add(time.Hour))
	if n != 0 || !errors.Is(err, down) {
		t.Errorf("swept %d: %v", n, err)
	}
	if _, err := read(t.Context(), s, id); err != nil {
		t.Errorf("the file: %v", err)
	}
}

// A store at the wrong place must not empty it.
func TestSweepLeavesForeignFilesAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	id := newID()
	foreign := []string{"README", "ab/letter.txt", "ab/letter.tmp", id, "zz/" + id, id[34:] + "/" + id + ".bak", id[34:] + "/x/" + id}
	for _, name := range foreign {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := onDisk(t, dir)
	if n, err := s.Sweep(t.Context(), nobody, time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("removed %d: %v", n, err)
	}
	if diff := cmp.Diff(before, onDisk(t, dir)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

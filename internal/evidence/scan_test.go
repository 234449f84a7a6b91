package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redress/internal/evidence"
	"redress/internal/fault"
)

// signature is a scanner that knows one virus, and answers as real ones do.
const signature = `if grep -q 'ANTIVIRUS-TEST-FILE'; then echo 'stdin: Test.Signature FOUND'; exit 1; fi; echo 'stdin: OK'`

func TestMalwareIsRefusedAndRemoved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{Scanner: scannerScript(t, signature)})
	id := newID()
	_, err := s.Put(t.Context(), id, "a.txt", "text/plain", bytes.NewReader(virusFile))
	f := refused(t, err, fault.Invalid, "malware_found")
	if f.Cause == nil || !strings.Contains(f.Cause.Error(), "Test.Signature") {
		t.Errorf("the log does not learn what was found: %v", f.Cause)
	}
	if strings.Contains(f.Detail.EN+f.Detail.KO, "Signature") {
		t.Errorf("the uploader learns which signature was found: %+v", f.Detail)
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, file := put(t, s, "b.txt", []byte("clean")); file.Scan != (evidence.Scan{Result: evidence.ScanPassed, Note: "stdin: OK"}) {
		t.Errorf("a clean file: %+v", file.Scan)
	}
}

func TestTheScannerAnswersWithItsExitStatus(t *testing.T) {
	for what, c := range map[string]struct {
		script string
		want   evidence.ScanResult
		note   string
	}{
		"clean":                       {"cat >/dev/null", evidence.ScanPassed, ""},
		"clean without reading":       {"exit 0", evidence.ScanPassed, ""},
		"an error":                    {"cat >/dev/null; echo 'no database' >&2; exit 2", evidence.ScanUnrecognised, "exit status 2: no database"},
		"killed":                      {"kill -9 $$", evidence.ScanUnrecognised, "signal: killed"},
		"too slow":                    {"exec sleep 600", evidence.ScanUnrecognised, "no answer within 2s"},
		"too slow, with a child":      {"sleep 30 & wait", evidence.ScanUnrecognised, "no answer within 2s"},
		"a child that keeps its pipe": {"sleep 30 & exit 0", evidence.ScanUnrecognised, "exec: WaitDelay expired before I/O complete"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t, "mem://", evidence.Options{Scanner: scannerScript(t, c.script), ScanTimeout: 2 * time.Second})
			id, file := put(t, s, "a.txt", []byte(strings.Repeat("a", 300_000)))
			if want := (evidence.Scan{Result: c.want, Note: c.note}); file.Scan != want {
				t.Errorf("got %+v, want %+v", file.Scan, want)
			}
			if _, err := read(t.Context(), s, id); err != nil {
				t.Errorf("the file is not kept: %v", err)
			}
		})
	}
}

func TestWhatAScannerPrintsIsCut(t *testing.T) {
	s := open(t, "mem://", evidence.Options{Scanner: scannerScript(t, `printf '%0999d가' 0; exit 3`)})
	_, file := put(t, s, "a.txt", []byte("a"))
	if n := len(file.Scan.Note); n == 0 || n > 500 {
		t.Errorf("a note of %d bytes", n)
	}
}

func TestAScannerThatVanishesRecognisesNothing(t *testing.T) {
	scanner := scannerScript(t, signature)
	s := open(t, "mem://", evidence.Options{Scanner: scanner})
	if err := os.Remove(scanner[0]); err != nil {
		t.Fatal(err)
	}
	id, file := put(t, s, "a.txt", virusFile)
	if file.Scan.Result != evidence.ScanUnrecognised || !strings.Contains(file.Scan.Note, "no such file") {
		t.Fatalf("got %+v", file.Scan)
	}
	// Once it is back, the file can be scanned again; what becomes of it is not
	// for the store to say.
	if err := os.WriteFile(scanner[0], []byte("#!/bin/sh\n"+signature), 0o700); err != nil {
		t.Fatal(err)
	}
	if scan, err := s.Scan(t.Context(), id); err != nil || scan.Result != evidence.ScanFailed {
		t.Errorf("scanned again: %+v, %v", scan, err)
	}
	if _, err := read(t.Context(), s, id); err != nil {
		t.Errorf("the file is not kept: %v", err)
	}
}

func TestTheScannerGetsNoneOfOurSecrets(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://secret")
	s := open(t, "mem://", evidence.Options{Scanner: scannerScript(t, `cat >/dev/null; echo "[$DATABASE_URL]"`)})
	if _, file := put(t, s, "a.txt", []byte("a")); file.Scan.Note != "[]" {
		t.Errorf("it was told %q", file.Scan.Note)
	}
}

// A scanner that is content with part of a file has not passed it.
func TestAFileThatCannotBeReadDoesNotPass(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{Scanner: scannerScript(t, "cat >/dev/null")})
	id, _ := put(t, s, "a.txt", []byte(strings.Repeat("a", 300_000)))
	if err := os.Truncate(blobOf(t, dir, id), 200_000); err != nil {
		t.Fatal(err)
	}
	if scan, err := s.Scan(t.Context(), id); !errors.Is(err, evidence.ErrAltered) {
		t.Errorf("got %+v, %v", scan, err)
	}
}

func TestAnUploadCancelledInItsScanLeavesNothing(t *testing.T) {
	dir, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
	s := open(t, dir, evidence.Options{Scanner: append(scannerScript(t, `touch "$1"; exec sleep 600`), started)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := s.Put(ctx, newID(), "a.pdf", "", bytes.NewReader(pdfFile))
		done <- err
	}()
	for {
		if _, err := os.Stat(started); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

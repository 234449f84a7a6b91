package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/evidence"
	"redress/internal/fault"
)

func TestAnAcceptedFileComesBackAsItWasSent(t *testing.T) {
	stores := map[string]*evidence.Store{"directory": open(t, t.TempDir(), evidence.Options{}), "memory": open(t, "mem://", evidence.Options{})}
	const spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	for _, c := range []struct {
		name, declared string
		content        []byte
		media          string
	}{
		{"신고서.pdf", "application/pdf", pdfFile, "application/pdf"},
		{"a.PDF", "application/octet-stream", append([]byte("\ufeff\n"), pdfFile...), "application/pdf"},
		{"a.png", "image/png", pngFile(), "image/png"},
		{"a.jpg", "image/jpg", jpegFile(), "image/jpeg"},
		{"a.JPEG", "image/jpeg", append(jpegFile(), "SEFT motion picture"...), "image/jpeg"}, // as some telephones append
		{"a.heic", "image/heic", heicFile("heic"), "image/heic"},
		{"a.heif", "image/heif", heicFile("mif1"), "image/heic"},
		{"a.webp", "", webpFile, "image/webp"},
		{"a.xlsx", spreadsheet, xlsxFile(), spreadsheet},
		{"a.docx", "", docxFile(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"a.hwp", "application/haansofthwp", hwpFile(), "application/x-hwp"},
		{"a.hwpx", "", hwpxFile(), "application/hwp+zip"},
		{"a.csv", "application/vnd.ms-excel", []byte(csvFile), "text/csv"},
		{"a.csv", "text/csv; charset=euc-kr", []byte(cp949File), "text/csv"},
		{"a.csv", "Text/CSV", []byte("\ufeff" + csvFile), "text/csv"},
		{"a.txt", "text/plain", []byte(csvFile), "text/plain"},
		{"a.txt", "text/plain", []byte("x"), "text/plain"},
		{"a.txt", "text/plain;charset=utf-16", []byte("\xff\xfeh\x00i\x00"), "text/plain"},
	} {
		for where, s := range stores {
			t.Run(where+"/"+c.name+" "+c.declared, func(t *testing.T) {
				id := newID()
				// One byte at a time, so that every seam between reads is met.
				got, err := s.Put(t.Context(), id, c.name, c.declared, iotest.OneByteReader(bytes.NewReader(c.content)))
				if err != nil {
					t.Fatal(err)
				}
				want := evidence.File{
					Name: c.name, Type: c.media, Size: int64(len(c.content)), SHA256: sha256.Sum256(c.content),
					Scan: evidence.Scan{Result: evidence.NotScanned},
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("file (-want +got):\n%s", diff)
				}
				if back, err := read(t.Context(), s, id); err != nil || !bytes.Equal(back, c.content) {
					t.Errorf("came back as %d bytes of %d: %v", len(back), len(c.content), err)
				}
			})
		}
	}
}

func TestAFileThatIsNotWhatItSaysIsRefusedAndNothingStays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	const accepted = "PDF, PNG, JPEG, HEIC, WebP, XLSX, DOCX, HWP, HWPX, CSV, TXT"
	for _, c := range []struct {
		what           string
		name, declared string
		content        []byte
		kind           fault.Kind
		code           string
		says           []string // both sides of the contradiction
	}{
		{"a program named as a PDF", "invoice.pdf", "application/pdf", programFile, fault.Unsupported, "evidence_type_mismatch", []string{"PDF", "application/vnd.microsoft.portable-executable"}},
		{"a page named as a picture", "a.png", "image/png", []byte("<!DOCTYPE html><html><script>alert(1)</script></html>"), fault.Unsupported, "evidence_type_mismatch", []string{"PNG", "text/html"}},
		{"a script named as text", "a.txt", "text/plain", []byte("#!/bin/sh\nrm -rf .\n"), fault.Unsupported, "evidence_type_mismatch", []string{"TXT", "text/x-shellscript"}},
		{"a drawing with scripts named as text", "a.txt", "", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), fault.Unsupported, "evidence_type_mismatch", []string{"TXT", "image/svg+xml"}},
		{"a picture named as another", "a.jpg", "image/jpeg", pngFile(), fault.Unsupported, "evidence_type_mismatch", []string{"JPEG", "image/png"}},
		{"a PDF declared as a picture", "a.pdf", "image/png", pdfFile, fault.Unsupported, "evidence_type_mismatch", []string{"PDF", "image/png"}},
		{"a declaration that is none", "a.pdf", "application/pdf;;=", pdfFile, fault.Unsupported, "evidence_type_mismatch", []string{"application/pdf;;=", "declare application/pdf"}},
		{"an archive named as a workbook", "a.xlsx", "", zipFile("run.exe=MZ"), fault.Unsupported, "evidence_type_mismatch", []string{"XLSX", "application/zip"}},
		{"a document named as a workbook", "a.xlsx", "", docxFile(), fault.Unsupported, "evidence_type_mismatch", []string{"XLSX", "wordprocessingml"}},
		{"an old workbook named as a new one", "a.xlsx", "", compoundFile("W\x00o\x00r\x00k\x00b\x00o\x00o\x00k"), fault.Unsupported, "evidence_type_mismatch", []string{"XLSX", "application/x-ole-storage"}},
		{"an old workbook named as HWP", "a.hwp", "", compoundFile("W\x00o\x00r\x00k\x00b\x00o\x00o\x00k"), fault.Unsupported, "evidence_type_mismatch", []string{"HWP", "application/x-ole-storage"}},
		{"an archive named as HWPX", "a.hwpx", "", zipFile("run.exe=MZ"), fault.Unsupported, "evidence_type_mismatch", []string{"HWPX", "application/zip"}},
		{"bytes of no type", "a.txt", "", []byte{0, 1, 2, 3}, fault.Unsupported, "evidence_type_mismatch", []string{"TXT", "application/octet-stream"}},
		{"a program", "setup.exe", "", programFile, fault.Unsupported, "evidence_type_not_accepted", []string{"setup.exe", accepted}},
		{"an archive", "a.zip", "application/zip", zipFile("a=b"), fault.Unsupported, "evidence_type_not_accepted", []string{"a.zip", accepted}},
		{"a moving picture", "a.gif", "image/gif", gifFile(), fault.Unsupported, "evidence_type_not_accepted", []string{"a.gif", accepted}},
		{"a second extension", "a.pdf.exe", "", pdfFile, fault.Unsupported, "evidence_type_not_accepted", []string{"a.pdf.exe", accepted}},
		{"no extension", "pdf", "", pdfFile, fault.Unsupported, "evidence_type_not_accepted", []string{`"pdf"`, accepted}},
		{"a PDF and an archive", "a.pdf", "", join(pdfFile, zipFile("run.exe=MZ")), fault.Unsupported, "evidence_type_ambiguous", []string{"application/pdf", "ZIP"}},
		{"a picture and an archive with an end appended", "a.png", "", join(pngFile(), zipFile("run.exe=MZ"), make([]byte, 30_000)), fault.Unsupported, "evidence_type_ambiguous", []string{"image/png", "ZIP"}},
		{"text and an archive", "a.txt", "", join([]byte(strings.Repeat(csvFile, 60)), zipFile("run.exe=MZ")), fault.Unsupported, "evidence_type_ambiguous", []string{"text/csv", "ZIP"}},
		{"a picture and a PDF", "a.pdf", "", join(jpegFile()[:20], pdfFile), fault.Unsupported, "evidence_type_ambiguous", []string{"image/jpeg", "PDF"}},
		{"a PDF and a picture", "a.jpg", "", join(jpegFile()[:20], pdfFile), fault.Unsupported, "evidence_type_mismatch", []string{"JPEG", "application/pdf"}},
		{"a workbook and a PDF", "a.xlsx", "", zipFile("[Content_Types].xml=", "mimetype=%PDF-1.7", "xl/workbook.xml=<workbook/>"), fault.Unsupported, "evidence_type_ambiguous", []string{"spreadsheetml", "PDF"}},
		{"half a workbook", "a.xlsx", "", xlsxFile()[:len(xlsxFile())-30], fault.Invalid, "evidence_incomplete", []string{"a.xlsx", "XLSX"}},
		{"nothing", "a.pdf", "", nil, fault.Invalid, "evidence_empty", []string{"a.pdf"}},
		{"a path", "../../etc/a.pdf", "", pdfFile, fault.Invalid, "evidence_name_invalid", []string{"../../etc/a.pdf"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			id := newID()
			_, err := s.Put(t.Context(), id, c.name, c.declared, iotest.HalfReader(bytes.NewReader(c.content)))
			f := refused(t, err, c.kind, c.code)
			for _, text := range []string{f.Detail.EN, f.Detail.KO} {
				for _, part := range c.says {
					// Korean needs no word for "declare".
					if part = strings.TrimPrefix(part, "declare "); !strings.Contains(text, part) {
						t.Errorf("%q does not name %q", text, part)
					}
				}
			}
			if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the refused file opens: %v", err)
			}
		})
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An archive may hide behind any length of file, across any seam of reading.
func TestAnArchiveBehindAFileIsFoundWhereverItBegins(t *testing.T) {
	s := open(t, "mem://", evidence.Options{})
	archive := zipFile("run.exe=MZ")
	rapid.Check(t, func(t *rapid.T) {
		between := rapid.IntRange(32<<10-300, 32<<10+50).Draw(t, "between")
		after := rapid.IntRange(0, 65_535).Draw(t, "after")
		content := bytes.Join([][]byte{pdfFile, make([]byte, between), archive, make([]byte, after)}, nil)
		_, err := s.Put(context.Background(), newID(), "a.pdf", "", bytes.NewReader(content))
		refused(t, err, fault.Unsupported, "evidence_type_ambiguous")
	})
}

func TestAFileOfAnySizeIsSealedWholeAndOpened(t *testing.T) {
	s := open(t, "mem://", evidence.Options{MaxBytes: 1 << 20})
	rapid.Check(t, func(t *rapid.T) {
		// Around the ends of segments, where an off-by-one would be.
		size := rapid.IntRange(0, 3).Draw(t, "segments")*(64<<10) + rapid.IntRange(1, 200).Draw(t, "more")
		content := bytes.Repeat([]byte(rapid.StringMatching(`[a-z ]{7}`).Draw(t, "text")), size/7+1)[:size]
		id := newID()
		file, err := s.Put(context.Background(), id, "a.txt", "", bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if file.Size != int64(size) || file.SHA256 != sha256.Sum256(content) {
			t.Errorf("%d bytes were taken for %d, or hashed wrongly", size, file.Size)
		}
		if back, err := read(context.Background(), s, id); err != nil || !bytes.Equal(back, content) {
			t.Errorf("%d bytes came back as %d: %v", size, len(back), err)
		}
	})
}

// endless is a text that never ends and counts how much of it was taken.
type endless struct{ taken int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.taken += int64(len(p))
	return len(p), nil
}

func TestAnEndlessUploadStopsAtTheLimit(t *testing.T) {
	const limit, slack, memory = 64 << 20, 64 << 10, 4 << 20
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{MaxBytes: limit})
	var upload endless
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.Put(t.Context(), newID(), "a.txt", "", &upload)
	runtime.ReadMemStats(&after)
	refused(t, err, fault.TooLarge, "evidence_too_large")
	if upload.taken > limit+slack {
		t.Errorf("%d bytes were taken for a limit of %d", upload.taken, limit)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > memory {
		t.Errorf("%d bytes of memory were allocated", used)
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheLimitIsTheLargestFile(t *testing.T) {
	s := open(t, t.TempDir(), evidence.Options{MaxBytes: 100_000})
	put(t, s, "a.txt", bytes.Repeat([]byte("a"), 100_000))
	_, err := s.Put(t.Context(), newID(), "a.txt", "", strings.NewReader(strings.Repeat("a", 100_001)))
	refused(t, err, fault.TooLarge, "evidence_too_large")
}

func TestAnUploadThatBreaksIsRefusedWithItsReason(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	tooLarge := &http.MaxBytesError{Limit: 1}
	for _, sent := range []int{0, 10, 3072, 200_000} {
		begun := strings.NewReader(strings.Repeat("a", sent))
		_, err := s.Put(t.Context(), newID(), "a.txt", "", io.MultiReader(begun, iotest.ErrReader(io.ErrUnexpectedEOF)))
		refused(t, err, fault.Malformed, "upload_cut_off")
		begun.Seek(0, io.SeekStart)
		if _, err = s.Put(t.Context(), newID(), "a.txt", "", io.MultiReader(begun, iotest.ErrReader(tooLarge))); !errors.Is(err, tooLarge) {
			t.Errorf("after %d bytes: %v, want %v", sent, err, tooLarge)
		}
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestACancelledUploadLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	for _, sent := range []int64{0, 1000, 300_000} {
		ctx, cancel := context.WithCancel(t.Context())
		var upload endless
		last := readerFunc(func(p []byte) (int, error) { cancel(); return upload.Read(p) })
		_, err := s.Put(ctx, newID(), "a.txt", "", io.MultiReader(io.LimitReader(&upload, sent), last))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d bytes: %v", sent, err)
		}
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUploadsAtTheSameTimeDoNotMix(t *testing.T) {
	for where, location := range map[string]string{"directory": t.TempDir(), "memory": "mem://"} {
		t.Run(where, func(t *testing.T) {
			s := open(t, location, evidence.Options{Scanner: scannerScript(t, "cat >/dev/null")})
			var wg sync.WaitGroup
			for i := range 24 {
				wg.Go(func() {
					id, content := newID(), strings.Repeat(fmt.Sprintf("upload %d\n", i), 20_000)
					file, err := s.Put(t.Context(), id, "a.txt", "", strings.NewReader(content))
					if err != nil || file.SHA256 != sha256.Sum256([]byte(content)) || file.Scan.Result != evidence.ScanPassed {
						t.Errorf("upload %d: %+v, %v", i, file, err)
						return
					}
					if back, err := read(t.Context(), s, id); err != nil || string(back) != content {
						t.Errorf("upload %d came back otherwise: %v", i, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestAnIDIsUsedOnce(t *testing.T) {
	for where, location := range map[string]string{"directory": t.TempDir(), "memory": "mem://"} {
		t.Run(where, func(t *testing.T) {
			s := open(t, location, evidence.Options{})
			id, _ := put(t, s, "a.pdf", pdfFile)
			if _, err := s.Put(t.Context(), id, "b.txt", "", strings.NewReader("other")); err == nil || fault.As(err) != nil {
				t.Errorf("a second file under one id: %v", err)
			}
			if back, err := read(t.Context(), s, id); err != nil || !bytes.Equal(back, pdfFile) {
				t.Errorf("the first file changed: %v", err)
			}
		})
	}
}

func TestAnIDIsAUUIDAndNothingElse(t *testing.T) {
	s := open(t, t.TempDir(), evidence.Options{})
	for _, id := range []string{"", "..", "../" + newID(), strings.ToUpper("018463d5-0000-7000-8000-0000000000ab"), "{" + newID() + "}", newID() + ".1f.tmp"} {
		if _, err := s.Put(t.Context(), id, "a.pdf", "", bytes.NewReader(pdfFile)); err == nil {
			t.Errorf("Put under %q", id)
		}
		if _, err := s.Open(t.Context(), id); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of %q: %v", id, err)
		}
		if err := s.Delete(t.Context(), id); err == nil {
			t.Errorf("Delete of %q", id)
		}
	}
}

func TestADeletedFileIsGone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, evidence.Options{})
	id, _ := put(t, s, "a.pdf", pdfFile)
	for range 2 { // and deleting it again is no error
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it opens: %v", err)
	}
	if left := onDisk(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAStoreOpensOnlyWhereItCanWork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, "file://"+dir, evidence.Options{})
	id, _ := put(t, s, "a.pdf", pdfFile)
	if info, err := os.Stat(blobOf(t, dir, id)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v, %v", info, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may read the directory: %v, %v", info, err)
	}
	for what, c := range map[string]struct {
		location string
		key      []byte
		o        evidence.Options
	}{
		"a short key":                 {dir, key[:31], evidence.Options{}},
		"a driver that is not there":  {"nowhere://bucket", key, evidence.Options{}},
		"a URL with parameters":       {"file://" + dir + "?metadata=skip", key, evidence.Options{}},
		"a file for a directory":      {blobOf(t, dir, id), key, evidence.Options{}},
		"a scanner that is not there": {dir, key, evidence.Options{Scanner: []string{filepath.Join(dir, "scanner")}}},
		"a limit below zero":          {dir, key, evidence.Options{MaxBytes: -1}},
	} {
		if _, err := evidence.Open(t.Context(), c.location, c.key, c.o); err == nil {
			t.Errorf("opened with %s", what)
		}
	}
}

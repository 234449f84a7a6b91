package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"redress/internal/evidence"
	"redress/internal/fault"
)

var key = bytes.Repeat([]byte{7}, 32)

func open(t testing.TB, location string, o evidence.Options) *evidence.Store {
	t.Helper()
	s, err := evidence.Open(t.Context(), location, key, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *evidence.Store, name string, content []byte) (string, evidence.File) {
	t.Helper()
	id := newID()
	file, err := s.Put(t.Context(), id, name, "", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return id, file
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func read(ctx context.Context, s *evidence.Store, id string) ([]byte, error) {
	r, err := s.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// onDisk lists the files below a directory.
func onDisk(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// blobOf is where the file of an id lies on disk.
func blobOf(t testing.TB, dir, id string) string {
	t.Helper()
	for _, path := range onDisk(t, dir) {
		if filepath.Base(path) == id {
			return path
		}
	}
	t.Fatalf("no file of %s below %s", id, dir)
	return ""
}

// failer is a test or a case of a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func refused(t failer, err error, kind fault.Kind, code string) *fault.Error {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != kind || f.Code != code {
		t.Fatalf("got %v, want %s of kind %s", err, code, kind)
	}
	return f
}

// scannerScript writes a scanner: a shell script that reads the file from its
// standard input.
func scannerScript(t testing.TB, script string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scanner")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

// Samples of files.

var pdfFile = []byte("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

var picture = image.NewGray(image.Rect(0, 0, 40, 40))

func pngFile() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func jpegFile() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gifFile() []byte {
	var b bytes.Buffer
	if err := gif.Encode(&b, picture, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func xlsxFile() []byte {
	book := excelize.NewFile()
	defer book.Close()
	if err := book.SetSheetRow("Sheet1", "A1", &[]any{"일시", "매출"}); err != nil {
		panic(err)
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// zipFile is an archive of entries in their order; "mimetype" is not packed, as
// the formats that have it ask for.
func zipFile(entries ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, entry := range entries {
		name, content, _ := strings.Cut(entry, "=")
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		var into io.Writer
		var err error
		if name == "mimetype" {
			h.Method, h.CompressedSize64, h.UncompressedSize64 = zip.Store, uint64(len(content)), uint64(len(content))
			into, err = w.CreateRaw(h)
		} else {
			into, err = w.CreateHeader(h)
		}
		if err == nil {
			_, err = io.WriteString(into, content)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func docxFile() []byte {
	return zipFile("[Content_Types].xml=<Types/>", "_rels/.rels=<Relationships/>", "word/document.xml=<document/>")
}

func hwpxFile() []byte {
	return zipFile("mimetype=application/hwp+zip", "version.xml=<version/>", "Contents/header.xml=<head/>")
}

// compoundFile is the container of the old office formats around content.
func compoundFile(content string) []byte {
	head := make([]byte, 4096)
	copy(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	return append(head, content...)
}

func hwpFile() []byte { return compoundFile("HWP Document File\x00\x00\x00") }

func heicFile(brand string) []byte {
	return append([]byte("\x00\x00\x00\x18ftyp"+brand+"\x00\x00\x00\x00mif1heic"), make([]byte, 200)...)
}

var webpFile = []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")

const csvFile = "일시,매출\n2022-10-15 15:00,12000\n2022-10-15 16:00,9000\n"

// cp949File is a CSV file as Korean Windows writes it.
const cp949File = "\xc0\xcf\xbd\xc3,\xb8\xc5\xc3\xe2\r\n2022-10-15 15:00,12000\r\n"

var programFile = append([]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"), make([]byte, 512)...)

// virusFile is the harmless file that every scanner takes for malware, put
// together here so that the source is not.
var virusFile = []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$` + strings.ToUpper("eicar-standard-") + `ANTIVIRUS-TEST-FILE!$H+H*` + "\n")

package bundle_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"redress/internal/bundle"
	"redress/internal/revenue"
)

// Whatever stands in a file of a bundle, verification ends with a report; and of a
// document that the log knows, no other bytes hold.
func FuzzVerify(f *testing.F) {
	whole := tell(f, lies{}).files()
	short := tellShort(f, lies{})
	files := filesOf(f, short.auditors())
	for path, file := range whole {
		if strings.HasPrefix(path, "estimates/") {
			files[path] = file
		}
	}
	paths := slices.Sorted(maps.Keys(files))
	for i, path := range paths {
		data := files[path].Data
		f.Add(i, data[:min(len(data), 4096)])
	}
	f.Add(0, []byte(`{"format":"redress-bundle/1","format":1}`))
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		path := paths[(which%len(paths)+len(paths))%len(paths)]
		changed := maps.Clone(files)
		if !strings.HasPrefix(path, "estimates/") {
			maps.DeleteFunc(changed, func(path string, _ *fstest.MapFile) bool { return strings.HasPrefix(path, "estimates/") })
		}
		changed[path] = &fstest.MapFile{Data: data}
		r, err := bundle.Verify(changed, readers(t), bundle.Options{Remake: remake})
		if err != nil {
			t.Fatal(err)
		}
		if hashed(path) && r.Err() == nil && !bytes.Equal(data, files[path].Data) {
			t.Errorf("%s with other bytes holds: %q", path, data)
		}
	})
}

// Whatever the operator signs as a document, verification ends with a report, and
// nothing but the honest document holds.
func FuzzVerifySigned(f *testing.F) {
	documents := []string{"model", "release 1", "release 2", "restatement", "drawn", "results"}
	honest := map[string][]byte{}
	tellShort(f, lies{bytes: func(document string, data []byte) []byte {
		honest[document] = data
		f.Add(slices.Index(documents, document), data)
		return data
	}})
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		document := documents[(which%len(documents)+len(documents))%len(documents)]
		o := tellShort(t, lies{bytes: func(d string, honest []byte) []byte {
			if d == document {
				return data
			}
			return honest
		}})
		r, err := bundle.Verify(filesOf(t, o.auditors()), readers(t), bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		// A release has one right form; the others may be worded otherwise.
		if strings.HasPrefix(document, "release") && r.Err() == nil && !bytes.Equal(data, honest[document]) {
			t.Errorf("another %s holds: %q", document, data)
		}
	})
}

// A history that is read is written as the same history.
func FuzzParseHistory(f *testing.F) {
	h, _ := hourly(f, 1)
	data, err := bundle.EncodeHistory(h)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"bucket_minutes":1440,"start":"1970-01-01T00:00","states":[0,1,2],"amounts":[0,5,0],"counts":[0,1,0]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := bundle.ParseHistory(data)
		if err != nil {
			return
		}
		written, err := bundle.EncodeHistory(h)
		if err != nil {
			t.Fatal(err)
		}
		again, err := bundle.ParseHistory(written)
		if err != nil || revenue.Digest(again) != revenue.Digest(h) {
			t.Errorf("%q became %q: %v", data, written, err)
		}
	})
}

// hashed reports whether the log has the hash of a file. The manifest is unsigned; a
// history may be written in another way.
func hashed(path string) bool {
	return strings.HasSuffix(path, ".json") && path != "bundle.json" && !strings.Contains(path, "/history-")
}

// No bytes make the reader of a zip fail in another way than by an error.
func FuzzOpenZip(f *testing.F) {
	f.Add(zipOf(f, tellShort(f, lies{}).public()))
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := bundle.OpenZip(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if _, err := bundle.Verify(files, readers(t), bundle.Options{}); err != nil {
			t.Log(err)
		}
	})
}

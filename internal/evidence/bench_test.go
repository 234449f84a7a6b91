package evidence_test

import (
	"bytes"
	"io"
	"testing"

	"redress/internal/evidence"
)

// photo is about as large as a telephone takes them.
var photo = append(jpegFile(), bytes.Repeat([]byte("picture "), 4<<20/8)...)

func BenchmarkPut(b *testing.B) {
	for where, location := range map[string]string{"directory": b.TempDir(), "memory": "mem://"} {
		b.Run(where, func(b *testing.B) {
			s := open(b, location, evidence.Options{})
			b.SetBytes(int64(len(photo)))
			b.ReportAllocs()
			for b.Loop() {
				id, _ := put(b, s, "a.jpg", photo)
				if err := s.Delete(b.Context(), id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	s := open(b, b.TempDir(), evidence.Options{})
	id, _ := put(b, s, "a.jpg", photo)
	b.SetBytes(int64(len(photo)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Open(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

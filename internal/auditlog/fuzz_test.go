package auditlog_test

import (
	"bytes"
	"testing"

	"redress/internal/auditlog"
)

// What a parser accepts, it must write again to the byte: nothing is read that
// could also be meant otherwise.

func FuzzParseTilePath(f *testing.F) {
	for _, path := range []string{"tile/0/000", "tile/entries/x001/x234/067", "tile/1/x001/000.p/255", "tile/63/999.p/1", "tile/0/x000/001", "tile//.p/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := auditlog.ParseTilePath(path); err == nil && auditlog.TilePath(tile) != path {
			t.Errorf("%q is read as %+v, which is written %q", path, tile, auditlog.TilePath(tile))
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add(auditlog.Bundle(commitments(0, 3)), 3)
	f.Add([]byte{0, 32}, 1)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		if width < 0 || width > auditlog.TileWidth {
			return
		}
		entries, err := auditlog.ParseBundle(data, width)
		if err == nil && (len(entries) != width || !bytes.Equal(auditlog.Bundle(entries), data)) {
			t.Errorf("%x is read as %d entries, written %x", data, len(entries), auditlog.Bundle(entries))
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(logOf(f, 9).checkpoint(f, 9).Text())
	f.Add((&memory{}).checkpoint(f, 0).Text())
	f.Add("a\n1\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := auditlog.ParseCheckpoint(text); err == nil && c.Text() != text {
			t.Errorf("%q is read as %+v, which is written %q", text, c, c.Text())
		}
	})
}

// FuzzOpen holds that no bytes but those of a checkpoint the log did sign are
// ever taken for one.
func FuzzOpen(f *testing.F) {
	x := newWatched(f)
	c := x.m.checkpoint(f, 100)
	signed := x.signed(f, x.m, 100)
	f.Add(signed)
	f.Add(cosign(f, x.keys, witnessKey(f, "w1", 2), signed, x.m))
	f.Add([]byte(c.Text()))
	f.Fuzz(func(t *testing.T, note []byte) {
		if got, err := x.keys.Open(note); err == nil && got.Checkpoint != c {
			t.Errorf("%q is taken for a signed %+v", note, got.Checkpoint)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(newReceipted(f).receipt.Format())
	f.Add([]byte(auditlog.ReceiptType + "\nextra \nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := auditlog.ParseReceipt(data); err == nil && !bytes.Equal(r.Format(), data) {
			t.Errorf("%q is read as %+v, which is written %q", data, r, r.Format())
		}
	})
}

func FuzzParseAddCheckpoint(f *testing.F) {
	x := newWatched(f)
	f.Add(x.request(f, x.m, 60, 100))
	f.Add(x.request(f, x.m, 0, 1))
	f.Add([]byte("old 0\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := auditlog.ParseAddCheckpoint(body); err == nil && !bytes.Equal(a.Format(), body) {
			t.Errorf("%q is read as %+v, which is written %q", body, a, a.Format())
		}
		if _, err := x.witness.Add(t.Context(), body, cosignedAt); err == nil && !bytes.Contains(body, []byte(origin)) {
			t.Errorf("%q is cosigned", body)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("log " + logKey(f, origin, 1).public + " until 5\nwitness " + witnessKey(f, "w", 2).public + " https://w.example\n")
	f.Add("# nothing\n")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := auditlog.ParseKeys(text); err == nil && k.Origin() == "" {
			t.Errorf("%q is read as the keys of no log", text)
		}
	})
}

package publication_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"redress/internal/fault"
	"redress/internal/publication"
)

func TestALeafListIsReadAsItWasWritten(t *testing.T) {
	leaves := make([]publication.Leaf, 300)
	var text []byte
	for i := range leaves {
		leaves[i] = publication.Leaf{
			ID:      publication.SaltedID([]byte("0123456789abcdef"), string(rune('a'+i))),
			Cell:    publication.Cell{Service: "taxi", Sector: "unknown", Region: "KR-11", Month: "2022-11", Status: "open"},
			Amounts: publication.Amounts{Claimed: 1, Estimated: 2, Awarded: 3},
		}
		text = append(leaves[i].AppendLine(text), '\n')
	}
	var got []publication.Leaf
	for leaf, err := range publication.ReadList(iotest.OneByteReader(bytes.NewReader(text))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, leaf)
	}
	if diff := cmp.Diff(leaves, got); diff != "" {
		t.Errorf("leaves (-written +read):\n%s", diff)
	}
}

func TestALeafListEndsAtTheFirstBadLine(t *testing.T) {
	line := string(publication.Leaf{Cell: publication.Cell{Service: "a", Sector: "a", Region: "a", Month: "a", Status: "a"}}.AppendLine(nil))
	for name, c := range map[string]struct {
		list io.Reader
		read int
		code string
	}{
		"nothing":               {strings.NewReader(""), 0, ""},
		"a line cut off":        {strings.NewReader(line + "\n" + line), 1, "leaf_list_cut"},
		"a line without an end": {strings.NewReader(strings.Repeat("a", 5_000)), 0, "leaf_list_cut"},
		"an empty line":         {strings.NewReader(line + "\n\n" + line + "\n"), 1, "leaf_not_canonical"},
		"another order":         {strings.NewReader(strings.Replace(line, `"claimed":0,"estimated":0`, `"estimated":0,"claimed":0`, 1) + "\n"), 0, "leaf_not_canonical"},
	} {
		read, code := 0, ""
		for _, err := range publication.ReadList(c.list) {
			if err != nil {
				code = fault.As(err).Code
				continue
			}
			read++
		}
		if read != c.read || code != c.code {
			t.Errorf("%s: %d leaves and %q; want %d and %q", name, read, code, c.read, c.code)
		}
	}
	broken := io.MultiReader(strings.NewReader(line+"\n"), iotest.ErrReader(io.ErrClosedPipe))
	var last error
	for _, last = range publication.ReadList(broken) {
	}
	if last != io.ErrClosedPipe {
		t.Errorf("a reader that breaks: %v", last)
	}
}

package publication

import (
	"bufio"
	"errors"
	"io"
	"iter"

	"redress/internal/fault"
)

// maxLine is longer than any line of a leaf list.
const maxLine = 1024

// maxKept is how many codes of a list are kept to be used again: more than an
// incident has, and too few to fill the memory of whoever reads a list of others.
const maxKept = 10_000

// texts makes strings of codes, the same string of the same code.
type texts map[string]string

func (t texts) of(code []byte) string {
	text, ok := t[string(code)]
	if !ok {
		text = string(code)
		if len(t) < maxKept {
			t[text] = text
		}
	}
	return text
}

// ReadList reads a leaf list: the canonical lines of leaves, each ended by a line
// feed. It stops at the first line that is none.
func ReadList(r io.Reader) iter.Seq2[Leaf, error] {
	return func(yield func(Leaf, error) bool) {
		lines := bufio.NewReaderSize(r, maxLine)
		codes := texts{}
		for {
			line, err := lines.ReadSlice('\n')
			if err == io.EOF && len(line) == 0 {
				return
			}
			var leaf Leaf
			switch {
			case err == io.EOF || errors.Is(err, bufio.ErrBufferFull):
				err = fault.New(fault.Malformed, "leaf_list_cut",
					"A line of a leaf list does not end.", "잎 목록의 한 줄이 끝나지 않습니다.")
			case err == nil:
				leaf, err = parse(line[:len(line)-1], codes.of)
			}
			if !yield(leaf, err) || err != nil {
				return
			}
		}
	}
}

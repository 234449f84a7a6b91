package revenue

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The names of the encodings a text may have.
const (
	encodingUTF8    = "UTF-8"
	encodingUTF16LE = "UTF-16LE"
	encodingUTF16BE = "UTF-16BE"
	encodingCP949   = "CP949"
)

// textChunk is how much text is decoded at once. It is also the longest line.
const textChunk = 1 << 20

// textReader turns a file into UTF-8, one chunk of whole lines at a time, so
// that the text of the whole file is never held. The encoding is that of the
// first chunk that is not plain ASCII: with a byte-order mark what the mark
// says, else UTF-8 when the whole chunk is, else CP949. What does not decode
// after that is a fault, not a replacement character.
type textReader struct {
	source   io.Reader
	encoding string // "" while nothing but ASCII has come
	decoder  *encoding.Decoder
	raw      bytes.Buffer // read and not yet decoded
	text     []byte       // decoded and not yet handed out
	buffer   []byte
	lines    int // line ends decoded so far
	err      error
}

// newTextReader reads the byte-order mark.
func newTextReader(r io.Reader) (*textReader, error) {
	t := &textReader{source: r}
	mark := make([]byte, 3)
	n, err := io.ReadFull(r, mark)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	mark = mark[:n]
	utf16 := func(name string, order unicode.Endianness) {
		t.encoding = name
		decoder := unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()
		t.source = transform.NewReader(io.MultiReader(bytes.NewReader(mark[2:]), r), decoder)
	}
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		t.encoding = encodingUTF8
	case bytes.HasPrefix(mark, []byte("\xff\xfe")):
		utf16(encodingUTF16LE, unicode.LittleEndian)
	case bytes.HasPrefix(mark, []byte("\xfe\xff")):
		utf16(encodingUTF16BE, unicode.BigEndian)
	default:
		t.raw.Write(mark)
	}
	return t, nil
}

// name is the encoding for people; plain ASCII is UTF-8.
func (t *textReader) name() string {
	if t.encoding == "" {
		return encodingUTF8
	}
	return t.encoding
}

// Read hands out decoded text.
func (t *textReader) Read(p []byte) (int, error) {
	for len(t.text) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, nil
}

// fill decodes the next chunk into t.text, or sets t.err.
func (t *textReader) fill() {
	_, err := io.CopyN(&t.raw, t.source, int64(textChunk-t.raw.Len()))
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
		return
	}
	chunk := t.raw.Bytes()
	if err == nil {
		end := bytes.LastIndexByte(chunk, '\n') + 1
		if end == 0 {
			t.err = lineTooLong(t.lines + 1)
			return
		}
		chunk = chunk[:end]
	}
	t.text, t.err = t.decode(chunk)
	if t.err == nil {
		t.lines += bytes.Count(t.text, []byte("\n"))
		t.err = err
	}
	// The rest of the last, unfinished line opens the next chunk.
	rest := append([]byte(nil), t.raw.Bytes()[len(chunk):]...)
	t.raw.Reset()
	t.raw.Write(rest)
}

func (t *textReader) decode(chunk []byte) ([]byte, error) {
	if i := bytes.IndexByte(chunk, 0); i >= 0 {
		return nil, binaryFile(t.lines + 1 + bytes.Count(chunk[:i], []byte("\n")))
	}
	if t.encoding == "" && !isASCII(chunk) {
		t.encoding = encodingCP949
		if utf8.Valid(chunk) {
			t.encoding = encodingUTF8
		}
	}
	text := chunk
	if t.encoding == encodingCP949 {
		text = t.fromCP949(chunk)
	}
	if i := t.firstUndecoded(text); i >= 0 {
		return nil, mixedEncoding(t.lines+1+bytes.Count(text[:i], []byte("\n")), t.name())
	}
	if t.encoding != encodingCP949 {
		t.buffer = append(t.buffer[:0], text...)
		text = t.buffer
	}
	return text, nil
}

// fromCP949 decodes a chunk of whole lines into the reader's own buffer.
func (t *textReader) fromCP949(chunk []byte) []byte {
	if t.decoder == nil {
		t.decoder = korean.EUCKR.NewDecoder()
	}
	// Two bytes become at most three, one stray byte three.
	if need := 3 * len(chunk); cap(t.buffer) < need {
		t.buffer = make([]byte, need)
	}
	t.decoder.Reset()
	n, _, _ := t.decoder.Transform(t.buffer[:cap(t.buffer)], chunk, true)
	return t.buffer[:n]
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// firstUndecoded is the place of the first byte that did not decode, or -1.
func (t *textReader) firstUndecoded(text []byte) int {
	if t.encoding == encodingCP949 || t.encoding == encodingUTF16LE || t.encoding == encodingUTF16BE {
		// The decoders write U+FFFD for what they cannot read.
		return bytes.Index(text, []byte("\ufffd"))
	}
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

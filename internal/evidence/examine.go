package evidence

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"redress/internal/fault"
)

const (
	headBytes   = 3072     // what detection looks at
	bufferBytes = 32 << 10 // read at once
	// archiveTail is how far before its end the directory of a ZIP archive may
	// close: a record of 22 bytes and a comment.
	archiveTail = 22 + 1<<16 - 1
)

// pdfStart begins a PDF. Its readers look for it in the first 1,024 bytes.
const pdfStart = "%PDF-"

// archiveEnd begins the record that closes the directory of a ZIP archive of
// one volume. Readers look for it from the end, whatever the file starts with.
const archiveEnd = "PK\x05\x06\x00\x00\x00\x00"

// examination reads an upload and learns about it on the way. It ends in io.EOF
// only if the file is acceptable, and in a fault otherwise.
type examination struct {
	name     string
	kind     *kind
	maxBytes int64
	src      io.Reader
	found    string // the type that detection finds
	size     int64
	hash     hash.Hash
	archive  finder
	mark     finder
}

// examine begins the examination of a file with its first bytes; whatever
// these show is refused before anything is stored.
func examine(ctx context.Context, name string, k *kind, maxBytes int64, r io.Reader) (*examination, error) {
	src := bufio.NewReaderSize(&upload{ctx, r}, bufferBytes)
	head, err := src.Peek(headBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 {
		return nil, fault.New(fault.Invalid, "evidence_empty", "%q is empty.", "%q은(는) 빈 파일입니다.", name)
	}
	found := detect(head)
	if !slices.Contains(k.contents, found) {
		return nil, contentMismatch(name, k, found)
	}
	if hidesPDF(head) {
		return nil, ambiguous(name, detect(bytes.ReplaceAll(head, []byte(pdfStart), nil)), "PDF")
	}
	return &examination{
		name: name, kind: k, maxBytes: maxBytes, src: src, found: found,
		hash: sha256.New(), archive: finder{want: []byte(archiveEnd)}, mark: finder{want: []byte(k.mark)},
	}, nil
}

// hidesPDF reports whether a file that starts as something else would be opened
// as a PDF too.
func hidesPDF(head []byte) bool {
	at := bytes.Index(head[:min(len(head), 1024)], []byte(pdfStart))
	return at > 0 && len(bytes.Trim(head[:at], "\ufeff \t\r\n")) > 0
}

func (e *examination) Read(p []byte) (int, error) {
	n, err := e.src.Read(p)
	if e.size += int64(n); e.size > e.maxBytes {
		return 0, fault.New(fault.TooLarge, "evidence_too_large",
			"%q is larger than the %d bytes that a file may have; send it in parts or smaller.",
			"%q이(가) 한도(%d바이트)를 넘습니다. 나누거나 줄여서 보내 주세요.", e.name, e.maxBytes)
	}
	e.hash.Write(p[:n])
	e.archive.Write(p[:n])
	e.mark.Write(p[:n])
	if err == io.EOF {
		err = e.verdict()
	}
	return n, err
}

// verdict judges what only the whole file shows.
func (e *examination) verdict() error {
	closes := e.archive.end > 0 && e.size-e.archive.end+int64(len(archiveEnd)) <= archiveTail
	switch {
	case closes && !e.kind.archive:
		return ambiguous(e.name, e.found, "ZIP")
	case !closes && e.kind.archive:
		return fault.New(fault.Invalid, "evidence_incomplete",
			"%q is cut off: the end of the %s file is missing; send it again.",
			"%q이(가) 잘려 있습니다. %s 파일의 끝부분이 없습니다. 다시 보내 주세요.", e.name, e.kind.label)
	case e.kind.mark != "" && e.mark.end == 0:
		return contentMismatch(e.name, e.kind, e.found)
	}
	return io.EOF
}

func ambiguous(name, found, second string) error {
	return fault.New(fault.Unsupported, "evidence_type_ambiguous",
		"%q is two files in one, %s and %s; send them one by one.",
		"%q은(는) %s와(과) %s이(가) 합쳐진 파일입니다. 하나씩 보내 주세요.", name, found, second)
}

// finder remembers where a stream last held a sequence of bytes.
type finder struct {
	want []byte
	tail []byte // the last bytes so far, one fewer than wanted
	read int64
	end  int64 // behind the last place; 0 before there is one
}

func (f *finder) Write(p []byte) {
	if len(f.want) == 0 {
		return
	}
	keep := len(f.want) - 1
	seam := append(f.tail, p[:min(len(p), keep)]...)
	f.look(seam, f.read-int64(len(f.tail)))
	f.look(p, f.read)
	f.read += int64(len(p))
	if len(p) >= keep {
		seam = p
	}
	f.tail = append(f.tail[:0], seam[max(0, len(seam)-keep):]...)
}

// look searches p, which lies at a place of the stream. Forwards is many times
// faster than backwards.
func (f *finder) look(p []byte, at int64) {
	for {
		i := bytes.Index(p, f.want)
		if i < 0 {
			return
		}
		i += len(f.want)
		p, at = p[i:], at+int64(i)
		f.end = at
	}
}

// upload reads what a caller sends until the caller is gone.
type upload struct {
	ctx context.Context
	r   io.Reader
}

func (u *upload) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fault.New(fault.Malformed, "upload_cut_off",
			"The upload ended before the file did; send it again.", "파일이 끝나기 전에 업로드가 끊겼습니다. 다시 보내 주세요.").Because(err)
	default:
		return n, fmt.Errorf("read the upload: %w", err)
	}
}

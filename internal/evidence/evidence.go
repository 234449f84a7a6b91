// Package evidence keeps the files that support claims: in a directory or an
// object store, encrypted while they stream in, refused unless they are what
// they claim to be. Who may read a file and what it belongs to is not known here.
package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	"gocloud.dev/blob"

	"redress/internal/fault"
)

// Limits that hold where Options leave them out.
const (
	DefaultMaxBytes    = 20 << 20
	DefaultScanTimeout = time.Minute
)

// Options are what an installation may choose.
type Options struct {
	MaxBytes    int64         // of one file; 0 is DefaultMaxBytes
	Scanner     []string      // a program and its arguments, see Scan; none leaves files unscanned
	ScanTimeout time.Duration // of one scan; 0 is DefaultScanTimeout
}

// Store keeps files under the ids that its callers give them. It is safe for
// concurrent use.
type Store struct {
	bucket      *blob.Bucket
	directory   string // where the bucket is one; empty elsewhere
	cipher      *subtle.AESGCMHKDF
	maxBytes    int64
	scanner     []string
	scanTimeout time.Duration
	scans       chan struct{} // one token for each scan under way
}

// File is what Put learned about a file on the way.
type File struct {
	Name   string // as CleanName returns it
	Type   string // media type without parameters; content, name and declaration agree on it
	Size   int64  // bytes of the clear file
	SHA256 [sha256.Size]byte
	Scan   Scan
}

// Open opens the store at a directory, which is made if need be, or at the URL
// of an object store whose driver the program holds ("mem://" is always there).
// Files are sealed under a key derived from the given one of 32 bytes.
func Open(ctx context.Context, location string, key []byte, o Options) (*Store, error) {
	if o.MaxBytes < 0 || o.ScanTimeout < 0 {
		return nil, errors.New("evidence: a limit below zero")
	}
	s := &Store{
		maxBytes: o.MaxBytes, scanner: o.Scanner, scanTimeout: o.ScanTimeout,
		scans: make(chan struct{}, scansAtOnce),
	}
	if s.maxBytes == 0 {
		s.maxBytes = DefaultMaxBytes
	}
	if s.scanTimeout == 0 {
		s.scanTimeout = DefaultScanTimeout
	}
	if len(s.scanner) > 0 {
		if _, err := exec.LookPath(s.scanner[0]); err != nil {
			return nil, fmt.Errorf("evidence scanner: %w", err)
		}
	}
	var err error
	if s.cipher, err = newCipher(key); err != nil {
		return nil, fmt.Errorf("evidence key: %w", err)
	}
	if s.bucket, s.directory, err = openBucket(ctx, location); err != nil {
		return nil, fmt.Errorf("evidence store %s: %w", location, err)
	}
	return s, nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Put stores what r yields under an id, a fresh UUID that is not used twice.
// The declared type is the uploader's ("" where there is none). A file that is
// refused leaves nothing behind. One that is stored is durable, but no more
// than an orphan for Sweep until the caller has committed a row with its id.
//
// Faults: evidence_name_invalid, evidence_type_not_accepted,
// evidence_type_mismatch, evidence_type_ambiguous, evidence_incomplete,
// evidence_empty, evidence_too_large, upload_cut_off, malware_found. Any other
// error of r is returned wrapped.
func (s *Store) Put(ctx context.Context, id, name, declared string, r io.Reader) (File, error) {
	name, err := CleanName(name)
	if err != nil {
		return File{}, err
	}
	k, err := kindOf(name, declared)
	if err != nil {
		return File{}, err
	}
	in, err := examine(ctx, name, k, s.maxBytes, r)
	if err != nil {
		return File{}, err
	}
	if err := s.write(ctx, id, in); err != nil {
		return File{}, err
	}
	file := File{Name: name, Type: k.media, Size: in.size, SHA256: [sha256.Size]byte(in.hash.Sum(nil))}
	if file.Scan, err = s.Scan(ctx, id); err == nil && file.Scan.Result == ScanFailed {
		err = fault.New(fault.Invalid, "malware_found",
			"The scanner found malware in %q; the file was not kept.",
			"%q에서 악성 코드가 발견되어 파일을 저장하지 않았습니다.", name).Because(errors.New(file.Scan.Note))
	}
	if err != nil {
		return File{}, s.takeBack(ctx, id, err)
	}
	return file, nil
}

// takeBack removes a file that Put does not stand by and returns why.
func (s *Store) takeBack(ctx context.Context, id string, why error) error {
	// Also when the reason is that the caller has gone away.
	if err := s.Delete(context.WithoutCancel(ctx), id); err != nil {
		return errors.Join(why, err)
	}
	return why
}

package evidence

import (
	"bufio"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // "mem://", for tests and demonstrations
	"gocloud.dev/gcerrors"
)

// ErrAltered says that a stored file is not what was written under its id.
var ErrAltered = errors.New("the stored file does not open: wrong key, or altered, swapped or shortened data")

const (
	// keyVersion is the first byte of every stored file; another key gets another
	// number, so that old files stay readable.
	keyVersion = 1
	// segmentBytes is how much is sealed at once, and so what a reader holds.
	segmentBytes = 64 << 10
)

// newCipher makes the streaming AES-256-GCM under a key of its own for files.
// Every file gets its own key again, from a random salt and its id.
func newCipher(master []byte) (*subtle.AESGCMHKDF, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("want 32 bytes, not %d", len(master))
	}
	key, err := hkdf.Key(sha256.New, master, nil, "redress evidence seal v1", 32)
	if err != nil {
		return nil, err
	}
	return subtle.NewAESGCMHKDF(key, "SHA256", len(key), segmentBytes, 0)
}

// openBucket opens a URL, or a directory that only the owner can read.
func openBucket(ctx context.Context, location string) (bucket *blob.Bucket, directory string, err error) {
	directory = location
	if strings.Contains(location, "://") {
		u, err := url.Parse(location)
		if err != nil {
			return nil, "", err
		}
		if u.Scheme != fileblob.Scheme {
			bucket, err := blob.OpenBucket(ctx, location)
			return bucket, "", err
		}
		if u.Host != "" || u.RawQuery != "" {
			return nil, "", errors.New("a file URL is file:// and an absolute path")
		}
		directory = u.Path
	}
	if directory, err = filepath.Abs(directory); err != nil {
		return nil, "", err
	}
	bucket, err = fileblob.OpenBucket(directory, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, "", err
	}
	return bucket, directory, syncDir(filepath.Dir(directory))
}

// keyOf is where the file of an id lies: in one of 256 folders by the id's last
// two digits, which are random in every kind of UUID.
func keyOf(id string) (string, error) {
	if parsed, err := uuid.Parse(id); err != nil || parsed.String() != id {
		return "", fmt.Errorf("evidence id %q: want a UUID of 36 characters, in lower case", id)
	}
	return id[len(id)-2:] + "/" + id, nil
}

// write seals what src yields into the file of an id. The file appears at once
// and whole, or not at all.
func (s *Store) write(ctx context.Context, id string, src io.Reader) error {
	key, err := keyOf(id)
	if err != nil {
		return err
	}
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	var local *os.File
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream",
		IfNotExist:  true,
		BeforeWrite: func(as func(any) bool) error {
			if as(&local) {
				return local.Chmod(0o600)
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("write evidence %s: %w", id, err)
	}
	err = s.seal(w, id, src)
	if err == nil && local != nil {
		err = local.Sync() // the driver does not, and a row must never outlive its file
	}
	if err != nil {
		abandon() // Close keeps nothing of a writer whose context is done
		w.Close()
		return fmt.Errorf("write evidence %s: %w", id, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write evidence %s: %w", id, err)
	}
	if s.directory == "" {
		return nil
	}
	return errors.Join(syncDir(filepath.Join(s.directory, filepath.Dir(key))), syncDir(s.directory))
}

func (s *Store) seal(w io.Writer, id string, src io.Reader) error {
	if _, err := w.Write([]byte{keyVersion}); err != nil {
		return err
	}
	sealing, err := s.cipher.NewEncryptingWriter(w, []byte(id))
	if err != nil {
		return err
	}
	if _, err := io.Copy(sealing, src); err != nil {
		return err
	}
	return sealing.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens the file of an id for reading. Every byte is authenticated before
// it is handed out, and a file that was shortened ends in ErrAltered, not in
// io.EOF: whoever reaches io.EOF has read the whole file. A wrong key shows here
// already. Without such a file the error is fs.ErrNotExist.
func (s *Store) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	key, err := keyOf(id)
	if err != nil {
		return nil, err
	}
	sealed, err := s.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("evidence %s: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence %s: %w", id, err)
	}
	plain := bufio.NewReaderSize(&unsealer{cipher: s.cipher, id: id, sealed: sealed}, segmentBytes)
	if _, err := plain.Peek(1); err != nil {
		return nil, errors.Join(err, sealed.Close())
	}
	return &file{plain, sealed}, nil
}

// file is an open file: its clear bytes and what to close after them.
type file struct {
	io.Reader
	io.Closer
}

// unsealer reads the clear bytes of a sealed stream, and tells a stream that
// cannot be read from one that was tampered with.
type unsealer struct {
	cipher *subtle.AESGCMHKDF
	id     string
	sealed io.Reader
	plain  io.Reader // nil until the head of the stream has been read
	err    error     // the first, for good: the cipher forgets that it failed
	broken error     // what reading the sealed stream failed with
}

func (u *unsealer) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.read(p)
	switch {
	case err == nil || err == io.EOF:
		u.err = err
	case u.broken != nil:
		u.err = fmt.Errorf("read evidence %s: %w", u.id, u.broken)
	default:
		u.err = fmt.Errorf("evidence %s: %w", u.id, ErrAltered)
	}
	return n, u.err
}

func (u *unsealer) read(p []byte) (int, error) {
	if u.plain == nil {
		stored := readerFunc(u.readSealed)
		var version [1]byte
		if _, err := io.ReadFull(stored, version[:]); err != nil || version[0] != keyVersion {
			return 0, ErrAltered
		}
		plain, err := u.cipher.NewDecryptingReader(stored, []byte(u.id))
		if err != nil {
			return 0, ErrAltered
		}
		u.plain = plain
	}
	return u.plain.Read(p)
}

func (u *unsealer) readSealed(p []byte) (int, error) {
	n, err := u.sealed.Read(p)
	if err != nil && err != io.EOF {
		u.broken = err
	}
	return n, err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Delete removes the file of an id. That there is none is no error, so that it
// can be tried again.
func (s *Store) Delete(ctx context.Context, id string) error {
	key, err := keyOf(id)
	if err != nil {
		return err
	}
	return s.remove(ctx, key)
}

func (s *Store) remove(ctx context.Context, key string) error {
	if err := s.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete evidence %s: %w", key, err)
	}
	return nil
}

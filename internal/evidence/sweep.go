package evidence

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// sweepBatch is how many ids Sweep asks about at once.
const sweepBatch = 500

// Sweep removes the files last written before an instant that no row knows, and
// what interrupted writes left behind. known answers which of the given ids have
// a row. The instant must lie further back than any upload takes, from its first
// byte to the commit of its row. Files that Put did not write are left alone.
func (s *Store) Sweep(ctx context.Context, known func(ctx context.Context, ids []string) (map[string]bool, error), before time.Time) (removed int, err error) {
	sweep := &sweep{store: s, known: known}
	for folder := range 256 {
		files := s.bucket.List(&blob.ListOptions{Prefix: fmt.Sprintf("%02x/", folder)})
		for {
			f, err := files.Next(ctx)
			if err == io.EOF {
				break
			}
			if err == nil && f.ModTime.Before(before) {
				err = sweep.look(ctx, f.Key)
			}
			if err != nil {
				return sweep.removed, fmt.Errorf("sweep evidence: %w", err)
			}
		}
	}
	if err := sweep.ask(ctx); err != nil {
		return sweep.removed, fmt.Errorf("sweep evidence: %w", err)
	}
	return sweep.removed, nil
}

// sweep is a Sweep under way.
type sweep struct {
	store   *Store
	known   func(ctx context.Context, ids []string) (map[string]bool, error)
	asked   []string // ids of old files, to be asked about together
	removed int
}

// look decides about an old file by its key ("7f/<id>", and a suffix while it is
// being written to a directory).
func (s *sweep) look(ctx context.Context, key string) error {
	id, suffix, _ := strings.Cut(key[len("00/"):], ".")
	if own, err := keyOf(id); err != nil || !strings.HasPrefix(key, own) {
		return nil
	}
	if suffix != "" {
		if !strings.HasSuffix(suffix, ".tmp") {
			return nil
		}
		s.removed++
		return s.store.remove(ctx, key)
	}
	if s.asked = append(s.asked, id); len(s.asked) < sweepBatch {
		return nil
	}
	return s.ask(ctx)
}

// ask removes those of the gathered files that have no row.
func (s *sweep) ask(ctx context.Context) error {
	if len(s.asked) == 0 {
		return nil
	}
	rows, err := s.known(ctx, s.asked)
	if err != nil {
		return err
	}
	for _, id := range s.asked {
		if rows[id] {
			continue
		}
		if err := s.store.Delete(ctx, id); err != nil {
			return err
		}
		s.removed++
	}
	s.asked = s.asked[:0]
	return nil
}

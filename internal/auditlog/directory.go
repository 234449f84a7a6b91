package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// Files of a published log beside its checkpoint and its tiles.
const (
	// WitnessedPath is the newest checkpoint that witnesses have cosigned.
	WitnessedPath = "checkpoint.witnessed"
	keysPath      = "keys"
	lockPath      = ".lock"
)

// Directory is a log published as files, for any web server: "checkpoint",
// "checkpoint.witnessed", "keys" and "tile/…". Processes that share a directory
// publish one after another, and never an older checkpoint over a newer one.
type Directory struct {
	path string
}

// OpenDirectory makes the directory when it is absent.
func OpenDirectory(path string) (*Directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("directory of the published log: %w", err)
	}
	return &Directory{path}, nil
}

// FS is the directory as VerifyTree reads it.
func (d *Directory) FS() fs.FS { return os.DirFS(d.path) }

// Checkpoint is the checkpoint that was published last, nil before the first.
func (d *Directory) Checkpoint() ([]byte, error) {
	note, err := os.ReadFile(filepath.Join(d.path, checkpointPath))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the checkpoint published last: %w", err)
	}
	return note, nil
}

// Publish brings the directory to where the log stands: first the tiles, then the
// checkpoint, so that whoever reads it finds all that it covers. What does not
// extend the checkpoint that is there is a fault, and nothing is published.
func (d *Directory) Publish(ctx context.Context, r LogReader, k Keys, keys string) (err error) {
	unlock, err := lockFile(filepath.Join(d.path, lockPath))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	last, err := d.Checkpoint()
	if err != nil {
		return err
	}
	// Read under the lock: no process publishes what is not committed, so the head
	// is behind only where the store has lost something.
	head, err := r.LogHead(ctx)
	if err != nil || head.Checkpoint == nil {
		return err
	}
	tree := r.LogTree(ctx)
	size, err := published(last, head, k, tree)
	if err != nil {
		return err
	}
	if err := Export(size, head.Size, tree, d.put); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{keysPath, []byte(keys)}, {WitnessedPath, head.Cosigned}, {checkpointPath, head.Published()}} {
		if err := d.replace(f.name, f.data); err != nil {
			return err
		}
	}
	return d.prune(size, head.Size)
}

// published is the size of the log that last is the checkpoint of, once it is
// proven that head extends it.
func published(last []byte, head Head, k Keys, tree tlog.HashReader) (int64, error) {
	if last == nil {
		return 0, nil
	}
	next, err := k.Open(head.Checkpoint)
	if err != nil {
		return 0, err
	}
	c, err := k.Open(last)
	if err != nil {
		return 0, err
	}
	if err := Extends(c.Checkpoint, next.Checkpoint, tree); err != nil {
		return 0, err
	}
	return c.TreeSize, nil
}

// put writes a tile, unless it is there: a tile never changes.
func (d *Directory) put(path string, data []byte) error {
	path = filepath.Join(d.path, filepath.FromSlash(path))
	there, err := os.ReadFile(path)
	if err == nil && bytes.Equal(there, data) {
		return nil
	}
	if err := d.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	return writeFile(path, data, 0o644)
}

// makeDir makes a folder and those above it durably.
func (d *Directory) makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := d.makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// replace writes a file that changes, if it has changed and has anything in it.
func (d *Directory) replace(name string, data []byte) error {
	path := filepath.Join(d.path, name)
	there, err := os.ReadFile(path)
	if len(data) == 0 || err == nil && bytes.Equal(there, data) {
		return nil
	}
	return writeFile(path, data, 0o644)
}

// prune removes the partial tiles of those that are full now.
func (d *Directory) prune(oldSize, size int64) error {
	for _, t := range Tiles(oldSize, size) {
		if t.W < TileWidth {
			continue
		}
		if err := os.RemoveAll(filepath.Join(d.path, filepath.FromSlash(TilePath(t))+".p")); err != nil {
			return err
		}
	}
	return nil
}

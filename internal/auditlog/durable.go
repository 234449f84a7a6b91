package auditlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// writeFile puts a file in place whole and durably: a crash leaves the old one
// or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	temporary, err := written(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) // gone already, unless the rename failed
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// createFile is writeFile for a file that nobody has made yet: of processes that
// start together one makes it, and the others get fs.ErrExist.
func createFile(path string, data []byte, mode os.FileMode) error {
	temporary, err := written(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// written writes data durably under a temporary name beside path.
func written(path string, data []byte, mode os.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFile waits for the lock of a file, which it makes, and holds it until
// unlock or the end of the process, however it ends.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f.Close, nil
}

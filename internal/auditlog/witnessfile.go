package auditlog

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
)

// WitnessFile is all that a witness keeps, in one file: its signer key, and of
// each log the checkpoint it cosigned last.
type WitnessFile struct {
	path  string
	lock  *os.File
	mu    sync.Mutex
	state witnessState
}

type witnessState struct {
	Key  string            `json:"key"`
	Logs map[string]string `json:"logs"` // signed checkpoints by origin
}

// OpenWitnessFile reads the file, made with a new key of that name when it is
// absent, and keeps other processes from it. Without a name the file has to
// exist.
func OpenWitnessFile(path, name string) (*WitnessFile, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	w := &WitnessFile{path: path, lock: lock, state: witnessState{Logs: map[string]string{}}}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another witness uses %s", path), lock.Close())
	}
	if err := w.read(name); err != nil {
		return nil, errors.Join(fmt.Errorf("witness: %w", err), lock.Close())
	}
	return w, nil
}

func (w *WitnessFile) read(name string) error {
	data, err := os.ReadFile(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		if w.state.Key, _, err = GenerateWitnessKey(rand.Reader, name); err != nil {
			return err
		}
		return w.write(w.state)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &w.state); err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	if got, _, _ := strings.Cut(strings.TrimPrefix(w.state.Key, privatePrefix), "+"); name != "" && got != name {
		return fmt.Errorf("%s belongs to the witness %s, not to %s", w.path, got, name)
	}
	return nil
}

func (w *WitnessFile) write(state witnessState) error {
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(w.path, append(data, '\n'), 0o600)
}

// Key is the signer key of the witness.
func (w *WitnessFile) Key() string { return w.state.Key }

// Latest returns the checkpoint of the log that was cosigned last.
func (w *WitnessFile) Latest(_ context.Context, origin string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	note, ok := w.state.Logs[origin]
	if !ok {
		return nil, nil
	}
	return []byte(note), nil
}

// Replace keeps next, durably, if latest still is the latest.
func (w *WitnessFile) Replace(_ context.Context, origin string, latest, next []byte) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !bytes.Equal([]byte(w.state.Logs[origin]), latest) {
		return false, nil
	}
	changed := witnessState{w.state.Key, map[string]string{origin: string(next)}}
	for o, note := range w.state.Logs {
		if o != origin {
			changed.Logs[o] = note
		}
	}
	if err := w.write(changed); err != nil {
		return false, err
	}
	w.state = changed
	return true, nil
}

// Close lets other processes use the file.
func (w *WitnessFile) Close() error { return w.lock.Close() }

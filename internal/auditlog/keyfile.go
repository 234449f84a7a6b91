package auditlog

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// KeyFiles are where a log keeps its keys: Secret holds the signer keys, one a
// line, for the owner alone; Public is the file of keys that readers are given,
// as ParseKeys reads it, with retired keys and witnesses.
type KeyFiles struct {
	Secret string
	Public string
	Origin string // of a new log; a random one when empty
}

// Open reads the keys, made before if there are none yet, and answers the signer
// and the text of the public file.
func (f KeyFiles) Open() (Signer, string, error) {
	secret, err := os.ReadFile(f.Secret)
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = f.create()
	}
	if err != nil {
		return Signer{}, "", fmt.Errorf("log key: %w", err)
	}
	public, err := f.public(secret)
	if err != nil {
		return Signer{}, "", fmt.Errorf("log keys: %w", err)
	}
	keys, err := ParseKeys(public)
	if err != nil {
		return Signer{}, "", fmt.Errorf("%s: %w", f.Public, err)
	}
	if f.Origin != "" && f.Origin != keys.origin {
		return Signer{}, "", fmt.Errorf("the key in %s is of the log %s; a log keeps its origin for ever, and %s would be another log", f.Secret, keys.origin, f.Origin)
	}
	signer, err := NewSigner(keys, strings.Fields(string(secret))...)
	if err != nil {
		return Signer{}, "", fmt.Errorf("%s: %w", f.Secret, err)
	}
	return signer, public, nil
}

// Read reads the public file alone, for who signs nothing.
func (f KeyFiles) Read() (Keys, string, error) {
	text, err := os.ReadFile(f.Public)
	if err != nil {
		return Keys{}, "", fmt.Errorf("log keys: %w", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return Keys{}, "", fmt.Errorf("%s: %w", f.Public, err)
	}
	return keys, string(text), nil
}

// create makes the first key of a log.
func (f KeyFiles) create() ([]byte, error) {
	if _, err := os.Stat(f.Public); err == nil {
		return nil, fmt.Errorf("%s is missing, and %s says that there was one; put it back from the backup", f.Secret, f.Public)
	}
	origin := f.Origin
	if origin == "" {
		suffix := make([]byte, 4)
		rand.Read(suffix)
		origin = "redress/" + hex.EncodeToString(suffix)
	}
	secret, _, err := GenerateLogKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	err = createFile(f.Secret, []byte(secret+"\n"), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(f.Secret) // another process was faster
	}
	return []byte(secret + "\n"), err
}

// public reads the public file, which is made from the first signer key when it
// is absent.
func (f KeyFiles) public(secret []byte) (string, error) {
	text, err := os.ReadFile(f.Public)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	var lines strings.Builder
	for _, s := range strings.Fields(string(secret)) {
		verifier, err := VerifierKey(s)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "log %s\n", verifier)
	}
	err = createFile(f.Public, []byte(lines.String()), 0o644)
	if errors.Is(err, fs.ErrExist) {
		text, err = os.ReadFile(f.Public)
		return string(text), err
	}
	return lines.String(), err
}

// Rotate adds a second key: both sign from the next start on, until the first is
// retired.
func (f KeyFiles) Rotate() (verifier string, err error) {
	signer, public, err := f.Open()
	if err != nil {
		return "", err
	}
	if len(signer.signers) > 1 {
		return "", fmt.Errorf("%s holds two keys already; retire the old one first: say in %s until which size it counted, and remove it here", f.Secret, f.Public)
	}
	secret, err := os.ReadFile(f.Secret)
	if err != nil {
		return "", err
	}
	added, verifier, err := GenerateLogKey(rand.Reader, signer.keys.origin)
	if err != nil {
		return "", err
	}
	// The public file first: a signer key that readers do not know is refused.
	if err := writeFile(f.Public, []byte(ended(public)+"log "+verifier+"\n"), 0o644); err != nil {
		return "", err
	}
	return verifier, writeFile(f.Secret, []byte(ended(string(secret))+added+"\n"), 0o600)
}

// ended is a text whose last line has an end.
func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

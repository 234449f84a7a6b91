package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// keyVersion is the first byte of everything sealed; another key gets another
// number, so that old values stay readable while they are sealed anew.
const keyVersion = 1

// SealedMinLength is the length of the shortest sealed value: version, nonce
// and tag. The database refuses anything shorter in a sealed column.
const SealedMinLength = 1 + 12 + 16

// Vault seals personal data with AES-256-GCM and makes blind indexes for
// looking it up. Its keys are derived from one master key in a file.
type Vault struct {
	seal  cipher.AEAD
	index []byte
	root  []byte // of subkeys
}

// NewVault derives the keys of a vault from a master key of 32 bytes.
func NewVault(master []byte) (*Vault, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("a master key has 32 bytes, not %d", len(master))
	}
	sealKey, err := hkdf.Key(sha256.New, master, nil, "redress field seal v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the seal key: %w", err)
	}
	indexKey, err := hkdf.Key(sha256.New, master, nil, "redress blind index v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the index key: %w", err)
	}
	root, err := hkdf.Key(sha256.New, master, nil, "redress subkeys v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the root of subkeys: %w", err)
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return &Vault{seal: aead, index: indexKey, root: root}, nil
}

// OpenVault reads the master key from a file of 64 hexadecimal digits. On first
// start, when the file does not exist, it makes one that only the owner can
// read. Whoever loses the file loses every sealed value.
func OpenVault(path string) (*Vault, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text, err = createMasterKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("field key: %w", err)
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("field key %s: want 64 hexadecimal digits", path)
	}
	vault, err := NewVault(master)
	if err != nil {
		return nil, fmt.Errorf("field key %s: %w", path, err)
	}
	return vault, nil
}

// createMasterKey writes the new key under a temporary name, makes it durable
// and links it into place, so that a crash leaves either no key or a whole one
// and two processes starting together agree on one.
func createMasterKey(path string) ([]byte, error) {
	master := make([]byte, 32)
	rand.Read(master)
	text := []byte(hex.EncodeToString(master) + "\n")
	f, err := os.CreateTemp(filepath.Dir(path), ".field-key-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, os.ErrExist) {
		return os.ReadFile(path)
	} else if err != nil {
		return nil, err
	}
	return text, syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Seal encrypts a value. The context ("claimants.phone/<row id>") is
// authenticated: a sealed value copied to another column or row does not open.
func (v *Vault) Seal(context string, plain []byte) []byte {
	return v.seal.Seal([]byte{keyVersion}, nil, plain, []byte(context))
}

// Open decrypts what Seal made with the same context.
func (v *Vault) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < SealedMinLength || sealed[0] != keyVersion {
		return nil, fmt.Errorf("%s: not a value sealed with this key", context)
	}
	plain, err := v.seal.Open(nil, nil, sealed[1:], []byte(context))
	if err != nil {
		return nil, fmt.Errorf("%s: the sealed value does not open: wrong key file, or altered data", context)
	}
	return plain, nil
}

// Index makes the blind index of a normalised value, for finding equal values
// without reading them: the first 16 bytes of HMAC-SHA-256 over purpose and
// value, under a key of its own.
func (v *Vault) Index(purpose, normalised string) []byte {
	mac := hmac.New(sha256.New, v.index)
	mac.Write([]byte(purpose + "\x00" + normalised))
	return mac.Sum(nil)[:16]
}

// Subkey derives a key of 32 bytes for another room's own encryption. Equal
// purposes get equal keys; a subkey tells nothing of any other key.
func (v *Vault) Subkey(purpose string) ([]byte, error) {
	key, err := hkdf.Expand(sha256.New, v.root, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key for %s: %w", purpose, err)
	}
	return key, nil
}

package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// A token is "rdk_<id>_<secret>": a prefix that secret scanners can find, the
// key's id for the look-up, and 256 random bits of which only the hash is kept.
const tokenPrefix = "rdk_"

const (
	idLength     = 12
	secretLength = 64 // hexadecimal digits
)

// NewToken makes the id, the secret's hash and the token of a new key. The
// token is shown once and kept nowhere.
func NewToken() (id string, hash []byte, token string) {
	// rand.Read never fails; it ends the program instead.
	idBytes, secret := make([]byte, idLength/2), make([]byte, secretLength/2)
	rand.Read(idBytes)
	rand.Read(secret)
	id = hex.EncodeToString(idBytes)
	secretHex := hex.EncodeToString(secret)
	return id, hashSecret(secretHex), tokenPrefix + id + "_" + secretHex
}

// ParseToken splits a token into the key's id and the secret's hash.
func ParseToken(token string) (id string, hash []byte, ok bool) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return "", nil, false
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || len(id) != idLength || len(secret) != secretLength {
		return "", nil, false
	}
	return id, hashSecret(secret), true
}

// Matches reports, in constant time, whether the hash is that of the key's
// secret.
func (k Key) Matches(hash []byte) bool { return subtle.ConstantTimeCompare(k.Hash, hash) == 1 }

// The secret has 256 bits of entropy, so a plain hash cannot be guessed back.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

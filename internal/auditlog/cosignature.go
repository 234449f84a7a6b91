package auditlog

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// timestampLength is the length of the time before a cosignature, in bytes.
const timestampLength = 8

// cosigned is the message that a witness signs (c2sp.org/tlog-cosignature): when
// it saw the checkpoint as the latest, and the body of the checkpoint.
func cosigned(seconds uint64, text []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text)
}

// cosignatureKey verifies the cosignatures of one witness.
type cosignatureKey struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (k cosignatureKey) Name() string    { return k.name }
func (k cosignatureKey) KeyHash() uint32 { return k.hash }

func (k cosignatureKey) Verify(text, sig []byte) bool {
	if len(sig) != timestampLength+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return seconds <= math.MaxInt64 && ed25519.Verify(k.key, cosigned(seconds, text), sig[timestampLength:])
}

// cosignedAt is the time within a verified cosignature.
func cosignedAt(s note.Signature) time.Time {
	sig, _ := base64.StdEncoding.DecodeString(s.Base64)
	return time.Unix(int64(binary.BigEndian.Uint64(sig[4:])), 0).UTC()
}

// cosigner signs for one witness.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

func newCosigner(secret string) (cosigner, error) {
	encoded, private := strings.CutPrefix(secret, privatePrefix)
	name, hash, typ, seed, ok := splitKey(encoded)
	if !private || !ok || typ != typeCosignature {
		return cosigner{}, errors.New("this is no signer key of a witness")
	}
	c := cosigner{name, hash, ed25519.NewKeyFromSeed(seed)}
	if hash != keyHash(name, typ, c.key.Public().(ed25519.PublicKey)) {
		return cosigner{}, fmt.Errorf("the signer key of %s is damaged", name)
	}
	return c, nil
}

// sign returns the signature line under a checkpoint's body.
func (c cosigner) sign(text string, at time.Time) []byte {
	sig := binary.BigEndian.AppendUint32(nil, c.hash)
	sig = binary.BigEndian.AppendUint64(sig, uint64(at.Unix()))
	sig = append(sig, ed25519.Sign(c.key, cosigned(uint64(at.Unix()), []byte(text)))...)
	return fmt.Appendf(nil, "— %s %s\n", c.name, base64.StdEncoding.EncodeToString(sig))
}

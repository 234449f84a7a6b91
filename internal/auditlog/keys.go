package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"redress/internal/fault"
	"redress/internal/lang"
)

// The signature types of c2sp.org/signed-note that are used here.
const (
	typeEd25519     = 0x01 // a log's signature
	typeCosignature = 0x04 // a witness's signature with its time
)

const privatePrefix = "PRIVATE+KEY+"

// GenerateLogKey makes a key for the log of that name from 32 bytes of rand. The
// signer key is secret; the verifier key is what readers are told.
func GenerateLogKey(rand io.Reader, name string) (signer, verifier string, err error) {
	return generateKey(rand, name, typeEd25519)
}

// GenerateWitnessKey makes a key for a witness of that name from 32 bytes of
// rand.
func GenerateWitnessKey(rand io.Reader, name string) (signer, verifier string, err error) {
	return generateKey(rand, name, typeCosignature)
}

func generateKey(rand io.Reader, name string, typ byte) (signer, verifier string, err error) {
	if !isName(name) {
		return "", "", fmt.Errorf("a key may not be named %q: a name has no spaces and no plus signs", name)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return privatePrefix + encodeKey(name, typ, public, seed), encodeKey(name, typ, public, public), nil
}

// encodeKey writes the public or the secret half of a key.
func encodeKey(name string, typ byte, public ed25519.PublicKey, half []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, typ, public), base64.StdEncoding.EncodeToString(append([]byte{typ}, half...)))
}

// VerifierKey is the public half of a signer key, of a log or of a witness.
func VerifierKey(secret string) (string, error) {
	encoded, private := strings.CutPrefix(secret, privatePrefix)
	name, _, typ, seed, ok := splitKey(encoded)
	if !private || !ok {
		return "", errors.New("this is no signer key")
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return encodeKey(name, typ, public, public), nil
}

// keyHash is the key's short id in a note, after the key's name.
func keyHash(name string, typ byte, public []byte) uint32 {
	sum := sha256.Sum256(slices.Concat([]byte(name+"\n"), []byte{typ}, public))
	return binary.BigEndian.Uint32(sum[:])
}

// splitKey reads "name+hash+base64(type ‖ 32 bytes)".
func splitKey(s string) (name string, hash uint32, typ byte, key []byte, ok bool) {
	parts := strings.Split(s, "+")
	if len(parts) < 3 || !isName(parts[0]) || len(parts[1]) != 8 {
		return "", 0, 0, nil, false
	}
	h, err := strconv.ParseUint(parts[1], 16, 32)
	// Base64 has plus signs of its own.
	data, ok := strictBase64(strings.Join(parts[2:], "+"))
	if err != nil || !ok || len(data) != 1+ed25519.SeedSize {
		return "", 0, 0, nil, false
	}
	return parts[0], uint32(h), data[0], data[1:], true
}

// Keys are whom a reader trusts: the keys that one log signs with, and the
// witnesses whose cosignatures count.
type Keys struct {
	origin    string
	log       []logKey
	witnesses []WitnessKey
}

// logKey is a key of the log. Once retired, it counts only for checkpoints up
// to a stated size, so that whoever steals it later cannot extend the log.
type logKey struct {
	note.Verifier
	upTo int64 // entries, inclusive
}

// WitnessKey is a witness whose cosignatures count.
type WitnessKey struct {
	note.Verifier
	URL string // where it takes checkpoints; empty for who only verifies
}

// ParseKeys reads a file of keys, a line each:
//
//	log <verifier key>
//	log <verifier key> until <size>
//	witness <verifier key> [<url>]
//
// Empty lines and lines that begin with # are skipped. A log whose key is
// replaced signs with both keys for a while and then announces the size at which
// the old one retired: its older checkpoints stay valid, larger ones do not.
func ParseKeys(text string) (Keys, error) {
	var k Keys
	public := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if why := k.add(words, public); why != (lang.Text{}) {
			return Keys{}, keysMalformed(i+1, why)
		}
	}
	if len(k.log) == 0 {
		return Keys{}, keysMalformed(1, lang.T("no key of a log is given", "로그 키가 없습니다"))
	}
	return k, nil
}

func keysMalformed(line int, why lang.Text) error {
	return fault.New(fault.Malformed, "log_keys_malformed",
		"Line %d of the keys: %s; a line is log <key> [until <size>] or witness <key> [<url>].",
		"키 파일 %d행: %s. 각 행은 log <키> [until <크기>] 또는 witness <키> [<url>]입니다.", line, why)
}

// add takes the key of one line and says what is wrong with it.
func (k *Keys) add(words []string, public map[string]bool) lang.Text {
	if len(words) < 2 {
		return lang.T("the key is missing", "키가 없습니다")
	}
	name, hash, typ, key, ok := splitKey(words[1])
	if !ok || hash != keyHash(name, typ, key) {
		return lang.T("this is no verifier key", "검증 키가 아닙니다")
	}
	// A cosignature does not bind the name of its key: under two names, one
	// witness would pass for two.
	if public[string(key)] {
		return lang.T("the same key stands here twice", "같은 키가 두 번 적혀 있습니다")
	}
	public[string(key)] = true
	switch {
	case words[0] == "log" && typ == typeEd25519:
		return k.addLogKey(name, words[1], words[2:])
	case words[0] == "witness" && typ == typeCosignature && len(words) <= 3:
		w := WitnessKey{Verifier: cosignatureKey{name, hash, key}}
		if len(words) == 3 {
			w.URL = words[2]
		}
		k.witnesses = append(k.witnesses, w)
		return lang.Text{}
	}
	return lang.T("the key is not of that kind", "키의 종류가 맞지 않습니다")
}

func (k *Keys) addLogKey(name, key string, rest []string) lang.Text {
	if k.origin != "" && k.origin != name {
		return lang.T("the keys of one log have one name", "한 로그의 키는 이름이 같아야 합니다")
	}
	upTo, ok := int64(math.MaxInt64), true
	if len(rest) > 0 {
		ok = len(rest) == 2 && rest[0] == "until"
		if ok {
			upTo, ok = parseSize(rest[1])
		}
	}
	if !ok {
		return lang.T("after the key may stand: until <size>", "키 다음에는 until <크기>만 올 수 있습니다")
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return lang.T("this is no verifier key", "검증 키가 아닙니다")
	}
	k.origin = name
	k.log = append(k.log, logKey{verifier, upTo})
	return lang.Text{}
}

// Origin is the name of the log.
func (k Keys) Origin() string { return k.origin }

// Witnesses are the witnesses, in the order of the file.
func (k Keys) Witnesses() []WitnessKey { return slices.Clone(k.witnesses) }

// submits reports whether any witness takes checkpoints.
func (k Keys) submits() bool {
	return slices.ContainsFunc(k.witnesses, func(w WitnessKey) bool { return w.URL != "" })
}

// Open reads a signed checkpoint of the log and verifies every signature by a
// key it knows; others are ignored. One signature of the log is needed, by a key
// that was not retired at that size.
func (k Keys) Open(signed []byte) (Signed, error) {
	s, _, err := k.open(signed)
	return s, err
}

// AddCosignatures adds the signature lines that a witness answered to a
// checkpoint and verifies the whole. Signatures by unknown keys are left out.
func (k Keys) AddCosignatures(signed, lines []byte) ([]byte, error) {
	_, n, err := k.open(slices.Concat(signed, lines))
	if err != nil {
		return nil, err
	}
	n.UnverifiedSigs = nil
	return note.Sign(n)
}

func (k Keys) open(signed []byte) (Signed, *note.Note, error) {
	n, err := note.Open(signed, k.verifiers())
	var (
		invalid *note.InvalidSignatureError
		unknown *note.UnverifiedNoteError
	)
	switch {
	case errors.As(err, &invalid):
		return Signed{}, nil, fault.New(fault.Forbidden, "signature_invalid",
			"The signature under the name %s is not that key's signature of this checkpoint.",
			"%s 이름의 서명이 이 체크포인트에 대한 그 키의 서명이 아닙니다.", invalid.Name)
	case errors.As(err, &unknown):
		n = unknown.Note
	case err != nil:
		return Signed{}, nil, checkpointMalformed(lang.T("it is no signed note", "서명된 노트가 아닙니다")).Because(err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Signed{}, nil, err
	}
	if c.Origin != k.origin {
		return Signed{}, nil, originWrong(k.origin, c.Origin)
	}
	if err := k.signedByLog(c, n.Sigs); err != nil {
		return Signed{}, nil, err
	}
	return Signed{Checkpoint: c, Note: bytes.Clone(signed), Cosignatures: k.cosignatures(n.Sigs)}, n, nil
}

func (k Keys) verifiers() note.Verifiers {
	var all []note.Verifier
	for _, l := range k.log {
		all = append(all, l.Verifier)
	}
	for _, w := range k.witnesses {
		all = append(all, w.Verifier)
	}
	return note.VerifierList(all...)
}

func originWrong(want, got string) error {
	return fault.New(fault.Invalid, "origin_wrong", "The checkpoint is of the log %s; the log asked for is %s.",
		"이 체크포인트는 %s 로그의 것입니다. 요청한 로그는 %s입니다.", got, want)
}

// signedByLog looks among verified signatures for one of the log that counts.
func (k Keys) signedByLog(c Checkpoint, sigs []note.Signature) error {
	retired := false
	for _, l := range k.log {
		if !slices.ContainsFunc(sigs, func(s note.Signature) bool { return by(s, l) }) {
			continue
		}
		if c.TreeSize <= l.upTo {
			return nil
		}
		retired = true
	}
	if retired {
		return fault.New(fault.Forbidden, "log_key_retired",
			"The checkpoint of %d entries is signed only by a key that was retired before.",
			"항목 %d개의 체크포인트에 이미 폐기된 키의 서명만 있습니다.", c.TreeSize)
	}
	return fault.New(fault.Forbidden, "checkpoint_unsigned",
		"No key of the log %s that is known here has signed this checkpoint.",
		"알려진 %s 로그의 키 가운데 이 체크포인트에 서명한 것이 없습니다.", k.origin)
}

func by(s note.Signature, v note.Verifier) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() }

// cosignatures counts each witness once, by its latest cosignature.
func (k Keys) cosignatures(sigs []note.Signature) []Cosignature {
	latest := map[string]time.Time{}
	for _, s := range sigs {
		if !slices.ContainsFunc(k.witnesses, func(w WitnessKey) bool { return by(s, w) }) {
			continue
		}
		if at := cosignedAt(s); at.After(latest[s.Name]) {
			latest[s.Name] = at
		}
	}
	var all []Cosignature
	for name, at := range latest {
		all = append(all, Cosignature{name, at})
	}
	slices.SortFunc(all, func(a, b Cosignature) int { return strings.Compare(a.Witness, b.Witness) })
	return all
}

// Package auditlog holds the tamper-evident log: entries and the commitments to
// them, the tree over the commitments with its proofs and tiles, checkpoints
// signed by the log and cosigned by witnesses, receipts, and the verification of
// all of it. Its formats are those of C2SP (tlog-tiles, tlog-checkpoint,
// tlog-cosignature, tlog-witness, tlog-proof). Log runs it: it sequences the
// entries that wait, signs, has witnesses cosign, and publishes. Which database it
// is stored in, and what time it is, it is told.
package auditlog

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"redress/internal/fault"
)

// SaltLength is the length of an entry's salt in bytes. The salt keeps a
// commitment over few possible values (a status, a small amount) from being
// guessed, and deleting it erases what the leaf says.
const SaltLength = 32

// Entry is one thing that happened, ready to be logged. It never holds personal
// data: ids, types, amounts and hashes only.
type Entry struct {
	ID         string // UUIDv7
	Type       string // past tense: "claim.submitted"
	Subject    string // id of the claim, incident or scheme it is about
	At         time.Time
	Salt       []byte
	Body       []byte // canonical JSON: the exact bytes that are committed to
	Commitment []byte // SHA-256(0x00 ‖ salt ‖ body); the leaf of the log
}

// NewEntry makes an entry with a fresh salt. Its body is a JSON object of the
// facts plus "at", "id", "subject" and "type", keys sorted, no white space.
func NewEntry(entryType, subject string, at time.Time, facts map[string]any) (Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make an entry id: %w", err)
	}
	e := Entry{ID: id.String(), Type: entryType, Subject: subject, At: at.UTC(), Salt: make([]byte, SaltLength)}
	rand.Read(e.Salt)
	body := map[string]any{"at": e.At.Format(time.RFC3339Nano), "id": e.ID, "subject": subject, "type": entryType}
	for k, v := range facts {
		if _, taken := body[k]; taken {
			return Entry{}, fmt.Errorf("entry %s: fact %q is reserved", entryType, k)
		}
		body[k] = v
	}
	if e.Body, err = canonical(body); err != nil {
		return Entry{}, fmt.Errorf("entry %s: %w", entryType, err)
	}
	e.Commitment = Commit(e.Salt, e.Body)
	return e, nil
}

// canonical writes JSON with sorted keys, no white space and no HTML escapes.
// What is stored is these bytes, so no reader ever has to encode them again.
func canonical(v map[string]any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Commit computes the commitment over a body: SHA-256(0x00 ‖ salt ‖ body).
func Commit(salt, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(salt)
	h.Write(body)
	return h.Sum(nil)
}

// Opens reports whether salt and body are what the commitment commits to.
func (e Entry) Opens() bool {
	return len(e.Salt) == SaltLength && bytes.Equal(Commit(e.Salt, e.Body), e.Commitment)
}

// OpenEntry reads the entry that salt and body commit to, whose body has the
// facts that NewEntry gives every entry.
func OpenEntry(salt, body []byte) (Entry, error) {
	var facts map[string]any
	if err := json.Unmarshal(body, &facts); err != nil {
		return Entry{}, entryMalformed().Because(err)
	}
	text := func(fact string) string {
		s, _ := facts[fact].(string)
		return s
	}
	at, err := time.Parse(time.RFC3339Nano, text("at"))
	if err != nil || text("id") == "" || text("type") == "" || len(salt) != SaltLength {
		return Entry{}, entryMalformed().Because(err)
	}
	return Entry{text("id"), text("type"), text("subject"), at.UTC(), salt, body, Commit(salt, body)}, nil
}

func entryMalformed() *fault.Error {
	return fault.New(fault.Invalid, "entry_malformed",
		"The body is not that of an entry: a JSON object with at, id, subject and type.",
		"본문이 항목의 형식이 아닙니다. at, id, subject, type이 있는 JSON 객체여야 합니다.")
}

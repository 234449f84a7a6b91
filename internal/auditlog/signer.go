package auditlog

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// Signer signs the checkpoints of one log, and nothing that does not extend what
// was published before.
type Signer struct {
	keys    Keys
	signers []note.Signer
}

// NewSigner takes the keys of the log, retired ones too, and the secret keys to
// sign with: one, or two while the log changes from one to the other.
func NewSigner(keys Keys, secrets ...string) (Signer, error) {
	s := Signer{keys: keys}
	for i, secret := range secrets {
		signer, err := note.NewSigner(secret)
		if err != nil {
			return Signer{}, fmt.Errorf("signer key %d of the log: %w", i+1, err)
		}
		if s.key(signer) < 0 {
			return Signer{}, fmt.Errorf("signer key %d belongs to none of the keys of the log %s", i+1, keys.origin)
		}
		s.signers = append(s.signers, signer)
	}
	if len(s.signers) == 0 {
		return Signer{}, fmt.Errorf("the log %s has no key to sign with", keys.origin)
	}
	return s, nil
}

// key is the place of the signer's key among the keys of the log, or -1.
func (s Signer) key(signer note.Signer) int {
	return slices.IndexFunc(s.keys.log, func(l logKey) bool { return l.Name() == signer.Name() && l.KeyHash() == signer.KeyHash() })
}

// Sign signs the tree of size that r has stored, if it is proven to extend each
// of the signed checkpoints that were published before: none for the first of a
// log. A store that lost entries, or has others, gets nothing signed.
func (s Signer) Sign(size int64, r tlog.HashReader, published ...[]byte) ([]byte, error) {
	next := Checkpoint{Origin: s.keys.origin, TreeSize: size}
	f, err := readFrontier(size, r)
	if err != nil {
		return nil, err
	}
	next.RootHash = f.root()
	for _, last := range published {
		if err := s.extends(last, next, r); err != nil {
			return nil, err
		}
	}
	var valid []note.Signer
	for _, signer := range s.signers {
		if size <= s.keys.log[s.key(signer)].upTo {
			valid = append(valid, signer)
		}
	}
	if len(valid) == 0 {
		return nil, fault.New(fault.Conflict, "log_key_missing",
			"Every key that could sign the log at %d entries is retired.", "항목 %d개의 로그에 서명할 수 있는 키가 모두 폐기되었습니다.", size)
	}
	return note.Sign(&note.Note{Text: next.Text()}, valid...)
}

func (s Signer) extends(last []byte, next Checkpoint, r tlog.HashReader) error {
	published, err := s.keys.Open(last)
	if err != nil {
		return err
	}
	return Extends(published.Checkpoint, next, r)
}

// Extends checks that the stored tree of next extends that of last.
func Extends(last, next Checkpoint, r tlog.HashReader) error {
	var proof []tlog.Hash
	if last.TreeSize <= next.TreeSize {
		var err error
		if proof, err = ConsistencyProof(last.TreeSize, next.TreeSize, r); err != nil {
			return err
		}
	}
	return VerifyConsistency(proof, last, next)
}

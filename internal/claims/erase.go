package claims

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// ErasureReason says why a person is forgotten. It goes into the log, so it is
// one of a few codes and no words of anybody.
type ErasureReason string

// The reasons.
const (
	ErasureAsked         ErasureReason = "asked"          // the person asked for it
	ErasureRetentionOver ErasureReason = "retention_over" // nothing asks to keep the data any longer
	ErasureMistake       ErasureReason = "registered_by_mistake"
)

// ErasureReasons are all reasons.
var ErasureReasons = []ErasureReason{ErasureAsked, ErasureRetentionOver, ErasureMistake}

// Erasure says what was erased with a person.
type Erasure struct {
	ClaimantID string
	Reason     ErasureReason
	At         time.Time
	Claims     int // that stay, as amounts, states and times
	Files      int // of evidence, deleted
	Keys       int // of the claimant and their delegates, revoked
	Entries    int // of the log, whose salt and body were emptied
}

// ErasedRows are what of a claimant was erased in the database.
type ErasedRows struct {
	Files   []string // ids of evidence whose bytes are still to be deleted
	Keys    int
	Entries int
}

// ErasureReader finds what erasing a person takes.
type ErasureReader interface {
	// AnswersAbout finds the kept answers, made since then, that name one of the
	// ids.
	AnswersAbout(ctx context.Context, ids []string, since time.Time) ([]Once, error)
	// CountErased is how many claims of an incident (of all when the id is empty)
	// had an estimate before their claimant was erased.
	CountErased(ctx context.Context, incidentID string) (int, error)
}

// ErasureTx erases a person.
type ErasureTx interface {
	// LockClaimant keeps other transactions from adding anything to a claimant until
	// this one ends. One who was erased is a Conflict fault.
	LockClaimant(ctx context.Context, id string) error
	// Erase empties or deletes everything that says who a claimant is or what they
	// stated, and the opening of every entry about them and their claims.
	Erase(ctx context.Context, claimantID string, at time.Time) (ErasedRows, error)
	// DropAnswers deletes kept answers.
	DropAnswers(ctx context.Context, answers []Once) error
}

// Erased is the fault of whatever needs a person who was erased.
func Erased(claimantID string) error {
	return fault.New(fault.NotFound, "claimant_erased",
		"The claimant %s was erased. Amounts, states and times of their claims are all that is left.",
		"청구인 %s의 정보는 삭제되었습니다. 청구의 금액, 상태, 시각만 남아 있습니다.", claimantID)
}

// ErasedWith is the fault of what was erased from a claim with its claimant.
func ErasedWith(claimID string) error {
	return fault.New(fault.NotFound, "erased_with_claimant",
		"This was erased with the claimant of claim %s. Its amounts, states and times, and the hashes of its documents, are left.",
		"청구 %s의 청구인 정보와 함께 삭제되었습니다. 금액, 상태, 시각과 문서의 해시만 남아 있습니다.", claimID)
}

// EraseClaimant forgets a person whose claims are closed, withdrawn or drafts. One
// transaction erases all that says who they are or what they stated, revokes
// their keys, and empties the entries about them, whose leaves then say nothing;
// it leaves one entry, claimant.erased, that counts what is gone. Claims stay as
// amounts, verdicts, states and times.
//
// Faults: claimant_not_found, claims_open, erased_already, and a field fault
// unknown_erasure_reason.
func (s *Service) EraseClaimant(ctx context.Context, actor identity.Actor, id string, reason ErasureReason, reply Reply[Erasure]) (Erasure, error) {
	if err := allow(actor, identity.EraseClaimants); err != nil {
		return Erasure{}, err
	}
	if !slices.Contains(ErasureReasons, reason) {
		return Erasure{}, fault.InvalidFields([]fault.Field{fault.At("#/reason", "unknown_erasure_reason", "There is no reason %q; there are %v.",
			"사유 %q은(는) 없습니다. 있는 사유: %v.", string(reason), ErasureReasons)})
	}
	looked := s.now()
	before, err := answersAbout(ctx, s.store, id, time.Time{})
	if err != nil {
		return Erasure{}, err
	}
	var files []string
	erasure, err := write(ctx, s, reply, func(ctx context.Context, tx Tx) (Erasure, error) {
		claims, err := lockForErasure(ctx, tx, id)
		if err != nil {
			return Erasure{}, err
		}
		// Those kept since, and those that were being kept when the others were read.
		since, err := answersAbout(ctx, tx, id, looked.Add(-time.Minute))
		if err != nil {
			return Erasure{}, err
		}
		if err := tx.DropAnswers(ctx, append(since, before...)); err != nil {
			return Erasure{}, err
		}
		now := s.now()
		rows, err := tx.Erase(ctx, id, now)
		if err != nil {
			return Erasure{}, err
		}
		files = rows.Files
		e := Erasure{ClaimantID: id, Reason: reason, At: now, Claims: len(claims), Files: len(files), Keys: rows.Keys, Entries: rows.Entries}
		return e, s.log(ctx, tx, "claimant.erased", id, e.facts(actor))
	})
	if err != nil {
		return Erasure{}, err
	}
	s.deleteFiles(ctx, files)
	return erasure, nil
}

// facts are what the log is told: no personal data.
func (e Erasure) facts(actor identity.Actor) map[string]any {
	return map[string]any{
		"by": string(actor.Role), "reason": string(e.Reason),
		"claims": int64(e.Claims), "files": int64(e.Files), "keys": int64(e.Keys), "entries": int64(e.Entries),
	}
}

// lockForErasure keeps others from a claimant and their claims, and refuses where
// one of these is open.
func lockForErasure(ctx context.Context, tx Tx, id string) ([]Claim, error) {
	if err := tx.LockClaimant(ctx, id); err != nil {
		return nil, err
	}
	claims, err := claimsOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var open []string
	for i := range claims {
		if claims[i], err = tx.Claim(ctx, claims[i].ID); err != nil {
			return nil, err
		}
		if state := claims[i].State; state != Closed && state != Withdrawn && state != Drafted {
			open = append(open, claims[i].Reference)
		}
	}
	if len(open) > 0 {
		return nil, fault.New(fault.Conflict, "claims_open",
			"Claims of the claimant are open: %s. A person is erased when each claim of theirs is closed, withdrawn or a draft.",
			"진행 중인 청구가 있습니다: %s. 모든 청구가 종결되거나 철회되었거나 작성 중일 때 삭제할 수 있습니다.", strings.Join(open, ", "))
	}
	return claims, nil
}

// claimsOf lists all claims of a claimant, newest first.
func claimsOf(ctx context.Context, r Reader, claimantID string) ([]Claim, error) {
	var all []Claim
	for page := (Page{Limit: 200}); ; page.After = all[len(all)-1].ID {
		more, err := r.Claims(ctx, ClaimFilter{ClaimantID: claimantID}, page)
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(more) < page.Limit {
			return all, nil
		}
	}
}

// answersAbout finds the kept answers that name a claimant or one of their claims.
func answersAbout(ctx context.Context, r Reader, claimantID string, since time.Time) ([]Once, error) {
	claims, err := claimsOf(ctx, r, claimantID)
	if err != nil {
		return nil, err
	}
	ids := []string{claimantID}
	for _, c := range claims {
		ids = append(ids, c.ID)
	}
	return r.AnswersAbout(ctx, ids, since)
}

// Names reports whether the answer has one of the ids in it.
func (a Answer) Names(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		if bytes.Contains(a.Body, []byte(id)) {
			return true
		}
		for _, value := range a.Header {
			if strings.Contains(value, id) {
				return true
			}
		}
		return false
	})
}

// deleteFiles deletes files of which no row is left. One that cannot be deleted
// now, or is not because the process ends here, can be read by nobody and is an
// orphan that SweepEvidence deletes.
func (s *Service) deleteFiles(ctx context.Context, ids []string) {
	if s.files == nil {
		return
	}
	for _, id := range ids {
		_ = s.files.Delete(context.WithoutCancel(ctx), id)
	}
}

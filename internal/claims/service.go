// Package claims is the single write path of Redress: incidents, schemes,
// claimants, histories and claims. Every state change goes into one transaction
// with its audit entry and its event, so no write can lack its entry.
package claims

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/identity"
)

// Service carries out what people ask for, after checking that they may.
type Service struct {
	store Store
	files Files // nil where none are kept
	now   func() time.Time
	rules sync.Map // *scheme.Scheme by SchemeRef
	books sync.Map // what a rulebook or a release says, by hash
}

// New makes a service over a store and a clock.
func New(store Store, now func() time.Time) *Service {
	// Databases keep microseconds, so nothing finer is ever compared or hashed.
	return &Service{store: store, now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }}
}

// Once names one acting request, so that its retry gets the first answer.
type Once struct {
	Caller  string // who retries: the id of the key, or "public"
	Key     string // the caller's idempotency key
	Request []byte // SHA-256 over method, path and body
}

// Answer is a finished response, kept sealed under its idempotency key.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
}

// Replay is the error that carries the answer kept for a retried request.
type Replay struct{ Answer Answer }

func (*Replay) Error() string { return "the request was answered before" }

// Reply says under which key, and rendered how, the outcome of an acting
// request is kept. The zero value keeps nothing.
type Reply[T any] struct {
	Once   *Once
	Render func(T) (Answer, error)
}

// write runs f in one transaction. A retry of an answered request returns
// *Replay instead; a new answer is kept in the same transaction.
func write[T any](ctx context.Context, s *Service, reply Reply[T], f func(ctx context.Context, tx Tx) (T, error)) (T, error) {
	var out T
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if reply.Once != nil {
			kept, err := tx.Recall(ctx, *reply.Once, s.now())
			if err != nil {
				return err
			}
			if kept != nil {
				return &Replay{Answer: *kept}
			}
		}
		var err error
		if out, err = f(ctx, tx); err != nil || reply.Once == nil {
			return err
		}
		answer, err := reply.Render(out)
		if err != nil {
			return err
		}
		return tx.Keep(ctx, *reply.Once, answer)
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// forgetAtOnce bounds how long dropping expired answers may hold the writer.
const forgetAtOnce = 500

// Forget drops the answers of retries that nobody can send any more.
func (s *Service) Forget(ctx context.Context) error {
	for {
		var dropped int
		err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) (err error) {
			dropped, err = tx.Forget(ctx, s.now(), forgetAtOnce)
			return err
		})
		if err != nil || dropped < forgetAtOnce {
			return err
		}
	}
}

// Answered finds what a retried request was answered before; nil when the
// request is new.
func (s *Service) Answered(ctx context.Context, once Once) (*Answer, error) {
	return s.store.Answered(ctx, once, s.now())
}

// What Blind hides from whoever may open an entry.
const (
	BlindEvent  = "event"  // who did what an event tells, as ActorOf writes them
	BlindPerson = "person" // of the staff, in an entry that everybody may open
	BlindSalt   = "salt"   // of the snapshots of an incident
)

// ActorOf writes key and person of an event for Blind. No two events have the same,
// or the claimant would learn which of them are of one person.
func ActorOf(claimID string, n int64, keyID, person string) string {
	return fmt.Sprintf("%s/%d %s %s", claimID, n, keyID, person)
}

// log writes an audit entry about something that is not a claim.
func (s *Service) log(ctx context.Context, tx Tx, entryType, subject string, facts map[string]any) error {
	_, err := s.logged(ctx, tx, entryType, subject, facts)
	return err
}

// logged is log, and answers the id of the entry, which says what rows were written
// before it in the transaction.
func (s *Service) logged(ctx context.Context, tx Tx, entryType, subject string, facts map[string]any) (string, error) {
	if rows := tx.Written(); len(rows) > 0 {
		facts["rows"] = rows
	}
	entry, err := auditlog.NewEntry(entryType, subject, s.now(), facts)
	if err != nil {
		return "", err
	}
	return entry.ID, tx.InsertEntry(ctx, entry)
}

// Ready reports whether the store answers.
func (s *Service) Ready(ctx context.Context) error {
	_, err := s.store.Incidents(ctx, false, Page{Limit: 1})
	return err
}

// newID makes an id that sorts by creation time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

func allow(actor identity.Actor, action identity.Action) error {
	if actor.Can(action) {
		return nil
	}
	if actor.Role == identity.Public {
		return fault.New(fault.Unauthenticated, "key_required",
			"This needs a key: send Authorization: Bearer rdk_….", "키가 필요합니다. Authorization: Bearer rdk_… 헤더를 보내십시오.")
	}
	return fault.New(fault.Forbidden, "role_not_permitted",
		"A key of role %q may not do this.", "%q 역할의 키로는 할 수 없습니다.", actor.Role)
}

// matchVersion compares the version an If-Match names with the stored one.
// Version 0 means that the caller did not ask for a comparison.
func matchVersion(asked, stored int64) error {
	if asked != 0 && asked != stored {
		return fault.New(fault.Stale, "version_stale",
			"The resource has changed: you hold version %d, it is at version %d. Read it again and repeat the change.",
			"그 사이 내용이 바뀌었습니다. 가지고 있는 버전은 %d, 현재 버전은 %d입니다. 다시 읽고 변경하십시오.", asked, stored)
	}
	return nil
}

func isNotFound(err error) bool { return err != nil && fault.KindOf(err) == fault.NotFound }

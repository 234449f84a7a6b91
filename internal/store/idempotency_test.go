package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

const keptFor = 7 * 24 * time.Hour

var (
	once   = claims.Once{Caller: "caller", Key: "key", Request: []byte("request")}
	answer = claims.Answer{Status: 201, Header: map[string]string{"ETag": `"v1"`}, Body: []byte(`{"name":"청구인 하나"}` + "\n")}
)

// keep answers a request under its idempotency key.
func keep(ctx context.Context, db *store.Store, o claims.Once, a claims.Answer, now time.Time) (replayed *claims.Answer, err error) {
	err = db.InTx(ctx, func(ctx context.Context, tx claims.Tx) (err error) {
		if replayed, err = tx.Recall(ctx, o, now); err != nil || replayed != nil {
			return err
		}
		return tx.Keep(ctx, o, a)
	})
	return replayed, err
}

func TestRetryGetsTheAnswerThatWasKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		if got, err := db.Answered(t.Context(), once, at(0)); got != nil || err != nil {
			t.Errorf("before it was sent: %+v, %v", got, err)
		}
		if replayed, err := keep(t.Context(), db, once, answer, at(0)); replayed != nil || err != nil {
			t.Fatalf("the first time: %+v, %v", replayed, err)
		}
		equal(t, "answer", &answer, read[*claims.Answer](t)(db.Answered(t.Context(), once, at(1))))
		equal(t, "recalled", &answer, read[*claims.Answer](t)(keep(t.Context(), db, once, claims.Answer{Status: 500}, at(1))))

		for name, o := range map[string]claims.Once{
			"another caller": {Caller: "other", Key: once.Key, Request: once.Request},
			"another key":    {Caller: once.Caller, Key: "other", Request: once.Request},
			"a moved border": {Caller: "caller/", Key: once.Key, Request: once.Request},
		} {
			if got, err := db.Answered(t.Context(), o, at(1)); got != nil || err != nil {
				t.Errorf("%s: %+v, %v; want nothing", name, got, err)
			}
		}
	})
}

func TestKeyOfAnotherRequestIsInvalid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		if _, err := keep(t.Context(), db, once, answer, at(0)); err != nil {
			t.Fatal(err)
		}
		other := once
		other.Request = []byte("another request")
		_, errAnswered := db.Answered(t.Context(), other, at(1))
		_, errRecall := keep(t.Context(), db, other, claims.Answer{Status: 200}, at(1))
		for name, err := range map[string]error{"Answered": errAnswered, "Recall": errRecall} {
			if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Code != "idempotency_key_reused" {
				t.Errorf("%s: %v; want Invalid, idempotency_key_reused", name, err)
			}
		}
		equal(t, "the first answer", &answer, read[*claims.Answer](t)(db.Answered(t.Context(), once, at(1))))
	})
}

func TestRequestThatFailedLeavesItsKeyFree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		refusal := errors.New("refused")
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
			if _, err := tx.Recall(ctx, once, at(0)); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Fatal(err)
		}
		other := once
		other.Request = []byte("corrected")
		if replayed, err := keep(t.Context(), db, other, answer, at(1)); replayed != nil || err != nil {
			t.Errorf("the corrected request: %+v, %v", replayed, err)
		}
	})
}

func TestAnswerIsForgottenWhenItsTimeIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		if _, err := keep(t.Context(), db, once, answer, at(0)); err != nil {
			t.Fatal(err)
		}
		end := at(0).Add(keptFor)
		equal(t, "the last microsecond", &answer, read[*claims.Answer](t)(db.Answered(t.Context(), once, end.Add(-time.Microsecond))))
		other := once
		other.Request = []byte("a week later, something else")
		if got, err := db.Answered(t.Context(), other, end); got != nil || err != nil {
			t.Errorf("at the end: %+v, %v; want nothing", got, err)
		}
		second := claims.Answer{Status: 409, Header: map[string]string{}, Body: []byte("{}")}
		if replayed, err := keep(t.Context(), db, other, second, end); replayed != nil || err != nil {
			t.Fatalf("the key is not free again: %+v, %v", replayed, err)
		}
		equal(t, "the next answer", &second, read[*claims.Answer](t)(db.Answered(t.Context(), other, end.Add(time.Hour))))
	})
}

func TestForgetDropsExpiredAnswersAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		key := func(i int) claims.Once { return claims.Once{Caller: "c", Key: fmt.Sprint(i), Request: []byte("r")} }
		for i := range 10 {
			if _, err := keep(t.Context(), db, key(i), answer, at(i)); err != nil {
				t.Fatal(err)
			}
		}
		now := at(6).Add(keptFor) // seven have expired, the last of them just now
		for _, want := range []int{4, 3, 0} {
			var dropped int
			inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
				dropped, err = tx.Forget(ctx, now, 4)
				return err
			})
			if dropped != want {
				t.Errorf("%d were dropped, want %d", dropped, want)
			}
		}
		for i := range 10 {
			got, err := db.Answered(t.Context(), key(i), at(i))
			if err != nil || (got != nil) != (i > 6) {
				t.Errorf("answer %d: %+v, %v", i, got, err)
			}
		}
	})
}

func TestRetriesSentTogetherActOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		const senders = 32
		var together, done sync.WaitGroup
		together.Add(1)
		replays, errs := make([]*claims.Answer, senders), make([]error, senders)
		for i := range senders {
			done.Go(func() {
				together.Wait()
				id := fmt.Sprintf("effect%02d", i)
				errs[i] = db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) (err error) {
					if replays[i], err = tx.Recall(ctx, once, at(0)); err != nil || replays[i] != nil {
						return err
					}
					return errors.Join(tx.InsertKey(ctx, aKey(id)), tx.Keep(ctx, once, claims.Answer{Status: 201, Body: []byte(id)}))
				})
			})
		}
		together.Done()
		done.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		effects, err := db.Keys(t.Context(), "", claims.Page{Limit: senders})
		if err != nil || len(effects) != 1 {
			t.Fatalf("%d effects, %v; want 1", len(effects), err)
		}
		for i, replay := range replays {
			if mine := fmt.Sprintf("effect%02d", i) == effects[0].ID; mine != (replay == nil) {
				t.Errorf("sender %d acted: %t, and was answered %+v", i, mine, replay)
			}
			if replay != nil && string(replay.Body) != effects[0].ID {
				t.Errorf("sender %d got the answer %q, want that of %s", i, replay.Body, effects[0].ID)
			}
		}
	})
}

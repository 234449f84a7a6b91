package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// queue stores a claim with a place in the queue.
func (f fixture) queue(t testing.TB, db *store.Store, rank int, change func(*claims.Claim)) claims.Claim {
	t.Helper()
	return f.insertClaim(t, db, newID(), func(c *claims.Claim) {
		c.State, c.Rank, c.Sector, c.Region = claims.Submitted, at(rank), "taxi", "KR-11"
		if change != nil {
			change(c)
		}
	})
}

// next answers the claim that a request is given, without taking it.
func next(t testing.TB, db *store.Store, request claims.LeaseRequest) *claims.Claim {
	t.Helper()
	var found *claims.Claim
	inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
		found, err = tx.LockNext(ctx, request)
		return err
	})
	return found
}

func TestNextClaimIsTheEarliestThatThePersonMayHave(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		other := newFixtureIncident(t, db)
		for i, state := range claims.States {
			if state != claims.Submitted && state != claims.InReview && state != claims.Appealed {
				f.queue(t, db, i, func(c *claims.Claim) { c.State = state })
			}
		}
		f.queue(t, db, 20, func(c *claims.Claim) { c.State, c.AssignedTo, c.LeaseUntil = claims.InReview, "p-two", ptr(at(501)) })
		filed, recused, decided := f.queue(t, db, 21, nil), f.queue(t, db, 22, nil), f.queue(t, db, 23, nil)
		expired := f.queue(t, db, 24, func(c *claims.Claim) { c.State, c.AssignedTo, c.LeaseUntil = claims.InReview, "p-two", ptr(at(500)) })
		appealed := f.queue(t, db, 25, func(c *claims.Claim) { c.State = claims.Appealed })
		appealedDecided := f.queue(t, db, 26, func(c *claims.Claim) { c.State = claims.Appealed })
		flagged := f.queue(t, db, 27, func(c *claims.Claim) { c.Score, c.Stake = 60, 9_000 })
		elsewhere := f.queue(t, db, 28, func(c *claims.Claim) { c.IncidentID, c.Sector, c.Region = other.ID, "cafe", "KR-26" })
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for _, e := range []claims.Exclusion{
				{ClaimID: filed.ID, Person: "p-one", Why: claims.ExcludedFiled}, {ClaimID: recused.ID, Person: "p-one", Why: claims.ExcludedRecused},
				{ClaimID: decided.ID, Person: "p-one", Why: claims.ExcludedDecided}, {ClaimID: appealedDecided.ID, Person: "p-one", Why: claims.ExcludedApproved},
				{ClaimID: expired.ID, Person: "p-three", Why: claims.ExcludedRecused},
			} {
				err = errors.Join(err, tx.InsertExclusion(ctx, e))
			}
			return err
		})

		for _, c := range []struct {
			name    string
			request claims.LeaseRequest
			want    *claims.Claim
		}{
			{"whoever decided before may decide again", claims.LeaseRequest{Person: "p-one"}, &decided},
			{"somebody else", claims.LeaseRequest{Person: "p-two"}, &filed},
			{"appeals may be given", claims.LeaseRequest{Person: "p-one", Appeals: true, Filter: claims.ClaimFilter{States: []claims.State{claims.Appealed}}}, &appealed},
			{"an appeal is kept from who approved", claims.LeaseRequest{Person: "p-one", Appeals: true, Filter: claims.ClaimFilter{StakeFrom: ptr(money.Minor(1))}}, &flagged},
			{"appeals are not asked for", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{States: []claims.State{claims.Appealed}}}, nil},
			{"an expired lease", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{States: []claims.State{claims.InReview}}}, &expired},
			{"a lower score", claims.LeaseRequest{Person: "p-one", ScoreBelow: 60, Filter: claims.ClaimFilter{ScoreFrom: 1}}, nil},
			{"any score", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{ScoreFrom: 60}}, &flagged},
			{"an incident", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{IncidentID: other.ID}}, &elsewhere},
			{"a sector", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{Sector: "cafe"}}, &elsewhere},
			{"a region", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{Region: "KR-26"}}, &elsewhere},
			{"a sector that nobody has", claims.LeaseRequest{Person: "p-one", Filter: claims.ClaimFilter{Sector: "salon"}}, nil},
		} {
			c.request.Now = at(500)
			equal(t, c.name, c.want, next(t, db, c.request))
		}
	})
}

func TestClaimsOfOneRankQueueByAge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		first := f.queue(t, db, 5, nil)
		f.queue(t, db, 5, nil)
		equal(t, "next", &first, next(t, db, claims.LeaseRequest{Person: "p", Now: at(0)}))
	})
}

// take leases the next claim as the service does: it reads and writes in one
// transaction.
func take(ctx context.Context, db *store.Store, person string, now time.Time) (string, error) {
	var id string
	err := db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
		c, err := tx.LockNext(ctx, claims.LeaseRequest{Person: person, Now: now})
		if err != nil || c == nil {
			return err
		}
		id = c.ID
		until := now.Add(30 * time.Minute)
		c.State, c.AssignedTo, c.LeaseUntil = claims.InReview, person, &until
		return tx.UpdateClaim(ctx, *c)
	})
	return id, err
}

func TestEachClaimIsTakenByOneOfManyReviewers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		const queued, reviewers = 400, 20
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for i := range queued {
				c := f.claim(fmt.Sprint(i))
				c.State, c.Rank = claims.Submitted, at(i/3)
				err = errors.Join(err, tx.InsertClaim(ctx, c))
			}
			return err
		})
		var mu sync.Mutex
		taken := map[string]int{}
		var done sync.WaitGroup
		for i := range reviewers {
			done.Go(func() {
				for {
					id, err := take(t.Context(), db, fmt.Sprint("p-", i), at(500))
					if err != nil {
						t.Error(err)
					}
					if err != nil || id == "" {
						return
					}
					mu.Lock()
					taken[id]++
					mu.Unlock()
				}
			})
		}
		done.Wait()
		for id, times := range taken {
			if times != 1 {
				t.Errorf("claim %s was taken %d times", id, times)
			}
		}
		// A reviewer goes home when all that is left is locked by others.
		for {
			id, err := take(t.Context(), db, "p-last", at(500))
			if err != nil {
				t.Fatal(err)
			}
			if id == "" {
				break
			}
			taken[id]++
		}
		if len(taken) != queued {
			t.Errorf("%d claims were taken, want %d", len(taken), queued)
		}
	})
}

func TestLockedClaimIsPassedOver(t *testing.T) {
	db := openMigrated(t, storetest.Options(t, "postgres"))
	f := newFixture(t, db)
	first, second := f.queue(t, db, 1, nil), f.queue(t, db, 2, nil)
	request := claims.LeaseRequest{Person: "p", Now: at(0)}
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
		locked, err := tx.LockNext(ctx, request)
		if err != nil {
			return err
		}
		equal(t, "locked", &first, locked)
		equal(t, "meanwhile", &second, next(t, db, request))
		return nil
	})
	equal(t, "afterwards", &first, next(t, db, request))
}

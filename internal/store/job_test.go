package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func (f fixture) job(same string) claims.Job {
	return claims.Job{
		ID: newID(), Kind: "count", IncidentID: f.incident.ID, Same: same, Arguments: []byte(`{"a":  1}`), CreatedBy: "key",
		State: claims.JobWaiting, RunAt: at(0), Result: []byte{}, CreatedAt: at(0),
	}
}

func insertJob(t testing.TB, db *store.Store, j claims.Job) claims.Job {
	t.Helper()
	var stored claims.Job
	inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
		stored, err = tx.InsertJob(ctx, j)
		return err
	})
	return stored
}

func takeJob(t testing.TB, db *store.Store, kind string, now time.Time) *claims.Job {
	t.Helper()
	var taken *claims.Job
	inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
		taken, err = tx.TakeJob(ctx, []string{"other", kind}, now, now.Add(time.Minute))
		return err
	})
	return taken
}

func updateJob(t testing.TB, db *store.Store, j claims.Job) error {
	t.Helper()
	return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.UpdateJob(ctx, j) })
}

func TestJobComesBackAsItWasStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		want := insertJob(t, db, f.job("a"))
		got, err := db.Job(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "job", want, got)

		taken := takeJob(t, db, "count", at(1))
		taken.State, taken.LeaseUntil, taken.EndedAt, taken.Arguments = claims.JobFailed, nil, ptr(at(2)), []byte{}
		taken.Progress, taken.Result = claims.Progress{Done: 3, Total: 7}, []byte(`{"b": 2}`)
		taken.Failure = &claims.JobFailure{Code: "broken", Detail: lang.T("Broken.", "고장.")}
		if err := updateJob(t, db, *taken); err != nil {
			t.Fatal(err)
		}
		got, err = db.Job(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "ended job", *taken, got)
		_, err = db.Job(t.Context(), newID())
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("a job that is not there: %v", err)
		}
	})
}

func TestOfTheSameJobsOneIsUnderWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		first := insertJob(t, db, f.job("a"))
		if again := insertJob(t, db, f.job("a")); again.ID != first.ID {
			t.Errorf("the same job was stored twice")
		}
		taken := takeJob(t, db, "count", at(1))
		if again := insertJob(t, db, f.job("a")); again.ID != first.ID || again.State != claims.JobRunning {
			t.Errorf("while it runs: %+v", again)
		}
		taken.State, taken.LeaseUntil, taken.EndedAt = claims.JobDone, nil, ptr(at(2))
		if err := updateJob(t, db, *taken); err != nil {
			t.Fatal(err)
		}
		if again := insertJob(t, db, f.job("a")); again.ID == first.ID {
			t.Error("a job that has ended stands in the way of a new one")
		}
	})
}

func TestJobIsTakenWhenDueAndAgainWhenItsLeaseIsOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		later, sooner := f.job("later"), f.job("sooner")
		later.RunAt, sooner.RunAt = at(20), at(10)
		insertJob(t, db, later)
		insertJob(t, db, sooner)
		if j := takeJob(t, db, "count", at(9)); j != nil {
			t.Errorf("taken before it was due: %+v", j)
		}
		if j := takeJob(t, db, "count these", at(30)); j != nil {
			t.Errorf("taken by a taker of other kinds: %+v", j)
		}
		first := takeJob(t, db, "count", at(30))
		if first == nil || first.ID != sooner.ID || first.Attempts != 1 || first.State != claims.JobRunning || !first.LeaseUntil.Equal(at(31)) {
			t.Fatalf("taken: %+v", first)
		}
		if second := takeJob(t, db, "count", at(30)); second == nil || second.ID != later.ID {
			t.Errorf("taken next: %+v", second)
		}
		if third := takeJob(t, db, "count", at(31)); third != nil {
			t.Errorf("taken within the lease: %+v", third)
		}
		over := takeJob(t, db, "count", at(32))
		if over == nil || over.ID != sooner.ID || over.Attempts != 2 {
			t.Fatalf("taken over: %+v", over)
		}
		if err := updateJob(t, db, *first); fault.KindOf(err) != fault.Stale {
			t.Errorf("the first taker may still write: %v", err)
		}
		if err := updateJob(t, db, *over); err != nil {
			t.Errorf("the second taker: %v", err)
		}
	})
}

func TestEachJobIsTakenByOneOfManyTakers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		const n = 12
		for i := range n {
			insertJob(t, db, f.job(fmt.Sprint(i)))
		}
		var mu sync.Mutex
		taken := map[string]int{}
		var done sync.WaitGroup
		for range 6 {
			done.Go(func() {
				for {
					var j *claims.Job
					err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) (err error) {
						j, err = tx.TakeJob(ctx, []string{"count"}, at(1), at(2))
						return err
					})
					if err != nil {
						t.Error(err)
					}
					if err != nil || j == nil {
						return
					}
					mu.Lock()
					taken[j.ID]++
					mu.Unlock()
				}
			})
		}
		done.Wait()
		for id, times := range taken {
			if times != 1 {
				t.Errorf("job %s was taken %d times", id, times)
			}
		}
		if len(taken) != n {
			t.Errorf("%d jobs were taken, want %d", len(taken), n)
		}
	})
}

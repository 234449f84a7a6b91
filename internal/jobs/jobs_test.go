package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/jobs"
	"redress/internal/lang"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

var noon = time.Date(2022, 11, 1, 3, 0, 0, 0, time.UTC)

// bench is a database with a clock that tests set.
type bench struct {
	db       *store.Store
	incident string
	mu       sync.Mutex
	now      time.Time
}

func (b *bench) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func onEach(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := &bench{db: db, now: noon, incident: uuid.NewString()}
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertIncident(ctx, claims.Incident{
				ID: b.incident, Name: lang.T("Outage", "장애"), State: claims.IncidentOpen, Zone: "Asia/Seoul", Currency: "KRW", Version: 1, CreatedAt: noon, UpdatedAt: noon,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, b)
	})
}

func (b *bench) enqueue(t *testing.T) string {
	t.Helper()
	id := uuid.NewString()
	err := b.db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
		_, err := tx.InsertJob(ctx, claims.Job{
			ID: id, Kind: "work", IncidentID: b.incident, Same: id, Arguments: []byte("{}"), State: claims.JobWaiting, RunAt: b.Now(), CreatedAt: b.Now(),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (b *bench) runner(h jobs.Handler) *jobs.Runner {
	return jobs.New(b.db, b.Now, slog.New(slog.DiscardHandler), map[string]jobs.Handler{"work": h})
}

// next runs what is due and reports whether there was anything.
func next(t *testing.T, r *jobs.Runner) bool {
	t.Helper()
	ran, err := r.RunNext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ran
}

func (b *bench) job(t *testing.T, id string) claims.Job {
	t.Helper()
	j, err := b.db.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func succeeds(_ context.Context, _ claims.Job, progress func(done, total int)) ([]byte, error) {
	progress(5, 5)
	return []byte(`"done"`), nil
}

func TestJobThatIsDoneHasItsResultAndNoArguments(t *testing.T) {
	onEach(t, func(t *testing.T, b *bench) {
		r, id := b.runner(succeeds), b.enqueue(t)
		if !next(t, r) {
			t.Fatal("nothing was due")
		}
		j := b.job(t, id)
		if j.State != claims.JobDone || string(j.Result) != `"done"` || j.Progress != (claims.Progress{Done: 5, Total: 5}) || len(j.Arguments) > 0 || !j.EndedAt.Equal(noon) {
			t.Errorf("%+v", j)
		}
		if next(t, r) {
			t.Error("it runs again")
		}
	})
}

// A process that dies in the middle leaves a job that is taken and never
// written to again.
func TestJobOfADeadProcessRunsAgainWhenItsLeaseIsOut(t *testing.T) {
	onEach(t, func(t *testing.T, b *bench) {
		id := b.enqueue(t)
		err := b.db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.TakeJob(ctx, []string{"work"}, b.Now(), b.Now().Add(jobs.Lease))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r := b.runner(succeeds)
		b.wait(jobs.Lease)
		if next(t, r) {
			t.Error("taken over while the lease holds")
		}
		b.wait(time.Microsecond)
		if !next(t, r) {
			t.Error("not taken over after the lease")
		}
		if j := b.job(t, id); j.State != claims.JobDone || j.Attempts != 2 {
			t.Errorf("%+v", j)
		}
	})
}

func TestProcessThatWasTakenOverWritesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, b *bench) {
		id := b.enqueue(t)
		other := b.runner(func(context.Context, claims.Job, func(done, total int)) ([]byte, error) {
			return []byte(`"by another"`), nil
		})
		slow := b.runner(func(context.Context, claims.Job, func(done, total int)) ([]byte, error) {
			b.wait(jobs.Lease + time.Second)
			next(t, other)
			return []byte(`"too late"`), nil
		})
		next(t, slow)
		if j := b.job(t, id); string(j.Result) != `"by another"` || j.Attempts != 2 {
			t.Errorf("%+v", j)
		}
	})
}

func TestRefusalFailsAJobAtOnceAndShowsItsReason(t *testing.T) {
	onEach(t, func(t *testing.T, b *bench) {
		id := b.enqueue(t)
		r := b.runner(func(context.Context, claims.Job, func(done, total int)) ([]byte, error) {
			return nil, fault.New(fault.Invalid, "too_much", "It is %d too much.", "%d만큼 많습니다.", 3)
		})
		next(t, r)
		want := &claims.JobFailure{Code: "too_much", Detail: lang.T("It is 3 too much.", "3만큼 많습니다.")}
		j := b.job(t, id)
		if diff := cmp.Diff(want, j.Failure); j.State != claims.JobFailed || diff != "" {
			t.Errorf("%+v\n%s", j, diff)
		}
	})
}

func TestErrorIsTriedAgainLaterAndFailsInTheEndWithoutItsText(t *testing.T) {
	for name, h := range map[string]jobs.Handler{
		"error": func(context.Context, claims.Job, func(done, total int)) ([]byte, error) {
			return nil, errors.New("the secret name of a table")
		},
		"panic": func(context.Context, claims.Job, func(done, total int)) ([]byte, error) { panic("secret") },
		"unavailable": func(context.Context, claims.Job, func(done, total int)) ([]byte, error) {
			return nil, fault.New(fault.Unavailable, "down", "Down.", "중단.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, b *bench) {
				r, id := b.runner(h), b.enqueue(t)
				runs := 0
				for range 10_000 {
					if next(t, r) {
						runs++
						if next(t, r) {
							t.Fatal("tried again at once")
						}
					}
					if j := b.job(t, id); j.State == claims.JobFailed {
						if runs < 3 || j.Failure == nil || name != "unavailable" && j.Failure.Code != "job_failed" {
							t.Errorf("after %d runs: %+v", runs, j)
						}
						return
					}
					b.wait(2 * time.Second)
				}
				t.Errorf("it never failed; %d runs", runs)
			})
		})
	}
}

func TestStoppingHandsTheJobBack(t *testing.T) {
	onEach(t, func(t *testing.T, b *bench) {
		id := b.enqueue(t)
		ctx, stop := context.WithCancel(t.Context())
		r := b.runner(func(ctx context.Context, _ claims.Job, _ func(done, total int)) ([]byte, error) {
			stop()
			<-ctx.Done()
			return nil, ctx.Err()
		})
		r.Run(ctx)
		if j := b.job(t, id); j.State != claims.JobWaiting || j.LeaseUntil != nil {
			t.Errorf("%+v", j)
		}
		if !next(t, b.runner(succeeds)) {
			t.Error("nobody else may take it")
		}
	})
}

// Package jobs runs background work that is stored in the database. A job is
// taken under a lease; the process that runs it gives a sign of life before the
// lease is out. When that process dies, another takes the job and runs it from
// the start, so a handler must bear being run again.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
)

// Handler runs the jobs of one kind. It reports progress and answers the job's
// result. A fault other than Unavailable fails the job for good; after any other
// error it is run again.
type Handler func(ctx context.Context, job claims.Job, progress func(done, total int)) (result []byte, err error)

const (
	// Lease is how long a job that gave no sign of life is left to its process.
	Lease = 30 * time.Second
	// beat is how often a running job gives a sign of life and its progress.
	beat = 2 * time.Second
	// poll is how long a runner that found no job waits before it looks again.
	poll = 500 * time.Millisecond
	// rest is how long it waits when the database does not answer.
	rest = 5 * time.Second
	// maxAttempts ends what fails, or kills its process, again and again.
	maxAttempts = 8
)

// Runner takes jobs one after another. Any number of runners may share a
// database.
type Runner struct {
	store    claims.Store
	now      func() time.Time
	log      *slog.Logger
	handlers map[string]Handler
	kinds    []string
}

// New makes a runner of the kinds of job that it has handlers for.
func New(store claims.Store, now func() time.Time, log *slog.Logger, handlers map[string]Handler) *Runner {
	r := &Runner{store: store, now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }, log: log, handlers: handlers}
	for kind := range handlers {
		r.kinds = append(r.kinds, kind)
	}
	slices.Sort(r.kinds)
	return r
}

// Run runs jobs as they fall due until the context ends, and then hands the one
// under way back.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		ran, err := r.RunNext(ctx)
		if ran {
			continue
		}
		wait := poll
		if err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "no job could be taken", slog.String("error", err.Error()))
			wait = rest
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// RunNext takes the job that is due and runs it; it reports whether there was
// one.
func (r *Runner) RunNext(ctx context.Context) (bool, error) {
	var job *claims.Job
	err := r.store.InTx(ctx, func(ctx context.Context, tx claims.Tx) (err error) {
		now := r.now()
		job, err = tx.TakeJob(ctx, r.kinds, now, now.Add(Lease))
		return err
	})
	if err != nil || job == nil {
		return false, err
	}
	if err := r.run(ctx, *job); err != nil {
		r.log.ErrorContext(ctx, "what became of a job was not stored", slog.String("job", job.ID), slog.String("error", err.Error()))
	}
	return true, nil
}

// errTaken says that another process has taken the job over.
var errTaken = errors.New("the job was taken over")

func (r *Runner) run(ctx context.Context, job claims.Job) error {
	if job.Attempts > maxAttempts {
		return r.store.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
			return tx.UpdateJob(ctx, r.failed(job, errors.New("it never came to an end")))
		})
	}
	var progress atomic.Pointer[claims.Progress]
	progress.Store(&job.Progress)
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		r.beat(running, cancel, job, &progress)
	}()
	result, err := r.handle(running, job, func(done, total int) { progress.Store(&claims.Progress{Done: done, Total: total}) })
	taken := errors.Is(context.Cause(running), errTaken)
	cancel(nil)
	<-beating
	if taken {
		return errTaken
	}
	job.Progress = *progress.Load()
	switch {
	case err == nil:
		job = r.ended(job, claims.JobDone)
		job.Result = result
	case ctx.Err() != nil:
		job.State, job.LeaseUntil, job.RunAt = claims.JobWaiting, nil, r.now()
	case lasting(err) || job.Attempts == maxAttempts:
		job = r.failed(job, err)
	default:
		r.log.WarnContext(ctx, "a job is tried again", slog.String("job", job.ID), slog.Int("attempt", job.Attempts), slog.String("error", err.Error()))
		job.State, job.LeaseUntil, job.RunAt = claims.JobWaiting, nil, r.now().Add(time.Second<<job.Attempts)
	}
	// A server that stops still stores what became of its job.
	return r.store.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx claims.Tx) error { return tx.UpdateJob(ctx, job) })
}

// handle keeps a panic of a handler from ending the server.
func (r *Runner) handle(ctx context.Context, job claims.Job, progress func(done, total int)) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return r.handlers[job.Kind](ctx, job, progress)
}

// beat extends the lease until the context ends. When the job was taken over it
// ends the context; when the database does not answer it tries again.
func (r *Runner) beat(ctx context.Context, cancel context.CancelCauseFunc, job claims.Job, progress *atomic.Pointer[claims.Progress]) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		until := r.now().Add(Lease)
		job.LeaseUntil, job.Progress = &until, *progress.Load()
		err := r.store.InTx(ctx, func(ctx context.Context, tx claims.Tx) error { return tx.UpdateJob(ctx, job) })
		if fault.KindOf(err) == fault.Stale {
			cancel(errTaken)
		}
	}
}

// ended drops the arguments: what was tried out is not kept.
func (r *Runner) ended(job claims.Job, state claims.JobState) claims.Job {
	now := r.now()
	job.State, job.LeaseUntil, job.EndedAt, job.Arguments = state, nil, &now, nil
	return job
}

// failed ends a job. What is not a fault is for the log alone.
func (r *Runner) failed(job claims.Job, err error) claims.Job {
	job = r.ended(job, claims.JobFailed)
	f := fault.As(err)
	if f == nil {
		r.log.Error("a job failed", slog.String("job", job.ID), slog.String("error", err.Error()))
		f = fault.New(fault.Unavailable, "job_failed", "An error on our side ended the job; ask for it again.", "서버 오류로 작업이 끝나지 못했습니다. 다시 요청하십시오.")
	}
	job.Failure = &claims.JobFailure{Code: f.Code, Detail: f.Detail}
	return job
}

// lasting reports whether trying again cannot help.
func lasting(err error) bool {
	f := fault.As(err)
	return f != nil && f.Kind != fault.Unavailable
}

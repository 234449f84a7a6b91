package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"redress/internal/claims"
	"redress/internal/fault"
)

// InTx runs f in one transaction. When it returns nil, everything f wrote is
// durable; when it returns an error, nothing of it remains.
func (s *Store) InTx(ctx context.Context, f func(ctx context.Context, t claims.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return fault.New(fault.Unavailable, "shutting_down", "The server is stopping.", "서버가 종료되는 중입니다.")
	}
	// Once begun, a transaction runs to its end: a client that hangs up must not
	// decide what its neighbours in a shared commit see.
	inside := context.WithoutCancel(ctx)
	return s.inTx(ctx, func(db *gorm.DB) error {
		return f(inside, tx{reader: reader{db: db, vault: s.vault}, written: map[string]string{}})
	})
}

// Freeze runs f on the database as it is at one moment, while it goes on to be
// written. The first read fixes the moment.
func (s *Store) Freeze(ctx context.Context, f func(ctx context.Context, r claims.Reader) error) error {
	return s.frozen(ctx, func(r reader) error { return f(ctx, r) })
}

func (s *Store) frozen(ctx context.Context, f func(reader) error) error {
	return s.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		return f(reader{db: db, vault: s.vault})
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// Serialization failures and deadlocks are PostgreSQL's way of asking for
// another try.
const postgresTries = 4

func postgresTx(db *gorm.DB) func(context.Context, func(*gorm.DB) error) error {
	return func(ctx context.Context, f func(*gorm.DB) error) error {
		var err error
		for range postgresTries {
			err = db.WithContext(context.WithoutCancel(ctx)).Transaction(f)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || (pg.Code != "40001" && pg.Code != "40P01") {
				return err
			}
		}
		return err
	}
}

// writer is SQLite's single writer. It takes what waits, runs each function
// under a savepoint of one transaction, commits once and then answers each:
// one flush to disk serves many claims, and none is answered before it.
type writer struct {
	db    *gorm.DB
	queue chan *write
	done  chan struct{}
}

type write struct {
	f      func(*gorm.DB) error
	err    error
	panics any
	answer chan struct{}
}

// maxShared is how many functions share a commit at most, so that the first of
// them does not wait for ever behind the others.
const maxShared = 128

func newWriter(db *gorm.DB) *writer {
	w := &writer{db: db, queue: make(chan *write), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *writer) inTx(ctx context.Context, f func(*gorm.DB) error) error {
	job := &write{f: f, answer: make(chan struct{})}
	select {
	case w.queue <- job:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-job.answer
	if job.panics != nil {
		panic(job.panics)
	}
	return job.err
}

// stop ends the writer, which nobody may be waiting for.
func (w *writer) stop() { close(w.done) }

func (w *writer) run() {
	for {
		select {
		case first := <-w.queue:
			w.commit(first)
		case <-w.done:
			return
		}
	}
}

// commit runs first and whatever waits behind it in one transaction.
func (w *writer) commit(first *write) {
	jobs := []*write{first}
	defer func() {
		for _, j := range jobs {
			close(j.answer)
		}
	}()
	shared := w.db.Begin()
	if shared.Error != nil {
		first.err = fmt.Errorf("begin: %w", shared.Error)
		return
	}
	broken := first.runIn(shared)
	for broken == nil && len(jobs) < maxShared {
		next := w.waiting()
		if next == nil {
			break
		}
		jobs = append(jobs, next)
		broken = next.runIn(shared)
	}
	if broken != nil {
		shared.Rollback()
	} else if err := shared.Commit().Error; err != nil {
		broken = fmt.Errorf("commit: %w", err)
	}
	if broken == nil {
		return
	}
	for _, j := range jobs {
		if j.err == nil {
			j.err = broken
		}
	}
}

func (w *writer) waiting() *write {
	select {
	case j := <-w.queue:
		return j
	default:
		return nil
	}
}

// runIn runs the function under a savepoint. An error of the function undoes
// the function alone; the returned error means that the whole transaction is
// lost, as when the disk is full.
func (j *write) runIn(shared *gorm.DB) error {
	if err := shared.Exec("SAVEPOINT own").Error; err != nil {
		return unavailable(fmt.Errorf("savepoint: %w", err))
	}
	j.err = j.guarded(shared)
	if j.err != nil || j.panics != nil {
		// It fails where SQLite gave up the whole transaction by itself.
		if err := shared.Exec("ROLLBACK TO own").Error; err != nil {
			return unavailable(fmt.Errorf("roll back: %w", err))
		}
	}
	if err := shared.Exec("RELEASE own").Error; err != nil {
		return unavailable(fmt.Errorf("release: %w", err))
	}
	return nil
}

// guarded keeps a panic for the goroutine that asked, so that it cannot end the
// writer for everybody.
func (j *write) guarded(shared *gorm.DB) (err error) {
	defer func() { j.panics = recover() }()
	return j.f(shared)
}

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// stored reports whether a key was written.
func stored(t testing.TB, db *store.Store, id string) bool {
	t.Helper()
	_, err := db.Key(context.WithoutCancel(t.Context()), id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		t.Fatal(err)
	}
	return err == nil
}

func TestFailedTransactionLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		refusal := errors.New("changed my mind")
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
			if err := errors.Join(tx.InsertKey(ctx, aKey("one")), tx.InsertKey(ctx, aKey("two"))); err != nil {
				return err
			}
			return fmt.Errorf("at the end: %w", refusal)
		})
		if !errors.Is(err, refusal) {
			t.Errorf("got %v; want the function's own error", err)
		}
		if stored(t, db, "one") || stored(t, db, "two") {
			t.Error("something of it remains")
		}
	})
}

func TestTransactionSeesItsOwnWritesAndNobodyElseDoesBeforeItEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			if err := tx.InsertKey(ctx, aKey("k")); err != nil {
				return err
			}
			if _, err := tx.Key(ctx, "k"); err != nil {
				t.Errorf("inside: %v", err)
			}
			if _, err := db.Key(ctx, "k"); fault.KindOf(err) != fault.NotFound {
				t.Errorf("outside, before the end: %v; want NotFound", err)
			}
			return nil
		})
		if !stored(t, db, "k") {
			t.Error("not there after the end")
		}
	})
}

// A panic reaches whoever asked, undoes the function alone and leaves the store
// working.
func TestPanicReachesTheCallerAndNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		func() {
			defer func() {
				if got := recover(); got != "bug" {
					t.Errorf("recovered %v, want the panic's own value", got)
				}
			}()
			err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
				if err := tx.InsertKey(ctx, aKey("before")); err != nil {
					return err
				}
				panic("bug")
			})
			t.Errorf("InTx returned %v", err)
		}()
		if stored(t, db, "before") {
			t.Error("what was written before the panic remains")
		}
		if err := insertKey(t.Context(), db, "after"); err != nil || !stored(t, db, "after") {
			t.Errorf("the next transaction: %v, stored %t", err, stored(t, db, "after"))
		}
	})
}

func TestCancelledRequestDoesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.InTx(ctx, func(context.Context, claims.Tx) error {
			t.Error("the function ran")
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v; want context.Canceled", err)
		}
	})
}

func TestRequestCancelledInsideRunsToItsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
			if err := tx.InsertKey(ctx, aKey("one")); err != nil {
				return err
			}
			cancel()
			return errors.Join(ctx.Err(), tx.InsertKey(ctx, aKey("two")))
		})
		if err != nil || !stored(t, db, "one") || !stored(t, db, "two") {
			t.Errorf("got %v; one stored %t, two stored %t", err, stored(t, db, "one"), stored(t, db, "two"))
		}
	})
}

// part is how one of many functions ends.
type part int

const (
	good       part = iota
	refused         // returns an error after a write
	broken          // returns the error of a statement
	panicked        // panics after a write
	cancelled       // its request ends while it waits
	everyPart       // how many there are
	partsAtOne = 64
)

// Functions that share a commit share nothing else: whatever its neighbours do,
// each good one is durable when it is answered and no other leaves anything.
func TestEachOfManyTransactionsStandsOrFallsAlone(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			options := storetest.Options(t, engine)
			db := openMigrated(t, options)
			if err := insertKey(t.Context(), db, "taken"); err != nil {
				t.Fatal(err)
			}
			refusal := errors.New("refused")
			errs := make([]error, partsAtOne)
			id := func(i int) string { return fmt.Sprintf("part%02d", i) }

			// The first transaction holds SQLite's writer until the others wait behind
			// it, so that they share.
			var waiting, done sync.WaitGroup
			release := make(chan struct{})
			holding := make(chan struct{})
			done.Go(func() {
				err := db.InTx(t.Context(), func(context.Context, claims.Tx) error {
					close(holding)
					<-release
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
			<-holding
			waiting.Add(partsAtOne)
			for i := range partsAtOne {
				done.Go(func() {
					defer func() {
						if got := recover(); got != nil {
							errs[i] = fmt.Errorf("panic: %v", got)
						}
					}()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if part(i)%everyPart == cancelled {
						cancel()
					}
					waiting.Done()
					errs[i] = db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
						if err := tx.InsertKey(ctx, aKey(id(i))); err != nil {
							return err
						}
						switch part(i) % everyPart {
						case refused:
							return refusal
						case broken:
							return tx.InsertKey(ctx, aKey("taken"))
						case panicked:
							panic("bug")
						}
						return nil
					})
				})
			}
			waiting.Wait()
			close(release)
			done.Wait()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}

			again := openMigrated(t, options)
			for i, err := range errs {
				fine := false
				switch part(i) % everyPart {
				case good:
					fine = err == nil
				case refused:
					fine = errors.Is(err, refusal)
				case broken:
					fine = err != nil && fault.KindOf(err) == fault.Internal
				case panicked:
					fine = err != nil && err.Error() == "panic: bug"
				case cancelled:
					fine = errors.Is(err, context.Canceled)
				}
				if durable := stored(t, again, id(i)); !fine || durable != (part(i)%everyPart == good) {
					t.Errorf("part %d of kind %d: answered %v, durable %t", i, part(i)%everyPart, err, durable)
				}
			}
		})
	}
}

// A full disk makes SQLite give up the whole transaction, its neighbours'
// functions too: each must be told, none may be half there, and the database
// works on once there is space.
func TestFullDiskIsToldToEverybodyItTouches(t *testing.T) {
	db := openMigrated(t, storetest.Options(t, "sqlite"))
	pragma := func(statement string, args ...any) (n int) {
		t.Helper()
		if err := db.Raw().QueryRowContext(t.Context(), fmt.Sprintf(statement, args...)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const room = 20 // pages of 4 KiB
	pragma("PRAGMA max_page_count = %d", pragma("PRAGMA page_count")+room)

	const writers = 24
	errs := make([]error, writers)
	id := func(i int) string { return fmt.Sprintf("key%02d", i) }
	var waiting, done sync.WaitGroup
	waiting.Add(writers)
	// The others come while the first holds the writer, so that they share a commit.
	first := db.InTx(t.Context(), func(context.Context, claims.Tx) error {
		for i := range writers {
			done.Go(func() {
				key := aKey(id(i))
				if i%4 == 3 {
					key.Label = strings.Repeat("x", room*4096) // more than there is room for
				}
				waiting.Done()
				errs[i] = db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertKey(ctx, key) })
			})
		}
		waiting.Wait()
		return nil
	})
	done.Wait()
	if first != nil && fault.KindOf(first) != fault.Unavailable {
		t.Errorf("the first: %v; want Unavailable", first)
	}
	for i, err := range errs {
		if err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Errorf("writer %d: %v; want Unavailable", i, err)
		}
		if f := fault.As(err); f != nil && f.RetryAfter <= 0 {
			t.Errorf("writer %d is not told when to try again", i)
		}
		if stored(t, db, id(i)) != (err == nil) {
			t.Errorf("writer %d was answered %v, stored %t", i, err, stored(t, db, id(i)))
		}
		if i%4 == 3 && err == nil {
			t.Errorf("writer %d found room on a full disk", i)
		}
	}

	pragma("PRAGMA max_page_count = %d", 1_000_000)
	if err := insertKey(t.Context(), db, "after"); err != nil || !stored(t, db, "after") {
		t.Errorf("with space again: %v, stored %t", err, stored(t, db, "after"))
	}
	var verdict string
	if err := db.Raw().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s, %v", verdict, err)
	}
}

func TestFileLockedByAnotherProgramIsUnavailable(t *testing.T) {
	options := storetest.Options(t, "sqlite")
	db := openMigrated(t, options)
	if _, err := db.Raw().ExecContext(t.Context(), "PRAGMA busy_timeout = 10"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite3", "file:"+options.Dir+"/redress.db?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	locked, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := insertKey(t.Context(), db, "k"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("while it is locked: %v; want Unavailable", err)
	}
	if err := locked.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := insertKey(t.Context(), db, "k"); err != nil {
		t.Errorf("once it is free: %v", err)
	}
}

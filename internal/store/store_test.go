package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func TestMigrateTwiceAppliesNothingTheSecondTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		n, err := db.Migrate(t.Context())
		if err != nil || n != 0 {
			t.Fatalf("second migration: %d steps, %v; want 0, nil", n, err)
		}
	})
}

func TestProcessesThatMigrateTogetherApplyEachStepOnce(t *testing.T) {
	options := storetest.Empty(t, "postgres")
	var steps atomic.Int64
	var together, done sync.WaitGroup
	together.Add(1)
	const processes = 6
	errs := make([]error, processes)
	for i := range processes {
		db, err := store.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		done.Go(func() {
			together.Wait()
			var n int
			n, errs[i] = db.Migrate(context.WithoutCancel(t.Context()))
			steps.Add(int64(n))
		})
	}
	together.Done()
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if want := int64(len(migrationFiles(t, "postgres"))); steps.Load() != want {
		t.Errorf("%d steps were applied, want %d", steps.Load(), want)
	}
}

func TestSQLiteReopenedAfterCloseHasEverything(t *testing.T) {
	options := storetest.Empty(t, "sqlite")
	// A path may contain what a data source name gives a meaning to.
	options.Dir = filepath.Join(options.Dir, "손님 100% #1?mode=memory")
	if err := os.Mkdir(options.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, db)
	const n = 100
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			if err := insertKey(t.Context(), db, fmt.Sprintf("key%02d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	again, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if steps, err := again.Migrate(t.Context()); err != nil || steps != 0 {
		t.Errorf("the schema was not kept: %d steps, %v", steps, err)
	}
	if keys, err := again.Keys(t.Context(), "", claims.Page{Limit: 2 * n}); err != nil || len(keys) != n {
		t.Errorf("%d keys, %v; want %d", len(keys), err, n)
	}
	claimant, err := again.Claimant(t.Context(), f.merchant.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "claimant", f.merchant, claimant)
}

func TestOpenSaysWhichPlaceIsNoGood(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	damaged := t.TempDir()
	occupied := t.TempDir()
	for _, err := range []error{
		os.WriteFile(file, nil, 0o600),
		os.WriteFile(filepath.Join(damaged, "redress.db"), []byte(strings.Repeat("this is no database ", 100)), 0o600),
		os.Mkdir(filepath.Join(occupied, "redress.db"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, dir := range map[string]string{
		"a directory that is missing":      filepath.Join(t.TempDir(), "absent"),
		"a file in place of the directory": file,
		"a directory in place of the file": occupied,
		"a file that is no database":       damaged,
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(store.Options{Dir: dir, Vault: storetest.Vault()})
			if err == nil {
				db.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("%q does not name %s", err, dir)
			}
		})
	}
}

func TestOpenSaysThatPostgreSQLDoesNotAnswer(t *testing.T) {
	_, err := store.Open(store.Options{DatabaseURL: "postgres://someone:secret@127.0.0.1:1/none?connect_timeout=2", Vault: storetest.Vault()})
	if err == nil || !strings.Contains(err.Error(), "connect to PostgreSQL") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Fatalf("got %v; want an error that names PostgreSQL and its address", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("%q shows the password", err)
	}
}

func TestCloseWaitsForTheTransactionUnderWay(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			options := storetest.Options(t, engine)
			db := openMigrated(t, options)
			inside, written := make(chan struct{}), make(chan error, 1)
			closing := make(chan struct{})
			var ended atomic.Bool
			go func() {
				written <- db.InTx(context.WithoutCancel(t.Context()), func(ctx context.Context, tx claims.Tx) error {
					close(inside)
					<-closing
					time.Sleep(50 * time.Millisecond) // time for a Close that does not wait to return
					err := tx.InsertKey(ctx, aKey("late"))
					ended.Store(true)
					return err
				})
			}()
			<-inside
			close(closing)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if !ended.Load() {
				t.Error("Close returned before the transaction under way had ended")
			}
			if err := <-written; err != nil {
				t.Errorf("the transaction under way failed: %v", err)
			}
			again, err := store.Open(options)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if _, err := again.Key(t.Context(), "late"); err != nil {
				t.Errorf("what it wrote is lost: %v", err)
			}
		})
	}
}

func TestNothingIsWrittenAfterClose(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			db := openMigrated(t, storetest.Options(t, engine))
			for range 2 {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			err := db.InTx(t.Context(), func(context.Context, claims.Tx) error {
				t.Error("the function ran")
				return nil
			})
			if fault.KindOf(err) != fault.Unavailable {
				t.Errorf("got %v; want Unavailable", err)
			}
		})
	}
}

func openMigrated(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	db, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

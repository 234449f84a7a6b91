package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/store"
	"redress/internal/store/storetest"
	"redress/migrations"
)

// signer makes the keys of a log in a directory.
func signer(t testing.TB, dir string) (auditlog.Signer, string) {
	t.Helper()
	s, keys, err := auditlog.KeyFiles{Secret: dir + "/log.key", Public: dir + "/log.keys", Origin: "log.example/redress"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s, keys
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// writeEntries stores n entries, in transactions of at most 500.
func writeEntries(t testing.TB, db *store.Store, n int) []auditlog.Entry {
	t.Helper()
	var all []auditlog.Entry
	for len(all) < n {
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			for range min(500, n-len(all)) {
				e, err := auditlog.NewEntry("thing.happened", "subject", at(0), map[string]any{"n": len(all)})
				if err != nil {
					return err
				}
				if err := tx.InsertEntry(ctx, e); err != nil {
					return err
				}
				all = append(all, e)
			}
			return nil
		})
	}
	return all
}

// newLog is the log of a database under a key of its own.
func newLog(t testing.TB, db *store.Store, dir string) (*auditlog.Log, auditlog.Keys) {
	t.Helper()
	s, text := signer(t, dir)
	keys, err := auditlog.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.NewLog(db, s, auditlog.LogOptions{Keys: text, Log: quiet()}), keys
}

// integrate sequences everything that waits.
func integrate(t testing.TB, log *auditlog.Log) {
	t.Helper()
	for {
		n, err := log.Integrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func head(t testing.TB, db *store.Store) auditlog.Head {
	t.Helper()
	h, err := db.LogHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// sound checks that the stored tree is that of the leaves and of the signed head.
func sound(t testing.TB, db *store.Store, keys auditlog.Keys) {
	t.Helper()
	h := head(t, db)
	root, err := auditlog.VerifyStored(h.Size, db.LogTree(t.Context()))
	if err != nil || root != h.Root {
		t.Errorf("the stored tree: %v, root %v", err, root == h.Root)
	}
	signed, err := keys.Open(h.Checkpoint)
	if err != nil || signed.TreeSize != h.Size || signed.RootHash != h.Root {
		t.Errorf("the signed head: %+v, %v", signed.Checkpoint, err)
	}
}

func TestEntriesBecomeLeavesInTheirOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		log, keys := newLog(t, db, t.TempDir())
		if waits, err := db.LogWaits(t.Context()); waits || err != nil {
			t.Errorf("an empty log waits: %v, %v", waits, err)
		}
		entries := writeEntries(t, db, 5000)
		if _, i, err := db.Logged(t.Context(), entries[0].ID); i != -1 || err != nil {
			t.Errorf("before it is a leaf: %d, %v", i, err)
		}
		integrate(t, log)
		entries = append(entries, writeEntries(t, db, 3)...)
		integrate(t, log)
		for i, e := range entries {
			if i%500 != 0 && i < 4990 {
				continue
			}
			got, at, err := db.Logged(t.Context(), e.ID)
			if err != nil || at != int64(i) {
				t.Fatalf("entry %d is leaf %d, %v", i, at, err)
			}
			equal(t, "entry", e, got)
		}
		leaves, err := db.LogTree(t.Context()).ReadLeaves(0, 5003)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			if !bytes.Equal(leaves[i], e.Commitment) {
				t.Fatalf("leaf %d is another", i)
			}
		}
		sound(t, db, keys)
		if waits, err := db.LogWaits(t.Context()); waits || err != nil {
			t.Errorf("something still waits: %v, %v", waits, err)
		}
		if _, err := db.LogTree(t.Context()).ReadHashes([]int64{1 << 40}); err == nil {
			t.Error("a hash that is not stored was read")
		}
		if _, err := db.LogTree(t.Context()).ReadLeaves(5000, 5010); err == nil {
			t.Error("leaves that are not stored were read")
		}
	})
}

// Entries from before there was a log are picked up by its migration.
func TestEntriesFromBeforeTheLogBecomeLeaves(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := storetest.Options(t, engine)
			db, err := store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			migrateTo(t, db, 3)
			var entries []auditlog.Entry
			for range 10 {
				e, err := auditlog.NewEntry("thing.happened", "subject", at(0), nil)
				if err != nil {
					t.Fatal(err)
				}
				insertRaw(t, db, e)
				entries = append(entries, e)
			}
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, writeEntries(t, db, 2)...)
			log, keys := newLog(t, db, t.TempDir())
			integrate(t, log)
			for i, e := range entries {
				got, at, err := db.Logged(t.Context(), e.ID)
				if err != nil || at != int64(i) || !got.Opens() {
					t.Errorf("entry %d is leaf %d, %v", i, at, err)
				}
			}
			sound(t, db, keys)
		})
	}
}

// migrateTo brings a database to an older schema.
func migrateTo(t testing.TB, db *store.Store, version int64) {
	t.Helper()
	dir, err := fs.Sub(migrations.FS, db.Engine())
	if err != nil {
		t.Fatal(err)
	}
	dialect := goose.DialectSQLite3
	if db.Engine() == "postgres" {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, db.Raw(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

func insertRaw(t testing.TB, db *store.Store, e auditlog.Entry) {
	t.Helper()
	statement := "INSERT INTO entries (id, type, subject, at, salt, body, commitment) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	if _, err := db.Raw().ExecContext(t.Context(), statement, e.ID, e.Type, e.Subject, e.At.UnixMicro(), e.Salt, e.Body, e.Commitment); err != nil {
		t.Fatal(err)
	}
}

func TestTheLogIsKeptAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		log, _ := newLog(t, db, t.TempDir())
		writeEntries(t, db, 3)
		integrate(t, log)
		for _, statement := range []string{
			"DELETE FROM entries", "UPDATE entries SET subject = 'x'", "UPDATE entries SET at = at - 1", "UPDATE entries SET type = 'x'",
			"UPDATE entries SET salt = commitment", "UPDATE entries SET body = commitment", "UPDATE entries SET salt = NULL",
			"DELETE FROM leaves WHERE idx = 2", "UPDATE leaves SET commitment = commitment", "DELETE FROM log_hashes", "UPDATE log_hashes SET hash = hash",
			"DELETE FROM log_head", "UPDATE log_head SET size = 2",
		} {
			if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: done", statement)
			}
		}
		if _, err := db.Raw().ExecContext(t.Context(), "UPDATE entries SET salt = NULL, body = NULL"); err != nil {
			t.Errorf("an entry cannot be erased: %v", err)
		}
	})
}

func TestWhatFailsLeavesTheLogAsItWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		log, keys := newLog(t, db, t.TempDir())
		writeEntries(t, db, 5)
		lost := errors.New("the power failed")
		advanced, err := db.AdvanceLog(t.Context(), func(tx auditlog.LogTx) error {
			leaves, err := tx.Waiting(100)
			if err != nil || len(leaves) != 5 {
				t.Errorf("%d entries wait, %v", len(leaves), err)
			}
			hashes, root, err := auditlog.Integrate(0, [][]byte{leaves[0].Commitment}, tx.Tree())
			if err != nil {
				return err
			}
			if err := tx.Append(auditlog.Head{Size: 1, Root: root}, leaves[:1], hashes); err != nil {
				t.Error(err)
			}
			return lost
		})
		if advanced || !errors.Is(err, lost) {
			t.Errorf("%v, %v", advanced, err)
		}
		if h := head(t, db); h.Size != 0 || h.Checkpoint != nil {
			t.Errorf("the head moved: %+v", h)
		}
		integrate(t, log)
		sound(t, db, keys)
	})
}

// Only one process advances the log; others neither wait nor disturb, and writes
// go on meanwhile.
func TestOneProcessAdvancesTheLog(t *testing.T) {
	o := storetest.Options(t, "postgres")
	one, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	two, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	writeEntries(t, one, 1)
	advanced, err := one.AdvanceLog(t.Context(), func(auditlog.LogTx) error {
		again, err := two.AdvanceLog(t.Context(), func(auditlog.LogTx) error { t.Error("two advance it"); return nil })
		if again || err != nil {
			t.Errorf("the second: %v, %v", again, err)
		}
		writeEntries(t, two, 10)
		return nil
	})
	if !advanced || err != nil {
		t.Errorf("the first: %v, %v", advanced, err)
	}
}

// Several processes integrate while many write: every entry becomes one leaf.
func TestProcessesIntegrateTogether(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := storetest.Options(t, engine)
			db, err := store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			_, keys := newLog(t, db, dir)
			ctx, stop := context.WithCancel(t.Context())
			var running, writing sync.WaitGroup
			for range 3 {
				log, _ := newLog(t, db, dir)
				running.Go(func() { log.Run(ctx) })
			}
			const writers, each = 8, 60
			for range writers {
				writing.Go(func() {
					for range each {
						writeEntries(t, db, 1)
					}
				})
			}
			writing.Wait()
			for deadline := time.Now().Add(20 * time.Second); head(t, db).Size < writers*each && time.Now().Before(deadline); {
				time.Sleep(20 * time.Millisecond)
			}
			stop()
			running.Wait()
			if h := head(t, db); h.Size != writers*each {
				t.Errorf("%d leaves of %d entries", h.Size, writers*each)
			}
			sound(t, db, keys)
		})
	}
}

func TestCosignaturesAreKeptBesideTheHead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		log, _ := newLog(t, db, t.TempDir())
		writeEntries(t, db, 3)
		integrate(t, log)
		keep := func(note []byte, fail error) error {
			return db.CosignLog(t.Context(), func(h auditlog.Head) ([]byte, error) {
				if h.Size != 3 {
					t.Errorf("cosigning a head of %d", h.Size)
				}
				return note, fail
			})
		}
		if err := keep([]byte("signed"), nil); err != nil {
			t.Error(err)
		}
		if err := keep(nil, nil); err != nil {
			t.Error(err)
		}
		if err := keep([]byte("x"), errors.New("not a signature")); err == nil {
			t.Error("a failed merge was kept")
		}
		if h := head(t, db); string(h.Cosigned) != "signed" || h.Size != 3 {
			t.Errorf("%+v", h)
		}
	})
}

func BenchmarkIntegrate(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(engine, func(b *testing.B) {
			o := storetest.Options(b, engine)
			db, err := store.Open(o)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			s, keys := signer(b, b.TempDir())
			log := auditlog.NewLog(db, s, auditlog.LogOptions{Keys: keys, Log: quiet()})
			leaves, took := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				writeEntries(b, db, 2048)
				b.StartTimer()
				began := time.Now()
				n, err := log.Integrate(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				took += time.Since(began)
				leaves += n
			}
			b.ReportMetric(float64(leaves)/took.Seconds(), "leaves/s")
		})
	}
}

// BenchmarkDelay measures how long an entry waits for its signed checkpoint while
// eight writers write as fast as they can.
func BenchmarkDelay(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(engine, func(b *testing.B) {
			db, err := store.Open(storetest.Options(b, engine))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			log, _ := newLog(b, db, b.TempDir())
			ctx, stop := context.WithCancel(b.Context())
			var running sync.WaitGroup
			running.Go(func() { log.Run(ctx) })
			for range 8 {
				running.Go(func() {
					for ctx.Err() == nil {
						writeEntries(b, db, 1)
					}
				})
			}
			var delays []time.Duration
			for b.Loop() {
				id := writeEntries(b, db, 1)[0].ID
				began := time.Now()
				for at := int64(-1); at < 0; {
					time.Sleep(2 * time.Millisecond)
					if _, at, err = db.Logged(b.Context(), id); err != nil {
						b.Fatal(err)
					}
				}
				delays = append(delays, time.Since(began))
			}
			stop()
			running.Wait()
			slices.Sort(delays)
			b.ReportMetric(float64(delays[len(delays)/2].Milliseconds()), "ms-p50")
			b.ReportMetric(float64(delays[len(delays)*99/100].Milliseconds()), "ms-p99")
			b.ReportMetric(float64(head(b, db).Size)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

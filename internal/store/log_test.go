package store_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/store"
	"redress/internal/store/storetest"
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

// write stores n entries, in transactions of at most 500.
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

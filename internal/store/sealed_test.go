package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// fillSealed puts a row into every table that seals something.
func fillSealed(t *testing.T, db *store.Store) {
	t.Helper()
	f := newFixture(t, db)
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, f.fullClaim("main")) })
	fillDesk(t, db, f)
	if _, err := keep(t.Context(), db, once, answer, at(0)); err != nil {
		t.Fatal(err)
	}
}

func TestDatabaseRefusesPlainTextInSealedColumns(t *testing.T) {
	literals := map[string][]string{
		"sqlite":   {"'010-1234-5678'", "CAST('010-1234-5678' AS BLOB)", "x''", "zeroblob(28)"},
		"postgres": {"'010-1234-5678'", "CAST('010-1234-5678' AS bytea)", `'\x'::bytea`, `decode(repeat('00', 28), 'hex')`},
	}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		fillSealed(t, db)
		sealed := 0
		for _, c := range columns(t, db) {
			if !strings.HasSuffix(c.Name, "_sealed") {
				continue
			}
			sealed++
			for _, literal := range literals[db.Engine()] {
				statement := fmt.Sprintf("UPDATE %s SET %s = %s", c.Table, c.Name, literal)
				if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil {
					t.Errorf("%s was taken", statement)
				}
			}
		}
		if sealed < 20 {
			t.Errorf("%d sealed columns found, want at least 20", sealed)
		}
	})
}

func TestDatabaseRefusesALogEntryItCouldNotOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for name, change := range map[string]func(salt, commitment []byte) ([]byte, []byte){
			"a short salt":       func(s, c []byte) ([]byte, []byte) { return s[1:], c },
			"no salt":            func(_, c []byte) ([]byte, []byte) { return []byte{}, c },
			"a short commitment": func(s, c []byte) ([]byte, []byte) { return s, c[:31] },
		} {
			entry, _ := f.event(t, newID(), 1)
			entry.Salt, entry.Commitment = change(entry.Salt, entry.Commitment)
			err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertEntry(ctx, entry) })
			if err == nil {
				t.Errorf("%s was taken", name)
			}
		}
	})
}

func TestEventWithoutItsEntryIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.claim("main")
		_, event := f.event(t, claim.ID, 1)
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertClaim(ctx, claim), tx.InsertEvent(ctx, event))
		})
		if err == nil {
			t.Error("an event without an entry was stored")
		}
	})
}

// personal is what must not be readable by whoever has the database and not the
// key, as the fixtures write it.
var personal = []string{
	"봄 베이커리", "010-1234-5678", "01012345678", "123-45-67891", "1234567891", "110-123-456789", "청구인 하나", "봄 본점",
	"청구인 둘", "010-2222-3333", "D-1001", "박지훈 손님", "급합니다", "전단",
	"한가을", "car-55", "shop-7781",
}

func TestNobodyCanBeReadWithoutTheKey(t *testing.T) {
	t.Run("every value", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, db *store.Store) {
			fillSealed(t, db)
			for _, c := range columns(t, db) {
				values := query(t, db, fmt.Sprintf("SELECT %s FROM %s", c.Name, c.Table), func(rows *sql.Rows) (v sql.RawBytes, err error) {
					var raw sql.RawBytes
					err = rows.Scan(&raw)
					return bytes.Clone(raw), err
				})
				for _, value := range values {
					shows(t, c.Table+"."+c.Name, value)
				}
			}
		})
	})
	t.Run("SQLite's files", func(t *testing.T) {
		options := storetest.Options(t, "sqlite")
		db := openMigrated(t, options)
		fillSealed(t, db)
		files, err := filepath.Glob(filepath.Join(options.Dir, "*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("files %v, %v; want the database and its log", files, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			shows(t, filepath.Base(file), content)
		}
	})
}

func shows(t *testing.T, where string, content []byte) {
	t.Helper()
	for _, p := range personal {
		if bytes.Contains(content, []byte(p)) {
			t.Errorf("%s shows %q", where, p)
		}
	}
}

// A sealed value belongs to its row: copied to another it does not open.
func TestSealedValueDoesNotOpenInAnotherRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, err := db.Raw().ExecContext(t.Context(), fmt.Sprintf(
			"UPDATE claimants SET bank_sealed = (SELECT bank_sealed FROM claimants WHERE id = '%s') WHERE id = '%s'", f.merchant.ID, f.driver.ID))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := db.Claimant(t.Context(), f.driver.ID); err == nil || !strings.Contains(err.Error(), f.driver.ID) {
			t.Errorf("read as %+v, %v; want an error that names the row", got.Bank, err)
		}
	})
}

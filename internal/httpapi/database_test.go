package httpapi_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"redress/internal/store"
)

// database looks at what is stored from outside, table by table, past all that
// the server itself would say of it.
type database struct {
	db     *sql.DB
	dir    string // of SQLite's files
	url    string // of PostgreSQL; empty on SQLite
	tables []string
}

func openDatabase(t *testing.T, o store.Options) *database {
	t.Helper()
	driver, source, list := "sqlite3", "file:"+filepath.Join(o.Dir, "redress.db")+"?mode=ro&_busy_timeout=5000",
		`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if o.DatabaseURL != "" {
		driver, source, list = "pgx", o.DatabaseURL, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &database{db: db, dir: o.Dir, url: o.DatabaseURL}
	rows, err := db.QueryContext(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		d.tables = append(d.tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(d.tables)
	if !slices.Contains(d.tables, "claims") || !slices.Contains(d.tables, "idempotency_keys") {
		t.Fatalf("looking at the wrong database: %v", d.tables)
	}
	return d
}

// fingerprint is the number of rows and a hash over the whole of each table.
func (d *database) fingerprint(t testing.TB) map[string]string {
	t.Helper()
	prints := map[string]string{}
	for _, table := range d.tables {
		h, n := sha256.New(), 0
		for row := range d.rows(t, table) {
			h.Write(row)
			n++
		}
		prints[table] = fmt.Sprintf("%d rows, %s", n, hex.EncodeToString(h.Sum(nil)[:8]))
	}
	return prints
}

// dump is every value of every row of every table.
func (d *database) dump(t testing.TB) []byte {
	t.Helper()
	var all []byte
	for _, table := range d.tables {
		for row := range d.rows(t, table) {
			all = append(all, row...)
		}
	}
	return all
}

// count is the number of rows of a table that meet a condition.
func (d *database) count(t testing.TB, table, condition string, args ...any) int {
	t.Helper()
	var n int
	if err := d.db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table+" WHERE "+condition, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// change runs a statement past the server.
func (d *database) change(t testing.TB, statement string) {
	t.Helper()
	db := d.db
	if d.url == "" { // d.db only reads
		var err error
		if db, err = sql.Open("sqlite3", "file:"+filepath.Join(d.dir, "redress.db")+"?_busy_timeout=5000"); err != nil {
			t.Fatal(err)
		}
		defer db.Close()
	}
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

// rows yields each row of a table as its values one after another.
func (d *database) rows(t testing.TB, table string) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		rows, err := d.db.QueryContext(context.Background(), "SELECT * FROM "+table+" ORDER BY 1, 2")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			var row []byte
			for _, v := range values {
				row = append(append(row, v...), '|')
			}
			if !yield(row) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

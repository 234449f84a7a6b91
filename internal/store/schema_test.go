package store_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"gorm.io/gorm/schema"

	"redress/internal/store"
	"redress/internal/store/storetest"
	"redress/migrations"
)

func migrationFiles(t testing.TB, engine string) []string {
	t.Helper()
	files, err := fs.Glob(migrations.FS, engine+"/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations of %s: %v, %v", engine, files, err)
	}
	for i := range files {
		files[i] = path.Base(files[i])
	}
	return files
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	if diff := gocmp.Diff(migrationFiles(t, "sqlite"), migrationFiles(t, "postgres")); diff != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", diff)
	}
}

// column is one column of a table, in words that both engines share.
type column struct {
	Table, Name, Type string
	Nullable          bool
}

// The goose table is the migrations' own.
var listColumns = map[string]string{
	"sqlite": `SELECT m.name, c.name, lower(c.type), NOT c."notnull" FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid`,
	"postgres": `SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%' ORDER BY table_name COLLATE "C", ordinal_position`,
}

var commonType = map[string]string{"integer": "bigint", "blob": "bytea"}

func columns(t testing.TB, db *store.Store) []column {
	t.Helper()
	return query(t, db, listColumns[db.Engine()], func(rows *sql.Rows) (column, error) {
		var c column
		err := rows.Scan(&c.Table, &c.Name, &c.Type, &c.Nullable)
		if common, ok := commonType[c.Type]; ok {
			c.Type = common
		}
		return c, err
	})
}

func query[T any](t testing.TB, db *store.Store, statement string, scan func(*sql.Rows) (T, error)) []T {
	t.Helper()
	rows, err := db.Raw().QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRowStructsHaveTheColumnsOfTheirTables(t *testing.T) {
	var want []column
	for _, row := range store.Rows {
		parsed, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range parsed.Fields {
			c := column{Table: parsed.Table, Name: f.DBName, Nullable: strings.HasPrefix(f.FieldType.String(), "*")}
			c.Type = map[string]string{"string": "text", "int": "bigint", "int64": "bigint", "[]uint8": "bytea"}[strings.TrimPrefix(f.FieldType.String(), "*")]
			want = append(want, c)
		}
	}
	byName := func(a, b column) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Name, b.Name))
	}
	slices.SortFunc(want, byName)
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		got := columns(t, db)
		slices.SortFunc(got, byName)
		for i := range got {
			// A nil []byte is NULL: its struct field looks the same either way.
			if got[i].Type == "bytea" {
				got[i].Nullable = false
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("columns (-row structs +%s):\n%s", db.Engine(), diff)
		}
	})
}

func TestBothEnginesHaveTheSameTablesAndIndexes(t *testing.T) {
	listIndexes := map[string]string{
		"sqlite": `SELECT tbl_name || '.' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		"postgres": `SELECT tablename || '.' || indexname FROM pg_indexes WHERE schemaname = 'public'
			AND indexname NOT IN (SELECT conname FROM pg_constraint)`,
	}
	shapes := map[string][]string{}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		shape := query(t, db, listIndexes[db.Engine()], func(rows *sql.Rows) (name string, err error) {
			err = rows.Scan(&name)
			return name, err
		})
		for _, c := range columns(t, db) {
			shape = append(shape, fmt.Sprintf("%+v", c))
		}
		slices.Sort(shape)
		shapes[db.Engine()] = shape
	})
	if len(shapes) < 2 {
		t.Skip("SKIPPED: one engine alone cannot be compared")
	}
	if diff := gocmp.Diff(shapes["sqlite"], shapes["postgres"]); diff != "" {
		t.Errorf("schema (-sqlite +postgres):\n%s", diff)
	}
}

package storetest_test

import (
	"os"
	"path/filepath"
	"testing"

	"redress/internal/store"
	"redress/internal/store/storetest"
)

// A test's name is in the path of its directory, whatever it holds.
func TestRawOpensTheStoresOwnFile(t *testing.T) {
	for _, name := range []string{"plain", "a # b", "a?b=c", "100%", "a%23b"} {
		t.Run(name, func(t *testing.T) {
			o := storetest.Empty(t, "sqlite")
			o.Dir = filepath.Join(t.TempDir(), name)
			if err := os.Mkdir(o.Dir, 0o700); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var tables int
			err = storetest.Raw(t, o).QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_master WHERE name = 'claims'").Scan(&tables)
			if err != nil || tables != 1 {
				t.Errorf("%d tables of claims, %v", tables, err)
			}
		})
	}
}

package store_test

import (
	"bytes"
	"strings"
	"testing"

	"redress/internal/identity"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func TestAnotherFieldKeyIsRefusedBeforeAnythingIsSealedUnderIt(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			options := storetest.Options(t, engine)
			open := func() *store.Store {
				db, err := store.Open(options)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				return db
			}
			first := open()
			if _, err := first.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			other, err := identity.NewVault(bytes.Repeat([]byte{8}, 32))
			if err != nil {
				t.Fatal(err)
			}
			options.Vault = other
			if _, err := open().Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "field key") {
				t.Fatalf("a database sealed under another key was opened: %v", err)
			}
		})
	}
}

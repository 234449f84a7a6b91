package store_test

import (
	"testing"

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

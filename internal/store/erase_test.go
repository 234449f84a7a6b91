package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/revenue"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func erase(t testing.TB, db *store.Store, claimantID string) (rows claims.ErasedRows) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
		if err = tx.LockClaimant(ctx, claimantID); err == nil {
			rows, err = tx.Erase(ctx, claimantID, at(90))
		}
		return err
	})
	return rows
}

// notTheirs are sealed columns that hold nothing of a claimant.
var notTheirs = []string{"field_key.proof_sealed", "snapshot_salts.salt_sealed", "views.name_sealed"}

// A column that is sealed or indexed is emptied with its person, whoever adds it.
func TestNoSealedOrIndexedColumnOutlivesItsPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		fillDesk(t, db, f)
		rows := erase(t, db, f.merchant.ID)
		if len(rows.Files) != 1 {
			t.Errorf("files to delete: %v", rows.Files)
		}
		erase(t, db, f.driver.ID)
		// The schema wants these filled: with nothing.
		filled := map[string]string{"claimants.name_sealed": "", "claimants.phone_sealed": "", "claims.content_sealed": `{"lines":[]}`}
		for _, c := range columns(t, db) {
			name := c.Table + "." + c.Name
			if !strings.HasSuffix(c.Name, "_sealed") && !strings.HasSuffix(c.Name, "_index") || slices.Contains(notTheirs, name) {
				continue
			}
			id, want := "''", ""
			plain, ok := filled[name]
			if ok {
				id, want = "id", plain
			}
			left, err := db.Raw().QueryContext(t.Context(), fmt.Sprintf("SELECT %s, %s FROM %s WHERE length(%[2]s) > 0", id, c.Name, c.Table))
			if err != nil {
				t.Fatal(err)
			}
			for left.Next() {
				var row string
				var value []byte
				if err := left.Scan(&row, &value); err != nil {
					t.Fatal(err)
				}
				opened, err := storetest.Vault().Open(strings.TrimSuffix(name, "_sealed")+"/"+row, value)
				if !ok || err != nil || string(opened) != want {
					t.Errorf("%s of %s holds %q, %v", name, row, opened, err)
				}
			}
			if err := left.Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNothingIsAddedToAnErasedClaimant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		erase(t, db, f.merchant.ID)
		key := aKey("delegate")
		key.Role, key.ClaimantID = identity.Delegate, f.merchant.ID
		for what, add := range map[string]func(ctx context.Context, tx claims.Tx) error{
			"a claim": func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, f.claim("main")) },
			"a history": func(ctx context.Context, tx claims.Tx) error {
				return tx.InsertUpload(ctx, f.upload(revenue.FromClaimant, 1), nil)
			},
			"a key": func(ctx context.Context, tx claims.Tx) error { return tx.InsertKey(ctx, key) },
		} {
			if f := fault.As(db.InTx(t.Context(), add)); f == nil || f.Code != "claimant_erased" {
				t.Errorf("%s: %v", what, f)
			}
		}
		for what, c := range map[string]struct {
			code string
			do   func(ctx context.Context, tx claims.Tx) error
		}{
			"a change read before": {"version_stale", func(ctx context.Context, tx claims.Tx) error { return tx.UpdateClaimant(ctx, f.merchant) }},
			"a second erasure":     {"erased_already", func(ctx context.Context, tx claims.Tx) error { return tx.LockClaimant(ctx, f.merchant.ID) }},
			"nobody":               {"claimant_not_found", func(ctx context.Context, tx claims.Tx) error { return tx.LockClaimant(ctx, "nobody") }},
		} {
			if f := fault.As(db.InTx(t.Context(), c.do)); f == nil || f.Code != c.code {
				t.Errorf("%s: %v, want %s", what, f, c.code)
			}
		}
		again := f.merchant // under the same numbers
		again.ID = newID()
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaimant(ctx, again) })
		equal(t, "who came back", again, read[claims.Claimant](t)(db.Claimant(t.Context(), again.ID)))
	})
}

func TestAnswersAreFoundByWhomTheyName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		for key, a := range map[string]claims.Answer{
			"1 body":   {Status: 201, Body: []byte(`{"claimant_id":"id-1"}`)},
			"2 header": {Status: 201, Header: map[string]string{"Location": "/v1/claims/id-2"}},
			"3 other":  {Status: 201, Body: []byte(`{"claimant_id":"id-3"}`)},
			"4 later":  {Status: 201, Body: []byte(`"id-1"`)},
		} {
			when := at(0)
			if key == "4 later" {
				when = at(60)
			}
			if _, err := keep(t.Context(), db, claims.Once{Caller: "staff", Key: key, Request: []byte("r")}, a, when); err != nil {
				t.Fatal(err)
			}
		}
		about := func(since int) (found []string) {
			for _, o := range read[[]claims.Once](t)(db.AnswersAbout(t.Context(), []string{"id-1", "id-2"}, at(since))) {
				found = append(found, o.Caller+" "+o.Key)
			}
			slices.Sort(found)
			return found
		}
		equal(t, "answers", []string{"staff 1 body", "staff 2 header", "staff 4 later"}, about(0))
		equal(t, "answers since", []string{"staff 4 later"}, about(1))
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			// A key that is reserved has no answer yet.
			if _, err := tx.Recall(ctx, once, at(0)); err != nil {
				return err
			}
			found, err := tx.AnswersAbout(ctx, []string{"id-1", "id-2"}, at(0))
			if err != nil {
				return err
			}
			return tx.DropAnswers(ctx, found)
		})
		equal(t, "answers left", []string(nil), about(0))
		other := claims.Once{Caller: "staff", Key: "3 other", Request: []byte("r")}
		if kept := read[*claims.Answer](t)(db.Answered(t.Context(), other, at(1))); kept == nil {
			t.Error("the answer about somebody else is gone")
		}
	})
}

// What is erased is gone from the file, too, once the write-ahead log is in it:
// SQLite by itself would leave it in free space.
func TestWhatIsErasedIsOverwrittenInTheFile(t *testing.T) {
	options := storetest.Options(t, "sqlite")
	db := openMigrated(t, options)
	f := newFixture(t, db)
	claim := fillDesk(t, db, f)
	estimate := f.estimate(claim.ID, 1)
	estimate.Bytes = bytes.Repeat(estimate.Bytes, 1_000) // over many pages
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
		entry, event := f.event(t, claim.ID, 1)
		return errors.Join(tx.InsertUpload(ctx, f.upload(revenue.FromClaimant, 1), revenue.Pack(history(7_000))), tx.InsertEstimate(ctx, estimate),
			tx.InsertEntry(ctx, entry), tx.InsertEvent(ctx, event))
	})
	stored := map[string][]byte{}
	for _, column := range []string{
		"claimants.name_sealed", "claimants.phone_index", "claims.content_sealed", "letters.pdf_sealed", "revenue_weeks.data", "entries.salt", "entries.body",
		"estimates.bytes", "appeals.grounds_sealed", "evidence_files.name_sealed", "outlets.name_sealed",
	} {
		table, name, _ := strings.Cut(column, ".")
		var value []byte
		if err := db.Raw().QueryRowContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY 1 LIMIT 1", name, table)).Scan(&value); err != nil {
			t.Fatal(column, err)
		}
		stored[column] = value[max(0, len(value)-100):] // of a value over several pages, what is in the last
	}
	inFile := func() (found []string) {
		if _, err := db.Raw().ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(options.Dir, "redress.db"))
		if err != nil {
			t.Fatal(err)
		}
		for column, value := range stored {
			if bytes.Contains(content, value) {
				found = append(found, column)
			}
		}
		slices.Sort(found)
		return found
	}
	if found := inFile(); len(found) != len(stored) {
		t.Fatalf("before: %v", found)
	}
	erase(t, db, f.merchant.ID)
	erase(t, db, f.driver.ID)
	equal(t, "left in the file", []string(nil), inFile())
}

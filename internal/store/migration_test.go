package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/store"
	"redress/internal/store/storetest"
	"redress/migrations"
)

// oldDatabase is a database at an old version of the schema, written past the
// store, which knows the newest only.
type oldDatabase struct {
	t      testing.TB
	engine string
	raw    *sql.DB
}

func newOldDatabase(t testing.TB, engine string, options store.Options, version int64) oldDatabase {
	t.Helper()
	db := oldDatabase{t: t, engine: engine, raw: storetest.Raw(t, options)}
	dir, err := fs.Sub(migrations.FS, engine)
	if err != nil {
		t.Fatal(err)
	}
	dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[engine]
	provider, err := goose.NewProvider(dialect, db.raw, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return db
}

type row map[string]any

func (db oldDatabase) insert(table string, values row) {
	db.t.Helper()
	var names, places []string
	var args []any
	for _, name := range slices.Sorted(maps.Keys(values)) {
		names, args = append(names, name), append(args, values[name])
		places = append(places, map[string]string{"sqlite": "?", "postgres": fmt.Sprintf("$%d", len(args))}[db.engine])
	}
	statement := fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(names, ", "), strings.Join(places, ", "))
	if _, err := db.raw.ExecContext(db.t.Context(), statement, args...); err != nil {
		db.t.Fatalf("%s: %v", statement, err)
	}
}

// dump is every value of those columns, a line for each row.
func (db oldDatabase) dump(tables map[string][]string) map[string][]string {
	db.t.Helper()
	all := map[string][]string{}
	for table, columns := range tables {
		rows, err := db.raw.QueryContext(db.t.Context(), fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), table))
		if err != nil {
			db.t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				db.t.Fatal(err)
			}
			all[table] = append(all[table], fmt.Sprintf("%#v", values))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			db.t.Fatal(err)
		}
		slices.Sort(all[table])
	}
	return all
}

func text(rows *sql.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}

// columnsBefore are the columns of every table at the version.
func (db oldDatabase) columnsBefore() map[string][]string {
	db.t.Helper()
	rows, err := db.raw.QueryContext(db.t.Context(), listColumns[db.engine])
	if err != nil {
		db.t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.Table, &c.Name, &c.Type, &c.Nullable); err != nil {
			db.t.Fatal(err)
		}
		tables[c.Table] = append(tables[c.Table], c.Name)
	}
	if err := rows.Err(); err != nil {
		db.t.Fatal(err)
	}
	return tables
}

// fill writes what a service of before the desk had: claims in each state, with
// estimates and events.
func (db oldDatabase) fill(f fixture, all []claims.Claim) {
	db.t.Helper()
	vault := storetest.Vault()
	seal := func(column, id, text string) []byte { return vault.Seal(column+"/"+id, []byte(text)) }
	db.insert("keys", row{"id": "k", "role": "reviewer", "label": "l", "issued_by": "", "hash": []byte{1}, "created_at": 1, "expires_at": 2})
	db.insert("incidents", row{"id": f.incident.ID, "platform": "p", "state": "open", "body": "{}", "version": 1, "created_at": 1, "updated_at": 1})
	db.insert("schemes", row{"id": "fair", "version": 1, "title_ko": "공정", "title_en": "Fair", "hash": "a", "bytes": []byte("{}"), "created_at": 1})
	for _, c := range []claims.Claimant{f.merchant, f.driver} {
		values := row{
			"id": c.ID, "kind": string(c.Kind), "name_sealed": seal("claimants.name", c.ID, c.Name), "phone_sealed": seal("claimants.phone", c.ID, c.Phone),
			"phone_index": []byte{1}, "zone": c.Zone, "currency": c.Currency, "version": 1, "created_at": 1, "updated_at": 1,
		}
		if c.DriverID != "" {
			values["driver_sealed"], values["driver_index"] = seal("claimants.driver", c.ID, c.DriverID), []byte{2}
		}
		db.insert("claimants", values)
		for i, o := range c.Outlets {
			db.insert("outlets", row{
				"claimant_id": c.ID, "code": o.Code, "position": i, "name_sealed": seal("outlets.name", c.ID+"/"+o.Code, o.Name), "sector": o.Sector, "region": o.Region,
			})
		}
	}
	for _, c := range all {
		content, err := json.Marshal(c.Content)
		if err != nil {
			db.t.Fatal(err)
		}
		values := row{
			"id": c.ID, "reference": c.Reference, "incident_id": c.IncidentID, "claimant_id": c.ClaimantID, "outlet": c.Outlet, "channel": c.Channel,
			"state": string(c.State), "late": 0, "currency": c.Currency, "content_sealed": seal("claims.content", c.ID, string(content)),
			"claimed": int64(c.Claimed), "outcome": c.Outcome, "estimates": c.Estimates, "filed_by": c.FiledBy, "version": c.Version,
			"created_at": c.CreatedAt.UnixMicro(), "updated_at": c.UpdatedAt.UnixMicro(),
		}
		if c.SubmittedAt != nil {
			values["submitted_at"], values["estimated"] = c.SubmittedAt.UnixMicro(), int64(*c.Estimated)
		}
		db.insert("claims", values)
		for n := range c.Version {
			entry, event := f.event(db.t, c.ID, n+1)
			db.insert("entries", row{
				"id": entry.ID, "type": entry.Type, "subject": entry.Subject, "at": 1, "salt": entry.Salt, "body": entry.Body, "commitment": entry.Commitment,
			})
			db.insert("events", row{
				"claim_id": c.ID, "n": n + 1, "type": event.Type, "at": 1, "actor": "claimant", "key_id": "k", "data": "{}", "entry_id": entry.ID,
			})
		}
		for n := range c.Estimates {
			e := f.estimate(c.ID, n+1)
			db.insert("estimates", row{
				"claim_id": c.ID, "n": e.N, "bytes": e.Bytes, "hash": e.Hash, "inputs": e.Inputs, "input_hash": e.InputHash, "model": e.Model,
				"scheme_id": "fair", "scheme_version": 1, "amount": int64(e.Amount), "outcome": e.Outcome, "made_at": 1,
			})
		}
	}
}

func TestDeskTakesOverEveryClaimOfBeforeIt(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			options := storetest.Empty(t, engine)
			old := newOldDatabase(t, engine, options, 2)
			// What the platform knew of outlets was not kept before the desk.
			f := fixture{incident: anIncident(), merchant: aMerchant(), driver: claims.Claimant{
				ID: newID(), Kind: claims.Driver, Name: "기사", Phone: "010-2222-3333", DriverID: "D-1001", Zone: "Asia/Seoul", Currency: "KRW",
				Outlets: []claims.Outlet{{Code: "main", Name: "택시", Sector: "taxi", Region: "KR-26"}},
			}}
			draft, submitted, driven, withdrawn := f.claim("main"), f.fullClaim("annex"), f.fullClaim("main"), f.fullClaim("annex")
			submitted.Late, submitted.FiledPerson, submitted.Claimed, submitted.Estimated = false, "", 5, ptr(submitted.Stake)
			driven.Late, driven.FiledPerson, driven.ClaimantID = false, "", f.driver.ID
			withdrawn.State = claims.Withdrawn
			all := []claims.Claim{draft, submitted, driven, withdrawn}
			old.fill(f, all)
			tables := old.columnsBefore()
			delete(tables, "field_key") // sealed by Migrate itself
			before := old.dump(tables)

			db := openMigrated(t, options)
			if diff := gocmp.Diff(before, old.dump(tables)); diff != "" {
				t.Errorf("rows (-before +after):\n%s", diff)
			}

			got := read[claims.Claim](t)(db.Claim(t.Context(), submitted.ID))
			submitted.Desk = claims.Desk{
				Sector: "cafe", Region: "KR-41", Stake: *submitted.Estimated, Rank: *submitted.SubmittedAt, StateSince: submitted.UpdatedAt,
			}
			merchant := f.merchant
			merchant.Outlets = []claims.Outlet{{Code: "annex"}}
			submitted.Unit = db.Unit(merchant, "annex")
			equal(t, "submitted claim", submitted, got)
			if diff := gocmp.Diff([]string{submitted.Services()}, query(t, db, fmt.Sprintf("SELECT services FROM claims WHERE id = '%s'", submitted.ID), text)); diff != "" {
				t.Errorf("services of the submitted claim (-want +got):\n%s", diff)
			}
			if got := read[claims.Claim](t)(db.Claim(t.Context(), driven.ID)); !bytes.Equal(got.Unit, db.Unit(claims.Claimant{DriverID: "D-1001"}, "main")) {
				t.Errorf("unit of the driver's claim: %x", got.Unit)
			}
			equal(t, "stages", []claims.Stage{{ClaimID: submitted.ID, N: submitted.Version, State: claims.Submitted, Entered: submitted.UpdatedAt}},
				read[[]claims.Stage](t)(db.Stages(t.Context(), submitted.ID)))
			if key, err := db.Key(t.Context(), "k"); err != nil || key.Person != "k" {
				t.Errorf("the key's person is %q, %v", key.Person, err)
			}

			// The claim lives on under the desk, and what guarded it still does.
			inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
				got.State = claims.InReview
				return tx.UpdateClaim(ctx, got)
			})
			err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, f.claim("annex")) })
			if fault.KindOf(err) != fault.Conflict {
				t.Errorf("a second claim of an outlet: %v; want Conflict", err)
			}
			for statement, why := range map[string]string{
				"UPDATE claims SET state = 'lost'":                                  "a state that is none",
				fmt.Sprintf("DELETE FROM claims WHERE id = '%s'", submitted.ID):     "a claim with estimates deleted",
				fmt.Sprintf("UPDATE events SET claim_id = '%s'", newID()):           "events of no claim",
				fmt.Sprintf("UPDATE claims SET incident_id = '%s'", f.merchant.ID):  "claims of no incident",
				fmt.Sprintf("UPDATE estimates SET claim_id = '%s'", f.merchant.ID):  "estimates of no claim",
				fmt.Sprintf("UPDATE claims SET claimant_id = '%s'", f.incident.ID):  "claims of no claimant",
				fmt.Sprintf("UPDATE claims SET reference = '%s'", draft.Reference):  "two claims of one reference",
				fmt.Sprintf("UPDATE claims SET claimed = -1 WHERE id='%s'", got.ID): "a negative amount",
			} {
				if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil {
					t.Errorf("%s: %s was taken", why, statement)
				}
			}
		})
	}
}

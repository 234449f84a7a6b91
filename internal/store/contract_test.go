package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// read fails the test on an error.
func read[T any](t testing.TB) func(T, error) T {
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func TestKeysAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		full := identity.Key{
			ID: "full", Role: identity.Delegate, Label: "세무사 <사무실>", Person: "p-tax", ClaimantID: f.merchant.ID, IssuedBy: "admin", Hash: []byte{0, 1, 255},
			CreatedAt: at(1), ExpiresAt: at(2), RevokedAt: ptr(at(3)),
		}
		bare := identity.Key{ID: "bare", Role: identity.Admin, Hash: []byte{1}, CreatedAt: at(1), ExpiresAt: at(2)}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertKey(ctx, full), tx.InsertKey(ctx, bare))
		})
		equal(t, "key", full, read[identity.Key](t)(db.Key(t.Context(), "full")))
		equal(t, "key", bare, read[identity.Key](t)(db.Key(t.Context(), "bare")))

		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.RevokeKey(ctx, "bare", at(9)) })
		bare.RevokedAt = ptr(at(9))
		equal(t, "revoked key", bare, read[identity.Key](t)(db.Key(t.Context(), "bare")))
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.RevokeKey(ctx, "bare", at(10)) })
		if fault.KindOf(err) != fault.Stale {
			t.Errorf("a second revocation: %v; want Stale", err)
		}
		equal(t, "key revoked twice", bare, read[identity.Key](t)(db.Key(t.Context(), "bare")))
	})
}

func TestIncidentsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		full := anIncident()
		bare := claims.Incident{
			ID: newID(), Name: lang.T("Bare", "빈"), State: claims.IncidentDraft, StartsAt: at(0), EndsAt: at(1),
			Filing: claims.Filing{OpensAt: at(2), ClosesAt: at(3)}, Version: 1, CreatedAt: at(4), UpdatedAt: at(4),
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertIncident(ctx, full), tx.InsertIncident(ctx, bare))
		})
		equal(t, "incident", full, read[claims.Incident](t)(db.Incident(t.Context(), full.ID)))
		equal(t, "incident", bare, read[claims.Incident](t)(db.Incident(t.Context(), bare.ID)))

		// Each takes the other's content, so that every field changes both ways.
		emptied, filled := bare, full
		emptied.ID, filled.ID = full.ID, bare.ID
		emptied.CreatedAt, filled.CreatedAt = full.CreatedAt, bare.CreatedAt
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.UpdateIncident(ctx, emptied), tx.UpdateIncident(ctx, filled))
		})
		emptied.Version, filled.Version = 2, 2
		equal(t, "emptied incident", emptied, read[claims.Incident](t)(db.Incident(t.Context(), full.ID)))
		equal(t, "filled incident", filled, read[claims.Incident](t)(db.Incident(t.Context(), bare.ID)))
	})
}

func TestSchemesAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		second := claims.SchemeVersion{
			ID: "fair", Version: 2, Title: lang.T("Fairer <2>", "더 공정"), Hash: "ff", CreatedAt: at(1),
			Bytes: []byte("\ufeff{ \"id\" : \"fair\",\r\n \"nul\": \"\x00\" }\n"), // exact bytes, however they look
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertScheme(ctx, second) })
		equal(t, "first version", f.scheme, read[claims.SchemeVersion](t)(db.Scheme(t.Context(), "fair", 1)))
		equal(t, "second version", second, read[claims.SchemeVersion](t)(db.Scheme(t.Context(), "fair", 2)))
		equal(t, "newest version", second, read[claims.SchemeVersion](t)(db.Scheme(t.Context(), "fair", 0)))
	})
}

func TestClaimantsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		equal(t, "merchant", f.merchant, read[claims.Claimant](t)(db.Claimant(t.Context(), f.merchant.ID)))
		equal(t, "driver", f.driver, read[claims.Claimant](t)(db.Claimant(t.Context(), f.driver.ID)))

		without := f.merchant
		without.Name, without.Phone, without.Bank, without.AnnualRevenue, without.UpdatedAt = "가을", "02-111-2222", nil, nil, at(9)
		without.AccountChanged = nil
		without.Outlets = []claims.Outlet{{Code: "annex", Name: "옮긴 별관", Sector: "salon", Region: "KR-50"}}
		with := f.driver
		with.Bank, with.AnnualRevenue, with.UpdatedAt = f.merchant.Bank, ptr(money.Minor(0)), at(9)
		with.AccountChanged = ptr(at(8))
		with.Outlets = append([]claims.Outlet{{Code: "night", Name: "심야", Sector: "taxi", Region: "KR-11"}}, with.Outlets...)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.UpdateClaimant(ctx, without), tx.UpdateClaimant(ctx, with))
		})
		without.Version, with.Version = 2, 2
		equal(t, "emptied claimant", without, read[claims.Claimant](t)(db.Claimant(t.Context(), f.merchant.ID)))
		equal(t, "filled claimant", with, read[claims.Claimant](t)(db.Claimant(t.Context(), f.driver.ID)))
	})
}

func TestClaimsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		full, bare := f.fullClaim("main"), f.claim("annex")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertClaim(ctx, full), tx.InsertClaim(ctx, bare))
		})
		equal(t, "claim", full, read[claims.Claim](t)(db.Claim(t.Context(), full.ID)))
		equal(t, "claim", bare, read[claims.Claim](t)(db.Claim(t.Context(), bare.ID)))

		// All that may change changes, from something to nothing and back.
		emptied, filled := full, bare
		emptied.State, emptied.Late, emptied.Content, emptied.Claimed, emptied.Estimated = bare.State, bare.Late, bare.Content, bare.Claimed, bare.Estimated
		emptied.Desk, filled.Desk = bare.Desk, full.Desk
		emptied.PromisedAt = full.PromisedAt // kept, whatever is written
		emptied.Outcome, emptied.Estimates, emptied.SubmittedAt, emptied.UpdatedAt = bare.Outcome, bare.Estimates, bare.SubmittedAt, at(77)
		filled.State, filled.Late, filled.Content, filled.Claimed, filled.Estimated = full.State, full.Late, full.Content, full.Claimed, full.Estimated
		filled.Outcome, filled.Estimates, filled.SubmittedAt, filled.UpdatedAt = full.Outcome, full.Estimates, full.SubmittedAt, at(78)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.UpdateClaim(ctx, emptied), tx.UpdateClaim(ctx, filled))
		})
		emptied.Version++
		filled.Version++
		equal(t, "emptied claim", emptied, read[claims.Claim](t)(db.Claim(t.Context(), full.ID)))
		equal(t, "filled claim", filled, read[claims.Claim](t)(db.Claim(t.Context(), bare.ID)))
	})
}

func TestEstimatesAndEventsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.claim("main")
		var events []claims.Event
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			err := errors.Join(
				tx.InsertClaim(ctx, claim), tx.InsertEstimate(ctx, f.estimate(claim.ID, 2)), tx.InsertEstimate(ctx, f.estimate(claim.ID, 1)))
			for _, n := range []int64{2, 1} { // read back in order all the same
				entry, event := f.event(t, claim.ID, n)
				events = append([]claims.Event{event}, events...)
				err = errors.Join(err, tx.InsertEntry(ctx, entry), tx.InsertEvent(ctx, event))
			}
			return err
		})
		equal(t, "first estimate", f.estimate(claim.ID, 1), read[claims.Estimate](t)(db.Estimate(t.Context(), claim.ID, 1)))
		equal(t, "newest estimate", f.estimate(claim.ID, 2), read[claims.Estimate](t)(db.Estimate(t.Context(), claim.ID, 0)))
		equal(t, "events", events, read[[]claims.Event](t)(db.Events(t.Context(), claim.ID)))
		if none := read[[]claims.Event](t)(db.Events(t.Context(), newID())); len(none) != 0 {
			t.Errorf("events of nothing: %+v", none)
		}
	})
}

func TestNewestUploadOfEachSourceIsCurrentAndTheOldAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		all := []claims.Upload{
			f.upload(revenue.FromClaimant, 0), f.upload(revenue.FromPlatform, 1), f.upload(revenue.FromClaimant, 2),
			f.upload(revenue.FromClaimant, 3), f.upload(revenue.FromClaimant, 4),
		}
		all[2].Service = "pay"
		all[3].Outlet = "annex"
		for i, u := range all {
			inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
				return tx.InsertUpload(ctx, u, revenue.Pack(history(money.Minor(1000*i))))
			})
		}
		uploads := read[[]claims.Upload](t)
		equal(t, "current, the platform's first", []claims.Upload{all[1], all[4]}, uploads(db.Uploads(t.Context(), f.merchant.ID, "main", "taxi")))
		equal(t, "current of another service", all[2:3], uploads(db.Uploads(t.Context(), f.merchant.ID, "main", "pay")))
		equal(t, "current of another outlet", all[3:4], uploads(db.Uploads(t.Context(), f.merchant.ID, "annex", "taxi")))
		if none := uploads(db.Uploads(t.Context(), f.driver.ID, "main", "taxi")); len(none) != 0 {
			t.Errorf("another claimant has %+v", none)
		}

		// The one that was replaced is still there for whoever recomputes.
		var ids []string
		want := map[string]claims.SourcedHistory{}
		for i, u := range all {
			ids = append(ids, u.ID)
			h := read[revenue.History](t)(revenue.Unpack(revenue.Pack(history(money.Minor(1000 * i)))))
			want[u.ID] = claims.SourcedHistory{Source: u.Source, History: h}
		}
		histories := read[map[string]claims.SourcedHistory](t)
		equal(t, "histories", want, histories(db.Histories(t.Context(), append(ids, newID()))))
		equal(t, "no histories", map[string]claims.SourcedHistory{}, histories(db.Histories(t.Context(), nil)))
	})
}

func TestUploadOfAnEmptyHistoryIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		empty, other := f.upload(revenue.FromPlatform, 0), f.upload(revenue.FromClaimant, 0)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertUpload(ctx, empty, nil), tx.InsertUpload(ctx, other, revenue.Pack(history(1))))
		})
		found := read[map[string]claims.SourcedHistory](t)(db.Histories(t.Context(), []string{empty.ID, other.ID}))
		if got, ok := found[empty.ID]; !ok || got.Source != revenue.FromPlatform || got.History.Len() != 0 {
			t.Errorf("the empty history: %+v, found %t", got, ok)
		}
		if got := found[other.ID]; got.History.Len() == 0 {
			t.Errorf("the other: %+v", got)
		}
	})
}

func TestOutletIsUsedOnceAHistoryOrAClaimRefersToIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		upload, withdrawn := f.upload(revenue.FromClaimant, 0), f.claim("annex")
		withdrawn.State = claims.Withdrawn
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertUpload(ctx, upload, nil), tx.InsertClaim(ctx, withdrawn))
		})
		for outlet, want := range map[string]bool{"main": true, "annex": true, "kiosk": false} {
			if got := read[bool](t)(db.OutletUsed(t.Context(), f.merchant.ID, outlet)); got != want {
				t.Errorf("%s is used: %t, want %t", outlet, got, want)
			}
		}
		if read[bool](t)(db.OutletUsed(t.Context(), f.driver.ID, "main")) {
			t.Error("another claimant's outlet of the same code is used")
		}
	})
}

func TestWhatIsAbsentIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.claim("main")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertClaim(ctx, claim), tx.InsertEstimate(ctx, f.estimate(claim.ID, 1)))
		})
		ctx := t.Context()
		for code, find := range map[string][]func() error{
			"key_not_found":      {func() error { _, err := db.Key(ctx, "none"); return err }},
			"incident_not_found": {func() error { _, err := db.Incident(ctx, newID()); return err }, func() error { _, err := db.Incident(ctx, ""); return err }},
			"scheme_not_found": {
				func() error { _, err := db.Scheme(ctx, "none", 0); return err },
				func() error { _, err := db.Scheme(ctx, "fair", 2); return err },
				func() error { _, err := db.Scheme(ctx, "FAIR", 1); return err },
			},
			"claimant_not_found": {func() error { _, err := db.Claimant(ctx, newID()); return err }, func() error { _, err := db.Claimant(ctx, ""); return err }},
			"claim_not_found":    {func() error { _, err := db.Claim(ctx, newID()); return err }, func() error { _, err := db.Claim(ctx, claim.Reference); return err }},
			"estimate_not_found": {
				func() error { _, err := db.Estimate(ctx, newID(), 0); return err },
				func() error { _, err := db.Estimate(ctx, claim.ID, 2); return err },
			},
		} {
			for i, find := range find {
				if f := fault.As(find()); f == nil || f.Kind != fault.NotFound || f.Code != code {
					t.Errorf("%s, way %d: got %v", code, i, f)
				}
			}
		}
	})
}

func TestBrokenUniquenessIsAConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.claim("main")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, claim) })
		sameNumber, sameDriver := aMerchant(), f.driver
		sameNumber.BusinessNumber = "1234567891" // written without hyphens
		sameDriver.ID = newID()
		for name, c := range map[string]struct {
			code   string
			insert func(ctx context.Context, tx claims.Tx) error
		}{
			"a scheme version":  {"scheme_version_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertScheme(ctx, f.scheme) }},
			"a business number": {"claimant_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaimant(ctx, sameNumber) }},
			"a driver id":       {"claimant_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaimant(ctx, sameDriver) }},
			"a live claim":      {"claim_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, f.claim("main")) }},
		} {
			err := db.InTx(t.Context(), c.insert)
			if f := fault.As(err); f == nil || f.Kind != fault.Conflict || f.Code != c.code {
				t.Errorf("%s that is taken: %v; want Conflict, %s", name, err, c.code)
			}
		}
	})
}

func TestOneLiveClaimForEachIncidentClaimantAndOutlet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		other := newFixtureIncident(t, db)
		stands := func() bool {
			t.Helper()
			return read[bool](t)(db.ClaimExists(t.Context(), f.incident.ID, f.merchant.ID, "main"))
		}
		if stands() {
			t.Error("a claim stands before any was made")
		}

		const rivals = 16
		rival := make([]claims.Claim, rivals)
		for i := range rival {
			rival[i] = f.claim("main")
		}
		won := race(t, rivals, func(i int) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, rival[i]) })
		}, fault.Conflict)
		if !stands() {
			t.Error("no claim stands after one was made")
		}

		otherOutlet, otherIncident, otherClaimant := f.claim("annex"), f.claim("main"), f.claim("main")
		otherIncident.IncidentID, otherClaimant.ClaimantID = other.ID, f.driver.ID
		again := f.claim("main")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertClaim(ctx, otherOutlet), tx.InsertClaim(ctx, otherIncident), tx.InsertClaim(ctx, otherClaimant))
		})
		rival[won].State = claims.Withdrawn
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.UpdateClaim(ctx, rival[won]) })
		if stands() {
			t.Error("a withdrawn claim stands")
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, again) })
		if !stands() {
			t.Error("the claim made after the withdrawal does not stand")
		}
	})
}

func newFixtureIncident(t testing.TB, db *store.Store) claims.Incident {
	t.Helper()
	other := anIncident()
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertIncident(ctx, other) })
	return other
}

// race runs n rivals together, of which one must win and the others be refused
// with that kind, and answers who won.
func race(t testing.TB, n int, run func(i int) error, refused fault.Kind) int {
	t.Helper()
	var together, done sync.WaitGroup
	together.Add(1)
	errs := make([]error, n)
	for i := range n {
		done.Go(func() {
			together.Wait()
			errs[i] = run(i)
		})
	}
	together.Done()
	done.Wait()
	won := slices.Index(errs, nil)
	for i, err := range errs {
		if i != won && fault.KindOf(err) != refused {
			t.Errorf("rival %d: %v; want %s, for rival %d has won", i, err, refused, won)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	return won
}

func TestOneOfManyUpdatesOfAVersionWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.claim("main")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, claim) })
		for name, r := range map[string]struct {
			update func(ctx context.Context, tx claims.Tx, updated time.Time) error
			read   func() (version int64, updated time.Time, err error)
		}{
			"claim": {
				func(ctx context.Context, tx claims.Tx, updated time.Time) error {
					c := claim
					c.UpdatedAt = updated
					return tx.UpdateClaim(ctx, c)
				},
				func() (int64, time.Time, error) {
					c, err := db.Claim(t.Context(), claim.ID)
					return c.Version, c.UpdatedAt, err
				},
			},
			"claimant": {
				func(ctx context.Context, tx claims.Tx, updated time.Time) error {
					c := f.merchant
					c.UpdatedAt = updated
					return tx.UpdateClaimant(ctx, c)
				},
				func() (int64, time.Time, error) {
					c, err := db.Claimant(t.Context(), f.merchant.ID)
					return c.Version, c.UpdatedAt, err
				},
			},
			"incident": {
				func(ctx context.Context, tx claims.Tx, updated time.Time) error {
					i := f.incident
					i.UpdatedAt = updated
					return tx.UpdateIncident(ctx, i)
				},
				func() (int64, time.Time, error) {
					i, err := db.Incident(t.Context(), f.incident.ID)
					return i.Version, i.UpdatedAt, err
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				won := race(t, 16, func(i int) error {
					return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return r.update(ctx, tx, at(100+i)) })
				}, fault.Stale)
				version, updated, err := r.read()
				if err != nil || version != 2 || !updated.Equal(at(100+won)) {
					t.Errorf("version %d of %v, %v; want 2, the winner's of %v", version, updated, err, at(100+won))
				}
			})
		}
	})
}

func TestUpdatesOfWhatIsAbsentAreStale(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for name, update := range map[string]func(ctx context.Context, tx claims.Tx) error{
			"claim":    func(ctx context.Context, tx claims.Tx) error { return tx.UpdateClaim(ctx, f.claim("main")) },
			"claimant": func(ctx context.Context, tx claims.Tx) error { return tx.UpdateClaimant(ctx, aMerchant()) },
			"incident": func(ctx context.Context, tx claims.Tx) error { return tx.UpdateIncident(ctx, anIncident()) },
			"key":      func(ctx context.Context, tx claims.Tx) error { return tx.RevokeKey(ctx, "none", at(0)) },
		} {
			if err := db.InTx(t.Context(), update); fault.KindOf(err) != fault.Stale {
				t.Errorf("%s: %v; want Stale", name, err)
			}
		}
	})
}

// Whatever an instant is given as, the microsecond that it lies in is kept, in
// UTC.
func TestInstantsAreKeptToTheMicrosecondInUTC(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		key := aKey("k")
		key.CreatedAt = time.Date(2022, 10, 15, 15, 30, 0, 123_456_789, time.FixedZone("KST", 9*60*60))
		key.ExpiresAt = time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertKey(ctx, key) })
		key.CreatedAt = time.Date(2022, 10, 15, 6, 30, 0, 123_456_000, time.UTC)
		equal(t, "key", key, read[identity.Key](t)(db.Key(t.Context(), "k")))
	})
}

func TestSummaryOfAnUploadKeepsItsBytes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u := f.upload(revenue.FromClaimant, 0)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertUpload(ctx, u, nil) })
		got := read[[]claims.Upload](t)(db.Uploads(t.Context(), u.ClaimantID, u.Outlet, u.Service))
		if diff := cmp.Diff([]json.RawMessage{u.Summary}, []json.RawMessage{got[0].Summary}); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
	})
}

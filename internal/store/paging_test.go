package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// standingAtFirst is how many items a list has before the first page is read.
const standingAtFirst = 11

// list is one paged list: how it is read, the id of an item and how another item
// comes in.
type list struct {
	read   func(page claims.Page) ([]string, error)
	insert func(n int) error // n counts up from 0
}

// ids lists items by their ids.
func ids[T any](items []T, err error, id func(T) string) ([]string, error) {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = id(item)
	}
	return out, err
}

func lists(t *testing.T, db *store.Store, f fixture) map[string]list {
	ctx := t.Context()
	keyID := func(k identity.Key) string { return k.ID }
	claimID := func(c claims.Claim) string { return c.ID }
	incidentID := func(i claims.Incident) string { return i.ID }
	instant := 0
	insertKey := func(n int) error {
		// Ids of keys are random. Of those that stand at first, four share each
		// instant; each that comes in later is newer.
		if n%4 == 0 || n >= standingAtFirst {
			instant++
		}
		return db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
			id, _, _ := identity.NewToken()
			k := aKey(id)
			k.Role, k.ClaimantID, k.CreatedAt = identity.Claimant, f.merchant.ID, at(instant)
			return tx.InsertKey(ctx, k)
		})
	}
	insertClaim := func(int) error {
		return db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
			c := f.claim(newID())
			c.Estimates = 1
			return errors.Join(tx.InsertClaim(ctx, c), tx.InsertEstimate(ctx, f.estimate(c.ID, 1)))
		})
	}
	return map[string]list{
		"keys": {
			func(p claims.Page) ([]string, error) { k, err := db.Keys(ctx, "", p); return ids(k, err, keyID) }, insertKey,
		},
		"keys of a claimant": {
			func(p claims.Page) ([]string, error) {
				k, err := db.Keys(ctx, f.merchant.ID, p)
				return ids(k, err, keyID)
			}, insertKey,
		},
		"incidents": {
			func(p claims.Page) ([]string, error) {
				i, err := db.Incidents(ctx, true, p)
				return ids(i, err, incidentID)
			},
			func(int) error {
				return db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error { return tx.InsertIncident(ctx, anIncident()) })
			},
		},
		"claims": {
			func(p claims.Page) ([]string, error) {
				c, err := db.Claims(ctx, claims.ClaimFilter{}, p)
				return ids(c, err, claimID)
			}, insertClaim,
		},
		"claims by a filter": {
			func(p claims.Page) ([]string, error) {
				c, err := db.Claims(ctx, claims.ClaimFilter{IncidentID: f.incident.ID, ClaimantID: f.merchant.ID, States: []claims.State{claims.Drafted}}, p)
				return ids(c, err, claimID)
			}, insertClaim,
		},
		"standing estimates": {
			func(p claims.Page) ([]string, error) {
				e, err := db.SubmittedEstimates(ctx, f.incident.ID, p)
				return ids(e, err, func(e claims.Estimate) string { return e.ClaimID })
			},
			func(n int) error {
				return db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
					c := f.claim(newID())
					c.Estimates, c.State = 1, claims.States[1+n%8]
					return errors.Join(tx.InsertClaim(ctx, c), tx.InsertEstimate(ctx, f.estimate(c.ID, 1)))
				})
			},
		},
		"newest estimates": {
			func(p claims.Page) ([]string, error) {
				e, err := db.NewestEstimates(ctx, f.incident.ID, p)
				return ids(e, err, func(e claims.Estimate) string { return e.ClaimID })
			}, insertClaim,
		},
	}
}

// What stood when the first page was read comes out once each, in one order,
// while more comes in, whatever the length of a page.
func TestPagesAreCompleteAndWithoutRepeatsWhileItemsComeIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		for name, l := range lists(t, db, newFixture(t, db)) {
			t.Run(name, func(t *testing.T) {
				n := 0
				grow := func() {
					t.Helper()
					if err := l.insert(n); err != nil {
						t.Fatal(err)
					}
					n++
				}
				for range standingAtFirst {
					grow()
				}
				for _, limit := range []int{1, 3, 50} {
					standing := read[[]string](t)(l.read(claims.Page{Limit: 1000}))
					var seen []string
					for page := (claims.Page{Limit: limit}); ; {
						items := read[[]string](t)(l.read(page))
						if len(items) > limit {
							t.Fatalf("%d items on a page of %d", len(items), limit)
						}
						seen = append(seen, items...)
						if len(items) < limit || len(seen) > len(standing) {
							break
						}
						page.After = items[limit-1]
						grow()
					}
					if diff := cmp.Diff(standing, seen); diff != "" {
						t.Errorf("pages of %d (-standing at first +seen):\n%s", limit, diff)
					}
				}
			})
		}
	})
}

func TestKeysAreListedNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for i, id := range []string{"b", "c", "a", "d"} {
				k := aKey(id)
				k.CreatedAt = at(i / 3) // the first three at once
				err = errors.Join(err, tx.InsertKey(ctx, k))
			}
			return err
		})
		keys, err := db.Keys(t.Context(), "", claims.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := ids(keys, nil, func(k identity.Key) string { return k.ID })
		if diff := cmp.Diff([]string{"d", "c", "b", "a"}, got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

func TestSchemesAreListedByIDTheNewestVersionFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		var want []claims.SchemeRef
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for _, id := range []string{"b", "a-b", "a", "B", "한"} {
				for version := range 11 { // 10 sorts after 9
					v := claims.SchemeVersion{ID: id, Version: version + 1, Bytes: []byte("{}"), CreatedAt: at(0)}
					err = errors.Join(err, tx.InsertScheme(ctx, v))
				}
			}
			return err
		})
		for _, id := range []string{"B", "a", "a-b", "b", "한"} { // by bytes, on either engine
			for version := 11; version > 0; version-- {
				want = append(want, claims.SchemeRef{ID: id, Version: version})
			}
		}
		for _, limit := range []int{4, 100} {
			var got []claims.SchemeRef
			var after *claims.SchemeRef
			for {
				page, err := db.Schemes(t.Context(), after, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range page {
					got = append(got, claims.SchemeRef{ID: v.ID, Version: v.Version})
				}
				if len(page) < limit || len(got) > len(want) {
					break
				}
				after = &got[len(got)-1]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
	})
}

func TestClaimFilterNarrowsToWhatItNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		other := newFixtureIncident(t, db)
		var all []claims.Claim
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for _, incident := range []string{f.incident.ID, other.ID} {
				for _, claimant := range []string{f.merchant.ID, f.driver.ID} {
					for _, state := range []claims.State{claims.Drafted, claims.Submitted, claims.Withdrawn} {
						c := f.claim(string(state))
						c.IncidentID, c.ClaimantID, c.State = incident, claimant, state
						all = append([]claims.Claim{c}, all...)
						err = errors.Join(err, tx.InsertClaim(ctx, c))
					}
				}
			}
			return err
		})
		for _, incident := range []string{"", f.incident.ID, newID()} {
			for _, claimant := range []string{"", f.driver.ID, newID()} {
				for _, states := range [][]claims.State{nil, {claims.Submitted}, {claims.Withdrawn, claims.Submitted}, {"lost"}} {
					filter := claims.ClaimFilter{IncidentID: incident, ClaimantID: claimant, States: states}
					want := slices.DeleteFunc(slices.Clone(all), func(c claims.Claim) bool {
						return incident != "" && c.IncidentID != incident || claimant != "" && c.ClaimantID != claimant || states != nil && !slices.Contains(states, c.State)
					})
					got, err := db.Claims(t.Context(), filter, claims.Page{Limit: 100})
					if err != nil {
						t.Fatal(err)
					}
					equal(t, fmt.Sprintf("claims by %+v", filter), want, got)
				}
			}
		}
	})
}

func TestClaimFilterOfTheDeskNarrowsToWhatItNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		plain := f.insertClaim(t, db, "plain", func(c *claims.Claim) { c.PromisedAt, c.State = ptr(at(100)), claims.Closed })
		named := f.insertClaim(t, db, "named", func(c *claims.Claim) {
			c.Sector, c.Region, c.AssignedTo, c.Verdict, c.Score, c.Stake, c.PromisedAt = "taxi", "KR-11", "p-one", claims.Refused, 40, 5_000, ptr(at(100))
		})
		for name, filter := range map[string]claims.ClaimFilter{
			"sector": {Sector: "taxi"}, "region": {Region: "KR-11"}, "assignee": {AssignedTo: "p-one"}, "verdict": {Verdict: claims.Refused},
			"score": {ScoreFrom: 40}, "stake from": {StakeFrom: ptr(money.Minor(5_000))}, "overdue": {OverdueBefore: ptr(at(101))},
		} {
			equal(t, name, []claims.Claim{named}, read[[]claims.Claim](t)(db.Claims(t.Context(), filter, claims.Page{Limit: 9})))
		}
		for name, filter := range map[string]claims.ClaimFilter{
			"score": {ScoreFrom: 41}, "stake": {StakeFrom: ptr(money.Minor(5_001))}, "overdue": {OverdueBefore: ptr(at(100))}, "assignee": {AssignedTo: "p"},
		} {
			equal(t, "beyond: "+name, []claims.Claim{}, read[[]claims.Claim](t)(db.Claims(t.Context(), filter, claims.Page{Limit: 9})))
		}
		equal(t, "stake up to", []claims.Claim{plain}, read[[]claims.Claim](t)(
			db.Claims(t.Context(), claims.ClaimFilter{StakeUpTo: ptr(money.Minor(4_999))}, claims.Page{Limit: 9})))
	})
}

func TestRankedClaimsAreInTheOrderOfTheQueueAndCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		ranked := func(name string, rank int, submitted bool) claims.Claim {
			return f.insertClaim(t, db, name, func(c *claims.Claim) {
				c.Sector, c.Rank, c.SubmittedAt = "cafe", at(rank), nil
				if submitted {
					c.SubmittedAt = ptr(at(1))
				}
			})
		}
		draft, late, early, between := ranked("draft", 0, false), ranked("late", 30, true), ranked("early", 10, true), ranked("between", 20, true)
		f.insertClaim(t, db, "elsewhere", func(c *claims.Claim) { c.Sector = "taxi" })
		filter := claims.ClaimFilter{IncidentID: f.incident.ID, Sector: "cafe"}
		for limit, want := range map[int][]claims.Claim{2: {early, between}, 9: {early, between, late, draft}} {
			got, matched, err := db.Ranked(t.Context(), filter, limit)
			if err != nil || matched != 4 {
				t.Errorf("%d claims match, %v", matched, err)
			}
			equal(t, fmt.Sprintf("the first %d", limit), want, got)
		}
	})
}

func TestStandingClaimsAreThoseOfTheStandingStates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		want := 0
		for _, state := range claims.States {
			c := f.insertClaim(t, db, string(state), func(c *claims.Claim) { c.State, c.Estimates = state, 1 })
			inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertEstimate(ctx, f.estimate(c.ID, 1)) })
			if state.Standing() {
				want++
			}
		}
		estimates := read[[]claims.Estimate](t)(db.SubmittedEstimates(t.Context(), f.incident.ID, claims.Page{Limit: 99}))
		if n := read[int](t)(db.CountSubmitted(t.Context(), f.incident.ID)); n != want || len(estimates) != want {
			t.Errorf("%d counted, %d listed, want %d", n, len(estimates), want)
		}
	})
}

func TestDraftIncidentsAreListedOnlyWhenAskedFor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		draft, open, closed := anIncident(), anIncident(), anIncident()
		draft.State, closed.State = claims.IncidentDraft, claims.IncidentClosed
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertIncident(ctx, draft), tx.InsertIncident(ctx, open), tx.InsertIncident(ctx, closed))
		})
		equal(t, "with drafts", []claims.Incident{closed, open, draft}, read[[]claims.Incident](t)(db.Incidents(t.Context(), true, claims.Page{Limit: 9})))
		equal(t, "without", []claims.Incident{closed, open}, read[[]claims.Incident](t)(db.Incidents(t.Context(), false, claims.Page{Limit: 9})))
	})
}

func TestNewestEstimatesAreOneOfEachEstimatedClaim(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		other := newFixtureIncident(t, db)
		twice, once, never, elsewhere := f.claim("main"), f.claim("annex"), f.claim("kiosk"), f.claim("main")
		twice.Estimates, once.Estimates, elsewhere.Estimates, elsewhere.IncidentID = 2, 1, 1, other.ID
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(
				tx.InsertClaim(ctx, twice), tx.InsertClaim(ctx, once), tx.InsertClaim(ctx, never), tx.InsertClaim(ctx, elsewhere),
				tx.InsertEstimate(ctx, f.estimate(twice.ID, 1)), tx.InsertEstimate(ctx, f.estimate(twice.ID, 2)),
				tx.InsertEstimate(ctx, f.estimate(once.ID, 1)), tx.InsertEstimate(ctx, f.estimate(elsewhere.ID, 1)))
		})
		estimates := read[[]claims.Estimate](t)
		page := claims.Page{Limit: 10}
		equal(t, "of one incident", []claims.Estimate{f.estimate(once.ID, 1), f.estimate(twice.ID, 2)}, estimates(db.NewestEstimates(t.Context(), f.incident.ID, page)))
		equal(t, "of all incidents", []claims.Estimate{f.estimate(elsewhere.ID, 1), f.estimate(once.ID, 1), f.estimate(twice.ID, 2)},
			estimates(db.NewestEstimates(t.Context(), "", page)))
	})
}

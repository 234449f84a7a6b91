package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func TestDecisionsAreSealedOnceFromWhenTheyStand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		elsewhere := f.insertClaim(t, db, "main", func(c *claims.Claim) { c.IncidentID = newFixtureIncident(t, db).ID })
		atOnce, approved, returned, open := aDecision(claim.ID, 1), fullDecision(claim.ID, 2), fullDecision(other.ID, 1), fullDecision(other.ID, 2)
		atOnce.MadeAt = at(75) // after the approval
		approval, refusal := anApproval(approved), anApproval(returned)
		refusal.Approved = false
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertDecision(ctx, atOnce), tx.InsertDecision(ctx, approved), tx.InsertDecision(ctx, returned), tx.InsertDecision(ctx, open),
				tx.InsertDecision(ctx, aDecision(elsewhere.ID, 1)), tx.InsertApproval(ctx, approval), tx.InsertApproval(ctx, refusal))
		})
		approved.Approval = &approval
		list := read[[]claims.Decision](t)
		equal(t, "unsealed", []claims.Decision{approved, atOnce}, list(db.Unsealed(t.Context(), f.incident.ID, 9)))
		equal(t, "the first unsealed", []claims.Decision{approved}, list(db.Unsealed(t.Context(), f.incident.ID, 1)))

		first, second := f.batch(1), f.batch(1)
		seal := func(b claims.Batch, decisions ...claims.Decision) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertBatch(ctx, b, decisions) })
		}
		if err := errors.Join(seal(first, approved), seal(second, atOnce)); err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]claims.Decision{"a sealed one": approved, "one that does not stand": open, "one of another incident": aDecision(elsewhere.ID, 1)} {
			if err := seal(f.batch(1), d); fault.KindOf(err) != fault.Stale {
				t.Errorf("sealing %s: %v; want Stale", name, err)
			}
		}
		equal(t, "unsealed afterwards", []claims.Decision{}, list(db.Unsealed(t.Context(), f.incident.ID, 9)))
		equal(t, "sealed", []claims.Decision{approved}, list(db.BatchDecisions(t.Context(), first.ID)))
		equal(t, "batch", first, read[claims.Batch](t)(db.Batch(t.Context(), first.ID)))
		batches := read[[]claims.Batch](t)
		equal(t, "batches", []claims.Batch{second, first}, batches(db.Batches(t.Context(), f.incident.ID, claims.Page{Limit: 9})))
		equal(t, "second page of batches", []claims.Batch{first}, batches(db.Batches(t.Context(), f.incident.ID, claims.Page{Limit: 9, After: second.ID})))
	})
}

func TestSampleIsDrawnOnceAndReviewedBySomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		decision := fullDecision(claim.ID, 1) // made by p-one, approved by p-two
		batch := f.batch(1)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertDecision(ctx, decision), tx.InsertApproval(ctx, anApproval(decision)), tx.InsertBatch(ctx, batch, []claims.Decision{decision}),
				tx.InsertExclusion(ctx, claims.Exclusion{ClaimID: claim.ID, Person: "p-kept", Why: claims.ExcludedRecused}))
		})
		batch.Seed, batch.Sampled = bytes.Repeat([]byte{3}, 32), 1
		review := qualityReviewOf(batch, decision)
		draw := func() error {
			return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
				return tx.DrawBatch(ctx, batch, []claims.QualityReview{review})
			})
		}
		if err := draw(); err != nil {
			t.Fatal(err)
		}
		if err := draw(); fault.KindOf(err) != fault.Stale {
			t.Errorf("drawn twice: %v; want Stale", err)
		}
		equal(t, "drawn batch", batch, read[claims.Batch](t)(db.Batch(t.Context(), batch.ID)))
		equal(t, "open review", review, read[claims.QualityReview](t)(db.QualityReview(t.Context(), review.ID)))

		lease := func(person string, now int) *claims.QualityReview {
			t.Helper()
			var leased *claims.QualityReview
			inTx(t, db, func(ctx context.Context, tx claims.Tx) (err error) {
				leased, err = tx.LeaseQuality(ctx, f.incident.ID, person, at(now), at(now).Add(10*time.Minute))
				return err
			})
			return leased
		}
		for _, person := range []string{"p-one", "p-two", "p-kept"} {
			if got := lease(person, 100); got != nil {
				t.Errorf("%s may review %+v", person, got)
			}
		}
		leased := review
		leased.AssignedTo, leased.LeaseUntil = "p-three", ptr(at(110))
		equal(t, "leased", &leased, lease("p-three", 100))
		if got := lease("p-four", 109); got != nil {
			t.Errorf("leased within the lease: %+v", got)
		}
		leased.AssignedTo, leased.LeaseUntil = "p-four", ptr(at(120))
		equal(t, "leased again", &leased, lease("p-four", 110))

		end := func(person string, now int) error {
			done := leased
			done.Agrees, done.ErrorCode, done.Note, done.By, done.At = ptr(false), "wrong_amount", "한가을 님 건", person, ptr(at(now))
			return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.EndQuality(ctx, done, at(now)) })
		}
		for name, err := range map[string]error{"who had it before": end("p-three", 115), "after the lease": end("p-four", 120)} {
			if fault.KindOf(err) != fault.Stale {
				t.Errorf("ended by %s: %v; want Stale", name, err)
			}
		}
		if err := end("p-four", 119); err != nil {
			t.Fatal(err)
		}
		leased.Agrees, leased.ErrorCode, leased.Note, leased.By, leased.At = ptr(false), "wrong_amount", "한가을 님 건", "p-four", ptr(at(119))
		reviews := read[[]claims.QualityReview](t)
		equal(t, "reviews", []claims.QualityReview{leased}, reviews(db.QualityReviews(t.Context(), f.incident.ID, claims.Page{Limit: 9})))
		equal(t, "the page after", []claims.QualityReview{}, reviews(db.QualityReviews(t.Context(), f.incident.ID, claims.Page{Limit: 9, After: leased.ID})))
		if got := lease("p-five", 200); got != nil {
			t.Errorf("leased after its end: %+v", got)
		}
	})
}

package claims_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// BenchmarkSubmission submits claims, with estimate, checks, twins and copies, to
// SQLite databases of more and more claims in turn, so that whatever else the
// machine does meanwhile is the same for all. It reports the median of each and
// that of the largest against that of the smallest: twins are looked up, never
// compared, so it must not pass 1.5.
func BenchmarkSubmission(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	towns, took := make([]*town, len(sizes)), make([][]time.Duration, len(sizes))
	for i, n := range sizes {
		towns[i] = crowdedTown(b, n)
	}
	for number := 1; b.Loop(); number++ {
		for i, s := range towns {
			who := s.seller(b, 1_000_000+number)
			who.actor.Address = "198.51.100.9"
			began := time.Now()
			s.submits(b, who.actor, s.claims(who, items(100_000)))
			took[i] = append(took[i], time.Since(began))
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return took[i][len(took[i])/2].Seconds() * 1_000
	}
	for i, n := range sizes {
		b.ReportMetric(median(i), fmt.Sprintf("ms-against-%dk", n/1_000))
	}
	b.ReportMetric(median(len(sizes)-1)/median(0), "last/first")
	b.ReportMetric(0, "ns/op")
}

// crowdedTown is a town on SQLite in which n claimants have a claim each, with
// marks of a history; every tenth claims from one account, and every tenth for
// one car, as another.
func crowdedTown(b *testing.B, n int) *town {
	b.Helper()
	options := storetest.Options(b, "sqlite")
	db, err := store.Open(options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	s := settled(b, db)
	r := rand.New(rand.NewPCG(1, 2))
	pattern := s.shop(b, 0)
	original := s.submits(b, pattern.actor, s.claims(pattern))
	const atOnce = 500
	for made := 0; made < n; made += atOnce {
		err := db.InTx(b.Context(), func(ctx context.Context, tx claims.Tx) error {
			for i := made; i < min(made+atOnce, n); i++ {
				if err := settle(ctx, tx, r, pattern.Claimant, original, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// settle stores claimant i with a submitted claim.
func settle(ctx context.Context, tx claims.Tx, r *rand.Rand, c claims.Claimant, claim claims.Claim, i int) error {
	c.ID = uuid.Must(uuid.NewV7()).String()
	c.Phone, c.BusinessNumber = fmt.Sprintf("010%08d", i), fmt.Sprintf("9%09d", i)
	c.Bank = &claims.BankAccount{BankCode: "088", Number: fmt.Sprintf("300-%d", i-i%10/9), Holder: "가게"}
	c.Outlets = []claims.Outlet{{Code: "main", Name: "본점", Sector: "bakery", Region: "KR-11", PlatformID: fmt.Sprintf("crowd-%d", i-i%10/9)}}
	if err := tx.InsertClaimant(ctx, c); err != nil {
		return err
	}
	claim.ID, claim.ClaimantID, claim.Version = uuid.Must(uuid.NewV7()).String(), c.ID, 1
	claim.Reference, claim.Unit = "R-"+claim.ID, tx.Unit(c, "main")
	claim.FiledBy, claim.Address = c.ID, fmt.Sprintf("198.51.%d.%d", i/250%250, i%250)
	if i%20 == 0 {
		claim.Address = "198.51.100.9" // behind which many are
	}
	if err := tx.InsertClaim(ctx, claim); err != nil {
		return err
	}
	marks := make([]uint64, 36)
	for m := range marks {
		marks[m] = r.Uint64()
	}
	return tx.InsertMarks(ctx, c.ID, marks)
}

// settled is a town over an open database.
func settled(b *testing.B, db *store.Store) *town {
	b.Helper()
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	s := &town{engine: "sqlite", clock: clock{now: today}, actors: map[identity.Role]identity.Actor{}}
	s.Service = claims.New(db, s.clock.Now)
	if err := s.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, role := range []identity.Role{identity.Admin, identity.Reviewer} {
		issued := must(s.IssueFirstKey(b.Context(), claims.KeyRequest{Role: role, Label: string(role)}))(b)
		s.actors[role] = must(s.Authenticate(b.Context(), issued.Token))(b)
	}
	s.publish(b, 1)
	s.incident = s.open(b, anIncident())
	return s
}

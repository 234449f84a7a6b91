package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/publication"
	"redress/internal/revenue"
	"redress/internal/sandbox"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// fill fills a fresh database and answers a service over it, at the sandbox's
// own time.
func fill(t testing.TB, engine string, o sandbox.Options) (*claims.Service, sandbox.Sandbox) {
	t.Helper()
	db := empty(t, engine)
	box, err := sandbox.Fill(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return claims.New(db, func() time.Time { return sandbox.Now }), box
}

// empty is a migrated database with nothing in it.
func empty(t testing.TB, engine string) *store.Store {
	t.Helper()
	db, err := store.Open(storetest.Options(t, engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func actorOf(t testing.TB, service *claims.Service, box sandbox.Sandbox, role identity.Role) identity.Actor {
	t.Helper()
	actor, err := service.Authenticate(t.Context(), box.Keys[role])
	if err != nil {
		t.Fatalf("key of %s: %v", role, err)
	}
	return actor
}

// everyClaim pages through all claims.
func everyClaim(t testing.TB, service *claims.Service, admin identity.Actor) []claims.Claim {
	t.Helper()
	var all []claims.Claim
	page := claims.Page{Limit: 100}
	for {
		found, err := service.Claims(t.Context(), admin, claims.ClaimFilter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
		if len(found) < page.Limit {
			return all
		}
		page.After = found[len(found)-1].ID
	}
}

// portrait is what of a claim must be the same in every filling with one seed.
type portrait struct {
	State, Channel, Sector, Region string
	Late                           bool
	Histories                      []string // service, source and digest
	Baselines                      []string // JSON, one a line of the claim
	Compensation                   string   // JSON
	Claimed, Estimated             int64
	Outcome, SubmittedAt           string
}

func portraits(t testing.TB, service *claims.Service, box sandbox.Sandbox) map[string]portrait {
	t.Helper()
	ctx, admin := t.Context(), actorOf(t, service, box, identity.Admin)
	all := map[string]portrait{}
	for _, c := range everyClaim(t, service, admin) {
		who, err := service.Claimant(ctx, admin, c.ClaimantID)
		if err != nil {
			t.Fatal(err)
		}
		p := portrait{State: string(c.State), Channel: c.Channel, Late: c.Late, Sector: who.Outlets[0].Sector, Region: who.Outlets[0].Region,
			Claimed: int64(c.Claimed), Outcome: c.Outcome, Histories: digests(ctx, t, service, admin, c)}
		if c.Estimated != nil {
			p.Estimated, p.SubmittedAt = int64(*c.Estimated), c.SubmittedAt.String()
			p.Baselines, p.Compensation = estimateOf(t, service, admin, c.ID)
		}
		all[who.Name] = p
	}
	return all
}

// estimateOf is what of an estimate does not hang on random ids.
func estimateOf(t testing.TB, service *claims.Service, admin identity.Actor, claimID string) (baselines []string, compensation string) {
	t.Helper()
	e, err := service.Estimate(t.Context(), admin, claimID, 0)
	if err != nil {
		t.Fatal(err)
	}
	var parts struct {
		Lines        []struct{ Baseline json.RawMessage }
		Compensation json.RawMessage
	}
	if err := json.Unmarshal(e.Bytes, &parts); err != nil {
		t.Fatal(err)
	}
	for _, l := range parts.Lines {
		baselines = append(baselines, string(l.Baseline))
	}
	return baselines, string(parts.Compensation)
}

func digests(ctx context.Context, t testing.TB, service *claims.Service, admin identity.Actor, c claims.Claim) []string {
	t.Helper()
	var list []string
	for _, line := range c.Lines {
		uploads, err := service.Uploads(ctx, admin, c.ClaimantID, c.Outlet, line.Service)
		if err != nil {
			t.Fatal(err)
		}
		if len(uploads) == 0 {
			t.Errorf("claim %s has no history of %s", c.ID, line.Service)
		}
		for _, u := range uploads {
			list = append(list, fmt.Sprintf("%s %s %s", line.Service, u.Source, u.Digest))
		}
	}
	return list
}

func TestTheSameSeedGivesTheSameSandboxAndAnotherSeedAnother(t *testing.T) {
	service, box := fill(t, "sqlite", sandbox.Options{Seed: 7, Claimants: 40})
	want := portraits(t, service, box)
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			again, box := fill(t, engine, sandbox.Options{Seed: 7, Claimants: 40})
			if diff := cmp.Diff(want, portraits(t, again, box)); diff != "" {
				t.Errorf("two fillings with one seed differ (-first +second):\n%s", diff)
			}
			other, box := fill(t, engine, sandbox.Options{Seed: 8, Claimants: 40})
			if cmp.Equal(want, portraits(t, other, box)) {
				t.Error("another seed gives the same sandbox")
			}
		})
	}
}

func TestTheSandboxOfThreeHundredIsAsDesigned(t *testing.T) {
	var calls []int
	service, box := fill(t, "sqlite", sandbox.Options{Seed: 1, Claimants: sandbox.DefaultClaimants, Progress: func(done, total int) {
		if total != 300 {
			t.Errorf("progress of %d", total)
		}
		calls = append(calls, done)
	}})
	if len(calls) != 300 || !slices.IsSorted(calls) || calls[299] != 300 {
		t.Errorf("progress was told %d times", len(calls))
	}
	admin := actorOf(t, service, box, identity.Admin)
	states, late, outcomes, services, sources := map[claims.State]int{}, 0, map[string]int{}, map[string]int{}, map[revenue.Source]int{}
	for _, c := range everyClaim(t, service, admin) {
		states[c.State]++
		outcomes[c.Outcome]++
		if c.Late {
			late++
		}
		for _, l := range c.Lines {
			services[l.Service]++
			uploads, err := service.Uploads(t.Context(), admin, c.ClaimantID, c.Outlet, l.Service)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range uploads {
				sources[u.Source]++
			}
		}
	}
	t.Logf("outcomes %v, lines per service %v, histories per source %v", outcomes, services, sources)
	if diff := cmp.Diff(map[claims.State]int{claims.Drafted: 30, claims.Withdrawn: 6, claims.Submitted: 252}, states); diff != "" {
		t.Errorf("claims by state (-want +got):\n%s", diff)
	}
	if late != 2 {
		t.Errorf("%d late claims, want 2", late)
	}
	for _, outcome := range []string{"pays", "review", "cannot_tell"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no claim has the outcome %s", outcome)
		}
	}
	for _, code := range []string{"taxi", "hair", "shop", "pay"} {
		if services[code] == 0 {
			t.Errorf("no claim is about %s", code)
		}
	}
	if sources[revenue.FromPlatform] == 0 {
		t.Error("no history is the platform's")
	}
}

// What is published at the end is the same with the same seed, but for the order of
// the leaves: it must tell nothing of the order of claims, and no seed decides it.
func TestASandboxPublishesItsTotals(t *testing.T) {
	var first []publication.MeasureRelease
	roots := map[string]bool{}
	for _, engine := range storetest.Engines {
		service, box := fill(t, engine, sandbox.Options{Seed: 7, Claimants: 40, Publish: true})
		totals, err := service.Totals(t.Context(), identity.Anyone, box.IncidentID, []publication.Dimension{publication.Sector}, 0)
		if err != nil {
			t.Fatal(err)
		}
		submitted := int64(0)
		for _, c := range everyClaim(t, service, actorOf(t, service, box, identity.Admin)) {
			if c.SubmittedAt != nil {
				submitted++
			}
		}
		said := totals.Said.Measures
		if count := said[0].Total; totals.Release.Number != 1 || count == nil || *count != submitted || len(said[0].Tables) != 1 {
			t.Errorf("%s: release %d says %+v of %d claims", engine, totals.Release.Number, said, submitted)
		}
		if first == nil {
			first = said
		}
		if diff := cmp.Diff(first, said); diff != "" {
			t.Errorf("two fillings with one seed say (-first +second):\n%s", diff)
		}
		roots[totals.Said.Root.String()] = true
	}
	if len(roots) != len(storetest.Engines) {
		t.Error("two fillings have their leaves in one order")
	}
}

func TestTheIncidentTakesClaimsAtTheSandboxsTime(t *testing.T) {
	service, box := fill(t, "sqlite", sandbox.Options{Seed: 3, Claimants: 20})
	in, err := service.Incident(t.Context(), identity.Anyone, box.IncidentID)
	if err != nil {
		t.Fatal(err)
	}
	if in.State != claims.IncidentOpen || sandbox.Now.Before(in.Filing.OpensAt) || !sandbox.Now.Before(in.Filing.ClosesAt) {
		t.Errorf("the incident is %s and takes claims from %s to %s", in.State, in.Filing.OpensAt, in.Filing.ClosesAt)
	}
	for _, role := range identity.Roles {
		if actor := actorOf(t, service, box, role); actor.Role != role {
			t.Errorf("the key of %s is a key of %s", role, actor.Role)
		}
	}
	for _, role := range []identity.Role{identity.Claimant, identity.Delegate} {
		own := actorOf(t, service, box, role)
		if c, err := service.Claim(t.Context(), own, box.ClaimID); err != nil || c.Estimate == nil {
			t.Errorf("the %s cannot read the claim and its estimate: %v", role, err)
		}
	}
}

func TestTheSmallestSandboxShowsAClaimAndASmallerOneIsRefused(t *testing.T) {
	for seed := range uint64(5) {
		if _, box := fill(t, "sqlite", sandbox.Options{Seed: seed, Claimants: 12}); box.ClaimID == "" || box.ClaimantID == "" {
			t.Errorf("seed %d shows no claim", seed)
		}
	}
	for _, claimants := range []int{-1, 1, 11} {
		if _, err := sandbox.Fill(t.Context(), empty(t, "sqlite"), sandbox.Options{Claimants: claimants}); err == nil {
			t.Errorf("a sandbox of %d claimants was filled", claimants)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		fill(b, "sqlite", sandbox.Options{Seed: 1, Claimants: sandbox.DefaultClaimants})
	}
}

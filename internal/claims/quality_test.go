package claims_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

// entry is what the log says of a batch.
type entry struct {
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Digest  string `json:"digest"`
	Size    int    `json:"size"`
	Seed    string `json:"seed"`
	Share   int    `json:"share_basis_points"`
	Sampled int    `json:"sampled"`
}

// logged are the entries of a type, oldest first.
func (s *town) logged(t testing.TB, entryType string) []entry {
	t.Helper()
	rows, err := s.raw.QueryContext(t.Context(), "SELECT body FROM entries ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []entry
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			t.Fatal(err)
		}
		var e entry
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == entryType {
			found = append(found, e)
		}
	}
	return found
}

// standing has n claims of a chain decided, and waits until they may be sealed.
func (s *town) standing(t testing.TB, number, n int) []claims.Claim {
	t.Helper()
	chain := s.chain(t, number, n)
	decided := make([]claims.Claim, n)
	for i := range n {
		decided[i] = s.decided(t, chain, i, 100)
	}
	s.clock.set(s.clock.Now().Add(time.Hour))
	return decided
}

// digest is what a batch of first decisions commits to.
func digest(decided []claims.Claim) string {
	var lines []string
	for _, c := range decided {
		lines = append(lines, c.ID+"/1\n")
	}
	slices.Sort(lines)
	return sha([]byte(strings.Join(lines, "")))
}

func (s *town) reviews(t testing.TB) []claims.QualityReview {
	t.Helper()
	return must(s.QualityReviews(t.Context(), s.as(identity.Senior), s.incident.ID, claims.Page{Limit: 100}))(t)
}

// Who decides what is looked at again cannot have known what it would be.
func TestABatchIsSealedAndLoggedBeforeItsSampleIsDrawn(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 5_000})
		decided := s.standing(t, 1, 12)
		must(s.Tend(t.Context()))(t)
		sealed, drawn := s.logged(t, "batch.sealed"), s.logged(t, "batch.drawn")
		if len(sealed) != 1 || len(drawn) != 1 || sealed[0].Digest != digest(decided) || sealed[0].Size != 12 || drawn[0].Subject != sealed[0].Subject {
			t.Fatalf("sealed %+v, drawn %+v", sealed, drawn)
		}
		var entries []string
		rows, err := s.raw.QueryContext(t.Context(), "SELECT type FROM entries WHERE type LIKE 'batch.%' ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, name)
		}
		if !slices.Equal(entries, []string{"batch.sealed", "batch.drawn"}) {
			t.Errorf("the log has %v", entries)
		}

		// Anybody draws the same sample from the log and the list of decisions.
		seed, err := hex.DecodeString(drawn[0].Seed)
		if err != nil || len(seed) != 32 || drawn[0].Share != 5_000 {
			t.Fatalf("%+v, %v", drawn[0], err)
		}
		var want, got []string
		for _, c := range decided {
			if sum := sha256.Sum256(append(slices.Clone(seed), c.ID+"/1"...)); sum[0] < 0x80 {
				want = append(want, c.ID)
			}
		}
		for _, r := range s.reviews(t) {
			got = append(got, r.ClaimID)
		}
		slices.Sort(want)
		slices.Sort(got)
		if len(want) > 0 && !slices.Equal(got, want) || len(got) != drawn[0].Sampled {
			t.Errorf("sampled %v (%d logged), the seed gives %v", got, drawn[0].Sampled, want)
		}
		must(s.Tend(t.Context()))(t)
		if len(s.logged(t, "batch.sealed")) != 1 || len(s.logged(t, "batch.drawn")) != 1 {
			t.Error("decisions were sealed or drawn twice")
		}
	})
}

func TestABatchWaitsAnHourAndHasAtLeastOneSample(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 1})
		s.standing(t, 1, 2)
		s.clock.set(s.clock.Now().Add(-time.Minute))
		must(s.Tend(t.Context()))(t)
		if n := len(s.logged(t, "batch.sealed")); n != 0 {
			t.Fatalf("%d batches after 59 minutes", n)
		}
		s.clock.set(s.clock.Now().Add(time.Minute))
		must(s.Tend(t.Context()))(t)
		if drawn := s.logged(t, "batch.drawn"); len(drawn) != 1 || drawn[0].Sampled < 1 || len(s.reviews(t)) != drawn[0].Sampled {
			t.Errorf("drawn %+v", drawn)
		}
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 0})
		s.standing(t, 2, 2)
		must(s.Tend(t.Context()))(t)
		if drawn := s.logged(t, "batch.drawn"); len(drawn) != 2 || drawn[1].Sampled != 0 {
			t.Errorf("with a share of nothing: %+v", drawn)
		}
	})
}

func TestTwoProcessesSealAndDrawOnce(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 10_000})
		for round := 1; round <= 3; round++ {
			s.standing(t, round, 4)
			for _, err := range race(4, func(int) error { return failed(s.Tend(t.Context())) }) {
				if err != nil {
					t.Error(err)
				}
			}
			must(s.Tend(t.Context()))(t)
			sealed, drawn := s.logged(t, "batch.sealed"), s.logged(t, "batch.drawn")
			if len(sealed) != round || len(drawn) != round || len(s.reviews(t)) != 4*round {
				t.Fatalf("%d sealed, %d drawn, %d reviews after %d rounds of 4", len(sealed), len(drawn), len(s.reviews(t)), round)
			}
		}
	})
}

// Whoever made or checked a decision is not the second look at it.
func TestQualityReviewsGoToSomebodyElse(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 10_000})
		chain := s.chain(t, 1, 1)
		maker, checker := of("maker-1"), identity.Actor{Role: identity.Senior, KeyID: "checker", Person: "checker-1"}
		c := s.submits(t, s.as(identity.Admin), s.claims(chain, func(d *claims.Draft) { d.Outlet = "o0" }))
		c = must(s.Assign(t.Context(), maker, c.ID, c.Version, "", none))(t)
		c = must(s.Decide(t.Context(), maker, c.ID, c.Version, claims.DecisionDraft{
			Verdict: claims.Approved, Assessed: *c.Estimated + 1, Awarded: *c.Estimated + 1, Reason: "evidence_shows_loss", Override: "estimate_incomplete", Note: "추정에 없는 손실",
		}, none))(t)
		must(s.ApproveDecision(t.Context(), checker, c.ID, 1, c.Version, "", none))(t)
		s.clock.set(today.Add(time.Hour))
		must(s.Tend(t.Context()))(t)

		next := func(a identity.Actor) *claims.QualityReview {
			t.Helper()
			return must(s.NextQualityReview(t.Context(), a, s.incident.ID, claims.Reply[*claims.QualityReview]{}))(t)
		}
		for _, a := range []identity.Actor{maker, checker} {
			if got := next(a); got != nil {
				t.Errorf("%s was given the review of their own decision", a.Person)
			}
		}
		other, late := of("other-1"), of("late-1")
		review := next(other)
		if review == nil || review.ClaimID != c.ID {
			t.Fatalf("somebody else was given %+v", review)
		}
		if got := next(late); got != nil {
			t.Errorf("two people were given one review: %+v", got)
		}
		end := func(a identity.Actor, agrees bool, code string) error {
			return failed(s.EndQualityReview(t.Context(), a, review.ID, agrees, code, "한도를 넘는 근거가 없습니다", claims.Reply[claims.QualityReview]{}))
		}
		for _, a := range []identity.Actor{maker, late} {
			wants(t, a.Person, end(a, true, ""), fault.Conflict, "review_not_assigned")
		}
		for _, code := range []string{"", "none"} {
			if err := end(other, false, code); fault.KindOf(err) != fault.Invalid {
				t.Errorf("wrong, by the code %q: %v", code, err)
			}
		}
		if err := end(other, false, "rule_misapplied"); err != nil {
			t.Fatal(err)
		}
		wants(t, "a second time", end(other, true, ""), fault.Conflict, "review_ended")
		ended := s.reviews(t)[0]
		if ended.Agrees == nil || *ended.Agrees || ended.ErrorCode != "rule_misapplied" || ended.By != "other-1" {
			t.Errorf("%+v", ended)
		}
		if after := must(s.Claim(t.Context(), s.as(identity.Admin), c.ID))(t); after.State != claims.Decided || *after.Awarded != *c.Estimated+1 {
			t.Errorf("the finding changed the claim: %+v", after)
		}
		if next(late) != nil {
			t.Error("an ended review was given again")
		}
	})
}

func TestAReviewThatNobodyEndsIsGivenToTheNext(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.standing(t, 1, 1)
		must(s.Tend(t.Context()))(t)
		next := func(person string) *claims.QualityReview {
			t.Helper()
			return must(s.NextQualityReview(t.Context(), of(person), s.incident.ID, claims.Reply[*claims.QualityReview]{}))(t)
		}
		first := next("one")
		if first == nil || next("two") != nil {
			t.Fatalf("%+v", first)
		}
		s.clock.set(first.LeaseUntil.Add(time.Second))
		err := failed(s.EndQualityReview(t.Context(), of("one"), first.ID, true, "", "", claims.Reply[claims.QualityReview]{}))
		wants(t, "after the lease", err, fault.Conflict, "review_not_assigned")
		if second := next("two"); second == nil || second.ID != first.ID {
			t.Errorf("the next was given %+v", second)
		}
	})
}

// Decisions made without a person are in the sample like any other.
func TestAutomaticDecisionsAreSampledToo(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, straight(nil))
		s.setPolicy(t, map[string]any{"sample_share_basis_points": 10_000})
		who := s.seller(t, 1)
		c := s.submits(t, who.actor, s.claims(who))
		s.clock.set(today.Add(time.Hour))
		must(s.Tend(t.Context()))(t)
		if got := s.reviews(t); len(got) != 1 || got[0].ClaimID != c.ID || got[0].Maker != "system" {
			t.Errorf("%+v", got)
		}
		if got := must(s.NextQualityReview(t.Context(), of("one"), s.incident.ID, claims.Reply[*claims.QualityReview]{}))(t); got == nil {
			t.Error("nobody is given it")
		}
	})
}

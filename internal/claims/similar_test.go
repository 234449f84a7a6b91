package claims_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// decided files for an outlet of a chain, and has a senior award so many percent
// of the estimate.
func (s *town) decided(t testing.TB, chain shop, outlet int, percent money.Minor, change ...func(*claims.Draft)) claims.Claim {
	t.Helper()
	c := s.submits(t, s.as(identity.Admin), s.claims(chain, append(change, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", outlet) })...))
	senior := identity.Actor{Role: identity.Senior, KeyID: "senior", Person: "senior-2"}
	c = must(s.Assign(t.Context(), senior, c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
	draft := claims.DecisionDraft{Verdict: claims.Approved, Assessed: *c.Estimated, Awarded: *c.Estimated * percent / 100, Reason: "evidence_shows_loss"}
	if percent < 100 {
		draft.Verdict, draft.Reason = claims.PartlyApproved, "evidence_covers_part"
	}
	return must(s.Decide(t.Context(), senior, c.ID, c.Version, draft, claims.Reply[claims.Claim]{}))(t)
}

func TestAnAwardUnlikeThoseOfSimilarClaimsIsPointedOut(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		const others = 9
		chain := s.chain(t, 1, others+1)
		ask := func(c claims.Claim, percent money.Minor) claims.SimilarClaims {
			t.Helper()
			amount := *c.Estimated * percent / 100
			return must(s.Similar(t.Context(), s.as(identity.Reviewer), c.ID, &amount))(t)
		}
		own := s.submits(t, s.as(identity.Admin), s.claims(chain, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", others) }))
		for i := range others {
			if got := ask(own, 10); i == 7 && (got.Outlier || !strings.Contains(got.Explanation.EN, "7 similar claims")) {
				t.Errorf("beside %d: %+v", i, got)
			}
			s.decided(t, chain, i, money.Minor(42+2*i)) // 42 % to 58 %, the median deviation 4 %
		}
		for percent, outlier := range map[money.Minor]bool{10: true, 37: true, 39: false, 50: false, 61: false, 63: true, 100: true} {
			got := ask(own, percent)
			if got.Outlier != outlier || len(got.Claims) != others {
				t.Errorf("%d %%: outlier %v beside %d, %s", percent, got.Outlier, len(got.Claims), got.Explanation.EN)
			}
			for _, figure := range []string{fmt.Sprintf("%d.00", percent), "50.00", "42.00", "58.00"} {
				if !strings.Contains(got.Explanation.EN, figure) || !strings.Contains(got.Explanation.KO, figure) {
					t.Errorf("%s is not in %+v", figure, got.Explanation)
				}
			}
		}
		// What the estimate says is held against them where no amount is named.
		if got := must(s.Similar(t.Context(), s.as(identity.Reviewer), own.ID, nil))(t); !got.Outlier || !strings.Contains(got.Explanation.EN, "100.00") {
			t.Errorf("%+v", got)
		}
	})
}

// Where all were awarded the same, a slight difference is not called unlike.
func TestASlightDifferenceFromEqualAwardsIsLikeThem(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, straight(nil))
		chain := s.chain(t, 1, 9)
		var own claims.Claim
		for i := range 9 {
			if i == 8 {
				s.setPolicy(t, straight(map[string]any{"enabled": false}))
			}
			own = s.submits(t, s.as(identity.Admin), s.claims(chain, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", i) }))
		}
		for percent, outlier := range map[money.Minor]bool{100: false, 97: false, 96: true} {
			amount := *own.Estimated * percent / 100
			if got := must(s.Similar(t.Context(), s.as(identity.Reviewer), own.ID, &amount))(t); got.Outlier != outlier {
				t.Errorf("%d %%: %s", percent, got.Explanation.EN)
			}
		}
	})
}

func TestTheNearestClaimsComeFirst(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		chain := s.chain(t, 1, 5)
		closed := func(hours int) func(*claims.Draft) {
			return func(d *claims.Draft) {
				d.Lines[0].Closures = []claims.Closure{{Start: outage, End: outage.Add(time.Duration(hours) * time.Hour)}}
			}
		}
		twoServices := func(d *claims.Draft) { d.Lines = append(d.Lines, claims.LossLine{Service: "pay"}) }
		s.sells(t, chain.actor, chain, "o1", "pay", honest(1, 12))
		s.decided(t, chain, 0, 100, closed(4))
		s.decided(t, chain, 1, 100, twoServices)
		s.decided(t, chain, 2, 100)
		s.decided(t, chain, 3, 100, closed(1))
		own := s.submits(t, s.as(identity.Admin), s.claims(chain, func(d *claims.Draft) { d.Outlet = "o4" }))
		got := must(s.Similar(t.Context(), s.as(identity.Reviewer), own.ID, nil))(t)
		var order []string
		for _, c := range got.Claims {
			found := must(s.Claim(t.Context(), s.as(identity.Reviewer), c.ID))(t)
			order = append(order, found.Outlet)
			if c.ID == own.ID || c.Sector != "bakery" || c.Reference != found.Reference {
				t.Errorf("%+v", c)
			}
		}
		if got.Claims[0].Distance != 0 || !slices.IsSortedFunc(got.Claims, func(a, b claims.SimilarClaim) int { return int(1000 * (a.Distance - b.Distance)) }) {
			t.Errorf("distances %+v", got.Claims)
		}
		if want := []string{"o2", "o3", "o0", "o1"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		// One of 23 hours is stated to be closed.
		if d := got.Claims[1].Distance; d != 0.043 && got.Claims[1].Estimated == got.Claims[0].Estimated {
			t.Errorf("an hour apart: %v", d)
		}
	})
}

func TestSimilarClaimsAreForReviewers(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		c := s.file(t, s.draft(), true)
		for _, role := range []identity.Role{identity.Claimant, identity.Delegate, identity.Auditor, identity.Payer, identity.Platform} {
			_, err := s.Similar(t.Context(), s.as(role), c.ID, nil)
			wants(t, string(role), err, fault.Forbidden, "role_not_permitted")
		}
		got := must(s.Similar(t.Context(), s.as(identity.Senior), c.ID, nil))(t)
		if len(got.Claims) != 0 || got.Outlier || got.Explanation.KO == "" {
			t.Errorf("%+v", got)
		}
		_, err := s.Similar(t.Context(), s.as(identity.Senior), s.incident.ID, nil)
		wants(t, "no claim", err, fault.NotFound, "claim_not_found")
	})
}

package claims_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

func TestClaimsAreTakenInTheFilingPeriodAndMarkedWhenLate(t *testing.T) {
	const (
		early  = "filing_not_open"
		onTime = "on time"
		late   = "late"
		over   = "filing_closed"
	)
	inTowns(t, func(t *testing.T, s *town) {
		for _, period := range []struct {
			name      string
			lateUntil *time.Time
			outcomes  map[time.Time]string
		}{
			{"with late filing", ptr(lateEnd.UTC()), map[time.Time]string{
				opens.Add(-time.Microsecond): early, opens: onTime, closes.Add(-time.Microsecond): onTime,
				closes: late, lateEnd.Add(-time.Microsecond): late, lateEnd: over, lateEnd.AddDate(1, 0, 0): over,
			}},
			{"without", nil, map[time.Time]string{
				opens.Add(-time.Microsecond): early, opens: onTime, closes.Add(-time.Microsecond): onTime, closes: over,
			}},
			{"with late filing of no length", ptr(closes.UTC()), map[time.Time]string{closes.Add(-time.Microsecond): onTime, closes: over}},
		} {
			s.clock.set(today)
			s.changeIncident(t, func(in *claims.Incident) { in.Filing.LateUntil = period.lateUntil })
			for now, want := range period.outcomes {
				t.Run(period.name+" at "+now.Format(time.RFC3339Nano), func(t *testing.T) {
					s.clock.set(today)
					draft := s.file(t, s.draft(), false)
					s.clock.set(now)
					submitted, err := s.Submit(t.Context(), s.as(identity.Claimant), draft.ID, draft.Version, claims.Reply[claims.Claim]{})
					check := func(what string, c claims.Claim, err error) {
						t.Helper()
						if want == early || want == over {
							wants(t, what, err, fault.Conflict, want)
						} else if err != nil || c.Late != (want == late) || !c.SubmittedAt.Equal(now) {
							t.Errorf("%s: late %t at %v, %v; want %s", what, c.Late, c.SubmittedAt, err, want)
						}
					}
					check("submitting a draft", submitted, err)
					if err == nil {
						draft = submitted
					}
					s.withdraw(t, draft) // at any time

					atOnce, err := s.File(t.Context(), s.as(identity.Claimant), s.draft(), true, claims.Reply[claims.Claim]{})
					check("filing and submitting at once", atOnce, err)
					if err == nil {
						s.withdraw(t, atOnce)
					}
					problems := must(s.Validate(t.Context(), s.as(identity.Claimant), s.draft()))(t).Problems
					if refused := want == early || want == over; refused != (len(problems) == 1 && problems[0].Code == want) {
						t.Errorf("validation says %+v; want %s", problems, want)
					}
				})
			}
		}
	})
}

func TestClosedAndDraftIncidentsTakeNoClaims(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		standing := s.file(t, s.draft(), false)
		s.incident = must(s.CloseIncident(t.Context(), s.as(identity.Admin), s.incident.ID, 0, claims.Reply[claims.Incident]{}))(t)
		_, err := s.Submit(t.Context(), s.as(identity.Claimant), standing.ID, 0, claims.Reply[claims.Claim]{})
		wants(t, "submitting", err, fault.Conflict, "incident_not_open")
		elsewhere := s.draft()
		elsewhere.Outlet = "annex"
		_, err = s.File(t.Context(), s.as(identity.Claimant), elsewhere, false, claims.Reply[claims.Claim]{})
		wants(t, "filing", err, fault.Conflict, "incident_not_open")
		s.withdraw(t, standing)

		unseen := must(s.CreateIncident(t.Context(), s.as(identity.Admin), anIncident(), claims.Reply[claims.Incident]{}))(t)
		draft := s.draft()
		draft.IncidentID = unseen.ID
		_, err = s.File(t.Context(), s.as(identity.Claimant), draft, false, claims.Reply[claims.Claim]{})
		if f := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Code != "unknown_incident" {
			t.Errorf("filing for a draft, as a claimant: %v; want unknown_incident, as if it were not there", err)
		}
		_, err = s.File(t.Context(), s.as(identity.Reviewer), draft, false, claims.Reply[claims.Claim]{})
		wants(t, "filing for a draft, as staff", err, fault.Conflict, "incident_not_open")
	})
}

func TestReferenceCannotBeMisread(t *testing.T) {
	form := regexp.MustCompile(`^R(-[2-9A-HJ-NP-Z]{4})+$`)
	inTowns(t, func(t *testing.T, s *town) {
		seen := map[string]bool{}
		for range 20 {
			c := s.file(t, s.draft(), false)
			if !form.MatchString(c.Reference) || seen[c.Reference] {
				t.Errorf("reference %q is malformed or not new", c.Reference)
			}
			seen[c.Reference] = true
			s.withdraw(t, c)
		}
	})
}

func TestClaimedIsTheSumOfItemsAndAddedCosts(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		item := func(amount money.Minor) claims.LossItem {
			return claims.LossItem{Kind: "order", At: outage.UTC(), Amount: amount}
		}
		draft := s.draft()
		draft.Lines = []claims.LossLine{{Service: "shop", Items: []claims.LossItem{item(10_000), item(5_000)}}, {Service: "pay", Items: []claims.LossItem{item(300)}}}
		draft.Expenses = []claims.Expense{{Kind: "added_cost", Amount: 20}, {Kind: claims.SavedCost, Amount: 1_000_000}, {Kind: "courier", Amount: 1}}
		draft.Subscriptions = []claims.Subscription{{Plan: "pro", MonthlyFee: 39_000}}
		if c := s.file(t, draft, false); c.Claimed != 15_321 {
			t.Errorf("claimed %d, want 15321", c.Claimed)
		}

		draft.Outlet = "annex"
		draft.Expenses = nil
		for _, amount := range []money.Minor{money.MaxClaim, money.Max} {
			draft.Lines = []claims.LossLine{{Service: "shop", Items: []claims.LossItem{item(amount), item(1)}}}
			_, err := s.File(t.Context(), s.as(identity.Claimant), draft, false, claims.Reply[claims.Claim]{})
			refusedAs(t, fmt.Sprintf("%d and 1", amount), err, fault.Invalid, "#/lines amount_overflow")
		}
		draft.Lines = []claims.LossLine{{Service: "shop", Items: []claims.LossItem{item(money.MaxClaim)}}}
		if c := s.file(t, draft, false); c.Claimed != money.MaxClaim {
			t.Errorf("claimed %d, want %d", c.Claimed, money.MaxClaim)
		}
	})
}

// Retries of one filing, sent together, make one claim; each other is answered
// as the first was.
func TestRetriesOfAFilingMakeOneClaim(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		tables := []string{"claims", "events", "entries", "estimates", "idempotency_keys"}
		before := s.counts(t, tables...)
		reply := claims.Reply[claims.Claim]{
			Once: &claims.Once{Caller: "caller", Key: "retry", Request: []byte("same")},
			Render: func(c claims.Claim) (claims.Answer, error) {
				return claims.Answer{Status: 201, Body: []byte(c.ID)}, nil
			},
		}
		const senders = 32
		made := make([]claims.Claim, senders)
		errs := race(senders, func(i int) (err error) {
			made[i], err = s.File(t.Context(), s.as(identity.Claimant), s.draft(), true, reply)
			return err
		})
		var first string
		for i, err := range errs {
			if err == nil {
				if first != "" {
					t.Errorf("two were filed: %s and %s", first, made[i].ID)
				}
				first = made[i].ID
			}
		}
		for i, err := range errs {
			var replay *claims.Replay
			if err != nil && (!errors.As(err, &replay) || string(replay.Answer.Body) != first || replay.Answer.Status != 201) {
				t.Errorf("sender %d: %v; want the answer about claim %s", i, err, first)
			}
		}
		for table, n := range s.counts(t, tables...) {
			want := map[string]int{"claims": 1, "events": 2, "entries": 2, "estimates": 1, "idempotency_keys": 1}[table]
			if n-before[table] != want {
				t.Errorf("%d new rows in %s, want %d", n-before[table], table, want)
			}
		}
	})
}

// Whatever fails after the first write, a filing leaves nothing behind.
func TestFilingWhoseAnswerFailsLeavesNothing(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		tables := []string{"claims", "events", "entries", "estimates", "idempotency_keys"}
		before := fmt.Sprint(s.counts(t, tables...))
		broken := errors.New("cannot be rendered")
		_, err := s.File(t.Context(), s.as(identity.Claimant), s.draft(), true, claims.Reply[claims.Claim]{
			Once:   &claims.Once{Caller: "caller", Key: "k", Request: []byte("r")},
			Render: func(claims.Claim) (claims.Answer, error) { return claims.Answer{}, broken },
		})
		if !errors.Is(err, broken) {
			t.Errorf("got %v; want the rendering's error", err)
		}
		if after := fmt.Sprint(s.counts(t, tables...)); after != before {
			t.Errorf("rows %s, before it %s", after, before)
		}
	})
}

func TestAuthenticateTellsRefusedKeysNotApart(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		issue := func(expires time.Time) claims.IssuedKey {
			return must(s.IssueFirstKey(t.Context(), claims.KeyRequest{Role: identity.Reviewer, ExpiresAt: &expires}))(t)
		}
		good, other, revoked, expiring := issue(lateEnd), issue(lateEnd), issue(lateEnd), issue(today.Add(time.Hour))
		if err := s.RevokeKey(t.Context(), s.as(identity.Admin), revoked.Key.ID); err != nil {
			t.Fatal(err)
		}
		if actor, err := s.Authenticate(t.Context(), good.Token); err != nil || actor != good.Key.Actor() {
			t.Errorf("the good key: %+v, %v", actor, err)
		}
		if _, err := s.Authenticate(t.Context(), expiring.Token); err != nil {
			t.Errorf("before its expiry: %v", err)
		}
		s.clock.set(today.Add(time.Hour))
		secretOfOther := good.Token[:len("rdk_")+12] + other.Token[len("rdk_")+12:]
		unknown, _, stranger := identity.NewToken()
		refusals := map[string]bool{}
		for name, token := range map[string]string{
			"empty": "", "not a token": "letmein", "of a key that is not there (" + unknown + ")": stranger,
			"another key's secret": secretOfOther, "revoked": revoked.Token, "expired": expiring.Token,
		} {
			actor, err := s.Authenticate(context.WithoutCancel(t.Context()), token)
			wants(t, name, err, fault.Unauthenticated, "key_not_valid")
			if actor != (identity.Actor{}) {
				t.Errorf("%s acts as %+v", name, actor)
			}
			refusals[fmt.Sprint(err)] = true
		}
		if len(refusals) != 1 {
			t.Errorf("refusals differ: %v", refusals)
		}
	})
}

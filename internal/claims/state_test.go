package claims_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// life is the state that each verb leads to from each state; "" is a conflict.
var life = map[claims.State]map[claims.Verb]claims.State{
	claims.Drafted:   {claims.Amend: claims.Drafted, claims.Submit: claims.Submitted, claims.Withdraw: claims.Withdrawn},
	claims.Submitted: {claims.Amend: "", claims.Submit: "", claims.Withdraw: claims.Withdrawn},
	claims.Withdrawn: {claims.Amend: "", claims.Submit: "", claims.Withdraw: ""},
}

// events are what each verb leaves in the history of a claim.
var events = map[claims.Verb]string{claims.Amend: "claim.changed", claims.Submit: "claim.submitted", claims.Withdraw: "claim.withdrawn"}

// constants reads the values of all constants of a type from state.go, so that
// a new state or verb cannot miss the table.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "state.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || len(spec.Values) == 0 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typeName {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, value)
		}
		return true
	})
	slices.Sort(found)
	return found
}

func TestLifeTableKnowsEveryStateAndVerb(t *testing.T) {
	var states, verbs []string
	for state, row := range life {
		states = append(states, string(state))
		for verb := range row {
			if !slices.Contains(verbs, string(verb)) {
				verbs = append(verbs, string(verb))
			}
		}
		if len(row) != len(events) {
			t.Errorf("%s has %d verbs, want %d", state, len(row), len(events))
		}
	}
	slices.Sort(states)
	slices.Sort(verbs)
	if diff := cmp.Diff(constants(t, "State"), states); diff != "" {
		t.Errorf("states (-program +table):\n%s", diff)
	}
	if diff := cmp.Diff(constants(t, "Verb"), verbs); diff != "" {
		t.Errorf("verbs (-program +table):\n%s", diff)
	}
}

// in brings a new claim of the merchant's into a state.
func (s *town) in(t testing.TB, state claims.State) claims.Claim {
	t.Helper()
	c := s.file(t, s.draft(), state == claims.Submitted)
	if state == claims.Withdrawn {
		c = s.withdraw(t, c)
	}
	if c.State != state {
		t.Fatalf("a claim that is %s, want %s", c.State, state)
	}
	return c
}

// do does what the verb says to a claim at the version the caller holds.
func (s *town) do(t testing.TB, actor identity.Actor, verb claims.Verb, c claims.Claim) (claims.Claim, error) {
	switch verb {
	case claims.Amend:
		return s.Change(t.Context(), actor, c.ID, c.Version, func(content *claims.Content) error {
			content.Expenses = []claims.Expense{{Kind: "added_cost", Amount: 7_000}}
			return nil
		})
	case claims.Submit:
		return s.Submit(t.Context(), actor, c.ID, c.Version, claims.Reply[claims.Claim]{})
	default:
		return s.Withdraw(t.Context(), actor, c.ID, c.Version, "문을 닫습니다", claims.Reply[claims.Claim]{})
	}
}

func TestEachVerbLeadsWhereTheLifeTableSays(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		actor := s.as(identity.Claimant)
		for state, row := range life {
			for verb, next := range row {
				t.Run(string(state)+" "+string(verb), func(t *testing.T) {
					c := s.in(t, state)
					defer func() {
						if now := must(s.Claim(t.Context(), actor, c.ID))(t); now.State != claims.Withdrawn {
							s.withdraw(t, now)
						}
					}()
					before := must(s.Claim(t.Context(), actor, c.ID))(t)
					eventsBefore := must(s.Events(t.Context(), actor, c.ID))(t)

					got, err := s.do(t, actor, verb, c)
					after := must(s.Claim(t.Context(), actor, c.ID))(t)
					eventsAfter := must(s.Events(t.Context(), actor, c.ID))(t)
					if next == "" {
						wants(t, "the verb", err, fault.Conflict, "claim_state")
						if diff := cmp.Diff(before, after); diff != "" {
							t.Errorf("the refusal changed the claim (-before +after):\n%s", diff)
						}
						if len(eventsAfter) != len(eventsBefore) {
							t.Errorf("the refusal left the events %+v", eventsAfter)
						}
						return
					}
					if err != nil || got.State != next {
						t.Fatalf("%s, %v; want %s", got.State, err, next)
					}
					// What the caller is told is what is stored. The newest estimate comes
					// with a claim that is asked for alone.
					got.Estimate = after.Estimate
					if diff := cmp.Diff(after, got); diff != "" {
						t.Errorf("(-stored +answered):\n%s", diff)
					}
					last := eventsAfter[len(eventsAfter)-1]
					if len(eventsAfter) != len(eventsBefore)+1 || last.Type != events[verb] || last.N != after.Version || after.Version != before.Version+1 {
						t.Errorf("version %d after %d, last event %+v of %d", after.Version, before.Version, last, len(eventsAfter))
					}
					if verb == claims.Amend && after.Claimed != money.Minor(7_000) {
						t.Errorf("claimed %d after the change, want 7000", after.Claimed)
					}
				})
			}
		}
	})
}

func TestVerbAtAnotherVersionIsStale(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		c := s.in(t, claims.Drafted)
		for _, version := range []int64{c.Version - 1, c.Version + 1, -1} {
			if version == 0 {
				continue // no comparison was asked for
			}
			held := c
			held.Version = version
			for verb := range events {
				_, err := s.do(t, s.as(identity.Claimant), verb, held)
				wants(t, string(verb), err, fault.Stale, "version_stale")
			}
		}
	})
}

func TestOneOfManySubmissionsOfADraftWins(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.upload(t, identity.Claimant, ordinary(1))
		for _, version := range []int64{1, 0} { // with and without a comparison
			draft := s.in(t, claims.Drafted)
			won := 0
			for _, err := range race(16, func(int) error {
				_, err := s.Submit(t.Context(), s.as(identity.Claimant), draft.ID, version, claims.Reply[claims.Claim]{})
				return err
			}) {
				switch fault.KindOf(err) {
				case fault.Stale, fault.Conflict:
				default:
					if err != nil {
						t.Errorf("a loser was told %v", err)
					}
					won++
				}
			}
			after := must(s.Claim(t.Context(), s.as(identity.Claimant), draft.ID))(t)
			history := must(s.Events(t.Context(), s.as(identity.Claimant), draft.ID))(t)
			if won != 1 || after.Version != 2 || after.Estimates != 1 || len(history) != 2 {
				t.Errorf("%d won; version %d, %d estimates, %d events; want 1, 2, 1, 2", won, after.Version, after.Estimates, len(history))
			}
			s.withdraw(t, after)
		}
	})
}

func TestSecondClaimIsAllowedOnceTheFirstIsWithdrawn(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		for _, submit := range []bool{false, true} {
			first := s.file(t, s.draft(), submit)
			again := func() error {
				_, err := s.File(t.Context(), s.as(identity.Claimant), s.draft(), submit, claims.Reply[claims.Claim]{})
				return err
			}
			wants(t, "a second claim", again(), fault.Conflict, claims.ClaimExistsCode)
			if v := must(s.Validate(t.Context(), s.as(identity.Claimant), s.draft()))(t); len(v.Problems) != 1 || v.Problems[0].Code != claims.ClaimExistsCode {
				t.Errorf("validation says %+v", v.Problems)
			}
			elsewhere := s.draft()
			elsewhere.Outlet = "annex"
			s.withdraw(t, s.file(t, elsewhere, submit))

			s.withdraw(t, first)
			second := s.file(t, s.draft(), submit)
			if second.ID == first.ID || second.Reference == first.Reference {
				t.Errorf("the second claim %+v is the first", second)
			}
			s.withdraw(t, second)
		}
	})
}

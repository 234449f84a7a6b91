package claims_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
)

// life is where each verb leads from each state, said a second time and by hand:
// what is not here is a conflict.
var life = map[claims.State]map[claims.Verb]claims.State{
	claims.Drafted: {claims.DoChange: claims.Drafted, claims.DoSubmit: claims.Submitted, claims.DoWithdraw: claims.Withdrawn},
	claims.Submitted: {
		claims.DoAssign: claims.InReview, claims.DoWithdraw: claims.Withdrawn,
	},
	claims.InReview: {
		claims.DoAssign: claims.InReview, claims.DoPutBack: claims.Submitted, claims.DoRecuse: claims.Submitted, claims.DoHold: claims.OnHold,
		claims.DoRequest: claims.AwaitingAnswer, claims.DoDecide: claims.Decided, claims.DoWithdraw: claims.Withdrawn,
	},
	claims.AwaitingAnswer: {
		claims.DoAnswer: claims.InReview, claims.DoRecall: claims.InReview, claims.DoWithdraw: claims.Withdrawn, claims.DoLapse: claims.InReview,
	},
	claims.OnHold: {claims.DoRelease: claims.InReview, claims.DoWithdraw: claims.Withdrawn},
	claims.AwaitingApproval: {
		claims.DoApprove: claims.Decided, claims.DoReturn: claims.InReview, claims.DoWithdraw: claims.Withdrawn,
	},
	claims.Decided: {
		claims.DoAmend: claims.AwaitingApproval, claims.DoAppeal: claims.Appealed, claims.DoAskHuman: claims.Submitted, claims.DoAccept: claims.Closed,
		claims.DoChange: claims.Decided, claims.DoSubmit: claims.Submitted, claims.DoClose: claims.Closed,
	},
	claims.Appealed: {
		claims.DoAssign: claims.Appealed, claims.DoPutBack: claims.Appealed, claims.DoRecuse: claims.Appealed, claims.DoHold: claims.OnHold,
		claims.DoRequest: claims.AwaitingAnswer, claims.DoDecide: claims.Decided, claims.DoWithdraw: claims.Decided,
	},
	claims.Closed:    {claims.DoAmend: claims.AwaitingApproval},
	claims.Withdrawn: {},
}

// doers is who may do what each verb says to the merchant's claims.
var doers = map[claims.Verb][]string{}

func init() {
	for _, verb := range []claims.Verb{claims.DoChange, claims.DoSubmit} {
		doers[verb] = []string{"claimant", "delegate", "admin", "platform", "reviewer", "senior"}
	}
	for _, verb := range []claims.Verb{claims.DoAnswer, claims.DoWithdraw, claims.DoAppeal, claims.DoAskHuman, claims.DoAccept} {
		doers[verb] = []string{"claimant", "delegate", "admin", "reviewer", "senior"}
	}
	for _, verb := range []claims.Verb{
		claims.DoAssign, claims.DoPutBack, claims.DoRecuse, claims.DoHold, claims.DoRelease, claims.DoRequest, claims.DoRecall, claims.DoDecide, claims.DoAmend,
	} {
		doers[verb] = []string{"reviewer", "senior"}
	}
	doers[claims.DoApprove] = []string{"senior", "admin"}
	doers[claims.DoReturn] = doers[claims.DoApprove]
}

// scheduled are the verbs of the service itself, which Tend carries out.
var scheduled = []claims.Verb{claims.DoLapse, claims.DoClose}

// constants reads the values of all constants of a type from state.go, so that
// a new state or verb cannot miss the tables.
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

func sorted[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	slices.Sort(out)
	return out
}

func TestLifeTableKnowsEveryStateAndVerb(t *testing.T) {
	if diff := cmp.Diff(constants(t, "State"), sorted(claims.States)); diff != "" {
		t.Errorf("states (-constants +States):\n%s", diff)
	}
	if diff := cmp.Diff(constants(t, "Verb"), sorted(claims.Verbs)); diff != "" {
		t.Errorf("verbs (-constants +Verbs):\n%s", diff)
	}
	for _, state := range claims.States {
		if _, known := life[state]; !known {
			t.Errorf("the table does not know %s", state)
		}
		for _, verb := range claims.Verbs {
			to, allowed := life[state][verb]
			if targets := state.Targets(verb); allowed && !slices.Contains(targets, to) || !allowed && len(targets) > 0 {
				t.Errorf("%s leads from %s to %v, the table says %q", verb, state, targets, to)
			}
		}
	}
	for _, verb := range claims.Verbs {
		if doers[verb] == nil && !slices.Contains(scheduled, verb) {
			t.Errorf("nobody may %s", verb)
		}
	}
}

func TestClaimantsSeeEightStatesAndWhatComesNext(t *testing.T) {
	shown := map[claims.State]bool{}
	for _, state := range claims.States {
		shown[state.Shown()] = true
		for _, verdict := range []claims.Verdict{claims.Approved, claims.Rejected} {
			next, _ := claims.Claim{State: state, Desk: claims.Desk{Verdict: verdict}}.NextStep(today)
			if next.KO == "" || next.EN == "" || next == (lang.Text{}) {
				t.Errorf("%s: no next step", state)
			}
		}
	}
	if len(shown) > 8 {
		t.Errorf("claimants see %d states: %v", len(shown), shown)
	}
}

// stage makes claims in any state, each of an outlet of its own, out of the way
// of the actors whose turn it is.
type stage struct {
	*town
	free   []string // outlets without a claim
	maker  identity.Actor
	senior identity.Actor
}

func newStage(t *testing.T, s *town, outlets int) *stage {
	t.Helper()
	person := func(role identity.Role, person string) identity.Actor {
		return must(s.IssueFirstKey(t.Context(), claims.KeyRequest{Role: role, Person: person}))(t).Key.Actor()
	}
	g := &stage{town: s, maker: person(identity.Reviewer, "maker-1"), senior: person(identity.Senior, "senior-2")}
	s.changeIncident(t, func(in *claims.Incident) { in.Filing.LateUntil = ptr(closes.AddDate(2, 0, 0).UTC()) })
	must(s.ChangeClaimant(t.Context(), s.as(identity.Claimant), s.merchant.ID, 0, func(c *claims.Claimant) error {
		for i := range outlets {
			code := fmt.Sprintf("o%d", i)
			g.free = append(g.free, code)
			c.Outlets = append(c.Outlets, claims.Outlet{Code: code, Name: code, Sector: "bakery", Region: "KR-11"})
		}
		return nil
	}))(t)
	return g
}

// claim files a claim for the next outlet, with a history where it must be
// estimated.
func (g *stage) claim(t *testing.T, submit, estimated bool) claims.Claim {
	t.Helper()
	draft := g.draft()
	draft.Outlet, g.free = g.free[0], g.free[1:]
	if estimated {
		must(g.Upload(t.Context(), g.as(identity.Claimant), claims.Upload{
			ClaimantID: g.merchant.ID, Outlet: draft.Outlet, Service: "shop", Source: "claimant", Summary: []byte("{}"),
		}, ordinary(1)))(t)
	}
	return g.file(t, draft, submit)
}

var none = claims.Reply[claims.Claim]{}

// hand gives a claim to a person of staff.
func (g *stage) hand(t *testing.T, c claims.Claim, person string) claims.Claim {
	t.Helper()
	return must(g.Assign(t.Context(), g.senior, c.ID, c.Version, person, none))(t)
}

// of is somebody of staff by the person's code.
func of(person string) identity.Actor {
	return identity.Actor{Role: identity.Reviewer, KeyID: person, Person: person}
}

// verdict is a decision that fits the claim.
func verdict(c claims.Claim, v claims.Verdict) claims.DecisionDraft {
	amount := money.Minor(10_000)
	if c.Estimated != nil && *c.Estimated > 0 {
		amount = *c.Estimated
	}
	switch v {
	case claims.Approved:
		d := claims.DecisionDraft{Verdict: v, Assessed: amount, Awarded: amount, Reason: "evidence_shows_loss"}
		if c.Estimated == nil || amount > *c.Estimated {
			d.Override, d.Note = "estimate_incomplete", "추정에 없는 손실입니다."
		}
		return d
	case claims.Rejected:
		return claims.DecisionDraft{Verdict: v, Reason: "missing_document", Note: "사업자등록증 사본이 없습니다."}
	default:
		return claims.DecisionDraft{Verdict: v, Assessed: amount, Reason: "no_loss_shown"}
	}
}

// in brings a claim into a state, in the hands of a person where the state knows
// one. What is decided is refused unless it says otherwise.
func (g *stage) in(t *testing.T, state claims.State, person string, decided claims.Verdict) claims.Claim {
	t.Helper()
	ctx := t.Context()
	if state == claims.Drafted {
		return g.claim(t, false, false)
	}
	c := g.claim(t, true, decided == claims.PartlyApproved || state == claims.AwaitingApproval)
	switch state {
	case claims.Submitted:
	case claims.Withdrawn:
		c = g.withdraw(t, c)
	case claims.InReview:
		c = g.hand(t, c, person)
	case claims.AwaitingAnswer:
		c = g.hand(t, c, person)
		c = must(g.RequestInformation(ctx, of(person), c.ID, c.Version, aRequest(), none))(t)
	case claims.OnHold:
		c = g.hand(t, c, person)
		c = must(g.Hold(ctx, of(person), c.ID, c.Version, "under_inquiry", g.clock.Now().AddDate(0, 0, 5), none))(t)
	case claims.AwaitingApproval:
		// Whatever was refused and is worth something takes a second person where a
		// reviewer has no authority.
		c = g.hand(t, c, g.maker.Person)
		draft := verdict(c, claims.Approved)
		draft.Awarded, draft.Assessed = draft.Awarded+1, draft.Assessed+1
		draft.Override, draft.Note = "estimate_incomplete", "추정에 없는 손실입니다."
		c = must(g.Decide(ctx, g.maker, c.ID, c.Version, draft, none))(t)
	default:
		c = g.hand(t, c, g.senior.Person)
		c = must(g.Decide(ctx, g.senior, c.ID, c.Version, verdict(c, decided), none))(t)
		if state == claims.Appealed {
			c = must(g.FileAppeal(ctx, g.as(identity.Claimant), c.ID, c.Version, claims.AppealDraft{Grounds: "다시 봐 주십시오."}, none))(t)
			c = g.hand(t, c, person)
		}
		if state == claims.Closed {
			c = must(g.AcceptDecision(ctx, g.as(identity.Claimant), c.ID, c.Version, none))(t)
		}
	}
	if c.State != state {
		t.Fatalf("a claim that is %s, want %s", c.State, state)
	}
	return c
}

// automatic makes a claim that was decided without a person, by an information
// request that nobody answered.
func (g *stage) automatic(t *testing.T) claims.Claim {
	t.Helper()
	c := g.in(t, claims.AwaitingAnswer, g.maker.Person, claims.PartlyApproved)
	g.clock.set(c.DueAt.Add(time.Minute))
	must(g.Tend(t.Context()))(t)
	c = must(g.Claim(t.Context(), g.as(identity.Claimant), c.ID))(t)
	if !c.Automatic {
		t.Fatalf("the claim is %s and was not decided automatically", c.State)
	}
	return c
}

func aRequest() claims.RequestDraft {
	return claims.RequestDraft{Items: []claims.RequestedItem{{Code: "bank_copy", What: "통장 사본", Why: "입금 계좌를 확인합니다"}}}
}

// channelOf is how whoever does something for a claimant was told; empty for the
// claimant.
func channelOf(a identity.Actor) string {
	if a.Can(identity.OwnClaims) {
		return ""
	}
	return "phone"
}

// do does what the verb says to a claim at the version the caller holds.
func (g *stage) do(t *testing.T, a identity.Actor, verb claims.Verb, c claims.Claim) (claims.Claim, error) {
	ctx, id, v := t.Context(), c.ID, c.Version
	switch verb {
	case claims.DoChange:
		return g.Change(ctx, a, id, v, func(content *claims.Content) error {
			content.Expenses = []claims.Expense{{Kind: "added_cost", Amount: 7_000}}
			return nil
		})
	case claims.DoSubmit:
		return g.Submit(ctx, a, id, v, none)
	case claims.DoWithdraw:
		return g.Withdraw(ctx, a, id, v, "문을 닫습니다", none)
	case claims.DoAnswer:
		return g.AnswerRequest(ctx, a, id, v, 1, claims.Answers{Items: []claims.ItemAnswer{{Code: "bank_copy", Text: "첨부했습니다"}}, Channel: channelOf(a)}, none)
	case claims.DoAppeal:
		return g.FileAppeal(ctx, a, id, v, claims.AppealDraft{Grounds: "다시 봐 주십시오.", Channel: channelOf(a)}, none)
	case claims.DoAskHuman:
		return g.AskForPerson(ctx, a, id, v, none)
	case claims.DoAccept:
		return g.AcceptDecision(ctx, a, id, v, none)
	case claims.DoAssign:
		return g.Assign(ctx, a, id, v, "", none)
	case claims.DoPutBack:
		return g.PutBack(ctx, a, id, v, none)
	case claims.DoRecuse:
		return g.Recuse(ctx, a, id, v, none)
	case claims.DoHold:
		return g.Hold(ctx, a, id, v, "under_inquiry", g.clock.Now().AddDate(0, 0, 5), none)
	case claims.DoRelease:
		return g.Release(ctx, a, id, v, none)
	case claims.DoRequest:
		return g.RequestInformation(ctx, a, id, v, aRequest(), none)
	case claims.DoRecall:
		return g.RecallRequest(ctx, a, id, v, 1, none)
	case claims.DoDecide:
		draft := verdict(c, claims.Refused)
		if c.AppealOpen {
			draft.ErrorCode = "none"
		}
		return g.Decide(ctx, a, id, v, draft, none)
	case claims.DoApprove:
		return g.ApproveDecision(ctx, a, id, c.Decisions, v, "확인했습니다", none)
	case claims.DoReturn:
		return g.ReturnDecision(ctx, a, id, c.Decisions, v, "다시 보십시오", none)
	case claims.DoAmend:
		draft := verdict(c, claims.Approved)
		draft.ErrorCode, draft.Note = "evidence_overlooked", "자료를 빠뜨렸습니다."
		return g.AmendDecision(ctx, a, id, v, draft, none)
	default:
		t.Fatalf("nobody does %s", verb)
		return claims.Claim{}, nil
	}
}

// refusal is how a caller who may not is answered: by their role first, then by
// whose claim it is.
func refusal(verb claims.Verb, caller string) (fault.Kind, string) {
	switch {
	case caller == "public":
		return fault.Unauthenticated, "key_required"
	case caller == "stranger" && slices.Contains(doers[verb], "claimant"):
		return fault.NotFound, "claim_not_found"
	default:
		return fault.Forbidden, "role_not_permitted"
	}
}

// subject is a claim in the state on which the caller can do what the verb says.
func (g *stage) subject(t *testing.T, state claims.State, verb claims.Verb, person string) claims.Claim {
	t.Helper()
	decided := claims.Refused
	switch {
	case state == claims.Decided && verb == claims.DoAskHuman:
		return g.automatic(t)
	case state == claims.Decided && (verb == claims.DoChange || verb == claims.DoSubmit):
		decided = claims.Rejected
	}
	return g.in(t, state, person, decided)
}

func TestEveryVerbInEveryStateByEveryRole(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		g := newStage(t, s, 400)
		for _, state := range claims.States {
			g.refuses(t, state)
			for verb, to := range life[state] {
				for _, caller := range doers[verb] {
					actor, what := s.caller(caller), fmt.Sprintf("%s, %s, %s", state, verb, caller)
					if state == claims.Appealed && (verb == claims.DoDecide || verb == claims.DoAssign) && caller == "reviewer" {
						_, err := g.do(t, actor, verb, g.subject(t, state, verb, actor.Person))
						wants(t, what, err, fault.Forbidden, "appeal_needs_senior")
						continue
					}
					g.succeeds(t, what, actor, state, verb, to)
				}
			}
		}
	})
}

// refuses tries everything that must be refused in a state. Refusals leave the
// claim as it is, so one claim takes all of them.
func (g *stage) refuses(t *testing.T, state claims.State) {
	t.Helper()
	still := g.in(t, state, g.maker.Person, claims.Refused)
	for _, verb := range claims.Verbs {
		_, allowed := life[state][verb]
		for _, caller := range callers {
			may := slices.Contains(doers[verb], caller)
			if allowed && may || slices.Contains(scheduled, verb) {
				continue
			}
			kind, code := refusal(verb, caller)
			if may {
				kind, code = fault.Conflict, "claim_state"
			}
			_, err := g.do(t, g.caller(caller), verb, still)
			wants(t, fmt.Sprintf("%s, %s, %s", state, verb, caller), err, kind, code)
		}
	}
	now := must(g.Claim(t.Context(), g.as(identity.Claimant), still.ID))(t)
	events := must(g.Events(t.Context(), g.as(identity.Claimant), still.ID))(t)
	if now.Version != still.Version || int64(len(events)) != still.Version {
		t.Errorf("%s: refusals led from version %d to %d with %d events", state, still.Version, now.Version, len(events))
	}
}

func (g *stage) succeeds(t *testing.T, what string, actor identity.Actor, state claims.State, verb claims.Verb, to claims.State) {
	t.Helper()
	person := actor.Person
	if slices.Contains(doers[verb], "claimant") {
		person = g.maker.Person // who acts for a claimant does not have the claim
	}
	c := g.subject(t, state, verb, person)
	own := g.as(identity.Claimant)
	before := must(g.Events(t.Context(), own, c.ID))(t)
	got, err := g.do(t, actor, verb, c)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if got.State != to {
		t.Errorf("%s leads to %s, want %s", what, got.State, to)
	}
	stored := must(g.Claim(t.Context(), own, c.ID))(t)
	got.Estimate = stored.Estimate // comes with a claim that is asked for alone
	if diff := cmp.Diff(stored, got); diff != "" {
		t.Errorf("%s (-stored +answered):\n%s", what, diff)
	}
	events := must(g.Events(t.Context(), own, c.ID))(t)
	last := events[len(events)-1]
	if len(events) != len(before)+1 || last.N != stored.Version || stored.Version != c.Version+1 || int64(len(events)) != stored.Version {
		t.Errorf("%s: version %d after %d, %d events after %d", what, stored.Version, c.Version, len(events), len(before))
	}
	if stages := must(g.Stages(t.Context(), own, c.ID))(t); stages[len(stages)-1].State != to || stages[len(stages)-1].Left != nil {
		t.Errorf("%s: the stages end with %+v", what, stages[len(stages)-1])
	}
}

func TestVerbAtAnotherVersionIsStale(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		g := newStage(t, s, 10)
		c := g.in(t, claims.Drafted, "", claims.Refused)
		for _, version := range []int64{c.Version - 1, c.Version + 1, -1} {
			if version == 0 {
				continue // no comparison was asked for
			}
			held := c
			held.Version = version
			for _, verb := range []claims.Verb{claims.DoChange, claims.DoSubmit, claims.DoWithdraw} {
				_, err := g.do(t, s.as(identity.Claimant), verb, held)
				wants(t, string(verb), err, fault.Stale, "version_stale")
			}
		}
	})
}

func TestOneOfManySubmissionsOfADraftWins(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.upload(t, identity.Claimant, ordinary(1))
		for _, version := range []int64{1, 0} { // with and without a comparison
			draft := s.file(t, s.draft(), false)
			won := 0
			for _, err := range race(16, func(int) error {
				_, err := s.Submit(t.Context(), s.as(identity.Claimant), draft.ID, version, none)
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
				_, err := s.File(t.Context(), s.as(identity.Claimant), s.draft(), submit, none)
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

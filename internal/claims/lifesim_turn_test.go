package claims_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
)

// What else happens to one claim, beside the verbs.
const (
	doFile     claims.Verb = "file"
	doEvidence claims.Verb = "evidence"
)

// turn is one thing that somebody tries to do to one claim. It can be tried
// again just as it was.
type turn struct {
	verb    claims.Verb
	actor   identity.Actor
	about   *subject
	version int64 // that the caller names
	n       int   // of the request or decision
	person  string
	draft   claims.DecisionDraft
	desk    int // whose process
	once    *claims.Once
	run     func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error)

	rendered claims.Answer
	keptAt   *time.Time // when the answer was committed under the key
}

// reply keeps the answer under the key of the turn, if it has one.
func (a *turn) reply() claims.Reply[claims.Claim] {
	return claims.Reply[claims.Claim]{Once: a.once, Render: func(c claims.Claim) (claims.Answer, error) {
		a.rendered = claims.Answer{Status: 200, Body: fmt.Appendf(nil, "%s %d %s", c.ID, c.Version, c.State)}
		return a.rendered, nil
	}}
}

// caller is what the tables call the actor of a turn.
func (a *turn) caller() string {
	if a.actor.ClaimantID != "" && a.actor.ClaimantID != a.about.shop.ID {
		return "stranger"
	}
	return string(a.actor.Role)
}

// weights are how often a verb is tried where it is allowed; 4 where it is not
// here.
var weights = map[claims.Verb]int{
	claims.DoSubmit: 9, claims.DoAnswer: 8, claims.DoAppeal: 8, claims.DoDecide: 12, claims.DoApprove: 6,
	claims.DoWithdraw: 1, claims.DoAccept: 1, claims.DoPutBack: 2, claims.DoRecuse: 1, claims.DoAmend: 1, claims.DoReturn: 2, claims.DoChange: 2,
}

// weight is how often a verb is tried on a claim: what its state allows and the
// rest of it does not is rare.
func weight(f facts, verb claims.Verb) int {
	c := f.Claim
	usual, known := weights[verb]
	switch {
	case c.State == claims.Decided && (verb == claims.DoChange || verb == claims.DoSubmit) && c.Verdict != claims.Rejected,
		verb == claims.DoAppeal && f.Appeal != nil:
		return 1
	case verb == claims.DoAskHuman:
		if c.Automatic {
			return 12
		}
		return 1
	case known:
		return usual
	default:
		return 4
	}
}

// byHand are the verbs that need the claim in one's hands.
var byHand = []claims.Verb{claims.DoPutBack, claims.DoRecuse, claims.DoHold, claims.DoRequest, claims.DoDecide}

// chance is true p times in a hundred.
func (l *lifesim) chance(p int) bool { return l.rand.IntN(100) < p }

// pick is one of a list.
func pick[T any](l *lifesim, list []T) T { return list[l.rand.IntN(len(list))] }

// choose is a turn about a claim: mostly what its state allows, by somebody who
// may, at its version; often enough not.
func (l *lifesim) choose(about *subject) *turn {
	a := &turn{about: about, version: about.facts.Claim.Version, desk: l.rand.IntN(len(l.desks))}
	a.verb = l.verb(about)
	a.actor = l.actor(about, a.verb)
	switch chance := l.rand.IntN(100); {
	case chance < 8:
		a.version = 0
	case chance < 12:
		a.version--
	case chance < 16:
		a.version++
	}
	if l.chance(35) {
		l.keys++
		key := fmt.Sprint("turn ", l.keys)
		a.once = &claims.Once{Caller: "caller " + a.actor.Person, Key: key, Request: []byte(key)}
	}
	l.own(a)
	l.staff(a)
	if a.run == nil {
		panic("nobody does " + string(a.verb))
	}
	return a
}

// verb is what to try on a claim.
func (l *lifesim) verb(about *subject) claims.Verb {
	c := about.facts.Claim
	var bag []claims.Verb
	for _, verb := range claims.Verbs {
		_, allowed := life[c.State][verb]
		if slices.Contains(scheduled, verb) || !allowed {
			continue
		}
		bag = append(bag, slices.Repeat([]claims.Verb{verb}, weight(about.facts, verb))...)
	}
	if len(bag) == 0 || l.chance(12) || c.State == claims.Closed && l.chance(60) {
		verb := pick(l, claims.Verbs)
		for slices.Contains(scheduled, verb) {
			verb = pick(l, claims.Verbs)
		}
		return verb
	}
	verb := pick(l, bag)
	if slices.Contains(byHand, verb) && !l.leased(c) && l.chance(75) {
		return claims.DoAssign
	}
	return verb
}

// leased reports whether somebody has the claim now.
func (l *lifesim) leased(c claims.Claim) bool {
	return c.AssignedTo != "" && c.LeaseUntil != nil && l.clock.Now().Before(*c.LeaseUntil)
}

// actor is who tries a verb.
func (l *lifesim) actor(about *subject, verb claims.Verb) identity.Actor {
	c := about.facts.Claim
	who := pick(l, l.people)
	if l.chance(12) {
		return who
	}
	switch {
	case slices.Contains(doers[verb], "claimant"):
		if l.chance(85) {
			who = about.shop.actor
			if l.chance(30) {
				who = identity.Actor{Role: identity.Delegate, KeyID: "delegate of " + c.ClaimantID, Person: "delegate", ClaimantID: c.ClaimantID}
			}
		}
	case verb == claims.DoAssign, verb == claims.DoAmend:
		who = pick(l, l.reviewers)
		if c.AppealOpen || c.Score >= l.policy.SeniorFromScore {
			who = pick(l, l.seniors)
		}
	case verb == claims.DoApprove, verb == claims.DoReturn:
		who = pick(l, l.checkers)
	case c.AssignedTo != "":
		who = l.holder(c.AssignedTo, c.AppealOpen)
	}
	return who
}

// holder is a key of a person, that of a senior where they need it.
func (l *lifesim) holder(person string, senior bool) identity.Actor {
	list := l.reviewers
	if senior {
		list = l.seniors
	}
	for _, actor := range list {
		if actor.Person == person {
			return actor
		}
	}
	return pick(l, l.reviewers)
}

// own fills in what claimants do, and staff for them.
func (l *lifesim) own(a *turn) {
	id, version, actor := a.about.id, a.version, a.actor
	switch a.verb {
	case claims.DoChange:
		amount, service := l.amount(), "shop"
		if l.chance(5) {
			service = "nowhere"
		}
		a.once = nil // a change is kept from repeating by its version
		a.run = func(ctx context.Context, s *claims.Service, _ claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Change(ctx, actor, id, version, func(content *claims.Content) error {
				content.Expenses = []claims.Expense{{Kind: "added_cost", Amount: amount}}
				content.Lines = []claims.LossLine{{Service: service, DeclaredActual: ptr(money.Minor(0))}}
				return nil
			})
		}
	case claims.DoSubmit:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Submit(ctx, actor, id, version, reply)
		}
	case claims.DoWithdraw:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Withdraw(ctx, actor, id, version, "문을 닫습니다", reply)
		}
	case claims.DoAnswer:
		l.answer(a)
	case claims.DoAppeal:
		draft := claims.AppealDraft{Grounds: "다시 봐 주십시오.", Files: l.some(a.about), Channel: channelOf(actor)}
		if l.chance(5) {
			draft.Grounds = " "
		}
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.FileAppeal(ctx, actor, id, version, draft, reply)
		}
	case claims.DoAskHuman:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.AskForPerson(ctx, actor, id, version, reply)
		}
	case claims.DoAccept:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.AcceptDecision(ctx, actor, id, version, reply)
		}
	}
}

// answer answers some items of the newest request, now and then of another one.
func (l *lifesim) answer(a *turn) {
	requests := a.about.facts.Requests
	a.n = max(len(requests), 1)
	if l.chance(6) {
		a.n += l.rand.IntN(3) - 1
	}
	codes := []string{"item_a", "item_b", "item_c", "item_d"}
	if len(requests) > 0 {
		codes = codes[:len(requests[len(requests)-1].Items)]
	}
	if l.chance(5) {
		codes = []string{"nothing"}
	}
	var answers []claims.ItemAnswer
	for _, code := range codes {
		if l.chance(70) {
			answers = append(answers, claims.ItemAnswer{Code: code, Text: "첨부했습니다", Files: l.some(a.about)})
		}
	}
	a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.AnswerRequest(ctx, a.actor, a.about.id, a.version, a.n, claims.Answers{Items: answers, Channel: channelOf(a.actor)}, reply)
	}
}

// some are files of the claim; rarely one that is not.
func (l *lifesim) some(about *subject) []string {
	var ids []string
	for _, f := range about.facts.Files {
		if l.chance(30) {
			ids = append(ids, f.ID)
		}
	}
	if l.chance(2) {
		ids = append(ids, "019f0000-0000-7000-8000-000000000000")
	}
	return ids
}

// staff fills in what staff do.
func (l *lifesim) staff(a *turn) {
	switch a.verb {
	case claims.DoAssign:
		if l.chance(15) {
			a.person = pick(l, l.reviewers).Person
		}
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Assign(ctx, a.actor, a.about.id, a.version, a.person, reply)
		}
	case claims.DoPutBack:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.PutBack(ctx, a.actor, a.about.id, a.version, reply)
		}
	case claims.DoRecuse:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Recuse(ctx, a.actor, a.about.id, a.version, reply)
		}
	case claims.DoHold:
		reason, until := "under_inquiry", l.clock.Now().Add(time.Duration(1+l.rand.IntN(90*24))*time.Hour)
		if l.chance(10) {
			reason, until = pick(l, []string{"under_inquiry", "nonsense"}), l.clock.Now().Add(time.Duration(l.rand.IntN(200)-100)*24*time.Hour)
		}
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Hold(ctx, a.actor, a.about.id, a.version, reason, until, reply)
		}
	case claims.DoRelease:
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Release(ctx, a.actor, a.about.id, a.version, reply)
		}
	case claims.DoRequest, claims.DoRecall:
		l.request(a)
	default:
		l.decisions(a)
	}
}

// request asks for one to four things, or recalls the newest request.
func (l *lifesim) request(a *turn) {
	if a.verb == claims.DoRecall {
		a.n = max(len(a.about.facts.Requests), 1)
		if l.chance(6) {
			a.n += l.rand.IntN(3) - 1
		}
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.RecallRequest(ctx, a.actor, a.about.id, a.version, a.n, reply)
		}
		return
	}
	var draft claims.RequestDraft
	for _, code := range []string{"item_a", "item_b", "item_c", "item_d"}[:1+l.rand.IntN(4)] {
		draft.Items = append(draft.Items, claims.RequestedItem{Code: code, What: "통장 사본", Why: "입금 계좌를 확인합니다"})
	}
	if l.chance(30) {
		draft.DueAt = ptr(l.clock.Now().Add(time.Duration(1+l.rand.IntN(20*24)) * time.Hour))
	}
	if l.chance(6) {
		draft.Items[0].Why = ""
	}
	a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		// The service keeps what it is given; a retry gives the same anew.
		fresh := draft
		fresh.Items = slices.Clone(draft.Items)
		return s.RequestInformation(ctx, a.actor, a.about.id, a.version, fresh, reply)
	}
}

// decisions fills in what is done about decisions.
func (l *lifesim) decisions(a *turn) {
	c := a.about.facts.Claim
	n := c.Decisions
	if l.chance(5) {
		n += l.rand.IntN(3) - 1
	}
	switch a.verb {
	case claims.DoDecide:
		kind := claims.FirstDecision
		if c.AppealOpen {
			kind = claims.AppealDecision
		}
		a.draft = l.decision(a.about, kind)
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.Decide(ctx, a.actor, a.about.id, a.version, a.draft, reply)
		}
	case claims.DoAmend:
		a.draft = l.decision(a.about, claims.Amendment)
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.AmendDecision(ctx, a.actor, a.about.id, a.version, a.draft, reply)
		}
	case claims.DoApprove:
		a.n = n
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.ApproveDecision(ctx, a.actor, a.about.id, a.n, a.version, "확인했습니다", reply)
		}
	case claims.DoReturn:
		a.n = n
		a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
			return s.ReturnDecision(ctx, a.actor, a.about.id, a.n, a.version, "다시 보십시오", reply)
		}
	}
}

// decision drafts a decision that fits the claim, or one that should not pass.
func (l *lifesim) decision(about *subject, kind claims.DecisionKind) claims.DecisionDraft {
	c := about.facts.Claim
	limit, reference := max(c.Claimed, c.Stake), money.Minor(0)
	if c.Estimated != nil {
		limit, reference = max(limit, *c.Estimated), *c.Estimated
	}
	limit = min(limit, schemeCap)
	d := claims.DecisionDraft{Evidence: l.some(about)}
	switch chance := l.rand.IntN(10); {
	case chance < 4 && limit >= max(reference, 1): // in full
		d.Verdict, d.Reason, d.Awarded = claims.Approved, "agrees_with_estimate", max(reference, 1)
		if limit > d.Awarded && l.chance(50) {
			d.Awarded += 1 + money.Minor(l.rand.Int64N(int64(limit-d.Awarded)))
		}
	case chance < 6 && reference+limit > 1: // in part
		d.Verdict, d.Reason, d.Note = claims.PartlyApproved, "other_partly_approved", "일부만 확인됩니다."
		d.Awarded, d.Assessed = 1, max(limit, 2)
		if reference > 1 {
			d.Awarded += money.Minor(l.rand.Int64N(int64(reference - 1)))
		}
	case chance < 7: // beyond the limit
		d.Verdict, d.Reason, d.Override, d.Note = claims.Approved, "agrees_with_estimate", "estimate_incomplete", "추정에 없는 손실입니다."
		d.Awarded = max(limit, reference) + 1 + money.Minor(l.rand.IntN(1_000_000))
		if l.chance(15) {
			d.Override = ""
		}
	case chance < 8 && kind == claims.FirstDecision:
		d.Verdict, d.Reason, d.Note = claims.Rejected, "missing_document", "사업자등록증 사본이 없습니다."
	default:
		d.Verdict, d.Reason, d.Assessed = claims.Refused, "no_loss_shown", reference
	}
	d.Assessed = max(d.Assessed, d.Awarded)
	if kind != claims.FirstDecision {
		d.ErrorCode, d.Note = "evidence_overlooked", "자료를 빠뜨렸습니다."
		if kind == claims.AppealDecision && d.Verdict == c.Verdict && c.Awarded != nil && d.Awarded == *c.Awarded {
			d.ErrorCode = claims.NoError
		}
	}
	if l.chance(10) {
		l.spoil(&d)
	}
	return d
}

// spoil makes a draft that no claim takes, or rarely one.
func (l *lifesim) spoil(d *claims.DecisionDraft) {
	switch l.rand.IntN(8) {
	case 0:
		d.Awarded = -1
	case 1:
		d.Awarded = d.Assessed + 1
	case 2:
		d.Assessed = money.MaxClaim + 1
	case 3:
		d.Verdict = pick(l, []claims.Verdict{claims.Approved, claims.PartlyApproved, claims.Refused, claims.Rejected, "maybe"})
	case 4:
		d.Reason = "nonsense"
	case 5:
		d.Override = pick(l, []string{"nonsense", "estimate_incomplete", ""})
	case 6:
		d.ErrorCode = pick(l, []string{"nonsense", "none", ""})
	case 7:
		d.Evidence = []string{"019f0000-0000-7000-8000-000000000000"}
	}
}

// amount is what a claim states: mostly what a reviewer may decide, now and then
// what nobody but an admin may.
func (l *lifesim) amount() money.Minor {
	return money.Minor(l.rand.Int64N([]int64{1, 1_000, 400_000, 400_000, 400_000, 5_000_000, 60_000_000}[l.rand.IntN(7)]))
}

// evidence is a turn that uploads a file, sometimes one that lies.
func (l *lifesim) evidence(about *subject) *turn {
	a := &turn{verb: doEvidence, about: about, actor: about.shop.actor, desk: l.rand.IntN(len(l.desks))}
	if l.chance(30) {
		a.actor = pick(l, l.people)
	}
	name, content := "receipt", fmt.Appendf(nil, "file %d", l.step)
	if l.chance(10) {
		name = "liar"
	}
	a.run = func(ctx context.Context, s *claims.Service, _ claims.Reply[claims.Claim]) (claims.Claim, error) {
		_, err := s.UploadEvidence(ctx, a.actor, claims.EvidenceUpload{
			ClaimID: about.id, Slot: "other", Name: name, Body: bytes.NewReader(content),
		}, claims.Reply[claims.EvidenceFile]{})
		return claims.Claim{}, err
	}
	return a
}

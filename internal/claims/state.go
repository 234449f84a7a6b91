package claims

import (
	"slices"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
)

// State is where a claim stands.
type State string

// The states of a claim.
const (
	Drafted          State = "draft"
	Submitted        State = "submitted"             // in the queue
	InReview         State = "in_review"             // a reviewer has it
	AwaitingAnswer   State = "information_requested" // the clock stands still
	OnHold           State = "on_hold"
	AwaitingApproval State = "awaiting_approval" // proposed; a second person is asked
	Decided          State = "decided"
	Appealed         State = "appealed"
	Closed           State = "closed"
	Withdrawn        State = "withdrawn"
)

// Verb is what may be done to a claim.
type Verb string

// The verbs.
const (
	DoChange   Verb = "change"    // the content of a draft, or of a claim rejected as fixable
	DoSubmit   Verb = "submit"    // or submit again what was rejected as fixable
	DoWithdraw Verb = "withdraw"  // the claim or, once it was decided, the appeal
	DoAnswer   Verb = "answer"    // an information request, in part or in full
	DoAppeal   Verb = "appeal"    // against a decision
	DoAskHuman Verb = "ask_human" // to decide again what was decided automatically
	DoAccept   Verb = "accept"    // a decision, before its appeal period ends

	DoAssign  Verb = "assign" // take, keep or hand over a claim
	DoPutBack Verb = "put_back"
	DoRecuse  Verb = "recuse" // put back for a conflict of interest
	DoHold    Verb = "hold"
	DoRelease Verb = "release" // from hold
	DoRequest Verb = "request" // information
	DoRecall  Verb = "recall"  // an information request that is no longer needed
	DoDecide  Verb = "decide"
	DoApprove Verb = "approve"
	DoReturn  Verb = "return" // a proposed decision to whoever made it
	DoAmend   Verb = "amend"  // a decision that stands

	DoLapse Verb = "lapse" // of an information request that nobody answered
	DoClose Verb = "close"
)

// Verbs are all verbs in the order of a claim's life.
var Verbs = []Verb{
	DoChange, DoSubmit, DoWithdraw, DoAnswer, DoAppeal, DoAskHuman, DoAccept,
	DoAssign, DoPutBack, DoRecuse, DoHold, DoRelease, DoRequest, DoRecall, DoDecide, DoApprove, DoReturn, DoAmend, DoLapse, DoClose,
}

// States are all states in the order of a claim's life.
var States = []State{Drafted, Submitted, InReview, AwaitingAnswer, OnHold, AwaitingApproval, Decided, Appealed, Closed, Withdrawn}

// transitions is the life of a claim: the states each verb may lead to. What is
// not here is not allowed. Where a verb may lead to several, the claim decides:
// the review of an appeal goes back to appealed where a first review goes back
// to in_review.
var transitions = map[State]map[Verb][]State{
	Drafted: {DoChange: {Drafted}, DoSubmit: {Submitted, Decided}, DoWithdraw: {Withdrawn}},
	Submitted: {
		DoAssign: {InReview}, DoWithdraw: {Withdrawn},
	},
	InReview: {
		DoAssign: {InReview}, DoPutBack: {Submitted}, DoRecuse: {Submitted}, DoHold: {OnHold}, DoRequest: {AwaitingAnswer},
		DoDecide: {Decided, AwaitingApproval}, DoWithdraw: {Withdrawn},
	},
	AwaitingAnswer: {
		DoAnswer: {AwaitingAnswer, InReview, Appealed}, DoRecall: {InReview, Appealed}, DoLapse: {InReview, Appealed, Decided}, DoWithdraw: {Withdrawn, Decided},
	},
	OnHold:           {DoRelease: {InReview, Appealed}, DoWithdraw: {Withdrawn, Decided}},
	AwaitingApproval: {DoApprove: {Decided}, DoReturn: {InReview, Appealed, Decided, Closed}, DoWithdraw: {Withdrawn, Decided}},
	Decided: {
		DoAmend: {AwaitingApproval}, DoAppeal: {Appealed}, DoAskHuman: {Submitted}, DoAccept: {Closed}, DoClose: {Closed},
		DoChange: {Decided}, DoSubmit: {Submitted, Decided},
	},
	Appealed: {
		DoAssign: {Appealed}, DoPutBack: {Appealed}, DoRecuse: {Appealed}, DoHold: {OnHold}, DoRequest: {AwaitingAnswer},
		DoDecide: {Decided, AwaitingApproval}, DoWithdraw: {Decided},
	},
	Closed:    {DoAmend: {AwaitingApproval}},
	Withdrawn: {},
}

// Rule says who may do what a verb says, and what it is called.
type Rule struct {
	Past   lang.Text       // what it makes of a claim: "withdrawn"
	Own    bool            // claimants and their delegates, with their own claims; staff on their behalf, see onBehalf
	Staff  identity.Action // what staff must be permitted; empty for nobody
	Clock  bool            // the service itself, when it falls due
	Judges bool            // whoever is kept from the claim may not
	Event  string          // what it leaves in the claim's history
}

// rules are the verbs' permissions and events.
var rules = map[Verb]Rule{
	DoChange:   {Past: lang.T("changed", "변경"), Own: true, Staff: identity.ActForClaimants, Event: "claim.changed"},
	DoSubmit:   {Past: lang.T("submitted", "제출"), Own: true, Staff: identity.ActForClaimants, Event: "claim.submitted"},
	DoWithdraw: {Past: lang.T("withdrawn", "철회"), Own: true, Staff: identity.UseRights, Event: "claim.withdrawn"},
	DoAnswer:   {Past: lang.T("answered", "답변"), Own: true, Staff: identity.UseRights, Event: "claim.answered"},
	DoAppeal:   {Past: lang.T("appealed", "이의신청"), Own: true, Staff: identity.UseRights, Event: "claim.appealed"},
	DoAskHuman: {Past: lang.T("given to a person to decide", "담당자 재처리 요청"), Own: true, Staff: identity.UseRights, Event: "claim.human_asked"},
	DoAccept:   {Past: lang.T("accepted", "수락"), Own: true, Staff: identity.UseRights, Event: "claim.accepted"},

	DoAssign:  {Past: lang.T("assigned", "배정"), Staff: identity.ReviewClaims, Event: "claim.assigned"},
	DoPutBack: {Past: lang.T("put back", "배정 해제"), Staff: identity.ReviewClaims, Event: "claim.put_back"},
	DoRecuse:  {Past: lang.T("put back for a conflict of interest", "이해충돌로 회피"), Staff: identity.ReviewClaims, Event: "claim.recused"},
	DoHold:    {Past: lang.T("put on hold", "보류"), Staff: identity.ReviewClaims, Event: "claim.held"},
	DoRelease: {Past: lang.T("released", "보류 해제"), Staff: identity.ReviewClaims, Clock: true, Event: "claim.released"},
	DoRequest: {Past: lang.T("asked about", "자료 요청"), Staff: identity.ReviewClaims, Event: "claim.information_requested"},
	DoRecall:  {Past: lang.T("freed of its information request", "자료 요청 취소"), Staff: identity.ReviewClaims, Event: "claim.request_recalled"},
	DoDecide:  {Past: lang.T("decided", "결정"), Staff: identity.ReviewClaims, Judges: true, Event: "claim.decided"},
	DoApprove: {Past: lang.T("approved", "승인"), Staff: identity.ApproveDecisions, Judges: true, Event: "claim.decision_approved"},
	DoReturn:  {Past: lang.T("returned", "반려"), Staff: identity.ApproveDecisions, Judges: true, Event: "claim.decision_returned"},
	DoAmend:   {Past: lang.T("amended", "정정"), Staff: identity.ReviewClaims, Judges: true, Event: "claim.amendment_proposed"},

	DoLapse: {Past: lang.T("lapsed", "기한 경과 처리"), Clock: true, Event: "claim.request_lapsed"},
	DoClose: {Past: lang.T("closed", "종결"), Clock: true, Event: "claim.closed"},
}

// May reports whether an actor may do what the verb says to a claim of that
// claimant.
func (v Verb) May(actor identity.Actor, claimantID string) bool {
	rule := rules[v]
	return rule.Own && actor.Owns(claimantID) || actor.Can(rule.Staff) || rule.Clock && actor == identity.Itself
}

// Targets are the states that a verb may lead to; none when it is not allowed.
func (s State) Targets(verb Verb) []State { return slices.Clone(transitions[s][verb]) }

// among are the states a verb may lead to, or a Conflict fault.
func (s State) among(verb Verb) ([]State, error) {
	if next := transitions[s][verb]; len(next) > 0 {
		return next, nil
	}
	return nil, notNow(s, verb)
}

// notNow refuses a verb in a state.
func notNow(s State, verb Verb) *fault.Error {
	return fault.New(fault.Conflict, "claim_state",
		"The claim is %s; it can not be %s.", "청구가 %s 상태여서 %s할 수 없습니다.", stateNames[s], rules[verb].Past)
}

var stateNames = map[State]lang.Text{
	Drafted:          lang.T("a draft", "작성 중"),
	Submitted:        lang.T("submitted", "제출됨"),
	InReview:         lang.T("in review", "심사 중"),
	AwaitingAnswer:   lang.T("waiting for information", "자료 대기 중"),
	OnHold:           lang.T("on hold", "보류 중"),
	AwaitingApproval: lang.T("awaiting approval", "승인 대기 중"),
	Decided:          lang.T("decided", "결정됨"),
	Appealed:         lang.T("under appeal", "이의신청 심사 중"),
	Closed:           lang.T("closed", "종결됨"),
	Withdrawn:        lang.T("withdrawn", "철회됨"),
}

// Shown is the state as its claimant sees it: how the desk organises a review is
// no business of theirs. It takes eight values.
func (s State) Shown() State {
	if s == OnHold || s == AwaitingApproval {
		return InReview
	}
	return s
}

// Standing reports whether a claim in this state counts: it was submitted and
// not withdrawn.
func (s State) Standing() bool { return s != Drafted && s != Withdrawn }

// undecided reports whether a submitted claim waits for its first decision.
func (s State) undecided() bool {
	return s == Submitted || s == InReview || s == AwaitingAnswer || s == OnHold
}

// Stopped reports whether the claim's clock stands still in this state, because
// the next step is the claimant's.
func (s State) Stopped() bool {
	switch s {
	case Drafted, AwaitingAnswer, Decided, Closed, Withdrawn:
		return true
	default:
		return false
	}
}

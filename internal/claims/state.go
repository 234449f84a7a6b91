package claims

import "redress/internal/fault"

// State is where a claim stands.
type State string

// The states of a claim.
const (
	Drafted   State = "draft"
	Submitted State = "submitted"
	Withdrawn State = "withdrawn"
)

// Verb is what may be done to a claim.
type Verb string

// The verbs.
const (
	Amend    Verb = "amend"
	Submit   Verb = "submit"
	Withdraw Verb = "withdraw"
)

// transitions is the life of a claim: the state each verb leads to. What is not
// here is not allowed.
var transitions = map[State]map[Verb]State{
	Drafted:   {Amend: Drafted, Submit: Submitted, Withdraw: Withdrawn},
	Submitted: {Withdraw: Withdrawn},
	Withdrawn: {},
}

// after is the state a verb leads to, or a Conflict fault.
func (s State) after(verb Verb) (State, error) {
	if next, ok := transitions[s][verb]; ok {
		return next, nil
	}
	return "", fault.New(fault.Conflict, "claim_state",
		"A claim that is %s cannot be the object of %q.", "%s 상태의 청구에는 %q을(를) 할 수 없습니다.", s, verb)
}

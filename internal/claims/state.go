package claims

import (
	"redress/internal/fault"
	"redress/internal/lang"
)

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

var stateNames = map[State]lang.Text{
	Drafted: lang.T("a draft", "작성 중"), Submitted: lang.T("submitted", "제출됨"), Withdrawn: lang.T("withdrawn", "철회됨"),
}

var verbNames = map[Verb]lang.Text{
	Amend: lang.T("changed", "변경"), Submit: lang.T("submitted", "제출"), Withdraw: lang.T("withdrawn", "철회"),
}

// after is the state a verb leads to, or a Conflict fault.
func (s State) after(verb Verb) (State, error) {
	if next, ok := transitions[s][verb]; ok {
		return next, nil
	}
	return "", fault.New(fault.Conflict, "claim_state",
		"The claim is %s; it can no longer be %s.", "청구가 %s 상태여서 더는 %s할 수 없습니다.", stateNames[s], verbNames[verb])
}

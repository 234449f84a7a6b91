package claims

import (
	"context"
	"slices"

	"redress/internal/fault"
	"redress/internal/identity"
)

// Behalf says how staff were told what they put down on a claimant's behalf, and in
// which role they did; it is empty where the claimant did it.
type Behalf struct {
	Channel string        `json:"channel,omitempty"` // phone or paper
	FiledBy identity.Role `json:"filed_by,omitempty"`
}

// behalf is who puts something down, and how they were told. Staff say how; a
// claimant, who was not told by anybody, says nothing.
func behalf(actor identity.Actor, channel string) (Behalf, []fault.Field) {
	staff := !actor.Can(identity.OwnClaims)
	switch {
	case staff && channel != "phone" && channel != "paper":
		return Behalf{}, []fault.Field{fault.At("#/channel", "channel_required",
			"Say how the claimant told you: phone or paper.", "청구인에게서 어떻게 받았는지 phone(전화) 또는 paper(서면)로 적으십시오.")}
	case !staff && channel != "":
		return Behalf{}, []fault.Field{fault.At("#/channel", "channel_not_allowed",
			"Only staff who act on a claimant's behalf say how they were told.", "청구인을 대신하는 담당자만 적습니다.")}
	case !staff:
		return Behalf{}, nil
	}
	return Behalf{Channel: channel, FiledBy: actor.Role}, nil
}

// told adds the channel to what an event says; the role is the event's own.
func (b Behalf) told(data map[string]any) map[string]any {
	if b.Channel != "" {
		data["channel"] = b.Channel
	}
	return data
}

// judgesClaim is the code of the refusal of onBehalf.
const judgesClaim = "judge_for_claimant"

// onBehalf lets a person of staff do what is a claimant's to do: nobody who has the
// claim or took part in a decision on it, who could use up the claimant's rights
// against themselves, and whoever does decides nothing about it afterwards.
func onBehalf(ctx context.Context, tx Tx, claim Claim, person string) error {
	decisions, err := tx.Decisions(ctx, claim.ID)
	if err != nil {
		return err
	}
	if claim.AssignedTo == person || slices.ContainsFunc(decisions, func(d Decision) bool { return d.of(person) }) {
		return fault.New(fault.Forbidden, judgesClaim,
			"Who has the claim or took part in a decision on it does not act for its claimant; somebody else has to.",
			"이 청구를 맡고 있거나 결정에 참여한 사람은 청구인을 대신할 수 없습니다. 다른 담당자가 해야 합니다.")
	}
	return tx.InsertExclusion(ctx, Exclusion{ClaimID: claim.ID, Person: person, Why: ExcludedFiled})
}

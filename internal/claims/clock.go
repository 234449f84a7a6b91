package claims

import (
	"context"
	"slices"
	"time"

	"redress/internal/identity"
	"redress/internal/lang"
)

// NextStep says what happens next with a claim, and when it may be expected;
// nil when nothing has been promised.
func (c Claim) NextStep(now time.Time) (lang.Text, *time.Time) {
	switch c.State {
	case Drafted:
		return lang.T("Submit the claim when it is complete.", "내용을 다 적은 뒤 제출하십시오."), nil
	case Submitted, AwaitingApproval:
		return lang.T("We are reviewing the claim; you need do nothing.", "심사 중입니다. 하실 일은 없습니다."), c.Expected(now)
	case InReview:
		return lang.T("Somebody is reviewing the claim; you need do nothing.", "담당자가 심사하고 있습니다. 하실 일은 없습니다."), c.Expected(now)
	case AwaitingAnswer:
		return lang.T("Answer our request for information; the review goes on when you have.", "자료 요청에 답해 주십시오. 답하시면 심사를 이어 갑니다."), c.DueAt
	case OnHold:
		return lang.T("The review is paused until the date given; it goes on by itself.", "심사가 잠시 멈췄습니다. 표시된 날짜에 저절로 이어집니다."), c.DueAt
	case Decided:
		if c.DueAt == nil || !now.Before(*c.DueAt) {
			return lang.T("The decision is final; the claim is about to be closed.", "결정이 확정되었습니다. 청구가 곧 종결됩니다."), nil
		}
		return c.afterDecision(), c.DueAt
	case Appealed:
		return lang.T("Somebody who did not decide before is reviewing your appeal.", "처음 결정하지 않은 담당자가 이의신청을 심사하고 있습니다."), c.Expected(now)
	case Closed:
		return lang.T("The claim is closed.", "청구가 종결되었습니다."), nil
	default:
		return lang.T("You have withdrawn the claim.", "청구를 철회하셨습니다."), nil
	}
}

func (c Claim) afterDecision() lang.Text {
	switch {
	case c.Verdict == Rejected:
		return lang.T("Mend what the letter names and submit again before the date given, or appeal.",
			"결정문에 적힌 점을 고쳐 표시된 날짜 전에 다시 제출하거나, 이의를 신청하십시오.")
	case c.Automatic:
		return lang.T("Read the letter. Before the date given you may accept it, ask for a person to decide, or appeal.",
			"결정문을 읽어 보십시오. 표시된 날짜 전에 수락하거나, 담당자의 재처리를 요청하거나, 이의를 신청할 수 있습니다.")
	default:
		return lang.T("Read the letter. Before the date given you may accept it or appeal once.",
			"결정문을 읽어 보십시오. 표시된 날짜 전에 수락하거나 한 번 이의를 신청할 수 있습니다.")
	}
}

// StageClock says how long an incident's claims stayed in a state: nearest-rank
// percentiles of the stays that have ended.
type StageClock struct {
	State         State
	Stays         int
	P50, P90, P99 time.Duration
}

// Clocks computes the stage clocks of an incident, in the order of a claim's
// life.
func (s *Service) Clocks(ctx context.Context, actor identity.Actor, incidentID string) ([]StageClock, error) {
	if err := allow(actor, identity.ReadClaims); err != nil {
		return nil, err
	}
	if _, err := s.store.Incident(ctx, incidentID); err != nil {
		return nil, err
	}
	stays := map[State][]time.Duration{}
	err := s.store.StageTimes(ctx, incidentID, func(state State, d time.Duration) { stays[state] = append(stays[state], d) })
	if err != nil {
		return nil, err
	}
	var clocks []StageClock
	for _, state := range States {
		d := stays[state]
		if len(d) == 0 {
			continue
		}
		slices.Sort(d)
		clocks = append(clocks, StageClock{State: state, Stays: len(d), P50: percentile(d, 50), P90: percentile(d, 90), P99: percentile(d, 99)})
	}
	return clocks, nil
}

// percentile is the nearest-rank percentile of sorted values: the smallest value
// that at least p per cent of them do not exceed.
func percentile[N ~int64](sorted []N, p int) N {
	return sorted[(len(sorted)*p+99)/100-1]
}

// Stages lists the stages of a claim, oldest first.
func (s *Service) Stages(ctx context.Context, actor identity.Actor, claimID string) ([]Stage, error) {
	if _, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims); err != nil {
		return nil, err
	}
	return s.store.Stages(ctx, claimID)
}

package claims

import (
	"context"
	"fmt"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
)

// ApproveDecision puts a proposed decision in force: the second person, who has
// the authority for it and did not make it.
func (s *Service) ApproveDecision(ctx context.Context, actor identity.Actor, id string, n int, version int64, note string, reply Reply[Claim]) (Claim, error) {
	m, err := s.matter(ctx, actor, id, version, DoApprove)
	if err != nil {
		return Claim{}, err
	}
	decision, err := s.proposed(ctx, actor, m, n, DoApprove)
	if err != nil {
		return Claim{}, err
	}
	if limit := m.policy.Authority(actor.Role, m.claim.Currency); limit < m.worth(decision) {
		return Claim{}, s.attempted(ctx, actor, id, string(DoApprove), fault.New(fault.Forbidden, "above_authority",
			"The decision moves %d; a %s decides up to %d. Somebody with more authority has to approve it.",
			"이 결정이 다루는 금액은 %d이며, %s의 권한은 %d까지입니다. 권한이 더 큰 사람이 승인해야 합니다.", int64(m.worth(decision)), string(actor.Role), int64(limit)))
	}
	decision.Approval = m.checked(actor, decision, true, note)
	made, err := s.judge(ctx, m, decision)
	if err != nil {
		return Claim{}, err
	}
	claim, err := s.act(ctx, actor, id, m.claim.Version, DoApprove, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		if err := tx.InsertApproval(ctx, *decision.Approval); err != nil {
			return deed{}, err
		}
		return deed{to: Decided, data: made.facts()}, made.stand(ctx, tx, claim)
	})
	return claim, s.attemptedIf(ctx, lossCompensated, actor, id, DoApprove, err)
}

// ReturnDecision gives a proposed decision back to whoever made it, with a note
// that says why. An amendment is dropped: what stands goes on to stand.
func (s *Service) ReturnDecision(ctx context.Context, actor identity.Actor, id string, n int, version int64, note string, reply Reply[Claim]) (Claim, error) {
	m, err := s.matter(ctx, actor, id, version, DoReturn)
	if err != nil {
		return Claim{}, err
	}
	decision, err := s.proposed(ctx, actor, m, n, DoReturn)
	if err != nil {
		return Claim{}, err
	}
	if lang.Blank(note) {
		return Claim{}, fault.InvalidFields([]fault.Field{fault.At("#/note", "note_required", "Say why the decision is returned.", "반려하는 이유를 적으십시오.")})
	}
	appealable, err := s.appealable(ctx, m.claim)
	if err != nil {
		return Claim{}, err
	}
	approval := m.checked(actor, decision, false, note)
	return s.act(ctx, actor, id, m.claim.Version, DoReturn, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		if err := tx.InsertApproval(ctx, *approval); err != nil {
			return deed{}, err
		}
		switch decision.From {
		case Decided:
			// Nobody could appeal while the amendment was pending.
			until := m.now
			if appealable {
				until = m.incident.endOfDay(m.now.Add(m.policy.Appeal()))
			}
			claim.DueAt = &until
		case Closed:
		default:
			claim.lease(decision.MadeBy, m.now.Add(m.policy.Return()))
		}
		return deed{to: decision.From, data: map[string]any{"decision": int64(n)}}, nil
	})
}

// checked is what the actor says of a proposed decision.
func (m matter) checked(actor identity.Actor, d Decision, approved bool, note string) *Approval {
	return &Approval{
		ClaimID: d.ClaimID, Decision: d.N, Maker: d.MadeBy, Approved: approved, By: actor.Person, Role: actor.Role, Note: note, At: m.now,
	}
}

// proposed finds the decision that waits for an approval and refuses whoever made
// it as its checker.
func (s *Service) proposed(ctx context.Context, actor identity.Actor, m matter, n int, verb Verb) (Decision, error) {
	if n < 1 || n > len(m.before) {
		return Decision{}, NotFound("decision", fmt.Sprint(n))
	}
	decision := m.before[n-1]
	if n != m.claim.Decisions || !decision.Needs || decision.Approval != nil {
		return Decision{}, fault.New(fault.Conflict, "decision_not_pending", "Decision %d does not wait for an approval.", "%d차 결정은 승인을 기다리지 않습니다.", n)
	}
	if decision.MadeBy == actor.Person {
		return Decision{}, s.attempted(ctx, actor, m.claim.ID, string(verb), fault.New(fault.Forbidden, "own_decision",
			"Nobody checks their own decision; somebody else has to.", "본인이 한 결정은 본인이 확인할 수 없습니다. 다른 사람이 확인해야 합니다."))
	}
	return decision, nil
}

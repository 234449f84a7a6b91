package claims

import (
	"context"
	"time"

	"redress/internal/identity"
)

// judgement is a decision with all that goes with it when it stands, worked out
// before its transaction.
type judgement struct {
	service *Service
	Decision
	letter Letter
	covers []Cover
	at     time.Time // when it comes to stand
	until  time.Time // when the claim closes by itself, unless somebody does something
}

// judge works out what goes with a decision. One that needs an approval gets its
// letter when it has it.
func (s *Service) judge(ctx context.Context, m matter, decision Decision) (judgement, error) {
	j := judgement{service: s, Decision: decision, at: m.now}
	if !decision.Stands() {
		return j, nil
	}
	appealable, err := s.appealable(ctx, m.claim)
	if err != nil {
		return judgement{}, err
	}
	j.until = m.now
	if appealable {
		j.until = m.incident.endOfDay(m.now.Add(m.policy.Appeal()))
	}
	if decision.Awarded > 0 {
		j.covers = m.claim.covers(m.incident)
	}
	j.letter, err = s.writeLetter(ctx, m, decision, j.until, appealable)
	return j, err
}

// appealable reports whether the one appeal of a claim is still to be had.
func (s *Service) appealable(ctx context.Context, claim Claim) (bool, error) {
	_, err := s.store.AppealOf(ctx, claim.ID)
	if err != nil && !isNotFound(err) {
		return false, err
	}
	return err != nil, nil
}

// endOfDay is the end of the day, on the incident's own clock, in which t lies:
// people are told days, and a day is theirs to its end.
func (i Incident) endOfDay(t time.Time) time.Time {
	zone, err := time.LoadLocation(i.Zone)
	if err != nil {
		zone = time.UTC
	}
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone).UTC()
}

// enter stores a new decision and puts it in force, or proposes it where it needs
// an approval.
func (j judgement) enter(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
	if err := tx.InsertDecision(ctx, j.Decision); err != nil {
		return deed{}, err
	}
	claim.Decisions = j.N
	if j.Stands() {
		return deed{to: Decided, data: j.facts()}, j.stand(ctx, tx, claim)
	}
	claim.free()
	claim.DueAt = nil
	return deed{to: AwaitingApproval, data: j.facts()}, nil
}

// stand puts a stored decision in force: the one way in which one comes to stand.
func (j judgement) stand(ctx context.Context, tx Tx, claim *Claim) error {
	claim.Assessed, claim.Awarded, claim.Standing, claim.Verdict, claim.DecidedAt = &j.Assessed, &j.Awarded, j.N, j.Verdict, &j.at
	claim.Automatic = j.Kind == AutomaticDecision
	claim.DueAt = &j.until
	claim.free()
	if err := tx.DeleteCovers(ctx, claim.ID); err != nil {
		return err
	}
	if len(j.covers) > 0 {
		if err := tx.InsertCovers(ctx, j.covers); err != nil {
			return err
		}
	}
	if err := tx.InsertLetter(ctx, j.letter); err != nil {
		return err
	}
	if err := j.exclude(ctx, tx); err != nil {
		return err
	}
	if !claim.AppealOpen {
		return nil
	}
	return j.service.endAppeal(ctx, tx, claim, false)
}

// exclude keeps those who took part from an appeal.
func (j judgement) exclude(ctx context.Context, tx Tx) error {
	if j.MadeRole != identity.System {
		if err := tx.InsertExclusion(ctx, Exclusion{ClaimID: j.ClaimID, Person: j.MadeBy, Why: ExcludedDecided}); err != nil {
			return err
		}
	}
	if j.Approval == nil {
		return nil
	}
	return tx.InsertExclusion(ctx, Exclusion{ClaimID: j.ClaimID, Person: j.Approval.By, Why: ExcludedApproved})
}

// facts are what event and audit entry say of the decision: no note, no name.
func (j judgement) facts() map[string]any {
	facts := map[string]any{
		"decision": int64(j.N), "kind": string(j.Kind), "verdict": string(j.Verdict), "claimed": int64(j.Claimed), "assessed": int64(j.Assessed),
		"awarded": int64(j.Awarded), "estimate": int64(j.Estimate), "reason": j.Reason.Code, "catalogue": int64(j.Reason.Version),
		"policy": int64(j.Policy), "stands": j.Stands(),
	}
	if j.Estimated != nil {
		facts["estimated"] = int64(*j.Estimated)
	}
	if j.ErrorCode != "" {
		facts["error_code"] = j.ErrorCode
	}
	if j.Override != "" {
		facts["override"] = j.Override
	}
	if j.Stands() {
		facts["letter_text_hash"], facts["letter_pdf_hash"] = j.letter.TextHash, j.letter.PDFHash
	}
	return facts
}

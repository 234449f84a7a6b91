package claims

import (
	"context"
	"time"

	"redress/internal/identity"
)

// submission is what submitting a claim takes, worked out before its
// transaction.
type submission struct {
	service  *Service
	estimate Estimate
	late     bool
	promise  time.Time // of the decision, for a first submission
}

// prepare works out a submission of a claim as it stands in the filing.
func (s *Service) prepare(ctx context.Context, actor identity.Actor, claim Claim, f filing) (submission, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return submission{}, err
	}
	estimate, err := s.estimate(ctx, f, claim.ID, claim.Estimates+1)
	if err != nil {
		return submission{}, err
	}
	now := s.now()
	return submission{service: s, estimate: estimate, late: !now.Before(f.incident.Filing.ClosesAt), promise: now.Add(policy.Promise())}, nil
}

// submit moves the claim into the queue with its new estimate.
func (r submission) submit(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
	now := r.service.now()
	if claim.SubmittedAt == nil {
		claim.SubmittedAt, claim.PromisedAt, claim.Late = &now, &r.promise, r.late
	}
	e := r.estimate
	claim.Estimates, claim.Estimated, claim.Outcome, claim.Estimate = e.N, &e.Amount, e.Outcome, e.Bytes
	claim.Stake = stake(*claim)
	claim.Rank = rank(*claim.PromisedAt, claim.Stake)
	claim.DueAt = nil
	if err := tx.InsertEstimate(ctx, e); err != nil {
		return deed{}, err
	}
	return deed{to: Submitted, data: map[string]any{
		"late": claim.Late, "estimate": int64(e.N), "estimate_hash": e.Hash, "input_hash": e.InputHash,
		"model": e.Model, "scheme": e.Scheme.ID, "scheme_version": int64(e.Scheme.Version),
		"amount": int64(e.Amount), "outcome": e.Outcome,
	}}, nil
}

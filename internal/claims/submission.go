package claims

import (
	"context"
	"fmt"
	"maps"
	"time"

	"redress/internal/checks"
	"redress/internal/fault"
	"redress/internal/identity"
)

// submission is what submitting a claim takes, worked out before its
// transaction. It does not see what others submit in the meantime; that no loss
// is paid twice does not rest on it.
type submission struct {
	outlet   Outlet
	unit     []byte // of the outlet, see Reader
	address  string // that the claimant submits from; empty when others do it for them
	at       time.Time
	promise  time.Time // of the decision, for a first submission
	late     bool
	estimate Estimate
	checks   []CheckRow
	score    int
	decision *judgement // made without a person; nil where one has to decide
}

// prepare works out a submission of a claim as it stands in the filing.
func (s *Service) prepare(ctx context.Context, actor identity.Actor, claim Claim, f filing) (submission, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return submission{}, err
	}
	now := s.now()
	r := submission{
		unit: s.store.Unit(f.claimant, f.Outlet), at: now, promise: now.Add(policy.Promise()), late: !now.Before(f.incident.Filing.ClosesAt),
	}
	r.outlet, _ = f.claimant.Outlet(f.Outlet)
	if actor.Owns(f.claimant.ID) {
		r.address = actor.Address
	}
	var holdings []holding
	if r.estimate, holdings, err = s.estimate(ctx, f, claim.ID, claim.Estimates+1); err != nil {
		return submission{}, err
	}
	r.fill(&claim)
	facts, err := s.checkFacts(ctx, claim, f, r.estimate, holdings)
	if err != nil {
		return submission{}, fmt.Errorf("facts of the checks of claim %s: %w", claim.ID, err)
	}
	rows := checks.Run(facts, policy.Points)
	r.checks, r.score = checkRows(r.estimate, rows), checks.Score(rows)
	claim.State, claim.Score = Submitted, r.score
	r.decision, err = s.straightThrough(ctx, claim, r.estimate, r.checks)
	return r, err
}

// fill sets what a submission says of a claim.
func (r submission) fill(claim *Claim) {
	if claim.SubmittedAt == nil {
		claim.SubmittedAt, claim.PromisedAt, claim.Late = &r.at, &r.promise, r.late
	}
	e := r.estimate
	claim.Estimates, claim.Estimated, claim.Outcome, claim.Estimate = e.N, &e.Amount, e.Outcome, e.Bytes
	claim.Stake = stake(claim.Claimed, e)
	claim.Rank = rank(*claim.PromisedAt, claim.Stake)
	claim.Sector, claim.Region, claim.Unit = r.outlet.Sector, r.outlet.Region, r.unit
	claim.Address, claim.Score, claim.DueAt = r.address, r.score, nil
}

// submit moves the claim into the queue with its new estimate and its checks, or
// decides it at once. One event tells both.
func (r submission) submit(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
	r.fill(claim)
	e := r.estimate
	if err := tx.InsertEstimate(ctx, e); err != nil {
		return deed{}, err
	}
	if err := tx.InsertChecks(ctx, r.checks); err != nil {
		return deed{}, err
	}
	done := deed{to: Submitted, data: map[string]any{
		"late": claim.Late, "estimate": int64(e.N), "estimate_hash": e.Hash, "input_hash": e.InputHash,
		"model": e.Model, "scheme": e.Scheme.ID, "scheme_version": int64(e.Scheme.Version),
		"amount": int64(e.Amount), "outcome": e.Outcome, "checks": checks.Version,
		"services": claim.Services(), "sector": claim.Sector, "region": claim.Region,
	}}
	if r.decision == nil {
		return done, nil
	}
	decided, err := r.decision.enter(ctx, tx, claim)
	maps.Copy(done.data, decided.data)
	done.to = decided.to
	return done, err
}

// step is what a verb does to a claim in its transaction.
type step = func(context.Context, Tx, *Claim) (deed, error)

// enter runs the transaction of a submission, and once more without its decision
// when another claim was awarded the loss in the meantime: a person has to see
// that.
func (r submission) enter(run func(submit step) (Claim, error)) (Claim, error) {
	claim, err := run(r.submit)
	if refused := fault.As(err); r.decision != nil && refused != nil && refused.Code == lossCompensated {
		r.decision = nil
		return run(r.submit)
	}
	return claim, err
}

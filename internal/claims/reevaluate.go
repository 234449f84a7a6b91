package claims

import (
	"context"
	"encoding/json"
	"fmt"

	"redress/internal/baseline"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// Reevaluation says what evaluating claims anew came to. Amounts are minor units
// of the incident's currency.
type Reevaluation struct {
	Made    int // new estimates
	Already int // claims whose newest estimate was made under the scheme version
	Missed  int // claims that changed meanwhile; another run finds them
	More    int // of those made, that pay more
	Less    int // of those made, that pay less
	Before  money.Minor
	After   money.Minor
}

// reevaluateAtOnce bounds how long evaluating anew may hold the writer.
const reevaluateAtOnce = 100

// Reevaluate makes a new estimate for each claim of an incident that was
// submitted and not yet decided (others count as missed) and whose
// newest one was made under another scheme version than the one in force, which
// ref must name. What the histories said stays as it was estimated; only the
// scheme is applied anew. Estimates made before stay. Each batch is a
// transaction with its events and audit entries, so a run that was cut short is
// resumed by running it again.
func (s *Service) Reevaluate(ctx context.Context, actor identity.Actor, incidentID string, ref SchemeRef, progress func(done int)) (Reevaluation, error) {
	if err := allow(actor, identity.ManageIncidents); err != nil {
		return Reevaluation{}, err
	}
	incident, err := s.store.Incident(ctx, incidentID)
	if err != nil {
		return Reevaluation{}, err
	}
	if incident.Scheme == nil || *incident.Scheme != ref {
		return Reevaluation{}, fault.New(fault.Conflict, "scheme_not_in_force",
			"Version %[2]d of scheme %[1]s is not in force for the incident; put it in force first (PUT …/scheme).",
			"보상 기준 %s의 버전 %d은(는) 이 장애에 적용되고 있지 않습니다. 먼저 적용하십시오(PUT …/scheme).", ref.ID, ref.Version)
	}
	rules, err := s.ruling(ctx, ref)
	if err != nil {
		return Reevaluation{}, err
	}
	var out Reevaluation
	page := Page{Limit: reevaluateAtOnce}
	for {
		batch, err := s.store.SubmittedEstimates(ctx, incidentID, page)
		if err != nil || len(batch) == 0 {
			return out, err
		}
		if err := s.reevaluateBatch(ctx, actor, batch, ref, rules, &out); err != nil {
			return out, err
		}
		page.After = batch[len(batch)-1].ClaimID
		progress(out.Made + out.Already + out.Missed)
	}
}

// reevaluated is a new estimate beside the one it follows.
type reevaluated struct {
	old, made Estimate
}

func (s *Service) reevaluateBatch(ctx context.Context, actor identity.Actor, batch []Estimate, ref SchemeRef, rules *scheme.Scheme, out *Reevaluation) error {
	var pairs []reevaluated
	for _, old := range batch {
		if old.Scheme == ref {
			out.Already++
			continue
		}
		made, err := s.reevaluate(ctx, old, ref, rules)
		if err != nil {
			return fmt.Errorf("claim %s: %w", old.ClaimID, err)
		}
		pairs = append(pairs, reevaluated{old, made})
	}
	if len(pairs) == 0 {
		return nil
	}
	var counted Reevaluation
	_, err := write(ctx, s, Reply[struct{}]{}, func(ctx context.Context, tx Tx) (struct{}, error) {
		counted = Reevaluation{} // the transaction may be tried more than once
		for _, pair := range pairs {
			if err := s.replaceEstimate(ctx, tx, actor, pair, &counted); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	if err != nil {
		return err
	}
	return out.add(counted)
}

// reevaluate applies rules to what an estimate holds.
func (s *Service) reevaluate(ctx context.Context, old Estimate, ref SchemeRef, rules *scheme.Scheme) (Estimate, error) {
	var in inputs
	if err := json.Unmarshal(old.Inputs, &in); err != nil {
		return Estimate{}, fmt.Errorf("read its inputs: %w", err)
	}
	var held document
	if err := json.Unmarshal(old.Bytes, &held); err != nil {
		return Estimate{}, fmt.Errorf("read its estimate: %w", err)
	}
	results := make([]baseline.Result, len(held.Lines))
	var uploads []string
	for i, l := range held.Lines {
		results[i] = l.Baseline
		uploads = append(uploads, l.Uploads...)
	}
	var histories []revenue.History
	if rules.Compares() {
		found, err := s.store.Histories(ctx, uploads)
		if err != nil {
			return Estimate{}, err
		}
		if histories, err = in.histories(found); err != nil {
			return Estimate{}, err
		}
	}
	in.Scheme = schemeHash{SchemeRef: ref, Hash: rules.Hash()}
	return in.evaluate(results, histories, rules, old.ClaimID, old.N+1, s.now())
}

// replaceEstimate stores a new estimate with its event and audit entry, unless
// the claim has changed since.
func (s *Service) replaceEstimate(ctx context.Context, tx Tx, actor identity.Actor, pair reevaluated, out *Reevaluation) error {
	old, made := pair.old, pair.made
	claim, err := tx.Claim(ctx, made.ClaimID)
	if err != nil {
		return err
	}
	if !claim.State.undecided() || claim.Estimates != old.N {
		out.Missed++
		return nil
	}
	claim.Estimates, claim.Estimated, claim.Outcome = made.N, &made.Amount, made.Outcome
	claim.Stake = stake(claim.Claimed, made)
	if err := tx.InsertEstimate(ctx, made); err != nil {
		return err
	}
	_, err = s.move(ctx, tx, actor, claim, "claim.reevaluated", deed{to: claim.State, data: map[string]any{
		"estimate": int64(made.N), "estimate_hash": made.Hash, "input_hash": made.InputHash, "model": made.Model,
		"scheme": made.Scheme.ID, "scheme_version": int64(made.Scheme.Version), "amount": int64(made.Amount), "outcome": made.Outcome,
		"amount_before": int64(old.Amount), "outcome_before": old.Outcome,
	}})
	if err != nil {
		return err
	}
	one := Reevaluation{Made: 1, Before: old.Amount, After: made.Amount}
	switch {
	case made.Amount > old.Amount:
		one.More = 1
	case made.Amount < old.Amount:
		one.Less = 1
	}
	return out.add(one)
}

func (r *Reevaluation) add(o Reevaluation) error {
	r.Made, r.Already, r.Missed, r.More, r.Less = r.Made+o.Made, r.Already+o.Already, r.Missed+o.Missed, r.More+o.More, r.Less+o.Less
	var err error
	if r.Before, err = money.Add(r.Before, o.Before); err != nil {
		return err
	}
	r.After, err = money.Add(r.After, o.After)
	return err
}

package claims

import (
	"context"
	"fmt"

	"redress/internal/checks"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Criteria of a decision made at submission without a person. All must hold.
const (
	criterionEnabled     = "straight_through_enabled"
	criterionNew         = "decided_before"      // by a person or without one, who may have been asked for
	criterionLate        = "late"                // submitted after the filing period
	criterionPays        = "scheme_pays"         // without anything left to a person
	criterionAmount      = "estimated_amount"    // that the scheme pays
	criterionClaimed     = "claimed_amount"      // against the upper end of the estimated loss, with the tolerance
	criterionScore       = "score"               // of the checks
	criterionCompensated = "compensated_already" // claims of others that were awarded the same loss
	criterionWeeks       = "history_weeks"       // that the estimate stands on
)

// straightThrough decides a claim that is being submitted, where the policy in
// force lets it be decided without a person; nil where it does not.
func (s *Service) straightThrough(ctx context.Context, claim Claim, estimate Estimate, rows []CheckRow) (*judgement, error) {
	policy, err := s.policy(ctx)
	if err != nil || !policy.StraightThrough.Enabled {
		return nil, err
	}
	m, err := s.matterOf(ctx, claim, &estimate)
	if err != nil {
		return nil, err
	}
	criteria, err := m.policy.criteria(claim, estimate, rows)
	if err != nil || !allHeld(criteria) {
		return nil, err
	}
	made, err := s.judge(ctx, m, m.automatic(estimate.Amount, estimate.Amount, AgreesWithEstimate, criteria))
	return &made, err
}

// criteria looks at a claim as it was submitted, with the estimate and the checks
// of that submission. It reads nothing that is not stored, so that a trial finds
// what a submission found.
func (p Policy) criteria(claim Claim, estimate Estimate, rows []CheckRow) ([]Criterion, error) {
	said, err := estimate.said()
	if err != nil {
		return nil, err
	}
	t := p.StraightThrough
	most, _ := t.Limit(claim.Currency)
	return []Criterion{
		atLeast(criterionEnabled, number(t.Enabled), 1),
		atMost(criterionNew, int64(claim.Decisions), 0),
		atMost(criterionLate, number(claim.Late), 0),
		atLeast(criterionPays, number(estimate.Outcome == string(scheme.Pays)), 1),
		atMost(criterionAmount, int64(estimate.Amount), int64(most)),
		atMost(criterionClaimed, int64(claim.Claimed), t.tolerated(said.loss(0))),
		atMost(criterionScore, int64(p.score(rows)), int64(t.MaxScore)),
		atMost(criterionCompensated, compensated(rows), 0),
		atLeast(criterionWeeks, said.weeks(), int64(t.MinHistoryWeeks)),
	}, nil
}

func atMost(code string, value, limit int64) Criterion {
	return Criterion{Code: code, Limit: limit, Value: value, Held: value <= limit}
}

func atLeast(code string, value, limit int64) Criterion {
	return Criterion{Code: code, Limit: limit, Value: value, Held: value >= limit}
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func allHeld(criteria []Criterion) bool {
	for _, c := range criteria {
		if !c.Held {
			return false
		}
	}
	return true
}

// tolerated is the most that may be claimed: the upper end of the range of the
// estimated loss, and the tolerance. Stated costs are not in it, so a claim that
// rests on them goes to a person.
func (t StraightThrough) tolerated(loss *checks.Estimated) int64 {
	if loss == nil {
		return 0
	}
	high := int64(loss.High)
	// The whole and the rest apart: no product leaves the range.
	return high + high/wholeShare*int64(t.ToleranceBasisPoints) + high%wholeShare*int64(t.ToleranceBasisPoints)/wholeShare
}

// score is the score of checks by the points of this policy, which may be another
// than they were made under.
func (p Policy) score(rows []CheckRow) int {
	sum := 0
	for _, row := range rows {
		if row.flagged() {
			sum += p.Points[checks.Code(row.Code)]
		}
	}
	return sum
}

// compensated is how many claims of others had been awarded the same loss.
func compensated(rows []CheckRow) int64 {
	for _, row := range rows {
		if row.Code != string(checks.SameLoss) {
			continue
		}
		switch n := row.Facts["favourable"].(type) {
		case int:
			return int64(n)
		case float64: // read back from JSON
			return int64(n)
		}
	}
	return 0
}

// Trial is what a policy would have decided without a person at the newest
// submission of each claim of an incident, beside what was decided. Amounts are
// minor units of the incident's currency.
type Trial struct {
	Claims        int // submitted and not withdrawn
	Decided       int
	Awarded       money.Minor
	PeopleDecided int // of those decided in the trial, by a person who has decided since
	PeopleAgreed  int // with the same award
	PeopleAwarded money.Minor
	Difference    money.Minor // the trial's awards on the claims that people decided, less theirs
	Unchecked     int         // claims submitted before there were checks; none is decided
	Failed        []FailedCriterion
}

// FailedCriterion is how many claims a criterion kept from a decision without a
// person. A claim may fail several.
type FailedCriterion struct {
	Code   string
	Claims int
}

// trialAtOnce is how many claims of a trial are held together.
const trialAtOnce = 200

// TryPolicy says what a policy that need not be published would have decided
// without a person; one that has this switched off decides nothing. It stores
// nothing. What people decided is what stands now.
func (s *Service) TryPolicy(ctx context.Context, actor identity.Actor, incidentID string, document []byte) (Trial, error) {
	if err := allow(actor, identity.ManageDesk); err != nil {
		return Trial{}, err
	}
	policy, err := ParsePolicy(document)
	if err != nil {
		return Trial{}, err
	}
	if _, err := s.store.Incident(ctx, incidentID); err != nil {
		return Trial{}, err
	}
	t := trial{policy: policy, failed: map[string]int{}}
	page := Page{Limit: trialAtOnce}
	for {
		batch, err := s.store.Claims(ctx, ClaimFilter{IncidentID: incidentID}, page)
		if err != nil {
			return Trial{}, err
		}
		if len(batch) == 0 {
			return t.result(), nil
		}
		for _, claim := range batch {
			if !claim.State.Standing() {
				continue
			}
			if err := s.try(ctx, &t, claim); err != nil {
				return Trial{}, fmt.Errorf("claim %s: %w", claim.ID, err)
			}
		}
		page.After = batch[len(batch)-1].ID
	}
}

// trial is a Trial under way.
type trial struct {
	Trial
	policy Policy
	codes  []string // of the criteria, in their order
	failed map[string]int
}

// try looks at one claim as it was when it was last submitted.
func (s *Service) try(ctx context.Context, t *trial, claim Claim) error {
	t.Claims++
	rows, err := s.store.Checks(ctx, claim.ID)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		t.Unchecked++
		return nil
	}
	estimate, err := s.store.Estimate(ctx, claim.ID, rows[0].Round)
	if err != nil {
		return err
	}
	then := claim
	if claim.Decisions > 0 {
		decisions, err := s.store.Decisions(ctx, claim.ID)
		if err != nil {
			return err
		}
		then.Decisions = 0
		for _, d := range decisions {
			if d.Estimate < estimate.N {
				then.Decisions++
			}
		}
	}
	criteria, err := t.policy.criteria(then, estimate, rows)
	if err != nil {
		return err
	}
	return t.count(claim, estimate.Amount, criteria)
}

func (t *trial) count(claim Claim, amount money.Minor, criteria []Criterion) error {
	t.codes = t.codes[:0]
	for _, c := range criteria {
		t.codes = append(t.codes, c.Code)
		if !c.Held {
			t.failed[c.Code]++
		}
	}
	if !allHeld(criteria) {
		return nil
	}
	var err error
	t.Decided++
	if t.Awarded, err = money.Add(t.Awarded, amount); err != nil || claim.Standing == 0 || claim.Automatic {
		return err
	}
	t.PeopleDecided++
	if *claim.Awarded == amount {
		t.PeopleAgreed++
	}
	if t.PeopleAwarded, err = money.Add(t.PeopleAwarded, *claim.Awarded); err != nil {
		return err
	}
	t.Difference, err = money.Add(t.Difference, amount-*claim.Awarded)
	return err
}

func (t *trial) result() Trial {
	t.Failed = []FailedCriterion{}
	for _, code := range t.codes {
		if n := t.failed[code]; n > 0 {
			t.Failed = append(t.Failed, FailedCriterion{Code: code, Claims: n})
		}
	}
	return t.Trial
}

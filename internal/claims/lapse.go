package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Criteria of the decision about a claim whose information request nobody
// answered.
const (
	criterionUnanswered = "request_unanswered"
	criterionFixedTier  = "fixed_tier"
)

// lapse ends an information request whose date is past. Where nothing at all was
// answered and the scheme has a fixed tier for the claim, the claim is lowered to
// it instead of being refused; otherwise it goes back to who asked.
func (s *Service) lapse(ctx context.Context, claim Claim) error {
	lowered, err := s.lowered(ctx, claim)
	if err != nil {
		return err
	}
	err = s.lapseTo(ctx, claim, lowered)
	if refused := fault.As(err); refused != nil && refused.Code == lossCompensated {
		return s.lapseTo(ctx, claim, nil)
	}
	return err
}

// lapseTo ends the open request with a decision or, when it is nil, with the claim
// back under review.
func (s *Service) lapseTo(ctx context.Context, claim Claim, lowered *judgement) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	_, err = s.act(ctx, identity.Itself, claim.ID, claim.Version, DoLapse, Reply[Claim]{}, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		request, err := unanswered(ctx, tx, claim.ID)
		if err != nil {
			return deed{}, err
		}
		if request == nil {
			return deed{}, fmt.Errorf("claim %s waits for an answer to no request", claim.ID)
		}
		now := s.now()
		request.end(RequestLapsed, now)
		if err := tx.UpdateRequest(ctx, *request); err != nil {
			return deed{}, err
		}
		done := deed{to: claim.underReview(), data: map[string]any{}}
		if lowered == nil {
			claim.comeBack(*request, policy, now)
		} else if done, err = lowered.enter(ctx, tx, claim); err != nil {
			return deed{}, err
		}
		done.data["request"], done.data["open"] = int64(request.N), int64(request.open())
		return done, nil
	})
	return err
}

// unanswered finds the request of a claim that has not ended; nil for none.
func unanswered(ctx context.Context, r Reader, claimID string) (*InformationRequest, error) {
	requests, err := r.Requests(ctx, claimID)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(requests, func(r InformationRequest) bool { return r.EndedAt == nil })
	if n < 0 {
		return nil, nil
	}
	return &requests[n], nil
}

// lowered is the decision that lowers a claim to the scheme's fixed tier; nil
// where a person has to see it: when something was answered, in an appeal, when
// the claimant asked for a person, and where the estimate does not carry the
// tier.
func (s *Service) lowered(ctx context.Context, claim Claim) (*judgement, error) {
	request, err := unanswered(ctx, s.store, claim.ID)
	if err != nil || request == nil {
		return nil, err // somebody was quicker, which the claim's version will tell
	}
	if request.open() < len(request.Items) || claim.AppealOpen || claim.HumanAsked || claim.Estimates == 0 {
		return nil, nil
	}
	estimate, err := s.store.Estimate(ctx, claim.ID, claim.Estimates)
	if err != nil {
		return nil, err
	}
	rules, err := s.ruling(ctx, estimate.Scheme)
	if err != nil {
		return nil, err
	}
	tier, assessed, err := fixedTier(rules, estimate)
	if err != nil || tier == 0 {
		return nil, err
	}
	m, err := s.matterOf(ctx, claim, &estimate)
	if err != nil {
		return nil, err
	}
	made, err := s.judge(ctx, m, m.automatic(tier, assessed, LoweredToFixedTier, []Criterion{
		{Code: criterionUnanswered, Value: int64(request.open()), Limit: 0, Held: true},
		{Code: criterionFixedTier, Value: int64(tier), Limit: int64(tier), Held: true},
	}))
	return &made, err
}

// fixedTier is what a claim is lowered to, and the loss that this is a part of; 0
// where the estimate does not carry the tier. An estimate that pays carries it up
// to what it pays. One that leaves only the size of a tier to a person carries
// it: the loss is established, and is above every tier that pays. Any other, such
// as a history that cannot tell, establishes no loss.
func fixedTier(rules *scheme.Scheme, estimate Estimate) (tier, assessed money.Minor, err error) {
	_, totals, facts, err := estimate.read()
	if err != nil {
		return 0, 0, err
	}
	tier, ok := rules.FixedTier(facts)
	if !ok {
		return 0, 0, nil
	}
	if estimate.Outcome == string(scheme.Pays) {
		return min(tier, estimate.Amount), estimate.Amount, nil
	}
	var made document
	if err := json.Unmarshal(estimate.Bytes, &made); err != nil {
		return 0, 0, fmt.Errorf("read the estimate of claim %s: %w", estimate.ClaimID, err)
	}
	established := estimate.Outcome == string(scheme.Review) && estimate.Amount == 0
	for _, reason := range made.Compensation.Reasons {
		established = established && reason.Code == scheme.ReviewTier
	}
	if !established {
		return 0, 0, nil
	}
	for _, total := range totals {
		if total != nil {
			assessed += total.Shortfall
		}
	}
	return tier, max(tier, assessed), nil
}

// automatic is a decision of the service itself: its verdict is what goes with
// the amounts.
func (m matter) automatic(awarded, assessed money.Minor, reason string, criteria []Criterion) Decision {
	d := Decision{
		ClaimID: m.claim.ID, N: m.claim.Decisions + 1, Kind: AutomaticDecision, Claimed: m.claim.Claimed, Estimated: m.claim.Estimated,
		Assessed: assessed, Awarded: awarded, Estimate: m.claim.Estimates, Reason: m.catalogue.ref(reason), Criteria: criteria,
		Policy: m.policy.Version, From: m.claim.State, MadeBy: identity.Itself.Person, MadeRole: identity.System, MadeAt: m.now,
	}
	d.Verdict = d.fitting()[0]
	return d
}

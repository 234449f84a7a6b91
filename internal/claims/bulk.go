package claims

import (
	"context"
	"errors"
	"fmt"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// bulkLimit is how many claims one bulk action may reach.
const bulkLimit = 500

// BulkAction does one thing to many claims, each for itself: one that cannot be
// done does not keep the others from it.
type BulkAction struct {
	Verb     Verb      // DoAssign, DoPutBack, DoHold or DoRelease
	Person   string    // to assign to; the actor's own when empty
	Reason   string    // of a hold
	ReviewAt time.Time // of a hold
	Claims   []ClaimVersion
	Filter   *ClaimFilter // instead of Claims: the first of the queue that match, at most 500
	Preview  bool         // say what would happen and change nothing
}

// ClaimVersion names a claim at the version that the caller has seen; 0 is any.
type ClaimVersion struct {
	ID      string
	Version int64
}

// BulkResult says what became of one claim of a bulk action.
type BulkResult struct {
	ClaimID   string
	Reference string       // empty where there is no such claim
	Claim     *Claim       // as it is now, or would be
	Problem   *fault.Error // why not
}

// BulkOutcome says what became of a bulk action.
type BulkOutcome struct {
	Results []BulkResult
	Matched *int // how many claims match the filter, nil without one
}

// Bulk carries out a bulk action and answers one result for each claim, in the
// order given or of the queue. A retry finds what was done already refused as
// stale, row by row, until its answer is kept.
func (s *Service) Bulk(ctx context.Context, actor identity.Actor, action BulkAction, reply Reply[BulkOutcome]) (BulkOutcome, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return BulkOutcome{}, err
	}
	if action.Verb == DoAssign && action.Person != "" {
		// One person for all claims: what is wrong with them is wrong as a whole.
		if err := s.mayBeGiven(ctx, actor, action.Person); err != nil {
			return BulkOutcome{}, err
		}
	}
	targets, matched, err := s.bulkTargets(ctx, actor, action)
	if err != nil {
		return BulkOutcome{}, err
	}
	acting := s
	if action.Preview {
		acting = New(rehearsal{s.store}, s.now)
	}
	outcome := BulkOutcome{Results: make([]BulkResult, len(targets)), Matched: matched}
	for i, target := range targets {
		claim, err := acting.bulkOne(ctx, actor, action, target)
		if outcome.Results[i], err = s.bulkResult(ctx, target.ID, claim, err); err != nil {
			return BulkOutcome{}, err
		}
	}
	return write(ctx, s, reply, func(context.Context, Tx) (BulkOutcome, error) { return outcome, nil })
}

// bulkResult is the row of a claim on which something was done, or refused with
// err. Where the fault is the server's there is no row.
func (s *Service) bulkResult(ctx context.Context, id string, claim Claim, err error) (BulkResult, error) {
	if err == nil {
		return BulkResult{ClaimID: id, Reference: claim.Reference, Claim: &claim}, nil
	}
	problem := fault.As(err)
	if problem == nil || problem.Kind == fault.Unavailable {
		return BulkResult{}, fmt.Errorf("claim %s: %w", id, err)
	}
	known, err := s.store.Claim(ctx, id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return BulkResult{}, err
	}
	return BulkResult{ClaimID: id, Reference: known.Reference, Problem: problem}, nil
}

// bulkTargets lists the claims that the action is on and, where it has a filter,
// how many match it.
func (s *Service) bulkTargets(ctx context.Context, actor identity.Actor, action BulkAction) ([]ClaimVersion, *int, error) {
	if action.Filter == nil {
		return action.Claims, nil, checkNamed(action.Claims)
	}
	if len(action.Claims) > 0 {
		return nil, nil, fault.InvalidFields([]fault.Field{fault.At("#/filter", "claims_or_filter",
			"Name claims or a filter, not both.", "청구 목록과 조건 중 하나만 적으십시오.")})
	}
	if action.Filter.IncidentID == "" && !action.Preview {
		return nil, nil, fault.InvalidFields([]fault.Field{fault.At("#/filter/incident_id", "incident_required",
			"A filter that is acted on names an incident; without one it can only be previewed.",
			"조건으로 처리하려면 장애를 지정하십시오. 장애 없이는 미리 보기만 할 수 있습니다.")})
	}
	if err := s.checkFilter(ctx, actor, "#/filter/", *action.Filter); err != nil {
		return nil, nil, err
	}
	found, matched, err := s.store.Ranked(ctx, *action.Filter, bulkLimit)
	if err != nil {
		return nil, nil, err
	}
	targets := make([]ClaimVersion, len(found))
	for i, c := range found {
		targets[i] = ClaimVersion{ID: c.ID, Version: c.Version}
	}
	return targets, &matched, nil
}

// checkNamed refuses no claims, too many, and one that is named twice: what the
// first act makes of it, the second would meet, and a preview would not.
func checkNamed(named []ClaimVersion) error {
	if len(named) == 0 || len(named) > bulkLimit {
		return fault.InvalidFields([]fault.Field{fault.At("#/claims", "bulk_size",
			"Name 1 to %d claims, or a filter.", "청구를 1~%d건 지정하거나 조건을 적으십시오.", bulkLimit)})
	}
	var fields []fault.Field
	first := map[string]int{}
	for i, c := range named {
		if at, ok := first[c.ID]; ok {
			fields = append(fields, fault.At(fmt.Sprintf("#/claims/%d", i), "claim_repeated",
				"This is the claim of #/claims/%d again; name it once.", "#/claims/%d의 청구와 같습니다. 한 번만 적으십시오.", at))
		} else {
			first[c.ID] = i
		}
	}
	return fault.InvalidFields(fields)
}

func (s *Service) bulkOne(ctx context.Context, actor identity.Actor, action BulkAction, target ClaimVersion) (Claim, error) {
	none := Reply[Claim]{}
	switch action.Verb {
	case DoAssign:
		return s.Assign(ctx, actor, target.ID, target.Version, action.Person, none)
	case DoPutBack:
		return s.PutBack(ctx, actor, target.ID, target.Version, none)
	case DoHold:
		return s.Hold(ctx, actor, target.ID, target.Version, action.Reason, action.ReviewAt, none)
	case DoRelease:
		return s.Release(ctx, actor, target.ID, target.Version, none)
	default:
		return Claim{}, fault.InvalidFields([]fault.Field{fault.At("#/action", "bulk_action",
			"%q cannot be done in bulk.", "%q은(는) 일괄 처리할 수 없습니다.", action.Verb)})
	}
}

// rehearsal is a store whose transactions run and leave nothing.
type rehearsal struct{ Store }

var errRehearsed = errors.New("rehearsed")

func (r rehearsal) InTx(ctx context.Context, f func(ctx context.Context, tx Tx) error) error {
	err := r.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

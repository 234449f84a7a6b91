package claims

import (
	"context"
	"errors"
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
	Filter   *ClaimFilter // instead of Claims: the newest that match, at most 500
	Preview  bool         // say what would happen and change nothing
}

// ClaimVersion names a claim at the version that the caller has seen; 0 is any.
type ClaimVersion struct {
	ID      string
	Version int64
}

// BulkResult says what became of one claim of a bulk action.
type BulkResult struct {
	ClaimID string
	Claim   *Claim       // as it is now, or would be
	Problem *fault.Error // why not
}

// Bulk carries out a bulk action and answers one result for each claim, in the
// order given. A retry finds what was done already refused as stale, row by row,
// until its answer is kept.
func (s *Service) Bulk(ctx context.Context, actor identity.Actor, action BulkAction, reply Reply[[]BulkResult]) ([]BulkResult, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return nil, err
	}
	targets, err := s.bulkTargets(ctx, action)
	if err != nil {
		return nil, err
	}
	acting := s
	if action.Preview {
		acting = New(rehearsal{s.store}, s.now)
	}
	results := make([]BulkResult, len(targets))
	for i, target := range targets {
		results[i].ClaimID = target.ID
		claim, err := acting.bulkOne(ctx, actor, action, target)
		if problem := fault.As(err); problem != nil && problem.Kind != fault.Unavailable {
			results[i].Problem = problem
		} else if err != nil {
			return nil, err
		} else {
			results[i].Claim = &claim
		}
	}
	return write(ctx, s, reply, func(context.Context, Tx) ([]BulkResult, error) { return results, nil })
}

func (s *Service) bulkTargets(ctx context.Context, action BulkAction) ([]ClaimVersion, error) {
	if action.Filter == nil {
		if len(action.Claims) == 0 || len(action.Claims) > bulkLimit {
			return nil, fault.InvalidFields([]fault.Field{fault.At("#/claims", "bulk_size",
				"Name 1 to %d claims, or a filter.", "청구를 1~%d건 지정하거나 조건을 적으십시오.", bulkLimit)})
		}
		return action.Claims, nil
	}
	found, err := s.store.Claims(ctx, *action.Filter, Page{Limit: bulkLimit})
	if err != nil {
		return nil, err
	}
	targets := make([]ClaimVersion, len(found))
	for i, c := range found {
		targets[i] = ClaimVersion{ID: c.ID, Version: c.Version}
	}
	return targets, nil
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

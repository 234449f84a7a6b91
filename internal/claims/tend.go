package claims

import (
	"context"
	"errors"
	"fmt"

	"redress/internal/fault"
	"redress/internal/identity"
)

// tendAtOnce is how many due claims are looked up at a time.
const tendAtOnce = 100

// Tend does what has fallen due: holds whose review date has come are released,
// information requests that nobody answered lapse, decisions whose appeal period
// is over are closed, and decisions are sealed and drawn for quality review. It
// may run in any number of processes; what one of them did, the others find
// done. It answers how many claims it moved.
func (s *Service) Tend(ctx context.Context) (int, error) {
	moved := 0
	failed := map[string]error{}
	for {
		due, err := s.store.Due(ctx, s.now(), tendAtOnce+len(failed))
		if err != nil {
			return moved, err
		}
		before := moved
		for _, claim := range due {
			if failed[claim.ID] != nil {
				continue
			}
			err := s.fallDue(ctx, claim)
			switch {
			case err == nil:
				moved++
			case fault.KindOf(err) == fault.Stale || fault.KindOf(err) == fault.Conflict:
				// Somebody was quicker; what is still due is met again next time.
			default:
				failed[claim.ID] = fmt.Errorf("claim %s: %w", claim.ID, err)
			}
			if err := ctx.Err(); err != nil {
				return moved, err
			}
		}
		if moved == before {
			break
		}
	}
	var errs []error
	for _, err := range failed {
		errs = append(errs, err)
	}
	return moved, errors.Join(append(errs, s.sampleQuality(ctx))...)
}

// fallDue does with one claim what its state says.
func (s *Service) fallDue(ctx context.Context, claim Claim) error {
	switch claim.State {
	case OnHold:
		_, err := s.Release(ctx, identity.Itself, claim.ID, claim.Version, Reply[Claim]{})
		return err
	case AwaitingAnswer:
		return s.lapse(ctx, claim)
	case Decided:
		return s.closeDecided(ctx, claim)
	default:
		return fmt.Errorf("is due in state %s, where nothing falls due", claim.State)
	}
}

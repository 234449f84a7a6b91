package claims

import (
	"context"
	"fmt"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// deed is what carrying out a verb came to.
type deed struct {
	to   State          // may be empty where the verb leads to one state only
	data map[string]any // of the event and the audit entry: no personal data
}

// act carries out a verb on a claim. In one transaction it finds the claim,
// checks that the actor may, that the version is the caller's (0 for any) and
// that the state allows it, lets f do it, and writes the claim, its stage, its
// event and its audit entry. What is slow is done before it.
func (s *Service) act(ctx context.Context, actor identity.Actor, id string, version int64, verb Verb, reply Reply[Claim],
	f func(ctx context.Context, tx Tx, claim *Claim) (deed, error),
) (Claim, error) {
	claim, err := write(ctx, s, reply, func(ctx context.Context, tx Tx) (Claim, error) {
		claim, err := findFor(ctx, tx, actor, id, verb)
		if err != nil {
			return Claim{}, err
		}
		if err := matchVersion(version, claim.Version); err != nil {
			return Claim{}, err
		}
		return s.carryOut(ctx, tx, actor, claim, verb, f)
	})
	return claim, s.attemptedIf(ctx, judgesClaim, actor, id, verb, err)
}

// carryOut is act on a claim that was found in the transaction.
func (s *Service) carryOut(ctx context.Context, tx Tx, actor identity.Actor, claim Claim, verb Verb,
	f func(ctx context.Context, tx Tx, claim *Claim) (deed, error),
) (Claim, error) {
	targets, err := claim.State.among(verb)
	if err != nil {
		return Claim{}, err
	}
	if rules[verb].Judges {
		if err := mayHave(ctx, tx, claim, actor.Person); err != nil {
			return Claim{}, err
		}
	}
	if rules[verb].Own && !actor.Owns(claim.ClaimantID) {
		if err := onBehalf(ctx, tx, claim, actor.Person); err != nil {
			return Claim{}, err
		}
	}
	stood := claim.stood(s.now())
	done, err := f(ctx, tx, &claim)
	if err != nil {
		return Claim{}, err
	}
	if done.to == "" && len(targets) == 1 {
		done.to = targets[0]
	}
	if !slices.Contains(targets, done.to) {
		return Claim{}, fmt.Errorf("%s leads from %s to %v, not to %q", verb, claim.State, targets, done.to)
	}
	if done.to != claim.State {
		claim.Waited += stood
	}
	return s.move(ctx, tx, actor, claim, rules[verb].Event, done)
}

// stood is how long the clock of a submitted claim has stood still in its state.
func (c Claim) stood(now time.Time) time.Duration {
	if c.PromisedAt == nil || !c.State.Stopped() {
		return 0
	}
	return max(0, now.Sub(c.StateSince))
}

// move writes a claim in the state it comes to, with its stage, its event and
// its audit entry. Nothing happens any more to the claim of a person who was
// erased.
func (s *Service) move(ctx context.Context, tx Tx, actor identity.Actor, claim Claim, event string, done deed) (Claim, error) {
	if claim.ErasedAt != nil {
		return Claim{}, Erased(claim.ClaimantID)
	}
	now := s.now()
	if now.Before(claim.UpdatedAt) {
		now = claim.UpdatedAt // another process did the last step, and its clock is ahead
	}
	moved := done.to != claim.State
	if moved {
		claim.State, claim.StateSince = done.to, now
	}
	claim.UpdatedAt = now
	if err := tx.UpdateClaim(ctx, claim); err != nil {
		return Claim{}, err
	}
	claim.Version++
	if moved {
		if err := tx.EnterStage(ctx, Stage{ClaimID: claim.ID, N: claim.Version, State: claim.State, Entered: now}); err != nil {
			return Claim{}, err
		}
	}
	return claim, s.record(ctx, tx, actor, claim, event, done.data)
}

// attemptRefused is the event of something that was tried and refused.
const attemptRefused = "claim.attempt_refused"

// attempted leaves an event of something that was tried and refused, and returns
// the refusal. Nothing else of the attempt remains.
func (s *Service) attempted(ctx context.Context, actor identity.Actor, id, what string, refusal error) error {
	refused := fault.As(refusal)
	if refused == nil {
		return refusal
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		claim, err := tx.Claim(ctx, id)
		if err != nil {
			return err
		}
		_, err = s.move(ctx, tx, actor, claim, attemptRefused, deed{to: claim.State, data: map[string]any{"what": what, "code": refused.Code}})
		return err
	})
	if err != nil {
		return fmt.Errorf("record the attempt %q on claim %s: %w", what, id, err)
	}
	return refusal
}

// attemptedIf is attempted where the refusal is of that code, and the refusal alone
// where it is not.
func (s *Service) attemptedIf(ctx context.Context, code string, actor identity.Actor, id string, verb Verb, err error) error {
	if refused := fault.As(err); refused != nil && refused.Code == code {
		return s.attempted(ctx, actor, id, string(verb), err)
	}
	return err
}

// findFor finds a claim on which the actor may do what the verb says. Claims
// that do not exist and those of others are NotFound alike.
func findFor(ctx context.Context, r Reader, actor identity.Actor, id string, verb Verb) (Claim, error) {
	if err := permitted(actor, verb); err != nil {
		return Claim{}, err
	}
	claim, err := r.Claim(ctx, id)
	if err != nil {
		return Claim{}, err
	}
	if actor.Can(identity.OwnClaims) && !actor.Owns(claim.ClaimantID) {
		return Claim{}, NotFound("claim", id)
	}
	return claim, nil
}

// permitted refuses roles that may not do what the verb says to any claim.
func permitted(actor identity.Actor, verb Verb) error {
	rule := rules[verb]
	if rule.Own && actor.Can(identity.OwnClaims) || rule.Clock && actor == identity.Itself {
		return nil
	}
	return allow(actor, rule.Staff)
}

// underReview is where a claim goes back to when its review goes on.
func (c Claim) underReview() State {
	if c.AppealOpen {
		return Appealed
	}
	return InReview
}

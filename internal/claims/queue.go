package claims

import (
	"context"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Next assigns the next best claim of the queue to the actor's person; nil when
// there is none for them. No two people get the same claim.
func (s *Service) Next(ctx context.Context, actor identity.Actor, filter ClaimFilter, reply Reply[*Claim]) (*Claim, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return nil, err
	}
	if err := s.checkFilter(ctx, actor, "#/", filter); err != nil {
		return nil, err
	}
	policy, err := s.policy(ctx)
	if err != nil {
		return nil, err
	}
	request := LeaseRequest{Person: actor.Person, Filter: filter, Now: s.now(), Appeals: actor.Role == identity.Senior}
	if actor.Role != identity.Senior {
		request.ScoreBelow = policy.SeniorFromScore
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (*Claim, error) {
		for {
			claim, err := tx.LockNext(ctx, request)
			if err != nil || claim == nil {
				return nil, err
			}
			cameUp, err := s.checkAgain(ctx, tx, claim, policy)
			if err != nil {
				return nil, err
			}
			if policy.needsSenior(actor, *claim) {
				// It came up just now. The claim stays, with its new score.
				facts := map[string]any{"what": string(DoAssign), "code": scoreNeedsSenior().Code, "came_up": cameUp}
				if _, err := s.move(ctx, tx, actor, *claim, attemptRefused, deed{to: claim.State, data: facts}); err != nil {
					return nil, err
				}
				continue
			}
			taken, err := s.carryOut(ctx, tx, actor, *claim, DoAssign, func(_ context.Context, _ Tx, claim *Claim) (deed, error) {
				return s.assign(claim, actor.Person, policy, cameUp), nil
			})
			return &taken, err
		}
	})
}

// rank is a claim's place in the queue: its promised date, a day earlier for
// each factor of ten at stake. So a large claim overtakes the small ones of its
// days, and none waits for ever behind large ones.
func rank(promised time.Time, stake money.Minor) time.Time {
	days := 0
	for ; stake >= 10; stake /= 10 {
		days++
	}
	return promised.AddDate(0, 0, -days)
}

// stake is what is at stake in a claim: the larger of what is claimed and what
// the scheme pays; where the scheme leaves that to a person, of the estimated
// shortfall, too.
func stake(claimed money.Minor, estimate Estimate) money.Minor {
	at := max(claimed, estimate.Amount)
	if estimate.Outcome == string(scheme.Review) {
		at = max(at, estimate.Shortfall)
	}
	return at
}

// SaveView keeps a filter of the actor's under a name that no other of theirs has.
func (s *Service) SaveView(ctx context.Context, actor identity.Actor, name string, filter ClaimFilter, reply Reply[View]) (View, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return View{}, err
	}
	if err := s.checkFilter(ctx, actor, "#/filter/", filter); err != nil {
		return View{}, err
	}
	view := View{ID: newID(), Person: actor.Person, Name: name, Filter: filter}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (View, error) {
		kept, err := tx.Views(ctx, actor.Person)
		if err != nil {
			return View{}, err
		}
		if slices.ContainsFunc(kept, func(v View) bool { return v.Name == name }) {
			return View{}, fault.New(fault.Conflict, "view_exists",
				"You keep a view of this name; drop it first or choose another name.", "같은 이름의 보기가 이미 있습니다. 먼저 지우거나 다른 이름을 쓰십시오.")
		}
		return view, tx.InsertView(ctx, view)
	})
}

// Views lists the filters that the actor's person keeps.
func (s *Service) Views(ctx context.Context, actor identity.Actor) ([]View, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return nil, err
	}
	return s.store.Views(ctx, actor.Person)
}

// View finds a filter that the actor's person keeps.
func (s *Service) View(ctx context.Context, actor identity.Actor, id string) (View, error) {
	views, err := s.Views(ctx, actor)
	if err != nil {
		return View{}, err
	}
	i := slices.IndexFunc(views, func(v View) bool { return v.ID == id })
	if i < 0 {
		return View{}, NotFound("view", id)
	}
	return views[i], nil
}

// DeleteView drops a filter of the actor's person.
func (s *Service) DeleteView(ctx context.Context, actor identity.Actor, id string) error {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.DeleteView(ctx, actor.Person, id) })
}

package claims

import (
	"context"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// held is nil when the actor's person has the claim and their lease runs.
func held(claim Claim, actor identity.Actor, now time.Time) error {
	switch {
	case claim.AssignedTo != actor.Person:
		return fault.New(fault.Conflict, "claim_not_assigned",
			"The claim is not assigned to you; take it first (POST …/assign).", "배정받지 않은 청구입니다. 먼저 배정받으십시오(POST …/assign).")
	case !claim.leased(now):
		return fault.New(fault.Conflict, "lease_expired",
			"Your lease of the claim has run out; take it again, if nobody else has.", "청구의 배정 시간이 지났습니다. 다른 사람이 가져가지 않았다면 다시 배정받으십시오.")
	}
	return nil
}

// leased reports whether somebody has the claim at that time.
func (c Claim) leased(now time.Time) bool {
	return c.AssignedTo != "" && c.LeaseUntil != nil && now.Before(*c.LeaseUntil)
}

// lease gives the claim to a person for a time.
func (c *Claim) lease(person string, until time.Time) { c.AssignedTo, c.LeaseUntil = person, &until }

// free takes the claim from whoever has it.
func (c *Claim) free() { c.AssignedTo, c.LeaseUntil = "", nil }

// renew prolongs the lease of whoever works on the claim.
func (c *Claim) renew(policy Policy, now time.Time) {
	c.lease(c.AssignedTo, now.Add(policy.Lease()))
}

// review carries out a reviewer's verb on a claim that the actor holds, and
// renews the lease unless f ends it.
func (s *Service) review(ctx context.Context, actor identity.Actor, id string, version int64, verb Verb, reply Reply[Claim],
	f func(ctx context.Context, tx Tx, claim *Claim, policy Policy) (deed, error),
) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, verb, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		now := s.now()
		if err := held(*claim, actor, now); err != nil {
			return deed{}, err
		}
		claim.renew(policy, now)
		return f(ctx, tx, claim, policy)
	})
}

// Assign gives a claim of the queue to a person: the actor takes one that nobody
// has, or keeps theirs for another while; who may assign others hands any over.
// An empty person is the actor's own.
func (s *Service) Assign(ctx context.Context, actor identity.Actor, id string, version int64, person string, reply Reply[Claim]) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	if person == "" {
		person = actor.Person
	}
	if err := s.mayBeGiven(ctx, actor, person); err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, DoAssign, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		if claim.leased(s.now()) && claim.AssignedTo != person && !actor.Can(identity.AssignOthers) {
			return deed{}, fault.New(fault.Conflict, "claim_taken", "Somebody else has the claim until %s.",
				"다른 담당자가 %s까지 맡고 있는 청구입니다.", claim.LeaseUntil.Format(time.RFC3339))
		}
		if err := mayHave(ctx, tx, *claim, person); err != nil {
			return deed{}, err
		}
		if claim.AppealOpen && person == actor.Person && actor.Role != identity.Senior {
			return deed{}, appealNeedsSenior()
		}
		cameUp, err := s.checkAgain(ctx, tx, claim, policy)
		if err != nil {
			return deed{}, err
		}
		if person == actor.Person && claim.AssignedTo != person && policy.needsSenior(actor, *claim) {
			return deed{}, scoreNeedsSenior()
		}
		return s.assign(claim, person, policy, cameUp), nil
	})
}

// mayBeGiven refuses to give claims to a person whom the actor may not give any, or
// who could not take them: nobody but somebody of the desk can put a claim back.
func (s *Service) mayBeGiven(ctx context.Context, actor identity.Actor, person string) error {
	if person == actor.Person {
		return nil
	}
	if err := allow(actor, identity.AssignOthers); err != nil {
		return err
	}
	known, err := s.store.HasKey(ctx, person, []identity.Role{identity.Reviewer, identity.Senior}, s.now())
	if err != nil || known {
		return err
	}
	return fault.InvalidFields([]fault.Field{fault.At("#/person", "person_unknown",
		"Nobody of this person code holds a valid key of the role reviewer or senior.",
		"이 사람 코드로 발급된 유효한 심사자(reviewer) 또는 선임 심사자(senior) 키가 없습니다.")})
}

// needsSenior reports whether the claim's score leaves it to seniors, and the
// actor is none. A senior may hand it to anybody, who then keeps it.
func (p Policy) needsSenior(actor identity.Actor, claim Claim) bool {
	return actor.Role != identity.Senior && claim.Score >= p.SeniorFromScore
}

func scoreNeedsSenior() *fault.Error {
	return fault.New(fault.Forbidden, "score_needs_senior",
		"The score of the checks leaves this claim to a senior, who may hand it to you.",
		"점검 점수가 높아 선임 심사자가 맡는 청구입니다. 선임 심사자가 배정해 드릴 수 있습니다.")
}

// assign gives the claim to a person. What came up since its checks were made is
// told by the event.
func (s *Service) assign(claim *Claim, person string, policy Policy, cameUp []string) deed {
	claim.lease(person, s.now().Add(policy.Lease()))
	facts := map[string]any{"person": person, "until": claim.LeaseUntil.Format(time.RFC3339Nano)}
	if len(cameUp) > 0 {
		facts["came_up"] = cameUp
	}
	return deed{to: claim.underReview(), data: facts}
}

// mayHave refuses a person who is kept from the claim.
func mayHave(ctx context.Context, tx Tx, claim Claim, person string) error {
	exclusions, err := tx.Exclusions(ctx, claim.ID)
	if err != nil {
		return err
	}
	for _, e := range exclusions {
		if e.Person != person {
			continue
		}
		keeps := claim.AppealOpen || e.Why == ExcludedFiled || e.Why == ExcludedRecused
		if !keeps {
			if keeps, err = appealedFrom(ctx, tx, claim.ID, person); err != nil {
				return err
			}
		}
		if keeps {
			return fault.New(fault.Conflict, "excluded_from_claim",
				"This person is kept from the claim (%s).", "이 사람은 이 청구를 맡을 수 없습니다(%s).", e.Why)
		}
	}
	return nil
}

// appealedFrom reports whether an appeal was decided against what the person had
// decided or approved. Its outcome is not theirs to change.
func appealedFrom(ctx context.Context, tx Tx, claimID, person string) (bool, error) {
	decisions, err := tx.Decisions(ctx, claimID)
	if err != nil {
		return false, err
	}
	took := false
	for _, d := range decisions {
		switch {
		case !d.Stands():
		case d.Kind == AppealDecision:
			return took, nil
		default:
			took = took || d.of(person)
		}
	}
	return false, nil
}

// PutBack returns a claim to the queue.
func (s *Service) PutBack(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	return s.review(ctx, actor, id, version, DoPutBack, reply, func(_ context.Context, _ Tx, claim *Claim, _ Policy) (deed, error) {
		claim.free()
		return deed{}, nil
	})
}

// Recuse returns a claim to the queue for a conflict of interest and keeps the
// actor's person from it for good.
func (s *Service) Recuse(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	return s.review(ctx, actor, id, version, DoRecuse, reply, func(ctx context.Context, tx Tx, claim *Claim, _ Policy) (deed, error) {
		claim.free()
		return deed{}, tx.InsertExclusion(ctx, Exclusion{ClaimID: claim.ID, Person: actor.Person, Why: ExcludedRecused})
	})
}

// longestHold is how far away the review of a hold may be.
const longestHold = 90 * 24 * time.Hour

// Hold stops work on a claim for a reason of the catalogue until a date, at
// which the claim comes back by itself.
func (s *Service) Hold(ctx context.Context, actor identity.Actor, id string, version int64, reason string, until time.Time, reply Reply[Claim]) (Claim, error) {
	if err := permitted(actor, DoHold); err != nil {
		return Claim{}, err
	}
	ref, err := s.reason(ctx, reason, HoldReason)
	if err != nil {
		return Claim{}, err
	}
	now := s.now()
	if !until.After(now) || until.Sub(now) > longestHold {
		return Claim{}, fault.InvalidFields([]fault.Field{fault.At("#/review_at", "review_date",
			"A hold is reviewed within 90 days from now.", "보류는 지금부터 90일 안에 다시 검토해야 합니다.")})
	}
	until = until.UTC().Truncate(time.Microsecond)
	return s.review(ctx, actor, id, version, DoHold, reply, func(_ context.Context, _ Tx, claim *Claim, _ Policy) (deed, error) {
		claim.DueAt = &until
		return deed{data: map[string]any{"reason": ref.Code, "catalogue": int64(ref.Version), "review_at": until.Format(time.RFC3339Nano)}}, nil
	})
}

// Release takes a claim off hold. Who held it may, who may assign others, and
// the service itself at the date of review.
func (s *Service) Release(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, DoRelease, reply, func(_ context.Context, _ Tx, claim *Claim) (deed, error) {
		now := s.now()
		switch {
		case actor.Person == claim.AssignedTo:
			claim.renew(policy, now)
		case actor == identity.Itself || actor.Can(identity.AssignOthers):
			claim.lease(claim.AssignedTo, now.Add(policy.Return()))
		default:
			return deed{}, held(*claim, actor, now)
		}
		claim.DueAt = nil
		return deed{to: claim.underReview()}, nil
	})
}

package claims

import (
	"context"

	"redress/internal/fault"
	"redress/internal/identity"
)

// What staff may look at.
const (
	readClaim    = "claim"
	readClaimant = "claimant"
	readEvidence = "evidence"
	readLetter   = "letter"
)

// view finds a claim that the actor may see; that staff saw it is recorded.
func (s *Service) view(ctx context.Context, actor identity.Actor, claimID string) (Claim, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims)
	if err != nil {
		return Claim{}, err
	}
	return claim, s.looked(ctx, actor, claim, readClaim, "")
}

// looked records that staff saw personal data of a claim; what people see of
// their own is nobody's business. Files and letters of claims that the actor
// does not work on need a stated purpose.
func (s *Service) looked(ctx context.Context, actor identity.Actor, claim Claim, what, item string) error {
	if actor.Owns(claim.ClaimantID) {
		return nil
	}
	purpose := actor.Purpose
	switch {
	case purpose != "":
	case claim.AssignedTo == actor.Person:
		purpose = "review"
	case what == readEvidence || what == readLetter:
		return fault.InvalidFields([]fault.Field{fault.At("query:purpose", "purpose_required",
			"Say why you look at this (purpose=…); the claim is not assigned to you.", "배정받지 않은 청구입니다. 열람 목적을 적으십시오(purpose=…).")})
	default:
		purpose = "unstated"
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.InsertRead(ctx, Read{
			ID: newID(), ClaimID: claim.ID, ClaimantID: claim.ClaimantID, What: what, Item: item,
			Purpose: purpose, Person: actor.Person, Role: actor.Role, At: s.now(),
		})
	})
}

// Reads lists who looked at the personal data of a claim, newest first. The
// claimant learns everything but who: the role says enough.
func (s *Service) Reads(ctx context.Context, actor identity.Actor, claimID string, page Page) ([]Read, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.SeeReads)
	if err != nil {
		return nil, err
	}
	reads, err := s.store.Reads(ctx, claimID, page)
	if err != nil || !actor.Owns(claim.ClaimantID) {
		return reads, err
	}
	for i := range reads {
		reads[i].Person = ""
	}
	return reads, nil
}

package claims

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// Claim is one claimant's filing for one outlet and one incident.
type Claim struct {
	ID         string
	Reference  string // for people; no 0, O, 1 or I
	IncidentID string
	ClaimantID string
	Outlet     string
	Channel    string // how it came in: api, web, phone, paper
	State      State
	Late       bool // submitted after the filing period closed
	Currency   string
	Content
	Claimed     money.Minor  // sum of lost items and added costs as stated
	Estimated   *money.Minor // what the scheme pays on the newest estimate
	Outcome     string       // of the scheme on the newest estimate
	Estimates   int          // how many estimates were made
	Estimate    []byte       // the newest estimate, where the claim was asked for alone
	FiledBy     string       // id of the key
	Version     int64        // also the number of the newest event
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SubmittedAt *time.Time
}

// Content is what the claimant states; it may hold personal data in its notes.
// Amounts are minor units of the claim's currency.
type Content struct {
	Lines                []LossLine     `json:"lines"`
	Expenses             []Expense      `json:"expenses,omitempty"`
	Subscriptions        []Subscription `json:"subscriptions,omitempty"`
	OwnMarginBasisPoints *int           `json:"own_margin_basis_points,omitempty"`
	Statement            string         `json:"statement,omitempty"`
}

// LossLine is the loss in one service.
type LossLine struct {
	Service                  string       `json:"service"`
	DeclaredActual           *money.Minor `json:"declared_actual,omitempty"` // earned in all windows together
	PlatformShareBasisPoints *int         `json:"platform_share_basis_points,omitempty"`
	Closures                 []Closure    `json:"closures,omitempty"`
	Items                    []LossItem   `json:"items,omitempty"`
	Substitutes              []Substitute `json:"substitutes,omitempty"`
}

// Closure is a half-open interval in which the outlet would not have traded.
type Closure struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// LossItem is a single lost booking, ride or order.
type LossItem struct {
	Kind   string      `json:"kind"`
	At     time.Time   `json:"at"`
	Amount money.Minor `json:"amount"`
	Note   string      `json:"note,omitempty"`
}

// Substitute is revenue earned instead: a street hail, a card sale.
type Substitute struct {
	Kind   string      `json:"kind"`
	Amount money.Minor `json:"amount"`
	Note   string      `json:"note,omitempty"`
}

// SavedCost is the kind of expense that the outage saved; every other kind was
// caused by it.
const SavedCost = "saved_cost"

// Expense is a cost that the outage caused or saved.
type Expense struct {
	Kind   string      `json:"kind"`
	Amount money.Minor `json:"amount"`
	Note   string      `json:"note,omitempty"`
}

// Subscription is a plan of the platform that the claimant pays by the month.
type Subscription struct {
	Plan       string      `json:"plan"`
	Service    string      `json:"service,omitempty"`
	MonthlyFee money.Minor `json:"monthly_fee"`
}

// Draft is what a new claim is made from.
type Draft struct {
	IncidentID string
	ClaimantID string // the actor's own when empty
	Outlet     string
	Channel    string
	Currency   string // when given, must be the incident's
	Content
}

// ClaimFilter narrows a list of claims; empty fields narrow nothing.
type ClaimFilter struct {
	IncidentID string
	ClaimantID string
	State      State
}

// Event is one thing that happened to a claim. Its number is the claim's
// version after it.
type Event struct {
	ClaimID string
	N       int64
	Type    string
	At      time.Time
	Actor   identity.Role
	KeyID   string
	Data    map[string]any
	EntryID string
	Leaf    []byte // the entry's commitment in the audit log
}

// Validation is what filing a draft would lead to.
type Validation struct {
	Problems []fault.Field
	Estimate []byte // preliminary, JSON; nil when the claim cannot be estimated
}

// File makes a claim as a draft or, when submit is set, submits it at once.
func (s *Service) File(ctx context.Context, actor identity.Actor, draft Draft, submit bool, reply Reply[Claim]) (Claim, error) {
	f, err := s.open(ctx, actor, draft)
	if err != nil {
		return Claim{}, err
	}
	if err := f.mayFile(s.now()); err != nil {
		return Claim{}, err
	}
	if err := fault.InvalidFields(f.check()); err != nil {
		return Claim{}, err
	}
	claim := f.claim(actor, s.now())
	var estimate *Estimate
	if submit {
		if estimate, err = s.submitted(ctx, &claim, f); err != nil {
			return Claim{}, err
		}
		claim.Version++ // filed and submitted are two events
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Claim, error) {
		if err := tx.InsertClaim(ctx, claim); err != nil {
			return Claim{}, err
		}
		filed := claim
		filed.Version = 1
		if err := s.record(ctx, tx, actor, filed, "claim.filed", map[string]any{"channel": claim.Channel, "claimed": int64(claim.Claimed)}); err != nil {
			return Claim{}, err
		}
		if estimate == nil {
			return claim, nil
		}
		return claim, s.recordSubmission(ctx, tx, actor, claim, *estimate)
	})
}

// Change applies a change to the content of a draft at the version that the
// caller holds.
func (s *Service) Change(ctx context.Context, actor identity.Actor, id string, version int64, change func(*Content) error) (Claim, error) {
	claim, err := s.findClaim(ctx, s.store, actor, id, identity.ActForClaimants)
	if err != nil {
		return Claim{}, err
	}
	if err := matchVersion(version, claim.Version); err != nil {
		return Claim{}, err
	}
	if _, err := claim.State.after(Amend); err != nil {
		return Claim{}, err
	}
	if err := change(&claim.Content); err != nil {
		return Claim{}, err
	}
	f, err := s.reopen(ctx, claim)
	if err != nil {
		return Claim{}, err
	}
	if err := fault.InvalidFields(f.check()); err != nil {
		return Claim{}, err
	}
	claim.Claimed, claim.UpdatedAt = f.claimed, s.now()
	return s.update(ctx, claim, Reply[Claim]{}, func(ctx context.Context, tx Tx, claim Claim) error {
		return s.record(ctx, tx, actor, claim, "claim.changed", map[string]any{"claimed": int64(claim.Claimed)})
	})
}

// Submit estimates a draft and submits it: estimate, event and audit entry go
// in one transaction with the claim's new state.
func (s *Service) Submit(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	claim, err := s.findClaim(ctx, s.store, actor, id, identity.ActForClaimants)
	if err != nil {
		return Claim{}, err
	}
	if err := matchVersion(version, claim.Version); err != nil {
		return Claim{}, err
	}
	f, err := s.reopen(ctx, claim)
	if err != nil {
		return Claim{}, err
	}
	if err := f.mayFile(s.now()); err != nil {
		return Claim{}, err
	}
	if err := fault.InvalidFields(f.check()); err != nil {
		return Claim{}, err
	}
	estimate, err := s.submitted(ctx, &claim, f)
	if err != nil {
		return Claim{}, err
	}
	return s.update(ctx, claim, reply, func(ctx context.Context, tx Tx, claim Claim) error {
		return s.recordSubmission(ctx, tx, actor, claim, *estimate)
	})
}

// Withdraw ends a claim at the claimant's wish.
func (s *Service) Withdraw(ctx context.Context, actor identity.Actor, id string, version int64, reason string, reply Reply[Claim]) (Claim, error) {
	claim, err := s.findClaim(ctx, s.store, actor, id, identity.ActForClaimants)
	if err != nil {
		return Claim{}, err
	}
	if err := matchVersion(version, claim.Version); err != nil {
		return Claim{}, err
	}
	if claim.State, err = claim.State.after(Withdraw); err != nil {
		return Claim{}, err
	}
	claim.UpdatedAt = s.now()
	return s.update(ctx, claim, reply, func(ctx context.Context, tx Tx, claim Claim) error {
		// The reason is free text of a person: it stays out of event and log.
		return s.record(ctx, tx, actor, claim, "claim.withdrawn", map[string]any{"reason_given": reason != ""})
	})
}

// update stores the changed claim against the version it was read at and then
// what follows from it, in one transaction.
func (s *Service) update(ctx context.Context, claim Claim, reply Reply[Claim],
	follow func(ctx context.Context, tx Tx, claim Claim) error,
) (Claim, error) {
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Claim, error) {
		if err := tx.UpdateClaim(ctx, claim); err != nil {
			return Claim{}, err
		}
		changed := claim
		changed.Version++
		return changed, follow(ctx, tx, changed)
	})
}

// submitted moves the claim to submitted and makes its next estimate.
func (s *Service) submitted(ctx context.Context, claim *Claim, f filing) (*Estimate, error) {
	state, err := claim.State.after(Submit)
	if err != nil {
		return nil, err
	}
	now := s.now()
	claim.State, claim.SubmittedAt, claim.UpdatedAt = state, &now, now
	claim.Late = !now.Before(f.incident.Filing.ClosesAt)
	claim.Estimates++
	estimate, err := s.estimate(ctx, f, claim.ID, claim.Estimates)
	if err != nil {
		return nil, err
	}
	claim.Estimated, claim.Outcome, claim.Estimate = &estimate.Amount, estimate.Outcome, estimate.Bytes
	return &estimate, nil
}

func (s *Service) recordSubmission(ctx context.Context, tx Tx, actor identity.Actor, claim Claim, estimate Estimate) error {
	if err := tx.InsertEstimate(ctx, estimate); err != nil {
		return err
	}
	return s.record(ctx, tx, actor, claim, "claim.submitted", map[string]any{
		"late": claim.Late, "estimate": int64(estimate.N), "estimate_hash": estimate.Hash, "input_hash": estimate.InputHash,
		"model": estimate.Model, "scheme": estimate.Scheme.ID, "scheme_version": int64(estimate.Scheme.Version),
		"amount": int64(estimate.Amount), "outcome": estimate.Outcome,
	})
}

// record writes the event of a claim and the audit entry that commits to it.
func (s *Service) record(ctx context.Context, tx Tx, actor identity.Actor, claim Claim, eventType string, data map[string]any) error {
	facts := map[string]any{"n": claim.Version, "incident": claim.IncidentID, "state": string(claim.State), "by": string(actor.Role), "data": data}
	entry, err := auditlog.NewEntry(eventType, claim.ID, claim.UpdatedAt, facts)
	if err != nil {
		return err
	}
	if err := tx.InsertEntry(ctx, entry); err != nil {
		return err
	}
	return tx.InsertEvent(ctx, Event{
		ClaimID: claim.ID, N: claim.Version, Type: eventType, At: claim.UpdatedAt, Actor: actor.Role, KeyID: actor.KeyID,
		Data: data, EntryID: entry.ID, Leaf: entry.Commitment,
	})
}

// Claim finds one claim that the actor may see, with its newest estimate.
func (s *Service) Claim(ctx context.Context, actor identity.Actor, id string) (Claim, error) {
	claim, err := s.findClaim(ctx, s.store, actor, id, identity.ReadClaims)
	if err != nil || claim.Estimates == 0 {
		return claim, err
	}
	estimate, err := s.store.Estimate(ctx, id, 0)
	claim.Estimate = estimate.Bytes
	return claim, err
}

// Claims lists the claims the actor may see, newest first.
func (s *Service) Claims(ctx context.Context, actor identity.Actor, filter ClaimFilter, page Page) ([]Claim, error) {
	if actor.Can(identity.OwnClaims) {
		filter.ClaimantID = actor.ClaimantID
	} else if err := allow(actor, identity.ReadClaims); err != nil {
		return nil, err
	}
	return s.store.Claims(ctx, filter, page)
}

// Estimate finds one estimate of a claim the actor may see, the newest when n
// is 0.
func (s *Service) Estimate(ctx context.Context, actor identity.Actor, claimID string, n int) (Estimate, error) {
	if _, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims); err != nil {
		return Estimate{}, err
	}
	return s.store.Estimate(ctx, claimID, n)
}

// Events lists what happened to a claim the actor may see, oldest first.
func (s *Service) Events(ctx context.Context, actor identity.Actor, claimID string) ([]Event, error) {
	if _, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims); err != nil {
		return nil, err
	}
	return s.store.Events(ctx, claimID)
}

// findClaim answers NotFound alike for claims that do not exist and for those
// that are not the actor's, unless the actor's role has the permission.
func (s *Service) findClaim(ctx context.Context, r Reader, actor identity.Actor, id string, staff identity.Action) (Claim, error) {
	if !actor.Can(identity.OwnClaims) {
		if err := allow(actor, staff); err != nil {
			return Claim{}, err
		}
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

// newReference makes a reference for people: "R-" and twelve of 32 characters
// that cannot be mistaken for each other. Its 60 random bits make two equal ones
// among a million claims less likely than one in a million.
func newReference() string {
	const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	b := make([]byte, 12)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return fmt.Sprintf("R-%s-%s-%s", b[:4], b[4:8], b[8:])
}

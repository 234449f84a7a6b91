package claims

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
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
	FiledPerson string       // of staff who filed on behalf; empty otherwise
	Address     string       // it was submitted from; the store keeps a keyed hash alone and never gives it back
	Desk
	Version     int64 // also the number of the newest event
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SubmittedAt *time.Time
	ErasedAt    *time.Time // when its claimant was erased; its content is empty then
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
	IncidentID    string       `json:"incident_id,omitempty"`
	ClaimantID    string       `json:"claimant_id,omitempty"`
	States        []State      `json:"state,omitempty"` // any of them
	Sector        string       `json:"sector,omitempty"`
	Region        string       `json:"region,omitempty"`
	AssignedTo    string       `json:"assigned_to,omitempty"`
	Verdict       Verdict      `json:"verdict,omitempty"`
	Check         string       `json:"check,omitempty"` // a check that flagged the newest submission
	ScoreFrom     int          `json:"score_from,omitempty"`
	StakeFrom     *money.Minor `json:"stake_from,omitempty"`
	StakeUpTo     *money.Minor `json:"stake_up_to,omitempty"`
	OverdueBefore *time.Time   `json:"overdue_before,omitempty"` // promised before it and not decided
	Answered      bool         `json:"answered,omitempty"`       // come back with an answer, and since then where it came to
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
	var ready submission
	if submit {
		if ready, err = s.prepare(ctx, actor, claim, f); err != nil {
			return Claim{}, err
		}
	}
	return ready.enter(func(enter step) (Claim, error) {
		return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Claim, error) {
			if err := s.insert(ctx, tx, actor, claim); err != nil || !submit {
				return claim, err
			}
			return s.carryOut(ctx, tx, actor, claim, DoSubmit, enter)
		})
	})
}

// insert stores a new claim with its first stage and event.
func (s *Service) insert(ctx context.Context, tx Tx, actor identity.Actor, claim Claim) error {
	if err := tx.InsertClaim(ctx, claim); err != nil {
		return err
	}
	if err := tx.EnterStage(ctx, Stage{ClaimID: claim.ID, N: claim.Version, State: claim.State, Entered: claim.StateSince}); err != nil {
		return err
	}
	if claim.FiledPerson != "" {
		// Who wrote a claim does not decide it.
		if err := tx.InsertExclusion(ctx, Exclusion{ClaimID: claim.ID, Person: claim.FiledPerson, Why: ExcludedFiled}); err != nil {
			return err
		}
	}
	return s.record(ctx, tx, actor, claim, "claim.filed", map[string]any{"channel": claim.Channel, "claimed": int64(claim.Claimed)})
}

// Change applies a change to the content of a draft, or of a claim that was
// rejected as fixable, at the version that the caller holds.
func (s *Service) Change(ctx context.Context, actor identity.Actor, id string, version int64, change func(*Content) error) (Claim, error) {
	claim, err := s.openToChange(ctx, actor, id, version, DoChange)
	if err != nil {
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
	return s.act(ctx, actor, id, claim.Version, DoChange, Reply[Claim]{}, func(_ context.Context, _ Tx, now *Claim) (deed, error) {
		now.Content, now.Claimed = claim.Content, f.claimed
		return deed{data: map[string]any{"claimed": int64(f.claimed), "services": now.Services()}}, nil
	})
}

// openToChange finds a claim whose content may still be changed and submitted:
// a draft or, until its appeal period ends, one that was rejected as fixable.
func (s *Service) openToChange(ctx context.Context, actor identity.Actor, id string, version int64, verb Verb) (Claim, error) {
	claim, err := findFor(ctx, s.store, actor, id, verb)
	if err != nil {
		return Claim{}, err
	}
	if err := matchVersion(version, claim.Version); err != nil {
		return Claim{}, err
	}
	if _, err := claim.State.among(verb); err != nil {
		return Claim{}, err
	}
	if claim.State == Drafted {
		return claim, nil
	}
	if claim.Verdict != Rejected || claim.DueAt == nil || !s.now().Before(*claim.DueAt) {
		return Claim{}, notNow(claim.State, verb)
	}
	return claim, nil
}

// Submit estimates and checks a claim and submits it: estimate, checks, event
// and audit entry go in one transaction with the claim's new state.
func (s *Service) Submit(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	claim, err := s.openToChange(ctx, actor, id, version, DoSubmit)
	if err != nil {
		return Claim{}, err
	}
	f, err := s.reopen(ctx, claim)
	if err != nil {
		return Claim{}, err
	}
	if claim.State == Drafted {
		if err := f.mayFile(s.now()); err != nil {
			return Claim{}, err
		}
	}
	if err := fault.InvalidFields(f.check()); err != nil {
		return Claim{}, err
	}
	ready, err := s.prepare(ctx, actor, claim, f)
	if err != nil {
		return Claim{}, err
	}
	return ready.enter(func(enter step) (Claim, error) {
		return s.act(ctx, actor, id, claim.Version, DoSubmit, reply, enter)
	})
}

// Withdraw ends a claim at the claimant's wish, with whatever was awarded, or in
// an appeal the appeal alone: the decision stands then.
func (s *Service) Withdraw(ctx context.Context, actor identity.Actor, id string, version int64, reason string, reply Reply[Claim]) (Claim, error) {
	return s.act(ctx, actor, id, version, DoWithdraw, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		if err := notAmended(ctx, tx, *claim); err != nil {
			return deed{}, err
		}
		if err := s.endRequest(ctx, tx, *claim, RequestRecalled); err != nil {
			return deed{}, err
		}
		claim.free()
		claim.DueAt = nil
		// The reason is free text of a person: it stays out of event and log.
		done := deed{to: Withdrawn, data: map[string]any{"reason_given": reason != "", "appeal": claim.AppealOpen}}
		if claim.AppealOpen {
			now := s.now()
			done.to, claim.DueAt = Decided, &now
			return done, s.endAppeal(ctx, tx, claim, true)
		}
		claim.Assessed, claim.Awarded, claim.DecidedAt, claim.Standing, claim.Verdict, claim.Automatic = nil, nil, nil, 0, "", false
		return done, tx.DeleteCovers(ctx, claim.ID)
	})
}

// notAmended refuses to withdraw a claim that was decided while an amendment of
// the decision is proposed.
func notAmended(ctx context.Context, tx Tx, claim Claim) error {
	if claim.State != AwaitingApproval {
		return nil
	}
	decisions, err := tx.Decisions(ctx, claim.ID)
	if err == nil && decisions[len(decisions)-1].Kind == Amendment {
		return notNow(claim.State, DoWithdraw)
	}
	return err
}

// record writes the event of a claim and the audit entry that commits to it, and to
// the rows that were written with it. Who of the staff has a claim stays out of the
// entry, which its claimant may open: it has keyed hashes of keys, people and rows.
func (s *Service) record(ctx context.Context, tx Tx, actor identity.Actor, claim Claim, eventType string, data map[string]any) error {
	person, _ := data["person"].(string)
	facts := map[string]any{
		"n": claim.Version, "incident": claim.IncidentID, "state": string(claim.State), "by": string(actor.Role), "data": withoutPerson(data),
		"who": tx.Blind(BlindEvent, ActorOf(claim.ID, claim.Version, actor.KeyID, person)), "rows": tx.Written(),
	}
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
	claim, err := s.view(ctx, actor, id)
	if err != nil || claim.Estimates == 0 || claim.ErasedAt != nil {
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
	if err := s.checkFilter(ctx, actor, "query:", filter); err != nil {
		return nil, err
	}
	return s.store.Claims(ctx, filter, page)
}

// checkFilter refuses a filter that nothing can match, rather than find nothing:
// a range upside down, an incident that is not there. The place is where in the
// request its fields are.
func (s *Service) checkFilter(ctx context.Context, actor identity.Actor, place string, filter ClaimFilter) error {
	if from, upTo := filter.StakeFrom, filter.StakeUpTo; from != nil && upTo != nil && *from > *upTo {
		return fault.InvalidFields([]fault.Field{fault.At(place+"stake_up_to", "range_upside_down",
			"must be at least stake_from, %d.", "stake_from(%d) 이상이어야 합니다.", int64(*from))})
	}
	if filter.IncidentID == "" {
		return nil
	}
	_, err := s.Incident(ctx, actor, filter.IncidentID)
	return err
}

// Estimate finds one estimate of a claim the actor may see, the newest when n
// is 0.
func (s *Service) Estimate(ctx context.Context, actor identity.Actor, claimID string, n int) (Estimate, error) {
	if _, err := s.view(ctx, actor, claimID); err != nil {
		return Estimate{}, err
	}
	return s.store.Estimate(ctx, claimID, n)
}

// Events lists what happened to a claim the actor may see, oldest first. Who of
// the staff has it is the staff's business.
func (s *Service) Events(ctx context.Context, actor identity.Actor, claimID string) ([]Event, error) {
	if _, err := s.view(ctx, actor, claimID); err != nil {
		return nil, err
	}
	events, err := s.store.Events(ctx, claimID)
	if err != nil || !actor.Can(identity.OwnClaims) {
		return events, err
	}
	for i, e := range events {
		events[i] = e.shown()
	}
	return events, nil
}

// deskEvents are how the desk organises its work.
var deskEvents = []string{
	rules[DoAssign].Event, rules[DoPutBack].Event, rules[DoRecuse].Event, rules[DoHold].Event, rules[DoRelease].Event,
	rules[DoReturn].Event, rules[DoAmend].Event, attemptRefused,
}

// shown is the event as its claimant sees it. That the desk worked on the claim
// is told; how, and what it only proposed, is not.
func (e Event) shown() Event {
	if slices.Contains(deskEvents, e.Type) || e.Data["stands"] == false {
		e.Type, e.Data = "claim.reviewed", map[string]any{}
		return e
	}
	e.Data = withoutPerson(e.Data)
	return e
}

// withoutPerson is an event's data as its claimant, and the log, have it.
func withoutPerson(data map[string]any) map[string]any {
	shown := maps.Clone(data)
	delete(shown, "person")
	return shown
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

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
)

type claimRow struct {
	ID            string `gorm:"primaryKey"`
	Reference     string
	IncidentID    string
	ClaimantID    string
	Outlet        string
	Channel       string
	Late          int64
	Currency      string
	ContentSealed []byte
	Claimed       int64
	Estimated     *int64
	Outcome       string
	Estimates     int
	FiledBy       string
	Version       int64
	CreatedAt     int64 `gorm:"autoCreateTime:false"`
	UpdatedAt     int64 `gorm:"autoUpdateTime:false"`
	SubmittedAt   *int64
	State         string
	FiledPerson   string
	AddressIndex  []byte
	Services      string
	ErasedAt      *int64
	Desk          deskColumns `gorm:"embedded"`
}

func (claimRow) TableName() string { return "claims" }

// deskColumns are where the claim stands on the staff's side.
type deskColumns struct {
	Sector     string
	Region     string
	Unit       []byte
	Score      int
	AssignedTo string
	LeaseUntil *int64
	Rank       int64
	Stake      int64
	StateSince int64
	PromisedAt *int64
	Waited     int64
	DueAt      *int64
	Assessed   *int64
	Awarded    *int64
	Decisions  int
	Standing   int
	Verdict    string
	DecidedAt  *int64
	Automatic  int64
	HumanAsked int64
	AppealOpen int64
}

// claimColumns are those that UpdateClaim writes: a claim keeps its id, to whom
// and what it belongs, and how it was filed.
var claimColumns = []any{
	"late", "content_sealed", "services", "claimed", "estimated", "outcome", "estimates", "version", "updated_at", "submitted_at",
	"sector", "region", "unit", "score", "assigned_to", "lease_until", "rank", "stake", "state_since", "promised_at", "waited", "due_at",
	"assessed", "awarded", "decisions", "standing", "verdict", "decided_at", "automatic", "human_asked", "appeal_open",
}

func (r reader) toClaimRow(c claims.Claim) (claimRow, error) {
	sealed, err := r.sealJSON(sealContext("claims.content", c.ID), c.Content)
	return claimRow{
		ID: c.ID, Reference: c.Reference, IncidentID: c.IncidentID, ClaimantID: c.ClaimantID, Outlet: c.Outlet, Channel: c.Channel,
		State: string(c.State), Late: toInt(c.Late), Currency: c.Currency, ContentSealed: sealed, Claimed: int64(c.Claimed),
		Estimated: (*int64)(c.Estimated), Outcome: c.Outcome, Estimates: c.Estimates, FiledBy: c.FiledBy, FiledPerson: c.FiledPerson,
		Version: c.Version, CreatedAt: toMicros(c.CreatedAt), UpdatedAt: toMicros(c.UpdatedAt), SubmittedAt: toMicrosPtr(c.SubmittedAt),
		AddressIndex: r.addressIndex(c.Address), Services: c.Services(), Desk: toDeskColumns(c.Desk),
	}, err
}

// addressIndex is the keyed hash of a network address; nil for none.
func (r reader) addressIndex(address string) []byte {
	if address == "" {
		return nil
	}
	return r.vault.Index("address", address)
}

func toDeskColumns(d claims.Desk) deskColumns {
	return deskColumns{
		Sector: d.Sector, Region: d.Region, Unit: d.Unit, Score: d.Score, AssignedTo: d.AssignedTo, LeaseUntil: toMicrosPtr(d.LeaseUntil),
		Rank: toMicros(d.Rank), Stake: int64(d.Stake), StateSince: toMicros(d.StateSince), PromisedAt: toMicrosPtr(d.PromisedAt),
		Waited: d.Waited.Microseconds(), DueAt: toMicrosPtr(d.DueAt), Assessed: (*int64)(d.Assessed), Awarded: (*int64)(d.Awarded),
		Decisions: d.Decisions, Standing: d.Standing, Verdict: string(d.Verdict), DecidedAt: toMicrosPtr(d.DecidedAt),
		Automatic: toInt(d.Automatic), HumanAsked: toInt(d.HumanAsked), AppealOpen: toInt(d.AppealOpen),
	}
}

func (row deskColumns) desk() claims.Desk {
	return claims.Desk{
		Sector: row.Sector, Region: row.Region, Unit: row.Unit, Score: row.Score, AssignedTo: row.AssignedTo, LeaseUntil: fromMicrosPtr(row.LeaseUntil),
		Rank: fromMicros(row.Rank), Stake: money.Minor(row.Stake), StateSince: fromMicros(row.StateSince), PromisedAt: fromMicrosPtr(row.PromisedAt),
		Waited: time.Duration(row.Waited) * time.Microsecond, DueAt: fromMicrosPtr(row.DueAt),
		Assessed: (*money.Minor)(row.Assessed), Awarded: (*money.Minor)(row.Awarded), Decisions: row.Decisions, Standing: row.Standing,
		Verdict: claims.Verdict(row.Verdict), DecidedAt: fromMicrosPtr(row.DecidedAt), Automatic: row.Automatic == 1, HumanAsked: row.HumanAsked == 1,
		AppealOpen: row.AppealOpen == 1,
	}
}

func (r reader) claim(row claimRow) (claims.Claim, error) {
	c := claims.Claim{
		ID: row.ID, Reference: row.Reference, IncidentID: row.IncidentID, ClaimantID: row.ClaimantID, Outlet: row.Outlet, Channel: row.Channel,
		State: claims.State(row.State), Late: row.Late == 1, Currency: row.Currency, Claimed: money.Minor(row.Claimed),
		Estimated: (*money.Minor)(row.Estimated), Outcome: row.Outcome, Estimates: row.Estimates, FiledBy: row.FiledBy, FiledPerson: row.FiledPerson,
		Desk: row.Desk.desk(), Version: row.Version, CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt),
		SubmittedAt: fromMicrosPtr(row.SubmittedAt), ErasedAt: fromMicrosPtr(row.ErasedAt),
	}
	err := r.openJSON(sealContext("claims.content", c.ID), row.ContentSealed, &c.Content)
	return c, err
}

func (r reader) claims(rows []claimRow) ([]claims.Claim, error) {
	list := make([]claims.Claim, len(rows))
	for i, row := range rows {
		var err error
		if list[i], err = r.claim(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r reader) Claim(ctx context.Context, id string) (claims.Claim, error) {
	row, err := from[claimRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.Claim{}, absent(err, "claim", id)
	}
	return r.claim(row)
}

// Claim keeps other transactions from the claim until this one ends, so that of
// two who act on it the second finds what the first made of it.
func (t tx) Claim(ctx context.Context, id string) (claims.Claim, error) {
	q := t.db
	if q.Name() == "postgres" {
		q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	row, err := from[claimRow](q).Where("id = ?", id).Take(ctx)
	if err != nil {
		return claims.Claim{}, absent(err, "claim", id)
	}
	return t.claim(row)
}

func (r reader) Claims(ctx context.Context, f claims.ClaimFilter, page claims.Page) ([]claims.Claim, error) {
	q := filtered(from[claimRow](r.db).Order("id DESC").Limit(page.Limit), f)
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	return r.claims(rows)
}

func (r reader) Ranked(ctx context.Context, f claims.ClaimFilter, limit int) ([]claims.Claim, int, error) {
	matched, err := filtered(from[claimRow](r.db), f).Count(ctx, "id")
	if err != nil {
		return nil, 0, fmt.Errorf("count claims: %w", err)
	}
	rows, err := filtered(from[claimRow](r.db), f).Order("submitted_at IS NULL, rank, id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("rank claims: %w", err)
	}
	ranked, err := r.claims(rows)
	return ranked, int(matched), err
}

// undecided are the states of a claim that was submitted and waits for its
// first decision or for a new one.
const undecided = `state IN ('submitted', 'in_review', 'information_requested', 'on_hold', 'awaiting_approval', 'appealed')`

// filtered narrows a query of claims to what the filter names.
func filtered(q table[claimRow], f claims.ClaimFilter) table[claimRow] {
	for _, equal := range []struct{ column, value string }{
		{"incident_id", f.IncidentID}, {"claimant_id", f.ClaimantID}, {"sector", f.Sector}, {"region", f.Region},
		{"assigned_to", f.AssignedTo}, {"verdict", string(f.Verdict)},
	} {
		if equal.value != "" {
			q = q.Where(equal.column+" = ?", equal.value)
		}
	}
	if len(f.States) > 0 {
		q = q.Where("state IN ?", f.States)
	}
	if f.AssignedTo != "" {
		q = q.Where("assigned_to <> ''") // SQLite's planner asks for the words of the index
	}
	if f.Check != "" {
		q = q.Where(`EXISTS (SELECT 1 FROM checks WHERE checks.claim_id = claims.id AND checks.code = ? AND checks.result = 'flagged'
			AND checks.round = (SELECT max(round) FROM checks newest WHERE newest.claim_id = claims.id))`, f.Check)
	}
	if f.ScoreFrom != 0 {
		q = q.Where("score >= ?", f.ScoreFrom)
	}
	if f.StakeFrom != nil {
		q = q.Where("stake >= ?", int64(*f.StakeFrom))
	}
	if f.StakeUpTo != nil {
		q = q.Where("stake <= ?", int64(*f.StakeUpTo))
	}
	if f.Answered {
		q = q.Where(`state IN ('in_review', 'appealed') AND EXISTS (SELECT 1 FROM stages JOIN events ON events.claim_id = stages.claim_id AND events.n = stages.n
			WHERE stages.claim_id = claims.id AND stages.left_at IS NULL AND events.type = 'claim.answered')`)
	}
	if f.OverdueBefore != nil {
		q = q.Where("promised_at < ? AND "+undecided, toMicros(*f.OverdueBefore))
	}
	return q
}

func (r reader) ClaimExists(ctx context.Context, incidentID, claimantID, outlet string) (bool, error) {
	n, err := from[claimRow](r.db).
		Where("incident_id = ? AND claimant_id = ? AND outlet = ? AND state <> ?", incidentID, claimantID, outlet, string(claims.Withdrawn)).
		Count(ctx, "id")
	if err != nil {
		return false, fmt.Errorf("look for a claim: %w", err)
	}
	return n > 0, nil
}

func (t tx) InsertClaim(ctx context.Context, c claims.Claim) error {
	if err := t.notErased(ctx, c.ClaimantID); err != nil {
		return err
	}
	row, err := t.toClaimRow(c)
	if err != nil {
		return err
	}
	if err := from[claimRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, claims.ClaimExists())
	}
	return wrote(ctx, t, row)
}

func (t tx) UpdateClaim(ctx context.Context, c claims.Claim) error {
	row, err := t.toClaimRow(c)
	if err != nil {
		return err
	}
	row.Version++
	columns := claimColumns
	if c.Address != "" { // only its hash is known afterwards
		columns = append(slices.Clone(columns), "address_index")
	}
	n, err := from[claimRow](t.db).Where("id = ? AND version = ?", c.ID, c.Version).Select("state", columns...).Updates(ctx, row)
	if err := changed(n, err, "claim", c.ID); err != nil {
		return err
	}
	if c.Address != "" {
		t.written[addressHeld] = t.addressHash(row.AddressIndex)
	}
	return wrote(ctx, t, row)
}

type estimateRow struct {
	ClaimID       string `gorm:"primaryKey"`
	N             int    `gorm:"primaryKey;autoIncrement:false"`
	Bytes         []byte
	Hash          string
	Inputs        []byte
	InputHash     string
	Model         string
	SchemeID      string
	SchemeVersion int
	Amount        int64
	Outcome       string
	MadeAt        int64
}

func (estimateRow) TableName() string { return "estimates" }

func (r reader) Estimate(ctx context.Context, claimID string, n int) (claims.Estimate, error) {
	q := from[estimateRow](r.db).Where("claim_id = ?", claimID).Order("n DESC")
	if n != 0 {
		q = q.Where("n = ?", n)
	}
	row, err := q.Take(ctx)
	if err != nil {
		return claims.Estimate{}, absent(err, "estimate", claimID)
	}
	if len(row.Bytes) == 0 {
		return claims.Estimate{}, claims.ErasedWith(claimID)
	}
	return row.estimate(), nil
}

// NewestEstimates takes the estimate whose number is the claim's count of them.
func (r reader) NewestEstimates(ctx context.Context, incidentID string, page claims.Page) ([]claims.Estimate, error) {
	q := r.newestEstimates(ctx, page)
	if incidentID != "" {
		q = q.Where("claims.incident_id = ?", incidentID)
	}
	return listEstimates(q)
}

// standing are the states that claims.State.Standing tells apart, in the words
// of the index that serves them.
const standing = `state NOT IN ('draft', 'withdrawn')`

func (r reader) SubmittedEstimates(ctx context.Context, incidentID string, page claims.Page) ([]claims.Estimate, error) {
	return listEstimates(r.newestEstimates(ctx, page).Where("claims.incident_id = ? AND claims."+standing, incidentID))
}

func (r reader) newestEstimates(ctx context.Context, page claims.Page) *gorm.DB {
	q := r.db.WithContext(ctx).Table("estimates").Select("estimates.*").
		Joins("JOIN claims ON claims.id = estimates.claim_id AND claims.estimates = estimates.n AND claims.erased_at IS NULL").
		Order("claims.id DESC").Limit(page.Limit)
	if page.After != "" {
		q = q.Where("claims.id < ?", page.After)
	}
	return q
}

func listEstimates(q *gorm.DB) ([]claims.Estimate, error) {
	var rows []estimateRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list estimates: %w", err)
	}
	list := make([]claims.Estimate, len(rows))
	for i, row := range rows {
		list[i] = row.estimate()
	}
	return list, nil
}

func (r reader) CountSubmitted(ctx context.Context, incidentID string) (int, error) {
	n, err := from[claimRow](r.db).Where("incident_id = ? AND erased_at IS NULL AND "+standing, incidentID).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count claims: %w", err)
	}
	return int(n), nil
}

func (row estimateRow) estimate() claims.Estimate {
	return claims.Estimate{
		ClaimID: row.ClaimID, N: row.N, Bytes: row.Bytes, Hash: row.Hash, Inputs: row.Inputs, InputHash: row.InputHash, Model: row.Model,
		Scheme: claims.SchemeRef{ID: row.SchemeID, Version: row.SchemeVersion}, Amount: money.Minor(row.Amount), Outcome: row.Outcome,
		MadeAt: fromMicros(row.MadeAt),
	}
}

func (t tx) InsertEstimate(ctx context.Context, e claims.Estimate) error {
	row := estimateRow{
		ClaimID: e.ClaimID, N: e.N, Bytes: e.Bytes, Hash: e.Hash, Inputs: e.Inputs, InputHash: e.InputHash, Model: e.Model, SchemeID: e.Scheme.ID,
		SchemeVersion: e.Scheme.Version, Amount: int64(e.Amount), Outcome: e.Outcome, MadeAt: toMicros(e.MadeAt),
	}
	if err := from[estimateRow](t.db).Create(ctx, &row); err != nil {
		return err
	}
	if err := wrote(ctx, t, row); err != nil || e.Record == nil {
		return err
	}
	return t.keepRecord(ctx, e.ClaimID, *e.Record)
}

type entryRow struct {
	ID         string `gorm:"primaryKey"`
	Type       string
	Subject    string
	At         int64
	Salt       []byte
	Body       []byte
	Commitment []byte
}

func (entryRow) TableName() string { return "entries" }

func (t tx) InsertEntry(ctx context.Context, e auditlog.Entry) error {
	return from[entryRow](t.db).Create(ctx, &entryRow{
		ID: e.ID, Type: e.Type, Subject: e.Subject, At: toMicros(e.At), Salt: e.Salt, Body: e.Body, Commitment: e.Commitment,
	})
}

type eventRow struct {
	ClaimID string `gorm:"primaryKey"`
	N       int64  `gorm:"primaryKey;autoIncrement:false"`
	Type    string
	At      int64
	Actor   string
	KeyID   string
	Data    string
	EntryID string
}

func (eventRow) TableName() string { return "events" }

// loggedEvent is an event with its entry's commitment.
type loggedEvent struct {
	Event      eventRow `gorm:"embedded"`
	Commitment []byte
}

// Events joins each event with the entry that commits to it.
func (r reader) Events(ctx context.Context, claimID string) ([]claims.Event, error) {
	var rows []loggedEvent
	err := r.db.WithContext(ctx).Raw(
		`SELECT events.*, entries.commitment FROM events JOIN entries ON entries.id = events.entry_id
		  WHERE events.claim_id = ? ORDER BY events.n`, claimID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("events of claim %s: %w", claimID, err)
	}
	events := make([]claims.Event, len(rows))
	for i, row := range rows {
		events[i] = claims.Event{
			ClaimID: claimID, N: row.Event.N, Type: row.Event.Type, At: fromMicros(row.Event.At), Actor: identity.Role(row.Event.Actor),
			KeyID: row.Event.KeyID, EntryID: row.Event.EntryID, Leaf: row.Commitment,
		}
		if err := json.Unmarshal([]byte(row.Event.Data), &events[i].Data); err != nil {
			return nil, fmt.Errorf("event %d of claim %s: %w", row.Event.N, claimID, err)
		}
	}
	return events, nil
}

func (t tx) InsertEvent(ctx context.Context, e claims.Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return fmt.Errorf("write event %s: %w", e.Type, err)
	}
	return from[eventRow](t.db).Create(ctx, &eventRow{
		ClaimID: e.ClaimID, N: e.N, Type: e.Type, At: toMicros(e.At), Actor: string(e.Actor), KeyID: e.KeyID, Data: string(data), EntryID: e.EntryID,
	})
}

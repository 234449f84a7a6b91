package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fsck"
)

// Frozen is Freeze for the one who holds rows against the log.
func (s *Store) Frozen(ctx context.Context, f func(fsck.Store) error) error {
	return s.frozen(ctx, func(r reader) error { return f(r) })
}

// gapsListed bounds how many gaps are named.
const gapsListed = 100

// LogGaps looks for the first of each run of missing rows.
func (r reader) LogGaps(ctx context.Context, leaves, hashes int64) (fsck.Gaps, error) {
	var g fsck.Gaps
	for _, of := range []struct {
		table  string
		count  int64
		gaps   *[]int64
		beyond *int64
	}{{"leaves", leaves, &g.Leaves, &g.LeavesBeyond}, {"log_hashes", hashes, &g.Hashes, &g.HashesMore}} {
		// What follows nothing: 0, or the place after a row.
		err := r.db.WithContext(ctx).Raw(`SELECT at FROM (SELECT 0 AS at UNION ALL SELECT idx + 1 FROM `+of.table+`) places
			WHERE at < ? AND NOT EXISTS (SELECT 1 FROM `+of.table+` WHERE idx = at) ORDER BY at LIMIT ?`, of.count, gapsListed).Scan(of.gaps).Error
		if err == nil {
			err = r.db.WithContext(ctx).Raw(`SELECT count(*) FROM `+of.table+` WHERE idx >= ?`, of.count).Scan(of.beyond).Error
		}
		if err != nil {
			return fsck.Gaps{}, fmt.Errorf("look for gaps in %s: %w", of.table, err)
		}
	}
	return g, nil
}

// loggedEntry is a leaf with its entry, if that is there.
type loggedEntry struct {
	Idx     int64
	Leaf    []byte
	EntryID *string
	ID      *string
	Entry   entryColumns `gorm:"embedded"`
}

// entryColumns are those of an entry that may not be there.
type entryColumns struct {
	Type       string
	Subject    string
	At         int64
	Salt       []byte
	Body       []byte
	Commitment []byte
}

func (e entryColumns) entry(id string) *auditlog.Entry {
	entry := entryRow{id, e.Type, e.Subject, e.At, e.Salt, e.Body, e.Commitment}.entry()
	return &entry
}

// entryOrNothing are the columns of entryColumns in an outer join.
const entryOrNothing = `coalesce(e.type, '') AS type, coalesce(e.subject, '') AS subject, coalesce(e.at, 0) AS at, e.salt, e.body, e.commitment`

// LoggedEntries lists leaves with their entries.
func (r reader) LoggedEntries(ctx context.Context, from int64, limit int) ([]fsck.Logged, error) {
	var rows []loggedEntry
	err := r.db.WithContext(ctx).Raw(`SELECT l.idx, l.commitment AS leaf, l.entry_id, e.id, `+entryOrNothing+`
		FROM leaves l LEFT JOIN entries e ON e.id = l.entry_id WHERE l.idx >= ? ORDER BY l.idx LIMIT ?`, from, limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list leaves: %w", err)
	}
	list := make([]fsck.Logged, len(rows))
	for i, row := range rows {
		list[i] = fsck.Logged{Index: row.Idx, Commitment: row.Leaf}
		if row.EntryID != nil {
			list[i].EntryID = *row.EntryID
		}
		if row.ID != nil {
			list[i].Entry = row.Entry.entry(*row.ID)
		}
	}
	return list, nil
}

// UnloggedEntries lists entries that are no leaf.
func (r reader) UnloggedEntries(ctx context.Context, after string, limit int) ([]fsck.Unlogged, error) {
	var rows []struct {
		Entry entryRow `gorm:"embedded"`
		Waits bool
	}
	err := r.db.WithContext(ctx).Raw(`SELECT e.*, EXISTS (SELECT 1 FROM entries_pending p WHERE p.entry_id = e.id AND p.commitment = e.commitment) AS waits
		FROM entries e WHERE e.id > ? AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.entry_id = e.id) ORDER BY e.id LIMIT ?`, after, limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list entries that are no leaf: %w", err)
	}
	list := make([]fsck.Unlogged, len(rows))
	for i, row := range rows {
		list[i] = fsck.Unlogged{Entry: row.Entry.entry(), Waits: row.Waits}
	}
	return list, nil
}

// LooseEntries lists entries about claims that no event refers to.
func (r reader) LooseEntries(ctx context.Context, after string, limit int) ([]auditlog.Entry, error) {
	rows, err := from[entryRow](r.db).
		Where("id > ? AND type LIKE 'claim.%' AND NOT EXISTS (SELECT 1 FROM events WHERE events.entry_id = entries.id)", after).
		Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list entries without an event: %w", err)
	}
	return entries(rows), nil
}

func entries(rows []entryRow) []auditlog.Entry {
	list := make([]auditlog.Entry, len(rows))
	for i, row := range rows {
		list[i] = row.entry()
	}
	return list
}

// LostClaims lists the ids of claims that have events and are not there.
func (r reader) LostClaims(ctx context.Context, after string, limit int) (ids []string, err error) {
	err = r.db.WithContext(ctx).Raw(`SELECT DISTINCT claim_id FROM events
		WHERE claim_id > ? AND NOT EXISTS (SELECT 1 FROM claims WHERE claims.id = events.claim_id) ORDER BY claim_id LIMIT ?`, after, limit).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("list claims that are missing: %w", err)
	}
	return ids, nil
}

// ClaimFiles lists claims with the rows that the log speaks of. Nothing sealed but
// letters is opened.
func (r reader) ClaimFiles(ctx context.Context, after string, limit int) ([]fsck.Claim, error) {
	rows, err := from[claimRow](r.db).Where("id > ?", after).Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	ids := make([]string, len(rows))
	list := make([]fsck.Claim, len(rows))
	at := map[string]*fsck.Claim{}
	for i, row := range rows {
		ids[i], list[i] = row.ID, row.file()
		own := heldRows{}
		if err := r.hold(ctx, own, row); err != nil {
			return nil, err
		}
		list[i].Rows = r.hashes(own)
		if row.AddressIndex != nil {
			list[i].Rows[addressHeld] = r.addressHash(row.AddressIndex)
		}
		at[row.ID] = &list[i]
	}
	for _, fill := range []func(context.Context, []string, map[string]*fsck.Claim) error{r.fileEvents, r.fileEstimates, r.fileDecisions, r.fileRows} {
		if err := fill(ctx, ids, at); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (row claimRow) file() fsck.Claim {
	return fsck.Claim{
		ID: row.ID, IncidentID: row.IncidentID, ClaimantID: row.ClaimantID, Erased: row.ErasedAt != nil, Channel: row.Channel,
		Services: row.Services, Sector: row.Desk.Sector, Region: row.Desk.Region, Late: row.Late == 1,
		State: row.State, Version: row.Version,
		Claimed: row.Claimed, Estimated: row.Estimated, Outcome: row.Outcome, Estimates: int64(row.Estimates), Assessed: row.Desk.Assessed,
		Awarded: row.Desk.Awarded, Decisions: int64(row.Desk.Decisions),
		Standing: int64(row.Desk.Standing), Verdict: row.Desk.Verdict, CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt),
		SubmittedAt: fromMicrosPtr(row.SubmittedAt), DecidedAt: fromMicrosPtr(row.Desk.DecidedAt),
	}
}

func (r reader) fileEvents(ctx context.Context, ids []string, at map[string]*fsck.Claim) error {
	var rows []struct {
		ClaimID, EventType, Actor, KeyID, Data, EntryID string
		N, EventAt                                      int64
		ID                                              *string
		Entry                                           entryColumns `gorm:"embedded"`
	}
	err := r.db.WithContext(ctx).Raw(`SELECT v.claim_id, v.n, v.type AS event_type, v.at AS event_at, v.actor, v.key_id, v.data, v.entry_id, e.id, `+entryOrNothing+`
		FROM events v LEFT JOIN entries e ON e.id = v.entry_id WHERE v.claim_id IN ? ORDER BY v.claim_id, v.n`, ids).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("list events: %w", err)
	}
	for _, row := range rows {
		event := fsck.Event{N: row.N, Type: row.EventType, At: fromMicros(row.EventAt), Actor: row.Actor, Data: []byte(row.Data), EntryID: row.EntryID}
		var data struct{ Person string }
		// What is no JSON names nobody, and is found by its entry.
		_ = json.Unmarshal(event.Data, &data)
		event.Who = r.Blind(claims.BlindEvent, claims.ActorOf(row.ClaimID, row.N, row.KeyID, data.Person))
		if row.ID != nil {
			event.Entry = row.Entry.entry(*row.ID)
		}
		at[row.ClaimID].Events = append(at[row.ClaimID].Events, event)
	}
	return nil
}

func (r reader) fileEstimates(ctx context.Context, ids []string, at map[string]*fsck.Claim) error {
	rows, err := from[estimateRow](r.db).Where("claim_id IN ?", ids).Order("claim_id, n").Find(ctx)
	if err != nil {
		return fmt.Errorf("list estimates: %w", err)
	}
	for _, row := range rows {
		at[row.ClaimID].Made = append(at[row.ClaimID].Made, fsck.Estimate{
			N: int64(row.N), Bytes: row.Bytes, Hash: row.Hash, Inputs: row.Inputs, InputHash: row.InputHash, Model: row.Model, Scheme: row.SchemeID,
			SchemeVersion: int64(row.SchemeVersion), Amount: row.Amount, Outcome: row.Outcome,
		})
	}
	return nil
}

func (r reader) fileDecisions(ctx context.Context, ids []string, at map[string]*fsck.Claim) error {
	rows, err := from[decisionRow](r.db).Where("claim_id IN ?", ids).Order("claim_id, n").Find(ctx)
	if err != nil {
		return fmt.Errorf("list decisions: %w", err)
	}
	for _, row := range rows {
		at[row.ClaimID].Judged = append(at[row.ClaimID].Judged, fsck.Decision{
			N: int64(row.N), Kind: row.Kind, Verdict: row.Verdict, Claimed: row.Claimed, Estimated: row.Estimated, Assessed: row.Assessed,
			Awarded: row.Awarded, Estimate: int64(row.Estimate), Reason: row.ReasonCode, ReasonVersion: int64(row.ReasonVersion), ErrorCode: row.ErrorCode,
			Override: row.Override, Policy: int64(row.Policy),
		})
	}
	letters, err := from[letterRow](r.db).Where("claim_id IN ?", ids).Find(ctx)
	if err != nil {
		return fmt.Errorf("list letters: %w", err)
	}
	for _, row := range letters {
		at[row.ClaimID].Letters = append(at[row.ClaimID].Letters, fsck.Letter{
			Decision: int64(row.Decision), TextHash: row.TextHash, PDFHash: row.PDFHash,
			Sound: r.hashed(numbered("letters.text", row.ClaimID, row.Decision), row.TextSealed, row.TextHash) &&
				r.hashed(numbered("letters.pdf", row.ClaimID, row.Decision), row.PDFSealed, row.PDFHash),
		})
	}
	return nil
}

// hashed reports whether a sealed value opens to what has the hash.
func (r reader) hashed(context string, sealed []byte, hash string) bool {
	plain, err := r.vault.Open(context, sealed)
	sum := sha256.Sum256(plain)
	return err == nil && hex.EncodeToString(sum[:]) == hash
}

// Documents lists schemes, rulebooks, incidents and batches.
func (r reader) Documents(ctx context.Context) ([]fsck.Document, error) {
	var list []fsck.Document
	schemes, err := from[schemeRow](r.db).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list schemes: %w", err)
	}
	for _, row := range schemes {
		list = append(list, fsck.Document{
			Place: fmt.Sprintf("scheme:%s/%d", row.ID, row.Version), LoggedAs: "scheme.published", Subject: row.ID,
			Facts: map[string]any{"version": row.Version, "hash": row.Hash}, Bytes: row.Bytes,
		})
	}
	books, err := from[rulebookRow](r.db).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list rulebooks: %w", err)
	}
	for _, row := range books {
		list = append(list, fsck.Document{
			Place: fmt.Sprintf("rulebook:%s/%d", row.Kind, row.Version), LoggedAs: "rulebook.published", Subject: row.Kind,
			Facts: map[string]any{"version": row.Version, "hash": row.Hash}, Bytes: row.Bytes,
		})
	}
	incidents, err := from[incidentRow](r.db).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	for _, row := range incidents {
		hash := "unreadable"
		if incident, err := row.incident(); err == nil {
			hash = incident.Hash()
		}
		list = append(list, fsck.Document{
			Place: "incident:" + row.ID, LoggedAs: "incident.", Subject: row.ID,
			Facts: map[string]any{"version": row.Version, "state": row.State, "hash": hash},
		})
	}
	batches, err := from[batchRow](r.db).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	for _, row := range batches {
		list = append(list, fsck.Document{
			Place: "batch:" + row.ID, LoggedAs: "batch.sealed", Subject: row.ID, Facts: map[string]any{"digest": row.Digest, "size": row.Size},
		})
		inside, err := from[batchDecisionRow](r.db).Where("batch_id = ?", row.ID).Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the decisions of batch %s: %w", row.ID, err)
		}
		decisions := make([]claims.Decision, len(inside))
		for i, d := range inside {
			decisions[i] = claims.Decision{ClaimID: d.ClaimID, N: d.Decision}
		}
		list = append(list, fsck.Document{
			Place: "batch:" + row.ID, LoggedAs: "batch.sealed", Subject: row.ID, Facts: map[string]any{"digest": claims.DigestOf(decisions)},
		})
		if row.Seed != nil {
			list = append(list, fsck.Document{
				Place: "batch:" + row.ID, LoggedAs: "batch.drawn", Subject: row.ID,
				Facts: map[string]any{"seed": hex.EncodeToString(row.Seed), "sampled": row.Sampled},
			})
		}
	}
	return list, nil
}

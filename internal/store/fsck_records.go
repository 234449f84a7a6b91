package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fsck"
	"redress/internal/publication"
)

// recordRow is a row that can say what its entry must.
type recordRow interface{ record(r reader) fsck.Record }

// recorded lists the rows of a table that has incidents and numbers.
func recorded[T recordRow](ctx context.Context, r reader, after fsck.Record, limit int) ([]fsck.Record, error) {
	rows, err := from[T](r.db).Where("(incident_id, n) > (?, ?)", after.IncidentID, after.Number).Order("incident_id, n").Limit(limit).Find(ctx)
	list := make([]fsck.Record, len(rows))
	for i, row := range rows {
		list[i] = row.record(r)
	}
	return list, err
}

// Records lists what was sealed or published, with its entries.
func (r reader) Records(ctx context.Context, after fsck.Record, limit int) (list []fsck.Record, err error) {
	switch after.Kind {
	case fsck.Snapshots:
		list, err = recorded[snapshotRow](ctx, r, after, limit)
	case fsck.Releases:
		list, err = recorded[releaseRow](ctx, r, after, limit)
	case fsck.Restatements:
		list, err = recorded[restatementRow](ctx, r, after, limit)
	default:
		list, err = r.sampleRecords(ctx, after.ID, limit)
	}
	if err == nil && after.Kind == fsck.Snapshots {
		err = r.salts(ctx, list)
	}
	if err != nil {
		return nil, fmt.Errorf("list records of kind %s: %w", after.Kind, err)
	}
	ids := make([]string, len(list))
	for i, record := range list {
		ids[i] = record.EntryID
	}
	rows, err := from[entryRow](r.db).Where("id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the entries of records: %w", err)
	}
	entries := map[string]*auditlog.Entry{}
	for _, row := range rows {
		entry := row.entry()
		entries[row.ID] = &entry
	}
	for i := range list {
		list[i].Entry = entries[list[i].EntryID]
	}
	return list, nil
}

func (row snapshotRow) record(r reader) fsck.Record {
	s := row.snapshot()
	return fsck.Record{
		Kind: fsck.Snapshots, IncidentID: s.IncidentID, Number: int64(s.Number), EntryID: s.EntryID, LoggedAs: "snapshot.sealed",
		Facts: map[string]any{
			"number": s.Number, "snapshot_id": s.ID, "taken_at": s.TakenAt.Format(time.RFC3339Nano), "root": hex.EncodeToString(row.Root),
			"rule_version": s.Rule, "statistics_hash": s.StatisticsHash, "sealed_by": r.Blind(claims.BlindPerson, s.SealedBy),
		},
		Bytes: s.Statistics, Hash: s.StatisticsHash, Leaves: &fsck.Leaves{SnapshotID: s.ID, Root: publication.Node{Sums: *s.Sums, Hash: s.Root}},
	}
}

// salts adds to snapshots the keyed hash of the secret that their leaves call claims
// by.
func (r reader) salts(ctx context.Context, snapshots []fsck.Record) error {
	for _, s := range snapshots {
		salt, err := r.saltOf(ctx, s.IncidentID)
		if err != nil {
			return err
		}
		s.Facts["salt"] = r.Blind(claims.BlindSalt, string(salt))
	}
	return nil
}

// saltOf is SnapshotSalt, and nil for one that is missing or does not open.
func (r reader) saltOf(ctx context.Context, incidentID string) ([]byte, error) {
	rows, err := from[saltRow](r.db).Where("incident_id = ?", incidentID).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the salt of incident %s: %w", incidentID, err)
	}
	for _, row := range rows {
		if salt, err := r.vault.Open(sealContext("snapshot_salts.salt", incidentID), row.SaltSealed); err == nil {
			return salt, nil
		}
	}
	return nil, nil
}

// logTime is an instant as entries have it.
func logTime(micros int64) string { return fromMicros(micros).Format(time.RFC3339Nano) }

func (row releaseRow) record(r reader) fsck.Record {
	return fsck.Record{
		Kind: fsck.Releases, IncidentID: row.IncidentID, Number: int64(row.N), EntryID: row.EntryID, LoggedAs: "release.published",
		Facts: map[string]any{"number": row.N, "snapshot": row.Snapshot, "hash": row.Hash,
			"released_at": logTime(row.ReleasedAt), "released_by": r.Blind(claims.BlindPerson, row.ReleasedBy)}, Bytes: row.Bytes, Hash: row.Hash,
	}
}

func (row restatementRow) record(r reader) fsck.Record {
	sum := sha256.Sum256(row.Bytes)
	hash := hex.EncodeToString(sum[:])
	return fsck.Record{
		Kind: fsck.Restatements, IncidentID: row.IncidentID, Number: int64(row.N), EntryID: row.EntryID, LoggedAs: "restatement.made",
		Facts: map[string]any{"number": row.N, "hash": hash, "made_at": logTime(row.MadeAt), "made_by": r.Blind(claims.BlindPerson, row.MadeBy)}, Bytes: row.Bytes, Hash: hash,
	}
}

// sampleRecords are the samples as drawn and, where they are ended, as ended.
func (r reader) sampleRecords(ctx context.Context, after string, limit int) ([]fsck.Record, error) {
	var list []fsck.Record
	rows, err := from[sampleRow](r.db).Where("id > ?", after).Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		drawn := fsck.Record{
			Kind: fsck.Samples, IncidentID: row.IncidentID, ID: row.ID, EntryID: row.EntryID, LoggedAs: "sample.drawn",
			Facts: map[string]any{"sample": row.ID, "snapshot": row.Snapshot, "number": row.N, "nonce": hex.EncodeToString(row.Nonce), "drawn_hash": row.DrawnHash,
				"drawn_by": row.DrawnBy, "drawn_at": logTime(row.DrawnAt), "accountant": row.Accountant},
			Bytes: row.Drawn, Hash: row.DrawnHash,
		}
		if drawn.Claims, err = r.drawnClaims(ctx, row); err != nil {
			return nil, err
		}
		list = append(list, drawn)
		if row.EndedEntryID != nil {
			ended := drawn
			ended.Claims = nil
			ended.EntryID, ended.LoggedAs = *row.EndedEntryID, "sample.ended"
			ended.Facts = map[string]any{"sample": row.ID, "snapshot": row.Snapshot, "number": row.N, "results_hash": row.ResultsHash, "ended_at": logTime(*row.EndedAt)}
			ended.Bytes, ended.Hash = row.Results, row.ResultsHash
			list = append(list, ended)
		}
	}
	return list, nil
}

// drawnClaims are the claims of a sample by their leaves, under the salted ids that
// the leaves have.
func (r reader) drawnClaims(ctx context.Context, row sampleRow) (map[int]publication.Hash, error) {
	rows, err := from[sampledClaimRow](r.db).Where("sample_id = ?", row.ID).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the claims of sample %s: %w", row.ID, err)
	}
	salt, err := r.saltOf(ctx, row.IncidentID)
	if err != nil {
		return nil, err
	}
	drawn := make(map[int]publication.Hash, len(rows))
	for _, claim := range rows {
		drawn[claim.Leaf] = publication.SaltedID(salt, claim.ClaimID)
	}
	return drawn, nil
}

// LooseRecords lists entries about records that no row refers to.
func (r reader) LooseRecords(ctx context.Context, after string, limit int) ([]auditlog.Entry, error) {
	rows, err := from[entryRow](r.db).Where(`id > ? AND (
		type = 'snapshot.sealed' AND NOT EXISTS (SELECT 1 FROM snapshots WHERE entry_id = entries.id) OR
		type = 'release.published' AND NOT EXISTS (SELECT 1 FROM releases WHERE entry_id = entries.id) OR
		type = 'restatement.made' AND NOT EXISTS (SELECT 1 FROM restatements WHERE entry_id = entries.id) OR
		type = 'sample.drawn' AND NOT EXISTS (SELECT 1 FROM samples WHERE entry_id = entries.id) OR
		type = 'sample.ended' AND NOT EXISTS (SELECT 1 FROM samples WHERE ended_entry_id = entries.id))`, after).Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list entries without a record: %w", err)
	}
	return entries(rows), nil
}

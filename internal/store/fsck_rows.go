package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"redress/internal/fsck"
)

// fileRows hashes the rows of claims that entries hold, and lists their stages.
func (r reader) fileRows(ctx context.Context, ids []string, at map[string]*fsck.Claim) error {
	held := make(map[string]heldRows, len(ids))
	for _, id := range ids {
		held[id] = heldRows{}
	}
	for _, hold := range []func(context.Context, reader, []string, map[string]heldRows) error{
		holdOf[estimateRow]("bytes", "inputs"), holdOf[estimateRecordRow](), holdOf[checkRow](), holdOf[decisionRow](),
		holdOf[approvalRow](), holdOf[letterRow]("text_sealed", "pdf_sealed"), holdOf[requestRow](), holdOf[appealRow](), holdOf[evidenceRow](), holdOf[exclusionRow](), holdOf[coverRow](), holdOf[batchDecisionRow](),
	} {
		if err := hold(ctx, r, ids, held); err != nil {
			return err
		}
	}
	for id, rows := range held {
		claim := at[id]
		for name, hash := range r.hashes(rows) {
			claim.Rows[name] = hash
		}
	}
	stages, err := from[stageRow](r.db).Where("claim_id IN ?", ids).Order("claim_id, n").Find(ctx)
	if err != nil {
		return fmt.Errorf("list stages: %w", err)
	}
	for _, row := range stages {
		claim := at[row.ClaimID]
		claim.Stages = append(claim.Stages, fsck.Stage{
			N: row.N, IncidentID: row.IncidentID, State: row.State, Entered: fromMicros(row.EnteredAt), Left: fromMicrosPtr(row.LeftAt),
		})
	}
	return nil
}

// holdOf takes in the rows of claims in one table, without columns that are not
// held and long.
func holdOf[T heldRow](without ...string) func(context.Context, reader, []string, map[string]heldRows) error {
	return func(ctx context.Context, r reader, ids []string, held map[string]heldRows) error {
		rows, err := from[T](r.db).Omit(without...).Where("claim_id IN ?", ids).Find(ctx)
		if err != nil {
			return fmt.Errorf("list rows of claims: %w", err)
		}
		for _, row := range rows {
			claim, _ := row.heldAs()
			if err := r.hold(ctx, held[claim], row); err != nil {
				return err
			}
		}
		return nil
	}
}

// ProvesKey reports whether the field key, under which rows are hashed, is the one
// that the database is sealed under.
func (r reader) ProvesKey(ctx context.Context) (bool, error) {
	rows, err := from[fieldKeyRow](r.db).Find(ctx)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	_, err = r.vault.Open(sealContext("field_key.proof", "1"), rows[0].ProofSealed)
	return err == nil, nil
}

// HeldRows hands over the rows that belong to no claim and no claimant.
func (r reader) HeldRows(ctx context.Context, visit func(name, hash string)) error {
	for _, walk := range []func(context.Context, reader, func(name, hash string)) error{
		walkOf[incidentRow](""), walkOf[keyRow]("claimant_id IS NULL"),
		walkOf[schemeRow](""), walkOf[rulebookRow](""), walkOf[batchRow](""), walkOf[qualityRow](""),
	} {
		if err := walk(ctx, r, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkOf reads a table row by row; each row has a name of its own.
func walkOf[T heldRow](where string) func(context.Context, reader, func(name, hash string)) error {
	return func(ctx context.Context, r reader, visit func(name, hash string)) error {
		rows, err := r.db.WithContext(ctx).Model(new(T)).Where(where).Rows()
		if err != nil {
			return fmt.Errorf("list held rows: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var row T
			held := heldRows{}
			if err := r.db.ScanRows(rows, &row); err != nil {
				return fmt.Errorf("read a held row: %w", err)
			}
			if err := r.hold(ctx, held, row); err != nil {
				return err
			}
			for name, hash := range r.hashes(held) {
				visit(name, hash)
			}
		}
		return rows.Err()
	}
}

// ClaimantFiles lists claimants with the hashes of all that is stored of them alone,
// and the entries that speak of it.
func (r reader) ClaimantFiles(ctx context.Context, after string, limit int) ([]fsck.Claimant, error) {
	rows, err := from[claimantRow](r.db).Where("id > ?", after).Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list claimants: %w", err)
	}
	list, ids := make([]fsck.Claimant, len(rows)), make([]string, len(rows))
	at, held := map[string]*fsck.Claimant{}, map[string]heldRows{}
	for i, row := range rows {
		ids[i], list[i] = row.ID, fsck.Claimant{ID: row.ID, Erased: row.ErasedAt != nil}
		at[row.ID], held[row.ID] = &list[i], heldRows{}
		if err := r.hold(ctx, held[row.ID], row); err != nil {
			return nil, err
		}
	}
	keys, err := from[keyRow](r.db).Where("claimant_id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the keys of claimants: %w", err)
	}
	of := map[string]string{} // whose entries those of a subject are
	subjects := ids
	for _, key := range keys {
		of[key.ID], subjects = *key.ClaimantID, append(subjects, key.ID)
		if err := r.hold(ctx, held[*key.ClaimantID], key); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(holdFor(ctx, r, ids, held, func(o outletRow) string { return o.ClaimantID }),
		holdFor(ctx, r, ids, held, func(u uploadRow) string { return u.ClaimantID })); err != nil {
		return nil, err
	}
	for id, rows := range held {
		at[id].Rows = r.hashes(rows)
	}
	if err := r.holdWeeks(ctx, ids, at); err != nil {
		return nil, err
	}
	for part := range slices.Chunk(subjects, 500) {
		entries, err := from[entryRow](r.db).Where("subject IN ?", part).Order("id").Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the entries about claimants: %w", err)
		}
		for _, row := range entries {
			claimant := at[cmp.Or(of[row.Subject], row.Subject)]
			claimant.Entries = append(claimant.Entries, row.entry())
		}
	}
	return list, nil
}

func holdFor[T heldRow](ctx context.Context, r reader, ids []string, held map[string]heldRows, of func(T) string) error {
	rows, err := from[T](r.db).Where("claimant_id IN ?", ids).Find(ctx)
	if err != nil {
		return fmt.Errorf("list rows of claimants: %w", err)
	}
	for _, row := range rows {
		if err := r.hold(ctx, held[of(row)], row); err != nil {
			return err
		}
	}
	return nil
}

// holdWeeks hashes the histories of claimants, upload by upload.
func (r reader) holdWeeks(ctx context.Context, ids []string, at map[string]*fsck.Claimant) error {
	var claimant, upload, last string
	var start int64
	var data []byte
	sum := weekSum{sha256.New()}
	keep := func(of string) {
		if last != "" {
			at[of].Rows[weeksHeld(last)] = r.weeksHash(last, sum)
		}
		sum.Reset()
	}
	var of string // of last
	err := r.read(ctx, "read the weeks of claimants", `SELECT claimant_id, upload_id, week_start, data FROM revenue_weeks
		WHERE claimant_id IN ? ORDER BY claimant_id, upload_id, week_start`, []any{ids}, []any{&claimant, &upload, &start, &data}, func() {
		if claimant != of || upload != last {
			keep(of)
			of, last = claimant, upload
		}
		sum.add(start, data)
	})
	keep(of)
	return err
}

// LostPeople lists the names of claimants and keys that entries speak of and that
// are not there.
func (r reader) LostPeople(ctx context.Context, after string, limit int) (names []string, err error) {
	err = r.db.WithContext(ctx).Raw(`SELECT DISTINCT name FROM (
		SELECT 'claimants/' || subject AS name FROM entries WHERE type = 'claimant.registered' AND NOT EXISTS (SELECT 1 FROM claimants WHERE id = subject)
		UNION ALL SELECT 'keys/' || subject FROM entries WHERE type = 'key.issued' AND NOT EXISTS (SELECT 1 FROM keys WHERE id = subject)) lost
		WHERE name > ? ORDER BY name LIMIT ?`, after, limit).Scan(&names).Error
	if err != nil {
		return nil, fmt.Errorf("list claimants and keys that are missing: %w", err)
	}
	return names, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
)

// theirClaims are the claims of a claimant in the statements below, each of which
// has the claimant's id as its one argument.
const theirClaims = `claim_id IN (SELECT id FROM claims WHERE claimant_id = ?)`

// erasures are the statements that empty or delete what hangs on a claimant or
// their claims. What the schema wants filled is filled by Erase.
var erasures = []string{
	`UPDATE decisions SET note_sealed = NULL WHERE ` + theirClaims,
	`UPDATE approvals SET note_sealed = NULL WHERE ` + theirClaims,
	`UPDATE letters SET text_sealed = NULL, pdf_sealed = NULL WHERE ` + theirClaims,
	`UPDATE information_requests SET items_sealed = NULL, message_sealed = NULL WHERE ` + theirClaims,
	`UPDATE appeals SET grounds_sealed = NULL WHERE ` + theirClaims,
	`UPDATE quality_reviews SET note_sealed = NULL WHERE ` + theirClaims,
	`UPDATE reads SET purpose_sealed = NULL WHERE claimant_id = ?`,
	`DELETE FROM estimate_records WHERE ` + theirClaims,
	`DELETE FROM evidence_files WHERE claimant_id = ?`,
	`DELETE FROM revenue_weeks WHERE claimant_id = ?`,
	`DELETE FROM revenue_uploads WHERE claimant_id = ?`,
	`DELETE FROM marks WHERE claimant_id = ?`,
	`DELETE FROM outlets WHERE claimant_id = ?`,
	`DELETE FROM idempotency_keys WHERE caller IN (SELECT id FROM keys WHERE claimant_id = ?)`,
}

// Erase changes what is stored of a claimant, in one statement for each table.
func (t tx) Erase(ctx context.Context, claimantID string, at time.Time) (claims.ErasedRows, error) {
	var erased claims.ErasedRows
	if err := t.db.WithContext(ctx).Raw(`SELECT id FROM evidence_files WHERE claimant_id = ? ORDER BY id`, claimantID).Scan(&erased.Files).Error; err != nil {
		return claims.ErasedRows{}, fmt.Errorf("evidence of claimant %s: %w", claimantID, err)
	}
	for _, statement := range erasures {
		if _, err := t.erase(ctx, statement, claimantID); err != nil {
			return claims.ErasedRows{}, err
		}
	}
	if err := t.eraseClaims(ctx, claimantID, at); err != nil {
		return claims.ErasedRows{}, err
	}
	if err := t.eraseClaimant(ctx, claimantID, at); err != nil {
		return claims.ErasedRows{}, err
	}
	var err error
	erased.Keys, err = t.erase(ctx, `UPDATE keys SET revoked_at = coalesce(revoked_at, ?), label = '', person = id WHERE claimant_id = ?`, toMicros(at), claimantID)
	if err != nil {
		return claims.ErasedRows{}, err
	}
	if err != nil {
		return claims.ErasedRows{}, err
	}
	// The entries that held these rows will say nothing any more.
	if err := errors.Join(rewrote[claimantRow](ctx, t, "id = ?", claimantID), rewrote[keyRow](ctx, t, "claimant_id = ?", claimantID),
		rewrote[qualityRow](ctx, t, theirClaims, claimantID)); err != nil {
		return claims.ErasedRows{}, err
	}
	erased.Entries, err = t.erase(ctx, `UPDATE entries SET salt = NULL, body = NULL
		WHERE (subject = ? OR subject IN (SELECT id FROM claims WHERE claimant_id = ?)) AND salt IS NOT NULL`, claimantID, claimantID)
	return erased, err
}

func (t tx) erase(ctx context.Context, statement string, args ...any) (rows int, err error) {
	done := t.db.WithContext(ctx).Exec(statement, args...)
	if done.Error != nil {
		return 0, fmt.Errorf("erase (%s): %w", statement, done.Error)
	}
	return int(done.RowsAffected), nil
}

// eraseClaims empties claims and their estimates. A claim that was awarded
// something keeps its unit, the keyed hash of the shop or driver, so that nobody
// is paid for the same loss under another name; any other becomes a unit of its
// own.
func (t tx) eraseClaims(ctx context.Context, claimantID string, at time.Time) error {
	rows, err := from[claimRow](t.db).Select("id, outlet").Where("claimant_id = ?", claimantID).Order("id").Find(ctx)
	if err != nil {
		return fmt.Errorf("claims of claimant %s: %w", claimantID, err)
	}
	nobody := claims.Claimant{ID: claimantID}
	for _, row := range rows {
		empty, err := t.sealJSON(sealContext("claims.content", row.ID), claims.Content{Lines: []claims.LossLine{}})
		if err != nil {
			return err
		}
		_, err = t.erase(ctx, `UPDATE claims SET content_sealed = ?, address_index = NULL, erased_at = ?,
			unit = CASE WHEN EXISTS (SELECT 1 FROM covers WHERE covers.claim_id = claims.id) THEN unit ELSE ? END WHERE id = ?`,
			empty, toMicros(at), t.Unit(nobody, row.Outlet), row.ID)
		if err != nil {
			return err
		}
	}
	_, err = t.erase(ctx, `UPDATE estimates SET bytes = ?, inputs = ? WHERE `+theirClaims, []byte{}, []byte{}, claimantID)
	return err
}

// eraseClaimant empties the claimant's own row. Its version grows, so that a
// change under way finds another one than it read.
func (t tx) eraseClaimant(ctx context.Context, id string, at time.Time) error {
	_, err := t.erase(ctx, `UPDATE claimants SET name_sealed = ?, phone_sealed = ?, phone_index = ?, business_sealed = NULL, business_index = NULL,
		driver_sealed = NULL, driver_index = NULL, bank_sealed = NULL, account_index = NULL, annual_revenue = NULL, account_changed = NULL,
		erased_at = ?, updated_at = ?, version = version + 1 WHERE id = ?`,
		t.vault.Seal(sealContext("claimants.name", id), nil), t.vault.Seal(sealContext("claimants.phone", id), nil), []byte{},
		toMicros(at), toMicros(at), id)
	return err
}

// LockClaimant takes the lock that notErased waits for.
func (t tx) LockClaimant(ctx context.Context, id string) error {
	row, err := t.erasedAt(ctx, id, "FOR UPDATE")
	if err == nil && row.Valid {
		err = fault.New(fault.Conflict, "erased_already", "The claimant %s was erased before.", "청구인 %s의 정보는 이미 삭제되었습니다.", id)
	}
	return err
}

// notErased refuses to add anything to a claimant who was erased. What is added
// meanwhile is waited for by LockClaimant, and waits for it.
func (t tx) notErased(ctx context.Context, claimantID string) error {
	row, err := t.erasedAt(ctx, claimantID, "FOR KEY SHARE")
	if err == nil && row.Valid {
		err = claims.Erased(claimantID)
	}
	return err
}

// erasedAt reads when a claimant was erased under a lock, which SQLite's one
// writer needs none of.
func (t tx) erasedAt(ctx context.Context, id, lock string) (at sql.NullInt64, err error) {
	if t.db.Name() != "postgres" {
		lock = ""
	}
	var rows []sql.NullInt64
	if err := t.db.WithContext(ctx).Raw(`SELECT erased_at FROM claimants WHERE id = ? `+lock, id).Scan(&rows).Error; err != nil {
		return at, fmt.Errorf("find claimant %s: %w", id, err)
	}
	if len(rows) == 0 {
		return at, claims.NotFound("claimant", id)
	}
	return rows[0], nil
}

// AnswersAbout opens every answer kept since then: which of them name somebody
// shows nowhere else.
func (r reader) AnswersAbout(ctx context.Context, ids []string, since time.Time) ([]claims.Once, error) {
	rows, err := r.db.WithContext(ctx).Raw(`SELECT caller, key, answer_sealed FROM idempotency_keys WHERE expires_at >= ? AND answer_sealed IS NOT NULL`,
		toMicros(since.Add(keptFor))).Rows()
	if err != nil {
		return nil, fmt.Errorf("list kept answers: %w", err)
	}
	defer rows.Close()
	var found []claims.Once
	for rows.Next() {
		var once claims.Once
		var sealed []byte
		var answer claims.Answer
		if err := rows.Scan(&once.Caller, &once.Key, &sealed); err != nil {
			return nil, fmt.Errorf("read a kept answer: %w", err)
		}
		if err := r.openJSON(answerContext(once), sealed, &answer); err != nil {
			return nil, err
		}
		if answer.Names(ids) {
			found = append(found, once)
		}
	}
	return found, rows.Err()
}

func (t tx) DropAnswers(ctx context.Context, answers []claims.Once) error {
	for _, once := range answers {
		if _, err := from[idempotencyRow](t.db).Where("caller = ? AND key = ?", once.Caller, once.Key).Delete(ctx); err != nil {
			return fmt.Errorf("drop a kept answer: %w", err)
		}
	}
	return nil
}

func (r reader) CountErased(ctx context.Context, incidentID string) (int, error) {
	q := from[claimRow](r.db).Where("erased_at IS NOT NULL AND estimates > 0")
	if incidentID != "" {
		q = q.Where("incident_id = ?", incidentID)
	}
	n, err := q.Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count erased claims: %w", err)
	}
	return int(n), nil
}

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"redress/internal/claims"
	"redress/internal/fault"
)

// keptFor is how long an answer is kept for retries.
const keptFor = 7 * 24 * time.Hour

type idempotencyRow struct {
	Caller       string `gorm:"primaryKey"`
	Key          string `gorm:"primaryKey"`
	Request      []byte
	AnswerSealed []byte
	ExpiresAt    int64
}

func (idempotencyRow) TableName() string { return "idempotency_keys" }

func answerContext(once claims.Once) string {
	return sealContext("idempotency_keys.answer", once.Caller+"/"+once.Key)
}

// Answered looks up, outside any transaction, what a key was answered before.
func (r reader) Answered(ctx context.Context, once claims.Once, now time.Time) (*claims.Answer, error) {
	row, err := from[idempotencyRow](r.db).Where("caller = ? AND key = ? AND expires_at > ?", once.Caller, once.Key, toMicros(now)).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the idempotency key: %w", err)
	}
	if !bytes.Equal(row.Request, once.Request) {
		return nil, fault.New(fault.Invalid, "idempotency_key_reused",
			"This Idempotency-Key was used for another request; take a new key for a new request.",
			"이 Idempotency-Key는 다른 요청에 이미 쓰였습니다. 새 요청에는 새 키를 쓰십시오.")
	}
	var answer claims.Answer
	if err := r.openJSON(answerContext(once), row.AnswerSealed, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// Recall reserves the key by inserting it: a request under way with the same
// key makes this one wait for its end, on either engine.
func (t tx) Recall(ctx context.Context, once claims.Once, now time.Time) (*claims.Answer, error) {
	if _, err := from[idempotencyRow](t.db).Where("caller = ? AND key = ? AND expires_at <= ?", once.Caller, once.Key, toMicros(now)).Delete(ctx); err != nil {
		return nil, fmt.Errorf("drop the expired idempotency key: %w", err)
	}
	row := idempotencyRow{Caller: once.Caller, Key: once.Key, Request: once.Request, ExpiresAt: toMicros(now.Add(keptFor))}
	inserted := t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if inserted.Error != nil {
		return nil, fmt.Errorf("reserve the idempotency key: %w", inserted.Error)
	}
	if inserted.RowsAffected == 1 {
		return nil, nil
	}
	return t.Answered(ctx, once, now)
}

func (t tx) Keep(ctx context.Context, once claims.Once, answer claims.Answer) error {
	sealed, err := t.sealJSON(answerContext(once), answer)
	if err != nil {
		return err
	}
	n, err := from[idempotencyRow](t.db).Where("caller = ? AND key = ?", once.Caller, once.Key).Update(ctx, "answer_sealed", sealed)
	return changed(n, err, "idempotency key", once.Key)
}

func (t tx) Forget(ctx context.Context, now time.Time, limit int) (int, error) {
	dropped := t.db.WithContext(ctx).Exec(
		`DELETE FROM idempotency_keys WHERE (caller, key) IN
		    (SELECT caller, key FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`, toMicros(now), limit)
	if dropped.Error != nil {
		return 0, fmt.Errorf("drop expired idempotency keys: %w", dropped.Error)
	}
	return int(dropped.RowsAffected), nil
}

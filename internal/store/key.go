package store

import (
	"context"
	"fmt"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
)

type keyRow struct {
	ID         string `gorm:"primaryKey"`
	Role       string
	Label      string
	ClaimantID *string
	IssuedBy   string
	Hash       []byte
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
	RevokedAt  *int64
	Person     string
}

func (keyRow) TableName() string { return "keys" }

func (k keyRow) key() identity.Key {
	out := identity.Key{
		ID: k.ID, Role: identity.Role(k.Role), Label: k.Label, Person: k.Person, IssuedBy: k.IssuedBy, Hash: k.Hash,
		CreatedAt: fromMicros(k.CreatedAt), ExpiresAt: fromMicros(k.ExpiresAt), RevokedAt: fromMicrosPtr(k.RevokedAt),
	}
	if k.ClaimantID != nil {
		out.ClaimantID = *k.ClaimantID
	}
	return out
}

func (r reader) Key(ctx context.Context, id string) (identity.Key, error) {
	row, err := from[keyRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return identity.Key{}, absent(err, "key", id)
	}
	return row.key(), nil
}

func (r reader) Keys(ctx context.Context, claimantID string, page claims.Page) ([]identity.Key, error) {
	q := from[keyRow](r.db).Order("created_at DESC, id DESC").Limit(page.Limit)
	if claimantID != "" {
		q = q.Where("claimant_id = ?", claimantID)
	}
	if page.After != "" {
		q = q.Where("(created_at, id) < (SELECT created_at, id FROM keys WHERE id = ?)", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	keys := make([]identity.Key, len(rows))
	for i, row := range rows {
		keys[i] = row.key()
	}
	return keys, nil
}

func (r reader) HasKey(ctx context.Context, person string, roles []identity.Role, at time.Time) (bool, error) {
	n, err := from[keyRow](r.db).Where("person = ? AND role IN ? AND revoked_at IS NULL AND expires_at > ?", person, roles, toMicros(at)).Count(ctx, "id")
	if err != nil {
		return false, fmt.Errorf("find a key of %s: %w", person, err)
	}
	return n > 0, nil
}

func (t tx) InsertKey(ctx context.Context, k identity.Key) error {
	row := keyRow{
		ID: k.ID, Role: string(k.Role), Label: k.Label, Person: k.Person, IssuedBy: k.IssuedBy, Hash: k.Hash,
		CreatedAt: toMicros(k.CreatedAt), ExpiresAt: toMicros(k.ExpiresAt), RevokedAt: toMicrosPtr(k.RevokedAt),
	}
	if k.ClaimantID != "" {
		if err := t.notErased(ctx, k.ClaimantID); err != nil {
			return err
		}
		row.ClaimantID = &k.ClaimantID
	}
	if err := from[keyRow](t.db).Create(ctx, &row); err != nil {
		return err
	}
	return wrote(ctx, t, row)
}

func (t tx) RevokeKey(ctx context.Context, id string, at time.Time) error {
	n, err := from[keyRow](t.db).Where("id = ? AND revoked_at IS NULL", id).Update(ctx, "revoked_at", toMicros(at))
	if err := changed(n, err, "key", id); err != nil {
		return err
	}
	return rewrote[keyRow](ctx, t, "id = ?", id)
}

package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"redress/internal/claims"
)

// queued are the states of a claim that somebody must take, in the words of the
// index that serves them.
const queued = `state IN ('submitted', 'in_review', 'appealed')`

// LockNext lets reviewers at several processes of one PostgreSQL database take
// different claims at once; SQLite has one writer and leaves the lock out.
func (t tx) LockNext(ctx context.Context, request claims.LeaseRequest) (*claims.Claim, error) {
	lock := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
	filter, incident := request.Filter, "incident_id = ?"
	if t.db.Name() == "sqlite" {
		incident = "+incident_id = ?" // or it would sort all that an incident has queued
	}
	q := from[claimRow](t.db.Clauses(lock)).Where(queued)
	if filter.IncidentID != "" {
		q = q.Where(incident, filter.IncidentID)
		filter.IncidentID = ""
	}
	q = filtered(q, filter).
		Where("(lease_until IS NULL OR lease_until <= ?)", toMicros(request.Now)).
		Where(`NOT EXISTS (SELECT 1 FROM exclusions WHERE exclusions.claim_id = claims.id AND exclusions.person = ?
			AND (exclusions.why IN ('filed', 'recused') OR claims.state = 'appealed'))`, request.Person)
	if !request.Appeals {
		q = q.Where("state <> 'appealed'")
	}
	if request.ScoreBelow != 0 {
		q = q.Where("score < ?", request.ScoreBelow)
	}
	row, err := q.Order("rank, id").Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the next claim: %w", err)
	}
	claim, err := t.claim(row)
	return &claim, err
}

func (r reader) Due(ctx context.Context, now time.Time, limit int) ([]claims.Claim, error) {
	rows, err := from[claimRow](r.db).Where("due_at IS NOT NULL AND due_at <= ?", toMicros(now)).Order("due_at, id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("find what is due: %w", err)
	}
	return r.claims(rows)
}

type exclusionRow struct {
	ClaimID string `gorm:"primaryKey"`
	Person  string `gorm:"primaryKey"`
	Why     string `gorm:"primaryKey"`
}

func (exclusionRow) TableName() string { return "exclusions" }

func (r reader) Exclusions(ctx context.Context, claimID string) ([]claims.Exclusion, error) {
	rows, err := from[exclusionRow](r.db).Where("claim_id = ?", claimID).Order("person, why").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("exclusions from claim %s: %w", claimID, err)
	}
	exclusions := make([]claims.Exclusion, len(rows))
	for i, row := range rows {
		exclusions[i] = claims.Exclusion(row)
	}
	return exclusions, nil
}

func (t tx) InsertExclusion(ctx context.Context, e claims.Exclusion) error {
	row := exclusionRow(e)
	if err := t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return err
	}
	return rewrote[exclusionRow](ctx, t, "claim_id = ?", e.ClaimID)
}

type viewRow struct {
	ID         string `gorm:"primaryKey"`
	Person     string
	NameSealed []byte
	Filter     string
}

func (viewRow) TableName() string { return "views" }

func (r reader) Views(ctx context.Context, person string) ([]claims.View, error) {
	rows, err := from[viewRow](r.db).Where("person = ?", person).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("views of %s: %w", person, err)
	}
	views := make([]claims.View, len(rows))
	for i, row := range rows {
		views[i] = claims.View{ID: row.ID, Person: row.Person}
		if views[i].Name, err = r.openText(sealContext("views.name", row.ID), row.NameSealed); err != nil {
			return nil, err
		}
		if err := fromJSONText("view "+row.ID, row.Filter, &views[i].Filter); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func (t tx) InsertView(ctx context.Context, v claims.View) error {
	filter, err := jsonText("view "+v.ID, v.Filter)
	if err != nil {
		return err
	}
	row := viewRow{ID: v.ID, Person: v.Person, NameSealed: t.sealText(sealContext("views.name", v.ID), v.Name), Filter: filter}
	return from[viewRow](t.db).Create(ctx, &row)
}

func (t tx) DeleteView(ctx context.Context, person, id string) error {
	n, err := from[viewRow](t.db).Where("id = ? AND person = ?", id, person).Delete(ctx)
	if err != nil {
		return fmt.Errorf("delete view %s: %w", id, err)
	}
	if n == 0 {
		return claims.NotFound("view", id)
	}
	return nil
}

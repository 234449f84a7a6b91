package store

import (
	"context"
	"fmt"
	"time"

	"redress/internal/claims"
)

type batchRow struct {
	ID         string `gorm:"primaryKey"`
	IncidentID string
	SealedAt   int64
	Digest     string
	Size       int
	Seed       []byte
	Sampled    int
}

func (batchRow) TableName() string { return "batches" }

func (row batchRow) batch() claims.Batch {
	return claims.Batch{
		ID: row.ID, IncidentID: row.IncidentID, SealedAt: fromMicros(row.SealedAt), Digest: row.Digest, Size: row.Size, Seed: row.Seed, Sampled: row.Sampled,
	}
}

// batchDecisionRow is a decision from when it stands; a batch takes it later.
type batchDecisionRow struct {
	ClaimID    string `gorm:"primaryKey"`
	Decision   int    `gorm:"primaryKey;autoIncrement:false"`
	IncidentID string
	StoodAt    int64
	BatchID    *string
}

func (batchDecisionRow) TableName() string { return "batch_decisions" }

func (t tx) queueForBatch(ctx context.Context, claimID string, decision int, stoodAt int64) error {
	err := t.db.WithContext(ctx).Exec(
		`INSERT INTO batch_decisions (claim_id, decision, incident_id, stood_at) VALUES (?, ?, (SELECT incident_id FROM claims WHERE id = ?), ?)`,
		claimID, decision, claimID, stoodAt).Error
	if err != nil {
		return fmt.Errorf("queue decision %d of claim %s for a batch: %w", decision, claimID, err)
	}
	return rewrote[batchDecisionRow](ctx, t, "claim_id = ? AND decision = ?", claimID, decision)
}

func (r reader) Unsealed(ctx context.Context, incidentID string, limit int) ([]claims.Decision, error) {
	return r.batched(ctx, "of those that stand",
		"b.incident_id = ? AND b.batch_id IS NULL ORDER BY b.stood_at, b.claim_id, b.decision LIMIT ?", incidentID, limit)
}

func (r reader) BatchDecisions(ctx context.Context, batchID string) ([]claims.Decision, error) {
	return r.batched(ctx, "of batch "+batchID, "b.batch_id = ? ORDER BY b.claim_id, b.decision", batchID)
}

func (r reader) batched(ctx context.Context, what, where string, args ...any) ([]claims.Decision, error) {
	var rows []decisionRow
	err := r.db.WithContext(ctx).Raw(
		`SELECT d.* FROM batch_decisions b JOIN decisions d ON d.claim_id = b.claim_id AND d.n = b.decision WHERE `+where, args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("decisions %s: %w", what, err)
	}
	return r.decisions(ctx, rows)
}

func (r reader) Batch(ctx context.Context, id string) (claims.Batch, error) {
	row, err := from[batchRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.Batch{}, absent(err, "batch", id)
	}
	return row.batch(), nil
}

func (r reader) Batches(ctx context.Context, incidentID string, page claims.Page) ([]claims.Batch, error) {
	q := from[batchRow](r.db).Where("incident_id = ?", incidentID).Order("id DESC").Limit(page.Limit)
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("batches of incident %s: %w", incidentID, err)
	}
	batches := make([]claims.Batch, len(rows))
	for i, row := range rows {
		batches[i] = row.batch()
	}
	return batches, nil
}

// InsertBatch fails with kind Stale when a decision is in a batch already or
// does not stand.
func (t tx) InsertBatch(ctx context.Context, b claims.Batch, decisions []claims.Decision) error {
	row := batchRow{
		ID: b.ID, IncidentID: b.IncidentID, SealedAt: toMicros(b.SealedAt), Digest: b.Digest, Size: b.Size, Seed: b.Seed, Sampled: b.Sampled,
	}
	if err := from[batchRow](t.db).Create(ctx, &row); err != nil {
		return fmt.Errorf("store batch %s: %w", b.ID, err)
	}
	for _, d := range decisions {
		n, err := from[batchDecisionRow](t.db).
			Where("claim_id = ? AND decision = ? AND incident_id = ? AND batch_id IS NULL", d.ClaimID, d.N, b.IncidentID).Update(ctx, "batch_id", b.ID)
		if err := changed(n, err, "batch", b.ID); err != nil {
			return err
		}
	}
	return wrote(ctx, t, row)
}

type qualityRow struct {
	ID         string `gorm:"primaryKey"`
	BatchID    string
	IncidentID string
	ClaimID    string
	Decision   int
	Maker      string
	AssignedTo string
	LeaseUntil *int64
	Agrees     *int64
	ErrorCode  string
	NoteSealed []byte
	ReviewedBy string
	ReviewedAt *int64
}

func (qualityRow) TableName() string { return "quality_reviews" }

func (r reader) toQualityRow(q claims.QualityReview, incidentID string) qualityRow {
	row := qualityRow{
		ID: q.ID, BatchID: q.BatchID, IncidentID: incidentID, ClaimID: q.ClaimID, Decision: q.Decision, Maker: q.Maker, AssignedTo: q.AssignedTo,
		LeaseUntil: toMicrosPtr(q.LeaseUntil), ErrorCode: q.ErrorCode, NoteSealed: r.sealText(sealContext("quality_reviews.note", q.ID), q.Note),
		ReviewedBy: q.By, ReviewedAt: toMicrosPtr(q.At),
	}
	if q.Agrees != nil {
		agrees := toInt(*q.Agrees)
		row.Agrees = &agrees
	}
	return row
}

func (r reader) qualityReview(row qualityRow) (claims.QualityReview, error) {
	q := claims.QualityReview{
		ID: row.ID, BatchID: row.BatchID, ClaimID: row.ClaimID, Decision: row.Decision, Maker: row.Maker, AssignedTo: row.AssignedTo,
		LeaseUntil: fromMicrosPtr(row.LeaseUntil), ErrorCode: row.ErrorCode, By: row.ReviewedBy, At: fromMicrosPtr(row.ReviewedAt),
	}
	if row.Agrees != nil {
		agrees := *row.Agrees == 1
		q.Agrees = &agrees
	}
	var err error
	q.Note, err = r.openText(sealContext("quality_reviews.note", q.ID), row.NoteSealed)
	return q, err
}

func (r reader) QualityReview(ctx context.Context, id string) (claims.QualityReview, error) {
	row, err := from[qualityRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.QualityReview{}, absent(err, "quality_review", id)
	}
	return r.qualityReview(row)
}

func (r reader) QualityReviews(ctx context.Context, incidentID string, page claims.Page) ([]claims.QualityReview, error) {
	q := from[qualityRow](r.db).Where("incident_id = ?", incidentID).Order("id DESC").Limit(page.Limit)
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("quality reviews of incident %s: %w", incidentID, err)
	}
	reviews := make([]claims.QualityReview, len(rows))
	for i, row := range rows {
		if reviews[i], err = r.qualityReview(row); err != nil {
			return nil, err
		}
	}
	return reviews, nil
}

// DrawBatch finds no batch whose sample was drawn: there is one draw.
func (t tx) DrawBatch(ctx context.Context, b claims.Batch, reviews []claims.QualityReview) error {
	n, err := from[batchRow](t.db).Where("id = ? AND seed IS NULL", b.ID).Select("seed", "sampled").Updates(ctx, batchRow{Seed: b.Seed, Sampled: b.Sampled})
	if err := changed(n, err, "batch", b.ID); err != nil {
		return err
	}
	if err := rewrote[batchRow](ctx, t, "id = ?", b.ID); err != nil || len(reviews) == 0 {
		return err
	}
	rows := make([]qualityRow, len(reviews))
	for i, q := range reviews {
		rows[i] = t.toQualityRow(q, b.IncidentID)
	}
	if err := from[qualityRow](t.db).CreateInBatches(ctx, &rows, 500); err != nil {
		return err
	}
	return wrote(ctx, t, rows...)
}

// LeaseQuality passes over whoever made or checked the decision and whoever is
// kept from the claim.
func (t tx) LeaseQuality(ctx context.Context, incidentID, person string, now, until time.Time) (*claims.QualityReview, error) {
	lock := ""
	if t.db.Name() == "postgres" {
		lock = "FOR UPDATE SKIP LOCKED"
	}
	var rows []qualityRow
	err := t.db.WithContext(ctx).Raw(`UPDATE quality_reviews SET assigned_to = ?, lease_until = ?
		WHERE id IN (SELECT id FROM quality_reviews q WHERE incident_id = ? AND reviewed_at IS NULL
			AND (lease_until IS NULL OR lease_until <= ?) AND maker <> ?
			AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.claim_id = q.claim_id AND a.decision = q.decision AND a.checked_by = ?)
			AND NOT EXISTS (SELECT 1 FROM exclusions e WHERE e.claim_id = q.claim_id AND e.person = ?)
			ORDER BY id LIMIT 1 `+lock+`) RETURNING *`,
		person, toMicros(until), incidentID, toMicros(now), person, person, person).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("lease a quality review: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	review, err := t.qualityReview(rows[0])
	return &review, err
}

func (t tx) EndQuality(ctx context.Context, q claims.QualityReview, now time.Time) error {
	n, err := from[qualityRow](t.db).
		Where("id = ? AND assigned_to = ? AND lease_until > ? AND reviewed_at IS NULL", q.ID, q.By, toMicros(now)).
		Select("agrees", "error_code", "note_sealed", "reviewed_by", "reviewed_at").Updates(ctx, t.toQualityRow(q, ""))
	if err := changed(n, notOwn(err), "quality review", q.ID); err != nil {
		return err
	}
	return rewrote[qualityRow](ctx, t, "id = ?", q.ID)
}

package store

import (
	"context"
	"fmt"
	"time"

	"redress/internal/claims"
)

type stageRow struct {
	ClaimID    string `gorm:"primaryKey"`
	N          int64  `gorm:"primaryKey;autoIncrement:false"`
	IncidentID string
	State      string
	EnteredAt  int64
	LeftAt     *int64
}

func (stageRow) TableName() string { return "stages" }

func (r reader) Stages(ctx context.Context, claimID string) ([]claims.Stage, error) {
	rows, err := from[stageRow](r.db).Where("claim_id = ?", claimID).Order("n").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("stages of claim %s: %w", claimID, err)
	}
	stages := make([]claims.Stage, len(rows))
	for i, row := range rows {
		stages[i] = claims.Stage{
			ClaimID: row.ClaimID, N: row.N, State: claims.State(row.State), Entered: fromMicros(row.EnteredAt), Left: fromMicrosPtr(row.LeftAt),
		}
	}
	return stages, nil
}

// StageTimes reads an index alone: the stages of a million claims are not kept
// in memory.
func (r reader) StageTimes(ctx context.Context, incidentID string, visit func(claims.State, time.Duration)) error {
	rows, err := r.db.WithContext(ctx).Raw(
		`SELECT state, left_at - entered_at FROM stages WHERE incident_id = ? AND left_at IS NOT NULL`, incidentID).Rows()
	if err != nil {
		return fmt.Errorf("stages of incident %s: %w", incidentID, err)
	}
	defer rows.Close()
	for rows.Next() {
		var state claims.State
		var micros int64
		if err := rows.Scan(&state, &micros); err != nil {
			return fmt.Errorf("stages of incident %s: %w", incidentID, err)
		}
		visit(state, time.Duration(micros)*time.Microsecond)
	}
	return rows.Err()
}

func (t tx) EnterStage(ctx context.Context, s claims.Stage) error {
	_, err := from[stageRow](t.db).Where("claim_id = ? AND left_at IS NULL", s.ClaimID).Update(ctx, "left_at", toMicros(s.Entered))
	if err != nil {
		return fmt.Errorf("end the stage of claim %s: %w", s.ClaimID, err)
	}
	err = t.db.WithContext(ctx).Exec(
		`INSERT INTO stages (claim_id, n, incident_id, state, entered_at) VALUES (?, ?, (SELECT incident_id FROM claims WHERE id = ?), ?, ?)`,
		s.ClaimID, s.N, s.ClaimID, string(s.State), toMicros(s.Entered)).Error
	if err != nil {
		return fmt.Errorf("begin a stage of claim %s: %w", s.ClaimID, err)
	}
	return nil
}

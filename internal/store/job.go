package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"redress/internal/claims"
)

type jobRow struct {
	ID         string `gorm:"primaryKey"`
	Kind       string
	IncidentID string
	Same       string
	Arguments  []byte
	CreatedBy  string
	State      string
	Attempts   int
	RunAt      int64
	LeaseUntil *int64
	Done       int
	Total      int
	Result     []byte
	Failure    string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	EndedAt    *int64
}

func (jobRow) TableName() string { return "jobs" }

func toJobRow(j claims.Job) (jobRow, error) {
	row := jobRow{
		ID: j.ID, Kind: j.Kind, IncidentID: j.IncidentID, Same: j.Same, Arguments: blob(j.Arguments), CreatedBy: j.CreatedBy,
		State: string(j.State), Attempts: j.Attempts, RunAt: toMicros(j.RunAt), LeaseUntil: toMicrosPtr(j.LeaseUntil),
		Done: j.Done, Total: j.Total, Result: blob(j.Result), CreatedAt: toMicros(j.CreatedAt), EndedAt: toMicrosPtr(j.EndedAt),
	}
	if j.Failure != nil {
		failure, err := json.Marshal(j.Failure)
		if err != nil {
			return jobRow{}, fmt.Errorf("write job %s: %w", j.ID, err)
		}
		row.Failure = string(failure)
	}
	return row, nil
}

// blob keeps a column from NULL where there is nothing.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (row jobRow) job() (claims.Job, error) {
	j := claims.Job{
		ID: row.ID, Kind: row.Kind, IncidentID: row.IncidentID, Same: row.Same, Arguments: row.Arguments, CreatedBy: row.CreatedBy,
		State: claims.JobState(row.State), Attempts: row.Attempts, RunAt: fromMicros(row.RunAt), LeaseUntil: fromMicrosPtr(row.LeaseUntil),
		Progress: claims.Progress{Done: row.Done, Total: row.Total}, Result: row.Result,
		CreatedAt: fromMicros(row.CreatedAt), EndedAt: fromMicrosPtr(row.EndedAt),
	}
	if row.Failure != "" {
		if err := json.Unmarshal([]byte(row.Failure), &j.Failure); err != nil {
			return claims.Job{}, fmt.Errorf("read job %s: %w", row.ID, err)
		}
	}
	return j, nil
}

func (r reader) Job(ctx context.Context, id string) (claims.Job, error) {
	row, err := from[jobRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.Job{}, absent(err, "job", id)
	}
	return row.job()
}

// InsertJob waits, on either engine, for whoever is storing the same job; that
// one may end between the two statements, so it tries again.
func (t tx) InsertJob(ctx context.Context, j claims.Job) (claims.Job, error) {
	row, err := toJobRow(j)
	if err != nil {
		return claims.Job{}, err
	}
	for {
		inserted := t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if inserted.Error != nil {
			return claims.Job{}, fmt.Errorf("store job %s: %w", j.ID, inserted.Error)
		}
		if inserted.RowsAffected == 1 {
			return j, nil
		}
		same, err := from[jobRow](t.db).Where("same = ? AND ended_at IS NULL", j.Same).First(ctx)
		if err == nil {
			return same.job()
		}
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return claims.Job{}, fmt.Errorf("find the job under way: %w", err)
		}
	}
}

// TakeJob lets processes of one PostgreSQL database take different jobs at once;
// on SQLite there is one writer.
func (t tx) TakeJob(ctx context.Context, kinds []string, now, until time.Time) (*claims.Job, error) {
	lock := ""
	if t.db.Name() == "postgres" {
		lock = "FOR UPDATE SKIP LOCKED"
	}
	var rows []jobRow
	err := t.db.WithContext(ctx).Raw(`UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until = ?
		WHERE id IN (SELECT id FROM jobs WHERE ended_at IS NULL AND kind IN ?
			AND ((state = 'waiting' AND run_at <= ?) OR (state = 'running' AND lease_until < ?))
			ORDER BY run_at, id LIMIT 1 `+lock+`) RETURNING *`,
		toMicros(until), kinds, toMicros(now), toMicros(now)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("take a job: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	job, err := rows[0].job()
	return &job, err
}

func (t tx) UpdateJob(ctx context.Context, j claims.Job) error {
	row, err := toJobRow(j)
	if err != nil {
		return err
	}
	n, err := from[jobRow](t.db).Where("id = ? AND attempts = ? AND state = ?", j.ID, j.Attempts, string(claims.JobRunning)).
		Select("arguments", "state", "run_at", "lease_until", "done", "total", "result", "failure", "ended_at").Updates(ctx, row)
	return changed(n, err, "job", j.ID)
}

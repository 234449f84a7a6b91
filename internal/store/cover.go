package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
)

type coverRow struct {
	IncidentID string `gorm:"primaryKey"`
	Service    string `gorm:"primaryKey"`
	Unit       []byte `gorm:"primaryKey"`
	StartAt    int64  `gorm:"primaryKey;autoIncrement:false"`
	EndAt      int64
	ClaimID    string `gorm:"primaryKey"`
}

func (coverRow) TableName() string { return "covers" }

func (r reader) Covered(ctx context.Context, claimID string) ([]claims.Cover, error) {
	rows, err := from[coverRow](r.db).Where("claim_id = ?", claimID).Order("service, start_at").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("covers of claim %s: %w", claimID, err)
	}
	covers := make([]claims.Cover, len(rows))
	for i, row := range rows {
		covers[i] = claims.Cover{
			ClaimID: row.ClaimID, IncidentID: row.IncidentID, Service: row.Service, Unit: row.Unit, Start: fromMicros(row.StartAt), End: fromMicros(row.EndAt),
		}
	}
	return covers, nil
}

// coversOnce is the constraint that keeps two claims from one interval.
const coversOnce = "covers_once"

// alreadyCompensated names the other claim where it is known.
func alreadyCompensated(other string) *fault.Error {
	f := fault.New(fault.Conflict, "loss_already_compensated",
		"This loss is compensated by another claim.", "이 손실은 다른 청구에서 이미 보상되었습니다.")
	if other != "" {
		f.Detail = lang.F("This loss is compensated by claim %s.", "이 손실은 청구 %s에서 이미 보상되었습니다.", other)
	}
	return f
}

// InsertCovers looks for the other claim first, to name it: PostgreSQL answers
// nothing more in a transaction whose constraint was broken. Of two claims at
// the same moment the constraint refuses one, unnamed.
func (t tx) InsertCovers(ctx context.Context, covers []claims.Cover) error {
	var rows []coverRow
	for _, c := range covers {
		row := coverRow{
			IncidentID: c.IncidentID, Service: c.Service, Unit: c.Unit, StartAt: toMicros(c.Start), EndAt: toMicros(c.End), ClaimID: c.ClaimID,
		}
		var others []string
		err := t.db.WithContext(ctx).Raw(
			`SELECT claims.reference FROM covers JOIN claims ON claims.id = covers.claim_id
			  WHERE covers.incident_id = ? AND covers.service = ? AND covers.unit = ? AND covers.claim_id <> ? AND start_at < ? AND end_at > ? LIMIT 1`,
			row.IncidentID, row.Service, row.Unit, row.ClaimID, row.EndAt, row.StartAt).Scan(&others).Error
		if err != nil {
			return fmt.Errorf("look for who covers it: %w", err)
		}
		if len(others) > 0 {
			return alreadyCompensated(others[0])
		}
		if err := from[coverRow](t.db).Create(ctx, &row); breaks(err, coversOnce) {
			return alreadyCompensated("").Because(err)
		} else if err != nil {
			return fmt.Errorf("cover for claim %s: %w", c.ClaimID, err)
		}
		rows = append(rows, row)
	}
	return wrote(ctx, t, rows...)
}

func (t tx) DeleteCovers(ctx context.Context, claimID string) error {
	n, err := from[coverRow](t.db).Where("claim_id = ?", claimID).Delete(ctx)
	if err != nil {
		return fmt.Errorf("free what claim %s covers: %w", claimID, err)
	}
	if n > 0 {
		t.written[coverRow{}.TableName()] = "" // there is none any more
	}
	return nil
}

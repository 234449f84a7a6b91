package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
)

type checkRow struct {
	ClaimID string `gorm:"primaryKey"`
	Round   int    `gorm:"primaryKey;autoIncrement:false"`
	Code    string `gorm:"primaryKey"`
	Service string `gorm:"primaryKey"`
	Result  string
	Points  int
	Detail  string
	Remedy  string
	Facts   string
}

func (checkRow) TableName() string { return "checks" }

func (row checkRow) check() (claims.CheckRow, error) {
	c := claims.CheckRow{ClaimID: row.ClaimID, Round: row.Round, Code: row.Code, Service: row.Service, Result: row.Result, Points: row.Points}
	what := fmt.Sprintf("check %s of claim %s", c.Code, c.ClaimID)
	for _, field := range []struct {
		text string
		into any
	}{{row.Detail, &c.Detail}, {row.Remedy, &c.Remedy}, {row.Facts, &c.Facts}} {
		if err := fromJSONText(what, field.text, field.into); err != nil {
			return claims.CheckRow{}, err
		}
	}
	return c, nil
}

func (r reader) Checks(ctx context.Context, claimID string) ([]claims.CheckRow, error) {
	rows, err := from[checkRow](r.db).
		Where("claim_id = ? AND round = (SELECT max(round) FROM checks WHERE claim_id = ?)", claimID, claimID).Order("code, service").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("checks of claim %s: %w", claimID, err)
	}
	checks := make([]claims.CheckRow, len(rows))
	for i, row := range rows {
		if checks[i], err = row.check(); err != nil {
			return nil, err
		}
	}
	return checks, nil
}

func (t tx) InsertChecks(ctx context.Context, checks []claims.CheckRow) error {
	if len(checks) == 0 {
		return nil
	}
	rows := make([]checkRow, len(checks))
	for i, c := range checks {
		rows[i] = checkRow{ClaimID: c.ClaimID, Round: c.Round, Code: c.Code, Service: c.Service, Result: c.Result, Points: c.Points}
		what := fmt.Sprintf("check %s of claim %s", c.Code, c.ClaimID)
		for _, field := range []struct {
			value any
			into  *string
		}{{c.Detail, &rows[i].Detail}, {c.Remedy, &rows[i].Remedy}, {c.Facts, &rows[i].Facts}} {
			var err error
			if *field.into, err = jsonText(what, field.value); err != nil {
				return err
			}
		}
	}
	if err := from[checkRow](t.db).CreateInBatches(ctx, &rows, 100); err != nil {
		return err
	}
	// They may come to others of the same round.
	return rewrote[checkRow](ctx, t, "claim_id = ? AND round = ?", checks[0].ClaimID, checks[0].Round)
}

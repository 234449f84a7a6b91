package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"redress/internal/claims"
)

// Unit puts shops, cars and drivers that the platform knows into one domain, so
// that two claimants of one of them meet; without such an id the outlet is a
// unit of its own.
func (r reader) Unit(claimant claims.Claimant, outlet string) []byte {
	known := claimant.DriverID
	if o, ok := claimant.Outlet(outlet); ok && o.PlatformID != "" {
		known = o.PlatformID
	}
	if known != "" {
		return r.vault.Index("unit", known)
	}
	return r.vault.Index("unit of its own", claimant.ID+"/"+outlet)
}

// filling is a column of claims that no migration can fill for those that were
// written before it was there, for it takes the field key.
type filling struct {
	column string
	where  string // which claims lack it
	value  func(ctx context.Context, t tx, row claimRow) (any, error)
}

var fillings = []filling{
	{"unit", "unit IS NULL AND submitted_at IS NOT NULL", func(ctx context.Context, t tx, row claimRow) (any, error) {
		claimant, err := t.Claimant(ctx, row.ClaimantID)
		return t.Unit(claimant, row.Outlet), err
	}},
	{"services", "services = '' AND submitted_at IS NOT NULL", func(_ context.Context, t tx, row claimRow) (any, error) {
		claim, err := t.claim(row)
		return claim.Services(), err
	}},
}

// filledAtOnce bounds how long filling may hold the writer.
const filledAtOnce = 500

func (s *Store) fill(ctx context.Context) error {
	for _, f := range fillings {
		for after, more := "", true; more; {
			err := s.inTx(ctx, func(db *gorm.DB) (err error) {
				after, more, err = f.run(ctx, tx{reader: reader{db: db, vault: s.vault}}, after)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run fills the next claims after an id and answers the last of them, and whether
// there may be more.
func (f filling) run(ctx context.Context, t tx, after string) (last string, more bool, err error) {
	rows, err := from[claimRow](t.db).Where(f.where+" AND id > ?", after).Order("id").Limit(filledAtOnce).Find(ctx)
	if err != nil {
		return "", false, fmt.Errorf("find claims without %s: %w", f.column, err)
	}
	for _, row := range rows {
		value, err := f.value(ctx, t, row)
		if err != nil {
			return "", false, err
		}
		if _, err := from[claimRow](t.db).Where("id = ?", row.ID).Update(ctx, f.column, value); err != nil {
			return "", false, fmt.Errorf("%s of claim %s: %w", f.column, row.ID, err)
		}
		last = row.ID
	}
	return last, len(rows) == filledAtOnce, nil
}

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

// unitsAtOnce bounds how long filling in units may hold the writer.
const unitsAtOnce = 500

// fillUnits gives a unit to what was submitted before claims had one: no
// migration can, for it takes the key.
func (s *Store) fillUnits(ctx context.Context) error {
	for {
		filled := 0
		err := s.inTx(ctx, func(db *gorm.DB) error {
			t := tx{reader{db: db, vault: s.vault}}
			rows, err := from[claimRow](db).Select("id, claimant_id, outlet").
				Where("unit IS NULL AND submitted_at IS NOT NULL").Order("id").Limit(unitsAtOnce).Find(ctx)
			if err != nil {
				return fmt.Errorf("find claims without a unit: %w", err)
			}
			for _, row := range rows {
				claimant, err := t.Claimant(ctx, row.ClaimantID)
				if err != nil {
					return err
				}
				if _, err := from[claimRow](db).Where("id = ?", row.ID).Update(ctx, "unit", t.Unit(claimant, row.Outlet)); err != nil {
					return fmt.Errorf("unit of claim %s: %w", row.ID, err)
				}
			}
			filled = len(rows)
			return nil
		})
		if err != nil || filled < unitsAtOnce {
			return err
		}
	}
}

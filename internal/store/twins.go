package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"redress/internal/claims"
	"redress/internal/money"
)

// enoughTwins is where counting look-alikes stops, so that a submission costs
// the same however many there are.
const enoughTwins = 1000

// Twins leaves Copies, which needs the marks, to the method of that name.
func (r reader) Twins(ctx context.Context, claim claims.Claim, claimant claims.Claimant, now time.Time) (claims.Twins, error) {
	row, err := r.toClaimantRow(claimant)
	if err != nil {
		return claims.Twins{}, err
	}
	var found claims.Twins
	byHash := func(column string, value []byte) (alike, error) {
		if value == nil {
			return alike{}, nil
		}
		return r.alike(ctx, `SELECT count(DISTINCT o.id) AS others, count(c.id) AS standing, count(CASE WHEN c.awarded > 0 THEN 1 END) AS awarded
			  FROM (SELECT id FROM claimants WHERE `+column+` = ? AND id <> ? LIMIT ?) o
			  LEFT JOIN claims c ON c.incident_id = ? AND c.claimant_id = o.id AND c.state <> 'withdrawn' AND c.state <> 'draft'`,
			value, claimant.ID, enoughTwins, claim.IncidentID)
	}
	account, err := byHash("account_index", row.AccountIndex)
	if err != nil {
		return claims.Twins{}, err
	}
	found.Account, found.AccountClaims, found.AccountAwarded = account.Others, account.Standing, account.Awarded
	phone, err := byHash("phone_index", row.PhoneIndex)
	if err != nil {
		return claims.Twins{}, err
	}
	found.Phone, found.PhoneClaims, found.PhoneAwarded = phone.Others, phone.Standing, phone.Awarded

	unitHash := claim.Unit
	if unitHash == nil {
		unitHash = r.Unit(claimant, claim.Outlet)
	}
	unit, err := r.alike(ctx, `SELECT count(*) AS standing, count(CASE WHEN awarded > 0 THEN 1 END) AS awarded FROM (SELECT awarded FROM claims
		WHERE incident_id = ? AND unit = ? AND unit IS NOT NULL AND claimant_id <> ? AND `+standing+` LIMIT ?) o`,
		claim.IncidentID, unitHash, claimant.ID, enoughTwins)
	if err != nil {
		return claims.Twins{}, err
	}
	found.Unit, found.UnitAwarded = unit.Standing, unit.Awarded

	lately := func(column string, value any) (alike, error) {
		return r.alike(ctx, `SELECT count(CASE WHEN submitted_at > ? THEN 1 END) AS hour, count(*) AS day FROM (SELECT submitted_at FROM claims
			WHERE `+column+` = ? AND submitted_at > ? AND submitted_at <= ? AND submitted_at IS NOT NULL AND id <> ? ORDER BY submitted_at DESC LIMIT ?) o`,
			toMicros(now.Add(-time.Hour)), value, toMicros(now.Add(-24*time.Hour)), toMicros(now), claim.ID, enoughTwins)
	}
	key, err := lately("filed_by", claim.FiledBy)
	if err != nil || claim.Address == "" {
		found.KeyHour, found.KeyDay = key.Hour, key.Day
		return found, err
	}
	address, err := lately("address_index", r.addressIndex(claim.Address))
	found.KeyHour, found.KeyDay, found.AddressHour, found.AddressDay = key.Hour, key.Day, address.Hour, address.Day
	return found, err
}

// alike are counts of look-alikes; a query names those it makes.
type alike struct{ Others, Standing, Awarded, Hour, Day int }

func (r reader) alike(ctx context.Context, query string, args ...any) (alike, error) {
	var n alike
	if err := r.db.WithContext(ctx).Raw(query, args...).Scan(&n).Error; err != nil {
		return alike{}, fmt.Errorf("look for twins: %w", err)
	}
	return n, nil
}

type markRow struct {
	Mark       int64  `gorm:"primaryKey;autoIncrement:false"`
	ClaimantID string `gorm:"primaryKey"`
}

func (markRow) TableName() string { return "marks" }

// Copies stops at enoughTwins, so that a mark that everybody has costs no more
// than that.
func (r reader) Copies(ctx context.Context, claimantID string, marks []uint64) (int, error) {
	others := map[string]bool{}
	for part := range slices.Chunk(marks, 200) {
		args := make([]int64, len(part))
		for i, mark := range part {
			args[i] = int64(mark)
		}
		var found []string
		err := r.db.WithContext(ctx).Raw(`SELECT DISTINCT claimant_id FROM marks WHERE mark IN ? AND claimant_id <> ? LIMIT ?`,
			args, claimantID, enoughTwins).Scan(&found).Error
		if err != nil {
			return 0, fmt.Errorf("look for copies: %w", err)
		}
		for _, id := range found {
			others[id] = true
		}
	}
	return min(len(others), enoughTwins), nil
}

func (t tx) InsertMarks(ctx context.Context, claimantID string, marks []uint64) error {
	for part := range slices.Chunk(marks, 500) {
		rows := make([]markRow, len(part))
		for i, mark := range part {
			rows[i] = markRow{Mark: int64(mark), ClaimantID: claimantID}
		}
		if err := t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return fmt.Errorf("marks of claimant %s: %w", claimantID, err)
		}
	}
	return nil
}

// Similar walks one index from the claim's estimate in both directions.
func (r reader) Similar(ctx context.Context, claim claims.Claim, limit int) ([]claims.Claim, error) {
	var estimated money.Minor
	if claim.Estimated != nil {
		estimated = *claim.Estimated
	}
	var rows []claimRow
	for _, side := range []struct{ compare, order string }{
		{"estimated <= ?", "estimated DESC, id DESC"},
		{"estimated > ?", "estimated, id"},
	} {
		found, err := from[claimRow](r.db).
			Where("incident_id = ? AND sector = ? AND standing > 0 AND id <> ?", claim.IncidentID, claim.Sector, claim.ID).
			Where(side.compare, int64(estimated)).Order(side.order).Limit(limit).Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("claims similar to %s: %w", claim.ID, err)
		}
		rows = append(rows, found...)
	}
	distance := func(row claimRow) int64 { return max(*row.Estimated-int64(estimated), int64(estimated)-*row.Estimated) }
	slices.SortStableFunc(rows, func(a, b claimRow) int { return cmp.Compare(distance(a), distance(b)) })
	return r.claims(rows[:min(limit, len(rows))])
}

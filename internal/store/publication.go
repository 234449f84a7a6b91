package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/publication"
)

// Counted reads row by row and opens nothing.
func (r reader) Counted(ctx context.Context, incidentID string, visit func(claims.Counted) error) (err error) {
	rows, err := r.db.WithContext(ctx).Raw(`SELECT id, state, verdict, appeal_open, services, sector, region, submitted_at, claimed,
		coalesce(estimated, 0), coalesce(awarded, 0) FROM claims WHERE incident_id = ? AND submitted_at IS NOT NULL`, incidentID).Rows()
	if err != nil {
		return fmt.Errorf("count the claims of incident %s: %w", incidentID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c claims.Counted
		var appealed, submitted int64
		if err := rows.Scan(&c.ID, &c.State, &c.Verdict, &appealed, &c.Services, &c.Sector, &c.Region, &submitted,
			&c.Claimed, &c.Estimated, &c.Awarded); err != nil {
			return fmt.Errorf("count the claims of incident %s: %w", incidentID, err)
		}
		c.AppealOpen, c.SubmittedAt = appealed == 1, fromMicros(submitted)
		if err := visit(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

type saltRow struct {
	IncidentID string `gorm:"primaryKey"`
	SaltSealed []byte
}

func (saltRow) TableName() string { return "snapshot_salts" }

func (r reader) SnapshotSalt(ctx context.Context, incidentID string) ([]byte, error) {
	row, err := from[saltRow](r.db).Where("incident_id = ?", incidentID).Take(ctx)
	if err != nil {
		return nil, absent(err, "snapshot_salt", incidentID)
	}
	return r.vault.Open(sealContext("snapshot_salts.salt", incidentID), row.SaltSealed)
}

func (t tx) InsertSalt(ctx context.Context, incidentID string, salt []byte) error {
	row := saltRow{IncidentID: incidentID, SaltSealed: t.vault.Seal(sealContext("snapshot_salts.salt", incidentID), salt)}
	return conflict(from[saltRow](t.db).Create(ctx, &row), fault.New(fault.Conflict, "snapshot_salt_exists",
		"The incident has a salt already.", "이 장애에는 이미 솔트가 있습니다."))
}

type snapshotRow struct {
	IncidentID     string `gorm:"primaryKey"`
	N              int    `gorm:"primaryKey;autoIncrement:false"`
	ID             string
	TakenAt        int64
	SealedBy       string
	Root           []byte
	Claims         int64
	Claimed        int64
	Estimated      int64
	Awarded        int64
	Paid           int64
	RuleVersion    int
	Statistics     []byte
	StatisticsHash string
	EntryID        string
}

func (snapshotRow) TableName() string { return "snapshots" }

func (row snapshotRow) sums() publication.Sums {
	return publication.Sums{
		Count: row.Claims, Claimed: money.Minor(row.Claimed), Estimated: money.Minor(row.Estimated), Awarded: money.Minor(row.Awarded), Paid: money.Minor(row.Paid),
	}
}

func (row snapshotRow) snapshot() claims.Snapshot {
	sums := row.sums()
	s := claims.Snapshot{
		IncidentID: row.IncidentID, Number: row.N, ID: row.ID, TakenAt: fromMicros(row.TakenAt), SealedBy: row.SealedBy, Sums: &sums,
		Rule: row.RuleVersion, Statistics: row.Statistics, StatisticsHash: row.StatisticsHash, EntryID: row.EntryID,
	}
	copy(s.Root[:], row.Root)
	return s
}

// atNumber is a query of the rows of an incident: of one number, or of the newest
// when n is 0.
func atNumber[T any](db *gorm.DB, incidentID string, n int) table[T] {
	q := from[T](db).Where("incident_id = ?", incidentID).Order("n DESC")
	if n != 0 {
		q = q.Where("n = ?", n)
	}
	return q
}

// pageOf is a query of a page of the rows of an incident, newest first, after a
// number in decimal digits. A position that is none has nothing after it.
func pageOf[T any](db *gorm.DB, incidentID string, page claims.Page) table[T] {
	q := from[T](db).Where("incident_id = ?", incidentID).Order("n DESC").Limit(page.Limit)
	if page.After != "" {
		n, _ := strconv.Atoi(page.After)
		q = q.Where("n < ?", n)
	}
	return q
}

func place(incidentID string, n int) string { return fmt.Sprintf("%s/%d", incidentID, n) }

func (r reader) Snapshot(ctx context.Context, incidentID string, n int) (claims.Snapshot, error) {
	row, err := atNumber[snapshotRow](r.db, incidentID, n).Take(ctx)
	if err != nil {
		return claims.Snapshot{}, absent(err, "snapshot", place(incidentID, n))
	}
	return row.snapshot(), nil
}

func (r reader) Snapshots(ctx context.Context, incidentID string, page claims.Page) ([]claims.Snapshot, error) {
	rows, err := pageOf[snapshotRow](r.db, incidentID, page).Omit("statistics").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots of incident %s: %w", incidentID, err)
	}
	list := make([]claims.Snapshot, len(rows))
	for i, row := range rows {
		list[i] = row.snapshot()
	}
	return list, nil
}

// InsertSnapshot compares the parts that are there with those that should be, so
// that no sealed snapshot lacks leaves.
func (t tx) InsertSnapshot(ctx context.Context, s claims.Snapshot, parts int) error {
	stored, err := from[leavesRow](t.db).Where("snapshot_id = ?", s.ID).Count(ctx, "part")
	if err != nil {
		return fmt.Errorf("count the leaves of snapshot %s: %w", s.ID, err)
	}
	if stored != int64(parts) {
		return claims.SnapshotOvertaken()
	}
	row := snapshotRow{
		IncidentID: s.IncidentID, N: s.Number, ID: s.ID, TakenAt: toMicros(s.TakenAt), SealedBy: s.SealedBy, Root: s.Root[:], Claims: s.Sums.Count,
		Claimed: int64(s.Sums.Claimed), Estimated: int64(s.Sums.Estimated), Awarded: int64(s.Sums.Awarded), Paid: int64(s.Sums.Paid),
		RuleVersion: s.Rule, Statistics: s.Statistics, StatisticsHash: s.StatisticsHash, EntryID: s.EntryID,
	}
	return conflict(from[snapshotRow](t.db).Create(ctx, &row), claims.SnapshotOvertaken())
}

type leavesRow struct {
	SnapshotID string `gorm:"primaryKey"`
	Part       int    `gorm:"primaryKey;autoIncrement:false"`
	Lines      []byte
}

func (leavesRow) TableName() string { return "snapshot_leaves" }

func (r reader) LeafPart(ctx context.Context, snapshotID string, part int) ([]byte, error) {
	row, err := from[leavesRow](r.db).Where("snapshot_id = ? AND part = ?", snapshotID, part).Take(ctx)
	if err != nil {
		return nil, absent(err, "leaves", place(snapshotID, part))
	}
	return row.Lines, nil
}

func (t tx) InsertLeafPart(ctx context.Context, snapshotID string, part int, lines []byte) error {
	return from[leavesRow](t.db).Create(ctx, &leavesRow{SnapshotID: snapshotID, Part: part, Lines: lines})
}

// DropLooseLeaves tells the age of leaves by the id of their snapshot, a UUIDv7.
func (t tx) DropLooseLeaves(ctx context.Context, before time.Time) error {
	ms := before.UnixMilli()
	_, err := from[leavesRow](t.db).Where("snapshot_id < ? AND NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.id = snapshot_leaves.snapshot_id)",
		fmt.Sprintf("%08x-%04x", ms>>16, ms&0xffff)).Delete(ctx)
	if err != nil {
		return fmt.Errorf("drop leaves without a snapshot: %w", err)
	}
	return nil
}

type releaseRow struct {
	IncidentID string `gorm:"primaryKey"`
	N          int    `gorm:"primaryKey;autoIncrement:false"`
	Snapshot   int
	Bytes      []byte
	Hash       string
	ReleasedAt int64
	ReleasedBy string
	EntryID    string
}

func (releaseRow) TableName() string { return "releases" }

func (row releaseRow) release() claims.Release {
	return claims.Release{
		IncidentID: row.IncidentID, Number: row.N, Snapshot: row.Snapshot, Bytes: row.Bytes, Hash: row.Hash, ReleasedAt: fromMicros(row.ReleasedAt),
		ReleasedBy: row.ReleasedBy, EntryID: row.EntryID,
	}
}

func (r reader) Release(ctx context.Context, incidentID string, n int) (claims.Release, error) {
	return oneRelease(ctx, atNumber[releaseRow](r.db, incidentID, n), incidentID, n)
}

func (r reader) ReleaseHeader(ctx context.Context, incidentID string, n int) (claims.Release, error) {
	return oneRelease(ctx, atNumber[releaseRow](r.db, incidentID, n).Omit("bytes"), incidentID, n)
}

func oneRelease(ctx context.Context, q table[releaseRow], incidentID string, n int) (claims.Release, error) {
	row, err := q.Take(ctx)
	if err != nil {
		return claims.Release{}, absent(err, "release", place(incidentID, n))
	}
	return row.release(), nil
}

func (r reader) Releases(ctx context.Context, incidentID string, page claims.Page) ([]claims.Release, error) {
	rows, err := pageOf[releaseRow](r.db, incidentID, page).Omit("bytes").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the releases of incident %s: %w", incidentID, err)
	}
	list := make([]claims.Release, len(rows))
	for i, row := range rows {
		list[i] = row.release()
	}
	return list, nil
}

func (t tx) InsertRelease(ctx context.Context, r claims.Release) error {
	return conflict(from[releaseRow](t.db).Create(ctx, &releaseRow{
		IncidentID: r.IncidentID, N: r.Number, Snapshot: r.Snapshot, Bytes: r.Bytes, Hash: r.Hash, ReleasedAt: toMicros(r.ReleasedAt),
		ReleasedBy: r.ReleasedBy, EntryID: r.EntryID,
	}), claims.ReleaseOvertaken())
}

type restatementRow struct {
	IncidentID string `gorm:"primaryKey"`
	N          int    `gorm:"primaryKey;autoIncrement:false"`
	Bytes      []byte
	MadeAt     int64
	MadeBy     string
	EntryID    string
}

func (restatementRow) TableName() string { return "restatements" }

func (r reader) Restatements(ctx context.Context, incidentID string) ([]claims.Restatement, error) {
	rows, err := from[restatementRow](r.db).Where("incident_id = ?", incidentID).Order("n").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the restatements of incident %s: %w", incidentID, err)
	}
	list := make([]claims.Restatement, len(rows))
	for i, row := range rows {
		list[i] = claims.Restatement{
			IncidentID: row.IncidentID, Number: row.N, Bytes: row.Bytes, MadeAt: fromMicros(row.MadeAt), MadeBy: row.MadeBy, EntryID: row.EntryID,
		}
	}
	return list, nil
}

func (t tx) InsertRestatement(ctx context.Context, r claims.Restatement) error {
	return conflict(from[restatementRow](t.db).Create(ctx, &restatementRow{
		IncidentID: r.IncidentID, N: r.Number, Bytes: r.Bytes, MadeAt: toMicros(r.MadeAt), MadeBy: r.MadeBy, EntryID: r.EntryID,
	}), claims.ReleaseOvertaken())
}

// EntryAbout opens the entries of the subject, which are few: one for each version.
func (r reader) EntryAbout(ctx context.Context, entryType, subject string, version int) (string, error) {
	rows, err := from[entryRow](r.db).Where("subject = ? AND type = ?", subject, entryType).Order("id").Find(ctx)
	if err != nil {
		return "", fmt.Errorf("find the entries about %s: %w", subject, err)
	}
	for _, row := range rows {
		var said struct {
			Version int `json:"version"`
		}
		if json.Unmarshal(row.Body, &said) == nil && said.Version == version {
			return row.ID, nil
		}
	}
	return "", claims.NotFound("entry", fmt.Sprintf("%s of %s/%d", entryType, subject, version))
}

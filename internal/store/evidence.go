package store

import (
	"context"
	"fmt"
	"slices"

	"redress/internal/claims"
	"redress/internal/identity"
)

type evidenceRow struct {
	ID         string `gorm:"primaryKey"`
	ClaimID    string
	ClaimantID string
	Slot       string
	NameSealed []byte
	Type       string
	Size       int64
	SHA256     []byte `gorm:"column:sha256"`
	Scan       string
	UploadedBy string
	UploadedAt int64
}

func (evidenceRow) TableName() string { return "evidence_files" }

// knownFile is a file with the number of other claims that it lies on.
type knownFile struct {
	File   evidenceRow `gorm:"embedded"`
	SameAs int
}

func (r reader) evidence(ctx context.Context, where, value string) ([]claims.EvidenceFile, error) {
	var rows []knownFile
	err := r.db.WithContext(ctx).Raw(
		`SELECT f.*, (SELECT count(DISTINCT o.claim_id) FROM evidence_files o WHERE o.sha256 = f.sha256 AND o.claim_id <> f.claim_id) AS same_as
		   FROM evidence_files f WHERE `+where+` ORDER BY f.uploaded_at, f.id`, value).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", value, err)
	}
	files := make([]claims.EvidenceFile, len(rows))
	for i, row := range rows {
		f := row.File
		files[i] = claims.EvidenceFile{
			ID: f.ID, ClaimID: f.ClaimID, ClaimantID: f.ClaimantID, Slot: f.Slot, Type: f.Type, Size: f.Size, SHA256: f.SHA256, Scan: f.Scan,
			UploadedBy: f.UploadedBy, UploadedAt: fromMicros(f.UploadedAt), SameAs: row.SameAs,
		}
		if files[i].Name, err = r.openText(sealContext("evidence_files.name", f.ID), f.NameSealed); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (r reader) EvidenceFile(ctx context.Context, id string) (claims.EvidenceFile, error) {
	files, err := r.evidence(ctx, "f.id = ?", id)
	if err != nil {
		return claims.EvidenceFile{}, err
	}
	if len(files) == 0 {
		return claims.EvidenceFile{}, claims.NotFound("evidence", id)
	}
	return files[0], nil
}

func (r reader) EvidenceFiles(ctx context.Context, claimID string) ([]claims.EvidenceFile, error) {
	return r.evidence(ctx, "f.claim_id = ?", claimID)
}

func (r reader) EvidenceUsed(ctx context.Context, claimantID string) (files int, bytes int64, err error) {
	var used struct {
		Files int
		Bytes int64
	}
	err = r.db.WithContext(ctx).Raw(
		`SELECT count(*) AS files, CAST(coalesce(sum(size), 0) AS bigint) AS bytes FROM evidence_files WHERE claimant_id = ?`, claimantID).Scan(&used).Error
	if err != nil {
		return 0, 0, fmt.Errorf("evidence of claimant %s: %w", claimantID, err)
	}
	return used.Files, used.Bytes, nil
}

func (r reader) EvidenceKnown(ctx context.Context, ids []string) ([]string, error) {
	var known []string
	for part := range slices.Chunk(ids, 500) {
		rows, err := from[evidenceRow](r.db).Select("id").Where("id IN ?", part).Order("id").Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("look for evidence: %w", err)
		}
		for _, row := range rows {
			known = append(known, row.ID)
		}
	}
	return known, nil
}

func (t tx) InsertEvidenceFile(ctx context.Context, f claims.EvidenceFile) error {
	row := evidenceRow{
		ID: f.ID, ClaimID: f.ClaimID, ClaimantID: f.ClaimantID, Slot: f.Slot, NameSealed: t.sealText(sealContext("evidence_files.name", f.ID), f.Name),
		Type: f.Type, Size: f.Size, SHA256: f.SHA256, Scan: f.Scan, UploadedBy: f.UploadedBy, UploadedAt: toMicros(f.UploadedAt),
	}
	if err := from[evidenceRow](t.db).Create(ctx, &row); err != nil {
		return err
	}
	return wrote(ctx, t, row)
}

type readRow struct {
	ID            string `gorm:"primaryKey"`
	ClaimID       string
	ClaimantID    string
	What          string
	Item          string
	PurposeSealed []byte
	Person        string
	Role          string
	At            int64
}

func (readRow) TableName() string { return "reads" }

// Reads lists the looks at the claimant, too: what is read there belongs to
// every claim of theirs.
func (r reader) Reads(ctx context.Context, claimID string, page claims.Page) ([]claims.Read, error) {
	q := from[readRow](r.db).
		Where("claimant_id = (SELECT claimant_id FROM claims WHERE id = ?) AND claim_id IN (?, '')", claimID, claimID).
		Order("id DESC").Limit(page.Limit)
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reads of claim %s: %w", claimID, err)
	}
	reads := make([]claims.Read, len(rows))
	for i, row := range rows {
		reads[i] = claims.Read{
			ID: row.ID, ClaimID: row.ClaimID, ClaimantID: row.ClaimantID, What: row.What, Item: row.Item, Person: row.Person,
			Role: identity.Role(row.Role), At: fromMicros(row.At),
		}
		if reads[i].Purpose, err = r.openText(sealContext("reads.purpose", row.ID), row.PurposeSealed); err != nil {
			return nil, err
		}
	}
	return reads, nil
}

func (t tx) InsertRead(ctx context.Context, r claims.Read) error {
	return from[readRow](t.db).Create(ctx, &readRow{
		ID: r.ID, ClaimID: r.ClaimID, ClaimantID: r.ClaimantID, What: r.What, Item: r.Item,
		PurposeSealed: t.sealText(sealContext("reads.purpose", r.ID), r.Purpose), Person: r.Person, Role: string(r.Role), At: toMicros(r.At),
	})
}

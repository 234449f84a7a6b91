package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

type claimantRow struct {
	ID             string `gorm:"primaryKey"`
	Kind           string
	NameSealed     []byte
	PhoneSealed    []byte
	PhoneIndex     []byte
	BusinessSealed []byte
	BusinessIndex  []byte
	DriverSealed   []byte
	DriverIndex    []byte
	BankSealed     []byte
	AccountIndex   []byte
	Zone           string
	Currency       string
	AnnualRevenue  *int64
	Version        int64
	CreatedAt      int64 `gorm:"autoCreateTime:false"`
	UpdatedAt      int64 `gorm:"autoUpdateTime:false"`
	AccountChanged *int64
	ErasedAt       *int64
}

func (claimantRow) TableName() string { return "claimants" }

type outletRow struct {
	ClaimantID string `gorm:"primaryKey"`
	Code       string `gorm:"primaryKey"`
	Position   int
	NameSealed []byte
	Sector     string
	Region     string

	PlatformSealed []byte
}

func (outletRow) TableName() string { return "outlets" }

// sealContext ties a sealed value to its column and its row.
func sealContext(column, id string) string { return column + "/" + id }

func (r reader) toClaimantRow(c claims.Claimant) (claimantRow, error) {
	row := claimantRow{
		ID: c.ID, Kind: string(c.Kind), Zone: c.Zone, Currency: c.Currency, AnnualRevenue: (*int64)(c.AnnualRevenue),
		AccountChanged: toMicrosPtr(c.AccountChanged),
		NameSealed:     r.sealText(sealContext("claimants.name", c.ID), c.Name),
		PhoneSealed:    r.sealText(sealContext("claimants.phone", c.ID), c.Phone),
		PhoneIndex:     r.index("phone", identity.PhoneDigits(c.Phone, country(c))),
		BusinessSealed: r.sealText(sealContext("claimants.business", c.ID), c.BusinessNumber),
		BusinessIndex:  r.index("business", identity.Digits(c.BusinessNumber)),
		DriverSealed:   r.sealText(sealContext("claimants.driver", c.ID), c.DriverID),
		DriverIndex:    r.index("driver", c.DriverID),
		Version:        c.Version, CreatedAt: toMicros(c.CreatedAt), UpdatedAt: toMicros(c.UpdatedAt),
	}
	if c.Bank == nil {
		return row, nil
	}
	var err error
	row.AccountIndex = r.index("account", c.Bank.BankCode+" "+identity.Digits(c.Bank.Number))
	row.BankSealed, err = r.sealJSON(sealContext("claimants.bank", c.ID), c.Bank)
	return row, err
}

// country is that of a claimant's first outlet: its region is named in it.
func country(c claims.Claimant) string {
	if len(c.Outlets) == 0 {
		return ""
	}
	code, _, _ := strings.Cut(c.Outlets[0].Region, "-")
	return code
}

func (r reader) Claimant(ctx context.Context, id string) (claims.Claimant, error) {
	row, err := from[claimantRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.Claimant{}, absent(err, "claimant", id)
	}
	if row.ErasedAt != nil {
		return claims.Claimant{}, claims.Erased(id)
	}
	c := claims.Claimant{
		ID: row.ID, Kind: claims.ClaimantKind(row.Kind), Zone: row.Zone, Currency: row.Currency, AnnualRevenue: (*money.Minor)(row.AnnualRevenue),
		AccountChanged: fromMicrosPtr(row.AccountChanged),
		Version:        row.Version, CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt),
	}
	for _, field := range []struct {
		column string
		sealed []byte
		into   *string
	}{
		{"claimants.name", row.NameSealed, &c.Name},
		{"claimants.phone", row.PhoneSealed, &c.Phone},
		{"claimants.business", row.BusinessSealed, &c.BusinessNumber},
		{"claimants.driver", row.DriverSealed, &c.DriverID},
	} {
		if *field.into, err = r.openText(sealContext(field.column, id), field.sealed); err != nil {
			return claims.Claimant{}, err
		}
	}
	if row.BankSealed != nil {
		c.Bank = &claims.BankAccount{}
		if err := r.openJSON(sealContext("claimants.bank", id), row.BankSealed, c.Bank); err != nil {
			return claims.Claimant{}, err
		}
	}
	c.Outlets, err = r.outlets(ctx, id)
	return c, err
}

func (r reader) outlets(ctx context.Context, claimantID string) ([]claims.Outlet, error) {
	rows, err := from[outletRow](r.db).Where("claimant_id = ?", claimantID).Order("position").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("outlets of claimant %s: %w", claimantID, err)
	}
	outlets := make([]claims.Outlet, len(rows))
	for i, row := range rows {
		name, err := r.openText(sealContext("outlets.name", claimantID+"/"+row.Code), row.NameSealed)
		if err != nil {
			return nil, err
		}
		platformID, err := r.openText(sealContext("outlets.platform", claimantID+"/"+row.Code), row.PlatformSealed)
		if err != nil {
			return nil, err
		}
		outlets[i] = claims.Outlet{Code: row.Code, Name: name, Sector: row.Sector, Region: row.Region, PlatformID: platformID}
	}
	return outlets, nil
}

func (r reader) OutletUsed(ctx context.Context, claimantID, outlet string) (bool, error) {
	var used bool
	err := r.db.WithContext(ctx).Raw(
		`SELECT EXISTS (SELECT 1 FROM claims WHERE claimant_id = ? AND outlet = ?)
		     OR EXISTS (SELECT 1 FROM revenue_uploads WHERE claimant_id = ? AND outlet = ?)`,
		claimantID, outlet, claimantID, outlet).Scan(&used).Error
	if err != nil {
		return false, fmt.Errorf("use of outlet %s of claimant %s: %w", outlet, claimantID, err)
	}
	return used, nil
}

func (t tx) InsertClaimant(ctx context.Context, c claims.Claimant) error {
	row, err := t.toClaimantRow(c)
	if err != nil {
		return err
	}
	err = conflict(from[claimantRow](t.db).Create(ctx, &row), fault.New(fault.Conflict, "claimant_exists",
		"A claimant with this business number or driver id is registered already; use their key.",
		"이 사업자등록번호 또는 기사 번호로 이미 등록되어 있습니다. 그 키를 쓰십시오."))
	if err != nil {
		return err
	}
	if err := wrote(ctx, t, row); err != nil {
		return err
	}
	return t.insertOutlets(ctx, c)
}

func (t tx) UpdateClaimant(ctx context.Context, c claims.Claimant) error {
	row, err := t.toClaimantRow(c)
	if err != nil {
		return err
	}
	row.Version++
	n, err := from[claimantRow](t.db).Where("id = ? AND version = ?", c.ID, c.Version).
		Select("name_sealed", "phone_sealed", "phone_index", "bank_sealed", "account_index", "account_changed", "annual_revenue", "version", "updated_at").
		Updates(ctx, row)
	if err := changed(n, err, "claimant", c.ID); err != nil {
		return err
	}
	if err := rewrote[claimantRow](ctx, t, "id = ?", c.ID); err != nil {
		return err
	}
	if _, err := from[outletRow](t.db).Where("claimant_id = ?", c.ID).Delete(ctx); err != nil {
		return fmt.Errorf("replace outlets of claimant %s: %w", c.ID, err)
	}
	return t.insertOutlets(ctx, c)
}

func (t tx) insertOutlets(ctx context.Context, c claims.Claimant) error {
	rows := make([]outletRow, len(c.Outlets))
	for i, o := range c.Outlets {
		rows[i] = outletRow{
			ClaimantID: c.ID, Code: o.Code, Position: i, Sector: o.Sector, Region: o.Region,
			NameSealed:     t.sealText(sealContext("outlets.name", c.ID+"/"+o.Code), o.Name),
			PlatformSealed: t.sealText(sealContext("outlets.platform", c.ID+"/"+o.Code), o.PlatformID),
		}
	}
	if err := from[outletRow](t.db).CreateInBatches(ctx, &rows, 100); err != nil {
		return err
	}
	return wrote(ctx, t, rows...)
}

type uploadRow struct {
	ID         string `gorm:"primaryKey"`
	ClaimantID string
	Outlet     string
	Service    string
	Source     string
	IsCurrent  int64
	Digest     string
	Summary    string
	Weeks      int
	UploadedBy string
	UploadedAt int64
}

func (uploadRow) TableName() string { return "revenue_uploads" }

type weekRow struct {
	ClaimantID string `gorm:"primaryKey"`
	UploadID   string `gorm:"primaryKey"`
	WeekStart  int64  `gorm:"primaryKey;autoIncrement:false"`
	Data       []byte
}

func (weekRow) TableName() string { return "revenue_weeks" }

func (r reader) Uploads(ctx context.Context, claimantID, outlet, service string) ([]claims.Upload, error) {
	// "platform" sorts after "claimant"; the authority comes first.
	rows, err := from[uploadRow](r.db).
		Where("claimant_id = ? AND outlet = ? AND service = ? AND is_current = 1", claimantID, outlet, service).
		Order("source DESC").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("uploads of claimant %s: %w", claimantID, err)
	}
	uploads := make([]claims.Upload, len(rows))
	for i, row := range rows {
		uploads[i] = claims.Upload{
			ID: row.ID, ClaimantID: row.ClaimantID, Outlet: row.Outlet, Service: row.Service, Source: revenue.Source(row.Source),
			Digest: row.Digest, Summary: json.RawMessage(row.Summary), Weeks: row.Weeks, UploadedBy: row.UploadedBy, UploadedAt: fromMicros(row.UploadedAt),
		}
	}
	return uploads, nil
}

// Histories reads the weeks of all uploads in one pass.
func (r reader) Histories(ctx context.Context, uploads []string) (map[string]claims.SourcedHistory, error) {
	found := map[string]claims.SourcedHistory{}
	for ids := range slices.Chunk(uploads, 500) {
		if err := r.histories(ctx, ids, found); err != nil {
			return nil, fmt.Errorf("weeks of uploads: %w", err)
		}
	}
	return found, nil
}

func (r reader) histories(ctx context.Context, ids []string, found map[string]claims.SourcedHistory) error {
	// Uploads are few and weeks many: scanned by hand, a week costs a tenth of
	// what a row through gorm does.
	rows, err := r.db.WithContext(ctx).Raw(
		`SELECT u.id, u.source, w.week_start, w.data
		   FROM revenue_uploads u LEFT JOIN revenue_weeks w ON w.claimant_id = u.claimant_id AND w.upload_id = u.id
		  WHERE u.id IN ? ORDER BY u.id, w.week_start`, ids).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var current, id string
	var currentSource, source revenue.Source
	var weeks []revenue.PackedWeek
	keep := func() error {
		if current == "" {
			return nil
		}
		h, err := revenue.Unpack(weeks)
		if err != nil {
			return fmt.Errorf("upload %s: %w", current, err)
		}
		found[current] = claims.SourcedHistory{Source: currentSource, History: h}
		return nil
	}
	for rows.Next() {
		var start sql.NullInt64 // null in the one row of an upload without weeks
		var data []byte
		if err := rows.Scan(&id, &source, &start, &data); err != nil {
			return err
		}
		if id != current {
			if err := keep(); err != nil {
				return err
			}
			current, currentSource, weeks = id, source, weeks[:0]
		}
		if start.Valid {
			weeks = append(weeks, revenue.PackedWeek{Start: revenue.Local(start.Int64), Data: data})
		}
	}
	return errors.Join(rows.Err(), keep())
}

// InsertUpload stores all weeks in one transaction: sixteen years of them are
// 835 rows.
func (t tx) InsertUpload(ctx context.Context, u claims.Upload, weeks []revenue.PackedWeek) error {
	if err := t.notErased(ctx, u.ClaimantID); err != nil {
		return err
	}
	before, err := from[uploadRow](t.db).
		Where("claimant_id = ? AND outlet = ? AND service = ? AND source = ? AND is_current = 1", u.ClaimantID, u.Outlet, u.Service, string(u.Source)).
		Find(ctx)
	if err != nil {
		return fmt.Errorf("find the upload before: %w", err)
	}
	for _, row := range before {
		row.IsCurrent = 0
		if _, err := from[uploadRow](t.db).Where("id = ?", row.ID).Update(ctx, "is_current", 0); err != nil {
			return fmt.Errorf("replace the upload before: %w", err)
		}
		if err := wrote(ctx, t, row); err != nil {
			return err
		}
	}
	row := uploadRow{
		ID: u.ID, ClaimantID: u.ClaimantID, Outlet: u.Outlet, Service: u.Service, Source: string(u.Source), IsCurrent: 1,
		Digest: u.Digest, Summary: string(u.Summary), Weeks: u.Weeks, UploadedBy: u.UploadedBy, UploadedAt: toMicros(u.UploadedAt),
	}
	err = conflict(from[uploadRow](t.db).Create(ctx, &row), fault.New(fault.Conflict, "upload_under_way",
		"Another upload for this outlet and service was stored at the same moment; send yours again.",
		"같은 매장과 서비스의 다른 업로드가 동시에 저장되었습니다. 다시 보내십시오."))
	if err != nil {
		return err
	}
	if err := wrote(ctx, t, row); err != nil {
		return err
	}
	rows, sum := make([]weekRow, len(weeks)), weekSum{sha256.New()}
	for i, w := range weeks {
		sum.add(int64(w.Start), w.Data)
		rows[i] = weekRow{ClaimantID: u.ClaimantID, UploadID: u.ID, WeekStart: int64(w.Start), Data: w.Data}
	}
	if len(rows) > 0 {
		t.written[weeksHeld(u.ID)] = t.weeksHash(u.ID, sum)
	}
	return from[weekRow](t.db).CreateInBatches(ctx, &rows, 500)
}

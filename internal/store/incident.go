package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
)

type incidentRow struct {
	ID        string `gorm:"primaryKey"`
	Platform  string
	State     string
	Body      string
	Version   int64
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

func (incidentRow) TableName() string { return "incidents" }

// incidentBody is what no query looks into.
type incidentBody struct {
	Name       lang.Text                `json:"name"`
	Zone       string                   `json:"zone"`
	Currency   string                   `json:"currency"`
	StartsAt   time.Time                `json:"starts_at"`
	EndsAt     time.Time                `json:"ends_at"`
	Timestamps []claims.Timestamp       `json:"timestamps"`
	Filing     claims.Filing            `json:"filing"`
	Services   []claims.PlatformService `json:"services"`
	Scheme     *claims.SchemeRef        `json:"scheme,omitempty"`
}

func toIncidentRow(i claims.Incident) (incidentRow, error) {
	body, err := json.Marshal(incidentBody{
		Name: i.Name, Zone: i.Zone, Currency: i.Currency, StartsAt: i.StartsAt.UTC(), EndsAt: i.EndsAt.UTC(),
		Timestamps: i.Timestamps, Filing: i.Filing, Services: i.Services, Scheme: i.Scheme,
	})
	if err != nil {
		return incidentRow{}, fmt.Errorf("write incident %s: %w", i.ID, err)
	}
	return incidentRow{
		ID: i.ID, Platform: i.Platform, State: string(i.State), Body: string(body), Version: i.Version,
		CreatedAt: toMicros(i.CreatedAt), UpdatedAt: toMicros(i.UpdatedAt),
	}, nil
}

func (row incidentRow) incident() (claims.Incident, error) {
	var b incidentBody
	if err := json.Unmarshal([]byte(row.Body), &b); err != nil {
		return claims.Incident{}, fmt.Errorf("read incident %s: %w", row.ID, err)
	}
	return claims.Incident{
		ID: row.ID, Name: b.Name, Platform: row.Platform, State: claims.IncidentState(row.State), Zone: b.Zone, Currency: b.Currency,
		StartsAt: b.StartsAt, EndsAt: b.EndsAt, Timestamps: b.Timestamps, Filing: b.Filing, Services: b.Services, Scheme: b.Scheme,
		Version: row.Version, CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt),
	}, nil
}

func (r reader) Incident(ctx context.Context, id string) (claims.Incident, error) {
	row, err := from[incidentRow](r.db).Where("id = ?", id).First(ctx)
	if err != nil {
		return claims.Incident{}, absent(err, "incident", id)
	}
	return row.incident()
}

func (r reader) Incidents(ctx context.Context, withDrafts bool, page claims.Page) ([]claims.Incident, error) {
	q := from[incidentRow](r.db).Order("id DESC").Limit(page.Limit)
	if !withDrafts {
		q = q.Where("state <> ?", string(claims.IncidentDraft))
	}
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	incidents := make([]claims.Incident, len(rows))
	for i, row := range rows {
		if incidents[i], err = row.incident(); err != nil {
			return nil, err
		}
	}
	return incidents, nil
}

func (t tx) InsertIncident(ctx context.Context, i claims.Incident) error {
	row, err := toIncidentRow(i)
	if err != nil {
		return err
	}
	if err := from[incidentRow](t.db).Create(ctx, &row); err != nil {
		return err
	}
	return wrote(ctx, t, row)
}

func (t tx) UpdateIncident(ctx context.Context, i claims.Incident) error {
	row, err := toIncidentRow(i)
	if err != nil {
		return err
	}
	row.Version++
	n, err := from[incidentRow](t.db).Where("id = ? AND version = ?", i.ID, i.Version).
		Select("platform", "state", "body", "version", "updated_at").Updates(ctx, row)
	if err := changed(n, err, "incident", i.ID); err != nil {
		return err
	}
	return wrote(ctx, t, row)
}

type schemeRow struct {
	ID        string `gorm:"primaryKey"`
	Version   int    `gorm:"primaryKey"`
	TitleKo   string
	TitleEn   string
	Hash      string
	Bytes     []byte
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (schemeRow) TableName() string { return "schemes" }

func (row schemeRow) version() claims.SchemeVersion {
	return claims.SchemeVersion{
		ID: row.ID, Version: row.Version, Title: lang.Text{KO: row.TitleKo, EN: row.TitleEn},
		Hash: row.Hash, Bytes: row.Bytes, CreatedAt: fromMicros(row.CreatedAt),
	}
}

func (r reader) Scheme(ctx context.Context, id string, version int) (claims.SchemeVersion, error) {
	q := from[schemeRow](r.db).Where("id = ?", id).Order("version DESC")
	if version != 0 {
		q = q.Where("version = ?", version)
	}
	row, err := q.Take(ctx)
	if err != nil {
		return claims.SchemeVersion{}, absent(err, "scheme", id)
	}
	return row.version(), nil
}

func (r reader) Schemes(ctx context.Context, after *claims.SchemeRef, limit int) ([]claims.SchemeVersion, error) {
	q := from[schemeRow](r.db).Order("id, version DESC").Limit(limit)
	if after != nil {
		q = q.Where("id > ? OR (id = ? AND version < ?)", after.ID, after.ID, after.Version)
	}
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list schemes: %w", err)
	}
	versions := make([]claims.SchemeVersion, len(rows))
	for i, row := range rows {
		versions[i] = row.version()
	}
	return versions, nil
}

func (t tx) InsertScheme(ctx context.Context, v claims.SchemeVersion) error {
	row := schemeRow{
		ID: v.ID, Version: v.Version, TitleKo: v.Title.KO, TitleEn: v.Title.EN, Hash: v.Hash, Bytes: v.Bytes, CreatedAt: toMicros(v.CreatedAt),
	}
	if err := from[schemeRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, fault.New(fault.Conflict, "scheme_version_exists",
			"Version %[2]d of scheme %[1]s exists and never changes; post the next version.",
			"보상 기준 %s의 버전 %d은(는) 이미 있으며 바뀌지 않습니다. 다음 버전을 올리십시오.", v.ID, v.Version))
	}
	return wrote(ctx, t, row)
}

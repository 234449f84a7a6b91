package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
	"redress/internal/fault"
)

type rulebookRow struct {
	Kind      string `gorm:"primaryKey"`
	Version   int    `gorm:"primaryKey;autoIncrement:false"`
	Bytes     []byte
	Hash      string
	CreatedBy string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (rulebookRow) TableName() string { return "rulebooks" }

func (r reader) Rulebook(ctx context.Context, kind claims.RulebookKind, version int) (claims.Rulebook, error) {
	q := from[rulebookRow](r.db).Where("kind = ?", string(kind)).Order("version DESC")
	if version != 0 {
		q = q.Where("version = ?", version)
	}
	row, err := q.Take(ctx)
	if err != nil {
		return claims.Rulebook{}, absent(err, "rulebook", fmt.Sprintf("%s/%d", kind, version))
	}
	return claims.Rulebook{
		Kind: claims.RulebookKind(row.Kind), Version: row.Version, Bytes: row.Bytes, Hash: row.Hash, CreatedBy: row.CreatedBy,
		CreatedAt: fromMicros(row.CreatedAt),
	}, nil
}

func (t tx) InsertRulebook(ctx context.Context, b claims.Rulebook) error {
	row := rulebookRow{Kind: string(b.Kind), Version: b.Version, Bytes: b.Bytes, Hash: b.Hash, CreatedBy: b.CreatedBy, CreatedAt: toMicros(b.CreatedAt)}
	if err := from[rulebookRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, fault.New(fault.Conflict, "rulebook_version_exists",
			"Somebody published another version at the same moment; read it and publish yours again.",
			"같은 순간에 다른 판이 공표되었습니다. 그 판을 읽고 다시 공표하십시오."))
	}
	return wrote(ctx, t, row)
}

package store

import (
	"context"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

type appealRow struct {
	ClaimID       string `gorm:"primaryKey"`
	Decision      int
	GroundsSealed []byte
	Files         string
	FiledAt       int64
	EndedAt       *int64
	Withdrawn     int64
	Channel       string
	FiledBy       string
}

func (appealRow) TableName() string { return "appeals" }

func (r reader) AppealOf(ctx context.Context, claimID string) (claims.AppealCase, error) {
	row, err := from[appealRow](r.db).Where("claim_id = ?", claimID).First(ctx)
	if err != nil {
		return claims.AppealCase{}, absent(err, "appeal", claimID)
	}
	a := claims.AppealCase{
		ClaimID: row.ClaimID, Decision: row.Decision, FiledAt: fromMicros(row.FiledAt), EndedAt: fromMicrosPtr(row.EndedAt), Withdrawn: row.Withdrawn == 1,
		Behalf: claims.Behalf{Channel: row.Channel, FiledBy: identity.Role(row.FiledBy)},
	}
	if err := fromJSONText("appeal of claim "+claimID, row.Files, &a.Files); err != nil {
		return claims.AppealCase{}, err
	}
	a.Grounds, err = r.openText(sealContext("appeals.grounds", claimID), row.GroundsSealed)
	return a, err
}

func (t tx) InsertAppeal(ctx context.Context, a claims.AppealCase) error {
	files, err := jsonText("appeal of claim "+a.ClaimID, a.Files)
	if err != nil {
		return err
	}
	row := appealRow{
		ClaimID: a.ClaimID, Decision: a.Decision, GroundsSealed: t.sealText(sealContext("appeals.grounds", a.ClaimID), a.Grounds), Files: files,
		FiledAt: toMicros(a.FiledAt), EndedAt: toMicrosPtr(a.EndedAt), Withdrawn: toInt(a.Withdrawn),
		Channel: a.Channel, FiledBy: string(a.FiledBy),
	}
	if err := from[appealRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, fault.New(fault.Conflict, "appeal_filed_before",
			"The claim was appealed against once; a claim has one appeal.", "이미 한 번 이의를 신청했습니다. 이의신청은 청구마다 한 번입니다."))
	}
	return wrote(ctx, t, row)
}

func (t tx) EndAppeal(ctx context.Context, a claims.AppealCase) error {
	row := appealRow{EndedAt: toMicrosPtr(a.EndedAt), Withdrawn: toInt(a.Withdrawn)}
	n, err := from[appealRow](t.db).Where("claim_id = ? AND ended_at IS NULL", a.ClaimID).Select("ended_at", "withdrawn").Updates(ctx, row)
	if err := changed(n, err, "appeal", a.ClaimID); err != nil {
		return err
	}
	return rewrote[appealRow](ctx, t, "claim_id = ?", a.ClaimID)
}

package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
	"redress/internal/fault"
)

type letterRow struct {
	ClaimID    string `gorm:"primaryKey"`
	Decision   int    `gorm:"primaryKey;autoIncrement:false"`
	TextSealed []byte
	PDFSealed  []byte `gorm:"column:pdf_sealed"`
	TextHash   string
	PDFHash    string `gorm:"column:pdf_hash"`
	MadeAt     int64
}

func (letterRow) TableName() string { return "letters" }

func (r reader) Letter(ctx context.Context, claimID string, decision int) (claims.Letter, error) {
	row, err := from[letterRow](r.db).Where("claim_id = ? AND decision = ?", claimID, decision).First(ctx)
	if err != nil {
		return claims.Letter{}, absent(err, "letter", fmt.Sprintf("%s/%d", claimID, decision))
	}
	text, err := r.openText(numbered("letters.text", claimID, decision), row.TextSealed)
	if err != nil {
		return claims.Letter{}, err
	}
	pdf, err := r.openText(numbered("letters.pdf", claimID, decision), row.PDFSealed)
	return claims.Letter{
		ClaimID: claimID, Decision: decision, Text: []byte(text), PDF: []byte(pdf), TextHash: row.TextHash, PDFHash: row.PDFHash,
		MadeAt: fromMicros(row.MadeAt),
	}, err
}

func (t tx) InsertLetter(ctx context.Context, l claims.Letter) error {
	row := letterRow{
		ClaimID: l.ClaimID, Decision: l.Decision, TextHash: l.TextHash, PDFHash: l.PDFHash, MadeAt: toMicros(l.MadeAt),
		TextSealed: t.vault.Seal(numbered("letters.text", l.ClaimID, l.Decision), l.Text),
		PDFSealed:  t.vault.Seal(numbered("letters.pdf", l.ClaimID, l.Decision), l.PDF),
	}
	if err := from[letterRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, fault.New(fault.Conflict, "letter_exists", "This decision has its letter already.", "이 결정의 통지서가 이미 있습니다."))
	}
	return wrote(ctx, t, row)
}

package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
	"redress/internal/fault"
)

// requestRow is an information request; its items hold the answers, too, and
// are sealed as a whole.
type requestRow struct {
	ClaimID       string `gorm:"primaryKey"`
	N             int    `gorm:"primaryKey;autoIncrement:false"`
	ItemsSealed   []byte
	MessageSealed []byte
	AskedBy       string
	AskedAt       int64
	DueAt         int64
	EndedAt       *int64
	EndedAs       string
}

func (requestRow) TableName() string { return "information_requests" }

func (r reader) toRequestRow(q claims.InformationRequest) (requestRow, error) {
	items, err := r.sealJSON(numbered("information_requests.items", q.ClaimID, q.N), q.Items)
	return requestRow{
		ClaimID: q.ClaimID, N: q.N, ItemsSealed: items, MessageSealed: r.sealText(numbered("information_requests.message", q.ClaimID, q.N), q.Message),
		AskedBy: q.AskedBy, AskedAt: toMicros(q.AskedAt), DueAt: toMicros(q.DueAt), EndedAt: toMicrosPtr(q.EndedAt), EndedAs: string(q.EndedAs),
	}, err
}

func (r reader) request(row requestRow) (claims.InformationRequest, error) {
	q := claims.InformationRequest{
		ClaimID: row.ClaimID, N: row.N, AskedBy: row.AskedBy, AskedAt: fromMicros(row.AskedAt), DueAt: fromMicros(row.DueAt),
		EndedAt: fromMicrosPtr(row.EndedAt), EndedAs: claims.RequestEnd(row.EndedAs),
	}
	if row.ItemsSealed != nil {
		if err := r.openJSON(numbered("information_requests.items", q.ClaimID, q.N), row.ItemsSealed, &q.Items); err != nil {
			return claims.InformationRequest{}, err
		}
	}
	var err error
	q.Message, err = r.openText(numbered("information_requests.message", q.ClaimID, q.N), row.MessageSealed)
	return q, err
}

func (r reader) Requests(ctx context.Context, claimID string) ([]claims.InformationRequest, error) {
	rows, err := from[requestRow](r.db).Where("claim_id = ?", claimID).Order("n").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("information requests of claim %s: %w", claimID, err)
	}
	requests := make([]claims.InformationRequest, len(rows))
	for i, row := range rows {
		if requests[i], err = r.request(row); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

func (t tx) InsertRequest(ctx context.Context, q claims.InformationRequest) error {
	row, err := t.toRequestRow(q)
	if err != nil {
		return err
	}
	if err := from[requestRow](t.db).Create(ctx, &row); err != nil {
		return conflict(err, fault.New(fault.Conflict, "request_under_way",
			"The claim has an information request under way; end it before another.", "진행 중인 자료 요청이 있습니다. 먼저 그 요청을 마치십시오."))
	}
	return wrote(ctx, t, row)
}

// UpdateRequest finds no request that has ended: what was answered stays so.
func (t tx) UpdateRequest(ctx context.Context, q claims.InformationRequest) error {
	row, err := t.toRequestRow(q)
	if err != nil {
		return err
	}
	n, err := from[requestRow](t.db).Where("claim_id = ? AND n = ? AND ended_at IS NULL", q.ClaimID, q.N).
		Select("items_sealed", "ended_at", "ended_as").Updates(ctx, row)
	if err := changed(n, err, "information request", fmt.Sprintf("%s/%d", q.ClaimID, q.N)); err != nil {
		return err
	}
	return rewrote[requestRow](ctx, t, "claim_id = ? AND n = ?", q.ClaimID, q.N)
}

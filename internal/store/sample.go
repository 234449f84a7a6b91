package store

import (
	"context"
	"fmt"

	"redress/internal/claims"
	"redress/internal/fault"
)

type sampleRow struct {
	ID           string `gorm:"primaryKey"`
	IncidentID   string
	Snapshot     int
	N            int
	Nonce        []byte
	Drawn        []byte
	DrawnHash    string
	DrawnBy      string
	DrawnAt      int64
	Accountant   string
	Results      []byte
	ResultsHash  string
	EndedAt      *int64
	EntryID      string
	EndedEntryID *string
}

func (sampleRow) TableName() string { return "samples" }

func (row sampleRow) sample() claims.Sample {
	s := claims.Sample{
		ID: row.ID, IncidentID: row.IncidentID, Snapshot: row.Snapshot, Number: row.N, Nonce: row.Nonce, Drawn: row.Drawn, DrawnHash: row.DrawnHash,
		DrawnBy: row.DrawnBy, DrawnAt: fromMicros(row.DrawnAt), Accountant: row.Accountant, Results: row.Results, ResultsHash: row.ResultsHash,
		EndedAt: fromMicrosPtr(row.EndedAt), EntryID: row.EntryID,
	}
	if row.EndedEntryID != nil {
		s.EndedEntryID = *row.EndedEntryID
	}
	return s
}

// sampledClaimRow says which claim a leaf of a sample is.
type sampledClaimRow struct {
	SampleID string `gorm:"primaryKey"`
	Leaf     int    `gorm:"primaryKey;autoIncrement:false"`
	ClaimID  string
}

func (sampledClaimRow) TableName() string { return "sample_claims" }

func (r reader) Sample(ctx context.Context, id string) (claims.Sample, error) {
	row, err := from[sampleRow](r.db).Where("id = ?", id).Take(ctx)
	if err != nil {
		return claims.Sample{}, absent(err, "sample", id)
	}
	return row.sample(), nil
}

func (r reader) SampleByNonce(ctx context.Context, incidentID string, snapshot int, nonce []byte) (claims.Sample, error) {
	row, err := from[sampleRow](r.db).Where("incident_id = ? AND snapshot = ? AND nonce = ?", incidentID, snapshot, nonce).Take(ctx)
	if err != nil {
		return claims.Sample{}, absent(err, "sample", place(incidentID, snapshot))
	}
	return row.sample(), nil
}

// samples is a query of the samples that match.
func (r reader) samples(f claims.SampleFilter) table[sampleRow] {
	q := from[sampleRow](r.db)
	if f.IncidentID != "" {
		q = q.Where("incident_id = ?", f.IncidentID)
	}
	if f.Snapshot != 0 {
		q = q.Where("snapshot = ?", f.Snapshot)
	}
	if f.Accountant != "" {
		q = q.Where("accountant = ?", f.Accountant)
	}
	if f.Ended {
		q = q.Where("ended_at IS NOT NULL")
	}
	return q
}

func (r reader) CountSamples(ctx context.Context, f claims.SampleFilter) (int, error) {
	n, err := r.samples(f).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count samples: %w", err)
	}
	return int(n), nil
}

func (r reader) Samples(ctx context.Context, f claims.SampleFilter, page claims.Page) ([]claims.Sample, error) {
	q := r.samples(f)
	if page.After != "" {
		q = q.Where("id < ?", page.After)
	}
	rows, err := q.Order("id DESC").Limit(page.Limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list samples: %w", err)
	}
	list := make([]claims.Sample, len(rows))
	for i, row := range rows {
		list[i] = row.sample()
	}
	return list, nil
}

func (r reader) SampledClaim(ctx context.Context, sampleID string, leaf int) (string, error) {
	row, err := from[sampledClaimRow](r.db).Where("sample_id = ? AND leaf = ?", sampleID, leaf).Take(ctx)
	if err != nil {
		return "", absent(err, "sampled_claim", place(sampleID, leaf))
	}
	return row.ClaimID, nil
}

// ownSample is the refusal of the database to let whoever drew a sample audit it.
const ownSample = "own_sample"

func (t tx) InsertSample(ctx context.Context, s claims.Sample, drawn map[int]string) error {
	row := sampleRow{
		ID: s.ID, IncidentID: s.IncidentID, Snapshot: s.Snapshot, N: s.Number, Nonce: s.Nonce, Drawn: s.Drawn, DrawnHash: s.DrawnHash, DrawnBy: s.DrawnBy,
		DrawnAt: toMicros(s.DrawnAt), Accountant: s.Accountant, EntryID: s.EntryID,
	}
	err := conflict(from[sampleRow](t.db).Create(ctx, &row), claims.SampleOvertaken())
	if breaks(err, ownSample) {
		return fault.New(fault.Conflict, "accountant_not_independent",
			"Who draws a sample does not audit it.", "표본을 뽑은 사람은 그 표본을 감사할 수 없습니다.").Because(err)
	}
	if err != nil {
		return fmt.Errorf("store sample %s: %w", s.ID, err)
	}
	rows := make([]sampledClaimRow, 0, len(drawn))
	for leaf, claimID := range drawn {
		rows = append(rows, sampledClaimRow{SampleID: s.ID, Leaf: leaf, ClaimID: claimID})
	}
	return from[sampledClaimRow](t.db).CreateInBatches(ctx, &rows, 500)
}

// EndSample finds no sample that has ended: there is one end.
func (t tx) EndSample(ctx context.Context, s claims.Sample) error {
	n, err := from[sampleRow](t.db).Where("id = ? AND results IS NULL", s.ID).Select("results", "results_hash", "ended_at", "ended_entry_id").
		Updates(ctx, sampleRow{Results: s.Results, ResultsHash: s.ResultsHash, EndedAt: toMicrosPtr(s.EndedAt), EndedEntryID: &s.EndedEntryID})
	if err != nil {
		return fmt.Errorf("end sample %s: %w", s.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "sample_ended", "The sample has ended; its results stay as they are.", "이미 끝난 표본입니다. 결과는 바뀌지 않습니다.")
	}
	return nil
}

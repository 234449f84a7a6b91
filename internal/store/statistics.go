package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/publication"
)

type estimateRecordRow struct {
	ClaimID  string `gorm:"primaryKey"`
	Windows  int
	Inside   int
	Share    *int
	Expected int64
}

func (estimateRecordRow) TableName() string { return "estimate_records" }

// keepRecord keeps the record of a claim's newest estimate from histories.
func (t tx) keepRecord(ctx context.Context, claimID string, r claims.EstimateRecord) error {
	row := estimateRecordRow{ClaimID: claimID, Windows: r.Windows, Inside: r.Inside, Share: r.Share, Expected: int64(r.Expected)}
	replace := clause.OnConflict{Columns: []clause.Column{{Name: "claim_id"}}, UpdateAll: true}
	if err := t.db.WithContext(ctx).Clauses(replace).Create(&row).Error; err != nil {
		return fmt.Errorf("keep the record of the estimate of claim %s: %w", claimID, err)
	}
	return wrote(ctx, t, row)
}

// read runs a query and hands over its rows one by one, into the same places.
func (r reader) read(ctx context.Context, what, query string, args, into []any, visit func()) (err error) {
	rows, err := r.db.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		visit()
	}
	return rows.Err()
}

// counted reads rows of a code and a count.
func (r reader) counted(ctx context.Context, what, query string, args ...any) (map[string]int64, error) {
	counts := map[string]int64{}
	var code string
	var n int64
	err := r.read(ctx, what, query, args, []any{&code, &n}, func() { counts[code] += n })
	return counts, err
}

func (r reader) FormCounts(ctx context.Context, incidentID string, stale time.Time) (map[string]map[string]int64, error) {
	what := "forms of incident " + incidentID
	forms, err := r.counted(ctx, what, `SELECT CASE WHEN submitted_at IS NOT NULL THEN '`+publication.TableSubmitted+` ' || channel
			WHEN state = 'withdrawn' THEN '`+publication.TableUnsubmitted+` withdrawn'
			WHEN updated_at <= ? THEN '`+publication.TableUnsubmitted+` abandoned'
			ELSE '`+publication.TableUnsubmitted+` writing' END AS code, count(*)
		FROM claims WHERE incident_id = ? GROUP BY 1`, toMicros(stale), incidentID)
	if err != nil {
		return nil, err
	}
	further, err := r.counted(ctx, what, `SELECT 'forms', count(*) - count(DISTINCT claimant_id) FROM claims WHERE incident_id = ?`, incidentID)
	if err != nil {
		return nil, err
	}
	counts := map[string]map[string]int64{publication.TableFurtherForms: further, publication.TableSubmitted: {}, publication.TableUnsubmitted: {}}
	for form, n := range forms {
		table, code, _ := strings.Cut(form, " ")
		counts[table][code] = n
	}
	return counts, nil
}

// tableCounts count by code; each has the incident as its argument. A decision is
// in batch_decisions from when it stands.
var tableCounts = map[string]string{
	publication.TableDecisions: `SELECT d.verdict || ':' || CASE d.kind WHEN 'automatic' THEN 'automatic' ELSE 'person' END || ':' || d.reason_code, count(*)
		FROM batch_decisions b JOIN decisions d ON d.claim_id = b.claim_id AND d.n = b.decision WHERE b.incident_id = ? GROUP BY 1`,
	publication.TableDates: `SELECT CASE WHEN c.promised_at IS NULL OR b.place > 1 THEN 'later'
			WHEN b.stood_at <= c.promised_at THEN 'first:in_time' ELSE 'first:late' END, count(*)
		FROM (SELECT claim_id, stood_at, row_number() OVER (PARTITION BY claim_id ORDER BY decision) AS place
			FROM batch_decisions WHERE incident_id = ?) b JOIN claims c ON c.id = b.claim_id GROUP BY 1`,
	publication.TableAppeals: `SELECT CASE WHEN a.withdrawn = 1 THEN 'withdrawn' WHEN d.error_code IS NULL THEN 'decided:unknown'
			WHEN d.error_code = 'none' THEN 'decided:upheld' ELSE 'decided:overturned:' || d.error_code END, count(*)
		FROM appeals a JOIN claims c ON c.id = a.claim_id
		LEFT JOIN (SELECT o.claim_id, o.error_code FROM decisions o JOIN batch_decisions b ON b.claim_id = o.claim_id AND b.decision = o.n
			WHERE o.kind = 'appeal') d ON d.claim_id = a.claim_id
		WHERE c.incident_id = ? AND a.ended_at IS NOT NULL GROUP BY 1`,
	publication.TableReviews: `SELECT CASE agrees WHEN 1 THEN 'agreed' ELSE 'overturned:' || error_code END, count(*)
		FROM quality_reviews WHERE incident_id = ? AND reviewed_at IS NOT NULL GROUP BY 1`,
}

func (r reader) TableCounts(ctx context.Context, incidentID, table string) (map[string]int64, error) {
	query, ok := tableCounts[table]
	if !ok {
		return nil, fmt.Errorf("there is no table %q of counts", table)
	}
	return r.counted(ctx, table+" of incident "+incidentID, query, incidentID)
}

// begunDays turns microseconds into days, a begun one as one.
const begunDays = `(%s + 86399999999) / 86400000000`

func (r reader) StageDays(ctx context.Context, incidentID string, visit func(publication.Duration)) error {
	inStage := fmt.Sprintf(begunDays, "CAST(sum(left_at - entered_at) AS bigint)")
	toDecision := fmt.Sprintf(begunDays, "(b.stood_at - c.submitted_at)")
	for _, query := range []string{
		// Stages are added up in the order of their index, before claims are looked up.
		`SELECT s.state, c.sector, s.days, count(*) FROM (SELECT state, claim_id, ` + inStage + ` AS days
			FROM stages WHERE incident_id = ? AND left_at IS NOT NULL AND state <> 'draft' GROUP BY state, claim_id) s
			JOIN claims c ON c.id = s.claim_id WHERE c.submitted_at IS NOT NULL GROUP BY s.state, c.sector, s.days`,
		`SELECT 'first_decision', c.sector, ` + toDecision + `, count(*) FROM (SELECT claim_id, min(stood_at) AS stood_at
			FROM batch_decisions WHERE incident_id = ? GROUP BY claim_id) b JOIN claims c ON c.id = b.claim_id GROUP BY 2, 3`,
	} {
		var d publication.Duration
		err := r.read(ctx, "durations of incident "+incidentID, query, []any{incidentID}, []any{&d.Stage, &d.Group, &d.Days, &d.Claims}, func() { visit(d) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r reader) EstimateRecords(ctx context.Context, incidentID string, visit func(string, claims.EstimateRecord)) error {
	var sector string
	var row estimateRecordRow
	return r.read(ctx, "records of the estimates of incident "+incidentID,
		`SELECT c.sector, e.windows, e.inside, e.share, e.expected FROM claims c JOIN estimate_records e ON e.claim_id = c.id
		  WHERE c.incident_id = ? AND c.submitted_at IS NOT NULL`, []any{incidentID},
		[]any{&sector, &row.Windows, &row.Inside, &row.Share, &row.Expected}, func() {
			visit(sector, claims.EstimateRecord{Windows: row.Windows, Inside: row.Inside, Share: row.Share, Expected: money.Minor(row.Expected)})
		})
}

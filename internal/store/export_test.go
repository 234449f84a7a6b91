package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"redress/internal/claims"
)

// Rows are all structs that name a table.
var Rows = []schema.Tabler{
	fieldKeyRow{}, keyRow{}, incidentRow{}, schemeRow{}, claimantRow{}, outletRow{}, uploadRow{}, weekRow{},
	claimRow{}, estimateRow{}, entryRow{}, eventRow{}, idempotencyRow{}, jobRow{},
	rulebookRow{}, checkRow{}, decisionRow{}, approvalRow{}, letterRow{}, requestRow{}, appealRow{}, evidenceRow{}, readRow{}, exclusionRow{}, stageRow{},
	headRow{}, leafRow{}, hashRow{}, pendingRow{},
	coverRow{}, markRow{}, viewRow{}, batchRow{}, batchDecisionRow{}, qualityRow{},
	saltRow{}, snapshotRow{}, leavesRow{}, releaseRow{}, restatementRow{}, estimateRecordRow{}, sampleRow{}, sampledClaimRow{},
}

// Raw is the connection that writes, for statements that no method makes. On
// SQLite it is the only one.
func (s *Store) Raw() *sql.DB { return s.write }

// Fill stores many claimants and claims at once.
func (s *Store) Fill(ctx context.Context, claimants []claims.Claimant, all []claims.Claim) error {
	return s.inTx(ctx, func(db *gorm.DB) error {
		claimantRows, claimRows := make([]claimantRow, len(claimants)), make([]claimRow, len(all))
		var err error
		for i, c := range claimants {
			if claimantRows[i], err = s.toClaimantRow(c); err != nil {
				return err
			}
		}
		for i, c := range all {
			if claimRows[i], err = s.toClaimRow(c); err != nil {
				return err
			}
		}
		if err := from[claimantRow](db).CreateInBatches(ctx, &claimantRows, 500); err != nil {
			return err
		}
		return from[claimRow](db).CreateInBatches(ctx, &claimRows, 500)
	})
}

// Traced is the transaction with each of its statements handed over, values
// filled in.
func Traced(t claims.Tx, statement func(string)) claims.Tx {
	traced := t.(tx)
	traced.db = traced.db.Session(&gorm.Session{Logger: tracer{logger.Discard, statement}})
	return traced
}

type tracer struct {
	logger.Interface
	statement func(string)
}

func (t tracer) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	text, _ := statement()
	t.statement(strings.ToValidUTF8(text, "?")) // keyed hashes are written as they are
}

// SQL is the connection that a Reader reads by.
func SQL(r claims.Reader) *gorm.DB { return r.(reader).db }

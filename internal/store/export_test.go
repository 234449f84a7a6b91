package store

import (
	"database/sql"

	"gorm.io/gorm/schema"
)

// Rows are all structs that name a table.
var Rows = []schema.Tabler{
	fieldKeyRow{}, keyRow{}, incidentRow{}, schemeRow{}, claimantRow{}, outletRow{}, uploadRow{}, weekRow{},
	claimRow{}, estimateRow{}, entryRow{}, eventRow{}, idempotencyRow{}, jobRow{},
	rulebookRow{}, checkRow{}, decisionRow{}, approvalRow{}, letterRow{}, requestRow{}, appealRow{}, evidenceRow{}, readRow{}, exclusionRow{}, stageRow{},
	coverRow{}, markRow{}, viewRow{}, batchRow{}, batchDecisionRow{}, qualityRow{},
}

// Raw is the connection that writes, for statements that no method makes. On
// SQLite it is the only one.
func (s *Store) Raw() *sql.DB { return s.write }

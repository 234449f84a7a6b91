package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm/schema"
)

// heldRow is a row that the log holds: the entry that tells of a change has a
// keyed hash of the rows that were written with it, by which fsck finds what was
// changed behind the log's back. Without the key nobody learns from the hash who
// of the staff is in a row, not even who may open the entry.
type heldRow interface {
	TableName() string
	// heldAs is the claim that the row belongs to, empty for none, and the name of
	// the row, within the claim where it has one. Rows of one name are held together.
	heldAs() (claim, name string)
}

// Of claims.

func (row claimRow) heldAs() (claim, name string)          { return row.ID, heldName(row) }
func (row estimateRow) heldAs() (claim, name string)       { return row.ClaimID, heldName(row, row.N) }
func (row estimateRecordRow) heldAs() (claim, name string) { return row.ClaimID, heldName(row) }
func (row checkRow) heldAs() (claim, name string)          { return row.ClaimID, heldName(row, row.Round) }
func (row decisionRow) heldAs() (claim, name string)       { return row.ClaimID, heldName(row, row.N) }
func (row approvalRow) heldAs() (claim, name string)       { return row.ClaimID, heldName(row, row.Decision) }
func (row letterRow) heldAs() (claim, name string)         { return row.ClaimID, heldName(row, row.Decision) }
func (row requestRow) heldAs() (claim, name string)        { return row.ClaimID, heldName(row, row.N) }
func (row appealRow) heldAs() (claim, name string)         { return row.ClaimID, heldName(row) }
func (row evidenceRow) heldAs() (claim, name string)       { return row.ClaimID, heldName(row, row.ID) }
func (row exclusionRow) heldAs() (claim, name string)      { return row.ClaimID, heldName(row) }
func (row coverRow) heldAs() (claim, name string)          { return row.ClaimID, heldName(row) }
func (row batchDecisionRow) heldAs() (claim, name string) {
	return row.ClaimID, heldName(row, row.Decision)
}

// Of claimants, and of neither.

func (row claimantRow) heldAs() (claim, name string) { return "", heldName(row, row.ID) }
func (row outletRow) heldAs() (claim, name string)   { return "", heldName(row, row.ClaimantID) }
func (row keyRow) heldAs() (claim, name string)      { return "", heldName(row, row.ID) }
func (row uploadRow) heldAs() (claim, name string)   { return "", heldName(row, row.ID) }
func (row incidentRow) heldAs() (claim, name string) { return "", heldName(row, row.ID) }
func (row schemeRow) heldAs() (claim, name string)   { return "", heldName(row, row.ID, row.Version) }
func (row rulebookRow) heldAs() (claim, name string) { return "", heldName(row, row.Kind, row.Version) }
func (row batchRow) heldAs() (claim, name string)    { return "", heldName(row, row.ID) }
func (row qualityRow) heldAs() (claim, name string)  { return "", heldName(row, row.ID) }

// heldName names a row by its table and what tells it from others there.
func heldName(row heldRow, by ...any) string {
	name := row.TableName()
	for _, part := range by {
		name += fmt.Sprintf("/%v", part)
	}
	return name
}

// unheld are columns that are not in the hash of their row: they change without an
// entry, or are held by a hash of their own.
var unheld = map[string][]string{
	"claims":          {"address_index", "erased_at"},
	"estimates":       {"bytes", "inputs"},
	"letters":         {"text_sealed", "pdf_sealed"},
	"quality_reviews": {"assigned_to", "lease_until"},
	"batch_decisions": {"batch_id"},
}

// schemas are those of the held rows, by type.
var schemas sync.Map

// line writes a row as JSON: its columns by name, in their order, without those
// that are null, zero or empty, so that a column that is added later does not
// change it.
func (r reader) line(ctx context.Context, row heldRow) (string, error) {
	s, err := schema.Parse(row, &schemas, r.db.NamingStrategy)
	if err != nil {
		return "", fmt.Errorf("columns of %s: %w", row.TableName(), err)
	}
	columns := map[string]any{}
	at := reflect.ValueOf(row)
	for _, field := range s.Fields {
		if slices.Contains(unheld[row.TableName()], field.DBName) {
			continue
		}
		if value, zero := field.ValueOf(ctx, at); !zero {
			columns[field.DBName] = value
		}
	}
	line, err := json.Marshal(columns)
	return string(line), err
}

// heldRows are the lines of rows by name, of one claim or of none.
type heldRows map[string][]string

func (r reader) hold(ctx context.Context, into heldRows, row heldRow) error {
	line, err := r.line(ctx, row)
	if err != nil {
		return fmt.Errorf("hold a row of %s: %w", row.TableName(), err)
	}
	_, name := row.heldAs()
	into[name] = append(into[name], line)
	return nil
}

// hash is that of all rows of one name.
func (r reader) hash(name string, lines []string) string {
	slices.Sort(lines)
	return r.Blind("row "+name, strings.Join(lines, "\n"))
}

func (r reader) hashes(rows heldRows) map[string]string {
	hashes := make(map[string]string, len(rows))
	for name, lines := range rows {
		hashes[name] = r.hash(name, lines)
	}
	return hashes
}

// Blind is a keyed hash in hexadecimal digits: equal for equal values, and nothing
// to whoever lacks the key.
func (r reader) Blind(purpose, value string) string {
	return hex.EncodeToString(r.vault.Index(purpose, value))
}

// wrote remembers rows for the entry that is to tell of them.
func wrote[T heldRow](ctx context.Context, t tx, rows ...T) error {
	held := heldRows{}
	for _, row := range rows {
		if err := t.hold(ctx, held, row); err != nil {
			return err
		}
	}
	maps.Copy(t.written, t.hashes(held))
	return nil
}

// addressHeld is the name of the address that a claim was submitted from, which an
// update of the claim leaves as it is.
const addressHeld = "claims.address_index"

func (r reader) addressHash(index []byte) string { return r.Blind("row "+addressHeld, string(index)) }

// weeksHeld is the name of the weeks of an upload.
func weeksHeld(upload string) string { return weekRow{}.TableName() + "/" + upload }

// weekSum adds up the weeks of an upload for their hash: they are the most of all
// rows, and are not written as JSON.
type weekSum struct{ hash.Hash }

func (s weekSum) add(start int64, data []byte) {
	fmt.Fprintf(s, "%d %d\n", start, len(data))
	s.Write(data)
}

func (r reader) weeksHash(upload string, sum weekSum) string {
	return r.Blind("row "+weeksHeld(upload), string(sum.Sum(nil)))
}

// rewrote is wrote of rows as they are stored now, where a statement changed a part
// of them.
func rewrote[T heldRow](ctx context.Context, t tx, where string, args ...any) error {
	rows, err := from[T](t.db).Where(where, args...).Find(ctx)
	if err != nil {
		return fmt.Errorf("read what was written: %w", err)
	}
	return wrote(ctx, t, rows...)
}

// Written hands over what was remembered since it was last asked.
func (t tx) Written() map[string]any {
	rows := make(map[string]any, len(t.written))
	for name, hash := range t.written {
		rows[name] = hash
	}
	clear(t.written)
	return rows
}

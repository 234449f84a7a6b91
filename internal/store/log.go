package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm"

	"redress/internal/auditlog"
	"redress/internal/claims"
)

type headRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	Size       int64
	Root       []byte
	Checkpoint []byte
	Cosigned   []byte
}

func (headRow) TableName() string { return "log_head" }

func (row headRow) head() auditlog.Head {
	return auditlog.Head{Size: row.Size, Root: tlog.Hash(row.Root), Checkpoint: row.Checkpoint, Cosigned: row.Cosigned}
}

type leafRow struct {
	Idx        int64 `gorm:"primaryKey;autoIncrement:false"`
	Commitment []byte
	EntryID    *string
}

func (leafRow) TableName() string { return "leaves" }

type hashRow struct {
	Idx  int64 `gorm:"primaryKey;autoIncrement:false"`
	Hash []byte
}

func (hashRow) TableName() string { return "log_hashes" }

type pendingRow struct {
	EntryID    string `gorm:"primaryKey"`
	Commitment []byte
}

func (pendingRow) TableName() string { return "entries_pending" }

// LogHead is where the log stands.
func (r reader) LogHead(ctx context.Context) (auditlog.Head, error) {
	row, err := from[headRow](r.db).First(ctx)
	if err != nil {
		return auditlog.Head{}, absent(err, "log_head", "1")
	}
	return row.head(), nil
}

// LogWaits reports whether entries wait to be sequenced.
func (r reader) LogWaits(ctx context.Context) (bool, error) {
	rows, err := from[pendingRow](r.db).Order("entry_id").Limit(1).Find(ctx)
	if err != nil {
		return false, fmt.Errorf("look for entries that wait: %w", err)
	}
	return len(rows) > 0, nil
}

// Logged finds an entry and the index of its leaf, -1 while it has none.
func (r reader) Logged(ctx context.Context, entryID string) (auditlog.Entry, int64, error) {
	row, err := from[entryRow](r.db).Where("id = ?", entryID).First(ctx)
	if err != nil {
		return auditlog.Entry{}, 0, absent(err, "entry", entryID)
	}
	leaf, err := from[leafRow](r.db).Where("entry_id = ?", entryID).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row.entry(), -1, nil
	}
	if err != nil {
		return auditlog.Entry{}, 0, fmt.Errorf("find the leaf of entry %s: %w", entryID, err)
	}
	return row.entry(), leaf.Idx, nil
}

func (row entryRow) entry() auditlog.Entry {
	return auditlog.Entry{
		ID: row.ID, Type: row.Type, Subject: row.Subject, At: fromMicros(row.At), Salt: row.Salt, Body: row.Body, Commitment: row.Commitment,
	}
}

// LogTree reads the stored leaves and hashes of the log.
func (r reader) LogTree(ctx context.Context) auditlog.Reader { return logTree{ctx, r.db} }

// logTree lives as long as the call that asked for it, whose context it keeps:
// the interfaces of the tree have none.
type logTree struct {
	ctx context.Context
	db  *gorm.DB
}

// rowsAtOnce keeps statements below SQLite's limit of parameters.
const rowsAtOnce = 8000

func (t logTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for part := range slices.Chunk(indexes, rowsAtOnce) {
		q := from[hashRow](t.db).Where("idx IN ?", part)
		if last := len(part) - 1; part[last]-part[0] == int64(last) {
			q = from[hashRow](t.db).Where("idx >= ? AND idx <= ?", part[0], part[last])
		}
		rows, err := q.Find(t.ctx)
		if err != nil {
			return nil, fmt.Errorf("read hashes of the log: %w", err)
		}
		found := make(map[int64]tlog.Hash, len(rows))
		for _, row := range rows {
			found[row.Idx] = tlog.Hash(row.Hash)
		}
		for _, idx := range part {
			h, ok := found[idx]
			if !ok {
				return nil, fmt.Errorf("hash %d of the log is not stored", idx)
			}
			hashes = append(hashes, h)
		}
	}
	return hashes, nil
}

func (t logTree) ReadLeaves(start, end int64) ([][]byte, error) {
	rows, err := from[leafRow](t.db).Where("idx >= ? AND idx < ?", start, end).Order("idx").Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("read leaves of the log: %w", err)
	}
	leaves := make([][]byte, len(rows))
	for i, row := range rows {
		if row.Idx != start+int64(i) {
			return nil, fmt.Errorf("leaf %d of the log is not stored", start+int64(i))
		}
		leaves[i] = row.Commitment
	}
	if int64(len(leaves)) != end-start {
		return nil, fmt.Errorf("leaf %d of the log is not stored", start+int64(len(leaves)))
	}
	return leaves, nil
}

// AdvanceLog runs f alone: on SQLite there is one writer; on PostgreSQL whoever
// has the head row is alone, and others pass by instead of waiting. No write of
// an entry touches that row.
func (s *Store) AdvanceLog(ctx context.Context, f func(auditlog.LogTx) error) (advanced bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context, t claims.Tx) error {
		head, err := t.(tx).lockHead(ctx, "FOR UPDATE SKIP LOCKED")
		if advanced = head != nil; err != nil || !advanced {
			return err
		}
		return f(logTx{ctx, t.(tx).reader, head.head()})
	})
	return advanced && err == nil, err
}

// CosignLog replaces the cosigned note by what merge makes of the head.
func (s *Store) CosignLog(ctx context.Context, merge func(auditlog.Head) ([]byte, error)) error {
	return s.InTx(ctx, func(ctx context.Context, t claims.Tx) error {
		head, err := t.(tx).lockHead(ctx, "FOR UPDATE")
		if err != nil {
			return err
		}
		cosigned, err := merge(head.head())
		if err != nil || cosigned == nil {
			return err
		}
		if _, err := from[headRow](t.(tx).db).Where("id = ?", head.ID).Update(ctx, "cosigned", cosigned); err != nil {
			return fmt.Errorf("keep cosignatures: %w", err)
		}
		return nil
	})
}

// lockHead reads the head and, on PostgreSQL, keeps it from others; nil when
// somebody has it whom lock does not wait for.
func (t tx) lockHead(ctx context.Context, lock string) (*headRow, error) {
	if t.db.Name() != "postgres" {
		lock = ""
	}
	var rows []headRow
	if err := t.db.WithContext(ctx).Raw("SELECT * FROM log_head WHERE id = 1 " + lock).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("lock the head of the log: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// logTx is the transaction in which the log grows.
type logTx struct {
	ctx context.Context
	reader
	head auditlog.Head
}

func (t logTx) Head() auditlog.Head { return t.head }

func (t logTx) Tree() auditlog.Reader { return t.LogTree(t.ctx) }

// Waiting lists entries by their id, which is by the time they were made.
func (t logTx) Waiting(limit int) ([]auditlog.Leaf, error) {
	rows, err := from[pendingRow](t.db).Order("entry_id").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("find entries that wait: %w", err)
	}
	leaves := make([]auditlog.Leaf, len(rows))
	for i, row := range rows {
		leaves[i] = auditlog.Leaf{EntryID: row.EntryID, Commitment: row.Commitment}
	}
	return leaves, nil
}

func (t logTx) Append(next auditlog.Head, leaves []auditlog.Leaf, hashes []tlog.Hash) error {
	if err := t.insertLeaves(leaves); err != nil {
		return fmt.Errorf("store leaves of the log: %w", err)
	}
	if err := t.insertHashes(hashes); err != nil {
		return fmt.Errorf("store hashes of the log: %w", err)
	}
	n, err := from[headRow](t.db).Where("id = 1 AND size = ?", t.head.Size).Select("size", "root", "checkpoint").
		Updates(t.ctx, headRow{Size: next.Size, Root: next.Root[:], Checkpoint: next.Checkpoint})
	return changed(n, err, "head of the log", fmt.Sprint(t.head.Size))
}

func (t logTx) insertLeaves(leaves []auditlog.Leaf) error {
	idx := t.head.Size
	for part := range slices.Chunk(leaves, rowsAtOnce) {
		rows := make([]leafRow, len(part))
		var taken []string
		for i, leaf := range part {
			rows[i] = leafRow{Idx: idx, Commitment: leaf.Commitment}
			if leaf.EntryID != "" {
				rows[i].EntryID = &leaf.EntryID
				taken = append(taken, leaf.EntryID)
			}
			idx++
		}
		if err := t.db.WithContext(t.ctx).Create(&rows).Error; err != nil {
			return err
		}
		if _, err := from[pendingRow](t.db).Where("entry_id IN ?", taken).Delete(t.ctx); err != nil {
			return err
		}
	}
	return nil
}

// insertHashes sends the hashes as one value that the database cuts: there are
// twice as many as leaves, and nothing but bytes to them.
func (t logTx) insertHashes(hashes []tlog.Hash) error {
	packed := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		packed = append(packed, h[:]...)
	}
	return t.db.WithContext(t.ctx).Exec(`INSERT INTO log_hashes (idx, hash)
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		SELECT CAST( ? AS bigint) + i, substr(CAST( ? AS `+t.blob()+`), 32 * i + 1, 32) FROM n`,
		len(hashes), tlog.StoredHashCount(t.head.Size), packed).Error // right after a parenthesis, gorm would take bytes for a list
}

// blob is the engine's name for bytes.
func (t logTx) blob() string {
	if t.db.Name() == "postgres" {
		return "bytea"
	}
	return "blob"
}

package fsck

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/publication"
)

// RecordKind tells the rows apart that one entry each speaks of.
type RecordKind string

// The kinds of record. What is ended of a sample is a record of its own.
const (
	Snapshots    RecordKind = "snapshot"
	Releases     RecordKind = "release"
	Restatements RecordKind = "restatement"
	Samples      RecordKind = "sample"
)

// Record is a row of what was sealed or published. It names the entry that speaks
// of it.
type Record struct {
	Kind       RecordKind
	IncidentID string
	Number     int64  // within the incident, without a gap; 0 for samples
	ID         string // of a sample
	EntryID    string
	Entry      *auditlog.Entry // nil where there is none
	LoggedAs   string          // the type of the entry
	Facts      map[string]any  // what the entry must say
	Bytes      []byte          // of which Hash is the hash
	Hash       string
	Leaves     *Leaves                  // of a snapshot
	Claims     map[int]publication.Hash // of a sample as drawn: the salted id of the claim that is shown for a leaf
}

// Leaves are how the leaves of a snapshot are found and what they must lead to.
type Leaves struct {
	SnapshotID string
	Root       publication.Node
}

// pageOfRecords is how many records are held at once: a release may be large.
const pageOfRecords = 20

func (r Record) place() string {
	if r.ID != "" {
		return fmt.Sprintf("%s:%s", r.Kind, r.ID)
	}
	return fmt.Sprintf("%s:%s/%d", r.Kind, r.IncidentID, r.Number)
}

// records holds what was sealed and published against the entries that speak of
// it.
func (c *check) records(ctx context.Context) error {
	for _, kind := range []RecordKind{Snapshots, Releases, Restatements, Samples} {
		for last := (Record{Kind: kind}); ; {
			page, err := c.store.Records(ctx, last, pageOfRecords)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				c.follows(last, r)
				if err := c.record(ctx, r); err != nil {
					return err
				}
				last = r
			}
		}
	}
	return c.looseRecords(ctx)
}

// follows looks for the numbers that are missing before a record.
func (c *check) follows(last, r Record) {
	next := int64(1)
	if last.IncidentID == r.IncidentID {
		next = last.Number + 1
	}
	for ; next < r.Number; next++ {
		c.find(fmt.Sprintf("%s:%s/%d", r.Kind, r.IncidentID, next), string(r.Kind)+"_missing", "Number %d is missing.", "%d번이 없습니다.", next)
	}
}

// record holds one record against its hash and its entry.
func (c *check) record(ctx context.Context, r Record) error {
	place := r.place()
	if r.Hash != hexSHA256(r.Bytes) {
		c.find(place, string(r.Kind)+"_changed", "The bytes are not those of the hash %s.", "내용이 해시 %s와 맞지 않습니다.", r.Hash)
	}
	switch {
	case r.Entry == nil:
		c.find(place, string(r.Kind)+"_without_entry", "The entry %s is missing.", "항목 %s이(가) 없습니다.", r.EntryID)
	case r.Entry.Salt != nil:
		rows := []fact{{"type", r.LoggedAs}, {"subject", r.IncidentID}}
		for name, value := range r.Facts {
			rows = append(rows, fact{name, value})
		}
		c.compare(place, string(r.Kind)+"_differs", readFacts(r.Entry.Body), rows)
	}
	if r.Claims != nil {
		c.drawn(place, r)
	}
	if r.Leaves == nil {
		return nil
	}
	return c.sealed(ctx, place, *r.Leaves)
}

// drawn holds the claims that the accountant of a sample is shown against those
// that were drawn.
func (c *check) drawn(place string, r Record) {
	var sample publication.Sample
	if err := json.Unmarshal(r.Bytes, &sample); err != nil {
		c.find(place, "sample_unreadable", "What was drawn cannot be read: %v.", "뽑은 표본을 읽을 수 없습니다: %v.", err)
		return
	}
	shown := maps.Clone(r.Claims)
	for _, d := range sample.Drawn {
		if shown[d.Index] != d.ID {
			c.find(place, "sample_claim_differs", "Leaf %d was drawn; another claim is shown for it, or none.", "%d번 잎을 뽑았으나 다른 청구를 보여 주거나 청구가 없습니다.", d.Index)
		}
		delete(shown, d.Index)
	}
	for leaf := range shown {
		c.find(place, "sample_claim_differs", "A claim is shown for leaf %d, which was not drawn.", "뽑지 않은 %d번 잎에 청구를 보여 줍니다.", leaf)
	}
}

// sealed computes the root of a snapshot anew from its leaves.
func (c *check) sealed(ctx context.Context, place string, leaves Leaves) error {
	var tree publication.Builder
	var unpacked gzip.Reader
	for part := 0; ; part++ {
		lines, err := c.store.LeafPart(ctx, leaves.SnapshotID, part)
		if fault.KindOf(err) == fault.NotFound {
			break
		}
		if err != nil {
			return err
		}
		if err := addLeaves(&tree, &unpacked, lines); err != nil {
			c.find(place, "leaves_unreadable", "Part %d of the leaves cannot be read: %v.", "잎의 %d번 묶음을 읽을 수 없습니다: %v.", part, err)
			return nil
		}
	}
	root, err := tree.Root()
	switch {
	case err != nil:
		c.find(place, "leaves_unreadable", "The leaves cannot be added up: %v.", "잎을 더할 수 없습니다: %v.", err)
	case root.Hash != leaves.Root.Hash:
		c.find(place, "leaves_differ", "The %d leaves lead to the root %s; the snapshot has %s.", "잎 %d개의 루트는 %s인데 스냅샷에는 %s(으)로 되어 있습니다.",
			root.Count, root.Hash, leaves.Root.Hash)
	case root.Sums != leaves.Root.Sums:
		c.find(place, "sums_differ", "The leaves add up to %v; the snapshot has %v.", "잎의 합계는 %v인데 스냅샷에는 %v(으)로 되어 있습니다.", root.Sums, leaves.Root.Sums)
	}
	return nil
}

func addLeaves(tree *publication.Builder, unpacked *gzip.Reader, part []byte) error {
	if err := unpacked.Reset(bytes.NewReader(part)); err != nil {
		return err
	}
	for leaf, err := range publication.ReadList(unpacked) {
		if err == nil {
			err = tree.Add(leaf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// looseRecords looks for entries that speak of records which are not there.
func (c *check) looseRecords(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.LooseRecords(ctx, after, pageOfEntries)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			c.find("entry:"+e.ID, "record_missing", "The log says %s of %s, and there is no such row.", "로그에 %[2]s의 %[1]s이(가) 있으나 그런 행이 없습니다.", e.Type, e.Subject)
		}
		after = page[len(page)-1].ID
	}
}

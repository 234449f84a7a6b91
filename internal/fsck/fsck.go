// Package fsck holds a database against its own log: every row that an entry
// speaks of must say what the entry says, and the entries must be the leaves of
// the tree that is signed. It trusts nothing but the keys of the log, so it finds
// what was changed behind the service's back, and names it.
package fsck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/lang"
)

// Store hands over the rows as they are stored. Lists are pages: at most limit
// rows after the given position, in its order; the last page is empty.
type Store interface {
	auditlog.LogReader
	// LogGaps answers the first of each run of leaves and of hashes that are
	// missing below the given counts, and how many rows there are at or above them.
	LogGaps(ctx context.Context, leaves, hashes int64) (Gaps, error)
	// LoggedEntries lists leaves from an index on, each with its entry.
	LoggedEntries(ctx context.Context, from int64, limit int) ([]Logged, error)
	// UnloggedEntries lists entries that are no leaf, by id.
	UnloggedEntries(ctx context.Context, after string, limit int) ([]Unlogged, error)
	// LooseEntries lists entries about claims that no event refers to, by id.
	LooseEntries(ctx context.Context, after string, limit int) ([]auditlog.Entry, error)
	// LostClaims lists the ids of claims that events refer to and that are not there.
	LostClaims(ctx context.Context, after string, limit int) ([]string, error)
	// ClaimFiles lists claims by id, each with all that the log speaks of.
	ClaimFiles(ctx context.Context, after string, limit int) ([]Claim, error)
	// ProvesKey reports whether the key of the keyed hashes is this database's.
	ProvesKey(ctx context.Context) (bool, error)
	// ClaimantFiles lists claimants by id, each with all that the log speaks of.
	ClaimantFiles(ctx context.Context, after string, limit int) ([]Claimant, error)
	// LostPeople lists the names of claimants and keys that entries speak of and that
	// are not there.
	LostPeople(ctx context.Context, after string, limit int) ([]string, error)
	// HeldRows hands over the keyed hashes of rows that belong to neither claim nor
	// claimant, by name.
	HeldRows(ctx context.Context, visit func(name, hash string)) error
	// Documents lists all schemes, rulebooks, incidents and batches.
	Documents(ctx context.Context) ([]Document, error)
	// Records lists records of the kind of the given one that follow it, by incident
	// and number or, for samples, by id.
	Records(ctx context.Context, after Record, limit int) ([]Record, error)
	// LooseRecords lists entries about records that no row refers to, by id.
	LooseRecords(ctx context.Context, after string, limit int) ([]auditlog.Entry, error)
	// LeafPart finds a part of the leaves of a snapshot, from 0 on: lines of the leaf
	// list, compressed with gzip.
	LeafPart(ctx context.Context, snapshotID string, part int) ([]byte, error)
}

// Gaps are where leaves and hashes are missing, or too many.
type Gaps struct {
	Leaves, Hashes           []int64
	LeavesBeyond, HashesMore int64
}

// Logged is a leaf. Entry is nil where there is none; EntryID is then empty where
// the entry is known to be lost.
type Logged struct {
	Index      int64
	Commitment []byte
	EntryID    string
	Entry      *auditlog.Entry
}

// Unlogged is an entry that is no leaf.
type Unlogged struct {
	auditlog.Entry
	Waits bool // to become one
}

// Document is what is logged whole, by its hash, or by version and state.
type Document struct {
	Place    string // "scheme:fair/2"
	LoggedAs string // the type of the entry that published it, or the beginning of the types that changed it
	Subject  string
	Facts    map[string]any // what the newest entry about it must say
	Bytes    []byte         // of which Facts has the hash; nil for what is not hashed
}

const (
	pageOfEntries = 4096
	pageOfClaims  = 200
	// maxFindings bounds what is listed; what there is more is counted.
	maxFindings = 500
	// patience is how long an entry may wait to become a leaf before that is odd.
	patience = time.Minute
)

// Report is what was looked at and what was found. Each finding's pointer names
// the row, its code the kind of finding.
type Report struct {
	Findings []fault.Field
	More     int // findings that are not listed
	Head     auditlog.Head
	Claims   int
	Entries  int64
	Erased   int64 // entries whose salt and body were erased
	Lost     int64 // leaves taken over from a published log, whose entries are lost
	Waiting  int64
}

// Run looks at everything. published is a signed checkpoint that the log must
// extend; nil where none is known.
func Run(ctx context.Context, store Store, keys auditlog.Keys, published []byte, now time.Time) (Report, error) {
	c := &check{store: store, keys: keys, published: published, now: now, documents: map[string][]facts{}, gone: map[string]int64{}, erasures: map[string]facts{}, said: newSaying()}
	for _, part := range []func(context.Context) error{c.key, c.head, c.leaves, c.unlogged, c.tree, c.extends, c.loose, c.lost, c.claims, c.erased, c.claimants, c.others, c.held, c.records} {
		if err := part(ctx); err != nil {
			return Report{}, err
		}
	}
	return c.Report, nil
}

type check struct {
	Report
	store     Store
	keys      auditlog.Keys
	published []byte
	now       time.Time
	documents map[string][]facts // what entries say of documents, by subject
	gone      map[string]int64   // erased entries by subject, those of claims by their claimant
	erasures  map[string]facts   // what entries say of claimants who were erased
	said      saying             // of rows that belong to neither claim nor claimant
	whole     bool               // the first entry of the log says rows already
	broken    bool               // leaves or hashes are missing
	keyless   bool               // keyed hashes cannot be made
}

func (c *check) find(pointer, code, en, ko string, args ...any) {
	if len(c.Findings) == maxFindings {
		c.More++
		return
	}
	c.Findings = append(c.Findings, fault.Field{Pointer: pointer, Code: code, Detail: lang.F(en, ko, args...)})
}

// head holds the head against the checkpoint that was signed for it.
func (c *check) head(ctx context.Context) (err error) {
	c.Head, err = c.store.LogHead(ctx)
	if fault.KindOf(err) == fault.NotFound {
		c.find("head", "head_missing", "The log has no head.", "로그의 헤드가 없습니다.")
	} else if err != nil {
		return err
	}
	gaps, err := c.store.LogGaps(ctx, c.Head.Size, tlog.StoredHashCount(c.Head.Size))
	if err != nil {
		return err
	}
	for _, i := range gaps.Leaves {
		c.find(fmt.Sprintf("leaf:%d", i), "leaf_missing", "Leaf %d is missing.", "%d번 리프가 없습니다.", i)
	}
	for _, i := range gaps.Hashes {
		c.find(fmt.Sprintf("hash:%d", i), "hash_missing", "Stored hash %d is missing.", "저장된 해시 %d번이 없습니다.", i)
	}
	c.broken = len(gaps.Leaves)+len(gaps.Hashes) > 0
	if gaps.LeavesBeyond > 0 || gaps.HashesMore > 0 {
		c.find("head", "head_behind", "%d leaves and %d hashes are stored beyond the %d entries that the head has.",
			"헤드의 항목 수(%[3]d개)를 넘는 리프 %[1]d개와 해시 %[2]d개가 저장되어 있습니다.", gaps.LeavesBeyond, gaps.HashesMore, c.Head.Size)
	}
	if _, err := c.keys.Open(c.Head.Cosigned); c.Head.Cosigned != nil && err != nil {
		c.find("head", "cosigned_unsigned", "What the witnesses have signed is not signed by the log.", "목격자가 서명한 것에 로그의 서명이 없습니다.")
	}
	if c.Head.Checkpoint == nil {
		if c.Head.Size > 0 {
			c.find("head", "head_unsigned", "There is no signed checkpoint of the %d entries.", "항목 %d개에 대한 서명된 체크포인트가 없습니다.", c.Head.Size)
		}
		return nil
	}
	signed, err := c.keys.Open(c.Head.Checkpoint)
	if f := fault.As(err); f != nil {
		c.Findings = append(c.Findings, fault.Field{Pointer: "head", Code: f.Code, Detail: f.Detail})
		return nil
	}
	if err != nil {
		return err
	}
	if signed.TreeSize != c.Head.Size || signed.RootHash != c.Head.Root {
		c.find("head", "head_unsigned", "The head has %d entries and another root than the checkpoint, which is signed over %d.",
			"헤드의 항목은 %d개이며, 항목 %d개에 서명된 체크포인트와 루트가 다릅니다.", c.Head.Size, signed.TreeSize)
	}
	return nil
}

// leaves holds every leaf against its entry, and every entry against what it
// commits to.
func (c *check) leaves(ctx context.Context) error {
	for from := int64(0); ; {
		page, err := c.store.LoggedEntries(ctx, from, pageOfEntries)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, leaf := range page {
			place := fmt.Sprintf("leaf:%d", leaf.Index)
			switch {
			case leaf.Entry == nil && leaf.EntryID == "":
				c.Lost++
				continue
			case leaf.Entry == nil:
				c.find(place, "leaf_without_entry", "The entry %[2]s of leaf %[1]d is missing.", "%d번 리프의 항목 %s이(가) 없습니다.", leaf.Index, leaf.EntryID)
				continue
			case !bytes.Equal(leaf.Commitment, leaf.Entry.Commitment):
				c.find(place, "leaf_differs", "Leaf %d is not the commitment of its entry %s.", "%d번 리프가 그 항목 %s의 커밋먼트가 아닙니다.", leaf.Index, leaf.EntryID)
			}
			c.entry(*leaf.Entry)
		}
		from = page[len(page)-1].Index + 1
	}
}

// entry holds an entry against what it commits to, and remembers what it says of
// a document.
func (c *check) entry(e auditlog.Entry) {
	c.Entries++
	if e.Salt == nil {
		c.Erased++
		c.gone[e.Subject]++
		return
	}
	place := "entry:" + e.ID
	if !e.Opens() {
		c.find(place, "entry_changed", "The entry's salt and body are not what its commitment commits to.", "항목의 솔트와 본문이 커밋먼트와 맞지 않습니다.")
		return
	}
	said, err := auditlog.OpenEntry(e.Salt, e.Body)
	if err != nil {
		c.find(place, "entry_malformed", "The entry's body cannot be read.", "항목의 본문을 읽을 수 없습니다.")
		return
	}
	if said.ID != e.ID || said.Type != e.Type || said.Subject != e.Subject || !said.At.Equal(e.At) {
		c.find(place, "entry_relabelled", "The row says %s of %s at %s; the entry commits to %s of %s at %s.",
			"행에는 %[2]s의 %[1]s(%[3]s)로 되어 있으나, 항목이 확정한 것은 %[5]s의 %[4]s(%[6]s)입니다.",
			e.Type, e.Subject, stamp(e.At), said.Type, said.Subject, stamp(said.At))
	}
	if aboutClaim(said.Type) {
		return // is held against its event
	}
	told := readFacts(e.Body)
	if said.Type == claimantErased {
		c.erasures[said.Subject] = told
	}
	if aboutDocument(said.Type) {
		c.documents[said.Subject] = append(c.documents[said.Subject], told)
	}
	c.whole = c.whole || c.Entries == 1 && told.has("rows")
	c.said.tell(told, ofNobody(told))
}

// unlogged looks at the entries that are no leaf.
func (c *check) unlogged(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.UnloggedEntries(ctx, after, pageOfEntries)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			c.entry(e.Entry)
			switch waited := c.now.Sub(e.At); {
			case !e.Waits:
				c.find("entry:"+e.ID, "entry_dropped", "The entry is neither a leaf nor waiting to become one.", "항목이 리프도 아니고 대기 중도 아닙니다.")
			case waited > patience:
				c.Waiting++
				c.find("entry:"+e.ID, "entry_unsequenced", "The entry waits since %s to become a leaf; is the log running?",
					"항목이 %s부터 리프가 되기를 기다리고 있습니다. 로그가 동작하고 있습니까?", stamp(e.At))
			default:
				c.Waiting++
			}
		}
		after = page[len(page)-1].ID
	}
}

// tree computes the tree anew from the leaves.
func (c *check) tree(ctx context.Context) error {
	if c.broken {
		return nil // said already, and the tree cannot be computed
	}
	root, err := auditlog.VerifyStored(c.Head.Size, c.store.LogTree(ctx))
	if f := fault.As(err); f != nil {
		for _, field := range f.Fields {
			c.find(field.Pointer, field.Code, "%s", "%s", field.Detail)
		}
	} else if err != nil {
		return err
	}
	if root != c.Head.Root {
		c.find("head", "root_wrong", "The %d leaves do not lead to the root of the head.", "리프 %d개가 헤드의 루트에 이르지 않습니다.", c.Head.Size)
	}
	return nil
}

// extends holds the tree against what was published.
func (c *check) extends(ctx context.Context) error {
	if c.published == nil || c.broken {
		return nil
	}
	last, err := c.keys.Open(c.published)
	if err == nil {
		now := auditlog.Checkpoint{Origin: c.keys.Origin(), TreeSize: c.Head.Size, RootHash: c.Head.Root}
		err = auditlog.Extends(last.Checkpoint, now, c.store.LogTree(ctx))
	}
	if f := fault.As(err); f != nil {
		c.Findings = append(c.Findings, fault.Field{Pointer: "published", Code: f.Code, Detail: f.Detail})
		return nil
	}
	return err
}

func (c *check) loose(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.LooseEntries(ctx, after, pageOfEntries)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			c.find("entry:"+e.ID, "entry_without_event", "The entry says that %s happened to claim %s; no event does.",
				"항목은 청구 %[2]s에 %[1]s이(가) 있었다고 하지만 그런 이벤트가 없습니다.", e.Type, e.Subject)
		}
		after = page[len(page)-1].ID
	}
}

func (c *check) lost(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.LostClaims(ctx, after, pageOfEntries)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, id := range page {
			c.find("claim:"+id, "claim_missing", "There are events of the claim; the claim itself is missing.", "청구의 이벤트는 있으나 청구가 없습니다.")
		}
		after = page[len(page)-1]
	}
}

func (c *check) claims(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.ClaimFiles(ctx, after, pageOfClaims)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, claim := range page {
			c.claim(claim)
		}
		c.Claims += len(page)
		after = page[len(page)-1].ID
	}
}

// held holds documents against the entries that published and changed them.
func (c *check) held(ctx context.Context) error {
	documents, err := c.store.Documents(ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, d := range documents {
		if hash, _ := d.Facts["hash"].(string); d.Bytes != nil && hash != hexSHA256(d.Bytes) {
			c.find(d.Place, "document_changed", "The bytes are not those of the hash %s beside them.", "내용이 옆에 적힌 해시 %s와 맞지 않습니다.", hash)
		}
		said := c.newest(d, there)
		if said == nil {
			c.find(d.Place, "document_unlogged", "No entry of the log speaks of it.", "로그에 이에 관한 항목이 없습니다.")
			continue
		}
		for name, value := range d.Facts {
			if got, ok := said[name]; ok && !same(got, value) {
				c.find(d.Place, "document_differs", "%s is %v; the log says %v.", "%s이(가) %v인데 로그에는 %v(으)로 되어 있습니다.", name, value, got)
			}
		}
	}
	for _, all := range c.documents {
		for _, said := range all {
			if id := said.text("id"); !there[id] {
				c.find("entry:"+id, "document_missing", "The log says %s of %s (version %v), and there is no such row.",
					"로그에 %[2]s의 %[1]s(버전 %[3]v)이(가) 있으나 그런 행이 없습니다.", said.text("type"), said.text("subject"), said["version"])
			}
		}
	}
	return nil
}

// newest is what the newest entry says of a document; of one that has hashed
// versions, the entry of its version. It marks every entry that speaks of it.
func (c *check) newest(d Document, there map[string]bool) facts {
	var found facts
	newest := int64(-1)
	for _, said := range c.documents[d.Subject] {
		if !said.is(d.LoggedAs) || d.Bytes != nil && !same(said["version"], d.Facts["version"]) {
			continue
		}
		there[said.text("id")] = true
		if version, _ := said.number("version"); version > newest {
			found, newest = said, version
		}
	}
	return found
}

// Err is nil when nothing was found.
func (r Report) Err() error {
	if len(r.Findings) == 0 {
		return nil
	}
	return errors.New(r.summary().EN)
}

func (r Report) summary() lang.Text {
	return lang.F("%d finding(s), %d of them listed", "문제 %d건, 그중 %d건 표시", len(r.Findings)+r.More, len(r.Findings))
}

// Statements say in words what was looked at, what holds, and what cannot be
// known from the database alone.
func (r Report) Statements() []lang.Text {
	texts := []lang.Text{lang.F("%d claims, %d entries, a log of %d leaves were looked at.", "청구 %d건, 항목 %d개, 리프 %d개의 로그를 확인했습니다.", r.Claims, r.Entries, r.Head.Size)}
	if len(r.Findings) == 0 {
		texts = append(texts, lang.T(
			"Every row that the log speaks of says what the log says; every entry opens its commitment; the leaves lead to the signed root.",
			"로그가 말하는 모든 행이 로그와 일치하고, 모든 항목이 커밋먼트와 맞으며, 리프가 서명된 루트에 이릅니다."))
	} else {
		texts = append(texts, r.summary())
	}
	if r.Erased > 0 {
		texts = append(texts, lang.F("%d entries were erased: their commitments are in the log, what they said is gone, and rows are held against what is left.",
			"항목 %d개는 내용이 지워졌습니다. 커밋먼트는 로그에 있으나 내용은 없으므로 남은 것만 대조했습니다.", r.Erased))
	}
	if r.Lost > 0 {
		texts = append(texts, lang.F("%d leaves were taken over from the published log after a restore; their entries are lost.",
			"복구 뒤 공개된 로그에서 넘겨받은 리프 %d개는 항목이 남아 있지 않습니다.", r.Lost))
	}
	if r.Waiting > 0 {
		texts = append(texts, lang.F("%d entries wait to become leaves.", "항목 %d개가 리프가 되기를 기다리고 있습니다.", r.Waiting))
	}
	return append(texts, lang.T(
		"A database cannot show that it is the newest: hold the published log against earlier checkpoints (verify log --previous) to know that nothing was removed with its entry.",
		"데이터베이스만으로는 이것이 최신인지 알 수 없습니다. 항목째 지워진 것이 없는지는 공개된 로그를 이전 체크포인트와 대조해야 알 수 있습니다(verify log --previous)."))
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

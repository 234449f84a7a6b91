package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// Head is where a log stands. Root is that of the tree of Size leaves.
type Head struct {
	Size       int64
	Root       tlog.Hash
	Checkpoint []byte // the signed note of this size; nil before the first
	Cosigned   []byte // the newest signed note that witnesses have signed, too; nil before the first
}

// Published is the signed note that readers get: the newest, with the signatures
// of the witnesses once they have signed it.
func (h Head) Published() []byte {
	if h.Cosigned != nil && bytes.Equal(textOf(h.Cosigned), textOf(h.Checkpoint)) {
		return h.Cosigned
	}
	return h.Checkpoint
}

// Leaf is one entry on its way into the log. EntryID is empty where the entry
// itself was lost.
type Leaf struct {
	EntryID    string
	Commitment []byte
}

// LogReader is where a log is read.
type LogReader interface {
	LogHead(ctx context.Context) (Head, error)
	// LogTree reads the stored leaves and hashes.
	LogTree(ctx context.Context) Reader
	// Logged finds an entry and the index of its leaf, -1 while it has none. What
	// is absent is a fault of kind NotFound.
	Logged(ctx context.Context, entryID string) (Entry, int64, error)
}

// LogStore is where a log is kept. Entries are written elsewhere, each with what
// it is about, and wait until they are sequenced.
type LogStore interface {
	LogReader
	// LogWaits reports whether entries wait to be sequenced.
	LogWaits(ctx context.Context) (bool, error)
	// AdvanceLog runs f in one transaction, alone among all processes; it answers
	// false without running f where another process is at work. f may run more than
	// once.
	AdvanceLog(ctx context.Context, f func(tx LogTx) error) (bool, error)
	// CosignLog replaces the cosigned note by what merge makes of the head, unless
	// that is nil.
	CosignLog(ctx context.Context, merge func(Head) ([]byte, error)) error
}

// LogTx is the transaction in which a log grows.
type LogTx interface {
	Head() Head
	Tree() Reader
	// Waiting lists at most limit of the entries that wait, oldest first.
	Waiting(limit int) ([]Leaf, error)
	// Append stores leaves, whose entries wait no longer, with the hashes that they
	// add to the tree, and the head that they lead to.
	Append(next Head, leaves []Leaf, hashes []tlog.Hash) error
}

const (
	// integrateEvery bounds how long an entry waits for its leaf, together with the
	// time that a batch takes.
	integrateEvery = 400 * time.Millisecond
	// maxBatch bounds how long integrating may hold SQLite's writer.
	maxBatch = 2048
	// complainEvery is how often a log that has stopped says so.
	complainEvery = time.Minute
)

// LogOptions are what a log may have besides its store and its key.
type LogOptions struct {
	Keys      string     // the file of keys, as it is served
	Directory *Directory // where it is published as files; nil for nowhere
	Client    *http.Client
	Log       *slog.Logger
	// WitnessEvery is the least time from one round of the witnesses to the next.
	WitnessEvery time.Duration
}

// Log sequences the entries that wait, signs checkpoints, has them cosigned and
// publishes them. Any number of processes may run the log of one store.
type Log struct {
	store  LogStore
	signer Signer
	LogOptions
	witnessed chan struct{} // says that there is a checkpoint to be cosigned
	sizes     []int64       // what each witness cosigned last, as far as this process knows
	submitted int64         // size of the checkpoint that every witness has cosigned
	published Head          // what the directory holds

	mu      sync.Mutex
	newest  []byte // the newest checkpoint that this process has signed
	stopped error
}

// NewLog makes the log of a store that signer signs.
func NewLog(store LogStore, signer Signer, o LogOptions) *Log {
	return &Log{
		store: store, signer: signer, LogOptions: o, witnessed: make(chan struct{}, 1), sizes: make([]int64, len(signer.keys.witnesses)), submitted: -1,
	}
}

// Check refuses keys that do not belong to the log that is stored.
func (l *Log) Check(ctx context.Context) error {
	head, err := l.store.LogHead(ctx)
	if err != nil || head.Checkpoint == nil {
		return err
	}
	if _, err := l.signer.keys.Open(head.Checkpoint); err != nil {
		return fmt.Errorf("these are not the keys of the log in this database; put its log.key and log.keys back (new ones were made if they were missing: remove them): %w", err)
	}
	return nil
}

// Stopped is why the log signs nothing any more, nil while it does.
func (l *Log) Stopped() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// stop stops the log for good if err says that it would contradict what was
// published before; anything else may pass by itself.
func (l *Log) stop(err error) {
	if f := fault.As(err); f == nil || f.Kind == fault.Unavailable {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped == nil {
		l.stopped = err
	}
}

// Run runs the log until the context ends. Once it finds that it would contradict
// what was published before, it signs and publishes nothing more, and says so
// again and again.
func (l *Log) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	if l.signer.keys.submits() {
		l.cosign(ctx) // witnesses remember what a restored database has forgotten
		working.Go(func() { l.cosignAll(ctx) })
	}
	tick := time.NewTicker(integrateEvery)
	defer tick.Stop()
	for {
		if err := l.turn(ctx); err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "the log did not advance", slog.String("error", err.Error()))
		}
		if l.Stopped() != nil {
			l.complain(ctx)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *Log) complain(ctx context.Context) {
	tick := time.NewTicker(complainEvery)
	defer tick.Stop()
	for {
		l.Log.ErrorContext(ctx, "THE LOG HAS STOPPED: it signs and publishes nothing, because it would contradict what was published before",
			slog.String("origin", l.signer.keys.origin), slog.String("error", l.Stopped().Error()))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// turn sequences everything that waits and publishes it.
func (l *Log) turn(ctx context.Context) error {
	for l.Stopped() == nil {
		n, err := l.Integrate(ctx)
		if err != nil {
			return err
		}
		if n < maxBatch {
			break
		}
	}
	if l.Stopped() != nil {
		return nil
	}
	return l.publish(ctx)
}

// Integrate sequences at most one batch of the entries that wait and signs the
// checkpoint over them, all in one transaction. It answers how many it took.
func (l *Log) Integrate(ctx context.Context) (int, error) {
	waits, err := l.store.LogWaits(ctx)
	if err != nil || !waits {
		return 0, err
	}
	// Read before the transaction: whatever is published by then is committed.
	known, err := l.known()
	if err != nil {
		return 0, err
	}
	var taken int
	var next Head
	advanced, err := l.store.AdvanceLog(ctx, func(tx LogTx) error {
		leaves, err := tx.Waiting(maxBatch)
		if taken = len(leaves); err != nil || taken == 0 {
			return err
		}
		next, err = l.append(tx, leaves, known)
		return err
	})
	if err != nil {
		l.stop(err)
		return 0, err
	}
	if !advanced || taken == 0 {
		return 0, nil
	}
	l.mu.Lock()
	l.newest = next.Checkpoint
	l.mu.Unlock()
	l.submit()
	return taken, nil
}

// append makes entries the next leaves under a signed checkpoint.
func (l *Log) append(tx LogTx, leaves []Leaf, known [][]byte) (Head, error) {
	head, tree := tx.Head(), tx.Tree()
	commitments := make([][]byte, len(leaves))
	for i, leaf := range leaves {
		commitments[i] = leaf.Commitment
	}
	hashes, root, err := Integrate(head.Size, commitments, tree)
	if err != nil {
		return Head{}, err
	}
	if head.Checkpoint != nil {
		known = append(known, head.Checkpoint)
	}
	next := Head{Size: head.Size + int64(len(leaves)), Root: root}
	next.Checkpoint, err = l.signer.Sign(next.Size, grown{tree, tlog.StoredHashCount(head.Size), hashes}, known...)
	if err != nil {
		return Head{}, err
	}
	return next, tx.Append(next, leaves, hashes)
}

// known are the checkpoints that were published, as far as this process can tell
// without the store.
func (l *Log) known() ([][]byte, error) {
	var all [][]byte
	l.mu.Lock()
	if l.newest != nil {
		all = append(all, l.newest)
	}
	l.mu.Unlock()
	if l.Directory == nil {
		return all, nil
	}
	last, err := l.Directory.Checkpoint()
	if last != nil {
		all = append(all, last)
	}
	return all, err
}

// grown is a tree with hashes that are about to be stored.
type grown struct {
	tlog.HashReader
	first  int64 // index of the first of them
	hashes []tlog.Hash
}

func (g grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	var stored []int64
	for i, x := range indexes {
		switch at := x - g.first; {
		case at < 0:
			stored = append(stored, x)
		case at < int64(len(g.hashes)):
			all[i] = g.hashes[at]
		default:
			return nil, fmt.Errorf("hash %d is beyond the tree", x)
		}
	}
	if len(stored) == 0 {
		return all, nil
	}
	old, err := g.HashReader.ReadHashes(stored)
	if err != nil {
		return nil, err
	}
	if len(old) != len(stored) {
		return nil, fmt.Errorf("%d of %d stored hashes", len(old), len(stored))
	}
	for i, x := range indexes {
		if x < g.first {
			all[i], old = old[0], old[1:]
		}
	}
	return all, nil
}

// publish brings the directory to where the log stands, whoever advanced it.
func (l *Log) publish(ctx context.Context) error {
	if l.Directory == nil {
		return nil
	}
	head, err := l.store.LogHead(ctx)
	if err != nil || head.Checkpoint == nil {
		return err
	}
	if bytes.Equal(head.Checkpoint, l.published.Checkpoint) && bytes.Equal(head.Cosigned, l.published.Cosigned) {
		return nil
	}
	if err := l.Directory.Publish(ctx, l.store, l.signer.keys, l.Keys); err != nil {
		l.stop(err)
		return fmt.Errorf("publish the log: %w", err)
	}
	l.published = head
	return nil
}

// Adopt appends the leaves of a published log that is ahead of the store, as one
// is after an older database was restored, and answers how many. Entries that
// still wait keep their published leaf; of the others only the commitment is
// left. The published log is verified whole first.
func (l *Log) Adopt(ctx context.Context, published *Directory) (adopted, lost int, err error) {
	var commitments [][]byte
	signed, err := VerifyTree(published.FS(), l.signer.keys, nil, func(_ int64, c []byte) { commitments = append(commitments, bytes.Clone(c)) })
	if err != nil {
		return 0, 0, err
	}
	advanced, err := l.store.AdvanceLog(ctx, func(tx LogTx) error {
		if head := tx.Head(); head.Size < signed.TreeSize {
			adopted, lost, err = adopt(tx, signed, commitments[head.Size:])
			return err
		}
		return fault.New(fault.Conflict, "log_not_behind", "The published log has %d entries, this one has no fewer; there is nothing to take over.",
			"공개된 로그의 항목은 %d개이며 이 로그보다 많지 않습니다. 넘겨받을 것이 없습니다.", signed.TreeSize)
	})
	if err == nil && !advanced {
		err = errors.New("a server is advancing the log; stop it first")
	}
	return adopted, lost, err
}

func adopt(tx LogTx, signed Signed, commitments [][]byte) (adopted, lost int, err error) {
	head := tx.Head()
	hashes, root, err := Integrate(head.Size, commitments, tx.Tree())
	if err != nil {
		return 0, 0, err
	}
	if root != signed.RootHash {
		return 0, 0, fault.New(fault.Conflict, "log_forked", "The published log of %d entries does not begin with the %d of this one.",
			"항목 %d개의 공개된 로그가 이 로그의 %d개로 시작하지 않습니다.", signed.TreeSize, head.Size)
	}
	waiting, err := tx.Waiting(maxTreeSize)
	if err != nil {
		return 0, 0, err
	}
	ids := map[string]string{}
	for _, leaf := range waiting {
		ids[string(leaf.Commitment)] = leaf.EntryID
	}
	leaves := make([]Leaf, len(commitments))
	for i, c := range commitments {
		leaves[i] = Leaf{ids[string(c)], c}
		if leaves[i].EntryID == "" {
			lost++
		}
	}
	return len(leaves), lost, tx.Append(Head{Size: signed.TreeSize, Root: root, Checkpoint: signed.Note}, leaves, hashes)
}

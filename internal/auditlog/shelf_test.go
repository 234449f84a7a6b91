package auditlog_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/fault"
)

// shelf is a store of a log in memory, with entries that wait.
type shelf struct {
	mu      sync.Mutex
	tree    memory
	head    auditlog.Head
	waiting []auditlog.Leaf
	entries map[string]auditlog.Entry
	index   map[string]int64
	fail    error // of the next transaction, after everything was done in it
}

func newShelf() *shelf {
	return &shelf{head: auditlog.Head{Root: emptyRoot}, entries: map[string]auditlog.Entry{}, index: map[string]int64{}}
}

var emptyRoot = func() tlog.Hash {
	root, err := tlog.TreeHash(0, nil)
	if err != nil {
		panic(err)
	}
	return root
}()

// write adds n entries and returns their ids.
func (s *shelf) write(t testing.TB, n int) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for range n {
		e, err := auditlog.NewEntry("claim.filed", "claim", time.Unix(0, 0), map[string]any{"n": len(s.entries)})
		if err != nil {
			t.Fatal(err)
		}
		s.entries[e.ID] = e
		s.waiting = append(s.waiting, auditlog.Leaf{EntryID: e.ID, Commitment: e.Commitment})
		ids = append(ids, e.ID)
	}
	return ids
}

// copy is a backup of the store.
func (s *shelf) copy() *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := newShelf()
	c.tree, c.head, c.waiting = *s.tree.clone(), s.head, slices.Clone(s.waiting)
	for id, e := range s.entries {
		c.entries[id] = e
	}
	for id, i := range s.index {
		c.index[id] = i
	}
	return c
}

func (s *shelf) LogHead(context.Context) (auditlog.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

func (s *shelf) LogTree(context.Context) auditlog.Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.clone()
}

func (s *shelf) Logged(_ context.Context, id string) (auditlog.Entry, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok {
		return auditlog.Entry{}, 0, fault.New(fault.NotFound, "entry_not_found", "none", "없음")
	}
	i, ok := s.index[id]
	if !ok {
		i = -1
	}
	return e, i, nil
}

func (s *shelf) LogWaits(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0, nil
}

func (s *shelf) AdvanceLog(_ context.Context, f func(auditlog.LogTx) error) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &shelfTx{s, s.head, *s.tree.clone(), nil}
	err := f(tx)
	if err == nil {
		err, s.fail = s.fail, nil
	}
	if err != nil {
		return false, err
	}
	for i, leaf := range tx.leaves {
		s.index[leaf.EntryID] = s.head.Size + int64(i)
		s.waiting = slices.DeleteFunc(s.waiting, func(w auditlog.Leaf) bool { return w.EntryID == leaf.EntryID })
	}
	s.head, s.tree = tx.head, tx.tree
	return true, nil
}

func (s *shelf) CosignLog(_ context.Context, merge func(auditlog.Head) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	note, err := merge(s.head)
	if err == nil && note != nil {
		s.head.Cosigned = note
	}
	return err
}

type shelfTx struct {
	*shelf
	head   auditlog.Head
	tree   memory
	leaves []auditlog.Leaf
}

func (t *shelfTx) Head() auditlog.Head   { return t.head }
func (t *shelfTx) Tree() auditlog.Reader { return &t.tree }

func (t *shelfTx) Waiting(limit int) ([]auditlog.Leaf, error) {
	return slices.Clone(t.waiting[:min(limit, len(t.waiting))]), nil
}

func (t *shelfTx) Append(next auditlog.Head, leaves []auditlog.Leaf, hashes []tlog.Hash) error {
	cosigned := t.head.Cosigned
	t.head, t.leaves = next, leaves
	t.head.Cosigned = cosigned
	t.tree.hashes = append(t.tree.hashes, hashes...)
	for _, leaf := range leaves {
		t.tree.leaves = append(t.tree.leaves, leaf.Commitment)
	}
	return nil
}

package claims

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"iter"

	"redress/internal/publication"
)

// leafList reads the leaves of a snapshot, as often as it is asked to. err is what
// stopped it, and must be looked at afterwards.
type leafList struct {
	reader   Reader
	ctx      context.Context // of the call that asked for it; the list does not outlive that
	snapshot Snapshot
	err      error
}

func (s *Service) leaves(ctx context.Context, snapshot Snapshot) *leafList {
	return &leafList{reader: s.store, ctx: ctx, snapshot: snapshot}
}

// all are the leaves in their order.
func (l *leafList) all() iter.Seq[publication.Leaf] {
	return func(yield func(publication.Leaf) bool) {
		var unpacked gzip.Reader
		for part, err := range parts(l.ctx, l.reader, l.snapshot) {
			if err == nil {
				err = unpacked.Reset(bytes.NewReader(part))
			}
			if err != nil {
				l.err = err
				return
			}
			for leaf, err := range publication.ReadList(&unpacked) {
				if err != nil {
					l.err = fmt.Errorf("leaves of snapshot %s: %w", l.snapshot.ID, err)
					return
				}
				if !yield(leaf) {
					return
				}
			}
		}
	}
}

// sound are all leaves. Once they were read to the end, err tells if they do not
// lead to the root and the sums of the snapshot.
func (l *leafList) sound() iter.Seq[publication.Leaf] {
	return func(yield func(publication.Leaf) bool) {
		var tree publication.Builder
		for leaf := range l.all() {
			if l.err = tree.Add(leaf); l.err != nil || !yield(leaf) {
				return
			}
		}
		if l.err != nil {
			return
		}
		root, err := tree.Root()
		if err == nil && (root.Hash != l.snapshot.Root || root.Sums != *l.snapshot.Sums) {
			err = fmt.Errorf("the leaves of snapshot %s do not lead to its root; run fsck", l.snapshot.ID)
		}
		l.err = err
	}
}

// parts are the stored parts of a snapshot's leaves, up to the first error.
func parts(ctx context.Context, r Reader, snapshot Snapshot) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for n := 0; ; n++ {
			part, err := r.LeafPart(ctx, snapshot.ID, n)
			if isNotFound(err) || !yield(part, err) || err != nil {
				return
			}
		}
	}
}

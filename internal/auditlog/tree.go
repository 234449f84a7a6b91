package auditlog

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// maxTreeSize keeps the index arithmetic of a tree within 64 bits.
const maxTreeSize = 1 << 60

// emptyRoot is the root of a tree without leaves (RFC 6962, section 2.1).
var emptyRoot tlog.Hash = sha256.Sum256(nil)

// Reader is what a log has stored: the hashes of its tree, by their dense index
// (tlog.StoredHashIndex), and its leaves.
type Reader interface {
	tlog.HashReader
	// ReadLeaves returns the commitments of entries start to end, half-open.
	ReadLeaves(start, end int64) ([][]byte, error)
}

// Integrate appends commitments to a tree of size leaves. It returns the hashes
// to store, which follow those stored already from tlog.StoredHashCount(size)
// on, and the root of the tree they lead to. It reads stored hashes once, one for
// each bit set in size, whatever the number of commitments.
func Integrate(size int64, commitments [][]byte, r tlog.HashReader) ([]tlog.Hash, tlog.Hash, error) {
	f, err := readFrontier(size, r)
	if err != nil {
		return nil, tlog.Hash{}, err
	}
	stored := make([]tlog.Hash, 0, 2*len(commitments)+1)
	for i, c := range commitments {
		if len(c) != sha256.Size {
			return nil, tlog.Hash{}, fmt.Errorf("integrate entry %d: a commitment of %d bytes, not %d", size+int64(i), len(c), sha256.Size)
		}
		stored = f.append(tlog.RecordHash(c), stored)
	}
	return stored, f.root(), nil
}

// InclusionProof proves that entry index is in the tree of size leaves.
func InclusionProof(index, size int64, r tlog.HashReader) ([]tlog.Hash, error) {
	if size > maxTreeSize || index < 0 || index >= size {
		return nil, fmt.Errorf("prove entry %d: a tree of %d has no such entry", index, size)
	}
	proof, err := tlog.ProveRecord(size, index, r)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d in a tree of %d: %w", index, size, err)
	}
	return proof, nil
}

// ConsistencyProof proves that the tree of size leaves begins with all leaves of
// the one of oldSize. From nothing, and from itself, the proof is empty.
func ConsistencyProof(oldSize, size int64, r tlog.HashReader) ([]tlog.Hash, error) {
	if size > maxTreeSize || oldSize < 0 || oldSize > size {
		return nil, fmt.Errorf("prove consistency: a tree of %d does not extend one of %d", size, oldSize)
	}
	if oldSize == 0 || oldSize == size {
		return nil, nil
	}
	proof, err := tlog.ProveTree(size, oldSize, r)
	if err != nil {
		return nil, fmt.Errorf("prove that a tree of %d extends one of %d: %w", size, oldSize, err)
	}
	return proof, nil
}

// VerifyInclusion checks that the checkpoint's tree has the commitment as its
// leaf index.
func VerifyInclusion(proof []tlog.Hash, index int64, commitment []byte, c Checkpoint) error {
	if index < 0 || index >= c.TreeSize {
		return fault.New(fault.Invalid, "entry_beyond_checkpoint",
			"Entry %d is beyond a checkpoint of %d entries.", "%d번 항목은 항목 %d개의 체크포인트 밖에 있습니다.", index, c.TreeSize)
	}
	if err := tlog.CheckRecord(proof, c.TreeSize, c.RootHash, index, tlog.RecordHash(commitment)); err != nil {
		return fault.New(fault.Invalid, "inclusion_not_proven",
			"The proof does not lead from this entry, as number %d, to the root of the checkpoint of %d.",
			"증명이 이 항목(%d번)에서 항목 %d개의 체크포인트 루트에 이르지 않습니다.", index, c.TreeSize).Because(err)
	}
	return nil
}

// VerifyConsistency checks that the log of next begins with all entries of the
// log of last and that nothing else was changed.
func VerifyConsistency(proof []tlog.Hash, last, next Checkpoint) error {
	switch {
	case last.Origin != next.Origin:
		return originWrong(last.Origin, next.Origin)
	case next.TreeSize < last.TreeSize:
		return fault.New(fault.Conflict, "log_rolled_back",
			"The log has %d entries and had %d before; a log never shrinks.",
			"로그의 항목이 %d개인데 전에는 %d개였습니다. 로그는 줄어들 수 없습니다.", next.TreeSize, last.TreeSize)
	case next.TreeSize == last.TreeSize && next.RootHash != last.RootHash:
		return fault.New(fault.Conflict, "log_forked",
			"Two checkpoints of %d entries have different roots; the log shows two histories.",
			"항목 %d개의 두 체크포인트가 서로 다른 루트를 가집니다. 로그가 두 가지 이력을 보이고 있습니다.", next.TreeSize)
	case last.TreeSize == 0 || next.TreeSize == last.TreeSize:
		if len(proof) > 0 {
			return consistencyNotProven(last, next)
		}
		return nil
	}
	if err := tlog.CheckTree(proof, next.TreeSize, next.RootHash, last.TreeSize, last.RootHash); err != nil {
		return consistencyNotProven(last, next)
	}
	return nil
}

func consistencyNotProven(last, next Checkpoint) error {
	return fault.New(fault.Invalid, "consistency_not_proven",
		"It is not proven that the log of %d entries begins with the log of %d.",
		"항목 %d개의 로그가 항목 %d개의 로그를 그대로 이어 간다는 것이 증명되지 않았습니다.", next.TreeSize, last.TreeSize)
}

// frontier is the right edge of a growing tree: the roots of the largest full
// subtrees, from the left, one for every bit set in size.
type frontier struct {
	size   int64
	hashes []tlog.Hash
}

// readFrontier reads the right edge of the stored tree of size leaves.
func readFrontier(size int64, r tlog.HashReader) (frontier, error) {
	if size < 0 || size > maxTreeSize {
		return frontier{}, fmt.Errorf("a tree cannot have %d leaves", size)
	}
	var indexes []int64
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	if len(indexes) == 0 {
		return frontier{}, nil
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return frontier{}, fmt.Errorf("read the edge of a tree of %d: %w", size, err)
	}
	if len(hashes) != len(indexes) {
		return frontier{}, fmt.Errorf("read the edge of a tree of %d: %d hashes, want %d", size, len(hashes), len(indexes))
	}
	return frontier{size, hashes}, nil
}

// append adds a leaf and appends it to stored, with the hash of every subtree
// that it completes: what is to be stored for this leaf.
func (f *frontier) append(leaf tlog.Hash, stored []tlog.Hash) []tlog.Hash {
	stored = append(stored, leaf)
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.hashes) - 1
		leaf = tlog.NodeHash(f.hashes[last], leaf)
		f.hashes = f.hashes[:last]
		stored = append(stored, leaf)
	}
	f.hashes = append(f.hashes, leaf)
	f.size++
	return stored
}

// root is the root of the tree.
func (f frontier) root() tlog.Hash {
	if len(f.hashes) == 0 {
		return emptyRoot
	}
	root := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.hashes[i], root)
	}
	return root
}

package auditlog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
)

func raw(hashes []tlog.Hash) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}

// other asks transparency-dev/merkle whether the two proofs of a checkpoint hold.
type other struct {
	*memory
	auditlog.Checkpoint
}

func (o other) inclusion(t *testing.T, index int64) {
	t.Helper()
	p, err := auditlog.InclusionProof(index, o.TreeSize, o)
	if err != nil {
		t.Fatal(err)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(o.leaves[index])
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(o.TreeSize), leaf, raw(p), o.RootHash[:]); err != nil {
		t.Fatalf("entry %d of %d, the other implementation: %v", index, o.TreeSize, err)
	}
	if err := auditlog.VerifyInclusion(p, index, o.leaves[index], o.Checkpoint); err != nil {
		t.Fatalf("entry %d of %d: %v", index, o.TreeSize, err)
	}
}

func (o other) consistency(t *testing.T, last auditlog.Checkpoint) {
	t.Helper()
	p, err := auditlog.ConsistencyProof(last.TreeSize, o.TreeSize, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(last.TreeSize), uint64(o.TreeSize), raw(p), last.RootHash[:], o.RootHash[:]); err != nil {
		t.Fatalf("%d to %d, the other implementation: %v", last.TreeSize, o.TreeSize, err)
	}
	if err := auditlog.VerifyConsistency(p, last, o.Checkpoint); err != nil {
		t.Fatalf("%d to %d: %v", last.TreeSize, o.TreeSize, err)
	}
}

func TestProofsOfLogsUpTo300HoldForAnotherImplementation(t *testing.T) {
	ranges := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	theirs := ranges.NewEmptyRange(0)
	m := &memory{}
	checkpoints := []auditlog.Checkpoint{{Origin: origin, RootHash: tlog.Hash(rfc6962.DefaultHasher.EmptyRoot())}}
	for size := int64(1); size <= 300; size++ {
		c := auditlog.Checkpoint{Origin: origin, TreeSize: size, RootHash: m.add(t, commitment(int(size)-1))}
		if err := theirs.Append(rfc6962.DefaultHasher.HashLeaf(m.leaves[size-1]), nil); err != nil {
			t.Fatal(err)
		}
		root, err := theirs.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tlog.Hash(root), c.RootHash); diff != "" {
			t.Fatalf("root at %d (-theirs +ours):\n%s", size, diff)
		}
		checkpoints = append(checkpoints, c)
		for index := range size {
			other{m, c}.inclusion(t, index)
		}
		for _, last := range checkpoints {
			other{m, c}.consistency(t, last)
		}
	}
}

func TestProofsOfALogOfAMillionHoldForAnotherImplementation(t *testing.T) {
	m := million()
	c := m.checkpoint(t, m.size())
	random := rand.New(rand.NewPCG(1, 2))
	indexes := []int64{0, 1, 255, 256, 65_535, 65_536, 524_287, 524_288, 983_039, 983_040, 999_935, 999_936, 999_998, 999_999}
	for range 500 {
		indexes = append(indexes, random.Int64N(m.size()))
	}
	for _, i := range indexes {
		other{m, c}.inclusion(t, i)
		other{m, c}.consistency(t, m.checkpoint(t, i))
	}
}

func TestAProofHoldsForNothingElse(t *testing.T) {
	const size = 70
	m := logOf(t, size)
	c := m.checkpoint(t, size)
	for index := range int64(size) {
		p, err := auditlog.InclusionProof(index, size, m)
		if err != nil {
			t.Fatal(err)
		}
		for elsewhere := range int64(size + 1) {
			err := auditlog.VerifyInclusion(p, elsewhere, m.leaves[index], c)
			if (err == nil) != (elsewhere == index) {
				t.Errorf("the proof of entry %d as entry %d: %v", index, elsewhere, err)
			}
		}
		if err := auditlog.VerifyInclusion(p, index, commitment(size), c); err == nil {
			t.Errorf("the proof of entry %d holds for another entry", index)
		}
		if err := auditlog.VerifyInclusion(append(slices.Clone(p), tlog.Hash{}), index, m.leaves[index], c); err == nil {
			t.Errorf("the proof of entry %d holds with a hash too many", index)
		}
	}
}

func TestConsistencyIsRefusedWithItsReason(t *testing.T) {
	m := logOf(t, 40)
	fork := m.cut(20)
	fork.add(t, commitments(100, 120)...)
	proof := func(m *memory, from, to int64) []tlog.Hash {
		p, err := auditlog.ConsistencyProof(from, to, m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	elsewhere := m.checkpoint(t, 40)
	elsewhere.Origin = "log.example/other"
	for _, c := range []struct {
		name       string
		proof      []tlog.Hash
		last, next auditlog.Checkpoint
		want       string
	}{
		{"another log", nil, m.checkpoint(t, 40), elsewhere, "origin_wrong"},
		{"a smaller log", proof(m, 30, 40), m.checkpoint(t, 40), m.checkpoint(t, 30), "log_rolled_back"},
		{"two roots at one size", nil, m.checkpoint(t, 40), fork.checkpoint(t, 40), "log_forked"},
		{"a fork that grew", proof(fork, 30, 40), m.checkpoint(t, 30), fork.checkpoint(t, 40), "consistency_not_proven"},
		{"no proof", nil, m.checkpoint(t, 30), m.checkpoint(t, 40), "consistency_not_proven"},
		{"the proof of other sizes", proof(m, 29, 40), m.checkpoint(t, 30), m.checkpoint(t, 40), "consistency_not_proven"},
		{"a proof from nothing", proof(m, 30, 40), m.checkpoint(t, 0), m.checkpoint(t, 40), "consistency_not_proven"},
		{"a proof from itself", proof(m, 30, 40), m.checkpoint(t, 40), m.checkpoint(t, 40), "consistency_not_proven"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, reasons(auditlog.VerifyConsistency(c.proof, c.last, c.next))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProofsAreAskedOfEntriesThatExist(t *testing.T) {
	m := logOf(t, 10)
	for _, index := range []int64{-1, 10, 11} {
		if _, err := auditlog.InclusionProof(index, 10, m); err == nil {
			t.Errorf("a log of 10 proves entry %d", index)
		}
	}
	for _, old := range []int64{-1, 11} {
		if _, err := auditlog.ConsistencyProof(old, 10, m); err == nil {
			t.Errorf("a log of 10 proves that it extends one of %d", old)
		}
	}
}

func TestBatchesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 600).Draw(t, "size")
		one := &memory{}
		hashes, root, err := auditlog.Integrate(0, commitments(0, size), one)
		if err != nil {
			t.Fatal(err)
		}
		many := &memory{}
		var last tlog.Hash
		for done := 0; done < size; {
			batch := rapid.IntRange(0, size-done).Draw(t, "batch")
			more, r, err := auditlog.Integrate(int64(done), commitments(done, done+batch), many)
			if err != nil {
				t.Fatal(err)
			}
			many.hashes, last = append(many.hashes, more...), r
			done += batch
		}
		if size > 0 && last != root || !slices.Equal(hashes, many.hashes) {
			t.Fatal("integrated in batches, the tree is another")
		}
	})
}

// failing is a store that cannot be read.
type failing struct{ err error }

func (f failing) ReadHashes([]int64) ([]tlog.Hash, error)       { return nil, f.err }
func (f failing) ReadLeaves(start, end int64) ([][]byte, error) { return nil, f.err }
func (m *memory) shortened() tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) { return make([]tlog.Hash, len(indexes)-1), nil }
}

func TestIntegrateRefusesWhatItCannotBuildOn(t *testing.T) {
	m := logOf(t, 5)
	lost := errors.New("connection lost")
	if _, _, err := auditlog.Integrate(5, commitments(5, 6), failing{lost}); !errors.Is(err, lost) {
		t.Errorf("an unreadable store: %v", err)
	}
	if _, _, err := auditlog.Integrate(5, commitments(5, 6), m.shortened()); err == nil {
		t.Error("a store that returns too few hashes is built on")
	}
	if _, _, err := auditlog.Integrate(-1, nil, m); err == nil {
		t.Error("a negative size is built on")
	}
	if _, _, err := auditlog.Integrate(5, [][]byte{commitment(5), []byte("short")}, m); err == nil {
		t.Error("a commitment of five bytes is integrated")
	}
}

func TestStoredHashesAreVerifiedAgainstTheLeaves(t *testing.T) {
	const size = 10_000
	m := logOf(t, size)
	root, err := auditlog.VerifyStored(size, m)
	if err != nil {
		t.Fatal(err)
	}
	if want := m.checkpoint(t, size).RootHash; root != want {
		t.Errorf("root %v, want %v", root, want)
	}
	at := func(level int, n int64) int64 { return tlog.StoredHashIndex(level, n) }
	wrong := func(level int, n int64) string { return fmt.Sprintf("hash:%d stored_hash_wrong", at(level, n)) }
	for _, c := range []struct {
		name   string
		change func(m *memory)
		want   []string
	}{
		{"a hash of a leaf", func(m *memory) { m.hashes[at(0, 9_000)][7] ^= 1 }, []string{wrong(0, 9_000)}},
		{"a hash over eight", func(m *memory) { m.hashes[at(3, 2)][0] ^= 1 }, []string{wrong(3, 2)}},
		{"a leaf", func(m *memory) { m.leaves[9_999] = commitment(1) },
			[]string{wrong(0, 9_999), wrong(1, 4_999), wrong(2, 2_499), wrong(3, 1_249), wrong(4, 624)}},
		{"a leaf cut short", func(m *memory) { m.leaves[9_996] = m.leaves[9_996][:31] },
			[]string{"entry:9996 entry_length_wrong", wrong(0, 9_996), wrong(1, 4_998), wrong(2, 2_499), wrong(3, 1_249), wrong(4, 624)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := m.clone()
			c.change(changed)
			_, err := auditlog.VerifyStored(size, changed)
			if diff := cmp.Diff(append([]string{"log_invalid"}, c.want...), reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	lost := errors.New("connection lost")
	if _, err := auditlog.VerifyStored(size, failing{lost}); !errors.Is(err, lost) {
		t.Errorf("an unreadable store: %v", err)
	}
}

package publication

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"

	"redress/internal/fault"
	"redress/internal/money"
)

// What is hashed begins with one of these bytes, so that a leaf can never pass for
// an inner node.
const (
	leafPrefix = 0
	nodePrefix = 1
)

// Sums are the totals of a subtree, each 0..money.Max.
type Sums struct {
	Count     int64       `json:"count"`
	Claimed   money.Minor `json:"claimed"`
	Estimated money.Minor `json:"estimated"`
	Awarded   money.Minor `json:"awarded"`
	Paid      money.Minor `json:"paid"`
}

func (s Sums) fields() [5]money.Minor {
	return [...]money.Minor{money.Minor(s.Count), s.Claimed, s.Estimated, s.Awarded, s.Paid}
}

// plus adds two sums, or faults when one leaves its range.
func (s Sums) plus(o Sums) (Sums, error) {
	var total [5]money.Minor
	a, b := s.fields(), o.fields()
	for i := range total {
		var err error
		if total[i], err = money.Add(a[i], b[i]); err != nil || a[i] < 0 || b[i] < 0 {
			return Sums{}, fault.New(fault.Invalid, "sum_out_of_range",
				"The leaves add up to more than %d.", "잎을 더하면 %d을(를) 넘습니다.", int64(money.Max))
		}
	}
	return Sums{int64(total[0]), total[1], total[2], total[3], total[4]}, nil
}

// Node is a node of the tree: what its subtree adds up to and its hash.
type Node struct {
	Sums
	Hash Hash `json:"hash"`
}

// join is the parent of two nodes. Its hash binds the sums and the hashes of both
// children, H(0x01 ‖ sums_L ‖ h_L ‖ sums_R ‖ h_R), each sum as eight big-endian
// bytes: binding only the sum of both lets one leaf be shown with two amounts.
func join(left, right Node) (Node, error) {
	sums, err := left.plus(right.Sums)
	if err != nil {
		return Node{}, err
	}
	b := make([]byte, 0, 1+2*(5*8+sha256.Size))
	b = append(b, nodePrefix)
	for _, n := range []Node{left, right} {
		for _, v := range n.fields() {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		b = append(b, n.Hash[:]...)
	}
	return Node{Sums: sums, Hash: sha256.Sum256(b)}, nil
}

// Builder builds a tree leaf by leaf and holds no more than one node for each of
// its levels. The tree has the shape of RFC 9162: the left subtree is the largest
// power of two that is smaller than the whole.
type Builder struct {
	size    uint64
	perfect []Node // of falling size, one for each bit that is set in size
}

// Add appends a leaf.
func (b *Builder) Add(l Leaf) error {
	node, err := l.Node()
	if err != nil {
		return err
	}
	for n := b.size; n&1 == 1; n >>= 1 {
		last := len(b.perfect) - 1
		if node, err = join(b.perfect[last], node); err != nil {
			return err
		}
		b.perfect = b.perfect[:last]
	}
	b.perfect = append(b.perfect, node)
	b.size++
	return nil
}

// Root is the root of the leaves added so far; with none, zero sums and the hash
// of nothing.
func (b *Builder) Root() (Node, error) {
	if b.size == 0 {
		return Node{Hash: sha256.Sum256(nil)}, nil
	}
	root := b.perfect[len(b.perfect)-1]
	for i := len(b.perfect) - 2; i >= 0; i-- {
		var err error
		if root, err = join(b.perfect[i], root); err != nil {
			return Node{}, err
		}
	}
	return root, nil
}

// Proof shows that a leaf is in a tree. It tells the sums of the subtrees beside
// the leaf's way, of which the lowest is a single claim: it is for those who may
// see the leaves.
type Proof struct {
	Index    uint64 `json:"index"`
	Size     uint64 `json:"size"`
	Siblings []Node `json:"siblings"` // from the leaf up
}

// Prove makes the proof for one of the leaves of a tree.
func Prove(leaves []Leaf, index int) (Proof, error) {
	_, proof, err := ProveIn(slices.Values(leaves), len(leaves), index)
	return proof, err
}

// ProveIn finds a leaf among so many, in their order, and makes its proof. It holds
// no more than a node for each level of each subtree beside the leaf's way.
func ProveIn(leaves iter.Seq[Leaf], size, index int) (Leaf, Proof, error) {
	var own *Leaf
	beside := subtreesBeside(size, index)
	n := 0
	for l := range leaves {
		if n == index {
			own = &l
		} else if i := slices.IndexFunc(beside, func(s subtree) bool { return s.from <= n && n < s.to }); i >= 0 {
			if err := beside[i].tree.Add(l); err != nil {
				return Leaf{}, Proof{}, err
			}
		}
		n++
	}
	if own == nil || n != size {
		return Leaf{}, Proof{}, fault.New(fault.NotFound, "leaf_not_found",
			"The tree has no leaf %d; it has %d leaves.", "트리에 %d번 잎이 없습니다. 잎은 %d개입니다.", index, n)
	}
	proof := Proof{Index: uint64(index), Size: uint64(size)}
	for _, s := range beside {
		sibling, err := s.tree.Root()
		if err != nil {
			return Leaf{}, Proof{}, err
		}
		proof.Siblings = append(proof.Siblings, sibling)
	}
	return *own, proof, nil
}

// subtree is a half-open range of leaves whose root is a sibling in a proof.
type subtree struct {
	from, to int
	tree     Builder
}

// subtreesBeside are the subtrees beside the way to a leaf, from the leaf up.
func subtreesBeside(size, index int) []subtree {
	var beside []subtree
	for from, to := 0, size; to-from > 1; {
		split := from + 1<<(bits.Len(uint(to-from-1))-1)
		if index < split {
			beside, to = append(beside, subtree{from: split, to: to}), split
		} else {
			beside, from = append(beside, subtree{from: from, to: split}), split
		}
	}
	slices.Reverse(beside)
	return beside
}

// Verify checks that leaf is in the tree with that root, at the proof's index, and
// that the sums along its way add up to the root's.
func (p Proof) Verify(leaf Leaf, root Node) error {
	fails := func(en, ko string) error { return fault.New(fault.Invalid, "leaf_proof", en, ko) }
	if p.Index >= p.Size || p.Size != uint64(root.Count) {
		return fails("The proof's size or index is not that of the tree.", "증명의 크기나 번호가 트리와 다릅니다.")
	}
	node, err := leaf.Node()
	if err != nil {
		return err
	}
	index, last := p.Index, p.Size-1
	for _, sibling := range p.Siblings {
		if last == 0 {
			return fails("The proof is longer than the tree is high.", "증명이 트리의 높이보다 깁니다.")
		}
		if index&1 == 1 || index == last {
			node, err = join(sibling, node)
			// A node without a right neighbour rises until it is one.
			for ; index&1 == 0; index, last = index>>1, last>>1 {
			}
		} else {
			node, err = join(node, sibling)
		}
		if err != nil {
			return err
		}
		index, last = index>>1, last>>1
	}
	if last != 0 || node != root {
		return fails("The leaf and the proof do not lead to the root.", "잎과 증명이 루트로 이어지지 않습니다.")
	}
	return nil
}

package publication_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/money"
	"redress/internal/publication"
)

func leafOf(i int, amounts publication.Amounts) publication.Leaf {
	return publication.Leaf{
		ID:      publication.SaltedID([]byte("a secret of the incident"), fmt.Sprintf("claim-%d", i)),
		Cell:    publication.Cell{Service: "taxi", Sector: "taxi", Region: "KR-11", Month: "2022-10", Status: "submitted"},
		Amounts: amounts,
	}
}

func leavesOf(n int) []publication.Leaf {
	leaves := make([]publication.Leaf, n)
	for i := range leaves {
		leaves[i] = leafOf(i, publication.Amounts{Claimed: money.Minor(100 + i), Estimated: money.Minor(50 + i), Awarded: money.Minor(i), Paid: money.Minor(i / 2)})
	}
	return leaves
}

func rootOf(t testing.TB, leaves []publication.Leaf) publication.Node {
	t.Helper()
	var b publication.Builder
	for _, l := range leaves {
		if err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	root, err := b.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// byDefinition computes the root as the definition reads, top down.
func byDefinition(leaves []publication.Leaf) publication.Node {
	if len(leaves) == 1 {
		l := leaves[0]
		return publication.Node{
			Sums: publication.Sums{Count: 1, Claimed: l.Claimed, Estimated: l.Estimated, Awarded: l.Awarded, Paid: l.Paid},
			Hash: sha256.Sum256(append([]byte{0}, l.AppendLine(nil)...)),
		}
	}
	split := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	material := []byte{1}
	var total publication.Sums
	for _, half := range [][]publication.Leaf{leaves[:split], leaves[split:]} {
		n := byDefinition(half)
		for _, v := range []int64{n.Count, int64(n.Claimed), int64(n.Estimated), int64(n.Awarded), int64(n.Paid)} {
			material = binary.BigEndian.AppendUint64(material, uint64(v))
		}
		material = append(material, n.Hash[:]...)
		total = publication.Sums{
			Count: total.Count + n.Count, Claimed: total.Claimed + n.Claimed, Estimated: total.Estimated + n.Estimated,
			Awarded: total.Awarded + n.Awarded, Paid: total.Paid + n.Paid,
		}
	}
	return publication.Node{Sums: total, Hash: sha256.Sum256(material)}
}

func TestTheStreamedRootIsTheDefinedOne(t *testing.T) {
	for n := 1; n <= 130; n++ {
		leaves := leavesOf(n)
		if diff := cmp.Diff(byDefinition(leaves), rootOf(t, leaves)); diff != "" {
			t.Fatalf("%d leaves: %s", n, diff)
		}
	}
	if got := rootOf(t, nil); got != (publication.Node{Hash: sha256.Sum256(nil)}) {
		t.Errorf("the root of nothing is %v", got)
	}
}

func TestEveryLeafOfEveryTreeIsProved(t *testing.T) {
	for n := 1; n <= 66; n++ {
		leaves := leavesOf(n)
		root := rootOf(t, leaves)
		for i, leaf := range leaves {
			proof, err := publication.Prove(leaves, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.Verify(leaf, root); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			if err := proof.Verify(leaves[(i+1)%n], root); err == nil && n > 1 {
				t.Fatalf("leaf %d of %d: another leaf passes", i, n)
			}
		}
	}
}

// Where a node binds only the sum of its children, a prover can show one leaf a
// neighbour with less and another leaf one with more.
func TestNothingInAProofCanBeChanged(t *testing.T) {
	leaves := leavesOf(13)
	root := rootOf(t, leaves)
	whole, err := publication.Prove(leaves, 6)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*publication.Proof, *publication.Node, *publication.Leaf){
		"a sibling's amount": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Siblings[0].Claimed-- },
		"a sibling's amount, and the root's": func(p *publication.Proof, r *publication.Node, _ *publication.Leaf) {
			p.Siblings[1].Paid++
			r.Paid++
		},
		"amounts moved between siblings": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) {
			p.Siblings[0].Claimed++
			p.Siblings[1].Claimed--
		},
		"a sibling's count":  func(p *publication.Proof, r *publication.Node, _ *publication.Leaf) { p.Siblings[2].Count--; r.Count-- },
		"a sibling's hash":   func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Siblings[2].Hash[0] ^= 1 },
		"a negative sibling": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Siblings[0].Claimed = -1 },
		"a huge sibling": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) {
			p.Siblings[0].Claimed = money.Max
		},
		"the index":         func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Index++ },
		"the size":          func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Size++ },
		"a sibling too few": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) { p.Siblings = p.Siblings[1:] },
		"a sibling too many": func(p *publication.Proof, _ *publication.Node, _ *publication.Leaf) {
			p.Siblings = append(p.Siblings, publication.Node{})
		},
		"the root's amount": func(_ *publication.Proof, r *publication.Node, _ *publication.Leaf) { r.Awarded-- },
		"the leaf's amount": func(_ *publication.Proof, _ *publication.Node, l *publication.Leaf) { l.Awarded++ },
		"the leaf's cell":   func(_ *publication.Proof, _ *publication.Node, l *publication.Leaf) { l.Region = "KR-26" },
	} {
		proof, changed, leaf := whole, root, leaves[6]
		proof.Siblings = slices.Clone(whole.Siblings)
		change(&proof, &changed, &leaf)
		if proof.Verify(leaf, changed) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func TestAmountsOutOfRangeAreRefused(t *testing.T) {
	for name, leaf := range map[string]publication.Leaf{
		"negative":  leafOf(1, publication.Amounts{Paid: -1}),
		"above max": leafOf(1, publication.Amounts{Claimed: money.Max + 1}),
		"bad code":  {ID: leafOf(1, publication.Amounts{}).ID, Cell: publication.Cell{Service: "a b", Sector: "c", Region: "d", Month: "e", Status: "f"}},
		"no code":   {ID: leafOf(1, publication.Amounts{}).ID},
	} {
		var b publication.Builder
		if b.Add(leaf) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var b publication.Builder
	if err := b.Add(leafOf(1, publication.Amounts{Claimed: money.Max})); err != nil {
		t.Fatal(err)
	}
	if b.Add(leafOf(2, publication.Amounts{Claimed: 1})) == nil {
		t.Error("a total above the range is accepted")
	}
}

func TestOnlyCanonicalLinesAreLeaves(t *testing.T) {
	leaf := leafOf(7, publication.Amounts{Claimed: 12_000, Estimated: 9_000})
	line := leaf.AppendLine(nil)
	const want = `{"id":"0b","service":"taxi","sector":"taxi","region":"KR-11","month":"2022-10","status":"submitted","claimed":12000,"estimated":9000,"awarded":0,"paid":0}`
	if got := string(line); got[:7] != want[:7] || got[len(got)-len(want)+len(`{"id":"0b`):] != want[len(`{"id":"0b`):] {
		t.Errorf("got %s", got)
	}
	if got, err := publication.ParseLine(line); err != nil || got != leaf {
		t.Errorf("got %v, %v", got, err)
	}
	for _, other := range []string{string(line) + "\n", " " + string(line), string(line[:len(line)-1]) + `,"more":1}`, string(line[:len(line)-1]), "", "null", "{}"} {
		if _, err := publication.ParseLine([]byte(other)); err == nil {
			t.Errorf("%q is accepted", other)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add(leafOf(7, publication.Amounts{Claimed: 12_000}).AppendLine(nil))
	f.Add([]byte(`{"id":"","claimed":1e3}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		leaf, err := publication.ParseLine(line)
		if err != nil {
			return
		}
		if got := leaf.AppendLine(nil); string(got) != string(line) {
			t.Errorf("%q is read as %q", line, got)
		}
	})
}

func TestShufflingDependsOnTheSeedAloneAndKeepsEveryLeaf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := leavesOf(rapid.IntRange(0, 60).Draw(t, "leaves"))
		seed := rapid.SliceOfN(rapid.Byte(), 16, 32).Draw(t, "seed")
		other := slices.Clone(leaves)
		slices.Reverse(other)
		publication.Shuffle(leaves, seed)
		publication.Shuffle(other, seed)
		if diff := cmp.Diff(leaves, other); diff != "" {
			t.Fatal("the order before shows: ", diff)
		}
		ids := map[publication.Hash]bool{}
		for _, l := range leaves {
			ids[l.ID] = true
		}
		if len(ids) != len(leaves) {
			t.Fatalf("%d leaves of %d are left", len(ids), len(leaves))
		}
	})
	a, b := leavesOf(50), leavesOf(50)
	publication.Shuffle(a, []byte("one seed"))
	publication.Shuffle(b, []byte("another"))
	if slices.Equal(a, b) {
		t.Error("two seeds give one order")
	}
}

func BenchmarkTreeOfAMillionLeaves(b *testing.B) {
	leaves := leavesOf(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		rootOf(b, leaves)
	}
}

func BenchmarkReadAndVerifyAMillionLeaves(b *testing.B) {
	lines := make([][]byte, 1_000_000)
	for i, l := range leavesOf(len(lines)) {
		lines[i] = l.AppendLine(nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		var builder publication.Builder
		for _, line := range lines {
			leaf, err := publication.ParseLine(line)
			if err != nil {
				b.Fatal(err)
			}
			if err := builder.Add(leaf); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := builder.Root(); err != nil {
			b.Fatal(err)
		}
	}
}

package auditlog_test

import (
	"strconv"
	"testing"

	"redress/internal/auditlog"
)

// perLeaf reports the speed in entries.
func perLeaf(b *testing.B, leaves int) {
	b.ReportMetric(float64(b.N)*float64(leaves)/b.Elapsed().Seconds(), "leaves/s")
}

func BenchmarkIntegrate(b *testing.B) {
	m := million()
	for _, batch := range []int{1, 100, 10_000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			entries := commitments(0, batch)
			for b.Loop() {
				if _, _, err := auditlog.Integrate(m.size(), entries, m); err != nil {
					b.Fatal(err)
				}
			}
			perLeaf(b, batch)
		})
	}
}

func BenchmarkOfAMillion(b *testing.B) {
	m := million()
	size := m.size()
	k := logKey(b, origin, 1)
	trusted := keys(b, "log "+k.public)
	signer, err := auditlog.NewSigner(trusted, k.secret)
	if err != nil {
		b.Fatal(err)
	}
	last := sign(b, m.checkpoint(b, size-1000).Text(), k)
	c := m.checkpoint(b, size)
	b.Run("InclusionProof", func(b *testing.B) {
		for i := int64(0); b.Loop(); i += 7919 {
			if _, err := auditlog.InclusionProof(i%size, size, m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("VerifyInclusion", func(b *testing.B) {
		proof, err := auditlog.InclusionProof(123_456, size, m)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := auditlog.VerifyInclusion(proof, 123_456, m.leaves[123_456], c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SignCheckpoint", func(b *testing.B) {
		for b.Loop() {
			if _, err := signer.Sign(size, m, last); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("OpenCheckpoint", func(b *testing.B) {
		for b.Loop() {
			if _, err := trusted.Open(last); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("VerifyStored", func(b *testing.B) {
		for b.Loop() {
			if _, err := auditlog.VerifyStored(size, m); err != nil {
				b.Fatal(err)
			}
		}
		perLeaf(b, int(size))
	})
	files := publish(b, m, size, sign(b, c.Text(), k))
	b.Run("VerifyTree", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := auditlog.VerifyTree(files, trusted, [][]byte{last}, nil); err != nil {
				b.Fatal(err)
			}
		}
		perLeaf(b, int(size))
	})
}

package auditlog

import (
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// storedBatch is how many leaves VerifyStored reads at a time.
const storedBatch = 4096

// VerifyStored recomputes the tree of size from the leaves that r has stored and
// returns its root. Each stored hash that is not the recomputed one is a field
// of the Invalid fault returned, with the pointer "hash:<stored index>".
func VerifyStored(size int64, r Reader) (tlog.Hash, error) {
	var (
		f      frontier
		wrong  findings
		hashes []tlog.Hash
	)
	for f.size < size {
		start, first := f.size, tlog.StoredHashCount(f.size)
		leaves, err := r.ReadLeaves(start, min(start+storedBatch, size))
		if err != nil {
			return tlog.Hash{}, fmt.Errorf("read entries from %d: %w", start, err)
		}
		if want := min(storedBatch, size-start); int64(len(leaves)) != want {
			return tlog.Hash{}, fmt.Errorf("read entries from %d: %d of %d", start, len(leaves), want)
		}
		hashes = hashes[:0]
		for _, leaf := range leaves {
			if len(leaf) != sha256.Size {
				wrong.find(fault.At(fmt.Sprintf("entry:%d", f.size), "entry_length_wrong", "Entry %d has %d bytes; a commitment has 32.",
					"%d번 항목이 %d바이트입니다. 커밋먼트는 32바이트입니다.", f.size, len(leaf)))
			}
			hashes = f.append(tlog.RecordHash(leaf), hashes)
		}
		if err := compareStored(first, hashes, r, &wrong); err != nil {
			return tlog.Hash{}, err
		}
	}
	return f.root(), wrong.verdict()
}

// compareStored holds the stored hashes from index first on against hashes.
func compareStored(first int64, hashes []tlog.Hash, r Reader, wrong *findings) error {
	indexes := make([]int64, len(hashes))
	for i := range indexes {
		indexes[i] = first + int64(i)
	}
	stored, err := r.ReadHashes(indexes)
	if err != nil {
		return fmt.Errorf("read hashes from %d: %w", first, err)
	}
	if len(stored) != len(hashes) {
		return fmt.Errorf("read hashes from %d: %d of %d", first, len(stored), len(hashes))
	}
	for i, h := range hashes {
		if stored[i] == h {
			continue
		}
		level, n := tlog.SplitStoredHashIndex(indexes[i])
		wrong.find(fault.At(fmt.Sprintf("hash:%d", indexes[i]), "stored_hash_wrong",
			"The stored hash over entries %d to %d is not that of the entries.", "%d번부터 %d번까지의 항목에 대한 저장된 해시가 항목과 맞지 않습니다.",
			n<<level, (n+1)<<level-1))
	}
	return nil
}

package revenue

import (
	"crypto/sha256"
	"encoding/binary"
)

const digestLabel = "redress revenue history 1\n"

// Digest is the SHA-256 of a history's canonical bytes: the label "redress
// revenue history 1\n"; bucket length in minutes (uint32), start (int64), number
// of buckets (uint64); then for each bucket its state (one byte), amount (int64)
// and count (int32). Integers are big-endian, negative ones in two's
// complement. Equal histories have equal digests however they were stored.
func Digest(h History) [sha256.Size]byte {
	sum := sha256.New()
	b := make([]byte, 0, 64*1024)
	b = append(b, digestLabel...)
	b = binary.BigEndian.AppendUint32(b, uint32(h.BucketMinutes))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Start))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Len()))
	for i, state := range h.States {
		b = append(b, byte(state))
		b = binary.BigEndian.AppendUint64(b, uint64(h.Amounts[i]))
		b = binary.BigEndian.AppendUint32(b, uint32(h.Counts[i]))
		if cap(b)-len(b) < 16 {
			sum.Write(b)
			b = b[:0]
		}
	}
	sum.Write(b)
	return [sha256.Size]byte(sum.Sum(nil))
}

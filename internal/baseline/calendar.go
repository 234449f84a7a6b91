package baseline

import (
	"crypto/sha256"
	"encoding/hex"
)

// CalendarHash is the SHA-256, in hex, of the table of public holidays that
// estimates are made with.
func CalendarHash() string {
	sum := sha256.Sum256([]byte(koreanHolidays))
	return hex.EncodeToString(sum[:])
}

package auditlog

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
	"redress/internal/lang"
)

// Checkpoint is what a log signs of itself (c2sp.org/tlog-checkpoint): how many
// entries it has, and the root over them.
type Checkpoint struct {
	Origin   string // the log's name, which is also the name of its keys
	TreeSize int64  // leaves
	RootHash tlog.Hash
}

// Text is the body that is signed: origin, size and root, a line each.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.TreeSize, c.RootHash)
}

// ParseCheckpoint reads a body as Text writes it and no other way. Extension
// lines are refused: nobody could audit what they say.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, checkpointMalformed(lang.T("it needs three lines: origin, size and root", "출처, 크기, 루트의 세 줄이어야 합니다"))
	}
	c := Checkpoint{Origin: lines[0]}
	if !isName(c.Origin) {
		return Checkpoint{}, checkpointMalformed(lang.T("the origin is a name without spaces and plus signs, as in example.org/log", "출처는 example.org/log처럼 공백과 더하기표가 없는 이름입니다"))
	}
	var ok bool
	if c.TreeSize, ok = parseSize(lines[1]); !ok {
		return Checkpoint{}, checkpointMalformed(lang.T("the size is a decimal number without leading zeros", "크기는 앞에 0이 없는 십진수입니다"))
	}
	if c.RootHash, ok = parseHash(lines[2]); !ok {
		return Checkpoint{}, checkpointMalformed(lang.T("the root is 32 bytes in base64", "루트는 base64로 적은 32바이트입니다"))
	}
	if c.TreeSize == 0 && c.RootHash != emptyRoot {
		return Checkpoint{}, checkpointMalformed(lang.T("an empty log has the root "+emptyRoot.String(), "빈 로그의 루트는 "+emptyRoot.String()+"입니다"))
	}
	return c, nil
}

func checkpointMalformed(why lang.Text) *fault.Error {
	return fault.New(fault.Malformed, "checkpoint_malformed", "The checkpoint cannot be read: %s.", "체크포인트를 읽을 수 없습니다: %s.", why)
}

// unverified reads the body of a signed note whose signatures nobody has checked.
func unverified(signed []byte) (Checkpoint, error) {
	text := textOf(signed)
	if len(text) == 0 {
		return Checkpoint{}, checkpointMalformed(lang.T("no signature follows an empty line", "빈 줄 다음에 서명이 없습니다"))
	}
	return ParseCheckpoint(string(text))
}

// textOf is the signed text of a note, all before its last empty line; nothing
// if it has none.
func textOf(signed []byte) []byte {
	return signed[:bytes.LastIndex(signed, []byte("\n\n"))+1]
}

// Signed is a checkpoint whose signatures were verified.
type Signed struct {
	Checkpoint
	Note         []byte        // the signed note, to the byte
	Cosignatures []Cosignature // one for each witness that signed, by name
}

// Cosignature says that a witness saw this checkpoint as the largest of its log
// and consistent with all it saw before.
type Cosignature struct {
	Witness string    // name of the witness's key
	At      time.Time // by the witness's clock, to the second, UTC
}

// What outsiders have confirmed of a checkpoint.
const (
	Witnessed   = "witnessed"
	Unwitnessed = "unwitnessed" // nobody outside vouches that all readers are shown the same log
)

// State is Witnessed or Unwitnessed.
func (s Signed) State() string {
	if len(s.Cosignatures) > 0 {
		return Witnessed
	}
	return Unwitnessed
}

// isName reports whether a key or a log may be called so.
func isName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.Contains(name, "+") &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

// parseSize reads a tree size or an index: decimal, without leading zeros.
func parseSize(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= maxTreeSize && strconv.FormatInt(n, 10) == s
}

// parseHash reads a hash in base64, written as Hash.String writes it.
func parseHash(s string) (tlog.Hash, bool) {
	h, err := tlog.ParseHash(s)
	return h, err == nil && h.String() == s
}

// parseHashes reads a hash on each line.
func parseHashes(lines []string) ([]tlog.Hash, bool) {
	hashes := make([]tlog.Hash, len(lines))
	for i, line := range lines {
		var ok bool
		if hashes[i], ok = parseHash(line); !ok {
			return nil, false
		}
	}
	return hashes, true
}

// strictBase64 refuses what another encoder would have written differently.
func strictBase64(s string) ([]byte, bool) {
	data, err := base64.StdEncoding.DecodeString(s)
	return data, err == nil && base64.StdEncoding.EncodeToString(data) == s
}

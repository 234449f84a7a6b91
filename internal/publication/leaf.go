package publication

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"redress/internal/fault"
	"redress/internal/money"
)

// Hash is a SHA-256 hash; in JSON, 64 hexadecimal digits.
type Hash [sha256.Size]byte

// String writes the hash in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("a hash has %d characters; %d hexadecimal digits are right", len(text), hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// SaltedID is how a claim is called in the snapshots of an incident: SHA-256(salt
// ‖ claim id). The salt is one secret of at least 16 bytes for all snapshots of an
// incident, so that a claim can be followed from one to the next by those who hold
// the leaves and by nobody else.
func SaltedID(salt []byte, claimID string) Hash {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(claimID))
	return Hash(h.Sum(nil))
}

// Cell says in which row of each table a claim is counted. The codes are 1 to 64
// of the letters, digits and . _ + : -; "unknown" stands for what is not known.
type Cell struct {
	Service string `json:"service"`
	Sector  string `json:"sector"`
	Region  string `json:"region"`
	Month   string `json:"month"`  // of the first submission
	Status  string `json:"status"` // the public one, decisions apart from each other
}

// Amounts are what a claim adds to the totals, in minor units of the incident's
// currency, each 0..money.Max.
type Amounts struct {
	Claimed   money.Minor `json:"claimed"`
	Estimated money.Minor `json:"estimated"`
	Awarded   money.Minor `json:"awarded"`
	Paid      money.Minor `json:"paid"`
}

// Leaf is one claim in a snapshot, without the person.
type Leaf struct {
	ID Hash `json:"id"`
	Cell
	Amounts
}

// Check refuses codes and amounts outside their range, so that no leaf can take
// from a total or overflow it.
func (l Leaf) Check() error {
	for i, code := range l.codes() {
		if !validCode(code) {
			return fault.New(fault.Invalid, "leaf_code",
				"Leaf %s: the %s %q is not 1 to 64 of the letters, digits and . _ + : -.", "잎 %s: %s %q은(는) 글자, 숫자, . _ + : - 1~64자가 아닙니다.",
				l.ID, dimensions[i].Name(), code)
		}
	}
	for i, a := range l.parts() {
		if a < 0 || a > money.Max {
			return fault.New(fault.Invalid, "leaf_amount",
				"Leaf %s: the amount of %s is %d; 0 to %d is right.", "잎 %s: %s 금액이 %d입니다. 0~%d이어야 합니다.",
				l.ID, Measures[i].Name(), int64(a), int64(money.Max))
		}
	}
	return nil
}

func validCode(code string) bool {
	for _, c := range []byte(code) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !bytes.ContainsRune([]byte("._+:-"), rune(c)) {
			return false
		}
	}
	return 1 <= len(code) && len(code) <= 64
}

// codes are the cell's codes in the order of dimensions.
func (l Leaf) codes() [len(dimensions)]string {
	return [...]string{l.Service, l.Sector, l.Region, l.Month, l.Status}
}

// parts are what the leaf adds to each of the Measures.
func (l Leaf) parts() [5]money.Minor {
	return [...]money.Minor{1, l.Claimed, l.Estimated, l.Awarded, l.Paid}
}

// amount is what the leaf adds to a measure.
func (l Leaf) amount(m Measure) money.Minor { return l.parts()[slices.Index(Measures, m)] }

// AppendLine appends the leaf's canonical bytes: one line of JSON with the keys in
// the order of the struct, no white space, no line feed. They are what the leaf
// list holds and what the tree hashes.
func (l Leaf) AppendLine(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = hex.AppendEncode(b, l.ID[:])
	codes := l.codes()
	for i, d := range dimensions {
		b = append(append(append(b, `","`...), d...), `":"`...)
		b = append(b, codes[i]...)
	}
	b = append(b, '"')
	parts := l.parts()
	for i, m := range amountMeasures {
		b = append(append(append(b, `,"`...), m...), `":`...)
		b = strconv.AppendInt(b, int64(parts[1+i]), 10)
	}
	return append(b, '}')
}

// ParseLine reads a line of a leaf list. It takes canonical bytes only, so that
// two lists with the same root are the same list.
func ParseLine(line []byte) (Leaf, error) {
	return parse(line, func(code []byte) string { return string(code) })
}

// parse is ParseLine with a way of its own of making strings of codes.
func parse(line []byte, text func(code []byte) string) (Leaf, error) {
	var buffer [512]byte
	l, ok := scan(line, text)
	if !ok || !bytes.Equal(l.AppendLine(buffer[:0]), line) {
		return Leaf{}, fault.New(fault.Malformed, "leaf_not_canonical",
			"A line of a leaf list is not written in the canonical form.", "잎 목록의 한 줄이 정해진 형식으로 적혀 있지 않습니다.")
	}
	return l, l.Check()
}

// scan takes a line apart at the places where AppendLine puts its marks. What lies
// between the values is the caller's to compare.
func scan(line []byte, text func(code []byte) string) (l Leaf, ok bool) {
	rest := line
	value := func(marks int, end byte) []byte {
		if marks > len(rest) {
			return nil
		}
		rest = rest[marks:]
		n := bytes.IndexByte(rest, end)
		if n < 0 {
			return nil
		}
		found := rest[:n]
		rest = rest[n:]
		return found
	}
	if l.ID.UnmarshalText(value(len(`{"id":"`), '"')) != nil {
		return l, false
	}
	for i, to := range []*string{&l.Service, &l.Sector, &l.Region, &l.Month, &l.Status} {
		*to = text(value(len(`","`+`":"`)+len(dimensions[i]), '"'))
	}
	rest = rest[min(1, len(rest)):] // the mark after the last code
	for i, to := range []*money.Minor{&l.Claimed, &l.Estimated, &l.Awarded, &l.Paid} {
		end := byte(',')
		if i == len(amountMeasures)-1 {
			end = '}'
		}
		n, err := strconv.ParseInt(string(value(len(`,"`+`":`)+len(amountMeasures[i]), end)), 10, 64)
		if err != nil {
			return l, false
		}
		*to = money.Minor(n)
	}
	return l, true
}

// Node is the leaf as the lowest node of the tree.
func (l Leaf) Node() (Node, error) {
	if err := l.Check(); err != nil {
		return Node{}, err
	}
	var buffer [512]byte
	return Node{
		Sums: Sums{Count: 1, Claimed: l.Claimed, Estimated: l.Estimated, Awarded: l.Awarded, Paid: l.Paid},
		Hash: sha256.Sum256(l.AppendLine(append(buffer[:0], leafPrefix))),
	}, nil
}

// Shuffle puts leaves into the order of SHA-256(seed ‖ id), which says nothing
// about the order in which the claims came in.
func Shuffle(leaves []Leaf, seed []byte) {
	type place struct {
		key  Hash
		from int // −1 once it is filled
	}
	order := make([]place, len(leaves))
	material := slices.Clone(seed)
	for i, l := range leaves {
		order[i] = place{sha256.Sum256(append(material, l.ID[:]...)), i}
	}
	slices.SortFunc(order, func(a, b place) int { return bytes.Compare(a.key[:], b.key[:]) })
	// Cycle by cycle, as there may be too many leaves to hold them twice.
	for i := range order {
		first := leaves[i]
		for at := i; order[at].from >= 0; {
			from := order[at].from
			order[at].from = -1
			if from == i {
				leaves[at] = first
			} else {
				leaves[at] = leaves[from]
			}
			at = from
		}
	}
}

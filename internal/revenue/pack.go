package revenue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"redress/internal/money"
)

// PackedWeek is what one Monday-based week of a history looks like at rest.
//
// Data is: version (one byte, 1); index of the bucket length in BucketLengths
// (one byte); flags (one byte, bit 0: counts follow); the power of ten that
// divides every amount (one byte); buckets of the week before the first (uvarint);
// number of buckets (uvarint); runs (uvarint: length<<2 | kind, kind 0 missing,
// 1 open, 2 closed, 3 open with neither amount nor count) until the buckets are
// full; then for each bucket of kind 1 its amount divided by the power (zigzag
// varint) and, when flagged, its count (uvarint).
type PackedWeek struct {
	Start Local // Monday midnight
	Data  []byte
}

const (
	packVersion  = 1
	packCounts   = 1 // flag: counts follow amounts
	runIdle      = 3 // kind of a run: open, nothing sold
	maxScale     = 15
	packedHeader = 4 // version, bucket length, flags, power of ten
)

// Pack cuts a valid history into weeks, ascending. The first and the last may
// be partial and stay so; weeks without any data are packed like others.
func Pack(h History) []PackedWeek {
	var weeks []PackedWeek
	for from := 0; from < h.Len(); {
		week := h.At(from).WeekStart()
		to := min(h.Index(week+Week), h.Len())
		weeks = append(weeks, PackedWeek{Start: week, Data: packWeek(h, from, to)})
		from = to
	}
	return weeks
}

func packWeek(h History, from, to int) []byte {
	scale, unit := commonScale(h.Amounts[from:to])
	var flags byte
	if slices.ContainsFunc(h.Counts[from:to], func(n int32) bool { return n != 0 }) {
		flags |= packCounts
	}
	b := make([]byte, 0, 16+4*(to-from))
	b = append(b, packVersion, byte(slices.Index(BucketLengths, h.BucketMinutes)), flags, scale)
	before := int64(h.At(from)-h.At(from).WeekStart()) / int64(h.BucketMinutes)
	b = binary.AppendUvarint(b, uint64(before))
	b = binary.AppendUvarint(b, uint64(to-from))
	for i := from; i < to; {
		kind, first := h.runKind(i), i
		for i < to && h.runKind(i) == kind {
			i++
		}
		b = binary.AppendUvarint(b, uint64(i-first)<<2|uint64(kind))
	}
	for i := from; i < to; i++ {
		if h.runKind(i) != uint8(Open) {
			continue
		}
		b = binary.AppendVarint(b, int64(h.Amounts[i])/unit)
		if flags&packCounts != 0 {
			b = binary.AppendUvarint(b, uint64(h.Counts[i]))
		}
	}
	return b
}

// runKind is the state of bucket i, with the frequent "open, nothing sold" apart.
func (h History) runKind(i int) uint8 {
	if h.States[i] == Open && h.Amounts[i] == 0 && h.Counts[i] == 0 {
		return runIdle
	}
	return uint8(h.States[i])
}

// commonScale finds the largest power of ten that divides all amounts: prices
// in won are round, and a digit less is a byte less in every third bucket.
func commonScale(amounts []money.Minor) (scale byte, unit int64) {
	scale, unit = maxScale, 1_000_000_000_000_000
	for _, a := range amounts {
		for int64(a)%unit != 0 {
			scale--
			unit /= 10
		}
	}
	return scale, unit
}

// Unpack joins packed weeks into one history. The weeks must be of one bucket
// length, ascending and disjoint; what lies between them is missing. It refuses
// weeks of different lengths (sum them with Coarsen before they are packed) and
// anything that Pack cannot have written.
func Unpack(weeks []PackedWeek) (History, error) {
	if len(weeks) == 0 {
		return History{}, nil
	}
	var h History
	for i, week := range weeks {
		u, err := openWeek(week)
		if err != nil {
			return History{}, fmt.Errorf("week %d, of %s: %w", i+1, week.Start, err)
		}
		if i == 0 {
			h = newHistory(u.minutes, Span{Start: u.start, End: u.start})
			h.grow(len(weeks) * int(Week) / u.minutes)
		}
		if err := h.appendWeek(u); err != nil {
			return History{}, fmt.Errorf("week %d, of %s: %w", i+1, week.Start, err)
		}
	}
	if err := h.Validate(); err != nil {
		return History{}, err
	}
	return h, nil
}

func (h *History) grow(n int) {
	n = min(n, int(MaxSpan)/h.BucketMinutes)
	h.Amounts = slices.Grow(h.Amounts, n)
	h.Counts = slices.Grow(h.Counts, n)
	h.States = slices.Grow(h.States, n)
}

// unpacker reads the body of one week; start and count are already checked to
// lie inside it.
type unpacker struct {
	minutes int
	start   Local
	count   int
	counts  bool
	unit    int64
	rest    []byte
}

var errCorrupt = errors.New("packed week is corrupt")

func openWeek(week PackedWeek) (unpacker, error) {
	b := week.Data
	switch {
	case week.Start != week.Start.WeekStart():
		return unpacker{}, errors.New("a packed week starts on a Monday midnight")
	case len(b) < packedHeader:
		return unpacker{}, errCorrupt
	case b[0] != packVersion:
		return unpacker{}, fmt.Errorf("packed week has version %d; this program reads %d", b[0], packVersion)
	case int(b[1]) >= len(BucketLengths) || b[2]&^packCounts != 0 || b[3] > maxScale:
		return unpacker{}, errCorrupt
	}
	u := unpacker{minutes: BucketLengths[b[1]], counts: b[2]&packCounts != 0, unit: 1, rest: b[packedHeader:]}
	for range b[3] {
		u.unit *= 10
	}
	before, ok1 := u.uvarint()
	count, ok2 := u.uvarint()
	whole := uint64(int(Week) / u.minutes)
	if !ok1 || !ok2 || before >= whole || count == 0 || count > whole-before {
		return unpacker{}, errCorrupt
	}
	u.start = week.Start + Local(int(before)*u.minutes)
	u.count = int(count)
	return u, nil
}

func (u *unpacker) uvarint() (uint64, bool) {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		return 0, false
	}
	u.rest = u.rest[n:]
	return v, true
}

// appendWeek adds one week behind h, with missing buckets for what lies between.
func (h *History) appendWeek(u unpacker) error {
	switch {
	case u.minutes != h.BucketMinutes:
		return fmt.Errorf("buckets of %d minutes among buckets of %d minutes", u.minutes, h.BucketMinutes)
	case u.start < h.End():
		return fmt.Errorf("overlaps the week before it, which ends at %s", h.End())
	case u.start-h.Start > MaxSpan:
		return fmt.Errorf("more than sixteen years after %s", h.Start)
	}
	first := h.Index(u.start)
	added := first + u.count - h.Len()
	h.Amounts = append(h.Amounts, make([]money.Minor, added)...)
	h.Counts = append(h.Counts, make([]int32, added)...)
	h.States = append(h.States, make([]State, added)...)
	sold, err := u.runs(h.States[first:])
	if err != nil {
		return err
	}
	for _, at := range sold {
		if err := u.bucket(&h.Amounts[first+int(at)], &h.Counts[first+int(at)]); err != nil {
			return err
		}
	}
	if len(u.rest) != 0 {
		return errCorrupt
	}
	return nil
}

// runs fills the states and returns the positions of buckets with an amount.
func (u *unpacker) runs(states []State) (sold []uint16, err error) {
	for at := 0; at < len(states); {
		run, ok := u.uvarint()
		length, kind := run>>2, uint8(run&3)
		if !ok || length == 0 || length > uint64(len(states)-at) {
			return nil, errCorrupt
		}
		for range length {
			states[at] = State(kind)
			switch kind {
			case runIdle:
				states[at] = Open
			case uint8(Open):
				sold = append(sold, uint16(at))
			}
			at++
		}
	}
	return sold, nil
}

func (u *unpacker) bucket(amount *money.Minor, count *int32) error {
	v, n := binary.Varint(u.rest)
	if n <= 0 {
		return errCorrupt
	}
	u.rest = u.rest[n:]
	if v > int64(money.Max)/u.unit || v < -int64(money.Max)/u.unit {
		return errCorrupt
	}
	*amount = money.Minor(v * u.unit)
	if !u.counts {
		return nil
	}
	c, ok := u.uvarint()
	if !ok || c > math.MaxInt32 {
		return errCorrupt
	}
	*count = int32(c)
	return nil
}

package checks

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"redress/internal/revenue"
)

// Limits of fingerprints.
const (
	mostBlocks      = 26 // the newest
	fingerprintBits = 64 // among the weeks of 100,000 claimants, none agrees by chance
)

// Fingerprints returns hashes by which copies of a history are found among those
// of other claimants without comparing any two: sorted, none twice, at most 78.
//
// A fingerprint stands for a block of one week, or of four where the buckets are
// days, wherever it lies in time. Each block has one of its exact amounts and two
// of its shape: the amounts in proportion to their week's sum on a coarse grid,
// and on the same grid half a cell further. A copy times a factor has the same
// shape, and an amount that rounding moves over the edge of a cell on one grid
// stays in its cell on the other.
//
// A block has fingerprints only when it is distinctive: its agreement with
// another must hold 64 bits, counting the buckets that tell something new by the
// chance that two buckets of one week agree and, for shapes, also by how much of
// a week the next one repeats. Histories of
// equal amounts, few sales or few days therefore have none.
//
// Of 893 real businesses 838 have some, none shares one with another, and of
// copies 13 % up 96 % share one with their original.
func Fingerprints(h revenue.History) []uint64 {
	h = usable(h)
	length, cells := 1, 2.0 // weeks a block, cells an octave
	if h.BucketMinutes == int(revenue.Day) {
		// Sums of days are less rounded, and more alike.
		length, cells = 4, 16
	}
	weeks := wholeWeeks(h)
	weeks = weeks[max(0, len(weeks)-length+1-mostBlocks):]
	exact := draw(weeks, func(w week, i int) int64 { return int64(w.amounts[i]) })
	kinds := []drawing{exact, draw(weeks, grid(cells, 0)), draw(weeks, grid(cells, 0.5))}
	var prints []uint64
	for from := 0; from+length <= len(weeks); from++ {
		for kind, d := range kinds {
			bits := d.alike
			if kind > 0 {
				bits = min(d.alike, d.repeated)
			}
			block := slices.Concat(d.weeks[from : from+length]...)
			if float64(novel(block))*bits >= fingerprintBits {
				prints = append(prints, fingerprint(h.BucketMinutes, kind, block))
			}
		}
	}
	slices.Sort(prints)
	return slices.Compact(prints)
}

// grid sorts amounts into cells of their logarithm in proportion to the week's
// sum, moved by a part of a cell.
func grid(cells, moved float64) func(week, int) int64 {
	return func(w week, i int) int64 {
		if w.sum <= 0 {
			return 1
		}
		a, sign := w.amounts[i], int64(1)
		if a < 0 {
			a, sign = -a, -1
		}
		// The conversion keeps every machine from fusing the two operations.
		scaled := float64(cells * math.Log2(float64(a)/float64(w.sum)))
		// Amounts lie within 2^53 of the sum either way, so that this is never 0.
		return sign * (int64(math.Floor(scaled+moved)) - 10_000)
	}
}

// drawing is how weeks look when each bucket is reduced to a symbol, 0 where
// nothing was sold, and how much the agreement of a bucket tells.
type drawing struct {
	weeks    [][]int64
	alike    float64 // bits, by how many buckets of one week have the same symbol
	repeated float64 // bits, by how many buckets repeat in the week after
}

func draw(weeks []week, symbol func(w week, i int) int64) drawing {
	d := drawing{weeks: make([][]int64, len(weeks))}
	equal, pairs, same, slots := 0, 0, 0, 0
	for k, w := range weeks {
		symbols := make([]int64, len(w.amounts))
		for i, a := range w.amounts {
			if a != 0 {
				symbols[i] = symbol(w, i)
			}
		}
		// A week that repeats an earlier one wholly is no sign of how weeks usually
		// are: a copy, or a timetable.
		if !slices.ContainsFunc(d.weeks[:k], func(earlier []int64) bool { return slices.Equal(earlier, symbols) }) {
			e, p := collisions(traded(symbols), 0)
			equal, pairs = equal+e, pairs+p
			if k > 0 {
				s, n := repeats(symbols, d.weeks[k-1])
				same, slots = same+s, slots+n
			}
		}
		d.weeks[k] = symbols
	}
	d.alike, d.repeated = information(equal, pairs), information(same, slots)
	return d
}

// traded are the symbols of buckets with an amount, ascending.
func traded(symbols []int64) []int64 {
	var own []int64
	for _, s := range symbols {
		if s != 0 {
			own = append(own, s)
		}
	}
	slices.Sort(own)
	return own
}

// repeats counts the buckets that have a symbol in either week, and those of
// them in which it is the same.
func repeats(a, b []int64) (same, slots int) {
	for i := range a {
		if a[i] != 0 || b[i] != 0 {
			slots++
			if a[i] == b[i] {
				same++
			}
		}
	}
	return same, slots
}

// fingerprint hashes the symbols of a block under its bucket length and kind.
func fingerprint(bucketMinutes, kind int, block []int64) uint64 {
	b := binary.BigEndian.AppendUint32([]byte("redress history fingerprint 1\n"), uint32(bucketMinutes))
	b = append(b, byte(kind))
	for _, s := range block {
		b = binary.AppendVarint(b, s)
	}
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:8])
}

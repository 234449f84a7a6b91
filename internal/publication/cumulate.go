package publication

import (
	"slices"
	"strings"

	"redress/internal/fault"
)

// Figure is a count as it is published: the true one lies in [Value, Value+Step).
type Figure struct {
	Value int64 `json:"value"`
	Step  int64 `json:"step"`
}

// CountTable is a published table of counts of one kind of thing. Total and rows
// are figures of their own; what lies between them is never a difference of counts
// that are known.
//
// Why no row can be got by subtraction, even by those who know the total exactly:
// rounding each row by itself would not do. Where 20 and 30 are published of an
// exact total of 50, both are exact. So rows are not rounded; what the rows up to
// each place add up to is, on one grid whose lines depend on the total's own span
// alone, and a row is told as the difference of two such spans. Sums that grow
// within their spans are all the adversary knows, and every choice of them is the
// choice of some table with the same figures. A row can therefore be anything from
// the least to the most of some whole span, at least the rule's count width. What a
// neighbouring row is known to be takes nothing from that, and a second table of
// the same things has the same total's span and tells nothing of the first.
type CountTable struct {
	Table string `json:"table"`
	Total Figure `json:"total"`
	// Rows are in the order of their codes, each group (a code before a colon) before
	// its parts.
	Rows []CountRow `json:"rows"`
}

// CountRow is a row of a table of counts.
type CountRow struct {
	Code string `json:"code"`
	Figure
}

// span is a range of whole numbers, both ends in it.
type span struct{ low, high int64 }

func (s span) figure() Figure { return Figure{s.low, s.high - s.low + 1} }

func (f Figure) span() span { return span{f.Value, f.Value + f.Step - 1} }

// plus adds counts that have nothing in common; minus takes a part from a whole.
func (s span) plus(o span) span { return span{s.low + o.low, s.high + o.high} }

func (s span) minus(part span) span {
	return span{max(0, s.low-part.high), s.high - part.low}
}

// grid is how far apart the lines are on which counts are told: no span is
// narrower than the count step, and 0 looks like any count below the minimum.
func (r Rule) grid() int64 {
	return (max(r.MinimumCount, r.CountStep) + r.CountStep - 1) / r.CountStep * r.CountStep
}

// counted is the span that a count is told by.
func (r Rule) counted(n int64) span {
	low := n - n%r.grid()
	return span{low, low + r.grid() - 1}
}

// upTo is the span that a part of a total is told by. The last two spans are one,
// or a total that is known exactly would cut the last short.
func (r Rule) upTo(n, total int64) span {
	s, last := r.counted(n), r.counted(total)
	if below := last.low - r.grid(); below >= 0 && s.low >= below {
		return span{below, last.high}
	}
	return s
}

// tabulate publishes counts by code. A code with a colon is part of the group that
// is named before it.
func (r Rule) tabulate(table string, counts map[string]int64) (CountTable, error) {
	codes := sortedNames(counts)
	var total int64
	for _, code := range codes {
		if !validCodes(code) || counts[code] < 0 {
			return CountTable{}, fault.New(fault.Invalid, "count_row",
				"Table %q has %d of %q; a code of 1 to 64 of the letters, digits and . _ + : - and 0 or more is right.",
				"%[1]q 표에 %[3]q이(가) %[2]d건 있습니다. 코드는 글자, 숫자, . _ + : - 1~64자, 건수는 0 이상이어야 합니다.", table, counts[code], code)
		}
		total += counts[code]
	}
	out := CountTable{Table: table, Total: r.counted(total).figure(), Rows: []CountRow{}}
	// before[i] is the span of what the codes before i add up to.
	before := make([]span, len(codes)+1)
	var sum int64
	for i, code := range codes {
		if sum += counts[code]; i+1 < len(codes) {
			before[i+1] = r.upTo(sum, total)
		} else {
			before[i+1] = out.Total.span()
		}
	}
	seen := map[string]bool{}
	for i, code := range codes {
		for _, group := range groupsOf(code) {
			if seen[group] {
				continue
			}
			seen[group] = true
			end := i + 1
			for end < len(codes) && (codes[end] == group || strings.HasPrefix(codes[end], group+":")) {
				end++
			}
			out.Rows = append(out.Rows, CountRow{group, before[end].minus(before[i]).figure()})
		}
	}
	return out, nil
}

// groupsOf are the groups that a code is in, the widest first, and the code.
func groupsOf(code string) []string {
	var groups []string
	for i, c := range code {
		if c == ':' {
			groups = append(groups, code[:i])
		}
	}
	return append(groups, code)
}

// row finds the figure of a code; of a code that does not occur it is 0 exactly.
func (t CountTable) row(code string) span {
	i := slices.IndexFunc(t.Rows, func(r CountRow) bool { return r.Code == code })
	if i < 0 {
		return span{}
	}
	return t.Rows[i].span()
}

// validCodes reports whether each part of a code between colons is a code.
func validCodes(code string) bool {
	for part := range strings.SplitSeq(code, ":") {
		if !validCode(part) {
			return false
		}
	}
	return true
}

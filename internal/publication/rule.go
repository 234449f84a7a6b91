package publication

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"io"

	"redress/internal/fault"
	"redress/internal/lang"
)

// RuleFormat is the format of rule documents that this code understands.
const RuleFormat = "redress-disclosure-rule/1"

//go:embed rule.json
var defaultRule []byte

// Rule is the published rule of disclosure control. What it does is in the package
// comment and, for readers of a release, in Text.
type Rule struct {
	Format            string `json:"format"`
	ID                string `json:"id"`
	Version           int    `json:"version"`            // at least 1
	MinimumCount      int64  `json:"minimum_count"`      // claims; 3..1000
	DominanceLargest  int    `json:"dominance_largest"`  // 1..3 claims…
	DominancePercent  int64  `json:"dominance_percent"`  // …may not have more than this of a sum; 1..99
	PPercent          int64  `json:"p_percent"`          // all but the two largest must have this of the largest; 1..100
	ProtectionPercent int64  `json:"protection_percent"` // of the largest, either side of a sum not shown; 1..100
	CountStep         int64  `json:"count_step"`         // counts are rounded down to it; 2..1000
	CountWidth        int64  `json:"count_width"`        // how far apart the bounds of a count must stay; 1..count_step−1 and minimum_count−1
	AmountStep        int64  `json:"amount_step"`        // amounts are rounded down to it or more, in minor units; 1..10^12
	source            []byte
}

// DefaultRule is the rule that Redress ships.
func DefaultRule() Rule {
	rule, err := ParseRule(defaultRule)
	if err != nil {
		panic(err)
	}
	return rule
}

// ParseRule reads a rule document and checks it.
func ParseRule(data []byte) (Rule, error) {
	var r Rule
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&r)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = more
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
		}
	}
	if err != nil {
		return Rule{}, fault.New(fault.Malformed, "rule_unreadable",
			"The disclosure rule is not a JSON object of the fields of %s.", "공개 규칙이 %s 형식의 JSON 객체가 아닙니다.", RuleFormat).Because(err)
	}
	r.source = bytes.Clone(data)
	return r, r.check()
}

func (r Rule) check() error {
	var fields []fault.Field
	within := func(name string, value, low, high int64) {
		if value < low || value > high {
			fields = append(fields, fault.At("/"+name, "out_of_range", "is %d; %d to %d is right.", "%d입니다. %d~%d이어야 합니다.", value, low, high))
		}
	}
	if r.Format != RuleFormat {
		fields = append(fields, fault.At("/format", "unknown_format", "is %q; %q is right.", "%q입니다. %q이어야 합니다.", r.Format, RuleFormat))
	}
	if !validCode(r.ID) {
		fields = append(fields, fault.At("/id", "not_a_code", "is not 1 to 64 of the letters, digits and . _ + : -.", "글자, 숫자, . _ + : - 1~64자가 아닙니다."))
	}
	within("version", int64(r.Version), 1, 1_000_000)
	within("minimum_count", r.MinimumCount, 3, 1000)
	within("dominance_largest", int64(r.DominanceLargest), 1, largest)
	within("dominance_percent", r.DominancePercent, 1, 99)
	within("p_percent", r.PPercent, 1, 100)
	within("protection_percent", r.ProtectionPercent, 1, 100)
	within("count_step", r.CountStep, 2, 1000)
	within("count_width", r.CountWidth, 1, max(1, min(r.CountStep, r.MinimumCount)-1))
	within("amount_step", r.AmountStep, 1, 1_000_000_000_000)
	return fault.InvalidFields(fields)
}

// Source is the document that the rule was read from, byte for byte.
func (r Rule) Source() []byte { return bytes.Clone(r.source) }

// Hash is the SHA-256 of Source.
func (r Rule) Hash() Hash { return sha256.Sum256(r.source) }

// Text is the rule for readers of a release.
func (r Rule) Text() lang.Text {
	return lang.F(
		"The total of all claims is exact. A new total is published only if at least %[1]d claims changed it since every earlier one, and if no few of them "+
			"make up the change; until then the former total stands, with all its tables, and says so. Counts in tables are rounded down to multiples of "+
			"%[2]d, and 1 to %[3]d claims look the same as none. An amount in a table is shown if at least %[1]d claims have a part in it, if the %[4]d "+
			"largest have no more than %[5]d %% of it, and if all but the two largest have at least %[6]d %% of the largest; it is rounded down to a step of "+
			"1 or 5 times a power of ten times %[7]d that is larger than any single part, so that no claim that comes or goes can be read off. What is not "+
			"shown and what rounding takes away is the rest of the table: with it every table adds up exactly to the total. Further figures are "+
			"withheld, the smaller ones first, until for every figure there are other claims' lists that lead to the same release and in which it is different: "+
			"a count by a span of at least %[8]d, an amount by a span of at least its largest part, and an amount withheld for its own sake by at least "+
			"%[9]d %% of its largest part both up and down.",
		"전체 합계는 정확한 값입니다. 이전에 공개한 모든 합계와 견주어 %[1]d건 이상이 바뀌었고 그 변화가 몇몇 청구에 쏠리지 않을 때에만 새 합계를 공개합니다. 그때까지는 "+
			"앞의 합계와 표를 그대로 두고 그렇다고 밝힙니다. 표의 건수는 %[2]d의 배수로 내림하며, 1~%[3]d건은 0건과 구별되지 않습니다. 표의 금액은 %[1]d건 이상이 "+
			"이루고, 가장 큰 %[4]d건이 %[5]d%%를 넘지 않으며, 가장 큰 둘을 뺀 나머지가 가장 큰 것의 %[6]d%% 이상일 때 보입니다. 금액은 %[7]d에 10의 거듭제곱의 1배 "+
			"또는 5배를 곱한 단위 가운데 어느 한 건의 금액보다 큰 단위로 내림하므로, 드나드는 한 건을 읽어 낼 수 없습니다. 보이지 않는 값과 내림한 나머지는 표의 "+
			"'나머지'에 들어가며, 이를 더하면 모든 표가 전체 합계와 정확히 맞습니다. 어느 수치든 같은 공개 자료에 이르면서 그 값이 다른 청구 목록이 있을 때까지 작은 "+
			"수치부터 더 가립니다. 건수는 %[8]d 이상, 금액은 가장 큰 한 건 이상의 폭으로, 그 자체로 가려야 하는 금액은 가장 큰 한 건의 %[9]d%% 이상 위아래로 "+
			"달라질 수 있습니다.",
		r.MinimumCount, r.CountStep, r.MinimumCount-1, r.DominanceLargest, r.DominancePercent, r.PPercent, r.AmountStep, r.CountWidth, r.ProtectionPercent)
}

// largest is how many of the largest parts of a sum are kept.
const largest = 3

// group is a set of claims that have a part in a sum.
type group struct {
	sum int64 // minor units, or claims
	n   int64 // claims whose part is not zero
	top [largest]int64
}

func (g *group) add(part int64) {
	if part == 0 {
		return
	}
	g.sum += part
	g.n++
	g.rank(part)
}

// rank puts a part among the largest, if it is one of them.
func (g *group) rank(part int64) {
	for i, t := range g.top {
		if part > t {
			part, g.top[i] = t, part
		}
	}
}

// join adds the claims of a group that has none of them yet.
func (g *group) join(o group) {
	g.sum += o.sum
	g.n += o.n
	for _, part := range o.top {
		g.rank(part)
	}
}

// safe reports whether the sum may be known: of none, or of enough claims of which
// no few make up nearly all of it.
func (r Rule) safe(g group, off protection) bool {
	if g.n == 0 {
		return true
	}
	var dominant int64
	for _, t := range g.top[:r.DominanceLargest] {
		dominant += t
	}
	others := g.sum - g.top[0] - g.top[1]
	return (off == minimumCount || g.n >= r.MinimumCount) &&
		(off == dominance || dominant*100 <= g.sum*r.DominancePercent) &&
		(off == pPercent || others*100 >= g.top[0]*r.PPercent)
}

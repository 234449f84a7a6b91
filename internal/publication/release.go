package publication

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"redress/internal/lang"
	"redress/internal/money"
)

// ReleaseFormat is the format of releases that this code writes.
const ReleaseFormat = "redress-release/1"

// Release is everything that the public is told at one moment.
type Release struct {
	Format       string           `json:"format"`
	Incident     string           `json:"incident"`
	Number       int              `json:"number"` // 1 for the first
	At           string           `json:"at"`     // of the snapshot, RFC 3339, UTC
	Currency     string           `json:"currency"`
	Root         Hash             `json:"root"`
	Rule         RuleRef          `json:"rule"`
	Measures     []MeasureRelease `json:"measures"` // in the order of Measures
	Restatements []Restatement    `json:"restatements"`
}

// RuleRef names the rule of disclosure control that made a release.
type RuleRef struct {
	ID      string    `json:"id"`
	Version int       `json:"version"`
	Hash    Hash      `json:"hash"`
	Text    lang.Text `json:"text"`
}

// MeasureRelease is the total and the tables of one measure. They are those of the
// release AsOf: this one, or an earlier one where a new total would show few
// claims; 0 and no total where there was never one to show.
type MeasureRelease struct {
	Measure Measure   `json:"measure"`
	AsOf    int       `json:"as_of"`
	Note    lang.Text `json:"note"`
	Total   *int64    `json:"total"`  // exact: claims, or minor units
	Change  *int64    `json:"change"` // of the total since the release before
	Tables  []Table   `json:"tables"`
}

// Table is a measure by one dimension or by two. Its values and the rest add up
// exactly to the total.
type Table struct {
	By   []Dimension `json:"by"`
	Rows []Row       `json:"rows"` // by code, ascending
	Rest int64       `json:"rest"` // what is withheld and what rounding took away
}

// Row is one figure of a table. The true one lies in [Value, Value+Step).
type Row struct {
	Codes  []string `json:"codes"` // in the order of Table.By
	Value  *int64   `json:"value"` // null: withheld
	Step   int64    `json:"step"`  // 0 where withheld
	Change *int64   `json:"change"`
}

func (r Row) key() string { return strings.Join(r.Codes, " ") }

// Restatement is an entry of the list of corrections: from when on, why, and of
// which release and measure a figure no longer stands.
type Restatement struct {
	Date    string    `json:"date"` // 2006-01-02
	Release int       `json:"release"`
	Measure Measure   `json:"measure"`
	Reason  lang.Text `json:"reason"`
}

// JSON is the restatement as the bytes that are published and hashed, without a
// line feed.
func (r Restatement) JSON() ([]byte, error) {
	line, err := canonical(r)
	return bytes.TrimSuffix(line, []byte("\n")), err
}

// Definition is a word of a release and what is meant by it.
type Definition struct {
	Code string    `json:"code"`
	Text lang.Text `json:"text"`
}

// Definitions are the words of every release.
func Definitions() []Definition {
	return []Definition{
		{"count", lang.T("Claims of the incident, each once, in every status.", "사고의 청구 건수. 상태와 관계없이 한 건을 한 번 셉니다.")},
		{"claimed", lang.T("What claimants state as their loss.", "청구인이 손실로 적은 금액.")},
		{"estimated", lang.T("What the scheme pays on the newest estimate.", "최신 추정에 따라 보상 기준이 지급하는 금액.")},
		{"awarded", lang.T("What was decided to be paid.", "지급하기로 결정한 금액.")},
		{"paid", lang.T("What was transferred.", "송금한 금액.")},
		{"value", lang.T("The figure, rounded down to a multiple of step; empty where it is withheld.", "step의 배수로 내림한 수치. 가린 곳은 비어 있습니다.")},
		{"step", lang.T("The true figure is at least value and below value + step.", "참값은 value 이상, value + step 미만입니다.")},
		{"change", lang.T("Value less the value in the release before; negative where it fell.", "value에서 직전 공개의 value를 뺀 값. 줄었으면 음수입니다.")},
		{"rest", lang.T("What is withheld in a table and what rounding took away; with it the table adds up to the total.", "표에서 가린 값과 내림한 나머지. 더하면 합계와 맞습니다.")},
		{"as_of", lang.T("The release in which these figures were new.", "이 수치를 새로 낸 공개의 차수.")},
	}
}

// JSON is the release as the bytes that are published and hashed.
func (r Release) JSON() ([]byte, error) { return canonical(r) }

// canonical writes JSON as it is published: no spaces, the fields in the order of
// their struct, a line feed at the end.
func canonical(document any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// columns are those of the CSV and of every sheet.
var columns = []string{"kind", "measure", "table", "code", "by_status", "value", "step", "change", "as_of", "unit", "text"}

// records are the release as rows of text: definitions and rule first, then each
// measure's total, and each table's rows with its rest.
func (r Release) records(tag lang.Tag) [][]string {
	var out [][]string
	for _, d := range Definitions() {
		out = append(out, []string{"definition", "", "", d.Code, "", "", "", "", "", "", d.Text.In(tag)})
	}
	out = append(out, []string{"rule", "", "", r.Rule.ID, "", strconv.Itoa(r.Rule.Version), "", "", "", "", r.Rule.Text.In(tag)},
		[]string{"rule_hash", "", "", r.Rule.Hash.String(), "", "", "", "", "", "", ""},
		[]string{"root", "", "", r.Root.String(), "", "", "", "", strconv.Itoa(r.Number), "", r.At})
	for _, s := range r.Restatements {
		out = append(out, []string{"restatement", string(s.Measure), "", s.Date, "", "", "", "", strconv.Itoa(s.Release), "", s.Reason.In(tag)})
	}
	for _, m := range r.Measures {
		unit, asOf := r.Currency, strconv.Itoa(m.AsOf)
		if m.Measure == Count {
			unit = "claims"
		}
		out = append(out, []string{"total", string(m.Measure), "", "", "", number(m.Total), "1", number(m.Change), asOf, unit, m.Note.In(tag)})
		for _, t := range m.Tables {
			for _, row := range t.Rows {
				record := []string{"row", string(m.Measure), t.name(), row.Codes[0], "", number(row.Value), "", number(row.Change), asOf, unit, ""}
				if len(row.Codes) > 1 {
					record[4] = row.Codes[1]
				}
				if row.Value != nil {
					record[6] = strconv.FormatInt(row.Step, 10)
				}
				out = append(out, record)
			}
			out = append(out, []string{"rest", string(m.Measure), t.name(), "", "", number(&t.Rest), "1", "", asOf, unit, ""})
		}
	}
	return out
}

func (t Table) name() string {
	name := string(t.By[0])
	for _, d := range t.By[1:] {
		name += "_" + string(d)
	}
	return name
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// WriteCSV writes the release as RFC 4180 text with a header; amounts are minor
// units. Texts are written as writeCSV says.
func (r Release) WriteCSV(w io.Writer, tag lang.Tag) error {
	return writeCSV(w, columns, r.records(tag))
}

func currencyOf(code string) (money.Currency, bool) {
	c, err := money.ParseCurrency(code)
	return c, err == nil
}

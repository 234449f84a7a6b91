package publication_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/publication"
)

// narrow is a rule under which all small towns can be tried.
func narrow(t testing.TB, minimum, step, width int) publication.Rule {
	t.Helper()
	document := fmt.Sprintf(`{"format": "redress-disclosure-rule/1", "id": "narrow", "version": 1, "minimum_count": %d, "dominance_largest": 2,
		"dominance_percent": 85, "p_percent": 25, "protection_percent": 25, "count_step": %d, "count_width": %d, "amount_step": 1}`, minimum, step, width)
	rule, err := publication.ParseRule([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// tabulated is the published table of counts.
func tabulated(t testing.TB, rule publication.Rule, table string, counts map[string]int64) publication.CountTable {
	t.Helper()
	s, err := rule.Summarise(publication.Facts{Counts: map[string]map[string]int64{table: counts}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Tables[0]
}

// seen is what all tables that are published alike have of a row.
type seen struct{ low, high int64 }

// The adversary knows the rule, this code, the published table and, where it is
// large enough to be in a release, the exact total; they try every table there is.
func TestNoRowOfAnExactTotalIsPinnedByTryingEveryTable(t *testing.T) {
	for _, c := range []struct{ minimum, step, width int }{{3, 4, 2}, {4, 3, 2}, {5, 5, 4}, {3, 10, 2}} {
		t.Run(fmt.Sprintf("minimum %d, step %d", c.minimum, c.step), func(t *testing.T) {
			rule := narrow(t, c.minimum, c.step, c.width)
			codes := []string{"api", "decided:overturned", "decided:upheld"}
			for total := int64(c.minimum); total <= 26; total++ {
				alike := map[string]map[string]*seen{}
				for first := range total + 1 {
					for second := range total - first + 1 {
						counts := map[string]int64{codes[0]: first, codes[1]: second, codes[2]: total - first - second}
						published := fmt.Sprint(tabulated(t, rule, "submitted", counts))
						if alike[published] == nil {
							alike[published] = map[string]*seen{}
						}
						counts["decided"] = total - first
						for code, n := range counts {
							s := alike[published][code]
							if s == nil {
								s = &seen{n, n}
								alike[published][code] = s
							}
							s.low, s.high = min(s.low, n), max(s.high, n)
						}
					}
				}
				for published, rows := range alike {
					for code, s := range rows {
						if s.high-s.low < int64(c.width) {
							t.Fatalf("of %d, %s is known to be %d..%d from %s", total, code, s.low, s.high, published)
						}
					}
				}
			}
		})
	}
}

func TestEveryFigureHoldsTheTrueCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.MapOf(rapid.SampledFrom([]string{"a", "b:c", "b:d:e", "b:d:f", "c", "z:y"}), rapid.Int64Range(0, 200)).Draw(t, "counts")
		s, err := publication.DefaultRule().Summarise(publication.Facts{Counts: map[string]map[string]int64{"appeals": counts}})
		if err != nil {
			t.Fatal(err)
		}
		var total int64
		groups := map[string]int64{}
		for code, n := range counts {
			total += n
			for at := range len(code) + 1 {
				if at == len(code) || code[at] == ':' {
					groups[code[:at]] += n
				}
			}
		}
		table := s.Tables[0]
		if table.Total.Value > total || total >= table.Total.Value+table.Total.Step {
			t.Errorf("the total %d is not in %+v", total, table.Total)
		}
		if len(table.Rows) != len(groups) {
			t.Errorf("rows %+v of %v", table.Rows, groups)
		}
		for _, row := range table.Rows {
			if n := groups[row.Code]; row.Value > n || n >= row.Value+row.Step {
				t.Errorf("%d of %s is not in %+v", n, row.Code, row.Figure)
			}
			if row.Step > 40 {
				t.Errorf("%+v says nothing", row)
			}
		}
	})
}

func TestCountsAreToldByRoundedSums(t *testing.T) {
	got := tabulated(t, publication.DefaultRule(), "submitted", map[string]int64{"api": 87, "paper": 0, "phone": 6, "web": 311})
	want := publication.CountTable{
		Table: "submitted", Total: publication.Figure{Value: 400, Step: 10},
		Rows: []publication.CountRow{
			{Code: "api", Figure: publication.Figure{Value: 80, Step: 10}},
			{Code: "paper", Figure: publication.Figure{Value: 0, Step: 10}},
			{Code: "phone", Figure: publication.Figure{Value: 1, Step: 19}},
			{Code: "web", Figure: publication.Figure{Value: 301, Step: 19}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// facts are those of an incident in which everything happened often enough to be
// told.
func facts(scale int64) publication.Facts {
	f := publication.Facts{
		Incident: "outage", At: time.Date(2022, 11, 20, 9, 0, 0, 0, time.FixedZone("KST", 9*60*60)),
		Counts: map[string]map[string]int64{
			publication.TableSubmitted:    {"api": 30 * scale, "web": 20 * scale},
			publication.TableUnsubmitted:  {"abandoned": 5 * scale, "withdrawn": scale, "writing": 4 * scale},
			publication.TableFurtherForms: {"forms": 3 * scale},
			publication.TableDecisions:    {"approved:automatic:agrees_with_estimate": 20 * scale, "refused:person:no_loss_shown": 10 * scale},
			publication.TableDates:        {"first:in_time": 20 * scale, "first:late": 8 * scale, "later": 2 * scale},
			publication.TableAppeals:      {"withdrawn": scale, "decided:upheld": 3 * scale, "decided:overturned:new_evidence": 2 * scale},
			publication.TableReviews:      {"agreed": 9 * scale, "overturned:wrong_facts": scale},
		},
	}
	for i := range 40 * scale {
		f.Durations = append(f.Durations, publication.Duration{Stage: "in_review", Group: "taxi", Days: i % 20, Claims: 1})
		f.Reliances = append(f.Reliances, publication.Reliance{Group: "taxi", BasisPoints: 5000 + i%2*2000, Expected: 100_000})
		f.Placebos = append(f.Placebos, publication.Placebos{Group: "taxi", Windows: 20, Inside: 18})
	}
	return f
}

func TestSharesAndTotalsFollowFromTheTables(t *testing.T) {
	s, err := publication.DefaultRule().Summarise(facts(100))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]publication.CountRow{
		{Code: "claimants", Figure: publication.Figure{Value: 5691, Step: 28}},
		{Code: "received", Figure: publication.Figure{Value: 6000, Step: 19}},
	}, s.Totals); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]publication.Share{
		{Code: "late_decisions", Percent: &publication.Range{Low: 28, High: 29}},
		{Code: "overturned_appeals", Percent: &publication.Range{Low: 39, High: 42}},
		{Code: "overturned_reviews", Percent: &publication.Range{Low: 9, High: 11}},
	}, s.Shares); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]publication.Dependence{{Group: "taxi", Weighted: ptr(int64(58)), Median: ptr(int64(50))}}, s.Dependence); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]publication.Calibration{{Group: "taxi", InsidePercent: ptr(int64(90))}}, s.Calibration); diff != "" {
		t.Error(diff)
	}
}

func ptr[T any](v T) *T { return &v }

func TestDependenceIsNotOfAFew(t *testing.T) {
	rows := []publication.Reliance{{Group: "salon", BasisPoints: 9000, Expected: 90_000_000}}
	for range 30 {
		rows = append(rows, publication.Reliance{Group: "salon", BasisPoints: 1000, Expected: 10_000}, publication.Reliance{Group: "bakery", BasisPoints: 2000})
	}
	rows = append(rows, publication.Reliance{Group: "cafe", BasisPoints: 3000, Expected: 5_000})
	got, err := publication.DependenceOf(rows, publication.DefaultRule())
	if err != nil {
		t.Fatal(err)
	}
	want := []publication.Dependence{
		{Group: "bakery", Median: ptr(int64(20))}, // nobody knows what to weigh it by
		{Group: "cafe"}, {Group: "salon", Median: ptr(int64(10))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []publication.Reliance{{BasisPoints: -1}, {BasisPoints: 10_001}, {Expected: -1}} {
		if _, err := publication.DependenceOf([]publication.Reliance{wrong}, publication.DefaultRule()); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

func TestComparisonTellsWhatFell(t *testing.T) {
	before, err := publication.DefaultRule().Summarise(facts(100))
	if err != nil {
		t.Fatal(err)
	}
	later := facts(100)
	later.Counts[publication.TableUnsubmitted]["writing"] -= 300
	later.Counts[publication.TableAppeals]["decided:overturned:wrong_facts"] = 60
	after, err := publication.DefaultRule().Summarise(later)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string][2]int64{}
	for _, d := range publication.Compare(before, after) {
		changed[strings.Join([]string{d.Kind, d.Table, d.Code, d.What}, " ")] = [2]int64{d.Least, d.Most}
	}
	for place, exact := range map[string]int64{
		"total  received ": -300, "count unsubmitted writing ": -300, "count unsubmitted withdrawn ": 0, "stage in_review taxi p50": 0,
		"count appeals decided:overturned:wrong_facts ": 60, "count appeals  ": 60, "dependence  taxi median": 0,
	} {
		d, ok := changed[place]
		if !ok || d[0] > exact || d[1] < exact || d[1]-d[0] > 60 {
			t.Errorf("%q changed by %v (%t); it was by %d", place, d, ok, exact)
		}
	}
}

func TestStatisticsAreWrittenAsTextAndAsWorkbook(t *testing.T) {
	s, err := publication.DefaultRule().Summarise(facts(100))
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := publication.DefaultRule().Summarise(facts(100))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.JSON(); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same facts give other bytes: %v", err)
	}
	known := map[string]bool{}
	for _, d := range s.Definitions {
		if d.Text.KO == "" || d.Text.EN == "" {
			t.Errorf("%s is not defined in both languages", d.Code)
		}
		known[d.Code] = true
	}
	for _, table := range s.Tables {
		if !known[table.Table] {
			t.Errorf("table %s is not defined", table.Table)
		}
	}
	for _, row := range s.Totals {
		if !known[row.Code] {
			t.Errorf("total %s is not defined", row.Code)
		}
	}
	var text bytes.Buffer
	if err := s.WriteCSV(&text, lang.Korean); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + len(s.Definitions) + 3 + len(s.Lines()); len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	var book bytes.Buffer
	if err := s.WriteXLSX(&book, lang.English); err != nil {
		t.Fatal(err)
	}
	opened, err := excelize.OpenReader(&book)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	if diff := cmp.Diff([]string{"statistics", "total", "count", "share", "stage", "dependence", "calibration"}, opened.GetSheetList()); diff != "" {
		t.Error(diff)
	}
}

func TestCountsThatAreNoneAreRefused(t *testing.T) {
	for _, counts := range []map[string]int64{{"api": -1}, {"": 1}, {"a b": 1}} {
		_, err := publication.DefaultRule().Summarise(publication.Facts{Counts: map[string]map[string]int64{"submitted": counts}})
		if err == nil {
			t.Errorf("%v is accepted", counts)
		}
	}
}

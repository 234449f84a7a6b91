package claims

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/scheme"
)

// workedExample is one claim and the scheme it is worked under.
type workedExample struct {
	Scheme string
	Facts  json.RawMessage
}

func workedExamples(t *testing.T) []workedExample {
	t.Helper()
	files, err := filepath.Glob("../scheme/testdata/golden/*.json")
	if err != nil || len(files) < 14 {
		t.Fatalf("worked examples: %v, %v", files, err)
	}
	all := make([]workedExample, len(files))
	for i, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &all[i]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

// figuresOf are an estimate's figures that fit a line.
func figuresOf(l scheme.LossLine) *baseline.Figures {
	if l.Outcome != scheme.LineEstimated {
		return nil
	}
	return &baseline.Figures{
		Expected: l.Expected, Actual: l.Actual, ActualSource: baseline.ActualAssumed, Shortfall: l.Shortfall,
		ShortfallIntervals: []baseline.Interval{{LevelPercent: 80, Low: l.Shortfall, High: l.Shortfall}, {LevelPercent: 90, Low: l.Shortfall / 2, High: 2 * l.Shortfall}},
	}
}

// Under every scheme of the library, whatever a missing fact turns out to be,
// the amount lies within what was said of it.
func TestNoValueOfAMissingFactPaysOutsideItsBounds(t *testing.T) {
	met := map[string]int{}
	for _, example := range workedExamples(t) {
		rules, err := scheme.FromLibrary(example.Scheme)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(example.Scheme, rapid.MakeCheck(func(t *rapid.T) {
			facts, err := scheme.ParseFacts(example.Facts)
			if err != nil {
				t.Fatal(err)
			}
			facts.Books, facts.AnnualRevenue = keepOrNot(t, facts.Books), keepOrNot(t, facts.AnnualRevenue)
			totals := make([]*baseline.Figures, len(facts.Lines))
			for i := range facts.Lines {
				l := &facts.Lines[i]
				l.PlatformShareBasisPoints, l.Comparison = keepOrNot(t, l.PlatformShareBasisPoints), keepOrNot(t, l.Comparison)
				l.Substitutes *= money.Minor(rapid.IntRange(0, 1).Draw(t, "substitutes"))
				if l.Outcome == scheme.LineEstimated {
					l.Expected = money.Minor(rapid.Int64Range(int64(l.Actual), 10_000_000).Draw(t, "expected"))
					l.Shortfall = l.Expected - l.Actual
				}
				totals[i] = figuresOf(*l)
			}
			for _, u := range unestablishedOf(rules, facts, totals) {
				said := u.value(rules, money.KRW, facts, rules.Evaluate(facts))
				v := rapid.OneOf(rapid.Int64Range(u.low, u.high), rapid.Int64Range(u.low, min(u.high, u.low+20_000_000))).Draw(t, u.fact)
				got := u.at(rules, facts, v)
				if got.Amount < said.Least || said.Most != nil && got.Amount > *said.Most {
					t.Fatalf("%s of %d pays %d; said %d to %v", u.fact, v, got.Amount, said.Least, said.Most)
				}
				if said.Most != nil && !said.Changes && !slices.Contains(said.Outcomes, got.Outcome) {
					t.Fatalf("%s of %d is %s; said that it changes nothing", u.fact, v, got.Outcome)
				}
				met[u.fact]++
			}
		}))
	}
	for _, fact := range []string{"own_books", "annual_revenue", "platform_share", "substitutes", "takings", "history"} {
		if met[fact] == 0 {
			t.Errorf("%s was never looked at", fact)
		}
	}
}

func keepOrNot[T any](t *rapid.T, p *T) *T {
	if rapid.Bool().Draw(t, "keep") {
		return p
	}
	return nil
}

func TestEvidenceIsToldByWhatItIsWorth(t *testing.T) {
	rules, err := scheme.FromLibrary("rider-default-margin")
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range workedExamples(t) {
		if example.Scheme != "rider-default-margin" {
			continue
		}
		facts, err := scheme.ParseFacts(example.Facts)
		if err != nil {
			t.Fatal(err)
		}
		facts.Books = nil
		totals := make([]*baseline.Figures, len(facts.Lines))
		for i, l := range facts.Lines {
			totals[i] = figuresOf(l)
		}
		missing := missingFacts(rules, money.KRW, facts, totals)
		now := rules.Evaluate(facts).Amount
		for i := 1; i < len(missing); i++ {
			if missing[i].change(now) > missing[i-1].change(now) {
				t.Errorf("%s stands before %s", missing[i-1].Fact, missing[i].Fact)
			}
		}
		books := missing[slices.IndexFunc(missing, func(f MissingFact) bool { return f.Fact == "own_books" })]
		facts.Books = &scheme.Books{MarginBasisPoints: wholeShare}
		if want := rules.Evaluate(facts).Amount; books.Most == nil || *books.Most != want || want <= now {
			t.Errorf("books are worth %+v; all of the revenue pays %d", books, want)
		}
		if !strings.Contains(books.Text.EN, "raise the amount by at most "+money.KRW.Text(*books.Most-now).EN) {
			t.Errorf("in words: %s", books.Text.EN)
		}
	}
}

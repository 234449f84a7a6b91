package scheme_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"redress/internal/lang"
	"redress/internal/scheme"
)

// TestTheGuidesExampleGivesTheAmountItSays reads the scheme and the facts out of
// the guide.
func TestTheGuidesExampleGivesTheAmountItSays(t *testing.T) {
	page, err := os.ReadFile("../../docs/schemes.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("the guide holds %d documents, want a scheme and facts", len(blocks))
	}
	s, err := scheme.Parse(blocks[0][1])
	if err != nil {
		t.Fatal(err)
	}
	facts, err := scheme.ParseFacts(blocks[1][1])
	if err != nil {
		t.Fatal(err)
	}
	wantResult(t, s.Evaluate(facts), scheme.Pays, 96_050)
	if !bytes.Contains(page, []byte("**96,050**")) {
		t.Error("the guide states another amount")
	}
}

func TestTheGuideNamesEveryStage(t *testing.T) {
	page, err := os.ReadFile("../../docs/schemes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scheme.Stages() {
		if !bytes.Contains(page, []byte("\n| `"+name+"` |")) {
			t.Errorf("no row for the stage %s", name)
		}
	}
}

// TestTracesInTheDocs prints the first worked example of each scheme.
func TestTracesInTheDocs(t *testing.T) {
	var page strings.Builder
	page.WriteString("# One claim under each scheme\n\nThe first worked example of each scheme of the library, as the evaluation explains it. " +
		"Printed by `go test ./internal/scheme -update`; do not edit.\n")
	done := map[string]bool{}
	for _, g := range goldens(t) {
		if done[g.Scheme] {
			continue
		}
		done[g.Scheme] = true
		s, err := scheme.FromLibrary(g.Scheme)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := scheme.ParseFacts(with(t, g.Facts, g.Cases[0].FactsWith))
		if err != nil {
			t.Fatal(err)
		}
		printTrace(&page, s, s.Evaluate(facts))
	}
	wantFile(t, "../../docs/scheme-traces.md", []byte(page.String()))
}

func printTrace(page *strings.Builder, s *scheme.Scheme, r scheme.Result) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n`%s` version %d: `%s`, %d %s (minor units)\n\n", s.Title.EN, s.Title.KO, s.ID, s.Version, r.Outcome, r.Amount, r.Currency)
	page.WriteString("| stage | inputs | rule | output | contribution |\n|---|---|---|---|---|\n")
	for _, line := range r.Trace {
		var inputs []string
		for _, v := range line.Inputs {
			inputs = append(inputs, v.Name+" "+v.Value)
		}
		fmt.Fprintf(page, "| %s %s | %s | %s<br>%s | %s %s | %d |\n", line.Stage, line.Service, strings.Join(inputs, "<br>"),
			line.Rule.In(lang.English), line.Rule.In(lang.Korean), line.Output.Name, line.Output.Value, line.Contribution)
	}
}

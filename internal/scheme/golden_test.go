package scheme_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/money"
	"redress/internal/scheme"
)

// golden is one worked example: a scheme of the library, the facts of a claim,
// and what comes out as they stand and with single values changed.
type golden struct {
	Name   string
	Scheme string
	Facts  map[string]any
	Cases  []struct {
		Name       string
		SchemeWith map[string]any `json:"scheme_with"`
		FactsWith  map[string]any `json:"facts_with"`
		Want       outcome
	}
}

type outcome struct {
	Outcome scheme.Outcome
	Amount  money.Minor
	Reasons []string
}

func goldens(t testing.TB) []golden {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no worked examples: %v", err)
	}
	var all []golden
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := decodeNumbers(data, &g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, g)
	}
	return all
}

// decodeNumbers keeps integers exact.
func decodeNumbers(data []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	return d.Decode(into)
}

// with returns a deep copy of doc in which the value at each JSON pointer is
// replaced; null removes it.
func with(t testing.TB, doc any, changes map[string]any) []byte {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var copied any
	if err := decodeNumbers(data, &copied); err != nil {
		t.Fatal(err)
	}
	for _, pointer := range slices.Sorted(maps.Keys(changes)) {
		copied = set(t, copied, strings.Split(pointer, "/")[1:], changes[pointer])
	}
	if data, err = json.Marshal(copied); err != nil {
		t.Fatal(err)
	}
	return data
}

func set(t testing.TB, doc any, path []string, value any) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	switch d := doc.(type) {
	case map[string]any:
		if changed := set(t, d[path[0]], path[1:], value); changed == nil {
			delete(d, path[0])
		} else {
			d[path[0]] = changed
		}
		return d
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(d) {
			t.Fatalf("no item %q in a list of %d", path[0], len(d))
		}
		d[i] = set(t, d[i], path[1:], value)
		return d
	default:
		t.Fatalf("%v leads nowhere", path)
		return nil
	}
}

func libraryDocument(t testing.TB, name string) any {
	t.Helper()
	s, err := scheme.FromLibrary(name)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := decodeNumbers(s.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func codes(reasons []scheme.Reason) []string {
	list := []string{}
	for _, r := range reasons {
		list = append(list, r.Code)
	}
	return list
}

// checkSum fails when the trace does not sum to the amount.
func checkSum(t testing.TB, r scheme.Result) {
	t.Helper()
	var sum money.Minor
	for _, line := range r.Trace {
		sum += line.Contribution
	}
	if sum != r.Amount {
		t.Fatalf("the trace sums to %d, the amount is %d", sum, r.Amount)
	}
}

func TestWorkedExamples(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			for _, c := range g.Cases {
				t.Run(c.Name, func(t *testing.T) {
					s, err := scheme.Parse(with(t, libraryDocument(t, g.Scheme), c.SchemeWith))
					if err != nil {
						t.Fatal(err)
					}
					facts, err := scheme.ParseFacts(with(t, g.Facts, c.FactsWith))
					if err != nil {
						t.Fatal(err)
					}
					r := s.Evaluate(facts)
					if diff := cmp.Diff(c.Want, outcome{r.Outcome, r.Amount, codes(r.Reasons)}); diff != "" {
						trace, _ := json.MarshalIndent(r.Trace, "", " ")
						t.Errorf("-want +got:\n%s\ntrace: %s", diff, trace)
					}
					checkSum(t, r)
				})
			}
		})
	}
}

func TestTheLibraryKnowsItsNames(t *testing.T) {
	if _, err := scheme.FromLibrary("no-such-scheme"); err == nil {
		t.Error("a scheme that is not there was found")
	}
}

func TestEverySchemeOfTheLibraryHasAWorkedExample(t *testing.T) {
	all, err := scheme.Library()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 14 {
		t.Errorf("the library holds %d schemes, at least 14 are promised", len(all))
	}
	examples := goldens(t)
	for _, s := range all {
		if named, err := scheme.FromLibrary(string(s.ID)); err != nil || named.Hash() != s.Hash() {
			t.Errorf("%s is not in the file of its name: %v", s.ID, err)
		}
		if !slices.ContainsFunc(examples, func(g golden) bool { return g.Scheme == string(s.ID) }) {
			t.Errorf("no worked example for %s", s.ID)
		}
	}
}

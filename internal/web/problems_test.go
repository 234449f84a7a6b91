package web_test

import (
	"flag"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/problems.md anew")

const problemsFile = "../../docs/problems.md"

// statuses are the HTTP statuses of the kinds of fault, as docs/problems.md
// shows them.
var statuses = map[string]string{
	"malformed": "400", "unauthenticated": "401", "forbidden": "403", "not_found": "404", "conflict": "409", "stale": "412",
	"too_large": "413", "unsupported": "415", "invalid": "422", "precondition": "428", "limited": "429", "internal": "500",
	"unavailable": "503",
}

// A client may rely on every code, so each is documented with its wording in
// both languages, and nothing is documented that cannot happen.
func TestProblemsAreDocumentedAsTheCodeHasThem(t *testing.T) {
	found := scan(t)
	if *update {
		writeTables(t, found)
	}
	documented := readCodes(t)
	for _, section := range slices.Sorted(maps.Keys(found)) {
		want := slices.Sorted(maps.Keys(found[section]))
		if diff := cmp.Diff(want, documented[section]); diff != "" {
			t.Errorf("docs/problems.md, %s (-code +document); run go test ./internal/web -run TestProblems -update\n%s", section, diff)
		}
	}
}

// The sections of the document, in their order.
const (
	problemSection = "problems"
	fieldSection   = "fields"
	rowSection     = "rows"
)

// wording is one sentence a code comes with.
type wording struct{ status, en, ko string }

// codes are the codes of a section with their wordings.
type codes map[string][]wording

func (c codes) add(code string, w wording) {
	if !slices.Contains(c[code], w) {
		c[code] = append(c[code], w)
	}
}

// scan finds every code in the source: what is passed to fault.New and
// fault.At, directly or through parameters, and what the tables of rules and
// reasons hold.
func scan(t *testing.T) map[string]codes {
	src := load(t)
	found := map[string]codes{problemSection: {}, fieldSection: {}, rowSection: {}}
	for _, call := range src.calls["fault.New"] {
		for _, v := range src.values(call.in, call.args[0], call.args[1], call.args[2], call.args[3]) {
			status, known := statuses[v[0]]
			if !known {
				t.Errorf("%s: kind %q of %s has no status here", call.at, v[0], v[1])
			}
			found[problemSection].add(v[1], wording{status, v[2], v[3]})
		}
	}
	for _, call := range src.calls["fault.At"] {
		if sel, ok := call.args[1].(*ast.SelectorExpr); ok && strings.EqualFold(sel.Sel.Name, "code") {
			continue // of a table, read below, or of another problem, found where it is made
		}
		for _, v := range src.values(call.in, call.args[1], call.args[2], call.args[3]) {
			found[fieldSection].add(v[0], wording{"", v[1], v[2]})
		}
	}
	for _, row := range src.tables["httpapi.rule"] {
		found[fieldSection].add(row[1], wording{"", row[2], row[3]})
	}
	for _, row := range src.tables["revenue.reason"] {
		found[rowSection].add(row[0], wording{"", row[1], row[2]})
	}
	// The two that no room returns: httpapi words them itself.
	found[problemSection].add("internal", wording{"500", "An error on our side.", "서버 오류가 발생했습니다."})
	found[problemSection].add("not_in_contract", wording{"404, 405", "The contract has no such path, or not with that method.", "계약에 없는 경로이거나 메서드입니다."})
	for section, byCode := range found {
		if len(byCode) == 0 || byCode[""] != nil {
			t.Errorf("the scan of the %s has lost its way: %d codes, %v without a code", section, len(byCode), byCode[""])
		}
	}
	return found
}

// Each generated table stands between "<!-- section -->" and "<!-- end -->".
func markers(section string) (begin, end string) { return "<!-- " + section + " -->\n", "<!-- end -->" }

var documentedCode = regexp.MustCompile("(?m)^\\| `([a-z_]+)` ")

func readCodes(t *testing.T) map[string][]string {
	text, err := os.ReadFile(problemsFile)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, section := range []string{problemSection, fieldSection, rowSection} {
		begin, end := markers(section)
		_, rest, ok := strings.Cut(string(text), begin)
		if !ok {
			t.Fatalf("docs/problems.md has no line %q", begin)
		}
		table, _, _ := strings.Cut(rest, end)
		for _, m := range documentedCode.FindAllStringSubmatch(table, -1) {
			documented[section] = append(documented[section], m[1])
		}
	}
	return documented
}

func writeTables(t *testing.T, found map[string]codes) {
	text, err := os.ReadFile(problemsFile)
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	for section, byCode := range found {
		begin, end := markers(section)
		before, rest, ok := strings.Cut(document, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("docs/problems.md has no %q … %q", begin, end)
		}
		document = before + begin + table(section, byCode) + end + after
	}
	if err := os.WriteFile(problemsFile, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table(section string, byCode codes) string {
	var b strings.Builder
	status := section == problemSection
	b.WriteString("| code |" + map[bool]string{true: " status |"}[status] + " English | 한국어 |\n")
	b.WriteString("|---|" + map[bool]string{true: "---|"}[status] + "---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		wordings := byCode[code]
		slices.SortFunc(wordings, func(a, b wording) int { return strings.Compare(a.status+a.en, b.status+b.en) })
		fmt.Fprintf(&b, "| `%s` |", code)
		if status {
			fmt.Fprintf(&b, " %s |", joined(wordings, ", ", func(w wording) string { return w.status }))
		}
		fmt.Fprintf(&b, " %s | %s |\n", joined(wordings, "<br>", func(w wording) string { return shown(w.en) }),
			joined(wordings, "<br>", func(w wording) string { return shown(w.ko) }))
	}
	return b.String()
}

// joined lists what the wordings hold, each once.
func joined(wordings []wording, separator string, of func(wording) string) string {
	var parts []string
	for _, w := range wordings {
		if part := of(w); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, separator)
}

var verb = regexp.MustCompile(`"?%(\[\d+\])?[sdqvf]"?`)

// shown writes a format as a reader meets it: arguments become "…".
func shown(form string) string {
	return strings.NewReplacer("%%", "%", "|", `\|`, "\n", " ").Replace(verb.ReplaceAllString(form, "…"))
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/checks"
	"redress/internal/claims"
)

const deskPage page = "../docs/desk.md"

const rulebooks = "../internal/claims/rulebooks/"

// page is a document whose commands and tables are held against the program.
type page string

// section answers the document and one of its sections.
func (p page) section(t *testing.T, title string) (document, section string) {
	t.Helper()
	file, err := os.ReadFile(string(p))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(file), "\n## "+title+"\n")
	if !found {
		t.Fatalf("%s has no section %q", p, title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return string(file), section
}

// keep writes a part of the document that has changed, or fails.
func (p page) keep(t *testing.T, document, part, checked string) {
	t.Helper()
	switch {
	case checked == part:
	case *update && !t.Failed():
		if err := os.WriteFile(string(p), []byte(strings.Replace(document, part, checked, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s differs from the program (go test ./api -run %s -update writes it anew):\n%s", p, t.Name(), cmp.Diff(part, checked))
	}
}

// answered is a block of commands, and what they answer where that is anything.
var answered = regexp.MustCompile("(?s)```bash\n(.*?)```\n(?:\n```text\n.*?```\n)?")

// walked runs the commands of a text one after another in one shell, and then
// others. It answers the text with what its commands print, and what the others do.
func walked(t *testing.T, folder, text, others string) (checked, printed string) {
	t.Helper()
	const end = "end of the block"
	var script strings.Builder
	for _, block := range answered.FindAllStringSubmatch(text, -1) {
		script.WriteString(block[1] + "echo " + quoted(end) + "\n")
	}
	printed = strings.ReplaceAll(bash(t, folder, script.String()+others), "\r\n", "\n") // as it looks
	outputs := strings.Split(printed, end+"\n")
	n := -1
	return answered.ReplaceAllStringFunc(text, func(block string) string {
		n++
		commands := "```bash\n" + answered.FindStringSubmatch(block)[1] + "```\n"
		if outputs[n] == "" {
			return commands
		}
		return commands + "\n```text\n" + outputs[n] + "```\n"
	}), outputs[len(outputs)-1]
}

// walk are the first events and the award that each documented claim must have,
// by the variable that its id is in, whatever the document says. Another event
// follows when the service closes a claim.
var walk = []struct {
	variable string
	awarded  float64
	events   string
}{
	{"BREAD", 600_000, "filed submitted assigned information_requested answered evidence_added answered held released decided attempt_refused " +
		"decision_returned decided decision_approved amendment_proposed decision_approved accepted"},
	{"RIDE", 37_550, "filed submitted assigned decided evidence_added appealed assigned decided"},
}

func TestTheDeskWalkRunsAgainstTheDemoAndAnswersWhatItSays(t *testing.T) {
	needTools(t)
	t.Setenv("TMPDIR", t.TempDir())
	folder, _ := demo(t)
	document, section := deskPage.section(t, "One claim through every path")
	var ids strings.Builder
	for _, claim := range walk {
		ids.WriteString("echo $" + claim.variable + "\n")
	}
	checked, printed := walked(t, folder, section, ids.String())
	deskPage.keep(t, document, section, checked)

	admin := caller{environment(t, folder, "REDRESS"), environment(t, folder, "ADMIN")}
	checkWalk(t, admin, strings.Fields(printed))
	_, printed = walked(t, folder, section, ids.String())
	checkWalk(t, admin, strings.Fields(printed)) // a second time does no harm
}

// checkWalk proves that the claims of the walk went where they must.
func checkWalk(t *testing.T, admin caller, ids []string) {
	t.Helper()
	for i, want := range walk {
		claim := admin.must(t, 200, "GET", "/v1/claims/"+ids[i], nil, nil)
		if claim["awarded"] != want.awarded {
			t.Errorf("%s is awarded %v, want %v", want.variable, claim["awarded"], want.awarded)
		}
		var types []string
		for _, event := range admin.must(t, 200, "GET", "/v1/claims/"+ids[i]+"/events", nil, nil)["events"].([]any) {
			types = append(types, strings.TrimPrefix(event.(map[string]any)["type"].(string), "claim."))
		}
		events := strings.Fields(want.events)
		if diff := cmp.Diff(events, types[:min(len(types), len(events))]); diff != "" {
			t.Errorf("events of %s (-want +got):\n%s", want.variable, diff)
		}
	}
}

// shippedBook reads a rulebook as it is shipped.
func shippedBook(t *testing.T, name string, into any) {
	t.Helper()
	file, err := os.ReadFile(rulebooks + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, into); err != nil {
		t.Fatal(err)
	}
}

// rowsOf are the first two cells of the rows of a section's tables whose first
// one is code.
func rowsOf(section string) [][2]string {
	var rows [][2]string
	for _, row := range tableRow.FindAllStringSubmatch(section, -1) {
		if code, ok := strings.CutPrefix(row[1], "`"); ok {
			rows = append(rows, [2]string{strings.TrimSuffix(code, "`"), strings.TrimSpace(row[2])})
		}
	}
	return rows
}

func TestTheDeskPageListsEveryCheckWithItsPoints(t *testing.T) {
	var policy claims.Policy
	shippedBook(t, "desk_policy.json", &policy)
	var want [][2]string
	for _, code := range checks.Codes() {
		want = append(want, [2]string{string(code), fmt.Sprint(policy.Points[code])})
	}
	_, section := deskPage.section(t, "Checks and score")
	if diff := cmp.Diff(want, rowsOf(section)); diff != "" {
		t.Errorf("checks (-program +page):\n%s", diff)
	}
}

func TestTheDeskPageListsEveryFieldOfThePolicyAsShipped(t *testing.T) {
	var policy map[string]any
	shippedBook(t, "desk_policy.json", &policy)
	policy["points"] = map[string]any{"*": "as above"} // told with the checks
	want := map[string]string{}
	flatten("", policy, want)
	_, section := deskPage.section(t, "The desk policy")
	got := map[string]string{}
	for _, row := range rowsOf(section) {
		got[row[0]] = row[1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-program +page):\n%s", diff)
	}
}

// flatten puts the leaves of a JSON document under their paths, those of an
// array under one.
func flatten(path string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			flatten(strings.TrimPrefix(path+"."+name, "."), field, into)
		}
	case []any:
		for _, element := range v {
			flatten(path+"[]", element, into)
		}
	case float64:
		into[path] = fmt.Sprintf("%.0f", v)
	default:
		into[path] = fmt.Sprint(v)
	}
}

func TestTheDeskPageListsEveryReasonAsShipped(t *testing.T) {
	var catalogue claims.Catalogue
	shippedBook(t, "reason_catalogue.json", &catalogue)
	document, section := deskPage.section(t, "The reason catalogue")
	const head = "| kind | code | in English | in Korean | note |\n|---|---|---|---|---|\n"
	before, _, found := strings.Cut(section, head)
	if !found {
		t.Fatalf("the table of reasons begins otherwise than %q", head)
	}
	rows := []string{before + strings.TrimSuffix(head, "\n")}
	for _, r := range catalogue.Reasons {
		note := ""
		if r.NoteRequired {
			note = "needed"
		}
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %s | %s | %s |", r.Kind, r.Code, r.Title.EN, r.Title.KO, note))
	}
	deskPage.keep(t, document, section, strings.Join(slices.Concat(rows, []string{""}), "\n"))
}

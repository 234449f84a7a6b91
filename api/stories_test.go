package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/store/storetest"
)

var update = flag.Bool("update", false, "write what documents quote of the program anew")

// requireTools makes a missing curl, bash or python3 a failure, not a skip.
const requireTools = "REDRESS_REQUIRE_TOOLS"

const storiesDocument = "../docs/stories.md"

// demo runs the real program's demo until the test ends and answers the folder
// of its story files and what it printed.
func demo(t *testing.T, flags ...string) (stories, printed string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	printed, _ = startDemo(t, append(flags, "--dir", dir)...)
	return filepath.Join(dir, "stories"), printed
}

// startDemo runs the demo until it is stopped, at the latest when the test ends.
func startDemo(t *testing.T, flags ...string) (printed string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"demo", "--address", "127.0.0.1:0", "--claimants", "20"}, flags...), stdout, &stderr)
		stdout.Close()
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("the demo ended with %d: %s", code, stderr.String())
		}
	})
	t.Cleanup(stop)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return printed, stop
		}
	}
	t.Fatalf("the demo ended before it was ready: %s", printed)
	return "", nil
}

// needTools skips, loudly, where the documented commands cannot run.
func needTools(t *testing.T, more ...string) {
	t.Helper()
	for _, tool := range append([]string{"/bin/bash", "curl", "sed"}, more...) {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv(requireTools) != "" {
				t.Fatalf("%s is missing and %s is set", tool, requireTools)
			}
			t.Skipf("SKIPPED: the documented commands were not run, since %s is missing", tool)
		}
	}
}

// bash runs a script after the demo's environment and answers its output.
func bash(t *testing.T, stories, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/bash", "-euo", "pipefail", "-c", ". "+quoted(filepath.Join(stories, "env.sh"))+"\n"+script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// environment is what env.sh exports under a name.
func environment(t *testing.T, stories, name string) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(stories, "env.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "export "+name+"="); ok {
			return value
		}
	}
	t.Fatalf("env.sh exports no %s", name)
	return ""
}

// interval, figures and storyClaim are what of a claim the document quotes.
type interval struct {
	LevelPercent int `json:"level_percent"`
	Low, High    money.Minor
}

type figures struct {
	Expected  money.Minor
	Intervals []interval
	Actual    money.Minor
	Source    string `json:"actual_source"`
	Shortfall money.Minor
}

func (f figures) interval(level int) interval {
	for _, iv := range f.Intervals {
		if iv.LevelPercent == level {
			return iv
		}
	}
	return interval{}
}

type traceLine struct {
	Stage  string
	Inputs []struct{ Name, Value string }
	Output struct{ Name, Value string }

	Contribution money.Minor
}

type storyClaim struct {
	State    string
	Claimed  money.Minor
	Outcome  string
	Estimate struct {
		Lines []struct {
			Baseline struct {
				Outcome string
				Total   figures
				Windows []figures
			}
		}
		Compensation struct {
			Outcome string
			Amount  money.Minor
			Trace   []traceLine
		}
	}
}

func (c storyClaim) total() figures { return c.Estimate.Lines[0].Baseline.Total }

// step is the trace line of a stage that has an input of that name.
func (c storyClaim) step(stage, input string) traceLine {
	for _, l := range c.Estimate.Compensation.Trace {
		for _, in := range l.Inputs {
			if l.Stage == stage && in.Name == input {
				return l
			}
		}
	}
	return traceLine{}
}

// quotes are the rows that the document's tables may have.
var quotes = map[string]func(storyClaim) string{
	"claimed":            func(c storyClaim) string { return won(c.Claimed) },
	"expected":           func(c storyClaim) string { return won(c.total().Expected) },
	"90 % interval":      func(c storyClaim) string { return between(c.total().interval(90)) },
	"95 % interval":      func(c storyClaim) string { return between(c.total().interval(95)) },
	"actual":             func(c storyClaim) string { return won(c.total().Actual) },
	"shortfall":          func(c storyClaim) string { return won(c.total().Shortfall) },
	"after substitutes":  func(c storyClaim) string { return exact(c.step("attribution", "substitutes")) },
	"× platform's share": func(c storyClaim) string { return exact(c.step("attribution", "platform_share")) },
	"× margin":           func(c storyClaim) string { return exact(c.step("margin", "margin")) },
	"tier":               func(c storyClaim) string { return won(c.step("tiers", "loss").Contribution) },
	"membership refund":  func(c storyClaim) string { return won(c.step("subscriptions", "monthly_fee").Contribution) },
	"the scheme pays":    func(c storyClaim) string { return won(c.Estimate.Compensation.Amount) },
	"outcome":            func(c storyClaim) string { return c.Estimate.Compensation.Outcome },
}

func won(a money.Minor) string { return strings.TrimSuffix(money.KRW.Text(a).KO, "원") }

// exact is what a step leaves of the loss, which need not be a whole number.
func exact(l traceLine) string {
	whole, fraction, broken := strings.Cut(l.Output.Value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return l.Output.Value
	}
	if broken {
		fraction = "." + fraction
	}
	return won(money.Minor(n)) + fraction
}

func between(iv interval) string { return won(iv.Low) + "–" + won(iv.High) }

// tableRow is a row of a table: its label, its figure and its explanation.
var tableRow = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \|(.*)\|$`)

// withFigures is a story with the figures of its tables as the claim has them.
func withFigures(t *testing.T, story string, c storyClaim) string {
	t.Helper()
	return tableRow.ReplaceAllStringFunc(story, func(row string) string {
		cells := tableRow.FindStringSubmatch(row)
		if strings.TrimSpace(cells[1]) == "" {
			return row
		}
		quote, ok := quotes[cells[1]]
		if !ok {
			t.Errorf("the document quotes %q, which nothing answers", cells[1])
			return row
		}
		return fmt.Sprintf("| %s | %s |%s|", cells[1], quote(c), cells[3])
	})
}

var bashBlock = regexp.MustCompile("(?s)```bash\n(.*?)```")

func blocks(text string) string {
	var script strings.Builder
	for _, block := range bashBlock.FindAllStringSubmatch(text, -1) {
		script.WriteString(block[1])
	}
	return script.String()
}

// story is one story of the document and what must hold of its claim.
type story struct {
	title    string
	variable string // that its commands leave the claim's id in
	outcome  string
	source   string
	amount   money.Minor
	rows     []string // that its table must have besides the common ones
}

var stories = []story{
	{"The taxi driver", "TAXI_CLAIM", "pays", "declared", 37_550, []string{"× margin", "tier", "membership refund"}},
	{"The salon", "SALON_CLAIM", "pays", "history", 50_000, []string{"claimed", "× platform's share", "× margin", "tier"}},
	{"The bakery", "BAKERY_CLAIM", "review", "history", 0, []string{"× margin"}},
	{"The convenience store", "STORE_CLAIM", "pays", "history", 30_000, []string{"after substitutes", "× margin", "tier"}},
}

func TestTheDocumentedStoriesRunAgainstTheDemoAndTheirFiguresAreTrue(t *testing.T) {
	needTools(t)
	folder, _ := demo(t)
	document, err := os.ReadFile(storiesDocument)
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(document), "\n## ")
	if len(sections) != 1+len(stories) {
		t.Fatalf("the document tells %d stories, want %d", len(sections)-1, len(stories))
	}
	preparation := blocks(sections[0])
	for n, s := range stories {
		t.Run(s.title, func(t *testing.T) {
			text := sections[n+1]
			if title, _, _ := strings.Cut(text, "\n"); title != s.title {
				t.Fatalf("the document tells of %q here", title)
			}
			out := bash(t, folder, preparation+blocks(text)+"\necho\necho \"$"+s.variable+"\"\n")
			if strings.Contains(out, `"code"`) {
				t.Errorf("a command was refused:\n%s", out)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			c := storyOf(t, folder, lines[len(lines)-1])
			s.check(t, c)
			s.checkOutput(t, out, c)
			checkRows(t, text, s.rows)
			sections[n+1] = withFigures(t, text, c)
		})
	}
	checked := strings.Join(sections, "\n## ")
	switch {
	case checked == string(document):
	case *update && !t.Failed():
		if err := os.WriteFile(storiesDocument, []byte(checked), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the figures in %s are not those of the server; they are these (go test ./api -run Stories -update writes them):\n%s",
			storiesDocument, strings.Join(tableRow.FindAllString(checked, -1), "\n"))
	}
}

// storyOf reads a claim as the admin.
func storyOf(t *testing.T, folder, id string) storyClaim {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, environment(t, folder, "REDRESS")+"/v1/claims/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+environment(t, folder, "ADMIN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var c storyClaim
	if err := json.Unmarshal(body, &c); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("claim %q: %s %v %s", id, response.Status, err, body)
	}
	return c
}

// check proves the sums of a claim and what its story says.
func (s story) check(t *testing.T, c storyClaim) {
	t.Helper()
	if c.State != "submitted" || len(c.Estimate.Lines) != 1 || c.Estimate.Lines[0].Baseline.Outcome != "estimated" {
		t.Fatalf("the claim is %s with %d lines", c.State, len(c.Estimate.Lines))
	}
	total := c.total()
	checkFigures(t, "total", total)
	var sum figures
	for i, w := range c.Estimate.Lines[0].Baseline.Windows {
		checkFigures(t, fmt.Sprintf("window %d", i), w)
		sum.Expected += w.Expected
		sum.Actual += w.Actual
	}
	if sum.Expected != total.Expected || sum.Actual != total.Actual {
		t.Errorf("the windows add up to %d expected and %d earned, the total says %d and %d", sum.Expected, sum.Actual, total.Expected, total.Actual)
	}
	if total.Source != s.source {
		t.Errorf("the actual comes from %s, want %s", total.Source, s.source)
	}
	var paid money.Minor
	for _, l := range c.Estimate.Compensation.Trace {
		paid += l.Contribution
	}
	if amount := c.Estimate.Compensation.Amount; paid != amount || amount != s.amount {
		t.Errorf("the scheme pays %d, its steps add up to %d, the story says %d", amount, paid, s.amount)
	}
	if c.Outcome != s.outcome || c.Estimate.Compensation.Outcome != s.outcome {
		t.Errorf("the outcome is %s, want %s", c.Outcome, s.outcome)
	}
	if s.variable != "TAXI_CLAIM" {
		return
	}
	if refund := c.step("subscriptions", "monthly_fee").Contribution; refund != 7550 {
		t.Errorf("the membership refund is %d, want 7550", refund)
	}
	if total.Expected < 70_000 || total.Expected > 90_000 {
		t.Errorf("four hours at 20,000 are expected to bring %d", total.Expected)
	}
	if iv := total.interval(95); iv.Low > 80_000 || iv.High < 80_000 {
		t.Errorf("80,000 lies outside %d to %d", iv.Low, iv.High)
	}
}

func checkFigures(t *testing.T, what string, f figures) {
	t.Helper()
	if f.Shortfall != max(0, f.Expected-f.Actual) {
		t.Errorf("%s: a shortfall of %d with %d expected and %d earned", what, f.Shortfall, f.Expected, f.Actual)
	}
	for _, level := range []int{80, 90, 95} {
		if iv := f.interval(level); iv.LevelPercent != level || iv.Low > f.Expected || iv.High < f.Expected {
			t.Errorf("%s: the %d %% interval %d to %d does not hold %d", what, level, iv.Low, iv.High, f.Expected)
		}
	}
}

// checkOutput proves that the commands themselves show what the API answers.
func (s story) checkOutput(t *testing.T, out string, c storyClaim) {
	t.Helper()
	total := c.total()
	for _, shown := range []string{
		"valid: true, problems: []",
		fmt.Sprintf("expected %d, actual %d (%s), shortfall %d, intervals [", total.Expected, total.Actual, total.Source, total.Shortfall),
		"in words: [",
		fmt.Sprintf("the scheme: %s, %d won", c.Outcome, c.Estimate.Compensation.Amount),
		`"type":"claim.filed"`, `"type":"claim.submitted"`, `"leaf":`,
	} {
		if !strings.Contains(out, shown) {
			t.Errorf("the commands do not show %q:\n%s", shown, out)
		}
	}
}

// checkRows proves that a story shows all it promises.
func checkRows(t *testing.T, text string, rows []string) {
	t.Helper()
	var labels []string
	for _, row := range tableRow.FindAllStringSubmatch(text, -1) {
		labels = append(labels, row[1])
	}
	for _, want := range append([]string{"expected", "90 % interval", "95 % interval", "actual", "shortfall", "the scheme pays", "outcome"}, rows...) {
		if !slices.Contains(labels, want) {
			t.Errorf("the table has no row %q", want)
		}
	}
}

func TestTheDemosFourCommandsWorkAsPrinted(t *testing.T) {
	needTools(t)
	// A database that the shell names is none of the demo's business.
	t.Setenv("DATABASE_URL", "postgres://127.0.0.1:1/somebody-elses")
	folder, printed := demo(t)
	_, try, _ := strings.Cut(printed, "\nTry\n")
	commands := regexp.MustCompile(`(?m)^curl (?:.*\\\n)*.*$`).FindAllString(try, -1)
	if len(commands) != 4 {
		t.Fatalf("the demo prints %d commands, want 4:\n%s", len(commands), printed)
	}
	for i, shows := range []string{`"baseline":{`, `"compensation":{`, `"measures":[{`, `"claims":[{`} {
		if out := bash(t, folder, commands[i]); !strings.Contains(out, shows) {
			t.Errorf("%s\nanswers %s", commands[i], out)
		}
	}
	for _, role := range identity.Roles {
		if key := environment(t, folder, strings.ToUpper(string(role))); !strings.Contains(printed, key) {
			t.Errorf("the key of %s in env.sh is not the one printed", role)
		}
	}
}

func TestTheDemoRemovesItsTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	made := func() int {
		t.Helper()
		entries, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	_, stop := startDemo(t)
	if n := made(); n != 1 {
		t.Errorf("the demo made %d directories, want 1", n)
	}
	stop()
	if n := made(); n != 0 {
		t.Errorf("the demo left %d directories behind", n)
	}
}

func TestTheDemoRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--address", "127.0.0.1:0", "--dir", dir}, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "is not empty") {
		t.Errorf("ended with %d: %s", code, stderr.String())
	}
}

func TestTheDemoFillsAnEmptyPostgresAndNoUsedOne(t *testing.T) {
	url := storetest.Options(t, "postgres").DatabaseURL
	printed, stop := startDemo(t, "--database-url", url)
	if !strings.Contains(printed, "20 synthetic claimants") {
		t.Errorf("the demo prints:\n%s", printed)
	}
	stop()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--address", "127.0.0.1:0", "--database-url", url}, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "an empty database only") {
		t.Errorf("a second demo ended with %d: %s", code, stderr.String())
	}
}

func TestTheDemoNamesAnAddressThatIsTaken(t *testing.T) {
	folder, _ := demo(t)
	address := strings.TrimPrefix(environment(t, folder, "REDRESS"), "http://")
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--address", address}, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "--address") {
		t.Errorf("ended with %d: %s", code, stderr.String())
	}
}

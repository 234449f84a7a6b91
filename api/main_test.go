package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/scheme"
)

// asProgram makes this test binary act as the program itself, so that tests can
// start, kill and restart the real thing without building it first.
const asProgram = "REDRESS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// process is a running program of its own.
type process struct {
	cmd  *exec.Cmd
	base string // http://address
}

// start runs "serve" and waits until it says where it serves.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	p, _ := launch(t, append([]string{"serve", "--address", "127.0.0.1:0"}, args...), "http://")
	return p
}

var address = regexp.MustCompile(`http://[\w.:]+`)

// launch runs a serving command and reads what it prints up to the line that
// holds the last word; it answers all that.
func launch(t testing.TB, args []string, last string) (*process, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program did not start: %v: %s", err, stderr.String())
		}
		if printed.WriteString(line); strings.Contains(line, last) {
			break
		}
	}
	go io.Copy(io.Discard, lines)
	return &process{cmd: cmd, base: address.FindString(printed.String())}, printed.String()
}

// kill ends the program as a power cut would: nothing of it gets to run.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// command runs one command line of the program in this process.
func command(t testing.TB, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("redress %s: status %d: %s", strings.Join(args, " "), code, stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// caller speaks to one server with one key.
type caller struct {
	base  string
	token string
}

var client = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

// call sends one request; body may be nil, a string with its media type in
// header "Content-Type", or anything that is sent as JSON.
func (c caller) call(method, path string, body any, header map[string]string) (int, http.Header, []byte, error) {
	var reader io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return 0, nil, nil, err
		}
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequest(method, c.base+path, reader)
	if err != nil {
		return 0, nil, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", uuid.NewString())
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, answer, err
}

// must calls and fails the test on any status but the one wanted.
func (c caller) must(t testing.TB, want int, method, path string, body any, header map[string]string) map[string]any {
	t.Helper()
	status, _, answer, err := c.call(method, path, body, header)
	if err != nil || status != want {
		t.Fatalf("%s %s: status %d (want %d), %v: %s", method, path, status, want, err, answer)
	}
	var decoded map[string]any
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &decoded); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
	return decoded
}

// outage describes the incident that a test opens.
type outage struct {
	zone, currency, service, kind string
	start, end                    string // RFC 3339
}

// openIncident publishes the sandbox scheme (unless it is there) in the
// outage's currency and opens an incident under it; it answers the incident's id.
func openIncident(t testing.TB, admin caller, o outage) string {
	t.Helper()
	document, id := schemeIn(t, o.currency)
	if status, _, answer, err := admin.call("POST", "/v1/schemes", document, nil); err != nil || (status != 201 && status != 409) {
		t.Fatalf("publish the scheme: %d %v %s", status, err, answer)
	}
	incident := admin.must(t, 201, "POST", "/v1/incidents", map[string]any{
		"name": map[string]string{"ko": "시험 장애", "en": "Test outage"}, "platform": "Test platform", "zone": o.zone, "currency": o.currency,
		"starts_at": o.start, "ends_at": o.end,
		"filing": map[string]string{"opens_at": o.end, "closes_at": "2099-01-01T00:00:00Z"},
		"services": []any{map[string]any{
			"code": o.service, "kind": o.kind, "name": map[string]string{"ko": "서비스", "en": "Service"},
			"windows": []any{map[string]any{"start": o.start, "end": o.end, "down_basis_points": 10000}},
		}},
		"scheme": map[string]any{"id": id, "version": 1},
	}, nil)
	incidentID := incident["id"].(string)
	admin.must(t, 200, "POST", "/v1/incidents/"+incidentID+"/open", nil, map[string]string{"If-Match": `"v1"`})
	return incidentID
}

// whichIncident is where the sandbox scheme says which outage it is for.
var whichIncident = regexp.MustCompile(`(?m)^ *"incident": \{[^}]*\},\n`)

// schemeIn is the sandbox scheme, or the same in another currency for any
// outage.
func schemeIn(t testing.TB, currency string) ([]byte, string) {
	t.Helper()
	library, err := scheme.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range library {
		if s.ID != "sandbox-2022" {
			continue
		}
		if currency == "KRW" {
			return s.Bytes(), string(s.ID)
		}
		id := "sandbox-2022-" + strings.ToLower(currency)
		text := strings.ReplaceAll(whichIncident.ReplaceAllString(string(s.Bytes()), ""), `"KRW"`, `"`+currency+`"`)
		return []byte(strings.Replace(text, `"sandbox-2022"`, `"`+id+`"`, 1)), id
	}
	t.Fatal("the library has no scheme sandbox-2022")
	return nil, ""
}

// driver is the registration of one driver.
func driver(id, zone, currency string) map[string]any {
	return map[string]any{
		"kind": "driver", "name": "Claimant", "phone": "010-0000-0000", "driver_id": id, "zone": zone, "currency": currency,
		"outlets": []any{map[string]string{"code": "main", "name": "Car", "sector": "taxi", "region": "KR-11"}},
	}
}

// hourly writes a CSV of weeks of hourly revenue that ends at the given local
// time: open from 9 to 21, with a shape over the day and the week.
func hourly(weeks int, end time.Time) string {
	var b strings.Builder
	b.WriteString("start,amount,count\n")
	for t := end.AddDate(0, 0, -7*weeks); t.Before(end); t = t.Add(time.Hour) {
		amount, count := 0, 0
		if h := t.Hour(); h >= 9 && h < 21 {
			wobble := (t.YearDay()*31 + h*17) % 11
			amount, count = 10000+1000*h+2000*int(t.Weekday())+500*wobble, 2+wobble%4
		}
		fmt.Fprintf(&b, "%s,%d,%d\n", t.Format("2006-01-02T15:04"), amount, count)
	}
	return b.String()
}

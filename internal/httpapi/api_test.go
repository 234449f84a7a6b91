package httpapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/httpapi"
	"redress/internal/identity"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// server is the whole API over a fresh database, with a clock that tests set,
// and what a test knows of it.
type server struct {
	engine  string
	url     string
	store   *store.Store
	service *claims.Service
	audit   *auditlog.Log
	data    *database
	log     *safeBuffer
	clock   *clock
	tokens  map[string]string // by the name of who holds them
	names   map[string]string // what {name} stands for in paths, headers and bodies
	next    string            // where the page after the last listed one is
}

// inTowns runs a test in a town of its own on each engine.
func inTowns(t *testing.T, f func(t *testing.T, s *server)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) { f(t, newTown(t, engine)) })
	}
}

// today is when tests take place: in the filing period of the incident that
// they set up.
var today = time.Date(2022, 11, 1, 3, 0, 0, 0, time.UTC)

func newServer(t *testing.T, engine string) *server {
	t.Helper()
	options := storetest.Options(t, engine)
	db, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &server{engine: engine, store: db, log: &safeBuffer{}, clock: &clock{now: today}, tokens: map[string]string{}, names: map[string]string{}}
	s.service = claims.New(db, s.clock.Now)
	if err := s.service.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.service.KeepFiles(openFiles(t))
	s.audit = newLog(t, db)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>page</title>")
	})
	handler, err := httpapi.New(httpapi.Config{
		Claims: s.service, Audit: s.audit, Contract: contractText, Docs: page, Verify: page, Now: s.clock.Now, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(handler)
	s.url, s.data = listening.URL, openDatabase(t, options)
	t.Cleanup(func() {
		listening.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s.issue(t, "admin", claims.KeyRequest{Role: identity.Admin})
	return s
}

// openFiles opens a store of files in a directory, with a scanner that finds
// malware in whatever says that it is.
func openFiles(t *testing.T) *evidence.Store {
	t.Helper()
	files, err := evidence.Open(t.Context(), t.TempDir(), bytes.Repeat([]byte{9}, 32), evidence.Options{
		MaxBytes: maxEvidence, Scanner: []string{"sh", "-c", "! grep -q MALWARE"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return files
}

// maxEvidence is the most that a file of evidence has here, in bytes.
const maxEvidence = 1 << 20

// issue makes a key as the command line does and keeps its token under a name.
func (s *server) issue(t *testing.T, who string, in claims.KeyRequest) {
	t.Helper()
	issued, err := s.service.IssueFirstKey(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	s.tokens[who], s.names[who+"_key"] = issued.Token, issued.Key.ID
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// safeBuffer is a log that is read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// request is one request as data. {name} in path, header and body stands for
// what the server's names say.
type request struct {
	as     string            // whose key; nobody's when empty
	line   string            // method and path
	header map[string]string // "" leaves out a header that would be sent
	body   string
	stream func() io.Reader // in place of body, sent in chunks
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem httpapi.Problem // of a refusal
}

var client = &http.Client{
	Timeout: time.Minute,
	// HTTP/1.1 alone, so that a server that stops reading closes the connection.
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request and holds the answer against the contract.
func (s *server) send(t tester, r request) answer {
	t.Helper()
	sent := s.prepare(t, r)
	got, err := client.Do(sent)
	if err != nil {
		t.Fatalf("%s: %v", r.line, err)
	}
	defer got.Body.Close()
	a := answer{status: got.StatusCode, header: got.Header}
	if a.body, err = io.ReadAll(got.Body); err != nil {
		t.Fatalf("%s: read the answer: %v", r.line, err)
	}
	if err := keepsContract(sent, &a); err != nil {
		t.Errorf("%s answered %d, against the contract: %v\n%s", r.line, a.status, err, a.body)
	}
	return a
}

// prepare makes the request. A body is JSON and a POST has a fresh
// Idempotency-Key unless the header says otherwise.
func (s *server) prepare(t tester, r request) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(s.fill(r.line), " ")
	var body io.Reader
	switch {
	case r.stream != nil:
		body = r.stream()
	case r.body != "":
		body = strings.NewReader(s.fill(r.body))
	}
	sent, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		sent.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			sent.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	if method == http.MethodPost {
		sent.Header.Set("Idempotency-Key", uuid.NewString())
	}
	if r.as != "" {
		token, ok := s.tokens[r.as]
		if !ok {
			t.Fatalf("nobody is called %q", r.as)
		}
		sent.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range r.header {
		if value == "" {
			sent.Header.Del(name)
			continue
		}
		sent.Header.Set(name, s.fill(value))
	}
	return sent
}

// fill puts in what names stand for.
func (s *server) fill(text string) string {
	for name, value := range s.names {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// must sends a request that succeeds and answers its body.
func (s *server) must(t tester, r request) map[string]any {
	t.Helper()
	a := s.send(t, r)
	if a.status >= 300 {
		t.Fatalf("%s as %q: status %d: %s", r.line, r.as, a.status, a.body)
	}
	var out map[string]any
	if len(a.body) > 0 {
		if err := json.Unmarshal(a.body, &out); err != nil {
			t.Fatalf("%s: %v: %s", r.line, err, a.body)
		}
	}
	return out
}

// make sends a request that creates something and keeps its id under a name.
func (s *server) make(t tester, name string, r request) map[string]any {
	t.Helper()
	made := s.must(t, r)
	id, ok := made["id"].(string)
	if !ok {
		t.Fatalf("%s made something without id: %v", r.line, made)
	}
	s.names[name] = id
	return made
}

// register registers a claimant and keeps id and token under a name.
func (s *server) register(t tester, name, body string) {
	t.Helper()
	made := s.must(t, request{line: "POST /v1/claimants", body: body})
	claimant, key := made["claimant"].(map[string]any), made["key"].(map[string]any)
	s.names[name], s.tokens[name] = claimant["id"].(string), key["token"].(string)
	s.names[name+"_key"] = key["key"].(map[string]any)["id"].(string)
}

// instead replaces a part of a valid document by what a test is about.
func instead(document, part, by string) string {
	if !strings.Contains(document, part) {
		panic(fmt.Sprintf("%q is not in %s", part, document))
	}
	return strings.Replace(document, part, by, 1)
}

func readFile(name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}

// tester is a test, or one check of a property.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

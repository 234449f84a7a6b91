package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

var (
	contractText = readFile("../../api/openapi.yaml")
	operations   = loadOperations(contractText)
)

// operation is one operation of the contract and which statuses tests have met.
type operation struct {
	route    *routers.Route
	path     *regexp.Regexp
	mu       sync.Mutex
	statuses map[int]bool
}

// TestMain holds the tests as a whole to the contract: between them they meet
// each success that it promises and at least one refusal of each operation.
func TestMain(m *testing.M) {
	code := m.Run()
	partial := flag.Lookup("test.run").Value.String() + flag.Lookup("test.skip").Value.String() + flag.Lookup("test.list").Value.String()
	if code == 0 && partial == "" {
		for _, gap := range neverMet() {
			fmt.Println("FAIL: no test meets", gap)
			code = 1
		}
	}
	os.Exit(code)
}

func neverMet() []string {
	var gaps []string
	for _, o := range operations {
		refused := false
		for status := range o.statuses {
			refused = refused || status >= 400
		}
		if !refused {
			gaps = append(gaps, "a refusal of "+o.route.Operation.OperationID)
		}
		for status := range o.route.Operation.Responses.Map() {
			var n int
			if _, err := fmt.Sscanf(status, "%3d", &n); err == nil && n >= 100 && !o.statuses[n] {
				gaps = append(gaps, status+" of "+o.route.Operation.OperationID)
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

func loadOperations(text []byte) []*operation {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/zip", openapi3filter.FileBodyDecoder)
	// The contract's own text is described as a string, not as a document.
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.PlainBodyDecoder)
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		panic(err)
	}
	var all []*operation
	parameter := regexp.MustCompile(`\\\{\w+\\\}`)
	for path, item := range document.Paths.Map() {
		literal := strings.Replace(regexp.QuoteMeta(path), `\{path\}`, ".+", 1) // the rest of the path, slashes too
		pattern := regexp.MustCompile("^" + parameter.ReplaceAllString(literal, "[^/]+") + "$")
		for method, o := range item.Operations() {
			all = append(all, &operation{
				route:    &routers.Route{Spec: document, Path: path, PathItem: item, Method: method, Operation: o},
				path:     pattern,
				statuses: map[int]bool{},
			})
		}
	}
	// Fewer parameters first, so that a literal path is found before a pattern.
	slices.SortFunc(all, func(a, b *operation) int {
		return strings.Count(a.route.Path, "{") - strings.Count(b.route.Path, "{")
	})
	return all
}

func operationOf(r *http.Request) *operation {
	for _, o := range operations {
		if o.route.Method == r.Method && o.path.MatchString(r.URL.Path) {
			return o
		}
	}
	return nil
}

// keepsContract checks an answer against what the contract says of it, and a
// problem against itself, and notes that the status was met.
func keepsContract(r *http.Request, a *answer) error {
	id := a.header.Get("X-Request-Id")
	if id == "" {
		return fmt.Errorf("no X-Request-Id")
	}
	if a.status >= 400 {
		if err := readProblem(a, id); err != nil {
			return err
		}
	}
	o := operationOf(r)
	if o == nil {
		if a.problem.Type != "about:blank" {
			return fmt.Errorf("what is not in the contract must be refused as about:blank, not %q", a.problem.Type)
		}
		return nil
	}
	o.mu.Lock()
	o.statuses[a.status] = true
	o.mu.Unlock()
	if a.status == http.StatusUnauthorized && a.header.Get("WWW-Authenticate") == "" {
		return fmt.Errorf("401 without WWW-Authenticate")
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: o.route},
		Status:                 a.status,
		Header:                 a.header,
		Body:                   io.NopCloser(bytes.NewReader(a.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

func readProblem(a *answer, id string) error {
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("a refusal of type %q", got)
	}
	if err := json.Unmarshal(a.body, &a.problem); err != nil {
		return err
	}
	p := a.problem
	switch {
	case p.Status != a.status:
		return fmt.Errorf("the problem says status %d", p.Status)
	case p.Instance == nil || *p.Instance != "urn:uuid:"+id:
		return fmt.Errorf("the problem's instance is not the request %s", id)
	case p.Type != "about:blank" && p.Type != "/problems/"+p.Code:
		return fmt.Errorf("type %q and code %q differ", p.Type, p.Code)
	case p.Title == "":
		return fmt.Errorf("the problem has no title")
	}
	return nil
}

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	handler, err := httpapi.New(httpapi.Config{Contract: contractText, Docs: http.NotFoundHandler(), Verify: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	engine, ok := handler.(*gin.Engine)
	if !ok {
		t.Fatalf("the handler is a %T", handler)
	}
	var served, promised []string
	parameter := regexp.MustCompile(`[:*](\w+)`)
	for _, r := range engine.Routes() {
		if r.Method == http.MethodHead {
			continue // GET without the body, which no contract has to promise
		}
		served = append(served, r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}"))
	}
	for _, o := range operations {
		promised = append(promised, o.route.Method+" "+o.route.Path)
	}
	slices.Sort(served)
	slices.Sort(promised)
	if diff := cmp.Diff(promised, served); diff != "" {
		t.Errorf("promised (-) and served (+) operations differ:\n%s", diff)
	}
}

// Every POST that stores anything takes an Idempotency-Key, and whatever takes
// If-Match answers an ETag to put there.
func TestContractKeepsItsConventions(t *testing.T) {
	storesNothing := []string{"estimate", "validateClaim", "tryPolicy"}
	for _, o := range operations {
		id := o.route.Operation.OperationID
		takes := func(header string) bool { return o.route.Operation.Parameters.GetByInAndName("header", header) != nil }
		if o.route.Method == http.MethodPost && takes("Idempotency-Key") == slices.Contains(storesNothing, id) {
			t.Errorf("%s: Idempotency-Key", id)
		}
		if takes("If-Match") && o.route.Operation.Responses.Status(http.StatusOK).Value.Headers["ETag"] == nil {
			t.Errorf("%s takes If-Match and answers no ETag", id)
		}
		if o.route.Method == http.MethodPatch && !takes("If-Match") {
			t.Errorf("%s changes something without If-Match", id)
		}
	}
}

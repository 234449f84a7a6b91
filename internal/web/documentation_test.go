package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"redress/internal/web"
)

func readContract(t testing.TB) ([]byte, *openapi3.T) {
	t.Helper()
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	return text, doc
}

func documentation(t testing.TB, contract []byte) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := web.Documentation(contract)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	// The API's own policy, which the page replaces.
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/docs", nil))
	return w
}

func TestThePageHasEveryOperationAndSchemaOfTheContract(t *testing.T) {
	contract, doc := readContract(t)
	body := documentation(t, contract).Body.String()
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, part := range []string{`<h3 id="` + op.OperationID + `">`, `href="#` + op.OperationID + `"`, "<code>" + path + "</code>"} {
				if !strings.Contains(body, part) {
					t.Errorf("%s %s: the page lacks %s", method, path, part)
				}
			}
			for _, p := range op.Parameters {
				if !strings.Contains(body, `<code class="name">`+p.Value.Name+"</code>") {
					t.Errorf("%s %s: the page lacks the parameter %s", method, path, p.Value.Name)
				}
			}
		}
	}
	for name, ref := range doc.Components.Schemas {
		if !strings.Contains(body, `<h3 id="schema-`+name+`">`) {
			t.Errorf("the page lacks the schema %s", name)
		}
		for property := range ref.Value.Properties {
			if !strings.Contains(body, `<code class="name">`+property+"</code>") {
				t.Errorf("the page lacks the field %s of %s", property, name)
			}
		}
	}
}

var (
	ids        = regexp.MustCompile(`\bid="([^"]*)"`)
	references = regexp.MustCompile(`\b(?:href="#|aria-labelledby=")([^"]*)"`)
	headings   = regexp.MustCompile(`<h([1-6])\b`)
)

func TestEveryLinkInThePageLeadsToOneID(t *testing.T) {
	contract, _ := readContract(t)
	body := documentation(t, contract).Body.String()
	seen := map[string]int{}
	for _, m := range ids.FindAllStringSubmatch(body, -1) {
		seen[m[1]]++
		if seen[m[1]] > 1 || m[1] == "" || strings.ContainsAny(m[1], " \t\n") {
			t.Errorf("id %q is not one of its own", m[1])
		}
	}
	for _, m := range references.FindAllStringSubmatch(body, -1) {
		if seen[m[1]] == 0 {
			t.Errorf("nothing has the id %q that is referred to", m[1])
		}
	}
}

func TestHeadingsSkipNoLevel(t *testing.T) {
	contract, _ := readContract(t)
	level := "0"
	for _, m := range headings.FindAllStringSubmatch(documentation(t, contract).Body.String(), -1) {
		if m[1] > string(level[0]+1) {
			t.Errorf("a heading of level %s follows one of level %s", m[1], level)
		}
		level = m[1]
	}
}

func TestThePageLoadsNothingAndItsPolicyAllowsItsOneStyleSheet(t *testing.T) {
	contract, _ := readContract(t)
	w := documentation(t, contract)
	body := w.Body.String()
	for _, forbidden := range []string{"<script", "javascript:", "<link", "<img", "style=", " src=", "@import", "url("} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
	_, rest, _ := strings.Cut(body, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	hash := sha256.Sum256([]byte(style))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	policy := w.Header().Values("Content-Security-Policy")
	if len(policy) != 1 || !strings.Contains(policy[0], want) {
		t.Errorf("policy %q does not contain %s", policy, want)
	}
	if !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, `class="skip" href="#content"`) {
		t.Error("the page names no language or has no skip link")
	}
}

// A description is text, whatever it contains.
func TestDescriptionsAreEscaped(t *testing.T) {
	contract := []byte(`openapi: 3.0.3
info: { title: T, version: "1", description: "a <script>alert(1)</script> **<b>** ` + "`<i>`" + `" }
tags: [{ name: x }]
paths: {}
components: { schemas: {} }
`)
	body := documentation(t, contract).Body.Bytes()
	for _, forbidden := range []string{"<script", "<b>", "<i>"} {
		if bytes.Contains(body, []byte(forbidden)) {
			t.Errorf("the page contains %s", forbidden)
		}
	}
	if !bytes.Contains(body, []byte("<strong>&lt;b&gt;</strong>")) || !bytes.Contains(body, []byte("<code>&lt;i&gt;</code>")) {
		t.Error("marked text is not marked up")
	}
}

func TestAContractThatCannotBeReadIsRefused(t *testing.T) {
	for _, text := range []string{"", "{", "openapi: 3.0.3\npaths: {}\n"} {
		if _, err := web.Documentation([]byte(text)); err == nil {
			t.Errorf("%q makes a page", text)
		}
	}
}

// Package web makes the pages that people read.
package web

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

var (
	//go:embed documentation.html
	documentationPage string
	//go:embed documentation.css
	documentationStyle string
)

// Documentation makes the handler of the contract's readable page: one HTML
// document that loads nothing else, rendered once. It sets its own
// Content-Security-Policy, which lets in the page's one style sheet by its hash.
func Documentation(contract []byte) (http.Handler, error) {
	p, err := newPage(contract)
	if err != nil {
		return nil, err
	}
	t, err := template.New("documentation").Option("missingkey=error").Parse(documentationPage)
	if err != nil {
		return nil, fmt.Errorf("read the page of the contract: %w", err)
	}
	var body bytes.Buffer
	if err := t.Execute(&body, p); err != nil {
		return nil, fmt.Errorf("write the page of the contract: %w", err)
	}
	policy := fmt.Sprintf("default-src 'none'; style-src '%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", sourceHash(documentationStyle))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(body.Bytes())
	}), nil
}

// page is what the template shows. The parts of the contract are in the order
// in which the document has them.
type page struct {
	Title, Version string
	Style          template.CSS
	Introduction   []template.HTML // paragraphs
	Groups         []group
	Schemas        []namedShape
}

// group is the operations of one tag.
type group struct {
	Name       string
	About      template.HTML
	Operations []operation
}

type operation struct {
	ID, Method, Path string
	Summary          string
	About            template.HTML
	Access           string // who may call
	Parameters       []parameter
	Bodies           []content
	BodyRequired     bool
	Responses        []response
	Curl             string
}

type parameter struct {
	Name, In string
	Required bool
	shape
}

// content is a body in one media type.
type content struct {
	MediaType string
	Shape     shape
}

type response struct {
	Status  string
	About   template.HTML
	Headers []header
	Bodies  []content
}

type header struct {
	Name  string
	About template.HTML
}

func newPage(contract []byte) (page, error) {
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // maps lose the document's order; places bring it back
	doc, err := loader.LoadFromData(contract)
	if err != nil {
		return page{}, fmt.Errorf("read the contract: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return page{}, fmt.Errorf("check the contract: %w", err)
	}
	p := page{Title: doc.Info.Title, Version: doc.Info.Version, Style: template.CSS(documentationStyle)}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(doc.Info.Description), "\n\n") {
		p.Introduction = append(p.Introduction, prose(paragraph))
	}
	for _, tag := range doc.Tags {
		p.Groups = append(p.Groups, group{Name: tag.Name, About: prose(tag.Description), Operations: operationsOf(doc, tag.Name)})
	}
	for _, name := range namesInOrder(doc.Components.Schemas) {
		p.Schemas = append(p.Schemas, namedShape{Name: name, shape: shapeOf(&openapi3.SchemaRef{Value: doc.Components.Schemas[name].Value})})
	}
	return p, nil
}

// operationsOf finds the operations whose first tag it is.
func operationsOf(doc *openapi3.T, tag string) []operation {
	type placed struct {
		line int
		operation
	}
	var found []placed
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if len(op.Tags) > 0 && op.Tags[0] == tag {
				found = append(found, placed{op.Origin.Key.Line, newOperation(doc, path, method, item, op)})
			}
		}
	}
	slices.SortFunc(found, func(a, b placed) int { return a.line - b.line })
	operations := make([]operation, len(found))
	for i, f := range found {
		operations[i] = f.operation
	}
	return operations
}

func newOperation(doc *openapi3.T, path, method string, item *openapi3.PathItem, op *openapi3.Operation) operation {
	o := operation{
		ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, About: prose(op.Description), Access: accessOf(doc, op),
	}
	parameters := slices.Concat(item.Parameters, op.Parameters)
	for _, ref := range parameters {
		p := ref.Value
		s := shapeOf(p.Schema)
		if p.Description != "" {
			s.About = prose(p.Description)
		}
		o.Parameters = append(o.Parameters, parameter{Name: p.Name, In: p.In, Required: p.Required, shape: s})
	}
	if op.RequestBody != nil {
		o.BodyRequired = op.RequestBody.Value.Required
		o.Bodies = contentsOf(op.RequestBody.Value.Content)
	}
	o.Responses = responsesOf(op.Responses.Map())
	o.Curl = curl(method, path, parameters, op, o.Access != noKey)
	return o
}

// The three answers to who may call; which roles may is in the descriptions.
const (
	noKey  = "Anyone; no key is read."
	anyone = "Anyone; a key, when sent, is honoured."
	byKey  = "Whoever holds a key."
)

func accessOf(doc *openapi3.T, op *openapi3.Operation) string {
	security := doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	switch {
	case len(security) == 0:
		return noKey
	case slices.ContainsFunc(security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 }):
		return anyone
	default:
		return byKey
	}
}

// responsesOf lists the responses by status, once where several statuses share
// one.
func responsesOf(byStatus map[string]*openapi3.ResponseRef) []response {
	var out []response
	var shared []*openapi3.Response
	for _, status := range slices.Sorted(maps.Keys(byStatus)) { // "default" sorts behind the numbers
		r := byStatus[status].Value
		if i := slices.Index(shared, r); i >= 0 {
			out[i].Status += ", " + statusName(status)
			continue
		}
		out, shared = append(out, newResponse(status, r)), append(shared, r)
	}
	return out
}

func statusName(status string) string {
	if status == "default" {
		return "any other"
	}
	return status
}

func newResponse(status string, r *openapi3.Response) response {
	out := response{Status: statusName(status), Bodies: contentsOf(r.Content)}
	if r.Description != nil {
		out.About = prose(*r.Description)
	}
	for name, h := range r.Headers {
		out.Headers = append(out.Headers, header{Name: name, About: prose(h.Value.Description)})
	}
	slices.SortFunc(out.Headers, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func contentsOf(types openapi3.Content) []content {
	var out []content
	for _, name := range mediaTypes(types) {
		out = append(out, content{MediaType: name, Shape: shapeOf(types[name].Schema)})
	}
	return out
}

// mediaTypes sorts JSON before the files.
func mediaTypes(types openapi3.Content) []string {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if isJSON(a) != isJSON(b) {
			return strings.Compare(strconv.FormatBool(isJSON(b)), strconv.FormatBool(isJSON(a)))
		}
		return strings.Compare(a, b)
	})
	return names
}

var marked = regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*")

// prose renders a description: code in backquotes and text in double asterisks
// are marked up, everything is escaped.
func prose(text string) template.HTML {
	var b strings.Builder
	text = strings.TrimSpace(text)
	at := 0
	for _, span := range marked.FindAllStringIndex(text, -1) {
		b.WriteString(template.HTMLEscapeString(text[at:span[0]]))
		part := text[span[0]:span[1]]
		if part[0] == '`' {
			b.WriteString("<code>" + template.HTMLEscapeString(strings.Trim(part, "`")) + "</code>")
		} else {
			b.WriteString("<strong>" + template.HTMLEscapeString(strings.Trim(part, "*")) + "</strong>")
		}
		at = span[1]
	}
	b.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML(b.String())
}

package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// curl writes a call of the operation that can be pasted into a shell where
// SERVER and KEY are set: required parameters, required fields.
func curl(method, path string, parameters openapi3.Parameters, op *openapi3.Operation, withKey bool) string {
	var headers []string
	if withKey {
		headers = append(headers, `"Authorization: Bearer $KEY"`)
	}
	for _, ref := range parameters {
		p := ref.Value
		switch {
		case p.In == openapi3.ParameterInPath:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", parameterExample(p))
		case p.Name == "Idempotency-Key":
			headers = append(headers, `"Idempotency-Key: $(date +%s%N)"`)
		case p.Name == "If-Match":
			headers = append(headers, quoted(p.Name+": "+parameterExample(p)))
		}
	}
	var body string
	if op.RequestBody != nil {
		types := op.RequestBody.Value.Content
		mediaType := mediaTypes(types)[0]
		headers = append(headers, quoted("Content-Type: "+mediaType))
		body = " \\\n  -d " + quoted(example(types[mediaType].Schema))
	}
	line := "curl -s"
	if method != "GET" {
		line += " -X " + method
	}
	line += ` "$SERVER` + path + `"`
	for _, h := range headers {
		line += " \\\n  -H " + h
	}
	return line + body
}

func parameterExample(p *openapi3.Parameter) string {
	if p.Example != nil {
		return fmt.Sprint(p.Example)
	}
	return strings.Trim(example(p.Schema), `"`)
}

// quoted writes a text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func isJSON(mediaType string) bool {
	return strings.HasSuffix(mediaType, "json") && !strings.HasSuffix(mediaType, "ndjson")
}

// example writes a JSON value that the schema allows, with required fields
// only, in the order of the document.
func example(ref *openapi3.SchemaRef) string {
	var b bytes.Buffer
	e := exampler{next: time.Date(2022, 10, 15, 15, 30, 0, 0, time.FixedZone("", 9*60*60))}
	e.write(&b, "value", ref.Value)
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil { // only what we wrote ourselves
		panic(err)
	}
	return out.String()
}

// exampler makes examples. Its instants ascend, because the instants of the
// contract begin and end things.
type exampler struct{ next time.Time }

func (e *exampler) write(b *bytes.Buffer, name string, s *openapi3.Schema) {
	switch {
	case s.Example != nil:
		writeJSON(b, s.Example)
	case len(s.AllOf) > 0:
		e.write(b, name, s.AllOf[0].Value)
	case s.Default != nil:
		writeJSON(b, s.Default)
	case len(s.Enum) > 0:
		writeJSON(b, s.Enum[0])
	case s.Type.Is(openapi3.TypeObject):
		e.writeObject(b, s)
	case s.Type.Is(openapi3.TypeArray):
		b.WriteByte('[')
		e.write(b, name, s.Items.Value)
		b.WriteByte(']')
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		writeJSON(b, int64(max(1, minimum(s))))
	case s.Type.Is(openapi3.TypeBoolean):
		b.WriteString("true")
	case s.Format == "date-time":
		writeJSON(b, e.next.Format(time.RFC3339))
		e.next = e.next.Add(23 * time.Hour)
	default:
		writeJSON(b, strings.ReplaceAll(name, "_", " "))
	}
}

func (e *exampler) writeObject(b *bytes.Buffer, s *openapi3.Schema) {
	names := slices.DeleteFunc(namesInOrder(s.Properties), func(name string) bool { return !slices.Contains(s.Required, name) })
	if len(names) == 0 && s.MinProps > 0 {
		names = namesInOrder(s.Properties)[:s.MinProps]
	}
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		writeJSON(b, name)
		b.WriteByte(':')
		e.write(b, name, s.Properties[name].Value)
	}
	b.WriteByte('}')
}

func minimum(s *openapi3.Schema) float64 {
	if s.Min == nil {
		return 0
	}
	return *s.Min
}

func writeJSON(b *bytes.Buffer, v any) {
	text, err := json.Marshal(v)
	if err != nil { // examples come out of a document that was JSON or YAML
		panic(err)
	}
	b.Write(text)
}

package scheme_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"redress/internal/scheme"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

// wantFile fails when a generated document is not the one in the tree.
func wantFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale; run go test ./internal/scheme -update", path)
	}
}

func TestPublishedSchemaIsTheParsers(t *testing.T) {
	wantFile(t, "../../docs/scheme.schema.json", scheme.Schema())
	wantFile(t, "../../docs/scheme-facts.schema.json", scheme.FactsSchema())
}

// TestSchemaAndParserAgree walks a scheme that uses every stage along the
// schema: what the schema does not name, Parse refuses; what it requires, Parse
// demands.
func TestSchemaAndParserAgree(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(scheme.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	w := schemaWalk{t: t, defs: schema["$defs"].(map[string]any)}
	w.walk(schema, soundDocument(t), "")
	if w.objects < 40 {
		t.Errorf("only %d objects were walked", w.objects)
	}
}

type schemaWalk struct {
	t       *testing.T
	defs    map[string]any
	objects int
}

func (w *schemaWalk) walk(schema map[string]any, doc any, pointer string) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = w.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch d := doc.(type) {
	case []any:
		for i, item := range d {
			w.walk(schema["items"].(map[string]any), item, fmt.Sprintf("%s/%d", pointer, i))
		}
	case map[string]any:
		w.object(schema, d, pointer)
	}
}

func (w *schemaWalk) object(schema, doc map[string]any, pointer string) {
	w.objects++
	properties, closed := schema["properties"].(map[string]any)
	if !closed {
		for key, value := range doc {
			w.walk(schema["additionalProperties"].(map[string]any), value, pointer+"/"+key)
		}
		return
	}
	wantField(w.t, with(w.t, soundDocument(w.t), changes{pointer + "/unheard_of": 1}), pointer+"/unheard_of", "unknown_field")
	for _, name := range schema["required"].([]any) {
		at := pointer + "/" + name.(string)
		wantField(w.t, with(w.t, soundDocument(w.t), changes{at: nil}), at, "required")
	}
	for key, value := range doc {
		property, ok := properties[key].(map[string]any)
		if !ok {
			w.t.Errorf("%s/%s is accepted and not in the schema", pointer, key)
			continue
		}
		w.walk(property, value, pointer+"/"+key)
	}
}

package scheme

import (
	"encoding/json"
	"reflect"
	"strings"
	"unicode"

	"redress/internal/money"
)

// Schema returns the JSON Schema (draft 2020-12) of the scheme language. It is
// printed from the structs that Parse fills, so the two cannot drift. A schema
// can say less than Parse: that tiers leave no gap, for one.
func Schema() []byte {
	b := schemaBuilder{defs: map[string]any{}}
	root := b.object(reflect.TypeFor[Header]())
	properties := root["properties"].(map[string]any)
	for _, kind := range pipeline {
		ref := b.of(reflect.TypeOf(kind.make()).Elem())
		ref["description"] = kind.doc
		properties[kind.name] = ref
	}
	return b.document("Redress compensation scheme", root)
}

// FactsSchema returns the JSON Schema of the facts that ParseFacts reads.
func FactsSchema() []byte {
	b := schemaBuilder{defs: map[string]any{}}
	return b.document("Facts of one claim", b.object(reflect.TypeFor[Facts]()))
}

type schemaBuilder struct {
	defs map[string]any // by type name; each struct is written once
}

func (b schemaBuilder) document(title string, root map[string]any) []byte {
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	root["$defs"] = b.defs
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of strings, numbers and lists always marshal
	}
	return append(text, '\n')
}

// of returns a fresh schema of a type, to which the caller may add.
func (b schemaBuilder) of(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		return b.of(t.Elem())
	}
	if reflect.PointerTo(t).Implements(literalType) {
		return reflect.New(t).Interface().(literal).form()
	}
	switch t {
	case localType:
		return map[string]any{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$`}
	case minorType:
		return map[string]any{"type": "integer", "minimum": -int64(money.Max), "maximum": int64(money.Max)}
	}
	switch t.Kind() {
	case reflect.Struct:
		name := snakeCase(t.Name())
		if _, done := b.defs[name]; !done {
			b.defs[name] = b.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": b.of(t.Elem())}
	case reflect.Map:
		schema := map[string]any{"type": "object", "additionalProperties": b.of(t.Elem())}
		if key := b.of(t.Key()); key["enum"] != nil || key["pattern"] != nil {
			schema["propertyNames"] = key
		}
		return schema
	case reflect.String:
		if options := optionsOf(t); options != nil {
			return map[string]any{"type": "string", "enum": options}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int64:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": int64(money.Max)}
	default:
		return map[string]any{"type": "integer", "minimum": 0, "maximum": 1<<31 - 1}
	}
}

func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (b schemaBuilder) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fieldsOf(t) {
		property := b.of(f.typ)
		if f.doc != "" {
			property["description"] = f.doc
		}
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

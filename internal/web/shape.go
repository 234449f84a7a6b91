package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// shape is a schema as the page shows it.
type shape struct {
	Ref    string   // name of the schema it refers to, which has a section of its own
	Type   string   // "string", "array", "object"; empty for a reference
	Limits []string // what a value must keep to
	About  template.HTML
	Fields []field // of an object
	Item   *shape  // of an array
	Parts  []shape // all of which hold
}

type field struct {
	Name     string
	Required bool
	shape
}

type namedShape struct {
	Name string
	shape
}

// shapeOf describes a schema. A reference is named, not followed: its own
// section has the rest.
func shapeOf(ref *openapi3.SchemaRef) shape {
	if name := refName(ref); name != "" {
		return shape{Ref: name}
	}
	s := ref.Value
	about := prose(s.Description)
	// OpenAPI 3.0 lets a reference carry a description of its own only as a part.
	if len(s.AllOf) == 1 && len(s.Properties) == 0 {
		out := shapeOf(s.AllOf[0])
		out.About = about
		if s.Nullable {
			out.Limits = append(out.Limits, "or null")
		}
		return out
	}
	out := shape{Type: typeOf(s), Limits: limitsOf(s), About: about}
	for _, name := range namesInOrder(s.Properties) {
		out.Fields = append(out.Fields, field{Name: name, Required: slices.Contains(s.Required, name), shape: shapeOf(s.Properties[name])})
	}
	if s.Items != nil {
		item := shapeOf(s.Items)
		out.Item = &item
	}
	for _, part := range s.AllOf {
		out.Parts = append(out.Parts, shapeOf(part))
	}
	return out
}

func refName(ref *openapi3.SchemaRef) string {
	return strings.TrimPrefix(ref.Ref, "#/components/schemas/")
}

func typeOf(s *openapi3.Schema) string {
	var name string
	if s.Type != nil {
		name = strings.Join(s.Type.Slice(), " or ")
	}
	// The format of an integer says how a program holds it, not what it may be.
	if s.Format != "" && !s.Type.Is(openapi3.TypeInteger) {
		name += ", " + s.Format
	}
	return name
}

// limitsOf words the constraints of a schema.
func limitsOf(s *openapi3.Schema) []string {
	var limits []string
	if len(s.Enum) > 0 {
		names := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			names[i] = fmt.Sprint(v)
		}
		limits = append(limits, "one of "+strings.Join(names, ", "))
	}
	if s.Pattern != "" {
		limits = append(limits, "matches "+s.Pattern)
	}
	var low, high string
	if s.Min != nil {
		low = fmt.Sprintf("%.0f", *s.Min)
	}
	if s.Max != nil {
		high = fmt.Sprintf("%.0f", *s.Max)
	}
	limits = append(limits, between(low, high, "")...)
	limits = append(limits, between(count(s.MinLength, s.MaxLength, " characters"))...)
	limits = append(limits, between(count(s.MinItems, s.MaxItems, " items"))...)
	limits = append(limits, between(count(s.MinProps, s.MaxProps, " fields"))...)
	if s.Default != nil {
		limits = append(limits, fmt.Sprintf("%v when absent", s.Default))
	}
	if s.Nullable {
		limits = append(limits, "or null")
	}
	return limits
}

func count(low uint64, high *uint64, unit string) (lowText, highText, unitText string) {
	if low > 0 {
		lowText = fmt.Sprint(low)
	}
	if high != nil {
		highText = fmt.Sprint(*high)
	}
	return lowText, highText, unit
}

func between(low, high, unit string) []string {
	switch {
	case low == "" && high == "":
		return nil
	case high == "":
		return []string{"at least " + low + unit}
	case low == "":
		return []string{"at most " + high + unit}
	default:
		return []string{low + " to " + high + unit}
	}
}

// namesInOrder sorts named schemas by their place in the document.
func namesInOrder(schemas openapi3.Schemas) []string {
	names := make([]string, 0, len(schemas))
	for name := range schemas {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		at, bt := place(schemas[a]), place(schemas[b])
		if at.Line != bt.Line {
			return at.Line - bt.Line
		}
		return at.Column - bt.Column
	})
	return names
}

// place is where a schema, or the reference to one, is written.
func place(ref *openapi3.SchemaRef) openapi3.Location {
	if ref.Origin == nil || ref.Origin.Key == nil {
		return openapi3.Location{}
	}
	return *ref.Origin.Key
}

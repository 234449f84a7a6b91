package scheme

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// maxProblems is how many problems are named: a broken generator can repeat one
// mistake a thousand times.
const maxProblems = 100

// decoder fills Go structs from nodes and gathers every problem on the way.
// The structs are the language: their json tags name the fields, a field
// without omitempty is required, and Schema is printed from the same tags.
type decoder struct {
	fields []fault.Field
}

func (d *decoder) fail(pointer, code, en, ko string, args ...any) {
	if len(d.fields) < maxProblems {
		d.fields = append(d.fields, fault.At(pointer, code, en, ko, args...))
	}
}

func (d *decoder) wrongType(pointer string, got node, wantEN, wantKO string) {
	d.fail(pointer, "wrong_type", "is a JSON %s; %s is wanted.", "JSON %s입니다. %s이(가) 필요합니다.", string(got.kind), lang.T(wantEN, wantKO))
}

// literal is a type with its own way of being written as one JSON string or
// number.
type literal interface {
	// read takes the value, or reports that it cannot.
	read(n node) bool
	// wanted says what can be read.
	wanted() lang.Text
	// form is the JSON Schema of the type.
	form() map[string]any
}

// choice is a string type with a closed list of values.
type choice interface {
	options() []string
}

var (
	literalType = reflect.TypeFor[literal]()
	choiceType  = reflect.TypeFor[choice]()
	minorType   = reflect.TypeFor[money.Minor]()
	localType   = reflect.TypeFor[revenue.Local]()
	roundType   = reflect.TypeFor[money.Rounding]()
)

// roundings are the options of money.Rounding, which declares no list itself.
var roundings = []string{string(money.HalfUp), string(money.HalfEven), string(money.Down), string(money.Up)}

// optionsOf returns the closed list of values of a string type, nil when any
// string will do.
func optionsOf(t reflect.Type) []string {
	if t == roundType {
		return roundings
	}
	if t.Implements(choiceType) {
		return reflect.Zero(t).Interface().(choice).options()
	}
	return nil
}

// reads decodes and reports whether that found no problem.
func (d *decoder) reads(n node, pointer string, v reflect.Value) bool {
	before := len(d.fields)
	d.decode(n, pointer, v)
	return len(d.fields) == before && before < maxProblems
}

func (d *decoder) decode(n node, pointer string, v reflect.Value) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.decode(n, pointer, v.Elem())
	case reflect.PointerTo(t).Implements(literalType):
		d.literal(n, pointer, v.Addr().Interface().(literal))
	case t == localType:
		d.local(n, pointer, v)
	case t == minorType:
		d.integer(n, pointer, v, int64(-money.Max), int64(money.Max))
	default:
		d.decodeKind(n, pointer, v)
	}
}

func (d *decoder) decodeKind(n node, pointer string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if n.kind != objectNode {
			d.wrongType(pointer, n, "an object", "객체")
			return
		}
		d.object(n, pointer, v)
	case reflect.Slice:
		d.list(n, pointer, v)
	case reflect.Map:
		d.table(n, pointer, v)
	case reflect.String:
		d.str(n, pointer, v)
	case reflect.Bool:
		if n.kind != boolNode {
			d.wrongType(pointer, n, "true or false", "true 또는 false")
			return
		}
		v.SetBool(n.truth)
	case reflect.Int64:
		d.integer(n, pointer, v, 0, int64(money.Max))
	default:
		// Counts, minutes and basis points: 2^31 is past any sensible value.
		d.integer(n, pointer, v, 0, 1<<31-1)
	}
}

func (d *decoder) literal(n node, pointer string, into literal) {
	if n.kind != stringNode && n.kind != numberNode {
		d.fail(pointer, "wrong_type", "is a JSON %s; %s is wanted.", "JSON %s입니다. %s이(가) 필요합니다.", string(n.kind), into.wanted())
		return
	}
	if n.kind == numberNode && strings.ContainsAny(n.text, ".eE") {
		d.fail(pointer, "wrong_type", "%s is a floating number; write an exact decimal as a string such as \"0.206\".",
			"%s은(는) 부동소수점 수입니다. 정확한 소수는 \"0.206\"처럼 문자열로 적으십시오.", clip(n.text))
		return
	}
	if !into.read(n) {
		d.fail(pointer, "invalid_value", "%q is not %s.", "%q은(는) 쓸 수 없는 값입니다. %s이(가) 필요합니다.", clip(n.text), into.wanted())
	}
}

func (d *decoder) local(n node, pointer string, v reflect.Value) {
	if n.kind != stringNode {
		d.wrongType(pointer, n, "a local time such as \"2022-10-15T15:30\"", "\"2022-10-15T15:30\" 형식의 현지 시각")
		return
	}
	t, err := revenue.ParseLocal(n.text)
	if err != nil {
		d.fail(pointer, "invalid_time", "%q is not a local time such as 2022-10-15T15:30.",
			"%q은(는) 2022-10-15T15:30 형식의 현지 시각이 아닙니다.", clip(n.text))
		return
	}
	v.SetInt(int64(t))
}

func (d *decoder) integer(n node, pointer string, v reflect.Value, low, high int64) {
	if n.kind != numberNode || strings.ContainsAny(n.text, ".eE") {
		d.wrongType(pointer, n, "an integer", "정수")
		return
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || i < low || i > high {
		d.fail(pointer, "out_of_range", "%s is outside %d..%d.", "%s은(는) %d..%d 범위를 벗어납니다.", clip(n.text), low, high)
		return
	}
	v.SetInt(i)
}

func (d *decoder) str(n node, pointer string, v reflect.Value) {
	if n.kind != stringNode {
		d.wrongType(pointer, n, "a string", "문자열")
		return
	}
	if options := optionsOf(v.Type()); options != nil && !slices.Contains(options, n.text) {
		d.fail(pointer, "unknown_value", "%q is not one of %s.", "%q은(는) 다음 중 하나가 아닙니다: %s.",
			clip(n.text), strings.Join(options, ", "))
		return
	}
	v.SetString(n.text)
}

func (d *decoder) list(n node, pointer string, v reflect.Value) {
	if n.kind != arrayNode {
		d.wrongType(pointer, n, "an array", "배열")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.decode(item, fmt.Sprintf("%s/%d", pointer, i), out.Index(i))
	}
	v.Set(out)
}

// table reads an object whose keys are names of the claim's world (sectors,
// services, conditions), not fields of the language.
func (d *decoder) table(n node, pointer string, v reflect.Value) {
	if n.kind != objectNode {
		d.wrongType(pointer, n, "an object", "객체")
		return
	}
	d.duplicates(n, pointer)
	out := reflect.MakeMapWithSize(v.Type(), len(n.members))
	for _, m := range n.members {
		at := pointer + "/" + escape(m.key)
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.decode(node{kind: stringNode, text: m.key}, at, key)
		d.decode(m.value, at, value)
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

func (d *decoder) object(n node, pointer string, v reflect.Value) {
	d.duplicates(n, pointer)
	fields := fieldsOf(v.Type())
	names := namesOf(fields)
	for _, m := range n.members {
		if !slices.Contains(names, m.key) {
			d.unknown(pointer, m.key, names)
		}
	}
	for _, f := range fields {
		value, given := n.member(f.name)
		if given {
			d.decode(value, pointer+"/"+f.name, v.FieldByIndex(f.index))
		} else if f.required {
			d.fail(pointer+"/"+f.name, "required", "is missing; nothing is assumed in its place.", "빠져 있습니다. 대신 가정되는 값은 없습니다.")
		}
	}
}

func (d *decoder) duplicates(n node, pointer string) {
	seen := map[string]bool{}
	for _, m := range n.members {
		if seen[m.key] {
			d.fail(pointer+"/"+escape(m.key), "duplicate_key", "stands more than once; write it once.", "두 번 이상 적혀 있습니다. 한 번만 적으십시오.")
		}
		seen[m.key] = true
	}
}

func (d *decoder) unknown(pointer, key string, names []string) {
	d.fail(pointer+"/"+escape(key), "unknown_field", "is not a field here; the fields are %s.", "여기에 없는 항목입니다. 쓸 수 있는 항목: %s.",
		strings.Join(names, ", "))
}

// field is one field of the language as its struct tags state it.
type field struct {
	name     string
	required bool
	index    []int
	doc      string
	typ      reflect.Type
}

// fieldsOf lists the fields of a struct, those of embedded structs in place.
// A field without a json tag is named by its Go name in lower case.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		if f.Anonymous || !f.IsExported() || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		fields = append(fields, field{
			name: name, required: !strings.Contains(options, "omit"), index: f.Index, doc: f.Tag.Get("doc"), typ: f.Type,
		})
	}
	return fields
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// escape writes a key as one token of a JSON pointer (RFC 6901).
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(clip(key))
}

// clip shortens what is quoted back from the input.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

package scheme

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Limits of what is read. A scheme is written by hand; facts of one claim are
// small. Anything larger is refused before it costs memory.
const (
	maxBytes    = 1 << 20
	maxDepth    = 16
	maxProblems = 100
)

// node is one JSON value as it stands in the document: keys in order, numbers
// as written, duplicates still visible. encoding/json alone would lose these.
type node struct {
	kind    nodeKind
	text    string // of a string or a number
	truth   bool
	members []member
	items   []node
}

type nodeKind string

const (
	objectNode nodeKind = "object"
	arrayNode  nodeKind = "array"
	stringNode nodeKind = "string"
	numberNode nodeKind = "number"
	boolNode   nodeKind = "boolean"
	nullNode   nodeKind = "null"
)

type member struct {
	key   string
	value node
}

func (n node) member(key string) (node, bool) {
	for _, m := range n.members {
		if m.key == key {
			return m.value, true
		}
	}
	return node{}, false
}

// readNode reads exactly one JSON value, and refuses with a Malformed fault
// what is not JSON.
func readNode(data []byte) (node, error) {
	if len(data) > maxBytes {
		return node{}, fault.New(fault.TooLarge, "too_large",
			"the document has %d bytes; at most %d are read.", "문서가 %d바이트입니다. 최대 %d바이트까지 읽습니다.", len(data), maxBytes)
	}
	if !utf8.Valid(data) {
		return node{}, malformed(errors.New("the bytes are not UTF-8"))
	}
	tokens := json.NewDecoder(bytes.NewReader(data))
	tokens.UseNumber()
	n, err := readValue(tokens, 0)
	if err != nil {
		return node{}, malformed(err)
	}
	if _, err := tokens.Token(); !errors.Is(err, io.EOF) {
		return node{}, malformed(errors.New("something follows the JSON value"))
	}
	return n, nil
}

func malformed(cause error) error {
	return fault.New(fault.Malformed, "malformed_json",
		"the document is not one JSON value: %s.", "문서가 하나의 JSON 값이 아닙니다: %s.", cause.Error()).Because(cause)
}

func readValue(tokens *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := tokens.Token()
	if errors.Is(err, io.EOF) {
		return node{}, io.ErrUnexpectedEOF
	}
	if err != nil {
		return node{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(tokens, depth)
		}
		return readArray(tokens, depth)
	case string:
		return node{kind: stringNode, text: t}, nil
	case json.Number:
		return node{kind: numberNode, text: t.String()}, nil
	case bool:
		return node{kind: boolNode, truth: t}, nil
	default:
		return node{kind: nullNode}, nil
	}
}

func readObject(tokens *json.Decoder, depth int) (node, error) {
	n := node{kind: objectNode}
	for tokens.More() {
		key, err := tokens.Token()
		if err != nil {
			return node{}, err
		}
		value, err := readValue(tokens, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{key: key.(string), value: value})
	}
	_, err := tokens.Token()
	return n, err
}

func readArray(tokens *json.Decoder, depth int) (node, error) {
	n := node{kind: arrayNode}
	for tokens.More() {
		item, err := readValue(tokens, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := tokens.Token()
	return n, err
}

// decoder fills Go structs from nodes and gathers every problem on the way.
// The structs are the language: their json tags name the fields, a field
// without omitempty is required, and Schema is printed from the same tags.
type decoder struct {
	fields []fault.Field
}

func (d *decoder) fail(pointer, code, en, ko string, args ...any) {
	// Enough is enough: a broken generator can repeat one mistake a thousand times.
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
	// read takes the text of the string or number.
	read(text string) error
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
	_, stringOnly := into.form()["pattern"]
	if stringOnly && n.kind != stringNode {
		d.wrongType(pointer, n, "a string", "문자열")
		return
	}
	if n.kind != stringNode && n.kind != numberNode {
		d.wrongType(pointer, n, "a string or an integer", "문자열 또는 정수")
		return
	}
	if n.kind == numberNode && strings.ContainsAny(n.text, ".eE") {
		d.fail(pointer, "wrong_type", "%s is a floating number; write an exact decimal as a string such as \"0.206\".",
			"%s은(는) 부동소수점 수입니다. 정확한 소수는 \"0.206\"처럼 문자열로 적으십시오.", clip(n.text))
		return
	}
	if err := into.read(n.text); err != nil {
		d.fail(pointer, "invalid_value", "%s.", "값이 올바르지 않습니다: %s.", err.Error())
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

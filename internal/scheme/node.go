package scheme

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"redress/internal/fault"
)

// Limits of what is read. A scheme is written by hand; facts of one claim are
// small. Anything larger is refused before it costs memory.
const (
	maxBytes = 1 << 20
	maxDepth = 16
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

package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"redress/internal/fault"
)

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 64

// decode reads JSON that can be read in one way only: no name twice, no unknown
// field, nothing after it.
func decode(data []byte, into any) error {
	if err := unambiguous(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformed("it has an unknown field or a value of the wrong kind", "알 수 없는 필드나 잘못된 종류의 값이 있습니다").Because(err)
	}
	return nil
}

// unambiguous refuses what is no JSON value, or in which an object has a name
// twice: two readers would see two documents. Names that differ in case alone are
// the same to some.
func unambiguous(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next token of an object is a value
	}
	levels := []level{{}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(levels) == 1 && levels[0].value {
			return nil
		}
		if err != nil {
			return malformed("it is no JSON", "JSON이 아닙니다").Because(err)
		}
		here := &levels[len(levels)-1]
		if len(levels) == 1 && here.value {
			return malformed("something follows it", "뒤에 다른 내용이 있습니다")
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if name, isName := token.(string); isName && here.names != nil && !here.value {
			name = strings.ToLower(name)
			if here.names[name] {
				return malformed("an object has the same name twice", "한 객체에 같은 이름이 두 번 있습니다")
			}
			here.names[name], here.value = true, true
			continue
		}
		// A value ends the wait for one; at the outermost level there is one alone.
		here.value = len(levels) == 1
		if len(levels) == maxDepth {
			return malformed("it is nested too deep", "너무 깊이 중첩되어 있습니다")
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{names: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}

func malformed(en, ko string) *fault.Error {
	return fault.New(fault.Malformed, "document_malformed", "The document cannot be read: "+en+".", "문서를 읽을 수 없습니다: "+ko+".")
}

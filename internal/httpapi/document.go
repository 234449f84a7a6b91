package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"redress/internal/fault"
	"redress/internal/lang"
)

// maxDepth is how deep a document may nest; those of the contract need six.
const maxDepth = 32

// checkDocument refuses JSON that two readers could understand differently or
// that no database could keep: a name given twice in an object, bytes that are
// not UTF-8, U+0000, anything after the document.
func checkDocument(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil // whether there must be a body, the contract says
	}
	if !utf8.Valid(body) {
		return notJSON(errors.New("it is not UTF-8"))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, "#", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return notJSON(errors.New("something follows the document"))
	}
	return nil
}

// checkValue reads the next value, which stands at the pointer.
func checkValue(d *json.Decoder, pointer string, depth int) error {
	if depth > maxDepth {
		return fault.New(fault.Malformed, "json_too_deep",
			"The body nests deeper than %d levels.", "본문이 %d단계보다 깊게 중첩되어 있습니다.", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return notJSON(err)
	}
	switch token := token.(type) {
	case string:
		return checkText(token, pointer)
	case json.Delim:
		if token == '{' {
			err = checkMembers(d, pointer, depth)
		} else {
			for i := 0; err == nil && d.More(); i++ {
				err = checkValue(d, pointer+"/"+strconv.Itoa(i), depth+1)
			}
		}
		if err != nil {
			return err
		}
		if _, err := d.Token(); err != nil {
			return notJSON(err)
		}
	}
	return nil
}

func checkMembers(d *json.Decoder, pointer string, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return notJSON(err)
		}
		name, _ := token.(string)
		here := pointer + "/" + pointerEscape.Replace(name)
		if seen[name] {
			return fault.InvalidFields([]fault.Field{fault.At(here, "field_repeated", "is there twice; write it once.", "두 번 있습니다. 한 번만 적어 주세요.")})
		}
		seen[name] = true
		if err := checkText(name, pointer); err != nil {
			return err
		}
		if err := checkValue(d, here, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func checkText(text, pointer string) error {
	if !strings.ContainsRune(text, 0) {
		return nil
	}
	return fault.InvalidFields([]fault.Field{fault.At(pointer, "character_not_allowed",
		"must not hold the character U+0000.", "U+0000 문자를 담을 수 없습니다.")})
}

func notJSON(cause error) error {
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	return fault.New(fault.Malformed, "malformed_json", "The body is not JSON: %s.", "본문이 JSON이 아닙니다: %s.", cause.Error()).Because(cause)
}

// The years an instant may lie in, in UTC: what lies outside is a slip, and
// beyond the year 9999 could not be written back.
const (
	firstYear = 1990
	lastYear  = 2100
)

// readable is the format "text" of the contract: what people write for people to
// read. How long it is, and whether it may be empty, is for its field to say.
type readable struct{}

func (readable) Validate(text string) error {
	if text != "" && lang.Blank(text) {
		return errors.New("there is nothing to read in the text")
	}
	return nil
}

// instant is the format "date-time" of the contract: an RFC 3339 time that
// names a real day.
type instant struct{}

func (instant) Validate(text string) error {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return err
	}
	if year := t.UTC().Year(); year < firstYear || year > lastYear {
		return fmt.Errorf("the year %d is not one of %d to %d", year, firstYear, lastYear)
	}
	return nil
}

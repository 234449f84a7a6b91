package revenue

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"redress/internal/money"
)

// readNDJSON reads one object a line; a line that is none is refused alone.
func (c *collector) readNDJSON(r io.Reader) error {
	text, err := newTextReader(r)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 0, 64*1024), textChunk+1)
	line := 0
	for lines.Scan() {
		line++
		object := bytes.TrimSpace(lines.Bytes())
		if len(object) == 0 {
			continue
		}
		if err := c.takeObject(line, object); err != nil {
			return err
		}
	}
	c.summary.Encoding = text.name()
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return lineTooLong(line + 1)
	}
	if lines.Err() == nil && c.summary.RowsRead == 0 {
		return emptyFile()
	}
	return lines.Err()
}

// readJSON reads an array of objects, or an object whose "buckets" is one.
func (c *collector) readJSON(r io.Reader) error {
	text, err := newTextReader(r)
	if err != nil {
		return err
	}
	d := json.NewDecoder(text)
	open, err := d.Token()
	c.summary.Encoding = text.name()
	switch {
	case errors.Is(err, io.EOF):
		return emptyFile()
	case err != nil:
		return asFault(err, malformedJSON())
	case open == json.Delim('['):
		err = c.takeArray(d)
	case open == json.Delim('{'):
		err = c.takeWrapper(d)
	default:
		return malformedJSON()
	}
	if err != nil {
		return asFault(err, malformedJSON())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return asFault(err, malformedJSON())
	}
	c.summary.Encoding = text.name()
	if c.summary.RowsRead == 0 {
		return noRows()
	}
	return nil
}

// takeWrapper reads {"buckets": […]}, and "bucket_minutes" beside it.
func (c *collector) takeWrapper(d *json.Decoder) error {
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if seen[name] {
			return fmt.Errorf("the field %q is there twice", name)
		}
		seen[name] = true
		switch name {
		case "buckets":
			var open json.Token
			if open, err = d.Token(); err == nil && open != json.Delim('[') {
				err = errors.New(`"buckets" is not an array`)
			} else if err == nil {
				err = c.takeArray(d)
			}
		case "bucket_minutes":
			var minutes int
			if err = d.Decode(&minutes); err == nil && c.o.BucketMinutes == 0 {
				c.o.BucketMinutes = minutes
				err = c.check()
			}
		default:
			err = fmt.Errorf("%q is not a field beside \"buckets\"", name)
		}
		if err != nil {
			return err
		}
	}
	if !seen["buckets"] {
		return errors.New(`there is no "buckets"`)
	}
	_, err := d.Token()
	return err
}

func (c *collector) takeArray(d *json.Decoder) error {
	var object json.RawMessage
	for item := 1; d.More(); item++ {
		if err := d.Decode(&object); err != nil {
			return err
		}
		if err := c.takeObject(item, object); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (c *collector) takeObject(line int, object []byte) error {
	if err := c.begin(); err != nil {
		return err
	}
	o := jsonRow{c: c, e: entry{line: int32(line), empty: true}}
	if !o.read(object) {
		return nil
	}
	if !o.seen[slices.Index(jsonFields, FieldStart)] {
		c.refuse(line, string(FieldStart), timeMissing)
		return nil
	}
	if o.end != "" && !o.readEnd() {
		return nil
	}
	c.accept(o.e, string(FieldStart))
	return nil
}

// jsonFields are the fields of a row; jsonRow.seen is in their order.
var jsonFields = []Field{FieldStart, FieldEnd, FieldAmount, FieldCount, FieldState}

// jsonRow reads one object, field by field: encoding/json would take the last
// of two equal fields, any case of a name, and a rounded number.
type jsonRow struct {
	c    *collector
	e    entry
	end  string
	seen [5]bool
}

// read fills the row, or refuses it and returns false.
func (o *jsonRow) read(object []byte) bool {
	if !json.Valid(object) || object[0] != '{' {
		return o.refuse("", jsonUnreadable)
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	// What json.Valid has passed gives no error.
	_, _ = d.Token()
	for d.More() {
		key, _ := d.Token()
		value, _ := d.Token()
		if !o.field(key.(string), value) {
			return false
		}
	}
	return true
}

func (o *jsonRow) field(name string, value json.Token) bool {
	field := Field(name)
	at := slices.Index(jsonFields, field)
	switch {
	case at < 0:
		return o.refuse(clipped(name), fieldUnknown, clipped(name))
	case o.seen[at]:
		return o.refuse(name, fieldRepeated, name)
	}
	o.seen[at] = true
	switch {
	case field == FieldStart:
		return o.readStart(value)
	case value == nil:
		return true // null is a field left out
	case field == FieldAmount:
		return o.readAmount(value)
	case field == FieldCount:
		return o.readCount(value)
	}
	word, ok := value.(string)
	if !ok {
		return o.refuse(name, fieldType, jsonText(value), aString)
	}
	if field == FieldEnd {
		o.end = word
	} else {
		o.c.readMark(&o.e, word)
	}
	return true
}

// refuse reports the row and returns false.
func (o *jsonRow) refuse(field string, why reason, args ...any) bool {
	o.c.refuse(int(o.e.line), field, why, args...)
	return false
}

func (o *jsonRow) readStart(value json.Token) bool {
	word, ok := value.(string)
	if !ok {
		return o.refuse(string(FieldStart), fieldType, jsonText(value), aString)
	}
	st, ok := parseStamp(word, o.c.o.Zone)
	if !ok {
		return o.refuse(string(FieldStart), timeUnreadable, clipped(word))
	}
	o.e.stamp = st
	return true
}

func (o *jsonRow) readEnd() bool {
	st, ok := parseStamp(o.end, o.c.o.Zone)
	length := st.at - o.e.at
	if !ok || length <= 0 || length > Week {
		return o.refuse(string(FieldEnd), endUnreadable, clipped(o.end))
	}
	o.e.length = int16(length)
	return true
}

func (o *jsonRow) readAmount(value json.Token) bool {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil || !money.Minor(n).InRange() {
		return o.refuse(string(FieldAmount), fieldType, jsonText(value), anInt)
	}
	o.e.amount, o.e.empty = money.Minor(n), false
	return true
}

func (o *jsonRow) readCount(value json.Token) bool {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 32)
	if err != nil || n < 0 {
		return o.refuse(string(FieldCount), fieldType, jsonText(value), aCount)
	}
	o.e.count = int32(n)
	return true
}

// jsonText shows a value of the wrong type.
func jsonText(value json.Token) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(clipped(v))
	case json.Number:
		return clipped(v.String())
	case json.Delim:
		if v == '[' {
			return "an array"
		}
		return "an object"
	default:
		return fmt.Sprint(v)
	}
}

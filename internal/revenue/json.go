package revenue

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	if !o.seen[0] {
		c.refuse(line, string(FieldStart), timeMissing)
		return nil
	}
	if o.end != "" && !o.readEnd() {
		return nil
	}
	c.accept(o.e, string(FieldStart))
	return nil
}

// jsonFields are the fields of a row, in the order jsonRow.seen has them.
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
		o.c.refuse(int(o.e.line), "", jsonUnreadable)
		return false
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
	line := int(o.e.line)
	at := -1
	for i, f := range jsonFields {
		if name == string(f) {
			at = i
		}
	}
	switch {
	case at < 0:
		o.c.refuse(line, clipped(name), fieldUnknown, clipped(name))
		return false
	case o.seen[at]:
		o.c.refuse(line, name, fieldRepeated, name)
		return false
	}
	o.seen[at] = true
	switch {
	case at == 0:
		return o.readStart(value)
	case value == nil:
		return true // null is a field left out
	case at == 2:
		return o.readAmount(value)
	case at == 3:
		return o.readCount(value)
	}
	word, ok := value.(string)
	if !ok {
		o.c.refuse(line, name, fieldType, jsonText(value), aString)
		return false
	}
	if at == 1 {
		o.end = word
	} else {
		o.c.readMark(&o.e, word)
	}
	return true
}

func (o *jsonRow) readStart(value json.Token) bool {
	word, ok := value.(string)
	if !ok {
		o.c.refuse(int(o.e.line), string(FieldStart), fieldType, jsonText(value), aString)
		return false
	}
	st, ok := parseStamp(word, o.c.o.Zone)
	if !ok {
		o.c.refuse(int(o.e.line), string(FieldStart), timeUnreadable, clipped(word))
		return false
	}
	o.e.stamp = st
	return true
}

func (o *jsonRow) readEnd() bool {
	st, ok := parseStamp(o.end, o.c.o.Zone)
	length := st.at - o.e.at
	if !ok || length <= 0 || length > Week {
		o.c.refuse(int(o.e.line), string(FieldEnd), endUnreadable, clipped(o.end))
		return false
	}
	o.e.length = int16(length)
	return true
}

func (o *jsonRow) readAmount(value json.Token) bool {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil || !money.Minor(n).InRange() {
		o.c.refuse(int(o.e.line), string(FieldAmount), fieldType, jsonText(value), anInt)
		return false
	}
	o.e.amount, o.e.empty = money.Minor(n), false
	return true
}

func (o *jsonRow) readCount(value json.Token) bool {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 32)
	if err != nil || n < 0 {
		o.c.refuse(int(o.e.line), string(FieldCount), fieldType, jsonText(value), aCount)
		return false
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

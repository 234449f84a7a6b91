package fsck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// facts are what an entry says, or an event: JSON with numbers as written.
type facts map[string]any

// readFacts reads a JSON object; what is none has no facts.
func readFacts(body []byte) facts {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var f facts
	if err := dec.Decode(&f); err != nil {
		return facts{}
	}
	return f
}

// aboutClaim reports whether an entry of that type is about an event of a claim.
func aboutClaim(entryType string) bool { return strings.HasPrefix(entryType, "claim.") }

// aboutDocument reports whether an entry of that type is about a document.
func aboutDocument(entryType string) bool {
	what, _, _ := strings.Cut(entryType, ".")
	return slices.Contains([]string{"scheme", "rulebook", "incident", "batch"}, what)
}

// is reports whether the entry is of the type or, when that ends with a dot, of
// one that begins so.
func (f facts) is(entryType string) bool {
	got, _ := f["type"].(string)
	return got == entryType || strings.HasSuffix(entryType, ".") && strings.HasPrefix(got, entryType)
}

func (f facts) text(fact string) string {
	s, _ := f[fact].(string)
	return s
}

// number reads a whole number; ok is false where there is none.
func (f facts) number(fact string) (n int64, ok bool) {
	v, ok := f[fact].(json.Number)
	if !ok {
		return 0, false
	}
	n, err := v.Int64()
	return n, err == nil
}

func (f facts) has(fact string) bool {
	_, ok := f[fact]
	return ok
}

// data is what the entry says of the event.
func (f facts) data() facts {
	d, _ := f["data"].(map[string]any)
	return d
}

// same compares a value of a row with one of an entry.
func same(said, row any) bool {
	switch v := row.(type) {
	case int64:
		return said == json.Number(fmt.Sprint(v))
	case int:
		return said == json.Number(fmt.Sprint(v))
	default:
		return reflect.DeepEqual(said, row)
	}
}

// person is what an event knows and its entry does not say.
const person = "person"

// sameData compares an event's data with its entry's.
func sameData(event, entry facts) bool {
	for _, pair := range [][2]facts{{event, entry}, {entry, event}} {
		for fact, value := range pair[0] {
			if fact != person && (!pair[1].has(fact) || !reflect.DeepEqual(pair[1][fact], value)) {
				return false
			}
		}
	}
	return true
}

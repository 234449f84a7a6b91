package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"redress/internal/auditlog"
	"redress/internal/lang"
	"redress/internal/publication"
)

// opening is a receipt that verifies: what an entry of the log says.
type opening struct {
	auditlog.Proven
	path  string
	facts map[string]any // numbers as written
}

// openReceipts verifies every receipt by itself.
func (v *verifier) openReceipts() {
	for _, path := range v.files.paths {
		if !strings.HasSuffix(path, proof) {
			continue
		}
		data, ok := v.read(path)
		if !ok {
			continue
		}
		proven, err := auditlog.VerifyReceipt(data, v.keys)
		if err != nil {
			v.fail(path, err)
			continue
		}
		o := opening{Proven: proven, path: path}
		if o.facts, err = facts(proven.Entry.Body); err != nil {
			v.fail(path, err)
			continue
		}
		v.openings[path] = o
	}
}

// facts are what an entry says, if it says it in one way only.
func facts(body []byte) (map[string]any, error) {
	if err := unambiguous(body); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var f map[string]any
	if err := d.Decode(&f); err != nil {
		return nil, malformed("it is no object", "객체가 아닙니다").Because(err)
	}
	return f, nil
}

func (v *verifier) receiptsHold() lang.Text {
	return lang.F("Each of the %d receipts is signed by the log and opens its entry.", "접수증 %d개가 모두 로그의 서명을 갖고 있으며 항목을 엽니다.", len(v.openings))
}

// opened finds the entry that a path's receipt opens, which has to be of a type and
// about a subject. What is wrong, a finding has said.
func (v *verifier) opened(path, entryType, subject string) (opening, bool) {
	o, ok := v.openings[path]
	if !ok {
		if !v.files.there[path] {
			v.finding(path, "receipt_missing", "The receipt is missing; nothing shows that the log knows of this.", "접수증이 없어 로그에 기록되었는지 알 수 없습니다.")
		}
		return o, false
	}
	if got := o.Entry.Type; got != entryType {
		v.finding(path, "entry_type_wrong", "The entry is %s; %s is wanted.", "항목이 %s입니다. %s이어야 합니다.", got, entryType)
		return o, false
	}
	if got := o.Entry.Subject; got != subject {
		v.finding(path, "entry_subject_wrong", "The entry is about %q; %q is wanted.", "항목이 %q에 관한 것입니다. %q이어야 합니다.", got, subject)
		return o, false
	}
	return o, true
}

// says checks that an entry states a fact as it is.
func (v *verifier) says(o opening, fact string, is any) bool {
	said, stated := o.facts[fact]
	if !stated {
		v.finding(o.path, "fact_missing", "The entry does not state %s.", "항목에 %s이(가) 없습니다.", fact)
		return false
	}
	if said != asFact(is) {
		v.finding(o.path, "entry_differs", "%s is %v; the log says %v.", "%s이(가) %v인데 로그에는 %v(으)로 되어 있습니다.", fact, is, said)
		return false
	}
	return true
}

// asFact is a value as the JSON of an entry holds it.
func asFact(is any) any {
	switch is := is.(type) {
	case int, int64:
		return json.Number(fmt.Sprint(is))
	case publication.Hash:
		return is.String()
	}
	return is
}

// text and number are a fact, which has to be there.
func (v *verifier) text(o opening, fact string) (string, bool) {
	s, ok := o.facts[fact].(string)
	if !ok {
		v.finding(o.path, "fact_missing", "The entry does not state %s.", "항목에 %s이(가) 없습니다.", fact)
	}
	return s, ok
}

func (v *verifier) number(o opening, fact string) (int, bool) {
	n, _ := o.facts[fact].(json.Number)
	i, err := n.Int64()
	if err != nil {
		v.finding(o.path, "fact_missing", "The entry does not state %s.", "항목에 %s이(가) 없습니다.", fact)
	}
	return int(i), err == nil
}

func (v *verifier) hash(o opening, fact string) (h publication.Hash, ok bool) {
	s, ok := v.text(o, fact)
	if ok && (h.UnmarshalText([]byte(s)) != nil || h.String() != s) {
		v.finding(o.path, "fact_missing", "The entry does not state %s as a hash.", "항목의 %s이(가) 해시가 아닙니다.", fact)
		return h, false
	}
	return h, ok
}

func (v *verifier) instant(o opening, fact string) (time.Time, bool) {
	s, ok := v.text(o, fact)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		v.finding(o.path, "fact_missing", "The entry does not state %s as a time.", "항목의 %s이(가) 시각이 아닙니다.", fact)
	}
	return at.UTC(), err == nil
}

// hashed checks that a document's bytes are those that an entry names.
func (v *verifier) hashed(o opening, fact, path string, data []byte) bool {
	said, ok := v.text(o, fact)
	if ok && said != hexSHA256(data) {
		v.finding(path, "document_changed", "The bytes are not those of the hash %s that the log has.", "내용이 로그의 해시 %s와 맞지 않습니다.", said)
		return false
	}
	return ok
}

// before checks that an entry precedes another in the log.
func (v *verifier) before(first, then opening, code string) bool {
	if first.LeafIndex < then.LeafIndex {
		return true
	}
	v.finding(then.path, code, "%s is entry %d of the log and %s entry %d; the other order is right.",
		"%s은(는) 로그의 %d번, %s은(는) %d번 항목입니다. 순서가 반대여야 합니다.", then.path, then.LeafIndex, first.path, first.LeafIndex)
	return false
}

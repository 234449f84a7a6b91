// Package lang holds what Redress says to people: every sentence in Korean and
// in English, side by side, so that one language cannot drift from the other.
package lang

import (
	"fmt"

	"golang.org/x/text/language"
)

// Tag names one of the two languages Redress speaks.
type Tag string

// The languages of every text.
const (
	Korean  Tag = "ko"
	English Tag = "en"
)

// Text is one sentence, or one short passage, in both languages.
type Text struct {
	KO string `json:"ko"`
	EN string `json:"en"`
}

// T makes a text from its English and its Korean form.
func T(en, ko string) Text { return Text{KO: ko, EN: en} }

// F formats both forms with the same arguments. An argument that is itself a
// Text appears in the language of the form it is put into. The Korean form may
// reorder arguments with explicit indexes (%[2]s).
func F(en, ko string, args ...any) Text {
	return Text{KO: format(Korean, ko, args), EN: format(English, en, args)}
}

func format(tag Tag, form string, args []any) string {
	own := make([]any, len(args))
	for i, a := range args {
		own[i] = a
		if t, ok := a.(Text); ok {
			own[i] = t.In(tag)
		}
	}
	return fmt.Sprintf(form, own...)
}

// In returns the text in the language asked for.
func (t Text) In(tag Tag) string {
	if tag == Korean {
		return t.KO
	}
	return t.EN
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Korean})

// Match picks the language that an Accept-Language header prefers; English when
// the header names neither or is absent.
func Match(acceptLanguage string) Tag {
	_, index := language.MatchStrings(matcher, acceptLanguage)
	if index == 1 {
		return Korean
	}
	return English
}

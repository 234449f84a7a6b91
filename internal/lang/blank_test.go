package lang_test

import (
	"testing"

	"pgregory.net/rapid"

	"redress/internal/lang"
)

func TestBlankTextShowsNothing(t *testing.T) {
	for _, text := range []string{
		"", " ", "\t\r\n", "\u00a0\u2003\u3000", "\u200b", "\u200d\u2060\ufeff", "\u00ad", "\u202e", "\u115f\u1160\u3164\uffa0", "\u2800", "\ufe0f", "\x00\x7f", "\U000e0041", "\ue000",
	} {
		if !lang.Blank(text) {
			t.Errorf("%q shows nothing", text)
		}
	}
	for _, text := range []string{"a", "심사", "ㅋ", "ᄒ", "é", "1", ".", "?", "₩", "👍🏽", "\u200b한\u200b", "é\u0301"} {
		if lang.Blank(text) {
			t.Errorf("%q can be read", text)
		}
	}
}

// What is put around a text neither makes it readable nor hides it.
func TestBlankTextStaysBlankInWhatIsBlank(t *testing.T) {
	blanks := rapid.StringOf(rapid.SampledFrom([]rune(" \t\n\u00a0\u200b\u2060\u3000\u3164\ufeff")))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if around := blanks.Draw(t, "before") + text + blanks.Draw(t, "after"); lang.Blank(around) != lang.Blank(text) {
			t.Fatalf("%q is blank: %t; %q: %t", text, lang.Blank(text), around, lang.Blank(around))
		}
	})
}

package lang_test

import (
	"encoding/json"
	"testing"

	"redress/internal/lang"
)

func TestFPutsEachArgumentInTheLanguageOfTheForm(t *testing.T) {
	taxi := lang.T("taxi rides", "택시 호출")
	for _, c := range []struct {
		name string
		got  lang.Text
		want lang.Text
	}{
		{"no arguments", lang.F("Done.", "끝."), lang.T("Done.", "끝.")},
		{"plain arguments", lang.F("%d of %q", "%d/%q", 2, "x"), lang.T(`2 of "x"`, `2/"x"`)},
		{"reordered by explicit indexes", lang.F("%d of %q", "%[2]q 중 %[1]d", 2, "x"), lang.T(`2 of "x"`, `"x" 중 2`)},
		{"a text", lang.F("%s stopped", "%s 중단", taxi), lang.T("taxi rides stopped", "택시 호출 중단")},
		{"a text, quoted", lang.F("%q", "%q", taxi), lang.T(`"taxi rides"`, `"택시 호출"`)},
		{
			"a text made from texts, reordered",
			lang.F("%s: %d", "%[2]d건: %[1]s", lang.F("all %s", "%s 모두", taxi), 3),
			lang.T("all taxi rides: 3", "3건: 택시 호출 모두"),
		},
		{"one argument twice", lang.F("%[1]s and %[1]s", "%[1]s, %[1]s", taxi), lang.T("taxi rides and taxi rides", "택시 호출, 택시 호출")},
		{"a verb inside an argument stays as it is", lang.F("%s", "%s", "100%d"), lang.T("100%d", "100%d")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %+v, want %+v", c.got, c.want)
			}
		})
	}
}

func TestTextIsEnglishUnlessKoreanIsAskedFor(t *testing.T) {
	text := lang.T("claim", "청구")
	for tag, want := range map[lang.Tag]string{lang.Korean: "청구", lang.English: "claim", "": "claim", "fr": "claim"} {
		if got := text.In(tag); got != want {
			t.Errorf("In(%q) = %q, want %q", tag, got, want)
		}
	}
	if b, err := json.Marshal(text); err != nil || string(b) != `{"ko":"청구","en":"claim"}` {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

func TestMatchFollowsTheHeadersThatBrowsersSend(t *testing.T) {
	for header, want := range map[string]lang.Tag{
		"":                                    lang.English,
		"ko":                                  lang.Korean,
		"KO":                                  lang.Korean,
		"ko-KR":                               lang.Korean,
		"ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7": lang.Korean, // Chrome in Korea
		"ko-kr":                               lang.Korean, // Safari in Korea
		"ko-Kore-KR":                          lang.Korean,
		"en-US,en;q=0.9,ko;q=0.8":             lang.English, // a Korean reader of an English browser
		"en-GB,en;q=0.5":                      lang.English,
		"en;q=0.3, ko;q=0.9":                  lang.Korean, // weights outrank the order
		"ja,ko;q=0.8,en;q=0.6":                lang.Korean, // the first that is spoken here
		"ja,en;q=0.8,ko;q=0.6":                lang.English,
		"fr-CH, fr;q=0.9, *;q=0.5":            lang.English,
		"zh-CN,zh;q=0.9":                      lang.English,
		"*":                                   lang.English,
		"ko;q=0":                              lang.English, // refused outright
		"korean":                              lang.English,
		";;;,,q=":                             lang.English,
		"ko;q=high":                           lang.English,
	} {
		if got := lang.Match(header); got != want {
			t.Errorf("Accept-Language %q: %s, want %s", header, got, want)
		}
	}
}

package evidence_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"redress/internal/evidence"
	"redress/internal/fault"
)

func TestNamesThatPeopleChooseAreKept(t *testing.T) {
	for name, want := range map[string]string{
		"매출 내역 (10월).xlsx":                        "매출 내역 (10월).xlsx",
		norm.NFD.String("매출.xlsx"):                "매출.xlsx", // as macOS writes it
		" receipts.pdf\u3000":                     "receipts.pdf",
		"a:b?.pdf":                                "a:b?.pdf",
		"👩‍🍳.png":                                 "👩‍🍳.png",
		strings.Repeat("가", 200):                  strings.Repeat("가", 200),
		norm.NFD.String(strings.Repeat("각", 200)): strings.Repeat("각", 200),
	} {
		if got, err := evidence.CleanName(name); err != nil || got != want {
			t.Errorf("%q is kept as %q, want %q: %v", name, got, want, err)
		}
	}
}

func TestNamesThatHoldMoreThanANameAreRefused(t *testing.T) {
	for name, says := range map[string]string{
		"":                             "no name",
		" \u3000":                      "no name",
		"/etc/passwd.txt":              "path",
		"../a.pdf":                     "path",
		`C:\Users\a.pdf`:               "path",
		`..\a.pdf`:                     "path",
		"a/b.pdf":                      "path",
		"..":                           "path",
		"a..pdf":                       "path",
		"a\x00.pdf":                    "control",
		"a.pdf\r\nContent-Type: x":     "control",
		"a\x7f.pdf":                    "control",
		"a\u0085.pdf":                  "control",
		"a\u2028.pdf":                  "control",
		"invoice\u202egpj.exe":         "control", // shows as "invoiceexe.jpg"
		"a\xff.pdf":                    "UTF-8",
		strings.Repeat("가", 201):       "200",
		strings.Repeat("a", 1_000_000): "200",
	} {
		_, err := evidence.CleanName(name)
		if f := refused(t, err, fault.Invalid, "evidence_name_invalid"); !strings.Contains(f.Detail.EN, says) {
			t.Errorf("%.40q: %q does not say %q", name, f.Detail.EN, says)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, name := range []string{"a.pdf", "매출.xlsx", norm.NFD.String("매출.xlsx"), "../a", `a\b`, "a\x00", "\u202ea", "\xff", " ", "\u3000가", " \u0308a", "\u0344"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := evidence.CleanName(name)
		if err != nil {
			refused(t, err, fault.Invalid, "evidence_name_invalid")
			return
		}
		switch {
		case got == "" || utf8.RuneCountInString(got) > evidence.MaxNameLength:
			t.Errorf("%q has a length that is refused", got)
		case filepath.Base(got) != got || path.Clean(got) != got:
			t.Errorf("%q is more than a name", got)
		case strings.ContainsAny(got, "/\\\x00\r\n"):
			t.Errorf("%q breaks headers and paths", got)
		case !norm.NFC.IsNormalString(got) || strings.TrimSpace(got) != got:
			t.Errorf("%q is not clean", got)
		}
		if again, err := evidence.CleanName(got); err != nil || again != got {
			t.Errorf("%q cleaned again is %q: %v", got, again, err)
		}
	})
}

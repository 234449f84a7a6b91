package letter_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/letter"
)

// pageCount is what the PDF itself says; 0 where it does not.
func pageCount(pdf []byte) int {
	m := regexp.MustCompile(`/Type /Pages\n(?s:.*?)/Count (\d+)\n`).FindSubmatch(pdf)
	if m == nil || !bytes.HasPrefix(pdf, []byte("%PDF-1.")) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// extract runs pdftotext on a PDF; it skips, loudly, where that is missing.
func extract(t *testing.T, pdf []byte, flags ...string) string {
	t.Helper()
	const requireTools = "REDRESS_REQUIRE_TOOLS"
	if _, err := exec.LookPath("pdftotext"); err != nil {
		if os.Getenv(requireTools) != "" {
			t.Fatalf("pdftotext is missing and %s is set", requireTools)
		}
		t.Skip("SKIPPED: WHAT THE PDF SAYS IS NOT READ HERE: it needs pdftotext (poppler-utils)")
	}
	path := filepath.Join(t.TempDir(), "letter.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "pdftotext", append(flags, "-enc", "UTF-8", path, "-")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("pdftotext: %v %s", err, stderr.String())
	}
	return string(out)
}

var footer = regexp.MustCompile(`R-7K3M-9Q2X-4HTN\s+(\d+쪽 중 \d+쪽|Page \d+ of \d+)\s+`)

// dense is a string without its spaces, which are where lines happen to break.
func dense(s string) string { return strings.Join(strings.Fields(s), "") }

func TestPDFSaysWhatTheTextSays(t *testing.T) {
	forEach(t, func(t *testing.T, l letter.Letter) {
		pdf := pdfOf(t, l)
		read := extract(t, pdf, "-layout")
		got := dense(footer.ReplaceAllString(read, ""))
		marks := strings.NewReplacer("■ ", "", "- ", "", "> ", "", " (", ": ", ")\n", "\n")
		for line := range strings.Lines(textOf(t, l)) {
			if strings.Trim(line, "-\n") == "" {
				continue
			}
			for part := range strings.SplitSeq(marks.Replace(line), ": ") {
				if part = strings.TrimSuffix(dense(part), ")"); !strings.Contains(got, part) {
					t.Errorf("%q is missing in\n%s", part, got)
				}
			}
		}
		numbers := footer.FindAllStringSubmatch(read, -1)
		if len(numbers) != pageCount(pdf) {
			t.Errorf("%d of %d pages are numbered", len(numbers), pageCount(pdf))
		}
		for n, m := range numbers {
			korean, english := fmt.Sprintf("%d쪽 중 %d쪽", pageCount(pdf), n+1), fmt.Sprintf("Page %d of %d", n+1, pageCount(pdf))
			if isFirst, isLast := n == 0, n == pageCount(pdf)-1; m[1] != korean && m[1] != english || isFirst && m[1] != korean || isLast && m[1] != english {
				t.Errorf("page %d is numbered %q, want %q or %q, Korean first", n+1, m[1], korean, english)
			}
		}
	})
}

func TestPDFIsOneFileOfKoreanAndEnglishPages(t *testing.T) {
	forEach(t, func(t *testing.T, l letter.Letter) {
		pdf := pdfOf(t, l)
		if n := pageCount(pdf); n < 2 || n > 4 {
			t.Errorf("%d pages", n)
		}
		if len(pdf) > 70_000 {
			t.Errorf("%d bytes; 70,000 are enough", len(pdf))
		}
	})
}

// The dates of a PDF say when it was decided and in which zone, and nothing that
// the file points to has moved for it.
func TestPDFIsDatedTheInstantOfTheDecisionInItsZone(t *testing.T) {
	for name, c := range map[string]struct {
		zone  *time.Location
		stamp string
	}{
		"east of Greenwich": {seoul, "D:20221122235959+09'00'"},
		"Greenwich":         {time.UTC, "D:20221122145959+00'00'"},
		"west of it":        {time.FixedZone("", -(3*60+30)*60), "D:20221122112959-03'30'"},
	} {
		t.Run(name, func(t *testing.T) {
			l := sample(letter.Decision, letter.Approved)
			l.Date = l.Date.In(c.zone)
			pdf := pdfOf(t, l)
			for _, entry := range []string{"/Producer (Redress)\n", "/CreationDate (" + c.stamp + ")\n", "/ModDate (" + c.stamp + ")\n"} {
				if bytes.Count(pdf, []byte(entry)) != 1 {
					t.Errorf("the PDF does not hold %q once", entry)
				}
			}
			_, table, _ := strings.Cut(string(pdf), "\nxref\n")
			offsets := regexp.MustCompile(`(?m)^(\d{10}) 00000 n`).FindAllStringSubmatch(table, -1)
			for n, offset := range offsets {
				at, _ := strconv.Atoi(offset[1])
				if object := fmt.Sprintf("%d 0 obj\n", n+1); !bytes.HasPrefix(pdf[at:], []byte(object)) {
					t.Errorf("at %d stands %q, want %q", at, pdf[at:at+10], object)
				}
			}
			if len(offsets) < 10 {
				t.Errorf("%d objects", len(offsets))
			}
		})
	}
}

func TestTheSameLetterGivesTheSameBytes(t *testing.T) {
	type pair struct {
		letter letter.Letter
		pdf    []byte
	}
	var made []pair
	forEach(t, func(t *testing.T, l letter.Letter) { made = append(made, pair{l, pdfOf(t, l)}) })
	rare := sample(letter.Decision, letter.Approved)
	rare.Recipient = "똠*쀼 金漢 Zoë"
	made = append(made, pair{rare, pdfOf(t, rare)})

	// Letters that are written at the same time share the fonts.
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for _, m := range made {
				again, err := letter.PDF(m.letter)
				if err != nil || !bytes.Equal(m.pdf, again) {
					t.Errorf("%s, %s: other bytes the second time (%v)", m.letter.Kind, m.letter.Outcome, err)
				}
			}
		})
	}
	writers.Wait()
}

func TestNamesAreDrawnAsTheyAreWritten(t *testing.T) {
	for written, shown := range map[string]string{
		"김**":             "김**",
		"똠방각하 쀼":          "똠방각하 쀼", // no syllables of KS X 1001
		"한글":              "한글",     // as some systems decompose it
		"金漢江":             "金漢江",
		"Zoë, Café Ñandú": "Zoë, Café Ñandú",
		"Nguyễn Şahin":    "Nguyen Sahin", // no such letters in the font; those under the marks are
		"별🚕빵⭐️집":          "별□빵□집",
		"(괄호) \\ 역빗금":     "(괄호) \\ 역빗금",
		"Jong Hun":        "Jong Hun",
		"\xff가\x00나":      "□가나",
		"กข":              "□□",
	} {
		t.Run(shown, func(t *testing.T) {
			l := sample(letter.Decision, letter.Approved)
			l.Recipient, l.Outlet = written, written
			got := extract(t, pdfOf(t, l), "-layout")
			if n := strings.Count(dense(got), dense(shown)); n != 4 {
				t.Errorf("%q is there %d times, want 4 (name and outlet, in both languages)\n%s", shown, n, got)
			}
		})
	}
}

// Whoever reads the PDF learns that it lacks something, and that the text does not.
func TestAPDFThatCannotDrawEverythingSaysSo(t *testing.T) {
	for name, lost := range map[string]bool{"김**": false, "金漢江 Zoë": false, "별🚕집": true, "กข": true, "مرحبا": true, "Şahin": true} {
		t.Run(name, func(t *testing.T) {
			l := sample(letter.Decision, letter.Approved)
			l.Recipient = name
			got := dense(extract(t, pdfOf(t, l), "-layout"))
			for _, said := range []string{"텍스트 통지서에는 모두 그대로 있습니다.", "The text version of this letter is complete."} {
				if strings.Contains(got, dense(said)) != lost {
					t.Errorf("%q is there: %t, want %t", said, !lost, lost)
				}
			}
			if text := textOf(t, l); !strings.Contains(text, name) || strings.Contains(text, "텍스트 통지서") {
				t.Errorf("the text:\n%s", text)
			}
		})
	}
}

// Korean without a single space breaks between characters, and a note that is
// longer than a page goes on on the next.
func TestLongWordsAndNotesStayOnTheirPages(t *testing.T) {
	const rightMargin, bottomMargin = (210 - 24) / 25.4 * 72, (297 - 10) / 25.4 * 72 // points
	syllables := strings.Repeat("붙여쓴한국어문장은띄어쓰기가없어도", 200)
	l := sample(letter.Automatic, letter.PartlyApproved)
	l.Note.Text = syllables + "\n" + strings.Repeat("말이 됩니다. ", 1000)
	l.Outlet, l.Reason.Title.KO = strings.Repeat("긴이름", 60), strings.Repeat("제목", 90)
	l.Evidence[0].EN = strings.Repeat("x", 500) + ".csv"

	pdf := pdfOf(t, l)
	if n := pageCount(pdf); n < 12 {
		t.Errorf("%d pages for two languages of %d characters", n, utf8.RuneCountInString(l.Note.Text))
	}
	box := regexp.MustCompile(`<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="([\d.]+)"`)
	words := box.FindAllStringSubmatch(extract(t, pdf, "-bbox"), -1)
	if len(words) < 1000 {
		t.Fatalf("%d words", len(words))
	}
	for _, w := range words {
		right, errRight := strconv.ParseFloat(w[2], 64)
		bottom, errBottom := strconv.ParseFloat(w[3], 64)
		if errRight != nil || errBottom != nil || right > rightMargin+0.5 || bottom > bottomMargin {
			t.Fatalf("a word leaves the text: %s", w[0])
		}
	}
	text := dense(footer.ReplaceAllString(extract(t, pdf, "-layout"), ""))
	for _, want := range []string{l.Outlet, l.Reason.Title.KO, l.Evidence[0].EN, syllables} {
		if !strings.Contains(text, want) {
			t.Errorf("%.30q… is torn", want)
		}
	}
}

func TestWrapKeepsEveryCharacterAndTheWidth(t *testing.T) {
	measure := func(s string) float64 {
		width := 0.0
		for _, r := range s {
			width++
			if unicode.Is(unicode.Hangul, r) {
				width++
			}
		}
		return width
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringOfN(rapid.SampledFrom([]rune("가나다라abc.")), 1, 60, -1)).Draw(t, "words")
		width := rapid.Float64Range(2, 40).Draw(t, "width")
		text := strings.Join(words, " ")
		lines := letter.Wrap(text, width, measure)
		if got := dense(strings.Join(lines, " ")); got != dense(text) {
			t.Fatalf("%q became %q", text, lines)
		}
		for i, line := range lines {
			if measure(line) > width || line == "" {
				t.Fatalf("line %d of %q is %v wide, more than %v or nothing", i, lines, measure(line), width)
			}
		}
		for _, w := range words {
			if measure(w) <= width && !strings.Contains(" "+strings.Join(lines, " ")+" ", " "+w+" ") {
				t.Fatalf("%q would fit a line and is torn in %q", w, lines)
			}
		}
	})
}

func TestTheFontsDrawWhatIsAskedOfThem(t *testing.T) {
	if missing := letter.CannotDraw(); missing != "" {
		t.Errorf("the regular font cannot draw %q", missing)
	}
	forEach(t, func(t *testing.T, l letter.Letter) {
		missing, err := letter.NotBold(l)
		if err != nil || len(missing) > 0 {
			t.Errorf("the bold font cannot draw %q (%v)", missing, err)
		}
	})
}

// FuzzPeoplesWords holds whatever people type against both forms.
func FuzzPeoplesWords(f *testing.F) {
	for _, seed := range []string{"김**", "", "\x00\x1b[31m", "별🚕빵\u200d", "\xff\xfe", "{nb}\n%s\\(", "똠\u1104\u1169\u11b7", "\u202e\u3164\ufeff", "\ufffe\U0010ffff", strings.Repeat("가", 3000)} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, note string) {
		l := sample(letter.Decision, letter.Approved)
		l.Recipient, l.Outlet, l.Platform, l.Reason.Title = name, name, name, lang.T(name+".", name+".")
		l.Note = letter.Note{Text: note, Language: lang.Korean}
		text, err := letter.Text(l)
		pdf, pdfErr := letter.PDF(l)
		if (err == nil) != (pdfErr == nil) {
			t.Fatalf("as text: %v, as PDF: %v", err, pdfErr)
		}
		if err != nil {
			return
		}
		if pageCount(pdf) < 2 {
			t.Errorf("%d pages", pageCount(pdf))
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.C) || r == utf8.RuneError }); i >= 0 {
			t.Errorf("a character that does not show is in %q", text[i:min(i+20, len(text))])
		}
	})
}

func BenchmarkText(b *testing.B) {
	l := sample(letter.Automatic, letter.PartlyApproved)
	for b.Loop() {
		textOf(b, l)
	}
}

func BenchmarkPDF(b *testing.B) {
	for name, recipient := range map[string]string{"common characters": "김**", "a rare syllable": "똠**"} {
		b.Run(name, func(b *testing.B) {
			l := sample(letter.Automatic, letter.PartlyApproved)
			l.Recipient = recipient
			size := len(pdfOf(b, l))
			for b.Loop() {
				pdfOf(b, l)
			}
			b.ReportMetric(float64(size), "bytes/letter")
		})
	}
}

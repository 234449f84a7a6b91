package letter

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"redress/internal/lang"
)

// plain is the text form: every block a line, sections apart.
func plain(blocks []block) string {
	var b strings.Builder
	for _, tag := range []lang.Tag{lang.Korean, lang.English} {
		if b.Len() > 0 {
			b.WriteString("\n" + strings.Repeat("-", 72) + "\n\n")
		}
		for _, block := range blocks {
			writePlain(&b, block, tag)
		}
	}
	return b.String()
}

func writePlain(b *strings.Builder, block block, tag lang.Tag) {
	text, value, note := block.text.In(tag), block.value.In(tag), block.note.In(tag)
	switch block.style {
	case title:
		b.WriteString(text + "\n\n")
	case verdict:
		b.WriteString("\n" + text + ": " + value + "\n\n")
	case heading:
		b.WriteString("\n■ " + text + "\n")
	case item:
		b.WriteString("- " + text + "\n")
	case quote:
		b.WriteString("> " + text + "\n")
	case amount, total:
		b.WriteString("- " + text + ": " + value)
		if note != "" {
			b.WriteString(" (" + note + ")")
		}
		b.WriteString("\n")
	case fact, trace:
		b.WriteString(text + ": " + value + "\n")
	default: // sender, strong, paragraph
		b.WriteString(text + "\n")
	}
}

func clean(t lang.Text) lang.Text { return lang.T(tidy(t.EN), tidy(t.KO)) }

// tidy makes a string one line that shows everything it holds: composed
// characters, single spaces, nothing that is invisible or turns the direction of
// writing. What is not UTF-8 shows as □.
func tidy(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, string(box)))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.C, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// paragraphs are the lines of a string that hold something.
func paragraphs(s string) []string {
	var lines []string
	for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }) {
		if line = tidy(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

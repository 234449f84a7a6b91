package publication

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// writeCSV writes records as RFC 4180 text with a header. A spreadsheet takes a cell
// that begins as a formula does for one, and runs it, whoever wrote the text; such a
// text gets an apostrophe before it. One that begins with an apostrophe gets another,
// so that whoever drops the first of a cell has the text as it was. Numbers stay
// numbers.
func writeCSV(w io.Writer, columns []string, records [][]string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, record := range records {
		cells := make([]string, len(record))
		for i, text := range record {
			cells[i] = inert(text)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// marked are the characters before which a text gets an apostrophe: those that
// formulas begin with, in the wide form, too, which is taken for the narrow one where
// that is what people type; what is dropped before a cell is looked at; and the
// apostrophe itself.
const marked = "=+-@\t\r\n＝＋－＠'"

// inert is the text as a cell that no spreadsheet computes.
func inert(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text == "" || !strings.ContainsRune(marked, first) {
		return text
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] == '-' {
		return text
	}
	return "'" + text
}

package revenue

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"redress/internal/fault"
	"redress/internal/money"
)

// sampleBytes of decoded text decide the delimiter.
const sampleBytes = 64 * 1024

// delimiters, the rarest in ordinary text first: a comma also stands in amounts.
var delimiters = []rune{'\t', ';', ','}

func (c *collector) readCSV(r io.Reader) error {
	text, err := newTextReader(r)
	if err != nil {
		return err
	}
	buffered := bufio.NewReaderSize(text, sampleBytes)
	sample, err := buffered.Peek(sampleBytes)
	c.summary.Encoding = text.name()
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case len(bytes.TrimSpace(sample)) == 0 && err != nil:
		return emptyFile()
	case bytes.HasPrefix(sample, []byte("PK\x03\x04")):
		return binaryFile(1)
	}
	delimiter := c.o.Delimiter
	if delimiter == 0 {
		delimiter = c.delimiterOf(sample)
	}
	c.summary.Delimiter = string(delimiter)
	source := csvRows(buffered, delimiter)
	if source == nil {
		return fault.New(fault.Invalid, "delimiter_unusable",
			"%q cannot separate columns; comma, semicolon and tab can.",
			"%q은(는) 열을 나눌 수 없습니다. 쉼표, 쌍반점, 탭만 됩니다.", string(delimiter))
	}
	err = c.newTable().readTable(source)
	// Plain ASCII may have gone on as something else.
	c.summary.Encoding = text.name()
	return err
}

func (c *collector) newTable() *table {
	return &table{
		c:        c,
		stampOf:  func(s string) (stamp, bool) { return parseStamp(s, c.o.Zone) },
		clockOf:  parseClock,
		amountOf: func(s string) (money.Minor, error) { return c.o.Currency.Parse(s) },
	}
}

// delimiterOf takes the first delimiter with which the sample has a header, or
// a first row, that can be read; a comma when none does.
func (c *collector) delimiterOf(sample []byte) rune {
	for _, delimiter := range delimiters {
		head, _ := firstRows(csvRows(bytes.NewReader(sample), delimiter))
		if len(head) == 0 {
			continue
		}
		if l, _ := c.newTable().findLayout(head); l.complete() {
			return delimiter
		}
	}
	return mostFrequent(sample)
}

// mostFrequent is the delimiter that the first line has most of.
func mostFrequent(sample []byte) rune {
	line, _, _ := bytes.Cut(bytes.TrimSpace(sample), []byte("\n"))
	best, most := ',', 0
	for _, delimiter := range delimiters {
		if n := bytes.Count(line, []byte(string(delimiter))); n > most {
			best, most = delimiter, n
		}
	}
	return best
}

// csvRows yields the rows of a CSV text; nil when the delimiter cannot be one.
func csvRows(r io.Reader, delimiter rune) rows {
	if !utf8.ValidRune(delimiter) || strings.ContainsRune("\"\r\n\x00\ufffd", delimiter) {
		return nil
	}
	reader := csv.NewReader(r)
	reader.Comma = delimiter
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	return func() (row, error) {
		cells, err := reader.Read()
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return row{line: bad.StartLine, bad: true}, nil
		}
		if err != nil {
			return row{}, err
		}
		line, _ := reader.FieldPos(0)
		return row{line: line, cells: cells}, nil
	}
}

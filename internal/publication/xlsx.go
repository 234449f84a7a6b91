package publication

import (
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"redress/internal/lang"
)

// WriteXLSX writes the release as a workbook: a sheet of definitions, rule and
// totals, and one sheet for each table. Numbers are numbers; amounts are minor
// units.
func (r Release) WriteXLSX(w io.Writer, tag lang.Tag) error {
	// From value to as_of.
	return workbook{columns: columns, numbers: [2]int{5, 8}, sheet: func(record []string) string {
		if record[2] == "" {
			return "release"
		}
		return record[2]
	}}.write(w, r.records(tag))
}

// workbook is how records become sheets.
type workbook struct {
	columns []string
	numbers [2]int                       // first and last of the columns that hold numbers
	sheet   func(record []string) string // that a record is on
}

// write writes the sheets in the order in which the records meet them.
func (b workbook) write(w io.Writer, records [][]string) (err error) {
	book := excelize.NewFile()
	defer func() {
		if closed := book.Close(); err == nil {
			err = closed
		}
	}()
	next := map[string]int{}
	for _, record := range records {
		sheet := b.sheet(record)
		if next[sheet] == 0 {
			if err := b.begin(book, sheet, len(next) == 0); err != nil {
				return err
			}
			next[sheet] = 2
		}
		if err := b.row(book, sheet, next[sheet], record); err != nil {
			return err
		}
		next[sheet]++
	}
	return book.Write(w)
}

// begin makes a sheet with its header; the first takes the place of the one that a
// new book has.
func (b workbook) begin(book *excelize.File, sheet string, first bool) error {
	var err error
	if first {
		err = book.SetSheetName(book.GetSheetName(0), sheet)
	} else {
		_, err = book.NewSheet(sheet)
	}
	if err != nil {
		return err
	}
	return b.row(book, sheet, 1, b.columns)
}

func (b workbook) row(book *excelize.File, sheet string, row int, record []string) error {
	cells := make([]any, len(record))
	for i, text := range record {
		cells[i] = text
		if i >= b.numbers[0] && i <= b.numbers[1] {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				cells[i] = n
			}
		}
	}
	at, err := excelize.CoordinatesToCellName(1, row)
	if err != nil {
		return err
	}
	return book.SetSheetRow(sheet, at, &cells)
}

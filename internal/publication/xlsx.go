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
func (r Release) WriteXLSX(w io.Writer, tag lang.Tag) (err error) {
	book := excelize.NewFile()
	defer func() {
		if closed := book.Close(); err == nil {
			err = closed
		}
	}()
	const front = "release"
	if err := book.SetSheetName(book.GetSheetName(0), front); err != nil {
		return err
	}
	next := map[string]int{}
	for _, record := range r.records(tag) {
		sheet := record[2]
		if sheet == "" {
			sheet = front
		}
		if next[sheet] == 0 {
			if _, err := book.NewSheet(sheet); err != nil {
				return err
			}
			if err := writeRow(book, sheet, 1, columns); err != nil {
				return err
			}
			next[sheet] = 2
		}
		if err := writeRow(book, sheet, next[sheet], record); err != nil {
			return err
		}
		next[sheet]++
	}
	return book.Write(w)
}

// firstNumber and lastNumber are the columns that hold numbers.
const (
	firstNumber = 5 // value
	lastNumber  = 8 // as_of
)

func writeRow(book *excelize.File, sheet string, row int, record []string) error {
	cells := make([]any, len(record))
	for i, text := range record {
		cells[i] = text
		if i >= firstNumber && i <= lastNumber {
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

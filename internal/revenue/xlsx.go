package revenue

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"redress/internal/money"
)

// maxCells bounds the cells of a sheet, empty ones included: a few bytes in the
// last column stand for sixteen thousand cells.
const maxCells = 1 << 26

// readXLSX reads one sheet. A workbook is a ZIP archive with its directory at
// the end, so the packed file is held in memory; its rows are streamed.
func (c *collector) readXLSX(r io.Reader) (err error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(file) == 0 {
		return emptyFile()
	}
	if err := c.checkArchive(file); err != nil {
		return err
	}
	// The workbook comes from outside and its reader is not ours: what makes it
	// panic is a damaged file.
	defer func() {
		if cause := recover(); cause != nil {
			err = xlsxDamaged().Because(fmt.Errorf("reading the workbook: %v", cause))
		}
	}()
	// With both limits equal no sheet is spilled to a temporary file.
	book, err := excelize.OpenReader(bytes.NewReader(file), excelize.Options{
		UnzipSizeLimit: c.o.Limits.Bytes, UnzipXMLSizeLimit: c.o.Limits.Bytes, RawCellValue: true,
	})
	if err != nil {
		return xlsxDamaged().Because(err)
	}
	defer book.Close()
	return c.readSheet(book)
}

// checkArchive refuses what is no workbook, and one that unpacks to more than
// the limit, before anything is unpacked. The archive's own reader stops an
// entry that is longer than its directory says.
func (c *collector) checkArchive(file []byte) error {
	if !bytes.HasPrefix(file, []byte("PK\x03\x04")) {
		return notXLSX()
	}
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return xlsxDamaged().Because(err)
	}
	var size uint64
	workbook := false
	for _, f := range archive.File {
		if size += f.UncompressedSize64; size > uint64(c.o.Limits.Bytes) || f.UncompressedSize64 > uint64(c.o.Limits.Bytes) {
			return fileTooLarge(c.o.Limits.Bytes)
		}
		workbook = workbook || strings.EqualFold(f.Name, "[Content_Types].xml")
	}
	if !workbook {
		return notXLSX()
	}
	return nil
}

func (c *collector) readSheet(book *excelize.File) error {
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return xlsxDamaged()
	}
	sheet := c.o.Sheet
	if sheet == "" {
		sheet = sheets[0]
	} else if !slices.Contains(sheets, sheet) {
		return sheetNotFound(sheet, strings.Join(sheets[:min(len(sheets), 20)], ", "))
	}
	properties, err := book.GetWorkbookProps()
	if err != nil {
		return xlsxDamaged().Because(err)
	}
	lines, err := book.Rows(sheet)
	if err != nil {
		return xlsxDamaged().Because(err)
	}
	defer lines.Close()
	line, count := 0, 0
	next := func() (row, error) {
		if !lines.Next() {
			if err := lines.Error(); err != nil {
				return row{}, xlsxDamaged().Because(err)
			}
			return row{}, io.EOF
		}
		line++
		cells, err := lines.Columns()
		if err != nil {
			return row{}, xlsxDamaged().Because(err)
		}
		if count += len(cells); count > maxCells {
			return row{}, fileTooLarge(c.o.Limits.Bytes)
		}
		return row{line: line, cells: cells}, nil
	}
	return c.sheetTable(properties.Date1904 != nil && *properties.Date1904).readTable(next)
}

// sheetTable reads cells as a workbook keeps them: dates as day numbers, times
// of day as fractions of a day, numbers in binary floating point.
func (c *collector) sheetTable(date1904 bool) *table {
	t := c.newTable()
	t.stampOf = func(s string) (stamp, bool) {
		serial, err := strconv.ParseFloat(s, 64)
		if err != nil || !(firstSerial <= serial && serial < lastSerial) {
			return parseStamp(s, c.o.Zone)
		}
		day, err := excelize.ExcelDateToTime(serial, date1904)
		return stampOfSerial(day), err == nil
	}
	t.clockOf = func(s string) (int64, bool) {
		if part, err := strconv.ParseFloat(s, 64); err == nil && 0 <= part && part < 1 {
			return int64(part*86400 + 0.5), true
		}
		return parseClock(s)
	}
	t.amountOf = func(s string) (money.Minor, error) {
		amount, err := c.o.Currency.Parse(s)
		if err == nil {
			return amount, nil
		}
		if plain, ok := sheetNumber(s); ok {
			return c.o.Currency.Parse(plain)
		}
		return 0, err
	}
	return t
}

// sheetNumber writes a number without exponent, and to the fifteen digits that
// spreadsheets show: 1.2E+4 and 12000.000000000002 are both 12000.
func sheetNumber(s string) (string, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f > float64(money.Max) || f < -float64(money.Max) {
		return "", false
	}
	f, err = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	return strconv.FormatFloat(f, 'f', -1, 64), err == nil
}

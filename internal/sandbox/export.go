package sandbox

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/korean"

	"redress/internal/money"
	"redress/internal/revenue"
)

// export writes hours as one of the files that merchants have.
type export func(hours []hour) ([]byte, error)

// exports are the forms that claimants of the sandbox upload.
var exports = []export{koreanCSV, cp949CSV, englishCSV}

// koreanCSV is UTF-8 with a Korean header, amounts as 12,000원 and closed
// hours marked.
func koreanCSV(hours []hour) ([]byte, error) {
	rows := [][]string{{"일시", "매출액", "건수", "영업상태"}}
	for _, h := range hours {
		rows = append(rows, []string{clock(h.at), money.KRW.Text(h.amount).KO, strconv.FormatInt(h.count, 10), state(h)})
	}
	return writeCSV(',', rows)
}

// cp949CSV is as older Korean programs write it: in CP949, date and time apart.
func cp949CSV(hours []hour) ([]byte, error) {
	rows := [][]string{{"날짜", "시간", "매출액(원)", "예약건수", "영업상태"}}
	for _, h := range hours {
		date, time, _ := strings.Cut(clock(h.at), " ")
		rows = append(rows, []string{date, time, money.KRW.Text(h.amount).KO, strconv.FormatInt(h.count, 10), state(h)})
	}
	text, err := writeCSV(',', rows)
	if err != nil {
		return nil, err
	}
	encoded, err := korean.EUCKR.NewEncoder().Bytes(text)
	if err != nil {
		return nil, fmt.Errorf("write CP949: %w", err)
	}
	return encoded, nil
}

// englishCSV is separated by semicolons and has only the hours in which the
// outlet was open.
func englishCSV(hours []hour) ([]byte, error) {
	rows := [][]string{{"start", "end", "amount", "count"}}
	for _, h := range hours {
		if h.closed {
			continue
		}
		rows = append(rows, []string{h.at.String(), (h.at + revenue.Hour).String(), strconv.FormatInt(int64(h.amount), 10), strconv.FormatInt(h.count, 10)})
	}
	return writeCSV(';', rows)
}

// workbook is an XLSX file with the columns of cp949CSV and amounts as numbers.
func workbook(hours []hour) ([]byte, error) {
	f := excelize.NewFile()
	const sheet = "Sheet1"
	if err := f.SetSheetRow(sheet, "A1", &[]any{"날짜", "시간", "매출액", "주문건수", "영업상태"}); err != nil {
		return nil, fmt.Errorf("write the workbook: %w", err)
	}
	for i, h := range hours {
		date, time, _ := strings.Cut(clock(h.at), " ")
		row := []any{date, time, int64(h.amount), h.count, state(h)}
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+2), &row); err != nil {
			return nil, fmt.Errorf("write the workbook: %w", err)
		}
	}
	file, err := f.WriteToBuffer()
	if err != nil {
		return nil, fmt.Errorf("write the workbook: %w", err)
	}
	return file.Bytes(), f.Close()
}

func writeCSV(separator rune, rows [][]string) ([]byte, error) {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	w.Comma = separator
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	return file.Bytes(), nil
}

func clock(l revenue.Local) string { return strings.Replace(l.String(), "T", " ", 1) }

func state(h hour) string {
	if h.closed {
		return "휴무"
	}
	return "영업"
}

package httpapi_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

var (
	csvBody  = map[string]string{"Content-Type": "text/csv"}
	xlsxBody = map[string]string{"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
)

func upload(header map[string]string, body string) request {
	return request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi", header: header, body: body}
}

// badFiles are histories that cannot be taken.
func badFiles() []refusal {
	return []refusal{
		{"an empty file", upload(csvBody, "\n"), 400, "empty_file", nil},
		{"a header and nothing else", upload(csvBody, "일시,매출\n"), 400, "no_rows", nil},
		{"a picture", upload(csvBody, "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"), 400, "binary_file", nil},
		{"two encodings in one file", upload(csvBody, "일시,매출\n2022-10-01 10:00,1000\n"+strings.Repeat("2022-10-01 11:00,2000\n", 3)+"2022-10-01 12:00,3000,\xc8\xab\xb1\xe6\n"), 400, "encoding_mixed", nil},
		{"a text for a workbook", upload(xlsxBody, hours(48)), 400, "not_xlsx", nil},
		{"half a workbook", upload(xlsxBody, workbook()[:len(workbook())/2]), 400, "xlsx_damaged", nil},
		{"a zip bomb", upload(xlsxBody, bomb()), 413, "file_too_large", nil},
		{"a list that is no JSON", upload(nil, `[{"start": "2022-10-01T10:00", "amount": 1`), 400, "malformed_json", nil},
		{"a number for a list", upload(nil, `42`), 400, "malformed_json", nil},
		{"columns without times", upload(csvBody, "a,b\nx,1\ny,2\n"), 422, "no_time_column", nil},
		{"half a row", upload(csvBody, "일시,매출\n2022-10-0"), 422, "rows_refused", []string{"line:2: cells_missing"}},
		{"a row of NaN", upload(csvBody, "일시,매출\n2022-10-01 10:00,NaN\n"), 422, "rows_refused", []string{"line:2:매출 amount_unreadable"}},
		{"buckets of the future", upload(csvBody, "일시,매출\n2023-10-01 10:00,1000\n2023-10-01 11:00,1000\n"), 422, "rows_refused", []string{"line:2:일시 time_in_future", "line:3:일시 time_in_future"}},
		{"a file in which one year is a slip", upload(csvBody, "일시,매출\n1991-10-01 10:00,1000\n2022-10-01 11:00,1000\n"), 422, "span_too_long", nil},
		{"an outlet without a name", upload(csvBody, hours(48)).at("?outlet=ninth"), 422, invalid, []string{"query:outlet unknown_outlet"}},
		{"opening hours that are none", upload(csvBody, hours(48)).at("?open_hours=always"), 422, invalid, []string{"query:open_hours wrong_format"}},
		{"a closed day that is none", upload(csvBody, hours(48)).at("?closed_days=2022-13-01"), 422, invalid, []string{"query:closed_days wrong_format"}},
		{"a service that is no code", request{as: "driver", line: "PUT /v1/claimants/me/revenue/TAXI", header: csvBody, body: hours(48)}, 422, invalid, []string{"path:service wrong_format"}},
		{"a file of another kind", upload(map[string]string{"Content-Type": "application/pdf"}, "%PDF-1.7"), 415, "media_type_not_supported", nil},
		{"a million bad rows", request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, stream: badRows}, 422, "rows_refused", fieldsOf(2, 100, "일시", "time_unreadable")},
		{"two gigabytes in chunks, as a document", request{as: "newcomer", line: "POST /v1/claims", stream: endless(`{"statement": "`)}, 413, "body_too_large", nil},
		{"two gigabytes in chunks, as a file", request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, stream: endless("일시,매출\n")}, 413, "body_too_large", nil},
	}
}

// at adds a query to the request's path.
func (r request) at(query string) request {
	r.line += query
	return r
}

// badRows is a CSV of a million rows, none of which has a time.
func badRows() io.Reader {
	return io.MultiReader(strings.NewReader("일시,매출,건수\n"), &repeated{line: []byte("yesterday,1000,1\n"), times: 1_000_000})
}

// endless is more of a body than anything takes: two gigabytes.
func endless(start string) func() io.Reader {
	line := []byte("2022-10-01 10:00,1000," + strings.Repeat("a long note ", 1000) + "\n")
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(start), &repeated{line: line, times: 2 << 30 / len(line)})
	}
}

// repeated yields a line so many times without holding them.
type repeated struct {
	line  []byte
	times int
	rest  []byte
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.times == 0 {
				break
			}
			r.times--
			r.rest = r.line
		}
		copied := copy(p[n:], r.rest)
		r.rest = r.rest[copied:]
		n += copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// workbook is a small XLSX history.
func workbook() string {
	f := excelize.NewFile()
	defer f.Close()
	for i := range 200 {
		cell := fmt.Sprintf("A%d", i+1)
		row := []any{fmt.Sprintf("2022-10-%02d %02d:00", 1+i/24, i%24), 1000 + i}
		if err := f.SetSheetRow("Sheet1", cell, &row); err != nil {
			panic(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		panic(err)
	}
	return b.String()
}

// bomb is a workbook whose sheet unpacks to a thousand times its size: twice what
// a file may hold.
func bomb() string {
	whole, err := zip.NewReader(strings.NewReader(workbook()), int64(len(workbook())))
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range whole.File {
		into, err := w.Create(part.Name)
		if err != nil {
			panic(err)
		}
		from, err := part.Open()
		if err != nil {
			panic(err)
		}
		if _, err := io.Copy(into, from); err != nil {
			panic(err)
		}
		if part.Name == "xl/worksheets/sheet1.xml" {
			if _, err := io.Copy(into, &repeated{line: bytes.Repeat([]byte(" "), 1<<20), times: 128}); err != nil {
				panic(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestWorkbookOfTheBombIsReadWhereItIsWhole(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.must(t, upload(xlsxBody, workbook()).at("?dry_run=1"))
		if n := s.data.count(t, "revenue_uploads", "1 = 1"); n != 3 {
			t.Errorf("%d uploads after a dry run; want the 3 of before", n)
		}
	})
}

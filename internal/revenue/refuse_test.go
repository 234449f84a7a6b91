package revenue_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/korean"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	e := fault.As(err)
	if e == nil {
		t.Errorf("error %v, want the fault %s", err, code)
		return
	}
	if e.Code != code {
		t.Errorf("fault %v, want %s", err, code)
	}
	if e.Detail.KO == "" || strings.Contains(e.Error(), "%!") || strings.Contains(e.Detail.KO, "%!") {
		t.Errorf("badly worded: %v / %s", err, e.Detail.KO)
	}
}

// archive makes a ZIP file with entries of the names and sizes.
func archive(t *testing.T, entries map[string]int) string {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for name, size := range entries {
		entry, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(entry, zeros{}, int64(size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// refusal is a file that must be refused whole, and how.
type refusal struct {
	file string
	o    revenue.Options
	kind fault.Kind
	code string
}

func wantRefusals(t *testing.T, refusals map[string]refusal) {
	t.Helper()
	for name, tc := range refusals {
		t.Run(name, func(t *testing.T) {
			_, err := revenue.Read(strings.NewReader(tc.file), tc.o)
			wantCode(t, err, tc.code)
			if got := fault.KindOf(err); got != tc.kind {
				t.Errorf("kind %s, want %s", got, tc.kind)
			}
		})
	}
}

func TestUnreadableTablesAreRefusedByCode(t *testing.T) {
	wantRefusals(t, map[string]refusal{
		"empty":                 {"", revenue.Options{Format: revenue.CSV}, fault.Malformed, "empty_file"},
		"blank":                 {" \n\r\n", revenue.Options{Format: revenue.CSV}, fault.Malformed, "empty_file"},
		"BOM alone":             {"\ufeff", revenue.Options{Format: revenue.CSV}, fault.Malformed, "empty_file"},
		"header alone":          {"일시,매출\n", revenue.Options{Format: revenue.CSV}, fault.Malformed, "no_rows"},
		"nothing but cancelled": {"일시,금액,상태\n2022-10-15 15:07,1,취소\n", revenue.Options{Format: revenue.CSV}, fault.Malformed, "no_rows"},
		"no time column":        {"품목,매출\n빵,100\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "no_time_column"},
		"no columns at all":     {"hello\nworld\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "no_time_column"},
		"no amount column":      {"일시,품목\n2022-10-15 15:00,빵\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "no_amount_column"},
		"unknown column":        {"일시,매출\n2022-10-15,1\n", revenue.Options{Format: revenue.CSV, Columns: map[revenue.Field]string{revenue.FieldCount: "콜"}}, fault.Invalid, "column_not_found"},
		"unknown filter":        {"일시,매출\n2022-10-15,1\n", revenue.Options{Format: revenue.CSV, Where: map[string]string{"매장": "1"}}, fault.Invalid, "column_not_found"},
		"NUL bytes":             {"일시,매출\n2022-10-15,\x00\n", revenue.Options{Format: revenue.CSV}, fault.Malformed, "binary_file"},
		"endless line":          {strings.Repeat("x", 3<<20), revenue.Options{Format: revenue.CSV}, fault.Malformed, "line_too_long"},
		"undecodable":           {"일시,매출,비고\n2022-10-15,1,\xff\xff\n", revenue.Options{Format: revenue.CSV}, fault.Malformed, "encoding_mixed"},
		"two encodings":         {"일시,매출,비고\n2022-10-15,1,똠\n" + encoded(t, korean.EUCKR, "2022-10-16,1,똠\n"), revenue.Options{Format: revenue.CSV}, fault.Malformed, "encoding_mixed"},
		"too many rows":         {"일시,매출\n2022-10-15,1\n2022-10-16,1\n2022-10-17,1\n", revenue.Options{Format: revenue.CSV, Limits: revenue.Limits{Rows: 2}}, fault.TooLarge, "too_many_rows"},
		"too many bytes":        {"일시,매출\n2022-10-15,1\n2022-10-16,1\n", revenue.Options{Format: revenue.CSV, Limits: revenue.Limits{Bytes: 20}}, fault.TooLarge, "file_too_large"},
		"unknown format":        {"", revenue.Options{Format: "pdf"}, fault.Unsupported, "format_unsupported"},
		"unknown kind":          {"", revenue.Options{Format: revenue.CSV, Kind: "rows"}, fault.Invalid, "kind_unknown"},
		"unusable delimiter":    {"a\n", revenue.Options{Format: revenue.CSV, Delimiter: '"'}, fault.Invalid, "delimiter_unusable"},
	})
}

func TestUnreadableWorkbooksAreRefusedByCode(t *testing.T) {
	sound := workbook(t, "Sheet1", []any{"일시", "매출"}, []any{"2022-10-15 15:00", 1})
	wantRefusals(t, map[string]refusal{
		"empty workbook file":  {"", revenue.Options{Format: revenue.XLSX}, fault.Malformed, "empty_file"},
		"empty sheet":          {workbook(t, "Sheet1"), revenue.Options{Format: revenue.XLSX}, fault.Malformed, "no_rows"},
		"not a workbook":       {"일시,매출\n", revenue.Options{Format: revenue.XLSX}, fault.Malformed, "not_xlsx"},
		"old workbook":         {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", revenue.Options{Format: revenue.XLSX}, fault.Malformed, "not_xlsx"},
		"archive, no workbook": {archive(t, map[string]int{"a.txt": 5}), revenue.Options{Format: revenue.XLSX}, fault.Malformed, "not_xlsx"},
		"truncated workbook":   {sound[:len(sound)/2], revenue.Options{Format: revenue.XLSX}, fault.Malformed, "xlsx_damaged"},
		"hollow workbook":      {archive(t, map[string]int{"[Content_Types].xml": 5}), revenue.Options{Format: revenue.XLSX}, fault.Malformed, "xlsx_damaged"},
		"zip bomb":             {archive(t, map[string]int{"[Content_Types].xml": 1, "xl/worksheets/sheet1.xml": 3 << 20}), revenue.Options{Format: revenue.XLSX, Limits: revenue.Limits{Bytes: 1 << 20}}, fault.TooLarge, "file_too_large"},
		"unknown sheet":        {sound, revenue.Options{Format: revenue.XLSX, Sheet: "10월"}, fault.Invalid, "sheet_not_found"},
		"workbook as CSV":      {sound, revenue.Options{Format: revenue.CSV}, fault.Malformed, "binary_file"},
	})
}

func TestUnreadableJSONIsRefusedByCode(t *testing.T) {
	wantRefusals(t, map[string]refusal{
		"empty JSON":            {" ", revenue.Options{Format: revenue.JSON}, fault.Malformed, "empty_file"},
		"empty NDJSON":          {"\n\n", revenue.Options{Format: revenue.NDJSON}, fault.Malformed, "empty_file"},
		"empty array":           {"[]", revenue.Options{Format: revenue.JSON}, fault.Malformed, "no_rows"},
		"not JSON":              {"start,amount", revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"a JSON number":         {"5", revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"a JSON object alone":   {`{"start":"2022-10-15"}`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"no buckets":            {`{}`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"buckets twice":         {`{"buckets":[],"buckets":[]}`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"buckets not an array":  {`{"buckets":5}`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"cut-off array":         {`[{"start":"2022-10-15T15:00","amount":1}`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"NaN":                   {`[{"start":"2022-10-15T15:00","amount":NaN}]`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"two JSON values":       {`[{"start":"2022-10-15T15:00","amount":1}] []`, revenue.Options{Format: revenue.JSON}, fault.Malformed, "malformed_json"},
		"bucket_minutes beside": {`{"bucket_minutes":7,"buckets":[]}`, revenue.Options{Format: revenue.JSON}, fault.Invalid, "bucket_length_unknown"},
		"filter of JSON":        {`[]`, revenue.Options{Format: revenue.JSON, Where: map[string]string{"a": "b"}}, fault.Invalid, "where_unsupported"},
	})
}

func TestRowsThatMakeNoHistoryAreRefusedByCode(t *testing.T) {
	hours, days, quarters := "start,amount\n", "", ""
	for i := range 12 {
		hours += fmt.Sprintf("2022-10-15 %02d:00,1\n", i)
		days += fmt.Sprintf("2022-10-%02d 00:00,24\n", 16+i)
		quarters += fmt.Sprintf("2022-10-16 %02d:%02d,1\n", i/4, i%4*15)
	}
	wantRefusals(t, map[string]refusal{
		"span":                      {"일시,매출\n1995-10-15,1\n2022-10-16,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "span_too_long"},
		"hours and days":            {hours + days, revenue.Options{Format: revenue.CSV}, fault.Invalid, "mixed_bucket_lengths"},
		"hours and quarters":        {hours + quarters, revenue.Options{Format: revenue.CSV}, fault.Invalid, "mixed_bucket_lengths"},
		"ends that differ":          {"start,end,amount\n2022-10-15 15:00,2022-10-15 16:00,1\n2022-10-15 16:00,2022-10-15 16:30,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "mixed_bucket_lengths"},
		"ten-minute buckets":        {"start,end,amount\n2022-10-15 15:00,2022-10-15 15:10,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "bucket_length_unknown"},
		"stated length":             {"일시,매출\n2022-10-15,1\n", revenue.Options{Format: revenue.CSV, BucketMinutes: 45}, fault.Invalid, "bucket_length_unknown"},
		"total":                     {"일시,매출\n2022-10-15,9007199254740991\n2022-10-16,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "total_too_large"},
		"most rows refused":         {"일시,매출\n어제,1\n오늘,1\n2022-10-17,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "rows_refused"},
		"all rows refused":          {"일시,매출\n어제,1\n", revenue.Options{Format: revenue.CSV}, fault.Invalid, "rows_refused"},
		"dates alone among days":    {"판매일,금액\n2022-10-15,1\n2022-10-15,2\n2022-10-15,2\n", revenue.Options{Format: revenue.CSV, Kind: revenue.Transactions, BucketMinutes: 60}, fault.Invalid, "rows_refused"},
		"hours said to be quarters": {hours, revenue.Options{Format: revenue.CSV, BucketMinutes: 15}, fault.Invalid, "bucket_length_differs"},
	})
}

func TestRefusalNamesTheColumnsSeen(t *testing.T) {
	_, err := revenue.Read(strings.NewReader("품목,단가\n빵,100\n"), revenue.Options{Format: revenue.CSV})
	if e := fault.As(err); e == nil || !strings.Contains(e.Detail.EN, "품목, 단가") || !strings.Contains(e.Detail.KO, "품목, 단가") {
		t.Errorf("%v does not name the columns", err)
	}
}

func TestErrorsOfTheReaderAreHandedOn(t *testing.T) {
	broken := errors.New("connection lost")
	for _, format := range []revenue.Format{revenue.CSV, revenue.XLSX, revenue.NDJSON, revenue.JSON} {
		r := io.MultiReader(strings.NewReader("일시,매출\n2022-10-15,1\n"), iotest.ErrReader(broken))
		if _, err := revenue.Read(r, revenue.Options{Format: format}); !errors.Is(err, broken) {
			t.Errorf("%s: %v hides the reader's own error", format, err)
		}
	}
}

// How the rows of rowRefusals are read.
var (
	buckets = revenue.Options{Format: revenue.CSV, Kind: revenue.Buckets, NotAfter: at("2022-10-15T23:00")}
	sales   = revenue.Options{Format: revenue.CSV, Kind: revenue.Transactions}
	lines   = revenue.Options{Format: revenue.NDJSON}
)

// rowRefusals are rows that must be refused below a header and two sound rows.
var rowRefusals = map[string]struct {
	head, row    string
	o            revenue.Options
	column, code string
}{
	"no time":            {"일시,매출,건수,상태\n", ",5,,", buckets, "일시", "time_missing"},
	"bad time":           {"일시,매출,건수,상태\n", "어제,5,,", buckets, "일시", "time_unreadable"},
	"future":             {"일시,매출,건수,상태\n", "2022-10-16 00:00,5,,", buckets, "일시", "time_in_future"},
	"off the grid":       {"일시,매출,건수,상태\n", "2022-10-15 12:10,5,,", buckets, "일시", "time_off_grid"},
	"off by seconds":     {"일시,매출,건수,상태\n", "2022-10-15 12:00:01,5,,", buckets, "일시", "time_off_grid"},
	"twice":              {"일시,매출,건수,상태\n", "2022-10-15 11:00,5,,", buckets, "일시", "time_repeated"},
	"bad amount":         {"일시,매출,건수,상태\n", "2022-10-15 12:00,5천,,", buckets, "매출", "amount_unreadable"},
	"bad count":          {"일시,매출,건수,상태\n", "2022-10-15 12:00,5,-1,", buckets, "건수", "count_unreadable"},
	"huge count":         {"일시,매출,건수,상태\n", "2022-10-15 12:00,5,2147483648,", buckets, "건수", "count_unreadable"},
	"bad state":          {"일시,매출,건수,상태\n", "2022-10-15 12:00,5,,반쯤", buckets, "상태", "state_unknown"},
	"refund as a bucket": {"일시,매출,건수,상태\n", "2022-10-15 12:00,5,,환불", buckets, "상태", "state_unknown"},
	"closed with sales":  {"일시,매출,건수,상태\n", "2022-10-15 12:00,5,,휴무", buckets, "상태", "state_conflicts"},
	"missing with count": {"일시,매출,건수,상태\n", "2022-10-15 12:00,,2,결측", buckets, "상태", "state_conflicts"},
	"bad clock":          {"날짜,시간,매출\n", "2022-10-15,점심,5", buckets, "시간", "time_unreadable"},
	"bad end":            {"시작,종료,매출\n", "2022-10-15 12:00,2022-10-15 11:00,5", buckets, "종료", "end_unreadable"},
	"open quotes":        {"일시,매출,건수,상태\n", "2022-10-15 12:00,\"5\"x,,", buckets, "", "quotes_unreadable"},
	"sale, no amount":    {"일시,금액\n", "2022-10-15 12:07,", sales, "금액", "amount_missing"},
	"sale, no clock":     {"일시,금액\n", "2022-10-15,5", sales, "일시", "time_of_day_missing"},
	"closed sale":        {"일시,금액,상태\n", "2022-10-15 12:07,5,휴무", sales, "상태", "state_conflicts"},
	"no JSON":            {"", `start`, lines, "", "json_unreadable"},
	"JSON NaN":           {"", `{"start":"2022-10-15T12:00","amount":NaN}`, lines, "", "json_unreadable"},
	"JSON array":         {"", `[1]`, lines, "", "json_unreadable"},
	"JSON fraction":      {"", `{"start":"2022-10-15T12:00","amount":1.5}`, lines, "amount", "field_type"},
	"JSON exponent":      {"", `{"start":"2022-10-15T12:00","amount":1e3}`, lines, "amount", "field_type"},
	"JSON text amount":   {"", `{"start":"2022-10-15T12:00","amount":"1"}`, lines, "amount", "field_type"},
	"JSON huge amount":   {"", `{"start":"2022-10-15T12:00","amount":9007199254740992}`, lines, "amount", "field_type"},
	"JSON count":         {"", `{"start":"2022-10-15T12:00","amount":1,"count":-1}`, lines, "count", "field_type"},
	"JSON state":         {"", `{"start":"2022-10-15T12:00","amount":1,"state":true}`, lines, "state", "field_type"},
	"JSON start":         {"", `{"start":20221015,"amount":1}`, lines, "start", "field_type"},
	"JSON nested":        {"", `{"start":"2022-10-15T12:00","amount":[{"a":1}]}`, lines, "amount", "field_type"},
	"JSON unknown field": {"", `{"start":"2022-10-15T12:00","Amount":1}`, lines, "Amount", "field_unknown"},
	"JSON field twice":   {"", `{"start":"2022-10-15T12:00","amount":1,"amount":2}`, lines, "amount", "field_repeated"},
	"JSON null twice":    {"", `{"start":"2022-10-15T12:00","amount":null,"amount":2}`, lines, "amount", "field_repeated"},
	"JSON no start":      {"", `{"amount":1}`, lines, "start", "time_missing"},
	"JSON end":           {"", `{"start":"2022-10-15T12:00","end":"x","amount":1}`, lines, "end", "end_unreadable"},
}

func TestRowsAreRefusedByCode(t *testing.T) {
	for name, tc := range rowRefusals {
		t.Run(name, func(t *testing.T) {
			sound := []string{"2022-10-15 10:00,1,,", "2022-10-15 11:00,1,,"}
			switch {
			case tc.o.Format == revenue.NDJSON:
				sound = []string{`{"start":"2022-10-15T10:00","amount":1}`, `{"start":"2022-10-15T11:00","amount":1}`}
			case strings.HasPrefix(tc.head, "날짜"):
				sound = []string{"2022-10-15,10:00,1", "2022-10-15,11:00,1"}
			case strings.HasPrefix(tc.head, "시작"):
				sound = []string{"2022-10-15 10:00,2022-10-15 11:00,1", "2022-10-15 11:00,2022-10-15 12:00,1"}
			}
			report := read(t, tc.head+sound[0]+"\n"+sound[1]+"\n"+tc.row+"\n", tc.o)
			if len(report.Problems) != 1 || report.Summary.RowsRefused != 1 || report.Summary.RowsAccepted != 2 {
				t.Fatalf("problems %+v, %d refused", report.Problems, report.Summary.RowsRefused)
			}
			p := report.Problems[0]
			line := 3 + strings.Count(tc.head, "\n")
			if p.Code != tc.code || p.Column != tc.column || p.Line != line {
				t.Errorf("line %d, column %q, code %s; want %d, %q, %s", p.Line, p.Column, p.Code, line, tc.column, tc.code)
			}
			if p.Detail.KO == "" || strings.Contains(p.Detail.EN+p.Detail.KO, "%!") {
				t.Errorf("badly worded: %+v", p.Detail)
			}
		})
	}
}

func TestBucketOfAnotherLengthIsRefusedAlone(t *testing.T) {
	file := "start,end,amount\n2022-10-15 10:00,2022-10-15 11:00,1\n2022-10-15 11:00,2022-10-15 12:00,1\n2022-10-15 12:00,2022-10-15 12:30,1\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV, BucketMinutes: 60})
	if len(report.Problems) != 1 || report.Problems[0].Code != "end_differs" || report.Problems[0].Column != "end" {
		t.Errorf("problems %+v", report.Problems)
	}
}

func TestRowsWithoutHeaderAreNamedByNumber(t *testing.T) {
	report := read(t, "2022-10-15 10:00,1,1\n2022-10-15 11:00,1,1\n2022-10-15 12:00,x,1\n", revenue.Options{Format: revenue.CSV})
	if len(report.Problems) != 1 || report.Problems[0].Column != "2" || report.Problems[0].Line != 3 {
		t.Errorf("problems %+v", report.Problems)
	}
}

func TestOnlyTheFirstHundredProblemsAreWorded(t *testing.T) {
	file := "일시,매출,건수\n" + strings.Repeat("어제,1,1\n", 150) + hourly(200, "%s,%d,%d\n")
	report, err := revenue.Read(strings.NewReader(file), revenue.Options{Format: revenue.CSV})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) != 100 || report.ProblemsOmitted != 50 || report.Summary.RowsRefused != 150 {
		t.Errorf("%d problems, %d omitted, %d refused", len(report.Problems), report.ProblemsOmitted, report.Summary.RowsRefused)
	}
}

func TestRefusedFileCarriesItsRowProblems(t *testing.T) {
	report, err := revenue.Read(strings.NewReader("일시,매출\n어제,1\n"), revenue.Options{Format: revenue.CSV})
	e := fault.As(err)
	if e == nil || len(e.Fields) != 1 {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff("line:2:일시", e.Fields[0].Pointer); diff != "" {
		t.Error(diff)
	}
	if len(report.Problems) != 1 || report.Summary.RowsRefused != 1 {
		t.Errorf("report %+v", report)
	}
}

// A file that was cut off ends in half a row; what is left of its last cell is
// not what the shop wrote.
func TestHalfARowIsRefused(t *testing.T) {
	whole := "start,amount,count\n2022-10-01 09:00,12000,3\n2022-10-01 10:00,15000,4\n"
	for _, cut := range []string{"2022-10-01 1", "2022-10-01 11:00", "2022-10-01 11:00,12"} {
		report := read(t, whole+cut, revenue.Options{Format: revenue.CSV})
		if len(report.Problems) != 1 || report.Problems[0].Code != "cells_missing" || report.Problems[0].Line != 4 {
			t.Errorf("%q: problems %+v", cut, report.Problems)
		}
		if report.History.Len() != 2 {
			t.Errorf("%q stretched the history to %d buckets", cut, report.History.Len())
		}
	}
}

func TestFilePastedTwiceIsRefused(t *testing.T) {
	var rows strings.Builder
	for hour := range 48 {
		fmt.Fprintf(&rows, "2022-10-%02d %02d:00,%d,3\n", 1+hour/24, hour%24, 1000*(1+hour%7))
	}
	once := "start,amount,count\n" + rows.String()
	if report := read(t, once, revenue.Options{Format: revenue.CSV}); report.Summary.RowsAccepted != 48 {
		t.Fatalf("once: %+v", report.Summary)
	}
	_, err := revenue.Read(strings.NewReader(once+rows.String()), revenue.Options{Format: revenue.CSV})
	if f := fault.As(err); f == nil || f.Code != "file_repeated" {
		t.Errorf("twice: %v", err)
	}
}

// A card export books a cancellation as a row of its own, which takes back an
// earlier sale; a column of states says that the sale itself was called off.
func TestCancellationTakesBackASaleOrIsNone(t *testing.T) {
	for column, want := range map[string]money.Minor{"거래구분": 20000, "상태": 30000} {
		file := "거래일시," + column + ",금액\n2022-10-01 10:03:10,승인,10000\n2022-10-01 10:20:44,승인,20000\n" +
			"2022-10-01 11:05:21,취소,10000\n2022-10-02 10:03:10,승인,0\n"
		report := read(t, file, revenue.Options{Format: revenue.CSV, Kind: revenue.Transactions})
		if report.Summary.TotalAmount != want {
			t.Errorf("%s: total %d, want %d", column, report.Summary.TotalAmount, want)
		}
	}
}

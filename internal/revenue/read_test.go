package revenue_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

var seoul = time.FixedZone("KST", 9*3600)

// read reads a file that must be accepted.
func read(t *testing.T, file string, o revenue.Options) revenue.Report {
	t.Helper()
	report, err := revenue.Read(strings.NewReader(file), o)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	if err := report.History.Validate(); err != nil {
		t.Fatalf("read into an invalid history: %v", err)
	}
	return report
}

// shown writes the buckets of a history as "start amount×count", with "closed"
// and "missing" for the others.
func shown(h revenue.History) []string {
	var list []string
	for i, state := range h.States {
		switch state {
		case revenue.Open:
			list = append(list, fmt.Sprintf("%s %d×%d", h.At(i), h.Amounts[i], h.Counts[i]))
		case revenue.Closed:
			list = append(list, h.At(i).String()+" closed")
		case revenue.Missing:
			list = append(list, h.At(i).String()+" missing")
		}
	}
	return list
}

func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEveryEncodingAndDelimiterGivesTheSameHistory(t *testing.T) {
	want := []string{"2022-10-15T15:00 12000×3", "2022-10-15T16:00 missing", "2022-10-15T17:00 -1000×1", "2022-10-15T18:00 0×0"}
	korean949 := "일시,매출,건수,비고\n2022-10-15 15:00,\"12,000\",3,똠방각하\n2022-10-15 17:00,-1000,1,\n2022-10-15 18:00,0,0,\n"
	withBOM := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	for name, tc := range map[string]struct {
		file                string
		encoding, delimiter string
	}{
		"UTF-8":                {korean949, "UTF-8", ","},
		"UTF-8 with BOM":       {"\ufeff" + korean949, "UTF-8", ","},
		"CRLF":                 {strings.ReplaceAll(korean949, "\n", "\r\n"), "UTF-8", ","},
		"CP949":                {encoded(t, korean.EUCKR, korean949), "CP949", ","},
		"UTF-16 little-endian": {encoded(t, withBOM, korean949), "UTF-16LE", ","},
		"UTF-16 big-endian":    {encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), korean949), "UTF-16BE", ","},
		"semicolons":           {"start;amount;count\n2022-10-15 15:00;12,000;3\n2022-10-15 17:00;-1,000;1\n2022-10-15 18:00;0;0\n", "UTF-8", ";"},
		"tabs":                 {"날짜\t시간\t결제금액\t건수\n2022.10.15\t15시\t12,000원\t3건\n2022.10.15\t17시\t(1,000)\t1\n2022.10.15\t18시\t0\t0\n", "UTF-8", "\t"},
		"no header":            {"2022-10-15 15:00,12000,3\n2022-10-15 17:00,-1000,1\n2022-10-15 18:00,0,0\n", "UTF-8", ","},
		"title, blank rows and totals": {"○○ 매출 현황\n조회기간,2022-10-15\n\n일시,매출액 (원),결제건수\n2022-10-15 15:00,12000,3\n\n" +
			"2022-10-15 17:00,-1000,1\n2022-10-15 18:00,0,0\n합계,11000,4\n", "UTF-8", ","},
	} {
		t.Run(name, func(t *testing.T) {
			report := read(t, tc.file, revenue.Options{Format: revenue.CSV})
			if diff := cmp.Diff(want, shown(report.History)); diff != "" {
				t.Error(diff)
			}
			s := report.Summary
			if s.Encoding != tc.encoding || s.Delimiter != tc.delimiter || s.RowsRead != 3 || s.RowsAccepted != 3 {
				t.Errorf("summary says %s, %q, %d rows, %d accepted", s.Encoding, s.Delimiter, s.RowsRead, s.RowsAccepted)
			}
		})
	}
}

// The first bytes of an export are often ASCII alone; what follows decides.
func TestEncodingIsDecidedWhereItFirstMatters(t *testing.T) {
	var file strings.Builder
	file.WriteString("start,amount,memo\n")
	file.WriteString(hourly(50_000, "%s,%d,%d padding padding padding\n"))
	if file.Len() < 2<<20 {
		t.Fatalf("the ASCII part has %d bytes, fewer than two chunks", file.Len())
	}
	last := "2020-01-01 00:00,5,똠방각하\n"
	for _, tc := range []struct{ tail, encoding string }{
		{last, "UTF-8"},
		{encoded(t, korean.EUCKR, last), "CP949"},
	} {
		report := read(t, file.String()+tc.tail, revenue.Options{Format: revenue.CSV})
		if got := report.Summary.Encoding; got != tc.encoding {
			t.Errorf("encoding %s, want %s", got, tc.encoding)
		}
	}
	_, err := revenue.Read(strings.NewReader(file.String()+last+strings.Repeat(last, 40_000)+encoded(t, korean.EUCKR, last)),
		revenue.Options{Format: revenue.CSV})
	wantCode(t, err, "encoding_mixed")
}

func TestEveryWayOfWritingATimeIsRead(t *testing.T) {
	for written, want := range map[string]string{
		"2022-10-15T15:30":            "2022-10-15T15:30",
		"2022-10-15 15:30":            "2022-10-15T15:30",
		"2022-10-15 15:30:00":         "2022-10-15T15:30",
		"2022-10-15 15:30:00.000":     "2022-10-15T15:30",
		"2022.10.15 15:30":            "2022-10-15T15:30",
		"2022. 10. 15. 오후 3:30":       "2022-10-15T15:30",
		"2022. 10. 5. (수) 15:30":      "2022-10-05T15:30",
		"2022/10/15":                  "2022-10-15T00:00",
		"2022/1/5 9:30":               "2022-01-05T09:30",
		"20221015":                    "2022-10-15T00:00",
		"202210151530":                "2022-10-15T15:30",
		"20221015153000":              "2022-10-15T15:30",
		"20221015 1530":               "2022-10-15T15:30",
		"2022년 10월 15일 15시":           "2022-10-15T15:00",
		"2022년10월15일 15시30분":          "2022-10-15T15:30",
		"2022년 10월 15일 오후 3시 30분 0초":  "2022-10-15T15:30",
		"2022-10-15 오전 12:30":         "2022-10-15T00:30",
		"2022-10-15 오후 12:30":         "2022-10-15T12:30",
		"2022-10-15 3:30 PM":          "2022-10-15T15:30",
		"2022-10-15 24:00":            "2022-10-16T00:00",
		"2022-10-15T15:30:00+09:00":   "2022-10-15T15:30",
		"2022-10-15T06:30:00Z":        "2022-10-15T15:30",
		"2022-10-15 01:30:00 -0500":   "2022-10-15T15:30",
		"2022-10-15T06:30:00.25Z":     "2022-10-15T15:30",
		"2024-02-29 00:00":            "2024-02-29T00:00",
		" 2022-10-15 15:30 ":          "2022-10-15T15:30",
		"2022-12-31T23:45:00-00:00":   "2023-01-01T08:45",
		"2022-10-15T15:30:00.999+09":  "2022-10-15T15:30",
		"2022년 10월 15일 (토) 오후 03:30분": "",
		"2022-10-15 오후 15:30":         "",
		"2022-13-01":                  "",
		"2023-02-29":                  "",
		"2022-10-15 25:00":            "",
		"2022-10-15 15:60":            "",
		"22-10-15":                    "",
		"10/15/2022":                  "",
		"1022-10-15":                  "",
		"2022-10-15T15:30+99:00":      "",
		"2022-10-15 15:30 KST":        "",
		"yesterday":                   "",
	} {
		// Two sound rows keep the file acceptable whatever becomes of the third.
		file := "start\tamount\n2020-01-01\t1\n2020-01-02\t1\n" + written + "\t7\n"
		report := read(t, file, revenue.Options{Format: revenue.CSV, Zone: seoul, BucketMinutes: 15, Kind: revenue.Buckets})
		h, got := report.History, ""
		if h.Amounts[h.Len()-1] == 7 {
			got = h.At(h.Len() - 1).String()
		}
		if got != want {
			t.Errorf("%q was read as %q, want %q", written, got, want)
		}
		if want == "" && (len(report.Problems) != 1 || report.Problems[0].Code != "time_unreadable") {
			t.Errorf("%q: problems %+v", written, report.Problems)
		}
	}
}

func TestEveryWayOfWritingAnAmountIsRead(t *testing.T) {
	usd, err := money.ParseCurrency("USD")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		written  string
		currency money.Currency
		want     money.Minor
		refused  bool
	}{
		{"12000", money.KRW, 12000, false},
		{"12,000", money.KRW, 12000, false},
		{"₩12,000", money.KRW, 12000, false},
		{"12000원", money.KRW, 12000, false},
		{"(1,000)", money.KRW, -1000, false},
		{"-1,000", money.KRW, -1000, false},
		{"12.50", usd, 1250, false},
		{"$1,200", usd, 120000, false},
		{"12.5", money.KRW, 0, true},
		{"1,2000", money.KRW, 0, true},
		{"많이", money.KRW, 0, true},
		{"NaN", money.KRW, 0, true},
		{"9007199254740992", money.KRW, 0, true},
	} {
		file := "start;amount\n2022-10-15 12:00;1\n2022-10-15 13:00;1\n2022-10-15 14:00;" + tc.written + "\n"
		report := read(t, file, revenue.Options{Format: revenue.CSV, Currency: tc.currency})
		if refused := len(report.Problems) == 1 && report.Problems[0].Code == "amount_unreadable"; refused != tc.refused {
			t.Errorf("%q refused: %v, want %v", tc.written, refused, tc.refused)
		}
		if h := report.History; !tc.refused && h.Amounts[2] != tc.want {
			t.Errorf("%q was read as %d, want %d", tc.written, h.Amounts[2], tc.want)
		}
	}
}

// workbook makes an XLSX file with the rows on a sheet of the name.
func workbook(t testing.TB, sheet string, rows ...[]any) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	if _, err := book.NewSheet(sheet); err != nil {
		t.Fatal(err)
	}
	for i, cells := range rows {
		if err := book.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &cells); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestWorkbooksKeepDatesAsNumbersAndTexts(t *testing.T) {
	want := []string{"2022-10-15T15:00 12000×3", "2022-10-15T16:00 missing", "2022-10-15T17:00 -1000×1"}
	three := time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		sheet string
		rows  [][]any
	}{
		"dates":           {"Sheet1", [][]any{{"일시", "매출", "건수"}, {three, 12000, 3}, {three.Add(2 * time.Hour), -1000, 1}}},
		"texts":           {"Sheet1", [][]any{{"일시", "매출", "건수"}, {"2022-10-15 15:00", "12,000원", "3"}, {"2022.10.15 17시", "(1,000)", 1}}},
		"binary fraction": {"Sheet1", [][]any{{"일시", "매출", "건수"}, {44849.625, 12000.000000000002, 3}, {44849.7083333333, -1.0e3, 1.0}}},
		"date and time": {"매출 내역", [][]any{{"기간별 매출"}, {}, {"날짜", "시간", "매출", "건수"},
			{44849, 0.625, 12000, 3}, {44849, 0.708333333, -1000, 1}, {"합계", nil, 11000, 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := revenue.Options{Format: revenue.XLSX, Kind: revenue.Buckets, BucketMinutes: 60}
			if tc.sheet != "Sheet1" {
				o.Sheet = tc.sheet
			}
			report := read(t, workbook(t, tc.sheet, tc.rows...), o)
			if diff := cmp.Diff(want, shown(report.History)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWorkbooksOfTheOtherCalendarAreRead(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	yes := true
	if err := book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
		t.Fatal(err)
	}
	for cell, value := range map[string]any{"A1": "일시", "B1": "매출", "A2": 43387.625, "B2": 12000} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	report := read(t, file.String(), revenue.Options{Format: revenue.XLSX, Kind: revenue.Buckets, BucketMinutes: 60})
	if got := report.Summary.Start; got != "2022-10-15T15:00" {
		t.Errorf("starts %s, want 2022-10-15T15:00", got)
	}
}

func TestJSONFormsAreRead(t *testing.T) {
	want := []string{"2022-10-15T15:00 12000×3", "2022-10-15T16:00 missing", "2022-10-15T17:00 closed", "2022-10-15T18:00 0×0", "2022-10-15T19:00 missing"}
	objects := []string{
		`{"start":"2022-10-15T15:00","amount":12000,"count":3,"state":"open"}`,
		`{"start":"2022-10-15T17:00","state":"closed"}`,
		`{"start":"2022-10-15T09:00:00Z","amount":0}`,
		`{"start":"2022-10-15T19:00","amount":null}`,
	}
	for name, tc := range map[string]struct {
		format revenue.Format
		file   string
	}{
		"array":      {revenue.JSON, "[" + strings.Join(objects, ",") + "]"},
		"object":     {revenue.JSON, `{"bucket_minutes":60,"buckets":[` + strings.Join(objects, ",") + "]}\n"},
		"with BOM":   {revenue.JSON, "\ufeff[" + strings.Join(objects, ",\n") + "]"},
		"lines":      {revenue.NDJSON, strings.Join(objects, "\n")},
		"CRLF lines": {revenue.NDJSON, strings.Join(objects, "\r\n\r\n") + "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			report := read(t, tc.file, revenue.Options{Format: tc.format, Zone: seoul})
			if diff := cmp.Diff(want, shown(report.History)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColumnsCanBeNamedOrNumbered(t *testing.T) {
	file := "kind,when,how much,한 일\nA,2022-10-15 15:00,100,5\nB,2022-10-15 16:00,200,6\nA,2022-10-15 17:00,300,7\n"
	for name, columns := range map[string]map[revenue.Field]string{
		"named":    {revenue.FieldStart: "when", revenue.FieldAmount: "how much", revenue.FieldCount: "한 일"},
		"numbered": {revenue.FieldStart: "2", revenue.FieldAmount: "3", revenue.FieldCount: "4"},
	} {
		t.Run(name, func(t *testing.T) {
			report := read(t, file, revenue.Options{Format: revenue.CSV, Columns: columns, Where: map[string]string{"kind": "A"}})
			want := []string{"2022-10-15T15:00 100×5", "2022-10-15T16:00 missing", "2022-10-15T17:00 300×7"}
			if diff := cmp.Diff(want, shown(report.History)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("numbered without header", func(t *testing.T) {
		bare := file[strings.Index(file, "\n")+1:]
		report := read(t, bare, revenue.Options{Format: revenue.CSV, Columns: map[revenue.Field]string{revenue.FieldStart: "2", revenue.FieldAmount: "4"}})
		if s := report.Summary; s.TotalAmount != 18 || s.RowsRead != 3 {
			t.Errorf("total %d of %d rows, want 18 of 3", s.TotalAmount, s.RowsRead)
		}
	})
}

func TestTransactionsAreSummedNetOfRefunds(t *testing.T) {
	file := "거래일자,거래시간,결제금액,상태\n" +
		"2022-10-15,15:07:31,\"12,000\",결제완료\n" +
		"2022-10-15,15:44,8000,결제완료\n" +
		"2022-10-15,15:50,3000,결제취소\n" +
		"2022-10-15,17:02,(2000),\n" +
		"2022-10-15,17:03,5000,환불\n" +
		"2022-10-15,18:59,700,배송중\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV})
	want := []string{"2022-10-15T15:00 20000×2", "2022-10-15T16:00 0×0", "2022-10-15T17:00 -7000×0", "2022-10-15T18:00 700×1"}
	if diff := cmp.Diff(want, shown(report.History)); diff != "" {
		t.Error(diff)
	}
	s := report.Summary
	if s.Kind != revenue.Transactions || s.RefundCount != 2 || s.RefundAmount != 7000 || s.TotalAmount != 13700 || s.TotalCount != 3 {
		t.Errorf("summary %+v", s)
	}
	if notes := english(s.Notes); !strings.Contains(notes, "1 sale(s) marked as cancelled") || !strings.Contains(notes, `"배송중"`) {
		t.Errorf("notes: %s", notes)
	}
}

func english(texts []lang.Text) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString(text.EN + "\n")
	}
	return b.String()
}

func TestTransactionsWithDatesOnlyBecomeDays(t *testing.T) {
	report := read(t, "판매일,금액\n2022-10-15,100\n2022-10-15,200\n2022-10-15,300\n2022-10-17,50\n", revenue.Options{Format: revenue.CSV})
	want := []string{"2022-10-15T00:00 600×3", "2022-10-16T00:00 0×0", "2022-10-17T00:00 50×1"}
	if diff := cmp.Diff(want, shown(report.History)); diff != "" {
		t.Error(diff)
	}
}

func TestBucketLengthIsRecognised(t *testing.T) {
	for name, tc := range map[string]struct {
		file    string
		minutes int
	}{
		"quarter hours":              {"start,amount\n2022-10-15 15:00,1\n2022-10-15 15:15,1\n2022-10-15 15:30,1\n", 15},
		"half hours":                 {"start,amount\n2022-10-15 15:30,1\n2022-10-15 15:00,1\n2022-10-15 17:00,1\n", 30},
		"hours with nights left out": {"start,amount\n2022-10-15 20:00,1\n2022-10-15 21:00,1\n2022-10-16 09:00,1\n2022-10-16 10:00,1\n", 60},
		"days":                       {"date,amount\n2022-10-15,1\n2022-10-16,1\n2022-10-18,1\n", 1440},
		"one row":                    {"start,amount\n2022-10-15 15:00,1\n", 60},
		"ends":                       {"start,end,amount\n2022-10-15 15:00,2022-10-15 15:30,1\n2022-10-15 16:00,16:30,1\n", 30},
		"end at midnight":            {"start,end,amount\n2022-10-15 23:00,00:00,1\n2022-10-15 22:00,23:00,1\n", 60},
	} {
		report := read(t, tc.file, revenue.Options{Format: revenue.CSV})
		if s := report.Summary; s.BucketMinutes != tc.minutes || s.Kind != revenue.Buckets || s.RowsRefused != 0 {
			t.Errorf("%s: %s of %d minutes with %d refused, want %d minutes", name, s.Kind, s.BucketMinutes, s.RowsRefused, tc.minutes)
		}
	}
}

func TestHourThatDaylightSavingRepeatsIsOneBucket(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	file := "start,amount,count\n2022-10-30T00:00:00Z,5,1\n2022-10-30T01:00:00Z,7,2\n2022-10-30T02:00:00Z,9,3\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV, Zone: zone})
	want := []string{"2022-10-30T01:00 12×3", "2022-10-30T02:00 9×3"}
	if diff := cmp.Diff(want, shown(report.History)); diff != "" {
		t.Error(diff)
	}
}

func TestMissingIsNeverZero(t *testing.T) {
	file := "start,amount,count\n2022-10-15 10:00,100,1\n2022-10-15 11:00,,\n2022-10-15 13:00,0,0\n2022-10-15 14:00,5,\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV})
	want := []string{"2022-10-15T10:00 100×1", "2022-10-15T11:00 missing", "2022-10-15T12:00 missing", "2022-10-15T13:00 0×0", "2022-10-15T14:00 5×0"}
	if diff := cmp.Diff(want, shown(report.History)); diff != "" {
		t.Error(diff)
	}
	if got := report.Summary.MissingBasisPoints; got != 4000 {
		t.Errorf("missing share %d basis points, want 4000", got)
	}
}

// slowReader hands out a byte at a time, as a slow connection does.
type slowReader struct{ r io.Reader }

func (s slowReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(1, len(p))]) }

func TestReadDoesNotDependOnHowTheFileArrives(t *testing.T) {
	for format, file := range map[revenue.Format]string{
		revenue.CSV:    encoded(t, korean.EUCKR, "일시,매출,비고\n"+strings.Repeat("2022-10-15 15:00,1,똠\n", 3)),
		revenue.NDJSON: `{"start":"2022-10-15T15:00","amount":1}` + "\n" + `{"start":"2022-10-15T16:00","amount":1}`,
		revenue.XLSX:   workbook(t, "Sheet1", []any{"일시", "매출"}, []any{"2022-10-15 15:00", 1}),
	} {
		o := revenue.Options{Format: format, Kind: revenue.Transactions, BucketMinutes: 1440}
		if format != revenue.CSV {
			o.Kind, o.BucketMinutes = revenue.Buckets, 60
		}
		whole := read(t, file, o)
		slow, err := revenue.Read(slowReader{strings.NewReader(file)}, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, slow); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

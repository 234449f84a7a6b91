package revenue_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/korean"

	"redress/internal/fault"
	"redress/internal/revenue"
)

// fuzzRead holds what every file must meet: it is read into a valid history or
// refused with a fault, and rows are counted once.
func fuzzRead(t *testing.T, file []byte, o revenue.Options) {
	o.Limits = revenue.Limits{Rows: 10_000, Bytes: 1 << 22}
	report, err := revenue.Read(bytes.NewReader(file), o)
	if err != nil {
		if fault.As(err) == nil {
			t.Fatalf("%v is not a fault", err)
		}
		return
	}
	h, s := report.History, report.Summary
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	if s.RowsRead != s.RowsAccepted+s.RowsRefused || s.RowsRefused != len(report.Problems)+report.ProblemsOmitted {
		t.Fatalf("%d rows read, %d accepted, %d refused, %d and %d problems",
			s.RowsRead, s.RowsAccepted, s.RowsRefused, len(report.Problems), report.ProblemsOmitted)
	}
	if s.OpenBuckets+s.ClosedBuckets+s.MissingBuckets != h.Len() {
		t.Fatalf("%d, %d and %d buckets of %d", s.OpenBuckets, s.ClosedBuckets, s.MissingBuckets, h.Len())
	}
	back, err := revenue.Unpack(revenue.Pack(h))
	if err != nil {
		t.Fatal(err)
	}
	if revenue.Digest(h) != revenue.Digest(back) {
		t.Fatal("what was packed was not unpacked")
	}
}

func FuzzReadCSV(f *testing.F) {
	sample := "일시,매출,건수,상태\n2022-10-15 15:00,\"12,000\",3,영업\n2022-10-15 16:00,,,휴무\n합계,12000,3,\n"
	cp949, err := korean.EUCKR.NewEncoder().String(sample)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		sample, cp949, "\ufeff" + sample, "\xff\xfea\x00,\x00b\x00",
		"2022-10-15T06:00:00Z;(1,000);2\n", "날짜\t시간\t금액\n2022.10.15\t오후 3:07\t₩5,000\n",
		"start,end,amount\n2022-10-15 23:00,24:00,1\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, transactions bool) {
		o := revenue.Options{Format: revenue.CSV, Zone: seoul}
		if transactions {
			o.Kind = revenue.Transactions
		}
		fuzzRead(t, file, o)
	})
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`[{"start":"2022-10-15T15:00","amount":12000,"count":3,"state":"open"},{"start":"2022-10-15T16:00","amount":null}]`), false)
	f.Add([]byte(`{"bucket_minutes":60,"buckets":[{"start":"2022-10-15T15:00","end":"2022-10-15T16:00","state":"closed"}]}`), false)
	f.Add([]byte(`{"start":"2022-10-15T15:07:01+09:00","amount":-5}`+"\n"+`{"start":"2022-10-15","amount":[{"a":1}]}`), true)
	f.Fuzz(func(t *testing.T, file []byte, lines bool) {
		format := revenue.JSON
		if lines {
			format = revenue.NDJSON
		}
		fuzzRead(t, file, revenue.Options{Format: format, Zone: seoul})
	})
}

// withSheet returns the workbook with another first sheet, not compressed, so
// that changed bytes reach the reader of rows and not only that of archives.
func withSheet(t testing.TB, book string, sheet []byte) []byte {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	for _, f := range archive.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "xl/worksheets/sheet1.xml" {
			content = sheet
		}
		entry, err := w.CreateHeader(&zip.FileHeader{Name: f.Name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func FuzzReadXLSX(f *testing.F) {
	book := workbook(f, "Sheet1", []any{"일시", "매출", "건수"}, []any{44849.625, 12000, 3}, []any{"2022-10-15 16:00", "(1,000)"})
	f.Add([]byte(book), true)
	f.Add([]byte("PK\x03\x04"), true)
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>start</t></is></c><c r="B1" t="inlineStr"><is><t>amount</t></is></c></row>`+
		`<row r="3"><c r="A3"><v>44849.625</v></c><c r="B3" t="str"><f>1+1</f><v>1.2E+4</v></c></row><row><c t="s"><v>0</v></c><c t="b"><v>1</v></c></row></sheetData></worksheet>`), false)
	f.Fuzz(func(t *testing.T, file []byte, whole bool) {
		if !whole {
			file = withSheet(t, book, file)
		}
		fuzzRead(t, file, revenue.Options{Format: revenue.XLSX})
	})
}

func FuzzUnpack(f *testing.F) {
	for _, week := range revenue.Pack(series(60, "2022-10-15T15:00", 12000, -1, -2, 0, 700)) {
		f.Add(int64(week.Start), week.Data, week.Data)
	}
	for _, week := range revenue.Pack(series(1440, "2022-10-10T00:00", -2, 5)) {
		f.Add(int64(week.Start), week.Data, []byte{})
	}
	f.Fuzz(func(t *testing.T, start int64, first, second []byte) {
		monday := revenue.Local(start).WeekStart()
		h, err := revenue.Unpack([]revenue.PackedWeek{{Start: monday, Data: first}, {Start: monday + revenue.Week, Data: second}})
		if err != nil {
			return
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		back, err := revenue.Unpack(revenue.Pack(h))
		if err != nil {
			t.Fatal(err)
		}
		if revenue.Digest(h) != revenue.Digest(back) {
			t.Fatal("what was packed was not unpacked")
		}
	})
}

package revenue_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"redress/internal/money"
	"redress/internal/revenue"
)

// hourly writes n rows of hours, one in three of them without a sale.
func hourly(n int, row string) string {
	var b strings.Builder
	start := at("2011-01-01T00:00")
	for i := range n {
		sales := (i * 7919) % 12 % 9
		fmt.Fprintf(&b, row, start+revenue.Local(i)*revenue.Hour, sales*12500, sales)
	}
	return b.String()
}

func at(s string) revenue.Local {
	l, err := revenue.ParseLocal(s)
	if err != nil {
		panic(err)
	}
	return l
}

func benchmarkRead(b *testing.B, file string, o revenue.Options) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		report, err := revenue.Read(strings.NewReader(file), o)
		if err != nil || report.History.Len() == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead100kRows(b *testing.B) {
	b.Run("csv", func(b *testing.B) {
		benchmarkRead(b, "일시,매출,건수\n"+hourly(100_000, "%s,%d,%d\n"), revenue.Options{Format: revenue.CSV})
	})
	b.Run("csv of transactions", func(b *testing.B) {
		var file strings.Builder
		file.WriteString("거래일자,거래시간,결제금액,상태\n")
		for i := range 100_000 {
			t := (at("2021-01-01T00:00") + revenue.Local(i*11)).Clock()
			fmt.Fprintf(&file, "%s,%s,\"%d,%03d\",결제완료\n", t.Format("2006-01-02"), t.Format("15:04:05"), 1+i%90, i%10*100)
		}
		benchmarkRead(b, file.String(), revenue.Options{Format: revenue.CSV})
	})
	b.Run("ndjson", func(b *testing.B) {
		benchmarkRead(b, hourly(100_000, `{"start":"%s","amount":%d,"count":%d}`+"\n"), revenue.Options{Format: revenue.NDJSON})
	})
	b.Run("xlsx", func(b *testing.B) {
		book := excelize.NewFile()
		sheet, err := book.NewStreamWriter("Sheet1")
		if err != nil {
			b.Fatal(err)
		}
		put := func(row int, cells ...any) {
			if err := sheet.SetRow(fmt.Sprintf("A%d", row), cells); err != nil {
				b.Fatal(err)
			}
		}
		put(1, "일시", "매출", "건수")
		for i := range 100_000 {
			put(i+2, 40544+float64(i)/24, i%12*12500, i%12)
		}
		if err := sheet.Flush(); err != nil {
			b.Fatal(err)
		}
		var file bytes.Buffer
		if err := book.Write(&file); err != nil {
			b.Fatal(err)
		}
		benchmarkRead(b, file.String(), revenue.Options{Format: revenue.XLSX})
	})
}

func BenchmarkReadMillionBadRows(b *testing.B) {
	file := "일시,매출,건수\n" + strings.Repeat("어제,많이,3\n", 1_000_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		report, err := revenue.Read(strings.NewReader(file), revenue.Options{Format: revenue.CSV})
		if err == nil || len(report.Problems) != 100 || report.ProblemsOmitted != 999_900 {
			b.Fatal(err, len(report.Problems), report.ProblemsOmitted)
		}
	}
}

// year is a year of hours as a shop has them: open 14 hours a day, round prices.
func year() revenue.History {
	h := revenue.History{BucketMinutes: 60, Start: at("2022-01-03T00:00")}
	for i := range 52 * 7 * 24 {
		state, amount, count := revenue.Closed, money.Minor(0), int32(0)
		if hour := i % 24; hour >= 8 && hour < 22 {
			sales := (i * 7919) % 12
			state, amount, count = revenue.Open, money.Minor(sales*13700), int32(sales)
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
}

func reportHours(b *testing.B, h revenue.History) {
	b.ReportMetric(float64(h.Len())*float64(b.N)/b.Elapsed().Seconds(), "hours/s")
}

func BenchmarkPack(b *testing.B) {
	h := year()
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size = 0
		for _, week := range revenue.Pack(h) {
			size += len(week.Data)
		}
	}
	b.ReportMetric(float64(size)/float64(h.Len()), "bytes/hour")
	reportHours(b, h)
}

func BenchmarkUnpack(b *testing.B) {
	h := year()
	weeks := revenue.Pack(h)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := revenue.Unpack(weeks); err != nil {
			b.Fatal(err)
		}
	}
	reportHours(b, h)
}

func BenchmarkDigest(b *testing.B) {
	h := year()
	b.ReportAllocs()
	for b.Loop() {
		revenue.Digest(h)
	}
	reportHours(b, h)
}

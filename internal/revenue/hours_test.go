package revenue_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/lang"
	"redress/internal/revenue"
)

// shop writes the hours of whole weeks from Monday 2022-01-03: open from 9 to 18
// except on Sundays, 3 sales an hour; row writes an hour, and "" leaves it out.
func shop(weeks int, row func(l revenue.Local, open bool) string) string {
	var b strings.Builder
	start := at("2022-01-03T00:00")
	for i := range weeks * 7 * 24 {
		l := start + revenue.Local(i)*revenue.Hour
		hour := i % 24
		b.WriteString(row(l, hour >= 9 && hour < 18 && l.Weekday() != time.Sunday))
	}
	return b.String()
}

func zerosWritten(l revenue.Local, open bool) string {
	if open {
		return fmt.Sprintf("%s,30000,3\n", l)
	}
	return fmt.Sprintf("%s,0,0\n", l)
}

func zerosLeftOut(l revenue.Local, open bool) string {
	if open {
		return fmt.Sprintf("%s,30000,3\n", l)
	}
	return ""
}

func threeSales(l revenue.Local, open bool) string {
	if open {
		return fmt.Sprintf("%[1]s,10000,\n%[2]s,10000,\n%[3]s,10000,\n", l+7, l+22, l+41)
	}
	return ""
}

// nights are the closed hours of the shop, as a summary lists them.
var nights = []revenue.WeekHours{
	{Weekday: time.Monday, From: 0, To: 540}, {Weekday: time.Monday, From: 1080, To: 1440},
	{Weekday: time.Tuesday, From: 0, To: 540}, {Weekday: time.Tuesday, From: 1080, To: 1440},
	{Weekday: time.Wednesday, From: 0, To: 540}, {Weekday: time.Wednesday, From: 1080, To: 1440},
	{Weekday: time.Thursday, From: 0, To: 540}, {Weekday: time.Thursday, From: 1080, To: 1440},
	{Weekday: time.Friday, From: 0, To: 540}, {Weekday: time.Friday, From: 1080, To: 1440},
	{Weekday: time.Saturday, From: 0, To: 540}, {Weekday: time.Saturday, From: 1080, To: 1440},
	{Weekday: time.Sunday, From: 0, To: 1440},
}

func TestClosedHoursAreRecognised(t *testing.T) {
	for name, row := range map[string]func(revenue.Local, bool) string{
		"zeros written":  zerosWritten,
		"zeros left out": zerosLeftOut,
		"transactions":   threeSales,
	} {
		t.Run(name, func(t *testing.T) {
			report := read(t, "start,amount,count\n"+shop(5, row), revenue.Options{Format: revenue.CSV})
			s := report.Summary
			if diff := cmp.Diff(nights, s.ClosedHours); diff != "" {
				t.Error(diff)
			}
			if s.HoursBasis != revenue.HoursRecognised || s.OpenBuckets != 5*6*9 || s.MissingBuckets != 0 || s.TotalCount != 3*5*6*9 {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

func TestStraySaleDoesNotOpenTheNight(t *testing.T) {
	file := strings.Replace(shop(10, zerosWritten), "2022-01-15T03:00,0,0", "2022-01-15T03:00,500,1", 1)
	report := read(t, "start,amount,count\n"+file, revenue.Options{Format: revenue.CSV})
	if diff := cmp.Diff(nights, report.Summary.ClosedHours); diff != "" {
		t.Error(diff)
	}
	// What was sold was sold: the stray bucket itself stays open.
	if s := report.Summary; s.OpenBuckets != 10*6*9+1 || s.TotalAmount != 10*6*9*30000+500 {
		t.Errorf("%d open buckets with %d", s.OpenBuckets, s.TotalAmount)
	}
}

func TestClosedHoursAreNotGuessedFromTooLittle(t *testing.T) {
	for name, file := range map[string]string{
		"one week":     shop(1, zerosWritten),
		"few sales":    shop(8, func(l revenue.Local, open bool) string { return rare(l) }),
		"nothing sold": shop(8, func(l revenue.Local, open bool) string { return fmt.Sprintf("%s,0,0\n", l) }),
	} {
		report := read(t, "start,amount,count\n"+file, revenue.Options{Format: revenue.CSV})
		if s := report.Summary; s.HoursBasis != revenue.HoursUnknown || s.ClosedBuckets != 0 || len(s.ClosedHours) != 0 {
			t.Errorf("%s: %s, %d closed buckets", name, s.HoursBasis, s.ClosedBuckets)
		}
	}
}

// rare sells once on two days in three, at noon or at six.
func rare(l revenue.Local) string {
	day := int(l / revenue.Day)
	if hour := l.Clock().Hour(); (day%6 == 0 && hour == 12) || (day%8 == 0 && hour == 18) {
		return fmt.Sprintf("%s,9000,1\n", l)
	}
	return fmt.Sprintf("%s,0,0\n", l)
}

func TestStatedHoursOutrankRecognisedOnes(t *testing.T) {
	hours := []revenue.WeekHours{{Weekday: time.Sunday, From: 22 * 60, To: 26 * 60}, {Weekday: time.Monday, From: 9*60 + 30, To: 12 * 60}}
	file := "start,amount,count\n" +
		"2022-01-02 21:00,0,0\n2022-01-02 22:00,0,0\n2022-01-03 01:00,0,0\n2022-01-03 02:00,0,0\n" +
		"2022-01-03 08:00,700,1\n2022-01-03 09:00,0,0\n2022-01-03 11:00,,\n2022-01-03 12:00,,\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV, Hours: hours})
	states := map[string]string{}
	for _, bucket := range shown(report.History) {
		start, state, _ := strings.Cut(bucket, " ")
		states[start[5:13]] = state
	}
	for start, want := range map[string]string{
		"01-02T21": "closed", "01-02T22": "0×0", "01-02T23": "missing", "01-03T01": "0×0", "01-03T02": "closed", "01-03T05": "closed",
		"01-03T08": "700×1", "01-03T09": "0×0", "01-03T10": "missing", "01-03T11": "missing", "01-03T12": "closed",
	} {
		if states[start] != want {
			t.Errorf("%s is %s, want %s", start, states[start], want)
		}
	}
	if s := report.Summary; s.HoursBasis != revenue.HoursStated || !strings.Contains(english(s.Notes), "1 bucket(s) in hours stated as closed") {
		t.Errorf("summary %+v", s)
	}
}

func TestStatedClosuresAreClosed(t *testing.T) {
	closure := revenue.Span{Start: at("2022-01-12T00:00"), End: at("2022-01-13T00:00")}
	report := read(t, "start,amount,count\n"+shop(5, func(l revenue.Local, open bool) string {
		return threeSales(l, open && !closure.Contains(l))
	}), revenue.Options{Format: revenue.CSV, Closed: []revenue.Span{closure}})
	if got := report.History.Sum(closure).ClosedMinutes; got != 1440 {
		t.Errorf("%d closed minutes in the stated closure, want 1440", got)
	}
}

func TestStatesWrittenInTheFileAreKept(t *testing.T) {
	file := "start,amount,count,state\n" + shop(5, func(l revenue.Local, open bool) string {
		if open {
			return fmt.Sprintf("%s,30000,3,open\n", l)
		}
		return fmt.Sprintf("%s,0,0,open\n", l)
	})
	report := read(t, file, revenue.Options{Format: revenue.CSV})
	if s := report.Summary; s.HoursBasis != revenue.HoursWritten || s.ClosedBuckets != 0 || s.OpenBuckets != 5*7*24 {
		t.Errorf("summary %+v", s)
	}
}

// except writes ten weeks of the shop's sales but for those in the spans.
func except(spans ...revenue.Span) string {
	return "start,amount,count\n" + shop(10, func(l revenue.Local, open bool) string {
		for _, s := range spans {
			open = open && !s.Contains(l)
		}
		return threeSales(l, open)
	})
}

// days is n days from a midnight on.
func days(midnight string, n int) revenue.Span {
	return revenue.Span{Start: at(midnight), End: at(midnight) + revenue.Local(n)*revenue.Day}
}

func TestWholeDaysWithoutTransactions(t *testing.T) {
	t.Run("an unexplained week is missing", func(t *testing.T) {
		gap := days("2022-01-17T00:00", 7)
		h := read(t, except(gap), revenue.Options{Format: revenue.CSV}).History
		if got := h.Sum(gap); got.OpenBuckets != 0 || got.MissingMinutes != 6*9*60 {
			t.Errorf("gap holds %+v", got)
		}
	})
	t.Run("an unexplained day is missing", func(t *testing.T) {
		gap := days("2022-01-18T00:00", 1)
		report := read(t, except(gap), revenue.Options{Format: revenue.CSV})
		if got := report.History.Sum(gap); got.OpenBuckets != 0 || got.MissingMinutes != 9*60 {
			t.Errorf("gap holds %+v", got)
		}
		if !strings.Contains(english(report.Summary.Notes), "1 whole day(s) without a sale") {
			t.Errorf("notes: %s", english(report.Summary.Notes))
		}
	})
	t.Run("hours of a day with sales are zero", func(t *testing.T) {
		gap := revenue.Span{Start: at("2022-01-18T10:00"), End: at("2022-01-18T18:00")}
		h := read(t, except(gap), revenue.Options{Format: revenue.CSV}).History
		if got := h.Sum(gap); got.OpenBuckets != 8 || got.Amount != 0 {
			t.Errorf("gap holds %+v", got)
		}
	})
	t.Run("frequent days off are zero", func(t *testing.T) {
		off := []revenue.Span{}
		for i := range 9 {
			off = append(off, days("2022-01-06T00:00", 1))
			off[i].Start += revenue.Local(i) * 8 * revenue.Day
			off[i].End += revenue.Local(i) * 8 * revenue.Day
		}
		h := read(t, except(off...), revenue.Options{Format: revenue.CSV}).History
		if got := h.Sum(off[0]); got.OpenBuckets != 9 || got.MissingMinutes != 0 {
			t.Errorf("day off holds %+v", got)
		}
	})
	t.Run("a quiet day of a quiet outlet is zero", func(t *testing.T) {
		var file strings.Builder
		file.WriteString("start,amount\n")
		for i := range 60 {
			if i%4 != 3 {
				fmt.Fprintf(&file, "%s,5000\n", at("2022-01-03T11:07")+revenue.Local(i)*revenue.Day)
			}
		}
		report := read(t, file.String(), revenue.Options{Format: revenue.CSV})
		if s := report.Summary; s.MissingBuckets != 0 || s.TotalCount != 45 {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestSummaryOfATillExport(t *testing.T) {
	file := "매출 내역,,,\n거래일시,결제금액,상태,비고\n" +
		"2022-10-15 15:07:31,\"12,000\",결제완료,\n" +
		"2022-10-15 16:44:02,(2000),환불,파손\n" +
		"2022-10-15 17:01:00,팔천,결제완료,\n" +
		"합계,10000,,\n"
	report := read(t, file, revenue.Options{Format: revenue.CSV})
	got, err := json.MarshalIndent(struct {
		Summary  revenue.Summary
		Problems []revenue.Problem
	}{report.Summary, report.Problems}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden(t, "till_summary.json", got), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryNoteIsSaidInBothLanguages(t *testing.T) {
	report := read(t, "2022-10-15 15:07,5,\n2022-10-15 16:09,5,\n2022-10-15 18:09,6,\n", revenue.Options{Format: revenue.CSV})
	if len(report.Summary.Notes) == 0 {
		t.Fatal("no notes")
	}
	for _, note := range report.Summary.Notes {
		if note.In(lang.Korean) == "" || note.In(lang.English) == "" || strings.Contains(note.EN+note.KO, "%!") {
			t.Errorf("badly worded: %+v", note)
		}
	}
}

package revenue_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"redress/internal/money"
	"redress/internal/revenue"
)

// openSeries opens a public series that lies beside the checkout, where it does.
func openSeries(t testing.TB, set string) *os.File {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", set, "series.csv")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("SKIPPED: no public series at %s: %v", path, err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// units is money whose amounts are whole numbers already.
var units = money.Currency{Code: "UNT"}

func TestPublicSeriesAreRead(t *testing.T) {
	for _, tc := range []struct {
		set, series string
		zone        string
		minutes     int
		rows        int
		start, end  string
		amount      money.Minor
		count       int64
		basis       revenue.HoursBasis
	}{
		{"bread_basket", "bread-basket", "Europe/London", 60, 3871, "2016-10-30T09:00", "2017-04-09T16:00", 9465, 9465, revenue.HoursRecognised},
		{"coffee_vending", "machine-1", "Europe/Kyiv", 60, 9297, "2024-03-01T10:00", "2025-03-23T19:00", 11543158, 3636, revenue.HoursRecognised},
	} {
		t.Run(tc.set, func(t *testing.T) {
			zone, err := time.LoadLocation(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			report, err := revenue.Read(openSeries(t, tc.set), revenue.Options{
				Format: revenue.CSV, Zone: zone, Currency: units, Where: map[string]string{"series": tc.series},
			})
			if err != nil {
				t.Fatalf("%v; %+v", err, report.Problems)
			}
			s := report.Summary
			if s.RowsRead != tc.rows || s.RowsRefused != 0 || s.BucketMinutes != tc.minutes || s.Start != tc.start || s.End != tc.end {
				t.Errorf("read %d rows, refused %d, %d minutes, %s–%s", s.RowsRead, s.RowsRefused, s.BucketMinutes, s.Start, s.End)
			}
			if s.TotalAmount != tc.amount || s.TotalCount != tc.count || s.HoursBasis != tc.basis || s.MissingBuckets != 0 {
				t.Errorf("total %d, count %d, hours %s, missing %d", s.TotalAmount, s.TotalCount, s.HoursBasis, s.MissingBuckets)
			}
			packed := revenue.Pack(report.History)
			size := 0
			for _, week := range packed {
				size += len(week.Data)
			}
			if perHour := float64(size) / float64(report.History.Len()); perHour > 4 {
				t.Errorf("packed to %.2f bytes an hour, more than 4", perHour)
			}
		})
	}
}

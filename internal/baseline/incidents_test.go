package baseline_test

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

var update = flag.Bool("update", false, "write the table of real incidents into docs/estimator.md")

// realData is where real series lie beside a checkout, when they do.
var realData = filepath.Join("..", "..", "..", "shared", "data")

// realSeries reads a set of real series, all of them added up.
func realSeries(t *testing.T, set string, bucketMinutes int) revenue.History {
	t.Helper()
	file, err := os.Open(filepath.Join(realData, set, "series.csv"))
	if err != nil {
		t.Skipf("SKIPPED: THE TABLE OF REAL INCIDENTS IS NOT CHECKED HERE: %v", err)
	}
	defer file.Close()
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	sums := map[revenue.Local]money.Minor{}
	var first, last revenue.Local
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		amount, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		at := local(row[1])
		if len(sums) == 0 {
			first, last = at, at
		}
		first, last = min(first, at), max(last, at)
		sums[at] += money.Minor(amount)
	}
	h := revenue.History{BucketMinutes: bucketMinutes, Start: first}
	for at := first; at <= last; at += revenue.Local(bucketMinutes) {
		h.Amounts, h.States = append(h.Amounts, sums[at]), append(h.States, revenue.Open)
	}
	return h
}

// incidents are stretches of real series in which trade is known to have been
// disturbed.
var incidents = []struct {
	set, unit  string
	bucket     int
	per        money.Minor // minor units of one unit
	name       string
	start, end string
}{
	{"capital_bikeshare", "rides", 60, 1, "Hurricane Sandy", "2012-10-29T01:00", "2012-10-30T13:00"},
	{"capital_bikeshare", "rides", 60, 1, "Hurricane Irene", "2011-08-27T18:00", "2011-08-28T07:00"},
	{"capital_bikeshare", "rides", 60, 1, "snowstorm", "2011-01-26T18:00", "2011-01-27T16:00"},
	{"capital_bikeshare", "rides", 60, 1, "early snow", "2011-10-29T00:00", "2011-10-30T00:00"},
	{"capital_bikeshare", "rides", 60, 1, "Christmas and winter storm", "2012-12-24T00:00", "2012-12-27T00:00"},
	{"bread_basket", "sales", 60, 1, "closed at Christmas", "2016-12-25T00:00", "2016-12-27T00:00"},
	{"bread_basket", "sales", 60, 1, "closed at New Year", "2017-01-01T00:00", "2017-01-03T00:00"},
	{"coffee_vending", "UAH", 60, 100, "no sale, Orthodox Easter", "2024-05-04T00:00", "2024-05-06T00:00"},
	{"coffee_vending", "UAH", 60, 100, "no sale, cause unknown", "2024-11-27T00:00", "2024-11-28T00:00"},
	{"coffee_vending", "UAH", 60, 100, "no sale, cause unknown", "2025-01-23T00:00", "2025-01-24T00:00"},
	{"recruit_visits", "visits", 1440, 1, "New Year", "2017-01-01T00:00", "2017-01-04T00:00"},
	{"recruit_reserve", "bookings", 60, 1, "public holiday", "2017-03-20T00:00", "2017-03-21T00:00"},
}

// TestTheTableOfRealIncidentsIsCurrent holds the table in docs/estimator.md
// against the real series; with -update it writes it.
func TestTheTableOfRealIncidentsIsCurrent(t *testing.T) {
	var table strings.Builder
	table.WriteString("| series and incident | earned | best of 8 weeks | mean of 4 | mean of 12 | year before | redress | expected, with 90 % probability | 14 days after |\n")
	table.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	histories := map[string]revenue.History{}
	for _, o := range incidents {
		if _, read := histories[o.set]; !read {
			histories[o.set] = realSeries(t, o.set, o.bucket)
		}
		in := input(histories[o.set], span(o.start, o.end))
		in.Evidence.AfterMinutes = 14 * 1440
		res := estimate(t, in)
		checkResult(t, in, res)
		fmt.Fprintf(&table, "| %s: %s, %s to %s |", o.set, o.name, strings.Replace(o.start, "T", " ", 1), strings.Replace(o.end, "T", " ", 1))
		if res.Total == nil {
			fmt.Fprintf(&table, " | | | | | cannot tell: %s | | |\n", res.Reason.Text.EN)
			continue
		}
		table.WriteString(incidentCells(res, o.per, o.unit))
	}
	path := filepath.Join("..", "..", "docs", "estimator.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- real incidents -->\n", "<!-- end of real incidents -->\n"
	head, rest, found := strings.Cut(string(page), begin)
	old, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table of real incidents between %q and %q", path, begin, end)
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date; run go test ./internal/baseline -run RealIncidents -update. It would be\n%s", path, table.String())
	}
	if err := os.WriteFile(path, []byte(head+begin+table.String()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// incidentCells are what each rule would have paid, expected less earned, with the
// mean error of its past windows; then the expected sum and its range, and what
// the days after brought against the usual.
func incidentCells(res baseline.Result, per money.Minor, unit string) string {
	whole := func(a money.Minor) string {
		if a < 0 {
			return "0"
		}
		return strconv.FormatInt(int64((a+per/2)/per), 10)
	}
	var cells strings.Builder
	fmt.Fprintf(&cells, " %s %s |", whole(res.Total.Actual), unit)
	for _, name := range []string{"best_week_8", "mean_4_weeks", "mean_12_weeks", "year_before"} {
		cell := " "
		for _, r := range res.Rules {
			if r.Name == name {
				cell = " " + whole(max(0, r.Expected-res.Total.Actual))
				if r.Windows > 0 {
					cell += " ± " + whole(r.MeanError)
				}
				cell += " "
			}
		}
		cells.WriteString(cell + "|")
	}
	ninety := res.Total.Intervals[1]
	fmt.Fprintf(&cells, " **%s** ± %s | %s (%s to %s) |", whole(res.Total.Shortfall), whole(res.Placebo.MeanError),
		whole(res.Total.Expected), whole(ninety.Low), whole(ninety.High))
	if a := res.After; a != nil {
		sign, difference, iv := "+", a.Rebound, a.ReboundIntervals[1]
		if a.AfterLoss > 0 {
			sign, difference, iv = "−", a.AfterLoss, a.AfterLossIntervals[1]
		}
		fmt.Fprintf(&cells, " %s%s (%s to %s) of %s", sign, whole(difference), whole(iv.Low), whole(iv.High), whole(a.Expected))
		if a.Days != 14 {
			fmt.Fprintf(&cells, ", %d days", a.Days)
		}
	}
	cells.WriteString(" |\n")
	return cells.String()
}

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"redress/internal/store/storetest"
)

// realData is where real series lie beside a checkout, when they do.
const realData = "../../shared/data"

// TestRealSeriesAreFiledAndEstimated uploads real businesses' histories over
// HTTP, puts outages on real dates in them and files a claim for each.
func TestRealSeriesAreFiledAndEstimated(t *testing.T) {
	cases := []struct {
		set, zone, currency string
		incidents           []outage
	}{
		{"bread_basket", "Europe/London", "GBP", []outage{
			{start: "2017-02-18T09:00:00Z", end: "2017-02-18T13:00:00Z"},           // an ordinary Saturday morning
			{start: "2017-03-08T08:00:00Z", end: "2017-03-10T18:00:00Z"},           // three weekdays
			{start: "2016-12-25T00:00:00Z", end: "2016-12-27T00:00:00Z"},           // truly closed: Christmas
			{start: "2017-03-27T10:00:00+01:00", end: "2017-03-27T14:00:00+01:00"}, // the day after the clocks changed
		}},
		{"coffee_vending", "Europe/Kyiv", "UAH", []outage{
			{start: "2024-07-10T08:00:00+03:00", end: "2024-07-10T18:00:00+03:00"},
			{start: "2025-01-23T00:00:00+02:00", end: "2025-01-24T00:00:00+02:00"}, // a day on which the machine sold nothing
			{start: "2024-10-26T18:00:00+03:00", end: "2024-10-28T06:00:00+02:00"}, // over the end of summer time
		}},
	}
	dir, err := os.Stat(realData)
	if err != nil || !dir.IsDir() {
		t.Skipf("SKIPPED: NO REAL DATA IS TESTED HERE: %s is not there", realData)
	}
	storetest.EachOptions(t, func(t *testing.T, args []string) {
		admin := command(t, append([]string{"keys", "admin"}, args...)...)
		p := start(t, args...)
		defer p.kill()
		for _, c := range cases {
			t.Run(c.set, func(t *testing.T) {
				file, err := os.ReadFile(filepath.Join(realData, c.set, "series.csv"))
				if err != nil {
					t.Fatal(err)
				}
				registered := caller{base: p.base}.must(t, 201, "POST", "/v1/claimants", driver("real-"+c.set, c.zone, c.currency), nil)
				claimant := caller{p.base, registered["key"].(map[string]any)["token"].(string)}
				upload := claimant.must(t, 200, "PUT", "/v1/claimants/me/revenue/shop?amounts=minor", file, map[string]string{"Content-Type": "text/csv"})
				summary := upload["report"].(map[string]any)["summary"].(map[string]any)
				if summary["rows_refused"] != 0.0 {
					t.Errorf("rows refused: %v", summary["rows_refused"])
				}
				for _, o := range c.incidents {
					o.zone, o.currency, o.service, o.kind = c.zone, c.currency, "shop", "order"
					claim := claimant.must(t, 201, "POST", "/v1/claims", map[string]any{
						"incident_id": openIncident(t, caller{p.base, admin}, o), "submit": true,
						"lines": []any{map[string]any{"service": "shop"}},
					}, nil)
					checkRealClaim(t, claim, o, sold(t, file, o))
				}
			})
		}
	})
}

// sold adds up the series inside the outage's window, as the file's own wall
// clock has it.
func sold(t *testing.T, file []byte, o outage) float64 {
	t.Helper()
	from, to := wallClock(t, o.start, o.zone), wallClock(t, o.end, o.zone)
	var total float64
	lines := bufio.NewScanner(strings.NewReader(string(file)))
	for lines.Scan() {
		cells := strings.Split(lines.Text(), ",")
		if cells[1] >= from && cells[1] < to {
			amount, err := strconv.ParseFloat(cells[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			total += amount
		}
	}
	return total
}

func wallClock(t *testing.T, instant, zone string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		t.Fatal(err)
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return at.In(place).Format("2006-01-02T15:04")
}

func checkRealClaim(t *testing.T, claim map[string]any, o outage, actual float64) {
	t.Helper()
	line := claim["estimate"].(map[string]any)["lines"].([]any)[0].(map[string]any)
	baseline := line["baseline"].(map[string]any)
	text, _ := json.Marshal(baseline["explanation"])
	if baseline["outcome"] != "estimated" {
		t.Errorf("%s: %v: %s", o.start, baseline["outcome"], text)
		return
	}
	total := baseline["total"].(map[string]any)
	expected := total["expected"].(float64)
	if total["actual_source"] != "history" || total["actual"] != actual {
		t.Errorf("%s: actual %v from %v, want the file's own %v", o.start, total["actual"], total["actual_source"], actual)
	}
	if want := max(0, expected-actual); total["shortfall"] != want {
		t.Errorf("%s: shortfall %v, want max(0, %v − %v) = %v", o.start, total["shortfall"], expected, actual, want)
	}
	for _, i := range total["intervals"].([]any) {
		interval := i.(map[string]any)
		if low, high := interval["low"].(float64), interval["high"].(float64); low < 0 || low > expected || high < expected {
			t.Errorf("%s: the interval %v to %v does not hold the expected %v", o.start, low, high, expected)
		}
	}
	compensation := claim["estimate"].(map[string]any)["compensation"].(map[string]any)
	var contributions float64
	for _, l := range compensation["trace"].([]any) {
		contributions += l.(map[string]any)["contribution"].(float64)
	}
	if contributions != compensation["amount"] {
		t.Errorf("%s: the trace adds up to %v, the amount is %v", o.start, contributions, compensation["amount"])
	}
	t.Logf("%s to %s: expected %v, actual %v, shortfall %v, %v %v", o.start, o.end, expected, actual, total["shortfall"], compensation["outcome"], compensation["amount"])
}

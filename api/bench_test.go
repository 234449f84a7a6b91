package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"redress/internal/store/storetest"
)

// BenchmarkUpload100kRows uploads a CSV history of 100,000 rows in one request
// to a program of its own, and reports the round trip and the most memory that
// program ever held.
func BenchmarkUpload100kRows(b *testing.B) {
	o := storetest.Options(b, "sqlite")
	p := start(b, "--dir", o.Dir)
	defer p.kill()
	registered := caller{base: p.base}.must(b, 201, "POST", "/v1/claimants", driver("bench", "Asia/Seoul", "KRW"), nil)
	claimant := caller{p.base, registered["key"].(map[string]any)["token"].(string)}
	file := rows(100_000)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		report := claimant.must(b, 200, "PUT", "/v1/claimants/me/revenue/taxi", file, map[string]string{"Content-Type": "text/csv"})["report"].(map[string]any)
		if read := report["summary"].(map[string]any)["rows_accepted"]; read != 100_000.0 {
			b.Fatalf("%v rows accepted", read)
		}
	}
	b.ReportMetric(peakMegabytes(b, p), "peak-MB")
}

// rows is a CSV of quarter hours that ends before the present.
func rows(n int) string {
	var b strings.Builder
	b.WriteString("일시,매출,건수\n")
	t := time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC).Add(-time.Duration(n) * 15 * time.Minute)
	for i := range n {
		amount := (i * 7919 % 90) * 500
		fmt.Fprintf(&b, "%s,\"%d\",%d\n", t.Format("2006-01-02 15:04"), amount, amount/9000)
		t = t.Add(15 * time.Minute)
	}
	return b.String()
}

// peakMegabytes reads the peak resident memory of the program, where the
// system tells it.
func peakMegabytes(b *testing.B, p *process) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Logf("peak memory is not known here: %v", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes / 1024
		}
	}
	b.Fatal("the status of the program names no peak memory")
	return 0
}

var incidentLine = regexp.MustCompile(`Incident +(\S+)`)

// BenchmarkSubmit submits drafts to the demo with 16 clients and reports the
// median and the 99th percentile of the round trip, on each engine.
func BenchmarkSubmit(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(engine, func(b *testing.B) {
			o := storetest.Options(b, engine)
			p, printed := launch(b, []string{"demo", "--address", "127.0.0.1:0", "--dir", o.Dir + "/demo", "--database-url", o.DatabaseURL}, "Ctrl-C")
			defer p.kill()
			incident := incidentLine.FindStringSubmatch(printed)[1]
			for b.Loop() {
				b.StopTimer()
				drafts := draft(b, p.base, incident, 800)
				b.StartTimer()
				took := submitAll(b, drafts)
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

const clients = 16

// drafted is a draft claim and whose it is.
type drafted struct {
	caller caller
	id     string
}

// draft registers claimants with twelve weeks of history and drafts their claims.
func draft(b *testing.B, base, incident string, n int) []drafted {
	b.Helper()
	file := hourly(12, time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC))
	out := make([]drafted, n)
	inParallel(n, func(i int) {
		registered := caller{base: base}.must(b, 201, "POST", "/v1/claimants", driver(fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i), "Asia/Seoul", "KRW"), nil)
		c := caller{base, registered["key"].(map[string]any)["token"].(string)}
		c.must(b, 200, "PUT", "/v1/claimants/me/revenue/taxi", file, map[string]string{"Content-Type": "text/csv"})
		claim := c.must(b, 201, "POST", "/v1/claims", map[string]any{
			"incident_id": incident, "lines": []any{map[string]any{"service": "taxi", "declared_actual": 25000}},
			"subscriptions": []any{map[string]any{"plan": "Pro", "monthly_fee": 39000}},
		}, nil)
		out[i] = drafted{c, claim["id"].(string)}
	})
	return out
}

func submitAll(b *testing.B, drafts []drafted) []time.Duration {
	b.Helper()
	took := make([]time.Duration, len(drafts))
	inParallel(len(drafts), func(i int) {
		began := time.Now()
		drafts[i].caller.must(b, 200, "POST", "/v1/claims/"+drafts[i].id+"/submit", nil, map[string]string{"If-Match": `"v1"`})
		took[i] = time.Since(began)
	})
	return took
}

func inParallel(n int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

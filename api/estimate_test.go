package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redress/internal/money"
	"redress/internal/revenue"
)

const questionHeader = "id,dataset,series,mode,start,end\n"

// writeSet writes a data set of two shops, ten weeks of hours from a Monday on,
// to DIR/NAME.
func writeSet(t testing.TB, dir, name string, change func(at revenue.Local, amount int) int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("series,start,amount,count\n")
	start, err := revenue.ParseLocal("2022-06-06T00:00")
	if err != nil {
		t.Fatal(err)
	}
	for series := range 2 {
		for i := range 70 * 24 {
			at := start + revenue.Local(i)*revenue.Hour
			amount := 0
			if hour := i % 24; hour >= 9 && hour < 21 {
				amount = 1000*(series+1) + (i*i*7919+i*104729)%977
			}
			if change != nil {
				amount = change(at, amount)
			}
			fmt.Fprintf(&b, "shop-%d,%s,%d,1\n", series, at, amount)
		}
	}
	writeFile(t, filepath.Join(dir, name, "series.csv"), b.String())
	writeFile(t, filepath.Join(dir, name, "manifest.json"), `{"bucket_minutes": 60, "timezone": "Asia/Seoul"}`)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// answerFile runs estimateFile over a question file of the given lines.
func answerFile(t testing.TB, dir, lines string, workers int) (string, error) {
	t.Helper()
	questions, out := filepath.Join(dir, "q.csv"), filepath.Join(dir, "a.csv")
	writeFile(t, questions, questionHeader+lines)
	if err := estimateFile(t.Context(), questions, dir, out, workers, io.Discard); err != nil {
		return "", err
	}
	answers, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(answers), nil
}

const fourQuestions = "w2,later,shop-1,bracketed,2022-08-01T15:00,2022-08-02T01:00\n" +
	"w1,first,shop-0,forecast,2022-07-30T10:00,2022-07-30T13:00\n" +
	"w3,first,shop-1,forecast,2022-06-08T10:00,2022-06-08T13:00\n" +
	"w4,later,shop-0,forecast,2022-08-01T15:00,2022-08-02T01:00\n"

func TestEstimateFileAnswersInOrderAndAlikeForAnyNumberOfWorkers(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, "first", nil)
	writeSet(t, dir, "later", nil)
	one, err := answerFile(t, dir, fourQuestions, 1)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(one), "\n")
	if len(lines) != 5 || lines[0] != "id,point,lo90,hi90" {
		t.Fatalf("answers:\n%s", one)
	}
	for i, id := range []string{"w2", "w1", "w3", "w4"} {
		if got, _, _ := strings.Cut(lines[i+1], ","); got != id {
			t.Errorf("line %d answers %s, want %s", i+2, got, id)
		}
	}
	if lines[3] != "w3,,," {
		t.Errorf("two days of history were answered with %q, want no answer", lines[3])
	}
	var point, low, high float64
	if _, err := fmt.Sscanf(lines[2], "w1,%f,%f,%f", &point, &low, &high); err != nil || low > point || point > high || math.Abs(point-4500) > 700 {
		t.Errorf("w1 answered with %q, want about 4500 between its bounds", lines[2])
	}
	many, err := answerFile(t, dir, fourQuestions, 7)
	if err != nil || many != one {
		t.Errorf("7 workers answer otherwise than one: %v\n%s", err, many)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".answers-*")); len(left) != 0 {
		t.Errorf("temporary files left behind: %v", left)
	}
}

func TestEstimateFileNeverReadsWhatAQuestionForbids(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, "set", nil)
	ask := func(mode string) string {
		answers, err := answerFile(t, dir, "w,set,shop-0,"+mode+",2022-07-30T10:00,2022-07-31T08:00\n", 1)
		if err != nil {
			t.Fatal(err)
		}
		return answers
	}
	forecast, bracketed := ask("forecast"), ask("bracketed")
	if forecast == bracketed {
		t.Error("the two weeks after the window changed nothing")
	}
	start, _ := revenue.ParseLocal("2022-07-30T10:00")
	end, _ := revenue.ParseLocal("2022-07-31T08:00")
	writeSet(t, dir, "set", func(at revenue.Local, amount int) int {
		if at >= start && (at < end || at >= end+14*revenue.Day) {
			return 900_000
		}
		return amount
	})
	if got := ask("bracketed"); got != bracketed {
		t.Errorf("bracketed answer moved from\n%s to\n%s", bracketed, got)
	}
	writeSet(t, dir, "set", func(at revenue.Local, amount int) int {
		if at >= start {
			return 900_000
		}
		return amount
	})
	if got := ask("forecast"); got != forecast {
		t.Errorf("forecast answer moved from\n%s to\n%s", forecast, got)
	}
}

func TestEstimateFileNamesFileLineAndColumnOfABadQuestion(t *testing.T) {
	good := "ok,set,shop-0,forecast,2022-07-30T10:00,2022-07-30T13:00\n"
	tests := map[string]struct{ line, want string }{
		"too few fields":      {"x,set,shop-0,forecast,2022-07-30T10:00\n", "line 3"},
		"no id":               {",set,shop-0,forecast,2022-07-30T10:00,2022-07-30T13:00\n", "q.csv:3:1: id"},
		"same id twice":       {good, "q.csv:3:1: id: \"ok\" was asked on line 2 already"},
		"path as a data set":  {"x,../set,shop-0,forecast,2022-07-30T10:00,2022-07-30T13:00\n", "q.csv:3:3: dataset"},
		"unknown mode":        {"x,set,shop-0,guess,2022-07-30T10:00,2022-07-30T13:00\n", "q.csv:3:14: mode"},
		"start is no time":    {"x,set,shop-0,forecast,yesterday,2022-07-30T13:00\n", "q.csv:3:23: start"},
		"end before start":    {"x,set,shop-0,forecast,2022-07-30T10:00,2022-07-30T09:00\n", "q.csv:3:40: end"},
		"unclosed quote":      {"\"x,set,shop-0\n", "q.csv"},
		"no such data set":    {"x,none,shop-0,forecast,2022-07-30T10:00,2022-07-30T13:00\n", "none"},
		"no such series":      {"x,set,shop-9,forecast,2022-07-30T10:00,2022-07-30T13:00\n", "question x: data set set has no series \"shop-9\""},
		"window of two years": {"x,set,shop-0,forecast,2022-07-30T10:00,2024-08-30T13:00\n", "question x"},
	}
	dir := t.TempDir()
	writeSet(t, dir, "set", nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := answerFile(t, dir, good+test.line, 2)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "a.csv")); err == nil {
				t.Error("a half-answered file was left")
			}
		})
	}
}

func TestEstimateFileNamesFileAndLineOfBadSeries(t *testing.T) {
	tests := map[string]struct{ manifest, series, want string }{
		"manifest is no JSON":  {`{`, "", "manifest.json"},
		"odd bucket length":    {`{"bucket_minutes": 7}`, "", "bucket_minutes is 7"},
		"other header":         {`{"bucket_minutes": 60}`, "a,b\n", "series.csv:1"},
		"a field missing":      {`{"bucket_minutes": 60}`, "series,start,amount,count\ns,2022-06-06T00:00,1\n", "series.csv:2"},
		"amount is no integer": {`{"bucket_minutes": 60}`, "series,start,amount,count\ns,2022-06-06T00:00,1.5,1\n", "series.csv:2"},
		"off the grid":         {`{"bucket_minutes": 60}`, "series,start,amount,count\ns,2022-06-06T00:00,1,1\ns,2022-06-06T01:20,1,1\n", "series.csv:3"},
		"going back":           {`{"bucket_minutes": 60}`, "series,start,amount,count\ns,2022-06-06T02:00,1,1\ns,2022-06-06T01:00,1,1\n", "series.csv:3"},
		"series in two places": {`{"bucket_minutes": 60}`, "series,start,amount,count\ns,2022-06-06T02:00,1,1\nr,2022-06-06T02:00,1,1\ns,2022-06-06T03:00,1,1\n", "series.csv:4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "set", "manifest.json"), test.manifest)
			writeFile(t, filepath.Join(dir, "set", "series.csv"), test.series)
			_, err := answerFile(t, dir, "x,set,s,forecast,2022-07-30T10:00,2022-07-30T13:00\n", 1)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// BenchmarkSets hides windows of every real set and measures what comes back:
// total absolute error over total truth, the share of truths inside the 90 %
// range, and the time a question takes on one thread, reading not counted.
func BenchmarkSets(b *testing.B) {
	manifests, _ := filepath.Glob(filepath.Join(realData, "*", "manifest.json"))
	if len(manifests) == 0 {
		b.Skipf("SKIPPED: no real histories in %s", realData)
	}
	for _, manifest := range manifests {
		dir := filepath.Dir(manifest)
		b.Run(filepath.Base(dir), func(b *testing.B) {
			set, err := loadDataset(dir)
			if err != nil {
				b.Fatal(err)
			}
			asked := set.drawQuestions(400)
			var wrong, truth, inside, answered float64
			start := time.Now()
			for b.Loop() {
				wrong, truth, inside, answered = 0, 0, 0, 0
				for _, q := range asked {
					a, err := set.ask(q)
					if err != nil {
						b.Fatal(err)
					}
					if a.reason != nil {
						continue
					}
					y := set.truth(q)
					wrong += math.Abs(a.forecast.Expected - y)
					truth += y
					answered++
					if a.forecast.Low[1] <= y && y <= a.forecast.High[1] {
						inside++
					}
				}
			}
			perQuestion := time.Since(start).Seconds() / float64(b.N) / float64(len(asked))
			b.ReportMetric(answered, "questions")
			b.ReportMetric(wrong/truth, "error/truth")
			b.ReportMetric(inside/answered, "inside90")
			b.ReportMetric(perQuestion*1e6, "µs/question")
		})
	}
}

// drawQuestions draws windows of 3, 10, 24 and 120 hours (1, 3 and 5 days on
// daily sets) from the last two fifths of the series, each in both modes, the
// same every time. Six weeks come before each and two after.
func (d *dataset) drawQuestions(n int) []question {
	names := d.names
	lengths := []revenue.Local{3 * revenue.Hour, 10 * revenue.Hour, revenue.Day, 5 * revenue.Day}
	if d.series[names[0]].BucketMinutes == int(revenue.Day) {
		lengths = []revenue.Local{revenue.Day, 3 * revenue.Day, 5 * revenue.Day}
	}
	var asked []question
	state := uint64(20221015)
	random := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	for tries := 0; len(asked) < n && tries < 100*n; tries++ {
		name := names[random(len(names))]
		h := d.series[name]
		length := lengths[len(asked)/2%len(lengths)]
		first := max(h.Len()*3/5, 6*int(revenue.Week)/h.BucketMinutes)
		last := h.Len() - (int(length)+14*int(revenue.Day))/h.BucketMinutes
		if last <= first {
			continue
		}
		start := h.At(first + random(last-first))
		q := question{dataset: "set", series: name, window: revenue.Span{Start: start, End: start + length}}
		asked = append(asked, q)
		q.after = bracketedMinutes
		asked = append(asked, q)
	}
	return asked
}

// truth is what the window of a question really held.
func (d *dataset) truth(q question) float64 {
	h := d.series[q.series]
	var sum money.Minor
	for i := h.Index(q.window.Start); i < h.Index(q.window.End); i++ {
		sum += h.Amounts[i]
	}
	return float64(sum)
}

func TestEstimateFileSaysWhatItDid(t *testing.T) {
	dir := t.TempDir()
	writeSet(t, dir, "first", nil)
	writeSet(t, dir, "later", nil)
	writeFile(t, filepath.Join(dir, "q.csv"), questionHeader+fourQuestions)
	var progress bytes.Buffer
	if err := estimateFile(t.Context(), filepath.Join(dir, "q.csv"), dir, filepath.Join(dir, "a.csv"), 2, &progress); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"later: 2 of 2", "first: 2 of 2", "4 questions answered, 1 of them with no answer"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("progress says %q, want %q in it", progress.String(), want)
		}
	}
}

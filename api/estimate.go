package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

// bracketedMinutes is how much of the time after a window a question of mode
// "bracketed" may use.
const bracketedMinutes = 14 * int64(revenue.Day)

// question asks for the sum of one series in one local half-open window.
type question struct {
	id, dataset, series string
	after               int64 // minutes after the window that may be read
	window              revenue.Span
}

// answer is a forecast of one question, or no answer.
type answer struct {
	forecast baseline.Forecast
	reason   *baseline.Reason
}

// estimateFile answers the question file (columns id, dataset, series, mode,
// start, end) from DIR/DATASET/series.csv and manifest.json, and writes
// id, point, lo90, hi90 in the order of the questions; the three are empty where
// the history carries no answer. One data set is in memory at a time; the answers
// do not depend on workers. The output appears only when it is complete.
func estimateFile(ctx context.Context, questions, dataDir, out string, workers int, progress io.Writer) error {
	asked, err := readQuestions(questions)
	if err != nil {
		return err
	}
	answers := make([]answer, len(asked))
	for _, name := range datasetsOf(asked) {
		set, err := loadDataset(filepath.Join(dataDir, name))
		if err != nil {
			return err
		}
		if err := set.answer(ctx, name, asked, answers, workers, progress); err != nil {
			return fmt.Errorf("%s: %w", questions, err)
		}
	}
	if err := writeAnswers(out, asked, answers); err != nil {
		return err
	}
	silent := 0
	for _, a := range answers {
		if a.reason != nil {
			silent++
		}
	}
	_, err = fmt.Fprintf(progress, "%d questions answered, %d of them with no answer, in %s\n", len(asked), silent, out)
	return err
}

var questionColumns = []string{"id", "dataset", "series", "mode", "start", "end"}

// readQuestions reads a question file; every refusal names file, line and column.
func readQuestions(path string) ([]question, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	r.FieldsPerRecord = len(questionColumns)
	header, err := r.Read()
	if err == nil {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	if err != nil || !slices.Equal(header, questionColumns) {
		return nil, fmt.Errorf("%s:1: the first line must be %s", path, strings.Join(questionColumns, ","))
	}
	var asked []question
	seen := map[string]int{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return asked, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		q, field, err := parseQuestion(record)
		line, column := r.FieldPos(field)
		if err != nil {
			return nil, fmt.Errorf("%s:%d:%d: %s: %w", path, line, column, questionColumns[field], err)
		}
		if first, ok := seen[q.id]; ok {
			return nil, fmt.Errorf("%s:%d:%d: id: %q was asked on line %d already", path, line, column, q.id, first)
		}
		seen[q.id] = line
		asked = append(asked, q)
	}
}

// parseQuestion reads one record; field is where the problem lies.
func parseQuestion(record []string) (q question, field int, err error) {
	q = question{id: strings.Clone(record[0]), dataset: strings.Clone(record[1]), series: strings.Clone(record[2])}
	if q.id == "" {
		return q, 0, errors.New("is empty")
	}
	if q.dataset == "" || q.dataset != filepath.Base(q.dataset) || !filepath.IsLocal(q.dataset) {
		return q, 1, fmt.Errorf("%q is not the name of a folder inside the data folder", q.dataset)
	}
	switch record[3] {
	case "forecast":
	case "bracketed":
		q.after = bracketedMinutes
	default:
		return q, 3, fmt.Errorf("%q is neither forecast nor bracketed", record[3])
	}
	if q.window.Start, err = revenue.ParseLocal(record[4]); err != nil {
		return q, 4, err
	}
	if q.window.End, err = revenue.ParseLocal(record[5]); err != nil {
		return q, 5, err
	}
	if q.window.End <= q.window.Start {
		return q, 5, fmt.Errorf("%s is not after the start, %s", record[5], record[4])
	}
	return q, 0, nil
}

// datasetsOf lists the data sets in the order in which they are first asked for.
func datasetsOf(asked []question) []string {
	var names []string
	for _, q := range asked {
		if !slices.Contains(names, q.dataset) {
			names = append(names, q.dataset)
		}
	}
	return names
}

// dataset is one folder of series, in memory.
type dataset struct {
	country string
	series  map[string]revenue.History
	names   []string // of the series, as the file lists them
}

// loadDataset reads DIR/manifest.json and DIR/series.csv.
func loadDataset(dir string) (*dataset, error) {
	path := filepath.Join(dir, "manifest.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		BucketMinutes int    `json:"bucket_minutes"`
		Timezone      string `json:"timezone"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !slices.Contains(revenue.BucketLengths, manifest.BucketMinutes) {
		return nil, fmt.Errorf("%s: bucket_minutes is %d; 15, 30, 60 and 1440 can be read", path, manifest.BucketMinutes)
	}
	set := &dataset{series: map[string]revenue.History{}}
	if manifest.Timezone == "Asia/Seoul" {
		set.country = "KR"
	}
	return set, set.readSeries(filepath.Join(dir, "series.csv"), manifest.BucketMinutes)
}

// readSeries reads series,start,amount,count: rows of one series together and
// ascending. A bucket that is not listed is missing; one listed twice (the hour
// that daylight saving repeats) is the sum of both.
func (d *dataset) readSeries(path string, bucketMinutes int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	var name string
	h := revenue.History{BucketMinutes: bucketMinutes}
	for line := 1; scanner.Scan(); line++ {
		row := scanner.Bytes()
		if line == 1 {
			if strings.TrimSpace(scanner.Text()) != "series,start,amount,count" {
				return fmt.Errorf("%s:1: the first line must be series,start,amount,count", path)
			}
			continue
		}
		fields := strings.Split(strings.TrimRight(string(row), "\r"), ",")
		if len(fields) != 4 {
			return fmt.Errorf("%s:%d: %d fields where 4 are needed", path, line, len(fields))
		}
		if fields[0] != name {
			d.keep(name, h)
			if _, ok := d.series[fields[0]]; ok {
				return fmt.Errorf("%s:%d:1: series %q comes in two places", path, line, fields[0])
			}
			name, h = fields[0], revenue.History{BucketMinutes: bucketMinutes}
		}
		if err := appendBucket(&h, fields[1], fields[2]); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
	d.keep(name, h)
	return scanner.Err()
}

func (d *dataset) keep(name string, h revenue.History) {
	if h.Len() > 0 {
		d.series[name] = h
		d.names = append(d.names, name)
	}
}

func appendBucket(h *revenue.History, start, amount string) error {
	at, err := revenue.ParseLocal(start)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(amount, 10, 64)
	if err != nil || !money.Minor(n).InRange() {
		return fmt.Errorf("amount %q is not a whole number of minor units within 53 bits", amount)
	}
	if h.Len() == 0 {
		h.Start = at
	}
	i := h.Index(at)
	if at != h.At(i) || i < h.Len()-1 || i > h.Len()+maxGap/h.BucketMinutes {
		return fmt.Errorf("start %s does not follow the row before it on the grid of %d minutes", start, h.BucketMinutes)
	}
	for h.Len() < i {
		h.Amounts, h.States = append(h.Amounts, 0), append(h.States, revenue.Missing)
	}
	if i == h.Len() {
		h.Amounts, h.States = append(h.Amounts, 0), append(h.States, revenue.Open)
	}
	h.Amounts[i], err = money.Add(h.Amounts[i], money.Minor(n))
	return err
}

// maxGap bounds the missing stretch one row may open, in minutes: ten years.
const maxGap = 10 * 366 * int(revenue.Day)

// answer answers the questions of one data set, workers at a time.
func (d *dataset) answer(ctx context.Context, name string, asked []question, answers []answer, workers int, progress io.Writer) error {
	var mine []int
	for i, q := range asked {
		if q.dataset == name {
			mine = append(mine, i)
		}
	}
	var (
		next, done atomic.Int64
		wait       sync.WaitGroup
		lock       sync.Mutex
		failed     error
		failedAt   = len(mine)
	)
	for range max(1, workers) {
		wait.Go(func() {
			for ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(mine) {
					return
				}
				i := mine[k]
				a, err := d.ask(asked[i])
				answers[i] = a
				lock.Lock()
				// Of several refusals the first in the file is told, whoever met it first.
				if err != nil && k < failedAt {
					failed, failedAt = fmt.Errorf("question %s: %w", asked[i].id, err), k
				}
				if n := done.Add(1); n%1000 == 0 || int(n) == len(mine) {
					fmt.Fprintf(progress, "%s: %d of %d\n", name, n, len(mine))
				}
				lock.Unlock()
			}
		})
	}
	wait.Wait()
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

// ask answers one question. A series that is too short to stand alone borrows
// from the others of its set.
func (d *dataset) ask(q question) (answer, error) {
	h, ok := d.series[q.series]
	if !ok {
		return answer{}, fmt.Errorf("data set %s has no series %q", q.dataset, q.series)
	}
	in := baseline.Input{
		History:  h,
		Windows:  []baseline.Window{{Span: q.window, DownBasisPoints: 10000}},
		Evidence: baseline.Evidence{AfterMinutes: q.after, Country: d.country},
	}
	f, reason, err := baseline.Expect(in)
	if reason != nil && len(d.names) > 1 {
		for _, name := range d.names {
			if name != q.series {
				in.Peers = append(in.Peers, d.series[name])
			}
		}
		f, reason, err = baseline.Expect(in)
	}
	return answer{forecast: f, reason: reason}, err
}

// writeAnswers writes the answers beside out and moves them there when complete.
func writeAnswers(out string, asked []question, answers []answer) error {
	f, err := os.CreateTemp(filepath.Dir(out), ".answers-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "id,point,lo90,hi90")
	for i, q := range asked {
		writeAnswer(w, q.id, answers[i])
	}
	err = errors.Join(w.Flush(), f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), out)
}

func writeAnswer(w *bufio.Writer, id string, a answer) {
	if strings.ContainsAny(id, "\",\r\n") {
		id = `"` + strings.ReplaceAll(id, `"`, `""`) + `"`
	}
	w.WriteString(id)
	if a.reason != nil {
		w.WriteString(",,,\n")
		return
	}
	ninety := slices.Index(baseline.Levels[:], 90)
	for _, v := range []float64{a.forecast.Expected, a.forecast.Low[ninety], a.forecast.High[ninety]} {
		w.WriteByte(',')
		w.WriteString(strconv.FormatFloat(v, 'f', 3, 64))
	}
	w.WriteByte('\n')
}

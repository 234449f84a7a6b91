package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"text/tabwriter"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/scheme"
)

// staff is who acts on the command line of whoever runs the server.
var staff = identity.Actor{Role: identity.Admin}

type simulateCommand struct {
	Facts   string   `help:"File of claim facts, one JSON object a line, as export writes them; - is standard input." required:""`
	Scheme  []string `help:"File of a scheme to try; may be repeated." required:"" type:"existingfile" sep:"none"`
	InForce string   `help:"File of the scheme that the others are held against." type:"existingfile"`
	JSON    bool     `name:"json" help:"Write the whole result as JSON, as the API answers it, instead of a table."`
	Workers int      `help:"Claims evaluated at the same time; all processors when 0."`
}

// Run reads the facts line by line: what is in memory does not grow with them.
func (c simulateCommand) Run(ctx context.Context, w *world) error {
	var inForce *scheme.Scheme
	var err error
	if c.InForce != "" {
		if inForce, err = readScheme(c.InForce); err != nil {
			return err
		}
		warnOfComparison(w, c.InForce, inForce)
	}
	candidates := make([]*scheme.Scheme, len(c.Scheme))
	for i, name := range c.Scheme {
		if candidates[i], err = readScheme(name); err != nil {
			return err
		}
		warnOfComparison(w, name, candidates[i])
	}
	in := io.Reader(os.Stdin)
	if c.Facts != "-" {
		f, err := os.Open(c.Facts)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	workers := c.Workers
	if workers < 1 {
		workers = runtime.NumCPU()
	}
	tally, err := tallyFile(ctx, in, workers, func() *claims.Tally { return claims.NewTally(inForce, candidates) }, w.stderr)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Facts, err)
	}
	out, err := tally.Simulation()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(w.stdout).Encode(out)
	}
	return writeTable(w.stdout, out)
}

func readScheme(name string) (*scheme.Scheme, error) {
	document, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := scheme.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func warnOfComparison(w *world, name string, s *scheme.Scheme) {
	if s.Compares() {
		fmt.Fprintf(w.stderr, "%s compares periods: the facts must have been exported with --comparison of a scheme that compares the same\n", name)
	}
}

// The reader hands lines to workers in batches, which bound what is in memory.
const (
	linesAtOnce = 200
	longestLine = 64 << 20
)

// numbered is one line of the file.
type numbered struct {
	number int
	text   []byte
}

// tallyFile adds up the facts of a file. Which worker adds which line makes no
// difference to the sums.
func tallyFile(ctx context.Context, in io.Reader, workers int, fresh func() *claims.Tally, progress io.Writer) (*claims.Tally, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []numbered)
	all := fresh()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for batch := range batches {
				own := fresh()
				if err := addLines(own, batch); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				all.Merge(own)
				fmt.Fprintf(progress, "\r%d claims", all.Claims())
				mu.Unlock()
			}
		})
	}
	err := eachLines(ctx, in, batches)
	close(batches)
	wg.Wait()
	fmt.Fprintln(progress)
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return all, err
}

// eachLines reads batches of lines that are not empty.
func eachLines(ctx context.Context, in io.Reader, batches chan<- []numbered) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	var batch []numbered
	send := func() bool {
		select {
		case batches <- batch:
			batch = nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		batch = append(batch, numbered{n, bytes.Clone(lines.Bytes())})
		if len(batch) == linesAtOnce && !send() {
			return nil // the cause is the caller's to report
		}
	}
	if len(batch) > 0 {
		send()
	}
	return lines.Err()
}

func addLines(tally *claims.Tally, batch []numbered) error {
	for _, line := range batch {
		facts, err := scheme.ParseFacts(line.text)
		if err != nil {
			return fmt.Errorf("line %d: %w", line.number, err)
		}
		tally.Add(func(*scheme.Scheme) scheme.Facts { return facts })
	}
	return nil
}

// writeTable writes the sums for people: amounts in minor units.
func writeTable(to io.Writer, s claims.Simulation) error {
	all := s.Candidates
	if s.InForce != nil {
		all = append([]claims.Simulated{*s.InForce}, all...)
	}
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "scheme\tclaims\tpaid\t%s (minor units)\tpays\treview\tcannot tell\tnot eligible\twinners\tlosers\tunchanged\tdifference\t\n", s.Currency)
	for _, one := range all {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t", named(one), one.Total.Claims, one.Total.Paid, one.Total.Amount)
		for _, o := range one.Outcomes {
			fmt.Fprintf(t, "%d\t", o.Sum.Claims)
		}
		if c := one.Changes; c == nil {
			fmt.Fprint(t, "\t\t\t\t\n")
		} else {
			fmt.Fprintf(t, "%d\t%d\t%d\t%d\t\n", c.Total.Winners.Claims, c.Total.Losers.Claims, c.Total.Unchanged.Claims, difference(c.Total))
		}
	}
	for _, one := range all {
		writeParts(t, one)
	}
	return t.Flush()
}

func named(s claims.Simulated) string { return fmt.Sprintf("%s v%d", s.Scheme.ID, s.Scheme.Version) }

// writeParts writes tiers, reasons and groups of one scheme.
func writeParts(t io.Writer, one claims.Simulated) {
	if len(one.Steps) > 0 {
		fmt.Fprintf(t, "\n%s by step\tclaims\tpaid\tamount\t\n", named(one))
	}
	for _, s := range one.Steps {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", s.Rule.EN, s.Sum.Claims, s.Sum.Paid, s.Sum.Amount)
	}
	if len(one.Reasons) > 0 {
		fmt.Fprintf(t, "\n%s by reason\tclaims\tpaid\tamount\t\n", named(one))
	}
	for _, r := range one.Reasons {
		fmt.Fprintf(t, "%s: %s\t%d\t%d\t%d\t\n", r.Outcome, r.Code, r.Sum.Claims, r.Sum.Paid, r.Sum.Amount)
	}
	if one.Changes == nil {
		return
	}
	for _, table := range []struct {
		by   string
		rows []claims.GroupChange
	}{{"service", one.Changes.ByService}, {"sector", one.Changes.BySector}, {"region", one.Changes.ByRegion}} {
		fmt.Fprintf(t, "\n%s by %s\twinners\tlosers\tunchanged\tmore\tless\t\n", named(one), table.by)
		for _, r := range table.rows {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", r.Group, r.Winners.Claims, r.Losers.Claims, r.Unchanged.Claims, r.Winners.Difference, -r.Losers.Difference)
		}
	}
}

func difference(c claims.Change) money.Minor { return c.Winners.Difference + c.Losers.Difference }

type exportCommand struct {
	database
	Incident   string `help:"The incident." required:""`
	Out        string `help:"File to write, one JSON object a line; - is standard output." required:""`
	Comparison string `help:"File of a scheme: add the comparisons of its baseline rule, for schemes that compare the same periods." type:"existingfile"`
}

// Run writes the file under another name until it is complete.
func (e exportCommand) Run(ctx context.Context, w *world) error {
	var comparing *scheme.Scheme
	var err error
	if e.Comparison != "" {
		if comparing, err = readScheme(e.Comparison); err != nil {
			return err
		}
	}
	db, err := e.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	export := func(to io.Writer) error {
		buffered := bufio.NewWriter(to)
		lines, done := json.NewEncoder(buffered), 0
		err := claims.New(db, w.now).ExportFacts(ctx, staff, e.Incident, comparing, func(facts scheme.Facts) error {
			if done++; done%linesAtOnce == 0 {
				fmt.Fprintf(w.stderr, "\r%d claims", done)
			}
			return lines.Encode(facts)
		})
		fmt.Fprintf(w.stderr, "\r%d claims\n", done)
		if err != nil {
			return err
		}
		return buffered.Flush()
	}
	if e.Out == "-" {
		return export(w.stdout)
	}
	return writeWhole(e.Out, export)
}

// writeWhole writes a file that appears only when it is complete.
func writeWhole(name string, write func(io.Writer) error) error {
	unfinished := name + ".part"
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		return os.Rename(unfinished, name)
	}
	os.Remove(unfinished)
	return err
}

type reevaluateCommand struct {
	database
	Incident string `help:"The incident." required:""`
}

// Run applies the scheme version that is in force. It may be run again at any
// time: what is done already stays as it is.
func (r reevaluateCommand) Run(ctx context.Context, w *world) error {
	db, err := r.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	service := claims.New(db, w.now)
	incident, err := service.Incident(ctx, staff, r.Incident)
	if err != nil {
		return err
	}
	if incident.Scheme == nil {
		return fmt.Errorf("no scheme is in force for incident %s", r.Incident)
	}
	out, err := service.Reevaluate(ctx, staff, r.Incident, *incident.Scheme, func(done int) { fmt.Fprintf(w.stderr, "\r%d claims", done) })
	fmt.Fprintln(w.stderr)
	fmt.Fprintf(w.stdout, "%s version %d: %d new estimates, %d had one already, %d changed meanwhile\n", incident.Scheme.ID, incident.Scheme.Version, out.Made, out.Already, out.Missed)
	fmt.Fprintf(w.stdout, "of the new ones %d pay more and %d less; together %d before and %d now (minor units of %s)\n", out.More, out.Less, out.Before, out.After, incident.Currency)
	return err
}

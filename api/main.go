// Command api serves the contract in openapi.yaml and does the work around it:
// migration, keys, batch estimates and the demonstration.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	// Zones must be known on machines that carry no zone files.
	_ "time/tzdata"
)

// contract is what we promise; it sits beside the program that keeps it.
//
//go:embed openapi.yaml
var contract []byte

// cli is every command, flag and environment variable.
type cli struct {
	Serve       serveCommand       `cmd:"" default:"withargs" help:"Serve the API (default)."`
	Demo        demoCommand        `cmd:"" help:"Serve a sandbox incident modelled on 15 October 2022, with claimants, histories and claims."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database schema to the newest version."`
	Keys        keysCommand        `cmd:"" help:"Issue a key, such as the first admin key."`
	Recompute   recomputeCommand   `cmd:"" help:"Make every stored estimate again from its inputs and compare byte for byte."`
	Simulate    simulateCommand    `cmd:"" help:"Say what schemes would pay on a file of claim facts, without a database."`
	Export      exportCommand      `cmd:"" help:"Write the facts of an incident's submitted claims for simulate; no personal data."`
	Reevaluate  reevaluateCommand  `cmd:"" help:"Make new estimates of an incident's claims under the scheme version in force; the old ones stay."`
	Log         logCommand         `cmd:"" help:"Look after the log: export it, add a key, take over what was published."`
	Fsck        fsckCommand        `cmd:"" help:"Hold every row against the log, and the log against its signature."`
	Verify      verifyCommand      `cmd:"" help:"Verify a receipt or a published log, without a database."`
	Witness     witnessCommand     `cmd:"" help:"Be a witness: cosign the checkpoints of a log as long as it only grows."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server on this machine whether it is ready."`
	Estimate    estimateCommand    `cmd:"" help:"Answer a file of questions from a folder of histories, without a database."`
}

// world is what a command may touch, so that tests can run the real program.
type world struct {
	stdout, stderr io.Writer
	now            func() time.Time
	log            *slog.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command line and answers the exit status: 0 done, 1 failed, 2
// not understood.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	status := 0
	parser, err := kong.New(&c,
		kong.Name("redress"), kong.Description("Claims for outage losses."), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { status = code; panic(exited{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(stderr, "redress:", err)
		return 1
	}
	parsed, done := parse(parser, args)
	if done {
		return status
	}
	if parsed == nil {
		return 2
	}
	w := &world{stdout: stdout, stderr: stderr, now: time.Now, log: slog.New(slog.NewJSONHandler(stderr, nil))}
	if err := parsed.Run(w); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "redress:", err)
		return 1
	}
	return 0
}

// exited carries kong's wish to exit (after --help) back to run.
type exited struct{}

func parse(parser *kong.Kong, args []string) (parsed *kong.Context, done bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(exited); !ok {
				panic(p)
			}
			done = true
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s; see --help", err)
		return nil, false
	}
	return parsed, false
}

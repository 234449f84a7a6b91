package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"redress/internal/auditlog"
)

type verifyCommand struct {
	Receipt verifyReceiptCommand `cmd:"" help:"Verify a receipt (a .tlog-proof file)."`
	Log     verifyLogCommand     `cmd:"" help:"Verify a whole published log."`
}

const (
	// fetchTimeout bounds one request for a file of a log.
	fetchTimeout = time.Minute
	// maxFetched bounds a file of keys or a checkpoint, in bytes.
	maxFetched = 1 << 20
)

// remote reports whether a place is an address and no path.
func remote(place string) bool {
	return strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://")
}

// read reads a file or what an address answers.
func read(ctx context.Context, place string) ([]byte, error) {
	if !remote(place) {
		return os.ReadFile(place)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Timeout: fetchTimeout}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", place, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxFetched))
}

func readKeys(ctx context.Context, place string) (auditlog.Keys, error) {
	text, err := read(ctx, place)
	if err != nil {
		return auditlog.Keys{}, fmt.Errorf("keys: %w", err)
	}
	return auditlog.ParseKeys(string(text))
}

type verifyReceiptCommand struct {
	File string `arg:"" help:"The receipt." type:"existingfile"`
	Keys string `help:"File or address of the keys of the log and its witnesses. Have them from somebody you trust, not with the receipt." required:""`
}

func (v verifyReceiptCommand) Run(ctx context.Context, w *world) error {
	keys, err := readKeys(ctx, v.Keys)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(v.File)
	if err != nil {
		return err
	}
	proven, err := auditlog.VerifyReceipt(data, keys)
	if err != nil {
		return withFindings(w.stdout, err)
	}
	say(w.stdout, proven.Statements())
	return nil
}

type verifyLogCommand struct {
	Log      string   `arg:"" help:"Directory or address of the published log, as in https://claims.example/log."`
	Keys     string   `help:"File or address of the keys of the log and its witnesses." required:""`
	Previous []string `help:"Files of checkpoints that were kept earlier; may be repeated." type:"existingfile" sep:"none"`
}

func (v verifyLogCommand) Run(ctx context.Context, w *world) error {
	keys, err := readKeys(ctx, v.Keys)
	if err != nil {
		return err
	}
	var previous [][]byte
	for _, file := range v.Previous {
		note, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		previous = append(previous, note)
	}
	audited, err := auditlog.VerifyPublished(v.tree(ctx), keys, previous)
	if err != nil {
		return withFindings(w.stdout, err)
	}
	say(w.stdout, audited.Statements())
	return nil
}

func (v verifyLogCommand) tree(ctx context.Context) fs.FS {
	if remote(v.Log) {
		return auditlog.HTTPTree(ctx, &http.Client{Timeout: fetchTimeout}, v.Log)
	}
	return os.DirFS(v.Log)
}

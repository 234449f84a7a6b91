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
	"redress/internal/bundle"
	"redress/internal/claims"
)

type verifyCommand struct {
	Receipt verifyReceiptCommand `cmd:"" help:"Verify a receipt (a .tlog-proof file)."`
	Log     verifyLogCommand     `cmd:"" help:"Verify a whole published log."`
	Bundle  verifyBundleCommand  `cmd:"" help:"Verify what is published of an incident, or what an auditor was given: releases, leaves, samples, estimates."`
}

const (
	// fetchTimeout bounds one request for a file of a log.
	fetchTimeout = time.Minute
	// maxFetched bounds a file of keys or a checkpoint, in bytes.
	maxFetched = 1 << 20
	// downloadTimeout and maxBundle bound the download of a bundle, in bytes.
	downloadTimeout = time.Hour
	maxBundle       = 8 << 30
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
	var data []byte
	err := get(ctx, place, fetchTimeout, func(body io.Reader) (err error) {
		data, err = io.ReadAll(io.LimitReader(body, maxFetched))
		return err
	})
	return data, err
}

// get hands over what an address answers.
func get(ctx context.Context, address string, timeout time.Duration, take func(body io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: timeout}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	return take(response.Body)
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

// trusted is what whoever verifies a log has from elsewhere.
type trusted struct {
	Keys     string   `help:"File or address of the keys of the log and its witnesses. Have them from somebody you trust, not with what you verify." required:""`
	Previous []string `help:"Files of checkpoints that were kept earlier; may be repeated." type:"existingfile" sep:"none"`
}

func (t trusted) read(ctx context.Context) (keys auditlog.Keys, previous [][]byte, err error) {
	if keys, err = readKeys(ctx, t.Keys); err != nil {
		return auditlog.Keys{}, nil, err
	}
	for _, name := range t.Previous {
		note, err := os.ReadFile(name)
		if err != nil {
			return auditlog.Keys{}, nil, err
		}
		previous = append(previous, note)
	}
	return keys, previous, nil
}

type verifyLogCommand struct {
	Log string `arg:"" help:"Directory or address of the published log, as in https://claims.example/log."`
	trusted
}

func (v verifyLogCommand) Run(ctx context.Context, w *world) error {
	keys, previous, err := v.read(ctx)
	if err != nil {
		return err
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

type verifyBundleCommand struct {
	Bundle string `arg:"" help:"Directory, zip, or address of a zip, as in https://claims.example/v1/incidents/…/bundle."`
	trusted
}

func (v verifyBundleCommand) Run(ctx context.Context, w *world) error {
	keys, previous, err := v.read(ctx)
	if err != nil {
		return err
	}
	files, done, err := openBundle(ctx, v.Bundle)
	if err != nil {
		return err
	}
	defer done()
	report, err := bundle.Verify(files, keys, bundle.Options{Previous: previous, Remake: claims.Remake})
	if err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, "What holds:")
	say(w.stdout, report.Holds)
	if len(report.Findings) > 0 {
		fmt.Fprintln(w.stdout, "\nWhat does not hold:")
		list(w.stdout, report.Findings)
	}
	fmt.Fprintln(w.stdout, "\nWhat cannot be known from this bundle:")
	say(w.stdout, report.Unknown)
	return report.Err()
}

// openBundle opens a bundle and answers what is to be done once it was read. Links
// that lead out of a directory are not followed.
func openBundle(ctx context.Context, place string) (fs.FS, func(), error) {
	if remote(place) {
		return downloadBundle(ctx, place)
	}
	info, err := os.Stat(place)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(place)
		if err != nil {
			return nil, nil, err
		}
		return root.FS(), func() { root.Close() }, nil
	}
	file, err := os.Open(place)
	if err != nil {
		return nil, nil, err
	}
	files, err := bundle.OpenZip(file, info.Size())
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return files, func() { file.Close() }, nil
}

// downloadBundle keeps the zip in a temporary file until it was read.
func downloadBundle(ctx context.Context, address string) (fs.FS, func(), error) {
	file, err := os.CreateTemp("", "redress-bundle-*.zip")
	if err != nil {
		return nil, nil, err
	}
	done := func() {
		file.Close()
		os.Remove(file.Name())
	}
	var size int64
	err = get(ctx, address, downloadTimeout, func(body io.Reader) (err error) {
		size, err = io.Copy(file, io.LimitReader(body, maxBundle+1))
		if err == nil && size > maxBundle {
			err = fmt.Errorf("%s: longer than %d bytes", address, int64(maxBundle))
		}
		return err
	})
	var files fs.FS
	if err == nil {
		files, err = bundle.OpenZip(file, size)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return files, done, nil
}

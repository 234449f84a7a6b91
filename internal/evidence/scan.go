package evidence

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// ScanResult says what is known about malware in a file.
type ScanResult string

// The results of a scan.
const (
	ScanPassed       ScanResult = "passed"       // the scanner read the file and found nothing
	ScanFailed       ScanResult = "failed"       // it found malware
	ScanUnrecognised ScanResult = "unrecognised" // it gave no answer: scan again later
	NotScanned       ScanResult = "not_scanned"  // no scanner is configured
)

// Scan is the outcome of a scan.
type Scan struct {
	Result ScanResult
	Note   string // what the scanner printed and why it gave no answer, for staff; at most maxNote bytes
}

const (
	scansAtOnce = 4 // a scanner may take a gigabyte of memory
	maxNote     = 500
	// scanPath is all of the environment that a scanner gets: ours holds secrets.
	scanPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// Scan runs the scanner on the stored file of an id. The program gets the clear
// bytes on its standard input and answers with its exit status: 0 clean, 1
// malware, anything else no answer, just as running out of time. Put scans every
// new file; what was not recognised then can be scanned again here, and stays
// stored whatever comes out.
func (s *Store) Scan(ctx context.Context, id string) (Scan, error) {
	if len(s.scanner) == 0 {
		return Scan{Result: NotScanned}, nil
	}
	select {
	case s.scans <- struct{}{}:
		defer func() { <-s.scans }()
	case <-ctx.Done():
		return Scan{}, ctx.Err()
	}
	plain, err := s.Open(ctx, id)
	if err != nil {
		return Scan{}, err
	}
	defer plain.Close()
	timed, cancel := context.WithTimeout(ctx, s.scanTimeout)
	defer cancel()
	var said note
	cmd := exec.CommandContext(timed, s.scanner[0], s.scanner[1:]...)
	cmd.Env = []string{scanPath}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = plain, &said, &said
	cmd.WaitDelay = time.Second // for children that outlive it and keep its output open
	if err := cmd.Start(); err != nil {
		return unrecognised(err.Error(), &said), nil
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch exited := errors.As(err, &exit); {
	case err == nil:
		return Scan{Result: ScanPassed, Note: said.String()}, nil
	case exited && exit.ExitCode() == 1:
		return Scan{Result: ScanFailed, Note: said.String()}, nil
	case ctx.Err() != nil:
		return Scan{}, ctx.Err()
	case timed.Err() != nil:
		return unrecognised(fmt.Sprintf("no answer within %v", s.scanTimeout), &said), nil
	case exited || errors.Is(err, exec.ErrWaitDelay):
		return unrecognised(err.Error(), &said), nil
	}
	// The scanner was content, but did not get the whole file.
	return Scan{}, fmt.Errorf("scan evidence %s: %w", id, err)
}

func unrecognised(why string, said *note) Scan {
	var all note
	fmt.Fprintf(&all, "%s: %s", why, said.text)
	return Scan{Result: ScanUnrecognised, Note: all.String()}
}

// note keeps the beginning of what is written to it.
type note struct{ text []byte }

func (n *note) Write(p []byte) (int, error) {
	n.text = append(n.text, p[:min(len(p), maxNote-len(n.text))]...)
	return len(p), nil
}

func (n *note) String() string {
	return strings.TrimSuffix(strings.TrimSpace(strings.ToValidUTF8(string(n.text), "")), ":")
}

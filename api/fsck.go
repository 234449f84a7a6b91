package main

import (
	"context"
	"fmt"
	"io"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/fsck"
	"redress/internal/lang"
)

type fsckCommand struct {
	database
	logFiles
}

// Run looks at the database as it is at one moment; servers may go on. Where the
// log is published as files, the database must be no older than what is there.
func (f fsckCommand) Run(ctx context.Context, w *world) error {
	db, err := f.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	keys, _, err := f.keyFiles(f.Dir).Read()
	if err != nil {
		return err
	}
	var published []byte
	if f.LogDirectory != "" {
		directory, err := auditlog.OpenDirectory(f.LogDirectory)
		if err != nil {
			return err
		}
		if published, err = directory.Checkpoint(); err != nil {
			return err
		}
	}
	var report fsck.Report
	err = db.Frozen(ctx, func(frozen fsck.Store) (err error) {
		report, err = fsck.Run(ctx, frozen, keys, published, w.now())
		return err
	})
	if err != nil {
		return err
	}
	list(w.stdout, report.Findings)
	say(w.stdout, report.Statements())
	return report.Err()
}

// say prints statements, a line each.
func say(to io.Writer, statements []lang.Text) {
	for _, s := range statements {
		fmt.Fprintln(to, s.EN)
	}
}

// list prints findings, a line each.
func list(to io.Writer, findings []fault.Field) {
	for _, f := range findings {
		fmt.Fprintf(to, "%s: %s: %s\n", f.Pointer, f.Code, f.Detail.EN)
	}
}

// withFindings prints the findings of a fault and returns what it says itself.
func withFindings(to io.Writer, err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	list(to, f.Fields)
	return fmt.Errorf("%s: %s", f.Code, f.Detail.EN)
}

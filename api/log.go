package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"redress/internal/auditlog"
	"redress/internal/store"
)

// logFiles say where the keys of the log are and where it is published.
type logFiles struct {
	LogOrigin    string `help:"Name of a new log, as in claims.example/log; a random one when empty. A log keeps its name for ever." env:"REDRESS_LOG_ORIGIN"`
	LogKey       string `help:"File of the key that signs the log; log.key in the directory when empty, made on first start." env:"REDRESS_LOG_KEY" type:"path"`
	LogKeys      string `help:"File of the keys and witnesses that readers of the log are told; log.keys in the directory when empty." env:"REDRESS_LOG_KEYS" type:"path"`
	LogDirectory string `help:"Directory in which the log is published as files; nowhere when empty." env:"REDRESS_LOG_DIRECTORY" type:"path"`
}

// keyFiles are the key files of the log whose database is in dir.
func (l logFiles) keyFiles(dir string) auditlog.KeyFiles {
	f := auditlog.KeyFiles{Secret: l.LogKey, Public: l.LogKeys, Origin: l.LogOrigin}
	if f.Secret == "" {
		f.Secret = filepath.Join(dir, "log.key")
	}
	if f.Public == "" {
		f.Public = filepath.Join(dir, "log.keys")
	}
	return f
}

const (
	// witnessTimeout bounds one request to a witness.
	witnessTimeout = 10 * time.Second
	// witnessEvery spares witnesses a request for every checkpoint.
	witnessEvery = 2 * time.Second
)

// openLog makes the keys on first start and refuses those of another log.
func (l logFiles) openLog(ctx context.Context, w *world, dir string, db *store.Store) (*auditlog.Log, error) {
	signer, keys, err := l.keyFiles(dir).Open()
	if err != nil {
		return nil, err
	}
	o := auditlog.LogOptions{Keys: keys, Client: &http.Client{Timeout: witnessTimeout}, Log: w.log, WitnessEvery: witnessEvery}
	if l.LogDirectory != "" {
		if o.Directory, err = auditlog.OpenDirectory(l.LogDirectory); err != nil {
			return nil, err
		}
	}
	log := auditlog.NewLog(db, signer, o)
	return log, log.Check(ctx)
}

type logCommand struct {
	Export logExportCommand `cmd:"" help:"Write the log as files: checkpoint, tiles and keys."`
	Rotate logRotateCommand `cmd:"" help:"Add a second key; from the next start on both sign."`
	Adopt  logAdoptCommand  `cmd:"" help:"Take over the leaves of the published log that a restored, older database lacks."`
}

type logExportCommand struct {
	database
	logFiles
	Target string `arg:"" help:"Directory to write; one that was written before is brought up to date." type:"path"`
}

func (e logExportCommand) Run(ctx context.Context, w *world) error {
	db, err := e.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	keys, text, err := e.keyFiles(e.Dir).Read()
	if err != nil {
		return err
	}
	target, err := auditlog.OpenDirectory(e.Target)
	if err != nil {
		return err
	}
	if err := target.Publish(ctx, db, keys, text); err != nil {
		return err
	}
	head, err := db.LogHead(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "%s: the log %s with %d entries\n", e.Target, keys.Origin(), head.Size)
	return err
}

type logRotateCommand struct {
	Dir string `help:"Directory of the database and the keys." default:"redress-data" env:"REDRESS_DIR" type:"path"`
	logFiles
}

func (r logRotateCommand) Run(w *world) error {
	verifier, err := r.keyFiles(r.Dir).Rotate()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "Tell readers and witnesses of the new key, then restart every server:\nlog %s\n", verifier)
	return err
}

type logAdoptCommand struct {
	database
	logFiles
	Published string `arg:"" help:"Directory of the published log." type:"existingdir"`
}

func (a logAdoptCommand) Run(ctx context.Context, w *world) error {
	db, err := a.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	log, err := a.openLog(ctx, w, a.Dir, db)
	if err != nil {
		return err
	}
	published, err := auditlog.OpenDirectory(a.Published)
	if err != nil {
		return err
	}
	adopted, lost, err := log.Adopt(ctx, published)
	if err != nil {
		return withFindings(w.stdout, err)
	}
	_, err = fmt.Fprintf(w.stdout, "%d leaves were taken over; the entries of %d of them are lost\n", adopted, lost)
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	// Evidence may lie in an S3-compatible object store.
	_ "gocloud.dev/blob/s3blob"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/httpapi"
	"redress/internal/identity"
	"redress/internal/jobs"
	"redress/internal/store"
	"redress/internal/web"
)

// database says where the data is; every command that touches it has it.
type database struct {
	Dir         string `help:"Directory of the database and the field key; made when absent." default:"redress-data" env:"REDRESS_DIR" type:"path"`
	DatabaseURL string `help:"PostgreSQL address (postgres://…); SQLite in the directory when empty." env:"DATABASE_URL"`
	FieldKey    string `help:"File of the key that personal data is sealed under; field.key in the directory when empty." env:"REDRESS_FIELD_KEY" type:"path"`
}

// keyFile is where the field key lies.
func (d database) keyFile() string {
	if d.FieldKey != "" {
		return d.FieldKey
	}
	return filepath.Join(d.Dir, "field.key")
}

// open connects, after making the directory and the key file on first start.
func (d database) open() (*store.Store, error) {
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	keyFile := d.keyFile()
	_, noKey := os.Stat(keyFile)
	if store.Exists(d.Dir) && d.DatabaseURL == "" && errors.Is(noKey, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing, and the database in %s is sealed under it; put it back from the backup", keyFile, d.Dir)
	}
	vault, err := identity.OpenVault(keyFile)
	if err != nil {
		return nil, err
	}
	return store.Open(store.Options{DatabaseURL: d.DatabaseURL, Dir: d.Dir, Vault: vault})
}

// openExisting is open for commands that only read: a mistyped directory is an
// error and is not filled with an empty database.
func (d database) openExisting() (*store.Store, error) {
	if d.DatabaseURL == "" && !store.Exists(d.Dir) {
		return nil, fmt.Errorf("there is no database in %s; name its directory with --dir", d.Dir)
	}
	return d.open()
}

type migrateCommand struct {
	database
}

func (m migrateCommand) Run(ctx context.Context, w *world) error {
	db, err := m.open()
	if err != nil {
		return err
	}
	steps, err := db.Migrate(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "%s: %d migration(s) applied\n", db.Engine(), steps)
	return err
}

type keysCommand struct {
	database
	Role     identity.Role `arg:"" enum:"admin,platform,reviewer,senior,payer,auditor,accountant,claimant,delegate" help:"admin, platform, reviewer, senior, payer, auditor, accountant, claimant or delegate."`
	Claimant string        `help:"Claimant that a claimant or delegate key acts for."`
	Person   string        `help:"Code of who will hold the key; the same on all keys of one person, so that nobody checks their own decision."`
	Label    string        `help:"What the key is for." default:"from the command line"`
	Expires  time.Duration `help:"How long the key lives." default:"8760h"`
}

func (k keysCommand) Run(ctx context.Context, w *world) error {
	db, err := k.open()
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	expires := w.now().Add(k.Expires)
	issued, err := claims.New(db, w.now).IssueFirstKey(ctx, claims.KeyRequest{Role: k.Role, Label: k.Label, Person: k.Person, ClaimantID: k.Claimant, ExpiresAt: &expires})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, issued.Token)
	return err
}

type serveCommand struct {
	database
	logFiles
	listen
	evidenceFiles
}

// evidenceFiles says where the files of claims lie.
type evidenceFiles struct {
	Evidence    string        `help:"Directory or URL (s3://…) of evidence files; evidence in the data directory when empty." env:"REDRESS_EVIDENCE"`
	EvidenceMax int64         `help:"Largest file in bytes." default:"20971520" env:"REDRESS_EVIDENCE_MAX"`
	Scanner     []string      `help:"Program and arguments that scan a file on its standard input: exits 0 when clean, 1 on malware." sep:" " env:"REDRESS_SCANNER"`
	ScanTimeout time.Duration `help:"How long one scan may take." default:"1m" env:"REDRESS_SCAN_TIMEOUT"`
}

// open opens the store of files beside a database.
func (e evidenceFiles) open(ctx context.Context, d database) (*evidence.Store, error) {
	vault, err := identity.OpenVault(d.keyFile())
	if err != nil {
		return nil, err
	}
	key, err := vault.Subkey("evidence")
	if err != nil {
		return nil, err
	}
	location := e.Evidence
	if location == "" {
		location = filepath.Join(d.Dir, "evidence")
	}
	return evidence.Open(ctx, location, key, evidence.Options{MaxBytes: e.EvidenceMax, Scanner: e.Scanner, ScanTimeout: e.ScanTimeout})
}

// listen says where to serve.
type listen struct {
	Address        string   `help:"Address to serve on." default:"127.0.0.1:8080" env:"REDRESS_ADDRESS"`
	TrustedProxies []string `help:"Proxies (CIDR) whose X-Forwarded-For is believed." env:"REDRESS_TRUSTED_PROXIES"`
}

func (s serveCommand) Run(ctx context.Context, w *world) error {
	db, err := s.database.open()
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	files, err := s.evidenceFiles.open(ctx, s.database)
	if err != nil {
		return err
	}
	defer files.Close()
	audit, err := s.openLog(ctx, w, s.Dir, db)
	if err != nil {
		return err
	}
	return s.serve(ctx, w, db, files, audit, func(address string) error {
		_, err := fmt.Fprintf(w.stdout, "Redress serves on http://%s (%s); the contract is at /docs\n", address, db.Engine())
		return err
	})
}

// Timeouts of the HTTP server. A file of 64 MB must fit into the read timeout
// over a phone's uplink.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 5 * time.Minute
	writeTimeout  = 5 * time.Minute
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 20 * time.Second
)

// serve listens until the context ends, then lets the requests under way
// finish. ready is told the address once connections are taken.
func (l listen) serve(ctx context.Context, w *world, db *store.Store, files *evidence.Store, audit *auditlog.Log, ready func(address string) error) error {
	service := claims.New(db, w.now)
	service.KeepFiles(files)
	if err := service.Prepare(ctx); err != nil {
		return err
	}
	docs, err := web.Documentation(contract)
	if err != nil {
		return err
	}
	handler, err := httpapi.New(httpapi.Config{
		Claims: service, Audit: audit, Contract: contract, Docs: docs, Verify: web.Verifier(), Log: w.log, Now: w.now, TrustedProxies: l.TrustedProxies,
	})
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", l.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	background, stop := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	for _, chore := range chores(service) {
		working.Go(func() { chore.repeat(background, w) })
	}
	working.Go(func() { runner(w, db, service).Run(background) })
	working.Go(func() { audit.Run(background) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := ready(listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	return server.Shutdown(drain)
}

// runner runs the jobs that the API takes on.
func runner(w *world, db *store.Store, service *claims.Service) *jobs.Runner {
	return jobs.New(db, w.now, w.log, map[string]jobs.Handler{
		claims.SimulationJob: func(ctx context.Context, job claims.Job, progress func(done, total int)) ([]byte, error) {
			return service.RunSimulation(ctx, job, runtime.NumCPU(), progress)
		},
	})
}

// chore is work that the service does by itself, at start and again and again.
type chore struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// chores may run in any number of processes at once.
func chores(service *claims.Service) []chore {
	return []chore{
		{"dropping expired answers", time.Hour, service.Forget},
		{"what has fallen due", 30 * time.Second, func(ctx context.Context) error {
			_, err := service.Tend(ctx)
			return err
		}},
		{"removing files of no claim", time.Hour, func(ctx context.Context) error {
			_, err := service.SweepEvidence(ctx)
			return err
		}},
	}
}

func (c chore) repeat(ctx context.Context, w *world) {
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		if err := c.do(ctx); err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "a chore failed", slog.String("chore", c.name), slog.String("error", err.Error()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

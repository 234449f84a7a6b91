// Package store keeps everything in SQLite or PostgreSQL; it is the only room
// that sees SQL. InTx is the one door for writes.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"redress/internal/identity"
	"redress/migrations"
)

// Options say where the data is.
type Options struct {
	// DatabaseURL is a PostgreSQL address (postgres://…); empty keeps the data in
	// an SQLite file in Dir.
	DatabaseURL string
	Dir         string
	Vault       *identity.Vault
}

// Store is the database of one server.
type Store struct {
	reader
	inTx  func(ctx context.Context, f func(db *gorm.DB) error) error
	write *sql.DB
	pools []*sql.DB
	stop  func()
	kind  goose.Dialect
	// A transaction holds gate for reading, so that Close, which takes it for
	// writing, waits for those under way and finds none after them.
	gate   sync.RWMutex
	closed bool
}

// sqliteFile is the database file inside the data directory.
const sqliteFile = "redress.db"

// maxReaders bounds the connections that read while others write.
const (
	sqliteReaders       = 4
	postgresConnections = 16
)

func config() *gorm.Config {
	return &gorm.Config{
		// Statements are written by code, one transaction at a time: gorm's own
		// transaction around each and its statement cache (which deadlocks when
		// every connection is inside a transaction) stay off.
		SkipDefaultTransaction: true,
		PrepareStmt:            false,
		TranslateError:         true,
		Logger:                 logger.Discard,
	}
}

// Open connects to the database. The schema is Migrate's business.
func Open(o Options) (*Store, error) {
	if o.DatabaseURL != "" {
		return openPostgres(o)
	}
	return openSQLite(o)
}

// Exists reports whether the directory holds an SQLite database.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, sqliteFile))
	return err == nil
}

func openSQLite(o Options) (*Store, error) {
	// Made here, the file and those that SQLite puts beside it are the owner's
	// alone, whatever the directory allows.
	file, err := os.OpenFile(filepath.Join(o.Dir, sqliteFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	path := (&sqliteURL{path: filepath.Join(o.Dir, sqliteFile)}).String
	// FULL makes every commit durable against power loss: a claim that was
	// acknowledged must not vanish. What is deleted is overwritten in the file, so
	// that who is erased does not stay in its free pages.
	writeDB, writePool, err := connect(sqliteDialect(path("_journal_mode=WAL&_busy_timeout=5000&_synchronous=FULL&_txlock=immediate&_foreign_keys=on&_secure_delete=on")), 1)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Dir, err)
	}
	readDB, readPool, err := connect(sqliteDialect(path("mode=ro&_query_only=1&_busy_timeout=5000")), sqliteReaders)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s for reading: %w", o.Dir, err), writePool.Close())
	}
	w := newWriter(writeDB)
	return &Store{
		reader: reader{db: readDB, vault: o.Vault}, inTx: w.inTx, write: writePool,
		pools: []*sql.DB{writePool, readPool}, stop: w.stop, kind: goose.DialectSQLite3,
	}, nil
}

func openPostgres(o Options) (*Store, error) {
	db, pool, err := connect(postgresDialect(o.DatabaseURL), postgresConnections)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return &Store{
		reader: reader{db: db, vault: o.Vault}, inTx: postgresTx(db), write: pool,
		pools: []*sql.DB{pool}, stop: func() {}, kind: goose.DialectPostgres,
	}, nil
}

func connect(dialector gorm.Dialector, connections int) (*gorm.DB, *sql.DB, error) {
	db, err := gorm.Open(dialector, config())
	if err != nil {
		return nil, nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return db, pool, nil
}

// sqliteURL writes the data source name of a file, whatever its path contains.
type sqliteURL struct{ path string }

func (u *sqliteURL) String(query string) string {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(u.path)
	return "file:" + escaped + "?" + query
}

// Engine names the database: "sqlite" or "postgres".
func (s *Store) Engine() string {
	if s.kind == goose.DialectPostgres {
		return "postgres"
	}
	return "sqlite"
}

// Migrate brings the schema to the newest version, checks that the field key is
// the one this database is sealed under, fills in what only that key can tell,
// and answers how many steps it took. On
// PostgreSQL any number of processes may call it together.
func (s *Store) Migrate(ctx context.Context) (int, error) {
	dir, err := fs.Sub(migrations.FS, s.Engine())
	if err != nil {
		return 0, err
	}
	var options []goose.ProviderOption
	if s.kind == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return 0, fmt.Errorf("make the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(s.kind, s.write, dir, options...)
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	if err := s.proveKey(ctx); err != nil {
		return 0, err
	}
	return len(applied), s.fill(ctx)
}

type fieldKeyRow struct {
	ID          int64 `gorm:"primaryKey;autoIncrement:false"`
	ProofSealed []byte
}

func (fieldKeyRow) TableName() string { return "field_key" }

// fieldKeyProof is the known text that the first start seals.
const fieldKeyProof = "redress field key"

// proveKey refuses a field key that cannot open what is there, before anything
// is sealed under it: half a database under each of two keys helps nobody.
func (s *Store) proveKey(ctx context.Context) error {
	column := sealContext("field_key.proof", "1")
	err := s.inTx(ctx, func(db *gorm.DB) error {
		row := fieldKeyRow{ID: 1, ProofSealed: s.vault.Seal(column, []byte(fieldKeyProof))}
		return db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("seal the proof of the field key: %w", err)
	}
	row, err := from[fieldKeyRow](s.db).First(ctx)
	if err != nil {
		return fmt.Errorf("read the proof of the field key: %w", err)
	}
	if _, err := s.vault.Open(column, row.ProofSealed); err != nil {
		return errors.New("the field key is not the one this database is sealed under; put the right key file back (a new one was made if it was missing: remove it)")
	}
	return nil
}

// Close waits for the transactions under way, takes no further ones and closes
// the connections.
func (s *Store) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.stop()
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// reader finds rows; it serves the read pool and, inside tx, a transaction.
type reader struct {
	db    *gorm.DB
	vault *identity.Vault
}

// tx adds the writes; it exists only inside InTx.
type tx struct {
	reader
	written map[string]string // keyed hashes of rows for the next entry, by name
}

// toMicros is how instants are stored; fromMicros reads them back as UTC.
func toMicros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func toMicrosPtr(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	n := toMicros(*t)
	return &n
}

func fromMicrosPtr(n *int64) *time.Time {
	if n == nil {
		return nil
	}
	t := fromMicros(*n)
	return &t
}

func toInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

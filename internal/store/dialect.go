package store

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"redress/internal/fault"
)

// translating wraps a dialect so that a database which cannot serve right now
// is told apart from a statement that is wrong: the first is worth a retry.
type translating struct {
	gorm.Dialector
	translate   func(error) error
	unavailable func(error) bool
}

// Translate is called by gorm on every error of a statement, begin or commit.
func (d translating) Translate(err error) error {
	if d.unavailable(err) {
		return unavailable(err)
	}
	return d.translate(err)
}

func unavailable(cause error) error {
	f := fault.New(fault.Unavailable, "database_unavailable", "The database cannot serve right now; nothing was changed.", "데이터베이스가 지금 응답할 수 없습니다. 바뀐 것은 없습니다.")
	f.RetryAfter = 5 * time.Second
	return f.Because(cause)
}

func sqliteDialect(source string) gorm.Dialector {
	d := sqlite.Dialector{DSN: source}
	return translating{Dialector: &d, translate: d.Translate, unavailable: sqliteUnavailable}
}

// sqliteUnavailable: the file is locked by another program, or the disk is full.
func sqliteUnavailable(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrFull || e.Code == sqlite3.ErrIoErr)
}

func postgresDialect(source string) gorm.Dialector {
	d := postgres.Dialector{Config: &postgres.Config{DSN: source}}
	return translating{Dialector: d, translate: d.Translate, unavailable: postgresUnavailable}
}

// postgresUnavailable: no connection, too many of them, disk full, or the
// server is stopping, starting or read-only (SQLSTATE classes 08, 53, 57P, 25006).
func postgresUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network *net.OpError
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.Timeout(err) {
		return true
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	return strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "57P") || e.Code == "25006"
}

// Package storetest gives tests a fresh database on each engine. It starts a
// private PostgreSQL from the installed binaries when no server is named.
package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	// The driver that the server's own databases are made with.
	_ "github.com/jackc/pgx/v5/stdlib"

	"redress/internal/identity"
	"redress/internal/store"
)

// Environment variables.
const (
	// ServerVariable names a PostgreSQL server whose user may create databases;
	// empty starts a private one.
	ServerVariable = "REDRESS_TEST_POSTGRES"
	// RequireVariable, when set, makes a missing PostgreSQL a failure, not a skip.
	RequireVariable = "REDRESS_REQUIRE_POSTGRES"
)

// Vault is the vault of test databases.
func Vault() *identity.Vault {
	v, err := identity.NewVault(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	return v
}

// Engines are the engines every contract holds on.
var Engines = []string{"sqlite", "postgres"}

// Each runs the test on each engine, on a fresh database with the newest
// schema.
func Each(t *testing.T, f func(t *testing.T, db *store.Store)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			db, err := store.Open(Options(t, engine))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			if _, err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			f(t, db)
		})
	}
}

// EachOptions runs the test on each engine with the command-line flags of a
// fresh, empty database, for tests of the whole program.
func EachOptions(t *testing.T, f func(t *testing.T, flags []string)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			o := Empty(t, engine)
			f(t, []string{"--dir", o.Dir, "--database-url", o.DatabaseURL})
		})
	}
}

// Options are those of a fresh database of the engine that has the newest
// schema and nothing in it: Migrate finds nothing to do but to seal the proof of
// the field key. The test is skipped, loudly, where there is no PostgreSQL.
func Options(t testing.TB, engine string) store.Options {
	t.Helper()
	if engine == "postgres" {
		base := template
		if os.Getenv(ServerVariable) != "" {
			base = empty // a server that outlives the test is left as it was
		}
		return store.Options{Dir: t.TempDir(), Vault: Vault(), DatabaseURL: freshPostgres(t, base)}
	}
	o := Empty(t, engine)
	content, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, sqliteFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// Empty are those of a fresh database of the engine without a schema.
func Empty(t testing.TB, engine string) store.Options {
	t.Helper()
	o := store.Options{Dir: t.TempDir(), Vault: Vault()}
	if engine == "postgres" {
		o.DatabaseURL = freshPostgres(t, empty)
	}
	return o
}

// The databases of the private PostgreSQL that others are copied from: its own
// empty one, and one that is migrated once for all tests of a program.
const (
	empty    = "template1"
	template = "redress_template"
)

const sqliteFile = "redress.db"

// migrate brings an empty database to the newest schema and takes the proof of
// the field key out again: whoever copies it may have a key of their own.
func migrate(o store.Options) error {
	db, err := store.Open(o)
	if err != nil {
		return err
	}
	_, err = db.Migrate(context.Background())
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	raw, err := openRaw(o)
	if err != nil {
		return err
	}
	_, err = raw.Exec("DELETE FROM field_key")
	return errors.Join(err, raw.Close())
}

// sqliteTemplate is the file of a migrated database.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "redress-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := migrate(store.Options{Dir: dir, Vault: Vault()}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, sqliteFile))
})

// postgresTemplate makes the database that others are copied from.
var postgresTemplate = sync.OnceValue(func() error {
	if err := admin("CREATE DATABASE " + template); err != nil {
		return err
	}
	return migrate(store.Options{DatabaseURL: fmt.Sprintf(server, template), Vault: Vault()})
})

var (
	startOnce sync.Once
	server    string // data source of the server's maintenance database, "%s" for the name
	startErr  error
	databases atomic.Int64
	keeper    lifeline
)

// lifeline is the write end of the keeping shell's input. Held in a variable it
// is never collected, so it closes when this process ends and not before.
type lifeline struct{ io.Closer }

func freshPostgres(t testing.TB, base string) string {
	t.Helper()
	startOnce.Do(func() { server, startErr = startPostgres() })
	if startErr != nil {
		if os.Getenv(RequireVariable) != "" {
			t.Fatalf("PostgreSQL is required here: %v", startErr)
		}
		t.Skipf("SKIPPED: NOTHING IS TESTED ON POSTGRESQL HERE: %v", startErr)
	}
	if base == template {
		if err := postgresTemplate(); err != nil {
			t.Fatal(err)
		}
	}
	name := fmt.Sprintf("redress_%d_%d", os.Getpid(), databases.Add(1))
	must := func(statement string) {
		t.Helper()
		if err := admin(statement); err != nil {
			t.Fatal(err)
		}
	}
	must("CREATE DATABASE " + name + " TEMPLATE " + base)
	t.Cleanup(func() { must("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)") })
	return fmt.Sprintf(server, name)
}

func admin(statement string) error {
	db, err := sql.Open("pgx", fmt.Sprintf(server, "postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// startPostgres starts a server on a socket in a temporary directory. A shell
// holds it and ends it when this process ends, however it ends.
func startPostgres() (string, error) {
	if given := os.Getenv(ServerVariable); given != "" {
		return given, nil
	}
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "redress-pg-")
	if err != nil {
		return "", err
	}
	owner, err := unprivileged(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	create := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
	create.SysProcAttr = owner
	if out, err := create.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	// The flush to disk is left out: what is tested here is not PostgreSQL's own
	// durability, and its commits still order and isolate.
	const script = `"$0" -D "$1" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=300 >"$2/log" 2>&1 &
pid=$!
cat >/dev/null
kill -INT $pid
wait $pid
rm -rf "$2"`
	shell := exec.Command("/bin/sh", "-c", script, filepath.Join(bin, "postgres"), data, dir)
	shell.SysProcAttr = owner
	if keeper.Closer, err = shell.StdinPipe(); err != nil {
		return "", err
	}
	if err := shell.Start(); err != nil {
		return "", err
	}
	source := "host=" + dir + " user=postgres dbname=%s sslmode=disable"
	return source, waitFor(source, filepath.Join(dir, "log"))
}

// unprivileged gives the directory to a user that PostgreSQL accepts: it
// refuses to run as root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	var found *user.User
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			found = u
			break
		}
	}
	if found == nil {
		return nil, fmt.Errorf("running as root, and there is no user postgres or nobody to run PostgreSQL as")
	}
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, os.Chown(dir, uid, gid)
}

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Sort(folders)
	slices.Reverse(folders)
	for _, folder := range append(folders, filepath.SplitList(os.Getenv("PATH"))...) {
		_, errInit := os.Stat(filepath.Join(folder, "initdb"))
		_, errServer := os.Stat(filepath.Join(folder, "postgres"))
		if errInit == nil && errServer == nil {
			return folder, nil
		}
	}
	return "", fmt.Errorf("no initdb and postgres in PATH or under /usr/lib/postgresql; install PostgreSQL or set %s", ServerVariable)
}

func waitFor(source, log string) error {
	db, err := sql.Open("pgx", fmt.Sprintf(source, "postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for range 300 {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	text, _ := os.ReadFile(log)
	return fmt.Errorf("PostgreSQL did not start: %w: %s", err, strings.TrimSpace(string(text)))
}

// Raw connects to a test's database past the store, to look or meddle behind
// its back.
func Raw(t testing.TB, o store.Options) *sql.DB {
	t.Helper()
	db, err := openRaw(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openRaw(o store.Options) (*sql.DB, error) {
	if o.DatabaseURL != "" {
		return sql.Open("pgx", o.DatabaseURL)
	}
	// The store's own file, whatever its path contains.
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.Join(o.Dir, sqliteFile))
	return sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
}

package tidy_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/httpapi"
	"redress/internal/identity"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// prelude stands for the server that the reader started: the first key comes
// from the test instead of the command line, and what is refused is counted.
const prelude = `set -euo pipefail
go() { echo "$FIRST_KEY"; }
curl() { command curl -S --fail-with-body "$@" || echo "REFUSED: ${!#}" >&2; }
`

// The commands of docs/api.md run as they stand, one after the other, and only
// the one that the text says is refused is refused.
func TestTheExamplesOfTheAPIRun(t *testing.T) {
	const needed = `command -v bash curl sha256sum && date -d 2022-10-15 +%s%N | grep -qx '[0-9]*'`
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", needed).CombinedOutput(); err != nil {
		if os.Getenv("REDRESS_REQUIRE_TOOLS") != "" {
			t.Fatalf("bash, curl, sha256sum and GNU date are required here: %s", out)
		}
		t.Skip("SKIPPED: THE EXAMPLES OF docs/api.md ARE NOT RUN HERE: they need bash, curl, sha256sum and GNU date")
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := prelude
	for _, m := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script += m[1]
	}
	server, key := serve(t)
	dir := t.TempDir()
	internal, err := filepath.Abs(filepath.Join(root, "internal"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(internal, filepath.Join(dir, "internal")); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-c", script)
	shell.Dir, shell.Env = dir, append(os.Environ(), "SERVER="+server, "FIRST_KEY="+key)
	var out, problems bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &problems
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), problems.String())
	}
	if n := strings.Count(problems.String(), "REFUSED"); n != 1 || !strings.Contains(out.String(), `"role_not_permitted"`) {
		t.Errorf("%d calls were refused; want the auditor's alone\n%s\n%s", n, out.String(), problems.String())
	}
	if !strings.Contains(out.String(), "Idempotent-Replayed: true") || !strings.Contains(out.String(), `"claim.submitted"`) {
		t.Errorf("no claim was submitted, or its retry not recognised\n%s", out.String())
	}
}

// serve starts the API on a fresh database and issues the first key.
func serve(t *testing.T) (address, key string) {
	t.Helper()
	db, err := store.Open(storetest.Options(t, "sqlite"))
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
	contract, err := os.ReadFile(filepath.Join(root, "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	service := claims.New(db, time.Now)
	if err := service.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := evidence.Open(t.Context(), t.TempDir(), make([]byte, 32), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	service.KeepFiles(files)
	issued, err := service.IssueFirstKey(t.Context(), claims.KeyRequest{Role: identity.Admin, Label: "first"})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := httpapi.New(httpapi.Config{
		Claims: service, Audit: keepLog(t, db), Contract: contract, Docs: http.NotFoundHandler(), Verify: http.NotFoundHandler(),
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, issued.Token
}

// keepLog keeps the log of a database while the test runs.
func keepLog(t *testing.T, db *store.Store) *auditlog.Log {
	t.Helper()
	secret, public, err := auditlog.GenerateLogKey(rand.Reader, "claims.example/log")
	if err != nil {
		t.Fatal(err)
	}
	list := "log " + public + "\n"
	keys, err := auditlog.ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auditlog.NewSigner(keys, secret)
	if err != nil {
		t.Fatal(err)
	}
	audit := auditlog.NewLog(db, signer, auditlog.LogOptions{Keys: list, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { audit.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return audit
}

package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"redress/internal/web"
)

// browserTime is how long one start of the browser may take, with all that the
// test does in it.
const browserTime = 1 * time.Minute

// browser runs a headless Chromium on an address until it ends by itself or the
// context does, and answers what it printed. It skips, loudly, where there is
// none.
func browser(ctx context.Context, t *testing.T, address string, flags ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("REDRESS_REQUIRE_TOOLS") != "" {
			t.Fatal("chromium is missing and REDRESS_REQUIRE_TOOLS is set")
		}
		t.Skip("SKIPPED: THE PAGE THAT VERIFIES RECEIPTS IS NOT RUN HERE: it needs chromium")
	}
	profile, err := os.MkdirTemp("", "redress-browser-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile) // what a process that is ending still writes is left to the system
	ctx, cancel := context.WithTimeout(ctx, browserTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", append(append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + profile,
	}, flags...), address)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	if ctx.Err() == context.DeadlineExceeded {
		t.Fatalf("chromium did not end in time\n%s", stderr.String())
	}
	return stdout.Bytes()
}

// dumped is the page at the address as it stands when nothing happens any more.
func dumped(t *testing.T, address string) string {
	t.Helper()
	return string(browser(t.Context(), t, address, "--virtual-time-budget=20000", "--dump-dom"))
}

// inBrowser runs the harness of testdata in a browser, beside the page, with
// input as JSON, and reads what it reports.
func inBrowser(t *testing.T, keys string, input, report any) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	var reported []byte
	mux := newSite(keys, "frame-ancestors 'self'")
	mux.HandleFunc("GET /harness", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join("testdata", "harness.html"))
	})
	mux.HandleFunc("GET /input", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(input); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		if _, err := b.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		reported = b.Bytes()
		done()
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	browser(ctx, t, server.URL+"/harness")
	if err := json.Unmarshal(reported, report); err != nil {
		t.Fatalf("the harness reported %q: %v", reported, err)
	}
}

// newSite serves the page, and keys as the API does. Frames are let in where the
// test needs them.
func newSite(keys, frames string) *http.ServeMux {
	page := web.Verifier()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /verify", func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		page.ServeHTTP(recorded, r)
		policy := strings.Replace(recorded.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", frames, 1)
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
		w.Write(recorded.Body.Bytes())
	})
	mux.HandleFunc("GET /log/keys", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(keys)) })
	return mux
}

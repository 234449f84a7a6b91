package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redress/internal/auditlog"
	"redress/internal/bundle"
	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/publication"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// archive makes bundles of what a service published.
type archive struct {
	testing.TB
	*claims.Service
	log      *auditlog.Log
	incident string
	keys     string
	sample   claims.Sample

	admin, auditor, accountant identity.Actor
}

// must answers a value or ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newArchive files claims, publishes their totals, corrects them, publishes them
// again, and has a sample audited.
func newArchive(t testing.TB) *archive {
	t.Helper()
	town := newTown(t, storetest.Options(t, "sqlite"))
	town.file(t, 40)
	o := town.options
	o.Vault = must(identity.OpenVault(filepath.Join(o.Dir, "field.key")))(t)
	db := must(store.Open(o))(t)
	t.Cleanup(func() { db.Close() })
	files := logFiles{LogOrigin: "claims.example/log"}.keyFiles(o.Dir)
	signer, keys, err := files.Open()
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{
		TB: t, Service: claims.New(db, time.Now), log: auditlog.NewLog(db, signer, auditlog.LogOptions{Keys: keys}),
		incident: town.incident.ID, keys: keys,
		admin:      identity.Actor{Role: identity.Admin, KeyID: "1", Person: "admin"},
		auditor:    identity.Actor{Role: identity.Auditor, KeyID: "2", Person: "auditor"},
		accountant: identity.Actor{Role: identity.Accountant, KeyID: "3", Person: "accountant"},
	}
	ctx := t.Context()
	for n := 1; n <= 2; n++ {
		must(a.Seal(ctx, a.auditor, a.incident, claims.Reply[claims.Snapshot]{}))(t)
		must(a.ReleaseTotals(ctx, a.admin, a.incident, n, claims.Reply[claims.Release]{}))(t)
		must(a.Restate(ctx, a.admin, a.incident, claims.RestatementDraft{
			Release: n, Measure: publication.Claimed, Reason: lang.T("A claim & its copy were <both> counted.", "청구 한 건이 두 번 집계되었습니다."),
		}, claims.Reply[claims.Restatement]{}))(t)
	}
	a.integrate()
	must(a.IssueFirstKey(ctx, claims.KeyRequest{Role: identity.Accountant, Person: a.accountant.Person}))(t)
	draft := claims.SampleDraft{Nonce: []byte("named after the root"), Measure: publication.Estimated, Units: 5, Accountant: a.accountant.Person}
	a.sample = must(a.DrawSample(ctx, a.auditor, a.incident, 2, draft, claims.Reply[claims.Sample]{}))(t)
	var results []publication.Audited
	for _, d := range must(a.sample.Read())(t).Drawn {
		results = append(results, publication.Audited{ID: d.ID, Correct: d.Amount})
	}
	a.sample = must(a.EndSample(ctx, a.accountant, a.sample.ID, results, 95, claims.Reply[claims.Sample]{}))(t)
	a.integrate()
	return a
}

func (a *archive) integrate() {
	a.Helper()
	for must(a.log.Integrate(a.Context()))(a) > 0 {
	}
}

// contents are all that there is, for the accountant of the sample.
func (a *archive) contents() bundle.Contents {
	a.Helper()
	c := must(a.Bundle(a.Context(), a.accountant, a.incident))(a)
	c.Log.Keys = a.keys
	return c
}

// An auditor verifies what they downloaded with the program alone, from a directory,
// a zip or an address, and is told by name what was tampered with.
func TestABundleIsVerifiedByCommand(t *testing.T) {
	a := newArchive(t)
	contents := a.contents()
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := bundle.WriteDirectory(dir, contents); err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	if err := bundle.WriteZip(&zipped, contents); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bundle.zip")
	keys, kept := filepath.Join(t.TempDir(), "log.keys"), filepath.Join(t.TempDir(), "checkpoint")
	for name, data := range map[string][]byte{file: zipped.Bytes(), keys: []byte(a.keys), kept: contents.Log.Head.Published()} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(zipped.Bytes()) }))
	defer server.Close()
	for _, place := range []string{dir, file, server.URL + "/bundle"} {
		out := command(t, "verify", "bundle", place, "--keys", keys, "--previous", kept)
		for _, want := range []string{"What holds:", "2 release(s) were made again from them byte for byte", "5 came out byte for byte", "the hash of 5 is in the log", "unwitnessed"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not in:\n%s", place, want, out)
			}
		}
		if strings.Contains(out, "What does not hold") {
			t.Errorf("%s: a finding in:\n%s", place, out)
		}
	}
	fails := func(want string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{"verify", "bundle", dir, "--keys", keys}, &stdout, &stderr)
		if code != 1 || !strings.Contains(stdout.String(), want) || !strings.Contains(stderr.String(), "bundle_invalid") {
			t.Errorf("status %d, want %s: %s%s", code, want, stdout.String(), stderr.String())
		}
	}
	estimate := filepath.Join(dir, "estimates", contents.Estimates[0].ID.String(), "estimate.json")
	if err := os.WriteFile(estimate, bytes.Replace(contents.Estimates[0].Estimate, []byte(`"amount":`), []byte(`"amount":1`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	fails("estimate_differs: Made again")
	if err := os.Remove(filepath.Join(dir, "rules", "1.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keys, filepath.Join(dir, "rules", "1.json")); err != nil {
		t.Fatal(err)
	}
	fails("rules/1.json: file_irregular")
}

// What is no bundle is refused.
func TestWhatIsNoBundleIsRefused(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(dir, "log.keys")
	if _, _, err := (auditlog.KeyFiles{Secret: filepath.Join(dir, "log.key"), Public: keys}).Open(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, place := range []string{keys, filepath.Join(dir, "nowhere"), server.URL + "/bundle", t.TempDir()} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), []string{"verify", "bundle", place, "--keys", keys}, &stdout, &stderr); code != 1 {
			t.Errorf("%s: status %d: %s%s", place, code, stdout.String(), stderr.String())
		}
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// logbook is a server's log, as those see it who run it.
type logbook struct {
	testing.TB
	database
	logFiles
	flags []string // of serve
	kept  [][]byte // checkpoints that were published
}

// newLogbook publishes the log of the database in the flags as files.
func newLogbook(t testing.TB, args []string) *logbook {
	b := &logbook{TB: t, flags: append(args[:len(args):len(args)], "--log-directory", filepath.Join(t.TempDir(), "log"))}
	b.Dir, b.DatabaseURL, b.LogDirectory = args[1], args[3], b.flags[len(b.flags)-1]
	return b
}

func (b *logbook) keys() auditlog.Keys {
	b.Helper()
	keys, _, err := b.keyFiles(b.Dir).Read()
	if err != nil {
		b.Fatal(err)
	}
	return keys
}

// published is the checkpoint in the directory; nil before the first.
func (b *logbook) published() []byte {
	b.Helper()
	note, err := os.ReadFile(filepath.Join(b.LogDirectory, "checkpoint"))
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return note
}

// keep keeps the published checkpoint, as a reader of the log would.
func (b *logbook) keep() {
	if note := b.published(); note != nil {
		b.kept = append(b.kept, note)
	}
}

// await waits until something is so.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// settled waits until nothing waits and everything is published.
func (b *logbook) settled() {
	b.Helper()
	db, err := b.open()
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	await(b, "the log catches up", func() bool {
		waits, err := db.LogWaits(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		head, err := db.LogHead(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return !waits && bytes.Equal(head.Published(), b.published())
	})
}

// sound runs fsck, and verifies the published log against every checkpoint that
// was kept.
func (b *logbook) sound() auditlog.Audited {
	b.Helper()
	command(b, "fsck", "--dir", b.Dir, "--database-url", b.DatabaseURL, "--log-directory", b.LogDirectory)
	audited, err := auditlog.VerifyPublished(os.DirFS(b.LogDirectory), b.keys(), b.kept)
	if err != nil {
		b.Fatal(err)
	}
	return audited
}

// receipts verifies a receipt of every event of every claim that was
// acknowledged, and that the published log extends the checkpoint in each.
func (b *logbook) receipts(acknowledged []*filed) (verified int) {
	b.Helper()
	db, err := b.open()
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	service, keys := claims.New(db, time.Now), b.keys()
	seen := map[int64]bool{}
	for _, f := range acknowledged {
		actor, err := service.Authenticate(b.Context(), f.token)
		if err != nil {
			b.Fatal(err)
		}
		all, err := service.Receipts(b.Context(), actor, f.claimID)
		if err != nil || len(all) < 2 {
			b.Fatalf("claim %s: %d receipts, %v", f.claimID, len(all), err)
		}
		for _, r := range all {
			proven, err := auditlog.VerifyReceipt(r.Receipt, keys)
			if err != nil || proven.Entry.ID != r.EntryID || proven.Entry.Subject != f.claimID {
				b.Fatalf("the receipt of event %d of claim %s: %v (missing: %v)", r.N, f.claimID, err, r.Missing)
			}
			if !seen[proven.Checkpoint.TreeSize] {
				seen[proven.Checkpoint.TreeSize] = true
				b.kept = append(b.kept, proven.Checkpoint.Note)
			}
			verified++
		}
	}
	return verified
}

// TestKilledIntegratorsPublishOneLog kills the server while claims are filed and
// the log grows. Afterwards every event of every acknowledged claim has a receipt
// under the published log, which extends all that was published between.
func TestKilledIntegratorsPublishOneLog(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, args []string) {
		b := newLogbook(t, args)
		k := &killing{t: t, args: b.flags, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
		k.prepare()
		for range *kills {
			k.round()
			b.keep()
		}
		p := start(t, b.flags...)
		k.settle(p.base)
		b.settled()
		p.kill()
		n := b.receipts(k.all)
		if n == 0 {
			t.Fatal("nothing was acknowledged: nothing was tested")
		}
		audited := b.sound()
		t.Logf("%d kills, %d receipts, a log of %d entries that extends %d checkpoints", *kills, n, audited.Checkpoint.TreeSize, len(b.kept))
	})
}

// Two servers on one database publish one log to one directory.
func TestTwoServersPublishOneLog(t *testing.T) {
	o := storetest.Options(t, "postgres")
	args := []string{"--dir", o.Dir, "--database-url", o.DatabaseURL}
	b := newLogbook(t, args)
	k := &killing{t: t, args: b.flags, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
	k.prepare()
	servers := []*process{start(t, b.flags...), start(t, b.flags...)}
	for n := range 60 {
		if !k.file(servers[n%2].base) {
			t.Fatal("a server is gone")
		}
		b.keep()
	}
	servers[0].kill()
	for range 10 {
		if !k.file(servers[1].base) {
			t.Fatal("the other server is gone")
		}
	}
	b.settled()
	servers[1].kill()
	if n := b.receipts(k.all); n != 140 {
		t.Errorf("%d receipts of 70 claims", n)
	}
	b.sound()
}

// A restored older database signs nothing, says so, and goes on once it has taken
// over what was published.
func TestARestoredOlderDatabaseTakesOverWhatWasPublished(t *testing.T) {
	o := store.Options{Dir: t.TempDir()}
	args := []string{"--dir", o.Dir, "--database-url", ""}
	b := newLogbook(t, args)
	k := &killing{t: t, args: b.flags, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
	k.prepare()
	during := func(do func(p *process)) {
		p := start(t, b.flags...)
		defer p.kill()
		do(p)
	}
	files := func(n int) func(p *process) {
		return func(p *process) {
			for range n {
				if !k.file(p.base) {
					t.Fatal("the server is gone")
				}
			}
			b.settled()
			b.keep()
		}
	}
	during(files(5))
	before := k.all
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := storetest.Raw(t, o).ExecContext(t.Context(), "VACUUM INTO $1", backup); err != nil {
		t.Fatal(err)
	}
	during(files(5))
	for _, ending := range []string{"", "-wal", "-shm"} {
		if err := os.RemoveAll(filepath.Join(o.Dir, "redress.db"+ending)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(backup, filepath.Join(o.Dir, "redress.db")); err != nil {
		t.Fatal(err)
	}
	k.all = before
	published := b.published()
	during(func(p *process) {
		if !k.file(p.base) { // claims are taken all the same
			t.Fatal("the server is gone")
		}
		await(t, "the log stops", func() bool { return fetch(t, p.base+"/log/checkpoint") == http.StatusServiceUnavailable })
	})
	if !bytes.Equal(b.published(), published) {
		t.Error("a checkpoint was published")
	}
	if out := command(t, append([]string{"log", "adopt", b.LogDirectory}, args...)...); !strings.Contains(out, "leaves were taken over") {
		t.Errorf("adopt: %s", out)
	}
	during(files(2))
	b.receipts(k.all)
	b.sound()
}

// fetch answers the status of a GET.
func fetch(t testing.TB, url string) int {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// A consumer group's witness cosigns what a server publishes, receipts carry its
// cosignature, and a fork of the log finds no cosignature and no second reader.
func TestAWitnessOfTheProgram(t *testing.T) {
	o := store.Options{Dir: t.TempDir()}
	args := []string{"--dir", o.Dir, "--database-url", ""}
	b := newLogbook(t, args)
	k := &killing{t: t, args: b.flags, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
	k.prepare()
	p := start(t, b.flags...)
	state := filepath.Join(t.TempDir(), "witness.json")
	w, printed := launch(t, []string{"witness", state, "--name", "consumers.example/witness", "--log-keys", p.base + "/log/keys", "--address", "127.0.0.1:0"}, "witness consumers")
	defer func() { w.kill() }()
	p.kill()
	line := strings.TrimSpace(printed[strings.LastIndex(printed, "witness consumers"):])
	public := filepath.Join(o.Dir, "log.keys")
	text, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(public, append(text, line+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, b.flags...)
	defer func() { p.kill() }()
	if !k.file(p.base) {
		t.Fatal("the server is gone")
	}
	b.settled()
	await(t, "the witness cosigns", func() bool {
		audited, err := auditlog.VerifyPublished(os.DirFS(b.LogDirectory), b.keys(), nil)
		return err == nil && audited.Checkpoint.State() == auditlog.Witnessed
	})
	out := command(t, "verify", "log", p.base+"/log", "--keys", public)
	if !strings.Contains(out, "by 1 witness(es): consumers.example/witness") {
		t.Errorf("verify log: %s", out)
	}
	b.receiptByCommand(k.all[0], public)

	// Another database under the same key: the history that another reader would be
	// shown.
	fork := t.TempDir()
	for _, name := range []string{"log.key", "log.keys"} {
		data, err := os.ReadFile(filepath.Join(o.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(fork, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := start(t, "--dir", fork)
	defer f.kill()
	await(t, "the fork stops", func() bool { return fetch(t, f.base+"/log/checkpoint") == http.StatusServiceUnavailable })

	// The witness goes on where it was after it was killed.
	w.kill()
	w, _ = launch(t, []string{"witness", state, "--log-keys", public, "--address", strings.TrimPrefix(w.base, "http://")}, "witness consumers")
	if !k.file(p.base) {
		t.Fatal("the server is gone")
	}
	await(t, "the witness cosigns after its restart", func() bool {
		audited, err := auditlog.VerifyPublished(os.DirFS(b.LogDirectory), b.keys(), nil)
		return err == nil && audited.Checkpoint.State() == auditlog.Witnessed && audited.Checkpoint.TreeSize > 5
	})
}

// receiptByCommand verifies a receipt, and one that was tampered with, by the
// command.
func (b *logbook) receiptByCommand(f *filed, keys string) {
	b.Helper()
	db, err := b.open()
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	service := claims.New(db, time.Now)
	actor, err := service.Authenticate(b.Context(), f.token)
	if err != nil {
		b.Fatal(err)
	}
	receipt, err := service.Receipt(b.Context(), actor, f.claimID, 1)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "claim.tlog-proof")
	if err := os.WriteFile(file, receipt.Text, 0o600); err != nil {
		b.Fatal(err)
	}
	if out := command(b, "verify", "receipt", file, "--keys", keys); !strings.Contains(out, "claim.filed") || !strings.Contains(out, "1 witness(es)") {
		b.Errorf("verify receipt: %s", out)
	}
	if err := os.WriteFile(file, bytes.Replace(receipt.Text, []byte("index "), []byte("index 1"), 1), 0o600); err != nil {
		b.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"verify", "receipt", file, "--keys", keys}, &stdout, &stderr); code != 1 {
		b.Errorf("a tampered receipt: status %d: %s%s", code, stdout.String(), stderr.String())
	}
}

// What verify and fsck find, they name, and they fail.
func TestVerifyAndFsckFailByName(t *testing.T) {
	o := store.Options{Dir: t.TempDir()}
	args := []string{"--dir", o.Dir, "--database-url", ""}
	b := newLogbook(t, args)
	k := &killing{t: t, args: b.flags, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
	k.prepare()
	p := start(t, b.flags...)
	if !k.file(p.base) {
		t.Fatal("the server is gone")
	}
	b.settled()
	p.kill()
	export := filepath.Join(t.TempDir(), "export")
	command(t, append([]string{"log", "export", export}, args...)...)
	keys := filepath.Join(o.Dir, "log.keys")
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.WriteFile(kept, b.published(), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "verify", "log", export, "--keys", keys, "--previous", kept)
	fails := func(want string, line ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), line, &stdout, &stderr); code != 1 || !strings.Contains(stdout.String()+stderr.String(), want) {
			t.Errorf("%v: status %d, want %s: %s%s", line, code, want, stdout.String(), stderr.String())
		}
	}
	size := strings.Split(string(b.published()), "\n")[1]
	bundle := "tile/entries/000.p/" + size
	if err := os.Remove(filepath.Join(export, bundle)); err != nil {
		t.Fatal(err)
	}
	fails(bundle+": tile_missing", "verify", "log", export, "--keys", keys)
	raw := storetest.Raw(t, o)
	if _, err := raw.ExecContext(t.Context(), "UPDATE claims SET claimed = claimed + 1 WHERE id = $1", k.all[0].claimID); err != nil {
		t.Fatal(err)
	}
	fails(fmt.Sprintf("claim:%s: claim_differs", k.all[0].claimID), append([]string{"fsck"}, args...)...)
}

func TestALogsKeyIsRotatedByCommand(t *testing.T) {
	o := store.Options{Dir: t.TempDir()}
	args := []string{"--dir", o.Dir, "--database-url", ""}
	b := newLogbook(t, args)
	start(t, b.flags...).kill()
	b.settledAfter(args)
	old := b.keys()
	printed := command(t, "log", "rotate", "--dir", o.Dir)
	added, err := auditlog.ParseKeys(printed[strings.LastIndex(printed, "log "):])
	if err != nil {
		t.Fatal(err)
	}
	b.settledAfter(args)
	for name, keys := range map[string]auditlog.Keys{"old": old, "new": added} {
		if _, err := keys.Open(b.published()); err != nil {
			t.Errorf("a reader of the %s key: %v", name, err)
		}
	}
	b.sound()
}

// settledAfter writes something and runs a server until it is published.
func (b *logbook) settledAfter(args []string) {
	b.Helper()
	command(b, append([]string{"keys", "auditor"}, args...)...)
	p := start(b, b.flags...)
	defer p.kill()
	b.settled()
}

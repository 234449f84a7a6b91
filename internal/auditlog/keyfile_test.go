package auditlog_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"redress/internal/auditlog"
)

func keyFiles(t testing.TB) auditlog.KeyFiles {
	t.Helper()
	dir := t.TempDir()
	return auditlog.KeyFiles{Secret: dir + "/log.key", Public: dir + "/log.keys", Origin: origin}
}

func TestTheFirstStartMakesTheKeys(t *testing.T) {
	files := keyFiles(t)
	files.Origin = ""
	_, first, err := files.Open()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(files.Secret)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret key: %v, %v", info.Mode(), err)
	}
	_, again, err := files.Open()
	if err != nil || again != first {
		t.Errorf("the second start has other keys: %v", err)
	}
	keys, text, err := files.Read()
	if err != nil || text != first || !strings.HasPrefix(keys.Origin(), "redress/") {
		t.Errorf("%s: %s, %v", keys.Origin(), text, err)
	}
	other := keyFiles(t)
	other.Origin = ""
	_, second, err := other.Open()
	if err != nil || second == first {
		t.Errorf("two logs have one name: %v", err)
	}
}

func TestProcessesThatStartTogetherHaveOneKey(t *testing.T) {
	files := keyFiles(t)
	texts := make([]string, 8)
	var starting sync.WaitGroup
	for i := range texts {
		starting.Go(func() {
			var err error
			if _, texts[i], err = files.Open(); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for _, text := range texts {
		if text != texts[0] || text == "" {
			t.Fatalf("keys differ: %q", texts)
		}
	}
}

func TestKeyFilesThatDoNotBelongTogetherAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		harm       func(f *auditlog.KeyFiles) error
	}{
		{"the secret is missing", "put it back", func(f *auditlog.KeyFiles) error { return os.Remove(f.Secret) }},
		{"another name is asked for", "another log", func(f *auditlog.KeyFiles) error { f.Origin = "log.example/other"; return nil }},
		{"the public file is of another log", "belongs to none", func(f *auditlog.KeyFiles) error {
			return os.WriteFile(f.Public, []byte("log "+logKey(t, origin, 9).public), 0o600)
		}},
		{"the public file is damaged", "log_keys_malformed", func(f *auditlog.KeyFiles) error { return os.WriteFile(f.Public, []byte("log x"), 0o600) }},
		{"the secret is damaged", "signer key 1", func(f *auditlog.KeyFiles) error { return os.WriteFile(f.Secret, []byte("x"), 0o600) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := keyFiles(t)
			if _, _, err := files.Open(); err != nil {
				t.Fatal(err)
			}
			if err := c.harm(&files); err != nil {
				t.Fatal(err)
			}
			if _, _, err := files.Open(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// A log changes its key without a break: old readers follow while both keys sign,
// and what the old key signed stays valid once it has retired.
func TestALogRotatesItsKey(t *testing.T) {
	files, shelf := keyFiles(t), newShelf()
	advance := func() []byte {
		t.Helper()
		signer, text, err := files.Open()
		if err != nil {
			t.Fatal(err)
		}
		shelf.write(t, 10)
		if _, err := auditlog.NewLog(shelf, signer, auditlog.LogOptions{Keys: text}).Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		head, err := shelf.LogHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return head.Checkpoint
	}
	opens := func(what string, k auditlog.Keys, note []byte, want bool) {
		t.Helper()
		if _, err := k.Open(note); (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	first := advance()
	old, _, err := files.Read()
	if err != nil {
		t.Fatal(err)
	}
	added, err := files.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Rotate(); err == nil {
		t.Error("a third key was added")
	}
	both := advance()
	fresh := keys(t, "log "+added)
	opens("an old reader, while both sign", old, both, true)
	opens("a new reader, while both sign", fresh, both, true)

	// The operator retires the old key.
	secrets, err := os.ReadFile(files.Secret)
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(files.Public)
	if err != nil {
		t.Fatal(err)
	}
	_, second, _ := strings.Cut(string(secrets), "\n")
	if err := os.WriteFile(files.Secret, []byte(second), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.Public, []byte(strings.Replace(string(public), "\n", " until 20\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	last := advance()
	now, _, err := files.Read()
	if err != nil {
		t.Fatal(err)
	}
	for i, note := range [][]byte{first, both, last} {
		opens("a reader of all keys", now, note, true)
		opens("the old reader", old, note, i < 2)
		opens("the new reader", fresh, note, i > 0)
	}
}

func TestAWitnessRemembersAcrossItsRestart(t *testing.T) {
	file := t.TempDir() + "/witness.json"
	w, err := auditlog.OpenWitnessFile(file, "one.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auditlog.OpenWitnessFile(file, ""); err == nil {
		t.Error("two witnesses share a file")
	}
	for _, step := range []struct {
		latest, next string
		want         bool
	}{{"", "a", true}, {"", "b", false}, {"a", "b", true}, {"a", "c", false}} {
		var latest []byte
		if step.latest != "" {
			latest = []byte(step.latest)
		}
		if ok, err := w.Replace(t.Context(), origin, latest, []byte(step.next)); ok != step.want || err != nil {
			t.Errorf("%q after %q: %v, %v", step.next, step.latest, ok, err)
		}
	}
	if _, err := w.Replace(t.Context(), "log.example/other", nil, []byte("z")); err != nil {
		t.Error(err)
	}
	key := w.Key()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := auditlog.OpenWitnessFile(file, "two.example"); err == nil {
		t.Error("it goes by another name")
	}
	again, err := auditlog.OpenWitnessFile(file, "one.example")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	latest, err := again.Latest(t.Context(), origin)
	if err != nil || !bytes.Equal(latest, []byte("b")) || again.Key() != key {
		t.Errorf("it remembers %q, %v", latest, err)
	}
	if none, err := again.Latest(t.Context(), "log.example/third"); none != nil || err != nil {
		t.Errorf("of a log it never saw: %q, %v", none, err)
	}
	if _, err := auditlog.NewWitness(again.Key(), again); err != nil {
		t.Error(err)
	}
}

package auditlog_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
)

func TestTheSignerSignsOnlyWhatExtendsTheLastCheckpoint(t *testing.T) {
	k, another := logKey(t, origin, 1), logKey(t, origin, 2)
	trusted := keys(t, "log "+k.public)
	signer, err := auditlog.NewSigner(trusted, k.secret)
	if err != nil {
		t.Fatal(err)
	}
	m := logOf(t, 1000)
	at := func(m *memory, size int64) []byte { return sign(t, m.checkpoint(t, size).Text(), k) }
	restored := m.cut(600)        // from a backup that is older than what was published
	rewritten := restored.clone() // and went on without what it had lost
	rewritten.add(t, commitments(5000, 5500)...)
	damaged := m.clone()
	damaged.hashes[tlog.StoredHashIndex(9, 0)][0] ^= 1 // the first 512 entries
	elsewhere := auditlog.Checkpoint{Origin: "log.example/other", TreeSize: 600, RootHash: m.checkpoint(t, 600).RootHash}
	for _, c := range []struct {
		name string
		last []byte // nil for none
		size int64
		m    *memory
		want []string
	}{
		{"the first of all", nil, 1000, m, nil},
		{"an empty log", nil, 0, &memory{}, nil},
		{"after an empty log", at(m, 0), 1000, m, nil},
		{"grown", at(m, 600), 1000, m, nil},
		{"grown by one", at(m, 999), 1000, m, nil},
		{"the same again", at(m, 1000), 1000, m, nil},
		{"restored from before", at(m, 1000), 600, restored, []string{"log_rolled_back"}},
		{"restored and gone on", at(m, 1000), 1100, rewritten, []string{"consistency_not_proven"}},
		{"restored and gone on to the same size", at(m, 1000), 1000, rewritten, []string{"log_forked"}},
		{"a stored hash changed", at(m, 600), 1000, damaged, []string{"consistency_not_proven"}},
		{"the last is of another log", sign(t, elsewhere.Text(), k), 1000, m, []string{"origin_wrong"}},
		{"the last is signed by another", sign(t, m.checkpoint(t, 600).Text(), another), 1000, m, []string{"checkpoint_unsigned"}},
		{"the last was changed", flip(len(origin) + 1)(at(m, 600)), 1000, m, []string{"signature_invalid"}},
		{"the last is no checkpoint", []byte{}, 1000, m, []string{"checkpoint_malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var published [][]byte
			if c.last != nil {
				published = [][]byte{at(m, 0), c.last}
			}
			signed, err := signer.Sign(c.size, c.m, published...)
			if diff := cmp.Diff(c.want, reasons(err)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if err != nil {
				if signed != nil {
					t.Error("it is refused and signed all the same")
				}
				return
			}
			got, err := trusted.Open(signed)
			if err != nil || got.Checkpoint != c.m.checkpoint(t, c.size) {
				t.Errorf("signed %+v, %v", got, err)
			}
		})
	}
	lost := errors.New("connection lost")
	if _, err := signer.Sign(5, failing{lost}); !errors.Is(err, lost) {
		t.Errorf("an unreadable store: %v", err)
	}
}

func TestKeysChangeWithoutABreak(t *testing.T) {
	first, second := logKey(t, origin, 1), logKey(t, origin, 2)
	m := logOf(t, 300)
	var published []byte
	var all [][]byte
	advance := func(k auditlog.Keys, size int64, secrets ...string) {
		t.Helper()
		s, err := auditlog.NewSigner(k, secrets...)
		if err != nil {
			t.Fatal(err)
		}
		if published, err = s.Sign(size, m, all...); err != nil {
			t.Fatal(err)
		}
		all = append(all, published)
	}
	read := func(k auditlog.Keys, want ...string) {
		t.Helper()
		_, err := k.Open(published)
		if diff := cmp.Diff(want, reasons(err)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	oldReader := keys(t, "log "+first.public)
	overlap := keys(t, "log "+first.public, "log "+second.public)
	announced := keys(t, "log "+first.public+" until 200", "log "+second.public)
	newReader := keys(t, "log "+second.public)

	advance(oldReader, 100, first.secret)
	read(newReader, "checkpoint_unsigned")
	advance(overlap, 200, first.secret, second.secret)
	read(oldReader)
	read(newReader)
	read(announced)
	advance(announced, 300, first.secret, second.secret)
	read(oldReader, "checkpoint_unsigned") // the retired key signs no more
	read(newReader)
	read(announced)

	retired, err := auditlog.NewSigner(announced, first.secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := retired.Sign(300, m, published); reasons(err)[0] != "log_key_missing" {
		t.Errorf("the retired key alone: %v", err)
	}
}

func TestASignerNeedsAKeyThatReadersKnow(t *testing.T) {
	k, another, w := logKey(t, origin, 1), logKey(t, origin, 2), witnessKey(t, origin, 3)
	for name, secrets := range map[string][]string{
		"none": nil, "the public one": {k.public}, "an unknown one": {another.secret}, "a witness's": {w.secret}, "one of two unknown": {k.secret, another.secret},
	} {
		if _, err := auditlog.NewSigner(keys(t, "log "+k.public), secrets...); err == nil {
			t.Errorf("a signer with %s", name)
		}
	}
}

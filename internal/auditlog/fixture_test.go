package auditlog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/fault"
)

const origin = "log.example/redress"

// memory is a log kept in memory, as a database would keep it.
type memory struct {
	hashes []tlog.Hash
	leaves [][]byte
}

func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("hash %d is not stored", x)
		}
		hashes[i] = m.hashes[x]
	}
	return hashes, nil
}

func (m *memory) ReadLeaves(start, end int64) ([][]byte, error) { return m.leaves[start:end], nil }

func (m *memory) size() int64 { return int64(len(m.leaves)) }

// add integrates commitments and returns the root.
func (m *memory) add(t testing.TB, commitments ...[]byte) tlog.Hash {
	t.Helper()
	hashes, root, err := auditlog.Integrate(m.size(), commitments, m)
	if err != nil {
		t.Fatal(err)
	}
	m.hashes, m.leaves = append(m.hashes, hashes...), append(m.leaves, commitments...)
	if got, want := int64(len(m.hashes)), tlog.StoredHashCount(m.size()); got != want {
		t.Fatalf("%d hashes stored for %d entries, want %d", got, m.size(), want)
	}
	return root
}

// clone is the same log, to be continued differently.
func (m *memory) clone() *memory { return &memory{slices.Clone(m.hashes), slices.Clone(m.leaves)} }

// cut is the log as it was at an earlier size.
func (m *memory) cut(size int64) *memory {
	return &memory{slices.Clone(m.hashes[:tlog.StoredHashCount(size)]), slices.Clone(m.leaves[:size])}
}

func (m *memory) checkpoint(t testing.TB, size int64) auditlog.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, m)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.Checkpoint{Origin: origin, TreeSize: size, RootHash: root}
}

// commitment is the one of a made-up entry.
func commitment(i int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	return sum[:]
}

func commitments(from, to int) [][]byte {
	all := make([][]byte, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, commitment(i))
	}
	return all
}

// logOf is a log of made-up entries.
func logOf(t testing.TB, size int) *memory {
	t.Helper()
	m := &memory{}
	m.add(t, commitments(0, size)...)
	return m
}

// million is built once for all tests and benchmarks that need it.
var million = sync.OnceValue(func() *memory {
	m := &memory{leaves: commitments(0, 1_000_000)}
	var err error
	if m.hashes, _, err = auditlog.Integrate(0, m.leaves, m); err != nil {
		panic(err)
	}
	return m
})

// key is a key pair as its owner and its readers keep it.
type key struct{ secret, public string }

func seeded(seed byte) *bytes.Reader { return bytes.NewReader(bytes.Repeat([]byte{seed}, 32)) }

func logKey(t testing.TB, name string, seed byte) key {
	t.Helper()
	secret, public, err := auditlog.GenerateLogKey(seeded(seed), name)
	if err != nil {
		t.Fatal(err)
	}
	return key{secret, public}
}

func witnessKey(t testing.TB, name string, seed byte) key {
	t.Helper()
	secret, public, err := auditlog.GenerateWitnessKey(seeded(seed), name)
	if err != nil {
		t.Fatal(err)
	}
	return key{secret, public}
}

func keys(t testing.TB, lines ...string) auditlog.Keys {
	t.Helper()
	k, err := auditlog.ParseKeys(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sign signs any body with any log keys, as a log that misbehaves would.
func sign(t testing.TB, body string, by ...key) []byte {
	t.Helper()
	var signers []note.Signer
	for _, k := range by {
		s, err := note.NewSigner(k.secret)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, s)
	}
	signed, err := note.Sign(&note.Note{Text: body}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// publish writes the tree of a size as files.
func publish(t testing.TB, m *memory, size int64, checkpoint []byte) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"checkpoint": {Data: checkpoint}}
	if err := auditlog.Export(0, size, m, func(path string, data []byte) error {
		files[path] = &fstest.MapFile{Data: data}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// edit returns the files with one of them changed.
func edit(files fstest.MapFS, path string, change func(data []byte) []byte) fstest.MapFS {
	changed := maps.Clone(files)
	changed[path] = &fstest.MapFile{Data: change(slices.Clone(files[path].Data))}
	return changed
}

// remove returns the files without some of them.
func remove(files fstest.MapFS, paths ...string) fstest.MapFS {
	changed := maps.Clone(files)
	for _, path := range paths {
		delete(changed, path)
	}
	return changed
}

func flip(at int) func([]byte) []byte {
	return func(data []byte) []byte {
		data[at] ^= 1
		return data
	}
}

// reasons are the code of a fault and, of each field, pointer and code.
func reasons(err error) []string {
	f := fault.As(err)
	if f == nil {
		if err != nil {
			return []string{err.Error()}
		}
		return nil
	}
	all := []string{f.Code}
	for _, field := range f.Fields {
		all = append(all, field.Pointer+" "+field.Code)
	}
	return all
}

// into sends a client's requests straight into a handler.
type into struct{ http.Handler }

func (h into) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

package identity_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/identity"
)

func vault(t testing.TB, fill byte) *identity.Vault {
	t.Helper()
	v, err := identity.NewVault(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVaultOpensWhatItSealed(t *testing.T) {
	v := vault(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		context := rapid.String().Draw(t, "context")
		sealed := v.Seal(context, plain)
		if len(sealed) != identity.SealedMinLength+len(plain) {
			t.Fatalf("%d bytes are sealed in %d", len(plain), len(sealed))
		}
		if len(plain) > 4 && bytes.Contains(sealed, plain) {
			t.Fatal("the plain text shows")
		}
		if got, err := v.Open(context, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened as %x, %v; want %x", got, err, plain)
		}
	})
}

func TestVaultNeverSealsAlike(t *testing.T) {
	v := vault(t, 1)
	if bytes.Equal(v.Seal("claimants.name/1", []byte("청구인 하나")), v.Seal("claimants.name/1", []byte("청구인 하나"))) {
		t.Error("equal values can be told from their sealed form")
	}
}

func TestVaultRefusesWhatItDidNotSealThere(t *testing.T) {
	const context = "claimants.phone/0184"
	v := vault(t, 1)
	sealed := v.Seal(context, []byte("010-1234-5678"))
	flipped := func(at int) []byte {
		b := slices.Clone(sealed)
		b[at] ^= 1
		return b
	}
	refused := map[string]func() ([]byte, error){
		"another row":       func() ([]byte, error) { return v.Open("claimants.phone/0185", sealed) },
		"another column":    func() ([]byte, error) { return v.Open("claimants.name/0184", sealed) },
		"no context":        func() ([]byte, error) { return v.Open("", sealed) },
		"another key":       func() ([]byte, error) { return vault(t, 2).Open(context, sealed) },
		"nothing":           func() ([]byte, error) { return v.Open(context, nil) },
		"plain text":        func() ([]byte, error) { return v.Open(context, []byte("010-1234-5678")) },
		"a long plain text": func() ([]byte, error) { return v.Open(context, bytes.Repeat([]byte{1}, 100)) },
		"cut short":         func() ([]byte, error) { return v.Open(context, sealed[:identity.SealedMinLength-1]) },
		"cut by a byte":     func() ([]byte, error) { return v.Open(context, sealed[:len(sealed)-1]) },
		"a byte longer":     func() ([]byte, error) { return v.Open(context, append(slices.Clone(sealed), 0)) },
	}
	for name, open := range refused {
		if plain, err := open(); err == nil {
			t.Errorf("%s: opened as %q", name, plain)
		} else if strings.Contains(err.Error(), "1234") {
			t.Errorf("%s: the error shows the value: %v", name, err)
		}
	}
	for at := range sealed {
		if plain, err := v.Open(context, flipped(at)); err == nil {
			t.Errorf("altered byte %d: opened as %q", at, plain)
		}
	}
}

// What was sealed and indexed by an earlier program must stay readable and
// findable: neither the keys derived from a master key nor the form may change.
func TestVaultOpensAndFindsWhatWasStoredBefore(t *testing.T) {
	v := vault(t, 7)
	sealed, err := hex.DecodeString("01e1092969f90024f588f2477c77fe41d2ff2a8e4ce1caad97dc8ba2ba94ff875524a8c785f15d7c29b41a3aec")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := v.Open("claimants.name/018463d5", sealed); err != nil || string(plain) != "청구인 하나" {
		t.Errorf("opened as %q, %v", plain, err)
	}
	if got := hex.EncodeToString(v.Index("phone", "01012345678")); got != "31810068dbf9f98d154eb4f25c22b802" {
		t.Errorf("index %s", got)
	}
}

func TestIndexTellsEqualValuesOfOnePurposeAlone(t *testing.T) {
	index := func(fill byte, purpose, value string) string { return string(vault(t, fill).Index(purpose, value)) }
	phone := index(1, "phone", "01012345678")
	if len(phone) != 16 {
		t.Errorf("an index has %d bytes, want 16", len(phone))
	}
	if phone != index(1, "phone", "01012345678") {
		t.Error("equal values have different indexes")
	}
	for name, other := range map[string]string{
		"another value":              index(1, "phone", "01012345679"),
		"another purpose":            index(1, "account", "01012345678"),
		"another key":                index(2, "phone", "01012345678"),
		"the border between the two": index(1, "phone0", "1012345678"),
	} {
		if other == phone {
			t.Errorf("%s has the same index", name)
		}
	}
}

// Files lie sealed under a subkey for years: the key for a purpose may not change.
func TestSubkeyIsItsPurposesOwnAndStaysTheSame(t *testing.T) {
	subkey := func(fill byte, purpose string) string {
		t.Helper()
		key, err := vault(t, fill).Subkey(purpose)
		if err != nil || len(key) != 32 {
			t.Fatalf("%d bytes, %v", len(key), err)
		}
		return hex.EncodeToString(key)
	}
	evidence := subkey(7, "evidence")
	if evidence != "17a5c2070fa56525f7152a49bcb42423b8af670c506770051a325f10e2a01240" {
		t.Errorf("the key for evidence is %s", evidence)
	}
	for name, other := range map[string]string{
		"another purpose": subkey(7, "evidence2"),
		"no purpose":      subkey(7, ""),
		"another key":     subkey(8, "evidence"),
		"the master key":  strings.Repeat("07", 32),
		"an index":        hex.EncodeToString(vault(t, 7).Index("evidence", "")) + strings.Repeat("0", 32),
	} {
		if other[:32] == evidence[:32] {
			t.Errorf("%s gives the same key", name)
		}
	}
}

func TestNewVaultWantsAWholeKey(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := identity.NewVault(make([]byte, n)); err == nil {
			t.Errorf("a master key of %d bytes was taken", n)
		}
	}
}

func TestOpenVaultMakesAKeyThatOnlyTheOwnerReads(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "field.key")
	first, err := identity.OpenVault(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the key file has mode %v, want 0600", info.Mode())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind in the directory: %v, %v", files, err)
	}
	again, err := identity.OpenVault(path)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open("c", first.Seal("c", []byte("value"))); err != nil || string(plain) != "value" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
}

func TestServersThatStartTogetherAgreeOnOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "field.key")
	const servers = 16
	var together, done sync.WaitGroup
	together.Add(1)
	vaults, errs := make([]*identity.Vault, servers), make([]error, servers)
	for i := range servers {
		done.Go(func() {
			together.Wait()
			vaults[i], errs[i] = identity.OpenVault(path)
		})
	}
	together.Done()
	done.Wait()
	for i := range servers {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if _, err := vaults[i].Open("c", vaults[0].Seal("c", nil)); err != nil {
			t.Errorf("server %d has a key of its own: %v", i, err)
		}
	}
}

func TestOpenVaultRefusesADamagedKeyFile(t *testing.T) {
	whole := strings.Repeat("0a", 32)
	for name, text := range map[string]string{
		"empty":              "",
		"cut short":          whole[:62],
		"an odd digit":       whole[:63],
		"too long":           whole + "00",
		"not hexadecimal":    "z" + whole[1:],
		"two lines":          whole + "\n" + whole,
		"raw bytes":          strings.Repeat("\x07", 32),
		"a byte order mark":  "\ufeff" + whole,
		"a space in between": whole[:32] + " " + whole[32:],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "field.key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := identity.OpenVault(path)
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v; want an error that names the file", err)
			}
			if err != nil && strings.Contains(err.Error(), whole[:32]) {
				t.Errorf("the error shows the key: %v", err)
			}
			// A server that replaced the file would make every sealed value unreadable.
			if kept, err := os.ReadFile(path); err != nil || string(kept) != text {
				t.Errorf("the file was changed to %q, %v", kept, err)
			}
		})
	}
}

func TestOpenVaultSaysWhereItFoundNoPlace(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "absent")
	if _, err := identity.OpenVault(filepath.Join(missing, "field.key")); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing directory: %v; want an error that names it", err)
	}
	dir := t.TempDir()
	if _, err := identity.OpenVault(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory in place of the file: %v; want an error that names it", err)
	}
}

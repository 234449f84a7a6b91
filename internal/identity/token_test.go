package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/identity"
)

func TestNewTokenOpensItsOwnKeyAlone(t *testing.T) {
	form := regexp.MustCompile(`^rdk_[0-9a-f]{12}_[0-9a-f]{64}$`)
	seen := map[string]bool{}
	for range 1000 {
		id, hash, token := identity.NewToken()
		if !form.MatchString(token) || seen[token] || seen[id] {
			t.Fatalf("token %q of key %q is malformed or not new", token, id)
		}
		seen[token], seen[id] = true, true
		if strings.Contains(token, string(hash)) || len(hash) != 32 {
			t.Fatalf("hash %x is not a hash of the secret", hash)
		}
		gotID, gotHash, ok := identity.ParseToken(token)
		key := identity.Key{ID: id, Hash: hash}
		if !ok || gotID != id || !key.Matches(gotHash) {
			t.Fatalf("token %q is read as key %q, matching %t", token, gotID, key.Matches(gotHash))
		}
		_, otherHash, _ := identity.NewToken()
		if key.Matches(otherHash) {
			t.Fatal("another token opens the key")
		}
	}
}

func TestTamperedTokenDoesNotMatch(t *testing.T) {
	id, hash, token := identity.NewToken()
	key := identity.Key{ID: id, Hash: hash}
	rapid.Check(t, func(t *rapid.T) {
		altered := []byte(token)
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		altered[at] = rapid.Byte().Filter(func(b byte) bool { return b != token[at] }).Draw(t, "byte")
		gotID, gotHash, ok := identity.ParseToken(string(altered))
		if ok && gotID == id && key.Matches(gotHash) {
			t.Fatalf("%q opens the key of %q", altered, token)
		}
	})
}

func TestParseTokenRefusesWhatIsNoToken(t *testing.T) {
	_, _, token := identity.NewToken()
	for _, text := range []string{
		"", "rdk_", token[4:], "RDK_" + token[4:], " " + token, token + " ", token + "0", token[:len(token)-1],
		strings.Replace(token, "_", "-", 2), token[:16] + token[17:], "Bearer " + token,
	} {
		if id, _, ok := identity.ParseToken(text); ok {
			t.Errorf("%q was taken for the token of key %q", text, id)
		}
	}
}

func TestKeyWithoutAHashMatchesNothing(t *testing.T) {
	_, hash, _ := identity.NewToken()
	if (identity.Key{}).Matches(hash) {
		t.Error("a key without a hash matches")
	}
}

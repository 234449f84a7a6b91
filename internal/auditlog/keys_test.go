package auditlog_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/formats/log"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"redress/internal/auditlog"
)

func TestCheckpointsAreReadByAnotherImplementation(t *testing.T) {
	k, w := logKey(t, origin, 1), witnessKey(t, "witness.example/w1", 2)
	m := logOf(t, 1234)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	signer, err := auditlog.NewSigner(trusted, k.secret)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(m.size(), m)
	if err != nil {
		t.Fatal(err)
	}
	cosigned := cosign(t, trusted, w, signed, m)

	verifier, err := note.NewVerifier(k.public)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := formats.NewVerifierForCosignatureV1(w.public)
	if err != nil {
		t.Fatal(err)
	}
	theirs, rest, n, err := log.ParseCheckpoint(cosigned, origin, verifier, witness)
	if err != nil {
		t.Fatal(err)
	}
	if len(rest) > 0 || len(n.Sigs) != 2 {
		t.Errorf("%d signatures and the extension lines %q, want 2 and none", len(n.Sigs), rest)
	}
	at, err := formats.CoSigV1Timestamp(n.Sigs[1])
	if err != nil || !at.Equal(cosignedAt) {
		t.Errorf("cosigned at %v, %v; want %v", at, err, cosignedAt)
	}
	ours, err := trusted.Open(cosigned)
	if err != nil {
		t.Fatal(err)
	}
	want := auditlog.Signed{
		Checkpoint:   auditlog.Checkpoint{Origin: theirs.Origin, TreeSize: int64(theirs.Size), RootHash: tlog.Hash(theirs.Hash)},
		Note:         cosigned,
		Cosignatures: []auditlog.Cosignature{{Witness: "witness.example/w1", At: cosignedAt}},
	}
	if diff := cmp.Diff(want, ours); diff != "" {
		t.Errorf("(-theirs +ours):\n%s", diff)
	}
}

func TestCosignaturesOfAnotherImplementationCount(t *testing.T) {
	k, w := logKey(t, origin, 1), witnessKey(t, "witness.example/w1", 2)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	signed := sign(t, logOf(t, 7).checkpoint(t, 7).Text(), k)
	signer, err := formats.NewSignerForCosignatureV1(w.secret)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(mustVerifier(t, k.public)))
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(n, signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := trusted.Open(cosigned)
	if err != nil {
		t.Fatal(err)
	}
	if c.State() != auditlog.Witnessed || c.Cosignatures[0].At.Before(cosignedAt) {
		t.Errorf("%s: %v", c.State(), c.Cosignatures)
	}
}

func mustVerifier(t *testing.T, public string) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Test keys made by the same code could hide that a key is made wrongly.
func TestGeneratedKeysAreReadByTheLibrary(t *testing.T) {
	k := logKey(t, origin, 1)
	signer, err := note.NewSigner(k.secret)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign([]byte("text\n"))
	if err != nil {
		t.Fatal(err)
	}
	if v := mustVerifier(t, k.public); v.Name() != origin || !v.Verify([]byte("text\n"), sig) {
		t.Error("the verifier key does not verify what its signer key signs")
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "a\xff"} {
		if _, _, err := auditlog.GenerateLogKey(seeded(1), name); err == nil {
			t.Errorf("a key is named %q", name)
		}
	}
	if _, _, err := auditlog.GenerateWitnessKey(strings.NewReader("short"), "w"); err == nil {
		t.Error("a key is made of five bytes")
	}
}

func TestKeysAreReadWithTheirReasons(t *testing.T) {
	k, second, elsewhere := logKey(t, origin, 1), logKey(t, origin, 2), logKey(t, "log.example/other", 3)
	w := witnessKey(t, "w1", 4)
	_, public, err := auditlog.GenerateWitnessKey(seeded(4), "w2") // w1's key under another name
	if err != nil {
		t.Fatal(err)
	}
	good := keys(t, "# the log", "", "log "+k.public+" until 500", "  log "+second.public, "witness "+w.public+" https://witness.example/")
	if good.Origin() != origin || len(good.Witnesses()) != 1 || good.Witnesses()[0].URL != "https://witness.example/" {
		t.Errorf("read %q with witnesses %v", good.Origin(), good.Witnesses())
	}
	for name, text := range map[string]string{
		"nothing":                           "",
		"witnesses only":                    "witness " + w.public,
		"no key":                            "log",
		"no verifier key":                   "log " + origin,
		"a damaged key":                     "log " + strings.Replace(k.public, "+0", "+1", 1) + "x",
		"a signer key":                      "log " + k.secret,
		"a witness's key as the log's":      "log " + w.public,
		"the log's key as a witness's":      "log " + k.public + "\nwitness " + second.public,
		"two logs":                          "log " + k.public + "\nlog " + elsewhere.public,
		"the same key twice":                "log " + k.public + "\nlog " + k.public,
		"one witness under two names":       "log " + k.public + "\nwitness " + w.public + "\nwitness " + public,
		"an unknown word":                   "tree " + k.public,
		"retired at no number":              "log " + k.public + " until soon",
		"retired without a size":            "log " + k.public + " until",
		"retired otherwise":                 "log " + k.public + " after 5",
		"a word too many after a witness":   "log " + k.public + "\nwitness " + w.public + " https://a https://b",
		"a key of another signature scheme": "log " + k.public + "\nwitness " + vkey("w", 0x06, make([]byte, 32)),
	} {
		_, err := auditlog.ParseKeys(text)
		if diff := cmp.Diff([]string{"log_keys_malformed"}, reasons(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// vkey writes any key of any type, with a hash that is not checked.
func vkey(name string, typ byte, public []byte) string {
	return name + "+00000000+" + base64.StdEncoding.EncodeToString(append([]byte{typ}, public...))
}

func TestARetiredKeyCountsUpToItsSize(t *testing.T) {
	old, current, stolen := logKey(t, origin, 1), logKey(t, origin, 2), logKey(t, origin, 3)
	trusted := keys(t, "log "+old.public+" until 500", "log "+current.public)
	m := logOf(t, 501)
	for _, c := range []struct {
		name string
		size int64
		by   []key
		want []string
	}{
		{"the old key before it retired", 499, []key{old}, nil},
		{"the old key at its last size", 500, []key{old}, nil},
		{"the old key afterwards", 501, []key{old}, []string{"log_key_retired"}},
		{"both keys afterwards", 501, []key{old, current}, nil},
		{"the current key at any size", 1, []key{current}, nil},
		{"another key", 10, []key{stolen}, []string{"checkpoint_unsigned"}},
		{"another key beside the current", 10, []key{stolen, current}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := trusted.Open(sign(t, m.checkpoint(t, c.size).Text(), c.by...))
			if diff := cmp.Diff(c.want, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckpointBodiesAreReadStrictly(t *testing.T) {
	root := logOf(t, 9).checkpoint(t, 9).RootHash.String()
	empty := auditlog.Checkpoint{Origin: origin, RootHash: (&memory{}).checkpoint(t, 0).RootHash}
	if got, err := auditlog.ParseCheckpoint(empty.Text()); err != nil || got != empty {
		t.Errorf("an empty log is read as %+v, %v", got, err)
	}
	for name, text := range map[string]string{
		"nothing":                "",
		"two lines":              origin + "\n9\n",
		"no last newline":        origin + "\n9\n" + root,
		"an extension line":      origin + "\n9\n" + root + "\nextra\n",
		"an empty line":          origin + "\n9\n" + root + "\n\n",
		"no origin":              "\n9\n" + root + "\n",
		"an origin with a space": "a b\n9\n" + root + "\n",
		"an origin with a plus":  "a+b\n9\n" + root + "\n",
		"a leading zero":         origin + "\n09\n" + root + "\n",
		"a sign":                 origin + "\n+9\n" + root + "\n",
		"a negative size":        origin + "\n-9\n" + root + "\n",
		"a size without end":     origin + "\n9223372036854775807\n" + root + "\n",
		"a size in words":        origin + "\nnine\n" + root + "\n",
		"a carriage return":      origin + "\r\n9\n" + root + "\n",
		"no padding":             origin + "\n9\n" + strings.TrimRight(root, "=") + "\n",
		"a hash cut short":       origin + "\n9\n" + root[4:] + "\n",
		"loose last bits":        origin + "\n9\n" + loosen(root) + "\n",
		"an empty log of 9":      origin + "\n0\n" + root + "\n",
	} {
		c, err := auditlog.ParseCheckpoint(text)
		if diff := cmp.Diff([]string{"checkpoint_malformed"}, reasons(err)); diff != "" {
			t.Errorf("%s is read as %+v (-want +got):\n%s", name, c, diff)
		}
	}
}

// loosen changes the bits of a base64 text that do not count.
func loosen(s string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := len(s) - 2
	return s[:i] + string(digits[strings.IndexByte(digits, s[i])^1]) + s[i+1:]
}

func TestNotesAreReadWithTheirReasons(t *testing.T) {
	k, w := logKey(t, origin, 1), witnessKey(t, "w1", 2)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	m := logOf(t, 9)
	signed := sign(t, m.checkpoint(t, 9).Text(), k)
	cosigned := cosign(t, trusted, w, signed, m)
	line := cosigned[len(signed):]
	elsewhere := auditlog.Checkpoint{Origin: "log.example/other", TreeSize: 9}
	for _, c := range []struct {
		name string
		note []byte
		want []string
	}{
		{"as it is", signed, nil},
		{"cosigned", cosigned, nil},
		{"nothing", nil, []string{"checkpoint_malformed"}},
		{"no signature", []byte(m.checkpoint(t, 9).Text()), []string{"checkpoint_malformed"}},
		{"a control character", append([]byte{7}, signed...), []string{"checkpoint_malformed"}},
		{"another size", bytes.Replace(signed, []byte("\n9\n"), []byte("\n8\n"), 1), []string{"signature_invalid"}},
		{"another time", slices.Concat(signed, forge(t, line)), []string{"signature_invalid"}},
		{"a witness alone", slices.Concat([]byte(m.checkpoint(t, 9).Text()), []byte("\n"), line), []string{"checkpoint_unsigned"}},
		{"another log", sign(t, elsewhere.Text(), k), []string{"origin_wrong"}},
		{"an extension line", sign(t, m.checkpoint(t, 9).Text()+"extra\n", k), []string{"checkpoint_malformed"}},
		{"no checkpoint", sign(t, "Pay to the bearer\n", k), []string{"checkpoint_malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := trusted.Open(c.note)
			if diff := cmp.Diff(c.want, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// forge changes the time of a cosignature.
func forge(t *testing.T, line []byte) []byte {
	t.Helper()
	words := strings.Fields(string(line))
	sig, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil {
		t.Fatal(err)
	}
	sig[11]++ // the last byte of the time, after the key's hash
	return []byte("— " + words[1] + " " + base64.StdEncoding.EncodeToString(sig) + "\n")
}

func TestEachWitnessCountsOnceAndUnknownOnesNever(t *testing.T) {
	k, w1, renewed, w2, stranger := logKey(t, origin, 1), witnessKey(t, "w1", 2), witnessKey(t, "w1", 3), witnessKey(t, "w2", 4), witnessKey(t, "w3", 5)
	trusted := keys(t, "log "+k.public, "witness "+w2.public, "witness "+w1.public, "witness "+renewed.public)
	m := logOf(t, 9)
	signed := sign(t, m.checkpoint(t, 9).Text(), k)
	all := signed
	for _, w := range []key{w2, w1, renewed, stranger} {
		all = append(all, cosign(t, keys(t, "log "+k.public, "witness "+w.public), w, signed, m)[len(signed):]...)
	}
	c, err := trusted.Open(all)
	if err != nil {
		t.Fatal(err)
	}
	want := []auditlog.Cosignature{{Witness: "w1", At: cosignedAt}, {Witness: "w2", At: cosignedAt}}
	if diff := cmp.Diff(want, c.Cosignatures); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c, err := trusted.Open(signed); err != nil || c.State() != auditlog.Unwitnessed {
		t.Errorf("without cosignatures it is %s, %v", c.State(), err)
	}
}

func TestOnlyValidCosignaturesByKnownWitnessesAreAdded(t *testing.T) {
	k, w, stranger := logKey(t, origin, 1), witnessKey(t, "w1", 2), witnessKey(t, "w2", 3)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	m := logOf(t, 9)
	signed := sign(t, m.checkpoint(t, 9).Text(), k)
	known := cosign(t, trusted, w, signed, m)[len(signed):]
	unknown := cosign(t, keys(t, "log "+k.public, "witness "+stranger.public), stranger, signed, m)[len(signed):]
	for _, c := range []struct {
		name  string
		lines []byte
		want  []byte
		wrong []string
	}{
		{"none", nil, signed, nil},
		{"one", known, slices.Concat(signed, known), nil},
		{"the same twice", slices.Concat(known, known), slices.Concat(signed, known), nil},
		{"a known and an unknown one", slices.Concat(unknown, known), slices.Concat(signed, known), nil},
		{"a forged one", forge(t, known), nil, []string{"signature_invalid"}},
		{"no signature", []byte("ok\n"), nil, []string{"checkpoint_malformed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := trusted.AddCosignatures(signed, c.lines)
			if diff := cmp.Diff(c.wrong, reasons(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOneChangedBitOfASignedCheckpointIsNoticed(t *testing.T) {
	k, w := logKey(t, origin, 1), witnessKey(t, "w1", 2)
	trusted := keys(t, "log "+k.public, "witness "+w.public)
	m := logOf(t, 100)
	signed := cosign(t, trusted, w, sign(t, m.checkpoint(t, 100).Text(), k), m)
	want, err := trusted.Open(signed)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := slices.Clone(signed)
		bit := rapid.IntRange(0, 8*len(changed)-1).Draw(t, "bit")
		changed[bit/8] ^= 1 << (bit % 8)
		got, err := trusted.Open(changed)
		// A name or key hash that is changed makes a signature by nobody known.
		if err == nil && (got.Checkpoint != want.Checkpoint || len(got.Cosignatures) > 0 && !got.Cosignatures[0].At.Equal(cosignedAt)) {
			t.Fatalf("bit %d changed, and it reads %+v", bit, got)
		}
	})
}

var cosignedAt = time.Date(2022, 11, 1, 3, 30, 15, 0, time.UTC)

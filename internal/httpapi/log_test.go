package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
	"redress/internal/httpapi"
	"redress/internal/store"
)

// The keys of the log of every test server, and of its witness.
var (
	logSecret, logPublic         = generated(auditlog.GenerateLogKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)), "claims.example/log"))
	witnessSecret, witnessPublic = generated(auditlog.GenerateWitnessKey(bytes.NewReader(bytes.Repeat([]byte{2}, 32)), "witness.example"))
	logKeys                      = "log " + logPublic + "\nwitness " + witnessPublic + "\n"
)

func generated(secret, public string, err error) (string, string) {
	if err != nil {
		panic(err)
	}
	return secret, public
}

func trustedKeys(t *testing.T) auditlog.Keys {
	t.Helper()
	keys, err := auditlog.ParseKeys(logKeys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// newLog is the log of a database, which grows when a test says so.
func newLog(t *testing.T, db *store.Store) *auditlog.Log {
	t.Helper()
	signer, err := auditlog.NewSigner(trustedKeys(t), logSecret)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.NewLog(db, signer, auditlog.LogOptions{Keys: logKeys, Log: slog.New(slog.DiscardHandler)})
}

// integrate puts all that waits into the log, under a signed checkpoint.
func (s *server) integrate(t *testing.T) {
	t.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = s.audit.Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// forgetful is the memory of a witness that signs whatever it is shown.
type forgetful struct{}

func (forgetful) Latest(context.Context, string) ([]byte, error) { return nil, nil }

func (forgetful) Replace(context.Context, string, []byte, []byte) (bool, error) { return true, nil }

// cosign has the newest checkpoint cosigned.
func (s *server) cosign(t *testing.T) {
	t.Helper()
	keys := trustedKeys(t)
	witness, err := auditlog.NewWitness(witnessSecret, forgetful{}, keys)
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.CosignLog(t.Context(), func(h auditlog.Head) ([]byte, error) {
		line, err := witness.Add(t.Context(), auditlog.AddCheckpoint{Checkpoint: h.Checkpoint}.Format(), today)
		if err != nil {
			return nil, err
		}
		return keys.AddCosignatures(h.Checkpoint, line)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// states are the states of the receipts of a claim, by the number of the event.
func (s *server) states(t *testing.T, who string) []string {
	t.Helper()
	var all []string
	for i, r := range decode[httpapi.ReceiptList](t, s.send(t, get(who, "claims/{submitted}/receipt"))).Receipts {
		line := fmt.Sprintf("%d %s %s", r.N, r.Type, r.State)
		if r.Receipt != nil {
			line += " " + strings.ReplaceAll(*r.Receipt, s.names["submitted"], "{submitted}")
		}
		if r.N != i+1 || len(r.Leaf) != 64 || r.At.IsZero() {
			t.Errorf("receipt %d: %+v", i, r)
		}
		all = append(all, line)
	}
	return all
}

// A claimant's receipts are there once the log has grown, and verify offline,
// and are gone when what they say is erased.
func TestAClaimantFetchesReceipts(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		const waiting, ready = "receipt_not_ready", "ready /v1/claims/{submitted}/events/"
		lists := func(when string, first, second string) {
			t.Helper()
			for _, who := range []string{"driver", "reviewer"} {
				if diff := cmp.Diff([]string{"1 claim.filed " + first, "2 claim.submitted " + second}, s.states(t, who)); diff != "" {
					t.Errorf("%s, as %s (-want +got):\n%s", when, who, diff)
				}
			}
		}
		one := get("driver", "claims/{submitted}/events/2/receipt")
		lists("before the log grows", waiting, waiting)
		s.refuses(t, refusal{"", one, 409, waiting, nil})
		if after := s.send(t, one).header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After: %q", after)
		}
		s.integrate(t)
		lists("afterwards", ready+"1/receipt", ready+"2/receipt")
		a := s.send(t, one)
		s.isReceipt(t, a, auditlog.Unwitnessed)
		s.cosign(t)
		s.isReceipt(t, s.send(t, one), auditlog.Witnessed)
		if got := s.send(t, get("reviewer", "claims/{submitted}/events/2/receipt")); got.status != http.StatusOK {
			t.Errorf("a reviewer: %d", got.status)
		}
		s.data.change(t, "UPDATE entries SET salt = NULL, body = NULL WHERE type = 'claim.submitted'")
		lists("when it is erased", ready+"1/receipt", "entry_erased")
		s.refuses(t, refusal{"", one, 404, "entry_erased", nil})
	})
}

// isReceipt checks that the answer is a file that proves the submission.
func (s *server) isReceipt(t *testing.T, a answer, state string) {
	t.Helper()
	p, err := auditlog.VerifyReceipt(a.body, trustedKeys(t))
	if err != nil {
		t.Fatalf("status %d: %v\n%s", a.status, err, a.body)
	}
	if p.Entry.Type != "claim.submitted" || p.Entry.Subject != s.names["submitted"] || p.Checkpoint.State() != state {
		t.Errorf("proven: %s of %s, %s", p.Entry.Type, p.Entry.Subject, p.Checkpoint.State())
	}
	reference := s.must(t, get("driver", "claims/{submitted}"))["reference"].(string)
	sum := sha256.Sum256(a.body)
	want := map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store",
		"Content-Disposition": fmt.Sprintf(`attachment; filename="%[1]s-2.tlog-proof"; filename*=UTF-8''%[1]s-2.tlog-proof`, reference),
		"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
	}
	for name, value := range want {
		if got := a.header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// The log is everybody's, as files that other programs verify, and refuses as
// everything else does.
func TestTheLogIsServedToEverybody(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		none := refusal{"", request{line: "GET /log/checkpoint"}, 404, "checkpoint_not_found", nil}
		s.refuses(t, none)
		none.line = "GET /log/checkpoint.witnessed"
		s.refuses(t, none)
		s.integrate(t)
		s.cosign(t)
		size, err := s.store.LogHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tiles := fmt.Sprintf("000.p/%d", size.Size)
		const noCache, forEver = "no-cache", "public, max-age=31536000, immutable"
		for path, want := range map[string][2]string{
			"checkpoint": {"text/plain; charset=utf-8", noCache}, "checkpoint.witnessed": {"text/plain; charset=utf-8", noCache}, "keys": {"text/plain; charset=utf-8", noCache},
			"tile/0/" + tiles: {"application/octet-stream", forEver}, "tile/entries/" + tiles: {"application/octet-stream", forEver},
		} {
			a := s.send(t, request{line: "GET /log/" + path})
			if got := [2]string{a.header.Get("Content-Type"), a.header.Get("Cache-Control")}; a.status != 200 || got != want || a.header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %v %v", path, a.status, got, a.header)
			}
		}
		for path, code := range map[string]string{
			"tile/0/001": "tile_not_found", "tile/9/000": "tile_not_found", "tile/0/0": "tile_not_found", "tile/x/000": "tile_not_found",
			"tile/0": "not_in_contract", "": "not_in_contract", "log.key": "not_in_contract",
		} {
			s.refuses(t, refusal{"", request{line: "GET /log/" + path}, 404, code, nil})
		}
		s.refuses(t, refusal{"", request{line: "GET /log/keys?since=1"}, 422, invalid, []string{"query:since unknown_parameter"}})
		s.refuses(t, refusal{"", request{line: "GET /verify?receipt=1"}, 422, invalid, []string{"query:receipt unknown_parameter"}})
		s.refuses(t, refusal{"", request{line: "POST /log/checkpoint"}, 405, "not_in_contract", nil})
		if a := s.send(t, request{line: "GET /verify"}); a.status != 200 {
			t.Errorf("the page: %d", a.status)
		}
		audited, err := auditlog.VerifyPublished(auditlog.HTTPTree(t.Context(), client, s.url+"/log"), trustedKeys(t), nil)
		if err != nil || audited.Checkpoint.State() != auditlog.Witnessed {
			t.Errorf("what is served: %+v, %v", audited, err)
		}
	})
}

// A reader that asks for the head alone is answered as it would be in full.
func TestTheLogAnswersHead(t *testing.T) {
	handler, err := httpapi.New(httpapi.Config{Contract: contractText, Audit: newLog(t, nil), Docs: http.NotFoundHandler(), Verify: http.NotFoundHandler(), Now: (&clock{now: today}).Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/log/keys", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Length") != fmt.Sprint(len(logKeys)) {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
}

package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

func itoa(n int) string { return strconv.Itoa(n) }

// digest is the Repr-Digest of a body (RFC 9530).
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func TestFileComesBackAsItWasSent(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		got := s.send(t, request{as: "client", line: "GET /v1/claims/{mine}/evidence/{file}"})
		if got.status != http.StatusOK || string(got.body) != bankBook {
			t.Fatalf("status %d: %q", got.status, got.body)
		}
		want := map[string]string{
			"Content-Type":           "application/octet-stream",
			"Content-Length":         itoa(len(bankBook)),
			"Content-Disposition":    `attachment; filename="__ __.txt"; filename*=UTF-8''%ED%86%B5%EC%9E%A5%20%EC%82%AC%EB%B3%B8.txt`,
			"X-Content-Type-Options": "nosniff",
			"Cache-Control":          "no-store",
		}
		headers := map[string]string{}
		for name := range want {
			headers[name] = got.header.Get(name)
		}
		if diff := cmp.Diff(want, headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		listed := decode[httpapi.EvidenceList](t, s.send(t, request{as: "client", line: "GET /v1/claims/{mine}/evidence"})).Files
		if len(listed) != 1 || listed[0].Name != "통장 사본.txt" || listed[0].Type != "text/plain" || listed[0].Scan != "passed" || listed[0].SameAs != nil {
			t.Errorf("listed: %+v", listed)
		}
		s.must(t, request{as: "client", line: evidenceLine("waiting", "other", "again.txt"), header: plainText, body: bankBook})
		for _, f := range decode[httpapi.EvidenceList](t, s.send(t, request{as: "colleague", line: "GET /v1/claims/{waiting}/evidence?purpose=a+look+at+twins"})).Files {
			if f.SameAs == nil || *f.SameAs != 1 {
				t.Errorf("staff are not told that the file lies on another claim: %+v", f)
			}
		}
	})
}

// A file of ten gigabytes is refused by its length before any of it arrives,
// and one that does not say so soon after the limit; neither leaves anything.
func TestUploadStopsAtTheLimit(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		big := request{as: "client", line: evidenceLine("waiting", "other", "big.txt"), header: plainText}
		s.declares(t, s.prepare(t, big), 10<<30)
		var read atomic.Int64
		big.stream = func() io.Reader { return &counted{r: endless("day,amount\n")(), read: &read} }
		s.refuses(t, refusal{request: big, status: 413, code: "evidence_too_large"})
		// What lies in the buffers of both ends of the connection was sent, too.
		if n := read.Load(); n < maxEvidence || n > 16*maxEvidence {
			t.Errorf("%d bytes were taken for a limit of %d", n, maxEvidence)
		}
		if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
			t.Errorf("the database changed:\n%s", diff)
		}
	})
}

// What was attempted and should be known leaves an event, and nothing else.
func TestAttemptsAreKnown(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.changePolicy(t, `"senior": 20000000`, `"senior": 500000`)
		pdf := map[string]string{"Content-Type": "application/pdf"}
		for _, attempt := range []struct {
			name, claim, what string
			refusal
		}{
			{"malware", "mine", "evidence", refusal{request: request{as: "client", line: evidenceLine("mine", "other", "x.txt"), header: plainText, body: "MALWARE"}, status: 422, code: "malware_found"}},
			{"a file that lies about its type", "mine", "evidence", refusal{request: request{as: "client", line: evidenceLine("mine", "other", "x.pdf"), header: pdf, body: "MZ no PDF"}, status: 415, code: "evidence_type_mismatch"}},
			{"approving what one proposed", "proposed", "approve", refusal{request: s.doing(t, "reviewer's other key", "decisions/1/approve", "proposed", ""), status: 403, code: "own_decision"}},
			{"returning what one proposed", "proposed", "return", refusal{request: request{as: "reviewer's other key", line: "POST /v1/claims/{proposed}/decisions/1/return", body: `{"note": "x"}`}, status: 403, code: "own_decision"}},
			{"approving above one's authority", "proposed", "approve", refusal{request: request{as: "senior", line: "POST /v1/claims/{proposed}/decisions/1/approve"}, status: 403, code: "above_authority"}},
		} {
			t.Run(attempt.name, func(t *testing.T) {
				header := s.tag(t, attempt.claim)
				maps.Copy(header, attempt.header)
				attempt.header = header
				attempt.header["If-Match"] = s.tag(t, attempt.claim)["If-Match"]
				state := s.must(t, request{as: "client", line: "GET /v1/claims/{" + attempt.claim + "}"})["state"]
				s.refuses(t, attempt.refusal)
				events := decode[httpapi.EventList](t, s.send(t, request{as: "reviewer", line: "GET /v1/claims/{" + attempt.claim + "}/events"})).Events
				last := events[len(events)-1]
				if last.Type != "claim.attempt_refused" || last.Data["what"] != attempt.what || last.Data["code"] != attempt.code {
					t.Errorf("the last event is %+v", last)
				}
				s.inState(t, s.must(t, request{as: "client", line: "GET /v1/claims/{" + attempt.claim + "}"}), state.(string))
			})
		}
	})
}

// The loss of one car is paid once, whoever claims it; staff learn by which
// claim.
func TestLossOfOneCarIsPaidOnce(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.register(t, "partner", instead(instead(validDriver, "D-1001", "D-7007"), `"name": "첫째 차"`, `"name": "첫째 차", "platform_id": "CAR-2022-1005"`))
		s.must(t, request{as: "partner", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, body: hours(84 * 24)})
		s.make(t, "same", request{as: "partner", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"submit": true, "currency"`)})
		s.does(t, "colleague", "assign", "same", "")
		a := s.send(t, s.doing(t, "colleague", "decisions", "same", partly))
		decided := s.must(t, request{as: "client", line: "GET /v1/claims/{decided}"})
		if a.status != http.StatusConflict || a.problem.Code != "loss_already_compensated" || !strings.Contains(*a.problem.Detail, decided["reference"].(string)) {
			t.Errorf("status %d: %s", a.status, a.body)
		}
		s.does(t, "colleague", "decisions", "same", instead(refused, "no_loss_shown", "loss_compensated"))
		events := s.send(t, request{as: "colleague", line: "GET /v1/claims/{same}/events"})
		if !bytes.Contains(events.body, []byte(`"loss_already_compensated"`)) {
			t.Errorf("the attempt left no event: %s", events.body)
		}
	})
}

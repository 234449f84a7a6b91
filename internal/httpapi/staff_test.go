package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"

	"redress/internal/scheme"
)

// Every operation refuses a key that is not valid, and all but the public ones
// refuse to do without.
func TestEveryOperationRefusesABadKey(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		path := strings.NewReplacer("{key}", "{driver_key}", "{claimant}", "me", "{service}", "taxi", "{scheme}", "sandbox-2022", "{version}", "1", "{n}", "1",
			"{file}", noClaim, "{view}", noClaim, "{review}", noClaim, "{job}", noClaim, "{sample}", noClaim, "{index}", "0")
		for _, o := range operations {
			line := o.route.Method + " " + path.Replace(o.route.Path)
			s.refuses(t, refusal{request: request{as: "stranger", line: line}, status: 401, code: "key_not_valid"})
			if o.route.Operation.Security == nil {
				s.refuses(t, refusal{request: request{line: line}, status: 401, code: "key_required"})
			}
		}
	})
}

func TestServiceSaysHowItIs(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready", "/openapi.yaml": string(contractText), "/scheme.schema.json": string(scheme.Schema())} {
			if a := s.send(t, request{line: "GET " + path}); a.status != http.StatusOK || string(a.body) != want {
				t.Errorf("%s: status %d, %d bytes", path, a.status, len(a.body))
			}
		}
		if a := s.send(t, request{line: "GET /docs"}); a.status != http.StatusOK {
			t.Errorf("/docs: status %d", a.status)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		a := s.send(t, request{line: "GET /readyz"})
		if a.status != http.StatusServiceUnavailable || a.problem.Code != "not_ready" || a.header.Get("Retry-After") == "" {
			t.Errorf("without a database: status %d, code %q, Retry-After %q", a.status, a.problem.Code, a.header.Get("Retry-After"))
		}
		if a := s.send(t, request{line: "GET /healthz"}); a.status != http.StatusOK {
			t.Errorf("the process is alive without a database too, and says %d", a.status)
		}
		a = s.send(t, request{line: "GET /v1/incidents"})
		if a.status != http.StatusInternalServerError || strings.Contains(string(a.body), "sql") || strings.Contains(string(a.body), "closed") {
			t.Errorf("an error on our side is answered in detail: %d %s", a.status, a.body)
		}
	})
}

func TestStaffPrepareAnIncident(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		patched := s.must(t, request{as: "platform", line: "PATCH /v1/incidents/{bare}", header: ifMatch(`"v1"`),
			body: `{"platform": "Kakao T", "timestamps": [{"kind": "restored", "at": "2022-10-20T23:00:00+09:00", "source": "the operator", "note": "all of it"}]}`})
		if patched["platform"] != "Kakao T" || patched["state"] != "draft" {
			t.Errorf("patched: %v", patched)
		}
		s.must(t, request{as: "platform", line: "PUT /v1/incidents/{bare}/windows", header: ifMatch(`"v2"`), body: `{"services": ` + validServices + `}`})
		s.must(t, request{as: "platform", line: "PUT /v1/incidents/{bare}/scheme", header: ifMatch(`"v3"`), body: `{"id": "sandbox-2022", "version": 1}`})
		open := s.must(t, request{as: "platform", line: "POST /v1/incidents/{bare}/open", header: ifMatch(`"v4"`)})
		if open["state"] != "open" || open["version"] != 5.0 {
			t.Errorf("open: state %v, version %v", open["state"], open["version"])
		}
		s.must(t, request{line: "GET /v1/incidents/{bare}"})
	})
}

// A merge patch changes what it names, into objects too, and nothing else.
func TestPatchOfTheFilingPeriodKeepsTheRestOfIt(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		patched := s.must(t, request{as: "platform", line: "PATCH /v1/incidents/{late}", header: ifMatch(`"v2"`), body: `{"filing": {"closes_at": "2022-11-05T00:00:00+09:00"}}`})
		want := map[string]any{"opens_at": "2022-10-18T15:00:00Z", "closes_at": "2022-11-04T15:00:00Z", "late_until": "2022-11-30T15:00:00Z"}
		if diff := cmp.Diff(want, patched["filing"]); diff != "" {
			t.Errorf("filing (-want +got):\n%s", diff)
		}
		patched = s.must(t, request{as: "platform", line: "PATCH /v1/incidents/{late}", header: ifMatch(`"v3"`), body: `{"filing": {"late_until": null}}`})
		delete(want, "late_until")
		if diff := cmp.Diff(want, patched["filing"]); diff != "" {
			t.Errorf("filing (-want +got):\n%s", diff)
		}
	})
}

func TestSchemeComesBackByteForByte(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		posted := sandboxScheme
		for _, path := range []string{"/v1/schemes/sandbox-2022", "/v1/schemes/sandbox-2022/versions/1"} {
			if a := s.send(t, request{line: "GET " + path}); string(a.body) != posted {
				t.Errorf("%s is not what was posted: %s", path, a.body)
			}
		}
	})
}

func TestClaimantSeesThemselvesMaskedAndChangesThemselves(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		a := s.send(t, request{as: "merchant", line: "GET /v1/claimants/me"})
		for _, hidden := range []string{"새벽미용실", "555-0142", "12345678", "123456-04"} {
			if strings.Contains(string(a.body), hidden) {
				t.Errorf("%q shows in %s", hidden, a.body)
			}
		}
		changed := s.must(t, request{as: "merchant", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"phone": "02-555-0199", "bank_account": null, "annual_revenue": null}`})
		for _, gone := range []string{"bank_account", "annual_revenue"} {
			if _, there := changed[gone]; there {
				t.Errorf("%s is still there: %v", gone, changed[gone])
			}
		}
		if phone := changed["phone"]; phone != "****0199" {
			t.Errorf("phone %v", phone)
		}
		seen := s.must(t, request{as: "reviewer", line: "GET /v1/claimants/{merchant}"})
		if diff := cmp.Diff(changed, seen); diff != "" {
			t.Errorf("staff see another claimant:\n%s", diff)
		}
	})
}

func TestLedgerOfThePlatformStandsBesideTheUpload(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.must(t, request{as: "platform", line: "PUT /v1/claimants/{driver}/revenue/taxi?outlet=main", header: csvBody, body: hours(30 * 24)})
		var state httpapi.RevenueState
		if err := json.Unmarshal(s.send(t, request{as: "driver", line: "GET /v1/claimants/me/revenue/taxi"}).body, &state); err != nil {
			t.Fatal(err)
		}
		if len(state.Uploads) != 2 || state.Uploads[0].Source != "platform" || state.Uploads[1].Source != "claimant" {
			t.Errorf("uploads: %+v", state.Uploads)
		}
	})
}

// The stateless estimate answers the same from JSON and from CSV, and keeps
// nothing.
func TestEstimateOfAHistoryIsTheSameInBothForms(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		var buckets []string
		for line := range strings.Lines(hours(56 * 24)) {
			part := strings.Split(strings.TrimSpace(line), ",")
			if part[0] != "일시" {
				buckets = append(buckets, `{"start": "`+strings.Replace(part[0], " ", "T", 1)+`", "amount": `+part[1]+`, "count": `+part[2]+`}`)
			}
		}
		asJSON := s.must(t, estimateWith(`{"start": "2022-10-14T15:00", "amount": 20000, "count": 3}`, strings.Join(buckets, ",")))
		asCSV := s.must(t, request{header: csvBody, body: hours(56 * 24),
			line: "POST /v1/estimates?zone=Asia/Seoul&currency=KRW&declared_actual=25000&windows=2022-10-15T15:30:00%2B09:00/2022-10-16T01:30:00%2B09:00"})
		if diff := cmp.Diff(asJSON["baseline"], asCSV["baseline"]); diff != "" {
			t.Errorf("baseline (-JSON +CSV):\n%s", diff)
		}
		if outcome := asCSV["baseline"].(map[string]any)["outcome"]; outcome != "estimated" {
			t.Errorf("outcome %v", outcome)
		}
		if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
			t.Errorf("estimating changed the database:\n%s", diff)
		}
	})
}

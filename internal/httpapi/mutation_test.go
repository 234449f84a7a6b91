package httpapi_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/store/storetest"
)

// Whatever is done to a valid document, the answer keeps the contract and is
// never an error on our side.
func TestNoDocumentMakesTheServerFail(t *testing.T) {
	documents := map[string]request{
		"claim":      {as: "newcomer", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"submit": true, "currency"`)},
		"validation": {as: "newcomer", line: "POST /v1/claims/validate", body: validClaim},
		"patch":      {as: "driver", line: "PATCH /v1/claims/{claim}", body: instead(instead(validClaim, `"incident_id": "{incident}", `, ``), `"currency": "KRW", "channel": "web",`, ``), header: ifMatch(`"v1"`)},
		"claimant":   {line: "POST /v1/claimants", body: validMerchant},
		"incident":   {as: "admin", line: "POST /v1/incidents", body: validIncident},
		"estimate":   {line: "POST /v1/estimates", body: validEstimate},
		"key":        {as: "admin", line: "POST /v1/keys", body: `{"role": "delegate", "label": "a", "claimant_id": "{driver}", "expires_at": "2023-01-01T00:00:00Z"}`},
		"scheme":     {as: "admin", line: "POST /v1/schemes", body: sandboxScheme},
		"question":   {as: "reviewer", line: "POST /v1/claims/{submitted}/information-requests", body: question, header: ifMatch(`"v2"`)},
		"batch":      {as: "reviewer", line: "POST /v1/decisions/batch", body: `{"rows": [{"claim_id": "{submitted}", "version": 2, "decision": ` + partly + `}]}`},
		"bulk":       {as: "reviewer", line: "POST /v1/claims/bulk", body: `{"action": "hold", "preview": true, "reason": "awaits_ledger", "review_at": "2022-11-15T00:00:00+09:00", "filter": {"sector": "taxi"}}`},
		"sample":     {as: "auditor", line: "POST /v1/incidents/{incident}/snapshots/1/samples", body: sampleAsk},
		"results":    {as: "accountant", line: "POST /v1/samples/{sample}/results", body: `{"confidence_percent": 95, "results": [{"id": "{drawn0}", "correct": 1}]}`},
		"restated":   {as: "admin", line: "POST /v1/incidents/{incident}/restatements", body: restated},
		"rule":       {as: "admin", line: "PUT /v1/disclosure-rule", body: string(readFile("../publication/rule.json")), header: ifMatch(`"v1"`)},
		"erasure":    {as: "admin", line: "POST /v1/claimants/{driver}/erase", body: askErasure},
		"trial":      {as: "admin", line: "POST /v1/desk/policy/trials", body: `{"incident_id": "{incident}", "policy": ` + string(readFile("../claims/rulebooks/desk_policy.json")) + `}`},
	}
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			s := newTown(t, engine)
			s.publish(t)
			for name, r := range documents {
				t.Run(name, rapid.MakeCheck(func(rt *rapid.T) {
					mutated := r
					mutated.body = mutate(rt, s.fill(r.body))
					a := s.send(rt, mutated)
					if a.status >= 500 {
						rt.Fatalf("status %d for %s\n%s", a.status, mutated.body, s.log)
					}
					if name == "claim" && a.status == http.StatusCreated {
						s.withdraw(rt, a)
					}
				}))
			}
		})
	}
}

// withdraw makes room for the next claim.
func (s *server) withdraw(t *rapid.T, filed answer) {
	var claim struct{ ID string }
	if err := json.Unmarshal(filed.body, &claim); err != nil {
		t.Fatal(err)
	}
	s.must(t, request{as: "newcomer", line: "POST /v1/claims/" + claim.ID + "/withdraw", header: ifMatch(filed.header.Get("ETag"))})
}

// mutate changes a document in one to three places, or one of its bytes.
func mutate(t *rapid.T, document string) string {
	if rapid.IntRange(0, 9).Draw(t, "way") == 0 {
		b := []byte(document)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		return string(b)
	}
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		root = mutateValue(t, root)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mutateValue goes down to a random place and changes what it finds there.
func mutateValue(t *rapid.T, v any) any {
	deeper := rapid.IntRange(0, 9).Draw(t, "deeper") > 0
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 || !deeper {
			break
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(v))).Draw(t, "name")
		if rapid.IntRange(0, 9).Draw(t, "drop") == 0 {
			delete(v, name)
		} else {
			v[name] = mutateValue(t, v[name])
		}
		return v
	case []any:
		if len(v) == 0 || !deeper {
			break
		}
		i := rapid.IntRange(0, len(v)-1).Draw(t, "element")
		if rapid.IntRange(0, 4).Draw(t, "twice") == 0 {
			return append(v, v[i])
		}
		v[i] = mutateValue(t, v[i])
		return v
	case json.Number:
		return rapid.SampledFrom(numbers).Draw(t, "number")
	case string:
		if rapid.Bool().Draw(t, "text") {
			return rapid.SampledFrom(texts).Draw(t, "text")
		}
	}
	return rapid.SampledFrom(others).Draw(t, "other")
}

var (
	numbers = []json.Number{
		"0", "1", "-1", "9999", "10000", "10001", "9007199254740991", "9007199254740992", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "1e3", "1.0", "0.5", "1e400", "-0",
	}
	texts = []any{
		"", " ", "\x00", "main", "second", "taxi", "hair", "shop", "KRW", "USD", "JPY", "Asia/Seoul", "UTC", "America/New_York", "me",
		"2022-10-15T15:30:00+09:00", "1990-01-01T00:00:00Z", "2100-12-31T23:59:59Z", "2022-10-15T15:30:00.123456789Z", "2022-10-15T00:00:00+23:59",
		"2022-03-13T02:30:00-05:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2022-10-15", "\ufffd\u202e", strings.Repeat("가", 400),
		"driver", "merchant", "saved_cost", "payment", "cannot_tell",
	}
	others = []any{
		nil, true, json.Number("7"), "text", json.RawMessage(`[]`), json.RawMessage(`{}`), json.RawMessage(`[null]`), json.RawMessage(`{"": ""}`),
		json.RawMessage(`[[{"ko": "x"}]]`),
	}
)

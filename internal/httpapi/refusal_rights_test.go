package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

const noClaim = "01928a3e-6f5b-7c10-8a44-1f2e3d4c5b6a" // an id that nothing has

// Requests by somebody who may not make them. What is somebody else's is
// answered as what is not there.
var unauthorised = []refusal{
	{"no key", request{line: "GET /v1/claims"}, 401, "key_required", nil},
	{"no key, for a receipt", request{line: "GET /v1/claims/{submitted}/events/1/receipt"}, 401, "key_required", nil},
	{"no key, to file", request{line: "POST /v1/claims", body: validClaim}, 401, "key_required", nil},
	{"a token that is none", request{as: "stranger", line: "GET /v1/claims"}, 401, "key_not_valid", nil},
	{"a token with a guessed secret", request{as: "forger", line: "GET /v1/claims"}, 401, "key_not_valid", nil},
	{"a token of bytes that are no text", request{line: "GET /v1/claims", header: map[string]string{"Authorization": "Bearer rdk_\xff\xfe0123456789_" + strings.Repeat("0", 64)}}, 401, "key_not_valid", nil},
	{"another way to sign in", request{line: "GET /v1/claims", header: map[string]string{"Authorization": "Basic YWRtaW46YWRtaW4="}}, 401, "key_not_valid", nil},
	{"a revoked key", request{as: "revoked", line: "GET /v1/claims"}, 401, "key_not_valid", nil},
	{"an expired key", request{as: "expired", line: "GET /v1/claims"}, 401, "key_not_valid", nil},
	{"a revoked key where none is needed", request{as: "revoked", line: "GET /v1/incidents"}, 401, "key_not_valid", nil},

	{"a claim that is not there", request{as: "merchant", line: "GET /v1/claims/" + noClaim}, 404, "claim_not_found", nil},
	{"another's claim", request{as: "merchant", line: "GET /v1/claims/{claim}"}, 404, "claim_not_found", nil},
	{"another's claim, by a delegate", request{as: "delegate", line: "GET /v1/claims/{claim}"}, 404, "claim_not_found", nil},
	{"another's estimate", request{as: "merchant", line: "GET /v1/claims/{submitted}/estimate"}, 404, "claim_not_found", nil},
	{"another's first estimate", request{as: "merchant", line: "GET /v1/claims/{submitted}/estimates/1"}, 404, "claim_not_found", nil},
	{"another's events", request{as: "merchant", line: "GET /v1/claims/{submitted}/events"}, 404, "claim_not_found", nil},
	{"another's receipts", request{as: "merchant", line: "GET /v1/claims/{submitted}/receipt"}, 404, "claim_not_found", nil},
	{"another's receipt", request{as: "merchant", line: "GET /v1/claims/{submitted}/events/1/receipt"}, 404, "claim_not_found", nil},
	{"another's receipt, by a delegate", request{as: "delegate", line: "GET /v1/claims/{submitted}/events/1/receipt"}, 404, "claim_not_found", nil},
	{"a receipt of what did not happen", request{as: "driver", line: "GET /v1/claims/{submitted}/events/9/receipt"}, 404, "event_not_found", nil},
	{"changing another's claim", request{as: "merchant", line: "PATCH /v1/claims/{claim}", body: `{"statement": "mine"}`, header: ifMatch(`"v1"`)}, 404, "claim_not_found", nil},
	{"submitting another's claim", request{as: "merchant", line: "POST /v1/claims/{claim}/submit", header: ifMatch(`"v1"`)}, 404, "claim_not_found", nil},
	{"withdrawing another's claim", request{as: "merchant", line: "POST /v1/claims/{claim}/withdraw", header: ifMatch(`"v1"`)}, 404, "claim_not_found", nil},
	{"filing for another", request{as: "merchant", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"claimant_id": "{newcomer}", "currency"`)}, 404, "claimant_not_found", nil},
	{"filing for another, by a delegate", request{as: "delegate", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"claimant_id": "{newcomer}", "currency"`)}, 404, "claimant_not_found", nil},
	{"validating for another", request{as: "merchant", line: "POST /v1/claims/validate", body: instead(validClaim, `"currency"`, `"claimant_id": "{newcomer}", "currency"`)}, 404, "claimant_not_found", nil},
	{"another claimant", request{as: "merchant", line: "GET /v1/claimants/{driver}"}, 404, "claimant_not_found", nil},
	{"changing another claimant", request{as: "merchant", line: "PATCH /v1/claimants/{driver}", body: `{"name": "me"}`, header: ifMatch(`"v1"`)}, 404, "claimant_not_found", nil},
	{"another's history", request{as: "merchant", line: "GET /v1/claimants/{driver}/revenue/taxi"}, 404, "claimant_not_found", nil},
	{"uploading another's history", request{as: "merchant", line: "PUT /v1/claimants/{driver}/revenue/taxi", header: csvBody, body: hours(48)}, 404, "claimant_not_found", nil},
	{"revoking another's key", request{as: "merchant", line: "DELETE /v1/keys/{driver_key}"}, 404, "key_not_found", nil},
	{"a delegate's key for another", request{as: "merchant", line: "POST /v1/keys", body: `{"role": "delegate", "claimant_id": "{driver}"}`}, 404, "claimant_not_found", nil},
	{"a key for a claimant that is not there", request{as: "admin", line: "POST /v1/keys", body: `{"role": "claimant", "claimant_id": "` + noClaim + `"}`}, 404, "claimant_not_found", nil},
	{"a draft incident, to the public", request{line: "GET /v1/incidents/{draft}"}, 404, "incident_not_found", nil},
	{"an estimate of a draft", request{as: "driver", line: "GET /v1/claims/{claim}/estimate"}, 404, "estimate_not_found", nil},
	{"an estimate that was never made", request{as: "driver", line: "GET /v1/claims/{submitted}/estimates/2"}, 404, "estimate_not_found", nil},
	{"a scheme nobody published", request{line: "GET /v1/schemes/generous"}, 404, "scheme_not_found", nil},
	{"a version nobody published", request{line: "GET /v1/schemes/sandbox-2022/versions/9"}, 404, "scheme_not_found", nil},
	{"a key that is not there", request{as: "admin", line: "DELETE /v1/keys/000000000000"}, 404, "key_not_found", nil},

	{"a claimant who records an incident", request{as: "driver", line: "POST /v1/incidents", body: validIncident}, 403, forbidden, nil},
	{"a reviewer who changes an incident", request{as: "reviewer", line: "PATCH /v1/incidents/{draft}", body: `{"platform": "Naver"}`, header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a payer who opens an incident", request{as: "payer", line: "POST /v1/incidents/{draft}/open", header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"an auditor who closes an incident", request{as: "auditor", line: "POST /v1/incidents/{incident}/close", header: ifMatch(`"v2"`)}, 403, forbidden, nil},
	{"an accountant who closes an incident", request{as: "accountant", line: "POST /v1/incidents/{incident}/close", header: ifMatch(`"v2"`)}, 403, forbidden, nil},
	{"a senior who sets windows", request{as: "senior", line: "PUT /v1/incidents/{draft}/windows", body: `{"services": ` + validServices + `}`, header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a claimant who sets the scheme", request{as: "driver", line: "PUT /v1/incidents/{draft}/scheme", body: `{"id": "sandbox-2022", "version": 1}`, header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a platform that publishes a scheme", request{as: "platform", line: "POST /v1/schemes", body: instead(sandboxScheme, `"version": 1`, `"version": 2`)}, 403, forbidden, nil},
	{"a claimant who registers another", request{as: "driver", line: "POST /v1/claimants", body: instead(validDriver, "D-1001", "D-3003")}, 403, forbidden, nil},
	{"an auditor who reads a claimant", request{as: "auditor", line: "GET /v1/claimants/{driver}"}, 403, forbidden, nil},
	{"an accountant who reads a claimant", request{as: "accountant", line: "GET /v1/claimants/{driver}"}, 403, forbidden, nil},
	{"a payer who changes a claimant", request{as: "payer", line: "PATCH /v1/claimants/{driver}", body: `{"name": "x"}`, header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a payer who uploads a history", request{as: "payer", line: "PUT /v1/claimants/{driver}/revenue/taxi", header: csvBody, body: hours(48)}, 403, forbidden, nil},
	{"an auditor who files", request{as: "auditor", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"claimant_id": "{newcomer}", "currency"`)}, 403, forbidden, nil},
	{"an accountant who files", request{as: "accountant", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"claimant_id": "{newcomer}", "currency"`)}, 403, forbidden, nil},
	{"an auditor who lists claims", request{as: "auditor", line: "GET /v1/claims"}, 403, forbidden, nil},
	{"an accountant who lists claims", request{as: "accountant", line: "GET /v1/claims"}, 403, forbidden, nil},
	{"an auditor who lists receipts", request{as: "auditor", line: "GET /v1/claims/{submitted}/receipt"}, 403, forbidden, nil},
	{"an auditor who fetches a receipt", request{as: "auditor", line: "GET /v1/claims/{submitted}/events/1/receipt"}, 403, forbidden, nil},
	{"a payer who changes a claim", request{as: "payer", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`, header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a payer who submits a claim", request{as: "payer", line: "POST /v1/claims/{claim}/submit", header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"the platform that withdraws a claim", request{as: "platform", line: "POST /v1/claims/{claim}/withdraw", header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"an auditor who withdraws a claim", request{as: "auditor", line: "POST /v1/claims/{claim}/withdraw", header: ifMatch(`"v1"`)}, 403, forbidden, nil},
	{"a reviewer who issues a key", request{as: "reviewer", line: "POST /v1/keys", body: `{"role": "admin"}`}, 403, forbidden, nil},
	{"a claimant who issues an admin's key", request{as: "driver", line: "POST /v1/keys", body: `{"role": "admin"}`}, 403, forbidden, nil},
	{"a delegate who changes where the money goes", request{as: "delegate", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"bank_account": null}`}, 403, "account_not_delegated", nil},
	{"a delegate who issues a key", request{as: "delegate", line: "POST /v1/keys", body: `{"role": "delegate"}`}, 403, forbidden, nil},
	{"a payer who lists keys", request{as: "payer", line: "GET /v1/keys"}, 403, forbidden, nil},
	{"a delegate who revokes a key", request{as: "delegate", line: "DELETE /v1/keys/{merchant_key}"}, 403, forbidden, nil},
}

const forbidden = "role_not_permitted"

// Requests that lack what keeps a retry from acting twice and one change from
// overwriting another.
var outOfTurn = []refusal{
	{"no idempotency key", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Idempotency-Key": ""}}, 400, "idempotency_key_required", nil},
	{"no idempotency key, to register", request{line: "POST /v1/claimants", body: validDriver, header: map[string]string{"Idempotency-Key": ""}}, 400, "idempotency_key_required", nil},
	{"an idempotency key of two quotation marks", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Idempotency-Key": `""`}}, 422, invalid, []string{"header:Idempotency-Key wrong_format"}},
	{"an idempotency key that is too long", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}}, 422, invalid, []string{"header:Idempotency-Key wrong_length"}},
	{"an idempotency key with a tab and another header in it", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Idempotency-Key": "a\tSet-Cookie: b=c"}}, 422, invalid, []string{"header:Idempotency-Key wrong_format"}},
	{"an idempotency key of bytes that are no text", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Idempotency-Key": "\xff\xfe"}}, 422, invalid, []string{"header:Idempotency-Key wrong_format"}},
	{"a change without If-Match", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`}, 428, "if_match_required", nil},
	{"submitting without If-Match", request{as: "driver", line: "POST /v1/claims/{claim}/submit"}, 428, "if_match_required", nil},
	{"withdrawing without If-Match", request{as: "driver", line: "POST /v1/claims/{claim}/withdraw"}, 428, "if_match_required", nil},
	{"changing a claimant without If-Match", request{as: "driver", line: "PATCH /v1/claimants/me", body: `{"name": "x"}`}, 428, "if_match_required", nil},
	{"changing an incident without If-Match", request{as: "admin", line: "PATCH /v1/incidents/{draft}", body: `{"platform": "x"}`}, 428, "if_match_required", nil},
	{"a stale ETag", request{as: "driver", line: "POST /v1/claims/{withdrawn}/submit", header: ifMatch(`"v1"`)}, 412, stale, nil},
	{"an ETag of the future", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`, header: ifMatch(`"v2"`)}, 412, stale, nil},
	{"a weak ETag", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`, header: ifMatch(`W/"v1"`)}, 412, stale, nil},
	{"an ETag that is none", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`, header: ifMatch(`v1`)}, 412, stale, nil},
	{"a stale ETag of a claimant", request{as: "driver", line: "PATCH /v1/claimants/me", body: `{"name": "x"}`, header: ifMatch(`"v9"`)}, 412, stale, nil},
	{"a stale ETag of an incident", request{as: "admin", line: "PUT /v1/incidents/{incident}/windows", body: `{"services": ` + validServices + `}`, header: ifMatch(`"v1"`)}, 412, stale, nil},
}

const stale = "version_stale"

// Requests that the present state does not allow.
var wrongState = []refusal{
	{"a second claim", request{as: "driver", line: "POST /v1/claims", body: validClaim}, 409, "claim_exists", nil},
	{"a second claim, submitted at once", request{as: "merchant", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"submit": true, "currency"`)}, 409, "claim_exists", nil},
	{"changing what is submitted", request{as: "driver", line: "PATCH /v1/claims/{submitted}", body: `{"statement": "x"}`, header: ifMatch(`"v2"`)}, 409, "claim_state", nil},
	{"submitting what is submitted", request{as: "driver", line: "POST /v1/claims/{submitted}/submit", header: ifMatch(`"v2"`)}, 409, "claim_state", nil},
	{"submitting what is withdrawn", request{as: "driver", line: "POST /v1/claims/{withdrawn}/submit", header: ifMatch(`"v2"`)}, 409, "claim_state", nil},
	{"withdrawing what is withdrawn", request{as: "driver", line: "POST /v1/claims/{withdrawn}/withdraw", header: ifMatch(`"v2"`)}, 409, "claim_state", nil},
	{"a claim before filing opens", claimWith(`{incident}`, `{soon}`), 409, "filing_not_open", nil},
	{"a claim after filing closes", claimWith(`{incident}`, `{over}`), 409, "filing_closed", nil},
	{"a claim on a closed incident", claimWith(`{incident}`, `{closed}`), 409, "incident_not_open", nil},
	{"closing what is closed", request{as: "admin", line: "POST /v1/incidents/{closed}/close", header: ifMatch(`"v3"`)}, 409, "incident_not_open", nil},
	{"closing what was never opened", request{as: "admin", line: "POST /v1/incidents/{draft}/close", header: ifMatch(`"v1"`)}, 409, "incident_not_open", nil},
	{"a driver id that is taken", request{line: "POST /v1/claimants", body: validDriver}, 409, "claimant_exists", nil},
	{"a business number that is taken, written otherwise", request{line: "POST /v1/claimants", body: instead(validMerchant, "123-45-67891", "1234567891")}, 409, "claimant_exists", nil},
}

// What is somebody else's is refused in the very words of what is not there.
func TestAnothersThingsLookLikeNothing(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for line, name := range map[string]string{
			"GET /v1/claims/{id}":                    "submitted",
			"GET /v1/claims/{id}/estimate":           "submitted",
			"GET /v1/claims/{id}/events":             "submitted",
			"GET /v1/claimants/{id}":                 "driver",
			"GET /v1/claimants/{id}/revenue/taxi":    "driver",
			"GET /v1/claimants/{id}/revenue/nothing": "driver",
		} {
			words := func(id string) string {
				p := s.send(t, request{as: "merchant", line: strings.Replace(line, "{id}", id, 1)}).problem
				return strings.ReplaceAll(fmt.Sprint(p.Status, p.Type, p.Title, p.Code, *p.Detail, p.Errors), id, "{id}")
			}
			if theirs, none := words(s.names[name]), words(noClaim); theirs != none {
				t.Errorf("%s: another's is %q, what is not there %q", line, theirs, none)
			}
		}
	})
}

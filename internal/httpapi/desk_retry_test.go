package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

// deskActs are the acts on one claim, in an order in which each is allowed.
var deskActs = []struct{ operation, who, what, claim, body string }{
	{"assignClaim", "reviewer", "assign", "waiting", `{}`},
	{"putBackClaim", "reviewer", "put-back", "waiting", ""},
	{"requestInformation", "reviewer", "information-requests", "mine", question},
	{"recallRequest", "reviewer", "information-requests/1/recall", "mine", ""},
	{"holdClaim", "reviewer", "hold", "mine", hold},
	{"releaseClaim", "reviewer", "release", "mine", ""},
	{"recuseFromClaim", "reviewer", "recuse", "mine", ""},
	{"answerRequest", "client", "information-requests/1/answer", "asked", `{"items": [{"code": "bankbook", "text": "Lost it."}, {"code": "hours", "text": "Three to ten."}]}`},
	{"decideClaim", "reviewer", "decisions", "asked", partly},
	{"fileAppeal", "client", "appeal", "asked", appeal},
	{"returnDecision", "second", "decisions/1/return", "proposed", `{"note": "Look at the ledger."}`},
	{"decideClaim-again", "reviewer", "decisions", "proposed", refused},
	{"approveDecision", "second", "decisions/2/approve", "proposed", `{}`},
	{"acceptDecision", "client", "accept", "proposed", ""},
	{"amendDecision", "reviewer", "amendments", "decided", instead(refused, `"reason"`, `"error_code": "wrong_facts", "reason"`)},
	{"submitClaim", "client", "submit", "returned", ""},
	{"askHuman", "client", "ask-human", "automatic", ""},
}

// Each act of the desk, sent twice under one key, acts once and answers the same
// bytes again.
func TestRetryAtTheDeskActsOnce(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.decidesAutomatically(t)
		for _, a := range deskActs {
			t.Run(a.operation, func(t *testing.T) { s.retries(t, a.operation, s.doing(t, a.who, a.what, a.claim, a.body)) })
		}
		for name, r := range map[string]request{
			"uploadEvidence": {as: "client", line: evidenceLine("decided", "other", "note.txt"), header: plainText, body: "a note"},
			"nextClaim":      {as: "second", line: "POST /v1/queue/next", body: `{"incident_id": "{incident}"}`},
			"saveView":       {as: "reviewer", line: "POST /v1/views", body: `{"name": "large", "filter": {"stake_from": 100000}}`},
			"bulkAct":        {as: "senior", line: "POST /v1/claims/bulk", body: `{"action": "hold", "reason": "related_claim", "review_at": "2022-11-15T00:00:00+09:00", "claims": [{"id": "{held}"}]}`},
			"decideBatch":    {as: "senior", line: "POST /v1/decisions/batch", body: `{"rows": [{"claim_id": "{waiting}", "version": 2, "decision": ` + partly + `}]}`},
		} {
			t.Run(name, func(t *testing.T) { s.retries(t, name, r) })
		}
		none := request{as: "reviewer", line: "POST /v1/queue/next", body: `{"region": "KR-50"}`}
		t.Run("nextClaim of nothing", func(t *testing.T) { s.retries(t, "nothing", none) })
	})
}

// decidesAutomatically puts a policy in force that decides the client's next
// claim, which is called automatic.
func (s *server) decidesAutomatically(t *testing.T) {
	t.Helper()
	s.changePolicy(t, `"enabled": false`, `"enabled": true`)
	s.changePolicy(t, `"max_score": 0`, `"max_score": 1000`)
	s.must(t, request{as: "client", line: "PUT /v1/claimants/me/revenue/taxi?outlet=spare", header: csvBody, body: hours(84 * 24)})
	s.make(t, "automatic", request{as: "client", line: "POST /v1/claims", body: `{
		"incident_id": "{incident}", "outlet": "spare", "submit": true, "lines": [{"service": "taxi"}],
		"subscriptions": [{"plan": "Pro", "service": "taxi", "monthly_fee": 39000}]}`})
	shown := s.must(t, request{as: "client", line: "GET /v1/claims/{automatic}"})
	if shown["state"] != "decided" || shown["automatic"] != true {
		t.Fatalf("not decided automatically: %v", shown["state"])
	}
}

// Every act on a claim needs the version it is based on, and that version only.
func TestEveryActOnAClaimNamesItsVersion(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.decidesAutomatically(t)
		acts := map[string]bool{}
		before := s.data.fingerprint(t)
		for _, a := range deskActs {
			acts[a.operation] = true
			r := s.doing(t, a.who, a.what, a.claim, a.body)
			r.header = nil
			s.refuses(t, refusal{request: r, status: 428, code: "if_match_required"})
			r.header = ifMatch(`"v77"`)
			s.refuses(t, refusal{request: r, status: 412, code: stale})
		}
		if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
			t.Errorf("the database changed:\n%s", diff)
		}
		for _, o := range operations {
			id := o.route.Operation.OperationID
			onClaim := o.route.Method == http.MethodPost && o.route.Operation.Parameters.GetByInAndName("header", "If-Match") != nil &&
				o.route.PathItem.Parameters.GetByInAndName("path", "claim") != nil
			if onClaim && !acts[id] && id != "withdrawClaim" {
				t.Errorf("%s is not tried", id)
			}
		}
	})
}

// Of many who decide on one version one decides, and of many who ask for the next
// claim no two get the same.
func TestReviewersAtOnceDoNotMeet(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		decision := s.doing(t, "reviewer", "decisions", "mine", partly)
		_, statuses := s.many(t, 12, func(int) request { return decision })
		// Who comes while another is deciding finds a decision made; who comes later,
		// another version.
		if statuses[http.StatusOK] != 1 || statuses[http.StatusPreconditionFailed]+statuses[http.StatusConflict] != 11 {
			t.Errorf("statuses of deciding: %v", statuses)
		}
		who := []string{"senior", "second", "reviewer's other key"}
		answers, _ := s.many(t, 12, func(i int) request { return request{as: who[i%3], line: "POST /v1/queue/next"} })
		taken := map[string]int{}
		for _, a := range answers {
			if a.status == http.StatusOK {
				taken[decode[httpapi.Claim](t, a).ID]++
			}
		}
		if len(taken) < 3 {
			t.Errorf("only %d claims were taken: %v", len(taken), taken)
		}
		for id, n := range taken {
			if n != 1 {
				t.Errorf("claim %s was given out %d times", id, n)
			}
		}
	})
}

// A bad row of a batch says why and where; the others go on, and a retry decides
// nothing twice.
func TestBatchGoesOnPastABadRow(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.does(t, "reviewer", "assign", "waiting", "")
		body := `{"rows": [
			{"claim_id": "{mine}", "version": 4, "decision": ` + partly + `},
			{"claim_id": "{held}", "version": 4, "decision": ` + partly + `},
			{"claim_id": "{waiting}", "version": 3, "decision": ` + instead(partly, "earned_instead", "no_such_reason") + `},
			{"claim_id": "` + noClaim + `", "version": 1, "decision": ` + partly + `},
			{"claim_id": "{mine}", "version": 4, "decision": ` + partly + `},
			{"claim_id": "{waiting}", "version": 3, "decision": ` + partly + `}]}`
		for _, key := range []string{"batch", "batch", "another"} {
			got := decode[httpapi.BulkResults](t, s.send(t, request{as: "reviewer", line: "POST /v1/decisions/batch", body: body, header: map[string]string{"Idempotency-Key": key}}))
			var codes []string
			for _, r := range got.Results {
				codes = append(codes, outcome(r))
			}
			want := []string{"decided", "claim_state", "invalid_fields", "claim_not_found", "version_stale", "decided"}
			if key == "another" {
				want[0], want[2], want[5] = "version_stale", "version_stale", "version_stale"
			}
			if diff := cmp.Diff(want, codes); diff != "" {
				t.Errorf("%s (-want +got):\n%s", key, diff)
			}
			if p := got.Results[2].Problem; key == "batch" && p.Errors[0].Pointer != "#/rows/2/decision/reason" {
				t.Errorf("the problem is said to be at %s", p.Errors[0].Pointer)
			}
		}
		if n := s.data.count(t, "decisions", "claim_id IN ('"+s.names["mine"]+"', '"+s.names["waiting"]+"')"); n != 2 {
			t.Errorf("%d decisions were made of two claims", n)
		}
	})
}

// outcome is the state that a row came to, or the code of its problem.
func outcome(r httpapi.BulkResult) string {
	if r.Problem != nil {
		return r.Problem.Code
	}
	return string(*r.State)
}

// A preview says what a bulk action would do and does nothing.
func TestBulkActionIsPreviewed(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		bulk := request{as: "second", line: "POST /v1/claims/bulk", body: `{"action": "assign", "preview": true, "filter": {"incident_id": "{incident}", "claimant_id": "{client}"}}`,
			header: map[string]string{"Idempotency-Key": "preview"}}
		preview := decode[httpapi.BulkResults](t, s.send(t, bulk))
		after := s.data.fingerprint(t)
		maps.DeleteFunc(after, func(table, _ string) bool { return table == "idempotency_keys" })
		maps.DeleteFunc(before, func(table, _ string) bool { return table == "idempotency_keys" })
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("a preview changed the database:\n%s", diff)
		}
		bulk.body, bulk.header = instead(bulk.body, `"preview": true, `, ""), nil
		done := decode[httpapi.BulkResults](t, s.send(t, bulk))
		if diff := cmp.Diff(preview, done); diff != "" || done.Done == 0 || done.Refused == 0 {
			t.Errorf("%d done, %d refused; preview and deed differ:\n%s", done.Done, done.Refused, diff)
		}
		codes := map[string]bool{}
		for _, r := range done.Results {
			codes[outcome(r)] = true
			if claim := s.must(t, request{as: "second", line: "GET /v1/claims/" + r.ClaimID}); r.Reference == nil || claim["reference"] != *r.Reference {
				t.Errorf("the row of %v has the reference %v", claim["reference"], r.Reference)
			}
		}
		if !slices.Contains(slices.Collect(maps.Keys(codes)), "claim_state") {
			t.Errorf("outcomes %v", codes)
		}
		if done.Matched == nil || *done.Matched != len(done.Results) {
			t.Errorf("%v match; %d have a result", done.Matched, len(done.Results))
		}
		named := request{as: "second", line: "POST /v1/claims/bulk", body: `{"action": "put_back", "preview": true, "claims": [{"id": "` + noClaim + `"}]}`}
		if unknown := decode[httpapi.BulkResults](t, s.send(t, named)); unknown.Matched != nil || unknown.Results[0].Reference != nil {
			t.Errorf("of a claim that is not there: %+v", unknown)
		}
	})
}

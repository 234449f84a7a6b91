package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Bad requests to the desk are refused within the contract and leave every table
// as it was. Those that leave an event on purpose are not among them.
func TestBadInputToTheDeskIsRefusedAndLeavesNothingBehind(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		for _, r := range s.deskRefusals(t) {
			t.Run(r.name, func(t *testing.T) {
				s.refuses(t, r)
				if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
					t.Errorf("the database changed:\n%s", diff)
					before = s.data.fingerprint(t)
				}
			})
		}
	})
}

func (s *server) deskRefusals(t *testing.T) []refusal {
	return slices.Concat(s.refusalsOfDeciding(t), s.refusalsOfReviewing(t), s.refusalsOfAppeals(t), refusalsOfFiles(), refusalsOfStaff())
}

// get, post and put are requests for what is not one claim's act.
func get(who, path string) request { return request{as: who, line: "GET /v1/" + path} }
func post(who, path, body string) request {
	return request{as: who, line: "POST /v1/" + path, body: body}
}
func put(who, book, body string) request {
	return request{as: who, line: "PUT /v1/desk/" + book, header: ifMatch(`"v1"`), body: body}
}

func (s *server) refusalsOfDeciding(t *testing.T) []refusal {
	on := func(who, what, claim, body string) request { return s.doing(t, who, what, claim, body) }
	decide := func(part, by string) request { return on("reviewer", "decisions", "mine", instead(partly, part, by)) }
	return []refusal{
		{"a verdict that is none", decide("partly_approved", "maybe"), 422, invalid, []string{"#/verdict not_an_option"}},
		{"an award below zero", decide(`"awarded": 5000`, `"awarded": -1`), 422, invalid, []string{"#/awarded out_of_range"}},
		{"an award of 2^53", decide(`"awarded": 5000`, `"awarded": 9007199254740992`), 422, invalid, []string{"#/awarded out_of_range"}},
		{"an award of half a won", decide(`"awarded": 5000`, `"awarded": 0.5`), 422, invalid, []string{"#/awarded wrong_type"}},
		{"an award above what is assessed", decide(`"awarded": 5000`, `"awarded": 6001`), 422, invalid, []string{"#/awarded amount_out_of_range"}},
		{"an award above what is claimed", decide(`"assessed": 6000, "awarded": 5000`, `"assessed": 99000, "awarded": 99000`), 422, invalid, []string{"#/verdict verdict_amount_mismatch", "#/override override_required"}},
		{"an override that is not needed", decide(`"reason"`, `"override": "exception_to_cap", "reason"`), 422, invalid, []string{"#/override override_not_needed"}},
		{"an override that is no override", decide(`"assessed": 6000, "awarded": 5000, "reason": "earned_instead"`, `"assessed": 99000, "awarded": 99000, "override": "no_loss_shown", "reason": "earned_instead"`), 422, invalid, []string{"#/verdict verdict_amount_mismatch", "#/override unknown_reason"}},
		{"nothing awarded and approved in part", decide(`"awarded": 5000`, `"awarded": 0`), 422, invalid, []string{"#/verdict verdict_amount_mismatch"}},
		{"a reason that is not there", decide("earned_instead", "because"), 422, invalid, []string{"#/reason unknown_reason"}},
		{"a reason for something else", decide("earned_instead", "no_loss_shown"), 422, invalid, []string{"#/reason unknown_reason"}},
		{"a reason in capitals", decide("earned_instead", "EARNED"), 422, invalid, []string{"#/reason wrong_format"}},
		{"a decision with a note of blanks", on("reviewer", "decisions", "mine", `{"verdict": "partly_approved", "assessed": 6000, "awarded": 5000, "reason": "earned_instead", "note": " \u3000 "}`), 422, invalid, []string{"#/note text_required"}},
		{"another reason without a note", on("reviewer", "decisions", "mine", `{"verdict": "partly_approved", "assessed": 6000, "awarded": 5000, "reason": "other_partly_approved"}`), 422, invalid, []string{"#/note note_required"}},
		{"evidence that is not there", decide(`"reason"`, `"evidence": ["`+noClaim+`"], "reason"`), 422, invalid, []string{"#/evidence/0 unknown_file"}},
		{"evidence of another claim", on("reviewer", "decisions", "mine", instead(partly, `"reason"`, `"evidence": ["{file}", "`+noClaim+`"], "reason"`)), 422, invalid, []string{"#/evidence/1 unknown_file"}},
		{"an error code on a first decision", decide(`"reason"`, `"error_code": "none", "reason"`), 422, invalid, []string{"#/error_code error_code_not_allowed"}},
		{"a decision without a reason", decide(`, "reason": "earned_instead"`, ``), 422, invalid, []string{"#/reason required"}},
		{"deciding what is somebody else's", on("colleague", "decisions", "mine", partly), 409, "claim_not_assigned", nil},
		{"deciding what is in the queue", on("reviewer", "decisions", "waiting", partly), 409, "claim_state", nil},
		{"deciding twice", on("reviewer", "decisions", "decided", partly), 409, "claim_state", nil},
		{"an appeal decided by who decided", on("reviewer", "assign", "appealed", ""), 409, "excluded_from_claim", nil},
		{"handing a claim to who decided it before", on("senior", "assign", "appealed", `{"person": "desk-reviewer"}`), 409, "excluded_from_claim", nil},
		{"a reviewer who hands over", on("reviewer", "assign", "mine", `{"person": "desk-colleague"}`), 403, forbidden, nil},
		{"taking what somebody has", on("colleague", "assign", "mine", ""), 409, "claim_taken", nil},
		{"handing over to nobody of the desk", on("senior", "assign", "mine", `{"person": "desk-nobody"}`), 422, invalid, []string{"#/person person_unknown"}},
		{"handing over to nobody, in bulk", post("senior", "claims/bulk", `{"action": "assign", "person": "desk-nobody", "claims": [{"id": "{mine}"}]}`), 422, invalid, []string{"#/person person_unknown"}},
		{"an award beyond what a claim can come to", decide(`"assessed": 6000, "awarded": 5000`, `"assessed": 100000000001, "awarded": 5000`), 422, invalid, []string{"#/assessed amount_out_of_range"}},
		{"handing over to a name", on("senior", "assign", "mine", `{"person": "홍길동"}`), 422, invalid, []string{"#/person wrong_format"}},
		{"putting back what somebody else has", on("colleague", "put-back", "mine", ""), 409, "claim_not_assigned", nil},
		{"recusing oneself from what one has not", on("colleague", "recuse", "mine", ""), 409, "claim_not_assigned", nil},
	}
}

func (s *server) refusalsOfReviewing(t *testing.T) []refusal {
	on := func(who, what, claim, body string) request { return s.doing(t, who, what, claim, body) }
	ask := func(part, by string) request {
		return on("reviewer", "information-requests", "mine", instead(question, part, by))
	}
	answer := func(items string) request {
		return on("client", "information-requests/1/answer", "asked", `{"items": [`+items+`]}`)
	}
	return []refusal{
		{"a hold without a date", on("reviewer", "hold", "mine", `{"reason": "awaits_ledger"}`), 422, invalid, []string{"#/review_at required"}},
		{"a hold until yesterday", on("reviewer", "hold", "mine", instead(hold, "2022-11-15", "2022-10-31")), 422, invalid, []string{"#/review_at review_date"}},
		{"a hold for ever", on("reviewer", "hold", "mine", instead(hold, "2022-11-15", "2023-11-15")), 422, invalid, []string{"#/review_at review_date"}},
		{"a hold for a reason that is none", on("reviewer", "hold", "mine", instead(hold, "awaits_ledger", "lunch")), 422, invalid, []string{"#/reason unknown_reason"}},
		{"a hold of what waits", on("reviewer", "hold", "waiting", hold), 409, "claim_state", nil},
		{"releasing what nobody holds", on("reviewer", "release", "mine", ""), 409, "claim_state", nil},
		{"releasing what somebody else holds", on("colleague", "release", "held", ""), 409, "claim_not_assigned", nil},

		{"a request for nothing", on("reviewer", "information-requests", "mine", `{"items": []}`), 422, invalid, []string{"#/items wrong_length"}},
		{"a request without why", ask(`, "why": "To pay you"`, ``), 422, invalid, []string{"#/items/0/why required"}},
		{"a request of blanks", ask(`"why": "To pay you"`, `"why": "  "`), 422, invalid, []string{"#/items/0/why text_required"}},
		{"a request for one thing twice", ask(`"code": "hours"`, `"code": "bankbook"`), 422, invalid, []string{"#/items/1/code duplicate_item"}},
		{"a request for a slot that is none", ask(`"slot": "bank_book"`, `"slot": "purse"`), 422, invalid, []string{"#/items/0/slot not_an_option"}},
		{"substitutes for no slot", ask(`"slot": "bank_book", `, ``), 422, invalid, []string{"#/items/0/substitutes substitutes_without_slot"}},
		{"a request due yesterday", ask(`"message"`, `"due_at": "2022-10-31T00:00:00Z", "message"`), 422, invalid, []string{"#/due_at due_date"}},
		{"a second request at once", on("reviewer", "information-requests", "asked", question), 409, "claim_state", nil},
		{"an answer to nothing asked", answer(`{"code": "shoe_size", "text": "43"}`), 422, invalid, []string{"#/items/0/code unknown_item"}},
		{"an answer that nobody can read", answer(`{"code": "hours", "text": "\u200b"}`), 422, invalid, []string{"#/items/0/text text_required"}},
		{"an answer twice", answer(`{"code": "hours", "text": "all"}, {"code": "hours", "text": "none"}`), 422, invalid, []string{"#/items/1/code duplicate_item"}},
		{"an answer of nothing", answer(`{"code": "hours"}`), 422, invalid, []string{"#/items/0 answer_required"}},
		{"an answer by another claim's file", answer(`{"code": "bankbook", "files": ["{file}"]}`), 422, invalid, []string{"#/items/0/files/0 unknown_file"}},
		{"an answer to a request that is not there", on("client", "information-requests/2/answer", "asked", `{"items": [{"code": "hours", "text": "x"}]}`), 404, "request_not_found", nil},
		{"an answer by staff who do not say how it came in", on("colleague", "information-requests/1/answer", "asked", `{"items": [{"code": "hours", "text": "x"}]}`), 422, invalid, []string{"#/channel channel_required"}},
		{"an answer by staff who were not told", on("colleague", "information-requests/1/answer", "asked", `{"channel": "api", "items": [{"code": "hours", "text": "x"}]}`), 422, invalid, []string{"#/channel not_an_option"}},
		{"a claimant who was told by telephone", on("client", "information-requests/1/answer", "asked", `{"channel": "phone", "items": [{"code": "hours", "text": "x"}]}`), 422, invalid, []string{"#/channel channel_not_allowed"}},
		{"an answer to what was never asked", on("client", "information-requests/1/answer", "mine", `{"items": [{"code": "hours", "text": "x"}]}`), 409, "claim_state", nil},
		{"recalling somebody else's request", on("colleague", "information-requests/1/recall", "asked", ""), 409, "claim_not_assigned", nil},
	}
}

func (s *server) refusalsOfAppeals(t *testing.T) []refusal {
	on := func(who, what, claim, body string) request { return s.doing(t, who, what, claim, body) }
	amend := func(part, by string) request {
		return on("reviewer", "amendments", "decided", instead(instead(refused, `"reason"`, `"error_code": "wrong_facts", "reason"`), part, by))
	}
	return []refusal{
		{"an amendment without a note", amend(`, "note": "The takings were as always."`, ``), 422, invalid, []string{"#/note note_required"}},
		{"an amendment of nothing wrong", amend("wrong_facts", "none"), 422, invalid, []string{"#/error_code error_code_mismatch"}},
		{"an amendment without what was wrong", amend(`"error_code": "wrong_facts", `, ``), 422, invalid, []string{"#/error_code unknown_reason"}},
		{"an amendment of what is not decided", on("reviewer", "amendments", "mine", refused), 409, "claim_state", nil},
		{"an amendment that rejects", amend(`"verdict": "refused", "assessed": 0, "awarded": 0, "error_code": "wrong_facts", "reason": "no_loss_shown"`, `"verdict": "rejected", "assessed": 0, "awarded": 0, "error_code": "wrong_facts", "reason": "missing_document"`), 422, invalid, []string{"#/verdict verdict_not_allowed"}},
		{"approving what nobody proposed", on("senior", "decisions/1/approve", "decided", ""), 409, "claim_state", nil},
		{"approving a decision that is not there", on("senior", "decisions/2/approve", "proposed", ""), 404, "decision_not_found", nil},
		{"approving a decision of number nought", on("senior", "decisions/0/approve", "proposed", ""), 422, invalid, []string{"path:n out_of_range"}},
		{"returning without a note", on("senior", "decisions/1/return", "proposed", `{}`), 422, invalid, []string{"#/note note_required"}},
		{"a reviewer who approves", on("colleague", "decisions/1/approve", "proposed", ""), 403, forbidden, nil},

		{"a second appeal", on("client", "appeal", "appealed", appeal), 409, "claim_state", nil},
		{"an appeal against nothing", on("client", "appeal", "mine", appeal), 409, "claim_state", nil},
		{"an appeal of blanks", on("client", "appeal", "decided", `{"grounds": "  "}`), 422, invalid, []string{"#/grounds text_required"}},
		{"an appeal that nobody can read", on("client", "appeal", "decided", `{"grounds": "\u200b\u3164\u2060"}`), 422, invalid, []string{"#/grounds text_required"}},
		{"an appeal with a file that is not there", on("client", "appeal", "decided", `{"grounds": "x", "files": ["`+noClaim+`"]}`), 422, invalid, []string{"#/files/0 unknown_file"}},
		{"asking for a person where one decided", on("client", "ask-human", "decided", ""), 409, "decision_not_automatic", nil},
		{"accepting what is not decided", on("client", "accept", "mine", ""), 409, "claim_state", nil},
		{"an appeal that is not there", get("client", "claims/{decided}/appeal"), 404, "appeal_not_found", nil},
	}
}

func refusalsOfFiles() []refusal {
	file := func(line, body string) request {
		return request{as: "client", line: line, header: plainText, body: body}
	}
	return []refusal{
		{"a file for no slot", file("POST /v1/claims/{mine}/evidence?name=a.txt", "x"), 422, invalid, []string{"query:slot parameter_invalid"}},
		{"a file for a slot that is none", file(evidenceLine("mine", "purse", "a.txt"), "x"), 422, invalid, []string{"query:slot not_an_option"}},
		{"a file without a name", file("POST /v1/claims/{mine}/evidence?slot=other", "x"), 422, invalid, []string{"query:name parameter_invalid"}},
		{"a path for a name", file(evidenceLine("mine", "other", "../../etc/passwd.txt"), "x"), 422, "evidence_name_invalid", nil},
		{"a Windows path for a name", file(evidenceLine("mine", "other", `C:\a.txt`), "x"), 422, "evidence_name_invalid", nil},
		{"a name that turns around", file(evidenceLine("mine", "other", "a\u202etxt.exe"), "x"), 422, "evidence_name_invalid", nil},
		{"a program", file(evidenceLine("mine", "other", "a.exe"), "MZ"), 415, "evidence_type_not_accepted", nil},
		{"an empty file", request{as: "client", line: evidenceLine("mine", "other", "a.txt"), header: plainText}, 422, "evidence_empty", nil},
		{"a file of a media type that is not taken", request{as: "client", line: evidenceLine("mine", "other", "a.html"), header: map[string]string{"Content-Type": "text/html"}, body: "<b>"}, 415, "media_type_not_supported", nil},
		{"a file without an idempotency key", request{as: "client", line: evidenceLine("mine", "other", "a.txt"), header: map[string]string{"Content-Type": "text/plain", "Idempotency-Key": ""}, body: "x"}, 400, "idempotency_key_required", nil},
		{"a file for a closed claim", file(evidenceLine("closed", "other", "a.txt"), "x"), 409, "evidence_not_taken", nil},
		{"a file for another's claim", request{as: "merchant", line: evidenceLine("mine", "other", "a.txt"), header: plainText, body: "x"}, 404, "claim_not_found", nil},
		{"a file by an auditor", request{as: "auditor", line: evidenceLine("mine", "other", "a.txt"), header: plainText, body: "x"}, 403, forbidden, nil},
		{"a file that is not there", get("client", "claims/{mine}/evidence/"+noClaim), 404, "evidence_not_found", nil},
		{"a file by way of another claim", get("client", "claims/{decided}/evidence/{file}"), 404, "evidence_not_found", nil},
		{"a file of another's", get("merchant", "claims/{mine}/evidence/{file}"), 404, "claim_not_found", nil},
		{"a file read for no purpose", get("colleague", "claims/{mine}/evidence/{file}"), 422, invalid, []string{"query:purpose purpose_required"}},
		{"a letter read for no purpose", get("colleague", "claims/{decided}/decisions/1/letter"), 422, invalid, []string{"query:purpose purpose_required"}},
		{"a purpose of blanks", get("colleague", "claims/{decided}/decisions/1/letter?purpose=%20%20%20%20"), 422, invalid, []string{"query:purpose text_required"}},
		{"a purpose of one character", get("colleague", "claims/{decided}/decisions/1/letter?purpose=%EC%8B%AC"), 422, invalid, []string{"query:purpose wrong_length"}},
		{"a letter about a decision that is proposed", get("client", "claims/{proposed}/decisions/1/letter"), 404, "letter_not_found", nil},
		{"a letter of another's", get("merchant", "claims/{decided}/decisions/1/letter"), 404, "claim_not_found", nil},
		{"an auditor who reads a letter", get("auditor", "claims/{decided}/decisions/1/letter?purpose=curiosity"), 403, forbidden, nil},
		{"a reviewer who reads who read", get("reviewer", "claims/{mine}/reads"), 403, forbidden, nil},
		{"another's decisions", get("merchant", "claims/{decided}/decisions"), 404, "claim_not_found", nil},
		{"a claimant who looks at similar claims", get("client", "claims/{mine}/similar"), 403, forbidden, nil},
		{"a claimant who asks what the desk knows", get("client", "claims?score_from=1&assigned_to=desk-reviewer&check=velocity_key&answered=true"), 422, invalid, []string{"query:answered staff_only", "query:assigned_to staff_only", "query:check staff_only", "query:score_from staff_only"}},
	}
}

func refusalsOfStaff() []refusal {
	return []refusal{
		{"a claimant who takes a claim", post("client", "queue/next", ""), 403, forbidden, nil},
		{"an auditor who takes a claim", post("auditor", "queue/next", ""), 403, forbidden, nil},
		{"a queue of what is not in it", post("reviewer", "queue/next", `{"state": "closed"}`), 422, invalid, []string{"#/state unknown_field"}},
		{"a claimant who sees the clocks", get("client", "incidents/{incident}/clocks"), 403, forbidden, nil},
		{"clocks of an incident that is not there", get("reviewer", "incidents/"+noClaim+"/clocks"), 404, "incident_not_found", nil},
		{"a view without a name", post("reviewer", "views", `{"name": "", "filter": {}}`), 422, invalid, []string{"#/name wrong_length"}},
		{"a view that is not there", request{as: "reviewer", line: "DELETE /v1/views/" + noClaim}, 404, "view_not_found", nil},
		{"a bulk action that is none", post("reviewer", "claims/bulk", `{"action": "decide", "filter": {}}`), 422, invalid, []string{"#/action not_an_option"}},
		{"a bulk action on nothing", post("reviewer", "claims/bulk", `{"action": "put_back"}`), 422, invalid, []string{"#/claims bulk_size"}},
		{"a bulk action on claims and a filter", post("reviewer", "claims/bulk", `{"action": "assign", "claims": [{"id": "{mine}"}], "filter": {"incident_id": "{incident}"}}`), 422, invalid, []string{"#/filter claims_or_filter"}},
		{"a bulk action on claims and an empty filter", post("reviewer", "claims/bulk", `{"action": "assign", "claims": [{"id": "{mine}"}], "filter": {}}`), 422, invalid, []string{"#/filter claims_or_filter"}},
		{"a bulk action on everything", post("reviewer", "claims/bulk", `{"action": "assign", "filter": {}}`), 422, invalid, []string{"#/filter/incident_id incident_required"}},
		{"a bulk action on a claim three times", post("reviewer", "claims/bulk", `{"action": "put_back", "preview": true, "claims": [{"id": "{asked}"}, {"id": "{mine}"}, {"id": "{asked}"}, {"id": "{asked}"}]}`), 422, invalid, []string{"#/claims/2 claim_repeated", "#/claims/3 claim_repeated"}},
		{"a bulk action on a filter and a view", post("reviewer", "claims/bulk", `{"action": "assign", "view": "`+noClaim+`", "filter": {"incident_id": "{incident}"}}`), 422, invalid, []string{"#/view view_or_filter"}},
		{"a bulk action on a view that is not there", post("reviewer", "claims/bulk", `{"action": "assign", "view": "`+noClaim+`"}`), 404, "view_not_found", nil},
		{"a bulk action on a range upside down", post("reviewer", "claims/bulk", `{"action": "assign", "preview": true, "filter": {"stake_from": 2, "stake_up_to": 1}}`), 422, invalid, []string{"#/filter/stake_up_to range_upside_down"}},
		{"a queue of a range upside down", post("reviewer", "queue/next", `{"stake_from": 2, "stake_up_to": 1}`), 422, invalid, []string{"#/stake_up_to range_upside_down"}},
		{"a queue of an incident that is not there", post("reviewer", "queue/next", `{"incident_id": "`+noClaim+`"}`), 404, "incident_not_found", nil},
		{"a queue of a view and more", post("reviewer", "queue/next", `{"view": "`+noClaim+`", "sector": "taxi"}`), 422, invalid, []string{"#/view view_or_filter"}},
		{"a view of a range upside down", post("reviewer", "views", `{"name": "none", "filter": {"stake_from": 2, "stake_up_to": 1}}`), 422, invalid, []string{"#/filter/stake_up_to range_upside_down"}},
		{"a view with a name that nobody sees", post("reviewer", "views", `{"name": "  ", "filter": {}}`), 422, invalid, []string{"#/name text_required"}},
		{"claims of a range upside down", get("reviewer", "claims?stake_from=2&stake_up_to=1"), 422, invalid, []string{"query:stake_up_to range_upside_down"}},
		{"claims of an incident that is not there", get("reviewer", "claims?incident_id="+noClaim), 404, "incident_not_found", nil},
		{"claims of a state that is none", get("reviewer", "claims?state=submitted,lost"), 422, invalid, []string{"query:state/1 not_an_option"}},
		{"claims of a view and more", get("reviewer", "claims?sector=taxi&view="+noClaim), 422, invalid, []string{"query:view view_or_filter"}},
		{"claims of a view that is not there", get("reviewer", "claims?view="+noClaim), 404, "view_not_found", nil},
		{"claims of a view for a claimant", get("client", "claims?view="+noClaim), 403, forbidden, nil},
		{"a bulk action by a payer", post("payer", "claims/bulk", `{"action": "put_back", "filter": {}}`), 403, forbidden, nil},
		{"a batch of nothing", post("reviewer", "decisions/batch", `{"rows": []}`), 422, invalid, []string{"#/rows wrong_length"}},
		{"a batch of too much", post("reviewer", "decisions/batch", `{"rows": [`+strings.TrimSuffix(strings.Repeat(`{"claim_id": "`+noClaim+`", "version": 1, "decision": `+refused+`},`, 501), ",")+`]}`), 422, invalid, []string{"#/rows wrong_length"}},
		{"a batch without versions", post("reviewer", "decisions/batch", `{"rows": [{"claim_id": "{mine}", "decision": `+refused+`}]}`), 422, invalid, []string{"#/rows/0/version required"}},
		{"a batch by a claimant", post("client", "decisions/batch", `{"rows": [{"claim_id": "{mine}", "version": 1, "decision": `+refused+`}]}`), 403, forbidden, nil},
		{"a quality review that is not there", post("reviewer", "quality-reviews/"+noClaim, `{"agrees": true}`), 404, "quality_review_not_found", nil},
		{"a reviewer who changes the policy", put("reviewer", "policy", `{}`), 403, forbidden, nil},
		{"a senior who changes the reasons", put("senior", "reasons", `{"reasons": []}`), 403, forbidden, nil},
		{"a policy with a field too many", put("admin", "policy", `{"bribe": 1}`), 422, invalid, policyFields("#/bribe unknown_field")},
		{"reasons without any", put("admin", "reasons", `{"reasons": []}`), 422, invalid, reasonFields()},
		{"a policy without If-Match", request{as: "admin", line: "PUT /v1/desk/policy", body: `{}`}, 428, "if_match_required", nil},
		{"a version of the policy that is not there", get("reviewer", "desk/policy/versions/9"), 404, "rulebook_not_found", nil},
		{"a version of the reasons that is not there", get("", "desk/reasons/versions/9"), 404, "rulebook_not_found", nil},
		{"a claimant who reads the policy", get("client", "desk/policy"), 403, forbidden, nil},
		{"a reviewer who tries a policy", request{as: "reviewer", line: "POST /v1/desk/policy/trials", body: `{"incident_id": "{incident}", "policy": {}}`}, 403, forbidden, nil},
		{"a key for a person with a name", post("admin", "keys", `{"role": "reviewer", "person": "홍 길동"}`), 422, invalid, []string{"#/person wrong_format"}},
	}
}

// policyFields are the problems of a policy that has nothing in it, and one more.
func policyFields(more string) []string {
	fields := []string{more}
	for _, name := range strings.Fields("appeal_days authority evidence lease_minutes points promise_days request_days return_hours sample_share_basis_points senior_from_score straight_through") {
		fields = append(fields, "#/"+name+" required")
	}
	return fields
}

// reasonFields are the problems of a catalogue without reasons: one for each kind
// and one for each reason that the service itself gives.
func reasonFields() []string {
	fields := []string{"#/reasons reason_missing", "#/reasons reason_missing", "#/reasons reason_missing"}
	for range 7 {
		fields = append(fields, "#/reasons kind_without_reason")
	}
	return fields
}

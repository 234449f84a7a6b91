package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Bad requests about totals are refused within the contract and leave every table
// as it was.
func TestBadInputToPublicationIsRefusedAndLeavesNothingBehind(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.must(t, post("auditor", "incidents/{incident}/snapshots", "")) // not in the log yet
		before := s.data.fingerprint(t)
		for _, r := range slices.Concat(refusalsOfTotals(), refusalsOfReleasing(), refusalsOfSamples()) {
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

func refusalsOfTotals() []refusal {
	const totals, snapshots = "incidents/{incident}/totals", "incidents/{incident}/snapshots/"
	return []refusal{
		{"totals by the weather", get("", totals+"?by=weather"), 422, invalid, []string{"query:by/0 not_an_option"}},
		{"totals by nothing", get("", totals+"?by="), 422, invalid, []string{"query:by parameter_invalid"}},
		{"totals by status first", get("", totals+"?by=status,service"), 422, invalid, []string{"query:by no_such_table"}},
		{"totals by two dimensions", get("", totals+"?by=service,region"), 422, invalid, []string{"query:by no_such_table"}},
		{"totals by three dimensions", get("", totals+"?by=service,region,status"), 422, invalid, []string{"query:by wrong_length"}},
		{"totals by one and by another", get("", totals+"?by=service&by=status"), 422, invalid, []string{"query:by field_repeated"}},
		{"totals of release 0", get("", totals+"?release=0"), 422, invalid, []string{"query:release out_of_range"}},
		{"totals of release -1", get("", totals+"?release=-1"), 422, invalid, []string{"query:release out_of_range"}},
		{"totals of a release that is not there", get("", totals+"?release=9"), 404, "release_not_found", nil},
		{"totals of a draft", get("", "incidents/{draft}/totals"), 404, "incident_not_found", nil},
		{"totals of an incident that is not there", get("", "incidents/"+noClaim+"/totals"), 404, "incident_not_found", nil},
		{"totals where nothing is released", get("", "incidents/{late}/totals"), 404, "release_not_found", nil},
		{"releases of a draft", get("", "incidents/{draft}/releases"), 404, "incident_not_found", nil},
		{"releases after what is no place", get("", "incidents/{incident}/releases?cursor=KioqKg"), 422, invalid, []string{"query:cursor cursor_invalid"}},
		{"a release of number 0", get("", "incidents/{incident}/releases/0"), 422, invalid, []string{"path:n out_of_range"}},
		{"a release that is not there", get("", "incidents/{incident}/releases/2"), 404, "release_not_found", nil},
		{"statistics of a release that is not there", get("", "incidents/{incident}/releases/2/statistics"), 404, "release_not_found", nil},
		{"the receipt of a release that is not there", get("", "incidents/{incident}/releases/2/receipt"), 404, "release_not_found", nil},
		{"restatements of a draft", get("", "incidents/{draft}/restatements"), 404, "incident_not_found", nil},
		{"a restatement that is not there", get("", "incidents/{incident}/restatements/2"), 404, "restatement_not_found", nil},
		{"the receipt of a restatement that is not there", get("", "incidents/{incident}/restatements/2/receipt"), 404, "restatement_not_found", nil},
		{"what samples of a draft say", get("", "incidents/{draft}/samples"), 404, "incident_not_found", nil},
		{"snapshots of a draft", get("auditor", "incidents/{draft}/snapshots"), 404, "incident_not_found", nil},
		{"a snapshot that is not there", get("", snapshots+"9"), 404, "snapshot_not_found", nil},
		{"the receipt of a snapshot that is not there", get("", snapshots+"9/receipt"), 404, "snapshot_not_found", nil},
		{"the receipt of a snapshot that waits", get("", snapshots+"2/receipt"), 409, "receipt_not_ready", nil},
		{"leaves of a snapshot that is not there", get("auditor", snapshots+"9/leaves"), 404, "snapshot_not_found", nil},
		{"leaves without a key", get("", snapshots+"1/leaves"), 401, "key_required", nil},
		{"a proof of nothing", get("auditor", snapshots+"1/proof"), 422, invalid, []string{"query:index one_of_two"}},
		{"a proof of two", get("auditor", snapshots+"1/proof?index=0&claim={decided}"), 422, invalid, []string{"query:index one_of_two"}},
		{"a proof of leaf -1", get("auditor", snapshots+"1/proof?index=-1"), 422, invalid, []string{"query:index out_of_range"}},
		{"a proof of a leaf that is not there", get("auditor", snapshots+"1/proof?index=11"), 404, "leaf_not_found", nil},
		{"a proof of a claim that was never submitted", get("auditor", snapshots+"1/proof?claim={claim}"), 404, "leaf_not_found", nil},
		{"a rule that is not there", get("", "disclosure-rule/versions/2"), 404, "rulebook_not_found", nil},
		{"the receipt of a rule that is not there", get("", "disclosure-rule/versions/2/receipt"), 404, "rulebook_not_found", nil},
		{"the receipt of a scheme that is not there", get("", "schemes/sandbox-2022/versions/9/receipt"), 404, "scheme_not_found", nil},
		{"the rule in force, asked for a version", get("", "disclosure-rule?version=1"), 422, invalid, []string{"query:version unknown_parameter"}},
	}
}

func refusalsOfReleasing() []refusal {
	const releases, restatements = "incidents/{incident}/releases", "incidents/{incident}/restatements"
	rule := strings.Replace(string(readFile("../publication/rule.json")), `"version": 1`, `"version": 2`, 1)
	ruled := func(tag, part, by string) request {
		return request{as: "admin", line: "PUT /v1/disclosure-rule", header: ifMatch(tag), body: instead(rule, part, by)}
	}
	restate := func(part, by string) request { return post("admin", restatements, instead(restated, part, by)) }
	return []refusal{
		{"sealing a draft", post("admin", "incidents/{draft}/snapshots", ""), 409, "incident_is_draft", nil},
		{"sealing what is not there", post("auditor", "incidents/"+noClaim+"/snapshots", ""), 404, "incident_not_found", nil},
		{"sealing without an idempotency key", post("auditor", "incidents/{incident}/snapshots", "").with("Idempotency-Key", ""), 400, "idempotency_key_required", nil},
		{"releasing snapshot 0", post("admin", releases, `{"snapshot": 0}`), 422, invalid, []string{"#/snapshot out_of_range"}},
		{"releasing nothing", post("admin", releases, `{}`), 422, invalid, []string{"#/snapshot required"}},
		{"releasing a snapshot that is not there", post("admin", releases, `{"snapshot": 9}`), 404, "snapshot_not_found", nil},
		{"releasing a snapshot again", post("admin", releases, `{"snapshot": 1}`), 409, "snapshot_not_newer", nil},
		{"restating a measure that is none", restate(`"claimed"`, `"hoped"`), 422, invalid, []string{"#/measure not_an_option"}},
		{"restating a release that is not there", restate(`"release": 1`, `"release": 2`), 404, "release_not_found", nil},
		{"restating release 0", restate(`"release": 1`, `"release": 0`), 422, invalid, []string{"#/release out_of_range"}},
		{"restating for no reason", restate(`수수료를 두 번 셌습니다.`, ` `), 422, invalid, []string{"#/reason/ko text_required"}},
		{"restating in one language", restate(`, "en": "Fees were counted twice & again."`, ``), 422, invalid, []string{"#/reason/en required"}},
		{"restating in characters that nobody sees", restate("twice", `\u0007`), 422, invalid, []string{"#/reason/en text_control"}},
		{"restating at length", restate("twice", strings.Repeat("a", 2001)), 422, invalid, []string{"#/reason/en text_length"}},
		{"a rule that protects nobody", ruled(`"v1"`, `"minimum_count": 10`, `"minimum_count": 1`), 422, invalid, []string{"#/minimum_count out_of_range", "#/count_width out_of_range"}},
		{"a rule out of turn", ruled(`"v1"`, `"version": 2`, `"version": 3`), 422, invalid, []string{"#/version version_out_of_turn"}},
		{"a rule with a field too many", ruled(`"v1"`, `"id"`, `"noise": 1, "id"`), 400, "rule_unreadable", nil},
		{"a rule that is a list", request{as: "admin", line: "PUT /v1/disclosure-rule", header: ifMatch(`"v1"`), body: `[]`}, 422, invalid, []string{"# wrong_type"}},
		{"a rule without If-Match", ruled(`"v1"`, `"id"`, `"id"`).with("If-Match", ""), 428, "if_match_required", nil},
		{"a rule on a stale one", ruled(`"v2"`, `"id"`, `"id"`), 412, stale, nil},
		{"forgetting somebody for no reason", post("admin", "claimants/{client}/erase", `{"reason": "disliked"}`), 422, invalid, []string{"#/reason not_an_option"}},
		{"forgetting somebody whose claims are open", post("admin", "claimants/{client}/erase", askErasure), 409, "claims_open", nil},
		{"forgetting nobody", post("admin", "claimants/"+noClaim+"/erase", askErasure), 404, "claimant_not_found", nil},
		{"forgetting me", post("admin", "claimants/me/erase", askErasure), 404, "claimant_not_found", nil},
		{"an accountant's key for nobody", post("admin", "keys", `{"role": "accountant"}`), 422, invalid, []string{"#/person person_required"}},
	}
}

func refusalsOfSamples() []refusal {
	draw := func(part, by string) request {
		return post("auditor", "incidents/{incident}/snapshots/1/samples", instead(sampleAsk, part, by))
	}
	end := func(results string) request {
		return post("accountant", "samples/{sample}/results", `{"confidence_percent": 95, "results": [`+results+`]}`)
	}
	one := func(n int) string { return fmt.Sprintf(`{"id": "{drawn%d}", "correct": 1}`, n) }
	all := one(0) + "," + one(1) + "," + one(2)
	return []refusal{
		{"a sample of 0 units", draw(`"units": 3`, `"units": 0`), 422, invalid, []string{"#/units out_of_range"}},
		{"a sample of too many units", draw(`"units": 3`, `"units": 5001`), 422, invalid, []string{"#/units out_of_range"}},
		{"a sample by a measure that is none", draw(`"count"`, `"hope"`), 422, invalid, []string{"#/measure not_an_option"}},
		{"a nonce that is too short", draw(`5f1d7a6c0e3b49829a4c1d2e3f405162`, `5f1d7a6c0e3b49829a4c1d2e3f4051`), 422, invalid, []string{"#/nonce wrong_format"}},
		{"a nonce of half a byte", draw(`5f1d7a6c0e3b49829a4c1d2e3f405162`, `5f1d7a6c0e3b49829a4c1d2e3f4051620`), 422, invalid, []string{"#/nonce wrong_format"}},
		{"a nonce that is too long", draw(`5f1d7a6c0e3b49829a4c1d2e3f405162`, strings.Repeat("00", 65)), 422, invalid, []string{"#/nonce wrong_format"}},
		{"a nonce that is no hex", draw(`5f1d`, `zz1d`), 422, invalid, []string{"#/nonce wrong_format"}},
		{"a sample for who draws it", draw(`"desk-accountant"`, `"desk-auditor"`), 422, invalid, []string{"#/accountant accountant_not_independent"}},
		{"a sample for somebody without a key", draw(`5162", "accountant": "desk-accountant"`, `5164", "accountant": "nobody-else"`), 422, invalid, []string{"#/accountant accountant_unknown"}},
		{"a sample for who holds another key", draw(`5162", "accountant": "desk-accountant"`, `5164", "accountant": "desk-reviewer"`), 422, invalid, []string{"#/accountant accountant_unknown"}},
		{"a sample for a name", draw(`"desk-accountant"`, `"김 회계사"`), 422, invalid, []string{"#/accountant wrong_format"}},
		{"a sample for nobody", draw(`, "accountant": "desk-accountant"`, ``), 422, invalid, []string{"#/accountant required"}},
		{"another sample by the same nonce", draw(`"units": 3`, `"units": 4`), 409, "nonce_used", nil},
		{"a sample of what nobody was paid", draw(`"count"`, `"paid"`), 409, "nothing_to_draw", nil},
		{"a sample of a snapshot that is not there", post("auditor", "incidents/{incident}/snapshots/9/samples", sampleAsk), 404, "snapshot_not_found", nil},
		{"a sample of a snapshot that waits", post("auditor", "incidents/{incident}/snapshots/2/samples", sampleAsk), 409, "snapshot_not_logged", nil},
		{"samples of a snapshot that is not there", get("auditor", "incidents/{incident}/snapshots/9/samples"), 404, "snapshot_not_found", nil},
		{"a sample that is not there", get("auditor", "samples/"+noClaim), 404, "sample_not_found", nil},
		{"a sample that is no id", get("auditor", "samples/1"), 422, invalid, []string{"path:sample wrong_format"}},
		{"a claim that was not drawn", get("accountant", "samples/{sample}/claims/1000"), 404, "sampled_claim_not_found", nil},
		{"a claim of a negative index", get("accountant", "samples/{sample}/claims/-1"), 422, invalid, []string{"path:index out_of_range"}},
		{"a file that is not there, of a sample", get("accountant", "samples/{sample}/claims/{drawn}/evidence/"+noClaim), 404, "evidence_not_found", nil},
		{"the claims of a sample, to the auditor", get("auditor", "samples/{sample}/claims/{drawn}"), 403, forbidden, nil},
		{"results at another confidence", post("accountant", "samples/{sample}/results", `{"confidence_percent": 50, "results": [`+all+`]}`), 422, invalid, []string{"#/confidence_percent not_an_option"}},
		{"no results", end(""), 422, invalid, []string{"#/results wrong_length"}},
		{"a result too few", end(one(0) + "," + one(1)), 422, "audited_missing", nil},
		{"a result too many", end(all + `, {"id": "` + strings.Repeat("0", 64) + `", "correct": 1}`), 422, "audited_unknown", nil},
		{"a result twice", end(all + "," + one(2)), 422, "audited_unknown", nil},
		{"a result of less than nothing", end(strings.Replace(all, `"correct": 1`, `"correct": -1`, 1)), 422, invalid, []string{"#/results/0/correct out_of_range"}},
		{"a result of no claim", end(strings.Replace(all, `{drawn0}`, `{decided}`, 1)), 422, invalid, []string{"#/results/0/id wrong_format"}},
	}
}

// Each role may do what it is for and nothing else; the public reads what is
// published.
func TestRolesReachTheirPartOfPublication(t *testing.T) {
	const everybody = "public admin platform reviewer senior payer auditor accountant driver delegate"
	const auditors, admin, accountant = "admin auditor", "admin", "accountant"
	sealed := "incidents/{incident}/snapshots/1"
	rule := instead(string(readFile("../publication/rule.json")), `"version": 1`, `"version": 2`)
	inPublic(t, func(t *testing.T, s *server) {
		asked := map[string]string{ // whose requests get past the check of rights
			"GET /v1/incidents/{incident}/totals": everybody, "GET /v1/incidents/{incident}/releases": everybody, "GET /v1/incidents/{incident}/releases/1": everybody,
			"GET /v1/incidents/{incident}/releases/1/statistics": everybody, "GET /v1/incidents/{incident}/releases/1/receipt": everybody,
			"GET /v1/incidents/{incident}/restatements": everybody, "GET /v1/incidents/{incident}/restatements/1": everybody,
			"GET /v1/incidents/{incident}/restatements/1/receipt": everybody, "GET /v1/incidents/{incident}/samples": everybody,
			"GET /v1/incidents/{incident}/snapshots": everybody, "GET /v1/" + sealed: everybody, "GET /v1/" + sealed + "/receipt": everybody,
			"GET /v1/disclosure-rule": everybody, "GET /v1/disclosure-rule/versions/1": everybody, "GET /v1/disclosure-rule/versions/1/receipt": everybody,
			"GET /v1/schemes/sandbox-2022/versions/1/receipt": everybody,
			"POST /v1/incidents/{incident}/snapshots":         auditors, "GET /v1/" + sealed + "/leaves": auditors, "GET /v1/" + sealed + "/proof?index=0": auditors,
			"GET /v1/" + sealed + "/proof?claim={decided}": auditors, "POST /v1/" + sealed + "/samples " + instead(sampleAsk, "desk-accountant", "nobody-else"): "auditor",
			"GET /v1/" + sealed + "/samples": auditors + " accountant", "GET /v1/samples": auditors + " accountant", "GET /v1/samples/{sample}": auditors + " accountant",
			`POST /v1/incidents/{incident}/releases {"snapshot": 9}`:                                                      admin,
			"POST /v1/incidents/{incident}/restatements " + restated:                                                      admin,
			"PUT /v1/disclosure-rule " + rule:                                                                             admin,
			"POST /v1/claimants/" + noClaim + "/erase " + askErasure:                                                      admin,
			"GET /v1/samples/{sample}/claims/{drawn}":                                                                     accountant,
			"GET /v1/samples/{sample}/claims/{drawn}/evidence/" + noClaim:                                                 accountant,
			`POST /v1/samples/{sample}/results {"confidence_percent": 95, "results": [{"id": "{drawn0}", "correct": 1}]}`: accountant,
		}
		for _, ask := range slices.Sorted(maps.Keys(asked)) {
			method, rest, _ := strings.Cut(ask, " ")
			path, body, _ := strings.Cut(rest, " ")
			may := strings.Fields(asked[ask])
			for _, who := range strings.Fields(everybody) {
				r := request{as: who, line: method + " " + path, body: body}
				if method == http.MethodPut {
					r.header = ifMatch(`"v9"`)
				}
				want := 0
				switch {
				case slices.Contains(may, who):
				case who == "public":
					want = http.StatusUnauthorized
				default:
					want = http.StatusForbidden
				}
				if who == "public" {
					r.as = ""
				}
				got := s.send(t, r).status
				if refused := got == http.StatusUnauthorized || got == http.StatusForbidden; refused != (want != 0) || refused && got != want {
					t.Errorf("%s %s as %s: %d", method, path, who, got)
				}
			}
		}
	})
}

// Neither the public nor an auditor gets to know who claims, nor by which id or
// reference a person knows their claim.
func TestAuditorsAndThePublicReadOfNoPerson(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		secrets := []string{"길동", "새벽", "5551-2345", "55512345", "5550 1234", "55501234", "D-5005", "D-1001", "CAR-2022", "123-45-67891", "1234567891", "No calls came", "the airport"}
		for name, id := range s.names {
			if name != "incident" && name != "sample" && !strings.HasPrefix(name, "drawn") && !strings.HasSuffix(name, "_key") {
				secrets = append(secrets, id)
			}
		}
		for _, claim := range append([]string{"submitted", "theirs"}, clientOutlets[:len(clientOutlets)-1]...) {
			secrets = append(secrets, s.must(t, get("admin", "claims/{"+claim+"}"))["reference"].(string))
		}
		s.must(t, post("accountant", "samples/{sample}/results", `{"confidence_percent": 95, "results": [
			{"id": "{drawn0}", "correct": 1}, {"id": "{drawn1}", "correct": 1}, {"id": "{drawn2}", "correct": 1}]}`))
		for who, paths := range map[string][]string{
			"": {
				"incidents/{incident}/totals?by=region,status", "incidents/{incident}/releases", "incidents/{incident}/releases/1", "incidents/{incident}/releases/1/statistics",
				"incidents/{incident}/releases/1/receipt", "incidents/{incident}/restatements", "incidents/{incident}/restatements/1", "incidents/{incident}/restatements/1/receipt",
				"incidents/{incident}/samples", "incidents/{incident}/snapshots", "incidents/{incident}/snapshots/1", "incidents/{incident}/snapshots/1/receipt", "disclosure-rule",
			},
			"auditor": {
				"incidents/{incident}/snapshots", "incidents/{incident}/snapshots/1/leaves", "incidents/{incident}/snapshots/1/proof?claim={decided}",
				"incidents/{incident}/snapshots/1/samples", "samples", "samples/{sample}",
			},
		} {
			for _, path := range paths {
				a := s.send(t, get(who, path))
				if a.status != http.StatusOK || len(a.body) < 50 {
					t.Errorf("%q reads %s: %d %s", who, path, a.status, a.body)
				}
				for _, secret := range secrets {
					if strings.Contains(string(a.body), secret) {
						t.Errorf("%q reads %q in %s: %s", who, secret, path, a.body)
					}
				}
			}
		}
		file := s.send(t, get("accountant", "samples/{sample}/claims/{drawn}"))
		if !slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(string(file.body), secret) }) {
			t.Errorf("the search itself does not work: %s", file.body)
		}
	})
}

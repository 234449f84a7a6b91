package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusal is one bad request and the answer it must get.
type refusal struct {
	name string
	request
	status int
	code   string
	fields []string // pointer and code of each entry of errors, such as "#/lines/0/service unknown_service"
}

// refusals are all bad requests, by what is bad about them.
func refusals() []refusal {
	return slices.Concat(unreadable, misshapen, nonsensical, staffMistakes, unauthorised, outOfTurn, wrongState, badFiles())
}

// Each bad request is refused with the right status, code and places, within the
// contract, and leaves every table of the database as it was.
func TestBadInputIsRefusedAndLeavesNothingBehind(t *testing.T) {
	all := refusals()
	if len(all) < 90 {
		t.Errorf("only %d bad requests", len(all))
	}
	inTowns(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		names := map[string]bool{}
		for _, r := range all {
			if names[r.name] {
				t.Errorf("two refusals are called %q", r.name)
			}
			names[r.name] = true
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

func (s *server) refuses(t *testing.T, r refusal) {
	t.Helper()
	a := s.send(t, r.request)
	if a.status != r.status || a.problem.Code != r.code {
		t.Fatalf("status %d, code %q; want %d, %q: %s", a.status, a.problem.Code, r.status, r.code, a.body)
	}
	var fields []string
	for _, f := range a.problem.Errors {
		fields = append(fields, f.Pointer+" "+f.Code)
		if f.Detail == "" {
			t.Errorf("%s says nothing", f.Pointer)
		}
	}
	slices.Sort(fields)
	want := slices.Sorted(slices.Values(r.fields))
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if a.problem.Type != "about:blank" && (a.problem.Detail == nil || *a.problem.Detail == "") {
		t.Error("the problem has no detail")
	}
}

const invalid = "invalid_fields"

// claimWith is a request that files a valid claim with one part replaced.
func claimWith(part, by string) request {
	return request{as: "newcomer", line: "POST /v1/claims", body: instead(validClaim, part, by)}
}

// incidentWith is a request that records a valid incident with one part
// replaced.
func incidentWith(part, by string) request {
	return request{as: "admin", line: "POST /v1/incidents", body: instead(validIncident, part, by)}
}

// driverWith and merchantWith register a valid claimant with one part replaced;
// their numbers are not taken, so that what is refused is the part.
func driverWith(part, by string) request {
	return request{line: "POST /v1/claimants", body: instead(instead(validDriver, "D-1001", "D-2002"), part, by)}
}

func merchantWith(part, by string) request {
	return request{line: "POST /v1/claimants", body: instead(instead(validMerchant, "123-45-67891", "220-81-62517"), part, by)}
}

func estimateWith(part, by string) request {
	return request{line: "POST /v1/estimates", body: instead(validEstimate, part, by), header: map[string]string{"Idempotency-Key": ""}}
}

func ifMatch(tag string) map[string]string { return map[string]string{"If-Match": tag} }

// Requests that cannot be read at all, or not as what they say they are.
var unreadable = []refusal{
	{"no body", request{as: "newcomer", line: "POST /v1/claims", header: map[string]string{"Content-Type": "application/json"}}, 400, "body_required", nil},
	{"white space for a body", request{as: "newcomer", line: "POST /v1/claims", body: " \n\t"}, 400, "malformed_json", nil},
	{"half a document", request{as: "newcomer", line: "POST /v1/claims", body: validClaim[:len(validClaim)/2]}, 400, "malformed_json", nil},
	{"something after the document", request{as: "newcomer", line: "POST /v1/claims", body: validClaim + `{"submit": true}`}, 400, "malformed_json", nil},
	{"a comma too many", claimWith(`"No calls came."`, `"No calls came.",`), 400, "malformed_json", nil},
	{"single quotes", claimWith(`"No calls came."`, `'No calls came.'`), 400, "malformed_json", nil},
	{"bytes that are not UTF-8", claimWith("No calls came.", "\xc8\xab\xb1\xe6"), 400, "malformed_json", nil},
	{"NaN", claimWith(`25000`, `NaN`), 400, "malformed_json", nil},
	{"Infinity", claimWith(`25000`, `-Infinity`), 400, "malformed_json", nil},
	{"hexadecimal", claimWith(`25000`, `0x61a8`), 400, "malformed_json", nil},
	{"a thousand brackets", request{as: "newcomer", line: "POST /v1/claims", body: strings.Repeat("[", 1000) + strings.Repeat("]", 1000)}, 400, "json_too_deep", nil},
	{"half a million open brackets", request{as: "newcomer", line: "POST /v1/claims", body: strings.Repeat("[", 500_000)}, 400, "json_too_deep", nil},
	{"a name twice", claimWith(`"currency": "KRW"`, `"currency": "KRW", "currency": "USD"`), 422, invalid, []string{"#/currency field_repeated"}},
	{"a name twice, deep inside", claimWith(`"amount": 12000`, `"amount": 12000, "amount": 99000`), 422, invalid, []string{"#/lines/0/items/0/amount field_repeated"}},
	{"U+0000", claimWith("No calls came.", `No\u0000calls`), 422, invalid, []string{"#/statement character_not_allowed"}},
	{"U+0000 where it is kept in clear", incidentWith(`"Kakao"`, `"Ka\u0000kao"`), 422, invalid, []string{"#/platform character_not_allowed"}},
	{"a list for a document", request{as: "newcomer", line: "POST /v1/claims", body: `[` + validClaim + `]`}, 422, invalid, []string{"# wrong_type"}},
	{"null for a document", request{as: "newcomer", line: "POST /v1/claims", body: `null`}, 422, invalid, []string{"# wrong_type"}},
	{"a form", request{as: "newcomer", line: "POST /v1/claims", body: "incident_id=1", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "media_type_not_supported", nil},
	{"no media type", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Content-Type": ""}}, 415, "media_type_not_supported", nil},
	{"a media type that is none", request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: map[string]string{"Content-Type": "json"}}, 415, "media_type_not_supported", nil},
	{"a patch as plain JSON", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": "x"}`, header: map[string]string{"Content-Type": "application/json", "If-Match": `"v1"`}}, 415, "media_type_not_supported", nil},
	{"a path that is not there", request{as: "driver", line: "GET /v1/claim"}, 404, "not_in_contract", nil},
	{"a path with a slash too many", request{as: "driver", line: "GET /v1/claims/"}, 404, "not_in_contract", nil},
	{"a path that climbs", request{as: "driver", line: "GET /v1/../etc/passwd"}, 404, "not_in_contract", nil},
	{"a method that is not there", request{as: "driver", line: "DELETE /v1/claims/{claim}"}, 405, "not_in_contract", nil},
	{"a parameter that is not there", request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi?dryrun=true", header: csvBody, body: hours(48)}, 422, invalid, []string{"query:dryrun unknown_parameter"}},
	{"a parameter twice", request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi?dry_run=false&dry_run=true", header: csvBody, body: hours(48)}, 422, invalid, []string{"query:dry_run field_repeated"}},
	{"a query with a semicolon", request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi?dry_run=true;kind=buckets", header: csvBody, body: hours(48)}, 400, "query_malformed", nil},
	{"a limit that is no number", request{as: "driver", line: "GET /v1/claims?limit=ten"}, 422, invalid, []string{"query:limit parameter_invalid"}},
	{"a limit of nothing", request{as: "driver", line: "GET /v1/claims?limit=0"}, 422, invalid, []string{"query:limit out_of_range"}},
	{"a limit too high", request{as: "driver", line: "GET /v1/claims?limit=201"}, 422, invalid, []string{"query:limit out_of_range"}},
	{"a cursor that is no base64", request{as: "driver", line: "GET /v1/claims?cursor=%25%25"}, 422, invalid, []string{"query:cursor cursor_invalid"}},
	{"a cursor of bytes that are no text", request{as: "driver", line: "GET /v1/claims?cursor=_wD-"}, 422, invalid, []string{"query:cursor cursor_invalid"}},
	{"a cursor of another list", request{line: "GET /v1/schemes?cursor=MDE5"}, 422, invalid, []string{"query:cursor cursor_invalid"}},
	{"a state that is none", request{as: "driver", line: "GET /v1/claims?state=paid"}, 422, invalid, []string{"query:state/0 not_an_option"}},
	{"an id that is none", request{as: "driver", line: "GET /v1/claims/1%27%20OR%201=1"}, 422, invalid, []string{"path:claim wrong_format"}},
	{"a number of an estimate that is none", request{as: "driver", line: "GET /v1/claims/{submitted}/estimates/first"}, 422, invalid, []string{"path:n parameter_invalid"}},
	{"an estimate of number nought", request{as: "driver", line: "GET /v1/claims/{submitted}/estimates/0"}, 422, invalid, []string{"path:n out_of_range"}},
}

// Documents that the contract's shapes refuse.
var misshapen = []refusal{
	{"an unknown field", claimWith(`"currency"`, `"amount_claimed": 1, "currency"`), 422, invalid, []string{"#/amount_claimed unknown_field"}},
	{"an unknown field with a slash", claimWith(`"currency"`, `"a/b~c": 1, "currency"`), 422, invalid, []string{"#/a~1b~0c unknown_field"}},
	{"unknown fields, deep inside", claimWith(`"kind": "lost_ride"`, `"kind": "lost_ride", "tip": 1, "fare": 2`), 422, invalid, []string{"#/lines/0/items/0/fare unknown_field", "#/lines/0/items/0/tip unknown_field"}},
	{"a field in capitals", claimWith(`"statement"`, `"Statement"`), 422, invalid, []string{"#/Statement unknown_field"}},
	{"a missing field", claimWith(`"incident_id": "{incident}",`, ``), 422, invalid, []string{"#/incident_id required"}},
	{"several problems at once", claimWith(`"service": "taxi", "declared_actual": 25000`, `"declared_actual": -5`), 422, invalid, []string{"#/lines/0/declared_actual out_of_range", "#/lines/0/service required"}},
	{"no lines", request{as: "newcomer", line: "POST /v1/claims", body: `{"incident_id": "{incident}", "lines": []}`}, 422, invalid, []string{"#/lines wrong_length"}},
	{"null for lines", request{as: "newcomer", line: "POST /v1/claims", body: `{"incident_id": "{incident}", "lines": null}`}, 422, invalid, []string{"#/lines wrong_type"}},
	{"a text for an amount", claimWith(`25000`, `"25,000"`), 422, invalid, []string{"#/lines/0/declared_actual wrong_type"}},
	{"an amount for a text", claimWith(`"No calls came."`, `7`), 422, invalid, []string{"#/statement wrong_type"}},
	{"a text for a yes", claimWith(`"currency"`, `"submit": "yes", "currency"`), 422, invalid, []string{"#/submit wrong_type"}},
	{"a negative amount", claimWith(`"amount": 12000`, `"amount": -12000`), 422, invalid, []string{"#/lines/0/items/0/amount out_of_range"}},
	{"an amount with a fraction", claimWith(`"amount": 12000`, `"amount": 12000.5`), 422, invalid, []string{"#/lines/0/items/0/amount wrong_type"}},
	{"an amount with an exponent", claimWith(`"amount": 12000`, `"amount": 12e3`), 422, invalid, []string{"#/lines/items/amount wrong_type"}},
	{"an amount of 2^53", claimWith(`"amount": 12000`, `"amount": 9007199254740992`), 422, invalid, []string{"#/lines/0/items/0/amount out_of_range"}},
	{"an amount of 2^63", claimWith(`"amount": 12000`, `"amount": 9223372036854775808`), 422, invalid, []string{"#/lines/0/items/0/amount out_of_range"}},
	{"an amount of a thousand digits", claimWith(`"amount": 12000`, `"amount": 1`+strings.Repeat("0", 1000)), 422, invalid, []string{"#/lines/0/items/0/amount wrong_type"}},
	{"a share of more than the whole", claimWith(`7000`, `10001`), 422, invalid, []string{"#/lines/0/platform_share_basis_points out_of_range"}},
	{"a time without offset", claimWith(`2022-10-15T18:00:00+09:00`, `2022-10-15T18:00:00`), 422, invalid, []string{"#/lines/0/items/0/at wrong_format"}},
	{"a date for a time", claimWith(`2022-10-15T18:00:00+09:00`, `2022-10-15`), 422, invalid, []string{"#/lines/0/items/0/at wrong_format"}},
	{"a day that is none", claimWith(`2022-10-15T18:00:00+09:00`, `2022-02-30T18:00:00+09:00`), 422, invalid, []string{"#/lines/0/items/0/at wrong_format"}},
	{"a year before the first", incidentWith(`"starts_at": "2022`, `"starts_at": "0000`), 422, invalid, []string{"#/starts_at wrong_format"}},
	{"a year that cannot be written in UTC", incidentWith(`"ends_at": "2022-10-20T23:00:00+09:00"`, `"ends_at": "9999-12-31T23:59:59-14:00"`), 422, invalid, []string{"#/ends_at wrong_format"}},
	{"a kind that is none", claimWith(`lost_ride`, `lost_luggage`), 422, invalid, []string{"#/lines/0/items/0/kind not_an_option"}},
	{"an id in capitals", claimWith(`{incident}`, `01928A3E-6F5B-7C10-8A44-1F2E3D4C5B6A`), 422, invalid, []string{"#/incident_id wrong_format"}},
	{"a currency in small letters", claimWith(`"currency": "KRW"`, `"currency": "krw"`), 422, invalid, []string{"#/currency wrong_format"}},
	{"a statement too long", claimWith(`No calls came.`, strings.Repeat("가", 4001)), 422, invalid, []string{"#/statement wrong_length"}},
	{"a name of a hundred thousand letters", driverWith(`홍길동`, strings.Repeat("x", 100_000)), 422, invalid, []string{"#/name wrong_length"}},
	{"an empty name", driverWith(`홍길동`, ``), 422, invalid, []string{"#/name wrong_length"}},
	{"a hundred and one closures", claimWith(`"closures": [`, `"closures": [`+strings.Repeat(`{"start": "2022-10-16T02:00:00+09:00", "end": "2022-10-16T06:00:00+09:00"},`, 100)), 422, invalid, []string{"#/lines/0/closures wrong_length"}},
	{"an unknown field in a patch", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"state": "submitted"}`, header: ifMatch(`"v1"`)}, 422, invalid, []string{"#/state unknown_field"}},
	{"an empty patch", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{}`, header: ifMatch(`"v1"`)}, 422, invalid, []string{"# nothing_to_change"}},
	{"a patch that removes what must be", request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"lines": null}`, header: ifMatch(`"v1"`)}, 422, invalid, []string{"#/lines wrong_type"}},
	{"an unknown sector", driverWith(`"sector": "taxi"`, `"sector": "airline"`), 422, invalid, []string{"#/outlets/0/sector not_an_option"}},
	{"an unknown region", driverWith(`KR-11`, `Seoul`), 422, invalid, []string{"#/outlets/0/region wrong_format"}},
	{"no outlets", request{line: "POST /v1/claimants", body: `{"kind": "driver", "name": "a", "phone": "010-1234-5678", "driver_id": "D-9", "outlets": []}`}, 422, invalid, []string{"#/outlets wrong_length"}},
	{"a bank code of two digits", merchantWith(`"bank_code": "004"`, `"bank_code": "04"`), 422, invalid, []string{"#/bank_account/bank_code wrong_format"}},
	{"a bank account of letters", merchantWith(`123456-04-567890`, `my account`), 422, invalid, []string{"#/bank_account/number wrong_format"}},
	{"a bank account without holder", merchantWith(`, "holder": "새벽미용실"`, ``), 422, invalid, []string{"#/bank_account/holder required"}},
	{"a key of an unknown role", request{as: "admin", line: "POST /v1/keys", body: `{"role": "root"}`}, 422, invalid, []string{"#/role not_an_option"}},
	{"windows without the share that was down", incidentWith(`, "down_basis_points": 6000`, ``), 422, invalid, []string{"#/services/0/windows/1/down_basis_points required"}},
	{"a share that was down of nothing", incidentWith(`6000`, `0`), 422, invalid, []string{"#/services/0/windows/1/down_basis_points out_of_range"}},
	{"an estimate without windows", estimateWith(`{"start": "2022-10-15T15:30:00+09:00", "end": "2022-10-16T01:30:00+09:00", "down_basis_points": 10000}`, ``), 422, invalid, []string{"#/windows wrong_length"}},
	{"an estimate with buckets of seven minutes", estimateWith(`"bucket_minutes": 60`, `"bucket_minutes": 7`), 422, invalid, []string{"#/bucket_minutes not_an_option"}},
	{"an estimate with a bucket beyond the range", estimateWith(`"amount": 20000`, `"amount": 1e300`), 422, invalid, []string{"#/history/0/amount out_of_range", "#/history/0/amount wrong_format"}},
}

// Documents whose shape is right and whose sense is not.
var nonsensical = []refusal{
	{"an incident that is not there", claimWith(`{incident}`, `01928a3e-6f5b-7c10-8a44-1f2e3d4c5b6a`), 422, invalid, []string{"#/incident_id unknown_incident"}},
	{"an incident that is a draft", claimWith(`{incident}`, `{draft}`), 422, invalid, []string{"#/incident_id unknown_incident"}},
	{"a service that is not there", claimWith(`"service": "taxi", "declared`, `"service": "ferry", "declared`), 422, invalid, []string{"#/lines/0/service unknown_service"}},
	{"a service that was not impaired", claimWith(`"service": "taxi", "declared`, `"service": "shop", "declared`), 422, invalid, []string{"#/lines/0/items/0/at item_outside_window", "#/lines/0/service service_not_impaired"}},
	{"a service twice", claimWith(`"lines": [`, `"lines": [{"service": "taxi"}, `), 422, invalid, []string{"#/lines/1/service duplicate_line"}},
	{"a subscription to a service that is not there", claimWith(`"plan": "Pro", "service": "taxi"`, `"plan": "Pro", "service": "ferry"`), 422, invalid, []string{"#/subscriptions/0/service unknown_service"}},
	{"a lost ride before the outage", claimWith(`2022-10-15T18:00:00+09:00`, `2022-10-15T15:29:59+09:00`), 422, invalid, []string{"#/lines/0/items/0/at item_outside_window"}},
	{"a lost ride at the end of the outage", claimWith(`2022-10-15T18:00:00+09:00`, `2022-10-16T14:30:00+09:00`), 422, invalid, []string{"#/lines/0/items/0/at item_outside_window"}},
	{"a lost ride in the wrong zone", claimWith(`2022-10-15T18:00:00+09:00`, `2022-10-15T22:00:00-09:00`), 422, invalid, []string{"#/lines/0/items/0/at item_outside_window"}},
	{"a closure that ends before it starts", claimWith(`"end": "2022-10-16T06:00:00+09:00"`, `"end": "2022-10-16T01:00:00+09:00"`), 422, invalid, []string{"#/lines/0/closures/0/end end_before_start"}},
	{"closures that overlap", claimWith(`"closures": [`, `"closures": [{"start": "2022-10-16T01:00:00+09:00", "end": "2022-10-16T03:00:00+09:00"}, `), 422, invalid, []string{"#/lines/0/closures/1/start closures_overlap"}},
	{"another currency", claimWith(`"currency": "KRW"`, `"currency": "USD"`), 422, invalid, []string{"#/currency currency_differs"}},
	{"a claimant of another currency", request{as: "abroad", line: "POST /v1/claims", body: validClaim}, 422, invalid, []string{"#/incident_id currency_differs"}},
	{"an outlet that is not there", claimWith(`"currency"`, `"outlet": "ninth", "currency"`), 422, invalid, []string{"#/outlet unknown_outlet"}},
	{"an amount beyond what a claim can come to", claimWith(`"amount": 12000`, `"amount": 100000000001`), 422, invalid, []string{"#/lines amount_overflow"}},
	{"amounts that overflow together", claimWith(`"amount": 12000`, `"amount": 9007199254740991`), 422, invalid, []string{"#/lines amount_overflow"}},
	{"a business number whose check digit is wrong", merchantWith(`220-81-62517`, `220-81-62518`), 422, invalid, []string{"#/business_number business_number_wrong"}},
	{"a business number of nine digits", merchantWith(`220-81-62517`, `220-81-6251`), 422, invalid, []string{"#/business_number business_number_wrong"}},
	{"a merchant without number", merchantWith(`"business_number": "220-81-62517",`, ``), 422, invalid, []string{"#/business_number required"}},
	{"a merchant with a driver id", merchantWith(`"business_number"`, `"driver_id": "D-77", "business_number"`), 422, invalid, []string{"#/driver_id not_allowed"}},
	{"a driver with a business number", driverWith(`"driver_id"`, `"business_number": "220-81-62517", "driver_id"`), 422, invalid, []string{"#/business_number not_allowed"}},
	{"a driver without id", driverWith(`"driver_id": "D-2002",`, ``), 422, invalid, []string{"#/driver_id required"}},
	{"a telephone number of words", driverWith(`+82 10 5550 1234`, `call my office`), 422, invalid, []string{"#/phone wrong_format"}},
	{"a telephone number of five digits", driverWith(`+82 10 5550 1234`, `12345`), 422, invalid, []string{"#/phone wrong_format"}},
	{"a zone that is not there", merchantWith(`Asia/Seoul`, `Asia/Atlantis`), 422, invalid, []string{"#/zone unknown_zone"}},
	{"a zone that is a path", merchantWith(`Asia/Seoul`, `../../etc/passwd`), 422, invalid, []string{"#/zone unknown_zone"}},
	{"the zone of whatever machine", merchantWith(`Asia/Seoul`, `Local`), 422, invalid, []string{"#/zone unknown_zone"}},
	{"a currency that is not there", merchantWith(`"KRW"`, `"WON"`), 422, invalid, []string{"#/currency unknown_currency"}},
	{"two outlets of one code", merchantWith(`"code": "second"`, `"code": "main"`), 422, invalid, []string{"#/outlets duplicate_outlet"}},
	{"two outlets of one code in a patch", request{as: "merchant", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"outlets": [
		{"code": "main", "name": "a", "sector": "salon", "region": "KR-11"}, {"code": "main", "name": "b", "sector": "cafe", "region": "KR-11"}]}`}, 422, invalid, []string{"#/outlets duplicate_outlet"}},
	{"dropping an outlet that has a claim", request{as: "merchant", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"outlets": [
		{"code": "second", "name": "역전점", "sector": "salon", "region": "KR-41"}]}`}, 422, invalid, []string{"#/outlets outlet_in_use"}},
	{"an estimate whose window ends before it starts", estimateWith(`"end": "2022-10-16T01:30:00+09:00"`, `"end": "2022-10-15T01:30:00+09:00"`), 422, invalid, []string{"#/windows/0/end end_before_start"}},
	{"an estimate in a zone that is not there", estimateWith(`Asia/Seoul`, `Seoul`), 422, invalid, []string{"#/zone unknown_zone"}},
	{"an estimate in a currency that is not there", estimateWith(`"KRW"`, `"ZZZ"`), 422, invalid, []string{"#/currency unknown_currency"}},
	{"an estimate of a CSV without a word on it", request{line: "POST /v1/estimates", header: csvBody, body: hours(48)}, 422, invalid, []string{"query:currency required", "query:windows wrong_format", "query:zone required"}},
	{"an estimate of a CSV over a window without offset", request{line: "POST /v1/estimates?zone=Asia/Seoul&currency=KRW&windows=2022-10-15T15:30/2022-10-16T14:30", header: csvBody, body: hours(48)}, 422, invalid, []string{"query:windows wrong_format"}},
	{"an estimate of a CSV down by more than the whole", request{line: "POST /v1/estimates?zone=Asia/Seoul&currency=KRW&windows=2022-10-15T15:30:00Z/2022-10-16T14:30:00Z@10001", header: csvBody, body: hours(48)}, 422, invalid, []string{"query:windows wrong_format"}},
}

// Mistakes of staff, whose data all claims depend on.
var staffMistakes = []refusal{
	{"an incident that ends before it starts", incidentWith(`"ends_at": "2022-10-20`, `"ends_at": "2022-10-10`), 422, invalid, []string{"#/ends_at end_before_start"}},
	{"filing that closes before it opens", incidentWith(`"closes_at": "2022-12-01`, `"closes_at": "2022-10-01`), 422, invalid, []string{"#/filing/closes_at end_before_start"}},
	{"late filing that ends before filing", incidentWith(`"closes_at": "2022-12-01T00:00:00+09:00"`, `"closes_at": "2022-12-01T00:00:00+09:00", "late_until": "2022-11-30T00:00:00+09:00"`), 422, invalid, []string{"#/filing/late_until late_before_close"}},
	{"a window outside the incident", incidentWith(`"end": "2022-10-19T02:30:00+09:00"`, `"end": "2022-10-20T23:00:01+09:00"`), 422, invalid, []string{"#/services/1/windows/0 window_outside_incident"}},
	{"a window outside the incident by its zone", incidentWith(`"start": "2022-10-15T15:30:00+09:00", "end": "2022-10-19`, `"start": "2022-10-15T15:30:00+10:00", "end": "2022-10-19`), 422, invalid, []string{"#/services/1/windows/0 window_outside_incident"}},
	{"windows that overlap", incidentWith(`"start": "2022-10-16T01:30:00+09:00"`, `"start": "2022-10-16T01:29:59+09:00"`), 422, invalid, []string{"#/services/0/windows/1/start windows_overlap"}},
	{"a window that ends before it starts", incidentWith(`"end": "2022-10-19T02:30:00+09:00"`, `"end": "2022-10-15T15:30:00+09:00"`), 422, invalid, []string{"#/services/1/windows/0/end end_before_start"}},
	{"a service twice in an incident", incidentWith(`"code": "hair"`, `"code": "taxi"`), 422, invalid, []string{"#/services/1/code duplicate_service"}},
	{"an incident in a zone that is not there", incidentWith(`Asia/Seoul`, `Korea/Seoul`), 422, invalid, []string{"#/zone unknown_zone"}},
	{"an incident in a currency that is not there", incidentWith(`"currency": "KRW"`, `"currency": "KRX"`), 422, invalid, []string{"#/currency unknown_currency"}},
	{"an incident whose scheme pays in another currency", incidentWith(`"currency": "KRW"`, `"currency": "USD"`), 422, invalid, []string{"#/scheme currency_differs"}},
	{"a scheme that is not there", incidentWith(`"sandbox-2022"`, `"sandbox-2023"`), 422, invalid, []string{"#/scheme unknown_scheme"}},
	{"a scheme version that is not there", request{as: "admin", line: "PUT /v1/incidents/{draft}/scheme", body: `{"id": "sandbox-2022", "version": 2}`, header: ifMatch(`"v1"`)}, 422, invalid, []string{"#/scheme unknown_scheme"}},
	{"opening an incident without scheme or windows", request{as: "admin", line: "POST /v1/incidents/{bare}/open", header: ifMatch(`"v1"`)}, 422, invalid, []string{"#/scheme scheme_required", "#/services windows_required"}},
	{"windows of an incident outside it", request{as: "admin", line: "PUT /v1/incidents/{draft}/windows", header: ifMatch(`"v1"`), body: `{"services": [{"code": "taxi", "kind": "ride", "name": {"ko": "택시", "en": "Taxi"}, "windows": [
		{"start": "2022-10-14T00:00:00+09:00", "end": "2022-10-16T00:00:00+09:00", "down_basis_points": 10000}]}]}`}, 422, invalid, []string{"#/services/0/windows/0 window_outside_incident"}},
	{"an incident cut short of its windows", request{as: "admin", line: "PATCH /v1/incidents/{draft}", body: `{"ends_at": "2022-10-18T00:00:00+09:00"}`, header: ifMatch(`"v1"`)}, 422, invalid, []string{"#/services/1/windows/0 window_outside_incident"}},
	{"a scheme without anything in it", request{as: "admin", line: "POST /v1/schemes", body: `{"id": "empty", "version": 1}`}, 422, invalid, []string{
		"# no_outcome", "#/currency required", "#/payout required", "#/source required", "#/title required"}},
	{"a scheme with a rule nobody knows", request{as: "admin", line: "POST /v1/schemes", body: instead(sandboxScheme, `"payout"`, `"bonus": 1, "payout"`)}, 422, invalid, []string{"#/bonus unknown_field"}},
	{"a scheme that pays less than nothing", request{as: "admin", line: "POST /v1/schemes", body: instead(sandboxScheme, `"pay": 30000`, `"pay": -30000`)}, 422, invalid, []string{"#/tiers/tiers/0/pay out_of_range"}},
	{"a scheme that is posted twice", request{as: "admin", line: "POST /v1/schemes", body: sandboxScheme}, 409, "scheme_version_exists", nil},
	{"a key that has expired already", request{as: "admin", line: "POST /v1/keys", body: `{"role": "auditor", "expires_at": "2022-10-31T00:00:00+09:00"}`}, 422, invalid, []string{"#/expires_at expires_in_the_past"}},
	{"a claimant's key without claimant", request{as: "admin", line: "POST /v1/keys", body: `{"role": "claimant"}`}, 422, invalid, []string{"#/claimant_id claimant_required"}},
	{"an auditor's key with a claimant", request{as: "admin", line: "POST /v1/keys", body: `{"role": "auditor", "claimant_id": "{driver}"}`}, 422, invalid, []string{"#/claimant_id claimant_not_allowed"}},
	{"an accountant's key of nobody", request{as: "admin", line: "POST /v1/keys", body: `{"role": "accountant"}`}, 422, invalid, []string{"#/person person_required"}},
	{"a claim by staff for nobody", request{as: "reviewer", line: "POST /v1/claims", body: validClaim}, 422, invalid, []string{"#/claimant_id claimant_required"}},
	{"me, for somebody who is no claimant", request{as: "admin", line: "GET /v1/claimants/me"}, 404, "claimant_not_found", nil},
}

// fieldsOf repeats one field problem for each of the first n lines of a file
// that have it.
func fieldsOf(first, n int, column, code string) []string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf("line:%d:%s %s", first+i, column, code)
	}
	return fields
}

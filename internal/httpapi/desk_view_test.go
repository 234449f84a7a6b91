package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

// claimParts are what can be read of a claim.
var claimParts = []string{"", "/decisions", "/information-requests", "/appeal", "/evidence", "/checks", "/stages", "/reads", "/events"}

// What a claimant reads of a claim names nobody of the staff and nothing of how
// the desk works.
func TestClaimantsSeeTheirSideOfAClaim(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		met := map[string]int{}
		for _, claim := range clientOutlets[:len(clientOutlets)-1] {
			for _, part := range claimParts {
				line := "GET /v1/claims/{" + claim + "}" + part
				s.send(t, request{as: "senior", line: line})
				a := s.send(t, request{as: "client", line: line})
				if a.status != http.StatusOK && part != "/appeal" {
					t.Errorf("%s of %s: status %d", part, claim, a.status)
				}
				if a.status == http.StatusOK {
					met[part]++
				}
				for _, hidden := range []string{"desk-", `"desk"`, "on_hold", "awaiting_approval", `"score"`, `"points"`, `"same_as"`, `"needs_approval":true`} {
					if strings.Contains(string(a.body), hidden) {
						t.Errorf("%s of %s shows %s: %s", part, claim, hidden, a.body)
					}
				}
			}
		}
		for _, part := range claimParts {
			if met[part] == 0 {
				t.Errorf("no claim has %s", part)
			}
		}
		if ids := s.ids(t, "client", "/v1/claims?state=in_review", "claims"); len(ids) != 3 {
			t.Errorf("%d claims are in review as their claimant sees it; want the one that is, the one on hold and the one proposed", len(ids))
		}
		if ids := s.ids(t, "client", "/v1/claims?state=on_hold", "claims"); len(ids) != 0 {
			t.Errorf("a claimant learns by asking that a claim is on hold")
		}
	})
}

// What a claimant wrote shows to staff where they read the claim, which is
// recorded, and not in lists or in the answers of acts.
func TestStaffReadWhatIsWrittenWhereItIsRecorded(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		words := []string{"No calls came.", "to the airport"}
		for line, a := range map[string]answer{
			"list": s.send(t, request{as: "colleague", line: "GET /v1/claims?claimant_id={client}"}),
			"act":  s.send(t, s.doing(t, "reviewer", "assign", "mine", "")),
			"next": s.send(t, request{as: "second", line: "POST /v1/queue/next"}),
		} {
			for _, word := range words {
				if a.status != http.StatusOK || strings.Contains(string(a.body), word) {
					t.Errorf("%s: status %d, shows %q", line, a.status, word)
				}
			}
		}
		read := s.send(t, request{as: "colleague", line: "GET /v1/claims/{mine}?purpose=a+call+from+the+claimant"})
		for _, word := range words {
			if !strings.Contains(string(read.body), word) {
				t.Errorf("reading the claim does not show %q", word)
			}
		}
		s.send(t, request{as: "reviewer", line: "GET /v1/claims/{mine}/evidence/{file}"})
		s.send(t, request{as: "payer", line: "GET /v1/claims/{mine}"})
		seen := func(who string) []string {
			var all []string
			for _, r := range decode[httpapi.ReadList](t, s.send(t, request{as: who, line: "GET /v1/claims/{mine}/reads"})).Reads {
				person := ""
				if r.Person != nil {
					person = *r.Person
				}
				all = append(all, strings.Join([]string{string(r.What), r.Purpose, string(r.Role), person}, ", "))
			}
			return all
		}
		want := []string{"claim, unstated, payer, desk-payer", "evidence, review, reviewer, desk-reviewer", "claim, a call from the claimant, reviewer, desk-colleague"}
		if diff := cmp.Diff(want, seen("senior")); diff != "" {
			t.Errorf("reads that a senior sees (-want +got):\n%s", diff)
		}
		for i, r := range seen("client") {
			if named, _ := strings.CutSuffix(want[i], strings.Split(want[i], ", ")[3]); r != named {
				t.Errorf("its claimant sees %q, want %q", r, named)
			}
		}
		first := s.ids(t, "senior", "/v1/claims/{mine}/reads?limit=1", "reads")
		if len(first) != 1 || s.next == "" {
			t.Errorf("one read a page: %d, next %q", len(first), s.next)
		}
		if rest := s.ids(t, "senior", strings.Replace(s.next, "limit=1", "limit=9", 1), "reads"); len(rest) != 2 {
			t.Errorf("%d reads on the rest of the pages", len(rest))
		}
	})
}

func TestPurposeIsAWordInKorean(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		a := s.send(t, request{as: "colleague", line: "GET /v1/claims/{mine}/evidence/{file}?purpose=%EC%8B%AC%EC%82%AC"})
		if a.status != http.StatusOK {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		reads := decode[httpapi.ReadList](t, s.send(t, request{as: "senior", line: "GET /v1/claims/{mine}/reads"})).Reads
		if len(reads) != 1 || reads[0].Purpose != "심사" {
			t.Errorf("reads: %+v", reads)
		}
	})
}

// The platform's id of an outlet is shown masked, and stays when it comes back
// as it is shown.
func TestPlatformIDIsMaskedAndStays(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		shown := decode[httpapi.Claimant](t, s.send(t, request{as: "client", line: "GET /v1/claimants/me"}))
		if got := *shown.Outlets[0].PlatformID; got != "****1000" {
			t.Fatalf("shown as %q", got)
		}
		before := s.data.count(t, "outlets", "claimant_id = '"+s.names["client"]+"'")
		var outlets []string
		for _, o := range shown.Outlets {
			outlets = append(outlets, `{"code": "`+o.Code+`", "name": "차", "sector": "taxi", "region": "KR-11", "platform_id": "`+*o.PlatformID+`"}`)
		}
		s.must(t, request{as: "client", line: "PATCH /v1/claimants/me", header: ifMatch(`"v1"`), body: `{"outlets": [` + strings.Join(outlets, ",") + `]}`})
		kept, err := s.store.Claimant(t.Context(), s.names["client"])
		if err != nil || len(kept.Outlets) != before {
			t.Fatal(err, len(kept.Outlets))
		}
		if id := kept.Outlets[0].PlatformID; !strings.HasPrefix(id, "CAR-2022-") {
			t.Errorf("the id became %q", id)
		}
	})
}

func TestStaffKeepViewsOfTheirOwn(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		filter := map[string]any{
			"incident_id": s.names["incident"], "claimant_id": s.names["client"], "state": []any{"submitted", "in_review"}, "sector": "taxi", "region": "KR-11",
			"assigned_to": "desk-01", "verdict": "approved", "check": "history_short", "score_from": 10.0, "stake_from": 1.0, "stake_up_to": 2.0,
			"overdue_before": "2022-12-01T00:00:00Z", "answered": true,
		}
		var fields []string
		for name, value := range filter {
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			fields = append(fields, `"`+name+`": `+string(text))
		}
		slices.Sort(fields)
		made := s.make(t, "view", request{as: "reviewer", line: "POST /v1/views", body: `{"name": "제주", "filter": {` + strings.Join(fields, ",") + `}}`})
		if diff := cmp.Diff(any(filter), made["filter"]); diff != "" {
			t.Errorf("the filter comes back otherwise:\n%s", diff)
		}
		again := post("reviewer", "views", `{"name": "제주", "filter": {}}`)
		s.refuses(t, refusal{request: again, status: 409, code: "view_exists"})
		again.as = "second"
		s.make(t, "other's view", again)
		if ids := s.ids(t, "colleague", "/v1/views", "views"); len(ids) != 0 {
			t.Error("a colleague sees the view")
		}
		s.refuses(t, refusal{request: request{as: "colleague", line: "DELETE /v1/views/{view}"}, status: 404, code: "view_not_found"})
		if ids := s.ids(t, "reviewer's other key", "/v1/views", "views"); len(ids) != 1 {
			t.Error("the same person does not see the view with another key")
		}
		if a := s.send(t, request{as: "reviewer", line: "DELETE /v1/views/{view}"}); a.status != http.StatusNoContent {
			t.Errorf("status %d", a.status)
		}
		if n := len(s.ids(t, "reviewer", "/v1/claims?claimant_id={client}&sector=taxi&region=KR-11&stake_from=900000&stake_up_to=1000000&verdict=refused", "claims")); n != 0 {
			t.Errorf("%d claims match a verdict that none has", n)
		}
		if n := len(s.ids(t, "reviewer", "/v1/claims?stake_from=900000&assigned_to=desk-reviewer", "claims")); n != 0 {
			t.Errorf("%d large claims are assigned; the proposed one is not", n)
		}
		if n := len(s.ids(t, "reviewer", "/v1/claims?claimant_id={client}&assigned_to=desk-reviewer&score_from=1&overdue_before=2023-01-01T00:00:00Z", "claims")); n != 3 {
			t.Errorf("%d claims are the reviewer's; want mine, asked and held", n)
		}
	})
}

// A view stands for its filter wherever claims are asked for.
func TestViewsNarrowListsBulkActionsAndTheQueue(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.make(t, "view", post("second", "views", `{"name": "theirs", "filter": {"incident_id": "{incident}", "claimant_id": "{client}", "state": ["in_review", "on_hold"]}}`))
		listed := s.ids(t, "second", "/v1/claims?view={view}", "claims")
		if want := s.ids(t, "second", "/v1/claims?claimant_id={client}&state=on_hold,in_review", "claims"); len(want) == 0 || !slices.Equal(listed, want) {
			t.Errorf("the view lists %v, its filter %v", listed, want)
		}
		held := s.ids(t, "second", "/v1/claims?claimant_id={client}&state=on_hold", "claims")
		if len(held) == 0 || len(held) >= len(listed) {
			t.Errorf("%d claims are on hold of %d that are on hold or in review", len(held), len(listed))
		}
		bulk := decode[httpapi.BulkResults](t, s.send(t, post("second", "claims/bulk", `{"action": "assign", "preview": true, "view": "{view}"}`)))
		if len(bulk.Results) != len(listed) || *bulk.Matched != len(listed) {
			t.Errorf("%d results of %d that match; the view lists %d", len(bulk.Results), *bulk.Matched, len(listed))
		}
		s.refuses(t, refusal{request: get("reviewer", "claims?view={view}"), status: 404, code: "view_not_found"})
		s.make(t, "waiting view", post("second", "views", `{"name": "waiting", "filter": {"claimant_id": "{client}", "state": ["submitted"]}}`))
		first := s.must(t, post("second", "queue/next", `{"view": "{waiting view}"}`))
		if first["claimant_id"] != s.names["client"] || first["state"] != "in_review" {
			t.Errorf("the queue gave %v of %v", first["state"], first["claimant_id"])
		}
	})
}

// What came back with an answer is listed until it goes on.
func TestAnsweredClaimsAreFoundByWhoAsked(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		answered := func(want ...string) {
			t.Helper()
			if got := s.ids(t, "reviewer", "/v1/claims?assigned_to=desk-reviewer&answered=true", "claims"); !slices.Equal(got, want) {
				t.Errorf("answered: %v, want %v", got, want)
			}
		}
		s.does(t, "client", "information-requests/1/answer", "asked", `{"items": [{"code": "bankbook", "text": "Lost it."}]}`)
		answered()
		s.does(t, "client", "information-requests/1/answer", "asked", `{"items": [{"code": "hours", "text": "Three to ten."}]}`)
		answered(s.names["asked"])
		s.does(t, "reviewer", "assign", "asked", "")
		answered(s.names["asked"])
		s.does(t, "reviewer", "hold", "asked", hold)
		s.does(t, "reviewer", "release", "asked", "")
		answered()
	})
}

func TestStaffSeeChecksAndSimilarClaims(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		list := decode[httpapi.CheckList](t, s.send(t, request{as: "reviewer", line: "GET /v1/claims/{mine}/checks"}))
		points := 0
		for _, c := range list.Checks {
			points += *c.Points
			if c.Detail == nil || c.Detail.KO == "" {
				t.Errorf("%s says nothing", c.Code)
			}
		}
		if len(list.Checks) < 10 || list.Score == nil || points != *list.Score {
			t.Errorf("%d checks of %d points make a score of %v", len(list.Checks), points, list.Score)
		}
		similar := decode[httpapi.SimilarClaims](t, s.send(t, request{as: "reviewer", line: "GET /v1/claims/{mine}/similar?awarded=1"}))
		if len(similar.Claims) < 2 || similar.Outlier || similar.Explanation == nil {
			t.Errorf("similar: %+v", similar)
		}
		clocks := decode[httpapi.ClockList](t, s.send(t, request{as: "payer", line: "GET /v1/incidents/{incident}/clocks"})).Clocks
		if len(clocks) < 3 || clocks[0].Stays == 0 {
			t.Errorf("clocks: %+v", clocks)
		}
	})
}

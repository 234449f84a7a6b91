package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/store/storetest"
)

// Valid documents of the desk.
const (
	approval = `{"verdict": "approved", "assessed": 7550, "awarded": 7550, "reason": "evidence_shows_loss", "note": "The history agrees."}`
	partly   = `{"verdict": "partly_approved", "assessed": 6000, "awarded": 5000, "reason": "earned_instead", "note": "Rides were hailed in the street."}`
	refused  = `{"verdict": "refused", "assessed": 0, "awarded": 0, "reason": "no_loss_shown", "note": "The takings were as always."}`
	rejected = `{"verdict": "rejected", "assessed": 0, "awarded": 0, "reason": "missing_document", "note": "The certificate is missing."}`
	question = `{"message": "We need two things.", "items": [
		{"code": "bankbook", "slot": "bank_book", "substitutes": ["other"], "what": "The first page of your bank book", "why": "To pay you"},
		{"code": "hours", "what": "When did you drive that day?", "why": "The history leaves it open"}]}`
	hold   = `{"reason": "awaits_ledger", "review_at": "2022-11-15T00:00:00+09:00"}`
	appeal = `{"grounds": "The street was empty that night."}`
)

// clientOutlets are the outlets of the claimant whose claims the desk has: each
// is a car of its own.
var clientOutlets = []string{"waiting", "mine", "asked", "held", "proposed", "decided", "appealed", "closed", "returned", "spare"}

// inDesks runs a test on each engine in a town whose desk has a claim in each
// state, called by it.
func inDesks(t *testing.T, f func(t *testing.T, s *server)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			s := newTown(t, engine)
			s.desk(t)
			f(t, s)
		})
	}
}

func (s *server) desk(t *testing.T) {
	t.Helper()
	s.issue(t, "colleague", claims.KeyRequest{Role: identity.Reviewer, Person: "desk-colleague"})
	s.issue(t, "second", claims.KeyRequest{Role: identity.Senior, Person: "desk-second"})
	s.issue(t, "reviewer's other key", claims.KeyRequest{Role: identity.Senior, Person: "desk-reviewer"})
	// The client's cars have one history, and anybody of the desk takes their claims.
	s.changePolicy(t, `"senior_from_score": 25`, `"senior_from_score": 1000`)
	var outlets []string
	for i, code := range clientOutlets {
		outlets = append(outlets, fmt.Sprintf(`{"code": "%s", "name": "차 %d", "sector": "taxi", "region": "KR-11", "platform_id": "CAR-2022-%04d"}`, code, i, 1000+i))
	}
	s.register(t, "client", `{"kind": "driver", "name": "나길동", "phone": "010-5551-2345", "driver_id": "D-5005", "outlets": [`+strings.Join(outlets, ",")+`]}`)
	for _, code := range clientOutlets {
		if code != "spare" {
			s.must(t, request{as: "client", line: "PUT /v1/claimants/me/revenue/taxi?outlet=" + code, header: csvBody, body: hours(84 * 24)})
			s.make(t, code, request{as: "client", line: "POST /v1/claims", body: deskClaim(code)})
		}
		if code != "spare" && code != "waiting" {
			s.does(t, "reviewer", "assign", code, "")
		}
	}
	s.does(t, "reviewer", "information-requests", "asked", question)
	s.does(t, "reviewer", "hold", "held", hold)
	s.does(t, "reviewer", "decisions", "proposed", refused)
	for _, code := range []string{"decided", "appealed", "closed"} {
		s.does(t, "reviewer", "decisions", code, partly)
	}
	s.does(t, "reviewer", "decisions", "returned", rejected)
	s.does(t, "client", "appeal", "appealed", appeal)
	s.does(t, "client", "accept", "closed", "")
	s.make(t, "file", request{as: "client", line: evidenceLine("mine", "bank_book", "통장 사본.txt"), header: plainText, body: bankBook})
}

const bankBook = "통장 사본\n나길동 123-45\n"

var plainText = map[string]string{"Content-Type": "text/plain"}

func evidenceLine(claim, slot, name string) string {
	return "POST /v1/claims/{" + claim + "}/evidence?slot=" + slot + "&name=" + url.QueryEscape(name)
}

// deskClaim is a submitted claim of the client's; the one that is proposed is
// beyond a reviewer's authority to refuse.
func deskClaim(outlet string) string {
	body := instead(validClaim, `"currency"`, `"outlet": "`+outlet+`", "submit": true, "currency"`)
	if outlet == "proposed" {
		body = instead(body, `"amount": 12000`, `"amount": 912000`)
	}
	return body
}

// does carries out something on a claim at its present version.
func (s *server) does(t tester, who, what, claim, body string) map[string]any {
	t.Helper()
	return s.must(t, s.doing(t, who, what, claim, body))
}

// doing is the request of does.
func (s *server) doing(t tester, who, what, claim, body string) request {
	t.Helper()
	return request{as: who, line: "POST /v1/claims/{" + claim + "}/" + what, body: body, header: s.tag(t, claim)}
}

// tag is the If-Match of a claim's present version.
func (s *server) tag(t tester, claim string) map[string]string {
	t.Helper()
	c, err := s.store.Claim(t.Context(), s.names[claim])
	if err != nil {
		t.Fatal(err)
	}
	return ifMatch(fmt.Sprintf(`"v%d"`, c.Version))
}

// decode reads an answer into what is expected of it.
func decode[T any](t tester, a answer) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(a.body, &out); err != nil || a.status >= 300 {
		t.Fatalf("status %d, %v: %s", a.status, err, a.body)
	}
	return out
}

func TestDeskHasAClaimInEachState(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		for claim, states := range map[string][2]string{ // of staff, of its claimant
			"waiting": {"submitted", "submitted"}, "mine": {"in_review", "in_review"}, "asked": {"information_requested", "information_requested"},
			"held": {"on_hold", "in_review"}, "proposed": {"awaiting_approval", "in_review"}, "decided": {"decided", "decided"},
			"appealed": {"appealed", "appealed"}, "closed": {"closed", "closed"}, "returned": {"decided", "decided"},
		} {
			staff := s.must(t, request{as: "reviewer", line: "GET /v1/claims/{" + claim + "}"})
			own := s.must(t, request{as: "client", line: "GET /v1/claims/{" + claim + "}"})
			if staff["state"] != states[0] || own["state"] != states[1] {
				t.Errorf("%s: %v to staff, %v to its claimant; want %v", claim, staff["state"], own["state"], states)
			}
			t.Log(claim, staff["estimated"], staff["claimed"], staff["desk"])
		}
	})
}

package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"redress/internal/httpapi"
)

// later moves the clock on and lets the service do what has fallen due.
func (s *server) later(t *testing.T, d time.Duration) {
	t.Helper()
	s.clock.set(s.clock.Now().Add(d))
	if _, err := s.service.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A lease ends; whoever had the claim cannot go on, and somebody else can.
func TestLeaseEnds(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.refuses(t, refusal{request: s.doing(t, "colleague", "assign", "mine", ""), status: 409, code: "claim_taken"})
		s.clock.set(today.Add(30 * time.Minute))
		s.refuses(t, refusal{request: s.doing(t, "reviewer", "decisions", "mine", partly), status: 409, code: "lease_expired"})
		taken := s.does(t, "colleague", "assign", "mine", "")
		if got := taken["desk"].(map[string]any)["assigned_to"]; got != "desk-colleague" {
			t.Errorf("assigned to %v", got)
		}
		s.refuses(t, refusal{request: s.doing(t, "reviewer", "decisions", "mine", partly), status: 409, code: "claim_not_assigned"})
		handed := s.does(t, "senior", "assign", "mine", `{"person": "desk-second"}`)
		if got := handed["desk"].(map[string]any)["assigned_to"]; got != "desk-second" {
			t.Errorf("handed to %v", got)
		}
	})
}

// Claims of a high score are for seniors; reviewers are told that there is
// nothing for them.
func TestQueueGivesEachWhatIsTheirs(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		mine := request{as: "colleague", line: "POST /v1/queue/next", body: `{"sector": "taxi", "region": "KR-11", "stake_from": 1, "stake_up_to": 100000, "incident_id": "{incident}"}`}
		s.changePolicy(t, `"senior_from_score": 1000`, `"senior_from_score": 1`)
		if a := s.send(t, mine); a.status != http.StatusNoContent || len(a.body) != 0 {
			t.Errorf("status %d: %s", a.status, a.body)
		}
		s.changePolicy(t, `"senior_from_score": 1`, `"senior_from_score": 10000`)
		a := s.send(t, mine)
		if got := decode[httpapi.Claim](t, a); a.header.Get("ETag") != `"v`+itoa(got.Version)+`"` || *got.Desk.AssignedTo != "desk-colleague" || got.State != "in_review" {
			t.Errorf("got %+v", got.Desk)
		}
	})
}

// What falls due is done by itself: a hold ends, an unanswered request lapses,
// an appeal period ends.
func TestWhatFallsDueIsDone(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.later(t, 15*24*time.Hour)
		s.inState(t, s.must(t, request{as: "reviewer", line: "GET /v1/claims/{held}"}), "in_review")
		lapsed := s.must(t, request{as: "client", line: "GET /v1/claims/{asked}"})
		s.inState(t, lapsed, "decided")
		if lapsed["verdict"] == "refused" || lapsed["automatic"] != true {
			t.Errorf("an unanswered request came to %v", lapsed["verdict"])
		}
		s.refuses(t, refusal{request: s.doing(t, "client", "information-requests/1/answer", "asked", `{"items": [{"code": "hours", "text": "late"}]}`), status: 409, code: "claim_state"})
		s.does(t, "client", "ask-human", "asked", "")
		s.clock.set(today.Add(32 * 24 * time.Hour))
		s.refuses(t, refusal{request: s.doing(t, "client", "appeal", "decided", appeal), status: 409, code: "appeal_period_over"})
		s.later(t, time.Hour)
		s.inState(t, s.must(t, request{as: "client", line: "GET /v1/claims/{decided}"}), "closed")
	})
}

// Sampled decisions are looked at again by somebody who had no part in them.
func TestSampledDecisionsAreLookedAtAgain(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.changePolicy(t, `"sample_share_basis_points": 1000`, `"sample_share_basis_points": 10000`)
		s.later(t, 2*time.Hour)
		s.later(t, time.Minute)
		next := request{as: "reviewer", line: "POST /v1/incidents/{incident}/quality-reviews/next"}
		if a := s.send(t, next); a.status != http.StatusNoContent {
			t.Errorf("who decided is asked to look again: status %d", a.status)
		}
		next.as = "colleague"
		s.make(t, "review", next)
		verdict := func(as, body string) request {
			return request{as: as, line: "POST /v1/quality-reviews/{review}", body: body}
		}
		s.refuses(t, refusal{request: verdict("second", `{"agrees": true}`), status: 409, code: "review_not_assigned"})
		s.refuses(t, refusal{request: verdict("colleague", `{"agrees": false, "error_code": "none"}`), status: 422, code: invalid, fields: []string{"#/error_code error_code_required"}})
		done := s.must(t, verdict("colleague", `{"agrees": false, "error_code": "wrong_facts", "note": "The ledger says otherwise."}`))
		if done["by"] != "desk-colleague" || done["agrees"] != false {
			t.Errorf("kept: %v", done)
		}
		s.refuses(t, refusal{request: verdict("colleague", `{"agrees": true}`), status: 409, code: "review_ended"})
		s.retries(t, "next", next)
		s.make(t, "review", next)
		s.retries(t, "verdict", verdict("colleague", `{"agrees": true}`))
		all := s.ids(t, "payer", "/v1/incidents/{incident}/quality-reviews", "reviews")
		one := s.ids(t, "payer", "/v1/incidents/{incident}/quality-reviews?limit=1", "reviews")
		if len(all) < 3 || len(one) != 1 || s.next == "" {
			t.Errorf("%d sampled, %d on a page of one", len(all), len(one))
		}
	})
}

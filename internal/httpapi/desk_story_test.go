package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

// A claim goes through an information request, a hold, a part approval with a
// second pair of eyes, an appeal and an amendment that refuses it.
func TestClaimGoesEveryWay(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		s.changePolicy(t, `"reviewer": 500000`, `"reviewer": 1000`)
		s.must(t, request{as: "client", line: "PUT /v1/claimants/me/revenue/taxi?outlet=spare", header: csvBody, body: hours(84 * 24)})
		s.make(t, "spare", request{as: "client", line: "POST /v1/claims", body: deskClaim("spare")})

		s.does(t, "reviewer", "assign", "spare", "")
		s.does(t, "reviewer", "information-requests", "spare", question)
		s.make(t, "bankbook", request{as: "client", line: evidenceLine("spare", "bank_book", "bank.txt"), header: plainText, body: bankBook})
		after := s.does(t, "client", "information-requests/1/answer", "spare", `{"items": [{"code": "bankbook", "files": ["{bankbook}"]}]}`)
		s.inState(t, after, "information_requested")
		after = s.does(t, "client", "information-requests/1/answer", "spare", `{"items": [{"code": "hours", "text": "From three to ten."}]}`)
		s.inState(t, after, "in_review")
		s.does(t, "reviewer", "hold", "spare", hold)
		after = s.does(t, "reviewer", "release", "spare", "")
		s.inState(t, after, "in_review")

		after = s.does(t, "reviewer", "decisions", "spare", instead(partly, `"reason"`, `"evidence": ["{bankbook}"], "reason"`))
		s.inState(t, after, "awaiting_approval")
		after = s.does(t, "senior", "decisions/1/return", "spare", `{"note": "Count the substitute rides."}`)
		s.inState(t, after, "in_review")
		s.does(t, "reviewer", "decisions", "spare", partly)
		after = s.does(t, "senior", "decisions/2/approve", "spare", "")
		s.inState(t, after, "decided")
		if after["awarded"] != 5000.0 || after["verdict"] != "partly_approved" || after["decision"] != 2.0 {
			t.Errorf("after the approval: %v", after)
		}
		s.appealAndAmend(t)
	})
}

// What staff put down on a claimant's behalf says so, to the claimant, too.
func TestDeskPutsDownWhatAClaimantSaysByTelephone(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		told := `{"channel": "phone", "items": [{"code": "hours", "text": "From three to ten."}, {"code": "bankbook", "text": "Lost it."}]}`
		s.refuses(t, refusal{request: s.doing(t, "reviewer", "information-requests/1/answer", "asked", told), status: 403, code: "judge_for_claimant"})
		after := s.does(t, "colleague", "information-requests/1/answer", "asked", told)
		s.inState(t, after, "in_review")
		for _, who := range []string{"client", "senior"} {
			seen := decode[httpapi.InformationRequestList](t, s.send(t, request{as: who, line: "GET /v1/claims/{asked}/information-requests"}))
			for _, item := range seen.Requests[0].Items {
				if item.Channel == nil || *item.Channel != "phone" || item.FiledBy == nil || *item.FiledBy != "reviewer" {
					t.Errorf("%s sees the item %+v", who, item)
				}
			}
		}
		s.does(t, "senior", "appeal", "decided", `{"channel": "paper", "grounds": "It was more."}`)
		for _, who := range []string{"client", "second"} {
			seen := decode[httpapi.AppealCase](t, s.send(t, request{as: who, line: "GET /v1/claims/{decided}/appeal"}))
			if seen.Channel == nil || *seen.Channel != "paper" || seen.FiledBy == nil || *seen.FiledBy != "senior" {
				t.Errorf("%s sees the appeal %+v", who, seen)
			}
		}
		s.refuses(t, refusal{request: s.doing(t, "senior", "assign", "decided", ""), status: 409, code: "excluded_from_claim"})
	})
}

func (s *server) appealAndAmend(t *testing.T) {
	s.clock.set(s.clock.Now().Add(time.Hour))
	s.make(t, "logbook", request{as: "client", line: evidenceLine("spare", "sales_proof", "log.txt"), header: plainText, body: "18:00 nothing\n"})
	s.must(t, request{as: "client", line: "PUT /v1/claimants/me/revenue/taxi?outlet=spare", header: csvBody, body: hours(70 * 24)})
	s.does(t, "client", "appeal", "spare", `{"grounds": "The street was empty.", "files": ["{logbook}"]}`)
	for _, who := range []string{"reviewer", "senior"} { // who took part
		s.refuses(t, refusal{request: s.doing(t, who, "assign", "spare", ""), status: 409, code: "excluded_from_claim"})
	}
	s.does(t, "second", "assign", "spare", "")
	seen := decode[httpapi.AppealCase](t, s.send(t, request{as: "second", line: "GET /v1/claims/{spare}/appeal"}))
	if len(seen.NewFiles) != 1 || seen.NewFiles[0].ID != s.names["logbook"] || len(seen.NewHistories) != 1 || seen.Decision != 2 {
		t.Errorf("what is new since the decision: %+v", seen)
	}
	after := s.does(t, "second", "decisions", "spare", instead(approval, `"reason"`, `"error_code": "evidence_overlooked", "reason"`))
	s.inState(t, after, "decided")
	after = s.does(t, "colleague", "amendments", "spare", instead(refused, `"reason"`, `"error_code": "wrong_facts", "reason"`))
	s.inState(t, after, "awaiting_approval")
	s.inState(t, s.must(t, request{as: "client", line: "GET /v1/claims/{spare}"}), "in_review")
	s.does(t, "admin", "decisions/4/approve", "spare", `{"note": "Seen."}`)

	type kinds struct {
		N    int
		Kind httpapi.DecisionKind
	}
	var shown []kinds
	for _, d := range decode[httpapi.DecisionList](t, s.send(t, request{as: "client", line: "GET /v1/claims/{spare}/decisions"})).Decisions {
		shown = append(shown, kinds{d.N, d.Kind})
		if !d.Stands || d.MadeBy != nil || d.Approval != nil {
			t.Errorf("its claimant sees %+v", d)
		}
	}
	if diff := cmp.Diff([]kinds{{2, "decision"}, {3, "appeal"}, {4, "amendment"}}, shown); diff != "" {
		t.Errorf("decisions its claimant sees (-want +got):\n%s", diff)
	}
	if all := decode[httpapi.DecisionList](t, s.send(t, request{as: "reviewer", line: "GET /v1/claims/{spare}/decisions"})).Decisions; len(all) != 4 ||
		all[0].Stands || all[0].Approval == nil || *all[0].Approval.By != "desk-senior" || *all[2].MadeBy != "desk-second" {
		t.Errorf("decisions that staff see: %+v", all)
	}
	if _, err := s.service.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.inState(t, s.must(t, request{as: "client", line: "GET /v1/claims/{spare}"}), "closed")
	s.tellsItsStory(t)
}

// tellsItsStory checks the events of the story.
func (s *server) tellsItsStory(t *testing.T) {
	told := func(who string) string {
		var types []string
		for _, e := range decode[httpapi.EventList](t, s.send(t, request{as: who, line: "GET /v1/claims/{spare}/events"})).Events {
			types = append(types, strings.TrimPrefix(e.Type, "claim."))
			if who == "client" && e.Data["person"] != nil {
				t.Errorf("%s tells its claimant who: %v", e.Type, e.Data)
			}
		}
		return strings.Join(types, " ")
	}
	for who, want := range map[string]string{
		"reviewer": "filed submitted assigned information_requested evidence_added answered answered held released decided decision_returned decided " +
			"decision_approved evidence_added appealed assigned decided amendment_proposed decision_approved closed",
		"client": "filed submitted reviewed information_requested evidence_added answered answered reviewed reviewed reviewed reviewed reviewed " +
			"decision_approved evidence_added appealed reviewed decided reviewed decision_approved closed",
	} {
		if got := told(who); got != want {
			t.Errorf("events for the %s:\n%s\nwant\n%s", who, got, want)
		}
	}
	stages := decode[httpapi.StageList](t, s.send(t, request{as: "reviewer", line: "GET /v1/claims/{spare}/stages"})).Stages
	if n := len(stages); n < 10 || stages[n-1].State != "closed" || stages[n-1].LeftAt != nil || stages[0].LeftAt == nil {
		t.Errorf("stages: %+v", stages)
	}
}

func (s *server) inState(t *testing.T, claim map[string]any, want string) {
	t.Helper()
	if claim["state"] != want {
		t.Fatalf("state %v, want %s", claim["state"], want)
	}
}

// changePolicy puts a policy in force that differs in one place.
func (s *server) changePolicy(t *testing.T, part, by string) {
	t.Helper()
	a := s.send(t, request{as: "admin", line: "GET /v1/desk/policy"})
	version := decode[httpapi.Rulebook](t, a).Version
	document := string(s.send(t, request{as: "admin", line: "GET /v1/desk/policy/versions/" + itoa(version)}).body)
	s.must(t, request{as: "admin", line: "PUT /v1/desk/policy", header: ifMatch(a.header.Get("ETag")), body: instead(document, part, by)})
}

func TestLetterComesInBothFormsAndLanguages(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		pdf := s.send(t, request{as: "client", line: "GET /v1/claims/{decided}/decisions/1/letter"})
		text := s.send(t, request{as: "client", line: "GET /v1/claims/{decided}/decisions/1/letter", header: map[string]string{"Accept": "text/plain"}})
		if !strings.HasPrefix(string(pdf.body), "%PDF-") || pdf.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("the PDF is %q of type %q", pdf.body[:min(8, len(pdf.body))], pdf.header.Get("Content-Type"))
		}
		for _, part := range []string{"나길동", "Decision", "5,000", "Rides were hailed in the street."} {
			if !strings.Contains(string(text.body), part) {
				t.Errorf("the text does not say %q:\n%s", part, text.body)
			}
		}
		for _, a := range []answer{pdf, text} {
			if got := a.header.Get("Repr-Digest"); got != digest(a.body) {
				t.Errorf("Repr-Digest %q, want %q", got, digest(a.body))
			}
		}
		names := pdf.header.Get("Content-Disposition") + " " + text.header.Get("Content-Disposition")
		if want := `attachment; filename="decision-1.pdf"; filename*=UTF-8''decision-1.pdf attachment; filename="decision-1.txt"; filename*=UTF-8''decision-1.txt`; names != want {
			t.Errorf("names %s", names)
		}
		for accept, want := range map[string]string{"": "application/pdf", "*/*": "application/pdf", "text/html": "application/pdf", "text/plain, application/pdf": "text/plain; charset=utf-8"} {
			a := s.send(t, request{as: "client", line: "GET /v1/claims/{decided}/decisions/1/letter", header: map[string]string{"Accept": accept}})
			if got := a.header.Get("Content-Type"); got != want {
				t.Errorf("Accept %q answered %q", accept, got)
			}
		}
	})
}

package httpapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"redress/internal/claims"
	"redress/internal/jobs"
)

// generous is the sandbox's scheme in a version that nobody published.
var generous = instead(sandboxScheme, `"version": 1`, `"version": 2`)

// work runs the jobs that are due, as the program does beside the API.
func (s *server) work(t *testing.T) {
	t.Helper()
	runner := jobs.New(s.store, s.clock.Now, slog.New(slog.DiscardHandler), map[string]jobs.Handler{
		claims.SimulationJob: func(ctx context.Context, job claims.Job, progress func(done, total int)) ([]byte, error) {
			return s.service.RunSimulation(ctx, job, 2, progress)
		},
	})
	for {
		ran, err := runner.RunNext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ran {
			return
		}
	}
}

// jobAnswer is a job as its readers see it.
type jobAnswer struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Progress struct {
		Done  int `json:"done"`
		Total int `json:"total"`
	} `json:"progress"`
	Result *claims.Simulation `json:"result"`
}

func (s *server) job(t *testing.T, as string) jobAnswer {
	t.Helper()
	var out jobAnswer
	a := s.send(t, request{as: as, line: "GET /v1/jobs/{job}"})
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != 200 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return out
}

func TestSimulationIsAJobWhoseResultStaffReadExactly(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		ask := request{as: "reviewer", line: "POST /v1/incidents/{incident}/simulations", header: map[string]string{"Idempotency-Key": "simulate-1"},
			body: `{"candidates": [{"scheme": {"id": "sandbox-2022", "version": 1}}, {"document": ` + generous + `}]}`}
		taken := s.send(t, ask)
		if taken.status != 202 {
			t.Fatalf("%d %s", taken.status, taken.body)
		}
		var asked jobAnswer
		if err := json.Unmarshal(taken.body, &asked); err != nil {
			t.Fatal(err)
		}
		if want := "/v1/jobs/" + asked.ID; asked.State != "waiting" || taken.header.Get("Location") != want {
			t.Errorf("state %s at %s", asked.State, taken.header.Get("Location"))
		}
		s.names["job"] = asked.ID
		if again := s.send(t, ask); string(again.body) != string(taken.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the retry answers %s", again.body)
		}
		s.work(t)
		done := s.job(t, "senior")
		if done.State != "done" || done.Result == nil || done.Progress.Done != 2 || done.Progress.Total != 2 {
			t.Fatalf("%+v", done)
		}
		var total int64
		for _, name := range []string{"submitted", "theirs"} {
			claim := s.must(t, request{as: "reviewer", line: "GET /v1/claims/{" + name + "}"})
			total += int64(claim["estimated"].(float64))
		}
		inForce := done.Result.InForce
		if int64(inForce.Total.Amount) != total || inForce.Total.Claims != 2 {
			t.Errorf("in force: %+v, claim by claim %d", inForce.Total, total)
		}
		if c := done.Result.Candidates[1]; c.Scheme.Version != 2 || c.Total != inForce.Total || c.Changes.Total.Unchanged.Claims != 2 {
			t.Errorf("the same rules under another version: %+v", c)
		}
		if s.send(t, request{line: "GET /v1/schemes/sandbox-2022/versions/2"}).status != 404 {
			t.Error("a document that was tried out is published")
		}
	})
}

func TestAuditorReadsNoFiguresOfFewClaims(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.make(t, "job", request{as: "auditor", line: "POST /v1/incidents/{incident}/simulations", body: `{"candidates": [{"scheme": {"id": "sandbox-2022", "version": 1}}]}`})
		s.work(t)
		if exact := s.job(t, "admin").Result; exact.InForce.Total.Claims != 2 || exact.Disclosure != nil {
			t.Errorf("an admin reads %+v", exact)
		}
		answer := s.job(t, "auditor")
		shown := answer.Result
		if answer.Progress.Total != 0 || !shown.InForce.Total.Suppressed || !shown.Candidates[0].Total.Suppressed || shown.Candidates[0].Changes != nil || shown.Disclosure == nil {
			t.Errorf("two claims, and an auditor reads %+v", shown)
		}
		s.make(t, "job", request{as: "reviewer", line: "POST /v1/incidents/{incident}/simulations", body: `{"candidates": [{"document": ` + generous + `}]}`})
		if a := s.send(t, request{as: "auditor", line: "GET /v1/jobs/{job}"}); a.status != 404 {
			t.Errorf("another's job: %d", a.status)
		}
	})
}

func TestSimulationsAreRefused(t *testing.T) {
	simulate := func(as, incident, body string) request {
		return request{as: as, line: "POST /v1/incidents/{" + incident + "}/simulations", body: body}
	}
	const published = `{"candidates": [{"scheme": {"id": "sandbox-2022", "version": 1}}]}`
	inTowns(t, func(t *testing.T, s *server) {
		for _, r := range []refusal{
			{"a claimant", simulate("driver", "incident", published), 403, forbidden, nil},
			{"a payer", simulate("payer", "incident", published), 403, forbidden, nil},
			{"an auditor, of a draft", simulate("auditor", "draft", published), 404, "incident_not_found", nil},
			{"an incident without a scheme", simulate("admin", "bare", published), 409, "incident_without_scheme", nil},
			{"no candidate", simulate("admin", "incident", `{"candidates": []}`), 422, invalid, []string{"#/candidates wrong_length"}},
			{"an unknown version", simulate("admin", "incident", `{"candidates": [{"scheme": {"id": "sandbox-2022", "version": 7}}]}`), 422, invalid, []string{"#/candidates/0/scheme unknown_scheme"}},
			{"an auditor's document", simulate("auditor", "incident", `{"candidates": [{"document": `+generous+`}]}`), 422, invalid, []string{"#/candidates/0/document published_schemes_only"}},
			{"a document that is no scheme", simulate("admin", "incident", `{"candidates": [{"document": `+instead(generous, `"currency": "KRW"`, `"currency": "WON"`)+`}]}`), 422, invalid, []string{"#/candidates/0/document/currency invalid_value"}},
			{"a job that is not there", request{as: "admin", line: "GET /v1/jobs/" + noClaim}, 404, "job_not_found", nil},
			{"a job, to a claimant", request{as: "driver", line: "GET /v1/jobs/" + noClaim}, 403, forbidden, nil},
			{"the worth of evidence of a draft", request{as: "driver", line: "GET /v1/claims/{claim}/evidence-value"}, 404, "estimate_not_found", nil},
			{"the worth of another's evidence", request{as: "merchant", line: "GET /v1/claims/{submitted}/evidence-value"}, 404, "claim_not_found", nil},
		} {
			t.Run(r.name, func(t *testing.T) { s.refuses(t, r) })
		}
	})
}

func TestClaimantLearnsWhatMissingEvidenceIsWorth(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		got := s.must(t, request{as: "merchant", line: "GET /v1/claims/{theirs}/evidence-value"})
		claim := s.must(t, request{as: "merchant", line: "GET /v1/claims/{theirs}"})
		if got["amount"] != claim["estimated"] || got["outcome"] != claim["outcome"] {
			t.Errorf("%v %v; the claim stands at %v %v", got["amount"], got["outcome"], claim["estimated"], claim["outcome"])
		}
		facts := map[string]bool{}
		for _, f := range got["facts"].([]any) {
			fact := f.(map[string]any)
			facts[fact["fact"].(string)] = true
			if fact["least"].(float64) > fact["most"].(float64) || fact["text"].(map[string]any)["ko"] == "" {
				t.Errorf("%v", fact)
			}
		}
		// The claim states books, platform share and substitutes.
		if facts["own_books"] || facts["platform_share"] || facts["substitutes"] || !facts["history"] {
			t.Errorf("missing facts: %v", facts)
		}
	})
}

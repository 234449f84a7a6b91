package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"redress/internal/claims"
	"redress/internal/lang"
	"redress/internal/scheme"
)

func (s *server) CreateSimulation(ctx context.Context, r CreateSimulationRequestObject) (CreateSimulationResponseObject, error) {
	answer := func(j claims.Job) CreateSimulationResponseObject {
		return CreateSimulation202JSONResponse{Body: toJob(j, languageOf(ctx)), Headers: CreateSimulation202ResponseHeaders{
			Location: ptr("/v1/jobs/" + j.ID),
		}}
	}
	j, err := s.claims.Simulate(ctx, actorOf(ctx), r.Incident, each(r.Body.Candidates, fromCandidate), reply(ctx, func(j claims.Job, w http.ResponseWriter) error {
		return answer(j).VisitCreateSimulationResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(j), nil
}

func (s *server) GetJob(ctx context.Context, r GetJobRequestObject) (GetJobResponseObject, error) {
	j, err := s.claims.Job(ctx, actorOf(ctx), r.Job)
	if err != nil {
		return nil, err
	}
	return GetJob200JSONResponse(toJob(j, languageOf(ctx))), nil
}

func (s *server) GetEvidenceValue(ctx context.Context, r GetEvidenceValueRequestObject) (GetEvidenceValueResponseObject, error) {
	v, err := s.claims.EvidenceValue(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return GetEvidenceValue200JSONResponse{
		ClaimID: v.ClaimID, Estimate: v.N, Scheme: SchemeRef{ID: v.Scheme.ID, Version: v.Scheme.Version}, Currency: v.Currency,
		Amount: v.Amount, Outcome: EvidenceValueOutcome(v.Outcome), Facts: each(v.Facts, toMissingFact), Method: v.Method,
	}, nil
}

func toMissingFact(f claims.MissingFact) MissingFact {
	return MissingFact{
		Fact: MissingFactFact(f.Fact), Service: optional(f.Service), Changes: f.Changes, Least: f.Least, Most: f.Most, Text: f.Text,
		Outcomes: each(f.Outcomes, func(o scheme.Outcome) MissingFactOutcomes { return MissingFactOutcomes(o) }),
	}
}

func fromCandidate(c Candidate) claims.Candidate {
	var out claims.Candidate
	if c.Scheme != nil {
		out.Scheme = &claims.SchemeRef{ID: c.Scheme.ID, Version: c.Scheme.Version}
	}
	if c.Document != nil {
		out.Document = *c.Document
	}
	return out
}

func toJob(j claims.Job, tag lang.Tag) Job {
	out := Job{
		ID: j.ID, Kind: JobKind(j.Kind), IncidentID: j.IncidentID, State: JobState(j.State),
		Progress: Progress{Done: j.Done, Total: j.Total}, CreatedAt: j.CreatedAt, EndedAt: j.EndedAt,
	}
	if j.State == claims.JobDone {
		out.Result = ptr(json.RawMessage(j.Result))
	}
	if j.Failure != nil {
		out.Failure = &JobFailure{Code: j.Failure.Code, Detail: j.Failure.Detail.In(tag)}
	}
	return out
}

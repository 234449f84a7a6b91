package httpapi

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"

	"redress/internal/claims"
	"redress/internal/publication"
)

func (s *server) DrawSample(ctx context.Context, r DrawSampleRequestObject) (DrawSampleResponseObject, error) {
	answer := func(made claims.Sample) (DrawSampleResponseObject, error) {
		body, err := toSample(made)
		return DrawSample201JSONResponse{Body: body, Headers: DrawSample201ResponseHeaders{Location: ptr("/v1/samples/" + made.ID)}}, err
	}
	nonce, err := hex.DecodeString(r.Body.Nonce)
	if err != nil {
		return nil, fmt.Errorf("a nonce that passed the contract: %w", err)
	}
	draft := claims.SampleDraft{Nonce: nonce, Measure: publication.Measure(r.Body.Measure), Units: r.Body.Units, Accountant: r.Body.Accountant}
	made, err := s.claims.DrawSample(ctx, actorOf(ctx), r.Incident, r.N, draft, reply(ctx, func(made claims.Sample, w http.ResponseWriter) error {
		out, err := answer(made)
		if err != nil {
			return err
		}
		return out.VisitDrawSampleResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(made)
}

func (s *server) ListSnapshotSamples(ctx context.Context, r ListSnapshotSamplesRequestObject) (ListSnapshotSamplesResponseObject, error) {
	snapshot, err := s.claims.Snapshot(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	found, link, err := s.samples(ctx, claims.SampleFilter{IncidentID: r.Incident, Snapshot: snapshot.Number}, r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	return ListSnapshotSamples200JSONResponse{Body: SampleList{Samples: found}, Headers: ListSnapshotSamples200ResponseHeaders{Link: link}}, nil
}

func (s *server) ListSamples(ctx context.Context, r ListSamplesRequestObject) (ListSamplesResponseObject, error) {
	found, link, err := s.samples(ctx, claims.SampleFilter{}, r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	return ListSamples200JSONResponse{Body: SampleList{Samples: found}, Headers: ListSamples200ResponseHeaders{Link: link}}, nil
}

// samples are a page of the samples that match, as lists have them: without what
// was drawn.
func (s *server) samples(ctx context.Context, filter claims.SampleFilter, cursor *Cursor, limit *Limit) ([]Sample, *string, error) {
	page, err := pageOf(cursor, limit)
	if err != nil {
		return nil, nil, err
	}
	found, err := s.claims.Samples(ctx, actorOf(ctx), filter, page)
	if err != nil {
		return nil, nil, err
	}
	found, link := cut(ctx, found, page, func(s claims.Sample) string { return s.ID })
	list := make([]Sample, len(found))
	for i := range found {
		if list[i], err = toSample(found[i]); err != nil {
			return nil, nil, err
		}
		list[i].Drawn, list[i].Results = nil, nil
	}
	return list, link, nil
}

func (s *server) GetSample(ctx context.Context, r GetSampleRequestObject) (GetSampleResponseObject, error) {
	found, err := s.claims.Sample(ctx, actorOf(ctx), r.Sample)
	if err != nil {
		return nil, err
	}
	body, err := toSample(found)
	return GetSample200JSONResponse(body), err
}

func (s *server) EndSample(ctx context.Context, r EndSampleRequestObject) (EndSampleResponseObject, error) {
	answer := func(ended claims.Sample) (EndSampleResponseObject, error) {
		body, err := toSample(ended)
		return EndSample200JSONResponse(body), err
	}
	ended, err := s.claims.EndSample(ctx, actorOf(ctx), r.Sample, r.Body.Results, int(r.Body.ConfidencePercent), reply(ctx, func(ended claims.Sample, w http.ResponseWriter) error {
		out, err := answer(ended)
		if err != nil {
			return err
		}
		return out.VisitEndSampleResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(ended)
}

func (s *server) ListSampleBounds(ctx context.Context, r ListSampleBoundsRequestObject) (ListSampleBoundsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.SampleBounds(ctx, actorOf(ctx), r.Incident, page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(b claims.SampleBound) string { return b.Sample })
	return ListSampleBounds200JSONResponse{
		Body: SampleBoundList{Samples: each(found, toSampleBound)}, Headers: ListSampleBounds200ResponseHeaders{Link: link},
	}, nil
}

func (s *server) GetSampledClaim(ctx context.Context, r GetSampledClaimRequestObject) (GetSampledClaimResponseObject, error) {
	actor := actorOf(ctx)
	found, err := s.claims.SampledClaim(ctx, actor, r.Sample, r.Index)
	if err != nil {
		return nil, err
	}
	return GetSampledClaim200JSONResponse(SampledClaim{
		Drawn: found.Leaf, Claim: toClaim(found.Claim, actor, s.now()),
		Decisions: each(found.Decisions, func(d claims.Decision) Decision { return toDecision(actor, d) }),
		Letters: each(found.Letters, func(l claims.Letter) SampledLetter {
			return SampledLetter{Decision: l.Decision, Text: string(l.Text), TextHash: l.TextHash, PdfHash: l.PDFHash, MadeAt: l.MadeAt}
		}),
		Files: each(found.Files, func(f claims.EvidenceFile) EvidenceFile { return toFile(actor, f) }),
	}), nil
}

func (s *server) GetSampledEvidence(ctx context.Context, r GetSampledEvidenceRequestObject) (GetSampledEvidenceResponseObject, error) {
	f, body, err := s.claims.SampledEvidence(ctx, actorOf(ctx), r.Sample, r.Index, r.File)
	if err != nil {
		return nil, err
	}
	return download{mediaType: "application/octet-stream", name: f.Name, size: f.Size, body: body}, nil
}

func (d download) VisitGetSampledEvidenceResponse(w http.ResponseWriter) error { return d.write(w) }

func toSample(s claims.Sample) (Sample, error) {
	drawn, err := s.Read()
	if err != nil {
		return Sample{}, err
	}
	out := Sample{
		ID: s.ID, IncidentID: s.IncidentID, Snapshot: s.Snapshot, Number: s.Number, Measure: Measure(drawn.Measure), Units: drawn.Units, Nonce: hex.EncodeToString(s.Nonce),
		Seed: drawn.Seed.String(), Total: drawn.Total, Claims: len(drawn.Drawn), Drawn: drawn.Drawn, DrawnHash: s.DrawnHash, DrawnBy: s.DrawnBy,
		DrawnAt: s.DrawnAt, Accountant: s.Accountant, EndedAt: s.EndedAt, ResultsHash: optional(s.ResultsHash),
	}
	if s.Results == nil {
		return out, nil
	}
	found, err := s.Found()
	if err != nil {
		return Sample{}, err
	}
	out.Results, out.Bound = found.Results, &found.Bound
	return out, nil
}

func toSampleBound(b claims.SampleBound) SampleBound {
	return SampleBound{
		Sample: b.Sample, Snapshot: b.Snapshot, Number: b.Number, Measure: Measure(b.Measure), Units: b.Units, Claims: b.Claims, Error: b.Error,
		ResultsHash: b.ResultsHash, EndedAt: b.EndedAt,
	}
}

package httpapi

import (
	"context"
	"encoding/json"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

func (s *server) GetPolicy(ctx context.Context, _ GetPolicyRequestObject) (GetPolicyResponseObject, error) {
	book, err := s.claims.Policy(ctx, actorOf(ctx), 0)
	if err != nil {
		return nil, err
	}
	return GetPolicy200JSONResponse{Body: toRulebook(book), Headers: GetPolicy200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) GetPolicyVersion(ctx context.Context, r GetPolicyVersionRequestObject) (GetPolicyVersionResponseObject, error) {
	book, err := s.claims.Policy(ctx, actorOf(ctx), r.Version)
	return stored{body: book.Bytes, hash: book.Hash}, err
}

func (s *server) PutPolicy(ctx context.Context, r PutPolicyRequestObject) (PutPolicyResponseObject, error) {
	book, err := publish(ctx, r.Params.IfMatch, s.claims.PublishPolicy)
	if err != nil {
		return nil, err
	}
	return PutPolicy200JSONResponse{Body: toRulebook(book), Headers: PutPolicy200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) GetReasons(ctx context.Context, _ GetReasonsRequestObject) (GetReasonsResponseObject, error) {
	book, err := s.claims.Reasons(ctx, 0)
	if err != nil {
		return nil, err
	}
	return GetReasons200JSONResponse{Body: toRulebook(book), Headers: GetReasons200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) GetReasonsVersion(ctx context.Context, r GetReasonsVersionRequestObject) (GetReasonsVersionResponseObject, error) {
	book, err := s.claims.Reasons(ctx, r.Version)
	return stored{body: book.Bytes, hash: book.Hash}, err
}

func (s *server) PutReasons(ctx context.Context, r PutReasonsRequestObject) (PutReasonsResponseObject, error) {
	book, err := publish(ctx, r.Params.IfMatch, s.claims.PublishReasons)
	if err != nil {
		return nil, err
	}
	return PutReasons200JSONResponse{Body: toRulebook(book), Headers: PutReasons200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) TryPolicy(ctx context.Context, r TryPolicyRequestObject) (TryPolicyResponseObject, error) {
	t, err := s.claims.TryPolicy(ctx, actorOf(ctx), r.Body.IncidentID, r.Body.Policy)
	if refused := fault.As(err); refused != nil {
		return nil, within("#/policy", refused)
	}
	if err != nil {
		return nil, err
	}
	return TryPolicy200JSONResponse(PolicyTrial{
		Claims: t.Claims, Decided: t.Decided, Awarded: t.Awarded, PeopleDecided: t.PeopleDecided, PeopleAgreed: t.PeopleAgreed,
		PeopleAwarded: t.PeopleAwarded, Difference: int64(t.Difference), Unchecked: t.Unchecked,
		Failed: each(t.Failed, func(f claims.FailedCriterion) FailedCriterion { return FailedCriterion{Code: f.Code, Claims: f.Claims} }),
	}), nil
}

// publisher puts the next version of a rulebook in force.
type publisher func(context.Context, identity.Actor, int, []byte, claims.Reply[claims.Rulebook]) (claims.Rulebook, error)

// publish hands the exact bytes of the body on: they are kept and hashed.
func publish(ctx context.Context, match *IfMatch, put publisher) (claims.Rulebook, error) {
	version, err := ifMatch(match)
	if err != nil {
		return claims.Rulebook{}, err
	}
	document, err := rawBody(ctx)
	if err != nil {
		return claims.Rulebook{}, err
	}
	return put(ctx, actorOf(ctx), int(version), document, claims.Reply[claims.Rulebook]{})
}

func toRulebook(b claims.Rulebook) Rulebook {
	return Rulebook{Version: b.Version, Hash: b.Hash, PublishedAt: b.CreatedAt, Document: json.RawMessage(b.Bytes)}
}

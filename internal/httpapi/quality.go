package httpapi

import (
	"context"
	"net/http"

	"redress/internal/claims"
)

func (s *server) NextQualityReview(ctx context.Context, r NextQualityReviewRequestObject) (NextQualityReviewResponseObject, error) {
	answer := func(q *claims.QualityReview) NextQualityReviewResponseObject {
		if q == nil {
			return NextQualityReview204Response{}
		}
		return NextQualityReview200JSONResponse(toQualityReview(*q))
	}
	q, err := s.claims.NextQualityReview(ctx, actorOf(ctx), r.Incident, reply(ctx, func(q *claims.QualityReview, w http.ResponseWriter) error {
		return answer(q).VisitNextQualityReviewResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(q), nil
}

func (s *server) EndQualityReview(ctx context.Context, r EndQualityReviewRequestObject) (EndQualityReviewResponseObject, error) {
	answer := func(q claims.QualityReview) EndQualityReviewResponseObject {
		return EndQualityReview200JSONResponse(toQualityReview(q))
	}
	b := r.Body
	q, err := s.claims.EndQualityReview(ctx, actorOf(ctx), r.Review, b.Agrees, value(b.ErrorCode), value(b.Note), reply(ctx, func(q claims.QualityReview, w http.ResponseWriter) error {
		return answer(q).VisitEndQualityReviewResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(q), nil
}

func (s *server) ListQualityReviews(ctx context.Context, r ListQualityReviewsRequestObject) (ListQualityReviewsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.QualityReviews(ctx, actorOf(ctx), r.Incident, page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(q claims.QualityReview) string { return q.ID })
	return ListQualityReviews200JSONResponse{
		Body: QualityReviewList{Reviews: each(found, toQualityReview)}, Headers: ListQualityReviews200ResponseHeaders{Link: link},
	}, nil
}

func toQualityReview(q claims.QualityReview) QualityReview {
	return QualityReview{
		ID: q.ID, ClaimID: q.ClaimID, Decision: q.Decision, AssignedTo: optional(q.AssignedTo), LeaseUntil: q.LeaseUntil,
		Agrees: q.Agrees, ErrorCode: optional(q.ErrorCode), Note: optional(q.Note), By: optional(q.By), At: q.At,
	}
}

package httpapi

import (
	"context"
	"net/http"

	"redress/internal/claims"
)

func (s *server) EraseClaimant(ctx context.Context, r EraseClaimantRequestObject) (EraseClaimantResponseObject, error) {
	answer := func(e claims.Erasure) EraseClaimantResponseObject {
		return EraseClaimant200JSONResponse(Erasure{
			ClaimantID: e.ClaimantID, Reason: string(e.Reason), At: e.At, Claims: e.Claims, Files: e.Files, Keys: e.Keys, Entries: e.Entries,
		})
	}
	id, err := claimantID(ctx, r.Claimant)
	if err != nil {
		return nil, err
	}
	erased, err := s.claims.EraseClaimant(ctx, actorOf(ctx), id, claims.ErasureReason(r.Body.Reason), reply(ctx, func(e claims.Erasure, w http.ResponseWriter) error {
		return answer(e).VisitEraseClaimantResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(erased), nil
}

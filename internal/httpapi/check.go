package httpapi

import (
	"context"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
)

func (s *server) ListChecks(ctx context.Context, r ListChecksRequestObject) (ListChecksResponseObject, error) {
	list, err := s.claims.Checks(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	if actorOf(ctx).Can(identity.OwnClaims) {
		return ListChecks200JSONResponse(CheckList{Checks: each(list.Rows, toRemedy)}), nil
	}
	return ListChecks200JSONResponse(CheckList{Score: &list.Score, Checks: each(list.Rows, toCheck)}), nil
}

func (s *server) ListSimilarClaims(ctx context.Context, r ListSimilarClaimsRequestObject) (ListSimilarClaimsResponseObject, error) {
	found, err := s.claims.Similar(ctx, actorOf(ctx), r.Claim, r.Params.Awarded)
	if err != nil {
		return nil, err
	}
	return ListSimilarClaims200JSONResponse(SimilarClaims{
		Outlier: found.Outlier, Explanation: &found.Explanation,
		Claims: each(found.Claims, func(c claims.SimilarClaim) SimilarClaim {
			return SimilarClaim{
				ClaimID: c.ID, Reference: c.Reference, Sector: c.Sector, Region: c.Region, Claimed: &c.Claimed, Estimated: c.Estimated,
				Awarded: c.Awarded, Verdict: Verdict(c.Verdict), Distance: c.Distance,
			}
		}),
	}), nil
}

// toRemedy is a check as its claimant sees it.
func toRemedy(row claims.CheckRow) Check {
	return Check{Code: row.Code, Service: optional(row.Service), Result: CheckResult(row.Result), Remedy: row.Remedy}
}

func toCheck(row claims.CheckRow) Check {
	out := toRemedy(row)
	out.Points, out.Facts = &row.Points, row.Facts
	if row.Detail != (lang.Text{}) {
		out.Detail = &row.Detail
	}
	return out
}

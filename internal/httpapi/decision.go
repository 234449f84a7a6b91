package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"redress/internal/claims"
	"redress/internal/identity"
)

func (s *server) DecideClaim(ctx context.Context, r DecideClaimRequestObject) (DecideClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Decide(ctx, actorOf(ctx), r.Claim, version, fromDecision(*r.Body), reply)
	})
}

func (s *server) AmendDecision(ctx context.Context, r AmendDecisionRequestObject) (AmendDecisionResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.AmendDecision(ctx, actorOf(ctx), r.Claim, version, fromDecision(*r.Body), reply)
	})
}

func (s *server) ApproveDecision(ctx context.Context, r ApproveDecisionRequestObject) (ApproveDecisionResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.ApproveDecision(ctx, actorOf(ctx), r.Claim, r.N, version, value(value(r.Body).Note), reply)
	})
}

func (s *server) ReturnDecision(ctx context.Context, r ReturnDecisionRequestObject) (ReturnDecisionResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.ReturnDecision(ctx, actorOf(ctx), r.Claim, r.N, version, value(value(r.Body).Note), reply)
	})
}

func (s *server) DecideBatch(ctx context.Context, r DecideBatchRequestObject) (DecideBatchResponseObject, error) {
	answer := func(results []claims.BulkResult) DecideBatchResponseObject {
		return DecideBatch200JSONResponse(toBulkResults(ctx, results, func(row int) string { return fmt.Sprintf("#/rows/%d/decision", row) }))
	}
	rows := each(r.Body.Rows, func(row DecisionRow) claims.BatchRow {
		return claims.BatchRow{ClaimID: row.ClaimID, Version: int64(row.Version), Draft: fromDecision(row.Decision)}
	})
	results, err := s.claims.DecideBatch(ctx, actorOf(ctx), rows, reply(ctx, func(results []claims.BulkResult, w http.ResponseWriter) error {
		return answer(results).VisitDecideBatchResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(results), nil
}

func (s *server) ListDecisions(ctx context.Context, r ListDecisionsRequestObject) (ListDecisionsResponseObject, error) {
	decisions, err := s.claims.Decisions(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListDecisions200JSONResponse(DecisionList{Decisions: each(decisions, func(d claims.Decision) Decision {
		return toDecision(actorOf(ctx), d)
	})}), nil
}

func (s *server) GetLetter(ctx context.Context, r GetLetterRequestObject) (GetLetterResponseObject, error) {
	l, err := s.claims.Letter(ctx, actorOf(ctx), r.Claim, r.N)
	if err != nil {
		return nil, err
	}
	name := "decision-" + strconv.Itoa(l.Decision)
	if prefers(ctx, "application/pdf", "text/plain") == "text/plain" {
		return inMemory("text/plain; charset=utf-8", name+".txt", l.Text, l.TextHash)
	}
	return inMemory("application/pdf", name+".pdf", l.PDF, l.PDFHash)
}

func fromDecision(in DecisionInput) claims.DecisionDraft {
	return claims.DecisionDraft{
		Verdict: claims.Verdict(in.Verdict), Assessed: in.Assessed, Awarded: in.Awarded, Reason: in.Reason, ErrorCode: value(in.ErrorCode),
		Override: value(in.Override), Note: value(in.Note), Evidence: in.Evidence,
	}
}

// toDecision is a decision as the actor sees it. Its claimant sees what was
// decided and why, and not who took part.
func toDecision(actor identity.Actor, d claims.Decision) Decision {
	out := Decision{
		N: d.N, Kind: DecisionKind(d.Kind), Verdict: Verdict(d.Verdict), Claimed: d.Claimed, Estimated: d.Estimated, Assessed: d.Assessed,
		Awarded: d.Awarded, Reason: d.Reason.Code, ReasonVersion: d.Reason.Version, PolicyVersion: d.Policy, ErrorCode: optional(d.ErrorCode),
		Override: optional(d.Override), Note: optional(d.Note), Evidence: d.Evidence, Stands: d.Stands(), NeedsApproval: d.Needs, MadeAt: d.MadeAt,
		Criteria: each(d.Criteria, func(c claims.Criterion) Criterion {
			return Criterion{Code: c.Code, Limit: int(c.Limit), Value: int(c.Value), Held: c.Held}
		}),
	}
	if d.Estimate > 0 {
		out.Estimate = &d.Estimate
	}
	if actor.Can(identity.OwnClaims) {
		return out
	}
	out.MadeBy = optional(d.MadeBy)
	if a := d.Approval; a != nil {
		out.Approval = &Approval{Approved: a.Approved, By: optional(a.By), Note: optional(a.Note), At: a.At}
	}
	return out
}

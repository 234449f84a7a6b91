package httpapi

import (
	"context"

	"redress/internal/claims"
)

func (s *server) RequestInformation(ctx context.Context, r RequestInformationRequestObject) (RequestInformationResponseObject, error) {
	draft := claims.RequestDraft{
		Message: value(r.Body.Message), DueAt: inUTC(r.Body.DueAt),
		Items: each(r.Body.Items, func(i RequestedItemInput) claims.RequestedItem {
			return claims.RequestedItem{
				Code: i.Code, Slot: string(value(i.Slot)), What: i.What, Why: i.Why,
				Substitutes: each(i.Substitutes, func(slot EvidenceSlot) string { return string(slot) }),
			}
		}),
	}
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.RequestInformation(ctx, actorOf(ctx), r.Claim, version, draft, reply)
	})
}

func (s *server) AnswerRequest(ctx context.Context, r AnswerRequestRequestObject) (AnswerRequestResponseObject, error) {
	answers := claims.Answers{Channel: string(value(r.Body.Channel)), Items: each(r.Body.Items, func(a ItemAnswer) claims.ItemAnswer {
		return claims.ItemAnswer{Code: a.Code, Text: value(a.Text), Files: a.Files}
	})}
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.AnswerRequest(ctx, actorOf(ctx), r.Claim, version, r.N, answers, reply)
	})
}

func (s *server) RecallRequest(ctx context.Context, r RecallRequestRequestObject) (RecallRequestResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.RecallRequest(ctx, actorOf(ctx), r.Claim, version, r.N, reply)
	})
}

func (s *server) ListInformationRequests(ctx context.Context, r ListInformationRequestsRequestObject) (ListInformationRequestsResponseObject, error) {
	requests, err := s.claims.Requests(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListInformationRequests200JSONResponse(InformationRequestList{Requests: each(requests, toRequest)}), nil
}

func toRequest(r claims.InformationRequest) InformationRequest {
	out := InformationRequest{
		N: r.N, Items: each(r.Items, toRequestedItem), Message: optional(r.Message), AskedBy: optional(r.AskedBy),
		AskedAt: r.AskedAt, DueAt: r.DueAt, EndedAt: r.EndedAt,
	}
	if r.EndedAs != "" {
		out.EndedAs = ptr(InformationRequestEndedAs(r.EndedAs))
	}
	return out
}

func toRequestedItem(i claims.RequestedItem) RequestedItem {
	out := RequestedItem{
		Code: i.Code, What: i.What, Why: i.Why, AnsweredAt: i.AnsweredAt, Text: optional(i.Text), Files: i.Files,
		Substitutes: each(i.Substitutes, func(slot string) EvidenceSlot { return EvidenceSlot(slot) }),
	}
	out.Channel, out.FiledBy = toBehalf(i.Behalf)
	if i.Slot != "" {
		out.Slot = ptr(EvidenceSlot(i.Slot))
	}
	return out
}

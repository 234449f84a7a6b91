package httpapi

import (
	"context"

	"redress/internal/claims"
	"redress/internal/identity"
)

func (s *server) FileAppeal(ctx context.Context, r FileAppealRequestObject) (FileAppealResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.FileAppeal(ctx, actorOf(ctx), r.Claim, version, claims.AppealDraft{Grounds: r.Body.Grounds, Files: r.Body.Files, Channel: string(value(r.Body.Channel))}, reply)
	})
}

func (s *server) GetAppeal(ctx context.Context, r GetAppealRequestObject) (GetAppealResponseObject, error) {
	a, err := s.claims.Appeal(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return GetAppeal200JSONResponse(toAppeal(actorOf(ctx), a)), nil
}

func (s *server) AskHuman(ctx context.Context, r AskHumanRequestObject) (AskHumanResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.AskForPerson(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

func (s *server) AcceptDecision(ctx context.Context, r AcceptDecisionRequestObject) (AcceptDecisionResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.AcceptDecision(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

// toBehalf is how staff were told, and in which role they put it down; nothing where
// the claimant did.
func toBehalf(b claims.Behalf) (*StaffChannel, *Role) {
	if b.Channel == "" {
		return nil, nil
	}
	return ptr(StaffChannel(b.Channel)), ptr(Role(b.FiledBy))
}

func toAppeal(actor identity.Actor, a claims.AppealView) AppealCase {
	channel, by := toBehalf(a.Behalf)
	return AppealCase{
		Channel: channel, FiledBy: by,
		Decision: a.Decision, Grounds: a.Grounds, Files: each(a.Files, func(id string) ID { return id }), FiledAt: a.FiledAt,
		EndedAt: a.EndedAt, Withdrawn: a.Withdrawn,
		NewFiles: each(a.Evidence, func(f claims.EvidenceFile) EvidenceFile { return toFile(actor, f) }),
		NewHistories: each(a.Uploads, func(u claims.Upload) NewHistory {
			return NewHistory{UploadID: u.ID, Service: u.Service, Source: RevenueSource(u.Source), UploadedAt: u.UploadedAt}
		}),
	}
}

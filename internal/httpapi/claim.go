package httpapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
)

func (s *server) ValidateClaim(ctx context.Context, r ValidateClaimRequestObject) (ValidateClaimResponseObject, error) {
	v, err := s.claims.Validate(ctx, actorOf(ctx), fromClaimInput(*r.Body))
	if err != nil {
		return nil, err
	}
	out := Validation{Valid: len(v.Problems) == 0, Errors: fieldProblems(v.Problems, languageOf(ctx))}
	if v.Estimate != nil {
		out.Estimate = ptr(PreliminaryEstimate(v.Estimate))
	}
	return ValidateClaim200JSONResponse(out), nil
}

func (s *server) FileClaim(ctx context.Context, r FileClaimRequestObject) (FileClaimResponseObject, error) {
	answer := func(c claims.Claim) FileClaimResponseObject {
		return FileClaim201JSONResponse{Body: s.shown(ctx, c), Headers: FileClaim201ResponseHeaders{ETag: etag(c.Version), Location: ptr("/v1/claims/" + c.ID)}}
	}
	c, err := s.claims.File(ctx, actorOf(ctx), fromClaimInput(*r.Body), value(r.Body.Submit), reply(ctx, func(c claims.Claim, w http.ResponseWriter) error {
		return answer(c).VisitFileClaimResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(c), nil
}

func (s *server) ListClaims(ctx context.Context, r ListClaimsRequestObject) (ListClaimsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	filter, err := s.listFilter(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.Claims(ctx, actorOf(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(c claims.Claim) string { return c.ID })
	listed := each(found, func(c claims.Claim) Claim { return s.shown(ctx, c) })
	if wanted := value(r.Params.State); len(wanted) > 0 {
		listed = slices.DeleteFunc(listed, func(c Claim) bool { return !slices.Contains(wanted, c.State) })
	}
	return ListClaims200JSONResponse{Body: ClaimList{Claims: listed}, Headers: ListClaims200ResponseHeaders{Link: link}}, nil
}

// listFilter is what a list is narrowed by. Claimants ask for states as they are
// shown to them, which the store does not know, and not for what the desk alone
// knows.
func (s *server) listFilter(ctx context.Context, p ListClaimsParams) (claims.ClaimFilter, error) {
	filter, err := s.filterOf(ctx, "query:view", p.View, ClaimFilter{
		IncidentID: p.IncidentID, ClaimantID: p.ClaimantID, State: p.State, Sector: p.Sector, Region: p.Region, AssignedTo: p.AssignedTo,
		Verdict: p.Verdict, Check: p.Check, ScoreFrom: p.ScoreFrom, StakeFrom: p.StakeFrom, StakeUpTo: p.StakeUpTo, OverdueBefore: p.OverdueBefore, Answered: p.Answered,
	})
	if err != nil || !actorOf(ctx).Can(identity.OwnClaims) {
		return filter, err
	}
	filter.States = nil
	var fields []fault.Field
	for name, given := range map[string]bool{
		"assigned_to": p.AssignedTo != nil, "check": p.Check != nil, "score_from": p.ScoreFrom != nil, "answered": p.Answered != nil,
	} {
		if given {
			fields = append(fields, fault.At("query:"+name, "staff_only", "only staff can ask for this.", "담당자만 쓸 수 있는 조건입니다."))
		}
	}
	return filter, fault.InvalidFields(fields)
}

func (s *server) GetClaim(ctx context.Context, r GetClaimRequestObject) (GetClaimResponseObject, error) {
	c, err := s.claims.Claim(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	tag := etag(c.Version)
	if held := r.Params.IfNoneMatch; held != nil && strings.TrimPrefix(*held, "W/") == *tag {
		return GetClaim304Response{}, nil
	}
	return GetClaim200JSONResponse{Body: toClaim(c, actorOf(ctx), s.now()), Headers: GetClaim200ResponseHeaders{ETag: tag}}, nil
}

func (s *server) PatchClaim(ctx context.Context, r PatchClaimRequestObject) (PatchClaimResponseObject, error) {
	patch, err := rawBody(ctx)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, r.Params.IfMatch, func(version int64, _ claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Change(ctx, actorOf(ctx), r.Claim, version, func(content *claims.Content) error {
			var wanted ClaimInput
			if err := mergePatch(toContent(*content), patch, &wanted); err != nil {
				return err
			}
			*content = fromContent(wanted)
			return nil
		})
	})
}

func (s *server) SubmitClaim(ctx context.Context, r SubmitClaimRequestObject) (SubmitClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Submit(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

func (s *server) WithdrawClaim(ctx context.Context, r WithdrawClaimRequestObject) (WithdrawClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Withdraw(ctx, actorOf(ctx), r.Claim, version, value(value(r.Body).Reason), reply)
	})
}

func (s *server) GetClaimEstimate(ctx context.Context, r GetClaimEstimateRequestObject) (GetClaimEstimateResponseObject, error) {
	e, err := s.claims.Estimate(ctx, actorOf(ctx), r.Claim, 0)
	return stored{body: e.Bytes, hash: e.Hash}, err
}

func (s *server) GetClaimEstimateNumber(ctx context.Context, r GetClaimEstimateNumberRequestObject) (GetClaimEstimateNumberResponseObject, error) {
	e, err := s.claims.Estimate(ctx, actorOf(ctx), r.Claim, r.N)
	return stored{body: e.Bytes, hash: e.Hash}, err
}

func (s *server) ListClaimEvents(ctx context.Context, r ListClaimEventsRequestObject) (ListClaimEventsResponseObject, error) {
	events, err := s.claims.Events(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListClaimEvents200JSONResponse(EventList{Events: each(events, func(e claims.Event) Event {
		if e.Data == nil {
			e.Data = map[string]any{}
		}
		return Event{N: int(e.N), Type: e.Type, At: e.At, Actor: string(e.Actor), Data: e.Data, Leaf: hex.EncodeToString(e.Leaf)}
	})}), nil
}

func languageOf(ctx context.Context) lang.Tag {
	if c, ok := ctx.(*gin.Context); ok {
		return lang.Match(c.GetHeader("Accept-Language"))
	}
	return lang.English
}

func fromClaimInput(in ClaimInput) claims.Draft {
	d := claims.Draft{
		IncidentID: in.IncidentID, ClaimantID: value(in.ClaimantID), Outlet: defaultOutlet, Channel: string(ChannelAPI),
		Currency: value(in.Currency), Content: fromContent(in),
	}
	if in.Outlet != nil {
		d.Outlet = *in.Outlet
	}
	if in.Channel != nil {
		d.Channel = string(*in.Channel)
	}
	return d
}

func fromContent(in ClaimInput) claims.Content {
	return claims.Content{
		Lines: each(in.Lines, fromLossLine), OwnMarginBasisPoints: in.OwnMarginBasisPoints, Statement: value(in.Statement),
		Expenses: each(in.Expenses, func(e Expense) claims.Expense {
			return claims.Expense{Kind: string(e.Kind), Amount: e.Amount, Note: value(e.Note)}
		}),
		Subscriptions: each(in.Subscriptions, func(sub Subscription) claims.Subscription {
			return claims.Subscription{Plan: sub.Plan, Service: value(sub.Service), MonthlyFee: sub.MonthlyFee}
		}),
	}
}

func fromLossLine(l LossLine) claims.LossLine {
	return claims.LossLine{
		Service: l.Service, DeclaredActual: l.DeclaredActual, PlatformShareBasisPoints: l.PlatformShareBasisPoints,
		Closures: each(l.Closures, func(c Interruption) claims.Closure { return claims.Closure{Start: c.Start.UTC(), End: c.End.UTC()} }),
		Items: each(l.Items, func(i LossItem) claims.LossItem {
			return claims.LossItem{Kind: string(i.Kind), At: i.At.UTC(), Amount: i.Amount, Note: value(i.Note)}
		}),
		Substitutes: each(l.Substitutes, func(sub Substitute) claims.Substitute {
			return claims.Substitute{Kind: string(sub.Kind), Amount: sub.Amount, Note: value(sub.Note)}
		}),
	}
}

// toContent is what a merge patch is applied to.
func toContent(c claims.Content) ClaimInput {
	return ClaimInput{
		Lines: each(c.Lines, toLossLine), OwnMarginBasisPoints: c.OwnMarginBasisPoints, Statement: optional(c.Statement),
		Expenses: each(c.Expenses, toExpense), Subscriptions: each(c.Subscriptions, toSubscription),
	}
}

func toExpense(e claims.Expense) Expense {
	return Expense{Kind: ExpenseKind(e.Kind), Amount: e.Amount, Note: optional(e.Note)}
}

func toSubscription(s claims.Subscription) Subscription {
	return Subscription{Plan: s.Plan, Service: optional(s.Service), MonthlyFee: s.MonthlyFee}
}

func toLossLine(l claims.LossLine) LossLine {
	return LossLine{
		Service: l.Service, DeclaredActual: l.DeclaredActual, PlatformShareBasisPoints: l.PlatformShareBasisPoints,
		Closures: each(l.Closures, func(c claims.Closure) Interruption { return Interruption{Start: c.Start, End: c.End} }),
		Items: each(l.Items, func(i claims.LossItem) LossItem {
			return LossItem{Kind: LossItemKind(i.Kind), At: i.At, Amount: i.Amount, Note: optional(i.Note)}
		}),
		Substitutes: each(l.Substitutes, func(sub claims.Substitute) Substitute {
			return Substitute{Kind: SubstituteKind(sub.Kind), Amount: sub.Amount, Note: optional(sub.Note)}
		}),
	}
}

// shown is a claim as acts and lists answer it. Staff see what its claimant wrote
// only where they read it, which is recorded.
func (s *server) shown(ctx context.Context, c claims.Claim) Claim {
	actor := actorOf(ctx)
	if !actor.Can(identity.OwnClaims) {
		c.Content = withoutWords(c.Content)
	}
	return toClaim(c, actor, s.now())
}

// toClaim is a claim as the actor sees it.
func toClaim(c claims.Claim, actor identity.Actor, now time.Time) Claim {
	out := Claim{
		ID: c.ID, Reference: c.Reference, IncidentID: c.IncidentID, ClaimantID: c.ClaimantID, Outlet: c.Outlet, Channel: Channel(c.Channel),
		State: stateFor(actor, c.State), Late: c.Late, Currency: c.Currency, Lines: each(c.Lines, toLossLine), Expenses: each(c.Expenses, toExpense),
		Subscriptions: each(c.Subscriptions, toSubscription), OwnMarginBasisPoints: c.OwnMarginBasisPoints, Statement: optional(c.Statement),
		Claimed: c.Claimed, Estimated: c.Estimated, Version: int(c.Version), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, SubmittedAt: c.SubmittedAt,
	}
	out.NextStep, out.ExpectedAt = c.NextStep(now)
	if c.Outcome != "" {
		out.Outcome = ptr(ClaimOutcome(c.Outcome))
	}
	if c.Estimate != nil {
		out.Estimate = ptr(json.RawMessage(c.Estimate))
	}
	if c.Standing > 0 {
		out.Decision, out.Verdict, out.Automatic = &c.Standing, ptr(Verdict(c.Verdict)), &c.Automatic
		out.Assessed, out.Awarded = c.Assessed, c.Awarded
	}
	if !actor.Can(identity.OwnClaims) {
		out.Desk = toDesk(c)
	}
	return out
}

// stateFor is a state as the actor sees it.
func stateFor(actor identity.Actor, s claims.State) ClaimState {
	if actor.Can(identity.OwnClaims) {
		s = s.Shown()
	}
	return ClaimState(s)
}

func toDesk(c claims.Claim) *ClaimDesk {
	out := &ClaimDesk{
		AssignedTo: optional(c.AssignedTo), LeaseUntil: c.LeaseUntil, Score: c.Score, Stake: c.Stake, Sector: optional(c.Sector),
		Region: optional(c.Region), StateSince: c.StateSince, PromisedAt: c.PromisedAt, WaitedSeconds: ptr(int(c.Waited / time.Second)), HumanAsked: &c.HumanAsked,
	}
	if !c.Rank.IsZero() {
		out.Rank = &c.Rank
	}
	return out
}

// withoutWords leaves out what a person wrote in their own words.
func withoutWords(c claims.Content) claims.Content {
	c.Statement = ""
	c.Lines = each(c.Lines, func(l claims.LossLine) claims.LossLine {
		l.Items = each(l.Items, func(i claims.LossItem) claims.LossItem { i.Note = ""; return i })
		l.Substitutes = each(l.Substitutes, func(s claims.Substitute) claims.Substitute { s.Note = ""; return s })
		return l
	})
	c.Expenses = each(c.Expenses, func(e claims.Expense) claims.Expense { e.Note = ""; return e })
	return c
}

package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
)

// act carries out something on one claim, at the version that If-Match names,
// and answers the claim as it is then.
func (s *server) act(ctx context.Context, match *IfMatch, do func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error)) (acted, error) {
	version, err := ifMatch(match)
	if err != nil {
		return acted{}, err
	}
	c, err := do(version, reply(ctx, func(c claims.Claim, w http.ResponseWriter) error { return s.acted(ctx, c).write(w) }))
	if err != nil {
		return acted{}, err
	}
	return s.acted(ctx, c), nil
}

func (s *server) acted(ctx context.Context, c claims.Claim) acted {
	return acted{claim: s.shown(ctx, c), tag: *etag(c.Version)}
}

// acted answers a claim on which something was done.
type acted struct {
	claim Claim
	tag   string
}

func (a acted) write(w http.ResponseWriter) error {
	w.Header().Set("ETag", a.tag)
	return writeJSON(w, http.StatusOK, a.claim)
}

func (a acted) VisitPatchClaimResponse(w http.ResponseWriter) error         { return a.write(w) }
func (a acted) VisitSubmitClaimResponse(w http.ResponseWriter) error        { return a.write(w) }
func (a acted) VisitWithdrawClaimResponse(w http.ResponseWriter) error      { return a.write(w) }
func (a acted) VisitAnswerRequestResponse(w http.ResponseWriter) error      { return a.write(w) }
func (a acted) VisitFileAppealResponse(w http.ResponseWriter) error         { return a.write(w) }
func (a acted) VisitAskHumanResponse(w http.ResponseWriter) error           { return a.write(w) }
func (a acted) VisitAcceptDecisionResponse(w http.ResponseWriter) error     { return a.write(w) }
func (a acted) VisitAssignClaimResponse(w http.ResponseWriter) error        { return a.write(w) }
func (a acted) VisitPutBackClaimResponse(w http.ResponseWriter) error       { return a.write(w) }
func (a acted) VisitRecuseFromClaimResponse(w http.ResponseWriter) error    { return a.write(w) }
func (a acted) VisitHoldClaimResponse(w http.ResponseWriter) error          { return a.write(w) }
func (a acted) VisitReleaseClaimResponse(w http.ResponseWriter) error       { return a.write(w) }
func (a acted) VisitRequestInformationResponse(w http.ResponseWriter) error { return a.write(w) }
func (a acted) VisitRecallRequestResponse(w http.ResponseWriter) error      { return a.write(w) }
func (a acted) VisitDecideClaimResponse(w http.ResponseWriter) error        { return a.write(w) }
func (a acted) VisitApproveDecisionResponse(w http.ResponseWriter) error    { return a.write(w) }
func (a acted) VisitReturnDecisionResponse(w http.ResponseWriter) error     { return a.write(w) }
func (a acted) VisitAmendDecisionResponse(w http.ResponseWriter) error      { return a.write(w) }
func (a acted) VisitNextClaimResponse(w http.ResponseWriter) error          { return a.write(w) }

func (s *server) NextClaim(ctx context.Context, r NextClaimRequestObject) (NextClaimResponseObject, error) {
	answer := func(c *claims.Claim) NextClaimResponseObject {
		if c == nil {
			return NextClaim204Response{}
		}
		return s.acted(ctx, *c)
	}
	var wanted QueueFilter
	if r.Body != nil {
		wanted = *r.Body
	}
	filter, err := s.filterOf(ctx, "#/view", wanted.View, ClaimFilter{
		IncidentID: wanted.IncidentID, Sector: wanted.Sector, Region: wanted.Region, StakeFrom: wanted.StakeFrom, StakeUpTo: wanted.StakeUpTo,
	})
	if err != nil {
		return nil, err
	}
	c, err := s.claims.Next(ctx, actorOf(ctx), filter, reply(ctx, func(c *claims.Claim, w http.ResponseWriter) error {
		return answer(c).VisitNextClaimResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(c), nil
}

func (s *server) AssignClaim(ctx context.Context, r AssignClaimRequestObject) (AssignClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Assign(ctx, actorOf(ctx), r.Claim, version, value(value(r.Body).Person), reply)
	})
}

func (s *server) PutBackClaim(ctx context.Context, r PutBackClaimRequestObject) (PutBackClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.PutBack(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

func (s *server) RecuseFromClaim(ctx context.Context, r RecuseFromClaimRequestObject) (RecuseFromClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Recuse(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

func (s *server) HoldClaim(ctx context.Context, r HoldClaimRequestObject) (HoldClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Hold(ctx, actorOf(ctx), r.Claim, version, r.Body.Reason, r.Body.ReviewAt, reply)
	})
}

func (s *server) ReleaseClaim(ctx context.Context, r ReleaseClaimRequestObject) (ReleaseClaimResponseObject, error) {
	return s.act(ctx, r.Params.IfMatch, func(version int64, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.claims.Release(ctx, actorOf(ctx), r.Claim, version, reply)
	})
}

func (s *server) BulkAct(ctx context.Context, r BulkActRequestObject) (BulkActResponseObject, error) {
	answer := func(outcome claims.BulkOutcome) BulkActResponseObject {
		out := toBulkResults(ctx, outcome.Results, func(int) string { return "#" })
		out.Matched = outcome.Matched
		return BulkAct200JSONResponse(out)
	}
	action := claims.BulkAction{
		Verb: claims.Verb(r.Body.Action), Person: value(r.Body.Person), Reason: value(r.Body.Reason), ReviewAt: value(r.Body.ReviewAt),
		Claims: each(r.Body.Claims, func(c ClaimVersion) claims.ClaimVersion {
			return claims.ClaimVersion{ID: c.ID, Version: int64(value(c.Version))}
		}),
		Preview: value(r.Body.Preview),
	}
	if r.Body.Filter != nil || r.Body.View != nil {
		filter, err := s.filterOf(ctx, "#/view", r.Body.View, value(r.Body.Filter))
		if err != nil {
			return nil, err
		}
		action.Filter = &filter
	}
	outcome, err := s.claims.Bulk(ctx, actorOf(ctx), action, reply(ctx, func(outcome claims.BulkOutcome, w http.ResponseWriter) error {
		return answer(outcome).VisitBulkActResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(outcome), nil
}

// toBulkResults says what became of each row; place is where in the body the
// problems of a row are.
func toBulkResults(ctx context.Context, results []claims.BulkResult, place func(row int) string) BulkResults {
	out := BulkResults{Results: make([]BulkResult, len(results))}
	for i, r := range results {
		row := BulkResult{ClaimID: r.ClaimID, Reference: optional(r.Reference)}
		if r.Problem != nil {
			out.Refused++
			row.Problem = ptr(problemOf(within(place(i), r.Problem), languageOf(ctx)))
		} else {
			out.Done++
			row.State, row.Version = ptr(ClaimState(r.Claim.State)), ptr(int(r.Claim.Version))
		}
		out.Results[i] = row
	}
	return out
}

func (s *server) ListViews(ctx context.Context, _ ListViewsRequestObject) (ListViewsResponseObject, error) {
	views, err := s.claims.Views(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	return ListViews200JSONResponse(ViewList{Views: each(views, toView)}), nil
}

func (s *server) SaveView(ctx context.Context, r SaveViewRequestObject) (SaveViewResponseObject, error) {
	answer := func(v claims.View) SaveViewResponseObject {
		return SaveView201JSONResponse{Body: toView(v), Headers: SaveView201ResponseHeaders{Location: ptr("/v1/views/" + v.ID)}}
	}
	v, err := s.claims.SaveView(ctx, actorOf(ctx), r.Body.Name, fromFilter(r.Body.Filter), reply(ctx, func(v claims.View, w http.ResponseWriter) error {
		return answer(v).VisitSaveViewResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(v), nil
}

func (s *server) DeleteView(ctx context.Context, r DeleteViewRequestObject) (DeleteViewResponseObject, error) {
	if err := s.claims.DeleteView(ctx, actorOf(ctx), r.View); err != nil {
		return nil, err
	}
	return DeleteView204Response{}, nil
}

func (s *server) ListStages(ctx context.Context, r ListStagesRequestObject) (ListStagesResponseObject, error) {
	stages, err := s.claims.Stages(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListStages200JSONResponse(StageList{Stages: each(stages, func(stage claims.Stage) Stage {
		return Stage{State: stateFor(actorOf(ctx), stage.State), EnteredAt: stage.Entered, LeftAt: stage.Left}
	})}), nil
}

func (s *server) ListClocks(ctx context.Context, r ListClocksRequestObject) (ListClocksResponseObject, error) {
	clocks, err := s.claims.Clocks(ctx, actorOf(ctx), r.Incident)
	if err != nil {
		return nil, err
	}
	seconds := func(d time.Duration) int { return int(d / time.Second) }
	return ListClocks200JSONResponse(ClockList{Clocks: each(clocks, func(c claims.StageClock) Clock {
		return Clock{State: ClaimState(c.State), Stays: c.Stays, P50Seconds: seconds(c.P50), P90Seconds: seconds(c.P90), P99Seconds: seconds(c.P99)}
	})}), nil
}

func (s *server) ListReads(ctx context.Context, r ListReadsRequestObject) (ListReadsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	reads, err := s.claims.Reads(ctx, actorOf(ctx), r.Claim, page)
	if err != nil {
		return nil, err
	}
	reads, link := cut(ctx, reads, page, func(read claims.Read) string { return read.ID })
	return ListReads200JSONResponse{
		Body: ReadList{Reads: each(reads, func(read claims.Read) Read {
			return Read{
				What: ReadWhat(read.What), Item: optional(read.Item), Purpose: read.Purpose, Person: optional(read.Person), Role: Role(read.Role), At: read.At,
			}
		})},
		Headers: ListReads200ResponseHeaders{Link: link},
	}, nil
}

// filterOf is what a request narrows by: its filter or, in its place, that of one
// of the actor's views. The place is where the view is named.
func (s *server) filterOf(ctx context.Context, place string, view *string, filter ClaimFilter) (claims.ClaimFilter, error) {
	if view == nil {
		return fromFilter(filter), nil
	}
	if !reflect.ValueOf(filter).IsZero() {
		return claims.ClaimFilter{}, fault.InvalidFields([]fault.Field{fault.At(place, "view_or_filter",
			"A view stands in place of a filter; name one of the two.", "보기는 조건을 대신합니다. 둘 중 하나만 적으십시오.")})
	}
	v, err := s.claims.View(ctx, actorOf(ctx), *view)
	return v.Filter, err
}

func fromFilter(f ClaimFilter) claims.ClaimFilter {
	return claims.ClaimFilter{
		IncidentID: value(f.IncidentID), ClaimantID: value(f.ClaimantID), States: each(value(f.State), func(s ClaimState) claims.State { return claims.State(s) }), Sector: value(f.Sector),
		Region: value(f.Region), AssignedTo: value(f.AssignedTo), Verdict: claims.Verdict(value(f.Verdict)), Check: value(f.Check),
		ScoreFrom: value(f.ScoreFrom), StakeFrom: f.StakeFrom, StakeUpTo: f.StakeUpTo, OverdueBefore: inUTC(f.OverdueBefore), Answered: value(f.Answered),
	}
}

func toView(v claims.View) View {
	f := v.Filter
	out := ClaimFilter{
		IncidentID: optional(f.IncidentID), ClaimantID: optional(f.ClaimantID), Sector: optional(f.Sector), Region: optional(f.Region),
		AssignedTo: optional(f.AssignedTo), Check: optional(f.Check), StakeFrom: f.StakeFrom, StakeUpTo: f.StakeUpTo, OverdueBefore: f.OverdueBefore,
	}
	if len(f.States) > 0 {
		out.State = ptr(each(f.States, func(s claims.State) ClaimState { return ClaimState(s) }))
	}
	if f.Verdict != "" {
		out.Verdict = ptr(Verdict(f.Verdict))
	}
	if f.Answered {
		out.Answered = &f.Answered
	}
	if f.ScoreFrom > 0 {
		out.ScoreFrom = &f.ScoreFrom
	}
	return View{ID: v.ID, Name: v.Name, Filter: out}
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return ptr(t.UTC())
}

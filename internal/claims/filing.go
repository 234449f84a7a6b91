package claims

import (
	"context"
	"fmt"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

// filing is a draft together with everything it refers to.
type filing struct {
	Draft
	incident Incident
	claimant Claimant
	claimed  money.Minor // set by check
	zone     *time.Location
}

// open loads what a new draft refers to. A public incident and the actor's own
// claimant are all they can learn of.
func (s *Service) open(ctx context.Context, actor identity.Actor, draft Draft) (filing, error) {
	if draft.ClaimantID == "" {
		draft.ClaimantID = actor.ClaimantID
	}
	if draft.ClaimantID == "" && actor.Role != identity.Public {
		return filing{}, fault.InvalidFields([]fault.Field{fault.At("#/claimant_id", "claimant_required",
			"Name the claimant this claim is filed for.", "누구의 청구인지 claimant_id를 적으십시오.")})
	}
	claimant, err := findClaimant(ctx, s.store, actor, draft.ClaimantID, identity.ActForClaimants)
	if err != nil {
		return filing{}, err
	}
	incident, err := s.Incident(ctx, actor, draft.IncidentID)
	if isNotFound(err) {
		return filing{}, fault.InvalidFields([]fault.Field{fault.At("#/incident_id", "unknown_incident",
			"There is no incident %s.", "장애 %s이(가) 없습니다.", draft.IncidentID)})
	}
	if err != nil {
		return filing{}, err
	}
	return newFiling(draft, incident, claimant)
}

// reopen loads what a stored claim refers to.
func (s *Service) reopen(ctx context.Context, c Claim) (filing, error) {
	claimant, err := s.store.Claimant(ctx, c.ClaimantID)
	if err != nil {
		return filing{}, err
	}
	incident, err := s.store.Incident(ctx, c.IncidentID)
	if err != nil {
		return filing{}, err
	}
	return newFiling(Draft{IncidentID: c.IncidentID, ClaimantID: c.ClaimantID, Outlet: c.Outlet, Channel: c.Channel, Content: c.Content}, incident, claimant)
}

func newFiling(draft Draft, incident Incident, claimant Claimant) (filing, error) {
	zone, err := time.LoadLocation(claimant.Zone)
	if err != nil {
		return filing{}, fmt.Errorf("zone of claimant %s: %w", claimant.ID, err)
	}
	f := filing{Draft: draft, incident: incident, claimant: claimant, zone: zone}
	f.claimed, err = f.sumClaimed()
	if err != nil {
		return filing{}, fault.InvalidFields([]fault.Field{amountOverflow()})
	}
	return f, nil
}

func amountOverflow() fault.Field {
	return fault.At("#/lines", "amount_overflow", "The stated amounts add up to more than %d, the most that a claim can come to.",
		"적힌 금액의 합이 청구 한 건의 최대 금액인 %d을(를) 넘습니다.", int64(money.MaxClaim))
}

// mayFile refuses a claim outside the filing period. Late claims are let in
// while the incident allows them, and marked when they are submitted.
func (f filing) mayFile(now time.Time) error {
	period := f.incident.Filing
	switch {
	case f.incident.State != IncidentOpen:
		return fault.New(fault.Conflict, "incident_not_open",
			"The incident takes no claims: it is %s.", "이 장애는 청구를 받지 않습니다(상태: %s).", f.incident.State)
	case now.Before(period.OpensAt):
		return fault.New(fault.Conflict, "filing_not_open",
			"Filing opens at %s.", "접수는 %s에 시작합니다.", period.OpensAt.In(f.zone).Format(time.RFC3339))
	case now.Before(period.ClosesAt):
		return nil
	case period.LateUntil != nil && now.Before(*period.LateUntil):
		return nil
	default:
		return fault.New(fault.Conflict, "filing_closed",
			"Filing closed at %s.", "접수는 %s에 마감되었습니다.", period.ClosesAt.In(f.zone).Format(time.RFC3339))
	}
}

// check finds every problem that the fields alone do not show.
func (f filing) check() []fault.Field {
	var fields []fault.Field
	if _, ok := f.claimant.Outlet(f.Outlet); !ok {
		fields = append(fields, unknownOutlet("#/outlet", f.Outlet))
	}
	if f.Currency != "" && f.Currency != f.incident.Currency {
		fields = append(fields, fault.At("#/currency", "currency_differs",
			"The incident is in %[2]s, not %[1]s.", "이 장애의 통화는 %[1]s이(가) 아니라 %[2]s입니다.", f.Currency, f.incident.Currency))
	}
	if f.claimant.Currency != f.incident.Currency {
		fields = append(fields, fault.At("#/incident_id", "currency_differs",
			"The claimant's histories are in %s, the incident is in %s.", "청구인의 매출 이력은 %s, 장애는 %s 통화입니다.", f.claimant.Currency, f.incident.Currency))
	}
	if f.claimed > money.MaxClaim {
		fields = append(fields, amountOverflow())
	}
	seen := map[string]bool{}
	for n, line := range f.Lines {
		at := fmt.Sprintf("#/lines/%d", n)
		service, ok := f.incident.Service(line.Service)
		switch {
		case !ok:
			fields = append(fields, fault.At(at+"/service", "unknown_service",
				"The incident has no service %q; it has %s.", "이 장애에 서비스 %q이(가) 없습니다. 있는 서비스: %s.", line.Service, f.serviceCodes()))
			continue
		case seen[line.Service]:
			fields = append(fields, fault.At(at+"/service", "duplicate_line",
				"Service %q has two lines; put everything about it in one.", "서비스 %q이(가) 두 번 적혀 있습니다. 한 줄에 모두 적으십시오.", line.Service))
		case len(service.Windows) == 0:
			fields = append(fields, fault.At(at+"/service", "service_not_impaired",
				"Service %q was not impaired in this incident.", "서비스 %q은(는) 이 장애에서 중단되지 않았습니다.", line.Service))
		}
		seen[line.Service] = true
		fields = append(fields, f.checkLine(line, service, at)...)
	}
	plans := map[[2]string]bool{}
	for n, sub := range f.Subscriptions {
		plan := [2]string{sub.Plan, sub.Service}
		if plans[plan] {
			fields = append(fields, fault.At(fmt.Sprintf("#/subscriptions/%d", n), "duplicate_subscription",
				"Plan %q is listed twice for the same service.", "같은 서비스의 요금제 %q이(가) 두 번 적혀 있습니다.", sub.Plan))
		}
		plans[plan] = true
		if _, ok := f.incident.Service(sub.Service); sub.Service != "" && !ok {
			fields = append(fields, fault.At(fmt.Sprintf("#/subscriptions/%d/service", n), "unknown_service",
				"The incident has no service %q; it has %s.", "이 장애에 서비스 %q이(가) 없습니다. 있는 서비스: %s.", sub.Service, f.serviceCodes()))
		}
	}
	return fields
}

func (f filing) checkLine(line LossLine, service PlatformService, at string) []fault.Field {
	var fields []fault.Field
	for n, item := range line.Items {
		if !impairedAt(service, item.At) {
			fields = append(fields, fault.At(fmt.Sprintf("%s/items/%d/at", at, n), "item_outside_window",
				"%s lies in no impairment window of %q.", "%s은(는) %q의 장애 구간에 들지 않습니다.", item.At.In(f.zone).Format(time.RFC3339), service.Code))
		}
	}
	for n, c := range line.Closures {
		here := fmt.Sprintf("%s/closures/%d", at, n)
		switch {
		case !c.Start.Before(c.End):
			fields = append(fields, fault.At(here+"/end", "end_before_start", "A closure must end after it starts.", "휴무의 끝은 시작보다 뒤여야 합니다."))
		case n > 0 && c.Start.Before(line.Closures[n-1].End):
			fields = append(fields, fault.At(here+"/start", "closures_overlap", "Closures must ascend and not overlap.", "휴무는 시간순이어야 하고 겹칠 수 없습니다."))
		}
	}
	return fields
}

func impairedAt(service PlatformService, t time.Time) bool {
	for _, w := range service.Windows {
		if !t.Before(w.Start) && t.Before(w.End) {
			return true
		}
	}
	return false
}

func (f filing) serviceCodes() string {
	var codes string
	for n, s := range f.incident.Services {
		if n > 0 {
			codes += ", "
		}
		codes += s.Code
	}
	return codes
}

// counted are the items that are no loss: a scheme counts them, nobody claims
// them.
var counted = map[string]bool{"street_hail": true, "app_ride": true, "dispatch": true}

// sumClaimed adds up lost items and added costs as stated.
func (f filing) sumClaimed() (money.Minor, error) {
	var total money.Minor
	var err error
	for _, line := range f.Lines {
		for _, item := range line.Items {
			if counted[item.Kind] {
				continue
			}
			if total, err = money.Add(total, item.Amount); err != nil {
				return 0, err
			}
		}
	}
	for _, e := range f.Expenses {
		if e.Kind == SavedCost {
			continue
		}
		if total, err = money.Add(total, e.Amount); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// claim makes the claim of a checked filing.
func (f filing) claim(actor identity.Actor, now time.Time) Claim {
	claim := Claim{
		ID: newID(), Reference: newReference(), IncidentID: f.incident.ID, ClaimantID: f.claimant.ID, Outlet: f.Outlet,
		Channel: f.Channel, State: Drafted, Currency: f.incident.Currency, Content: f.Content, Claimed: f.claimed,
		FiledBy: actor.KeyID, Version: 1, CreatedAt: now, UpdatedAt: now,
		Desk: Desk{StateSince: now},
	}
	if !actor.Owns(f.claimant.ID) {
		claim.FiledPerson = actor.Person
	}
	return claim
}

// local turns an interval of instants into one of the claimant's wall clock.
func (f filing) local(start, end time.Time) revenue.Span {
	return revenue.Span{Start: revenue.LocalOf(start, f.zone), End: revenue.LocalOf(end, f.zone)}
}

// Validate answers every problem of a draft at once and, where it could be
// estimated, what the estimate would be. It stores nothing.
func (s *Service) Validate(ctx context.Context, actor identity.Actor, draft Draft) (Validation, error) {
	f, err := s.open(ctx, actor, draft)
	if refused := fault.As(err); refused != nil && refused.Kind == fault.Invalid {
		return Validation{Problems: refused.Fields}, nil
	}
	if err != nil {
		return Validation{}, err
	}
	fields := f.check()
	v := Validation{Problems: fields}
	if refused := fault.As(f.mayFile(s.now())); refused != nil {
		v.Problems = append(v.Problems, fault.Field{Pointer: "#/incident_id", Code: refused.Code, Detail: refused.Detail})
	}
	exists, err := s.store.ClaimExists(ctx, f.incident.ID, f.claimant.ID, f.Outlet)
	if err != nil {
		return Validation{}, err
	}
	if exists {
		v.Problems = append(v.Problems, fault.Field{Pointer: "#/outlet", Code: ClaimExistsCode, Detail: ClaimExists().Detail})
	}
	if f.incident.Scheme == nil || len(fields) > 0 {
		return v, nil
	}
	estimate, _, err := s.estimate(ctx, f, "", 0)
	if err != nil {
		return Validation{}, err
	}
	v.Estimate = estimate.Bytes
	return v, nil
}

// ClaimExistsCode is the code of the refusal of a second claim.
const ClaimExistsCode = "claim_exists"

// ClaimExists is the refusal of a second claim for the same incident, claimant
// and outlet.
func ClaimExists() *fault.Error {
	return fault.New(fault.Conflict, ClaimExistsCode,
		"This outlet has a claim for this incident already; change or withdraw that one.",
		"이 매장은 이 장애에 대해 이미 청구했습니다. 그 청구를 고치거나 철회하십시오.")
}

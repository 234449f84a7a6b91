package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// IncidentState is where an incident stands.
type IncidentState string

// The states of an incident. The public sees no drafts.
const (
	IncidentDraft  IncidentState = "draft"
	IncidentOpen   IncidentState = "open"
	IncidentClosed IncidentState = "closed"
)

// Incident is one outage event of one platform. Instants are UTC.
type Incident struct {
	ID         string
	Name       lang.Text
	Platform   string
	State      IncidentState
	Zone       string // IANA zone in which the incident's times are shown
	Currency   string // ISO 4217, of every amount in its claims
	StartsAt   time.Time
	EndsAt     time.Time // windows lie within [StartsAt, EndsAt)
	Timestamps []Timestamp
	Filing     Filing
	Services   []PlatformService
	Scheme     *SchemeRef
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Timestamp is one sourced statement of when something happened.
type Timestamp struct {
	Kind   string    `json:"kind"`
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Note   string    `json:"note,omitempty"`
}

// Filing is the half-open period [OpensAt, ClosesAt) in which claims are
// submitted, and until when a late one is taken and marked.
type Filing struct {
	OpensAt   time.Time  `json:"opens_at"`
	ClosesAt  time.Time  `json:"closes_at"`
	LateUntil *time.Time `json:"late_until,omitempty"`
}

// PlatformService is a named service of the platform; Kind says what a unit of
// it is: ride, booking, order or payment.
type PlatformService struct {
	Code    string             `json:"code"`
	Kind    string             `json:"kind"`
	Name    lang.Text          `json:"name"`
	Windows []ImpairmentWindow `json:"windows"`
}

// ImpairmentWindow is the half-open interval [Start, End) in which the stated
// share of a service was down (1 to 10000 basis points).
type ImpairmentWindow struct {
	Start           time.Time `json:"start"`
	End             time.Time `json:"end"`
	DownBasisPoints int       `json:"down_basis_points"`
	Note            string    `json:"note,omitempty"`
}

// SchemeRef names one version of a scheme.
type SchemeRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// show writes an instant on the incident's own clock.
func (i Incident) show(t time.Time) string {
	if zone, err := time.LoadLocation(i.Zone); err == nil {
		t = t.In(zone)
	}
	return t.Format(time.RFC3339)
}

// Service finds a platform service of the incident.
func (i Incident) Service(code string) (PlatformService, bool) {
	for _, s := range i.Services {
		if s.Code == code {
			return s, true
		}
	}
	return PlatformService{}, false
}

// Hash is the SHA-256, in hex, of what the incident says: a JSON object with
// sorted keys of all but its id, state, version and dates of writing.
func (i Incident) Hash() string {
	said, err := json.Marshal(map[string]any{
		"currency": i.Currency, "ends_at": i.EndsAt.UTC(), "filing": i.Filing, "name": i.Name, "platform": i.Platform, "scheme": i.Scheme,
		"services": i.Services, "starts_at": i.StartsAt.UTC(), "timestamps": i.Timestamps, "zone": i.Zone,
	})
	var sorted any
	if err == nil {
		err = json.Unmarshal(said, &sorted)
	}
	if err == nil {
		said, err = json.Marshal(sorted)
	}
	if err != nil {
		panic(err) // of instants beyond the year 9999, which no request can name
	}
	return hexSHA256(said)
}

// CreateIncident records an outage as a draft.
func (s *Service) CreateIncident(ctx context.Context, actor identity.Actor, in Incident, reply Reply[Incident]) (Incident, error) {
	if err := allow(actor, identity.ManageIncidents); err != nil {
		return Incident{}, err
	}
	now := s.now()
	in.ID, in.State, in.Version, in.CreatedAt, in.UpdatedAt = newID(), IncidentDraft, 1, now, now
	if err := s.checkIncident(ctx, in); err != nil {
		return Incident{}, err
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Incident, error) {
		if err := tx.InsertIncident(ctx, in); err != nil {
			return Incident{}, err
		}
		return in, s.log(ctx, tx, "incident.created", in.ID, map[string]any{"version": in.Version, "hash": in.Hash()})
	})
}

// ChangeIncident applies a change to the incident at the version that the
// caller holds. The change sees the stored incident and edits it.
func (s *Service) ChangeIncident(ctx context.Context, actor identity.Actor, id string, version int64, eventType string,
	change func(*Incident) error, reply Reply[Incident],
) (Incident, error) {
	if err := allow(actor, identity.ManageIncidents); err != nil {
		return Incident{}, err
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Incident, error) {
		in, err := tx.Incident(ctx, id)
		if err != nil {
			return Incident{}, err
		}
		if err := matchVersion(version, in.Version); err != nil {
			return Incident{}, err
		}
		before := in
		if err := change(&in); err != nil {
			return Incident{}, err
		}
		if err := s.checkIncident(ctx, in); err != nil {
			return Incident{}, err
		}
		if err := s.checkInForce(ctx, before, in); err != nil {
			return Incident{}, err
		}
		in.UpdatedAt = s.now()
		if err := tx.UpdateIncident(ctx, in); err != nil {
			return Incident{}, err
		}
		in.Version++
		return in, s.log(ctx, tx, eventType, in.ID, map[string]any{"version": in.Version, "state": string(in.State), "hash": in.Hash()})
	})
}

// OpenIncident publishes an incident and takes claims for it.
func (s *Service) OpenIncident(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Incident]) (Incident, error) {
	return s.ChangeIncident(ctx, actor, id, version, "incident.opened", func(in *Incident) error {
		var fields []fault.Field
		if in.Scheme == nil {
			fields = append(fields, fault.At("#/scheme", "scheme_required", "Choose a scheme first (PUT …/scheme).", "먼저 보상 기준을 정하십시오(PUT …/scheme)."))
		}
		windows := 0
		for _, svc := range in.Services {
			windows += len(svc.Windows)
		}
		if windows == 0 {
			fields = append(fields, fault.At("#/services", "windows_required", "State at least one impairment window first (PUT …/windows).", "먼저 장애 구간을 하나 이상 적으십시오(PUT …/windows)."))
		}
		in.State = IncidentOpen
		return fault.InvalidFields(fields)
	}, reply)
}

// CloseIncident takes no further claims.
func (s *Service) CloseIncident(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Incident]) (Incident, error) {
	return s.ChangeIncident(ctx, actor, id, version, "incident.closed", func(in *Incident) error {
		if in.State != IncidentOpen {
			return fault.New(fault.Conflict, "incident_not_open", "The incident is %s; only an open one can be closed.", "장애가 %s 상태입니다. 접수 중인 장애만 닫을 수 있습니다.", in.State)
		}
		in.State = IncidentClosed
		return nil
	}, reply)
}

// Incident finds one incident; a draft is absent to the public.
func (s *Service) Incident(ctx context.Context, actor identity.Actor, id string) (Incident, error) {
	in, err := s.store.Incident(ctx, id)
	if err != nil {
		return Incident{}, err
	}
	if in.State == IncidentDraft && !actor.Can(identity.SeeDraftIncidents) {
		return Incident{}, NotFound("incident", id)
	}
	return in, nil
}

// Incidents lists incidents, newest first.
func (s *Service) Incidents(ctx context.Context, actor identity.Actor, page Page) ([]Incident, error) {
	return s.store.Incidents(ctx, actor.Can(identity.SeeDraftIncidents), page)
}

// checkIncident checks what one field alone cannot show. Windows outside the
// incident, out of order or overlapping are refused.
func (s *Service) checkIncident(ctx context.Context, in Incident) error {
	var fields []fault.Field
	if !in.StartsAt.Before(in.EndsAt) {
		fields = append(fields, fault.At("#/ends_at", "end_before_start", "The incident must end after it starts.", "장애 종료는 시작보다 뒤여야 합니다."))
	}
	if !in.Filing.OpensAt.Before(in.Filing.ClosesAt) {
		fields = append(fields, fault.At("#/filing/closes_at", "end_before_start", "Filing must close after it opens.", "접수 마감은 접수 시작보다 뒤여야 합니다."))
	}
	if late := in.Filing.LateUntil; late != nil && late.Before(in.Filing.ClosesAt) {
		fields = append(fields, fault.At("#/filing/late_until", "late_before_close", "Late filing must end at or after closes_at.", "지연 접수 마감은 접수 마감(closes_at) 이후여야 합니다."))
	}
	seen := map[string]bool{}
	for n, svc := range in.Services {
		at := fmt.Sprintf("#/services/%d", n)
		if seen[svc.Code] {
			fields = append(fields, fault.At(at+"/code", "duplicate_service", "Service %q is listed twice.", "서비스 %q이(가) 두 번 적혀 있습니다.", svc.Code))
		}
		seen[svc.Code] = true
		fields = append(fields, checkWindows(in, svc, at)...)
	}
	if in.Scheme != nil {
		schemeFields, err := s.checkScheme(ctx, in)
		if err != nil {
			return err
		}
		fields = append(fields, schemeFields...)
	}
	return fault.InvalidFields(fields)
}

func checkWindows(in Incident, svc PlatformService, at string) []fault.Field {
	var fields []fault.Field
	for n, w := range svc.Windows {
		here := fmt.Sprintf("%s/windows/%d", at, n)
		if !w.Start.Before(w.End) {
			fields = append(fields, fault.At(here+"/end", "end_before_start", "A window must end after it starts.", "구간의 끝은 시작보다 뒤여야 합니다."))
		}
		if w.Start.Before(in.StartsAt) || w.End.After(in.EndsAt) {
			fields = append(fields, fault.At(here, "window_outside_incident",
				"The window must lie within the incident, %s to %s.", "구간은 장애 기간(%s ~ %s) 안에 있어야 합니다.",
				in.show(in.StartsAt), in.show(in.EndsAt)))
		}
		if n > 0 && w.Start.Before(svc.Windows[n-1].End) {
			fields = append(fields, fault.At(here+"/start", "windows_overlap",
				"Windows of one service must ascend and not overlap; the one before ends at %s.", "한 서비스의 구간은 시간순이어야 하고 겹칠 수 없습니다. 앞 구간은 %s에 끝납니다.",
				in.show(svc.Windows[n-1].End)))
		}
	}
	return fields
}

func (s *Service) checkScheme(ctx context.Context, in Incident) ([]fault.Field, error) {
	rules, err := s.ruling(ctx, *in.Scheme)
	if isNotFound(err) {
		return []fault.Field{fault.At("#/scheme", "unknown_scheme", "There is no version %d of scheme %q.", "보상 기준 %[2]q의 버전 %[1]d이(가) 없습니다.", in.Scheme.Version, in.Scheme.ID)}, nil
	}
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(in.Zone)
	if err != nil {
		return nil, fmt.Errorf("zone of incident %s: %w", in.ID, err)
	}
	span := revenue.Span{Start: revenue.LocalOf(in.StartsAt, zone), End: revenue.LocalOf(in.EndsAt, zone)}
	unfit := fault.As(rules.Fits(in.Currency, span))
	if unfit == nil {
		return nil, nil
	}
	// The scheme's own pointers lead into its document, not into the incident.
	fields := make([]fault.Field, len(unfit.Fields))
	for n, f := range unfit.Fields {
		fields[n] = fault.At("#/scheme", f.Code, "%s of the scheme %s", "보상 기준의 %s: %s", f.Pointer, f.Detail)
	}
	return fields, nil
}

// checkInForce refuses to put a scheme in force, by opening the incident or by
// choosing another scheme for an open one, outside the days it allows for that.
func (s *Service) checkInForce(ctx context.Context, before, after Incident) error {
	unchanged := before.State == IncidentOpen && before.Scheme != nil && after.Scheme != nil && *before.Scheme == *after.Scheme
	if after.State != IncidentOpen || after.Scheme == nil || unchanged {
		return nil
	}
	rules, err := s.ruling(ctx, *after.Scheme)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(after.Zone)
	if err != nil {
		return fmt.Errorf("zone of incident %s: %w", after.ID, err)
	}
	today := scheme.Date(s.now().In(zone).Format(time.DateOnly))
	if (rules.From != nil && today < *rules.From) || (rules.To != nil && today > *rules.To) {
		return fault.InvalidFields([]fault.Field{fault.At("#/scheme", "scheme_not_effective",
			"The scheme may not be put in force on %s; its own dates say when it may.", "이 보상 기준은 %s에 시행할 수 없습니다. 시행할 수 있는 날은 보상 기준에 적혀 있습니다.", string(today))})
	}
	return nil
}

// otherOutages collects the impairment windows of other incidents of the same
// platform and service: spans that say nothing about ordinary business.
func (s *Service) otherOutages(ctx context.Context, in Incident, code string, zone *time.Location) ([]revenue.Span, error) {
	var spans []revenue.Span
	page := Page{Limit: 200}
	for {
		incidents, err := s.store.Incidents(ctx, false, page)
		if err != nil {
			return nil, err
		}
		for _, other := range incidents {
			svc, ok := other.Service(code)
			if !ok || other.ID == in.ID || !strings.EqualFold(other.Platform, in.Platform) {
				continue
			}
			for _, w := range svc.Windows {
				spans = append(spans, revenue.Span{Start: revenue.LocalOf(w.Start, zone), End: revenue.LocalOf(w.End, zone)})
			}
		}
		if len(incidents) < page.Limit {
			return spans, nil
		}
		page.After = incidents[len(incidents)-1].ID
	}
}

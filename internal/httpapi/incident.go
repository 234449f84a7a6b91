package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/fault"
)

func (s *server) ListIncidents(ctx context.Context, r ListIncidentsRequestObject) (ListIncidentsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.Incidents(ctx, actorOf(ctx), page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(i claims.Incident) string { return i.ID })
	return ListIncidents200JSONResponse{
		Body:    IncidentList{Incidents: each(found, toIncident)},
		Headers: ListIncidents200ResponseHeaders{Link: link},
	}, nil
}

func (s *server) GetIncident(ctx context.Context, r GetIncidentRequestObject) (GetIncidentResponseObject, error) {
	i, err := s.claims.Incident(ctx, actorOf(ctx), r.Incident)
	if err != nil {
		return nil, err
	}
	return GetIncident200JSONResponse{Body: toIncident(i), Headers: GetIncident200ResponseHeaders{ETag: etag(i.Version)}}, nil
}

func (s *server) CreateIncident(ctx context.Context, r CreateIncidentRequestObject) (CreateIncidentResponseObject, error) {
	answer := func(i claims.Incident) CreateIncidentResponseObject {
		return CreateIncident201JSONResponse{Body: toIncident(i), Headers: CreateIncident201ResponseHeaders{
			ETag: etag(i.Version), Location: ptr("/v1/incidents/" + i.ID),
		}}
	}
	in := claims.Incident{
		Name: r.Body.Name, Platform: r.Body.Platform, Zone: r.Body.Zone, Currency: r.Body.Currency,
		StartsAt: r.Body.StartsAt.UTC(), EndsAt: r.Body.EndsAt.UTC(),
		Timestamps: each(r.Body.Timestamps, fromTimestamp), Filing: fromFiling(r.Body.Filing), Services: each(r.Body.Services, fromService),
	}
	if r.Body.Scheme != nil {
		in.Scheme = &claims.SchemeRef{ID: r.Body.Scheme.ID, Version: r.Body.Scheme.Version}
	}
	i, err := s.claims.CreateIncident(ctx, actorOf(ctx), in, reply(ctx, func(i claims.Incident, w http.ResponseWriter) error {
		return answer(i).VisitCreateIncidentResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(i), nil
}

// changeableIncident is the part of an incident that a merge patch changes, in
// the contract's shape.
type changeableIncident struct {
	Name       Text        `json:"name"`
	Platform   string      `json:"platform"`
	StartsAt   time.Time   `json:"starts_at"`
	EndsAt     time.Time   `json:"ends_at"`
	Timestamps []Timestamp `json:"timestamps"`
	Filing     Filing      `json:"filing"`
}

func (s *server) PatchIncident(ctx context.Context, r PatchIncidentRequestObject) (PatchIncidentResponseObject, error) {
	patch, err := rawBody(ctx)
	if err != nil {
		return nil, err
	}
	i, err := s.changeIncident(ctx, r.Incident, r.Params.IfMatch, "incident.changed", func(i *claims.Incident) error {
		shown := toIncident(*i)
		present := changeableIncident{shown.Name, shown.Platform, shown.StartsAt, shown.EndsAt, shown.Timestamps, shown.Filing}
		var wanted changeableIncident
		if err := mergePatch(present, patch, &wanted); err != nil {
			return err
		}
		i.Name, i.Platform, i.StartsAt, i.EndsAt = wanted.Name, wanted.Platform, wanted.StartsAt.UTC(), wanted.EndsAt.UTC()
		i.Timestamps, i.Filing = each(wanted.Timestamps, fromTimestamp), fromFiling(wanted.Filing)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return PatchIncident200JSONResponse{Body: toIncident(i), Headers: PatchIncident200ResponseHeaders{ETag: etag(i.Version)}}, nil
}

func (s *server) PutWindows(ctx context.Context, r PutWindowsRequestObject) (PutWindowsResponseObject, error) {
	i, err := s.changeIncident(ctx, r.Incident, r.Params.IfMatch, "incident.windows_set", func(i *claims.Incident) error {
		i.Services = each(r.Body.Services, fromService)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return PutWindows200JSONResponse{Body: toIncident(i), Headers: PutWindows200ResponseHeaders{ETag: etag(i.Version)}}, nil
}

func (s *server) PutIncidentScheme(ctx context.Context, r PutIncidentSchemeRequestObject) (PutIncidentSchemeResponseObject, error) {
	i, err := s.changeIncident(ctx, r.Incident, r.Params.IfMatch, "incident.scheme_set", func(i *claims.Incident) error {
		i.Scheme = &claims.SchemeRef{ID: r.Body.ID, Version: r.Body.Version}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return PutIncidentScheme200JSONResponse{Body: toIncident(i), Headers: PutIncidentScheme200ResponseHeaders{ETag: etag(i.Version)}}, nil
}

func (s *server) changeIncident(ctx context.Context, id string, match *IfMatch, eventType string, change func(*claims.Incident) error) (claims.Incident, error) {
	version, err := ifMatch(match)
	if err != nil {
		return claims.Incident{}, err
	}
	return s.claims.ChangeIncident(ctx, actorOf(ctx), id, version, eventType, change, claims.Reply[claims.Incident]{})
}

func (s *server) OpenIncident(ctx context.Context, r OpenIncidentRequestObject) (OpenIncidentResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	answer := func(i claims.Incident) OpenIncidentResponseObject {
		return OpenIncident200JSONResponse{Body: toIncident(i), Headers: OpenIncident200ResponseHeaders{ETag: etag(i.Version)}}
	}
	i, err := s.claims.OpenIncident(ctx, actorOf(ctx), r.Incident, version, reply(ctx, func(i claims.Incident, w http.ResponseWriter) error {
		return answer(i).VisitOpenIncidentResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(i), nil
}

func (s *server) CloseIncident(ctx context.Context, r CloseIncidentRequestObject) (CloseIncidentResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	answer := func(i claims.Incident) CloseIncidentResponseObject {
		return CloseIncident200JSONResponse{Body: toIncident(i), Headers: CloseIncident200ResponseHeaders{ETag: etag(i.Version)}}
	}
	i, err := s.claims.CloseIncident(ctx, actorOf(ctx), r.Incident, version, reply(ctx, func(i claims.Incident, w http.ResponseWriter) error {
		return answer(i).VisitCloseIncidentResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(i), nil
}

func toIncident(i claims.Incident) Incident {
	out := Incident{
		ID: i.ID, Name: i.Name, Platform: i.Platform, State: IncidentState(i.State), Zone: i.Zone, Currency: i.Currency,
		StartsAt: i.StartsAt, EndsAt: i.EndsAt, Version: int(i.Version), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		Timestamps: each(i.Timestamps, toTimestamp), Services: each(i.Services, toService),
		Filing: Filing{OpensAt: i.Filing.OpensAt, ClosesAt: i.Filing.ClosesAt, LateUntil: i.Filing.LateUntil},
	}
	if i.Scheme != nil {
		out.Scheme = &SchemeRef{ID: i.Scheme.ID, Version: i.Scheme.Version}
	}
	return out
}

func toTimestamp(t claims.Timestamp) Timestamp {
	return Timestamp{Kind: TimestampKind(t.Kind), At: t.At, Source: t.Source, Note: optional(t.Note)}
}

func fromTimestamp(t Timestamp) claims.Timestamp {
	return claims.Timestamp{Kind: string(t.Kind), At: t.At.UTC(), Source: t.Source, Note: value(t.Note)}
}

func fromFiling(f Filing) claims.Filing {
	out := claims.Filing{OpensAt: f.OpensAt.UTC(), ClosesAt: f.ClosesAt.UTC()}
	if f.LateUntil != nil {
		out.LateUntil = ptr(f.LateUntil.UTC())
	}
	return out
}

func toService(p claims.PlatformService) Service {
	return Service{Code: p.Code, Kind: ServiceKind(p.Kind), Name: p.Name, Windows: each(p.Windows, func(w claims.ImpairmentWindow) Window {
		return Window{Start: w.Start, End: w.End, DownBasisPoints: w.DownBasisPoints, Note: optional(w.Note)}
	})}
}

func fromService(p Service) claims.PlatformService {
	return claims.PlatformService{Code: p.Code, Kind: string(p.Kind), Name: p.Name, Windows: each(p.Windows, func(w Window) claims.ImpairmentWindow {
		return claims.ImpairmentWindow{Start: w.Start.UTC(), End: w.End.UTC(), DownBasisPoints: w.DownBasisPoints, Note: value(w.Note)}
	})}
}

func (s *server) ListSchemes(ctx context.Context, r ListSchemesRequestObject) (ListSchemesResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	var after *claims.SchemeRef
	if page.After != "" {
		id, version, _ := strings.Cut(page.After, "/")
		n, err := strconv.Atoi(version)
		if err != nil {
			return nil, fault.InvalidFields([]fault.Field{fault.At("query:cursor", "cursor_invalid",
				"is not a cursor of this list; follow the Link header.", "이 목록의 커서가 아닙니다. Link 헤더를 따라가십시오.")})
		}
		after = &claims.SchemeRef{ID: id, Version: n}
	}
	found, err := s.claims.Schemes(ctx, after, page.Limit)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(v claims.SchemeVersion) string { return v.ID + "/" + strconv.Itoa(v.Version) })
	return ListSchemes200JSONResponse{
		Body:    SchemeList{Schemes: each(found, toSchemeVersion)},
		Headers: ListSchemes200ResponseHeaders{Link: link},
	}, nil
}

func (s *server) CreateScheme(ctx context.Context, _ CreateSchemeRequestObject) (CreateSchemeResponseObject, error) {
	answer := func(v claims.SchemeVersion) CreateSchemeResponseObject {
		return CreateScheme201JSONResponse{Body: toSchemeVersion(v), Headers: CreateScheme201ResponseHeaders{
			Location: ptr("/v1/schemes/" + v.ID + "/versions/" + strconv.Itoa(v.Version)),
		}}
	}
	// The exact bytes are kept and hashed, so nothing is decoded in between.
	document, err := rawBody(ctx)
	if err != nil {
		return nil, err
	}
	v, err := s.claims.PublishScheme(ctx, actorOf(ctx), document, reply(ctx, func(v claims.SchemeVersion, w http.ResponseWriter) error {
		return answer(v).VisitCreateSchemeResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(v), nil
}

func (s *server) GetScheme(ctx context.Context, r GetSchemeRequestObject) (GetSchemeResponseObject, error) {
	v, err := s.claims.Scheme(ctx, r.Scheme, 0)
	return stored{body: v.Bytes, hash: v.Hash}, err
}

func (s *server) GetSchemeVersion(ctx context.Context, r GetSchemeVersionRequestObject) (GetSchemeVersionResponseObject, error) {
	v, err := s.claims.Scheme(ctx, r.Scheme, r.Version)
	return stored{body: v.Bytes, hash: v.Hash}, err
}

func toSchemeVersion(v claims.SchemeVersion) SchemeVersion {
	return SchemeVersion{ID: v.ID, Version: v.Version, Title: v.Title, Hash: v.Hash, CreatedAt: v.CreatedAt}
}

// stored answers a document byte for byte as it is stored, tagged by its hash.
type stored struct {
	body []byte
	hash string
}

func (d stored) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", `"`+d.hash+`"`)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(d.body)
	return err
}

func (d stored) VisitGetSchemeResponse(w http.ResponseWriter) error              { return d.write(w) }
func (d stored) VisitGetSchemeVersionResponse(w http.ResponseWriter) error       { return d.write(w) }
func (d stored) VisitGetClaimEstimateResponse(w http.ResponseWriter) error       { return d.write(w) }
func (d stored) VisitGetClaimEstimateNumberResponse(w http.ResponseWriter) error { return d.write(w) }
func (d stored) VisitGetPolicyVersionResponse(w http.ResponseWriter) error       { return d.write(w) }
func (d stored) VisitGetReasonsVersionResponse(w http.ResponseWriter) error      { return d.write(w) }

// rawBody is the JSON body exactly as it was sent.
func rawBody(ctx context.Context) (json.RawMessage, error) {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return nil, fault.New(fault.Malformed, "body_required", "This needs a JSON body.", "JSON 본문이 필요합니다.")
	}
	return bodyOf(c), nil
}

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

// optional leaves the empty text out; value reads it back.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

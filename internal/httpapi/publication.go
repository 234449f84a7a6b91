package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/publication"
)

func (s *server) GetTotals(ctx context.Context, r GetTotalsRequestObject) (GetTotalsResponseObject, error) {
	by := each(r.Params.By, func(d Dimension) publication.Dimension { return publication.Dimension(d) })
	t, err := s.claims.Totals(ctx, actorOf(ctx), r.Incident, by, value(r.Params.Release))
	if err != nil {
		return nil, err
	}
	state, err := s.logState(ctx, t.Release.EntryID)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(Totals{
		Release: t.Release.Number, Snapshot: t.Release.Snapshot, At: t.Said.At, Root: t.Said.Root.String(), Hash: t.Release.Hash,
		Currency: t.Said.Currency, Rule: t.Said.Rule, Measures: t.Said.Measures, Restatements: t.Restatements, Definitions: t.Definitions,
		Log: state, Receipt: releasePlace(t.Release) + "/receipt",
	})
	if err != nil {
		return nil, fmt.Errorf("write the totals of incident %s: %w", r.Incident, err)
	}
	// The tag covers restatements and the state of the log, which change while the
	// release does not.
	out := shared{stored: stored{body: body, hash: hexHash(body)}, cache: forAMinute}
	if held := r.Params.IfNoneMatch; held != nil && strings.TrimPrefix(*held, "W/") == `"`+out.hash+`"` {
		return GetTotals304Response{}, nil
	}
	return out, nil
}

// logState says who vouches for an entry that is published.
func (s *server) logState(ctx context.Context, entryID string) (LogState, error) {
	state := LogState{State: LogStateStateWaiting, Witnesses: []string{}}
	text, err := s.claims.PublicReceipt(ctx, actorOf(ctx), entryID)
	if f := fault.As(err); f != nil && f.Kind == fault.Conflict {
		return state, nil
	}
	if err != nil {
		return LogState{}, err
	}
	proven, err := auditlog.VerifyReceipt(text, s.logKeys)
	if err != nil {
		return LogState{}, fmt.Errorf("the log's own receipt of entry %s: %w", entryID, err)
	}
	state.State = LogStateState(proven.Checkpoint.State())
	for _, c := range proven.Checkpoint.Cosignatures {
		state.Witnesses = append(state.Witnesses, c.Witness)
	}
	return state, nil
}

func (s *server) ListReleases(ctx context.Context, r ListReleasesRequestObject) (ListReleasesResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.Releases(ctx, actorOf(ctx), r.Incident, page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(r claims.Release) string { return strconv.Itoa(r.Number) })
	return ListReleases200JSONResponse{Body: ReleaseList{Releases: each(found, toRelease)}, Headers: ListReleases200ResponseHeaders{Link: link}}, nil
}

func (s *server) CreateRelease(ctx context.Context, r CreateReleaseRequestObject) (CreateReleaseResponseObject, error) {
	answer := func(r claims.Release) CreateReleaseResponseObject {
		return CreateRelease201JSONResponse{Body: toRelease(r), Headers: CreateRelease201ResponseHeaders{Location: ptr(releasePlace(r))}}
	}
	made, err := s.claims.ReleaseTotals(ctx, actorOf(ctx), r.Incident, r.Body.Snapshot, reply(ctx, func(r claims.Release, w http.ResponseWriter) error {
		return answer(r).VisitCreateReleaseResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(made), nil
}

func (s *server) GetRelease(ctx context.Context, r GetReleaseRequestObject) (GetReleaseResponseObject, error) {
	release, err := s.claims.ReleaseOf(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return figures(ctx, fmt.Sprintf("release-%d", release.Number), release.Bytes, release.Read)
}

func (s *server) GetReleaseStatistics(ctx context.Context, r GetReleaseStatisticsRequestObject) (GetReleaseStatisticsResponseObject, error) {
	release, document, err := s.claims.ReleasedStatistics(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return figures(ctx, fmt.Sprintf("statistics-%d", release.Number), document, func() (read publication.Statistics, err error) {
		if err = json.Unmarshal(document, &read); err != nil {
			err = fmt.Errorf("read the statistics of release %d of incident %s: %w", release.Number, r.Incident, err)
		}
		return read, err
	})
}

func (s *server) GetReleaseReceipt(ctx context.Context, r GetReleaseReceiptRequestObject) (GetReleaseReceiptResponseObject, error) {
	release, err := s.claims.ReleaseOf(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return s.publicReceipt(ctx, fmt.Sprintf("release-%d", release.Number), release.EntryID)
}

func toRelease(r claims.Release) Release {
	return Release{Number: r.Number, Snapshot: r.Snapshot, Hash: r.Hash, ReleasedAt: r.ReleasedAt, Receipt: releasePlace(r) + "/receipt"}
}

func releasePlace(r claims.Release) string {
	return fmt.Sprintf("/v1/incidents/%s/releases/%d", r.IncidentID, r.Number)
}

func (s *server) ListRestatements(ctx context.Context, r ListRestatementsRequestObject) (ListRestatementsResponseObject, error) {
	found, err := s.claims.Restatements(ctx, actorOf(ctx), r.Incident)
	if err != nil {
		return nil, err
	}
	list := RestatementList{Restatements: make([]Restatement, len(found))}
	for i, made := range found {
		if list.Restatements[i], err = toRestatement(made); err != nil {
			return nil, err
		}
	}
	return ListRestatements200JSONResponse(list), nil
}

func (s *server) CreateRestatement(ctx context.Context, r CreateRestatementRequestObject) (CreateRestatementResponseObject, error) {
	answer := func(made claims.Restatement) (CreateRestatementResponseObject, error) {
		body, err := toRestatement(made)
		return CreateRestatement201JSONResponse{Body: body, Headers: CreateRestatement201ResponseHeaders{Location: ptr(restatementPlace(made))}}, err
	}
	draft := claims.RestatementDraft{Release: r.Body.Release, Measure: publication.Measure(r.Body.Measure), Reason: r.Body.Reason}
	made, err := s.claims.Restate(ctx, actorOf(ctx), r.Incident, draft, reply(ctx, func(made claims.Restatement, w http.ResponseWriter) error {
		out, err := answer(made)
		if err != nil {
			return err
		}
		return out.VisitCreateRestatementResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(made)
}

func (s *server) GetRestatement(ctx context.Context, r GetRestatementRequestObject) (GetRestatementResponseObject, error) {
	made, err := s.restatement(ctx, r.Incident, r.N)
	return shared{stored: stored{body: made.Bytes, hash: hexHash(made.Bytes)}, cache: forEver}, err
}

func (s *server) GetRestatementReceipt(ctx context.Context, r GetRestatementReceiptRequestObject) (GetRestatementReceiptResponseObject, error) {
	made, err := s.restatement(ctx, r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return s.publicReceipt(ctx, fmt.Sprintf("restatement-%d", made.Number), made.EntryID)
}

// restatement finds one of the few restatements of an incident.
func (s *server) restatement(ctx context.Context, incidentID string, n int) (claims.Restatement, error) {
	all, err := s.claims.Restatements(ctx, actorOf(ctx), incidentID)
	if err != nil {
		return claims.Restatement{}, err
	}
	if n > len(all) {
		return claims.Restatement{}, claims.NotFound("restatement", strconv.Itoa(n))
	}
	return all[n-1], nil
}

func toRestatement(r claims.Restatement) (Restatement, error) {
	figure, err := r.Read()
	return Restatement{Number: r.Number, Figure: figure, Hash: hexHash(r.Bytes), MadeAt: r.MadeAt, Receipt: restatementPlace(r) + "/receipt"}, err
}

func restatementPlace(r claims.Restatement) string {
	return fmt.Sprintf("/v1/incidents/%s/restatements/%d", r.IncidentID, r.Number)
}

func (s *server) GetDisclosureRule(ctx context.Context, _ GetDisclosureRuleRequestObject) (GetDisclosureRuleResponseObject, error) {
	book, err := s.claims.DisclosureRule(ctx, 0)
	if err != nil {
		return nil, err
	}
	return GetDisclosureRule200JSONResponse{Body: toRulebook(book), Headers: GetDisclosureRule200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) GetDisclosureRuleVersion(ctx context.Context, r GetDisclosureRuleVersionRequestObject) (GetDisclosureRuleVersionResponseObject, error) {
	book, err := s.claims.DisclosureRule(ctx, r.Version)
	return stored{body: book.Bytes, hash: book.Hash}, err
}

func (s *server) PutDisclosureRule(ctx context.Context, r PutDisclosureRuleRequestObject) (PutDisclosureRuleResponseObject, error) {
	book, err := publish(ctx, r.Params.IfMatch, s.claims.PublishDisclosureRule)
	if err != nil {
		return nil, err
	}
	return PutDisclosureRule200JSONResponse{Body: toRulebook(book), Headers: PutDisclosureRule200ResponseHeaders{ETag: etag(int64(book.Version))}}, nil
}

func (s *server) GetDisclosureRuleReceipt(ctx context.Context, r GetDisclosureRuleReceiptRequestObject) (GetDisclosureRuleReceiptResponseObject, error) {
	if _, err := s.claims.DisclosureRule(ctx, r.Version); err != nil {
		return nil, err
	}
	text, err := s.claims.RulebookReceipt(ctx, claims.DisclosureBook, r.Version)
	return receiptFile(fmt.Sprintf("disclosure-rule-%d", r.Version), text), err
}

func (s *server) GetSchemeReceipt(ctx context.Context, r GetSchemeReceiptRequestObject) (GetSchemeReceiptResponseObject, error) {
	ref := claims.SchemeRef{ID: r.Scheme, Version: r.Version}
	if _, err := s.claims.Scheme(ctx, ref.ID, ref.Version); err != nil {
		return nil, err
	}
	text, err := s.claims.SchemeReceipt(ctx, ref)
	return receiptFile(fmt.Sprintf("%s-%d", ref.ID, ref.Version), text), err
}

// publicReceipt answers the receipt of an entry that anybody may open.
func (s *server) publicReceipt(ctx context.Context, name, entryID string) (download, error) {
	text, err := s.claims.PublicReceipt(ctx, actorOf(ctx), entryID)
	return receiptFile(name, text), err
}

func receiptFile(name string, text []byte) download {
	digest := sha256.Sum256(text)
	return download{
		mediaType: "text/plain; charset=utf-8", name: name + ".tlog-proof", size: int64(len(text)), digest: digest[:],
		body: io.NopCloser(bytes.NewReader(text)),
	}
}

func (d download) VisitGetReleaseReceiptResponse(w http.ResponseWriter) error     { return d.write(w) }
func (d download) VisitGetRestatementReceiptResponse(w http.ResponseWriter) error { return d.write(w) }
func (d download) VisitGetSnapshotReceiptResponse(w http.ResponseWriter) error    { return d.write(w) }
func (d download) VisitGetDisclosureRuleReceiptResponse(w http.ResponseWriter) error {
	return d.write(w)
}
func (d download) VisitGetSchemeReceiptResponse(w http.ResponseWriter) error { return d.write(w) }

// How long anybody may keep what is public: the newest totals for a minute, what
// was released for ever.
const (
	forAMinute = "public, max-age=60"
	forEver    = "public, max-age=31536000, immutable"
)

// shared is a document that anybody may keep.
type shared struct {
	stored
	cache string
}

func (d shared) write(w http.ResponseWriter) error {
	share(w, d.cache)
	return d.stored.write(w)
}

func share(w http.ResponseWriter, cache string) {
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Vary", "Accept, Accept-Language")
}

func (d shared) VisitGetTotalsResponse(w http.ResponseWriter) error            { return d.write(w) }
func (d shared) VisitGetReleaseResponse(w http.ResponseWriter) error           { return d.write(w) }
func (d shared) VisitGetReleaseStatisticsResponse(w http.ResponseWriter) error { return d.write(w) }
func (d shared) VisitGetRestatementResponse(w http.ResponseWriter) error       { return d.write(w) }

func (d stored) VisitGetDisclosureRuleVersionResponse(w http.ResponseWriter) error { return d.write(w) }

// sharedFile is a file that anybody may keep.
type sharedFile struct{ download }

func (d sharedFile) write(w http.ResponseWriter) error {
	share(w, forEver)
	return d.download.write(w)
}

func (d sharedFile) VisitGetReleaseResponse(w http.ResponseWriter) error           { return d.write(w) }
func (d sharedFile) VisitGetReleaseStatisticsResponse(w http.ResponseWriter) error { return d.write(w) }

// tabular is what writes itself as text and as a workbook.
type tabular interface {
	WriteCSV(w io.Writer, tag lang.Tag) error
	WriteXLSX(w io.Writer, tag lang.Tag) error
}

const (
	csvType  = "text/csv"
	xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// releasedFigures are answered as JSON or as a file.
type releasedFigures interface {
	GetReleaseResponseObject
	GetReleaseStatisticsResponseObject
}

// figures answers released bytes as they are, or what read makes of them in
// another format.
func figures[T tabular](ctx context.Context, name string, document []byte, read func() (T, error)) (releasedFigures, error) {
	mediaType := prefers(ctx, "application/json", csvType, xlsxType)
	if mediaType == "application/json" {
		return shared{stored: stored{body: document, hash: hexHash(document)}, cache: forEver}, nil
	}
	said, err := read()
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	ending, write := ".xlsx", said.WriteXLSX
	if mediaType == csvType {
		mediaType, ending, write = csvType+"; charset=utf-8", ".csv", said.WriteCSV
	}
	if err := write(&file, languageOf(ctx)); err != nil {
		return nil, err
	}
	out, err := inMemory(mediaType, name+ending, file.Bytes(), hexHash(file.Bytes()))
	return sharedFile{out}, err
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

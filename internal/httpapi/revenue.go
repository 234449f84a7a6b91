package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"redress/internal/baseline"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

var formats = map[string]revenue.Format{
	"text/csv": revenue.CSV, "application/x-ndjson": revenue.NDJSON, "application/json": revenue.JSON,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": revenue.XLSX,
}

// putRevenue reads a file while it arrives. It is not generated: its body is a
// stream in every format, JSON too, so that rows are refused one by one.
func (s *server) putRevenue(c *gin.Context) {
	upload, err := s.upload(c)
	if err != nil {
		s.refuse(c, err)
		return
	}
	c.JSON(http.StatusOK, upload)
}

func (s *server) upload(c *gin.Context) (RevenueUpload, error) {
	ctx, actor := c.Request.Context(), actorOf(c.Request.Context())
	id, err := claimantID(ctx, c.Param("claimant"))
	if err != nil {
		return RevenueUpload{}, err
	}
	outlet := c.DefaultQuery("outlet", defaultOutlet)
	claimant, source, err := s.claims.PrepareUpload(ctx, actor, id, outlet)
	if err != nil {
		return RevenueUpload{}, err
	}
	options, err := readOptions(c, claimant.Zone, claimant.Currency, s.now())
	if err != nil {
		return RevenueUpload{}, err
	}
	report, err := revenue.Read(c.Request.Body, options)
	if err != nil {
		return RevenueUpload{}, err
	}
	body, err := readReport(report)
	if err != nil {
		return RevenueUpload{}, err
	}
	out := RevenueUpload{Source: RevenueSource(source), Report: body}
	// The contract has checked that it is a boolean, in any of the forms of one.
	if dry, _ := strconv.ParseBool(c.Query("dry_run")); dry {
		return out, nil
	}
	summary, err := json.Marshal(report.Summary)
	if err != nil {
		return RevenueUpload{}, fmt.Errorf("write the summary: %w", err)
	}
	stored, err := s.claims.Upload(ctx, actor, claims.Upload{
		ClaimantID: id, Outlet: outlet, Service: c.Param("service"), Source: source, Summary: summary,
	}, report.History)
	if err != nil {
		return RevenueUpload{}, err
	}
	out.Stored, out.UploadID = true, &stored.ID
	return out, nil
}

// readOptions reads the query of an upload; the contract has checked its shape.
func readOptions(c *gin.Context, zoneName, currencyCode string, now time.Time) (revenue.Options, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return revenue.Options{}, fmt.Errorf("zone %s: %w", zoneName, err)
	}
	currency, err := money.ParseCurrency(currencyCode)
	if err != nil {
		return revenue.Options{}, err
	}
	mediaType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil {
		return revenue.Options{}, fmt.Errorf("media type: %w", err)
	}
	if c.Query("amounts") == "minor" {
		currency.Digits = 0 // as written, they are whole minor units
	}
	o := revenue.Options{
		Format: formats[mediaType], Zone: zone, Currency: currency, Kind: revenue.Kind(c.Query("kind")), Sheet: c.Query("sheet"),
		NotAfter: revenue.LocalOf(now, zone), Delimiter: map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t'}[c.Query("delimiter")],
		Limits: revenue.Limits{Bytes: maxFile},
	}
	if text := c.Query("bucket_minutes"); text != "" {
		if o.BucketMinutes, err = strconv.Atoi(text); err != nil {
			return revenue.Options{}, fmt.Errorf("bucket_minutes: %w", err)
		}
	}
	if text := c.Query("open_hours"); text != "" {
		if o.Hours, err = revenue.ParseHours(text); err != nil {
			return revenue.Options{}, fault.InvalidFields([]fault.Field{fault.At("query:open_hours", "wrong_format",
				"%q cannot be read; write for example mon-fri 10:00-20:00, sat 10:00-15:00.", "%q을(를) 읽을 수 없습니다. 예: mon-fri 10:00-20:00, sat 10:00-15:00.", text)})
		}
	}
	for _, day := range strings.FieldsFunc(c.Query("closed_days"), func(r rune) bool { return r == ',' || r == ' ' }) {
		start, err := revenue.ParseLocal(day + "T00:00")
		if err != nil {
			return revenue.Options{}, fault.InvalidFields([]fault.Field{fault.At("query:closed_days", "wrong_format",
				"%q is not a day such as 2022-09-09.", "%q은(는) 2022-09-09 같은 날짜가 아닙니다.", day)})
		}
		o.Closed = append(o.Closed, revenue.Span{Start: start, End: start + revenue.Day})
	}
	return o, nil
}

func readReport(r revenue.Report) (ReadReport, error) {
	problems := r.Problems
	if problems == nil {
		problems = []revenue.Problem{}
	}
	body, err := json.Marshal(struct {
		Summary         revenue.Summary   `json:"summary"`
		Problems        []revenue.Problem `json:"problems"`
		ProblemsOmitted int               `json:"problems_omitted"`
	}{r.Summary, problems, r.ProblemsOmitted})
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return body, nil
}

func (s *server) GetRevenue(ctx context.Context, r GetRevenueRequestObject) (GetRevenueResponseObject, error) {
	id, err := claimantID(ctx, r.Claimant)
	if err != nil {
		return nil, err
	}
	outlet := defaultOutlet
	if r.Params.Outlet != nil {
		outlet = *r.Params.Outlet
	}
	uploads, err := s.claims.Uploads(ctx, actorOf(ctx), id, outlet, r.Service)
	if err != nil {
		return nil, err
	}
	return GetRevenue200JSONResponse(RevenueState{Uploads: each(uploads, func(u claims.Upload) CurrentUpload {
		return CurrentUpload{UploadID: u.ID, Source: RevenueSource(u.Source), Digest: u.Digest, UploadedAt: u.UploadedAt, Summary: u.Summary}
	})}), nil
}

// Estimate answers from the history it is given and stores nothing.
func (s *server) Estimate(_ context.Context, r EstimateRequestObject) (EstimateResponseObject, error) {
	q, err := estimateQuestion(r)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(q.zone)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", q.zone, err)
	}
	currency, err := money.ParseCurrency(q.currency)
	if err != nil {
		return nil, err
	}
	options := revenue.Options{
		Format: q.format, Zone: zone, Currency: currency, BucketMinutes: q.bucketMinutes,
		NotAfter: revenue.LocalOf(s.now(), zone), Limits: revenue.Limits{Bytes: maxFile},
	}
	report, err := revenue.Read(q.history, options)
	if err != nil {
		return nil, err
	}
	in := baseline.Input{
		Currency: currency, History: report.History, Declared: q.declared, Evidence: baseline.Evidence{Country: claims.CountryOf(q.zone)},
	}
	if q.useAfter {
		in.Evidence.AfterMinutes = claims.AfterMinutes
	}
	for _, w := range q.windows {
		span := revenue.Span{Start: revenue.LocalOf(w.Start, zone), End: revenue.LocalOf(w.End, zone)}
		in.Windows = append(in.Windows, baseline.Window{Span: span, DownBasisPoints: w.DownBasisPoints})
	}
	result, err := baseline.Estimate(in)
	if err != nil {
		return nil, fault.Under(q.pointers, err)
	}
	answered, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("write the estimate: %w", err)
	}
	history, err := readReport(report)
	if err != nil {
		return nil, err
	}
	return Estimate200JSONResponse(StatelessEstimate{Currency: q.currency, Zone: q.zone, History: history, Baseline: answered}), nil
}

// question is a stateless estimate, however it was asked.
type question struct {
	currency, zone string
	bucketMinutes  int
	declared       *money.Minor
	useAfter       bool
	windows        []Window
	history        io.Reader
	format         revenue.Format
	pointers       string // what pointers into the question begin with
}

func estimateQuestion(r EstimateRequestObject) (question, error) {
	if b := r.JSONBody; b != nil {
		history, err := json.Marshal(b.History)
		if err != nil {
			return question{}, fmt.Errorf("write the history: %w", err)
		}
		return question{
			currency: b.Currency, zone: b.Zone, bucketMinutes: int(value(b.BucketMinutes)), declared: b.DeclaredActual,
			useAfter: b.UseAfter == nil || *b.UseAfter, windows: b.Windows, history: bytes.NewReader(history), format: revenue.JSON, pointers: "#",
		}, nil
	}
	p := r.Params
	q := question{
		currency: value(p.Currency), zone: value(p.Zone), bucketMinutes: int(value(p.BucketMinutes)), declared: p.DeclaredActual,
		useAfter: p.UseAfter == nil || *p.UseAfter, history: r.Body, format: revenue.CSV, pointers: "query:",
	}
	var fields []fault.Field
	for name, text := range map[string]string{"currency": q.currency, "zone": q.zone} {
		if text == "" {
			fields = append(fields, fault.At("query:"+name, "required", "is required with a CSV history.", "CSV 이력에는 반드시 필요합니다."))
		}
	}
	windows, problem := parseWindows(value(p.Windows))
	if problem != nil {
		fields = append(fields, fault.Field{Pointer: "query:windows", Code: "wrong_format", Detail: lang.F(
			"%s; write start/end, RFC 3339 with offset, for example 2022-10-15T15:30:00+09:00/2022-10-16T14:30:00+09:00 (with + written %%2B in a URL).",
			"%s RFC 3339 시각으로 시작/끝을 적으십시오. 예: 2022-10-15T15:30:00+09:00/2022-10-16T14:30:00+09:00 (URL에서는 +를 %%2B로).", *problem)})
	}
	q.windows = windows
	return q, fault.InvalidFields(fields)
}

// parseWindows reads "start/end[@basis_points]" intervals separated by commas;
// what is wrong comes back in words.
func parseWindows(text string) ([]Window, *lang.Text) {
	wrong := func(en, ko string, args ...any) ([]Window, *lang.Text) {
		return nil, ptr(lang.F(en, ko, args...))
	}
	if text == "" {
		return wrong("at least one window is required", "구간이 하나 이상 필요합니다.")
	}
	var windows []Window
	for part := range strings.SplitSeq(text, ",") {
		interval, share, hasShare := strings.Cut(strings.TrimSpace(part), "@")
		start, end, ok := strings.Cut(interval, "/")
		if !ok {
			return wrong("%q has no /", "%q에 /가 없습니다.", part)
		}
		w := Window{DownBasisPoints: 10000}
		var err error
		if w.Start, err = time.Parse(time.RFC3339, start); err != nil {
			return wrong("%q is not a time", "%q은(는) 시각이 아닙니다.", start)
		}
		if w.End, err = time.Parse(time.RFC3339, end); err != nil {
			return wrong("%q is not a time", "%q은(는) 시각이 아닙니다.", end)
		}
		if hasShare {
			if w.DownBasisPoints, err = strconv.Atoi(share); err != nil || w.DownBasisPoints < 1 || w.DownBasisPoints > 10000 {
				return wrong("%q is not a share of 1 to 10000 basis points", "%q은(는) 1~10000 베이시스 포인트가 아닙니다.", share)
			}
		}
		windows = append(windows, w)
	}
	return windows, nil
}

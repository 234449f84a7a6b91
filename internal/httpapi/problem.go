package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/lang"
)

// statuses is the one place where a kind of fault becomes a status, and its
// title the same for every problem of the kind.
var statuses = map[fault.Kind]struct {
	status int
	title  lang.Text
}{
	fault.Malformed:       {http.StatusBadRequest, lang.T("The request cannot be read", "요청을 읽을 수 없습니다")},
	fault.Unauthenticated: {http.StatusUnauthorized, lang.T("A valid key is needed", "유효한 키가 필요합니다")},
	fault.Forbidden:       {http.StatusForbidden, lang.T("This key may not do that", "이 키로는 할 수 없습니다")},
	fault.NotFound:        {http.StatusNotFound, lang.T("Not found", "찾을 수 없습니다")},
	fault.Conflict:        {http.StatusConflict, lang.T("The present state does not allow it", "현재 상태에서는 할 수 없습니다")},
	fault.Stale:           {http.StatusPreconditionFailed, lang.T("Changed meanwhile", "그 사이 바뀌었습니다")},
	fault.Precondition:    {http.StatusPreconditionRequired, lang.T("State the version you are changing", "변경할 버전을 밝혀야 합니다")},
	fault.TooLarge:        {http.StatusRequestEntityTooLarge, lang.T("Too large", "너무 큽니다")},
	fault.Unsupported:     {http.StatusUnsupportedMediaType, lang.T("Media type not supported", "지원하지 않는 형식입니다")},
	fault.Invalid:         {http.StatusUnprocessableEntity, lang.T("Not acceptable as it stands", "이대로는 받아들일 수 없습니다")},
	fault.Limited:         {http.StatusTooManyRequests, lang.T("Too many requests", "요청이 너무 많습니다")},
	fault.Unavailable:     {http.StatusServiceUnavailable, lang.T("Try again later", "잠시 후 다시 시도하십시오")},
}

var internalTitle = lang.T("An error on our side", "서버 오류가 발생했습니다")

// refuse ends the request with a problem document. A replayed answer is not a
// refusal: it is written as it was kept. Whatever is not a fault is logged and
// answered without detail, which might hold what nobody should read.
func (s *server) refuse(c *gin.Context, err error) {
	c.Abort()
	if c.Writer.Written() {
		// What has begun to arrive must not look whole.
		s.log.ErrorContext(c.Request.Context(), "answer cut off", slog.String("request_id", requestID(c)), slog.String("error", err.Error()))
		panic(http.ErrAbortHandler)
	}
	var replay *claims.Replay
	if errors.As(err, &replay) {
		writeAnswer(c, replay.Answer)
		return
	}
	tag := lang.Match(c.GetHeader("Accept-Language"))
	p := Problem{Instance: ptr("urn:uuid:" + requestID(c))}
	var tooLarge *http.MaxBytesError
	f := fault.As(err)
	if f == nil && errors.As(err, &tooLarge) {
		f = bodyTooLarge(tooLarge.Limit)
	}
	if f == nil {
		s.log.ErrorContext(c.Request.Context(), "request failed", slog.String("request_id", requestID(c)), slog.String("error", err.Error()))
		p.Type, p.Code, p.Title, p.Status = "/problems/internal", "internal", internalTitle.In(tag), http.StatusInternalServerError
		writeProblem(c, p)
		return
	}
	if f.Cause != nil {
		s.log.WarnContext(c.Request.Context(), "request refused", slog.String("request_id", requestID(c)),
			slog.String("code", f.Code), slog.String("cause", f.Cause.Error()))
	}
	instance := p.Instance
	p = problemOf(f, tag)
	p.Instance = instance
	if f.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
	}
	if f.Kind == fault.Unauthenticated {
		c.Header("WWW-Authenticate", "Bearer")
	}
	writeProblem(c, p)
}

// problemOf writes a fault as a problem of no request yet.
func problemOf(f *fault.Error, tag lang.Tag) Problem {
	known := statuses[f.Kind]
	return Problem{
		Type: "/problems/" + f.Code, Code: f.Code, Title: known.title.In(tag), Status: known.status,
		Detail: ptr(f.Detail.In(tag)), Errors: fieldProblems(f.Fields, tag),
	}
}

// within moves what points into a document to the place in the body where the
// document lies.
func within(place string, f *fault.Error) *fault.Error {
	moved := *f
	moved.Fields = make([]fault.Field, len(f.Fields))
	for i, field := range f.Fields {
		field.Pointer = place + strings.TrimPrefix(field.Pointer, "#")
		moved.Fields[i] = field
	}
	return &moved
}

func fieldProblems(fields []fault.Field, tag lang.Tag) []FieldProblem {
	out := make([]FieldProblem, len(fields))
	for i, f := range fields {
		pointer := f.Pointer
		// Readers of whole documents point into them without naming the body.
		if pointer == "" || pointer[0] == '/' {
			pointer = "#" + pointer
		}
		out[i] = FieldProblem{Pointer: pointer, Code: f.Code, Detail: f.Detail.In(tag)}
	}
	return out
}

func writeProblem(c *gin.Context, p Problem) {
	body, err := json.Marshal(p)
	if err != nil { // strings and integers always encode
		panic(err)
	}
	c.Data(p.Status, "application/problem+json", body)
}

// writeJSON writes an answer that is not a refusal.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}

var unroutedTexts = map[int]struct{ title, detail lang.Text }{
	http.StatusNotFound: {lang.T("Not found", "찾을 수 없습니다"), lang.T("The contract has no such path; see /docs.", "그런 경로는 없습니다. /docs를 보십시오.")},
	http.StatusMethodNotAllowed: {
		lang.T("Method not allowed", "쓸 수 없는 메서드입니다"),
		lang.T("The contract has this path, but not with this method; see /docs.", "이 경로에 그런 메서드는 없습니다. /docs를 보십시오."),
	},
}

// unrouted answers paths and methods that the contract does not have.
func unrouted(status int) gin.HandlerFunc {
	return func(c *gin.Context) {
		tag, texts := lang.Match(c.GetHeader("Accept-Language")), unroutedTexts[status]
		writeProblem(c, Problem{
			Type: "about:blank", Title: texts.title.In(tag), Status: status, Code: "not_in_contract",
			Detail: ptr(texts.detail.In(tag)), Instance: ptr("urn:uuid:" + requestID(c)),
		})
	}
}

func bodyTooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "body_too_large",
		"The body is larger than the %d bytes that this takes.", "본문이 한도(%d바이트)를 넘습니다.", limit)
}

func ptr[T any](v T) *T { return &v }

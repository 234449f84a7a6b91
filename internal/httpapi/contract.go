package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"redress/internal/fault"
)

// The largest bodies that are taken, in bytes: documents and files.
const (
	maxDocument = 1 << 20
	maxHistory  = 16 << 20 // a history as JSON, in the stateless estimate
	maxFile     = 64 << 20
)

// contract is the document that requests are checked against.
type contract struct {
	document *openapi3.T
	text     []byte
	routes   map[string]*routers.Route // by method and gin's pattern
}

func loadContract(text []byte) (*contract, error) {
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the contract: %w", err)
	}
	c := &contract{document: document, text: text, routes: map[string]*routers.Route{}}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			c.routes[method+" "+ginPattern(path)] = &routers.Route{
				Spec: document, Server: document.Servers[0], Path: path, PathItem: item, Method: method, Operation: operation,
			}
		}
	}
	return c, nil
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// ginPattern writes a path of the contract as gin does.
func ginPattern(path string) string { return pathParameter.ReplaceAllString(path, ":$1") }

func (c *contract) route(g *gin.Context) *routers.Route {
	return c.routes[g.Request.Method+" "+g.FullPath()]
}

// bodyKey is where the bytes of a JSON body are kept: they are hashed for
// idempotency, merged as a patch, and stored as posted.
const bodyKey = "body"

func bodyOf(g *gin.Context) []byte {
	b, _ := g.Get(bodyKey)
	body, _ := b.([]byte)
	return body
}

// check refuses whatever the contract does not allow: media type, size, shape,
// unknown fields. Files are streams and are checked by their readers.
func (s *server) check(g *gin.Context) {
	route := s.contract.route(g)
	if route == nil {
		return
	}
	mediaType, err := acceptedType(g.Request, route.Operation)
	if err != nil {
		s.refuse(g, err)
		return
	}
	limit := bodyLimit(route.Operation, mediaType)
	if g.Request.ContentLength > limit {
		s.refuse(g, bodyTooLarge(limit))
		return
	}
	g.Request.Body = http.MaxBytesReader(g.Writer, g.Request.Body, limit)
	checked := g.Request.Clone(g.Request.Context())
	checked.Body = http.NoBody
	if isJSON(mediaType) && route.Operation.OperationID != streamedOperation {
		body, err := io.ReadAll(g.Request.Body)
		if err != nil {
			s.refuse(g, readError(err))
			return
		}
		g.Set(bodyKey, body)
		g.Request.Body, checked.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	}
	if err := checkRequest(checked, route, pathParams(g), isJSON(mediaType) && route.Operation.OperationID != streamedOperation); err != nil {
		s.refuse(g, err)
	}
}

// streamedOperation takes every format, JSON too, as a stream.
const streamedOperation = "putRevenue"

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func bodyLimit(op *openapi3.Operation, mediaType string) int64 {
	switch {
	case op.OperationID == streamedOperation:
		return maxFile
	case op.OperationID == "estimate" && isJSON(mediaType):
		return maxHistory
	case op.OperationID == "estimate":
		return maxFile
	default:
		return maxDocument
	}
}

// acceptedType finds the media type of the body among those of the operation.
func acceptedType(r *http.Request, op *openapi3.Operation) (string, error) {
	if op.RequestBody == nil {
		return "", nil
	}
	types := make([]string, 0, 4)
	for t := range op.RequestBody.Value.Content {
		types = append(types, t)
	}
	slices.Sort(types)
	given := r.Header.Get("Content-Type")
	if given == "" && r.ContentLength == 0 && !op.RequestBody.Value.Required {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(given)
	if err != nil || !slices.Contains(types, mediaType) {
		return "", fault.New(fault.Unsupported, "media_type_not_supported",
			"Content-Type %q is not taken here; send %s.", "Content-Type %q은(는) 받지 않습니다. %s로 보내십시오.", given, strings.Join(types, ", "))
	}
	return mediaType, nil
}

func readError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return bodyTooLarge(tooLarge.Limit)
	}
	return fault.New(fault.Malformed, "body_unreadable", "The body ended early.", "본문이 도중에 끊겼습니다.").Because(err)
}

func pathParams(g *gin.Context) map[string]string {
	params := map[string]string{}
	for _, p := range g.Params {
		params[p.Key] = p.Value
	}
	return params
}

func checkRequest(r *http.Request, route *routers.Route, params map[string]string, withBody bool) error {
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			MultiError: true, ExcludeRequestBody: !withBody, SkipSettingDefaults: true,
			// Keys are checked by the server itself, before this.
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	})
	if err == nil {
		return nil
	}
	fields, malformed := contractFields(err)
	if malformed != nil {
		return malformed
	}
	return fault.InvalidFields(fields)
}

// contractFields turns what the contract check found into field problems; a
// body that is no JSON at all, or a missing required header, is Malformed.
func contractFields(err error) ([]fault.Field, error) {
	var fields []fault.Field
	for _, e := range flatten(err) {
		var request *openapi3filter.RequestError
		if !errors.As(e, &request) {
			return nil, fmt.Errorf("contract check: %w", e)
		}
		where := "#"
		if p := request.Parameter; p != nil {
			where = p.In + ":" + p.Name
			if p.Name == "Idempotency-Key" && errors.Is(request.Err, openapi3filter.ErrInvalidRequired) {
				return nil, fault.New(fault.Malformed, "idempotency_key_required",
					"Send an Idempotency-Key header, a new one for each new request, so that a retry cannot act twice.",
					"Idempotency-Key 헤더를 보내십시오(요청마다 새 값). 재시도가 두 번 처리되는 것을 막습니다.")
			}
		}
		found, ok := schemaFields(request.Err, where)
		if !ok && request.Parameter == nil {
			return nil, malformedBody(request)
		}
		if !ok {
			found = []fault.Field{fault.At(where, "parameter_invalid", "%s", "%s", parameterReason(request))}
		}
		fields = append(fields, found...)
	}
	return fields, nil
}

func parameterReason(e *openapi3filter.RequestError) string {
	if e.Reason != "" {
		return e.Reason
	}
	return e.Err.Error()
}

func malformedBody(e *openapi3filter.RequestError) error {
	if errors.Is(e.Err, openapi3filter.ErrInvalidRequired) {
		return fault.New(fault.Malformed, "body_required", "This needs a JSON body.", "JSON 본문이 필요합니다.")
	}
	return fault.New(fault.Malformed, "json_malformed",
		"The body is not JSON: %s.", "본문이 JSON이 아닙니다: %s.", rootCause(e.Err)).Because(e)
}

func rootCause(err error) string {
	for {
		var parse *openapi3filter.ParseError
		if !errors.As(err, &parse) || parse.Cause == nil {
			break
		}
		err = parse.Cause
	}
	if err == nil {
		return "unreadable"
	}
	return err.Error()
}

func flatten(err error) []error {
	var multi openapi3.MultiError
	if !errors.As(err, &multi) {
		return []error{err}
	}
	var all []error
	for _, e := range multi {
		all = append(all, flatten(e)...)
	}
	return all
}

// schemaFields names each place where a value breaks its schema.
func schemaFields(err error, where string) ([]fault.Field, bool) {
	if err == nil {
		return nil, false
	}
	var fields []fault.Field
	for _, e := range flattenSchema(err) {
		var broken *openapi3.SchemaError
		if !errors.As(e, &broken) {
			return nil, false
		}
		fields = append(fields, schemaField(broken, where))
	}
	return fields, len(fields) > 0
}

// flattenSchema opens multi-errors only: a schema error may hold the cause of
// its own and stays whole.
func flattenSchema(err error) []error {
	if multi, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // only the outermost
		var all []error
		for _, e := range multi {
			all = append(all, flattenSchema(e)...)
		}
		return all
	}
	return []error{err}
}

func schemaField(e *openapi3.SchemaError, where string) fault.Field {
	pointer := where
	if path := e.JSONPointer(); len(path) > 0 {
		pointer += "/" + strings.Join(path, "/")
	}
	switch e.SchemaField {
	case "required":
		return fault.At(pointer, "required", "is required.", "반드시 있어야 합니다.")
	case "properties":
		return fault.At(pointer, "unknown_field", "is not a field of this document.", "이 문서에 없는 항목입니다.")
	case "type":
		return fault.At(pointer, "wrong_type", "must be %s.", "%s 형식이어야 합니다.", typeName(e.Schema))
	case "enum":
		return fault.At(pointer, "not_an_option", "must be one of %s.", "다음 중 하나여야 합니다: %s.", options(e.Schema))
	case "format":
		return fault.At(pointer, "wrong_format", "must be %s.", "%s 형식이어야 합니다.", formatName(e.Schema))
	case "pattern":
		return fault.At(pointer, "wrong_format", "must match %s.", "형식이 맞지 않습니다: %s.", e.Schema.Pattern)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return fault.At(pointer, "out_of_range", "must be %s.", "범위를 벗어났습니다: %s.", rangeName(e.Schema))
	case "minLength", "maxLength":
		return fault.At(pointer, "wrong_length", "must be %s long.", "길이가 맞지 않습니다: %s.", lengthName(e.Schema.MinLength, e.Schema.MaxLength, "characters"))
	case "minItems", "maxItems":
		return fault.At(pointer, "wrong_length", "must have %s.", "개수가 맞지 않습니다: %s.", lengthName(e.Schema.MinItems, e.Schema.MaxItems, "items"))
	case "minProperties":
		return fault.At(pointer, "nothing_to_change", "must name at least one field to change.", "바꿀 항목이 하나 이상 있어야 합니다.")
	default:
		return fault.At(pointer, "not_as_in_contract", "%s", "%s", e.Reason)
	}
}

func typeName(s *openapi3.Schema) string {
	if s.Type == nil {
		return "another type"
	}
	return strings.Join(s.Type.Slice(), " or ")
}

func formatName(s *openapi3.Schema) string {
	if s.Format == "date-time" {
		return "an RFC 3339 time with offset, such as 2022-10-15T15:30:00+09:00"
	}
	return s.Format
}

func options(s *openapi3.Schema) string {
	names := make([]string, len(s.Enum))
	for i, v := range s.Enum {
		names[i] = fmt.Sprint(v)
	}
	return strings.Join(names, ", ")
}

func rangeName(s *openapi3.Schema) string {
	var parts []string
	if s.Min != nil {
		parts = append(parts, fmt.Sprintf("at least %.0f", *s.Min))
	}
	if s.Max != nil {
		parts = append(parts, fmt.Sprintf("at most %.0f", *s.Max))
	}
	return strings.Join(parts, ", ")
}

func lengthName(low uint64, high *uint64, unit string) string {
	if high == nil {
		return fmt.Sprintf("at least %d %s", low, unit)
	}
	return fmt.Sprintf("%d to %d %s", low, *high, unit)
}

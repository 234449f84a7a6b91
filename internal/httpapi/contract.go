package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
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

// ginPattern writes a path of the contract as gin does. The parameter "path" is
// the rest of the path, slashes too.
func ginPattern(path string) string {
	return pathParameter.ReplaceAllString(strings.Replace(path, "{path}", "*path", 1), ":$1")
}

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
	if err := checkQuery(g.Request, route); err != nil {
		s.refuse(g, err)
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
	document := isJSON(mediaType) && !streamed[route.Operation.OperationID]
	if document {
		body, err := io.ReadAll(g.Request.Body)
		if err != nil {
			s.refuse(g, readError(err))
			return
		}
		if err := checkDocument(body); err != nil {
			s.refuse(g, err)
			return
		}
		g.Set(bodyKey, body)
		g.Request.Body, checked.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	}
	if err := checkRequest(checked, route, pathParams(g), document); err != nil {
		s.refuse(g, err)
	}
}

// checkQuery refuses what readers of a query drop or overlook: parameters that
// the operation does not have, that are there twice, or that are misspelt. A
// dry_run that goes unread would store.
func checkQuery(r *http.Request, route *routers.Route) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Malformed, "query_malformed", "The query cannot be read: %s.", "쿼리를 읽을 수 없습니다: %s.", err.Error()).Because(err)
	}
	var fields []fault.Field
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !takes(route, openapi3.ParameterInQuery, name):
			fields = append(fields, fault.At("query:"+name, "unknown_parameter", "is not a parameter of this operation.", "이 작업에 없는 매개변수입니다."))
		case len(query[name]) > 1:
			fields = append(fields, fault.At("query:"+name, "field_repeated", "is there twice; write it once.", "두 번 있습니다. 한 번만 적어 주세요."))
		}
	}
	return fault.InvalidFields(fields)
}

// takes reports whether the operation has the parameter.
func takes(route *routers.Route, in, name string) bool {
	return route.Operation.Parameters.GetByInAndName(in, name) != nil || route.PathItem.Parameters.GetByInAndName(in, name) != nil
}

// streamed are the operations that take every format, JSON too, as a stream.
var streamed = map[string]bool{"putRevenue": true, "uploadEvidence": true}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func bodyLimit(op *openapi3.Operation, mediaType string) int64 {
	switch {
	case streamed[op.OperationID]:
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
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", fault.New(fault.Unsupported, "content_encoding_not_supported",
			"Content-Encoding %q is not taken; send the body as it is.", "Content-Encoding %q은(는) 받지 않습니다. 압축하지 말고 보내십시오.", encoding)
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
			SchemaValidationOptions: []openapi3.SchemaValidationOption{
				openapi3.WithStringFormatValidator("date-time", instant{}), openapi3.WithStringFormatValidator("text", readable{}),
			},
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

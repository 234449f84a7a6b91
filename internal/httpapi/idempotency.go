package httpapi

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/identity"
)

type onceKey struct{}

// replay answers a retried request with what it was answered before. A request
// under way with the same key is met later, inside the transaction.
func (s *server) replay(c *gin.Context) {
	route := s.contract.route(c)
	if route == nil || !takes(route, openapi3.ParameterInHeader, "Idempotency-Key") {
		return
	}
	key := strings.Trim(c.GetHeader("Idempotency-Key"), `"`)
	once := claims.Once{Caller: callerOf(actorOf(c.Request.Context())), Key: key, Request: requestHash(c)}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), onceKey{}, &once))
	if streamed[route.Operation.OperationID] {
		return // what was sent before is known when the stream has been read
	}
	answer, err := s.claims.Answered(c.Request.Context(), once)
	if err != nil {
		s.refuse(c, err)
		return
	}
	if answer != nil {
		c.Abort()
		writeAnswer(c, *answer)
	}
}

func callerOf(actor identity.Actor) string {
	if actor.KeyID == "" {
		return string(identity.Public)
	}
	return actor.KeyID
}

// requestHash covers what makes a request the same: method, path, query, body
// and the version it is meant for. A body that is a stream
// has not arrived yet.
func requestHash(c *gin.Context) []byte {
	h := sha256.New()
	for _, part := range []string{c.Request.Method, c.Request.URL.RequestURI(), c.GetHeader("If-Match"), string(bodyOf(c))} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return h.Sum(nil)
}

func writeAnswer(c *gin.Context, a claims.Answer) {
	for name, value := range a.Header {
		c.Header(name, value)
	}
	c.Header("Idempotent-Replayed", "true")
	if len(a.Body) == 0 {
		c.Writer.WriteHeader(a.Status)
		c.Writer.WriteHeaderNow()
		return
	}
	c.Data(a.Status, a.Header["Content-Type"], a.Body)
}

// reply keeps the response of an acting request under its idempotency key;
// render writes the response for what the service made.
func reply[T any](ctx context.Context, render func(T, http.ResponseWriter) error) claims.Reply[T] {
	once, ok := ctx.Value(onceKey{}).(*claims.Once)
	if !ok {
		return claims.Reply[T]{}
	}
	return claims.Reply[T]{Once: once, Render: func(made T) (claims.Answer, error) {
		recorder := httptest.NewRecorder()
		if err := render(made, recorder); err != nil {
			return claims.Answer{}, err
		}
		kept := claims.Answer{Status: recorder.Code, Header: map[string]string{}, Body: recorder.Body.Bytes()}
		for name := range recorder.Header() {
			kept.Header[name] = recorder.Header().Get(name)
		}
		return kept, nil
	}}
}

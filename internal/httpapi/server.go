// Package httpapi serves the contract: routes, the shapes of requests and
// responses, their checks, and problem documents. It holds no business rule.
package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-playground/validator/v10"
	"github.com/google/uuid"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/scheme"
)

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../../api/openapi.yaml

// Config is what the API is made of.
type Config struct {
	Claims   *claims.Service
	Audit    *auditlog.Log // the log that is served below /log
	Contract []byte        // api/openapi.yaml
	Docs     http.Handler  // the contract as a readable page
	Verify   http.Handler  // the page that verifies receipts
	Log      *slog.Logger
	Now      func() time.Time
	// TrustedProxies are the addresses (CIDR) whose X-Forwarded-For is believed;
	// none by default.
	TrustedProxies []string
}

type server struct {
	claims   *claims.Service
	audit    *auditlog.Log
	logKeys  auditlog.Keys // of audit
	contract *contract
	validate *validator.Validate
	log      *slog.Logger
	now      func() time.Time
}

// New makes the handler of the whole API.
func New(c Config) (http.Handler, error) {
	doc, err := loadContract(c.Contract)
	if err != nil {
		return nil, err
	}
	validate, err := newValidator()
	if err != nil {
		return nil, err
	}
	s := &server{claims: c.Claims, audit: c.Audit, contract: doc, validate: validate, log: c.Log, now: c.Now}
	if c.Audit != nil {
		if s.logKeys, err = auditlog.ParseKeys(c.Audit.Keys); err != nil {
			return nil, err
		}
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	if err := engine.SetTrustedProxies(c.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.NoRoute(unrouted(http.StatusNotFound))
	engine.NoMethod(unrouted(http.StatusMethodNotAllowed))
	engine.Use(s.observe, s.headers, s.authenticate, s.check, s.replay)
	s.routes(engine, c.Docs, c.Verify)
	return engine, nil
}

func (s *server) routes(engine *gin.Engine, docs, verify http.Handler) {
	engine.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	engine.GET("/readyz", s.ready)
	engine.GET("/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml", s.contract.text) })
	engine.GET("/docs", gin.WrapH(docs))
	engine.GET("/scheme.schema.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", scheme.Schema()) })
	engine.GET("/verify", gin.WrapH(verify))
	for _, path := range []string{"/log/checkpoint", "/log/checkpoint.witnessed", "/log/keys", "/log/tile/:level/*path"} {
		engine.Match([]string{http.MethodGet, http.MethodHead}, path, s.serveLog)
	}
	engine.PUT("/v1/claimants/:claimant/revenue/:service", s.putRevenue)
	engine.POST("/v1/claims/:claim/evidence", s.uploadEvidence)
	strict := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{validated(s.validate)}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  s.undecodable,
		HandlerErrorFunc:         s.refuse,
		ResponseErrorHandlerFunc: s.refuse,
	})
	RegisterHandlersWithOptions(engine, strict, GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.undecodable(c, err) },
	})
}

// undecodable answers a request that passed the contract but could not be
// decoded: a whole number written as 12e3 or 12000.0.
func (s *server) undecodable(c *gin.Context, err error) {
	var number *json.UnmarshalTypeError
	if errors.As(err, &number) {
		s.refuse(c, fault.InvalidFields([]fault.Field{fault.At("#/"+strings.ReplaceAll(number.Field, ".", "/"), "wrong_type",
			"must be a whole number without point or exponent.", "소수점이나 지수 없이 적은 정수여야 합니다.")}))
		return
	}
	s.refuse(c, fault.New(fault.Malformed, "request_undecodable", "The request cannot be decoded: %s.", "요청을 해석할 수 없습니다: %s.", err.Error()))
}

func (s *server) ready(c *gin.Context) {
	if err := s.claims.Ready(c.Request.Context()); err != nil {
		s.log.ErrorContext(c.Request.Context(), "not ready", slog.String("error", err.Error()))
		f := fault.New(fault.Unavailable, "not_ready", "The database does not answer.", "데이터베이스가 응답하지 않습니다.")
		f.RetryAfter = 5 * time.Second
		s.refuse(c, f)
		return
	}
	c.String(http.StatusOK, "ready")
}

const requestIDKey = "request_id"

func requestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// observe gives the request its id, logs its end and keeps a panic from ending
// the server. Paths are logged as patterns: ids and queries stay out.
func (s *server) observe(c *gin.Context) {
	id := uuid.Must(uuid.NewV7()).String()
	c.Set(requestIDKey, id)
	c.Header("X-Request-Id", id)
	began := s.now()
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.refuse(c, fmt.Errorf("panic: %v", p))
		}
		s.log.InfoContext(c.Request.Context(), "request",
			slog.String("request_id", id), slog.String("method", c.Request.Method), slog.String("route", c.FullPath()),
			slog.Int("status", c.Writer.Status()), slog.Int("bytes", c.Writer.Size()), slog.Duration("took", s.now().Sub(began)))
	}()
	c.Next()
}

func (s *server) headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

type actorKey struct{}

// authenticate finds who asks. Operations that the contract opens to the public
// need no key, but a key that is sent must be valid.
func (s *server) authenticate(c *gin.Context) {
	actor := identity.Anyone
	if header := c.GetHeader("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			s.refuse(c, fault.New(fault.Unauthenticated, "key_not_valid", "Send the key as Authorization: Bearer rdk_….", "키는 Authorization: Bearer rdk_… 로 보내십시오."))
			return
		}
		var err error
		if actor, err = s.claims.Authenticate(c.Request.Context(), strings.TrimSpace(token)); err != nil {
			s.refuse(c, err)
			return
		}
	}
	actor.Address, actor.Purpose = c.ClientIP(), c.Query("purpose")
	if route := s.contract.route(c); route != nil && route.Operation.Security == nil && actor.Role == identity.Public {
		s.refuse(c, fault.New(fault.Unauthenticated, "key_required", "This needs a key: send Authorization: Bearer rdk_….", "키가 필요합니다. Authorization: Bearer rdk_… 헤더를 보내십시오."))
		return
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), actorKey{}, actor))
}

func actorOf(ctx context.Context) identity.Actor {
	actor, ok := ctx.Value(actorKey{}).(identity.Actor)
	if !ok {
		return identity.Anyone
	}
	return actor
}

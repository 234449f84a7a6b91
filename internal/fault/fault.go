// Package fault holds the one error type of Redress and its kinds. Rooms return
// faults with a stable code; only httpapi turns a kind into a status.
package fault

import (
	"errors"
	"strings"
	"time"

	"redress/internal/lang"
)

// Kind is the class of a fault; it decides the HTTP status and nothing else.
type Kind string

// The kinds. Internal is never set on purpose: it is what KindOf answers for
// an error that is not a fault.
const (
	Internal        Kind = "internal"
	Malformed       Kind = "malformed"       // the request cannot be read
	Unauthenticated Kind = "unauthenticated" // no key, or one that is not valid
	Forbidden       Kind = "forbidden"       // a valid key whose role may not
	NotFound        Kind = "not_found"       // absent, or not the caller's
	Conflict        Kind = "conflict"        // the state does not allow it
	Stale           Kind = "stale"           // If-Match names another version
	Precondition    Kind = "precondition"    // If-Match is required and absent
	TooLarge        Kind = "too_large"
	Unsupported     Kind = "unsupported" // media type
	Invalid         Kind = "invalid"     // readable, but breaks a rule
	Limited         Kind = "limited"     // too many requests
	Unavailable     Kind = "unavailable" // try again later
)

// Field is one problem with one place of the input.
type Field struct {
	Pointer string    // JSON pointer into the body ("/lines/0/service"), or the name of a parameter ("query:zone", "header:If-Match")
	Code    string    // stable, snake_case
	Detail  lang.Text // what is wrong and what would be right
}

// Error is a refusal that the caller can understand and act on.
type Error struct {
	Kind       Kind
	Code       string    // stable, snake_case; documented in docs/problems.md
	Detail     lang.Text // this occurrence, for people
	Fields     []Field
	RetryAfter time.Duration // for Limited and Unavailable
	Cause      error         // for the log; never shown
}

// New makes a fault whose detail is formatted as lang.F formats.
func New(kind Kind, code, en, ko string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: lang.F(en, ko, args...)}
}

// At makes one field problem whose detail is formatted as lang.F formats.
func At(pointer, code, en, ko string, args ...any) Field {
	return Field{Pointer: pointer, Code: code, Detail: lang.F(en, ko, args...)}
}

// InvalidFields makes an Invalid fault of code "invalid_fields" out of one or
// more field problems, and nil out of none.
func InvalidFields(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	e := New(Invalid, "invalid_fields",
		"%d field(s) are not acceptable; errors names each.", "%d개 항목을 받아들일 수 없습니다. errors에 하나씩 적혀 있습니다.", len(fields))
	e.Fields = fields
	return e
}

// Because keeps the underlying error for the log and returns e.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// Under returns err with a prefix before every pointer, for input that is part
// of a larger document; an error that is no fault is returned as it is.
func Under(prefix string, err error) error {
	inner := As(err)
	if inner == nil {
		return err
	}
	outer := *inner
	outer.Fields = make([]Field, len(inner.Fields))
	for i, f := range inner.Fields {
		f.Pointer = prefix + f.Pointer
		outer.Fields[i] = f
	}
	return &outer
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	b.WriteString(": ")
	b.WriteString(e.Detail.EN)
	for _, f := range e.Fields {
		b.WriteString("; " + f.Pointer + ": " + f.Detail.EN)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// As returns the fault inside err, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf returns the kind of err, and Internal for any error that is no fault.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	return Internal
}

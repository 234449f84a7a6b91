package httpapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"redress/internal/fault"
	"redress/internal/lang"
)

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
	return notJSON(e)
}

// flatten opens multi-errors of any depth, but nothing else: a schema error may
// hold the cause of its own and stays whole.
func flatten(err error) []error {
	multi, ok := err.(openapi3.MultiError) //nolint:errorlint // only the outermost
	if !ok {
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
	for _, e := range flatten(err) {
		var broken *openapi3.SchemaError
		if !errors.As(e, &broken) {
			return nil, false
		}
		var inner openapi3.MultiError
		if broken.SchemaField == "allOf" && errors.As(broken.Origin, &inner) {
			found, ok := schemaFields(inner, where)
			if !ok {
				return nil, false
			}
			fields = append(fields, found...)
			continue
		}
		fields = append(fields, schemaField(broken, where))
	}
	return fields, len(fields) > 0
}

// pointerEscape writes a name as a JSON pointer does (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func schemaField(e *openapi3.SchemaError, where string) fault.Field {
	pointer := where
	for _, name := range e.JSONPointer() {
		pointer += "/" + pointerEscape.Replace(name)
	}
	if e.SchemaField == "format" && e.Schema.Format == "text" {
		return fault.At(pointer, "text_required", "must have something to read, not spaces or invisible characters alone.", "공백이나 보이지 않는 문자 말고 읽을 수 있는 내용을 적어야 합니다.")
	}
	switch e.SchemaField {
	case "required":
		return fault.At(pointer, "required", "is required.", "반드시 있어야 합니다.")
	case "properties":
		var name string
		if _, err := fmt.Sscanf(e.Reason, "property %q is unsupported", &name); err == nil {
			pointer += "/" + pointerEscape.Replace(name)
		}
		return fault.At(pointer, "unknown_field", "is not a field of this document.", "이 문서에 없는 항목입니다.")
	case "type", "nullable":
		return fault.At(pointer, "wrong_type", "must be %s.", "%s이어야 합니다.", typeName(e.Schema))
	case "enum":
		return fault.At(pointer, "not_an_option", "must be one of %s.", "다음 중 하나여야 합니다: %s.", options(e.Schema))
	case "format":
		return fault.At(pointer, "wrong_format", "must be %s.", "%s이어야 합니다.", formatName(e.Schema))
	case "pattern":
		return fault.At(pointer, "wrong_format", "must match %s.", "%s 형식이어야 합니다.", e.Schema.Pattern)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return fault.At(pointer, "out_of_range", "must be %s.", "범위를 벗어났습니다: %s.", rangeName(e.Schema))
	case "minLength", "maxLength":
		return fault.At(pointer, "wrong_length", "must be %s long.", "길이가 맞지 않습니다: %s.", lengthName(e.Schema.MinLength, e.Schema.MaxLength, lang.T("characters", "자")))
	case "minItems", "maxItems":
		return fault.At(pointer, "wrong_length", "must have %s.", "개수가 맞지 않습니다: %s.", lengthName(e.Schema.MinItems, e.Schema.MaxItems, lang.T("items", "개")))
	case "minProperties":
		return fault.At(pointer, "nothing_to_change", "must name at least one field to change.", "바꿀 항목이 하나 이상 있어야 합니다.")
	default:
		return fault.At(pointer, "not_as_in_contract", "%s", "%s", e.Reason)
	}
}

var typeNames = map[string]lang.Text{
	openapi3.TypeObject: lang.T("an object", "객체"), openapi3.TypeArray: lang.T("an array", "배열"),
	openapi3.TypeString: lang.T("a string", "문자열"), openapi3.TypeInteger: lang.T("an integer", "정수"),
	openapi3.TypeNumber: lang.T("a number", "수"), openapi3.TypeBoolean: lang.T("true or false", "참(true) 또는 거짓(false)"),
}

func typeName(s *openapi3.Schema) lang.Text {
	if types := s.Type.Slice(); len(types) == 1 {
		return typeNames[types[0]]
	}
	return lang.T("another type", "다른 형식")
}

func formatName(s *openapi3.Schema) lang.Text {
	switch s.Format {
	case "date-time":
		return lang.F("an RFC 3339 time with offset, of the years %d to %d, such as 2022-10-15T15:30:00+09:00",
			"시차가 있는 RFC 3339 시각(%d~%d년, 예: 2022-10-15T15:30:00+09:00)", firstYear, lastYear)
	case "int64":
		return lang.T("a whole number without exponent", "지수 없이 쓴 정수")
	default:
		return lang.T(s.Format, s.Format)
	}
}

func options(s *openapi3.Schema) string {
	names := make([]string, len(s.Enum))
	for i, v := range s.Enum {
		names[i] = fmt.Sprint(v)
	}
	return strings.Join(names, ", ")
}

func rangeName(s *openapi3.Schema) lang.Text {
	switch {
	case s.Min == nil && s.Max == nil:
		return lang.Text{}
	case s.Max == nil:
		return lang.F("at least %.0f", "%.0f 이상", *s.Min)
	case s.Min == nil:
		return lang.F("at most %.0f", "%.0f 이하", *s.Max)
	default:
		return lang.F("from %.0f to %.0f", "%.0f 이상 %.0f 이하", *s.Min, *s.Max)
	}
}

func lengthName(low uint64, high *uint64, unit lang.Text) lang.Text {
	if high == nil {
		return lang.F("at least %d %s", "%d%s 이상", low, unit)
	}
	return lang.F("%d to %d %s", "%d~%d%s", low, *high, unit)
}

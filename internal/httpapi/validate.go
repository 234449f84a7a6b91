package httpapi

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-playground/validator/v10"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// rule is a check that a schema cannot express, by its name in the contract's
// validate tags. The contract has presence, type and range; these have meaning.
type rule struct {
	holds func(string) bool
	code  string
	en    string
	ko    string
}

var rules = map[string]rule{
	"zone": {
		func(s string) bool { return s != "Local" && s != "" && loads(s) },
		"unknown_zone", "must be an IANA time zone such as Asia/Seoul.", "Asia/Seoul 같은 IANA 시간대여야 합니다.",
	},
	"currency": {
		func(s string) bool { _, err := money.ParseCurrency(s); return err == nil },
		"unknown_currency", "must be an ISO 4217 code such as KRW.", "KRW 같은 ISO 4217 통화 코드여야 합니다.",
	},
	"phone": {
		identity.ValidPhone,
		"wrong_format", "must be a telephone number of 8 to 15 digits.", "8~15자리 전화번호여야 합니다.",
	},
	"business_number": {
		identity.ValidBusinessNumber,
		"business_number_wrong", "must be a business registration number of ten digits whose check digit is right, such as 123-45-67891.", "검증번호가 맞는 열 자리 사업자등록번호여야 합니다(예: 123-45-67891).",
	},
}

// builtin words the checks that come with the validator.
var builtin = map[string]rule{
	"gtfield":     {nil, "end_before_start", "must be later than the start.", "시작보다 뒤여야 합니다."},
	"unique":      {nil, "duplicate_outlet", "must not have two outlets with the same code.", "같은 코드의 매장이 둘 있을 수 없습니다."},
	"required_if": {nil, "required", "is required for this kind of claimant.", "이 종류의 청구인에게는 반드시 필요합니다."},
	"excluded_if": {nil, "not_allowed", "is not for this kind of claimant.", "이 종류의 청구인에게는 쓸 수 없습니다."},
}

func loads(zone string) bool {
	_, err := time.LoadLocation(zone)
	return err == nil
}

func newValidator() (*validator.Validate, error) {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		for _, tag := range []string{"json", "form"} {
			if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
				return name
			}
		}
		return ""
	})
	for name, r := range rules {
		if err := v.RegisterValidation(name, func(fl validator.FieldLevel) bool { return r.holds(fl.Field().String()) }); err != nil {
			return nil, fmt.Errorf("register rule %s: %w", name, err)
		}
	}
	return v, nil
}

// validated runs the rules over every operation's whole request and hands it on
// with a context of its own.
func validated(v *validator.Validate) StrictMiddlewareFunc {
	return func(next StrictHandlerFunc, _ string) StrictHandlerFunc {
		return func(c *gin.Context, request any) (any, error) {
			if err := checkRules(v, request); err != nil {
				return nil, err
			}
			// The database driver may look at the context even after the answer is
			// written, when gin has handed the original to another request.
			return next(c.Copy(), request)
		}
	}
}

func checkRules(v *validator.Validate, request any) error {
	err := v.Struct(request)
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return err
	}
	fields := make([]fault.Field, len(broken))
	for i, b := range broken {
		r, ok := rules[b.Tag()]
		if !ok {
			r = builtin[b.Tag()]
		}
		fields[i] = fault.At(rulePointer(b.Namespace()), r.code, r.en, r.ko)
	}
	return fault.InvalidFields(fields)
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// rulePointer turns "FileClaimRequestObject.Body.lines[0].service" into
// "#/lines/0/service", and a parameter's namespace into "query:zone".
func rulePointer(namespace string) string {
	path := strings.Split(index.ReplaceAllString(namespace, ".$1"), ".")
	for i, part := range path {
		switch part {
		case "Body", "JSONBody":
			return "#/" + strings.Join(path[i+1:], "/")
		case "Params":
			return "query:" + strings.Join(path[i+1:], "/")
		}
	}
	return "#/" + strings.Join(path[1:], "/")
}

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/fault"
	"redress/internal/lang"
)

func TestKindOfFindsTheFaultInsideAnError(t *testing.T) {
	stale := fault.New(fault.Stale, "version_stale", "Changed.", "바뀌었습니다.")
	outer := fault.New(fault.Conflict, "outer", "Taken.", "이미 있습니다.").Because(stale)
	for _, c := range []struct {
		name string
		err  error
		is   *fault.Error
		kind fault.Kind
	}{
		{"no error", nil, nil, fault.Internal},
		{"an error that is no fault", context.Canceled, nil, fault.Internal},
		{"a fault", stale, stale, fault.Stale},
		{"wrapped", fmt.Errorf("update: %w", fmt.Errorf("claim: %w", stale)), stale, fault.Stale},
		{"joined", errors.Join(context.Canceled, stale), stale, fault.Stale},
		{"printed only", fmt.Errorf("update: %v", stale), nil, fault.Internal},
		{"caused by another fault", fmt.Errorf("insert: %w", outer), outer, fault.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.KindOf(c.err); got != c.kind {
				t.Errorf("KindOf: %s, want %s", got, c.kind)
			}
			if got := fault.As(c.err); got != c.is {
				t.Errorf("As: %v, want %v", got, c.is)
			}
		})
	}
}

func TestBecauseKeepsTheCauseForTheLogAlone(t *testing.T) {
	cause := fmt.Errorf("read: %w", context.DeadlineExceeded)
	f := fault.New(fault.Unavailable, "database_unavailable", "Try again.", "다시 시도하십시오.")
	if got := f.Because(cause); got != f {
		t.Error("Because made another fault")
	}
	if !errors.Is(f, context.DeadlineExceeded) {
		t.Error("the cause is not found inside the fault")
	}
	if want := "database_unavailable: Try again.: read: context deadline exceeded"; f.Error() != want {
		t.Errorf("for the log: %q, want %q", f.Error(), want)
	}
	if want := lang.T("Try again.", "다시 시도하십시오."); f.Detail != want {
		t.Errorf("for people: %+v, want %+v", f.Detail, want)
	}
}

func TestInvalidFieldsIsNoErrorWithoutFields(t *testing.T) {
	for _, fields := range [][]fault.Field{nil, {}} {
		// A typed nil in the interface would not be equal to nil.
		if err := fault.InvalidFields(fields); err != nil {
			t.Errorf("InvalidFields(%#v) = %#v, want nil", fields, err)
		}
	}
}

func TestInvalidFieldsNamesEachField(t *testing.T) {
	fields := []fault.Field{
		fault.At("#/lines/0/service", "unknown_service", "There is no service %q.", "서비스 %q이(가) 없습니다.", "taxi"),
		fault.At("query:outlet", "unknown_outlet", "There is no outlet %[2]q of %[1]s.", "%s에 매장 %q이(가) 없습니다.", "A", "main"),
	}
	err := fault.InvalidFields(fields)
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid || f.Code != "invalid_fields" {
		t.Fatalf("got %v", err)
	}
	want := []fault.Field{
		{Pointer: "#/lines/0/service", Code: "unknown_service", Detail: lang.T(`There is no service "taxi".`, `서비스 "taxi"이(가) 없습니다.`)},
		{Pointer: "query:outlet", Code: "unknown_outlet", Detail: lang.T(`There is no outlet "main" of A.`, `A에 매장 "main"이(가) 없습니다.`)},
	}
	if diff := cmp.Diff(want, f.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	const text = `invalid_fields: 2 field(s) are not acceptable; errors names each.; ` +
		`#/lines/0/service: There is no service "taxi".; query:outlet: There is no outlet "main" of A.`
	if err.Error() != text {
		t.Errorf("for the log: %q, want %q", err.Error(), text)
	}
}

package bundle_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"redress/internal/bundle"
	"redress/internal/publication"
)

// mutate changes something in a value and reports whether it did.
func mutate(r *rand.Rand, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		return mutate(r, v.Field(r.IntN(v.NumField())))
	case reflect.Array:
		return mutate(r, v.Index(r.IntN(v.Len())))
	case reflect.Pointer:
		switch {
		case v.IsNil():
			v.Set(reflect.New(v.Type().Elem()))
		case r.IntN(3) == 0:
			v.SetZero()
		default:
			return mutate(r, v.Elem())
		}
	case reflect.Slice:
		return mutateList(r, v)
	case reflect.String:
		v.SetString([]string{"", v.String() + " ", "count", "KR-11"}[r.IntN(4)])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{v.Int() + 1, v.Int() - 1, v.Int() * 10, -v.Int(), 0, math.MaxInt64, math.MinInt64}[r.IntN(7)])
	case reflect.Uint8:
		v.SetUint(v.Uint() ^ 1)
	}
	return true
}

// mutateList drops, doubles, exchanges or changes elements.
func mutateList(r *rand.Rand, v reflect.Value) bool {
	if v.Len() == 0 {
		return false
	}
	i := r.IntN(v.Len())
	switch r.IntN(6) {
	case 0:
		v.Set(reflect.AppendSlice(v.Slice3(0, i, i), v.Slice(i+1, v.Len())))
	case 1:
		v.Set(reflect.Append(v, v.Index(i)))
	case 2:
		reflect.Swapper(v.Interface())(0, i)
	default:
		return mutate(r, v.Index(i))
	}
	return true
}

// Whatever the operator changes in a release before it is signed, auditors find it;
// and nothing in it makes those without leaves fail in another way than by a report.
func TestAnyChangeOfASignedReleaseIsFound(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for tried := 0; tried < 60; {
		var honest, signed []byte
		nth := []string{"release 1", "release 2"}[r.IntN(2)]
		o := tellShort(t, lies{bytes: func(document string, data []byte) []byte {
			if document != nth {
				return data
			}
			var release publication.Release
			if err := json.Unmarshal(data, &release); err != nil {
				t.Fatal(err)
			}
			for range 1 + r.IntN(3) {
				mutate(r, reflect.ValueOf(&release).Elem())
			}
			told, err := release.JSON()
			if err != nil {
				t.Fatal(err)
			}
			honest, signed = slices.Clone(data), told
			return told
		}})
		if bytes.Equal(honest, signed) {
			continue
		}
		tried++
		report, err := bundle.Verify(filesOf(t, o.auditors()), readers(t), bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if report.Err() == nil {
			t.Errorf("%s holds as\n%s\ninstead of\n%s", nth, signed, honest)
		}
		if _, err := bundle.Verify(filesOf(t, o.public()), readers(t), bundle.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}

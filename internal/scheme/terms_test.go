package scheme_test

import (
	"testing"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/scheme"
)

func TestFixedTierIsTheLeastThatTiersPay(t *testing.T) {
	for _, c := range []struct {
		name string
		want money.Minor // 0 for none
	}{
		{"sandbox-2022", 30_000},
		{"kakao-2022-small-business", 30_000},
		{"kakao-2022-fee-waiver", 0},
		{"uk-business-interruption", 0},
	} {
		s, err := scheme.FromLibrary(c.name)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := s.FixedTier(scheme.Facts{ClaimantKind: scheme.Merchant, Sector: "bakery", Region: "KR-11"})
		if got != c.want || ok != (c.want > 0) {
			t.Errorf("%s: %d, %t; want %d", c.name, got, ok, c.want)
		}
	}
}

const forDrivers = `{
  "id": "terms", "version": 1, "title": {"ko": "가", "en": "a"}, "source": {"ko": "가", "en": "a"}, "currency": "KRW", "payout": "cash",
  "baseline": {"rules": [{"use": "estimate"}]},
  "tiers": {"when": {"claimant_kinds": ["driver"]}, "of": "claim", "tiers": [
    {"above": 0, "up_to": 10, "pay": 0}, {"above": 10, "up_to": 20, "pay": 9}, {"above": 20, "up_to": 30, "pay": 7}, {"above": 30, "review": true}
  ]},
  "limits": {"floor": 1, "cap": 8}
}`

func TestTermsAreThoseOfTheClaim(t *testing.T) {
	s, err := scheme.Parse([]byte(forDrivers))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := s.FixedTier(scheme.Facts{ClaimantKind: scheme.Driver}); got != 7 || !ok {
		t.Errorf("a driver's tier: %d, %t; want 7", got, ok)
	}
	if got, ok := s.FixedTier(scheme.Facts{ClaimantKind: scheme.Merchant}); got != 0 || ok {
		t.Errorf("a merchant's tier: %d, %t; want none", got, ok)
	}
	if got, ok := s.Cap(); got != 8 || !ok {
		t.Errorf("the cap: %d, %t; want 8", got, ok)
	}
	uncapped, err := scheme.FromLibrary("sandbox-2022")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := uncapped.Cap(); got != 0 || ok {
		t.Errorf("no cap: %d, %t", got, ok)
	}
}

func TestDecodeIsAsStrictAsParse(t *testing.T) {
	type document struct {
		Count int               `json:"count"`
		Rows  []struct{ N int } `json:"rows,omitempty"`
	}
	for text, want := range map[string]string{
		`{"count": 1}`:                       "",
		`{"count": 1, "rows": [{"n": 2}]}`:   "",
		`{}`:                                 "/count required",
		`{"count": 1, "size": 1}`:            "/size unknown_field",
		`{"count": 1, "count": 1}`:           "/count duplicate_key",
		`{"count": 1.0}`:                     "/count wrong_type",
		`{"count": -1}`:                      "/count out_of_range",
		`{"count": 1, "rows": [{"n": "2"}]}`: "/rows/0/n wrong_type",
		`[]`:                                 " wrong_type",
		`{"count": 1} {}`:                    "malformed_json",
	} {
		var got document
		err := scheme.Decode([]byte(text), &got)
		f := fault.As(err)
		switch {
		case want == "":
			if err != nil || got.Count != 1 {
				t.Errorf("%s: %+v, %v", text, got, err)
			}
		case f == nil || f.Code != want && (len(f.Fields) != 1 || f.Fields[0].Pointer+" "+f.Fields[0].Code != want):
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

package scheme_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/fault"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// sound is a scheme that uses every stage that can stand together; the table
// below breaks it in one place at a time.
const sound = `{
  "id": "sound", "version": 1,
  "title": {"ko": "온전한 보상 기준", "en": "A sound scheme"},
  "source": {"ko": "시험용", "en": "For tests"},
  "currency": "KRW", "payout": "cash",
  "effective_from": "2022-10-15", "effective_to": "2022-12-31",
  "incident": {"from": "2022-10-15T15:30", "to": "2022-10-20T23:00"},
  "conditions": {"listed": {"ko": "명단에 있음", "en": "On the list"}, "gross": {"ko": "중과실", "en": "Gross negligence"}},
  "eligibility": {"claimant_kinds": ["merchant", "driver"], "without": ["gross"], "headcount_at_most": 20,
    "annual_revenue": [{"sectors": ["wholesale"], "below": 5000000000}, {"at_most": 3000000000}]},
  "compensable_window": {"from": "2022-10-15T15:00", "to": "2022-10-17T09:00", "use": "keep_inside"},
  "minimum_duration": {"at_least_minutes": 120, "measure": "longest", "unless": ["gross"]},
  "waiting_period": {"minutes": 30, "per": "claim"},
  "baseline": {
    "comparison": {"period": {"from": "2022-10-15T00:00", "to": "2022-10-22T00:00"}, "step": "week", "back": 6, "forward": 1},
    "rules": [
      {"use": "median_comparable", "minimum_periods": 3, "zeros": "skip", "growth": {"fall_at_most": "0.02", "rise_at_most": "0.1", "general": 0}},
      {"use": "estimate"}
    ]},
  "causation": {"presumed": {"conditions": ["listed"]}, "down_at_least": "0.085", "up_at_least": "0.05"},
  "make_up": {"share": "0.5"},
  "attribution": {"substitutes_deducted": 1, "platform_share": {"sources": ["own", "services", "flat"], "services": {"taxi": "0.8"}, "flat": 1}},
  "margin": {"sources": ["own", "sectors"], "sectors": {"bakery": "0.5", "salon": "0.6"}, "otherwise": "review",
    "continuing_costs": {"sources": ["own", "flat"], "flat": "0.1"}},
  "costs": {"added": "economic_limit", "saved_deducted": 1},
  "rate": {"share": "0.80"},
  "multiplier": {"rules": [{"when": {"regions": ["jeju"]}, "premium": "0.25"}, {"premium": 0}]},
  "tiers": {"of": "claim", "tiers": [
    {"above": 0, "up_to": 300000, "pay": 30000},
    {"above": 300000, "up_to": 500000, "pay": 50000},
    {"above": 500000, "review": true}]},
  "duration_tiers": {"count": "calendar_days", "tiers": [{"above": 0, "up_to": 2, "pay": 1000}, {"above": 2, "pay": 2000}]},
  "duration_amounts": {"count": "started_hours", "after": 4, "pay": 10},
  "subscriptions": {"rules": [
    {"plans": ["pro"], "days": 6, "month": "calendar", "rounding": {"mode": "half_up", "step": 10}},
    {"outage": {"times": 10, "round_up_to_minutes": 60}, "month": 30, "rounding": {"mode": "half_even", "step": 1}}]},
  "service_credits": {"plans": ["sla"], "month": 30, "rounding": {"mode": "down", "step": 1},
    "tiers": [{"uptime_below": "0.999", "credit": "0.1"}, {"uptime_below": "0.99", "credit": "0.25"}]},
  "fee_waivers": {"rules": [{"items": ["street_hail"], "services": ["taxi"], "within": {"from": "2022-10-15T15:00", "to": "2022-10-16T09:00"},
    "share": "0.2", "rounding": {"mode": "half_up", "step": 1}}]},
  "reimbursed_orders": {"rules": [{"items": ["cancelled_order"], "share": 1, "rounding": {"mode": "up", "step": 1}}]},
  "flat_amounts": {"rules": [{"activity": {"items": ["dispatch"], "at_least": 1}, "pay": 500}]},
  "platform_multiple": {"when": {"sectors": ["online_retail"]}, "measure": "payment_fee", "factor": 3, "minimum_observations": 12, "zeros": "count",
    "rounding": {"mode": "half_up", "step": 1}},
  "limits": {"floor": 1000, "cap": 100000000},
  "offsets": {"kinds": ["advance", "insurance"]},
  "rounding": {"mode": "down", "step": 10}
}`

func soundDocument(t testing.TB) any {
	t.Helper()
	var doc any
	if err := decodeNumbers([]byte(sound), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

type changes = map[string]any

// refusals break the sound scheme in one place each.
var refusals = []struct {
	name    string
	change  changes
	pointer string
	code    string
}{
	{"an unknown stage", changes{"/bonus": changes{}}, "/bonus", "unknown_field"},
	{"an unknown field", changes{"/rate/percent": 80}, "/rate/percent", "unknown_field"},
	{"an unknown field deep inside", changes{"/subscriptions/rules/0/rounding/unit": 10}, "/subscriptions/rules/0/rounding/unit", "unknown_field"},
	{"a field that is missing", changes{"/subscriptions/rules/0/rounding/mode": nil}, "/subscriptions/rules/0/rounding/mode", "required"},
	{"a header without currency", changes{"/currency": nil}, "/currency", "required"},
	{"a title in one language", changes{"/title/ko": nil}, "/title/ko", "required"},
	{"an empty source", changes{"/source/en": ""}, "/source/en", "empty_text"},
	{"an unknown currency", changes{"/currency": "XQQ"}, "/currency", "invalid_value"},
	{"a currency in small letters", changes{"/currency": "krw"}, "/currency", "invalid_value"},
	{"an unknown payout", changes{"/payout": "coupons"}, "/payout", "unknown_value"},
	{"an id with a space", changes{"/id": "my scheme"}, "/id", "invalid_value"},
	{"an id that is a number", changes{"/id": 7}, "/id", "invalid_value"},
	{"version 0", changes{"/version": 0}, "/version", "out_of_range"},
	{"a version in a string", changes{"/version": "1"}, "/version", "wrong_type"},
	{"a date that does not exist", changes{"/effective_from": "2022-02-30"}, "/effective_from", "invalid_value"},
	{"an end before the beginning", changes{"/effective_to": "2022-01-01"}, "/effective_to", "empty_span"},
	{"an incident that ends before it begins", changes{"/incident/to": "2022-10-15T15:30"}, "/incident/to", "empty_span"},
	{"a time with a zone", changes{"/incident/to": "2022-10-20T23:00+09:00"}, "/incident/to", "invalid_time"},
	{"a condition without words", changes{"/conditions/listed/ko": ""}, "/conditions/listed/ko", "empty_text"},
	{"a condition nobody explains", changes{"/minimum_duration/unless/0": "unheard"}, "/minimum_duration/unless/0", "undeclared_condition"},
	{"a condition both demanded and forbidden", changes{"/eligibility/conditions": []any{"gross"}}, "/eligibility/without/0", "contradictory"},
	{"a claimant kind twice", changes{"/eligibility/claimant_kinds/1": "merchant"}, "/eligibility/claimant_kinds/1", "duplicate_value"},
	{"an unknown claimant kind", changes{"/eligibility/claimant_kinds/1": "rider"}, "/eligibility/claimant_kinds/1", "unknown_value"},
	{"an unknown sector in a list", changes{"/eligibility/annual_revenue/0/sectors/0": "barber"}, "/eligibility/annual_revenue/0/sectors/0", "unknown_value"},
	{"two size limits in one row", changes{"/eligibility/annual_revenue/0/at_most": 1}, "/eligibility/annual_revenue/0/at_most", "contradictory"},
	{"a size row without limit", changes{"/eligibility/annual_revenue/0/below": nil}, "/eligibility/annual_revenue/0/below", "required"},
	{"a last size row for some sectors", changes{"/eligibility/annual_revenue/1/sectors": []any{"retail"}}, "/eligibility/annual_revenue/1/sectors", "no_outcome"},
	{"a size row after one for all", changes{"/eligibility/annual_revenue/0/sectors": nil}, "/eligibility/annual_revenue/0", "unreachable"},
	{"a window outside the incident", changes{"/compensable_window/to": "2022-10-15T15:30"}, "/compensable_window", "window_outside_incident"},
	{"a window that replaces the outage of a loss", changes{"/compensable_window/use": "replace"}, "/compensable_window/use", "contradictory"},
	{"two minimum durations", changes{"/minimum_duration/longer_than_minutes": 5}, "/minimum_duration/longer_than_minutes", "contradictory"},
	{"no wait at all", changes{"/waiting_period/minutes": 0}, "/waiting_period/minutes", "out_of_range"},
	{"a fallback to a rule already tried", changes{"/baseline/rules/1": changes{"use": "median_comparable", "minimum_periods": 1, "zeros": "count"}}, "/baseline/rules/1/use", "circular_fallback"},
	{"no baseline rule", changes{"/baseline/rules": []any{}}, "/baseline/rules", "empty_list"},
	{"a comparison without a minimum", changes{"/baseline/rules/0/minimum_periods": nil}, "/baseline/rules/0/minimum_periods", "required"},
	{"a comparison with no word on zeros", changes{"/baseline/rules/0/zeros": nil}, "/baseline/rules/0/zeros", "required"},
	{"an estimate that counts periods", changes{"/baseline/rules/1/minimum_periods": 3}, "/baseline/rules/1/minimum_periods", "contradictory"},
	{"a comparison of no periods", changes{"/baseline/comparison": nil}, "/baseline/comparison", "required"},
	{"periods nobody compares", changes{"/baseline/rules": []any{changes{"use": "estimate"}}}, "/baseline/comparison", "contradictory"},
	{"a comparison that reaches nowhere", changes{"/baseline/comparison/back": 0, "/baseline/comparison/forward": 0}, "/baseline/comparison/back", "out_of_range"},
	{"a comparison of another time", changes{"/baseline/comparison/period": changes{"from": "2022-09-01T00:00", "to": "2022-09-08T00:00"}}, "/baseline/comparison/period", "window_outside_incident"},
	{"growth above 1", changes{"/baseline/rules/0/growth/rise_at_most": "1.5"}, "/baseline/rules/0/growth/rise_at_most", "share_above_one"},
	{"a causation test of nothing", changes{"/causation/down_at_least": nil}, "/causation/down_at_least", "required"},
	{"a fall of more than all", changes{"/causation/down_at_least": 85}, "/causation/down_at_least", "share_above_one"},
	{"a made-up share above 1", changes{"/make_up/share": "1.01"}, "/make_up/share", "share_above_one"},
	{"an empty attribution", changes{"/attribution": changes{}}, "/attribution", "required"},
	{"a platform share in percent", changes{"/attribution/platform_share/services/taxi": 80}, "/attribution/platform_share/services/taxi", "share_above_one"},
	{"a service with a bad name", changes{"/attribution/platform_share/services": changes{"Kakao T": "0.5"}}, "/attribution/platform_share/services/Kakao T", "invalid_value"},
	{"a source without its table", changes{"/attribution/platform_share/services": nil}, "/attribution/platform_share/services", "required"},
	{"a table no source reads", changes{"/margin/flat": "0.4"}, "/margin/flat", "contradictory"},
	{"a margin for an unknown sector", changes{"/margin/sectors/barber": "0.4"}, "/margin/sectors/barber", "unknown_value"},
	{"a margin above 1", changes{"/margin/sectors/bakery": "1.2"}, "/margin/sectors/bakery", "share_above_one"},
	{"a margin as a floating number", changes{"/margin/sectors/bakery": 0.5}, "/margin/sectors/bakery", "wrong_type"},
	{"a negative margin", changes{"/margin/sectors/bakery": "-0.5"}, "/margin/sectors/bakery", "invalid_value"},
	{"a margin that some sectors lack", changes{"/margin/otherwise": nil}, "/margin/otherwise", "no_outcome"},
	{"a source twice", changes{"/margin/sources": []any{"own", "sectors", "own"}}, "/margin/sources/2", "circular_fallback"},
	{"a margin by service", changes{"/margin/sources": []any{"own", "sectors", "services"}, "/margin/services": changes{"taxi": 1}}, "/margin/sources/2", "contradictory"},
	{"a source after flat", changes{"/attribution/platform_share/sources": []any{"flat", "own", "services"}}, "/attribution/platform_share/sources/1", "unreachable"},
	{"an otherwise that flat hides", changes{"/attribution/platform_share/otherwise": "review"}, "/attribution/platform_share/otherwise", "contradictory"},
	{"empty costs", changes{"/costs": changes{}}, "/costs", "required"},
	{"an economic limit without margin", changes{"/margin": nil}, "/costs/added", "contradictory"},
	{"costs beside tiers by service", changes{"/tiers/of": "service"}, "/costs", "contradictory"},
	{"a rate above 1", changes{"/rate/share": "1.0001"}, "/rate/share", "share_above_one"},
	{"a last premium for some", changes{"/multiplier/rules/1/when": changes{"regions": []any{"seoul"}}}, "/multiplier/rules/1/when", "no_outcome"},
	{"a premium after one for all", changes{"/multiplier/rules/0/when": nil}, "/multiplier/rules/0", "unreachable"},
	{"tiers that overlap", changes{"/tiers/tiers/1/above": 200000}, "/tiers/tiers/1/above", "tier_overlap"},
	{"tiers with a gap", changes{"/tiers/tiers/1/above": 300001}, "/tiers/tiers/1/above", "tier_gap"},
	{"tiers that do not begin at 0", changes{"/tiers/tiers/0/above": 1}, "/tiers/tiers/0/above", "tier_gap"},
	{"tiers out of order", changes{"/tiers/tiers/1/up_to": 300000}, "/tiers/tiers/1/up_to", "tier_order"},
	{"an open tier in the middle", changes{"/tiers/tiers/1/up_to": nil}, "/tiers/tiers/1/up_to", "tier_order"},
	{"a top tier with an upper bound", changes{"/tiers/tiers/2/up_to": 900000}, "/tiers/tiers/2/up_to", "last_tier_closed"},
	{"a tier that neither pays nor is reviewed", changes{"/tiers/tiers/2/review": nil}, "/tiers/tiers/2/pay", "required"},
	{"a tier that pays and is reviewed", changes{"/tiers/tiers/2/pay": 70000}, "/tiers/tiers/2/review", "contradictory"},
	{"no tiers", changes{"/tiers/tiers": []any{}}, "/tiers/tiers", "empty_list"},
	{"a negative amount", changes{"/tiers/tiers/0/pay": -1}, "/tiers/tiers/0/pay", "out_of_range"},
	{"an amount beyond 2^53", changes{"/tiers/tiers/0/pay": 9007199254740992}, "/tiers/tiers/0/pay", "out_of_range"},
	{"an amount in a string", changes{"/tiers/tiers/0/pay": "30000"}, "/tiers/tiers/0/pay", "wrong_type"},
	{"two stages that pay the loss", changes{"/loss_payment": changes{"of": "claim", "rounding": changes{"mode": "down", "step": 1}}}, "/loss_payment", "contradictory"},
	{"duration tiers with a gap", changes{"/duration_tiers/tiers/1/above": 3}, "/duration_tiers/tiers/1/above", "tier_gap"},
	{"an hour that pays nothing", changes{"/duration_amounts/pay": 0}, "/duration_amounts/pay", "out_of_range"},
	{"days and outage at once", changes{"/subscriptions/rules/0/outage": changes{"times": 1}}, "/subscriptions/rules/0/outage", "contradictory"},
	{"neither days nor outage", changes{"/subscriptions/rules/0/days": nil}, "/subscriptions/rules/0/days", "required"},
	{"a month in a string", changes{"/subscriptions/rules/0/month": "30"}, "/subscriptions/rules/0/month", "invalid_value"},
	{"a month of 60 days", changes{"/subscriptions/rules/0/month": 60}, "/subscriptions/rules/0/month", "invalid_value"},
	{"a rounding step of 0", changes{"/subscriptions/rules/0/rounding/step": 0}, "/subscriptions/rules/0/rounding/step", "out_of_range"},
	{"an unknown rounding", changes{"/subscriptions/rules/0/rounding/mode": "nearest"}, "/subscriptions/rules/0/rounding/mode", "unknown_value"},
	{"a subscription rule nobody reaches", changes{"/subscriptions/rules/0/plans": nil}, "/subscriptions/rules/0", "unreachable"},
	{"credits out of order", changes{"/service_credits/tiers/1/uptime_below": "0.9995"}, "/service_credits/tiers/1/uptime_below", "tier_order"},
	{"a longer outage that gives less", changes{"/service_credits/tiers/1/credit": "0.05"}, "/service_credits/tiers/1/credit", "tier_order"},
	{"a fee waiver of more than the fare", changes{"/fee_waivers/rules/0/share": 20}, "/fee_waivers/rules/0/share", "share_above_one"},
	{"a fee waiver on an unknown item", changes{"/fee_waivers/rules/0/items/0": "fare"}, "/fee_waivers/rules/0/items/0", "unknown_value"},
	{"a fee waiver in no time", changes{"/fee_waivers/rules/0/within/to": "2022-10-15T15:00"}, "/fee_waivers/rules/0/within/to", "empty_span"},
	{"an activity of nothing", changes{"/flat_amounts/rules/0/activity/at_least": 0}, "/flat_amounts/rules/0/activity/at_least", "out_of_range"},
	{"a mean of no observation", changes{"/platform_multiple/minimum_observations": 0}, "/platform_multiple/minimum_observations", "out_of_range"},
	{"a floor above the cap", changes{"/limits/cap": 999}, "/limits/floor", "floor_above_cap"},
	{"empty limits", changes{"/limits": changes{}}, "/limits", "required"},
	{"a smallest amount the floor hides", changes{"/limits/minimum_payable": 1000}, "/limits/minimum_payable", "contradictory"},
	{"a smallest amount above the cap", changes{"/limits": changes{"cap": 100, "minimum_payable": 101}}, "/limits/minimum_payable", "contradictory"},
	{"an offset twice", changes{"/offsets/kinds/1": "advance"}, "/offsets/kinds/1", "duplicate_value"},
	{"no offsets", changes{"/offsets/kinds": []any{}}, "/offsets/kinds", "empty_list"},
	{"a stage that is a list", changes{"/rounding": []any{}}, "/rounding", "wrong_type"},
	{"a share that is a list", changes{"/rate": map[string]any{"share": []any{nil}}}, "/rate/share", "wrong_type"},
	{"a loss nobody pays", changes{"/tiers": nil}, "/margin", "unused_stage"},
	{"a loss measured from nothing", changes{"/baseline": nil}, "/baseline", "required"},
	{"tiers of three with an open second", changes{"/tiers/tiers": []any{changes{"above": 0, "up_to": 300000, "pay": 1}, changes{"above": 300000, "review": true}, changes{"above": 300000, "review": true}}}, "/tiers/tiers/1/up_to", "tier_order"},
}

func TestParseRefusesWhatNoClaimShouldMeet(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			wantField(t, with(t, soundDocument(t), c.change), c.pointer, c.code)
		})
	}
}

func wantField(t *testing.T, data []byte, pointer, code string) {
	t.Helper()
	_, err := scheme.Parse(data)
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid {
		t.Fatalf("got %v, want an Invalid fault", err)
	}
	if !slices.ContainsFunc(f.Fields, func(f fault.Field) bool { return f.Pointer == pointer && f.Code == code }) {
		t.Errorf("no %s at %s in: %v", code, pointer, err)
	}
	for _, field := range f.Fields {
		if field.Detail.EN == "" || field.Detail.KO == "" || strings.Contains(field.Detail.EN+field.Detail.KO, "%!") {
			t.Errorf("%s says %+v", field.Pointer, field.Detail)
		}
	}
}

func TestParseRefusesASchemeThatPaysNothing(t *testing.T) {
	nothing := changes{}
	for _, stage := range []string{"tiers", "duration_tiers", "duration_amounts", "subscriptions", "service_credits", "fee_waivers",
		"reimbursed_orders", "flat_amounts", "platform_multiple"} {
		nothing["/"+stage] = nil
	}
	wantField(t, with(t, soundDocument(t), nothing), "", "no_outcome")
}

func TestParseNamesEveryProblemAtOnce(t *testing.T) {
	data := with(t, soundDocument(t), changes{
		"/rate/share": "2", "/tiers/tiers/1/above": 1, "/limits/cap": 1, "/margin/sectors/bakery": "3",
		"/offsets/kinds/0": "gift", "/currency": "won", "/bonus": 1,
	})
	_, err := scheme.Parse(data)
	f := fault.As(err)
	if f == nil || len(f.Fields) != 7 {
		t.Fatalf("got %v, want seven problems", err)
	}
	if !slices.IsSortedFunc(f.Fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) }) {
		t.Errorf("problems are not in order: %v", err)
	}
}

func TestParseRefusesDuplicateKeys(t *testing.T) {
	for _, c := range []struct{ old, twice, pointer string }{
		{`"version": 1`, `"version": 1, "version": 2`, "/version"},
		{`"rate": {"share": "0.80"}`, `"rate": {"share": "0.80"}, "rate": {"share": "0.10"}`, "/rate"},
		{`"share": "0.80"`, `"share": "0.80", "share": "0.10"`, "/rate/share"},
		{`"bakery": "0.5"`, `"bakery": "0.5", "bakery": "0.1"`, "/margin/sectors/bakery"},
	} {
		wantField(t, []byte(strings.Replace(sound, c.old, c.twice, 1)), c.pointer, "duplicate_key")
	}
}

func TestParseRefusesWhatIsNotJSON(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		kind fault.Kind
	}{
		"nothing":            {"", fault.Malformed},
		"half a document":    {sound[:500], fault.Malformed},
		"two documents":      {sound + sound, fault.Malformed},
		"a trailing comma":   {`{"id": "x",}`, fault.Malformed},
		"not UTF-8":          {"{\"id\": \"\xff\"}", fault.Malformed},
		"NaN":                {`{"version": NaN}`, fault.Malformed},
		"too deep":           {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), fault.Malformed},
		"a comment":          {"{} // scheme", fault.Malformed},
		"more than can be":   {strings.Repeat(" ", 1<<20+1), fault.TooLarge},
		"a list":             {"[]", fault.Invalid},
		"a string":           {`"scheme"`, fault.Invalid},
		"null":               {"null", fault.Invalid},
		"an empty object":    {"{}", fault.Invalid},
		"a byte order mark":  {"\ufeff" + sound, fault.Malformed},
		"a number too large": {strings.Replace(sound, `"version": 1`, `"version": 1`+strings.Repeat("0", 400), 1), fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := scheme.Parse([]byte(c.data)); fault.KindOf(err) != c.kind {
				t.Errorf("got %v, want %s", err, c.kind)
			}
		})
	}
}

func TestHashIsOfTheExactBytes(t *testing.T) {
	s, err := scheme.Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(sound))
	if got, want := s.Hash(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	respaced, err := scheme.Parse([]byte(sound + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if respaced.Hash() == s.Hash() {
		t.Error("other bytes have the same hash")
	}
}

func TestParseKeepsItsOwnBytes(t *testing.T) {
	data := []byte(sound)
	s, err := scheme.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Hash()
	clear(data)
	s.Bytes()[0] = 'x'
	if s.Hash() != before {
		t.Error("the scheme changed with the caller's bytes")
	}
}

func TestASchemeFitsOnlyAnIncidentOfItsTimeAndCurrency(t *testing.T) {
	s, err := scheme.Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	during := revenue.Span{Start: start, End: start + revenue.Day}
	if err := s.Fits("KRW", during); err != nil {
		t.Errorf("refused its own incident: %v", err)
	}
	before := revenue.Span{Start: start - revenue.Week, End: start - 6*revenue.Day}
	got := map[string]string{}
	for _, f := range fault.As(s.Fits("USD", before)).Fields {
		got[f.Pointer] = f.Code
	}
	want := map[string]string{
		"/currency": "currency_differs", "/incident": "window_outside_incident",
		"/compensable_window": "window_outside_incident", "/baseline/comparison/period": "window_outside_incident",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

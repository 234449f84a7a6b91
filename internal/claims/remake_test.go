package claims_test

import (
	"bytes"
	"slices"
	"testing"

	"redress/internal/baseline"
	"redress/internal/bundle"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// What an accountant downloads makes the estimate that was stored, byte for byte,
// and nothing else does.
func TestAnEstimateIsRemadeFromItsBundle(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		uploaded := ordinary(1)
		s.upload(t, identity.Claimant, uploaded)
		c := s.file(t, s.draft(), true)
		e := must(s.Estimate(t.Context(), s.as(identity.Claimant), c.ID, 0))(t)
		rules := must(s.Scheme(t.Context(), e.Scheme.ID, e.Scheme.Version))(t)
		// As it is read from the bundle's file.
		written := must(bundle.EncodeHistory(uploaded))(t)
		history := must(bundle.ParseHistory(written))(t)
		var calendar publication.Hash
		if err := calendar.UnmarshalText([]byte(baseline.CalendarHash())); err != nil {
			t.Fatal(err)
		}
		honest := func() bundle.EstimateFiles {
			h := history
			h.Amounts = slices.Clone(h.Amounts)
			return bundle.EstimateFiles{
				Estimate: bytes.Clone(e.Bytes), Inputs: bytes.Clone(e.Inputs), Scheme: bytes.Clone(rules.Bytes), Calendar: calendar,
				Histories: map[string]revenue.History{c.Lines[0].Service: h},
			}
		}
		if err := claims.Remake(honest()); err != nil {
			t.Fatal(err)
		}
		for name, tamper := range map[string]func(f *bundle.EstimateFiles){
			"the amount":   func(f *bundle.EstimateFiles) { f.Estimate = replaced(t, f.Estimate, `"amount":`, `"amount":1`) },
			"its words":    func(f *bundle.EstimateFiles) { f.Estimate = append(f.Estimate, '\n') },
			"the model":    func(f *bundle.EstimateFiles) { f.Inputs = replaced(t, f.Inputs, baseline.Model, "another") },
			"the windows":  func(f *bundle.EstimateFiles) { f.Inputs = replaced(t, f.Inputs, `10000`, `5000`) },
			"the inputs":   func(f *bundle.EstimateFiles) { f.Inputs = f.Inputs[1:] },
			"the scheme":   func(f *bundle.EstimateFiles) { f.Scheme = append(f.Scheme, '\n') },
			"no scheme":    func(f *bundle.EstimateFiles) { f.Scheme = nil },
			"the holidays": func(f *bundle.EstimateFiles) { f.Calendar[0] ^= 1 },
			"a history":    func(f *bundle.EstimateFiles) { sold(f.Histories[c.Lines[0].Service]) },
			"no history":   func(f *bundle.EstimateFiles) { clear(f.Histories) },
		} {
			f := honest()
			tamper(&f)
			if err := fault.As(claims.Remake(f)); err == nil || err.Code != "estimate_not_remade" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func replaced(t testing.TB, data []byte, old, with string) []byte {
	t.Helper()
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("there is no %s in %s", old, data)
	}
	return bytes.Replace(data, []byte(old), []byte(with), 1)
}

// sold raises the first amount of a history.
func sold(h revenue.History) {
	h.Amounts[slices.Index(h.States, revenue.Open)] += 100
}

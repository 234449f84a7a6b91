package claims_test

import (
	"bytes"
	"fmt"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

// The town's clock stands at 1 November 2022, noon in Seoul.
func TestSchemeIsPutInForceOnlyOnTheDaysItAllows(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		for n, tc := range []struct{ from, to, code string }{
			{"2022-11-01", "2022-11-01", ""},
			{"2022-10-01", "2022-10-31", "scheme_not_effective"},
			{"2022-11-02", "2022-12-01", "scheme_not_effective"},
		} {
			version := n + 2
			dates := fmt.Appendf(nil, `"effective_from": %q, "effective_to": %q, "payout"`, tc.from, tc.to)
			document := bytes.Replace(schemeDocument(t, version), []byte(`"payout"`), dates, 1)
			must(s.PublishScheme(t.Context(), s.as(identity.Admin), document, claims.Reply[claims.SchemeVersion]{}))(t)
			in := anIncident()
			in.Scheme = &claims.SchemeRef{ID: "sandbox-2022", Version: version}
			in = must(s.CreateIncident(t.Context(), s.as(identity.Admin), in, claims.Reply[claims.Incident]{}))(t)
			_, err := s.OpenIncident(t.Context(), s.as(identity.Admin), in.ID, in.Version, claims.Reply[claims.Incident]{})
			if f := fault.As(err); (f == nil) != (tc.code == "") || (f != nil && (len(f.Fields) != 1 || f.Fields[0].Code != tc.code)) {
				t.Errorf("%s to %s: %v, want %q", tc.from, tc.to, err, tc.code)
			}
		}
		// What is in force stays in force: changing something else is no new start.
		must(s.ChangeIncident(t.Context(), s.as(identity.Admin), s.incident.ID, 0, "incident.changed", func(in *claims.Incident) error {
			in.Platform = "Another name"
			return nil
		}, claims.Reply[claims.Incident]{}))(t)
	})
}

package claims_test

import (
	"testing"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/publication"
)

// sealed seals a snapshot of the town's incident.
func (s *town) sealed(t testing.TB) claims.Snapshot {
	t.Helper()
	return must(s.Seal(t.Context(), s.as(identity.Auditor), s.incident.ID, claims.Reply[claims.Snapshot]{}))(t)
}

// released seals a snapshot and releases it.
func (s *town) released(t testing.TB) claims.Release {
	t.Helper()
	return must(s.ReleaseTotals(t.Context(), s.as(identity.Admin), s.incident.ID, s.sealed(t).Number, claims.Reply[claims.Release]{}))(t)
}

var publicationAttempts = []attempt{
	{"Seal", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Seal(t.Context(), a, s.incident.ID, claims.Reply[claims.Snapshot]{}))
	}},
	{"Snapshot", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Snapshot(t.Context(), a, s.incident.ID, s.sealed(t).Number))
	}},
	{"Snapshots", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Snapshots(t.Context(), a, s.incident.ID, claims.Page{Limit: 1}))
	}},
	{"Snapshots, a draft's", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Snapshots(t.Context(), a, s.unopened(t).ID, claims.Page{Limit: 1}))
	}},
	{"Leaves", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Leaves(t.Context(), a, s.incident.ID, 0, func([]byte) error { return nil }))
	}},
	{"Proof", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Proof(t.Context(), a, s.incident.ID, 0, 1_000)), "leaf_not_found")
	}},
	{"ProofOf", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.ProofOf(t.Context(), a, s.incident.ID, 0, s.drafted(t).ID)), "leaf_not_found")
	}},
	{"ReleaseTotals", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.ReleaseTotals(t.Context(), a, s.incident.ID, s.sealed(t).Number, claims.Reply[claims.Release]{}))
	}},
	{"ReleaseOf", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.ReleaseOf(t.Context(), a, s.incident.ID, s.released(t).Number))
	}},
	{"Releases", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Releases(t.Context(), a, s.incident.ID, claims.Page{Limit: 1}))
	}},
	{"ReleasedStatistics", func(t *testing.T, s *town, a identity.Actor) error {
		_, _, err := s.ReleasedStatistics(t.Context(), a, s.incident.ID, 0)
		return err
	}},
	{"Totals", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Totals(t.Context(), a, s.incident.ID, nil, 0))
	}},
	{"Restate", func(t *testing.T, s *town, a identity.Actor) error {
		draft := claims.RestatementDraft{Release: 1, Measure: publication.Count, Reason: lang.T("Counted twice.", "두 번 셌습니다.")}
		return failed(s.Restate(t.Context(), a, s.incident.ID, draft, claims.Reply[claims.Restatement]{}))
	}},
	{"Restatements", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Restatements(t.Context(), a, s.incident.ID))
	}},
	{"PublishDisclosureRule", func(t *testing.T, s *town, a identity.Actor) error {
		book := must(s.DisclosureRule(t.Context(), 1))(t)
		return failed(s.PublishDisclosureRule(t.Context(), a, 0, book.Bytes, claims.Reply[claims.Rulebook]{}))
	}},
	{"PublicReceipt", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.PublicReceipt(t.Context(), a, s.sealed(t).EntryID)), "receipt_not_ready", "log_not_kept")
	}},
	{"PublicReceipt, a claim's", func(t *testing.T, s *town, a identity.Actor) error {
		events := must(s.Events(t.Context(), s.as(identity.Claimant), s.drafted(t).ID))(t)
		return failed(s.PublicReceipt(t.Context(), a, events[0].EntryID))
	}},
	{"Bundle", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Bundle(t.Context(), a, s.incident.ID)), "bundle_not_ready")
	}},
	{"Bundle, a draft's", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Bundle(t.Context(), a, s.unopened(t).ID)), "bundle_not_ready")
	}},
}

func init() { attempts = append(attempts, publicationAttempts...) }

package claims

import (
	"context"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// Totals are one table of every measure of a release.
type Totals struct {
	Release Release // without its bytes
	// Said is what the release says, each measure with the table asked for: none
	// where the measure was never shown or no table was asked for.
	Said publication.Release
	// Restatements are all that were made, after the release, too.
	Restatements []publication.Restatement
	Definitions  []publication.Definition
}

// Totals are the published figures by one dimension, by one and status, or none,
// of one release, the newest when n is 0. They are read from the release as it was
// published, whatever the claims do meanwhile.
func (s *Service) Totals(ctx context.Context, actor identity.Actor, incidentID string, by []publication.Dimension, n int) (Totals, error) {
	if err := tabled(by); err != nil {
		return Totals{}, err
	}
	release, err := s.store.ReleaseHeader(ctx, incidentID, n)
	if isNotFound(err) {
		// An incident that the actor may not see has no release.
		if _, err := s.Incident(ctx, actor, incidentID); err != nil {
			return Totals{}, err
		}
	}
	if err != nil {
		return Totals{}, err
	}
	said, err := s.said(ctx, release)
	if err != nil {
		return Totals{}, err
	}
	restated, err := s.store.Restatements(ctx, incidentID)
	if err != nil {
		return Totals{}, err
	}
	out := Totals{Release: release, Said: *said, Restatements: make([]publication.Restatement, len(restated)), Definitions: publication.Definitions()}
	for i, r := range restated {
		if out.Restatements[i], err = r.Read(); err != nil {
			return Totals{}, err
		}
	}
	out.Said.Measures = slices.Clone(said.Measures)
	for i := range out.Said.Measures {
		m := &out.Said.Measures[i]
		at := slices.IndexFunc(m.Tables, func(t publication.Table) bool { return slices.Equal(t.By, by) })
		if at < 0 {
			m.Tables = []publication.Table{}
		} else {
			m.Tables = m.Tables[at : at+1]
		}
	}
	return out, nil
}

// tabled refuses to count by what releases have no table for.
func tabled(by []publication.Dimension) error {
	var all []string
	for _, table := range publication.Tables() {
		if len(by) == 0 || slices.Equal(table, by) {
			return nil
		}
		var names []string
		for _, d := range table {
			names = append(names, string(d))
		}
		all = append(all, strings.Join(names, ","))
	}
	return fault.InvalidFields([]fault.Field{fault.At("query:by", "no_such_table",
		"must be one of %s.", "%s 중 하나여야 합니다.", strings.Join(all, "; "))})
}

// said is what a release says. Reading it is done once for each release, which
// never changes.
func (s *Service) said(ctx context.Context, header Release) (*publication.Release, error) {
	if known, ok := s.books.Load(header.Hash); ok {
		return known.(*publication.Release), nil
	}
	release, err := s.store.Release(ctx, header.IncidentID, header.Number)
	if err != nil {
		return nil, err
	}
	read, err := release.Read()
	if err != nil {
		return nil, err
	}
	s.books.Store(header.Hash, &read)
	return &read, nil
}

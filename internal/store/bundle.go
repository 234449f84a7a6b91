package store

import (
	"context"

	"redress/internal/claims"
)

func (r reader) SchemesUsed(ctx context.Context, incidentID string) ([]claims.SchemeRef, error) {
	var used []claims.SchemeRef
	var ref claims.SchemeRef
	err := r.read(ctx, "find the schemes used for incident "+incidentID, `SELECT DISTINCT e.scheme_id, e.scheme_version
		FROM claims c JOIN estimates e ON e.claim_id = c.id WHERE c.incident_id = ?`,
		[]any{incidentID}, []any{&ref.ID, &ref.Version}, func() { used = append(used, ref) })
	return used, err
}

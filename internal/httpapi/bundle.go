package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"redress/internal/bundle"
)

func (s *server) GetBundle(ctx context.Context, r GetBundleRequestObject) (GetBundleResponseObject, error) {
	if err := s.audit.Servable(); err != nil {
		return nil, err
	}
	contents, err := s.claims.Bundle(ctx, actorOf(ctx), r.Incident)
	contents.Log.Keys = s.audit.Keys
	return zipped(contents), err
}

// zipped answers a bundle file by file, as they are read: what can be refused was
// refused before.
type zipped bundle.Contents

func (b zipped) VisitGetBundleResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", attachment(fmt.Sprintf("%s-%s.zip", b.Incident, b.Access)))
	return bundle.WriteZip(w, bundle.Contents(b))
}

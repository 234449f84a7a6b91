package httpapi

import (
	"context"
	"errors"
)

var errPending = errors.New("not there yet")

func (s *server) ListSimilarClaims(context.Context, ListSimilarClaimsRequestObject) (ListSimilarClaimsResponseObject, error) {
	return nil, errPending
}

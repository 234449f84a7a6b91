package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/publication"
)

func (s *server) ListSnapshots(ctx context.Context, r ListSnapshotsRequestObject) (ListSnapshotsResponseObject, error) {
	page, err := pageOf(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.claims.Snapshots(ctx, actorOf(ctx), r.Incident, page)
	if err != nil {
		return nil, err
	}
	found, link := cut(ctx, found, page, func(s claims.Snapshot) string { return strconv.Itoa(s.Number) })
	return ListSnapshots200JSONResponse{Body: SnapshotList{Snapshots: each(found, toSnapshot)}, Headers: ListSnapshots200ResponseHeaders{Link: link}}, nil
}

func (s *server) CreateSnapshot(ctx context.Context, r CreateSnapshotRequestObject) (CreateSnapshotResponseObject, error) {
	answer := func(s claims.Snapshot) CreateSnapshotResponseObject {
		return CreateSnapshot201JSONResponse{Body: toSnapshot(s), Headers: CreateSnapshot201ResponseHeaders{Location: ptr(snapshotPlace(s))}}
	}
	sealed, err := s.claims.Seal(ctx, actorOf(ctx), r.Incident, reply(ctx, func(s claims.Snapshot, w http.ResponseWriter) error {
		return answer(s).VisitCreateSnapshotResponse(w)
	}))
	if err != nil {
		return nil, err
	}
	return answer(sealed), nil
}

func (s *server) GetSnapshot(ctx context.Context, r GetSnapshotRequestObject) (GetSnapshotResponseObject, error) {
	found, err := s.claims.Snapshot(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return GetSnapshot200JSONResponse(toSnapshot(found)), nil
}

func (s *server) GetSnapshotReceipt(ctx context.Context, r GetSnapshotReceiptRequestObject) (GetSnapshotReceiptResponseObject, error) {
	found, err := s.claims.Snapshot(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	return s.publicReceipt(ctx, fmt.Sprintf("snapshot-%d", found.Number), found.EntryID)
}

func toSnapshot(s claims.Snapshot) Snapshot {
	return Snapshot{
		Number: s.Number, TakenAt: s.TakenAt, Root: s.Root.String(), RuleVersion: s.Rule, StatisticsHash: s.StatisticsHash,
		Receipt: snapshotPlace(s) + "/receipt", Sums: s.Sums,
	}
}

func snapshotPlace(s claims.Snapshot) string {
	return fmt.Sprintf("/v1/incidents/%s/snapshots/%d", s.IncidentID, s.Number)
}

func (s *server) GetSnapshotLeaves(ctx context.Context, r GetSnapshotLeavesRequestObject) (GetSnapshotLeavesResponseObject, error) {
	sealed, err := s.claims.Snapshot(ctx, actorOf(ctx), r.Incident, r.N)
	if err != nil {
		return nil, err
	}
	list := leafList{tag: sealed.Root.String(), packed: takesGzip(ctx), send: func(visit func([]byte) error) error {
		_, err := s.claims.Leaves(ctx, actorOf(ctx), r.Incident, sealed.Number, visit)
		return err
	}}
	return list, nil
}

// leafList answers the leaves of a snapshot while they are read.
type leafList struct {
	tag    string
	packed bool // for a reader that takes gzip
	send   func(visit func(part []byte) error) error
}

func (l leafList) VisitGetSnapshotLeavesResponse(w http.ResponseWriter) error {
	// What may not be read is refused before the first part, and then nothing is
	// written yet.
	begun := false
	begin := func() {
		begun = true
		h := w.Header()
		h.Set("Content-Type", "application/x-ndjson")
		h.Set("Vary", "Accept-Encoding")
		tag := l.tag
		if l.packed {
			h.Set("Content-Encoding", "gzip")
			tag += "-gzip"
		}
		h.Set("ETag", `"`+tag+`"`)
		w.WriteHeader(http.StatusOK)
	}
	var unpacked gzip.Reader
	err := l.send(func(part []byte) error {
		if !begun {
			begin()
		}
		if l.packed {
			_, err := w.Write(part)
			return err
		}
		if err := unpacked.Reset(bytes.NewReader(part)); err != nil {
			return err
		}
		_, err := io.Copy(w, &unpacked)
		return err
	})
	if err != nil || begun {
		return err
	}
	begin()
	if l.packed {
		return gzip.NewWriter(w).Close() // a snapshot of no claims
	}
	return nil
}

// takesGzip reports whether the request allows an answer in gzip.
func takesGzip(ctx context.Context) bool {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return false
	}
	for coding := range strings.SplitSeq(c.GetHeader("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

func (s *server) GetSnapshotProof(ctx context.Context, r GetSnapshotProofRequestObject) (GetSnapshotProofResponseObject, error) {
	index, claim := r.Params.Index, r.Params.Claim
	if (index == nil) == (claim == nil) {
		return nil, fault.InvalidFields([]fault.Field{fault.At("query:index", "one_of_two",
			"either index or claim is needed, and not both.", "index와 claim 가운데 하나만 적어야 합니다.")})
	}
	var proved claims.Proved
	var err error
	if claim != nil {
		proved, err = s.claims.ProofOf(ctx, actorOf(ctx), r.Incident, r.N, *claim)
	} else {
		proved, err = s.claims.Proof(ctx, actorOf(ctx), r.Incident, r.N, *index)
	}
	if err != nil {
		return nil, err
	}
	if proved.Proof.Siblings == nil {
		proved.Proof.Siblings = []publication.Node{} // the only leaf
	}
	return GetSnapshotProof200JSONResponse(ProvedLeaf{Leaf: proved.Leaf, Proof: proved.Proof, Root: proved.Root}), nil
}

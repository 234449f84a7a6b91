package claims

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"redress/internal/checks"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/revenue"
)

// Upload is one stored revenue history of an outlet in one service. Uploads are
// never changed; the newest of each source is current.
type Upload struct {
	ID         string
	ClaimantID string
	Outlet     string
	Service    string
	Source     revenue.Source
	Digest     string          // revenue.Digest, hexadecimal
	Summary    json.RawMessage // of the file it was read from
	Weeks      int
	UploadedBy string // id of the key
	UploadedAt time.Time
}

// PrepareUpload checks that the actor may upload for the outlet and says who
// the upload comes from, before the file is read.
func (s *Service) PrepareUpload(ctx context.Context, actor identity.Actor, claimantID, outlet string) (Claimant, revenue.Source, error) {
	c, err := findClaimant(ctx, s.store, actor, claimantID, identity.ActForClaimants)
	if err != nil {
		return Claimant{}, "", err
	}
	if _, ok := c.Outlet(outlet); !ok {
		return Claimant{}, "", fault.InvalidFields([]fault.Field{unknownOutlet("query:outlet", outlet)})
	}
	if actor.Can(identity.PushLedgers) {
		return c, revenue.FromPlatform, nil
	}
	return c, revenue.FromClaimant, nil
}

func unknownOutlet(pointer, code string) fault.Field {
	return fault.At(pointer, "unknown_outlet", "The claimant has no outlet %q.", "청구인에게 매장 %q이(가) 없습니다.", code)
}

// Upload stores a history that was read, as the current one of the source that
// the actor uploads for. What a claimant uploads is marked, so that a copy of it
// under another name is found.
func (s *Service) Upload(ctx context.Context, actor identity.Actor, in Upload, h revenue.History) (Upload, error) {
	_, source, err := s.PrepareUpload(ctx, actor, in.ClaimantID, in.Outlet)
	if err != nil {
		return Upload{}, err
	}
	digest := revenue.Digest(h)
	weeks := revenue.Pack(h)
	var marks []uint64
	if source == revenue.FromClaimant {
		marks = checks.Fingerprints(h)
	}
	in.ID, in.Source, in.Digest, in.Weeks = newID(), source, hex.EncodeToString(digest[:]), len(weeks)
	in.UploadedBy, in.UploadedAt = actor.KeyID, s.now()
	return write(ctx, s, Reply[Upload]{}, func(ctx context.Context, tx Tx) (Upload, error) {
		if err := tx.InsertUpload(ctx, in, weeks); err != nil {
			return Upload{}, err
		}
		if err := tx.InsertMarks(ctx, in.ClaimantID, marks); err != nil {
			return Upload{}, err
		}
		return in, s.log(ctx, tx, "revenue.uploaded", in.ClaimantID, map[string]any{
			"upload": in.ID, "outlet": in.Outlet, "service": in.Service, "source": string(in.Source), "digest": in.Digest,
		})
	})
}

// Uploads finds the current upload of each source.
func (s *Service) Uploads(ctx context.Context, actor identity.Actor, claimantID, outlet, service string) ([]Upload, error) {
	c, err := findClaimant(ctx, s.store, actor, claimantID, identity.ReadClaims)
	if err != nil {
		return nil, err
	}
	if _, ok := c.Outlet(outlet); !ok {
		return nil, fault.InvalidFields([]fault.Field{unknownOutlet("query:outlet", outlet)})
	}
	return s.store.Uploads(ctx, claimantID, outlet, service)
}

// SourcedHistory is the history of one upload and who it is from.
type SourcedHistory struct {
	Source  revenue.Source
	History revenue.History
}

// holding is what is held of one outlet in one service.
type holding struct {
	uploads []string // their ids, the platform's first
	sources map[revenue.Source]revenue.History
	joined  revenue.History // the platform's ledger outranking the claimant's upload
	digest  string          // of joined
}

// holding loads what is held of one outlet in one service.
func (s *Service) holding(ctx context.Context, claimantID, outlet, service string) (holding, error) {
	current, err := s.store.Uploads(ctx, claimantID, outlet, service)
	if err != nil {
		return holding{}, err
	}
	h := holding{uploads: make([]string, len(current)), sources: map[revenue.Source]revenue.History{}}
	for i, u := range current {
		h.uploads[i] = u.ID
	}
	held, err := s.store.Histories(ctx, h.uploads)
	if err != nil {
		return holding{}, err
	}
	for _, one := range held {
		h.sources[one.Source] = one.History
	}
	h.joined, h.digest, err = merged(h.sources)
	return h, err
}

// merged joins the sources and computes the digest of what comes out.
func merged(bySource map[revenue.Source]revenue.History) (revenue.History, string, error) {
	h, err := revenue.Merge(bySource[revenue.FromPlatform], bySource[revenue.FromClaimant])
	digest := revenue.Digest(h)
	return h, hex.EncodeToString(digest[:]), err
}

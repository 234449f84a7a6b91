package claims

import (
	"context"
	"fmt"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/scheme"
)

// SchemeVersion is one immutable version of a scheme, in the exact bytes that
// were posted and hashed.
type SchemeVersion struct {
	ID        string
	Version   int
	Title     lang.Text
	Hash      string // SHA-256 of Bytes, hexadecimal
	Bytes     []byte
	CreatedAt time.Time
}

// ruling finds the rules of a version, read once for all claims made under it:
// a version never changes.
func (s *Service) ruling(ctx context.Context, ref SchemeRef) (*scheme.Scheme, error) {
	if known, ok := s.rules.Load(ref); ok {
		return known.(*scheme.Scheme), nil
	}
	version, err := s.store.Scheme(ctx, ref.ID, ref.Version)
	if err != nil {
		return nil, err
	}
	parsed, err := scheme.Parse(version.Bytes)
	if err != nil {
		return nil, fmt.Errorf("scheme %s version %d: %w", ref.ID, ref.Version, err)
	}
	s.rules.Store(ref, parsed)
	return parsed, nil
}

// PublishScheme checks a scheme document and keeps it. A version that exists is
// never replaced. Its hash is logged in the same transaction, so it is in the
// log before any claim can be evaluated by it.
func (s *Service) PublishScheme(ctx context.Context, actor identity.Actor, document []byte, reply Reply[SchemeVersion]) (SchemeVersion, error) {
	if err := allow(actor, identity.PublishSchemes); err != nil {
		return SchemeVersion{}, err
	}
	parsed, err := scheme.Parse(document)
	if err != nil {
		return SchemeVersion{}, fault.Under("#", err)
	}
	v := SchemeVersion{
		ID: string(parsed.ID), Version: parsed.Version, Title: lang.Text(parsed.Title),
		Hash: parsed.Hash(), Bytes: document, CreatedAt: s.now(),
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (SchemeVersion, error) {
		if err := tx.InsertScheme(ctx, v); err != nil {
			return SchemeVersion{}, err
		}
		return v, s.log(ctx, tx, "scheme.published", v.ID, map[string]any{"version": v.Version, "hash": v.Hash})
	})
}

// Scheme finds one version of a scheme, the newest when version is 0.
func (s *Service) Scheme(ctx context.Context, id string, version int) (SchemeVersion, error) {
	return s.store.Scheme(ctx, id, version)
}

// Schemes lists scheme versions by id, the newest version of each first, after
// the given one.
func (s *Service) Schemes(ctx context.Context, after *SchemeRef, limit int) ([]SchemeVersion, error) {
	return s.store.Schemes(ctx, after, limit)
}

// NotFound is the answer for what is absent and for what is somebody else's:
// the two must not be told apart.
func NotFound(what, id string) error {
	nouns := map[string]string{
		"claim": "청구", "claimant": "청구인", "incident": "장애", "scheme": "보상 기준", "estimate": "추정", "key": "키",
		"job": "작업", "decision": "결정", "request": "자료 요청", "letter": "결정문", "appeal": "이의신청", "rulebook": "업무 기준", "batch": "점검 묶음",
		"quality_review": "점검", "evidence": "증빙", "view": "보기", "event": "이력", "entry": "기록", "snapshot": "집계", "release": "공표", "restatement": "정정",
		"sample": "표본", "sampled_claim": "표본의 청구", "history": "매출 이력",
	}
	return fault.New(fault.NotFound, what+"_not_found", "There is no %[1]s %[2]s.", "%[3]s %[2]s을(를) 찾을 수 없습니다.", what, id, nouns[what])
}

package claims

import (
	"context"
	"time"
	"unicode/utf8"

	"redress/internal/fault"
	"redress/internal/identity"
)

func newKey(role identity.Role, label, person, claimantID, issuedBy string, now, expires time.Time) (identity.Key, string) {
	id, hash, token := identity.NewToken()
	if person == "" {
		person = id
	}
	return identity.Key{
		ID: id, Role: role, Label: label, Person: person, ClaimantID: claimantID, IssuedBy: issuedBy,
		Hash: hash, CreatedAt: now, ExpiresAt: expires,
	}, token
}

// KeyRequest asks for a key.
type KeyRequest struct {
	Role       identity.Role
	Label      string
	Person     string     // code of who will hold it, so that a second key of theirs is known as theirs
	ClaimantID string     // for the roles claimant and delegate
	ExpiresAt  *time.Time // a year from now when nil
}

// IssuedKey is a new key with its token, which is shown once.
type IssuedKey struct {
	Key   identity.Key
	Token string
}

// IssueKey issues a key: an admin any, a claimant delegate keys for themselves.
func (s *Service) IssueKey(ctx context.Context, actor identity.Actor, in KeyRequest, reply Reply[IssuedKey]) (IssuedKey, error) {
	if in.Role == identity.Delegate && actor.Can(identity.DelegateKeys) {
		if in.ClaimantID != "" && in.ClaimantID != actor.ClaimantID {
			return IssuedKey{}, NotFound("claimant", in.ClaimantID)
		}
		in.ClaimantID = actor.ClaimantID
	} else if err := allow(actor, identity.ManageKeys); err != nil {
		return IssuedKey{}, err
	}
	return s.issue(ctx, actor, in, reply)
}

// IssueFirstKey issues a key without an actor, for the command line of whoever
// runs the server.
func (s *Service) IssueFirstKey(ctx context.Context, in KeyRequest) (IssuedKey, error) {
	return s.issue(ctx, identity.Actor{}, in, Reply[IssuedKey]{})
}

func (s *Service) issue(ctx context.Context, actor identity.Actor, in KeyRequest, reply Reply[IssuedKey]) (IssuedKey, error) {
	now := s.now()
	expires := now.Add(keyLifetime)
	if in.ExpiresAt != nil {
		expires = in.ExpiresAt.UTC()
	}
	forClaimant := in.Role == identity.Claimant || in.Role == identity.Delegate
	var fields []fault.Field
	if !expires.After(now) {
		fields = append(fields, fault.At("#/expires_at", "expires_in_the_past", "A key must expire after now.", "키의 만료 시각은 지금보다 뒤여야 합니다."))
	}
	if forClaimant && in.ClaimantID == "" {
		fields = append(fields, fault.At("#/claimant_id", "claimant_required", "A %s key needs the claimant it acts for.", "%s 키에는 대상 청구인이 필요합니다.", in.Role))
	}
	if !forClaimant && in.ClaimantID != "" {
		fields = append(fields, fault.At("#/claimant_id", "claimant_not_allowed", "A %s key acts for no claimant.", "%s 키에는 청구인을 지정할 수 없습니다.", in.Role))
	}
	if in.Role == identity.Accountant && in.Person == "" {
		fields = append(fields, fault.At("#/person", "person_required", "An accountant's key needs the code of the person, by which samples name them.", "회계사 키에는 표본에서 지정할 사람 코드가 필요합니다."))
	}
	if err := fault.InvalidFields(fields); err != nil {
		return IssuedKey{}, err
	}
	if forClaimant {
		if _, err := s.store.Claimant(ctx, in.ClaimantID); err != nil {
			return IssuedKey{}, err
		}
	}
	key, token := newKey(in.Role, in.Label, in.Person, in.ClaimantID, actor.KeyID, now, expires)
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (IssuedKey, error) {
		if err := tx.InsertKey(ctx, key); err != nil {
			return IssuedKey{}, err
		}
		return IssuedKey{Key: key, Token: token}, s.log(ctx, tx, "key.issued", key.ID, map[string]any{"role": string(key.Role)})
	})
}

// Keys lists keys, newest first: an admin sees all, a claimant those for
// themselves.
func (s *Service) Keys(ctx context.Context, actor identity.Actor, page Page) ([]identity.Key, error) {
	if actor.Can(identity.DelegateKeys) {
		return s.store.Keys(ctx, actor.ClaimantID, page)
	}
	if err := allow(actor, identity.ManageKeys); err != nil {
		return nil, err
	}
	return s.store.Keys(ctx, "", page)
}

// RevokeKey ends a key at once. Revoking a revoked key changes nothing.
func (s *Service) RevokeKey(ctx context.Context, actor identity.Actor, id string) error {
	if !actor.Can(identity.ManageKeys) && !actor.Can(identity.DelegateKeys) {
		return allow(actor, identity.ManageKeys)
	}
	_, err := write(ctx, s, Reply[struct{}]{}, func(ctx context.Context, tx Tx) (struct{}, error) {
		key, err := tx.Key(ctx, id)
		if err != nil {
			return struct{}{}, err
		}
		if !actor.Can(identity.ManageKeys) && !actor.Owns(key.ClaimantID) {
			return struct{}{}, NotFound("key", id)
		}
		if key.RevokedAt != nil {
			return struct{}{}, nil
		}
		if err := tx.RevokeKey(ctx, id, s.now()); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.log(ctx, tx, "key.revoked", id, map[string]any{"role": string(key.Role)})
	})
	return err
}

// Authenticate finds who holds a token. What is wrong with a token that is not
// accepted is not told apart.
func (s *Service) Authenticate(ctx context.Context, token string) (identity.Actor, error) {
	refused := fault.New(fault.Unauthenticated, "key_not_valid",
		"The key is not valid: unknown, expired or revoked.", "키가 유효하지 않습니다(없거나, 만료되었거나, 해지됨).")
	id, hash, ok := identity.ParseToken(token)
	// A header may hold any bytes; PostgreSQL takes no text that is not UTF-8.
	if !ok || !utf8.ValidString(id) {
		return identity.Actor{}, refused
	}
	key, err := s.store.Key(ctx, id)
	if isNotFound(err) {
		return identity.Actor{}, refused
	}
	if err != nil {
		return identity.Actor{}, err
	}
	if !key.Matches(hash) || !key.ValidAt(s.now()) {
		return identity.Actor{}, refused
	}
	return key.Actor(), nil
}

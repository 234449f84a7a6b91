package claims

import (
	"bytes"
	"context"
	"embed"
	"fmt"

	"redress/internal/fault"
	"redress/internal/identity"
)

// The first versions of both rulebooks, as Redress ships them.
//
//go:embed rulebooks/*.json
var shipped embed.FS

// Prepare publishes the shipped rulebooks where the store has none. Any number
// of processes may call it together.
func (s *Service) Prepare(ctx context.Context) error {
	for _, kind := range []RulebookKind{PolicyBook, ReasonsBook} {
		_, err := s.store.Rulebook(ctx, kind, 0)
		if !isNotFound(err) {
			if err != nil {
				return fmt.Errorf("find the %s: %w", kind, err)
			}
			continue
		}
		document, err := shipped.ReadFile("rulebooks/" + string(kind) + ".json")
		if err != nil {
			return err
		}
		_, err = s.publish(ctx, identity.Itself, kind, 0, document, Reply[Rulebook]{})
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return fmt.Errorf("publish the first %s: %w", kind, err)
		}
	}
	return nil
}

// Policy finds one version of the desk policy, the newest when version is 0.
func (s *Service) Policy(ctx context.Context, actor identity.Actor, version int) (Rulebook, error) {
	if err := allow(actor, identity.ReadClaims); err != nil {
		return Rulebook{}, err
	}
	return s.store.Rulebook(ctx, PolicyBook, version)
}

// Reasons finds one version of the reason catalogue, the newest when version is
// 0. Anybody may read why claims are decided as they are.
func (s *Service) Reasons(ctx context.Context, version int) (Rulebook, error) {
	return s.store.Rulebook(ctx, ReasonsBook, version)
}

// PublishPolicy puts the next version of the desk policy in force. version is
// the newest that the caller has seen, 0 for any.
func (s *Service) PublishPolicy(ctx context.Context, actor identity.Actor, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return s.publishAs(ctx, actor, PolicyBook, version, document, reply)
}

// PublishReasons puts the next version of the reason catalogue in force.
// version is the newest that the caller has seen, 0 for any.
func (s *Service) PublishReasons(ctx context.Context, actor identity.Actor, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return s.publishAs(ctx, actor, ReasonsBook, version, document, reply)
}

func (s *Service) publishAs(ctx context.Context, actor identity.Actor, kind RulebookKind, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	if err := allow(actor, identity.ManageDesk); err != nil {
		return Rulebook{}, err
	}
	if _, err := kind.parse(document); err != nil {
		return Rulebook{}, err
	}
	return s.publish(ctx, actor, kind, version, document, reply)
}

// publish stores a checked document as the next version; one that is in force
// already stays as it is. Its hash is logged in the same transaction, so it is in
// the log before anything is decided by it.
func (s *Service) publish(ctx context.Context, actor identity.Actor, kind RulebookKind, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Rulebook, error) {
		newest, err := tx.Rulebook(ctx, kind, 0)
		if err != nil && !isNotFound(err) {
			return Rulebook{}, err
		}
		if err := matchVersion(int64(version), int64(newest.Version)); err != nil {
			return Rulebook{}, err
		}
		if bytes.Equal(newest.Bytes, document) {
			return newest, nil
		}
		book := Rulebook{
			Kind: kind, Version: newest.Version + 1, Bytes: document, Hash: hexSHA256(document), CreatedBy: actor.Person, CreatedAt: s.now(),
		}
		if err := tx.InsertRulebook(ctx, book); err != nil {
			return Rulebook{}, err
		}
		return book, s.log(ctx, tx, "rulebook.published", string(kind), map[string]any{"version": int64(book.Version), "hash": book.Hash})
	})
}

// parse reads a document of the kind: a Policy or a Catalogue.
func (k RulebookKind) parse(document []byte) (any, error) {
	if k == PolicyBook {
		return ParsePolicy(document)
	}
	return ParseCatalogue(document)
}

// policy is the desk policy in force.
func (s *Service) policy(ctx context.Context) (Policy, error) {
	book, read, err := s.rulebook(ctx, PolicyBook, 0)
	if err != nil {
		return Policy{}, err
	}
	policy := read.(Policy)
	policy.Version = book.Version
	return policy, nil
}

// catalogue is one version of the reasons, the one in force when version is 0.
func (s *Service) catalogue(ctx context.Context, version int) (Catalogue, error) {
	book, read, err := s.rulebook(ctx, ReasonsBook, version)
	if err != nil {
		return Catalogue{}, err
	}
	catalogue := read.(Catalogue)
	catalogue.Version = book.Version
	return catalogue, nil
}

// reason finds a reason of a kind in the catalogue in force.
func (s *Service) reason(ctx context.Context, code string, kind ReasonKind) (ReasonRef, error) {
	catalogue, err := s.catalogue(ctx, 0)
	if err != nil {
		return ReasonRef{}, err
	}
	_, fields := catalogue.find(code, kind)
	return catalogue.ref(code), fault.InvalidFields(fields)
}

// rulebook finds a rulebook and what it says. Reading it is done once for each
// document, which never changes.
func (s *Service) rulebook(ctx context.Context, kind RulebookKind, version int) (Rulebook, any, error) {
	book, err := s.store.Rulebook(ctx, kind, version)
	if err != nil {
		return Rulebook{}, nil, fmt.Errorf("find the %s: %w", kind, err)
	}
	if known, ok := s.books.Load(book.Hash); ok {
		return book, known, nil
	}
	read, err := kind.parse(book.Bytes)
	if err != nil {
		return Rulebook{}, nil, fmt.Errorf("%s version %d: %w", kind, book.Version, err)
	}
	s.books.Store(book.Hash, read)
	return book, read, nil
}

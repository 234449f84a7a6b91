package claims

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"

	"redress/internal/baseline"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// The first versions of the rulebooks of the desk, as Redress ships them.
//
//go:embed rulebooks/*.json
var shipped embed.FS

// Prepare publishes the shipped rulebooks where the store has none, and what this
// program estimates with where that is another than before. Any number of
// processes may call it together.
func (s *Service) Prepare(ctx context.Context) error {
	for _, kind := range []RulebookKind{PolicyBook, ReasonsBook, DisclosureBook, ModelBook} {
		newest, err := s.store.Rulebook(ctx, kind, 0)
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("find the %s: %w", kind, err)
		}
		document, unread := kind.shipped()
		if unread != nil {
			return unread
		}
		if err == nil && (kind != ModelBook || bytes.Equal(newest.Bytes, document)) {
			continue
		}
		_, err = s.publish(ctx, identity.Itself, kind, 0, document, Reply[Rulebook]{})
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return fmt.Errorf("publish the %s: %w", kind, err)
		}
	}
	return nil
}

// shipped is the rulebook that comes with this program.
func (k RulebookKind) shipped() ([]byte, error) {
	switch k {
	case DisclosureBook:
		return publication.DefaultRule().Source(), nil
	case ModelBook:
		return json.Marshal(EstimatorModel{Calendar: baseline.CalendarHash(), Model: baseline.Model})
	default:
		return shipped.ReadFile("rulebooks/" + string(k) + ".json")
	}
}

// EstimatorModel is what the model book says: which estimator makes estimates, and
// the SHA-256 of its table of holidays in hex.
type EstimatorModel struct {
	Calendar string `json:"calendar"`
	Model    string `json:"model"`
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

// DisclosureRule finds one version of the rule of disclosure control, the newest
// when version is 0. Anybody may read what totals are published by.
func (s *Service) DisclosureRule(ctx context.Context, version int) (Rulebook, error) {
	return s.store.Rulebook(ctx, DisclosureBook, version)
}

// EstimatorModel finds one version of the model book, the newest when version is 0.
// Anybody may read what estimates are made with.
func (s *Service) EstimatorModel(ctx context.Context, version int) (Rulebook, error) {
	return s.store.Rulebook(ctx, ModelBook, version)
}

// PublishPolicy puts the next version of the desk policy in force. version is
// the newest that the caller has seen, 0 for any.
func (s *Service) PublishPolicy(ctx context.Context, actor identity.Actor, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return s.publishAs(ctx, actor, identity.ManageDesk, PolicyBook, version, document, reply)
}

// PublishReasons puts the next version of the reason catalogue in force.
// version is the newest that the caller has seen, 0 for any.
func (s *Service) PublishReasons(ctx context.Context, actor identity.Actor, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return s.publishAs(ctx, actor, identity.ManageDesk, ReasonsBook, version, document, reply)
}

// PublishDisclosureRule puts the next version of the rule of disclosure control in
// force for snapshots to come. version is the newest that the caller has seen, 0
// for any.
func (s *Service) PublishDisclosureRule(ctx context.Context, actor identity.Actor, version int, document []byte, reply Reply[Rulebook]) (Rulebook, error) {
	return s.publishAs(ctx, actor, identity.PublishTotals, DisclosureBook, version, document, reply)
}

func (s *Service) publishAs(ctx context.Context, actor identity.Actor, action identity.Action, kind RulebookKind, version int, document []byte,
	reply Reply[Rulebook],
) (Rulebook, error) {
	if err := allow(actor, action); err != nil {
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
		if err := book.checkVersion(); err != nil {
			return Rulebook{}, err
		}
		if err := tx.InsertRulebook(ctx, book); err != nil {
			return Rulebook{}, err
		}
		return book, s.log(ctx, tx, "rulebook.published", string(kind), map[string]any{"version": int64(book.Version), "hash": book.Hash})
	})
}

// checkVersion holds the version that a disclosure rule says it is against the one
// that it gets.
func (b Rulebook) checkVersion() error {
	if b.Kind != DisclosureBook {
		return nil
	}
	rule, err := publication.ParseRule(b.Bytes)
	if err == nil && rule.Version != b.Version {
		return fault.InvalidFields([]fault.Field{fault.At("#/version", "version_out_of_turn",
			"is %d; the next version is %d.", "%d입니다. 다음 버전은 %d입니다.", rule.Version, b.Version)})
	}
	return err
}

// parse reads a document of the kind: a Policy, a Catalogue, a publication.Rule or
// an EstimatorModel.
func (k RulebookKind) parse(document []byte) (any, error) {
	switch k {
	case PolicyBook:
		return ParsePolicy(document)
	case ReasonsBook:
		return ParseCatalogue(document)
	case DisclosureBook:
		return publication.ParseRule(document)
	default:
		var model EstimatorModel
		err := json.Unmarshal(document, &model)
		return model, err
	}
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

// disclosureRule is one version of the rule of disclosure control, the one in force
// when version is 0, with its own version.
func (s *Service) disclosureRule(ctx context.Context, r Reader, version int) (publication.Rule, error) {
	_, read, err := s.read(ctx, r, DisclosureBook, version)
	if err != nil {
		return publication.Rule{}, err
	}
	return read.(publication.Rule), nil
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

// rulebook finds a rulebook and what it says.
func (s *Service) rulebook(ctx context.Context, kind RulebookKind, version int) (Rulebook, any, error) {
	return s.read(ctx, s.store, kind, version)
}

// read is rulebook in any Reader. Reading is done once for each document, which
// never changes.
func (s *Service) read(ctx context.Context, r Reader, kind RulebookKind, version int) (Rulebook, any, error) {
	book, err := r.Rulebook(ctx, kind, version)
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

package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// Release is what the public was told of one snapshot.
type Release struct {
	IncidentID string
	Number     int
	Snapshot   int
	Bytes      []byte // publication.Release as JSON; where it was asked for alone
	Hash       string // SHA-256 of Bytes, hex
	ReleasedAt time.Time
	ReleasedBy string // person
	EntryID    string
}

// Read is what the bytes of the release say.
func (r Release) Read() (publication.Release, error) {
	var out publication.Release
	if err := json.Unmarshal(r.Bytes, &out); err != nil {
		return publication.Release{}, fmt.Errorf("read release %d of incident %s: %w", r.Number, r.IncidentID, err)
	}
	return out, nil
}

// ReleaseTotals publishes the totals of a snapshot, and its statistics with them.
// Releases follow the order of the snapshots; not every snapshot is released.
func (s *Service) ReleaseTotals(ctx context.Context, actor identity.Actor, incidentID string, snapshotN int, reply Reply[Release]) (Release, error) {
	if err := allow(actor, identity.PublishTotals); err != nil {
		return Release{}, err
	}
	incident, err := s.store.Incident(ctx, incidentID)
	if err != nil {
		return Release{}, err
	}
	snapshot, err := s.store.Snapshot(ctx, incidentID, snapshotN)
	if err != nil {
		return Release{}, err
	}
	if _, err := releasable(ctx, s.store, snapshot); err != nil {
		return Release{}, err
	}
	made, err := s.publication(ctx, incident, snapshot)
	if err != nil {
		return Release{}, err
	}
	document, err := made.JSON()
	if err != nil {
		return Release{}, err
	}
	release := Release{
		IncidentID: incidentID, Number: made.Number, Snapshot: snapshot.Number, Bytes: document, Hash: hexSHA256(document), ReleasedAt: s.now(), ReleasedBy: actor.Person,
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Release, error) {
		newest, err := releasable(ctx, tx, snapshot)
		if err != nil {
			return Release{}, err
		}
		restatements, err := tx.Restatements(ctx, incidentID)
		if err != nil {
			return Release{}, err
		}
		if newest.Number+1 != made.Number || len(restatements) != len(made.Restatements) {
			return Release{}, ReleaseOvertaken()
		}
		facts, err := sampleCounts(ctx, tx, incidentID, 0, 0)
		if err != nil {
			return Release{}, err
		}
		maps.Copy(facts, map[string]any{
			"number": release.Number, "snapshot": snapshot.Number, "root": snapshot.Root.String(), "hash": release.Hash,
			"rule_hash": made.Rule.Hash.String(), "statistics_hash": snapshot.StatisticsHash,
			"released_at": release.ReleasedAt.Format(time.RFC3339Nano), "released_by": tx.Blind(BlindPerson, release.ReleasedBy),
		})
		if release.EntryID, err = s.logged(ctx, tx, "release.published", incidentID, facts); err != nil {
			return Release{}, err
		}
		return release, tx.InsertRelease(ctx, release)
	})
}

// releasable finds the newest release, which is number 0 before the first, and
// refuses a snapshot that it or an earlier one published or passed by.
func releasable(ctx context.Context, r Reader, snapshot Snapshot) (Release, error) {
	newest, err := r.ReleaseHeader(ctx, snapshot.IncidentID, 0)
	switch {
	case isNotFound(err):
		return Release{}, nil
	case err != nil:
		return Release{}, err
	case newest.Snapshot >= snapshot.Number:
		return Release{}, fault.New(fault.Conflict, "snapshot_not_newer",
			"Snapshot %d cannot be released any more: release %d is of snapshot %d, and releases follow the order of snapshots.",
			"%d번 스냅샷은 더 이상 공개할 수 없습니다. %d차 공개가 이미 %d번 스냅샷이며, 공개는 스냅샷 순서를 따릅니다.", snapshot.Number, newest.Number, newest.Snapshot)
	}
	return newest, nil
}

// ReleaseOvertaken is the Conflict fault of a release beside which another one, or
// a restatement, was made.
func ReleaseOvertaken() *fault.Error {
	return fault.New(fault.Conflict, "release_overtaken",
		"Somebody released or restated totals at the same time; look at theirs and release again.", "같은 때에 다른 공개나 정정이 있었습니다. 확인한 뒤 다시 공개하십시오.")
}

// publication makes the next release of an incident from what is stored and from
// nothing else, so that an auditor's bundle makes the same.
func (s *Service) publication(ctx context.Context, incident Incident, snapshot Snapshot) (publication.Release, error) {
	rule, err := s.disclosureRule(ctx, s.store, snapshot.Rule)
	if err != nil {
		return publication.Release{}, err
	}
	earlier, lists, err := s.earlier(ctx, incident.ID)
	if err != nil {
		return publication.Release{}, err
	}
	restated, err := s.store.Restatements(ctx, incident.ID)
	if err != nil {
		return publication.Release{}, err
	}
	restatements := make([]publication.Restatement, len(restated))
	for i, r := range restated {
		if restatements[i], err = r.Read(); err != nil {
			return publication.Release{}, err
		}
	}
	leaves := s.leaves(ctx, snapshot)
	made, err := publication.Publish(publication.Snapshot{
		Incident: incident.ID, Currency: incident.Currency, At: snapshot.TakenAt, Root: snapshot.Root, Leaves: leaves.sound(),
	}, rule, earlier, restatements)
	for _, list := range append(lists, leaves) {
		if list.err != nil {
			return publication.Release{}, list.err
		}
	}
	return made, err
}

// earlier are all releases of an incident, with the lists that read their leaves.
func (s *Service) earlier(ctx context.Context, incidentID string) (earlier []publication.Earlier, lists []*leafList, err error) {
	for n := 1; ; n++ {
		release, err := s.store.Release(ctx, incidentID, n)
		if isNotFound(err) {
			return earlier, lists, nil
		}
		if err != nil {
			return nil, nil, err
		}
		snapshot, err := s.store.Snapshot(ctx, incidentID, release.Snapshot)
		if err != nil {
			return nil, nil, err
		}
		read, err := release.Read()
		if err != nil {
			return nil, nil, err
		}
		list := s.leaves(ctx, snapshot)
		earlier, lists = append(earlier, publication.Earlier{Release: read, Leaves: list.all()}), append(lists, list)
	}
}

// Releases lists the releases of an incident, newest first.
func (s *Service) Releases(ctx context.Context, actor identity.Actor, incidentID string, page Page) ([]Release, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return nil, err
	}
	return s.store.Releases(ctx, incidentID, page)
}

// ReleaseOf finds one release of an incident, the newest when n is 0.
func (s *Service) ReleaseOf(ctx context.Context, actor identity.Actor, incidentID string, n int) (Release, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return Release{}, err
	}
	return s.store.Release(ctx, incidentID, n)
}

// ReleasedStatistics are the statistics that were published with a release, the
// newest when n is 0.
func (s *Service) ReleasedStatistics(ctx context.Context, actor identity.Actor, incidentID string, n int) (Release, []byte, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return Release{}, nil, err
	}
	release, err := s.store.ReleaseHeader(ctx, incidentID, n)
	if err != nil {
		return Release{}, nil, err
	}
	snapshot, err := s.store.Snapshot(ctx, incidentID, release.Snapshot)
	return release, snapshot.Statistics, err
}

// publicEntries are the types of the entries that say nothing but what is
// published; auditorEntries are for those who may see samples besides.
var (
	publicEntries  = []string{"snapshot.sealed", "release.published", "restatement.made", "sample.ended", "rulebook.published", "scheme.published"}
	auditorEntries = []string{"sample.drawn"}
)

// PublicReceipt proves to anybody that an entry about totals, rules or schemes is
// in the log, and opens it.
func (s *Service) PublicReceipt(ctx context.Context, actor identity.Actor, entryID string) ([]byte, error) {
	entry, _, err := s.store.Logged(ctx, entryID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(publicEntries, entry.Type) && !(actor.Can(identity.AuditTotals) && slices.Contains(auditorEntries, entry.Type)) {
		return nil, NotFound("entry", entryID)
	}
	receipt, err := auditlog.ReceiptOf(ctx, s.store, entryID)
	return receipt.Format(), err
}

// RulebookReceipt proves to anybody that a version of a rulebook is in the log.
func (s *Service) RulebookReceipt(ctx context.Context, kind RulebookKind, version int) ([]byte, error) {
	return s.receiptAbout(ctx, "rulebook.published", string(kind), version)
}

// SchemeReceipt proves to anybody that a version of a scheme is in the log.
func (s *Service) SchemeReceipt(ctx context.Context, scheme SchemeRef) ([]byte, error) {
	return s.receiptAbout(ctx, "scheme.published", scheme.ID, scheme.Version)
}

func (s *Service) receiptAbout(ctx context.Context, entryType, subject string, version int) ([]byte, error) {
	id, err := s.store.EntryAbout(ctx, entryType, subject, version)
	if err != nil {
		return nil, err
	}
	return s.PublicReceipt(ctx, identity.Anyone, id)
}

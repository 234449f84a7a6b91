package claims

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// Snapshot is every claim of an incident that was ever submitted, as it stood at
// one moment, sealed under a root.
type Snapshot struct {
	IncidentID     string
	Number         int    // in the order of the moments
	ID             string // of its leaves
	TakenAt        time.Time
	SealedBy       string // person
	Root           publication.Hash
	Sums           *publication.Sums // nil for those who may know them from a release alone
	Rule           int               // version of the disclosure rule in force at the moment
	Statistics     []byte            // of the same moment, JSON; where it was asked for alone
	StatisticsHash string            // SHA-256 of Statistics, hex
	EntryID        string
}

// Counted is what a snapshot has of a claim.
type Counted struct {
	ID          string
	State       State
	Verdict     Verdict // of the decision that stands
	AppealOpen  bool
	Services    string // as Content.Services has them
	Sector      string
	Region      string
	SubmittedAt time.Time // first
	publication.Amounts
}

// The statuses by which claims are published, besides the verdicts.
const (
	statusOpen      = "open" // and not decided
	statusAsked     = "information_requested"
	statusAppealed  = "appealed"
	statusWithdrawn = "withdrawn"
)

// status is the public one. A decision that stands is one until another replaces
// it, also while the other is proposed and after the claim is closed.
func (c Counted) status() string {
	switch {
	case c.State == Withdrawn:
		return statusWithdrawn
	case c.AppealOpen:
		return statusAppealed
	case c.State == AwaitingAnswer:
		return statusAsked
	case c.Verdict != "" && (c.State == Decided || c.State == Closed || c.State == AwaitingApproval):
		return string(c.Verdict)
	default:
		return statusOpen
	}
}

// Services are the services of the claim as one group: "hair+taxi".
func (c Content) Services() string {
	services := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		services[i] = l.Service
	}
	return together(services)
}

// census turns the claims of an incident into leaves.
type census struct {
	salt  []byte
	zone  *time.Location
	codes map[string]string // a code as it is written in a leaf; one string for all leaves
}

func (c census) leaf(claim Counted) publication.Leaf {
	return publication.Leaf{
		ID: publication.SaltedID(c.salt, claim.ID),
		Cell: publication.Cell{
			Service: c.code(claim.Services), Sector: c.code(claim.Sector), Region: c.code(claim.Region),
			Month: c.code(claim.SubmittedAt.In(c.zone).Format("2006-01")), Status: c.code(claim.status()),
		},
		Amounts: claim.Amounts,
	}
}

// code is the code, or unknown where it is none.
func (c census) code(code string) string {
	written, ok := c.codes[code]
	if !ok {
		written = code
		if (publication.Leaf{Cell: publication.Cell{Service: code, Sector: code, Region: code, Month: code, Status: code}}).Check() != nil {
			written = unknown
		}
		c.codes[code] = written
	}
	return written
}

// looseAfter is after how long leaves are taken to have lost their snapshot.
const looseAfter = 24 * time.Hour

// Seal takes a snapshot of an incident: what totals are made from, samples are
// drawn from and auditors are shown. Its log entry has the root and no sums. Of
// two at once the later moment wins; the other is a Conflict fault.
func (s *Service) Seal(ctx context.Context, actor identity.Actor, incidentID string, reply Reply[Snapshot]) (Snapshot, error) {
	if err := allow(actor, identity.AuditTotals); err != nil {
		return Snapshot{}, err
	}
	incident, err := s.store.Incident(ctx, incidentID)
	if err != nil {
		return Snapshot{}, err
	}
	if incident.State == IncidentDraft {
		return Snapshot{}, fault.New(fault.Conflict, "incident_is_draft",
			"The incident is not open yet; there is nothing to count.", "아직 공개하지 않은 장애입니다. 집계할 청구가 없습니다.")
	}
	if err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.DropLooseLeaves(ctx, s.now().Add(-looseAfter))
	}); err != nil {
		return Snapshot{}, err
	}
	snapshot, rule, leaves, err := s.take(ctx, incident)
	if err != nil {
		return Snapshot{}, err
	}
	snapshot.SealedBy = actor.Person
	parts, err := s.storeLeaves(ctx, &snapshot, leaves)
	if err != nil {
		return Snapshot{}, err
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Snapshot, error) {
		return s.enterSnapshot(ctx, tx, snapshot, rule, incident.Currency, parts)
	})
}

// take reads the incident at one moment: its leaves in a fresh random order, and
// the statistics under the rule in force.
func (s *Service) take(ctx context.Context, incident Incident) (Snapshot, publication.Rule, []publication.Leaf, error) {
	salt, err := s.snapshotSalt(ctx, incident.ID)
	if err != nil {
		return Snapshot{}, publication.Rule{}, nil, err
	}
	zone, err := time.LoadLocation(incident.Zone)
	if err != nil {
		return Snapshot{}, publication.Rule{}, nil, fmt.Errorf("zone of incident %s: %w", incident.ID, err)
	}
	snapshot := Snapshot{IncidentID: incident.ID, ID: newID()}
	var rule publication.Rule
	var leaves []publication.Leaf
	err = s.store.Freeze(ctx, func(ctx context.Context, r Reader) (err error) {
		// The first read fixes the moment, so nothing that is counted is later.
		if rule, err = s.disclosureRule(ctx, r, 0); err != nil {
			return err
		}
		snapshot.Rule, snapshot.TakenAt = rule.Version, s.now()
		count := census{salt: salt, zone: zone, codes: map[string]string{}}
		if err := r.Counted(ctx, incident.ID, func(c Counted) error {
			leaves = append(leaves, count.leaf(c))
			return nil
		}); err != nil {
			return err
		}
		snapshot.Statistics, err = s.statistics(ctx, r, incident, rule, snapshot.TakenAt)
		return err
	})
	if err != nil {
		return Snapshot{}, publication.Rule{}, nil, fmt.Errorf("snapshot of incident %s: %w", incident.ID, err)
	}
	snapshot.StatisticsHash = hexSHA256(snapshot.Statistics)
	seed := make([]byte, sha256.Size)
	rand.Read(seed)
	publication.Shuffle(leaves, seed)
	return snapshot, rule, leaves, nil
}

// saltLength is the length of salts in bytes.
const saltLength = 32

// snapshotSalt finds the secret of the incident's snapshots; the first who asks
// makes it.
func (s *Service) snapshotSalt(ctx context.Context, incidentID string) ([]byte, error) {
	salt, err := s.store.SnapshotSalt(ctx, incidentID)
	if !isNotFound(err) {
		return salt, err
	}
	fresh := make([]byte, saltLength)
	rand.Read(fresh)
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.InsertSalt(ctx, incidentID, fresh) })
	if err != nil && fault.KindOf(err) != fault.Conflict {
		return nil, err
	}
	return s.store.SnapshotSalt(ctx, incidentID)
}

// leavesAtOnce is how many leaves are stored in a row and in a transaction.
const leavesAtOnce = 4096

// storeLeaves stores the leaves part by part, each in a transaction of its own so
// that nobody waits for all of them, and computes root and sums. It answers how
// many parts there are.
func (s *Service) storeLeaves(ctx context.Context, snapshot *Snapshot, leaves []publication.Leaf) (parts int, err error) {
	var tree publication.Builder
	var line []byte
	var part bytes.Buffer
	packed, err := gzip.NewWriterLevel(&part, gzip.BestSpeed)
	if err != nil {
		return 0, err
	}
	for ; len(leaves) > 0; parts++ {
		now := leaves[:min(leavesAtOnce, len(leaves))]
		leaves = leaves[len(now):]
		for _, leaf := range now {
			if err := tree.Add(leaf); err != nil {
				return 0, err
			}
			line = append(leaf.AppendLine(line[:0]), '\n')
			if _, err := packed.Write(line); err != nil {
				return 0, err
			}
		}
		if err := packed.Close(); err != nil {
			return 0, err
		}
		err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			return tx.InsertLeafPart(ctx, snapshot.ID, parts, part.Bytes())
		})
		if err != nil {
			return 0, err
		}
		part.Reset()
		packed.Reset(&part)
	}
	root, err := tree.Root()
	snapshot.Root, snapshot.Sums = root.Hash, &root.Sums
	return parts, err
}

// enterSnapshot gives the snapshot its number and logs it.
func (s *Service) enterSnapshot(ctx context.Context, tx Tx, snapshot Snapshot, rule publication.Rule, currency string, parts int) (Snapshot, error) {
	newest, err := tx.Snapshot(ctx, snapshot.IncidentID, 0)
	if err != nil && !isNotFound(err) {
		return Snapshot{}, err
	}
	if newest.TakenAt.After(snapshot.TakenAt) {
		return Snapshot{}, SnapshotOvertaken()
	}
	snapshot.Number = newest.Number + 1
	facts, err := sampleCounts(ctx, tx, snapshot.IncidentID, 0, 0)
	if err != nil {
		return Snapshot{}, err
	}
	salt, err := tx.SnapshotSalt(ctx, snapshot.IncidentID)
	if err != nil {
		return Snapshot{}, err
	}
	maps.Copy(facts, map[string]any{
		"number": snapshot.Number, "snapshot_id": snapshot.ID, "taken_at": snapshot.TakenAt.Format(time.RFC3339Nano), "root": snapshot.Root.String(),
		"currency": currency, "rule_version": snapshot.Rule, "rule_hash": rule.Hash().String(), "statistics_hash": snapshot.StatisticsHash,
		"sealed_by": tx.Blind(BlindPerson, snapshot.SealedBy), "salt": tx.Blind(BlindSalt, string(salt)),
	})
	if snapshot.EntryID, err = s.logged(ctx, tx, "snapshot.sealed", snapshot.IncidentID, facts); err != nil {
		return Snapshot{}, err
	}
	return snapshot, tx.InsertSnapshot(ctx, snapshot, parts)
}

// SnapshotOvertaken is the Conflict fault of a snapshot during whose sealing a
// later one was sealed.
func SnapshotOvertaken() *fault.Error {
	return fault.New(fault.Conflict, "snapshot_overtaken",
		"Somebody sealed another snapshot at the same time; use that one or seal again.", "같은 때에 다른 스냅샷이 확정되었습니다. 그 스냅샷을 쓰거나 다시 확정하십시오.")
}

// Snapshots lists the snapshots of an incident, newest first. Their sums are for
// those who may audit: the public has them from releases.
func (s *Service) Snapshots(ctx context.Context, actor identity.Actor, incidentID string, page Page) ([]Snapshot, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return nil, err
	}
	list, err := s.store.Snapshots(ctx, incidentID, page)
	for i := range list {
		list[i] = list[i].shown(actor)
	}
	return list, err
}

// Snapshot finds one snapshot of an incident, the newest when n is 0, as Snapshots
// lists it.
func (s *Service) Snapshot(ctx context.Context, actor identity.Actor, incidentID string, n int) (Snapshot, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return Snapshot{}, err
	}
	snapshot, err := s.store.Snapshot(ctx, incidentID, n)
	return snapshot.shown(actor), err
}

func (s Snapshot) shown(actor identity.Actor) Snapshot {
	if !actor.Can(identity.AuditTotals) {
		s.Sums, s.Statistics = nil, nil
	}
	return s
}

// Leaves hands over the leaves of a snapshot in their order: parts that make one
// gzip file of the lines of a leaf list when they are put in a row.
func (s *Service) Leaves(ctx context.Context, actor identity.Actor, incidentID string, n int, visit func(part []byte) error) (Snapshot, error) {
	snapshot, err := s.auditable(ctx, actor, incidentID, n)
	if err != nil {
		return Snapshot{}, err
	}
	return snapshot, s.sendLeaves(ctx, snapshot, visit)
}

func (s *Service) sendLeaves(ctx context.Context, snapshot Snapshot, visit func(part []byte) error) error {
	for part, err := range parts(ctx, s.store, snapshot) {
		if err != nil {
			return err
		}
		if err := visit(part); err != nil {
			return err
		}
	}
	return nil
}

// auditable finds a snapshot for somebody who may see its leaves.
func (s *Service) auditable(ctx context.Context, actor identity.Actor, incidentID string, n int) (Snapshot, error) {
	if err := allow(actor, identity.AuditTotals); err != nil {
		return Snapshot{}, err
	}
	return s.store.Snapshot(ctx, incidentID, n)
}

// Proved is a leaf of a snapshot with the proof that it is in the tree.
type Proved struct {
	Leaf  publication.Leaf
	Proof publication.Proof
	Root  publication.Node
}

// Proof proves the leaf at an index of a snapshot, the newest when n is 0.
func (s *Service) Proof(ctx context.Context, actor identity.Actor, incidentID string, n, index int) (Proved, error) {
	snapshot, err := s.auditable(ctx, actor, incidentID, n)
	if err != nil {
		return Proved{}, err
	}
	return s.prove(ctx, snapshot, index)
}

// ProofOf proves the leaf of a claim in a snapshot of its incident, the newest when
// n is 0.
func (s *Service) ProofOf(ctx context.Context, actor identity.Actor, incidentID string, n int, claimID string) (Proved, error) {
	snapshot, err := s.auditable(ctx, actor, incidentID, n)
	if err != nil {
		return Proved{}, err
	}
	salt, err := s.store.SnapshotSalt(ctx, incidentID)
	if err != nil {
		return Proved{}, err
	}
	id := publication.SaltedID(salt, claimID)
	index := 0
	list := s.leaves(ctx, snapshot)
	for leaf := range list.all() {
		if leaf.ID == id {
			break
		}
		index++
	}
	if list.err != nil {
		return Proved{}, list.err
	}
	return s.prove(ctx, snapshot, index) // where it was not found, one past the last
}

func (s *Service) prove(ctx context.Context, snapshot Snapshot, index int) (Proved, error) {
	list := s.leaves(ctx, snapshot)
	leaf, proof, err := publication.ProveIn(list.all(), int(snapshot.Sums.Count), index)
	if list.err != nil {
		return Proved{}, list.err
	}
	return Proved{leaf, proof, publication.Node{Sums: *snapshot.Sums, Hash: snapshot.Root}}, err
}

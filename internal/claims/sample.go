package claims

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"redress/internal/bundle"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// SampleReader finds samples.
type SampleReader interface {
	Sample(ctx context.Context, id string) (Sample, error)
	SampleByNonce(ctx context.Context, incidentID string, snapshot int, nonce []byte) (Sample, error)
	// Samples lists samples, newest first.
	Samples(ctx context.Context, filter SampleFilter, page Page) ([]Sample, error)
	CountSamples(ctx context.Context, filter SampleFilter) (int, error)
	// SampledClaim finds the id of the claim that a leaf of a sample is.
	SampledClaim(ctx context.Context, sampleID string, leaf int) (string, error)
}

// SampleFilter narrows a list of samples; empty fields narrow nothing.
type SampleFilter struct {
	IncidentID string
	Snapshot   int    // number, of the incident
	Accountant string // person
	Ended      bool   // only those that have ended
}

// SampleTx writes samples.
type SampleTx interface {
	// InsertSample stores a sample with the ids of its claims by their leaves. A
	// second of the same number or nonce is a Conflict fault, and so is one whose
	// accountant drew it.
	InsertSample(ctx context.Context, sample Sample, claims map[int]string) error
	// EndSample stores the results of a sample; one that has them is a Conflict fault.
	EndSample(ctx context.Context, sample Sample) error
}

// Sample is a sample of the claims of a snapshot for an accountant, who looks at
// each of them and says what the amount should have been.
type Sample struct {
	ID           string
	IncidentID   string
	Snapshot     int // number
	Number       int // among the samples of the snapshot, from 1 without a gap
	Nonce        []byte
	Drawn        []byte // a publication.Sample, JSON
	DrawnHash    string // SHA-256 of Drawn, hex
	DrawnBy      string // person
	DrawnAt      time.Time
	Accountant   string // person
	Results      []byte // bundle.Results, JSON; nil until it has ended
	ResultsHash  string // SHA-256 of Results, hex
	EndedAt      *time.Time
	EntryID      string
	EndedEntryID string
}

// SampleDraft asks for a sample.
type SampleDraft struct {
	Nonce      []byte // 16 to 64 bytes that nobody could know before the snapshot was sealed
	Measure    publication.Measure
	Units      int
	Accountant string // person
}

// Read is what was drawn.
func (s Sample) Read() (publication.Sample, error) {
	var drawn publication.Sample
	if err := json.Unmarshal(s.Drawn, &drawn); err != nil {
		return publication.Sample{}, fmt.Errorf("read sample %s: %w", s.ID, err)
	}
	return drawn, nil
}

// Found is what the accountant found, of a sample that has ended.
func (s Sample) Found() (bundle.Results, error) {
	var found bundle.Results
	if err := json.Unmarshal(s.Results, &found); err != nil {
		return bundle.Results{}, fmt.Errorf("read the results of sample %s: %w", s.ID, err)
	}
	return found, nil
}

// DrawSample draws claims of a snapshot by a nonce of the auditor's. The snapshot
// is a leaf of the log by then, so its root was fixed before the nonce was named,
// and neither side can steer what is drawn. What was drawn is not changed: the same
// nonce again is the same sample, or a Conflict fault where another is asked for.
// Samples are numbered, so that whoever tries one nonce after another is seen to.
// The accountant has to hold a key by then: nobody else could ever end the sample.
func (s *Service) DrawSample(ctx context.Context, actor identity.Actor, incidentID string, n int, draft SampleDraft, reply Reply[Sample]) (Sample, error) {
	if err := allow(actor, identity.DrawSamples); err != nil {
		return Sample{}, err
	}
	snapshot, err := s.auditable(ctx, actor, incidentID, n)
	if err != nil {
		return Sample{}, err
	}
	if draft.Accountant == "" || draft.Accountant == actor.Person {
		return Sample{}, fault.InvalidFields([]fault.Field{fault.At("#/accountant", "accountant_not_independent",
			"Name the accountant, by the person code of their key; who draws a sample does not audit it.", "회계사의 사람 코드를 적으십시오. 표본을 뽑은 사람은 그 표본을 감사할 수 없습니다.")})
	}
	if err := s.sealedInLog(ctx, snapshot); err != nil {
		return Sample{}, err
	}
	drawn, err := s.draw(ctx, snapshot, draft)
	if err != nil {
		return Sample{}, err
	}
	claims, err := s.claimsOfLeaves(ctx, snapshot, drawn)
	if err != nil {
		return Sample{}, err
	}
	sample := Sample{
		ID: newID(), IncidentID: incidentID, Snapshot: snapshot.Number, Nonce: draft.Nonce, DrawnBy: actor.Person, DrawnAt: s.now(), Accountant: draft.Accountant,
	}
	if sample.Drawn, err = json.Marshal(drawn); err != nil {
		return Sample{}, fmt.Errorf("write sample %s: %w", sample.ID, err)
	}
	sample.DrawnHash = hexSHA256(sample.Drawn)
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Sample, error) {
		before, err := tx.SampleByNonce(ctx, incidentID, sample.Snapshot, sample.Nonce)
		if err == nil && !before.again(sample) {
			return Sample{}, NonceUsed()
		}
		if err == nil || !isNotFound(err) {
			return before, err
		}
		return s.enterSample(ctx, tx, sample, claims, map[string]any{
			"root": snapshot.Root.String(), "measure": string(drawn.Measure), "units": drawn.Units, "seed": drawn.Seed.String(),
		})
	})
}

// enterSample gives the sample its number and logs it with what was asked for.
func (s *Service) enterSample(ctx context.Context, tx Tx, sample Sample, claims map[int]string, asked map[string]any) (Sample, error) {
	known, err := tx.HasKey(ctx, sample.Accountant, []identity.Role{identity.Accountant}, sample.DrawnAt)
	if err != nil {
		return Sample{}, err
	}
	if !known {
		return Sample{}, fault.InvalidFields([]fault.Field{fault.At("#/accountant", "accountant_unknown",
			"Nobody of this person code holds a valid key of the role accountant; have one issued first.",
			"이 사람 코드로 발급된 유효한 회계사(accountant) 키가 없습니다. 먼저 키를 발급받으십시오.")})
	}
	others, err := tx.CountSamples(ctx, SampleFilter{IncidentID: sample.IncidentID, Snapshot: sample.Snapshot})
	if err != nil {
		return Sample{}, err
	}
	sample.Number = others + 1
	facts, err := sampleCounts(ctx, tx, sample.IncidentID, 1, 0)
	if err != nil {
		return Sample{}, err
	}
	maps.Copy(facts, asked)
	maps.Copy(facts, map[string]any{
		"sample": sample.ID, "snapshot": sample.Snapshot, "number": sample.Number, "nonce": hex.EncodeToString(sample.Nonce),
		"drawn_hash": sample.DrawnHash, "drawn_by": sample.DrawnBy, "drawn_at": sample.DrawnAt.Format(time.RFC3339Nano), "accountant": sample.Accountant,
	})
	if sample.EntryID, err = s.logged(ctx, tx, "sample.drawn", sample.IncidentID, facts); err != nil {
		return Sample{}, err
	}
	return sample, tx.InsertSample(ctx, sample, claims)
}

// sampleCounts are how many samples of an incident there are with those that are
// being drawn and ended. Every entry about totals tells the log, so that what is
// downloaded later cannot leave out the last ones.
func sampleCounts(ctx context.Context, r Reader, incidentID string, drawing, ending int) (map[string]any, error) {
	drawn, err := r.CountSamples(ctx, SampleFilter{IncidentID: incidentID})
	if err != nil {
		return nil, err
	}
	ended, err := r.CountSamples(ctx, SampleFilter{IncidentID: incidentID, Ended: true})
	return map[string]any{"samples_drawn": drawn + drawing, "samples_ended": ended + ending}, err
}

// SampleOvertaken is the Conflict fault of a sample beside which another was drawn.
func SampleOvertaken() *fault.Error {
	f := fault.New(fault.Conflict, "sample_overtaken",
		"Somebody drew another sample of this snapshot at the same time; ask again.", "같은 때에 이 스냅샷에서 다른 표본을 뽑았습니다. 다시 요청하십시오.")
	f.RetryAfter = time.Second
	return f
}

// sealedInLog refuses a snapshot whose entry is not in the log yet: until then
// nobody but the service knows that its root was fixed.
func (s *Service) sealedInLog(ctx context.Context, snapshot Snapshot) error {
	_, leaf, err := s.store.Logged(ctx, snapshot.EntryID)
	if err != nil || leaf >= 0 {
		return err
	}
	f := fault.New(fault.Conflict, "snapshot_not_logged",
		"The snapshot is not in the log yet. Ask again in a second, with a nonce that you choose then.",
		"스냅샷이 아직 로그에 들어가지 않았습니다. 1초 뒤에 그때 정한 nonce로 다시 요청하십시오.")
	f.RetryAfter = time.Second
	return f
}

// draw draws from the stored leaves, and checks that they are those of the sealed
// root.
func (s *Service) draw(ctx context.Context, snapshot Snapshot, draft SampleDraft) (publication.Sample, error) {
	seed, err := publication.Seed(snapshot.Root, draft.Nonce)
	if err != nil {
		return publication.Sample{}, err
	}
	list := s.leaves(ctx, snapshot)
	drawn, err := publication.Draw(list.sound(), draft.Measure, draft.Units, seed)
	if err == nil {
		err = list.err
	}
	if err == nil && len(drawn.Drawn) == 0 {
		err = fault.New(fault.Conflict, "nothing_to_draw",
			"All claims of the snapshot add up to 0 of this measure; there is nothing to draw from.", "이 기준으로 스냅샷의 합계가 0이어서 뽑을 청구가 없습니다.")
	}
	return drawn, err
}

// claimsOfLeaves finds which claims were drawn, by the salt of the incident.
func (s *Service) claimsOfLeaves(ctx context.Context, snapshot Snapshot, drawn publication.Sample) (map[int]string, error) {
	salt, err := s.store.SnapshotSalt(ctx, snapshot.IncidentID)
	if err != nil {
		return nil, err
	}
	leaves := make(map[publication.Hash]int, len(drawn.Drawn))
	for _, d := range drawn.Drawn {
		leaves[d.ID] = d.Index
	}
	claims := make(map[int]string, len(leaves))
	err = s.store.Counted(ctx, snapshot.IncidentID, func(c Counted) error {
		if leaf, ok := leaves[publication.SaltedID(salt, c.ID)]; ok {
			claims[leaf] = c.ID
		}
		return nil
	})
	if err == nil && len(claims) != len(leaves) {
		err = fmt.Errorf("snapshot %s has leaves of %d claims that are not there; run fsck", snapshot.ID, len(leaves)-len(claims))
	}
	return claims, err
}

// again reports whether the sample is what another draw by the same nonce came to,
// by the same people.
func (s Sample) again(other Sample) bool {
	return s.DrawnHash == other.DrawnHash && s.Accountant == other.Accountant && s.DrawnBy == other.DrawnBy
}

// NonceUsed is the Conflict fault of a nonce that another sample of the same
// snapshot was drawn by.
func NonceUsed() *fault.Error {
	return fault.New(fault.Conflict, "nonce_used",
		"Another sample of this snapshot was drawn by the same nonce; choose a new one.", "같은 nonce로 이 스냅샷에서 다른 표본을 뽑았습니다. 새 nonce를 정하십시오.")
}

// Samples lists samples, newest first: auditors see all that match, accountants
// those of them that name them.
func (s *Service) Samples(ctx context.Context, actor identity.Actor, filter SampleFilter, page Page) ([]Sample, error) {
	if !actor.Can(identity.AuditTotals) {
		if err := allow(actor, identity.ReadSamples); err != nil {
			return nil, err
		}
		filter.Accountant = actor.Person
	}
	if filter.IncidentID != "" {
		if _, err := s.store.Incident(ctx, filter.IncidentID); err != nil {
			return nil, err
		}
	}
	return s.store.Samples(ctx, filter, page)
}

// Sample finds a sample that the actor may see.
func (s *Service) Sample(ctx context.Context, actor identity.Actor, id string) (Sample, error) {
	if actor.Can(identity.AuditTotals) {
		return s.store.Sample(ctx, id)
	}
	return ownSample(ctx, s.store, actor, id)
}

// ownSample finds a sample that names the actor as its accountant. Those of others
// and those that do not exist are NotFound alike.
func ownSample(ctx context.Context, r Reader, actor identity.Actor, id string) (Sample, error) {
	if err := allow(actor, identity.ReadSamples); err != nil {
		return Sample{}, err
	}
	sample, err := r.Sample(ctx, id)
	if err == nil && sample.Accountant != actor.Person {
		return Sample{}, NotFound("sample", id)
	}
	return sample, err
}

// EndSample stores what the accountant found for every claim that was drawn, and
// the bound of the error of all claims that follows, once.
func (s *Service) EndSample(ctx context.Context, actor identity.Actor, id string, results []publication.Audited, confidencePercent int, reply Reply[Sample]) (Sample, error) {
	sample, err := ownSample(ctx, s.store, actor, id)
	if err != nil {
		return Sample{}, err
	}
	drawn, err := sample.Read()
	if err != nil {
		return Sample{}, err
	}
	var found bundle.Results
	if found.Bound, err = drawn.Bound(results, confidencePercent); err != nil {
		return Sample{}, err
	}
	found.Results = drawn.Ordered(results)
	if sample.Results, err = json.Marshal(found); err != nil {
		return Sample{}, fmt.Errorf("write the results of sample %s: %w", id, err)
	}
	sample.ResultsHash = hexSHA256(sample.Results)
	facts, err := sample.endFacts(found.Bound.Relative(drawn.Total))
	if err != nil {
		return Sample{}, err
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Sample, error) {
		now := s.now()
		sample.EndedAt = &now
		counts, err := sampleCounts(ctx, tx, sample.IncidentID, 0, 1)
		if err != nil {
			return Sample{}, err
		}
		maps.Copy(facts, counts)
		facts["ended_at"] = now.Format(time.RFC3339Nano)
		if sample.EndedEntryID, err = s.logged(ctx, tx, "sample.ended", sample.IncidentID, facts); err != nil {
			return Sample{}, err
		}
		return sample, tx.EndSample(ctx, sample)
	})
}

// endFacts are what the log is told of a sample that has ended: every figure of the
// bound under its name, as a share of the total.
func (s Sample) endFacts(bound publication.RelativeBound) (map[string]any, error) {
	written, err := json.Marshal(bound)
	if err != nil {
		return nil, fmt.Errorf("write the bound of sample %s: %w", s.ID, err)
	}
	facts := map[string]any{}
	numbers := json.NewDecoder(bytes.NewReader(written))
	numbers.UseNumber() // they stay whole
	if err := numbers.Decode(&facts); err != nil {
		return nil, fmt.Errorf("read the bound of sample %s: %w", s.ID, err)
	}
	facts["sample"], facts["snapshot"], facts["number"], facts["results_hash"] = s.ID, s.Snapshot, s.Number, s.ResultsHash
	return facts, nil
}

// SampleBound is what the public is told of a sample that has ended.
type SampleBound struct {
	Sample      string
	Snapshot    int
	Number      int
	Measure     publication.Measure
	Units       int
	Claims      int // that were looked at
	Error       publication.RelativeBound
	ResultsHash string
	EndedAt     time.Time
	EntryID     string // sample.ended
}

// SampleBounds lists what is known of the error of an incident's totals, newest
// sample first. The bounds are shares of the total, not amounts: from an amount the
// total of a snapshot could be computed that was never released.
func (s *Service) SampleBounds(ctx context.Context, actor identity.Actor, incidentID string, page Page) ([]SampleBound, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return nil, err
	}
	samples, err := s.store.Samples(ctx, SampleFilter{IncidentID: incidentID, Ended: true}, page)
	if err != nil {
		return nil, err
	}
	bounds := make([]SampleBound, len(samples))
	for i, sample := range samples {
		drawn, err := sample.Read()
		if err != nil {
			return nil, err
		}
		found, err := sample.Found()
		if err != nil {
			return nil, err
		}
		bounds[i] = SampleBound{
			Sample: sample.ID, Snapshot: sample.Snapshot, Number: sample.Number, Measure: drawn.Measure, Units: drawn.Units, Claims: len(drawn.Drawn),
			Error: found.Bound.Relative(drawn.Total), ResultsHash: sample.ResultsHash, EndedAt: *sample.EndedAt, EntryID: sample.EndedEntryID,
		}
	}
	return bounds, nil
}

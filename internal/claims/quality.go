package claims

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// A batch is sealed when its oldest decision has stood for sealAfter, or when it
// is full.
const (
	sealAfter = time.Hour
	batchFull = 200
)

// sampleQuality seals the decisions that stand into batches and draws the sample
// of every sealed batch. The seed is made in a later transaction than the one
// that fixed and logged the batch, so nobody can decide what will not be looked
// at.
func (s *Service) sampleQuality(ctx context.Context) error {
	page := Page{Limit: 100}
	for {
		incidents, err := s.store.Incidents(ctx, false, page)
		if err != nil || len(incidents) == 0 {
			return err
		}
		for _, incident := range incidents {
			if err := s.sealBatches(ctx, incident.ID); err != nil {
				return fmt.Errorf("seal decisions of incident %s: %w", incident.ID, err)
			}
			if err := s.drawBatches(ctx, incident.ID); err != nil {
				return fmt.Errorf("draw decisions of incident %s: %w", incident.ID, err)
			}
		}
		page.After = incidents[len(incidents)-1].ID
	}
}

func (s *Service) sealBatches(ctx context.Context, incidentID string) error {
	for {
		decisions, err := s.store.Unsealed(ctx, incidentID, batchFull)
		if err != nil || len(decisions) == 0 {
			return err
		}
		if len(decisions) < batchFull && s.now().Sub(decisions[0].MadeAt) < sealAfter {
			return nil
		}
		batch := Batch{ID: newID(), IncidentID: incidentID, SealedAt: s.now(), Digest: DigestOf(decisions), Size: len(decisions)}
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			if err := tx.InsertBatch(ctx, batch, decisions); err != nil {
				return err
			}
			return s.log(ctx, tx, "batch.sealed", batch.ID, map[string]any{"incident": incidentID, "digest": batch.Digest, "size": int64(batch.Size)})
		})
		if fault.KindOf(err) == fault.Stale {
			return nil // another process sealed them
		}
		if err != nil {
			return err
		}
	}
}

// DigestOf is SHA-256 over the sorted lines "claim/number" of decisions, in hex.
func DigestOf(decisions []Decision) string {
	lines := make([]string, len(decisions))
	for i, d := range decisions {
		lines[i] = fmt.Sprintf("%s/%d\n", d.ClaimID, d.N)
	}
	slices.Sort(lines)
	return hexSHA256([]byte(strings.Join(lines, "")))
}

func (s *Service) drawBatches(ctx context.Context, incidentID string) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	batches, err := s.store.Batches(ctx, incidentID, Page{Limit: 100})
	if err != nil {
		return err
	}
	for _, batch := range batches {
		if batch.Seed != nil {
			continue
		}
		decisions, err := s.store.BatchDecisions(ctx, batch.ID)
		if err != nil {
			return err
		}
		batch.Seed = make([]byte, sha256.Size)
		rand.Read(batch.Seed)
		var reviews []QualityReview
		for _, d := range sampled(batch.Seed, decisions, policy.SampleShareBasisPoints) {
			reviews = append(reviews, QualityReview{ID: newID(), BatchID: batch.ID, ClaimID: d.ClaimID, Decision: d.N, Maker: d.MadeBy})
		}
		batch.Sampled = len(reviews)
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			if err := tx.DrawBatch(ctx, batch, reviews); err != nil {
				return err
			}
			return s.log(ctx, tx, "batch.drawn", batch.ID, map[string]any{
				"incident": incidentID, "seed": hex.EncodeToString(batch.Seed), "share_basis_points": int64(policy.SampleShareBasisPoints), "sampled": int64(len(reviews)),
			})
		})
		if err != nil && fault.KindOf(err) != fault.Stale {
			return err
		}
	}
	return nil
}

// sampled are the decisions whose SHA-256(seed ‖ "claim/number"), read as a
// share of all its values, lies below the share; the lowest one where none does.
// Anybody who knows the seed and the batch finds the same.
func sampled(seed []byte, decisions []Decision, basisPoints int) []Decision {
	if basisPoints == 0 || len(decisions) == 0 {
		return nil
	}
	draw := func(d Decision) uint64 {
		sum := sha256.Sum256(fmt.Appendf(slices.Clone(seed), "%s/%d", d.ClaimID, d.N))
		return uint64(binary.BigEndian.Uint32(sum[:]))
	}
	var drawn []Decision
	lowest := decisions[0]
	for _, d := range decisions {
		if draw(d)*wholeShare>>32 < uint64(basisPoints) {
			drawn = append(drawn, d)
		}
		if draw(d) < draw(lowest) {
			lowest = d
		}
	}
	if drawn == nil {
		return []Decision{lowest}
	}
	return drawn
}

// NextQualityReview gives the actor's person the oldest sampled decision that
// nobody has looked at again and that they neither made nor checked; nil when
// there is none.
func (s *Service) NextQualityReview(ctx context.Context, actor identity.Actor, incidentID string, reply Reply[*QualityReview]) (*QualityReview, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return nil, err
	}
	if _, err := s.store.Incident(ctx, incidentID); err != nil {
		return nil, err
	}
	policy, err := s.policy(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (*QualityReview, error) {
		return tx.LeaseQuality(ctx, incidentID, actor.Person, now, now.Add(policy.Lease()))
	})
}

// EndQualityReview keeps what a second look at a sampled decision found. A
// finding changes nothing by itself: an amendment does.
func (s *Service) EndQualityReview(ctx context.Context, actor identity.Actor, id string, agrees bool, errorCode, note string, reply Reply[QualityReview]) (QualityReview, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return QualityReview{}, err
	}
	review, err := s.store.QualityReview(ctx, id)
	if err != nil {
		return QualityReview{}, err
	}
	if agrees {
		errorCode = NoError
	}
	if _, err := s.reason(ctx, errorCode, ErrorReason); err != nil {
		return QualityReview{}, err
	}
	if !agrees && errorCode == NoError {
		return QualityReview{}, fault.InvalidFields([]fault.Field{fault.At("#/error_code", "error_code_required",
			"Say what was wrong with the decision.", "결정의 무엇이 잘못되었는지 적으십시오.")})
	}
	if review.By != "" {
		return QualityReview{}, fault.New(fault.Conflict, "review_ended", "Somebody has looked at this decision already.", "이미 점검이 끝난 결정입니다.")
	}
	now := s.now()
	if review.AssignedTo != actor.Person || review.LeaseUntil == nil || !now.Before(*review.LeaseUntil) {
		return QualityReview{}, fault.New(fault.Conflict, "review_not_assigned",
			"This quality review is not yours, or your time for it has run out; get the next one.", "맡고 있는 점검이 아니거나 시간이 지났습니다. 다음 점검을 받으십시오.")
	}
	review.Agrees, review.ErrorCode, review.Note, review.By, review.At = &agrees, errorCode, note, actor.Person, &now
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (QualityReview, error) {
		if err := tx.EndQuality(ctx, review, now); err != nil {
			return QualityReview{}, err
		}
		return review, s.log(ctx, tx, "decision.looked_at_again", review.ClaimID, map[string]any{
			"decision": int64(review.Decision), "batch": review.BatchID, "agrees": agrees, "error_code": errorCode,
		})
	})
}

// QualityReviews lists the sampled decisions of an incident, newest first.
func (s *Service) QualityReviews(ctx context.Context, actor identity.Actor, incidentID string, page Page) ([]QualityReview, error) {
	if err := allow(actor, identity.ReadClaims); err != nil {
		return nil, err
	}
	if _, err := s.store.Incident(ctx, incidentID); err != nil {
		return nil, err
	}
	return s.store.QualityReviews(ctx, incidentID, page)
}

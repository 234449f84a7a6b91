package claims

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"redress/internal/bundle"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/publication"
)

// SampledClaim is the file of a claim that was drawn, as it is now.
type SampledClaim struct {
	Leaf      publication.Drawn
	Claim     Claim     // with its newest estimate
	Estimate  *Estimate // the same with its inputs; nil where none was made
	Decisions []Decision
	Letters   []Letter // of the decisions that stand or stood
	Files     []EvidenceFile
}

// SampledClaim shows the accountant of a sample the file of one of its claims: that
// of the leaf's index. It is recorded as a look at personal data. The files are
// open until 30 days after the sample has ended.
func (s *Service) SampledClaim(ctx context.Context, actor identity.Actor, sampleID string, leaf int) (SampledClaim, error) {
	drawn, claim, err := s.sampled(ctx, actor, sampleID, leaf)
	if err != nil {
		return SampledClaim{}, err
	}
	out := SampledClaim{Leaf: drawn, Claim: claim}
	if claim.Estimates > 0 {
		estimate, err := s.store.Estimate(ctx, claim.ID, 0)
		if err != nil {
			return SampledClaim{}, err
		}
		out.Estimate, out.Claim.Estimate = &estimate, estimate.Bytes
	}
	if out.Decisions, err = s.store.Decisions(ctx, claim.ID); err != nil {
		return SampledClaim{}, err
	}
	for _, d := range out.Decisions {
		letter, err := s.store.Letter(ctx, claim.ID, d.N)
		if isNotFound(err) {
			continue // it never stood
		}
		if err != nil {
			return SampledClaim{}, err
		}
		out.Letters = append(out.Letters, letter)
	}
	if out.Files, err = s.store.EvidenceFiles(ctx, claim.ID); err != nil {
		return SampledClaim{}, err
	}
	looks := []look{{readClaim, ""}}
	for _, letter := range out.Letters {
		looks = append(looks, look{readLetter, strconv.Itoa(letter.Decision)})
	}
	return out, s.audited(ctx, actor, sampleID, claim, looks)
}

// SampledEvidence opens a file of a claim that was drawn, as OpenEvidence does.
func (s *Service) SampledEvidence(ctx context.Context, actor identity.Actor, sampleID string, leaf int, fileID string) (EvidenceFile, io.ReadCloser, error) {
	_, claim, err := s.sampled(ctx, actor, sampleID, leaf)
	if err != nil {
		return EvidenceFile{}, nil, err
	}
	return s.openFile(ctx, claim, fileID, func() error { return s.audited(ctx, actor, sampleID, claim, []look{{readEvidence, fileID}}) })
}

// openAt reports whether the files of the sample are open to its accountant.
func (s Sample) openAt(now time.Time) bool {
	return s.EndedAt == nil || now.Before(s.EndedAt.Add(bundle.SamplesOpen))
}

// sampled finds a claim of a sample whose files are open to the actor.
func (s *Service) sampled(ctx context.Context, actor identity.Actor, sampleID string, leaf int) (publication.Drawn, Claim, error) {
	sample, err := ownSample(ctx, s.store, actor, sampleID)
	if err != nil {
		return publication.Drawn{}, Claim{}, err
	}
	if !sample.openAt(s.now()) {
		return publication.Drawn{}, Claim{}, fault.New(fault.Forbidden, "sample_over",
			"The sample ended more than 30 days ago; its files are closed.", "표본 감사가 끝난 지 30일이 지나 파일을 볼 수 없습니다.")
	}
	drawn, err := sample.Read()
	if err != nil {
		return publication.Drawn{}, Claim{}, err
	}
	id, err := s.store.SampledClaim(ctx, sampleID, leaf)
	if err != nil {
		return publication.Drawn{}, Claim{}, err
	}
	claim, err := s.store.Claim(ctx, id)
	if err != nil {
		return publication.Drawn{}, Claim{}, err
	}
	if claim.ErasedAt != nil {
		return publication.Drawn{}, Claim{}, ErasedWith(id)
	}
	at := slices.IndexFunc(drawn.Drawn, func(d publication.Drawn) bool { return d.Index == leaf })
	if at < 0 {
		return publication.Drawn{}, Claim{}, fmt.Errorf("sample %s did not draw leaf %d", sampleID, leaf)
	}
	return drawn.Drawn[at], claim, nil
}

// look is what of a claim is read.
type look struct{ what, item string }

// audited records that an accountant read of a claim for a sample.
func (s *Service) audited(ctx context.Context, actor identity.Actor, sampleID string, claim Claim, looks []look) error {
	var reads []Read
	for _, l := range looks {
		reads = append(reads, auditRead(actor, sampleID, claim, l, s.now()))
	}
	return s.noteReads(ctx, reads)
}

func auditRead(actor identity.Actor, sampleID string, claim Claim, l look, at time.Time) Read {
	return Read{
		ID: newID(), ClaimID: claim.ID, ClaimantID: claim.ClaimantID, What: l.what, Item: l.item,
		Purpose: "audit of sample " + sampleID, Person: actor.Person, Role: actor.Role, At: at,
	}
}

// noteReads stores looks at personal data.
func (s *Service) noteReads(ctx context.Context, reads []Read) error {
	if len(reads) == 0 {
		return nil
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, r := range reads {
			if err := tx.InsertRead(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

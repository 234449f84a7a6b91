package claims

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"redress/internal/evidence"
	"redress/internal/fault"
	"redress/internal/identity"
)

// Files keeps the bytes of evidence under ids, as evidence.Store does.
type Files interface {
	Put(ctx context.Context, id, name, declared string, r io.Reader) (evidence.File, error)
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	Delete(ctx context.Context, id string) error
	Sweep(ctx context.Context, known func(ctx context.Context, ids []string) (map[string]bool, error), before time.Time) (removed int, err error)
}

// KeepFiles says where the bytes of evidence are kept, before the service is
// used. Without it everything but evidence works.
func (s *Service) KeepFiles(files Files) { s.files = files }

// EvidenceSlots says what a file of evidence may be.
var EvidenceSlots = []string{"business_certificate", "sales_proof", "service_use_proof", "bank_book", "expense_receipt", "other"}

// EvidenceUpload is a file on its way to a claim.
type EvidenceUpload struct {
	ClaimID string
	Slot    string // one of EvidenceSlots
	Name    string
	Type    string // as declared; may be empty
	Body    io.Reader
}

// UploadEvidence stores a file of a claim whose life goes on. It streams: the
// bytes go to the file store first, then a transaction stores the row with an
// event that names slot, type, size and SHA-256. An event has the number of the
// claim's version, so a file makes a new version: whoever decides on what they
// saw before is told to look again.
//
// The content is known only when it has been read, so reply.Once.Request is the
// hash over the rest of the request, and a retry is one with the same slot, name
// and content, too.
func (s *Service) UploadEvidence(ctx context.Context, actor identity.Actor, in EvidenceUpload, reply Reply[EvidenceFile]) (EvidenceFile, error) {
	claim, err := s.findClaim(ctx, s.store, actor, in.ClaimID, identity.ActForClaimants)
	if err != nil {
		return EvidenceFile{}, err
	}
	if s.files == nil {
		return EvidenceFile{}, noFileStore()
	}
	if !slices.Contains(EvidenceSlots, in.Slot) {
		return EvidenceFile{}, fault.InvalidFields([]fault.Field{fault.At("query:slot", "unknown_slot", "There is no slot %q; there are %s.",
			"%q 슬롯은 없습니다. 있는 슬롯: %s.", in.Slot, strings.Join(EvidenceSlots, ", "))})
	}
	policy, err := s.policy(ctx)
	if err != nil {
		return EvidenceFile{}, err
	}
	left, err := room(ctx, s.store, claim, policy)
	if err != nil && !s.mayBeRetry(ctx, reply.Once) {
		return EvidenceFile{}, err
	}
	if err == nil {
		in.Body = &quota{Reader: in.Body, left: left, claimant: policy.Evidence.MaxBytesClaimant}
	}
	return s.putEvidence(ctx, actor, claim, in, policy, reply)
}

func noFileStore() *fault.Error {
	return fault.New(fault.Unavailable, "evidence_store_missing",
		"This server keeps no files: no place for evidence is set up.", "이 서버에는 증빙 파일을 둘 곳이 설정되어 있지 않습니다.")
}

// room is how many more bytes of evidence a claimant may store with a claim; a
// fault when the claim takes no file.
func room(ctx context.Context, r Reader, claim Claim, policy Policy) (int64, error) {
	if claim.State == Withdrawn || claim.State == Closed {
		return 0, fault.New(fault.Conflict, "evidence_not_taken", "The claim is %s; it takes no more files.", "청구가 %s 상태여서 파일을 더 받지 않습니다.", stateNames[claim.State])
	}
	files, err := r.EvidenceFiles(ctx, claim.ID)
	if err != nil {
		return 0, err
	}
	if most := policy.Evidence.MaxFiles; len(files) >= most {
		return 0, fault.New(fault.Conflict, "evidence_files_limit", "A claim has at most %d files.", "한 청구에는 파일을 %d개까지 낼 수 있습니다.", most)
	}
	_, used, err := r.EvidenceUsed(ctx, claim.ClaimantID)
	if err != nil {
		return 0, err
	}
	if used >= policy.Evidence.MaxBytesClaimant {
		return 0, quotaUsed(policy.Evidence.MaxBytesClaimant)
	}
	return policy.Evidence.MaxBytesClaimant - used, nil
}

func quotaUsed(most int64) *fault.Error {
	return fault.New(fault.TooLarge, "evidence_quota_used", "All files of a claimant together have at most %d bytes.", "청구인의 파일을 모두 합하여 %d바이트까지 둘 수 있습니다.", most)
}

// mayBeRetry reports whether the key of a request was used before. Whether it is
// the same request shows when its content has been read.
func (s *Service) mayBeRetry(ctx context.Context, once *Once) bool {
	if once == nil {
		return false
	}
	_, err := s.store.Answered(ctx, *once, s.now())
	return fault.KindOf(err) == fault.Invalid
}

// quota ends a stream with a fault where it leaves what the claimant may store.
type quota struct {
	io.Reader
	left     int64
	claimant int64 // in all
}

func (q *quota) Read(p []byte) (int, error) {
	n, err := q.Reader.Read(p)
	if q.left -= int64(n); q.left < 0 {
		return 0, quotaUsed(q.claimant)
	}
	return n, err
}

// lies are the refusals of files that should be known of.
var lies = []string{"malware_found", "evidence_type_mismatch", "evidence_type_ambiguous"}

// putEvidence stores the bytes, then the row. What was refused a row is removed;
// where it is not known whether the transaction was committed, SweepEvidence
// finds out.
func (s *Service) putEvidence(ctx context.Context, actor identity.Actor, claim Claim, in EvidenceUpload, policy Policy, reply Reply[EvidenceFile]) (EvidenceFile, error) {
	id := newID()
	stored, err := s.files.Put(ctx, id, in.Name, in.Type, in.Body)
	if refused := fault.As(err); refused != nil && slices.Contains(lies, refused.Code) {
		return EvidenceFile{}, s.attempted(ctx, actor, claim.ID, "evidence", refused)
	}
	if err != nil {
		return EvidenceFile{}, err
	}
	file := EvidenceFile{
		ID: id, ClaimID: claim.ID, ClaimantID: claim.ClaimantID, Slot: in.Slot, Name: stored.Name, Type: stored.Type, Size: stored.Size,
		SHA256: stored.SHA256[:], Scan: string(stored.Scan.Result), UploadedBy: actor.KeyID, UploadedAt: s.now(),
	}
	if reply.Once != nil {
		reply.Once = file.once(*reply.Once)
	}
	file, err = s.addEvidence(ctx, actor, file, policy, reply)
	var before *Replay
	if errors.As(err, &before) || fault.As(err) != nil {
		// Also when the caller has gone away meanwhile.
		if failed := s.files.Delete(context.WithoutCancel(ctx), id); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return file, err
}

// once is a request with the file in it.
func (f EvidenceFile) once(o Once) *Once {
	h := sha256.New()
	fmt.Fprintf(h, "%x %s %q %x", o.Request, f.Slot, f.Name, f.SHA256)
	o.Request = h.Sum(nil)
	return &o
}

// uploadTries is how often a file is added to a claim that others change
// meanwhile: no version was asked for, so it goes with any.
const uploadTries = 5

func (s *Service) addEvidence(ctx context.Context, actor identity.Actor, file EvidenceFile, policy Policy, reply Reply[EvidenceFile]) (EvidenceFile, error) {
	var added EvidenceFile
	var err error
	for range uploadTries {
		added, err = write(ctx, s, reply, func(ctx context.Context, tx Tx) (EvidenceFile, error) {
			return s.addInTx(ctx, tx, actor, file, policy)
		})
		if fault.KindOf(err) != fault.Stale {
			return added, err
		}
	}
	return EvidenceFile{}, err
}

func (s *Service) addInTx(ctx context.Context, tx Tx, actor identity.Actor, file EvidenceFile, policy Policy) (EvidenceFile, error) {
	claim, err := tx.Claim(ctx, file.ClaimID)
	if err != nil {
		return EvidenceFile{}, err
	}
	left, err := room(ctx, tx, claim, policy)
	if err != nil {
		return EvidenceFile{}, err
	}
	if file.Size > left {
		return EvidenceFile{}, quotaUsed(policy.Evidence.MaxBytesClaimant)
	}
	if err := tx.InsertEvidenceFile(ctx, file); err != nil {
		return EvidenceFile{}, err
	}
	data := map[string]any{"slot": file.Slot, "type": file.Type, "size": file.Size, "sha256": hex.EncodeToString(file.SHA256)}
	if _, err := s.move(ctx, tx, actor, claim, "claim.evidence_added", deed{to: claim.State, data: data}); err != nil {
		return EvidenceFile{}, err
	}
	if file, err = tx.EvidenceFile(ctx, file.ID); err != nil {
		return EvidenceFile{}, err
	}
	return file.shownTo(actor, claim), nil
}

// shownTo is a file as the actor may see it: on how many other claims it lies is
// the staff's business.
func (f EvidenceFile) shownTo(actor identity.Actor, claim Claim) EvidenceFile {
	if actor.Owns(claim.ClaimantID) {
		f.SameAs = 0
	}
	return f
}

// ListEvidence lists the files of a claim the actor may see, oldest first.
func (s *Service) ListEvidence(ctx context.Context, actor identity.Actor, claimID string) ([]EvidenceFile, error) {
	claim, err := s.view(ctx, actor, claimID)
	if err != nil {
		return nil, err
	}
	files, err := s.store.EvidenceFiles(ctx, claimID)
	if err != nil {
		return nil, err
	}
	for i := range files {
		files[i] = files[i].shownTo(actor, claim)
	}
	return files, nil
}

// OpenEvidence opens a file of a claim the actor may see; who looks at it is
// recorded before. Whoever reads to io.EOF has read the whole file as it was
// uploaded; a file that was altered since ends in evidence.ErrAltered.
func (s *Service) OpenEvidence(ctx context.Context, actor identity.Actor, claimID, fileID string) (EvidenceFile, io.ReadCloser, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims)
	if err != nil {
		return EvidenceFile{}, nil, err
	}
	file, content, err := s.openFile(ctx, claim, fileID, func() error { return s.looked(ctx, actor, claim, readEvidence, fileID) })
	return file.shownTo(actor, claim), content, err
}

// openFile opens a file of a claim, after note has recorded the look at it.
func (s *Service) openFile(ctx context.Context, claim Claim, fileID string, note func() error) (EvidenceFile, io.ReadCloser, error) {
	if s.files == nil {
		return EvidenceFile{}, nil, noFileStore()
	}
	file, err := s.store.EvidenceFile(ctx, fileID)
	if err != nil {
		return EvidenceFile{}, nil, err
	}
	if file.ClaimID != claim.ID {
		return EvidenceFile{}, nil, NotFound("evidence", fileID)
	}
	if err := note(); err != nil {
		return EvidenceFile{}, nil, err
	}
	content, err := s.files.Open(ctx, fileID)
	if err != nil {
		return EvidenceFile{}, nil, fmt.Errorf("evidence %s of claim %s: %w", fileID, claim.ID, err)
	}
	return file, content, nil
}

// sweepAfter is far longer than any upload takes, from its first byte to the
// commit of its row.
const sweepAfter = day

// SweepEvidence removes stored files older than a day that belong to no claim,
// left by uploads that were cut off, and says how many.
func (s *Service) SweepEvidence(ctx context.Context) (int, error) {
	if s.files == nil {
		return 0, nil
	}
	known := func(ctx context.Context, ids []string) (map[string]bool, error) {
		rows, err := s.store.EvidenceKnown(ctx, ids)
		if err != nil {
			return nil, err
		}
		found := make(map[string]bool, len(rows))
		for _, id := range rows {
			found[id] = true
		}
		return found, nil
	}
	return s.files.Sweep(ctx, known, s.now().Add(-sweepAfter))
}

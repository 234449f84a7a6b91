package claims_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/fault"
)

// breakage is what happens to a transaction of the simulation.
type breakage string

const (
	sound        breakage = ""
	brokenBefore breakage = "before"    // it never begins
	brokenDuring breakage = "during"    // one of its writes fails
	brokenAtEnd  breakage = "at commit" // everything is written, and the commit fails
	brokenAfter  breakage = "after"     // it is committed, and nobody is told
	overtaken    breakage = "overtaken" // somebody else is quicker
)

var breakages = []breakage{brokenBefore, brokenDuring, brokenAtEnd, brokenAfter, overtaken}

var errBroken = errors.New("the connection to the database broke")

// plan is what one turn of the simulation does to the store, and what came of it.
type plan struct {
	what  breakage
	at    int    // the transaction that meets it, from 0
	write int    // brokenDuring: the write of it that fails, from 0
	rival func() // overtaken: who is quicker

	begun   int  // transactions
	commits int  // of them
	broke   bool // it happened
}

// breaking is a store whose transactions fail as planned.
type breaking struct {
	claims.Store
	plan   *plan
	breaks map[string]int // how often each breakage happened
}

// broke says that what was planned happened.
func (s *breaking) broke(p *plan) error {
	p.broke = true
	s.breaks[string(p.what)]++
	return errBroken
}

func (s *breaking) InTx(ctx context.Context, f func(ctx context.Context, tx claims.Tx) error) error {
	p := s.plan
	p.begun++
	what := sound
	if p.begun-1 == p.at {
		what = p.what
	}
	switch what {
	case brokenBefore:
		return s.broke(p)
	case overtaken:
		s.broke(p)
		p.rival()
		s.plan = p
	}
	err := s.Store.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
		if what == brokenDuring {
			tx = fragile{Tx: tx, store: s, plan: p}
		}
		if err := f(ctx, tx); err != nil {
			return err
		}
		if what == brokenAtEnd {
			return s.broke(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.commits++
	if what == brokenAfter {
		return s.broke(p)
	}
	return nil
}

// fragile is a transaction of which one write fails.
type fragile struct {
	claims.Tx
	store *breaking
	plan  *plan
}

// write carries out one write, unless it is the one that fails.
func (t fragile) write(f func() error) error {
	if t.plan.write--; t.plan.write == -1 {
		return t.store.broke(t.plan)
	}
	return f()
}

func (t fragile) InsertClaim(ctx context.Context, c claims.Claim) error {
	return t.write(func() error { return t.Tx.InsertClaim(ctx, c) })
}

func (t fragile) UpdateClaim(ctx context.Context, c claims.Claim) error {
	return t.write(func() error { return t.Tx.UpdateClaim(ctx, c) })
}

func (t fragile) InsertEstimate(ctx context.Context, e claims.Estimate) error {
	return t.write(func() error { return t.Tx.InsertEstimate(ctx, e) })
}

func (t fragile) InsertChecks(ctx context.Context, rows []claims.CheckRow) error {
	return t.write(func() error { return t.Tx.InsertChecks(ctx, rows) })
}

func (t fragile) InsertEvent(ctx context.Context, e claims.Event) error {
	return t.write(func() error { return t.Tx.InsertEvent(ctx, e) })
}

func (t fragile) InsertEntry(ctx context.Context, e auditlog.Entry) error {
	return t.write(func() error { return t.Tx.InsertEntry(ctx, e) })
}

func (t fragile) InsertBatch(ctx context.Context, b claims.Batch, decisions []claims.Decision) error {
	return t.write(func() error { return t.Tx.InsertBatch(ctx, b, decisions) })
}

func (t fragile) DrawBatch(ctx context.Context, b claims.Batch, reviews []claims.QualityReview) error {
	return t.write(func() error { return t.Tx.DrawBatch(ctx, b, reviews) })
}

func (t fragile) EnterStage(ctx context.Context, s claims.Stage) error {
	return t.write(func() error { return t.Tx.EnterStage(ctx, s) })
}

func (t fragile) InsertDecision(ctx context.Context, d claims.Decision) error {
	return t.write(func() error { return t.Tx.InsertDecision(ctx, d) })
}

func (t fragile) InsertApproval(ctx context.Context, a claims.Approval) error {
	return t.write(func() error { return t.Tx.InsertApproval(ctx, a) })
}

func (t fragile) InsertRequest(ctx context.Context, r claims.InformationRequest) error {
	return t.write(func() error { return t.Tx.InsertRequest(ctx, r) })
}

func (t fragile) UpdateRequest(ctx context.Context, r claims.InformationRequest) error {
	return t.write(func() error { return t.Tx.UpdateRequest(ctx, r) })
}

func (t fragile) InsertAppeal(ctx context.Context, a claims.AppealCase) error {
	return t.write(func() error { return t.Tx.InsertAppeal(ctx, a) })
}

func (t fragile) EndAppeal(ctx context.Context, a claims.AppealCase) error {
	return t.write(func() error { return t.Tx.EndAppeal(ctx, a) })
}

func (t fragile) InsertLetter(ctx context.Context, l claims.Letter) error {
	return t.write(func() error { return t.Tx.InsertLetter(ctx, l) })
}

func (t fragile) InsertExclusion(ctx context.Context, e claims.Exclusion) error {
	return t.write(func() error { return t.Tx.InsertExclusion(ctx, e) })
}

func (t fragile) InsertCovers(ctx context.Context, covers []claims.Cover) error {
	return t.write(func() error { return t.Tx.InsertCovers(ctx, covers) })
}

func (t fragile) DeleteCovers(ctx context.Context, claimID string) error {
	return t.write(func() error { return t.Tx.DeleteCovers(ctx, claimID) })
}

func (t fragile) InsertEvidenceFile(ctx context.Context, f claims.EvidenceFile) error {
	return t.write(func() error { return t.Tx.InsertEvidenceFile(ctx, f) })
}

func (t fragile) Keep(ctx context.Context, once claims.Once, answer claims.Answer) error {
	return t.write(func() error { return t.Tx.Keep(ctx, once, answer) })
}

// shelf keeps the bytes of evidence in memory and takes files called liar for
// something else than they say.
type shelf map[string][]byte

func (s shelf) Put(_ context.Context, id, name, _ string, r io.Reader) (evidence.File, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return evidence.File{}, err
	}
	if name == "liar" {
		return evidence.File{}, fault.New(fault.Invalid, "evidence_type_mismatch", "The file is not what it says.", "파일이 표시된 형식과 다릅니다.")
	}
	s[id] = content
	return evidence.File{
		Name: name, Type: "application/pdf", Size: int64(len(content)), SHA256: sha256.Sum256(content), Scan: evidence.Scan{Result: evidence.NotScanned},
	}, nil
}

func (s shelf) Open(_ context.Context, id string) (io.ReadCloser, error) {
	content, ok := s[id]
	if !ok {
		return nil, fmt.Errorf("no file %s", id)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (s shelf) Delete(_ context.Context, id string) error {
	delete(s, id)
	return nil
}

func (s shelf) Sweep(context.Context, func(context.Context, []string) (map[string]bool, error), time.Time) (int, error) {
	return 0, nil
}

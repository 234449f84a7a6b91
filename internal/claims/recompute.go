package claims

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"redress/internal/baseline"
	"redress/internal/revenue"
)

// Recomputation says what making estimates again came to.
type Recomputation struct {
	Equal int
	// Differing are the claims whose estimate did not come out byte for byte, or
	// could not be made, and why; by no particular order.
	Differing map[string]string
}

// recomputeAtOnce is how many estimates, with their histories, are read and
// held together by each worker.
const recomputeAtOnce = 200

// Recompute makes the newest estimate of every claim of an incident (of every
// incident when incidentID is empty) again, from the inputs and uploads that it
// names, and compares bytes. Histories stream through memory batch by batch;
// workers compute in parallel, and the outcome does not depend on how many.
func (s *Service) Recompute(ctx context.Context, incidentID string, workers int, progress func(done int)) (Recomputation, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []Estimate)
	out := Recomputation{Differing: map[string]string{}}
	var mu sync.Mutex
	var done atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for batch := range batches {
				differing, err := s.recomputeBatch(ctx, batch)
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				out.Equal += len(batch) - len(differing)
				for claim, why := range differing {
					out.Differing[claim] = why
				}
				mu.Unlock()
				progress(int(done.Add(int64(len(batch)))))
			}
		})
	}
	err := s.eachBatch(ctx, incidentID, batches)
	close(batches)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return Recomputation{}, cause
	}
	return out, err
}

// eachBatch pages through the newest estimates, newest claim first.
func (s *Service) eachBatch(ctx context.Context, incidentID string, batches chan<- []Estimate) error {
	page := Page{Limit: recomputeAtOnce}
	for {
		batch, err := s.store.NewestEstimates(ctx, incidentID, page)
		if err != nil || len(batch) == 0 {
			return err
		}
		select {
		case batches <- batch:
		case <-ctx.Done():
			return nil // the cause is the caller's to report
		}
		page.After = batch[len(batch)-1].ClaimID
	}
}

func (s *Service) recomputeBatch(ctx context.Context, batch []Estimate) (map[string]string, error) {
	named := make([]inputs, len(batch))
	var uploads []string
	for i, e := range batch {
		if err := json.Unmarshal(e.Inputs, &named[i]); err != nil {
			return nil, fmt.Errorf("inputs of the estimate of claim %s: %w", e.ClaimID, err)
		}
		for _, l := range named[i].Lines {
			uploads = append(uploads, l.Uploads...)
		}
	}
	held, err := s.store.Histories(ctx, uploads)
	if err != nil {
		return nil, err
	}
	differing := map[string]string{}
	for i, e := range batch {
		again, err := s.again(ctx, named[i], held, e)
		switch {
		case err != nil:
			differing[e.ClaimID] = err.Error()
		case !bytes.Equal(again.Inputs, e.Inputs):
			differing[e.ClaimID] = "the inputs differ: a history is not what the estimate was made from"
		case !bytes.Equal(again.Bytes, e.Bytes):
			differing[e.ClaimID] = "the estimate differs"
		}
	}
	return differing, nil
}

// again makes one estimate from what it names.
func (s *Service) again(ctx context.Context, in inputs, held map[string]SourcedHistory, e Estimate) (Estimate, error) {
	if in.Model != baseline.Model {
		return Estimate{}, fmt.Errorf("made by model %s; this program has %s", in.Model, baseline.Model)
	}
	version, err := s.store.Scheme(ctx, in.Scheme.ID, in.Scheme.Version)
	if err != nil {
		return Estimate{}, err
	}
	rules, err := s.parse(version)
	if err != nil {
		return Estimate{}, err
	}
	in.Scheme.Hash = version.Hash
	histories := make([]revenue.History, len(in.Lines))
	for i := range in.Lines {
		l := &in.Lines[i]
		bySource := map[revenue.Source]revenue.History{}
		for _, id := range l.Uploads {
			h, ok := held[id]
			if !ok {
				return Estimate{}, fmt.Errorf("upload %s is gone", id)
			}
			bySource[h.Source] = h.History
		}
		if histories[i], l.HistoryDigest, err = merged(bySource); err != nil {
			return Estimate{}, err
		}
	}
	return in.estimate(histories, rules, e.ClaimID, e.N, e.MadeAt)
}

package claims

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"redress/internal/baseline"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// Recomputation says what making estimates again came to.
type Recomputation struct {
	Equal  int
	Erased int // claims that have an estimate no longer, because their claimant was erased
	// Differing are the claims whose estimate did not come out byte for byte, or
	// could not be made, and why; by no particular order.
	Differing map[string]string
}

// Recompute makes the newest estimate of every claim of an incident (of every
// incident when incidentID is empty) again, from the inputs and uploads that it
// names, and compares bytes. Histories stream through memory batch by batch;
// workers compute in parallel, and the outcome does not depend on how many.
func (s *Service) Recompute(ctx context.Context, incidentID string, workers int, progress func(done int)) (Recomputation, error) {
	if incidentID != "" {
		if _, err := s.store.Incident(ctx, incidentID); err != nil {
			return Recomputation{}, err
		}
	}
	out := Recomputation{Differing: map[string]string{}}
	var mu sync.Mutex
	done := 0
	newest := func(ctx context.Context, page Page) ([]Estimate, error) {
		return s.store.NewestEstimates(ctx, incidentID, page)
	}
	err := stream(ctx, workers, newest, func(ctx context.Context, batch []Estimate) error {
		differing, err := s.recomputeBatch(ctx, batch)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done += len(batch)
		out.Equal += len(batch) - len(differing)
		maps.Copy(out.Differing, differing)
		progress(done)
		return nil
	})
	if err != nil {
		return Recomputation{}, err
	}
	out.Erased, err = s.store.CountErased(ctx, incidentID)
	return out, err
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
		case again.Hash != e.Hash || again.InputHash != e.InputHash || again.Amount != e.Amount || again.Outcome != e.Outcome ||
			again.Model != e.Model || again.Scheme != e.Scheme:
			differing[e.ClaimID] = "what is stored beside the estimate is not what it says"
		}
	}
	return differing, nil
}

// again makes one estimate from what it names.
func (s *Service) again(ctx context.Context, in inputs, held map[string]SourcedHistory, e Estimate) (Estimate, error) {
	rules, err := s.ruling(ctx, in.Scheme.SchemeRef)
	if err != nil {
		return Estimate{}, err
	}
	return in.again(rules, func(l lineInputs) (revenue.History, string, error) { return l.history(held) }, e)
}

// again makes an estimate from inputs, by the rules and with the histories that are
// at hand, whatever hashes of them the inputs name: those come out as they are.
func (in inputs) again(rules *scheme.Scheme, history func(lineInputs) (revenue.History, string, error), e Estimate) (Estimate, error) {
	if in.Model != baseline.Model {
		return Estimate{}, fmt.Errorf("made by model %s; this program has %s", in.Model, baseline.Model)
	}
	in.Scheme.Hash = rules.Hash()
	histories := make([]revenue.History, len(in.Lines))
	for i := range in.Lines {
		l := &in.Lines[i]
		var err error
		if histories[i], l.HistoryDigest, err = history(*l); err != nil {
			return Estimate{}, err
		}
	}
	return in.estimate(histories, rules, e.ClaimID, e.N, e.MadeAt)
}

// history joins the uploads that the line names, and computes the digest of what
// comes out.
func (l lineInputs) history(held map[string]SourcedHistory) (revenue.History, string, error) {
	bySource := map[revenue.Source]revenue.History{}
	for _, id := range l.Uploads {
		h, ok := held[id]
		if !ok {
			return revenue.History{}, "", fmt.Errorf("upload %s is gone", id)
		}
		bySource[h.Source] = h.History
	}
	return merged(bySource)
}

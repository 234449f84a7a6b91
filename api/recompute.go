package main

import (
	"context"
	"fmt"
	"runtime"

	"redress/internal/claims"
)

type recomputeCommand struct {
	database
	Incident string `help:"Only the claims of this incident."`
	Workers  int    `help:"Estimates made at the same time; all processors when 0."`
}

// Run makes every claim's newest estimate again from the inputs and histories it
// names. It fails when one does not come out byte for byte.
func (r recomputeCommand) Run(ctx context.Context, w *world) error {
	db, err := r.openExisting()
	if err != nil {
		return err
	}
	defer db.Close()
	workers := r.Workers
	if workers < 1 {
		workers = runtime.NumCPU()
	}
	out, err := claims.New(db, w.now).Recompute(ctx, r.Incident, workers, func(done int) {
		fmt.Fprintf(w.stderr, "\r%d estimates", done)
	})
	fmt.Fprintln(w.stderr)
	if err != nil {
		return err
	}
	for claim, why := range out.Differing {
		fmt.Fprintf(w.stdout, "claim %s: %s\n", claim, why)
	}
	fmt.Fprintf(w.stdout, "%d estimates came out byte for byte, %d did not\n", out.Equal, len(out.Differing))
	if out.Erased > 0 {
		fmt.Fprintf(w.stdout, "%d claims have none to make again: their claimants were erased\n", out.Erased)
	}
	if len(out.Differing) > 0 {
		return fmt.Errorf("%d estimates differ from what is stored", len(out.Differing))
	}
	return nil
}

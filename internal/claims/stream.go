package claims

import (
	"context"
	"sync"
)

// estimatesAtOnce is how many estimates, with what belongs to them, are read and
// held together by each worker.
const estimatesAtOnce = 200

// stream reads pages of estimates, newest claim first, until there are no more,
// and hands each to one of several workers. It stops at the first error. What
// comes of it must not depend on which worker gets which batch.
func stream(ctx context.Context, workers int, read func(context.Context, Page) ([]Estimate, error), work func(context.Context, []Estimate) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []Estimate)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for batch := range batches {
				if err := work(ctx, batch); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := eachBatch(ctx, read, batches)
	close(batches)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func eachBatch(ctx context.Context, read func(context.Context, Page) ([]Estimate, error), batches chan<- []Estimate) error {
	page := Page{Limit: estimatesAtOnce}
	for {
		batch, err := read(ctx, page)
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

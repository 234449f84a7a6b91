package auditlog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"redress/internal/fault"
)

// roundTimeout is how long the witnesses may take for one checkpoint.
const roundTimeout = 5 * time.Second

// submit says that there is a checkpoint to be cosigned.
func (l *Log) submit() {
	select {
	case l.witnessed <- struct{}{}:
	default: // that has been said already
	}
}

// cosignAll has each new checkpoint cosigned, one round at a time and not too
// often; a witness that did not answer is asked again in the next round.
func (l *Log) cosignAll(ctx context.Context) {
	again := time.NewTicker(max(l.WitnessEvery, time.Second))
	defer again.Stop()
	for l.Stopped() == nil {
		select {
		case <-l.witnessed:
			l.cosign(ctx)
			select { // rest
			case <-time.After(l.WitnessEvery):
			case <-ctx.Done():
				return
			}
		case <-again.C:
			l.cosign(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// cosign submits the newest checkpoint to every witness that takes checkpoints
// and keeps what they signed. Before the first checkpoint it asks about an empty
// log, so that a witness which has seen more can say so.
func (l *Log) cosign(ctx context.Context) {
	head, err := l.store.LogHead(ctx)
	if err == nil && head.Checkpoint == nil && head.Size == 0 {
		head.Checkpoint, err = l.signer.Sign(0, l.store.LogTree(ctx))
	}
	if err != nil {
		l.Log.WarnContext(ctx, "no checkpoint for the witnesses", slog.String("error", err.Error()))
		return
	}
	if head.Size == l.submitted {
		return
	}
	lines, complete := l.round(ctx, head)
	if complete {
		l.submitted = head.Size
	}
	if len(lines) == 0 || head.Size == 0 {
		return
	}
	err = l.store.CosignLog(ctx, func(now Head) ([]byte, error) { return l.merge(now, head.Checkpoint, lines) })
	if err != nil {
		l.Log.WarnContext(ctx, "the cosignatures were not kept", slog.String("error", err.Error()))
	}
}

// round asks all witnesses at once. It answers what they signed, and whether none
// was missing.
func (l *Log) round(ctx context.Context, head Head) (lines []byte, complete bool) {
	asked, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	answers := make([][]byte, len(l.sizes))
	complete = true
	var mu sync.Mutex
	var asking sync.WaitGroup
	for i, w := range l.signer.keys.witnesses {
		if w.URL == "" {
			continue
		}
		asking.Go(func() {
			line, err := Submit(asked, l.Client, w, head.Checkpoint, l.sizes[i], l.store.LogTree(asked))
			if err == nil {
				answers[i], l.sizes[i] = line, head.Size
				return
			}
			mu.Lock()
			complete = false
			mu.Unlock()
			if ctx.Err() == nil {
				l.unsigned(ctx, w, err)
			}
		})
	}
	asking.Wait()
	return slices.Concat(answers...), complete
}

// unsigned judges why a witness did not sign. One that has seen another history
// stops the log; one that another process has brought further does not.
func (l *Log) unsigned(ctx context.Context, w WitnessKey, err error) {
	f := fault.As(err)
	if f != nil && f.Code == "witness_ahead" {
		size := (*SizeError)(nil)
		head, readErr := l.store.LogHead(ctx)
		if readErr != nil || errors.As(err, &size) && size.TreeSize <= head.Size {
			return
		}
	}
	if f != nil && (f.Code == "witness_ahead" || f.Code == "witness_sees_fork") {
		l.stop(err)
	}
	l.Log.WarnContext(ctx, "a witness did not cosign", slog.String("witness", w.Name()), slog.String("error", err.Error()))
}

// merge adds cosignatures of a checkpoint to those that are kept, of which only
// the newest checkpoint's count.
func (l *Log) merge(now Head, checkpoint, lines []byte) ([]byte, error) {
	kept := now.Cosigned
	if kept == nil {
		return l.signer.keys.AddCosignatures(checkpoint, lines)
	}
	if bytes.Equal(textOf(kept), textOf(checkpoint)) {
		return l.signer.keys.AddCosignatures(kept, lines)
	}
	newest, err := unverified(kept)
	if err != nil {
		return nil, err
	}
	next, err := unverified(checkpoint)
	if err != nil || next.TreeSize <= newest.TreeSize {
		return nil, err
	}
	return l.signer.keys.AddCosignatures(checkpoint, lines)
}

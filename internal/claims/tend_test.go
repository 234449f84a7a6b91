package claims_test

import (
	"testing"
	"time"

	"redress/internal/claims"
)

// A request that is recalled while the service tends other claims is nothing to
// complain of.
func TestTendPassesOverWhatSomebodyWasQuickerWith(t *testing.T) {
	l := newLifesim(t, "sqlite", 3)
	for range 2 {
		l.file()
	}
	ctx, senior := t.Context(), l.seniors[0]
	var ids []string
	for _, s := range l.live {
		c := must(l.db.Claim(ctx, s.id))(t)
		if c.State == claims.Drafted {
			c = must(l.Submit(ctx, s.shop.actor, c.ID, 0, none))(t)
		}
		must(l.Assign(ctx, senior, c.ID, 0, "", none))(t)
		ids = append(ids, c.ID)
	}
	must(l.Hold(ctx, senior, ids[0], 0, "under_inquiry", l.clock.Now().Add(time.Hour), none))(t)
	must(l.RequestInformation(ctx, senior, ids[1], 0, claims.RequestDraft{Items: aRequest().Items, DueAt: ptr(l.clock.Now().Add(2 * time.Hour))}, none))(t)
	l.clock.set(l.clock.Now().Add(3 * time.Hour))
	l.broken.plan = &plan{what: overtaken, rival: func() {
		l.broken.plan = &plan{}
		must(l.desks[1].RecallRequest(ctx, senior, ids[1], 0, 1, none))(t)
	}}
	if moved, err := l.desks[0].Tend(ctx); err != nil || moved != 1 {
		t.Errorf("moved %d, %v", moved, err)
	}
}

package claims_test

import (
	"slices"
	"testing"
	"time"

	"redress/internal/claims"
)

// Two processes' clocks may differ: what the second does is dated no earlier than
// what the first did before it.
func TestNoEventIsDatedBeforeTheOneBefore(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 100_000)
		d.elapse(time.Hour)
		taken := d.taken(t, f, d.reviewer)
		d.elapse(-30 * time.Minute)
		back := must(d.PutBack(t.Context(), d.reviewer, f.ID, taken.Version, anyClaim))(t)
		if !back.UpdatedAt.Equal(taken.UpdatedAt) || !back.StateSince.Equal(taken.UpdatedAt) {
			t.Errorf("put back at %s, in this state since %s; taken at %s", back.UpdatedAt, back.StateSince, taken.UpdatedAt)
		}
		events := must(d.Events(t.Context(), d.reviewer, f.ID))(t)
		if len(events) != 4 || !slices.IsSortedFunc(events, func(a, b claims.Event) int { return a.At.Compare(b.At) }) {
			t.Errorf("%d events: %+v", len(events), events)
		}
		stages := must(d.Stages(t.Context(), d.reviewer, f.ID))(t)
		for _, stage := range stages {
			if stage.Left != nil && stage.Left.Before(stage.Entered) {
				t.Errorf("%s left before it was entered: %+v", stage.State, stage)
			}
		}
	})
}

package publication_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/publication"
)

// The sandbox's own tables, as the service published them ten times: by Publish with
// the shipped rule, so that they can be made again without a protection. Each is
// found missing in these tables. No sector of the sandbox is made up of a few large
// claims, so two that file after it was filled are.
func TestNoFigureOfTheSandboxCanBeDerivedUnlessAProtectionIsLeftOut(t *testing.T) {
	began := time.Now()
	releases, snapshots := tenReleases(t)
	t.Logf("ten releases of the sandbox in %.1f s", time.Since(began).Seconds())
	rule := publication.DefaultRule()
	t.Run("with every protection", func(t *testing.T) {
		began := time.Now()
		a := attacked(t, rule, releases, "")
		for _, found := range a.Found {
			t.Error(found)
		}
		t.Logf("%d figures published, %d withheld; %d figures and changes judged by %d linear programmes in %.1f s",
			a.Published, a.Withheld, a.Judged, a.Programmes, time.Since(began).Seconds())
	})
	t.Run("as this room makes them", func(t *testing.T) {
		for i, again := range republished(t, rule, snapshots, "") {
			if diff := cmp.Diff(releases[i].Release, again.Release); diff != "" {
				t.Errorf("release %d (-by the service +by Publish):\n%s", i+1, diff)
			}
		}
	})
	for _, off := range publication.Protections {
		t.Run("without "+string(off), func(t *testing.T) {
			a := attacked(t, rule, republished(t, rule, snapshots, off), off)
			if len(a.Found) == 0 {
				t.Fatal("the attack finds nothing without it")
			}
			t.Logf("%d found; the first: %s", len(a.Found), a.Found[0])
		})
	}
}

// republished are the releases of the same snapshots with one part of disclosure
// control left out, or none.
func republished(t testing.TB, rule publication.Rule, snapshots []publication.Snapshot, off publication.Protection) []publication.Earlier {
	t.Helper()
	var releases []publication.Earlier
	for _, s := range snapshots {
		release, err := publication.PublishWithout(off, s, rule, releases)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, publication.Earlier{Release: release, Leaves: s.Leaves})
	}
	return releases
}

package publication_test

import (
	"testing"

	"redress/internal/publication"
	"redress/internal/publication/attack"
)

// Claims stay in the list, in their service, sector, region and month, and mostly
// with what was claimed. Who knows that has equations across releases, which the
// audit does not use: that they tell no more is so on this town, and no promise.
func TestWhoKnowsThatClaimsStayLearnsNoMore(t *testing.T) {
	for _, found := range grown(t, 0, "") {
		t.Error(found)
	}
	if len(grown(t, 0, "rounding")) == 0 {
		t.Error("without rounding that attack finds nothing")
	}
}

func grown(t *testing.T, seed uint64, off publication.Protection) []string {
	t.Helper()
	rule := publication.DefaultRule()
	releases, err := history(seed, rule, off)
	if err != nil {
		t.Fatal(err)
	}
	found, err := attack.Grow(rule, releases)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

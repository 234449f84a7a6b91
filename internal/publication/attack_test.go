package publication_test

import (
	"testing"

	"redress/internal/publication"
	"redress/internal/publication/attack"
)

// attacked plays the attack on releases that one part of disclosure control was left
// out of, or none.
func attacked(t testing.TB, rule publication.Rule, releases []publication.Earlier, off publication.Protection) *attack.Adversary {
	t.Helper()
	a := attack.New(rule)
	for _, e := range releases {
		// Of a protection left out one finding says enough.
		if off != "" && len(a.Found) > 0 {
			break
		}
		if err := a.Attack(e); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// attackedTown is what the attack finds in the ten releases of a town.
func attackedTown(t *testing.T, seed uint64, off publication.Protection) []string {
	t.Helper()
	rule := publication.DefaultRule()
	releases, err := history(seed, rule, off)
	if err != nil {
		t.Fatal(err)
	}
	return attacked(t, rule, releases, off).Found
}

func TestNoFigureOfTenReleasesCanBeDerived(t *testing.T) {
	for seed := range uint64(2) {
		for _, found := range attackedTown(t, seed, "") {
			t.Errorf("seed %d: %s", seed, found)
		}
	}
}

// Without any one of the protections the same attack finds something in the first
// of these towns: each is needed, and the attack can find what is there.
func TestEveryProtectionIsNeeded(t *testing.T) {
	for _, off := range publication.Protections {
		t.Run(string(off), func(t *testing.T) {
			found := attackedTown(t, 0, off)
			if len(found) == 0 {
				t.Fatal("the attack finds nothing without it")
			}
			t.Logf("%d found; the first: %s", len(found), found[0])
		})
	}
}

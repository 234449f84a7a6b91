package publication_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"redress/internal/money"
	"redress/internal/publication"
)

// town is a synthetic population of claims that grows and is decided from release
// to release, with a few large sectors and regions, many small ones, and amounts of
// which a few are very large.
//
// In a town of an even seed whoever is approved is awarded the estimate; in one of
// an odd seed reviewers change some awards.
type town struct {
	r       *rand.Rand
	leaves  []publication.Leaf
	changes bool
}

func newTown(seed uint64) *town {
	return &town{r: rand.New(rand.NewPCG(seed, 6)), changes: seed%2 == 1}
}

var (
	services = []string{"taxi", "hair", "shop", "pay"}
	sectors  = []string{"taxi", "salon", "cafe", "bakery", "retail", "restaurant", "lodging", "repair"}
	regions  = []string{"KR-11", "KR-41", "KR-26", "KR-28", "KR-27", "KR-30", "KR-29", "KR-49", "KR-50"}
)

// skewed picks an index, each about half as often as the one before.
func (t *town) skewed(n int) int { return min(int(t.r.ExpFloat64()/0.7), n-1) }

// amount is log-normal: mostly some hundred thousand won, now and then a hundred
// times that.
func (t *town) amount() money.Minor {
	return money.Minor(math.Exp(12+1.4*t.r.NormFloat64())/1000)*1000 + 1000
}

func (t *town) file(n int, month string) {
	for range n {
		id := fmt.Sprintf("claim-%d", len(t.leaves))
		amount := t.amount()
		t.leaves = append(t.leaves, publication.Leaf{
			ID: publication.SaltedID([]byte("a secret of the incident"), id),
			Cell: publication.Cell{
				Service: services[t.skewed(len(services))], Sector: sectors[t.skewed(len(sectors))],
				Region: regions[t.skewed(len(regions))], Month: month, Status: "submitted",
			},
			Amounts: publication.Amounts{Claimed: amount, Estimated: amount * money.Minor(t.r.IntN(90)) / 100},
		})
	}
}

// decide settles n of the open claims and pays n of those awarded.
func (t *town) decide(n, pay int) {
	for _, i := range t.r.Perm(len(t.leaves)) {
		switch l := &t.leaves[i]; {
		case l.Status == "submitted" && n > 0:
			n--
			switch u := t.r.IntN(100); {
			case u < 55:
				l.Status, l.Awarded = "approved", l.Estimated
				if t.changes && u < 10 {
					l.Awarded = l.Claimed
				}
			case u < 75:
				l.Status, l.Awarded = "partly_approved", l.Estimated/2
			case u < 95:
				l.Status = "refused"
			default:
				l.Status = "withdrawn"
			}
		case l.Status == "approved" && pay > 0:
			pay--
			l.Status, l.Paid = "paid", l.Awarded
		}
	}
}

// villages are three regions that break one rule each: two claims that make up
// nearly all, one claim that has nearly all but for the next, and few claims.
func (t *town) villages() {
	for _, v := range []struct {
		region  string
		amounts []money.Minor
	}{
		{"KR-43", append([]money.Minor{5_000_000, 3_600_000}, slices.Repeat([]money.Minor{140_000}, 10)...)},
		{"KR-44", append([]money.Minor{8_300_000, 100_000}, slices.Repeat([]money.Minor{160_000}, 10)...)},
		{"KR-46", slices.Repeat([]money.Minor{1_000_000}, 5)},
	} {
		for _, amount := range v.amounts {
			t.file(1, "2022-10")
			l := &t.leaves[len(t.leaves)-1]
			l.Region, l.Claimed, l.Estimated = v.region, amount, amount/2
		}
	}
}

func (t *town) snapshot(number int) publication.Snapshot {
	return publication.Snapshot{
		Incident: "town", Currency: "KRW", At: time.Date(2022, 11, number, 0, 0, 0, 0, time.UTC),
		Leaves: slices.Values(slices.Clone(t.leaves)),
	}
}

// history publishes ten releases of a town: growth, decisions, weeks in which
// hardly anything happens, and weeks in which only few are paid.
func history(seed uint64, rule publication.Rule, off publication.Protection) ([]publication.Earlier, error) {
	t := newTown(seed)
	var releases []publication.Earlier
	for number := 1; number <= 10; number++ {
		switch {
		case number == 1:
			t.file(900, "2022-10")
			t.villages()
		case number == 5:
			t.file(2, "2022-11")
			t.decide(4, 1)
		case number == 8:
			t.file(40, "2022-11")
			t.decide(60, 3)
		default:
			t.file(150+t.r.IntN(300), []string{"2022-10", "2022-11", "2022-12"}[(number-1)/4])
			t.decide(100+t.r.IntN(200), 40+t.r.IntN(120))
		}
		s := t.snapshot(number)
		release, err := publication.PublishWithout(off, s, rule, releases)
		if err != nil {
			return nil, err
		}
		releases = append(releases, publication.Earlier{Release: release, Leaves: s.Leaves})
	}
	return releases, nil
}

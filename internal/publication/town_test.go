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
type town struct {
	r      *rand.Rand
	leaves []publication.Leaf
}

func newTown(seed uint64) *town { return &town{r: rand.New(rand.NewPCG(seed, 6))} }

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

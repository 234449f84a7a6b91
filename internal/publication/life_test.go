package publication_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/revenue"
	"redress/internal/sandbox"
	"redress/internal/scheme"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// demo is the sandbox that the demo shows when nothing is said.
var demo = sandbox.Options{Seed: 20221015, Claimants: sandbox.DefaultClaimants, Publish: true}

var (
	seoul  = time.FixedZone("KST", 9*60*60)
	outage = time.Date(2022, 10, 15, 15, 30, 0, 0, seoul)
)

const (
	outlet = "main"
	large  = 8_300_000 // the largest claim
)

// life is what goes on in the sandbox after it was filled, through the service.
type life struct {
	testing.TB
	*claims.Service
	r                      *rand.Rand
	now                    time.Time
	incident               string
	admin, senior, auditor identity.Actor
	registered             int
}

func newLife(t testing.TB) *life {
	t.Helper()
	db, err := store.Open(storetest.Options(t, "sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Fill(t.Context(), db, demo)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{TB: t, r: rand.New(rand.NewPCG(demo.Seed, 10)), now: sandbox.Now, incident: box.IncidentID}
	l.Service = claims.New(db, func() time.Time { return l.now })
	for role, actor := range map[identity.Role]*identity.Actor{identity.Admin: &l.admin, identity.Senior: &l.senior, identity.Auditor: &l.auditor} {
		*actor = must(l.Authenticate(t.Context(), box.Keys[role]))(t)
	}
	return l
}

// must unwraps a call that may not fail.
func must[T any](got T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// anyClaim is an answer that nobody keeps.
var anyClaim = claims.Reply[claims.Claim]{}

// business is a kind of claimant, and the service that they trade through.
type business struct {
	kind    claims.ClaimantKind
	sector  scheme.Sector
	service string
}

// The kinds of claimants who come later; the first are the most.
var (
	businesses = []business{
		{claims.Driver, "taxi", "taxi"}, {claims.Merchant, "salon", "hair"}, {claims.Merchant, "convenience", "pay"}, {claims.Merchant, "bakery", "shop"},
		{claims.Merchant, "cafe", "pay"}, {claims.Merchant, "retail", "shop"}, {claims.Merchant, "online_retail", "shop"},
	}
	provinces = []string{"KR-11", "KR-41", "KR-26", "KR-28", "KR-48", "KR-27", "KR-47", "KR-29", "KR-50"}
)

// skewed picks one, each about half as often as the one before.
func skewed[T any](r *rand.Rand, from []T) T { return from[min(int(r.ExpFloat64()/0.7), len(from)-1)] }

// files has n new claimants file, one an hour, two of three of them with a lost
// booking.
func (l *life) files(n int) {
	for range n {
		var lost money.Minor
		if l.r.IntN(3) > 0 {
			lost = money.Minor(math.Exp(11+l.r.NormFloat64())/1000)*1000 + 1000
		}
		b := skewed(l.r, businesses)
		who := l.registers(b, skewed(l.r, provinces))
		must(l.Upload(l.Context(), who.Key.Actor(), claims.Upload{
			ClaimantID: who.Claimant.ID, Outlet: outlet, Service: b.service, Source: revenue.FromClaimant, Summary: json.RawMessage("{}"),
		}, l.sales()))(l)
		l.claims(who, b, lost)
		l.now = l.now.Add(time.Hour)
	}
}

// villages has two sectors file that the sandbox has nobody of and that break one
// rule each: two claims that make up nearly all, and one that has nearly all but for
// the next. They come without a history, so nothing is estimated.
func (l *life) villages() {
	for _, v := range []struct {
		sector scheme.Sector
		lost   []money.Minor
	}{
		{"lodging", append([]money.Minor{5_000_000, 3_600_000}, slices.Repeat([]money.Minor{140_000}, 10)...)},
		{"restaurant", append([]money.Minor{large, 100_000}, slices.Repeat([]money.Minor{160_000}, 10)...)},
	} {
		for _, lost := range v.lost {
			b := business{claims.Merchant, v.sector, "shop"}
			l.claims(l.registers(b, skewed(l.r, provinces)), b, lost)
		}
	}
}

func (l *life) registers(b business, region string) claims.Registered {
	l.Helper()
	l.registered++
	who := claims.Claimant{
		Kind: b.kind, Name: fmt.Sprintf("나중 청구인 %03d", l.registered), Phone: fmt.Sprintf("010-0001-%04d", l.registered), Zone: "Asia/Seoul", Currency: "KRW",
		Outlets: []claims.Outlet{{Code: outlet, Name: fmt.Sprintf("나중 %03d", l.registered), Sector: string(b.sector), Region: region}},
	}
	if b.kind == claims.Driver {
		who.DriverID = fmt.Sprintf("later-%05d", l.registered)
	} else {
		who.BusinessNumber = fmt.Sprintf("001%07d", l.registered)
	}
	return must(l.Register(l.Context(), identity.Anyone, who, claims.Reply[claims.Registered]{}))(l)
}

// sales are eight weeks of ten hours a day that end before the outage.
func (l *life) sales() revenue.History {
	end := revenue.LocalOf(outage, seoul).DayStart()
	h, level := revenue.History{BucketMinutes: 60, Start: end - 8*revenue.Week}, 2+l.r.IntN(6)
	for at := h.Start; at < end; at += revenue.Hour {
		state, amount, count := revenue.Closed, money.Minor(0), int32(0)
		if hour := at.Clock().Hour(); hour >= 10 && hour < 20 {
			state, count = revenue.Open, int32(1+l.r.IntN(level))
			amount = money.Minor(count) * 100 * money.Minor(40+l.r.IntN(90))
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
}

// claims files and submits a claim, with one lost booking where it is more than 0.
func (l *life) claims(who claims.Registered, b business, lost money.Minor) {
	l.Helper()
	line := claims.LossLine{Service: b.service}
	if lost > 0 {
		line.Items = []claims.LossItem{{Kind: "lost_booking", At: outage.Add(time.Hour).UTC(), Amount: lost}}
	}
	l.now = l.now.Add(time.Minute)
	must(l.File(l.Context(), who.Key.Actor(), claims.Draft{
		IncidentID: l.incident, ClaimantID: who.Claimant.ID, Outlet: outlet, Channel: "web", Content: claims.Content{Lines: []claims.LossLine{line}},
	}, true, anyClaim))(l)
}

// standing are the claims of the incident in one of the states, in the order in
// which they were filed.
func (l *life) standing(states ...claims.State) []claims.Claim {
	l.Helper()
	var all []claims.Claim
	for page := (claims.Page{Limit: 100}); ; page.After = all[len(all)-1].ID {
		found := must(l.Claims(l.Context(), l.admin, claims.ClaimFilter{IncidentID: l.incident}, page))(l)
		if all = append(all, found...); len(found) < page.Limit {
			break
		}
	}
	all = slices.DeleteFunc(all, func(c claims.Claim) bool { return !slices.Contains(states, c.State) })
	slices.SortFunc(all, func(a, b claims.Claim) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Outlet, b.Outlet))
	})
	return all
}

// some are n of the claims in one of the states.
func (l *life) some(n int, states ...claims.State) []claims.Claim {
	all := l.standing(states...)
	l.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// owner is a key of the claimant of a claim.
func (l *life) owner(c claims.Claim) identity.Actor {
	request := claims.KeyRequest{Role: identity.Claimant, Label: "later", ClaimantID: c.ClaimantID}
	return must(l.IssueKey(l.Context(), l.admin, request, claims.Reply[claims.IssuedKey]{}))(l).Key.Actor()
}

// submits has n of those who have a draft submit it.
func (l *life) submits(n int) {
	for _, c := range l.some(n, claims.Drafted) {
		l.now = l.now.Add(time.Minute)
		must(l.Submit(l.Context(), l.owner(c), c.ID, c.Version, anyClaim))(l)
	}
}

// withdraws has n of the submitted claims withdrawn.
func (l *life) withdraws(n int) {
	for _, c := range l.some(n, claims.Submitted) {
		l.now = l.now.Add(time.Minute)
		must(l.Withdraw(l.Context(), l.owner(c), c.ID, c.Version, "", anyClaim))(l)
	}
}

// decides has the senior decide n of the submitted claims that are not large.
func (l *life) decides(n int) {
	small := slices.DeleteFunc(l.some(math.MaxInt, claims.Submitted), func(c claims.Claim) bool { return c.Claimed >= 1_000_000 })
	for _, c := range small[:min(n, len(small))] {
		l.decide(c, l.verdict(c))
	}
}

// verdict is mostly the estimate. Without one, the history is asked for again.
func (l *life) verdict(c claims.Claim) claims.DecisionDraft {
	u := l.r.IntN(100)
	if c.Estimated == nil || *c.Estimated == 0 {
		return claims.DecisionDraft{Verdict: claims.Rejected, Reason: "history_incomplete"}
	}
	switch estimated := *c.Estimated; {
	case u >= 85:
		return claims.DecisionDraft{Verdict: claims.Refused, Reason: "no_loss_shown"}
	case u >= 65:
		return partly(estimated, estimated/2)
	default:
		return claims.DecisionDraft{Verdict: claims.Approved, Assessed: estimated, Awarded: estimated, Reason: "evidence_shows_loss"}
	}
}

func partly(assessed, awarded money.Minor) claims.DecisionDraft {
	return claims.DecisionDraft{Verdict: claims.PartlyApproved, Assessed: assessed, Awarded: awarded, Reason: "evidence_covers_part"}
}

// decidesLargest awards a part of the largest claim. It is most of what is partly
// approved, so what is approved must not tell it; and what is approved is what was
// estimated for it, so the other measure must not, either.
func (l *life) decidesLargest() {
	l.Helper()
	all := l.standing(claims.Submitted)
	i := slices.IndexFunc(all, func(c claims.Claim) bool { return c.Claimed == large })
	l.decide(all[i], partly(large, 3_000_000))
}

func (l *life) decide(c claims.Claim, draft claims.DecisionDraft) {
	l.Helper()
	l.now = l.now.Add(time.Minute)
	held := must(l.Assign(l.Context(), l.senior, c.ID, c.Version, "", anyClaim))(l)
	must(l.Decide(l.Context(), l.senior, c.ID, held.Version, draft, anyClaim))(l)
}

// released is a release of the incident, with the leaves of its snapshot as an
// auditor reads them.
func (l *life) released(n int) (publication.Earlier, publication.Snapshot) {
	l.Helper()
	release := must(l.ReleaseOf(l.Context(), identity.Anyone, l.incident, n))(l)
	var packed bytes.Buffer
	snapshot := must(l.Leaves(l.Context(), l.auditor, l.incident, release.Snapshot, func(part []byte) error {
		packed.Write(part)
		return nil
	}))(l)
	var leaves []publication.Leaf
	for leaf, err := range publication.ReadList(must(gzip.NewReader(&packed))(l)) {
		leaves = append(leaves, must(leaf, err)(l))
	}
	return publication.Earlier{Release: must(release.Read())(l), Leaves: slices.Values(leaves)}, publication.Snapshot{
		Incident: l.incident, Currency: "KRW", At: snapshot.TakenAt, Root: snapshot.Root, Leaves: slices.Values(leaves),
	}
}

// tenReleases fills the sandbox, which publishes the first release, and leads it
// through nine more: many claims come and are decided, hardly anything happens, and
// only a few are decided or withdrawn.
func tenReleases(t testing.TB) (releases []publication.Earlier, snapshots []publication.Snapshot) {
	t.Helper()
	l := newLife(t)
	for number := 1; number <= 10; number++ {
		switch number {
		case 1: // the sandbox's own
		case 2:
			l.villages()
			l.files(10)
			l.decides(70)
			l.decidesLargest()
		case 5:
			l.files(1)
			l.decides(2)
		case 8:
			l.withdraws(3)
			l.decides(4)
		default:
			l.files(12 + l.r.IntN(10))
			l.submits(3)
			l.withdraws(2)
			l.decides(15 + l.r.IntN(20))
		}
		if number > 1 {
			l.now = sandbox.Now.AddDate(0, 0, number-1)
			sealed := must(l.Seal(t.Context(), l.auditor, l.incident, claims.Reply[claims.Snapshot]{}))(t)
			must(l.ReleaseTotals(t.Context(), l.admin, l.incident, sealed.Number, claims.Reply[claims.Release]{}))(t)
		}
		release, snapshot := l.released(number)
		releases, snapshots = append(releases, release), append(snapshots, snapshot)
	}
	return releases, snapshots
}

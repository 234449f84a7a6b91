package claims_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

var (
	lifeSteps = flag.Int("steps", 0, "steps of the simulated life of claims; 0 for a few seconds' worth")
	lifeSeed  = flag.Uint64("seed", 1, "seed of the simulated life of claims")
)

// usualSteps are how many steps the simulation takes when nobody says.
var usualSteps = map[string]int{"sqlite": 3000, "postgres": 600}

// lifesim is a town in which everybody tries everything, right or wrong, at two
// processes over one database that breaks now and then. The seed determines all
// of it but ids and other random bytes.
type lifesim struct {
	*town
	t       *testing.T
	seed    uint64
	rand    *rand.Rand
	options store.Options
	db      *store.Store // for looking, past what breaks
	broken  *breaking
	shelf   shelf
	desks   [2]*claims.Service
	policy  claims.Policy

	people, reviewers, seniors, checkers []identity.Actor // everybody; who may review; of them the seniors; who may approve

	places []*place
	live   []*subject
	ended  ended
	at     *subject // that the step before was about
	sent   []*turn  // with a key, to be tried again
	step   int
	filed  int
	keys   int
	digest hash.Hash
	tally  tally
}

// place is an outlet with the claim that stands for it.
type place struct {
	shop   shop
	outlet string
	claim  *subject
}

// subject is a claim with what is known of it: every write that was
// acknowledged, and no other.
type subject struct {
	*place
	n     int // in the order of filing
	id    string
	facts facts
	tries int // since it ended
	trace []string
}

// tally counts what happened: verbs done, codes of refusals, and the rest.
type tally struct {
	done, refused, other map[string]int
}

// schemeCap is the most that the simulation's scheme pays.
const schemeCap = 3_000_000

func newLifesim(t *testing.T, engine string, seed uint64) *lifesim {
	t.Helper()
	l := &lifesim{
		town: &town{engine: engine, clock: clock{now: today}, actors: map[identity.Role]identity.Actor{identity.Public: identity.Anyone}},
		t:    t, seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), options: storetest.Options(t, engine), broken: &breaking{breaks: map[string]int{}},
		shelf: shelf{}, digest: sha256.New(), tally: tally{map[string]int{}, map[string]int{}, map[string]int{}},
	}
	l.raw = storetest.Raw(t, l.options)
	t.Cleanup(func() {
		if err := l.db.Close(); err != nil {
			t.Error(err)
		}
	})
	l.start()
	l.hire()
	for _, actor := range l.reviewers {
		must(l.IssueFirstKey(t.Context(), claims.KeyRequest{Role: actor.Role, Person: actor.Person}))(t)
	}
	document := strings.Replace(string(schemeDocument(t, 1)), `"subscriptions":`, fmt.Sprintf(`"limits": {"cap": %d}, "subscriptions":`, schemeCap), 1)
	must(l.PublishScheme(t.Context(), l.as(identity.Admin), []byte(document), claims.Reply[claims.SchemeVersion]{}))(t)
	in := anIncident()
	in.Filing.ClosesAt, in.Filing.LateUntil = closes.AddDate(30, 0, 0).UTC(), ptr(closes.AddDate(1000, 0, 0).UTC())
	l.incident = l.open(t, in)
	l.govern()
	return l
}

// start opens the database and starts both processes.
func (l *lifesim) start() {
	l.t.Helper()
	l.db = must(store.Open(l.options))(l.t)
	must(l.db.Migrate(l.t.Context()))(l.t)
	l.broken.Store, l.broken.plan = l.db, &plan{}
	for i := range l.desks {
		l.desks[i] = claims.New(l.broken, l.clock.Now)
		l.desks[i].KeepFiles(l.shelf)
	}
	l.Service = l.desks[0]
	if err := l.Prepare(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// restart stops both processes and starts them again.
func (l *lifesim) restart() {
	l.t.Helper()
	if err := l.db.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.start()
	l.tally.other["restarts"]++
}

// hire makes the people: some of the staff hold two keys.
func (l *lifesim) hire() {
	staff := func(role identity.Role, person string) identity.Actor {
		return identity.Actor{Role: role, KeyID: person + " as " + string(role), Person: person, Purpose: "test"}
	}
	for i := range 4 {
		l.reviewers = append(l.reviewers, staff(identity.Reviewer, fmt.Sprint("reviewer-", i)))
	}
	for i := range 4 {
		l.seniors = append(l.seniors, staff(identity.Senior, fmt.Sprint("senior-", i)))
	}
	l.seniors = append(l.seniors, staff(identity.Senior, "reviewer-0"))
	l.reviewers = append(l.reviewers, l.seniors...)
	admins := []identity.Actor{staff(identity.Admin, "admin"), staff(identity.Admin, "senior-0")}
	l.checkers = slices.Concat(l.seniors, admins)
	l.actors[identity.Admin] = admins[0]
	l.people = slices.Concat(l.reviewers, admins, []identity.Actor{
		staff(identity.Platform, "platform"), staff(identity.Payer, "payer"), staff(identity.Auditor, "auditor"), identity.Anyone,
		{Role: identity.Claimant, KeyID: "stranger", Person: "stranger", ClaimantID: "019f0000-0000-7000-8000-000000000001"},
	})
}

// govern publishes a desk policy and, now and then, a catalogue of reasons.
func (l *lifesim) govern() {
	l.t.Helper()
	if l.chance(40) {
		document := must(l.Reasons(l.t.Context(), 0))(l.t).Bytes
		l.tally.other["catalogues"]++
		title := fmt.Sprintf(`"en": "Nothing was wrong (%d)"`, l.tally.other["catalogues"])
		document = nothingWrong.ReplaceAll(document, []byte(title))
		must(l.PublishReasons(l.t.Context(), l.as(identity.Admin), 0, document, claims.Reply[claims.Rulebook]{}))(l.t)
	}
	authority := pick(l, []map[string]any{
		{"currency": "KRW", "reviewer": 20_000, "senior": 100_000}, {"currency": "KRW", "reviewer": 500_000, "senior": 20_000_000},
	})
	document := l.setPolicy(l.t, map[string]any{
		"lease_minutes": pick(l, []int{30, 90}), "return_hours": pick(l, []int{2, 48}), "request_days": pick(l, []int{3, 14}), "appeal_days": pick(l, []int{7, 30}),
		"senior_from_score": pick(l, []int{20, 60}), "sample_share_basis_points": 10_000, // or chance would decide what is looked at again
		"authority":        []map[string]any{authority},
		"straight_through": map[string]any{"enabled": l.chance(70), "max_score": 200, "min_history_weeks": 2},
	})
	l.policy = must(claims.ParsePolicy(document))(l.t)
	l.policy.Version = must(l.Policy(l.t.Context(), l.as(identity.Admin), 0))(l.t).Version
}

// nothingWrong is a title of the catalogue, as it is or was made.
var nothingWrong = regexp.MustCompile(`"en": "Nothing was wrong[^"]*"`)

// fail ends the test with how to see it again.
func (l *lifesim) fail(about *subject, format string, args ...any) {
	l.t.Helper()
	var trace string
	if about != nil {
		trace = fmt.Sprintf("claim %d:\n  %s\n", about.n, strings.Join(about.trace, "\n  "))
	}
	l.t.Fatalf("%s\nstep %d of seed %d, at %s\n%sagain: go test ./internal/claims -run 'SimulatedLife/%s' -seed=%d -steps=%d",
		fmt.Sprintf(format, args...), l.step, l.seed, l.clock.Now().Format(time.RFC3339), trace, l.engine, l.seed, l.step)
}

// read reads all rows of a claim.
func (l *lifesim) read(s *subject) facts {
	l.t.Helper()
	f, err := readFacts(l.t.Context(), l.db, l.raw, s.id, s.facts)
	if err != nil {
		l.fail(s, "read claim %s: %v", s.id, err)
	}
	return f
}

// tick lets time pass: minutes mostly, weeks now and then.
func (l *lifesim) tick() {
	limit := 10 * time.Minute
	switch chance := l.rand.IntN(1000); {
	case chance < 5:
		limit = 42 * 24 * time.Hour
	case chance < 20:
		limit = 14 * 24 * time.Hour
	case chance < 60:
		limit = 3 * 24 * time.Hour
	case chance < 150:
		limit = 3 * time.Hour
	}
	l.clock.set(l.clock.Now().Add(time.Duration(l.rand.Int64N(int64(limit/time.Millisecond))) * time.Millisecond))
}

// breakage plans what happens to the next turn: nothing, mostly. Whoever is
// quicker does something to the same claim.
func (l *lifesim) breakage(rivals *subject) *plan {
	p := &plan{what: sound, at: l.rand.IntN(8) / 7, write: l.rand.IntN(7)}
	if l.chance(12) {
		p.what = pick(l, breakages)
	}
	if p.what == overtaken && rivals == nil {
		p.what = sound
	}
	if p.what == overtaken {
		p.at = 0 // before anything else is done that the rival would not know of
	}
	p.rival = func() {
		a := l.choose(rivals)
		if l.chance(25) {
			a = l.evidence(rivals)
		}
		l.try(a, &plan{})
	}
	return p
}

// run takes the steps and looks at everything now and then.
func (l *lifesim) run(steps int) {
	l.t.Helper()
	for l.step = 1; l.step <= steps; l.step++ {
		l.tick()
		l.next()
		if l.step%1000 == 0 {
			l.audit(false)
		}
		if l.step%10_000 == 0 {
			l.t.Logf("step %d, %d claims, digest %.8x", l.step, l.filed, l.digest.Sum(nil))
		}
	}
	l.step = steps
	l.audit(true)
}

// next is one step.
func (l *lifesim) next() {
	l.t.Helper()
	l.broken.plan = &plan{}
	if len(l.live) < 5 {
		l.file()
		return
	}
	if l.at == nil || l.at.over() || l.chance(20) {
		l.at = pick(l, l.live)
	}
	switch chance := l.rand.IntN(1000); {
	case chance < 60:
		l.file()
	case chance < 120:
		l.takeNext()
	case chance < 150:
		l.tend()
	case chance < 170:
		l.try(l.evidence(l.at), l.breakage(l.at))
	case chance < 185:
		l.bulk()
	case chance < 195:
		l.batch()
	case chance < 215:
		l.look()
	case chance < 225:
		l.lookAgain()
	case chance < 265:
		l.again()
	case chance < 268:
		l.restart()
	case chance < 271:
		l.govern()
	case chance < 273:
		l.forget()
	default:
		l.try(l.choose(l.at), l.breakage(l.at))
	}
}

// over reports whether the claim has ended and was tried often enough since.
func (s *subject) over() bool {
	state := s.facts.Claim.State
	return (state == claims.Closed || state == claims.Withdrawn) && s.tries > 3
}

// file files a claim for an outlet that has none; sometimes for one that has.
func (l *lifesim) file() {
	l.t.Helper()
	l.live = slices.DeleteFunc(l.live, func(s *subject) bool {
		if len(l.live) < 16 || !s.over() {
			return false
		}
		l.ended.ids, l.ended.sums = append(l.ended.ids, s.id), append(l.ended.sums, s.facts.sum())
		l.ended.versions += s.facts.Claim.Version
		s.facts, s.trace = facts{}, nil
		if l.at == s {
			l.at = nil
		}
		return true
	})
	if len(l.live) >= 24 {
		return
	}
	l.places = slices.DeleteFunc(l.places, func(p *place) bool { return p.claim != nil && p.claim.id != "" && p.claim.facts.Events == nil })
	free := slices.DeleteFunc(slices.Clone(l.places), func(p *place) bool { return p.claim != nil && p.claim.facts.Claim.State != claims.Withdrawn })
	switch {
	case l.chance(8) && len(l.places) > 0:
		free = l.places
	case len(free) == 0 || l.chance(30):
		free = l.openShop()
	}
	where := pick(l, free)
	taken := where.claim != nil && where.claim.facts.Claim.State != claims.Withdrawn
	a := l.filing(where)
	p := l.breakage(nil)
	l.broken.plan = p
	got, err := a.run(l.t.Context(), l.desks[a.desk], a.reply())
	s := a.about
	s.id = got.ID
	if s.id == "" {
		s.id = l.unknown(where)
	}
	if taken && err == nil {
		l.fail(where.claim, "a second claim stands for its outlet: %+v", got)
	}
	if s.id == "" {
		l.note(a, l.outcome(a, err), facts{})
		if err == nil || p.commits > 0 {
			l.fail(nil, "the claim that was filed is not there: %v", err)
		}
		return
	}
	s.n, l.filed = l.filed, l.filed+1
	where.claim, l.live, l.at = s, append(l.live, s), s
	l.settle(a, got, err, p.commits)
	l.keep(a)
}

// openShop registers one more shop; every second shares its account on the
// platform with the one before. Half of the outlets have a history.
func (l *lifesim) openShop() []*place {
	l.t.Helper()
	n := len(l.places) + l.filed
	registered := l.shop(l.t, l.shops(), func(c *claims.Claimant) {
		c.Outlets[0].PlatformID = fmt.Sprint("account-", l.tally.other["shops"]/2)
		c.Outlets = append(c.Outlets, claims.Outlet{Code: "annex", Name: "별관", Sector: "cafe", Region: "KR-11"})
	})
	for _, outlet := range []string{"main", "annex"} {
		if l.chance(50) {
			history := honest(uint64(10*n+len(outlet)), 3+l.rand.IntN(2))
			l.sells(l.t, registered.actor, registered, outlet, "shop", times(history, money.Minor(pick(l, []int{100, 100, 500, 2000}))))
		}
	}
	opened := []*place{{shop: registered, outlet: "main"}, {shop: registered, outlet: "annex"}}
	l.places = append(l.places, opened...)
	return opened
}

// shops numbers the shops.
func (l *lifesim) shops() int {
	l.tally.other["shops"]++
	return l.tally.other["shops"]
}

// unknown finds the claim that stands for a place and is not known; empty when
// there is none.
func (l *lifesim) unknown(where *place) string {
	l.t.Helper()
	found := must(l.db.Claims(l.t.Context(), claims.ClaimFilter{ClaimantID: where.shop.ID}, claims.Page{Limit: 100}))(l.t)
	for _, c := range found {
		if c.Outlet == where.outlet && c.State != claims.Withdrawn && (where.claim == nil || where.claim.id != c.ID) {
			return c.ID
		}
	}
	return ""
}

// The same seed leads to the same life, on either engine.
func TestSameSeedSameLife(t *testing.T) {
	sums := map[string]string{}
	for name, engine := range map[string]string{"once": "sqlite", "again": "sqlite", "elsewhere": "postgres"} {
		t.Run(name, func(t *testing.T) {
			l := newLifesim(t, engine, *lifeSeed)
			l.run(250)
			sums[name] = fmt.Sprintf("%x", l.digest.Sum(nil))
		})
	}
	if distinct := slices.Compact(slices.Sorted(maps.Values(sums))); len(distinct) != 1 {
		t.Errorf("the same seed led to %v", sums)
	}
}

// Random actors do random things while time passes and the database breaks;
// after each step everything that must hold of a claim holds.
func TestSimulatedLife(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			l := newLifesim(t, engine, *lifeSeed)
			steps := *lifeSteps
			if steps == 0 {
				steps = usualSteps[engine]
			}
			began := time.Now()
			l.run(steps)
			l.report(time.Since(began))
			if engine == "sqlite" && *lifeSteps == 0 && *lifeSeed == 1 || steps >= 10_000 {
				l.reached()
			}
		})
	}
}

// report prints the figures.
func (l *lifesim) report(took time.Duration) {
	l.t.Logf("seed %d on %s: %d steps in %s, %.0f steps/s; %d claims, %d letters, clock at %s; digest %.8x",
		l.seed, l.engine, l.step, took.Round(time.Millisecond), float64(l.step)/took.Seconds(), l.filed,
		l.count("SELECT count(*) FROM letters"), l.clock.Now().Format(time.DateOnly), l.digest.Sum(nil))
	rows, err := l.raw.QueryContext(l.t.Context(), `SELECT kind || ' ' || verdict || CASE WHEN needs = 1 THEN ', proposed' ELSE '' END, count(*) FROM decisions GROUP BY 1`)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	kinds := map[string]int{}
	for rows.Next() {
		var kind string
		var n int
		if err := rows.Scan(&kind, &n); err != nil {
			l.t.Fatal(err)
		}
		kinds[kind] = n
	}
	for _, part := range []struct {
		name   string
		counts map[string]int
	}{{"done", l.tally.done}, {"refused", l.tally.refused}, {"broken", l.broken.breaks}, {"besides", l.tally.other}, {"decisions", kinds}} {
		var words []string
		sum := 0
		for _, what := range slices.Sorted(maps.Keys(part.counts)) {
			words = append(words, fmt.Sprintf("%s %d", what, part.counts[what]))
			sum += part.counts[what]
		}
		l.t.Logf("%s (%d): %s", part.name, sum, strings.Join(words, ", "))
	}
}

// reached fails a simulation that leaves something out.
func (l *lifesim) reached() {
	l.t.Helper()
	for _, verb := range append([]claims.Verb{doFile, doEvidence}, claims.Verbs...) {
		if l.tally.done[string(verb)] == 0 {
			l.t.Errorf("nobody did %s", verb)
		}
	}
	for _, what := range breakages {
		if l.broken.breaks[string(what)] == 0 {
			l.t.Errorf("nothing broke %s", what)
		}
	}
	for _, state := range claims.States {
		if l.count(fmt.Sprintf("SELECT count(*) FROM stages WHERE state = '%s'", state)) == 0 {
			l.t.Errorf("no claim was ever %s", state)
		}
	}
	for _, code := range append([]string{"lease_expired", "version_stale", "claim_state", "claim_taken", "excluded_from_claim", "override_required"}, attemptCodes...) {
		if l.tally.refused[code] == 0 {
			l.t.Errorf("nothing was refused as %s", code)
		}
	}
}

package claims_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/sandbox"
	"redress/internal/scheme"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// city is the sandbox's incident on a fresh database: claims of many kinds.
type city struct {
	*claims.Service
	db    *store.Store
	box   sandbox.Sandbox
	clock clock
}

const citizens = 60

// inCities runs a test in a city of its own on each engine.
func inCities(t *testing.T, f func(t *testing.T, c *city)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		c := &city{db: db, clock: clock{now: sandbox.Now}}
		c.Service = claims.New(db, c.clock.Now)
		c.box = must(sandbox.Fill(t.Context(), db, sandbox.Options{Seed: 7, Claimants: citizens}))(t)
		f(t, c)
	})
}

func (c *city) as(t testing.TB, role identity.Role) identity.Actor {
	t.Helper()
	return must(c.Authenticate(t.Context(), c.box.Keys[role]))(t)
}

// halved is the sandbox's scheme with another version and rate.
func halved(t testing.TB, version int) []byte {
	t.Helper()
	s := must(scheme.FromLibrary("sandbox-2022"))(t)
	document := bytes.Replace(s.Bytes(), []byte(`"version": 1`), fmt.Appendf(nil, `"version": %d`, version), 1)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(document, &fields); err != nil {
		t.Fatal(err)
	}
	fields["rate"] = json.RawMessage(`{"share": "0.5"}`)
	return must(json.Marshal(fields))(t)
}

// comparing is a scheme of the library whose baseline rule compares weeks.
var comparing = claims.SchemeRef{ID: "kakao-2022-small-business", Version: 1}

// simulate asks for a simulation and runs its job.
func (c *city) simulate(t testing.TB, by identity.Role, candidates ...claims.Candidate) claims.Simulation {
	t.Helper()
	asked := must(c.Simulate(t.Context(), c.as(t, by), c.box.IncidentID, candidates, claims.Reply[claims.Job]{}))(t)
	var last claims.Progress
	result := must(c.RunSimulation(t.Context(), asked, 3, func(done, total int) { last = claims.Progress{Done: done, Total: total} }))(t)
	if last.Done != last.Total || last.Total == 0 {
		t.Errorf("the last progress is %+v", last)
	}
	var out claims.Simulation
	if err := json.Unmarshal(result, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// standing is what each submitted claim stands at, and which groups it is in.
type standing struct {
	amount                  money.Minor
	outcome                 scheme.Outcome
	service, sector, region string
}

func (c *city) standings(t testing.TB) map[string]standing {
	t.Helper()
	out := map[string]standing{}
	list := must(c.db.Claims(t.Context(), claims.ClaimFilter{IncidentID: c.box.IncidentID, States: []claims.State{claims.Submitted}}, claims.Page{Limit: 1000}))(t)
	for _, one := range list {
		claimant := must(c.db.Claimant(t.Context(), one.ClaimantID))(t)
		outlet, _ := claimant.Outlet(one.Outlet)
		var services []string
		for _, l := range one.Lines {
			services = append(services, l.Service)
		}
		slices.Sort(services)
		out[one.ID] = standing{*one.Estimated, scheme.Outcome(one.Outcome), strings.Join(services, "+"), outlet.Sector, outlet.Region}
	}
	if len(out) < citizens/2 {
		t.Fatalf("%d submitted claims are too few for this test", len(out))
	}
	return out
}

// totals adds standings up, claim by claim.
func totals(of map[string]standing) (claims.Sum, map[scheme.Outcome]claims.Sum) {
	var total claims.Sum
	outcomes := map[scheme.Outcome]claims.Sum{scheme.Pays: {}, scheme.Review: {}, scheme.CannotTell: {}, scheme.NotEligible: {}}
	add := func(to claims.Sum, s standing) claims.Sum {
		to.Claims++
		to.Amount += s.amount
		if s.amount > 0 {
			to.Paid++
		}
		return to
	}
	for _, s := range of {
		total, outcomes[s.outcome] = add(total, s), add(outcomes[s.outcome], s)
	}
	return total, outcomes
}

// changes groups before and after, claim by claim.
func changes(before, after map[string]standing, by func(standing) string) map[string]claims.Change {
	out := map[string]claims.Change{}
	for id, s := range before {
		c := out[by(s)]
		switch d := after[id].amount - s.amount; {
		case d > 0:
			c.Winners.Claims++
			c.Winners.Difference += d
		case d < 0:
			c.Losers.Claims++
			c.Losers.Difference += d
		default:
			c.Unchanged.Claims++
		}
		out[by(s)] = c
	}
	return out
}

// putInForce waits for a day on which every scheme of these tests may be.
func (c *city) putInForce(t testing.TB, ref claims.SchemeRef) {
	t.Helper()
	c.clock.set(time.Date(2023, 1, 30, 0, 0, 0, 0, time.UTC))
	must(c.ChangeIncident(t.Context(), c.as(t, identity.Admin), c.box.IncidentID, 0, "incident.scheme_set", func(i *claims.Incident) error {
		i.Scheme = &ref
		return nil
	}, claims.Reply[claims.Incident]{}))(t)
}

func (c *city) reevaluate(t testing.TB, ref claims.SchemeRef) claims.Reevaluation {
	t.Helper()
	return must(c.Reevaluate(t.Context(), c.as(t, identity.Admin), c.box.IncidentID, ref, func(int) {}))(t)
}

// What a simulation foretells is what evaluating every claim anew then makes:
// the two go different ways to the same amounts.
func TestSimulationEqualsEvaluationClaimByClaim(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		document := halved(t, 2)
		before := c.standings(t)
		entries := c.countEntries(t)
		simulated := c.simulate(t, identity.Reviewer, claims.Candidate{Document: document}, claims.Candidate{Scheme: &comparing})
		if diff := cmp.Diff(before, c.standings(t), cmp.AllowUnexported(standing{})); diff != "" || c.countEntries(t) != entries {
			t.Errorf("a simulation changed claims or the log:\n%s", diff)
		}
		same(t, "in force", *simulated.InForce, before)

		published := must(c.PublishScheme(t.Context(), c.as(t, identity.Admin), document, claims.Reply[claims.SchemeVersion]{}))(t)
		for i, ref := range []claims.SchemeRef{{ID: published.ID, Version: published.Version}, comparing} {
			c.putInForce(t, ref)
			made := c.reevaluate(t, ref)
			after := c.standings(t)
			candidate := simulated.Candidates[i]
			if candidate.Scheme.SchemeRef != ref || candidate.Total.Claims != made.Made || candidate.Total.Amount != made.After {
				t.Errorf("simulated %+v, made %+v", candidate, made)
			}
			same(t, ref.ID, candidate, after)
			for _, table := range []struct {
				rows []claims.GroupChange
				by   func(standing) string
			}{
				{[]claims.GroupChange{{Change: candidate.Changes.Total}}, func(standing) string { return "" }},
				{candidate.Changes.ByService, func(s standing) string { return s.service }},
				{candidate.Changes.BySector, func(s standing) string { return s.sector }},
				{candidate.Changes.ByRegion, func(s standing) string { return s.region }},
			} {
				got := map[string]claims.Change{}
				for _, row := range table.rows {
					got[row.Group] = row.Change
				}
				if diff := cmp.Diff(changes(before, after, table.by), got); diff != "" {
					t.Errorf("%s, changes (-claim by claim +simulated):\n%s", ref.ID, diff)
				}
			}
		}
	})
}

func same(t *testing.T, what string, got claims.Simulated, want map[string]standing) {
	t.Helper()
	total, outcomes := totals(want)
	sums := map[scheme.Outcome]claims.Sum{}
	for _, o := range got.Outcomes {
		sums[o.Outcome] = o.Sum
	}
	if diff := cmp.Diff(total, got.Total) + cmp.Diff(outcomes, sums); diff != "" {
		t.Errorf("%s (-claim by claim +simulated):\n%s", what, diff)
	}
}

func (c *city) countEntries(t testing.TB) int {
	t.Helper()
	n := 0
	for id := range c.standings(t) {
		n += len(must(c.db.Events(t.Context(), id))(t))
	}
	return n
}

func TestSimulationDoesNotDependOnWorkers(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		candidates := []claims.Candidate{{Document: halved(t, 2)}, {Scheme: &comparing}}
		job := must(c.Simulate(t.Context(), c.as(t, identity.Admin), c.box.IncidentID, candidates, claims.Reply[claims.Job]{}))(t)
		var first []byte
		for _, workers := range []int{1, 2, 5} {
			got := must(c.RunSimulation(t.Context(), job, workers, func(int, int) {}))(t)
			if first == nil {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("%d workers: %s\nwant %s", workers, got, first)
			}
		}
	})
}

func TestBadCandidatesAreRefusedAtTheirPlace(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		above := bytes.Replace(halved(t, 2), []byte(`{"share":"0.5"}`), []byte(`{"share":"5"}`), 1)
		otherTime := must(scheme.FromLibrary("kt-2021"))(t).Bytes()
		both := claims.Candidate{Scheme: &comparing, Document: halved(t, 2)}
		for _, test := range []struct {
			name      string
			by        identity.Role
			candidate claims.Candidate
			pointer   string
			code      string
		}{
			{"a rate above 1", identity.Admin, claims.Candidate{Document: above}, "#/candidates/1/document/rate/share", "share_above_one"},
			{"another outage's", identity.Admin, claims.Candidate{Document: otherTime}, "#/candidates/1/document/incident", "window_outside_incident"},
			{"no object", identity.Admin, claims.Candidate{Document: []byte(`[]`)}, "#/candidates/1/document", "wrong_type"},
			{"a version nobody published", identity.Admin, claims.Candidate{Scheme: &claims.SchemeRef{ID: "sandbox-2022", Version: 9}}, "#/candidates/1/scheme", "unknown_scheme"},
			{"another outage's, published", identity.Admin, claims.Candidate{Scheme: &claims.SchemeRef{ID: "kt-2021", Version: 1}}, "#/candidates/1/scheme", "window_outside_incident"},
			{"both", identity.Admin, both, "#/candidates/1", "one_of_two"},
			{"neither", identity.Admin, claims.Candidate{}, "#/candidates/1", "one_of_two"},
			{"an auditor's own", identity.Auditor, claims.Candidate{Document: halved(t, 2)}, "#/candidates/1/document", "published_schemes_only"},
		} {
			t.Run(test.name, func(t *testing.T) {
				_, err := c.Simulate(t.Context(), c.as(t, test.by), c.box.IncidentID, []claims.Candidate{{Scheme: &comparing}, test.candidate}, claims.Reply[claims.Job]{})
				wants(t, test.name, err, fault.Invalid, "invalid_fields")
				if f := fault.As(err); f == nil || len(f.Fields) == 0 || f.Fields[0].Pointer != test.pointer || f.Fields[0].Code != test.code {
					t.Errorf("%v; want %s at %s first", err, test.code, test.pointer)
				}
			})
		}
	})
}

func TestSameSimulationByTheSameKeyIsOneJob(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		ask := func(by identity.Role, candidate claims.Candidate) string {
			return must(c.Simulate(t.Context(), c.as(t, by), c.box.IncidentID, []claims.Candidate{candidate}, claims.Reply[claims.Job]{}))(t).ID
		}
		first := ask(identity.Reviewer, claims.Candidate{Scheme: &comparing})
		if again := ask(identity.Reviewer, claims.Candidate{Scheme: &comparing}); again != first {
			t.Errorf("asked twice, it is two jobs: %s and %s", first, again)
		}
		if other := ask(identity.Reviewer, claims.Candidate{Document: halved(t, 2)}); other == first {
			t.Error("another candidate got the same job")
		}
		if other := ask(identity.Auditor, claims.Candidate{Scheme: &comparing}); other == first {
			t.Error("another key got the same job")
		}
	})
}

func TestJobIsSeenByStaffAndByTheAuditorWhoAskedForIt(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		ask := func(by identity.Role) string {
			return must(c.Simulate(t.Context(), c.as(t, by), c.box.IncidentID, []claims.Candidate{{Scheme: &comparing}}, claims.Reply[claims.Job]{}))(t).ID
		}
		staffs, auditors := ask(identity.Reviewer), ask(identity.Auditor)
		for _, test := range []struct {
			by   identity.Role
			job  string
			kind fault.Kind
			code string
		}{
			{identity.Senior, staffs, "", ""},
			{identity.Senior, auditors, "", ""},
			{identity.Auditor, auditors, "", ""},
			{identity.Auditor, staffs, fault.NotFound, "job_not_found"},
			{identity.Payer, staffs, fault.Forbidden, "role_not_permitted"},
			{identity.Claimant, staffs, fault.Forbidden, "role_not_permitted"},
		} {
			_, err := c.Job(t.Context(), c.as(t, test.by), test.job)
			if test.kind == "" && err != nil {
				t.Errorf("%s: %v", test.by, err)
			}
			if test.kind != "" {
				wants(t, string(test.by), err, test.kind, test.code)
			}
		}
	})
}

func TestReevaluationLeavesOldEstimatesAndIsResumed(t *testing.T) {
	inCities(t, func(t *testing.T, c *city) {
		published := must(c.PublishScheme(t.Context(), c.as(t, identity.Admin), halved(t, 2), claims.Reply[claims.SchemeVersion]{}))(t)
		ref := claims.SchemeRef{ID: published.ID, Version: published.Version}
		_, err := c.Reevaluate(t.Context(), c.as(t, identity.Admin), c.box.IncidentID, ref, func(int) {})
		wants(t, "a scheme not in force", err, fault.Conflict, "scheme_not_in_force")
		_, err = c.Reevaluate(t.Context(), c.as(t, identity.Reviewer), c.box.IncidentID, ref, func(int) {})
		wants(t, "a reviewer", err, fault.Forbidden, "role_not_permitted")

		before, old := c.standings(t), map[string]claims.Estimate{}
		for id := range before {
			old[id] = must(c.db.Estimate(t.Context(), id, 0))(t)
		}
		c.putInForce(t, ref)
		c.clock.set(sandbox.Now.Add(time.Hour))
		out := c.reevaluate(t, ref)
		if out.Made != len(before) || out.Already != 0 || out.Missed != 0 || out.More+out.Less == 0 {
			t.Errorf("the first run: %+v", out)
		}
		if again := c.reevaluate(t, ref); again.Made != 0 || again.Already != len(before) {
			t.Errorf("the second run: %+v", again)
		}
		for id, was := range old {
			kept, now := must(c.db.Estimate(t.Context(), id, was.N))(t), must(c.db.Estimate(t.Context(), id, 0))(t)
			if diff := cmp.Diff(was, kept); diff != "" {
				t.Errorf("claim %s, its old estimate (-before +after):\n%s", id, diff)
			}
			if now.N != was.N+1 || now.Scheme != ref {
				t.Errorf("claim %s: estimate %d under %v follows %d", id, now.N, now.Scheme, was.N)
			}
			events := must(c.db.Events(t.Context(), id))(t)
			last := events[len(events)-1]
			if last.Type != "claim.reevaluated" || last.Data["estimate_hash"] != now.Hash || len(last.Leaf) == 0 {
				t.Errorf("claim %s: the last event is %+v", id, last)
			}
		}
		recomputed := must(c.Recompute(t.Context(), c.box.IncidentID, 2, func(int) {}))(t)
		if len(recomputed.Differing) > 0 {
			t.Errorf("new estimates that cannot be made again: %v", recomputed.Differing)
		}
	})
}

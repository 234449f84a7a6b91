package claims_test

import (
	"database/sql"
	"errors"
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
)

// desk is a town with the people who decide.
type desk struct {
	*town
	reviewer, rival, senior, second, admin identity.Actor // second is another senior
	filed                                  int
}

// inDesks runs a test at a desk of its own on each engine.
func inDesks(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	inTowns(t, func(t *testing.T, s *town) {
		// Who may take what is proved of the queue; here whoever is asked to takes a claim.
		s.setPolicy(t, map[string]any{"senior_from_score": 1_000})
		f(t, newDesk(t, s))
	})
}

func newDesk(t testing.TB, s *town) *desk {
	t.Helper()
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{town: s, reviewer: s.as(identity.Reviewer), senior: s.as(identity.Senior), admin: s.as(identity.Admin)}
	d.rival, d.second = d.person(t, identity.Reviewer, "p-rival"), d.person(t, identity.Senior, "p-second")
	return d
}

// person is a new key of a role, held by a person.
func (d *desk) person(t testing.TB, role identity.Role, person string) identity.Actor {
	t.Helper()
	return must(d.IssueFirstKey(t.Context(), claims.KeyRequest{Role: role, Person: person}))(t).Key.Actor()
}

// filedClaim is a submitted claim with its claimant's key.
type filedClaim struct {
	claims.Claim
	claimant claims.Claimant
	own      identity.Actor
}

// claim submits a claim of a new driver, whose sales are ordinary times the
// factor (0: no history) and who claims one lost ride of that amount.
func (d *desk) claim(t testing.TB, factor, claimed money.Minor) filedClaim {
	t.Helper()
	d.filed++
	driver := aDriver(fmt.Sprintf("D-2%03d", d.filed))
	driver.Phone = fmt.Sprintf("010-7777-%04d", d.filed)
	registered := d.register(t, driver)
	f := filedClaim{claimant: registered.Claimant, own: registered.Key.Actor()}
	if factor > 0 {
		_, source, err := d.PrepareUpload(t.Context(), f.own, f.claimant.ID, "main")
		if err != nil {
			t.Fatal(err)
		}
		must(d.Upload(t.Context(), f.own, claims.Upload{
			ClaimantID: f.claimant.ID, Outlet: "main", Service: "shop", Source: source, Summary: []byte("{}"),
		}, ordinary(factor)))(t)
	}
	line := claims.LossLine{Service: "shop", DeclaredActual: ptr(money.Minor(20_000))}
	if claimed > 0 {
		line.Items = []claims.LossItem{{Kind: "ride", At: outage.UTC(), Amount: claimed}}
	}
	f.Claim = must(d.File(t.Context(), f.own, claims.Draft{
		IncidentID: d.incident.ID, Outlet: "main", Channel: "api", Content: claims.Content{Lines: []claims.LossLine{line}},
	}, true, claims.Reply[claims.Claim]{}))(t)
	return f
}

// now reads the claim again.
func (d *desk) now(t testing.TB, f filedClaim) claims.Claim {
	t.Helper()
	return must(d.Claim(t.Context(), f.own, f.ID))(t)
}

var anyClaim = claims.Reply[claims.Claim]{}

// taken is the claim in the hands of somebody.
func (d *desk) taken(t testing.TB, f filedClaim, by identity.Actor) claims.Claim {
	t.Helper()
	return must(d.Assign(t.Context(), by, f.ID, 0, "", anyClaim))(t)
}

// decided is a claim of that amount, decided in full by the reviewer.
func (d *desk) decided(t testing.TB, claimed money.Minor) filedClaim {
	t.Helper()
	f := d.claim(t, 0, claimed)
	f.Claim = d.decides(t, f, d.reviewer, approves(claimed))
	return f
}

// decides takes the claim and decides it.
func (d *desk) decides(t testing.TB, f filedClaim, by identity.Actor, draft claims.DecisionDraft) claims.Claim {
	t.Helper()
	c := d.taken(t, f, by)
	return must(d.Decide(t.Context(), by, f.ID, c.Version, draft, anyClaim))(t)
}

func approves(amount money.Minor) claims.DecisionDraft {
	return claims.DecisionDraft{Verdict: claims.Approved, Assessed: amount, Awarded: amount, Reason: "evidence_shows_loss"}
}

func partly(assessed, awarded money.Minor) claims.DecisionDraft {
	return claims.DecisionDraft{Verdict: claims.PartlyApproved, Assessed: assessed, Awarded: awarded, Reason: "evidence_covers_part"}
}

func refuses() claims.DecisionDraft {
	return claims.DecisionDraft{Verdict: claims.Refused, Reason: "no_loss_shown"}
}

func rejects() claims.DecisionDraft {
	return claims.DecisionDraft{Verdict: claims.Rejected, Reason: "missing_document", Note: "사업자등록증 사본이 없습니다."}
}

// with is the draft with a change.
func with(draft claims.DecisionDraft, change func(*claims.DecisionDraft)) claims.DecisionDraft {
	change(&draft)
	return draft
}

// deskTables are all that a verb on a claim may write to.
var deskTables = []string{
	"claims", "events", "entries", "decisions", "approvals", "letters", "covers", "exclusions", "stages", "appeals", "information_requests", "batch_decisions",
	"rulebooks", "idempotency_keys",
}

// dump is every row of the desk's tables as text.
func (d *desk) dump(t testing.TB) map[string][]string {
	t.Helper()
	tables := map[string][]string{}
	for _, table := range deskTables {
		rows, err := d.raw.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		tables[table] = lines(t, rows)
	}
	return tables
}

func lines(t testing.TB, rows *sql.Rows) []string {
	t.Helper()
	defer rows.Close() //nolint:errcheck // read to the end, or the test fails
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for _, v := range values {
			fmt.Fprintf(&line, "%v|", *v.(*any))
		}
		out = append(out, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// refused checks that an attempt is refused so and leaves nothing.
func (d *desk) refused(t testing.TB, what string, kind fault.Kind, code string, attempt func() error) {
	t.Helper()
	before := d.dump(t)
	err := attempt()
	refusedAs(t, what, err, kind, code)
	if diff := cmp.Diff(before, d.dump(t)); diff != "" {
		t.Errorf("%s left something (-before +after):\n%s", what, diff)
	}
}

// refusedAs checks the code of a fault or, where its fields say what is wrong, of
// one of its fields.
func refusedAs(t testing.TB, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != kind {
		t.Errorf("%s: %v; want %s, %s", what, err, kind, code)
		return
	}
	codes := []string{f.Code}
	for _, field := range f.Fields {
		codes = append(codes, field.Pointer+" "+field.Code)
	}
	if !slices.Contains(codes, code) {
		t.Errorf("%s: %v; want %s", what, codes, code)
	}
}

// attempted checks that an attempt is refused so and leaves an event that says so,
// and nothing else.
func (d *desk) attempted(t testing.TB, f filedClaim, what string, kind fault.Kind, code string, attempt func() error) {
	t.Helper()
	before, claim := d.dump(t), d.now(t, f)
	err := attempt()
	wants(t, what, err, kind, code)
	after := d.dump(t)
	for _, table := range deskTables {
		want := len(before[table])
		if table == "events" || table == "entries" {
			want++
		}
		if len(after[table]) != want {
			t.Errorf("%s left %d rows in %s, want %d", what, len(after[table]), table, want)
		}
	}
	now := d.now(t, f)
	claim.Version++
	claim.UpdatedAt = now.UpdatedAt
	if diff := cmp.Diff(claim, now); diff != "" {
		t.Errorf("%s changed the claim (-before +after):\n%s", what, diff)
	}
	last := d.lastEvent(t, f)
	if last.Type != "claim.attempt_refused" || last.Data["code"] != code {
		t.Errorf("%s left the event %+v", what, last)
	}
}

func (d *desk) lastEvent(t testing.TB, f filedClaim) claims.Event {
	t.Helper()
	events := must(d.Events(t.Context(), d.senior, f.ID))(t)
	return events[len(events)-1]
}

// elapse moves the clock on.
func (d *desk) elapse(by time.Duration) { d.clock.set(d.clock.Now().Add(by)) }

func TestADecisionWithinAuthorityStandsAtOnce(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			claimed money.Minor
			draft   claims.DecisionDraft
		}{
			"approved, to the limit of authority": {500_000, approves(500_000)},
			"partly approved":                     {400_000, partly(300_000, 200_000)},
			"refused":                             {500_000, refuses()},
			"rejected, whatever is at stake":      {90_000_000, rejects()},
		} {
			t.Run(name, func(t *testing.T) {
				f := d.claim(t, 0, c.claimed)
				got := d.decides(t, f, d.reviewer, c.draft)
				if got.State != claims.Decided || got.Standing != 1 || got.Decisions != 1 || got.Verdict != c.draft.Verdict ||
					*got.Awarded != c.draft.Awarded || *got.Assessed != c.draft.Assessed || !got.DecidedAt.Equal(d.clock.Now()) ||
					got.AssignedTo != "" || got.LeaseUntil != nil || got.Automatic {
					t.Errorf("decided %+v", got.Desk)
				}
				// Thirty days, to the end of the last one on the incident's clock.
				if want := time.Date(2022, 12, 2, 0, 0, 0, 0, seoul); !got.DueAt.Equal(want) {
					t.Errorf("due at %s, want %s", got.DueAt, want)
				}
				made := must(d.Decisions(t.Context(), d.reviewer, f.ID))(t)[0]
				want := claims.Decision{
					ClaimID: f.ID, N: 1, Kind: claims.FirstDecision, Verdict: c.draft.Verdict, Claimed: c.claimed, Estimated: ptr(money.Minor(0)),
					Assessed: c.draft.Assessed, Awarded: c.draft.Awarded, Estimate: 1, Reason: claims.ReasonRef{Code: c.draft.Reason, Version: 1},
					Note: c.draft.Note, Policy: 2, From: claims.InReview, MadeBy: d.reviewer.Person, MadeRole: identity.Reviewer, MadeAt: got.UpdatedAt,
				}
				if diff := cmp.Diff(want, made); diff != "" {
					t.Errorf("the decision (-want +got):\n%s", diff)
				}
				event := d.lastEvent(t, f)
				if event.Type != "claim.decided" || event.Data["awarded"] != float64(c.draft.Awarded) || event.Data["reason"] != c.draft.Reason {
					t.Errorf("the event %+v", event)
				}
				of := "covers WHERE claim_id = '" + f.ID + "'"
				if covered := d.counts(t, of)[of]; (covered > 0) != (c.draft.Awarded > 0) {
					t.Errorf("%d intervals covered with %d awarded", covered, c.draft.Awarded)
				}
			})
		}
	})
}

func TestADecisionBeyondAuthorityIsAProposal(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			claimed money.Minor
			by      identity.Actor
			draft   claims.DecisionDraft
		}{
			"one won above a reviewer's": {500_001, d.reviewer, approves(500_001)},
			"a refusal above it":         {500_001, d.reviewer, refuses()},
			"above a senior's":           {20_000_001, d.senior, approves(20_000_001)},
			"with an override": {1_000, d.senior, with(approves(2_000), func(d *claims.DecisionDraft) {
				d.Override, d.Note = "evidence_shows_more", "더 큰 손실"
			})},
		} {
			t.Run(name, func(t *testing.T) {
				f := d.claim(t, 0, c.claimed)
				got := d.decides(t, f, c.by, c.draft)
				if got.State != claims.AwaitingApproval || got.Standing != 0 || got.Decisions != 1 || got.Awarded != nil || got.AssignedTo != "" || got.DueAt != nil {
					t.Errorf("proposed %+v in state %s", got.Desk, got.State)
				}
				if _, err := d.Letter(t.Context(), f.own, f.ID, 1); fault.KindOf(err) != fault.NotFound {
					t.Errorf("a letter about a proposal: %v", err)
				}
				if shown := must(d.Decisions(t.Context(), f.own, f.ID))(t); len(shown) != 0 {
					t.Errorf("the claimant sees the proposal %+v", shown)
				}
			})
		}
	})
}

func TestADraftThatContradictsItselfIsRefused(t *testing.T) {
	change := with
	note := "왜 그런지"
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 100_000) // nothing is estimated, 100,000 is claimed
		c := d.taken(t, f, d.senior)
		other := d.claim(t, 0, 1)
		for name, row := range map[string]struct {
			draft claims.DecisionDraft
			code  string
		}{
			"below zero":                      {change(partly(10, 1), func(d *claims.DecisionDraft) { d.Awarded = -1 }), "#/awarded amount_out_of_range"},
			"assessed below zero":             {change(refuses(), func(d *claims.DecisionDraft) { d.Assessed = -1 }), "#/assessed amount_out_of_range"},
			"beyond what a claim can come to": {approves(money.MaxClaim + 1), "#/assessed amount_out_of_range"},
			"beyond it with an override": {change(approves(money.Max), func(d *claims.DecisionDraft) { d.Override, d.Note = "evidence_shows_more", note }),
				"#/assessed amount_out_of_range"},
			"more awarded than assessed":      {partly(10, 11), "#/awarded amount_out_of_range"},
			"approved in part":                {change(approves(10), func(d *claims.DecisionDraft) { d.Awarded = 9 }), "#/verdict verdict_amount_mismatch"},
			"partly approved in full":         {partly(10, 10), "#/verdict verdict_amount_mismatch"},
			"approved with nothing":           {approves(0), "#/verdict verdict_amount_mismatch"},
			"refused with something":          {change(refuses(), func(d *claims.DecisionDraft) { d.Assessed, d.Awarded = 1, 1 }), "#/verdict verdict_amount_mismatch"},
			"rejected with something":         {change(rejects(), func(d *claims.DecisionDraft) { d.Assessed, d.Awarded = 1, 1 }), "#/verdict verdict_amount_mismatch"},
			"a verdict that is none":          {change(refuses(), func(d *claims.DecisionDraft) { d.Verdict = "denied" }), "#/verdict verdict_amount_mismatch"},
			"above what is claimed":           {approves(100_001), "#/override override_required"},
			"an override that is no reason":   {change(approves(100_001), func(d *claims.DecisionDraft) { d.Override, d.Note = "no_loss_shown", note }), "#/override unknown_reason"},
			"an override without a note":      {change(approves(100_001), func(d *claims.DecisionDraft) { d.Override = "evidence_shows_more" }), "#/note note_required"},
			"an override within the limit":    {change(approves(100_000), func(d *claims.DecisionDraft) { d.Override, d.Note = "evidence_shows_more", note }), "#/override override_not_needed"},
			"a reason that is not there":      {change(refuses(), func(d *claims.DecisionDraft) { d.Reason = "because" }), "#/reason unknown_reason"},
			"another verdict's reason":        {change(refuses(), func(d *claims.DecisionDraft) { d.Reason = "missing_document" }), "#/reason unknown_reason"},
			"another reason without a note":   {change(refuses(), func(d *claims.DecisionDraft) { d.Reason, d.Note = "other_refused", " " }), "#/note note_required"},
			"missing without a name":          {change(rejects(), func(d *claims.DecisionDraft) { d.Note = "" }), "#/note note_required"},
			"unreadable without a name":       {change(rejects(), func(d *claims.DecisionDraft) { d.Reason, d.Note = "unreadable_document", "" }), "#/note note_required"},
			"wrong without a name":            {change(rejects(), func(d *claims.DecisionDraft) { d.Reason, d.Note = "wrong_outlet_or_service", "" }), "#/note note_required"},
			"contradictory without a name":    {change(rejects(), func(d *claims.DecisionDraft) { d.Reason, d.Note = "statements_contradict", "" }), "#/note note_required"},
			"an error code in a first one":    {change(refuses(), func(d *claims.DecisionDraft) { d.ErrorCode = "none" }), "#/error_code error_code_not_allowed"},
			"evidence that is not there":      {change(refuses(), func(d *claims.DecisionDraft) { d.Evidence = []string{other.ID} }), "#/evidence/0 unknown_file"},
			"no reason and no verdict at all": {claims.DecisionDraft{}, "#/reason unknown_reason"},
		} {
			d.refused(t, name, fault.Invalid, row.code, func() error {
				return failed(d.Decide(t.Context(), d.senior, f.ID, c.Version, row.draft, anyClaim))
			})
		}
		must(d.Decide(t.Context(), d.senior, f.ID, c.Version, approves(100_000), anyClaim))(t)
	})
}

func TestAnApprovalAwardsWhatIsEstimated(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 3, 60_000) // the tier of 50,000
		if f.Estimated == nil || *f.Estimated != 50_000 {
			t.Fatalf("estimated %v, want 50000", f.Estimated)
		}
		c := d.taken(t, f, d.reviewer)
		attempt := func(draft claims.DecisionDraft) func() error {
			return func() error { return failed(d.Decide(t.Context(), d.reviewer, f.ID, c.Version, draft, anyClaim)) }
		}
		d.refused(t, "approved below the estimate", fault.Invalid, "#/verdict verdict_amount_mismatch", attempt(approves(49_999)))
		d.refused(t, "partly approved at the estimate", fault.Invalid, "#/verdict verdict_amount_mismatch", attempt(partly(60_000, 50_000)))
		d.refused(t, "above claimed and estimated", fault.Invalid, "#/override override_required", attempt(approves(60_001)))
		if err := attempt(approves(50_000))(); err != nil {
			t.Error(err)
		}
		g := d.claim(t, 3, 0) // nothing claimed in money: the estimate is the limit
		d.taken(t, g, d.reviewer)
		d.refused(t, "above the estimate", fault.Invalid, "#/override override_required", func() error {
			return failed(d.Decide(t.Context(), d.reviewer, g.ID, 0, approves(50_001), anyClaim))
		})
		must(d.Decide(t.Context(), d.reviewer, g.ID, 0, partly(50_000, 49_999), anyClaim))(t)
	})
}

func TestDecidingNeedsALiveLease(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		attempt := func(by identity.Actor) func() error {
			return func() error { return failed(d.Decide(t.Context(), by, f.ID, 0, refuses(), anyClaim)) }
		}
		d.refused(t, "in the queue", fault.Conflict, "claim_state", attempt(d.reviewer))
		d.taken(t, f, d.reviewer)
		d.refused(t, "held by somebody else", fault.Conflict, "claim_not_assigned", attempt(d.rival))
		d.elapse(30 * time.Minute)
		d.refused(t, "when the lease has run out", fault.Conflict, "lease_expired", attempt(d.reviewer))
		d.elapse(-time.Microsecond)
		if err := attempt(d.reviewer)(); err != nil {
			t.Errorf("a moment before: %v", err)
		}
		d.refused(t, "a second time", fault.Conflict, "claim_state", attempt(d.reviewer))
		for _, role := range []identity.Role{identity.Public, identity.Claimant, identity.Admin, identity.Payer, identity.Auditor, identity.Platform} {
			err := attempt(d.as(role))()
			if kind := fault.KindOf(err); kind != fault.Forbidden && kind != fault.Unauthenticated {
				t.Errorf("as %s: %v", role, err)
			}
		}
	})
}

func TestTwoReviewersDecideOnceOnly(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 1_000)
		c := d.taken(t, f, d.reviewer)
		twin := d.person(t, identity.Reviewer, d.reviewer.Person) // a second key of the same person
		won := 0
		for _, version := range []int64{c.Version, 0} {
			for _, err := range race(8, func(i int) error {
				by := []identity.Actor{d.reviewer, twin, d.rival, d.senior}[i%4]
				return failed(d.Decide(t.Context(), by, f.ID, version, approves(1_000), anyClaim))
			}) {
				if err == nil {
					won++
				} else if kind := fault.KindOf(err); kind != fault.Stale && kind != fault.Conflict {
					t.Errorf("a loser was told %v", err)
				}
			}
			if got := d.now(t, f); won != 1 || got.Decisions != 1 || got.Version != c.Version+1 {
				t.Errorf("%d won; %d decisions, version %d after %d", won, got.Decisions, got.Version, c.Version)
			}
		}
		if rows := d.counts(t, "decisions", "letters"); rows["decisions"] != 1 || rows["letters"] != 1 {
			t.Errorf("rows %v", rows)
		}
	})
}

func TestALossIsCompensatedOnce(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		first, twin := d.claim(t, 0, 40_000), d.claim(t, 0, 40_000)
		// Both drive the same car.
		if _, err := d.raw.ExecContext(t.Context(), "UPDATE claims SET unit = (SELECT unit FROM claims WHERE id = '"+first.ID+"') WHERE id = '"+twin.ID+"'"); err != nil {
			t.Fatal(err)
		}
		d.decides(t, first, d.reviewer, approves(40_000))
		d.taken(t, twin, d.rival)
		d.attempted(t, twin, "a second compensation", fault.Conflict, "loss_already_compensated", func() error {
			err := failed(d.Decide(t.Context(), d.rival, twin.ID, 0, approves(40_000), anyClaim))
			if !strings.Contains(fmt.Sprint(err), first.Reference) {
				t.Errorf("%v does not name claim %s", err, first.Reference)
			}
			return err
		})
		must(d.Decide(t.Context(), d.rival, twin.ID, 0, refuses(), anyClaim))(t)

		// What is amended to nothing frees the loss for the other.
		amended := must(d.AmendDecision(t.Context(), d.rival, first.ID, 0, with(refuses(), func(x *claims.DecisionDraft) {
			x.ErrorCode, x.Note = "wrong_facts", "차량의 주인이 다름"
		}), anyClaim))(t)
		must(d.ApproveDecision(t.Context(), d.senior, first.ID, 2, amended.Version, "", anyClaim))(t)
		if n := d.counts(t, "covers")["covers"]; n != 0 {
			t.Errorf("%d intervals are covered after the amendment", n)
		}
		must(d.AmendDecision(t.Context(), d.rival, twin.ID, 0, with(approves(40_000), func(x *claims.DecisionDraft) {
			x.ErrorCode, x.Note = "wrong_facts", "차량의 주인임"
		}), anyClaim))(t)
		must(d.ApproveDecision(t.Context(), d.senior, twin.ID, 2, 0, "", anyClaim))(t)
	})
}

func TestAnApprovalThatCompensatesTwiceIsRefusedAndKnown(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		first, twin := d.claim(t, 0, 600_000), d.claim(t, 0, 40_000)
		if _, err := d.raw.ExecContext(t.Context(), "UPDATE claims SET unit = (SELECT unit FROM claims WHERE id = '"+first.ID+"') WHERE id = '"+twin.ID+"'"); err != nil {
			t.Fatal(err)
		}
		d.decides(t, first, d.reviewer, approves(600_000))
		d.decides(t, twin, d.rival, approves(40_000))
		d.attempted(t, first, "approving", fault.Conflict, "loss_already_compensated", func() error {
			return failed(d.ApproveDecision(t.Context(), d.senior, first.ID, 1, 0, "", anyClaim))
		})
		got := must(d.ReturnDecision(t.Context(), d.senior, first.ID, 1, 0, "중복", anyClaim))(t)
		if got.State != claims.InReview || got.AssignedTo != d.reviewer.Person {
			t.Errorf("returned to %q in state %s", got.AssignedTo, got.State)
		}
	})
}

func TestABatchGoesOnPastABadRow(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		var rows []claims.BatchRow
		var filed []filedClaim
		for range 4 {
			f := d.claim(t, 0, 10_000)
			filed = append(filed, f)
			rows = append(rows, claims.BatchRow{ClaimID: f.ID, Version: d.taken(t, f, d.reviewer).Version, Draft: approves(10_000)})
		}
		rows[1].Draft.Reason = "because"
		rows[2].Version = 0
		rows = append(rows, claims.BatchRow{ClaimID: "nowhere", Version: 1, Draft: refuses()}, rows[3])
		want := []string{"", "invalid_fields", "invalid_fields", "", "claim_not_found", "version_stale"}
		reply := claims.Reply[[]claims.BulkResult]{
			Once: &claims.Once{Caller: "caller", Key: "batch", Request: []byte("same")},
			Render: func(results []claims.BulkResult) (claims.Answer, error) {
				return claims.Answer{Status: 200, Body: fmt.Append(nil, codes(results))}, nil
			},
		}
		results := must(d.DecideBatch(t.Context(), d.reviewer, rows, reply))(t)
		if diff := cmp.Diff(want, codes(results)); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
		for i, f := range filed {
			if decided := d.now(t, f).State == claims.Decided; decided != (want[i] == "") {
				t.Errorf("row %d: decided %t", i, decided)
			}
		}
		before := d.dump(t)
		_, err := d.DecideBatch(t.Context(), d.reviewer, rows, reply)
		var replay *claims.Replay
		if !errors.As(err, &replay) || string(replay.Answer.Body) != fmt.Sprint(want) {
			t.Errorf("the retry: %v", err)
		}
		if diff := cmp.Diff(before, d.dump(t)); diff != "" {
			t.Errorf("the retry left something:\n%s", diff)
		}
		for name, n := range map[string]int{"none": 0, "501": 501} {
			d.refused(t, name, fault.Invalid, "#/decisions batch_size", func() error {
				return failed(d.DecideBatch(t.Context(), d.reviewer, make([]claims.BatchRow, n), claims.Reply[[]claims.BulkResult]{}))
			})
		}
		d.refused(t, "as claimant", fault.Forbidden, "role_not_permitted", func() error {
			return failed(d.DecideBatch(t.Context(), filed[0].own, rows, claims.Reply[[]claims.BulkResult]{}))
		})
	})
}

func codes(results []claims.BulkResult) []string {
	out := make([]string, len(results))
	for i, r := range results {
		if r.Problem != nil {
			out[i] = r.Problem.Code
		}
	}
	return out
}

func TestDecisionsAreKeptAsMade(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		d.decided(t, 1_000)
		for _, statement := range []string{
			"UPDATE decisions SET awarded = 0", "DELETE FROM decisions", "UPDATE letters SET text_hash = ''", "DELETE FROM letters", "UPDATE rulebooks SET hash = ''",
		} {
			if _, err := d.raw.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s went through", statement)
			}
		}
	})
}

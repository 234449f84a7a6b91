package claims_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/store"
)

// facts are all rows of one claim.
type facts struct {
	Claim      claims.Claim
	Events     []claims.Event
	States     []claims.State // after each event, as its entry says
	Stages     []claims.Stage
	Decisions  []claims.Decision
	Requests   []claims.InformationRequest
	Appeal     *claims.AppealCase
	Letters    []letterHashes
	Covers     []claims.Cover
	Exclusions []claims.Exclusion
	Files      []claims.EvidenceFile
}

type letterHashes struct {
	Decision  int
	Text, PDF string
}

// readFacts reads a claim past the service. Entries are read for the events that
// were not known before, and hold for good.
func readFacts(ctx context.Context, db *store.Store, raw *sql.DB, id string, known facts) (f facts, err error) {
	for _, read := range []func() error{
		func() error { f.Claim, err = db.Claim(ctx, id); return err },
		func() error { f.Events, err = db.Events(ctx, id); return err },
		func() error { f.Stages, err = db.Stages(ctx, id); return err },
		func() error { f.Decisions, err = db.Decisions(ctx, id); return err },
		func() error { f.Requests, err = db.Requests(ctx, id); return err },
		func() error { f.Covers, err = db.Covered(ctx, id); return err },
		func() error { f.Exclusions, err = db.Exclusions(ctx, id); return err },
		func() error { f.Files, err = db.EvidenceFiles(ctx, id); return err },
		func() error { f.Letters, err = letters(ctx, raw, id); return err },
	} {
		if err := read(); err != nil {
			return facts{}, err
		}
	}
	switch appeal, err := db.AppealOf(ctx, id); {
	case err == nil:
		f.Appeal = &appeal
	case fault.KindOf(err) != fault.NotFound:
		return facts{}, err
	}
	f.States = slices.Clone(known.States)
	for _, event := range f.Events[min(len(known.States), len(f.Events)):] {
		state, err := stateOf(ctx, db, event)
		if err != nil {
			return facts{}, err
		}
		f.States = append(f.States, state)
	}
	return f, nil
}

func letters(ctx context.Context, raw *sql.DB, id string) ([]letterHashes, error) {
	rows, err := raw.QueryContext(ctx, "SELECT decision, text_hash, pdf_hash FROM letters WHERE claim_id = $1 ORDER BY decision", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []letterHashes
	for rows.Next() {
		var l letterHashes
		if err := rows.Scan(&l.Decision, &l.Text, &l.PDF); err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, rows.Err()
}

// stateOf is the state that the entry of an event tells, which must be the
// event's own and open its commitment.
func stateOf(ctx context.Context, db *store.Store, event claims.Event) (claims.State, error) {
	entry, _, err := db.Logged(ctx, event.EntryID)
	if err != nil {
		return "", err
	}
	var body struct {
		N     int64
		State claims.State
		By    identity.Role
		Data  map[string]any
	}
	if err := json.Unmarshal(entry.Body, &body); err != nil {
		return "", err
	}
	opened, err := auditlog.OpenEntry(entry.Salt, entry.Body)
	switch {
	case err != nil:
		return "", err
	case !entry.Opens() || !bytes.Equal(entry.Commitment, event.Leaf) || !bytes.Equal(opened.Commitment, event.Leaf):
		return "", fmt.Errorf("the entry of event %d does not open its commitment", event.N)
	case opened.Type != event.Type || opened.Subject != event.ClaimID || !opened.At.Equal(event.At) || body.N != event.N || body.By != event.Actor:
		return "", fmt.Errorf("event %+v has the entry %s", event, entry.Body)
	case body.Data["person"] != nil:
		return "", fmt.Errorf("the entry %s names a person", entry.Body)
	}
	return body.State, nil
}

// sum is a digest over all facts.
func (f facts) sum() [sha256.Size]byte {
	encoded, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return sha256.Sum256(encoded)
}

// flaws collects what is wrong.
type flaws []string

func (w *flaws) unless(ok bool, format string, args ...any) {
	if !ok {
		*w = append(*w, fmt.Sprintf(format, args...))
	}
}

// flaws are the invariants of a claim that its rows break.
func (f facts) flaws(incident claims.Incident) []string {
	var w flaws
	f.checkEvents(&w)
	f.checkClock(&w)
	f.checkHands(&w)
	f.checkChain(&w)
	f.checkPeople(&w)
	f.checkLetters(&w)
	f.checkCovers(&w, incident)
	return w
}

// checkEvents: events are gapless, as many as the version, and end in the
// claim's state; stages are those of the events, one after the other.
func (f facts) checkEvents(w *flaws) {
	c := f.Claim
	w.unless(int64(len(f.Events)) == c.Version && len(f.States) == len(f.Events), "version %d with %d events", c.Version, len(f.Events))
	for i, e := range f.Events {
		w.unless(e.N == int64(i+1) && e.ClaimID == c.ID, "event %d has number %d", i+1, e.N)
		w.unless(i == 0 || !e.At.Before(f.Events[i-1].At), "event %d happened before event %d", i+1, i)
	}
	last := len(f.Events) - 1
	w.unless(f.States[last] == c.State && f.Events[last].At.Equal(c.UpdatedAt), "%s at %s, last event %s at %s", c.State, c.UpdatedAt, f.States[last], f.Events[last].At)
	var want []claims.Stage
	for i, state := range f.States {
		at := f.Events[i].At
		if n := len(want) - 1; n < 0 || want[n].State != state {
			if n >= 0 {
				want[n].Left = &at
			}
			want = append(want, claims.Stage{ClaimID: c.ID, N: int64(i + 1), State: state, Entered: at})
		}
	}
	w.unless(reflect.DeepEqual(f.Stages, want), "stages %+v, by the events %+v", f.Stages, want)
	w.unless(c.StateSince.Equal(want[len(want)-1].Entered), "in its state since %s, by the events %+v", c.StateSince, want)
}

// stopped are the states in which the clock stands still.
var stopped = []claims.State{claims.AwaitingAnswer, claims.Decided, claims.Closed, claims.Withdrawn}

// checkClock: the clock stood still as long as the claim waited for its claimant
// since it was submitted, and falls due only where something can.
func (f facts) checkClock(w *flaws) {
	c := f.Claim
	var waited time.Duration
	for _, s := range f.Stages {
		if s.Left != nil && slices.Contains(stopped, s.State) {
			waited += s.Left.Sub(s.Entered)
		}
	}
	w.unless(c.Waited == waited, "waited %s, by the stages %s: %+v", c.Waited, waited, f.Stages)
	submitted := slices.ContainsFunc(f.Events, func(e claims.Event) bool { return e.Type == "claim.submitted" })
	w.unless(submitted == (c.PromisedAt != nil) && submitted == (c.SubmittedAt != nil), "submitted: %t, promised %v, submitted %v", submitted, c.PromisedAt, c.SubmittedAt)
	due := c.State == claims.AwaitingAnswer || c.State == claims.OnHold || c.State == claims.Decided
	w.unless(due == (c.DueAt != nil), "%s, due %v", c.State, c.DueAt)
	var open []claims.InformationRequest
	for i, r := range f.Requests {
		w.unless(r.N == i+1, "request %d has number %d", i+1, r.N)
		if r.EndedAt == nil {
			open = append(open, r)
		}
	}
	w.unless(len(open) == 1 == (c.State == claims.AwaitingAnswer) && len(open) < 2, "%s with open requests %+v", c.State, open)
	if len(open) == 1 {
		w.unless(c.DueAt != nil && c.DueAt.Equal(open[0].DueAt), "due %v, its request %s", c.DueAt, open[0].DueAt)
	}
}

// inHand are the states in which a person has a claim.
var inHand = []claims.State{claims.InReview, claims.AwaitingAnswer, claims.OnHold}

// checkHands: somebody has the claim where somebody must, nobody where nobody
// can, and nobody who is kept from it.
func (f facts) checkHands(w *flaws) {
	c := f.Claim
	w.unless((c.AssignedTo == "") == (c.LeaseUntil == nil), "assigned to %q until %v", c.AssignedTo, c.LeaseUntil)
	has, may := c.AssignedTo != "", slices.Contains(inHand, c.State)
	w.unless(has == may || has && c.State == claims.Appealed || !has && c.State == claims.Appealed, "%s, assigned to %q", c.State, c.AssignedTo)
	w.unless(!f.keeps(c.AssignedTo), "assigned to %s, who is kept from it: %+v", c.AssignedTo, f.Exclusions)
	w.unless(c.AppealOpen == (f.Appeal != nil && f.Appeal.EndedAt == nil), "appeal open: %t, appeal %+v", c.AppealOpen, f.Appeal)
	w.unless(c.State != claims.Appealed || c.AppealOpen, "appealed without an appeal")
	w.unless(c.State != claims.InReview && c.State != claims.Submitted && c.State != claims.Closed || !c.AppealOpen, "%s with an open appeal", c.State)
	if f.Appeal != nil {
		n := f.Appeal.Decision
		w.unless(n >= 1 && n <= len(f.Decisions) && f.Decisions[n-1].Stands(), "an appeal against decision %d", n)
	}
}

// keeps reports whether a person is kept from the claim.
func (f facts) keeps(person string) bool {
	excluded := slices.ContainsFunc(f.Exclusions, func(e claims.Exclusion) bool {
		return e.Person == person && (f.Claim.AppealOpen || e.Why == claims.ExcludedFiled || e.Why == claims.ExcludedRecused)
	})
	return excluded || f.appealedFrom(person)
}

// appealedFrom reports whether an appeal against what a person decided, or
// approved, was decided.
func (f facts) appealedFrom(person string) bool {
	took := false
	for _, d := range f.Decisions {
		switch {
		case !d.Stands():
		case d.Kind == claims.AppealDecision:
			return took
		default:
			took = took || d.MadeBy == person || d.Approval != nil && d.Approval.By == person
		}
	}
	return false
}

// checkChain: each decision's amounts and verdict fit, and the last that stands
// is the claim's.
func (f facts) checkChain(w *flaws) {
	c, standing := f.Claim, 0
	w.unless(c.Decisions == len(f.Decisions), "%d decisions, %d rows", c.Decisions, len(f.Decisions))
	for i, d := range f.Decisions {
		w.unless(d.N == i+1, "decision %d has number %d", i+1, d.N)
		w.unless(0 <= d.Awarded && d.Awarded <= d.Assessed && d.Assessed <= money.MaxClaim, "decision %d awards %d of %d", d.N, d.Awarded, d.Assessed)
		whole := d.Assessed
		if d.Estimated != nil && *d.Estimated > 0 {
			whole = *d.Estimated
		}
		w.unless(slices.Contains(verdictsOf(d.Awarded, whole), d.Verdict), "decision %d is %s: %d of %d", d.N, d.Verdict, d.Awarded, whole)
		w.unless(d.Verdict != claims.Rejected || d.Kind == claims.FirstDecision, "decision %d, %s, rejects", d.N, d.Kind)
		if d.Stands() {
			standing = d.N
		}
	}
	if c.State == claims.Withdrawn {
		standing = 0 // whoever withdraws a claim gives up what was decided
	}
	w.unless(c.Standing == standing, "decision %d stands, by the decisions %d", c.Standing, standing)
	pending := len(f.Decisions) > 0 && f.Decisions[len(f.Decisions)-1].Needs && f.Decisions[len(f.Decisions)-1].Approval == nil
	w.unless(c.State != claims.AwaitingApproval || pending, "awaits an approval of nothing: %+v", f.Decisions)
	if standing == 0 {
		w.unless(c.Assessed == nil && c.Awarded == nil && c.Verdict == "" && c.DecidedAt == nil && !c.Automatic, "undecided with %v, %v, %q, %v", c.Assessed, c.Awarded, c.Verdict, c.DecidedAt)
		w.unless(c.State != claims.Decided && c.State != claims.Closed && c.State != claims.Appealed, "%s without a decision", c.State)
		return
	}
	d := f.Decisions[standing-1]
	w.unless(c.Assessed != nil && c.Awarded != nil && c.DecidedAt != nil && *c.Assessed == d.Assessed && *c.Awarded == d.Awarded && c.Verdict == d.Verdict &&
		c.Automatic == (d.Kind == claims.AutomaticDecision), "the claim says %v, %v, %s, decision %d %+v", c.Assessed, c.Awarded, c.Verdict, standing, d)
}

// verdictsOf are the verdicts that go with what is awarded of the whole.
func verdictsOf(awarded, whole money.Minor) []claims.Verdict {
	switch {
	case awarded == 0:
		return []claims.Verdict{claims.Refused, claims.Rejected}
	case awarded < whole:
		return []claims.Verdict{claims.PartlyApproved}
	default:
		return []claims.Verdict{claims.Approved}
	}
}

// checkPeople: nobody checks what they made or decides an appeal against it, and
// who took part in what stands is kept from the appeal.
func (f facts) checkPeople(w *flaws) {
	appeals := 0
	var before []string // who made or approved what stood
	for _, d := range f.Decisions {
		people := []string{d.MadeBy}
		if d.Approval != nil {
			people = append(people, d.Approval.By)
			w.unless(d.Approval.By != d.MadeBy && d.Approval.Maker == d.MadeBy && d.Needs, "decision %+v is approved by %+v", d, d.Approval)
		}
		if d.Kind == claims.AppealDecision && d.Stands() {
			appeals++
			for _, p := range people {
				w.unless(!slices.Contains(before, p), "decision %d on the appeal is of %s, after %v", d.N, p, before)
			}
		}
		w.unless(d.Kind != claims.AppealDecision || d.MadeRole == identity.Senior && d.NotBy != "" && d.ErrorCode != "", "appeal decision %+v", d)
		w.unless(d.Kind != claims.AutomaticDecision || d.MadeRole == identity.System && d.MadeBy == "system" && !d.Needs, "automatic decision %+v", d)
		w.unless(d.Kind != claims.Amendment || d.Needs && d.Note != "" && d.ErrorCode != "", "amendment %+v", d)
		w.unless(d.Override == "" || d.Needs, "decision %d overrides without a second person", d.N)
		for _, c := range d.Criteria {
			w.unless(c.Held, "decision %d was made although %+v", d.N, c)
		}
		if !d.Stands() || d.MadeRole == identity.System {
			continue
		}
		before = append(before, people...)
		for _, p := range people {
			w.unless(slices.ContainsFunc(f.Exclusions, func(e claims.Exclusion) bool { return e.Person == p }), "%s took part in decision %d and is not kept from the appeal", p, d.N)
		}
	}
	ended := f.Appeal != nil && f.Appeal.EndedAt != nil && !f.Appeal.Withdrawn
	w.unless(appeals <= 1 && ended == (appeals == 1), "%d appeal decisions stand, appeal %+v", appeals, f.Appeal)
}

// checkLetters: each decision that stood has its letter, and no other has one.
func (f facts) checkLetters(w *flaws) {
	told := map[int]letterHashes{}
	for _, e := range f.Events {
		if text, ok := e.Data["letter_text_hash"].(string); ok {
			n, _ := e.Data["decision"].(float64)
			pdf, _ := e.Data["letter_pdf_hash"].(string)
			told[int(n)] = letterHashes{int(n), text, pdf}
		}
	}
	have := map[int]letterHashes{}
	for _, l := range f.Letters {
		have[l.Decision] = l
	}
	w.unless(maps.Equal(have, told), "letters %v, by the events %v", have, told)
	for _, d := range f.Decisions {
		_, letter := have[d.N]
		w.unless(letter == d.Stands(), "decision %d stands: %t, has a letter: %t", d.N, d.Stands(), letter)
	}
	w.unless(len(have) <= len(f.Decisions), "letters %v without decisions", have)
}

// checkCovers: what is awarded is covered in every window of the claim's lines,
// and nothing else.
func (f facts) checkCovers(w *flaws, incident claims.Incident) {
	var want []string
	if c := f.Claim; c.Awarded != nil && *c.Awarded > 0 {
		for _, line := range c.Lines {
			service, _ := incident.Service(line.Service)
			for _, window := range service.Windows {
				want = append(want, fmt.Sprint(line.Service, window.Start.UTC(), window.End.UTC(), c.Unit))
			}
		}
	}
	var have []string
	for _, c := range f.Covers {
		have = append(have, fmt.Sprint(c.Service, c.Start.UTC(), c.End.UTC(), c.Unit))
	}
	slices.Sort(want)
	slices.Sort(have)
	w.unless(slices.Equal(have, want), "covers %v, want %v", have, want)
}

// lost says what of before is gone or rewritten in f, which came later.
func (f facts) lost(before facts) []string {
	var w flaws
	if before.Events == nil {
		return nil
	}
	a, b := f.Claim, before.Claim
	w.unless(len(f.Events) >= len(before.Events) && reflect.DeepEqual(f.Events[:len(before.Events)], before.Events), "events %+v, before %+v", f.Events, before.Events)
	w.unless(b.PromisedAt == nil || reflect.DeepEqual(a.PromisedAt, b.PromisedAt), "promised %v, before %v", a.PromisedAt, b.PromisedAt)
	w.unless(b.SubmittedAt == nil || reflect.DeepEqual(a.SubmittedAt, b.SubmittedAt), "submitted %v, before %v", a.SubmittedAt, b.SubmittedAt)
	w.unless(a.Late == b.Late || b.SubmittedAt == nil, "late: %t, before %t", a.Late, b.Late)
	w.unless(a.HumanAsked || !b.HumanAsked, "a person is asked for no longer")
	w.unless(a.Estimates >= b.Estimates && a.Waited >= b.Waited, "%d estimates after %d, waited %s after %s", a.Estimates, b.Estimates, a.Waited, b.Waited)
	w.unless(a.ID == b.ID && a.Reference == b.Reference && a.ClaimantID == b.ClaimantID && a.Outlet == b.Outlet && a.FiledBy == b.FiledBy &&
		a.FiledPerson == b.FiledPerson && a.CreatedAt.Equal(b.CreatedAt), "the claim is %+v, before %+v", a, b)
	w.unless(len(f.Stages) >= len(before.Stages) && len(f.Requests) >= len(before.Requests) && len(f.Decisions) >= len(before.Decisions), "rows are gone")
	for i, d := range before.Decisions {
		now := f.Decisions[i]
		if d.Approval == nil {
			now.Approval = nil
		}
		w.unless(reflect.DeepEqual(now, d), "decision %+v, before %+v", now, d)
	}
	for i, r := range before.Requests {
		w.unless(r.EndedAt == nil || reflect.DeepEqual(f.Requests[i], r), "request %+v, before %+v", f.Requests[i], r)
		for j, item := range r.Items {
			w.unless(item.AnsweredAt == nil || reflect.DeepEqual(f.Requests[i].Items[j], item), "item %+v, before %+v", f.Requests[i].Items[j], item)
		}
	}
	w.unless(before.Appeal == nil || before.Appeal.EndedAt == nil || reflect.DeepEqual(f.Appeal, before.Appeal), "appeal %+v, before %+v", f.Appeal, before.Appeal)
	w.unless(len(f.Letters) >= len(before.Letters) && slices.Equal(f.Letters[:len(before.Letters)], before.Letters), "letters %v, before %v", f.Letters, before.Letters)
	for _, e := range before.Exclusions {
		w.unless(slices.Contains(f.Exclusions, e), "%+v is gone", e)
	}
	w.unless(len(f.Files) >= len(before.Files) && len(f.Files)-len(before.Files) <= 1, "%d files, before %d", len(f.Files), len(before.Files))
	return w
}

// told is an event as every run of the seed has it: without what is random.
func told(e claims.Event, state claims.State) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(e.Data)) {
		if !strings.Contains(key, "hash") {
			parts = append(parts, fmt.Sprintf("%s=%v", key, e.Data[key]))
		}
	}
	return fmt.Sprintf("%d %s %s %s %s %s", e.N, e.Type, e.At.Format(time.RFC3339), e.Actor, state, strings.Join(parts, " "))
}

package claims_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// filing is a turn that files a claim for a place, as a draft or submitted.
func (l *lifesim) filing(where *place) *turn {
	a := &turn{verb: doFile, about: &subject{place: where}, actor: where.shop.actor, desk: l.rand.IntN(len(l.desks))}
	if l.chance(20) {
		a.actor = pick(l, l.checkers)
	}
	l.keys++
	key := fmt.Sprint("filing ", l.keys)
	a.once = &claims.Once{Caller: a.actor.Person, Key: key, Request: []byte(key)}
	draft := l.claims(where.shop, func(d *claims.Draft) {
		d.Outlet = where.outlet
		d.Expenses = []claims.Expense{{Kind: "added_cost", Amount: l.amount()}}
	})
	if l.chance(55) {
		draft.Expenses[0].Amount = money.Minor(l.rand.IntN(5))
	}
	submit := l.chance(50)
	a.run = func(ctx context.Context, s *claims.Service, reply claims.Reply[claims.Claim]) (claims.Claim, error) {
		return s.File(ctx, a.actor, draft, submit, reply)
	}
	return a
}

// try has somebody try a turn and looks at what came of it.
func (l *lifesim) try(a *turn, p *plan) {
	l.t.Helper()
	l.broken.plan = p
	got, err := a.run(l.t.Context(), l.desks[a.desk], a.reply())
	l.keep(a)
	l.settle(a, got, err, p.commits)
}

// keep remembers a turn that may be tried again.
func (l *lifesim) keep(a *turn) {
	if a.once == nil || slices.Contains(l.sent, a) {
		return
	}
	if l.sent = append(l.sent, a); len(l.sent) > 12 {
		l.sent = l.sent[1:]
	}
}

// unknownCommits is for turns that do several things.
const unknownCommits = -1

// settle reads what became of a claim and holds it against what was known: what
// was acknowledged is there, what was refused is not, and both were right.
func (l *lifesim) settle(a *turn, got claims.Claim, err error, commits int) {
	l.t.Helper()
	s := a.about
	before, after := s.facts, l.read(s)
	grown := int(after.Claim.Version - before.Claim.Version)
	w := flaws(after.flaws(l.incident))
	w = append(w, after.lost(before)...)
	two := a.verb == doFile && grown == 2 // filed and submitted at once
	w.unless(commits == unknownCommits || grown == commits || two && commits == 1, "%d events of %d transactions", grown, commits)
	if p := l.broken.plan; commits != unknownCommits && p.broke && p.what != overtaken {
		w.unless(errors.Is(err, errBroken), "the transaction broke %s, and nobody noticed", p.what)
	}
	for _, f := range after.Files {
		w.unless(l.shelf[f.ID] != nil, "the bytes of file %s are gone", f.ID)
	}
	if grown == 0 {
		w.unless(reflect.DeepEqual(after, before), "changed without an event: %+v, before %+v", after, before)
	}
	w = append(w, l.judged(a, before, after, got, err)...)
	s.facts = after
	if after.Claim.State == claims.Closed || after.Claim.State == claims.Withdrawn {
		s.tries++
	}
	l.note(a, l.outcome(a, err), before)
	if len(w) > 0 {
		for i, flaw := range w {
			w[i] = flaw[:min(len(flaw), 2000)]
		}
		l.fail(s, "%s by %s %s, answered %v:\n%v", a.verb, a.actor.Role, a.actor.Person, err, w)
	}
}

// judged holds the answer against what happened.
func (l *lifesim) judged(a *turn, before, after facts, got claims.Claim, err error) []string {
	var w flaws
	grown := after.Claim.Version - before.Claim.Version
	kept := a.keptAt != nil && l.clock.Now().Before(a.keptAt.Add(7*24*time.Hour))
	var replay *claims.Replay
	refused := fault.As(err)
	switch {
	case errors.As(err, &replay):
		w.unless(kept && grown == 0 && bytes.Equal(replay.Answer.Body, a.rendered.Body), "answered again: %s, kept: %t, %s", replay.Answer.Body, kept, a.rendered.Body)
		return w
	case kept:
		w.unless((refused != nil || errors.Is(err, errBroken)) && grown == 0, "done twice")
		return w
	case errors.Is(err, errBroken):
		if grown == 0 {
			return w
		}
	case err == nil:
		w.unless(grown > 0, "acknowledged, and nothing happened")
		if a.verb != doEvidence {
			got.Estimate = nil
			w.unless(reflect.DeepEqual(got, after.Claim) || reflect.DeepEqual(withoutAddress(got), after.Claim), "answered %+v, stored %+v", got, after.Claim)
		}
	case refused == nil:
		w.unless(false, "an error of the program: %v", err)
		return w
	default:
		w = append(w, l.unfounded(a, refused.Code, before)...)
		w.unless((grown == 1) == slices.Contains(attemptCodes, refused.Code), "refused as %s, and %d events", refused.Code, grown)
		if grown == 0 {
			return w
		}
		w.unless(after.Events[len(after.Events)-1].Data["code"] == refused.Code, "refused as %s", refused.Code)
	}
	if len(after.Events) == 0 {
		return w
	}
	last := after.Events[len(after.Events)-1]
	w.unless(last.At.Equal(l.clock.Now().UTC().Truncate(time.Microsecond)) && last.Actor == a.actor.Role && last.KeyID == a.actor.KeyID, "event %+v of %+v", last, a.actor)
	if last.Type == "claim.attempt_refused" {
		code, _ := last.Data["code"].(string)
		w.unless(grown == 1 && slices.Contains(attemptCodes, code) && err != nil && after.Claim.State == before.Claim.State && len(after.Letters) == len(before.Letters) &&
			len(after.Decisions) == len(before.Decisions), "event %+v of an attempt", last)
		return w
	}
	if a.once != nil {
		a.keptAt = ptr(l.clock.Now())
	}
	return append(w, l.carriedOut(a, before, after)...)
}

// withoutAddress is a claim as it is stored: the address of who submitted it is
// never read back.
func withoutAddress(c claims.Claim) claims.Claim {
	c.Address = ""
	return c
}

// carriedOut holds what was done against the tables.
func (l *lifesim) carriedOut(a *turn, before, after facts) []string {
	var w flaws
	for n := len(before.Letters); n < len(after.Letters); n++ {
		hashes := after.Letters[n]
		letter := must(l.db.Letter(l.t.Context(), a.about.id, hashes.Decision))(l.t)
		w.unless(fmt.Sprintf("%x", sha256.Sum256(letter.Text)) == hashes.Text && fmt.Sprintf("%x", sha256.Sum256(letter.PDF)) == hashes.PDF &&
			bytes.HasPrefix(letter.PDF, []byte("%PDF-")) && bytes.Contains(letter.Text, []byte(after.Claim.Reference)), "letter %d is not what its hashes say", hashes.Decision)
		w.unless(n == len(before.Letters), "two letters at once")
	}
	if a.verb == doFile {
		w.unless(after.Events[0].Type == left[doFile] && after.States[0] == claims.Drafted, "begins with %+v, %s", after.Events[0], after.States[0])
		filedFor := a.actor.ClaimantID == ""
		w.unless(filedFor == after.keeps(a.actor.Person) && (after.Claim.FiledPerson != "") == filedFor, "filed by %s: %+v", a.actor.Person, after.Exclusions)
		if len(after.Events) == 1 {
			return w
		}
		w.unless(after.Events[1].Type == left[claims.DoSubmit] && (after.Claim.State == claims.Submitted || after.Claim.State == claims.Decided), "submitted as %+v", after.Claim)
		return w
	}
	last := after.Events[len(after.Events)-1]
	w.unless(len(after.Events) == len(before.Events)+1 && last.Type == left[a.verb], "%s leaves %+v", a.verb, after.Events[len(before.Events):])
	w.unless(after.Claim.State == leads(a.verb, before, after), "%s leads from %s to %s, want %s", a.verb, before.Claim.State, after.Claim.State, leads(a.verb, before, after))
	// What a senior hands over or a second person returns may change hands; nothing
	// else takes a claim from whoever has it.
	was, is := before.Claim.AssignedTo, after.Claim.AssignedTo
	w.unless(!l.leased(before.Claim) || is == was || is == "" || a.verb == claims.DoAssign && a.actor.Role == identity.Senior, "taken from %s by %s", was, is)
	if a.actor == identity.Itself {
		return w
	}
	return append(w, l.unlawful(a, before, after)...)
}

// unfounded says why a refusal was wrong.
func (l *lifesim) unfounded(a *turn, code string, before facts) []string {
	var w flaws
	if a.verb == doFile || a.verb == doEvidence || l.broken.plan.what == overtaken {
		return w
	}
	c := before.Claim
	may, inPeriod := slices.Contains(doers[a.verb], a.caller()), c.DueAt != nil && l.clock.Now().Before(*c.DueAt)
	_, allowed := life[c.State][a.verb]
	switch code {
	case "role_not_permitted", "key_required":
		w.unless(!may || a.person != "" && a.actor.Role != identity.Senior, "%s may", a.caller())
	case "claim_not_found":
		w.unless(a.caller() == "stranger", "it is theirs")
	case "version_stale":
		w.unless(a.version != 0 && a.version != c.Version, "version %d is the claim's", a.version)
	case "claim_state":
		again := c.State == claims.Decided && (a.verb == claims.DoChange || a.verb == claims.DoSubmit) && (c.Verdict != claims.Rejected || !inPeriod)
		w.unless(!allowed || again || a.verb == claims.DoWithdraw && before.amended(), "%s may be done in state %s", a.verb, c.State)
	case "claim_not_assigned":
		w.unless(c.AssignedTo != a.actor.Person, "it is assigned to them")
	case "lease_expired":
		w.unless(!l.leased(c), "their lease runs until %v", c.LeaseUntil)
	case "claim_taken":
		w.unless(l.leased(c) && c.AssignedTo != a.actor.Person, "nobody else has it")
	case "excluded_from_claim":
		w.unless(before.keeps(a.actor.Person) || before.keeps(a.person), "nobody keeps them from it: %+v", before.Exclusions)
	case "judge_for_claimant":
		w.unless(before.judgedBy(a.actor.Person), "they took no part")
	case "appeal_filed_before":
		w.unless(before.Appeal != nil, "there was no appeal")
	case "score_needs_senior":
		w.unless(a.verb == claims.DoAssign && a.actor.Role != identity.Senior && c.AssignedTo != a.actor.Person, "they are a senior, or have it")
	case "appeal_needs_senior":
		w.unless(c.AppealOpen && a.actor.Role != identity.Senior, "they are a senior")
	case "appeal_period_over", "answer_period_over":
		w.unless(!inPeriod, "it lasts until %v", c.DueAt)
	}
	if !may {
		w.unless(code == "role_not_permitted" || code == "key_required" || code == "claim_not_found", "a %s is told %s", a.caller(), code)
	}
	return w
}

// outcome is an answer in one word.
func (l *lifesim) outcome(a *turn, err error) string {
	var replay *claims.Replay
	refused := fault.As(err)
	switch {
	case err == nil:
		l.tally.done[string(a.verb)]++
		return "done"
	case errors.As(err, &replay):
		l.tally.other["answered again"]++
		return "answered again"
	case errors.Is(err, errBroken):
		return "broken"
	case refused != nil:
		code := refused.Code
		for _, field := range refused.Fields {
			l.tally.refused[field.Code]++
		}
		l.tally.refused[code]++
		return code
	default:
		return "failed"
	}
}

// note adds a turn to the trace of its claim and to the digest of the run.
func (l *lifesim) note(a *turn, outcome string, before facts) {
	s := a.about
	c := s.facts.Claim
	line := fmt.Sprintf("%d %s %s %s %s v%d: %s; %s v%d", l.step, l.clock.Now().Format(time.DateTime), a.caller(), a.actor.Person, a.verb, a.version, outcome, c.State, c.Version)
	if l.broken.plan.broke {
		line += " (" + string(l.broken.plan.what) + ")"
	}
	s.trace = append(s.trace, line)
	fmt.Fprintln(l.digest, s.n, a.verb, a.caller(), a.version, outcome, c.State, c.Claimed, c.Stake, c.Score, c.Standing, c.Verdict, c.Waited, c.AssignedTo)
	for i := len(before.Events); i < len(s.facts.Events); i++ {
		fmt.Fprintln(l.digest, told(s.facts.Events[i], s.facts.States[i]))
	}
}

// takeNext takes the best claim of the queue.
func (l *lifesim) takeNext() {
	l.t.Helper()
	a := &turn{verb: claims.DoAssign, actor: pick(l, l.people), desk: l.rand.IntN(len(l.desks))}
	if l.chance(85) {
		a.actor = pick(l, l.reviewers)
	}
	p := l.breakage(l.best(a.actor))
	l.broken.plan = p
	got, err := l.desks[a.desk].Next(l.t.Context(), a.actor, claims.ClaimFilter{IncidentID: l.incident.ID}, claims.Reply[*claims.Claim]{})
	best := l.best(a.actor)
	for best != nil && l.passedOver(best, a.actor) {
		best = l.best(a.actor)
	}
	if fault.As(err) != nil && !slices.Contains(doers[claims.DoAssign], string(a.actor.Role)) {
		return
	}
	switch {
	case best == nil && got == nil && (err == nil || errors.Is(err, errBroken)):
		return
	case best == nil || err == nil && (got == nil || got.ID != best.id):
		l.fail(best, "next for %s %s: %+v, %v; want the claim of the trace", a.actor.Role, a.actor.Person, got, err)
	}
	l.tally.other["taken from the queue"]++
	a.about, l.at = best, best
	if got == nil {
		got = &claims.Claim{}
	}
	l.settle(a, *got, err, p.commits)
}

// passedOver reports whether somebody was not given a claim for what came up
// about it just then, and takes note of that.
func (l *lifesim) passedOver(s *subject, actor identity.Actor) bool {
	l.t.Helper()
	before, after := s.facts, l.read(s)
	last := after.Events[len(after.Events)-1]
	if after.Claim.Version == before.Claim.Version || last.Type != "claim.attempt_refused" {
		return false
	}
	if last.Data["code"] != "score_needs_senior" || last.KeyID != actor.KeyID ||
		after.Claim.Score < l.policy.SeniorFromScore || after.Claim.Score <= before.Claim.Score || actor.Role == identity.Senior {
		l.fail(s, "next for %s %s left %+v", actor.Role, actor.Person, last)
	}
	s.facts = after
	l.tally.other["passed over"]++
	return true
}

// tend has the service do what has fallen due.
func (l *lifesim) tend() {
	l.t.Helper()
	p := l.breakage(l.at)
	l.broken.plan = p
	moved, err := l.desks[l.rand.IntN(len(l.desks))].Tend(l.t.Context())
	if err != nil && !errors.Is(err, errBroken) {
		l.fail(nil, "tend: %v", err)
	}
	for _, s := range l.live {
		now := must(l.db.Claim(l.t.Context(), s.id))(l.t)
		verb := scheduledVerb(s.facts.Claim.State)
		switch {
		case now.Version == s.facts.Claim.Version && l.due(s.facts) && !p.broke:
			l.fail(s, "due since %s, and nothing was done", s.facts.Claim.DueAt)
		case now.Version == s.facts.Claim.Version:
		case !l.due(s.facts):
			l.fail(s, "moved, though due at %v", s.facts.Claim.DueAt)
		default:
			moved--
			l.settle(&turn{verb: verb, actor: identity.Itself, about: s}, now, nil, unknownCommits)
		}
	}
	if moved != 0 && !p.broke {
		l.fail(nil, "tend says that it moved %d more than it did", moved)
	}
}

// several are some claims, each once.
func (l *lifesim) several() []*subject {
	some := []*subject{l.at}
	for range l.rand.IntN(3) {
		if s := pick(l, l.live); !slices.Contains(some, s) {
			some = append(some, s)
		}
	}
	return some
}

// each settles the rows of a bulk action or a batch.
func (l *lifesim) each(turns []*turn, results []claims.BulkResult, err error) {
	l.t.Helper()
	for i, a := range turns {
		if err != nil {
			l.settle(a, claims.Claim{}, err, unknownCommits)
			continue
		}
		var got claims.Claim
		var problem error
		if results[i].Problem != nil {
			problem = results[i].Problem
		} else {
			got = *results[i].Claim
		}
		l.settle(a, got, problem, unknownCommits)
	}
}

// bulk does one thing to some claims, or only says what it would do.
func (l *lifesim) bulk() {
	l.t.Helper()
	verb := pick(l, []claims.Verb{claims.DoAssign, claims.DoPutBack, claims.DoHold, claims.DoRelease})
	actor := pick(l, l.reviewers)
	if l.at.facts.Claim.AssignedTo != "" {
		actor = l.holder(l.at.facts.Claim.AssignedTo, l.at.facts.Claim.AppealOpen)
	}
	action := claims.BulkAction{Verb: verb, Reason: "under_inquiry", ReviewAt: l.clock.Now().Add(100 * time.Hour), Preview: l.chance(30)}
	var turns []*turn
	for _, s := range l.several() {
		a := &turn{verb: verb, actor: actor, about: s, version: s.facts.Claim.Version - int64(l.rand.IntN(6)/5)}
		turns, action.Claims = append(turns, a), append(action.Claims, claims.ClaimVersion{ID: s.id, Version: a.version})
	}
	l.broken.plan = l.breakage(nil)
	outcome, err := l.desks[l.rand.IntN(len(l.desks))].Bulk(l.t.Context(), actor, action, claims.Reply[claims.BulkOutcome]{})
	if !action.Preview {
		l.each(turns, outcome.Results, err)
		return
	}
	for _, a := range turns {
		if !reflect.DeepEqual(l.read(a.about), a.about.facts) {
			l.fail(a.about, "a preview changed the claim: %+v", l.read(a.about))
		}
	}
	l.tally.other["previews"]++
}

// batch decides some claims at once.
func (l *lifesim) batch() {
	l.t.Helper()
	actor := pick(l, l.reviewers)
	if l.at.facts.Claim.AssignedTo != "" {
		actor = l.holder(l.at.facts.Claim.AssignedTo, l.at.facts.Claim.AppealOpen)
	}
	var turns []*turn
	var rows []claims.BatchRow
	for _, s := range l.several() {
		a := &turn{verb: claims.DoDecide, actor: actor, about: s, version: s.facts.Claim.Version, draft: l.decision(s, claims.FirstDecision)}
		turns, rows = append(turns, a), append(rows, claims.BatchRow{ClaimID: s.id, Version: a.version, Draft: a.draft})
	}
	l.broken.plan = l.breakage(nil)
	results, err := l.desks[l.rand.IntN(len(l.desks))].DecideBatch(l.t.Context(), actor, rows, claims.Reply[[]claims.BulkResult]{})
	l.each(turns, results, err)
}

// look has somebody of staff look at a claim, which leaves a trace.
func (l *lifesim) look() {
	l.t.Helper()
	actor := pick(l, l.reviewers)
	l.broken.plan = l.breakage(nil)
	got, err := l.desks[l.rand.IntN(len(l.desks))].Claim(l.t.Context(), actor, l.at.id)
	if errors.Is(err, errBroken) {
		return
	}
	got.Estimate = nil
	if err != nil || !reflect.DeepEqual(got, l.at.facts.Claim) {
		l.fail(l.at, "seen as %+v, %v", got, err)
	}
	reads := must(l.db.Reads(l.t.Context(), l.at.id, claims.Page{Limit: 1}))(l.t)
	if len(reads) != 1 || reads[0].Person != actor.Person || !reads[0].At.Equal(l.clock.Now()) {
		l.fail(l.at, "seen by %s; the newest trace is %+v", actor.Person, reads)
	}
	l.tally.other["looks"]++
}

// lookAgain has somebody look at a sampled decision again.
func (l *lifesim) lookAgain() {
	l.t.Helper()
	actor, s := pick(l, l.reviewers), l.desks[l.rand.IntN(len(l.desks))]
	l.broken.plan = l.breakage(nil)
	review, err := s.NextQualityReview(l.t.Context(), actor, l.incident.ID, claims.Reply[*claims.QualityReview]{})
	if err == nil && review != nil {
		if review.Maker == actor.Person {
			l.fail(nil, "%s looks at their own decision again: %+v", actor.Person, review)
		}
		l.broken.plan = l.breakage(nil)
		_, err = s.EndQualityReview(l.t.Context(), actor, review.ID, l.chance(80), "wrong_facts", "", claims.Reply[claims.QualityReview]{})
		l.tally.other["quality reviews"]++
	}
	if err != nil && !errors.Is(err, errBroken) {
		l.fail(nil, "look again: %v", err)
	}
}

// again tries a turn with a key again, as somebody does who had no answer.
func (l *lifesim) again() {
	l.t.Helper()
	if len(l.sent) == 0 {
		return
	}
	a := pick(l, l.sent)
	if a.about.facts.Events == nil {
		return
	}
	kept := a.keptAt != nil && l.clock.Now().Before(a.keptAt.Add(7*24*time.Hour))
	once, s := *a.once, l.desks[l.rand.IntN(len(l.desks))]
	if l.chance(10) {
		once.Request = []byte("another request")
		if answer, err := s.Answered(l.t.Context(), once); kept != (fault.KindOf(err) == fault.Invalid) || answer != nil {
			l.fail(a.about, "a key was used for another request, kept: %t, answered %v, %v", kept, answer, err)
		}
		return
	}
	if l.chance(60) {
		answer, err := s.Answered(l.t.Context(), once)
		if err != nil || (answer != nil) != kept || answer != nil && !bytes.Equal(answer.Body, a.rendered.Body) {
			l.fail(a.about, "answered again as %v, %v; kept: %t, %s", answer, err, kept, a.rendered.Body)
		}
		if answer != nil {
			l.tally.other["answered again"]++
			return
		}
	}
	if a.verb != doFile || kept {
		l.try(a, l.breakage(nil))
	}
}

// forget drops the answers that have expired.
func (l *lifesim) forget() {
	l.t.Helper()
	l.broken.plan = &plan{}
	if err := l.desks[0].Forget(l.t.Context()); err != nil {
		l.fail(nil, "forget: %v", err)
	}
	if n := l.count(fmt.Sprint("SELECT count(*) FROM idempotency_keys WHERE expires_at <= ", l.clock.Now().UnixMicro())); n != 0 {
		l.fail(nil, "%d expired answers are kept", n)
	}
}

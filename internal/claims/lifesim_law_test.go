package claims_test

import (
	"fmt"
	"slices"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
)

// left is the event that each verb leaves, by hand.
var left = map[claims.Verb]string{
	doFile: "claim.filed", doEvidence: "claim.evidence_added",
	claims.DoChange: "claim.changed", claims.DoSubmit: "claim.submitted", claims.DoWithdraw: "claim.withdrawn", claims.DoAnswer: "claim.answered",
	claims.DoAppeal: "claim.appealed", claims.DoAskHuman: "claim.human_asked", claims.DoAccept: "claim.accepted", claims.DoAssign: "claim.assigned",
	claims.DoPutBack: "claim.put_back", claims.DoRecuse: "claim.recused", claims.DoHold: "claim.held", claims.DoRelease: "claim.released",
	claims.DoRequest: "claim.information_requested", claims.DoRecall: "claim.request_recalled", claims.DoDecide: "claim.decided",
	claims.DoApprove: "claim.decision_approved", claims.DoReturn: "claim.decision_returned", claims.DoAmend: "claim.amendment_proposed",
	claims.DoLapse: "claim.request_lapsed", claims.DoClose: "claim.closed",
}

// attemptCodes are the refusals that leave an event.
var attemptCodes = []string{"own_decision", "judge_for_claimant", "above_authority", "loss_already_compensated", "evidence_type_mismatch"}

// leads is where a verb leads a claim: what the table of the states says and,
// where the claim decides, what its rows say.
func leads(verb claims.Verb, before, after facts) claims.State {
	back := claims.InReview
	if before.Claim.AppealOpen {
		back = claims.Appealed
	}
	made := len(after.Decisions) > len(before.Decisions)
	switch newest := len(after.Decisions) - 1; verb {
	case doEvidence:
		return before.Claim.State
	case claims.DoSubmit, claims.DoLapse:
		if made {
			return claims.Decided
		}
		if verb == claims.DoLapse {
			return back
		}
	case claims.DoAnswer:
		for _, item := range after.Requests[len(after.Requests)-1].Items {
			if item.AnsweredAt == nil {
				return claims.AwaitingAnswer
			}
		}
		return back
	case claims.DoRecall, claims.DoRelease:
		return back
	case claims.DoDecide:
		if after.Decisions[newest].Needs {
			return claims.AwaitingApproval
		}
	case claims.DoReturn:
		return after.Decisions[newest].From
	case claims.DoWithdraw:
		if before.Claim.AppealOpen {
			return claims.Decided
		}
	}
	return life[before.Claim.State][verb]
}

// unlawful says why a turn that was carried out should have been refused.
func (l *lifesim) unlawful(a *turn, before, after facts) []string {
	var w flaws
	c, now := before.Claim, l.clock.Now()
	if a.verb == doEvidence {
		w.unless(slices.Contains(doers[claims.DoChange], a.caller()), "%s may not", a.caller())
		w.unless(c.State != claims.Closed && c.State != claims.Withdrawn, "a file for a claim that is %s", c.State)
		w.unless(len(after.Files) == len(before.Files)+1, "%d files after %d", len(after.Files), len(before.Files))
		return w
	}
	_, allowed := life[c.State][a.verb]
	w.unless(allowed, "%s in state %s", a.verb, c.State)
	w.unless(slices.Contains(doers[a.verb], a.caller()), "%s may not", a.caller())
	w.unless(a.version == 0 || a.version == c.Version, "version %d of %d", a.version, c.Version)
	if slices.Contains(byHand, a.verb) {
		w.unless(c.AssignedTo == a.actor.Person && l.leased(c), "%s acts on the claim of %q until %v", a.actor.Person, c.AssignedTo, c.LeaseUntil)
	}
	if slices.Contains(doers[a.verb], "claimant") && a.actor.ClaimantID == "" {
		w.unless(!before.judgedBy(a.actor.Person) && after.keeps(a.actor.Person), "%s acts for the claimant: %+v", a.actor.Person, after.Exclusions)
	}
	senior := a.actor.Role == identity.Senior
	inPeriod := c.DueAt != nil && now.Before(*c.DueAt)
	switch a.verb {
	case claims.DoChange, claims.DoSubmit:
		w.unless(c.State == claims.Drafted || c.Verdict == claims.Rejected && inPeriod, "%s of a claim that was %s until %v", a.verb, c.Verdict, c.DueAt)
	case claims.DoWithdraw:
		w.unless(!before.amended(), "an amendment is proposed")
	case claims.DoAppeal:
		w.unless(before.Appeal == nil && inPeriod, "an appeal until %v, after %+v", c.DueAt, before.Appeal)
		w.unless(after.Claim.Rank.Equal(queuedAt(now.Add(l.policy.Promise()), c.Stake)), "an appeal queued at %s", after.Claim.Rank)
	case claims.DoAskHuman:
		w.unless(c.Automatic && inPeriod, "a person asked for until %v", c.DueAt)
	case claims.DoAnswer:
		w.unless(a.n == len(before.Requests) && inPeriod, "an answer to request %d until %v", a.n, c.DueAt)
	case claims.DoAssign:
		person := after.Claim.AssignedTo
		w.unless(person != "" && (a.person == "" && person == a.actor.Person || a.person == person), "given to %s", person)
		w.unless(!l.leased(c) || c.AssignedTo == person || senior, "taken from %s", c.AssignedTo)
		w.unless(person == a.actor.Person || senior, "given to %s by a %s", person, a.actor.Role)
		w.unless(!before.keeps(person), "%s is kept from it", person)
		w.unless(!c.AppealOpen || senior, "a %s takes an appeal", a.actor.Role)
	case claims.DoRelease, claims.DoRecall:
		w.unless(c.AssignedTo == a.actor.Person || senior, "the claim of %s", c.AssignedTo)
	}
	return append(w, l.unlawfulDecision(a, before, after)...)
}

// judgedBy reports whether a person has the claim or took part in a decision on it.
func (f facts) judgedBy(person string) bool {
	return f.Claim.AssignedTo == person || slices.ContainsFunc(f.Decisions, func(d claims.Decision) bool {
		return d.MadeBy == person || d.Approval != nil && d.Approval.By == person
	})
}

// amended reports whether an amendment waits for its approval.
func (f facts) amended() bool {
	return f.Claim.State == claims.AwaitingApproval && f.Decisions[len(f.Decisions)-1].Kind == claims.Amendment
}

// unlawfulDecision is unlawful for what is done about decisions.
func (l *lifesim) unlawfulDecision(a *turn, before, after facts) []string {
	var w flaws
	made := len(after.Decisions) - len(before.Decisions)
	newest := len(after.Decisions) - 1
	switch a.verb {
	case claims.DoDecide, claims.DoAmend:
		w.unless(made == 1 && !before.keeps(a.actor.Person), "%d decisions of somebody kept from it: %t", made, before.keeps(a.actor.Person))
		d, c := after.Decisions[newest], before.Claim
		w.unless(d.MadeBy == a.actor.Person && d.MadeRole == a.actor.Role && d.Verdict == a.draft.Verdict && d.Awarded == a.draft.Awarded && d.Assessed == a.draft.Assessed &&
			d.Note == a.draft.Note && d.Override == a.draft.Override && slices.Equal(d.Evidence, a.draft.Evidence), "decision %+v of the draft %+v", d, a.draft)
		w.unless(d.Claimed == c.Claimed && d.Estimate == c.Estimates && d.From == c.State && d.Policy == l.policy.Version, "decision %+v on the claim %+v", d, c)
		kind := claims.Amendment
		if a.verb == claims.DoDecide {
			kind = claims.FirstDecision
			if c.AppealOpen {
				kind = claims.AppealDecision
			}
		}
		needs := kind == claims.Amendment || d.Override != "" || l.policy.Authority(a.actor.Role, "KRW") < worth(d, c)
		w.unless(d.Kind == kind && d.Needs == needs, "decision %+v, which moves %d", d, worth(d, c))
		limit := max(c.Claimed, c.Stake)
		if c.Estimated != nil {
			limit = max(limit, *c.Estimated)
		}
		w.unless((d.Override != "") == (d.Awarded > min(limit, schemeCap)), "%d awarded of at most %d, override %q", d.Awarded, min(limit, schemeCap), d.Override)
	case claims.DoApprove, claims.DoReturn:
		d := after.Decisions[newest]
		w.unless(made == 0 && a.n == len(before.Decisions) && before.Decisions[newest].Approval == nil && d.Approval != nil && d.Approval.By == a.actor.Person &&
			d.Approval.Approved == (a.verb == claims.DoApprove), "decision %d is %+v", a.n, d)
		w.unless(!before.keeps(a.actor.Person), "%s is kept from it", a.actor.Person)
		if a.verb == claims.DoApprove {
			w.unless(l.policy.Authority(a.actor.Role, "KRW") >= worth(d, before.Claim), "a %s approves what moves %d", a.actor.Role, worth(d, before.Claim))
		}
	case claims.DoSubmit:
		w.unless(after.Claim.Rank.Equal(queuedAt(*after.Claim.PromisedAt, after.Claim.Stake)), "queued at %s, promised at %s", after.Claim.Rank, after.Claim.PromisedAt)
		if made == 1 {
			c, d := after.Claim, after.Decisions[newest]
			w.unless(d.Kind == claims.AutomaticDecision && l.policy.StraightThrough.Enabled && !c.HumanAsked && !c.Late && newest == 0, "decided at submission: %+v", d)
		}
	default:
		w.unless(made == 0, "%d decisions by %s", made, a.verb)
	}
	return w
}

// worth is what the authority of whoever decides must cover.
func worth(d claims.Decision, c claims.Claim) money.Minor {
	w := d.Awarded
	if d.Verdict == claims.Refused {
		w = max(w, c.Stake)
	}
	if d.Kind != claims.FirstDecision && c.Awarded != nil {
		w = max(w, *c.Awarded)
	}
	return w
}

// queuedAt is the place in the queue of a claim that is to be decided by then: a
// day earlier for each digit at stake but the first.
func queuedAt(by time.Time, stake money.Minor) time.Time {
	digits := len(fmt.Sprint(int64(stake)))
	return by.AddDate(0, 0, 1-digits)
}

// best is the claim that is next for a reviewer, by the facts; nil for none.
func (l *lifesim) best(actor identity.Actor) *subject {
	var best *subject
	for _, s := range l.live {
		c := s.facts.Claim
		queued := c.State == claims.Submitted || c.State == claims.InReview || c.State == claims.Appealed
		mine := actor.Role == identity.Senior || c.State != claims.Appealed && c.Score < l.policy.SeniorFromScore
		if !queued || !mine || l.leased(c) || s.facts.keeps(actor.Person) {
			continue
		}
		if best == nil || c.Rank.Before(best.facts.Claim.Rank) || c.Rank.Equal(best.facts.Claim.Rank) && c.ID < best.id {
			best = s
		}
	}
	return best
}

// audits are counts over all claims that must be 0.
var audits = map[string]string{
	"losses compensated twice": `SELECT count(*) FROM covers a JOIN covers b ON a.incident_id = b.incident_id AND a.service = b.service AND a.unit = b.unit
		AND a.claim_id < b.claim_id AND a.start_at < b.end_at AND b.start_at < a.end_at`,
	"covers of claims without an award": `SELECT count(*) FROM covers JOIN claims ON claims.id = covers.claim_id WHERE coalesce(claims.awarded, 0) = 0`,
	"events without an entry of a claim": `SELECT (SELECT count(*) FROM events)
		- (SELECT count(*) FROM events JOIN entries ON entries.id = events.entry_id WHERE entries.type LIKE 'claim.%')`,
	"entries of claims without an event":   `SELECT (SELECT count(*) FROM entries WHERE type LIKE 'claim.%') - (SELECT count(*) FROM events)`,
	"entries that the log does not expect": `SELECT (SELECT count(*) FROM entries) - (SELECT count(*) FROM entries_pending JOIN entries ON entries.id = entry_id)`,
	"answers that were never given":        `SELECT count(*) FROM idempotency_keys WHERE answer_sealed IS NULL`,
	"decisions checked by their makers":    `SELECT count(*) FROM approvals WHERE maker = checked_by`,
	"decisions that stand in no queue for quality review": `SELECT count(*) FROM decisions d LEFT JOIN approvals a ON a.claim_id = d.claim_id AND a.decision = d.n
		WHERE (d.needs = 0 OR a.approved = 1) AND NOT EXISTS (SELECT 1 FROM batch_decisions b WHERE b.claim_id = d.claim_id AND b.decision = d.n)`,
	"decisions in it that do not stand": `SELECT count(*) FROM batch_decisions b JOIN decisions d ON d.claim_id = b.claim_id AND d.n = b.decision
		LEFT JOIN approvals a ON a.claim_id = d.claim_id AND a.decision = d.n WHERE d.needs = 1 AND coalesce(a.approved, 0) = 0`,
	"quality reviews by who took part": `SELECT count(*) FROM quality_reviews q WHERE q.reviewed_by <> '' AND (q.reviewed_by = q.maker
		OR EXISTS (SELECT 1 FROM approvals a WHERE a.claim_id = q.claim_id AND a.decision = q.decision AND a.checked_by = q.reviewed_by))`,
	"batches of another size": `SELECT count(*) FROM (SELECT b.id FROM batches b LEFT JOIN batch_decisions d ON d.batch_id = b.id
		GROUP BY b.id, b.size HAVING b.size <> count(d.claim_id)) differ`,
	"samples of another size": `SELECT count(*) FROM (SELECT b.id FROM batches b LEFT JOIN quality_reviews q ON q.batch_id = b.id
		GROUP BY b.id, b.sampled HAVING b.sampled <> count(q.id)) differ`,
}

// audit looks at all claims together: their number, their events, what holds
// between them, and that those nobody touched are as they were. Those that ended
// long ago are looked at in turn, at the end all of them.
func (l *lifesim) audit(all bool) {
	l.t.Helper()
	versions := l.ended.versions
	for _, s := range l.live {
		versions += s.facts.Claim.Version
	}
	for what, want := range map[string]int64{
		"claims": int64(len(l.live) + len(l.ended.ids)), "events": versions,
	} {
		if n := l.count("SELECT count(*) FROM " + what); n != want {
			l.fail(nil, "%d %s, want %d", n, what, want)
		}
	}
	for what, query := range audits {
		if n := l.count(query); n != 0 {
			l.fail(nil, "%d %s", n, what)
		}
	}
	for _, s := range l.live {
		if l.read(s).sum() != s.facts.sum() {
			l.fail(s, "changed although nobody touched it: %+v", l.read(s))
		}
	}
	for range l.ended.ids {
		l.ended.next++
		i := l.ended.next % len(l.ended.ids)
		if f := l.read(&subject{id: l.ended.ids[i]}); f.sum() != l.ended.sums[i] {
			l.fail(nil, "claim %s, which had ended, changed: %+v", l.ended.ids[i], f)
		}
		if !all && l.ended.next%20 == 0 {
			break
		}
	}
}

func (l *lifesim) count(query string) int64 {
	l.t.Helper()
	var n int64
	if err := l.raw.QueryRowContext(l.t.Context(), query).Scan(&n); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// due reports whether the service has something to do with the claim by itself.
func (l *lifesim) due(f facts) bool {
	return f.Claim.DueAt != nil && !l.clock.Now().Before(*f.Claim.DueAt)
}

// scheduledVerb is what the service does with a claim that is due.
func scheduledVerb(state claims.State) claims.Verb {
	return map[claims.State]claims.Verb{
		claims.AwaitingAnswer: claims.DoLapse, claims.OnHold: claims.DoRelease, claims.Decided: claims.DoClose,
	}[state]
}

// ended are the claims that nothing happens to any more.
type ended struct {
	ids      []string
	sums     [][32]byte
	versions int64
	next     int
}

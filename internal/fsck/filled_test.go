package fsck_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/identity"
	"redress/internal/publication"
	"redress/internal/sandbox"
	"redress/internal/store/storetest"
)

// filledAt is when everything in a filled world has happened.
var filledAt = sandbox.Now.Add(3 * time.Hour)

func must[T any](value T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// fill has everything else happen of which the database has rows: with it no table
// is empty. It answers the claim whose decision was looked at again.
func (w *world) fill(t testing.TB) (reviewed string) {
	t.Helper()
	ctx, admin, reviewer, senior := t.Context(), w.actor(t, identity.Admin), w.actor(t, identity.Reviewer), w.actor(t, identity.Senior)
	db := w.open(t)
	shelf := must(evidence.Open(ctx, t.TempDir(), bytes.Repeat([]byte{7}, 32), evidence.Options{}))(t)
	t.Cleanup(func() { shelf.Close() })
	w.service.KeepFiles(shelf)
	second := must(w.service.IssueFirstKey(ctx, claims.KeyRequest{Role: identity.Reviewer, Person: "second"}))(t).Key.Actor()
	later := claims.New(db, func() time.Time { return filledAt })
	raw, conn := storetest.Raw(t, w.options), intruder{TB: t}
	conn.Conn = must(raw.Conn(ctx))(t)
	defer conn.Close()
	open := conn.texts(`SELECT id FROM claims WHERE state = 'submitted' AND estimated > 0 AND filed_person = '' ORDER BY id`)
	if len(open) < 2 {
		t.Fatalf("%d claims with an estimate wait for a decision; two are needed", len(open))
	}
	paid, asked, nothing := open[0], open[1], claims.Reply[claims.Claim]{}

	// An award beyond the limits, which a second person approves, and a second look at it.
	must(w.service.Assign(ctx, reviewer, paid, 0, "", nothing))(t)
	file := must(w.service.UploadEvidence(ctx, reviewer, claims.EvidenceUpload{
		ClaimID: paid, Slot: "other", Name: "note.txt", Type: "text/plain", Body: strings.NewReader("takings of the day"),
	}, claims.Reply[claims.EvidenceFile]{}))(t)
	claim := must(w.service.Claim(ctx, reviewer, paid))(t)
	most := max(claim.Claimed, claim.Stake, *claim.Estimated) + 1_000_000
	draft := claims.DecisionDraft{
		Verdict: claims.Approved, Assessed: most, Awarded: most, Reason: "agrees_with_estimate", Override: "evidence_shows_more", Note: "see the file", Evidence: []string{file.ID},
	}
	must(w.service.Decide(ctx, reviewer, paid, 0, draft, nothing))(t)
	must(w.service.ApproveDecision(ctx, senior, paid, 1, 0, "seen", nothing))(t)
	must(later.Tend(ctx))(t)
	again := must(later.NextQualityReview(ctx, second, claim.IncidentID, claims.Reply[*claims.QualityReview]{}))(t)
	must(later.EndQualityReview(ctx, second, again.ID, true, "", "as it should be", claims.Reply[claims.QualityReview]{}))(t)
	// A question to a claimant, and people's own: views, keys, simulations, retries.
	must(w.service.Assign(ctx, reviewer, asked, 0, "", nothing))(t)
	must(w.service.RequestInformation(ctx, reviewer, asked, 0, claims.RequestDraft{
		Items: []claims.RequestedItem{{Code: "takings", What: "the takings of the day", Why: "the history ends before it"}},
	}, nothing))(t)
	must(w.service.RecallRequest(ctx, reviewer, asked, 0, 1, nothing))(t)
	must(w.service.Withdraw(ctx, w.actor(t, identity.Claimant), w.claim, 0, "", nothing))(t) // the appeal
	must(w.service.SaveView(ctx, reviewer, "cafés", claims.ClaimFilter{Sector: "cafe"}, claims.Reply[claims.View]{
		Once:   &claims.Once{Caller: reviewer.KeyID, Key: "view", Request: bytes.Repeat([]byte{1}, 32)},
		Render: func(v claims.View) (claims.Answer, error) { return claims.Answer{Status: 201, Body: []byte(v.ID)}, nil },
	}))(t)
	incident := must(w.service.Incident(ctx, admin, claim.IncidentID))(t)
	must(w.service.Simulate(ctx, w.actor(t, identity.Auditor), incident.ID, []claims.Candidate{{Scheme: incident.Scheme}}, claims.Reply[claims.Job]{}))(t)
	w.audit(t, later)
	w.integrate(t)
	must(later.IssueFirstKey(ctx, claims.KeyRequest{Role: identity.Reviewer}))(t) // its entry waits
	return again.ClaimID
}

// audit ends the sample with what it drew as it is.
func (w *world) audit(t testing.TB, service *claims.Service) {
	t.Helper()
	accountant := w.actor(t, identity.Accountant)
	samples := must(service.Samples(t.Context(), accountant, claims.SampleFilter{}, claims.Page{Limit: 1}))(t)
	var drawn publication.Sample
	if err := json.Unmarshal(samples[0].Drawn, &drawn); err != nil {
		t.Fatal(err)
	}
	results := map[publication.Hash]publication.Audited{}
	for _, d := range drawn.Drawn {
		results[d.ID] = publication.Audited{ID: d.ID, Correct: d.Amount}
	}
	var all []publication.Audited
	for _, r := range results {
		all = append(all, r)
	}
	must(service.EndSample(t.Context(), accountant, samples[0].ID, all, 95, claims.Reply[claims.Sample]{}))(t)
}

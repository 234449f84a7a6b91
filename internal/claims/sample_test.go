package claims_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/bundle"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
)

// intoLog makes the entry a leaf, as a log would that runs.
func (s *town) intoLog(t testing.TB, entryID string) {
	t.Helper()
	_, err := s.raw.ExecContext(t.Context(),
		`INSERT INTO leaves (idx, commitment, entry_id) SELECT (SELECT coalesce(max(idx) + 1, 0) FROM leaves), commitment, id FROM entries WHERE id = $1`, entryID)
	if err != nil {
		t.Fatal(err)
	}
}

func nonce() []byte {
	b := make([]byte, 16)
	rand.Read(b)
	return b
}

// sampleOf asks for so many units by what was claimed.
func sampleOf(units int) claims.SampleDraft {
	return claims.SampleDraft{Nonce: nonce(), Measure: publication.Claimed, Units: units, Accountant: "accountant"}
}

// draws seals a snapshot and draws a sample from it.
func (s *town) draws(t testing.TB, draft claims.SampleDraft) claims.Sample {
	t.Helper()
	snapshot := s.sealed(t)
	s.intoLog(t, snapshot.EntryID)
	return must(s.DrawSample(t.Context(), s.as(identity.Auditor), s.incident.ID, snapshot.Number, draft, claims.Reply[claims.Sample]{}))(t)
}

func drawnOf(t testing.TB, sample claims.Sample) publication.Sample {
	t.Helper()
	var drawn publication.Sample
	if err := json.Unmarshal(sample.Drawn, &drawn); err != nil {
		t.Fatal(err)
	}
	return drawn
}

// leavesOf reads the leaves of a snapshot as an auditor downloads them.
func (s *town) leavesOf(t testing.TB, n int) []publication.Leaf {
	t.Helper()
	var packed bytes.Buffer
	must(s.Leaves(t.Context(), s.as(identity.Auditor), s.incident.ID, n, func(part []byte) error {
		packed.Write(part)
		return nil
	}))(t)
	unpacked := must(gzip.NewReader(&packed))(t)
	var leaves []publication.Leaf
	for leaf, err := range publication.ReadList(unpacked) {
		leaves = append(leaves, must(leaf, err)(t))
	}
	return leaves
}

// stall has so many shops, each with a claim of another amount.
func (s *town) stall(t testing.TB, shops int) map[string]claims.Claim {
	t.Helper()
	all := map[string]claims.Claim{}
	for n := range shops {
		who := s.shop(t, n)
		c := s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) { d.Lines[0].Items = lostItem(money.Minor(10_000 + 1_000*n)) }))
		all[c.ID] = c
	}
	return all
}

func TestASampleIsDrawnReadAndEnded(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.KeepFiles(shelf{})
		filed := s.stall(t, 25)
		sample := s.draws(t, sampleOf(8))
		drawn := drawnOf(t, sample)
		snapshot := must(s.Snapshot(t.Context(), s.as(identity.Auditor), s.incident.ID, sample.Snapshot))(t)
		seed := must(publication.Seed(snapshot.Root, sample.Nonce))(t)
		again := must(publication.Draw(slices.Values(s.leavesOf(t, sample.Snapshot)), publication.Claimed, 8, seed))(t)
		if diff := cmp.Diff(again, drawn); diff != "" {
			t.Errorf("whoever has leaves and nonce draws another sample (-theirs +ours):\n%s", diff)
		}
		s.entryHas(t, sample.EntryID, "sample.drawn", `"nonce":"`+hex.EncodeToString(sample.Nonce)+`"`, `"root":"`+snapshot.Root.String()+`"`,
			`"drawn_by":"`+s.as(identity.Auditor).Person+`"`, `"accountant":"`+sample.Accountant+`"`)
		accountant := s.as(identity.Accountant)
		results := []publication.Audited{}
		for _, d := range drawn.Drawn {
			file := must(s.SampledClaim(t.Context(), accountant, sample.ID, d.Index))(t)
			own := filed[file.Claim.ID]
			if file.Claim.Claimed != d.Amount || file.Claim.Claimed != own.Claimed || len(file.Claim.Lines) != 1 || file.Estimate == nil || file.Leaf != d {
				t.Errorf("leaf %d: %+v", d.Index, file)
			}
			if strings.Contains(string(sample.Drawn), own.ID) {
				t.Error("what was drawn names a claim to the auditor")
			}
			results = append(results, publication.Audited{ID: d.ID, Correct: d.Amount - 1_000})
		}
		slices.Reverse(results)
		s.ends(t, sample, drawn, results)
	})
}

// ends ends the sample, and looks at what everybody is told.
func (s *town) ends(t *testing.T, sample claims.Sample, drawn publication.Sample, results []publication.Audited) {
	t.Helper()
	accountant := s.as(identity.Accountant)
	end := func(results []publication.Audited, confidence int) (claims.Sample, error) {
		return s.EndSample(t.Context(), accountant, sample.ID, results, confidence, claims.Reply[claims.Sample]{})
	}
	_, err := end(results[1:], 95)
	wants(t, "without one result", err, fault.Invalid, "audited_missing")
	_, err = end(results, 50)
	wants(t, "at a confidence of a coin", err, fault.Invalid, "confidence")
	if bounds := must(s.SampleBounds(t.Context(), identity.Anyone, s.incident.ID, claims.Page{Limit: 10}))(t); len(bounds) != 0 {
		t.Errorf("bounds before the end: %+v", bounds)
	}
	ended := must(end(results, 95))(t)
	var found bundle.Results
	if err := json.Unmarshal(ended.Results, &found); err != nil || found.Results[0].ID != drawn.Drawn[0].ID {
		t.Errorf("results %s: %v", ended.Results, err)
	}
	want := must(drawn.Bound(results, 95))(t)
	if diff := cmp.Diff(want, found.Bound); diff != "" {
		t.Error(diff)
	}
	s.entryHas(t, ended.EndedEntryID, "sample.ended", `"max_overstated_basis_points":`, `"results_hash":"`+sha(ended.Results)+`"`, `"sample":"`+sample.ID+`"`)
	_, err = end(results, 95)
	wants(t, "once more", err, fault.Conflict, "sample_ended")
	bounds := must(s.SampleBounds(t.Context(), identity.Anyone, s.incident.ID, claims.Page{Limit: 10}))(t)
	if len(bounds) != 1 || bounds[0].Error != want.Relative(drawn.Total) && cmp.Diff(bounds[0].Error, want.Relative(drawn.Total)) != "" || bounds[0].Claims != len(drawn.Drawn) {
		t.Errorf("bounds: %+v", bounds)
	}
	leaf := drawn.Drawn[0].Index
	s.clock.set(today.Add(29 * 24 * time.Hour))
	must(s.SampledClaim(t.Context(), accountant, sample.ID, leaf))(t)
	s.clock.set(today.Add(30 * 24 * time.Hour))
	_, err = s.SampledClaim(t.Context(), accountant, sample.ID, leaf)
	wants(t, "30 days after the end", err, fault.Forbidden, "sample_over")
}

// entryHas checks what an entry says.
func (s *town) entryHas(t testing.TB, id, entryType string, parts ...string) {
	t.Helper()
	var kind string
	var body []byte
	if err := s.raw.QueryRowContext(t.Context(), "SELECT type, body FROM entries WHERE id = $1", id).Scan(&kind, &body); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if kind != entryType || !bytes.Contains(body, []byte(part)) {
			t.Errorf("entry %s of type %s lacks %s: %s", id, kind, part, body)
		}
	}
}

// Whoever knows the nonce before the root is fixed could choose what is drawn.
func TestNobodySteersASample(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.stall(t, 5)
		draw := func(snapshot claims.Snapshot, draft claims.SampleDraft) (claims.Sample, error) {
			return s.DrawSample(t.Context(), s.as(identity.Auditor), s.incident.ID, snapshot.Number, draft, claims.Reply[claims.Sample]{})
		}
		draft := sampleOf(3)
		_, err := draw(claims.Snapshot{Number: 1}, draft)
		wants(t, "before the snapshot is sealed", err, fault.NotFound, "snapshot_not_found")
		snapshot := s.sealed(t)
		_, err = draw(snapshot, draft)
		wants(t, "before it is in the log", err, fault.Conflict, "snapshot_not_logged")
		s.intoLog(t, snapshot.EntryID)
		short := draft
		short.Nonce = draft.Nonce[:15]
		_, err = draw(snapshot, short)
		wants(t, "by a nonce that can be guessed", err, fault.Invalid, "nonce_length")
		first := must(draw(snapshot, draft))(t)
		if again := must(draw(snapshot, draft))(t); again.ID != first.ID {
			t.Error("the same nonce draws twice")
		}
		more := draft
		more.Units = 4
		_, err = draw(snapshot, more)
		wants(t, "of another size by the same nonce", err, fault.Conflict, "nonce_used")
		for name, person := range map[string]string{"nobody": "", "themselves": s.as(identity.Auditor).Person} {
			own := sampleOf(3)
			own.Accountant = person
			_, err = draw(snapshot, own)
			wantsField(t, "for "+name, err, "#/accountant", "accountant_not_independent")
		}
		zero := sampleOf(3)
		zero.Measure = publication.Paid
		_, err = draw(snapshot, zero)
		wants(t, "of nothing", err, fault.Conflict, "nothing_to_draw")
		if _, err := s.raw.ExecContext(t.Context(), "UPDATE samples SET accountant = drawn_by"); err == nil {
			t.Error("the database lets the accountant be changed")
		}
		if _, err := s.raw.ExecContext(t.Context(), `INSERT INTO samples (id, incident_id, snapshot, n, nonce, drawn, drawn_hash, drawn_by, drawn_at, accountant, entry_id)
			SELECT 'other', incident_id, snapshot, 2, drawn, drawn, drawn_hash, drawn_by, drawn_at, drawn_by, 'other' FROM samples`); err == nil {
			t.Error("the database lets somebody audit what they drew")
		}
	})
}

// wantsField checks that a fault is about one field.
func wantsField(t testing.TB, what string, err error, pointer, code string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer || f.Fields[0].Code != code {
		t.Errorf("%s: %v", what, err)
	}
}

// Only who holds an accountant's key could ever end a sample, so the key comes first.
func TestASampleIsForSomebodyWhoHoldsAnAccountantsKey(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.stall(t, 3)
		snapshot := s.sealed(t)
		s.intoLog(t, snapshot.EntryID)
		draw := func(person string) error {
			draft := sampleOf(1)
			draft.Accountant = person
			return failed(s.DrawSample(t.Context(), s.as(identity.Auditor), s.incident.ID, snapshot.Number, draft, claims.Reply[claims.Sample]{}))
		}
		issue := func(role identity.Role, person string, expires *time.Time) identity.Key {
			return must(s.IssueFirstKey(t.Context(), claims.KeyRequest{Role: role, Person: person, ExpiresAt: expires}))(t).Key
		}
		wantsField(t, "nobody's code", draw("somebody"), "#/accountant", "accountant_unknown")
		issue(identity.Reviewer, "reviewer-1", nil)
		wantsField(t, "who holds a key of another role", draw("reviewer-1"), "#/accountant", "accountant_unknown")
		tomorrow := s.clock.now.Add(24 * time.Hour)
		issue(identity.Accountant, "expiring", &tomorrow)
		revoked := issue(identity.Accountant, "revoked", nil)
		for _, person := range []string{"expiring", "revoked"} {
			if err := draw(person); err != nil {
				t.Errorf("%s while their key is valid: %v", person, err)
			}
		}
		if err := s.RevokeKey(t.Context(), s.as(identity.Admin), revoked.ID); err != nil {
			t.Fatal(err)
		}
		s.clock.set(tomorrow)
		for _, person := range []string{"expiring", "revoked"} {
			wantsField(t, person+" afterwards", draw(person), "#/accountant", "accountant_unknown")
		}
		issue(identity.Accountant, "revoked", nil)
		if err := draw("revoked"); err != nil {
			t.Errorf("with a second key: %v", err)
		}
	})
}

// Whoever tries one nonce after another leaves as many numbers behind, and what is
// logged afterwards counts them.
func TestSamplesAreNumberedWithoutAGap(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.stall(t, 3)
		first, second := s.sealed(t), s.sealed(t)
		s.intoLog(t, first.EntryID)
		s.intoLog(t, second.EntryID)
		draw := func(snapshot claims.Snapshot) (claims.Sample, error) {
			return s.DrawSample(t.Context(), s.as(identity.Auditor), s.incident.ID, snapshot.Number, sampleOf(1), claims.Reply[claims.Sample]{})
		}
		const at = 6
		numbers := make(chan int, at)
		for range at {
			go func() {
				for {
					sample, err := draw(first)
					if f := fault.As(err); f != nil && f.Code == "sample_overtaken" {
						continue
					}
					if err != nil {
						t.Error(err)
					}
					numbers <- sample.Number
					return
				}
			}()
		}
		var seen []int
		for range at {
			seen = append(seen, <-numbers)
		}
		slices.Sort(seen)
		if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6}, seen); diff != "" {
			t.Errorf("drawn at once (-want +got):\n%s", diff)
		}
		other := must(draw(second))(t)
		s.entryHas(t, other.EntryID, "sample.drawn", `"number":1,`, `"samples_drawn":7,`, `"samples_ended":0,`)
		drawn := drawnOf(t, other).Drawn[0]
		ended := must(s.EndSample(t.Context(), s.as(identity.Accountant), other.ID, []publication.Audited{{ID: drawn.ID, Correct: drawn.Amount}}, 95, claims.Reply[claims.Sample]{}))(t)
		s.entryHas(t, ended.EndedEntryID, "sample.ended", `"number":1,`, `"samples_drawn":7,`, `"samples_ended":1,`)
		s.entryHas(t, s.sealed(t).EntryID, "snapshot.sealed", `"samples_drawn":7,`, `"samples_ended":1,`)
		released := must(s.ReleaseTotals(t.Context(), s.as(identity.Admin), s.incident.ID, first.Number, claims.Reply[claims.Release]{}))(t)
		s.entryHas(t, released.EntryID, "release.published", `"samples_drawn":7,`, `"samples_ended":1,`)
		if bounds := must(s.SampleBounds(t.Context(), identity.Anyone, s.incident.ID, claims.Page{Limit: 10}))(t); len(bounds) != 1 || bounds[0].Number != 1 {
			t.Errorf("the public is told %+v", bounds)
		}
		for _, change := range []string{
			"UPDATE samples SET n = 9 WHERE n = 6",
			`INSERT INTO samples (id, incident_id, snapshot, n, nonce, drawn, drawn_hash, drawn_by, drawn_at, accountant, entry_id)
				SELECT 'other', incident_id, snapshot, n, drawn, drawn, drawn_hash, drawn_by, drawn_at, accountant, 'other' FROM samples WHERE n = 6`,
		} {
			if _, err := s.raw.ExecContext(t.Context(), change); err == nil {
				t.Errorf("the database takes %s", change)
			}
		}
	})
}

func TestAnAccountantReadsTheirSamplesAndNothingElse(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.KeepFiles(shelf{})
		filed := s.stall(t, 3)
		by := map[string]identity.Actor{}
		for _, c := range filed {
			by[c.ID] = identity.Actor{Role: identity.Claimant, KeyID: "k", ClaimantID: c.ClaimantID}
		}
		sample := s.draws(t, sampleOf(1))
		accountant, leaf := s.as(identity.Accountant), drawnOf(t, sample).Drawn[0].Index
		own := must(s.SampledClaim(t.Context(), accountant, sample.ID, leaf))(t).Claim
		file := must(s.UploadEvidence(t.Context(), by[own.ID], claims.EvidenceUpload{
			ClaimID: own.ID, Slot: "sales_proof", Name: "sales.txt", Type: "text/plain", Body: strings.NewReader("sold nothing"),
		}, claims.Reply[claims.EvidenceFile]{}))(t)
		_, content, err := s.SampledEvidence(t.Context(), accountant, sample.ID, leaf, file.ID)
		if err != nil {
			t.Fatal(err)
		}
		if text := must(io.ReadAll(content))(t); string(text) != "sold nothing" {
			t.Errorf("the file says %q", text)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
		reads := must(s.Reads(t.Context(), by[own.ID], own.ID, claims.Page{Limit: 10}))(t)
		if len(reads) != 2 || reads[0].What != "evidence" || reads[1].What != "claim" || reads[0].Role != identity.Accountant ||
			!strings.Contains(reads[0].Purpose, sample.ID) {
			t.Errorf("reads: %+v", reads)
		}
		other := accountant
		other.Person = "another accountant"
		_, err = s.SampledClaim(t.Context(), other, sample.ID, leaf)
		wants(t, "another accountant", err, fault.NotFound, "sample_not_found")
		if list := must(s.Samples(t.Context(), other, claims.SampleFilter{IncidentID: s.incident.ID}, claims.Page{Limit: 10}))(t); len(list) != 0 {
			t.Errorf("another accountant sees %+v", list)
		}
		_, err = s.SampledClaim(t.Context(), accountant, sample.ID, (leaf+1)%3)
		wants(t, "a claim that was not drawn", err, fault.NotFound, "sampled_claim_not_found")
		_, _, err = s.SampledEvidence(t.Context(), accountant, sample.ID, leaf, "none")
		wants(t, "a file that is not there", err, fault.NotFound, "evidence_not_found")
		_, err = s.Claim(t.Context(), accountant, own.ID)
		wants(t, "the claim past the sample", err, fault.Forbidden, "role_not_permitted")

		must(s.Withdraw(t.Context(), by[own.ID], own.ID, 0, "", claims.Reply[claims.Claim]{}))(t)
		must(s.EraseClaimant(t.Context(), s.as(identity.Admin), own.ClaimantID, claims.ErasureAsked, claims.Reply[claims.Erasure]{}))(t)
		_, err = s.SampledClaim(t.Context(), accountant, sample.ID, leaf)
		wants(t, "a claimant who was erased", err, fault.NotFound, "erased_with_claimant")
	})
}

func TestAnAccountantsKeySaysWhoTheyAre(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		_, err := s.IssueFirstKey(t.Context(), claims.KeyRequest{Role: identity.Accountant})
		wants(t, "without a person", err, fault.Invalid, "invalid_fields")
		if _, err := s.raw.ExecContext(t.Context(), "UPDATE keys SET person = id WHERE role = 'accountant'"); err == nil {
			t.Error("the database lets an accountant's key be nobody's")
		}
	})
}

// sampled draws a sample of the one claim that stands and answers it with its leaf.
func (s *town) sampled(t testing.TB) (claims.Sample, publication.Drawn) {
	t.Helper()
	draft := s.draft()
	draft.Outlet = "annex"
	draft.Lines[0].Items = lostItem(30_000)
	if len(must(s.Claims(t.Context(), s.as(identity.Claimant), claims.ClaimFilter{States: []claims.State{claims.Submitted}}, claims.Page{Limit: 1}))(t)) == 0 {
		s.file(t, draft, true)
	}
	sample := s.draws(t, sampleOf(1))
	return sample, drawnOf(t, sample).Drawn[0]
}

var sampleAttempts = []attempt{
	{"DrawSample", func(t *testing.T, s *town, a identity.Actor) error {
		s.sampled(t)
		snapshot := s.sealed(t)
		s.intoLog(t, snapshot.EntryID)
		return failed(s.DrawSample(t.Context(), a, s.incident.ID, snapshot.Number, sampleOf(1), claims.Reply[claims.Sample]{}))
	}},
	{"Samples", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Samples(t.Context(), a, claims.SampleFilter{IncidentID: s.incident.ID}, claims.Page{Limit: 1}))
	}},
	{"Sample", func(t *testing.T, s *town, a identity.Actor) error {
		sample, _ := s.sampled(t)
		return failed(s.Sample(t.Context(), a, sample.ID))
	}},
	{"SampledClaim", func(t *testing.T, s *town, a identity.Actor) error {
		sample, drawn := s.sampled(t)
		return failed(s.SampledClaim(t.Context(), a, sample.ID, drawn.Index))
	}},
	{"SampledEvidence", func(t *testing.T, s *town, a identity.Actor) error {
		sample, drawn := s.sampled(t)
		_, _, err := s.SampledEvidence(t.Context(), a, sample.ID, drawn.Index, "none")
		return reached(err, "evidence_not_found", "evidence_store_missing")
	}},
	{"EndSample", func(t *testing.T, s *town, a identity.Actor) error {
		sample, drawn := s.sampled(t)
		return failed(s.EndSample(t.Context(), a, sample.ID, []publication.Audited{{ID: drawn.ID, Correct: drawn.Amount}}, 95, claims.Reply[claims.Sample]{}))
	}},
	{"SampleBounds", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.SampleBounds(t.Context(), a, s.incident.ID, claims.Page{Limit: 1}))
	}},
}

func init() { attempts = append(attempts, sampleAttempts...) }

package claims_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
	"redress/internal/baseline"
	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

func TestSubmissionStoresTheEstimateThatItsHashNames(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		upload := s.upload(t, identity.Claimant, ordinary(1))
		c := s.file(t, s.draft(), true)
		e := must(s.Estimate(t.Context(), s.as(identity.Claimant), c.ID, 0))(t)
		if e.Hash != sha(e.Bytes) || e.InputHash != sha(e.Inputs) {
			t.Errorf("hash %s of %s, input hash %s of %s", e.Hash, sha(e.Bytes), e.InputHash, sha(e.Inputs))
		}
		d := decode(t, e.Bytes)
		if d.ClaimID != c.ID || d.N != 1 || d.InputHash != e.InputHash || d.Incident.ID != s.incident.ID {
			t.Errorf("the document is about %+v, the estimate is %+v", d, e)
		}
		if len(d.Lines) != 1 || !slices.Equal(d.Lines[0].Uploads, []string{upload.ID}) || d.Lines[0].Baseline.Total == nil {
			t.Fatalf("lines %+v; want one, estimated from upload %s", d.Lines, upload.ID)
		}
		if total := d.Lines[0].Baseline.Total; total.Actual != 20_000 || total.Shortfall != total.Expected-20_000 || total.Shortfall <= 0 {
			t.Errorf("total %+v of ten weeks of sales and 20,000 declared", total)
		}
		if e.Amount != d.Compensation.Amount || e.Outcome != d.Compensation.Outcome || c.Outcome != e.Outcome || c.Estimated == nil || *c.Estimated != e.Amount {
			t.Errorf("claim %v %s, estimate %d %s, document %+v", c.Estimated, c.Outcome, e.Amount, e.Outcome, d.Compensation)
		}
		if c.Estimates != 1 || e.N != 1 || !e.MadeAt.Equal(today) || string(c.Estimate) != string(e.Bytes) {
			t.Errorf("estimate %d of %d at %v", e.N, c.Estimates, e.MadeAt)
		}
		if got := must(s.Claim(t.Context(), s.as(identity.Reviewer), c.ID))(t); string(got.Estimate) != string(e.Bytes) {
			t.Error("the claim, read again, has another estimate")
		}
	})
}

// entry reads what the log commits to about one event.
func (s *town) entry(t testing.TB, id string) auditlog.Entry {
	t.Helper()
	query := map[string]string{
		"sqlite":   "SELECT id, type, subject, salt, body, commitment FROM entries WHERE id = ?",
		"postgres": "SELECT id, type, subject, salt, body, commitment FROM entries WHERE id = $1",
	}[s.engine]
	var e auditlog.Entry
	if err := s.raw.QueryRowContext(t.Context(), query, id).Scan(&e.ID, &e.Type, &e.Subject, &e.Salt, &e.Body, &e.Commitment); err != nil {
		t.Fatalf("entry %s: %v", id, err)
	}
	return e
}

func TestEachEventIsNumberedAndOpensItsEntry(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		actor := s.as(identity.Delegate)
		s.upload(t, identity.Claimant, ordinary(1))
		c := s.file(t, s.draft(), false)
		c = must(s.Change(t.Context(), actor, c.ID, c.Version, func(content *claims.Content) error {
			content.Statement = "급합니다"
			content.Lines[0].Items = []claims.LossItem{{Kind: "order", At: outage.UTC(), Amount: 35_000, Note: "박지훈 손님"}}
			return nil
		}))(t)
		c = must(s.Submit(t.Context(), actor, c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
		estimate := must(s.Estimate(t.Context(), actor, c.ID, 0))(t)
		c = must(s.Withdraw(t.Context(), actor, c.ID, c.Version, "청구인 하나: 문을 닫습니다", claims.Reply[claims.Claim]{}))(t)

		events := must(s.Events(t.Context(), actor, c.ID))(t)
		var types []string
		for i, e := range events {
			types = append(types, e.Type)
			if e.N != int64(i+1) || e.ClaimID != c.ID || !e.At.Equal(today) {
				t.Errorf("event %d is %+v", i+1, e)
			}
			entry := s.entry(t, e.EntryID)
			if !entry.Opens() || string(entry.Commitment) != string(e.Leaf) || entry.Type != e.Type || entry.Subject != c.ID {
				t.Errorf("event %+v has entry %+v, which opens: %t", e, entry, entry.Opens())
			}
			// The entry commits to all that the event says.
			var body struct {
				N    int64
				Type string
				By   identity.Role
				Data map[string]any
			}
			if err := json.Unmarshal(entry.Body, &body); err != nil {
				t.Fatal(err)
			}
			if body.N != e.N || body.Type != e.Type || body.By != e.Actor {
				t.Errorf("event %+v has an entry that says %s", e, entry.Body)
			}
			if diff := cmp.Diff(e.Data, body.Data); diff != "" {
				t.Errorf("data (-event +entry):\n%s", diff)
			}
			shown, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			showsNobody(t, "event "+e.Type, string(shown))
			showsNobody(t, "entry of "+e.Type, string(entry.Body))
		}
		if diff := cmp.Diff([]string{"claim.filed", "claim.changed", "claim.submitted", "claim.withdrawn"}, types); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if c.Version != int64(len(events)) {
			t.Errorf("version %d after %d events", c.Version, len(events))
		}
		if got := events[2].Data["estimate_hash"]; got != estimate.Hash {
			t.Errorf("the submission commits to estimate %v, want %s", got, estimate.Hash)
		}
		if events[0].Actor != identity.Claimant || events[1].Actor != identity.Delegate || events[1].KeyID != actor.KeyID {
			t.Errorf("done by %s and %s with key %s", events[0].Actor, events[1].Actor, events[1].KeyID)
		}
	})
}

func TestEntriesOfEverythingElseOpenAndShowNobody(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		must(s.ChangeClaimant(t.Context(), s.as(identity.Claimant), s.merchant.ID, 1, func(c *claims.Claimant) error {
			c.Name = "청구인 하나 빵집"
			return nil
		}))(t)
		s.upload(t, identity.Platform, ordinary(1))
		s.changeIncident(t, func(*claims.Incident) {})
		if err := s.RevokeKey(t.Context(), s.as(identity.Claimant), s.as(identity.Delegate).KeyID); err != nil {
			t.Fatal(err)
		}
		rows, err := s.raw.QueryContext(t.Context(), "SELECT id, type FROM entries")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		found := map[string]string{}
		for rows.Next() {
			var id, entryType string
			if err := rows.Scan(&id, &entryType); err != nil {
				t.Fatal(err)
			}
			found[entryType] = id
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for _, entryType := range []string{
			"key.issued", "key.revoked", "scheme.published", "incident.created", "incident.opened", "incident.changed",
			"claimant.registered", "claimant.changed", "revenue.uploaded",
		} {
			id, ok := found[entryType]
			if !ok {
				t.Errorf("nothing was logged as %s", entryType)
				continue
			}
			entry := s.entry(t, id)
			if !entry.Opens() {
				t.Errorf("the entry of %s does not open", entryType)
			}
			showsNobody(t, "entry of "+entryType, string(entry.Body))
		}
	})
}

func TestInputHashChangesWithEachInputAndNothingElse(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.upload(t, identity.Claimant, ordinary(1))
		hash := func(change func(*claims.Draft)) string {
			t.Helper()
			draft := s.draft()
			if change != nil {
				change(&draft)
			}
			return s.preliminary(t, draft).InputHash
		}
		seen := map[string]string{hash(nil): "as it was"}
		differs := func(name, hash string) {
			t.Helper()
			if before, ok := seen[hash]; ok {
				t.Errorf("%s: the same input hash as %s", name, before)
			}
			seen[hash] = name
		}
		same := func(name, got string) {
			t.Helper()
			if seen[got] != "as it was" {
				t.Errorf("%s: another input hash", name)
			}
		}

		s.clock.set(today.Add(time.Hour))
		same("an hour later", hash(nil))
		same("what no estimate reads", hash(func(d *claims.Draft) { d.Statement, d.Channel = "급합니다", "phone" }))
		s.withdraw(t, s.file(t, s.draft(), true))
		filed := s.file(t, s.draft(), true)
		same("of a claim, filed twice", must(s.Estimate(t.Context(), s.as(identity.Claimant), filed.ID, 0))(t).InputHash)

		differs("declared nothing", hash(func(d *claims.Draft) { d.Lines[0].DeclaredActual = nil }))
		differs("declared 0", hash(func(d *claims.Draft) { d.Lines[0].DeclaredActual = ptr(money.Minor(0)) }))
		differs("declared a won more", hash(func(d *claims.Draft) { *d.Lines[0].DeclaredActual++ }))
		differs("a closure", hash(func(d *claims.Draft) {
			d.Lines[0].Closures = []claims.Closure{{Start: outage.UTC(), End: outage.Add(time.Hour).UTC()}}
		}))
		differs("a share", hash(func(d *claims.Draft) { d.Lines[0].PlatformShareBasisPoints = ptr(5_000) }))
		differs("a margin", hash(func(d *claims.Draft) { d.OwnMarginBasisPoints = ptr(5_000) }))
		differs("a substitute", hash(func(d *claims.Draft) { d.Lines[0].Substitutes = []claims.Substitute{{Kind: "street", Amount: 1}} }))
		differs("a cost", hash(func(d *claims.Draft) { d.Expenses = []claims.Expense{{Kind: "added_cost", Amount: 1}} }))
		differs("another line", hash(func(d *claims.Draft) { d.Lines = append(d.Lines, claims.LossLine{Service: "pay"}) }))

		changed := ordinary(1)
		for i, state := range changed.States {
			if state == revenue.Open {
				changed.Amounts[i]++
				break
			}
		}
		s.upload(t, identity.Claimant, changed)
		differs("a history that differs by a won in one hour", hash(nil))

		s.changeIncident(t, func(in *claims.Incident) { in.Services[0].Windows[0].DownBasisPoints-- })
		differs("a window", hash(nil))
		s.publish(t, 2)
		s.changeIncident(t, func(in *claims.Incident) { in.Scheme.Version = 2 })
		differs("a scheme", hash(nil))
	})
}

func TestPlatformLedgerOutranksAnUpload(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		expected := func() money.Minor {
			t.Helper()
			total := s.preliminary(t, s.draft()).Lines[0].Baseline.Total
			if total == nil {
				t.Fatal("no answer")
			}
			return total.Expected
		}
		own := s.upload(t, identity.Claimant, ordinary(3))
		stated := expected()
		ledger := s.upload(t, identity.Platform, ordinary(1))
		if d := s.preliminary(t, s.draft()); !slices.Equal(d.Lines[0].Uploads, []string{ledger.ID, own.ID}) {
			t.Errorf("made from %v; want the ledger %s and the upload %s", d.Lines[0].Uploads, ledger.ID, own.ID)
		}
		byLedger := expected()
		if byLedger >= stated/2 {
			t.Errorf("expected %d by a ledger of a third of what gave %d", byLedger, stated)
		}
		s.upload(t, identity.Claimant, ordinary(9))
		if got := expected(); got != byLedger {
			t.Errorf("expected %d after a greater upload, want the ledger's %d still", got, byLedger)
		}
		// Where the ledger is silent, the claimant's own record speaks.
		s.upload(t, identity.Platform, revenue.History{})
		s.upload(t, identity.Claimant, ordinary(3))
		if got := expected(); got != stated {
			t.Errorf("expected %d with an empty ledger, want the claimant's %d", got, stated)
		}
	})
}

func TestUploaderDoesNotChooseTheSource(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		forged := must(s.Upload(t.Context(), s.as(identity.Claimant), claims.Upload{
			ClaimantID: s.merchant.ID, Outlet: "main", Service: "shop", Source: revenue.FromPlatform, Summary: json.RawMessage("{}"),
		}, ordinary(9)))(t)
		if forged.Source != revenue.FromClaimant {
			t.Errorf("a claimant's upload counts as the %s's", forged.Source)
		}
	})
}

func TestOtherOutagesOfThePlatformAreNotLearnedFrom(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		// Two weeks before, at the same hours, nothing was sold.
		starts, ends := outage.AddDate(0, 0, -14), restored.AddDate(0, 0, -14)
		spoilt := ordinary(1)
		span := revenue.Span{Start: revenue.LocalOf(starts, seoul), End: revenue.LocalOf(ends, seoul)}
		for i := range spoilt.States {
			if spoilt.States[i] == revenue.Open && span.Contains(spoilt.At(i)) {
				spoilt.Amounts[i], spoilt.Counts[i] = 0, 0
			}
		}
		s.upload(t, identity.Claimant, spoilt)
		learned := s.preliminary(t, s.draft())
		leftOut := func(d estimateDocument) bool {
			return slices.ContainsFunc(d.Lines[0].Baseline.Basis.LeftOut, func(l baseline.LeftOut) bool { return l.Start == span.Start.String() })
		}
		other := func(platform, service string) claims.Incident {
			in := anIncident()
			in.Platform, in.StartsAt, in.EndsAt = platform, starts.UTC(), ends.UTC()
			in.Services = []claims.PlatformService{{Code: service, Kind: "order", Windows: []claims.ImpairmentWindow{{Start: starts.UTC(), End: ends.UTC(), DownBasisPoints: 1}}}}
			return in
		}
		s.open(t, other("Naver", "shop"))
		s.open(t, other("Kakao", "taxi"))
		must(s.CreateIncident(t.Context(), s.as(identity.Admin), other("Kakao", "shop"), claims.Reply[claims.Incident]{}))(t)
		if d := s.preliminary(t, s.draft()); leftOut(d) || d.InputHash != learned.InputHash {
			t.Error("an outage of another platform, of another service or nobody has published is left out")
		}

		second := s.open(t, other("KAKAO", "shop"))
		d := s.preliminary(t, s.draft())
		if !leftOut(d) {
			t.Errorf("left out is %+v; want the other outage, from %s", d.Lines[0].Baseline.Basis.LeftOut, span.Start)
		}
		if got, before := d.Lines[0].Baseline.Total.Expected, learned.Lines[0].Baseline.Total.Expected; got <= before {
			t.Errorf("expected %d without the other outage, %d with it", got, before)
		}
		must(s.CloseIncident(t.Context(), s.as(identity.Admin), second.ID, 0, claims.Reply[claims.Incident]{}))(t)
		if again := s.preliminary(t, s.draft()); again.InputHash != d.InputHash {
			t.Error("an outage that is closed counts differently")
		}
	})
}

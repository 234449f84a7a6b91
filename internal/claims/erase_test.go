package claims_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/store/storetest"
)

func init() {
	attempts = append(attempts, attempt{"EraseClaimant", func(t *testing.T, s *town, a identity.Actor) error {
		nobody := s.register(t, aDriver(fmt.Sprintf("D-%d", s.counts(t, "claimants")["claimants"]))).Claimant.ID
		return failed(s.EraseClaimant(t.Context(), a, nobody, claims.ErasureAsked, claims.Reply[claims.Erasure]{}))
	}})
}

// planted is in every text of the person who is erased; their numbers stand
// beside it.
const planted = "qz7-planted"

var plantedNumbers = []string{"010-9090-7171", "90907171", "9090717171", "771-090-9071"}

// keysOf are the columns that sealed values of a table are tied to.
var keysOf = map[string][]string{
	"appeals": {"claim_id"}, "approvals": {"claim_id", "decision"}, "claimants": {"id"}, "claims": {"id"}, "decisions": {"claim_id", "n"},
	"evidence_files": {"id"}, "field_key": {"id"}, "idempotency_keys": {"caller", "key"}, "information_requests": {"claim_id", "n"},
	"letters": {"claim_id", "decision"}, "outlets": {"claimant_id", "code"}, "quality_reviews": {"id"}, "reads": {"id"},
	"snapshot_salts": {"incident_id"}, "views": {"id"},
}

// row is a row as stored, by column, with what is sealed opened.
type row map[string]string

// everything is every row of every table.
func (s *town) everything(t testing.TB) map[string][]row {
	t.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if s.engine == "postgres" {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	found := map[string][]row{}
	for _, name := range s.rows(t, list) {
		for table := range maps.Values(name) {
			found[table] = s.rows(t, "SELECT * FROM "+table)
			for _, r := range found[table] {
				r.open(t, table)
			}
		}
	}
	return found
}

func (s *town) rows(t testing.TB, query string, args ...any) []row {
	t.Helper()
	rows, err := s.raw.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []row
	for rows.Next() {
		values, r := make([]sql.NullString, len(columns)), row{}
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, c := range columns {
			if values[i].Valid {
				r[c] = values[i].String
			}
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// open opens what is sealed; a sealed column that it cannot open fails the test,
// so that none is forgotten here.
func (r row) open(t testing.TB, table string) {
	t.Helper()
	for column, value := range r {
		name, sealed := strings.CutSuffix(column, "_sealed")
		if !sealed {
			continue
		}
		keys, ok := keysOf[table]
		if !ok {
			t.Fatalf("no test knows how to open %s.%s", table, column)
		}
		var of []string
		for _, key := range keys {
			of = append(of, r[key])
		}
		plain, err := storetest.Vault().Open(table+"."+name+"/"+strings.Join(of, "/"), []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		var answer claims.Answer
		if table == "idempotency_keys" && json.Unmarshal(plain, &answer) == nil {
			plain = append(plain, answer.Body...)
		}
		r[column] = string(plain)
	}
}

// plantedAt are the columns, "table.column", in which something planted is.
func (s *town) plantedAt(t testing.TB) []string {
	t.Helper()
	found := map[string]bool{}
	for table, rows := range s.everything(t) {
		for _, r := range rows {
			for column, value := range r {
				for _, p := range append([]string{planted}, plantedNumbers...) {
					if strings.Contains(value, p) {
						found[table+"."+column] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// person is somebody with a claim that went through everything, a draft, and a
// withdrawn claim, beside somebody else with a claim.
type person struct {
	*archive
	desk  *desk
	who   shop
	claim claims.Claim // decided, appealed, and closed
	draft claims.Claim
	file  claims.EvidenceFile
}

// kept is a reply whose answer is the whole outcome.
func kept[T any](caller, key string) claims.Reply[T] {
	return claims.Reply[T]{
		Once: &claims.Once{Caller: caller, Key: key, Request: bytes.Repeat([]byte{1}, 32)},
		Render: func(out T) (claims.Answer, error) {
			body, err := json.Marshal(out)
			return claims.Answer{Status: 201, Body: body}, err
		},
	}
}

func inPersons(t *testing.T, f func(t *testing.T, l *person)) {
	t.Helper()
	inArchives(t, evidence.Options{}, func(t *testing.T, a *archive) {
		l := &person{archive: a, desk: newDesk(t, a.town)}
		l.live(t)
		f(t, l)
	})
}

func (l *person) live(t testing.TB) {
	t.Helper()
	l.arrive(t)
	by, ctx := l.who.actor, t.Context()
	l.submitted(t)
	l.file = must(l.uploadAs(by, []byte("receipt of "+planted+"\n"), kept[claims.EvidenceFile](by.KeyID, "file"), func(u *claims.EvidenceUpload) {
		u.ClaimID, u.Slot, u.Name, u.Type = l.claim.ID, "sales_proof", planted+".txt", "text/plain"
	}))(t)
	reviewer := l.desk.reviewer
	must(l.Assign(ctx, reviewer, l.claim.ID, 0, "", kept[claims.Claim](reviewer.KeyID, "assign")))(t)
	must(l.RequestInformation(ctx, reviewer, l.claim.ID, 0, claims.RequestDraft{
		Items: []claims.RequestedItem{{Code: "books", What: "books of " + planted, Why: "to see"}}, Message: "dear " + planted,
	}, anyClaim))(t)
	must(l.AnswerRequest(ctx, by, l.claim.ID, 0, 1, claims.Answers{Items: []claims.ItemAnswer{{Code: "books", Text: "here, " + planted}}}, anyClaim))(t)
	noted := func(d *claims.DecisionDraft) { d.Note, d.Evidence = "spoke with "+planted, []string{l.file.ID} }
	must(l.Decide(ctx, reviewer, l.claim.ID, 0, with(approves(600_000), noted), anyClaim))(t)
	must(l.ApproveDecision(ctx, l.desk.senior, l.claim.ID, 1, 0, "so did I, "+planted, anyClaim))(t)
	curious := l.purposeful(identity.Senior, "complaint of "+planted)
	must(l.Letter(ctx, curious, l.claim.ID, 0))(t)
	must(l.FileAppeal(ctx, by, l.claim.ID, 0, claims.AppealDraft{Grounds: planted + " lost more"}, anyClaim))(t)
	must(l.Assign(ctx, l.desk.second, l.claim.ID, 0, "", anyClaim))(t)
	must(l.Decide(ctx, l.desk.second, l.claim.ID, 0, upholds(approves(600_000)), anyClaim))(t)
	l.draft = must(l.File(ctx, by, l.claims(l.who, func(d *claims.Draft) { d.Outlet, d.Statement = "annex", "a draft of "+planted }), false, anyClaim))(t)
	l.clock.set(l.clock.Now().Add(100 * 24 * time.Hour))
	must(l.Tend(ctx))(t)
	l.reviewed(t)
	if l.claim = must(l.Claim(ctx, by, l.claim.ID))(t); l.claim.State != claims.Closed {
		t.Fatalf("the claim is %s", l.claim.State)
	}
	must(l.Claimant(ctx, curious, l.who.ID))(t)
}

// arrive registers the person, with a delegate and a history.
func (l *person) arrive(t testing.TB) {
	t.Helper()
	registered := must(l.Register(t.Context(), identity.Anyone, claims.Claimant{
		Kind: claims.Merchant, Name: planted + " bakery", Phone: plantedNumbers[0], BusinessNumber: "9090717171",
		Bank: &claims.BankAccount{BankCode: "088", Number: "771-090-9071", Holder: planted}, Zone: "Asia/Seoul", Currency: "KRW",
		AnnualRevenue: ptr(money.Minor(90_907_171)),
		Outlets: []claims.Outlet{
			{Code: "main", Name: planted + " main", Sector: "bakery", Region: "KR-11", PlatformID: planted},
			{Code: "annex", Name: planted + " annex", Sector: "cafe", Region: "KR-11"},
		},
	}, kept[claims.Registered]("public", "registration")))(t)
	l.who = shop{registered.Claimant, registered.Key.Actor()}
	l.who.actor.Address = "203.0.113.71"
	must(l.IssueKey(t.Context(), l.who.actor, claims.KeyRequest{Role: identity.Delegate, Label: "nephew of " + planted, Person: planted}, claims.Reply[claims.IssuedKey]{}))(t)
	must(l.Upload(t.Context(), l.who.actor, claims.Upload{ClaimantID: l.who.ID, Outlet: "main", Service: "shop", Summary: json.RawMessage(`{"file":"` + planted + `"}`)}, honest(71, 30)))(t)
}

// submitted submits the claim, with a text wherever one may be.
func (l *person) submitted(t testing.TB) {
	t.Helper()
	draft := l.claims(l.who, func(d *claims.Draft) {
		d.Statement = "statement of " + planted
		d.Lines[0].Items = lostItem(600_000)
		d.Lines[0].Items[0].Note = "order of " + planted
		d.Lines[0].Substitutes = []claims.Substitute{{Kind: "cash", Amount: 1_000, Note: "sold by " + planted}}
		d.Expenses = []claims.Expense{{Kind: "message", Amount: 2_000, Note: "bought by " + planted}}
	})
	l.claim = must(l.File(t.Context(), l.who.actor, draft, true, kept[claims.Claim](l.who.actor.KeyID, "claim")))(t)
}

// reviewed puts a quality review with a note behind the decision, past the
// service: which decisions it draws is chance.
func (l *person) reviewed(t testing.TB) {
	t.Helper()
	note := storetest.Vault().Seal("quality_reviews.note/review-1", []byte("as "+planted+" said"))
	for _, insert := range []struct {
		statement string
		args      []any
	}{
		{"DELETE FROM quality_reviews", nil},
		{"INSERT INTO batches (id, incident_id, sealed_at, digest, size, sampled) VALUES ('batch-1', $1, 0, '', 1, 1)", []any{l.incident.ID}},
		{`INSERT INTO quality_reviews (id, batch_id, incident_id, claim_id, decision, maker, assigned_to, agrees, error_code, note_sealed, reviewed_by, reviewed_at)
			VALUES ('review-1', 'batch-1', $1, $2, 1, $3, 'p', 1, '', $4, 'p', 1)`, []any{l.incident.ID, l.claim.ID, l.desk.reviewer.Person, note}},
	} {
		if _, err := l.raw.ExecContext(t.Context(), insert.statement, insert.args...); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *person) erase(ctx context.Context) (claims.Erasure, error) {
	return l.EraseClaimant(ctx, l.as(identity.Admin), l.who.ID, claims.ErasureAsked, claims.Reply[claims.Erasure]{})
}

// Everywhere something of a person can be, it is before, and is not after.
func TestNothingOfAnErasedPersonIsLeft(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		want := []string{
			"appeals.grounds_sealed", "approvals.note_sealed", "claimants.annual_revenue", "claimants.bank_sealed", "claimants.business_sealed", "claimants.name_sealed",
			"claimants.phone_sealed", "claims.content_sealed", "decisions.note_sealed", "estimates.inputs", "evidence_files.name_sealed", "idempotency_keys.answer_sealed",
			"information_requests.items_sealed", "information_requests.message_sealed", "keys.label", "keys.person", "letters.text_sealed",
			"outlets.name_sealed", "outlets.platform_sealed", "quality_reviews.note_sealed", "reads.purpose_sealed", "revenue_uploads.summary",
		}
		if diff := cmp.Diff(want, l.plantedAt(t)); diff != "" {
			t.Fatalf("planted (-want +got):\n%s", diff)
		}
		erased := must(l.erase(t.Context()))(t)
		if erased.Claims != 2 || erased.Files != 1 || erased.Keys != 2 || erased.Entries < 10 {
			t.Errorf("erased: %+v", erased)
		}
		if left := l.plantedAt(t); len(left) > 0 {
			t.Errorf("left in %v", left)
		}
		for _, table := range []string{"outlets", "revenue_uploads", "revenue_weeks", "marks", "evidence_files"} {
			if rows := l.rows(t, "SELECT * FROM "+table+" WHERE claimant_id = $1", l.who.ID); len(rows) > 0 {
				t.Errorf("%d rows of %s are left", len(rows), table)
			}
		}
		for _, query := range []string{
			"SELECT id FROM claimants WHERE id = $1 AND (length(phone_index) > 0 OR business_index IS NOT NULL OR account_index IS NOT NULL OR annual_revenue IS NOT NULL OR erased_at IS NULL)",
			"SELECT id FROM claims WHERE claimant_id = $1 AND (address_index IS NOT NULL OR erased_at IS NULL)",
			"SELECT claim_id FROM estimates JOIN claims ON claims.id = claim_id WHERE claimant_id = $1 AND (length(bytes) > 0 OR length(inputs) > 0)",
			"SELECT claim_id FROM estimate_records JOIN claims ON claims.id = claim_id WHERE claimant_id = $1",
			"SELECT id FROM keys WHERE claimant_id = $1 AND revoked_at IS NULL",
			"SELECT claim_id FROM letters JOIN claims ON claims.id = claim_id WHERE claimant_id = $1 AND (text_sealed IS NOT NULL OR pdf_sealed IS NOT NULL)",
			"SELECT id FROM entries WHERE type <> 'claimant.erased' AND salt IS NOT NULL AND (subject = $1 OR subject IN (SELECT id FROM claims WHERE claimant_id = $1))",
		} {
			if rows := l.rows(t, query, l.who.ID); len(rows) > 0 {
				t.Errorf("%s: %v", query, rows)
			}
		}
		if blobs := l.blobs(t); len(blobs) > 0 {
			t.Errorf("files are left: %v", blobs)
		}
	})
}

// What the public is owed stays: amounts, verdicts, states, times, hashes.
func TestAnErasedPersonsClaimsStillCount(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		stays := func() map[string][]row {
			return map[string][]row{
				"claims": l.rows(t, `SELECT id, reference, incident_id, claimant_id, state, claimed, estimated, assessed, awarded, verdict, version, sector, region,
					unit, submitted_at, decided_at, updated_at FROM claims ORDER BY id`),
				"events": l.rows(t, "SELECT * FROM events ORDER BY claim_id, n"), "covers": l.rows(t, "SELECT * FROM covers"),
				"decisions":  l.rows(t, "SELECT claim_id, n, verdict, assessed, awarded, reason_code, made_by, made_at FROM decisions ORDER BY claim_id, n"),
				"letters":    l.rows(t, "SELECT claim_id, decision, text_hash, pdf_hash FROM letters ORDER BY claim_id, decision"),
				"estimates":  l.rows(t, "SELECT claim_id, n, hash, input_hash, amount, outcome, model FROM estimates ORDER BY claim_id, n"),
				"commitment": l.rows(t, "SELECT id, type, subject, commitment FROM entries WHERE type <> 'claimant.erased' ORDER BY id"),
			}
		}
		before := stays()
		for _, r := range before["claims"] {
			if r["id"] == l.draft.ID {
				delete(r, "unit") // becomes one of its own
			}
		}
		must(l.erase(t.Context()))(t)
		after := stays()
		for _, r := range after["claims"] {
			if r["id"] == l.draft.ID {
				delete(r, "unit")
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("what stays (-before +after):\n%s", diff)
		}
		var said []row
		for _, r := range l.rows(t, "SELECT body FROM entries WHERE type = 'claimant.erased' AND subject = $1", l.who.ID) {
			var facts map[string]any
			if err := json.Unmarshal([]byte(r["body"]), &facts); err != nil {
				t.Fatal(err)
			}
			said = append(said, row{"by": fmt.Sprint(facts["by"]), "reason": fmt.Sprint(facts["reason"]), "claims": fmt.Sprint(facts["claims"]), "files": fmt.Sprint(facts["files"])})
		}
		if diff := cmp.Diff([]row{{"by": "admin", "reason": "asked", "claims": "2", "files": "1"}}, said); diff != "" {
			t.Errorf("the entry (-want +got):\n%s", diff)
		}
	})
}

func TestOthersKeepTheirData(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		of := func() (rows []string) {
			for table, all := range l.everything(t) {
				for _, r := range all {
					if line := fmt.Sprint(r); strings.Contains(line, l.archive.claim.ID) || strings.Contains(line, l.merchant.ID) {
						rows = append(rows, table+" "+line)
					}
				}
			}
			slices.Sort(rows)
			return rows
		}
		before := of()
		must(l.erase(t.Context()))(t)
		if diff := cmp.Diff(before, of()); diff != "" || len(before) < 8 {
			t.Errorf("%d rows of somebody else (-before +after):\n%s", len(before), diff)
		}
	})
}

// Every way to read an erased person ends in a row without them or in one fault,
// and nothing happens to their claims any more.
func TestAnErasedPersonIsReadAsErased(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		must(l.erase(t.Context()))(t)
		admin, senior, ctx := l.as(identity.Admin), l.purposeful(identity.Senior, "audit"), t.Context()
		got := must(l.Claim(ctx, senior, l.claim.ID))(t)
		want := l.claim
		want.Content, want.Estimate, want.ErasedAt = claims.Content{Lines: []claims.LossLine{}}, nil, got.ErasedAt
		if diff := cmp.Diff(want, got); diff != "" || got.ErasedAt == nil {
			t.Errorf("the claim (-want +got):\n%s", diff)
		}
		for what, err := range map[string]error{
			"the claimant":         failed(l.Claimant(ctx, admin, l.who.ID)),
			"a change of them":     failed(l.ChangeClaimant(ctx, admin, l.who.ID, 0, func(*claims.Claimant) error { return nil })),
			"a key":                failed(l.IssueKey(ctx, admin, claims.KeyRequest{Role: identity.Claimant, ClaimantID: l.who.ID}, claims.Reply[claims.IssuedKey]{})),
			"a history":            failed(l.Upload(ctx, admin, claims.Upload{ClaimantID: l.who.ID, Outlet: "main", Service: "shop"}, honest(1, 4))),
			"a new claim":          failed(l.File(ctx, admin, l.claims(l.who), false, anyClaim)),
			"a change of a draft":  failed(l.Change(ctx, admin, l.draft.ID, 0, func(*claims.Content) error { return nil })),
			"a draft submitted":    failed(l.Submit(ctx, admin, l.draft.ID, 0, anyClaim)),
			"a draft withdrawn":    failed(l.Withdraw(ctx, admin, l.draft.ID, 0, "", anyClaim)),
			"a file for the draft": failed(l.uploadAs(admin, aPicture(3), claims.Reply[claims.EvidenceFile]{}, func(u *claims.EvidenceUpload) { u.ClaimID = l.draft.ID })),
		} {
			wants(t, what, err, fault.NotFound, "claimant_erased")
		}
		wants(t, "the estimate", failed(l.Estimate(ctx, senior, l.claim.ID, 1)), fault.NotFound, "erased_with_claimant")
		wants(t, "an amended decision", failed(l.AmendDecision(ctx, senior, l.claim.ID, 0, approves(1), anyClaim)), fault.NotFound, "erased_with_claimant")
		wants(t, "its evidence value", failed(l.EvidenceValue(ctx, senior, l.claim.ID)), fault.NotFound, "erased_with_claimant")
		wants(t, "the letter", failed(l.Letter(ctx, senior, l.claim.ID, 0)), fault.NotFound, "erased_with_claimant")
		_, _, err := l.read(senior, l.claim.ID, l.file.ID)
		wants(t, "the file", err, fault.NotFound, "evidence_not_found")
		wants(t, "a second erasure", failed(l.erase(ctx)), fault.Conflict, "erased_already")
		for what, err := range map[string]error{
			"claims":    failed(l.Claims(ctx, senior, claims.ClaimFilter{ClaimantID: l.who.ID}, claims.Page{Limit: 9})),
			"decisions": failed(l.Decisions(ctx, senior, l.claim.ID)), "checks": failed(l.Checks(ctx, senior, l.claim.ID)),
			"requests": failed(l.Requests(ctx, senior, l.claim.ID)), "the appeal": failed(l.Appeal(ctx, senior, l.claim.ID)),
			"files": failed(l.ListEvidence(ctx, senior, l.claim.ID)), "events": failed(l.Events(ctx, senior, l.claim.ID)),
			"reads": failed(l.Reads(ctx, senior, l.claim.ID, claims.Page{Limit: 9})), "similar": failed(l.Similar(ctx, senior, l.claim.ID, nil)),
			"quality": failed(l.QualityReviews(ctx, senior, l.incident.ID, claims.Page{Limit: 9})), "tending": failed(l.Tend(ctx)),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := l.Authenticate(ctx, "rdk_"+l.who.actor.KeyID+"_x"); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("their key: %v", err)
		}
	})
}

// Estimates of erased people are left out of what is computed from estimates, and
// counted.
func TestComputationsPassErasedClaimsBy(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		before := must(l.Recompute(t.Context(), l.incident.ID, 2, func(int) {}))(t)
		must(l.erase(t.Context()))(t)
		after := must(l.Recompute(t.Context(), l.incident.ID, 2, func(int) {}))(t)
		if len(before.Differing)+len(after.Differing) > 0 || after.Erased != 1 || after.Equal != before.Equal-1 || before.Erased != 0 {
			t.Errorf("before %+v, after %+v", before, after)
		}
		ref := *l.incident.Scheme
		if _, err := l.Reevaluate(t.Context(), l.as(identity.Admin), l.incident.ID, ref, func(int) {}); err != nil {
			t.Error(err)
		}
	})
}

// The same shop can be registered again, and is not paid for the same loss again.
func TestErasedPeopleCanComeBackAndAreNotPaidTwice(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		must(l.erase(t.Context()))(t)
		l.changeIncident(t, func(in *claims.Incident) { in.Filing.LateUntil = ptr(l.clock.Now().Add(time.Hour).UTC()) })
		again := l.register(t, l.who.Claimant)
		back := shop{again.Claimant, again.Key.Actor()}
		claim := l.submits(t, back.actor, l.claims(back, func(d *claims.Draft) { d.Lines[0].Items = lostItem(400_000) }))
		must(l.Assign(t.Context(), l.desk.senior, claim.ID, 0, "", anyClaim))(t)
		_, err := l.Decide(t.Context(), l.desk.senior, claim.ID, 0, approves(400_000), anyClaim)
		wants(t, "paid again", err, fault.Conflict, "loss_already_compensated")
	})
}

func TestWhoHasAnOpenClaimIsNotErased(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		before := l.everything(t) // the merchant's claim is submitted
		admin := l.as(identity.Admin)
		_, err := l.EraseClaimant(t.Context(), admin, l.merchant.ID, claims.ErasureAsked, kept[claims.Erasure](admin.KeyID, "erase"))
		wants(t, "an open claim", err, fault.Conflict, "claims_open")
		if f := fault.As(err); f == nil || !strings.Contains(f.Detail.EN, l.archive.claim.Reference) || !strings.Contains(f.Detail.KO, l.archive.claim.Reference) {
			t.Errorf("does not name the claim %s: %v", l.archive.claim.Reference, err)
		}
		for _, role := range []identity.Role{identity.Senior, identity.Reviewer, identity.Platform, identity.Payer, identity.Auditor, identity.Claimant} {
			_, err := l.EraseClaimant(t.Context(), l.as(role), l.who.ID, claims.ErasureAsked, claims.Reply[claims.Erasure]{})
			wants(t, string(role), err, fault.Forbidden, "role_not_permitted")
		}
		_, err = l.EraseClaimant(t.Context(), admin, l.who.ID, "because", claims.Reply[claims.Erasure]{})
		wants(t, "a reason of one's own", err, fault.Invalid, "invalid_fields")
		_, err = l.EraseClaimant(t.Context(), admin, "nobody", claims.ErasureAsked, claims.Reply[claims.Erasure]{})
		wants(t, "nobody", err, fault.NotFound, "claimant_not_found")
		if diff := cmp.Diff(before, l.everything(t)); diff != "" {
			t.Errorf("something is left behind:\n%s", diff)
		}
	})
}

// An erasure that ends before its commit has done nothing; a retry of one that was
// answered gets that answer.
func TestAnErasureIsWholeOrNothing(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		before := l.everything(t)
		admin := l.as(identity.Admin)
		reply := kept[claims.Erasure](admin.KeyID, "erase")
		killed := reply
		killed.Render = func(claims.Erasure) (claims.Answer, error) { return claims.Answer{}, errBroken }
		if _, err := l.EraseClaimant(t.Context(), admin, l.who.ID, claims.ErasureAsked, killed); !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, l.everything(t)); diff != "" {
			t.Errorf("an erasure that failed (-before +after):\n%s", diff)
		}
		if _, content, err := l.read(l.who.actor, l.claim.ID, l.file.ID); err != nil || !bytes.Contains(content, []byte(planted)) {
			t.Errorf("the file after an erasure that failed: %v", err)
		}
		must(l.EraseClaimant(t.Context(), admin, l.who.ID, claims.ErasureAsked, reply))(t)
		var replay *claims.Replay
		if _, err := l.EraseClaimant(t.Context(), admin, l.who.ID, claims.ErasureAsked, reply); !errors.As(err, &replay) || replay.Answer.Status != 201 {
			t.Errorf("a retry: %v", err)
		}
	})
}

// undeletable is a place for files from which nothing can be deleted, as when the
// process ended before.
type undeletable struct{ claims.Files }

func (undeletable) Delete(context.Context, string) error { return fs.ErrPermission }

func TestAFileThatOutlivesItsErasureIsReadByNobodyAndSwept(t *testing.T) {
	inPersons(t, func(t *testing.T, l *person) {
		l.KeepFiles(undeletable{l.files})
		must(l.erase(t.Context()))(t)
		if len(l.blobs(t)) != 1 {
			t.Fatalf("files: %v", l.blobs(t))
		}
		_, _, err := l.read(l.purposeful(identity.Senior, "audit"), l.claim.ID, l.file.ID)
		wants(t, "the file", err, fault.NotFound, "evidence_not_found")
		l.KeepFiles(l.files)
		l.clock.set(time.Now().Add(25 * time.Hour))
		if n := must(l.SweepEvidence(t.Context()))(t); n != 1 || len(l.blobs(t)) != 0 {
			t.Errorf("%d files swept, left %v", n, l.blobs(t))
		}
	})
}

// Whatever is done to a person while they are erased, nothing of it is left.
func TestNothingSlipsInBesideAnErasure(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		for n := range 6 {
			who := s.shop(t, 100+n)
			said := claims.Draft{IncidentID: s.incident.ID, ClaimantID: who.ID, Outlet: "main", Channel: "api", Content: claims.Content{
				Lines: []claims.LossLine{{Service: "shop", Items: lostItem(1)}}, Statement: planted,
			}}
			race(5, func(i int) (err error) {
				switch i {
				case 0:
					_, err = s.EraseClaimant(t.Context(), s.as(identity.Admin), who.ID, claims.ErasureMistake, claims.Reply[claims.Erasure]{})
				case 1:
					_, err = s.File(t.Context(), who.actor, said, false, kept[claims.Claim](who.actor.KeyID, "slip"))
				case 2:
					_, err = s.ChangeClaimant(t.Context(), who.actor, who.ID, 0, func(c *claims.Claimant) error { c.Name = planted; return nil })
				case 3:
					_, err = s.Upload(t.Context(), who.actor, claims.Upload{ClaimantID: who.ID, Outlet: "main", Service: "shop", Summary: json.RawMessage(`"` + planted + `"`)}, honest(uint64(n), 3))
				case 4:
					_, err = s.IssueKey(t.Context(), who.actor, claims.KeyRequest{Role: identity.Delegate, Label: planted}, claims.Reply[claims.IssuedKey]{})
				}
				if err != nil && fault.As(err) == nil {
					t.Errorf("rival %d: %v", i, err)
				}
				return err
			})
			if _, err := s.Claimant(t.Context(), s.as(identity.Admin), who.ID); fault.As(err) == nil || fault.As(err).Code != "claimant_erased" {
				t.Errorf("not erased: %v", err)
			}
		}
		if left := s.plantedAt(t); len(left) > 0 {
			t.Errorf("left in %v", left)
		}
	})
}

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// keptAsWritten are the tables whose rows say who did what.
var keptAsWritten = []string{"rulebooks", "checks", "decisions", "approvals", "letters", "reads"}

func TestWhatSaysWhoDidWhatIsNeverChangedOrDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		fillDesk(t, db, newFixture(t, db))
		sealed := map[string][]string{}
		for _, c := range columns(t, db) {
			if !slices.Contains(keptAsWritten, c.Table) {
				continue
			}
			if strings.HasSuffix(c.Name, "_sealed") {
				sealed[c.Table] = append(sealed[c.Table], c.Name)
			}
			statement := fmt.Sprintf("UPDATE %s SET %s = %s", c.Table, c.Name, c.Name)
			if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "kept_as_written: "+c.Table) {
				t.Errorf("%s: %v; want it refused", statement, err)
			}
		}
		for _, table := range keptAsWritten {
			if _, err := db.Raw().ExecContext(t.Context(), "DELETE FROM "+table); err == nil {
				t.Errorf("%s can be emptied", table)
			}
		}
		// A person can be forgotten: what is sealed may go, and nothing else.
		for table, names := range sealed {
			statement := fmt.Sprintf("UPDATE %s SET %s = NULL", table, strings.Join(names, " = NULL, "))
			if _, err := db.Raw().ExecContext(t.Context(), statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if len(sealed) != 4 {
			t.Errorf("sealed columns in %v, want them in 4 tables", sealed)
		}
	})
}

func TestForgottenTextsAreReadAsNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		claim := fillDesk(t, db, newFixture(t, db))
		for _, c := range columns(t, db) {
			if strings.HasSuffix(c.Name, "_sealed") && c.Nullable && c.Table != "letters" {
				if _, err := db.Raw().ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET %s = NULL", c.Table, c.Name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := db.Raw().ExecContext(t.Context(), "UPDATE letters SET text_sealed = NULL, pdf_sealed = NULL"); err != nil {
			t.Fatal(err)
		}
		decisions := read[[]claims.Decision](t)(db.Decisions(t.Context(), claim.ID))
		letter := read[claims.Letter](t)(db.Letter(t.Context(), claim.ID, 1))
		requests := read[[]claims.InformationRequest](t)(db.Requests(t.Context(), claim.ID))
		appeal := read[claims.AppealCase](t)(db.AppealOf(t.Context(), claim.ID))
		files := read[[]claims.EvidenceFile](t)(db.EvidenceFiles(t.Context(), claim.ID))
		reads := read[[]claims.Read](t)(db.Reads(t.Context(), claim.ID, claims.Page{Limit: 1}))
		for what, text := range map[string]string{
			"a note": decisions[0].Note, "an approval's note": decisions[0].Approval.Note, "a letter": string(letter.Text) + string(letter.PDF),
			"a message": requests[0].Message, "grounds": appeal.Grounds, "a file's name": files[0].Name, "a purpose": reads[0].Purpose,
		} {
			if text != "" {
				t.Errorf("%s is left: %q", what, text)
			}
		}
		if decisions[0].Awarded != fullDecision(claim.ID, 1).Awarded || letter.TextHash == "" || requests[0].AskedBy == "" {
			t.Error("more was forgotten than the texts")
		}
	})
}

func TestPromisedDateIsNeverOverwritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		update := func(change func(*claims.Claim)) error {
			changed := claim
			change(&changed)
			err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.UpdateClaim(ctx, changed) })
			if err == nil {
				claim = changed
				claim.Version++
			}
			return err
		}
		if err := update(func(c *claims.Claim) { c.PromisedAt = ptr(at(100)) }); err != nil {
			t.Fatalf("promised at first: %v", err)
		}
		for what, change := range map[string]func(*claims.Claim){
			"later": func(c *claims.Claim) { c.PromisedAt = ptr(at(101)) }, "never": func(c *claims.Claim) { c.PromisedAt = nil },
		} {
			if err := update(change); err == nil {
				t.Errorf("promised %s", what)
			}
		}
		if err := update(func(c *claims.Claim) { c.Waited = 1000 }); err != nil {
			t.Errorf("kept: %v", err)
		}
	})
}

func TestRefusedWritesOfTheDeskAreConflicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		first, proposed := aDecision(claim.ID, 1), fullDecision(claim.ID, 2)
		proposed.NotBy = first.MadeBy
		proposed.MadeBy = "p-two"
		book := claims.Rulebook{Kind: claims.PolicyBook, Version: 1, Bytes: []byte("{}"), CreatedAt: at(0)}
		checked := fullDecision(other.ID, 1)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertDecision(ctx, first), tx.InsertDecision(ctx, proposed), tx.InsertDecision(ctx, checked),
				tx.InsertApproval(ctx, anApproval(checked)), tx.InsertAppeal(ctx, anAppeal(first)), tx.InsertRulebook(ctx, book),
				tx.InsertRequest(ctx, aRequest(claim.ID, 1)), tx.InsertLetter(ctx, aLetter(first)), tx.InsertCovers(ctx, []claims.Cover{aCover(claim, 0, 10)}))
		})
		ownAppeal, ownApproval := fullDecision(claim.ID, 3), anApproval(proposed)
		ownAppeal.NotBy, ownApproval.By = ownAppeal.MadeBy, proposed.MadeBy
		for name, c := range map[string]struct {
			code   string
			insert func(ctx context.Context, tx claims.Tx) error
		}{
			"an appeal decided by who decided before": {"own_decision", func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, ownAppeal) }},
			"one's own decision approved":             {"own_decision", func(ctx context.Context, tx claims.Tx) error { return tx.InsertApproval(ctx, ownApproval) }},
			"a number of a decision":                  {"decision_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, aDecision(claim.ID, 1)) }},
			"a second approval":                       {"approval_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertApproval(ctx, anApproval(checked)) }},
			"a second appeal":                         {"appeal_filed_before", func(ctx context.Context, tx claims.Tx) error { return tx.InsertAppeal(ctx, anAppeal(proposed)) }},
			"a version of a rulebook":                 {"rulebook_version_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertRulebook(ctx, book) }},
			"a second open request":                   {"request_under_way", func(ctx context.Context, tx claims.Tx) error { return tx.InsertRequest(ctx, aRequest(claim.ID, 2)) }},
			"a second letter":                         {"letter_exists", func(ctx context.Context, tx claims.Tx) error { return tx.InsertLetter(ctx, aLetter(first)) }},
			"a loss that is compensated": {"loss_already_compensated", func(ctx context.Context, tx claims.Tx) error {
				return tx.InsertCovers(ctx, []claims.Cover{aCover(other, 20, 30), aCover(other, 9, 11)})
			}},
		} {
			if f := fault.As(db.InTx(t.Context(), c.insert)); f == nil || f.Kind != fault.Conflict || f.Code != c.code {
				t.Errorf("%s: %v; want Conflict, %s", name, f, c.code)
			}
		}
		equal(t, "covers of the refused", []claims.Cover{}, read[[]claims.Cover](t)(db.Covered(t.Context(), other.ID)))
	})
}

// A forged maker gets nobody past the second person.
func TestApprovalIsOfTheMakersOwnDecision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		proposed := fullDecision(f.insertClaim(t, db, "main", nil).ID, 1)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, proposed) })
		forged := anApproval(proposed)
		forged.Maker, forged.By, forged.Role = "p-nobody", proposed.MadeBy, identity.Senior
		if err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertApproval(ctx, forged) }); err == nil {
			t.Error("the maker approved in the name of another maker")
		}
	})
}

func TestDatabaseRefusesDecisionsThatSayNothingPossible(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		for name, change := range map[string]func(*claims.Decision){
			"a verdict that is none":              func(d *claims.Decision) { d.Verdict = "maybe" },
			"a kind that is none":                 func(d *claims.Decision) { d.Kind = "joke" },
			"a state that is none":                func(d *claims.Decision) { d.From = "lost" },
			"a return to withdrawn":               func(d *claims.Decision) { d.From = claims.Withdrawn },
			"more awarded than assessed":          func(d *claims.Decision) { d.Awarded = d.Assessed + 1 },
			"a negative award":                    func(d *claims.Decision) { d.Awarded = -1 },
			"a negative claimed":                  func(d *claims.Decision) { d.Claimed = -1 },
			"a negative assessment":               func(d *claims.Decision) { d.Assessed, d.Awarded = -1, -1 },
			"nobody's":                            func(d *claims.Decision) { d.MadeBy = "" },
			"number nought":                       func(d *claims.Decision) { d.N = 0 },
			"an appeal against nobody's decision": func(d *claims.Decision) { d.Kind, d.NotBy = claims.AppealDecision, "" },
			"of no claim":                         func(d *claims.Decision) { d.ClaimID = newID() },
		} {
			d := aDecision(claim.ID, 1)
			change(&d)
			if err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, d) }); err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, aDecision(claim.ID, 1)) })
	})
}

// What the store's methods keep, the database keeps against any other hand.
func TestDatabaseRefusesPastTheStore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := fillDesk(t, db, f)
		other := f.insertClaim(t, db, "main", nil)
		d := fullDecision(other.ID, 1)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, d) })
		for name, statement := range map[string]string{
			"one's own decision approved": fmt.Sprintf(`INSERT INTO approvals (claim_id, decision, maker, approved, checked_by, checked_role, checked_at)
				VALUES ('%s', 1, 'p-one', 1, 'p-one', 'senior', 1)`, other.ID),
			"another's name for the maker": fmt.Sprintf(`INSERT INTO approvals (claim_id, decision, maker, approved, checked_by, checked_role, checked_at)
				VALUES ('%s', 1, 'p-two', 1, 'p-one', 'senior', 1)`, other.ID),
			"an appeal decided by who decided before": fmt.Sprintf(`INSERT INTO decisions SELECT claim_id, 2, kind, verdict, claimed, estimated, assessed, awarded, estimate,
				reason_code, reason_version, error_code, override, note_sealed, evidence, criteria, policy, from_state, made_by, made_role, made_at, made_by, needs
				FROM decisions WHERE claim_id = '%s'`, other.ID),
			"a second appeal":                 fmt.Sprintf(`INSERT INTO appeals (claim_id, decision, files, filed_at, withdrawn) VALUES ('%s', 1, '[]', 1, 0)`, claim.ID),
			"an overlap":                      fmt.Sprintf(`INSERT INTO covers SELECT incident_id, service, unit, end_at - 1, end_at + 1, '%s' FROM covers`, other.ID),
			"an overlap around it":            fmt.Sprintf(`INSERT INTO covers SELECT incident_id, service, unit, start_at - 1, end_at + 1, '%s' FROM covers`, other.ID),
			"an empty interval":               fmt.Sprintf(`INSERT INTO covers SELECT incident_id, service, unit, end_at, end_at, '%s' FROM covers`, other.ID),
			"the awarded beyond the assessed": "UPDATE claims SET assessed = 5, awarded = 6",
			"a negative stake":                "UPDATE claims SET stake = -1",
			"a verdict that is none":          "UPDATE claims SET verdict = 'maybe'",
			"a sample reviewed by its maker":  "UPDATE quality_reviews SET reviewed_by = maker",
			"a sample given to its maker":     "UPDATE quality_reviews SET assigned_to = maker",
			"a request that ended somehow":    "UPDATE information_requests SET ended_as = 'forgotten', ended_at = 1",
			"a check of no result": fmt.Sprintf(`INSERT INTO checks (claim_id, round, code, service, result, points, detail, remedy, facts)
				VALUES ('%s', 1, 'x', '', 'perhaps', 1, '{}', 'null', '{}')`, other.ID),
			"two stages at once": fmt.Sprintf(`INSERT INTO stages (claim_id, n, incident_id, state, entered_at) VALUES ('%s', 9, 'i', 'submitted', 1)`, claim.ID),
		} {
			if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s was taken: %s", name, statement)
			}
		}
		// And takes what is not so, in the same words.
		for name, statement := range map[string]string{
			"a check of a result": fmt.Sprintf(`INSERT INTO checks (claim_id, round, code, service, result, points, detail, remedy, facts)
				VALUES ('%s', 1, 'x', '', 'passed', 1, '{}', 'null', '{}')`, other.ID),
			"a first stage":         fmt.Sprintf(`INSERT INTO stages (claim_id, n, incident_id, state, entered_at) VALUES ('%s', 9, 'i', 'submitted', 1)`, other.ID),
			"the interval after":    fmt.Sprintf(`INSERT INTO covers SELECT incident_id, service, unit, end_at, end_at + 5, '%s' FROM covers`, other.ID),
			"another incident's":    fmt.Sprintf(`INSERT INTO covers SELECT '%s', service, unit, start_at, end_at, '%s' FROM covers LIMIT 1`, newFixtureIncident(t, db).ID, other.ID),
			"another service's":     fmt.Sprintf(`INSERT INTO covers SELECT incident_id, 'pay', unit, start_at, end_at, '%s' FROM covers LIMIT 1`, other.ID),
			"an appeal of another":  fmt.Sprintf(`INSERT INTO appeals (claim_id, decision, files, filed_at, withdrawn) VALUES ('%s', 1, '[]', 1, 0)`, other.ID),
			"somebody else's check": fmt.Sprintf(`INSERT INTO approvals (claim_id, decision, maker, approved, checked_by, checked_role, checked_at) VALUES ('%s', 1, 'p-one', 1, 'p-two', 'senior', 1)`, other.ID),
		} {
			if _, err := db.Raw().ExecContext(t.Context(), statement); err != nil {
				t.Errorf("%s was refused: %v", name, err)
			}
		}
	})
}

// Of two claims for one loss that are decided at the same moment one is
// refused, whoever looked first.
func TestOneOfManyClaimsForALossIsCompensated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		const rivals = 12
		rival := make([]claims.Claim, rivals)
		for i := range rival {
			rival[i] = f.insertClaim(t, db, fmt.Sprint(i), nil)
		}
		won := race(t, rivals, func(i int) error {
			return db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
				return tx.InsertCovers(ctx, []claims.Cover{aCover(rival[i], i, 100+i)})
			})
		}, fault.Conflict)
		covered := read[[]claims.Cover](t)(db.Covered(t.Context(), rival[won].ID))
		if len(covered) != 1 || !bytes.Equal(covered[0].Unit, aCover(rival[won], 0, 1).Unit) {
			t.Errorf("the winner covers %+v", covered)
		}
	})
}

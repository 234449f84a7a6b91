package fsck_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fsck"
	"redress/internal/identity"
	"redress/internal/sandbox"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// world is a small sandbox whose log is up to date, with a claim that went
// through everything the log speaks of.
type world struct {
	options store.Options
	keys    auditlog.Keys
	log     *auditlog.Log
	service *claims.Service
	keyOf   map[identity.Role]string // tokens of the sandbox
	claim   string                   // refused on the merits, and appealed
	size    int64
}

func newWorld(t testing.TB, engine string) *world {
	t.Helper()
	w := &world{options: storetest.Options(t, engine)}
	db := w.open(t)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Fill(t.Context(), db, sandbox.Options{Seed: 1, Claimants: 12})
	if err != nil {
		t.Fatal(err)
	}
	w.service = claims.New(db, func() time.Time { return sandbox.Now })
	w.decide(t, box)
	w.publish(t, box.IncidentID)
	dir := t.TempDir()
	signer, text, err := auditlog.KeyFiles{Secret: dir + "/log.key", Public: dir + "/log.keys"}.Open()
	if err != nil {
		t.Fatal(err)
	}
	if w.keys, err = auditlog.ParseKeys(text); err != nil {
		t.Fatal(err)
	}
	w.log = auditlog.NewLog(db, signer, auditlog.LogOptions{Keys: text, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	w.integrate(t)
	w.draw(t, box.IncidentID)
	w.integrate(t)
	return w
}

// integrate brings the log up to date.
func (w *world) integrate(t testing.TB) {
	t.Helper()
	for {
		n, err := w.log.Integrate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		w.size += int64(n)
	}
}

func (w *world) open(t testing.TB) *store.Store {
	t.Helper()
	db, err := store.Open(w.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// decide has the sandbox's claim refused and appealed.
func (w *world) decide(t testing.TB, box sandbox.Sandbox) {
	t.Helper()
	actor := func(role identity.Role) identity.Actor { return w.actor(t, role) }
	w.claim, w.keyOf = box.ClaimID, box.Keys
	reply := claims.Reply[claims.Claim]{}
	for _, step := range []func() (claims.Claim, error){
		func() (claims.Claim, error) {
			return w.service.Assign(t.Context(), actor(identity.Senior), w.claim, 0, "", reply)
		},
		func() (claims.Claim, error) {
			return w.service.Decide(t.Context(), actor(identity.Senior), w.claim, 0, claims.DecisionDraft{Verdict: claims.Refused, Reason: "no_loss_shown"}, reply)
		},
		func() (claims.Claim, error) {
			return w.service.FileAppeal(t.Context(), actor(identity.Claimant), w.claim, 0, claims.AppealDraft{Grounds: "There was a loss."}, reply)
		},
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) actor(t testing.TB, role identity.Role) identity.Actor {
	t.Helper()
	a, err := w.service.Authenticate(t.Context(), w.keyOf[role])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// run looks at a database.
func (w *world) run(t testing.TB, o store.Options, published []byte, now time.Time) fsck.Report {
	t.Helper()
	db, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var report fsck.Report
	err = db.Frozen(t.Context(), func(frozen fsck.Store) (err error) {
		report, err = fsck.Run(t.Context(), frozen, w.keys, published, now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// found are the findings as "place code", each once.
func found(r fsck.Report) []string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.Pointer+" "+f.Code)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// intruder changes a database behind the service's back, with nothing in the way.
type intruder struct {
	testing.TB
	*sql.Conn
	sqlite bool
}

func (w *world) intrude(t testing.TB, o store.Options) intruder {
	t.Helper()
	conn, err := storetest.Raw(t, o).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	i := intruder{t, conn, o.DatabaseURL == ""}
	if !i.sqlite {
		i.do("SET session_replication_role = replica") // neither triggers nor references
		return i
	}
	i.do("PRAGMA synchronous = OFF")
	for _, name := range i.texts("SELECT name FROM sqlite_master WHERE type = 'trigger'") {
		i.do("DROP TRIGGER " + name)
	}
	return i
}

func (i intruder) do(statement string, args ...any) {
	i.Helper()
	if _, err := i.ExecContext(context.Background(), statement, args...); err != nil {
		i.Fatalf("%s: %v", statement, err)
	}
}

func (i intruder) texts(query string, args ...any) []string {
	i.Helper()
	rows, err := i.QueryContext(context.Background(), query, args...)
	if err != nil {
		i.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			i.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func (i intruder) text(query string, args ...any) string {
	i.Helper()
	all := i.texts(query, args...)
	if len(all) != 1 {
		i.Fatalf("%s: %d rows", query, len(all))
	}
	return all[0]
}

// kept are the tables that manipulations touch.
var kept = []string{
	"entries", "entries_pending", "leaves", "log_hashes", "log_head", "events", "claims", "estimates", "decisions", "letters",
	"schemes", "rulebooks", "incidents", "batches", "snapshots", "snapshot_leaves", "releases", "restatements", "samples",
}

// each hands every manipulation a database of its own, or the same restored.
func (w *world) each(t *testing.T, f func(fresh func(t *testing.T) store.Options)) {
	if w.options.DatabaseURL == "" {
		whole := filepath.Join(t.TempDir(), "whole.db")
		if _, err := storetest.Raw(t, w.options).ExecContext(t.Context(), "VACUUM INTO $1", whole); err != nil {
			t.Fatal(err)
		}
		f(func(t *testing.T) store.Options {
			data, err := os.ReadFile(whole)
			if err != nil {
				t.Fatal(err)
			}
			o := store.Options{Dir: t.TempDir(), Vault: storetest.Vault()}
			if err := os.WriteFile(filepath.Join(o.Dir, "redress.db"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			return o
		})
		return
	}
	i := w.intrude(t, w.options)
	i.do("CREATE SCHEMA kept")
	for _, table := range kept {
		i.do("CREATE TABLE kept." + table + " AS TABLE " + table)
	}
	f(func(t *testing.T) store.Options {
		for _, table := range kept {
			i.do("DELETE FROM " + table)
			i.do("INSERT INTO " + table + " SELECT * FROM kept." + table)
		}
		return w.options
	})
}

func TestASoundDatabaseHasNoFindings(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			r := w.run(t, w.options, nil, sandbox.Now)
			if len(r.Findings) > 0 || r.Err() != nil {
				t.Errorf("findings: %v", found(r))
			}
			if r.Entries != w.size || r.Head.Size != w.size || r.Claims < 10 || r.Waiting+r.Erased+r.Lost != 0 || len(r.Statements()) != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// receipts checks a receipt of each entry that was not erased.
func (w *world) receipts(t *testing.T, db *store.Store, raw *sql.DB) {
	t.Helper()
	conn, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, id := range (intruder{t, conn, false}).texts("SELECT id FROM entries WHERE salt IS NOT NULL") {
		receipt, err := auditlog.ReceiptOf(t.Context(), db, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := auditlog.VerifyReceipt(receipt.Format(), w.keys); err != nil {
			t.Fatalf("the receipt of entry %s: %v", id, err)
		}
	}
}

// manipulation is one way to cheat, and what names it.
type manipulation struct {
	name string
	do   func(i intruder, v vars)
	want string // "place code", among the findings; {…} as in vars
}

// vars are the rows that manipulations aim at.
type vars map[string]string

func (w *world) vars(i intruder) vars {
	v := vars{"claim": w.claim, "last": fmt.Sprint(w.size - 1), "size": fmt.Sprint(w.size)}
	v["decided"] = i.text("SELECT entry_id FROM events WHERE claim_id = $1 AND type = 'claim.decided'", w.claim)
	v["n"] = i.text("SELECT n FROM events WHERE entry_id = $1", v["decided"])
	v["newest"] = i.text("SELECT max(n) FROM events WHERE claim_id = $1", w.claim)
	v["leaf"] = i.text("SELECT idx FROM leaves WHERE entry_id = $1", v["decided"])
	v["claimant"] = i.text("SELECT claimant_id FROM claims WHERE id = $1", w.claim)
	v["incident"] = i.text("SELECT incident_id FROM claims WHERE id = $1", w.claim)
	v["scheme"] = i.text("SELECT min(id) FROM schemes")
	v["sealed"] = i.text("SELECT id FROM snapshots WHERE n = 1")
	v["sealing"] = i.text("SELECT entry_id FROM snapshots WHERE n = 2")
	v["releasing"] = i.text("SELECT entry_id FROM releases WHERE n = 2")
	v["sample"] = i.text("SELECT min(id) FROM samples")
	v["published"] = i.text("SELECT min(id) FROM entries WHERE type = 'scheme.published' AND subject = $1", v["scheme"])
	return v
}

// in fills in names in braces.
func (v vars) in(text string) string {
	for name, value := range v {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// runs is a manipulation by statements alone.
func runs(statements ...string) func(intruder, vars) {
	return func(i intruder, v vars) {
		for _, s := range statements {
			i.do(v.in(s))
		}
	}
}

// forge rewrites the entry of the decision as if it had awarded something, and
// makes its commitment fit.
func forge(i intruder, v vars) []byte {
	var salt, body []byte
	if err := i.QueryRowContext(i.Context(), "SELECT salt, body FROM entries WHERE id = $1", v["decided"]).Scan(&salt, &body); err != nil {
		i.Fatal(err)
	}
	forged := []byte(strings.Replace(string(body), `"awarded":0`, `"awarded":9`, 1))
	if string(forged) == string(body) {
		i.Fatalf("nothing to forge in %s", body)
	}
	commitment := auditlog.Commit(salt, forged)
	i.do("UPDATE entries SET body = $1, commitment = $2 WHERE id = $3", forged, commitment, v["decided"])
	return commitment
}

// rebuild computes all hashes and the root anew from the leaves, as somebody who
// has the database and not the key.
func rebuild(i intruder) {
	var commitments [][]byte
	rows, err := i.QueryContext(i.Context(), "SELECT commitment FROM leaves ORDER BY idx")
	if err != nil {
		i.Fatal(err)
	}
	for rows.Next() {
		var c []byte
		if err := rows.Scan(&c); err != nil {
			i.Fatal(err)
		}
		commitments = append(commitments, c)
	}
	rows.Close()
	hashes, root, err := auditlog.Integrate(0, commitments, nil)
	if err != nil {
		i.Fatal(err)
	}
	i.do("DELETE FROM log_hashes")
	for n, h := range hashes {
		i.do("INSERT INTO log_hashes (idx, hash) VALUES ($1, $2)", n, h[:])
	}
	i.do("UPDATE log_head SET size = $1, root = $2", len(commitments), root[:])
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// resigned signs the head with a key of the intruder's own.
func resigned(i intruder, v vars) {
	var root []byte
	if err := i.QueryRowContext(i.Context(), "SELECT root FROM log_head").Scan(&root); err != nil {
		i.Fatal(err)
	}
	origin, _, _ := strings.Cut(i.text("SELECT checkpoint FROM log_head"), "\n")
	secret, _, err := auditlog.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		i.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		i.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: origin + "\n" + v["size"] + "\n" + tlog.Hash(root).String() + "\n"}, signer)
	if err != nil {
		i.Fatal(err)
	}
	i.do("UPDATE log_head SET checkpoint = $1", signed)
}

var manipulations = []manipulation{
	// The tree.
	{"drop the newest leaf", runs("DELETE FROM leaves WHERE idx = {last}"), "leaf:{last} leaf_missing"},
	{"drop a leaf", runs("DELETE FROM leaves WHERE idx = {leaf}"), "leaf:{leaf} leaf_missing"},
	{"change a leaf", runs("UPDATE leaves SET commitment = (SELECT hash FROM log_hashes WHERE idx = 0) WHERE idx = {leaf}"), "leaf:{leaf} leaf_differs"},
	{"exchange two leaves", runs(
		"UPDATE leaves SET idx = 1000000 WHERE idx = 3", "UPDATE leaves SET idx = 3 WHERE idx = 5", "UPDATE leaves SET idx = 5 WHERE idx = 1000000",
	), "hash:4 stored_hash_wrong"},
	{"add a leaf", runs("INSERT INTO leaves (idx, commitment) SELECT {size}, hash FROM log_hashes WHERE idx = 0"), "head head_behind"},
	{"give a leaf no entry", runs("UPDATE leaves SET entry_id = NULL WHERE idx = {leaf}"), "entry:{decided} entry_dropped"},
	{"change a stored hash", runs("UPDATE log_hashes SET hash = (SELECT hash FROM log_hashes WHERE idx = 0) WHERE idx = 2"), "hash:2 stored_hash_wrong"},
	{"drop a stored hash", runs("DELETE FROM log_hashes WHERE idx = 4"), "hash:4 hash_missing"},
	{"set the head back", runs("UPDATE log_head SET size = {last}"), "head head_unsigned"},
	{"change the root", runs("UPDATE log_head SET root = (SELECT hash FROM log_hashes WHERE idx = 0)"), "head root_wrong"},
	{"drop the checkpoint", runs("UPDATE log_head SET checkpoint = NULL"), "head head_unsigned"},
	{"sign with another key", resigned, "head checkpoint_unsigned"},
	{"forge an entry, with its commitment", func(i intruder, v vars) { forge(i, v) }, "leaf:{leaf} leaf_differs"},
	{"forge an entry, with its leaf", func(i intruder, v vars) {
		i.do("UPDATE leaves SET commitment = $1 WHERE entry_id = $2", forge(i, v), v["decided"])
	}, "head root_wrong"},
	{"forge an entry, with the whole tree", func(i intruder, v vars) {
		i.do("UPDATE leaves SET commitment = $1 WHERE entry_id = $2", forge(i, v), v["decided"])
		rebuild(i)
	}, "head head_unsigned"},
	{"forge an entry, with the whole tree, and sign it", func(i intruder, v vars) {
		i.do("UPDATE leaves SET commitment = $1 WHERE entry_id = $2", forge(i, v), v["decided"])
		rebuild(i)
		resigned(i, v)
	}, "head checkpoint_unsigned"},
	{"drop the newest entry, its leaf, and rebuild the tree", func(i intruder, v vars) {
		runs("DELETE FROM entries WHERE id = (SELECT entry_id FROM leaves WHERE idx = {last})", "DELETE FROM leaves WHERE idx = {last}")(i, v)
		rebuild(i)
	}, "head head_unsigned"},
	// Entries.
	{"edit an entry", runs("UPDATE entries SET body = salt WHERE id = '{decided}'"), "entry:{decided} entry_changed"},
	{"change an entry's salt", runs("UPDATE entries SET salt = commitment WHERE id = '{decided}'"), "entry:{decided} entry_changed"},
	{"empty an entry", runs("UPDATE entries SET salt = NULL, body = NULL WHERE id = '{decided}'"), "claimant:{claimant} erasure_differs"},
	{"empty an entry about nobody", runs("UPDATE entries SET salt = NULL, body = NULL WHERE id = '{published}'"), "claimant:{scheme} erasure_differs"},
	{"mark a claim as erased", runs("UPDATE claims SET erased_at = 0 WHERE id = '{claim}'"), "claim:{claim} erasure_unlogged"},
	{"drop an entry", runs("DELETE FROM entries WHERE id = '{decided}'"), "claim:{claim}/event:{n} event_without_entry"},
	{"back-date an entry", runs("UPDATE entries SET at = at - 86400000000 WHERE id = '{decided}'"), "entry:{decided} entry_relabelled"},
	{"relabel an entry", runs("UPDATE entries SET type = 'claim.held' WHERE id = '{decided}'"), "entry:{decided} entry_relabelled"},
	{"move an entry to another claim", runs("UPDATE entries SET subject = 'other' WHERE id = '{decided}'"), "entry:{decided} entry_relabelled"},
	{"add an entry that never becomes a leaf", runs(
		"INSERT INTO entries (id, type, subject, at, salt, body, commitment) SELECT 'added', type, subject, at, salt, body, commitment FROM entries WHERE id = '{decided}'",
	), "entry:added entry_dropped"},
	{"add an entry about a claim without an event", runs(
		"INSERT INTO entries (id, type, subject, at, salt, body, commitment) SELECT 'added', type, subject, at, salt, body, commitment FROM entries WHERE id = '{decided}'",
		"INSERT INTO entries_pending (entry_id, commitment) SELECT id, commitment FROM entries WHERE id = 'added'",
	), "entry:added entry_without_event"},
	{"stop sequencing", runs(
		"INSERT INTO entries (id, type, subject, at, salt, body, commitment) SELECT 'added', type, subject, at, salt, body, commitment FROM entries WHERE id = '{decided}'",
		"INSERT INTO entries_pending (entry_id, commitment) SELECT id, commitment FROM entries WHERE id = 'added'",
	), "entry:added entry_unsequenced"},
	// Events.
	{"back-date an event", runs("UPDATE events SET at = at - 86400000000 WHERE entry_id = '{decided}'"), "claim:{claim}/event:{n} event_differs"},
	{"edit an event", runs(`UPDATE events SET data = replace(data, '"awarded":0', '"awarded":9') WHERE entry_id = '{decided}'`), "claim:{claim}/event:{n} event_differs"},
	{"relabel an event", runs("UPDATE events SET type = 'claim.held' WHERE entry_id = '{decided}'"), "claim:{claim}/event:{n} event_differs"},
	{"blame another role", runs("UPDATE events SET actor = 'admin' WHERE entry_id = '{decided}'"), "claim:{claim}/event:{n} event_differs"},
	{"drop an event", runs("DELETE FROM events WHERE entry_id = '{decided}'"), "claim:{claim}/event:{n} event_missing"},
	{"drop the newest event", runs("DELETE FROM events WHERE claim_id = '{claim}' AND n = {newest}"), "claim:{claim} claim_differs"},
	{"add an event", runs(
		"INSERT INTO events (claim_id, n, type, at, actor, key_id, data, entry_id) SELECT claim_id, {newest} + 1, type, at, actor, key_id, data, 'none' FROM events WHERE entry_id = '{decided}'",
	), "claim:{claim} claim_differs"},
	{"renumber the newest event", runs("UPDATE events SET n = n + 1 WHERE claim_id = '{claim}' AND n = {newest}"), "claim:{claim}/event:{newest} event_missing"},
	// Claims.
	{"move a claim to another state", runs("UPDATE claims SET state = 'decided' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"award more", runs("UPDATE claims SET assessed = 9, awarded = 9 WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"claim more", runs("UPDATE claims SET claimed = claimed + 1 WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"estimate less", runs("UPDATE claims SET estimated = coalesce(estimated, 0) + 1 WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"submit in time after all", runs("UPDATE claims SET submitted_at = submitted_at - 86400000000 WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"change a verdict", runs("UPDATE claims SET verdict = 'approved' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"move a claim to another service", runs("UPDATE claims SET services = 'hair+taxi' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"move a claim to another sector", runs("UPDATE claims SET sector = 'cafe' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"move a claim to another region", runs("UPDATE claims SET region = 'KR-50' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"say that a claim came by post", runs("UPDATE claims SET channel = 'paper' WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"say that a claim was late", runs("UPDATE claims SET late = 1 - late WHERE id = '{claim}'"), "claim:{claim} claim_differs"},
	{"drop a claim and leave its events", runs("DELETE FROM claims WHERE id = '{claim}'"), "claim:{claim} claim_missing"},
	{"drop a claim", runs("DELETE FROM events WHERE claim_id = '{claim}'", "DELETE FROM claims WHERE id = '{claim}'"), "entry:{decided} entry_without_event"},
	// Estimates, decisions, letters.
	{"edit an estimate", runs("UPDATE estimates SET bytes = inputs WHERE claim_id = '{claim}' AND n = 1"), "claim:{claim}/estimate:1 document_changed"},
	{"exchange an estimate with its hash", func(i intruder, v vars) {
		i.do("UPDATE estimates SET bytes = $1, hash = $2 WHERE claim_id = $3 AND n = 1", []byte("{}"), hexSHA256([]byte("{}")), v["claim"])
	}, "claim:{claim}/estimate:1 estimate_differs"},
	{"raise an estimate's amount", runs("UPDATE estimates SET amount = amount + 1 WHERE claim_id = '{claim}' AND n = 1"), "claim:{claim}/estimate:1 estimate_differs"},
	{"drop an estimate", runs("DELETE FROM estimates WHERE claim_id = '{claim}'"), "claim:{claim}/estimate:1 estimate_missing"},
	{"renumber an estimate", runs("UPDATE estimates SET n = 7 WHERE claim_id = '{claim}' AND n = 1"), "claim:{claim}/estimate:7 estimate_unlogged"},
	{"edit a decision", runs("UPDATE decisions SET assessed = 9, awarded = 9 WHERE claim_id = '{claim}'"), "claim:{claim}/decision:1 decision_differs"},
	{"give a decision another reason", runs("UPDATE decisions SET reason_code = 'evidence_missing' WHERE claim_id = '{claim}'"), "claim:{claim}/decision:1 decision_differs"},
	{"give a decision an override", runs("UPDATE decisions SET override = 'hardship' WHERE claim_id = '{claim}'"), "claim:{claim}/decision:1 decision_differs"},
	{"drop a decision", runs("DELETE FROM decisions WHERE claim_id = '{claim}'"), "claim:{claim}/decision:1 decision_missing"},
	{"renumber a decision", runs("UPDATE decisions SET n = 2 WHERE claim_id = '{claim}'"), "claim:{claim}/decision:2 decision_unlogged"},
	{"exchange a letter", runs("UPDATE letters SET pdf_hash = text_hash WHERE claim_id = '{claim}'"), "claim:{claim}/letter:1 letter_differs"},
	{"drop a letter", runs("DELETE FROM letters WHERE claim_id = '{claim}'"), "claim:{claim}/letter:1 letter_missing"},
	// Rules.
	{"swap a scheme", runs("UPDATE schemes SET bytes = (SELECT bytes FROM rulebooks WHERE kind = 'desk_policy') WHERE id = '{scheme}'"), "scheme:{scheme}/1 document_changed"},
	{"swap a scheme with its hash", runs(
		"UPDATE schemes SET bytes = (SELECT bytes FROM rulebooks WHERE kind = 'desk_policy'), hash = (SELECT hash FROM rulebooks WHERE kind = 'desk_policy') WHERE id = '{scheme}'",
	), "scheme:{scheme}/1 document_differs"},
	{"drop a scheme", runs("DELETE FROM schemes WHERE id = '{scheme}'"), "entry:{published} document_missing"},
	{"add a scheme", runs(
		"INSERT INTO schemes (id, version, title_ko, title_en, hash, bytes, created_at) SELECT id, 9, title_ko, title_en, hash, bytes, created_at FROM schemes WHERE id = '{scheme}'",
	), "scheme:{scheme}/9 document_unlogged"},
	{"swap the reasons", runs("UPDATE rulebooks SET bytes = (SELECT salt FROM entries WHERE id = '{decided}') WHERE kind = 'reason_catalogue'"), "rulebook:reason_catalogue/1 document_changed"},
	{"swap the reasons with their hash", runs(
		"UPDATE rulebooks SET bytes = (SELECT bytes FROM schemes WHERE id = '{scheme}'), hash = (SELECT hash FROM schemes WHERE id = '{scheme}') WHERE kind = 'reason_catalogue'",
	), "rulebook:reason_catalogue/1 document_differs"},
	{"close an incident", runs("UPDATE incidents SET state = 'closed' WHERE id = '{incident}'"), "incident:{incident} document_differs"},
	{"set an incident back", runs("UPDATE incidents SET version = version - 1 WHERE id = '{incident}'"), "incident:{incident} document_differs"},
}

func TestEveryManipulationIsFoundByName(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			w.each(t, func(fresh func(t *testing.T) store.Options) {
				for _, m := range manipulations {
					t.Run(m.name, func(t *testing.T) {
						o := fresh(t)
						i := w.intrude(t, o)
						v := w.vars(i)
						m.do(i, v)
						r := w.run(t, o, nil, sandbox.Now.AddDate(0, 0, 1))
						if want := v.in(m.want); !slices.Contains(found(r), want) || r.Err() == nil {
							t.Errorf("want %s; found %v", want, found(r))
						}
					})
				}
			})
		})
	}
}

// A sound database that is older than what was published is told from a newer one.
func TestADatabaseOlderThanWhatWasPublishedIsFound(t *testing.T) {
	w := newWorld(t, "sqlite")
	db := w.open(t)
	head, err := db.LogHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "redress.db")
	if _, err := storetest.Raw(t, w.options).ExecContext(t.Context(), "VACUUM INTO $1", older); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.IssueFirstKey(t.Context(), claims.KeyRequest{Role: identity.Auditor}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.log.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	newer, err := db.LogHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := w.run(t, w.options, head.Checkpoint, sandbox.Now); len(r.Findings) > 0 {
		t.Errorf("a grown log: %v", found(r))
	}
	o := store.Options{Dir: filepath.Dir(older), Vault: storetest.Vault()}
	if r := w.run(t, o, newer.Checkpoint, sandbox.Now); !slices.Equal(found(r), []string{"published log_rolled_back"}) {
		t.Errorf("an older database: %v", found(r))
	}
}

package fsck_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"testing"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/publication"
	"redress/internal/sandbox"
	"redress/internal/store/storetest"
)

// publish seals two snapshots and releases both, with a restatement between them.
func (w *world) publish(t testing.TB, incident string) {
	t.Helper()
	admin, ctx := w.actor(t, identity.Admin), t.Context()
	for n := 1; n <= 2; n++ {
		if _, err := w.service.Seal(ctx, w.actor(t, identity.Auditor), incident, claims.Reply[claims.Snapshot]{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.ReleaseTotals(ctx, admin, incident, n, claims.Reply[claims.Release]{}); err != nil {
			t.Fatal(err)
		}
		restatement := claims.RestatementDraft{Release: n, Measure: publication.Count, Reason: lang.T("Counted twice.", "두 번 셌습니다.")}
		if _, err := w.service.Restate(ctx, admin, incident, restatement, claims.Reply[claims.Restatement]{}); err != nil {
			t.Fatal(err)
		}
	}
}

// draw draws a sample of the first snapshot.
func (w *world) draw(t testing.TB, incident string) {
	t.Helper()
	draft := claims.SampleDraft{Nonce: bytes.Repeat([]byte{7}, 16), Measure: publication.Claimed, Units: 3, Accountant: "accountant"}
	if _, err := w.service.DrawSample(t.Context(), w.actor(t, identity.Auditor), incident, 1, draft, claims.Reply[claims.Sample]{}); err != nil {
		t.Fatal(err)
	}
}

// relisted changes the lines of the leaves of the first snapshot.
func relisted(change func(lines [][]byte) [][]byte) func(intruder, vars) {
	return func(i intruder, v vars) {
		var part []byte
		if err := i.QueryRowContext(i.Context(), "SELECT lines FROM snapshot_leaves WHERE snapshot_id = $1", v["sealed"]).Scan(&part); err != nil {
			i.Fatal(err)
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(part))
		if err != nil {
			i.Fatal(err)
		}
		text, err := io.ReadAll(unpacked)
		if err != nil {
			i.Fatal(err)
		}
		var b bytes.Buffer
		packed := gzip.NewWriter(&b)
		packed.Write(bytes.Join(change(bytes.SplitAfter(text, []byte("\n"))), nil)) //nolint:errcheck // a buffer takes everything
		packed.Close()
		i.do("UPDATE snapshot_leaves SET lines = $1 WHERE snapshot_id = $2", b.Bytes(), v["sealed"])
	}
}

// rewritten exchanges a release with its hash.
func rewritten(i intruder, v vars) {
	i.do("UPDATE releases SET bytes = $1, hash = $2 WHERE n = 1", []byte("{}"), hexSHA256([]byte("{}")))
}

var recordManipulations = []manipulation{
	{"seal another root", runs("UPDATE snapshots SET root = (SELECT hash FROM log_hashes WHERE idx = 0) WHERE n = 1"), "snapshot:{incident}/1 snapshot_differs"},
	{"back-date a snapshot", runs("UPDATE snapshots SET taken_at = taken_at - 1 WHERE n = 1"), "snapshot:{incident}/1 snapshot_differs"},
	{"seal under another rule", runs("UPDATE snapshots SET rule_version = 9 WHERE n = 1"), "snapshot:{incident}/1 snapshot_differs"},
	{"add to the sums of a snapshot", runs("UPDATE snapshots SET claimed = claimed + 1 WHERE n = 1"), "snapshot:{incident}/1 sums_differ"},
	{"edit the statistics", runs("UPDATE snapshots SET statistics = root WHERE n = 1"), "snapshot:{incident}/1 snapshot_changed"},
	{"exchange the statistics with their hash", func(i intruder, v vars) {
		i.do("UPDATE snapshots SET statistics = $1, statistics_hash = $2 WHERE n = 1", []byte("{}"), hexSHA256([]byte("{}")))
	}, "snapshot:{incident}/1 snapshot_differs"},
	{"drop the newest snapshot", runs("DELETE FROM releases WHERE n = 2", "DELETE FROM snapshots WHERE n = 2"), "entry:{sealing} record_missing"},
	{"drop the first snapshot", runs("DELETE FROM releases WHERE n = 1", "DELETE FROM snapshots WHERE n = 1"), "snapshot:{incident}/1 snapshot_missing"},
	{"drop the entry of a snapshot", runs("DELETE FROM entries WHERE id = '{sealing}'"), "snapshot:{incident}/2 snapshot_without_entry"},
	{"give a snapshot the entry of a release", runs("UPDATE snapshots SET entry_id = '{releasing}' WHERE n = 1"), "snapshot:{incident}/1 snapshot_differs"},
	{"exchange the leaves of two snapshots", runs(
		"UPDATE snapshot_leaves SET snapshot_id = 'other' WHERE snapshot_id = (SELECT id FROM snapshots WHERE n = 1)",
		"UPDATE snapshot_leaves SET snapshot_id = (SELECT id FROM snapshots WHERE n = 1) WHERE snapshot_id = (SELECT id FROM snapshots WHERE n = 2)",
		"UPDATE snapshot_leaves SET snapshot_id = (SELECT id FROM snapshots WHERE n = 2) WHERE snapshot_id = 'other'",
	), "snapshot:{incident}/1 leaves_differ"},
	{"drop the leaves of a snapshot", runs("DELETE FROM snapshot_leaves WHERE snapshot_id = '{sealed}'"), "snapshot:{incident}/1 leaves_differ"},
	{"drop a leaf of a snapshot", relisted(func(lines [][]byte) [][]byte { return lines[1:] }), "snapshot:{incident}/1 leaves_differ"},
	{"exchange two leaves of a snapshot", relisted(func(lines [][]byte) [][]byte {
		lines[0], lines[1] = lines[1], lines[0]
		return lines
	}), "snapshot:{incident}/1 leaves_differ"},
	{"change a leaf of a snapshot", relisted(func(lines [][]byte) [][]byte {
		lines[0] = bytes.Replace(lines[0], []byte(`"claimed":`), []byte(`"claimed":1`), 1)
		return lines
	}), "snapshot:{incident}/1 leaves_differ"},
	{"spoil a leaf of a snapshot", relisted(func(lines [][]byte) [][]byte {
		lines[0] = []byte("{}\n")
		return lines
	}), "snapshot:{incident}/1 leaves_unreadable"},
	{"spoil the leaves of a snapshot", runs("UPDATE snapshot_leaves SET lines = (SELECT root FROM snapshots WHERE n = 1) WHERE snapshot_id = '{sealed}'"), "snapshot:{incident}/1 leaves_unreadable"},
	{"edit a release", runs("UPDATE releases SET bytes = (SELECT root FROM snapshots WHERE n = 1) WHERE n = 1"), "release:{incident}/1 release_changed"},
	{"change the hash of a release", runs("UPDATE releases SET hash = (SELECT statistics_hash FROM snapshots WHERE n = 1) WHERE n = 1"), "release:{incident}/1 release_differs"},
	{"exchange a release with its hash", rewritten, "release:{incident}/1 release_differs"},
	{"drop a release", runs("DELETE FROM releases WHERE n = 1"), "release:{incident}/1 release_missing"},
	{"drop the newest release", runs("DELETE FROM releases WHERE n = 2"), "entry:{releasing} record_missing"},
	{"renumber a release", runs("UPDATE releases SET n = 7 WHERE n = 2"), "release:{incident}/2 release_missing"},
	{"drop the entry of a release", runs("DELETE FROM entries WHERE id = '{releasing}'"), "release:{incident}/2 release_without_entry"},
	{"reword a restatement", func(i intruder, v vars) {
		i.do("UPDATE restatements SET bytes = $1 WHERE n = 1", []byte("{}"))
	}, "restatement:{incident}/1 restatement_differs"},
	{"drop a restatement", runs("DELETE FROM restatements WHERE n = 1"), "restatement:{incident}/1 restatement_missing"},
	{"drop the entry of a restatement", runs("DELETE FROM entries WHERE id = (SELECT entry_id FROM restatements WHERE n = 1)"), "restatement:{incident}/1 restatement_without_entry"},
	{"draw a sample that nobody logged", runs(
		`INSERT INTO samples (id, incident_id, snapshot, n, nonce, drawn, drawn_hash, drawn_by, drawn_at, accountant, entry_id)
			SELECT 'added', incident_id, n, 9, root, root, statistics_hash, 'a', 0, 'b', 'none' FROM snapshots WHERE n = 1`,
	), "sample:added sample_without_entry"},
	{"draw a sample by the entry of a snapshot", runs(
		`INSERT INTO samples (id, incident_id, snapshot, n, nonce, drawn, drawn_hash, drawn_by, drawn_at, accountant, entry_id)
			SELECT 'added', incident_id, n, 9, root, statistics, statistics_hash, 'a', 0, 'b', entry_id FROM snapshots WHERE n = 1`,
	), "sample:added sample_differs"},
	{"exchange what a sample drew", runs(
		`INSERT INTO samples (id, incident_id, snapshot, n, nonce, drawn, drawn_hash, drawn_by, drawn_at, accountant, entry_id)
			SELECT 'added', incident_id, n, 9, root, root, statistics_hash, 'a', 0, 'b', entry_id FROM snapshots WHERE n = 1`,
	), "sample:added sample_changed"},
	{"renumber a sample", runs("UPDATE samples SET n = 2 WHERE id = '{sample}'"), "sample:{sample} sample_differs"},
	{"name another accountant", runs("UPDATE samples SET accountant = 'another' WHERE id = '{sample}'"), "sample:{sample} sample_differs"},
	{"say that somebody else drew a sample", runs("UPDATE samples SET drawn_by = 'another' WHERE id = '{sample}'"), "sample:{sample} sample_differs"},
	{"show the accountant another claim", runs(
		`UPDATE sample_claims SET claim_id = (SELECT min(id) FROM claims WHERE id NOT IN (SELECT claim_id FROM sample_claims))
			WHERE leaf = (SELECT min(leaf) FROM sample_claims)`,
	), "sample:{sample} sample_claim_differs"},
	{"show the accountant one claim more", runs("INSERT INTO sample_claims (sample_id, leaf, claim_id) SELECT '{sample}', 1000, min(id) FROM claims"), "sample:{sample} sample_claim_differs"},
	{"hide a claim from the accountant", runs("DELETE FROM sample_claims WHERE leaf = (SELECT min(leaf) FROM sample_claims)"), "sample:{sample} sample_claim_differs"},
	{"swap the disclosure rule", runs("UPDATE rulebooks SET bytes = (SELECT bytes FROM rulebooks WHERE kind = 'desk_policy') WHERE kind = 'disclosure_rule'"), "rulebook:disclosure_rule/1 document_changed"},
	{"swap the disclosure rule with its hash", runs(
		"UPDATE rulebooks SET bytes = (SELECT bytes FROM rulebooks WHERE kind = 'desk_policy'), hash = (SELECT hash FROM rulebooks WHERE kind = 'desk_policy') WHERE kind = 'disclosure_rule'",
	), "rulebook:disclosure_rule/1 document_differs"},
	{"say that another model was used", runs("UPDATE rulebooks SET bytes = (SELECT root FROM snapshots WHERE n = 1) WHERE kind = 'model'"), "rulebook:model/1 document_changed"},
	{"shorten an outage", runs(`UPDATE incidents SET body = replace(body, '"down_basis_points":10000', '"down_basis_points":5000') WHERE id = '{incident}'`), "incident:{incident} document_differs"},
	{"move an incident to another platform", runs("UPDATE incidents SET platform = 'another' WHERE id = '{incident}'"), "incident:{incident} document_differs"},
}

// Entries about incidents that were written before they had a hash have none.
func TestAnIncidentLoggedWithoutAHashIsSound(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			db := w.open(t)
			err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error {
				in := claims.Incident{
					ID: "before", Name: lang.T("Outage", "장애"), Platform: "Kakao", State: claims.IncidentDraft, Zone: "Asia/Seoul", Currency: "KRW",
					StartsAt: sandbox.Now, EndsAt: sandbox.Now.AddDate(0, 0, 1), Version: 1, CreatedAt: sandbox.Now, UpdatedAt: sandbox.Now,
				}
				if err := tx.InsertIncident(ctx, in); err != nil {
					return err
				}
				entry, err := auditlog.NewEntry("incident.created", in.ID, sandbox.Now, map[string]any{"version": 1, "rows": tx.Written()})
				if err != nil {
					return err
				}
				return tx.InsertEntry(ctx, entry)
			})
			if err != nil {
				t.Fatal(err)
			}
			w.integrate(t)
			if r := w.run(t, w.options, nil, sandbox.Now); len(r.Findings) > 0 {
				t.Errorf("findings: %v", found(r))
			}
		})
	}
}

func init() { manipulations = append(manipulations, recordManipulations...) }

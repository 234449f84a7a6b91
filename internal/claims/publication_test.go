package claims_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/store/storetest"
)

// list is the leaf list of a snapshot of the town's incident, as an auditor has it.
func (s *town) list(t testing.TB, n int) (claims.Snapshot, []publication.Leaf) {
	t.Helper()
	var packed bytes.Buffer
	snapshot := must(s.Leaves(t.Context(), s.as(identity.Auditor), s.incident.ID, n, func(part []byte) error {
		packed.Write(part)
		return nil
	}))(t)
	if packed.Len() == 0 {
		return snapshot, nil
	}
	var leaves []publication.Leaf
	for leaf, err := range publication.ReadList(must(gzip.NewReader(&packed))(t)) {
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	return snapshot, leaves
}

func TestASnapshotHasEveryClaimThatWasEverSubmitted(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		amended := d.decided(t, 5_000)
		must(d.AmendDecision(t.Context(), d.senior, amended.ID, 0, with(approves(4_000), func(c *claims.DecisionDraft) { c.ErrorCode, c.Note = "amount_miscalculated", "합계 오류" }), anyClaim))(t)
		appealed := d.decided(t, 6_000)
		d.appeal(t, appealed)
		partlyDone, refused, rejected := d.claim(t, 0, 7_000), d.claim(t, 0, 7_100), d.claim(t, 0, 7_200)
		d.decides(t, partlyDone, d.reviewer, partly(700, 300))
		d.decides(t, refused, d.reviewer, refuses())
		d.decides(t, rejected, d.reviewer, rejects())
		closed := d.decided(t, 8_000)
		must(d.AcceptDecision(t.Context(), closed.own, closed.ID, 0, anyClaim))(t)
		asked := d.claim(t, 0, 9_000)
		d.asks(t, asked, d.reviewer)
		open, estimated := d.claim(t, 0, 10_000), d.claim(t, 1, 0)
		withdrawn := d.decided(t, 1_000)
		anew := d.claim(t, 0, 2_000)
		must(d.Withdraw(t.Context(), anew.own, anew.ID, 0, "", anyClaim))(t)
		draft := d.file(t, d.draft(), false)

		sealed := d.sealed(t)
		_, leaves := d.list(t, sealed.Number)
		want := map[string]filedClaim{}
		for status, list := range map[string][]filedClaim{
			"approved": {amended, closed, withdrawn}, "appealed": {appealed}, "partly_approved": {partlyDone}, "refused": {refused}, "rejected": {rejected},
			"information_requested": {asked}, "open": {open, estimated}, "withdrawn": {anew},
		} {
			for _, f := range list {
				want[f.ID] = f
				proved := must(d.ProofOf(t.Context(), d.as(identity.Auditor), d.incident.ID, sealed.Number, f.ID))(t)
				now := d.now(t, f)
				leaf := publication.Leaf{
					ID: proved.Leaf.ID, Cell: publication.Cell{Service: "shop", Sector: "taxi", Region: "KR-11", Month: "2022-11", Status: status},
					Amounts: publication.Amounts{Claimed: now.Claimed},
				}
				if now.Estimated != nil {
					leaf.Estimated = *now.Estimated
				}
				if now.Awarded != nil {
					leaf.Awarded = *now.Awarded
				}
				if diff := cmp.Diff(leaf, proved.Leaf); diff != "" {
					t.Errorf("a claim that is %s (-want +got):\n%s", status, diff)
				}
				if err := proved.Proof.Verify(proved.Leaf, proved.Root); err != nil {
					t.Errorf("the proof of a claim that is %s: %v", status, err)
				}
				if byIndex := must(d.Proof(t.Context(), d.as(identity.Auditor), d.incident.ID, 0, int(proved.Proof.Index)))(t); byIndex.Leaf != proved.Leaf {
					t.Errorf("leaf %d is %+v", proved.Proof.Index, byIndex.Leaf)
				}
			}
		}
		if len(leaves) != len(want) || sealed.Sums.Count != int64(len(want)) {
			t.Errorf("%d leaves, a count of %d; want %d", len(leaves), sealed.Sums.Count, len(want))
		}
		_, err := d.ProofOf(t.Context(), d.as(identity.Auditor), d.incident.ID, 0, draft.ID)
		wants(t, "a draft", err, fault.NotFound, "leaf_not_found")
	})
}

// The hash of statistics is public before they are, if ever they are.
// A stranger may state what they like, have any history, and be believed.
func TestNoAmountKeepsTotalsFromBeingPublished(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		d.publishWithoutTiers(t)
		believed, rich := d.claim(t, 0, money.MaxClaim), d.claim(t, 950_000, 1)
		if rich.Outcome != "review" || *rich.Estimated != 0 {
			t.Errorf("a loss beyond what a claim can come to is %d, %s", *rich.Estimated, rich.Outcome)
		}
		most := d.claim(t, 0, 1)
		d.taken(t, most, d.senior)
		must(d.Decide(t.Context(), d.senior, most.ID, 0, with(approves(money.MaxClaim), func(x *claims.DecisionDraft) {
			x.Override, x.Note = "evidence_shows_more", "자료로 확인했습니다."
		}), anyClaim))(t)
		if err := d.approve(t, d.admin, most, 1); err != nil {
			t.Fatal(err)
		}
		sealed := must(d.Seal(t.Context(), d.as(identity.Auditor), d.incident.ID, claims.Reply[claims.Snapshot]{}))(t)
		want := publication.Sums{Count: 3, Claimed: believed.Claimed + 2, Awarded: money.MaxClaim}
		if diff := cmp.Diff(want, *sealed.Sums); diff != "" {
			t.Errorf("sums (-want +got):\n%s", diff)
		}
	})
}

func TestNobodyGuessesStatisticsByTheirHash(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		first, second := s.sealed(t), s.sealed(t)
		if !first.TakenAt.Equal(second.TakenAt) || first.StatisticsHash == second.StatisticsHash {
			t.Errorf("statistics of the same, of %s and %s, have the hashes %s and %s", first.TakenAt, second.TakenAt, first.StatisticsHash, second.StatisticsHash)
		}
	})
}

func TestTheLogSaysWhatWasSealedAndNoTotals(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		for i := range 3 {
			d.claim(t, 0, money.Minor(5_000+i))
		}
		sealed := d.sealed(t)
		var body []byte
		if err := d.raw.QueryRowContext(t.Context(), "SELECT body FROM entries WHERE id = $1", sealed.EntryID).Scan(&body); err != nil {
			t.Fatal(err)
		}
		rule := must(d.DisclosureRule(t.Context(), 0))(t)
		var said map[string]any
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatal(err)
		}
		delete(said, "at")
		if salt, _ := said["salt"].(string); len(salt) != 32 {
			t.Errorf("the salt is held as %q", salt)
		}
		delete(said, "salt")
		if diff := cmp.Diff(map[string]any{
			"sealed_by": hex.EncodeToString(storetest.Vault().Index(claims.BlindPerson, sealed.SealedBy)),
			"id":        sealed.EntryID, "type": "snapshot.sealed", "subject": d.incident.ID, "number": 1.0, "snapshot_id": sealed.ID,
			"taken_at": today.UTC().Format(time.RFC3339Nano), "root": sealed.Root.String(), "currency": "KRW", "rule_version": 1.0, "rule_hash": rule.Hash,
			"statistics_hash": sha(sealed.Statistics), "samples_drawn": 0.0, "samples_ended": 0.0,
		}, said); diff != "" {
			t.Errorf("the entry (-want +got):\n%s", diff)
		}
		for name, want := range map[string]bool{"public": false, "claimant": false, "platform": false, "auditor": true, "admin": true} {
			a := d.caller(name)
			one := must(d.Snapshot(t.Context(), a, d.incident.ID, 0))(t)
			listed := must(d.Snapshots(t.Context(), a, d.incident.ID, claims.Page{Limit: 1}))(t)[0]
			if (one.Sums != nil) != want || (one.Statistics != nil) != want || (listed.Sums != nil) != want || listed.Statistics != nil {
				t.Errorf("%s: sums %v and %v, statistics %s", name, one.Sums, listed.Sums, one.Statistics)
			}
			if one.Root != sealed.Root || listed.EntryID != sealed.EntryID {
				t.Errorf("%s sees %+v", name, one)
			}
		}
	})
}

func TestSnapshotsAndReleasesAreInTheOrderOfTime(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		none := claims.Reply[claims.Release]{}
		release := func(n int) error { return failed(d.ReleaseTotals(t.Context(), d.admin, d.incident.ID, n, none)) }
		wants(t, "no snapshot", release(1), fault.NotFound, "snapshot_not_found")
		for range 3 {
			d.sealed(t)
			d.elapse(time.Minute)
		}
		d.clock.set(today)
		_, err := d.Seal(t.Context(), d.as(identity.Auditor), d.incident.ID, claims.Reply[claims.Snapshot]{})
		wants(t, "an earlier moment", err, fault.Conflict, "snapshot_overtaken")
		if err := release(2); err != nil {
			t.Fatal(err)
		}
		before := d.counts(t, "releases", "entries")
		wants(t, "the same again", release(2), fault.Conflict, "snapshot_not_newer")
		wants(t, "an older one", release(1), fault.Conflict, "snapshot_not_newer")
		wants(t, "none", release(4), fault.NotFound, "snapshot_not_found")
		if diff := cmp.Diff(before, d.counts(t, "releases", "entries")); diff != "" {
			t.Errorf("what was refused left something (-before +after):\n%s", diff)
		}
		errs := race(4, func(int) error { return release(3) })
		if n := len(slices.DeleteFunc(errs, func(err error) bool { return err != nil && fault.KindOf(err) == fault.Conflict })); n != 1 {
			t.Errorf("%d of 4 released snapshot 3: %v", n, errs)
		}
		list := must(d.Releases(t.Context(), identity.Anyone, d.incident.ID, claims.Page{Limit: 10}))(t)
		if len(list) != 2 || list[0].Number != 2 || list[0].Snapshot != 3 || list[1].Snapshot != 2 {
			t.Errorf("releases %+v", list)
		}
		second := must(d.Releases(t.Context(), identity.Anyone, d.incident.ID, claims.Page{After: "2", Limit: 10}))(t)
		if len(second) != 1 || second[0].Number != 1 {
			t.Errorf("after 2: %+v", second)
		}
		_, err = d.Seal(t.Context(), d.admin, d.unopened(t).ID, claims.Reply[claims.Snapshot]{})
		wants(t, "a draft", err, fault.Conflict, "incident_is_draft")
	})
}

// again makes a release anew from what an auditor and the public have.
func (d *desk) again(t testing.TB, number int) []byte {
	t.Helper()
	var earlier []publication.Earlier
	var restatements []publication.Restatement
	for _, r := range must(d.Restatements(t.Context(), identity.Anyone, d.incident.ID))(t) {
		restatements = append(restatements, must(r.Read())(t))
	}
	for n := 1; ; n++ {
		release := must(d.ReleaseOf(t.Context(), identity.Anyone, d.incident.ID, n))(t)
		snapshot, leaves := d.list(t, release.Snapshot)
		said := must(release.Read())(t)
		if n < number {
			earlier = append(earlier, publication.Earlier{Release: said, Leaves: slices.Values(leaves)})
			continue
		}
		restatements = restatements[:len(said.Restatements)] // those before it
		rule := must(publication.ParseRule(must(d.DisclosureRule(t.Context(), snapshot.Rule))(t).Bytes))(t)
		made := must(publication.Publish(publication.Snapshot{
			Incident: d.incident.ID, Currency: d.incident.Currency, At: snapshot.TakenAt, Root: snapshot.Root, Leaves: slices.Values(leaves),
		}, rule, earlier, restatements))(t)
		return must(made.JSON())(t)
	}
}

func TestAReleaseIsMadeAgainByteForByte(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		file := func(n int) {
			for i := range n {
				d.claim(t, 0, money.Minor(40_000+1_000*i))
			}
		}
		file(14)
		d.released(t)
		file(2)
		few := d.released(t)
		restated := must(d.Restate(t.Context(), d.admin, d.incident.ID, claims.RestatementDraft{
			Release: 1, Measure: publication.Claimed, Reason: lang.T("Fees were claimed twice & counted.", "수수료가 두 번 청구되어 집계되었습니다."),
		}, claims.Reply[claims.Restatement]{}))(t)
		file(12)
		many := d.released(t)

		total := func(r claims.Release, m int) publication.MeasureRelease { return must(r.Read())(t).Measures[m] }
		if got := total(few, 0); got.AsOf != 1 || *got.Total != 14 {
			t.Errorf("after two more claims: as of release %d, %d claims; want those of release 1", got.AsOf, *got.Total)
		}
		if got := total(many, 0); got.AsOf != 3 || *got.Total != 28 {
			t.Errorf("after twelve more: as of release %d, %d claims", got.AsOf, *got.Total)
		}
		if got := total(few, 1); got.AsOf != 1 {
			t.Errorf("the amount claimed is as of release %d", got.AsOf)
		}
		for n := 1; n <= 3; n++ {
			stored := must(d.ReleaseOf(t.Context(), identity.Anyone, d.incident.ID, n))(t)
			if again := d.again(t, n); !bytes.Equal(again, stored.Bytes) || stored.Hash != sha(again) {
				t.Errorf("release %d made again is another:\n%s", n, cmp.Diff(string(stored.Bytes), string(again)))
			}
		}
		if got := must(few.Read())(t).Restatements; len(got) != 0 {
			t.Errorf("a release has restatements of after it: %+v", got)
		}
		want := []publication.Restatement{{Date: "2022-11-01", Release: 1, Measure: publication.Claimed, Reason: lang.T("Fees were claimed twice & counted.", "수수료가 두 번 청구되어 집계되었습니다.")}}
		if diff := cmp.Diff(want, must(many.Read())(t).Restatements); diff != "" {
			t.Errorf("restatements (-want +got):\n%s", diff)
		}
		if !strings.Contains(string(restated.Bytes), "twice & counted") || bytes.HasSuffix(restated.Bytes, []byte("\n")) {
			t.Errorf("the restatement is written %q", restated.Bytes)
		}
	})
}

func TestABadRestatementIsRefused(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		draft := claims.RestatementDraft{Release: 1, Measure: publication.Count, Reason: lang.T("Counted twice.", "두 번 셌습니다.")}
		try := func(change func(*claims.RestatementDraft)) error {
			bad := draft
			change(&bad)
			return failed(d.Restate(t.Context(), d.admin, d.incident.ID, bad, claims.Reply[claims.Restatement]{}))
		}
		wants(t, "before any release", try(func(*claims.RestatementDraft) {}), fault.NotFound, "release_not_found")
		d.released(t)
		for code, change := range map[string]func(*claims.RestatementDraft){
			"#/release out_of_range":    func(r *claims.RestatementDraft) { r.Release = 0 },
			"#/measure unknown_measure": func(r *claims.RestatementDraft) { r.Measure = "feelings" },
			"#/reason/ko text_length":   func(r *claims.RestatementDraft) { r.Reason.KO = " " },
			"#/reason/en text_length":   func(r *claims.RestatementDraft) { r.Reason.EN = strings.Repeat("a", 2_001) },
		} {
			refusedAs(t, code, try(change), fault.Invalid, code)
		}
		wants(t, "of no release", try(func(r *claims.RestatementDraft) { r.Release = 2 }), fault.NotFound, "release_not_found")
		if n := d.counts(t, "restatements")["restatements"]; n != 0 {
			t.Errorf("%d restatements are stored", n)
		}
	})
}

func TestTotalsAreReadFromTheReleaseAsPublished(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		read := func(n int, by ...publication.Dimension) (claims.Totals, error) {
			return d.Totals(t.Context(), identity.Anyone, d.incident.ID, by, n)
		}
		_, err := read(0)
		wants(t, "before any release", err, fault.NotFound, "release_not_found")
		_, err = d.Totals(t.Context(), identity.Anyone, d.unopened(t).ID, nil, 0)
		wants(t, "a draft", err, fault.NotFound, "incident_not_found")
		for i := range 14 {
			d.claim(t, 0, money.Minor(40_000+1_000*i))
		}
		first := d.released(t)
		for i := range 14 {
			d.decided(t, money.Minor(40_000+1_000*i))
		}
		for _, by := range [][]publication.Dimension{
			{}, {publication.Service}, {publication.Status}, {publication.Service, publication.Status}, {publication.Month, publication.Status},
		} {
			got := must(read(0, by...))(t)
			said := must(must(d.ReleaseOf(t.Context(), identity.Anyone, d.incident.ID, 1))(t).Read())(t)
			for i, m := range said.Measures {
				tables := []publication.Table{}
				for _, table := range m.Tables {
					if slices.Equal(table.By, by) {
						tables = append(tables, table)
					}
				}
				m.Tables = tables
				if diff := cmp.Diff(m, got.Said.Measures[i]); diff != "" {
					t.Errorf("%s by %v (-released +read):\n%s", m.Measure, by, diff)
				}
				if i < 2 && len(tables) != min(1, len(by)) {
					t.Errorf("%s by %v: %d tables", m.Measure, by, len(tables))
				}
			}
			if got.Release.Number != 1 || got.Release.Hash != first.Hash || got.Said.Number != 1 || len(got.Definitions) == 0 {
				t.Errorf("by %v: %+v", by, got.Release)
			}
		}
		second := d.released(t)
		if got := must(read(0))(t); got.Release.Number != 2 || *got.Said.Measures[0].Total != 28 {
			t.Errorf("the newest is release %d of %d claims", got.Release.Number, *got.Said.Measures[0].Total)
		}
		if got := must(read(1))(t); *got.Said.Measures[0].Total != 14 {
			t.Errorf("release 1 has %d claims now", *got.Said.Measures[0].Total)
		}
		_, err = read(3)
		wants(t, "a release that is not there", err, fault.NotFound, "release_not_found")
		for _, by := range [][]publication.Dimension{{"weather"}, {publication.Status, publication.Service}, {publication.Service, publication.Sector}, {publication.Service, publication.Status, publication.Status}} {
			_, err := read(0, by...)
			refusedAs(t, fmt.Sprint(by), err, fault.Invalid, "query:by no_such_table")
		}
		release, statistics, err := d.ReleasedStatistics(t.Context(), identity.Anyone, d.incident.ID, 0)
		if sealed := must(d.Snapshot(t.Context(), d.admin, d.incident.ID, 0))(t); err != nil || release.Number != second.Number || sha(statistics) != sealed.StatisticsHash {
			t.Errorf("statistics %s of release %d, %v", statistics, release.Number, err)
		}
	})
}

func TestASnapshotIsReleasedByTheRuleOfItsMoment(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		none := claims.Reply[claims.Rulebook]{}
		for i := range 14 {
			d.claim(t, 0, money.Minor(40_000+1_000*i))
		}
		before := d.sealed(t)
		second := bytes.Replace(publication.DefaultRule().Source(), []byte(`"version": 1`), []byte(`"version": 2`), 1)
		stricter := bytes.Replace(second, []byte(`"minimum_count": 10`), []byte(`"minimum_count": 20`), 1)
		_, err := d.PublishDisclosureRule(t.Context(), d.admin, 0, bytes.Replace(stricter, []byte(`"version": 2`), []byte(`"version": 3`), 1), none)
		refusedAs(t, "a version left out", err, fault.Invalid, "#/version version_out_of_turn")
		_, err = d.PublishDisclosureRule(t.Context(), d.admin, 0, bytes.Replace(stricter, []byte(`20`), []byte(`1`), 1), none)
		refusedAs(t, "a rule that protects nobody", err, fault.Invalid, "/minimum_count out_of_range")
		book := must(d.PublishDisclosureRule(t.Context(), d.admin, 1, stricter, none))(t)
		if book.Version != 2 || book.Hash != sha(stricter) {
			t.Errorf("published %+v", book)
		}
		if after := d.sealed(t); before.Rule != 1 || after.Rule != 2 {
			t.Errorf("sealed under rules %d and %d", before.Rule, after.Rule)
		}
		for i, shown := range []bool{true, false} {
			n := i + 1
			release := must(d.ReleaseTotals(t.Context(), d.admin, d.incident.ID, n, claims.Reply[claims.Release]{}))(t)
			said := must(release.Read())(t)
			if said.Rule.Version != n || (said.Measures[0].AsOf == release.Number) != shown {
				t.Errorf("release %d is by rule %d, its count as of release %d", n, said.Rule.Version, said.Measures[0].AsOf)
			}
		}
	})
}

func TestTheModelBookSaysWhatEstimatesAreMadeWith(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		book := must(s.EstimatorModel(t.Context(), 0))(t)
		var model claims.EstimatorModel
		if err := json.Unmarshal(book.Bytes, &model); err != nil || len(model.Calendar) != 64 || !strings.HasPrefix(model.Model, "redress-baseline-") {
			t.Errorf("the model book says %s, %v", book.Bytes, err)
		}
		// Another program's book is followed by this one's own, once.
		if _, err := s.raw.ExecContext(t.Context(), "INSERT INTO rulebooks (kind, version, bytes, hash, created_by, created_at) SELECT kind, 2, hash_of.bytes, hash_of.hash, created_by, created_at FROM rulebooks, (SELECT bytes, hash FROM rulebooks WHERE kind = 'desk_policy') hash_of WHERE kind = 'model'"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if again := must(s.EstimatorModel(t.Context(), 0))(t); again.Version != 3 || !bytes.Equal(again.Bytes, book.Bytes) {
			t.Errorf("after another program's: version %d, %s", again.Version, again.Bytes)
		}
	})
}

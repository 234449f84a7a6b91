package claims_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
)

// busy is a town in which much has happened: 100 shops that filed, some twice, some
// by phone, some who never submitted. What the desk did is written past the service.
func (s *town) busy(t *testing.T) {
	t.Helper()
	s.clock.set(today.Add(-20 * 24 * time.Hour))
	opened := today.Add(-25 * 24 * time.Hour).UTC()
	s.changeIncident(t, func(in *claims.Incident) { in.Filing.OpensAt = opened })
	for n := range 100 {
		who := s.shop(t, n, func(c *claims.Claimant) {
			c.Outlets = append(c.Outlets, claims.Outlet{Code: "annex", Name: "별관", Sector: "cafe", Region: "KR-26"})
			if n%20 == 0 {
				c.Outlets[0].Sector = "salon"
			}
		})
		draft := s.claims(who, func(d *claims.Draft) {
			d.Channel = []string{"api", "web", "web", "phone"}[n%4]
			d.Lines[0].PlatformShareBasisPoints = ptr(4000 + n%2*2000)
			d.Lines[0].Items = lostItem(money.Minor(10_000 + n))
		})
		if n == 50 {
			s.clock.set(today)
		}
		file := func(draft claims.Draft, submit bool) claims.Claim {
			return must(s.File(t.Context(), who.actor, draft, submit, claims.Reply[claims.Claim]{}))(t)
		}
		c := file(draft, n%10 < 7)
		if n%25 == 0 {
			must(s.Withdraw(t.Context(), who.actor, c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
		}
		if n%3 == 0 {
			draft.Outlet = "annex"
			file(draft, true)
		}
	}
	s.worked(t)
}

// worked writes what the desk did of the claims that were submitted.
func (s *town) worked(t *testing.T) {
	t.Helper()
	const decision = `INSERT INTO decisions (claim_id, n, kind, verdict, claimed, assessed, awarded, estimate, reason_code, reason_version, error_code, override,
			evidence, criteria, policy, from_state, made_by, made_role, made_at, not_by, needs)
		SELECT id, %d, '%s', '%s', claimed, 0, 0, 1, '%s', 1, '%s', '', 'null', 'null', 1, 'in_review', 'reviewer', 'reviewer', 0, '%s', 0
		FROM claims WHERE submitted_at IS NOT NULL AND claimed %% 5 %s`
	const stood = `INSERT INTO batch_decisions (claim_id, decision, incident_id, stood_at)
		SELECT d.claim_id, d.n, c.incident_id, c.promised_at + (d.n - 1 + CASE WHEN c.claimed % 5 = 1 THEN 1 ELSE -2 END) * CAST(86400000000 AS bigint)
		FROM decisions d JOIN claims c ON c.id = d.claim_id`
	for _, statement := range []string{
		fmt.Sprintf(decision, 1, "decision", "approved", "evidence_shows_loss", "", "", "IN (0, 1)"),
		fmt.Sprintf(decision, 1, "automatic", "approved", "agrees_with_estimate", "", "", "= 2"),
		fmt.Sprintf(decision, 1, "decision", "refused", "no_loss_shown", "", "", "= 3"),
		fmt.Sprintf(decision, 2, "appeal", "approved", "other_approved", "new_evidence", "senior", "= 3 AND claimed % 2 = 0"),
		fmt.Sprintf(decision, 2, "appeal", "refused", "other_refused", "none", "senior", "= 3 AND claimed % 2 = 1"),
		stood,
		`INSERT INTO appeals (claim_id, decision, files, filed_at, ended_at, withdrawn)
			SELECT id, 1, 'null', 0, 1, 0 FROM claims WHERE submitted_at IS NOT NULL AND claimed % 5 = 3`,
		`INSERT INTO appeals (claim_id, decision, files, filed_at, ended_at, withdrawn)
			SELECT id, 1, 'null', 0, CASE WHEN claimed % 2 = 0 THEN 1 END, 1 - claimed % 2 FROM claims WHERE submitted_at IS NOT NULL AND claimed % 5 = 0`,
		`INSERT INTO batches (id, incident_id, sealed_at, digest, size, sampled) SELECT 'b', id, 0, '', 9, 9 FROM incidents WHERE id = '` + s.incident.ID + `'`,
		`INSERT INTO quality_reviews (id, batch_id, incident_id, claim_id, decision, maker, assigned_to, agrees, error_code, reviewed_by, reviewed_at)
			SELECT claim_id, 'b', '` + s.incident.ID + `', claim_id, n, made_by, '', CASE verdict WHEN 'approved' THEN 1 ELSE 0 END,
				CASE verdict WHEN 'approved' THEN 'none' ELSE 'wrong_facts' END, 'other', 1 FROM decisions WHERE n = 1`,
		`INSERT INTO stages (claim_id, n, incident_id, state, entered_at, left_at)
			SELECT id, 1000 + claimed % 7, incident_id, 'in_review', 0, (1 + claimed % 7) * CAST(86400000000 AS bigint) FROM claims WHERE submitted_at IS NOT NULL`,
		`UPDATE estimate_records SET windows = 20, inside = 18, expected = 50000`,
	} {
		if _, err := s.raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// told is the statistics of a fresh snapshot.
func (s *town) told(t testing.TB) publication.Statistics {
	t.Helper()
	sealed := s.sealed(t)
	snapshot := must(s.Snapshot(t.Context(), s.as(identity.Auditor), s.incident.ID, sealed.Number))(t)
	if sha(snapshot.Statistics) != snapshot.StatisticsHash {
		t.Error("the statistics are not those that the log has")
	}
	var told publication.Statistics
	if err := json.Unmarshal(snapshot.Statistics, &told); err != nil {
		t.Fatal(err)
	}
	return told
}

// Of every count, what SQL by hand finds is within the figure told.
func TestStatisticsAreWhatTheTablesHold(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.busy(t)
		told := s.told(t)
		const submitted = `submitted_at IS NOT NULL`
		stale := today.Add(-14 * 24 * time.Hour).UnixMicro()
		for _, c := range []struct{ table, code, sql string }{
			{"total", "received", `SELECT count(*) FROM claims`},
			{"total", "claimants", `SELECT count(DISTINCT claimant_id) FROM claims`},
			{"submitted", "", `SELECT count(*) FROM claims WHERE ` + submitted},
			{"submitted", "web", `SELECT count(*) FROM claims WHERE channel = 'web' AND ` + submitted},
			{"submitted", "paper", `SELECT 0`},
			{"unsubmitted", "withdrawn", `SELECT count(*) FROM claims WHERE state = 'withdrawn' AND submitted_at IS NULL`},
			{"unsubmitted", "abandoned", fmt.Sprintf(`SELECT count(*) FROM claims WHERE state = 'draft' AND updated_at < %d`, stale)},
			{"unsubmitted", "writing", fmt.Sprintf(`SELECT count(*) FROM claims WHERE state = 'draft' AND updated_at >= %d`, stale)},
			{"decisions", "", `SELECT count(*) FROM decisions`},
			{"decisions", "approved", `SELECT count(*) FROM decisions WHERE verdict = 'approved'`},
			{"decisions", "approved:automatic", `SELECT count(*) FROM decisions WHERE kind = 'automatic'`},
			{"decisions", "refused:person:no_loss_shown", `SELECT count(*) FROM decisions WHERE reason_code = 'no_loss_shown'`},
			{"decision_dates", "first:late", `SELECT count(*) FROM batch_decisions b JOIN claims c ON c.id = b.claim_id WHERE b.decision = 1 AND b.stood_at > c.promised_at`},
			{"decision_dates", "first", `SELECT count(*) FROM decisions WHERE n = 1`},
			{"decision_dates", "later", `SELECT count(*) FROM decisions WHERE n = 2`},
			{"appeals", "", `SELECT count(*) FROM appeals WHERE ended_at IS NOT NULL`},
			{"appeals", "withdrawn", `SELECT count(*) FROM appeals WHERE withdrawn = 1`},
			{"appeals", "decided:upheld", `SELECT count(*) FROM decisions WHERE error_code = 'none'`},
			{"appeals", "decided:overturned", `SELECT count(*) FROM decisions WHERE error_code NOT IN ('', 'none')`},
			{"reviews", "overturned:wrong_facts", `SELECT count(*) FROM quality_reviews WHERE agrees = 0`},
		} {
			var want int64
			if err := s.raw.QueryRowContext(t.Context(), c.sql).Scan(&want); err != nil {
				t.Fatal(err)
			}
			if f := figureOf(t, told, c.table, c.code); f.Step == 0 || want < f.Value || want >= f.Value+f.Step || f.Step > 60 {
				t.Errorf("%s %s: %d is told as %+v", c.table, c.code, want, f)
			}
		}
		s.toldBySector(t, told)
	})
}

func figureOf(t testing.TB, told publication.Statistics, table, code string) publication.Figure {
	t.Helper()
	rows := told.Totals
	for _, of := range told.Tables {
		if of.Table == table {
			if rows = of.Rows; code == "" {
				return of.Total
			}
		}
	}
	i := slices.IndexFunc(rows, func(r publication.CountRow) bool { return r.Code == code })
	if i < 0 {
		t.Errorf("%s has no row %s: %+v", table, code, rows)
		return publication.Figure{}
	}
	return rows[i].Figure
}

// toldBySector looks at what is told of a large sector and of a small one.
func (s *town) toldBySector(t *testing.T, told publication.Statistics) {
	t.Helper()
	for _, group := range []string{"bakery", publication.Everyone, "salon"} {
		large := group != "salon"
		at := func(what string, value *int64, want int64) {
			if large != (value != nil) || large && *value != want {
				t.Errorf("%s of %s is %v, want %d", what, group, value, want)
			}
		}
		for _, p := range told.Stages {
			if p.Group == group && p.Stage == "in_review" {
				at("the median of days", p.P50, 4)
			}
		}
		for _, c := range told.Calibration {
			if c.Group == group {
				at("the share of windows", c.InsidePercent, 90)
			}
		}
		for _, d := range told.Dependence {
			if d.Group == group && large && (d.Weighted == nil || d.Median == nil || *d.Weighted < 40 || *d.Weighted > 60) ||
				d.Group == group && !large && (d.Weighted != nil || d.Median != nil) {
				t.Errorf("dependence of %s: %+v", group, d)
			}
		}
	}
	for _, list := range []int{len(told.Stages), len(told.Calibration), len(told.Dependence)} {
		if list < 4 { // of three sectors and of everyone
			t.Errorf("%d rows by sector: %+v", list, told)
		}
	}
}

// What an estimate learned from histories is kept for statistics, and the share
// that goes through the failed service where it is stated or a year shows it.
func TestAnEstimateLeavesARecord(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		year := honest(1, 60)
		var earned money.Minor
		for i := len(year.Amounts) - 52*7*24; i < len(year.Amounts); i++ {
			earned += year.Amounts[i]
		}
		annual := earned * 2
		for n, c := range []struct {
			annual *money.Minor
			stated *int
			weeks  int
			share  int
			known  bool
		}{{&annual, nil, 60, 5000, true}, {&annual, ptr(1234), 60, 1234, true}, {&annual, nil, 40, 0, false}, {nil, nil, 60, 0, false}} {
			who := s.shop(t, n, func(m *claims.Claimant) { m.AnnualRevenue = c.annual })
			s.sells(t, who.actor, who, "main", "shop", honest(1, c.weeks))
			claim := s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) { d.Lines[0].PlatformShareBasisPoints = c.stated }))
			made := decode(t, must(s.Estimate(t.Context(), who.actor, claim.ID, 0))(t).Bytes).Lines[0].Baseline
			var windows, inside int
			var expected money.Minor
			var share *int
			err := s.raw.QueryRowContext(t.Context(), "SELECT windows, inside, share, expected FROM estimate_records WHERE claim_id = $1", claim.ID).
				Scan(&windows, &inside, &share, &expected)
			if err != nil {
				t.Fatal(err)
			}
			if windows == 0 || windows != made.Placebo.Windows || inside != made.Placebo.Inside90 || expected != made.Total.Expected {
				t.Errorf("%d of %d windows, %d expected; the estimate says %+v", inside, windows, expected, made.Placebo)
			}
			if c.known != (share != nil) || c.known && (*share < c.share-150 || *share > c.share+150) {
				t.Errorf("claim %d: the share is %v, want %d (%t)", n, share, c.share, c.known)
			}
		}
	})
}

package claims_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/sandbox"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

var population = flag.Int("population", 20_000, "how many claims BenchmarkPublication has")

// BenchmarkPublication seals and releases an incident of -population claims, with
// the peak of resident memory of each, and then has 64 clients read totals for some
// seconds while claims are filed; in turn with them, the same clients ask the
// database to add up the claims by themselves. It reports the latencies of both
// and how many times faster totals are.
func BenchmarkPublication(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(engine, func(b *testing.B) {
			m := newMetropolis(b, engine, *population)
			for b.Loop() {
				m.publish(b)
				m.read(b)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// metropolis is a sandbox with a great many claims.
type metropolis struct {
	*claims.Service
	raw      *sql.DB
	admin    identity.Actor
	incident string
	filed    atomic.Int64
}

// readers are how many connections the clients of the plain query share: as many
// as the store reads by on SQLite.
const readers = 4

func newMetropolis(b *testing.B, engine string, n int) *metropolis {
	b.Helper()
	options := storetest.Options(b, engine)
	db := must(store.Open(options))(b)
	b.Cleanup(func() { db.Close() })
	must(db.Migrate(b.Context()))(b)
	box := must(sandbox.Fill(b.Context(), db, sandbox.Options{Seed: 7, Claimants: 60}))(b)
	m := &metropolis{Service: claims.New(db, func() time.Time { return sandbox.Now }), raw: storetest.Raw(b, options), incident: box.IncidentID}
	m.raw.SetMaxOpenConns(readers)
	m.admin = must(m.Authenticate(b.Context(), box.Keys[identity.Admin]))(b)
	began := time.Now()
	m.populate(b, engine, box.ClaimID, n)
	b.Logf("%s: %d claims inserted in %.1f s", engine, n, time.Since(began).Seconds())
	return m
}

// populate copies a claim past the service, with other figures and codes.
func (m *metropolis) populate(b *testing.B, engine, template string, n int) {
	b.Helper()
	rows := must(m.raw.QueryContext(b.Context(), "SELECT * FROM claims LIMIT 0"))(b)
	columns := must(rows.Columns())(b)
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
	numbers, hex := fmt.Sprintf("generate_series(1::bigint, %d) AS s(i)", n), "lpad(to_hex(i), 12, '0')"
	if engine == "sqlite" {
		numbers, hex = fmt.Sprintf("(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %d) SELECT i FROM s) s", n), "printf('%012x', i)"
	}
	decided := "i % 10 < 6"
	values := map[string]string{
		"id": "'00000000-0000-7000-8000-' || " + hex, "reference": "'R-' || i", "outlet": "'copy-' || i",
		"claimed": "10000 + (i * 7919) % 900000", "estimated": "9000 + (i * 6113) % 800000",
		"services": "CASE i % 7 WHEN 0 THEN 'hair+taxi' WHEN 1 THEN 'taxi' WHEN 2 THEN 'hair' WHEN 3 THEN 'pay' WHEN 4 THEN 'shop' WHEN 5 THEN 'pay+shop' ELSE 'quick' END",
		"sector":   "'sector-' || (i % 23)", "region": "'KR-' || (11 + i % 17)", "submitted_at": "submitted_at + (i % 40) * 86400000000",
		"state":   "CASE WHEN " + decided + " THEN 'decided' WHEN i % 10 = 6 THEN 'withdrawn' ELSE 'submitted' END",
		"verdict": "CASE WHEN " + decided + " THEN CASE i % 5 WHEN 0 THEN 'refused' WHEN 1 THEN 'partly_approved' ELSE 'approved' END ELSE '' END",
		"awarded": "CASE WHEN " + decided + " AND i % 5 > 0 THEN 5000 + (i * 6113) % 700000 END", "assessed": "CASE WHEN " + decided + " THEN 900000 END",
		"decisions": "CASE WHEN " + decided + " THEN 1 ELSE 0 END", "standing": "CASE WHEN " + decided + " THEN 1 ELSE 0 END",
	}
	chosen := make([]string, len(columns))
	for i, c := range columns {
		if chosen[i] = values[c]; chosen[i] == "" {
			chosen[i] = "claims." + c
		}
	}
	statements := []string{
		fmt.Sprintf("INSERT INTO claims (%s) SELECT %s FROM claims, %s WHERE claims.id = '%s'", strings.Join(columns, ", "), strings.Join(chosen, ", "), numbers, template),
	}
	statements = append(statements, lives...)
	statements = append(statements, "ANALYZE")
	if engine == "sqlite" {
		statements = append([]string{"PRAGMA synchronous = OFF", "PRAGMA cache_size = -64000"}, statements...) // of one connection
	}
	one := must(m.raw.Conn(b.Context()))(b)
	for _, s := range statements {
		if _, err := one.ExecContext(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	if err := one.Close(); err != nil {
		b.Fatal(err)
	}
}

// lives give the copies of populate stages that they went through, a decision that
// stands and the record of an estimate.
var lives = []string{
	"INSERT INTO stages (claim_id, n, incident_id, state, entered_at, left_at) SELECT id, 1, incident_id, 'draft', created_at, submitted_at" + copies,
	"INSERT INTO stages (claim_id, n, incident_id, state, entered_at, left_at) SELECT id, 2, incident_id, 'submitted', submitted_at, submitted_at + (claimed % 9) * 43200000000" + copies,
	"INSERT INTO stages (claim_id, n, incident_id, state, entered_at, left_at) SELECT id, 3, incident_id, 'in_review', submitted_at, submitted_at + (claimed % 7) * 43200000000" + copies + " AND decisions > 0",
	"INSERT INTO stages (claim_id, n, incident_id, state, entered_at) SELECT id, 4, incident_id, state, submitted_at" + copies,
	`INSERT INTO decisions (claim_id, n, kind, verdict, claimed, assessed, awarded, estimate, reason_code, reason_version, error_code, override, evidence, criteria, policy,
		from_state, made_by, made_role, made_at, not_by, needs) SELECT id, 1, CASE claimed % 2 WHEN 0 THEN 'automatic' ELSE 'decision' END, verdict, claimed, 900000, coalesce(awarded, 0), 1,
		'reason-' || claimed % 11, 1, '', '', '[]', '[]', 1, 'in_review', 'maker', 'reviewer', submitted_at, '', 0` + copies + " AND decisions > 0",
	"INSERT INTO batch_decisions (claim_id, decision, incident_id, stood_at) SELECT id, 1, incident_id, submitted_at + (claimed % 20) * 86400000000" + copies + " AND decisions > 0",
	"INSERT INTO estimate_records (claim_id, windows, inside, share, expected) SELECT id, 8, 7, claimed % 10000, estimated" + copies,
}

const copies = " FROM claims WHERE outlet LIKE 'copy-%'"

// publish seals and releases twice, so that the second release is held against the
// first.
func (m *metropolis) publish(b *testing.B) {
	b.Helper()
	for range 2 {
		resetPeak(b)
		began := time.Now()
		sealed := must(m.Seal(b.Context(), m.admin, m.incident, claims.Reply[claims.Snapshot]{}))(b)
		b.ReportMetric(time.Since(began).Seconds(), "s/seal")
		b.ReportMetric(peakMegabytes(b), "seal-peak-MB")
		resetPeak(b)
		began = time.Now()
		release := must(m.ReleaseTotals(b.Context(), m.admin, m.incident, sealed.Number, claims.Reply[claims.Release]{}))(b)
		b.ReportMetric(time.Since(began).Seconds(), "s/release")
		b.ReportMetric(peakMegabytes(b), "release-peak-MB")
		b.ReportMetric(float64(len(release.Bytes))/1024, "release-KB")
	}
	runtime.GC()
}

const (
	clients  = 64
	readsFor = 4 * time.Second
)

// read has clients read totals and then add up the claims, while claims are filed.
func (m *metropolis) read(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	var filing sync.WaitGroup
	filing.Go(func() { m.file(b, ctx) })
	before := m.filed.Load()
	began := time.Now()
	totals := m.measure(b, func(ctx context.Context) error {
		return failed(m.Totals(ctx, identity.Anyone, m.incident, []publication.Dimension{publication.Service, publication.Status}, 0))
	})
	plain := m.measure(b, func(ctx context.Context) error {
		rows, err := m.raw.QueryContext(ctx, fmt.Sprintf(`SELECT services, state, verdict, count(*), sum(claimed), sum(estimated), sum(awarded)
			FROM claims WHERE incident_id = '%s' AND submitted_at IS NOT NULL GROUP BY services, state, verdict`, m.incident))
		if err != nil {
			return err
		}
		for rows.Next() {
		}
		return rows.Close()
	})
	b.ReportMetric(float64(m.filed.Load()-before)/time.Since(began).Seconds(), "filed/s")
	stop()
	filing.Wait()
	for _, p := range []int{50, 99} {
		ours, theirs := percentile(totals, p), percentile(plain, p)
		b.ReportMetric(ours.Seconds()*1000, fmt.Sprintf("ms-totals-p%d", p))
		b.ReportMetric(theirs.Seconds()*1000, fmt.Sprintf("ms-plain-p%d", p))
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), fmt.Sprintf("times-p%d", p))
	}
	b.Logf("%d reads of totals, %d plain queries", len(totals), len(plain))
}

// measure has the clients do something again and again for some time, each at
// least once.
func (m *metropolis) measure(b *testing.B, do func(ctx context.Context) error) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, clients)
	until := time.Now().Add(readsFor)
	for _, err := range race(clients, func(i int) error {
		for len(took[i]) == 0 || time.Now().Before(until) {
			began := time.Now()
			if err := do(b.Context()); err != nil {
				return err
			}
			took[i] = append(took[i], time.Since(began))
		}
		return nil
	}) {
		if err != nil {
			b.Fatal(err)
		}
	}
	return slices.Concat(took...)
}

func percentile(took []time.Duration, p int) time.Duration {
	slices.Sort(took)
	return took[(len(took)-1)*p/100]
}

// file has one person after another register and submit a claim.
func (m *metropolis) file(b *testing.B, ctx context.Context) {
	for ctx.Err() == nil {
		n := m.filed.Add(1)
		driver := aDriver(fmt.Sprintf("D-%d", 10_000+n))
		driver.Phone = fmt.Sprintf("010-%04d-%04d", 3000+n/10_000, n%10_000)
		registered, err := m.Register(ctx, identity.Anyone, driver, claims.Reply[claims.Registered]{})
		if err == nil {
			_, err = m.File(ctx, registered.Key.Actor(), claims.Draft{IncidentID: m.incident, Outlet: "main", Channel: "api", Content: claims.Content{
				Lines: []claims.LossLine{{Service: "taxi", DeclaredActual: ptr(money.Minor(20_000))}},
			}}, true, claims.Reply[claims.Claim]{})
		}
		if err != nil && ctx.Err() == nil {
			b.Error(err)
			return
		}
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// TestRecomputeFindsEveryEstimateByteForByte makes stored estimates again with
// one and with two workers, and finds one whose bytes were changed.
func TestRecomputeFindsEveryEstimateByteForByte(t *testing.T) {
	o := storetest.Options(t, "sqlite")
	town := newTown(t, o)
	town.file(t, 40)
	for _, workers := range []string{"1", "2"} {
		out := command(t, append([]string{"recompute", "--workers", workers}, town.flags...)...)
		if !strings.Contains(out, "40 estimates came out byte for byte, 0 did not") {
			t.Fatalf("%s workers: %s", workers, out)
		}
	}
	town.alter(t, `UPDATE estimates SET bytes = CAST(replace(CAST(bytes AS TEXT), '"amount":', '"amount":1') AS BLOB) WHERE claim_id = (SELECT max(claim_id) FROM estimates)`)
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), append([]string{"recompute"}, town.flags...), &stdout, &stderr)
	if out := stdout.String(); code != 1 || !strings.Contains(out, "39 estimates came out byte for byte, 1 did not") {
		t.Fatalf("a changed estimate: status %d: %s%s", code, out, stderr.String())
	}
}

// BenchmarkRecompute makes the estimates of 10,000 and 100,000 claims, each on
// 26 weeks of hourly history in SQLite, again in a process of its own, and
// reports its wall time, processor time and peak memory.
func BenchmarkRecompute(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if testing.Short() {
				b.Skip("SKIPPED: setting up this many claims takes minutes")
			}
			town := newTown(b, storetest.Options(b, "sqlite"))
			town.file(b, n)
			for b.Loop() {
				began := time.Now()
				cmd := exec.Command(os.Args[0], append([]string{"recompute"}, town.flags...)...)
				cmd.Env = append(os.Environ(), asProgram+"=1")
				out, err := cmd.Output()
				if err != nil || !strings.Contains(string(out), fmt.Sprintf("%d estimates came out", n)) {
					b.Fatalf("%v: %s", err, out)
				}
				b.ReportMetric(time.Since(began).Seconds(), "wall-s")
				b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "cpu-s")
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					b.ReportMetric(float64(usage.Maxrss)/1024, "peak-MB")
				}
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// town is a database with an open incident, to file many claims in.
type town struct {
	options  store.Options
	flags    []string
	incident claims.Incident
}

// newTown seals with the key file that the program itself will read.
func newTown(t testing.TB, o store.Options) *town {
	t.Helper()
	vault, err := identity.OpenVault(o.Dir + "/field.key")
	if err != nil {
		t.Fatal(err)
	}
	o.Vault = vault
	town := &town{options: o, flags: []string{"--dir", o.Dir, "--database-url", o.DatabaseURL}}
	town.with(t, func(ctx context.Context, s *claims.Service) {
		admin := identity.Actor{Role: identity.Admin, KeyID: "test", Person: "test"}
		document, err := scheme.FromLibrary("sandbox-2022")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.PublishScheme(ctx, admin, document.Bytes(), claims.Reply[claims.SchemeVersion]{}); err != nil {
			t.Fatal(err)
		}
		start := time.Date(2022, 10, 15, 6, 30, 0, 0, time.UTC)
		town.incident, err = s.CreateIncident(ctx, admin, claims.Incident{
			Name: lang.T("Outage", "장애"), Platform: "Test platform", Zone: "Asia/Seoul", Currency: "KRW",
			StartsAt: start, EndsAt: start.Add(24 * time.Hour),
			Filing: claims.Filing{OpensAt: start, ClosesAt: start.AddDate(50, 0, 0)},
			Services: []claims.PlatformService{{Code: "taxi", Kind: "ride", Name: lang.T("Taxi", "택시"), Windows: []claims.ImpairmentWindow{
				{Start: start, End: start.Add(9 * time.Hour), DownBasisPoints: 10000},
				{Start: start.Add(9 * time.Hour), End: start.Add(24 * time.Hour), DownBasisPoints: 5000},
			}}},
			Scheme: &claims.SchemeRef{ID: "sandbox-2022", Version: 1},
		}, claims.Reply[claims.Incident]{})
		if err != nil {
			t.Fatal(err)
		}
		if town.incident, err = s.OpenIncident(ctx, admin, town.incident.ID, 1, claims.Reply[claims.Incident]{}); err != nil {
			t.Fatal(err)
		}
	})
	return town
}

func (town *town) with(t testing.TB, f func(ctx context.Context, s *claims.Service)) {
	t.Helper()
	db, err := store.Open(town.options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	service := claims.New(db, time.Now)
	if err := service.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	f(context.Background(), service)
}

// file registers drivers, each with 26 weeks of their own history, and submits
// a claim for each.
func (town *town) file(t testing.TB, n int) {
	t.Helper()
	town.with(t, func(ctx context.Context, s *claims.Service) {
		staff := identity.Actor{Role: identity.Admin, KeyID: "test", Person: "test"}
		inParallel(n, func(i int) {
			registered, err := s.Register(ctx, staff, claims.Claimant{
				Kind: claims.Driver, Name: "Claimant", Phone: "010-0000-0000", DriverID: fmt.Sprintf("driver-%d", i), Zone: "Asia/Seoul", Currency: "KRW",
				Outlets: []claims.Outlet{{Code: "main", Name: "Car", Sector: "taxi", Region: "KR-11"}},
			}, claims.Reply[claims.Registered]{})
			if err != nil {
				t.Error(err)
				return
			}
			id := registered.Claimant.ID
			upload := claims.Upload{ClaimantID: id, Outlet: "main", Service: "taxi", Source: revenue.FromClaimant, Summary: []byte("{}")}
			if _, err := s.Upload(ctx, staff, upload, ownHistory(i)); err != nil {
				t.Error(err)
				return
			}
			declared := money.Minor(25000)
			draft := claims.Draft{IncidentID: town.incident.ID, ClaimantID: id, Outlet: "main", Channel: "api", Content: claims.Content{
				Lines: []claims.LossLine{{Service: "taxi", DeclaredActual: &declared}},
			}}
			if _, err := s.File(ctx, staff, draft, true, claims.Reply[claims.Claim]{}); err != nil {
				t.Error(err)
			}
		})
	})
}

// ownHistory is 26 weeks of hours before the outage, a little different for
// every driver.
func ownHistory(driver int) revenue.History {
	end := revenue.LocalOf(time.Date(2022, 10, 15, 6, 0, 0, 0, time.UTC), time.FixedZone("KST", 9*3600))
	h := revenue.History{BucketMinutes: 60, Start: end - 26*revenue.Week}
	opens := 8 + driver%5
	for t := h.Start; t < end; t += revenue.Hour {
		clock := t.Clock()
		hour := clock.Hour()
		noise := (int(t/revenue.Hour)*7919 + driver*104729) % 9
		amount, count := money.Minor(0), int32(0)
		if hour >= opens && hour < opens+11 && noise > 1 {
			amount, count = money.Minor(500*(16+noise*3+int(clock.Weekday()))), int32(1+noise/3)
		}
		h.Amounts, h.Counts, h.States = append(h.Amounts, amount), append(h.Counts, count), append(h.States, revenue.Open)
	}
	return h
}

// alter changes the database behind the program's back.
func (town *town) alter(t *testing.T, statement string) {
	t.Helper()
	db := storetest.Raw(t, town.options)
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

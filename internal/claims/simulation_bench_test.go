package claims_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/sandbox"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// BenchmarkSimulation simulates three schemes over incidents of estimated claims
// on SQLite. It reports the time per claim, which stays the same where time is
// linear in claims, and the peak of resident memory over the simulation alone.
func BenchmarkSimulation(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, actor, incident := crowd(b, n)
			candidates := []claims.Candidate{{Document: halved(b, 2)}, {Document: halved(b, 3)}, {Scheme: &claims.SchemeRef{ID: "kakao-2022-driver-membership", Version: 1}}}
			job, err := s.Simulate(b.Context(), actor, incident, candidates, claims.Reply[claims.Job]{})
			if err != nil {
				b.Fatal(err)
			}
			resetPeak(b)
			for b.Loop() {
				result, err := s.RunSimulation(b.Context(), job, runtime.NumCPU(), func(int, int) {})
				if err != nil {
					b.Fatal(err)
				}
				var out claims.Simulation
				if err := json.Unmarshal(result, &out); err != nil || out.InForce.Total.Claims != n {
					b.Fatalf("%+v, %v", out.InForce, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/claim")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/simulation")
			b.ReportMetric(peakMegabytes(b), "peak-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// crowd is the sandbox's incident, its submitted claims copied with their
// estimates, with other figures, until there are n.
func crowd(b *testing.B, n int) (*claims.Service, identity.Actor, string) {
	b.Helper()
	db, err := store.Open(storetest.Options(b, "sqlite"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	c := &city{db: db, clock: clock{now: sandbox.Now}}
	c.Service = claims.New(db, c.clock.Now)
	c.box, err = sandbox.Fill(b.Context(), db, sandbox.Options{Seed: 7, Claimants: 100})
	if err != nil {
		b.Fatal(err)
	}
	originals := must(db.Claims(b.Context(), claims.ClaimFilter{IncidentID: c.box.IncidentID, States: []claims.State{claims.Submitted}}, claims.Page{Limit: n}))(b)
	estimates := make([]claims.Estimate, len(originals))
	for i, o := range originals {
		estimates[i] = must(db.Estimate(b.Context(), o.ID, 0))(b)
	}
	const atOnce = 1000
	for made := len(originals); made < n; {
		err := db.InTx(b.Context(), func(ctx context.Context, tx claims.Tx) error {
			for range min(atOnce, n-made) {
				i := made % len(originals)
				claim, estimate := originals[i], estimates[i]
				claim.ID, claim.Outlet, claim.Version, claim.Estimates = uuid.Must(uuid.NewV7()).String(), fmt.Sprintf("copy-%d", made), 1, 1
				claim.Reference = "R-" + claim.ID
				estimate.ClaimID, estimate.N, estimate.Bytes = claim.ID, 1, varied(b, estimate.Bytes, made)
				if err := tx.InsertClaim(ctx, claim); err != nil {
					return err
				}
				if err := tx.InsertEstimate(ctx, estimate); err != nil {
					return err
				}
				made++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return c.Service, c.as(b, identity.Admin), c.box.IncidentID
}

// varied is an estimate's document with other figures.
func varied(b *testing.B, document []byte, seed int) []byte {
	b.Helper()
	var fields map[string]json.RawMessage
	var lines []map[string]json.RawMessage
	if json.Unmarshal(document, &fields) != nil || json.Unmarshal(fields["lines"], &lines) != nil {
		b.Fatalf("not an estimate: %s", document)
	}
	for _, line := range lines {
		var of, total map[string]json.RawMessage
		if json.Unmarshal(line["baseline"], &of) != nil || of["total"] == nil {
			continue
		}
		if err := json.Unmarshal(of["total"], &total); err != nil {
			b.Fatal(err)
		}
		total["shortfall"] = json.RawMessage(strconv.Itoa(seed * 7919 % 1_000_000))
		of["total"] = marshal(b, total)
		line["baseline"] = marshal(b, of)
	}
	fields["lines"] = marshal(b, lines)
	return marshal(b, fields)
}

func marshal(b *testing.B, v any) []byte {
	b.Helper()
	encoded, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return encoded
}

// resetPeak makes the peak of resident memory start from what is held now, where
// the system can.
func resetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		b.Logf("the peak memory includes the set-up: %v", err)
	}
}

// peakMegabytes is the peak of resident memory, where the system tells it.
func peakMegabytes(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Logf("peak memory is not known here: %v", err)
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes / 1024
		}
	}
	b.Fatal("the status of the program names no peak memory")
	return 0
}

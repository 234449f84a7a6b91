package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/sandbox"
	"redress/internal/scheme"
	"redress/internal/store/storetest"
)

// filled fills a database, named by its flags, with the sandbox.
func filled(t *testing.T, flags []string, claimants int) sandbox.Sandbox {
	t.Helper()
	db, err := database{Dir: flags[1], DatabaseURL: flags[3]}.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Fill(t.Context(), db, sandbox.Options{Seed: 3, Claimants: claimants})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// staffKey is a key of the present: the sandbox's own have expired.
func staffKey(t *testing.T, flags []string, role identity.Role) string {
	t.Helper()
	return command(t, append([]string{"keys", string(role)}, flags...)...)
}

// schemeFile writes a scheme of the library to a file.
func schemeFile(t *testing.T, name string) string {
	t.Helper()
	s, err := scheme.FromLibrary(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".json")
	if err := os.WriteFile(path, s.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// simulated asks a server for a simulation and waits for its result.
func simulated(t *testing.T, c caller, incident string, candidates ...any) claims.Simulation {
	t.Helper()
	job := c.must(t, 202, "POST", "/v1/incidents/"+incident+"/simulations", map[string]any{"candidates": candidates}, nil)
	for range 600 {
		status, _, body, err := c.call("GET", "/v1/jobs/"+job["id"].(string), nil, nil)
		var answer struct {
			State  string
			Result claims.Simulation
		}
		if err != nil || status != 200 || json.Unmarshal(body, &answer) != nil || answer.State == "failed" {
			t.Fatalf("%d %v %s", status, err, body)
		}
		if answer.State == "done" {
			return answer.Result
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the job is never done")
	return claims.Simulation{}
}

func TestSimulateOverAnExportEqualsTheServersSimulation(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, flags []string) {
		box := filled(t, flags, 48)
		p := start(t, flags...)
		defer p.kill()
		weeks := schemeFile(t, "kakao-2022-small-business")
		for _, test := range []struct {
			name   string
			scheme string
			export []string
		}{
			{"kakao-2022-driver-membership", schemeFile(t, "kakao-2022-driver-membership"), nil},
			{"kakao-2022-small-business", weeks, []string{"--comparison", weeks}},
		} {
			served := simulated(t, caller{p.base, staffKey(t, flags, identity.Reviewer)}, box.IncidentID, map[string]any{"scheme": map[string]any{"id": test.name, "version": 1}})
			facts := filepath.Join(t.TempDir(), "facts.ndjson")
			command(t, append(append([]string{"export", "--incident", box.IncidentID, "--out", facts}, flags...), test.export...)...)
			run := []string{"simulate", "--facts", facts, "--scheme", test.scheme, "--in-force", schemeFile(t, "sandbox-2022")}
			var local claims.Simulation
			if err := json.Unmarshal([]byte(command(t, append(run, "--json")...)), &local); err != nil {
				t.Fatal(err)
			}
			local.IncidentID = served.IncidentID
			if diff := cmp.Diff(served, local); diff != "" || served.InForce.Total.Claims < 20 {
				t.Errorf("%s (-server +command):\n%s", test.name, diff)
			}
			table := command(t, run...)
			if !strings.Contains(table, test.name+" v1") || !strings.Contains(table, "sandbox-2022 v1") {
				t.Errorf("the table:\n%s", table)
			}
		}
	})
}

func TestReevaluateCommandMakesWhatTheSimulationForetold(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, flags []string) {
		box := filled(t, flags, 24)
		p := start(t, flags...)
		defer p.kill()
		const name = "rider-default-margin" // a scheme without days of its own: the program runs today
		admin := caller{p.base, staffKey(t, flags, identity.Admin)}
		foretold := simulated(t, admin, box.IncidentID, map[string]any{"scheme": map[string]any{"id": name, "version": 1}})
		_, header, _, err := admin.call("GET", "/v1/incidents/"+box.IncidentID, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		admin.must(t, 200, "PUT", "/v1/incidents/"+box.IncidentID+"/scheme", map[string]any{"id": name, "version": 1}, map[string]string{"If-Match": header.Get("ETag")})
		// The server goes on serving meanwhile.
		command(t, append([]string{"reevaluate", "--incident", box.IncidentID}, flags...)...)
		again := command(t, append([]string{"reevaluate", "--incident", box.IncidentID}, flags...)...)
		if !strings.Contains(again, "0 new estimates") {
			t.Errorf("run again: %s", again)
		}
		now := simulated(t, admin, box.IncidentID, map[string]any{"scheme": map[string]any{"id": name, "version": 1}})
		if diff := cmp.Diff(foretold.Candidates[0].Total, now.InForce.Total); diff != "" {
			t.Errorf("(-foretold +made):\n%s", diff)
		}
		status, _, body, err := admin.call("GET", "/v1/claims/"+box.ClaimID, nil, nil)
		var claim struct {
			Estimated int64
			Estimate  struct {
				N            int
				Scheme       struct{ ID string }
				Compensation struct{ Amount int64 }
			}
		}
		if err != nil || status != 200 || json.Unmarshal(body, &claim) != nil || claim.Estimate.N != 2 || claim.Estimate.Scheme.ID != name || claim.Estimate.Compensation.Amount != claim.Estimated {
			t.Errorf("%d %v %+v", status, err, claim)
		}
	})
}

func TestSimulateNamesTheLineThatIsWrong(t *testing.T) {
	facts := filepath.Join(t.TempDir(), "facts.ndjson")
	good := `{"currency":"KRW","claimant_kind":"merchant","sector":"cafe","incident":{"start":"2022-10-15T15:30","end":"2022-10-16T01:30"}}`
	for text, want := range map[string]string{
		good + "\n\n" + `{"currency":"KRW"}`:                   "line 3",
		good + "\n" + strings.Replace(good, "cafe", "moon", 1): "line 2",
		"no JSON": "line 1",
	} {
		if err := os.WriteFile(facts, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr strings.Builder
		code := run(t.Context(), []string{"simulate", "--facts", facts, "--scheme", schemeFile(t, "sandbox-2022")}, &stdout, &stderr)
		if code != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: status %d, %s", text, code, stderr.String())
		}
	}
}

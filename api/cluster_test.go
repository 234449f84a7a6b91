package main

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/store/storetest"
)

// TestTwoServersOnOneDatabaseActOnce sends every filing to two servers at once
// under one idempotency key: both must give the same answer about one claim.
func TestTwoServersOnOneDatabaseActOnce(t *testing.T) {
	o := storetest.Options(t, "postgres")
	flags := []string{"--dir", o.Dir, "--database-url", o.DatabaseURL}
	admin := command(t, append([]string{"keys", "admin"}, flags...)...)
	one := start(t, flags...)
	defer one.kill()
	two := start(t, flags...)
	defer two.kill()
	incident := openIncident(t, caller{one.base, admin}, outage{
		zone: "Asia/Seoul", currency: "KRW", service: "taxi", kind: "ride",
		start: "2022-10-15T15:30:00+09:00", end: "2022-10-16T14:30:00+09:00",
	})
	file := hourly(4, time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC))
	body := fmt.Appendf(nil, `{"incident_id":%q,"lines":[{"service":"taxi","declared_actual":25000}],"submit":true}`, incident)
	for n := range 20 {
		registered := caller{base: one.base}.must(t, 201, "POST", "/v1/claimants", driver(fmt.Sprintf("twice-%d", n), "Asia/Seoul", "KRW"), nil)
		token := registered["key"].(map[string]any)["token"].(string)
		caller{two.base, token}.must(t, 200, "PUT", "/v1/claimants/me/revenue/taxi", file, map[string]string{"Content-Type": "text/csv"})
		key := map[string]string{"Idempotency-Key": uuid.NewString()}
		var answers [2][]byte
		var wg sync.WaitGroup
		for i, p := range []*process{one, two} {
			wg.Go(func() {
				status, _, answer, err := caller{p.base, token}.call("POST", "/v1/claims", body, key)
				if err != nil || status != 201 {
					t.Errorf("server %d: status %d, %v: %s", i, status, err, answer)
				}
				answers[i] = answer
			})
		}
		wg.Wait()
		if !bytes.Equal(answers[0], answers[1]) {
			t.Fatalf("the servers answered one key differently:\n%s\n%s", answers[0], answers[1])
		}
		if list := (caller{two.base, token}).must(t, 200, "GET", "/v1/claims", nil, nil)["claims"].([]any); len(list) != 1 {
			t.Fatalf("%d claims were filed under one key", len(list))
		}
	}
}

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/store/storetest"
)

var kills = flag.Int("kills", 3, "how often the server is killed on each engine")

// filed is what one claimant was told.
type filed struct {
	token   string
	key     string // idempotency key of the filing
	body    []byte
	claimID string // "" until a 201 arrived
	retried bool   // sent again after an answer was lost
}

// TestKilledServerLosesNothing kills the server while claims are being filed.
// Every claim that was answered 201 must be there afterwards with its estimate,
// its events and their leaves, and a retried key must not have acted twice.
func TestKilledServerLosesNothing(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, args []string) {
		k := &killing{t: t, args: args, admin: command(t, append([]string{"keys", "admin"}, args...)...)}
		k.prepare()
		for range *kills {
			k.round()
		}
		k.finish()
	})
}

type killing struct {
	t        *testing.T
	args     []string
	admin    string
	incident string
	mu       sync.Mutex
	all      []*filed // everyone whose filing was sent at least once
	lost     []*filed // those whose answer was lost in the last kill
	replayed int
	midway   int
}

const history = 3 // weeks

func (k *killing) prepare() {
	p := start(k.t, k.args...)
	defer p.kill()
	k.incident = openIncident(k.t, caller{p.base, k.admin}, outage{
		zone: "Asia/Seoul", currency: "KRW", service: "taxi", kind: "ride",
		start: "2022-10-15T15:30:00+09:00", end: "2022-10-16T14:30:00+09:00",
	})
}

// round starts the server, settles what the last kill left open, files with
// many clients and kills it at a random moment.
func (k *killing) round() {
	p := start(k.t, k.args...)
	k.settle(p.base)
	const clients = 12
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for !stop.Load() {
				if !k.file(p.base) {
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
	p.kill()
	stop.Store(true)
	wg.Wait()
}

// file registers a driver, uploads and files; false means that the server is
// gone.
func (k *killing) file(base string) bool {
	status, _, answer, err := caller{base: base}.call("POST", "/v1/claimants", driver("D-"+uuid.NewString(), "Asia/Seoul", "KRW"), nil)
	if err != nil {
		return false
	}
	var registered struct{ Key struct{ Token string } }
	if err := json.Unmarshal(answer, &registered); status != 201 || err != nil {
		k.t.Errorf("register: %d %s", status, answer)
		return false
	}
	f := &filed{token: registered.Key.Token, key: uuid.NewString()}
	end := time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC)
	if status, _, answer, err = (caller{base, f.token}).call("PUT", "/v1/claimants/me/revenue/taxi", hourly(history, end), map[string]string{"Content-Type": "text/csv"}); err != nil {
		return false
	}
	if status != 200 {
		k.t.Errorf("upload: %d %s", status, answer)
		return false
	}
	f.body = fmt.Appendf(nil, `{"incident_id":%q,"lines":[{"service":"taxi","declared_actual":25000}],"subscriptions":[{"plan":"Pro","monthly_fee":39000}],"submit":true}`, k.incident)
	k.mu.Lock()
	k.all = append(k.all, f)
	k.mu.Unlock()
	return k.send(base, f)
}

func (k *killing) send(base string, f *filed) bool {
	status, header, answer, err := caller{base, f.token}.call("POST", "/v1/claims", f.body, map[string]string{"Idempotency-Key": f.key})
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		f.retried = true
		k.lost = append(k.lost, f)
		return false
	}
	var claim struct{ ID string }
	if err := json.Unmarshal(answer, &claim); status != 201 || err != nil {
		k.t.Errorf("file: %d %s", status, answer)
		return false
	}
	if header.Get("Idempotent-Replayed") == "true" {
		k.replayed++
	}
	f.claimID = claim.ID
	return true
}

// settle retries, with their keys, the filings whose answer the kill swallowed.
func (k *killing) settle(base string) {
	k.mu.Lock()
	lost := k.lost
	k.lost = nil
	k.mu.Unlock()
	k.midway += len(lost)
	for _, f := range lost {
		if !k.send(base, f) {
			k.t.Errorf("the retry of key %s failed", f.key)
		}
	}
}

// finish reads back every claim that was ever acknowledged.
func (k *killing) finish() {
	p := start(k.t, k.args...)
	defer p.kill()
	k.settle(p.base)
	var acknowledged int
	for _, f := range k.all {
		c := caller{p.base, f.token}
		list := c.must(k.t, 200, "GET", "/v1/claims", nil, nil)["claims"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["id"] != f.claimID {
			k.t.Fatalf("key %s (retried: %v): want the one claim %s, found %v", f.key, f.retried, f.claimID, list)
		}
		acknowledged++
		estimate := c.must(k.t, 200, "GET", "/v1/claims/"+f.claimID+"/estimate", nil, nil)
		if estimate["claim_id"] != f.claimID || estimate["n"] != 1.0 {
			k.t.Fatalf("claim %s: its estimate is of %v, number %v", f.claimID, estimate["claim_id"], estimate["n"])
		}
		events := c.must(k.t, 200, "GET", "/v1/claims/"+f.claimID+"/events", nil, nil)["events"].([]any)
		if len(events) != 2 || len(events[1].(map[string]any)["leaf"].(string)) != 64 {
			k.t.Fatalf("claim %s: want two events with leaves, found %v", f.claimID, events)
		}
	}
	if acknowledged == 0 {
		k.t.Fatal("no claim was acknowledged: nothing was tested")
	}
	k.t.Logf("%d kills, %d claims acknowledged and found again, %d filings were under way at a kill, %d of them had been committed and were replayed",
		*kills, acknowledged, k.midway, k.replayed)
}

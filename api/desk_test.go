package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redress/internal/store/storetest"
)

var queued = flag.Int("queue", 40, "claimants of the sandbox whose claims the reviewers decide")

// reviewers is how many people empty the queue together; every fourth is a
// senior.
const reviewers = 20

// TestReviewersEmptyTheQueueTogether has twenty people take and decide the
// sandbox's claims over HTTP until there are none.
func TestReviewersEmptyTheQueueTogether(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			o := storetest.Options(t, engine)
			p, printed := launch(t, []string{
				"demo", "--claimants", fmt.Sprint(*queued), "--address", "127.0.0.1:0", "--dir", o.Dir + "/demo", "--database-url", o.DatabaseURL,
			}, "Ctrl-C")
			defer p.kill()
			d := desk{
				admin: caller{p.base, token(t, printed, "admin")}, incident: incidentLine.FindStringSubmatch(printed)[1],
				holders: map[string]int{}, decided: map[string]int{},
			}
			queue := d.count(t, "submitted")
			began := time.Now()
			d.empty(t)
			took := time.Since(began)
			d.approve(t)

			left, decisions := d.count(t, "submitted")+d.count(t, "in_review"), 0
			for id, n := range d.decided {
				if decisions++; n != 1 {
					t.Errorf("claim %s was decided %d times", id, n)
				}
			}
			stand := d.count(t, "decided") + d.count(t, "awaiting_approval")
			if left != 0 || decisions != queue || stand < queue {
				t.Errorf("of %d claims %d are left, %d were decided by the reviewers and %d are decided or wait for an approval", queue, left, decisions, stand)
			}
			slices.Sort(d.times)
			t.Logf("%d claims by %d people in %.1f s: %.0f claims/s; taking or deciding one: p50 %s, p99 %s",
				queue, reviewers, took.Seconds(), float64(queue)/took.Seconds(), d.times[len(d.times)/2].Round(time.Millisecond), d.times[len(d.times)*99/100].Round(time.Millisecond))
		})
	}
}

// token finds the key of a role in what the demo prints.
func token(t testing.TB, printed, role string) string {
	t.Helper()
	found := regexp.MustCompile(role + ` +(rdk_\S+)`).FindStringSubmatch(printed)
	if found == nil {
		t.Fatalf("the demo printed no key of %s", role)
	}
	return found[1]
}

// desk is the reviewers at work, and what they have seen.
type desk struct {
	admin    caller
	incident string

	mu      sync.Mutex
	holders map[string]int // who holds a claim now
	decided map[string]int // how often a claim was decided
	times   []time.Duration
}

// person issues a key to somebody.
func (d *desk) person(t testing.TB, role, person string) caller {
	t.Helper()
	issued := d.admin.must(t, 201, "POST", "/v1/keys", map[string]any{"role": role, "label": person, "person": person}, nil)
	return caller{d.admin.base, issued["token"].(string)}
}

// empty lets everybody work until the queue gives them nothing more.
func (d *desk) empty(t *testing.T) {
	var people []caller
	for i := range reviewers {
		role := "reviewer"
		if i%4 == 0 {
			role = "senior"
		}
		people = append(people, d.person(t, role, fmt.Sprintf("desk-%02d", i)))
	}
	var working sync.WaitGroup
	for i, who := range people {
		working.Go(func() {
			for d.next(t, i, who) {
			}
		})
	}
	working.Wait()
}

// timed sends one request and keeps how long it took.
func (d *desk) timed(who caller, path string, body any, header map[string]string) (int, http.Header, map[string]any, error) {
	began := time.Now()
	status, headers, answer, err := who.call("POST", path, body, header)
	took := time.Since(began)
	d.mu.Lock()
	d.times = append(d.times, took)
	d.mu.Unlock()
	if err != nil || len(answer) == 0 {
		return status, headers, nil, err
	}
	var decoded map[string]any
	err = json.Unmarshal(answer, &decoded)
	return status, headers, decoded, err
}

// next takes and decides one claim; false when there is none.
func (d *desk) next(t *testing.T, i int, who caller) bool {
	status, header, claim, err := d.timed(who, "/v1/queue/next", map[string]any{"incident_id": d.incident}, nil)
	if err != nil || (status != 200 && status != 204) {
		t.Errorf("queue/next: %d %v %v", status, err, claim)
		return false
	}
	if status == 204 {
		return false
	}
	id := claim["id"].(string)
	d.mu.Lock()
	if holder, held := d.holders[id]; held {
		t.Errorf("claim %s was leased to %d while %d had it", id, i, holder)
	}
	d.holders[id] = i
	d.mu.Unlock()

	status, _, answer, err := d.timed(who, "/v1/claims/"+id+"/decisions", verdictOn(claim), map[string]string{"If-Match": header.Get("ETag")})
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.holders, id)
	if err != nil || status != 200 {
		t.Errorf("decide claim %s: %d %v %v", id, status, err, answer)
		return false
	}
	d.decided[id]++
	return true
}

// verdictOn awards what the scheme pays and refuses what it pays nothing for.
func verdictOn(claim map[string]any) map[string]any {
	amount, _ := claim["estimated"].(float64)
	if amount == 0 {
		return map[string]any{"verdict": "refused", "assessed": 0, "awarded": 0, "reason": "no_loss_shown"}
	}
	return map[string]any{"verdict": "approved", "assessed": amount, "awarded": amount, "reason": "agrees_with_estimate"}
}

// approve has a second senior, who decided nothing, approve what was proposed.
func (d *desk) approve(t *testing.T) {
	second := d.person(t, "admin", "second-pair")
	for _, claim := range d.list(t, "awaiting_approval") {
		id := claim["id"].(string)
		decisions := d.admin.must(t, 200, "GET", "/v1/claims/"+id+"/decisions", nil, nil)["decisions"].([]any)
		n := decisions[len(decisions)-1].(map[string]any)["n"]
		second.must(t, 200, "POST", fmt.Sprintf("/v1/claims/%s/decisions/%v/approve", id, n), map[string]any{}, map[string]string{"If-Match": fmt.Sprintf(`"v%v"`, claim["version"])})
	}
}

func (d *desk) count(t *testing.T, state string) int { return len(d.list(t, state)) }

// list reads all pages of claims in a state.
func (d *desk) list(t *testing.T, state string) []map[string]any {
	t.Helper()
	var all []map[string]any
	path := "/v1/claims?limit=200&state=" + state + "&incident_id=" + url.QueryEscape(d.incident)
	for path != "" {
		status, header, answer, err := d.admin.call("GET", path, nil, nil)
		var page struct {
			Claims []map[string]any `json:"claims"`
		}
		if err != nil || status != 200 || json.Unmarshal(answer, &page) != nil {
			t.Fatalf("GET %s: %d %v %s", path, status, err, answer)
		}
		all = append(all, page.Claims...)
		path = ""
		if link := header.Get("Link"); strings.Contains(link, `rel="next"`) {
			path = link[strings.Index(link, "<")+1 : strings.Index(link, ">")]
		}
	}
	return all
}

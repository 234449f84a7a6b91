package httpapi_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each operation that acts, sent twice under one key, acts once and answers the
// same bytes again.
func TestRetryAnswersWhatWasAnsweredBefore(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.make(t, "fresh", request{as: "admin", line: "POST /v1/incidents", body: validIncident})
		for name, r := range map[string]request{
			"createIncident":   {as: "admin", line: "POST /v1/incidents", body: validIncident},
			"openIncident":     {as: "admin", line: "POST /v1/incidents/{fresh}/open", header: ifMatch(`"v1"`)},
			"closeIncident":    {as: "admin", line: "POST /v1/incidents/{soon}/close", header: ifMatch(`"v2"`)},
			"createScheme":     {as: "admin", line: "POST /v1/schemes", body: string(readFile("../scheme/library/kakao-2022-driver-membership.json"))},
			"registerClaimant": {line: "POST /v1/claimants", body: instead(validDriver, "D-1001", "D-4004")},
			"createKey":        {as: "merchant", line: "POST /v1/keys", body: `{"role": "delegate"}`},
			"fileClaim":        {as: "newcomer", line: "POST /v1/claims", body: instead(validClaim, "{incident}", "{late}")},
			"submitClaim":      {as: "driver", line: "POST /v1/claims/{claim}/submit", header: ifMatch(`"v1"`)},
			"withdrawClaim":    {as: "driver", line: "POST /v1/claims/{submitted}/withdraw", header: ifMatch(`"v2"`), body: `{}`},
		} {
			t.Run(name, func(t *testing.T) { s.retries(t, name, r) })
		}
	})
}

func (s *server) retries(t *testing.T, name string, r request) {
	t.Helper()
	keyed := func(key string) request {
		out := r
		out.header = map[string]string{"Idempotency-Key": key}
		maps.Copy(out.header, r.header)
		return out
	}
	first := s.send(t, keyed("retry-"+name))
	if first.status >= 300 {
		t.Fatalf("status %d: %s", first.status, first.body)
	}
	before := s.data.fingerprint(t)
	// A key is the same bare and quoted.
	again := s.send(t, keyed(`"retry-`+name+`"`))
	if again.status != first.status || !bytes.Equal(again.body, first.body) {
		t.Errorf("the retry answered %d %s\nnot %d %s", again.status, again.body, first.status, first.body)
	}
	for _, header := range []string{"ETag", "Location", "Content-Type"} {
		if again.header.Get(header) != first.header.Get(header) {
			t.Errorf("%s: %q, before %q", header, again.header.Get(header), first.header.Get(header))
		}
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("Idempotent-Replayed: first %q, again %q", first.header.Get("Idempotent-Replayed"), again.header.Get("Idempotent-Replayed"))
	}
	other := keyed("retry-" + name)
	if other.body == "" {
		other.header["If-Match"] = `"v777"`
	} else {
		other.body += " "
	}
	s.refuses(t, refusal{request: other, status: 422, code: "idempotency_key_reused"})
	if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
		t.Errorf("a retry changed the database:\n%s", diff)
	}
}

func TestRefusedRequestDoesNotUseUpItsKey(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		key := map[string]string{"Idempotency-Key": "once"}
		bad := claimWith(`"service": "taxi", "declared`, `"service": "ferry", "declared`)
		bad.header = key
		s.refuses(t, refusal{request: bad, status: 422, code: invalid, fields: []string{"#/lines/0/service unknown_service"}})
		s.must(t, request{as: "newcomer", line: "POST /v1/claims", body: validClaim, header: key})
	})
}

func TestKeyOfAnotherCallerIsAnotherKey(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		key := map[string]string{"Idempotency-Key": "mine"}
		s.must(t, request{as: "newcomer", line: "POST /v1/keys", body: `{"role": "delegate"}`, header: key})
		got := s.send(t, request{as: "merchant", line: "POST /v1/keys", body: `{"role": "delegate"}`, header: key})
		if got.status != http.StatusCreated || got.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("status %d, replayed %q: another's key was taken for one's own", got.status, got.header.Get("Idempotent-Replayed"))
		}
	})
}

func TestKeyIsForgottenAfterSevenDays(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		r := request{as: "admin", line: "POST /v1/keys", body: `{"role": "auditor"}`, header: map[string]string{"Idempotency-Key": "weekly"}}
		first := s.must(t, r)["token"]
		s.clock.set(today.Add(7*24*time.Hour - time.Second))
		if again := s.must(t, r)["token"]; again != first {
			t.Error("the key was forgotten within seven days")
		}
		s.clock.set(today.Add(7 * 24 * time.Hour))
		if again := s.must(t, r)["token"]; again == first {
			t.Error("the key was still known after seven days")
		}
	})
}

// many sends requests at once and answers how often each status came.
func (s *server) many(t *testing.T, n int, ask func(i int) request) ([]answer, map[int]int) {
	t.Helper()
	answers, statuses := make([]answer, n), map[int]int{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = s.send(t, ask(i)) })
	}
	all.Wait()
	for _, a := range answers {
		statuses[a.status]++
	}
	return answers, statuses
}

func TestManyAtOnceWithOneKeyMakeOneClaim(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		body := instead(validClaim, `"currency"`, `"submit": true, "currency"`)
		answers, statuses := s.many(t, 16, func(int) request {
			return request{as: "newcomer", line: "POST /v1/claims", body: body, header: map[string]string{"Idempotency-Key": "at-once"}}
		})
		if diff := cmp.Diff(map[int]int{http.StatusCreated: 16}, statuses); diff != "" {
			t.Fatalf("statuses:\n%s", diff)
		}
		made := 0
		for _, a := range answers {
			if a.header.Get("Idempotent-Replayed") == "" {
				made++
			}
			if !bytes.Equal(a.body, answers[0].body) {
				t.Errorf("two answers differ:\n%s\n%s", a.body, answers[0].body)
			}
		}
		if made != 1 {
			t.Errorf("%d answers say that they are the first", made)
		}
		s.holds(t, "newcomer", 1)
	})
}

func TestManyAtOnceWithKeysOfTheirOwnMakeOneClaim(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		_, statuses := s.many(t, 16, func(int) request { return request{as: "newcomer", line: "POST /v1/claims", body: validClaim} })
		if diff := cmp.Diff(map[int]int{http.StatusCreated: 1, http.StatusConflict: 15}, statuses); diff != "" {
			t.Errorf("statuses:\n%s", diff)
		}
		s.holds(t, "newcomer", 1)
	})
}

func TestManyAtOnceWithOneETagMakeOneChange(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		_, statuses := s.many(t, 16, func(i int) request {
			return request{as: "driver", line: "PATCH /v1/claims/{claim}", body: fmt.Sprintf(`{"statement": "by %d"}`, i), header: ifMatch(`"v1"`)}
		})
		if diff := cmp.Diff(map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 15}, statuses); diff != "" {
			t.Errorf("statuses:\n%s", diff)
		}
		if n := s.data.count(t, "events", "claim_id = '"+s.names["claim"]+"'"); n != 2 {
			t.Errorf("%d events; want filed and one change", n)
		}
	})
}

// holds checks how many claims a claimant has, and that no event lacks its
// entry.
func (s *server) holds(t *testing.T, who string, claims int) {
	t.Helper()
	if n := s.data.count(t, "claims", "claimant_id = '"+s.names[who]+"'"); n != claims {
		t.Errorf("%s has %d claims, want %d", who, n, claims)
	}
	if n := s.data.count(t, "events", "entry_id NOT IN (SELECT id FROM entries)"); n != 0 {
		t.Errorf("%d events have no entry", n)
	}
}

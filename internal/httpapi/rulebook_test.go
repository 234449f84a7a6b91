package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"redress/internal/httpapi"
)

// A rulebook is kept as it was sent: whoever has a version can hold it against
// its hash.
func TestRulebooksComeBackByteForByte(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for book, as := range map[string]string{"policy": "reviewer", "reasons": ""} {
			first := s.send(t, request{as: as, line: "GET /v1/desk/" + book + "/versions/1"})
			document := instead(string(first.body), "{", "{ ")
			published := decode[httpapi.Rulebook](t, s.send(t, request{as: "admin", line: "PUT /v1/desk/" + book, header: ifMatch(`"v1"`), body: document}))
			inForce := s.send(t, request{as: as, line: "GET /v1/desk/" + book})
			second := s.send(t, request{as: as, line: "GET /v1/desk/" + book + "/versions/2"})
			sum := sha256.Sum256(second.body)
			if hash := hex.EncodeToString(sum[:]); string(second.body) != document || published.Hash != hash || second.header.Get("ETag") != `"`+hash+`"` {
				t.Errorf("%s: version 2 is not what was sent, or its hash %s not its own %s", book, published.Hash, hash)
			}
			if got := decode[httpapi.Rulebook](t, inForce); got.Version != 2 || inForce.header.Get("ETag") != `"v2"` || got.Hash != published.Hash {
				t.Errorf("%s: in force is version %d, tagged %s", book, got.Version, inForce.header.Get("ETag"))
			}
			s.refuses(t, refusal{request: request{as: "admin", line: "PUT /v1/desk/" + book, header: ifMatch(`"v1"`), body: string(first.body)}, status: 412, code: stale})
			if n := s.data.count(t, "entries", "type = 'rulebook.published'"); n < 3 {
				t.Errorf("%d publications are logged", n)
			}
		}
	})
}

func TestPolicyIsTriedWithoutBeingPublished(t *testing.T) {
	inDesks(t, func(t *testing.T, s *server) {
		policy := string(s.send(t, request{as: "admin", line: "GET /v1/desk/policy/versions/1"}).body)
		try := func(policy string) request {
			return request{as: "admin", line: "POST /v1/desk/policy/trials", header: map[string]string{"Idempotency-Key": ""},
				body: `{"incident_id": "{incident}", "policy": ` + policy + `}`}
		}
		before := s.data.fingerprint(t)
		wide := instead(instead(instead(policy, `"enabled": false`, `"enabled": true`), `"max_score": 0`, `"max_score": 1000`), `"tolerance_basis_points": 1000`, `"tolerance_basis_points": 10000`)
		trial := decode[httpapi.PolicyTrial](t, s.send(t, try(wide)))
		if trial.Claims < 9 || len(trial.Failed) == 0 {
			t.Errorf("trial: %+v", trial)
		}
		s.refuses(t, refusal{request: try(instead(policy, `"lease_minutes": 30`, `"lease_minutes": 0`)), status: 422, code: invalid, fields: []string{"#/policy/lease_minutes out_of_range"}})
		s.refuses(t, refusal{request: try(`{}`), status: 422, code: invalid, fields: []string{
			"#/policy/appeal_days required", "#/policy/authority required", "#/policy/evidence required", "#/policy/lease_minutes required", "#/policy/points required",
			"#/policy/promise_days required", "#/policy/request_days required", "#/policy/return_hours required", "#/policy/sample_share_basis_points required",
			"#/policy/senior_from_score required", "#/policy/straight_through required"}})
		if after := s.data.fingerprint(t); after["rulebooks"] != before["rulebooks"] || after["claims"] != before["claims"] {
			t.Error("a trial changed something")
		}
	})
}

package httpapi_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/httpapi"
	"redress/internal/identity"
	"redress/internal/publication"
)

// fileOf is the file of the drawn claim of an index, as the accountant reads it.
func (s *server) fileOf(t *testing.T, d publication.Drawn) httpapi.SampledClaim {
	t.Helper()
	s.names["index"] = strconv.Itoa(d.Index)
	return decode[httpapi.SampledClaim](t, s.send(t, get("accountant", "samples/{sample}/claims/{index}")))
}

// An accountant reads the file of each claim that was drawn, each look is
// recorded, and what they find becomes a bound that everybody reads.
func TestAnAccountantAuditsASample(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		all := post("auditor", "incidents/{incident}/snapshots/1/samples", instead(instead(sampleAsk, `"units": 3`, `"units": 11`), "5162", "5163"))
		made := s.send(t, all)
		sample := decode[httpapi.Sample](t, made)
		s.names["sample"] = sample.ID
		if made.header.Get("Location") != "/v1/samples/"+sample.ID || sample.Claims != 11 || len(sample.Drawn) != 11 || sample.Total != 11 {
			t.Errorf("drawn: %s", made.body)
		}
		if again := decode[httpapi.Sample](t, s.send(t, all)); again.ID != sample.ID {
			t.Errorf("the same nonce again is sample %s, not %s", again.ID, sample.ID)
		}
		seen := map[string]int{}
		for _, d := range sample.Drawn {
			file := s.fileOf(t, d)
			seen[file.Claim.ID]++
			if file.Drawn != d || file.Claim.Estimate == nil {
				t.Errorf("leaf %d: %+v", d.Index, file)
			}
			switch file.Claim.ID {
			case s.names["decided"]:
				if len(file.Decisions) != 1 || len(file.Letters) != 1 || hashOf([]byte(file.Letters[0].Text)) != file.Letters[0].TextHash {
					t.Errorf("the claim that is decided: %+v", file)
				}
			case s.names["mine"]:
				if len(file.Files) != 1 || *file.Claim.Statement != "No calls came." {
					t.Errorf("the claim with a file: %+v", file)
				}
				if a := s.send(t, get("accountant", "samples/{sample}/claims/{index}/evidence/{file}")); string(a.body) != bankBook {
					t.Errorf("its file: %d %s", a.status, a.body)
				}
			default:
				s.refuses(t, refusal{"", get("accountant", "samples/{sample}/claims/{index}/evidence/{file}"), 404, "evidence_not_found", nil})
			}
		}
		if len(seen) != 11 {
			t.Errorf("%d claims were read", len(seen))
		}
		reads := s.must(t, get("client", "claims/{mine}/reads"))["reads"].([]any)
		if len(reads) != 2 || reads[0].(map[string]any)["role"] != "accountant" || reads[0].(map[string]any)["purpose"] != "audit of sample "+sample.ID {
			t.Errorf("the claimant sees the looks %v", reads)
		}
		s.ends(t, sample)
	})
}

// ends has the accountant find that one of the claims should not have been there.
func (s *server) ends(t *testing.T, sample httpapi.Sample) {
	t.Helper()
	var results []string
	for i, d := range sample.Drawn {
		correct := `, "correct": 1}`
		if i == 0 {
			correct = `, "correct": 0}`
		}
		results = append(results, `{"id": "`+d.ID.String()+`"`+correct)
	}
	slices.Reverse(results)
	end := post("accountant", "samples/{sample}/results", `{"confidence_percent": 95, "results": [`+strings.Join(results, ",")+`]}`)
	ended := decode[httpapi.Sample](t, s.send(t, end))
	if ended.EndedAt == nil || ended.Bound == nil || ended.Bound.Overstated != 1 || len(ended.Results) != 11 || ended.Results[0].ID != sample.Drawn[0].ID {
		t.Errorf("ended: %+v", ended)
	}
	s.refuses(t, refusal{"", end, 409, "sample_ended", nil})
	if diff := cmp.Diff(ended, decode[httpapi.Sample](t, s.send(t, get("auditor", "samples/{sample}")))); diff != "" {
		t.Errorf("the auditor sees another sample:\n%s", diff)
	}
	a := s.send(t, get("", "incidents/{incident}/samples"))
	bounds := decode[httpapi.SampleBoundList](t, a).Samples
	if a.status != http.StatusOK || len(bounds) != 1 || bounds[0].Sample != sample.ID || bounds[0].Error.Overstated != 910 || bounds[0].ResultsHash != *ended.ResultsHash {
		t.Errorf("the public is told %s", a.body)
	}
}

// What another accountant audits looks like what is not there.
func TestASampleIsOpenToItsOwnAccountant(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.issue(t, "other", claims.KeyRequest{Role: identity.Accountant, Person: "other-accountant"})
		for _, path := range []string{"samples/{sample}", "samples/{sample}/claims/0", "samples/{sample}/claims/0/evidence/{file}"} {
			s.refuses(t, refusal{"", get("other", path), 404, "sample_not_found", nil})
		}
		if list := decode[httpapi.SampleList](t, s.send(t, get("other", "samples"))).Samples; len(list) != 0 {
			t.Errorf("another's samples are listed: %v", list)
		}
		own := decode[httpapi.SampleList](t, s.send(t, get("accountant", "samples"))).Samples
		if len(own) != 1 || own[0].ID != s.names["sample"] || own[0].Drawn != nil || own[0].Claims != 3 {
			t.Errorf("their own: %+v", own)
		}
		s.clock.set(today.AddDate(0, 0, 90))
		drawn := decode[httpapi.Sample](t, s.send(t, get("accountant", "samples/{sample}"))).Drawn
		var results []string
		for _, d := range drawn {
			results = append(results, `{"id": "`+d.ID.String()+`", "correct": 1}`)
		}
		s.must(t, post("accountant", "samples/{sample}/results", `{"confidence_percent": 80, "results": [`+strings.Join(results, ",")+`]}`))
		s.fileOf(t, drawn[0])
		s.clock.set(today.AddDate(0, 0, 120))
		s.refuses(t, refusal{"", get("accountant", "samples/{sample}/claims/{index}"), 403, "sample_over", nil})
	})
}

// A person who is forgotten leaves their amounts, and keys that open nothing.
func TestAPersonIsForgotten(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.refuses(t, refusal{"", post("admin", "claimants/{driver}/erase", askErasure), 409, "claims_open", nil})
		version := s.tag(t, "submitted")
		s.must(t, request{as: "driver", line: "POST /v1/claims/{submitted}/withdraw", header: version})
		erased := decode[httpapi.Erasure](t, s.send(t, post("admin", "claimants/{driver}/erase", askErasure)))
		if erased.ClaimantID != s.names["driver"] || erased.Reason != "asked" || erased.Claims != 3 || erased.Keys != 1 || erased.Entries < 3 {
			t.Errorf("erased: %+v", erased)
		}
		s.refuses(t, refusal{"", get("driver", "claims"), 401, "key_not_valid", nil})
		s.refuses(t, refusal{"", get("admin", "claimants/{driver}"), 404, "claimant_erased", nil})
		s.refuses(t, refusal{"", post("admin", "claimants/{driver}/erase", askErasure), 409, "erased_already", nil})
		if a := s.send(t, get("admin", "claims/{submitted}")); a.status != http.StatusOK || strings.Contains(string(a.body), "No calls came") {
			t.Errorf("the claim that stays: %d %s", a.status, a.body)
		}
	})
}

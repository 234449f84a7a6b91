package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
)

// Valid documents. Tests of bad input replace one part of them.
const (
	validIncident = `{
		"name": {"ko": "장애", "en": "Outage"}, "platform": "Kakao", "zone": "Asia/Seoul", "currency": "KRW",
		"starts_at": "2022-10-15T15:30:00+09:00", "ends_at": "2022-10-20T23:00:00+09:00",
		"timestamps": [{"kind": "started", "at": "2022-10-15T15:30:00+09:00", "source": "the operator"}],
		"filing": {"opens_at": "2022-10-19T00:00:00+09:00", "closes_at": "2022-12-01T00:00:00+09:00"},
		"services": ` + validServices + `,
		"scheme": {"id": "sandbox-2022", "version": 1}
	}`
	validServices = `[
		{"code": "taxi", "kind": "ride", "name": {"ko": "택시", "en": "Taxi"}, "windows": [
			{"start": "2022-10-15T15:30:00+09:00", "end": "2022-10-16T01:30:00+09:00", "down_basis_points": 10000},
			{"start": "2022-10-16T01:30:00+09:00", "end": "2022-10-16T14:30:00+09:00", "down_basis_points": 6000, "note": "partly back"}
		]},
		{"code": "hair", "kind": "booking", "name": {"ko": "미용", "en": "Hair"}, "windows": [
			{"start": "2022-10-15T15:30:00+09:00", "end": "2022-10-19T02:30:00+09:00", "down_basis_points": 10000}
		]},
		{"code": "shop", "kind": "order", "name": {"ko": "쇼핑", "en": "Shop"}, "windows": []}
	]`
	validClaim = `{
		"incident_id": "{incident}", "currency": "KRW", "channel": "web",
		"lines": [{
			"service": "taxi", "declared_actual": 25000, "platform_share_basis_points": 7000,
			"closures": [{"start": "2022-10-16T02:00:00+09:00", "end": "2022-10-16T06:00:00+09:00"}],
			"items": [{"kind": "lost_ride", "at": "2022-10-15T18:00:00+09:00", "amount": 12000, "note": "to the airport"}],
			"substitutes": [{"kind": "street_hail", "amount": 5000}]
		}],
		"expenses": [{"kind": "advertising", "amount": 3000}],
		"subscriptions": [{"plan": "Pro", "service": "taxi", "monthly_fee": 39000}],
		"own_margin_basis_points": 8000, "statement": "No calls came."
	}`
	validMerchant = `{
		"kind": "merchant", "name": "새벽미용실", "phone": "02-555-0142", "business_number": "123-45-67891",
		"bank_account": {"bank_code": "004", "number": "123456-04-567890", "holder": "새벽미용실"},
		"zone": "Asia/Seoul", "currency": "KRW", "annual_revenue": 90000000,
		"outlets": [
			{"code": "main", "name": "본점", "sector": "salon", "region": "KR-11"},
			{"code": "second", "name": "역전점", "sector": "salon", "region": "KR-41"}
		]
	}`
	validDriver = `{
		"kind": "driver", "name": "홍길동", "phone": "+82 10 5550 1234", "driver_id": "D-1001",
		"outlets": [
			{"code": "main", "name": "첫째 차", "sector": "taxi", "region": "KR-11"},
			{"code": "second", "name": "둘째 차", "sector": "taxi", "region": "KR-11"},
			{"code": "third", "name": "셋째 차", "sector": "taxi", "region": "KR-11"}
		]
	}`
	validEstimate = `{
		"currency": "KRW", "zone": "Asia/Seoul", "bucket_minutes": 60, "declared_actual": 25000,
		"history": [{"start": "2022-10-14T15:00", "amount": 20000, "count": 3}],
		"windows": [{"start": "2022-10-15T15:30:00+09:00", "end": "2022-10-16T01:30:00+09:00", "down_basis_points": 10000}]
	}`
)

// newTown is a server with an incident in its filing period and others before,
// after and outside it; staff of every role; claimants with histories; and
// claims in every state.
func newTown(t *testing.T, engine string) *server {
	t.Helper()
	s := newServer(t, engine)
	s.staff(t)
	s.must(t, request{as: "admin", line: "POST /v1/schemes", body: sandboxScheme})
	s.incidents(t)
	s.claimants(t)
	s.claims(t)
	return s
}

func (s *server) staff(t *testing.T) {
	t.Helper()
	for _, role := range []identity.Role{identity.Platform, identity.Reviewer, identity.Senior, identity.Payer, identity.Auditor, identity.Accountant} {
		s.issue(t, string(role), claims.KeyRequest{Role: role, Person: "desk-" + string(role)})
	}
	s.issue(t, "revoked", claims.KeyRequest{Role: identity.Admin})
	s.must(t, request{as: "admin", line: "DELETE /v1/keys/{revoked_key}"})
	s.clock.set(today.Add(-48 * time.Hour))
	yesterday := today.Add(-24 * time.Hour)
	s.issue(t, "expired", claims.KeyRequest{Role: identity.Admin, ExpiresAt: &yesterday})
	s.clock.set(today)
	s.tokens["forger"] = s.tokens["admin"][:len(s.tokens["admin"])-4] + "0000"
	s.tokens["stranger"] = "not-a-key"
}

func (s *server) incidents(t *testing.T) {
	t.Helper()
	const filing = `"opens_at": "2022-10-19T00:00:00+09:00", "closes_at": "2022-12-01T00:00:00+09:00"`
	for name, period := range map[string]string{
		"incident": filing,
		"closed":   filing,
		"draft":    filing,
		"soon":     `"opens_at": "2022-11-20T00:00:00+09:00", "closes_at": "2022-12-01T00:00:00+09:00"`,
		"over":     `"opens_at": "2022-10-19T00:00:00+09:00", "closes_at": "2022-10-30T00:00:00+09:00"`,
		"late":     `"opens_at": "2022-10-19T00:00:00+09:00", "closes_at": "2022-10-30T00:00:00+09:00", "late_until": "2022-12-01T00:00:00+09:00"`,
	} {
		s.make(t, name, request{as: "platform", line: "POST /v1/incidents", body: instead(validIncident, filing, period)})
		if name != "draft" {
			s.must(t, request{as: "platform", line: "POST /v1/incidents/{" + name + "}/open", header: map[string]string{"If-Match": `"v1"`}})
		}
	}
	s.must(t, request{as: "platform", line: "POST /v1/incidents/{closed}/close", header: map[string]string{"If-Match": `"v2"`}})
	s.make(t, "bare", request{as: "platform", line: "POST /v1/incidents", body: `{
		"name": {"ko": "장애", "en": "Outage"}, "platform": "Kakao", "zone": "Asia/Seoul", "currency": "KRW",
		"starts_at": "2022-10-15T15:30:00+09:00", "ends_at": "2022-10-20T23:00:00+09:00", "filing": {` + filing + `}
	}`})
}

func (s *server) claimants(t *testing.T) {
	t.Helper()
	s.register(t, "driver", validDriver)
	s.register(t, "newcomer", instead(validDriver, "D-1001", "D-1002"))
	s.register(t, "abroad", instead(validDriver, `"driver_id": "D-1001"`, `"driver_id": "D-1003", "currency": "USD"`))
	s.register(t, "merchant", validMerchant)
	delegate := s.must(t, request{as: "merchant", line: "POST /v1/keys", body: `{"role": "delegate", "label": "bookkeeper"}`})
	s.tokens["delegate"] = delegate["token"].(string)
	csv := map[string]string{"Content-Type": "text/csv"}
	for _, who := range []string{"driver", "newcomer", "merchant"} {
		s.must(t, request{as: who, line: "PUT /v1/claimants/me/revenue/taxi", header: csv, body: hours(84 * 24)})
	}
}

func (s *server) claims(t *testing.T) {
	t.Helper()
	version := map[string]string{"If-Match": `"v1"`}
	s.make(t, "claim", request{as: "driver", line: "POST /v1/claims", body: validClaim})
	s.make(t, "submitted", request{as: "driver", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"outlet": "second", "submit": true, "currency"`)})
	s.make(t, "withdrawn", request{as: "driver", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"outlet": "third", "currency"`)})
	s.must(t, request{as: "driver", line: "POST /v1/claims/{withdrawn}/withdraw", header: version, body: `{"reason": "a mistake"}`})
	s.make(t, "theirs", request{as: "merchant", line: "POST /v1/claims", body: instead(validClaim, `"currency"`, `"submit": true, "currency"`)})
}

// hours is a CSV of that many hours of business up to the outage: the same week
// again and again, with some noise that is always the same.
func hours(n int) string {
	return rowsOf("일시,매출,건수\n", time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC).Add(-time.Duration(n)*time.Hour), n)
}

func rowsOf(header string, start time.Time, n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		at := start.Add(time.Duration(i) * time.Hour)
		amount := 0
		if at.Hour() >= 8 && at.Hour() < 22 {
			amount = 15000 + 100*((i*7919)%97) + 1000*int(at.Weekday())
		}
		fmt.Fprintf(&b, "%s,%d,%d\n", at.Format("2006-01-02 15:04"), amount, amount/5000)
	}
	return b.String()
}

// sandboxScheme is the scheme that the town's incidents pay by.
var sandboxScheme = string(readFile("../scheme/library/sandbox-2022.json"))

package claims_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

// shop is a claimant who is nobody else's twin, unless a test makes them one.
type shop struct {
	claims.Claimant
	actor identity.Actor
}

// shop registers shop number n.
func (s *town) shop(t testing.TB, n int, change ...func(*claims.Claimant)) shop {
	t.Helper()
	c := claims.Claimant{
		Kind: claims.Merchant, Name: fmt.Sprintf("가게 %d", n), Phone: fmt.Sprintf("010-7000-%04d", n), BusinessNumber: fmt.Sprintf("%010d", n),
		Bank: &claims.BankAccount{BankCode: "088", Number: fmt.Sprintf("200-%06d", n), Holder: fmt.Sprintf("가게 %d", n)}, Zone: "Asia/Seoul", Currency: "KRW",
		Outlets: []claims.Outlet{{Code: "main", Name: "본점", Sector: "bakery", Region: "KR-11", PlatformID: fmt.Sprintf("shop-%d", n)}},
	}
	for _, f := range change {
		f(&c)
	}
	registered := s.register(t, c)
	return shop{registered.Claimant, registered.Key.Actor()}
}

// honest is weeks of sales by the hour that end before the outage: ten hours a
// day, six days a week, a few customers an hour, the same for the same seed.
func honest(seed uint64, weeks int) revenue.History {
	r := rand.New(rand.NewPCG(seed, 0))
	end := revenue.LocalOf(outage, seoul).DayStart()
	h := revenue.History{BucketMinutes: 60, Start: end - revenue.Local(weeks)*revenue.Week}
	for at := h.Start; at < end; at += revenue.Hour {
		state, amount, count := revenue.Closed, money.Minor(0), int32(0)
		if hour := at.Clock().Hour(); at.Weekday() != time.Sunday && hour >= 10 && hour < 20 {
			state = revenue.Open
			for range 1 + r.IntN(6) {
				amount += 100 * money.Minor(40+r.IntN(90))
				count++
			}
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
}

// times is h with every amount at so many percent, to whole hundreds.
func times(h revenue.History, percent money.Minor) revenue.History {
	h.Amounts = slices.Clone(h.Amounts)
	for i, a := range h.Amounts {
		h.Amounts[i] = (a*percent/100 + 50) / 100 * 100
	}
	return h
}

// sells uploads a history of the shop in a service.
func (s *town) sells(t testing.TB, by identity.Actor, who shop, outlet, service string, h revenue.History) {
	t.Helper()
	must(s.Upload(t.Context(), by, claims.Upload{ClaimantID: who.ID, Outlet: outlet, Service: service, Summary: json.RawMessage("{}")}, h))(t)
}

// claims is what the shop states of the outage: nothing was earned.
func (s *town) claims(who shop, change ...func(*claims.Draft)) claims.Draft {
	d := claims.Draft{
		IncidentID: s.incident.ID, ClaimantID: who.ID, Outlet: "main", Channel: "api",
		Content: claims.Content{Lines: []claims.LossLine{{Service: "shop", DeclaredActual: ptr(money.Minor(0))}}},
	}
	for _, f := range change {
		f(&d)
	}
	return d
}

// submits files a claim and submits it at once.
func (s *town) submits(t testing.TB, by identity.Actor, draft claims.Draft) claims.Claim {
	t.Helper()
	return must(s.File(t.Context(), by, draft, true, claims.Reply[claims.Claim]{}))(t)
}

// lostItem is one lost order of so much.
func lostItem(amount money.Minor) []claims.LossItem {
	return []claims.LossItem{{Kind: "order", At: outage.Add(time.Hour).UTC(), Amount: amount}}
}

// setPolicy publishes the desk policy with some of its fields changed.
func (s *town) setPolicy(t testing.TB, fields map[string]any) []byte {
	t.Helper()
	document := s.policyWith(t, fields)
	must(s.PublishPolicy(t.Context(), s.as(identity.Admin), 0, document, claims.Reply[claims.Rulebook]{}))(t)
	return document
}

// policyWith is the desk policy in force with some of its fields changed; those
// of an object in it are changed one by one.
func (s *town) policyWith(t testing.TB, fields map[string]any) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(must(s.Policy(t.Context(), s.as(identity.Admin), 0))(t).Bytes, &document); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		inner, ok := value.(map[string]any)
		if !ok {
			document[name] = value
			continue
		}
		maps.Copy(document[name].(map[string]any), inner)
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

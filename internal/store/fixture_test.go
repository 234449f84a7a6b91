package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/store"
)

// at is an instant to the microsecond, the finest that databases keep, n
// minutes after the first one.
func at(n int) time.Time {
	return time.Date(2022, 11, 1, 3, 0, 15, 123_456_000, time.UTC).Add(time.Duration(n) * time.Minute)
}

func ptr[T any](v T) *T { return &v }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// equal compares what was read with what was written; an instant must also come
// back in UTC.
func equal(t testing.TB, what string, want, got any) {
	t.Helper()
	inUTC := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	if diff := cmp.Diff(want, got, inUTC); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func inTx(t testing.TB, db *store.Store, f func(ctx context.Context, tx claims.Tx) error) {
	t.Helper()
	if err := db.InTx(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func aKey(id string) identity.Key {
	return identity.Key{ID: id, Role: identity.Reviewer, Hash: []byte(id), CreatedAt: at(0), ExpiresAt: at(60)}
}

// insertKey writes one key in a transaction of its own: the smallest write.
func insertKey(ctx context.Context, db *store.Store, id string) error {
	return db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error { return tx.InsertKey(ctx, aKey(id)) })
}

// fixture is what other records refer to.
type fixture struct {
	incident claims.Incident
	scheme   claims.SchemeVersion
	merchant claims.Claimant
	driver   claims.Claimant
}

func newFixture(t testing.TB, db *store.Store) fixture {
	t.Helper()
	f := fixture{
		incident: anIncident(),
		scheme:   claims.SchemeVersion{ID: "fair", Version: 1, Title: lang.T("Fair", "공정"), Hash: "a0", Bytes: []byte(`{"id":"fair"}`), CreatedAt: at(0)},
		merchant: aMerchant(),
		driver: claims.Claimant{
			ID: newID(), Kind: claims.Driver, Name: "청구인 둘", Phone: "010-2222-3333", DriverID: "D-1001", Zone: "Asia/Seoul", Currency: "KRW",
			Outlets: []claims.Outlet{{Code: "main", Name: "개인택시", Sector: "taxi", Region: "KR-26", PlatformID: "car-55"}}, Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
		},
	}
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
		for _, insert := range []func() error{
			func() error { return tx.InsertIncident(ctx, f.incident) },
			func() error { return tx.InsertScheme(ctx, f.scheme) },
			func() error { return tx.InsertClaimant(ctx, f.merchant) },
			func() error { return tx.InsertClaimant(ctx, f.driver) },
		} {
			if err := insert(); err != nil {
				return err
			}
		}
		return nil
	})
	return f
}

func anIncident() claims.Incident {
	return claims.Incident{
		ID: newID(), Name: lang.T("Outage", "장애"), Platform: "Kakao", State: claims.IncidentOpen, Zone: "Asia/Seoul", Currency: "KRW",
		StartsAt: at(0), EndsAt: at(600),
		Timestamps: []claims.Timestamp{{Kind: "fire", At: at(-3), Source: "fire service"}, {Kind: "restored", At: at(600), Source: "platform", Note: "all of it"}},
		Filing:     claims.Filing{OpensAt: at(700), ClosesAt: at(9000), LateUntil: ptr(at(10000))},
		Services: []claims.PlatformService{
			{Code: "taxi", Kind: "ride", Name: lang.T("Taxi", "택시"), Windows: []claims.ImpairmentWindow{
				{Start: at(0), End: at(300), DownBasisPoints: 10000, Note: "no calls"}, {Start: at(300), End: at(600), DownBasisPoints: 2500},
			}},
			{Code: "pay", Kind: "payment", Name: lang.T("Payments", "결제"), Windows: []claims.ImpairmentWindow{}},
		},
		Scheme: &claims.SchemeRef{ID: "fair", Version: 1}, Version: 1, CreatedAt: at(1), UpdatedAt: at(2),
	}
}

func aMerchant() claims.Claimant {
	return claims.Claimant{
		ID: newID(), Kind: claims.Merchant, Name: "봄 베이커리", Phone: "010-1234-5678", BusinessNumber: "123-45-67891",
		Bank: &claims.BankAccount{BankCode: "088", Number: "110-123-456789", Holder: "청구인 하나"}, Zone: "Asia/Seoul", Currency: "KRW",
		AnnualRevenue: ptr(money.Minor(240_000_000)), AccountChanged: ptr(at(2)),
		// Not in alphabetical order: outlets stay in the claimant's.
		Outlets: []claims.Outlet{
			{Code: "main", Name: "봄 본점", Sector: "bakery", Region: "KR-11"}, {Code: "annex", Name: "봄 별관", Sector: "cafe", Region: "KR-41", PlatformID: "shop-7781"},
			{Code: "kiosk", Name: "봄 매대", Sector: "bakery", Region: "KR-11"},
		},
		Version: 1, CreatedAt: at(3), UpdatedAt: at(4),
	}
}

func (f fixture) claim(outlet string) claims.Claim {
	id := newID()
	return claims.Claim{
		ID: id, Reference: "R-" + id[28:], IncidentID: f.incident.ID, ClaimantID: f.merchant.ID, Outlet: outlet, Channel: "api",
		State: claims.Drafted, Currency: "KRW", Content: claims.Content{Lines: []claims.LossLine{}}, FiledBy: "key", Version: 1, CreatedAt: at(5), UpdatedAt: at(5),
	}
}

// fullClaim has a value in every field that a claim can have.
func (f fixture) fullClaim(outlet string) claims.Claim {
	c := f.claim(outlet)
	c.State, c.Late, c.SubmittedAt, c.UpdatedAt, c.Version = claims.Submitted, true, ptr(at(8)), at(9), 2
	c.Claimed, c.Estimated, c.Outcome, c.Estimates, c.FiledPerson = money.Max, ptr(money.Minor(0)), "review", 3, "p-filer"
	c.Desk = claims.Desk{
		Sector: "bakery", Region: "KR-11", Unit: bytes.Repeat([]byte{9}, 16), Score: 35, AssignedTo: "p-one", LeaseUntil: ptr(at(40)), Rank: at(41),
		Stake: money.Max, StateSince: at(42), PromisedAt: ptr(at(43)), Waited: 90 * time.Minute, DueAt: ptr(at(44)), Assessed: ptr(money.Minor(70_000)),
		Awarded: ptr(money.Minor(0)), Decisions: 3, Standing: 2, Verdict: claims.Refused, DecidedAt: ptr(at(45)), Automatic: true, HumanAsked: true,
	}
	c.Content = claims.Content{
		Lines: []claims.LossLine{{
			Service: "taxi", DeclaredActual: ptr(money.Minor(0)), PlatformShareBasisPoints: ptr(0),
			Closures:    []claims.Closure{{Start: at(10), End: at(20)}},
			Items:       []claims.LossItem{{Kind: "booking", At: at(30), Amount: 35_000, Note: "박지훈 손님 예약"}},
			Substitutes: []claims.Substitute{{Kind: "street_hail", Amount: 12_000, Note: "길에서"}},
		}, {Service: "pay"}},
		Expenses:             []claims.Expense{{Kind: "added_cost", Amount: 5_000, Note: "전단"}, {Kind: claims.SavedCost, Amount: 1}},
		Subscriptions:        []claims.Subscription{{Plan: "pro", Service: "taxi", MonthlyFee: 39_000}},
		OwnMarginBasisPoints: ptr(0),
		Statement:            "예약이 모두 사라졌습니다. <급합니다>",
	}
	return c
}

func (f fixture) estimate(claimID string, n int) claims.Estimate {
	return claims.Estimate{
		ClaimID: claimID, N: n, Bytes: fmt.Appendf(nil, "{\"n\": %d,  \"raw\": \"\u0000 < \"}", n), Hash: fmt.Sprintf("%064d", n),
		Inputs: fmt.Appendf(nil, `{"model": "m1",  "n": %d}`, n), InputHash: "b1", Model: "m1", Scheme: claims.SchemeRef{ID: "fair", Version: 1},
		Amount: money.Minor(n) * 30_000, Outcome: "pays", MadeAt: at(40 + n),
	}
}

func (f fixture) upload(source revenue.Source, n int) claims.Upload {
	return claims.Upload{
		ID: newID(), ClaimantID: f.merchant.ID, Outlet: "main", Service: "taxi", Source: source, Digest: fmt.Sprintf("%064d", n),
		Summary: json.RawMessage(`{"rows": 3,  "as": "written"}`), Weeks: 3, UploadedBy: "key", UploadedAt: at(50 + n),
	}
}

// history is three weeks of half-hours whose amounts start at first.
func history(first money.Minor) revenue.History {
	monday, err := revenue.ParseLocal("2022-09-05T00:00")
	if err != nil {
		panic(err)
	}
	h := revenue.History{BucketMinutes: 30, Start: monday}
	for i := range 3 * 7 * 48 {
		state := []revenue.State{revenue.Open, revenue.Open, revenue.Closed, revenue.Missing}[i%4]
		h.States = append(h.States, state)
		h.Amounts, h.Counts = append(h.Amounts, 0), append(h.Counts, 0)
		if state == revenue.Open {
			h.Amounts[i], h.Counts[i] = first+money.Minor(i%7), int32(i%3)
		}
	}
	return h
}

func (f fixture) event(t testing.TB, claimID string, n int64) (auditlog.Entry, claims.Event) {
	t.Helper()
	entry, err := auditlog.NewEntry("claim.submitted", claimID, at(int(n)), map[string]any{"n": n})
	if err != nil {
		t.Fatal(err)
	}
	return entry, claims.Event{
		ClaimID: claimID, N: n, Type: entry.Type, At: entry.At, Actor: identity.Claimant, KeyID: "key",
		Data: map[string]any{"late": true, "amount": float64(money.Max), "model": "m<1>"}, EntryID: entry.ID, Leaf: entry.Commitment,
	}
}

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"redress/internal/money"
	"redress/internal/store/storetest"
)

//go:generate go tool -modfile=../internal/tools/go.mod oapi-codegen -config ../internal/tools/client.yaml openapi.yaml

// A client that was generated from the contract, and knows nothing else of the
// program, registers a driver, uploads a history and files a claim.
func TestGeneratedClientFilesAClaim(t *testing.T) {
	storetest.EachOptions(t, func(t *testing.T, flags []string) {
		admin := command(t, append([]string{"keys", "admin"}, flags...)...)
		p := start(t, flags...)
		defer p.kill()
		incident := openIncident(t, caller{p.base, admin}, outage{
			zone: "Asia/Seoul", currency: "KRW", service: "taxi", kind: "ride",
			start: "2022-10-15T15:30:00+09:00", end: "2022-10-16T14:30:00+09:00",
		})
		claimID, c := fileByClient(t, p.base, incident)
		submitted, err := c.SubmitClaimWithResponse(t.Context(), claimID, &SubmitClaimParams{IdempotencyKey: uuid.NewString(), IfMatch: new(`"v1"`)})
		if err != nil || submitted.JSON200 == nil {
			t.Fatalf("submit: %v: %s", err, submitted.Body)
		}
		if s := submitted.JSON200; s.State != ClaimStateSubmitted || s.Estimated == nil || s.Outcome == nil {
			t.Errorf("state %s, estimated %v, outcome %v", s.State, s.Estimated, s.Outcome)
		}
		checkByClient(t, c, claimID)
	})
}

// fileByClient does everything of a claimant up to the draft.
func fileByClient(t *testing.T, base, incident string) (string, *ClientWithResponses) {
	t.Helper()
	anyone, err := NewClientWithResponses(base)
	if err != nil {
		t.Fatal(err)
	}
	registered, err := anyone.RegisterClaimantWithResponse(t.Context(), &RegisterClaimantParams{IdempotencyKey: uuid.NewString()}, ClaimantInput{
		Kind: Driver, Name: "Claimant", Phone: "010-0000-0000", DriverID: new("D-1"),
		Outlets: []Outlet{{Code: "main", Name: "Car", Sector: "taxi", Region: "KR-11"}},
	})
	if err != nil || registered.JSON201 == nil {
		t.Fatalf("register: %v: %s", err, registered.Body)
	}
	key := registered.JSON201.Key.Token
	c, err := NewClientWithResponses(base, WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.NewReader(hourly(10, time.Date(2022, 10, 15, 15, 0, 0, 0, time.UTC)))
	uploaded, err := c.PutRevenueWithBodyWithResponse(t.Context(), "me", "taxi", &PutRevenueParams{}, "text/csv", rows)
	if err != nil || uploaded.JSON200 == nil || !uploaded.JSON200.Stored {
		t.Fatalf("upload: %v: %s", err, uploaded.Body)
	}
	claim := ClaimInput{
		IncidentID:    incident,
		Lines:         []LossLine{{Service: "taxi", DeclaredActual: new(money.Minor(25000))}},
		Subscriptions: []Subscription{{Plan: "Pro", MonthlyFee: 39000}},
	}
	validated, err := c.ValidateClaimWithResponse(t.Context(), claim)
	if err != nil || validated.JSON200 == nil || !validated.JSON200.Valid || validated.JSON200.Estimate == nil {
		t.Fatalf("validate: %v: %s", err, validated.Body)
	}
	params := &FileClaimParams{IdempotencyKey: uuid.NewString()}
	filed, err := c.FileClaimWithResponse(t.Context(), params, claim)
	if err != nil || filed.JSON201 == nil {
		t.Fatalf("file: %v: %s", err, filed.Body)
	}
	params.IdempotencyKey = uuid.NewString()
	again, err := c.FileClaimWithResponse(t.Context(), params, claim)
	if err != nil || again.ApplicationProblemJSON4XX == nil || again.ApplicationProblemJSON4XX.Code != "claim_exists" {
		t.Fatalf("file again: %v: %s", err, again.Body)
	}
	return filed.JSON201.ID, c
}

// checkByClient reads back what was filed.
func checkByClient(t *testing.T, c *ClientWithResponses, claimID string) {
	t.Helper()
	claim, err := c.GetClaimWithResponse(t.Context(), claimID, &GetClaimParams{})
	if err != nil || claim.JSON200 == nil {
		t.Fatalf("read the claim: %v: %s", err, claim.Body)
	}
	read, err := c.GetClaimEstimateWithResponse(t.Context(), claimID)
	if err != nil || read.JSON200 == nil {
		t.Fatalf("read the estimate: %v: %s", err, read.Body)
	}
	var estimate struct {
		Compensation struct{ Amount money.Minor }
		Lines        []struct{ Baseline struct{ Outcome string } }
	}
	if err := json.Unmarshal(*read.JSON200, &estimate); err != nil {
		t.Fatal(err)
	}
	if len(estimate.Lines) != 1 || estimate.Lines[0].Baseline.Outcome != "estimated" {
		t.Errorf("lines %+v", estimate.Lines)
	}
	if got := *claim.JSON200.Estimated; got != estimate.Compensation.Amount || got <= 0 {
		t.Errorf("the claim says %d, its estimate %d", got, estimate.Compensation.Amount)
	}
	events, err := c.ListClaimEventsWithResponse(t.Context(), claimID)
	if err != nil || events.JSON200 == nil || len(events.JSON200.Events) != 2 {
		t.Errorf("events: %v: %s", err, events.Body)
	}
}

package claims

import (
	"fmt"
	"math"
	"slices"
	"time"

	"redress/internal/checks"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Policy is a version of what the desk works by: its deadlines, who may decide
// what, and what is decided without a person.
type Policy struct {
	Version                int             `json:"-"`
	LeaseMinutes           int             `json:"lease_minutes"` // how long a claim stays with a reviewer who does nothing
	ReturnHours            int             `json:"return_hours"`  // and one that comes back to them
	PromiseDays            int             `json:"promise_days"`  // from submission to the promised decision
	RequestDays            int             `json:"request_days"`  // to answer an information request, unless it says otherwise
	AppealDays             int             `json:"appeal_days"`   // to appeal against a decision
	SampleShareBasisPoints int             `json:"sample_share_basis_points"`
	SeniorFromScore        int             `json:"senior_from_score"` // claims of this score and above go to seniors alone
	Authorities            []Authority     `json:"authority"`
	StraightThrough        StraightThrough `json:"straight_through"`
	Evidence               EvidenceLimits  `json:"evidence"`
	Points                 checks.Points   `json:"points"` // that a check gives when it flags a claim
}

// Authority is how much a role may decide alone, in minor units of a currency.
type Authority struct {
	Currency string      `json:"currency"`
	Reviewer money.Minor `json:"reviewer"`
	Senior   money.Minor `json:"senior"`
}

// StraightThrough says which claims are decided at submission without a person.
type StraightThrough struct {
	Enabled              bool          `json:"enabled"`
	MaxAmount            []AmountLimit `json:"max_amount"`             // a currency that is not listed: none
	MaxScore             int           `json:"max_score"`              // a higher score goes to a person
	ToleranceBasisPoints int           `json:"tolerance_basis_points"` // of claimed above the upper end of what is estimated
	MinHistoryWeeks      int           `json:"min_history_weeks"`
}

// AmountLimit is a limit in minor units of a currency.
type AmountLimit struct {
	Currency string      `json:"currency"`
	Amount   money.Minor `json:"amount"`
}

// Limit is the most that is decided without a person in a currency; false when
// nothing is.
func (t StraightThrough) Limit(currency string) (money.Minor, bool) {
	for _, limit := range t.MaxAmount {
		if limit.Currency == currency {
			return limit.Amount, true
		}
	}
	return 0, false
}

// EvidenceLimits bound what one claimant may store.
type EvidenceLimits struct {
	MaxFiles         int   `json:"max_files"` // of one claim
	MaxBytesClaimant int64 `json:"max_bytes_claimant"`
}

const day = 24 * time.Hour

// Lease is how long a claim stays with a reviewer who does nothing.
func (p Policy) Lease() time.Duration { return time.Duration(p.LeaseMinutes) * time.Minute }

// Return is how long a claim that comes back waits for its reviewer.
func (p Policy) Return() time.Duration { return time.Duration(p.ReturnHours) * time.Hour }

// Promise is how long a first decision may take.
func (p Policy) Promise() time.Duration { return time.Duration(p.PromiseDays) * day }

// Request is how long claimants have to answer an information request.
func (p Policy) Request() time.Duration { return time.Duration(p.RequestDays) * day }

// Appeal is how long claimants have to appeal against a decision.
func (p Policy) Appeal() time.Duration { return time.Duration(p.AppealDays) * day }

// Authority is how much a role may decide alone in a currency: an admin
// anything, a reviewer or senior nothing where the policy does not list it.
func (p Policy) Authority(role identity.Role, currency string) money.Minor {
	if role == identity.Admin {
		return money.Max
	}
	for _, a := range p.Authorities {
		switch {
		case a.Currency != currency:
		case role == identity.Reviewer:
			return a.Reviewer
		case role == identity.Senior:
			return a.Senior
		}
	}
	return 0
}

// ParsePolicy reads a desk policy and checks every field of it.
func ParsePolicy(document []byte) (Policy, error) {
	var p Policy
	if err := scheme.Decode(document, &p); err != nil {
		return Policy{}, fault.Under("#", err)
	}
	return p, fault.InvalidFields(p.check())
}

// bound is the range that a number of a rulebook must lie in.
type bound struct {
	pointer   string
	n         int64
	low, high int64
}

func (p Policy) check() []fault.Field {
	const year, minutesOfADay = 365, 24 * 60
	fields := outside([]bound{
		{"#/lease_minutes", int64(p.LeaseMinutes), 1, minutesOfADay},
		{"#/return_hours", int64(p.ReturnHours), 1, 24 * year},
		{"#/promise_days", int64(p.PromiseDays), 1, year},
		{"#/request_days", int64(p.RequestDays), 1, int64(longestRequest / day)},
		{"#/appeal_days", int64(p.AppealDays), 1, year},
		{"#/sample_share_basis_points", int64(p.SampleShareBasisPoints), 0, wholeShare},
		{"#/senior_from_score", int64(p.SeniorFromScore), 1, math.MaxInt32},
		{"#/straight_through/tolerance_basis_points", int64(p.StraightThrough.ToleranceBasisPoints), 0, wholeShare},
		{"#/straight_through/min_history_weeks", int64(p.StraightThrough.MinHistoryWeeks), 0, manyPeriods},
		{"#/evidence/max_files", int64(p.Evidence.MaxFiles), 1, 1_000},
		{"#/evidence/max_bytes_claimant", p.Evidence.MaxBytesClaimant, 1, int64(money.Max)},
	})
	var authorities, limits []string
	for i, a := range p.Authorities {
		at := fmt.Sprintf("#/authority/%d", i)
		fields = append(fields, outside([]bound{
			{at + "/reviewer", int64(a.Reviewer), 0, int64(a.Senior)},
			{at + "/senior", int64(a.Senior), 0, int64(money.Max)},
		})...)
		fields = append(fields, checkCurrency(at+"/currency", a.Currency, authorities)...)
		authorities = append(authorities, a.Currency)
	}
	for i, limit := range p.StraightThrough.MaxAmount {
		at := fmt.Sprintf("#/straight_through/max_amount/%d", i)
		fields = append(fields, outside([]bound{{at + "/amount", int64(limit.Amount), 0, int64(money.Max)}})...)
		fields = append(fields, checkCurrency(at+"/currency", limit.Currency, limits)...)
		limits = append(limits, limit.Currency)
	}
	if refused := fault.As(fault.Under("#/points", p.Points.Validate())); refused != nil {
		fields = append(fields, refused.Fields...)
	}
	return fields
}

func outside(bounds []bound) []fault.Field {
	var fields []fault.Field
	for _, b := range bounds {
		if b.n < b.low || b.n > b.high {
			fields = append(fields, fault.At(b.pointer, "out_of_range", "%d is outside %d..%d.", "%d은(는) %d..%d 범위를 벗어납니다.", b.n, b.low, b.high))
		}
	}
	return fields
}

func checkCurrency(pointer, code string, before []string) []fault.Field {
	if _, err := money.ParseCurrency(code); err != nil {
		return []fault.Field{fault.At(pointer, "unknown_currency", "%q is not an ISO 4217 currency code such as KRW.", "%q은(는) KRW 같은 ISO 4217 통화 코드가 아닙니다.", code)}
	}
	if slices.Contains(before, code) {
		return []fault.Field{fault.At(pointer, "duplicate_currency", "%s is listed twice; list it once.", "%s이(가) 두 번 적혀 있습니다. 한 번만 적으십시오.", code)}
	}
	return nil
}

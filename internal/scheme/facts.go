package scheme

import (
	"reflect"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Facts is everything an evaluation may read about one claim. Amounts are minor
// units of Currency; times are the claimant's wall clock; shares are basis
// points, ten-thousandths.
type Facts struct {
	Currency      string         `json:"currency" doc:"ISO 4217 code; must be the scheme's."`
	ClaimantKind  ClaimantKind   `json:"claimant_kind" doc:"Who claims."`
	Sector        Sector         `json:"sector" doc:"What the claimant does."`
	Region        string         `json:"region,omitempty" doc:"Where the claimant does it."`
	AnnualRevenue *money.Minor   `json:"annual_revenue,omitempty" doc:"Revenue of the last full year; absent when unknown."`
	Headcount     *int           `json:"headcount,omitempty" doc:"Full-time posts; absent when unknown."`
	Conditions    []string       `json:"conditions,omitempty" doc:"Names of the scheme's conditions that were found to hold."`
	Incident      revenue.Span   `json:"incident" doc:"The outage as a whole."`
	Lines         []LossLine     `json:"lines,omitempty" doc:"One per service the claimant lost revenue in."`
	Items         []Item         `json:"items,omitempty" doc:"Single bookings, rides, orders and fares."`
	Expenses      []Expense      `json:"expenses,omitempty" doc:"What the outage made the claimant spend or save."`
	Subscriptions []Subscription `json:"subscriptions,omitempty" doc:"Plans the claimant paid for during the outage."`
	Measures      []Measure      `json:"measures,omitempty" doc:"Amounts from the platform's own books, such as a fee per slot."`
	Books         *Books         `json:"books,omitempty" doc:"What the claimant's own accounts show; absent when not supplied."`
	Pattern       *Pattern       `json:"pattern,omitempty" doc:"Revenue before, during and after, for a causation test."`
	PriorPayments []PriorPayment `json:"prior_payments,omitempty" doc:"What was already paid for the same loss."`
}

// LossLine is what one claimant lost in one service.
type LossLine struct {
	Service string      `json:"service" doc:"The service's name, such as taxi."`
	Kind    ServiceKind `json:"kind" doc:"What a unit of the service is."`
	Windows []Window    `json:"windows" doc:"When the service was down, half-open, disjoint."`
	Outcome LineOutcome `json:"outcome" doc:"Whether the revenue history carries an answer."`
	// Expected, Actual and Shortfall are over all windows; unused when the outcome
	// is cannot_tell.
	Expected  money.Minor `json:"expected" doc:"What would have been earned in the windows."`
	Actual    money.Minor `json:"actual" doc:"What was earned in the windows."`
	Shortfall money.Minor `json:"shortfall" doc:"Expected minus actual, never below 0."`
	// PlatformShareBasisPoints is the part of the revenue that comes through the
	// failed service, as the claim establishes it; nil when it does not.
	PlatformShareBasisPoints *int `json:"platform_share_basis_points,omitempty" doc:"Part of the revenue that comes through the service."`
	// Substitutes is revenue earned instead and not in Actual: street hails, card
	// sales.
	Substitutes money.Minor `json:"substitutes,omitempty" doc:"Revenue earned instead and not counted in actual."`
	// MadeUp is revenue above expectation after restoration: deferred, not lost.
	MadeUp money.Minor `json:"made_up,omitempty" doc:"Revenue above expectation after restoration."`
	// Comparison carries what a stated baseline rule compares; nil when the claim
	// has only an estimate.
	Comparison *Comparison `json:"comparison,omitempty" doc:"What a stated baseline rule compares."`
}

// Window is one impairment window of a service.
type Window struct {
	revenue.Span
	DownBasisPoints int `json:"down_basis_points" doc:"Share of the service that was down; 10000 is all of it."`
}

// Comparison is the revenue of one comparison period and of the periods it may
// be compared with.
type Comparison struct {
	Actual  money.Minor `json:"actual" doc:"Revenue of the period that holds the outage."`
	Periods []Period    `json:"periods" doc:"Revenue of the comparable periods."`
	// PeerRatioBasisPoints is what comparable outlets earned in the base period
	// over what they earned in the comparable periods, for an outlet that has no
	// base period of its own; nil for one that has.
	PeerRatioBasisPoints *int `json:"peer_ratio_basis_points,omitempty" doc:"What comparable outlets earned in the base period over the comparable periods; for an outlet without a base period."`
	// Growth is the outlet's own growth before the incident; nil when unknown.
	Growth *Growth `json:"growth,omitempty" doc:"Revenue of the same months in the base years and just before the incident."`
}

// Growth is revenue of the same months in the base years and just before the
// incident.
type Growth struct {
	Base   money.Minor `json:"base" doc:"In the base years."`
	Recent money.Minor `json:"recent" doc:"Just before the incident."`
}

// Period is the revenue of one comparable period.
type Period struct {
	Start   revenue.Local `json:"start" doc:"Its first minute."`
	Revenue money.Minor   `json:"revenue" doc:"What was earned in it; 0 when closed."`
}

// Item is a single booking, ride, order or fare.
type Item struct {
	Kind    ItemKind      `json:"kind" doc:"What it is."`
	Service string        `json:"service,omitempty" doc:"The service it came or would have come through."`
	At      revenue.Local `json:"at" doc:"When it took place or would have."`
	Amount  money.Minor   `json:"amount" doc:"Its price."`
}

// Expense is a cost the outage caused or saved.
type Expense struct {
	Kind   ExpenseKind `json:"kind" doc:"Caused or saved."`
	Amount money.Minor `json:"amount" doc:"How much."`
	// AvoidedRevenueLoss is the revenue the expense kept; 0 when not established.
	AvoidedRevenueLoss money.Minor `json:"avoided_revenue_loss,omitempty" doc:"Revenue that spending it kept."`
}

// Subscription is a plan the claimant pays for by the month.
type Subscription struct {
	Plan       string      `json:"plan" doc:"The plan's name."`
	Service    string      `json:"service,omitempty" doc:"The service it belongs to; its downtime counts. Absent: the claim's."`
	MonthlyFee money.Minor `json:"monthly_fee" doc:"The price of one month."`
}

// Measure is one observation from the platform's own books.
type Measure struct {
	Kind   string        `json:"kind" doc:"What was measured, such as payment_fee."`
	At     revenue.Local `json:"at" doc:"The start of the slot."`
	Amount money.Minor   `json:"amount" doc:"The amount in the slot; 0 when closed."`
}

// Books are shares of revenue from the claimant's own accounts, basis points.
type Books struct {
	MarginBasisPoints     int `json:"margin_basis_points" doc:"Profit over revenue."`
	ContinuingBasisPoints int `json:"continuing_basis_points,omitempty" doc:"Costs that go on, such as labour and rent, over revenue."`
}

// Pattern is aggregate revenue of the same months before, during and after.
type Pattern struct {
	Before money.Minor `json:"before" doc:"Revenue of the benchmark months."`
	During money.Minor `json:"during" doc:"Revenue of the same months of the incident."`
	After  money.Minor `json:"after" doc:"Revenue of the same months after recovery."`
}

// PriorPayment is money already received for the same loss.
type PriorPayment struct {
	Kind   PaymentKind `json:"kind" doc:"Where it came from."`
	Amount money.Minor `json:"amount" doc:"How much."`
}

// ServiceKind is what a unit of a service is.
type ServiceKind string

// The kinds of service.
const (
	Ride    ServiceKind = "ride"
	Booking ServiceKind = "booking"
	Order   ServiceKind = "order"
	Payment ServiceKind = "payment"
)

func (ServiceKind) options() []string {
	return []string{string(Ride), string(Booking), string(Order), string(Payment)}
}

// LineOutcome says whether a line's history carries an answer.
type LineOutcome string

// The outcomes of a line. Cannot tell is not "no loss".
const (
	LineEstimated  LineOutcome = "estimated"
	LineCannotTell LineOutcome = "cannot_tell"
)

func (LineOutcome) options() []string { return []string{string(LineEstimated), string(LineCannotTell)} }

// ItemKind is what a single item is.
type ItemKind string

// The kinds of item.
const (
	LostBooking    ItemKind = "lost_booking"
	LostRide       ItemKind = "lost_ride"
	LostOrder      ItemKind = "lost_order"
	NoShow         ItemKind = "no_show"         // booked, and did not come because nothing reminded them
	CancelledOrder ItemKind = "cancelled_order" // accepted, then cancelled by the outage
	StreetHail     ItemKind = "street_hail"     // a fare earned without the platform
	AppRide        ItemKind = "app_ride"        // a fare called through the platform
	Dispatch       ItemKind = "dispatch"        // one delivery or call assigned
)

func (ItemKind) options() []string {
	return []string{string(LostBooking), string(LostRide), string(LostOrder), string(NoShow),
		string(CancelledOrder), string(StreetHail), string(AppRide), string(Dispatch)}
}

// ExpenseKind says which way a cost moved.
type ExpenseKind string

// The kinds of expense.
const (
	AddedCost ExpenseKind = "added_cost"
	SavedCost ExpenseKind = "saved_cost"
)

func (ExpenseKind) options() []string { return []string{string(AddedCost), string(SavedCost)} }

// PaymentKind says where a prior payment came from.
type PaymentKind string

// The kinds of prior payment.
const (
	Advance   PaymentKind = "advance" // from this scheme, before its decision
	Refund    PaymentKind = "refund"  // from the platform, outside this scheme
	Grant     PaymentKind = "grant"   // from the public purse
	Insurance PaymentKind = "insurance"
)

func (PaymentKind) options() []string {
	return []string{string(Advance), string(Refund), string(Grant), string(Insurance)}
}

func (k PaymentKind) text() lang.Text {
	switch k {
	case Advance:
		return lang.T("an advance", "선지급")
	case Refund:
		return lang.T("a refund", "환급")
	case Grant:
		return lang.T("a grant", "지원금")
	case Insurance:
		return lang.T("insurance", "보험금")
	}
	return lang.T(string(k), string(k))
}

// ParseFacts reads facts as strictly as Parse reads a scheme: an Invalid fault
// names every problem at once, a Malformed one says that it is not JSON.
func ParseFacts(data []byte) (Facts, error) {
	n, err := readNode(data)
	if err != nil {
		return Facts{}, err
	}
	var f Facts
	var d decoder
	d.decode(n, "", reflect.ValueOf(&f).Elem())
	if len(d.fields) == 0 {
		d.fields = f.problems()
	}
	if err := fault.InvalidFields(d.fields); err != nil {
		return Facts{}, err
	}
	return f, nil
}

// Package baseline answers what an outlet would have earned in the windows of
// an outage, from its own history: the expected sum, the interval of that sum,
// the shortfall, and why. Plain functions on plain data: no clock, no database,
// no randomness; the same input gives the same bytes on any machine.
package baseline

import (
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Window is one impairment window: a half-open span of the claimant's wall
// clock and the share of the service that was down in it.
type Window struct {
	revenue.Span
	DownBasisPoints int // 1..10000; 10000 is a full outage
}

// Evidence says which data, besides what lies before the first window, an
// estimate may learn from.
type Evidence struct {
	// AfterMinutes is how much history from the end of the last window on may be
	// used; 0 uses only what lies before the first window.
	AfterMinutes int64
	// Excluded are spans that say nothing about ordinary business: other outages,
	// closures the claimant stated. They are neither learned from nor expected in.
	Excluded []revenue.Span
	// Country selects the calendar of public holidays ("KR"); "" knows none.
	Country string
}

// Input is everything an estimate depends on.
type Input struct {
	Currency money.Currency
	History  revenue.History
	Windows  []Window // ascending, disjoint, at least one
	Evidence Evidence
	// Closures are spans inside the windows in which the outlet would not have
	// traded anyway (stated by the claimant); nothing is expected there.
	Closures []revenue.Span
	// Declared is what the claimant says was earned in all windows together; used
	// only where the history does not cover them. Nil when nothing was said.
	Declared *money.Minor
	// Peers are histories of comparable outlets, for a history too short to stand
	// alone; empty means none.
	Peers []revenue.History
}

// Outcome says whether the history carries an answer.
type Outcome string

// The outcomes. CannotTell is not "no loss".
const (
	Estimated  Outcome = "estimated"
	CannotTell Outcome = "cannot_tell"
)

// Interval is a range that holds the true sum with a stated probability: the
// range of the sum, never the sum of ranges. Never below 0.
type Interval struct {
	LevelPercent int         `json:"level_percent"` // 80, 90 or 95
	Low          money.Minor `json:"low"`
	High         money.Minor `json:"high"`
}

// ActualSource says where the earned amount comes from.
type ActualSource string

// The sources of the actual, in order of rank.
const (
	ActualHistory  ActualSource = "history"  // the history covers the window
	ActualDeclared ActualSource = "declared" // the claimant's statement
	ActualAssumed  ActualSource = "assumed"  // expected × (1 − share down), for want of both
)

// Figures are expected, actual and shortfall over a window or over all of them.
// Amounts are minor units of the input's currency.
type Figures struct {
	Expected     money.Minor  `json:"expected"`
	Intervals    []Interval   `json:"intervals"` // 80, 90, 95, of the expected sum
	Actual       money.Minor  `json:"actual"`
	ActualSource ActualSource `json:"actual_source"`
	// Shortfall = max(0, expected − actual).
	Shortfall money.Minor `json:"shortfall"`
	// ShortfallIntervals = max(0, interval − actual), per level.
	ShortfallIntervals []Interval `json:"shortfall_intervals"`
}

// WindowFigures are the figures of one impairment window.
type WindowFigures struct {
	Start           string `json:"start"` // local wall clock, 2006-01-02T15:04
	End             string `json:"end"`
	DownBasisPoints int    `json:"down_basis_points"`
	Figures
}

// Placebo is the record of the same method on this outlet's own ordinary past
// windows of the same length and hours, in which nothing had happened.
type Placebo struct {
	Windows       int         `json:"windows"`         // how many past windows were tried
	Inside90      int         `json:"inside_90"`       // of these, true sum inside the 90 % interval
	MeanError     money.Minor `json:"mean_error"`      // mean |expected − true|
	FoundLoss     int         `json:"found_loss"`      // true sum below the 90 % interval: a loss found where none was
	MeanFoundLoss money.Minor `json:"mean_found_loss"` // mean of expected − true over those
}

// Rule is what another rule, one of those that programmes use, would have
// expected of all windows together, beside our answer. It takes the record before
// the windows as it is. It has no range, so it finds a loss wherever less was
// earned than it expects.
type Rule struct {
	Name     string      `json:"name"` // best_week_8, mean_4_weeks, mean_12_weeks or year_before
	Text     lang.Text   `json:"text"`
	Expected money.Minor `json:"expected"`
	// How it fared on those past windows of the placebo record on which it has an
	// answer too.
	Windows       int         `json:"windows"`
	MeanError     money.Minor `json:"mean_error"`      // mean |expected − true|
	Bias          money.Minor `json:"bias"`            // mean of expected − true; below 0 where the rule expects too little
	FoundLoss     int         `json:"found_loss"`      // true sum below the expected one: a loss found where none was
	MeanFoundLoss money.Minor `json:"mean_found_loss"` // mean of expected − true over those
}

// After is what was earned in the days after the last window against what the
// history before the first window lets expect: make-up sales, or a loss that went
// on. It is the same estimate, ranged by the same windows and as many days after
// them in the past. The total and the windows know nothing of it.
//
// The days are whole ones from the first bucket that no window touches, at most
// 14, up to the first bucket that is missing or excluded or the history's end.
// Their sums are set off against each other: a day of make-up sales and a day of
// less than usual cancel out.
type After struct {
	Start     string      `json:"start"` // local wall clock, 2006-01-02T15:04
	End       string      `json:"end"`
	Days      int         `json:"days"`
	Expected  money.Minor `json:"expected"`
	Intervals []Interval  `json:"intervals"` // 80, 90, 95, of the expected sum
	Actual    money.Minor `json:"actual"`    // below 0 counts as 0
	// Rebound = max(0, actual − expected), AfterLoss = max(0, expected − actual);
	// so too their intervals, of the interval of the expected sum.
	Rebound            money.Minor `json:"rebound"`
	ReboundIntervals   []Interval  `json:"rebound_intervals"`
	AfterLoss          money.Minor `json:"after_loss"`
	AfterLossIntervals []Interval  `json:"after_loss_intervals"`
	Text               lang.Text   `json:"text"`
}

// MoreHistory says what a longer history would be worth: about how wide the 90 %
// range of the total would be.
type MoreHistory struct {
	Weeks            int         `json:"weeks"` // that much more before the first day of the history
	HighMinusLowNow  money.Minor `json:"high_minus_low_now"`
	HighMinusLowThen money.Minor `json:"high_minus_low_then"`
	Text             lang.Text   `json:"text"`
}

// LeftOut is a span of the history that was not learned from, and why.
type LeftOut struct {
	Start  string    `json:"start"`
	End    string    `json:"end"`
	Reason string    `json:"reason"` // stable, snake_case
	Text   lang.Text `json:"text"`
}

// Basis says what the estimate stands on.
type Basis struct {
	From           string    `json:"from"` // local wall clock of the history used
	To             string    `json:"to"`
	BucketMinutes  int       `json:"bucket_minutes"`
	OpenBuckets    int       `json:"open_buckets"`
	ClosedBuckets  int       `json:"closed_buckets"`
	MissingBuckets int       `json:"missing_buckets"`
	Method         string    `json:"method"` // stable, snake_case
	MethodText     lang.Text `json:"method_text"`
	LeftOut        []LeftOut `json:"left_out"`
}

// Reason says why there is no answer and what would help.
type Reason struct {
	Code string    `json:"code"` // stable, snake_case
	Text lang.Text `json:"text"`
	Help lang.Text `json:"help"`
}

// Result is the answer. Its JSON is canonical: the same input gives the same
// bytes.
type Result struct {
	Model   string          `json:"model"`
	Outcome Outcome         `json:"outcome"`
	Reason  *Reason         `json:"reason,omitempty"` // set exactly when the outcome is cannot_tell
	Total   *Figures        `json:"total,omitempty"`  // nil when the outcome is cannot_tell
	Windows []WindowFigures `json:"windows"`          // empty when the outcome is cannot_tell
	Placebo Placebo         `json:"placebo"`
	// Rules are the other rules that the history can answer, in a fixed order;
	// empty when the outcome is cannot_tell or peers were borrowed from.
	Rules []Rule `json:"rules"`
	// After is nil where the history does not tell a whole day after the windows,
	// or too little of the past to range it by.
	After *After `json:"after,omitempty"`
	// MoreHistory is nil where a longer history would hardly narrow the range, or
	// that cannot be told.
	MoreHistory *MoreHistory `json:"more_history,omitempty"`
	Basis       Basis        `json:"basis"`
	// Explanation is four sentences: what is usual, what it was, the difference,
	// how sure.
	Explanation []lang.Text `json:"explanation"`
}

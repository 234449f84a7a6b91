// Package checks looks at a claim when it is submitted and says, row by row,
// what a reviewer should look at and why. Each row explains itself in both
// languages with its figures; a flagged row has points, and the score adds them
// up. The score orders work. It never rejects anyone: every pattern looked for
// here has honest reasons too, which is why rows carry a remedy. Plain functions
// on plain data: no clock, no database, no randomness.
//
// What honest businesses look like decides where the limits stand; the doc
// comments of the checks on histories say how often each one is wrong on them.
package checks

import (
	"maps"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Version names the checks and their limits. It changes when any of them does,
// so that stored rows say what they were made by.
const Version = "checks-2"

// Code names a check; stable, snake_case.
type Code string

// The checks on the claim as a whole.
const (
	DuplicateAccount       Code = "duplicate_account"
	DuplicatePhone         Code = "duplicate_phone"
	DuplicateBusiness      Code = "duplicate_business"
	DuplicateDriver        Code = "duplicate_driver"
	SameLoss               Code = "same_loss"
	ClaimedAboveEstimated  Code = "claimed_above_estimated"
	ClosedOrOpenedInWindow Code = "closed_or_opened_in_window"
	AccountChangedLately   Code = "account_changed_lately"
	VelocityKey            Code = "velocity_key"
	VelocityAddress        Code = "velocity_address"
)

// The checks on each line of the claim.
const (
	UploadAgainstLedger Code = "upload_against_ledger"
	HistoryShort        Code = "history_short"
	HistoryRoundNumbers Code = "history_round_numbers"
	HistoryCopiedWeeks  Code = "history_copied_weeks"
	HistoryDigits       Code = "history_digits"
	HistoryEven         Code = "history_even"
	HistoryLevelJump    Code = "history_level_jump"
	ActivityInClosure   Code = "activity_in_closure"
)

// later ends the code of a row that a claim gains after its submission.
const later = "_later"

// Later is the code of what a check finds after the submission, when it is made
// again.
func (c Code) Later() Code { return c + later }

// Check is the check behind the code of a row, which may be a later one.
func (c Code) Check() Code { return Code(strings.TrimSuffix(string(c), later)) }

// ofClaim and ofLine are the checks in the order of their rows. What others do
// after the submission, or the claimant to their account, changes what those
// with again find.
var (
	ofClaim = []struct {
		code  Code
		again bool
		look  func(claim) Row
	}{
		{DuplicateAccount, true, duplicate(Account)},
		{DuplicatePhone, true, duplicate(Phone)},
		{DuplicateBusiness, true, duplicate(BusinessNumber)},
		{DuplicateDriver, true, duplicate(DriverID)},
		{SameLoss, true, duplicate(Unit)},
		{ClaimedAboveEstimated, false, claimedAboveEstimated},
		{ClosedOrOpenedInWindow, false, closedOrOpened},
		{AccountChangedLately, true, accountChanged},
		{VelocityKey, false, velocityOfKey},
		{VelocityAddress, false, velocityOfAddress},
	}
	ofLine = []struct {
		code  Code
		again bool
		look  func(claim, line) Row
	}{
		{UploadAgainstLedger, false, uploadAgainstLedger},
		{HistoryShort, false, historyShort},
		{HistoryRoundNumbers, false, roundNumbers},
		{HistoryCopiedWeeks, true, copiedWeeks},
		{HistoryDigits, false, digits},
		{HistoryEven, false, even},
		{HistoryLevelJump, false, levelJump},
		{ActivityInClosure, false, activityInClosure},
	}
)

// Codes lists all checks in the order of their rows.
func Codes() []Code {
	var codes []Code
	for _, c := range ofClaim {
		codes = append(codes, c.code)
	}
	for _, c := range ofLine {
		codes = append(codes, c.code)
	}
	return codes
}

// Facts is everything the checks know of a claim. Times are on the claimant's
// wall clock; amounts are minor units of the currency.
type Facts struct {
	Currency    money.Currency
	SubmittedAt revenue.Local
	Lines       []Line // one a service
	Amounts     Amounts
	// Matches are what was found under each identifier that the claimant has; an
	// identifier that they do not have is absent.
	Matches map[Identifier]Match
	// AccountChangedAt is when the bank account was last replaced by another; nil
	// when it is still the first.
	AccountChangedAt *revenue.Local
	// FirstTrade and LastTrade are the days on which the outlet opened and closed
	// for good, where a register says so; otherwise the histories are asked.
	FirstTrade, LastTrade *revenue.Local
	// KeyRate counts the claims filed with the same key; nil for keys that file for
	// many by their duty, those of staff and platforms.
	KeyRate *Rate
	// AddressRate counts the claims filed from the same network address; nil where
	// there is none (paper, phone).
	AddressRate *Rate
}

// Line is the loss in one service, and what is held of it. A history that does
// not pass revenue.History.Validate counts as none.
type Line struct {
	Service  string
	Windows  []revenue.Span // in which the service was impaired
	Closures []revenue.Span // stated by the claimant
	Ledger   revenue.History
	Upload   revenue.History
	Amounts  Amounts
	// LargestItem is the largest single sale that is claimed as lost; 0 when the
	// claim does not name single ones.
	LargestItem money.Minor
	// CopiesOf is how many other claimants uploaded a history that shares one of
	// its Fingerprints with this upload, OwnCopies in how many other outlets with a
	// claim the same claimant did.
	CopiesOf, OwnCopies int
}

// Amounts is a loss as claimed and as estimated.
type Amounts struct {
	Claimed   *money.Minor // nil when the claimant leaves the amount to the estimate
	Estimated *Estimated   // nil when the estimate cannot tell
}

// Estimated is an estimated loss and the interval that holds it with 90 %
// probability.
type Estimated struct {
	Amount, Low, High money.Minor
}

// Result is what a check found.
type Result string

// The results. Flagged asks for a look, nothing more.
const (
	Passed        Result = "passed"
	Flagged       Result = "flagged"
	NotApplicable Result = "not_applicable" // what the check needs is not there
)

// Row is what one check found on the claim, or on one of its lines.
type Row struct {
	Code    Code       `json:"code"`
	Service string     `json:"service,omitempty"` // of the line; empty for a check on the whole claim
	Result  Result     `json:"result"`
	Points  int        `json:"points"` // 0 unless flagged
	Detail  lang.Text  `json:"detail"` // for staff: the figures, and from where on they are looked at
	Remedy  *lang.Text `json:"remedy,omitempty"`
	// Facts are the figures of the detail as integers: counts, percent, minutes
	// or minor units. They hold no personal data.
	Facts map[string]any `json:"facts"`
}

// Run makes every check: a row for each check on the claim, then for each line,
// by service, a row for each check on lines. The order of lines, windows and
// closures makes no difference.
func Run(f Facts, points Points) []Row {
	c := prepare(f)
	var rows []Row
	for _, check := range ofClaim {
		rows = append(rows, points.give(check.code, "", check.look(c)))
	}
	for _, l := range c.lines {
		for _, check := range ofLine {
			rows = append(rows, points.give(check.code, l.Service, check.look(c, l)))
		}
	}
	return rows
}

// Again makes those checks once more whose result others, or a new account, may
// have changed since the submission, and returns what is flagged now, under
// later codes. The facts of all other checks may be left out.
func Again(f Facts, points Points) []Row {
	c := prepare(f)
	var rows []Row
	keep := func(code Code, service string, r Row) {
		if r.Result == Flagged {
			row := points.give(code, service, r)
			row.Code = code.Later()
			rows = append(rows, row)
		}
	}
	for _, check := range ofClaim {
		if check.again {
			keep(check.code, "", check.look(c))
		}
	}
	for _, l := range c.lines {
		for _, check := range ofLine {
			if check.again {
				keep(check.code, l.Service, check.look(c, l))
			}
		}
	}
	return rows
}

// claim is the facts made ready: lines in order, histories that can be used.
type claim struct {
	Facts
	lines []line // by service
}

type line struct {
	Line
	held revenue.History // ledger and upload joined, the ledger outranking
}

func prepare(f Facts) claim {
	c := claim{Facts: f}
	for _, l := range f.Lines {
		l.Ledger, l.Upload = usable(l.Ledger), usable(l.Upload)
		// Usable histories of any two lengths can be joined.
		held, _ := revenue.Merge(l.Ledger, l.Upload)
		c.lines = append(c.lines, line{Line: l, held: held})
	}
	slices.SortStableFunc(c.lines, func(a, b line) int { return strings.Compare(a.Service, b.Service) })
	return c
}

// farthest keeps the start of a usable history where no sum of times overflows:
// some 1900 years to either side of 1970.
const farthest = revenue.Local(1_000_000_000)

func usable(h revenue.History) revenue.History {
	if h.Len() == 0 || h.Validate() != nil || h.Start < -farthest || h.Start > farthest {
		return revenue.History{}
	}
	return h
}

// Score is the sum of the points of the rows.
func Score(rows []Row) int {
	sum := 0
	for _, r := range rows {
		sum += r.Points
	}
	return sum
}

// Points says how many points each check gives when it is flagged. It is
// versioned data: rows keep the points they were given.
type Points map[Code]int

// mostPoints keeps one check from drowning all others.
const mostPoints = 100

// DefaultPoints is the table for where no other is set. Points go by how hard it
// is to come to the pattern honestly: equal identifiers and copied weeks most, a
// short history and a shared address least.
func DefaultPoints() Points {
	return Points{
		DuplicateAccount: 30, DuplicatePhone: 15, DuplicateBusiness: 40, DuplicateDriver: 40, SameLoss: 40,
		ClaimedAboveEstimated: 15, ClosedOrOpenedInWindow: 20, AccountChangedLately: 15, VelocityKey: 10, VelocityAddress: 5,
		UploadAgainstLedger: 25, HistoryShort: 5, HistoryRoundNumbers: 15, HistoryCopiedWeeks: 40, HistoryDigits: 10,
		HistoryEven: 15, HistoryLevelJump: 20, ActivityInClosure: 15,
	}
}

// Validate refuses a table that leaves a check out, names one that does not
// exist, or gives points outside 0..100. A pointer is "/" and the code.
func (p Points) Validate() error {
	var fields []fault.Field
	known := Codes()
	for _, code := range known {
		if n, ok := p[code]; !ok || n < 0 || n > mostPoints {
			fields = append(fields, fault.At("/"+string(code), "points_out_of_range", "must be a number from 0 to %d.", "0에서 %d 사이의 수여야 합니다.", mostPoints))
		}
	}
	for _, code := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(known, code) {
			fields = append(fields, fault.At("/"+string(code), "unknown_check", "is not a check.", "그런 점검은 없습니다."))
		}
	}
	return fault.InvalidFields(fields)
}

// give completes a row with whose it is and what it counts.
func (p Points) give(code Code, service string, r Row) Row {
	r.Code, r.Service = code, service
	if r.Result == Flagged {
		r.Points = p[code]
	}
	if r.Facts == nil {
		r.Facts = figures{}
	}
	return r
}

// figures are a row's facts.
type figures = map[string]any

// verdict is a row that passed, or was flagged and has the remedy.
func verdict(flagged bool, detail, remedy lang.Text, facts figures) Row {
	if flagged {
		return Row{Result: Flagged, Detail: detail, Remedy: &remedy, Facts: facts}
	}
	return Row{Result: Passed, Detail: detail, Facts: facts}
}

// notApplicable is a row of a check that lacks what it needs.
func notApplicable(why lang.Text, facts figures) Row {
	return Row{Result: NotApplicable, Detail: why, Facts: facts}
}

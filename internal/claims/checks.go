package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"redress/internal/baseline"
	"redress/internal/checks"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

// CheckList is what the checks of the newest submission found. The score adds up
// the points; it sorts claims and rejects none.
type CheckList struct {
	Score int
	Rows  []CheckRow
}

// aboutOthers are the checks that look at other claimants, too. What they find
// is no business of the claimant's.
var aboutOthers = []checks.Code{
	checks.DuplicateAccount, checks.DuplicatePhone, checks.DuplicateBusiness, checks.DuplicateDriver, checks.SameLoss,
	checks.VelocityKey, checks.VelocityAddress,
}

// Checks finds the checks of the newest submission of a claim that the actor may
// see. Its claimant gets what they can do about those that were flagged: code,
// service, result and remedy, without score and figures.
func (s *Service) Checks(ctx context.Context, actor identity.Actor, claimID string) (CheckList, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims)
	if err != nil {
		return CheckList{}, err
	}
	if err := s.looked(ctx, actor, claim, readClaim, ""); err != nil {
		return CheckList{}, err
	}
	rows, err := s.store.Checks(ctx, claimID)
	if err != nil || !actor.Owns(claim.ClaimantID) {
		return CheckList{Score: claim.Score, Rows: rows}, err
	}
	return CheckList{Rows: remedies(rows)}, nil
}

// remedies are the rows that tell a claimant what they can do, with nothing else
// in them.
func remedies(rows []CheckRow) []CheckRow {
	shown := []CheckRow{}
	for _, row := range rows {
		if row.flagged() && row.Remedy != nil && !slices.Contains(aboutOthers, checks.Code(row.Code)) {
			shown = append(shown, CheckRow{
				ClaimID: row.ClaimID, Round: row.Round, Code: row.Code, Service: row.Service, Result: row.Result, Remedy: row.Remedy,
			})
		}
	}
	return shown
}

func (row CheckRow) flagged() bool { return row.Result == string(checks.Flagged) }

// checkRows are the rows of the checks made with an estimate, to be stored.
func checkRows(estimate Estimate, rows []checks.Row) []CheckRow {
	stored := make([]CheckRow, len(rows))
	for i, row := range rows {
		stored[i] = CheckRow{
			ClaimID: estimate.ClaimID, Round: estimate.N, Code: string(row.Code), Service: row.Service, Result: string(row.Result),
			Points: row.Points, Detail: row.Detail, Remedy: row.Remedy, Facts: row.Facts,
		}
	}
	return stored
}

// checkFacts collects what the checks know of a claim that is being submitted.
// When an outlet opened and closed for good no register tells here.
func (s *Service) checkFacts(ctx context.Context, claim Claim, f filing, estimate Estimate, holdings []holding) (checks.Facts, error) {
	currency, err := money.ParseCurrency(claim.Currency)
	if err != nil {
		return checks.Facts{}, err
	}
	now := s.now()
	twins, err := s.store.Twins(ctx, claim, f.claimant, now)
	if err != nil {
		return checks.Facts{}, err
	}
	said, err := estimate.said()
	if err != nil {
		return checks.Facts{}, err
	}
	facts := checks.Facts{
		Currency: currency, SubmittedAt: revenue.LocalOf(now, f.zone), Matches: f.matches(twins),
		Amounts: checks.Amounts{Claimed: stated(claim.Claimed), Estimated: said.loss(costs(f.Expenses))},
	}
	if changed := f.claimant.AccountChanged; changed != nil {
		local := revenue.LocalOf(*changed, f.zone)
		facts.AccountChangedAt = &local
	}
	if claim.FiledPerson == "" {
		facts.KeyRate = &checks.Rate{LastHour: twins.KeyHour + 1, LastDay: twins.KeyDay + 1}
	}
	if claim.Address != "" {
		facts.AddressRate = &checks.Rate{LastHour: twins.AddressHour + 1, LastDay: twins.AddressDay + 1}
	}
	for i, l := range f.Lines {
		line, err := s.checkLine(ctx, f, l, said.Lines[i], holdings[i])
		if err != nil {
			return checks.Facts{}, err
		}
		facts.Lines = append(facts.Lines, line)
	}
	return facts, nil
}

func (s *Service) checkLine(ctx context.Context, f filing, l LossLine, said saidLine, held holding) (checks.Line, error) {
	line := checks.Line{
		Service: l.Service, Ledger: held.sources[revenue.FromPlatform], Upload: held.sources[revenue.FromClaimant],
		Amounts: checks.Amounts{Claimed: stated(lost(l)), Estimated: said.loss()},
	}
	service, _ := f.incident.Service(l.Service)
	for _, w := range service.Windows {
		line.Windows = append(line.Windows, f.local(w.Start, w.End))
	}
	for _, c := range l.Closures {
		line.Closures = append(line.Closures, f.local(c.Start, c.End))
	}
	var err error
	line.CopiesOf, err = s.store.Copies(ctx, f.claimant.ID, checks.Fingerprints(line.Upload))
	return line, err
}

// matches are the look-alikes of a claimant by each identifier that they have.
// No two claimants have one business number or driver's id: the store refuses
// the second.
func (f filing) matches(twins Twins) map[checks.Identifier]checks.Match {
	found := map[checks.Identifier]checks.Match{
		checks.Phone: {Claimants: twins.Phone, Claims: twins.PhoneClaims, Favourable: twins.PhoneAwarded},
	}
	if f.claimant.Bank != nil {
		found[checks.Account] = checks.Match{Claimants: twins.Account, Claims: twins.AccountClaims, Favourable: twins.AccountAwarded}
	}
	if f.claimant.BusinessNumber != "" {
		found[checks.BusinessNumber] = checks.Match{}
	}
	if f.claimant.DriverID != "" {
		found[checks.DriverID] = checks.Match{}
	}
	if outlet, _ := f.claimant.Outlet(f.Outlet); outlet.PlatformID != "" || f.claimant.DriverID != "" {
		// Each of them has one claim for the unit.
		found[checks.Unit] = checks.Match{Claimants: twins.Unit, Claims: twins.Unit, Favourable: twins.UnitAwarded}
	}
	return found
}

// stated is an amount that a claimant states; nil when they leave it to the
// estimate.
func stated(amount money.Minor) *money.Minor {
	if amount == 0 {
		return nil
	}
	return &amount
}

// lost is what the items of a line add up to, within what the whole claim was
// summed to.
func lost(l LossLine) money.Minor {
	var sum money.Minor
	for _, item := range l.Items {
		if !counted[item.Kind] {
			sum += item.Amount
		}
	}
	return sum
}

// costs is what the outage cost besides, as stated.
func costs(expenses []Expense) money.Minor {
	var sum money.Minor
	for _, e := range expenses {
		if e.Kind != SavedCost {
			sum += e.Amount
		}
	}
	return sum
}

// said is what an estimate's document says of each line.
type said struct {
	Lines []saidLine `json:"lines"`
}

type saidLine struct {
	Baseline struct {
		Total *baseline.Figures `json:"total"`
		Basis baseline.Basis    `json:"basis"`
	} `json:"baseline"`
}

func (e Estimate) said() (said, error) {
	var s said
	if err := json.Unmarshal(e.Bytes, &s); err != nil {
		return said{}, fmt.Errorf("estimate of claim %s: %w", e.ClaimID, err)
	}
	return s, nil
}

// loss is the loss of all lines, and costs that no history tells; nil when a line
// has no estimate. The ends of ranges are added up, which makes the range of
// several lines too wide rather than too narrow.
func (s said) loss(costs money.Minor) *checks.Estimated {
	all := checks.Estimated{Amount: costs, Low: costs, High: costs}
	for _, l := range s.Lines {
		one := l.loss()
		if one == nil {
			return nil
		}
		all.Amount, all.Low, all.High = all.Amount+one.Amount, all.Low+one.Low, all.High+one.High
	}
	return &all
}

// loss is the loss of a line with its 90 % range; nil when there is no estimate.
func (l saidLine) loss() *checks.Estimated {
	total := l.Baseline.Total
	if total == nil {
		return nil
	}
	one := checks.Estimated{Amount: total.Shortfall, Low: total.Shortfall, High: total.Shortfall}
	for _, interval := range total.ShortfallIntervals {
		if interval.LevelPercent == evidenceLevel {
			one.Low, one.High = interval.Low, interval.High
		}
	}
	return &one
}

// weeks is how many weeks of known trading and rest the estimate stands on, by
// the line that has the fewest.
func (s said) weeks() int64 {
	fewest := int64(manyPeriods)
	for _, l := range s.Lines {
		basis := l.Baseline.Basis
		fewest = min(fewest, int64(basis.OpenBuckets+basis.ClosedBuckets)*int64(basis.BucketMinutes)/int64(revenue.Week))
	}
	return fewest
}

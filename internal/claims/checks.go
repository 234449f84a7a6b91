package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

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
	claim, err := s.view(ctx, actor, claimID)
	if err != nil {
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
		if row.flagged() && row.Remedy != nil && !slices.Contains(aboutOthers, checks.Code(row.Code).Check()) {
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
		stored[i] = checkRow(estimate.ClaimID, estimate.N, row)
	}
	return stored
}

func checkRow(claimID string, round int, row checks.Row) CheckRow {
	return CheckRow{
		ClaimID: claimID, Round: round, Code: string(row.Code), Service: row.Service, Result: string(row.Result),
		Points: row.Points, Detail: row.Detail, Remedy: row.Remedy, Facts: row.Facts,
	}
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
	facts := f.claimantFacts(now, twins)
	facts.Currency, facts.Amounts = currency, checks.Amounts{Claimed: stated(claim.Claimed), Estimated: said.loss(costs(f.Expenses))}
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
	line, err := f.line(ctx, s.store, l, held.sources[revenue.FromClaimant])
	line.Ledger, line.Amounts = held.sources[revenue.FromPlatform], checks.Amounts{Claimed: stated(lost(l)), Estimated: said.loss()}
	for _, c := range l.Closures {
		line.Closures = append(line.Closures, f.local(c.Start, c.End))
	}
	line.LargestItem = largestItem(l)
	return line, err
}

// largestItem is the largest of several single sales that are claimed; one alone
// may be the sum of many, and is 0 here.
func largestItem(l LossLine) money.Minor {
	largest, items := money.Minor(0), 0
	for _, item := range l.Items {
		if !counted[item.Kind] {
			largest, items = max(largest, item.Amount), items+1
		}
	}
	if items < 2 {
		return 0
	}
	return largest
}

// checkAgain makes those checks of a submitted claim once more whose result
// others, or a new account, may have changed since. What is flagged now and was
// not then becomes rows beside those of the submission, and counts in the score.
// It answers the codes of what it added.
func (s *Service) checkAgain(ctx context.Context, tx Tx, claim *Claim, policy Policy) ([]string, error) {
	made, err := tx.Checks(ctx, claim.ID)
	if err != nil || len(made) == 0 {
		return nil, err
	}
	facts, err := s.factsAgain(ctx, tx, *claim)
	if err != nil {
		return nil, fmt.Errorf("facts of the checks of claim %s: %w", claim.ID, err)
	}
	var added []CheckRow
	var codes []string
	for _, row := range checks.Again(facts, policy.Points) {
		known := slices.ContainsFunc(made, func(m CheckRow) bool {
			return m.flagged() && m.Service == row.Service && checks.Code(m.Code).Check() == row.Code.Check()
		})
		if !known {
			added = append(added, checkRow(claim.ID, made[0].Round, row))
			codes = append(codes, string(row.Code))
			claim.Score += row.Points
		}
	}
	return codes, tx.InsertChecks(ctx, added)
}

// factsAgain are the facts of those checks that are made again.
func (s *Service) factsAgain(ctx context.Context, tx Tx, claim Claim) (checks.Facts, error) {
	claimant, err := tx.Claimant(ctx, claim.ClaimantID)
	if err != nil {
		return checks.Facts{}, err
	}
	incident, err := tx.Incident(ctx, claim.IncidentID)
	if err != nil {
		return checks.Facts{}, err
	}
	f, err := newFiling(Draft{IncidentID: claim.IncidentID, ClaimantID: claim.ClaimantID, Outlet: claim.Outlet, Content: claim.Content}, incident, claimant)
	if err != nil {
		return checks.Facts{}, err
	}
	twins, err := tx.Twins(ctx, claim, claimant, s.now())
	if err != nil {
		return checks.Facts{}, err
	}
	facts := f.claimantFacts(*claim.SubmittedAt, twins)
	for _, l := range f.Lines {
		uploads, err := uploaded(ctx, tx, claimant.ID, l.Service, []string{f.Outlet})
		if err != nil {
			return checks.Facts{}, err
		}
		line, err := f.line(ctx, tx, l, uploads[f.Outlet])
		if err != nil {
			return checks.Facts{}, err
		}
		facts.Lines = append(facts.Lines, line)
	}
	return facts, nil
}

// claimantFacts are what the checks know of whoever claims, and of their look-alikes.
func (f filing) claimantFacts(submitted time.Time, twins Twins) checks.Facts {
	facts := checks.Facts{SubmittedAt: revenue.LocalOf(submitted, f.zone), Matches: f.matches(twins)}
	if changed := f.claimant.AccountChanged; changed != nil {
		local := revenue.LocalOf(*changed, f.zone)
		facts.AccountChangedAt = &local
	}
	return facts
}

// line is a line with the claimant's upload for it, and how many others, and own
// outlets, have one that is like it.
func (f filing) line(ctx context.Context, r Reader, l LossLine, upload revenue.History) (checks.Line, error) {
	line := checks.Line{Service: l.Service, Upload: upload}
	service, _ := f.incident.Service(l.Service)
	for _, w := range service.Windows {
		line.Windows = append(line.Windows, f.local(w.Start, w.End))
	}
	marks := checks.Fingerprints(upload)
	if len(marks) == 0 {
		return line, nil
	}
	var err error
	if line.CopiesOf, err = r.Copies(ctx, f.claimant.ID, marks); err != nil {
		return line, err
	}
	line.OwnCopies, err = f.ownCopies(ctx, r, l.Service, marks)
	return line, err
}

// outletsCompared bounds with how many of a claimant's own outlets one is
// compared.
const outletsCompared = 20

// ownCopies counts the claimant's other outlets that claim for the incident with
// an upload that carries one of the marks.
func (f filing) ownCopies(ctx context.Context, r Reader, service string, marks []uint64) (int, error) {
	var claiming []string
	for _, o := range f.claimant.Outlets {
		if o.Code == f.Outlet || len(claiming) == outletsCompared {
			continue
		}
		claims, err := r.ClaimExists(ctx, f.incident.ID, f.claimant.ID, o.Code)
		if err != nil {
			return 0, err
		}
		if claims {
			claiming = append(claiming, o.Code)
		}
	}
	uploads, err := uploaded(ctx, r, f.claimant.ID, service, claiming)
	copies := 0
	for _, h := range uploads {
		if slices.ContainsFunc(checks.Fingerprints(h), func(mark uint64) bool { return slices.Contains(marks, mark) }) {
			copies++
		}
	}
	return copies, err
}

// uploaded finds what a claimant uploaded for outlets in a service, by outlet.
func uploaded(ctx context.Context, r Reader, claimantID, service string, outlets []string) (map[string]revenue.History, error) {
	outletOf := map[string]string{} // by upload
	for _, outlet := range outlets {
		current, err := r.Uploads(ctx, claimantID, outlet, service)
		if err != nil {
			return nil, err
		}
		for _, u := range current {
			if u.Source == revenue.FromClaimant {
				outletOf[u.ID] = outlet
			}
		}
	}
	held, err := r.Histories(ctx, slices.Collect(maps.Keys(outletOf)))
	if err != nil {
		return nil, err
	}
	found := map[string]revenue.History{}
	for id, h := range held {
		found[outletOf[id]] = h.History
	}
	return found, nil
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

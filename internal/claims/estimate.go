package claims

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// Estimate is the immutable record of what a claim's history says and what the
// scheme pays on it. Bytes is the whole of it; the other fields repeat what is
// looked for.
type Estimate struct {
	ClaimID   string
	N         int    // within the claim, from 1
	Bytes     []byte // the JSON document, stored and served exactly so
	Hash      string // SHA-256 of Bytes, hexadecimal
	Inputs    []byte // everything it was made from but the histories, whose digests it holds
	InputHash string // SHA-256 of Inputs, hexadecimal
	Model     string
	Scheme    SchemeRef
	Amount    money.Minor // what the scheme pays
	Outcome   string      // of the scheme
	Shortfall money.Minor // of all lines; known when it is made, not stored beside Bytes
	MadeAt    time.Time
	Record    *EstimateRecord // for statistics, when it is made from histories; nil otherwise
}

// AfterMinutes is how much history from the end of the outage on an estimate
// may learn from, where it exists.
const AfterMinutes = int64(2 * revenue.Week)

// document is an estimate's JSON. The order of its fields is its canonical form.
type document struct {
	ClaimID      string        `json:"claim_id,omitempty"`
	N            int           `json:"n,omitempty"`
	MadeAt       string        `json:"made_at,omitempty"`
	Currency     string        `json:"currency"`
	Zone         string        `json:"zone"`
	Model        string        `json:"model"`
	Incident     incidentRef   `json:"incident"`
	Scheme       schemeHash    `json:"scheme"`
	InputHash    string        `json:"input_hash"`
	Lines        []line        `json:"lines"`
	Compensation scheme.Result `json:"compensation"`
}

type incidentRef struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

type schemeHash struct {
	SchemeRef
	Hash string `json:"hash"`
}

type line struct {
	Service  string          `json:"service"`
	Kind     string          `json:"kind"`
	Uploads  []string        `json:"uploads"`
	Baseline baseline.Result `json:"baseline"`
}

// inputs is everything an estimate is made from; it is stored with the estimate
// in the exact bytes that its input hash covers, so that anybody with the
// histories can make it again.
type inputs struct {
	Model    string       `json:"model"`
	Currency string       `json:"currency"`
	Zone     string       `json:"zone"`
	Incident incidentRef  `json:"incident"`
	Scheme   schemeHash   `json:"scheme"`
	Lines    []lineInputs `json:"lines"`
	// Facts are what the scheme reads, without the lines that the estimate fills.
	Facts scheme.Facts `json:"facts"`
}

type lineInputs struct {
	Service       string            `json:"service"`
	Kind          string            `json:"kind"`
	Uploads       []string          `json:"uploads"`
	HistoryDigest string            `json:"history_digest"`
	Windows       []baseline.Window `json:"windows"`
	Evidence      baseline.Evidence `json:"evidence"`
	Closures      []revenue.Span    `json:"closures"`
	Declared      *money.Minor      `json:"declared"`
	PlatformShare *int              `json:"platform_share_basis_points"`
	Substitutes   money.Minor       `json:"substitutes"`
}

// estimate makes the estimate of a checked filing, and answers with it what is
// held for each line. It reads histories and computes; nothing is stored.
func (s *Service) estimate(ctx context.Context, f filing, claimID string, n int) (Estimate, []holding, error) {
	rules, err := s.ruling(ctx, *f.incident.Scheme)
	if err != nil {
		return Estimate{}, nil, fmt.Errorf("scheme of incident %s: %w", f.incident.ID, err)
	}
	in := inputs{
		Model: baseline.Model, Currency: f.incident.Currency, Zone: f.claimant.Zone,
		Incident: incidentRef{ID: f.incident.ID, Version: f.incident.Version},
		Scheme:   schemeHash{SchemeRef: *f.incident.Scheme, Hash: rules.Hash()},
		Facts:    f.facts(),
	}
	var histories []revenue.History
	var holdings []holding
	for _, l := range f.Lines {
		line, held, err := s.gather(ctx, f, l)
		if err != nil {
			return Estimate{}, nil, fmt.Errorf("history of service %s: %w", l.Service, err)
		}
		in.Lines, histories, holdings = append(in.Lines, line), append(histories, held.joined), append(holdings, held)
	}
	made, err := in.estimate(histories, rules, claimID, n, s.now())
	if err == nil && made.Record.Share == nil && len(f.claimant.Outlets) == 1 {
		made.Record.Share = shareOf(in.Facts.Incident, histories, f.claimant.AnnualRevenue)
	}
	return made, holdings, err
}

// gather collects what the estimate of one service is made from.
func (s *Service) gather(ctx context.Context, f filing, l LossLine) (lineInputs, holding, error) {
	held, err := s.holding(ctx, f.claimant.ID, f.Outlet, l.Service)
	if err != nil {
		return lineInputs{}, holding{}, err
	}
	excluded, err := s.otherOutages(ctx, f.incident, l.Service, f.zone)
	if err != nil {
		return lineInputs{}, holding{}, err
	}
	service, _ := f.incident.Service(l.Service)
	line := lineInputs{
		Service: l.Service, Kind: service.Kind, Uploads: held.uploads, HistoryDigest: held.digest,
		Evidence: baseline.Evidence{AfterMinutes: AfterMinutes, Excluded: excluded, Country: CountryOf(f.claimant.Zone)},
		Declared: l.DeclaredActual, PlatformShare: l.PlatformShareBasisPoints,
	}
	for _, w := range service.Windows {
		line.Windows = append(line.Windows, baseline.Window{Span: f.local(w.Start, w.End), DownBasisPoints: w.DownBasisPoints})
	}
	for _, c := range l.Closures {
		line.Closures = append(line.Closures, f.local(c.Start, c.End))
	}
	for _, sub := range l.Substitutes {
		// An amount beyond the range makes the facts unusable, which the scheme says.
		line.Substitutes += sub.Amount
	}
	return line, held, nil
}

// estimate computes the whole document: a pure function of the inputs, the
// histories (one for each line), the rules and what names the estimate.
func (in inputs) estimate(histories []revenue.History, rules *scheme.Scheme, claimID string, n int, madeAt time.Time) (Estimate, error) {
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return Estimate{}, err
	}
	results := make([]baseline.Result, len(in.Lines))
	for i, l := range in.Lines {
		results[i], err = baseline.Estimate(baseline.Input{
			Currency: currency, History: histories[i], Windows: l.Windows, Evidence: l.Evidence, Closures: l.Closures, Declared: l.Declared,
		})
		if err != nil {
			return Estimate{}, fmt.Errorf("estimate of service %s: %w", l.Service, err)
		}
	}
	made, err := in.evaluate(results, histories, rules, claimID, n, madeAt)
	made.Record = in.record(results)
	return made, err
}

// evaluate applies the rules to what the histories say (one result for each
// line). The histories themselves are read only where the rules compare periods.
func (in inputs) evaluate(results []baseline.Result, histories []revenue.History, rules *scheme.Scheme, claimID string, n int, madeAt time.Time) (Estimate, error) {
	from, err := json.Marshal(in)
	if err != nil {
		return Estimate{}, fmt.Errorf("write the inputs: %w", err)
	}
	made := document{
		ClaimID: claimID, N: n, Currency: in.Currency, Zone: in.Zone, Model: in.Model, Incident: in.Incident, Scheme: in.Scheme,
		InputHash: hexSHA256(from), Lines: []line{},
	}
	if claimID != "" {
		made.MadeAt = madeAt.Format(time.RFC3339Nano)
	}
	facts := in.Facts
	var shortfall money.Minor
	for i, l := range in.Lines {
		if total := results[i].Total; total != nil {
			shortfall += total.Shortfall
		}
		made.Lines = append(made.Lines, line{Service: l.Service, Kind: l.Kind, Uploads: l.Uploads, Baseline: results[i]})
		filled := l.facts(results[i])
		if rules.Compares() {
			filled.Comparison = rules.Comparison(histories[i], in.Facts.Incident)
		}
		facts.Lines = append(facts.Lines, filled)
	}
	made.Compensation = rules.Evaluate(facts)
	bytes, err := json.Marshal(made)
	if err != nil {
		return Estimate{}, fmt.Errorf("write the estimate: %w", err)
	}
	return Estimate{
		ClaimID: claimID, N: n, Bytes: bytes, Hash: hexSHA256(bytes), Inputs: from, InputHash: made.InputHash, Model: made.Model,
		Scheme: in.Scheme.SchemeRef, Amount: made.Compensation.Amount, Outcome: string(made.Compensation.Outcome), Shortfall: shortfall, MadeAt: madeAt,
	}, nil
}

// CountryOf is the country whose public holidays hold in a zone, as far as the
// estimator's calendar knows them.
func CountryOf(zone string) string {
	if zone == "Asia/Seoul" {
		return "KR"
	}
	return ""
}

// facts is everything a scheme may read of the claim, without its lines.
func (f filing) facts() scheme.Facts {
	outlet, _ := f.claimant.Outlet(f.Outlet)
	facts := scheme.Facts{
		Currency: f.incident.Currency, ClaimantKind: scheme.ClaimantKind(f.claimant.Kind), Sector: scheme.Sector(outlet.Sector),
		Region: outlet.Region, AnnualRevenue: f.claimant.AnnualRevenue, Incident: f.local(f.incident.StartsAt, f.incident.EndsAt),
	}
	if f.OwnMarginBasisPoints != nil {
		facts.Books = &scheme.Books{MarginBasisPoints: *f.OwnMarginBasisPoints}
	}
	for _, l := range f.Lines {
		for _, item := range l.Items {
			facts.Items = append(facts.Items, scheme.Item{
				Kind: scheme.ItemKind(item.Kind), Service: l.Service, At: revenue.LocalOf(item.At, f.zone), Amount: item.Amount,
			})
		}
	}
	for _, e := range f.Expenses {
		kind := scheme.AddedCost
		if e.Kind == SavedCost {
			kind = scheme.SavedCost
		}
		facts.Expenses = append(facts.Expenses, scheme.Expense{Kind: kind, Amount: e.Amount})
	}
	for _, sub := range f.Subscriptions {
		facts.Subscriptions = append(facts.Subscriptions, scheme.Subscription{Plan: sub.Plan, Service: sub.Service, MonthlyFee: sub.MonthlyFee})
	}
	return facts
}

// facts is what a scheme may read of one line and its estimate.
func (l lineInputs) facts(answered baseline.Result) scheme.LossLine {
	facts := scheme.LossLine{
		Service: l.Service, Kind: scheme.ServiceKind(l.Kind), Outcome: scheme.LineCannotTell,
		PlatformShareBasisPoints: l.PlatformShare, Substitutes: l.Substitutes,
	}
	for _, w := range l.Windows {
		facts.Windows = append(facts.Windows, scheme.Window{Span: w.Span, DownBasisPoints: w.DownBasisPoints})
	}
	if total := answered.Total; total != nil {
		facts.Outcome = scheme.LineEstimated
		facts.Expected, facts.Actual, facts.Shortfall = total.Expected, total.Actual, total.Shortfall
	}
	return facts
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

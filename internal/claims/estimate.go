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
	InputHash string // SHA-256 over everything it was made from, hexadecimal
	Model     string
	Scheme    SchemeRef
	Amount    money.Minor // what the scheme pays
	Outcome   string      // of the scheme
	MadeAt    time.Time
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

// inputs is what the input hash covers, besides the model: the same inputs give
// the same estimate, byte for byte.
type inputs struct {
	Model  string       `json:"model"`
	Scheme schemeHash   `json:"scheme"`
	Lines  []lineInputs `json:"lines"`
	Facts  scheme.Facts `json:"facts"`
}

type lineInputs struct {
	Service       string            `json:"service"`
	HistoryDigest string            `json:"history_digest"`
	Windows       []baseline.Window `json:"windows"`
	Evidence      baseline.Evidence `json:"evidence"`
	Closures      []revenue.Span    `json:"closures"`
	Declared      *money.Minor      `json:"declared"`
}

// estimate makes the estimate of a checked filing. It reads histories and
// computes; nothing is stored.
func (s *Service) estimate(ctx context.Context, f filing, claimID string, n int) (Estimate, error) {
	version, err := s.store.Scheme(ctx, f.incident.Scheme.ID, f.incident.Scheme.Version)
	if err != nil {
		return Estimate{}, fmt.Errorf("scheme of incident %s: %w", f.incident.ID, err)
	}
	rules, err := s.parse(version)
	if err != nil {
		return Estimate{}, err
	}
	currency, err := money.ParseCurrency(f.incident.Currency)
	if err != nil {
		return Estimate{}, err
	}
	now := s.now()
	made := document{
		ClaimID: claimID, N: n, Currency: currency.Code, Zone: f.claimant.Zone, Model: baseline.Model,
		Incident: incidentRef{ID: f.incident.ID, Version: f.incident.Version},
		Scheme:   schemeHash{SchemeRef: *f.incident.Scheme, Hash: version.Hash},
		Lines:    []line{},
	}
	if claimID != "" {
		made.MadeAt = now.Format(time.RFC3339Nano)
	}
	from := inputs{Model: baseline.Model, Scheme: made.Scheme, Facts: f.facts()}
	for _, l := range f.Lines {
		answered, lineFrom, err := s.estimateLine(ctx, f, l, currency)
		if err != nil {
			return Estimate{}, fmt.Errorf("estimate of service %s: %w", l.Service, err)
		}
		made.Lines, from.Lines = append(made.Lines, answered), append(from.Lines, lineFrom)
		from.Facts.Lines = append(from.Facts.Lines, f.lineFacts(l, answered, lineFrom.Windows))
	}
	made.Compensation = rules.Evaluate(from.Facts)
	if made.InputHash, err = hashJSON(from); err != nil {
		return Estimate{}, err
	}
	bytes, err := json.Marshal(made)
	if err != nil {
		return Estimate{}, fmt.Errorf("write the estimate: %w", err)
	}
	sum := sha256.Sum256(bytes)
	return Estimate{
		ClaimID: claimID, N: n, Bytes: bytes, Hash: hex.EncodeToString(sum[:]), InputHash: made.InputHash, Model: made.Model,
		Scheme: *f.incident.Scheme, Amount: made.Compensation.Amount, Outcome: string(made.Compensation.Outcome), MadeAt: now,
	}, nil
}

// estimateLine estimates one service from its history.
func (s *Service) estimateLine(ctx context.Context, f filing, l LossLine, currency money.Currency) (line, lineInputs, error) {
	service, _ := f.incident.Service(l.Service)
	history, uploads, err := s.history(ctx, f.claimant.ID, f.Outlet, l.Service)
	if err != nil {
		return line{}, lineInputs{}, err
	}
	excluded, err := s.otherOutages(ctx, f.incident, l.Service, f.zone)
	if err != nil {
		return line{}, lineInputs{}, err
	}
	in := baseline.Input{
		Currency: currency, History: history, Declared: l.DeclaredActual,
		Evidence: baseline.Evidence{AfterMinutes: AfterMinutes, Excluded: excluded, Country: CountryOf(f.claimant.Zone)},
	}
	for _, w := range service.Windows {
		in.Windows = append(in.Windows, baseline.Window{Span: f.local(w.Start, w.End), DownBasisPoints: w.DownBasisPoints})
	}
	for _, c := range l.Closures {
		in.Closures = append(in.Closures, f.local(c.Start, c.End))
	}
	result, err := baseline.Estimate(in)
	if err != nil {
		return line{}, lineInputs{}, err
	}
	digest := revenue.Digest(history)
	return line{Service: l.Service, Kind: service.Kind, Uploads: uploads, Baseline: result},
		lineInputs{
			Service: l.Service, HistoryDigest: hex.EncodeToString(digest[:]), Windows: in.Windows,
			Evidence: in.Evidence, Closures: in.Closures, Declared: in.Declared,
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

// lineFacts is what a scheme may read of one line and its estimate.
func (f filing) lineFacts(l LossLine, answered line, windows []baseline.Window) scheme.LossLine {
	facts := scheme.LossLine{
		Service: l.Service, Kind: scheme.ServiceKind(answered.Kind), Outcome: scheme.LineCannotTell,
		PlatformShareBasisPoints: l.PlatformShareBasisPoints,
	}
	for _, w := range windows {
		facts.Windows = append(facts.Windows, scheme.Window{Span: w.Span, DownBasisPoints: w.DownBasisPoints})
	}
	for _, sub := range l.Substitutes {
		// An amount beyond the range makes the facts unusable, which the scheme says.
		facts.Substitutes += sub.Amount
	}
	if total := answered.Baseline.Total; total != nil {
		facts.Outcome = scheme.LineEstimated
		facts.Expected, facts.Actual, facts.Shortfall = total.Expected, total.Actual, total.Shortfall
	}
	return facts
}

func hashJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("hash the inputs: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

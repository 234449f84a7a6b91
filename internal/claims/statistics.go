package claims

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// StatisticsReader counts what statistics tell of an incident. Each method is one
// pass over rows without anything sealed.
type StatisticsReader interface {
	// FormCounts counts all forms ever begun, by table of publication and code. One
	// that was not submitted and not changed after stale is abandoned.
	FormCounts(ctx context.Context, incidentID string, stale time.Time) (map[string]map[string]int64, error)
	// TableCounts counts by code for one of the publication's tables of decisions,
	// their dates, appeals and reviews.
	TableCounts(ctx context.Context, incidentID, table string) (map[string]int64, error)
	// StageDays hands over how many claims of a sector spent how many days in each
	// state that they have left, and from submission to their first decision.
	StageDays(ctx context.Context, incidentID string, visit func(publication.Duration)) error
	// EstimateRecords hands over the records of claims that were submitted.
	EstimateRecords(ctx context.Context, incidentID string, visit func(sector string, record EstimateRecord)) error
}

// EstimateRecord is what statistics need of an estimate that was made from
// histories, kept apart from the estimate, which is long. The newest of a claim is
// kept.
type EstimateRecord struct {
	Windows  int         // placebo windows of all lines
	Inside   int         // of these, true sum inside the 90 % interval
	Share    *int        // of the outlet's revenue that goes through the failed services, in basis points; nil where unknown
	Expected money.Minor // through them in the outage; 0 where it cannot be told
}

// record is what the lines of an estimate add up to. The claimant states the share
// of each service, or it is unknown here.
func (in inputs) record(results []baseline.Result) *EstimateRecord {
	var r EstimateRecord
	share := 0
	known := len(in.Lines) > 0
	for i, l := range in.Lines {
		r.Windows += results[i].Placebo.Windows
		r.Inside += results[i].Placebo.Inside90
		if total := results[i].Total; total != nil {
			r.Expected += total.Expected
		}
		if known = known && l.PlatformShare != nil; known {
			share += *l.PlatformShare
		}
	}
	if known {
		share = min(share, wholeShare)
		r.Share = &share
	}
	return &r
}

// A year of history shows the share of a service where hardly any of it is
// missing.
const (
	shareYear       = 52 * revenue.Week
	shareMissingOne = 20 // in so many minutes
)

// shareOf is the share of the year's revenue before the outage that histories hold
// of what the outlet earns in a year, in basis points; nil where they do not tell.
func shareOf(outage revenue.Span, histories []revenue.History, annual *money.Minor) *int {
	if annual == nil || *annual <= 0 {
		return nil
	}
	year := revenue.Span{Start: outage.Start - shareYear, End: outage.Start}
	var through money.Minor
	for _, h := range histories {
		t := h.Sum(year)
		if t.MissingMinutes*shareMissingOne > year.Minutes() {
			return nil
		}
		through += t.Amount
	}
	share := min(int(float64(through)/float64(*annual)*wholeShare), wholeShare)
	return &share
}

// abandonedAfter is how long a form may lie unchanged before it counts as
// abandoned.
const abandonedAfter = 14 * day

// alwaysTold are the rows that tables have also where there is nothing to count, so
// that none looks like a few.
var alwaysTold = map[string][]string{
	publication.TableSubmitted:    {"api", "paper", "phone", "web"},
	publication.TableUnsubmitted:  {"abandoned", "withdrawn", "writing"},
	publication.TableFurtherForms: {"forms"},
	publication.TableDecisions:    {},
	publication.TableDates:        {"first:in_time", publication.LateDecision, "later"},
	publication.TableAppeals:      {"withdrawn", "decided:upheld"},
	publication.TableReviews:      {"agreed"},
}

// statistics are what is published besides the totals of the same moment, as
// bytes: counts, durations and the estimator's record, under the rule.
func (s *Service) statistics(ctx context.Context, r Reader, incident Incident, rule publication.Rule, at time.Time) ([]byte, error) {
	salt := make([]byte, saltLength)
	rand.Read(salt)
	facts := publication.Facts{Incident: incident.ID, At: at, Salt: hex.EncodeToString(salt)}
	var err error
	if facts.Counts, err = countsOf(ctx, r, incident, at); err != nil {
		return nil, err
	}
	err = r.StageDays(ctx, incident.ID, func(d publication.Duration) {
		d.Group = group(d.Group)
		everyone := d
		everyone.Group = publication.Everyone
		facts.Durations = append(facts.Durations, d, everyone)
	})
	if err != nil {
		return nil, err
	}
	err = r.EstimateRecords(ctx, incident.ID, func(sector string, record EstimateRecord) {
		for _, group := range []string{group(sector), publication.Everyone} {
			facts.Placebos = append(facts.Placebos, publication.Placebos{Group: group, Windows: int64(record.Windows), Inside: int64(record.Inside)})
			if record.Share != nil {
				facts.Reliances = append(facts.Reliances, publication.Reliance{Group: group, BasisPoints: int64(*record.Share), Expected: record.Expected})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	told, err := rule.Summarise(facts)
	if err != nil {
		return nil, fmt.Errorf("statistics of incident %s: %w", incident.ID, err)
	}
	return told.JSON()
}

// countsOf counts what the tables tell.
func countsOf(ctx context.Context, r Reader, incident Incident, at time.Time) (map[string]map[string]int64, error) {
	stale := at.Add(-abandonedAfter)
	if incident.State == IncidentClosed || !at.Before(incident.Filing.ends()) {
		stale = at // nothing can be submitted any more
	}
	counts, err := r.FormCounts(ctx, incident.ID, stale)
	if err != nil {
		return nil, err
	}
	for table, codes := range alwaysTold {
		switch table {
		case publication.TableDecisions, publication.TableDates, publication.TableAppeals, publication.TableReviews:
			if counts[table], err = r.TableCounts(ctx, incident.ID, table); err != nil {
				return nil, err
			}
		}
		if counts[table] == nil {
			counts[table] = map[string]int64{}
		}
		for _, code := range codes {
			counts[table][code] += 0
		}
	}
	return counts, nil
}

// ends is when nothing can be submitted any more.
func (f Filing) ends() time.Time {
	if f.LateUntil != nil {
		return *f.LateUntil
	}
	return f.ClosesAt
}

// group is the sector as statistics name it.
func group(sector string) string {
	if sector == "" {
		return unknown
	}
	return sector
}

package claims

import (
	"cmp"
	"context"
	"slices"

	"redress/internal/baseline"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/scheme"
)

// EvidenceValue says what facts that a claim does not establish could be worth.
// Amounts are minor units of Currency.
type EvidenceValue struct {
	ClaimID  string
	N        int // of the estimate looked at
	Scheme   SchemeRef
	Currency string
	Amount   money.Minor
	Outcome  scheme.Outcome
	Facts    []MissingFact // the largest change first
	Method   lang.Text
}

// MissingFact is one fact that is not established.
type MissingFact struct {
	Fact     string           // own_books, platform_share, annual_revenue, takings, substitutes, history
	Service  string           // empty where the fact is about the claim
	Least    money.Minor      // what is paid, whatever the fact turns out to be
	Most     *money.Minor     // and at most, a person's decision apart; nil where nothing bounds it
	Outcomes []scheme.Outcome // that the claim could have
	Changes  bool             // amount or outcome could differ from what they are
	Text     lang.Text
}

var evidenceMethod = lang.T(
	"Each fact is varied alone. The scheme is evaluated at both ends of what the fact can be, and on either side of the point from which a person "+
		"decides. Between these points what is paid only rises or only falls with the fact, so they bound it. Facts established together can change more.",
	"사실을 하나씩만 바꾸어 봅니다. 사실이 가질 수 있는 범위의 양 끝과 사람이 판단하기 시작하는 지점의 양쪽에서 보상 기준을 적용합니다. 그 사이에서 지급액은 "+
		"오르기만 하거나 내리기만 하므로 이 값들이 한계입니다. 여러 사실을 함께 밝히면 더 달라질 수 있습니다.")

// EvidenceValue answers, for a claim the actor may see, which missing fact could
// change what its newest estimate pays.
func (s *Service) EvidenceValue(ctx context.Context, actor identity.Actor, claimID string) (EvidenceValue, error) {
	estimate, err := s.Estimate(ctx, actor, claimID, 0)
	if err != nil {
		return EvidenceValue{}, err
	}
	rules, err := s.ruling(ctx, estimate.Scheme)
	if err != nil {
		return EvidenceValue{}, err
	}
	in, totals, facts, err := estimate.read()
	if err != nil {
		return EvidenceValue{}, err
	}
	if rules.Compares() {
		var uploads []string
		for _, l := range in.Lines {
			uploads = append(uploads, l.Uploads...)
		}
		held, err := s.store.Histories(ctx, uploads)
		if err != nil {
			return EvidenceValue{}, err
		}
		histories, err := in.histories(held)
		if err != nil {
			return EvidenceValue{}, err
		}
		facts = simulated{facts, histories}.under(rules)
	}
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return EvidenceValue{}, err
	}
	now := rules.Evaluate(facts)
	return EvidenceValue{
		ClaimID: claimID, N: estimate.N, Scheme: estimate.Scheme, Currency: in.Currency, Amount: now.Amount, Outcome: now.Outcome,
		Facts: missingFacts(rules, currency, facts, totals), Method: evidenceMethod,
	}, nil
}

// unestablished is a fact and the values it can take.
type unestablished struct {
	fact    string
	service string
	name    lang.Text
	low     int64
	high    int64
	open    bool // nothing bounds the fact; high is the end of the range of amounts
	with    func(f *scheme.Facts, value int64)
}

const (
	// wholeShare is all of it, in basis points.
	wholeShare = 10_000
	// evidenceLevel is the interval, in percent, that more history is taken to move
	// the estimate within.
	evidenceLevel = 90
	// manyPeriods are as many comparable periods as any rule asks for.
	manyPeriods = 520
)

// missingFacts evaluates a claim's facts with each missing one at its bounds.
func missingFacts(rules *scheme.Scheme, currency money.Currency, facts scheme.Facts, totals []*baseline.Figures) []MissingFact {
	now := rules.Evaluate(facts)
	out := []MissingFact{}
	for _, u := range unestablishedOf(rules, facts, totals) {
		out = append(out, u.value(rules, currency, facts, now))
	}
	slices.SortStableFunc(out, func(a, b MissingFact) int { return cmp.Compare(b.change(now.Amount), a.change(now.Amount)) })
	return out
}

// unestablishedOf lists the facts that a claim does not establish. totals are
// the estimate's figures of each line, nil where it has none.
func unestablishedOf(rules *scheme.Scheme, facts scheme.Facts, totals []*baseline.Figures) []unestablished {
	var missing []unestablished
	if facts.Books == nil {
		missing = append(missing, unestablished{
			fact: "own_books", name: lang.T("Your own books (profit over revenue)", "본인 장부(매출 대비 이익)"), high: wholeShare,
			with: func(f *scheme.Facts, v int64) { f.Books = &scheme.Books{MarginBasisPoints: int(v)} },
		})
	}
	if facts.AnnualRevenue == nil {
		missing = append(missing, unestablished{
			fact: "annual_revenue", name: lang.T("Annual revenue", "연매출"), high: int64(money.Max),
			with: func(f *scheme.Facts, v int64) { revenue := money.Minor(v); f.AnnualRevenue = &revenue },
		})
	}
	for i, line := range facts.Lines {
		missing = append(missing, missingOf(i, line, totals[i], rules.Compares())...)
	}
	return missing
}

// change is by how much the amount could differ from what it is.
func (f MissingFact) change(now money.Minor) money.Minor {
	if f.Most == nil {
		return money.Max
	}
	return max(*f.Most-now, now-f.Least)
}

// missingOf are the facts that one line does not establish.
func missingOf(i int, line scheme.LossLine, total *baseline.Figures, compares bool) []unestablished {
	var missing []unestablished
	if line.PlatformShareBasisPoints == nil {
		missing = append(missing, unestablished{
			fact: "platform_share", service: line.Service, name: lang.F("The platform's share of revenue in %s", "%s에서 플랫폼이 차지하는 매출 비중", line.Service),
			high: wholeShare,
			with: func(f *scheme.Facts, v int64) { share := int(v); f.Lines[i].PlatformShareBasisPoints = &share },
		})
	}
	if uncompared := compares && line.Comparison == nil; total == nil || uncompared {
		// Nothing bounds what an unknown history would show but the range of amounts.
		missing = append(missing, unestablished{
			fact: "history", service: line.Service, name: lang.F("A longer revenue history in %s", "%s의 더 긴 매출 이력", line.Service), high: int64(money.Max), open: true,
			with: func(f *scheme.Facts, v int64) {
				l, revenue := &f.Lines[i], money.Minor(v)
				if total == nil {
					l.Outcome, l.Expected, l.Actual, l.Shortfall = scheme.LineEstimated, revenue, 0, revenue
				}
				if uncompared {
					l.Comparison = &scheme.Comparison{Periods: slices.Repeat([]scheme.Period{{Revenue: revenue}}, manyPeriods)}
				}
			},
		})
	}
	if total == nil {
		return missing
	}
	shortfall := func(f *scheme.Facts, v int64) { f.Lines[i].Shortfall = money.Minor(v) }
	if total.ActualSource == baseline.ActualAssumed {
		missing = append(missing, unestablished{
			fact: "takings", service: line.Service, name: lang.F("What was earned during the outage in %s (card totals, till)", "장애 동안 %s에서 번 금액(카드 매출, 금전등록기)", line.Service),
			high: int64(total.Expected), with: shortfall,
		})
	}
	if line.Substitutes == 0 {
		missing = append(missing, unestablished{
			fact: "substitutes", service: line.Service, name: lang.F("What was earned instead of %s", "%s 대신 번 금액", line.Service),
			high: int64(total.Shortfall), with: func(f *scheme.Facts, v int64) { f.Lines[i].Substitutes = money.Minor(v) },
		})
	}
	for _, interval := range total.ShortfallIntervals {
		if interval.LevelPercent == evidenceLevel {
			missing = append(missing, unestablished{
				fact: "history", service: line.Service, name: lang.F("A longer revenue history in %s (within the %d %% interval)", "%s의 더 긴 매출 이력(%d%% 구간 안에서)", line.Service, evidenceLevel),
				low: int64(interval.Low), high: int64(interval.High), with: shortfall,
			})
		}
	}
	return missing
}

// value evaluates the claim with the fact at its bounds.
func (u unestablished) value(rules *scheme.Scheme, currency money.Currency, facts scheme.Facts, now scheme.Result) MissingFact {
	results := probe(func(v int64) scheme.Result { return u.at(rules, facts, v) }, u.low, u.high)
	out := MissingFact{Fact: u.fact, Service: u.service, Least: results[0].Amount}
	most := results[0].Amount
	for _, r := range results {
		out.Least, most = min(out.Least, r.Amount), max(most, r.Amount)
		if !slices.Contains(out.Outcomes, r.Outcome) {
			out.Outcomes = append(out.Outcomes, r.Outcome)
		}
		out.Changes = out.Changes || r.Amount != now.Amount || r.Outcome != now.Outcome
	}
	// A cap or a last tier that pays bounds what the fact itself does not.
	if !u.open || results[1].Outcome != scheme.Review {
		out.Most = &most
	}
	out.Text = u.text(currency, out, now)
	return out
}

// at evaluates the claim with the fact at one value.
func (u unestablished) at(rules *scheme.Scheme, facts scheme.Facts, value int64) scheme.Result {
	facts.Lines = slices.Clone(facts.Lines)
	u.with(&facts, value)
	return rules.Evaluate(facts)
}

// probe evaluates at both ends. What is paid falls back where a review begins,
// so where one end alone is a review it also evaluates the two neighbours
// between which it begins.
func probe(at func(int64) scheme.Result, low, high int64) []scheme.Result {
	first, last := at(low), at(high)
	results := []scheme.Result{first, last}
	review := first.Outcome == scheme.Review
	if review == (last.Outcome == scheme.Review) {
		return results
	}
	before, after := first, last
	for high-low > 1 {
		middle := low + (high-low)/2
		if r := at(middle); (r.Outcome == scheme.Review) == review {
			low, before = middle, r
		} else {
			high, after = middle, r
		}
	}
	return append(results, before, after)
}

func (u unestablished) text(currency money.Currency, m MissingFact, now scheme.Result) lang.Text {
	if !m.Changes {
		return lang.F("%s: would not change the amount.", "%s: 금액이 달라지지 않습니다.", u.name)
	}
	effect := lang.F("%s: could change the amount; nothing bounds by how much.", "%s: 금액이 달라질 수 있으며, 얼마까지인지는 정해져 있지 않습니다.", u.name)
	if m.Most != nil {
		effect = u.effect(currency, *m.Most-now.Amount, now.Amount-m.Least)
	}
	if now.Outcome != scheme.Review && slices.Contains(m.Outcomes, scheme.Review) {
		return lang.F("%s A person may have to decide.", "%s 사람이 판단해야 할 수도 있습니다.", effect)
	}
	return effect
}

func (u unestablished) effect(currency money.Currency, more, less money.Minor) lang.Text {
	switch {
	case more > 0 && less > 0:
		return lang.F("%s: could raise the amount by at most %s or lower it by at most %s.", "%s: 금액이 최대 %s 늘거나 최대 %s 줄 수 있습니다.", u.name, currency.Text(more), currency.Text(less))
	case more > 0:
		return lang.F("%s: could raise the amount by at most %s.", "%s: 금액이 최대 %s 늘 수 있습니다.", u.name, currency.Text(more))
	case less > 0:
		return lang.F("%s: could lower the amount by at most %s.", "%s: 금액이 최대 %s 줄 수 있습니다.", u.name, currency.Text(less))
	}
	return lang.F("%s: could change the outcome, not the amount.", "%s: 금액은 같고 결과만 달라질 수 있습니다.", u.name)
}

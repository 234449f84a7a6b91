package scheme_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// checkResult holds for every scheme and all facts.
func checkResult(t rapid.TB, s *scheme.Scheme, facts scheme.Facts) scheme.Result {
	r := s.Evaluate(facts)
	first, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := json.Marshal(s.Evaluate(facts)); !bytes.Equal(first, second) {
		t.Fatalf("the same input gave\n%s\nand\n%s", first, second)
	}
	sum := new(big.Int)
	for _, line := range r.Trace {
		sum.Add(sum, big.NewInt(int64(line.Contribution)))
		if line.Stage == "" || line.Rule.KO == "" || line.Rule.EN == "" || line.Output.Name == "" {
			t.Fatalf("an incomplete line: %+v", line)
		}
	}
	if sum.Cmp(big.NewInt(int64(r.Amount))) != 0 {
		t.Fatalf("the trace sums to %s, the amount is %d", sum, r.Amount)
	}
	if r.Amount < 0 || !r.Amount.InRange() {
		t.Fatalf("amount %d", r.Amount)
	}
	switch r.Outcome {
	case scheme.Pays:
		if r.Amount == 0 || len(r.Reasons) != 0 {
			t.Fatalf("pays %d with reasons %v", r.Amount, r.Reasons)
		}
	case scheme.NotEligible:
		if r.Amount != 0 || len(r.Reasons) == 0 {
			t.Fatalf("not eligible, and %d with reasons %v", r.Amount, r.Reasons)
		}
	case scheme.Review, scheme.CannotTell:
		if len(r.Reasons) == 0 {
			t.Fatalf("%s without a reason", r.Outcome)
		}
	default:
		t.Fatalf("outcome %q", r.Outcome)
	}
	return r
}

// schemes are the library and one scheme with every stage.
func schemes(t testing.TB) []*scheme.Scheme {
	t.Helper()
	all, err := scheme.Library()
	if err != nil {
		t.Fatal(err)
	}
	every, err := scheme.Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, every)
}

var start, _ = revenue.ParseLocal("2022-10-15T15:30")

// anyAmount is mostly an everyday amount, sometimes one at the edge of what is
// lawful.
func anyAmount() *rapid.Generator[money.Minor] {
	return rapid.Custom(func(t *rapid.T) money.Minor {
		if rapid.IntRange(0, 9).Draw(t, "edge") > 0 {
			return money.Minor(rapid.Int64Range(0, 2_000_000).Draw(t, "amount"))
		}
		return rapid.SampledFrom([]money.Minor{0, 1, money.Max, money.Max - 1}).Draw(t, "edge amount")
	})
}

func anySpan(t *rapid.T) revenue.Span {
	from := start + revenue.Local(rapid.Int64Range(-2000, 8000).Draw(t, "from"))
	return revenue.Span{Start: from, End: from + revenue.Local(rapid.Int64Range(0, 9000).Draw(t, "minutes"))}
}

func anyLine(t *rapid.T) scheme.LossLine {
	expected, actual := anyAmount().Draw(t, "expected"), anyAmount().Draw(t, "actual")
	l := scheme.LossLine{
		Service:     rapid.SampledFrom([]string{"taxi", "hair", "shop", "pay", ""}).Draw(t, "service"),
		Kind:        rapid.SampledFrom([]scheme.ServiceKind{scheme.Ride, scheme.Booking, scheme.Order, scheme.Payment}).Draw(t, "kind"),
		Outcome:     rapid.SampledFrom([]scheme.LineOutcome{scheme.LineEstimated, scheme.LineEstimated, scheme.LineCannotTell}).Draw(t, "outcome"),
		Expected:    expected,
		Actual:      actual,
		Shortfall:   anyAmount().Draw(t, "shortfall"),
		Substitutes: anyAmount().Draw(t, "substitutes"),
		MadeUp:      anyAmount().Draw(t, "made up"),
	}
	for range rapid.IntRange(1, 3).Draw(t, "windows") {
		l.Windows = append(l.Windows, scheme.Window{Span: anySpan(t), DownBasisPoints: rapid.IntRange(0, 10_000).Draw(t, "down")})
	}
	if rapid.Bool().Draw(t, "stated share") {
		share := rapid.IntRange(0, 10_000).Draw(t, "share")
		l.PlatformShareBasisPoints = &share
	}
	if rapid.Bool().Draw(t, "compared") {
		c := scheme.Comparison{Actual: actual}
		for range rapid.IntRange(0, 5).Draw(t, "periods") {
			c.Periods = append(c.Periods, scheme.Period{Start: start, Revenue: anyAmount().Draw(t, "revenue")})
		}
		if rapid.Bool().Draw(t, "grown") {
			c.Growth = &scheme.Growth{Base: anyAmount().Draw(t, "base"), Recent: anyAmount().Draw(t, "recent")}
		}
		l.Comparison = &c
	}
	return l
}

func anyFacts(t *rapid.T) scheme.Facts {
	f := scheme.Facts{
		Currency:     rapid.SampledFrom([]string{"KRW", "KRW", "KRW", "USD", "GBP"}).Draw(t, "currency"),
		ClaimantKind: rapid.SampledFrom([]scheme.ClaimantKind{scheme.Merchant, scheme.Driver}).Draw(t, "claimant"),
		Sector:       rapid.SampledFrom(scheme.Sectors()).Draw(t, "sector"),
		Incident:     anySpan(t),
		Conditions:   rapid.SliceOf(rapid.SampledFrom([]string{"small_business", "affected", "gross", "listed", "claimed"})).Draw(t, "conditions"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "lines") {
		f.Lines = append(f.Lines, anyLine(t))
	}
	kinds := []scheme.ItemKind{scheme.StreetHail, scheme.CancelledOrder, scheme.Dispatch, scheme.LostBooking}
	for range rapid.IntRange(0, 3).Draw(t, "items") {
		f.Items = append(f.Items, scheme.Item{Kind: rapid.SampledFrom(kinds).Draw(t, "item"), Service: "taxi", At: anySpan(t).Start, Amount: anyAmount().Draw(t, "price")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "subscriptions") {
		f.Subscriptions = append(f.Subscriptions, scheme.Subscription{Plan: rapid.SampledFrom([]string{"pro", "sla", "x"}).Draw(t, "plan"), Service: "taxi", MonthlyFee: anyAmount().Draw(t, "fee")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "expenses") {
		f.Expenses = append(f.Expenses, scheme.Expense{
			Kind:   rapid.SampledFrom([]scheme.ExpenseKind{scheme.AddedCost, scheme.SavedCost}).Draw(t, "expense"),
			Amount: anyAmount().Draw(t, "spent"), AvoidedRevenueLoss: anyAmount().Draw(t, "avoided"),
		})
	}
	for range rapid.IntRange(0, 14).Draw(t, "measures") {
		f.Measures = append(f.Measures, scheme.Measure{Kind: "payment_fee", At: start, Amount: anyAmount().Draw(t, "measure")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "prior payments") {
		f.PriorPayments = append(f.PriorPayments, scheme.PriorPayment{Kind: scheme.Advance, Amount: anyAmount().Draw(t, "paid before")})
	}
	if rapid.Bool().Draw(t, "books") {
		f.Books = &scheme.Books{MarginBasisPoints: rapid.IntRange(0, 10_000).Draw(t, "margin"), ContinuingBasisPoints: rapid.IntRange(0, 10_000).Draw(t, "continuing")}
	}
	if rapid.Bool().Draw(t, "size") {
		annual, heads := anyAmount().Draw(t, "annual revenue"), rapid.IntRange(0, 40).Draw(t, "headcount")
		f.AnnualRevenue, f.Headcount = &annual, &heads
	}
	if rapid.IntRange(0, 19).Draw(t, "unlawful") == 0 {
		f.Incident = revenue.Span{Start: math.MinInt64, End: math.MaxInt64}
		f.Items = append(f.Items, scheme.Item{Amount: math.MinInt64}, scheme.Item{Amount: math.MaxInt64})
	}
	if rapid.Bool().Draw(t, "pattern") {
		f.Pattern = &scheme.Pattern{Before: anyAmount().Draw(t, "before"), During: anyAmount().Draw(t, "during"), After: anyAmount().Draw(t, "after")}
	}
	return f
}

func TestEvaluationNeverPanicsAndItsTraceSums(t *testing.T) {
	all := schemes(t)
	rapid.Check(t, func(t *rapid.T) {
		s, facts := rapid.SampledFrom(all).Draw(t, "scheme"), anyFacts(t)
		if rapid.IntRange(0, 19).Draw(t, "foreign") > 0 {
			facts.Currency = string(s.Currency)
		}
		checkResult(t, s, facts)
	})
}

// Every scheme of the library pays more, or as much, for a larger loss; review
// is left out because there Amount is only what does not wait.
func TestALargerShortfallNeverPaysLess(t *testing.T) {
	all := schemes(t)
	settled := func(r scheme.Result) bool { return r.Outcome == scheme.Pays || r.Outcome == scheme.NotEligible }
	rapid.Check(t, func(t *rapid.T) {
		s, facts := rapid.SampledFrom(all).Draw(t, "scheme"), anyFacts(t)
		facts.Currency = string(s.Currency)
		if len(facts.Lines) == 0 {
			return
		}
		facts.Lines[0].Shortfall = money.Minor(rapid.Int64Range(0, 2_000_000).Draw(t, "shortfall"))
		less := s.Evaluate(facts)
		facts.Lines[0].Shortfall += money.Minor(rapid.Int64Range(1, 2_000_000).Draw(t, "more"))
		more := s.Evaluate(facts)
		if settled(less) && settled(more) && more.Amount < less.Amount {
			t.Fatalf("%s: a larger shortfall pays %d instead of %d", s.ID, more.Amount, less.Amount)
		}
	})
}

// The sandbox scheme, computed a second time in whole numbers: loss in
// hundred-millionths, so that every share is exact.
func TestSandboxSchemeAgreesWithIntegerArithmetic(t *testing.T) {
	s, err := scheme.FromLibrary("sandbox-2022")
	if err != nil {
		t.Fatal(err)
	}
	margins := map[scheme.Sector]int64{"taxi": 8000, "salon": 6000, "bakery": 5000, "convenience": 2500, "lodging": 4000}
	rapid.Check(t, func(t *rapid.T) {
		sector := rapid.SampledFrom([]scheme.Sector{"taxi", "salon", "bakery", "convenience", "lodging"}).Draw(t, "sector")
		facts := scheme.Facts{Currency: "KRW", ClaimantKind: scheme.Merchant, Sector: sector, Incident: revenue.Span{Start: start, End: start + 600}}
		margin := margins[sector]
		if rapid.Bool().Draw(t, "books") {
			margin = rapid.Int64Range(0, 10_000).Draw(t, "margin")
			facts.Books = &scheme.Books{MarginBasisPoints: int(margin)}
		}
		var loss int64
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			shortfall, instead := rapid.Int64Range(0, 1_500_000).Draw(t, "shortfall"), rapid.Int64Range(0, 300_000).Draw(t, "instead")
			share := rapid.IntRange(0, 10_000).Draw(t, "share")
			loss += max(0, shortfall-instead) * int64(share) * margin
			facts.Lines = append(facts.Lines, scheme.LossLine{
				Service: "shop", Kind: scheme.Order, Outcome: scheme.LineEstimated,
				Windows:   []scheme.Window{{Span: facts.Incident, DownBasisPoints: 10_000}},
				Shortfall: money.Minor(shortfall), Substitutes: money.Minor(instead), PlatformShareBasisPoints: &share,
			})
		}
		want := outcome{Outcome: scheme.Review}
		switch {
		case loss == 0:
			want = outcome{Outcome: scheme.NotEligible}
		case loss <= 300_000*1e8:
			want = outcome{Outcome: scheme.Pays, Amount: 30_000}
		case loss <= 500_000*1e8:
			want = outcome{Outcome: scheme.Pays, Amount: 50_000}
		}
		if r := s.Evaluate(facts); r.Outcome != want.Outcome || r.Amount != want.Amount {
			t.Fatalf("got %s %d, want %s %d", r.Outcome, r.Amount, want.Outcome, want.Amount)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range schemes(f) {
		f.Add(s.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scheme.Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Bytes(), data) {
			t.Fatal("the scheme does not keep its bytes")
		}
		again, err := scheme.Parse(s.Bytes())
		if err != nil || again.Hash() != s.Hash() {
			t.Fatalf("the kept bytes read differently: %v", err)
		}
		checkResult(t, s, scheme.Facts{Currency: string(s.Currency), ClaimantKind: scheme.Merchant, Sector: "cafe"})
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, g := range goldens(f) {
		s, err := scheme.FromLibrary(g.Scheme)
		if err != nil {
			f.Fatal(err)
		}
		facts, err := json.Marshal(g.Facts)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Bytes(), facts)
		f.Add([]byte(sound), facts)
	}
	f.Fuzz(func(t *testing.T, data, claim []byte) {
		s, err := scheme.Parse(data)
		if err != nil {
			return
		}
		facts, err := scheme.ParseFacts(claim)
		if err != nil {
			return
		}
		facts.Currency = string(s.Currency)
		checkResult(t, s, facts)
	})
}

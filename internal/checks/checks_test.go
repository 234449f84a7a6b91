package checks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"redress/internal/checks"
	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

func local(s string) revenue.Local {
	l, err := revenue.ParseLocal(s)
	if err != nil {
		panic(err)
	}
	return l
}

// The outage of these tests begins on a Saturday; histories begin on a Monday.
var (
	outage  = revenue.Span{Start: local("2022-10-15T15:30"), End: local("2022-10-20T23:00")}
	monday  = local("2022-10-10T00:00")
	filedAt = local("2022-10-24T10:00")
)

// ordinary is a shop open ten hours a day, six days a week, from weeks before the
// Monday of the outage to the Monday a week after it: nobody's, and honest.
func ordinary(seed uint64, weeks int) revenue.History {
	r := rand.New(rand.NewPCG(seed, 0))
	h := revenue.History{BucketMinutes: 60, Start: monday - revenue.Local(weeks)*revenue.Week}
	for at := h.Start; at < monday+2*revenue.Week; at += revenue.Hour {
		state, amount, count := revenue.Closed, money.Minor(0), int32(0)
		if hour := at.Clock().Hour(); at.Weekday() != time.Sunday && hour >= 10 && hour < 20 {
			state = revenue.Open
			for range r.IntN(7) {
				amount += 100 * money.Minor(40+r.IntN(90))
				count++
			}
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
}

// changed is h with the amounts of open buckets in [from, to) put through change.
func changed(h revenue.History, from, to revenue.Local, change func(i int, a money.Minor) money.Minor) revenue.History {
	h.Amounts = slices.Clone(h.Amounts)
	for i := range h.Amounts {
		if at := h.At(i); h.States[i] == revenue.Open && from <= at && at < to {
			h.Amounts[i] = change(i, h.Amounts[i])
		}
	}
	return h
}

// times is h with the amounts in [from, to) at so many percent, to whole hundreds.
func times(h revenue.History, from, to revenue.Local, percent money.Minor) revenue.History {
	return changed(h, from, to, func(_ int, a money.Minor) money.Minor { return (a*percent/100 + 50) / 100 * 100 })
}

// without is h with nothing known in [from, to).
func without(h revenue.History, from, to revenue.Local) revenue.History {
	h.Amounts, h.Counts, h.States = slices.Clone(h.Amounts), slices.Clone(h.Counts), slices.Clone(h.States)
	for i := range h.States {
		if at := h.At(i); from <= at && at < to {
			h.Amounts[i], h.Counts[i], h.States[i] = 0, 0, revenue.Missing
		}
	}
	return h
}

// uncounted is h without its counts.
func uncounted(h revenue.History) revenue.History {
	h.Counts = make([]int32, h.Len())
	return h
}

// always is the whole of every history here.
const always = revenue.Local(1) << 40

func line(upload revenue.History) checks.Line {
	return checks.Line{Service: "shop", Windows: []revenue.Span{outage}, Upload: upload}
}

// claim is a claim of an honest shop, changed by with.
func claim(with ...func(*checks.Facts)) checks.Facts {
	f := checks.Facts{
		Currency: money.KRW, SubmittedAt: filedAt, Lines: []checks.Line{line(ordinary(1, 12))},
		Matches:     map[checks.Identifier]checks.Match{checks.Account: {}, checks.Phone: {}, checks.BusinessNumber: {}, checks.Unit: {}},
		Amounts:     checks.Amounts{Claimed: new(money.Minor(1_200_000)), Estimated: &checks.Estimated{Amount: 1_000_000, Low: 800_000, High: 1_250_000}},
		KeyRate:     &checks.Rate{LastHour: 1, LastDay: 1},
		AddressRate: &checks.Rate{LastHour: 2, LastDay: 9},
	}
	for _, change := range with {
		change(&f)
	}
	return f
}

// upload makes the claim's one line one of this upload.
func upload(h revenue.History) func(*checks.Facts) {
	return func(f *checks.Facts) { f.Lines[0].Upload = h }
}

// sources makes the claim's one line one of these two histories.
func sources(upload, ledger revenue.History) func(*checks.Facts) {
	return func(f *checks.Facts) { f.Lines[0].Upload, f.Lines[0].Ledger = upload, ledger }
}

func match(id checks.Identifier, m checks.Match) func(*checks.Facts) {
	return func(f *checks.Facts) { f.Matches[id] = m }
}

func amounts(claimed, high money.Minor) checks.Amounts {
	return checks.Amounts{Claimed: &claimed, Estimated: &checks.Estimated{Amount: high / 2, High: high}}
}

func closure(from, to string) func(*checks.Facts) {
	return func(f *checks.Facts) {
		f.Lines[0].Closures = append(f.Lines[0].Closures, revenue.Span{Start: local(from), End: local(to)})
	}
}

func find(t testing.TB, rows []checks.Row, code checks.Code) checks.Row {
	t.Helper()
	for _, r := range rows {
		if r.Code == code {
			return r
		}
	}
	t.Fatalf("no row of %s", code)
	return checks.Row{}
}

func TestAnHonestClaimPassesEveryCheckThatApplies(t *testing.T) {
	for seed := range uint64(200) {
		h := ordinary(seed, 12)
		for _, f := range []checks.Facts{claim(upload(h)), claim(sources(h, h)), claim(sources(revenue.History{}, h)), claim(upload(uncounted(h)))} {
			rows := checks.Run(f, checks.DefaultPoints())
			for _, r := range rows {
				if r.Result == checks.Flagged {
					t.Errorf("seed %d: %s is flagged: %s", seed, r.Code, r.Detail.EN)
				}
			}
			if score := checks.Score(rows); score != 0 {
				t.Errorf("seed %d: the score is %d", seed, score)
			}
		}
	}
}

func TestRowsComeInTheOrderOfTheCodesLineByLine(t *testing.T) {
	f := claim()
	f.Lines = append(f.Lines, line(ordinary(2, 12)))
	f.Lines[1].Service = "pay"
	var got []string
	for _, r := range checks.Run(f, checks.DefaultPoints()) {
		got = append(got, string(r.Code)+" "+r.Service)
	}
	var want []string
	for _, c := range checks.Codes()[:10] {
		want = append(want, string(c)+" ")
	}
	for _, service := range []string{"pay", "shop"} {
		for _, c := range checks.Codes()[10:] {
			want = append(want, string(c)+" "+service)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestTheScoreIsTheSumOfTheStatedPoints(t *testing.T) {
	f := claim(match(checks.Account, checks.Match{Claimants: 1, Claims: 1}), match(checks.Unit, checks.Match{Claimants: 1, Claims: 1}))
	points := checks.DefaultPoints()
	points[checks.DuplicateAccount], points[checks.SameLoss] = 7, 11
	rows := checks.Run(f, points)
	if score := checks.Score(rows); score != 18 {
		t.Errorf("the score is %d, want 18", score)
	}
	for _, r := range rows {
		if (r.Points > 0) != (r.Result == checks.Flagged) || (r.Remedy != nil) != (r.Result == checks.Flagged) {
			t.Errorf("%s is %s with %d points and remedy %v", r.Code, r.Result, r.Points, r.Remedy)
		}
	}
}

func TestPointsAreHeldAgainstTheChecks(t *testing.T) {
	if err := checks.DefaultPoints().Validate(); err != nil {
		t.Errorf("the default table: %v", err)
	}
	for _, tc := range []struct {
		name    string
		change  func(checks.Points)
		pointer string
		code    string
	}{
		{"nothing for it", func(p checks.Points) { p[checks.SameLoss] = 0 }, "", ""},
		{"the most", func(p checks.Points) { p[checks.SameLoss] = 100 }, "", ""},
		{"too many", func(p checks.Points) { p[checks.SameLoss] = 101 }, "/same_loss", "points_out_of_range"},
		{"below zero", func(p checks.Points) { p[checks.SameLoss] = -1 }, "/same_loss", "points_out_of_range"},
		{"left out", func(p checks.Points) { delete(p, checks.HistoryShort) }, "/history_short", "points_out_of_range"},
		{"unknown", func(p checks.Points) { p["hunch"] = 1 }, "/hunch", "unknown_check"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := checks.DefaultPoints()
			tc.change(p)
			err := fault.As(p.Validate())
			if tc.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || len(err.Fields) != 1 || err.Fields[0].Pointer != tc.pointer || err.Fields[0].Code != tc.code {
				t.Errorf("got %v, want %s at %s", err, tc.code, tc.pointer)
			}
		})
	}
}

// cases stand on both sides of the limit of each check.
var cases = []struct {
	code  checks.Code
	name  string
	facts checks.Facts
	want  checks.Result
}{
	{checks.DuplicateAccount, "nobody else", claim(), checks.Passed},
	{checks.DuplicateAccount, "somebody who claims nothing", claim(match(checks.Account, checks.Match{Claimants: 2})), checks.Passed},
	{checks.DuplicateAccount, "somebody who claims", claim(match(checks.Account, checks.Match{Claimants: 2, Claims: 1})), checks.Flagged},
	{checks.DuplicateAccount, "somebody who won", claim(match(checks.Account, checks.Match{Claimants: 1, Claims: 1, Favourable: 1})), checks.Flagged},
	{checks.DuplicateAccount, "no account", claim(func(f *checks.Facts) { f.Matches = nil }), checks.NotApplicable},
	{checks.DuplicatePhone, "nobody else", claim(), checks.Passed},
	{checks.DuplicatePhone, "somebody who claims", claim(match(checks.Phone, checks.Match{Claimants: 1, Claims: 3})), checks.Flagged},
	{checks.DuplicateBusiness, "nobody else", claim(), checks.Passed},
	{checks.DuplicateBusiness, "somebody who claims", claim(match(checks.BusinessNumber, checks.Match{Claimants: 1, Claims: 1})), checks.Flagged},
	{checks.DuplicateDriver, "a merchant", claim(), checks.NotApplicable},
	{checks.DuplicateDriver, "nobody else", claim(match(checks.DriverID, checks.Match{})), checks.Passed},
	{checks.DuplicateDriver, "somebody who claims", claim(match(checks.DriverID, checks.Match{Claimants: 1, Claims: 1})), checks.Flagged},
	{checks.SameLoss, "one claimant for the car", claim(), checks.Passed},
	{checks.SameLoss, "driver and fleet", claim(match(checks.Unit, checks.Match{Claimants: 1, Claims: 1})), checks.Flagged},

	{checks.ClaimedAboveEstimated, "nothing claimed", claim(func(f *checks.Facts) { f.Amounts.Claimed = nil }), checks.NotApplicable},
	{checks.ClaimedAboveEstimated, "no estimate", claim(func(f *checks.Facts) { f.Amounts.Estimated = nil }), checks.NotApplicable},
	{checks.ClaimedAboveEstimated, "at the limit", claim(func(f *checks.Facts) { f.Amounts = amounts(1_250, 1_000) }), checks.Passed},
	{checks.ClaimedAboveEstimated, "above it", claim(func(f *checks.Facts) { f.Amounts = amounts(1_251, 1_000) }), checks.Flagged},
	{checks.ClaimedAboveEstimated, "no loss", claim(func(f *checks.Facts) { f.Amounts = amounts(1, 0) }), checks.Flagged},
	{checks.ClaimedAboveEstimated, "a line", claim(func(f *checks.Facts) { f.Lines[0].Amounts = amounts(5_000, 1_000) }), checks.Flagged},
	{checks.ClaimedAboveEstimated, "the larger of two", claim(func(f *checks.Facts) {
		f.Amounts, f.Lines[0].Amounts = amounts(9_000, 1_000), amounts(5_000, 1_000)
	}), checks.Flagged},

	{checks.ClaimedAboveEstimated, "an item of four usual sales", claim(item(4 * usualSale)), checks.Passed},
	{checks.ClaimedAboveEstimated, "an item with a nought too many", claim(item(10 * usualSale)), checks.Flagged},
	{checks.ClaimedAboveEstimated, "as dear an item, and nothing to compare the claim with", claim(item(10*usualSale), func(f *checks.Facts) { f.Amounts = checks.Amounts{} }), checks.Flagged},
	{checks.ClaimedAboveEstimated, "as dear an item of who sold one before", claim(item(10*usualSale), upload(withSale(ordinary(1, 12), 10*usualSale))), checks.Passed},
	{checks.ClaimedAboveEstimated, "a dear item above whole hours of a record without counts", claim(item(50*usualSale), upload(uncounted(ordinary(1, 12)))), checks.Flagged},
	{checks.ClaimedAboveEstimated, "a dear item beside a record of few sales", claim(item(10*usualSale), upload(without(ordinary(1, 12), 0, outage.End))), checks.Passed},

	{checks.ClosedOrOpenedInWindow, "trades throughout", claim(), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "no window", claim(func(f *checks.Facts) { f.Lines[0].Windows = nil }), checks.NotApplicable},
	{checks.ClosedOrOpenedInWindow, "no record", claim(upload(revenue.History{})), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "opened the minute before", claim(func(f *checks.Facts) { f.FirstTrade = new(outage.Start - 1) }), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "opened as it began", claim(func(f *checks.Facts) { f.FirstTrade = new(outage.Start) }), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "closed as it ended", claim(func(f *checks.Facts) { f.LastTrade = new(outage.End) }), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "closed the minute before", claim(func(f *checks.Facts) { f.LastTrade = new(outage.End - 1) }), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "13 idle days before", claim(upload(times(ordinary(1, 12), outage.Start.DayStart()-12*revenue.Day, outage.Start, 0))), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "15 idle days before", claim(upload(noSales(ordinary(1, 12), outage.Start-15*revenue.Day, outage.Start))), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "15 unknown days before", claim(upload(without(ordinary(1, 12), outage.Start-15*revenue.Day, outage.Start))), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "idle ever after", claim(upload(longer(noSales(ordinary(1, 12), outage.End, always)))), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "three known idle days after", claim(upload(noSales(ordinary(1, 12), outage.End, always))), checks.Passed},

	{checks.ClosedOrOpenedInWindow, "first sale in the outage", claim(upload(without(ordinary(1, 12), 0, outage.Start))), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "first sale on the day before", claim(upload(without(ordinary(1, 12), 0, outage.Start-revenue.Day))), checks.Passed},
	{checks.ClosedOrOpenedInWindow, "a ledger that begins in the outage", claim(sources(ordinary(1, 12), without(ordinary(1, 12), 0, outage.Start))), checks.Flagged},
	{checks.ClosedOrOpenedInWindow, "an upload of the outage beside a whole ledger", claim(sources(without(ordinary(1, 12), 0, outage.Start), ordinary(1, 12))), checks.Passed},

	{checks.AccountChangedLately, "never", claim(), checks.Passed},
	{checks.AccountChangedLately, "before the outage, long before the claim", claim(accountAt(outage.Start - 60*revenue.Day)), checks.Passed},
	{checks.AccountChangedLately, "the minute before the outage, 8 days before the claim", claim(accountAt(outage.Start - 1)), checks.Flagged},
	{checks.AccountChangedLately, "before the outage, 14 days before the claim", claim(accountAt(filedAt - 14*revenue.Day)), checks.Passed},
	{checks.AccountChangedLately, "before the outage, less than 14 days before the claim", claim(accountAt(filedAt - 14*revenue.Day + 1)), checks.Flagged},
	{checks.AccountChangedLately, "since the outage, months before the claim", claim(accountAt(outage.Start), func(f *checks.Facts) { f.SubmittedAt += 90 * revenue.Day }), checks.Flagged},
	{checks.AccountChangedLately, "after the claim", claim(accountAt(filedAt + 3*revenue.Day)), checks.Flagged},

	{checks.VelocityKey, "staff", claim(func(f *checks.Facts) { f.KeyRate = nil }), checks.NotApplicable},
	{checks.VelocityKey, "three an hour, six a day", claim(func(f *checks.Facts) { f.KeyRate = &checks.Rate{LastHour: 3, LastDay: 6} }), checks.Passed},
	{checks.VelocityKey, "four an hour", claim(func(f *checks.Facts) { f.KeyRate = &checks.Rate{LastHour: 4, LastDay: 4} }), checks.Flagged},
	{checks.VelocityKey, "seven a day", claim(func(f *checks.Facts) { f.KeyRate = &checks.Rate{LastHour: 1, LastDay: 7} }), checks.Flagged},
	{checks.VelocityAddress, "on paper", claim(func(f *checks.Facts) { f.AddressRate = nil }), checks.NotApplicable},
	{checks.VelocityAddress, "twelve an hour, forty a day", claim(func(f *checks.Facts) { f.AddressRate = &checks.Rate{LastHour: 12, LastDay: 40} }), checks.Passed},
	{checks.VelocityAddress, "thirteen an hour", claim(func(f *checks.Facts) { f.AddressRate = &checks.Rate{LastHour: 13, LastDay: 13} }), checks.Flagged},
	{checks.VelocityAddress, "41 a day", claim(func(f *checks.Facts) { f.AddressRate = &checks.Rate{LastHour: 1, LastDay: 41} }), checks.Flagged},

	{checks.UploadAgainstLedger, "no ledger", claim(), checks.NotApplicable},
	{checks.UploadAgainstLedger, "two weeks shared", claim(sources(ordinary(1, 12), without(ordinary(1, 12), 0, monday))), checks.NotApplicable},
	{checks.UploadAgainstLedger, "the same", claim(sources(ordinary(1, 12), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "days against hours", claim(sources(days(ordinary(1, 12)), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "with value added tax", claim(sources(times(ordinary(1, 12), 0, always, 110), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "a fifth more", claim(sources(times(ordinary(1, 12), 0, always, 120), ordinary(1, 12))), checks.Flagged},
	{checks.UploadAgainstLedger, "a fifth less", claim(sources(times(ordinary(1, 12), 0, always, 80), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "half of it", claim(sources(times(ordinary(1, 12), 0, always, 50), ordinary(1, 12))), checks.Flagged},
	{checks.UploadAgainstLedger, "a tenth more in the last weeks", claim(sources(times(ordinary(1, 12), monday-3*revenue.Week, outage.Start, 110), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "a third more in the last weeks", claim(sources(times(ordinary(1, 12), monday-3*revenue.Week, outage.Start, 133), ordinary(1, 12))), checks.Flagged},
	{checks.UploadAgainstLedger, "four fifths inside", claim(sources(times(ordinary(1, 12), outage.Start, outage.End, 80), ordinary(1, 12))), checks.Passed},
	{checks.UploadAgainstLedger, "half inside", claim(sources(times(ordinary(1, 12), outage.Start, outage.End, 50), ordinary(1, 12))), checks.Flagged},

	{checks.HistoryShort, "twelve weeks", claim(), checks.Passed},
	{checks.HistoryShort, "28 days", claim(upload(without(ordinary(1, 12), 0, outage.Start-28*revenue.Day))), checks.Passed},
	{checks.HistoryShort, "27 days", claim(upload(without(ordinary(1, 12), 0, outage.Start-27*revenue.Day))), checks.Flagged},
	{checks.HistoryShort, "no record", claim(upload(revenue.History{})), checks.Flagged},
	{checks.HistoryShort, "a ledger", claim(sources(revenue.History{}, ordinary(1, 12))), checks.Passed},
	{checks.HistoryShort, "no window", claim(func(f *checks.Facts) { f.Lines[0].Windows = nil }), checks.NotApplicable},

	{checks.HistoryRoundNumbers, "no upload", claim(sources(revenue.History{}, ordinary(1, 12))), checks.NotApplicable},
	{checks.HistoryRoundNumbers, "few amounts", claim(upload(without(ordinary(1, 12), 0, outage.Start))), checks.NotApplicable},
	{checks.HistoryRoundNumbers, "fares", claim(), checks.Passed},
	{checks.HistoryRoundNumbers, "one price", claim(upload(days(priced(ordinary(1, 12), 10_000)))), checks.Passed},
	{checks.HistoryRoundNumbers, "one odd price", claim(upload(days(priced(ordinary(1, 12), 12_500)))), checks.Passed},
	{checks.HistoryRoundNumbers, "one price, uncounted", claim(upload(uncounted(priced(ordinary(1, 12), 10_000)))), checks.NotApplicable},
	{checks.HistoryRoundNumbers, "all rounded", claim(upload(rounded(ordinary(1, 12), 10_000, 3))), checks.Flagged},
	{checks.HistoryRoundNumbers, "two in three rounded", claim(upload(rounded(days(ordinary(1, 24)), 100_000, 2))), checks.Flagged},
	{checks.HistoryRoundNumbers, "one in three rounded", claim(upload(rounded(days(ordinary(1, 24)), 100_000, 1))), checks.Passed},

	{checks.HistoryCopiedWeeks, "no upload", claim(sources(revenue.History{}, ordinary(1, 12))), checks.NotApplicable},
	{checks.HistoryCopiedWeeks, "the same record in an outlet of one's own", claim(func(f *checks.Facts) { f.Lines[0].OwnCopies = 1 }), checks.Flagged},
	{checks.HistoryCopiedWeeks, "no upload, but found elsewhere", claim(sources(revenue.History{}, ordinary(1, 12)), func(f *checks.Facts) { f.Lines[0].CopiesOf = 1 }), checks.Flagged},
	{checks.HistoryCopiedWeeks, "no two weeks alike", claim(), checks.Passed},
	{checks.HistoryCopiedWeeks, "one week twice", claim(upload(copied(ordinary(1, 12), 100))), checks.Flagged},
	{checks.HistoryCopiedWeeks, "one week again, 13 % up", claim(upload(copied(ordinary(1, 12), 113))), checks.Flagged},
	{checks.HistoryCopiedWeeks, "one week of days twice", claim(upload(days(copied(ordinary(1, 12), 100)))), checks.Flagged},
	{checks.HistoryCopiedWeeks, "always the same amount", claim(upload(flat(ordinary(1, 12), 17_200))), checks.Passed},
	{checks.HistoryCopiedWeeks, "a fixed fee a day", claim(upload(days(flat(ordinary(1, 12), 17_200)))), checks.Passed},
	{checks.HistoryCopiedWeeks, "a timetable", claim(upload(changed(days(ordinary(1, 12)), 0, always, func(i int, _ money.Minor) money.Minor {
		return []money.Minor{120_000, 0, 150_000, 0, 90_000, 210_000, 70_000}[i%7]
	}))), checks.Passed},
	{checks.HistoryCopiedWeeks, "found elsewhere", claim(func(f *checks.Facts) { f.Lines[0].CopiesOf = 2 }), checks.Flagged},

	{checks.HistoryDigits, "no upload", claim(sources(revenue.History{}, ordinary(1, 12))), checks.NotApplicable},
	{checks.HistoryDigits, "few days", claim(upload(ordinary(1, 4))), checks.NotApplicable},
	{checks.HistoryDigits, "days too alike", claim(), checks.NotApplicable},
	{checks.HistoryDigits, "honest days", claim(upload(typed("0123456789"))), checks.Passed},
	{checks.HistoryDigits, "favourite digits", claim(upload(typed("3373757278"))), checks.Flagged},

	{checks.HistoryEven, "no upload", claim(sources(revenue.History{}, ordinary(1, 12))), checks.NotApplicable},
	{checks.HistoryEven, "few weeks", claim(upload(ordinary(1, 5))), checks.NotApplicable},
	{checks.HistoryEven, "five sales a week", claim(upload(flat(days(ordinary(1, 12)), 10_000))), checks.NotApplicable},
	{checks.HistoryEven, "ordinary weeks", claim(), checks.Passed},
	{checks.HistoryEven, "always the same amount", claim(upload(flat(ordinary(1, 12), 17_200))), checks.Flagged},
	{checks.HistoryEven, "within a tenth each hour", claim(upload(invented(ordinary(1, 12)))), checks.Flagged},

	{checks.HistoryLevelJump, "no upload", claim(sources(revenue.History{}, ordinary(1, 12))), checks.NotApplicable},
	{checks.HistoryLevelJump, "no window", claim(func(f *checks.Facts) { f.Lines[0].Windows = nil }), checks.NotApplicable},
	{checks.HistoryLevelJump, "few weeks", claim(upload(ordinary(1, 6))), checks.NotApplicable},
	{checks.HistoryLevelJump, "level", claim(), checks.Passed},
	{checks.HistoryLevelJump, "half more", claim(upload(times(ordinary(1, 12), outage.Start-4*revenue.Week, outage.Start, 150))), checks.Passed},
	{checks.HistoryLevelJump, "twice", claim(upload(times(ordinary(1, 12), outage.Start-4*revenue.Week, outage.Start, 200))), checks.Flagged},
	{checks.HistoryLevelJump, "twice, as once before", claim(upload(times(times(ordinary(1, 12), outage.Start-4*revenue.Week, outage.Start, 200), monday-8*revenue.Week, monday-6*revenue.Week, 300))), checks.Passed},
	{checks.HistoryLevelJump, "one large order", claim(upload(changed(ordinary(1, 12), monday+10*revenue.Hour, monday+11*revenue.Hour, func(int, money.Minor) money.Minor { return 20_000_000 }))), checks.Passed},
	{checks.HistoryLevelJump, "as the ledger", claim(sources(ordinary(1, 12), without(ordinary(1, 12), 0, monday-6*revenue.Week))), checks.Passed},
	{checks.HistoryLevelJump, "twice where there is no ledger", claim(sources(times(ordinary(1, 12), 0, monday-6*revenue.Week, 200), without(ordinary(1, 12), 0, monday-6*revenue.Week))), checks.Flagged},

	{checks.ActivityInClosure, "no closure", claim(), checks.NotApplicable},
	{checks.ActivityInClosure, "closed as stated", claim(closure("2022-10-16T00:00", "2022-10-17T00:00")), checks.Passed},
	{checks.ActivityInClosure, "the last customer", claim(closure("2022-10-15T19:00", "2022-10-17T00:00")), checks.Passed},
	{checks.ActivityInClosure, "open all the same", claim(closure("2022-10-16T00:00", "2022-10-19T00:00")), checks.Flagged},
	{checks.ActivityInClosure, "open by the ledger", claim(sources(noSales(ordinary(1, 12), 0, always), ordinary(1, 12)), closure("2022-10-17T00:00", "2022-10-19T00:00")), checks.Flagged},
	{checks.ActivityInClosure, "a day told as a day", claim(upload(days(ordinary(1, 12))), closure("2022-10-17T00:00", "2022-10-18T00:00")), checks.Flagged},
}

func TestEachCheckFlagsWhatIsBeyondItsLimitAndNothingElse(t *testing.T) {
	seen := map[checks.Code]map[checks.Result]bool{}
	for _, tc := range cases {
		t.Run(string(tc.code)+"/"+tc.name, func(t *testing.T) {
			r := find(t, checks.Run(tc.facts, checks.DefaultPoints()), tc.code)
			if r.Result != tc.want {
				t.Errorf("%s, want %s: %s", r.Result, tc.want, r.Detail.EN)
			}
			if seen[tc.code] == nil {
				seen[tc.code] = map[checks.Result]bool{}
			}
			seen[tc.code][r.Result] = true
		})
	}
	for _, code := range checks.Codes() {
		if !seen[code][checks.Passed] || !seen[code][checks.Flagged] {
			t.Errorf("%s is not tried on both sides", code)
		}
	}
}

func TestEverySentenceHasItsFiguresInBothLanguages(t *testing.T) {
	sentences := map[string]bool{}
	for _, tc := range cases {
		for _, r := range checks.Run(tc.facts, checks.DefaultPoints()) {
			bilingual(t, r.Code, r.Detail)
			if r.Remedy != nil {
				bilingual(t, r.Code, *r.Remedy)
			}
			if diff := cmp.Diff(ofFacts(t, r.Facts), distinct(numbers(r.Detail.EN))); diff != "" {
				t.Errorf("%s (%s): the figures of the row and of its sentence %q differ (-row +sentence):\n%s", r.Code, r.Result, r.Detail.EN, diff)
			}
			sentences[figure.ReplaceAllString(r.Detail.EN, "#")] = true
		}
	}
	t.Logf("%d different sentences", len(sentences))
}

// bilingual holds the two languages of a text against each other.
func bilingual(t *testing.T, code checks.Code, text lang.Text) {
	t.Helper()
	if diff := cmp.Diff(numbers(text.EN), numbers(text.KO)); diff != "" {
		t.Errorf("%s: the figures of %q and %q differ (-en +ko):\n%s", code, text.EN, text.KO, diff)
	}
	hangul := func(r rune) bool { return unicode.Is(unicode.Hangul, r) }
	if strings.ContainsFunc(text.EN, hangul) || !strings.ContainsFunc(text.KO, hangul) || strings.Contains(text.EN+text.KO, "%!") {
		t.Errorf("%s: %q and %q are not one text in two languages", code, text.EN, text.KO)
	}
	if !strings.HasSuffix(text.EN, ".") || !strings.HasSuffix(text.KO, ".") {
		t.Errorf("%s: %q or %q does not end as a sentence", code, text.EN, text.KO)
	}
}

var figure = regexp.MustCompile(`\d{4}-\d\d-\d\d|\d[\d,]*(\.\d+)?`)

// numbers are the figures of a sentence, ascending, percent with decimals as
// basis points.
func numbers(s string) []string {
	var list []string
	for _, n := range figure.FindAllString(s, -1) {
		n = strings.ReplaceAll(strings.TrimRight(n, ","), ",", "")
		if whole, decimals, ok := strings.Cut(n, "."); ok {
			n = strings.TrimLeft(whole+decimals, "0")
			if n == "" {
				n = "0"
			}
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

func distinct(sorted []string) []string { return slices.Compact(sorted) }

// ofFacts are the figures of a row, ascending, without their signs.
func ofFacts(t *testing.T, facts map[string]any) []string {
	t.Helper()
	set := map[string]bool{}
	for key, value := range facts {
		switch v := value.(type) {
		case int:
			set[strconv.Itoa(max(v, -v))] = true
		case int64:
			set[strconv.FormatInt(max(v, -v), 10)] = true
		case string:
			if key != "service" {
				set[v] = true
			}
		case bool:
		default:
			t.Errorf("fact %s is a %T", key, value)
		}
	}
	if len(set) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(set))
}

func TestARowSaysWhatItIs(t *testing.T) {
	f := claim(match(checks.Account, checks.Match{Claimants: 2, Claims: 1, Favourable: 1}))
	got, err := json.Marshal(checks.Run(f, checks.DefaultPoints())[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"code":"duplicate_account","result":"flagged","points":30,` +
		`"detail":{"ko":"같은 입금 계좌을(를) 쓰는 다른 청구인 2명, 그들이 이 장애로 낸 청구 1건, 그중 인정된 청구 1건.",` +
		`"en":"Other claimants with the same bank account: 2; their claims for this incident: 1, of which decided in their favour: 1."},` +
		`"remedy":{"ko":"계좌 번호가 맞고 본인 명의인지 확인해 주십시오. 다른 청구인과 함께 쓰는 계좌(한 사업주의 여러 사업체, 가족)라면 메시지로 알려 주십시오.",` +
		`"en":"Check that the account number is right and is your own; if you and another claimant share it (one owner of several businesses, a household), tell us so in a message."},` +
		`"facts":{"claimants":2,"claims":1,"favourable":1}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

// usualSale is the middle sale of an ordinary shop, in round figures.
const usualSale = money.Minor(8_500)

func item(amount money.Minor) func(*checks.Facts) {
	return func(f *checks.Facts) { f.Lines[0].LargestItem = amount }
}

// withSale is h with a single sale of an amount in one of its open buckets.
func withSale(h revenue.History, amount money.Minor) revenue.History {
	h.Amounts, h.Counts = slices.Clone(h.Amounts), slices.Clone(h.Counts)
	i := slices.Index(h.States, revenue.Open)
	h.Amounts[i], h.Counts[i] = amount, 1
	return h
}

// What was found when a claim was submitted is found again, under a code of its
// own, only where others or a new account can have changed it.
func TestAgainTellsWhatCameUpSinceTheSubmission(t *testing.T) {
	f := claim(item(10*usualSale), match(checks.Account, checks.Match{Claimants: 1, Claims: 1}), accountAt(filedAt+revenue.Day), func(f *checks.Facts) {
		f.Lines[0].CopiesOf, f.KeyRate = 1, &checks.Rate{LastHour: 99, LastDay: 99}
	})
	points := checks.DefaultPoints()
	want := map[checks.Code]int{
		checks.DuplicateAccount.Later(): points[checks.DuplicateAccount], checks.AccountChangedLately.Later(): points[checks.AccountChangedLately],
		checks.HistoryCopiedWeeks.Later(): points[checks.HistoryCopiedWeeks],
	}
	got := map[checks.Code]int{}
	for _, row := range checks.Again(f, points) {
		got[row.Code] = row.Points
		if first := find(t, checks.Run(f, points), row.Code.Check()); first.Detail != row.Detail || first.Service != row.Service {
			t.Errorf("%s says %+v, at the submission %+v", row.Code, row, first)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found again (-want +got):\n%s", diff)
	}
	if rows := checks.Again(claim(), points); len(rows) != 0 {
		t.Errorf("of an honest claim: %+v", rows)
	}
}

func accountAt(at revenue.Local) func(*checks.Facts) {
	return func(f *checks.Facts) { f.AccountChangedAt = &at }
}

// noSales is h with nothing sold in [from, to), though open.
func noSales(h revenue.History, from, to revenue.Local) revenue.History {
	h = times(h, from, to, 0)
	h.Counts = slices.Clone(h.Counts)
	for i := range h.Counts {
		if at := h.At(i); from <= at && at < to {
			h.Counts[i] = 0
		}
	}
	return h
}

// longer is h with two more weeks of open hours without a sale.
func longer(h revenue.History) revenue.History {
	const n = 2 * 168
	h.Amounts = append(slices.Clone(h.Amounts), make([]money.Minor, n)...)
	h.Counts = append(slices.Clone(h.Counts), make([]int32, n)...)
	h.States = append(slices.Clone(h.States), slices.Repeat([]revenue.State{revenue.Open}, n)...)
	return h
}

// days is h by the day.
func days(h revenue.History) revenue.History {
	h, err := h.Coarsen(1440)
	if err != nil {
		panic(err)
	}
	return h
}

// priced is h with every sale at one price.
func priced(h revenue.History, price money.Minor) revenue.History {
	return changed(h, 0, always, func(i int, _ money.Minor) money.Minor { return price * money.Minor(h.Counts[i]) })
}

// rounded is h with so many of every three amounts rounded to a step.
func rounded(h revenue.History, step money.Minor, ofThree int) revenue.History {
	n := 0
	return changed(h, 0, always, func(_ int, a money.Minor) money.Minor {
		if n++; n%3 >= ofThree {
			return a
		}
		return (a + step/2) / step * step
	})
}

// copied is h whose eighth week is its third one at so many percent.
func copied(h revenue.History, percent money.Minor) revenue.History {
	from := h.Start + 7*revenue.Week
	return changed(h, from, from+revenue.Week, func(i int, _ money.Minor) money.Minor {
		return (h.Amounts[i-5*int(revenue.Week)/h.BucketMinutes]*percent/100 + 50) / 100 * 100
	})
}

// flat is h with one amount in every open bucket.
func flat(h revenue.History, amount money.Minor) revenue.History {
	return changed(h, 0, always, func(int, money.Minor) money.Minor { return amount })
}

// invented is h with amounts within a tenth of 20,000.
func invented(h revenue.History) revenue.History {
	r := rand.New(rand.NewPCG(7, 7))
	return changed(h, 0, always, func(int, money.Minor) money.Minor { return 100 * money.Minor(180+r.IntN(41)) })
}

// typed is a daily history of 200,000 to 1,200,000 of 100 sales a day, whose
// digits in the place of 10,000 are drawn from a list.
func typed(digits string) revenue.History {
	r := rand.New(rand.NewPCG(9, 9))
	h := revenue.History{BucketMinutes: 1440, Start: monday - 16*revenue.Week}
	for range 17 * 7 {
		digit := money.Minor(digits[r.IntN(len(digits))] - '0')
		h.Amounts = append(h.Amounts, 100_000*money.Minor(2+r.IntN(10))+10_000*digit+100*money.Minor(r.IntN(100)))
		h.Counts, h.States = append(h.Counts, 100), append(h.States, revenue.Open)
	}
	return h
}

func ExampleRun() {
	f := checks.Facts{
		Currency: money.KRW,
		Amounts:  checks.Amounts{Claimed: new(money.Minor(900_000)), Estimated: &checks.Estimated{Amount: 400_000, Low: 300_000, High: 500_000}},
	}
	for _, r := range checks.Run(f, checks.DefaultPoints()) {
		if r.Result == checks.Flagged {
			fmt.Println(r.Points, r.Detail.EN)
		}
	}
	// Output: 15 In all, ₩900,000 is claimed and ₩400,000 estimated, at most ₩500,000 with the 90% range; more than 125% of that upper end is looked at.
}

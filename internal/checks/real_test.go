package checks_test

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"redress/internal/checks"
	"redress/internal/money"
	"redress/internal/revenue"
)

// realData is where real series lie beside a checkout, when they do.
var realData = filepath.Join("..", "..", "..", "shared", "data")

// business is a real series of counts of one business. Most sources have no
// money: their amounts are counts.
type business struct {
	name string
	revenue.History
}

func businesses(t *testing.T) []business {
	t.Helper()
	var list []business
	for _, set := range []struct {
		name    string
		minutes int
	}{{"bread_basket", 60}, {"capital_bikeshare", 60}, {"coffee_vending", 60}, {"recruit_reserve", 60}, {"recruit_visits", 1440}} {
		file, err := os.Open(filepath.Join(realData, set.name, "series.csv"))
		if err != nil {
			t.Skipf("SKIPPED: THE FALSE ALARMS ON REAL BUSINESSES ARE NOT COUNTED HERE: %v", err)
		}
		defer file.Close()
		rows, err := csv.NewReader(file).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			if name := set.name + "/" + row[0]; len(list) == 0 || list[len(list)-1].name != name {
				list = append(list, business{name, revenue.History{BucketMinutes: set.minutes, Start: local(row[1])}})
			}
			amount, err := strconv.ParseInt(row[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			count, err := strconv.ParseInt(row[3], 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			h := &list[len(list)-1].History
			h.Amounts, h.Counts, h.States = append(h.Amounts, money.Minor(amount)), append(h.Counts, int32(count)), append(h.States, revenue.Open)
		}
	}
	return list
}

// menus are lists of prices: one, few, many; round, odd, ending in 900, free now
// and then.
var menus = [][]money.Minor{
	{2_500}, {4_500}, {4_900}, {5_000}, {10_000}, {12_500}, {15_000}, {39_000}, {4_500, 5_000}, {4_900, 9_900}, {10_000, 20_000},
	{30_000, 40_000, 50_000}, {33_000, 55_000, 77_000}, {3_500, 4_000, 4_500, 5_000, 5_500, 6_000}, {20_000, 30_000, 50_000, 80_000, 100_000},
	{4_900, 5_900, 8_900, 12_900, 19_900, 23_900}, {8_000, 9_000, 12_000, 15_000, 18_000, 25_000, 38_000},
	{1_200, 1_500, 1_700, 2_300, 2_800, 3_900, 4_400, 12_000}, {5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 4_900},
	{10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 0},
}

// from prices every sale of a history from a menu.
func from(menu []money.Minor, h revenue.History, r *rand.Rand) revenue.History {
	return changed(h, -always, always, func(i int, _ money.Minor) money.Minor {
		var sum money.Minor
		for range h.Counts[i] {
			sum += menu[r.IntN(len(menu))]
		}
		return sum
	})
}

// quiet is a window of a day, a week before the end of a history: of no outage.
func quiet(h revenue.History) revenue.Span {
	start := h.End().DayStart() - revenue.Week
	return revenue.Span{Start: start, End: start + revenue.Day}
}

func TestTheChecksAreSeldomWrongOnHowRealBusinessesMadeTheirRecords(t *testing.T) {
	looked := []checks.Code{checks.HistoryRoundNumbers, checks.HistoryCopiedWeeks, checks.HistoryDigits, checks.HistoryEven}
	type tally struct{ applied, flagged int }
	counted, not := map[checks.Code]tally{}, map[checks.Code]tally{}
	r := rand.New(rand.NewPCG(1, 1))
	list := businesses(t)
	for _, b := range list {
		for _, menu := range menus {
			h := from(menu, b.History, r)
			for _, variant := range []struct {
				revenue.History
				tallies map[checks.Code]tally
			}{{h, counted}, {uncounted(h), not}} {
				f := checks.Facts{Currency: money.KRW, Lines: []checks.Line{{Upload: variant.History, Windows: []revenue.Span{quiet(h)}}}}
				rows := checks.Run(f, checks.DefaultPoints())
				for _, code := range looked {
					n := variant.tallies[code]
					switch find(t, rows, code).Result {
					case checks.Flagged:
						n.flagged++
						n.applied++
					case checks.Passed:
						n.applied++
					}
					variant.tallies[code] = n
				}
			}
		}
	}
	t.Logf("%d businesses, each priced from %d menus", len(list), len(menus))
	for _, code := range looked {
		c, n := counted[code], not[code]
		t.Logf("%s: of %d records with counts %d flagged, of %d without %d", code, c.applied, c.flagged, n.applied, n.flagged)
		if 200*c.flagged > c.applied || 200*n.flagged > n.applied {
			t.Errorf("%s is wrong on more than one record in two hundred", code)
		}
	}
}

func TestTheChecksAreSeldomWrongOnWhenRealBusinessesTraded(t *testing.T) {
	moments, flagged := 0, map[checks.Code]int{}
	for _, b := range businesses(t) {
		for at := b.Start.DayStart() + 8*revenue.Week; at < b.End(); at += revenue.Week {
			window := revenue.Span{Start: at + 15*revenue.Hour, End: at + 25*revenue.Hour}
			year := b.Slice(revenue.Span{Start: at - 52*revenue.Week, End: at + 2*revenue.Week})
			rows := checks.Run(checks.Facts{Currency: money.KRW, Lines: []checks.Line{{Upload: year, Windows: []revenue.Span{window}}}}, checks.DefaultPoints())
			moments++
			for _, r := range rows {
				if r.Result == checks.Flagged {
					flagged[r.Code]++
				}
			}
		}
	}
	t.Logf("at %d moments: %v", moments, flagged)
	if 50*flagged[checks.HistoryLevelJump] > moments {
		t.Errorf("a jump is seen at %d of %d moments, more than one in fifty", flagged[checks.HistoryLevelJump], moments)
	}
	if 500*flagged[checks.ClosedOrOpenedInWindow] > moments {
		t.Errorf("an outlet looks closed at %d of %d moments, more than one in five hundred", flagged[checks.ClosedOrOpenedInWindow], moments)
	}
}

func TestNoTwoRealBusinessesShareAFingerprintAndCopiesDo(t *testing.T) {
	owner, r := map[uint64]string{}, rand.New(rand.NewPCG(1, 1))
	many := menus[len(menus)-3]
	distinctive, found := 0, 0
	weeksCopied, weeksFound := 0, 0
	for _, b := range businesses(t) {
		h := from(many, b.History, r)
		own := checks.Fingerprints(h)
		for _, print := range slices.Concat(own, checks.Fingerprints(b.History)) {
			if other, taken := owner[print]; taken && other != b.name {
				t.Errorf("%s and %s share a fingerprint", b.name, other)
			}
			owner[print] = b.name
		}
		if len(own) > 0 {
			distinctive++
			if common(own, checks.Fingerprints(times(h, -always, always, 113))) > 0 {
				found++
			}
		}
		if h.Span().Minutes() > 9*int64(revenue.Week) {
			h.Start = h.Start.WeekStart() // whole weeks from the start, for copied
			weeksCopied++
			if find(t, checks.Run(claim(upload(copied(h, 113))), checks.DefaultPoints()), checks.HistoryCopiedWeeks).Result == checks.Flagged {
				weeksFound++
			}
		}
	}
	t.Logf("%d fingerprints, %d distinctive records, copies 13 %% up found of %d; one week copied 13 %% up found in %d of %d", len(owner), distinctive, found, weeksFound, weeksCopied)
	if 10*found < 9*distinctive {
		t.Errorf("copies of %d of %d distinctive records are found, less than nine in ten", found, distinctive)
	}
	if 4*weeksFound < 3*weeksCopied {
		t.Errorf("one copied week is found in %d of %d records, less than three in four", weeksFound, weeksCopied)
	}
}

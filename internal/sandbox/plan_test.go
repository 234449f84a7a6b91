package sandbox

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// count tells how many members have each value.
func count[T comparable](members []member, of func(member) T) map[T]int {
	n := map[T]int{}
	for _, m := range members {
		n[of(m)]++
	}
	return n
}

func TestAPlanHasTheDesignedCountsWhateverTheSeed(t *testing.T) {
	for _, seed := range []uint64{0, 1, 20221015} {
		members := plan(seed, DefaultClaimants)
		check := func(what string, diff string) {
			if diff != "" {
				t.Errorf("seed %d, %s (-want +got):\n%s", seed, what, diff)
			}
		}
		check("sectors", cmp.Diff(map[scheme.Sector]int{
			"taxi": 100, "salon": 80, "convenience": 40, "bakery": 20, "cafe": 20, "retail": 20, "online_retail": 20,
		}, count(members, func(m member) scheme.Sector { return m.sector.code })))
		check("oddities", cmp.Diff(map[oddity]int{
			ordinary: 274, newcomer: 8, flatLine: 3, gap: 5, oneDay: 3, bulkOrder: 3, refunds: 4,
		}, count(members, func(m member) oddity { return m.oddity })))
		check("fates", cmp.Diff(map[fate]int{submitted: 250, late: 2, draft: 30, withdrawn: 6, unfiled: 12},
			count(members, func(m member) fate { return m.fate })))
		check("sources", cmp.Diff(map[source]int{uploaded: 240, ledger: 40, both: 20},
			count(members, func(m member) source { return m.source })))
		check("reaches", cmp.Diff(map[reach]int{toFiling: 180, toOutage: 90, toMonday: 30},
			count(members, func(m member) reach { return m.reach })))
	}
}

func TestEverySectorIsOneThatSchemesKnow(t *testing.T) {
	for code, s := range sectors {
		if !code.Known() || s.code != code {
			t.Errorf("sector %q is called %q and is known: %t", code, s.code, code.Known())
		}
		for _, trade := range s.trades {
			if service, ok := incident().Service(trade.service); !ok || len(service.Windows) < 2 {
				t.Errorf("%s sells through %q, which the incident does not impair in stages", code, trade.service)
			}
		}
	}
}

func TestEveryBusinessNumberHasARightCheckDigit(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range plan(1, 2000) {
		n := m.businessNumber()
		if !identity.ValidBusinessNumber(n) || seen[n] {
			t.Errorf("%s of claimant %d: valid %t, seen before %t", n, m.number, identity.ValidBusinessNumber(n), seen[n])
		}
		seen[n] = true
	}
}

// soldBy plays the first trade of the first member with an oddity.
func soldBy(t *testing.T, what oddity) (member, []hour) {
	t.Helper()
	for _, m := range plan(1, DefaultClaimants) {
		if m.oddity == what {
			return m, m.sell(0, incident()).within(m.exported())
		}
	}
	t.Fatalf("nobody is %s", what)
	return member{}, nil
}

func TestEveryOddityShowsInTheHistory(t *testing.T) {
	t.Run(string(newcomer), func(t *testing.T) {
		if _, hours := soldBy(t, newcomer); hours[0].at < outageDay-3*revenue.Week {
			t.Errorf("a new business has a history from %s on", hours[0].at)
		}
	})
	t.Run(string(oneDay), func(t *testing.T) {
		if _, hours := soldBy(t, oneDay); len(hours) != 24 {
			t.Errorf("a history of one day has %d hours", len(hours))
		}
	})
	t.Run(string(gap), func(t *testing.T) {
		m, hours := soldBy(t, gap)
		if missing := int(m.exported().Minutes())/60 - len(hours); missing != 3*7*24 {
			t.Errorf("%d hours are missing, want three weeks", missing)
		}
	})
	t.Run(string(flatLine), func(t *testing.T) {
		amounts := map[money.Minor]bool{}
		_, hours := soldBy(t, flatLine)
		for _, h := range hours {
			if !h.closed {
				amounts[h.amount] = true
			}
		}
		if len(amounts) != 1 {
			t.Errorf("a flat line has %d different amounts", len(amounts))
		}
	})
	t.Run(string(bulkOrder), func(t *testing.T) {
		m, hours := soldBy(t, bulkOrder)
		large := 0
		for _, h := range hours {
			if h.amount > 60*m.sector.trades[0].ticket {
				large++
			}
		}
		if large != 1 {
			t.Errorf("%d hours have a bulk order, want 1", large)
		}
	})
	t.Run(string(refunds), func(t *testing.T) {
		negative := 0
		_, hours := soldBy(t, refunds)
		for _, h := range hours {
			if h.amount < 0 {
				negative++
			}
		}
		if negative == 0 {
			t.Error("no hour has more refunds than sales")
		}
	})
}

func TestTheOutageTakesSalesAndOnlyTheOutageDoes(t *testing.T) {
	lost := map[string]money.Minor{}
	for _, m := range plan(1, DefaultClaimants) {
		for n, trade := range m.sector.trades {
			windows := impairments(incident(), trade.service)
			if without := m.sell(n, claims.Incident{}); without.lost != 0 || without.earned != 0 {
				t.Errorf("claimant %d lost %d without an outage", m.number, without.lost)
			}
			sold := m.sell(n, incident())
			lost[trade.service] += sold.lost
			for _, h := range sold.hours {
				full := windows[0].Start <= h.at && h.at+revenue.Hour <= windows[0].End
				if full && m.reliance == 100 && m.oddity == ordinary && h.amount != 0 {
					t.Errorf("claimant %d, who sells through %s alone, sold %d at %s", m.number, trade.service, h.amount, h.at)
				}
			}
		}
	}
	for _, service := range []string{taxi, hair, shop, pay} {
		if lost[service] == 0 {
			t.Errorf("the outage of %s took nothing", service)
		}
	}
}

func TestHoursReadBackFromEveryExportAsTheyWere(t *testing.T) {
	m := plan(1, DefaultClaimants)[0]
	hours := m.sell(0, incident()).within(m.exported())
	var amount money.Minor
	var sales int64
	for _, h := range hours {
		amount += h.amount
		sales += h.count
	}
	for name, as := range map[string]struct {
		write  export
		format revenue.Format
	}{"Korean": {koreanCSV, revenue.CSV}, "CP949": {cp949CSV, revenue.CSV}, "English": {englishCSV, revenue.CSV}, "workbook": {workbook, revenue.XLSX}} {
		report := readBack(t, as.write, as.format, hours)
		if s := report.Summary; s.RowsRefused != 0 || s.TotalAmount != amount || s.TotalCount != sales || s.BucketMinutes != 60 || s.MissingBuckets != 0 {
			t.Errorf("%s: read %+v, want %d won in %d sales", name, s, amount, sales)
		}
	}
}

func readBack(t *testing.T, as export, format revenue.Format, hours []hour) revenue.Report {
	t.Helper()
	file, err := as(hours)
	if err != nil {
		t.Fatal(err)
	}
	report, err := revenue.Read(bytes.NewReader(file), revenue.Options{Format: format, Zone: seoul})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

package checks_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/checks"
	"redress/internal/money"
	"redress/internal/revenue"
)

// anyHistory draws a lawful history: of any bucket length, from any minute of its
// grid, with gaps, closures and refunds, of amounts of any size.
func anyHistory(t *rapid.T, label string) revenue.History {
	minutes := rapid.SampledFrom(revenue.BucketLengths).Draw(t, label+" bucket")
	n := rapid.IntRange(0, 40*int(revenue.Week)/max(minutes, 360)).Draw(t, label+" length")
	most := rapid.SampledFrom([]int64{0, 1, 9, 50_000, 1e9, int64(money.Max) / 10_000}).Draw(t, label+" size")
	repeat := rapid.IntRange(1, 200).Draw(t, label+" repeat")
	step := rapid.SampledFrom([]int64{1, 100, 50_000}).Draw(t, label+" step")
	h := revenue.History{BucketMinutes: minutes, Start: revenue.Local(rapid.IntRange(-40, 40).Draw(t, label+" start") * minutes)}
	drawn := rapid.SliceOfN(rapid.Int64Range(-most/8, most), repeat, repeat).Draw(t, label+" amounts")
	states := rapid.SliceOfN(rapid.SampledFrom([]revenue.State{revenue.Open, revenue.Open, revenue.Open, revenue.Closed, revenue.Missing}), repeat, repeat).Draw(t, label+" states")
	for i := range n {
		amount, state := money.Minor(drawn[i%repeat]/step*step), states[i%repeat]
		if state != revenue.Open {
			amount = 0
		}
		h.Amounts, h.Counts, h.States = append(h.Amounts, amount), append(h.Counts, int32(i%3)*int32(state%2)), append(h.States, state)
	}
	return h
}

func anyClaim(t *rapid.T) checks.Facts {
	span := func(label string) revenue.Span {
		start := revenue.Local(rapid.IntRange(-20_000, 60_000).Draw(t, label))
		return revenue.Span{Start: start, End: start + revenue.Local(rapid.IntRange(-10, 20_000).Draw(t, label+" length"))}
	}
	f := checks.Facts{Currency: money.KRW, SubmittedAt: 60_000, Amounts: amounts(money.Minor(rapid.Int64().Draw(t, "claimed")), money.Minor(rapid.Int64().Draw(t, "high")))}
	for i := range rapid.IntRange(0, 2).Draw(t, "lines") {
		l := checks.Line{Service: []string{"shop", "pay"}[i], Upload: anyHistory(t, "upload"), Ledger: anyHistory(t, "ledger"), CopiesOf: i}
		for range rapid.IntRange(0, 2).Draw(t, "windows") {
			l.Windows = append(l.Windows, span("window"))
		}
		for range rapid.IntRange(0, 2).Draw(t, "closures") {
			l.Closures = append(l.Closures, span("closure"))
		}
		f.Lines = append(f.Lines, l)
	}
	return f
}

func TestAnyClaimGetsEveryRowAndTheOrderOfItsPartsMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyClaim(t)
		rows := checks.Run(f, checks.DefaultPoints())
		if want := 10 + 8*len(f.Lines); len(rows) != want {
			t.Fatalf("%d rows, want %d", len(rows), want)
		}
		for _, r := range rows {
			if r.Detail.EN == "" || r.Detail.KO == "" || r.Facts == nil {
				t.Fatalf("%s says nothing", r.Code)
			}
		}
		if _, err := json.Marshal(rows); err != nil {
			t.Fatal(err)
		}
		turned := f
		turned.Lines = slices.Clone(f.Lines)
		slices.Reverse(turned.Lines)
		for i := range turned.Lines {
			l := &turned.Lines[i]
			l.Windows, l.Closures = slices.Clone(l.Windows), slices.Clone(l.Closures)
			slices.Reverse(l.Windows)
			slices.Reverse(l.Closures)
		}
		if diff := cmp.Diff(rows, checks.Run(turned, checks.DefaultPoints())); diff != "" {
			t.Fatalf("turned round, the rows differ (-as given +turned):\n%s", diff)
		}
	})
}

// Another currency of a hundredth of the value tells the same story: amounts in
// sen instead of won.
func TestTheScaleOfTheAmountsMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := ordinary(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 30).Draw(t, "weeks"))
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 1:
			h = copied(h, 113)
		case 2:
			h = invented(h)
		case 3:
			h = rounded(days(h), 100_000, 3)
		case 4:
			h = times(h, outage.Start-4*revenue.Week, outage.Start, 210)
		}
		ledger := ordinary(rapid.Uint64().Draw(t, "ledger seed"), 10)
		k := rapid.SampledFrom([]money.Minor{10, 100, 1000}).Draw(t, "factor")
		scaled := func(h revenue.History) revenue.History {
			return changed(h, -always, always, func(_ int, a money.Minor) money.Minor { return k * a })
		}
		small := checks.Run(claim(sources(h, ledger)), checks.DefaultPoints())
		large := checks.Run(claim(sources(scaled(h), scaled(ledger))), checks.DefaultPoints())
		for i, r := range small {
			if r.Result != large[i].Result {
				t.Errorf("%s is %s, times %d %s:\n%s\n%s", r.Code, r.Result, k, large[i].Result, r.Detail.EN, large[i].Detail.EN)
			}
		}
	})
}

func TestTheInputIsLeftAsItWas(t *testing.T) {
	f := claim(sources(ordinary(1, 12), days(ordinary(2, 12))), closure("2022-10-17T00:00", "2022-10-18T00:00"))
	f.Lines = append(f.Lines, line(ordinary(3, 12)))
	f.Lines[1].Service = "pay"
	before, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	checks.Run(f, checks.DefaultPoints())
	after, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("input (-before +after):\n%s", diff)
	}
}

// FuzzRun reads a claim's two histories off bytes, lawful or not: the first byte
// says where they start, each further one is a bucket.
func FuzzRun(f *testing.F) {
	f.Add([]byte{}, int64(0), 60, 0)
	f.Add([]byte("\x01\x02\x41\x82\x03\x04\x44\x05"), int64(27_000_000), 1440, 7)
	f.Add([]byte("unaligned and unlawful"), int64(-1), 17, -3)
	f.Add([]byte("far off"), int64(1)<<62, 15, 1)
	f.Fuzz(func(t *testing.T, buckets []byte, start int64, minutes, window int) {
		if len(buckets) > 20_000 {
			return
		}
		h := revenue.History{BucketMinutes: minutes, Start: revenue.Local(start)}
		for _, b := range buckets {
			h.States = append(h.States, revenue.State(b>>6))
			h.Amounts = append(h.Amounts, money.Minor(int8(b<<2))*money.Minor(max(window, 1)))
			h.Counts = append(h.Counts, int32(b&3))
		}
		repeated := h
		for range 20 {
			repeated.States = append(repeated.States, h.States...)
			repeated.Amounts = append(repeated.Amounts, h.Amounts...)
			repeated.Counts = append(repeated.Counts, h.Counts...)
		}
		w := revenue.Span{Start: revenue.Local(start) + revenue.Local(window), End: revenue.Local(start) + 2*revenue.Local(window)}
		l := checks.Line{Upload: repeated, Ledger: h, Windows: []revenue.Span{w}, Closures: []revenue.Span{w}}
		rows := checks.Run(checks.Facts{Currency: money.KRW, Lines: []checks.Line{l}}, checks.DefaultPoints())
		if len(rows) != 18 {
			t.Errorf("%d rows", len(rows))
		}
		if prints := checks.Fingerprints(repeated); len(prints) > 78 || !slices.IsSorted(prints) {
			t.Errorf("%d fingerprints", len(prints))
		}
	})
}

package revenue_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/money"
	"redress/internal/revenue"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden returns a kept file, after writing it when asked to.
func golden(t *testing.T, name string, got []byte) string {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

// series makes a history of buckets; amounts below 0 stand for closed (-1) and
// missing (-2).
func series(minutes int, start string, amounts ...int) revenue.History {
	h := revenue.History{BucketMinutes: minutes, Start: at(start)}
	for _, a := range amounts {
		state, amount, count := revenue.Open, money.Minor(a), int32(1)
		switch a {
		case -1:
			state, amount, count = revenue.Closed, 0, 0
		case -2:
			state, amount, count = revenue.Missing, 0, 0
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
}

// anyHistory draws a valid history of up to some weeks.
var anyHistory = rapid.Custom(func(t *rapid.T) revenue.History {
	minutes := rapid.SampledFrom(revenue.BucketLengths).Draw(t, "minutes")
	start := rapid.Int64Range(-3000, 3_000_000).Draw(t, "start")
	h := revenue.History{BucketMinutes: minutes, Start: revenue.Local(start * int64(minutes))}
	scale := rapid.SampledFrom([]money.Minor{1, 100, 1000}).Draw(t, "scale")
	counted := rapid.Bool().Draw(t, "counted")
	for range rapid.IntRange(0, 400).Draw(t, "buckets") {
		state := rapid.SampledFrom([]revenue.State{revenue.Missing, revenue.Open, revenue.Open, revenue.Closed}).Draw(t, "state")
		var amount money.Minor
		var count int32
		if state == revenue.Open {
			amount = scale * money.Minor(rapid.Int64Range(-50, 1_000_000).Draw(t, "amount"))
			if counted {
				count = rapid.Int32Range(0, 5_000_000).Draw(t, "count")
			}
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h
})

func TestWhatIsPackedIsUnpacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory.Draw(t, "history")
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		weeks := revenue.Pack(h)
		for i, week := range weeks {
			if week.Start != week.Start.WeekStart() || (i > 0 && week.Start != weeks[i-1].Start+revenue.Week) {
				t.Fatalf("week %d starts at %s", i, week.Start)
			}
		}
		got, err := revenue.Unpack(weeks)
		if err != nil {
			t.Fatal(err)
		}
		if h.Len() == 0 {
			h = revenue.History{}
		}
		if diff := cmp.Diff(h, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWeeksLeftOutAreMissing(t *testing.T) {
	h := year()
	weeks := revenue.Pack(h)
	got, err := revenue.Unpack(append(weeks[:3:3], weeks[5:]...))
	if err != nil {
		t.Fatal(err)
	}
	gap := revenue.Span{Start: weeks[3].Start, End: weeks[5].Start}
	if got.Len() != h.Len() || got.Sum(gap).MissingMinutes != gap.Minutes() {
		t.Errorf("%d buckets, %+v in the gap", got.Len(), got.Sum(gap))
	}
	after := revenue.Span{Start: gap.End, End: h.End()}
	if diff := cmp.Diff(h.Sum(after), got.Sum(after)); diff != "" {
		t.Error(diff)
	}
}

func TestCorruptWeeksAreRefused(t *testing.T) {
	hours := revenue.Pack(series(60, "2022-10-10T00:00", 100, -1, -2, 200))
	quarters := revenue.Pack(series(15, "2022-10-17T00:00", 100, 200))
	changed := func(at int, to byte) []revenue.PackedWeek {
		data := append([]byte(nil), hours[0].Data...)
		data[at] = to
		return []revenue.PackedWeek{{Start: hours[0].Start, Data: data}}
	}
	for name, weeks := range map[string][]revenue.PackedWeek{
		"nothing":         {{Start: hours[0].Start}},
		"a Tuesday":       {{Start: hours[0].Start + revenue.Day, Data: hours[0].Data}},
		"another version": changed(0, 2),
		"no such length":  changed(1, 4),
		"unknown flags":   changed(2, 0x82),
		"no such scale":   changed(3, 16),
		"beyond the week": {{Start: hours[0].Start, Data: append([]byte{1, 2, 0, 0, 127, 42}, 42<<2)}},
		"no buckets":      changed(5, 0),
		"a run too long":  changed(6, 0x7d),
		"cut off":         {{Start: hours[0].Start, Data: hours[0].Data[:len(hours[0].Data)-1]}},
		"too much":        {{Start: hours[0].Start, Data: append(hours[0].Data[:len(hours[0].Data):len(hours[0].Data)], 0)}},
		"twice":           {hours[0], hours[0]},
		"two lengths":     {hours[0], quarters[0]},
		"out of order":    {revenue.Pack(series(60, "2022-10-17T00:00", 1))[0], hours[0]},
		"decades apart":   {revenue.Pack(series(60, "1970-01-05T00:00", 1))[0], hours[0]},
	} {
		if h, err := revenue.Unpack(weeks); err == nil {
			t.Errorf("%s: unpacked into %v", name, shown(h))
		}
	}
}

func TestPackedWeekKeepsItsBytes(t *testing.T) {
	weeks := revenue.Pack(series(60, "2022-10-11T00:00", 12000, -1, -1, -2, 0, 3000))
	if len(weeks) != 1 || weeks[0].Start != at("2022-10-10T00:00") {
		t.Fatalf("packed into %+v", weeks)
	}
	// Version 1, hours, counts, thousands; 24 before, 6 buckets; runs of 1 open,
	// 2 closed, 1 missing, 2 open; 12, 1; 0, 1; 3, 1.
	if got, want := hex.EncodeToString(weeks[0].Data), "01020103"+"1806"+"050a0409"+"1801"+"0001"+"0601"; got != want {
		t.Errorf("packed as %s, want %s", got, want)
	}
}

func TestDigestIsOfEveryPartOfAHistory(t *testing.T) {
	h := series(60, "2022-10-15T15:00", 12000, -1, -2, 0)
	if got, want := hex.EncodeToString(digest(h)), "c3126431224d953f42b8f2ff9d710b9ade5553eb27677ba731dca1c150cbd194"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	seen := map[string]string{hex.EncodeToString(digest(h)): "the history itself"}
	for name, change := range map[string]func(*revenue.History){
		"length":  func(h *revenue.History) { h.BucketMinutes = 30 },
		"start":   func(h *revenue.History) { h.Start += revenue.Hour },
		"amount":  func(h *revenue.History) { h.Amounts[0]++ },
		"count":   func(h *revenue.History) { h.Counts[0]++ },
		"state":   func(h *revenue.History) { h.States[1] = revenue.Missing },
		"buckets": func(h *revenue.History) { *h = h.Slice(revenue.Span{Start: h.Start, End: h.End() - 60}) },
		"nothing": func(h *revenue.History) { *h = revenue.History{} },
	} {
		other := series(60, "2022-10-15T15:00", 12000, -1, -2, 0)
		change(&other)
		sum := hex.EncodeToString(digest(other))
		if before, ok := seen[sum]; ok {
			t.Errorf("changing the %s gives the digest of %s", name, before)
		}
		seen[sum] = name
	}
}

func digest(h revenue.History) []byte {
	sum := revenue.Digest(h)
	return sum[:]
}

func TestMergeTakesThePlatformFirst(t *testing.T) {
	platform := series(60, "2022-10-15T10:00", 100, -2, -1, 400)
	claimant := series(60, "2022-10-15T09:00", 9, 10, 11, 12, -2, 14)
	h, err := revenue.Merge(platform, claimant)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2022-10-15T09:00 9×1", "2022-10-15T10:00 100×1", "2022-10-15T11:00 11×1", "2022-10-15T12:00 closed",
		"2022-10-15T13:00 400×1", "2022-10-15T14:00 14×1"}
	if diff := cmp.Diff(want, shown(h)); diff != "" {
		t.Error(diff)
	}
}

func TestMergeSumsTheFinerToTheCoarser(t *testing.T) {
	h, err := revenue.Merge(series(30, "2022-10-15T09:30", 1, 2, 3, 4, -2, -1, 6, -1, -1), series(60, "2022-10-15T09:00", 90))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2022-10-15T09:00 90×1", "2022-10-15T10:00 5×2", "2022-10-15T11:00 missing", "2022-10-15T12:00 6×1", "2022-10-15T13:00 closed"}
	if diff := cmp.Diff(want, shown(h)); diff != "" {
		t.Error(diff)
	}
}

func TestMergeWithNothingIsTheOther(t *testing.T) {
	h := series(15, "2022-10-15T09:00", 1, -1, 3)
	day := revenue.History{BucketMinutes: 1440}
	for _, pair := range [][2]revenue.History{{h, day}, {day, h}} {
		got, err := revenue.Merge(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, got); diff != "" {
			t.Error(diff)
		}
	}
	if got, err := revenue.Merge(revenue.History{}, day); got.Len() != 0 || err != nil {
		t.Error(got, err)
	}
}

func TestMergeKeepsEveryKnownBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		platform := anyHistory.Draw(t, "platform")
		claimant := anyHistory.Draw(t, "claimant")
		claimant.BucketMinutes = platform.BucketMinutes
		near := rapid.Int64Range(-100, 100).Draw(t, "distance")
		claimant.Start = platform.Start + revenue.Local(near*int64(platform.BucketMinutes))
		merged, err := revenue.Merge(platform, claimant)
		if err != nil {
			t.Fatal(err)
		}
		for i := range merged.Len() {
			bucket := revenue.Span{Start: merged.At(i), End: merged.At(i + 1)}
			want := platform.Sum(bucket)
			if want.MissingMinutes > 0 {
				want = claimant.Sum(bucket)
			}
			got := merged.Sum(bucket)
			if got.Amount != want.Amount || got.Count != want.Count || got.OpenMinutes != want.OpenMinutes || got.ClosedMinutes != want.ClosedMinutes {
				t.Fatalf("%s: merged %+v, want %+v", bucket.Start, got, want)
			}
		}
	})
}

func TestSumsOfASpan(t *testing.T) {
	h := series(60, "2022-10-15T10:00", 100, -1, -2, 400)
	for _, tc := range []struct {
		from, to string
		want     revenue.Totals
	}{
		{"10:00", "14:00", revenue.Totals{Amount: 500, Count: 2, OpenBuckets: 2, ClosedBuckets: 1, MissingBuckets: 1, OpenMinutes: 120, ClosedMinutes: 60, MissingMinutes: 60}},
		{"09:00", "11:00", revenue.Totals{Amount: 100, Count: 1, OpenBuckets: 1, OpenMinutes: 60, MissingMinutes: 60}},
		{"10:30", "12:00", revenue.Totals{ClosedBuckets: 1, ClosedMinutes: 60, MissingMinutes: 30}},
		{"13:10", "13:50", revenue.Totals{MissingMinutes: 40}},
		{"16:00", "17:00", revenue.Totals{MissingMinutes: 60}},
		{"12:00", "12:00", revenue.Totals{}},
	} {
		s := revenue.Span{Start: at("2022-10-15T" + tc.from), End: at("2022-10-15T" + tc.to)}
		if diff := cmp.Diff(tc.want, h.Sum(s)); diff != "" {
			t.Errorf("%s–%s: %s", tc.from, tc.to, diff)
		}
		if got := h.Slice(s); got.Len() > 0 && (got.Start < s.Start || got.End() > s.End) {
			t.Errorf("slice of %s–%s reaches from %s to %s", tc.from, tc.to, got.Start, got.End())
		}
	}
}

func TestSlicesTogetherAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory.Draw(t, "history")
		cut := h.At(rapid.IntRange(0, h.Len()).Draw(t, "cut"))
		left, right := revenue.Span{Start: h.Start, End: cut}, revenue.Span{Start: cut, End: h.End()}
		if got := h.Slice(left).Len() + h.Slice(right).Len(); got != h.Len() {
			t.Fatalf("%d buckets in both slices, %d in the whole", got, h.Len())
		}
		if got := h.Sum(left).Amount + h.Sum(right).Amount; got != h.Sum(h.Span()).Amount {
			t.Fatalf("%d in both slices", got)
		}
	})
}

func TestCoarserBucketsNeverInventAmounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHistory.Draw(t, "history")
		minutes := rapid.SampledFrom(revenue.BucketLengths).Draw(t, "coarse")
		coarse, err := h.Coarsen(minutes)
		if refused := h.Len() > 0 && minutes < h.BucketMinutes; refused != (err != nil) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if err := coarse.Validate(); err != nil {
			t.Fatal(err)
		}
		for i, state := range coarse.States {
			part := h.Sum(revenue.Span{Start: coarse.At(i), End: coarse.At(i + 1)})
			if known := part.MissingMinutes == 0; known != (state != revenue.Missing) {
				t.Fatalf("bucket %s is %d over %+v", coarse.At(i), state, part)
			}
			if state == revenue.Open && (coarse.Amounts[i] != part.Amount || part.OpenBuckets == 0) {
				t.Fatalf("bucket %s holds %d, its parts %+v", coarse.At(i), coarse.Amounts[i], part)
			}
		}
	})
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for name, change := range map[string]func(*revenue.History){
		"length":        func(h *revenue.History) { h.BucketMinutes = 45 },
		"grid":          func(h *revenue.History) { h.Start++ },
		"slices":        func(h *revenue.History) { h.Counts = h.Counts[:1] },
		"state":         func(h *revenue.History) { h.States[0] = 3 },
		"closed amount": func(h *revenue.History) { h.Amounts[1] = 5 },
		"count":         func(h *revenue.History) { h.Counts[0] = -1 },
		"all counts":    func(h *revenue.History) { h.Counts[0], h.Counts[3] = 1<<31-1, 1 },
		"amount":        func(h *revenue.History) { h.Amounts[0] = money.Max + 1 },
		"total":         func(h *revenue.History) { h.Amounts[0], h.Amounts[3] = money.Max, -money.Max },
		"span": func(h *revenue.History) {
			*h = revenue.History{BucketMinutes: 1440, States: make([]revenue.State, 6000), Amounts: make([]money.Minor, 6000), Counts: make([]int32, 6000)}
		},
	} {
		h := series(60, "2022-10-15T15:00", 12000, -1, -2, 0)
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		if change(&h); h.Validate() == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func TestWallClockFollowsTheZone(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	instant := time.Date(2022, 10, 15, 6, 30, 59, 0, time.UTC)
	l := revenue.LocalOf(instant, zone)
	if l.String() != "2022-10-15T15:30" || !l.Instant(zone).Equal(instant.Truncate(time.Minute)) {
		t.Errorf("%s is %s", l, l.Instant(zone))
	}
	if l.WeekStart().String() != "2022-10-10T00:00" || l.DayStart().String() != "2022-10-15T00:00" || l.Weekday() != time.Saturday {
		t.Errorf("week %s, day %s, %s", l.WeekStart(), l.DayStart(), l.Weekday())
	}
	before := revenue.Local(-1)
	if before.WeekStart().String() != "1969-12-29T00:00" || before.DayStart().String() != "1969-12-31T00:00" {
		t.Errorf("before 1970: week %s, day %s", before.WeekStart(), before.DayStart())
	}
	if _, err := revenue.ParseLocal("2022-10-15 15:30"); err == nil {
		t.Error("a space was read as T")
	}
}

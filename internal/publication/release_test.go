package publication_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/publication/attack"
)

var update = flag.Bool("update", false, "write the vectors anew")

// claim is a leaf in few words: region, status and amounts.
func claim(i int, region, status string, amounts publication.Amounts) publication.Leaf {
	l := leafOf(i, amounts)
	l.Region, l.Status = region, status
	return l
}

func snapshotOf(number int, leaves []publication.Leaf) publication.Snapshot {
	return publication.Snapshot{Incident: "town", Currency: "KRW", At: time.Date(2022, 12, number, 0, 0, 0, 0, time.UTC), Leaves: slices.Values(leaves)}
}

func publish(t testing.TB, leaves []publication.Leaf, earlier ...publication.Earlier) publication.Earlier {
	t.Helper()
	s := snapshotOf(len(earlier)+1, leaves)
	r, err := publication.Publish(s, publication.DefaultRule(), earlier, nil)
	if err != nil {
		t.Fatal(err)
	}
	return publication.Earlier{Release: r, Leaves: s.Leaves}
}

func tableOf(t testing.TB, r publication.Release, m publication.Measure, by ...publication.Dimension) publication.Table {
	t.Helper()
	for _, measure := range r.Measures {
		for _, table := range measure.Tables {
			if measure.Measure == m && slices.Equal(table.By, by) {
				return table
			}
		}
	}
	t.Fatalf("no table of %s by %v", m, by)
	return publication.Table{}
}

// shown writes a table in one line: code=value/step, — for what is withheld.
func shown(table publication.Table) string {
	var out []string
	for _, row := range table.Rows {
		text := strings.Join(row.Codes, "/") + "=—"
		if row.Value != nil {
			text = fmt.Sprintf("%s=%d/%d", strings.Join(row.Codes, "/"), *row.Value, row.Step)
		}
		out = append(out, text)
	}
	return strings.Join(append(out, fmt.Sprintf("rest=%d", table.Rest)), " ")
}

// regions of 12, 3 and 27 claims, all alike.
func threeRegions(sizes ...int) []publication.Leaf {
	var leaves []publication.Leaf
	for i, n := range sizes {
		for range n {
			leaves = append(leaves, claim(1000*i+len(leaves), fmt.Sprintf("KR-%d", 11+i), "submitted", publication.Amounts{Claimed: 20_000, Estimated: 10_000}))
		}
	}
	return leaves
}

func TestSmallCountsAreNotToldFromNone(t *testing.T) {
	first := publish(t, threeRegions(12, 3, 27))
	if got, want := shown(tableOf(t, first.Release, publication.Count, publication.Region)), "KR-11=10/10 KR-12=0/10 KR-13=20/10 rest=12"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// 42 − 10 − 20 = 12: the small count can be 0..9 and the others anything of their step.
	if got := *first.Release.Measures[0].Total; got != 42 {
		t.Errorf("the total is %d", got)
	}
}

func TestASmallChangeIsHeldBack(t *testing.T) {
	leaves := threeRegions(12, 3, 27)
	first := publish(t, leaves)
	more := append(slices.Clone(leaves), claim(9999, "KR-11", "submitted", publication.Amounts{Claimed: 20_000, Estimated: 10_000}))
	second := publish(t, more, first)
	for i, m := range second.Release.Measures[:3] {
		if m.AsOf != 1 || *m.Change != 0 || *m.Total != *first.Release.Measures[i].Total {
			t.Errorf("%s is of release %d with total %d", m.Measure, m.AsOf, *m.Total)
		}
	}
	for i := range 30 {
		more = append(more, claim(5000+i, "KR-13", "submitted", publication.Amounts{Claimed: 20_000}))
	}
	third := publish(t, more, first, second)
	if m := third.Release.Measures[0]; m.AsOf != 3 || *m.Total != 73 || *m.Change != 31 {
		t.Errorf("the count is %d of release %d, changed by %d", *m.Total, m.AsOf, *m.Change)
	}
	// One claim goes and eleven come: that is twelve, and the total falls when more go.
	fewer := more[20:]
	fourth := publish(t, fewer, first, second, third)
	if m := fourth.Release.Measures[0]; m.AsOf != 4 || *m.Change != -20 {
		t.Errorf("the count changed by %d in release %d", *m.Change, m.AsOf)
	}
}

// Each step changes enough claims, but from the first release to the last it is two.
func TestReleasesFarApartAreHeldAgainstEachOther(t *testing.T) {
	leaves := threeRegions(30, 30, 30)
	first := publish(t, leaves)
	grown := slices.Clone(leaves)
	for i := range 12 {
		grown = append(grown, claim(7000+i, "KR-11", "submitted", publication.Amounts{Claimed: 20_000}))
	}
	second := publish(t, grown, first)
	if second.Release.Measures[0].AsOf != 2 {
		t.Fatal("the second release holds the count")
	}
	third := publish(t, grown[:len(leaves)+2], first, second)
	if m := third.Release.Measures[0]; m.AsOf != 2 {
		t.Errorf("the count is of release %d", m.AsOf)
	}
}

func TestADominatedAmountIsWithheldAndCannotBeSubtracted(t *testing.T) {
	leaves := threeRegions(30, 30, 30)
	for i, amount := range []money.Minor{7_000_000, 2_000_000, 400_000, 300_000, 200_000, 100_000, 1000, 1000, 1000, 1000, 1000} {
		leaves = append(leaves, claim(8000+i, "KR-50", "submitted", publication.Amounts{Claimed: amount}))
	}
	for i := range 200 {
		leaves = append(leaves, claim(9000+i, "KR-11", "submitted", publication.Amounts{Claimed: 300_000}))
	}
	table := tableOf(t, publish(t, leaves).Release, publication.Claimed, publication.Region)
	withheld := 0
	for _, row := range table.Rows {
		if row.Value == nil {
			withheld++
		} else if row.Codes[0] == "KR-50" {
			t.Error("the dominated amount is shown")
		}
	}
	if withheld < 2 {
		t.Errorf("what is withheld follows from the rest: %s", shown(table))
	}
}

func TestATotalThatAFewMakeUpIsNotPublished(t *testing.T) {
	leaves := threeRegions(30, 30, 30)
	leaves[0].Paid, leaves[1].Paid = 10_000, 20_000
	first := publish(t, leaves)
	paid := first.Release.Measures[4]
	if paid.Total != nil || paid.AsOf != 0 || len(paid.Tables) != 0 {
		t.Errorf("paid is published: %+v", paid)
	}
}

// What is awarded and what is paid of it are both totals of many; what they differ
// by is one claim.
func TestTwoTotalsDoNotDifferByAFewClaims(t *testing.T) {
	leaves := threeRegions(40, 40, 40)
	for i := range leaves {
		leaves[i].Status, leaves[i].Awarded, leaves[i].Paid = "paid", leaves[i].Estimated, leaves[i].Estimated
		leaves[i].Estimated += money.Minor(i % 7 * 1000)
	}
	leaves[5].Status, leaves[5].Paid = "approved", 0
	e := publish(t, leaves)
	if awarded, paid := e.Release.Measures[3], e.Release.Measures[4]; awarded.Total == nil || paid.Total != nil {
		t.Error("awarded less paid shows the one claim that was not paid")
	}
	a := attack.New(publication.DefaultRule())
	if err := a.Attack(e); err != nil {
		t.Fatal(err)
	}
	for _, found := range a.Found {
		t.Error(found)
	}
}

func TestEveryTableAddsUpToTheTotal(t *testing.T) {
	releases, err := history(1, publication.DefaultRule(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range releases {
		for _, m := range e.Release.Measures {
			for _, table := range m.Tables {
				sum := table.Rest
				for _, row := range table.Rows {
					if row.Value != nil {
						sum += *row.Value
					}
				}
				if sum != *m.Total || table.Rest < 0 {
					t.Errorf("release %d: %s by %v adds up to %d of %d, with a rest of %d", e.Release.Number, m.Measure, table.By, sum, *m.Total, table.Rest)
				}
			}
		}
	}
}

func TestTheOrderOfTheLeavesDoesNotShow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		town := newTown(rapid.Uint64().Draw(rt, "seed"))
		town.file(rapid.IntRange(0, 120).Draw(rt, "claims"), "2022-10")
		town.decide(rapid.IntRange(0, 80).Draw(rt, "decided"), rapid.IntRange(0, 40).Draw(rt, "paid"))
		leaves := slices.Clone(town.leaves)
		one := publish(t, leaves).Release
		publication.Shuffle(leaves, []byte("another order"))
		if diff := cmp.Diff(one, publish(t, leaves).Release); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// vector is one example of the rule: leaf lists and the releases they lead to.
type vector struct {
	Name      string                `json:"name"`
	Rule      string                `json:"rule_hash"`
	Snapshots [][]string            `json:"snapshots"`
	Releases  []publication.Release `json:"releases"`
}

func TestVectors(t *testing.T) {
	town := newTown(12)
	town.file(60, "2022-10")
	town.decide(40, 15)
	early := slices.Clone(town.leaves)
	town.file(40, "2022-11")
	town.decide(30, 15)
	grown := slices.Clone(town.leaves)
	onceMore := append(slices.Clone(grown), claim(9999, "KR-11", "submitted", publication.Amounts{Claimed: 20_000}))
	for name, snapshots := range map[string][][]publication.Leaf{
		"counts_12_3_27": {threeRegions(12, 3, 27), threeRegions(13, 3, 27)},
		"small_town":     {early, grown, onceMore},
	} {
		t.Run(name, func(t *testing.T) {
			v := vector{Name: name, Rule: publication.DefaultRule().Hash().String()}
			var earlier []publication.Earlier
			for _, leaves := range snapshots {
				var lines []string
				for _, l := range leaves {
					lines = append(lines, string(l.AppendLine(nil)))
				}
				v.Snapshots = append(v.Snapshots, lines)
				earlier = append(earlier, publish(t, leaves, earlier...))
				v.Releases = append(v.Releases, earlier[len(earlier)-1].Release)
			}
			got, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "vectors", name+".json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != string(got)+"\n" {
				var kept vector
				if err := json.Unmarshal(want, &kept); err != nil {
					t.Fatal(err)
				}
				t.Errorf("differs from %s; -update writes it anew:\n%s", path, cmp.Diff(kept, v))
			}
		})
	}
}

func TestReleasesAreReadBackFromJSON(t *testing.T) {
	r := publish(t, threeRegions(12, 3, 27)).Release
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got publication.Release
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
}

func TestCSVAndXLSXHoldEveryFigure(t *testing.T) {
	releases, err := history(2, publication.DefaultRule(), "")
	if err != nil {
		t.Fatal(err)
	}
	r := releases[3].Release
	r.Restatements = []publication.Restatement{{Date: "2022-12-29", Release: 1, Measure: publication.Count, Reason: lang.T("Counted twice.", "두 번 셌습니다.")}}
	want := 1 + len(publication.Definitions()) + 3 + 1
	for _, m := range r.Measures {
		want++
		for _, table := range m.Tables {
			want += len(table.Rows) + 1
		}
	}
	var text, book bytes.Buffer
	if err := r.WriteCSV(&text, lang.Korean); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != want {
		t.Errorf("%d records, want %d", len(records), want)
	}
	if err := r.WriteXLSX(&book, lang.English); err != nil {
		t.Fatal(err)
	}
	file, err := excelize.OpenReader(&book)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for _, sheet := range file.GetSheetList() {
		all, err := file.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(all) - 1
	}
	if rows != want-1 {
		t.Errorf("%d rows, want %d", rows, want-1)
	}
}

func TestSnapshotsAndRestatementsThatCannotBeAreRefused(t *testing.T) {
	leaves := threeRegions(12, 3, 27)
	first := publish(t, leaves)
	good := lang.T("A reason.", "이유.")
	for name, try := range map[string]func() error{
		"a claim twice": func() error {
			_, err := publication.Publish(snapshotOf(1, append(slices.Clone(leaves), leaves[0])), publication.DefaultRule(), nil, nil)
			return err
		},
		"a negative amount": func() error {
			bad := slices.Clone(leaves)
			bad[0].Claimed = -1
			_, err := publication.Publish(snapshotOf(1, bad), publication.DefaultRule(), nil, nil)
			return err
		},
		"a missing release": func() error {
			_, err := publication.Publish(snapshotOf(3, leaves), publication.DefaultRule(), []publication.Earlier{first, first}, nil)
			return err
		},
		"another currency": func() error {
			s := snapshotOf(2, leaves)
			s.Currency = "USD"
			_, err := publication.Publish(s, publication.DefaultRule(), []publication.Earlier{first}, nil)
			return err
		},
		"a restatement of nothing": func() error {
			_, err := publication.Publish(snapshotOf(2, leaves), publication.DefaultRule(), []publication.Earlier{first},
				[]publication.Restatement{{Date: "2022-12-29", Release: 2, Reason: good}})
			return err
		},
		"a restatement without a reason": func() error {
			_, err := publication.Publish(snapshotOf(2, leaves), publication.DefaultRule(), []publication.Earlier{first},
				[]publication.Restatement{{Date: "2022-12-29", Release: 1}})
			return err
		},
	} {
		if try() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestRulesOutOfRangeAreRefused(t *testing.T) {
	good := publication.DefaultRule().Source()
	if _, err := publication.ParseRule(good); err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{
		`"minimum_count": 10`:       `"minimum_count": 2`,
		`"dominance_percent": 85`:   `"dominance_percent": 100`,
		`"p_percent": 25`:           `"p_percent": 0`,
		`"protection_percent": 25`:  `"protection_percent": 0`,
		`"count_step": 10`:          `"count_step": 1`,
		`"count_width": 5`:          `"count_width": 10`,
		`"amount_step": 10000`:      `"amount_step": 0`,
		`"version": 1`:              `"version": 1, "more": 1`,
		`redress-disclosure-rule/1`: `redress-disclosure-rule/2`,
		`"amount_step": 10000
}`: `"amount_step": 10000
} {}`,
	} {
		changed := bytes.Replace(good, []byte(was), []byte(is), 1)
		if bytes.Equal(changed, good) {
			t.Fatalf("%s is not in the rule", was)
		}
		if _, err := publication.ParseRule(changed); err == nil {
			t.Errorf("%s is accepted", is)
		}
	}
}

func BenchmarkPublishFromAHundredThousandLeaves(b *testing.B) {
	town := newTown(3)
	town.file(80_000, "2022-10")
	town.decide(40_000, 20_000)
	before := publish(b, slices.Clone(town.leaves))
	town.file(20_000, "2022-11")
	town.decide(20_000, 20_000)
	leaves := slices.Clone(town.leaves)
	b.ReportAllocs()
	for b.Loop() {
		publish(b, leaves, before)
	}
}

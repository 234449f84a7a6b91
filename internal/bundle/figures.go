package bundle

import (
	"fmt"
	"slices"
	"strings"

	"redress/internal/money"
	"redress/internal/publication"
)

// tablesOf are the dimensions of a measure's tables, in their order.
var tablesOf = func() (all [][]publication.Dimension) {
	spokes := []publication.Dimension{publication.Service, publication.Sector, publication.Region, publication.Month}
	for _, d := range append(spokes, publication.Status) {
		all = append(all, []publication.Dimension{d})
	}
	for _, d := range spokes {
		all = append(all, []publication.Dimension{d, publication.Status})
	}
	return all
}()

// statusTable is the place of the table by status alone.
const statusTable = 4

// place names a measure of a release, or something in it.
func place(release int, m publication.Measure, within ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("release:%d", release), string(m)}, within...), "/")
}

func tableName(by []publication.Dimension) string {
	names := make([]string, len(by))
	for i, d := range by {
		names[i] = string(d)
	}
	return strings.Join(names, "+")
}

// checkFigures checks a release's measures by themselves and against the releases
// before it.
func (v *verifier) checkFigures(n int, rule publication.Rule) {
	r := v.releases[n-1]
	if len(r.Measures) != len(publication.Measures) {
		v.finding(r.path, "measures_wrong", "It has %d measures; %d are right.", "항목이 %d개입니다. %d개여야 합니다.", len(r.Measures), len(publication.Measures))
		v.releases[n-1] = release{}
		return
	}
	for i, m := range r.Measures {
		if m.Measure != publication.Measures[i] {
			v.finding(place(n, m.Measure), "measures_wrong", "%q stands where %q belongs.", "%q이(가) %q의 자리에 있습니다.", string(m.Measure), string(publication.Measures[i]))
			v.releases[n-1] = release{}
			return
		}
		f := figures{verifier: v, release: n, measure: m, rule: rule}
		if n > 1 && v.releases[n-2].path != "" {
			f.before = &v.releases[n-2].Measures[i]
		}
		if n == 1 || f.before != nil {
			f.check(i)
		}
	}
}

// figures are a measure of a release under examination.
type figures struct {
	*verifier
	release int
	measure publication.MeasureRelease
	before  *publication.MeasureRelease // of the release before; nil for the first
	rule    publication.Rule
}

func (f figures) wrong(code, en, ko string, args ...any) {
	f.finding(place(f.release, f.measure.Measure), code, en, ko, args...)
}

func (f figures) check(i int) {
	m := f.measure
	switch {
	case m.AsOf == 0:
		if m.Total != nil || m.Change != nil || len(m.Tables) > 0 || f.before != nil && f.before.Total != nil {
			f.wrong("as_of_wrong", "It states no release in which it was new, and yet there are figures.", "새로 낸 공개가 없다고 하면서 수치가 있습니다.")
		}
	case m.Total == nil || *m.Total < 0 || *m.Total > int64(money.Max):
		f.wrong("total_wrong", "It has no total in the range 0 to %d.", "0~%d 범위의 합계가 없습니다.", int64(money.Max))
	case m.AsOf == f.release:
		f.fresh()
	default:
		f.standing(i)
	}
}

// fresh checks figures that are new.
func (f figures) fresh() {
	m := f.measure
	var before publication.MeasureRelease
	if f.before != nil {
		before = *f.before
	}
	f.changed("", m.Change, m.Total, before.Total)
	if !slices.EqualFunc(m.Tables, tablesOf, func(t publication.Table, by []publication.Dimension) bool { return slices.Equal(t.By, by) }) {
		f.wrong("tables_wrong", "It has not the tables that every measure has.", "모든 항목이 갖는 표와 다릅니다.")
		return
	}
	for i, t := range m.Tables {
		if f.rows(i, t) {
			f.table(t, before)
		}
	}
}

// rows checks that a table has a row for each of its codes, and a cross table one
// for each code of its dimension and each status.
func (f figures) rows(i int, t publication.Table) bool {
	var want [][]string
	if i <= statusTable {
		for _, row := range t.Rows {
			want = append(want, row.Codes[:min(1, len(row.Codes))])
		}
		slices.SortFunc(want, slices.Compare)
		want = slices.CompactFunc(want, slices.Equal)
	} else {
		alone, statuses := f.measure.Tables[i-statusTable-1].Rows, f.measure.Tables[statusTable].Rows
		for k := range min(len(alone)*len(statuses), len(t.Rows)+1) {
			want = append(want, slices.Concat(alone[k/len(statuses)].Codes, statuses[k%len(statuses)].Codes))
		}
	}
	ok := slices.EqualFunc(t.Rows, want, func(r publication.Row, codes []string) bool {
		return len(codes) == len(t.By) && slices.Equal(r.Codes, codes)
	})
	if !ok {
		f.wrong("rows_wrong", "The rows of the table by %s are not one for each code, in their order.", "%s 표의 행이 코드마다 하나씩 순서대로 있지 않습니다.", tableName(t.By))
	}
	return ok
}

// table checks every figure of a table, and that they and the rest add up to the
// total.
func (f figures) table(t publication.Table, before publication.MeasureRelease) {
	former := map[string]*int64{}
	if i := slices.IndexFunc(before.Tables, func(o publication.Table) bool { return slices.Equal(o.By, t.By) }); i >= 0 {
		for _, row := range before.Tables[i].Rows {
			former[strings.Join(row.Codes, " ")] = row.Value
		}
	}
	name := tableName(t.By)
	var sum, room int64
	withheld := false
	for _, row := range t.Rows {
		codes := strings.Join(row.Codes, " ")
		f.changed(name+"/"+codes, row.Change, row.Value, former[codes])
		if !f.stepped(row) {
			f.finding(place(f.release, f.measure.Measure, name, codes), "rounding_wrong", "The figure or its step is none that the rule makes.", "수치나 단위가 규칙으로 나올 수 없는 값입니다.")
			return
		}
		if row.Value == nil {
			withheld = true
			continue
		}
		sum, room = sum+*row.Value, room+row.Step-1
		if sum < 0 || sum > int64(money.Max) || room < 0 || room > int64(money.Max) {
			f.wrong("table_total_wrong", "The rows of the table by %s add up to more than there can be.", "%s 표의 합이 범위를 넘습니다.", name)
			return
		}
	}
	total := *f.measure.Total
	switch {
	case t.Rest != total-sum || t.Rest < 0:
		f.finding(place(f.release, f.measure.Measure, name), "table_total_wrong", "The rows add up to %d and the rest is %d; together they have to be the total, %d.",
			"행의 합은 %d, 나머지는 %d입니다. 더하면 합계 %d이(가) 되어야 합니다.", sum, t.Rest, total)
	case !withheld && t.Rest > room:
		f.finding(place(f.release, f.measure.Measure, name), "rest_too_large", "Nothing is withheld, so rounding took away at most %d; the rest is %d.",
			"가린 값이 없으므로 내림한 나머지는 %d 이하여야 하는데 %d입니다.", room, t.Rest)
	}
}

// stepped reports whether a figure and its step are such as the rule makes.
func (f figures) stepped(row publication.Row) bool {
	if row.Value == nil {
		return row.Step == 0
	}
	value, step := *row.Value, row.Step
	if value < 0 || value > int64(money.Max) || step < 1 || step > 10*int64(money.Max) || value%step != 0 {
		return false
	}
	if value == 0 && step == 1 {
		return true // nobody is in its row or column
	}
	if f.measure.Measure == publication.Count {
		return step == f.rule.CountStep || value == 0 && step == max(f.rule.CountStep, f.rule.MinimumCount)
	}
	made := f.rule.AmountStep
	for factor := int64(5); made < step; factor = 7 - factor {
		made *= factor
	}
	return made == step
}

// changed checks what is said to have changed since the release before.
func (f figures) changed(within string, said, now, before *int64) {
	var want *int64
	if now != nil && before != nil {
		d := *now - *before
		want = &d
	}
	if !same(said, want) {
		f.finding(strings.TrimSuffix(place(f.release, f.measure.Measure, within), "/"), "change_wrong",
			"The change is not the difference to the release before.", "증감이 직전 공개와의 차이와 다릅니다.")
	}
}

// standing checks figures of an earlier release that stand: they are as they were.
func (f figures) standing(i int) {
	m := f.measure
	if f.before == nil || m.AsOf < 1 || m.AsOf > f.release || m.AsOf != f.before.AsOf {
		f.wrong("as_of_wrong", "It says that the figures are those of release %d; those of the release before are of another.",
			"%d차 공개의 수치라고 하지만 직전 공개에 실린 것은 다른 공개의 수치입니다.", m.AsOf)
		return
	}
	was := f.verifier.releases[f.release-2].Measures[i]
	f.changed("", m.Change, m.Total, was.Total)
	if !same(m.Total, was.Total) {
		f.wrong("as_of_wrong", "The total is not that of release %d, of which it is said to be.", "합계가 %d차 공개의 것이라고 하지만 다릅니다.", m.AsOf)
	}
	if !slices.EqualFunc(m.Tables, was.Tables, sameTable) {
		f.wrong("as_of_wrong", "The tables are not those of release %d, of which they are said to be.", "표가 %d차 공개의 것이라고 하지만 다릅니다.", m.AsOf)
		return
	}
	for _, t := range m.Tables {
		for _, row := range t.Rows {
			f.changed(tableName(t.By)+"/"+strings.Join(row.Codes, " "), row.Change, row.Value, row.Value)
		}
	}
}

// sameTable reports whether two tables tell the same, whatever they say has changed.
func sameTable(a, b publication.Table) bool {
	return slices.Equal(a.By, b.By) && a.Rest == b.Rest && slices.EqualFunc(a.Rows, b.Rows, func(a, b publication.Row) bool {
		return slices.Equal(a.Codes, b.Codes) && same(a.Value, b.Value) && a.Step == b.Step
	})
}

func same(a, b *int64) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

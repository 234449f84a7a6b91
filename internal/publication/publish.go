package publication

import (
	"iter"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/lang"
)

// Snapshot is what a release is made from: all leaves of an incident at a moment.
type Snapshot struct {
	Incident string
	Currency string // ISO 4217, of all amounts
	At       time.Time
	Root     Hash // of the tree over Leaves in their order
	Leaves   iter.Seq[Leaf]
}

// Earlier is a release that was published before, with the leaves it was made
// from. The leaves are read only where a total of that release may be held against
// a new one.
type Earlier struct {
	Release Release
	Leaves  iter.Seq[Leaf]
}

// Publish makes the next release of an incident. Earlier holds every release of the
// incident so far, in order. The same input gives the same release on any machine,
// so who has the leaves can recompute all of it.
func Publish(s Snapshot, rule Rule, earlier []Earlier, restatements []Restatement) (Release, error) {
	return publish(s, rule, earlier, restatements, everything)
}

func publish(s Snapshot, rule Rule, earlier []Earlier, restatements []Restatement, off protection) (Release, error) {
	if err := checkEarlier(s, earlier); err != nil {
		return Release{}, err
	}
	if err := checkRestatements(restatements, len(earlier)); err != nil {
		return Release{}, err
	}
	now, err := newState(s.Leaves)
	if err != nil {
		return Release{}, err
	}
	out := Release{
		Format: ReleaseFormat, Incident: s.Incident, Number: len(earlier) + 1, At: s.At.UTC().Format(time.RFC3339Nano), Currency: s.Currency,
		Root: s.Root, Rule: RuleRef{rule.ID, rule.Version, rule.Hash(), rule.Text()}, Restatements: slices.Clone(restatements),
	}
	if out.Restatements == nil {
		out.Restatements = []Restatement{}
	}
	held, err := now.held(rule, earlier, off)
	if err != nil {
		return Release{}, err
	}
	var fresh []int
	for i := range now.stars {
		if !held[i] {
			fresh = append(fresh, i)
		}
	}
	now.protect(fresh, rule, off)
	for i := range now.stars {
		var before *MeasureRelease
		if len(earlier) > 0 {
			before = &earlier[len(earlier)-1].Release.Measures[i]
		}
		if held[i] {
			out.Measures = append(out.Measures, now.stars[i].held(before, rule))
		} else {
			out.Measures = append(out.Measures, now.stars[i].release(now, before, out.Number))
		}
	}
	return out, nil
}

// held says for each measure whether its total, or what makes the difference
// between it and any other total of any release, is of few claims.
func (now *state) held(rule Rule, earlier []Earlier, off protection) ([5]bool, error) {
	var held [5]bool
	for i, s := range now.stars {
		held[i] = !rule.safe(s.total, off) || s.measure == Count && s.total.n == 0
	}
	if off == acrossReleases {
		return held, nil
	}
	for _, e := range earlier {
		changes, err := changesSince(e, &now.claims)
		if err != nil {
			return held, err
		}
		for i := range held {
			for j, m := range e.Release.Measures {
				// A count has nothing in common with an amount.
				if alike := i == j || i > 0 && j > 0; alike && m.AsOf == e.Release.Number && !rule.safe(changes[i][j], off) {
					held[i] = true
				}
			}
		}
	}
	for i := range held {
		for j := 1; j < i; j++ {
			if !held[j] && !rule.safe(now.differences[i][j], off) {
				held[i] = true
			}
		}
	}
	return held, nil
}

// changesSince are, for every measure of now and every measure of an earlier
// release, the claims that make the difference between the two totals, with by how
// much.
func changesSince(e Earlier, now *roll) (measurePairs[group], error) {
	var changes measurePairs[group]
	if !slices.ContainsFunc(e.Release.Measures, func(m MeasureRelease) bool { return m.AsOf == e.Release.Number }) {
		return changes, nil
	}
	compare := func(after, before Amounts) {
		a, b := Leaf{Amounts: after}.parts(), Leaf{Amounts: before}.parts()
		for i := 1; i < len(a); i++ {
			for j := 1; j < len(b); j++ {
				d := int64(a[i] - b[j])
				changes[i][j].add(max(d, -d))
			}
		}
	}
	var stayed [len(roll{})][]bool
	for first, entries := range now {
		stayed[first] = make([]bool, len(entries))
	}
	for l := range e.Leaves {
		if err := l.Check(); err != nil {
			return changes, err
		}
		var amounts Amounts
		first := l.ID[0]
		place, stays := now.find(l.ID)
		if stays {
			stayed[first][place], amounts = true, now[first][place].Amounts
		} else {
			changes[0][0].add(1)
		}
		compare(amounts, l.Amounts)
	}
	for first, entries := range now {
		for place, claim := range entries {
			if !stayed[first][place] {
				changes[0][0].add(1)
				compare(claim.Amounts, Amounts{})
			}
		}
	}
	return changes, nil
}

// release is what is published of a measure that is new.
func (s *star) release(codes *state, before *MeasureRelease, number int) MeasureRelease {
	total := s.total.sum
	out := MeasureRelease{Measure: s.measure, AsOf: number, Note: lang.T("New in this release.", "이번 공개에서 새로 낸 값입니다."), Total: &total}
	if before != nil {
		out.Change = difference(&total, before.Total)
	}
	hub := Table{By: []Dimension{Status}}
	for j := range s.hub {
		hub.Rows = append(hub.Rows, s.hub[j].row(codes.codes[spokes][j]))
	}
	var alone, pairs []Table
	for d, t := range s.tables {
		by, pair := Table{By: []Dimension{dimensions[d]}}, Table{By: []Dimension{dimensions[d], Status}}
		for i, code := range codes.codes[d] {
			by.Rows = append(by.Rows, t.rows[i].row(code))
			for j, status := range codes.codes[spokes] {
				pair.Rows = append(pair.Rows, t.cells[i][j].row(code, status))
			}
		}
		alone, pairs = append(alone, by), append(pairs, pair)
	}
	out.Tables = append(append(alone, hub), pairs...)
	for i := range out.Tables {
		out.Tables[i].close(total, before)
	}
	return out
}

// held is what is published of a measure that may not be new: the former figures,
// or nothing.
func (s *star) held(before *MeasureRelease, rule Rule) MeasureRelease {
	if before == nil || before.Total == nil {
		return MeasureRelease{Measure: s.measure, Tables: []Table{}, Note: lang.F(
			"Not shown: fewer than %d claims have a part in the total, or few make up nearly all of it.",
			"공개하지 않습니다. 합계를 이루는 청구가 %d건보다 적거나 몇 건이 거의 전부를 차지합니다.", rule.MinimumCount)}
	}
	out := *before
	out.Change = new(int64)
	out.Note = lang.F(
		"As in release %d: fewer than %d claims changed the total since an earlier release, or few make up nearly all of the change.",
		"%d차 공개의 값 그대로입니다. 이전 공개 뒤로 합계를 바꾼 청구가 %d건보다 적거나 몇 건이 변화의 거의 전부를 차지합니다.", before.AsOf, rule.MinimumCount)
	out.Tables = make([]Table, len(before.Tables))
	for i, t := range before.Tables {
		t.Rows = slices.Clone(t.Rows)
		for j := range t.Rows {
			t.Rows[j].Change = difference(t.Rows[j].Value, t.Rows[j].Value)
		}
		out.Tables[i] = t
	}
	return out
}

// row is a figure as a row of a published table.
func (f *figure) row(codes ...string) Row {
	if !f.shown {
		return Row{Codes: codes}
	}
	value := f.value
	return Row{Codes: codes, Value: &value, Step: f.step}
}

// close fills in what follows from the rows: the rest, and what changed since the
// release before.
func (t *Table) close(total int64, before *MeasureRelease) {
	t.Rest = total
	var was *Table
	if before != nil {
		if i := slices.IndexFunc(before.Tables, func(o Table) bool { return slices.Equal(o.By, t.By) }); i >= 0 {
			was = &before.Tables[i]
		}
	}
	former := map[string]*int64{}
	if was != nil {
		for _, row := range was.Rows {
			former[row.key()] = row.Value
		}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Value != nil {
			t.Rest -= *row.Value
		}
		row.Change = difference(row.Value, former[row.key()])
	}
}

func difference(now, before *int64) *int64 {
	if now == nil || before == nil {
		return nil
	}
	d := *now - *before
	return &d
}

func checkEarlier(s Snapshot, earlier []Earlier) error {
	if _, ok := currencyOf(s.Currency); !ok || !validCode(s.Incident) {
		return fault.New(fault.Invalid, "snapshot_unnamed",
			"The snapshot of incident %q in %q has no incident or no ISO 4217 currency.", "스냅샷(사고 %q, 통화 %q)에 사고나 ISO 4217 통화가 없습니다.", s.Incident, s.Currency)
	}
	for i, e := range earlier {
		r := e.Release
		if r.Number != i+1 || r.Incident != s.Incident || r.Currency != s.Currency || len(r.Measures) != len(Measures) {
			return fault.New(fault.Invalid, "release_out_of_place",
				"Release %d of incident %s in %s stands where release %d of incident %s in %s belongs.",
				"%d차 공개(사고 %s, 통화 %s)가 %d차 공개(사고 %s, 통화 %s) 자리에 있습니다.",
				r.Number, r.Incident, r.Currency, i+1, s.Incident, s.Currency)
		}
	}
	return nil
}

func checkRestatements(restatements []Restatement, releases int) error {
	var fields []fault.Field
	for i, r := range restatements {
		pointer := lang.F("/restatements/%d", "/restatements/%d", i).EN
		if r.Release < 1 || r.Release > releases {
			fields = append(fields, fault.At(pointer+"/release", "out_of_range", "is %d; 1 to %d is right.", "%d입니다. 1~%d이어야 합니다.", r.Release, releases))
		}
		if _, err := time.Parse(time.DateOnly, r.Date); err != nil {
			fields = append(fields, fault.At(pointer+"/date", "not_a_date", "is not a date such as 2022-12-29.", "2022-12-29 같은 날짜가 아닙니다."))
		}
		if r.Reason.EN == "" || r.Reason.KO == "" {
			fields = append(fields, fault.At(pointer+"/reason", "missing", "is missing in Korean or English.", "한국어나 영어 이유가 없습니다."))
		}
	}
	return fault.InvalidFields(fields)
}

package bundle

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/publication"
)

// Bounds of a list of leaves.
const (
	maxLeaves = 10_000_000
	maxCodes  = 2048 // of one dimension; tables grow with the product of two
	maxStatus = 32
)

// WriteLeaves writes a list of leaves as leaves.ndjson.gz holds it: canonical lines,
// each ended by a line feed, compressed with gzip. Files written one behind another
// are one list.
func WriteLeaves(w io.Writer, leaves iter.Seq[publication.Leaf]) error {
	compressed := gzip.NewWriter(w)
	var line []byte
	for l := range leaves {
		line = append(l.AppendLine(line[:0]), '\n')
		if _, err := compressed.Write(line); err != nil {
			return err
		}
	}
	return compressed.Close()
}

// leavesPath is where the leaves of a snapshot are.
func leavesPath(n int) string { return snapshotPath(n, "leaves.ndjson.gz") }

// eachLeaf hands over the leaves of a snapshot in their order, as they stream, until
// each is false.
func (v *verifier) eachLeaf(n int, each func(publication.Leaf) bool) error {
	file, err := v.files.Open(leavesPath(n))
	if err != nil {
		return err
	}
	defer file.Close()
	compressed, err := gzip.NewReader(bufio.NewReader(file))
	if errors.Is(err, io.EOF) {
		return nil // no part at all: nobody had filed
	}
	if err != nil {
		return err
	}
	count := 0
	for leaf, err := range publication.ReadList(compressed) {
		if err != nil {
			return err
		}
		if count++; count > maxLeaves {
			return fault.New(fault.TooLarge, "leaves_too_many", "There are more than %d leaves.", "잎이 %d개를 넘습니다.", maxLeaves)
		}
		if !each(leaf) {
			break
		}
	}
	return nil
}

// leaves are the leaves of a snapshot that were read well once. If they no longer
// can be, they end early, and a finding says so.
func (v *verifier) leaves(n int) iter.Seq[publication.Leaf] {
	return func(yield func(publication.Leaf) bool) {
		if err := v.eachLeaf(n, yield); err != nil {
			v.fail(leavesPath(n), err)
		}
	}
}

// sealedList is what one pass over the leaves of a snapshot finds out.
type sealedList struct {
	root  publication.Node
	ids   []publication.Hash // ascending
	codes [5]map[string]bool
}

// scan reads the leaves of a snapshot once.
func (v *verifier) scan(n int) (sealedList, error) {
	var (
		list sealedList
		tree publication.Builder
		bad  error
	)
	for d := range list.codes {
		list.codes[d] = map[string]bool{}
	}
	err := v.eachLeaf(n, func(l publication.Leaf) bool {
		bad = tree.Add(l)
		list.ids = append(list.ids, l.ID)
		for d, code := range []string{l.Service, l.Sector, l.Region, l.Month, l.Status} {
			if most := []int{maxCodes, maxCodes, maxCodes, maxCodes, maxStatus}[d]; len(list.codes[d]) <= most {
				list.codes[d][code] = true
			} else {
				bad = fault.New(fault.TooLarge, "codes_too_many", "There are more than %d codes of one kind.", "한 종류의 코드가 %d개를 넘습니다.", most)
			}
		}
		return bad == nil
	})
	if err = errors.Join(err, bad); err != nil {
		return list, err
	}
	slices.SortFunc(list.ids, compareIDs)
	list.root, err = tree.Root()
	return list, err
}

func compareIDs(a, b publication.Hash) int { return bytes.Compare(a[:], b[:]) }

// checkLeaves recomputes from the leaves what follows from them: roots, totals and
// releases, and that no claim vanished.
func (v *verifier) checkLeaves() {
	if !v.withLeaves() {
		return
	}
	whole := true
	var before []publication.Hash
	for i, s := range v.snapshots {
		ids, ok := v.checkList(i+1, s, before)
		if ok {
			before = ids
		}
		whole = whole && ok
	}
	if whole {
		v.remake()
	}
}

// withLeaves reports whether the bundle should have leaves, or has some.
func (v *verifier) withLeaves() bool {
	return v.manifest.Access.leaves() || slices.ContainsFunc(v.files.numbers("snapshots"), func(n int) bool { return v.files.there[leavesPath(n)] })
}

// checkList checks the leaves of a snapshot against what was sealed, and against the
// ids of the snapshot before.
func (v *verifier) checkList(n int, s snapshot, before []publication.Hash) ([]publication.Hash, bool) {
	path := leavesPath(n)
	if !v.files.there[path] {
		v.finding(path, "leaves_missing", "The leaves of the snapshot are missing.", "스냅샷의 잎 목록이 없습니다.")
		return nil, false
	}
	list, err := v.scan(n)
	if err != nil {
		v.fail(path, err)
		return nil, false
	}
	sound := true
	if s.path != "" && list.root.Hash != s.root {
		v.finding(path, "root_wrong", "The %d leaves lead to the root %s; %s was sealed.", "잎 %d개에서 나온 루트는 %s인데 봉인된 것은 %s입니다.", len(list.ids), list.root.Hash, s.root)
		sound = false
	}
	for i := 1; i < len(list.ids); i++ {
		if list.ids[i] == list.ids[i-1] {
			v.finding(path, "leaf_repeated", "Leaf %s is in the list twice.", "잎 %s이(가) 두 번 있습니다.", list.ids[i])
			sound = false
		}
	}
	v.vanished(path, before, list.ids)
	if list.root.Paid != 0 {
		v.finding(path, "paid_without_bank_file", "%d is said to be paid, and no bank status file shows it.", "%d을(를) 지급했다고 하나 이를 보여 주는 은행 파일이 없습니다.", int64(list.root.Paid))
	}
	return list.ids, sound && s.path != ""
}

// vanished finds ids that were in the snapshot before and are no longer: a claim
// that was submitted stays, whatever becomes of it.
func (v *verifier) vanished(path string, before, now []publication.Hash) {
	for _, id := range before {
		for len(now) > 0 && compareIDs(now[0], id) < 0 {
			now = now[1:]
		}
		if len(now) == 0 || now[0] != id {
			v.finding(path, "leaf_vanished", "Leaf %s was in the snapshot before and is missing.", "앞선 스냅샷에 있던 잎 %s이(가) 없습니다.", id)
		}
	}
}

// remake makes every release again from the leaves and compares bytes.
func (v *verifier) remake() {
	var earlier []publication.Earlier
	for i, r := range v.releases {
		s, ok := v.snapshot(r.snapshot)
		rule, known := v.rules[s.rule]
		if r.path == "" || !ok || !known {
			return // said already, and what follows depends on it
		}
		leaves := v.leaves(r.snapshot)
		made, err := publication.Publish(publication.Snapshot{
			Incident: v.manifest.Incident, Currency: v.manifest.Currency, At: s.takenAt, Root: s.root, Leaves: leaves,
		}, rule.Rule, earlier, r.Restatements)
		if err != nil {
			v.fail(releasePath(i+1, "release"+document), err)
			return
		}
		if canonical, err := made.JSON(); err != nil || !bytes.Equal(canonical, r.bytes) {
			v.differs(i+1, r.Release, made)
		}
		earlier = append(earlier, publication.Earlier{Release: r.Release, Leaves: leaves})
		v.remade++
	}
}

// maxDiffering is how many places of one release are named.
const maxDiffering = 10

// differs names the places in which a release is not what its leaves make it.
func (v *verifier) differs(n int, said, made publication.Release) {
	places := 0
	find := func(pointer string, said, made *int64) {
		if places++; places <= maxDiffering {
			v.finding(pointer, "release_differs", "It is %s; the leaves make it %s.", "%s인데 잎에서 나온 값은 %s입니다.", figure(said), figure(made))
		}
	}
	for i, m := range said.Measures {
		if i >= len(made.Measures) {
			break
		}
		want := made.Measures[i]
		if m.AsOf != want.AsOf || !same(m.Total, want.Total) {
			find(place(n, m.Measure), m.Total, want.Total)
			continue
		}
		for k, t := range m.Tables {
			if k >= len(want.Tables) || len(t.Rows) != len(want.Tables[k].Rows) {
				find(place(n, m.Measure, tableName(t.By)), nil, nil)
				continue
			}
			for j, row := range t.Rows {
				if w := want.Tables[k].Rows[j]; !slices.Equal(row.Codes, w.Codes) || !same(row.Value, w.Value) || row.Step != w.Step {
					find(place(n, m.Measure, tableName(t.By), strings.Join(row.Codes, " ")), row.Value, w.Value)
				}
			}
		}
	}
	if places == 0 {
		v.finding(releasePath(n, "release"+document), "release_differs", "Its words are not those that the leaves and the rule make.", "문구가 잎과 규칙에서 나온 것과 다릅니다.")
	}
}

// figure is a figure in words.
func figure(value *int64) lang.Text {
	if value == nil {
		return lang.T("withheld", "가려진 값")
	}
	return lang.F("%d", "%d", *value)
}

func (v *verifier) leavesHold() lang.Text {
	if !v.withLeaves() {
		return lang.Text{}
	}
	return lang.F("The leaves of each of %d snapshot(s) lead to the root that was sealed, each claim once, and none that was there before is gone. "+
		"%d release(s) were made again from them byte for byte: every total, figure, rounding and withholding.",
		"스냅샷 %d개의 잎이 모두 봉인된 루트에 이르고, 청구는 한 번씩만 있으며, 전에 있던 청구가 빠지지 않았습니다. 공개 %d건을 잎에서 다시 만들어 "+
			"합계, 수치, 내림, 가림까지 한 바이트도 다르지 않음을 확인했습니다.", len(v.snapshots), v.remade)
}

package revenue

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"redress/internal/money"
)

// row is one line of a table. Its cells are valid until the next one is read.
type row struct {
	line  int
	cells []string
	bad   bool // the cells could not be told apart
}

// rows yields the rows of a table one by one and io.EOF after the last.
type rows func() (row, error)

// headerRows is how deep the header may lie below title lines.
const headerRows = 20

// table reads the rows below the header.
type table struct {
	layout
	c        *collector
	stampOf  func(string) (stamp, bool)
	clockOf  func(string) (int64, bool)
	amountOf func(string) (money.Minor, error)
	where    []condition
	// Column indexes; -1 where absent.
	start, date, clock, end, amount, count, state int
}

type condition struct {
	column int
	value  string
}

// readTable finds the header among the first rows, then takes every row below.
func (t *table) readTable(next rows) error {
	head, err := firstRows(next)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	ended := err != nil
	if len(head) == 0 {
		return noRows()
	}
	below, err := t.recognise(head)
	if err != nil {
		return err
	}
	for _, r := range head[below:] {
		if err := t.take(r); err != nil {
			return err
		}
	}
	for !ended {
		r, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := t.take(r); err != nil {
			return err
		}
	}
	return nil
}

// firstRows copies the rows among which the header must be; io.EOF says that
// there are no more.
func firstRows(next rows) (head []row, err error) {
	for len(head) < headerRows {
		r, err := next()
		if err != nil {
			return head, err
		}
		if !blank(r.cells) || r.bad {
			r.cells = slices.Clone(r.cells)
			head = append(head, r)
		}
	}
	return head, nil
}

// recognise settles the layout and returns the index of the first data row.
func (t *table) recognise(head []row) (below int, err error) {
	l, below := t.findLayout(head)
	if err := l.apply(t.c.o.Columns); err != nil {
		return 0, err
	}
	switch {
	case !l.hasTime():
		return 0, noTimeColumn(l.seen())
	case !l.has(FieldAmount):
		return 0, noAmountColumn(l.seen())
	}
	if !l.header {
		t.c.note("The file has no header: column %s was read as the time and column %s as the amount.",
			"머리글이 없어 %s열을 시각으로, %s열을 금액으로 읽었습니다.", l.timeName(), l.name(FieldAmount))
	}
	t.layout = l
	for _, column := range slices.Sorted(maps.Keys(t.c.o.Where)) {
		i := l.find(column)
		if i < 0 {
			return 0, columnNotFound(column, l.seen())
		}
		t.where = append(t.where, condition{i, t.c.o.Where[column]})
	}
	index := func(f Field) int {
		i, ok := l.at[f]
		if !ok {
			return -1
		}
		t.c.summary.Columns = append(t.c.summary.Columns, Column{Field: f, Name: l.name(f), Number: i + 1})
		return i
	}
	t.start, t.date, t.clock, t.end = index(FieldStart), index(FieldDate), index(FieldTime), index(FieldEnd)
	t.amount, t.count, t.state = index(FieldAmount), index(FieldCount), index(FieldState)
	return below, nil
}

// findLayout returns the first row that is a whole header, or reads the first
// row as data; failing both, the fullest row stands for the header, so that the
// refusal can say what was seen.
func (t *table) findLayout(head []row) (layout, int) {
	best, below := layout{at: map[Field]int{}}, 0
	for i, r := range head {
		l := headerLayout(r.cells)
		if l.complete() {
			return l, i + 1
		}
		if len(l.at) > len(best.at) || (len(l.at) == len(best.at) && len(l.columns) > len(best.columns)) {
			best, below = l, i+1
		}
	}
	if bare := bareLayout(head[0].cells, t.amountOf, t.stampOf); bare.complete() && len(best.at) == 0 {
		return bare, 0
	}
	return t.overridden(head, best, below)
}

// overridden serves callers who name the columns themselves: numbers may point
// into a table whose header says nothing, or that has none.
func (t *table) overridden(head []row, best layout, below int) (layout, int) {
	if below == 0 || len(t.c.o.Columns) == 0 {
		return best, below
	}
	for _, f := range []Field{FieldStart, FieldDate} {
		if i := best.find(t.c.o.Columns[f]); i >= 0 {
			if _, ok := t.stampOf(cellOf(head[below-1].cells, i)); ok {
				best.header = false
				return best, below - 1
			}
		}
	}
	return best, below
}

func cellOf(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return cells[i]
}

func blank(cells []string) bool {
	for _, cell := range cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// take reads one row.
func (t *table) take(r row) error {
	if r.bad {
		if err := t.c.begin(); err != nil {
			return err
		}
		t.c.refuse(r.line, "", quotesUnreadable)
		return nil
	}
	for _, w := range t.where {
		if strings.TrimSpace(cellOf(r.cells, w.column)) != w.value {
			return nil
		}
	}
	if blank(r.cells) {
		return nil
	}
	if t.isTotal(r.cells) {
		t.c.totals++
		return nil
	}
	if err := t.c.begin(); err != nil {
		return err
	}
	if reach := t.reach(); t.c.o.Format == CSV && len(r.cells) < reach {
		t.c.refuse(r.line, "", cellsMissing, len(r.cells), reach)
		return nil
	}
	e := entry{line: int32(r.line)}
	if t.readTime(&e, r) && t.readEnd(&e, r) && t.readValues(&e, r) {
		t.c.accept(e, t.timeName())
	}
	return nil
}

// reach is how many cells a row has at least. A text file writes the delimiters
// of empty cells too, so that a shorter row was cut off, and what is left of its
// last cell may be half a number. A sheet leaves empty cells at the end out.
func (t *table) reach() int {
	return 1 + max(t.start, t.date, t.clock, t.end, t.amount, t.count, t.state)
}

// isTotal reports a row that adds up others: its first cell says so.
func (t *table) isTotal(cells []string) bool {
	for _, cell := range cells {
		if cell = strings.TrimSpace(cell); cell != "" {
			// Only a word can say so; most rows open with a date.
			return (cell[0] < '0' || cell[0] > '9') && slices.Contains(totalWords, plainName(cell))
		}
	}
	return false
}

func (t *table) readTime(e *entry, r row) bool {
	at := t.start
	if at < 0 {
		at = t.date
	}
	cell := cellOf(r.cells, at)
	if strings.TrimSpace(cell) == "" {
		t.c.refuse(r.line, t.timeName(), timeMissing)
		return false
	}
	st, ok := t.stampOf(cell)
	if !ok {
		t.c.refuse(r.line, t.timeName(), timeUnreadable, clipped(cell))
		return false
	}
	if clock := cellOf(r.cells, t.clock); t.start < 0 && st.dayOnly && strings.TrimSpace(clock) != "" {
		seconds, ok := t.clockOf(clock)
		if !ok {
			t.c.refuse(r.line, t.name(FieldTime), timeUnreadable, clipped(clock))
			return false
		}
		st.at += Local(seconds / 60)
		st.seconds, st.dayOnly = seconds%60 != 0, false
	}
	e.stamp = st
	return true
}

// readEnd reads the end of a bucket, a time or, where the row has a date of its
// own, a time of day.
func (t *table) readEnd(e *entry, r row) bool {
	cell := cellOf(r.cells, t.end)
	if strings.TrimSpace(cell) == "" {
		return true
	}
	st, ok := t.stampOf(cell)
	if !ok {
		var seconds int64
		if seconds, ok = t.clockOf(cell); ok {
			st = stamp{at: e.at.DayStart() + Local(seconds/60)}
			if st.at <= e.at {
				st.at += Day
			}
		}
	}
	length := st.at - e.at
	if !ok || length <= 0 || length > Week {
		t.c.refuse(r.line, t.name(FieldEnd), endUnreadable, clipped(cell))
		return false
	}
	e.length = int16(length)
	return true
}

func (t *table) readValues(e *entry, r row) bool {
	var err error
	if cell := cellOf(r.cells, t.amount); strings.TrimSpace(cell) == "" {
		e.empty = true
	} else if e.amount, err = t.amountOf(cell); err != nil {
		t.c.refuse(r.line, t.name(FieldAmount), amountUnreadable, clipped(cell), t.c.o.Currency.Code)
		return false
	}
	cell := cellOf(r.cells, t.count)
	count, ok := parseCount(cell)
	if !ok {
		t.c.refuse(r.line, t.name(FieldCount), countUnreadable, clipped(cell))
		return false
	}
	e.count = count
	if t.state >= 0 {
		t.c.readMark(e, cellOf(r.cells, t.state))
		if e.mark == markCancelled && slices.Contains(kindNames, plainName(t.name(FieldState))) {
			e.mark = markRefund
		}
	}
	return true
}

// readMark keeps what a state says; whether a word that is not known matters is
// decided once it is known what a row is.
func (c *collector) readMark(e *entry, word string) {
	if e.mark = parseMark(word); e.mark == markOther {
		if c.odd++; c.odd == 1 {
			c.oddWord = clipped(strings.TrimSpace(word))
		}
	}
}

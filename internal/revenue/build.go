package revenue

import (
	"slices"

	"redress/internal/money"
)

// build turns the accepted rows into a history.
func (c *collector) build() (History, error) {
	if c.summary.RowsRead == 0 {
		return History{}, noRows()
	}
	if times, rows := c.copies(); times > 1 {
		return History{}, fileRepeated(rows, times)
	}
	if c.summary.Kind == "" {
		c.summary.Kind = c.recogniseKind()
	}
	var h History
	var err error
	if c.summary.Kind == Transactions {
		h, err = c.fromTransactions()
	} else {
		h, err = c.fromBuckets()
	}
	// A file of refused rows is refused for them, whatever else is wrong with it.
	if c.summary.RowsRefused*2 > c.summary.RowsRead {
		return History{}, rowsRefused(c.summary.RowsRefused, c.summary.RowsRead, c.problems)
	}
	if err != nil {
		return History{}, err
	}
	if h.Len() == 0 {
		return History{}, noRows()
	}
	if h.Validate() != nil {
		// Everything else is right by construction.
		return History{}, totalTooLarge()
	}
	c.summarise(h)
	return h, nil
}

// leastCopied is how many rows a repeated stretch must have: fewer can repeat by
// chance.
const leastCopied = 20

// copies reports how many times the file holds the same rows over: an export
// that was pasted twice is not twice the revenue.
func (c *collector) copies() (times, rows int) {
	same := func(a, b entry) bool {
		return a.at == b.at && a.amount == b.amount && a.count == b.count && a.mark == b.mark
	}
	n := len(c.entries)
	for rows = leastCopied; rows <= n/2; rows++ {
		if n%rows != 0 || !same(c.entries[0], c.entries[rows]) {
			continue
		}
		i := rows
		for i < n && same(c.entries[i], c.entries[i-rows]) {
			i++
		}
		// Rows that are all alike repeat at every distance and prove nothing.
		if i == n && !same(c.entries[0], c.entries[1]) {
			return n / rows, rows
		}
	}
	return 1, n
}

// recogniseKind decides what a row is, by what more than a fifth of the rows
// say, in this order: a bucket where they have an end; a transaction where they
// lie off the quarter hour; a bucket where they have a state of opening or a
// count above one; a transaction where they repeat the time of another row; else
// a bucket.
func (c *collector) recogniseKind() Kind {
	offGrid, ended, stated := 0, 0, 0
	for _, e := range c.entries {
		if e.seconds || e.at%15 != 0 {
			offGrid++
		}
		if e.length != 0 {
			ended++
		}
		if e.mark == markOpen || e.mark == markClosed || e.mark == markMissing || e.count > 1 {
			stated++
		}
	}
	fifth := len(c.entries) / 5
	switch {
	case ended > fifth:
		return Buckets
	case offGrid > fifth:
		return Transactions
	case stated > fifth:
		return Buckets
	}
	starts := c.starts()
	if repeated := len(c.entries) - len(starts); repeated > fifth {
		c.note("Many rows share their time with another, so each row was read as one sale; say kind=buckets if it is not.",
			"같은 시각의 행이 많아 한 행을 거래 한 건으로 읽었습니다. 아니라면 kind=buckets로 알려 주세요.")
		return Transactions
	}
	return Buckets
}

// starts are the times of all rows, ascending, each once.
func (c *collector) starts() []Local {
	starts := make([]Local, len(c.entries))
	for i, e := range c.entries {
		starts[i] = e.at
	}
	if !slices.IsSorted(starts) {
		slices.Sort(starts)
	}
	return slices.Compact(starts)
}

// bucketLength recognises how long the buckets of a file are: as long as the
// rows' ends say, else the shortest step, of those lengths that are kept, that
// at least a twentieth of the steps between neighbouring starts have. A file of
// mixed lengths is one whose ends differ, or that has a long run of steps of one
// length and a long run of another.
func (c *collector) bucketLength() (int, error) {
	length := int16(0)
	for _, e := range c.entries {
		if e.length == 0 {
			continue
		}
		if length != 0 && e.length != length {
			return 0, mixedLengths(int(min(length, e.length)), int(max(length, e.length)))
		}
		length = e.length
	}
	if length != 0 {
		if !slices.Contains(BucketLengths, int(length)) {
			return 0, unknownLength(int(length))
		}
		return int(length), nil
	}
	starts := c.starts()
	steps, runs := stepsOf(starts)
	found := 0
	for i, minutes := range BucketLengths {
		if runs[i] >= longRun(minutes) && found != 0 && runs[slices.Index(BucketLengths, found)] >= longRun(found) {
			return 0, mixedLengths(found, minutes)
		}
		if found == 0 && steps[i]*20 >= len(starts)-1 && steps[i] > 0 {
			found = minutes
		}
	}
	if found != 0 {
		return found, nil
	}
	return coarsestGrid(starts), nil
}

// contradicts refuses a file whose rows keep stepping by more than the length
// the caller states: its amounts are those of longer buckets.
func (c *collector) contradicts(stated int) error {
	steps, runs := stepsOf(c.starts())
	if steps[slices.Index(BucketLengths, stated)] > 0 {
		return nil
	}
	for i, minutes := range BucketLengths {
		if minutes > stated && runs[i] >= longRun(minutes) {
			return lengthDiffers(minutes, stated)
		}
	}
	return nil
}

// longRun is how many equal steps in a row cannot be chance: a file of hours
// that leaves out the empty ones may well step by half a day or a day, but not
// from midnight to midnight time after time.
func longRun(minutes int) int {
	if minutes == int(Day) {
		return 3
	}
	return 8
}

// stepsOf counts the steps that are as long as each of BucketLengths, and the
// longest run of them; steps of a day count from midnight to midnight.
func stepsOf(starts []Local) (steps, longest [4]int) {
	var run [4]int
	for i := 1; i < len(starts); i++ {
		step := int(starts[i] - starts[i-1])
		for k, minutes := range BucketLengths {
			if step != minutes || (minutes == int(Day) && starts[i]%Day != 0) {
				run[k] = 0
				continue
			}
			steps[k]++
			run[k]++
			longest[k] = max(longest[k], run[k])
		}
	}
	return steps, longest
}

// coarsestGrid serves files too sparse for steps: the longest bucket on whose
// grid all rows start.
func coarsestGrid(starts []Local) int {
	for i := len(BucketLengths) - 1; i > 0; i-- {
		minutes := BucketLengths[i]
		if !slices.ContainsFunc(starts, func(l Local) bool { return floorMod(int64(l), int64(minutes)) != 0 }) {
			return minutes
		}
	}
	return BucketLengths[0]
}

// fromBuckets takes each row as one bucket.
func (c *collector) fromBuckets() (History, error) {
	minutes, err := c.o.BucketMinutes, error(nil)
	if minutes == 0 {
		minutes, err = c.bucketLength()
	} else {
		err = c.contradicts(minutes)
	}
	if err != nil {
		return History{}, err
	}
	c.summary.BucketMinutes = minutes
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool { return !c.isBucket(e, minutes) })
	h, err := c.emptyHistory(minutes)
	if err != nil {
		return History{}, err
	}
	given := make([]entryRef, h.Len())
	for i, e := range c.entries {
		c.place(&h, given, i, e)
	}
	written := slices.ContainsFunc(c.entries, func(e entry) bool { return e.mark == markOpen || e.mark == markClosed })
	c.closeHours(&h, written)
	return h, nil
}

// isBucket refuses a row that cannot be a bucket of the file.
func (c *collector) isBucket(e entry, minutes int) bool {
	line := int(e.line)
	grid := Local(floorDiv(int64(e.at), int64(minutes)) * int64(minutes))
	switch {
	case e.seconds || e.at != grid:
		c.refuse(line, c.columnOf(FieldStart), timeOffGrid, e.at, minutes, grid)
	case e.length != 0 && int(e.length) != minutes:
		c.refuse(line, c.columnOf(FieldEnd), endDiffers, e.length, minutes)
	case e.mark >= markCancelled:
		c.refuse(line, c.columnOf(FieldState), stateUnknown)
	case (e.mark == markClosed || e.mark == markMissing) && (e.amount != 0 || e.count != 0):
		c.refuse(line, c.columnOf(FieldState), stateConflicts, stateWords[e.mark])
	default:
		return true
	}
	return false
}

// entryRef is the index of an entry plus one; 0 is none.
type entryRef int32

// place writes a bucket row into h. The hour that daylight saving repeats
// arrives twice, with two offsets, and is one bucket.
func (c *collector) place(h *History, given []entryRef, index int, e entry) {
	i := h.Index(e.at)
	state := Open
	switch {
	case e.mark == markClosed:
		state = Closed
	case e.empty || e.mark == markMissing:
		state = Missing
	}
	if given[i] == 0 {
		given[i] = entryRef(index + 1)
		h.States[i] = state
	} else {
		first := c.entries[given[i]-1]
		if !first.exact || !e.exact || first.offset == e.offset {
			c.refuse(int(e.line), c.columnOf(FieldStart), timeRepeated, e.at, int(first.line))
			return
		}
		h.States[i] = joined(h.States[i], state)
	}
	if e.amount < 0 {
		c.refund(e.amount)
	}
	if h.Amounts[i] += e.amount; h.States[i] != Open {
		h.Amounts[i], h.Counts[i] = 0, 0
		return
	}
	h.Counts[i] += e.count
}

func (c *collector) refund(amount money.Minor) {
	c.summary.RefundCount++
	c.summary.RefundAmount -= amount
}

// emptyHistory spans the rows that are left; it fails when they span too long.
func (c *collector) emptyHistory(minutes int) (History, error) {
	if len(c.entries) == 0 {
		return History{}, nil
	}
	first, last := c.entries[0].at, c.entries[0].at
	for _, e := range c.entries {
		first, last = min(first, e.at), max(last, e.at)
	}
	length := int64(minutes)
	s := Span{Start: Local(floorDiv(int64(first), length) * length), End: Local(floorDiv(int64(last), length)*length + length)}
	if s.End-s.Start > c.o.Limits.Span {
		return History{}, spanTooLong(s)
	}
	return newHistory(minutes, s), nil
}

// fromTransactions sums rows into buckets.
func (c *collector) fromTransactions() (History, error) {
	minutes := c.transactionLength()
	c.summary.BucketMinutes = minutes
	cancelled := 0
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool {
		if e.mark == markCancelled && e.amount >= 0 {
			cancelled++
			return true
		}
		return !c.isTransaction(e, minutes)
	})
	h, err := c.emptyHistory(minutes)
	if err != nil {
		return History{}, err
	}
	for i := range h.States {
		h.States[i] = Open
	}
	for _, e := range c.entries {
		c.add(&h, e)
	}
	if cancelled > 0 {
		c.note("%d sale(s) marked as cancelled were left out.", "취소로 표시된 %d건은 빼고 읽었습니다.", cancelled)
	}
	if c.odd > 0 {
		c.note("%d row(s) carry a status that is not known, the first %q; they count as sales.",
			"알 수 없는 상태의 행이 %d개 있고(처음은 %q), 매출로 읽었습니다.", c.odd, c.oddWord)
	}
	c.closeHours(&h, false)
	c.absences(&h)
	return h, nil
}

// transactionLength is a day where no row has a time of day, else an hour.
func (c *collector) transactionLength() int {
	switch {
	case c.o.BucketMinutes != 0:
		return c.o.BucketMinutes
	case !slices.ContainsFunc(c.entries, func(e entry) bool { return !e.dayOnly }):
		return int(Day)
	default:
		return int(Hour)
	}
}

func (c *collector) isTransaction(e entry, minutes int) bool {
	line := int(e.line)
	switch {
	case e.empty:
		c.refuse(line, c.columnOf(FieldAmount), amountMissing)
	case e.dayOnly && !e.serial && minutes < int(Day):
		c.refuse(line, c.columnOf(FieldStart), timeOfDayMissing)
	case e.mark == markClosed || e.mark == markMissing:
		c.refuse(line, c.columnOf(FieldState), stateConflicts, stateWords[e.mark])
	default:
		return true
	}
	return false
}

func (c *collector) add(h *History, e entry) {
	amount := e.amount
	refund := amount < 0 || e.mark == markRefund
	if refund && amount > 0 {
		amount = -amount
	}
	i := h.Index(e.at)
	sum, err := money.Add(h.Amounts[i], amount)
	if err != nil {
		c.refuse(int(e.line), c.columnOf(FieldAmount), amountTooLarge, h.At(i))
		return
	}
	h.Amounts[i] = sum
	if refund {
		c.refund(amount)
		return
	}
	h.Counts[i]++
}

// columnOf is the column of a field as the file names it.
func (c *collector) columnOf(f Field) string {
	for _, column := range c.summary.Columns {
		if column.Field == f || (f == FieldStart && column.Field == FieldDate) {
			return column.Name
		}
	}
	return string(f)
}

// summarise fills in what the history says.
func (c *collector) summarise(h History) {
	s := &c.summary
	s.RowsAccepted = s.RowsRead - s.RowsRefused
	s.Start, s.End = h.Start.String(), h.End().String()
	t := h.Sum(h.Span())
	s.OpenBuckets, s.ClosedBuckets, s.MissingBuckets = t.OpenBuckets, t.ClosedBuckets, t.MissingBuckets
	s.TotalAmount, s.TotalCount = t.Amount, t.Count
	s.MissingBasisPoints = int(int64(t.MissingBuckets) * 10000 / int64(h.Len()))
	if c.totals > 0 {
		c.note("%d row(s) of totals were left out.", "합계 행 %d개는 빼고 읽었습니다.", c.totals)
	}
}

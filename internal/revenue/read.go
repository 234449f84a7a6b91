package revenue

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
)

// Format is the form of an export.
type Format string

// The formats Read knows.
const (
	CSV    Format = "csv"    // separated by comma, semicolon or tab
	XLSX   Format = "xlsx"   // one sheet of a workbook
	NDJSON Format = "ndjson" // one JSON object a line
	JSON   Format = "json"   // an array of objects, or an object with "buckets"
)

// Kind says what a row of an export is.
type Kind string

// The kinds. The zero value lets Read recognise which it is.
const (
	Buckets      Kind = "buckets"      // what was earned in a bucket
	Transactions Kind = "transactions" // one sale, or one refund
)

// WeekHours is a half-open interval of the week: minutes after midnight of a
// day of the week. To may exceed 1440 for hours that end after midnight.
type WeekHours struct {
	Weekday time.Weekday `json:"weekday"`
	From    int          `json:"from"`
	To      int          `json:"to"`
}

// Limits bound what one file may hold. Zero fields have the defaults.
type Limits struct {
	Rows  int   // default 2,000,000
	Bytes int64 // of the file, and of what it unpacks to; default 128 MB
	Span  Local // minutes from the first row to the last, at most MaxSpan, the default
}

// Options say how a file is to be read.
type Options struct {
	Format        Format
	Zone          *time.Location // of the wall clock; needed where times have an offset; nil is UTC
	Currency      money.Currency // the zero value is the won
	Kind          Kind
	BucketMinutes int               // 0 recognises; 60 for transactions, 1440 where they have dates only
	Delimiter     rune              // of CSV; 0 recognises
	Columns       map[Field]string  // columns by header or number from 1, in place of those recognised
	Where         map[string]string // only rows of a table whose column has the value
	Sheet         string            // of a workbook; "" is the first
	Hours         []WeekHours       // stated opening hours; none lets Read recognise them
	Closed        []Span            // stated closures
	NotAfter      Local             // rows that start later are refused; 0 is no limit
	Limits        Limits
}

func (o Options) withDefaults() Options {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Currency == (money.Currency{}) {
		o.Currency = money.KRW
	}
	if o.Limits.Rows == 0 {
		o.Limits.Rows = 2_000_000
	}
	if o.Limits.Bytes == 0 {
		o.Limits.Bytes = 128 << 20
	}
	if o.Limits.Span == 0 || o.Limits.Span > MaxSpan {
		o.Limits.Span = MaxSpan
	}
	return o
}

// Problem is a row that was refused, and why.
type Problem struct {
	Line   int       `json:"line"`             // line of the text, row of the sheet, or place of the object in the JSON array, from 1
	Column string    `json:"column,omitempty"` // as the header writes it, its number from 1 without header, or a JSON field
	Code   string    `json:"code"`             // stable, snake_case
	Detail lang.Text `json:"detail"`
}

func (p Problem) field() fault.Field {
	return fault.Field{Pointer: fmt.Sprintf("line:%d:%s", p.Line, p.Column), Code: p.Code, Detail: p.Detail}
}

// maxProblems is how many row problems a report names; the rest it counts.
const maxProblems = 100

// Column is a column that was read, and as what.
type Column struct {
	Field  Field  `json:"field"`
	Name   string `json:"name"`   // as the header writes it; its number without header
	Number int    `json:"number"` // from 1
}

// HoursBasis says how closed hours came to be known.
type HoursBasis string

// The bases of closed hours.
const (
	HoursUnknown    HoursBasis = "unknown"    // too little data, or hours all round
	HoursStated     HoursBasis = "stated"     // by the caller
	HoursWritten    HoursBasis = "written"    // by the file, row by row
	HoursRecognised HoursBasis = "recognised" // from when nothing was ever sold
)

// Summary says what was read and what became of it.
type Summary struct {
	Start              string      `json:"start"` // local wall clock of the first bucket
	End                string      `json:"end"`   // end of the last bucket
	Kind               Kind        `json:"kind"`
	BucketMinutes      int         `json:"bucket_minutes"`
	RowsRead           int         `json:"rows_read"` // with data; header, blank rows and totals apart
	RowsAccepted       int         `json:"rows_accepted"`
	RowsRefused        int         `json:"rows_refused"`
	OpenBuckets        int         `json:"open_buckets"`
	ClosedBuckets      int         `json:"closed_buckets"`
	MissingBuckets     int         `json:"missing_buckets"`
	MissingBasisPoints int         `json:"missing_basis_points"` // of all buckets
	TotalAmount        money.Minor `json:"total_amount"`         // net of refunds
	TotalCount         int64       `json:"total_count"`
	RefundCount        int         `json:"refund_count"`  // rows with a negative amount
	RefundAmount       money.Minor `json:"refund_amount"` // their sum, positive
	Encoding           string      `json:"encoding,omitempty"`
	Delimiter          string      `json:"delimiter,omitempty"`
	Columns            []Column    `json:"columns,omitempty"`
	HoursBasis         HoursBasis  `json:"hours_basis"`
	ClosedHours        []WeekHours `json:"closed_hours"` // of the week, ascending from Monday
	Notes              []lang.Text `json:"notes"`
}

// Report is what Read made of a file.
type Report struct {
	History         History
	Summary         Summary
	Problems        []Problem // by line, the first hundred found
	ProblemsOmitted int       // how many more there were
}

// Read reads one export into a history. Rows that cannot be read are refused
// one by one and reported; the file is refused, as a *fault.Error, when it
// cannot be read at all or when more than half of its rows are refused. An error
// of r itself is handed on as it is. The report is filled as far as it goes also
// beside an error.
//
// A bucket that no row gives is missing, and so is a row without an amount;
// neither is ever zero. Rows that open with a word for a total are left out.
//
// Transactions are summed into buckets, refunds (negative amounts, or rows
// marked as refunds) in the bucket of their own time, so that a bucket can be
// below zero; the count is the number of sales. Sales marked as cancelled count
// as nothing. Between the first and the last transaction a bucket without one
// is open with amount 0, closed in closed hours, and missing in a run of whole
// days without a sale in which at least five would have been expected, unless
// such absences of one or two days are the outlet's habit (see absences).
//
// Closed hours are those stated; else those that rows mark; else those in which
// nothing was ever sold though the outlet's average would have shown it (see
// recogniseClosed).
func Read(r io.Reader, o Options) (Report, error) {
	c := &collector{o: o.withDefaults()}
	c.summary.Kind, c.summary.HoursBasis = o.Kind, HoursUnknown
	c.summary.ClosedHours, c.summary.Notes = []WeekHours{}, []lang.Text{}
	err := c.check()
	if err == nil {
		source := &limitedReader{r: r, left: c.o.Limits.Bytes, limit: c.o.Limits.Bytes}
		if err = c.read(source); source.err != nil {
			err = source.err
		}
	}
	var h History
	if err == nil {
		h, err = c.build()
	}
	report := Report{History: h, Summary: c.summary, Problems: c.problems, ProblemsOmitted: c.omitted}
	slices.SortStableFunc(report.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return report, err
}

// check refuses options that no file can meet.
func (c *collector) check() error {
	if c.o.BucketMinutes != 0 && !slices.Contains(BucketLengths, c.o.BucketMinutes) {
		return unknownLength(c.o.BucketMinutes)
	}
	if len(c.o.Where) > 0 && (c.o.Format == JSON || c.o.Format == NDJSON) {
		return fault.New(fault.Invalid, "where_unsupported",
			"Only tables can be filtered by a column.", "열로 거르는 것은 표에서만 됩니다.")
	}
	if k := c.o.Kind; k != "" && k != Buckets && k != Transactions {
		return fault.New(fault.Invalid, "kind_unknown",
			"%q is neither buckets nor transactions.", "%q은(는) buckets도 transactions도 아닙니다.", string(k))
	}
	return nil
}

func (c *collector) read(r io.Reader) error {
	switch c.o.Format {
	case CSV:
		return c.readCSV(r)
	case XLSX:
		return c.readXLSX(r)
	case NDJSON:
		return c.readNDJSON(r)
	case JSON:
		return c.readJSON(r)
	}
	return fault.New(fault.Unsupported, "format_unsupported",
		"%q is not a format that is read; csv, xlsx, ndjson and json are.",
		"%q 형식은 읽지 않습니다. csv, xlsx, ndjson, json만 됩니다.", string(c.o.Format))
}

// limitedReader fails, rather than ends, after limit bytes. It keeps the error
// that ended the file early, which parsers would take for the file's own.
type limitedReader struct {
	r           io.Reader
	left, limit int64
	err         error
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	// One byte more than allowed tells an end from an excess.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		n, err = 0, fileTooLarge(l.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

// entry is one accepted row.
type entry struct {
	stamp
	amount money.Minor
	count  int32
	line   int32
	length int16 // minutes, where the row stated its end; else 0
	mark   mark
	empty  bool // no amount
}

// collector takes rows from the source and keeps what builds the history.
type collector struct {
	o        Options
	entries  []entry
	summary  Summary
	problems []Problem
	omitted  int
	totals   int // rows of totals left out
	odd      int // rows with a state that is not known
	oddWord  string
}

// begin counts a row with data.
func (c *collector) begin() error {
	if c.summary.RowsRead++; c.summary.RowsRead > c.o.Limits.Rows {
		return tooManyRows(c.o.Limits.Rows)
	}
	return nil
}

// refuse reports a row. Only the first problems are worded: a file of a million
// bad rows costs no more than one of a hundred.
func (c *collector) refuse(line int, column string, why reason, args ...any) {
	c.summary.RowsRefused++
	if len(c.problems) == maxProblems {
		c.omitted++
		return
	}
	c.problems = append(c.problems, Problem{Line: line, Column: column, Code: why.code, Detail: lang.F(why.en, why.ko, args...)})
}

func (c *collector) note(en, ko string, args ...any) {
	c.summary.Notes = append(c.summary.Notes, lang.F(en, ko, args...))
}

// accept keeps a row whose cells were all read, unless its time cannot be.
func (c *collector) accept(e entry, timeColumn string) {
	if c.o.NotAfter != 0 && e.at > c.o.NotAfter {
		c.refuse(int(e.line), timeColumn, timeInFuture, e.at, c.o.NotAfter)
		return
	}
	c.entries = append(c.entries, e)
}

// asFault keeps a fault as it is and takes anything else for the other fault.
func asFault(err error, otherwise *fault.Error) error {
	if e := fault.As(err); e != nil {
		return e
	}
	if err == nil {
		return otherwise
	}
	return otherwise.Because(err)
}

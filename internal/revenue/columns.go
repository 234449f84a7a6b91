package revenue

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"redress/internal/money"
)

// Field is what a column of an export can hold.
type Field string

// The fields. A time stands in one column (FieldStart) or in two (FieldDate and
// FieldTime); the end of a bucket, the count and the state may be absent.
const (
	FieldStart  Field = "start"
	FieldDate   Field = "date"
	FieldTime   Field = "time"
	FieldEnd    Field = "end"
	FieldAmount Field = "amount"
	FieldCount  Field = "count"
	FieldState  Field = "state"
)

var fields = []Field{FieldStart, FieldDate, FieldTime, FieldEnd, FieldAmount, FieldCount, FieldState}

// headers are the names that exports give their columns, most telling first:
// of two amounts that are there, the earlier name is read. Names are compared
// as plainName leaves them.
var headers = map[Field][]string{
	FieldStart: {"일시", "거래일시", "결제일시", "주문일시", "승인일시", "판매일시", "매출일시", "운행일시", "이용일시", "예약일시",
		"시작일시", "시작시각", "시작시간", "시작", "start", "starttime", "startat", "startedat", "startsat", "datetime", "timestamp",
		"transactiontime", "transactiondatetime", "orderedat", "ordertime", "paidat", "createdat", "bucketstart", "bucket"},
	FieldDate: {"날짜", "일자", "영업일자", "영업일", "매출일자", "매출일", "거래일자", "거래일", "결제일자", "결제일", "주문일자", "주문일",
		"판매일자", "판매일", "승인일자", "승인일", "운행일자", "운행일", "date", "day", "salesdate", "orderdate", "transactiondate", "paymentdate"},
	FieldTime: {"시간", "시각", "시간대", "거래시간", "거래시각", "결제시간", "결제시각", "주문시간", "주문시각", "판매시간", "승인시간", "승인시각",
		"time", "hour", "timeofday", "transactiontime", "ordertime", "paymenttime"},
	FieldEnd: {"종료일시", "종료시각", "종료시간", "종료", "end", "endtime", "endat", "endedat", "endsat", "bucketend"},
	FieldAmount: {"순매출액", "순매출", "실매출액", "실매출", "매출액", "매출금액", "매출", "총매출액", "총매출", "실결제금액", "결제금액", "결제액",
		"거래금액", "승인금액", "판매금액", "판매액", "주문금액", "이용금액", "운행요금", "운임", "요금", "금액", "합계금액", "합계",
		"netsales", "netamount", "revenue", "sales", "grosssales", "amount", "totalamount", "total", "paid", "payment", "fare", "price"},
	FieldCount: {"매출건수", "결제건수", "거래건수", "주문건수", "판매건수", "운행건수", "예약건수", "건수", "주문수", "예약수", "호출수", "콜수", "방문수",
		"count", "orders", "rides", "bookings", "payments", "transactions", "visits", "판매수량", "수량", "quantity", "qty"},
	FieldState: slices.Concat([]string{"영업상태", "영업여부", "거래상태", "결제상태", "주문상태", "상태", "state", "status"}, kindNames),
}

// kindNames are the columns that say what kind of booking a row is. There a
// cancellation is a booking of its own that takes back an earlier sale; in a
// column of states it is the sale itself that was called off.
var kindNames = []string{"거래구분", "승인구분", "결제구분", "매출구분", "거래유형", "구분", "transactiontype", "type"}

// totalWords open the row of totals that many exports end with.
var totalWords = []string{"합계", "총합계", "총계", "소계", "계", "total", "grandtotal", "subtotal", "sum"}

// plainName strips what exports vary in: case, spaces, punctuation, and a unit
// in brackets, as in "매출액 (원)".
func plainName(s string) string {
	if i := strings.IndexAny(s, "([（"); i > 0 {
		s = s[:i]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// layout says which column holds which field.
type layout struct {
	at      map[Field]int // column index; absent fields are absent
	columns []string      // as the header writes them; numbers from 1 without header
	header  bool
}

// name is the column of a field as people know it: its header, else its number.
func (l layout) name(f Field) string {
	i, ok := l.at[f]
	switch {
	case !ok:
		return string(f)
	case i < len(l.columns):
		return l.columns[i]
	default:
		return strconv.Itoa(i + 1)
	}
}

// timeName is the column that holds the time, or the date.
func (l layout) timeName() string {
	if l.has(FieldStart) {
		return l.name(FieldStart)
	}
	return l.name(FieldDate)
}

// complete reports whether a time and an amount were found.
func (l layout) complete() bool { return l.hasTime() && l.has(FieldAmount) }

func (l layout) has(f Field) bool { _, ok := l.at[f]; return ok }

func (l layout) hasTime() bool { return l.has(FieldStart) || l.has(FieldDate) }

// headerLayout reads a row as the header of a table.
func headerLayout(cells []string) layout {
	l := layout{at: map[Field]int{}, header: true}
	plain := make([]string, len(cells))
	for i, cell := range cells {
		plain[i] = plainName(cell)
		l.columns = append(l.columns, strings.TrimSpace(cell))
	}
	taken := make([]bool, len(cells))
	for _, f := range fields {
		for _, name := range headers[f] {
			if i := slices.Index(plain, name); i >= 0 && !taken[i] {
				l.at[f], taken[i] = i, true
				break
			}
		}
	}
	// "시간" or "time" alone holds the date too.
	if i, ok := l.at[FieldTime]; ok && !l.hasTime() {
		l.at[FieldStart] = i
		delete(l.at, FieldTime)
	}
	return l
}

// bareLayout reads the first row of a table without header: a time (or a date
// and a time), then an amount, then perhaps a count.
func bareLayout(cells []string, amountOf func(string) (money.Minor, error), stampOf func(string) (stamp, bool)) layout {
	l := layout{at: map[Field]int{}}
	for i, cell := range cells {
		l.columns = append(l.columns, strconv.Itoa(i+1))
		if strings.TrimSpace(cell) == "" {
			continue
		}
		_, amountErr := amountOf(cell)
		_, isClock := parseClock(cell)
		switch {
		case !l.hasTime():
			if st, ok := stampOf(cell); ok && st.dayOnly {
				l.at[FieldDate] = i
			} else if ok {
				l.at[FieldStart] = i
			}
		case l.has(FieldDate) && l.at[FieldDate] == i-1 && isClock && amountErr != nil:
			l.at[FieldTime] = i
		case !l.has(FieldAmount) && amountErr == nil:
			l.at[FieldAmount] = i
		case l.has(FieldAmount) && !l.has(FieldCount) && l.at[FieldAmount] == i-1:
			if _, ok := parseCount(cell); ok {
				l.at[FieldCount] = i
			}
		}
	}
	return l
}

// apply puts the columns the caller named in place of those recognised.
func (l *layout) apply(overrides map[Field]string) error {
	for _, f := range fields {
		name, ok := overrides[f]
		if !ok {
			continue
		}
		i := l.find(name)
		if i < 0 {
			return columnNotFound(name, l.seen())
		}
		for other, at := range l.at {
			if at == i {
				delete(l.at, other)
			}
		}
		if f == FieldStart {
			delete(l.at, FieldDate)
			delete(l.at, FieldTime)
		} else if f == FieldDate {
			delete(l.at, FieldStart)
		}
		l.at[f] = i
	}
	return nil
}

// find looks a column up by its header, else by its number from 1; -1 is none.
func (l layout) find(name string) int {
	if l.header {
		if i := slices.Index(l.columns, strings.TrimSpace(name)); i >= 0 {
			return i
		}
		if i := slices.IndexFunc(l.columns, func(c string) bool { return plainName(c) == plainName(name) }); i >= 0 {
			return i
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(l.columns) {
		return n - 1
	}
	return -1
}

// seen lists the columns for people, at most twenty of forty runes.
func (l layout) seen() string {
	var names []string
	for i, c := range l.columns {
		if i == 20 {
			names = append(names, "…")
			break
		}
		names = append(names, clipped(c))
	}
	return strings.Join(names, ", ")
}

// clipped shortens what a file wrote for a sentence of ours.
func clipped(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}

// parseCount reads a count: "3", "1,200", "3건". An empty cell is 0.
func parseCount(s string) (int32, bool) {
	s = strings.TrimSpace(s)
	for _, unit := range []string{"건", "개", "회", "명"} {
		s = strings.TrimSuffix(s, unit)
	}
	if s == "" {
		return 0, true
	}
	n, err := money.Currency{}.Parse(s)
	if err != nil || n < 0 || n > 1<<31-1 {
		return 0, false
	}
	return int32(n), true
}

// mark is what a row's state column says.
type mark uint8

const (
	markNone mark = iota
	markOpen
	markClosed
	markMissing
	markCancelled // a sale that was called off: neither sale nor refund
	markRefund    // money given back
	markOther
)

var marks = map[string]mark{
	"open": markOpen, "영업": markOpen, "영업중": markOpen, "정상영업": markOpen,
	"closed": markClosed, "휴무": markClosed, "휴업": markClosed, "휴점": markClosed, "마감": markClosed, "영업종료": markClosed,
	"missing": markMissing, "결측": markMissing, "누락": markMissing, "없음": markMissing,
	"cancelled": markCancelled, "canceled": markCancelled, "cancel": markCancelled, "void": markCancelled, "voided": markCancelled,
	"failed": markCancelled, "declined": markCancelled, "취소": markCancelled, "취소완료": markCancelled, "결제취소": markCancelled,
	"주문취소": markCancelled, "승인취소": markCancelled, "예약취소": markCancelled, "거절": markCancelled, "실패": markCancelled, "결제실패": markCancelled,
	"refund": markRefund, "refunded": markRefund, "환불": markRefund, "환불완료": markRefund, "반품": markRefund,
	"paid": markNone, "completed": markNone, "complete": markNone, "success": markNone, "settled": markNone, "approved": markNone,
	"결제완료": markNone, "완료": markNone, "승인": markNone, "정상": markNone, "거래완료": markNone, "배달완료": markNone, "운행완료": markNone,
}

func parseMark(s string) mark {
	m, ok := marks[plainName(s)]
	if !ok && strings.TrimSpace(s) != "" {
		return markOther
	}
	return m
}

package scheme

import (
	"math/big"
	"regexp"
	"time"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Decimal is an exact decimal, never negative, written in JSON as a string
// ("0.206") or an integer. It is never a floating number.
type Decimal struct {
	rat  *big.Rat
	text string
}

var decimalPattern = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,12})?$`)

func (d *Decimal) read(n node) bool {
	if !decimalPattern.MatchString(n.text) {
		return false
	}
	d.rat, _ = new(big.Rat).SetString(n.text)
	d.text = n.text
	return true
}

func (d *Decimal) wanted() lang.Text {
	return lang.T(`an exact decimal such as "0.206", with at most 12 digits on either side of the point and no sign`,
		`"0.206"처럼 소수점 양쪽이 12자리 이하이고 부호가 없는 소수`)
}

func (d *Decimal) form() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "string", "pattern": decimalPattern.String()},
		map[string]any{"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
	}}
}

// Rat returns the value, which the caller must not change.
func (d Decimal) Rat() *big.Rat {
	if d.rat == nil {
		return new(big.Rat)
	}
	return d.rat
}

// String writes the decimal as the file does.
func (d Decimal) String() string { return d.text }

// isShare reports whether the value is at most 1.
func (d Decimal) isShare() bool { return d.Rat().Cmp(one) <= 0 }

var one = big.NewRat(1, 1)

// basisPoints turns ten-thousandths into an exact share.
func basisPoints(n int) *big.Rat { return big.NewRat(int64(n), 10_000) }

// Name is an identifier in the file: lower-case letters, digits, "-" and "_".
type Name string

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (n *Name) read(v node) bool {
	*n = Name(v.text)
	return v.kind == stringNode && namePattern.MatchString(v.text)
}

func (n *Name) wanted() lang.Text {
	return lang.T("a name of 1 to 64 of a-z, 0-9, - and _ that starts with a letter or digit", "소문자나 숫자로 시작하고 a-z, 0-9, -, _로 된 1~64자의 이름")
}

func (n *Name) form() map[string]any {
	return map[string]any{"type": "string", "pattern": namePattern.String()}
}

// CurrencyCode is an ISO 4217 code.
type CurrencyCode string

func (c *CurrencyCode) read(n node) bool {
	*c = CurrencyCode(n.text)
	_, err := money.ParseCurrency(n.text)
	return n.kind == stringNode && err == nil
}

func (c *CurrencyCode) wanted() lang.Text {
	return lang.T("an ISO 4217 currency code such as KRW", "KRW 같은 ISO 4217 통화 코드")
}

func (c *CurrencyCode) form() map[string]any {
	return map[string]any{"type": "string", "pattern": "^[A-Z]{3}$"}
}

// Date is a calendar day, 2006-01-02.
type Date string

func (d *Date) read(n node) bool {
	*d = Date(n.text)
	_, err := time.Parse(time.DateOnly, n.text)
	return n.kind == stringNode && err == nil
}

func (d *Date) wanted() lang.Text {
	return lang.T("a date such as 2022-10-15", "2022-10-15 형식의 날짜")
}

func (d *Date) form() map[string]any {
	return map[string]any{"type": "string", "format": "date", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`}
}

// Amount is a sum of money in a scheme, in minor units of its currency; never
// negative.
type Amount int64

func (a Amount) minor() money.Minor { return money.Minor(a) }
func (a Amount) rat() *big.Rat      { return money.Minor(a).Rat() }

// Sentence is a text in both languages, neither empty.
type Sentence struct {
	KO string `json:"ko" doc:"In Korean."`
	EN string `json:"en" doc:"In English."`
}

func (s Sentence) text() lang.Text { return lang.Text{KO: s.KO, EN: s.EN} }

// Rounding says how an exact amount becomes a whole number of minor units.
type Rounding struct {
	Mode money.Rounding `json:"mode" doc:"half_up: ties away from zero; half_even: ties to the even multiple; down: towards zero; up: away from zero."`
	Step Amount         `json:"step" doc:"The amount becomes a multiple of this many minor units, at least 1."`
}

func (r Rounding) check(c *checker, pointer string) {
	if r.Step < 1 {
		c.fail(pointer+"/step", "out_of_range", "a rounding step is at least 1 minor unit.", "반올림 단위는 최소 1입니다.")
	}
}

// Between is a half-open span of the claimant's wall clock.
type Between struct {
	From revenue.Local `json:"from" doc:"First minute, local wall clock, 2006-01-02T15:04."`
	To   revenue.Local `json:"to" doc:"The minute after the last one."`
}

func (b Between) span() revenue.Span { return revenue.Span{Start: b.From, End: b.To} }

func (b Between) check(c *checker, pointer string) {
	if b.To <= b.From {
		c.fail(pointer+"/to", "empty_span", "ends at or before it begins; the end must be later.", "시작과 같거나 앞서 끝납니다. 끝은 시작보다 뒤여야 합니다.")
	}
}

func (b Between) text() lang.Text {
	return lang.F("%s to %s", "%s부터 %s까지", b.From.String(), b.To.String())
}

// ClaimantKind says who claims.
type ClaimantKind string

// The kinds of claimant.
const (
	Merchant ClaimantKind = "merchant"
	Driver   ClaimantKind = "driver"
)

func (k ClaimantKind) text() lang.Text {
	switch k {
	case Merchant:
		return lang.T("merchant", "가맹점")
	case Driver:
		return lang.T("driver", "기사")
	}
	return lang.T(string(k), string(k))
}

func (ClaimantKind) options() []string { return []string{string(Merchant), string(Driver)} }

// Payout is the form in which an amount is paid.
type Payout string

// The forms. Only cash is money in hand; points and credit are spent with the
// platform, in kind is a list price.
const (
	Cash   Payout = "cash"
	Points Payout = "points"
	Credit Payout = "credit"
	InKind Payout = "in_kind"
)

func (Payout) options() []string {
	return []string{string(Cash), string(Points), string(Credit), string(InKind)}
}

// Basis says whether a stage looks at the claim's loss as a whole or at each
// service's alone.
type Basis string

// The bases.
const (
	PerClaim   Basis = "claim"
	PerService Basis = "service"
)

func (Basis) options() []string { return []string{string(PerClaim), string(PerService)} }

package scheme

import (
	"fmt"
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

func (d *Decimal) read(text string) error {
	if !decimalPattern.MatchString(text) {
		return fmt.Errorf("%q is not an exact decimal such as \"0.206\" (at most 12 digits on either side of the point, no sign)", clip(text))
	}
	d.rat, _ = new(big.Rat).SetString(text)
	d.text = text
	return nil
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

func (n *Name) read(text string) error {
	if !namePattern.MatchString(text) {
		return fmt.Errorf("%q is not a name: 1 to 64 of a-z, 0-9, \"-\", \"_\", starting with a letter or digit", clip(text))
	}
	*n = Name(text)
	return nil
}

func (n *Name) form() map[string]any {
	return map[string]any{"type": "string", "pattern": namePattern.String()}
}

// CurrencyCode is an ISO 4217 code.
type CurrencyCode string

func (c *CurrencyCode) read(text string) error {
	if _, err := money.ParseCurrency(text); err != nil {
		return err
	}
	*c = CurrencyCode(text)
	return nil
}

func (c *CurrencyCode) form() map[string]any {
	return map[string]any{"type": "string", "pattern": "^[A-Z]{3}$"}
}

// Date is a calendar day, 2006-01-02.
type Date string

func (d *Date) read(text string) error {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return fmt.Errorf("%q is not a date such as 2022-10-15", clip(text))
	}
	*d = Date(text)
	return nil
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

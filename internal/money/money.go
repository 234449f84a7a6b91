// Package money holds amounts: integers of minor units, their currency, exact
// arithmetic with named rounding, and how people write them.
package money

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/text/currency"

	"redress/internal/lang"
)

// Minor is an amount in minor units of a currency that the surrounding record
// names once: won for KRW (no decimals), cents for USD.
type Minor int64

// Max is the largest absolute amount Redress accepts, 2^53-1, so that every
// JSON reader keeps it exact.
const Max Minor = 1<<53 - 1

// MaxClaim is the most that one claim comes to, whether claimed, estimated or
// awarded: 100 billion won, or a billion of a currency with cents. Ninety thousand
// such claims add up to Max, so that nobody can state an amount that keeps the sums
// over all claims from being published.
const MaxClaim Minor = 100_000_000_000

// ErrRange says that a result leaves -Max..Max.
var ErrRange = errors.New("amount outside ±9,007,199,254,740,991 minor units")

// InRange reports whether the amount is within -Max..Max.
func (a Minor) InRange() bool { return a >= -Max && a <= Max }

// Add returns a+b, or ErrRange.
func Add(a, b Minor) (Minor, error) {
	// Operands in range cannot overflow int64.
	if !a.InRange() || !b.InRange() {
		return 0, ErrRange
	}
	if s := a + b; s.InRange() {
		return s, nil
	}
	return 0, ErrRange
}

// Sum adds amounts, or returns ErrRange.
func Sum(amounts ...Minor) (Minor, error) {
	var total Minor
	for _, a := range amounts {
		var err error
		if total, err = Add(total, a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Rounding names how an exact amount becomes a multiple of a step.
type Rounding string

// The roundings. Down and Up go towards and away from zero.
const (
	HalfUp   Rounding = "half_up"   // ties away from zero
	HalfEven Rounding = "half_even" // ties to the even multiple
	Down     Rounding = "down"
	Up       Rounding = "up"
)

// Valid reports whether r is one of the named roundings.
func (r Rounding) Valid() bool {
	switch r {
	case HalfUp, HalfEven, Down, Up:
		return true
	}
	return false
}

// Round turns an exact amount into a multiple of step (in minor units, at
// least 1). It returns ErrRange when the result is not a lawful amount.
func Round(exact *big.Rat, step Minor, mode Rounding) (Minor, error) {
	if step < 1 {
		return 0, fmt.Errorf("rounding step %d is below 1", step)
	}
	if !mode.Valid() {
		return 0, fmt.Errorf("unknown rounding %q", mode)
	}
	den := new(big.Int).Mul(exact.Denom(), big.NewInt(int64(step)))
	quo, rem := new(big.Int).QuoRem(new(big.Int).Abs(exact.Num()), den, new(big.Int))
	if roundsAway(quo, rem, den, mode) {
		quo.Add(quo, big.NewInt(1))
	}
	quo.Mul(quo, big.NewInt(int64(step)))
	if exact.Sign() < 0 {
		quo.Neg(quo)
	}
	if !quo.IsInt64() || !Minor(quo.Int64()).InRange() {
		return 0, ErrRange
	}
	return Minor(quo.Int64()), nil
}

func roundsAway(quo, rem, den *big.Int, mode Rounding) bool {
	if rem.Sign() == 0 || mode == Down {
		return false
	}
	if mode == Up {
		return true
	}
	switch half := new(big.Int).Lsh(rem, 1).Cmp(den); {
	case half != 0:
		return half > 0
	case mode == HalfEven:
		return quo.Bit(0) == 1
	default:
		return true
	}
}

// Rat returns the amount as an exact rational, for arithmetic before rounding.
func (a Minor) Rat() *big.Rat { return new(big.Rat).SetInt64(int64(a)) }

// Currency is an ISO 4217 currency.
type Currency struct {
	Code   string // three letters
	Digits int    // decimals of the major unit: 0 for KRW, 2 for USD
}

// KRW is the South Korean won.
var KRW = Currency{Code: "KRW"}

// ParseCurrency finds a currency by its ISO 4217 code, in capitals.
func ParseCurrency(code string) (Currency, error) {
	unit, err := currency.ParseISO(code)
	if err != nil || code != strings.ToUpper(code) {
		return Currency{}, fmt.Errorf("%q is not an ISO 4217 currency code such as KRW or USD", code)
	}
	digits, _ := currency.Standard.Rounding(unit)
	return Currency{Code: code, Digits: digits}, nil
}

// prefixes are the signs written before an amount. Korean exports also write the
// full-width and the backslash won sign.
var prefixes = map[string][]string{"KRW": {"₩", "￦", `\`}, "USD": {"$"}, "EUR": {"€"}, "GBP": {"£"}, "JPY": {"¥"}}

// Parse reads an amount as people and exports write it: "12000", "12,000",
// "₩12,000", "12000원", "KRW 12,000", "12.50" where the currency has decimals,
// "-300" and "(300)" for refunds. Thousands separators are commas, apostrophes
// or spaces and must stand every three digits.
func (c Currency) Parse(s string) (Minor, error) {
	t := strings.TrimSpace(s)
	negative := false
	if inner, ok := strings.CutPrefix(t, "("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); !ok {
			return 0, fmt.Errorf("%q opens a bracket and does not close it", s)
		}
		t, negative = inner, true
	}
	t, minus := c.strip(t)
	if negative && minus {
		return 0, fmt.Errorf("%q is negative twice", s)
	}
	whole, fraction, hasPoint := strings.Cut(t, ".")
	digits, err := ungroup(whole)
	if err != nil || digits == "" || (hasPoint && fraction == "") || !allDigits(fraction) {
		return 0, fmt.Errorf("%q is not an amount such as 12000 or 12,000", s)
	}
	if extra := strings.TrimRight(fraction, "0"); len(extra) > c.Digits {
		return 0, fmt.Errorf("%q has more decimals than %s allows (%d)", s, c.Code, c.Digits)
	}
	if len(fraction) > c.Digits {
		fraction = fraction[:c.Digits]
	}
	digits += fraction + strings.Repeat("0", c.Digits-len(fraction))
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64(Max) {
		return 0, fmt.Errorf("%q: %w", s, ErrRange)
	}
	if negative || minus {
		n = -n
	}
	return Minor(n), nil
}

// strip removes the sign and a currency mark before the digits, in either
// order, and a currency mark after them.
func (c Currency) strip(t string) (rest string, minus bool) {
	t, minus = cutAny(strings.TrimSpace(t), "-", "−")
	t, marked := strings.CutPrefix(strings.TrimSpace(t), c.Code)
	if !marked {
		t, _ = cutAny(t, prefixes[c.Code]...)
	}
	if t = strings.TrimSpace(t); !minus {
		t, minus = cutAny(t, "-", "−")
	}
	t, marked = strings.CutSuffix(t, c.Code)
	if !marked && c.Code == "KRW" {
		t = strings.TrimSuffix(t, "원")
	}
	return strings.TrimSpace(t), minus
}

func cutAny(s string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if r, ok := strings.CutPrefix(s, p); ok {
			return r, true
		}
	}
	return s, false
}

// ungroup removes thousands separators and refuses misplaced ones.
func ungroup(s string) (string, error) {
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\'' || r == ' ' || r == '\u00a0' })
	joined := strings.Join(groups, "")
	if !allDigits(joined) {
		return "", errors.New("not digits")
	}
	if len(groups) == 1 && len(groups[0]) == len(s) {
		return joined, nil
	}
	separators := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			separators++
		}
	}
	if separators != len(groups)-1 || len(groups[0]) > 3 {
		return "", errors.New("misplaced separator")
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return "", errors.New("misplaced separator")
		}
	}
	return joined, nil
}

func allDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// Text writes the amount for people: 1,234,567원 in Korean and ₩1,234,567 in
// English for won; other currencies with their code.
func (c Currency) Text(a Minor) lang.Text {
	sign, n := "", int64(a)
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	fraction := ""
	if c.Digits > 0 {
		if pad := c.Digits + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		fraction = "." + digits[len(digits)-c.Digits:]
		digits = digits[:len(digits)-c.Digits]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	number := digits + fraction
	if c.Code == "KRW" {
		return lang.Text{KO: sign + number + "원", EN: sign + "₩" + number}
	}
	return lang.Text{KO: sign + number + " " + c.Code, EN: sign + c.Code + " " + number}
}

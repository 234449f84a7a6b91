package money_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/money"
)

var modes = []money.Rounding{money.HalfUp, money.HalfEven, money.Down, money.Up}

func currency(t testing.TB, code string) money.Currency {
	t.Helper()
	c, err := money.ParseCurrency(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddAndSumStayWithinTheRange(t *testing.T) {
	for _, c := range []struct {
		name    string
		amounts []money.Minor
		want    money.Minor
		err     error
	}{
		{"nothing", nil, 0, nil},
		{"up to the most", []money.Minor{money.Max - 1, 1}, money.Max, nil},
		{"down to the least", []money.Minor{1 - money.Max, -1}, -money.Max, nil},
		{"one too much", []money.Minor{money.Max, 1}, 0, money.ErrRange},
		{"one too little", []money.Minor{-money.Max, -1}, 0, money.ErrRange},
		{"the ends cancel out", []money.Minor{money.Max, -money.Max}, 0, nil},
		{"beyond the range on the way", []money.Minor{money.Max, 1, -1}, 0, money.ErrRange},
		{"an operand beyond the range", []money.Minor{money.Max + 1, -2}, 0, money.ErrRange},
		{"operands that overflow int64", []money.Minor{math.MaxInt64, math.MaxInt64}, 0, money.ErrRange},
		{"operands that underflow int64", []money.Minor{math.MinInt64, math.MinInt64}, 0, money.ErrRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := money.Sum(c.amounts...)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("Sum(%d) = %d, %v; want %d, %v", c.amounts, got, err, c.want, c.err)
			}
			if len(c.amounts) != 2 {
				return
			}
			if got, err := money.Add(c.amounts[0], c.amounts[1]); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("Add(%d) = %d, %v; want %d, %v", c.amounts, got, err, c.want, c.err)
			}
		})
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		num, den int64
		step     money.Minor
		want     [4]money.Minor // half_up, half_even, down, up
	}{
		{0, 1, 1, [4]money.Minor{0, 0, 0, 0}},
		{7, 1, 1, [4]money.Minor{7, 7, 7, 7}},
		{1, 2, 1, [4]money.Minor{1, 0, 0, 1}},
		{3, 2, 1, [4]money.Minor{2, 2, 1, 2}},
		{5, 2, 1, [4]money.Minor{3, 2, 2, 3}},
		{-1, 2, 1, [4]money.Minor{-1, 0, 0, -1}},
		{-5, 2, 1, [4]money.Minor{-3, -2, -2, -3}},
		{-7, 3, 1, [4]money.Minor{-2, -2, -2, -3}},
		{1, 3, 1, [4]money.Minor{0, 0, 0, 1}},
		{2, 3, 1, [4]money.Minor{1, 1, 0, 1}},
		{14, 1, 10, [4]money.Minor{10, 10, 10, 20}},
		{15, 1, 10, [4]money.Minor{20, 20, 10, 20}},
		{25, 1, 10, [4]money.Minor{30, 20, 20, 30}},
		{-25, 1, 10, [4]money.Minor{-30, -20, -20, -30}},
		{2499, 100, 10, [4]money.Minor{20, 20, 20, 30}},
		{2501, 100, 10, [4]money.Minor{30, 30, 20, 30}},
		{1, 1_000_000_000, 1000, [4]money.Minor{0, 0, 0, 1000}},
	} {
		for i, mode := range modes {
			got, err := money.Round(big.NewRat(c.num, c.den), c.step, mode)
			if err != nil || got != c.want[i] {
				t.Errorf("%d/%d to a multiple of %d, %s: %d, %v; want %d", c.num, c.den, c.step, mode, got, err, c.want[i])
			}
		}
	}
}

// nearest is what Round promises, found another way: of the two multiples of
// the step around the exact amount, the one that the mode's name picks.
func nearest(exact *big.Rat, step int64, mode money.Rounding) *big.Int {
	units := new(big.Rat).Quo(exact, new(big.Rat).SetInt64(step))
	// Euclidean division by a positive number is the floor.
	below := new(big.Int).Div(units.Num(), units.Denom())
	above := new(big.Int).Add(below, big.NewInt(1))
	towards, away := below, above
	if exact.Sign() < 0 {
		towards, away = above, below
	}
	pick := towards
	half := new(big.Rat).Add(new(big.Rat).SetInt(below), big.NewRat(1, 2))
	switch side := units.Cmp(half); {
	case units.IsInt():
		pick = below
	case mode == money.Down:
	case mode == money.Up:
		pick = away
	case side < 0:
		pick = below
	case side > 0:
		pick = above
	case mode == money.HalfUp:
		pick = away
	case below.Bit(0) == 0:
		pick = below
	default:
		pick = above
	}
	return new(big.Int).Mul(pick, big.NewInt(step))
}

func TestRoundIsTheMultipleThatItsModeNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.OneOf(rapid.SampledFrom([]int64{1, 10, 100, 1000}), rapid.Int64Range(1, 1<<53)).Draw(t, "step")
		exact := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) *big.Rat {
				return big.NewRat(rapid.Int64().Draw(t, "num"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "den"))
			}),
			// Whole and half multiples, where the modes differ.
			rapid.Custom(func(t *rapid.T) *big.Rat {
				halves := new(big.Rat).SetFrac64(rapid.Int64Range(-1000, 1000).Draw(t, "halves"), 2)
				return halves.Mul(halves, new(big.Rat).SetInt64(step))
			}),
		).Draw(t, "exact")
		mode := rapid.SampledFrom(modes).Draw(t, "mode")
		given := new(big.Rat).Set(exact)

		got, err := money.Round(exact, money.Minor(step), mode)
		want := nearest(exact, step, mode)
		if exact.Cmp(given) != 0 {
			t.Fatalf("Round changed its argument from %s to %s", given, exact)
		}
		if want.CmpAbs(big.NewInt(int64(money.Max))) > 0 {
			if !errors.Is(err, money.ErrRange) {
				t.Fatalf("Round(%s, %d, %s) = %d, %v; want ErrRange, for %s is no lawful amount", exact, step, mode, got, err, want)
			}
			return
		}
		if err != nil || got != money.Minor(want.Int64()) {
			t.Fatalf("Round(%s, %d, %s) = %d, %v; want %s", exact, step, mode, got, err, want)
		}
	})
}

func TestRoundAtTheEndsOfTheRange(t *testing.T) {
	most := money.Max.Rat()
	justAbove := new(big.Rat).Add(most, big.NewRat(1, 3))
	farAbove := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 200))
	for _, c := range []struct {
		exact *big.Rat
		mode  money.Rounding
		want  money.Minor
		err   error
	}{
		{most, money.Up, money.Max, nil},
		{justAbove, money.Down, money.Max, nil},
		{justAbove, money.HalfUp, money.Max, nil},
		{justAbove, money.Up, 0, money.ErrRange},
		{new(big.Rat).Neg(justAbove), money.Down, -money.Max, nil},
		{new(big.Rat).Neg(justAbove), money.Up, 0, money.ErrRange},
		{farAbove, money.Down, 0, money.ErrRange},
	} {
		if got, err := money.Round(c.exact, 1, c.mode); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Round(%s, 1, %s) = %d, %v; want %d, %v", c.exact, c.mode, got, err, c.want, c.err)
		}
	}
}

func TestRoundRefusesWhatNamesNoRounding(t *testing.T) {
	for _, step := range []money.Minor{0, -1} {
		if got, err := money.Round(big.NewRat(1, 2), step, money.Up); err == nil {
			t.Errorf("step %d: %d, want an error", step, got)
		}
	}
	for _, mode := range []money.Rounding{"", "HALF_UP", "ceiling"} {
		if got, err := money.Round(big.NewRat(1, 2), 1, mode); err == nil || mode.Valid() {
			t.Errorf("mode %q: %d, want an error", mode, got)
		}
	}
}

func TestParseCurrencyKnowsTheDecimals(t *testing.T) {
	for code, digits := range map[string]int{"KRW": 0, "JPY": 0, "USD": 2, "EUR": 2, "KWD": 3} {
		if got := currency(t, code); got != (money.Currency{Code: code, Digits: digits}) {
			t.Errorf("%s is %+v, want %d decimals", code, got, digits)
		}
	}
	if currency(t, "KRW") != money.KRW {
		t.Error("KRW is not money.KRW")
	}
	for _, code := range []string{"", "KR", "krw", "Usd", "WON", "KRWX", "원", "K W"} {
		if got, err := money.ParseCurrency(code); err == nil {
			t.Errorf("%q was taken for %+v", code, got)
		}
	}
}

func TestTextIsWhatPeopleRead(t *testing.T) {
	for _, c := range []struct {
		currency string
		amount   money.Minor
		want     lang.Text
	}{
		{"KRW", 0, lang.T("₩0", "0원")},
		{"KRW", 999, lang.T("₩999", "999원")},
		{"KRW", 1000, lang.T("₩1,000", "1,000원")},
		{"KRW", -1234567, lang.T("-₩1,234,567", "-1,234,567원")},
		{"KRW", money.Max, lang.T("₩9,007,199,254,740,991", "9,007,199,254,740,991원")},
		{"JPY", 12000, lang.T("JPY 12,000", "12,000 JPY")},
		{"USD", 0, lang.T("USD 0.00", "0.00 USD")},
		{"USD", 5, lang.T("USD 0.05", "0.05 USD")},
		{"USD", -100, lang.T("-USD 1.00", "-1.00 USD")},
		{"USD", 123456789, lang.T("USD 1,234,567.89", "1,234,567.89 USD")},
		{"KWD", 1234567, lang.T("KWD 1,234.567", "1,234.567 KWD")},
	} {
		if diff := cmp.Diff(c.want, currency(t, c.currency).Text(c.amount)); diff != "" {
			t.Errorf("%s %d (-want +got):\n%s", c.currency, c.amount, diff)
		}
	}
}

package money_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/money"
)

func TestParseReadsAmountsAsPeopleWriteThem(t *testing.T) {
	for code, forms := range map[string]map[string]money.Minor{
		"KRW": {
			"0": 0, "-0": 0, "12000": 12000, "012": 12, "12,000": 12000, "1,234,567": 1234567, "  12,000\t": 12000,
			"₩12,000": 12000, "₩ 12,000": 12000, "￦12,000": 12000, `\12,000`: 12000,
			"12000원": 12000, "12,000원": 12000, "12,000 원": 12000, "₩12,000원": 12000,
			"KRW 12,000": 12000, "KRW12000": 12000, "12,000 KRW": 12000, "12000KRW": 12000,
			"12 000": 12000, "12\u00a0000": 12000, "1'234'567": 1234567, "12.0": 12, "12,000.00": 12000,
			"-300": -300, "−300": -300, "- 300": -300, "-300원": -300, "-₩300": -300, "₩-300": -300, "KRW -300": -300,
			"(300)": -300, "( 300 )": -300, "(₩300)": -300, "(1,300원)": -1300, "(0)": 0,
			"9007199254740991": money.Max, "-9,007,199,254,740,991원": -money.Max,
		},
		"JPY": {"12000": 12000, "¥12,000": 12000, "-¥300": -300, "JPY 5": 5, "12000.0": 12000},
		"USD": {
			"12": 1200, "12.5": 1250, "12.50": 1250, "0.05": 5, "$1,234.56": 123456, "-$0.01": -1, "$-0.01": -1,
			"(12.50)": -1250, "USD 1,234.56": 123456, "1,234.56 USD": 123456, "12.500": 1250, "1.2300000": 123,
			"90071992547409.91": money.Max,
		},
		"KWD": {"1": 1000, "1.234": 1234, "1.2": 1200, "KWD 1,234.567": 1234567},
	} {
		for text, want := range forms {
			if got, err := currency(t, code).Parse(text); err != nil || got != want {
				t.Errorf("%s %q: %d, %v; want %d", code, text, got, err, want)
			}
		}
	}
}

func TestParseRefusesWhatIsNoAmount(t *testing.T) {
	for code, texts := range map[string][]string{
		"KRW": {
			"", " ", "원", "₩", "KRW", "-", "−", "()", "(원)", ".", "12.", ".5", "12.5", "0.01원",
			"1,2", "12,00", "1,2345", "1234,567", ",123", "123,", "1,,000", ",", "1,000,", "1 2", "1'23",
			"(300", "300)", "((300))", "(-300)", "(−300)", "--300", "-−300", "-₩-300", "- -300", "300-", "+300",
			"₩₩300", "300원원", "KRW KRW 300", "₩원", "300 won", "300만원", "$300", "USD 300", "krw 300",
			"１２０００", "٣٠٠", "12e3", "0x12", "1_000", "NaN", "12;000", "12.000.000", "1.234,56",
		},
		"USD": {"12.345", "0.001", "$", "$$5", ".50", "12,5", "1.2.3", "1.-2", "₩5", "5원", `\5`},
		"JPY": {"12.5", "5円"},
		"KWD": {"1.2345"},
	} {
		for _, text := range texts {
			if got, err := currency(t, code).Parse(text); err == nil {
				t.Errorf("%s %q was read as %d", code, text, got)
			} else if errors.Is(err, money.ErrRange) {
				t.Errorf("%s %q: %v; want what is wrong with its form", code, text, err)
			}
		}
	}
}

func TestParseRefusesAmountsThatJSONWouldNotKeepExact(t *testing.T) {
	for code, texts := range map[string][]string{
		"KRW": {"9007199254740992", "-9,007,199,254,740,992원", "(9007199254740992)", "9223372036854775808", "1000000000000000000000000000000"},
		"USD": {"90071992547409.92", "9007199254740991"},
	} {
		for _, text := range texts {
			if got, err := currency(t, code).Parse(text); !errors.Is(err, money.ErrRange) {
				t.Errorf("%s %q: %d, %v; want ErrRange", code, text, got, err)
			}
		}
	}
}

func TestParseReadsWhatTextWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.SampledFrom([]string{"KRW", "JPY", "USD", "EUR", "KWD"}).Draw(t, "currency")
		c, err := money.ParseCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		amount := money.Minor(rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(t, "amount"))
		for _, tag := range []lang.Tag{lang.Korean, lang.English} {
			text := c.Text(amount).In(tag)
			if got, err := c.Parse(text); err != nil || got != amount {
				t.Fatalf("%d is written %q, and read as %d, %v", amount, text, got, err)
			}
		}
	})
}

// FuzzParse holds whatever is accepted against Text: the amount is lawful, and
// writing it and reading it again gives the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"12,000원", "-₩300", "(1,300)", "USD 1,234.56", "0.05", "9007199254740992", "1,,0", "￦ 1'000", `\5`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, code := range []string{"KRW", "USD", "KWD"} {
			c := currency(t, code)
			amount, err := c.Parse(text)
			if err != nil {
				continue
			}
			if !amount.InRange() {
				t.Fatalf("%s %q: %d is out of range", code, text, amount)
			}
			if again, err := c.Parse(c.Text(amount).EN); err != nil || again != amount {
				t.Fatalf("%s %q is %d, written %q, read again as %d, %v", code, text, amount, c.Text(amount).EN, again, err)
			}
		}
	})
}

package identity

import "strings"

// Digits keeps the digits of a number as people write it, for comparing and
// indexing.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// ValidBusinessNumber reports whether a Korean business registration number
// (ten digits, with or without hyphens) has a correct check digit: weights
// 1 3 7 1 3 7 1 3 5, plus the tens of the ninth product. It says nothing about
// whether the business exists.
func ValidBusinessNumber(s string) bool {
	if strings.Trim(s, "0123456789-") != "" {
		return false
	}
	d := Digits(s)
	if len(d) != 10 || d == "0000000000" {
		return false
	}
	weights := [9]int{1, 3, 7, 1, 3, 7, 1, 3, 5}
	sum := int(d[8]-'0') * 5 / 10
	for i, w := range weights {
		sum += int(d[i]-'0') * w
	}
	return (10-sum%10)%10 == int(d[9]-'0')
}

// ValidPhone reports whether s can be a telephone number: 8 to 15 digits, with
// an optional leading + and hyphens or spaces between.
func ValidPhone(s string) bool {
	if strings.Trim(strings.TrimPrefix(s, "+"), "0123456789- ") != "" {
		return false
	}
	n := len(Digits(s))
	return n >= 8 && n <= 15
}

// plan is how a country writes telephone numbers.
type plan struct {
	code  string // that calls the country
	trunk string // before national numbers, left out in the international form
}

// plans are those of the countries in which people write one number in several
// ways, by ISO 3166-1.
var plans = map[string]plan{
	"KR": {"82", "0"}, "JP": {"81", "0"}, "CN": {"86", "0"}, "TW": {"886", "0"}, "VN": {"84", "0"}, "TH": {"66", "0"},
	"ID": {"62", "0"}, "PH": {"63", "0"}, "SG": {"65", ""}, "GB": {"44", "0"}, "US": {"1", "1"},
}

// PhoneDigits are the digits of a telephone number in its international form
// (E.164), so that one telephone is one number however people write it: with
// their country's code, or as in their country (ISO 3166-1) without it. A number
// of a country that is not known here stays as it is written.
func PhoneDigits(number, country string) string {
	digits := Digits(number)
	if abroad, ok := strings.CutPrefix(digits, "00"); ok || strings.HasPrefix(number, "+") {
		// No code of a country begins with that of another.
		for _, p := range plans {
			if rest, ok := strings.CutPrefix(abroad, p.code); ok {
				return p.code + strings.TrimPrefix(rest, p.trunk)
			}
		}
		return abroad
	}
	p := plans[country]
	return p.code + strings.TrimPrefix(digits, p.trunk)
}

// The masks. Every view of a person uses these and no others: two screens that
// hide different parts would together show the whole.

// MaskName keeps the first character.
func MaskName(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return string(r[:1]) + "**"
}

// MaskNumber keeps the last four characters, but never more than half.
func MaskNumber(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return "****" + string(r[len(r)-min(4, len(r)/2):])
}

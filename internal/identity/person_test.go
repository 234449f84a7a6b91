package identity_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redress/internal/identity"
)

func TestValidBusinessNumberChecksTheLastDigit(t *testing.T) {
	for number, want := range map[string]bool{
		"120-81-47521": true, "124-81-00998": true, "220-81-62517": true, "123-45-67891": true,
		"1208147521": true, "1-2-0-8-1-4-7-5-2-1": true,
		"123-45-67890": false,
		"":             false, "-": false,
		"120-81-4752": false, "120-81-475210": false,
		"120-81-4752A": false, "A120-81-47521": false, "120-81 47521": false, "120.81.47521": false,
		"１２０8147521": false, // full-width digits
	} {
		if got := identity.ValidBusinessNumber(number); got != want {
			t.Errorf("%q: valid is %t, want %t", number, got, want)
		}
	}
}

func TestEveryStemHasOneBusinessNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stem := rapid.StringMatching(`[0-9]{9}`).Draw(t, "stem")
		valid := 0
		for _, last := range "0123456789" {
			if identity.ValidBusinessNumber(stem + string(last)) {
				valid++
			}
		}
		if valid != 1 {
			t.Fatalf("%d last digits make %s a business number, want 1", valid, stem)
		}
	})
}

func TestValidPhone(t *testing.T) {
	for phone, want := range map[string]bool{
		"010-1234-5678": true, "01012345678": true, "+82 10 1234 5678": true, "+82-2-123-4567": true, "15881234": true,
		"123456789012345": true,
		"":                false, "+": false, "1234567": false, "1234567890123456": false,
		"010+12345678": false, "++821012345678": false, "010 1234 567x": false, "(02)123-4567": false, "０１０12345678": false,
	} {
		if got := identity.ValidPhone(phone); got != want {
			t.Errorf("%q: valid is %t, want %t", phone, got, want)
		}
	}
}

func TestOneTelephoneIsOneNumberHoweverItIsWritten(t *testing.T) {
	for _, c := range []struct{ number, country, want string }{
		{"010-1234-5678", "KR", "821012345678"},
		{"010 1234 5678", "KR", "821012345678"},
		{"+82 10-1234-5678", "KR", "821012345678"},
		{"+82 010-1234-5678", "KR", "821012345678"}, // the trunk prefix is left standing
		{"+821012345678", "JP", "821012345678"},
		{"00 82 10 1234 5678", "JP", "821012345678"},
		{"02-123-4567", "KR", "8221234567"},
		{"1588-1234", "KR", "8215881234"},
		{"010-1234-5678", "JP", "811012345678"}, // another telephone in another country
		{"212-555-0100", "US", "12125550100"},
		{"1-212-555-0100", "US", "12125550100"},
		{"6123 4567", "SG", "6561234567"},
		{"0 123 456 78", "", "012345678"},
		{"+999 123 456", "KR", "999123456"},
		{"", "", ""},
	} {
		if got := identity.PhoneDigits(c.number, c.country); got != c.want {
			t.Errorf("%s in %q is %s, want %s", c.number, c.country, got, c.want)
		}
	}
}

func TestMasksHideMostOfAPerson(t *testing.T) {
	for text, want := range map[string]string{"": "", "청구인 하나": "청**", "카페 봄": "카**", "A": "A**"} {
		if got := identity.MaskName(text); got != want {
			t.Errorf("name %q is shown as %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": "", "010-1234-5678": "****5678", "1208147521": "****7521", "D-7": "****7", "12345": "****45", "1": "****", "기사1234": "****234",
	} {
		if got := identity.MaskNumber(text); got != want {
			t.Errorf("number %q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestMaskedNumbersOfAnyLengthLookAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[0-9]{1,20}`).Draw(t, "number")
		shown, masked := strings.CutPrefix(identity.MaskNumber(number), "****")
		if !masked || !strings.HasSuffix(number, shown) {
			t.Fatalf("%q is shown as %q", number, identity.MaskNumber(number))
		}
		if len(shown) > 4 || len(shown)*2 > len(number) {
			t.Fatalf("%q of %q is shown", shown, number)
		}
	})
}

package claims

import (
	"math/big"
	"strings"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/scheme"
)

// valueText names a value of a scheme's step for people.
type valueText struct {
	share bool // of a whole, told in percent; else an amount
	text  lang.Text
}

// valueTexts are the values that a letter tells after the sentence of a step. The
// others are in the sentence already, or say what it says.
var valueTexts = map[string]valueText{
	"actual":              {text: lang.T("actual revenue", "실제 매출")},
	"amount":              {text: lang.T("amount", "금액")},
	"baseline":            {text: lang.T("revenue compared with", "비교 매출")},
	"change":              {text: lang.T("change of the loss", "손실 증감")},
	"costs":               {text: lang.T("costs", "비용")},
	"estimated_shortfall": {text: lang.T("shortfall estimated from the history", "이력에서 추정한 부족분")},
	"expected":            {text: lang.T("expected revenue", "예상 매출")},
	"expense":             {text: lang.T("cost stated", "적으신 비용")},
	"factor":              {share: true, text: lang.T("factor", "배율")},
	"growth_factor":       {share: true, text: lang.T("growth", "성장 배율")},
	"limit":               {text: lang.T("limit", "한도")},
	"loss":                {text: lang.T("loss", "손실")},
	"made_up":             {text: lang.T("revenue made up", "만회한 매출")},
	"margin":              {share: true, text: lang.T("margin", "이익률")},
	"mean":                {text: lang.T("mean", "평균")},
	"part":                {share: true, text: lang.T("part that counts", "인정 비율")},
	"platform_share":      {share: true, text: lang.T("platform's share", "플랫폼 비중")},
	"prior_payment":       {text: lang.T("paid before", "이미 받은 금액")},
	"rate":                {share: true, text: lang.T("rate", "보상 비율")},
	"substitutes":         {text: lang.T("revenue by other means", "다른 방법으로 번 매출")},
	"sum":                 {text: lang.T("sum", "합계")},
	"uptime":              {share: true, text: lang.T("uptime", "가동률")},
}

// stepText is the sentence of a scheme's step with the values it used and what
// came of it, so that the reader can follow the sum from step to step.
func stepText(step scheme.Line, currency money.Currency) lang.Text {
	var ko, en []string
	tell := func(v scheme.Value) {
		if said, ok := told(v, currency); ok {
			ko, en = append(ko, said.KO), append(en, said.EN)
		}
	}
	for _, v := range step.Inputs {
		if v.Name != step.Output.Name { // else it is what came of the step before
			tell(v)
		}
	}
	tell(step.Output)
	if len(ko) == 0 {
		return step.Rule
	}
	return lang.T(step.Rule.EN+" → "+strings.Join(en, ", "), step.Rule.KO+" → "+strings.Join(ko, ", "))
}

// told is a value with its name; not ok where letters do not tell it, as with
// words.
func told(v scheme.Value, currency money.Currency) (lang.Text, bool) {
	named, known := valueTexts[v.Name]
	exact, isNumber := new(big.Rat).SetString(v.Value)
	if !known || !isNumber {
		return lang.Text{}, false
	}
	unit := big.NewRat(1, 1)
	if named.share {
		unit.SetInt64(10_000) // basis points, to have hundredths of a percent
	}
	exact.Mul(exact, unit)
	rounded, err := money.Round(exact, 1, money.HalfUp)
	if err != nil {
		return lang.Text{}, false
	}
	value := currency.Text(rounded)
	if named.share {
		percent := strings.TrimSuffix(strings.TrimRight(big.NewRat(int64(rounded), 100).FloatString(2), "0"), ".") + "%"
		value = lang.T(percent, percent)
	}
	if !exact.IsInt() {
		value = lang.F("about %s", "약 %s", value)
	}
	return lang.F("%s %s", "%s %s", named.text, value), true
}

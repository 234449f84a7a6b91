package claims

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/scheme"
)

func TestEachStepTellsWhatItUsedAndWhatCameOfIt(t *testing.T) {
	won, dollar := money.KRW, money.Currency{Code: "USD", Digits: 2}
	for name, c := range map[string]struct {
		currency money.Currency
		inputs   []scheme.Value
		output   scheme.Value
		want     lang.Text
	}{
		"a margin": {won, []scheme.Value{{Name: "loss", Value: "1307025"}, {Name: "margin", Value: "0.4"}}, scheme.Value{Name: "loss", Value: "522810"},
			lang.T("Rule. → margin 40%, loss ₩522,810", "규칙. → 이익률 40%, 손실 522,810원")},
		"all of it": {won, []scheme.Value{{Name: "rate", Value: "1"}}, scheme.Value{Name: "loss", Value: "0"},
			lang.T("Rule. → rate 100%, loss ₩0", "규칙. → 보상 비율 100%, 손실 0원")},
		"a share that does not end": {won, []scheme.Value{{Name: "platform_share", Value: "2/3"}}, scheme.Value{Name: "loss", Value: "234000/31"},
			lang.T("Rule. → platform's share about 66.67%, loss about ₩7,548", "규칙. → 플랫폼 비중 약 66.67%, 손실 약 7,548원")},
		"hundredths of a percent": {won, []scheme.Value{{Name: "part", Value: "0.1205"}}, scheme.Value{Name: "loss", Value: "12.5"},
			lang.T("Rule. → part that counts 12.05%, loss about ₩13", "규칙. → 인정 비율 12.05%, 손실 약 13원")},
		"what was summed before is told where it is paid": {dollar, []scheme.Value{{Name: "loss", Value: "61234"}}, scheme.Value{Name: "amount", Value: "55000"},
			lang.T("Rule. → loss USD 612.34, amount USD 550.00", "규칙. → 손실 612.34 USD, 금액 550.00 USD")},
		"a deduction": {won, []scheme.Value{{Name: "expense", Value: "5000"}}, scheme.Value{Name: "change", Value: "-5000"},
			lang.T("Rule. → cost stated ₩5,000, change of the loss -₩5,000", "규칙. → 적으신 비용 5,000원, 손실 증감 -5,000원")},
		"words": {won, []scheme.Value{{Name: "sector", Value: "taxi"}, {Name: "minutes", Value: "120"}}, scheme.Value{Name: "loss", Value: "cannot_tell"},
			lang.T("Rule.", "규칙.")},
	} {
		t.Run(name, func(t *testing.T) {
			step := scheme.Line{Inputs: c.inputs, Rule: lang.T("Rule.", "규칙."), Output: c.output}
			if diff := cmp.Diff(c.want, stepText(step, c.currency)); diff != "" {
				t.Errorf("the step (-want +got):\n%s", diff)
			}
		})
	}
}

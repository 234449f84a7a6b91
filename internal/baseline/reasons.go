package baseline

import (
	"redress/internal/lang"
	"redress/internal/revenue"
)

// Least evidence for an answer, and how far from the windows it may end.
const (
	leastDays     = 21
	leastPlacebos = 7
	stalest       = 8 * revenue.Week
)

func noHistory() *Reason {
	return &Reason{
		Code: "no_history",
		Text: lang.T("no sales record lies before the first affected hour", "영향을 받은 첫 시각보다 앞선 매출 기록이 없습니다"),
		Help: lang.F("Send the sales of at least %d days before the outage, by the hour or by the day.",
			"장애 전 %d일 이상의 매출을 시간별 또는 일별로 보내 주십시오.", leastDays),
	}
}

func tooShort(days int) *Reason {
	return &Reason{
		Code: "history_too_short",
		Text: lang.F("only %d days of record lie before the first affected hour", "영향을 받은 첫 시각보다 앞선 기록이 %d일치뿐입니다", days),
		Help: lang.F("Send the sales of at least %d more days before the outage.",
			"장애 전 매출을 %d일치 이상 더 보내 주십시오.", max(leastDays-days, 1)),
	}
}

func stale(end revenue.Local) *Reason {
	return &Reason{
		Code: "history_stale",
		Text: lang.F("the record ends at %s, more than eight weeks before the first affected hour",
			"기록이 %s에 끝나 영향을 받은 첫 시각과 8주 넘게 떨어져 있습니다", end),
		Help: lang.T("Send the sales of the weeks just before the outage.", "장애 직전 몇 주의 매출을 보내 주십시오."),
	}
}

func noSales() *Reason {
	return &Reason{
		Code: "no_sales",
		Text: lang.T("the record shows no sale at all before the first affected hour", "영향을 받은 첫 시각 전의 기록에 매출이 전혀 없습니다"),
		Help: lang.T("Send a record that shows sales made through this service, or itemise the lost sales.",
			"이 서비스로 올린 매출이 보이는 기록을 보내거나 놓친 거래를 하나씩 적어 주십시오."),
	}
}

func tooFewPlacebos(found int) *Reason {
	return &Reason{
		Code: "too_few_comparable",
		Text: lang.F("the record holds only %d stretches as long as the affected hours to compare with",
			"기록에서 영향을 받은 시간만큼 긴 비교 구간이 %d개뿐입니다", found),
		Help: lang.T("Send a longer record: several times as long as the affected hours, without gaps.",
			"영향을 받은 시간의 몇 배가 되는, 빠진 곳 없는 더 긴 기록을 보내 주십시오."),
	}
}

func tooLarge() *Reason {
	return &Reason{
		Code: "amounts_too_large",
		Text: lang.T("the sums leave the range of amounts that can be kept exactly", "합계가 정확히 담을 수 있는 금액 범위를 벗어납니다"),
		Help: lang.T("Check the currency and the decimals of the record.", "기록의 통화와 소수 자릿수를 확인해 주십시오."),
	}
}

package baseline

import (
	"redress/internal/lang"
	"redress/internal/money"
)

// explain writes the four sentences: what is usual, what it was, the
// difference, how sure. Every number in them is a figure of the result.
func explain(in Input, res Result) []lang.Text {
	t := res.Total
	text := in.Currency.Text
	usual := lang.F("In these hours this outlet would usually have earned about %s, judged by its record from %s to %s.",
		"기록(%[2]s부터 %[3]s까지)에 비추어 이 시간에는 매출이 보통 %[1]s쯤이었을 것입니다.", text(t.Expected), date(res.Basis.From), date(res.Basis.To))
	if res.Basis.Method == methodPeers {
		usual = lang.F("In these hours this outlet would usually have earned about %s, judged by comparable outlets and its own few days since %s.",
			"비슷한 매장들과 이 매장의 %[2]s 이후 며칠치 매출에 비추어 이 시간에는 매출이 보통 %[1]s쯤이었을 것입니다.", text(t.Expected), date(res.Basis.From))
	}
	return []lang.Text{
		usual,
		explainActual(text(t.Actual), t.ActualSource),
		explainShortfall(in, *t),
		explainCertainty(in, res),
	}
}

// date is the day of a local wall-clock time.
func date(local string) string { return local[:len("2006-01-02")] }

func explainActual(actual lang.Text, source ActualSource) lang.Text {
	switch source {
	case ActualHistory:
		return lang.F("The record shows %s earned in them.", "기록에 나온 이 시간의 매출은 %s입니다.", actual)
	case ActualDeclared:
		return lang.F("The record does not cover all of them; with what the claimant states, %s was earned.",
			"기록이 이 시간을 모두 담지 못하여, 청구인이 밝힌 대로 매출을 %s으로 보았습니다.", actual)
	default:
		return lang.F("The record does not cover all of them; %s is assumed, from the share of the service that still worked.",
			"기록이 이 시간을 모두 담지 못하여, 서비스가 살아 있던 비율로 매출을 %s으로 어림했습니다.", actual)
	}
}

func explainShortfall(in Input, t Figures) lang.Text {
	if t.Shortfall == 0 {
		return lang.T("That is not below what is usual, so no loss shows.", "평소보다 적지 않으므로 손실이 보이지 않습니다.")
	}
	return lang.F("That is %s less than usual.", "평소보다 %s 적습니다.", in.Currency.Text(t.Shortfall))
}

func explainCertainty(in Input, res Result) lang.Text {
	iv := ninety(res.Total.Intervals)
	return lang.F("With 90%% probability the usual amount lies between %s and %s: on %d past occasions the method was off by %s on average.",
		"평소 금액은 90%% 확률로 %s에서 %s 사이이며, 과거 %d번의 같은 시간대에서 이 방법의 오차는 평균 %s이었습니다.",
		in.Currency.Text(iv.Low), in.Currency.Text(iv.High), res.Placebo.Windows, in.Currency.Text(res.Placebo.MeanError))
}

// ninety is the interval at 90 %.
func ninety(intervals []Interval) Interval {
	for _, iv := range intervals {
		if iv.LevelPercent == 90 {
			return iv
		}
	}
	return Interval{}
}

// explainUnknown writes the four sentences of an answer that cannot be given.
func explainUnknown(in Input, r Reason) []lang.Text {
	return []lang.Text{
		lang.F("What is usual cannot be told: %s.", "평소 매출을 말할 수 없습니다: %s.", r.Text),
		unknownActual(in),
		lang.T("So no difference is given; that is not to say there was no loss.", "그래서 차이를 내지 않습니다. 손실이 없었다는 뜻은 아닙니다."),
		r.Help,
	}
}

func unknownActual(in Input) lang.Text {
	var sum money.Minor
	for _, w := range in.Windows {
		a, covered, err := inHistory(in.History, w.Span, in.Closures)
		if err == nil {
			sum, err = money.Add(sum, a)
		}
		if !covered || err != nil {
			return lang.T("The record does not show what was earned in the affected hours.", "영향을 받은 시간의 매출은 기록에 나오지 않습니다.")
		}
	}
	return lang.F("The record shows %s earned in the affected hours.", "기록에 나온 영향받은 시간의 매출은 %s입니다.", in.Currency.Text(sum))
}

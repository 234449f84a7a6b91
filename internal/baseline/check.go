package baseline

import (
	"fmt"
	"slices"

	"redress/internal/fault"
	"redress/internal/revenue"
)

// longestIncident bounds the stretch from the first window's start to the last
// one's end.
const longestIncident = 366 * revenue.Day

// farthest bounds every time an estimate is given: about the years 1570 to 2370.
const farthest = 400 * 366 * revenue.Day

// check refuses inputs that break the contract. Whatever a lawful history may
// hold is not its business.
func check(in Input) error {
	fields := checkHistory("/history", in.History)
	for i, p := range in.Peers {
		fields = append(fields, checkHistory(fmt.Sprintf("/peers/%d", i), p)...)
	}
	fields = append(fields, checkWindows(in.Windows)...)
	fields = append(fields, checkSpans("/closures", in.Closures)...)
	fields = append(fields, checkSpans("/evidence/excluded", in.Evidence.Excluded)...)
	if a := in.Evidence.AfterMinutes; a < 0 || a > int64(longestIncident) {
		fields = append(fields, fault.At("/evidence/after_minutes", "out_of_range",
			"%d is not between 0 and %d minutes.", "%d분은 0분에서 %d분 사이가 아닙니다.", a, int64(longestIncident)))
	}
	if d := in.Declared; d != nil && (*d < 0 || !d.InRange()) {
		fields = append(fields, fault.At("/declared", "out_of_range",
			"%d is not an amount of 0 or more that fits 53 bits.", "%d은(는) 0 이상이고 53비트에 들어가는 금액이 아닙니다.", *d))
	}
	return fault.InvalidFields(fields)
}

func checkHistory(at string, h revenue.History) []fault.Field {
	if h.Len() == 0 && len(h.Amounts) == 0 {
		return nil
	}
	if !slices.Contains(revenue.BucketLengths, h.BucketMinutes) {
		return []fault.Field{fault.At(at+"/bucket_minutes", "bucket_length",
			"Buckets of %d minutes are not kept; 15, 30, 60 and 1440 are.", "%d분 단위는 쓰지 않습니다. 15, 30, 60, 1440분만 씁니다.", h.BucketMinutes)}
	}
	var fields []fault.Field
	if len(h.Amounts) != h.Len() {
		fields = append(fields, fault.At(at+"/amounts", "length",
			"There are %d amounts for %d buckets; there must be one each.", "구간은 %[2]d개인데 금액은 %[1]d개입니다. 구간마다 하나씩 있어야 합니다.", len(h.Amounts), h.Len()))
	}
	if outside(h.Start) || h.Start%revenue.Local(h.BucketMinutes) != 0 {
		fields = append(fields, fault.At(at+"/start", "off_grid",
			"%s does not start a bucket of %d minutes.", "%s은(는) %d분 구간의 시작이 아닙니다.", h.Start, h.BucketMinutes))
	}
	for i, a := range h.Amounts {
		if !a.InRange() {
			return append(fields, fault.At(fmt.Sprintf("%s/amounts/%d", at, i), "out_of_range",
				"%d does not fit 53 bits.", "%d은(는) 53비트를 넘습니다.", a))
		}
	}
	return fields
}

func checkWindows(windows []Window) []fault.Field {
	if len(windows) == 0 {
		return []fault.Field{fault.At("/windows", "required",
			"At least one window is needed.", "시간대가 하나 이상 필요합니다.")}
	}
	var fields []fault.Field
	for i, w := range windows {
		at := fmt.Sprintf("/windows/%d", i)
		fields = append(fields, checkSpan(at, w.Span)...)
		if w.DownBasisPoints < 1 || w.DownBasisPoints > 10000 {
			fields = append(fields, fault.At(at+"/down_basis_points", "out_of_range",
				"%d is not between 1 and 10000.", "%d은(는) 1에서 10000 사이가 아닙니다.", w.DownBasisPoints))
		}
		if i > 0 && w.Start < windows[i-1].End {
			fields = append(fields, fault.At(at+"/start", "out_of_order",
				"%s is before the end of the window listed before it (%s); windows must ascend and not overlap.",
				"%s은(는) 앞 시간대가 끝나는 %s보다 이릅니다. 시간대는 차례대로, 겹치지 않아야 합니다.", w.Start, windows[i-1].End))
		}
	}
	if first, last := windows[0].Start, windows[len(windows)-1].End; len(fields) == 0 && last-first > longestIncident {
		fields = append(fields, fault.At("/windows", "too_long",
			"From %s to %s is more than 366 days.", "%s부터 %s까지는 366일을 넘습니다.", first, last))
	}
	return fields
}

func checkSpans(at string, spans []revenue.Span) []fault.Field {
	var fields []fault.Field
	for i, s := range spans {
		fields = append(fields, checkSpan(fmt.Sprintf("%s/%d", at, i), s)...)
	}
	return fields
}

func checkSpan(at string, s revenue.Span) []fault.Field {
	switch {
	case outside(s.Start):
		return []fault.Field{fault.At(at+"/start", "out_of_range", "%d is no plausible time.", "%d은(는) 있을 수 없는 시각입니다.", s.Start)}
	case outside(s.End):
		return []fault.Field{fault.At(at+"/end", "out_of_range", "%d is no plausible time.", "%d은(는) 있을 수 없는 시각입니다.", s.End)}
	case s.End <= s.Start:
		return []fault.Field{fault.At(at+"/end", "not_after_start",
			"%s is not after the start, %s.", "%s은(는) 시작인 %s보다 뒤가 아닙니다.", s.End, s.Start)}
	}
	return nil
}

func outside(t revenue.Local) bool { return t < -farthest || t > farthest }

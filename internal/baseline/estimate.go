package baseline

import (
	"math"
	"math/big"

	"redress/internal/money"
	"redress/internal/revenue"
)

// Model names this method, its constants and its sentences. Any change of a byte
// gives it a new name.
const Model = "redress-baseline-3"

// Estimate answers what the outlet would have earned in the windows and what it
// lost. It returns an error (a *fault.Error, Invalid) only when the input breaks
// the contract; a history that carries no answer gives CannotTell.
//
// Learning. Only buckets wholly before the first window's first bucket are read,
// and, when Evidence.AfterMinutes allows, those from the end of the last window
// on. What lies in or between the windows never moves an expected sum.
//
// Edges. Windows need not lie on the bucket grid: of a bucket that a window cuts,
// the part of its minutes inside the window counts, of the expected and of the
// actual amount alike. A cut day tells less: what it brought in some of its hours
// is not in a daily record, unless it brought nothing.
//
// Actual. Taken from the history where it covers a window, which is when every
// bucket the window touches, outside stated closures, is open or closed. Windows
// it does not cover share what is declared beyond the covered ones, in
// proportion to what was expected there. Without a declaration, expected × (1 −
// share down) is assumed; the share is used nowhere else. An actual below 0
// (refunds of earlier sales) counts as 0.
func Estimate(in Input) (Result, error) {
	if err := check(in); err != nil {
		return Result{}, err
	}
	res := Result{Model: Model, Outcome: CannotTell, Windows: []WindowFigures{}, Rules: []Rule{}}
	m, reason := newModel(in)
	res.Basis = m.basis(in)
	if reason == nil {
		reason = fillFigures(&res, m, in)
	}
	if reason != nil {
		res.Reason = reason
		res.Explanation = explainUnknown(in, *reason)
		return res, nil
	}
	res.Outcome = Estimated
	res.Explanation = explain(in, res)
	return res, nil
}

// fillFigures writes the figures, or returns why they cannot be written.
func fillFigures(res *Result, m *model, in Input) *Reason {
	expected := make([]money.Minor, len(in.Windows))
	windows := make([]WindowFigures, len(in.Windows))
	var sum money.Minor
	for i, w := range in.Windows {
		f := m.whole
		if len(in.Windows) > 1 {
			f = m.forecastWindow(m.windows[i])
		}
		var ok bool
		if windows[i].Figures, ok = rounded(f); !ok {
			return tooLarge()
		}
		windows[i].Start, windows[i].End, windows[i].DownBasisPoints = w.Start.String(), w.End.String(), w.DownBasisPoints
		expected[i] = windows[i].Expected
		sum += expected[i]
		if !sum.InRange() {
			return tooLarge()
		}
	}
	total, ok := rounded(m.whole)
	if !ok {
		return tooLarge()
	}
	// The windows add up: the total is their sum, not a rounding of its own.
	total.Expected = sum
	for i := range total.Intervals {
		iv := &total.Intervals[i]
		iv.Low, iv.High = min(iv.Low, sum), max(iv.High, sum)
	}
	earned, source, err := actuals(in, expected)
	if err != nil {
		return tooLarge()
	}
	total.ActualSource = ActualHistory
	for i := range windows {
		windows[i].settle(earned[i], source[i])
		total.Actual += earned[i]
		if rank(source[i]) > rank(total.ActualSource) {
			total.ActualSource = source[i]
		}
	}
	if !total.Actual.InRange() {
		return tooLarge()
	}
	total.settle(total.Actual, total.ActualSource)
	res.Total, res.Windows = &total, windows
	res.Placebo = m.whole.placebo.record()
	res.Rules = m.others(in)
	res.After = m.afterwards(in)
	res.MoreHistory = m.moreHistory(in, total.Intervals)
	return nil
}

// rounded turns a forecast into money: expected to the nearest minor unit,
// bounds outwards.
func rounded(f Forecast) (Figures, bool) {
	limit := float64(money.Max)
	if !(f.High[len(Levels)-1] < limit) {
		return Figures{}, false
	}
	out := Figures{
		Expected:  money.Minor(math.Floor(f.Expected + 0.5)),
		Intervals: make([]Interval, 0, len(Levels)),
	}
	for i, level := range Levels {
		out.Intervals = append(out.Intervals, Interval{
			LevelPercent: level,
			Low:          min(money.Minor(math.Floor(f.Low[i])), out.Expected),
			High:         max(money.Minor(math.Ceil(f.High[i])), out.Expected),
		})
	}
	return out, true
}

// settle sets the actual and what follows from it.
func (f *Figures) settle(actual money.Minor, source ActualSource) {
	f.Actual, f.ActualSource = actual, source
	f.Shortfall = max(0, f.Expected-actual)
	f.ShortfallIntervals = make([]Interval, 0, len(f.Intervals))
	for _, iv := range f.Intervals {
		f.ShortfallIntervals = append(f.ShortfallIntervals, Interval{
			LevelPercent: iv.LevelPercent,
			Low:          max(0, iv.Low-actual),
			High:         max(0, iv.High-actual),
		})
	}
}

func rank(s ActualSource) int {
	switch s {
	case ActualHistory:
		return 0
	case ActualDeclared:
		return 1
	default:
		return 2
	}
}

// actuals settles what was earned in each window, and how that is known.
func actuals(in Input, expected []money.Minor) ([]money.Minor, []ActualSource, error) {
	earned := make([]money.Minor, len(in.Windows))
	source := make([]ActualSource, len(in.Windows))
	var known, open money.Minor
	for i, w := range in.Windows {
		a, covered, err := inHistory(in.History, w.Span, in.Closures)
		if err != nil {
			return nil, nil, err
		}
		if covered {
			earned[i], source[i] = a, ActualHistory
			known += a
		} else {
			open += expected[i]
		}
	}
	for i, w := range in.Windows {
		if source[i] != "" {
			continue
		}
		share := big.NewRat(int64(10000-w.DownBasisPoints), 10000)
		of := expected[i]
		source[i] = ActualAssumed
		if in.Declared != nil {
			source[i] = ActualDeclared
			of = max(0, *in.Declared-known)
			share = part(expected[i], open, in.Windows, source)
		}
		a, err := money.Round(new(big.Rat).Mul(of.Rat(), share), 1, money.HalfUp)
		if err != nil {
			return nil, nil, err
		}
		earned[i] = a
		if in.Declared != nil {
			// What is left for the windows after this one, so that the parts add up.
			known += a
			open -= expected[i]
		}
	}
	return earned, source, nil
}

// part is the share of the remaining declared sum that falls to a window: its
// expected part, or all of it where nothing was expected.
func part(expected, open money.Minor, windows []Window, source []ActualSource) *big.Rat {
	if open > 0 {
		return new(big.Rat).SetFrac64(int64(expected), int64(open))
	}
	return big.NewRat(1, 1)
}

// finestCut is the longest bucket, in minutes, of which a part is taken for its
// share of the minutes.
const finestCut = 60

// inHistory is the sum that the history holds of a span, and whether it covers
// the span.
func inHistory(h revenue.History, span revenue.Span, closures []revenue.Span) (money.Minor, bool, error) {
	if h.Len() == 0 || span.Start < h.Start || span.End > h.End() {
		return 0, false, nil
	}
	length := money.Minor(h.BucketMinutes)
	var whole, rest money.Minor // the sum is whole + rest/length
	for i := h.Index(span.Start); h.At(i) < span.End; i++ {
		bucket := revenue.Span{Start: max(h.At(i), span.Start), End: min(h.At(i+1), span.End)}
		switch {
		case h.States[i] == revenue.Missing && !inside(bucket, closures):
			return 0, false, nil
		case h.States[i] != revenue.Open:
		case bucket.Minutes() < int64(length) && length > finestCut && h.Amounts[i] != 0:
			return 0, false, nil
		default:
			var err error
			minutes := money.Minor(bucket.Minutes())
			rest += h.Amounts[i] % length * minutes
			if whole, err = money.Add(whole, h.Amounts[i]/length*minutes); err != nil {
				return 0, false, err
			}
		}
	}
	// To the nearest unit, half up.
	a, err := money.Add(whole, money.Minor(floorDiv(int64(2*rest+length), int64(2*length))))
	return max(a, 0), true, err
}

func inside(s revenue.Span, spans []revenue.Span) bool {
	for _, o := range spans {
		if o.Start <= s.Start && s.End <= o.End {
			return true
		}
	}
	return false
}

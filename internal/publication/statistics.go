package publication

import (
	"maps"
	"slices"

	"redress/internal/fault"
)

// Duration is how long claims were in a stage.
type Duration struct {
	Stage  string
	Group  string // what the row is for: a sector, or Everyone
	Days   int64  // begun days, at least 0
	Claims int64  // that took so many
}

// Percentiles are the percentiles of a stage's durations in a group, in days. One
// is missing where fewer claims than the minimum count lie on either side of it:
// it would be nearly one claim's own.
type Percentiles struct {
	Stage string `json:"stage"`
	Group string `json:"group"`
	P50   *int64 `json:"p50"`
	P75   *int64 `json:"p75"`
	P90   *int64 `json:"p90"`
	P95   *int64 `json:"p95"`
}

// DurationPercentiles computes the percentiles of each stage and group, in their
// order. A percentile is the smallest duration that at least this share of the
// claims did not exceed.
func DurationPercentiles(rows []Duration, rule Rule) ([]Percentiles, error) {
	spreads := map[[2]string]*spread{}
	for _, row := range rows {
		if row.Days < 0 || row.Claims < 0 {
			return nil, fault.New(fault.Invalid, "negative_duration", "%d claims were in stage %q for %d days; 0 or more is right.",
				"%[2]q 단계에 %[1]d건이 %[3]d일 있었다고 합니다. 0 이상이어야 합니다.", row.Claims, row.Stage, row.Days)
		}
		key := [2]string{row.Stage, row.Group}
		if spreads[key] == nil {
			spreads[key] = &spread{}
		}
		spreads[key].add(row.Days, row.Claims)
	}
	out := []Percentiles{}
	for _, key := range sortedKeys(spreads) {
		p := Percentiles{Stage: key[0], Group: key[1]}
		for percent, to := range map[int64]**int64{50: &p.P50, 75: &p.P75, 90: &p.P90, 95: &p.P95} {
			*to = rule.percentile(spreads[key], percent)
		}
		out = append(out, p)
	}
	return out, nil
}

// spread is how many claims have each of several values.
type spread struct {
	claims map[int64]int64
	all    int64
}

func (s *spread) add(value, claims int64) {
	if s.claims == nil {
		s.claims = map[int64]int64{}
	}
	s.claims[value] += claims
	s.all += claims
}

// percentile is nil where it would be nearly one claim's own.
func (r Rule) percentile(s *spread, percent int64) *int64 {
	rank := (percent*s.all + 99) / 100 // claims at or below
	if rank < r.MinimumCount || s.all-rank < r.MinimumCount {
		return nil
	}
	var passed int64
	for _, value := range slices.Sorted(maps.Keys(s.claims)) {
		if passed += s.claims[value]; passed >= rank {
			return &value
		}
	}
	return nil
}

// Placebos is the record of the estimator on one claimant's ordinary past: in how
// many windows the 90 % interval held the true sum.
type Placebos struct {
	Group   string
	Windows int64
	Inside  int64 // of Windows
}

// Calibration says whether intervals that should hold 90 % do.
type Calibration struct {
	Group string `json:"group"`
	// InsidePercent is the share of the windows that were inside, rounded down to a
	// percent; missing where the claimants are fewer than the minimum count or few of
	// them make up nearly all windows.
	InsidePercent *int64 `json:"inside_percent"`
}

// CalibrationOf adds up placebo windows by group, in the order of the groups.
func CalibrationOf(rows []Placebos, rule Rule) ([]Calibration, error) {
	windows, inside := map[string]*group{}, map[string]int64{}
	for _, row := range rows {
		if row.Inside < 0 || row.Inside > row.Windows {
			return nil, fault.New(fault.Invalid, "placebo_windows", "%d of %d placebo windows are inside; 0 to all is right.", "가상 구간 %[2]d개 가운데 %[1]d개가 안에 있다고 합니다. 0~전체여야 합니다.", row.Inside, row.Windows)
		}
		if windows[row.Group] == nil {
			windows[row.Group] = &group{}
		}
		windows[row.Group].add(row.Windows)
		inside[row.Group] += row.Inside
	}
	out := []Calibration{}
	for _, name := range sortedNames(windows) {
		g := *windows[name]
		c := Calibration{Group: name}
		if g.n > 0 && rule.safe(g, everything) {
			percent := inside[name] * 100 / g.sum
			c.InsidePercent = &percent
		}
		out = append(out, c)
	}
	return out, nil
}

// Ratio is what became of a hundred units claimed, of a row of a release: bounds,
// in percent, of estimated, awarded and paid to claimed.
type Ratio struct {
	By        Dimension `json:"by"`
	Code      string    `json:"code"`
	Estimated *Range    `json:"estimated"`
	Awarded   *Range    `json:"awarded"`
	Paid      *Range    `json:"paid"`
}

// Range is a range of percentages, Low rounded down and High rounded up.
type Range struct {
	Low  int64 `json:"low"`
	High int64 `json:"high"`
}

// Ratios are computed from the published figures of a release alone, so they tell
// nothing that the release does not. One is missing where a figure is withheld,
// nothing was claimed, or the two figures are of different releases.
func (r Release) Ratios(by Dimension) []Ratio {
	out := []Ratio{}
	claimed := r.rows(Claimed, by)
	for _, row := range claimed.rows {
		ratio := Ratio{By: by, Code: row.Codes[0]}
		for m, to := range map[Measure]**Range{Estimated: &ratio.Estimated, Awarded: &ratio.Awarded, Paid: &ratio.Paid} {
			part := r.rows(m, by)
			i := slices.IndexFunc(part.rows, func(o Row) bool { return o.Codes[0] == row.Codes[0] })
			if i >= 0 && part.asOf == claimed.asOf {
				*to = rangeOf(part.rows[i], row)
			}
		}
		out = append(out, ratio)
	}
	return out
}

// publishedRows are the rows of a table by one dimension.
type publishedRows struct {
	rows []Row
	asOf int
}

func (r Release) rows(m Measure, by Dimension) publishedRows {
	for _, measure := range r.Measures {
		if measure.Measure != m {
			continue
		}
		for _, t := range measure.Tables {
			if slices.Equal(t.By, []Dimension{by}) {
				return publishedRows{t.Rows, measure.AsOf}
			}
		}
	}
	return publishedRows{}
}

func rangeOf(part, whole Row) *Range {
	if part.Value == nil || whole.Value == nil || *whole.Value == 0 {
		return nil
	}
	least, most := *whole.Value, *whole.Value+whole.Step-1
	return &Range{Low: percentDown(*part.Value, most), High: percentDown(*part.Value+part.Step-1, least) + 1}
}

// percentDown is 100 × part ÷ whole, rounded down; both are at most 2⁵³, so that
// the product fits.
func percentDown(part, whole int64) int64 { return part * 100 / whole }

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func sortedKeys[V any](m map[[2]string]V) [][2]string {
	keys := make([][2]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return keys
}

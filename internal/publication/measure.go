package publication

import "redress/internal/lang"

// Dimension is what a table counts by.
type Dimension string

// The dimensions.
const (
	Service Dimension = "service"
	Sector  Dimension = "sector"
	Region  Dimension = "region"
	Month   Dimension = "month"
	Status  Dimension = "status"
)

// dimensions are in the order of a cell's codes. Status is the last: it is the hub
// that every table by two dimensions shares.
var dimensions = [...]Dimension{Service, Sector, Region, Month, Status}

// spokes are the dimensions that have a table by themselves and one by status.
const spokes = len(dimensions) - 1

// Tables are the sets of dimensions that each measure of a release has a table by.
func Tables() [][]Dimension {
	var all [][]Dimension
	for _, d := range dimensions[:spokes] {
		all = append(all, []Dimension{d}, []Dimension{d, Status})
	}
	return append(all, []Dimension{Status})
}

var dimensionNames = map[Dimension]lang.Text{
	Service: lang.T("service", "서비스"), Sector: lang.T("sector", "업종"), Region: lang.T("region", "지역"),
	Month: lang.T("month", "월"), Status: lang.T("status", "상태"),
}

// Name is the dimension in words.
func (d Dimension) Name() lang.Text { return dimensionNames[d] }

// Measure is what a table adds up.
type Measure string

// The measures.
const (
	Count     Measure = "count"
	Claimed   Measure = "claimed"
	Estimated Measure = "estimated"
	Awarded   Measure = "awarded"
	Paid      Measure = "paid"
)

// Measures are in the order in which a release lists them.
var (
	Measures       = []Measure{Count, Claimed, Estimated, Awarded, Paid}
	amountMeasures = Measures[1:]
)

var measureNames = map[Measure]lang.Text{
	Count: lang.T("claims", "청구 건수"), Claimed: lang.T("claimed", "청구액"), Estimated: lang.T("estimated", "추정액"),
	Awarded: lang.T("awarded", "결정액"), Paid: lang.T("paid", "지급액"),
}

// Name is the measure in words.
func (m Measure) Name() lang.Text { return measureNames[m] }

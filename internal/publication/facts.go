package publication

import (
	"math/bits"
	"time"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
)

// StatisticsFormat is the format of statistics that this code writes.
const StatisticsFormat = "redress-statistics/1"

// Everyone is the group of all claims, whatever their sector.
const Everyone = "everyone"

// The tables of counts, and the codes that totals and shares are made from.
const (
	TableSubmitted    = "submitted"     // claims, by channel
	TableUnsubmitted  = "unsubmitted"   // forms that never became claims, by what became of them
	TableFurtherForms = "further_forms" // forms beyond their claimant's first
	TableDecisions    = "decisions"     // that stand or stood, by verdict, maker and reason
	TableDates        = "decision_dates"
	TableAppeals      = "appeals" // that ended
	TableReviews      = "reviews" // second looks that ended

	FirstDecision = "first" // and in_time or late
	LateDecision  = "first:late"

	DecidedAppeal    = "decided" // and upheld or overturned with what was wrong
	OverturnedAppeal = "decided:overturned"

	OverturnedReview = "overturned"
)

// Facts are the true counts, durations and records of an incident at one moment.
// They hold nothing that the tables of a release count (claims by service, sector,
// region, month or status), nor what such a count could be computed from: a figure
// here would tell more of a figure that is withheld there. So appeals that are open
// are not counted, and what is told by sector is told without counts. What remains
// between the two are inequalities: a claim that is decided has a decision.
type Facts struct {
	Incident  string
	At        time.Time
	Salt      string                      // random: the hash of statistics is in the log before they are published, if ever
	Counts    map[string]map[string]int64 // by table and code
	Durations []Duration
	Reliances []Reliance
	Placebos  []Placebos
}

// Statistics are what the public is told of an incident beside its totals, at the
// moment of a snapshot. Nothing in them is exact but percentiles of days and
// percentages of many.
type Statistics struct {
	Format      string        `json:"format"`
	Incident    string        `json:"incident"`
	At          string        `json:"at"`   // RFC 3339, UTC
	Salt        string        `json:"salt"` // without it nobody finds by guessing what a hash is of
	Rule        RuleRef       `json:"rule"`
	Totals      []CountRow    `json:"totals"` // computed from the tables
	Tables      []CountTable  `json:"tables"`
	Shares      []Share       `json:"shares"` // computed from the tables
	Stages      []Percentiles `json:"stages"`
	Dependence  []Dependence  `json:"dependence"`
	Calibration []Calibration `json:"calibration"`
	Definitions []Definition  `json:"definitions"`
}

// Share is a part of a hundred, as bounds that follow from published figures.
type Share struct {
	Code    string `json:"code"`
	Percent *Range `json:"percent"` // missing where the whole may be 0
}

// Reliance is which share of one claimant's revenue goes through the services that
// failed.
type Reliance struct {
	Group       string
	BasisPoints int64       // 0..10000
	Expected    money.Minor // through these services in the outage; 0 where unknown
}

// Dependence is the share of revenue that goes through the services that failed, in
// percent, rounded down.
type Dependence struct {
	Group string `json:"group"`
	// Weighted is of the revenue of all claimants together, in the time of the outage;
	// missing where they are few or few of them make up nearly all of it.
	Weighted *int64 `json:"weighted_percent"`
	// Median is of the claimants; missing where fewer than the minimum count lie on
	// either side of it.
	Median *int64 `json:"median_percent"`
}

// Summarise makes the statistics. The same facts under the same rule give the same
// statistics.
func (r Rule) Summarise(f Facts) (Statistics, error) {
	out := Statistics{
		Format: StatisticsFormat, Incident: f.Incident, At: f.At.UTC().Format(time.RFC3339Nano), Salt: f.Salt,
		Rule: RuleRef{r.ID, r.Version, r.Hash(), r.Text()}, Tables: []CountTable{}, Definitions: statisticsDefinitions(),
	}
	for _, name := range sortedNames(f.Counts) {
		table, err := r.tabulate(name, f.Counts[name])
		if err != nil {
			return Statistics{}, err
		}
		out.Tables = append(out.Tables, table)
	}
	received := out.table(TableSubmitted).Total.span().plus(out.table(TableUnsubmitted).Total.span())
	out.Totals = []CountRow{
		{"claimants", received.minus(out.table(TableFurtherForms).Total.span()).figure()},
		{"received", received.figure()},
	}
	dates, appeals, reviews := out.table(TableDates), out.table(TableAppeals), out.table(TableReviews)
	out.Shares = []Share{
		{"late_decisions", shareOf(dates.row(LateDecision), dates.row(FirstDecision))},
		{"overturned_appeals", shareOf(appeals.row(OverturnedAppeal), appeals.row(DecidedAppeal))},
		{"overturned_reviews", shareOf(reviews.row(OverturnedReview), reviews.Total.span())},
	}
	var err error
	if out.Stages, err = DurationPercentiles(f.Durations, r); err != nil {
		return Statistics{}, err
	}
	if out.Dependence, err = DependenceOf(f.Reliances, r); err != nil {
		return Statistics{}, err
	}
	out.Calibration, err = CalibrationOf(f.Placebos, r)
	return out, err
}

// JSON is the statistics as the bytes that are published and hashed.
func (s Statistics) JSON() ([]byte, error) { return canonical(s) }

// table finds a table; one without a count of anything is a total of 0 exactly.
func (s Statistics) table(name string) CountTable {
	for _, t := range s.Tables {
		if t.Table == name {
			return t
		}
	}
	return CountTable{Total: Figure{0, 1}}
}

func shareOf(part, whole span) *Range {
	if whole.low <= 0 {
		return nil
	}
	return &Range{Low: percentDown(part.low, whole.high), High: min(100, (part.high*100+whole.low-1)/whole.low)}
}

// DependenceOf computes the dependence of each group, in their order.
func DependenceOf(rows []Reliance, rule Rule) ([]Dependence, error) {
	medians := map[string]*spread{}
	wholes, through := map[string]*group{}, map[string]int64{}
	for _, row := range rows {
		if row.BasisPoints < 0 || row.BasisPoints > wholeShare || row.Expected < 0 || row.Expected > money.Max {
			return nil, fault.New(fault.Invalid, "reliance", "A share of %d basis points of %d is neither; 0 to %d of 0 to %d is right.",
				"%[2]d 가운데 %[1]d베이시스포인트라고 합니다. 0~%[4]d 가운데 0~%[3]d이어야 합니다.", row.BasisPoints, int64(row.Expected), wholeShare, int64(money.Max))
		}
		if medians[row.Group] == nil {
			medians[row.Group], wholes[row.Group] = &spread{}, &group{}
		}
		medians[row.Group].add(row.BasisPoints*100/wholeShare, 1)
		if whole, ok := row.whole(); ok {
			wholes[row.Group].add(whole)
			through[row.Group] += int64(row.Expected)
		}
	}
	out := []Dependence{}
	for _, name := range sortedNames(medians) {
		d := Dependence{Group: name, Median: rule.percentile(medians[name], 50)}
		if g := *wholes[name]; g.n > 0 && rule.safe(g, everything) {
			high, low := bits.Mul64(uint64(through[name]), 100)
			percent, _ := bits.Div64(high, low, uint64(g.sum))
			weighted := int64(percent)
			d.Weighted = &weighted
		}
		out = append(out, d)
	}
	return out, nil
}

// wholeShare is everything, in basis points.
const wholeShare = 10_000

// heaviest keeps the sum over a million claimants within 63 bits; who earns more in
// an outage would outweigh all others.
const heaviest = 1 << 42

// whole is the claimant's revenue through all channels; not ok where it is not
// known.
func (row Reliance) whole() (amount int64, ok bool) {
	if row.BasisPoints == 0 || row.Expected == 0 || row.Expected > heaviest {
		return 0, false
	}
	amount = int64(row.Expected) * wholeShare / row.BasisPoints
	return amount, amount <= heaviest
}

// statisticsDefinitions are the words of all statistics.
func statisticsDefinitions() []Definition {
	return []Definition{
		{"value", lang.T("The least that the true count can be.", "참값이 될 수 있는 가장 작은 건수.")},
		{"step", lang.T("The true count is at least value and below value + step. Rows are told as differences of rounded sums, so that nothing can be got by subtraction.",
			"참값은 value 이상, value + step 미만입니다. 빼어 알아낼 수 없도록, 각 행은 내림한 누계의 차이로 나타냅니다.")},
		{"received", lang.T("All forms ever begun: those submitted and those that were not.", "작성이 시작된 모든 청구서. 제출한 것과 제출하지 않은 것을 더합니다.")},
		{"claimants", lang.T("People and businesses with at least one form.", "청구서를 한 건 이상 작성한 청구인 수.")},
		{TableSubmitted, lang.T("Claims that were submitted, each once, withdrawn ones too, by how they came in. How they stand by status is in the release.",
			"제출된 청구(철회 포함)를 접수 경로별로 한 번씩 센 것. 상태별 건수는 공개 통계표에 있습니다.")},
		{TableUnsubmitted, lang.T("Forms that were never submitted: abandoned (unchanged for 14 days, or the filing period is over), withdrawn, or still being written.",
			"제출되지 않은 청구서. abandoned는 14일 동안 고치지 않았거나 접수 기간이 끝난 것, withdrawn은 철회한 것, writing은 작성 중인 것입니다.")},
		{TableFurtherForms, lang.T("Forms of claimants who had begun one before.", "이미 다른 청구서를 작성한 청구인의 청구서.")},
		{TableDecisions, lang.T("Decisions that stand or stood until another replaced them, by verdict, by whether the service (automatic) or a person made them, and by reason as the catalogue of reasons has it.",
			"확정되었거나 다른 결정으로 바뀌기 전까지 확정되어 있던 결정을 결과, 자동(automatic) 또는 담당자(person), 사유 목록의 사유 코드별로 센 것.")},
		{TableDates, lang.T("The same decisions by date: a claim's first one in time or later than the date promised at submission, and later ones, for which no date was promised. Time in which the claimant was asked for information is not taken off.",
			"같은 결정을 기한별로 센 것. first는 청구의 첫 결정으로 제출할 때 약속한 날을 지켰거나(in_time) 넘긴(late) 것이고, later는 약속한 날이 없는 이후의 결정입니다. 자료 요청 기간은 빼지 않습니다.")},
		{TableAppeals, lang.T("Appeals that ended: withdrawn, or decided with the decision upheld or overturned and what was wrong with it. Appeals that are open are in the release as a status.",
			"끝난 이의신청. withdrawn은 취하, upheld는 결정 유지, overturned는 결정 변경과 그 오류 코드입니다. 진행 중인 이의신청은 공개 통계표의 상태에 있습니다.")},
		{TableReviews, lang.T("Decisions drawn for quality review that somebody else looked at again: agreed or overturned, and what was wrong.",
			"품질 점검 표본으로 뽑혀 다른 사람이 다시 본 결정. agreed는 같은 판단, overturned는 다른 판단과 그 오류 코드입니다.")},
		{"late_decisions", lang.T("Of the first decisions, how many in a hundred came after the promised date.", "첫 결정 가운데 약속한 날을 넘긴 비율(%).")},
		{"overturned_appeals", lang.T("Of the appeals decided, how many in a hundred changed the decision.", "결정된 이의신청 가운데 처음 결정이 바뀐 비율(%).")},
		{"overturned_reviews", lang.T("Of the quality reviews, how many in a hundred found the decision wrong.", "품질 점검에서 결정이 잘못되었다고 본 비율(%).")},
		{"stages", lang.T("Days, each begun day as one, that claims spent in a status that they have left; first_decision is from submission to the first decision. pN is the number of days that N in a hundred claims did not exceed.",
			"청구가 이미 벗어난 상태에 머문 날수(시작한 날은 하루로 셈). first_decision은 제출부터 첫 결정까지입니다. pN은 청구 100건 가운데 N건이 넘지 않은 날수입니다.")},
		{"dependence", lang.T("Which share of a claimant's revenue goes through the services that failed, where the claimant states it or a year of history shows it: of all revenue together (weighted), and of the claimant in the middle (median).",
			"장애가 난 서비스를 거치는 매출의 비중. 청구인이 적었거나 1년치 이력으로 알 수 있는 경우입니다. weighted는 매출 전체, median은 가운데 청구인의 비중입니다.")},
		{"calibration", lang.T("In how many of a hundred ordinary past windows the estimator's 90 % interval held what was really earned; 90 is right.",
			"장애가 없던 과거 구간 100개 가운데 추정의 90% 구간이 실제 매출을 포함한 비율(%). 90이면 맞습니다.")},
		{Everyone, lang.T("All sectors together.", "모든 업종.")},
	}
}

package scheme

// stage is one step of a scheme: the struct is its language, check refuses what
// must not be posted, apply does it.
type stage interface {
	check(c *checker, pointer string)
	apply(e *evaluation)
}

// timed is a stage that names a time of the incident, which must share a minute
// with it: JSON pointers below the stage, and their spans.
type timed interface {
	times() map[string]Between
}

// role says what a stage does to the money, so that a scheme whose stages do
// not fit together is refused.
type role int

const (
	gates      role = iota // decides whether or for which minutes there is anything to pay
	shapesLoss             // turns the loss into a smaller or larger loss
	paysLoss               // turns the loss into an amount
	paysOther              // pays something that is not the loss
	limits                 // changes the amount as a whole
)

// stageKind is one row of the pipeline.
type stageKind struct {
	name string // key in the file and stage in the trace
	doc  string
	role role
	make func() stage
}

// placedStage is a stage of one scheme.
type placedStage struct {
	stageKind
	stage
	read bool // every value of it could be read, so that it can be checked
}

// pipeline is every stage there is, in the order in which they run. A new stage
// is a row here and a file of its own.
var pipeline = []stageKind{
	{"eligibility", "Who may be paid at all.", gates, func() stage { return new(eligibility) }},
	{"compensable_window", "Which minutes of the outage count.", gates, func() stage { return new(compensableWindow) }},
	{"minimum_duration", "How long an outage must be to count.", gates, func() stage { return new(minimumDuration) }},
	{"waiting_period", "The first minutes of an outage, which do not count.", gates, func() stage { return new(waitingPeriod) }},
	{"baseline", "What the loss is measured from.", shapesLoss, func() stage { return new(baselineRule) }},
	{"causation", "Whether the outage caused the loss.", shapesLoss, func() stage { return new(causation) }},
	{"make_up", "Revenue deferred and earned after restoration.", shapesLoss, func() stage { return new(makeUp) }},
	{"attribution", "How much of the loss is the platform's.", shapesLoss, func() stage { return new(attribution) }},
	{"margin", "How much of lost revenue would have been kept.", shapesLoss, func() stage { return new(margin) }},
	{"costs", "What the outage made the claimant spend or save.", shapesLoss, func() stage { return new(costs) }},
	{"rate", "The part of the loss that is compensated.", shapesLoss, func() stage { return new(rate) }},
	{"multiplier", "A premium on top of the loss.", shapesLoss, func() stage { return new(multiplier) }},
	{"tiers", "Fixed amounts by size of loss.", paysLoss, func() stage { return new(lossTiers) }},
	{"loss_payment", "The loss itself.", paysLoss, func() stage { return new(lossPayment) }},
	{"duration_tiers", "Fixed amounts by length of outage.", paysOther, func() stage { return new(durationTiers) }},
	{"duration_amounts", "An amount for each day or hour of outage.", paysOther, func() stage { return new(durationAmounts) }},
	{"subscriptions", "Refunds of subscription fees.", paysOther, func() stage { return new(subscriptions) }},
	{"service_credits", "Shares of a subscription fee by monthly uptime.", paysOther, func() stage { return new(serviceCredits) }},
	{"fee_waivers", "Commission given back on earned fares or sales.", paysOther, func() stage { return new(feeWaivers) }},
	{"reimbursed_orders", "Prices of identified orders.", paysOther, func() stage { return new(reimbursedOrders) }},
	{"flat_amounts", "Fixed amounts for taking part.", paysOther, func() stage { return new(flatAmounts) }},
	{"platform_multiple", "A multiple of a mean from the platform's books.", paysOther, func() stage { return new(platformMultiple) }},
	{"limits", "Floor, cap and smallest payable amount.", limits, func() stage { return new(amountLimits) }},
	{"offsets", "Prior payments that are deducted.", limits, func() stage { return new(offsets) }},
	{"rounding", "The last rounding.", limits, func() stage { return new(lastRounding) }},
}

func stageNamed(name string) (stageKind, bool) {
	for _, kind := range pipeline {
		if kind.name == name {
			return kind, true
		}
	}
	return stageKind{}, false
}

// Stages lists the names of all stages in the order in which they run.
func Stages() []string {
	names := make([]string, len(pipeline))
	for i, kind := range pipeline {
		names[i] = kind.name
	}
	return names
}

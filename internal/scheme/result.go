package scheme

import (
	"math/big"
	"strconv"

	"redress/internal/lang"
	"redress/internal/money"
)

// Outcome is what a scheme says of a claim.
type Outcome string

// The outcomes, the strongest first: one part that needs review makes the whole
// claim a review.
const (
	Review      Outcome = "review"       // a person decides a part; Amount is what is due whatever they decide
	CannotTell  Outcome = "cannot_tell"  // the history carries no answer for a part; Amount is what is due without it
	Pays        Outcome = "pays"         // Amount is due, and is above 0
	NotEligible Outcome = "not_eligible" // nothing is due
)

// Result is the answer to one claim. Its JSON is canonical: the same scheme and
// facts give the same bytes.
type Result struct {
	SchemeID string  `json:"scheme_id"`
	Version  int     `json:"version"`
	Outcome  Outcome `json:"outcome"`
	// Amount is what is due, in minor units of Currency, never below 0. While the
	// outcome is review or cannot_tell it holds only the parts that do not wait
	// for the answer, such as a subscription refund; floor and smallest payable
	// amount wait with it.
	Amount   money.Minor `json:"amount"`
	Currency string      `json:"currency"`
	Payout   Payout      `json:"payout"`
	Reasons  []Reason    `json:"reasons"` // why it is not simply paid; empty when the outcome is pays
	Trace    []Line      `json:"trace"`   // in the order of evaluation
}

// Reason says why a claim, or a part of it, is not simply paid.
type Reason struct {
	Code string    `json:"code"` // stable, snake_case
	Text lang.Text `json:"text"`
}

// Line is one step of the evaluation. The contributions of all lines sum to the
// result's amount.
type Line struct {
	Stage        string      `json:"stage"`             // the stage's name in the scheme
	Service      string      `json:"service,omitempty"` // empty where the step is about the claim
	Inputs       []Value     `json:"inputs"`
	Rule         lang.Text   `json:"rule"`
	Output       Value       `json:"output"`
	Contribution money.Minor `json:"contribution"` // what the step adds to the amount; below 0 for a deduction
}

// Value is a named value of a step: an exact number (decimal where it ends, else
// a fraction such as 234000/31), in minor units if it is money, or a word.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func amountValue(name string, a money.Minor) Value {
	return Value{Name: name, Value: strconv.FormatInt(int64(a), 10)}
}

func countValue(name string, n int64) Value {
	return Value{Name: name, Value: strconv.FormatInt(n, 10)}
}

func exactValue(name string, r *big.Rat) Value { return Value{Name: name, Value: exact(r)} }

// exact writes a rational as a decimal where it ends within 12 places, else as
// a fraction.
func exact(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	if places, ends := r.FloatPrec(); ends && places <= 12 {
		return r.FloatString(places)
	}
	return r.String()
}

// Package letter writes what a claimant is told of a decision: in Korean and in
// English, as plain text and as a PDF that carries its own fonts. Plain functions
// on plain data: the same letter gives the same bytes.
//
// A Letter becomes a list of blocks in both languages; each of the two forms is
// a walk over that list, so that neither can say what the other does not.
package letter

import (
	"errors"
	"fmt"
	"time"

	"redress/internal/lang"
	"redress/internal/money"
)

// Kind says which decision the letter tells of.
type Kind string

// The kinds.
const (
	Decision  Kind = "decision"
	Amended   Kind = "amended_decision"   // replaces an earlier decision on the claim
	OnAppeal  Kind = "appeal_decision"    // answers an appeal
	Automatic Kind = "automatic_decision" // made without a person taking part
)

// Outcome is what was decided.
type Outcome string

// The outcomes. Rejected is about the form, Refused about the loss itself.
const (
	Approved       Outcome = "approved"
	PartlyApproved Outcome = "partly_approved"
	Refused        Outcome = "refused"  // on the merits
	Rejected       Outcome = "rejected" // can be put right and sent again
)

// Letter is everything that a letter says. Of a time.Time it shows the day in
// that time's own location; the PDF's dates are the instant of Date in its zone. Strings are taken as they are, in whatever language:
// control characters are dropped, and where the font cannot draw something the PDF
// shows □ and says so.
type Letter struct {
	Kind    Kind
	Outcome Outcome
	Date    time.Time // of the decision

	Reference string // of the claim, R-7K3M-9Q2X-4HTN
	Number    int    // of the decision in the claim's record, where proposals count too; 0 for none
	Recipient string // the name, masked or not, as it is to be shown
	Driver    bool   // the recipient drives: the outlet is a vehicle or an account
	Outlet    string // its name; empty where the claim names none
	Platform  string
	Incident  lang.Text

	Currency money.Currency
	Chain    Chain
	Account  bool      // the claimant gave an account to pay to
	PayBy    time.Time // when payment is expected; zero where no day is set

	Earlier *Earlier // the decision that stood before; needed where one is replaced or appealed against

	Reason      Reason
	Note        Note
	Explanation []lang.Text // what the estimator and the scheme say, line by line; days in it may be written 2022-10-15
	Evidence    []lang.Text // what was considered

	Correction *Correction // exactly when the outcome is rejected
	Appeal     *Appeal     // nil where there is none
	Automation *Automation // exactly when the kind is automatic

	Scheme       Scheme
	Model        string // that estimated
	EstimateHash string // SHA-256 in hexadecimal; empty where there is no estimate
	Contact      lang.Text
}

// Chain is how the amount came about, in minor units of the letter's currency.
type Chain struct {
	Claimed   money.Minor  // 0 where no amount was itemised
	Estimated *Estimate    // nil where the history carries no answer, or ToPerson
	ToPerson  bool         // the scheme leaves the amount to a person
	Assessed  *money.Minor // nil where nothing was assessed
	Awarded   money.Minor  // above 0 exactly when approved or partly approved
}

// Estimate is the estimated amount and the range it lies in.
type Estimate struct {
	Amount       money.Minor
	Low, High    money.Minor
	LevelPercent int // probability of the range; 0 where there is no range
}

// Earlier is a decision on the same claim that stood until this one.
type Earlier struct {
	Date    time.Time
	Outcome Outcome
	Awarded money.Minor
}

// Reason is the entry of the catalogue of reasons that decided.
type Reason struct {
	Title       lang.Text
	Explanation lang.Text
}

// Note is what the person who decided wrote, in the one language they wrote in.
type Note struct {
	Text     string // may have several lines; empty for no note
	Language lang.Tag
}

// Correction says how a rejected claim can be put right.
type Correction struct {
	Items []lang.Text // what to correct or add, at least one
	How   lang.Text   // how to send it again
	Until time.Time   // last day; zero where there is none
}

// Appeal says until when and how the claimant may appeal, once.
type Appeal struct {
	Until time.Time // last day
	How   lang.Text
}

// Automation is what must be told of a decision that no person took part in.
type Automation struct {
	Criteria []lang.Text // that decided, at least one
	How      lang.Text   // how to ask for an explanation or for a person
}

// Scheme is the version of the rules that the decision stands on.
type Scheme struct {
	ID      string
	Version int
	Hash    string // SHA-256 in hexadecimal
}

// Text writes the letter as plain text, Korean first, then English. It fails for
// a letter that contradicts itself or leaves out what it must say.
func Text(l Letter) (string, error) {
	blocks, err := compose(l)
	if err != nil {
		return "", err
	}
	return plain(blocks), nil
}

// PDF writes the letter as a PDF of A4 pages, Korean first, then English. It
// fails as Text does.
func PDF(l Letter) ([]byte, error) {
	blocks, err := compose(l)
	if err != nil {
		return nil, err
	}
	return draw(l, blocks)
}

// check finds what would make the letter wrong or useless to its reader.
func check(l Letter) error {
	pays := l.Outcome == Approved || l.Outcome == PartlyApproved
	for _, rule := range []struct {
		broken bool
		want   string
	}{
		{kinds[l.Kind] == kindWords{}, fmt.Sprintf("kind %q is not one of decision, amended_decision, appeal_decision, automatic_decision", l.Kind)},
		{outcomes[l.Outcome] == outcomeWords{}, fmt.Sprintf("outcome %q is not one of approved, partly_approved, refused, rejected", l.Outcome)},
		{l.Date.IsZero(), "the date must be set"},
		{tidy(l.Reference) == "", "the reference must be set"},
		{tidy(l.Recipient) == "", "the recipient must be set"},
		{tidy(l.Scheme.ID) == "" || tidy(l.Scheme.Hash) == "", "the scheme and its hash must be set"},
		{(tidy(l.Model) == "") != (tidy(l.EstimateHash) == ""), "the model and the hash of the estimate must be set together"},
		{pays != (l.Chain.Awarded > 0), fmt.Sprintf("%d awarded does not go with the outcome %s", l.Chain.Awarded, l.Outcome)},
		{l.mayFollowAppeal() && l.Earlier == nil, "the decision that is replaced or appealed against must be named"},
		{l.Earlier != nil && (l.Earlier.Date.IsZero() || outcomes[l.Earlier.Outcome] == outcomeWords{}), "the earlier decision must have a date and an outcome"},
		{(l.Outcome == Rejected) != (l.Correction != nil), "what to correct must be said exactly when the outcome is rejected"},
		{l.Correction != nil && len(l.Correction.Items) == 0, "a correction must name at least one thing to correct"},
		{(l.Kind == Automatic) != (l.Automation != nil), "criteria must be said exactly when the decision is automatic"},
		{l.Automation != nil && len(l.Automation.Criteria) == 0, "an automatic decision must name at least one criterion"},
		{l.mustOfferAppeal() && l.Appeal == nil, "how to appeal must be said where less than all is awarded"},
		{l.Appeal != nil && l.Appeal.Until.IsZero(), "the last day of the appeal must be set"},
		{l.Note.Text != "" && languages[l.Note.Language] == lang.Text{}, "the language of the note must be ko or en"},
	} {
		if rule.broken {
			return errors.New("letter " + l.Reference + ": " + rule.want)
		}
	}
	return nil
}

// mustOfferAppeal says whether the claimant has to be told how to appeal: of less
// than was asked for, unless the one appeal may have been used, or the claim can
// simply be sent again.
func (l Letter) mustOfferAppeal() bool {
	return !l.mayFollowAppeal() && (l.Outcome == PartlyApproved || l.Outcome == Refused)
}

// mayFollowAppeal says whether the one appeal may have been used before the
// decision: it answers that appeal, or amends what answered it.
func (l Letter) mayFollowAppeal() bool { return l.Kind == OnAppeal || l.Kind == Amended }

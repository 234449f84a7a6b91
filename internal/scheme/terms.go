package scheme

import (
	"reflect"

	"redress/internal/fault"
	"redress/internal/money"
)

// ReviewTier is the code of the reason that the size of a loss leaves its tier to
// a person.
const ReviewTier = "review_tier"

// FixedTier is the smallest amount that the scheme's tiers of loss pay without a
// person's review; false when it has none that is for this claim.
func (s *Scheme) FixedTier(f Facts) (money.Minor, bool) {
	e := &evaluation{scheme: s, facts: &f}
	for _, st := range s.stages {
		tiers, ok := st.stage.(*lossTiers)
		if !ok || tiers.When.refusal(e) != nil {
			continue
		}
		var least money.Minor
		for _, t := range tiers.Tiers {
			if t.Pay != nil && *t.Pay > 0 && (least == 0 || t.Pay.minor() < least) {
				least = t.Pay.minor()
			}
		}
		return least, least > 0
	}
	return 0, false
}

// Cap is the most that the scheme pays on one claim; false when it has no cap.
func (s *Scheme) Cap() (money.Minor, bool) {
	for _, st := range s.stages {
		if limits, ok := st.stage.(*amountLimits); ok && limits.Cap != nil {
			return limits.Cap.minor(), true
		}
	}
	return 0, false
}

// Decode fills a struct from a JSON document as strictly as Parse reads a
// scheme: every field without omitempty must be there, none may be there twice or
// besides them, numbers are whole, and every problem is named by its pointer.
func Decode(data []byte, into any) error {
	n, err := readNode(data)
	if err != nil {
		return err
	}
	d := &decoder{}
	d.decode(n, "", reflect.ValueOf(into).Elem())
	return fault.InvalidFields(d.fields)
}

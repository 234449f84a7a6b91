package scheme

import (
	"fmt"
	"slices"

	"redress/internal/lang"
)

// when restricts a rule to some claims. What is absent restricts nothing; all
// that is present must hold.
type when struct {
	ClaimantKinds []ClaimantKind `json:"claimant_kinds,omitempty" doc:"The claimant is one of these."`
	Sectors       []Sector       `json:"sectors,omitempty" doc:"The claimant's sector is one of these."`
	Regions       []string       `json:"regions,omitempty" doc:"The claimant's region is one of these."`
	Conditions    []Name         `json:"conditions,omitempty" doc:"All of these conditions hold."`
	Without       []Name         `json:"without,omitempty" doc:"None of these conditions holds."`
}

func (w *when) check(c *checker, pointer string) {
	if w == nil {
		return
	}
	distinct(c, pointer+"/claimant_kinds", "duplicate_value", w.ClaimantKinds)
	distinct(c, pointer+"/sectors", "duplicate_value", w.Sectors)
	distinct(c, pointer+"/regions", "duplicate_value", w.Regions)
	distinct(c, pointer+"/conditions", "duplicate_value", w.Conditions)
	distinct(c, pointer+"/without", "duplicate_value", w.Without)
	c.declared(pointer+"/conditions", w.Conditions)
	c.declared(pointer+"/without", w.Without)
	for i, name := range w.Without {
		if slices.Contains(w.Conditions, name) {
			c.fail(fmt.Sprintf("%s/without/%d", pointer, i), "contradictory", "%s is both demanded and forbidden; no claim can meet that.",
				"%s을(를) 요구하면서 금지합니다. 어떤 청구도 충족할 수 없습니다.", string(name))
		}
	}
}

// refusal is the first restriction that the claim does not meet.
func (w *when) refusal(e *evaluation) *Reason {
	if w == nil {
		return nil
	}
	f := e.facts
	switch {
	case len(w.ClaimantKinds) > 0 && !slices.Contains(w.ClaimantKinds, f.ClaimantKind):
		return &Reason{"claimant_kind", lang.F("The rule is not for a %s.", "이 규칙의 대상이 아닌 청구인입니다(%s).", f.ClaimantKind.text())}
	case len(w.Sectors) > 0 && !slices.Contains(w.Sectors, f.Sector):
		return &Reason{"sector", lang.F("The rule is not for the sector %s.", "이 규칙의 대상이 아닌 업종입니다(%s).", f.Sector.Name())}
	case len(w.Regions) > 0 && !slices.Contains(w.Regions, f.Region):
		return &Reason{"region", lang.F("The rule is not for the region %q.", "이 규칙의 대상이 아닌 지역입니다(%q).", f.Region)}
	}
	for _, name := range w.Conditions {
		if !e.holds(name) {
			return &Reason{"condition_not_met", lang.F("This does not hold: %s", "다음이 성립하지 않습니다: %s", e.scheme.Conditions[name].text())}
		}
	}
	for _, name := range w.Without {
		if e.holds(name) {
			return &Reason{"condition_excludes", lang.F("This holds and excludes it: %s", "다음에 해당하여 제외됩니다: %s", e.scheme.Conditions[name].text())}
		}
	}
	return nil
}

// notFor notes that the running stage is not for this claim.
func (e *evaluation) notFor(w *when) bool {
	refusal := w.refusal(e)
	if refusal == nil {
		return false
	}
	e.note("", refusal.Text, amountValue("amount", 0))
	e.paysNothing(refusal.Code, refusal.Text)
	return true
}

// eligibility decides whether a claim may be paid at all.
type eligibility struct {
	when
	AnnualRevenue []revenueLimit `json:"annual_revenue,omitempty" doc:"Size limits; the first row whose sectors fit applies. An unknown revenue goes to review."`
	Headcount     *int           `json:"headcount_at_most,omitempty" doc:"Full-time posts at most. An unknown headcount goes to review."`
}

type revenueLimit struct {
	Sectors []Sector `json:"sectors,omitempty" doc:"Sectors of this row; absent: all, and the row is the last."`
	Below   *Amount  `json:"below,omitempty" doc:"Annual revenue must be below this."`
	AtMost  *Amount  `json:"at_most,omitempty" doc:"Annual revenue must not exceed this."`
}

func (l eligibility) check(c *checker, pointer string) {
	l.when.check(c, pointer)
	for i, row := range l.AnnualRevenue {
		at := fmt.Sprintf("%s/annual_revenue/%d", pointer, i)
		c.exactlyOne(at, "below", row.Below != nil, "at_most", row.AtMost != nil)
		last := i == len(l.AnnualRevenue)-1
		if last && row.Sectors != nil {
			c.fail(at+"/sectors", "no_outcome", "the last row must fit every other sector; leave sectors out of it.", "마지막 행은 나머지 모든 업종에 적용되어야 합니다. sectors를 빼십시오.")
		}
		if !last && row.Sectors == nil {
			c.fail(at, "unreachable", "fits every sector, so the rows after it are never read; put it last.", "모든 업종에 적용되어 다음 행이 쓰이지 않습니다. 마지막에 두십시오.")
		}
	}
}

func (l eligibility) apply(e *evaluation) {
	inputs := []Value{{"claimant_kind", string(e.facts.ClaimantKind)}, {"sector", string(e.facts.Sector)}}
	rule := lang.T("The claim meets the conditions of the scheme.", "보상 기준의 요건을 충족합니다.")
	outcome := "eligible"
	refusal, unknown := l.refusal(e), l.unknown(e)
	if refusal == nil {
		refusal = l.tooLarge(e)
	}
	switch {
	case refusal != nil:
		outcome, rule, e.stopped = "not_eligible", refusal.Text, true
		e.paysNothing(refusal.Code, refusal.Text)
	case unknown != nil:
		outcome, rule, e.stopped = "review", unknown.Text, true
		e.needsReview(unknown.Code, unknown.Text)
	}
	e.note("", rule, Value{"eligibility", outcome}, inputs...)
}

// limitFor is the row for the claim's sector, nil when no size is limited.
func (l eligibility) limitFor(sector Sector) *revenueLimit {
	for i, row := range l.AnnualRevenue {
		if row.Sectors == nil || slices.Contains(row.Sectors, sector) {
			return &l.AnnualRevenue[i]
		}
	}
	return nil
}

func (l eligibility) unknown(e *evaluation) *Reason {
	if l.limitFor(e.facts.Sector) != nil && e.facts.AnnualRevenue == nil {
		return &Reason{"annual_revenue_unknown", lang.T("The scheme limits annual revenue, which is not known.", "연매출 제한이 있으나 연매출을 알 수 없습니다.")}
	}
	if l.Headcount != nil && e.facts.Headcount == nil {
		return &Reason{"headcount_unknown", lang.T("The scheme limits headcount, which is not known.", "종업원 수 제한이 있으나 종업원 수를 알 수 없습니다.")}
	}
	return nil
}

func (l eligibility) tooLarge(e *evaluation) *Reason {
	if row, annual := l.limitFor(e.facts.Sector), e.facts.AnnualRevenue; row != nil && annual != nil {
		if row.Below != nil && *annual >= row.Below.minor() {
			return &Reason{"annual_revenue", lang.F("Annual revenue must be below %s.", "연매출이 %s 미만이어야 합니다.", e.amount(row.Below.minor()))}
		}
		if row.AtMost != nil && *annual > row.AtMost.minor() {
			return &Reason{"annual_revenue", lang.F("Annual revenue must be at most %s.", "연매출이 %s 이하여야 합니다.", e.amount(row.AtMost.minor()))}
		}
	}
	if l.Headcount != nil && e.facts.Headcount != nil && *e.facts.Headcount > *l.Headcount {
		return &Reason{"headcount", lang.F("Headcount must be at most %d.", "종업원 수가 %d명 이하여야 합니다.", *l.Headcount)}
	}
	return nil
}

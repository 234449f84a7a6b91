package letter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"redress/internal/lang"
	"redress/internal/money"
)

// style is what a block is to its reader; each form knows how to show it.
type style int

const (
	sender    style = iota
	title           // of the letter
	fact            // text and value: whom and what the letter is about
	verdict         // text and value: what was decided, in a word or an amount
	heading         // of a section
	strong          // a paragraph that stands out
	paragraph       //
	item            // of a list
	quote           // somebody's own words
	amount          // text, value and note: a line of the chain
	total           // the last line of the chain
	trace           // text and value: what the decision can be checked by
)

// block is one piece of a letter in both languages.
type block struct {
	style style
	text  lang.Text
	value lang.Text // beside the text, in the styles that have one
	note  lang.Text // under the text; only in amounts, and may be empty
}

// composer gathers the blocks of a letter.
type composer struct {
	letter Letter
	blocks []block
}

func (c *composer) add(s style, texts ...lang.Text) {
	for _, t := range texts {
		c.blocks = append(c.blocks, block{style: s, text: clean(t)})
	}
}

// pair adds a text with a value, unless the value is empty.
func (c *composer) pair(s style, text, value lang.Text) {
	if value = clean(value); value != (lang.Text{}) {
		c.blocks = append(c.blocks, block{style: s, text: text, value: value})
	}
}

// compose is the letter as blocks, in the order in which it is read.
func compose(l Letter) ([]block, error) {
	if err := check(l); err != nil {
		return nil, err
	}
	c := composer{letter: l}
	c.opening()
	c.chain()
	c.reason()
	c.payment()
	c.correction()
	c.appeal()
	c.automation()
	c.explanation()
	c.list(lang.T("Evidence considered", "검토한 자료"), l.Evidence)
	c.closing()
	for _, b := range c.blocks {
		if b.text.KO == "" || b.text.EN == "" || (b.value.KO == "") != (b.value.EN == "") {
			return nil, fmt.Errorf("letter %s: every text must be there in both languages; one reads %+v", l.Reference, b)
		}
	}
	return c.blocks, nil
}

func (c *composer) opening() {
	l, kind, outcome := c.letter, kinds[c.letter.Kind], outcomes[c.letter.Outcome]
	c.add(sender, lang.F("Compensation for the outage of %s", "%s 장애 보상", l.Platform))
	c.add(title, kind.title)
	c.pair(fact, lang.T("To", "받는 분"), lang.F("%s", "%s 귀하", l.Recipient))
	c.pair(fact, lang.T("Claim", "청구 번호"), same(l.Reference))
	outlet := lang.T("Outlet", "매장")
	if l.Driver {
		outlet = lang.T("Vehicle or account", "차량·계정")
	}
	c.pair(fact, outlet, same(l.Outlet))
	c.pair(fact, lang.T("Incident", "장애"), l.Incident)
	c.pair(fact, lang.T("Decided on", "결정일"), day(l.Date))
	value := outcome.value
	if l.Chain.Awarded > 0 {
		value = l.Currency.Text(l.Chain.Awarded)
	}
	c.pair(verdict, outcome.label, value)
	lead := outcome.lead
	if kind.lead != (lang.Text{}) {
		lead = lang.F("%s %s", "%s %s", kind.lead, lead)
	}
	c.add(strong, lead)
	c.compared()
	if e := l.Earlier; e != nil {
		said := outcomes[e.Outcome].value
		if e.Awarded > 0 {
			said = lang.F("%s awarded", "지급 결정 금액 %s", l.Currency.Text(e.Awarded))
		}
		c.add(paragraph, lang.F(kind.earlier.EN, kind.earlier.KO, day(e.Date), said))
	}
}

// compared says how what is awarded relates to what was itemised, and to what the
// verdict measures it by: what the scheme pays or, where that is nothing, what was
// assessed.
func (c *composer) compared() {
	chain := c.letter.Chain
	if chain.Awarded == 0 {
		return
	}
	against := func(other money.Minor, what lang.Text) {
		form := lang.T("What is awarded is exactly %[1]s (%[2]s).", "지급 결정 금액은 %[1]s(%[2]s) 그대로입니다.")
		switch {
		case chain.Awarded < other:
			form = lang.T("What is awarded is less than %[1]s (%[2]s).", "지급 결정 금액은 %[1]s(%[2]s)보다 적습니다.")
		case chain.Awarded > other:
			form = lang.T("What is awarded is more than %[1]s (%[2]s).", "지급 결정 금액은 %[1]s(%[2]s)보다 많습니다.")
		}
		c.add(paragraph, lang.F(form.EN, form.KO, what, c.letter.Currency.Text(other)))
	}
	if chain.Claimed > 0 {
		against(chain.Claimed, lang.T("what you itemised", "항목으로 적으신 금액"))
	}
	switch {
	case chain.Estimated != nil && chain.Estimated.Amount > 0:
		against(chain.Estimated.Amount, lang.T("what the scheme pays on the estimate", "추정에 따라 보상 기준이 지급하는 금액"))
	case chain.Assessed != nil:
		against(*chain.Assessed, lang.T("what was assessed", "심사 금액"))
	}
}

// chain tells how the amount came about: claimed, estimated, assessed, awarded.
func (c *composer) chain() {
	l := c.letter
	c.add(heading, lang.T("How the amount was reached", "금액이 정해진 과정"))
	claimed := l.Currency.Text(l.Chain.Claimed)
	if l.Chain.Claimed == 0 {
		claimed = lang.T("no amount was itemised", "금액을 따로 적지 않음")
	}
	c.pair(amount, lang.T("Claimed (the items you stated)", "청구 금액(항목으로 적으신 것)"), claimed)
	estimated := block{style: amount, text: lang.T("Estimated", "추정 금액"), value: lang.T("could not be estimated", "추정할 수 없음")}
	if l.Chain.ToPerson {
		estimated.value = lang.T("left to a person by the scheme", "보상 기준에 따라 담당자가 정함")
	}
	if e := l.Chain.Estimated; e != nil {
		estimated.value = l.Currency.Text(e.Amount)
		if e.LevelPercent > 0 {
			estimated.note = lang.F("between %s and %s with %d%% probability", "%[3]d%% 확률로 %[1]s에서 %[2]s 사이",
				l.Currency.Text(e.Low), l.Currency.Text(e.High), e.LevelPercent)
		}
	}
	c.blocks = append(c.blocks, estimated)
	assessed, awarded := lang.T("not assessed", "심사하지 않음"), l.Currency.Text(l.Chain.Awarded)
	if l.Chain.Assessed != nil {
		assessed = l.Currency.Text(*l.Chain.Assessed)
	}
	if l.Outcome == Rejected {
		undecided := lang.T("not decided", "정하지 않음")
		assessed, awarded = undecided, undecided
	}
	c.pair(amount, lang.T("Assessed", "심사 금액"), assessed)
	c.pair(total, lang.T("Awarded", "지급 결정 금액"), awarded)
}

func (c *composer) reason() {
	l := c.letter
	c.add(heading, lang.T("Why", "결정 이유"))
	c.add(strong, l.Reason.Title)
	c.add(paragraph, l.Reason.Explanation)
	if lines := paragraphs(l.Note.Text); len(lines) > 0 {
		c.add(heading, lang.F("Note of the person who decided (written in %s)", "결정한 사람의 글(%s로 씀)", languages[l.Note.Language]))
		for _, line := range lines {
			c.add(quote, same(line))
		}
	}
}

func (c *composer) payment() {
	l := c.letter
	if l.Chain.Awarded == 0 {
		return
	}
	c.add(heading, lang.T("Payment", "지급 안내"))
	if !l.Account {
		c.add(paragraph, lang.T("You have given no account that we could pay it to. Add one where you filed the claim, and it will be paid there.",
			"지급받으실 계좌가 없습니다. 청구하신 곳에서 계좌를 등록해 주시면 그 계좌로 지급합니다."))
		return
	}
	if l.PayBy.IsZero() {
		c.add(paragraph, lang.T("It will be paid to the account you gave. The day is not set yet; you will be told as soon as it is.",
			"알려 주신 계좌로 지급합니다. 지급일은 아직 정해지지 않았으며, 정해지는 대로 알려 드리겠습니다."))
		return
	}
	c.add(paragraph, lang.F("We expect to pay it to the account you gave by %s.", "알려 주신 계좌로 %s까지 지급할 예정입니다.", day(l.PayBy)))
}

func (c *composer) correction() {
	fix := c.letter.Correction
	if fix == nil {
		return
	}
	items := fix.Items
	if len(paragraphs(c.letter.Note.Text)) > 0 {
		items = append(slices.Clip(items), lang.T("What the note above names", "위의 ‘결정한 사람의 글’에 적힌 것"))
	}
	c.list(lang.T("What to put right", "고치거나 더하실 것"), items)
	if !fix.Until.IsZero() {
		c.add(strong, lang.F("Please send the claim again by the end of %s.", "%s까지 다시 내 주십시오.", day(fix.Until)))
	}
	c.add(paragraph, fix.How)
}

func (c *composer) appeal() {
	l := c.letter
	if l.Appeal == nil && !l.mayFollowAppeal() {
		return
	}
	c.add(heading, lang.T("If you disagree", "결정에 동의하지 않으시면"))
	if l.Appeal == nil {
		c.add(paragraph, lang.T("The one appeal has been used, so there is no further appeal here. Your right to go to a court or a mediation body is not affected.",
			"한 번의 이의신청을 이미 하셨으므로 여기에서 다시 이의신청을 하실 수는 없습니다. 법원이나 분쟁조정 기관을 이용하실 권리에는 영향이 없습니다."))
		return
	}
	c.add(strong, lang.F("You may appeal once, until the end of %s.", "%s까지 한 번 이의신청을 하실 수 있습니다.", day(l.Appeal.Until)))
	c.add(paragraph, l.Appeal.How)
}

// explanation is what the estimate and the rules say, which is not always what was
// decided.
func (c *composer) explanation() {
	l := c.letter
	if len(l.Explanation) == 0 {
		return
	}
	c.add(heading, lang.T("What the estimate and the rules say", "추정과 보상 기준의 설명"))
	switch {
	case l.Outcome == Rejected:
		c.add(strong, lang.T("What follows is the automatic estimate; no amount has been decided.", "아래는 자동 추정이며, 금액은 아직 정해지지 않았습니다."))
	case l.Chain.Estimated != nil && l.Chain.Estimated.Amount != l.Chain.Awarded:
		c.add(strong, lang.T("What follows is the automatic estimate; for the reasons above we decided otherwise.", "아래는 자동 추정이며, 위의 이유로 이와 다르게 결정했습니다."))
	}
	for _, line := range l.Explanation {
		c.add(item, dated(line))
	}
}

// list adds a section of items, unless there are none.
func (c *composer) list(name lang.Text, items []lang.Text) {
	if len(items) > 0 {
		c.add(heading, name)
		c.add(item, items...)
	}
}

// automation gives what Article 37-2 of the Personal Information Protection Act
// grants to whoever is decided on without a person taking part.
func (c *composer) automation() {
	a := c.letter.Automation
	if a == nil {
		return
	}
	c.add(heading, lang.T("A decision made automatically", "자동화된 결정에 대한 안내"))
	c.add(paragraph, lang.T("A system decided this, without a person taking part, by these criteria:", "이 결정은 사람이 관여하지 않고 시스템이 다음 기준에 따라 내렸습니다."))
	c.add(item, a.Criteria...)
	c.add(strong, lang.T("You may refuse this decision, ask for an explanation of it, or ask that a person decides anew.",
		"이 결정을 거부하거나, 설명을 요구하거나, 사람이 다시 결정해 줄 것을 요구하실 수 있습니다."))
	c.add(paragraph, lang.T("This is your right under Article 37-2 of the Personal Information Protection Act. You will be answered within 30 days of asking.",
		"개인정보 보호법 제37조의2에 따른 권리이며, 요구하신 날부터 30일 안에 답해 드립니다."), a.How)
}

// closing says whom to ask and what the decision can be checked by.
func (c *composer) closing() {
	l := c.letter
	c.add(heading, lang.T("Questions", "문의"))
	c.add(paragraph, l.Contact)
	c.add(heading, lang.T("What this decision can be checked by", "이 결정을 확인할 수 있는 근거"))
	c.pair(trace, lang.T("Scheme", "보상 기준"), lang.F("%s, version %d, SHA-256 %s", "%s, 버전 %d, SHA-256 %s", l.Scheme.ID, l.Scheme.Version, l.Scheme.Hash))
	if l.Number > 0 {
		c.pair(trace, lang.T("Record", "결정 기록"), lang.F("decision %d; the number also counts proposals that did not come to stand",
			"%d번. 확정되지 않은 안도 함께 센 번호입니다.", l.Number))
	}
	if l.EstimateHash != "" {
		c.pair(trace, lang.T("Estimate", "추정"), same(l.Model+", SHA-256 "+l.EstimateHash))
	}
}

// same is a text that reads the same in both languages.
func same(s string) lang.Text { return lang.T(s, s) }

// day writes a calendar day in t's own location.
func day(t time.Time) lang.Text {
	y, m, d := t.Date()
	return lang.T(t.Format("2 January 2006"), strings.Join([]string{strconv.Itoa(y) + "년", strconv.Itoa(int(m)) + "월", strconv.Itoa(d) + "일"}, " "))
}

// recorded is a day, and maybe a time of it, as the sentences of estimates and
// schemes have it.
var recorded = regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?\b`)

// dated writes the days in a sentence as the rest of the letter does.
func dated(t lang.Text) lang.Text {
	rewrite := func(tag lang.Tag) string {
		return recorded.ReplaceAllStringFunc(t.In(tag), func(found string) string {
			date, clock, _ := strings.Cut(found, "T")
			on, err := time.Parse(time.DateOnly, date)
			if err != nil {
				return found
			}
			return strings.TrimSpace(day(on).In(tag) + " " + clock)
		})
	}
	return lang.T(rewrite(lang.English), rewrite(lang.Korean))
}

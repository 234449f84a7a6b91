package claims

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"

	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/letter"
	"redress/internal/money"
	"redress/internal/scheme"
)

// Letter finds the letter about a decision of a claim the actor may see, the one
// that stands when n is 0.
func (s *Service) Letter(ctx context.Context, actor identity.Actor, claimID string, n int) (Letter, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims)
	if err != nil {
		return Letter{}, err
	}
	if n == 0 {
		n = claim.Standing
	}
	found, err := s.store.Letter(ctx, claimID, n)
	if err != nil {
		return Letter{}, err
	}
	if len(found.Text) == 0 {
		return Letter{}, ErasedWith(claimID)
	}
	return found, s.looked(ctx, actor, claim, readLetter, strconv.Itoa(n))
}

// writeLetter writes the letter about a decision that stands until the given
// time.
func (s *Service) writeLetter(ctx context.Context, m matter, d Decision, until time.Time, appealable bool) (Letter, error) {
	content, err := s.letterOf(ctx, m, d, until, appealable)
	if err != nil {
		return Letter{}, fmt.Errorf("letter of claim %s: %w", m.claim.ID, err)
	}
	text, err := letter.Text(content)
	if err != nil {
		return Letter{}, err
	}
	pdf, err := letter.PDF(content)
	if err != nil {
		return Letter{}, err
	}
	return Letter{
		ClaimID: m.claim.ID, Decision: d.N, Text: []byte(text), PDF: pdf,
		TextHash: hexSHA256([]byte(text)), PDFHash: hexSHA256(pdf), MadeAt: m.now,
	}, nil
}

var letterKinds = map[DecisionKind]letter.Kind{
	FirstDecision: letter.Decision, AutomaticDecision: letter.Automatic, Amendment: letter.Amended, AppealDecision: letter.OnAppeal,
}

// letterOf is everything that the letter says.
func (s *Service) letterOf(ctx context.Context, m matter, d Decision, until time.Time, appealable bool) (letter.Letter, error) {
	claimant, err := s.store.Claimant(ctx, m.claim.ClaimantID)
	if err != nil {
		return letter.Letter{}, err
	}
	zone, err := time.LoadLocation(m.incident.Zone)
	if err != nil {
		return letter.Letter{}, err
	}
	currency, err := money.ParseCurrency(m.claim.Currency)
	if err != nil {
		return letter.Letter{}, err
	}
	// What was proposed under one version of the catalogue is told in its words.
	catalogue, err := s.catalogue(ctx, d.Reason.Version)
	if err != nil {
		return letter.Letter{}, err
	}
	reason, _ := catalogue.Reason(d.Reason.Code)
	why := reason.Text
	if wrong, ok := catalogue.Reason(d.ErrorCode); ok {
		why = lang.F("%s %s", "%s %s", wrong.Text, why)
	}
	outlet, _ := claimant.Outlet(m.claim.Outlet)
	l := letter.Letter{
		Kind: letterKinds[d.Kind], Outcome: letter.Outcome(d.Verdict), Date: m.now.In(zone), Reference: m.claim.Reference, Number: d.N,
		Recipient: claimant.Name, Driver: claimant.Kind == Driver, Account: claimant.Bank != nil,
		Outlet: outlet.Name, Platform: m.incident.Platform, Incident: m.incident.Name, Currency: currency,
		Chain:   letter.Chain{Claimed: d.Claimed, Assessed: &d.Assessed, Awarded: d.Awarded},
		Earlier: m.earlier(zone),
		Reason:  letter.Reason{Title: reason.Title, Explanation: why}, Note: noteOf(d.Note), Evidence: m.considered(d), Contact: contact,
	}
	// The last moment that is in time shows the last day.
	last := until.In(zone).Add(-time.Microsecond)
	if appealable {
		l.Appeal = &letter.Appeal{Until: last, How: howToAppeal}
	}
	if d.Verdict == Rejected {
		l.Correction, err = s.correction(ctx, m, reason, last)
	}
	if d.Kind == AutomaticDecision {
		l.Automation = &letter.Automation{Criteria: criteriaTexts(d.Criteria, currency), How: howToAskForPerson}
	}
	if err != nil || m.estimate == nil {
		return l, err
	}
	return l, m.explain(&l)
}

// earlier is the decision that stands until a new one does; nil where none was.
func (m matter) earlier(zone *time.Location) *letter.Earlier {
	if m.claim.Standing == 0 {
		return nil
	}
	d := m.before[m.claim.Standing-1]
	stood := d.MadeAt
	if d.Approval != nil {
		stood = d.Approval.At
	}
	return &letter.Earlier{Date: stood.In(zone), Outcome: letter.Outcome(d.Verdict), Awarded: d.Awarded}
}

// noteOf tells the language of a note by its letters.
func noteOf(text string) letter.Note {
	for _, r := range text {
		if unicode.Is(unicode.Hangul, r) {
			return letter.Note{Text: text, Language: lang.Korean}
		}
	}
	return letter.Note{Text: text, Language: lang.English}
}

// considered names the files that the decision rests on.
func (m matter) considered(d Decision) []lang.Text {
	var names []lang.Text
	for _, f := range m.files {
		if slices.Contains(d.Evidence, f.ID) {
			name := cmp.Or(f.Name, f.Slot)
			names = append(names, lang.T(name, name))
		}
	}
	return names
}

// explain says in the letter how the estimate came about and what it can be
// checked by.
func (m matter) explain(l *letter.Letter) error {
	var made document
	if err := json.Unmarshal(m.estimate.Bytes, &made); err != nil {
		return fmt.Errorf("read the estimate: %w", err)
	}
	paid := made.Compensation
	if paid.Amount > 0 || (paid.Outcome != scheme.CannotTell && paid.Outcome != scheme.Review) {
		l.Chain.Estimated = &letter.Estimate{Amount: m.estimate.Amount}
	}
	l.Chain.ToPerson = l.Chain.Estimated == nil && paid.Outcome == scheme.Review
	of := func(name string, sentence lang.Text) lang.Text {
		service, found := m.incident.Service(name)
		if len(made.Lines) < 2 || !found {
			return sentence
		}
		return lang.F("%s: %s", "%s: %s", service.Name, sentence)
	}
	for _, line := range made.Lines {
		for _, sentence := range line.Baseline.Explanation {
			l.Explanation = append(l.Explanation, of(line.Service, sentence))
		}
	}
	for _, step := range paid.Trace {
		l.Explanation = append(l.Explanation, of(step.Service, stepText(step, l.Currency)))
	}
	l.Model, l.EstimateHash = m.estimate.Model, m.estimate.Hash
	l.Scheme = letter.Scheme{ID: made.Scheme.ID, Version: made.Scheme.Version, Hash: made.Scheme.Hash}
	return nil
}

// correction says what a claimant can put right: what the checks found, and what
// the reason names.
func (s *Service) correction(ctx context.Context, m matter, reason Reason, last time.Time) (*letter.Correction, error) {
	rows, err := s.store.Checks(ctx, m.claim.ID)
	if err != nil {
		return nil, err
	}
	c := &letter.Correction{Items: []lang.Text{reason.Title}, How: howToCorrect, Until: last}
	for _, row := range remedies(rows) {
		if row.Remedy != nil {
			c.Items = append(c.Items, *row.Remedy)
		}
	}
	return c, nil
}

var (
	contact = lang.T("Ask where you filed the claim, and name its number.", "청구하신 곳으로 청구 번호를 알려 주시고 문의하십시오.")

	howToAppeal = lang.T("Appeal where you filed the claim: say why the decision is wrong, and add what you have not sent yet. A person who took no part in this decision decides.",
		"청구하신 곳에서 이의신청을 하실 수 있습니다. 결정이 왜 잘못되었는지 적고, 아직 내지 않은 자료를 더해 주십시오. 이 결정에 관여하지 않은 사람이 결정합니다.")
	howToAskForPerson = lang.T("Ask for it where you filed the claim, as long as you may appeal. It does not use up your appeal.",
		"이의신청 기간 안에 청구하신 곳에서 요구하실 수 있습니다. 이의신청 기회는 그대로 남습니다.")
	howToCorrect = lang.T("Change the claim where you filed it and submit it again; its number stays the same.", "청구하신 곳에서 청구를 고쳐 다시 제출하십시오. 청구 번호는 그대로입니다.")
)

// unit is how a criterion's value and limit are written.
type unit int

const (
	inWords unit = iota // the text says it all
	inNumbers
	inMoney
)

// criterionTexts say for people that a condition of an automatic decision held.
var criterionTexts = map[string]struct {
	unit unit
	text lang.Text // with value and limit as %[1]s and %[2]s, unless in words
}{
	criterionEnabled:     {inWords, lang.T("Decisions of this kind are in force.", "이러한 결정이 시행되고 있습니다.")},
	criterionNew:         {inWords, lang.T("The claim was not decided before.", "전에 결정된 적이 없는 청구입니다.")},
	criterionLate:        {inWords, lang.T("The claim was submitted in the filing period.", "접수 기간 안에 제출된 청구입니다.")},
	criterionPays:        {inWords, lang.T("The scheme pays without leaving anything to a person.", "보상 기준이 사람의 판단을 남기지 않고 지급하는 청구입니다.")},
	criterionCompensated: {inWords, lang.T("Nobody else was awarded the same loss.", "같은 손실로 지급 결정을 받은 다른 사람이 없습니다.")},
	criterionAmount:      {inMoney, lang.T("The scheme pays %[1]s, which is at most %[2]s.", "보상 기준에 따른 금액은 %[1]s으로 %[2]s 이하입니다.")},
	criterionClaimed:     {inMoney, lang.T("%[1]s is claimed, which the estimate carries up to %[2]s.", "청구 금액은 %[1]s이며 추정으로 인정되는 범위는 %[2]s까지입니다.")},
	criterionScore:       {inNumbers, lang.T("The checks give %[1]s points, which is at most %[2]s.", "점검 점수는 %[1]s점으로 %[2]s점 이하입니다.")},
	criterionWeeks:       {inNumbers, lang.T("The estimate stands on %[1]s weeks of history, which is at least %[2]s.", "추정에 쓴 매출 이력은 %[1]s주로 %[2]s주 이상입니다.")},
	criterionUnanswered:  {inNumbers, lang.T("%[1]s things were asked for, and none was answered in time.", "자료 %[1]s가지를 요청했으나 기한까지 하나도 받지 못했습니다.")},
	criterionFixedTier:   {inMoney, lang.T("Without further proof, %[1]s is due.", "추가 증빙 없이 지급되는 금액은 %[1]s입니다.")},
}

// criteriaTexts are the conditions as they were looked at, for people.
func criteriaTexts(criteria []Criterion, currency money.Currency) []lang.Text {
	texts := make([]lang.Text, len(criteria))
	for i, c := range criteria {
		said := criterionTexts[c.Code]
		switch said.unit {
		case inNumbers:
			texts[i] = lang.F(said.text.EN, said.text.KO, strconv.FormatInt(c.Value, 10), strconv.FormatInt(c.Limit, 10))
		case inMoney:
			texts[i] = lang.F(said.text.EN, said.text.KO, currency.Text(money.Minor(c.Value)), currency.Text(money.Minor(c.Limit)))
		default:
			texts[i] = said.text
		}
	}
	return texts
}

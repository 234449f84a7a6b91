package letter_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/lang"
	"redress/internal/letter"
	"redress/internal/money"
)

var update = flag.Bool("update", false, "write the letters of testdata anew")

var (
	kinds    = []letter.Kind{letter.Decision, letter.Amended, letter.OnAppeal, letter.Automatic}
	outcomes = []letter.Outcome{letter.Approved, letter.PartlyApproved, letter.Refused, letter.Rejected}

	seoul = time.FixedZone("KST", 9*60*60)
)

// What is not known is not called 0, and what a person decides is not called
// unknown.
func TestEachReasonForAMissingAmountIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*letter.Letter)
		says, silent string
	}{
		"nothing itemised":       {func(l *letter.Letter) { l.Chain.Claimed = 0 }, "Claimed (the items you stated): no amount was itemised\n", "₩0"},
		"no estimate":            {func(l *letter.Letter) { l.Chain.Estimated = nil }, "Estimated: could not be estimated\n", "left to a person"},
		"left to a person":       {func(l *letter.Letter) { l.Chain.Estimated, l.Chain.ToPerson = nil, true }, "Estimated: left to a person by the scheme\n", "could not be estimated"},
		"an account":             {func(*letter.Letter) {}, "to the account you gave by 9 December 2022.", "no account"},
		"an account, and no day": {func(l *letter.Letter) { l.PayBy = time.Time{} }, "It will be paid to the account you gave.", "no account"},
		"no account":             {func(l *letter.Letter) { l.Account = false }, "You have given no account", "account you gave"},
		"no account, and no day": {func(l *letter.Letter) { l.Account, l.PayBy = false, time.Time{} }, "You have given no account", "account you gave"},
	} {
		t.Run(name, func(t *testing.T) {
			l := sample(letter.Decision, letter.Approved)
			c.change(&l)
			text, err := letter.Text(l)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text, c.says) || strings.Contains(text, c.silent) {
				t.Errorf("says %q: %t; says %q: %t\n%s", c.says, strings.Contains(text, c.says), c.silent, strings.Contains(text, c.silent), text)
			}
		})
	}
}

func on(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 23, 59, 59, 0, seoul)
}

// sample is a letter that says all that one of its kind and outcome can say.
func sample(kind letter.Kind, outcome letter.Outcome) letter.Letter {
	assessed := money.Minor(212_345)
	l := letter.Letter{
		Kind: kind, Outcome: outcome, Date: on(2022, time.November, 22),
		Reference: "R-7K3M-9Q2X-4HTN", Number: 1, Recipient: "김**", Outlet: "미용실 2호점", Platform: "Kakao",
		Incident: lang.T("Data centre fire of 15 October 2022", "2022년 10월 15일 데이터센터 화재"),
		Currency: money.KRW, Account: true,
		Chain: letter.Chain{
			Claimed:   480_000,
			Estimated: &letter.Estimate{Amount: 234_567, Low: 181_200, High: 287_900, LevelPercent: 90},
			Assessed:  &assessed,
		},
		Explanation: []lang.Text{
			lang.T("In these hours this outlet would usually have earned about ₩612,000, judged by its record from 2022-07-18 to 2022-10-15.",
				"기록(2022-07-18부터 2022-10-15까지)에 비추어 이 시간에는 보통 612,000원쯤을 벌었을 것입니다."),
			lang.T("The record shows ₩221,000 earned in them.", "기록에 나온 이 시간의 매출은 221,000원입니다."),
			lang.T("The loss is paid at a rate of 0.6.", "손실의 0.6 비율로 보상합니다."),
		},
		Evidence: []lang.Text{lang.T("Booking ledger of the platform", "플랫폼의 예약 원장"), lang.T("Card sales, October 2022 (card-10.xlsx)", "2022년 10월 카드 매출(card-10.xlsx)")},
		Scheme:   letter.Scheme{ID: "kakao-2022", Version: 3, Hash: strings.Repeat("0123456789abcdef", 4)},
		Model:    "quantile-2", EstimateHash: strings.Repeat("fedcba9876543210", 4),
		Contact: lang.T("claims@example.org, weekdays 9:00–18:00", "claims@example.org, 평일 9:00–18:00"),
	}
	switch outcome {
	case letter.Approved:
		l.Chain.Awarded, l.PayBy = 212_340, on(2022, time.December, 9)
		l.Reason = letter.Reason{
			Title:       lang.T("The record bears the loss out", "기록으로 손실이 확인됨"),
			Explanation: lang.T("Your record and the ledger of the platform agree on the hours of the outage.", "청구인의 기록과 플랫폼의 원장이 장애 시간에 대해 일치합니다."),
		}
	case letter.PartlyApproved:
		l.Chain.Awarded = 212_340
		l.Reason = letter.Reason{
			Title:       lang.T("Part of the loss was made up for later", "손실의 일부가 나중에 만회됨"),
			Explanation: lang.T("Bookings that were moved to the following days are no loss. The rest of it is approved.", "다음 날들로 옮겨진 예약은 손실로 보지 않습니다. 나머지는 인정합니다."),
		}
		l.Note = letter.Note{Text: "10월 17일과 18일로 옮겨진 예약 여섯 건을 확인했습니다.\n나머지 열한 건은 취소되었습니다.", Language: lang.Korean}
	case letter.Refused:
		l.Reason = letter.Reason{
			Title:       lang.T("No loss in the hours of the outage", "장애 시간의 손실이 없음"),
			Explanation: lang.T("The outlet was closed in all the hours of the outage.", "매장은 장애 시간 내내 쉬는 날이었습니다."),
		}
	case letter.Rejected:
		l.Chain.Estimated, l.Chain.Assessed, l.EstimateHash, l.Model = nil, nil, "", ""
		l.Reason = letter.Reason{
			Title:       lang.T("The revenue history is too short", "매출 이력이 짧음"),
			Explanation: lang.T("With fewer than 14 days before the outage nothing can be estimated.", "장애 전 기록이 14일보다 짧으면 추정할 수 없습니다."),
		}
		l.Correction = &letter.Correction{
			Items: []lang.Text{lang.T("Revenue of at least 14 days before 15 October 2022", "2022년 10월 15일 이전 14일 이상의 매출")},
			How:   lang.T("Open the claim, add the file and press “Send again”. The reference stays the same.", "청구를 열어 파일을 더하고 ‘다시 내기’를 누르십시오. 청구 번호는 그대로입니다."),
			Until: on(2022, time.December, 22),
		}
	}
	if outcome != letter.Rejected && kind != letter.OnAppeal {
		l.Appeal = &letter.Appeal{
			Until: on(2022, time.December, 22),
			How:   lang.T("Open the claim and press “Appeal”, or write to the address below.", "청구를 열어 ‘이의신청’을 누르시거나 아래 주소로 보내 주십시오."),
		}
	}
	if kind == letter.Automatic {
		l.Automation = &letter.Automation{
			Criteria: []lang.Text{
				lang.T("The ledger of the platform and the history you sent differ by less than 5%.", "플랫폼의 원장과 보내신 이력의 차이가 5% 미만임"),
				lang.T("The estimated loss is below ₩300,000.", "추정된 손실이 300,000원 미만임"),
			},
			How: lang.T("Answer this letter, or press “Ask for a person” in the claim.", "이 편지에 답하시거나 청구에서 ‘사람의 결정 요구’를 누르십시오."),
		}
	}
	if kind != letter.Decision && kind != letter.Automatic {
		l.Number = 2
		l.Earlier = &letter.Earlier{Date: on(2022, time.November, 4), Outcome: letter.PartlyApproved, Awarded: 100_010}
	}
	return l
}

// forEach runs a test on the sample of every kind and outcome.
func forEach(t *testing.T, test func(t *testing.T, l letter.Letter)) {
	for _, kind := range kinds {
		for _, outcome := range outcomes {
			t.Run(string(kind)+"/"+string(outcome), func(t *testing.T) { test(t, sample(kind, outcome)) })
		}
	}
}

func textOf(t testing.TB, l letter.Letter) string {
	t.Helper()
	text, err := letter.Text(l)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func pdfOf(t testing.TB, l letter.Letter) []byte {
	t.Helper()
	pdf, err := letter.PDF(l)
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func TestTextReadsAsAgreed(t *testing.T) {
	for _, c := range []struct {
		kind    letter.Kind
		outcome letter.Outcome
	}{
		{letter.Decision, letter.Approved},
		{letter.Decision, letter.Rejected},
		{letter.Amended, letter.PartlyApproved},
		{letter.OnAppeal, letter.Refused},
		{letter.Automatic, letter.PartlyApproved},
	} {
		name := string(c.kind) + "-" + string(c.outcome)
		t.Run(name, func(t *testing.T) {
			got := textOf(t, sample(c.kind, c.outcome))
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got); if it is meant, run with -update:\n%s", path, diff)
			}
		})
	}
}

// halves are the Korean and the English part of a text.
func halves(t *testing.T, text string) map[lang.Tag]string {
	t.Helper()
	korean, english, ok := strings.Cut(text, "\n"+strings.Repeat("-", 72)+"\n")
	if !ok {
		t.Fatalf("the text has no two languages:\n%s", text)
	}
	return map[lang.Tag]string{lang.Korean: korean, lang.English: english}
}

func TestTextTellsWhatTheLetterHoldsInBothLanguages(t *testing.T) {
	forEach(t, func(t *testing.T, l letter.Letter) {
		both := []lang.Text{l.Incident, l.Reason.Title, l.Reason.Explanation, l.Contact, l.Currency.Text(l.Chain.Claimed)}
		both = append(append(both, l.Explanation[1:]...), l.Evidence...)
		both = append(both, lang.T("from 18 July 2022 to 15 October 2022", "2022년 7월 18일부터 2022년 10월 15일까지"))
		if e := l.Earlier; e != nil {
			both = append(both, lang.T("4 November 2022", "2022년 11월 4일"), l.Currency.Text(e.Awarded))
		}
		either := []string{l.Reference, l.Recipient, l.Outlet, l.Platform, l.Scheme.ID, l.Scheme.Hash, l.Model, l.EstimateHash}
		either = append(either, strings.Split(l.Note.Text, "\n")...)
		if e := l.Chain.Estimated; e != nil {
			both = append(both, l.Currency.Text(e.Amount), l.Currency.Text(e.Low), l.Currency.Text(e.High), l.Currency.Text(*l.Chain.Assessed))
		}
		if l.Outcome != letter.Rejected {
			both = append(both, l.Currency.Text(l.Chain.Awarded))
		}
		if !l.PayBy.IsZero() {
			both = append(both, lang.T("9 December 2022", "2022년 12월 9일"))
		}
		if l.Correction != nil {
			both = append(append(both, l.Correction.Items...), l.Correction.How, lang.T("22 December 2022", "2022년 12월 22일"))
		}
		if l.Appeal != nil {
			both = append(both, l.Appeal.How, lang.T("22 December 2022", "2022년 12월 22일"), lang.T("once", "한 번"))
		}
		if l.Automation != nil {
			both = append(append(both, l.Automation.Criteria...), l.Automation.How, lang.T("Article 37-2", "제37조의2"), lang.T("a person", "사람"))
		}
		for tag, half := range halves(t, textOf(t, l)) {
			for _, want := range both {
				if !strings.Contains(half, want.In(tag)) {
					t.Errorf("%s: %q is missing", tag, want.In(tag))
				}
			}
			for _, want := range either {
				if !strings.Contains(half, want) {
					t.Errorf("%s: %q is missing", tag, want)
				}
			}
			for _, left := range []string{"%", "!(", "{", "}", "<nil>", "0001", "□", "  ", ": \n"} {
				if rest := strings.NewReplacer("90%", "percent", "5%", "percent").Replace(half); strings.Contains(rest, left) {
					t.Errorf("%s: %q is left over", tag, left)
				}
			}
		}
	})
}

func TestWhatIsUnknownIsSaidInWords(t *testing.T) {
	l := sample(letter.Decision, letter.Refused)
	l.Chain.Estimated, l.Chain.Assessed = nil, nil
	text := textOf(t, l)
	for _, want := range []string{"추정 금액: 추정할 수 없음", "심사 금액: 심사하지 않음", "Estimated: could not be estimated", "Assessed: not assessed"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestWhatIsAbsentLeavesNoTrace(t *testing.T) {
	l := sample(letter.Decision, letter.Approved)
	l.Number, l.Outlet, l.Explanation, l.Evidence, l.Appeal, l.Model, l.EstimateHash = 0, "", nil, nil, nil, "", ""
	text := textOf(t, l)
	for _, gone := range []string{"결정 기록", "매장", "추정과 보상 기준의 설명", "검토한 자료", "동의하지", "추정: ", "Record", "Outlet", "Evidence", "disagree", "Estimate: "} {
		if strings.Contains(text, gone) {
			t.Errorf("%q is there", gone)
		}
	}
}

// A reader sees from the letter alone how what is awarded relates to what was
// itemised and to what the scheme pays, whatever the verdict is called.
func TestTheLetterSaysHowTheAwardRelatesToWhatWasItemisedAndEstimated(t *testing.T) {
	const estimateIsNotIt = "위의 이유로 이와 다르게 결정했습니다"
	for name, c := range map[string]struct {
		outcome                   letter.Outcome
		claimed, estimated, award money.Minor
		says                      []string
		silent                    []string
		assessed                  money.Minor
	}{
		"approved below what was itemised": {
			outcome: letter.Approved, claimed: 36_000, estimated: 30_000, assessed: 30_000, award: 30_000,
			says: []string{
				"청구를 받아들이기로 결정했습니다.", "항목으로 적으신 금액(36,000원)보다 적습니다.", "지급하는 금액(30,000원) 그대로입니다.",
				"less than what you itemised (₩36,000).", "exactly what the scheme pays on the estimate (₩30,000).",
			},
			silent: []string{estimateIsNotIt, "일부"},
		},
		"approved as itemised": {
			outcome: letter.Approved, claimed: 50_000, estimated: 30_000, assessed: 50_000, award: 50_000,
			says: []string{"항목으로 적으신 금액(50,000원) 그대로입니다.", "지급하는 금액(30,000원)보다 많습니다.", estimateIsNotIt},
		},
		"partly approved above what was itemised": {
			outcome: letter.PartlyApproved, claimed: 20_000, estimated: 50_000, assessed: 30_000, award: 30_000,
			says: []string{"청구를 일부 받아들이기로", "항목으로 적으신 금액(20,000원)보다 많습니다.", "지급하는 금액(50,000원)보다 적습니다.", estimateIsNotIt},
		},
		"partly approved of what was assessed": {
			outcome: letter.PartlyApproved, assessed: 40_000, award: 30_000,
			says:   []string{"심사 금액(40,000원)보다 적습니다.", "less than what was assessed (₩40,000)."},
			silent: []string{"항목으로 적으신 금액", "지급하는 금액"},
		},
		"refused where the estimate pays": {
			outcome: letter.Refused, claimed: 36_000, estimated: 30_000,
			says: []string{estimateIsNotIt, "for the reasons above we decided otherwise."}, silent: []string{"보다 적습니다"},
		},
		"refused as the estimate says": {outcome: letter.Refused, claimed: 36_000, silent: []string{estimateIsNotIt}},
		"rejected": {
			outcome: letter.Rejected, claimed: 36_000, estimated: 30_000,
			says:   []string{"심사 금액: 정하지 않음", "지급 결정 금액: 정하지 않음", "Assessed: not decided", "금액은 아직 정해지지 않았습니다.", "no amount has been decided."},
			silent: []string{estimateIsNotIt, "심사 금액: 0원"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := sample(letter.Decision, c.outcome)
			l.Chain = letter.Chain{Claimed: c.claimed, Estimated: &letter.Estimate{Amount: c.estimated}, Assessed: &c.assessed, Awarded: c.award}
			text := textOf(t, l)
			for _, said := range c.says {
				if !strings.Contains(text, said) {
					t.Errorf("%q is missing", said)
				}
			}
			for _, gone := range c.silent {
				if own, _, _ := strings.Cut(text, "■ 결정 이유"); strings.Contains(own, gone) || gone == estimateIsNotIt && strings.Contains(text, gone) {
					t.Errorf("%q is there", gone)
				}
			}
		})
	}
}

// What was decided before is named by its day and amount: numbers of the record
// count proposals that the claimant never saw.
func TestAnEarlierDecisionIsNamedByItsDayAndWhatItSaid(t *testing.T) {
	refused := letter.Earlier{Date: on(2022, time.November, 4), Outcome: letter.Refused}
	for name, c := range map[string]struct {
		kind    letter.Kind
		earlier letter.Earlier
		says    []string
	}{
		"amended": {letter.Amended, letter.Earlier{Date: on(2022, time.November, 4), Outcome: letter.Approved, Awarded: 30_000}, []string{
			"이 결정은 2022년 11월 4일의 결정(지급 결정 금액 30,000원)을 대신합니다.", "This decision replaces the one of 4 November 2022 (₩30,000 awarded)."}},
		"on appeal": {letter.OnAppeal, refused, []string{
			"2022년 11월 4일의 결정(받아들이지 않음)을 다시 심사했습니다.", "we looked again at the decision of 4 November 2022 (Refused)."}},
		"sent again": {letter.Decision, letter.Earlier{Date: on(2022, time.November, 4), Outcome: letter.Rejected}, []string{
			"2022년 11월 4일의 결정(고쳐서 다시 내실 수 있음)을 대신합니다."}},
	} {
		t.Run(name, func(t *testing.T) {
			l := sample(c.kind, letter.Approved)
			l.Number, l.Earlier = 3, &c.earlier
			text := textOf(t, l)
			for _, said := range append(c.says, "청구 번호: R-7K3M-9Q2X-4HTN\n", "결정 기록: 3번.", "Record: decision 3;") {
				if !strings.Contains(text, said) {
					t.Errorf("%q is missing in\n%s", said, text)
				}
			}
		})
	}
}

func TestADriverIsNotToldOfAnOutlet(t *testing.T) {
	l := sample(letter.Decision, letter.Approved)
	l.Driver, l.Outlet = true, "서울 33바 1234"
	text := textOf(t, l)
	if !strings.Contains(text, "차량·계정: 서울 33바 1234\n") || !strings.Contains(text, "Vehicle or account: 서울 33바 1234\n") || strings.Contains(text, "매장") {
		t.Errorf("the letter:\n%s", text)
	}
}

func TestTheNoteIsAmongWhatIsToBePutRight(t *testing.T) {
	l := sample(letter.Decision, letter.Rejected)
	if named := "적힌 것"; strings.Contains(textOf(t, l), named) {
		t.Errorf("%q is there without a note", named)
	}
	l.Note = letter.Note{Text: "사업자등록증 사본", Language: lang.Korean}
	for _, said := range []string{"- 위의 ‘결정한 사람의 글’에 적힌 것\n", "- What the note above names\n"} {
		if !strings.Contains(textOf(t, l), said) {
			t.Errorf("%q is missing", said)
		}
	}
}

func TestDaysReadTheSameThroughoutTheLetter(t *testing.T) {
	l := sample(letter.Decision, letter.Approved)
	l.Explanation = []lang.Text{lang.T("From 2022-10-15T15:00 on 2022-13-40.", "2022-10-15T15:00부터 2022-13-40.")}
	text := textOf(t, l)
	for _, said := range []string{"- 2022년 10월 15일 15:00부터 2022-13-40.\n", "- From 15 October 2022 15:00 on 2022-13-40.\n"} {
		if !strings.Contains(text, said) {
			t.Errorf("%q is missing in\n%s", said, text)
		}
	}
}

// Somebody's words cannot pass for the letter's own.
func TestForeignTextStaysInItsPlace(t *testing.T) {
	l := sample(letter.Decision, letter.Approved)
	l.Recipient = "김**\n지급 결정 금액: 9,999,999원"
	l.Note = letter.Note{Text: "a\r\n\r\n■ Awarded\u2028- Awarded: ₩9,999,999\u202e\x00", Language: lang.English}
	for tag, half := range halves(t, textOf(t, l)) {
		for line := range strings.Lines(half) {
			own := !strings.HasPrefix(line, "> ") && !strings.HasPrefix(line, "받는 분: ") && !strings.HasPrefix(line, "To: ")
			if own && strings.Contains(line, "9,999,999") {
				t.Errorf("%s: %q stands alone", tag, line)
			}
		}
		if !strings.Contains(half, "> a\n> ■ Awarded\n> - Awarded: ₩9,999,999\n") {
			t.Errorf("%s: the note reads differently:\n%s", tag, half)
		}
	}
}

func TestALetterThatContradictsItselfIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		kind    letter.Kind
		outcome letter.Outcome
		spoil   func(*letter.Letter)
	}{
		"unknown kind":                  {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Kind = "final" }},
		"unknown outcome":               {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Outcome = "" }},
		"no date":                       {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Date = time.Time{} }},
		"no reference":                  {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Reference = " " }},
		"invisible recipient":           {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Recipient = "\u200b\u3164\n" }},
		"no scheme":                     {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Scheme = letter.Scheme{} }},
		"model of no estimate":          {letter.Decision, letter.Approved, func(l *letter.Letter) { l.EstimateHash = "" }},
		"approved without an amount":    {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Chain.Awarded = 0 }},
		"refused with an amount":        {letter.Decision, letter.Refused, func(l *letter.Letter) { l.Chain.Awarded = 1 }},
		"amount below zero":             {letter.Decision, letter.PartlyApproved, func(l *letter.Letter) { l.Chain.Awarded = -1 }},
		"partly approved, no appeal":    {letter.Decision, letter.PartlyApproved, func(l *letter.Letter) { l.Appeal = nil }},
		"refused, no appeal":            {letter.Automatic, letter.Refused, func(l *letter.Letter) { l.Appeal = nil }},
		"appeal without a last day":     {letter.Decision, letter.Refused, func(l *letter.Letter) { l.Appeal.Until = time.Time{} }},
		"rejected, nothing to correct":  {letter.Decision, letter.Rejected, func(l *letter.Letter) { l.Correction.Items = nil }},
		"rejected without a correction": {letter.Decision, letter.Rejected, func(l *letter.Letter) { l.Correction = nil }},
		"approved with a correction":    {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Correction = &letter.Correction{Items: l.Evidence} }},
		"a replacement of nothing":      {letter.Amended, letter.Approved, func(l *letter.Letter) { l.Earlier = nil }},
		"an appeal against nothing":     {letter.OnAppeal, letter.Refused, func(l *letter.Letter) { l.Earlier = nil }},
		"replaced on no day":            {letter.Amended, letter.Approved, func(l *letter.Letter) { l.Earlier.Date = time.Time{} }},
		"replaced without an outcome":   {letter.Amended, letter.Approved, func(l *letter.Letter) { l.Earlier.Outcome = "" }},
		"automatic without criteria":    {letter.Automatic, letter.Approved, func(l *letter.Letter) { l.Automation.Criteria = nil }},
		"automatic without a notice":    {letter.Automatic, letter.Approved, func(l *letter.Letter) { l.Automation = nil }},
		"a notice of no automation":     {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Automation = &letter.Automation{Criteria: l.Evidence} }},
		"note in no language":           {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Note.Text = "…" }},
		"reason in one language":        {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Reason.Title.KO = "" }},
		"incident in one language":      {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Incident.EN = "" }},
		"an empty line of explanation":  {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Explanation[1] = lang.Text{} }},
		"no contact":                    {letter.Decision, letter.Approved, func(l *letter.Letter) { l.Contact = lang.Text{} }},
	} {
		t.Run(name, func(t *testing.T) {
			l := sample(c.kind, c.outcome)
			c.spoil(&l)
			if text, err := letter.Text(l); err == nil {
				t.Errorf("as text:\n%s", text)
			}
			if _, err := letter.PDF(l); err == nil {
				t.Error("as PDF it is written")
			}
		})
	}
}

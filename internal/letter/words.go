package letter

import "redress/internal/lang"

type kindWords struct {
	title   lang.Text
	lead    lang.Text // what sets the kind apart; may be empty
	earlier lang.Text // names the decision before, by its day as %[1]s and what it said as %[2]s
}

var kinds = map[Kind]kindWords{
	Decision: {title: lang.T("Decision on your claim", "결정 통지서"), earlier: replaces},
	Amended:  {title: lang.T("Amended decision on your claim", "변경 결정 통지서"), earlier: replaces},
	OnAppeal: {
		title: lang.T("Decision on your appeal", "이의신청 결정 통지서"),
		earlier: lang.T("On your appeal we looked again at the decision of %[1]s (%[2]s).",
			"이의신청에 따라 %[1]s의 결정(%[2]s)을 다시 심사했습니다."),
	},
	Automatic: {
		title:   lang.T("Automatic decision on your claim", "자동화된 결정 통지서"),
		lead:    lang.T("This decision was made automatically; you may ask for a person.", "이 결정은 자동으로 내려졌으며, 사람의 결정을 요구하실 수 있습니다."),
		earlier: replaces,
	},
}

var replaces = lang.T("This decision replaces the one of %[1]s (%[2]s).", "이 결정은 %[1]s의 결정(%[2]s)을 대신합니다.")

type outcomeWords struct {
	lead  lang.Text // the decision in a sentence
	label lang.Text // over what stands out
	value lang.Text // what stands out where it is no amount
}

var outcomes = map[Outcome]outcomeWords{
	Approved: {
		lead:  lang.T("Your claim is approved.", "청구를 받아들이기로 결정했습니다."),
		label: lang.T("Amount awarded", "지급 결정 금액"),
	},
	PartlyApproved: {
		lead:  lang.T("Your claim is approved in part.", "청구를 일부 받아들이기로 결정했습니다."),
		label: lang.T("Amount awarded", "지급 결정 금액"),
	},
	Refused: {
		lead:  lang.T("We are sorry: your claim is refused. What follows says why.", "안타깝지만 청구를 받아들이지 않기로 결정했습니다. 이유는 아래와 같습니다."),
		label: lang.T("Decision", "결정"),
		value: lang.T("Refused", "받아들이지 않음"),
	},
	Rejected: {
		lead:  lang.T("Your claim cannot be decided as it is, but it can be put right and sent again.", "지금 상태로는 청구를 판단할 수 없어 돌려보내며, 고쳐서 다시 내실 수 있습니다."),
		label: lang.T("Decision", "결정"),
		value: lang.T("Returned to be put right", "고쳐서 다시 내실 수 있음"),
	},
}

var languages = map[lang.Tag]lang.Text{
	lang.Korean:  lang.T("Korean", "한국어"),
	lang.English: lang.T("English", "영어"),
}

// incomplete stands in a PDF whose font lacks some of the characters.
var incomplete = lang.T("This PDF cannot draw every character and shows □ or a similar one instead. The text version of this letter is complete.",
	"이 PDF가 그리지 못하는 글자는 □나 비슷한 글자로 보입니다. 텍스트 통지서에는 모두 그대로 있습니다.")

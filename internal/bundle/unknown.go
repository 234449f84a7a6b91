package bundle

import (
	"redress/internal/auditlog"
	"redress/internal/lang"
)

// unknown says what cannot be known from this bundle, whatever was checked.
func (v *verifier) unknown() []lang.Text {
	texts := []lang.Text{lang.T(
		"Whether a claim was left out before it was logged, or was invented, cannot be known from this bundle: claimants' receipts, bank files and samples on paper show that.",
		"기록되기 전에 빠진 청구나 지어낸 청구가 있는지는 이 묶음만으로 알 수 없습니다. 청구인의 접수증, 은행 파일, 서류 표본 조사로 알 수 있습니다.")}
	if v.logSound {
		texts = append(texts, v.unknownOfLog()...)
	}
	texts = append(texts, v.unknownOfSamples()...)
	if !v.withLeaves() {
		texts = append(texts, lang.T(
			"There are no leaves: that the totals and figures are those of the claims, and that what is withheld had to be, cannot be known. Auditors can.",
			"잎이 없으므로 합계와 수치가 실제 청구의 것인지, 가린 값을 가려야 했는지는 알 수 없습니다. 감사인은 확인할 수 있습니다."))
	}
	if len(v.releases) > 0 {
		texts = append(texts, lang.T(
			"Statistics are those that the log has; what they were computed from (durations, test windows) is in no leaf and cannot be recomputed.",
			"통계는 로그에 기록된 그대로이나, 그 바탕(기간, 시험 구간)이 잎에 없어 다시 계산할 수 없습니다."))
	}
	texts = append(texts, lang.T("There are no bank status files: whether anything was paid cannot be known.", "은행 파일이 없으므로 실제로 지급되었는지는 알 수 없습니다."))
	e := v.estimates
	if e.all == 0 {
		texts = append(texts, lang.T("There are no estimates: whether they follow from histories and scheme cannot be known. Accountants see those of their samples.",
			"추정이 없으므로 추정이 매출 이력과 보상 기준에서 나온 것인지는 알 수 없습니다. 회계사는 자기 표본의 추정을 볼 수 있습니다."))
	}
	if e.erased > 0 {
		texts = append(texts, lang.F("The claimants of %d drawn claim(s) were erased, as the log says; what the estimates said, and that these claims were theirs, cannot be known.",
			"뽑힌 청구 %d건은 청구인 정보가 삭제되었다고 로그에 있습니다. 추정의 내용과 이 청구가 그 사람의 것인지는 알 수 없습니다.", e.erased))
	}
	return texts
}

func (v *verifier) unknownOfLog() []lang.Text {
	c := v.audited.Checkpoint
	opened := map[int64]bool{}
	for _, o := range v.openings {
		opened[o.LeafIndex] = true
	}
	texts := []lang.Text{lang.F(
		"%d of the log's %d entries are opened here. What the others say, a later sample, snapshot, release or correction among them, and what was logged after this bundle was made, cannot be known from it.",
		"로그의 항목 %[2]d개 가운데 %[1]d개가 여기서 열립니다. 나머지 항목의 내용(뒤의 표본, 스냅샷, 공개, 정정일 수 있습니다)과 묶음을 만든 뒤의 기록은 알 수 없습니다.", len(opened), c.TreeSize)}
	if v.audited.Previous == 0 {
		texts = append(texts, lang.T("No earlier checkpoint was given: whether the log was rewritten since an earlier day cannot be known. Keep this one, and give it next time.",
			"이전 체크포인트가 주어지지 않아 로그가 고쳐졌는지는 알 수 없습니다. 이번 체크포인트를 보관했다가 다음에 함께 주십시오."))
	}
	w := v.audited.Witnessed
	switch {
	case c.State() == auditlog.Witnessed:
	case w == nil || w.State() == auditlog.Unwitnessed:
		texts = append(texts, lang.T("The log is unwitnessed: that everybody is shown the same log cannot be known.", "로그에 증인이 없어 모두에게 같은 로그가 보이는지 알 수 없습니다."))
	case w.TreeSize < c.TreeSize:
		texts = append(texts, lang.F("Witnesses saw the first %d entries; that everybody is shown the same ones after them cannot be known.",
			"증인은 처음 %d개 항목까지 보았습니다. 그 뒤의 항목이 모두에게 같은지는 알 수 없습니다.", w.TreeSize))
	}
	return texts
}

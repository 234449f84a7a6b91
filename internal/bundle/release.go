package bundle

import (
	"bytes"
	"slices"
	"time"

	"redress/internal/lang"
	"redress/internal/publication"
)

// release is what was published and what the log says of it.
type release struct {
	opening
	publication.Release
	snapshot int
	bytes    []byte
}

// checkReleases holds every release against the log, its snapshot and rule, and the
// release before it: all that can be checked without leaves.
func (v *verifier) checkReleases() {
	v.releases = make([]release, v.contiguous("releases"))
	for _, n := range v.files.numbers("releases") {
		r, ok := v.released(n)
		if !ok {
			continue
		}
		v.releases[n-1] = r
		s, _ := v.snapshot(r.snapshot)
		rule, known := v.rules[s.rule]
		if !known {
			continue // said with the snapshot
		}
		v.checkHeader(n, r, s, rule)
		v.checkFigures(n, rule.Rule)
		v.checkPaid(n, r)
	}
}

func (v *verifier) released(n int) (r release, ok bool) {
	path := releasePath(n, "release"+document)
	r.bytes, ok = v.decode(path, &r.Release)
	statistics, there := v.read(releasePath(n, "statistics"+document))
	o, opened := v.opened(releasePath(n, "receipt"+proof), "release.published", v.manifest.Incident)
	if !ok || !there || !opened {
		return r, false
	}
	if canonical, err := r.JSON(); err != nil || !bytes.Equal(canonical, r.bytes) {
		v.finding(path, "document_malformed", "It is not written in the one form that releases have.", "공개 문서의 정해진 형식으로 적혀 있지 않습니다.")
		return r, false
	}
	r.opening = o
	numbered := v.says(o, "number", n)
	if !v.hashed(o, "hash", path, r.bytes) || !numbered {
		return r, false
	}
	var s snapshot
	if r.snapshot, s, ok = v.snapshotOf(o); !ok {
		return r, false
	}
	v.says(o, "rule_hash", s.ruleHash)
	v.before(s.opening, o, "release_before_snapshot")
	if v.hashed(o, "statistics_hash", releasePath(n, "statistics"+document), statistics) {
		v.says(o, "statistics_hash", s.statistics)
	}
	if n > 1 && v.releases[n-2].path != "" {
		v.before(v.releases[n-2].opening, o, "release_out_of_order")
		if before := v.releases[n-2].snapshot; r.snapshot <= before {
			v.finding(o.path, "release_out_of_order", "It is of snapshot %d; the release before it was of %d.", "스냅샷 %d의 공개인데 직전 공개는 스냅샷 %d의 것입니다.", r.snapshot, before)
		}
	}
	return r, true
}

// checkHeader holds what a release says of itself against what is known.
func (v *verifier) checkHeader(n int, r release, s snapshot, rule ruleDocument) {
	path := releasePath(n, "release"+document)
	wrong := func(field string, said, is any) {
		v.finding(path, "release_header_wrong", "%s is %v; %v is right.", "%s이(가) %v입니다. %v이어야 합니다.", field, said, is)
	}
	for _, f := range []struct {
		name     string
		said, is any
	}{
		{"format", r.Format, publication.ReleaseFormat}, {"number", r.Number, n}, {"incident", r.Incident, v.manifest.Incident}, {"currency", r.Currency, v.manifest.Currency},
		{"at", r.At, s.takenAt.Format(time.RFC3339Nano)}, {"root", r.Root, s.root},
		{"rule", r.Rule, publication.RuleRef{ID: rule.ID, Version: rule.Version, Hash: rule.Hash(), Text: rule.Text()}},
	} {
		if f.said != f.is {
			wrong(f.name, f.said, f.is)
		}
	}
	var made []publication.Restatement
	for _, m := range v.restatements {
		if m.LeafIndex < r.LeafIndex {
			made = append(made, m.Restatement)
		}
		if m.Release >= n && m.LeafIndex < r.LeafIndex {
			v.finding(m.path, "restatement_before_release", "It corrects release %d, which was not published yet.", "아직 공개되지 않은 %d차 공개를 정정합니다.", m.Release)
		}
	}
	if !slices.Equal(made, r.Restatements) {
		v.finding(path, "restatements_wrong", "It lists %d correction(s); %d were made before it, and they have to be listed as made.",
			"정정 %d건을 적었으나, 그 전에 이루어진 정정은 %d건이며 그대로 적어야 합니다.", len(r.Restatements), len(made))
	}
}

// checkPaid finds payments that no bank file shows. A bundle has none so far.
func (v *verifier) checkPaid(n int, r release) {
	for _, m := range r.Measures {
		if m.Measure == publication.Paid && m.Total != nil && *m.Total != 0 {
			v.finding(place(n, m.Measure), "paid_without_bank_file", "%d is said to be paid, and no bank status file shows it.",
				"%d을(를) 지급했다고 하나 이를 보여 주는 은행 파일이 없습니다.", *m.Total)
		}
	}
}

func (v *verifier) releasesHold() lang.Text {
	return lang.F("%d release(s) are, byte for byte, those that the log has. Every table adds up exactly to its total, steps and rounding follow the rule, changes and corrections are as they say.",
		"공개 %d건의 내용이 로그에 기록된 것과 한 바이트도 다르지 않습니다. 모든 표가 합계와 정확히 맞고, 단위와 내림이 규칙에 맞으며, 증감과 정정이 적힌 대로입니다.", len(v.releases))
}

package bundle

import (
	"time"

	"redress/internal/lang"
	"redress/internal/publication"
)

// documents are those that the log has whole by their hash.
type documents struct {
	rules        map[int]ruleDocument // by version
	models       []modelDocument
	schemes      map[schemeRef]schemeDocument
	restatements []restatement
}

type ruleDocument struct {
	opening
	publication.Rule
}

// modelDocument says how estimates are made: by which model, with which table of
// holidays.
type modelDocument struct {
	opening  opening
	Calendar publication.Hash `json:"calendar"`
	Model    string           `json:"model"`
}

type schemeRef struct {
	id      string
	version int
}

type schemeDocument struct {
	opening
	bytes []byte
}

type restatement struct {
	opening
	publication.Restatement
}

func (v *verifier) checkDocuments() {
	v.rules, v.schemes = map[int]ruleDocument{}, map[schemeRef]schemeDocument{}
	v.checkRules()
	v.checkModels()
	v.checkSchemes()
	v.checkRestatements()
}

// published reads a document that the log has by version and hash.
func (v *verifier) published(folder string, version int, entryType, subject string) (data []byte, o opening, ok bool) {
	path := numbered(folder, version, document)
	data, ok = v.read(path)
	o, opened := v.opened(numbered(folder, version, proof), entryType, subject)
	if !ok || !opened {
		return nil, o, false
	}
	numbered := v.says(o, "version", version)
	return data, o, v.hashed(o, "hash", path, data) && numbered
}

func (v *verifier) checkRules() {
	v.contiguous("rules")
	for _, version := range v.files.numbers("rules") {
		data, o, ok := v.published("rules", version, "rulebook.published", "disclosure_rule")
		if !ok {
			continue
		}
		path := numbered("rules", version, document)
		if err := unambiguous(data); err != nil {
			v.fail(path, err)
			continue
		}
		rule, err := publication.ParseRule(data)
		if err != nil {
			v.fail(path, err)
			continue
		}
		if rule.Version != version {
			v.finding(path, "version_wrong", "It says version %d and is published as %d.", "버전 %d이라고 적혀 있으나 %d(으)로 공개되었습니다.", rule.Version, version)
		}
		v.rules[version] = ruleDocument{o, rule}
	}
}

func (v *verifier) checkModels() {
	v.contiguous("model")
	for _, version := range v.files.numbers("model") {
		data, o, ok := v.published("model", version, "rulebook.published", "model")
		if !ok {
			continue
		}
		m := modelDocument{opening: o}
		if err := decode(data, &m); err != nil {
			v.fail(numbered("model", version, document), err)
			continue
		}
		v.models = append(v.models, m)
	}
}

func (v *verifier) checkSchemes() {
	for _, id := range v.files.under("schemes") {
		for _, version := range v.files.numbers("schemes/" + id) {
			v.versions++
			if data, o, ok := v.published("schemes/"+id, version, "scheme.published", id); ok {
				v.schemes[schemeRef{id, version}] = schemeDocument{o, data}
			}
		}
	}
}

func (v *verifier) checkRestatements() {
	v.contiguous("restatements")
	for _, n := range v.files.numbers("restatements") {
		path := numbered("restatements", n, document)
		r := restatement{}
		data, ok := v.decode(path, &r.Restatement)
		o, opened := v.opened(numbered("restatements", n, proof), "restatement.made", v.manifest.Incident)
		if !ok || !opened {
			continue
		}
		stated := v.says(o, "number", n)
		if !v.hashed(o, "hash", path, data) || !stated {
			continue
		}
		if last := len(v.restatements) - 1; last >= 0 {
			v.before(v.restatements[last].opening, o, "restatement_out_of_order")
		}
		r.opening = o
		v.restatements = append(v.restatements, r)
	}
}

func (v *verifier) documentsHold() lang.Text {
	return lang.F("%d rule(s), %d model(s), %d scheme version(s) and %d correction(s) are, byte for byte, those that the log has.",
		"규칙 %d개, 모형 %d개, 보상 기준 %d개, 정정 %d건의 내용이 로그에 기록된 것과 한 바이트도 다르지 않습니다.",
		len(v.rules), len(v.models), len(v.schemes), len(v.restatements))
}

// snapshot is what the log says of one that was sealed.
type snapshot struct {
	opening
	root       publication.Hash
	takenAt    time.Time
	rule       int // version
	ruleHash   string
	statistics string
}

// checkSnapshots holds the sealed snapshots against the log, the rules and each
// other.
func (v *verifier) checkSnapshots() {
	v.snapshots = make([]snapshot, v.contiguous("snapshots"))
	var last snapshot
	for _, n := range v.files.numbers("snapshots") {
		s, ok := v.sealed(n)
		if !ok {
			continue
		}
		v.snapshots[n-1] = s
		if last.path != "" {
			v.before(last.opening, s.opening, "snapshot_out_of_order")
			if s.takenAt.Before(last.takenAt) {
				v.finding(s.path, "snapshot_back_dated", "It is dated %s, and the snapshot before it %s.", "시각이 %s인데 앞선 스냅샷은 %s입니다.", stamp(s.takenAt), stamp(last.takenAt))
			}
		}
		last = s
	}
}

func (v *verifier) sealed(n int) (s snapshot, ok bool) {
	o, ok := v.opened(snapshotPath(n, "receipt"+proof), "snapshot.sealed", v.manifest.Incident)
	if !ok {
		return s, false
	}
	s.opening = o
	v.says(o, "number", n)
	v.says(o, "currency", v.manifest.Currency)
	var read [5]bool
	s.root, read[0] = v.hash(o, "root")
	s.takenAt, read[1] = v.instant(o, "taken_at")
	s.rule, read[2] = v.number(o, "rule_version")
	s.statistics, read[3] = v.text(o, "statistics_hash")
	s.ruleHash, read[4] = v.text(o, "rule_hash")
	if read != [5]bool{true, true, true, true, true} {
		return s, false
	}
	if s.takenAt.After(o.Entry.At) {
		v.finding(o.path, "snapshot_post_dated", "It is dated %s, later than its entry, %s.", "시각 %s이(가) 항목의 시각 %s보다 늦습니다.", stamp(s.takenAt), stamp(o.Entry.At))
	}
	v.foregoing(s)
	return s, true
}

// foregoing checks that the rule of a snapshot, and a model of its estimates, were in
// the log before it: nobody chose them for what came out.
func (v *verifier) foregoing(s snapshot) {
	rule, known := v.rules[s.rule]
	if !known {
		v.finding(s.path, "rule_missing", "Its rule is version %d, which is not in the bundle.", "규칙이 버전 %d인데 묶음에 없습니다.", s.rule)
	} else {
		v.says(s.opening, "rule_hash", rule.Hash())
		v.before(rule.opening, s.opening, "rule_after_snapshot")
		v.notDatedBefore(s, rule.opening)
	}
	if len(v.models) == 0 {
		v.finding(s.path, "model_missing", "No document says by which model its estimates were made.", "추정 모형을 밝힌 문서가 없습니다.")
		return
	}
	v.before(v.models[0].opening, s.opening, "model_after_snapshot")
}

// notDatedBefore refuses a snapshot that says it was taken before its rule was there.
func (v *verifier) notDatedBefore(s snapshot, rule opening) {
	if s.takenAt.Before(rule.Entry.At.Add(-tolerance)) {
		v.finding(s.path, "snapshot_back_dated", "It is dated %s, before its rule was published, %s.", "시각 %s이(가) 규칙이 공개된 %s보다 앞섭니다.", stamp(s.takenAt), stamp(rule.Entry.At))
	}
}

func (v *verifier) snapshotsHold() lang.Text {
	return lang.F("%d snapshot(s) were sealed in the order of their numbers, each after the rule and the model that made it.",
		"스냅샷 %d개가 번호 순서대로, 각각 그 규칙과 모형이 기록된 뒤에 봉인되었습니다.", len(v.snapshots))
}

// snapshot finds a snapshot that was read.
func (v *verifier) snapshot(n int) (snapshot, bool) {
	if n < 1 || n > len(v.snapshots) || v.snapshots[n-1].path == "" {
		return snapshot{}, false
	}
	return v.snapshots[n-1], true
}

// snapshotOf finds the snapshot that an entry names as its own, which has to precede
// it.
func (v *verifier) snapshotOf(o opening) (int, snapshot, bool) {
	n, ok := v.number(o, "snapshot")
	if !ok {
		return 0, snapshot{}, false
	}
	s, ok := v.snapshot(n)
	if !ok {
		v.noSnapshot(o, n)
		return n, s, false
	}
	v.says(o, "root", s.root)
	return n, s, true
}

func (v *verifier) noSnapshot(o opening, n int) {
	v.finding(o.path, "snapshot_missing", "It names snapshot %d, which is not in the bundle.", "스냅샷 %d을(를) 가리키는데 묶음에 없습니다.", n)
}

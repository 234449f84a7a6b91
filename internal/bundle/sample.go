package bundle

import (
	"encoding/hex"
	"encoding/json"
	"reflect"

	"redress/internal/lang"
	"redress/internal/publication"
)

// sample is one that was drawn from a sealed snapshot.
type sample struct {
	id       string
	drawn    opening
	snapshot int
	sealed   snapshot
	seed     publication.Hash
}

// checkSamples recomputes what chose each sample, what was drawn and, where the
// leaves and results are there, the bound.
func (v *verifier) checkSamples() {
	for _, id := range v.files.under("samples") {
		s := sample{id: id}
		var ok bool
		if ending := samplePath(id, "ended"+proof); v.manifest.Access == Public && !v.files.there[samplePath(id, "drawn"+proof)] {
			// The public is told of a sample when it has ended.
			if o, ok := v.opened(ending, "sample.ended", v.manifest.Incident); ok {
				v.endedAlone(id, o)
			}
			continue
		}
		if s.drawn, ok = v.opened(samplePath(id, "drawn"+proof), "sample.drawn", v.manifest.Incident); !ok {
			continue
		}
		v.says(s.drawn, "sample", id)
		if s.snapshot, s.sealed, ok = v.snapshotOf(s.drawn); !ok {
			continue
		}
		v.before(s.sealed.opening, s.drawn, "sample_before_snapshot")
		if !v.seeded(&s) {
			continue
		}
		v.samples++
		drawn, known := v.drawn(s)
		v.ended(s, drawn, known)
	}
}

// endedAlone checks what the entry of an ended sample says of where it was drawn.
func (v *verifier) endedAlone(id string, o opening) {
	v.says(o, "sample", id)
	if n, ok := v.number(o, "snapshot"); ok {
		if s, known := v.snapshot(n); known {
			v.before(s.opening, o, "sample_before_snapshot")
			v.samples++
		} else {
			v.noSnapshot(o, n)
		}
	}
}

// seeded checks that the seed is what root and nonce make it.
func (v *verifier) seeded(s *sample) bool {
	text, ok := v.text(s.drawn, "nonce")
	if !ok {
		return false
	}
	nonce, err := hex.DecodeString(text)
	if err != nil {
		v.finding(s.drawn.path, "fact_missing", "The entry does not state %s.", "항목에 %s이(가) 없습니다.", "nonce")
		return false
	}
	if s.seed, err = publication.Seed(s.sealed.root, nonce); err != nil {
		v.fail(s.drawn.path, err)
		return false
	}
	if said, ok := v.hash(s.drawn, "seed"); ok && said != s.seed {
		v.finding(s.drawn.path, "seed_wrong", "The seed is %s; root and nonce make it %s.", "시드가 %s인데 루트와 nonce에서 나온 값은 %s입니다.", said, s.seed)
	}
	return true
}

// drawn reads drawn.json and draws the sample again.
func (v *verifier) drawn(s sample) (publication.Sample, bool) {
	path := samplePath(s.id, "drawn"+document)
	if !v.files.there[path] {
		if v.manifest.Access.leaves() {
			v.finding(path, "file_missing", "The file is missing.", "파일이 없습니다.")
		}
		return publication.Sample{}, false
	}
	var said publication.Sample
	data, ok := v.decode(path, &said)
	if !ok || !v.hashed(s.drawn, "drawn_hash", path, data) {
		return said, false
	}
	units, ok := v.number(s.drawn, "units")
	measure, stated := v.text(s.drawn, "measure")
	if !ok || !stated {
		return said, false
	}
	if !v.files.there[leavesPath(s.snapshot)] {
		return said, true
	}
	made, err := publication.Draw(v.leaves(s.snapshot), publication.Measure(measure), units, s.seed)
	if err != nil {
		v.fail(path, err)
		return said, false
	}
	if !reflect.DeepEqual(said, made) {
		v.finding(path, "sample_differs", "It is not what the seed draws from the leaves: %d claims are listed, %d are drawn.",
			"시드로 잎에서 뽑은 것과 다릅니다. 적힌 청구는 %d건, 뽑힌 청구는 %d건입니다.", len(said.Drawn), len(made.Drawn))
		return said, false
	}
	return said, true
}

// ended checks the results of a sample and the bound that follows from them.
func (v *verifier) ended(s sample, drawn publication.Sample, known bool) {
	path := samplePath(s.id, "results"+document)
	ending := samplePath(s.id, "ended"+proof)
	if !v.files.there[path] && !v.files.there[ending] {
		return
	}
	o, ok := v.opened(ending, "sample.ended", v.manifest.Incident)
	if !ok {
		return
	}
	v.says(o, "sample", s.id)
	v.says(o, "snapshot", s.snapshot)
	v.before(s.drawn, o, "sample_ended_before_drawn")
	if !v.files.there[path] {
		if v.manifest.Access.leaves() {
			v.finding(path, "file_missing", "The file is missing.", "파일이 없습니다.")
		}
		return
	}
	var results Results
	data, ok := v.decode(path, &results)
	if !ok || !v.hashed(o, "results_hash", path, data) || !known {
		return
	}
	bound, err := drawn.Bound(results.Results, results.Bound.ConfidencePercent)
	if err != nil {
		v.fail(path, err)
		return
	}
	if !reflect.DeepEqual(bound, results.Bound) {
		v.finding(path, "bound_wrong", "The bound is not the one that follows from the results.", "결과에서 나온 오차 한계와 다릅니다.")
	}
	v.statesBound(o, bound.Relative(drawn.Total))
}

// statesBound checks that the entry states every figure of a bound.
func (v *verifier) statesBound(o opening, bound publication.RelativeBound) {
	written, err := json.Marshal(bound)
	if err != nil {
		v.fail(o.path, err)
		return
	}
	stated, err := facts(written)
	if err != nil {
		v.fail(o.path, err)
		return
	}
	for fact, is := range stated {
		v.says(o, fact, is)
	}
}

func (v *verifier) samplesHold() lang.Text {
	if v.samples == 0 {
		return lang.Text{}
	}
	if !v.withLeaves() {
		return lang.F("%d sample(s) ended after their snapshot was sealed.", "표본 %d개는 스냅샷이 봉인된 뒤에 끝났습니다.", v.samples)
	}
	return lang.F("%d sample(s) were drawn after their snapshot was sealed and drawn again from the leaves; the bounds of those that ended follow from their results.",
		"표본 %d개는 스냅샷이 봉인된 뒤에 뽑혔고 잎에서 다시 뽑아도 같습니다. 끝난 표본의 오차 한계는 그 결과에서 나온 것입니다.", v.samples)
}

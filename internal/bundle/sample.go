package bundle

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"redress/internal/lang"
	"redress/internal/publication"
)

// sample is one that was drawn from a sealed snapshot.
type sample struct {
	snapshot, n int // numbers
	id          string
	drawn       opening
	sealed      snapshot
	seed        publication.Hash
}

func (s sample) path(file string) string { return samplePath(s.snapshot, s.n, file) }

// samples is what is known of the samples of the incident.
type samples struct {
	looked int         // that hold
	here   sampleCount // in the bundle
	stated sampleCount // the most that an entry of the log states
	last   opening     // the last entry that states it
	closed int         // whose files are closed to the accountant
	// claims are those that were drawn; true while their files are open.
	claims map[publication.Hash]bool
}

// sampleCount counts samples as drawn and as ended.
type sampleCount struct{ drawn, ended int }

// checkSamples recomputes what chose each sample, what was drawn and, where the
// leaves and results are there, the bound; and finds samples that are not there.
func (v *verifier) checkSamples() {
	v.samples.claims = map[publication.Hash]bool{}
	for _, snapshot := range v.files.numbers("samples") {
		if v.manifest.Access == Auditor {
			v.contiguous(samplesOf(snapshot))
		}
		var last opening
		for _, n := range v.files.numbers(samplesOf(snapshot)) {
			s := sample{snapshot: snapshot, n: n}
			v.checkSample(&s)
			if last.path != "" && s.drawn.path != "" {
				v.before(last, s.drawn, "sample_out_of_order")
			}
			last = s.drawn
		}
	}
	v.countSamples()
}

func (v *verifier) checkSample(s *sample) {
	drawn, ended := v.files.there[s.path("drawn"+proof)], v.files.there[s.path("ended"+proof)]
	if drawn {
		v.samples.here.drawn++
	}
	if ended {
		v.samples.here.ended++
	}
	if v.manifest.Access != Auditor && ended && !drawn && !v.files.there[s.path("drawn"+document)] && !v.files.there[s.path("results"+document)] {
		// Who did not draw it, and does not audit it, is told of a sample when it has ended.
		v.endedAlone(*s)
		return
	}
	var ok bool
	if s.drawn, ok = v.opened(s.path("drawn"+proof), "sample.drawn", v.manifest.Incident); !ok {
		return
	}
	v.says(s.drawn, "number", s.n)
	if s.id, ok = v.text(s.drawn, "sample"); !ok || !v.says(s.drawn, "snapshot", s.snapshot) {
		return
	}
	if _, s.sealed, ok = v.snapshotOf(s.drawn); !ok {
		return
	}
	v.before(s.sealed.opening, s.drawn, "sample_before_snapshot")
	if !v.seeded(s) {
		return
	}
	v.samples.looked++
	listed, known := v.drawn(*s)
	v.ended(*s, listed, known)
	if known {
		v.draws(*s, listed)
	}
}

// draws notes the claims of a sample, and whether their files have to be there.
func (v *verifier) draws(s sample, drawn publication.Sample) {
	open := true
	if end, ended := v.openings[s.path("ended"+proof)]; ended {
		made, err := time.Parse(time.RFC3339Nano, v.manifest.MadeAt)
		open = err != nil || made.Before(end.Entry.At.Add(SamplesOpen-tolerance))
	}
	if !open {
		v.samples.closed++
	}
	for _, d := range drawn.Drawn {
		v.samples.claims[d.ID] = v.samples.claims[d.ID] || open
	}
}

// endedAlone checks what the entry of an ended sample says of where it was drawn.
func (v *verifier) endedAlone(s sample) {
	o, ok := v.opened(s.path("ended"+proof), "sample.ended", v.manifest.Incident)
	if !ok {
		return
	}
	v.says(o, "number", s.n)
	if !v.says(o, "snapshot", s.snapshot) {
		return
	}
	sealed, known := v.snapshot(s.snapshot)
	if !known {
		v.noSnapshot(o, s.snapshot)
		return
	}
	v.before(sealed.opening, o, "sample_before_snapshot")
	v.samples.looked++
}

// countSamples finds samples that are missing though an entry counts them. Who gets
// only some of them as drawn, misses none of these.
func (v *verifier) countSamples() {
	var drawn, ended opening // that state the most
	for _, path := range slices.Sorted(maps.Keys(v.openings)) {
		o := v.openings[path]
		if o.Entry.Subject != v.manifest.Incident || !slices.Contains([]string{"snapshot.sealed", "release.published", "sample.drawn", "sample.ended"}, o.Entry.Type) {
			continue
		}
		if n, ok := v.number(o, "samples_drawn"); ok && n > v.samples.stated.drawn {
			v.samples.stated.drawn, drawn = n, o
		}
		if n, ok := v.number(o, "samples_ended"); ok && n > v.samples.stated.ended {
			v.samples.stated.ended, ended = n, o
		}
		if v.samples.last.path == "" || o.LeafIndex > v.samples.last.LeafIndex {
			v.samples.last = o
		}
	}
	stated, here := v.samples.stated, v.samples.here
	if v.manifest.Access == Auditor && stated.drawn > here.drawn {
		v.finding(drawn.path, "samples_missing", "%d sample(s) had been drawn by entry %d of the log, which says so; %d are here.",
			"이 항목은 로그의 %[2]d번 항목까지 표본 %[1]d개를 뽑았다고 하는데 묶음에는 %[3]d개가 있습니다.", stated.drawn, drawn.LeafIndex, here.drawn)
	}
	if stated.ended > here.ended {
		v.finding(ended.path, "samples_missing", "%d sample(s) had ended by entry %d of the log, which says so; the ends of %d are here.",
			"이 항목은 로그의 %[2]d번 항목까지 표본 %[1]d개가 끝났다고 하는데 묶음에는 %[3]d개의 결과가 있습니다.", stated.ended, ended.LeafIndex, here.ended)
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
	path := s.path("drawn" + document)
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
	path, ending := s.path("results"+document), s.path("ended"+proof)
	if !v.files.there[path] && !v.files.there[ending] {
		return
	}
	o, ok := v.opened(ending, "sample.ended", v.manifest.Incident)
	if !ok {
		return
	}
	v.says(o, "sample", s.id)
	v.says(o, "snapshot", s.snapshot)
	v.says(o, "number", s.n)
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
	n := v.samples.looked
	if n == 0 {
		return lang.Text{}
	}
	if !v.withLeaves() {
		return lang.F("%d sample(s) ended after their snapshot was sealed; none that the log counts as ended is left out.",
			"표본 %d개는 스냅샷이 봉인된 뒤에 끝났습니다. 로그가 끝났다고 센 표본은 빠짐없이 있습니다.", n)
	}
	return lang.F("%d sample(s) were drawn after their snapshot was sealed and drawn again from the leaves, in the order of their numbers; the bounds of those that ended follow from their results. "+
		"None that the log counts as ended is left out.",
		"표본 %d개는 스냅샷이 봉인된 뒤에 번호 순서대로 뽑혔고 잎에서 다시 뽑아도 같습니다. 끝난 표본의 오차 한계는 그 결과에서 나온 것이며, 로그가 끝났다고 센 표본은 빠짐없이 있습니다.", n)
}

// unknownOfSamples says what of the samples cannot be known: those of others, and
// those after the last entry that counts them.
func (v *verifier) unknownOfSamples() []lang.Text {
	var texts []lang.Text
	if last := v.samples.last; last.path != "" {
		texts = append(texts, lang.F(
			"Entry %d is the last one here that counts samples: whether one was drawn, or ended, after it cannot be known.",
			"여기서 표본 수를 밝힌 마지막 항목은 %d번입니다. 그 뒤에 뽑거나 끝난 표본이 있는지는 알 수 없습니다.", last.LeafIndex))
	}
	if others := v.samples.stated.drawn - v.sampleFolders(); others > 0 && v.manifest.Access != Auditor {
		texts = append(texts, lang.F(
			"%d more sample(s) were drawn and had not ended by then; they are not here. What was drawn, and for whom, auditors see.",
			"여기에 없는 표본 %d개가 더 뽑혔고 그때까지 끝나지 않았습니다. 무엇을 누구에게 뽑았는지는 감사인이 볼 수 있습니다.", others))
	}
	if v.samples.closed > 0 && v.manifest.Access == Accountant {
		texts = append(texts, lang.F(
			"%d sample(s) ended more than %d days before the bundle was made: their files are closed, and estimates of their claims need not be here.",
			"표본 %d개는 묶음을 만들기 %d일보다 더 전에 끝나 파일이 닫혔으므로 그 청구의 추정이 없을 수 있습니다.", v.samples.closed, int(SamplesOpen.Hours()/24)))
	}
	return texts
}

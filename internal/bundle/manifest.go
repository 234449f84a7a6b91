package bundle

import (
	"slices"
	"time"

	"redress/internal/lang"
)

// readManifest reads what the bundle says of itself, to know which incident and
// which documents to expect.
func (v *verifier) readManifest() {
	if _, ok := v.decode(manifestPath, &v.manifest); !ok {
		return
	}
	if m := v.manifest; m.Format != Format {
		v.lies("format", m.Format, Format)
	}
	if m := v.manifest; !slices.Contains([]Access{Public, Auditor, Accountant}, m.Access) {
		v.lies("access", string(m.Access), "public|auditor|accountant")
	}
}

func (v *verifier) lies(field string, said, is any) {
	v.finding(manifestPath, "manifest_wrong", "%s is %v; %v is right.", "%s이(가) %v입니다. %v이어야 합니다.", field, said, is)
}

func (v *verifier) sampleFolders() (n int) {
	for _, snapshot := range v.files.numbers("samples") {
		n += len(v.files.numbers(samplesOf(snapshot)))
	}
	return n
}

// checkManifest holds what the bundle says of itself against what is in it.
func (v *verifier) checkManifest() {
	m := v.manifest
	if m.Format == "" {
		return // said already
	}
	for _, n := range []struct {
		field    string
		said, is int
	}{
		{"snapshots", m.Snapshots, len(v.snapshots)}, {"releases", m.Releases, len(v.releases)},
		{"restatements", m.Restatements, len(v.files.numbers("restatements"))}, {"rules", m.Rules, len(v.files.numbers("rules"))},
		{"models", m.Models, len(v.files.numbers("model"))}, {"schemes", m.Schemes, v.versions},
		{"samples", m.Samples, v.sampleFolders()}, {"estimates", m.Estimates, len(v.files.under("estimates")) - v.estimates.erased},
		{"erased", m.Erased, v.estimates.erased},
	} {
		if n.said != n.is {
			v.lies(n.field, n.said, n.is)
		}
	}
	if size := v.audited.Checkpoint.TreeSize; v.logSound && m.Entries != size {
		v.lies("entries", m.Entries, size)
	}
	if m.Access != Accountant && len(v.files.under("estimates")) > 0 {
		v.lies("access", m.Access, Accountant)
	}
	if m.Access == Public && v.withLeaves() {
		v.lies("access", m.Access, Auditor)
	}
	made, err := time.Parse(time.RFC3339Nano, m.MadeAt)
	if err != nil {
		v.lies("made_at", m.MadeAt, "RFC 3339")
		return
	}
	for _, o := range v.openings {
		if o.Entry.At.After(made.Add(tolerance)) {
			v.lies("made_at", m.MadeAt, lang.F("not before %s", "%s 이후", stamp(o.Entry.At)))
			return
		}
	}
}

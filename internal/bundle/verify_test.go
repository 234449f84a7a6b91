package bundle_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"redress/internal/bundle"
	"redress/internal/lang"
	"redress/internal/publication"
)

// found are the findings as "pointer code".
func found(r bundle.Report) []string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.Pointer+" "+f.Code)
	}
	return all
}

// verified verifies files that have to hold.
func verified(t testing.TB, files fstest.MapFS, o bundle.Options) bundle.Report {
	t.Helper()
	r, err := bundle.Verify(files, readers(t), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("%s %s: %s", f.Pointer, f.Code, f.Detail.EN)
	}
	return r
}

func said(texts []lang.Text) string {
	var all []string
	for _, text := range texts {
		all = append(all, text.EN)
	}
	return strings.Join(all, "\n")
}

// auditors are the contents as an auditor gets them, and public as everybody does.
func (o *operator) auditors() bundle.Contents {
	c := o.contents
	c.Access, c.Estimates = bundle.Auditor, nil
	return c
}

func (o *operator) public() bundle.Contents {
	c := o.auditors()
	c.Access = bundle.Public
	c.Snapshots = nil
	for _, s := range o.contents.Snapshots {
		c.Snapshots = append(c.Snapshots, bundle.Snapshot{Receipt: s.Receipt})
	}
	c.Samples = nil
	for _, s := range o.contents.Samples {
		c.Samples = append(c.Samples, bundle.Sample{Snapshot: s.Snapshot, Number: s.Number, Ended: s.Ended})
	}
	return c
}

// A bundle that nobody tampered with has no finding, says what holds, and what it
// cannot show.
func TestACleanBundleHolds(t *testing.T) {
	o := tell(t, lies{})
	contents := map[bundle.Access]bundle.Contents{bundle.Public: o.public(), bundle.Auditor: o.auditors(), bundle.Accountant: o.contents}
	for access, c := range contents {
		t.Run(string(access), func(t *testing.T) {
			r := verified(t, filesOf(t, c), bundle.Options{Previous: o.kept, Remake: remake})
			holds, unknown := said(r.Holds), said(r.Unknown)
			if leaves := access != bundle.Public; strings.Contains(holds, "made again from them") != leaves || strings.Contains(unknown, "There are no leaves") == leaves {
				t.Errorf("holds:\n%s\nunknown:\n%s", holds, unknown)
			}
			if estimates := access == bundle.Accountant; strings.Contains(holds, fmt.Sprintf("%d came out byte for byte", len(o.contents.Estimates)-1)) != estimates || strings.Contains(unknown, "There are no estimates") == estimates {
				t.Errorf("holds:\n%s\nunknown:\n%s", holds, unknown)
			}
			for _, always := range []string{"was invented", "bank status files", "what was logged after", "the last one here that counts samples"} {
				if !strings.Contains(unknown, always) {
					t.Errorf("%q is not said to be unknown:\n%s", always, unknown)
				}
			}
			if r.Err() != nil {
				t.Error(r.Err())
			}
		})
	}
}

// What was not given is said to be unknown.
func TestWhatIsNotGivenIsUnknown(t *testing.T) {
	o := tell(t, lies{})
	whole := o.files()
	for name, c := range map[string]struct {
		tamper  func(fstest.MapFS)
		options bundle.Options
		unknown string
	}{
		"no earlier checkpoint": {func(fstest.MapFS) {}, bundle.Options{}, "No earlier checkpoint"},
		"no witness": {func(files fstest.MapFS) {
			bare, _, _ := strings.Cut(string(files["log/checkpoint"].Data), "— witness.example")
			files["log/checkpoint"] = &fstest.MapFile{Data: []byte(bare)}
			delete(files, "log/checkpoint.witnessed")
		}, bundle.Options{}, "unwitnessed"},
		"a witness that saw less": {func(files fstest.MapFS) {
			bare, _, _ := strings.Cut(string(files["log/checkpoint"].Data), "— witness.example")
			files["log/checkpoint"] = &fstest.MapFile{Data: []byte(bare)}
			files["log/checkpoint.witnessed"] = &fstest.MapFile{Data: o.kept[0]}
		}, bundle.Options{}, "Witnesses saw the first 305 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(whole)
			c.tamper(files)
			if r := verified(t, files, c.options); !strings.Contains(said(r.Unknown), c.unknown) {
				t.Errorf("%q is not said to be unknown:\n%s", c.unknown, said(r.Unknown))
			}
		})
	}
}

// An accountant gets their own samples as drawn, and of others how they ended; the
// number tells that there are more. What others drew is promised to nobody else.
func TestAnAccountantMissesNoSampleOfOthers(t *testing.T) {
	o := tell(t, lies{})
	c := o.contents
	other := c.Samples[1]
	c.Samples = []bundle.Sample{c.Samples[0], {Snapshot: other.Snapshot, Number: other.Number, Ended: other.Ended}}
	own := map[publication.Hash]bool{}
	var drawn publication.Sample
	if err := json.Unmarshal(c.Samples[0].Drawn, &drawn); err != nil {
		t.Fatal(err)
	}
	for _, d := range drawn.Drawn {
		own[d.ID] = true
	}
	c.Estimates = slices.DeleteFunc(slices.Clone(c.Estimates), func(e bundle.Estimate) bool { return !own[e.ID] })
	verified(t, filesOf(t, c), bundle.Options{Previous: o.kept, Remake: remake})

	// Before the other has ended.
	c = tellShort(t, lies{entry: func(_ string, facts map[string]any, _ *time.Time) {
		if drawn, counted := facts["samples_drawn"].(int); counted && drawn > 0 {
			facts["samples_drawn"] = drawn + 1
		}
	}}).public()
	if r := verified(t, filesOf(t, c), bundle.Options{}); !strings.Contains(said(r.Unknown), "1 more sample(s) were drawn and had not ended") {
		t.Errorf("of the sample that is under way is said:\n%s", said(r.Unknown))
	}
}

// After a sample has been over for a while its files are closed, and nothing of its
// claims is missing.
func TestEstimatesOfAClosedSampleAreNotMissed(t *testing.T) {
	o := tell(t, lies{})
	c := o.contents
	c.Estimates = nil
	c.MadeAt = c.MadeAt.Add(bundle.SamplesOpen - 10*24*time.Hour)
	r, err := bundle.Verify(filesOf(t, c), readers(t), bundle.Options{})
	if err != nil || !strings.Contains(strings.Join(found(r), "\n"), "estimate_missing") {
		t.Errorf("while it is open: %v, %v", found(r), err)
	}
	c.MadeAt = o.contents.MadeAt.Add(bundle.SamplesOpen)
	if r := verified(t, filesOf(t, c), bundle.Options{}); !strings.Contains(said(r.Unknown), "2 sample(s) ended more than 30 days before") {
		t.Errorf("once it is closed: %s", said(r.Unknown))
	}
}

// Without anything in it, a bundle is no clean one.
func TestAnEmptyBundleDoesNotHold(t *testing.T) {
	r, err := bundle.Verify(fstest.MapFS{}, readers(t), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Err() == nil {
		t.Error("it holds")
	}
}

package bundle_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"redress/internal/bundle"
	"redress/internal/lang"
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
	c.Samples = []bundle.Sample{{ID: sampleID, Ended: o.contents.Samples[0].Ended}}
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
			if estimates := access == bundle.Accountant; strings.Contains(holds, "2 came out byte for byte") != estimates || strings.Contains(unknown, "There are no estimates") == estimates {
				t.Errorf("holds:\n%s\nunknown:\n%s", holds, unknown)
			}
			for _, always := range []string{"was invented", "bank status files", "what was logged after"} {
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
		}, bundle.Options{}, "Witnesses saw the first 307 entries"},
		"no receipts of estimates": {func(files fstest.MapFS) {
			maps.DeleteFunc(files, func(path string, _ *fstest.MapFile) bool {
				return strings.HasPrefix(path, "estimates/") && strings.HasSuffix(path, ".tlog-proof")
			})
		}, bundle.Options{}, "For 2 estimate(s) there is no receipt"},
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

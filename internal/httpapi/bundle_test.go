package httpapi_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"redress/internal/bundle"
	"redress/internal/claims"
	"redress/internal/httpapi"
	"redress/internal/identity"
	"redress/internal/publication"
)

// downloaded is a bundle as somebody has it on their own machine.
type downloaded struct {
	zip      []byte
	manifest bundle.Manifest
	report   bundle.Report
}

// downloads has somebody download the bundle of an incident and verify it with the
// keys of the log.
func (s *server) downloads(t *testing.T, who, incident string) downloaded {
	t.Helper()
	a := s.send(t, get(who, "incidents/{"+incident+"}/bundle"))
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%q: %d %v %s", who, a.status, a.header, a.body)
	}
	d := downloaded{zip: a.body}
	files, err := bundle.OpenZip(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	if d.report, err = bundle.Verify(files, trustedKeys(t), bundle.Options{Remake: claims.Remake}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(d.file(t, "bundle.json")), &d.manifest); err != nil {
		t.Fatal(err)
	}
	for _, f := range d.report.Findings {
		t.Errorf("%q: %s: %s", who, f.Pointer, f.Detail.EN)
	}
	if want := fmt.Sprintf(`filename="%s-%s.zip"`, s.names[incident], d.manifest.Access); !strings.Contains(a.header.Get("Content-Disposition"), want) {
		t.Errorf("%q: named %s", who, a.header.Get("Content-Disposition"))
	}
	return d
}

// each hands over the files of the bundle, unpacked.
func (d downloaded) each(t *testing.T, visit func(name, text string)) {
	t.Helper()
	files, err := zip.NewReader(bytes.NewReader(d.zip), int64(len(d.zip)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var from io.Reader = content
		if strings.HasSuffix(f.Name, ".gz") {
			if from, err = gzip.NewReader(content); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		visit(f.Name, string(text))
	}
}

func (d downloaded) file(t *testing.T, name string) (found string) {
	t.Helper()
	d.each(t, func(file, text string) {
		if file == name {
			found = text
		}
	})
	return found
}

// count is what a bundle has of what differs by access.
func (d downloaded) count(t *testing.T) string {
	t.Helper()
	leaves := 0
	d.each(t, func(name, _ string) {
		if strings.HasSuffix(name, "/leaves.ndjson.gz") {
			leaves++
		}
	})
	m := d.manifest
	return fmt.Sprintf("%s: %d snapshots, %d lists of leaves, %d releases, %d samples, %d estimates", m.Access, m.Snapshots, leaves, m.Releases, m.Samples, m.Estimates)
}

// Everybody downloads what they may see, and it verifies by itself.
func TestEverybodyDownloadsABundleThatVerifies(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.make(t, "sample", post("auditor", "incidents/{incident}/snapshots/1/samples", instead(instead(sampleAsk, `"units": 3`, `"units": 11`), "5162", "5163")))
		s.issue(t, "other", claims.KeyRequest{Role: identity.Accountant, Person: "other-accountant"})
		s.integrate(t)
		const (
			public     = "public: 1 snapshots, 0 lists of leaves, 1 releases, 0 samples, 0 estimates"
			auditor    = "auditor: 1 snapshots, 1 lists of leaves, 1 releases, 2 samples, 0 estimates"
			accountant = "accountant: 1 snapshots, 1 lists of leaves, 1 releases, 2 samples, 11 estimates"
		)
		for who, want := range map[string]string{
			"": public, "driver": public, "reviewer": public, "platform": public, "other": public, "auditor": auditor, "admin": auditor, "accountant": accountant,
		} {
			if got := s.downloads(t, who, "incident").count(t); got != want {
				t.Errorf("%q downloads %s; want %s", who, got, want)
			}
		}
		said := wordsOf(s.downloads(t, "accountant", "incident").report)
		for _, want := range []string{"1 release(s) were made again from them byte for byte", "2 sample(s) were drawn", "11 came out byte for byte", "the hash of 11 is in the log"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not said: %s", want, said)
			}
		}
		reads := s.must(t, get("client", "claims/{mine}/reads"))["reads"].([]any)
		last := reads[0].(map[string]any)
		if len(reads) != 2 || last["role"] != "accountant" || !strings.HasPrefix(last["purpose"].(string), "audit of sample ") || last["what"] != "claim" {
			t.Errorf("the claimant sees the looks %v", reads)
		}
		s.cosign(t)
		if said := wordsOf(s.downloads(t, "", "incident").report); strings.Contains(said, "unwitnessed") {
			t.Errorf("of a log that is witnessed is said %s", said)
		}
	})
}

func wordsOf(r bundle.Report) string {
	var b strings.Builder
	for _, text := range slices.Concat(r.Holds, r.Unknown) {
		b.WriteString(text.EN + "\n")
	}
	return b.String()
}

// How a sample ended is for everybody; its files close to the accountant after a
// while.
func TestABundleTellsHowASampleEnded(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.must(t, post("auditor", "incidents/{incident}/snapshots", ""))
		s.integrate(t)
		first := s.names["sample"]
		s.make(t, "sample", post("auditor", "incidents/{incident}/snapshots/2/samples", sampleAsk))
		for _, id := range []string{first, s.names["sample"]} {
			s.names["sample"] = id
			var results []string
			for _, d := range decode[httpapi.Sample](t, s.send(t, get("accountant", "samples/{sample}"))).Drawn {
				results = append(results, `{"id": "`+d.ID.String()+`", "correct": 1}`)
			}
			s.must(t, post("accountant", "samples/{sample}/results", `{"confidence_percent": 80, "results": [`+strings.Join(results, ",")+`]}`))
		}
		s.integrate(t)
		told := s.downloads(t, "", "incident")
		if told.manifest.Samples != 2 || told.file(t, "samples/1/1/ended.tlog-proof") == "" || told.file(t, "samples/1/1/results.json") != "" {
			t.Errorf("the public gets %s", told.count(t))
		}
		if d := s.downloads(t, "auditor", "incident"); d.manifest.Samples != 2 || d.file(t, "samples/1/1/results.json") == "" {
			t.Errorf("the auditor gets %s", d.count(t))
		}
		s.issue(t, "other", claims.KeyRequest{Role: identity.Accountant, Person: "other-accountant"})
		s.must(t, post("auditor", "incidents/{incident}/snapshots/2/samples", instead(instead(sampleAsk, "5162", "5163"), "desk-accountant", "other-accountant")))
		s.must(t, post("auditor", "incidents/{incident}/snapshots", "")) // counts the samples
		s.integrate(t)
		if d := s.downloads(t, "other", "incident"); d.manifest.Access != bundle.Accountant || d.manifest.Samples != 3 ||
			d.file(t, "samples/1/1/ended.tlog-proof") == "" || d.file(t, "samples/1/1/drawn.json") != "" || d.file(t, "samples/2/2/drawn.json") == "" {
			t.Errorf("another accountant gets %s", d.count(t))
		}
		if d := s.downloads(t, "accountant", "incident"); d.manifest.Samples != 2 || !strings.Contains(wordsOf(d.report), "1 more sample(s) were drawn") {
			t.Errorf("the accountant gets %s: %s", d.count(t), wordsOf(d.report))
		}
		s.clock.set(today.AddDate(0, 0, 29))
		if d := s.downloads(t, "accountant", "incident"); d.manifest.Access != bundle.Accountant || d.manifest.Estimates == 0 {
			t.Errorf("after 29 days the accountant gets %s", d.count(t))
		}
		s.clock.set(today.AddDate(0, 0, 30))
		if d := s.downloads(t, "accountant", "incident"); d.manifest.Access != bundle.Public {
			t.Errorf("after 30 days the accountant gets %s", d.count(t))
		}
	})
}

var identifier = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// What the public and auditors download names no person and no claim, not even in
// what receipts open.
func TestABundleNamesNobody(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.integrate(t)
		persons := []string{"홍길동", "나길동", "새벽미용실", "5551-2345", "55512345", "02-555-01", "025550142", "D-1001", "D-5005", "123-45-67891", "1234567891"}
		known := map[string]bool{}
		for _, table := range []string{"claims", "claimants", "keys"} {
			for row := range s.data.rows(t, table) {
				id, _, _ := bytes.Cut(row, []byte("|"))
				known[string(id)] = true
			}
		}
		if !known[s.names["decided"]] || !known[s.names["client"]] {
			t.Fatal("the ids that are looked for are not those of claims and claimants")
		}
		for _, who := range []string{"", "auditor"} {
			s.downloads(t, who, "incident").each(t, func(name, text string) {
				for line := range strings.Lines(text) {
					if opening, ok := strings.CutPrefix(line, "extra "); ok {
						body, err := base64.StdEncoding.DecodeString(strings.TrimSpace(opening))
						if err != nil {
							t.Fatal(err)
						}
						text += string(body)
					}
				}
				for _, id := range identifier.FindAllString(text, -1) {
					if known[id] {
						t.Errorf("%q: %s has the id %s", who, name, id)
					}
				}
				for _, person := range persons {
					if strings.Contains(text, person) && !strings.HasPrefix(name, "log/") {
						t.Errorf("%q: %s has %q", who, name, person)
					}
				}
			})
		}
		if !strings.Contains(s.downloads(t, "accountant", "incident").fileLike(t, "/estimate.json"), `"claim_id"`) {
			t.Error("the search itself does not work: an accountant's estimates name the claim")
		}
	})
}

func (d downloaded) fileLike(t *testing.T, ending string) (found string) {
	t.Helper()
	d.each(t, func(file, text string) {
		if strings.HasSuffix(file, ending) {
			found = text
		}
	})
	return found
}

// What is not in the log yet is left out of a bundle, and is no error.
func TestABundleIsOfOneCheckpoint(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.cosign(t)
		s.must(t, post("auditor", "incidents/{incident}/snapshots", ""))
		s.must(t, post("admin", "incidents/{incident}/releases", `{"snapshot": 2}`))
		s.must(t, post("admin", "incidents/{incident}/restatements", restated))
		s.must(t, request{as: "admin", line: "PUT /v1/disclosure-rule", header: ifMatch(`"v1"`), body: strings.Replace(string(publication.DefaultRule().Source()), `"version": 1`, `"version": 2`, 1)})
		for _, who := range []string{"", "auditor", "accountant"} {
			d := s.downloads(t, who, "incident")
			if m := d.manifest; m.Snapshots != 1 || m.Releases != 1 || m.Restatements != 1 || m.Rules != 1 || m.Samples != 0 || m.Estimates != 0 {
				t.Errorf("%q downloads %+v", who, m)
			}
		}
		s.integrate(t) // beyond what the witness has seen
		if m := s.downloads(t, "", "incident").manifest; m.Snapshots != 2 || m.Releases != 2 || m.Restatements != 2 || m.Rules != 2 {
			t.Errorf("once all is in the log: %+v", m)
		}
		if m := s.downloads(t, "admin", "late").manifest; m.Snapshots != 0 || m.Schemes != 1 {
			t.Errorf("of an incident without claims: %+v", m)
		}
	})
}

// An estimate is the one that the snapshot counted, whatever was estimated since.
func TestABundleHasTheEstimateOfTheSnapshot(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.make(t, "sample", post("auditor", "incidents/{incident}/snapshots/1/samples", instead(instead(sampleAsk, `"units": 3`, `"units": 11`), "5162", "5163")))
		s.clock.set(today.AddDate(0, 0, 1))
		again := instead(sandboxScheme, `"version": 1`, `"version": 2`)
		s.must(t, request{as: "admin", line: "POST /v1/schemes", body: again})
		s.must(t, request{as: "admin", line: "PUT /v1/incidents/{incident}/scheme", header: ifMatch(`"v2"`), body: `{"id": "sandbox-2022", "version": 2}`})
		made, err := s.service.Reevaluate(t.Context(), identity.Actor{Role: identity.Admin}, s.names["incident"], claims.SchemeRef{ID: "sandbox-2022", Version: 2}, func(int) {})
		if err != nil || made.Made == 0 {
			t.Fatalf("estimated again: %+v, %v", made, err)
		}
		s.integrate(t)
		d := s.downloads(t, "accountant", "incident")
		if d.manifest.Estimates != 11 || d.manifest.Schemes != 2 {
			t.Errorf("%+v", d.manifest)
		}
		d.each(t, func(name, text string) {
			if strings.HasSuffix(name, "/estimate.json") && !strings.Contains(text, `"scheme":{"id":"sandbox-2022","version":1,`) {
				t.Errorf("%s is %s", name, text)
			}
		})
	})
}

// The claims of a person who was forgotten stay in the leaves; their estimates are
// gone from what accountants get, too.
func TestABundleLeavesOutWhoWasForgotten(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.make(t, "sample", post("auditor", "incidents/{incident}/snapshots/1/samples", instead(instead(sampleAsk, `"units": 3`, `"units": 11`), "5162", "5163")))
		s.must(t, request{as: "driver", line: "POST /v1/claims/{submitted}/withdraw", header: s.tag(t, "submitted")})
		s.must(t, post("admin", "claimants/{driver}/erase", askErasure))
		s.integrate(t)
		d := s.downloads(t, "accountant", "incident")
		if d.manifest.Estimates != 10 || d.manifest.Erased != 1 || d.fileLike(t, "/erased.tlog-proof") == "" {
			t.Errorf("%s, %d erased", d.count(t), d.manifest.Erased)
		}
		if said := wordsOf(d.report); !strings.Contains(said, "10 estimate(s), and for 1 claim(s) the entry that the claimant was erased") {
			t.Errorf("said is %s", said)
		}
	})
}

func TestABundleIsRefusedBeforeItsFirstByte(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		early := refusal{"before the first checkpoint", get("", "incidents/{incident}/bundle"), 409, "bundle_not_ready", nil}
		s.refuses(t, early)
		if after := s.send(t, early.request).header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After: %q", after)
		}
		s.integrate(t)
		for _, r := range []refusal{
			{"of a draft", get("", "incidents/{draft}/bundle"), 404, "incident_not_found", nil},
			{"of an incident that is not there", get("auditor", "incidents/"+noClaim+"/bundle"), 404, "incident_not_found", nil},
			{"by a key that is revoked", get("revoked", "incidents/{incident}/bundle"), 401, "key_not_valid", nil},
		} {
			s.refuses(t, r)
		}
		if d := s.downloads(t, "admin", "draft"); d.manifest.Access != bundle.Auditor {
			t.Errorf("the draft's: %+v", d.manifest)
		}
	})
}

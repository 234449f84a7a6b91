package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
	"redress/internal/httpapi"
	"redress/internal/publication"
)

// Valid documents of publication.
const (
	restated   = `{"release": 1, "measure": "claimed", "reason": {"ko": "수수료를 두 번 셌습니다.", "en": "Fees were counted twice & again."}}`
	sampleAsk  = `{"measure": "count", "units": 3, "nonce": "5f1d7a6c0e3b49829a4c1d2e3f405162", "accountant": "desk-accountant"}`
	askErasure = `{"reason": "asked"}`
)

// inPublic runs a test on each engine at a desk that has published.
func inPublic(t *testing.T, f func(t *testing.T, s *server)) {
	t.Helper()
	inDesks(t, func(t *testing.T, s *server) {
		s.publish(t)
		f(t, s)
	})
}

// publish seals, releases and restates the first snapshot, and draws a sample of
// it. All but the sample is in the log.
func (s *server) publish(t *testing.T) {
	t.Helper()
	s.must(t, post("auditor", "incidents/{incident}/snapshots", ""))
	s.must(t, post("admin", "incidents/{incident}/releases", `{"snapshot": 1}`))
	s.must(t, post("admin", "incidents/{incident}/restatements", restated))
	s.integrate(t)
	s.make(t, "sample", post("auditor", "incidents/{incident}/snapshots/1/samples", sampleAsk))
	s.nameDrawn(t)
}

// nameDrawn names the claims that were drawn: {drawn} is an index of one, and
// {drawn0} and so on are their ids.
func (s *server) nameDrawn(t *testing.T) {
	t.Helper()
	for i, d := range decode[httpapi.Sample](t, s.send(t, get("accountant", "samples/{sample}"))).Drawn {
		s.names["drawn"], s.names[fmt.Sprintf("drawn%d", i)] = fmt.Sprint(d.Index), d.ID.String()
	}
}

// with adds a header to a request.
func (r request) with(name, value string) request {
	header := map[string]string{}
	maps.Copy(header, r.header)
	header[name] = value
	r.header = header
	return r
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestTotalsAreThoseOfTheNewestRelease(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		for by, want := range map[string]int{"": 0, "?by=service": 1, "?by=status&release=1": 1, "?by=month,status": 1} {
			a := s.send(t, get("", "incidents/{incident}/totals"+by))
			got := decode[httpapi.Totals](t, a)
			count := got.Measures[0]
			if got.Release != 1 || got.Snapshot != 1 || count.Measure != publication.Count || count.Total == nil || *count.Total != 11 || len(count.Tables) != want {
				t.Errorf("%q: %s", by, a.body)
			}
			if want == 1 {
				sum := count.Tables[0].Rest
				for _, row := range count.Tables[0].Rows {
					if row.Value != nil {
						sum += *row.Value
					}
				}
				if sum != *count.Total {
					t.Errorf("%q: the table adds up to %d", by, sum)
				}
			}
			if len(got.Restatements) != 1 || len(got.Definitions) == 0 || got.Rule.Text.KO == "" || a.header.Get("Cache-Control") != "public, max-age=60" {
				t.Errorf("%q: %s %v", by, a.body, a.header)
			}
		}
	})
}

// A tag stands for the very bytes of an answer: for what was said of the release
// since, and for who vouches for it, too.
func TestTotalsAreTaggedByAllThatTheySay(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		read := get("", "incidents/{incident}/totals?by=service")
		tags := map[string]bool{}
		state := func(want string, witnesses ...string) {
			t.Helper()
			a := s.send(t, read)
			got, tag := decode[httpapi.Totals](t, a), a.header.Get("ETag")
			if tags[tag] || tag != `"`+hashOf(a.body)+`"` {
				t.Errorf("%s: tagged %s", want, tag)
			}
			tags[tag] = true
			if diff := cmp.Diff(append([]string{}, witnesses...), got.Log.Witnesses); diff != "" || string(got.Log.State) != want {
				t.Errorf("%s: the log is said to be %+v", want, got.Log)
			}
			for _, held := range []string{tag, "W/" + tag} {
				if same := s.send(t, read.with("If-None-Match", held)); same.status != http.StatusNotModified || len(same.body) != 0 {
					t.Errorf("%s: status %d to who holds %s", want, same.status, held)
				}
			}
			if other := s.send(t, read.with("If-None-Match", `"v1"`)); other.status != http.StatusOK {
				t.Errorf("%s: status %d to who holds another", want, other.status)
			}
		}
		state("unwitnessed")
		s.must(t, post("admin", "incidents/{incident}/restatements", restated))
		state("unwitnessed")
		s.cosign(t)
		state("witnessed", "witness.example")
		s.must(t, post("admin", "incidents/{incident}/snapshots", ""))
		s.must(t, post("admin", "incidents/{incident}/releases", `{"snapshot": 2}`))
		state("waiting")
	})
}

// What was released is answered as the bytes that were logged, or as a file in the
// language asked for.
func TestWhatWasReleasedComesBackByteForByte(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		release := decode[httpapi.ReleaseList](t, s.send(t, get("", "incidents/{incident}/releases"))).Releases[0]
		snapshot := decode[httpapi.Snapshot](t, s.send(t, get("", "incidents/{incident}/snapshots/1")))
		restatement := decode[httpapi.RestatementList](t, s.send(t, get("", "incidents/{incident}/restatements"))).Restatements[0]
		for path, hash := range map[string]string{"releases/1": release.Hash, "releases/1/statistics": snapshot.StatisticsHash, "restatements/1": restatement.Hash} {
			read := get("", "incidents/{incident}/"+path)
			a := s.send(t, read)
			if hashOf(a.body) != hash || a.header.Get("ETag") != `"`+hash+`"` || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: not what was hashed as %s: %v %s", path, hash, a.header, a.body)
			}
			if path == "restatements/1" {
				continue
			}
			csv := s.send(t, read.with("Accept", "text/csv").with("Accept-Language", "ko"))
			if a := s.send(t, read.with("Accept", "text/csv")); csv.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(string(csv.body), "입니다.") || strings.Contains(string(a.body), "입니다.") {
				t.Errorf("%s as CSV: %v\n%s", path, csv.header, csv.body)
			}
			const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
			if a := s.send(t, read.with("Accept", workbook)); a.header.Get("Content-Type") != workbook || !bytes.HasPrefix(a.body, []byte("PK")) || !strings.Contains(a.header.Get("Content-Disposition"), "-1.xlsx") {
				t.Errorf("%s as a workbook: %v", path, a.header)
			}
		}
		if restatement.Figure.Reason.EN != "Fees were counted twice & again." || restatement.Figure.Date != "2022-11-01" {
			t.Errorf("the restatement says %+v", restatement.Figure)
		}
	})
}

// Everything that is published has a receipt, which anybody verifies.
func TestWhatIsPublishedHasAReceipt(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		s.must(t, post("auditor", "incidents/{incident}/snapshots", ""))
		waiting := refusal{"", get("", "incidents/{incident}/snapshots/2/receipt"), 409, "receipt_not_ready", nil}
		s.refuses(t, waiting)
		if after := s.send(t, waiting.request).header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After: %q", after)
		}
		s.integrate(t)
		for path, want := range map[string][3]string{
			"incidents/{incident}/snapshots/2":    {"snapshot.sealed", "{incident}", "snapshot-2"},
			"incidents/{incident}/releases/1":     {"release.published", "{incident}", "release-1"},
			"incidents/{incident}/restatements/1": {"restatement.made", "{incident}", "restatement-1"},
			"disclosure-rule/versions/1":          {"rulebook.published", "disclosure_rule", "disclosure-rule-1"},
			"schemes/sandbox-2022/versions/1":     {"scheme.published", "sandbox-2022", "sandbox-2022-1"},
		} {
			a := s.send(t, get("", path+"/receipt"))
			p, err := auditlog.VerifyReceipt(a.body, trustedKeys(t))
			if err != nil {
				t.Errorf("%s: status %d, %v", path, a.status, err)
				continue
			}
			if p.Entry.Type != want[0] || p.Entry.Subject != s.fill(want[1]) || !strings.Contains(a.header.Get("Content-Disposition"), `"`+want[2]+`.tlog-proof"`) {
				t.Errorf("%s: proven is %s of %s, named %s", path, p.Entry.Type, p.Entry.Subject, a.header.Get("Content-Disposition"))
			}
			body := s.send(t, get("", path)).body
			if said := string(p.Entry.Body); !strings.Contains(said, hashOf(body)) && want[0] != "snapshot.sealed" {
				t.Errorf("%s: %s does not have the hash of %s", path, said, body)
			}
		}
	})
}

// An auditor has the leaves, compressed or not, and comes to the sealed root and
// the totals of the release; the public sees neither leaves nor sums.
func TestAnAuditorComesToTheSealedRoot(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		sealed := decode[httpapi.Snapshot](t, s.send(t, get("auditor", "incidents/{incident}/snapshots/1")))
		read := get("auditor", "incidents/{incident}/snapshots/1/leaves")
		plain, packed := s.send(t, read.with("Accept-Encoding", "gzip;q=0")), s.send(t, read.with("Accept-Encoding", "br, gzip"))
		if plain.header.Get("Content-Encoding") != "" || packed.header.Get("Content-Encoding") != "gzip" || plain.header.Get("ETag") == packed.header.Get("ETag") {
			t.Errorf("plain %v\npacked %v", plain.header, packed.header)
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		if lines, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(lines, plain.body) {
			t.Errorf("the two lists differ: %v\n%s\n%s", err, lines, plain.body)
		}
		var tree publication.Builder
		n := 0
		for leaf, err := range publication.ReadList(bytes.NewReader(plain.body)) {
			if err != nil {
				t.Fatal(err)
			}
			if err := tree.Add(leaf); err != nil {
				t.Fatal(err)
			}
			proved := decode[httpapi.ProvedLeaf](t, s.send(t, get("auditor", fmt.Sprintf("incidents/{incident}/snapshots/1/proof?index=%d", n))))
			if err := proved.Proof.Verify(leaf, proved.Root); err != nil || proved.Leaf != leaf || proved.Root.Hash.String() != sealed.Root {
				t.Errorf("leaf %d: %+v, %v", n, proved, err)
			}
			n++
		}
		root, err := tree.Root()
		if err != nil || root.Hash.String() != sealed.Root || sealed.Sums == nil || root.Sums != *sealed.Sums {
			t.Errorf("the leaves lead to %+v, %v; sealed is %+v", root, err, sealed)
		}
		of := decode[httpapi.ProvedLeaf](t, s.send(t, get("auditor", "incidents/{incident}/snapshots/1/proof?claim={decided}")))
		if err := of.Proof.Verify(of.Leaf, of.Root); err != nil || of.Leaf.Status != "partly_approved" || of.Leaf.Awarded != 5000 {
			t.Errorf("the claim that is decided: %+v, %v", of.Leaf, err)
		}
		for _, who := range []string{"", "driver", "platform", "accountant"} {
			if a := s.send(t, get(who, "incidents/{incident}/snapshots")); strings.Contains(string(a.body), "sums") || !strings.Contains(string(a.body), sealed.Root) {
				t.Errorf("%q reads %s", who, a.body)
			}
		}
	})
}

func TestAnIncidentWithoutClaimsIsSealedToo(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		s.must(t, post("auditor", "incidents/{late}/snapshots", ""))
		read := get("auditor", "incidents/{late}/snapshots/1/leaves")
		packed := s.send(t, read.with("Accept-Encoding", "gzip"))
		if _, err := gzip.NewReader(bytes.NewReader(packed.body)); err != nil {
			t.Errorf("no leaves are not a gzip file: %v", err)
		}
		if plain := s.send(t, read.with("Accept-Encoding", "identity")); plain.status != http.StatusOK || len(plain.body) != 0 {
			t.Errorf("%d %q", plain.status, plain.body)
		}
	})
}

func TestListsOfPublicationArePaged(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for n := range 3 {
			s.must(t, post("admin", "incidents/{incident}/snapshots", ""))
			s.must(t, post("admin", "incidents/{incident}/releases", fmt.Sprintf(`{"snapshot": %d}`, n+1)))
			s.integrate(t)
			s.must(t, post("auditor", "incidents/{incident}/snapshots/1/samples", instead(sampleAsk, "5162", fmt.Sprintf("516%d", n))))
		}
		s.must(t, post("auditor", "incidents/{incident}/snapshots/2/samples", instead(sampleAsk, "5162", "5163")))
		for line, numbers := range map[string]string{
			"GET /v1/incidents/{incident}/snapshots?limit=2": "3 2 1", "GET /v1/incidents/{incident}/releases?limit=2": "3 2 1",
			"GET /v1/incidents/{incident}/snapshots/1/samples?limit=2": "c b a", "GET /v1/incidents/{incident}/snapshots/2/samples?limit=2": "d", "GET /v1/incidents/{incident}/snapshots/3/samples?limit=2": "",
			"GET /v1/samples?limit=2": "d c b a",
		} {
			var got []string
			for line != "" {
				a := s.send(t, request{as: "admin", line: line})
				list := decode[struct {
					Snapshots, Releases []struct{ Number int }
					Samples             []struct{ Nonce string }
				}](t, a)
				for _, item := range slices.Concat(list.Snapshots, list.Releases) {
					got = append(got, fmt.Sprint(item.Number))
				}
				for _, item := range list.Samples {
					got = append(got, string('a'+item.Nonce[len(item.Nonce)-1]-'0'))
				}
				next, more := strings.CutPrefix(a.header.Get("Link"), "<")
				next, _, _ = strings.Cut(next, ">")
				if n := len(list.Snapshots) + len(list.Releases) + len(list.Samples); more && n != 2 {
					t.Errorf("%s has a page of %d with more behind it", line, n)
				}
				if line = ""; more {
					line = "GET " + next
				}
			}
			if strings.Join(got, " ") != numbers {
				t.Errorf("listed %v, want %s", got, numbers)
			}
		}
	})
}

// Of those who seal at once each gets a number of their own, or is told of the
// other.
func TestManySealAtOnceWithoutAGap(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		_, statuses := s.many(t, 6, func(int) request { return post("auditor", "incidents/{incident}/snapshots", "") })
		sealed := statuses[http.StatusCreated]
		if sealed < 1 || sealed+statuses[http.StatusConflict] != 6 {
			t.Errorf("statuses %v", statuses)
		}
		list := decode[httpapi.SnapshotList](t, s.send(t, get("", "incidents/{incident}/snapshots"))).Snapshots
		if len(list) != sealed || list[0].Number != sealed {
			t.Errorf("%d were sealed, %d are listed, the newest is %d", sealed, len(list), list[0].Number)
		}
		_, statuses = s.many(t, 6, func(int) request { return post("admin", "incidents/{incident}/releases", `{"snapshot": 1}`) })
		if diff := cmp.Diff(map[int]int{http.StatusCreated: 1, http.StatusConflict: 5}, statuses); diff != "" {
			t.Errorf("releasing:\n%s", diff)
		}
	})
}

func TestTheDisclosureRuleComesBackByteForByte(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		const path = "/v1/disclosure-rule"
		next := strings.Replace(string(s.send(t, request{line: "GET " + path + "/versions/1"}).body), `"version": 1`, `"version": 2 `, 1)
		put := request{as: "admin", line: "PUT " + path, header: ifMatch(`"v1"`), body: next}
		published := decode[httpapi.Rulebook](t, s.send(t, put))
		second := s.send(t, request{line: "GET " + path + "/versions/2"})
		if string(second.body) != next || published.Hash != hashOf(second.body) || second.header.Get("ETag") != `"`+published.Hash+`"` {
			t.Errorf("version 2 is %s, hashed %s", second.body, published.Hash)
		}
		if a := s.send(t, request{line: "GET " + path}); decode[httpapi.Rulebook](t, a).Version != 2 || a.header.Get("ETag") != `"v2"` {
			t.Errorf("in force: %s, tagged %s", a.body, a.header.Get("ETag"))
		}
		s.refuses(t, refusal{request: put, status: 412, code: stale})
	})
}

// Each act of publication, sent twice under one key, acts once.
func TestRetryOfPublicationActsOnce(t *testing.T) {
	inPublic(t, func(t *testing.T, s *server) {
		var results []string
		for _, d := range decode[httpapi.Sample](t, s.send(t, get("accountant", "samples/{sample}"))).Drawn {
			results = append(results, `{"id": "`+d.ID.String()+`", "correct": 1}`)
		}
		for _, r := range []struct {
			operation string
			request
		}{
			{"createSnapshot", post("auditor", "incidents/{incident}/snapshots", "")},
			{"createRelease", post("admin", "incidents/{incident}/releases", `{"snapshot": 2}`)},
			{"createRestatement", post("admin", "incidents/{incident}/restatements", restated)},
			{"drawSample", post("auditor", "incidents/{incident}/snapshots/1/samples", instead(sampleAsk, "5f1d", "0000"))},
			{"endSample", post("accountant", "samples/{sample}/results", `{"confidence_percent": 95, "results": [`+strings.Join(results, ",")+`]}`)},
			{"eraseClaimant", post("admin", "claimants/{newcomer}/erase", askErasure)},
		} {
			t.Run(r.operation, func(t *testing.T) { s.retries(t, r.operation, r.request) })
		}
	})
}

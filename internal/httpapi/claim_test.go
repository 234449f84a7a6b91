package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/httpapi"
)

func TestClaimGoesFromDraftToWithdrawn(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		draft := s.send(t, request{as: "driver", line: "GET /v1/claims/{claim}"})
		if tag := draft.header.Get("ETag"); tag != `"v1"` {
			t.Fatalf("ETag %q", tag)
		}
		unchanged := s.send(t, request{as: "driver", line: "GET /v1/claims/{claim}", header: map[string]string{"If-None-Match": `"v1"`}})
		if unchanged.status != http.StatusNotModified || len(unchanged.body) > 0 {
			t.Errorf("with the ETag held: status %d, %d bytes", unchanged.status, len(unchanged.body))
		}
		changed := s.must(t, request{as: "driver", line: "PATCH /v1/claims/{claim}", body: `{"statement": null, "expenses": []}`, header: ifMatch(`"v1"`)})
		if _, there := changed["statement"]; there || changed["claimed"] != 12000.0 {
			t.Errorf("a patch left statement %v, claimed %v", changed["statement"], changed["claimed"])
		}
		submitted := s.must(t, request{as: "driver", line: "POST /v1/claims/{claim}/submit", header: ifMatch(`"v2"`)})
		if submitted["state"] != "submitted" || submitted["late"] != false {
			t.Errorf("state %v, late %v", submitted["state"], submitted["late"])
		}
		newest := s.send(t, request{as: "driver", line: "GET /v1/claims/{claim}/estimate"})
		first := s.send(t, request{as: "driver", line: "GET /v1/claims/{claim}/estimates/1"})
		if !bytes.Equal(newest.body, first.body) || newest.header.Get("ETag") != first.header.Get("ETag") {
			t.Error("the newest estimate is not the first")
		}
		if within, err := json.Marshal(submitted["estimate"]); err != nil || !sameJSON(within, first.body) {
			t.Errorf("the claim shows another estimate: %v", err)
		}
		withdrawn := s.must(t, request{as: "driver", line: "POST /v1/claims/{claim}/withdraw", header: ifMatch(`"v3"`)})
		if withdrawn["state"] != "withdrawn" {
			t.Errorf("state %v", withdrawn["state"])
		}
		s.happened(t, "driver", "claim", "claim.filed", "claim.changed", "claim.submitted", "claim.withdrawn")
		s.must(t, request{as: "driver", line: "POST /v1/claims", body: validClaim}) // withdrawn makes room for another
	})
}

// happened checks the events of a claim, each with the leaf that commits to it.
func (s *server) happened(t *testing.T, who, claim string, want ...string) {
	t.Helper()
	var list httpapi.EventList
	if err := json.Unmarshal(s.send(t, request{as: who, line: "GET /v1/claims/{" + claim + "}/events"}).body, &list); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range list.Events {
		got = append(got, e.Type)
		if e.N != i+1 || len(e.Leaf) != 64 {
			t.Errorf("event %d: number %d, leaf %q", i+1, e.N, e.Leaf)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

func TestLateClaimIsTakenAndMarked(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		body := instead(instead(validClaim, "{incident}", "{late}"), `"currency"`, `"submit": true, "currency"`)
		if late := s.make(t, "latecomer", request{as: "newcomer", line: "POST /v1/claims", body: body})["late"]; late != true {
			t.Errorf("late is %v", late)
		}
		s.clock.set(time.Date(2022, 11, 30, 15, 0, 0, 0, time.UTC)) // late_until itself
		s.refuses(t, refusal{request: request{as: "merchant", line: "POST /v1/claims", body: body}, status: 409, code: "filing_closed"})
	})
}

// A history that carries no answer is no reason to turn a claim away: it is
// filed, and its estimate says that and why it cannot tell.
func TestClaimWithoutUsableHistoryIsFiledAndCannotTell(t *testing.T) {
	inside := rowsOf("일시,매출,건수\n", time.Date(2022, 10, 15, 16, 0, 0, 0, time.UTC), 20)
	for name, history := range map[string]string{"inside the window": inside, "three days": hours(72), "none": ""} {
		t.Run(name, func(t *testing.T) {
			inTowns(t, func(t *testing.T, s *server) {
				s.register(t, "short", instead(validDriver, "D-1001", "D-5005"))
				if history != "" {
					s.must(t, request{as: "short", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, body: history})
				}
				made := s.make(t, "filed", request{as: "short", line: "POST /v1/claims",
					body: instead(instead(validClaim, `"declared_actual": 25000, `, ``), `"currency"`, `"submit": true, "currency"`)})
				if made["state"] != "submitted" {
					t.Fatalf("state %v", made["state"])
				}
				var estimate struct {
					Lines []struct {
						Baseline struct {
							Outcome string
							Reason  *struct{ Code string }
						}
					}
				}
				if err := json.Unmarshal(s.send(t, request{as: "short", line: "GET /v1/claims/{filed}/estimate"}).body, &estimate); err != nil {
					t.Fatal(err)
				}
				line := estimate.Lines[0].Baseline
				if line.Outcome != "cannot_tell" || line.Reason == nil || line.Reason.Code == "" {
					t.Errorf("outcome %q, reason %v", line.Outcome, line.Reason)
				}
				s.happened(t, "short", "filed", "claim.filed", "claim.submitted")
			})
		})
	}
}

func TestValidateNamesEveryProblemAndStoresNothing(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		before := s.data.fingerprint(t)
		body := instead(instead(validClaim, `"plan": "Pro", "service": "taxi"`, `"plan": "Pro", "service": "ferry"`), "2022-10-15T18:00:00+09:00", "2022-10-14T18:00:00+09:00")
		var v httpapi.Validation
		if err := json.Unmarshal(s.send(t, request{as: "driver", line: "POST /v1/claims/validate", body: body}).body, &v); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range v.Errors {
			got = append(got, e.Pointer+" "+e.Code)
		}
		want := []string{"#/lines/0/items/0/at item_outside_window", "#/subscriptions/0/service unknown_service", "#/outlet claim_exists"}
		if diff := cmp.Diff(want, got); diff != "" || v.Valid || v.Estimate != nil {
			t.Errorf("valid %v, estimate %v, problems (-want +got):\n%s", v.Valid, v.Estimate != nil, diff)
		}
		var good httpapi.Validation
		if err := json.Unmarshal(s.send(t, request{as: "newcomer", line: "POST /v1/claims/validate", body: validClaim}).body, &good); err != nil {
			t.Fatal(err)
		}
		if !good.Valid || good.Estimate == nil {
			t.Errorf("a valid claim: valid %v, estimate %v, problems %v", good.Valid, good.Estimate != nil, good.Errors)
		}
		if diff := cmp.Diff(before, s.data.fingerprint(t)); diff != "" {
			t.Errorf("validating changed the database:\n%s", diff)
		}
	})
}

func TestProblemSpeaksTheLanguageAskedFor(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		korean := func(text string) bool {
			return strings.ContainsFunc(text, func(r rune) bool { return r >= '가' && r <= '힣' })
		}
		for accept, want := range map[string]bool{"ko": true, "ko-KR,en;q=0.5": true, "en": false, "fr": false, "en;q=0.1,ko;q=0.9": true} {
			for _, r := range []request{claimWith("25000", "-1"), {as: "driver", line: "GET /v1/claims/" + noClaim}, {line: "GET /v1/claims"}} {
				r.header = map[string]string{"Accept-Language": accept}
				p := s.send(t, r).problem
				if korean(p.Title) != want || korean(*p.Detail) != want {
					t.Errorf("%s, %s: %q, %q", accept, p.Code, p.Title, *p.Detail)
				}
				for _, f := range p.Errors {
					if korean(f.Detail) != want {
						t.Errorf("%s, %s: %q", accept, f.Code, f.Detail)
					}
				}
			}
		}
	})
}

// What people write is data: it comes back as it was written and is never run.
func TestTextIsKeptAsWritten(t *testing.T) {
	texts := []string{
		`'); DROP TABLE claims; --`, `<script>alert(1)</script>`, `{{7*7}} ${7*7} %s %d %n`, "two\nlines\tand a tab",
		`=HYPERLINK("http://example.invalid")`, "한글 تجربة 🚕\u200f\u202e", `\u0041 \\ "quoted"`, "\ufeffx\u2028",
	}
	inTowns(t, func(t *testing.T, s *server) {
		for i, text := range texts {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			changed := s.must(t, request{as: "driver", line: "PATCH /v1/claims/{claim}", header: ifMatch(fmt.Sprintf(`"v%d"`, i+1)),
				body: `{"statement": ` + string(quoted) + `, "subscriptions": [{"plan": ` + string(quoted) + `, "monthly_fee": 1}]}`})
			again := s.must(t, request{as: "driver", line: "GET /v1/claims/{claim}"})
			if changed["statement"] != text || again["statement"] != text || again["subscriptions"].([]any)[0].(map[string]any)["plan"] != text {
				t.Errorf("%q came back as %q", text, again["statement"])
			}
		}
		raw := s.send(t, request{as: "driver", line: "GET /v1/claims/{claim}"})
		if got := raw.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options %q", got)
		}
	})
}

// A file of which the lesser part is bad is taken, and the bad rows are named.
func TestBadRowsAreNamedAndTheRestIsTaken(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		a := s.send(t, upload(csvBody, hours(48)+"2022-10-15 15:00,nothing,1\n2022-10-"))
		var got struct {
			Stored bool
			Report struct {
				Problems []struct {
					Line int
					Code string
				}
			}
		}
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		problems := fmt.Sprint(got.Report.Problems)
		if want := "[{50 amount_unreadable} {51 cells_missing}]"; !got.Stored || problems != want {
			t.Errorf("stored %v, problems %s; want %s: %s", got.Stored, problems, want, a.body)
		}
	})
}

func TestMillionBadRowsAreCountedAndTheFirstHundredNamed(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		p := s.send(t, request{as: "driver", line: "PUT /v1/claimants/me/revenue/taxi", header: csvBody, stream: badRows}).problem
		if len(p.Errors) != 100 || p.Detail == nil || !strings.Contains(*p.Detail, "1000000 of 1000000") {
			t.Errorf("%d rows named, detail %v", len(p.Errors), p.Detail)
		}
	})
}

// A body that is too large is refused by what its header says, before any of it
// arrives; without such a header, as soon as the limit is passed.
func TestServerReadsNoMoreOfABodyThanItTakes(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for line, mediaType := range map[string]string{
			"POST /v1/claims":                   "application/json",
			"PUT /v1/claimants/me/revenue/taxi": "text/csv",
			"POST /v1/estimates":                "application/json",
			"POST /v1/claims/{claim}/withdraw":  "application/json",
			"PATCH /v1/claimants/me":            "application/merge-patch+json",
		} {
			s.declares(t, s.prepare(t, request{as: "driver", line: line, header: map[string]string{"Content-Type": mediaType}}), 2<<30)
		}
		var read atomic.Int64
		s.send(t, request{as: "newcomer", line: "POST /v1/claims", stream: func() io.Reader {
			return &counted{r: endless(`{"statement": "`)(), read: &read}
		}})
		if got := read.Load(); got > 16<<20 {
			t.Errorf("%d bytes of a document were taken from the client", got)
		}
	})
}

// declares sends the head of a request alone and wants it refused by it.
func (s *server) declares(t *testing.T, r *http.Request, length int64) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n", r.Method, r.URL.RequestURI(), length)
	if err := r.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	head.WriteString("\r\n")
	if _, err := conn.Write(head.Bytes()); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	a := answer{status: got.StatusCode, header: got.Header}
	if a.body, err = io.ReadAll(got.Body); err != nil {
		t.Fatal(err)
	}
	if err := keepsContract(r, &a); err != nil {
		t.Error(err)
	}
	if a.status != http.StatusRequestEntityTooLarge || a.problem.Code != "body_too_large" {
		t.Errorf("%s %s: status %d, code %q", r.Method, r.URL.Path, a.status, a.problem.Code)
	}
}

// counted counts what is read.
type counted struct {
	r    io.Reader
	read *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// Links lead through every list once, whatever the size of a page.
func TestLinksLeadThroughEveryList(t *testing.T) {
	inTowns(t, func(t *testing.T, s *server) {
		for _, scheme := range []string{"kakao-2022-driver-membership", "kt-2021", "rogers-2022"} {
			s.must(t, request{as: "admin", line: "POST /v1/schemes", body: string(readFile("../scheme/library/" + scheme + ".json"))})
		}
		for path, as := range map[string]string{"incidents": "admin", "schemes": "", "claims": "admin", "keys": "admin"} {
			whole := s.ids(t, as, "/v1/"+path+"?limit=200", path)
			if len(whole) < 4 {
				t.Errorf("%s: only %d to page through", path, len(whole))
			}
			for _, limit := range []int{1, 3} {
				var all []string
				for next := fmt.Sprintf("/v1/%s?limit=%d", path, limit); next != ""; {
					all = append(all, s.ids(t, as, next, path)...)
					next = s.next
				}
				if diff := cmp.Diff(whole, all); diff != "" {
					t.Errorf("%s by %d (-whole +paged):\n%s", path, limit, diff)
				}
			}
		}
		mine := s.ids(t, "driver", "/v1/claims?state=withdrawn&incident_id={incident}", "claims")
		if diff := cmp.Diff([]string{s.names["withdrawn"]}, mine); diff != "" {
			t.Errorf("claims by state and incident:\n%s", diff)
		}
		if public := s.ids(t, "", "/v1/incidents", "incidents"); slices.Contains(public, s.names["draft"]) || len(public) != 5 {
			t.Errorf("the public sees %d incidents, drafts among them", len(public))
		}
	})
}

// ids lists what a page names and keeps where the next page is.
func (s *server) ids(t *testing.T, as, path, field string) []string {
	t.Helper()
	a := s.send(t, request{as: as, line: "GET " + path})
	var body map[string][]struct {
		ID      string
		Version int
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	var all []string
	for _, item := range body[field] {
		id := item.ID
		if field == "schemes" {
			id = fmt.Sprintf("%s/%d", id, item.Version)
		}
		all = append(all, id)
	}
	s.next, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
	return all
}

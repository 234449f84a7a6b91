package web_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/web"
)

// receiptCase is a receipt, with the keys that it is verified by.
type receiptCase struct {
	name    string
	receipt []byte
	keys    string
	want    string // code of the refusal; empty where it is proven
}

// verdict is what the page, or the program, says of a receipt.
type verdict struct {
	State  string   `json:"state"` // proven or refused
	Code   string   `json:"code"`
	Passed int      `json:"passed"` // checks that held
	EN     []string `json:"en"`
	KO     []string `json:"ko"`
}

// programs is the verdict of the program itself. How many checks held, it does
// not say.
func (c receiptCase) programs() verdict {
	keys, err := auditlog.ParseKeys(c.keys)
	var proven auditlog.Proven
	if err == nil {
		proven, err = auditlog.VerifyReceipt(c.receipt, keys)
	}
	v := verdict{State: "proven"}
	said := proven.Statements
	if f := fault.As(err); f != nil {
		v.State, v.Code = "refused", f.Code
		said = func() []lang.Text { return []lang.Text{f.Detail} }
	}
	for _, s := range said() {
		v.EN, v.KO = append(v.EN, s.EN), append(v.KO, s.KO)
	}
	return v
}

func (c receiptCase) fragment() map[string]string {
	return map[string]string{"receipt": base64.RawURLEncoding.EncodeToString(c.receipt), "keys": base64.RawURLEncoding.EncodeToString([]byte(c.keys))}
}

// The page and the program say the same of every receipt, to the letter, in both
// languages.
func TestThePageVerifiesAsTheProgramDoes(t *testing.T) {
	l := newReceipts(t)
	cases := slices.Concat(l.sound(t), l.manipulated(t), l.keysThatAreNone(), l.damaged())
	good := l.sound(t)[0]
	input := map[string]any{"hand": good.fragment()}
	var fragments []map[string]string
	for _, c := range cases {
		fragments = append(fragments, c.fragment())
	}
	input["cases"] = fragments
	var report struct {
		Trouble    string
		Shown      []verdict
		Hand       map[string]any
		Complaints []string
	}
	inBrowser(t, good.keys, input, &report)
	if report.Trouble != "" || len(report.Shown) != len(cases) {
		t.Fatalf("%d of %d cases; %s", len(report.Shown), len(cases), report.Trouble)
	}
	refused := map[string]int{}
	for i, c := range cases {
		want, got := c.programs(), report.Shown[i]
		refused[want.Code]++
		if c.want != anyCode && want.Code != c.want {
			t.Errorf("%s: the program says %q, want %q", c.name, want.Code, c.want)
		}
		if passed := got.Passed; passed != stepOf(want.Code) {
			t.Errorf("%s: %d checks held, want %d", c.name, passed, stepOf(want.Code))
		}
		got.Passed = 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-program +page):\n%s", c.name, diff)
		}
	}
	t.Logf("%d receipts, refused by %v", len(cases), refused)
	for _, complaint := range report.Complaints {
		t.Error(complaint)
	}
	byHand(t, good, report.Hand)
}

// anyCode is the expectation of cases that only have to agree.
const anyCode = "any"

// stepOf is how many checks hold before the one that refuses by that code.
func stepOf(code string) int {
	switch code {
	case "log_keys_malformed":
		return 0
	case "receipt_malformed":
		return 1
	case "entry_beyond_checkpoint", "inclusion_not_proven":
		return 3
	case "entry_malformed":
		return 4
	case "":
		return 5
	default:
		return 2
	}
}

// byHand checks what came of receipts that were pasted, chosen and edited.
func byHand(t *testing.T, good receiptCase, shown map[string]any) {
	t.Helper()
	state := func(way string) any { return shown[way].(map[string]any)["state"] }
	got := map[string]any{"empty": state("empty"), "pasted": state("pasted"), "chosen": state("chosen"), "edited": state("edited"), "fetched": shown["fetched"]}
	want := map[string]any{"empty": "trouble", "pasted": "proven", "chosen": "proven", "edited": "refused", "fetched": map[string]any{
		"keys": good.keys, "source": "They come from this server: compare them with those of somebody else."}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by hand (-want +got):\n%s", diff)
	}
}

// Under its own policy, from a server and from a disk.
func TestThePageWorksAsServedAndFromADisk(t *testing.T) {
	good := newReceipts(t).sound(t)[0]
	site := httptest.NewServer(newSite(good.keys, "frame-ancestors 'none'"))
	defer site.Close()
	w := httptest.NewRecorder()
	web.Verifier().ServeHTTP(w, httptest.NewRequest("GET", "/verify", nil))
	saved := filepath.Join(t.TempDir(), "verify.html")
	if err := os.WriteFile(saved, w.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	f := good.fragment()
	for name, c := range map[string]struct{ address, source string }{
		"served": {site.URL + "/verify#receipt=" + f["receipt"], "They come from this server"},
		"saved":  {(&url.URL{Scheme: "file", Path: saved}).String() + "#receipt=" + f["receipt"] + "&keys=" + f["keys"], "They came with the link"},
	} {
		t.Run(name, func(t *testing.T) {
			dom := dumped(t, c.address)
			for _, part := range []string{`data-state="proven"`, "2 witness(es) saw the same log", "The claim was submitted", "120,000", c.source} {
				if !strings.Contains(dom, part) {
					t.Errorf("the page lacks %s", part)
				}
			}
		})
	}
}

func TestTheVerifiersPolicyAllowsItsStyleAndScriptAlone(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	web.Verifier().ServeHTTP(w, httptest.NewRequest("GET", "/verify", nil))
	policy := w.Header().Values("Content-Security-Policy")
	if len(policy) != 1 {
		t.Fatalf("policies: %q", policy)
	}
	body := w.Body.String()
	for _, name := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(body, "<"+name+">")
		inside, _, _ := strings.Cut(rest, "</"+name+">")
		if want := fmt.Sprintf("%s-src 'sha256-%s';", name, base64.StdEncoding.EncodeToString(sum([]byte(inside)))); !strings.Contains(policy[0], want) {
			t.Errorf("policy %q lacks %s", policy[0], want)
		}
	}
	for _, part := range []string{"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy[0], part) {
			t.Errorf("policy %q lacks %s", policy[0], part)
		}
	}
	for _, forbidden := range []string{"innerHTML", "insertAdjacentHTML", "document.write", "eval(", " src=", "<link", "<img", "style=", "onclick", "@import", "url(", "https://", "http://"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
}

var coloured = regexp.MustCompile(`--(\w+): (#[0-9a-f]{3,6});`)

// Text is told from its ground, by day and by night (WCAG 2.2, 1.4.3 and 1.4.11).
func TestTheVerifiersColoursHaveContrast(t *testing.T) {
	style, err := os.ReadFile("verify.css")
	if err != nil {
		t.Fatal(err)
	}
	day, night, ok := strings.Cut(string(style), "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("the page has no colours for the night")
	}
	for name, half := range map[string]string{"day": day, "night": night} {
		colours := map[string]float64{}
		for _, m := range coloured.FindAllStringSubmatch(half, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, ground := range []string{"ground", "raised"} {
			for ink, least := range map[string]float64{"ink": 4.5, "quiet": 4.5, "link": 4.5, "good": 4.5, "bad": 4.5, "line": 3} {
				a, b := colours[ink]+0.05, colours[ground]+0.05
				if ratio := max(a/b, b/a); ratio < least {
					t.Errorf("%s: %s on %s has a contrast of %.2f; %.1f are needed", name, ink, ground, ratio, least)
				}
			}
		}
	}
}

// Every event that a claim's history may have is named on the page.
func TestThePageNamesEveryEvent(t *testing.T) {
	script, err := os.ReadFile("verifypage.js")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../claims/*.go")
	if err != nil {
		t.Fatal(err)
	}
	event, found := regexp.MustCompile(`"claim\.[a-z_]+"`), map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, name := range event.FindAllString(string(source), -1) {
			found[name] = true
		}
	}
	delete(found, `"claim.reviewed"`) // is what claimants see in place of others; no entry says it
	if len(found) < 20 {
		t.Errorf("only %d events in the source", len(found))
	}
	for name := range found {
		if !bytes.Contains(script, []byte(name+": text(")) {
			t.Errorf("the page has no words for %s", name)
		}
	}
}

// luminance is the relative luminance of a colour, from 0 to 1 (WCAG 2.2).
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	digits := colour[1:]
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	var light float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			light += weight * c / 12.92
		} else {
			light += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return light
}

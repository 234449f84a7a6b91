package claims_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"redress/internal/baseline"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// town is the service over a fresh database, with a clock that tests set and
// what every test needs: an open incident, two claimants and a key of each role.
type town struct {
	*claims.Service
	clock    clock
	engine   string
	raw      *sql.DB // past the service, for looking and for damage
	actors   map[identity.Role]identity.Actor
	incident claims.Incident
	merchant claims.Claimant // whose keys the roles claimant and delegate are
	stranger identity.Actor  // the key of another claimant
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

var seoul = time.FixedZone("KST", 9*60*60)

// The instants of the outage and of its filing period.
var (
	outage   = time.Date(2022, 10, 15, 15, 30, 0, 0, seoul)
	restored = time.Date(2022, 10, 16, 14, 30, 0, 0, seoul)
	opens    = time.Date(2022, 10, 19, 0, 0, 0, 0, seoul)
	closes   = time.Date(2022, 11, 7, 0, 0, 0, 0, seoul)
	lateEnd  = time.Date(2022, 12, 1, 0, 0, 0, 0, seoul)
	today    = time.Date(2022, 11, 1, 12, 0, 0, 0, seoul)
)

// inTowns runs a test in a town of its own on each engine.
func inTowns(t *testing.T, f func(t *testing.T, s *town)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) { f(t, newTown(t, engine)) })
	}
}

func newTown(t *testing.T, engine string) *town {
	t.Helper()
	options := storetest.Options(t, engine)
	db, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &town{engine: engine, raw: storetest.Raw(t, options), clock: clock{now: today}, actors: map[identity.Role]identity.Actor{identity.Public: identity.Anyone}}
	s.Service = claims.New(db, s.clock.Now)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, role := range []identity.Role{identity.Admin, identity.Platform, identity.Reviewer, identity.Senior, identity.Payer, identity.Auditor, identity.Accountant} {
		request := claims.KeyRequest{Role: role, Label: string(role)}
		if role == identity.Accountant {
			request.Person = "accountant"
		}
		issued := must(s.IssueFirstKey(t.Context(), request))(t)
		s.actors[role] = must(s.Authenticate(t.Context(), issued.Token))(t)
	}
	s.publish(t, 1)
	s.incident = s.open(t, anIncident())
	registered := s.register(t, claims.Claimant{
		Kind: claims.Merchant, Name: "봄 베이커리", Phone: "010-1234-5678", BusinessNumber: "123-45-67891",
		Bank: &claims.BankAccount{BankCode: "088", Number: "110-123-456789", Holder: "청구인 하나"}, Zone: "Asia/Seoul", Currency: "KRW",
		Outlets: []claims.Outlet{{Code: "main", Name: "봄 본점", Sector: "bakery", Region: "KR-11"}, {Code: "annex", Name: "봄 별관", Sector: "cafe", Region: "KR-11"}},
	})
	s.merchant, s.actors[identity.Claimant] = registered.Claimant, registered.Key.Actor()
	issued := must(s.IssueKey(t.Context(), s.as(identity.Claimant), claims.KeyRequest{Role: identity.Delegate}, claims.Reply[claims.IssuedKey]{}))(t)
	s.actors[identity.Delegate] = issued.Key.Actor()
	s.stranger = s.register(t, aDriver("D-1001")).Key.Actor()
	return s
}

// must unwraps a call that may not fail.
func must[T any](got T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func ptr[T any](v T) *T { return &v }

func (s *town) as(role identity.Role) identity.Actor { return s.actors[role] }

// ofOneIncident is the line that ties the sandbox's scheme to its own outage.
var ofOneIncident = regexp.MustCompile(`(?m)^  "incident": .*\n`)

// schemeDocument is version n of the sandbox's scheme, for any incident.
func schemeDocument(t testing.TB, n int) []byte {
	t.Helper()
	document, err := os.ReadFile("../scheme/library/sandbox-2022.json")
	if err != nil {
		t.Fatal(err)
	}
	document = ofOneIncident.ReplaceAll(document, nil)
	return bytes.Replace(document, []byte(`"version": 1`), fmt.Appendf(nil, `"version": %d`, n), 1)
}

func (s *town) publish(t testing.TB, n int) {
	t.Helper()
	must(s.PublishScheme(t.Context(), s.as(identity.Admin), schemeDocument(t, n), claims.Reply[claims.SchemeVersion]{}))(t)
}

func anIncident() claims.Incident {
	full := []claims.ImpairmentWindow{{Start: outage.UTC(), End: restored.UTC(), DownBasisPoints: 10000}}
	return claims.Incident{
		Name: lang.T("Outage", "장애"), Platform: "Kakao", Zone: "Asia/Seoul", Currency: "KRW", StartsAt: outage.UTC(), EndsAt: restored.UTC(),
		Filing: claims.Filing{OpensAt: opens.UTC(), ClosesAt: closes.UTC(), LateUntil: ptr(lateEnd.UTC())},
		Services: []claims.PlatformService{
			{Code: "shop", Kind: "order", Name: lang.T("Shop", "쇼핑"), Windows: full},
			{Code: "pay", Kind: "payment", Name: lang.T("Payments", "결제"), Windows: full},
		},
		Scheme: &claims.SchemeRef{ID: "sandbox-2022", Version: 1},
	}
}

func (s *town) open(t testing.TB, in claims.Incident) claims.Incident {
	t.Helper()
	in = must(s.CreateIncident(t.Context(), s.as(identity.Admin), in, claims.Reply[claims.Incident]{}))(t)
	return must(s.OpenIncident(t.Context(), s.as(identity.Admin), in.ID, in.Version, claims.Reply[claims.Incident]{}))(t)
}

// changeIncident changes the town's incident at whatever version it has.
func (s *town) changeIncident(t testing.TB, change func(*claims.Incident)) {
	t.Helper()
	s.incident = must(s.ChangeIncident(t.Context(), s.as(identity.Admin), s.incident.ID, 0, "incident.changed", func(in *claims.Incident) error {
		change(in)
		return nil
	}, claims.Reply[claims.Incident]{}))(t)
}

func aDriver(id string) claims.Claimant {
	return claims.Claimant{
		Kind: claims.Driver, Name: "청구인 둘", Phone: "010-2222-3333", DriverID: id, Zone: "Asia/Seoul", Currency: "KRW",
		Outlets: []claims.Outlet{{Code: "main", Name: "개인택시", Sector: "taxi", Region: "KR-11"}},
	}
}

func (s *town) register(t testing.TB, c claims.Claimant) claims.Registered {
	t.Helper()
	return must(s.Register(t.Context(), identity.Anyone, c, claims.Reply[claims.Registered]{}))(t)
}

// ordinary are ten weeks of sales by the hour that end before the outage: 12
// hours a day, between 10,000 and 16,000 won an hour, times the factor.
func ordinary(factor money.Minor) revenue.History {
	end := revenue.LocalOf(outage, seoul).DayStart()
	h := revenue.History{BucketMinutes: 60, Start: end - 10*revenue.Week}
	for at := h.Start; at < end; at += revenue.Hour {
		state, amount := revenue.Closed, money.Minor(0)
		if hour := at.Clock().Hour(); hour >= 9 && hour < 21 {
			state, amount = revenue.Open, factor*(10_000+1_000*money.Minor((int(at/revenue.Day)*5+hour*3)%7))
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, int32(amount/5_000))
	}
	return h
}

// upload stores a history for the merchant's shop, from whoever uploads.
func (s *town) upload(t testing.TB, by identity.Role, h revenue.History) claims.Upload {
	t.Helper()
	_, source, err := s.PrepareUpload(t.Context(), s.as(by), s.merchant.ID, "main")
	if err != nil {
		t.Fatal(err)
	}
	return must(s.Upload(t.Context(), s.as(by), claims.Upload{
		ClaimantID: s.merchant.ID, Outlet: "main", Service: "shop", Source: source, Summary: json.RawMessage("{}"),
	}, h))(t)
}

// draft is what the merchant states of the outage in their shop.
func (s *town) draft() claims.Draft {
	return claims.Draft{
		IncidentID: s.incident.ID, ClaimantID: s.merchant.ID, Outlet: "main", Channel: "api",
		Content: claims.Content{Lines: []claims.LossLine{{Service: "shop", DeclaredActual: ptr(money.Minor(20_000))}}},
	}
}

func (s *town) file(t testing.TB, draft claims.Draft, submit bool) claims.Claim {
	t.Helper()
	return must(s.File(t.Context(), s.as(identity.Claimant), draft, submit, claims.Reply[claims.Claim]{}))(t)
}

func (s *town) submit(t testing.TB, c claims.Claim) claims.Claim {
	t.Helper()
	return must(s.Submit(t.Context(), s.as(identity.Claimant), c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
}

func (s *town) withdraw(t testing.TB, c claims.Claim) claims.Claim {
	t.Helper()
	return must(s.Withdraw(t.Context(), s.as(identity.Claimant), c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
}

// estimateDocument is an estimate as its readers see it.
type estimateDocument struct {
	ClaimID   string `json:"claim_id"`
	N         int    `json:"n"`
	InputHash string `json:"input_hash"`
	Incident  struct {
		ID string `json:"id"`
	} `json:"incident"`
	Lines []struct {
		Service  string          `json:"service"`
		Uploads  []string        `json:"uploads"`
		Baseline baseline.Result `json:"baseline"`
	} `json:"lines"`
	Compensation struct {
		Amount  money.Minor `json:"amount"`
		Outcome string      `json:"outcome"`
	} `json:"compensation"`
}

func decode(t testing.TB, estimate []byte) estimateDocument {
	t.Helper()
	var d estimateDocument
	if err := json.Unmarshal(estimate, &d); err != nil {
		t.Fatalf("estimate %s: %v", estimate, err)
	}
	return d
}

// preliminary is the estimate that the draft would get now.
func (s *town) preliminary(t testing.TB, draft claims.Draft) estimateDocument {
	t.Helper()
	v := must(s.Validate(t.Context(), s.as(identity.Claimant), draft))(t)
	if v.Estimate == nil {
		t.Fatalf("no estimate: %+v", v.Problems)
	}
	return decode(t, v.Estimate)
}

func sha(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// wants checks that an error is a fault of that kind and code.
func wants(t testing.TB, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.As(err); f == nil || f.Kind != kind || f.Code != code {
		t.Errorf("%s: %v; want %s, %s", what, err, kind, code)
	}
}

// counts is how many rows each of the named tables has.
func (s *town) counts(t testing.TB, tables ...string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range tables {
		var n int
		if err := s.raw.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// race runs n rivals together and answers their errors.
func race(n int, run func(i int) error) []error {
	var together, done sync.WaitGroup
	together.Add(1)
	errs := make([]error, n)
	for i := range n {
		done.Go(func() {
			together.Wait()
			errs[i] = run(i)
		})
	}
	together.Done()
	done.Wait()
	return errs
}

// personal is what must appear in no event and no entry of the log.
var personal = []string{
	"봄 베이커리", "010-1234-5678", "01012345678", "5678", "123-45-67891", "1234567891", "110-123-456789", "청구인 하나", "봄 본점",
	"청구인 둘", "D-1001", "박지훈", "급합니다", "문을 닫습니다",
}

func showsNobody(t testing.TB, what, text string) {
	t.Helper()
	for _, p := range personal {
		if strings.Contains(text, p) {
			t.Errorf("%s shows %q: %s", what, p, text)
		}
	}
}

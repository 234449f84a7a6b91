package claims_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// permissions is how each method answers each caller about the merchant's
// things: yes, or the status of the refusal. The claimant and the delegate are
// the merchant's own; the stranger is another claimant.
const permissions = `
                    public admin platform reviewer senior payer auditor accountant claimant delegate stranger
CreateIncident      401    yes   yes      403      403    403   403     403        403      403      403
ChangeIncident      401    yes   yes      403      403    403   403     403        403      403      403
OpenIncident        401    yes   yes      403      403    403   403     403        403      403      403
CloseIncident       401    yes   yes      403      403    403   403     403        403      403      403
Incident            yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Incident, a draft   404    yes   yes      yes      yes    yes   404     404        404      404      404
Incidents           yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
PublishScheme       401    yes   403      403      403    403   403     403        403      403      403
Register            yes    yes   yes      yes      yes    403   403     403        403      403      403
Claimant            401    yes   yes      yes      yes    yes   403     403        yes      yes      404
ChangeClaimant      401    yes   yes      yes      yes    403   403     403        yes      yes      404
PrepareUpload       401    yes   yes      yes      yes    403   403     403        yes      yes      404
Upload              401    yes   yes      yes      yes    403   403     403        yes      yes      404
Uploads             401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Validate            401    yes   yes      yes      yes    403   403     403        yes      yes      404
File                401    yes   yes      yes      yes    403   403     403        yes      yes      404
Change              401    yes   yes      yes      yes    403   403     403        yes      yes      404
Submit              401    yes   yes      yes      yes    403   403     403        yes      yes      404
Withdraw            401    yes   403      yes      yes    403   403     403        yes      yes      404
Claim               401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Claims              401    yes   yes      yes      yes    yes   403     403        yes      yes      yes
Estimate            401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Events              401    yes   yes      yes      yes    yes   403     403        yes      yes      404
EvidenceValue       401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Simulate            401    yes   yes      yes      yes    403   yes     403        403      403      403
Job, their own      401    yes   yes      yes      yes    403   yes     403        403      403      403
Job, a platform's   401    yes   yes      yes      yes    403   404     403        403      403      403
ExportFacts         401    yes   yes      yes      yes    403   403     403        403      403      403
Reevaluate          401    yes   yes      403      403    403   403     403        403      403      403
IssueKey, any       401    yes   403      403      403    403   403     403        403      403      403
IssueKey, delegate  401    yes   403      403      403    403   403     403        yes      403      404
Keys                401    yes   403      403      403    403   403     403        yes      403      yes
RevokeKey           401    yes   403      403      403    403   403     403        yes      403      404
EraseClaimant       401    yes   403      403      403    403   403     403        403      403      403
Appeal              401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Bulk                401    403   403      yes      yes    403   403     403        403      403      403
Checks              401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Clocks              401    yes   yes      yes      yes    yes   403     403        403      403      403
DecideBatch         401    403   403      yes      yes    403   403     403        403      403      403
Decisions           401    yes   yes      yes      yes    yes   403     403        yes      yes      404
EndQualityReview    401    403   403      yes      yes    403   403     403        403      403      403
Letter              401    yes   yes      yes      yes    yes   403     403        yes      yes      404
ListEvidence        401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Next                401    403   403      yes      yes    403   403     403        403      403      403
NextQualityReview   401    403   403      yes      yes    403   403     403        403      403      403
OpenEvidence        401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Policy              401    yes   yes      yes      yes    yes   403     403        403      403      403
PublishPolicy       401    yes   403      403      403    403   403     403        403      403      403
PublishReasons      401    yes   403      403      403    403   403     403        403      403      403
QualityReviews      401    yes   yes      yes      yes    yes   403     403        403      403      403
Reads               401    yes   403      403      yes    403   403     403        yes      yes      404
Receipt             401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Receipts            401    yes   yes      yes      yes    yes   403     403        yes      yes      404
Requests            401    yes   yes      yes      yes    yes   403     403        yes      yes      404
SaveView            401    403   403      yes      yes    403   403     403        403      403      403
Similar             401    403   403      yes      yes    403   403     403        403      403      403
Stages              401    yes   yes      yes      yes    yes   403     403        yes      yes      404
TryPolicy           401    yes   403      403      403    403   403     403        403      403      403
UploadEvidence      401    yes   yes      yes      yes    403   403     403        yes      yes      404
Views               401    403   403      yes      yes    403   403     403        403      403      403
View                401    403   403      yes      yes    403   403     403        403      403      403
DeleteView          401    403   403      yes      yes    403   403     403        403      403      403
Seal                401    yes   403      403      403    403   yes     403        403      403      403
Snapshot            yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Snapshots           yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Snapshots, a draft's 404    yes   yes      yes      yes    yes   404     404        404      404      404
Leaves              401    yes   403      403      403    403   yes     403        403      403      403
Proof               401    yes   403      403      403    403   yes     403        403      403      403
ProofOf             401    yes   403      403      403    403   yes     403        403      403      403
ReleaseTotals       401    yes   403      403      403    403   403     403        403      403      403
ReleaseOf           yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Releases            yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
ReleasedStatistics  yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Totals              yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Restate             401    yes   403      403      403    403   403     403        403      403      403
Restatements        yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
PublishDisclosureRule 401    yes   403      403      403    403   403     403        403      403      403
PublicReceipt       yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
PublicReceipt, a claim's 404    404   404      404      404    404   404     404        404      404      404
Bundle              yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
Bundle, a draft's   404    yes   yes      yes      yes    yes   404     404        404      404      404
DrawSample          401    403   403      403      403    403   yes     403        403      403      403
Samples             401    yes   403      403      403    403   yes     yes        403      403      403
Sample              401    yes   403      403      403    403   yes     yes        403      403      403
SampledClaim        401    403   403      403      403    403   403     yes        403      403      403
SampledEvidence     401    403   403      403      403    403   403     yes        403      403      403
EndSample           401    403   403      403      403    403   403     yes        403      403      403
SampleBounds        yes    yes   yes      yes      yes    yes   yes     yes        yes      yes      yes
`

// callers are the columns of the table.
var callers = []string{"public", "admin", "platform", "reviewer", "senior", "payer", "auditor", "accountant", "claimant", "delegate", "stranger"}

func (s *town) caller(name string) identity.Actor {
	if name == "stranger" {
		return s.stranger
	}
	return s.as(identity.Role(name))
}

// attempt is one row of the table: a method, called on something of the
// merchant's that is made anew for each caller.
type attempt struct {
	method string
	call   func(t *testing.T, s *town, actor identity.Actor) error
}

// failed drops what a method returns besides its error.
func failed[T any](_ T, err error) error { return err }

// drafted answers a fresh draft of the merchant's, the only claim that stands.
func (s *town) drafted(t *testing.T) claims.Claim {
	t.Helper()
	own := s.as(identity.Claimant)
	for _, c := range must(s.Claims(t.Context(), own, claims.ClaimFilter{}, claims.Page{Limit: 100}))(t) {
		if c.State != claims.Withdrawn {
			s.withdraw(t, c)
		}
	}
	return s.file(t, s.draft(), false)
}

// issued answers a fresh delegate key of the merchant's.
func (s *town) issued(t *testing.T) string {
	t.Helper()
	request := claims.KeyRequest{Role: identity.Delegate}
	return must(s.IssueKey(t.Context(), s.as(identity.Claimant), request, claims.Reply[claims.IssuedKey]{}))(t).Key.ID
}

var attempts = []attempt{
	{"CreateIncident", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.CreateIncident(t.Context(), a, anIncident(), claims.Reply[claims.Incident]{}))
	}},
	{"ChangeIncident", func(t *testing.T, s *town, a identity.Actor) error {
		change := func(*claims.Incident) error { return nil }
		return failed(s.ChangeIncident(t.Context(), a, s.incident.ID, 0, "incident.changed", change, claims.Reply[claims.Incident]{}))
	}},
	{"OpenIncident", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.OpenIncident(t.Context(), a, s.unopened(t).ID, 0, claims.Reply[claims.Incident]{}))
	}},
	{"CloseIncident", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.CloseIncident(t.Context(), a, s.open(t, anIncident()).ID, 0, claims.Reply[claims.Incident]{}))
	}},
	{"Incident", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Incident(t.Context(), a, s.incident.ID))
	}},
	{"Incident, a draft", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Incident(t.Context(), a, s.unopened(t).ID))
	}},
	{"Incidents", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Incidents(t.Context(), a, claims.Page{Limit: 1}))
	}},
	{"PublishScheme", func(t *testing.T, s *town, a identity.Actor) error {
		var last int
		for _, v := range must(s.Schemes(t.Context(), nil, 1))(t) {
			last = v.Version
		}
		return failed(s.PublishScheme(t.Context(), a, schemeDocument(t, last+1), claims.Reply[claims.SchemeVersion]{}))
	}},
	{"Register", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Register(t.Context(), a, aDriver(rand.Text()), claims.Reply[claims.Registered]{}))
	}},
	{"Claimant", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Claimant(t.Context(), a, s.merchant.ID))
	}},
	{"ChangeClaimant", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.ChangeClaimant(t.Context(), a, s.merchant.ID, 0, func(*claims.Claimant) error { return nil }))
	}},
	{"PrepareUpload", func(t *testing.T, s *town, a identity.Actor) error {
		_, _, err := s.PrepareUpload(t.Context(), a, s.merchant.ID, "main")
		return err
	}},
	{"Upload", func(t *testing.T, s *town, a identity.Actor) error {
		upload := claims.Upload{ClaimantID: s.merchant.ID, Outlet: "main", Service: "shop", Summary: json.RawMessage("{}")}
		return failed(s.Upload(t.Context(), a, upload, revenue.History{}))
	}},
	{"Uploads", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Uploads(t.Context(), a, s.merchant.ID, "main", "shop"))
	}},
	{"Validate", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Validate(t.Context(), a, s.draft()))
	}},
	{"File", func(t *testing.T, s *town, a identity.Actor) error {
		s.withdraw(t, s.drafted(t))
		return failed(s.File(t.Context(), a, s.draft(), false, claims.Reply[claims.Claim]{}))
	}},
	{"Change", func(t *testing.T, s *town, a identity.Actor) error {
		return failed((&stage{town: s}).do(t, a, claims.DoChange, s.drafted(t)))
	}},
	{"Submit", func(t *testing.T, s *town, a identity.Actor) error {
		return failed((&stage{town: s}).do(t, a, claims.DoSubmit, s.drafted(t)))
	}},
	{"Withdraw", func(t *testing.T, s *town, a identity.Actor) error {
		return failed((&stage{town: s}).do(t, a, claims.DoWithdraw, s.drafted(t)))
	}},
	{"Claim", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Claim(t.Context(), a, s.drafted(t).ID))
	}},
	{"Claims", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Claims(t.Context(), a, claims.ClaimFilter{}, claims.Page{Limit: 1}))
	}},
	{"Estimate", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Estimate(t.Context(), a, s.submit(t, s.drafted(t)).ID, 1))
	}},
	{"Events", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Events(t.Context(), a, s.drafted(t).ID))
	}},
	{"EvidenceValue", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.EvidenceValue(t.Context(), a, s.submit(t, s.drafted(t)).ID))
	}},
	{"Simulate", func(t *testing.T, s *town, a identity.Actor) error { return failed(s.simulate(t, a)) }},
	{"Job, their own", func(t *testing.T, s *town, a identity.Actor) error {
		job, err := s.simulate(t, a)
		if err != nil {
			return err // as the simulation is refused
		}
		return failed(s.Job(t.Context(), a, job.ID))
	}},
	{"Job, a platform's", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Job(t.Context(), a, must(s.simulate(t, s.as(identity.Platform)))(t).ID))
	}},
	{"ExportFacts", func(t *testing.T, s *town, a identity.Actor) error {
		return s.ExportFacts(t.Context(), a, s.incident.ID, nil, func(scheme.Facts) error { return nil })
	}},
	{"Reevaluate", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Reevaluate(t.Context(), a, s.incident.ID, *s.incident.Scheme, func(int) {}))
	}},
	{"IssueKey, any", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.IssueKey(t.Context(), a, claims.KeyRequest{Role: identity.Payer}, claims.Reply[claims.IssuedKey]{}))
	}},
	{"IssueKey, delegate", func(t *testing.T, s *town, a identity.Actor) error {
		request := claims.KeyRequest{Role: identity.Delegate, ClaimantID: s.merchant.ID}
		return failed(s.IssueKey(t.Context(), a, request, claims.Reply[claims.IssuedKey]{}))
	}},
	{"Keys", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Keys(t.Context(), a, claims.Page{Limit: 1}))
	}},
	{"RevokeKey", func(t *testing.T, s *town, a identity.Actor) error { return s.RevokeKey(t.Context(), a, s.issued(t)) }},
}

// unopened answers a fresh incident that is still a draft.
func (s *town) unopened(t *testing.T) claims.Incident {
	t.Helper()
	return must(s.CreateIncident(t.Context(), s.as(identity.Admin), anIncident(), claims.Reply[claims.Incident]{}))(t)
}

// simulate asks what the scheme in force would pay, held against itself.
func (s *town) simulate(t *testing.T, a identity.Actor) (claims.Job, error) {
	return s.Simulate(t.Context(), a, s.incident.ID, []claims.Candidate{{Scheme: s.incident.Scheme}}, claims.Reply[claims.Job]{})
}

// status names the outcome of a call as the table does.
func status(err error) string {
	if err == nil {
		return "yes"
	}
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		return "401"
	case fault.Forbidden:
		return "403"
	case fault.NotFound:
		return "404"
	}
	return err.Error()
}

func TestEachMethodAnswersEachCallerAsThePermissionTableSays(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		var table strings.Builder
		fmt.Fprintf(&table, "%-19s", "")
		for _, name := range callers {
			fmt.Fprintf(&table, " %s", name)
		}
		for _, a := range attempts {
			fmt.Fprintf(&table, "\n%-19s", a.method)
			for _, name := range callers {
				fmt.Fprintf(&table, " %-*s", len(name), status(a.call(t, s, s.caller(name))))
			}
		}
		lines := strings.Split(table.String(), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		if diff := cmp.Diff(strings.Split(strings.Trim(permissions, "\n"), "\n"), lines); diff != "" {
			t.Errorf("permissions (-want +got):\n%s", diff)
		}
	})
}

// unguarded is what asks for no permission: what the public may read, and what
// the server and its command line do by themselves.
var unguarded = []string{
	"Answered", "Authenticate", "DisclosureRule", "EstimatorModel", "Forget", "IssueFirstKey", "KeepFiles", "Prepare", "Ready", "Reasons", "Recompute", "RulebookReceipt", "RunSimulation",
	"Scheme", "SchemeReceipt", "Schemes", "SweepEvidence", "Tend",
}

func TestPermissionTableKnowsEveryMethod(t *testing.T) {
	for method := range reflect.TypeFor[*claims.Service]().Methods() {
		listed := slices.ContainsFunc(attempts, func(a attempt) bool { return a.method == method.Name || strings.HasPrefix(a.method, method.Name+",") })
		known := 0
		for _, in := range []bool{listed, slices.Contains(unguarded, method.Name), slices.Contains(byVerb, method.Name)} {
			if in {
				known++
			}
		}
		if known != 1 {
			t.Errorf("%s must be either in the table or among what asks no permission", method.Name)
		}
	}
}

// What is refused leaves nothing, not even a line in the log.
func TestRefusedCallerChangesNothing(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		draft, key := s.drafted(t), s.issued(t)
		tables := []string{"claims", "claimants", "incidents", "schemes", "keys", "revenue_uploads", "estimates", "events", "entries"}
		before := s.counts(t, tables...)
		ctx := context.WithoutCancel(t.Context())
		for _, name := range []string{"public", "auditor", "accountant", "payer", "stranger"} {
			a := s.caller(name)
			for what, err := range map[string]error{
				"change":   failed((&stage{town: s}).do(t, a, claims.DoChange, draft)),
				"submit":   failed((&stage{town: s}).do(t, a, claims.DoSubmit, draft)),
				"withdraw": failed((&stage{town: s}).do(t, a, claims.DoWithdraw, draft)),
				"file":     failed(s.File(ctx, a, s.draft(), true, claims.Reply[claims.Claim]{})),
				"rename":   failed(s.ChangeClaimant(ctx, a, s.merchant.ID, 0, func(c *claims.Claimant) error { c.Name = "x"; return nil })),
				"revoke":   s.RevokeKey(ctx, a, key),
				"upload":   failed(s.Upload(ctx, a, claims.Upload{ClaimantID: s.merchant.ID, Outlet: "main", Service: "shop"}, revenue.History{})),
			} {
				if err == nil {
					t.Errorf("%s was let %s", name, what)
				}
			}
		}
		if diff := cmp.Diff(before, s.counts(t, tables...)); diff != "" {
			t.Errorf("rows (-before +after):\n%s", diff)
		}
		if after := must(s.Claim(t.Context(), s.as(identity.Claimant), draft.ID))(t); after.Version != draft.Version {
			t.Errorf("the claim went from version %d to %d", draft.Version, after.Version)
		}
	})
}

// A list is narrowed to what is the caller's own, whatever they ask for.
func TestClaimantsListTheirOwnClaimsAlone(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		own := s.drafted(t)
		other := s.draft()
		other.ClaimantID = s.stranger.ClaimantID
		theirs := must(s.File(t.Context(), s.stranger, other, false, claims.Reply[claims.Claim]{}))(t)
		for name, want := range map[string][]string{
			"claimant": {own.ID}, "delegate": {own.ID}, "stranger": {theirs.ID}, "reviewer": {theirs.ID, own.ID}, "payer": {theirs.ID, own.ID},
		} {
			for _, filter := range []claims.ClaimFilter{{}, {ClaimantID: s.merchant.ID}, {ClaimantID: s.stranger.ClaimantID}} {
				var got []string
				for _, c := range must(s.Claims(t.Context(), s.caller(name), filter, claims.Page{Limit: 10}))(t) {
					got = append(got, c.ID)
				}
				wanted := want
				if staff := len(want) > 1; staff && filter.ClaimantID != "" {
					wanted = map[string][]string{s.merchant.ID: {own.ID}, s.stranger.ClaimantID: {theirs.ID}}[filter.ClaimantID]
				}
				if !slices.Equal(got, wanted) {
					t.Errorf("%s, asking for %+v, sees %v; want %v", name, filter, got, wanted)
				}
			}
		}
	})
}

package claims_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/checks"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

func shipped(t testing.TB, kind claims.RulebookKind) []byte {
	t.Helper()
	return must(os.ReadFile("rulebooks/" + string(kind) + ".json"))(t)
}

func TestTheShippedRulebooksAreSound(t *testing.T) {
	policy := must(claims.ParsePolicy(shipped(t, claims.PolicyBook)))(t)
	if diff := cmp.Diff(checks.DefaultPoints(), policy.Points); diff != "" {
		t.Errorf("points (-of the checks +of the policy):\n%s", diff)
	}
	if policy.StraightThrough.Enabled {
		t.Error("claims are decided without a person before anybody has said so")
	}
	for _, c := range []struct {
		role     identity.Role
		currency string
		want     money.Minor
	}{
		{identity.Reviewer, "KRW", 500_000},
		{identity.Senior, "KRW", 20_000_000},
		{identity.Admin, "KRW", money.Max},
		{identity.Reviewer, "USD", 0},
		{identity.Senior, "USD", 0},
		{identity.Admin, "USD", money.Max},
		{identity.Payer, "KRW", 0},
		{identity.System, "KRW", 0},
	} {
		if got := policy.Authority(c.role, c.currency); got != c.want {
			t.Errorf("a %s decides up to %d %s, want %d", c.role, got, c.currency, c.want)
		}
	}
	if _, ok := policy.StraightThrough.Limit("USD"); ok {
		t.Error("a currency that is not listed has a limit")
	}
	if limit, ok := policy.StraightThrough.Limit("KRW"); !ok || limit != 50_000 {
		t.Errorf("the limit in won is %d, %t", limit, ok)
	}
	must(claims.ParseCatalogue(shipped(t, claims.ReasonsBook)))(t)
}

// edited is a shipped rulebook with one place set to a value, or taken out when
// the value is nil.
func edited(t testing.TB, kind claims.RulebookKind, path string, value any) []byte {
	t.Helper()
	var document any
	if err := json.Unmarshal(shipped(t, kind), &document); err != nil {
		t.Fatal(err)
	}
	at := document
	steps := strings.Split(path, "/")
	for _, step := range steps[:len(steps)-1] {
		if list, ok := at.([]any); ok {
			var n int
			fmt.Sscan(step, &n) //nolint:errcheck // a wrong step misses the place
			at = list[n]
		} else {
			at = at.(map[string]any)[step]
		}
	}
	if value == nil {
		delete(at.(map[string]any), steps[len(steps)-1])
	} else {
		at.(map[string]any)[steps[len(steps)-1]] = value
	}
	return must(json.Marshal(document))(t)
}

func TestABadPolicyIsRefusedWithItsPlace(t *testing.T) {
	authority := func(rows ...string) json.RawMessage { return json.RawMessage("[" + strings.Join(rows, ",") + "]") }
	for path, rows := range map[string]map[string]any{
		"lease_minutes":             {"#/lease_minutes required": nil, "#/lease_minutes out_of_range": 0, "#/lease_minutes wrong_type": "30"},
		"return_hours":              {"#/return_hours out_of_range": 8761, "#/return_hours wrong_type": 1.5},
		"promise_days":              {"#/promise_days out_of_range": 366},
		"request_days":              {"#/request_days out_of_range": 91},
		"appeal_days":               {"#/appeal_days out_of_range": 0},
		"sample_share_basis_points": {"#/sample_share_basis_points out_of_range": 10_001},
		"senior_from_score":         {"#/senior_from_score out_of_range": 0},
		"unheard_of":                {"#/unheard_of unknown_field": 1},
		"straight_through/enabled":  {"#/straight_through/enabled wrong_type": "yes"},
		"straight_through/tolerance_basis_points": {"#/straight_through/tolerance_basis_points out_of_range": 10_001},
		"straight_through/min_history_weeks":      {"#/straight_through/min_history_weeks out_of_range": 521},
		"straight_through/max_score":              {"#/straight_through/max_score out_of_range": -1},
		"straight_through/max_amount": {
			"#/straight_through/max_amount/0/currency unknown_currency":   authority(`{"currency": "won", "amount": 1}`),
			"#/straight_through/max_amount/1/currency duplicate_currency": authority(`{"currency": "KRW", "amount": 1}`, `{"currency": "KRW", "amount": 2}`),
			"#/straight_through/max_amount/0/amount out_of_range":         authority(`{"currency": "KRW", "amount": -1}`),
		},
		"authority": {
			"#/authority/0/currency unknown_currency":   authority(`{"currency": "XX", "reviewer": 0, "senior": 0}`),
			"#/authority/1/currency duplicate_currency": authority(`{"currency": "KRW", "reviewer": 0, "senior": 0}`, `{"currency": "KRW", "reviewer": 0, "senior": 0}`),
			"#/authority/0/reviewer out_of_range":       authority(`{"currency": "KRW", "reviewer": 2, "senior": 1}`),
			"#/authority/0/senior out_of_range":         authority(`{"currency": "KRW", "reviewer": 0, "senior": -1}`),
			"#/authority/0/senior required":             authority(`{"currency": "KRW", "reviewer": 0}`),
		},
		"evidence/max_files":          {"#/evidence/max_files out_of_range": 1001},
		"evidence/max_bytes_claimant": {"#/evidence/max_bytes_claimant out_of_range": 0},
		"points/same_loss":            {"#/points/same_loss points_out_of_range": 101, "#/points/same_loss required": nil},
		"points/bad_mood":             {"#/points/bad_mood unknown_check": 1},
	} {
		for code, value := range rows {
			if code == "#/points/same_loss required" {
				code = "#/points/same_loss points_out_of_range" // a table of names, not of fields
			}
			_, err := claims.ParsePolicy(edited(t, claims.PolicyBook, path, value))
			refusedAs(t, fmt.Sprintf("%s = %v", path, value), err, fault.Invalid, code)
		}
	}
	for name, document := range map[string]string{"not JSON": "{", "two documents": "{} {}", "a list": "[]", "nothing": "", "the same field twice": `{"lease_minutes": 1, "lease_minutes": 1}`} {
		if _, err := claims.ParsePolicy([]byte(document)); fault.As(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABadCatalogueIsRefusedWithItsPlace(t *testing.T) {
	sound := must(claims.ParseCatalogue(shipped(t, claims.ReasonsBook)))(t)
	first := func(change func(*claims.Reason)) func(*claims.Catalogue) {
		return func(c *claims.Catalogue) { change(&c.Reasons[0]) }
	}
	without := func(drop func(claims.Reason) bool) func(*claims.Catalogue) {
		return func(c *claims.Catalogue) { c.Reasons = slices.DeleteFunc(c.Reasons, drop) }
	}
	for name, row := range map[string]struct {
		change func(*claims.Catalogue)
		code   string
	}{
		"no reasons":           {func(c *claims.Catalogue) { c.Reasons = nil }, "#/reasons wrong_type"},
		"an empty list":        {func(c *claims.Catalogue) { c.Reasons = []claims.Reason{} }, "#/reasons kind_without_reason"},
		"a code in capitals":   {first(func(r *claims.Reason) { r.Code = "Agrees" }), "#/reasons/0/code malformed_code"},
		"a code of one letter": {first(func(r *claims.Reason) { r.Code = "a" }), "#/reasons/0/code malformed_code"},
		"a code twice":         {func(c *claims.Catalogue) { c.Reasons[1].Code = c.Reasons[0].Code }, "#/reasons/1/code duplicate_code"},
		"a kind that is none":  {first(func(r *claims.Reason) { r.Kind = "maybe" }), "#/reasons/0/kind unknown_kind"},
		"one language only":    {first(func(r *claims.Reason) { r.Title.KO = " " }), "#/reasons/0/title/ko text_length"},
		"a text without end":   {first(func(r *claims.Reason) { r.Text.EN = strings.Repeat("a", 2_001) }), "#/reasons/0/text/en text_length"},
		"other without a note": {func(c *claims.Catalogue) {
			c.Reasons[2].NoteRequired = false
		}, "#/reasons/2/note_required note_required"},
		"no reason to refuse":     {without(func(r claims.Reason) bool { return r.Kind == claims.RefusedReason }), "#/reasons kind_without_reason"},
		"no way to uphold":        {without(func(r claims.Reason) bool { return r.Code == claims.NoError }), "#/reasons reason_missing"},
		"no reason of its own":    {without(func(r claims.Reason) bool { return r.Code == claims.LoweredToFixedTier }), "#/reasons reason_missing"},
		"its reason of its kinds": {first(func(r *claims.Reason) { r.Kind = claims.RefusedReason }), "#/reasons reason_missing"},
	} {
		changed := claims.Catalogue{Reasons: slices.Clone(sound.Reasons)}
		row.change(&changed)
		_, err := claims.ParseCatalogue(must(json.Marshal(changed))(t))
		refusedAs(t, name, err, fault.Invalid, row.code)
	}
}

func TestPreparingPublishesTheFirstVersionsOnce(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		for _, err := range race(4, func(int) error { return s.Prepare(t.Context()) }) {
			if err != nil {
				t.Error(err)
			}
		}
		of := "entries WHERE type = 'rulebook.published'"
		if rows := s.counts(t, "rulebooks", of); rows["rulebooks"] != 4 || rows[of] != 4 {
			t.Errorf("rows %v, want 4 of each", rows)
		}
		book := must(s.Policy(t.Context(), s.as(identity.Reviewer), 0))(t)
		if book.Version != 1 || string(book.Bytes) != string(shipped(t, claims.PolicyBook)) || book.Hash != sha(book.Bytes) || book.CreatedBy != "system" {
			t.Errorf("the first policy is %+v", book)
		}
	})
}

func TestRulebooksArePublishedInVersions(t *testing.T) {
	none := claims.Reply[claims.Rulebook]{}
	inTowns(t, func(t *testing.T, s *town) {
		d := newDesk(t, s)
		stricter := edited(t, claims.PolicyBook, "authority", []map[string]any{{"currency": "KRW", "reviewer": 1_000, "senior": 2_000}})
		d.refused(t, "as a senior", fault.Forbidden, "role_not_permitted", func() error {
			return failed(d.PublishPolicy(t.Context(), d.senior, 0, stricter, none))
		})
		d.refused(t, "at another version", fault.Stale, "version_stale", func() error {
			return failed(d.PublishPolicy(t.Context(), d.admin, 2, stricter, none))
		})
		d.refused(t, "a bad one", fault.Invalid, "#/appeal_days out_of_range", func() error {
			return failed(d.PublishPolicy(t.Context(), d.admin, 1, edited(t, claims.PolicyBook, "appeal_days", 0), none))
		})
		f := d.claim(t, 0, 2_000)
		made := must(d.PublishPolicy(t.Context(), d.admin, 1, stricter, none))(t)
		if made.Version != 2 || made.Hash != sha(stricter) || made.CreatedBy != d.admin.Person {
			t.Errorf("published %+v", made)
		}
		before := d.dump(t)
		if again := must(d.PublishPolicy(t.Context(), d.admin, 0, stricter, none))(t); again.Version != 2 {
			t.Errorf("the same again is version %d", again.Version)
		}
		if diff := cmp.Diff(before, d.dump(t)); diff != "" {
			t.Errorf("the same again left something:\n%s", diff)
		}
		if first := must(d.Policy(t.Context(), d.reviewer, 1))(t); string(first.Bytes) != string(shipped(t, claims.PolicyBook)) {
			t.Error("the first version changed")
		}
		if _, err := d.Policy(t.Context(), d.reviewer, 3); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a version that is not there: %v", err)
		}
		if _, err := d.Policy(t.Context(), f.own, 0); fault.KindOf(err) != fault.Forbidden {
			t.Errorf("a claimant reads the policy: %v", err)
		}
		// What is in force is what is decided by.
		if got := d.decides(t, f, d.reviewer, approves(2_000)); got.State != claims.AwaitingApproval {
			t.Errorf("beyond the new authority: %s", got.State)
		}
		if decision := must(d.Decisions(t.Context(), d.senior, f.ID))(t)[0]; decision.Policy != 2 || decision.Reason.Version != 1 {
			t.Errorf("decided by policy %d, catalogue %d", decision.Policy, decision.Reason.Version)
		}

		// A proposal is told in the words it was made in.
		reworded := strings.ReplaceAll(string(shipped(t, claims.ReasonsBook)), "자료로 손실이 확인됩니다", "손실이 인정됩니다")
		must(d.PublishReasons(t.Context(), d.admin, 1, []byte(reworded), none))(t)
		if err := d.approve(t, d.senior, f, 1); err != nil {
			t.Fatal(err)
		}
		if letter := must(d.Letter(t.Context(), f.own, f.ID, 1))(t); !strings.Contains(string(letter.Text), "자료로 손실이 확인됩니다") {
			t.Errorf("the letter:\n%s", letter.Text)
		}
		if newest := must(d.Reasons(t.Context(), 0))(t); newest.Version != 2 {
			t.Errorf("reasons of version %d", newest.Version)
		}
	})
}

func TestOfManyVersionsOneIsNext(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		d := newDesk(t, s)
		versions := map[int]int{}
		made, documents := make([]claims.Rulebook, 6), make([][]byte, 6)
		for i := range documents {
			documents[i] = edited(t, claims.PolicyBook, "appeal_days", 31+i)
		}
		errs := race(len(made), func(i int) (err error) {
			made[i], err = d.PublishPolicy(t.Context(), d.admin, 0, documents[i], claims.Reply[claims.Rulebook]{})
			return err
		})
		for i, err := range errs {
			if err == nil {
				versions[made[i].Version]++
			} else if fault.KindOf(err) != fault.Conflict {
				t.Errorf("a loser was told %v", err)
			}
		}
		newest := must(d.Policy(t.Context(), d.admin, 0))(t).Version
		if len(versions) == 0 || newest != len(versions)+1 || slices.Max(slices.Collect(maps.Values(versions))) != 1 {
			t.Errorf("versions %v, the newest is %d", versions, newest)
		}
	})
}

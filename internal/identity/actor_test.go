package identity_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/identity"
)

// permissions is who may do what. It changes only when somebody decides so.
const permissions = `
                    public admin platform reviewer senior payer auditor accountant claimant delegate
manage_incidents         . yes   yes      .        .      .     .       .          .        .
see_draft_incidents      . yes   yes      yes      yes    yes   .       .          .        .
publish_schemes          . yes   .        .        .      .     .       .          .        .
manage_keys              . yes   .        .        .      .     .       .          .        .
delegate_keys            . .     .        .        .      .     .       .          yes      .
act_for_claimants        . yes   yes      yes      yes    .     .       .          .        .
use_rights               . yes   .        yes      yes    .     .       .          .        .
read_claims              . yes   yes      yes      yes    yes   .       .          .        .
own_claims               . .     .        .        .      .     .       .          yes      yes
push_ledgers             . .     yes      .        .      .     .       .          .        .
simulate_schemes         . yes   yes      yes      yes    .     yes     .          .        .
see_small_counts         . yes   yes      yes      yes    .     .       .          .        .
review_claims            . .     .        yes      yes    .     .       .          .        .
approve_decisions        . yes   .        .        yes    .     .       .          .        .
assign_others            . .     .        .        yes    .     .       .          .        .
manage_desk              . yes   .        .        .      .     .       .          .        .
see_reads                . yes   .        .        yes    .     .       .          .        .
audit_totals             . yes   .        .        .      .     yes     .          .        .
draw_samples             . .     .        .        .      .     yes     .          .        .
read_samples             . .     .        .        .      .     .       yes        .        .
publish_totals           . yes   .        .        .      .     .       .          .        .
erase_claimants          . yes   .        .        .      .     .       .          .        .
`

// actions reads the constants of type Action from the source, so that a new one
// cannot miss the table.
func actions(t *testing.T) []identity.Action {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "actor.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []identity.Action
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || spec.Type.(*ast.Ident).Name != "Action" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, identity.Action(value))
		return true
	})
	return found
}

func TestEachRoleMayDoWhatThePermissionTableSays(t *testing.T) {
	roles := append([]identity.Role{identity.Public}, identity.Roles...)
	var got strings.Builder
	fmt.Fprintf(&got, "\n%19s", "")
	for _, role := range roles {
		fmt.Fprintf(&got, " %s", role)
	}
	got.WriteString("\n")
	for _, action := range actions(t) {
		fmt.Fprintf(&got, "%-19s", action)
		for n, role := range roles {
			cell := "."
			if (identity.Actor{Role: role, KeyID: "k"}).Can(action) {
				cell = "yes"
			}
			if n == 0 {
				fmt.Fprintf(&got, " %*s", len(role), cell)
			} else {
				fmt.Fprintf(&got, " %-*s", len(role), cell)
			}
		}
		got.WriteString("\n")
	}
	if diff := cmp.Diff(trimmed(permissions), trimmed(got.String())); diff != "" {
		t.Errorf("the permission table (-want +got):\n%s", diff)
	}
}

func trimmed(table string) []string {
	lines := strings.Split(strings.Trim(table, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

func TestEveryActionHasARoleAndThePublicHasNone(t *testing.T) {
	all := actions(t)
	if len(all) == 0 {
		t.Fatal("no actions found in the source")
	}
	for _, action := range all {
		may := func(r identity.Role) bool { return identity.Actor{Role: r}.Can(action) }
		if !slices.ContainsFunc(identity.Roles, may) {
			t.Errorf("nobody may %s", action)
		}
		if identity.Anyone.Can(action) || (identity.Actor{}).Can(action) {
			t.Errorf("anybody may %s", action)
		}
	}
	for _, role := range identity.Roles {
		if (identity.Actor{Role: role}).Can("rule_the_world") {
			t.Errorf("%s may do what does not exist", role)
		}
	}
}

func TestOnlyTheClaimantsOwnKeysOwn(t *testing.T) {
	for _, c := range []struct {
		name  string
		actor identity.Actor
		of    string
		want  bool
	}{
		{"their key", identity.Actor{Role: identity.Claimant, ClaimantID: "a"}, "a", true},
		{"their delegate's key", identity.Actor{Role: identity.Delegate, ClaimantID: "a"}, "a", true},
		{"another claimant's", identity.Actor{Role: identity.Claimant, ClaimantID: "a"}, "b", false},
		{"staff, even with a claimant", identity.Actor{Role: identity.Admin, ClaimantID: "a"}, "a", false},
		{"nobody of nothing", identity.Actor{Role: identity.Claimant}, "", false},
		{"the public", identity.Anyone, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.actor.Owns(c.of); got != c.want {
				t.Errorf("owns is %t, want %t", got, c.want)
			}
		})
	}
}

func TestKeyIsValidUntilTheInstantOfItsEnd(t *testing.T) {
	end := time.Date(2023, 10, 15, 6, 30, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { moment := end.Add(d); return &moment }
	for _, c := range []struct {
		name    string
		revoked *time.Time
		now     time.Time
		want    bool
	}{
		{"before its expiry", nil, *at(-1), true},
		{"at its expiry", nil, end, false},
		{"after its expiry", nil, *at(1), false},
		{"before its revocation", at(-time.Hour), *at(-time.Hour - 1), true},
		{"at its revocation", at(-time.Hour), *at(-time.Hour), false},
		{"after its revocation", at(-time.Hour), *at(-time.Minute), false},
		{"revoked after its expiry", at(time.Hour), end, false},
		{"in another zone", nil, at(-1).In(time.FixedZone("KST", 9*60*60)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (identity.Key{ExpiresAt: end, RevokedAt: c.revoked}).ValidAt(c.now); got != c.want {
				t.Errorf("valid is %t, want %t", got, c.want)
			}
		})
	}
}

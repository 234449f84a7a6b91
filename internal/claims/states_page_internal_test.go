package claims

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/identity"
)

var update = flag.Bool("update", false, "write docs/states.md anew")

const statesPage = "../../docs/states.md"

// TestStatesPage holds docs/states.md against the tables in state.go.
func TestStatesPage(t *testing.T) {
	page := writeStatesPage()
	if *update {
		if err := os.WriteFile(statesPage, []byte(page), 0o644); err != nil { //nolint:gosec // a public page
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(statesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(stored), "\n"), strings.Split(page, "\n")); diff != "" {
		t.Errorf("docs/states.md (-page +code); go test ./internal/claims -run StatesPage -update writes it:\n%s", diff)
	}
}

func writeStatesPage() string {
	var b strings.Builder
	b.WriteString(`# The life of a claim

Written by ` + "`go test ./internal/claims -run StatesPage -update`" + ` from the tables in ` + "`internal/claims/state.go`" + `, which
the program itself goes by. What is not in the second table is refused with the code ` + "`claim_state`" + `. Each state, verb
and role is tried by ` + "`go test ./internal/claims -run EveryVerb`" + ` on both engines.

## States

| state | 상태 | claimants see | clock |
|---|---|---|---|
`)
	for _, state := range States {
		clock := "runs"
		if state.Stopped() {
			clock = "stands still"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", state, stateNames[state].KO, state.Shown(), clock)
	}
	b.WriteString("\n## Who does what\n\n| verb | roles | event |\n|---|---|---|\n")
	for _, verb := range Verbs {
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", verb, strings.Join(verb.roles(), ", "), rules[verb].Event)
	}
	b.WriteString(`
Claimants and delegates act on their own claims; those of others do not exist for them. Staff who act for a claimant neither
have the claim nor took part in a decision on it, and decide nothing about it afterwards. A reviewer's verb needs the claim
assigned to them. Appeals are decided by seniors. Nobody approves what they made, and nobody decides the appeal against it.
The service itself acts when something has fallen due.

## Where it leads

| from | verb | to |
|---|---|---|
`)
	for _, state := range States {
		for _, verb := range Verbs {
			if targets := transitions[state][verb]; len(targets) > 0 {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", state, verb, joined(targets))
			}
		}
	}
	b.WriteString(`
Where a verb leads to several states, the claim decides. The review of an appeal goes back to ` + "`appealed`" + ` where a first
review goes back to ` + "`in_review`" + `; withdrawing an appeal leaves the decision; a returned amendment leaves what stood; a
decision beyond the authority of its maker awaits approval; a submission may be decided without a person where the policy
allows it, and an unanswered request lowers a claim to the scheme's fixed tier where it has one.
`)
	return b.String()
}

func joined(states []State) string {
	names := make([]string, len(states))
	for i, state := range states {
		names[i] = string(state)
	}
	return strings.Join(names, " or ")
}

// roles are those who may do what the verb says, to their own claims or to all.
func (v Verb) roles() []string {
	var roles []string
	for _, role := range append([]identity.Role{identity.Public}, identity.Roles...) {
		if v.May(identity.Actor{Role: role, ClaimantID: "c"}, "c") {
			roles = append(roles, string(role))
		}
	}
	if rules[v].Clock {
		roles = append(roles, "the service itself")
	}
	return roles
}

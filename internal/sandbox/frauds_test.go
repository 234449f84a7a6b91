package sandbox

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"redress/internal/store"
	"redress/internal/store/storetest"
)

var (
	studyClaimants = flag.Int("claimants", 400, "claims of the study of planted cases; 2000 take a minute")
	studyPlanted   = flag.Int("planted", 0, "planted cases; one in fifty when 0")
	studySeed      = flag.Uint64("seed", 1, "seed of the study of planted cases")
)

// everybodyFiles is a plan in which nobody leaves a draft, withdraws or stays
// away.
func everybodyFiles(seed uint64, n int) []member {
	members := plan(seed, n)
	for i := range members {
		if members[i].fate != late {
			members[i].fate = submitted
		}
	}
	return members
}

func TestFortyCasesAreOfEveryKindAndTheSameWithTheSameSeed(t *testing.T) {
	of40 := 0
	for _, trick := range tricks {
		of40 += trick.of40
	}
	if of40 != 40 || len(tricks) < 12 {
		t.Errorf("%d kinds with %d of 40 cases", len(tricks), of40)
	}
	for seed := range uint64(5) {
		members := everybodyFiles(seed, 2000)
		cases, err := plant(seed, members, 40)
		if err != nil {
			t.Fatal(err)
		}
		again, err := plant(seed, everybodyFiles(seed, 2000), 40)
		if err != nil || !slices.Equal(cases, again) {
			t.Errorf("seed %d plants %v, then %v: %v", seed, cases, again, err)
		}
		kinds, seen := map[Kind]int{}, map[int]bool{}
		for _, c := range cases {
			kinds[c.Kind]++
			for _, number := range []int{c.number, c.with} {
				if number > 0 && seen[number] {
					t.Errorf("seed %d: claimant %d is in two cases", seed, number)
				}
				seen[number] = true
			}
		}
		for _, trick := range tricks {
			if kinds[trick.kind] != trick.of40 {
				t.Errorf("seed %d: %d cases of %s, want %d", seed, kinds[trick.kind], trick.kind, trick.of40)
			}
		}
	}
}

func TestMoreCasesThanClaimantsCanHideAreRefused(t *testing.T) {
	if _, err := plant(1, plan(1, 30), 40); err == nil {
		t.Error("30 claimants play 40 cases")
	}
}

// finding is what the checks say of one claim of the study.
type finding struct {
	member
	score int
	codes []string // of the flagged checks
}

// study files the claims of a plan with planted cases and answers what the checks
// found, by claim.
func study(t *testing.T, seed uint64, claimants, planted int) ([]Case, map[string]finding) {
	t.Helper()
	db, err := store.Open(storetest.Options(t, "sqlite"))
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
	members := everybodyFiles(seed, claimants)
	cases, err := plant(seed, members, planted)
	if err != nil {
		t.Fatal(err)
	}
	f := newFiller(db, Options{Seed: seed, Claimants: claimants, Planted: planted})
	if err := f.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := f.members(t.Context(), members)
	if err != nil {
		t.Fatal(err)
	}
	findings := map[string]finding{}
	for i, w := range written {
		for _, id := range []string{w.claimID, w.annexID} {
			if id != "" {
				findings[id] = find(t, db, members[i], id)
			}
		}
	}
	return found(cases, written), findings
}

func find(t *testing.T, db *store.Store, m member, id string) finding {
	t.Helper()
	claim, err := db.Claim(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Checks(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	out := finding{member: m, score: claim.Score}
	for _, row := range rows {
		if row.Result == "flagged" {
			out.codes = append(out.codes, row.Code)
		}
	}
	slices.Sort(out.codes)
	out.codes = slices.Compact(out.codes)
	return out
}

// looked is the score from which a claim counts as found here: that of one check
// with a specific reason. The lesser checks (a short history, a shared address,
// a busy key, the digits) have less, and honest claimants meet them every day.
const looked = 15

// TestThePlantedCasesAreFoundAndTheHonestLeftAlone states what is known of the
// checks before they are run on anything planted, as the least they must do:
// three in five cases at the cost of one honest claim in twenty.
func TestThePlantedCasesAreFoundAndTheHonestLeftAlone(t *testing.T) {
	planted := *studyPlanted
	if planted == 0 {
		planted = *studyClaimants / 50
	}
	cases, findings := study(t, *studySeed, *studyClaimants, planted)
	honest := maps.Clone(findings)
	for _, c := range cases {
		delete(honest, c.ClaimID)
		delete(honest, c.With)
	}
	t.Logf("seed %d: %d claims, %d planted, %d beside them, %d honest", *studySeed, len(findings), len(cases), len(findings)-len(honest)-len(cases), len(honest))
	t.Log("\n" + byKind(cases, findings) + "\n" + byThreshold(cases, findings, honest) + "\n" + falseAlarms(honest) + "\n" + missed(cases, findings))
	recall, alarms := share(cases, findings, looked), alarmed(honest, looked)
	if recall*10 < len(cases)*6 {
		t.Errorf("%d of %d planted cases have %d points or more; want three in five", recall, len(cases), looked)
	}
	if alarms*20 > len(honest) {
		t.Errorf("%d of %d honest claims have %d points or more; want at most one in twenty", alarms, len(honest), looked)
	}
}

// share is how many cases have a claim with that score; alarmed how many of the
// honest claims.
func share(cases []Case, findings map[string]finding, score int) int {
	n := 0
	for _, c := range cases {
		if findings[c.ClaimID].score >= score {
			n++
		}
	}
	return n
}

func alarmed(honest map[string]finding, score int) int {
	n := 0
	for _, f := range honest {
		if f.score >= score {
			n++
		}
	}
	return n
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

func byKind(cases []Case, findings map[string]finding) string {
	out := fmt.Sprintf("| kind | cases | any points | %d or more | 60 or more | only the claim beside it, %d or more | checks that flagged |\n|---|---|---|---|---|---|---|\n", looked, looked)
	for _, trick := range tricks {
		of := slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return c.Kind != trick.kind })
		if len(of) == 0 {
			continue
		}
		beside, codes := 0, map[string]int{}
		for _, c := range of {
			f := findings[c.ClaimID]
			if f.score < looked && c.With != "" && findings[c.With].score >= looked {
				beside++
			}
			for _, code := range f.codes {
				codes[code]++
			}
		}
		out += fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %s |\n", trick.kind, len(of),
			share(of, findings, 1), share(of, findings, looked), share(of, findings, 60), beside, counted(codes))
	}
	return out
}

func byThreshold(cases []Case, findings, honest map[string]finding) string {
	out := "| score from | planted found | recall | honest flagged | false alarms |\n|---|---|---|---|---|\n"
	for _, score := range []int{1, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80} {
		hit, alarms := share(cases, findings, score), alarmed(honest, score)
		out += fmt.Sprintf("| %d | %d | %s | %d | %s |\n", score, hit, percent(hit, len(cases)), alarms, percent(alarms, len(honest)))
	}
	return out
}

// falseAlarms tells which checks flag honest claims, and whose.
func falseAlarms(honest map[string]finding) string {
	type group struct{ all, any, looked int }
	codes, groups := map[string]int{}, map[string]group{}
	for _, f := range honest {
		for _, code := range f.codes {
			codes[code]++
		}
		name := cmp.Or(string(f.likeness), string(f.oddity))
		g := groups[name]
		g.all++
		if f.score > 0 {
			g.any++
		}
		if f.score >= looked {
			g.looked++
		}
		groups[name] = g
	}
	out := "honest claims by check: " + counted(codes) + "\n\n" + fmt.Sprintf("| honest, and | claims | any points | %d or more |\n|---|---|---|---|\n", looked)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		out += fmt.Sprintf("| %s | %d | %d | %d |\n", name, g.all, g.any, g.looked)
	}
	return out
}

// counted lists how often each was seen, the most frequent first.
func counted(codes map[string]int) string {
	list := slices.SortedFunc(maps.Keys(codes), func(a, b string) int { return cmp.Or(codes[b]-codes[a], strings.Compare(a, b)) })
	for i, code := range list {
		list[i] = fmt.Sprintf("%s %d", code, codes[code])
	}
	return strings.Join(list, ", ")
}

// missed lists the cases below the score, each with what would find it.
func missed(cases []Case, findings map[string]finding) string {
	out := fmt.Sprintf("Missed at %d:\n", looked)
	for _, c := range cases {
		f := findings[c.ClaimID]
		if f.score >= looked {
			continue
		}
		i := slices.IndexFunc(tricks, func(t trick) bool { return t.kind == c.Kind })
		out += fmt.Sprintf("- %s (%s, %s, claimant %d, score %d): %s. It would take: %s.\n",
			c.Kind, f.sector.code, f.source, c.number, f.score, tricks[i].told, tricks[i].proof)
	}
	return out
}

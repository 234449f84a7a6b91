package fsck

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"redress/internal/auditlog"
)

// Claim is the row of a claim with all rows that the log speaks of.
type Claim struct {
	ID          string
	IncidentID  string
	ClaimantID  string
	Erased      bool // with its claimant: estimates are empty
	Channel     string
	Services    string
	Sector      string
	Region      string
	Late        bool
	State       string
	Version     int64
	Claimed     int64
	Estimated   *int64
	Outcome     string
	Estimates   int64
	Assessed    *int64
	Awarded     *int64
	Decisions   int64
	Standing    int64
	Verdict     string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SubmittedAt *time.Time
	DecidedAt   *time.Time
	Events      []Event // by number
	Made        []Estimate
	Judged      []Decision
	Letters     []Letter
	Rows        map[string]string // keyed hashes of the rows that entries hold, by name
	Stages      []Stage           // by number
}

// Stage is the row of a stay in a state.
type Stage struct {
	N          int64 // version of the claim that it entered the state at
	IncidentID string
	State      string
	Entered    time.Time
	Left       *time.Time
}

// Event is the row of an event with its entry, nil where there is none.
type Event struct {
	N       int64
	Type    string
	At      time.Time
	Actor   string
	Who     string // keyed hash of key and person
	Data    []byte // JSON
	EntryID string
	Entry   *auditlog.Entry
}

// Estimate is the row of an estimate.
type Estimate struct {
	N             int64
	Bytes         []byte
	Hash          string
	Inputs        []byte
	InputHash     string
	Model         string
	Scheme        string
	SchemeVersion int64
	Amount        int64
	Outcome       string
}

// Decision is the row of a decision.
type Decision struct {
	N             int64
	Kind          string
	Verdict       string
	Claimed       int64
	Estimated     *int64
	Assessed      int64
	Awarded       int64
	Estimate      int64
	Reason        string
	ReasonVersion int64
	ErrorCode     string
	Override      string
	Policy        int64
}

// Letter is the row of a decision's letter.
type Letter struct {
	Decision int64
	TextHash string
	PDFHash  string
	Sound    bool // text and PDF are those of the hashes
}

// clockSkew is how far apart instants may lie that one request read from the
// clock.
const clockSkew = time.Minute

// told is what the events of a claim say, put together.
type told struct {
	state                        string
	version, estimates           int64
	decisions, standing          int64
	claimed                      int64
	estimated, assessed, awarded *int64
	outcome, verdict, channel    string
	late                         bool
	created, updated             time.Time
	submitted, decided           *time.Time
	estimate                     map[int64]facts // by number
	decision                     map[int64]facts
	cell                         map[string]string // by the names of cell
	rows                         rows
	all                          bool // rows: the first entry says them already
	stages                       []Stage
}

// cell are the facts that say in which row of the published tables a claim is.
var cell = []string{"services", "sector", "region"}

// claim holds a claim against its events, and its events against their entries.
func (c *check) claim(claim Claim) {
	place := "claim:" + claim.ID
	c.belongs(claim)
	t := told{estimate: map[int64]facts{}, decision: map[int64]facts{}, cell: map[string]string{}, rows: rows{}}
	next := int64(1)
	for _, e := range claim.Events {
		for ; next < e.N; next++ {
			c.find(fmt.Sprintf("%s/event:%d", place, next), "event_missing", "Event %d is missing.", "%d번 이벤트가 없습니다.", next)
		}
		next = e.N + 1
		c.event(claim, e)
		t.add(e)
	}
	c.row(claim, t)
	c.estimates(claim, t)
	c.decisions(claim, t)
	if !claim.Erased { // its entries say nothing any more
		c.hold(place+"/", claim.Rows, t.rows, t.all)
		c.stages(claim, t)
	}
}

// event holds an event against its entry.
func (c *check) event(claim Claim, e Event) {
	place := fmt.Sprintf("claim:%s/event:%d", claim.ID, e.N)
	entry := e.Entry
	if entry == nil {
		c.find(place, "event_without_entry", "The event's entry %s is missing.", "이벤트의 항목 %s이(가) 없습니다.", e.EntryID)
		return
	}
	differs := func(what string, row, said any) {
		c.find(place, "event_differs", "The event's %s is %v; its entry says %v.", "이벤트의 %s이(가) %v인데 항목에는 %v(으)로 되어 있습니다.", what, row, said)
	}
	said := facts{"type": entry.Type, "subject": entry.Subject, "at": stamp(entry.At)}
	if entry.Salt != nil {
		said = readFacts(entry.Body)
	}
	for _, fact := range []struct {
		name string
		row  any
	}{{"type", e.Type}, {"subject", claim.ID}, {"at", stamp(e.At)}, {"n", e.N}, {"by", e.Actor}, {"incident", claim.IncidentID}, {"who", e.Who}} {
		// Entries from before they said who do not.
		if (entry.Salt != nil && fact.name != "who" || said.has(fact.name)) && !same(said[fact.name], fact.row) {
			differs(fact.name, fact.row, said[fact.name])
		}
	}
	if data := readFacts(e.Data); entry.Salt != nil && !sameData(data, said.data()) {
		differs("data", string(e.Data), said["data"])
	}
}

// add takes in what an event says, from its entry where that still says it.
func (t *told) add(e Event) {
	data := readFacts(e.Data)
	t.state = ""
	if e.Entry != nil && e.Entry.Salt != nil {
		said := readFacts(e.Entry.Body)
		t.state, data = said.text("state"), said.data()
		t.all = t.all || e.N == 1 && said.has("rows")
		maps.Copy(t.rows, said.rows())
	}
	t.enter(e)
	if t.version == 0 {
		t.created = e.At
	}
	t.version, t.updated = e.N, e.At
	if data.has("channel") {
		t.channel = data.text("channel")
	}
	if n, ok := data.number("claimed"); ok {
		t.claimed = n
	}
	for _, fact := range cell {
		if data.has(fact) {
			t.cell[fact] = data.text(fact)
		}
	}
	if n, ok := data.number("estimate"); ok && data.has("estimate_hash") {
		amount, _ := data.number("amount")
		t.estimate[n], t.estimates, t.estimated, t.outcome = data, n, &amount, data.text("outcome")
		if t.submitted == nil && data.has("late") {
			t.submitted, t.late = &e.At, data["late"] == true
		}
	}
	n, ok := data.number("decision")
	if !ok || !data.has("verdict") {
		return
	}
	t.decision[n], t.decisions = data, max(t.decisions, n)
	if data["stands"] == true {
		assessed, _ := data.number("assessed")
		awarded, _ := data.number("awarded")
		t.assessed, t.awarded, t.standing, t.verdict, t.decided = &assessed, &awarded, n, data.text("verdict"), &e.At
	}
}

// row holds the claim's own row against what its events say.
func (c *check) row(claim Claim, t told) {
	if t.state == "" {
		t.state = claim.State // the last entry was erased
	}
	// Entries of claims that were submitted before the log had the cell do not say it.
	for fact, row := range map[string]string{"services": claim.Services, "sector": claim.Sector, "region": claim.Region} {
		if _, said := t.cell[fact]; !said {
			t.cell[fact] = row
		}
	}
	for _, column := range []struct {
		name      string
		row, said any
	}{
		{"services", claim.Services, t.cell["services"]},
		{"sector", claim.Sector, t.cell["sector"]},
		{"region", claim.Region, t.cell["region"]},
		{"state", claim.State, t.state},
		{"version", claim.Version, t.version},
		{"channel", claim.Channel, t.channel},
		{"late", claim.Late, t.late},
		{"claimed", claim.Claimed, t.claimed},
		{"estimates", claim.Estimates, t.estimates},
		{"estimated", amount(claim.Estimated), amount(t.estimated)},
		{"outcome", claim.Outcome, t.outcome},
		{"assessed", amount(claim.Assessed), amount(t.assessed)},
		{"awarded", amount(claim.Awarded), amount(t.awarded)},
		{"decisions", claim.Decisions, t.decisions},
		{"standing", claim.Standing, t.standing},
		{"verdict", claim.Verdict, t.verdict},
		{"created_at", stamp(claim.CreatedAt), stamp(t.created)},
		{"updated_at", stamp(claim.UpdatedAt), stamp(t.updated)},
		{"submitted_at", instant(claim.SubmittedAt, t.submitted), instant(t.submitted, t.submitted)},
		{"decided_at", instant(claim.DecidedAt, t.decided), instant(t.decided, t.decided)},
	} {
		if column.row != column.said {
			c.find("claim:"+claim.ID, "claim_differs", "The claim's %s is %v; by its events it is %v.",
				"청구의 %s이(가) %v인데 이벤트에 따르면 %v입니다.", column.name, column.row, column.said)
		}
	}
}

func amount(n *int64) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(*n)
}

// instant writes an instant as the one it is compared with where they are of one
// request.
func instant(at, with *time.Time) string {
	if at == nil {
		return "none"
	}
	if with != nil && at.Sub(*with).Abs() <= clockSkew {
		at = with
	}
	return stamp(*at)
}

// estimates holds each estimate against its hashes and the event that logged it.
func (c *check) estimates(claim Claim, t told) {
	for _, e := range claim.Made {
		place := fmt.Sprintf("claim:%s/estimate:%d", claim.ID, e.N)
		if !claim.Erased && (e.Hash != hexSHA256(e.Bytes) || e.InputHash != hexSHA256(e.Inputs)) {
			c.find(place, "document_changed", "The estimate or its inputs are not those of the hashes beside them.", "추정 또는 그 입력이 옆에 적힌 해시와 맞지 않습니다.")
		}
		said, ok := t.estimate[e.N]
		if !ok {
			c.find(place, "estimate_unlogged", "No event speaks of this estimate.", "이 추정에 관한 이벤트가 없습니다.")
			continue
		}
		delete(t.estimate, e.N)
		c.compare(place, "estimate_differs", said, []fact{
			{"estimate_hash", e.Hash}, {"input_hash", e.InputHash}, {"model", e.Model}, {"scheme", e.Scheme},
			{"scheme_version", e.SchemeVersion}, {"amount", e.Amount}, {"outcome", e.Outcome},
		})
	}
	for n := range t.estimate {
		c.find(fmt.Sprintf("claim:%s/estimate:%d", claim.ID, n), "estimate_missing", "The estimate that an event speaks of is missing.", "이벤트에 있는 추정이 없습니다.")
	}
}

// fact is a value of a row under the name that an entry has for it.
type fact struct {
	name string
	row  any
}

func (c *check) compare(place, code string, said facts, rows []fact) {
	for _, f := range rows {
		if !same(said[f.name], f.row) {
			c.find(place, code, "%s is %v; the log says %v.", "%s이(가) %v인데 로그에는 %v(으)로 되어 있습니다.", f.name, f.row, said[f.name])
		}
	}
}

// decisions holds each decision and its letter against the event that logged it.
func (c *check) decisions(claim Claim, t told) {
	for _, d := range claim.Judged {
		place := fmt.Sprintf("claim:%s/decision:%d", claim.ID, d.N)
		said, ok := t.decision[d.N]
		if !ok {
			c.find(place, "decision_unlogged", "No event speaks of this decision.", "이 결정에 관한 이벤트가 없습니다.")
			continue
		}
		delete(t.decision, d.N)
		c.compare(place, "decision_differs", said, []fact{
			{"kind", d.Kind}, {"verdict", d.Verdict}, {"claimed", d.Claimed}, {"estimated", whole(d.Estimated)}, {"assessed", d.Assessed}, {"awarded", d.Awarded},
			{"estimate", d.Estimate}, {"reason", d.Reason}, {"catalogue", d.ReasonVersion}, {"error_code", text(d.ErrorCode)}, {"override", text(d.Override)},
			{"policy", d.Policy},
		})
		c.letter(claim, d.N, said)
	}
	for n := range t.decision {
		c.find(fmt.Sprintf("claim:%s/decision:%d", claim.ID, n), "decision_missing", "The decision that an event speaks of is missing.", "이벤트에 있는 결정이 없습니다.")
	}
}

// whole and text are nil for what an entry leaves out.
func whole(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *check) letter(claim Claim, decision int64, said facts) {
	i := slices.IndexFunc(claim.Letters, func(l Letter) bool { return l.Decision == decision })
	place := fmt.Sprintf("claim:%s/letter:%d", claim.ID, decision)
	switch logged := said.has("letter_text_hash"); {
	case i < 0 && logged:
		c.find(place, "letter_missing", "The letter that an event speaks of is missing.", "이벤트에 있는 결정서가 없습니다.")
	case i >= 0 && !logged:
		c.find(place, "letter_unlogged", "No event speaks of this letter.", "이 결정서에 관한 이벤트가 없습니다.")
	case i >= 0:
		if !claim.Erased && !claim.Letters[i].Sound {
			c.find(place, "document_changed", "The letter is not that of the hashes beside it, or does not open.", "결정서가 옆에 적힌 해시와 맞지 않거나 열리지 않습니다.")
		}
		c.compare(place, "letter_differs", said, []fact{{"letter_text_hash", claim.Letters[i].TextHash}, {"letter_pdf_hash", claim.Letters[i].PDFHash}})
	}
}

package claims

import (
	"time"

	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
)

// Desk is where a claim stands on the staff's side. Amounts are minor units of
// the claim's currency.
type Desk struct {
	Sector string // of the outlet, as it was when the claim was submitted
	Region string
	Unit   []byte // keyed hash of the platform's account that lost; one loss is paid once
	Score  int    // points of the checks' flags; it sorts and explains, it never rejects

	AssignedTo string      // person; empty when nobody has it
	LeaseUntil *time.Time  // the assignment's end; anybody may take the claim after it
	Rank       time.Time   // place in the queue: the earliest is next
	Stake      money.Minor // what is at stake, see stake

	StateSince time.Time
	PromisedAt *time.Time    // the decision date promised at first; never overwritten
	Waited     time.Duration // how long the clock has stood still, up to StateSince
	DueAt      *time.Time    // when the service acts by itself: a request lapses, a hold or an appeal period ends

	Assessed   *money.Minor
	Awarded    *money.Minor
	Decisions  int     // how many were made
	Standing   int     // number of the decision that stands; 0 when none does
	Verdict    Verdict // of the decision that stands
	DecidedAt  *time.Time
	Automatic  bool // the decision that stands was made without a person
	AppealOpen bool // an appeal was made and is not decided
	HumanAsked bool // the claimant asked for a person; never decided automatically again
}

// Expected is when a decision may be expected: the promised date, later by what
// the clock has stood still until now; nil when none was promised.
func (c Claim) Expected(now time.Time) *time.Time {
	if c.PromisedAt == nil {
		return nil
	}
	at := c.PromisedAt.Add(c.Waited + c.stood(now))
	return &at
}

// Verdict is what a decision says.
type Verdict string

// The verdicts. Refused is on the merits; rejected can be fixed and submitted
// again.
const (
	Approved       Verdict = "approved"
	PartlyApproved Verdict = "partly_approved"
	Refused        Verdict = "refused"
	Rejected       Verdict = "rejected"
)

// DecisionKind is on which occasion a decision was made.
type DecisionKind string

// The kinds of decision.
const (
	FirstDecision     DecisionKind = "decision"
	AutomaticDecision DecisionKind = "automatic"
	Amendment         DecisionKind = "amendment"
	AppealDecision    DecisionKind = "appeal"
)

// Decision is made once and never edited: what corrects it is another decision.
// It stands when it needs no approval or has it.
type Decision struct {
	ClaimID   string
	N         int // 1, 2, … within the claim
	Kind      DecisionKind
	Verdict   Verdict
	Claimed   money.Minor  // the chain: as claimed,
	Estimated *money.Minor // as the scheme pays on the estimate,
	Assessed  money.Minor  // as the reviewer finds,
	Awarded   money.Minor  // as is to be paid
	Estimate  int          // number of the estimate it rests on; 0 for none
	Reason    ReasonRef
	ErrorCode string      // of an appeal decision and an amendment: what was wrong before, or "none"
	Override  string      // code of the reason for an amount beyond the limits; empty for none
	Note      string      // personal data may be in it
	Evidence  []string    // ids of the files it rests on
	Criteria  []Criterion // of an automatic decision
	Policy    int         // version of the desk policy
	From      State       // where the claim goes back to when the decision is returned
	MadeBy    string      // person
	MadeRole  identity.Role
	MadeAt    time.Time
	NotBy     string    // who may not have made it: the maker of the decision appealed against
	Needs     bool      // an approval
	Approval  *Approval // nil while there is none
}

// Stands reports whether the decision is in force or was until another one.
func (d Decision) Stands() bool { return !d.Needs || d.Approval != nil && d.Approval.Approved }

// of reports whether the person made the decision, or approved or returned it.
func (d Decision) of(person string) bool {
	return d.MadeBy == person || d.Approval != nil && d.Approval.By == person
}

// Approval is what the second person said of a proposed decision.
type Approval struct {
	ClaimID  string
	Decision int
	Maker    string // of the decision; the database refuses it as checker
	Approved bool   // or returned
	By       string // person
	Role     identity.Role
	Note     string
	At       time.Time
}

// Criterion is one condition of an automatic decision, as it was looked at.
type Criterion struct {
	Code  string `json:"code"`
	Limit int64  `json:"limit"`
	Value int64  `json:"value"`
	Held  bool   `json:"held"`
}

// ReasonRef names a reason in a version of the catalogue.
type ReasonRef struct {
	Code    string `json:"code"`
	Version int    `json:"version"`
}

// DecisionDraft is what a reviewer decides.
type DecisionDraft struct {
	Verdict   Verdict
	Assessed  money.Minor
	Awarded   money.Minor
	Reason    string // code in the catalogue in force
	ErrorCode string
	Override  string
	Note      string
	Evidence  []string
}

// InformationRequest asks the claimant for things; the clock stands still until
// all are answered or the date is past.
type InformationRequest struct {
	ClaimID string
	N       int
	Items   []RequestedItem
	Message string // personal data may be in it
	AskedBy string // person; the answer goes back to them
	AskedAt time.Time
	DueAt   time.Time
	EndedAt *time.Time
	EndedAs RequestEnd
}

// RequestEnd is how an information request ended.
type RequestEnd string

// The ends of a request.
const (
	RequestAnswered RequestEnd = "answered"
	RequestLapsed   RequestEnd = "lapsed"
	RequestRecalled RequestEnd = "recalled" // by staff, or because the claim was withdrawn
)

// RequestedItem is one thing that is asked for, and its answer.
type RequestedItem struct {
	Code        string     `json:"code"`           // unique in the request
	Slot        string     `json:"slot,omitempty"` // of evidence that answers it
	What        string     `json:"what"`
	Why         string     `json:"why"`
	Substitutes []string   `json:"substitutes,omitempty"` // slots that are accepted instead
	AnsweredAt  *time.Time `json:"answered_at,omitempty"`
	Text        string     `json:"text,omitempty"`
	Files       []string   `json:"files,omitempty"` // ids of evidence
	Behalf
}

// AppealCase is a claimant's appeal against a decision; a claim has one.
type AppealCase struct {
	ClaimID   string
	Decision  int      // number of the decision appealed against
	Grounds   string   // personal data
	Files     []string // evidence that came with it
	FiledAt   time.Time
	EndedAt   *time.Time
	Withdrawn bool
	Behalf
}

// Letter is what the claimant is told about a decision that stands.
type Letter struct {
	ClaimID  string
	Decision int
	Text     []byte // both languages
	PDF      []byte
	TextHash string // SHA-256, hex
	PDFHash  string
	MadeAt   time.Time
}

// EvidenceFile is a file that supports a claim; its bytes lie in the blob store
// under its id.
type EvidenceFile struct {
	ID         string
	ClaimID    string
	ClaimantID string
	Slot       string
	Name       string // as uploaded; personal data may be in it
	Type       string // media type by content
	Size       int64
	SHA256     []byte
	Scan       string
	UploadedBy string // key
	UploadedAt time.Time
	SameAs     int // on how many other claims the same file lies
}

// Read is one look of staff at somebody's personal data.
type Read struct {
	ID         string
	ClaimID    string // or of the claimant alone when empty
	ClaimantID string
	What       string // claim, evidence, letter, claimant
	Item       string // id of the file, number of the letter
	Purpose    string
	Person     string
	Role       identity.Role
	At         time.Time
}

// Exclusion keeps a person from a claim.
type Exclusion struct {
	ClaimID string
	Person  string
	Why     string // filed, recused, decided, approved
}

// The reasons for exclusions. Who decided or approved is kept from the appeal
// only.
const (
	ExcludedFiled    = "filed" // or did anything else on the claimant's behalf
	ExcludedRecused  = "recused"
	ExcludedDecided  = "decided"
	ExcludedApproved = "approved"
)

// Stage is a stay of a claim in one state, half-open; Left is nil for the
// current one.
type Stage struct {
	ClaimID string
	N       int64 // number of the event that began it
	State   State
	Entered time.Time
	Left    *time.Time
}

// CheckRow is a check of a claim as submitted, see package checks.
type CheckRow struct {
	ClaimID string
	Round   int // number of the estimate made with it
	Code    string
	Service string // of the line; empty for a check on the whole claim
	Result  string // passed, flagged or not_applicable
	Points  int
	Detail  lang.Text
	Remedy  *lang.Text // for the claimant, where there is one
	Facts   map[string]any
}

// Cover is a half-open interval of a service in which a unit's loss is
// compensated by one claim; the database refuses a second.
type Cover struct {
	ClaimID    string
	IncidentID string
	Service    string
	Unit       []byte
	Start      time.Time
	End        time.Time
}

// Rulebook is a published version of what is worked by: the desk policy, the
// catalogue of reasons, the rule of disclosure control, or what estimates are made
// with. Its hash is logged before it is used.
type Rulebook struct {
	Kind      RulebookKind
	Version   int
	Bytes     []byte // JSON
	Hash      string // SHA-256 of the bytes, hex
	CreatedBy string // person
	CreatedAt time.Time
}

// RulebookKind tells rulebooks apart.
type RulebookKind string

// The kinds of rulebook.
const (
	PolicyBook  RulebookKind = "desk_policy"
	ReasonsBook RulebookKind = "reason_catalogue"
	// DisclosureBook is what the public may be told, see publication.Rule.
	DisclosureBook RulebookKind = "disclosure_rule"
	// ModelBook is which estimator makes estimates with which holidays.
	ModelBook RulebookKind = "model"
)

// View is a named filter that a person of staff keeps.
type View struct {
	ID     string
	Person string
	Name   string
	Filter ClaimFilter
}

// LeaseRequest asks for the next claim of the queue.
type LeaseRequest struct {
	Person     string
	Filter     ClaimFilter // of incident, sectors, services …
	Appeals    bool        // may be given appeals
	ScoreBelow int         // is given claims of a lower score only; 0 for any
	Now        time.Time
}

// Batch is a set of decisions sealed for quality review: the seed that draws the
// sample is made after the set is fixed and logged.
type Batch struct {
	ID         string
	IncidentID string
	SealedAt   time.Time
	Digest     string // SHA-256 over the sorted "claim/decision" lines, hex
	Size       int
	Seed       []byte // nil until drawn
	Sampled    int
}

// QualityReview is a second look at a sampled decision by somebody else.
type QualityReview struct {
	ID         string
	BatchID    string
	ClaimID    string
	Decision   int
	Maker      string
	AssignedTo string
	LeaseUntil *time.Time
	Agrees     *bool // nil while open
	ErrorCode  string
	Note       string
	By         string
	At         *time.Time
}

// Twins are what the store knows of a claim's look-alikes, by keyed hashes.
type Twins struct {
	Account, Phone int // other claimants with the same one
	AccountClaims  int // and their standing claims in the incident
	PhoneClaims    int
	AccountAwarded int // of those, decided with an award
	PhoneAwarded   int
	Unit           int // standing claims of other claimants for the same unit
	UnitAwarded    int
	Copies         int // weeks of the history that other claimants' histories share
	KeyHour        int // claims submitted with the same key in the last hour
	KeyDay         int
	AddressHour    int // and from the same network address
	AddressDay     int
}

// Text names the verdict to people.
func (v Verdict) Text() lang.Text { return verdictNames[v] }

var verdictNames = map[Verdict]lang.Text{
	Approved:       lang.T("approved", "승인"),
	PartlyApproved: lang.T("partly approved", "일부 승인"),
	Refused:        lang.T("refused on the merits", "기각"),
	Rejected:       lang.T("rejected as fixable", "보완 후 재제출"),
}

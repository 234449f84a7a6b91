// Package identity answers who acts and what they may do: roles, API keys, and
// the encryption that keeps personal data unreadable at rest.
package identity

import (
	"slices"
	"time"
)

// Role is what a key may be used for.
type Role string

// The roles. Public is whoever comes without a key.
const (
	Public     Role = "public"
	Admin      Role = "admin"
	Platform   Role = "platform" // runs the platform that failed: incidents, ledgers
	Reviewer   Role = "reviewer"
	Senior     Role = "senior"
	Payer      Role = "payer"
	Auditor    Role = "auditor"
	Accountant Role = "accountant" // reads the files of claims in samples that name them, and nothing else
	Claimant   Role = "claimant"
	Delegate   Role = "delegate" // acts for one claimant, with a key that claimant issued
	System     Role = "system"   // the service itself, by its clock and its policy; no key has it
)

// Roles are all roles a key can have.
var Roles = []Role{Admin, Platform, Reviewer, Senior, Payer, Auditor, Accountant, Claimant, Delegate}

// Action is something a role may or may not do.
type Action string

// The actions.
const (
	ManageIncidents   Action = "manage_incidents"
	SeeDraftIncidents Action = "see_draft_incidents"
	PublishSchemes    Action = "publish_schemes"
	ManageKeys        Action = "manage_keys"
	DelegateKeys      Action = "delegate_keys"     // issue and revoke delegate keys for oneself
	ActForClaimants   Action = "act_for_claimants" // register and file on a claimant's behalf
	UseRights         Action = "use_rights"        // answer, accept, appeal, withdraw or ask for a person on a claimant's behalf
	ReadClaims        Action = "read_claims"       // read any claimant, history and claim
	OwnClaims         Action = "own_claims"        // read and write the key's own claimant
	PushLedgers       Action = "push_ledgers"      // uploads count as the platform's ledger
	SimulateSchemes   Action = "simulate_schemes"  // see what a scheme would pay in an incident
	SeeSmallCounts    Action = "see_small_counts"  // see totals of few claims, too
	ReviewClaims      Action = "review_claims"     // take claims from the queue and decide them
	ApproveDecisions  Action = "approve_decisions" // be the second person of a decision
	AssignOthers      Action = "assign_others"     // hand a claim to somebody else
	ManageDesk        Action = "manage_desk"       // publish desk policies and reason catalogues
	SeeReads          Action = "see_reads"         // see who read personal data, and why
	AuditTotals       Action = "audit_totals"      // seal snapshots, and see their leaves, proofs and sums
	DrawSamples       Action = "draw_samples"      // name the nonce that chooses what an accountant looks at
	ReadSamples       Action = "read_samples"      // read the claims of samples that name one, and end them
	PublishTotals     Action = "publish_totals"    // release and restate totals, and publish the disclosure rule
	EraseClaimants    Action = "erase_claimants"   // have a person forgotten
)

var permitted = map[Action][]Role{
	ManageIncidents:   {Admin, Platform},
	SeeDraftIncidents: {Admin, Platform, Reviewer, Senior, Payer},
	PublishSchemes:    {Admin},
	ManageKeys:        {Admin},
	DelegateKeys:      {Claimant},
	ActForClaimants:   {Admin, Platform, Reviewer, Senior},
	UseRights:         {Admin, Reviewer, Senior}, // whose platform failed does not speak for the claimant
	ReadClaims:        {Admin, Platform, Reviewer, Senior, Payer},
	OwnClaims:         {Claimant, Delegate},
	PushLedgers:       {Platform},
	SimulateSchemes:   {Admin, Platform, Reviewer, Senior, Auditor},
	SeeSmallCounts:    {Admin, Platform, Reviewer, Senior},
	ReviewClaims:      {Reviewer, Senior},
	ApproveDecisions:  {Senior, Admin},
	AssignOthers:      {Senior},
	ManageDesk:        {Admin},
	SeeReads:          {Admin, Senior},
	AuditTotals:       {Admin, Auditor},
	DrawSamples:       {Auditor}, // who runs the service could try nonces until one suits
	ReadSamples:       {Accountant},
	PublishTotals:     {Admin},
	EraseClaimants:    {Admin},
}

// Actor is who makes a request. The zero value is nobody and may do nothing
// that needs a permission; use Anyone for the public.
type Actor struct {
	Role       Role
	KeyID      string // empty for the public and the system
	Person     string // who holds the key; what one of staff did, no second key of theirs may check
	ClaimantID string // set for the roles claimant and delegate
	Address    string // network address of the request; empty where there is none
	Purpose    string // why they look at personal data, as they said
}

// Anyone is the actor of a request without a key.
var Anyone = Actor{Role: Public}

// Itself is the service acting by its clock or its policy.
var Itself = Actor{Role: System, Person: string(System)}

// Can reports whether the actor's role permits the action.
func (a Actor) Can(action Action) bool { return slices.Contains(permitted[action], a.Role) }

// Owns reports whether the actor acts for that claimant by a key of theirs.
func (a Actor) Owns(claimantID string) bool {
	return a.Can(OwnClaims) && claimantID != "" && a.ClaimantID == claimantID
}

// Key is an API key without its secret.
type Key struct {
	ID         string
	Role       Role
	Label      string
	Person     string // who holds the key: a code, no name; the key's own id when none was given
	ClaimantID string // for the roles claimant and delegate
	IssuedBy   string // id of the issuing key; empty for the command line and for self-registration
	Hash       []byte // SHA-256 of the secret
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  *time.Time
}

// Actor is who acts with the key.
func (k Key) Actor() Actor {
	return Actor{Role: k.Role, KeyID: k.ID, Person: k.Person, ClaimantID: k.ClaimantID}
}

// ValidAt reports whether the key is neither expired nor revoked at that time.
func (k Key) ValidAt(now time.Time) bool {
	return now.Before(k.ExpiresAt) && (k.RevokedAt == nil || now.Before(*k.RevokedAt))
}

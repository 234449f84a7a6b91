package claims

import (
	"context"
	"time"

	"redress/internal/auditlog"
	"redress/internal/identity"
	"redress/internal/revenue"
)

// Page asks for the items after a position in an order that is newest first.
type Page struct {
	After string // id of the last item of the page before; empty for the first
	Limit int
}

// Reader finds things. What is absent is a fault of kind NotFound. Every list
// is newest first by id.
type Reader interface {
	Key(ctx context.Context, id string) (identity.Key, error)
	// Keys lists the keys of one claimant, or all keys when claimantID is empty.
	Keys(ctx context.Context, claimantID string, page Page) ([]identity.Key, error)

	Incident(ctx context.Context, id string) (Incident, error)
	Incidents(ctx context.Context, withDrafts bool, page Page) ([]Incident, error)

	// Scheme finds one version of a scheme, the newest when version is 0.
	Scheme(ctx context.Context, id string, version int) (SchemeVersion, error)
	// Schemes lists versions by id, newest version first, after the given one.
	Schemes(ctx context.Context, after *SchemeRef, limit int) ([]SchemeVersion, error)

	Claimant(ctx context.Context, id string) (Claimant, error)
	// OutletUsed reports whether a history or a claim refers to the outlet.
	OutletUsed(ctx context.Context, claimantID, outlet string) (bool, error)

	// Uploads finds the current upload of each source, the platform's first.
	Uploads(ctx context.Context, claimantID, outlet, service string) ([]Upload, error)
	// Histories finds the histories of uploads, by id; one that does not exist is
	// left out.
	Histories(ctx context.Context, uploads []string) (map[string]SourcedHistory, error)

	Claim(ctx context.Context, id string) (Claim, error)
	Claims(ctx context.Context, filter ClaimFilter, page Page) ([]Claim, error)
	// ClaimExists reports whether a claim that is not withdrawn stands for that
	// incident, claimant and outlet.
	ClaimExists(ctx context.Context, incidentID, claimantID, outlet string) (bool, error)
	// Estimate finds one estimate of a claim, the newest when n is 0.
	Estimate(ctx context.Context, claimID string, n int) (Estimate, error)
	// NewestEstimates lists the newest estimate of each claim of an incident (of
	// all incidents when the id is empty) by claim, newest claim first.
	NewestEstimates(ctx context.Context, incidentID string, page Page) ([]Estimate, error)
	Events(ctx context.Context, claimID string) ([]Event, error)
	// SubmittedEstimates is NewestEstimates of one incident's submitted claims.
	SubmittedEstimates(ctx context.Context, incidentID string, page Page) ([]Estimate, error)
	// CountSubmitted is how many claims of an incident are submitted.
	CountSubmitted(ctx context.Context, incidentID string) (int, error)

	Job(ctx context.Context, id string) (Job, error)

	// Answered finds the answer kept under an idempotency key, nil when there is
	// none. A key that was used for another request is an Invalid fault.
	Answered(ctx context.Context, once Once, now time.Time) (*Answer, error)
}

// Tx reads and writes inside one transaction. Updates compare the version that
// the caller read with the stored one and fail with kind Stale when they
// differ; inserts that break a uniqueness fail with kind Conflict.
type Tx interface {
	Reader

	// Recall reserves an idempotency key for this transaction and answers nil, or
	// answers as Answered when the key is taken.
	Recall(ctx context.Context, once Once, now time.Time) (*Answer, error)
	// Keep stores the answer under the key that Recall reserved.
	Keep(ctx context.Context, once Once, answer Answer) error
	// Forget drops at most limit answers that have expired and says how many.
	Forget(ctx context.Context, now time.Time, limit int) (int, error)

	InsertKey(ctx context.Context, key identity.Key) error
	RevokeKey(ctx context.Context, id string, at time.Time) error

	InsertIncident(ctx context.Context, incident Incident) error
	UpdateIncident(ctx context.Context, incident Incident) error

	InsertScheme(ctx context.Context, scheme SchemeVersion) error

	InsertClaimant(ctx context.Context, claimant Claimant) error
	UpdateClaimant(ctx context.Context, claimant Claimant) error

	// InsertUpload stores an upload as the current one of its source.
	InsertUpload(ctx context.Context, upload Upload, weeks []revenue.PackedWeek) error

	InsertClaim(ctx context.Context, claim Claim) error
	UpdateClaim(ctx context.Context, claim Claim) error
	InsertEstimate(ctx context.Context, estimate Estimate) error
	InsertEvent(ctx context.Context, event Event) error
	InsertEntry(ctx context.Context, entry auditlog.Entry) error

	// InsertJob stores a job, or answers the one under way that is the same.
	InsertJob(ctx context.Context, job Job) (Job, error)
	// TakeJob takes the job of these kinds that is due the longest, or whose lease
	// has run out, until the given time; nil when there is none.
	TakeJob(ctx context.Context, kinds []string, now, until time.Time) (*Job, error)
	// UpdateJob stores what became of a job that was taken. It fails with kind
	// Stale when somebody else has taken it since.
	UpdateJob(ctx context.Context, job Job) error
}

// Store is the database. InTx is the one door for writes: f runs in one
// transaction that is durable when InTx returns nil and leaves nothing when it
// returns an error. Nothing slow belongs in f, and f may run more than once.
type Store interface {
	Reader
	InTx(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
}

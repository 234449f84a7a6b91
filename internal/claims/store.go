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
	// HasKey reports whether the person holds a key of one of the roles that is valid
	// at that time.
	HasKey(ctx context.Context, person string, roles []identity.Role, at time.Time) (bool, error)

	Incident(ctx context.Context, id string) (Incident, error)
	Incidents(ctx context.Context, withDrafts bool, page Page) ([]Incident, error)

	// Scheme finds one version of a scheme, the newest when version is 0.
	Scheme(ctx context.Context, id string, version int) (SchemeVersion, error)
	// Schemes lists versions by id, newest version first, after the given one.
	Schemes(ctx context.Context, after *SchemeRef, limit int) ([]SchemeVersion, error)

	// Claimant finds a claimant; one who was erased is the fault of Erased.
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
	// all incidents when the id is empty) by claim, newest claim first. Claims of
	// people who were erased are left out here and below: their estimates are empty.
	NewestEstimates(ctx context.Context, incidentID string, page Page) ([]Estimate, error)
	Events(ctx context.Context, claimID string) ([]Event, error)
	// SubmittedEstimates is NewestEstimates of one incident's submitted claims.
	SubmittedEstimates(ctx context.Context, incidentID string, page Page) ([]Estimate, error)
	// CountSubmitted is how many claims SubmittedEstimates has.
	CountSubmitted(ctx context.Context, incidentID string) (int, error)

	Job(ctx context.Context, id string) (Job, error)

	DeskReader
	// The log: its head, its tree, and the leaves of entries.
	auditlog.LogReader

	// Answered finds the answer kept under an idempotency key, nil when there is
	// none. A key that was used for another request is an Invalid fault.
	Answered(ctx context.Context, once Once, now time.Time) (*Answer, error)

	ErasureReader
	PublicationReader
	StatisticsReader
	SampleReader
	BundleReader
}

// Tx reads and writes inside one transaction. Updates compare the version that
// the caller read with the stored one and fail with kind Stale when they
// differ; inserts that break a uniqueness fail with kind Conflict.
type Tx interface {
	Reader
	DeskTx
	ErasureTx
	PublicationTx
	SampleTx

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
	// Written hands over keyed hashes of the rows that were written since it was last
	// asked, by name, for the entry that tells of them; empty for those that are gone.
	Written() map[string]any
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

// DeskReader finds what belongs to the staff's side of claims.
type DeskReader interface {
	// Rulebook finds one version of a rulebook, the newest when version is 0.
	Rulebook(ctx context.Context, kind RulebookKind, version int) (Rulebook, error)
	// Checks lists the checks of the newest submission in the order of their code.
	Checks(ctx context.Context, claimID string) ([]CheckRow, error)
	// Decisions lists the decisions of a claim with their approvals, oldest first.
	Decisions(ctx context.Context, claimID string) ([]Decision, error)
	// Requests lists the information requests of a claim, oldest first.
	Requests(ctx context.Context, claimID string) ([]InformationRequest, error)
	// AppealOf finds the appeal of a claim.
	AppealOf(ctx context.Context, claimID string) (AppealCase, error)
	Letter(ctx context.Context, claimID string, decision int) (Letter, error)
	EvidenceFile(ctx context.Context, id string) (EvidenceFile, error)
	// EvidenceFiles lists the files of a claim, oldest first.
	EvidenceFiles(ctx context.Context, claimID string) ([]EvidenceFile, error)
	// EvidenceUsed is how many files, with how many bytes, a claimant has stored.
	EvidenceUsed(ctx context.Context, claimantID string) (files int, bytes int64, err error)
	// EvidenceKnown keeps those of the ids that have a row.
	EvidenceKnown(ctx context.Context, ids []string) ([]string, error)
	// Reads lists the looks at a claim's personal data, newest first.
	Reads(ctx context.Context, claimID string, page Page) ([]Read, error)
	Exclusions(ctx context.Context, claimID string) ([]Exclusion, error)
	// Stages lists the stages of a claim, oldest first.
	Stages(ctx context.Context, claimID string) ([]Stage, error)
	// StageTimes hands over the finished stages of an incident's claims, in no
	// particular order.
	StageTimes(ctx context.Context, incidentID string, visit func(State, time.Duration)) error
	// Due lists at most limit claims whose DueAt is not after now, earliest first.
	Due(ctx context.Context, now time.Time, limit int) ([]Claim, error)
	// Blind is a keyed hash of a value, in hexadecimal digits: whoever may open an
	// entry of the log learns nothing from it.
	Blind(purpose, value string) string
	// Unit is the keyed hash of the platform's account behind a claimant's outlet:
	// of the outlet's id on the platform, else of the driver's; an outlet that the
	// platform does not know is a unit of its own.
	Unit(claimant Claimant, outlet string) []byte
	// Twins looks for a submission's look-alikes by keyed hash, each by an index.
	// The claim need not be stored yet.
	Twins(ctx context.Context, claim Claim, claimant Claimant, now time.Time) (Twins, error)
	// Copies counts the other claimants whose histories carry one of the marks
	// (hashes of weeks of a history), up to a thousand.
	Copies(ctx context.Context, claimantID string, marks []uint64) (int, error)
	// Similar lists at most limit decided claims of an incident and sector whose
	// estimated amount is nearest, from below and from above.
	Similar(ctx context.Context, claim Claim, limit int) ([]Claim, error)
	// Covered lists the intervals that a claim covers.
	Covered(ctx context.Context, claimID string) ([]Cover, error)
	// Ranked lists at most limit claims of a filter in the order of the queue, those
	// that were never submitted last, and says how many there are.
	Ranked(ctx context.Context, filter ClaimFilter, limit int) ([]Claim, int, error)
	Views(ctx context.Context, person string) ([]View, error)
	// Unsealed lists at most limit decisions that stand and are in no batch yet.
	Unsealed(ctx context.Context, incidentID string, limit int) ([]Decision, error)
	Batch(ctx context.Context, id string) (Batch, error)
	// Batches lists the batches of an incident, newest first.
	Batches(ctx context.Context, incidentID string, page Page) ([]Batch, error)
	BatchDecisions(ctx context.Context, batchID string) ([]Decision, error)
	QualityReview(ctx context.Context, id string) (QualityReview, error)
	QualityReviews(ctx context.Context, incidentID string, page Page) ([]QualityReview, error)
}

// DeskTx writes what belongs to the staff's side of claims. Rows are inserted and
// never changed, unless a method says so.
type DeskTx interface {
	InsertRulebook(ctx context.Context, book Rulebook) error
	// LockNext finds the best claim of the queue that the person may have and keeps
	// it from other transactions until this one ends; nil when there is none.
	LockNext(ctx context.Context, request LeaseRequest) (*Claim, error)
	InsertChecks(ctx context.Context, rows []CheckRow) error
	// InsertDecision stores a decision; one that a person may not make is a
	// Conflict fault.
	InsertDecision(ctx context.Context, decision Decision) error
	// InsertApproval stores an approval; the maker's own is a Conflict fault.
	InsertApproval(ctx context.Context, approval Approval) error
	InsertRequest(ctx context.Context, request InformationRequest) error
	// UpdateRequest stores answers to a request and its end.
	UpdateRequest(ctx context.Context, request InformationRequest) error
	// InsertAppeal stores the appeal of a claim; a second is a Conflict fault.
	InsertAppeal(ctx context.Context, appeal AppealCase) error
	// EndAppeal stores how an appeal ended.
	EndAppeal(ctx context.Context, appeal AppealCase) error
	InsertLetter(ctx context.Context, letter Letter) error
	InsertEvidenceFile(ctx context.Context, file EvidenceFile) error
	InsertRead(ctx context.Context, read Read) error
	// InsertExclusion keeps a person from a claim; a repeated one is left as it is.
	InsertExclusion(ctx context.Context, exclusion Exclusion) error
	// EnterStage ends the claim's current stage and begins the next.
	EnterStage(ctx context.Context, stage Stage) error
	// InsertCovers claims intervals for a claim; one that overlaps another claim's
	// is a Conflict fault.
	InsertCovers(ctx context.Context, covers []Cover) error
	// DeleteCovers frees what a claim covers.
	DeleteCovers(ctx context.Context, claimID string) error
	// InsertMarks stores marks of a claimant's history; known ones are left as they
	// are.
	InsertMarks(ctx context.Context, claimantID string, marks []uint64) error
	InsertView(ctx context.Context, view View) error
	DeleteView(ctx context.Context, person, id string) error
	// InsertBatch stores a batch and puts the decisions into it.
	InsertBatch(ctx context.Context, batch Batch, decisions []Decision) error
	// DrawBatch stores the seed of a batch and its quality reviews.
	DrawBatch(ctx context.Context, batch Batch, reviews []QualityReview) error
	// LeaseQuality assigns the oldest open quality review that the person may have
	// until the given time; nil when there is none.
	LeaseQuality(ctx context.Context, incidentID, person string, now, until time.Time) (*QualityReview, error)
	// EndQuality stores the verdict of a quality review that the person holds.
	EndQuality(ctx context.Context, review QualityReview, now time.Time) error
}

// PublicationReader finds what is published and what it is made from. Snapshots,
// releases and restatements are numbered from 1 within their incident, without a
// gap; pages of them are newest first, after the number in decimal digits.
type PublicationReader interface {
	// Counted hands over every claim of an incident that was ever submitted, in no
	// particular order. Nothing sealed is opened, and nobody is named.
	Counted(ctx context.Context, incidentID string, visit func(Counted) error) error
	// SnapshotSalt finds the secret by which an incident's snapshots call claims.
	SnapshotSalt(ctx context.Context, incidentID string) ([]byte, error)
	// Snapshot finds one snapshot, the newest when n is 0.
	Snapshot(ctx context.Context, incidentID string, n int) (Snapshot, error)
	// Snapshots lists snapshots without their statistics.
	Snapshots(ctx context.Context, incidentID string, page Page) ([]Snapshot, error)
	// LeafPart finds a part, from 0 on, of the leaves of a snapshot: lines of the
	// leaf list, compressed with gzip. Parts in a row are one gzip file.
	LeafPart(ctx context.Context, snapshotID string, part int) ([]byte, error)
	// Release finds one release, the newest when n is 0.
	Release(ctx context.Context, incidentID string, n int) (Release, error)
	// ReleaseHeader is Release without the bytes.
	ReleaseHeader(ctx context.Context, incidentID string, n int) (Release, error)
	// Releases lists releases without their bytes.
	Releases(ctx context.Context, incidentID string, page Page) ([]Release, error)
	// Restatements lists all restatements of an incident, oldest first.
	Restatements(ctx context.Context, incidentID string) ([]Restatement, error)
	// EntryAbout finds the id of the entry of that type which names the version of
	// a subject, or names none when version is 0.
	EntryAbout(ctx context.Context, entryType, subject string, version int) (string, error)
}

// PublicationTx writes what is published. Rows are inserted and never changed.
type PublicationTx interface {
	// InsertSalt stores the secret of an incident's snapshots; a second is a
	// Conflict fault.
	InsertSalt(ctx context.Context, incidentID string, salt []byte) error
	// InsertLeafPart stores a part of the leaves of a snapshot that is to come.
	InsertLeafPart(ctx context.Context, snapshotID string, part int, lines []byte) error
	// DropLooseLeaves drops leaves that were stored before that time and whose
	// snapshot never came.
	DropLooseLeaves(ctx context.Context, before time.Time) error
	// InsertSnapshot stores a snapshot whose leaves are stored in so many parts. It
	// is a Conflict fault when the number is taken or parts are missing.
	InsertSnapshot(ctx context.Context, snapshot Snapshot, parts int) error
	// InsertRelease stores a release; one whose number is taken, or of a snapshot
	// that was released, is a Conflict fault.
	InsertRelease(ctx context.Context, release Release) error
	// InsertRestatement stores a restatement; one whose number is taken is a
	// Conflict fault.
	InsertRestatement(ctx context.Context, restatement Restatement) error
}

// Store is the database. InTx is the one door for writes: f runs in one
// transaction that is durable when InTx returns nil and leaves nothing when it
// returns an error. Nothing slow belongs in f, and f may run more than once.
type Store interface {
	Reader
	// Freeze runs f on the database as it is at one moment, while it goes on to be
	// written.
	Freeze(ctx context.Context, f func(ctx context.Context, r Reader) error) error
	InTx(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
}

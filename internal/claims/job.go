package claims

import (
	"context"
	"time"

	"redress/internal/identity"
	"redress/internal/lang"
)

// JobState is where a piece of background work stands.
type JobState string

// The states of a job. Waiting and running are under way; done and failed are
// for ever.
const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

// Job is a piece of background work about one incident. It is stored in the
// transaction that asks for it and runs until it is done or has failed, whatever
// happens to the process that runs it.
type Job struct {
	ID         string
	Kind       string
	IncidentID string
	Same       string // digest of what is asked for; of the jobs under way one has it
	Arguments  []byte // JSON of its kind; dropped when it ends
	CreatedBy  string // id of the key
	State      JobState
	Attempts   int        // how often it was taken; a write by an earlier taker is refused
	RunAt      time.Time  // not taken before
	LeaseUntil *time.Time // while running: taken over after, for want of a sign of life
	Progress
	Result    []byte      // JSON of its kind, when done
	Failure   *JobFailure // when failed
	CreatedAt time.Time
	EndedAt   *time.Time
}

// Progress is how far a job has come, in claims.
type Progress struct {
	Done  int
	Total int // 0 while unknown
}

// JobFailure says why a job failed.
type JobFailure struct {
	Code   string    `json:"code"` // stable, snake_case
	Detail lang.Text `json:"detail"`
}

// Job finds a job. Those who may not see small counts find their own alone, and
// its result with what would single a claim out taken away.
func (s *Service) Job(ctx context.Context, actor identity.Actor, id string) (Job, error) {
	if err := allow(actor, identity.SimulateSchemes); err != nil {
		return Job{}, err
	}
	job, err := s.store.Job(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if actor.Can(identity.SeeSmallCounts) {
		return job, nil
	}
	if job.CreatedBy != actor.KeyID {
		return Job{}, NotFound("job", id)
	}
	if few(job.Total) {
		job.Progress = Progress{}
	}
	if job.State == JobDone {
		job.Result, err = disclosed(job.Result)
	}
	return job, err
}

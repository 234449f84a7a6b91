package claims

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"redress/internal/baseline"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// SimulationJob is the kind of job that runs a simulation.
const SimulationJob = "simulation"

// Candidate is a scheme to try out: a published version, or a document that is
// not published and not kept.
type Candidate struct {
	Scheme   *SchemeRef      `json:"scheme,omitempty"`
	Document json.RawMessage `json:"document,omitempty"`
}

// simulationRequest is the arguments of a simulation job.
type simulationRequest struct {
	InForce    SchemeRef   `json:"in_force"`
	Candidates []Candidate `json:"candidates"`
}

// Simulate asks for what candidates would pay on the submitted claims of an
// incident, held against the scheme in force. Candidates are checked in full
// here; the job changes no claim. The same request by the same key answers the
// job under way.
func (s *Service) Simulate(ctx context.Context, actor identity.Actor, incidentID string, candidates []Candidate, reply Reply[Job]) (Job, error) {
	if err := allow(actor, identity.SimulateSchemes); err != nil {
		return Job{}, err
	}
	incident, err := s.Incident(ctx, actor, incidentID)
	if err != nil {
		return Job{}, err
	}
	if incident.Scheme == nil {
		return Job{}, fault.New(fault.Conflict, "incident_without_scheme",
			"No scheme is in force for the incident; choose one first (PUT …/scheme).", "장애에 정해진 보상 기준이 없습니다. 먼저 정하십시오(PUT …/scheme).")
	}
	if err := s.checkCandidates(ctx, actor, incident, candidates); err != nil {
		return Job{}, err
	}
	arguments, err := json.Marshal(simulationRequest{InForce: *incident.Scheme, Candidates: candidates})
	if err != nil {
		return Job{}, fmt.Errorf("write the simulation's arguments: %w", err)
	}
	same := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s", SimulationJob, actor.KeyID, incidentID, arguments))
	now := s.now()
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Job, error) {
		return tx.InsertJob(ctx, Job{
			ID: newID(), Kind: SimulationJob, IncidentID: incidentID, Same: hex.EncodeToString(same[:]), Arguments: arguments,
			CreatedBy: actor.KeyID, State: JobWaiting, RunAt: now, CreatedAt: now,
		})
	})
}

// checkCandidates names every problem of every candidate at once.
func (s *Service) checkCandidates(ctx context.Context, actor identity.Actor, incident Incident, candidates []Candidate) error {
	var fields []fault.Field
	for n, c := range candidates {
		err := s.checkCandidate(ctx, actor, incident, c)
		refused := fault.As(err)
		if err != nil && (refused == nil || refused.Kind == fault.Unavailable) {
			return err
		}
		if err == nil {
			continue
		}
		at := fmt.Sprintf("#/candidates/%d", n)
		if refused.Kind != fault.Invalid {
			fields = append(fields, fault.Field{Pointer: at, Code: refused.Code, Detail: refused.Detail})
		}
		fields = append(fields, fault.As(fault.Under(at, refused)).Fields...)
	}
	return fault.InvalidFields(fields)
}

// checkCandidate refuses with pointers from the candidate on.
func (s *Service) checkCandidate(ctx context.Context, actor identity.Actor, incident Incident, c Candidate) error {
	if (c.Scheme == nil) == (c.Document == nil) {
		return fault.InvalidFields([]fault.Field{fault.At("", "one_of_two", "Name a scheme or write a document, one of the two.", "scheme과 document 중 하나만 적으십시오.")})
	}
	if c.Scheme != nil {
		fields, err := s.checkScheme(ctx, Incident{Scheme: c.Scheme, Zone: incident.Zone, Currency: incident.Currency, StartsAt: incident.StartsAt, EndsAt: incident.EndsAt, ID: incident.ID})
		if err != nil {
			return err
		}
		for i := range fields {
			fields[i].Pointer = "/scheme"
		}
		return fault.InvalidFields(fields)
	}
	// A document could be written so that it pays one single claim.
	if !actor.Can(identity.SeeSmallCounts) {
		return fault.InvalidFields([]fault.Field{fault.At("/document", "published_schemes_only",
			"With this key, name published versions of schemes; a document of one's own could single a claim out.", "이 키로는 공개된 보상 기준의 버전만 쓸 수 있습니다. 직접 쓴 기준은 청구 하나를 특정할 수 있습니다.")})
	}
	rules, err := scheme.Parse(c.Document)
	if err == nil {
		var span revenue.Span
		if span, err = incident.local(); err == nil {
			err = rules.Fits(incident.Currency, span)
		}
	}
	return fault.Under("/document", err)
}

// local is the incident's time on the wall clock of its zone.
func (i Incident) local() (revenue.Span, error) {
	zone, err := time.LoadLocation(i.Zone)
	if err != nil {
		return revenue.Span{}, fmt.Errorf("zone of incident %s: %w", i.ID, err)
	}
	return revenue.Span{Start: revenue.LocalOf(i.StartsAt, zone), End: revenue.LocalOf(i.EndsAt, zone)}, nil
}

// RunSimulation runs a simulation job and answers its result. Estimates stream
// through memory batch by batch; the sums do not depend on how many workers
// there are. Claims submitted or withdrawn meanwhile may be in it or not.
func (s *Service) RunSimulation(ctx context.Context, job Job, workers int, progress func(done, total int)) ([]byte, error) {
	var request simulationRequest
	if err := json.Unmarshal(job.Arguments, &request); err != nil {
		return nil, fmt.Errorf("read the simulation's arguments: %w", err)
	}
	inForce, err := s.candidate(ctx, Candidate{Scheme: &request.InForce})
	if err != nil {
		return nil, err
	}
	candidates := make([]*scheme.Scheme, len(request.Candidates))
	for i, c := range request.Candidates {
		if candidates[i], err = s.candidate(ctx, c); err != nil {
			return nil, err
		}
	}
	total, err := s.store.CountSubmitted(ctx, job.IncidentID)
	if err != nil {
		return nil, err
	}
	progress(0, total)
	all := NewTally(inForce, candidates)
	var mu sync.Mutex
	err = s.eachFacts(ctx, job.IncidentID, workers, all.schemes, func(batch []simulated) error {
		own := NewTally(inForce, candidates)
		for _, claim := range batch {
			own.Add(claim.under)
		}
		mu.Lock()
		defer mu.Unlock()
		all.Merge(own)
		progress(all.Claims(), total)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := all.Simulation()
	if err != nil {
		return nil, err
	}
	out.IncidentID = job.IncidentID
	return json.Marshal(out)
}

func (s *Service) candidate(ctx context.Context, c Candidate) (*scheme.Scheme, error) {
	if c.Document != nil {
		return scheme.Parse(c.Document)
	}
	return s.ruling(ctx, *c.Scheme)
}

// simulated is what schemes may read of one claim.
type simulated struct {
	facts     scheme.Facts
	histories []revenue.History // of each line; nil when no scheme compares periods
}

// under is the facts as one scheme reads them.
func (c simulated) under(s *scheme.Scheme) scheme.Facts {
	if c.histories == nil || !s.Compares() {
		return c.facts
	}
	facts := c.facts
	facts.Lines = make([]scheme.LossLine, len(c.facts.Lines))
	for i, line := range c.facts.Lines {
		line.Comparison = s.Comparison(c.histories[i], facts.Incident)
		facts.Lines[i] = line
	}
	return facts
}

// eachFacts streams the submitted claims of an incident as their newest
// estimates have them, to several workers at once, with histories where a scheme
// compares periods.
func (s *Service) eachFacts(ctx context.Context, incidentID string, workers int, schemes []*scheme.Scheme, work func([]simulated) error) error {
	compares := false
	for _, one := range schemes {
		compares = compares || one.Compares()
	}
	submitted := func(ctx context.Context, page Page) ([]Estimate, error) {
		return s.store.SubmittedEstimates(ctx, incidentID, page)
	}
	return stream(ctx, workers, submitted, func(ctx context.Context, batch []Estimate) error {
		named := make([]inputs, len(batch))
		claims := make([]simulated, len(batch))
		var uploads []string
		for i, e := range batch {
			var err error
			if named[i], _, claims[i].facts, err = e.read(); err != nil {
				return err
			}
			for _, l := range named[i].Lines {
				uploads = append(uploads, l.Uploads...)
			}
		}
		if !compares {
			return work(claims)
		}
		held, err := s.store.Histories(ctx, uploads)
		if err != nil {
			return err
		}
		for i := range claims {
			if claims[i].histories, err = named[i].histories(held); err != nil {
				return fmt.Errorf("claim %s: %w", batch[i].ClaimID, err)
			}
		}
		return work(claims)
	})
}

// histories are those of each line.
func (in inputs) histories(held map[string]SourcedHistory) ([]revenue.History, error) {
	histories := make([]revenue.History, len(in.Lines))
	for i, l := range in.Lines {
		var err error
		if histories[i], _, err = l.history(held); err != nil {
			return nil, err
		}
	}
	return histories, nil
}

// figures is the part of an estimate's document that a scheme reads.
type figures struct {
	Lines []struct {
		Baseline struct {
			Total *baseline.Figures `json:"total"`
		} `json:"baseline"`
	} `json:"lines"`
}

// read takes an estimate apart: what it was made from, the total of each line,
// and the facts that a scheme may read, without comparisons.
func (e Estimate) read() (inputs, []*baseline.Figures, scheme.Facts, error) {
	var in inputs
	if err := json.Unmarshal(e.Inputs, &in); err != nil {
		return inputs{}, nil, scheme.Facts{}, fmt.Errorf("inputs of the estimate of claim %s: %w", e.ClaimID, err)
	}
	var made figures
	if err := json.Unmarshal(e.Bytes, &made); err != nil {
		return inputs{}, nil, scheme.Facts{}, fmt.Errorf("estimate of claim %s: %w", e.ClaimID, err)
	}
	if len(made.Lines) != len(in.Lines) {
		return inputs{}, nil, scheme.Facts{}, fmt.Errorf("estimate of claim %s: %d lines made from %d", e.ClaimID, len(made.Lines), len(in.Lines))
	}
	facts, totals := in.Facts, make([]*baseline.Figures, len(in.Lines))
	for i, l := range in.Lines {
		totals[i] = made.Lines[i].Baseline.Total
		facts.Lines = append(facts.Lines, l.facts(baseline.Result{Total: totals[i]}))
	}
	return in, totals, facts, nil
}

// ExportFacts answers what schemes may read of each submitted claim of an
// incident, newest claim first, for a simulation elsewhere. When comparing is
// not nil, comparisons are those of its baseline rule. No name, number or note
// of anybody is in it.
func (s *Service) ExportFacts(ctx context.Context, actor identity.Actor, incidentID string, comparing *scheme.Scheme, each func(scheme.Facts) error) error {
	if err := allow(actor, identity.SeeSmallCounts); err != nil {
		return err
	}
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return err
	}
	var schemes []*scheme.Scheme
	if comparing != nil {
		schemes = append(schemes, comparing)
	}
	return s.eachFacts(ctx, incidentID, 1, schemes, func(batch []simulated) error {
		for _, claim := range batch {
			facts := claim.facts
			if comparing != nil {
				facts = claim.under(comparing)
			}
			if err := each(facts); err != nil {
				return err
			}
		}
		return nil
	})
}

package claims

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"redress/internal/auditlog"
	"redress/internal/bundle"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// BundleReader finds what only bundles need.
type BundleReader interface {
	// SchemesUsed lists the versions of schemes by which claims of an incident were
	// estimated, in no particular order.
	SchemesUsed(ctx context.Context, incidentID string) ([]SchemeRef, error)
}

// Bundle gathers what is downloaded of an incident, as of one moment and of the
// checkpoint that was signed by then; what is not under it yet is left out. The
// public gets what is published; whoever may audit totals the leaves and samples
// besides; the accountant of a sample whose files are open the leaves, their
// samples and the estimates of the claims that were drawn, each recorded as a look
// at the claim, or that its claimant was erased. The keys of the log are the caller's to add. Leaves and tiles never
// change; they are read when they are written.
func (s *Service) Bundle(ctx context.Context, actor identity.Actor, incidentID string) (bundle.Contents, error) {
	incident, err := s.Incident(ctx, actor, incidentID)
	if err != nil {
		return bundle.Contents{}, err
	}
	var g *gathering
	err = s.store.Freeze(ctx, func(ctx context.Context, r Reader) error {
		g = &gathering{service: s, r: r, actor: actor, incident: incident, now: s.now()}
		return g.gather(ctx)
	})
	if err != nil {
		return bundle.Contents{}, err
	}
	g.Log.Tree = s.store.LogTree(ctx)
	return g.Contents, s.noteReads(ctx, g.reads)
}

// gathering is a bundle on the way, from one frozen reader.
type gathering struct {
	bundle.Contents
	service  *Service
	r        Reader
	actor    identity.Actor
	incident Incident
	now      time.Time

	sealed []Snapshot // those in the bundle, by number from 1
	drawn  []Sample   // those in the bundle as drawn, by number
	reads  []Read
}

func (g *gathering) gather(ctx context.Context) error {
	head, err := g.r.LogHead(ctx)
	if err != nil {
		return err
	}
	if head.Checkpoint == nil {
		return bundleNotReady()
	}
	g.Incident, g.Currency, g.MadeAt, g.Log.Head = g.incident.ID, g.incident.Currency, g.now, head
	for _, part := range []func(context.Context) error{
		g.decideAccess, g.gatherRulebooks, g.gatherSnapshots, g.gatherRestatements, g.gatherReleases, g.gatherSamples, g.gatherEstimates, g.gatherSchemes,
	} {
		if err := part(ctx); err != nil {
			return fmt.Errorf("bundle of incident %s: %w", g.incident.ID, err)
		}
	}
	return nil
}

func bundleNotReady() *fault.Error {
	f := fault.New(fault.Conflict, "bundle_not_ready", "What belongs in the bundle is not under a signed checkpoint yet; ask again in a second.",
		"묶음에 들어갈 기록이 아직 서명된 체크포인트에 들어가지 않았습니다. 1초 뒤에 다시 요청하십시오.")
	f.RetryAfter = time.Second
	return f
}

// decideAccess finds out what the actor gets.
func (g *gathering) decideAccess(ctx context.Context) error {
	g.Access = bundle.Public
	switch {
	case g.actor.Can(identity.AuditTotals):
		g.Access = bundle.Auditor
	case g.actor.Can(identity.ReadSamples):
		own, err := g.allSamples(ctx, SampleFilter{Accountant: g.actor.Person})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(own, func(s Sample) bool { return s.openAt(g.now) }) {
			g.Access = bundle.Accountant
		}
	}
	return nil
}

// whole reports whether the actor gets a sample as it was drawn, and not only how it
// ended.
func (g *gathering) whole(s Sample) bool {
	return g.Access == bundle.Auditor || g.Access == bundle.Accountant && s.Accountant == g.actor.Person
}

// samplesAtOnce is how many samples are read together.
const samplesAtOnce = 100

// allSamples are the samples of the incident that match.
func (g *gathering) allSamples(ctx context.Context, filter SampleFilter) ([]Sample, error) {
	filter.IncidentID = g.incident.ID
	var all []Sample
	for page := (Page{Limit: samplesAtOnce}); ; page.After = all[len(all)-1].ID {
		found, err := g.r.Samples(ctx, filter, page)
		all = append(all, found...)
		if err != nil || len(found) < page.Limit {
			return all, err
		}
	}
}

// receipt proves an entry; nil where it is not under the checkpoint yet.
func (g *gathering) receipt(ctx context.Context, entryID string) ([]byte, error) {
	receipt, err := auditlog.ReceiptOf(ctx, g.r, entryID)
	if f := fault.As(err); f != nil && f.Code == "receipt_not_ready" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("receipt of entry %s: %w", entryID, err)
	}
	return receipt.Format(), nil
}

func (g *gathering) gatherRulebooks(ctx context.Context) (err error) {
	if g.Rules, err = g.rulebooks(ctx, DisclosureBook); err != nil {
		return err
	}
	g.Models, err = g.rulebooks(ctx, ModelBook)
	return err
}

// rulebooks are all versions of a rulebook, up to the first that is not logged yet.
func (g *gathering) rulebooks(ctx context.Context, kind RulebookKind) (all []bundle.Document, err error) {
	for version := 1; ; version++ {
		book, err := g.r.Rulebook(ctx, kind, version)
		if isNotFound(err) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		receipt, err := g.receiptAbout(ctx, "rulebook.published", string(kind), version)
		if err != nil || receipt == nil {
			return all, err
		}
		all = append(all, bundle.Document{Bytes: book.Bytes, Receipt: receipt})
	}
}

func (g *gathering) receiptAbout(ctx context.Context, entryType, subject string, version int) ([]byte, error) {
	id, err := g.r.EntryAbout(ctx, entryType, subject, version)
	if err != nil {
		return nil, err
	}
	return g.receipt(ctx, id)
}

// gatherSnapshots takes the snapshots up to the first that is not logged yet.
func (g *gathering) gatherSnapshots(ctx context.Context) error {
	for n := 1; ; n++ {
		snapshot, err := g.r.Snapshot(ctx, g.incident.ID, n)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		receipt, err := g.receipt(ctx, snapshot.EntryID)
		if err != nil || receipt == nil || snapshot.Rule > len(g.Rules) || len(g.Models) == 0 {
			return err
		}
		g.sealed = append(g.sealed, snapshot)
		out := bundle.Snapshot{Receipt: receipt}
		if g.Access != bundle.Public {
			out.Leaves = func(w io.Writer) error {
				return g.service.sendLeaves(ctx, snapshot, func(part []byte) error {
					_, err := w.Write(part)
					return err
				})
			}
		}
		g.Snapshots = append(g.Snapshots, out)
	}
}

func (g *gathering) gatherRestatements(ctx context.Context) error {
	made, err := g.r.Restatements(ctx, g.incident.ID)
	if err != nil {
		return err
	}
	for _, r := range made {
		receipt, err := g.receipt(ctx, r.EntryID)
		if err != nil || receipt == nil {
			return err
		}
		g.Restatements = append(g.Restatements, bundle.Document{Bytes: r.Bytes, Receipt: receipt})
	}
	return nil
}

// gatherReleases takes the releases up to the first that is not logged yet, or whose
// snapshot or restatements are not.
func (g *gathering) gatherReleases(ctx context.Context) error {
	for n := 1; ; n++ {
		release, err := g.r.Release(ctx, g.incident.ID, n)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		read, err := release.Read()
		if err != nil {
			return err
		}
		receipt, err := g.receipt(ctx, release.EntryID)
		if err != nil || receipt == nil || release.Snapshot > len(g.sealed) || len(read.Restatements) > len(g.Restatements) {
			return err
		}
		g.Releases = append(g.Releases, bundle.Release{
			Release: release.Bytes, Statistics: g.sealed[release.Snapshot-1].Statistics, Receipt: receipt,
		})
	}
}

// gatherSamples takes what the actor may see of the samples by their numbers, up to
// the first of a snapshot that is not logged yet.
func (g *gathering) gatherSamples(ctx context.Context) error {
	all, err := g.allSamples(ctx, SampleFilter{})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.Snapshot, b.Snapshot), cmp.Compare(a.Number, b.Number))
	})
	waits := 0 // snapshot with a sample that is not logged
	for _, s := range all {
		out, err := g.sample(ctx, s)
		if err != nil {
			return err
		}
		if out.DrawnReceipt == nil || s.Snapshot > len(g.sealed) {
			waits = s.Snapshot
		}
		switch {
		case s.Snapshot == waits:
		case g.whole(s):
			g.drawn, g.Samples = append(g.drawn, s), append(g.Samples, out)
		case out.Ended != nil:
			g.Samples = append(g.Samples, bundle.Sample{Snapshot: s.Snapshot, Number: s.Number, Ended: out.Ended})
		}
	}
	return nil
}

// sample is a sample as far as it is logged.
func (g *gathering) sample(ctx context.Context, s Sample) (out bundle.Sample, err error) {
	out = bundle.Sample{Snapshot: s.Snapshot, Number: s.Number, Drawn: s.Drawn}
	if out.DrawnReceipt, err = g.receipt(ctx, s.EntryID); err != nil || s.EndedAt == nil {
		return out, err
	}
	if out.Ended, err = g.receipt(ctx, s.EndedEntryID); out.Ended != nil {
		out.Results = s.Results
	}
	return out, err
}

// gatherEstimates takes, for an accountant, the estimates of the claims of their
// open samples, as the leaves of the newest snapshot of a sample say them.
func (g *gathering) gatherEstimates(ctx context.Context) error {
	if g.Access != bundle.Accountant {
		return nil
	}
	var newest Snapshot
	drawn := map[string][]publication.Drawn{} // by sample
	estimated := map[publication.Hash]money.Minor{}
	for _, s := range g.drawn {
		if s.Snapshot > newest.Number {
			newest = g.sealed[s.Snapshot-1]
		}
		if !s.openAt(g.now) {
			continue
		}
		read, err := s.Read()
		if err != nil {
			return err
		}
		drawn[s.ID] = read.Drawn
		for _, d := range read.Drawn {
			estimated[d.ID] = 0
		}
	}
	list := leafList{reader: g.r, ctx: ctx, snapshot: newest}
	for leaf := range list.all() {
		if _, ok := estimated[leaf.ID]; ok {
			estimated[leaf.ID] = leaf.Estimated
		}
	}
	if list.err != nil {
		return list.err
	}
	for _, s := range g.drawn {
		for _, d := range drawn[s.ID] {
			amount, first := estimated[d.ID]
			if !first {
				continue
			}
			delete(estimated, d.ID)
			if err := g.gatherEstimate(ctx, s, d, newest, amount); err != nil {
				return err
			}
		}
	}
	return nil
}

// gatherEstimate takes the estimate of a claim that was drawn, or that its person was
// erased.
func (g *gathering) gatherEstimate(ctx context.Context, s Sample, d publication.Drawn, at Snapshot, estimated money.Minor) error {
	id, err := g.r.SampledClaim(ctx, s.ID, d.Index)
	if err != nil {
		return err
	}
	claim, err := g.r.Claim(ctx, id)
	if err != nil {
		return err
	}
	if claim.ErasedAt != nil {
		return g.gatherErased(ctx, claim, d)
	}
	e, err := g.estimateAt(ctx, claim, at, estimated)
	if err != nil || e == nil {
		return err
	}
	out := bundle.Estimate{ID: d.ID, Estimate: e.Bytes, Inputs: e.Inputs}
	if out.Histories, err = g.histories(ctx, *e); err != nil {
		return err
	}
	events, err := g.r.Events(ctx, claim.ID)
	if err != nil {
		return err
	}
	for _, event := range events {
		if event.Data["estimate_hash"] == e.Hash {
			if out.Receipt, err = g.receipt(ctx, event.EntryID); err != nil {
				return err
			}
			if out.Receipt == nil {
				return bundleNotReady()
			}
		}
	}
	g.Estimates = append(g.Estimates, out)
	g.reads = append(g.reads, auditRead(g.actor, s.ID, claim, look{what: readClaim}, g.now))
	return nil
}

// gatherErased takes the entry that says why there is no estimate of a claim.
func (g *gathering) gatherErased(ctx context.Context, claim Claim, d publication.Drawn) error {
	receipt, err := g.receiptAbout(ctx, "claimant.erased", claim.ClaimantID, 0)
	if err != nil {
		return err
	}
	if receipt == nil {
		return bundleNotReady()
	}
	g.Estimates = append(g.Estimates, bundle.Estimate{ID: d.ID, Erased: receipt})
	return nil
}

// underWay is how long an estimate that was made may wait for its commit at most.
const underWay = time.Minute

// estimateAt finds the estimate that was a claim's newest when a snapshot was taken;
// nil for none. One that was being stored just then counts if the leaf has it.
func (g *gathering) estimateAt(ctx context.Context, claim Claim, at Snapshot, estimated money.Minor) (*Estimate, error) {
	for n := claim.Estimates; n > 0; n-- {
		e, err := g.r.Estimate(ctx, claim.ID, n)
		if err != nil {
			return nil, err
		}
		settled := at.TakenAt.Sub(e.MadeAt)
		if settled >= underWay || settled >= 0 && e.Amount == estimated {
			return &e, nil
		}
	}
	return nil, nil
}

// histories are those that an estimate was made from, by service.
func (g *gathering) histories(ctx context.Context, e Estimate) (map[string]revenue.History, error) {
	var in inputs
	if err := json.Unmarshal(e.Inputs, &in); err != nil {
		return nil, fmt.Errorf("inputs of the estimate of claim %s: %w", e.ClaimID, err)
	}
	out := map[string]revenue.History{}
	for _, l := range in.Lines {
		held, err := g.r.Histories(ctx, l.Uploads)
		if err != nil {
			return nil, err
		}
		if out[l.Service], _, err = l.history(held); err != nil {
			return nil, fmt.Errorf("history of service %s of claim %s: %w", l.Service, e.ClaimID, err)
		}
	}
	return out, nil
}

// gatherSchemes takes every scheme version that the incident, or an estimate of a
// claim of it, has used.
func (g *gathering) gatherSchemes(ctx context.Context) error {
	used, err := g.r.SchemesUsed(ctx, g.incident.ID)
	if err != nil {
		return err
	}
	if g.incident.Scheme != nil {
		used = append(used, *g.incident.Scheme)
	}
	slices.SortFunc(used, func(a, b SchemeRef) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version)) })
	for _, ref := range slices.Compact(used) {
		version, err := g.r.Scheme(ctx, ref.ID, ref.Version)
		if err != nil {
			return err
		}
		receipt, err := g.receiptAbout(ctx, "scheme.published", ref.ID, ref.Version)
		if err != nil {
			return err
		}
		if receipt != nil {
			g.Schemes = append(g.Schemes, bundle.Scheme{ID: ref.ID, Version: ref.Version, Document: bundle.Document{Bytes: version.Bytes, Receipt: receipt}})
		}
	}
	return nil
}

// Package sandbox fills a database with a demonstration: an incident modelled on
// 15 October 2022, synthetic merchants and drivers, their histories and claims.
// Nobody in it exists. Everything goes through the claims service, at the times
// at which it would have happened.
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// The scheme of the incident.
const (
	schemeID      = "sandbox-2022"
	schemeVersion = 1
)

// DefaultClaimants is how many claimants there are when nothing is said.
const DefaultClaimants = 300

// leastClaimants leaves, after one of each oddity and of each fate, an ordinary
// submitted claim.
const leastClaimants = 12

// workers fill at the same time: more than processors, since writers wait for
// the disk together.
const workers = 8

// Options say what to fill in.
type Options struct {
	// Seed decides histories, statements and what becomes of claims, and so every
	// amount. Ids, keys and references are random all the same.
	Seed      uint64
	Claimants int // at least 12
	// Progress, when set, is told how many claimants of how many are done, one
	// call at a time.
	Progress func(done, total int)
}

// Sandbox is what was filled in, for whoever shows it.
type Sandbox struct {
	IncidentID string
	ClaimantID string                   // whom the claimant and the delegate key act for
	ClaimID    string                   // a submitted claim of theirs
	Keys       map[identity.Role]string // a token of every role
}

// Fill fills an empty, migrated store. Histories, amounts and states depend on
// the options alone.
func Fill(ctx context.Context, store claims.Store, o Options) (Sandbox, error) {
	if o.Claimants < leastClaimants {
		return Sandbox{}, fmt.Errorf("a sandbox of %d claimants cannot show one of everything; %d can", o.Claimants, leastClaimants)
	}
	f := &filler{store: store, options: o, incident: incident(), keys: map[identity.Role]claims.IssuedKey{}}
	if err := f.open(ctx); err != nil {
		return Sandbox{}, err
	}
	members := plan(o.Seed, o.Claimants)
	filled, err := f.members(ctx, members)
	if err != nil {
		return Sandbox{}, err
	}
	_, err = f.at(extended).ChangeIncident(ctx, f.actor(identity.Admin), f.incident.ID, 0, "incident.changed", func(in *claims.Incident) error {
		in.Filing.ClosesAt = secondClosing.UTC()
		return nil
	}, claims.Reply[claims.Incident]{})
	if err != nil {
		return Sandbox{}, fmt.Errorf("extend the filing period: %w", err)
	}
	return f.show(ctx, members, filled)
}

// filler is one filling under way.
type filler struct {
	store    claims.Store
	options  Options
	incident claims.Incident
	keys     map[identity.Role]claims.IssuedKey
}

// at is the service as it was at that moment.
func (f *filler) at(t time.Time) *claims.Service {
	return claims.New(f.store, func() time.Time { return t })
}

func (f *filler) actor(role identity.Role) identity.Actor { return f.keys[role].Key.Actor() }

// open issues the keys of staff, publishes the shipped schemes and opens the
// incident.
func (f *filler) open(ctx context.Context) error {
	service := f.at(published)
	for _, role := range []identity.Role{identity.Admin, identity.Platform, identity.Reviewer, identity.Senior, identity.Payer, identity.Auditor} {
		key, err := service.IssueFirstKey(ctx, claims.KeyRequest{Role: role, Label: "sandbox"})
		if err != nil {
			return fmt.Errorf("issue the %s key: %w", role, err)
		}
		f.keys[role] = key
	}
	library, err := scheme.Library()
	if err != nil {
		return err
	}
	for _, s := range library {
		if _, err := service.PublishScheme(ctx, f.actor(identity.Admin), s.Bytes(), claims.Reply[claims.SchemeVersion]{}); err != nil {
			return fmt.Errorf("publish scheme %s: %w", s.ID, err)
		}
	}
	created, err := service.CreateIncident(ctx, f.actor(identity.Platform), f.incident, claims.Reply[claims.Incident]{})
	if err != nil {
		return fmt.Errorf("create the incident: %w", err)
	}
	f.incident, err = service.OpenIncident(ctx, f.actor(identity.Admin), created.ID, created.Version, claims.Reply[claims.Incident]{})
	if err != nil {
		return fmt.Errorf("open the incident: %w", err)
	}
	return nil
}

// filled is what was written for a member.
type filled struct{ claimantID, claimID string }

// members fills in all members, several at a time, and stops at the first error.
func (f *filler) members(ctx context.Context, members []member) ([]filled, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]filled, len(members))
	queue := make(chan int)
	var group sync.WaitGroup
	var progress sync.Mutex
	done := 0
	for range workers {
		group.Go(func() {
			for i := range queue {
				var err error
				if out[i], err = f.member(ctx, members[i]); err != nil {
					cancel(fmt.Errorf("claimant %d: %w", members[i].number, err))
					continue
				}
				progress.Lock()
				done++
				if f.options.Progress != nil {
					f.options.Progress(done, len(members))
				}
				progress.Unlock()
			}
		})
	}
	for i := range members {
		if ctx.Err() != nil {
			break
		}
		queue <- i
	}
	close(queue)
	group.Wait()
	return out, context.Cause(ctx)
}

// member registers one claimant, uploads the histories and files the claim.
func (f *filler) member(ctx context.Context, m member) (filled, error) {
	registered, err := f.at(m.at).Register(ctx, identity.Anyone, m.claimant(), claims.Reply[claims.Registered]{})
	if err != nil {
		return filled{}, fmt.Errorf("register: %w", err)
	}
	out := filled{claimantID: registered.Claimant.ID}
	sold := make([]takings, len(m.sector.trades))
	for i, t := range m.sector.trades {
		sold[i] = m.sell(i, f.incident)
		if err := f.upload(ctx, m, registered, t.service, sold[i]); err != nil {
			return filled{}, fmt.Errorf("history of %s: %w", t.service, err)
		}
	}
	if m.fate == unfiled {
		return out, nil
	}
	out.claimID, err = f.file(ctx, m, registered, sold)
	return out, err
}

// upload brings in the history of one service from where the member's comes.
func (f *filler) upload(ctx context.Context, m member, to claims.Registered, service string, sold takings) error {
	span := m.exported()
	if m.source != ledger {
		if err := f.read(ctx, m, to.Key.Actor(), to.Claimant.ID, service, revenue.FromClaimant, exports[m.number%len(exports)], sold.within(span)); err != nil {
			return err
		}
	}
	if m.source == uploaded {
		return nil
	}
	if m.source == both {
		span.Start = max(span.Start, outageDay-8*revenue.Week)
	}
	return f.read(ctx, m, f.actor(identity.Platform), to.Claimant.ID, service, revenue.FromPlatform, koreanCSV, sold.within(span))
}

// read writes hours as a file, reads it as an upload is read, and stores it.
func (f *filler) read(ctx context.Context, m member, actor identity.Actor, claimantID, service string, from revenue.Source, as export, hours []hour) error {
	file, err := as(hours)
	if err != nil {
		return err
	}
	report, err := revenue.Read(bytes.NewReader(file), revenue.Options{
		Format: revenue.CSV, Zone: seoul, Currency: money.KRW, NotAfter: local(m.at),
	})
	if err != nil {
		return err
	}
	summary, err := json.Marshal(report.Summary)
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	_, err = f.at(m.at).Upload(ctx, actor, claims.Upload{
		ClaimantID: claimantID, Outlet: outletCode, Service: service, Source: from, Summary: summary,
	}, report.History)
	return err
}

// file files the member's claim and leads it to where it stands.
func (f *filler) file(ctx context.Context, m member, by claims.Registered, sold []takings) (string, error) {
	r := rand.New(rand.NewPCG(m.stream, claimStream))
	how := pick(r, filings)
	actor := by.Key.Actor()
	if how.by != identity.Claimant {
		actor = f.actor(how.by)
	}
	claim, err := f.at(m.filedAt()).File(ctx, actor, claims.Draft{
		IncidentID: f.incident.ID, ClaimantID: by.Claimant.ID, Outlet: outletCode, Channel: how.channel, Content: m.content(r, sold),
	}, m.fate != draft, claims.Reply[claims.Claim]{})
	if err != nil {
		return "", fmt.Errorf("file: %w", err)
	}
	if m.fate == withdrawn {
		if _, err := f.at(m.withdrawnAt()).Withdraw(ctx, by.Key.Actor(), claim.ID, claim.Version, "", claims.Reply[claims.Claim]{}); err != nil {
			return "", fmt.Errorf("withdraw: %w", err)
		}
	}
	return claim.ID, nil
}

// show picks an ordinary submitted claim and issues keys for its claimant.
func (f *filler) show(ctx context.Context, members []member, written []filled) (Sandbox, error) {
	shown := written[slices.IndexFunc(members, func(m member) bool { return m.fate == submitted && m.oddity == ordinary })]
	out := Sandbox{IncidentID: f.incident.ID, ClaimantID: shown.claimantID, ClaimID: shown.claimID, Keys: map[identity.Role]string{}}
	for _, role := range []identity.Role{identity.Claimant, identity.Delegate} {
		key, err := f.at(Now).IssueKey(ctx, f.actor(identity.Admin), claims.KeyRequest{Role: role, Label: "sandbox", ClaimantID: out.ClaimantID}, claims.Reply[claims.IssuedKey]{})
		if err != nil {
			return Sandbox{}, fmt.Errorf("issue the %s key: %w", role, err)
		}
		f.keys[role] = key
	}
	for role, key := range f.keys {
		out.Keys[role] = key.Token
	}
	return out, nil
}

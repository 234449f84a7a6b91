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
	// Planted is how many frauds and mistakes are planted among the claims.
	Planted int
	// Publish seals a snapshot at the end and releases its totals. The order of its
	// leaves, and so its root, is random by design.
	Publish bool
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
	Planted    []Case
}

// Fill fills an empty, migrated store. Histories, amounts and states depend on
// the options alone.
func Fill(ctx context.Context, store claims.Store, o Options) (Sandbox, error) {
	if o.Claimants < leastClaimants {
		return Sandbox{}, fmt.Errorf("a sandbox of %d claimants cannot show one of everything; %d can", o.Claimants, leastClaimants)
	}
	f := newFiller(store, o)
	if err := f.open(ctx); err != nil {
		return Sandbox{}, err
	}
	members := plan(o.Seed, o.Claimants)
	cases, err := plant(o.Seed, members, o.Planted)
	if err != nil {
		return Sandbox{}, err
	}
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
	if o.Publish {
		if err := f.publish(ctx); err != nil {
			return Sandbox{}, err
		}
	}
	box, err := f.show(ctx, members, filled)
	box.Planted = found(cases, filled)
	return box, err
}

// filler is one filling under way.
type filler struct {
	store    claims.Store
	options  Options
	incident claims.Incident
	keys     map[identity.Role]claims.IssuedKey
}

func newFiller(store claims.Store, o Options) *filler {
	return &filler{store: store, options: o, incident: incident(), keys: map[identity.Role]claims.IssuedKey{}}
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
	if err := service.Prepare(ctx); err != nil {
		return err
	}
	for _, role := range []identity.Role{identity.Admin, identity.Platform, identity.Reviewer, identity.Senior, identity.Payer, identity.Auditor, identity.Accountant} {
		request := claims.KeyRequest{Role: role, Label: "sandbox"}
		if role == identity.Accountant {
			request.Person = "accountant" // as samples name them
		}
		key, err := service.IssueFirstKey(ctx, request)
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
type filled struct{ claimantID, claimID, annexID string }

// members fills in all members, several at a time, and stops at the first error.
// Where it is published they come one by one in the order in which they file: a
// claim that the log has after a later one would look dated back.
func (f *filler) members(ctx context.Context, members []member) ([]filled, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]filled, len(members))
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return members[a].filedAt().Compare(members[b].filedAt()) })
	together := workers
	if f.options.Publish {
		together = 1
	}
	queue := make(chan int)
	var group sync.WaitGroup
	var progress sync.Mutex
	done := 0
	for range together {
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
	for _, i := range order {
		if ctx.Err() != nil {
			break
		}
		queue <- i
	}
	close(queue)
	group.Wait()
	return out, context.Cause(ctx)
}

// member registers one claimant, uploads the histories and files the claim, and
// another for a second outlet where they have one.
func (f *filler) member(ctx context.Context, m member) (filled, error) {
	registered, err := f.at(m.at).Register(ctx, identity.Anyone, m.enters(), claims.Reply[claims.Registered]{})
	if err != nil {
		return filled{}, fmt.Errorf("register: %w", err)
	}
	out := filled{claimantID: registered.Claimant.ID}
	sold := make([]takings, len(m.sector.trades))
	for i := range sold {
		sold[i] = m.lives(i, f.incident)
	}
	if err := f.uploads(ctx, m, registered, outletCode, sold); err != nil {
		return filled{}, err
	}
	if m.account > 0 && m.at.Add(m.account).Before(m.filedAt()) {
		if err := f.changeAccount(ctx, m, registered); err != nil {
			return filled{}, err
		}
	}
	if m.fate == unfiled {
		return out, nil
	}
	if out.claimID, err = f.file(ctx, m, registered, outletCode, sold); err != nil {
		return out, err
	}
	if m.annex {
		if err := f.uploads(ctx, m, registered, annexCode, sold); err != nil {
			return out, err
		}
		if out.annexID, err = f.file(ctx, m, registered, annexCode, sold); err != nil {
			return out, err
		}
	}
	if m.account > 0 && !m.at.Add(m.account).Before(m.filedAt()) {
		err = f.changeAccount(ctx, m, registered)
	}
	return out, err
}

// changeAccount has the member's money sent elsewhere.
func (f *filler) changeAccount(ctx context.Context, m member, of claims.Registered) error {
	_, err := f.at(m.at.Add(m.account)).ChangeClaimant(ctx, of.Key.Actor(), of.Claimant.ID, of.Claimant.Version, func(c *claims.Claimant) error {
		c.Bank = &claims.BankAccount{BankCode: "088", Number: fmt.Sprintf("110-000-%06d", m.number), Holder: m.name()}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change the account: %w", err)
	}
	return nil
}

// uploads brings in the histories of an outlet from where the member's come.
func (f *filler) uploads(ctx context.Context, m member, to claims.Registered, outlet string, sold []takings) error {
	for i, t := range m.sector.trades {
		into := claims.Upload{ClaimantID: to.Claimant.ID, Outlet: outlet, Service: t.service, Source: revenue.FromClaimant}
		if m.source != ledger {
			if err := f.read(ctx, m, to.Key.Actor(), into, m.files(), m.writes(i, sold[i], f.incident)); err != nil {
				return fmt.Errorf("history of %s: %w", t.service, err)
			}
		}
		if m.source == uploaded {
			continue
		}
		span := m.exported()
		if m.source == both {
			span.Start = max(span.Start, outageDay-8*revenue.Week)
		}
		into.Source = revenue.FromPlatform
		if err := f.read(ctx, m, f.actor(identity.Platform), into, koreanCSV, sold[i].within(span)); err != nil {
			return fmt.Errorf("ledger of %s: %w", t.service, err)
		}
	}
	return nil
}

// read writes hours as a file, reads it as an upload is read, and stores it.
func (f *filler) read(ctx context.Context, m member, actor identity.Actor, into claims.Upload, as export, hours []hour) error {
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
	if into.Summary, err = json.Marshal(report.Summary); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	_, err = f.at(m.at).Upload(ctx, actor, into, report.History)
	return err
}

// file files the member's claim for an outlet and leads it to where it stands.
func (f *filler) file(ctx context.Context, m member, by claims.Registered, outlet string, sold []takings) (string, error) {
	r := rand.New(rand.NewPCG(m.stream, claimStream))
	how := pick(r, filings)
	if m.online {
		how = filings[0]
	}
	actor := by.Key.Actor()
	actor.Address = m.address
	if how.by != identity.Claimant {
		actor = f.actor(how.by)
	}
	claim, err := f.at(m.filedAt()).File(ctx, actor, claims.Draft{
		IncidentID: f.incident.ID, ClaimantID: by.Claimant.ID, Outlet: outlet, Channel: how.channel, Content: m.states(r, sold),
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

// publish seals what was filed and tells the public of it.
func (f *filler) publish(ctx context.Context) error {
	sealed, err := f.at(sealedAt).Seal(ctx, f.actor(identity.Auditor), f.incident.ID, claims.Reply[claims.Snapshot]{})
	if err != nil {
		return fmt.Errorf("seal a snapshot: %w", err)
	}
	if _, err := f.at(releasedAt).ReleaseTotals(ctx, f.actor(identity.Admin), f.incident.ID, sealed.Number, claims.Reply[claims.Release]{}); err != nil {
		return fmt.Errorf("release the totals: %w", err)
	}
	return nil
}

// show picks an ordinary submitted claim and issues keys for its claimant.
func (f *filler) show(ctx context.Context, members []member, written []filled) (Sandbox, error) {
	shown := written[slices.IndexFunc(members, func(m member) bool { return m.fate == submitted && m.oddity == ordinary && !m.cast })]
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

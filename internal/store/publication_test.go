package store_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/sandbox"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

var snapshots = flag.Int("snapshots", 50, "how many snapshots are sealed while claims change")

// watched is a store that adds up the claims by itself, at the end of the read that
// a snapshot is taken in.
type watched struct {
	*store.Store
	incident string
	sums     publication.Sums
}

func (w *watched) Freeze(ctx context.Context, f func(ctx context.Context, r claims.Reader) error) error {
	return w.Store.Freeze(ctx, func(ctx context.Context, r claims.Reader) error {
		if err := f(ctx, r); err != nil {
			return err
		}
		return store.SQL(r).WithContext(ctx).Raw(`SELECT count(*), CAST(sum(claimed) AS bigint), CAST(coalesce(sum(estimated), 0) AS bigint),
			CAST(coalesce(sum(awarded), 0) AS bigint) FROM claims WHERE incident_id = ? AND submitted_at IS NOT NULL`, w.incident).
			Row().Scan(&w.sums.Count, &w.sums.Claimed, &w.sums.Estimated, &w.sums.Awarded)
	})
}

// paired is the region of claims that change two at a time, in one transaction, so
// that what they add up to stays: a snapshot that sees half of it shows.
const (
	paired      = "KR-99"
	pairs       = 20
	pairClaimed = 1_000_000 // of both
)

// bustle is a sandbox in which claims change all the time.
type bustle struct {
	*claims.Service
	db       *watched
	actors   map[identity.Role]identity.Actor
	incident string
	pairs    [pairs][2]string
	claims   []string
	writes   [4]atomic.Int64 // pairs, filed, withdrawn, decided
}

func newBustle(t *testing.T, db *store.Store) *bustle {
	t.Helper()
	box, err := sandbox.Fill(t.Context(), db, sandbox.Options{Seed: 5, Claimants: 60})
	if err != nil {
		t.Fatal(err)
	}
	b := &bustle{db: &watched{Store: db, incident: box.IncidentID}, actors: map[identity.Role]identity.Actor{}, incident: box.IncidentID}
	b.Service = claims.New(b.db, func() time.Time { return sandbox.Now })
	for role, token := range box.Keys {
		b.actors[role] = read[identity.Actor](t)(b.Authenticate(t.Context(), token))
	}
	submitted := read[[]claims.Claim](t)(db.Claims(t.Context(), claims.ClaimFilter{IncidentID: b.incident, States: []claims.State{claims.Submitted}}, claims.Page{Limit: 100}))
	for _, c := range submitted {
		b.claims = append(b.claims, c.ID)
	}
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
		for i := range b.pairs {
			for j := range b.pairs[i] {
				c := submitted[0]
				c.ID, c.Outlet, c.Region, c.Claimed, c.Awarded = newID(), fmt.Sprintf("pair-%d-%d", i, j), paired, pairClaimed/2, ptr(money.Minor(pairClaimed/2))
				c.Reference, b.pairs[i][j] = "R-"+c.ID, c.ID
				if j == 1 {
					c.State = claims.AwaitingAnswer
				}
				if err := tx.InsertClaim(ctx, c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return b
}

// swap moves amounts from one claim of a pair to the other and exchanges their
// states.
func (b *bustle) swap(ctx context.Context, r *rand.Rand) error {
	pair := b.pairs[r.IntN(pairs)]
	return b.db.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
		one, err := tx.Claim(ctx, pair[0])
		if err != nil {
			return err
		}
		other, err := tx.Claim(ctx, pair[1])
		if err != nil {
			return err
		}
		moved := money.Minor(r.IntN(pairClaimed))
		one.Claimed, other.Claimed = moved, pairClaimed-moved
		one.Awarded, other.Awarded = ptr(pairClaimed-moved), &moved
		one.State, other.State = other.State, one.State
		if err := tx.UpdateClaim(ctx, one); err != nil {
			return err
		}
		return tx.UpdateClaim(ctx, other)
	})
}

// file registers somebody and submits their claim; every third withdraws it.
func (b *bustle) file(ctx context.Context, writer, n int) error {
	registered, err := b.Register(ctx, identity.Anyone, claims.Claimant{
		Kind: claims.Driver, Name: "기사", Phone: fmt.Sprintf("010-%04d-%04d", 1000+writer, n), DriverID: fmt.Sprintf("D-%d-%d", writer, n), Zone: "Asia/Seoul",
		Currency: "KRW", Outlets: []claims.Outlet{{Code: "main", Name: "개인택시", Sector: "taxi", Region: "KR-11"}},
	}, claims.Reply[claims.Registered]{})
	if err != nil {
		return err
	}
	own := registered.Key.Actor()
	filed, err := b.File(ctx, own, claims.Draft{IncidentID: b.incident, Outlet: "main", Channel: "api", Content: claims.Content{
		Lines: []claims.LossLine{{Service: "taxi", DeclaredActual: ptr(money.Minor(20_000))}},
	}}, true, claims.Reply[claims.Claim]{})
	if err != nil {
		return err
	}
	b.writes[1].Add(1)
	if n%3 != 0 {
		return nil
	}
	b.writes[2].Add(1)
	_, err = b.Withdraw(ctx, own, filed.ID, filed.Version, "", claims.Reply[claims.Claim]{})
	return err
}

// decide gives a claim of the sandbox to a reviewer, who decides it.
func (b *bustle) decide(ctx context.Context, id string) error {
	senior, none := b.actors[identity.Senior], claims.Reply[claims.Claim]{}
	if _, err := b.Assign(ctx, senior, id, 0, "", none); err != nil {
		return err
	}
	b.writes[3].Add(1)
	_, err := b.Decide(ctx, senior, id, 0, claims.DecisionDraft{Verdict: claims.PartlyApproved, Assessed: 1_000, Awarded: 1_000, Reason: "items_partly_shown"}, none)
	return err
}

// run changes claims until the context ends. What it may not do, because of what
// it did before, it leaves.
func (b *bustle) run(ctx context.Context, writer int) error {
	r := rand.New(rand.NewPCG(1, uint64(writer)))
	const filedAtMost = 120
	for n := 0; ctx.Err() == nil; n++ {
		var err error
		switch {
		case n%8 == 0 && n/8 < filedAtMost:
			err = b.file(ctx, writer, n/8)
		case n%8 == 1 && n/8 < len(b.claims) && n/8%2 == writer:
			err = b.decide(ctx, b.claims[n/8])
		default:
			b.writes[0].Add(1)
			err = b.swap(ctx, r)
		}
		if kind := fault.KindOf(err); err != nil && ctx.Err() == nil && kind != fault.Stale && kind != fault.Conflict && kind != fault.Invalid {
			return err
		}
	}
	return nil
}

// list is the leaf list of a snapshot.
func (b *bustle) list(t testing.TB, n int) (claims.Snapshot, []publication.Leaf) {
	t.Helper()
	var packed bytes.Buffer
	snapshot := read[claims.Snapshot](t)(b.Leaves(t.Context(), b.actors[identity.Auditor], b.incident, n, func(part []byte) error {
		packed.Write(part)
		return nil
	}))
	var leaves []publication.Leaf
	if packed.Len() == 0 {
		return snapshot, nil
	}
	lines := read[*gzip.Reader](t)(gzip.NewReader(&packed))
	for leaf, err := range publication.ReadList(lines) {
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	return snapshot, leaves
}

func TestSealedTotalsAreTheSumsOfOneMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 2 {
			writers.Go(func() {
				if err := b.run(ctx, w); err != nil {
					t.Error(err)
				}
			})
		}
		began := time.Now()
		moments := map[publication.Hash]bool{}
		var first, last publication.Sums
		for n := 1; n <= *snapshots && !t.Failed(); n++ {
			sealed := read[claims.Snapshot](t)(b.Seal(t.Context(), b.actors[identity.Auditor], b.incident, claims.Reply[claims.Snapshot]{}))
			if sealed.Number != n {
				t.Fatalf("snapshot %d is number %d", n, sealed.Number)
			}
			stored, leaves := b.list(t, n)
			if diff := cmp.Diff(sealed, stored); diff != "" {
				t.Errorf("snapshot %d (-sealed +stored):\n%s", n, diff)
			}
			moments[b.holds(t, sealed, leaves)] = true
			if last = *sealed.Sums; n == 1 {
				first = last
			}
		}
		took := time.Since(began)
		stop()
		writers.Wait()
		if len(moments) < *snapshots/2 {
			t.Errorf("%d snapshots saw %d different moments; too little changed to show anything", *snapshots, len(moments))
		}
		t.Logf("%s: %d snapshots in %.1f s, %d of them different, from %d claims to %d; meanwhile %d pairs changed, %d claims filed, %d withdrawn, %d decided",
			db.Engine(), *snapshots, took.Seconds(), len(moments), first.Count, last.Count, b.writes[0].Load(), b.writes[1].Load(), b.writes[2].Load(), b.writes[3].Load())
	})
}

// holds checks a snapshot against its leaves, against the sums that the database
// made of the same moment, and against what no moment can break. It answers what
// tells the moment from others, whatever the order of its leaves.
func (b *bustle) holds(t *testing.T, sealed claims.Snapshot, leaves []publication.Leaf) (moment publication.Hash) {
	t.Helper()
	var tree publication.Builder
	var ofPairs publication.Sums
	asked := 0
	for _, l := range leaves {
		if err := tree.Add(l); err != nil {
			t.Fatal(err)
		}
		node := read[publication.Node](t)(l.Node())
		subtle.XORBytes(moment[:], moment[:], node.Hash[:])
		if l.Region == paired {
			ofPairs.Count++
			ofPairs.Claimed += l.Claimed
			ofPairs.Awarded += l.Awarded
			if l.Status == "information_requested" {
				asked++
			}
		}
	}
	root := read[publication.Node](t)(tree.Root())
	if root.Hash != sealed.Root || root.Sums != *sealed.Sums {
		t.Errorf("snapshot %d: sealed %v %+v; its leaves lead to %v %+v", sealed.Number, sealed.Root, *sealed.Sums, root.Hash, root.Sums)
	}
	if b.db.sums != *sealed.Sums {
		t.Errorf("snapshot %d: sealed %+v; the database adds up to %+v", sealed.Number, *sealed.Sums, b.db.sums)
	}
	if want := (publication.Sums{Count: 2 * pairs, Claimed: pairs * pairClaimed, Awarded: pairs * pairClaimed}); ofPairs != want || asked != pairs {
		t.Errorf("snapshot %d is torn: the pairs add up to %+v, %d of them asked; want %+v, %d", sealed.Number, ofPairs, asked, want, pairs)
	}
	return moment
}

func TestOfTwoSnapshotsAtOnceNoneIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		const rivals = 6
		var sealed, overtaken atomic.Int64
		var together sync.WaitGroup
		for range rivals {
			together.Go(func() {
				_, err := b.Service.Seal(t.Context(), b.actors[identity.Auditor], b.incident, claims.Reply[claims.Snapshot]{})
				switch {
				case err == nil:
					sealed.Add(1)
				case fault.KindOf(err) == fault.Conflict && fault.As(err).Code == "snapshot_overtaken":
					overtaken.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		together.Wait()
		if sealed.Load() == 0 || sealed.Load()+overtaken.Load() != rivals {
			t.Errorf("%d sealed, %d overtaken of %d", sealed.Load(), overtaken.Load(), rivals)
		}
		list := read[[]claims.Snapshot](t)(db.Snapshots(t.Context(), b.incident, claims.Page{Limit: 10}))
		for i, s := range list {
			if want := len(list) - i; s.Number != want {
				t.Errorf("snapshot %d stands where %d belongs", s.Number, want)
			}
		}
		if int64(len(list)) != sealed.Load() {
			t.Errorf("%d snapshots are stored, %d were sealed", len(list), sealed.Load())
		}
	})
}

// outrun is a store in which something else is done as soon as somebody has looked
// which release is the newest.
type outrun struct {
	*store.Store
	meanwhile func()
}

func (s *outrun) ReleaseHeader(ctx context.Context, incidentID string, n int) (claims.Release, error) {
	release, err := s.Store.ReleaseHeader(ctx, incidentID, n)
	if meanwhile := s.meanwhile; meanwhile != nil {
		s.meanwhile = nil
		meanwhile()
	}
	return release, err
}

func TestReleasesAtOnceKeepTheOrderOfTheirSnapshots(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		admin, none := b.actors[identity.Admin], claims.Reply[claims.Release]{}
		for range 2 {
			read[claims.Snapshot](t)(b.Service.Seal(t.Context(), admin, b.incident, claims.Reply[claims.Snapshot]{}))
		}
		late := claims.New(&outrun{db, func() { read[claims.Release](t)(b.ReleaseTotals(t.Context(), admin, b.incident, 2, none)) }}, func() time.Time { return sandbox.Now })
		if _, err := late.ReleaseTotals(t.Context(), admin, b.incident, 1, none); fault.KindOf(err) != fault.Conflict || fault.As(err).Code != "snapshot_not_newer" {
			t.Errorf("snapshot 1, released while 2 is: %v; want snapshot_not_newer", err)
		}
		if n := count(t, db, "releases"); n != 1 {
			t.Errorf("%d releases; the one of snapshot 2 is expected", n)
		}
	})
}

// failing is a store whose transaction of that number, from 0, writes everything
// and is then not committed.
type failing struct {
	*store.Store
	at int
}

var errBroken = errors.New("the commit failed")

func (s *failing) InTx(ctx context.Context, f func(ctx context.Context, tx claims.Tx) error) error {
	n := s.at
	s.at--
	return s.Store.InTx(ctx, func(ctx context.Context, tx claims.Tx) error {
		if err := f(ctx, tx); err != nil || n != 0 {
			return err
		}
		return errBroken
	})
}

func TestASnapshotThatFailsLeavesNothingToSee(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		auditor, none := b.actors[identity.Auditor], claims.Reply[claims.Snapshot]{}
		// The loose leaves, the salt, the leaves: each commit fails once; then, as the
		// salt is there, that of the snapshot.
		for _, at := range []int{0, 1, 2, 2} {
			service := claims.New(&failing{db, at}, func() time.Time { return sandbox.Now })
			if _, err := service.Seal(t.Context(), auditor, b.incident, none); !errors.Is(err, errBroken) {
				t.Errorf("commit %d: %v; want %v", at, err, errBroken)
			}
			if list := read[[]claims.Snapshot](t)(db.Snapshots(t.Context(), b.incident, claims.Page{Limit: 1})); len(list) > 0 {
				t.Errorf("commit %d failed and left %+v", at, list)
			}
			if n := count(t, db, "entries WHERE type = 'snapshot.sealed'"); n > 0 {
				t.Errorf("commit %d failed and left %d entries", at, n)
			}
		}
		if n := count(t, db, "snapshot_leaves"); n != 1 {
			t.Errorf("%d parts of leaves are left; the one before the commit of the snapshot is expected", n)
		}
		if sealed := read[claims.Snapshot](t)(b.Seal(t.Context(), auditor, b.incident, none)); sealed.Number != 1 {
			t.Errorf("the first that succeeds is number %d", sealed.Number)
		}
	})
}

// deserted is a store whose caller goes away when the transaction of that number,
// from 0, begins, or, at −1, once the claims were read.
type deserted struct {
	*watched
	at    int
	leave func()
}

func (s *deserted) Freeze(ctx context.Context, f func(ctx context.Context, r claims.Reader) error) error {
	err := s.watched.Freeze(ctx, f)
	if s.at < 0 {
		s.leave()
	}
	return err
}

func (s *deserted) InTx(ctx context.Context, f func(ctx context.Context, tx claims.Tx) error) error {
	if s.at--; s.at == -1 {
		s.leave()
	}
	return s.watched.InTx(ctx, f)
}

func TestASnapshotWhoseCallerGoesAwayIsWholeOrIsNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		whole := 0
		for at := -1; at < 4; at++ {
			ctx, leave := context.WithCancel(t.Context())
			service := claims.New(&deserted{b.db, at, leave}, func() time.Time { return sandbox.Now })
			_, err := service.Seal(ctx, b.actors[identity.Auditor], b.incident, claims.Reply[claims.Snapshot]{})
			leave()
			switch {
			case err == nil:
				whole++
			case !errors.Is(err, context.Canceled):
				t.Errorf("gone at %d: %v; want it canceled", at, err)
			}
			if n := count(t, db, "snapshots"); n != whole {
				t.Fatalf("gone at %d: %d snapshots, %d were sealed", at, n, whole)
			}
			if n := count(t, db, "entries WHERE type = 'snapshot.sealed'"); n != whole {
				t.Errorf("gone at %d: %d entries of %d snapshots", at, n, whole)
			}
		}
		for n := 1; n <= whole; n++ {
			sealed, leaves := b.list(t, n)
			b.holds(t, sealed, leaves)
		}
	})
}

func TestLeavesWithoutASnapshotGoAndOthersStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		b := newBustle(t, db)
		sealed := read[claims.Snapshot](t)(b.Seal(t.Context(), b.actors[identity.Auditor], b.incident, claims.Reply[claims.Snapshot]{}))
		loose := newID()
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertLeafPart(ctx, loose, 0, []byte{1}) })
		for _, c := range []struct {
			before time.Time
			left   int
		}{{time.Now().Add(-time.Hour), 2}, {time.Now().Add(time.Hour), 1}} {
			inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.DropLooseLeaves(ctx, c.before) })
			if n := count(t, db, "snapshot_leaves"); n != c.left {
				t.Errorf("before %s: %d parts are left, want %d", c.before, n, c.left)
			}
		}
		if _, err := db.LeafPart(t.Context(), sealed.ID, 0); err != nil {
			t.Errorf("the sealed leaves: %v", err)
		}
		incomplete := sealed
		incomplete.Number, incomplete.ID, incomplete.EntryID = 2, loose, newID()
		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.InsertSnapshot(ctx, incomplete, 1) })
		if fault.KindOf(err) != fault.Conflict {
			t.Errorf("a snapshot whose leaves went: %v; want Conflict", err)
		}
		for _, statement := range []string{
			"DELETE FROM snapshot_leaves", "UPDATE snapshot_leaves SET part = 7", "UPDATE snapshots SET claims = 1", "DELETE FROM snapshots", "DELETE FROM snapshot_salts",
		} {
			if _, err := db.Raw().ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s was taken", statement)
			}
		}
	})
}

// The log has the hash of what an incident says, which fsck computes anew from the
// row.
func TestAnIncidentHasTheSameHashWhenItIsReadAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		in := anIncident()
		in.StartsAt = in.StartsAt.In(time.FixedZone("KST", 9*60*60))
		in.Services[0].Windows[0].Start = in.StartsAt
		in.Timestamps = nil
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertIncident(ctx, in) })
		again := read[claims.Incident](t)(db.Incident(t.Context(), in.ID))
		if again.Hash() != in.Hash() || len(in.Hash()) != 64 {
			t.Errorf("hash %s of the row, %s of what was written", again.Hash(), in.Hash())
		}
		again.Services[0].Windows[0].DownBasisPoints--
		if again.Hash() == in.Hash() {
			t.Error("another window has the same hash")
		}
	})
}

// count is how many rows there are.
func count(t testing.TB, db *store.Store, of string) (n int) {
	t.Helper()
	if err := db.Raw().QueryRowContext(t.Context(), "SELECT count(*) FROM "+of).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

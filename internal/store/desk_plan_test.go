package store_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/money"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// desk is a database with many claims of one incident: of ten, six are queued,
// three decided and one is a draft. One of a thousand is of the sector "rare".
type desk struct {
	fixture
	db       *store.Store
	asked    claims.Claim // one of the decided
	claimant claims.Claimant
}

func fillManyClaims(t testing.TB, db *store.Store, n int) desk {
	t.Helper()
	d := desk{fixture: newFixture(t, db), db: db}
	const atOnce = 2000
	for from := 0; from < n; from += atOnce {
		claimants, all := make([]claims.Claimant, min(atOnce, n-from)), make([]claims.Claim, min(atOnce, n-from))
		for i := range all {
			claimants[i], all[i] = d.one(from + i)
		}
		if err := db.Fill(t.Context(), claimants, all); err != nil {
			t.Fatal(err)
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for i, c := range claimants {
				err = errors.Join(err, tx.InsertMarks(ctx, c.ID, marks(from+i)))
				if i%5 == 0 {
					kept := claims.Exclusion{ClaimID: all[i].ID, Person: fmt.Sprint("p-", i%50), Why: claims.ExcludedFiled}
					err = errors.Join(err, tx.InsertExclusion(ctx, kept))
				}
			}
			return err
		})
		d.asked, d.claimant = all[7], claimants[7]
	}
	if _, err := db.Raw().ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	return d
}

// marks of a claimant: their own, and one that everybody has.
func marks(i int) []uint64 {
	return []uint64{uint64(i)<<20 + 1, uint64(i)<<20 + 2, uint64(i)<<20 + 3, 7}
}

func (d desk) one(i int) (claims.Claimant, claims.Claim) {
	claimant := claims.Claimant{
		ID: newID(), Kind: claims.Merchant, Name: "상점", Phone: fmt.Sprintf("010-%08d", i), BusinessNumber: fmt.Sprintf("%010d", i), Zone: "Asia/Seoul", Currency: "KRW",
		Bank: &claims.BankAccount{BankCode: "088", Number: fmt.Sprintf("%012d", i/2), Holder: "상점"}, Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
	c := d.claim("main")
	c.Reference = fmt.Sprintf("R-%012d", i)
	c.ClaimantID, c.Sector, c.Region, c.Estimated, c.FiledBy = claimant.ID, "cafe", "KR-11", ptr(money.Minor(i)), fmt.Sprint("key", i/5)
	c.Unit = binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i/2))
	c.SubmittedAt, c.Rank, c.Stake, c.Score = ptr(at(i%1000)), at(i*7919%100_000), money.Minor(i), i%100
	if i%1000 == 999 {
		c.Sector = "rare"
	}
	switch i % 10 {
	case 6, 7, 8:
		c.State, c.Decisions, c.Standing, c.DueAt = claims.Decided, 1, 1, ptr(at(1_000_000+i))
	case 9:
		c.State, c.SubmittedAt = claims.Drafted, nil
		if c.Sector == "rare" {
			c.State, c.SubmittedAt = claims.Submitted, ptr(at(0))
		}
	default:
		c.State = claims.Submitted
	}
	return claimant, c
}

// look is one question of the desk that must cost the same however many claims
// there are, and the index that answers it.
type look struct {
	index string
	ask   func(ctx context.Context, tx claims.Tx) error
}

func (d desk) looks() map[string]look {
	request := func(filter claims.ClaimFilter) func(ctx context.Context, tx claims.Tx) error {
		return func(ctx context.Context, tx claims.Tx) error {
			c, err := tx.LockNext(ctx, claims.LeaseRequest{Person: "p", Appeals: true, Filter: filter, Now: at(0)})
			if err == nil && c == nil {
				err = fmt.Errorf("the queue is empty")
			}
			return err
		}
	}
	return map[string]look{
		"next":             {"claims_queue", request(claims.ClaimFilter{})},
		"next of incident": {"claims_queue", request(claims.ClaimFilter{IncidentID: d.incident.ID, Sector: "cafe", StakeFrom: ptr(money.Minor(10))})},
		"due": {"claims_due", func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.Due(ctx, at(1_000_026), 100)
			return err
		}},
		"similar": {"claims_similar", func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.Similar(ctx, d.asked, 5)
			return err
		}},
		"twins": {"claims_unit", func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.Twins(ctx, d.asked, d.claimant, at(500))
			return err
		}},
		"copies": {"marks", func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.Copies(ctx, d.claimant.ID, marks(7))
			return err
		}},
	}
}

func TestQuestionsOfTheDeskAreAnsweredByAnIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		d := fillManyClaims(t, db, 6000)
		explain := map[string]string{"sqlite": "EXPLAIN QUERY PLAN ", "postgres": "EXPLAIN "}[db.Engine()]
		for name, look := range d.looks() {
			var statements []string
			inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
				return look.ask(ctx, store.Traced(tx, func(s string) { statements = append(statements, s) }))
			})
			plans := ""
			for _, statement := range statements {
				for _, line := range query(t, db, explain+statement, lastColumn) {
					plans += line + "\n"
					// A walk along an index is one that stops early.
					if strings.Contains(line, "Seq Scan") || strings.HasPrefix(line, "SCAN ") && !strings.Contains(line, "USING INDEX") && !isDerived(line) {
						t.Errorf("%s reads a whole table:\n%s\n%s", name, statement, line)
					}
				}
			}
			if !strings.Contains(plans, look.index) {
				t.Errorf("%s is not answered by %s:\n%s", name, look.index, plans)
			}
		}
	})
}

// isDerived reports whether a line of SQLite's plan is about rows that the
// statement made itself.
func isDerived(line string) bool {
	return line == "SCAN o" || line == "SCAN asked" || strings.HasSuffix(line, "CONSTANT ROWS")
}

func lastColumn(rows *sql.Rows) (string, error) {
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	into := make([]any, len(names))
	for i := range into {
		into[i] = new(any)
	}
	err = rows.Scan(into...)
	return fmt.Sprint(*into[len(into)-1].(*any)), err
}

func openFilled(b *testing.B, engine string, n int) desk {
	db, err := store.Open(storetest.Options(b, engine))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return fillManyClaims(b, db, n)
}

func BenchmarkQuestionsOfTheDesk(b *testing.B) {
	for _, engine := range storetest.Engines {
		for _, n := range []int{1000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/claims=%d", engine, n), func(b *testing.B) {
				d := openFilled(b, engine, n)
				for name, look := range d.looks() {
					b.Run(name, func(b *testing.B) {
						inTx(b, d.db, func(ctx context.Context, tx claims.Tx) error {
							for b.Loop() {
								if err := look.ask(ctx, tx); err != nil {
									return err
								}
							}
							return nil
						})
					})
				}
				b.Run("next of a rare sector", func(b *testing.B) {
					inTx(b, d.db, func(ctx context.Context, tx claims.Tx) error {
						for b.Loop() {
							_, err := tx.LockNext(ctx, claims.LeaseRequest{Person: "p", Filter: claims.ClaimFilter{Sector: "rare"}, Now: at(0)})
							if err != nil {
								return err
							}
						}
						return nil
					})
				})
			})
		}
	}
}

// Twenty reviewers take claims at once, each in a transaction of its own.
func BenchmarkTwentyReviewersLease(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(engine, func(b *testing.B) {
			d := openFilled(b, engine, 100_000)
			b.ResetTimer()
			var person atomic.Int64
			b.SetParallelism(20) // times the number of CPUs
			b.RunParallel(func(pb *testing.PB) {
				name := fmt.Sprint("p-", person.Add(1))
				for pb.Next() {
					if _, err := take(context.Background(), d.db, name, time.Now()); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

package fsck_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"redress/internal/auditlog"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/sandbox"
	"redress/internal/store/storetest"
)

// erase ends the appealed claim and erases its claimant.
func (w *world) erase(t testing.TB) claims.Erasure {
	t.Helper()
	claim, err := w.service.Withdraw(t.Context(), w.actor(t, identity.Claimant), w.claim, 0, "", claims.Reply[claims.Claim]{})
	if err == nil {
		_, err = w.service.Tend(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	erased, err := w.service.EraseClaimant(t.Context(), w.actor(t, identity.Admin), claim.ClaimantID, claims.ErasureAsked, claims.Reply[claims.Erasure]{})
	if err != nil {
		t.Fatal(err)
	}
	w.integrate(t)
	return erased
}

// What is held of an erased person is held as it was left.
func TestAnErasedPersonIsHeldAsTheyWereLeft(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			reviewed := w.fill(t)
			db, admin := w.open(t), w.actor(t, identity.Admin)
			closed := filledAt.AddDate(0, 3, 0)
			service := claims.New(db, func() time.Time { return closed })
			must(service.Tend(t.Context()))(t)
			claim := must(service.Claim(t.Context(), admin, reviewed))(t)
			must(service.EraseClaimant(t.Context(), admin, claim.ClaimantID, claims.ErasureAsked, claims.Reply[claims.Erasure]{}))(t)
			w.integrate(t)
			if r := w.run(t, w.options, nil, closed); len(r.Findings) > 0 {
				t.Errorf("findings: %v", found(r))
			}
			i := w.intrude(t, w.options)
			for what, statement := range map[string]string{
				"keys/":            "UPDATE keys SET revoked_at = NULL WHERE claimant_id = $1",
				"claimants/":       "UPDATE claimants SET erased_at = NULL WHERE id = $1",
				"quality_reviews/": "UPDATE quality_reviews SET agrees = 0 WHERE claim_id IN (SELECT id FROM claims WHERE claimant_id = $1)",
			} {
				i.do(statement, claim.ClaimantID)
				if r := w.run(t, w.options, nil, closed); !slices.ContainsFunc(r.Findings, func(f fault.Field) bool { return strings.HasPrefix(f.Pointer, what) }) {
					t.Errorf("%s: found %v", statement, found(r))
				}
			}
		})
	}
}

// An erased person leaves the log valid: what is left is held against the log,
// receipts taken before go on to verify, and those of others are given.
func TestAnErasedPersonLeavesTheLogValid(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			admin := w.actor(t, identity.Admin)
			before, err := w.service.Receipt(t.Context(), admin, w.claim, 1)
			if err != nil {
				t.Fatal(err)
			}
			raw := storetest.Raw(t, w.options)
			db := w.open(t)
			directory, err := auditlog.OpenDirectory(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			publish := func() {
				t.Helper()
				if err := directory.Publish(t.Context(), db, w.keys, ""); err != nil {
					t.Fatal(err)
				}
				if _, err := auditlog.VerifyPublished(directory.FS(), w.keys, nil); err != nil {
					t.Errorf("the published log: %v", err)
				}
			}
			publish()
			erased := w.erase(t)
			r := w.run(t, w.options, nil, sandbox.Now)
			if len(r.Findings) > 0 || r.Erased != int64(erased.Entries) || erased.Entries < 5 || r.Entries != w.size {
				t.Errorf("%+v erased, of %d entries %d, findings: %v", erased, r.Entries, r.Erased, found(r))
			}
			if !slices.ContainsFunc(r.Statements(), func(s lang.Text) bool { return strings.Contains(s.EN, "erased") }) {
				t.Error("the report does not say so")
			}
			publish() // what was published before is extended
			if _, err := auditlog.VerifyReceipt(before.Text, w.keys); err != nil {
				t.Errorf("a receipt taken before: %v", err)
			}
			if _, err := w.service.Receipt(t.Context(), admin, w.claim, 1); fault.As(err) == nil || fault.As(err).Code != "entry_erased" {
				t.Errorf("a receipt asked for after: %v", err)
			}
			w.receipts(t, db, raw)
		})
	}
}

package fsck_test

import (
	"slices"
	"strings"
	"testing"

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

package claims_test

import (
	"strings"
	"testing"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
)

// No log runs in a town, so every receipt is still to come.
func TestAReceiptIsToCome(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		c := s.file(t, s.draft(), false)
		for _, role := range []identity.Role{identity.Claimant, identity.Delegate, identity.Reviewer} {
			_, err := s.Receipt(t.Context(), s.as(role), c.ID, 1)
			wants(t, string(role), err, fault.Conflict, "receipt_not_ready")
			if f := fault.As(err); f != nil && f.RetryAfter != time.Second {
				t.Errorf("ask again after %v", f.RetryAfter)
			}
		}
		all := must(s.Receipts(t.Context(), s.as(identity.Claimant), c.ID))(t)
		if len(all) != 1 || all[0].Receipt != nil || all[0].Missing == nil || all[0].Missing.Code != "receipt_not_ready" || all[0].Type != "claim.filed" {
			t.Errorf("receipts: %+v", all)
		}
		_, err := s.Receipt(t.Context(), s.as(identity.Claimant), c.ID, 2)
		wants(t, "an event that is not there", err, fault.NotFound, "event_not_found")
		_, err = s.Receipt(t.Context(), s.stranger, c.ID, 1)
		wants(t, "a stranger", err, fault.NotFound, "claim_not_found")
		_, err = s.Receipts(t.Context(), s.stranger, c.ID)
		wants(t, "a stranger, for all", err, fault.NotFound, "claim_not_found")
		_, err = s.Receipts(t.Context(), s.as(identity.Auditor), c.ID)
		wants(t, "an auditor", err, fault.Forbidden, "role_not_permitted")
	})
}

// A claimant may open every entry about their claim, so none names staff.
func TestEntriesNameNobodyOfTheStaff(t *testing.T) {
	inDesks(t, func(t *testing.T, d *desk) {
		f := d.claim(t, 0, 50_000)
		d.taken(t, f, d.reviewer)
		rows, err := d.raw.QueryContext(t.Context(), "SELECT body FROM entries WHERE subject = $1", f.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		assigned := false
		for rows.Next() {
			var body []byte
			if err := rows.Scan(&body); err != nil {
				t.Fatal(err)
			}
			assigned = assigned || strings.Contains(string(body), `"claim.assigned"`)
			if strings.Contains(string(body), d.reviewer.Person) {
				t.Errorf("an entry names %s: %s", d.reviewer.Person, body)
			}
		}
		if !assigned {
			t.Error("no entry says that the claim was assigned")
		}
	})
}

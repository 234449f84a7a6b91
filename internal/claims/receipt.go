package claims

import (
	"context"
	"fmt"
	"slices"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/identity"
)

// EventReceipt is an event with the receipt that proves it.
type EventReceipt struct {
	Event
	Receipt []byte       // the text of a .tlog-proof file; nil where there is none
	Missing *fault.Error // why there is none: receipt_not_ready or entry_erased
}

// ReceiptFile is a receipt as it is saved.
type ReceiptFile struct {
	Name string // without an ending: the claim's reference and the event's number: "R-7K3M-9Q2X-4HTN-2"
	Text []byte
}

// Receipt proves, offline and to anybody, that an event of a claim the actor may
// see is in the log. An event whose entry is not in it yet is a Conflict fault
// with the code receipt_not_ready.
func (s *Service) Receipt(ctx context.Context, actor identity.Actor, claimID string, eventN int64) (ReceiptFile, error) {
	claim, err := s.findClaim(ctx, s.store, actor, claimID, identity.ReadClaims)
	if err != nil {
		return ReceiptFile{}, err
	}
	events, err := s.store.Events(ctx, claimID)
	if err != nil {
		return ReceiptFile{}, err
	}
	i := slices.IndexFunc(events, func(e Event) bool { return e.N == eventN })
	if i < 0 {
		return ReceiptFile{}, NotFound("event", fmt.Sprint(eventN))
	}
	receipt, err := auditlog.ReceiptOf(ctx, s.store, events[i].EntryID)
	if err != nil {
		return ReceiptFile{}, err
	}
	return ReceiptFile{Name: fmt.Sprintf("%s-%d", claim.Reference, eventN), Text: receipt.Format()}, nil
}

// Receipts lists the events of a claim the actor may see, oldest first, each with
// its receipt as far as there is one.
func (s *Service) Receipts(ctx context.Context, actor identity.Actor, claimID string) ([]EventReceipt, error) {
	events, err := s.Events(ctx, actor, claimID)
	if err != nil {
		return nil, err
	}
	all := make([]EventReceipt, len(events))
	for i, e := range events {
		all[i].Event = e
		receipt, err := auditlog.ReceiptOf(ctx, s.store, e.EntryID)
		switch missing := fault.As(err); {
		case err == nil:
			all[i].Receipt = receipt.Format()
		case missing != nil:
			all[i].Missing = missing
		default:
			return nil, err
		}
	}
	return all, nil
}

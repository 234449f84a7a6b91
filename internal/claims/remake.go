package claims

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"redress/internal/baseline"
	"redress/internal/bundle"
	"redress/internal/fault"
	"redress/internal/revenue"
	"redress/internal/scheme"
)

// Remake makes the estimate of a bundle again, from its inputs, histories and scheme
// and from nothing else, and compares bytes. What it finds is a fault of code
// estimate_not_remade.
func Remake(f bundle.EstimateFiles) error {
	if here := baseline.CalendarHash(); f.Calendar.String() != here {
		return notRemade(fmt.Errorf("made with the holidays %s; this program has %s", f.Calendar, here))
	}
	var named Estimate
	if err := named.names(f.Estimate); err != nil {
		return notRemade(fmt.Errorf("the estimate cannot be read: %w", err))
	}
	var in inputs
	if err := json.Unmarshal(f.Inputs, &in); err != nil {
		return notRemade(fmt.Errorf("the inputs cannot be read: %w", err))
	}
	rules, err := scheme.Parse(f.Scheme)
	if err != nil {
		return notRemade(fmt.Errorf("the scheme cannot be read: %w", err))
	}
	made, err := in.again(rules, func(l lineInputs) (revenue.History, string, error) {
		h, ok := f.Histories[l.Service]
		if !ok {
			return revenue.History{}, "", fmt.Errorf("the history of service %s is missing", l.Service)
		}
		digest := revenue.Digest(h)
		return h, hex.EncodeToString(digest[:]), nil
	}, named)
	switch {
	case err != nil:
		return notRemade(err)
	case !bytes.Equal(made.Inputs, f.Inputs):
		return notRemade(errors.New("the inputs differ: scheme or history is not what the estimate was made from"))
	case !bytes.Equal(made.Bytes, f.Estimate):
		return notRemade(errors.New("the estimate differs"))
	}
	return nil
}

// names reads what names an estimate from its document.
func (e *Estimate) names(written []byte) error {
	var d struct {
		ClaimID string    `json:"claim_id"`
		N       int       `json:"n"`
		MadeAt  time.Time `json:"made_at"`
	}
	err := json.Unmarshal(written, &d)
	e.ClaimID, e.N, e.MadeAt = d.ClaimID, d.N, d.MadeAt
	return err
}

func notRemade(why error) error {
	return fault.New(fault.Invalid, "estimate_not_remade", "The estimate does not come out again: %s.", "추정이 다시 나오지 않습니다: %s.", why).Because(why)
}

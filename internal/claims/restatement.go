package claims

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/publication"
)

// Restatement says that a published figure no longer stands, and why. The figure
// stays where it was published; every later release lists the restatement.
type Restatement struct {
	IncidentID string
	Number     int
	Bytes      []byte // publication.Restatement as JSON: the bytes that are logged by their hash
	MadeAt     time.Time
	MadeBy     string // person
	EntryID    string
}

// Read is what the bytes of the restatement say.
func (r Restatement) Read() (publication.Restatement, error) {
	var out publication.Restatement
	if err := json.Unmarshal(r.Bytes, &out); err != nil {
		return publication.Restatement{}, fmt.Errorf("read restatement %d of incident %s: %w", r.Number, r.IncidentID, err)
	}
	return out, nil
}

// RestatementDraft is what is to be said about a published figure.
type RestatementDraft struct {
	Release int
	Measure publication.Measure
	Reason  lang.Text
}

// maxReason is how many characters the reason of a restatement has at most.
const maxReason = 2000

// Restate says of a measure of a release that it does not stand, from today on.
func (s *Service) Restate(ctx context.Context, actor identity.Actor, incidentID string, draft RestatementDraft, reply Reply[Restatement]) (Restatement, error) {
	if err := allow(actor, identity.PublishTotals); err != nil {
		return Restatement{}, err
	}
	incident, err := s.store.Incident(ctx, incidentID)
	if err != nil {
		return Restatement{}, err
	}
	if _, err := s.store.ReleaseHeader(ctx, incidentID, max(1, draft.Release)); err != nil {
		return Restatement{}, err
	}
	if err := fault.InvalidFields(draft.check()); err != nil {
		return Restatement{}, err
	}
	zone, err := time.LoadLocation(incident.Zone)
	if err != nil {
		return Restatement{}, fmt.Errorf("zone of incident %s: %w", incidentID, err)
	}
	made := Restatement{IncidentID: incidentID, MadeAt: s.now(), MadeBy: actor.Person}
	made.Bytes, err = publication.Restatement{
		Date: made.MadeAt.In(zone).Format(time.DateOnly), Release: draft.Release, Measure: draft.Measure, Reason: draft.Reason,
	}.JSON()
	if err != nil {
		return Restatement{}, err
	}
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Restatement, error) {
		before, err := tx.Restatements(ctx, incidentID)
		if err != nil {
			return Restatement{}, err
		}
		made.Number = len(before) + 1
		if made.EntryID, err = s.logged(ctx, tx, "restatement.made", incidentID, map[string]any{
			"number": made.Number, "hash": hexSHA256(made.Bytes),
			"made_at": made.MadeAt.Format(time.RFC3339Nano), "made_by": tx.Blind(BlindPerson, made.MadeBy),
		}); err != nil {
			return Restatement{}, err
		}
		return made, tx.InsertRestatement(ctx, made)
	})
}

func (d RestatementDraft) check() []fault.Field {
	var fields []fault.Field
	if d.Release < 1 {
		fields = append(fields, fault.At("#/release", "out_of_range", "must be the number of a release, from 1 on.", "1 이상의 공개 차수여야 합니다."))
	}
	if !slices.Contains(publication.Measures, d.Measure) {
		fields = append(fields, fault.At("#/measure", "unknown_measure", "must be count, claimed, estimated, awarded or paid.", "count, claimed, estimated, awarded, paid 중 하나여야 합니다."))
	}
	for _, text := range []struct{ tag, text string }{{"en", d.Reason.EN}, {"ko", d.Reason.KO}} {
		if lang.Blank(text.text) || len([]rune(text.text)) > maxReason {
			fields = append(fields, fault.At("#/reason/"+text.tag, "text_length", "must be 1 to %d characters.", "1~%d자여야 합니다.", maxReason))
		}
		if strings.ContainsFunc(text.text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			fields = append(fields, fault.At("#/reason/"+text.tag, "text_control", "must have no control characters but line feeds.", "줄바꿈 말고 다른 제어 문자를 쓸 수 없습니다."))
		}
	}
	return fields
}

// Restatements lists all restatements of an incident, oldest first.
func (s *Service) Restatements(ctx context.Context, actor identity.Actor, incidentID string) ([]Restatement, error) {
	if _, err := s.Incident(ctx, actor, incidentID); err != nil {
		return nil, err
	}
	return s.store.Restatements(ctx, incidentID)
}

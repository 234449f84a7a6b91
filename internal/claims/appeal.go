package claims

import (
	"context"
	"fmt"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
)

// AppealDraft is what a claimant says against a decision.
type AppealDraft struct {
	Grounds string
	Files   []string // ids of evidence that was uploaded to the claim
	Channel string   // by which staff were told it, see Behalf
}

// AppealView is an appeal with what was not known when the decision was made.
type AppealView struct {
	AppealCase
	Evidence []EvidenceFile // uploaded after the decision, oldest first
	Uploads  []Upload       // histories of the claim's services, uploaded after it
}

// FileAppeal appeals once, within the appeal period, against the decision that
// stands. Somebody who took no part in it decides.
func (s *Service) FileAppeal(ctx context.Context, actor identity.Actor, id string, version int64, draft AppealDraft, reply Reply[Claim]) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, DoAppeal, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		now := s.now()
		switch _, err := tx.AppealOf(ctx, claim.ID); {
		case err == nil:
			return deed{}, fault.New(fault.Conflict, "appeal_filed_before", "There is one appeal, and it was filed before.", "이의신청은 한 번만 할 수 있으며 이미 하셨습니다.")
		case !isNotFound(err):
			return deed{}, err
		}
		if err := claim.inAppealPeriod(now); err != nil {
			return deed{}, err
		}
		on, err := draft.check(ctx, tx, actor, claim.ID)
		if err != nil {
			return deed{}, err
		}
		// The promise of the first decision stays; the appeal has its own place in the
		// queue.
		claim.AppealOpen, claim.DueAt, claim.Rank = true, nil, rank(now.Add(policy.Promise()), claim.Stake)
		facts := on.told(map[string]any{"decision": int64(claim.Standing), "files": int64(len(draft.Files))})
		return deed{data: facts}, tx.InsertAppeal(ctx, AppealCase{
			ClaimID: claim.ID, Decision: claim.Standing, Grounds: draft.Grounds, Files: draft.Files, FiledAt: now, Behalf: on,
		})
	})
}

func (d AppealDraft) check(ctx context.Context, tx Tx, actor identity.Actor, claimID string) (Behalf, error) {
	files, err := tx.EvidenceFiles(ctx, claimID)
	if err != nil {
		return Behalf{}, err
	}
	on, fields := behalf(actor, d.Channel)
	if lang.Blank(d.Grounds) {
		fields = append(fields, fault.At("#/grounds", "text_required", "Say why the decision is wrong.", "결정이 왜 잘못되었는지 적으십시오."))
	}
	for i, id := range d.Files {
		if !slices.ContainsFunc(files, func(f EvidenceFile) bool { return f.ID == id }) {
			fields = append(fields, unknownFile(fmt.Sprintf("#/files/%d", i), id))
		}
	}
	return on, fault.InvalidFields(fields)
}

// inAppealPeriod refuses what a claimant may do only while they may appeal.
func (c Claim) inAppealPeriod(now time.Time) error {
	if c.DueAt == nil || !now.Before(*c.DueAt) {
		return fault.New(fault.Conflict, "appeal_period_over", "The time to appeal against the decision is over.", "결정에 이의를 제기할 수 있는 기간이 지났습니다.")
	}
	return nil
}

// Appeal finds the appeal of a claim the actor may see, with the evidence that is
// new since the decision.
func (s *Service) Appeal(ctx context.Context, actor identity.Actor, claimID string) (AppealView, error) {
	claim, err := s.view(ctx, actor, claimID)
	if err != nil {
		return AppealView{}, err
	}
	appeal, err := s.store.AppealOf(ctx, claimID)
	if err != nil {
		return AppealView{}, err
	}
	decisions, err := s.store.Decisions(ctx, claimID)
	if err != nil {
		return AppealView{}, err
	}
	files, err := s.store.EvidenceFiles(ctx, claimID)
	if err != nil {
		return AppealView{}, err
	}
	view := AppealView{AppealCase: appeal, Evidence: []EvidenceFile{}, Uploads: []Upload{}}
	known := decisions[appeal.Decision-1].MadeAt
	for _, f := range files {
		if f.UploadedAt.After(known) {
			view.Evidence = append(view.Evidence, f)
		}
	}
	for _, line := range claim.Lines {
		uploads, err := s.store.Uploads(ctx, claim.ClaimantID, claim.Outlet, line.Service)
		if err != nil {
			return AppealView{}, err
		}
		for _, u := range uploads {
			if u.UploadedAt.After(known) {
				view.Uploads = append(view.Uploads, u)
			}
		}
	}
	return view, nil
}

// endAppeal ends the open appeal of a claim.
func (s *Service) endAppeal(ctx context.Context, tx Tx, claim *Claim, withdrawn bool) error {
	appeal, err := tx.AppealOf(ctx, claim.ID)
	if err != nil {
		return err
	}
	now := s.now()
	appeal.EndedAt, appeal.Withdrawn, claim.AppealOpen = &now, withdrawn, false
	return tx.EndAppeal(ctx, appeal)
}

// AskForPerson has a claim that was decided automatically decided by a person. It
// does not use up the appeal, and the claim is never decided automatically again.
func (s *Service) AskForPerson(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	return s.act(ctx, actor, id, version, DoAskHuman, reply, func(_ context.Context, _ Tx, claim *Claim) (deed, error) {
		if !claim.Automatic {
			return deed{}, fault.New(fault.Conflict, "decision_not_automatic", "A person made the decision; you may appeal against it.", "사람이 내린 결정입니다. 이의신청을 하실 수 있습니다.")
		}
		if err := claim.inAppealPeriod(s.now()); err != nil {
			return deed{}, err
		}
		claim.HumanAsked, claim.DueAt = true, nil
		return deed{data: map[string]any{"decision": int64(claim.Standing)}}, nil
	})
}

// AcceptDecision closes a claim at its claimant's wish before the appeal period
// ends.
func (s *Service) AcceptDecision(ctx context.Context, actor identity.Actor, id string, version int64, reply Reply[Claim]) (Claim, error) {
	return s.act(ctx, actor, id, version, DoAccept, reply, func(_ context.Context, _ Tx, claim *Claim) (deed, error) {
		claim.DueAt = nil
		return deed{data: map[string]any{"decision": int64(claim.Standing)}}, nil
	})
}

// closeDecided closes a claim whose appeal period is over.
func (s *Service) closeDecided(ctx context.Context, claim Claim) error {
	_, err := s.act(ctx, identity.Itself, claim.ID, claim.Version, DoClose, Reply[Claim]{}, func(_ context.Context, _ Tx, claim *Claim) (deed, error) {
		claim.DueAt = nil
		return deed{data: map[string]any{"decision": int64(claim.Standing)}}, nil
	})
	return err
}

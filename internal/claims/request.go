package claims

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
)

const (
	// longestRequest is how long an information request may give to answer.
	longestRequest = 90 * day
	// mostItems is how many things one request may ask for.
	mostItems = 20
)

// RequestDraft is what a reviewer asks a claimant for. Items carry no answers.
type RequestDraft struct {
	Items   []RequestedItem
	Message string
	DueAt   *time.Time // by the policy when nil
}

// Answers answer some of the things that one request asked for.
type Answers struct {
	Items   []ItemAnswer
	Channel string // by which staff were told them, see Behalf
}

// ItemAnswer answers one thing that was asked for, by a text, by files that were
// uploaded to the claim, or by both.
type ItemAnswer struct {
	Code  string // of the item
	Text  string
	Files []string // ids of evidence, in the item's slot or an accepted substitute
}

// RequestInformation asks the claimant for things. The clock stands still until
// all are answered or the date is past.
func (s *Service) RequestInformation(ctx context.Context, actor identity.Actor, id string, version int64, draft RequestDraft, reply Reply[Claim]) (Claim, error) {
	if err := permitted(actor, DoRequest); err != nil {
		return Claim{}, err
	}
	now := s.now()
	if err := fault.InvalidFields(draft.check(now)); err != nil {
		return Claim{}, err
	}
	return s.review(ctx, actor, id, version, DoRequest, reply, func(ctx context.Context, tx Tx, claim *Claim, policy Policy) (deed, error) {
		before, err := tx.Requests(ctx, claim.ID)
		if err != nil {
			return deed{}, err
		}
		due := now.Add(policy.Request())
		if draft.DueAt != nil {
			due = draft.DueAt.UTC().Truncate(time.Microsecond)
		}
		request := InformationRequest{
			ClaimID: claim.ID, N: len(before) + 1, Items: draft.Items, Message: draft.Message, AskedBy: actor.Person, AskedAt: now, DueAt: due,
		}
		claim.DueAt = &due
		return deed{data: map[string]any{
			"request": int64(request.N), "items": int64(len(request.Items)), "due_at": due.Format(time.RFC3339Nano),
		}}, tx.InsertRequest(ctx, request)
	})
}

func (d RequestDraft) check(now time.Time) []fault.Field {
	var fields []fault.Field
	if len(d.Items) == 0 || len(d.Items) > mostItems {
		fields = append(fields, fault.At("#/items", "request_size", "Ask for 1 to %d things.", "1~%d가지를 요청하십시오.", mostItems))
	}
	if d.DueAt != nil && (!d.DueAt.After(now) || d.DueAt.Sub(now) > longestRequest) {
		fields = append(fields, fault.At("#/due_at", "due_date", "The date to answer by lies within %d days from now.", "답변 기한은 지금부터 %d일 안이어야 합니다.", int(longestRequest/day)))
	}
	seen := map[string]bool{}
	for i, item := range d.Items {
		at := fmt.Sprintf("#/items/%d", i)
		switch {
		case !codePattern.MatchString(item.Code):
			fields = append(fields, fault.At(at+"/code", "malformed_code", "%q is not a code: 2 to 64 of a-z, 0-9 and _, a letter first.",
				"%q은(는) 코드가 아닙니다. 영문 소문자로 시작하고 a-z, 0-9, _로 된 2~64자여야 합니다.", item.Code))
		case seen[item.Code]:
			fields = append(fields, fault.At(at+"/code", "duplicate_item", "%q is asked for twice; ask once.", "%q을(를) 두 번 요청했습니다. 한 번만 적으십시오.", item.Code))
		}
		seen[item.Code] = true
		for pointer, text := range map[string]string{"/what": item.What, "/why": item.Why} {
			if lang.Blank(text) {
				fields = append(fields, fault.At(at+pointer, "text_required", "Say what is needed and why.", "무엇이 왜 필요한지 적으십시오."))
			}
		}
		for _, slot := range append([]string{item.Slot}, item.Substitutes...) {
			if slot != "" && !slices.Contains(EvidenceSlots, slot) {
				fields = append(fields, fault.At(at, "unknown_slot", "There is no slot %q; there are %s.", "%q 슬롯은 없습니다. 있는 슬롯: %s.", slot, strings.Join(EvidenceSlots, ", ")))
			}
		}
		if item.Slot == "" && len(item.Substitutes) > 0 {
			fields = append(fields, fault.At(at+"/substitutes", "substitutes_without_slot", "Substitutes stand in for the files of a slot; name it.", "대체 서류는 슬롯의 파일을 대신합니다. 슬롯을 적으십시오."))
		}
		if item.AnsweredAt != nil || item.Text != "" || len(item.Files) > 0 {
			fields = append(fields, fault.At(at, "answered_already", "The claimant answers, not who asks.", "답변은 청구인이 합니다."))
		}
	}
	return fields
}

// AnswerRequest answers items of an open request. When all are answered, the
// claim goes back to who asked; before that, partial answers are kept.
func (s *Service) AnswerRequest(ctx context.Context, actor identity.Actor, id string, version int64, n int, answers Answers, reply Reply[Claim]) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, DoAnswer, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		request, err := openRequest(ctx, tx, claim.ID, n)
		if err != nil {
			return deed{}, err
		}
		files, err := tx.EvidenceFiles(ctx, claim.ID)
		if err != nil {
			return deed{}, err
		}
		now := s.now()
		on, err := request.answer(actor, answers, files, now)
		if err != nil {
			return deed{}, err
		}
		open := request.open()
		done := deed{to: AwaitingAnswer, data: on.told(map[string]any{"request": int64(n), "items": int64(len(answers.Items)), "open": int64(open)})}
		if open == 0 {
			request.end(RequestAnswered, now)
			claim.comeBack(request, policy, now)
			done.to = claim.underReview()
		}
		return done, tx.UpdateRequest(ctx, request)
	})
}

// answer takes answers into the request; files are those of the claim.
func (r *InformationRequest) answer(actor identity.Actor, answers Answers, files []EvidenceFile, now time.Time) (Behalf, error) {
	if !now.Before(r.DueAt) {
		return Behalf{}, fault.New(fault.Conflict, "answer_period_over", "The request was to be answered by %s.", "답변 기한은 %s까지였습니다.", r.DueAt.Format(time.RFC3339))
	}
	on, fields := behalf(actor, answers.Channel)
	if len(answers.Items) == 0 {
		fields = append(fields, fault.At("#/items", "answer_required", "Answer at least one item.", "한 가지 이상 답하십시오."))
	}
	seen := map[string]bool{}
	for i, a := range answers.Items {
		at := fmt.Sprintf("#/items/%d", i)
		n := slices.IndexFunc(r.Items, func(item RequestedItem) bool { return item.Code == a.Code })
		switch {
		case n < 0:
			fields = append(fields, fault.At(at+"/code", "unknown_item", "Nothing of the code %q was asked for.", "%q은(는) 요청한 항목이 아닙니다.", a.Code))
			continue
		case seen[a.Code]:
			fields = append(fields, fault.At(at+"/code", "duplicate_item", "%q is answered twice; answer once.", "%q에 두 번 답했습니다. 한 번만 답하십시오.", a.Code))
			continue
		case r.Items[n].AnsweredAt != nil:
			return Behalf{}, fault.New(fault.Conflict, "item_answered", "%q was answered at %s.", "%q은(는) %s에 이미 답했습니다.", a.Code, r.Items[n].AnsweredAt.Format(time.RFC3339))
		}
		seen[a.Code] = true
		fields = append(fields, r.Items[n].take(a, files, now, at)...)
		r.Items[n].Behalf = on
	}
	return on, fault.InvalidFields(fields)
}

// take keeps an answer to the item.
func (item *RequestedItem) take(a ItemAnswer, files []EvidenceFile, now time.Time, at string) []fault.Field {
	if lang.Blank(a.Text) && len(a.Files) == 0 {
		return []fault.Field{fault.At(at, "answer_required", "Answer by a text or by files.", "글이나 파일로 답하십시오.")}
	}
	var fields []fault.Field
	for i, id := range a.Files {
		n := slices.IndexFunc(files, func(f EvidenceFile) bool { return f.ID == id })
		pointer := fmt.Sprintf("%s/files/%d", at, i)
		switch {
		case n < 0:
			fields = append(fields, unknownFile(pointer, id))
		case item.Slot != "" && files[n].Slot != item.Slot && !slices.Contains(item.Substitutes, files[n].Slot):
			fields = append(fields, fault.At(pointer, "slot_not_accepted", "A file of the slot %q does not answer this; accepted are %s.",
				"%q 슬롯의 파일로는 답할 수 없습니다. 받는 슬롯: %s.", files[n].Slot, strings.Join(append([]string{item.Slot}, item.Substitutes...), ", ")))
		}
	}
	item.AnsweredAt, item.Text, item.Files = &now, a.Text, a.Files
	return fields
}

func unknownFile(pointer, id string) fault.Field {
	return fault.At(pointer, "unknown_file", "The claim has no file %s; upload it first.", "청구에 파일 %s이(가) 없습니다. 먼저 올리십시오.", id)
}

// open is how many items are not answered.
func (r InformationRequest) open() int {
	n := 0
	for _, item := range r.Items {
		if item.AnsweredAt == nil {
			n++
		}
	}
	return n
}

func (r *InformationRequest) end(as RequestEnd, now time.Time) { r.EndedAs, r.EndedAt = as, &now }

// comeBack gives the claim back to who asked, who has some time to take notice.
func (c *Claim) comeBack(request InformationRequest, policy Policy, now time.Time) {
	c.lease(request.AskedBy, now.Add(policy.Return()))
	c.DueAt = nil
}

// openRequest finds a request that has not ended.
func openRequest(ctx context.Context, tx Tx, claimID string, n int) (InformationRequest, error) {
	requests, err := tx.Requests(ctx, claimID)
	if err != nil {
		return InformationRequest{}, err
	}
	if n < 1 || n > len(requests) {
		return InformationRequest{}, NotFound("request", fmt.Sprint(n))
	}
	request := requests[n-1]
	if request.EndedAt != nil {
		return InformationRequest{}, fault.New(fault.Conflict, "request_ended", "Request %d has ended: %s.", "%d번 요청은 끝났습니다(%s).", n, string(request.EndedAs))
	}
	return request, nil
}

// RecallRequest ends a request that is no longer needed. Who asked may, and who
// may assign others.
func (s *Service) RecallRequest(ctx context.Context, actor identity.Actor, id string, version int64, n int, reply Reply[Claim]) (Claim, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return Claim{}, err
	}
	return s.act(ctx, actor, id, version, DoRecall, reply, func(ctx context.Context, tx Tx, claim *Claim) (deed, error) {
		now := s.now()
		if actor.Person != claim.AssignedTo && !actor.Can(identity.AssignOthers) {
			return deed{}, held(*claim, actor, now)
		}
		request, err := openRequest(ctx, tx, claim.ID, n)
		if err != nil {
			return deed{}, err
		}
		request.end(RequestRecalled, now)
		claim.comeBack(request, policy, now)
		return deed{to: claim.underReview(), data: map[string]any{"request": int64(n)}}, tx.UpdateRequest(ctx, request)
	})
}

// Requests lists the information requests of a claim the actor may see, oldest
// first. Who asked is the staff's business.
func (s *Service) Requests(ctx context.Context, actor identity.Actor, claimID string) ([]InformationRequest, error) {
	claim, err := s.view(ctx, actor, claimID)
	if err != nil {
		return nil, err
	}
	requests, err := s.store.Requests(ctx, claimID)
	if err != nil || !actor.Owns(claim.ClaimantID) {
		return requests, err
	}
	for i := range requests {
		requests[i].AskedBy = ""
	}
	return requests, nil
}

// endRequest ends the open request of a claim, if it has one.
func (s *Service) endRequest(ctx context.Context, tx Tx, claim Claim, as RequestEnd) error {
	request, err := unanswered(ctx, tx, claim.ID)
	if err != nil || request == nil {
		return err
	}
	request.end(as, s.now())
	return tx.UpdateRequest(ctx, *request)
}

package claims

import (
	"context"
	"fmt"
	"slices"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
)

// matter is a claim with everything that a decision on it is measured by.
type matter struct {
	claim     Claim
	incident  Incident
	policy    Policy
	catalogue Catalogue
	before    []Decision // oldest first
	files     []EvidenceFile
	estimate  *Estimate    // the newest; nil where there is none
	cap       *money.Minor // of the scheme; nil where it has none
	now       time.Time
}

// matter loads a claim on which the actor may do what the verb says, for a
// decision that is made outside any transaction: whoever writes it names the
// claim's version.
func (s *Service) matter(ctx context.Context, actor identity.Actor, id string, version int64, verb Verb) (matter, error) {
	claim, err := findFor(ctx, s.store, actor, id, verb)
	if err != nil {
		return matter{}, err
	}
	if err := matchVersion(version, claim.Version); err != nil {
		return matter{}, err
	}
	if _, err := claim.State.among(verb); err != nil {
		return matter{}, err
	}
	var estimate *Estimate
	if claim.Estimates > 0 {
		newest, err := s.store.Estimate(ctx, id, claim.Estimates)
		if err != nil {
			return matter{}, err
		}
		estimate = &newest
	}
	return s.matterOf(ctx, claim, estimate)
}

// matterOf loads what belongs to a claim, which need not be stored yet, and its
// newest estimate.
func (s *Service) matterOf(ctx context.Context, claim Claim, estimate *Estimate) (m matter, err error) {
	m = matter{claim: claim, estimate: estimate, now: s.now()}
	if m.incident, err = s.store.Incident(ctx, claim.IncidentID); err != nil {
		return matter{}, err
	}
	if m.policy, err = s.policy(ctx); err != nil {
		return matter{}, err
	}
	if m.catalogue, err = s.catalogue(ctx, 0); err != nil {
		return matter{}, err
	}
	if m.before, err = s.store.Decisions(ctx, claim.ID); err != nil {
		return matter{}, err
	}
	if m.files, err = s.store.EvidenceFiles(ctx, claim.ID); err != nil {
		return matter{}, err
	}
	if estimate == nil {
		return m, nil
	}
	rules, err := s.ruling(ctx, estimate.Scheme)
	if err != nil {
		return matter{}, err
	}
	if limit, ok := rules.Cap(); ok {
		m.cap = &limit
	}
	return m, nil
}

// Decide decides a claim that the actor holds. A decision beyond their authority,
// or with an override, waits for a second person.
func (s *Service) Decide(ctx context.Context, actor identity.Actor, id string, version int64, draft DecisionDraft, reply Reply[Claim]) (Claim, error) {
	m, err := s.matter(ctx, actor, id, version, DoDecide)
	if err != nil {
		return Claim{}, err
	}
	if err := held(m.claim, actor, m.now); err != nil {
		return Claim{}, err
	}
	kind := FirstDecision
	if m.claim.AppealOpen {
		kind = AppealDecision
	}
	return s.decide(ctx, actor, m, DoDecide, kind, draft, reply)
}

// AmendDecision proposes a decision in place of the one that stands. It always
// takes a second person, a note and what was wrong.
func (s *Service) AmendDecision(ctx context.Context, actor identity.Actor, id string, version int64, draft DecisionDraft, reply Reply[Claim]) (Claim, error) {
	m, err := s.matter(ctx, actor, id, version, DoAmend)
	if err != nil {
		return Claim{}, err
	}
	return s.decide(ctx, actor, m, DoAmend, Amendment, draft, reply)
}

func appealNeedsSenior() error {
	return fault.New(fault.Forbidden, "appeal_needs_senior", "Appeals are decided by seniors.", "이의신청은 선임 심사자가 결정합니다.")
}

func (s *Service) decide(ctx context.Context, actor identity.Actor, m matter, verb Verb, kind DecisionKind, draft DecisionDraft, reply Reply[Claim]) (Claim, error) {
	if kind == AppealDecision && actor.Role != identity.Senior {
		return Claim{}, appealNeedsSenior()
	}
	decision, err := m.decision(actor, kind, draft)
	if err != nil {
		return Claim{}, err
	}
	made, err := s.judge(ctx, m, decision)
	if err != nil {
		return Claim{}, err
	}
	claim, err := s.act(ctx, actor, m.claim.ID, m.claim.Version, verb, reply, made.enter)
	return claim, s.attemptedIf(ctx, lossCompensated, actor, m.claim.ID, verb, err)
}

// decision is what the draft says, checked against everything it is measured by.
func (m matter) decision(actor identity.Actor, kind DecisionKind, draft DecisionDraft) (Decision, error) {
	d := Decision{
		ClaimID: m.claim.ID, N: m.claim.Decisions + 1, Kind: kind, Verdict: draft.Verdict, Claimed: m.claim.Claimed, Estimated: m.claim.Estimated,
		Assessed: draft.Assessed, Awarded: draft.Awarded, Estimate: m.claim.Estimates, Reason: m.catalogue.ref(draft.Reason),
		ErrorCode: draft.ErrorCode, Override: draft.Override, Note: draft.Note, Evidence: draft.Evidence, Policy: m.policy.Version,
		From: m.claim.State, MadeBy: actor.Person, MadeRole: actor.Role, MadeAt: m.now,
	}
	switch kind {
	case AppealDecision:
		d.NotBy = m.before[m.claim.Standing-1].MadeBy
	case Amendment:
		// Whose decision was appealed against does not change the outcome.
		d.NotBy = m.before[m.claim.Standing-1].NotBy
	}
	fields := slices.Concat(m.checkAmounts(d), m.checkReasons(d))
	for i, id := range d.Evidence {
		if !slices.ContainsFunc(m.files, func(f EvidenceFile) bool { return f.ID == id }) {
			fields = append(fields, unknownFile(fmt.Sprintf("#/evidence/%d", i), id))
		}
	}
	d.Needs = kind == Amendment || d.Override != "" || m.policy.Authority(actor.Role, m.claim.Currency) < m.worth(d)
	return d, fault.InvalidFields(fields)
}

// checkAmounts refuses amounts that cannot be and verdicts that do not fit them.
func (m matter) checkAmounts(d Decision) []fault.Field {
	var fields []fault.Field
	switch {
	case d.Assessed < 0 || d.Assessed > money.MaxClaim:
		fields = append(fields, fault.At("#/assessed", "amount_out_of_range", "What is assessed lies within 0..%d, the most that a claim can come to.",
			"심사 금액은 0..%d(청구 한 건의 최대 금액) 범위여야 합니다.", int64(money.MaxClaim)))
	case d.Awarded < 0 || d.Awarded > d.Assessed:
		fields = append(fields, fault.At("#/awarded", "amount_out_of_range", "What is awarded lies within 0..%d, what is assessed.", "지급액은 0..%d(심사 금액) 범위여야 합니다.", int64(d.Assessed)))
	}
	if len(fields) > 0 {
		return fields
	}
	if verdicts := d.fitting(); !slices.Contains(verdicts, d.Verdict) {
		fields = append(fields, fault.At("#/verdict", "verdict_amount_mismatch", "%q does not go with %d awarded of %d; what fits: %v.",
			"%q은(는) %[3]d 가운데 %[2]d을(를) 지급하는 결정과 맞지 않습니다. 맞는 결정: %[4]v.", string(d.Verdict), int64(d.Awarded), int64(d.reference()), verdicts))
	}
	if d.Verdict == Rejected && d.Kind != FirstDecision {
		fields = append(fields, fault.At("#/verdict", "verdict_not_allowed", "An appeal or an amendment is decided on the merits.", "이의신청과 정정은 내용에 대해 결정합니다."))
	}
	switch limit := m.limit(); {
	case d.Awarded > limit && d.Override == "":
		fields = append(fields, fault.At("#/override", "override_required",
			"%d is above %d, the most that is claimed, estimated or allowed by the cap; give a reason of the kind override.",
			"%d은(는) 청구·추정 금액과 상한으로 정해지는 한도 %d을(를) 넘습니다. override 사유를 적으십시오.", int64(d.Awarded), int64(limit)))
	case d.Awarded <= limit && d.Override != "":
		fields = append(fields, fault.At("#/override", "override_not_needed", "%d is within the limit %d; leave the override out.",
			"%d은(는) 한도 %d 안입니다. override를 빼십시오.", int64(d.Awarded), int64(limit)))
	}
	return fields
}

// limit is the most that is awarded without an override: what is claimed or
// estimated, within the scheme's cap.
func (m matter) limit() money.Minor {
	limit := max(m.claim.Claimed, m.claim.Stake)
	if m.claim.Estimated != nil {
		limit = max(limit, *m.claim.Estimated)
	}
	if m.cap != nil {
		limit = min(limit, *m.cap)
	}
	return limit
}

// reference is the amount that an approval awards at least: what is estimated or,
// where nothing is, what is assessed.
func (d Decision) reference() money.Minor {
	if d.Estimated != nil && *d.Estimated > 0 {
		return *d.Estimated
	}
	return d.Assessed
}

// fitting are the verdicts that go with the amounts.
func (d Decision) fitting() []Verdict {
	switch {
	case d.Awarded == 0:
		return []Verdict{Refused, Rejected}
	case d.Awarded >= d.reference():
		return []Verdict{Approved}
	default:
		return []Verdict{PartlyApproved}
	}
}

// checkReasons refuses codes that are not in the catalogue and notes that are
// missing.
func (m matter) checkReasons(d Decision) []fault.Field {
	reason, fields := m.catalogue.find(d.Reason.Code, ReasonKind(d.Verdict))
	noteFor := map[string]bool{d.Reason.Code: reason.NoteRequired}
	if d.Override != "" {
		override, unknown := m.catalogue.find(d.Override, OverrideReason)
		fields = append(fields, unknown...)
		noteFor[d.Override] = override.NoteRequired
	}
	corrects := d.Kind == Amendment || d.Kind == AppealDecision
	switch {
	case corrects:
		wrong, unknown := m.catalogue.find(d.ErrorCode, ErrorReason)
		fields = append(fields, unknown...)
		noteFor[d.ErrorCode] = wrong.NoteRequired || d.Kind == Amendment
		fields = append(fields, m.checkError(d)...)
	case d.ErrorCode != "":
		fields = append(fields, fault.At("#/error_code", "error_code_not_allowed", "Only an appeal or an amendment says what was wrong before.", "오류 코드는 이의신청과 정정에만 적습니다."))
	}
	for code, required := range noteFor {
		if required && lang.Blank(d.Note) {
			fields = append(fields, fault.At("#/note", "note_required", "%q needs a note.", "%q에는 설명이 필요합니다.", code))
		}
	}
	return fields
}

// checkError holds what is said to have been wrong against what changes.
func (m matter) checkError(d Decision) []fault.Field {
	if d.ErrorCode != NoError {
		return nil
	}
	standing := m.before[m.claim.Standing-1]
	if d.Kind == Amendment || d.Verdict != standing.Verdict || d.Awarded != standing.Awarded {
		return []fault.Field{fault.At("#/error_code", "error_code_mismatch", "%q upholds the decision as it stands; say what was wrong where it changes.",
			"%q은(는) 결정을 그대로 유지한다는 뜻입니다. 달라진다면 무엇이 잘못되었는지 적으십시오.", NoError)}
	}
	return nil
}

// worth is what the decision moves, which the authority of whoever makes or
// approves it must cover: what it awards, what is at stake where it refuses, and
// what the decision awards that it replaces.
func (m matter) worth(d Decision) money.Minor {
	worth := d.Awarded
	if d.Verdict == Refused {
		worth = max(worth, m.claim.Stake)
	}
	if d.Kind != FirstDecision && m.claim.Awarded != nil {
		worth = max(worth, *m.claim.Awarded)
	}
	return worth
}

// Decisions lists the decisions of a claim the actor may see, oldest first. Its
// claimant sees those that stand or stood, and not who made them.
func (s *Service) Decisions(ctx context.Context, actor identity.Actor, claimID string) ([]Decision, error) {
	claim, err := s.view(ctx, actor, claimID)
	if err != nil {
		return nil, err
	}
	decisions, err := s.store.Decisions(ctx, claimID)
	if err != nil || !actor.Owns(claim.ClaimantID) {
		return decisions, err
	}
	shown := []Decision{}
	for _, d := range decisions {
		if d.Stands() {
			d.MadeBy, d.NotBy, d.Approval = "", "", nil
			d.Needs = false
			shown = append(shown, d)
		}
	}
	return shown, nil
}

// batchLimit is how many decisions one batch may hold.
const batchLimit = 500

// BatchRow is one decision of a batch.
type BatchRow struct {
	ClaimID string
	Version int64 // of the claim, as the caller saw it
	Draft   DecisionDraft
}

// DecideBatch decides many claims, each for itself: one that cannot be decided
// does not keep the others from it. A retry finds what was decided refused as
// stale, row by row, until its answer is kept; so nothing is decided twice.
func (s *Service) DecideBatch(ctx context.Context, actor identity.Actor, rows []BatchRow, reply Reply[[]BulkResult]) ([]BulkResult, error) {
	if err := allow(actor, identity.ReviewClaims); err != nil {
		return nil, err
	}
	if len(rows) == 0 || len(rows) > batchLimit {
		return nil, fault.InvalidFields([]fault.Field{fault.At("#/decisions", "batch_size", "A batch has 1 to %d decisions.", "한 번에 1~%d건을 결정할 수 있습니다.", batchLimit)})
	}
	results := make([]BulkResult, len(rows))
	for i, row := range rows {
		claim, err := s.decideRow(ctx, actor, row)
		if results[i], err = s.bulkResult(ctx, row.ClaimID, claim, err); err != nil {
			return nil, err
		}
	}
	return write(ctx, s, reply, func(context.Context, Tx) ([]BulkResult, error) { return results, nil })
}

func (s *Service) decideRow(ctx context.Context, actor identity.Actor, row BatchRow) (Claim, error) {
	if row.Version == 0 {
		return Claim{}, fault.InvalidFields([]fault.Field{fault.At("#/version", "version_required",
			"Name the version of the claim that you decide on.", "결정할 청구의 버전을 적으십시오.")})
	}
	return s.Decide(ctx, actor, row.ClaimID, row.Version, row.Draft, Reply[Claim]{})
}

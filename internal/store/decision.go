package store

import (
	"context"
	"fmt"
	"slices"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

type decisionRow struct {
	ClaimID       string `gorm:"primaryKey"`
	N             int    `gorm:"primaryKey;autoIncrement:false"`
	Kind          string
	Verdict       string
	Claimed       int64
	Estimated     *int64
	Assessed      int64
	Awarded       int64
	Estimate      int
	ReasonCode    string
	ReasonVersion int
	ErrorCode     string
	Override      string
	NoteSealed    []byte
	Evidence      string
	Criteria      string
	Policy        int
	FromState     string
	MadeBy        string
	MadeRole      string
	MadeAt        int64
	NotBy         string
	Needs         int64
}

func (decisionRow) TableName() string { return "decisions" }

type approvalRow struct {
	ClaimID     string `gorm:"primaryKey"`
	Decision    int    `gorm:"primaryKey;autoIncrement:false"`
	Maker       string
	Approved    int64
	CheckedBy   string
	CheckedRole string
	NoteSealed  []byte
	CheckedAt   int64
}

func (approvalRow) TableName() string { return "approvals" }

// numbered ties a sealed value to a row that is counted within its claim.
func numbered(column, claimID string, n int) string {
	return sealContext(column, fmt.Sprintf("%s/%d", claimID, n))
}

func (r reader) toDecisionRow(d claims.Decision) (decisionRow, error) {
	what := fmt.Sprintf("decision %d of claim %s", d.N, d.ClaimID)
	evidence, err := jsonText(what, d.Evidence)
	if err != nil {
		return decisionRow{}, err
	}
	criteria, err := jsonText(what, d.Criteria)
	return decisionRow{
		ClaimID: d.ClaimID, N: d.N, Kind: string(d.Kind), Verdict: string(d.Verdict), Claimed: int64(d.Claimed), Estimated: (*int64)(d.Estimated),
		Assessed: int64(d.Assessed), Awarded: int64(d.Awarded), Estimate: d.Estimate, ReasonCode: d.Reason.Code, ReasonVersion: d.Reason.Version,
		ErrorCode: d.ErrorCode, Override: d.Override, NoteSealed: r.sealText(numbered("decisions.note", d.ClaimID, d.N), d.Note),
		Evidence: evidence, Criteria: criteria, Policy: d.Policy, FromState: string(d.From), MadeBy: d.MadeBy, MadeRole: string(d.MadeRole),
		MadeAt: toMicros(d.MadeAt), NotBy: d.NotBy, Needs: toInt(d.Needs),
	}, err
}

func (r reader) decision(row decisionRow) (claims.Decision, error) {
	d := claims.Decision{
		ClaimID: row.ClaimID, N: row.N, Kind: claims.DecisionKind(row.Kind), Verdict: claims.Verdict(row.Verdict), Claimed: money.Minor(row.Claimed),
		Estimated: (*money.Minor)(row.Estimated), Assessed: money.Minor(row.Assessed), Awarded: money.Minor(row.Awarded), Estimate: row.Estimate,
		Reason: claims.ReasonRef{Code: row.ReasonCode, Version: row.ReasonVersion}, ErrorCode: row.ErrorCode, Override: row.Override,
		Policy: row.Policy, From: claims.State(row.FromState), MadeBy: row.MadeBy, MadeRole: identity.Role(row.MadeRole),
		MadeAt: fromMicros(row.MadeAt), NotBy: row.NotBy, Needs: row.Needs == 1,
	}
	what := fmt.Sprintf("decision %d of claim %s", d.N, d.ClaimID)
	if err := fromJSONText(what, row.Evidence, &d.Evidence); err != nil {
		return claims.Decision{}, err
	}
	if err := fromJSONText(what, row.Criteria, &d.Criteria); err != nil {
		return claims.Decision{}, err
	}
	var err error
	d.Note, err = r.openText(numbered("decisions.note", d.ClaimID, d.N), row.NoteSealed)
	return d, err
}

func (r reader) approval(row approvalRow) (claims.Approval, error) {
	note, err := r.openText(numbered("approvals.note", row.ClaimID, row.Decision), row.NoteSealed)
	return claims.Approval{
		ClaimID: row.ClaimID, Decision: row.Decision, Maker: row.Maker, Approved: row.Approved == 1, By: row.CheckedBy,
		Role: identity.Role(row.CheckedRole), Note: note, At: fromMicros(row.CheckedAt),
	}, err
}

func (r reader) Decisions(ctx context.Context, claimID string) ([]claims.Decision, error) {
	rows, err := from[decisionRow](r.db).Where("claim_id = ?", claimID).Order("n").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("decisions of claim %s: %w", claimID, err)
	}
	return r.decisions(ctx, rows)
}

// decisions puts decisions together with their approvals.
func (r reader) decisions(ctx context.Context, rows []decisionRow) ([]claims.Decision, error) {
	list := make([]claims.Decision, len(rows))
	for part := range slices.Chunk(list, 500) {
		ids := make([]string, len(part))
		for i := range part {
			var err error
			if part[i], err = r.decision(rows[i]); err != nil {
				return nil, err
			}
			ids[i] = part[i].ClaimID
		}
		rows = rows[len(part):]
		approvals, err := from[approvalRow](r.db).Where("claim_id IN ?", ids).Find(ctx)
		if err != nil {
			return nil, fmt.Errorf("approvals of decisions: %w", err)
		}
		for _, row := range approvals {
			i := slices.IndexFunc(part, func(d claims.Decision) bool { return d.ClaimID == row.ClaimID && d.N == row.Decision })
			if i < 0 {
				continue // of another decision of the same claim
			}
			approval, err := r.approval(row)
			if err != nil {
				return nil, err
			}
			part[i].Approval = &approval
		}
	}
	return list, nil
}

// ownDecision is the refusal of the database to let somebody check, or decide
// anew, what they decided themselves.
const ownDecision = "own_decision"

func notOwn(err error) error {
	if breaks(err, ownDecision) {
		return fault.New(fault.Conflict, ownDecision,
			"Whoever made a decision does not check it and does not decide the appeal against it.",
			"결정을 내린 사람은 그 결정을 확인하거나 그에 대한 이의신청을 결정할 수 없습니다.").Because(err)
	}
	return err
}

func (t tx) InsertDecision(ctx context.Context, d claims.Decision) error {
	row, err := t.toDecisionRow(d)
	if err != nil {
		return err
	}
	err = conflict(from[decisionRow](t.db).Create(ctx, &row), fault.New(fault.Conflict, "decision_exists",
		"This decision was made at the same moment already; read the claim again.", "같은 순간에 이미 결정되었습니다. 청구를 다시 읽으십시오."))
	if err != nil {
		return notOwn(err)
	}
	if err := wrote(ctx, t, row); err != nil || d.Needs {
		return err
	}
	return t.queueForBatch(ctx, d.ClaimID, d.N, row.MadeAt)
}

func (t tx) InsertApproval(ctx context.Context, a claims.Approval) error {
	row := approvalRow{
		ClaimID: a.ClaimID, Decision: a.Decision, Maker: a.Maker, Approved: toInt(a.Approved), CheckedBy: a.By, CheckedRole: string(a.Role),
		NoteSealed: t.sealText(numbered("approvals.note", a.ClaimID, a.Decision), a.Note), CheckedAt: toMicros(a.At),
	}
	err := conflict(from[approvalRow](t.db).Create(ctx, &row), fault.New(fault.Conflict, "approval_exists",
		"Somebody has approved or returned this decision already; read the claim again.", "다른 사람이 이미 승인하거나 반려했습니다. 청구를 다시 읽으십시오."))
	if err != nil {
		return notOwn(err)
	}
	if err := wrote(ctx, t, row); err != nil || !a.Approved {
		return err
	}
	return t.queueForBatch(ctx, a.ClaimID, a.Decision, row.CheckedAt)
}

package store_test

import (
	"bytes"
	"context"
	"testing"

	"redress/internal/claims"
	"redress/internal/identity"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/store"
)

// insertClaim stores the merchant's claim for an outlet and answers it.
func (f fixture) insertClaim(t testing.TB, db *store.Store, outlet string, change func(*claims.Claim)) claims.Claim {
	t.Helper()
	c := f.claim(outlet)
	c.State = claims.InReview
	if change != nil {
		change(&c)
	}
	inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertClaim(ctx, c) })
	return c
}

// aDecision is what it takes for a decision that stands at once.
func aDecision(claimID string, n int) claims.Decision {
	return claims.Decision{
		ClaimID: claimID, N: n, Kind: claims.FirstDecision, Verdict: claims.Approved, Claimed: 50_000, Assessed: 40_000, Awarded: 40_000,
		Reason: claims.ReasonRef{Code: "as_estimated", Version: 1}, Policy: 1, From: claims.InReview, MadeBy: "p-one", MadeRole: identity.Reviewer, MadeAt: at(60),
	}
}

// fullDecision has a value in every field that a decision can have.
func fullDecision(claimID string, n int) claims.Decision {
	d := aDecision(claimID, n)
	d.Kind, d.Verdict, d.Estimated, d.Awarded, d.Estimate = claims.AppealDecision, claims.PartlyApproved, ptr(money.Minor(0)), 30_000, 4
	d.ErrorCode, d.Override, d.Note = "wrong_window", "hardship", "전화로 확인: 한가을 님"
	d.Evidence = []string{newID(), newID()}
	d.Criteria = []claims.Criterion{{Code: "max_amount", Limit: int64(money.Max), Value: -1, Held: true}, {Code: "score"}}
	d.From, d.NotBy, d.Needs = claims.Appealed, "p-zero", true
	return d
}

func anApproval(d claims.Decision) claims.Approval {
	return claims.Approval{
		ClaimID: d.ClaimID, Decision: d.N, Maker: d.MadeBy, Approved: true, By: "p-two", Role: identity.Senior, Note: "한가을 님 서류 확인", At: at(70),
	}
}

func aLetter(d claims.Decision) claims.Letter {
	return claims.Letter{
		ClaimID: d.ClaimID, Decision: d.N, Text: []byte("한가을 님께 <결정>"), PDF: []byte("%PDF-1.7\x00\xff 한가을"), TextHash: "aa", PDFHash: "bb", MadeAt: at(71),
	}
}

func aRequest(claimID string, n int) claims.InformationRequest {
	return claims.InformationRequest{
		ClaimID: claimID, N: n, Message: "한가을 님, 서류가 필요합니다.", AskedBy: "p-one", AskedAt: at(61), DueAt: at(62),
		Items: []claims.RequestedItem{
			{Code: "a", Slot: "bank_statement", What: "10월 통장 사본", Why: "매출 확인", Substitutes: []string{"card_statement"}}, {Code: "b", What: "설명", Why: "휴무 여부"},
		},
	}
}

func anAppeal(d claims.Decision) claims.AppealCase {
	return claims.AppealCase{ClaimID: d.ClaimID, Decision: d.N, Grounds: "한가을: 기준선이 틀렸습니다.", Files: []string{newID()}, FiledAt: at(80),
		Behalf: claims.Behalf{Channel: "paper", FiledBy: identity.Senior}}
}

func aFile(c claims.Claim, content byte) claims.EvidenceFile {
	return claims.EvidenceFile{
		ID: newID(), ClaimID: c.ID, ClaimantID: c.ClaimantID, Slot: "bank_statement", Name: "한가을 통장.pdf", Type: "application/pdf", Size: 1 << 40,
		SHA256: bytes.Repeat([]byte{content}, 32), Scan: "clean", UploadedBy: "key", UploadedAt: at(50),
	}
}

func aRead(c claims.Claim) claims.Read {
	return claims.Read{
		ID: newID(), ClaimID: c.ID, ClaimantID: c.ClaimantID, What: "evidence", Item: "file", Purpose: "한가을 님 문의", Person: "p-one",
		Role: identity.Reviewer, At: at(51),
	}
}

func aCheck(claimID string, round int, code string) claims.CheckRow {
	return claims.CheckRow{
		ClaimID: claimID, Round: round, Code: code, Result: "flagged", Points: 15, Detail: lang.T("two <2> share", "둘이 함께"),
		Remedy: ptr(lang.T("Explain", "설명하십시오")), Facts: map[string]any{"others": float64(2), "names": []any{"a"}},
	}
}

func aView(person string) claims.View {
	return claims.View{ID: newID(), Person: person, Name: "한가을 담당", Filter: claims.ClaimFilter{
		IncidentID: newID(), ClaimantID: newID(), States: []claims.State{claims.OnHold}, Sector: "taxi", Region: "KR-11", AssignedTo: "p", Verdict: claims.Refused, Check: "c",
		ScoreFrom: 3, StakeFrom: ptr(money.Minor(0)), StakeUpTo: ptr(money.Max), OverdueBefore: ptr(at(5)),
	}}
}

func (f fixture) batch(size int) claims.Batch {
	return claims.Batch{ID: newID(), IncidentID: f.incident.ID, SealedAt: at(90), Digest: "cc", Size: size}
}

func aCover(c claims.Claim, from, until int) claims.Cover {
	return claims.Cover{
		ClaimID: c.ID, IncidentID: c.IncidentID, Service: "taxi", Unit: bytes.Repeat([]byte{5}, 16), Start: at(from), End: at(until),
	}
}

func qualityReviewOf(b claims.Batch, d claims.Decision) claims.QualityReview {
	return claims.QualityReview{ID: newID(), BatchID: b.ID, ClaimID: d.ClaimID, Decision: d.N, Maker: d.MadeBy}
}

// fillDesk puts a row into every table of the desk and answers its claim.
func fillDesk(t testing.TB, db *store.Store, f fixture) claims.Claim {
	t.Helper()
	claim := f.insertClaim(t, db, "annex", nil)
	decision := fullDecision(claim.ID, 1)
	batch := f.batch(1)
	review := qualityReviewOf(batch, decision)
	for _, insert := range []func(ctx context.Context, tx claims.Tx) error{
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertRulebook(ctx, claims.Rulebook{Kind: claims.PolicyBook, Version: 1, Bytes: []byte("{}"), Hash: "dd", CreatedBy: "p", CreatedAt: at(1)})
		},
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertChecks(ctx, []claims.CheckRow{aCheck(claim.ID, 1, "a")})
		},
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertDecision(ctx, decision) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertApproval(ctx, anApproval(decision)) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertLetter(ctx, aLetter(decision)) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertRequest(ctx, aRequest(claim.ID, 1)) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertAppeal(ctx, anAppeal(decision)) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertEvidenceFile(ctx, aFile(claim, 1)) },
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertRead(ctx, aRead(claim)) },
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertExclusion(ctx, claims.Exclusion{ClaimID: claim.ID, Person: "p-nine", Why: claims.ExcludedRecused})
		},
		func(ctx context.Context, tx claims.Tx) error {
			return tx.EnterStage(ctx, claims.Stage{ClaimID: claim.ID, N: 1, State: claims.Submitted, Entered: at(1)})
		},
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertCovers(ctx, []claims.Cover{aCover(claim, 0, 10)})
		},
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertMarks(ctx, claim.ClaimantID, []uint64{1})
		},
		func(ctx context.Context, tx claims.Tx) error { return tx.InsertView(ctx, aView("p-one")) },
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertSalt(ctx, f.incident.ID, bytes.Repeat([]byte{4}, 32))
		},
		func(ctx context.Context, tx claims.Tx) error {
			return tx.InsertBatch(ctx, batch, []claims.Decision{decision})
		},
		func(ctx context.Context, tx claims.Tx) error {
			batch.Seed, batch.Sampled = bytes.Repeat([]byte{3}, 32), 1
			return tx.DrawBatch(ctx, batch, []claims.QualityReview{review})
		},
		func(ctx context.Context, tx claims.Tx) error {
			_, err := tx.LeaseQuality(ctx, f.incident.ID, "p-three", at(91), at(95))
			return err
		},
		func(ctx context.Context, tx claims.Tx) error {
			review.By, review.At, review.Agrees, review.Note = "p-three", ptr(at(92)), ptr(false), "한가을 님 건 재검토"
			return tx.EndQuality(ctx, review, at(92))
		},
	} {
		inTx(t, db, insert)
	}
	return claim
}

package claims_test

import (
	"strings"
	"testing"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
)

// byVerb are the methods that carry out a verb; who may is tried, in every
// state, by TestEveryVerbInEveryStateByEveryRole.
var byVerb = []string{
	"AcceptDecision", "AmendDecision", "AnswerRequest", "ApproveDecision", "AskForPerson", "Assign", "Decide", "FileAppeal", "Hold", "PutBack",
	"RecallRequest", "Recuse", "Release", "RequestInformation", "ReturnDecision",
}

// reached turns what stops a caller who may only for want of something into
// success: the permission was there.
func reached(err error, codes ...string) error {
	if refused := fault.As(err); refused != nil {
		for _, code := range codes {
			if refused.Code == code {
				return nil
			}
		}
	}
	return err
}

var deskAttempts = []attempt{
	{"Appeal", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Appeal(t.Context(), a, s.drafted(t).ID)), "appeal_not_found")
	}},
	{"Bulk", func(t *testing.T, s *town, a identity.Actor) error {
		action := claims.BulkAction{Verb: claims.DoAssign, Claims: []claims.ClaimVersion{{ID: s.drafted(t).ID}}}
		return failed(s.Bulk(t.Context(), a, action, claims.Reply[claims.BulkOutcome]{}))
	}},
	{"Checks", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Checks(t.Context(), a, s.drafted(t).ID))
	}},
	{"Clocks", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Clocks(t.Context(), a, s.incident.ID))
	}},
	{"DecideBatch", func(t *testing.T, s *town, a identity.Actor) error {
		rows := []claims.BatchRow{{ClaimID: s.drafted(t).ID, Version: 1}}
		return failed(s.DecideBatch(t.Context(), a, rows, claims.Reply[[]claims.BulkResult]{}))
	}},
	{"Decisions", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Decisions(t.Context(), a, s.drafted(t).ID))
	}},
	{"EndQualityReview", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.EndQualityReview(t.Context(), a, "none", true, "", "", claims.Reply[claims.QualityReview]{})), "quality_review_not_found")
	}},
	{"Letter", func(t *testing.T, s *town, a identity.Actor) error {
		a.Purpose = "complaint"
		return reached(failed(s.Letter(t.Context(), a, s.drafted(t).ID, 1)), "letter_not_found")
	}},
	{"ListEvidence", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.ListEvidence(t.Context(), a, s.drafted(t).ID))
	}},
	{"Next", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Next(t.Context(), a, claims.ClaimFilter{}, claims.Reply[*claims.Claim]{}))
	}},
	{"NextQualityReview", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.NextQualityReview(t.Context(), a, s.incident.ID, claims.Reply[*claims.QualityReview]{}))
	}},
	{"OpenEvidence", func(t *testing.T, s *town, a identity.Actor) error {
		_, _, err := s.OpenEvidence(t.Context(), a, s.drafted(t).ID, "none")
		return reached(err, "evidence_not_found", "evidence_store_missing")
	}},
	{"Policy", func(t *testing.T, s *town, a identity.Actor) error { return failed(s.Policy(t.Context(), a, 0)) }},
	{"PublishPolicy", func(t *testing.T, s *town, a identity.Actor) error {
		book := must(s.Policy(t.Context(), s.as(identity.Admin), 1))(t)
		return failed(s.PublishPolicy(t.Context(), a, 0, book.Bytes, claims.Reply[claims.Rulebook]{}))
	}},
	{"PublishReasons", func(t *testing.T, s *town, a identity.Actor) error {
		book := must(s.Reasons(t.Context(), 1))(t)
		return failed(s.PublishReasons(t.Context(), a, 0, book.Bytes, claims.Reply[claims.Rulebook]{}))
	}},
	{"QualityReviews", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.QualityReviews(t.Context(), a, s.incident.ID, claims.Page{Limit: 1}))
	}},
	{"Reads", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Reads(t.Context(), a, s.drafted(t).ID, claims.Page{Limit: 1}))
	}},
	{"Receipt", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Receipt(t.Context(), a, s.drafted(t).ID, 1)), "receipt_not_ready", "log_not_kept")
	}},
	{"Receipts", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.Receipts(t.Context(), a, s.drafted(t).ID)), "receipt_not_ready", "log_not_kept")
	}},
	{"Requests", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Requests(t.Context(), a, s.drafted(t).ID))
	}},
	{"SaveView", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.SaveView(t.Context(), a, "mine", claims.ClaimFilter{}, claims.Reply[claims.View]{}))
	}},
	{"Similar", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Similar(t.Context(), a, s.drafted(t).ID, nil))
	}},
	{"Stages", func(t *testing.T, s *town, a identity.Actor) error {
		return failed(s.Stages(t.Context(), a, s.drafted(t).ID))
	}},
	{"TryPolicy", func(t *testing.T, s *town, a identity.Actor) error {
		book := must(s.Policy(t.Context(), s.as(identity.Admin), 1))(t)
		return failed(s.TryPolicy(t.Context(), a, s.incident.ID, book.Bytes))
	}},
	{"UploadEvidence", func(t *testing.T, s *town, a identity.Actor) error {
		in := claims.EvidenceUpload{ClaimID: s.drafted(t).ID, Slot: "other", Name: "memo.txt", Body: strings.NewReader("메모")}
		return reached(failed(s.UploadEvidence(t.Context(), a, in, claims.Reply[claims.EvidenceFile]{})), "evidence_store_missing")
	}},
	{"Views", func(t *testing.T, s *town, a identity.Actor) error { return failed(s.Views(t.Context(), a)) }},
	{"View", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(failed(s.View(t.Context(), a, "none")), "view_not_found")
	}},
	{"DeleteView", func(t *testing.T, s *town, a identity.Actor) error {
		return reached(s.DeleteView(t.Context(), a, "none"), "view_not_found")
	}},
}

func init() { attempts = append(attempts, deskAttempts...) }

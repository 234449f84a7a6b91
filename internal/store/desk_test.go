package store_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

func TestDecisionsAreReadAsWrittenWithTheirApprovals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		full, bare, elsewhere := fullDecision(claim.ID, 2), aDecision(claim.ID, 1), aDecision(other.ID, 2)
		elsewhere.Needs = true
		approval, returned := anApproval(full), anApproval(elsewhere)
		returned.Approved, returned.Note = false, ""
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertDecision(ctx, full), tx.InsertDecision(ctx, bare), tx.InsertDecision(ctx, elsewhere),
				tx.InsertApproval(ctx, approval), tx.InsertApproval(ctx, returned))
		})
		full.Approval, elsewhere.Approval = &approval, &returned
		decisions := read[[]claims.Decision](t)
		equal(t, "decisions", []claims.Decision{bare, full}, decisions(db.Decisions(t.Context(), claim.ID)))
		equal(t, "a returned decision", []claims.Decision{elsewhere}, decisions(db.Decisions(t.Context(), other.ID)))
		equal(t, "no decisions", []claims.Decision{}, decisions(db.Decisions(t.Context(), newID())))
	})
}

func TestLettersAndAppealsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		decision := aDecision(f.insertClaim(t, db, "main", nil).ID, 1)
		letter, appeal := aLetter(decision), anAppeal(decision)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertDecision(ctx, decision), tx.InsertLetter(ctx, letter), tx.InsertAppeal(ctx, appeal))
		})
		equal(t, "letter", letter, read[claims.Letter](t)(db.Letter(t.Context(), decision.ClaimID, 1)))
		equal(t, "appeal", appeal, read[claims.AppealCase](t)(db.AppealOf(t.Context(), decision.ClaimID)))

		appeal.EndedAt, appeal.Withdrawn = ptr(at(99)), true
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.EndAppeal(ctx, appeal) })
		equal(t, "ended appeal", appeal, read[claims.AppealCase](t)(db.AppealOf(t.Context(), decision.ClaimID)))
		again := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.EndAppeal(ctx, appeal) })
		if fault.KindOf(again) != fault.Stale {
			t.Errorf("ended twice: %v; want Stale", again)
		}
	})
}

func TestInformationRequestKeepsAnswersUntilItEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		first, second := aRequest(claim.ID, 1), aRequest(claim.ID, 2)
		second.Message, second.Items = "", []claims.RequestedItem{}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertRequest(ctx, first) })
		requests := read[[]claims.InformationRequest](t)
		equal(t, "as asked", []claims.InformationRequest{first}, requests(db.Requests(t.Context(), claim.ID)))

		first.Items[0].AnsweredAt, first.Items[0].Files = ptr(at(63)), []string{"file"}
		first.Items[1].AnsweredAt, first.Items[1].Text = ptr(at(63)), "한가을은 쉬지 않았습니다."
		first.EndedAt, first.EndedAs = ptr(at(63)), claims.RequestAnswered
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.UpdateRequest(ctx, first), tx.InsertRequest(ctx, second))
		})
		equal(t, "answered and asked again", []claims.InformationRequest{first, second}, requests(db.Requests(t.Context(), claim.ID)))
		again := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.UpdateRequest(ctx, first) })
		if fault.KindOf(again) != fault.Stale {
			t.Errorf("answered after its end: %v; want Stale", again)
		}
	})
}

func TestRulebooksAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		book := func(kind claims.RulebookKind, version int) claims.Rulebook {
			return claims.Rulebook{Kind: kind, Version: version, Bytes: []byte("{ \"nul\": \"\x00\" }\r\n"), Hash: "ff", CreatedBy: "p-admin", CreatedAt: at(version)}
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for version := range 11 { // 10 is newer than 9
				err = errors.Join(err, tx.InsertRulebook(ctx, book(claims.PolicyBook, version+1)))
			}
			return errors.Join(err, tx.InsertRulebook(ctx, book(claims.ReasonsBook, 1)))
		})
		books := read[claims.Rulebook](t)
		equal(t, "newest policy", book(claims.PolicyBook, 11), books(db.Rulebook(t.Context(), claims.PolicyBook, 0)))
		equal(t, "third policy", book(claims.PolicyBook, 3), books(db.Rulebook(t.Context(), claims.PolicyBook, 3)))
		equal(t, "newest catalogue", book(claims.ReasonsBook, 1), books(db.Rulebook(t.Context(), claims.ReasonsBook, 0)))
	})
}

func TestChecksAreThoseOfTheNewestSubmission(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		old, second, first := aCheck(claim.ID, 1, "old"), aCheck(claim.ID, 3, "b"), aCheck(claim.ID, 3, "a")
		first.Result, first.Points, first.Remedy, first.Facts = "passed", 0, nil, nil
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertChecks(ctx, []claims.CheckRow{old}), tx.InsertChecks(ctx, []claims.CheckRow{second, first}),
				tx.InsertChecks(ctx, []claims.CheckRow{aCheck(other.ID, 9, "z")}), tx.InsertChecks(ctx, nil))
		})
		equal(t, "checks", []claims.CheckRow{first, second}, read[[]claims.CheckRow](t)(db.Checks(t.Context(), claim.ID)))
		flagged := func(code string) []claims.Claim {
			return read[[]claims.Claim](t)(db.Claims(t.Context(), claims.ClaimFilter{Check: code}, claims.Page{Limit: 9}))
		}
		equal(t, "flagged by b", []claims.Claim{claim}, flagged("b"))
		equal(t, "passed a", []claims.Claim{}, flagged("a"))
		equal(t, "flagged before", []claims.Claim{}, flagged("old"))
	})
}

func TestEvidenceIsReadAsWrittenAndKnowsItsCopies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		third := f.insertClaim(t, db, "kiosk", func(c *claims.Claim) { c.ClaimantID = f.driver.ID })
		alone, shared, twice, copied, again := aFile(claim, 1), aFile(claim, 2), aFile(claim, 2), aFile(other, 2), aFile(third, 2)
		alone.UploadedAt = at(49)
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for _, file := range []claims.EvidenceFile{shared, twice, copied, again, alone} {
				err = errors.Join(err, tx.InsertEvidenceFile(ctx, file))
			}
			return err
		})
		shared.SameAs, twice.SameAs, copied.SameAs = 2, 2, 2
		equal(t, "files of a claim", []claims.EvidenceFile{alone, shared, twice}, read[[]claims.EvidenceFile](t)(db.EvidenceFiles(t.Context(), claim.ID)))
		equal(t, "one file", copied, read[claims.EvidenceFile](t)(db.EvidenceFile(t.Context(), copied.ID)))

		files, size, err := db.EvidenceUsed(t.Context(), f.merchant.ID)
		if err != nil || files != 4 || size != 4<<40 {
			t.Errorf("the merchant has %d files of %d bytes, %v", files, size, err)
		}
		if files, size, err = db.EvidenceUsed(t.Context(), newID()); err != nil || files != 0 || size != 0 {
			t.Errorf("nobody has %d files of %d bytes, %v", files, size, err)
		}
		known := read[[]string](t)(db.EvidenceKnown(t.Context(), []string{again.ID, newID(), alone.ID}))
		slices.Sort(known)
		equal(t, "known files", slices.Sorted(slices.Values([]string{again.ID, alone.ID})), known)
	})
}

func TestReadsOfAClaimHaveThoseOfItsClaimant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		first, ofClaimant, elsewhere, last := aRead(claim), aRead(claim), aRead(other), aRead(claim)
		ofClaimant.ClaimID, ofClaimant.What, ofClaimant.Purpose = "", "claimant", ""
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertRead(ctx, first), tx.InsertRead(ctx, ofClaimant), tx.InsertRead(ctx, elsewhere), tx.InsertRead(ctx, last))
		})
		reads := read[[]claims.Read](t)
		equal(t, "first page", []claims.Read{last, ofClaimant}, reads(db.Reads(t.Context(), claim.ID, claims.Page{Limit: 2})))
		equal(t, "second page", []claims.Read{first}, reads(db.Reads(t.Context(), claim.ID, claims.Page{Limit: 2, After: ofClaimant.ID})))
	})
}

func TestExclusionsAndViewsAreReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		filed := claims.Exclusion{ClaimID: claim.ID, Person: "p-one", Why: claims.ExcludedFiled}
		recused := claims.Exclusion{ClaimID: claim.ID, Person: "p-one", Why: claims.ExcludedRecused}
		view, bare, foreign := aView("p-one"), claims.View{ID: newID(), Person: "p-one"}, aView("p-two")
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertExclusion(ctx, recused), tx.InsertExclusion(ctx, filed), tx.InsertExclusion(ctx, filed),
				tx.InsertView(ctx, view), tx.InsertView(ctx, bare), tx.InsertView(ctx, foreign))
		})
		equal(t, "exclusions", []claims.Exclusion{filed, recused}, read[[]claims.Exclusion](t)(db.Exclusions(t.Context(), claim.ID)))
		views := read[[]claims.View](t)
		equal(t, "views", []claims.View{view, bare}, views(db.Views(t.Context(), "p-one")))

		err := db.InTx(t.Context(), func(ctx context.Context, tx claims.Tx) error { return tx.DeleteView(ctx, "p-one", foreign.ID) })
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("deleting another's view: %v; want NotFound", err)
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.DeleteView(ctx, "p-one", view.ID) })
		equal(t, "views left", []claims.View{bare}, views(db.Views(t.Context(), "p-one")))
		equal(t, "another's views", []claims.View{foreign}, views(db.Views(t.Context(), "p-two")))
	})
}

func TestStagesFollowEachOtherWithoutGapAndTheFinishedAreTimed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		other := newFixtureIncident(t, db)
		claim := f.insertClaim(t, db, "main", nil)
		elsewhere := f.insertClaim(t, db, "main", func(c *claims.Claim) { c.IncidentID = other.ID })
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			var err error
			for _, s := range []claims.Stage{
				{ClaimID: claim.ID, N: 1, State: claims.Submitted, Entered: at(0)}, {ClaimID: elsewhere.ID, N: 1, State: claims.Submitted, Entered: at(1)},
				{ClaimID: claim.ID, N: 4, State: claims.InReview, Entered: at(10)}, {ClaimID: claim.ID, N: 5, State: claims.Decided, Entered: at(15)},
				{ClaimID: elsewhere.ID, N: 2, State: claims.Closed, Entered: at(2)},
			} {
				err = errors.Join(err, tx.EnterStage(ctx, s))
			}
			return err
		})
		equal(t, "stages", []claims.Stage{
			{ClaimID: claim.ID, N: 1, State: claims.Submitted, Entered: at(0), Left: ptr(at(10))},
			{ClaimID: claim.ID, N: 4, State: claims.InReview, Entered: at(10), Left: ptr(at(15))},
			{ClaimID: claim.ID, N: 5, State: claims.Decided, Entered: at(15)},
		}, read[[]claims.Stage](t)(db.Stages(t.Context(), claim.ID)))
		times := map[claims.State][]time.Duration{}
		err := db.StageTimes(t.Context(), f.incident.ID, func(s claims.State, d time.Duration) { times[s] = append(times[s], d) })
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "times", map[claims.State][]time.Duration{claims.Submitted: {10 * time.Minute}, claims.InReview: {5 * time.Minute}}, times)
	})
}

func TestDueAreThoseWhoseTimeHasComeTheEarliestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		due := func(outlet string, at time.Time) claims.Claim {
			return f.insertClaim(t, db, outlet, func(c *claims.Claim) { c.DueAt = &at })
		}
		later, now, sooner := due("main", at(11)), due("annex", at(10)), due("kiosk", at(9))
		f.insertClaim(t, db, "never", nil)
		list := read[[]claims.Claim](t)
		equal(t, "due", []claims.Claim{sooner, now}, list(db.Due(t.Context(), at(10), 9)))
		equal(t, "the first of all", []claims.Claim{sooner}, list(db.Due(t.Context(), later.DueAt.Add(time.Hour), 1)))
	})
}

func TestSimilarAreTheDecidedOfNearestEstimate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		n := 0
		decided := func(estimated int64, change func(*claims.Claim)) claims.Claim {
			n++
			return f.insertClaim(t, db, string(rune('a'+n)), func(c *claims.Claim) {
				c.State, c.Sector, c.Decisions, c.Standing, c.Estimated = claims.Decided, "taxi", 1, 1, ptr(money.Minor(estimated))
				if change != nil {
					change(c)
				}
			})
		}
		asked := decided(100, nil)
		above, below, far, same := decided(110, nil), decided(95, nil), decided(300, nil), decided(100, nil)
		decided(99, func(c *claims.Claim) { c.Standing = 0 })
		decided(99, func(c *claims.Claim) { c.Sector = "cafe" })
		decided(99, func(c *claims.Claim) { c.Estimated = nil })
		decided(99, func(c *claims.Claim) { c.IncidentID = newFixtureIncident(t, db).ID })
		list := read[[]claims.Claim](t)
		equal(t, "similar", []claims.Claim{same, below, above}, list(db.Similar(t.Context(), asked, 3)))
		equal(t, "all of them", []claims.Claim{same, below, above, far}, list(db.Similar(t.Context(), asked, 9)))
		asked.Estimated = nil
		equal(t, "where nothing was estimated", []claims.Claim{below}, list(db.Similar(t.Context(), asked, 1)))
	})
}

func TestTwinsAreOtherClaimantsWithTheSameHashes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		twin, stranger := aMerchant(), aMerchant()
		twin.BusinessNumber, twin.Phone = "999-99-99999", "01012345678" // written without hyphens
		stranger.BusinessNumber, stranger.Phone, stranger.Bank = "888-88-88888", "010-7777-7777", nil
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertClaimant(ctx, twin), tx.InsertClaimant(ctx, stranger))
		})
		n := 0
		claim := func(c claims.Claimant, outlet string, change func(*claims.Claim)) claims.Claim {
			n++
			return f.insertClaim(t, db, outlet, func(claim *claims.Claim) {
				claim.State, claim.ClaimantID, claim.Unit, claim.FiledBy = claims.Submitted, c.ID, db.Unit(c, outlet), "key"
				claim.SubmittedAt = ptr(at(1000 - n))
				if change != nil {
					change(claim)
				}
			})
		}
		asked := claim(f.merchant, "annex", nil) // shop-7781 on the platform, as the annex of each
		claim(f.merchant, "main", func(c *claims.Claim) { c.SubmittedAt = ptr(at(1000 - 60)) })
		claim(twin, "annex", func(c *claims.Claim) {
			c.State, c.Decisions, c.Standing, c.Assessed, c.Awarded = claims.Closed, 1, 1, ptr(money.Minor(5)), ptr(money.Minor(5))
		})
		claim(twin, "main", nil)
		claim(twin, "kiosk", func(c *claims.Claim) { c.State, c.SubmittedAt = claims.Drafted, nil })
		claim(stranger, "annex", func(c *claims.Claim) { c.FiledBy = "another key" })
		claim(stranger, "kiosk", func(c *claims.Claim) { c.SubmittedAt = ptr(at(1000 - 60*24)) })
		claim(twin, "annex", func(c *claims.Claim) { c.IncidentID, c.FiledBy = newFixtureIncident(t, db).ID, "another key" })

		want := claims.Twins{
			Account: 1, AccountClaims: 2, AccountAwarded: 1, Phone: 1, PhoneClaims: 2, PhoneAwarded: 1, Unit: 2, UnitAwarded: 1, KeyHour: 2, KeyDay: 3,
		}
		twins := read[claims.Twins](t)
		equal(t, "twins", want, twins(db.Twins(t.Context(), asked, f.merchant, at(1000))))
		unstored := asked
		unstored.ID, unstored.Unit = newID(), nil
		want.KeyHour, want.KeyDay = want.KeyHour+1, want.KeyDay+1
		equal(t, "twins of what is not stored", want, twins(db.Twins(t.Context(), unstored, f.merchant, at(1000))))
	})
}

func TestUnitIsThePlatformsAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		driver := claims.Claimant{ID: "d", DriverID: "car-9", Outlets: []claims.Outlet{{Code: "own"}, {Code: "hired", PlatformID: "car-7"}}}
		shop := claims.Claimant{ID: "s", Outlets: []claims.Outlet{{Code: "main"}, {Code: "branch", PlatformID: "car-9"}}}
		other := claims.Claimant{ID: "o", Outlets: []claims.Outlet{{Code: "main"}, {Code: "car", PlatformID: "car-7"}}}
		for _, same := range [][2][]byte{
			{db.Unit(driver, "own"), db.Unit(shop, "branch")},
			{db.Unit(driver, "hired"), db.Unit(other, "car")},
		} {
			if !bytes.Equal(same[0], same[1]) {
				t.Errorf("units of one account: %x and %x", same[0], same[1])
			}
		}
		different := [][]byte{db.Unit(driver, "own"), db.Unit(driver, "hired"), db.Unit(shop, "main"), db.Unit(other, "main"), db.Unit(shop, "other")}
		slices.SortFunc(different, func(a, b []byte) int { return cmp.Compare(string(a), string(b)) })
		if len(slices.CompactFunc(slices.Clone(different), bytes.Equal)) != len(different) {
			t.Errorf("units of different accounts: %x", different)
		}
	})
}

func TestCopiesAreOthersWhoCarryAMark(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		many := make([]uint64, 1200)
		for i := range many {
			many[i] = uint64(i) << 54 // the upper half has the sign bit of an integer
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.InsertMarks(ctx, "one", many), tx.InsertMarks(ctx, "two", many[600:]), tx.InsertMarks(ctx, "two", many[500:700]), tx.InsertMarks(ctx, "three", nil))
		})
		for who, want := range map[string]int{"one": 1, "two": 1, "nobody": 2} {
			unique := slices.Compact(slices.Sorted(slices.Values(many)))
			if got := read[int](t)(db.Copies(t.Context(), who, unique)); got != want {
				t.Errorf("%s: %d others carry one of %d marks, want %d", who, got, len(unique), want)
			}
		}
		if got := read[int](t)(db.Copies(t.Context(), "one", nil)); got != 0 {
			t.Errorf("of no marks %d are others'", got)
		}
	})
}

func TestCoversAreReadAsWrittenAndFreed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		claim, other := f.insertClaim(t, db, "main", nil), f.insertClaim(t, db, "annex", nil)
		mine := []claims.Cover{aCover(claim, 0, 10), aCover(claim, 5, 12)} // a claim may overlap itself
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error { return tx.InsertCovers(ctx, mine) })
		equal(t, "covers", mine, read[[]claims.Cover](t)(db.Covered(t.Context(), claim.ID)))
		theirs := []claims.Cover{aCover(other, 11, 20)}
		insert := func(ctx context.Context, tx claims.Tx) error { return tx.InsertCovers(ctx, theirs) }
		if f := fault.As(db.InTx(t.Context(), insert)); f == nil || f.Code != "loss_already_compensated" || f.Kind != fault.Conflict ||
			!bytes.Contains([]byte(f.Detail.EN), []byte(claim.Reference)) {
			t.Errorf("overlapping: %v; want Conflict, loss_already_compensated, that names %s", f, claim.Reference)
		}
		inTx(t, db, func(ctx context.Context, tx claims.Tx) error {
			return errors.Join(tx.DeleteCovers(ctx, claim.ID), insert(ctx, tx))
		})
		equal(t, "freed", []claims.Cover{}, read[[]claims.Cover](t)(db.Covered(t.Context(), claim.ID)))
		equal(t, "covers of the other", theirs, read[[]claims.Cover](t)(db.Covered(t.Context(), other.ID)))
	})
}

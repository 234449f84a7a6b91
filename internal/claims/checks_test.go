package claims_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/checks"
	"redress/internal/claims"
	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
	"redress/internal/revenue"
)

// found is the checks of a claim as a reviewer sees them, by code and, of a line,
// service.
func (s *town) found(t testing.TB, c claims.Claim) map[string]claims.CheckRow {
	t.Helper()
	rows := map[string]claims.CheckRow{}
	for _, row := range must(s.Checks(t.Context(), s.as(identity.Reviewer), c.ID))(t).Rows {
		rows[strings.Trim(row.Code+" "+row.Service, " ")] = row
	}
	return rows
}

// flags are the checks that flagged a claim.
func (s *town) flags(t testing.TB, c claims.Claim) []string {
	t.Helper()
	flags := []string{}
	for name, row := range s.found(t, c) {
		if row.Result == "flagged" {
			flags = append(flags, name)
		}
	}
	slices.Sort(flags)
	return flags
}

// seller is a shop with an honest history of its own.
func (s *town) seller(t testing.TB, n int, change ...func(*claims.Claimant)) shop {
	t.Helper()
	who := s.shop(t, n, change...)
	s.sells(t, who.actor, who, "main", "shop", honest(uint64(n), 12))
	return who
}

// patterns are claims that a check is for, each with what is flagged.
var patterns = []struct {
	name  string
	make  func(t *testing.T, s *town) claims.Claim
	flags []string
}{
	{"an honest shop", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 100)
		return s.submits(t, who.actor, s.claims(who, items(150_000)))
	}, nil},
	{"two claimants with one account", func(t *testing.T, s *town) claims.Claim {
		first := s.seller(t, 110)
		s.submits(t, first.actor, s.claims(first))
		twin := s.seller(t, 111, func(c *claims.Claimant) { c.Bank = first.Bank })
		return s.submits(t, twin.actor, s.claims(twin))
	}, []string{"duplicate_account"}},
	{"two claimants with one account, of whom one claims", func(t *testing.T, s *town) claims.Claim {
		first := s.seller(t, 112)
		twin := s.seller(t, 113, func(c *claims.Claimant) { c.Bank = first.Bank })
		return s.submits(t, twin.actor, s.claims(twin))
	}, nil},
	{"two claimants with one phone", func(t *testing.T, s *town) claims.Claim {
		first := s.seller(t, 120)
		s.submits(t, first.actor, s.claims(first))
		// Numbers are compared however people write them.
		twin := s.seller(t, 121, func(c *claims.Claimant) { c.Phone = strings.ReplaceAll(first.Phone, "-", " ") })
		return s.submits(t, twin.actor, s.claims(twin))
	}, []string{"duplicate_phone"}},
	{"two claimants with one phone, once with the country's code", func(t *testing.T, s *town) claims.Claim {
		first := s.seller(t, 122)
		s.submits(t, first.actor, s.claims(first))
		twin := s.seller(t, 123, func(c *claims.Claimant) { c.Phone = "+82 " + first.Phone[1:] })
		return s.submits(t, twin.actor, s.claims(twin))
	}, []string{"duplicate_phone"}},
	{"a driver and a fleet with one car", func(t *testing.T, s *town) claims.Claim {
		driver := aDriver("car-130")
		driver.Phone = "010-1300-0000"
		registered := s.register(t, driver)
		who := shop{registered.Claimant, registered.Key.Actor()}
		s.sells(t, who.actor, who, "main", "shop", honest(130, 12))
		s.submits(t, who.actor, s.claims(who))
		fleet := s.seller(t, 131, func(c *claims.Claimant) { c.Outlets[0].Sector, c.Outlets[0].PlatformID = "taxi", "car-130" })
		return s.submits(t, fleet.actor, s.claims(fleet))
	}, []string{"same_loss"}},
	{"a history that another shop uploaded, times a factor", func(t *testing.T, s *town) claims.Claim {
		s.seller(t, 140)
		copier := s.shop(t, 141)
		s.sells(t, copier.actor, copier, "main", "shop", times(honest(140, 12), 130))
		return s.submits(t, copier.actor, s.claims(copier))
	}, []string{"history_copied_weeks shop"}},
	{"one's own history in a second outlet", func(t *testing.T, s *town) claims.Claim {
		who := s.twoOutlets(t, 142)
		return s.submits(t, who.actor, s.claims(who, inAnnex))
	}, nil},
	{"one's own history, times a factor, in a second outlet that claims, too", func(t *testing.T, s *town) claims.Claim {
		who := s.twoOutlets(t, 143)
		s.submits(t, who.actor, s.claims(who))
		return s.submits(t, who.actor, s.claims(who, inAnnex))
	}, []string{"history_copied_weeks shop"}},
	{"the platform's ledgers of two shops that are alike", func(t *testing.T, s *town) claims.Claim {
		for n := range 2 {
			who := s.shop(t, 144+n)
			s.sells(t, s.as(identity.Platform), who, "main", "shop", honest(144, 12))
			if n == 1 {
				return s.submits(t, who.actor, s.claims(who))
			}
		}
		panic("unreachable")
	}, nil},
	{"an account changed since the outage", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 150)
		changeAccount(t, s, who)
		return s.submits(t, who.actor, s.claims(who))
	}, []string{"account_changed_lately"}},
	{"a first account given since the outage", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 151, func(c *claims.Claimant) { c.Bank = nil })
		changeAccount(t, s, who)
		return s.submits(t, who.actor, s.claims(who))
	}, nil},
	{"a lost order with a nought too many", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 162)
		return s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) { d.Lines[0].Items = append(lostItem(130_000), lostItem(13_000)...) }))
	}, []string{"claimed_above_estimated"}},
	{"the lost orders of a day in one sum", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 164)
		return s.submits(t, who.actor, s.claims(who, items(95_000)))
	}, nil},
	{"a history that begins after the outage did", func(t *testing.T, s *town) claims.Claim {
		who := s.shop(t, 163)
		late := honest(163, 12)
		late.Start += 12*revenue.Week + revenue.Day
		s.sells(t, who.actor, who, "main", "shop", late)
		return s.submits(t, who.actor, s.claims(who))
	}, []string{"closed_or_opened_in_window", "history_short shop"}},
	{"much more claimed than estimated", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 160)
		return s.submits(t, who.actor, s.claims(who, items(2_000_000)))
	}, []string{"claimed_above_estimated"}},
	{"costs beside an ordinary loss", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 161)
		return s.submits(t, who.actor, s.claims(who, items(150_000), func(d *claims.Draft) {
			d.Expenses = []claims.Expense{{Kind: "added_cost", Amount: 900_000}}
		}))
	}, nil},
	{"an upload half as much again as the ledger", func(t *testing.T, s *town) claims.Claim {
		who := s.shop(t, 170)
		s.sells(t, s.as(identity.Platform), who, "main", "shop", honest(170, 12))
		s.sells(t, who.actor, who, "main", "shop", times(honest(170, 12), 150))
		return s.submits(t, who.actor, s.claims(who))
	}, []string{"upload_against_ledger shop"}},
	{"two weeks of history", func(t *testing.T, s *town) claims.Claim {
		who := s.shop(t, 180)
		s.sells(t, who.actor, who, "main", "shop", honest(180, 2))
		return s.submits(t, who.actor, s.claims(who))
	}, []string{"history_short shop"}},
	{"sales inside a stated closure", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 190)
		return s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) {
			d.Lines[0].Closures = []claims.Closure{{Start: outage.AddDate(0, 0, -3), End: outage.AddDate(0, 0, -1)}}
		}))
	}, []string{"activity_in_closure shop"}},
	{"two services, one of which has no history", func(t *testing.T, s *town) claims.Claim {
		who := s.seller(t, 200)
		return s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) { d.Lines = append(d.Lines, claims.LossLine{Service: "pay"}) }))
	}, []string{"history_short pay"}},
	{"the fourth claim with one key within an hour", func(t *testing.T, s *town) claims.Claim {
		who := s.chain(t, 210, 4)
		return s.chainClaims(t, who, who.actor, 4)
	}, []string{"history_copied_weeks shop", "velocity_key"}},
	{"the fourth claim filed by staff within an hour", func(t *testing.T, s *town) claims.Claim {
		who := s.chain(t, 220, 4)
		return s.chainClaims(t, who, s.as(identity.Reviewer), 4)
	}, []string{"history_copied_weeks shop"}},
	{"many claims from one address", func(t *testing.T, s *town) claims.Claim {
		var c claims.Claim
		for n := range 13 {
			who := s.seller(t, 230+n)
			who.actor.Address = "198.51.100.7"
			c = s.submits(t, who.actor, s.claims(who))
		}
		return c
	}, []string{"velocity_address"}},
	{"a claim that staff file from an address of many", func(t *testing.T, s *town) claims.Claim {
		for n := range 13 {
			who := s.seller(t, 250+n)
			who.actor.Address = "198.51.100.8"
			s.submits(t, who.actor, s.claims(who))
		}
		who, staff := s.seller(t, 270), s.as(identity.Reviewer)
		staff.Address = "198.51.100.8"
		return s.submits(t, staff, s.claims(who))
	}, nil},
}

func items(amount money.Minor) func(*claims.Draft) {
	return func(d *claims.Draft) { d.Lines[0].Items = lostItem(amount) }
}

func changeAccount(t testing.TB, s *town, who shop) {
	t.Helper()
	must(s.ChangeClaimant(t.Context(), who.actor, who.ID, 0, func(c *claims.Claimant) error {
		c.Bank = &claims.BankAccount{BankCode: "004", Number: "999-" + who.Phone, Holder: c.Name}
		return nil
	}))(t)
}

// twoOutlets is a shop that uploads one history for both of its outlets, a third
// more for the second.
func (s *town) twoOutlets(t testing.TB, n int) shop {
	t.Helper()
	who := s.seller(t, n, func(c *claims.Claimant) {
		c.Outlets = append(c.Outlets, claims.Outlet{Code: "annex", Name: "별관", Sector: "cafe", Region: "KR-26"})
	})
	s.sells(t, who.actor, who, "annex", "shop", times(honest(uint64(n), 12), 133))
	return who
}

func inAnnex(d *claims.Draft) { d.Outlet = "annex" }

// chain is a shop with many outlets, and one history for each.
func (s *town) chain(t testing.TB, n, outlets int) shop {
	t.Helper()
	who := s.shop(t, n, func(c *claims.Claimant) {
		c.Outlets = nil
		for i := range outlets {
			c.Outlets = append(c.Outlets, claims.Outlet{Code: fmt.Sprintf("o%d", i), Name: "지점", Sector: "bakery", Region: "KR-11"})
		}
	})
	for i := range outlets {
		s.sells(t, who.actor, who, fmt.Sprintf("o%d", i), "shop", honest(uint64(n), 12))
	}
	return who
}

// chainClaims files for the first n outlets of a chain and answers the last.
func (s *town) chainClaims(t testing.TB, who shop, by identity.Actor, n int) claims.Claim {
	t.Helper()
	var c claims.Claim
	for i := range n {
		c = s.submits(t, by, s.claims(who, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", i) }))
	}
	return c
}

func TestEachPatternIsFlaggedByTheCheckThatIsForIt(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		seen := map[string]bool{}
		for _, p := range patterns {
			t.Run(p.name, func(t *testing.T) {
				c := p.make(t, s)
				flags := s.flags(t, c)
				if !slices.Equal(flags, p.flags) {
					t.Errorf("flagged %v, want %v", flags, p.flags)
					for name, row := range s.found(t, c) {
						t.Log(name, row.Result, row.Detail.EN)
					}
				}
				for _, flag := range p.flags {
					seen[strings.Fields(flag)[0]] = true
				}
				score := 0
				for _, row := range s.found(t, c) {
					score += row.Points
				}
				if stored := must(s.Claim(t.Context(), who(c), c.ID))(t); stored.Score != score || c.Score != score || (score == 0) != (len(p.flags) == 0) {
					t.Errorf("score %d stored, %d answered, rows add up to %d", stored.Score, c.Score, score)
				}
			})
		}
		// These look at the record alone, which package checks proves; two others
		// cannot be flagged here, for the store keeps such numbers unique.
		for _, code := range []string{"duplicate_business", "duplicate_driver", "history_digits", "history_even", "history_level_jump", "history_round_numbers"} {
			seen[code] = true
		}
		for _, code := range checks.Codes() {
			if !seen[string(code)] {
				t.Errorf("no pattern is for %s", code)
			}
		}
	})
}

// who is the claimant of a claim.
func who(c claims.Claim) identity.Actor {
	return identity.Actor{Role: identity.Claimant, KeyID: c.FiledBy, Person: "claimant", ClaimantID: c.ClaimantID}
}

// comingUp are what happens after a claim was submitted, each with what is found
// when the claim is taken.
var comingUp = []struct {
	name    string
	happens func(t *testing.T, s *town, first shop)
	came    []string
}{
	{"nothing", func(*testing.T, *town, shop) {}, nil},
	{"another account", func(t *testing.T, s *town, first shop) { changeAccount(t, s, first) }, []string{"account_changed_lately_later"}},
	{"somebody with the same account claims", func(t *testing.T, s *town, first shop) {
		twin := s.seller(t, 301, func(c *claims.Claimant) { c.Bank = first.Bank })
		s.submits(t, twin.actor, s.claims(twin))
	}, []string{"duplicate_account_later"}},
	{"somebody claims for the same shop of the platform with the same telephone", func(t *testing.T, s *town, first shop) {
		twin := s.seller(t, 302, func(c *claims.Claimant) { c.Phone, c.Outlets = first.Phone, first.Outlets })
		s.submits(t, twin.actor, s.claims(twin))
	}, []string{"duplicate_phone_later", "same_loss_later"}},
	{"somebody uploads a copy of the history", func(t *testing.T, s *town, first shop) {
		copier := s.shop(t, 303)
		s.sells(t, copier.actor, copier, "main", "shop", times(honest(300, 12), 130))
	}, []string{"history_copied_weeks_later shop"}},
}

// A claim that came in before its twin is found when somebody takes it, and once.
func TestWhatCameUpSinceTheSubmissionIsFoundWhenTheClaimIsTaken(t *testing.T) {
	for _, row := range comingUp {
		t.Run(row.name, func(t *testing.T) {
			inTowns(t, func(t *testing.T, s *town) {
				first := s.seller(t, 300)
				c := s.submits(t, first.actor, s.claims(first))
				s.clock.set(today.Add(time.Hour))
				row.happens(t, s, first)
				for range 2 {
					c = must(s.Assign(t.Context(), s.as(identity.Senior), c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
				}
				if flags := s.flags(t, c); !slices.Equal(flags, row.came) && len(flags)+len(row.came) > 0 {
					t.Errorf("flagged %v, want %v", flags, row.came)
				}
				score := 0
				for _, row := range s.found(t, c) {
					score += row.Points
				}
				if stored := must(s.Claim(t.Context(), first.actor, c.ID))(t); stored.Score != score || (score == 0) != (len(row.came) == 0) {
					t.Errorf("score %d, rows add up to %d", stored.Score, score)
				}
				for _, shown := range must(s.Checks(t.Context(), first.actor, c.ID))(t).Rows {
					if strings.HasPrefix(shown.Code, "duplicate") || strings.HasPrefix(shown.Code, "same_loss") {
						t.Errorf("the claimant sees %+v", shown)
					}
				}
				events := must(s.Events(t.Context(), s.as(identity.Senior), c.ID))(t)
				told := []int{len(row.came), 0}
				for i, e := range events[len(events)-2:] {
					if codes, _ := e.Data["came_up"].([]any); len(codes) != told[i] {
						t.Errorf("event %d tells that %v came up", e.N, e.Data["came_up"])
					}
				}
			})
		})
	}
}

// Whose score a policy leaves to seniors no reviewer takes: not from the queue,
// where it comes up as they are given it, and not by its id; they keep what a
// senior hands them.
func TestAReviewerGetsNoClaimThatItsScoreLeavesToSeniors(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		s.setPolicy(t, map[string]any{"senior_from_score": 30})
		first := s.seller(t, 300)
		odd := s.submits(t, first.actor, s.claims(first))
		s.clock.set(today.Add(time.Hour))
		plain := s.seller(t, 304)
		other := s.submits(t, plain.actor, s.claims(plain))
		twin := s.seller(t, 301, func(c *claims.Claimant) { c.Bank = first.Bank })
		s.submits(t, twin.actor, s.claims(twin))

		reviewer, senior := s.as(identity.Reviewer), s.as(identity.Senior)
		next := must(s.Next(t.Context(), reviewer, claims.ClaimFilter{}, claims.Reply[*claims.Claim]{}))(t)
		if next == nil || next.ID != other.ID {
			t.Errorf("a reviewer is given %+v, want %s", next, other.ID)
		}
		passed := must(s.Claim(t.Context(), senior, odd.ID))(t)
		if passed.Score != 30 || passed.State != claims.Submitted || passed.AssignedTo != "" {
			t.Errorf("passed over: %+v", passed.Desk)
		}
		if flags := s.flags(t, odd); !slices.Equal(flags, []string{"duplicate_account_later"}) {
			t.Errorf("flagged %v", flags)
		}
		_, err := s.Assign(t.Context(), reviewer, odd.ID, 0, "", claims.Reply[claims.Claim]{})
		wants(t, "by its id", err, fault.Forbidden, "score_needs_senior")
		must(s.Assign(t.Context(), senior, odd.ID, 0, reviewer.Person, claims.Reply[claims.Claim]{}))(t)
		if kept := must(s.Assign(t.Context(), reviewer, odd.ID, 0, "", claims.Reply[claims.Claim]{}))(t); kept.AssignedTo != reviewer.Person {
			t.Errorf("kept by %q", kept.AssignedTo)
		}
	})
}

func TestAnIdentifierThatAClaimantLacksIsNotLookedFor(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.seller(t, 1, func(c *claims.Claimant) { c.Bank, c.BusinessNumber, c.Outlets[0].PlatformID = nil, "", "" })
		rows := s.found(t, s.submits(t, s.as(identity.Reviewer), s.claims(who)))
		for _, code := range []string{"duplicate_account", "duplicate_business", "duplicate_driver", "same_loss", "velocity_key", "velocity_address"} {
			if rows[code].Result != "not_applicable" {
				t.Errorf("%s %s", code, rows[code].Result)
			}
		}
		if rows["duplicate_phone"].Result != "passed" {
			t.Errorf("duplicate_phone %s", rows["duplicate_phone"].Result)
		}
	})
}

func TestTheEarlierOfTwoTwinsIsNamedWithFigures(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		one := s.chain(t, 1, 2)
		s.chainClaims(t, one, one.actor, 2)
		twin := s.seller(t, 2, func(c *claims.Claimant) { c.Bank = one.Bank })
		row := s.found(t, s.submits(t, twin.actor, s.claims(twin)))["duplicate_account"]
		encoded, err := json.Marshal(row.Facts)
		if err != nil || string(encoded) != `{"claimants":1,"claims":2,"favourable":0}` || row.Points != 30 {
			t.Errorf("%s, %v; %d points", encoded, err, row.Points)
		}
		for _, personal := range []string{one.Bank.Number, one.Name, one.ID} {
			if strings.Contains(row.Detail.KO+row.Detail.EN, personal) {
				t.Errorf("the detail shows %q", personal)
			}
		}
	})
}

func TestPointsAreThoseOfThePolicyInForceAtSubmission(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		short := func(n int) claims.Claim {
			who := s.shop(t, n)
			s.sells(t, who.actor, who, "main", "shop", honest(uint64(n), 2))
			return s.submits(t, who.actor, s.claims(who))
		}
		before := short(1)
		s.setPolicy(t, map[string]any{"points": map[string]any{"history_short": 61}})
		after := short(2)
		if before.Score != 5 || after.Score != 61 || s.found(t, before)["history_short shop"].Points != 5 {
			t.Errorf("scores %d and %d", before.Score, after.Score)
		}
		// A score sorts: who takes what is next gets what the policy leaves to them.
		filtered := must(s.Claims(t.Context(), s.as(identity.Reviewer), claims.ClaimFilter{ScoreFrom: 60, Check: "history_short"}, claims.Page{Limit: 9}))(t)
		if len(filtered) != 1 || filtered[0].ID != after.ID {
			t.Errorf("filtered %+v", filtered)
		}
		var got []string
		for range 2 {
			c := must(s.Next(t.Context(), s.as(identity.Reviewer), claims.ClaimFilter{}, claims.Reply[*claims.Claim]{}))(t)
			if c != nil {
				got = append(got, c.ID)
			}
		}
		if !slices.Equal(got, []string{before.ID}) {
			t.Errorf("a reviewer was given %v, want %s alone", got, before.ID)
		}
		if c := must(s.Next(t.Context(), s.as(identity.Senior), claims.ClaimFilter{}, claims.Reply[*claims.Claim]{}))(t); c == nil || c.ID != after.ID {
			t.Errorf("a senior was given %+v, want %s", c, after.ID)
		}
	})
}

// A claimant learns what they can do, and nothing of how anybody is looked at.
func TestAClaimantSeesRemediesAlone(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		first := s.seller(t, 1)
		s.submits(t, first.actor, s.claims(first))
		twin := s.shop(t, 2, func(c *claims.Claimant) {
			c.Bank, c.Phone, c.Outlets[0].PlatformID = first.Bank, first.Phone, first.Outlets[0].PlatformID
		})
		s.sells(t, twin.actor, twin, "main", "shop", times(honest(1, 12), 150))
		c := s.submits(t, twin.actor, s.claims(twin, items(9_000_000)))

		want := []string{"claimed_above_estimated", "duplicate_account", "duplicate_phone", "history_copied_weeks shop", "same_loss"}
		if flags := s.flags(t, c); !slices.Equal(flags, want) {
			t.Fatalf("flagged %v, want %v", flags, want)
		}
		list := must(s.Checks(t.Context(), twin.actor, c.ID))(t)
		var shown []string
		for _, row := range list.Rows {
			shown = append(shown, row.Code)
			if row.Remedy == nil || row.Remedy.KO == "" || row.Points != 0 || row.Facts != nil || row.Detail.EN != "" {
				t.Errorf("the claimant sees %+v", row)
			}
		}
		slices.Sort(shown)
		if want := []string{"claimed_above_estimated", "history_copied_weeks"}; !slices.Equal(shown, want) || list.Score != 0 {
			t.Errorf("the claimant sees %v and score %d, want %v", shown, list.Score, want)
		}
		_, err := s.Checks(t.Context(), first.actor, c.ID)
		wants(t, "another claimant", err, fault.NotFound, "claim_not_found")
		_, err = s.Checks(t.Context(), identity.Anyone, c.ID)
		wants(t, "the public", err, fault.Unauthenticated, "key_required")
		reads := must(s.Reads(t.Context(), s.as(identity.Senior), c.ID, claims.Page{Limit: 10}))(t)
		if len(reads) != 1 || reads[0].Person != s.as(identity.Reviewer).Person {
			t.Errorf("reads %+v", reads)
		}
	})
}

// What was found at the first submission stays beside what is found at the next.
func TestEachSubmissionHasChecksOfItsOwn(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.shop(t, 1)
		s.sells(t, who.actor, who, "main", "shop", honest(1, 2))
		c := s.submits(t, who.actor, s.claims(who))
		c = s.reject(t, c)
		s.sells(t, who.actor, who, "main", "shop", honest(1, 12))
		c = must(s.Submit(t.Context(), who.actor, c.ID, c.Version, claims.Reply[claims.Claim]{}))(t)
		if rows := s.found(t, c); rows["history_short shop"].Result != "passed" || rows["history_short shop"].Round != 2 || c.Score != 0 {
			t.Errorf("score %d, %+v", c.Score, rows["history_short shop"])
		}
		if n := s.counts(t, "checks")["checks"]; n != 2*len(checks.Codes()) {
			t.Errorf("%d rows, want those of both submissions", n)
		}
	})
}

// reject has a reviewer reject a claim as fixable.
func (s *town) reject(t testing.TB, c claims.Claim) claims.Claim {
	t.Helper()
	c = must(s.Assign(t.Context(), s.as(identity.Reviewer), c.ID, c.Version, "", claims.Reply[claims.Claim]{}))(t)
	return must(s.Decide(t.Context(), s.as(identity.Reviewer), c.ID, c.Version, claims.DecisionDraft{Verdict: claims.Rejected, Reason: "history_incomplete"}, claims.Reply[claims.Claim]{}))(t)
}

// A submission that is refused leaves no trace of its checks.
func TestARefusedSubmissionLeavesNoChecks(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.seller(t, 1)
		draft := must(s.File(t.Context(), who.actor, s.claims(who), false, claims.Reply[claims.Claim]{}))(t)
		before := s.counts(t, "checks", "estimates", "events", "entries", "decisions")
		_, err := s.File(t.Context(), who.actor, s.claims(who), true, claims.Reply[claims.Claim]{})
		wants(t, "a second claim", err, fault.Conflict, claims.ClaimExistsCode)
		_, err = s.Submit(t.Context(), who.actor, draft.ID, draft.Version+1, claims.Reply[claims.Claim]{})
		wants(t, "another version", err, fault.Stale, "version_stale")
		if diff := cmp.Diff(before, s.counts(t, slices.Collect(maps.Keys(before))...)); diff != "" {
			t.Errorf("rows (-before +after):\n%s", diff)
		}
	})
}

func TestAClaimIsSubmittedWithItsSectorRegionAndUnit(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.seller(t, 1)
		c := s.submits(t, who.actor, s.claims(who))
		// What an outlet becomes later is no matter of the claim.
		must(s.ChangeClaimant(t.Context(), who.actor, who.ID, 0, func(c *claims.Claimant) error {
			c.Outlets[0].Sector, c.Outlets[0].Region, c.Outlets[0].PlatformID = "cafe", "KR-26", "moved"
			return nil
		}))(t)
		stored := must(s.Claim(t.Context(), who.actor, c.ID))(t)
		if stored.Sector != "bakery" || stored.Region != "KR-11" || len(stored.Unit) != 16 {
			t.Errorf("%q, %q, unit %x", stored.Sector, stored.Region, stored.Unit)
		}
		other := s.seller(t, 2)
		if c := s.submits(t, other.actor, s.claims(other)); slices.Equal(c.Unit, stored.Unit) {
			t.Error("two shops are one unit")
		}
	})
}

func TestOnlyWhatAClaimantUploadsIsMarked(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		marks := func() int { return s.counts(t, "marks")["marks"] }
		who := s.shop(t, 1)
		s.sells(t, s.as(identity.Platform), who, "main", "shop", honest(1, 12))
		if n := marks(); n != 0 {
			t.Errorf("a ledger left %d marks", n)
		}
		s.sells(t, who.actor, who, "main", "shop", honest(1, 12))
		n := marks()
		if want := len(checks.Fingerprints(honest(1, 12))); n != want || n == 0 {
			t.Errorf("%d marks, want %d", n, want)
		}
		s.sells(t, who.actor, who, "main", "shop", honest(1, 12))
		if marks() != n {
			t.Errorf("the same history again left %d marks", marks()-n)
		}
		flat := revenue.History{BucketMinutes: 60, Start: honest(1, 4).Start}
		for range 4 * 7 * 24 {
			flat.States, flat.Amounts, flat.Counts = append(flat.States, revenue.Open), append(flat.Amounts, 5_000), append(flat.Counts, 1)
		}
		s.sells(t, who.actor, who, "main", "shop", flat)
		if marks() != n {
			t.Errorf("a history that is like many left %d marks", marks()-n)
		}
	})
}

// The clock of the rates is the service's own.
func TestRatesLookBackAnHourAndADay(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		who := s.chain(t, 1, 8)
		rate := func(outlet int) string {
			c := s.submits(t, who.actor, s.claims(who, func(d *claims.Draft) { d.Outlet = fmt.Sprintf("o%d", outlet) }))
			facts, err := json.Marshal(s.found(t, c)["velocity_key"].Facts)
			if err != nil {
				t.Fatal(err)
			}
			return string(facts)
		}
		got := []string{rate(0), rate(1)}
		s.clock.set(today.Add(2 * time.Hour))
		got = append(got, rate(2))
		s.clock.set(today.Add(25 * time.Hour))
		got = append(got, rate(3))
		for i, want := range []string{`"last_day":1`, `"last_day":2`, `"last_day":3`, `"last_day":2`} {
			if !strings.Contains(got[i], want) {
				t.Errorf("claim %d: %s, want %s", i, got[i], want)
			}
		}
		for i, want := range []string{`"last_hour":1`, `"last_hour":2`, `"last_hour":1`, `"last_hour":1`} {
			if !strings.Contains(got[i], want) {
				t.Errorf("claim %d: %s, want %s", i, got[i], want)
			}
		}
	})
}

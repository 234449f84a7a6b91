package sandbox

import (
	"fmt"
	"math/rand/v2"
	"time"

	"redress/internal/claims"
	"redress/internal/revenue"
)

// Kind is a kind of fraud or mistake that can be planted.
type Kind string

// Case is a planted fraud or mistake.
type Case struct {
	Kind    Kind
	Mistake bool   // made in good faith
	ClaimID string // of the false claim; empty while the store is being filled
	// With is the true claim that the false one leans on: whose history was copied,
	// who drives the car. Empty where there is none.
	With string

	number, with int // of the members; with is 0 where there is nobody
}

// Streams of the random numbers of what is planted, apart from those of the plan
// and of the members: the claimants of a sandbox are the same with planted cases and
// without, but for what is planted.
const (
	plantStream  = 1 << 32
	tamperStream = plantStream + 1 // and those after it, one for each trade
)

// trick is a way to cheat or to err, as claims administrators and insurers tell
// of it. None is made from what the checks look for.
type trick struct {
	kind    Kind
	mistake bool
	of40    int    // how many of forty cases are of this kind
	told    string // what the claimant does
	proof   string // what would show it beyond doubt
	fits    func(m *member) bool
	pair    pairing
	// play makes the member a case, the n-th of its kind, beside the other of a
	// pair.
	play func(n int, m, other *member)
}

// pairing is whom a trick needs beside the one who plays it.
type pairing int

const (
	alone   pairing = iota
	after           // somebody whose claim came in well before
	related         // somebody of the same sector, whose claim came in well before or after
)

// apart is by how many claimants the two of a pair are apart at least, so that
// members who are filled in together are not of one pair.
const apart = 2 * workers

// casting plants cases among members.
type casting struct {
	r       *rand.Rand
	members []member
	order   []int // indexes, shuffled
}

// plant makes n cases of the members: the kinds by turns, until each has its
// share of forty, and again from the start.
func plant(seed uint64, members []member, n int) ([]Case, error) {
	c := casting{r: rand.New(rand.NewPCG(seed, plantStream)), members: members}
	c.order = c.r.Perm(len(members))
	cases := make([]Case, 0, n)
	for round := 0; len(cases) < n; round++ {
		for _, t := range tricks {
			if round%most >= t.of40 || len(cases) == n {
				continue
			}
			one, err := c.cast(t, round%most)
			if err != nil {
				return nil, err
			}
			cases = append(cases, one)
		}
	}
	if n > 0 {
		c.chance()
	}
	return cases, nil
}

// cast finds who plays a trick, and with whom, and lets them.
func (c *casting) cast(t trick, n int) (Case, error) {
	for _, i := range c.order {
		m := &c.members[i]
		if !c.free(i) || (t.fits != nil && !t.fits(m)) {
			continue
		}
		if t.pair == alone {
			m.cast = true
			t.play(n, m, nil)
			return Case{Kind: t.kind, Mistake: t.mistake, number: m.number}, nil
		}
		for _, j := range c.order {
			other := &c.members[j]
			if !c.free(j) || !t.suits(m, other) {
				continue
			}
			m.cast, other.cast = true, true
			t.play(n, m, other)
			return Case{Kind: t.kind, Mistake: t.mistake, number: m.number, with: other.number}, nil
		}
	}
	return Case{}, fmt.Errorf("nobody is left among %d claimants to play %s; plant fewer cases", len(c.members), t.kind)
}

// free reports whether a member files an ordinary claim and is in no case.
func (c *casting) free(i int) bool {
	m := c.members[i]
	return !m.cast && m.fate == submitted && m.oddity == ordinary && m.source != ledger
}

// suits reports whether the other may stand beside m.
func (t trick) suits(m, other *member) bool {
	if t.pair == after {
		return other.number+apart <= m.number
	}
	return (other.number+apart <= m.number || m.number+apart <= other.number) && other.sector.code == m.sector.code
}

// played is what a member of a case, or one whom chance makes look like it, does
// otherwise than the plan says. The zero value is nothing.
type played struct {
	cast     bool                                                                   // in a case, if only beside the one who plays it
	likeness likeness                                                               // of an honest one
	opened   revenue.Local                                                          // first day of trade; 0 for long ago
	address  string                                                                 // network address that the claim comes from
	online   bool                                                                   // files themselves, on the web
	annex    bool                                                                   // claims again for a second outlet
	account  time.Duration                                                          // after the registration, when the bank account is changed; 0 for never
	form     export                                                                 // of the file; nil for the usual
	register func(*claims.Claimant)                                                 // what they register otherwise
	live     func(hours []hour)                                                     // what truly happens otherwise
	write    func(r *rand.Rand, trade int, hours []hour, in claims.Incident) []hour // what their file says instead
	state    func(r *rand.Rand, c *claims.Content)                                  // what they state otherwise
}

// enters is the member as they register, with what they play.
func (m member) enters() claims.Claimant {
	c := m.claimant()
	if m.annex {
		second := c.Outlets[0]
		second.Code, second.Name = annexCode, second.Name+" 별관"
		c.Outlets = append(c.Outlets, second)
	}
	if m.register != nil {
		m.register(&c)
	}
	return c
}

// lives is what the member truly sells in one trade.
func (m member) lives(n int, in claims.Incident) takings {
	sold := m.sell(n, in)
	if m.live == nil {
		return sold
	}
	m.live(sold.hours)
	sold.earned = 0
	windows := impairments(in, m.sector.trades[n].service)
	for _, h := range sold.hours {
		if _, touched := riskIn(h.at, windows); touched {
			sold.earned += h.amount
		}
	}
	return sold
}

// writes is the member's own file of one trade.
func (m member) writes(n int, sold takings, in claims.Incident) []hour {
	hours := sold.within(m.exported())
	if m.write == nil {
		return hours
	}
	return m.write(rand.New(rand.NewPCG(m.stream, tamperStream+uint64(n))), n, hours, in)
}

// states is what the member states in the claim.
func (m member) states(r *rand.Rand, sold []takings) claims.Content {
	c := m.content(r, sold)
	if m.state != nil {
		m.state(r, &c)
	}
	return c
}

// files is the form of the member's own file.
func (m member) files() export {
	if m.form != nil {
		return m.form
	}
	return exports[m.number%len(exports)]
}

// found gives the cases the claims that were filed.
func found(cases []Case, written []filled) []Case {
	for i := range cases {
		c := &cases[i]
		c.ClaimID = written[c.number-1].claimID
		if annex := written[c.number-1].annexID; annex != "" {
			c.ClaimID, c.With = annex, c.ClaimID
		}
		if c.with > 0 {
			c.With = written[c.with-1].claimID
		}
	}
	return cases
}

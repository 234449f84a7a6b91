package fsck

import (
	"context"
	"maps"
	"slices"
)

// claimantErased is the type of the entry that says that a person was erased.
const claimantErased = "claimant.erased"

// belongs counts the erased entries of a claim to its claimant, and holds the
// mark of an erased claim against the log.
func (c *check) belongs(claim Claim) {
	if n := c.gone[claim.ID]; n > 0 {
		delete(c.gone, claim.ID)
		c.gone[claim.ClaimantID] += n
	}
	if claim.Erased && c.erasures[claim.ClaimantID] == nil {
		c.find("claim:"+claim.ID, "erasure_unlogged", "The claim is marked as erased; no entry says that its claimant %s was.",
			"청구는 삭제된 것으로 표시되어 있으나 청구인 %s이(가) 삭제되었다는 항목이 없습니다.", claim.ClaimantID)
	}
}

// erased holds the entries that were erased against those that say so: emptying
// an entry is the one change of the log that the database allows.
func (c *check) erased(context.Context) error {
	about := maps.Clone(c.gone)
	for claimant := range c.erasures {
		about[claimant] += 0
	}
	for _, subject := range slices.Sorted(maps.Keys(about)) {
		if said, _ := c.erasures[subject].number("entries"); said != about[subject] {
			c.find("claimant:"+subject, "erasure_differs", "%d entries about them are erased; the log says %d.",
				"관련 항목 %d개가 지워졌으나 로그에는 %d개로 되어 있습니다.", about[subject], said)
		}
	}
	return nil
}

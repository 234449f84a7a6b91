package fsck

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"redress/internal/auditlog"
)

// rows are keyed hashes of rows by name; empty for rows that are gone.
type rows = map[string]string

// rows are those that the entry says were written with the change it tells of; nil
// for entries from before there were any.
func (f facts) rows() rows {
	said, ok := f["rows"].(map[string]any)
	if !ok {
		return nil
	}
	rows := make(rows, len(said))
	for name, hash := range said {
		rows[name], _ = hash.(string)
	}
	return rows
}

// saying is what entries say of rows, the newest of each. Leaves are in the order of
// their clocks, which two processes may have different: what has a version is known
// by it.
type saying struct {
	rows
	versions map[string]int64 // of rows that changed
}

func newSaying() saying { return saying{rows{}, map[string]int64{}} }

// tell takes in what an entry says of rows with such names.
func (s saying) tell(said facts, of func(name string) bool) {
	version, _ := said.number("version")
	if said.is(claimantErased) {
		version = math.MaxInt64 // nothing changes any more
	}
	for name, hash := range said.rows() {
		if !of(name) || version < s.versions[name] {
			continue
		}
		if s.rows[name] = hash; version > 1 {
			s.versions[name] = version
		}
	}
}

// ofClaimant reports whether the row of that name, of no claim, belongs to a
// claimant, or may.
func ofClaimant(name string) bool {
	table, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"claimants", "outlets", "keys", "revenue_uploads", "revenue_weeks"}, table)
}

// ofNobody reports whether the row of that name belongs to neither claim nor
// claimant, when the given entry speaks of it.
func ofNobody(said facts) func(name string) bool {
	role := said.text("role")
	staff := said.is("key.") && role != "claimant" && role != "delegate"
	return func(name string) bool { return staff || !ofClaimant(name) }
}

// key looks whether the hashes of rows can be compared at all.
func (c *check) key(ctx context.Context) error {
	proven, err := c.store.ProvesKey(ctx)
	if c.keyless = err == nil && !proven; c.keyless {
		c.find("field_key", "field_key_wrong", "The field key is not the one that this database is sealed under, or its proof was changed: what is hashed under it is not compared, or differs.",
			"필드 키가 이 데이터베이스를 봉인한 키가 아니거나 그 증명이 바뀌었습니다. 이 키로 해시한 것은 대조하지 않았거나 다르게 나옵니다.")
	}
	return err
}

// hold compares rows with what the newest entries say of them. Where not every row
// can have been said, those that nothing is said of are passed over.
func (c *check) hold(place string, stored, said rows, all bool) {
	if c.keyless {
		return
	}
	names := maps.Clone(stored)
	maps.Copy(names, said)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		hash, told := said[name]
		switch row := stored[name]; {
		case row == hash:
		case !told && !all:
		case !told || hash == "":
			c.find(place+name, "row_unlogged", "No entry speaks of the row %s.", "행 %s에 관한 항목이 없습니다.", name)
		case row == "":
			c.find(place+name, "row_missing", "The row %s that an entry speaks of is missing.", "항목에 있는 행 %s이(가) 없습니다.", name)
		default:
			c.find(place+name, "row_differs", "The row %s is not the one that the log holds.", "행 %s이(가) 로그가 확정한 것과 다릅니다.", name)
		}
	}
}

// others holds the rows that belong to neither claim nor claimant.
func (c *check) others(ctx context.Context) error {
	stored := rows{}
	err := c.store.HeldRows(ctx, func(name, hash string) { stored[name] = hash })
	if err != nil {
		return err
	}
	c.hold("", stored, c.said.rows, c.whole)
	return nil
}

// Claimant is what is stored of a claimant alone, with the entries that speak of it.
type Claimant struct {
	ID      string
	Erased  bool
	Rows    map[string]string // keyed hashes by name
	Entries []auditlog.Entry  // by id; they are opened and compared elsewhere
}

// claimants holds the rows of claimants: who they are, their keys and histories.
func (c *check) claimants(ctx context.Context) error {
	for after := ""; ; {
		page, err := c.store.LostPeople(ctx, after, pageOfEntries)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, name := range page {
			c.find(name, "row_missing", "The row %s that an entry speaks of is missing.", "항목에 있는 행 %s이(가) 없습니다.", name)
		}
		after = page[len(page)-1]
	}
	for after := ""; ; {
		page, err := c.store.ClaimantFiles(ctx, after, pageOfClaims)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, claimant := range page {
			said, all := newSaying(), false
			for _, e := range claimant.Entries {
				told := readFacts(e.Body)
				said.tell(told, ofClaimant)
				all = all || told.has("rows") && (told.is("claimant.registered") || told.is(claimantErased))
			}
			c.hold("", claimant.Rows, said.rows, all)
			if claimant.Erased && c.erasures[claimant.ID] == nil {
				c.find("claimants/"+claimant.ID, "erasure_unlogged", "The claimant is marked as erased; no entry says so.", "청구인이 삭제된 것으로 표시되어 있으나 이에 관한 항목이 없습니다.")
			}
		}
		after = page[len(page)-1].ID
	}
}

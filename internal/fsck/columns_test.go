package fsck_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"redress/internal/fsck"
	"redress/internal/store"
	"redress/internal/store/storetest"
)

// table is a table as the database itself describes it.
type table struct {
	name    string
	columns []column
	checks  []string // values that its checks name
	rows    [][]any
}

type column struct {
	name, kind string
	key        bool // of the primary key
}

// literal is a text in the definition of a check.
var literal = regexp.MustCompile(`'([a-z_]+)'`)

// schema reads all tables with their rows.
func (i intruder) schema() []table {
	i.Helper()
	columns := `SELECT c.table_name, c.column_name, c.udt_name, EXISTS (SELECT 1 FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
			WHERE x.indisprimary AND x.indrelid = (quote_ident(c.table_name))::regclass AND a.attname = c.column_name)
		FROM information_schema.columns c WHERE c.table_schema = current_schema() ORDER BY 1, c.ordinal_position`
	checks := `SELECT coalesce(string_agg(pg_get_constraintdef(oid), ' '), '') FROM pg_constraint WHERE conrelid = (quote_ident($1))::regclass`
	if i.sqlite {
		columns = `SELECT m.name, p.name, p.type, p.pk > 0 FROM sqlite_master m JOIN pragma_table_info(m.name) p
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid`
		checks = `SELECT sql FROM sqlite_master WHERE type = 'table' AND name = $1`
	}
	found, err := i.QueryContext(context.Background(), columns)
	if err != nil {
		i.Fatal(err)
	}
	defer found.Close()
	var tables []table
	for found.Next() {
		var name string
		var c column
		if err := found.Scan(&name, &c.name, &c.kind, &c.key); err != nil {
			i.Fatal(err)
		}
		if name == "goose_db_version" {
			continue // which migrations ran, for the tool that runs them
		}
		if n := len(tables); n == 0 || tables[n-1].name != name {
			tables = append(tables, table{name: name})
		}
		last := &tables[len(tables)-1]
		last.columns = append(last.columns, c)
	}
	found.Close()
	for n := range tables {
		t := &tables[n]
		for _, match := range literal.FindAllStringSubmatch(i.text(checks, t.name), -1) {
			t.checks = append(t.checks, match[1])
		}
		t.rows = i.rows(*t)
	}
	return tables
}

// rows reads some rows of a table, those with the most in them first.
func (i intruder) rows(t table) [][]any {
	i.Helper()
	names := make([]string, len(t.columns))
	for n, c := range t.columns {
		names[n] = c.name
	}
	found, err := i.QueryContext(context.Background(), "SELECT "+strings.Join(names, ", ")+" FROM "+t.name+" LIMIT 200")
	if err != nil {
		i.Fatal(err)
	}
	defer found.Close()
	var all [][]any
	for found.Next() {
		row := make([]any, len(t.columns))
		into := make([]any, len(t.columns))
		for n := range row {
			into[n] = &row[n]
		}
		if err := found.Scan(into...); err != nil {
			i.Fatal(err)
		}
		all = append(all, row)
	}
	slices.SortStableFunc(all, func(a, b []any) int { return cmp.Compare(filled(b), filled(a)) })
	return all
}

func filled(row []any) (n int) {
	for _, value := range row {
		if !reflect.ValueOf(&value).Elem().IsZero() && value != "" && value != int64(0) {
			n++
		}
	}
	return n
}

// others are values that a column might have instead: those of other rows, those
// that the table's checks name, and one that is a little different.
func (t table) others(n int, now any) []any {
	var all []any
	for _, row := range t.rows {
		if row[n] != nil && !reflect.DeepEqual(row[n], now) && len(all) < 5 {
			all = append(all, row[n])
		}
	}
	switch v := now.(type) {
	case int64:
		return append(all, v+1, v-1, v+1_000_000)
	case string:
		for _, value := range t.checks {
			if value != v {
				all = append(all, value)
			}
		}
		return append(all, altered(v))
	case []byte:
		other := append(bytes.Clone(v), 1)[:max(1, len(v))]
		other[len(other)/2] ^= 1
		return append(all, other)
	}
	return append(all, int64(1), "x", bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{1}, 32))
}

// altered exchanges the last letter or digit.
func altered(s string) string {
	b := []byte(s)
	for n := len(b) - 1; n >= 0; n-- {
		switch c := b[n]; {
		case c >= '0' && c <= '9':
			b[n] = '0' + (c-'0'+1)%10
			return string(b)
		case c >= 'a' && c <= 'z':
			b[n] = 'a' + (c-'a'+1)%6
			return string(b)
		}
	}
	return s + "x"
}

// where names a row by its key.
func (t table) where(row []any, args []any) (string, []any) {
	var conditions []string
	for n, c := range t.columns {
		if c.key {
			args = append(args, row[n])
			conditions = append(conditions, fmt.Sprintf("%s = $%d", c.name, len(args)))
		}
	}
	return strings.Join(conditions, " AND "), args
}

// set changes one column of a row, unless the database refuses.
func (i intruder) set(t table, row []any, n int, value any) error {
	where, args := t.where(row, []any{value})
	_, err := i.ExecContext(context.Background(), "UPDATE "+t.name+" SET "+t.columns[n].name+" = $1 WHERE "+where, args...)
	return err
}

// named are how findings name the rows of a table: the beginning of the pointer,
// with the row's own columns in braces.
var named = map[string][]string{
	"appeals": {"claim:{claim_id}/"}, "approvals": {"claim:{claim_id}/"}, "batch_decisions": {"claim:{claim_id}/", "batch:{batch_id}"}, "checks": {"claim:{claim_id}/"},
	"covers": {"claim:{claim_id}/"}, "decisions": {"claim:{claim_id}/"}, "estimate_records": {"claim:{claim_id}/"}, "estimates": {"claim:{claim_id}/"},
	"events": {"claim:{claim_id}/"}, "evidence_files": {"claim:{claim_id}/"}, "exclusions": {"claim:{claim_id}/"},
	"information_requests": {"claim:{claim_id}/"}, "letters": {"claim:{claim_id}/"}, "stages": {"claim:{claim_id}/"},
	"batches": {"batch:{id}", "batches/{id}"}, "claimants": {"claimants/{id}"}, "claims": {"claim:{id}"}, "incidents": {"incident:{id}", "incidents/{id}"},
	"keys": {"keys/{id}"}, "outlets": {"outlets/{claimant_id}"}, "quality_reviews": {"quality_reviews/{id}"}, "revenue_uploads": {"revenue_uploads/{id}"}, "revenue_weeks": {"revenue_weeks/{upload_id}"},
	"rulebooks": {"rulebook:{kind}", "rulebooks/{kind}"}, "schemes": {"scheme:{id}", "schemes/{id}"},
	"entries": {"entry:{id}", "claim:{subject}", "leaf:"}, "entries_pending": {"entry:{entry_id}"}, "field_key": {"field_key"},
	"leaves": {"leaf:{idx}", "entry:{entry_id}", "hash:"}, "log_hashes": {"hash:{idx}"}, "log_head": {"head"},
	"snapshots": {"snapshot:{incident_id}/{n}", "entry:{entry_id}"}, "snapshot_leaves": {"snapshot:"}, "snapshot_salts": {"snapshot:{incident_id}/"},
	"releases": {"release:{incident_id}/{n}", "entry:{entry_id}"}, "restatements": {"restatement:{incident_id}/{n}", "entry:{entry_id}"},
	"samples": {"sample:{id}", "entry:{entry_id}"}, "sample_claims": {"sample:{sample_id}"},
}

// names reports whether a finding names the row.
func (t table) names(r fsck.Report, row []any) bool {
	for _, place := range named[t.name] {
		for n, c := range t.columns {
			place = strings.ReplaceAll(place, "{"+c.name+"}", fmt.Sprint(row[n]))
		}
		for _, f := range r.Findings {
			if strings.HasPrefix(f.Pointer, place) {
				return true
			}
		}
	}
	return false
}

// sweep changes a value of every column, and deletes a row of every table, one at a
// time, and tells what fsck made of each.
type sweep struct {
	intruder
	look    func() fsck.Report
	found   []string // "table.column", "table deleted"
	missed  []string
	refused []string // by what the database itself checks
}

// note looks, and asks for a finding that names the row as it was or as it is.
func (s *sweep) note(what string, t table, was, is []any) {
	s.Helper()
	r := s.look()
	switch {
	case t.names(r, was) || t.names(r, is):
		s.found = append(s.found, what)
	case len(r.Findings) > 0:
		s.Errorf("%s: found, and the row is not named: %v", what, found(r))
		s.found = append(s.found, what)
	default:
		s.missed = append(s.missed, what)
	}
}

// change gives a column of one row another value, looks, and takes it back.
func (s *sweep) change(t table, n int) {
	s.Helper()
	what := t.name + "." + t.columns[n].name
	row := t.rows[0]
	for _, other := range t.rows {
		if row[n] == nil || row[n] == "" {
			row = other
		}
	}
	for _, value := range t.others(n, row[n]) {
		if s.set(t, row, n, value) != nil {
			continue
		}
		changed := slices.Clone(row)
		changed[n] = value
		s.note(what, t, row, changed)
		if err := s.set(t, changed, n, row[n]); err != nil {
			s.Fatalf("take back %s: %v", what, err)
		}
		return
	}
	s.refused = append(s.refused, what)
}

// drop deletes a row, looks, and puts it back.
func (s *sweep) drop(t table) {
	s.Helper()
	row := t.rows[0]
	where, args := t.where(row, nil)
	if _, err := s.ExecContext(context.Background(), "DELETE FROM "+t.name+" WHERE "+where, args...); err != nil {
		s.refused = append(s.refused, t.name+" deleted")
		return
	}
	s.note(t.name+" deleted", t, row, row)
	var names, places []string
	for n, c := range t.columns {
		names, places = append(names, c.name), append(places, fmt.Sprintf("$%d", n+1))
	}
	s.do("INSERT INTO "+t.name+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(places, ", ")+")", row...)
}

// watch is a look at the database again and again.
func (w *world) watch(t testing.TB, db *store.Store) func() fsck.Report {
	return func() (r fsck.Report) {
		t.Helper()
		err := db.Frozen(t.Context(), func(frozen fsck.Store) (err error) {
			r, err = fsck.Run(t.Context(), frozen, w.keys, nil, filledAt)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// unheld are the columns whose change, and the tables whose lost rows, fsck does not
// find, each with the reason; "table.*" is all of a table. docs/log.md says the same.
var unheld = map[string]string{
	"jobs.*":                      "work that is under way; what it leads to is held",
	"idempotency_keys.*":          "answers kept for retries, for a day",
	"views.*":                     "filters that people of the staff saved for themselves",
	"reads.*":                     "who looked at whose data: nothing rests on it, and the database refuses to change it",
	"marks.*":                     "an index by which copies of histories are found; what a check found is held",
	"quality_reviews.assigned_to": "who has a second look under way; who ended it is held",
	"quality_reviews.lease_until": "how long they have it",
}

// reason finds why something is not held; key is how the list has it.
func reason(what string) (key string, listed bool) {
	table, _, _ := strings.Cut(strings.ReplaceAll(what, " ", "."), ".")
	for _, key := range []string{what, table + ".*"} {
		if unheld[key] != "" {
			return key, true
		}
	}
	return "", false
}

// Every column of every table, as the database itself lists them, is held by the
// log or stands in the list with a reason, and the list is true.
func TestEveryColumnIsHeldOrListed(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine, func(t *testing.T) {
			w := newWorld(t, engine)
			w.fill(t)
			s := sweep{intruder: w.intrude(t, w.options), look: w.watch(t, w.open(t))}
			if r := s.look(); len(r.Findings) > 0 {
				t.Fatalf("before anything was changed: %v", found(r))
			}
			for _, table := range s.schema() {
				if len(table.rows) == 0 {
					t.Errorf("no row of %s is in the database that is swept", table.name)
					continue
				}
				for n := range table.columns {
					s.change(table, n)
				}
				s.drop(table)
			}
			if r := s.look(); len(r.Findings) > 0 {
				t.Fatalf("what was taken back is still found: %v", found(r))
			}
			s.judge()
		})
	}
}

// judge holds what was found and what was not against the list.
func (s *sweep) judge() {
	s.Helper()
	used := map[string]bool{}
	for _, what := range s.missed {
		key, listed := reason(what)
		if used[key] = true; !listed {
			s.Errorf("%s: changed, and nothing is found", what)
		}
	}
	for _, what := range s.found {
		if key, listed := reason(what); listed {
			s.Errorf("%s is found, and the list says that %q is not", what, key)
		}
	}
	told, err := os.ReadFile("../../docs/log.md")
	if err != nil {
		s.Fatal(err)
	}
	_, list, _ := strings.Cut(string(told), "Not held, because")
	for key := range unheld {
		if table, _, _ := strings.Cut(key, "."); !strings.Contains(list, "`"+table+"`") {
			s.Errorf("the second list of docs/log.md lacks %s", table)
		}
		if !used[key] {
			s.Errorf("the list has %q, and nothing of the kind was missed", key)
		}
	}
	s.Logf("%d found, %d listed, %d refused by what the database itself checks: %v", len(s.found), len(s.missed), len(s.refused), s.refused)
}

package bundle_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"redress/internal/auditlog"
	"redress/internal/bundle"
	"redress/internal/publication"
)

// hands is a bundle in the hands of whoever tampers with it.
type hands struct {
	*operator
	files    fstest.MapFS
	keys     auditlog.Keys
	previous [][]byte
}

func (h *hands) edit(path string, change func([]byte) []byte) {
	h.Helper()
	file, there := h.files[path]
	if !there {
		h.Fatalf("there is no %s to tamper with", path)
	}
	changed := change(slices.Clone(file.Data))
	if bytes.Equal(changed, file.Data) {
		h.Fatalf("%s was not tampered with", path)
	}
	h.files[path] = &fstest.MapFile{Data: changed}
}

func (h *hands) replace(path, old, with string) {
	h.Helper()
	h.edit(path, func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) })
}

func (h *hands) remove(prefix string) {
	h.Helper()
	before := len(h.files)
	maps.DeleteFunc(h.files, func(path string, _ *fstest.MapFile) bool { return strings.HasPrefix(path, prefix) })
	if len(h.files) == before {
		h.Fatalf("there is no %s to remove", prefix)
	}
}

func (h *hands) move(from, to string) {
	h.Helper()
	moved := fstest.MapFS{}
	for path, file := range h.files {
		if name, under := strings.CutPrefix(path, from); under {
			moved[to+name] = file
		}
	}
	h.remove(from)
	maps.Copy(h.files, moved)
}

// is gives whoever tampers the bundle of another reader.
func (h *hands) is(access bundle.Access) {
	h.Helper()
	h.files = filesOf(h, map[bundle.Access]bundle.Contents{bundle.Public: h.public(), bundle.Auditor: h.auditors()}[access])
}

func (h *hands) copy(from, to string) { h.edit(to, func([]byte) []byte { return h.files[from].Data }) }

func (h *hands) swap(a, b string) { h.files[a], h.files[b] = h.files[b], h.files[a] }

// lines tampers with the leaves of a snapshot as lines of text.
func (h *hands) lines(n int, change func([]string) []string) {
	h.Helper()
	h.edit(leavesOf(n), func(data []byte) []byte {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			h.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			h.Fatal(err)
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		fmt.Fprintln(w, strings.Join(change(strings.Split(strings.TrimSpace(string(text)), "\n")), "\n"))
		if err := w.Close(); err != nil {
			h.Fatal(err)
		}
		return b.Bytes()
	})
}

func leavesOf(n int) string { return fmt.Sprintf("snapshots/%d/leaves.ndjson.gz", n) }

// fork is the log with another last entry, signed by the same key.
func (h *hands) fork(size int) *shelf {
	f := &shelf{}
	f.add(h, h.log.leaves[:size-1]...)
	f.add(h, bytes.Repeat([]byte{7}, 32))
	return f
}

// signed is a checkpoint of a shelf by the key of the operator.
func (h *hands) signed(s *shelf) []byte {
	o := *h.operator
	o.log = s
	return o.checkpoint()
}

// entry changes the facts of the nth entry of a type.
func entry(of string, nth int, change func(facts map[string]any, at *time.Time)) lies {
	seen := 0
	return lies{entry: func(entryType string, facts map[string]any, at *time.Time) {
		if entryType != of {
			return
		}
		if seen++; seen == nth {
			change(facts, at)
		}
	}}
}

func fact(of string, nth int, name string, value any) lies {
	return entry(of, nth, func(facts map[string]any, _ *time.Time) { facts[name] = value })
}

// figures changes a measure of the nth release.
func figures(nth, measure int, change func(m *publication.MeasureRelease)) lies {
	return lies{release: func(n int, r *publication.Release) {
		if n == nth {
			change(&r.Measures[measure])
		}
	}}
}

func header(nth int, change func(r *publication.Release)) lies {
	return lies{release: func(n int, r *publication.Release) {
		if n == nth {
			change(r)
		}
	}}
}

func inSnapshot(nth int, change func([]publication.Leaf) []publication.Leaf) lies {
	return lies{leaves: func(n int, leaves []publication.Leaf) []publication.Leaf {
		if n == nth {
			return change(leaves)
		}
		return leaves
	}}
}

// shown are the rows of a table that have a value.
func shown(t *publication.Table) (rows []*publication.Row) {
	for i := range t.Rows {
		if v := t.Rows[i].Value; v != nil && *v > 0 {
			rows = append(rows, &t.Rows[i])
		}
	}
	return rows
}

// grow adds to the total of a measure and leaves every table adding up.
func grow(by int64) func(m *publication.MeasureRelease) {
	return func(m *publication.MeasureRelease) {
		*m.Total += by
		for i := range m.Tables {
			m.Tables[i].Rest += by
		}
	}
}

const (
	count    = 0
	claimed  = 1
	sectors  = 1 // place of the table by sector
	regions  = 2
	statuses = 4
)

// manipulation is a way to tamper with a bundle, and what has to be found.
type manipulation struct {
	name string
	lies lies         // signed
	edit func(*hands) // not signed, after the lies
	want string
}

func onLeaves() []manipulation {
	first := leavesOf(1)
	tail := func(ls []publication.Leaf) []publication.Leaf { return ls[1:] }
	return []manipulation{
		{"a leaf is dropped", lies{}, func(h *hands) { h.lines(1, func(l []string) []string { return l[1:] }) }, first + " root_wrong"},
		{"a leaf is added", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string {
				return append(l, `{"id":"`+strings.Repeat("ab", 32)+l[0][len(`{"id":"`)+64:])
			})
		}, first + " root_wrong"},
		{"an amount is changed", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string { l[3] = strings.Replace(l[3], `"claimed":`, `"claimed":1`, 1); return l })
		}, first + " root_wrong"},
		{"two leaves change places", lies{}, func(h *hands) { h.lines(1, func(l []string) []string { l[0], l[1] = l[1], l[0]; return l }) }, first + " root_wrong"},
		{"a claim is moved to another cell", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string { l[5] = strings.Replace(l[5], `"region":"KR-`, `"region":"XX-`, 1); return l })
		}, first + " root_wrong"},
		{"a leaf stands in the list twice", lies{}, func(h *hands) { h.lines(1, func(l []string) []string { return append(l, l[0]) }) }, first + " leaf_repeated"},
		{"a snapshot is sealed with a leaf twice", inSnapshot(4, func(ls []publication.Leaf) []publication.Leaf { return append(ls, ls[0]) }), nil, leavesOf(4) + " leaf_repeated"},
		{"a snapshot is sealed without a claim", inSnapshot(4, tail), nil, leavesOf(4) + " leaf_vanished"},
		{"a released snapshot is sealed without a claim", inSnapshot(2, tail), nil, leavesOf(2) + " leaf_vanished"},
		{"a leaf is written another way", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string { l[2] = strings.Replace(l[2], ",", ", ", 1); return l })
		}, first + " leaf_not_canonical"},
		{"an amount is below zero", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string { l[2] = strings.Replace(l[2], `"paid":0`, `"paid":-1`, 1); return l })
		}, first + " leaf_amount"},
		{"an amount is beyond all amounts", lies{}, func(h *hands) {
			h.lines(1, func(l []string) []string {
				l[2] = strings.Replace(l[2], `"paid":0`, `"paid":9223372036854775807`, 1)
				return l
			})
		}, first + " leaf_amount"},
		{"the leaves are cut off", lies{}, func(h *hands) { h.edit(first, func(b []byte) []byte { return b[:len(b)/2] }) }, first + " file_unreadable"},
		{"the last line does not end", lies{}, func(h *hands) {
			h.edit(first, func([]byte) []byte { return zipped([]byte(`{"id":"`)) })
		}, first + " leaf_list_cut"},
		{"the leaves are emptied", lies{}, func(h *hands) { h.edit(first, func([]byte) []byte { return nil }) }, first + " root_wrong"},
		{"the leaves are missing", lies{}, func(h *hands) { h.remove(leavesOf(3)) }, leavesOf(3) + " leaves_missing"},
		{"the leaves of two snapshots are exchanged", lies{}, func(h *hands) { h.swap(leavesOf(2), leavesOf(3)) }, leavesOf(2) + " root_wrong"},
		{"leaves and release are made anew, and cannot be signed", lies{}, func(h *hands) { h.anew(2) }, leavesOf(2) + " root_wrong"},
		{"leaves, release and snapshot agree, and the receipt is edited", lies{}, func(h *hands) { h.anew(2) }, "releases/2/release.json document_changed"},
		{"something is said to be paid", inSnapshot(1, func(ls []publication.Leaf) []publication.Leaf { ls[0].Paid = ls[0].Claimed; return ls }), nil, first + " paid_without_bank_file"},
	}
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	return b.Bytes()
}

// anew changes a leaf of a snapshot and publishes it again with everything that
// needs no signature.
func (h *hands) anew(n int) {
	h.Helper()
	leaves := slices.Clone(h.sealed[n-1].leaves)
	leaves[0].Claimed *= 10
	root := rootOf(h, leaves)
	var b bytes.Buffer
	if err := bundle.WriteLeaves(&b, slices.Values(leaves)); err != nil {
		h.Fatal(err)
	}
	h.files[leavesOf(n)] = &fstest.MapFile{Data: b.Bytes()}
	made, err := publication.Publish(publication.Snapshot{
		Incident: incident, Currency: "KRW", At: h.sealed[n-1].at, Root: root, Leaves: slices.Values(leaves),
	}, h.rule, h.earlier[:n-1], nil)
	if err != nil {
		h.Fatal(err)
	}
	data, err := made.JSON()
	if err != nil {
		h.Fatal(err)
	}
	h.edit(fmt.Sprintf("releases/%d/release.json", n), func([]byte) []byte { return data })
}

func onTheLog(o *operator) []manipulation {
	tile := func(h *hands) string { return fmt.Sprintf("log/tile/0/001.p/%d", len(h.log.leaves)-256) }
	return []manipulation{
		{"a tile is deleted", lies{}, func(h *hands) { h.remove("log/tile/0/000") }, "log/tile/0/000 tile_missing"},
		{"a bundle of entries is deleted", lies{}, func(h *hands) { h.remove("log/tile/entries/000") }, "log/tile/entries/000 tile_missing"},
		{"a tile is cut off", lies{}, func(h *hands) { h.edit(tile(h), func(b []byte) []byte { return b[:len(b)-1] }) }, fmt.Sprintf("log/tile/0/001.p/%d tile_length_wrong", len(o.log.leaves)-256)},
		{"a tile is changed", lies{}, func(h *hands) { h.edit("log/tile/0/000", flipped) }, "log/tile/0/000 tile_wrong"},
		{"an entry is changed", lies{}, func(h *hands) { h.edit("log/tile/entries/000", flipped) }, "log/entry:0 entry_wrong"},
		{"an old checkpoint is shown again", lies{}, func(h *hands) { h.edit("log/checkpoint", func([]byte) []byte { return h.kept[0] }) },
			"log/checkpoint.witnessed log_rolled_back"},
		{"a reader kept the checkpoint of another history", lies{}, func(h *hands) { h.previous = append(h.previous, h.signed(h.fork(320))) }, "previous:1 history_rewritten"},
		{"a reader kept another checkpoint of the same size", lies{}, func(h *hands) { h.previous = append(h.previous, h.signed(h.fork(len(h.log.leaves)))) }, "previous:1 log_forked"},
		{"a reader kept a larger log", lies{}, func(h *hands) {
			f := h.log.clone()
			f.add(h, bytes.Repeat([]byte{7}, 32))
			h.previous = append(h.previous, h.signed(f))
		}, "previous:1 log_rolled_back"},
		{"witnesses saw another history", lies{}, func(h *hands) {
			h.edit("log/checkpoint.witnessed", func([]byte) []byte { return h.signed(h.fork(330)) })
		}, "log/checkpoint.witnessed history_rewritten"},
		{"one reader gets another last entry and a receipt of it", lies{}, func(h *hands) { h.otherReceipt() }, "releases/3/receipt.tlog-proof log_forked"},
		{"everything is signed by another key", lies{}, func(h *hands) { h.keys = keys(h, "log "+logKey(h, 2).public) }, "log/checkpoint checkpoint_unsigned"},
		{"receipts are signed by another key", lies{}, func(h *hands) { h.keys = keys(h, "log "+logKey(h, 2).public) }, "releases/1/receipt.tlog-proof checkpoint_unsigned"},
		{"the key was retired before", lies{}, func(h *hands) { h.keys = keys(h, "log "+logKey(h, 1).public+" until 100") }, "log/checkpoint log_key_retired"},
		{"a signature is damaged", lies{}, func(h *hands) {
			h.edit("log/checkpoint", func(b []byte) []byte {
				i := bytes.Index(b, []byte("— "+origin)) + len("— "+origin) + 20
				if b[i] == 'A' { // it stays base64
					b[i] = 'B'
				} else {
					b[i] = 'A'
				}
				return b
			})
		}, "log/checkpoint signature_invalid"},
		{"the size in the checkpoint is edited", lies{}, func(h *hands) { h.replace("log/checkpoint", fmt.Sprint(len(h.log.leaves)), "300") }, "log/checkpoint signature_invalid"},
		{"the checkpoint is missing", lies{}, func(h *hands) { h.remove("log/checkpoint") }, "log/checkpoint checkpoint_missing"},
		{"the log is said to have more entries than there are atoms", lies{}, func(h *hands) {
			h.edit("log/checkpoint", func([]byte) []byte { return h.absurd() })
		}, "log/checkpoint log_incomplete"},
		{"the log is of another name", lies{}, func(h *hands) {
			_, public, err := auditlog.GenerateLogKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)), "other.example/log")
			if err != nil {
				h.Fatal(err)
			}
			h.keys = keys(h, "log "+public)
		}, "log/checkpoint origin_wrong"},
		{"a release is dated back", entry("release.published", 2, func(_ map[string]any, at *time.Time) { *at = at.AddDate(0, 0, -30) }), nil, "releases/2/receipt.tlog-proof entry_back_dated"},
		{"a snapshot is dated back to before a witness saw the log without it", entry("snapshot.sealed", 2, func(facts map[string]any, at *time.Time) {
			*at = at.Add(-4 * time.Hour)
		}), nil, "snapshots/2/receipt.tlog-proof entry_back_dated"},
		{"an entry is dated ahead of what a witness saw", entry("sample.ended", 1, func(_ map[string]any, at *time.Time) { *at = at.AddDate(1, 0, 0) }), nil,
			"samples/2/1/ended.tlog-proof entry_post_dated"},
		{"a receipt is of another entry", lies{}, func(h *hands) { h.copy("releases/1/receipt.tlog-proof", "releases/2/receipt.tlog-proof") }, "releases/2/receipt.tlog-proof entry_differs"},
		{"a receipt is of another kind of entry", lies{}, func(h *hands) { h.copy("snapshots/1/receipt.tlog-proof", "releases/1/receipt.tlog-proof") }, "releases/1/receipt.tlog-proof entry_type_wrong"},
		{"what a receipt opens is edited", lies{}, func(h *hands) {
			h.edit("snapshots/1/receipt.tlog-proof", func(b []byte) []byte { i := bytes.Index(b, []byte("extra ")) + 80; b[i] ^= 1; return b })
		}, "snapshots/1/receipt.tlog-proof inclusion_not_proven"},
		{"the index of a receipt is edited", lies{}, func(h *hands) { h.replace("snapshots/1/receipt.tlog-proof", "index ", "index 1") }, "snapshots/1/receipt.tlog-proof entry_beyond_checkpoint"},
		{"a receipt is missing", lies{}, func(h *hands) { h.remove("snapshots/2/receipt") }, "snapshots/2/receipt.tlog-proof receipt_missing"},
	}
}

func flipped(b []byte) []byte {
	b[5] ^= 1
	return b
}

// absurd is a signed checkpoint of a log that nobody could hold.
func (h *hands) absurd() []byte {
	h.Helper()
	signer, err := note.NewSigner(h.sign.secret)
	if err != nil {
		h.Fatal(err)
	}
	c := auditlog.Checkpoint{Origin: origin, TreeSize: 1 << 45}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		h.Fatal(err)
	}
	return signed
}

// otherReceipt replaces the receipt of the third release by one of another release
// in another log of the same size.
func (h *hands) otherReceipt() {
	h.Helper()
	e, err := auditlog.NewEntry("release.published", incident, h.clock, map[string]any{"number": 3})
	if err != nil {
		h.Fatal(err)
	}
	last := len(h.log.leaves) - 1
	f := &shelf{}
	f.add(h, h.log.leaves[:last]...)
	f.add(h, e.Commitment)
	o := *h.operator
	o.log = f
	o.contents.Log.Head.Checkpoint = o.checkpoint()
	h.edit("releases/3/receipt.tlog-proof", func([]byte) []byte { return o.receipt(e, int64(last)) })
}

func onDocuments(first string) []manipulation {
	return []manipulation{
		{"a scheme is edited", lies{}, func(h *hands) { h.replace("schemes/share/1.json", "70", "60") }, "schemes/share/1.json document_changed"},
		{"a scheme's receipt is another version's", fact("scheme.published", 1, "version", 2), nil, "schemes/share/1.tlog-proof entry_differs"},
		{"a scheme came after the estimates it made", lies{late: "scheme.published"}, nil, first + "/receipt.tlog-proof scheme_after_estimate"},
		{"a scheme is missing", lies{}, func(h *hands) { h.remove("schemes/share/1.") }, first + "/estimate.json scheme_missing"},
		{"the rule is edited", lies{}, func(h *hands) { h.replace("rules/1.json", "10", "11") }, "rules/1.json document_changed"},
		{"the rule is exchanged by one that fits the wish", lies{}, func(h *hands) {
			h.edit("rules/1.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"count_step"`), []byte(` "count_step"`), 1) })
		}, "rules/1.json document_changed"},
		{"the rule came after the snapshot", lies{late: "rulebook.published disclosure_rule"}, nil, "snapshots/1/receipt.tlog-proof rule_after_snapshot"},
		{"a snapshot names another rule", fact("snapshot.sealed", 2, "rule_hash", strings.Repeat("0", 64)), nil, "snapshots/2/receipt.tlog-proof entry_differs"},
		{"hashes of rules are none", lies{entry: func(_ string, facts map[string]any, _ *time.Time) {
			if facts["rule_hash"] != nil {
				facts["rule_hash"] = []any{}
			}
		}}, nil, "snapshots/1/receipt.tlog-proof fact_missing"},
		{"a snapshot names a rule that is nowhere", fact("snapshot.sealed", 2, "rule_version", 9), nil, "snapshots/2/receipt.tlog-proof rule_missing"},
		{"the rule is missing", lies{}, func(h *hands) { h.remove("rules/1.json") }, "rules/1.json file_missing"},
		{"the rule has a name twice", lies{rule: func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte(`{"version": 7,`), 1) }}, nil, "rules/1.json document_malformed"},
		{"the rule says another version than it is published as", lies{rule: func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 7`), 1) }}, nil, "rules/1.json version_wrong"},
		{"the first rule is missing", lies{}, func(h *hands) { h.files["rules/2.json"] = h.files["rules/1.json"]; h.remove("rules/1.") }, "rules/1 number_missing"},
		{"the model is edited", lies{}, func(h *hands) { h.replace("model/1.json", "redress", "another") }, "model/1.json document_changed"},
		{"the model came after the snapshot", lies{late: "rulebook.published model"}, nil, "snapshots/1/receipt.tlog-proof model_after_snapshot"},
		{"no model is there", lies{}, func(h *hands) { h.remove("model/") }, "snapshots/1/receipt.tlog-proof model_missing"},
		{"a correction is edited", lies{}, func(h *hands) { h.replace("restatements/1.json", "wrong", "right") }, "restatements/1.json document_changed"},
		{"a correction is dropped", lies{}, func(h *hands) { h.remove("restatements/") }, "releases/3/release.json restatements_wrong"},
		{"a release leaves a correction out", header(3, func(r *publication.Release) { r.Restatements = []publication.Restatement{} }), nil, "releases/3/release.json restatements_wrong"},
		{"a release rewords a correction", header(3, func(r *publication.Release) { r.Restatements[0].Reason.EN = "Nothing." }), nil, "releases/3/release.json restatements_wrong"},
		{"a release corrects what nobody logged", header(2, func(r *publication.Release) {
			r.Restatements = append(r.Restatements, publication.Restatement{Date: "2022-12-01", Release: 1, Measure: publication.Paid})
		}), nil, "releases/2/release.json restatements_wrong"},
		{"a correction is of a release that was not yet there", lies{restated: func(r *publication.Restatement) { r.Release = 3 }}, nil, "restatements/1.tlog-proof restatement_before_release"},
		{"statistics are edited", lies{}, func(h *hands) { h.replace("releases/1/statistics.json", "[]", "[1]") }, "releases/1/statistics.json document_changed"},
		{"statistics are exchanged before they are released", fact("snapshot.sealed", 1, "statistics_hash", strings.Repeat("0", 64)), nil, "releases/1/receipt.tlog-proof entry_differs"},
	}
}

func onReleases() []manipulation {
	first := "releases/1/release.json"
	return []manipulation{
		{"a total is raised", lies{}, func(h *hands) { h.replace(first, `"total":2`, `"total":3`) }, first + " document_changed"},
		{"a total is raised and signed", figures(1, claimed, grow(500)), nil, "release:1/claimed release_differs"},
		{"a total is lowered and signed", figures(1, claimed, grow(-500)), nil, "release:1/claimed release_differs"},
		{"a total is raised by more than rounding takes", figures(1, claimed, grow(50_000_000)), nil, "release:1/claimed/status rest_too_large"},
		{"a total is beyond all totals", figures(1, claimed, func(m *publication.MeasureRelease) { *m.Total = -5 }), nil, "release:1/claimed total_wrong"},
		{"a number of claims is raised and signed", figures(1, count, grow(10)), nil, "release:1/count release_differs"},
		{"a figure is not rounded as the rule says", figures(1, claimed, func(m *publication.MeasureRelease) {
			*shown(&m.Tables[statuses])[0].Value++
			m.Tables[statuses].Rest--
		}), nil, "release:1/claimed/status/open rounding_wrong"},
		{"a step is none of the rule's", figures(1, claimed, func(m *publication.MeasureRelease) { shown(&m.Tables[statuses])[0].Step /= 3 }), nil, "release:1/claimed/status/open rounding_wrong"},
		{"a step is finer than the rule allows", figures(1, claimed, func(m *publication.MeasureRelease) { shown(&m.Tables[statuses])[0].Step /= 10 }), nil, "release:1/claimed/status/open release_differs"},
		{"claims are moved from one cell to another", figures(1, claimed, func(m *publication.MeasureRelease) {
			rows := shown(&m.Tables[sectors])
			*rows[0].Value -= rows[0].Step
			*rows[1].Value += rows[0].Step
		}), nil, "release:1/claimed/sector/cafe release_differs"},
		{"a withheld figure is shown", figures(2, count, func(m *publication.MeasureRelease) {
			row := &m.Tables[statuses].Rows[1]
			value := int64(320)
			row.Value, row.Step = &value, 10
			m.Tables[statuses].Rest -= value
		}), nil, "release:2/count/status/open release_differs"},
		{"a shown figure is withheld", figures(1, claimed, func(m *publication.MeasureRelease) {
			row := shown(&m.Tables[regions])[0]
			m.Tables[regions].Rest += *row.Value
			row.Value, row.Step = nil, 0
		}), nil, "release:1/claimed/region/KR-11 release_differs"},
		{"a rest is edited", figures(1, claimed, func(m *publication.MeasureRelease) { m.Tables[regions].Rest++ }), nil, "release:1/claimed/region table_total_wrong"},
		{"a value is so large that the sum turns over", figures(1, claimed, func(m *publication.MeasureRelease) {
			*shown(&m.Tables[regions])[0].Value = 9_223_372_036_000_000_000
		}), nil, "release:1/claimed/region/KR-11 rounding_wrong"},
		{"a change of a total is edited", figures(2, claimed, func(m *publication.MeasureRelease) { *m.Change-- }), nil, "release:2/claimed change_wrong"},
		{"a change of a figure is edited", figures(2, claimed, func(m *publication.MeasureRelease) { *m.Tables[statuses].Rows[1].Change = 0 }), nil, "release:2/claimed/status/open change_wrong"},
		{"a change is told of the first release", figures(1, claimed, func(m *publication.MeasureRelease) { m.Change = new(int64) }), nil, "release:1/claimed change_wrong"},
		{"old figures are said to be new", figures(3, claimed, func(m *publication.MeasureRelease) { m.AsOf = 3 }), nil, "release:3/claimed release_differs"},
		{"figures are said to be of another release", figures(3, claimed, func(m *publication.MeasureRelease) { m.AsOf = 1 }), nil, "release:3/claimed as_of_wrong"},
		{"figures are said to be of no release", figures(3, claimed, func(m *publication.MeasureRelease) { m.AsOf = 0 }), nil, "release:3/claimed as_of_wrong"},
		{"standing figures are edited", figures(3, claimed, func(m *publication.MeasureRelease) {
			*m.Total += 1000
			*m.Change = 1000
			for i := range m.Tables {
				m.Tables[i].Rest += 1000
			}
		}), nil, "release:3/claimed as_of_wrong"},
		{"a standing table is edited", figures(3, claimed, func(m *publication.MeasureRelease) { m.Tables[0].Rest++ }), nil, "release:3/claimed as_of_wrong"},
		{"a release is gone", lies{}, func(h *hands) { h.remove("releases/2/") }, "releases/2 number_missing"},
		{"a release has another number", fact("release.published", 3, "number", 4), nil, "releases/3/receipt.tlog-proof entry_differs"},
		{"a release says another number", header(3, func(r *publication.Release) { r.Number = 4 }), nil, "releases/3/release.json release_header_wrong"},
		{"two releases are exchanged", lies{}, func(h *hands) { h.swap("releases/1/release.json", "releases/2/release.json") }, first + " document_changed"},
		{"a release says another time", header(1, func(r *publication.Release) { r.At = "2022-12-01T00:00:00Z" }), nil, first + " release_header_wrong"},
		{"a release says another root", header(1, func(r *publication.Release) { r.Root[0] ^= 1 }), nil, first + " release_header_wrong"},
		{"a release's entry says another root", fact("release.published", 1, "root", strings.Repeat("0", 64)), nil, "releases/1/receipt.tlog-proof entry_differs"},
		{"a release words the rule differently", header(1, func(r *publication.Release) { r.Rule.Text.EN = "Everything is exact." }), nil, first + " release_header_wrong"},
		{"a release is in another currency", header(1, func(r *publication.Release) { r.Currency = "USD" }), nil, first + " release_header_wrong"},
		{"a note is reworded", figures(1, claimed, func(m *publication.MeasureRelease) { m.Note.EN = "Nobody claimed anything." }), nil, first + " release_differs"},
		{"rows change places", figures(1, claimed, func(m *publication.MeasureRelease) {
			rows := m.Tables[regions].Rows
			rows[0], rows[1] = rows[1], rows[0]
		}), nil, "release:1/claimed rows_wrong"},
		{"a row is dropped", figures(1, claimed, func(m *publication.MeasureRelease) { m.Tables[8].Rows = m.Tables[8].Rows[1:] }), nil, "release:1/claimed rows_wrong"},
		{"a table is dropped", figures(1, claimed, func(m *publication.MeasureRelease) { m.Tables = m.Tables[1:] }), nil, "release:1/claimed tables_wrong"},
		{"a measure is dropped", header(1, func(r *publication.Release) { r.Measures = r.Measures[:4] }), nil, "releases/1/receipt.tlog-proof measures_wrong"},
		{"measures change places", header(1, func(r *publication.Release) { r.Measures[1], r.Measures[2] = r.Measures[2], r.Measures[1] }), nil, "release:1/estimated measures_wrong"},
		{"a release says that something was paid", figures(1, 4, grow(1_000_000)), nil, "release:1/paid paid_without_bank_file"},
		{"a release has a name twice", lies{}, func(h *hands) { h.replace(first, "{", `{"format":"x",`) }, first + " document_malformed"},
		{"a release has an unknown field", lies{}, func(h *hands) { h.replace(first, "{", `{"comment":"x",`) }, first + " document_malformed"},
		{"a release is written another way", lies{}, func(h *hands) { h.replace(first, ":", ": ") }, first + " document_malformed"},
		{"a snapshot came after its release", lies{late: "snapshot.sealed"}, nil, "releases/1/receipt.tlog-proof release_before_snapshot"},
		{"a release is of an older snapshot", fact("release.published", 3, "snapshot", 1), nil, "releases/3/receipt.tlog-proof release_out_of_order"},
		{"releases are logged in another order", lies{late: "release.published"}, nil, "releases/2/receipt.tlog-proof release_out_of_order"},
	}
}

func onSnapshots() []manipulation {
	second := "snapshots/2/receipt.tlog-proof"
	taken := func(nth int, by time.Duration) lies {
		return entry("snapshot.sealed", nth, func(facts map[string]any, at *time.Time) { facts["taken_at"] = at.Add(by).Format(time.RFC3339Nano) })
	}
	return []manipulation{
		{"a snapshot says that it was taken after it was sealed", taken(2, time.Hour), nil, second + " snapshot_post_dated"},
		{"a snapshot says that it was taken before the one before", taken(2, -6*time.Hour), nil, second + " snapshot_back_dated"},
		{"a snapshot says that it was taken before its rule", taken(1, -24*time.Hour), nil, "snapshots/1/receipt.tlog-proof snapshot_back_dated"},
		{"a snapshot says another moment than its release", taken(1, -2*time.Minute), nil, "releases/1/release.json release_header_wrong"},
		{"a snapshot says another root", fact("snapshot.sealed", 4, "root", strings.Repeat("0", 64)), nil, leavesOf(4) + " root_wrong"},
		{"a snapshot says another number", fact("snapshot.sealed", 4, "number", 5), nil, "snapshots/4/receipt.tlog-proof entry_differs"},
		{"a snapshot is in another currency", fact("snapshot.sealed", 4, "currency", "USD"), nil, "snapshots/4/receipt.tlog-proof entry_differs"},
		{"a snapshot is gone", lies{}, func(h *hands) { h.remove("snapshots/3/") }, "snapshots/3 number_missing"},
		{"a snapshot is gone that a release is of", lies{}, func(h *hands) { h.remove("snapshots/3/") }, "releases/3/receipt.tlog-proof snapshot_missing"},
		{"two snapshots are exchanged", lies{}, func(h *hands) {
			h.swap("snapshots/1/receipt.tlog-proof", second)
			h.swap(leavesOf(1), leavesOf(2))
		}, second + " entry_differs"},
		{"a snapshot is of another incident", lies{}, func(h *hands) { h.replace("bundle.json", incident, strings.Replace(incident, "1", "2", 1)) }, second + " entry_subject_wrong"},
	}
}

func onTheManifest(o *operator) []manipulation {
	manifest := func(old, with string) func(*hands) {
		return func(h *hands) { h.replace("bundle.json", old, with) }
	}
	wrong := "bundle.json manifest_wrong"
	return []manipulation{
		{"the manifest tells of fewer releases", lies{}, manifest(`"releases":3`, `"releases":2`), wrong},
		{"the manifest tells of absurdly many snapshots", lies{}, manifest(`"snapshots":4`, `"snapshots":4000000000`), wrong},
		{"the manifest tells of another log", lies{}, manifest(fmt.Sprintf(`"entries":%d`, len(o.log.leaves)), `"entries":1`), wrong},
		{"the manifest says that the bundle is for less", lies{}, manifest(`"accountant"`, `"auditor"`), wrong},
		{"the manifest says that the bundle is for everybody", lies{}, func(h *hands) {
			h.remove("estimates/")
			h.replace("bundle.json", fmt.Sprintf(`"estimates":%d,"erased":1`, len(h.contents.Estimates)-1), `"estimates":0,"erased":0`)
			h.replace("bundle.json", `"accountant"`, `"public"`)
		}, wrong},
		{"the manifest says that the bundle is for nobody", lies{}, manifest(`"accountant"`, `"nobody"`), wrong},
		{"the manifest is dated back", lies{}, manifest(`"made_at":"2022`, `"made_at":"2021`), wrong},
		{"the manifest has no date", lies{}, manifest(`"made_at":"2022`, `"made_at":"when`), wrong},
		{"the manifest names another currency", lies{}, manifest(`"KRW"`, `"USD"`), "snapshots/1/receipt.tlog-proof entry_differs"},
		{"the manifest is of another format", lies{}, manifest(`redress-bundle/1`, `redress-bundle/9`), wrong},
		{"the manifest has an unknown field", lies{}, manifest(`{`, `{"checked":true,`), "bundle.json document_malformed"},
		{"the manifest has a name twice", lies{}, manifest(`{`, `{"Releases":1,`), "bundle.json document_malformed"},
		{"the manifest is nested without end", lies{}, func(h *hands) { h.edit("bundle.json", func([]byte) []byte { return bytes.Repeat([]byte("["), 1<<20) }) }, "bundle.json document_malformed"},
		{"the manifest is missing", lies{}, func(h *hands) { h.remove("bundle.json") }, "bundle.json file_missing"},
		{"a document is too large", lies{}, func(h *hands) { h.edit("bundle.json", func([]byte) []byte { return make([]byte, 17<<20) }) }, "bundle.json file_too_large"},
		{"a file is there that nobody looks at", lies{}, func(h *hands) { h.files["releases/1/release-2.json"] = h.files["bundle.json"] }, "releases/1/release-2.json file_unknown"},
		{"a name would steer the terminal", lies{}, func(h *hands) { h.files["releases/\x1b[2J"] = h.files["bundle.json"] }, "releases/\ufffd[2J file_unknown"},
		{"a number is absurd", lies{}, func(h *hands) { h.files["releases/99999999999999999999/release.json"] = h.files["bundle.json"] }, "releases/99999999999999999999/release.json file_unknown"},
		{"a tile is made up", lies{}, func(h *hands) { h.files["log/tile/5/000"] = h.files["bundle.json"] }, "log/tile/5/000 file_unknown"},
		{"a part of a tile is made up", lies{}, func(h *hands) { h.files["log/tile/entries/000.p/1"] = h.files["bundle.json"] }, "log/tile/entries/000.p/1 file_unknown"},
		{"a bank file is made up", lies{}, func(h *hands) { h.files["payments/1.csv"] = h.files["bundle.json"] }, "payments/1.csv file_unknown"},
	}
}

// Whatever is done to a bundle, by whoever has it or by the operator who signs it,
// is found, by its name and in its place.
func TestEveryManipulationIsFound(t *testing.T) {
	o := tell(t, lies{})
	files := o.files()
	names := map[string]bool{}
	var shown []string // the folders of the claims that were drawn; of the first the claimant was erased
	for _, e := range o.contents.Estimates {
		shown = append(shown, "estimates/"+e.ID.String())
	}
	for _, m := range slices.Concat(onLeaves(), onTheLog(o), onDocuments(shown[1]), onReleases(), onSnapshots(), onSamples(), onNumbersOfSamples(),
		onEstimates(shown[1], shown[2]), onDrawnClaims(shown[0], shown[1], shown[2]), onTheManifest(o)) {
		if names[m.name] {
			t.Errorf("%q stands in the table twice", m.name)
		}
		names[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			own := *o
			own.TB = t
			h := &hands{operator: &own, files: maps.Clone(files), keys: readers(t), previous: slices.Clone(o.kept)}
			if m.edit == nil || m.lies.entry != nil {
				h.operator = tell(t, m.lies)
				h.files, h.previous = h.operator.files(), h.kept
			}
			if m.edit != nil {
				m.edit(h)
			}
			r, err := bundle.Verify(h.files, h.keys, bundle.Options{Previous: h.previous, Remake: remake})
			if err != nil {
				t.Fatal(err)
			}
			if all := found(r); !slices.Contains(all, m.want) {
				t.Errorf("want %s; found:\n%s", m.want, strings.Join(all, "\n"))
			}
			if r.Err() == nil {
				t.Error("the bundle holds")
			}
		})
	}
	t.Logf("%d manipulations", len(names))
}

package bundle

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/lang"
)

const (
	// maxMissing is how many tiles may be missing before the log is not looked at:
	// a checkpoint can state any size.
	maxMissing = 10_000
	// tolerance is how far the clocks of the processes that write entries, and of
	// witnesses, may be apart.
	tolerance = time.Minute
)

// checkLog verifies the log of the bundle whole, that it extends the checkpoints
// kept earlier and those of all receipts, and that what the receipts open are its
// leaves.
func (v *verifier) checkLog() {
	note, err := v.files.read(logFolder+"checkpoint", maxLogFile)
	if err != nil {
		v.finding(logFolder+"checkpoint", "checkpoint_missing", "The log has no checkpoint.", "로그에 체크포인트가 없습니다.")
		return
	}
	c, err := v.keys.Open(note)
	if err != nil {
		v.fail(logFolder+"checkpoint", err)
		return
	}
	if tiles := int64(len(v.files.paths)) + maxMissing; c.TreeSize/auditlog.TileWidth > tiles {
		v.finding(logFolder+"checkpoint", "log_incomplete", "The log of %d entries has far more tiles than there are in the bundle.",
			"항목 %d개의 로그에 있어야 할 타일이 묶음에 거의 없습니다.", c.TreeSize)
		return
	}
	previous, places := v.previous()
	before := len(v.Findings)
	v.audited, err = auditlog.VerifyPublished(logFiles{v.files}, v.keys, previous)
	v.failLog(err, places)
	v.audited.Previous = len(v.options.Previous)
	if v.logSound = len(v.Findings) == before; v.logSound {
		for _, path := range slices.Sorted(maps.Keys(v.openings)) {
			v.checkLeafOf(v.openings[path])
		}
	}
}

// checkTiles finds files among the tiles of a sound log that are none of its tiles.
func (v *verifier) checkTiles() {
	for _, path := range v.files.paths {
		if v.logSound && strings.HasPrefix(path, logFolder+"tile/") && !v.files.log[path] {
			v.finding(path, "file_unknown", "The log of the bundle has no such tile; nobody looks at it.", "묶음의 로그에 없는 타일이며 아무도 확인하지 않습니다.")
		}
	}
}

// previous are the checkpoints that the log has to extend: those kept earlier, then
// each other one of a receipt, with the places to name in findings.
func (v *verifier) previous() (notes [][]byte, places []string) {
	for i, note := range v.options.Previous {
		notes, places = append(notes, note), append(places, fmt.Sprintf("previous:%d", i))
	}
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(v.openings)) {
		if note := v.openings[path].Checkpoint.Note; !seen[string(note)] {
			seen[string(note)] = true
			notes, places = append(notes, note), append(places, path)
		}
	}
	return notes, places
}

// failLog notes what is wrong with the log, at the places of the bundle.
func (v *verifier) failLog(err error, places []string) {
	f := fault.As(err)
	if f == nil || len(f.Fields) == 0 {
		if err != nil {
			v.fail(logFolder, err)
		}
		return
	}
	for _, field := range f.Fields {
		pointer := logFolder + field.Pointer
		if number, is := strings.CutPrefix(field.Pointer, "previous:"); is {
			if i, err := strconv.Atoi(number); err == nil && i < len(places) {
				pointer = places[i]
			}
		}
		v.find(fault.Field{Pointer: pointer, Code: field.Code, Detail: field.Detail})
	}
}

// checkLeafOf checks that what a receipt opens is the leaf of that index in the log
// of the bundle, whose tiles are verified.
func (v *verifier) checkLeafOf(o opening) {
	size := v.audited.Checkpoint.TreeSize
	if o.LeafIndex >= size {
		v.finding(o.path, "receipt_beyond_log", "The entry is %d and the log of the bundle ends before it, at %d.",
			"항목이 %d번인데 묶음의 로그는 %d에서 끝납니다.", o.LeafIndex, size)
		return
	}
	leaf, err := v.leaf(o.LeafIndex, size)
	if err != nil {
		v.fail(o.path, err)
		return
	}
	if !bytes.Equal(leaf, o.Entry.Commitment) {
		v.finding(o.path, "leaf_not_in_log", "Entry %d of the bundle's log is another.", "묶음에 든 로그의 %d번 항목은 다른 것입니다.", o.LeafIndex)
	}
}

// leaf reads a commitment from the log.
func (v *verifier) leaf(index, size int64) ([]byte, error) {
	n := index / auditlog.TileWidth
	full := tlog.Tile{H: auditlog.TileHeight, L: auditlog.EntriesLevel, N: n, W: auditlog.TileWidth}
	width := int(min(size-n*auditlog.TileWidth, auditlog.TileWidth))
	partial := full
	partial.W = width
	data, err := logFiles{v.files}.ReadFile(auditlog.TilePath(partial))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = logFiles{v.files}.ReadFile(auditlog.TilePath(full))
		width = auditlog.TileWidth
	}
	if err != nil {
		return nil, err
	}
	commitments, err := auditlog.ParseBundle(data, width)
	if err != nil {
		return nil, err
	}
	return commitments[index%auditlog.TileWidth], nil
}

func (v *verifier) logHolds() lang.Text {
	c := v.audited.Checkpoint
	return lang.F("The log %s of %d entries is whole and signed, extends the %d checkpoint(s) kept earlier and those of all receipts, and has every opened entry in its place.",
		"%s 로그(항목 %d개)는 온전하고 서명되어 있으며, 전에 보관한 체크포인트 %d개와 모든 접수증의 체크포인트를 이어 가고, 열린 항목이 모두 제자리에 있습니다.", c.Origin, c.TreeSize, v.audited.Previous)
}

// checkTimes finds entries that were dated back or ahead: earlier than an entry
// that precedes them, or than a witness saw the log without them; later than a
// witness saw them.
func (v *verifier) checkTimes() {
	openings := slices.SortedFunc(maps.Values(v.openings), func(a, b opening) int {
		return cmp.Or(cmp.Compare(a.LeafIndex, b.LeafIndex), cmp.Compare(a.path, b.path))
	})
	seen := v.cosigned()
	var latest opening
	for _, o := range openings {
		if o.Entry.At.Before(latest.Entry.At.Add(-tolerance)) {
			v.finding(o.path, "entry_back_dated", "The entry is dated %s; entry %d before it is dated %s.",
				"항목의 시각이 %s인데 앞선 %d번 항목의 시각은 %s입니다.", stamp(o.Entry.At), latest.LeafIndex, stamp(latest.Entry.At))
		} else if o.Entry.At.After(latest.Entry.At) {
			latest = o
		}
		for _, s := range seen {
			switch {
			case o.LeafIndex >= s.size && o.Entry.At.Before(s.at.Add(-tolerance)):
				v.finding(o.path, "entry_back_dated", "The entry is dated %s; at %s a witness saw the log without it.",
					"항목의 시각이 %s인데 증인은 %s에 이 항목이 없는 로그를 보았습니다.", stamp(o.Entry.At), stamp(s.at))
			case o.LeafIndex < s.size && o.Entry.At.After(s.at.Add(tolerance)):
				v.finding(o.path, "entry_post_dated", "The entry is dated %s; at %s a witness saw it already.",
					"항목의 시각이 %s인데 증인은 %s에 이미 이 항목을 보았습니다.", stamp(o.Entry.At), stamp(s.at))
			}
		}
	}
}

// sighting is a log of a size as a witness saw it.
type sighting struct {
	size int64
	at   time.Time
}

// cosigned are all sightings that the bundle and the checkpoints kept earlier tell
// of, each once.
func (v *verifier) cosigned() []sighting {
	signed := []auditlog.Signed{v.audited.Checkpoint}
	if v.audited.Witnessed != nil {
		signed = append(signed, *v.audited.Witnessed)
	}
	for _, note := range v.options.Previous {
		if s, err := v.keys.Open(note); err == nil {
			signed = append(signed, s)
		}
	}
	for _, o := range v.openings {
		signed = append(signed, o.Checkpoint)
	}
	all := map[sighting]bool{}
	for _, s := range signed {
		for _, c := range s.Cosignatures {
			all[sighting{s.TreeSize, c.At}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b sighting) int { return cmp.Or(cmp.Compare(a.size, b.size), a.at.Compare(b.at)) })
}

func (v *verifier) timesHold() lang.Text {
	return lang.T("The opened entries are dated in the order of the log; none was dated back or ahead of what witnesses saw.",
		"열린 항목의 시각이 로그의 순서와 맞습니다. 증인이 본 것보다 앞당기거나 늦춘 항목이 없습니다.")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

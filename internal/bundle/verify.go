package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"unicode"

	"redress/internal/auditlog"
	"redress/internal/fault"
	"redress/internal/lang"
)

// maxFindings bounds the findings that are listed; what there is more is counted.
const maxFindings = 500

// Options are what a bundle is held against besides the keys of its log.
type Options struct {
	Previous [][]byte // signed checkpoints that were kept earlier
	// Remake makes an estimate again from what it was made from and compares bytes;
	// nil where nobody can.
	Remake func(EstimateFiles) error
}

// Report is what the verification of a bundle came to.
type Report struct {
	Holds []lang.Text // what was checked and holds
	// Findings are what does not hold. A pointer is a path in the bundle, or a place
	// in a release ("release:3/claimed/service+status/taxi open").
	Findings []fault.Field
	More     int         // findings that are not listed
	Unknown  []lang.Text // what cannot be known from this bundle
}

// Err is nil when nothing was found.
func (r Report) Err() error {
	if len(r.Findings) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "bundle_invalid",
		"The bundle does not hold: %d finding(s), %d of them listed.",
		"묶음이 맞지 않습니다. 문제 %d건 가운데 %d건을 적었습니다.", len(r.Findings)+r.More, len(r.Findings))
}

// Verify verifies a bundle with the keys of its log, which must come from elsewhere.
// An error says that there is nothing to verify: no such directory, or more files
// than a bundle can have. Leaves stream; of a snapshot no more is held than its ids
// and what publication.Publish needs.
func Verify(fsys fs.FS, keys auditlog.Keys, o Options) (Report, error) {
	v := &verifier{keys: keys, options: o, openings: map[string]opening{}}
	var err error
	if v.files, err = list(fsys, v.find); err != nil {
		return Report{}, err
	}
	for _, part := range []struct {
		check func()
		holds func() lang.Text // nil where there is nothing to say
	}{
		{v.readManifest, nil},
		{v.openReceipts, v.receiptsHold},
		{v.checkLog, v.logHolds},
		{v.checkTiles, nil},
		{v.checkTimes, v.timesHold},
		{v.checkDocuments, v.documentsHold},
		{v.checkSnapshots, v.snapshotsHold},
		{v.checkReleases, v.releasesHold},
		{v.checkLeaves, v.leavesHold},
		{v.checkSamples, v.samplesHold},
		{v.checkEstimates, v.estimatesHold},
		{v.checkManifest, nil},
	} {
		before := len(v.Findings) + v.More
		part.check()
		if part.holds == nil || len(v.Findings)+v.More > before {
			continue
		}
		if text := part.holds(); text != (lang.Text{}) {
			v.Holds = append(v.Holds, text)
		}
	}
	v.Unknown = v.unknown()
	return v.Report, nil
}

// verifier is the verification of one bundle.
type verifier struct {
	Report
	files    files
	keys     auditlog.Keys
	options  Options
	manifest Manifest

	openings map[string]opening // every receipt that verifies, by path
	audited  auditlog.Audited
	logSound bool
	documents
	versions  int // of schemes
	samples   samples
	snapshots []snapshot // by number from 1; those that cannot be read are zero
	releases  []release  // likewise
	remade    int        // releases
	estimates estimateCount
}

func (v *verifier) find(f fault.Field) {
	if len(v.Findings) == maxFindings {
		v.More++
		return
	}
	v.Findings = append(v.Findings, fault.Field{Pointer: printable(f.Pointer), Code: f.Code, Detail: lang.T(printable(f.Detail.EN), printable(f.Detail.KO))})
}

// printable keeps what a bundle says from steering the terminal that it is shown on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func (v *verifier) finding(pointer, code, en, ko string, args ...any) {
	v.find(fault.Field{Pointer: pointer, Code: code, Detail: lang.F(en, ko, args...)})
}

// fail notes an error at a place: a fault with its fields by its own code, anything
// else as a file that cannot be read.
func (v *verifier) fail(pointer string, err error) {
	f := fault.As(err)
	switch {
	case f == nil:
		v.finding(pointer, "file_unreadable", "The file cannot be read: %s.", "파일을 읽을 수 없습니다: %s.", err)
	case len(f.Fields) == 0:
		v.find(fault.Field{Pointer: pointer, Code: f.Code, Detail: f.Detail})
	default:
		for _, field := range f.Fields {
			v.find(fault.Field{Pointer: pointer + "#" + field.Pointer, Code: field.Code, Detail: field.Detail})
		}
	}
}

// read reads a document; ok is false, and a finding said why, where it cannot.
func (v *verifier) read(path string) (data []byte, ok bool) {
	if !v.files.there[path] {
		v.finding(path, "file_missing", "The file is missing.", "파일이 없습니다.")
		return nil, false
	}
	data, err := v.files.read(path, maxDocument)
	if err != nil {
		v.fail(path, err)
	}
	return data, err == nil
}

// decode reads a document as JSON.
func (v *verifier) decode(path string, into any) (data []byte, ok bool) {
	data, ok = v.read(path)
	if !ok {
		return nil, false
	}
	if err := decode(data, into); err != nil {
		v.fail(path, err)
		return nil, false
	}
	return data, true
}

// contiguous finds gaps among numbers that have to count from 1. It answers the
// largest.
func (v *verifier) contiguous(folder string) int {
	numbers := v.files.numbers(folder)
	last := 0
	for _, n := range numbers {
		if n != last+1 {
			v.finding(numbered(folder, last+1, ""), "number_missing", "%d is followed by %d; numbers count from 1 without gaps.",
				"%d 다음이 %d입니다. 번호는 1부터 빠짐없이 이어져야 합니다.", last, n)
		}
		last = n
	}
	return last
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

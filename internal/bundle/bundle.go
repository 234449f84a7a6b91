// Package bundle holds what auditors download of an incident, format
// "redress-bundle/1", and the verification of it: a directory or a zip with the
// log, the releases, and receipts for every document, and for auditors the leaves,
// samples and estimates behind them. Whoever holds a bundle and the keys of the
// log needs nothing else, no service and no database, to find whether it holds.
//
//	bundle.json                                        what the bundle says of itself; unsigned, so nothing rests on it
//	log/                                               the log as it is published: checkpoint, tiles, keys
//	snapshots/<n>/receipt.tlog-proof                   snapshot.sealed
//	snapshots/<n>/leaves.ndjson.gz                     auditor: the claims, one canonical line each
//	releases/<n>/release.json statistics.json receipt.tlog-proof
//	restatements/<n>.json <n>.tlog-proof
//	rules/<version>.json <version>.tlog-proof          rules of disclosure control, all from 1 on
//	model/<version>.json <version>.tlog-proof          estimator and calendar, all from 1 on
//	schemes/<id>/<version>.json <version>.tlog-proof
//	samples/<snapshot>/<n>/ended.tlog-proof            sample.ended: the bounds
//	samples/<snapshot>/<n>/drawn.json drawn.tlog-proof auditor: a publication.Sample, and sample.drawn; accountant: their own
//	samples/<snapshot>/<n>/results.json                likewise: Results
//	estimates/<salted id>/estimate.json inputs.json    accountant: the newest estimate at the snapshot
//	estimates/<salted id>/history-<service>.json       accountant: History
//	estimates/<salted id>/receipt.tlog-proof           accountant: the claim's entry that names the estimate's hash
//	estimates/<salted id>/erased.tlog-proof            accountant: claimant.erased, instead of all of these
//
// Whatever is numbered counts from 1 without a gap. Snapshots, releases, and samples
// as drawn and as ended, state in the log how many samples of the incident had been
// drawn and ended by then, so that one that is left out is missed.
package bundle

import (
	"fmt"
	"regexp"
	"time"

	"redress/internal/publication"
)

// Format is the format of bundles that this code writes and verifies.
const Format = "redress-bundle/1"

// Access says for whom a bundle is.
type Access string

// The kinds of access.
const (
	Public     Access = "public"     // of samples how they ended
	Auditor    Access = "auditor"    // leaves and all samples besides
	Accountant Access = "accountant" // as public, with leaves, their samples and the estimates of the claims of these
)

// SamplesOpen is how long an accountant may go on reading the files of a sample
// after its end, to answer questions about it.
const SamplesOpen = 30 * 24 * time.Hour

func (a Access) leaves() bool { return a == Auditor || a == Accountant }

// Manifest is bundle.json.
type Manifest struct {
	Format       string `json:"format"`
	Incident     string `json:"incident"`
	Currency     string `json:"currency"` // ISO 4217
	MadeAt       string `json:"made_at"`  // RFC 3339, UTC
	Access       Access `json:"access"`
	Entries      int64  `json:"entries"` // of the log
	Snapshots    int    `json:"snapshots"`
	Releases     int    `json:"releases"`
	Restatements int    `json:"restatements"`
	Rules        int    `json:"rules"`
	Models       int    `json:"models"`
	Schemes      int    `json:"schemes"` // versions
	Samples      int    `json:"samples"`
	Estimates    int    `json:"estimates"`
	Erased       int    `json:"erased"` // claims that were drawn and whose claimant was erased
}

// Results is results.json of a sample that has ended: what the accountant found, in
// the order in which the claims were drawn, and what follows for all claims. Every figure of Bound, as
// a share of the total, is a fact of the entry sample.ended, too.
type Results struct {
	Results []publication.Audited `json:"results"`
	Bound   publication.Bound     `json:"bound"`
}

// Where things are.
const (
	manifestPath = "bundle.json"
	logFolder    = "log/"

	document = ".json"
	proof    = ".tlog-proof"
)

func snapshotPath(n int, file string) string { return fmt.Sprintf("snapshots/%d/%s", n, file) }
func releasePath(n int, file string) string  { return fmt.Sprintf("releases/%d/%s", n, file) }
func numbered(folder string, n int, ending string) string {
	return fmt.Sprintf("%s/%d%s", folder, n, ending)
}
func schemePath(id string, version int, ending string) string {
	return fmt.Sprintf("schemes/%s/%d%s", id, version, ending)
}
func samplesOf(snapshot int) string { return fmt.Sprintf("samples/%d", snapshot) }
func samplePath(snapshot, n int, file string) string {
	return fmt.Sprintf("%s/%d/%s", samplesOf(snapshot), n, file)
}
func estimatePath(id publication.Hash, f string) string { return "estimates/" + id.String() + "/" + f }
func historyFile(service string) string                 { return "history-" + service + document }

const (
	numberPattern = `[1-9][0-9]{0,5}`
	codePattern   = `[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}`
)

// known are the paths of the format. What has another is a finding: nobody would
// have looked at it.
var known = regexp.MustCompile(`^(?:bundle\.json` +
	`|log/(?:keys|checkpoint|checkpoint\.witnessed|tile/[0-9a-z/.]{1,80})` +
	`|snapshots/` + numberPattern + `/(?:receipt\.tlog-proof|leaves\.ndjson\.gz)` +
	`|releases/` + numberPattern + `/(?:release\.json|statistics\.json|receipt\.tlog-proof)` +
	`|(?:restatements|rules|model)/` + numberPattern + `\.(?:json|tlog-proof)` +
	`|schemes/` + codePattern + `/` + numberPattern + `\.(?:json|tlog-proof)` +
	`|samples/` + numberPattern + `/` + numberPattern + `/(?:drawn\.json|results\.json|drawn\.tlog-proof|ended\.tlog-proof)` +
	`|estimates/[0-9a-f]{64}/(?:estimate\.json|inputs\.json|receipt\.tlog-proof|erased\.tlog-proof|history-` + codePattern + `\.json)` +
	`)$`)

package bundle

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"redress/internal/auditlog"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// Contents are what a bundle is written from. All of it has to be of one moment:
// receipts under a checkpoint that Log does not have yet, a reader would take for a
// log that shrank.
type Contents struct {
	Incident string
	Currency string
	MadeAt   time.Time
	Access   Access
	Log      Log

	Snapshots    []Snapshot // by number from 1
	Releases     []Release  // by number from 1
	Restatements []Document // by number from 1
	Rules        []Document // by version from 1
	Models       []Document // by version from 1
	Schemes      []Scheme
	Samples      []Sample
	Estimates    []Estimate // of claims that were drawn
}

// Log is the log as stored, and the file of its keys.
type Log struct {
	Head auditlog.Head
	Tree auditlog.Reader
	Keys string
}

// Document is a document and the receipt of its entry.
type Document struct {
	Bytes   []byte
	Receipt []byte
}

// Scheme is a version of a scheme.
type Scheme struct {
	ID      string
	Version int
	Document
}

// Snapshot is one that was sealed. Leaves writes its leaves as WriteLeaves does; nil
// in a public bundle.
type Snapshot struct {
	Receipt []byte
	Leaves  func(io.Writer) error
}

// Release is what was published.
type Release struct {
	Release    []byte
	Statistics []byte
	Receipt    []byte
}

// Sample is one that was drawn. Who gets no leaves, or is another accountant, gets
// Ended alone; Results and Ended are empty until it has ended.
type Sample struct {
	Snapshot     int    // number
	Number       int    // among the samples of the snapshot, from 1
	Drawn        []byte // JSON of a publication.Sample
	DrawnReceipt []byte
	Results      []byte // JSON of Results
	Ended        []byte // receipt of sample.ended
}

// Estimate is an estimate with what it was made from, or that its person was erased
// and it with them.
type Estimate struct {
	ID        publication.Hash // salted, as in the leaves
	Estimate  []byte
	Inputs    []byte
	Histories map[string]revenue.History // by service, joined as the estimate read them
	Receipt   []byte                     // of the claim's entry with the estimate's hash
	Erased    []byte                     // receipt of claimant.erased; nil while the estimate is there
}

// Put takes a file of a bundle. Paths come in ascending order, each once; write
// writes what the file holds.
type Put func(path string, write func(io.Writer) error) error

// Write hands over the files of a bundle. The same contents give the same files in
// the same order.
func Write(put Put, c Contents) error {
	w := writer{files: map[string]func(io.Writer) error{}}
	if err := w.contents(c); err != nil {
		return err
	}
	paths := make([]string, 0, len(w.files))
	for path := range w.files {
		if !known.MatchString(path) {
			return fmt.Errorf("%s is no path of the format %s", path, Format)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		if err := put(path, w.files[path]); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

// writer gathers the files of a bundle by path.
type writer struct {
	files map[string]func(io.Writer) error
}

// add adds a file, unless it is empty.
func (w writer) add(path string, data []byte) {
	if len(data) > 0 {
		w.files[path] = func(to io.Writer) error {
			_, err := to.Write(data)
			return err
		}
	}
}

func (w writer) contents(c Contents) error {
	manifest, err := json.Marshal(c.manifest())
	if err != nil {
		return err
	}
	w.add(manifestPath, append(manifest, '\n'))
	w.log(c.Log)
	for i, s := range c.Snapshots {
		w.add(snapshotPath(i+1, "receipt"+proof), s.Receipt)
		if s.Leaves != nil {
			w.files[leavesPath(i+1)] = s.Leaves
		}
	}
	for i, r := range c.Releases {
		w.add(releasePath(i+1, "release"+document), r.Release)
		w.add(releasePath(i+1, "statistics"+document), r.Statistics)
		w.add(releasePath(i+1, "receipt"+proof), r.Receipt)
	}
	for folder, all := range map[string][]Document{"restatements": c.Restatements, "rules": c.Rules, "model": c.Models} {
		for i, d := range all {
			w.add(numbered(folder, i+1, document), d.Bytes)
			w.add(numbered(folder, i+1, proof), d.Receipt)
		}
	}
	for _, s := range c.Schemes {
		w.add(schemePath(s.ID, s.Version, document), s.Bytes)
		w.add(schemePath(s.ID, s.Version, proof), s.Receipt)
	}
	for _, s := range c.Samples {
		w.add(samplePath(s.Snapshot, s.Number, "drawn"+document), s.Drawn)
		w.add(samplePath(s.Snapshot, s.Number, "drawn"+proof), s.DrawnReceipt)
		w.add(samplePath(s.Snapshot, s.Number, "results"+document), s.Results)
		w.add(samplePath(s.Snapshot, s.Number, "ended"+proof), s.Ended)
	}
	for _, e := range c.Estimates {
		w.estimate(e)
	}
	return nil
}

func (c Contents) manifest() Manifest {
	erased := 0
	for _, e := range c.Estimates {
		if e.Erased != nil {
			erased++
		}
	}
	return Manifest{
		Format: Format, Incident: c.Incident, Currency: c.Currency, MadeAt: stamp(c.MadeAt), Access: c.Access, Entries: c.Log.Head.Size,
		Snapshots: len(c.Snapshots), Releases: len(c.Releases), Restatements: len(c.Restatements), Rules: len(c.Rules), Models: len(c.Models),
		Schemes: len(c.Schemes), Samples: len(c.Samples), Estimates: len(c.Estimates) - erased, Erased: erased,
	}
}

// log adds the published log. Tiles are read when they are written.
func (w writer) log(l Log) {
	w.add(logFolder+"checkpoint", l.Head.Published())
	w.add(logFolder+auditlog.WitnessedPath, l.Head.Cosigned)
	w.add(logFolder+"keys", []byte(l.Keys))
	for _, t := range auditlog.Tiles(0, l.Head.Size) {
		w.files[logFolder+auditlog.TilePath(t)] = func(to io.Writer) error {
			data, err := auditlog.ReadTile(t, l.Head.Size, l.Tree)
			if err != nil {
				return err
			}
			_, err = to.Write(data)
			return err
		}
	}
}

func (w writer) estimate(e Estimate) {
	w.add(estimatePath(e.ID, "estimate"+document), e.Estimate)
	w.add(estimatePath(e.ID, "inputs"+document), e.Inputs)
	w.add(estimatePath(e.ID, "receipt"+proof), e.Receipt)
	w.add(estimatePath(e.ID, "erased"+proof), e.Erased)
	for service, h := range e.Histories {
		w.files[estimatePath(e.ID, historyFile(service))] = func(to io.Writer) error {
			data, err := EncodeHistory(h)
			if err != nil {
				return err
			}
			_, err = to.Write(data)
			return err
		}
	}
}

// WriteZip writes a bundle as a zip. The same contents give the same bytes.
func WriteZip(w io.Writer, c Contents) error {
	z := zip.NewWriter(w)
	err := Write(func(path string, write func(io.Writer) error) error {
		header := &zip.FileHeader{Name: path, Method: zip.Deflate}
		if strings.HasSuffix(path, ".gz") {
			header.Method = zip.Store
		}
		to, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		return write(to)
	}, c)
	if err != nil {
		return err
	}
	return z.Close()
}

// WriteDirectory writes a bundle as a directory, which has to be new or empty.
func WriteDirectory(dir string, c Contents) error {
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return fmt.Errorf("%s: %w; a bundle is written into a new or empty directory", dir, fs.ErrExist)
	}
	return Write(func(path string, write func(io.Writer) error) error {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		return errors.Join(write(file), file.Close())
	}, c)
}

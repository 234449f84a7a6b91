package bundle

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
)

// Bounds of what is read: a bundle comes from whoever may gain by exhausting its
// reader.
const (
	maxFiles    = 2_000_000 // a log of 400 million entries
	maxDocument = 16 << 20  // bytes of a document
	maxLogFile  = 1 << 20   // bytes of a file of the log
)

// OpenZip opens a bundle that is a zip. It refuses names that lead out of it,
// names that stand in it twice, and more files than a bundle can have. What the
// files hold is bounded where they are read.
func OpenZip(r io.ReaderAt, size int64) (fs.FS, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, unreadable("it is no zip", "zip 파일이 아닙니다").Because(err)
	}
	if len(z.File) > maxFiles {
		return nil, unreadable("it has too many files", "파일이 너무 많습니다")
	}
	names := make(map[string]bool, len(z.File))
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, "/")
		if !fs.ValidPath(name) || strings.Contains(name, `\`) {
			return nil, unreadable("the name %q leads out of it", "이름 %q이(가) 묶음 밖을 가리킵니다", f.Name)
		}
		if names[name] {
			return nil, unreadable("%q stands in it twice", "%q이(가) 두 번 있습니다", f.Name)
		}
		names[name] = true
	}
	return z, nil
}

func unreadable(en, ko string, args ...any) *fault.Error {
	return fault.New(fault.Malformed, "bundle_unreadable", "The bundle cannot be read: %s.", "묶음을 읽을 수 없습니다: %s.", lang.F(en, ko, args...))
}

// files are the files of a bundle that the format knows.
type files struct {
	fs.FS
	paths []string // ascending
	there map[string]bool
	log   map[string]bool // files of the log that were read
}

// list takes in what there is, and tells report what is none of the format.
func list(fsys fs.FS, report func(fault.Field)) (files, error) {
	f := files{FS: fsys, there: map[string]bool{}, log: map[string]bool{}}
	seen := 0
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxFiles {
			return unreadable("it has too many files", "파일이 너무 많습니다")
		}
		switch {
		case d.IsDir():
		case !d.Type().IsRegular():
			report(fault.At(path, "file_irregular", "This is no ordinary file.", "일반 파일이 아닙니다."))
		case !known.MatchString(path):
			report(fault.At(path, "file_unknown", "The format %s has no such file; nobody looks at it.", "%s 형식에 없는 파일이며 아무도 확인하지 않습니다.", Format))
		default:
			f.paths, f.there[path] = append(f.paths, path), true
		}
		return nil
	})
	slices.Sort(f.paths)
	return f, err
}

// read reads a file of at most limit bytes.
func (f files) read(path string, limit int64) ([]byte, error) {
	file, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, "file_too_large", "The file is longer than %d bytes.", "파일이 %d바이트보다 큽니다.", limit)
	}
	return data, nil
}

// under are the names directly in a folder, ascending, each once.
func (f files) under(folder string) []string {
	var names []string
	first, _ := slices.BinarySearch(f.paths, folder+"/")
	for _, path := range f.paths[first:] {
		rest, inside := strings.CutPrefix(path, folder+"/")
		if !inside {
			break
		}
		name, _, _ := strings.Cut(rest, "/")
		for _, ending := range []string{document, proof} {
			name = strings.TrimSuffix(name, ending)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// numbers are the names in a folder as numbers, ascending.
func (f files) numbers(folder string) []int {
	var numbers []int
	for _, name := range f.under(folder) {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// logFiles are the files of the log, as auditlog reads them.
type logFiles struct{ files }

// ReadFile reads a file below log/.
func (l logFiles) ReadFile(name string) ([]byte, error) {
	if !l.there[logFolder+name] {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	l.log[logFolder+name] = true
	data, err := l.read(logFolder+name, maxLogFile)
	if fault.As(err) != nil {
		err = errors.New("longer than a file of a log can be")
	}
	return data, err
}

package scheme

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed library/*.json
var libraryFiles embed.FS

// Library returns the schemes that Redress ships, in the order of their names.
// They are ordinary schemes: each call reads and checks them anew.
func Library() ([]*Scheme, error) {
	names, err := fs.Glob(libraryFiles, "library/*.json")
	if err != nil {
		return nil, err
	}
	all := make([]*Scheme, 0, len(names))
	for _, name := range names {
		s, err := FromLibrary(strings.TrimSuffix(path.Base(name), ".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// FromLibrary returns the shipped scheme of that name, which is its file's name
// and its id.
func FromLibrary(name string) (*Scheme, error) {
	data, err := libraryFiles.ReadFile("library/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("no scheme %q in the library: %w", name, err)
	}
	s, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("library/%s.json: %w", name, err)
	}
	return s, nil
}

// Package tidy_test keeps the house in order: which room may import which, the
// length of functions and files, where the clock is read, and what the documents
// refer to.
package tidy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// floors are the rooms from the ground up. A room imports rooms of lower floors
// only, so rooms of one floor never import each other; the program wires them.
var floors = [][]string{
	{"migrations", "internal/lang"},
	{"internal/fault", "internal/money"},
	{"internal/revenue"},
	{"internal/baseline", "internal/scheme"},
	{"internal/identity", "internal/auditlog", "internal/checks", "internal/evidence", "internal/letter", "internal/publication"},
	{"internal/bundle", "internal/publication/attack"},
	{"internal/claims", "internal/fsck"},
	{"internal/store", "internal/httpapi", "internal/web", "internal/sandbox", "internal/jobs"},
	{"internal/store/storetest", "api"},
}

// forTests are rooms that only tests import.
var forTests = []string{"internal/store/storetest", "internal/publication/attack"}

const (
	maxFunction = 70
	maxFile     = 700
)

// goFile is a source file of the module that people wrote.
type goFile struct {
	path   string // from the root, with slashes
	room   string
	isTest bool
	lines  int
	set    *token.FileSet
	*ast.File
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if ast.IsGenerated(file) {
			return nil
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		files = append(files, goFile{
			path: name, room: filepath.ToSlash(filepath.Dir(name)), isTest: strings.HasSuffix(name, "_test.go"),
			lines: set.File(file.Pos()).LineCount(), set: set, File: file,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go files found")
	}
	return files
}

func (f goFile) line(p token.Pos) int { return f.set.Position(p).Line }

func floorOf(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

func TestARoomImportsOnlyRoomsBelowIt(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest {
			continue
		}
		own := floorOf(f.room)
		if own < 0 {
			t.Errorf("%s: the room %s has no floor; give it one here and a sentence in docs/house.md", f.path, f.room)
			continue
		}
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			room, ours := strings.CutPrefix(path, "redress/")
			if !ours {
				continue
			}
			if at := floorOf(room); at < 0 || at >= own {
				t.Errorf("%s:%d: %s may not import %s", f.path, f.line(i.Pos()), f.room, room)
			}
			if slices.Contains(forTests, room) {
				t.Errorf("%s:%d: %s is for tests", f.path, f.line(i.Pos()), room)
			}
		}
	}
}

// Everything but the program is told the time, so that it can be tested at any.
func TestOnlyTheProgramReadsTheClock(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest || f.room == "api" || slices.Contains(forTests, f.room) {
			continue
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
				t.Errorf("%s:%d: time.%s; take the time as an argument", f.path, f.line(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
}

func TestFunctionsAndFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.lines > maxFile {
			t.Errorf("%s has %d lines; %d are enough", f.path, f.lines, maxFile)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			// Tables make tests long without making them hard to read.
			if !ok || f.isTest {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunction {
				t.Errorf("%s:%d: %s has %d lines; %d are enough", f.path, f.line(fn.Pos()), fn.Name.Name, n, maxFunction)
			}
		}
	}
}

// A test that is skipped in silence is a test that is believed to pass.
func TestSkippedTestsSaySoLoudly(t *testing.T) {
	for _, f := range goFiles(t) {
		ast.Inspect(f.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
				return true
			}
			if x, ok := s.X.(*ast.Ident); !ok || !slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) {
				return true
			}
			if len(call.Args) > 0 {
				if l, ok := call.Args[0].(*ast.BasicLit); ok && strings.Contains(l.Value, "SKIPPED") {
					return true
				}
			}
			t.Errorf("%s:%d: a skip without the word SKIPPED", f.path, f.line(call.Pos()))
			return true
		})
	}
}

var (
	fenced = regexp.MustCompile("(?ms)^```.*?^```")
	link   = regexp.MustCompile(`(?:\]\(|src=")([^)\s"]+)`)
	title  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

func TestLinksInTheDocumentsLeadSomewhere(t *testing.T) {
	documents := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			documents = append(documents, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			checkLink(t, document, m[1])
		}
	}
}

var codeName = regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w*(?:\\.[A-Z]\\w*)?)`")

func TestNamesOfCodeInTheDocumentsExist(t *testing.T) {
	declared, packages := declaredNames(t)
	for _, document := range []string{"docs/house.md", "docs/words.md", "docs/decisions.md"} {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeName.FindAllStringSubmatch(string(text), -1) {
			if packages[m[1]] && !declared[m[1]+"."+m[2]] {
				t.Errorf("%s: there is no %s.%s", document, m[1], m[2])
			}
		}
	}
}

// declaredNames finds "package.Name" and "package.Type.Method" of all rooms.
func declaredNames(t *testing.T) (declared, packages map[string]bool) {
	t.Helper()
	declared, packages = map[string]bool{}, map[string]bool{}
	for _, f := range goFiles(t) {
		if f.isTest {
			continue
		}
		pkg := f.Name.Name
		packages[pkg] = true
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				declared[pkg+"."+receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						declared[pkg+"."+spec.Name.Name] = true
						declareMethods(declared, pkg, spec)
					case *ast.ValueSpec:
						for _, n := range spec.Names {
							declared[pkg+"."+n.Name] = true
						}
					}
				}
			}
		}
	}
	return declared, packages
}

// receiver is "Type." for a method and nothing for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

func declareMethods(declared map[string]bool, pkg string, spec *ast.TypeSpec) {
	i, ok := spec.Type.(*ast.InterfaceType)
	if !ok {
		return
	}
	for _, m := range i.Methods.List {
		for _, n := range m.Names {
			declared[pkg+"."+spec.Name.Name+"."+n.Name] = true
		}
	}
}

func checkLink(t *testing.T, document, target string) {
	t.Helper()
	file, anchor, _ := strings.Cut(target, "#")
	path := document
	if file != "" {
		path = filepath.Join(filepath.Dir(document), file)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Errorf("%s: the link %s leads nowhere", document, target)
		return
	}
	if anchor == "" || info.IsDir() || !strings.HasSuffix(path, ".md") {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range title.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
		if anchorOf(m[1]) == anchor {
			return
		}
	}
	t.Errorf("%s: the link %s leads to no heading", document, target)
}

// anchorOf is the anchor that a heading gets where the documents are shown.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is what the scan needs of the Go source.
type source struct {
	constants map[string]string     // by "package.Name"
	calls     map[string][]call     // by "package.Function", methods too
	tables    map[string][][]string // composite literals of strings, by "package.Type"
}

// function is a declared function with its parameters in order.
type function struct {
	name, pkg  string
	parameters []string
}

type call struct {
	in   function
	args []ast.Expr
	at   token.Position
}

func load(t *testing.T) *source {
	t.Helper()
	src := &source{constants: map[string]string{}, calls: map[string][]call{}, tables: map[string][][]string{}}
	set := token.NewFileSet()
	for _, root := range []string{"../../internal", "../../api"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".gen.go") {
				return err
			}
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			src.read(set, file)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return src
}

func (s *source) read(set *token.FileSet, file *ast.File) {
	pkg := file.Name.Name
	imported := map[string]bool{}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		imported[path[strings.LastIndex(path, "/")+1:]] = true
	}
	for _, d := range file.Decls {
		in := function{pkg: pkg}
		if f, ok := d.(*ast.FuncDecl); ok {
			in.name = pkg + "." + f.Name.Name
			for _, p := range f.Type.Params.List {
				for _, n := range p.Names {
					in.parameters = append(in.parameters, n.Name)
				}
			}
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				s.readConstants(pkg, n)
			case *ast.CallExpr:
				if name := callee(pkg, imported, n.Fun); name != "" {
					s.calls[name] = append(s.calls[name], call{in, n.Args, set.Position(n.Pos())})
				}
			case *ast.CompositeLit:
				s.readTable(pkg, n)
			}
			return true
		})
	}
}

func (s *source) readConstants(pkg string, n *ast.ValueSpec) {
	for i, name := range n.Names {
		if i < len(n.Values) {
			if text, ok := literal(n.Values[i]); ok {
				s.constants[pkg+"."+name.Name] = text
			}
		}
	}
}

// readTable keeps the strings of T{…} and of the elements of map[…]T{…}.
func (s *source) readTable(pkg string, n *ast.CompositeLit) {
	switch typ := n.Type.(type) {
	case *ast.Ident:
		s.keepRow(pkg+"."+typ.Name, n)
	case *ast.MapType:
		name, ok := typ.Value.(*ast.Ident)
		if !ok {
			return
		}
		for _, e := range n.Elts {
			if row, ok := e.(*ast.KeyValueExpr).Value.(*ast.CompositeLit); ok && row.Type == nil {
				s.keepRow(pkg+"."+name.Name, row)
			}
		}
	}
}

func (s *source) keepRow(name string, n *ast.CompositeLit) {
	row := make([]string, len(n.Elts))
	for i, e := range n.Elts {
		row[i], _ = literal(e)
	}
	s.tables[name] = append(s.tables[name], row)
}

// callee names what is called: "package.Function". A method is taken for one of
// the same package.
func callee(pkg string, imported map[string]bool, fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return pkg + "." + f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && imported[x.Name] {
			return x.Name + "." + f.Sel.Name
		}
		return pkg + "." + f.Sel.Name
	}
	return ""
}

// values finds the string values that the expressions have together. Where one
// is a parameter of the function around it, every call of that function gives a
// set of values.
func (s *source) values(in function, exprs ...ast.Expr) [][]string {
	needed := map[string]bool{}
	for _, e := range exprs {
		ast.Inspect(e, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && slices.Contains(in.parameters, id.Name) {
				needed[id.Name] = true
			}
			return true
		})
	}
	names := slices.Sorted(maps.Keys(needed))
	bindings := []map[string]string{{}}
	if len(names) > 0 {
		bindings = s.bindings(in, names)
	}
	var all [][]string
	for _, b := range bindings {
		set := make([]string, len(exprs))
		for i, e := range exprs {
			set[i] = s.value(in.pkg, e, b)
		}
		all = append(all, set)
	}
	return all
}

func (s *source) bindings(in function, names []string) []map[string]string {
	var all []map[string]string
	for _, c := range s.calls[in.name] {
		args := make([]ast.Expr, len(names))
		for i, name := range names {
			args[i] = c.args[slices.Index(in.parameters, name)]
		}
		for _, set := range s.values(c.in, args...) {
			b := map[string]string{}
			for i, name := range names {
				b[name] = set[i]
			}
			all = append(all, b)
		}
	}
	return all
}

// value evaluates literals, constants, bound parameters and their sums; the
// empty string stands for anything else.
func (s *source) value(pkg string, e ast.Expr, bound map[string]string) string {
	if text, ok := literal(e); ok {
		return text
	}
	switch e := e.(type) {
	case *ast.Ident:
		if v, ok := bound[e.Name]; ok {
			return v
		}
		return s.constants[pkg+"."+e.Name]
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return s.constants[x.Name+"."+e.Sel.Name]
		}
	case *ast.BinaryExpr:
		return s.value(pkg, e.X, bound) + s.value(pkg, e.Y, bound)
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

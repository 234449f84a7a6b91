package web_test

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the tables of docs/problems.md anew")

const problemsFile = "../../docs/problems.md"

// statuses are the HTTP statuses of the kinds of fault, as docs/problems.md
// shows them.
var statuses = map[string]string{
	"malformed": "400", "unauthenticated": "401", "forbidden": "403", "not_found": "404", "conflict": "409", "stale": "412",
	"too_large": "413", "unsupported": "415", "invalid": "422", "precondition": "428", "limited": "429", "internal": "500",
	"unavailable": "503",
}

// A client may rely on every code, so each is documented with its wording in
// both languages, and nothing is documented that cannot happen.
func TestProblemsAreDocumentedAsTheCodeHasThem(t *testing.T) {
	found := scan(t)
	if *update {
		writeTables(t, found)
	}
	documented := readCodes(t)
	for _, section := range slices.Sorted(maps.Keys(found)) {
		want := slices.Sorted(maps.Keys(found[section]))
		if diff := gocmp.Diff(want, documented[section], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("docs/problems.md, %s (-code +document); run go test ./internal/web -run TestProblems -update\n%s", section, diff)
		}
	}
}

// The sections of the document, in their order.
const (
	problemSection = "problems"
	fieldSection   = "fields"
	rowSection     = "rows"
)

// wording is one sentence a code comes with.
type wording struct{ status, en, ko string }

// codes are the codes of a section with their wordings.
type codes map[string][]wording

func (c codes) add(code string, w wording) {
	if !slices.Contains(c[code], w) {
		c[code] = append(c[code], w)
	}
}

// scan finds every code in the source: what is passed to fault.New and
// fault.At, directly or through parameters, and what the tables of rules and
// reasons hold.
func scan(t *testing.T) map[string]codes {
	src := load(t)
	found := map[string]codes{problemSection: {}, fieldSection: {}, rowSection: {}}
	for _, call := range src.calls["fault.New"] {
		for _, v := range src.values(call.in, call.args[0], call.args[1], call.args[2], call.args[3]) {
			status, known := statuses[v[0]]
			if !known {
				t.Errorf("%s: kind %q of %s has no status here", call.at, v[0], v[1])
			}
			found[problemSection].add(v[1], wording{status, v[2], v[3]})
		}
	}
	for _, call := range src.calls["fault.At"] {
		for _, v := range src.values(call.in, call.args[1], call.args[2], call.args[3]) {
			found[fieldSection].add(v[0], wording{"", v[1], v[2]})
		}
	}
	for _, row := range src.tables["httpapi.rule"] {
		found[fieldSection].add(row[1], wording{"", row[2], row[3]})
	}
	for _, row := range src.tables["revenue.reason"] {
		found[rowSection].add(row[0], wording{"", row[1], row[2]})
	}
	// The two that no room returns: httpapi words them itself.
	found[problemSection].add("internal", wording{"500", "An error on our side.", "서버 오류가 발생했습니다."})
	found[problemSection].add("not_in_contract", wording{"404, 405", "The contract has no such path, or not with that method.", "계약에 없는 경로이거나 메서드입니다."})
	for section, byCode := range found {
		if len(byCode) == 0 || byCode[""] != nil {
			t.Errorf("the scan of the %s has lost its way: %d codes, %v without a code", section, len(byCode), byCode[""])
		}
	}
	return found
}

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

// Each generated table stands between "<!-- section -->" and "<!-- end -->".
func markers(section string) (begin, end string) { return "<!-- " + section + " -->\n", "<!-- end -->" }

var documentedCode = regexp.MustCompile("(?m)^\\| `([a-z_]+)` ")

func readCodes(t *testing.T) map[string][]string {
	text, err := os.ReadFile(problemsFile)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	for _, section := range []string{problemSection, fieldSection, rowSection} {
		begin, end := markers(section)
		_, rest, ok := strings.Cut(string(text), begin)
		if !ok {
			t.Fatalf("docs/problems.md has no line %q", begin)
		}
		table, _, _ := strings.Cut(rest, end)
		for _, m := range documentedCode.FindAllStringSubmatch(table, -1) {
			documented[section] = append(documented[section], m[1])
		}
	}
	return documented
}

func writeTables(t *testing.T, found map[string]codes) {
	text, err := os.ReadFile(problemsFile)
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	for section, byCode := range found {
		begin, end := markers(section)
		before, rest, ok := strings.Cut(document, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("docs/problems.md has no %q … %q", begin, end)
		}
		document = before + begin + table(section, byCode) + end + after
	}
	if err := os.WriteFile(problemsFile, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table(section string, byCode codes) string {
	var b strings.Builder
	status := section == problemSection
	b.WriteString("| code |" + map[bool]string{true: " status |"}[status] + " English | 한국어 |\n")
	b.WriteString("|---|" + map[bool]string{true: "---|"}[status] + "---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		wordings := byCode[code]
		slices.SortFunc(wordings, func(a, b wording) int { return cmp.Compare(a.status+a.en, b.status+b.en) })
		fmt.Fprintf(&b, "| `%s` |", code)
		if status {
			fmt.Fprintf(&b, " %s |", joined(wordings, ", ", func(w wording) string { return w.status }))
		}
		fmt.Fprintf(&b, " %s | %s |\n", joined(wordings, "<br>", func(w wording) string { return shown(w.en) }),
			joined(wordings, "<br>", func(w wording) string { return shown(w.ko) }))
	}
	return b.String()
}

// joined lists what the wordings hold, each once.
func joined(wordings []wording, separator string, of func(wording) string) string {
	var parts []string
	for _, w := range wordings {
		if part := of(w); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, separator)
}

var verb = regexp.MustCompile(`"?%(\[\d+\])?[sdqvf]"?`)

// shown writes a format as a reader meets it: arguments become "…".
func shown(form string) string {
	return strings.NewReplacer("%%", "%", "|", `\|`, "\n", " ").Replace(verb.ReplaceAllString(form, "…"))
}

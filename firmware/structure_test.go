package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors is the house, ground first. A package of the product imports only from lower floors; those that share a floor do
// not know one another, and main introduces them. "board/..." stands for every package below board.
var floors = [][]string{
	{
		"firmware/numbering", "firmware/calendar", "firmware/event", "firmware/stun", "firmware/multipart", "firmware/datagram", "firmware/field",
		"firmware/g711", "firmware/quality", "firmware/credential", "board/confine", "board/rawudp", "board/exfat",
	},
	{"firmware/policy"},
	{
		"firmware/ua", "firmware/live", "firmware/store", "firmware/certs", "firmware/envelope", "firmware/sdp", "firmware/eventbody", "firmware/media", "firmware/resolve", "firmware/supervise", "firmware/stir/fetch", // hands
		"firmware/access", "firmware/route", "firmware/admission", "firmware/fraud", "firmware/header", "firmware/nat", "firmware/rotation", "firmware/doctor", "firmware/load", "firmware/bundle", "firmware/stir", // judgement
		"netfilter", "board/...", "webui",
	},
	{"firmware/edge", "firmware/registrar", "firmware/phones", "firmware/trunk", "firmware/call", "firmware/notice"},
	{"firmware/apply", "firmware/delivery"},
	{"firmware/api", "firmware/stick", "firmware/pull"},
	{"firmware/cli", "firmware/evidence"},
	{"firmware"},
}

// outside are folders that drive the product from outside or serve its tests; nothing of the product may import them.
var outside = []string{"scripts", "firmware/api/internal/devserver", "firmware/api/openapi", "firmware/siptest", "webui/tests"}

// thinking packages judge and reckon. They touch no socket, disk or clock and start no goroutine.
var thinking = []string{
	"firmware/numbering", "firmware/calendar", "firmware/event", "firmware/policy", "firmware/route", "firmware/admission", "firmware/fraud", "firmware/access", "firmware/sdp", "firmware/eventbody",
	"firmware/header", "firmware/nat", "firmware/rotation", "firmware/stun", "firmware/multipart", "firmware/g711", "firmware/quality", "firmware/doctor", "firmware/load", "firmware/credential", "firmware/bundle",
	"firmware/stir", "firmware/evidence", "board/exfat",
}

// pkg is one package of the module as its files say.
type pkg struct {
	path    string // below the module
	files   []*ast.File
	imports map[string]bool // below the module for our own, full for others
	comment bool
}

const module = "tollgate/"

// packages reads every Go package of the module, tests left out.
func packages(t *testing.T) map[string]*pkg {
	t.Helper()
	root := ".."
	found := map[string]*pkg{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "out" || nestedModule(path)) {
			return fs.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		p := found[dir]
		if p == nil {
			p = &pkg{path: dir, imports: map[string]bool{}}
			found[dir] = p
		}
		p.files = append(p.files, f)
		p.comment = p.comment || f.Doc != nil
		for _, i := range f.Imports {
			s, _ := strconv.Unquote(i.Path.Value)
			p.imports[s] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d packages found: the search is broken", len(found))
	}
	return found
}

func nestedModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// covers tells whether a name of the tables means the package at path.
func covers(name, path string) bool {
	if base, ok := strings.CutSuffix(name, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return name == path
}

func floorOf(path string) int {
	return slices.IndexFunc(floors, func(f []string) bool {
		return slices.ContainsFunc(f, func(name string) bool { return covers(name, path) })
	})
}

func isOutside(path string) bool {
	return slices.ContainsFunc(outside, func(o string) bool { return path == o || strings.HasPrefix(path, o+"/") })
}

func TestPackagesImportOnlyFromLowerFloors(t *testing.T) {
	for _, p := range packages(t) {
		if isOutside(p.path) {
			continue
		}
		floor := floorOf(p.path)
		if floor < 0 {
			t.Errorf("%s stands on no floor: give it a place in floors and in the README", p.path)
			continue
		}
		for i := range p.imports {
			ours, ok := strings.CutPrefix(i, module)
			if !ok {
				continue
			}
			if isOutside(ours) {
				t.Errorf("%s imports %s, which is not part of the product", p.path, ours)
			} else if lower := floorOf(ours); lower >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d)", p.path, floor, ours, lower)
			}
		}
	}
}

func TestNetfilterAndBoardKnowNothingOfTheFirmware(t *testing.T) {
	for _, p := range packages(t) {
		if p.path != "netfilter" && !strings.HasPrefix(p.path, "board") {
			continue
		}
		for i := range p.imports {
			if strings.HasPrefix(i, module+"firmware") {
				t.Errorf("%s imports %s", p.path, i)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		if !p.comment {
			t.Errorf("%s has no package comment: say what it does and what it leaves to others", p.path)
		}
	}
}

func TestThinkingPackagesDoNoInputOrOutput(t *testing.T) {
	forbiddenImports := []string{"net", "os", "io/ioutil", "net/http", "crypto/tls", "syscall", "golang.org/x/sys/unix", "log"}
	forbiddenCalls := []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "rand.Read"}
	all := packages(t)
	for _, name := range thinking {
		p := all[name]
		if p == nil {
			t.Errorf("%s is gone: take it off the list", name)
			continue
		}
		for _, f := range forbiddenImports {
			if p.imports[f] {
				t.Errorf("%s imports %s", name, f)
			}
		}
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine", name)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && slices.Contains(forbiddenCalls, x.Name+"."+n.Sel.Name) {
						t.Errorf("%s uses %s.%s: the moment is passed in", name, x.Name, n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestWhatShipsRunsNoOtherProgramAndHasNoInit(t *testing.T) {
	for _, p := range packages(t) {
		if isOutside(p.path) {
			continue
		}
		if p.imports["os/exec"] {
			t.Errorf("%s imports os/exec", p.path)
		}
		for _, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has an init function", p.path)
				}
			}
		}
	}
}

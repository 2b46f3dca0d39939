package main

import (
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// refusalTypes are the values by which the box says no, with the fields that must tell whoever looks why: the rule, and a
// sentence.
var refusalTypes = []struct {
	path, name string
	rule, why  string
}{
	{"firmware/call", "refusal", "rule", "reason"},
	{"firmware/admission", "Refusal", "Rule", "Reason"},
	{"firmware/access", "Verdict", "Rule", "Reason"},
	{"firmware/registrar", "fault", "rule", "reason"},
	{"firmware/edge", "refusal", "rule", "reason"},
	{"firmware/phones", "refusal", "rule", "reason"},
	{"firmware/notice", "refusal", "rule", "reason"},
}

func TestEveryRefusalNamesItsRuleAndSaysWhy(t *testing.T) {
	all := packages(t)
	for _, want := range refusalTypes {
		p, found := all[want.path], 0
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok || !isType(lit, want.name) || len(lit.Elts) == 0 || accepts(lit) {
					return true
				}
				found++
				for _, field := range []string{want.rule, want.why} {
					if v := fieldOf(lit, field, []string{want.rule, want.why}); v == nil || isEmptyText(v) {
						t.Errorf("%s: a %s without %s: %s", want.path, want.name, field, text(lit))
					}
				}
				return true
			})
		}
		if found == 0 {
			t.Errorf("%s says no nowhere: the search is broken", want.path)
		}
	}
}

// TestNoRequestIsTurnedAwayWithoutAWord holds call to it that what is answered with a failure outside any call is told.
func TestNoRequestIsTurnedAwayWithoutAWord(t *testing.T) {
	for _, f := range packages(t)["firmware/call"].files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			said := text(fn)
			if strings.Contains(said, ".Refuse(") && !strings.Contains(said, "Sink.Tell(") && !strings.Contains(said, "readiness()") {
				t.Errorf("%s refuses a request and tells nobody", fn.Name.Name)
			}
		}
	}
}

func isType(lit *ast.CompositeLit, name string) bool {
	id, ok := lit.Type.(*ast.Ident)
	return ok && id.Name == name
}

// accepts tells whether a verdict lets through.
func accepts(lit *ast.CompositeLit) bool {
	id, ok := fieldOf(lit, "Action", nil).(*ast.Ident)
	return ok && id.Name == "Accept"
}

// fieldOf returns the value of a field, by its name or, where none are named, by its place in order.
func fieldOf(lit *ast.CompositeLit, name string, order []string) ast.Expr {
	for i, e := range lit.Elts {
		switch kv, ok := e.(*ast.KeyValueExpr); {
		case ok && kv.Key.(*ast.Ident).Name == name:
			return kv.Value
		case !ok && i == slices.Index(order, name):
			return e
		}
	}
	return nil
}

func isEmptyText(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Kind == token.STRING && lit.Value == `""`
}

// text is a node as Go writes it.
func text(n ast.Node) string {
	var b strings.Builder
	if err := printer.Fprint(&b, token.NewFileSet(), n); err != nil {
		return err.Error()
	}
	return b.String()
}

// frenchWords hold what the page says in place of the box's own sentences, by the rule.
const frenchWords = "../webui/src/words/fr.ts"

// TestEveryRuleOfARefusalHasWordsInFrench reads the rules from the code and their words from the page.
func TestEveryRuleOfARefusalHasWordsInFrench(t *testing.T) {
	page, err := os.ReadFile(frenchWords)
	if err != nil {
		t.Fatal(err)
	}
	_, words, found := strings.Cut(string(page), "\n  rules: {\n")
	words, _, whole := strings.Cut(words, "\n  },\n")
	if !found || !whole {
		t.Fatalf("%s has no rules any more: the search is broken", frenchWords)
	}
	rules := map[string]bool{"trunks.caps.calls": true, "trunks.srtp": true, "pbx.srtp": true} // put together at run time
	all := packages(t)
	for _, name := range []string{"access", "admission", "call", "edge", "notice", "phones", "registrar"} {
		before := len(rules)
		for _, f := range all["firmware/"+name].files {
			rulesIn(f, rules)
		}
		if len(rules) == before && name != "notice" {
			t.Errorf("firmware/%s has no rule of its own: the search is broken", name)
		}
	}
	for rule := range rules {
		if !strings.Contains("\n"+words, "\n    '"+rule+"': ") && !strings.Contains("\n"+words, "\n    "+rule+": ") {
			t.Errorf("%s has no words for refusals by %q", frenchWords, rule)
		}
	}
}

// rulesIn adds the rules that a file names: constants called rule..., and what stands as text in a field or variable rule.
func rulesIn(f *ast.File, rules map[string]bool) {
	note := func(name string, value ast.Expr) {
		lit, ok := value.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || lit.Value == `""` {
			return
		}
		if s, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(strings.ToLower(name), "rule") {
			rules[s] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, v := range n.Values {
				note(n.Names[i].Name, v)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && len(n.Rhs) == len(n.Lhs) {
					note(id.Name, n.Rhs[i])
				}
			}
		case *ast.CompositeLit:
			if isType(n, "refusal") || isType(n, "Refusal") || isType(n, "outcome") || isType(n, "Verdict") {
				if v := fieldOf(n, "rule", nil); v != nil {
					note("rule", v)
				} else if v := fieldOf(n, "Rule", nil); v != nil {
					note("rule", v)
				}
			}
		}
		return true
	})
}

package main

import (
	"go/ast"
	"go/printer"
	"go/token"
	"slices"
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

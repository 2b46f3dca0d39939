package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

func TestTheExampleIsAccepted(t *testing.T) {
	if _, err := Parse(Example()); err != nil {
		t.Fatal(err)
	}
}

// A key nobody can find in the example does not exist for an administrator. Unknown keys are faults, so the example
// holds no invented one either.
func TestTheExampleHoldsEveryKeyAndAWordAboutIt(t *testing.T) {
	file, err := parser.ParseBytes(Example(), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	present := map[string]bool{}
	collect(file.Docs[0].Body, "", present)
	for _, key := range allKeys(reflect.TypeFor[Policy](), "") {
		if !present[key] {
			t.Errorf("the example does not have %s", key)
		}
	}
	if comments := strings.Count(example, "# "); comments < len(present) {
		t.Errorf("%d lines of comment for %d keys", comments, len(present))
	}
}

// allKeys lists the keys that the types of a policy have, lists written as [].
func allKeys(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Slice {
		return allKeys(t.Elem(), path+"[]")
	}
	if read, _ := scalarReader(reflect.New(t).Elem()); read != nil {
		return []string{path}
	}
	all := []string{}
	for i, key := range keysOf(t) {
		all = append(all, allKeys(t.Field(i).Type, join(path, key))...)
	}
	return all
}

func collect(node ast.Node, path string, present map[string]bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, entry := range n.Values {
			collect(entry.Value, join(path, keyToken(entry).Value), present)
		}
	case *ast.SequenceNode:
		for _, value := range n.Values {
			collect(value, path+"[]", present)
		}
	default:
		present[path] = true
	}
}

// A store without secrets must refuse the example, or boxes would run with a secret that everybody can read.
func TestTheExampleCannotBePutIntoForceAsItStands(t *testing.T) {
	p, err := Parse(Example())
	if err != nil {
		t.Fatal(err)
	}
	if faults := FillSecrets(p, nil); len(faults) != 7 {
		t.Errorf("FillSecrets found %v, want a fault for each of the two secrets and five keys", faults)
	}
	if _, err := p.Canonical(); err == nil {
		t.Error("Canonical wrote a policy with masked secrets")
	}
}

package policy

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// keysOf returns the keys of a mapping that a struct type stands for, in their order.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

// fieldOf finds the field that a key names.
func fieldOf(t reflect.Type, key *token.Token) (int, bool) {
	if key == nil {
		return 0, false
	}
	for i, name := range keysOf(t) {
		if name == key.Value {
			return i, true
		}
	}
	return 0, false
}

// entriesOf returns the entries of a mapping; the parser has two shapes for it.
func entriesOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func keyToken(entry *ast.MappingValueNode) *token.Token {
	if entry.Key == nil {
		return nil
	}
	return entry.Key.GetToken()
}

// firstToken returns the token a node begins with. A mapping in block style has its first colon there in the tree, and
// people look for its first key.
func firstToken(node ast.Node) *token.Token {
	if node == nil {
		return nil
	}
	if m, ok := node.(*ast.MappingNode); ok && m.IsFlowStyle {
		return m.Start
	}
	if entries, ok := entriesOf(node); ok && len(entries) > 0 {
		return keyToken(entries[0])
	}
	return node.GetToken()
}

func empty(node ast.Node) bool {
	if node == nil {
		return true
	}
	_, null := node.(*ast.NullNode)
	return null
}

// scalar is one value as it stands in the document, without quotes.
type scalar struct {
	text   string
	number bool // an integer without quotes
	truth  bool // true or false without quotes
}

// scalarOf returns the text of a scalar as it was written. A number keeps its spelling, so that +33123456789, 00 and
// 0612345678 need no quotes; true and false are no text, because somebody who writes them means something else (see truth).
func scalarOf(node ast.Node) (scalar, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return scalar{text: n.Value}, true
	case *ast.LiteralNode:
		if n.Value == nil {
			return scalar{}, true
		}
		return scalar{text: n.Value.Value}, true
	case *ast.IntegerNode:
		return scalar{text: strings.TrimSpace(n.Token.Value), number: true}, true
	case *ast.BoolNode:
		return scalar{text: strconv.FormatBool(n.Value), truth: true}, true
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return scalar{text: strings.TrimSpace(node.GetToken().Value)}, true
	}
	return scalar{}, false
}

func scalarLike(node ast.Node) bool {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode, *ast.NullNode, nil:
		return false
	}
	return true
}

// kindOf names what a node is, for people.
func kindOf(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return "text"
}

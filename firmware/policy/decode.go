package policy

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// place is where something stands in the document; both count from 1.
type place struct{ line, column int }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// decoder fills a Policy from a tree and does not stop at a fault. The YAML library's own decoder would: it tells the
// first fault only, and quotes the source line with it.
type decoder struct {
	faults Faults
	places map[string]place // where each path stands
	broken map[string]bool  // paths whose value could not be read
}

func newDecoder() *decoder {
	return &decoder{places: map[string]place{}, broken: map[string]bool{}}
}

func (d *decoder) document(p *Policy, root ast.Node) {
	d.places[""] = placeOf(firstToken(root))
	d.value(reflect.ValueOf(p).Elem(), root, "")
}

// value reads node into v. What cannot be read leaves v as it was and a fault.
func (d *decoder) value(v reflect.Value, node ast.Node, path string) {
	if _, ok := d.places[path]; !ok {
		d.places[path] = placeOf(firstToken(node))
	}
	if empty(node) {
		d.unreadable(path, node, "has no value", "give it one, or remove the key")
		return
	}
	if read, want := scalarReader(v); read != nil {
		d.scalar(v, node, path, read, want)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(v, node, path)
	case reflect.Slice:
		d.list(v, node, path)
	}
}

func (d *decoder) scalar(v reflect.Value, node ast.Node, path string, read reader, want string) {
	s, ok := scalarOf(node)
	if !ok || s.truth != (v.Kind() == reflect.Bool) {
		d.unreadable(path, node, fmt.Sprintf("is %s where %s is expected", kindOf(node), want), "")
		return
	}
	if problem, hint := read(v, s); problem != "" {
		d.unreadable(path, node, problem, hint)
	}
}

func (d *decoder) list(v reflect.Value, node ast.Node, path string) {
	if s, single := scalarOf(node); single && !s.truth && v.Type() == reflect.TypeFor[Hosts]() {
		v.Set(reflect.ValueOf(Hosts{s.text}))
		return
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		d.unreadable(path, node, fmt.Sprintf("is %s where a list is expected", kindOf(node)), "write it as [one, two], or one a line behind a dash")
		return
	}
	v.SetZero()
	if len(list.Values) > 0 {
		v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	}
	for i, element := range list.Values {
		setStatic(v.Index(i))
		if t, ok := v.Index(i).Addr().Interface().(*Trunk); ok {
			t.begin(profileIn(element))
		}
		d.value(v.Index(i), element, fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) mapping(v reflect.Value, node ast.Node, path string) {
	entries, ok := entriesOf(node)
	if !ok {
		d.unreadable(path, node, fmt.Sprintf("is %s where a mapping is expected", kindOf(node)), "its keys are "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	begin(v, entries)
	seen := map[string]place{}
	for _, entry := range entries {
		d.entry(v, entry, path, seen)
	}
}

// begin sets defaults that hang on the section being there, or on its other keys.
func begin(v reflect.Value, entries []*ast.MappingValueNode) {
	switch x := v.Addr().Interface().(type) {
	case *Phones:
		if len(entries) > 0 {
			x.begin()
		}
	case *DHCPServer:
		if len(entries) > 0 {
			x.begin()
		}
	case *HeaderRule:
		var keys []string
		for _, e := range entries {
			if key := keyToken(e); key != nil {
				keys = append(keys, key.Value)
			}
		}
		x.begin(keys)
	}
}

// entry reads one `key: value` of a mapping.
func (d *decoder) entry(v reflect.Value, entry *ast.MappingValueNode, path string, seen map[string]place) {
	key := keyToken(entry)
	at := placeOf(key)
	i, known := fieldOf(v.Type(), key)
	if !known {
		d.unknown(key, path, v.Type())
		return
	}
	name := key.Value
	child := join(path, name)
	if first, twice := seen[name]; twice {
		d.fault(child, at, fmt.Sprintf("is given twice, first in line %d", first.line), "keep one of the two")
		return
	}
	seen[name] = at
	if scalarLike(entry.Value) {
		at = placeOf(firstToken(entry.Value))
	}
	d.places[child] = at
	d.value(v.Field(i), entry.Value, child)
}

func (d *decoder) unknown(key *token.Token, path string, t reflect.Type) {
	keys := keysOf(t)
	at := placeOf(key)
	if key == nil || !looksLikeKey(key.Value) {
		d.fault(path, at, "holds something that is no key", "its keys are "+strings.Join(keys, ", "))
		return
	}
	hint := "the keys here are " + strings.Join(keys, ", ")
	if near := nearest(key.Value, keys); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.fault(join(path, key.Value), at, "is not a known key", hint)
}

// looksLikeKey tells whether a key may be repeated in a fault. Keys are plain words; anything else may be a secret that
// slipped in front of a colon.
func looksLikeKey(s string) bool {
	word := strings.TrimRight(s, "0123456789")
	if len(s) > 32 || len(s)-len(word) > 2 || word == "" {
		return false
	}
	for _, r := range word {
		if r != '_' && r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// unreadable notes that nothing of value stands at path, so that Check's complaints about it and below it are left out.
func (d *decoder) unreadable(path string, node ast.Node, problem, hint string) {
	d.broken[path] = true
	at := d.places[path]
	if at == (place{}) {
		at = placeOf(firstToken(node))
	}
	d.fault(path, at, problem, hint)
}

func (d *decoder) fault(path string, at place, problem, hint string) {
	d.faults = append(d.faults, Fault{Path: path, Line: at.line, Column: at.column, Problem: problem, Hint: hint})
}

// otherVersion returns the one fault of a document made for another Tollgate, because everything else told about it
// would be noise.
func (d *decoder) otherVersion(p *Policy) Faults {
	if p.Version == 0 || p.Version == Version {
		return nil
	}
	f := versionFault(p.Version)
	f.Line, f.Column = d.places[f.Path].line, d.places[f.Path].column
	return Faults{f}
}

// placed gives the faults of Check their places and leaves out those that follow from a value that could not be read.
func (d *decoder) placed(faults Faults) Faults {
	var kept Faults
	for _, f := range faults {
		if d.follows(f.Path) {
			continue
		}
		at := d.nearestPlace(f.Path)
		f.Line, f.Column = at.line, at.column
		kept = append(kept, f)
	}
	return kept
}

func (d *decoder) follows(path string) bool {
	for ; ; path = parent(path) {
		if d.broken[path] {
			return true
		}
		if path == "" {
			return false
		}
	}
}

// nearestPlace finds where path stands or, for a key that is missing, the mapping that should hold it.
func (d *decoder) nearestPlace(path string) place {
	for ; ; path = parent(path) {
		if at, ok := d.places[path]; ok {
			return at
		}
		if path == "" {
			return place{1, 1}
		}
	}
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// parent cuts the last key or index off a path.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

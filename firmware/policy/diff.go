package policy

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Change is one difference between two policies. Trunks, accounts and routes stand in the path by name, as in
// trunks[carrier-a].accounts[alice].secret. Old is empty for what was added, New for what was removed. Secrets are
// masked: a changed one reads *** and *** (changed).
type Change struct{ Path, Old, New string }

// String prints the change on one line.
func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("%s: added %s", c.Path, c.New)
	case c.New == "":
		return fmt.Sprintf("%s: removed %s", c.Path, c.Old)
	}
	return fmt.Sprintf("%s: %s -> %s", c.Path, c.Old, c.New)
}

// Diff lists what changes from old to new, in the order of the document. Old may be nil: then everything is added.
// What merely follows from another value is not listed beside it.
func Diff(old, new *Policy) []Change {
	if old == nil {
		old = &Policy{}
	}
	var d differ
	d.mapping("", reflect.ValueOf(old.unfilled()).Elem(), reflect.ValueOf(new.unfilled()).Elem())
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(path, old, new string) {
	if old != new {
		d.changes = append(d.changes, Change{path, old, new})
	}
}

func (d *differ) mapping(path string, old, new reflect.Value) {
	for i := range old.NumField() {
		d.value(join(path, old.Type().Field(i).Tag.Get("yaml")), old.Field(i), new.Field(i))
	}
}

func (d *differ) value(path string, old, new reflect.Value) {
	switch {
	case reflect.DeepEqual(old.Interface(), new.Interface()):
	case old.Kind() == reflect.Slice && nameField(old.Type().Elem()) >= 0:
		d.named(path, old, new)
	case old.Kind() == reflect.Slice:
		d.list(path, old, new)
	case old.Type() == reflect.TypeFor[Secret]():
		d.secret(path, old, new)
	default:
		if _, isScalar := shown(old); isScalar {
			d.scalar(path, old, new)
			return
		}
		d.mapping(path, old, new)
	}
}

func (d *differ) scalar(path string, old, new reflect.Value) {
	before, _ := shown(old)
	after, _ := shown(new)
	d.add(path, before, after)
}

func (d *differ) secret(path string, old, new reflect.Value) {
	before, after := old.Interface().(Secret).String(), new.Interface().(Secret).String()
	if before == after {
		after += " (changed)"
	}
	d.add(path, before, after)
}

// nameField returns the field by which elements of a list are told apart, or -1.
func nameField(t reflect.Type) int {
	switch t {
	case reflect.TypeFor[Trunk](), reflect.TypeFor[Route](), reflect.TypeFor[CallerGroup](), reflect.TypeFor[CallRule](), reflect.TypeFor[CallCap]():
		f, _ := t.FieldByName("Name")
		return f.Index[0]
	case reflect.TypeFor[Reservation]():
		f, _ := t.FieldByName("MAC")
		return f.Index[0]
	case reflect.TypeFor[Account]():
		f, _ := t.FieldByName("User")
		return f.Index[0]
	}
	return -1
}

// named compares lists whose elements have names: what was removed, then what is there now, then the order.
func (d *differ) named(path string, old, new reflect.Value) {
	before, after := byName(old), byName(new)
	blank := reflect.New(old.Type().Elem()).Elem()
	for _, name := range before.order {
		if _, kept := after.value[name]; !kept {
			d.mapping(fmt.Sprintf("%s[%s]", path, name), before.value[name], blank)
		}
	}
	for _, name := range after.order {
		was, there := before.value[name]
		if !there {
			was = blank
		}
		d.mapping(fmt.Sprintf("%s[%s]", path, name), was, after.value[name])
	}
	if slices.Equal(sorted(before.order), sorted(after.order)) {
		d.add(path, strings.Join(before.order, ", "), strings.Join(after.order, ", "))
	}
}

type nameList struct {
	order []string
	value map[string]reflect.Value
}

func byName(list reflect.Value) nameList {
	n := nameList{value: map[string]reflect.Value{}}
	field := nameField(list.Type().Elem())
	for i := range list.Len() {
		name := list.Index(i).Field(field).String()
		n.order = append(n.order, name)
		n.value[name] = list.Index(i)
	}
	return n
}

// longList is where a list is no longer shown whole.
const longList = 8

// list compares lists of plain values. Long ones show what was added and removed only, because a trunk may own a
// thousand numbers.
func (d *differ) list(path string, old, new reflect.Value) {
	before, after := texts(old), texts(new)
	if len(before) > longList || len(after) > longList {
		removed, added := without(before, after), without(after, before)
		if len(removed)+len(added) > 0 {
			before, after = removed, added
		}
	}
	was, is := shortened(before), shortened(after)
	if was == is {
		is += " (in another order)"
	}
	d.add(path, was, is)
}

func texts(list reflect.Value) []string {
	all := make([]string, list.Len())
	for i := range all {
		if rule, ok := list.Index(i).Interface().(HeaderRule); ok {
			all[i] = rule.String()
			continue
		}
		all[i], _ = shown(list.Index(i))
	}
	return all
}

func without(list, other []string) []string {
	drop := map[string]bool{}
	for _, s := range other {
		drop[s] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return drop[s] })
}

func shortened(list []string) string {
	if len(list) > longList {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:longList], ", "), len(list)-longList)
	}
	return strings.Join(list, ", ")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// shown returns a value as a change shows it. Certificates show as their number and a fingerprint.
func shown(v reflect.Value) (string, bool) {
	w := writer{secret: Secret.String}
	text, isScalar := w.text(v)
	switch {
	case !isScalar:
		return "", false
	case v.IsZero():
		return "", true
	case strings.Contains(text, "\n"):
		list, _ := certificates(text)
		return fmt.Sprintf("certificates: %d (SHA-256 of all: %x)", len(list), sha256.Sum256([]byte(text))), true
	}
	return text, true
}

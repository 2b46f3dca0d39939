package netfilter

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
)

// elementsAMessage keeps the elements of one message within the 16 bits of a netlink length, which otherwise wraps
// without an error. A range is two elements.
const elementsAMessage = 400

// addSet defines the set with its elements.
func (k *kernel) addSet(s set) error {
	def := k.setOf(s)
	if err := k.conn.AddSet(def, nil); err != nil {
		return fmt.Errorf("define set %s: %w", s.name, err)
	}
	return k.elements(def, s, s.elements, k.conn.SetAddElements)
}

// setOf returns what the library calls the set.
func (k *kernel) setOf(s set) *nftables.Set {
	if s.verdicts != nil {
		return &nftables.Set{
			Table: k.table, Name: s.name, KeyType: s.keyType(), IsMap: true, DataType: nftables.TypeVerdict, HasTimeout: true, Comment: clean(s.why),
		}
	}
	return &nftables.Set{
		Table: k.table, Name: s.name, KeyType: s.keyType(), KeyByteOrder: binaryutil.BigEndian,
		Interval: s.interval, Concatenation: len(s.types) > 1,
		Comment: clean(s.why), Dynamic: s.dynamic, HasTimeout: s.timed || s.timeout > 0, Timeout: s.timeout, Size: s.size,
	}
}

// change adds and removes elements of one set; it is sent with the next flush. Each element to be removed is added
// first, because removing one that is missing would fail the whole transaction.
func (k *kernel) change(s set, add, remove []element) error {
	def := k.setOf(s)
	if err := k.elements(def, s, remove, k.conn.SetAddElements); err != nil {
		return err
	}
	if err := k.elements(def, s, remove, k.conn.SetDeleteElements); err != nil {
		return err
	}
	return k.elements(def, s, add, k.conn.SetAddElements)
}

// elements hands the elements on in portions that fit a message.
func (k *kernel) elements(def *nftables.Set, s set, list []element,
	do func(*nftables.Set, []nftables.SetElement) error) error {
	var keys []nftables.SetElement
	for _, e := range list {
		keys = s.appendKeys(keys, e)
	}
	for portion := range slices.Chunk(keys, elementsAMessage) {
		if err := do(def, portion); err != nil {
			return fmt.Errorf("elements of set %s: %w", s.name, err)
		}
	}
	return nil
}

// appendKeys adds an element as the kernel keeps it: a hash has keys; a concatenation of ranges has first and last; a
// plain range has its start and, as an element of its own, the key after its end, unless that would lie past the last.
func (s set) appendKeys(keys []nftables.SetElement, e element) []nftables.SetElement {
	switch {
	case !s.interval:
		return append(keys, nftables.SetElement{Key: e.first, Timeout: e.timeout})
	case len(s.types) > 1:
		return append(keys, nftables.SetElement{Key: e.first, KeyEnd: e.last})
	}
	keys = append(keys, nftables.SetElement{Key: e.first, Timeout: e.timeout})
	if after := next(e.last); after != nil {
		keys = append(keys, nftables.SetElement{Key: after, IntervalEnd: true})
	}
	return keys
}

// next returns the key after this one, or nil after the last.
func next(key []byte) []byte {
	after := slices.Clone(key)
	for i := len(after) - 1; i >= 0; i-- {
		after[i]++
		if after[i] != 0 {
			return after
		}
	}
	return nil
}

// sameKind tells whether the kernel's set is defined like s, whatever it holds.
func (s set) sameKind(def *nftables.Set) bool {
	t := s.keyType()
	if s.verdicts != nil || def.IsMap {
		return s.verdicts != nil && def.IsMap && def.HasTimeout && def.KeyType.Name == t.Name
	}
	return def.KeyType.Name == t.Name && def.KeyType.Bytes == t.Bytes && def.Interval == s.interval &&
		def.Dynamic == s.dynamic && def.HasTimeout == (s.timed || s.timeout > 0) && def.Timeout == s.timeout && def.Size == s.size
}

// held turns what the kernel has in the set back into elements; see appendKeys. It fails on what nobody can have put there
// by whole elements, such as an end without a start.
func (s set) held(keys []nftables.SetElement) ([]element, bool) {
	var list []element
	if !s.interval || len(s.types) > 1 {
		for _, k := range keys {
			last := k.KeyEnd
			if !s.interval {
				last = k.Key
			}
			list = append(list, element{first: k.Key, last: last, timeout: k.Expires})
		}
		return list, true
	}
	slices.SortFunc(keys, func(a, b nftables.SetElement) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 || a.IntervalEnd == b.IntervalEnd {
			return c
		}
		if a.IntervalEnd {
			return -1
		}
		return 1
	})
	for len(keys) > 0 {
		first := keys[0]
		keys = keys[1:]
		last := bytes.Repeat([]byte{0xff}, len(first.Key))
		if len(keys) > 0 && keys[0].IntervalEnd {
			last = before(keys[0].Key)
			keys = keys[1:]
		} else if len(keys) > 0 {
			return nil, false
		}
		if first.IntervalEnd {
			return nil, false
		}
		list = append(list, element{first: first.Key, last: last, timeout: first.Expires})
	}
	return list, true
}

// before returns the key before this one.
func before(key []byte) []byte {
	b := slices.Clone(key)
	for i := len(b) - 1; i >= 0; i-- {
		b[i]--
		if b[i] != 0xff {
			break
		}
	}
	return b
}

// without returns the elements of list that are not in other.
func without(list, other []element) []element {
	others := make(map[string]bool, len(other))
	for _, e := range other {
		others[e.key()] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(e element) bool { return others[e.key()] })
}

// key tells elements of one set apart.
func (e element) key() string { return string(e.first) + string(e.last) }

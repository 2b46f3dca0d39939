package netfilter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// errForeign tells that the table of our name is somebody else's.
var errForeign = errors.New("a table of this name exists that Tollgate did not make; remove it or choose another name")

// present is what the kernel has of the table.
type present struct {
	exists   bool
	chains   map[string]*nftables.Chain
	sets     map[string]*nftables.Set
	counters map[string]Counter
}

// read tells what the kernel has of the table. A table that lacks the marker, and is not empty, is an error.
func (k *kernel) read() (present, error) {
	if err := k.ready(); err != nil {
		return present{}, err
	}
	p, err := k.readTable()
	if err != nil && !errors.Is(err, errForeign) {
		err = errors.Join(err, k.reopen())
	}
	return p, err
}

func (k *kernel) readTable() (present, error) {
	p := present{chains: map[string]*nftables.Chain{}, sets: map[string]*nftables.Set{}}
	tables, err := k.conn.ListTablesOfFamily(k.table.Family)
	if err != nil {
		return p, fmt.Errorf("list tables (this needs CAP_NET_ADMIN, and nf_tables in the kernel): %w", err)
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == k.table.Name }) {
		return p, nil
	}
	p.exists = true
	chains, err := k.conn.ListChainsOfTableFamily(k.table.Family)
	if err != nil {
		return p, fmt.Errorf("list chains: %w", err)
	}
	for _, c := range chains {
		if c.Table.Name == k.table.Name {
			p.chains[c.Name] = c
		}
	}
	sets, err := k.conn.GetSets(k.table)
	if err != nil {
		return p, fmt.Errorf("list sets: %w", err)
	}
	for _, s := range sets {
		s.Table = k.table
		p.sets[s.Name] = s
	}
	if p.counters, err = k.readCounters(); err != nil {
		return p, err
	}
	if p.chains[marker] == nil && len(p.chains)+len(p.sets)+len(p.counters) > 0 {
		return p, errForeign
	}
	return p, nil
}

// counters reads the named counters of the table.
func (k *kernel) counters() (map[string]Counter, error) {
	if err := k.ready(); err != nil {
		return nil, err
	}
	counters, err := k.readCounters()
	if err != nil {
		return nil, errors.Join(err, k.reopen())
	}
	return counters, nil
}

func (k *kernel) readCounters() (map[string]Counter, error) {
	objects, err := k.conn.GetObjects(k.table)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	values := make(map[string]Counter, len(objects))
	for _, o := range objects {
		if c, ok := o.(*nftables.CounterObj); ok {
			values[c.Name] = Counter{Name: c.Name, Packets: c.Packets, Bytes: c.Bytes}
		}
	}
	return values, nil
}

// difference is what has to change in a set that stays.
type difference struct{ add, remove []element }

// compareSets tells for each set of the table that the ruleset has too, and of the same kind, how they differ.
func (k *kernel) compareSets(have present, r Ruleset) (map[string]difference, error) {
	kept := map[string]difference{}
	for _, want := range r.sets {
		def, ok := have.sets[want.name]
		switch {
		case !ok || !want.sameKind(def):
			continue
		case want.dynamic || want.timed || want.verdicts != nil: // rules fill it, or Ban does; what Ban filled in is not read at each change of the policy
			kept[want.name] = difference{}
			continue
		}
		keys, err := k.conn.GetSetElements(def)
		if err != nil {
			return nil, fmt.Errorf("read set %s: %w", want.name, err)
		}
		if held, ok := want.held(keys); ok {
			kept[want.name] = difference{without(want.elements, held), without(held, want.elements)}
		}
	}
	return kept, nil
}

// heldIn reads the elements that the table has in a set; none when it has no such set.
func (k *kernel) heldIn(want set, have present) ([]element, error) {
	def, ok := have.sets[want.name]
	if !ok || !want.sameKind(def) {
		return nil, nil
	}
	keys, err := k.conn.GetSetElements(def)
	if err != nil {
		return nil, fmt.Errorf("read set %s: %w", want.name, err)
	}
	list, _ := want.held(keys)
	return list, nil
}

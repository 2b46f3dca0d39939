package netfilter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
)

const (
	// socketBuffer holds the acknowledgements of a whole batch; with less, the kernel says ENOBUFS for a batch that
	// it did commit.
	socketBuffer = 16 << 20
	// elementsAMessage keeps the elements of one message within the 16 bits of a netlink length, which otherwise wraps
	// without an error. A range is two elements.
	elementsAMessage = 400
)

// errForeign tells that the table of our name is somebody else's.
var errForeign = errors.New("a table of this name exists that Tollgate did not make; remove it or choose another name")

// kernel is the connection to nf_tables. It is for one caller at a time.
type kernel struct {
	conn  *nftables.Conn
	table *nftables.Table
}

func dial(table string) (*kernel, error) {
	k := &kernel{table: &nftables.Table{Name: table, Family: nftables.TableFamilyINet}}
	if err := k.reopen(); err != nil {
		return nil, err
	}
	return k, nil
}

// reopen starts afresh on a new socket. After an error the old one may still hold answers to earlier questions.
func (k *kernel) reopen() error {
	k.close()
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetReadBuffer(socketBuffer), c.SetWriteBuffer(socketBuffer))
	}))
	if err != nil {
		return fmt.Errorf("open netlink to nf_tables: %w", err)
	}
	k.conn = conn
	return nil
}

// ready opens the socket where there is none, as after an error that could not be mended at once.
func (k *kernel) ready() error {
	if k.conn != nil {
		return nil
	}
	return k.reopen()
}

func (k *kernel) close() {
	if k.conn != nil {
		_ = k.conn.CloseLasting() // nothing is pending on it
		k.conn = nil
	}
}

// flush sends what was collected as one transaction.
func (k *kernel) flush() error {
	err := k.conn.Flush()
	if err != nil {
		return errors.Join(err, k.reopen())
	}
	return nil
}

// ours tells whether the table exists, and refuses one that lacks the marker, unless it is empty.
func (k *kernel) ours() (exists bool, err error) {
	if err := k.ready(); err != nil {
		return false, err
	}
	tables, err := k.conn.ListTablesOfFamily(k.table.Family)
	if err != nil {
		return false, errors.Join(fmt.Errorf("list tables (CAP_NET_ADMIN and nf_tables in the kernel are needed): %w", err), k.reopen())
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == k.table.Name }) {
		return false, nil
	}
	chains, err := k.conn.ListChainsOfTableFamily(k.table.Family)
	if err != nil {
		return true, errors.Join(fmt.Errorf("list chains: %w", err), k.reopen())
	}
	chains = slices.DeleteFunc(chains, func(c *nftables.Chain) bool { return c.Table.Name != k.table.Name })
	if len(chains) > 0 && !slices.ContainsFunc(chains, func(c *nftables.Chain) bool { return c.Name == marker }) {
		return true, errForeign
	}
	return true, nil
}

// counters reads the named counters of the table.
func (k *kernel) counters() (map[string]Counter, error) {
	if err := k.ready(); err != nil {
		return nil, err
	}
	objects, err := k.conn.GetObjects(k.table)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read counters: %w", err), k.reopen())
	}
	values := make(map[string]Counter, len(objects))
	for _, o := range objects {
		if c, ok := o.(*nftables.CounterObj); ok {
			values[c.Name] = Counter{Name: c.Name, Packets: c.Packets, Bytes: c.Bytes}
		}
	}
	return values, nil
}

// replace puts the ruleset in the place of what the table held, in one transaction: the kernel works by the old one
// until it works by the new one. Deleting the table, and not only its rules, is what removes the base chains of an
// earlier layout. Counters start at the values given; extra holds further elements by set.
func (k *kernel) replace(r Ruleset, values map[string]Counter, extra map[string][]element) error {
	k.clear()
	k.conn.AddTable(k.table)
	for _, c := range r.counters {
		v := values[c.Name]
		k.conn.AddObj(&nftables.CounterObj{Table: k.table, Name: c.Name, Packets: v.Packets, Bytes: v.Bytes})
	}
	for _, s := range r.sets {
		if err := k.addSet(s, extra[s.name]); err != nil {
			return errors.Join(err, k.reopen())
		}
	}
	for _, c := range r.chains { // all before the first rule, for rules lead from one to another
		k.addChain(c)
	}
	for _, c := range r.chains {
		for _, rule := range c.rules {
			k.addRule(c, rule)
		}
	}
	return k.flush()
}

// remove deletes the table.
func (k *kernel) remove() error {
	k.clear()
	return k.flush()
}

// clear collects the deletion of the table. Adding it first makes that succeed where there is none.
func (k *kernel) clear() {
	k.conn.AddTable(k.table)
	k.conn.DelTable(k.table)
}

func (k *kernel) addSet(s set, extra []element) error {
	def := k.setOf(s)
	if err := k.conn.AddSet(def, nil); err != nil {
		return fmt.Errorf("define set %s: %w", s.name, err)
	}
	return k.elements(def, s, slices.Concat(s.elements, extra), k.conn.SetAddElements)
}

// setOf returns what the library calls the set.
func (k *kernel) setOf(s set) *nftables.Set {
	return &nftables.Set{
		Table: k.table, Name: s.name, KeyType: s.keyType(), KeyByteOrder: binaryutil.BigEndian,
		Interval: s.interval, Concatenation: len(s.types) > 1,
		Dynamic: s.dynamic, HasTimeout: s.timeout > 0, Timeout: s.timeout, Size: s.size,
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
		keys = append(keys, s.keys(e)...)
	}
	for portion := range slices.Chunk(keys, elementsAMessage) {
		if err := do(def, portion); err != nil {
			return fmt.Errorf("elements of set %s: %w", s.name, err)
		}
	}
	return nil
}

// keys returns an element as the kernel keeps it: a hash has keys; a concatenation of ranges has first and last; a
// plain range has its start and, as an element of its own, the key after its end, unless that would lie past the last.
func (s set) keys(e element) []nftables.SetElement {
	switch {
	case !s.interval:
		return []nftables.SetElement{{Key: e.first}}
	case len(s.types) > 1:
		return []nftables.SetElement{{Key: e.first, KeyEnd: e.last}}
	}
	keys := []nftables.SetElement{{Key: e.first}}
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

func (k *kernel) addChain(c *chain) {
	def := &nftables.Chain{Table: k.table, Name: c.name}
	if c.hook != nil {
		policy := nftables.ChainPolicyAccept
		if c.policy == drop() {
			policy = nftables.ChainPolicyDrop
		}
		def.Type, def.Hooknum, def.Policy = nftables.ChainTypeFilter, c.hook, &policy
		def.Priority = nftables.ChainPriorityRef(nftables.ChainPriority(c.priority))
	}
	k.conn.AddChain(def)
}

func (k *kernel) addRule(c *chain, r rule) {
	def := &nftables.Rule{Table: k.table, Chain: &nftables.Chain{Table: k.table, Name: c.name}, Exprs: compile(r.statements)}
	if r.comment != "" {
		def.UserData = userdata.AppendString(nil, userdata.TypeComment, r.comment)
	}
	k.conn.AddRule(def)
}

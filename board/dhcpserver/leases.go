// Package dhcpserver lends IPv4 addresses to the telephones on one port (RFC 2131), and tells them where SIP is spoken
// (RFC 3361) and where their settings are.
//
//	wire ──► Server ──► pace ──► table ──► answer
//	           │ asks, before it begins and then each hour, whether another server answers there: then it is silent
//	           ▼
//	         Keep     the leases for the next start, a minute after a new one, else each hour
//
// A client is known by its identifier, or else by its hardware address, and gets the same address again for as long as that
// is free. Before it is offered one that it does not have yet, it is asked on the link whether somebody has that by hand (Server.Probe);
// such an address is set aside. Relay agents are not answered: the box lends on its own link alone. It speaks through a raw socket on that port:
// the packet filter need not let anything in, and a client is reached that has no address yet.
//
// It leaves to others which addresses are lent, where leases are kept, and how it is asked who has an address.
package dhcpserver

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Config is what is lent, and where.
type Config struct {
	Interface   string
	Own         netip.Prefix // the box's address there, and the network's prefix
	First, Last netip.Addr   // what is lent to anybody
	Length      time.Duration
	Router      netip.Addr // zero: none
	DNS, Time   []netip.Addr
	Domain      string
	SIP         []string // addresses alone, or names alone
	// Provisioning is where settings are, as text (option 66) and as addresses (option 150).
	Provisioning          string
	ProvisioningAddresses []netip.Addr
	// Reserved are addresses for one machine each, by its hardware address in small letters.
	Reserved map[string]netip.Addr
}

// Lease is an address that is lent, or was.
type Lease struct {
	Client   string     `json:"client"`   // who has it: see key
	Hardware string     `json:"hardware"` // its hardware address
	Address  netip.Addr `json:"address"`
	Name     string     `json:"name"` // what the client calls itself; may be empty
	Until    time.Time  `json:"until"`
	Reserved bool       `json:"-"` // the configuration reserves the address for it
}

// Times of what is not lent yet, and not any more.
const (
	offerTime = time.Minute // an address is held for who has been offered it
	asideTime = time.Hour   // an address is not lent that was found in use
)

// entry is what is known of one address.
type entry struct {
	Lease
	offered time.Time // held until then for a client that has been offered it
	proved  time.Time // when it was asked for on the link, and nobody had it
	aside   time.Time // not lent until then
	user    string    // the hardware address of who has it, while it is set aside; may be empty
}

func (e *entry) held(now time.Time) bool {
	return now.Before(e.Until) || now.Before(e.offered) || now.Before(e.aside)
}

// table is who has which address. It has one entry at most for each address that can be lent.
type table struct {
	c       Config
	entries map[netip.Addr]*entry
	of      map[string]netip.Addr // by client
	owners  map[netip.Addr]string // reserved addresses, by whose they are
	news    bool                  // a lease has come or gone that was not kept
	renewed bool                  // one has been prolonged
	strange []Aside               // set aside since they were told last
}

// newTable takes up leases of before, as far as their addresses can still be lent.
func newTable(c Config, known []Lease) *table {
	t := &table{c: c, entries: map[netip.Addr]*entry{}, of: map[string]netip.Addr{}, owners: map[netip.Addr]string{}}
	for hardware, a := range c.Reserved {
		t.owners[a] = hardware
	}
	for _, l := range known {
		if t.entries[l.Address] == nil && t.mayHave(l.Address, l.Hardware) {
			t.give(l.Address, l)
		}
	}
	return t
}

// mayHave tells whether an address can be lent to a machine at all.
func (t *table) mayHave(a netip.Addr, hardware string) bool {
	if owner, reserved := t.owners[a]; reserved {
		return owner == hardware
	}
	return a.Is4() && a != t.c.Own.Addr() && !a.Less(t.c.First) && !t.c.Last.Less(a)
}

// free tells whether a client can have an address now.
func (t *table) free(a netip.Addr, client, hardware string, now time.Time) bool {
	if !t.mayHave(a, hardware) {
		return false
	}
	e := t.entries[a]
	switch {
	case e == nil || !e.held(now):
		return true
	case now.Before(e.aside):
		return false
	}
	return e.Client == client || t.owners[a] == hardware // which may call itself otherwise when it starts
}

// choose finds the address for a client: the one that is reserved, the one that it has or had, the one it wants, one that
// nobody has had, or the one that has been free for longest. The zero value: there is none.
func (t *table) choose(client, hardware string, wanted netip.Addr, now time.Time) netip.Addr {
	for _, a := range []netip.Addr{t.c.Reserved[hardware], t.of[client], wanted} {
		if a.IsValid() && t.free(a, client, hardware, now) {
			return a
		}
	}
	var oldest netip.Addr
	for a := t.c.First; !t.c.Last.Less(a); a = a.Next() {
		e := t.entries[a]
		switch {
		case !t.free(a, client, hardware, now):
		case e == nil:
			return a
		case !oldest.IsValid() || e.Until.Before(t.entries[oldest].Until):
			oldest = a
		}
	}
	return oldest
}

// give writes an address to a client, which loses any other.
func (t *table) give(a netip.Addr, l Lease) *entry {
	if before, ok := t.of[l.Client]; ok && before != a {
		delete(t.entries, before)
	}
	if e := t.entries[a]; e != nil && e.Client != l.Client {
		delete(t.of, e.Client)
	}
	e := &entry{Lease: l}
	e.Address = a
	t.entries[a], t.of[l.Client] = e, a
	return e
}

// offer holds an address for a client for a while.
func (t *table) offer(a netip.Addr, l Lease, now time.Time) {
	var proved time.Time
	if e := t.entries[a]; e != nil && e.Client == l.Client {
		l.Until, proved = e.Until, e.proved
	}
	e := t.give(a, l)
	e.offered, e.proved = now.Add(offerTime), proved
}

// lend lends an address from now on.
func (t *table) lend(a netip.Addr, l Lease, now time.Time) {
	before := t.entries[a]
	same := before != nil && before.Client == l.Client && now.Before(before.Until)
	t.news, t.renewed = t.news || !same, true
	l.Until = now.Add(t.c.Length)
	t.give(a, l)
}

// giveBack ends a lease. The client gets the same address when it comes back, unless somebody else has it by then.
func (t *table) giveBack(client string, now time.Time) {
	if e := t.entries[t.of[client]]; e != nil && now.Before(e.Until) {
		e.Until, e.offered = now, time.Time{}
		t.news = true
	}
}

// leases lists those that run, by address; with all, those too that are over.
func (t *table) leases(now time.Time, all bool) []Lease {
	var list []Lease
	for _, e := range t.entries {
		if now.Before(e.Until) || all && !e.Until.IsZero() {
			l := e.Lease
			_, l.Reserved = t.owners[l.Address]
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b Lease) int { return cmp.Or(a.Address.Compare(b.Address), strings.Compare(a.Client, b.Client)) })
	return list
}

// pace bounds what is answered: so many messages of one client, and of all, in each while.
type pace struct {
	since time.Time
	of    map[string]int
	all   int
}

const (
	paceTime   = 10 * time.Second
	paceClient = 8
	paceAll    = 400
)

// allow counts a message of a client, and tells whether it is to be answered.
func (p *pace) allow(hardware string, now time.Time) bool {
	if p.of == nil || now.Sub(p.since).Abs() >= paceTime {
		p.since, p.of, p.all = now, map[string]int{}, 0
	}
	if p.all >= paceAll || p.of[hardware] >= paceClient {
		return false
	}
	p.all++
	p.of[hardware]++
	return true
}

// Package mdns gives the box a name on the office's link, without a name server (RFC 6762): tollgate.local, or another one when
// that is taken.
//
//	probe three times ─► somebody has it: the next name ─► announce ─► answer questions, defend ─► goodbye
//
// It speaks over IPv4, to 224.0.0.251, and over IPv6, to ff02::fb, on one port, through raw sockets with filters of their own: the
// packet filter need not let anything in, and no packet of another kind wakes the box. It answers hosts of the office's networks
// alone, and over IPv6 those that speak from a link-local address, which no router passes on. It says the addresses it was given,
// and no others: not its own link-local one unless it was given that, which section 6.2 would have, for where nothing answers
// nobody is to be sent.
//
// It leaves to others which addresses those are, and what answers there.
package mdns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Lifetimes of what is said, in seconds (RFC 6762 section 10: 120 s for what holds a host's name or address).
const (
	lifetime       = 120
	legacyLifetime = 10      // for who asks as of any name server (section 6.7)
	flush          = 1 << 15 // in a record's class: others of this name are out of date (section 10.2)
	unicast        = 1 << 15 // in a question's class: the answer may come by unicast (section 5.4)
)

// records are the box's own: one for each address, of a name that ends with a dot.
func records(name string, own []netip.Addr, ttl uint32, class uint16) (list []dns.RR) {
	for _, a := range own {
		h := dns.RR_Header{Name: name, Class: class, Ttl: ttl}
		if a.Is4() {
			h.Rrtype = dns.TypeA
			list = append(list, &dns.A{Hdr: h, A: a.AsSlice()})
		} else {
			h.Rrtype = dns.TypeAAAA
			list = append(list, &dns.AAAA{Hdr: h, AAAA: a.AsSlice()})
		}
	}
	return list
}

// absence says which kinds of addresses the name has, and so that there is nothing else: who has asked for it need not wait
// (RFC 6762 section 6.1).
func absence(name string, own []netip.Addr) *dns.NSEC {
	n := &dns.NSEC{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET | flush, Ttl: lifetime}, NextDomain: name}
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if has(own, kind) {
			n.TypeBitMap = append(n.TypeBitMap, kind)
		}
	}
	return n
}

// has tells whether there is an address that records of this kind are for.
func has(own []netip.Addr, kind uint16) bool {
	return slices.ContainsFunc(own, func(a netip.Addr) bool { return kind == dns.TypeA && a.Is4() || kind == dns.TypeAAAA && a.Is6() })
}

// question asks whether somebody has the name, and says what the box would answer (RFC 6762 section 8.1).
func question(name string, own []netip.Addr) *dns.Msg {
	m := &dns.Msg{Question: []dns.Question{{Name: name, Qtype: dns.TypeANY, Qclass: dns.ClassINET | unicast}}}
	m.Ns = records(name, own, lifetime, dns.ClassINET)
	return m
}

// announcement tells everybody the box's addresses; with ttl 0, that they are no more (RFC 6762 sections 8.3 and 10.1).
func announcement(name string, own []netip.Addr, ttl uint32) *dns.Msg {
	m := &dns.Msg{Answer: records(name, own, ttl, dns.ClassINET|flush)}
	m.Response, m.Authoritative = true, true
	return m
}

// answer replies to a question; nil when it is not for the box. legacy is for who did not ask from port 5353: it wants to see
// its own question again, and nothing that other name servers do not say (RFC 6762 section 6.7). direct tells that the answer
// is for the one who asked alone.
func answer(m *dns.Msg, name string, own []netip.Addr, legacy bool) (reply *dns.Msg, direct bool) {
	if m.Response || m.Opcode != dns.OpcodeQuery || m.Truncated {
		return nil, false
	}
	ttl, class := uint32(lifetime), uint16(dns.ClassINET|flush)
	if legacy {
		ttl, class = legacyLifetime, dns.ClassINET
	}
	reply, direct = &dns.Msg{}, true
	lacks := false
	for _, q := range m.Question {
		if !strings.EqualFold(q.Name, name) || q.Qclass&^unicast != dns.ClassINET && q.Qclass&^unicast != dns.ClassANY {
			continue
		}
		direct = direct && q.Qclass&unicast != 0
		if legacy {
			reply.Question = append(reply.Question, q)
		}
		lacks = lacks || q.Qtype != dns.TypeANY && !has(own, q.Qtype)
		for _, r := range records(name, own, ttl, class) {
			if (q.Qtype == dns.TypeANY || q.Qtype == r.Header().Rrtype) && !slices.ContainsFunc(reply.Answer, same(r)) && !known(m.Answer, r) {
				reply.Answer = append(reply.Answer, r)
			}
		}
	}
	if lacks && !legacy {
		reply.Answer = append(reply.Answer, absence(name, own))
	}
	if len(reply.Answer) == 0 {
		return nil, false
	}
	reply.Response, reply.Authoritative = true, true
	if legacy {
		reply.Id = m.Id
	}
	return reply, direct || legacy
}

// known tells whether who asks knows the answer already, and for long enough (RFC 6762 section 7.1).
func known(list []dns.RR, r dns.RR) bool {
	return slices.ContainsFunc(list, func(k dns.RR) bool { return same(r)(k) && k.Header().Ttl >= lifetime/2 })
}

// same tells records apart by what they say, whatever their lifetime.
func same(r dns.RR) func(dns.RR) bool {
	return func(other dns.RR) bool {
		return strings.EqualFold(other.Header().Name, r.Header().Name) && addressOf(other).IsValid() && addressOf(other) == addressOf(r)
	}
}

func addressOf(r dns.RR) (a netip.Addr) {
	switch r := r.(type) {
	case *dns.A:
		a, _ = netip.AddrFromSlice(r.A.To4())
	case *dns.AAAA:
		a, _ = netip.AddrFromSlice(r.AAAA.To16())
	}
	return a
}

// conflict tells whether a message says that somebody else has the name: a record of it with an address that is not the box's
// (RFC 6762 section 9). While the box probes, another one that probes for it at the same time wins if its records are the later
// ones in order (section 8.2).
func conflict(m *dns.Msg, name string, own []netip.Addr, probing bool) bool {
	foreign := func(r dns.RR) bool {
		a := addressOf(r)
		return strings.EqualFold(r.Header().Name, name) && r.Header().Ttl > 0 && a.IsValid() && !slices.Contains(own, a)
	}
	if m.Response {
		return slices.ContainsFunc(m.Answer, foreign) || slices.ContainsFunc(m.Extra, foreign)
	}
	return probing && slices.ContainsFunc(m.Ns, func(r dns.RR) bool { return foreign(r) && later(addressOf(r), own) })
}

// later tells whether an address comes after all of the box's own, IPv4 before IPv6 as the numbers of their records do.
func later(a netip.Addr, own []netip.Addr) bool {
	return !slices.ContainsFunc(own, func(o netip.Addr) bool { return a.Compare(o) < 0 })
}

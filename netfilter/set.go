package netfilter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/nftables"
)

// set is a named set: what it holds, how it is kept, and what is in it from the start.
type set struct {
	name     string
	why      string                 // what it is for
	types    []nftables.SetDatatype // more than one: concatenated
	interval bool                   // elements are ranges
	dynamic  bool                   // filled by rules; never together with interval
	timed    bool                   // filled by Filter.Ban and Block, each element with a time of its own
	timeout  time.Duration          // of what rules filled in
	size     uint32
	verdicts *verdict      // a map: where a trial leads; see trial.go
	lives    time.Duration // how long the trial has yet to go
	perLine  int           // elements nft prints on a line
	elements []element
}

// element is one range of keys, both ends included, or a single key (first == last), with nft's way to print it.
type element struct {
	text        string
	first, last []byte
	timeout     time.Duration // in a timed set; zero: for ever
}

// prefixSet holds prefixes of one family.
func prefixSet(name, why string, f family, prefixes []netip.Prefix) set {
	s := set{name: name, why: why, types: []nftables.SetDatatype{addrType(f)}, interval: true, perLine: 2}
	if f == ip6 {
		s.perLine = 1
	}
	for _, p := range ofFamily(prefixes, f) {
		s.elements = append(s.elements, element{text: prefixText(p), first: p.Addr().AsSlice(), last: lastOf(p).AsSlice()})
	}
	return s
}

// hostSet holds single addresses of one family.
func hostSet(name, why string, f family, addrs []netip.Addr) set {
	s := prefixSet(name, why, f, merge(hosts(addrs)))
	s.interval = false
	return s
}

// portSet holds ports, sorted.
func portSet(name, why string, ports []uint16) set {
	s := set{name: name, why: why, types: []nftables.SetDatatype{nftables.TypeInetService}, perLine: 5}
	for _, p := range ports {
		s.elements = append(s.elements, element{text: fmt.Sprint(p), first: port(p), last: port(p)})
	}
	return s
}

// icmpSet holds types of ICMP or ICMPv6, in the order of their numbers.
func icmpSet(name, why string, f family, kinds ...icmpType) set {
	s := set{name: name, why: why, types: []nftables.SetDatatype{nftables.TypeICMPType}, perLine: 1}
	if f == ip6 {
		s.types = []nftables.SetDatatype{nftables.TypeICMP6Type}
	}
	for _, k := range kinds {
		s.elements = append(s.elements, element{text: k.name, first: []byte{k.number}, last: []byte{k.number}})
	}
	return s
}

// shareSet is filled by rules with the sources of one family; see share.
func shareSet(name, why string, f family) set {
	return set{
		name: name, why: why, types: []nftables.SetDatatype{addrType(f)}, dynamic: true, timeout: time.Minute, size: shareSetSize,
	}
}

// shareSetSize is how many sources share at once.
const shareSetSize = 4096

// connectionSet is filled by rules with the sources that have connections; see share. The kernel takes out those that have none.
func connectionSet(name, why string, f family) set {
	s := shareSet(name, why, f)
	s.timeout = 0
	return s
}

// banSetSize is how many sources of a kind and family may be kept away: each takes some 100 bytes of the kernel's memory.
const banSetSize = 1 << 18

// kept says why sources are kept away.
type kept string

// bannedFor holds who misbehaved, each for a time; blockedFor holds what a block list names.
const (
	bannedFor  kept = "banned"
	blockedFor kept = "blocked"
)

func keptAway() []kept { return []kept{bannedFor, blockedFor} }

// banSet holds addresses of one family, or networks, that are kept away.
func banSet(k kept, f family, networks bool) set {
	why := "sources banned, each for a time"
	if k == blockedFor {
		why = "sources on the block list"
	}
	return set{
		name: banSetName(k, f, networks), why: why, types: []nftables.SetDatatype{addrType(f)}, interval: networks, timed: true, size: banSetSize, perLine: 1,
	}
}

// banSetName tells in which set an address or network is kept.
func banSetName(k kept, f family, networks bool) string {
	if networks {
		return string(k) + "_nets" + f.suffix()
	}
	return string(k) + f.suffix()
}

// pinholeSet holds source, local address and local port of live calls. Single sources lie in a hash, where one costs
// some 10 µs whatever their number; only prefixes need the interval kind, where one costs a millisecond among 1,000.
func pinholeSet(name string, f family, prefixes bool) set {
	return set{
		name:     name,
		why:      "live calls: where media comes from, and where it may go",
		types:    []nftables.SetDatatype{addrType(f), addrType(f), nftables.TypeInetService},
		interval: prefixes,
		perLine:  1,
	}
}

// pinholeElement is what a pinhole set holds for one source.
func pinholeElement(source netip.Prefix, local netip.AddrPort) element {
	key := func(source netip.Addr) []byte {
		k := make([]byte, 0, 2*16+4)
		k = appendAddr(appendAddr(k, source), local.Addr())
		return append(binary.BigEndian.AppendUint16(k, local.Port()), 0, 0) // each part fills whole registers of 4 bytes
	}
	first := key(source.Addr())
	if source.IsSingleIP() {
		return element{first: first, last: first}
	}
	return element{first: first, last: key(lastOf(source))}
}

// appendAddr adds the bytes of an address.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		v4 := a.As4()
		return append(b, v4[:]...)
	}
	v6 := a.As16()
	return append(b, v6[:]...)
}

// pinholeText is how nft prints a pinhole's element.
func pinholeText(source netip.Prefix, local netip.AddrPort) string {
	return fmt.Sprintf("%s . %s . %d", prefixText(source), local.Addr(), local.Port())
}

func addrType(f family) nftables.SetDatatype {
	if f == ip4 {
		return nftables.TypeIPAddr
	}
	return nftables.TypeIP6Addr
}

func port(p uint16) []byte { return binary.BigEndian.AppendUint16(nil, p) }

// keyType returns the type of a key, which for a concatenation is made of its parts.
func (s set) keyType() nftables.SetDatatype {
	if len(s.types) == 1 {
		return s.types[0]
	}
	t, err := nftables.ConcatSetType(s.types...)
	if err != nil {
		return nftables.TypeInvalid // more than five parts; the kernel refuses it by name
	}
	return t
}

func (s set) print(b *strings.Builder) {
	names := make([]string, len(s.types))
	for i, t := range s.types {
		names[i] = t.Name
	}
	if s.verdicts != nil {
		fmt.Fprintf(b, "\tmap %s {\n\t\ttype %s : verdict\n\t\tflags timeout\n\t\tcomment \"%s\"\n\t}\n", s.name, names[0], clean(s.why))
		return
	}
	fmt.Fprintf(b, "\tset %s {\n\t\ttype %s\n", s.name, strings.Join(names, " . "))
	if s.size > 0 {
		fmt.Fprintf(b, "\t\tsize %d\n", s.size)
	}
	switch {
	case s.interval && s.timed:
		b.WriteString("\t\tflags interval,timeout\n")
	case s.interval:
		b.WriteString("\t\tflags interval\n")
	case s.timed:
		b.WriteString("\t\tflags timeout\n")
	case s.dynamic && s.timeout == 0:
		b.WriteString("\t\tflags dynamic\n")
	case s.dynamic:
		fmt.Fprintf(b, "\t\tflags dynamic,timeout\n\t\ttimeout %dm\n", int(s.timeout.Minutes()))
	}
	fmt.Fprintf(b, "\t\tcomment \"%s\"\n", clean(s.why))
	if len(s.elements) > 0 {
		b.WriteString("\t\telements = { ")
		for i, e := range s.elements {
			switch {
			case i == 0:
			case i%s.perLine == 0:
				b.WriteString(",\n\t\t\t     ")
			default:
				b.WriteString(", ")
			}
			b.WriteString(e.text)
		}
		b.WriteString(" }\n")
	}
	b.WriteString("\t}\n")
}

// icmpType is a type of ICMP (RFC 792) or ICMPv6 (RFC 4443, 4861, 2710) with the name nft has for it.
type icmpType struct {
	name   string
	number byte
}

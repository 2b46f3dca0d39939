package policy

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// OwnAddress is an address of the box itself with its prefix length: the one that a document writes, or one that the network
// gives, which the document knows as a word alone and Placed fills in.
type OwnAddress struct {
	netip.Prefix
	By AddressBy
}

// AddressBy says who gives an address.
type AddressBy string

// Who gives it: the document itself; a DHCP server (IPv4, RFC 2131); or the router that announces itself (IPv6, RFC 4862).
const (
	ByDocument AddressBy = ""
	ByDHCP     AddressBy = "dhcp"
	ByRouter   AddressBy = "ra"
)

// Given tells whether the network gives the address.
func (a OwnAddress) Given() bool { return a.By != ByDocument }

// String prints the address for people, with the word for who gives it.
func (a OwnAddress) String() string {
	switch {
	case !a.Given():
		return a.Prefix.String()
	case !a.IsValid():
		return string(a.By)
	}
	return fmt.Sprintf("%s (%s)", a.Prefix, a.By)
}

// MarshalText prints what a document has: the word where there is one.
func (a OwnAddress) MarshalText() ([]byte, error) {
	if a.Given() {
		return []byte(a.By), nil
	}
	return a.Prefix.MarshalText()
}

// readOwnAddress reads 192.0.2.10/24, dhcp or ra.
func readOwnAddress(v reflect.Value, s scalar) (string, string) {
	switch by := AddressBy(s.text); by {
	case ByDHCP, ByRouter:
		v.Set(reflect.ValueOf(OwnAddress{By: by}))
		return "", ""
	}
	a := v.Addr().Interface().(*OwnAddress)
	problem, hint := readPrefix(reflect.ValueOf(&a.Prefix).Elem(), s)
	if problem != "" && strings.HasPrefix(hint, "write it like") {
		hint += ", or dhcp for one that a server lends"
	}
	return problem, hint
}

// Place is where one side of the box is at present.
type Place struct {
	Interface string       // the name of the port
	Address   netip.Prefix // the zero value: the document's
	Router    netip.Addr   // what the DHCP server names as the way out; zero: none
}

// Placed returns the policy with what the network decides filled in: the names of ports that the document knows by kind or
// hardware address, the addresses that are given, and what follows from them. The result can have faults that the document
// cannot (Check). p itself is left alone.
func (p *Policy) Placed(inside, outside Place) *Policy {
	q := p.clone()
	n := &q.Network
	n.Inside.Interface, n.Outside.Interface = inside.Interface, outside.Interface
	if n.Inside.Address.Given() {
		n.Inside.Address.Prefix = inside.Address
	}
	if n.Outside.Address.Given() {
		n.Outside.Address.Prefix = outside.Address
	}
	if !n.Gateway.IsValid() && n.Outside.Address.By == ByDHCP {
		n.Gateway = outside.Router
	}
	if own := n.Inside.Address.Prefix; len(n.Inside.Prefixes) == 0 && own.IsValid() {
		n.Inside.Prefixes = []netip.Prefix{own.Masked()}
	}
	q.derive(func(field, value reflect.Value) {
		if unset(field) {
			field.Set(value)
		}
	})
	return q
}

// Wandering tells whether anything of the two sides hangs on what the network says: then Placed has something to fill in.
func (n Network) Wandering() bool {
	return n.Inside.Address.Given() || n.Outside.Address.Given() || !PortName(n.Inside.Interface) || !PortName(n.Outside.Interface)
}

// The words for ports whose name nobody knows beforehand.
const (
	PortOnboard = "onboard" // the one that is part of the board
	PortUSB     = "usb"     // the one that is plugged into USB
)

// PortName tells whether a document names a port as the system does, rather than by its kind or its hardware address.
func PortName(word string) bool {
	base, _, _ := strings.Cut(word, ".")
	return base != PortOnboard && base != PortUSB && !hardware.matches(base)
}

// hardware matches the hardware address of an Ethernet port (EUI-48), such as 02:00:00:00:00:10.
var hardware = patternOf(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$`)

// ofMany tells a hardware address that stands for several ports (its first octet is odd), or for none.
func ofMany(address string) bool {
	return strings.Trim(address, "0:") == "" || strings.ContainsAny(address[1:2], "13579bBdDfF")
}

// linkName checks how a network port is named: by its kind, by its hardware address, or by the kernel's rules (dev_valid_name).
func (c *checker) linkName(path, name string) {
	if !c.required(path, name != "", "name the network port, such as eth0") {
		return
	}
	if !PortName(name) {
		c.portWord(path, name)
		return
	}
	if len(name) > 15 || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\v\f\r") || !printable(name, 15) {
		c.fault(path, "use the name that the system shows, such as eth0, or onboard, usb, or its hardware address", "%s is not the name of a network port", quoted(name))
	}
}

// portWord checks a kind of port or a hardware address, with the number of a VLAN behind it or without.
func (c *checker) portWord(path, word string) {
	base, vlan, tagged := strings.Cut(word, ".")
	if hardware.matches(base) && ofMany(base) {
		c.fault(path, "copy it from the port's label, or from the page", "%s is not the hardware address of one port", quoted(base))
		return
	}
	if number, err := strconv.Atoi(vlan); tagged && (err != nil || number < 1 || number > 4094 || strconv.Itoa(number) != vlan) {
		c.fault(path, "VLANs are numbered 1 to 4094, as in usb.12", "%s is not a VLAN", quoted(word))
	}
}

// givenAddress checks that what gives an address can give it on this side.
func (c *checker) givenAddress(path string, a OwnAddress, inside bool) {
	if inside && a.By == ByRouter {
		c.fault(path, "write an address, or dhcp", "routers are not believed inside, where every host could be one")
	}
}
